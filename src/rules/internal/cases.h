// The cases of a pack, arranged so that each world is made once and each case is judged by its own rule alone.
//
//   for (const Stand& stand : stands_of(pack)) {
//     LICET_TRY(bench, stand.open(mold));
//     for (const Pack::Case* c : stand.cases) say(off(*c, bench.judge(…)));
//   }
#pragma once

#include <string>
#include <vector>

#include "rules/internal/bench.h"

namespace licet::rules {

// One world on one day, and the cases that stand in it.
struct Stand {
  std::vector<const Pack::Case*> cases;

  [[nodiscard]] Result<Bench> open(Mold& mold) const;  // invalid_argument: the case does not load, and why
};
// Pointers are into `pack`. In the order in which the worlds first come up.
[[nodiscard]] std::vector<Stand> stands_of(const Pack& pack);

// The part of a pack that judges what is about `rule`: a case stands alone.
[[nodiscard]] Pack just(const Pack& pack, const std::string& rule);

// Empty where the judgment is what the case expects; else what it is instead.
[[nodiscard]] std::string off(const Pack::Case& c, const Judgment& judgment);

}  // namespace licet::rules
