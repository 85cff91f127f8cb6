// The cheapest set of mends for what is amiss: acts that packs/mends knows, each judged before it is believed.
//
//   LICET_TRY(plan, epoch::plan_mends(world, facts, {.packs = "packs"}, store::real_files()));
//   for (const epoch::PlannedMend& m : plan.mends) print(m.cost, m.mend.does, m.settles.size());
//
// Each act that could help is laid over the declaration (documents, recorded facts, documents that go) and the whole is judged again: what
// it settles is what is no longer amiss then. An act that makes anything else amiss is left out (questions about a document that it adds,
// which all have ids that begin with mend-, are counted instead). Of the rest, rules::cheapest() chooses; then all that were chosen are
// laid over together and judged once more, and only what is no longer amiss in that judgment counts as mended. That an act is possible is
// not said: where it needs a person, `judgment` says for what.
//
// Any thread; judges on two threads where there are two cores; same world, same plan. Cost: a judgment for each act, at most `acts_most`.
// Errors: not_found (no packs/mends), invalid_argument (an act that is wrong, file:line).
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "epoch/load.h"
#include "rules/acts.h"
#include "rules/cover.h"

namespace licet::epoch {

struct PlanOptions {
  std::string packs;
  bool strict = false;          // every unknown is amiss
  std::size_t acts_most = 200;  // fewer where the declaration is large: acts times rows
  rules::CoverLimits cover = {};
};
struct PlannedMend {
  rules::Mend mend;
  std::vector<std::pair<std::string, std::string>> settles;  // (requirement, subject), sorted
};
struct MendPlan {
  std::vector<PlannedMend> mends;
  std::uint64_t cost = 0;            // hours, estimates
  bool least = true;                 // proved to be the cheapest of the acts that were weighed
  bool all_weighed = true;           // no act was left out for acts_most
  std::size_t weighed = 0;           // acts that were judged
  std::size_t unfit = 0;             // of those: they settle nothing here, do not load, or make something else amiss
  std::size_t amiss = 0;             // findings that were amiss
  std::size_t mended = 0;            // of those: no longer so once all of `mends` is done
  std::size_t asks = 0;              // questions that the documents which are added bring with them
  std::vector<rules::Finding> left;  // of those: what no act mends
};

[[nodiscard]] Result<MendPlan> plan_mends(const World& world, std::span<const stack::Fact> facts, const PlanOptions& options,
                                          store::FileSystem& files, const Limits& limits = {});

}  // namespace licet::epoch
