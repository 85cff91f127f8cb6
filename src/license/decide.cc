// The decision, in the order of design §7: flow, purpose, prohibition, permit, ground, then for each grant: time, scope, whose, overlay,
// conditions, hold. Of several grants the first that the request meets counts (a set stands best first); where none is met, the one that
// came nearest is what people are told about. Of person and system, both of whom must be licensed, the first failure in the order of
// base/reasons.h counts.
//
// Nothing here allocates or throws: ids are indexes, names are views of what table and overlay own.
#include <array>

#include "license/internal/overlay.h"
#include "license/internal/patterns.h"
#include "license/internal/table.h"

namespace licet::license {
namespace {

// Place in the order of judgment, by the reason's number.
constexpr std::array<std::uint8_t, 64> kRank = [] {
  std::array<std::uint8_t, 64> rank{};
  std::uint8_t place = 1;
  for (const ReasonRow& row : kReasons) rank[static_cast<std::size_t>(row.reason)] = place++;
  return rank;
}();
constexpr std::uint8_t rank(Reason reason) { return kRank[static_cast<std::size_t>(reason)]; }

struct Verdict {
  const Grant* grant = nullptr;  // that passes (reason none), is held, or came nearest
  Reason reason = Reason::none;
  std::uint32_t refusal = kNone;
  bool found = false;  // there is a permit for this tuple
  bool if_patient = false;

  [[nodiscard]] bool good() const { return grant != nullptr && (reason == Reason::none || reason == Reason::held); }
};

class Asked {
 public:
  Asked(const Table::Inside& in, const Ask& ask, const OverlayRows& overlay, const Link& link) noexcept
      : in_(in), ask_(ask), overlay_(overlay), link_(link), row_(known(ask.patient) ? overlay.row(ask.patient) : nullptr),
        acts_(ask.individual || ask.person.known()) {}

  // The system that receives: by its own permit, or as what its entity's people act through.
  [[nodiscard]] Verdict system() const noexcept {
    const System& s = in_.systems[link_.to];
    Side side{.system = &s, .organization = s.owner};
    if (acts_) side.consents = link_.send && !ask_.individual;  // on a `serves` route the person is the recipient
    side.root = ask_.individual ? link_.carries_for_individual : person_root();
    Verdict v;
    if (glass()) consider(in_.holder_system(link_.to), kGlass, side, v);
    // What it carries comes first: it shows all that the person may see. It carries its own entity's people only.
    if (acts_ && s.owner != kNone && in_.organizations[s.owner].root == side.root) consider(in_.holder_carrier(link_.to), action(), side, v);
    consider(in_.holder_system(link_.to), action(), side, v);
    return v;
  }
  // Who acts through it.
  [[nodiscard]] Verdict person() const noexcept {
    Side side{.system = &in_.systems[link_.to]};
    std::uint32_t holder = in_.holder_individual();
    if (ask_.individual) {
      side.consents = false;
    } else {
      const Person& p = in_.persons[ask_.person.value];
      side.person = &p;
      side.organization = p.organization;
      side.root = person_root();
      side.consents = !link_.send;
      holder = in_.holder_person(ask_.person.value);
    }
    Verdict v;
    if (glass()) consider(holder, kGlass, side, v);
    consider(holder, action(), side, v);
    return v;
  }
  // Why there is no license at all, or none: the flow declares it and nothing prohibits it.
  [[nodiscard]] Reason flow_refusal(std::uint32_t& refusal) const noexcept {
    bool purpose = false, data = false;
    for (const Link::Flow& f : link_.flows) {
      if (!std::binary_search(f.purposes.begin(), f.purposes.end(), ask_.purpose.value)) continue;
      purpose = true;
      data = data || (ask_.data_class.value < f.classes.size() && f.classes[ask_.data_class.value]);
    }
    if (!purpose) return Reason::no_purpose;
    if (!data) return Reason::undeclared;
    const Tuple* forbidden = in_.tuples.find(pack(in_.number(link_), 0, ask_.purpose.value, ask_.data_class.value, kForbidden));
    if (forbidden == nullptr) return Reason::none;
    refusal = forbidden->refusal;
    return Reason::prohibited;
  }

 private:
  // Whose license a grant is, and with it whom the overlay speaks of.
  struct Side {
    const System* system = nullptr;
    const Person* person = nullptr;
    std::uint32_t organization = kNone;
    std::uint32_t root = kNone;
    bool consents = true;  // is this the recipient in the sense of 42 CFR Part 2?
  };

  [[nodiscard]] std::uint32_t action() const noexcept { return static_cast<std::uint32_t>(link_.send ? Action::send : ask_.action); }
  // Break glass opens what care needs to see and to note down, never a change or a removal.
  [[nodiscard]] bool glass() const noexcept {
    return (ask_.conditions & kBreakGlass) != 0 && ask_.action != Action::update && ask_.action != Action::remove;
  }
  [[nodiscard]] bool emergency() const noexcept {
    return (ask_.conditions & kBreakGlass) != 0 || (ask_.purpose.known() && (ask_.purpose.value == in_.etreat || ask_.purpose.value == in_.btg));
  }
  [[nodiscard]] std::uint32_t person_root() const noexcept {
    if (!ask_.person.known()) return kNone;
    const std::uint32_t organization = in_.persons[ask_.person.value].organization;
    return organization == kNone ? kNone : in_.organizations[organization].root;
  }

  void consider(std::uint32_t holder, std::uint32_t act, const Side& side, Verdict& best) const noexcept {
    if (best.good() && best.reason == Reason::none) return;
    const Tuple* tuple = in_.tuples.find(pack(in_.number(link_), holder, ask_.purpose.value, ask_.data_class.value, act));
    if (tuple == nullptr) return;
    if (tuple->set == kNone) {
      // The reason of a lapsed or missing ground; a grant that came near elsewhere tells more.
      const Reason reason = tuple->refusal == kNone ? Reason::no_ground : in_.refusals[tuple->refusal].reason;
      if (best.grant == nullptr && (!best.found || before(reason, best.reason))) best = {nullptr, reason, tuple->refusal, true, false};
      return;
    }
    const Set& set = in_.sets[tuple->set];
    for (std::uint32_t i = 0; i < set.count; ++i) {
      const Grant& g = in_.grants[in_.in_sets[set.begin + i]];
      if (g.root != kNone && g.root != side.root) continue;  // not for this entity's people, or not without one
      Verdict v{.grant = &g, .found = true};
      v.reason = check(g, side, v);
      if (v.reason == Reason::none) {
        best = v;
        return;
      }
      if (best.good()) continue;
      if (v.reason == Reason::held || best.grant == nullptr || rank(v.reason) > rank(best.reason)) best = v;
    }
  }

  [[nodiscard]] Reason check(const Grant& g, const Side& side, Verdict& v) const noexcept {
    const std::int64_t now = count(ask_.now);
    if (now < g.from) return Reason::no_ground;
    if (now >= g.until) {
      v.refusal = g.lapse;
      return Reason::lapsed;
    }
    if (!in_scope(g) || !of_whom(g, side, v)) return Reason::out_of_scope;
    if (!overlay_.suspended.empty() && suspended(side)) return Reason::suspended;
    if (restricted(g, side, v)) return Reason::restricted;
    std::uint32_t wanted = g.conditions;
    if (g.care && (ask_.conditions & kBreakGlass) != 0) wanted &= ~std::uint32_t{kMfa | kTrainingCurrent};
    const std::uint32_t missing = wanted & ~ask_.conditions;
    if ((missing & kNotSelfPaid) != 0) return Reason::restricted;
    if (missing != 0) return Reason::condition;
    return g.hold ? Reason::held : Reason::none;
  }

  [[nodiscard]] bool in_scope(const Grant& g) const noexcept {
    if (ask_.type.known() && g.view != kNone && (ask_.type.value >= 256 || !in_.view_types[g.view][ask_.type.value])) return false;
    if (g.regions == kNone) return true;
    const std::uint32_t r = ask_.region.value;
    if (r >= in_.region_words * 64) return false;  // unknown means no
    return (in_.region_sets[g.regions * in_.region_words + r / 64] >> (r % 64) & 1) != 0;
  }

  [[nodiscard]] bool of_whom(const Grant& g, const Side& side, Verdict& v) const noexcept {
    if (g.whose == 0) return true;
    if ((g.whose & kCompartment) != 0 && !known(ask_.self)) return false;
    if ((g.whose & kNamed) != 0 && (g.named == kNone || in_.named[g.named].empty())) return false;
    if (!known(ask_.patient)) {
      v.if_patient = true;
      return true;
    }
    if ((g.whose & kCompartment) != 0 && !of_self()) return false;
    if ((g.whose & kNamed) != 0) {
      const std::vector<PatientKey>& list = in_.named[g.named];
      if (!std::binary_search(list.begin(), list.end(), ask_.patient)) return false;
    }
    if ((g.whose & kMembers) != 0 && !member(side)) return false;
    return (g.whose & kPanel) == 0 || tied(side);
  }
  [[nodiscard]] bool of_self() const noexcept {
    if (ask_.patient == ask_.self) return true;
    const PatientRow* self = overlay_.row(ask_.self);
    return self != nullptr && std::any_of(self->represents.begin(), self->represents.end(), [&](const PatientRow::Represented& r) {
             return r.patient == ask_.patient && ask_.now < r.until;
           });
  }
  [[nodiscard]] bool member(const Side& side) const noexcept {
    return row_ != nullptr && std::any_of(row_->plans.begin(), row_->plans.end(), [&](const std::string& plan) { return within(side, plan); });
  }
  [[nodiscard]] bool tied(const Side& side) const noexcept {
    if (row_ == nullptr) return false;
    return std::any_of(row_->ties.begin(), row_->ties.end(), [&](const PatientRow::Tie& tie) {
      if (ask_.now >= tie.until) return false;
      if (side.person == nullptr) return tie.holder == side.system->id || within(side, tie.holder);
      return tie.holder == side.person->id || std::binary_search(side.person->roles.begin(), side.person->roles.end(), tie.holder);
    });
  }
  // Is it the side's organization, or one that this is part of?
  [[nodiscard]] bool within(const Side& side, std::string_view organization) const noexcept {
    for (std::uint32_t o = side.organization; o != kNone; o = in_.organizations[o].parent)
      if (in_.organizations[o].id == organization) return true;
    return false;
  }
  [[nodiscard]] bool is(const Side& side, std::string_view recipient) const noexcept {
    return recipient == side.system->id || (side.person != nullptr && recipient == side.person->id) || within(side, recipient);
  }

  [[nodiscard]] bool suspended(const Side& side) const noexcept {
    const auto stopped = [&](std::string_view id) { return overlay_.suspended.find(id) != overlay_.suspended.end(); };
    if (stopped(side.system->id) || (side.person != nullptr && stopped(side.person->id))) return true;
    if (stopped(in_.systems[link_.caller].id) || stopped(in_.systems[link_.from].id)) return true;
    if (stopped(kEverything) || stopped(in_.routes[ask_.route.value].id)) return true;
    for (const std::uint32_t first : {side.organization, side.system->owner, in_.systems[link_.caller].owner})
      for (std::uint32_t o = first; o != kNone; o = in_.organizations[o].parent)
        if (stopped(in_.organizations[o].id)) return true;
    return false;
  }

  // A patient's restriction (164.522(a)), or a Part 2 record without consent (42 CFR 2.31). Neither stands against the individual's own access
  // (164.524; 42 CFR 2.23), nor against emergency care on a ground of care (164.522(a)(1)(iii); 42 CFR 2.51).
  [[nodiscard]] bool restricted(const Grant& g, const Side& side, Verdict& v) const noexcept {
    if (ask_.individual || g.own || (g.care && emergency())) return false;
    const bool part2 = side.consents && !g.part2 && g.form != Form::deidentified && in_.is_part2_class[ask_.data_class.value];
    if (!known(ask_.patient)) {
      v.if_patient = v.if_patient || overlay_.restricts || part2;
      return false;
    }
    const std::string_view cls = in_.classes.name(ask_.data_class);
    if (row_ != nullptr)
      for (const PatientRow::Restriction& r : row_->restrictions) {
        if (!forbids(r.classes, cls)) continue;
        if (r.recipient.empty() ? ask_.purpose.value != in_.treat && !emergency() : is(side, r.recipient)) return true;
      }
    if (!part2) return false;
    return row_ == nullptr || std::none_of(row_->consents.begin(), row_->consents.end(), [&](const PatientRow::Consent& c) {
             return ask_.now < c.until && is(side, c.recipient) && (c.classes.empty() || below(c.classes, cls));
           });
  }

  const Table::Inside& in_;
  const Ask& ask_;
  const OverlayRows& overlay_;
  const Link& link_;
  const PatientRow* row_;
  bool acts_;  // a person or the individual acts through the caller
};

}  // namespace

Decision Table::decide(const Ask& ask, const Overlay& overlay) const noexcept {
  const Inside& in = *in_;
  Decision d;
  d.caller = ask.caller;
  d.person = ask.person;
  d.route = ask.route;
  d.purpose = ask.purpose;
  d.data_class = ask.data_class;
  const auto refuse = [&d](Reason reason, std::uint32_t refusal = kNone) {
    d.reason = reason;
    d.refusal = RefusalId{refusal};
    return d;
  };
  if (!ask.purpose.known()) return refuse(Reason::no_purpose);
  if (!ask.caller.known() || !ask.route.known()) return refuse(Reason::undeclared);
  const Link* link = in.link(ask.route.value, ask.caller.value);
  if (link == nullptr || ask.data_class.value >= in.classes.size()) return refuse(Reason::undeclared);
  if (ask.person.known() && ask.person.value >= in.persons.size()) return refuse(Reason::no_permit);

  const Asked asked(in, ask, *overlay.in_, *link);
  const bool acts = ask.individual || ask.person.known();
  const bool alone = ask.individual && link->individual_own;  // the individual's license is enough: their own app is no recipient of ours
  Verdict person, system;
  if (acts) person = asked.person();
  if (alone) {
    system = person;
  } else {
    system = asked.system();
    if (!acts) person = system;
  }

  if (!system.good() || !person.good()) {
    if (system.grant == nullptr || person.grant == nullptr) {
      std::uint32_t refusal = kNone;
      const Reason reason = asked.flow_refusal(refusal);
      if (reason != Reason::none) return refuse(reason, refusal);
    }
    for (Verdict* v : {&system, &person})
      if (!v->found) v->reason = Reason::no_permit;
    const bool system_first = person.good() || (!system.good() && !before(person.reason, system.reason));
    const Verdict& first = system_first ? system : person;
    d.neutral = first.reason == Reason::restricted;
    // The license that came near, on the side that failed: sentence() speaks of it.
    if (first.grant != nullptr) (system_first ? d.license : d.person_license) = LicenseId{first.grant->license};
    return refuse(first.reason, first.refusal);
  }

  const Grant &s = *system.grant, &p = *person.grant;
  d.license = LicenseId{s.license};
  if (acts) d.person_license = LicenseId{p.license};
  d.if_patient = system.if_patient || person.if_patient;
  d.accountable = s.accountable || p.accountable;
  d.form = std::min(s.form, p.form);
  d.view = ViewId{s.view == kNone ? p.view : s.view};
  if (s.view != p.view && s.view != kNone && p.view != kNone) {
    const std::uint32_t* both = in.meets.find(std::uint64_t{s.view} << 32 | p.view);
    if (both == nullptr) {  // compile() made every pair that a link can bring together
      d.form = Form::none;
      return refuse(Reason::out_of_scope);
    }
    d.view = ViewId{*both};
  }
  if (s.hold || p.hold) {
    d.outcome = Outcome::hold;
    d.reason = Reason::held;
    return d;
  }
  d.reason = Reason::none;
  if (d.form == Form::deidentified) d.outcome = Outcome::deidentify;
  else d.outcome = d.form != Form::identified || d.view.known() ? Outcome::reduce : Outcome::pass;
  return d;
}

}  // namespace licet::license
