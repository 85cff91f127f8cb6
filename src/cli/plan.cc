// licet check --plan: the cheapest set of mends, with what each changes and what a person must decide.
#include "cli/plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/terminal.h"
#include "epoch/mends.h"

namespace licet::cli {
namespace {

using nlohmann::json;

std::string command(const rules::Act::Record& r, Date day) {
  std::string out = fmt::format("licet record {} {}{} --from {}", r.kind, r.subject, r.object.empty() ? "" : " " + r.object, format(day));
  for (const auto& [name, value] : r.details) out += fmt::format(" --set {}={}", name, value);
  return out;
}

void print_mend(std::size_t number, const epoch::PlannedMend& m, Date day) {
  fmt::print("{:>3}. {} {}\n", number, paint(Paint::bold, fmt::format("[{} h]", m.mend.cost)), m.mend.does);
  if (!m.mend.judgment.empty()) fmt::print("     {} {}\n", paint(Paint::yellow, "A person:"), m.mend.judgment);
  constexpr std::size_t kShown = 4;
  for (std::size_t i = 0; i < std::min(kShown, m.settles.size()); ++i)
    fmt::print("     {} {} of {}\n", paint(Paint::green, "mends"), m.settles[i].first, m.settles[i].second);
  if (m.settles.size() > kShown) fmt::print("     … and {} more\n", m.settles.size() - kShown);
  for (const std::string& id : m.mend.without) fmt::print("       remove {}\n", id);
  for (const std::string& field : m.mend.drop) fmt::print("       remove the field {}\n", field);
  for (const rules::Act::Record& r : m.mend.records) fmt::print("       {}\n", command(r, day));
  std::string_view rest = m.mend.change;
  while (!rest.empty()) {
    fmt::print("       {}\n", paint(Paint::dim, rest.substr(0, rest.find('\n'))));
    rest.remove_prefix(rest.find('\n') == std::string_view::npos ? rest.size() : rest.find('\n') + 1);
  }
}

std::string how(const epoch::MendPlan& plan) {
  if (plan.least) return fmt::format("the least of {} acts that were weighed", plan.weighed);
  return fmt::format("chosen greedily, not proved to be the least{}: {} acts were weighed",
                     plan.all_weighed ? "" : ", as there are more acts than can be judged one by one", plan.weighed);
}

json plan_json(const epoch::MendPlan& plan, const rules::Judgment& judgment) {
  const auto pair = [](const std::string& requirement, const std::string& subject) {
    return json{{"requirement", requirement}, {"subject", subject}};
  };
  json acts = json::array(), left = json::array();
  for (const epoch::PlannedMend& m : plan.mends) {
    json settles = json::array(), records = json::array();
    for (const auto& [requirement, subject] : m.settles) settles.push_back(pair(requirement, subject));
    for (const rules::Act::Record& r : m.mend.records) records.push_back(command(r, judgment.as_of));
    acts.push_back({{"act", m.mend.act},
                    {"does", m.mend.does},
                    {"hours", m.mend.cost},
                    {"judgment", m.mend.judgment},
                    {"change", m.mend.change},
                    {"remove", m.mend.without},
                    {"remove_fields", m.mend.drop},
                    {"record", std::move(records)},
                    {"mends", std::move(settles)}});
  }
  for (const rules::Finding& f : plan.left) {
    json one = pair(f.asked->requirement, f.subject);
    one["mend"] = f.mend;
    left.push_back(std::move(one));
  }
  return {{"as_of", format(judgment.as_of)}, {"under", judgment.under}, {"amiss", plan.amiss},
          {"mended", plan.mended},           {"hours", plan.cost},      {"least", plan.least},
          {"weighed", plan.weighed},         {"asks", plan.asks},       {"acts", std::move(acts)},
          {"left", std::move(left)}};
}

}  // namespace

int plan(const Judged& judged, const PlanArgs& args) {
  const rules::Judgment& judgment = judged.world.judgment;
  auto plan = epoch::plan_mends(judged.world, judged.facts, {.packs = args.packs, .strict = args.strict}, store::real_files());
  if (!plan) return fail(plan.error());
  const int code = plan->amiss == 0 ? kClean : kNo;
  if (args.json) {
    fmt::print("{}\n", plan_json(*plan, judgment).dump());
    return code;
  }
  if (plan->amiss == 0) {
    fmt::print("Nothing is amiss as of {}, {}.\n", format(judgment.as_of), judgment.under);
    return code;
  }
  fmt::print("{} acts of {} hours mend {} of {} findings that are amiss: {}. The declaration with these changes was judged again.\n\n",
             plan->mends.size(), plan->cost, plan->mended, plan->amiss, how(*plan));
  for (std::size_t i = 0; i < plan->mends.size(); ++i) print_mend(i + 1, plan->mends[i], judgment.as_of);
  if (plan->asks > 0)
    fmt::print("\nWhat is added brings {} questions of its own: licet check --next asks them once it is there.\n", plan->asks);
  if (!plan->left.empty()) fmt::print("\n{}\n", paint(Paint::bold, "No act that packs/mends knows mends these by itself:"));
  for (const rules::Finding& f : plan->left)
    fmt::print("  {} of {}\n    {}\n", f.asked->requirement, f.subject, f.mend.empty() ? "It is a question: licet check shows it" : f.mend);
  fmt::print("\n{}\n", paint(Paint::dim,
                             "Hours are estimates of packs/mends: change them to yours. Changed fields and records are as if all were done "
                             "today; put the documents into the declaration as they really are. " +
                                 judgment.under + "."));
  return code;
}

}  // namespace licet::cli
