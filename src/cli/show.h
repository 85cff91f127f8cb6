// Verdicts and changes on a terminal: the summary first, then groups, then what to do next.
#pragma once

#include <span>
#include <string>

#include "epoch/load.h"
#include "epoch/outlook.h"
#include "license/table.h"
#include "proof/report.h"
#include "rules/compare.h"

namespace licet::cli {

// Counts, then one group for each requirement with its subjects; at most kShown subjects of a group unless `all`, which also lists what
// passes and what does not apply.
inline constexpr std::size_t kShown = 5;
void print_judgment(const rules::Judgment& judgment, std::string_view title, std::size_t licenses, bool all);
// The first `most` steps; 0: every one.
void print_steps(std::span<const proof::Step> steps, const rules::Judgment& judgment, std::size_t most);
void print_day(const epoch::Day& day);
[[nodiscard]] std::string outlook_json(std::span<const epoch::Day> days, const rules::Judgment& judgment, Date until);
void print_turns(std::span<const rules::Turn> turns, bool strict);
// What a proposed pack would find, as work: what would have to change, what to find out, what is met already. Says that it is not in force.
void print_proposed(std::span<const rules::Turn> turns, const rules::Pack& pack, const rules::Judgment& judgment);
void print_changes(std::span<const license::Change> changes);  // care flows that lose come first

}  // namespace licet::cli
