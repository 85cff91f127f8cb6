// The documented views (docs/packs.md): what rule authors read. They are made once per judgment, as tables, from the relations.
#pragma once

#include <string_view>

namespace licet::rules {

inline constexpr std::string_view kViewsVersion = "1.1";  // semver of the views in docs/packs.md: a column is never renamed within a major

// A script over the relations' tables, `v_judged(as_of)` and `v_covers(pattern, class)`, which judge.cc fills.
[[nodiscard]] std::string_view views_sql();

}  // namespace licet::rules
