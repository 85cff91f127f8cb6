#include "license/table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>

#include "license/internal/made.h"

// Every allocation of this program, counted while a decision is made.
namespace {
thread_local std::size_t allocations = 0;
}
// NOLINTBEGIN: the replaceable operators
void* operator new(std::size_t n) {
  ++allocations;
  if (void* p = std::malloc(n == 0 ? 1 : n)) return p;
  std::abort();
}
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(n == 0 ? 1 : n);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
// NOLINTEND

namespace licet::license {
namespace {

constexpr std::string_view kUnder = "under packs test@1; state law not assessed";

Date date(std::string_view text) { return *parse_date(text); }
Micros noon(std::string_view day) { return Micros(date(day)) + std::chrono::hours(12); }
constexpr PatientKey kMaria{1, 1}, kDevon{2, 2}, kLily{3, 3}, kHelena{4, 4};

ClassMap r4() {
  std::ifstream file(std::string(LICET_SOURCE_DIR) + "/packs/classes/fhir-r4.yaml");
  const std::vector<stack::Source> sources{{"packs/classes/fhir-r4.yaml", std::string(std::istreambuf_iterator<char>(file), {})}};
  return *ClassMap::load(sources);
}

// A small clinic: staff, a vendor, a referral clinic, a patient's app, the clinic's own app, and an egress route.
constexpr std::string_view kClinic = R"(
{kind: organization, id: riverbend, name: Riverbend Clinic, covered: true, functions: [provider]}
---
{kind: organization, id: riverbend-sud, name: Recovery Unit, part-of: riverbend, sud-program: true}
---
{kind: organization, id: scribe-ai, name: Scribe AI}
---
{kind: organization, id: lakeside, name: Lakeside, functions: [provider]}
---
{kind: organization, id: app-maker, name: App Maker}
---
{kind: system, id: ehr, name: EHR, owner: riverbend, region: us-east}
---
{kind: system, id: ehr-ui, name: Workstations, owner: riverbend, region: us-east}
---
{kind: system, id: scribe, name: Scribe, owner: scribe-ai, region: us-east}
---
{kind: system, id: lakeside-ehr, name: Lakeside EHR, owner: lakeside, region: us-east}
---
{kind: system, id: patient-app, name: Patient App, owner: app-maker}
---
{kind: system, id: clinic-app, name: Clinic App, owner: riverbend}
---
{kind: app, id: app-1, system: patient-app, for: individual}
---
{kind: app, id: app-2, system: clinic-app, for: entity}
---
{kind: route, id: fhir-front, listens: /fhir/, speaks: fhir-r4, serves: ehr}
---
{kind: route, id: to-scribe, listens: /to/scribe/, speaks: http, reaches: scribe}
---
{kind: role, id: clinician, name: Clinician}
---
{kind: role, id: physician, name: Physician, inherits: [clinician]}
---
{kind: role, id: counselor, name: Counselor}
---
{kind: role, id: clerk, name: Clerk}
---
{kind: person, id: dr-lee, organization: riverbend, roles: [physician]}
---
{kind: person, id: ray, organization: riverbend-sud, roles: [counselor]}
---
{kind: person, id: ana, organization: riverbend, roles: [clerk]}
---
{kind: person, id: gone, organization: riverbend, roles: [clinician], status: ended}
---
{kind: flow, id: staff, from: ehr, to: ehr-ui, via: fhir-front, purposes: [TREAT, HOPERAT], on-behalf-of: riverbend,
 data: ["clinical.*", demographics, "scheduling.*", special.sud, special.psychotherapy]}
---
{kind: flow, id: notes-to-scribe, from: ehr, to: scribe, via: fhir-front, purposes: [TREAT], data: [clinical.note, clinical.encounter, clinical.condition], on-behalf-of: riverbend}
---
{kind: flow, id: dictation, from: ehr, to: scribe, via: to-scribe, purposes: [TREAT], data: [clinical.note], on-behalf-of: riverbend}
---
{kind: flow, id: referral, from: ehr, to: lakeside-ehr, via: fhir-front, purposes: [TREAT, ETREAT], data: ["clinical.*", demographics, special.sud]}
---
{kind: flow, id: mine, from: ehr, to: patient-app, via: fhir-front, purposes: [PATRQT], data: ["*", special.sud]}
---
{kind: flow, id: portal, from: ehr, to: clinic-app, via: fhir-front, purposes: [PATRQT], data: ["clinical.*"]}
---
{kind: permit, id: scribe-reads, to: scribe, for: [TREAT], reads: {DocumentReference: [id, type, date, content], Encounter: [id, status, period]},
 searches: {DocumentReference: [category]}, when: {region: [us-east]}}
---
{kind: permit, id: scribe-gets, to: scribe, for: [TREAT], data: [clinical.note]}
---
{kind: permit, id: lakeside-all, to: lakeside-ehr, for: [TREAT, ETREAT], view: full, data: ["clinical.*", demographics, special.sud]}
---
{kind: permit, id: clinician-all, to: clinician, through: [ehr-ui], for: [TREAT], view: full, data: ["clinical.*", demographics], when: {mfa: true}}
---
{kind: permit, id: physician-writes, to: physician, through: [ehr-ui], for: [TREAT], creates: {DocumentReference: [type, content]}}
---
{kind: permit, id: counselor-sud, to: counselor, through: [ehr-ui], for: [TREAT], view: full, data: [special.sud]}
---
{kind: permit, id: clerk-desk, to: clerk, through: [ehr-ui], for: [HOPERAT], reads: {Patient: [name, birthDate], Appointment: [start]}, whose: panel}
---
{kind: permit, id: own-record, to: individual, through: [patient-app, clinic-app], for: [PATRQT], whose: compartment, view: full, data: ["*", special.sud]}
)";

rules::Ground ground(std::string id, std::string kind, std::string flow, std::string recipient, std::vector<std::string> classes,
                     std::vector<std::string> purposes) {
  rules::Ground g;
  g.id = std::move(id);
  g.kind = std::move(kind);
  g.flow = std::move(flow);
  g.recipient = std::move(recipient);
  g.classes = std::move(classes);
  g.purposes = std::move(purposes);
  g.minimum_necessary = g.kind != "treatment" && g.kind != "individual" && g.kind != "authorization";
  g.because = "because of " + g.id;
  return g;
}

rules::Finding finding(std::string requirement, std::string subject, std::string because, rules::Effect::What what = rules::Effect::What::block) {
  rules::Finding f;
  rules::Asked asked{.requirement = std::move(requirement), .about = "contract", .under = std::string(kUnder)};
  asked.effect["default"].what = what;
  f.asked = std::make_shared<const rules::Asked>(std::move(asked));
  f.subject = std::move(subject);
  f.status = rules::Status::fail;
  f.because = std::move(because);
  return f;
}
template <class Do>
void ask_otherwise(rules::Finding& f, Do&& change) {
  rules::Asked asked = *f.asked;
  change(asked);
  f.asked = std::make_shared<const rules::Asked>(std::move(asked));
}

rules::Judgment clinic_law() {
  rules::Judgment j;
  j.as_of = date("2026-11-25");
  j.under = kUnder;
  const std::vector<std::string> all{"clinical.*", "demographics", "scheduling.*", "special.sud"};
  j.grounds = {
      ground("associate:dictation", "associate", "dictation", "scribe", {"clinical.*"}, {"TREAT"}),
      ground("associate:notes-to-scribe", "associate", "notes-to-scribe", "scribe", {"clinical.*"}, {"TREAT", "HOPERAT"}),
      ground("individual:mine", "individual", "mine", "individual", {"*", "special.sud"}, {"PATRQT"}),
      ground("individual:portal", "individual", "portal", "individual", {"*"}, {"PATRQT"}),
      ground("treatment:referral", "treatment", "referral", "lakeside-ehr", all, {"TREAT", "ETREAT"}),
      ground("workforce:clerk", "workforce", "", "clerk", {"demographics", "scheduling.*"}, {"HOPERAT"}),
      ground("workforce:clinician", "workforce", "", "clinician", all, {"TREAT", "HOPERAT"}),
      ground("workforce:counselor", "workforce", "", "counselor", all, {"TREAT"}),
      ground("workforce:portal", "workforce", "portal", "clinic-app", {"clinical.*"}, {"PATRQT"}),
      ground("workforce:staff", "workforce", "staff", "ehr-ui", all, {"TREAT", "HOPERAT"}),
  };
  j.grounds[1].regions = {"us-east", "us-west"};
  j.grounds[1].until = date("2027-01-10");
  j.grounds[1].agreements = {"baa-scribe"};
  j.grounds[2].whose = j.grounds[3].whose = "compartment";
  return j;
}

Table made(const stack::Stack& stack, const rules::Judgment& judgment) {
  auto table = compile(stack, judgment, r4());
  if (!table) {
    ADD_FAILURE() << table.error().message;
    std::abort();
  }
  return *std::move(table);
}
Table clinic(const rules::Judgment& judgment = clinic_law(), std::string_view more = "") {
  return made(made::stack(std::string(kClinic) + std::string(more)), judgment);
}

struct Q {
  std::string_view caller, person, purpose, data;
  Action action = Action::read;
  std::string_view route = "fhir-front";
  PatientKey patient = kMaria;
  PatientKey self{};
  std::uint32_t conditions = kMfa;
  std::string_view day = "2026-11-25";
  std::string_view type = "";
};
Ask ask(const Table& t, const Q& q) {
  Ask a{.caller = t.system(q.caller), .route = t.route(q.route), .purpose = t.purpose(q.purpose), .action = q.action, .data_class = t.data_class(q.data),
        .patient = q.patient, .conditions = q.conditions, .now = noon(q.day)};
  if (q.person == "individual") {
    a.individual = true;
    a.self = q.self;
  } else if (!q.person.empty()) {
    a.person = t.person(q.person);
  }
  if (!q.type.empty()) a.type = t.type(q.type);
  a.region = t.region_of(a.caller);
  return a;
}
std::string told(const Table& t, const Q& q, const Overlay& overlay = {}) {
  const Decision d = t.decide(ask(t, q), overlay);
  std::string out(name(d.outcome));
  if (d.outcome == Outcome::refuse || d.outcome == Outcome::hold) return out + " " + std::string(code(d.reason)) + (d.neutral ? " neutrally" : "");
  if (d.form != Form::identified) out += " " + std::string(name(d.form));
  if (d.view.known()) out += " " + t.view(d.view).id;
  return out + (d.if_patient ? " if patient" : "") + (d.accountable ? " accountable" : "");
}
std::string sentence(const Table& t, const Q& q, const Overlay& overlay = {}) { return t.sentence(t.decide(ask(t, q), overlay)); }

TEST(Decide, TheClinic) {
  const Table t = clinic();
  const struct {
    Q q;
    std::string_view expect;
  } cases[] = {
      // a vendor: reduced to the permit's elements
      {{"scribe", "", "TREAT", "clinical.note"}, "reduce scribe-reads"},
      {{"scribe", "", "TREAT", "clinical.note", Action::search}, "reduce scribe-reads"},
      {{"scribe", "", "TREAT", "clinical.note", Action::create}, "refuse no-permit"},
      {{"scribe", "", "TREAT", "clinical.condition"}, "refuse no-permit"},
      {{"scribe", "", "TREAT", "clinical.vital"}, "refuse undeclared"},
      {{"scribe", "", "TREAT", "special.sud"}, "refuse undeclared"},
      {{"scribe", "", "HOPERAT", "clinical.note"}, "refuse no-purpose"},
      {{"scribe", "", "NONSENSE", "clinical.note"}, "refuse no-purpose"},
      {{"nobody", "", "TREAT", "clinical.note"}, "refuse undeclared"},
      {{"scribe", "", "TREAT", "clinical.note", Action::read, "fhir-front", kMaria, {}, 0, "2027-01-10"}, "reduce scribe-reads"},
      {{"scribe", "", "TREAT", "clinical.note", Action::read, "fhir-front", kMaria, {}, 0, "2027-01-11"}, "refuse lapsed"},
      {{"scribe", "", "TREAT", "clinical.note", Action::read, "fhir-front", kMaria, {}, 0, "2026-11-25", "Encounter"}, "reduce scribe-reads"},
      {{"scribe", "", "TREAT", "clinical.note", Action::read, "fhir-front", kMaria, {}, 0, "2026-11-25", "Observation"}, "refuse out-of-scope"},
      // egress: the holder is the system that is reached
      {{"ehr", "", "TREAT", "clinical.note", Action::send, "to-scribe"}, "pass"},
      {{"ehr", "", "TREAT", "clinical.note", Action::read, "to-scribe"}, "pass"},
      {{"scribe", "", "TREAT", "clinical.note", Action::send, "to-scribe"}, "refuse undeclared"},
      {{"ehr", "", "TREAT", "clinical.lab", Action::send, "to-scribe"}, "refuse undeclared"},
      // a provider elsewhere: the whole record, no contract
      {{"lakeside-ehr", "", "TREAT", "clinical.note"}, "pass"},
      {{"lakeside-ehr", "", "TREAT", "clinical.note", Action::update}, "refuse no-permit"},
      {{"lakeside-ehr", "", "TREAT", "special.sud"}, "refuse restricted neutrally"},
      {{"lakeside-ehr", "", "ETREAT", "special.sud"}, "pass"},
      // staff: both licenses
      {{"ehr-ui", "dr-lee", "TREAT", "clinical.note"}, "pass"},
      {{"ehr-ui", "dr-lee", "TREAT", "clinical.note", Action::create}, "reduce physician-writes:creates"},
      {{"ehr-ui", "dr-lee", "TREAT", "clinical.condition", Action::create}, "refuse no-permit"},
      {{"ehr-ui", "dr-lee", "TREAT", "clinical.note", Action::read, "fhir-front", kMaria, {}, 0}, "refuse condition"},
      {{"ehr-ui", "dr-lee", "HOPERAT", "clinical.note"}, "refuse no-permit"},
      {{"ehr-ui", "dr-lee", "TREAT", "special.sud"}, "refuse no-permit"},
      {{"ehr-ui", "", "TREAT", "clinical.note"}, "refuse no-permit"},
      {{"ehr-ui", "ray", "TREAT", "special.sud"}, "pass"},
      {{"ehr-ui", "ray", "TREAT", "clinical.note"}, "refuse no-permit"},
      {{"ehr-ui", "ana", "HOPERAT", "demographics"}, "refuse out-of-scope"},
      {{"ehr-ui", "ana", "HOPERAT", "demographics", Action::search, "fhir-front", {}}, "reduce clerk-desk if patient"},
      {{"ehr-ui", "gone", "TREAT", "clinical.note"}, "refuse lapsed"},
      {{"scribe", "dr-lee", "TREAT", "clinical.note"}, "refuse no-permit"},
      // the patient
      {{"patient-app", "individual", "PATRQT", "clinical.note", Action::read, "fhir-front", kMaria, kMaria}, "pass"},
      {{"patient-app", "individual", "PATRQT", "special.sud", Action::read, "fhir-front", kMaria, kMaria}, "pass"},
      {{"patient-app", "individual", "PATRQT", "clinical.note", Action::read, "fhir-front", kDevon, kMaria}, "refuse out-of-scope"},
      {{"patient-app", "individual", "PATRQT", "clinical.note", Action::read, "fhir-front", kDevon, {}}, "refuse out-of-scope"},
      {{"patient-app", "individual", "PATRQT", "clinical.note", Action::search, "fhir-front", {}, kMaria}, "pass if patient"},
      {{"patient-app", "", "PATRQT", "clinical.note"}, "refuse no-permit"},
      {{"clinic-app", "individual", "PATRQT", "clinical.note", Action::read, "fhir-front", kMaria, kMaria}, "pass"},
      {{"clinic-app", "", "PATRQT", "clinical.note"}, "refuse no-permit"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(told(t, c.q), c.expect) << c.q.caller << ' ' << c.q.person << ' ' << c.q.purpose << ' ' << c.q.data << ' ' << name(c.q.action) << ' ' << c.q.day;
}

TEST(Decide, BreakGlassLiftsPermitViewAndSecondFactorOnAGroundOfCare) {
  const Table t = clinic();
  const auto q = [](std::string_view caller, std::string_view person, std::string_view purpose, std::string_view data, Action action = Action::read) {
    return Q{caller, person, purpose, data, action, "fhir-front", kMaria, {}, kBreakGlass};
  };
  EXPECT_EQ(told(t, q("ehr-ui", "dr-lee", "TREAT", "clinical.note")), "pass");          // no second factor
  EXPECT_EQ(told(t, q("ehr-ui", "dr-lee", "BTG", "clinical.note")), "pass");            // the flow has TREAT
  EXPECT_EQ(told(t, q("ehr-ui", "dr-lee", "BTG", "special.sud")), "pass");              // 42 CFR 2.51
  EXPECT_EQ(told(t, q("ehr-ui", "dr-lee", "BTG", "clinical.note", Action::create)), "pass");
  EXPECT_EQ(told(t, q("ehr-ui", "dr-lee", "BTG", "clinical.note", Action::update)), "refuse no-purpose");
  EXPECT_EQ(told(t, q("ehr-ui", "ray", "BTG", "clinical.note")), "pass");               // the role
  EXPECT_EQ(told(t, q("ehr-ui", "ana", "BTG", "clinical.note")), "refuse no-purpose");  // her ground is no ground of care's purposes
  EXPECT_EQ(told(t, q("ehr-ui", "", "BTG", "clinical.note")), "refuse no-purpose");     // a person breaks glass, not a workstation
  EXPECT_EQ(told(t, q("scribe", "", "BTG", "clinical.note")), "refuse no-purpose");     // an associate is no ground of care
  EXPECT_EQ(told(t, q("lakeside-ehr", "", "BTG", "special.sud")), "pass");
  EXPECT_EQ(told(t, q("ehr-ui", "gone", "BTG", "clinical.note")), "refuse no-purpose");
  EXPECT_EQ(told(t, {"ehr-ui", "dr-lee", "BTG", "clinical.note"}), "refuse no-purpose");  // the purpose alone opens nothing

  auto law = clinic_law();
  law.prohibitions.push_back({"psy", "", {"clinical.note"}, {}, {"authorization"}, "Notes are forbidden", "x"});
  const Table forbidden = clinic(law);
  EXPECT_EQ(told(forbidden, q("ehr-ui", "dr-lee", "TREAT", "clinical.note")), "refuse prohibited");
}

TEST(Decide, FindingsTakeGroundsAwayAndSayWhy) {
  const Q scribe{"scribe", "", "TREAT", "clinical.note"};
  for (const std::string_view subject : {"notes-to-scribe", "scribe", "scribe-ai", "fhir-front", "baa-scribe"}) {
    auto law = clinic_law();
    law.findings = {finding("r", std::string(subject), "It is amiss")};
    EXPECT_EQ(told(clinic(law), scribe), "refuse no-ground") << subject;
    EXPECT_EQ(sentence(clinic(law), scribe), law.findings[0].sentence()) << subject;
    law.findings[0].since = date("2026-06-30");
    EXPECT_EQ(told(clinic(law), scribe), "refuse lapsed") << subject;
    ask_otherwise(law.findings[0], [](rules::Asked& a) { a.effect["associate"].what = rules::Effect::What::alarm; });
    EXPECT_EQ(told(clinic(law), scribe), "reduce scribe-reads") << subject;
    ask_otherwise(law.findings[0], [](rules::Asked& a) { a.effect.clear(); });
    EXPECT_EQ(told(clinic(law), scribe), "refuse lapsed") << "a pack that says nothing blocks";
  }
  auto law = clinic_law();
  law.findings = {finding("r", "notes-to-scribe", "Not known")};
  for (const auto& [status, about, expect] : std::vector<std::tuple<rules::Status, std::string, std::string_view>>{
           {rules::Status::pass, "contract", "reduce scribe-reads"},
           {rules::Status::accepted, "contract", "reduce scribe-reads"},
           {rules::Status::not_applicable, "contract", "reduce scribe-reads"},
           {rules::Status::unknown, "program", "reduce scribe-reads"},
           {rules::Status::unknown, "contract", "refuse no-ground"},
           {rules::Status::unknown, "ground", "refuse no-ground"},
           {rules::Status::stale, "program", "refuse lapsed"},
           {rules::Status::fail, "program", "refuse no-ground"}}) {
    law.findings[0].status = status;
    ask_otherwise(law.findings[0], [&](rules::Asked& a) { a.about = about; });
    EXPECT_EQ(told(clinic(law), scribe), expect) << static_cast<int>(status) << about;
  }
  // A person's finding touches that person alone.
  law.findings = {finding("training", "dr-lee", "dr-lee has not done the training")};
  EXPECT_EQ(told(clinic(law), {"ehr-ui", "dr-lee", "TREAT", "clinical.note"}), "refuse no-ground");
  EXPECT_EQ(told(clinic(law), {"ehr-ui", "ray", "TREAT", "special.sud"}), "pass");
  EXPECT_EQ(told(clinic(law), {"ehr-ui", "dr-lee", "TREAT", "clinical.note", Action::read, "fhir-front", kMaria, {}, kBreakGlass}), "pass");
}

TEST(Decide, GraceEndsByItself) {
  auto law = clinic_law();
  law.findings = {finding("training", "dr-lee", "dr-lee's training lapsed")};
  law.findings[0].since = date("2026-11-20");
  ask_otherwise(law.findings[0], [](rules::Asked& a) { a.effect["default"] = {rules::Effect::What::grace, 14}; });
  const Table t = clinic(law);
  const auto on = [](std::string_view day) { return Q{"ehr-ui", "dr-lee", "TREAT", "clinical.note", Action::read, "fhir-front", kMaria, {}, kMfa, day}; };
  EXPECT_EQ(told(t, on("2026-11-25")), "pass");
  EXPECT_EQ(told(t, on("2026-12-04")), "pass");
  EXPECT_EQ(told(t, on("2026-12-05")), "refuse lapsed");
  EXPECT_EQ(sentence(t, on("2026-12-05")), law.findings[0].sentence());
  law.findings[0].since.reset();  // no day to count from: no grace
  EXPECT_EQ(told(clinic(law), on("2026-11-25")), "refuse no-ground");
}

TEST(Decide, TrainingIsOfThePersonAndEndsByItself) {
  constexpr std::string_view kPermit = R"(
---
{kind: permit, id: trained-only, to: counselor, through: [ehr-ui], for: [TREAT], view: full, data: [clinical.vital], when: {training: true}}
)";
  auto law = clinic_law();
  const auto on = [](std::string_view day, std::uint32_t conditions = 0) {
    return Q{"ehr-ui", "ray", "TREAT", "clinical.vital", Action::read, "fhir-front", kMaria, {}, conditions, day};
  };
  EXPECT_EQ(told(clinic(law, kPermit), on("2026-11-25")), "refuse condition") << "nothing asks whether ray is trained: nobody knows";
  law.findings = {finding("awareness", "ray", "ray did it")};
  law.findings[0].status = rules::Status::pass;
  EXPECT_EQ(told(clinic(law, kPermit), on("2026-11-25")), "refuse condition") << "a pass about something else";
  ask_otherwise(law.findings[0], [](rules::Asked& a) { a.meets = "training"; });
  law.findings[0].until = date("2026-12-01");  // the first day on which it no longer counts
  EXPECT_EQ(told(clinic(law, kPermit), on("2026-11-25")), "pass");
  EXPECT_EQ(told(clinic(law, kPermit), on("2026-11-30")), "pass");
  EXPECT_EQ(told(clinic(law, kPermit), on("2026-12-01")), "refuse lapsed");
  law.findings.push_back(law.findings[0]);
  ask_otherwise(law.findings[1], [](rules::Asked& a) {
    a.requirement = "sanctions-training";
    a.effect["default"].what = rules::Effect::What::alarm;
  });
  law.findings[1].status = rules::Status::unknown;
  EXPECT_EQ(told(clinic(law, kPermit), on("2026-11-25")), "refuse condition") << "all of it must pass";
  EXPECT_EQ(told(clinic(law, kPermit), on("2026-11-25", kBreakGlass)), "pass") << "an emergency is not kept waiting";
  law.findings[1].subject = "dr-lee";
  EXPECT_EQ(told(clinic(law, kPermit), on("2026-11-25")), "pass") << "somebody else's";
}

TEST(Decide, DatesAreDaysOfTheStacksZone) {
  auto stack = made::stack(kClinic);
  stack.zone = *Zone::find("America/New_York");
  const Table t = made(stack, clinic_law());
  Ask a = ask(t, {"scribe", "", "TREAT", "clinical.note"});
  a.now = *parse_time("2027-01-11T04:59:59.999999Z");  // still the 10th in New York
  EXPECT_EQ(t.decide(a, {}).outcome, Outcome::reduce);
  a.now = *parse_time("2027-01-11T05:00:00Z");
  EXPECT_EQ(t.decide(a, {}).reason, Reason::lapsed);
  EXPECT_EQ(t.sentence(t.decide(a, {})),
            "License scribe-reads/notes-to-scribe/associate:notes-to-scribe ended on 2027-01-10, so Scribe (scribe) may not have clinical.note for TREAT "
            "(under packs test@1; state law not assessed)");
}

TEST(Decide, NoGroundAtAllSaysTheFlowsFinding) {
  auto law = clinic_law();
  law.grounds.erase(law.grounds.begin() + 1);
  const Q q{"scribe", "", "TREAT", "clinical.note"};
  EXPECT_EQ(told(clinic(law), q), "refuse no-ground");
  EXPECT_EQ(sentence(clinic(law), q), "No lawful ground on record lets Scribe (scribe) have clinical.note for TREAT (under packs test@1; state law not assessed)");
  law.findings = {finding("a-program", "notes-to-scribe", "No log is kept"), finding("contract", "notes-to-scribe", "No contract is on record"),
                  finding("owner", "scribe-ai", "No officer is named")};
  for (const std::size_t n : {0, 2}) ask_otherwise(law.findings[n], [](rules::Asked& a) { a.about = "program"; });
  EXPECT_EQ(sentence(clinic(law), q), law.findings[1].sentence());
  law.findings[1].since = date("2026-06-30");
  EXPECT_EQ(told(clinic(law), q), "refuse lapsed");
  // No permit comes before no ground.
  EXPECT_EQ(told(clinic(law), {"scribe", "", "TREAT", "clinical.condition"}), "refuse no-permit");
}

TEST(Decide, MinimumNecessary) {
  constexpr std::string_view kMore = R"(
---
{kind: organization, id: payer, name: Payer, functions: [plan]}
---
{kind: system, id: claims, name: Claims, owner: payer}
---
{kind: flow, id: to-payer, from: ehr, to: claims, via: fhir-front, purposes: [HPAYMT], data: ["billing.*", demographics]}
---
{kind: permit, id: payer-whole, to: claims, for: [HPAYMT], view: full, data: ["billing.*"]}
---
{kind: permit, id: payer-listed, to: claims, for: [HPAYMT], view: full, reads: {Patient: [name], Coverage: []}}
)";
  auto law = clinic_law();
  law.grounds.push_back(ground("payment:to-payer", "payment", "to-payer", "claims", {"billing.*", "demographics"}, {"HPAYMT"}));
  const Table t = clinic(law, kMore);
  EXPECT_EQ(told(t, {"claims", "", "HPAYMT", "billing.claim"}), "refuse no-ground");
  EXPECT_NE(sentence(t, {"claims", "", "HPAYMT", "billing.claim"}).find("carries only the minimum necessary"), std::string::npos);
  EXPECT_EQ(told(t, {"claims", "", "HPAYMT", "demographics"}), "reduce payer-listed");  // its elements, not the whole
  law.grounds.back().minimum_necessary = false;
  const Table whole = clinic(law, kMore);
  EXPECT_EQ(told(whole, {"claims", "", "HPAYMT", "billing.claim"}), "pass");
  const Decision d = whole.decide(ask(whole, {"claims", "", "HPAYMT", "demographics"}), {});
  ASSERT_TRUE(d.view.known());
  EXPECT_TRUE(whole.view(d.view).find("Patient")->whole());
}

TEST(Decide, AFullViewReadsBesideWhatMayBeWritten) {
  constexpr std::string_view kMore = R"(
---
{kind: permit, id: ray-writes, to: ray, through: [ehr-ui], for: [TREAT], view: full, creates: {Observation: [code]}, data: ["clinical.*"]}
)";
  const Table t = clinic(clinic_law(), kMore);
  EXPECT_EQ(told(t, {"ehr-ui", "ray", "TREAT", "clinical.note"}), "pass");
  EXPECT_EQ(told(t, {"ehr-ui", "ray", "TREAT", "clinical.lab", Action::create}), "reduce ray-writes:creates");
  EXPECT_EQ(told(t, {"ehr-ui", "ray", "TREAT", "clinical.note", Action::create}), "refuse no-permit");
  EXPECT_EQ(told(t, {"ehr-ui", "ray", "TREAT", "demographics"}), "refuse no-permit") << "`data` narrows the full view";
}

TEST(Decide, FormsAndOtherwise) {
  const auto with = [](std::string_view permit_terms, std::string form, std::string kind) {
    auto law = clinic_law();
    law.grounds.push_back(ground("g:lab", std::move(kind), "to-lab", "lab", {"clinical.*"}, {"HRESCH"}));
    law.grounds.back().form = std::move(form);
    return clinic(law, R"(
---
{kind: organization, id: university, name: University}
---
{kind: system, id: lab, name: Lab, owner: university}
---
{kind: flow, id: to-lab, from: ehr, to: lab, via: fhir-front, purposes: [HRESCH], data: ["clinical.*"]}
---
{kind: permit, id: lab-reads, to: lab, for: [HRESCH], reads: {Observation: [code]})" + std::string(permit_terms) + "}\n");
  };
  const Q q{"lab", "", "HRESCH", "clinical.lab"};
  EXPECT_EQ(told(with("", "limited", "limited-data-set"), q), "reduce limited lab-reads");
  EXPECT_EQ(told(with(", form: limited", "identified", "research-waiver"), q), "reduce limited lab-reads");
  EXPECT_EQ(told(with(", form: pseudonymized", "identified", "research-waiver"), q), "reduce pseudonymized lab-reads");
  EXPECT_EQ(told(with(", form: pseudonymized", "limited", "limited-data-set"), q), "reduce limited lab-reads");
  EXPECT_EQ(told(with(", form: pseudonymized", "deidentified", "deidentified"), q), "refuse no-ground");
  EXPECT_EQ(told(with("", "deidentified", "deidentified"), q), "refuse no-ground");
  EXPECT_EQ(told(with(", otherwise: deidentify", "deidentified", "deidentified"), q), "deidentify deidentified lab-reads");
  EXPECT_EQ(told(with(", form: deidentified", "limited", "limited-data-set"), q), "deidentify deidentified lab-reads");
  EXPECT_EQ(told(with(", hold: true", "limited", "limited-data-set"), q), "hold held");
  EXPECT_EQ(told(with("", "invented", "limited-data-set"), q), "refuse no-ground");
}

TEST(Decide, APermitDoesNotMakePromptsDeidentified) {
  const auto with = [](std::string form, std::string kind, std::string_view speaks) {
    auto law = clinic_law();
    law.grounds.push_back(ground("g:model", std::move(kind), "to-model", "model", {"clinical.*"}, {"TREAT"}));
    law.grounds.back().form = std::move(form);
    return clinic(law, fmt::format(R"(
---
{{kind: organization, id: vendor, name: Vendor}}
---
{{kind: system, id: model, name: Model, owner: vendor}}
---
{{kind: route, id: model-front, listens: /model/, speaks: {}, reaches: model}}
---
{{kind: flow, id: to-model, from: ehr, to: model, via: model-front, purposes: [TREAT], data: [clinical.note]}}
---
{{kind: permit, id: model-drafts, to: model, for: [TREAT], data: [clinical.note], form: deidentified}}
)",
                                   speaks));
  };
  const Q q{"ehr", "", "TREAT", "clinical.note", Action::send, "model-front"};
  EXPECT_EQ(told(with("identified", "associate", "http"), q).substr(0, 10), "deidentify");
  EXPECT_EQ(told(with("deidentified", "deidentified", "llm.openai"), q).substr(0, 10), "deidentify") << "the ground says so";
  const Table t = with("identified", "associate", "llm.openai");
  EXPECT_EQ(told(t, q), "refuse no-ground");
  EXPECT_NE(sentence(t, q).find("Permit model-drafts asks for form deidentified"), std::string::npos) << sentence(t, q);
}

TEST(Decide, TheMostFormOfSeveralGrounds) {
  auto law = clinic_law();
  law.grounds.push_back(ground("z:scribe", "limited-data-set", "notes-to-scribe", "scribe", {"clinical.*"}, {"TREAT"}));
  law.grounds.back().form = "limited";
  EXPECT_EQ(told(clinic(law), {"scribe", "", "TREAT", "clinical.note"}), "reduce scribe-reads");
  law.grounds[1].regions = {"eu"};  // scopes are never joined: the other ground then stands alone
  EXPECT_EQ(told(clinic(law), {"scribe", "", "TREAT", "clinical.note"}), "reduce limited scribe-reads");
}

TEST(Decide, Regions) {
  auto law = clinic_law();
  law.grounds[1].regions = {"us-west"};
  EXPECT_EQ(told(clinic(law), {"scribe", "", "TREAT", "clinical.note"}), "refuse no-ground");  // nothing in common with the permit's
  law.grounds[1].regions = {"us-east"};
  const Table t = clinic(law);
  Ask a = ask(t, {"scribe", "", "TREAT", "clinical.note"});
  EXPECT_EQ(t.decide(a, {}).outcome, Outcome::reduce);
  a.region = {};
  EXPECT_EQ(t.decide(a, {}).reason, Reason::out_of_scope);
  a.region = RegionId{77};
  EXPECT_EQ(t.decide(a, {}).reason, Reason::out_of_scope);
}

TEST(Decide, OverlayNeverWaitsForACompile) {
  const Table t = clinic();
  const Q scribe{"scribe", "", "TREAT", "clinical.note"}, staff{"ehr-ui", "dr-lee", "TREAT", "clinical.note"};
  const Q self{"patient-app", "individual", "PATRQT", "clinical.note", Action::read, "fhir-front", kMaria, kMaria};
  for (const std::string_view id : {std::string_view("scribe"), std::string_view("scribe-ai"), std::string_view("ehr"),
                                    std::string_view("fhir-front"), kEverything}) {
    Overlay o;
    o.suspend(id, "S-1");
    EXPECT_EQ(told(t, scribe, o), "refuse suspended") << id;
    o.lift(id);
    EXPECT_EQ(told(t, scribe, o), "reduce scribe-reads") << id;
  }
  Overlay o;
  o.suspend("dr-lee", "S-2");
  EXPECT_EQ(told(t, staff, o), "refuse suspended");
  EXPECT_EQ(told(t, {"ehr-ui", "ray", "TREAT", "special.sud"}, o), "pass");
  Overlay whole;
  whole.suspend("riverbend", "S-3");
  EXPECT_EQ(told(t, {"ehr-ui", "ray", "TREAT", "special.sud"}, whole), "refuse suspended") << "a part stops with the whole";

  Overlay restricted;
  restricted.restrict(kMaria, "scribe-ai", "clinical.*", "R-1");
  EXPECT_EQ(told(t, scribe, restricted), "refuse restricted neutrally");
  EXPECT_EQ(told(t, {"scribe", "", "TREAT", "clinical.note", Action::read, "fhir-front", kDevon}, restricted), "reduce scribe-reads");
  EXPECT_EQ(told(t, {"scribe", "", "TREAT", "clinical.note", Action::search, "fhir-front", {}}, restricted), "reduce scribe-reads if patient");
  EXPECT_EQ(told(t, staff, restricted), "pass");
  Overlay nobody;
  nobody.restrict(kMaria, "", "", "R-2");
  nobody.tie("clerk", kMaria, Micros::max());
  EXPECT_EQ(told(t, {"ehr-ui", "ana", "HOPERAT", "demographics"}, nobody), "refuse restricted neutrally");
  EXPECT_EQ(told(t, staff, nobody), "pass") << "treatment";
  EXPECT_EQ(told(t, self, nobody), "pass") << "her own access";
  Overlay lakeside;
  lakeside.restrict(kMaria, "lakeside", "*", "R-3");
  EXPECT_EQ(told(t, {"lakeside-ehr", "", "TREAT", "clinical.note"}, lakeside), "refuse restricted neutrally");
  EXPECT_EQ(told(t, {"lakeside-ehr", "", "ETREAT", "clinical.note"}, lakeside), "pass") << "164.522(a)(1)(iii)";
}

TEST(Decide, Part2Consent) {
  const Table t = clinic();
  const Q q{"lakeside-ehr", "", "TREAT", "special.sud"};
  for (const std::string_view recipient : {"lakeside", "lakeside-ehr"}) {
    Overlay o;
    o.consent(kMaria, recipient, "special.sud", noon("2026-12-31"));
    EXPECT_EQ(told(t, q, o), "pass") << recipient;
    EXPECT_EQ(told(t, {"lakeside-ehr", "", "TREAT", "special.sud", Action::read, "fhir-front", kDevon}, o), "refuse restricted neutrally");
    EXPECT_EQ(told(t, {"lakeside-ehr", "", "TREAT", "special.sud", Action::read, "fhir-front", kMaria, {}, 0, "2027-01-01"}, o), "refuse restricted neutrally");
  }
  Overlay other;
  other.consent(kMaria, "scribe-ai", "special.sud", std::nullopt);
  EXPECT_EQ(told(t, q, other), "refuse restricted neutrally");
  EXPECT_EQ(told(t, {"lakeside-ehr", "", "TREAT", "special.sud", Action::search, "fhir-front", {}}, other), "pass if patient");
  EXPECT_EQ(sentence(t, q), "A restriction that the patient asked for (164.522(a)), or a missing consent (42 CFR 2.31), stands against Lakeside EHR "
                            "(lakeside-ehr) having special.sud for TREAT (under packs test@1; state law not assessed)");
}

TEST(Decide, WhoseRecords) {
  const Table t = clinic();
  const Q ana{"ehr-ui", "ana", "HOPERAT", "demographics"};
  const struct {
    std::string_view holder;
    std::string_view expect;
  } ties[] = {{"ana", "reduce clerk-desk"}, {"clerk", "reduce clerk-desk"}, {"clinician", "refuse out-of-scope"}, {"ehr-ui", "refuse out-of-scope"}};
  for (const auto& c : ties) {
    Overlay o;
    o.tie(c.holder, kMaria, noon("2026-12-01"));
    EXPECT_EQ(told(t, ana, o), c.expect) << c.holder;
    EXPECT_EQ(told(t, {"ehr-ui", "ana", "HOPERAT", "demographics", Action::read, "fhir-front", kMaria, {}, 0, "2026-12-02"}, o), "refuse out-of-scope");
    EXPECT_EQ(told(t, {"ehr-ui", "ana", "HOPERAT", "demographics", Action::read, "fhir-front", kDevon}, o), "refuse out-of-scope");
  }
  Overlay mother;
  mother.represent(kHelena, kLily, noon("2026-12-01"));
  const auto as_mother = [](const PatientKey& patient, std::string_view day) {
    return Q{"patient-app", "individual", "PATRQT", "clinical.note", Action::read, "fhir-front", patient, kHelena, 0, day};
  };
  EXPECT_EQ(told(t, as_mother(kLily, "2026-11-25"), mother), "pass");
  EXPECT_EQ(told(t, as_mother(kLily, "2026-12-02"), mother), "refuse out-of-scope");
  EXPECT_EQ(told(t, as_mother(kMaria, "2026-11-25"), mother), "refuse out-of-scope");

  auto law = clinic_law();
  law.grounds[1].whose = "named";
  law.grounds[1].patients = {"00000000000000010000000000000001", "not hex", "01"};
  const Table named = clinic(law);
  EXPECT_EQ(told(named, {"scribe", "", "TREAT", "clinical.note"}), "reduce scribe-reads");
  EXPECT_EQ(told(named, {"scribe", "", "TREAT", "clinical.note", Action::read, "fhir-front", kDevon}), "refuse out-of-scope");
  law.grounds[1].patients.clear();
  EXPECT_EQ(told(clinic(law), {"scribe", "", "TREAT", "clinical.note", Action::search, "fhir-front", {}}), "refuse out-of-scope");
  law.grounds[1].whose = "members";
  const Table members = clinic(law);
  Overlay plan;
  plan.member("scribe-ai", kMaria);
  EXPECT_EQ(told(members, {"scribe", "", "TREAT", "clinical.note"}, plan), "reduce scribe-reads");
  EXPECT_EQ(told(members, {"scribe", "", "TREAT", "clinical.note", Action::read, "fhir-front", kDevon}, plan), "refuse out-of-scope");
}

TEST(Decide, Prohibitions) {
  auto law = clinic_law();
  law.prohibitions.push_back({"sale", "notes-to-scribe", {"*"}, {"TREAT"}, {"authorization"}, "Notes may not be sold", "164.502(a)(5)(ii)"});
  const Q q{"scribe", "", "TREAT", "clinical.note"};
  EXPECT_EQ(told(clinic(law), q), "refuse prohibited");
  EXPECT_EQ(sentence(clinic(law), q), "Notes may not be sold (under packs test@1; state law not assessed)");
  EXPECT_EQ(told(clinic(law), {"scribe", "", "TREAT", "clinical.condition"}), "refuse prohibited") << "before no-permit";
  EXPECT_EQ(told(clinic(law), {"scribe", "", "TREAT", "clinical.vital"}), "refuse undeclared") << "after undeclared";
  EXPECT_EQ(told(clinic(law), {"lakeside-ehr", "", "TREAT", "clinical.note"}), "pass") << "another flow";
  law.grounds.push_back(ground("authorization:1", "authorization", "notes-to-scribe", "scribe", {"clinical.note"}, {"TREAT"}));
  EXPECT_EQ(told(clinic(law), q), "reduce scribe-reads") << "lifted by an authorization";
}

TEST(Decide, ThePersonsViewAndTheSystemsMeet) {
  const Table t = clinic(clinic_law(), R"(
---
{kind: permit, id: ui-some, to: ehr-ui, for: [HOPERAT], reads: {Patient: [birthDate, name.family, telecom], Schedule: [actor]}}
)");
  Overlay o;
  o.tie("ana", kMaria, Micros::max());
  // The carrying license of the clinic's own system shows all, so the person's view stands.
  EXPECT_EQ(told(t, {"ehr-ui", "ana", "HOPERAT", "demographics"}, o), "reduce clerk-desk");
  auto law = clinic_law();
  std::erase_if(law.grounds, [](const rules::Ground& g) { return g.id == "workforce:staff"; });
  law.grounds.push_back(ground("associate:staff", "associate", "staff", "ehr-ui", {"demographics", "scheduling.*"}, {"HOPERAT"}));
  auto stack = made::stack(std::string(kClinic) + R"(
---
{kind: permit, id: ui-some, to: ehr-ui, for: [HOPERAT], reads: {Patient: [birthDate, name.family, telecom], Schedule: [actor]}}
)");
  for (stack::Document& d : stack.documents)  // the workstations are now a vendor's: it needs its own permit
    if (d.kind == "system" && d.id == "ehr-ui")
      for (auto& [key, value] : d.fields.members)
        if (key == "owner") value.text = "scribe-ai";
  const Table vendor = made(stack, law);
  EXPECT_EQ(told(vendor, {"ehr-ui", "ana", "HOPERAT", "demographics"}, o), "reduce ui-some & clerk-desk");
  const Decision d = vendor.decide(ask(vendor, {"ehr-ui", "ana", "HOPERAT", "demographics"}), o);
  const View& view = vendor.view(d.view);
  ASSERT_EQ(view.types.size(), 1U);
  EXPECT_EQ(view.types[0].type, "Patient");
  EXPECT_EQ(view.types[0].elements, (std::vector<std::string>{"birthDate", "name.family"}));
  EXPECT_EQ(told(vendor, {"ehr-ui", "dr-lee", "TREAT", "clinical.note"}), "refuse no-permit") << "the vendor's system carries nobody";
}

TEST(Compile, PermitsThatNameWhatIsNot) {
  const auto fault = [](std::string_view permit) {
    auto table = compile(made::stack(std::string(kClinic) + "\n---\n" + std::string(permit)), clinic_law(), r4());
    return table ? std::string() : table.error().message.substr(table.error().message.find("permit"));
  };
  EXPECT_EQ(fault("{kind: permit, id: x, to: nobody, for: [TREAT]}"), "permit x is to 'nobody', which is no system, role or person");
  EXPECT_EQ(fault("{kind: permit, id: x, to: clinician, for: [TREAT]}"), "permit x is to people and names no system in `through`");
  EXPECT_EQ(fault("{kind: permit, id: x, to: clinician, through: [y], for: [TREAT]}"), "permit x names 'y' in `through`, which is no system");
  EXPECT_EQ(fault("{kind: permit, id: x, to: scribe, for: [TREAT], when: {mfa: true}}"), "permit x is to a system: mfa and training speak of a person");
  EXPECT_EQ(fault("{kind: permit, id: x, to: scribe, for: [TREAT], reads: {Docment: [id]}}"), "permit x names 'Docment', which is no FHIR R4 type");
  EXPECT_EQ(fault("{kind: permit, id: x, to: scribe, for: [TREAT], reads: {Patient: ['*', id]}}"), "permit x lists '*' beside elements for Patient: '*' alone is every element");
  EXPECT_EQ(fault("{kind: permit, id: x, to: scribe, for: [TREAT], reads: {Patient: [id]}, searches: {Claim: [id]}}"), "permit x searches Claim, which it does not read");
}

TEST(Compile, SameBytesSameText) {
  EXPECT_EQ(clinic().digest_text(), clinic().digest_text());
  auto law = clinic_law();
  law.grounds[1].until = date("2027-01-11");
  EXPECT_NE(clinic(law).digest_text(), clinic().digest_text());
}

TEST(Compile, LicensesAsPeopleSeeThem) {
  const Table t = clinic();
  const auto all = t.licenses();
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const License& a, const License& b) { return a.id < b.id; }));
  const auto at = std::find_if(all.begin(), all.end(), [](const License& l) { return l.id == "scribe-reads/notes-to-scribe/associate:notes-to-scribe"; });
  ASSERT_NE(at, all.end());
  EXPECT_EQ(at->holder, "scribe");
  EXPECT_EQ(at->classes, (std::vector<std::string>{"clinical.encounter", "clinical.note"}));
  EXPECT_EQ(at->actions, (std::vector<std::string>{"read", "search"}));
  EXPECT_EQ(at->regions, (std::vector<std::string>{"us-east"}));
  EXPECT_EQ(at->until, date("2027-01-10"));
  EXPECT_EQ(at->view, "scribe-reads");
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const License& l) { return l.id == "clinician-all/staff/workforce:clinician/dr-lee"; }));
  EXPECT_FALSE(std::any_of(all.begin(), all.end(), [](const License& l) { return l.holder == "gone"; }));
  EXPECT_EQ(t.flow_of(ask(t, {"scribe", "", "TREAT", "clinical.note"})), "notes-to-scribe");
  EXPECT_EQ(t.flow_of(ask(t, {"nobody", "", "TREAT", "clinical.note"})), "");
  ASSERT_EQ(t.purposes(t.route("fhir-front"), t.system("lakeside-ehr")).size(), 2U);
}

TEST(Diff, ExactAndSaysWhereCareIsCut) {
  EXPECT_TRUE(diff(clinic(), clinic()).empty());
  auto law = clinic_law();
  law.grounds[1].until = date("2027-02-10");
  std::erase_if(law.grounds, [](const rules::Ground& g) { return g.id == "treatment:referral" || g.id == "workforce:staff"; });
  const std::vector<Change> changes = diff(clinic(), clinic(law));
  std::size_t lakeside = 0, scribe = 0, lee = 0;
  for (const Change& c : changes) {
    if (c.holder == "lakeside-ehr") {
      ++lakeside;
      EXPECT_EQ(c.what, "loses");
      EXPECT_TRUE(c.care);
    } else if (c.holder == "scribe") {
      ++scribe;
      EXPECT_EQ(c.what, "changes");
      EXPECT_EQ(c.before, "identified, view scribe-reads, in us-east, until 2027-01-10");
      EXPECT_EQ(c.after, "identified, view scribe-reads, in us-east, until 2027-02-10");
    } else if (c.holder == "dr-lee") {
      ++lee;  // nobody took her license, but the system that carried it
      EXPECT_EQ(c.what, "loses");
    } else {
      EXPECT_EQ(c.what, "loses") << c.holder;
    }
  }
  EXPECT_EQ(scribe, 4U);  // two classes, read and search
  EXPECT_GT(lakeside, 0U);
  EXPECT_GT(lee, 0U);
  for (const Change& c : diff(clinic(law), clinic())) EXPECT_NE(c.what, "loses");
}

// The example through the real loader: every permit of it names what there is.
TEST(Compile, TheExamplesCompile) {
  for (const std::string_view example : {"riverbend", "scribe"}) {
    std::vector<stack::Source> sources;
    const std::filesystem::path root = std::filesystem::path(LICET_SOURCE_DIR) / "examples" / example;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".yaml") continue;
      std::ifstream file(entry.path());
      sources.push_back({std::filesystem::relative(entry.path(), root).string(), std::string(std::istreambuf_iterator<char>(file), {})});
    }
    stack::Loaded loaded = stack::load(sources);
    ASSERT_TRUE(loaded.stack.has_value()) << example << ": " << (loaded.problems.empty() ? "" : loaded.problems.front().text());
    rules::Judgment nothing;  // no ground on record: nothing may pass
    nothing.as_of = date("2026-11-25");
    auto table = compile(*loaded.stack, nothing, r4());
    ASSERT_TRUE(table.ok()) << example << ": " << table.error().message;
    EXPECT_TRUE(table->licenses().empty()) << example;
  }
}

TEST(Decide, AllocatesNothing) {
  const Table t = clinic();
  Overlay o;
  o.suspend("somebody-with-a-long-identifier-beyond-sso", "S");
  o.restrict(kMaria, "lakeside", "clinical.*", "R");
  o.tie("ana", kMaria, Micros::max());
  o.represent(kHelena, kLily, std::nullopt);
  std::vector<Ask> asks;
  for (const std::string_view caller : {"scribe", "lakeside-ehr", "ehr-ui", "patient-app", "ehr", "nobody"})
    for (const std::string_view person : {"", "dr-lee", "ana", "individual"})
      for (const std::string_view data : {"clinical.note", "special.sud", "demographics", "nothing"})
        for (const std::uint32_t conditions : {0U, std::uint32_t{kMfa}, std::uint32_t{kBreakGlass}})
          asks.push_back(ask(t, {caller, person, "TREAT", data, Action::read, "fhir-front", kMaria, kMaria, conditions}));
  const std::size_t before = allocations;
  std::size_t passed = 0;
  for (const Ask& a : asks) passed += t.decide(a, o).outcome != Outcome::refuse ? 1 : 0;
  EXPECT_EQ(allocations, before);
  EXPECT_GT(passed, 0U);
  static_assert(noexcept(t.decide(asks.front(), o)));
}

}  // namespace
}  // namespace licet::license
