// The answer is read off the table in force: a license that covers class and purpose is a yes. Where there is none, the nearest missing
// fact, in the order in which the gate decides: a prohibition, what is amiss with a declared flow, the permit that lacks. Where no flow is
// declared, one is supposed and judged: so the first question of a new project ("may notes go to X?") has an answer before anybody writes
// YAML.
#include "cli/may.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/terminal.h"
#include "store/file.h"

namespace licet::cli {
namespace {

using nlohmann::ordered_json;
using stack::Document;

constexpr std::string_view kSupposed = "this-flow";

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}
bool has_class(const std::vector<std::string>& patterns, const std::string& cls) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return rules::covers(p, cls); });
}

struct Answer {
  std::string word;  // yes | held | no | not-declared
  std::string because, mend;
  std::vector<const license::License*> licenses;
};

class Asked {
 public:
  Asked(const epoch::World& world, const MayArgs& args) : world_(world), args_(args) {}

  Answer answer(Micros now) {
    if (licensed()) return {held_ ? "held" : "yes", {}, {}, licenses_};
    if (Answer a; prohibited(world_.judgment, a)) return a;
    if (flows_.empty()) return args_.purpose.empty() ? no_flow() : supposed(now);
    if (Answer a; amiss(world_.judgment, flows_, a)) return a;
    // A ground and no license: what lacks is the owner's wish.
    for (const rules::Ground& g : world_.judgment.grounds)
      if (covers(g) && flow_named(g.flow))
        return {"no",
                rules::sentence(fmt::format("{} would be lawful ({}: {}), but no permit gives it", what(), g.kind, g.because), under()),
                fmt::format("Write a permit to {} for what it needs, if you want it", args_.system),
                {}};
    return {"no", rules::sentence("Nothing on record lets " + what(), under()), "", {}};
  }

 private:
  [[nodiscard]] const std::string& under() const { return world_.judgment.under; }
  [[nodiscard]] std::string what() const {
    return fmt::format("{} go to {}{}", args_.data, args_.system, args_.purpose.empty() ? "" : " for " + args_.purpose);
  }
  [[nodiscard]] bool purpose_in(const std::vector<std::string>& list) const { return args_.purpose.empty() || has(list, args_.purpose); }
  [[nodiscard]] bool covers(const rules::Ground& g) const { return has_class(g.classes, args_.data) && purpose_in(g.purposes); }
  [[nodiscard]] bool flow_named(const std::string& id) const {
    return std::any_of(flows_.begin(), flows_.end(), [&](const Document* f) { return f->id == id; });
  }

  bool licensed() {
    for (const Document* flow : world_.stack->all("flow")) {
      if (flow->text("to") != args_.system) continue;
      std::vector<std::string> data, purposes;
      for (const std::string_view d : flow->list("data")) data.emplace_back(d);
      for (const std::string_view p : flow->list("purposes")) purposes.emplace_back(p);
      if (has_class(data, args_.data) && purpose_in(purposes)) flows_.push_back(flow);
    }
    held_ = true;
    for (const license::License& l : world_.table->licenses()) {
      // What break glass opens, and what a system only carries for people, is no answer to "may it go there".
      if (l.carries || l.permit.empty() || !flow_named(l.flow) || !has(l.classes, args_.data) || !purpose_in(l.purposes)) continue;
      licenses_.push_back(&l);
      held_ = held_ && l.hold;
    }
    return !licenses_.empty();
  }

  bool prohibited(const rules::Judgment& judgment, Answer& out) const {
    for (const rules::Prohibition& p : judgment.prohibitions) {
      if (args_.purpose.empty() || (!p.purposes.empty() && !has(p.purposes, args_.purpose))) continue;
      if (!p.flow.empty() && p.flow != kSupposed && !flow_named(p.flow)) continue;
      // One that everything falls under forbids the special classes by name, too.
      if (!has_class(p.classes, args_.data) && !has(p.classes, "*")) continue;
      std::string lifted;
      for (const std::string& kind : p.unless) lifted += (lifted.empty() ? "" : ", ") + kind;
      out = {"no", p.because, lifted.empty() ? "" : "Lifted only by: " + lifted, {}};
      return true;
    }
    return false;
  }

  // What stands against a flow: about contract or ground first, and what blocks before what only alarms.
  bool amiss(const rules::Judgment& judgment, const std::vector<const Document*>& flows, Answer& out) const {
    const rules::Finding* best = nullptr;
    int best_weight = 0;
    for (const rules::Finding& f : judgment.findings) {
      const bool here = f.subject == args_.system || f.subject == kSupposed ||
                        std::any_of(flows.begin(), flows.end(), [&](const Document* d) { return d->id == f.subject; });
      const bool unknown = f.status == rules::Status::unknown && f.about != "program";
      if (!here || (f.status != rules::Status::fail && f.status != rules::Status::stale && !unknown)) continue;
      const auto effect = f.effect.find("default");
      const bool blocks = effect == f.effect.end() || effect->second.what == rules::Effect::What::block;
      const int weight = 1 + (f.about != "program" ? 4 : 0) + (blocks ? 2 : 0);
      if (weight > best_weight) {
        best = &f;
        best_weight = weight;
      }
    }
    if (best == nullptr || (best->about == "program" && best_weight < 3)) return false;
    out = {"no", best->because, best->mend, {}};
    return true;
  }

  [[nodiscard]] Answer no_flow() const {
    return {"not-declared", rules::sentence("No declared flow takes " + what(), under()), "Say --purpose to learn what it would take", {}};
  }

  // Where PHI would come from: what a route serves, else a system of a covered entity.
  [[nodiscard]] const Document* source() const {
    const stack::Stack& stack = *world_.stack;
    for (const Document* r : stack.all("route"))
      if (const Document* s = stack.find("system", r->text("serves")); s != nullptr && s->id != args_.system) return s;
    for (const Document* s : stack.all("system"))
      if (const Document* o = stack.find("organization", s->text("owner")); o != nullptr && o->flag("covered") && s->id != args_.system)
        return s;
    return nullptr;
  }
  // A vendor works for somebody; a provider, a plan, an agency or a researcher receives in its own right.
  [[nodiscard]] bool works_for_others(const Document& system) const {
    const Document* owner = world_.stack->find("organization", system.text("owner"));
    const auto functions = owner != nullptr ? owner->list("functions") : std::vector<std::string_view>();
    return std::all_of(functions.begin(), functions.end(),
                       [](std::string_view f) { return f == "vendor" || f == "exchange" || f == "other"; });
  }

  Answer supposed(Micros now) const {
    const Document* from = source();
    const Document* to = world_.stack->find("system", args_.system);
    if (from == nullptr || to == nullptr) return no_flow();
    std::string yaml = fmt::format("kind: flow\nid: {}\nfrom: {}\nto: {}\ndata: [\"{}\"]\npurposes: [\"{}\"]\nencrypted: true\n", kSupposed,
                                   from->id, to->id, args_.data, args_.purpose);
    if (from->text("owner") != to->text("owner") && works_for_others(*to)) yaml += fmt::format("on-behalf-of: {}\n", from->text("owner"));
    std::vector<stack::Source> sources = world_.sources;
    sources.push_back({"supposed.yaml", yaml, stack::Layer::authored});
    auto world = epoch::assemble_sources(std::move(sources), args_.packs, {}, now, store::real_files());
    if (!world || !world->problems.empty()) return no_flow();
    if (Answer a; prohibited(world->judgment, a)) return a;
    for (const rules::Ground& g : world->judgment.grounds)
      if (g.flow == kSupposed && covers(g))
        return {
            "not-declared",
            rules::sentence(fmt::format("A flow from {} that lets {} would be lawful{} ({}: {}), but nobody declared it", from->id, what(),
                                        g.hold                   ? " once a person releases it"
                                        : g.form == "identified" ? ""
                                                                 : ", as " + g.form,
                                        g.kind, g.because),
                            under()),
            fmt::format("Declare the flow from {} to {}, and a permit for what it needs", from->id, to->id),
            {}};
    if (Answer a; amiss(world->judgment, {}, a)) return a;
    return no_flow();
  }

  const epoch::World& world_;
  const MayArgs& args_;
  std::vector<const Document*> flows_;  // declared ones to the system that carry class and purpose
  std::vector<const license::License*> licenses_;
  bool held_ = false;
};

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

void print_json(const Answer& a, const MayArgs& args, const std::string& under) {
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
  if (!world.table->system(args.system).known()) return fail(fmt::format("no system '{}' in the declaration", args.system));
  if (!world.table->data_class(args.data).known()) return fail(fmt::format("no data class '{}'; packs/classes lists them", args.data));
  if (args.purpose.find_first_of("\"\\\n") != std::string::npos) return fail("--purpose must be a purpose code such as TREAT");
  const Answer a = Asked(world, args).answer(now);
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
