// The generalization and suppression that meets a target at least loss.
//
//   LICET_TRY(found, search(table, ladders, quasi, sensitive, {.k = 11, .suppress = 0.02}, stop));
//   if (found.met) found.levels, found.loss, found.optimal, found.kept (by row)
//
// Full-domain generalization: one level a column. The lattice of levels is walked by the least loss that a node and all above it can have
// (the mean over columns of the level's loss), so that the first bound above the best loss proves it optimal. Where a node fails by what
// only improves upward (k, distinct l; all criteria where nothing may be suppressed), all below it are passed over; the first such node on
// a path is found by bisection, as OLA (El Emam et al. 2009) and Flash (Kohlmayer et al. 2012) do; a node is grouped from the coarsest node
// below it that was grouped before. Loss: over rows, the mean of the cells' losses (Iyengar's metric, hierarchy.h); 1 for a suppressed row.
//
// Pure; one thread. `stop` is asked between checks: true ends the search with the best so far, optimal = false.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "deid/risk/hierarchy.h"
#include "deid/risk/measure.h"
#include "deid/risk/table.h"

namespace licet::deid::risk {

struct Target {
  std::uint64_t k = 1;
  std::uint64_t distinct_l = 0;  // 0: not asked; of every sensitive attribute
  double entropy_l = 0;
  std::optional<double> t;
  double suppress = 0;  // the share of rows that may be left out
  [[nodiscard]] bool asks_values() const { return distinct_l > 1 || entropy_l > 1 || t.has_value(); }
};

struct Check {
  std::vector<std::uint8_t> levels;
  bool met = false;
  double loss = 0;  // 1 where not met
  std::uint64_t suppressed = 0, classes = 0;
};

struct Found {
  bool met = false, optimal = false;
  std::vector<std::uint8_t> levels;
  double loss = 0, bound = 0;  // no node has a loss below the bound
  std::uint64_t suppressed = 0;
  std::vector<bool> kept;         // by row
  double nodes = 0;               // of the lattice
  std::uint64_t passed_over = 0;  // nodes known to fail without a check, of those that were reached
  std::vector<Check> checks;      // in order
};

// `quasi`: the columns; ladders[i] belongs to quasi[i].
[[nodiscard]] Found search(const Table& table, std::span<const Ladder> ladders, std::span<const std::size_t> quasi,
                           std::span<const std::size_t> sensitive, const Target& target, const std::function<bool()>& stop);

// The classes at those levels, of the rows that are kept (all where `kept` is empty); of_row then counts kept rows only.
[[nodiscard]] Table generalized(const Table& table, std::span<const Ladder> ladders, std::span<const std::size_t> quasi,
                                std::span<const std::uint8_t> levels, const std::vector<bool>& kept);

}  // namespace licet::deid::risk
