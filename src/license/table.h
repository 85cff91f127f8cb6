// Permits × grounds × findings → the table of what is lawful now; and the decision, made once per request and again per resource.
//
//   LICET_TRY(table, license::compile(stack, judgment, classes));
//   Ask ask{.caller = table.system("scribe"), .route = table.route("fhir-front"), .purpose = table.purpose("TREAT"),
//           .action = Action::read, .data_class = table.data_class("clinical.note"), .now = now};
//   const Decision d = table.decide(ask, overlay);                 // noexcept, allocates nothing, well under a microsecond
//   d.outcome == Outcome::reduce;  table.view(d.view)…;  table.sentence(d)      // allocates: for people and refusals
//
// form = max over grounds of min(permit, ground); one ground must cover class, purpose, region and time together: scopes of two grounds are
// never joined. What no ground carries is absent, and absent means refused. A person through a system needs both licenses: the meet.
// Order (design §7, §8): flow → purpose → prohibitions → permit → ground (lapsed before never) → whose → overlay → conditions → hold → form, view.
//
// Cost: a decision of a system took 55 ns at 20 tuples and 196 ns at 100,000 (p50 of batch means, -O2, two shared cores, other builds running;
// bench/bench_license.cc); compile() of 100,000 tuples 185 ms.
//
// Pure; a Table is immutable and safe on any thread. Source: 45 CFR 164.502(a),(b),(e), 164.506(c), 164.508, 164.514.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/reasons.h"
#include "base/result.h"
#include "base/time.h"
#include "license/classes.h"
#include "rules/rules.h"
#include "stack/stack.h"

namespace licet::license {

using SystemId = Id<struct SystemTag>;
using PersonId = Id<struct PersonTag>;
using RouteId = Id<struct RouteTag>;
using PurposeId = Id<struct PurposeTag>;
using RegionId = Id<struct RegionTag>;
using ViewId = Id<struct ViewTag>;
using LicenseId = Id<struct LicenseTag>;
using RefusalId = Id<struct RefusalTag>;

enum class Action : std::uint8_t { read, search, create, update, remove, send };  // send: PHI to the system that a `reaches` route reaches
enum class Outcome : std::uint8_t { pass, reduce, deidentify, hold, refuse };
// pseudonymized: identified in law, with placeholders in place of identifiers while it is away; only a permit asks for it.
enum class Form : std::uint8_t { none, deidentified, limited, pseudonymized, identified };
enum class Whose : std::uint8_t { all, compartment, members, panel, named };
[[nodiscard]] std::string_view name(Action);
[[nodiscard]] std::string_view name(Outcome);
[[nodiscard]] std::string_view name(Form);

// Conditions of the request, as bits. A permit's or ground's `when` asks for some of them.
// kNotSelfPaid speaks of the resource: it bears no label of a visit that the patient paid in full (164.522(a)(1)(vi)); where a ground asks
// for it and it is missing, the refusal is that of a restriction, which tells the caller nothing.
enum Condition : std::uint32_t { kMfa = 1, kTrainingCurrent = 2, kBreakGlass = 4, kNotSelfPaid = 8 };

// A patient as the table knows one: HMAC under a key of this process's life, never an id. All zero: not known yet.
using PatientKey = std::array<std::uint64_t, 2>;
[[nodiscard]] constexpr bool known(const PatientKey& p) { return p[0] != 0 || p[1] != 0; }

struct Ask {
  SystemId caller;            // the system that authenticated; on a `serves` route PHI goes to it
  PersonId person;            // who acts through it; none: the system itself
  bool individual = false;    // the patient (or a representative) acts through it: `self` is theirs
  PatientKey self{};          // whose record the individual may ask for
  RouteId route;
  PurposeId purpose;
  Action action = Action::read;
  ClassId data_class;
  TypeId type;                // of the FHIR resource, where one is known: only views that show the type count
  RegionId region;            // of the recipient
  PatientKey patient{};       // whom the resource is about; unknown in the request phase of a search
  std::uint32_t conditions = 0;
  Micros now{};
};

struct Decision {
  Outcome outcome = Outcome::refuse;
  Form form = Form::none;
  Reason reason = Reason::no_ground;  // where refused or held
  ViewId view;                        // none: full
  LicenseId license;                  // the one it stands on (of the system)
  LicenseId person_license;           // and of the person, where one acts
  RefusalId refusal;                  // index of the sentence, where refused
  bool if_patient = false;            // request phase: it depends on the patient, to be asked again per resource
  bool neutral = false;               // the caller gets the neutral sentence only (restriction, Part 2 consent)
  bool accountable = false;           // 164.528: goes into the accounting of disclosures
  // What was asked, so that sentence() can speak of it: copied from the Ask.
  SystemId caller;
  PersonId person;
  RouteId route;
  PurposeId purpose;
  ClassId data_class;
};

// What a suspension of everything is of: no declared id begins so.
inline constexpr std::string_view kEverything = "_everything";

// What changes faster than a compile: suspensions, patient restrictions, consents, ties of patients to holders. Immutable once published.
class Overlay {
 public:
  Overlay();
  ~Overlay();
  Overlay(Overlay&&) noexcept;
  Overlay& operator=(Overlay&&) noexcept;
  // Suspends a system, organization, person or route by declared id (everything of an organization stops with it), or kEverything.
  void suspend(std::string_view id, std::string_view reference);
  void lift(std::string_view id);
  // The patient asked that nothing of `class pattern` goes to `recipient` (system or organization id; empty: to nobody but treatment).
  void restrict(const PatientKey& patient, std::string_view recipient, std::string_view classes, std::string_view reference);
  // 42 CFR 2.31 consent: special.sud of this patient may go to `recipient`, until.
  void consent(const PatientKey& patient, std::string_view recipient, std::string_view classes, std::optional<Micros> until);
  // A fact or an Appointment/Encounter/CareTeam seen by the gate ties the patient to a holder (person, system or role): the holder's panel.
  void tie(std::string_view holder, const PatientKey& patient, Micros until);
  void member(std::string_view organization, const PatientKey& patient);  // coverage by that plan
  void represent(const PatientKey& representative, const PatientKey& patient, std::optional<Micros> until);

 private:
  friend class Table;
  struct Inside;
  std::unique_ptr<Inside> in_;
};

// The minimum necessary as element paths: for a type in `elements` these top-level elements or dotted paths; a type that is absent is not
// in the view at all. `full`: everything (no view).
struct View {
  std::string id;  // the permit's id (":creates" and the like for what may be written; "a & b" where a person acts through a system)
  bool full = false;
  struct Type {
    std::string type;
    std::vector<std::string> elements;  // sorted; the lone "*": every element (a `view: full` permit that names types)
    std::vector<std::string> searches;  // sorted; search parameters beyond those on `elements`
    [[nodiscard]] bool whole() const { return elements.size() == 1 && elements.front() == "*"; }
  };
  std::vector<Type> types;  // sorted
  [[nodiscard]] const Type* find(std::string_view type) const;  // nullptr: not in the view
};

// A license as people see it.
// Beside what permits give there are two kinds without one: what an entity's own system carries for its people (`permit` is empty, `carries`),
// and what break glass opens on a workforce or treatment ground (`permit` is empty, conditions say "break-glass").
struct License {
  std::string id;  // permit/flow/ground, and /holder where that is a person whom the ground does not name
  std::string holder, permit, flow, ground_id, ground_kind, entity;
  std::vector<std::string> classes, purposes, regions, actions, conditions, agreements;
  Form form = Form::none;
  std::string view;  // permit id, or "full"
  Whose whose = Whose::all;
  bool hold = false, accountable = false;
  bool carries = false;  // of the entity's own system, for the people who act through it; nothing by itself
  std::optional<Date> from, until;  // until: the last day
  int panel_days = 0;               // how many days a visit ties a patient to the panel; 0: as recorded
  std::string witness, because;
};

class Table {
 public:
  Table(Table&&) noexcept;
  Table& operator=(Table&&) noexcept;
  ~Table();

  // Names to ids; `.known()` is false for what the declaration lacks.
  [[nodiscard]] SystemId system(std::string_view id) const;
  [[nodiscard]] PersonId person(std::string_view id) const;
  [[nodiscard]] RouteId route(std::string_view id) const;
  [[nodiscard]] PurposeId purpose(std::string_view code) const;  // "TREAT" or "licet:ai-training"
  [[nodiscard]] RegionId region(std::string_view name) const;
  [[nodiscard]] RegionId region_of(SystemId system) const;
  [[nodiscard]] ClassId data_class(std::string_view name) const;
  [[nodiscard]] TypeId type(std::string_view fhir_type) const;
  [[nodiscard]] const ClassMap& classes() const;

  [[nodiscard]] Decision decide(const Ask& ask, const Overlay& overlay) const noexcept;

  // The purposes that the caller's flows on this route declare (for `Licet-Purpose` and the lone-purpose rule).
  [[nodiscard]] std::span<const PurposeId> purposes(RouteId route, SystemId caller) const;
  [[nodiscard]] std::string_view purpose_code(PurposeId purpose) const;

  [[nodiscard]] const View& view(ViewId view) const;        // view.known()
  [[nodiscard]] std::size_t views() const;
  [[nodiscard]] const License& license(LicenseId license) const;
  [[nodiscard]] std::span<const License> licenses() const;  // sorted by id
  // The full sentence, for an officer; the same text as the finding's `because` where a finding is the cause.
  [[nodiscard]] std::string sentence(const Decision& decision) const;
  // The flow that a decision was about, by id; empty where none was declared.
  [[nodiscard]] std::string_view flow_of(const Ask& ask) const;
  [[nodiscard]] const std::string& digest_text() const;     // canonical text of the whole table; hash it for the epoch
  [[nodiscard]] const std::string& under() const;           // "under packs …; state law not assessed"

  struct Inside;
  explicit Table(std::unique_ptr<Inside> in);
  [[nodiscard]] const Inside& inside() const { return *in_; }  // for this room

 private:
  std::unique_ptr<Inside> in_;
};

// invalid_argument: a permit names what the declaration lacks (file:line and id).
[[nodiscard]] Result<Table> compile(const stack::Stack& stack, const rules::Judgment& judgment, ClassMap classes);

// Who newly may, may no longer, or may differently: exact, by (holder, flow, class, purpose, action).
struct Change {
  std::string what;  // "gains" | "loses" | "changes"
  std::string holder, flow, data_class, purpose, action;
  std::string before, after;  // "identified, view scribe-reads-notes" …; empty: refused
  bool care = false;          // TREAT or ETREAT: a care flow
};
[[nodiscard]] std::vector<Change> diff(const Table& before, const Table& after);

}  // namespace licet::license
