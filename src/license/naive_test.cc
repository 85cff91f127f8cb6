// Table::decide against a decision made the slow way, straight from the documents, over some thousands of small generated stacks; and the
// property that matters most: what takes a right away never lets anything through.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/random.h"
#include "license/internal/made.h"
#include "license/internal/patterns.h"
#include "license/table.h"

namespace licet::license {
namespace {

using Words = std::vector<std::string>;

bool has(const Words& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}
bool has(const std::vector<std::string_view>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

ClassMap small() {
  const std::vector<stack::Source> sources{{"c.yaml", R"(
format: 1
classes: [special.sud, clinical.note, clinical.lab, demographics]
labels: {special.sud: ["http://a|SUD"]}
types: {clinical.note: [DocumentReference], clinical.lab: [Observation], demographics: [Patient]}
)"}};
  return *ClassMap::load(sources);
}
const Words kClasses{"clinical.note", "clinical.lab", "demographics", "special.sud", "unclassified"};
std::string class_of(std::string_view type) {
  return type == "DocumentReference" ? "clinical.note" : type == "Observation" ? "clinical.lab" : "demographics";
}

constexpr PatientKey kOne{0, 1}, kTwo{0, 2};

// What the overlay holds, in words.
struct Facts {
  Words suspended;
  struct Row {
    PatientKey patient;
    std::string who, classes;
  };
  std::vector<Row> restrictions, consents, ties, members;
  [[nodiscard]] Overlay overlay() const {
    Overlay o;
    for (const auto& s : suspended) o.suspend(s, "ref");
    for (const auto& r : restrictions) o.restrict(r.patient, r.who, r.classes, "ref");
    for (const auto& r : consents) o.consent(r.patient, r.who, r.classes, std::nullopt);
    for (const auto& r : ties) o.tie(r.who, r.patient, Micros::max());
    for (const auto& r : members) o.member(r.who, r.patient);
    return o;
  }
};

struct Question {
  std::string route, caller, who, purpose, data;  // who: a person, "individual", or nobody
  Action action = Action::read;
  PatientKey patient{}, self = kOne;
  std::uint32_t conditions = 0;
  std::string region;
  Date day{};
};
struct Answer {
  Outcome outcome = Outcome::refuse;
  Form form = Form::none;
  Reason reason = Reason::none;
  bool operator==(const Answer&) const = default;
};
std::string text(const Answer& a) {
  return fmt::format("{} {} {}", name(a.outcome), name(a.form), code(a.reason));
}

// ---- the slow way

class Naive {
 public:
  Naive(const stack::Stack& stack, const rules::Judgment& law, const Facts& facts, const Question& q)
      : stack_(stack), law_(law), facts_(facts), q_(q) {}

  Answer decide() {
    if (!named_anywhere()) return {.reason = Reason::no_purpose};
    const stack::Document& route = *stack_.find("route", q_.route);
    send_ = route.text("serves").empty();
    for (const auto* f : stack_.all("flow")) {
      if (f->text("via") != q_.route) continue;
      if (send_ ? f->text("to") == route.text("reaches") && f->text("from") == q_.caller
                : f->text("from") == route.text("serves") && f->text("to") == q_.caller)
        flows_.push_back(f);
    }
    if (flows_.empty()) return {.reason = Reason::undeclared};
    to_ = flows_[0]->text("to");
    const bool individual = q_.who == "individual", acts = !q_.who.empty();
    Side person, system;
    if (acts) person = side(q_.who, true);
    const bool alone = individual && own_app();
    system = alone ? person : side(std::string(to_), false);
    if (!acts) person = system;
    if (!system.good() || !person.good()) {
      if (!system.granted || !person.granted)
        if (const Reason r = flow_reason(); r != Reason::none) return {.reason = r};
      const Reason a = system.why(), b = person.why();
      return {.reason = person.good() ? a : system.good() ? b : before(b, a) ? b : a};
    }
    Answer out{.form = std::min(system.form, person.form)};
    if (system.reason == Reason::held || person.reason == Reason::held) return {Outcome::hold, out.form, Reason::held};
    out.outcome = out.form == Form::deidentified                              ? Outcome::deidentify
                  : out.form != Form::identified || !system.full || !person.full ? Outcome::reduce
                                                                              : Outcome::pass;
    return out;
  }

 private:
  struct Side {
    bool granted = false, found = false, full = false;
    Reason reason = Reason::no_permit;  // of the grant, where granted
    Form form = Form::none;
    [[nodiscard]] bool good() const { return granted && (reason == Reason::none || reason == Reason::held); }
    [[nodiscard]] Reason why() const { return found ? reason : Reason::no_permit; }
  };
  struct Alternative {
    Reason reason = Reason::none;
    Form form = Form::none;
    bool full = false, blocked = false;
  };

  bool named_anywhere() const {
    if (q_.purpose == "TREAT" || q_.purpose == "ETREAT" || q_.purpose == "BTG") return true;
    for (const auto& d : stack_.documents)
      if (has(d.list("purposes"), q_.purpose) || has(d.list("for"), q_.purpose)) return true;
    return std::any_of(law_.grounds.begin(), law_.grounds.end(), [&](const auto& g) { return has(g.purposes, q_.purpose); }) ||
           std::any_of(law_.prohibitions.begin(), law_.prohibitions.end(), [&](const auto& p) { return has(p.purposes, q_.purpose); });
  }
  static bool any(const Words& patterns, std::string_view cls) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return allows(p, cls); });
  }
  static Words words(const std::vector<std::string_view>& list) { return {list.begin(), list.end()}; }
  std::string root(std::string_view org) const {
    const auto* d = stack_.find("organization", org);
    return d->text("part-of").empty() ? std::string(org) : root(d->text("part-of"));
  }
  Words chain(std::string_view org) const {
    Words out;
    for (; !org.empty(); org = stack_.find("organization", org)->text("part-of")) out.emplace_back(org);
    return out;
  }
  std::string owner(std::string_view system) const { return std::string(stack_.find("system", system)->text("owner")); }
  bool own_app() const {
    for (const auto* a : stack_.all("app"))
      if (a->text("system") == to_) return a->text("for") == "individual";
    return std::any_of(law_.grounds.begin(), law_.grounds.end(), [&](const rules::Ground& g) {
      return g.kind == "individual" && std::any_of(flows_.begin(), flows_.end(), [&](const auto* f) { return f->id == g.flow; });
    });
  }
  Words roles(std::string_view person) const {
    Words out;
    for (const auto r : stack_.find("person", person)->list("roles")) {
      out.emplace_back(r);
      for (const auto i : stack_.find("role", r)->list("inherits")) out.emplace_back(i);
    }
    return out;
  }

  Reason flow_reason() const {
    bool purpose = false, data = false;
    Reason out = Reason::none;
    for (const auto* f : flows_) {
      if (!has(f->list("purposes"), q_.purpose)) continue;
      purpose = true;
      if (!any(words(f->list("data")), q_.data)) continue;
      data = true;
      for (const auto& p : law_.prohibitions)
        if (prohibits(p, *f)) out = Reason::prohibited;
    }
    return !purpose ? Reason::no_purpose : !data ? Reason::undeclared : out;
  }
  bool prohibits(const rules::Prohibition& p, const stack::Document& f) const {
    return (p.flow.empty() || p.flow == f.id) && has(p.purposes, q_.purpose) &&
           std::any_of(p.classes.begin(), p.classes.end(), [&](const std::string& c) { return forbids(c, q_.data); });
  }

  Side side(const std::string& who, bool person) {
    // Three ways, in this order: break glass, what the entity's own system carries, and permits.
    std::vector<Alternative> glass, carries, permits;
    bool permitted = false, fallback_lapsed = false;
    for (const auto* f : flows_) {
      if (!any(words(f->list("data")), q_.data)) continue;
      const bool purpose = has(f->list("purposes"), q_.purpose);
      for (const rules::Ground& g : law_.grounds) {
        if (!recipient(g, who, person, *f) || !any(g.classes, q_.data) || law_prohibits(g, *f)) continue;
        const bool covers = has(g.purposes, q_.purpose) && purpose;
        if (breaks_glass() && (!person || acts_through(who)) && care(g) && opens(g, *f, covers) && !gone(who, person) && carried(g, person))
          glass.push_back(judge(g, *f, who, person, nullptr, true));
        if (!person && !q_.who.empty() && covers && g.form != "deidentified" && carrier(*f))
          carries.push_back(judge(g, *f, who, person, nullptr, false));
      }
      if (!purpose) continue;
      for (const auto* p : stack_.all("permit")) {
        if (!has(p->list("for"), q_.purpose) || !to(*p, who, person) || !allows_class(*p)) continue;
        permitted = true;
        fallback_lapsed = fallback_lapsed || culprit_lapsed(*f, who, person);
        for (const rules::Ground& g : law_.grounds)
          if (recipient(g, who, person, *f) && any(g.classes, q_.data) && has(g.purposes, q_.purpose) && !law_prohibits(g, *f))
            if (const auto a = permit(g, *f, who, person, *p)) permits.push_back(*a);
      }
    }
    Side out;
    const auto consider = [&](const std::vector<Alternative>& list, bool tuple, Reason otherwise) {
      if (out.good() && out.reason == Reason::none) return;
      std::vector<Alternative> grants;
      Reason blocked = Reason::none;
      for (const Alternative& a : list)
        if (!a.blocked)
          grants.push_back(a);
        else if (blocked == Reason::none || before(a.reason, blocked))
          blocked = a.reason;
      if (grants.empty()) {
        if (blocked == Reason::none && !tuple) return;
        const Reason r = blocked != Reason::none ? blocked : otherwise;
        if (!out.granted && (!out.found || before(r, out.reason))) out.reason = r;
        out.found = true;
        return;
      }
      const Alternative* best = nullptr;
      for (const Alternative& a : grants)
        if (a.reason == Reason::none && (best == nullptr || a.form > best->form || (a.form == best->form && a.full && !best->full)))
          best = &a;
      for (const Alternative& a : grants)
        if (best == nullptr || (best->reason != Reason::none && a.reason == Reason::held && best->reason != Reason::held) ||
            (best->reason == Reason::held && a.reason == Reason::held &&
             (a.form > best->form || (a.form == best->form && a.full && !best->full))))
          best = &a;
      if (best->reason != Reason::none && best->reason != Reason::held)
        for (const Alternative& a : grants)
          if (before(best->reason, a.reason)) best = &a;  // the furthest
      if (out.good() && best->reason != Reason::none) return;
      if (out.granted && best->reason != Reason::none && best->reason != Reason::held && !before(out.reason, best->reason)) return;
      out = {true, true, best->full, best->reason, best->form};
    };
    consider(glass, false, Reason::none);
    consider(carries, false, Reason::none);
    consider(permits, permitted, fallback_lapsed ? Reason::lapsed : Reason::no_ground);
    return out;
  }

  // Break glass shows more to those who may act through the system at all.
  bool acts_through(const std::string& who) const {
    const auto permits = stack_.all("permit");
    return std::any_of(permits.begin(), permits.end(), [&](const auto* p) { return to(*p, who, true); });
  }
  bool breaks_glass() const { return (q_.conditions & kBreakGlass) != 0 && q_.action != Action::update && q_.action != Action::remove; }
  static bool care(const rules::Ground& g) { return g.kind == "workforce" || g.kind == "treatment"; }
  bool opens(const rules::Ground& g, const stack::Document& f, bool covers) const {
    if (g.form == "deidentified") return false;
    if (covers) return true;
    const auto emergency = [](const auto& list) { return has(list, "TREAT") || has(list, "ETREAT") || has(list, "BTG"); };
    return (q_.purpose == "ETREAT" || q_.purpose == "BTG") && emergency(g.purposes) && emergency(f.list("purposes"));
  }
  // A workstation breaks no glass by itself; and it carries only its own entity's people.
  bool carried(const rules::Ground& g, bool person) const { return person || g.kind != "workforce" || acting_root() == root(owner(to_)); }
  std::string acting_root() const {
    if (q_.who.empty()) return "nobody";
    if (q_.who == "individual") return root(owner(flows_[0]->text("from")));
    return root(stack_.find("person", q_.who)->text("organization"));
  }
  bool carrier(const stack::Document&) const {
    if (acting_root() != root(owner(to_))) return false;
    // Somebody of that entity, or an individual through an app that isn't their own, has a permit through it.
    for (const auto* p : stack_.all("permit")) {
      if (!has(p->list("through"), to_)) continue;
      if (p->text("to") == "individual" && !own_app() && root(owner(flows_[0]->text("from"))) == root(owner(to_))) return true;
      for (const auto* person : stack_.all("person"))
        if ((p->text("to") == person->id || has(roles(person->id), p->text("to"))) &&
            root(person->text("organization")) == root(owner(to_)))
          return true;
    }
    return false;
  }

  bool recipient(const rules::Ground& g, const std::string& who, bool person, const stack::Document& f) const {
    if (!g.flow.empty() && g.flow != f.id) return false;
    if (!person) return g.recipient == who || (g.recipient.empty() && !g.flow.empty());
    if (who == "individual") return g.recipient == "individual" || (g.kind == "individual" && g.flow == f.id);
    return g.recipient == who || has(roles(who), g.recipient);
  }
  bool to(const stack::Document& p, const std::string& who, bool person) const {
    if (!person) return p.text("to") == who;
    if (!has(p.list("through"), to_)) return false;
    return p.text("to") == who || (who != "individual" && has(roles(who), p.text("to")));
  }
  const stack::Value* elements(const stack::Document& p) const {
    if (q_.action == Action::create && !send_) return p.find("creates");
    if (send_ && p.find("creates") != nullptr) return p.find("creates");
    return p.find("reads");
  }
  // `view: full` without `reads` reads everything, whatever may be written besides.
  bool reads_all(const stack::Document& p) const {
    return p.text("view") == "full" && p.find("reads") == nullptr && !send_ && q_.action != Action::create;
  }
  bool allows_class(const stack::Document& p) const {
    const Words data = words(p.list("data"));
    const bool mapped = p.find("reads") != nullptr || p.find("creates") != nullptr, full = p.text("view") == "full";
    const bool by_data = any(data.empty() ? Words{"*"} : data, q_.data);
    if (!mapped) return by_data && (send_ ? full || !data.empty() : full && q_.action != Action::create);
    if (reads_all(p)) return by_data;
    const stack::Value* map = elements(p);
    if (map == nullptr) return false;
    return by_data && std::any_of(map->members.begin(), map->members.end(),
                                  [&](const stack::Member& m) { return class_of(m.key) == q_.data || q_.data == "special.sud"; });
  }
  bool law_prohibits(const rules::Ground& g, const stack::Document& f) const {
    return std::any_of(law_.prohibitions.begin(), law_.prohibitions.end(),
                       [&](const auto& p) { return prohibits(p, f) && !has(p.unless, g.kind); });
  }

  Words subjects(const stack::Document& f, const std::string& who, bool person) const {
    Words out{f.id, q_.route};
    if (!person) {
      out.insert(out.end(), {who, owner(who)});
    } else if (who != "individual") {
      out.insert(out.end(), {who, std::string(stack_.find("person", who)->text("organization"))});
    }
    return out;
  }
  static bool adverse(const rules::Finding& x) {
    return x.status == rules::Status::fail || x.status == rules::Status::stale ||
           (x.status == rules::Status::unknown && x.asked->about == "contract");
  }
  bool culprit_lapsed(const stack::Document& f, const std::string& who, bool person) const {
    const Words s = subjects(f, who, person);
    // The generated findings are alike but for their subject, status and date: one at most touches a flow.
    for (const auto& x : law_.findings)
      if (adverse(x) && has(s, x.subject)) return x.since.has_value() || x.status == rules::Status::stale;
    return false;
  }
  Reason blocked(const rules::Ground& g, const stack::Document& f, const std::string& who, bool person) const {
    const Words s = subjects(f, who, person);
    for (const auto& x : law_.findings) {
      if (!adverse(x) || (!has(s, x.subject) && !has(g.agreements, x.subject))) continue;
      const auto e = x.asked->effect.contains(g.effect_as) ? x.asked->effect.at(g.effect_as) : x.asked->effect.at("default");
      const Reason r = x.since || x.status == rules::Status::stale ? Reason::lapsed : Reason::no_ground;
      if (e.what == rules::Effect::What::block) return r;
      if (e.what == rules::Effect::What::grace && (!x.since || law_.as_of > *x.since + std::chrono::days(e.grace_days))) return r;
    }
    return Reason::none;
  }
  bool graced_out(const rules::Ground& g, const stack::Document& f, const std::string& who, bool person) const {
    const Words s = subjects(f, who, person);
    for (const auto& x : law_.findings) {
      if (!adverse(x) || (!has(s, x.subject) && !has(g.agreements, x.subject))) continue;
      const auto e = x.asked->effect.contains(g.effect_as) ? x.asked->effect.at(g.effect_as) : x.asked->effect.at("default");
      if (e.what == rules::Effect::What::grace && x.since && q_.day > *x.since + std::chrono::days(e.grace_days)) return true;
    }
    return false;
  }
  struct Trained {
    bool current = false;
    std::optional<Date> until;
  };
  Trained trained(const std::string& who) const {
    Trained out;
    int passes = 0, others = 0;
    for (const auto& x : law_.findings) {
      if (x.asked->meets != "training" || x.subject != who) continue;
      ++(x.status == rules::Status::pass ? passes : others);
      if (x.until && (!out.until || *x.until < *out.until)) out.until = x.until;
    }
    out.current = passes > 0 && others == 0;
    return out;
  }
  bool gone(const std::string& who, bool person) const {
    return person && who != "individual" && stack_.find("person", who)->text("status") == "ended";
  }
  static Form form(std::string_view word) {
    return word == "limited"         ? Form::limited
           : word == "deidentified"  ? Form::deidentified
           : word == "pseudonymized" ? Form::pseudonymized
                                     : Form::identified;
  }

  std::optional<Alternative> permit(const rules::Ground& g, const stack::Document& f, const std::string& who, bool person,
                                    const stack::Document& p) const {
    const Form most = form(p.text("form")), f2 = std::min(most, form(g.form));
    if (f2 == Form::deidentified && most != Form::deidentified && p.text("otherwise") != "deidentify") return std::nullopt;
    const auto block = [](Reason r) { return Alternative{.reason = r, .blocked = true}; };
    const stack::Document* route = stack_.find("route", f.text("via"));
    if (f2 == Form::deidentified && form(g.form) != Form::deidentified && route != nullptr && route->text("speaks").starts_with("llm."))
      return block(Reason::no_ground);
    if (p.text("view") == "full" && g.minimum_necessary && g.kind != "workforce" && g.kind != "associate" &&
        form(g.form) != Form::deidentified && (reads_all(p) || (p.find("reads") == nullptr && p.find("creates") == nullptr)))
      return block(Reason::no_ground);
    const auto regions = p.list("when.region");
    if (!regions.empty() && !g.regions.empty() &&
        std::none_of(regions.begin(), regions.end(), [&](std::string_view r) { return has(g.regions, r); }))
      return block(Reason::no_ground);
    if (gone(who, person)) return block(Reason::lapsed);
    if (const Reason r = blocked(g, f, who, person); r != Reason::none) return block(r);
    return judge(g, f, who, person, &p, false);
  }

  Alternative judge(const rules::Ground& g, const stack::Document& f, const std::string& who, bool person, const stack::Document* p,
                    bool glass) const {
    Alternative a{.form = form(g.form)};
    // The carrying license of a ground of de-identified data does not exist; others are full.
    a.full = true;
    if (p != nullptr) {
      a.form = std::min(form(p->text("form")), a.form);
      const bool mapped = p->find("reads") != nullptr || p->find("creates") != nullptr;
      // Without a map everything; with one its elements, or its types whole: a view either way.
      a.full = !mapped || reads_all(*p);
    } else if (!glass) {
      if (const Reason r = blocked(g, f, who, person); r != Reason::none) return {.reason = r, .blocked = true};
    }
    a.reason = reason(g, f, who, person, p, glass, a.form);
    return a;
  }

  Reason reason(const rules::Ground& g, const stack::Document& f, const std::string& who, bool person, const stack::Document* p, bool glass,
                Form f2) const {
    if (g.until && q_.day > *g.until) return Reason::lapsed;
    if (!glass && graced_out(g, f, who, person)) return Reason::lapsed;
    const bool wants_training = p != nullptr && p->flag("when.training");
    const Trained t = wants_training ? trained(who) : Trained{};
    if (t.current && t.until && q_.day >= *t.until) return Reason::lapsed;
    if (p != nullptr)
      if (const auto regions = p->list("when.region"); !regions.empty() && !has(regions, q_.region)) return Reason::out_of_scope;
    if (!g.regions.empty() && !has(g.regions, q_.region)) return Reason::out_of_scope;
    for (const std::string_view whose : {std::string_view(g.whose), p != nullptr ? p->text("whose") : std::string_view("all")})
      if (!of(whose, who, person)) return Reason::out_of_scope;
    if (suspended(who, person)) return Reason::suspended;
    if (restricted(g, who, person, f2)) return Reason::restricted;
    if (!g.asks_for.empty() && (q_.conditions & kNotSelfPaid) == 0) return Reason::restricted;
    if (p != nullptr && p->flag("when.mfa") && (q_.conditions & kMfa) == 0 && !(care(g) && (q_.conditions & kBreakGlass) != 0))
      return Reason::condition;
    if (wants_training && !t.current && !(care(g) && (q_.conditions & kBreakGlass) != 0)) return Reason::condition;
    return g.hold || (p != nullptr && p->flag("hold")) ? Reason::held : Reason::none;
  }
  Words orgs(const std::string& who, bool person) const {
    if (!person) return chain(owner(who));
    return who == "individual" ? Words{} : chain(stack_.find("person", who)->text("organization"));
  }
  bool of(std::string_view whose, const std::string& who, bool person) const {
    const auto row = [&](const std::vector<Facts::Row>& rows, const Words& names) {
      return std::any_of(rows.begin(), rows.end(), [&](const Facts::Row& r) { return r.patient == q_.patient && has(names, r.who); });
    };
    const bool self = q_.who == "individual";
    if (whose == "compartment") return self && (!known(q_.patient) || q_.patient == q_.self);
    if (!known(q_.patient) || whose.empty() || whose == "all") return true;
    Words names = orgs(who, person);
    if (whose == "members") return row(facts_.members, names);
    if (person && self) return false;
    if (person) names = roles(who);
    names.push_back(who);
    return row(facts_.ties, names);
  }
  bool suspended(const std::string& who, bool person) const {
    Words all = orgs(who, person);
    all.insert(all.end(), {std::string(to_), q_.caller, std::string(flows_[0]->text("from")), who, q_.route, std::string(kEverything)});
    for (const std::string_view s : {to_, std::string_view(q_.caller)})
      for (const std::string& o : chain(owner(s))) all.push_back(o);
    return std::any_of(all.begin(), all.end(), [&](const std::string& id) { return has(facts_.suspended, id); });
  }
  bool restricted(const rules::Ground& g, const std::string& who, bool person, Form f2) const {
    const bool emergency = (q_.conditions & kBreakGlass) != 0 || q_.purpose == "ETREAT" || q_.purpose == "BTG";
    if (q_.who == "individual" || (care(g) && emergency) || !known(q_.patient)) return false;
    Words names = orgs(who, person);
    names.insert(names.end(), {std::string(to_), who});
    for (const Facts::Row& r : facts_.restrictions)
      if (r.patient == q_.patient && forbids(r.classes, q_.data) &&
          (r.who.empty() ? q_.purpose != "TREAT" && !emergency : has(names, r.who)))
        return true;
    if (q_.data != "special.sud" || f2 == Form::deidentified) return false;
    const bool judged = q_.who.empty() || person != send_;
    if (!judged) return false;
    if (g.kind == "workforce") {
      const Words parts = orgs(who, person);
      if (std::any_of(parts.begin(), parts.end(),
                      [&](const std::string& o) { return stack_.find("organization", o)->flag("sud-program"); }))
        return false;
    }
    return std::none_of(facts_.consents.begin(), facts_.consents.end(),
                        [&](const Facts::Row& r) { return r.patient == q_.patient && has(names, r.who) && below(r.classes, q_.data); });
  }

  const stack::Stack& stack_;
  const rules::Judgment& law_;
  const Facts& facts_;
  const Question& q_;
  bool send_ = false;
  std::string_view to_;
  std::vector<const stack::Document*> flows_;
};

// ---- small worlds

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}
  std::uint64_t below_n(std::uint64_t n) { return random_.next() % n; }
  bool chance(int percent) { return below_n(100) < static_cast<std::uint64_t>(percent); }
  std::string of(const Words& words) { return words[below_n(words.size())]; }
  Words some(const Words& words, int percent) {
    Words out;
    for (const auto& w : words)
      if (chance(percent)) out.push_back(w);
    if (out.empty()) out.push_back(of(words));
    return out;
  }
  static std::string list(const Words& words) {
    std::string out = "[";
    for (const auto& w : words) out += (out.size() > 1 ? ", '" : "'") + w + "'";
    return out + "]";
  }

  std::string yaml() {
    std::string y = R"(
{kind: organization, id: ce, name: CE}
---
{kind: organization, id: part, name: Part, part-of: ce, sud-program: true}
---
{kind: organization, id: vendor, name: Vendor}
---
{kind: system, id: src, owner: ce, region: east}
---
{kind: route, id: front, speaks: fhir-r4, serves: src}
---
{kind: role, id: senior, inherits: [junior]}
---
{kind: role, id: junior}
)";
    y += fmt::format("---\n{{kind: route, id: out, speaks: {}, reaches: sys}}\n", of({"http", "http", "llm.openai"}));
    y += fmt::format("---\n{{kind: system, id: ui, owner: {}, region: east}}\n", of({"ce", "ce", "part", "vendor"}));
    y += fmt::format("---\n{{kind: system, id: sys, owner: {}, region: {}}}\n", of({"vendor", "vendor", "ce"}), of({"east", "west"}));
    y += fmt::format("---\n{{kind: system, id: app, owner: {}, region: east}}\n", of({"vendor", "ce"}));
    if (chance(60)) y += fmt::format("---\n{{kind: app, id: app-doc, system: app, for: {}}}\n", of({"individual", "entity"}));
    y += fmt::format("---\n{{kind: person, id: ann, organization: {}, roles: {}}}\n", of({"ce", "ce", "part", "vendor"}),
                     list(some({"junior", "senior"}, 40)));
    y += fmt::format("---\n{{kind: person, id: bob, organization: ce, roles: [junior]{}}}\n", chance(50) ? ", status: ended" : "");
    const int flows = 2 + static_cast<int>(below_n(3));
    for (int i = 0; i < flows; ++i) {
      const std::string to = of({"ui", "sys", "app", "ui"});
      y += fmt::format("---\n{{kind: flow, id: f{}, from: src, to: {}, via: {}, purposes: {}, data: {}}}\n", i, to,
                       to == "sys" && chance(50) ? "out" : "front", list(some({"TREAT", "HOPERAT", "ETREAT"}, 75)),
                       list(some({"*", "clinical.*", "demographics", "special.sud", "unclassified"}, 60)));
    }
    const int permits = 3 + static_cast<int>(below_n(5));
    for (int i = 0; i < permits; ++i) {
      const std::string to = of({"sys", "ui", "ann", "junior", "senior", "individual", "app"});
      y += fmt::format("---\n{{kind: permit, id: p{}, to: {}, for: {}", i, to, list(some({"TREAT", "HOPERAT", "ETREAT"}, 85)));
      if (to != "sys" && to != "ui" && to != "app")
        y += ", through: " + list(to == "individual" ? some({"app", "ui"}, 80) : some({"ui", "sys", "app"}, 75));
      const bool person = to != "sys" && to != "ui" && to != "app";
      if (chance(60)) y += ", view: full";
      if (chance(50)) y += ", reads: {DocumentReference: [id, type], Patient: [name]}";
      if (chance(25)) y += ", creates: {Observation: [code]}";
      if (chance(50)) y += ", data: " + list(some({"*", "clinical.note", "demographics", "special.sud"}, 70));
      if (chance(15)) y += ", form: " + of({"limited", "deidentified", "pseudonymized", "identified"});
      if (chance(25)) y += ", otherwise: deidentify";
      if (chance(8)) y += ", hold: true";
      if (chance(15)) y += ", whose: " + of({"panel", "compartment", "members"});
      if (chance(40))
        y += fmt::format(", when: {{{}{}{}}}", chance(50) ? "region: [east]" : "region: [east, west]",
                         person && chance(60) ? ", mfa: true" : "", person && chance(30) ? ", training: true" : "");
      y += "}\n";
    }
    return y;
  }

  rules::Judgment law() {
    rules::Judgment j;
    j.as_of = *parse_date("2026-11-25");
    j.under = "under packs test@1";
    // Most worlds have the plain grounds, so that much passes; what is drawn below disturbs them.
    for (const auto& [kind, recipient] : std::vector<std::pair<std::string, std::string>>{
             {"workforce", "ui"}, {"workforce", "junior"}, {"associate", "sys"}, {"individual", "individual"}, {"treatment", "app"}}) {
      if (!chance(75)) continue;
      rules::Ground g;
      g.id = kind + ":" + recipient;
      g.kind = kind;
      g.recipient = recipient;
      g.classes = {"*", "special.sud"};
      g.purposes = {"TREAT", "HOPERAT", "ETREAT"};
      g.minimum_necessary = kind != "treatment" && kind != "individual";
      g.effect_as = kind;
      j.grounds.push_back(g);
    }
    const int grounds = 1 + static_cast<int>(below_n(5));
    for (int i = 0; i < grounds; ++i) {
      rules::Ground g;
      g.kind = of({"workforce", "workforce", "treatment", "associate", "individual", "payment", "limited-data-set", "deidentified"});
      g.id = fmt::format("{}:{}", g.kind, i);
      g.recipient = g.kind == "individual" ? "individual" : of({"ui", "sys", "app", "ann", "junior", "senior", "bob", ""});
      if (g.recipient.empty() || chance(30)) g.flow = fmt::format("f{}", below_n(4));
      g.classes = some({"*", "clinical.*", "demographics", "special.sud"}, 70);
      g.purposes = some({"TREAT", "HOPERAT", "ETREAT"}, 85);
      if (chance(20)) g.regions = some({"east", "west"}, 60);
      if (chance(15)) g.whose = of({"compartment", "panel", "members"});
      g.form = g.kind == "deidentified" ? "deidentified" : g.kind == "limited-data-set" ? "limited" : "identified";
      g.minimum_necessary = g.kind != "treatment" && g.kind != "individual";
      g.hold = chance(8);
      g.effect_as = chance(20) ? "treatment" : g.kind;
      if (chance(10)) g.asks_for = {"not-self-paid"};
      if (chance(30)) g.until = *parse_date(of({"2026-11-26", "2027-06-30"}));
      if (chance(30)) g.agreements = {"baa"};
      j.grounds.push_back(g);
    }
    if (chance(35)) {
      rules::Finding f;
      rules::Asked asked{.requirement = "r", .about = chance(70) ? "contract" : "program"};
      f.subject = of({"f0", "f1", "ui", "sys", "vendor", "ce", "front", "ann", "baa"});
      f.status = chance(70) ? rules::Status::fail : chance(50) ? rules::Status::unknown : rules::Status::stale;
      f.because = "amiss";
      if (chance(40)) f.since = *parse_date(of({"2026-11-01", "2026-11-20"}));
      const auto effect = [this] {
        rules::Effect e;
        e.what = chance(50) ? rules::Effect::What::block : chance(50) ? rules::Effect::What::grace : rules::Effect::What::alarm;
        e.grace_days = 7;
        return e;
      };
      asked.effect["default"] = effect();
      for (const char* kind : {"workforce", "treatment"})
        if (chance(30)) asked.effect[kind] = effect();
      f.asked = std::make_shared<const rules::Asked>(std::move(asked));
      j.findings.push_back(f);
    }
    while (chance(60)) {
      rules::Finding f;
      rules::Asked asked{.requirement = fmt::format("t{}", j.findings.size()), .about = "program", .meets = chance(90) ? "training" : ""};
      asked.effect["default"].what = rules::Effect::What::alarm;
      f.asked = std::make_shared<const rules::Asked>(std::move(asked));
      f.subject = of({"ann", "bob", "sys"});
      f.status = chance(80) ? rules::Status::pass : rules::Status::unknown;
      f.because = "trained or not";
      if (chance(50)) f.until = *parse_date(of({"2026-11-27", "2027-06-30"}));
      j.findings.push_back(f);
    }
    if (chance(25))
      j.prohibitions.push_back({"x", chance(50) ? "f0" : "", some({"clinical.*", "special.*", "*"}, 30), some({"TREAT", "HOPERAT"}, 50),
                                chance(50) ? Words{"workforce"} : Words{}, "forbidden", ""});
    return j;
  }

  Facts facts() {
    Facts f;
    if (chance(20)) f.suspended.push_back(of({"ui", "sys", "ann", "vendor", "ce", "part", "src", "app", "_everything"}));
    const auto rows = [&](int percent, const Words& who, const Words& classes) {
      std::vector<Facts::Row> out;
      while (chance(percent)) out.push_back({chance(70) ? kOne : kTwo, of(who), of(classes)});
      return out;
    };
    f.restrictions = rows(25, {"ui", "sys", "vendor", "ce", "", "ann"}, {"*", "clinical.*", "special.sud", ""});
    f.consents = rows(40, {"ui", "sys", "vendor", "ce", "part", "ann"}, {"special.sud"});
    f.ties = rows(50, {"ui", "sys", "ann", "junior", "senior", "vendor"}, {""});
    f.members = rows(30, {"vendor", "ce", "part"}, {""});
    return f;
  }

  Question question() {
    Question q;
    q.route = of({"front", "front", "front", "out"});
    q.caller = q.route == "out" ? of({"src", "src", "src", "ui"}) : of({"ui", "ui", "sys", "app"});
    q.who = of({"", "", "ann", "ann", "bob", "individual"});
    q.purpose = chance(95) ? of({"TREAT", "TREAT", "TREAT", "HOPERAT", "ETREAT", "BTG"}) : "UNKNOWN";
    q.data = chance(80) ? of({"clinical.note", "demographics", "special.sud"}) : of(kClasses);
    q.action = q.route == "out" ? Action::send : chance(85) ? Action::read : Action::create;
    q.patient = chance(20) ? PatientKey{} : chance(80) ? kOne : kTwo;
    const std::uint32_t conditions[] = {0, kMfa, kMfa | kNotSelfPaid, kNotSelfPaid, kBreakGlass};
    q.conditions = conditions[below_n(4)];
    q.region = chance(80) ? "east" : of({"west", "nowhere"});
    q.day = *parse_date(chance(80) ? "2026-11-25" : of({"2026-11-28", "2027-12-01"}));
    return q;
  }

 private:
  SeededRandom random_;
};

Decision decide(const Table& t, const Question& q, const Overlay& overlay) {
  Ask a{.caller = t.system(q.caller),
        .route = t.route(q.route),
        .purpose = t.purpose(q.purpose),
        .action = q.action,
        .data_class = t.data_class(q.data),
        .region = t.region(q.region),
        .patient = q.patient,
        .conditions = q.conditions,
        .now = Micros(q.day) + std::chrono::hours(9)};
  if (q.who == "individual") {
    a.individual = true;
    a.self = q.self;
  } else if (!q.who.empty()) {
    a.person = t.person(q.who);
  }
  return t.decide(a, overlay);
}

constexpr int kWorlds = 400, kQuestions = 80;

TEST(Naive, DecidesAsTheTableDoes) {
  int passed = 0, refused[64] = {}, wrong = 0;
  for (std::uint64_t seed = 1; seed <= kWorlds && wrong < 5; ++seed) {
    Maker make(seed);
    const std::string yaml = make.yaml();
    const stack::Stack stack = made::stack(yaml);
    const rules::Judgment law = make.law();
    const Facts facts = make.facts();
    const Overlay overlay = facts.overlay();
    auto table = compile(stack, law, small());
    ASSERT_TRUE(table.ok()) << table.error().message << yaml;
    for (int i = 0; i < kQuestions; ++i) {
      const Question q = make.question();
      const Decision d = decide(*table, q, overlay);
      const Answer fast{d.outcome, d.form, d.reason}, slow = Naive(stack, law, facts, q).decide();
      passed += d.outcome != Outcome::refuse ? 1 : 0;
      ++refused[static_cast<std::size_t>(d.reason)];
      if (fast == slow || (fast.outcome == Outcome::hold && slow.outcome == Outcome::hold)) continue;
      ++wrong;
      std::string grounds;
      for (const auto& g : law.grounds)
        grounds += fmt::format("  {} flow={} to={} classes={} purposes={} regions={} whose={} until={}\n", g.id, g.flow, g.recipient,
                               fmt::join(g.classes, ","), fmt::join(g.purposes, ","), fmt::join(g.regions, ","), g.whose,
                               g.until ? format(*g.until) : "-");
      for (const auto& f : law.findings)
        grounds += fmt::format("  finding {} status={} about={} since={} default={} workforce={}\n", f.subject, static_cast<int>(f.status),
                               f.asked->about, f.since ? format(*f.since) : "-", static_cast<int>(f.asked->effect.at("default").what),
                               f.asked->effect.contains("workforce") ? static_cast<int>(f.asked->effect.at("workforce").what) : -1);
      for (const auto& p : law.prohibitions)
        grounds += fmt::format("  forbidden {} {} {} unless {}\n", p.flow, fmt::join(p.classes, ","), fmt::join(p.purposes, ","),
                               fmt::join(p.unless, ","));
      ADD_FAILURE() << "seed " << seed << ": table " << text(fast) << ", naive " << text(slow) << "\n"
                    << fmt::format("{} caller={} who={} {} {} {} patient={} conditions={} region={} {}\n", q.route, q.caller, q.who,
                                   q.purpose, q.data, name(q.action), q.patient[1], q.conditions, q.region, format(q.day))
                    << grounds << yaml.substr(yaml.find("{kind: system, id: ui"));
    }
  }
  // The worlds must be worth something: each outcome and each reason of this room comes up.
  EXPECT_GT(passed, kWorlds * kQuestions / 50);
  for (const Reason r : {Reason::no_purpose, Reason::undeclared, Reason::prohibited, Reason::no_permit, Reason::lapsed, Reason::no_ground,
                         Reason::out_of_scope, Reason::suspended, Reason::restricted, Reason::condition, Reason::held})
    EXPECT_GT(refused[static_cast<std::size_t>(r)], 5) << code(r);
}

// Take away a ground, a permit, a consent or a tie; add a finding, a prohibition, a suspension or a restriction: what was refused stays
// refused.
TEST(Naive, TakingAwayNeverLetsThrough) {
  int taken = 0;
  for (std::uint64_t seed = 1; seed <= 170; ++seed) {
    Maker make(seed * 7919);
    const std::string yaml = make.yaml();
    const stack::Stack stack = made::stack(yaml);
    const rules::Judgment law = make.law();
    const Facts facts = make.facts();
    std::vector<Question> questions;
    for (int i = 0; i < 40; ++i) questions.push_back(make.question());
    const Table whole = *compile(stack, law, small());
    const Overlay overlay = facts.overlay();

    const auto less = [&](const stack::Stack& s, const rules::Judgment& j, const Facts& f, std::string_view what) {
      const Table t = *compile(s, j, small());
      const Overlay o = f.overlay();
      for (const Question& q : questions) {
        const bool refused = decide(whole, q, overlay).outcome == Outcome::refuse, now = decide(t, q, o).outcome == Outcome::refuse;
        EXPECT_TRUE(!refused || now) << "seed " << seed << ": without " << what << " it passes";
        taken += !refused && now ? 1 : 0;
      }
    };
    rules::Judgment j = law;
    const std::size_t g = make.below_n(j.grounds.size());
    const std::string id = j.grounds[g].id;
    // Where no app document says so, a ground of the individual is also what tells their own app; both go together.
    j.grounds.erase(j.grounds.begin() + static_cast<std::ptrdiff_t>(g));
    less(stack, j, facts, id);
    stack::Stack s = stack;
    const auto permit = std::find_if(s.documents.begin(), s.documents.end(), [](const auto& d) { return d.kind == "permit"; });
    s.documents.erase(permit);
    less(s, law, facts, "the first permit");
    j = law;
    rules::Finding f;
    f.subject = make.of({"f0", "f1", "ui", "sys", "ce", "ann"});
    f.status = rules::Status::fail;
    f.asked = std::make_shared<const rules::Asked>(rules::Asked{.about = "contract"});
    j.findings.push_back(f);
    less(stack, j, facts, "evidence for " + f.subject);
    j = law;
    for (rules::Finding& trained : j.findings)
      if (trained.asked->meets == "training") trained.status = rules::Status::unknown;
    less(stack, j, facts, "training");
    j = law;
    j.prohibitions.push_back({"x", "", {"clinical.*"}, {"TREAT"}, {}, "forbidden", ""});
    less(stack, j, facts, "freedom");
    Facts fewer = facts;
    if (!fewer.consents.empty()) fewer.consents.pop_back();
    if (!fewer.ties.empty()) fewer.ties.pop_back();
    fewer.suspended.push_back("sys");
    fewer.restrictions.push_back({kOne, "ce", "clinical.*"});
    less(stack, law, fewer, "consents and ties");
  }
  EXPECT_GT(taken, 200);
}

}  // namespace
}  // namespace licet::license
