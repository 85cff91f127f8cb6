// What will lapse, and when, if nobody does anything: the declaration as it is, judged again on every day on which time alone changes it.
//
//   LICET_TRY(days, epoch::outlook(world, facts, {.packs = "packs", .until = date}, store::real_files()));
//   for (const epoch::Day& day : days) print(format(day.on), day.turns.size());
//
// Any thread. Takes one judgment and one compile for each such day. Errors: those of assemble(); exhausted (more than kDaysMost of them).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "epoch/load.h"
#include "license/table.h"
#include "rules/compare.h"

namespace licet::epoch {

inline constexpr std::size_t kDaysMost = 1000;

struct Turned {  // a copy of rules::Turn: the judgments of the days in between are gone
  std::optional<rules::Finding> before, after;
  bool breaks = false, mends = false;
};
struct Day {
  Date on{};
  std::vector<Turned> turns;
  std::vector<license::Change> licenses;
};

struct OutlookOptions {
  std::string packs;  // folder
  Date until{};       // the last day looked at
  bool strict = false;
};
[[nodiscard]] Result<std::vector<Day>> outlook(const World& world, std::span<const stack::Fact> facts, const OutlookOptions& options,
                                               store::FileSystem& files, const Limits& limits = {});

}  // namespace licet::epoch
