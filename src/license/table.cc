#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "license/internal/compile.h"
#include "license/internal/views.h"

namespace licet::license {

std::string_view name(Action action) {
  switch (action) {
    case Action::read:
      return "read";
    case Action::search:
      return "search";
    case Action::create:
      return "create";
    case Action::update:
      return "update";
    case Action::remove:
      return "remove";
    case Action::send:
      return "send";
  }
  return "?";
}
std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::pass:
      return "pass";
    case Outcome::reduce:
      return "reduce";
    case Outcome::deidentify:
      return "deidentify";
    case Outcome::hold:
      return "hold";
    case Outcome::refuse:
      return "refuse";
  }
  return "?";
}
std::string_view name(Form form) {
  switch (form) {
    case Form::none:
      return "none";
    case Form::deidentified:
      return "deidentified";
    case Form::limited:
      return "limited";
    case Form::pseudonymized:
      return "pseudonymized";
    case Form::identified:
      return "identified";
  }
  return "?";
}

const View::Type* View::find(std::string_view type) const {
  const auto at =
      std::lower_bound(types.begin(), types.end(), type, [](const Type& t, std::string_view wanted) { return t.type < wanted; });
  return at != types.end() && at->type == type ? &*at : nullptr;
}

View meet(const View& a, const View& b) {
  View out{.id = a.id + " & " + b.id};
  for (const View::Type& x : a.types) {
    const View::Type* y = b.find(x.type);
    if (y == nullptr) continue;
    View::Type t{.type = x.type};
    for (const std::string& e : x.elements)
      if (std::any_of(y->elements.begin(), y->elements.end(), [&](const std::string& f) { return shows(f, e); })) t.elements.push_back(e);
    for (const std::string& f : y->elements)
      if (std::any_of(x.elements.begin(), x.elements.end(), [&](const std::string& e) { return shows(e, f); })) t.elements.push_back(f);
    std::sort(t.elements.begin(), t.elements.end());
    t.elements.erase(std::unique(t.elements.begin(), t.elements.end()), t.elements.end());
    std::set_intersection(x.searches.begin(), x.searches.end(), y->searches.begin(), y->searches.end(), std::back_inserter(t.searches));
    out.types.push_back(std::move(t));
  }
  return out;
}

Table::Table(std::unique_ptr<Inside> in) : in_(std::move(in)) {}
Table::Table(Table&&) noexcept = default;
Table& Table::operator=(Table&&) noexcept = default;
Table::~Table() = default;

SystemId Table::system(std::string_view id) const {
  return {in_->systems_by.find(id)};
}
PersonId Table::person(std::string_view id) const {
  return {in_->persons_by.find(id)};
}
RouteId Table::route(std::string_view id) const {
  return {in_->routes_by.find(id)};
}
PurposeId Table::purpose(std::string_view code) const {
  return {in_->purposes_by.find(code)};
}
RegionId Table::region(std::string_view name) const {
  return {in_->regions_by.find(name)};
}
RegionId Table::region_of(SystemId system) const {
  return system.value < in_->systems.size() ? RegionId{in_->systems[system.value].region} : RegionId{};
}
ClassId Table::data_class(std::string_view name) const {
  return in_->classes.find(name);
}
TypeId Table::type(std::string_view fhir_type) const {
  return in_->classes.type(fhir_type);
}
const ClassMap& Table::classes() const {
  return in_->classes;
}

std::span<const PurposeId> Table::purposes(RouteId route, SystemId caller) const {
  const Link* link = route.known() && caller.known() ? in_->link(route.value, caller.value) : nullptr;
  return link != nullptr ? std::span<const PurposeId>(link->purposes) : std::span<const PurposeId>();
}
std::string_view Table::purpose_code(PurposeId purpose) const {
  return purpose.value < in_->purposes_by.size() ? std::string_view(in_->purposes_by[purpose.value]) : std::string_view();
}

const View& Table::view(ViewId view) const {
  LICET_ASSERT(view.value < in_->views.size());
  return in_->views[view.value];
}
std::size_t Table::views() const {
  return in_->views.size();
}
const License& Table::license(LicenseId license) const {
  LICET_ASSERT(license.value < in_->licenses.size());
  return in_->licenses[license.value];
}
std::span<const License> Table::licenses() const {
  return in_->licenses;
}
const std::string& Table::digest_text() const {
  return in_->digest_text;
}
const std::string& Table::under() const {
  return in_->under;
}

std::string_view Table::flow_of(const Ask& ask) const {
  const Link* link = ask.route.known() && ask.caller.known() ? in_->link(ask.route.value, ask.caller.value) : nullptr;
  if (link == nullptr) return {};
  const auto declares = [&](const Link::Flow& f) {
    return std::binary_search(f.purposes.begin(), f.purposes.end(), ask.purpose.value) && ask.data_class.value < f.classes.size() &&
           f.classes[ask.data_class.value];
  };
  const auto at = std::find_if(link->flows.begin(), link->flows.end(), declares);
  return in_->flows[(at != link->flows.end() ? *at : link->flows.front()).flow];
}

std::string Table::sentence(const Decision& d) const {
  const Inside& in = *in_;
  if (d.refusal.value < in.refusals.size()) return in.refusals[d.refusal.value].text;

  const auto label = [](const std::string& id, const std::string& name) { return name.empty() ? id : fmt::format("{} ({})", name, id); };
  const Link* link = d.route.known() && d.caller.known() ? in.link(d.route.value, d.caller.value) : nullptr;
  const std::string route = d.route.value < in.routes.size() ? in.routes[d.route.value].id : "an unknown route";
  const std::uint32_t to = link != nullptr ? link->to : d.caller.value;
  const std::string recipient = to < in.systems.size() ? label(in.systems[to].id, in.systems[to].name) : "an undeclared system";
  const std::string_view data = d.data_class.known() ? in.classes.name(d.data_class) : std::string_view("data of no class");
  const std::string_view code = purpose_code(d.purpose);
  const std::string purpose(code.empty() ? std::string_view("an undeclared purpose") : code);
  const LicenseId of = d.license.known() ? d.license : d.person_license;
  const License* l = of.value < in.licenses.size() ? &in.licenses[of.value] : nullptr;
  const std::string license = l != nullptr ? fmt::format("license {}", l->id) : std::string("the license");
  const auto joined = [](const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); };

  std::string text;
  switch (d.reason) {
    case Reason::none:
      text = l != nullptr
                 ? fmt::format("{} may {} {} for {}: {}", recipient,
                               d.form == Form::identified ? "have" : fmt::format("have, {},", name(d.form)), data, purpose, l->because)
                 : std::string();
      break;
    case Reason::no_purpose:
      text = d.purpose.known() ? fmt::format("No flow of {} over {} declares the purpose {}", recipient, route, purpose)
                               : fmt::format("The request of {} names no purpose that its flow over {} declares", recipient, route);
      break;
    case Reason::undeclared:
      text = fmt::format("No declared flow carries {} to {} over {} for {}", data, recipient, route, purpose);
      break;
    case Reason::no_permit:
      text = d.person.value < in.persons.size()
                 ? fmt::format("No permit lets {} have {} for {} through {}", in.persons[d.person.value].id, data, purpose, recipient)
                 : fmt::format("No permit lets {} have {} for {} over {}", recipient, data, purpose, route);
      break;
    case Reason::lapsed:
      text = l != nullptr && l->until
                 ? fmt::format("{} ended on {}, so {} may not have {} for {}", license, format(*l->until), recipient, data, purpose)
                 : fmt::format("The ground on which {} had {} for {} has lapsed", recipient, data, purpose);
      break;
    case Reason::no_ground:
      text = l != nullptr && l->from
                 ? fmt::format("{} begins on {}, so {} may not have {} for {} yet", license, format(*l->from), recipient, data, purpose)
                 : fmt::format("No lawful ground on record lets {} have {} for {}", recipient, data, purpose);
      break;
    case Reason::out_of_scope:
      text = fmt::format("This is outside {}: another patient, region or resource than it covers", license);
      if (l != nullptr && !l->regions.empty()) text += fmt::format(" (regions: {})", joined(l->regions));
      break;
    case Reason::suspended:
      text = fmt::format(
          "{}, its organization, its source, its route or the person who acts is suspended, or everything is, so {} may not be used",
          recipient, license);
      break;
    case Reason::restricted:
      text = fmt::format(
          "A restriction that the patient asked for (164.522(a)), or a missing consent (42 CFR 2.31), stands against {} having {} for {}",
          recipient, data, purpose);
      break;
    case Reason::condition:
      text = fmt::format("{} asks for {}, which the request lacks", license, l != nullptr ? joined(l->conditions) : "a condition");
      break;
    case Reason::held:
      text = fmt::format("A person must release each use of {}", license);
      break;
    // Reasons of other rooms, and a prohibition, which always has its own sentence.
    case Reason::malformed:
    case Reason::wrong_node:
    case Reason::no_identity:
    case Reason::token_spent:
    case Reason::prohibited:
    case Reason::too_large:
    case Reason::busy:
    case Reason::not_recorded:
    case Reason::upstream:
    case Reason::unfilterable:
    case Reason::not_found:
      return std::string(row(d.reason).title);
  }
  if (text.starts_with("license ")) text[0] = 'L';
  return in.under.empty() ? text : fmt::format("{} ({})", text, in.under);
}

// ---- the canonical text

namespace {

// Fields in one line, tabs between them; what could break a line is escaped.
class Line {
 public:
  explicit Line(std::string& out) : out_(out) {}
  ~Line() { out_ += '\n'; }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  Line& operator<<(std::string_view field) {
    if (!first_) out_ += '\t';
    first_ = false;
    for (const char c : field) {
      if (c == '\\' || c == '\t' || c == '\n') out_ += '\\';
      out_ += c == '\t' ? 't' : c == '\n' ? 'n' : c;
    }
    return *this;
  }
  Line& operator<<(const std::vector<std::string>& list) { return *this << fmt::format("{}", fmt::join(list, ",")); }
  Line& operator<<(std::int64_t n) { return *this << fmt::format("{}", n); }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace

std::string digest_text(const Table::Inside& in) {
  std::string out;
  Line(out) << "licet-table" << 1;
  Line(out) << "under" << in.under;
  for (std::uint32_t i = 0; i < in.classes.size(); ++i) Line(out) << "class" << in.classes.name(ClassId{i});
  for (std::uint32_t i = 0; i < in.purposes_by.size(); ++i) Line(out) << "purpose" << in.purposes_by[i];
  for (std::uint32_t i = 0; i < in.regions_by.size(); ++i) Line(out) << "region" << in.regions_by[i];
  for (const Organization& o : in.organizations) Line(out) << "organization" << o.id << std::int64_t{o.parent} << o.part2;
  for (const System& s : in.systems) Line(out) << "system" << s.id << std::int64_t{s.owner} << std::int64_t{s.region};
  for (const Person& p : in.persons) Line(out) << "person" << p.id << std::int64_t{p.organization} << p.roles;
  for (const Link& l : in.links) {
    Line(out) << "link" << in.routes[l.route].id << in.systems[l.caller].id << in.systems[l.from].id << in.systems[l.to].id
              << l.individual_own;
    for (const Link::Flow& f : l.flows) {
      std::string classes, purposes;
      for (std::size_t c = 0; c < f.classes.size(); ++c)
        if (f.classes[c]) classes += fmt::format("{} ", c);
      for (const std::uint32_t p : f.purposes) purposes += fmt::format("{} ", p);
      Line(out) << "flow" << in.flows[f.flow] << purposes << classes;
    }
  }
  for (const View& v : in.views) {
    Line(out) << "view" << v.id;
    for (const View::Type& t : v.types) Line(out) << "shows" << t.type << t.elements << t.searches;
  }
  for (const License& l : in.licenses)
    Line(out) << "license" << l.id << l.holder << l.permit << l.ground_kind << l.entity << l.classes << l.purposes << l.actions
              << l.agreements << l.witness << l.because;
  for (const Grant& g : in.grants) {
    std::string regions, named;
    for (std::size_t w = 0; g.regions != kNone && w < in.region_words; ++w)
      regions += fmt::format("{:x} ", in.region_sets[g.regions * in.region_words + w]);
    if (g.named != kNone)
      for (const PatientKey& k : in.named[g.named]) named += fmt::format("{:016x}{:016x} ", k[0], k[1]);
    Line(out) << "grant" << in.licenses[g.license].id << std::int64_t{g.view} << name(g.form) << g.from << g.until << regions << named
              << g.whose << g.conditions << g.hold << g.accountable << g.care << g.part2 << g.own << std::int64_t{g.root}
              << std::int64_t{g.lapse};
  }
  for (const Refusal& r : in.refusals) Line(out) << "refusal" << code(r.reason) << r.text;
  for (const Set& s : in.sets) {
    std::string grants;
    for (std::uint32_t i = 0; i < s.count; ++i) grants += fmt::format("{} ", in.in_sets[s.begin + i]);
    Line(out) << "set" << grants;
  }
  // One line for all tuples of a link, holder and purpose: class.action=set, or !refusal.
  std::uint64_t last = ~std::uint64_t{0};
  for (const auto& [key, tuple] : in.all_tuples) {
    const std::uint64_t head = key >> (kClassBits + kActionBits);
    if (head != last) fmt::format_to(std::back_inserter(out), "{}tuples {:x}", last == ~std::uint64_t{0} ? "" : "\n", head);
    last = head;
    const std::uint64_t tail = key & ((1u << (kClassBits + kActionBits)) - 1);
    if (tuple.set != kNone)
      fmt::format_to(std::back_inserter(out), " {:x}={}", tail, tuple.set);
    else
      fmt::format_to(std::back_inserter(out), " {:x}!{}", tail, static_cast<std::int32_t>(tuple.refusal));
  }
  if (!in.all_tuples.empty()) out += '\n';
  return out;
}

}  // namespace licet::license
