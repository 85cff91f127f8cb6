// Weighted set cover by Z3, of one group of acts.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "rules/cover.h"

namespace licet::rules {

// Of acts that settle all `things` between them: the cheapest that do, ascending. Empty: not found within `steps`.
[[nodiscard]] std::optional<std::vector<std::size_t>> solve(std::span<const Coverable> acts, std::size_t things, unsigned steps);

}  // namespace licet::rules
