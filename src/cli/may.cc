#include "cli/may.h"

#include <nlohmann/json.hpp>

#include "cli/terminal.h"
#include "epoch/may.h"
#include "store/file.h"

namespace licet::cli {
namespace {

using nlohmann::ordered_json;

// "held", "members only", "accounted for": what a yes comes with.
std::string duties(const license::License& l) {
  static constexpr std::string_view kWhose[] = {"", "own record only", "members only", "panel only", "named patients only"};
  std::vector<std::string> out;
  if (l.hold) out.emplace_back("a person releases each");
  if (const std::string_view w = kWhose[static_cast<std::size_t>(l.whose)]; !w.empty()) out.emplace_back(w);
  for (const std::string& r : l.regions) out.push_back("in " + r);
  for (const std::string& c : l.conditions) out.push_back("needs " + c);
  if (l.accountable) out.emplace_back("accounted for");
  return out.empty() ? "-" : fmt::format("{}", fmt::join(out, ", "));
}

void print_json(const epoch::MayAnswer& a, const MayArgs& args, const std::string& under) {
  ordered_json out{{"system", args.system}, {"data", args.data}, {"purpose", args.purpose}, {"answer", a.word}};
  out["licenses"] = ordered_json::array();
  for (const license::License* l : a.licenses)
    out["licenses"].push_back({{"id", l->id},
                               {"holder", l->holder},
                               {"ground", l->ground_kind},
                               {"because", l->because},
                               {"form", license::name(l->form)},
                               {"view", l->view},
                               {"hold", l->hold},
                               {"accountable", l->accountable},
                               {"until", l->until ? ordered_json(format(*l->until)) : ordered_json(nullptr)},
                               {"duties", duties(*l)}});
  out["because"] = a.because;
  out["mend"] = a.mend;
  out["under"] = under;
  fmt::print("{}\n", out.dump(2));
}

}  // namespace

int may(const epoch::World& world, const MayArgs& args, Micros now) {
  const auto answer = epoch::may(world, {args.system, args.data, args.purpose}, {args.packs, now, &store::real_files()});
  if (!answer) return fail(answer.error());
  const epoch::MayAnswer& a = *answer;
  const int code = a.word == "yes" ? kClean : kNo;
  if (args.json) {
    print_json(a, args, world.judgment.under);
    return code;
  }
  if (a.licenses.empty()) {
    fmt::print("{}  {}\n", paint(Paint::red, "no"), a.because);
    if (!a.mend.empty()) fmt::print("    {}\n", a.mend);
    return code;
  }
  std::vector<std::vector<std::string>> rows;
  for (const license::License* l : a.licenses)
    rows.push_back({l->hold ? paint(Paint::yellow, "held") : paint(Paint::green, "yes"), l->holder, std::string(license::name(l->form)),
                    l->view, l->until ? format(*l->until) : "-", duties(*l), l->ground_kind, l->because + " (" + l->id + ")"});
  print_table({"may", "who", "form", "view", "until", "with", "ground", "stands on"}, rows);
  fmt::print("{}\n", paint(Paint::dim, world.table->under()));
  return code;
}

}  // namespace licet::cli
