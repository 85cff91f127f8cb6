// What differs between two judgments: of two days, two commits, two declarations or two sets of packs.
//
//   for (const rules::Turn& t : rules::compare(before, after))
//     if (t.breaks()) print(t.after->sentence());
//
// Pure; any thread; linear. Pointers are into the judgments, which must outlive the answer. Sorted by (requirement, subject).
#pragma once

#include <vector>

#include "rules/rules.h"

namespace licet::rules {

// fail and stale always; an unknown where it stands for a contract or a ground, or where `strict` counts each.
[[nodiscard]] bool amiss(const Finding& finding, bool strict = false);

struct Turn {
  const Finding* before = nullptr;  // nullptr: was not asked (another pack, a subject that was not there)
  const Finding* after = nullptr;
  [[nodiscard]] bool breaks(bool strict = false) const { return is(after, strict) && !is(before, strict); }
  [[nodiscard]] bool mends(bool strict = false) const { return is(before, strict) && !is(after, strict); }

 private:
  static bool is(const Finding* f, bool strict) { return f != nullptr && amiss(*f, strict); }
};

// Only where the status differs, or one side lacks the finding. An empty population (no subject) is not-applicable and compares as such.
[[nodiscard]] std::vector<Turn> compare(const Judgment& before, const Judgment& after);

}  // namespace licet::rules
