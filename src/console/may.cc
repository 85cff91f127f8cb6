#include "console/may.h"

#include <fmt/format.h>

#include <algorithm>

namespace licet::console {
namespace {

// fail and stale always; an unknown where it stands for a contract or a ground.
bool counts_as_no(const rules::Finding& f) {
  switch (f.status) {
    case rules::Status::fail:
    case rules::Status::stale:
      return true;
    case rules::Status::unknown:
      return f.about != "program";
    case rules::Status::pass:
    case rules::Status::accepted:
    case rules::Status::not_applicable:
      return false;
  }
  return true;
}

bool has(const std::vector<std::string>& list, const std::string& one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

bool carries(const stack::Document& flow, const MayAsk& ask) {
  const auto data = flow.list("data");
  const auto purposes = flow.list("purposes");
  return std::any_of(data.begin(), data.end(), [&](std::string_view pattern) { return rules::covers(pattern, ask.data); }) &&
         (ask.purpose.empty() || std::find(purposes.begin(), purposes.end(), ask.purpose) != purposes.end());
}

}  // namespace

Result<May> may_go(const epoch::World& world, const MayAsk& ask) {
  const license::Table& table = *world.table;
  if (!table.system(ask.system).known()) return Error{Code::not_found, "the declaration has no such system"};
  if (!table.data_class(ask.data).known()) return Error{Code::not_found, "there is no such data class; packs/classes lists them"};
  May may;
  std::string elsewhere;  // regions of licenses that would do but for the region
  for (const license::License& l : table.licenses()) {
    const stack::Document* flow = world.stack->find("flow", l.flow);
    const bool to_it = l.holder == ask.system || (flow != nullptr && flow->text("to") == ask.system);
    if (!to_it || !has(l.classes, ask.data) || (!ask.purpose.empty() && !has(l.purposes, ask.purpose))) continue;
    if (ask.region.empty() || l.regions.empty() || has(l.regions, ask.region))
      may.by.push_back(&l);
    else
      elsewhere = fmt::format("{}", fmt::join(l.regions, ", "));
  }
  may.yes = !may.by.empty();
  if (may.yes) return may;
  if (!elsewhere.empty()) {
    may.sentence =
        fmt::format("What is licensed to {} covers {} and not the region {} ({})", ask.system, elsewhere, ask.region, table.under());
    may.mend = fmt::format("Keep it in {}, or sign an agreement that covers {}.", elsewhere, ask.region);
    return may;
  }
  // A flow that would carry it speaks first; any other to the same system may still say what is missing.
  std::vector<const stack::Document*> flows;
  for (const stack::Document* flow : world.stack->all("flow"))
    if (flow->text("to") == ask.system) flows.push_back(flow);
  std::stable_partition(flows.begin(), flows.end(), [&](const stack::Document* flow) { return carries(*flow, ask); });
  for (const stack::Document* flow : flows)
    for (const rules::Finding& f : world.judgment.findings)
      if (f.subject == flow->id && counts_as_no(f)) {
        may.sentence = f.because;
        may.mend = f.mend;
        may.finding = &f;
        return may;
      }
  may.sentence = fmt::format("No declared flow with a permit and a ground carries {}{} to {} ({}).", ask.data,
                             ask.purpose.empty() ? "" : " for " + ask.purpose, ask.system, table.under());
  const bool declared = !flows.empty() && carries(*flows.front(), ask);
  may.mend = declared
                 ? fmt::format("{} carries it, but no permit allows it on a ground: give {} a permit for what it needs.", flows.front()->id,
                               ask.system)
                 : fmt::format("Declare the flow that would carry {} to {}, with its purposes, and a permit for it.", ask.data, ask.system);
  return may;
}

}  // namespace licet::console
