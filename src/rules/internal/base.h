// The database that rules run in: the relations as STRICT tables, the views made from them, and from then on only reads.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "rules/rules.h"
#include "stack/stack.h"
#include "store/sqlite.h"

namespace licet::rules {

// Not yet locked: the caller adds the packs' own views and then calls allow_only_reads().
[[nodiscard]] Result<store::Database> make_base(const stack::Relations& relations, Date as_of);

// The first day after as_of that any date in the relations names, or the day after it (a last day in force ends then). A superset of the
// days on which a verdict can change: judging once too often is harmless.
[[nodiscard]] std::optional<Date> next_date(const stack::Relations& relations, Date as_of);

}  // namespace licet::rules
