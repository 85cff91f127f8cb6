// The cheapest set of acts that settles everything: weighted set cover.
//
//   const rules::Cover cover = rules::cheapest(acts, findings);      // each act has a cost and the things that it settles
//   cover.chosen == {0, 3}; cover.cost == 12; cover.least == true;   // nothing cheaper settles as much
//
// The acts fall apart into groups that share nothing; each group is solved by Z3, the least there is. A group beyond `acts_most`, or one
// that takes Z3 more steps than `steps_most` (steps, not seconds: same input, same answer), is chosen greedily, and then `least` is false.
// Things that no act settles are left out. Pure; any thread. The library's headers are in internal/solve.cc alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace licet::rules {

struct Coverable {
  std::uint64_t cost = 1;
  std::vector<std::size_t> settles;  // indexes of things, each once
};
struct Cover {
  std::vector<std::size_t> chosen;  // indexes of acts, ascending
  std::uint64_t cost = 0;
  bool least = true;  // proved to be the cheapest
};
struct CoverLimits {
  std::size_t acts_most = 300;
  unsigned steps_most = 20'000'000;  // Z3's rlimit: some seconds
};

[[nodiscard]] Cover greedy(std::span<const Coverable> acts,
                           std::size_t things);  // what settles most for its cost first; then none too many
[[nodiscard]] Cover cheapest(std::span<const Coverable> acts, std::size_t things, const CoverLimits& limits = {});

}  // namespace licet::rules
