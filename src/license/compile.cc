// From permits, grounds and findings to the table.
//
// For each flow that a route carries: who may receive over it (the system by its own permits, people and individuals by theirs), and for
// each of their permits each ground that covers the recipient. What permit, flow and ground all cover becomes a grant; what permit and flow
// cover but no ground does stays in the table as a refusal with its sentence. So "no permit", "lapsed" and "no ground" are told apart
// without asking again, and a date that passes needs no compile: a grant carries its own first and last instant.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "license/internal/compile.h"
#include "license/internal/patterns.h"
#include "license/internal/views.h"

namespace licet::license {
namespace {

using rules::Finding;
using rules::Ground;
using rules::Status;
using stack::Document;

constexpr std::string_view kActionKeys[] = {"reads", "searches", "creates", "updates", "deletes"};

void settle(Ids& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}
Ids common(const Ids& a, const Ids& b) {
  Ids out;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}
ClassSet common(const ClassSet& a, const ClassSet& b) {
  ClassSet out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] && b[i];
  return out;
}
bool any(const ClassSet& set) {
  return std::find(set.begin(), set.end(), true) != set.end();
}

std::uint8_t whose_bit(std::string_view word) {
  if (word == "compartment") return kCompartment;
  if (word == "members") return kMembers;
  if (word == "panel") return kPanel;
  if (word == "named") return kNamed;
  return 0;
}
Whose whose_of(std::uint8_t bits) {
  if ((bits & kNamed) != 0) return Whose::named;
  if ((bits & kCompartment) != 0) return Whose::compartment;
  if ((bits & kPanel) != 0) return Whose::panel;
  return (bits & kMembers) != 0 ? Whose::members : Whose::all;
}
Form form_of(std::string_view word) {
  if (word == "limited") return Form::limited;
  if (word == "deidentified") return Form::deidentified;
  if (word == "pseudonymized") return Form::pseudonymized;
  return word.empty() || word == "identified" ? Form::identified : Form::none;
}
std::uint32_t condition_of(std::string_view word) {
  if (word == "mfa") return kMfa;
  if (word == "training") return kTrainingCurrent;
  if (word == "not-self-paid") return kNotSelfPaid;
  return kNever;
}
std::optional<Date> day(const Document& doc, std::string_view path) {
  const std::string_view text = doc.text(path);
  if (text.empty()) return std::nullopt;
  auto date = parse_date(text);
  return date ? std::optional<Date>(*date) : std::nullopt;
}
std::optional<Date> later(std::optional<Date> a, std::optional<Date> b) {
  return !a || (b && *b > *a) ? b : a;
}
std::optional<Date> sooner(std::optional<Date> a, std::optional<Date> b) {
  return !a || (b && *b < *a) ? b : a;
}

// What counts against access: a fail, a stale one, and for contracts and grounds also what isn't known.
bool adverse(const Finding& f) {
  switch (f.status) {
    case Status::fail:
    case Status::stale:
      return true;
    case Status::unknown:
      return f.asked->about == "contract" || f.asked->about == "ground";
    case Status::pass:
    case Status::not_applicable:
    case Status::accepted:
      return false;
  }
  return true;
}
bool lapsed(const Finding& f) {
  return f.since.has_value() || f.status == Status::stale;
}
rules::Effect effect(const Finding& f, const std::string& kind) {
  if (const auto at = f.asked->effect.find(kind); at != f.asked->effect.end()) return at->second;
  const auto otherwise = f.asked->effect.find("default");
  return otherwise != f.asked->effect.end() ? otherwise->second : rules::Effect{};  // a pack that says nothing blocks
}

class Compiler {
 public:
  Compiler(const stack::Stack& stack, const rules::Judgment& judgment, ClassMap classes) : stack_(stack), judgment_(judgment) {
    in_.classes = std::move(classes);
  }

  Result<std::unique_ptr<Table::Inside>> run() {
    name_everything();
    LICET_TRY_VOID(within_limits());
    read_grounds();
    LICET_TRY_VOID(read_permits());
    link_flows();
    // Beyond this point every id is known and no class is added.
    for (const Carried& c : carried_) license_flow(c);
    LICET_TRY_VOID(seal());
    return std::make_unique<Table::Inside>(std::move(in_));
  }

 private:
  struct Carried {  // a flow that a route carries
    const Document* doc = nullptr;
    std::uint32_t link = kNone, flow = kNone;
    Ids purposes;
    ClassSet classes;
    bool fhir = false;
    bool prompts = false;  // its route speaks to a language model
  };
  enum class Kind : std::uint8_t { permit, carries, glass };
  struct Build {
    Ids grants;
    std::uint32_t refusal = kNone;   // of a ground that covers it and is blocked
    std::uint32_t fallback = kNone;  // of a finding about the flow, where no ground covers it
  };

  // ---- names

  void name_everything() {
    for (const Document* d : stack_.all("organization")) in_.organizations_by.add(d->id);
    for (const Document* d : stack_.all("organization"))
      in_.organizations.push_back({d->id, std::string(d->text("name")), in_.organizations_by.find(d->text("part-of")), kNone, false});
    for (std::uint32_t o = 0; o < in_.organizations.size(); ++o) {
      // The loader refuses cycles; the bound keeps a hand-made stack from hanging us.
      std::uint32_t at = o;
      for (std::size_t steps = 0; steps <= in_.organizations.size(); ++steps) {
        const Document* d = stack_.find("organization", in_.organizations[at].id);
        if (d->flag("sud-program")) in_.organizations[o].part2 = true;
        if (in_.organizations[at].parent == kNone) break;
        at = in_.organizations[at].parent;
      }
      in_.organizations[o].root = at;
    }
    for (const Document* d : stack_.all("system")) {
      in_.systems_by.add(d->id);
      const std::string_view region = d->text("region");
      in_.systems.push_back({d->id, std::string(d->text("name")), in_.organizations_by.find(d->text("owner")),
                             region.empty() ? kNone : in_.regions_by.add(region)});
    }
    for (const Document* d : stack_.all("person")) {
      in_.persons_by.add(d->id);
      in_.persons.push_back({d->id, in_.organizations_by.find(d->text("organization")), roles(*d)});
    }
    for (const Document* d : stack_.all("route")) {
      in_.routes_by.add(d->id);
      in_.routes.push_back({d->id, d->text("serves").empty()});
    }
    const auto names = [this](const auto& words, const auto& patterns) {
      for (const auto& w : words) in_.purposes_by.add(w);
      for (const auto& p : patterns)
        if (std::string_view(p).find('*') == std::string_view::npos) in_.classes.intern(p);
    };
    in_.treat = in_.purposes_by.add("TREAT");
    in_.etreat = in_.purposes_by.add("ETREAT");
    in_.btg = in_.purposes_by.add("BTG");
    for (const Document* d : stack_.all("flow")) names(d->list("purposes"), d->list("data"));
    for (const Document* d : stack_.all("permit")) {
      names(d->list("for"), d->list("data"));
      for (const std::string_view r : d->list("when.region")) in_.regions_by.add(r);
    }
    for (const Ground& g : judgment_.grounds) {
      names(g.purposes, g.classes);
      for (const std::string& r : g.regions) in_.regions_by.add(r);
    }
    for (const rules::Prohibition& p : judgment_.prohibitions) names(p.purposes, p.classes);
    in_.region_words = in_.regions_by.size() / 64 + 1;
    in_.is_part2_class.resize(in_.classes.size());
    for (std::uint32_t c = 0; c < in_.classes.size(); ++c)
      in_.is_part2_class[c] = below("special.sud", name(c)) || below("special.sud.*", name(c));
    in_.under = judgment_.under;
    in_.as_of = judgment_.as_of;
    for (const Finding& f : judgment_.findings) {
      if (adverse(f)) findings_.emplace(f.subject, &f);
      if (f.asked->meets == "training") note_training(f);
    }
  }

  // All that asks about a person's training must pass; a pass that ends by itself (`until` is the first day without it) ends the license.
  void note_training(const Finding& f) {
    const auto [at, fresh] = trained_.try_emplace(f.subject);
    Training& t = at->second;
    t.current = (fresh || t.current) && f.status == Status::pass;
    if (f.until) t.until = sooner(t.until, *f.until - std::chrono::days(1));
  }

  std::vector<std::string> roles(const Document& person) const {
    std::set<std::string, std::less<>> seen;
    std::vector<std::string_view> open = person.list("roles");
    while (!open.empty()) {
      const std::string_view role = open.back();
      open.pop_back();
      if (!seen.emplace(role).second) continue;
      if (const Document* d = stack_.find("role", role))
        for (const std::string_view r : d->list("inherits")) open.push_back(r);
    }
    return {seen.begin(), seen.end()};
  }

  Result<void> within_limits() const {
    const auto fits = [](std::size_t n, int bits) { return n < (std::size_t{1} << bits); };
    if (!fits(2 * in_.systems.size() + in_.persons.size() + 1, kHolderBits) || !fits(in_.purposes_by.size(), kPurposeBits) ||
        !fits(in_.classes.size(), kClassBits) || !fits(stack_.all("flow").size(), kLinkBits))
      return Error{Code::exhausted,
                   fmt::format("the table holds at most {} flows, {} systems and people, {} purposes and {} data classes",
                               (1 << kLinkBits) - 1, (1 << kHolderBits) - 1, (1 << kPurposeBits) - 1, (1 << kClassBits) - 1)};
    return {};
  }

  [[nodiscard]] std::string_view name(std::uint32_t cls) const { return in_.classes.name(ClassId{cls}); }

  template <class Patterns>
  ClassSet expand(const Patterns& patterns) const {
    ClassSet out(in_.classes.size());
    for (std::uint32_t c = 0; c < out.size(); ++c)
      for (const auto& p : patterns)
        if (allows(p, name(c))) out[c] = true;
    return out;
  }
  template <class Words>
  static Ids ids(const Names& names, const Words& words) {
    Ids out;
    for (const auto& w : words)
      if (const std::uint32_t id = names.find(w); id != kNone) out.push_back(id);
    settle(out);
    return out;
  }

  // ---- grounds and permits

  void read_grounds() {
    for (const Ground& g : judgment_.grounds) {
      GroundRow row{.ground = &g,
                    .classes = expand(g.classes),
                    .purposes = ids(in_.purposes_by, g.purposes),
                    .regions = ids(in_.regions_by, g.regions)};
      row.form = form_of(g.form);
      row.whose = whose_bit(g.whose);
      for (const std::string& word : g.asks_for) row.conditions |= condition_of(word);
      if (row.whose == kNamed) {
        std::vector<PatientKey> keys;
        for (const std::string& token : g.patients)
          if (const std::optional<PatientKey> key = patient(token)) keys.push_back(*key);
        std::sort(keys.begin(), keys.end());
        row.named = static_cast<std::uint32_t>(in_.named.size());
        in_.named.push_back(std::move(keys));
      }
      // 164.514(d)(2): what the workforce needs is said by role, and may be the whole record; for an associate the owner decides.
      row.honors_full = !g.minimum_necessary || g.kind == "workforce" || g.kind == "associate" || row.form == Form::deidentified;
      row.care = g.kind == "workforce" || g.kind == "treatment";
      const auto at = static_cast<std::uint32_t>(grounds_.size());
      grounds_.push_back(std::move(row));
      if (!g.flow.empty())
        by_flow_[g.flow].push_back(at);
      else
        by_recipient_[g.recipient].push_back(at);
    }
  }
  static std::optional<PatientKey> patient(std::string_view token) {
    if (token.size() != 32) return std::nullopt;
    const std::optional<std::string> bytes = unhex(token);
    if (!bytes) return std::nullopt;
    PatientKey key{};
    for (std::size_t i = 0; i < 16; ++i) key[i / 8] = key[i / 8] << 8 | static_cast<unsigned char>((*bytes)[i]);
    return key;
  }

  Result<void> read_permits() {
    for (const Document* d : stack_.all("permit")) {
      LICET_TRY(permit, read_permit(*d));
      permits_.push_back(std::move(permit));
      const Permit& p = permits_.back();
      const auto at = static_cast<std::uint32_t>(permits_.size() - 1);
      if (p.to == Permit::To::system)
        to_system_[p.holder].push_back(at);
      else
        for (const std::uint32_t s : p.through) through_[s].push_back(at);
    }
    return {};
  }
  Error fault(const Document& d, std::string_view what) const {
    return {Code::invalid_argument, fmt::format("{}: permit {} {}", stack_.where(d.place), d.id, what)};
  }

  Result<Permit> read_permit(const Document& d) {
    Permit p{.doc = &d};
    const std::string_view to = d.text("to");
    if (to == "individual")
      p.to = Permit::To::individual;
    else if (p.holder = in_.systems_by.find(to); p.holder != kNone)
      p.to = Permit::To::system;
    else if (p.holder = in_.persons_by.find(to); p.holder != kNone)
      p.to = Permit::To::person;
    else if (stack_.find("role", to) != nullptr)
      p.to = Permit::To::role;
    else
      return fault(d, fmt::format("is to '{}', which is no system, role or person", to));
    for (const std::string_view s : d.list("through")) {
      p.through.push_back(in_.systems_by.find(s));
      if (p.through.back() == kNone) return fault(d, fmt::format("names '{}' in `through`, which is no system", s));
    }
    settle(p.through);
    if (p.to != Permit::To::system && p.through.empty()) return fault(d, "is to people and names no system in `through`");
    p.purposes = ids(in_.purposes_by, d.list("for"));
    p.regions = ids(in_.regions_by, d.list("when.region"));
    if (d.flag("when.mfa")) p.conditions |= kMfa;
    if (d.flag("when.training")) p.conditions |= kTrainingCurrent;
    if (p.to == Permit::To::system && p.conditions != 0) return fault(d, "is to a system: mfa and training speak of a person");
    p.full = d.text("view") == "full";
    p.deidentify = d.text("otherwise") == "deidentify";
    p.hold = d.flag("hold");
    p.form = form_of(d.text("form"));
    p.whose = whose_bit(d.text("whose"));
    p.from = day(d, "from");
    p.until = day(d, "until");
    for (const char c : d.text("panel-days"))
      p.panel_days = c >= '0' && c <= '9' && p.panel_days < 100'000 ? 10 * p.panel_days + (c - '0') : p.panel_days;
    LICET_TRY_VOID(read_what(d, p));
    return p;
  }

  // The maps of type → elements become one set of classes and two views for each action.
  Result<void> read_what(const Document& d, Permit& p) {
    std::array<const stack::Value*, 5> maps{};
    bool mapped = false;
    for (std::size_t i = 0; i < 5; ++i) {
      maps[i] = d.find(kActionKeys[i]);
      mapped = mapped || maps[i] != nullptr;
    }
    const auto data = d.list("data");
    // Without `data` everything that the flow and the ground say, but for what only a name covers.
    const ClassSet allowed = data.empty() ? expand(std::array<std::string_view, 1>{"*"}) : expand(data);
    p.plain = !mapped && !p.full && !data.empty();

    const auto what = [&](const stack::Value* elements, const stack::Value* searches, std::string_view suffix) -> Result<What> {
      What w{.allowed = true, .classes = ClassSet(in_.classes.size())};
      View listed{.id = d.id + std::string(suffix)}, whole{.id = listed.id};
      bool lists = false;
      for (const auto& [type, value] : elements->members) {
        if (!in_.classes.type(type).known() && in_.classes.type("Patient").known())
          return fault(d, fmt::format("names '{}', which is no FHIR R4 type", type));
        for (const ClassId c : in_.classes.of_type(type)) w.classes[c.value] = allowed[c.value];
        View::Type t{.type = type};
        if (value.type == stack::Value::Type::scalar) t.elements.push_back(value.text);
        for (const stack::Value& item : value.items) t.elements.push_back(item.text);
        std::sort(t.elements.begin(), t.elements.end());
        t.elements.erase(std::unique(t.elements.begin(), t.elements.end()), t.elements.end());
        for (const std::string& e : t.elements)
          if (e == "*" && t.elements.size() > 1)
            return fault(d, fmt::format("lists '*' beside elements for {}: '*' alone is every element", type));
        lists = lists || !t.elements.empty();
        if (const stack::Value* extra = searches != nullptr ? searches->find(type) : nullptr) {
          if (extra->type == stack::Value::Type::scalar) t.searches.push_back(extra->text);
          for (const stack::Value& item : extra->items) t.searches.push_back(item.text);
          std::sort(t.searches.begin(), t.searches.end());
        }
        whole.types.push_back({type, {"*"}, t.searches});
        listed.types.push_back(std::move(t));
      }
      if (searches != nullptr)
        for (const auto& [type, value] : searches->members)
          if (elements->find(type) == nullptr) return fault(d, fmt::format("searches {}, which it does not read", type));
      if (lists) w.listed = add_view(std::move(listed));
      if (p.full) w.whole = add_view(std::move(whole));
      return w;
    };

    const auto at = [&p](Action a) -> What& { return p.what[static_cast<std::size_t>(a)]; };
    if (maps[0] == nullptr && maps[1] != nullptr && !p.full) return fault(d, "searches what it does not read");
    if (maps[0] != nullptr) {
      LICET_TRY(w, what(maps[0], maps[1], ""));
      at(Action::read) = at(Action::search) = at(Action::send) = std::move(w);
    }
    static constexpr Action kWrites[] = {Action::create, Action::update, Action::remove};
    for (std::size_t i = 0; i < 3; ++i) {
      if (maps[i + 2] == nullptr) continue;
      LICET_TRY(w, what(maps[i + 2], nullptr, fmt::format(":{}", kActionKeys[i + 2])));
      if (kWrites[i] == Action::create) at(Action::send) = w;  // on a route that reaches out, what may be created there is what is sent
      at(kWrites[i]) = std::move(w);
    }
    // `view: full` without `reads` reads everything of its classes, whatever may be written besides.
    const What everything{.allowed = true, .classes = allowed};
    if (!mapped && (p.full || p.plain)) at(Action::send) = everything;
    if (p.full && maps[0] == nullptr) at(Action::read) = at(Action::search) = everything;
    if (p.plain) plain_what_.emplace(&d, What{.allowed = true, .classes = allowed});
    return {};
  }
  std::uint32_t add_view(View view) {
    std::sort(view.types.begin(), view.types.end(), [](const View::Type& a, const View::Type& b) { return a.type < b.type; });
    std::bitset<256> types;
    for (const View::Type& t : view.types)
      if (const TypeId id = in_.classes.type(t.type); id.value < 256) types.set(id.value);
    in_.views.push_back(std::move(view));
    in_.view_types.push_back(types);
    return static_cast<std::uint32_t>(in_.views.size() - 1);
  }

  // ---- links

  void link_flows() {
    std::map<std::uint32_t, std::string_view> app_for;
    for (const Document* d : stack_.all("app")) app_for[in_.systems_by.find(d->text("system"))] = d->text("for");
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> links;
    for (const Document* d : stack_.all("flow")) {
      const std::uint32_t route = in_.routes_by.find(d->text("via"));
      const std::uint32_t from = in_.systems_by.find(d->text("from")), to = in_.systems_by.find(d->text("to"));
      if (route == kNone || from == kNone || to == kNone) continue;  // outside the gate
      const Document& r = *stack_.find("route", in_.routes[route].id);
      const bool send = in_.routes[route].send;
      if (send ? r.text("reaches") != d->text("to") : r.text("serves") != d->text("from")) continue;  // not what that route carries
      const std::uint32_t caller = send ? from : to;
      const auto [at, fresh] = links.try_emplace({route, caller}, static_cast<std::uint32_t>(in_.links.size()));
      if (fresh) in_.links.push_back({.route = route, .caller = caller, .to = to, .from = from, .send = send});
      Link& link = in_.links[at->second];
      Carried c{.doc = d, .link = at->second, .flow = static_cast<std::uint32_t>(in_.flows.size())};
      c.purposes = ids(in_.purposes_by, d->list("purposes"));
      c.classes = expand(d->list("data"));
      c.fhir = r.text("speaks") == "fhir-r4";
      c.prompts = r.text("speaks").starts_with("llm.");
      in_.flows.push_back(d->id);
      link.flows.push_back({c.flow, c.purposes, c.classes});
      for (const std::uint32_t p : c.purposes) link.purposes.push_back(PurposeId{p});
      const auto app = app_for.find(to);
      bool own = app != app_for.end() && app->second == "individual";
      if (app == app_for.end())
        for (const std::uint32_t g : by_flow_[d->id]) own = own || grounds_[g].ground->kind == "individual";
      link.individual_own = link.individual_own || own;
      if (const std::uint32_t o = in_.systems[from].owner; o != kNone) link.carries_for_individual = in_.organizations[o].root;
      carried_.push_back(std::move(c));
    }
    for (Link& link : in_.links) {
      std::sort(link.purposes.begin(), link.purposes.end());
      link.purposes.erase(std::unique(link.purposes.begin(), link.purposes.end()), link.purposes.end());
    }
  }

  // ---- licenses

  struct Holder {
    std::uint32_t id = kNone;
    std::string name;
    std::uint32_t organization = kNone;
    const Document* person = nullptr;
    bool individual = false;
    Ids grounds;                        // that cover it over this flow
    std::vector<std::string> subjects;  // of findings that touch it
    std::string gone;                   // why a person holds nothing
    std::optional<Date> from, until;    // a person's days
  };

  void license_flow(const Carried& c) {
    forbid(c);
    const Link& link = in_.links[c.link];
    const Holder system = system_holder(c, link);
    for (const std::uint32_t p : to_system_[link.to]) license(c, system, permits_[p]);

    std::map<std::uint32_t, Holder> people;
    const auto person = [&](std::uint32_t p) -> const Holder& {
      auto at = people.find(p);
      if (at == people.end()) at = people.emplace(p, person_holder(c, link, p)).first;
      return at->second;
    };
    std::optional<Holder> individual;
    std::set<std::uint32_t> roots;  // of those who act through the system: it carries the people of its own entity
    for (const std::uint32_t i : through_[link.to]) {
      const Permit& permit = permits_[i];
      switch (permit.to) {
        case Permit::To::system:
          break;
        case Permit::To::individual:
          if (!individual) individual = individual_holder(c);
          license(c, *individual, permit);
          if (!link.individual_own) roots.insert(link.carries_for_individual);
          break;
        case Permit::To::person:
          license(c, person(permit.holder), permit);
          roots.insert(root_of(in_.persons[permit.holder].organization));
          break;
        case Permit::To::role:
          for (std::uint32_t p = 0; p < in_.persons.size(); ++p) {
            if (!std::binary_search(in_.persons[p].roles.begin(), in_.persons[p].roles.end(), permit.doc->text("to"), std::less<>()))
              continue;
            license(c, person(p), permit);
            roots.insert(root_of(in_.persons[p].organization));
          }
          break;
      }
    }
    const std::uint32_t root = root_of(in_.systems[link.to].owner);
    if (root != kNone && roots.contains(root)) without_permit(c, system, Kind::carries, root);
    // Break glass: what care may see on a ground of care, whatever the permits say. A system of the workforce only carries people.
    without_permit(c, system, Kind::glass, kNone);
    for (const auto& [p, holder] : people) without_permit(c, holder, Kind::glass, kNone);
  }
  [[nodiscard]] std::uint32_t root_of(std::uint32_t organization) const {
    return organization == kNone ? kNone : in_.organizations[organization].root;
  }

  Ids ground_rows(const Carried& c, const std::vector<std::string>& recipients, bool anyone, bool individual = false) {
    Ids out;
    const auto is = [&](const std::string& r) { return std::find(recipients.begin(), recipients.end(), r) != recipients.end(); };
    for (const std::uint32_t g : by_flow_[c.doc->id]) {
      const Ground& row = *grounds_[g].ground;
      if (is(row.recipient) || (anyone && row.recipient.empty()) || (individual && row.kind == "individual")) out.push_back(g);
    }
    for (const std::string& r : recipients)
      if (const auto at = by_recipient_.find(r); at != by_recipient_.end()) out.insert(out.end(), at->second.begin(), at->second.end());
    settle(out);
    return out;
  }
  Holder system_holder(const Carried& c, const Link& link) {
    const System& s = in_.systems[link.to];
    Holder h{.id = in_.holder_system(link.to), .name = s.id, .organization = s.owner};
    h.grounds = ground_rows(c, {s.id}, true);
    h.subjects = {c.doc->id, s.id, in_.routes[link.route].id};
    if (s.owner != kNone) h.subjects.push_back(in_.organizations[s.owner].id);
    return h;
  }
  Holder person_holder(const Carried& c, const Link& link, std::uint32_t person) {
    const Person& p = in_.persons[person];
    Holder h{.id = in_.holder_person(person), .name = p.id, .organization = p.organization, .person = stack_.find("person", p.id)};
    std::vector<std::string> recipients = p.roles;
    recipients.push_back(p.id);
    h.grounds = ground_rows(c, recipients, false);
    h.subjects = {p.id, c.doc->id, in_.routes[link.route].id};
    if (p.organization != kNone) h.subjects.push_back(in_.organizations[p.organization].id);
    const std::string_view status = h.person->text("status");
    h.from = day(*h.person, "started");
    h.until = day(*h.person, "ended");
    const std::string where = stack_.where(h.person->place);
    if (!status.empty() && status != "active")
      h.gone = fmt::format("{} is not active (status {}, {}), so holds no license", p.id, status, where);
    else if (h.until && *h.until < in_.as_of)
      h.gone = fmt::format("{} left on {} ({}), so holds no license", p.id, format(*h.until), where);
    return h;
  }
  Holder individual_holder(const Carried& c) {
    Holder h{.id = in_.holder_individual(), .name = "individual", .individual = true};
    h.grounds = ground_rows(c, {"individual"}, false, true);
    h.subjects = {c.doc->id, in_.routes[in_.links[c.link].route].id};
    return h;
  }

  // What the law forbids on this flow, and unless which ground.
  void forbid(const Carried& c) {
    forbidden_.clear();
    for (const rules::Prohibition& p : judgment_.prohibitions) {
      if (!p.flow.empty() && p.flow != c.doc->id) continue;
      Forbidden f{
          .prohibition = &p, .purposes = ids(in_.purposes_by, p.purposes), .classes = ClassSet(in_.classes.size(), p.classes.empty())};
      for (std::uint32_t k = 0; k < f.classes.size(); ++k)
        for (const std::string& pattern : p.classes) f.classes[k] = f.classes[k] || forbids(pattern, name(k));
      if (p.purposes.empty() || std::find(p.purposes.begin(), p.purposes.end(), "*") != p.purposes.end()) f.purposes = c.purposes;
      const std::uint32_t refusal = refuse(Reason::prohibited, p.because);
      for (const std::uint32_t u : common(f.purposes, c.purposes))
        for (std::uint32_t k = 0; k < c.classes.size(); ++k)
          if (c.classes[k] && f.classes[k]) {
            const auto key = pack(c.link, 0, u, k, kForbidden);
            builds_.try_emplace(key, Build{{}, refusal, kNone});
          }
      forbidden_.push_back(std::move(f));
    }
  }
  [[nodiscard]] bool forbidden(std::uint32_t purpose, std::uint32_t cls, const std::string& kind) const {
    return std::any_of(forbidden_.begin(), forbidden_.end(), [&](const Forbidden& f) {
      return f.classes[cls] && (std::binary_search(f.purposes.begin(), f.purposes.end(), purpose) || f.prohibition->purposes.empty()) &&
             std::find(f.prohibition->unless.begin(), f.prohibition->unless.end(), kind) == f.prohibition->unless.end();
    });
  }

  [[nodiscard]] Standing standing(const Holder& h, const Ground& g) const {
    Standing s;
    const auto weigh = [&](const std::string& subject) {
      const auto [first, last] = findings_.equal_range(subject);
      for (auto at = first; at != last; ++at) {
        const Finding& f = *at->second;
        const rules::Effect e = effect(f, g.effect_as.empty() ? g.kind : g.effect_as);
        bool blocks = false;
        switch (e.what) {
          case rules::Effect::What::alarm:
            break;
          case rules::Effect::What::block:
            blocks = true;
            break;
          case rules::Effect::What::grace: {
            // Without a day from which to count there is no grace.
            const std::optional<Date> end = f.since ? std::optional<Date>(*f.since + std::chrono::days(e.grace_days)) : std::nullopt;
            blocks = !end || in_.as_of > *end;
            if (!blocks && (!s.last || *end < *s.last)) {
              s.last = end;
              s.ends = &f;
            }
            break;
          }
        }
        if (blocks && (s.blocked == nullptr || (lapsed(f) && !lapsed(*s.blocked)))) s.blocked = &f;
      }
    };
    for (const std::string& subject : h.subjects) weigh(subject);
    for (const std::string& agreement : g.agreements) weigh(agreement);
    return s;
  }
  // The finding that best says why there is no ground at all: about contract or ground first, then what blocks, then a plain fail.
  [[nodiscard]] const Finding* culprit(const Holder& h) const {
    const Finding* best = nullptr;
    int best_weight = 0;
    for (std::size_t i = 0; i < h.subjects.size(); ++i) {
      const auto [first, last] = findings_.equal_range(h.subjects[i]);
      for (auto at = first; at != last; ++at) {
        const Finding& f = *at->second;
        int weight = 1;
        if (f.asked->about == "contract" || f.asked->about == "ground") weight += 100;
        if (effect(f, "").what == rules::Effect::What::block) weight += 50;
        if (f.subject == h.subjects[i] && i < 2) weight += 10;  // the flow or the holder itself rather than its organization
        if (f.status == Status::fail) weight += 5;
        if (weight > best_weight) {
          best = &f;
          best_weight = weight;
        }
      }
    }
    return best;
  }
  std::uint32_t refuse(Reason reason, const std::string& because) {
    std::string text = because;
    if (!in_.under.empty() && text.find(in_.under) == std::string::npos) text += fmt::format(" ({})", in_.under);
    const auto [at, fresh] = refusal_ids_.try_emplace({reason, text}, static_cast<std::uint32_t>(in_.refusals.size()));
    if (fresh) in_.refusals.push_back({reason, std::move(text)});
    return at->second;
  }

  struct Scope {
    ClassSet classes;
    Ids purposes;
  };
  // Every tuple of the scope that nothing prohibits on this kind of ground.
  template <class Do>
  void each(const Carried& c, std::uint32_t holder, const Scope& scope, std::uint32_t action, const std::string* kind, Do&& perform) {
    for (std::uint32_t k = 0; k < scope.classes.size(); ++k) {
      if (!scope.classes[k]) continue;
      for (const std::uint32_t p : scope.purposes)
        if (kind == nullptr || forbidden_.empty() || !forbidden(p, k, *kind)) perform(builds_[pack(c.link, holder, p, k, action)]);
    }
  }
  void tell(Build& build, std::uint32_t refusal) const {
    if (build.refusal == kNone || before(in_.refusals[refusal].reason, in_.refusals[build.refusal].reason)) build.refusal = refusal;
  }

  // The permit, cut down to each ground.
  void license(const Carried& c, const Holder& h, const Permit& permit) {
    const Link& link = in_.links[c.link];
    const Ids purposes = common(permit.purposes, c.purposes);
    if (purposes.empty()) return;
    const Finding* missing = culprit(h);
    const std::uint32_t none = missing != nullptr ? refuse(lapsed(*missing) ? Reason::lapsed : Reason::no_ground, missing->because) : kNone;
    std::map<std::uint32_t, std::uint32_t> licenses;  // ground → license
    for (std::uint32_t a = 0; a < kActions; ++a) {
      if (link.send != (a == static_cast<std::uint32_t>(Action::send))) continue;
      const What* what = &permit.what[a];
      if (permit.plain && !c.fhir && a <= static_cast<std::uint32_t>(Action::search)) what = &plain_what_.at(permit.doc);
      if (!what->allowed) continue;
      const Scope scope{common(what->classes, c.classes), purposes};
      for (const std::uint32_t g : h.grounds) {
        const GroundRow& row = grounds_[g];
        const Scope covered{common(scope.classes, row.classes), common(purposes, row.purposes)};
        if (covered.purposes.empty() || !any(covered.classes)) continue;
        const std::string& kind = row.ground->kind;
        const auto refuse_all = [&](Reason reason, const std::string& text) {
          const std::uint32_t refusal = refuse(reason, text);
          each(c, h.id, covered, a, &kind, [&](Build& b) { tell(b, refusal); });
        };
        const Form form = std::min(permit.form, row.form);
        if (form == Form::none) continue;
        // "At most identified" is also met by a limited data set, but de-identified only where the owner said that it will do.
        if (form == Form::deidentified && permit.form != Form::deidentified && !permit.deidentify) continue;
        // Prompts are free text: a ground of de-identified data may say that they are good for it, the owner's word alone does not make
        // them so.
        if (form == Form::deidentified && row.form != Form::deidentified && c.prompts) {
          refuse_all(
              Reason::no_ground,
              fmt::format(
                  "Permit {} asks for form deidentified, and what {} carries is prompts, which are free text: they leave in that form only "
                  "where an expert determined it; under {} say `form: pseudonymized`",
                  permit.doc->id, c.doc->id, row.ground->id));
          continue;
        }
        std::uint32_t view = what->listed;
        if (permit.full && row.honors_full)
          view = what->whole;
        else if (permit.full && view == kNone) {
          refuse_all(
              Reason::no_ground,
              fmt::format(
                  "Permit {} asks for whole records, and {} ({}) carries only the minimum necessary: the permit must name the elements",
                  permit.doc->id, row.ground->id, row.ground->cites));
          continue;
        }
        if (!permit.regions.empty() && !row.regions.empty() && common(permit.regions, row.regions).empty()) {
          refuse_all(Reason::no_ground, fmt::format("Permit {} and {} name no region in common", permit.doc->id, row.ground->id));
          continue;
        }
        if (!h.gone.empty()) {
          refuse_all(Reason::lapsed, h.gone);
          continue;
        }
        if (permit.until && *permit.until < in_.as_of) {
          refuse_all(Reason::lapsed, fmt::format("Permit {} ended on {}", permit.doc->id, format(*permit.until)));
          continue;
        }
        const Standing st = standing(h, *row.ground);
        if (st.blocked != nullptr) {
          refuse_all(lapsed(*st.blocked) ? Reason::lapsed : Reason::no_ground, st.blocked->because);
          continue;
        }
        const std::uint32_t grant = add_grant(c, h, &permit, g, Kind::permit, kNone, st, form, view);
        describe(grant, covered, std::string(license::name(static_cast<Action>(a))));
        each(c, h.id, covered, a, &kind, [&](Build& b) { b.grants.push_back(grant); });
      }
      // The tuple exists even where no ground covers it: what lacks is not the permit.
      each(c, h.id, scope, a, nullptr, [&](Build& b) { b.fallback = b.fallback == kNone ? none : b.fallback; });
    }
  }

  // Carrying licenses and break glass: the ground alone says what.
  void without_permit(const Carried& c, const Holder& h, Kind kind, std::uint32_t root) {
    const Link& link = in_.links[c.link];
    for (const std::uint32_t g : h.grounds) {
      const GroundRow& row = grounds_[g];
      const bool glass = kind == Kind::glass;
      if (glass && !row.care) continue;
      if (row.form < Form::limited) continue;
      Scope scope{common(row.classes, c.classes), common(row.purposes, c.purposes)};
      if (glass) {
        // Emergencies stand on treatment: where flow and ground have one of these, they have all.
        const Ids care = care_purposes();
        if (!common(row.purposes, care).empty() && !common(c.purposes, care).empty())
          scope.purposes.insert(scope.purposes.end(), {in_.etreat, in_.btg});
        settle(scope.purposes);
      }
      if (scope.purposes.empty() || !any(scope.classes) || !h.gone.empty()) continue;
      const std::string& ground_kind = row.ground->kind;
      Standing st = standing(h, *row.ground);
      std::uint32_t holder = h.id;
      if (kind == Kind::carries) holder = in_.holder_carrier(link.to);
      if (glass) st = {};  // a lapse that findings see is what break glass lifts
      std::uint32_t grant_root = root;
      if (glass && h.person == nullptr && ground_kind == "workforce") grant_root = root_of(h.organization);
      const std::uint32_t refusal =
          st.blocked == nullptr ? kNone : refuse(lapsed(*st.blocked) ? Reason::lapsed : Reason::no_ground, st.blocked->because);
      const std::uint32_t grant = st.blocked != nullptr ? kNone : add_grant(c, h, nullptr, g, kind, grant_root, st, row.form, kNone);
      if (grant != kNone) describe(grant, scope, glass ? "read, search, create" : "");
      for (std::uint32_t a = 0; a < kActions; ++a) {
        if (glass ? a != 0 : link.send != (a == static_cast<std::uint32_t>(Action::send))) continue;
        each(c, holder, scope, glass ? kGlass : a, &ground_kind, [&](Build& b) {
          if (grant != kNone)
            b.grants.push_back(grant);
          else
            tell(b, refusal);
        });
      }
    }
  }
  [[nodiscard]] Ids care_purposes() const {
    Ids out{in_.treat, in_.etreat, in_.btg};
    settle(out);
    return out;
  }

  std::int64_t start(Date day) {
    const auto [at, fresh] = starts_.try_emplace(day, 0);
    if (fresh) at->second = count(stack_.zone.start(day));
    return at->second;
  }

  // One grant for one view; its license is shared by the grants of the same permit, flow, ground and holder.
  std::uint32_t add_grant(const Carried& c, const Holder& h, const Permit* permit, std::uint32_t g, Kind kind, std::uint32_t root,
                          const Standing& st, Form form, std::uint32_t view) {
    const GroundRow& row = grounds_[g];
    const Ground& ground = *row.ground;
    const std::uint32_t permit_at =
        permit != nullptr ? static_cast<std::uint32_t>(permit - permits_.data()) : kNone - 1 - static_cast<std::uint32_t>(kind);
    const std::array<std::uint32_t, 4> of{permit_at, c.flow, g, h.id};
    const auto [at, fresh] = license_ids_.try_emplace(of, static_cast<std::uint32_t>(in_.licenses.size()));
    std::optional<Date> from = ground.from, until = ground.until;
    if (permit != nullptr) {
      from = later(from, permit->from);
      until = sooner(until, permit->until);
    }
    from = later(from, h.from);
    until = sooner(until, h.until);
    std::uint32_t conditions = row.conditions | (permit != nullptr ? permit->conditions : 0);
    if (kind == Kind::glass) conditions &= ~std::uint32_t{kMfa | kTrainingCurrent};
    const std::uint32_t asked = conditions;
    if ((conditions & kTrainingCurrent) != 0)
      if (const auto t = trained_.find(h.name); t != trained_.end() && t->second.current) {
        conditions &= ~std::uint32_t{kTrainingCurrent};
        until = sooner(until, t->second.until);
      }
    const bool graced = st.last && (!until || *st.last < *until);
    if (graced) until = st.last;

    const auto [grant_at, grant_fresh] = grant_ids_.try_emplace({at->second, view}, static_cast<std::uint32_t>(in_.grants.size()));
    if (grant_fresh) {
      Grant grant{.license = at->second, .view = view, .named = row.named, .root = root, .form = form};
      if (from) grant.from = start(*from);
      if (until) grant.until = start(*until + std::chrono::days(1));  // the last day counts
      if (graced) grant.lapse = refuse(Reason::lapsed, st.ends->because);
      Ids regions = row.regions;
      if (permit != nullptr && !permit->regions.empty()) regions = regions.empty() ? permit->regions : common(regions, permit->regions);
      if (!regions.empty()) grant.regions = region_set(regions);
      grant.conditions = conditions;
      grant.whose = static_cast<std::uint8_t>(row.whose | (permit != nullptr ? permit->whose : 0));
      grant.hold = ground.hold || (permit != nullptr && permit->hold);
      grant.accountable = ground.accountable;
      grant.care = row.care;
      grant.part2 = ground.kind == "workforce" && h.organization != kNone && in_.organizations[h.organization].part2;
      grant.own = h.individual && ground.kind == "individual";
      in_.grants.push_back(grant);
    }
    if (fresh) in_.licenses.push_back(license_of(c, h, permit, ground, kind, in_.grants[grant_at->second], asked, from, until));
    return grant_at->second;
  }
  std::uint32_t region_set(const Ids& regions) {
    const auto [at, fresh] = region_ids_.try_emplace(regions, static_cast<std::uint32_t>(in_.region_sets.size() / in_.region_words));
    if (fresh) {
      in_.region_sets.resize(in_.region_sets.size() + in_.region_words);
      for (const std::uint32_t r : regions) in_.region_sets[at->second * in_.region_words + r / 64] |= std::uint64_t{1} << (r % 64);
    }
    return at->second;
  }

  License license_of(const Carried& c, const Holder& h, const Permit* permit, const Ground& ground, Kind kind, const Grant& grant,
                     std::uint32_t conditions, std::optional<Date> from, std::optional<Date> until) const {
    License l{.holder = h.name,
              .permit = permit != nullptr ? permit->doc->id : "",
              .flow = c.doc->id,
              .ground_id = ground.id,
              .ground_kind = ground.kind,
              .entity = ground.entity};
    const std::string_view first = permit != nullptr ? std::string_view(l.permit) : kind == Kind::carries ? "carries" : "break-glass";
    l.id = fmt::format("{}/{}/{}", first, l.flow, l.ground_id);
    if ((h.person != nullptr || h.individual) && ground.recipient != h.name) l.id += "/" + h.name;
    for (std::uint32_t r = 0; grant.regions != kNone && r < in_.regions_by.size(); ++r)
      if ((in_.region_sets[grant.regions * in_.region_words + r / 64] >> (r % 64) & 1) != 0) l.regions.push_back(in_.regions_by[r]);
    std::sort(l.regions.begin(), l.regions.end());
    if ((conditions & kMfa) != 0) l.conditions.push_back("mfa");
    if ((conditions & kTrainingCurrent) != 0) l.conditions.push_back("training");
    if ((conditions & kNotSelfPaid) != 0) l.conditions.push_back("not-self-paid");
    if ((conditions & kNever) != 0) l.conditions.push_back("unknown");
    if (kind == Kind::glass) l.conditions.push_back("break-glass");
    l.agreements = ground.agreements;
    l.form = grant.form;
    l.view = grant.view == kNone ? "full" : permit->doc->id;
    l.whose = whose_of(grant.whose);
    l.hold = grant.hold;
    l.accountable = grant.accountable;
    l.carries = kind == Kind::carries;
    l.from = from;
    l.until = until;
    l.panel_days = permit != nullptr ? permit->panel_days : 0;
    l.witness = ground.witness;
    l.because = ground.because;
    return l;
  }
  // Classes, purposes and actions of a license gather over its grants.
  void describe(std::uint32_t grant, const Scope& scope, const std::string& action) {
    License& l = in_.licenses[in_.grants[grant].license];
    const auto add = [](std::vector<std::string>& list, std::string_view word) {
      const auto at = std::lower_bound(list.begin(), list.end(), word);
      if (!word.empty() && (at == list.end() || *at != word)) list.insert(at, std::string(word));
    };
    for (std::uint32_t k = 0; k < scope.classes.size(); ++k)
      if (scope.classes[k]) add(l.classes, name(k));
    for (const std::uint32_t p : scope.purposes) add(l.purposes, in_.purposes_by[p]);
    add(l.actions, action);
  }

  // ---- the end: order, sharing, look-ups

  Result<void> seal() {
    if (in_.views.size() >= kNone / 2) return Error{Code::exhausted, "too many views"};
    // Licenses by id, so that the same declaration gives the same numbers whatever its order.
    Ids order(in_.licenses.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return in_.licenses[a].id < in_.licenses[b].id; });
    std::vector<License> licenses;
    Ids moved(order.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) {
      moved[order[i]] = i;
      licenses.push_back(std::move(in_.licenses[order[i]]));
    }
    in_.licenses = std::move(licenses);
    for (Grant& g : in_.grants) g.license = moved[g.license];

    // The best first: released before held, more form before less, the whole record before a view, then by id.
    const auto better = [this](std::uint32_t a, std::uint32_t b) {
      const Grant &x = in_.grants[a], &y = in_.grants[b];
      if (x.hold != y.hold) return y.hold;
      if (x.form != y.form) return x.form > y.form;
      if ((x.view == kNone) != (y.view == kNone)) return x.view == kNone;
      return x.license != y.license ? x.license < y.license : a < b;
    };
    std::map<Ids, std::uint32_t> sets;
    in_.all_tuples.reserve(builds_.size());
    for (auto& [key, build] : builds_) {
      Tuple tuple{kNone, build.refusal != kNone ? build.refusal : build.fallback};
      if (!build.grants.empty()) {
        settle(build.grants);
        std::sort(build.grants.begin(), build.grants.end(), better);
        const auto [at, fresh] = sets.try_emplace(build.grants, static_cast<std::uint32_t>(in_.sets.size()));
        if (fresh) {
          in_.sets.push_back({static_cast<std::uint32_t>(in_.in_sets.size()), static_cast<std::uint32_t>(build.grants.size())});
          in_.in_sets.insert(in_.in_sets.end(), build.grants.begin(), build.grants.end());
        }
        tuple = {at->second, kNone};
      }
      in_.all_tuples.emplace_back(key, tuple);
    }
    std::sort(in_.all_tuples.begin(), in_.all_tuples.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    in_.tuples.reserve(in_.all_tuples.size());
    for (const auto& [key, tuple] : in_.all_tuples) in_.tuples.insert(key, tuple);
    in_.link_of.reserve(in_.links.size());
    for (std::uint32_t i = 0; i < in_.links.size(); ++i)
      in_.link_of.insert(std::uint64_t{in_.links[i].route} << 32 | in_.links[i].caller, i);
    meet_views();
    in_.digest_text = license::digest_text(in_);
    return {};
  }

  // For each pair of views that a person and a system can bring together on one link: what both show.
  void meet_views() {
    const auto people_from = in_.holder_person(0);
    std::map<std::uint32_t, std::array<std::set<std::uint32_t>, 2>> by_link;
    for (const auto& [key, tuple] : in_.all_tuples) {
      if (tuple.set == kNone) continue;
      const auto holder = static_cast<std::uint32_t>(key >> (kPurposeBits + kClassBits + kActionBits)) & ((1u << kHolderBits) - 1);
      auto& views = by_link[static_cast<std::uint32_t>(key >> (kHolderBits + kPurposeBits + kClassBits + kActionBits))]
                           [holder >= people_from ? 1 : 0];
      const Set& set = in_.sets[tuple.set];
      for (std::uint32_t i = 0; i < set.count; ++i)
        if (const std::uint32_t view = in_.grants[in_.in_sets[set.begin + i]].view; view != kNone) views.insert(view);
    }
    std::map<std::uint64_t, std::uint32_t> pairs;
    for (const auto& [link, sides] : by_link)
      for (const std::uint32_t s : sides[0])
        for (const std::uint32_t p : sides[1]) {
          if (s == p) continue;
          const auto [at, fresh] = pairs.try_emplace(std::uint64_t{s} << 32 | p, kNone);
          if (!fresh) continue;
          at->second = add_view(meet(in_.views[s], in_.views[p]));  // of no type: then it shows nothing
        }
    in_.meets.reserve(pairs.size());
    for (const auto& [key, view] : pairs) in_.meets.insert(key, view);
  }

  struct Forbidden {
    const rules::Prohibition* prohibition = nullptr;
    Ids purposes;
    ClassSet classes;
  };

  const stack::Stack& stack_;
  const rules::Judgment& judgment_;
  Table::Inside in_;
  std::multimap<std::string, const Finding*, std::less<>> findings_;  // by subject: adverse ones
  struct Training {
    bool current = false;
    std::optional<Date> until;  // last day
  };
  std::map<std::string, Training, std::less<>> trained_;  // by person
  std::vector<GroundRow> grounds_;
  std::map<std::string, Ids, std::less<>> by_flow_, by_recipient_;
  std::vector<Permit> permits_;
  std::map<const Document*, What> plain_what_;
  std::map<std::uint32_t, Ids> to_system_, through_;
  std::vector<Carried> carried_;
  std::vector<Forbidden> forbidden_;  // of the flow at hand
  std::unordered_map<std::uint64_t, Build> builds_;
  std::map<std::array<std::uint32_t, 4>, std::uint32_t> license_ids_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> grant_ids_;
  std::map<std::pair<Reason, std::string>, std::uint32_t> refusal_ids_;
  std::map<Ids, std::uint32_t> region_ids_;
  std::map<Date, std::int64_t> starts_;
};

}  // namespace

Result<Table> compile(const stack::Stack& stack, const rules::Judgment& judgment, ClassMap classes) {
  Compiler compiler(stack, judgment, std::move(classes));
  LICET_TRY(inside, compiler.run());
  return Table(std::move(inside));
}

}  // namespace licet::license
