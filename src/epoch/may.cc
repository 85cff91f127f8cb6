// The answer is read off the table in force: a license that covers class and purpose is a yes. Where there is none, the nearest missing
// fact, in the order in which the gate decides: a prohibition, what is amiss with a declared flow, the permit that lacks. Where no flow is
// declared, one is supposed and judged: so the first question of a new project ("may notes go to X?") has an answer before anybody writes
// YAML.
#include "epoch/may.h"

#include <fmt/format.h>

#include <algorithm>

namespace licet::epoch {
namespace {

using stack::Document;

constexpr std::string_view kSupposed = "this-flow";

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}
bool has_class(const std::vector<std::string>& patterns, const std::string& cls) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return rules::covers(p, cls); });
}

class Asked {
 public:
  Asked(const World& world, const MayAsk& ask, const MayBy& by) : world_(world), ask_(ask), by_(by) {}

  MayAnswer answer() {
    if (licensed())
      return {
          held_ ? "held" : "yes",
          held_ ? rules::sentence(fmt::format("A person must release each time that {} ({})", what(), licenses_[0]->because), under()) : "",
          {},
          licenses_};
    if (!elsewhere_.empty())
      return {"no",
              rules::sentence(fmt::format("What is licensed to {} covers {} and not the region {}", ask_.system, elsewhere_, ask_.region),
                              under()),
              fmt::format("Keep it in {}, or sign an agreement that covers {}", elsewhere_, ask_.region),
              {}};
    if (MayAnswer a; prohibited(world_.judgment, a)) return a;
    if (flows_.empty()) return ask_.purpose.empty() ? no_flow() : supposed();
    if (MayAnswer a; amiss(world_.judgment, flows_, a)) return a;
    // A ground and no license: what lacks is the owner's wish.
    for (const rules::Ground& g : world_.judgment.grounds)
      if (covers(g) && flow_named(g.flow))
        return {"no",
                rules::sentence(fmt::format("{} would be lawful ({}: {}), but no permit gives it", what(), g.kind, g.because), under()),
                fmt::format("Write a permit to {} for what it needs, if you want it", ask_.system),
                {}};
    return {"no", rules::sentence("Nothing on record lets " + what(), under()), "", {}};
  }

 private:
  [[nodiscard]] const std::string& under() const { return world_.judgment.under; }
  [[nodiscard]] std::string what() const {
    return fmt::format("{} go to {}{}", ask_.data, ask_.system, ask_.purpose.empty() ? "" : " for " + ask_.purpose);
  }
  [[nodiscard]] bool purpose_in(const std::vector<std::string>& list) const { return ask_.purpose.empty() || has(list, ask_.purpose); }
  [[nodiscard]] bool covers(const rules::Ground& g) const { return has_class(g.classes, ask_.data) && purpose_in(g.purposes); }
  [[nodiscard]] bool flow_named(const std::string& id) const {
    return std::any_of(flows_.begin(), flows_.end(), [&](const Document* f) { return f->id == id; });
  }

  bool licensed() {
    for (const Document* flow : world_.stack->all("flow")) {
      if (flow->text("to") != ask_.system) continue;
      std::vector<std::string> data, purposes;
      for (const std::string_view d : flow->list("data")) data.emplace_back(d);
      for (const std::string_view p : flow->list("purposes")) purposes.emplace_back(p);
      if (has_class(data, ask_.data) && purpose_in(purposes)) flows_.push_back(flow);
    }
    held_ = true;
    for (const license::License& l : world_.table->licenses()) {
      // What break glass opens, and what a system only carries for people, is no answer to "may it go there".
      if (l.carries || l.permit.empty() || !flow_named(l.flow) || !has(l.classes, ask_.data) || !purpose_in(l.purposes)) continue;
      if (!ask_.region.empty() && !l.regions.empty() && !has(l.regions, ask_.region)) {
        elsewhere_ = fmt::format("{}", fmt::join(l.regions, ", "));
        continue;
      }
      licenses_.push_back(&l);
      held_ = held_ && l.hold;
    }
    return !licenses_.empty();
  }

  bool prohibited(const rules::Judgment& judgment, MayAnswer& out) const {
    for (const rules::Prohibition& p : judgment.prohibitions) {
      if (ask_.purpose.empty() || (!p.purposes.empty() && !has(p.purposes, ask_.purpose))) continue;
      if (!p.flow.empty() && p.flow != kSupposed && !flow_named(p.flow)) continue;
      // One that everything falls under forbids the special classes by name, too.
      if (!has_class(p.classes, ask_.data) && !has(p.classes, "*")) continue;
      std::string lifted;
      for (const std::string& kind : p.unless) lifted += (lifted.empty() ? "" : ", ") + kind;
      out = {"no", p.because, lifted.empty() ? "" : "Lifted only by: " + lifted, {}};
      return true;
    }
    return false;
  }

  // What stands against a flow: about contract or ground first, and what blocks before what only alarms.
  bool amiss(const rules::Judgment& judgment, const std::vector<const Document*>& flows, MayAnswer& out) const {
    const rules::Finding* best = nullptr;
    int best_weight = 0;
    for (const rules::Finding& f : judgment.findings) {
      const bool here = f.subject == ask_.system || f.subject == kSupposed ||
                        std::any_of(flows.begin(), flows.end(), [&](const Document* d) { return d->id == f.subject; });
      const bool unknown = f.status == rules::Status::unknown && f.asked->about != "program";
      if (!here || (f.status != rules::Status::fail && f.status != rules::Status::stale && !unknown)) continue;
      const auto effect = f.asked->effect.find("default");
      const bool blocks = effect == f.asked->effect.end() || effect->second.what == rules::Effect::What::block;
      const int weight = 1 + (f.asked->about != "program" ? 4 : 0) + (blocks ? 2 : 0);
      if (weight > best_weight) {
        best = &f;
        best_weight = weight;
      }
    }
    if (best == nullptr || (best->asked->about == "program" && best_weight < 3)) return false;
    out = {"no", best->sentence(), best->mend, {}, &judgment == &world_.judgment ? best : nullptr};
    return true;
  }

  [[nodiscard]] MayAnswer no_flow() const {
    return {"not-declared",
            rules::sentence("No declared flow lets " + what(), under()),
            fmt::format("Declare the flow that would carry {} to {}, with its purposes, and a permit for it{}", ask_.data, ask_.system,
                        ask_.purpose.empty() ? "; with a purpose the answer says what it would take" : ""),
            {}};
  }

  // Where PHI would come from: what a route serves, else a system of a covered entity.
  [[nodiscard]] const Document* source() const {
    const stack::Stack& stack = *world_.stack;
    for (const Document* r : stack.all("route"))
      if (const Document* s = stack.find("system", r->text("serves")); s != nullptr && s->id != ask_.system) return s;
    for (const Document* s : stack.all("system"))
      if (const Document* o = stack.find("organization", s->text("owner")); o != nullptr && o->flag("covered") && s->id != ask_.system)
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

  MayAnswer supposed() const {
    const Document* from = source();
    const Document* to = world_.stack->find("system", ask_.system);
    if (from == nullptr || to == nullptr) return no_flow();
    std::string yaml = fmt::format("kind: flow\nid: {}\nfrom: {}\nto: {}\ndata: [\"{}\"]\npurposes: [\"{}\"]\nencrypted: true\n", kSupposed,
                                   from->id, to->id, ask_.data, ask_.purpose);
    if (from->text("owner") != to->text("owner") && works_for_others(*to)) yaml += fmt::format("on-behalf-of: {}\n", from->text("owner"));
    std::vector<stack::Source> sources = world_.sources;
    sources.push_back({"supposed.yaml", yaml, stack::Layer::authored});
    auto world = assemble_sources(std::move(sources), by_.packs, {}, by_.now, *by_.files);
    if (!world || !world->problems.empty()) return no_flow();
    if (MayAnswer a; prohibited(world->judgment, a)) return a;
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
    if (MayAnswer a; amiss(world->judgment, {}, a)) return a;
    return no_flow();
  }

  const World& world_;
  const MayAsk& ask_;
  const MayBy& by_;
  std::vector<const Document*> flows_;  // declared ones to the system that carry class and purpose
  std::vector<const license::License*> licenses_;
  std::string elsewhere_;  // regions of a license that would do but for the region
  bool held_ = false;
};

}  // namespace

Result<MayAnswer> may(const World& world, const MayAsk& ask, const MayBy& by) {
  if (!world.table->system(ask.system).known()) return Error{Code::not_found, fmt::format("no system '{}' in the declaration", ask.system)};
  if (!world.table->data_class(ask.data).known())
    return Error{Code::not_found, fmt::format("no data class '{}'; packs/classes lists them", ask.data)};
  if (ask.purpose.find_first_of("\"\\\n") != std::string::npos)
    return Error{Code::invalid_argument, "the purpose must be a purpose code such as TREAT"};
  return Asked(world, ask, by).answer();
}

}  // namespace licet::epoch
