#include "stack/stack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "base/random.h"
#include "stack/internal/typed.h"
#include "stack/internal/words.h"
#include "stack/schema.h"
#include "stack/yaml.h"

namespace licet::stack {
namespace {

constexpr std::string_view kHead = "kind: stack\nformat: 1\ntenant: riverbend\ntimezone: America/New_York\npacks: [hipaa-baa-2013@1.0]\n";

Loaded load_one(std::string_view yaml, const Limits& limits = {}) {
  const Source source{"a.yaml", std::string(yaml)};
  return load({&source, 1}, limits);
}
// Below a good head: its five lines and the separator make line 7 the first of `yaml`.
Loaded load_after_head(std::string_view yaml) {
  return load_one(std::string(kHead) + "---\n" + std::string(yaml));
}

std::string all(const Loaded& loaded) {
  std::string out;
  for (const Problem& p : loaded.problems) out += p.text() + "\n";
  return out;
}

const Table& table(const Relations& relations, std::string_view name) {
  for (const Table& t : relations)
    if (t.name == name) return t;
  static const Table none;
  ADD_FAILURE() << "no table " << name;
  return none;
}

std::string show(const Cell& c) {
  if (const auto* n = std::get_if<std::int64_t>(&c)) return std::to_string(*n);
  if (const auto* s = std::get_if<std::string>(&c)) return *s;
  return "NULL";
}
std::string show(const Table& t) {
  std::string out;
  for (const auto& row : t.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) out += (i > 0 ? " | " : "") + show(row[i]);
    out += "\n";
  }
  return out;
}
std::string cell(const Table& t, std::size_t row, std::string_view column) {
  const auto at = std::find(t.columns.begin(), t.columns.end(), column);
  if (at == t.columns.end() || row >= t.rows.size()) return "(none)";
  return show(t.rows[row][static_cast<std::size_t>(at - t.columns.begin())]);
}

constexpr std::string_view kWorld = R"Y(
kind: organization
id: riverbend
name: Riverbend Clinic
functions: [provider]
covered: true
---
kind: organization
id: scribe-ai
name: Scribe AI
---
kind: system
id: ehr
owner: riverbend
---
kind: system
id: scribe
owner: scribe-ai
region: us-east
proves: [{mtls-san: scribe.example}, {issuer: "https://id.example", client: scribe}]
---
kind: route
id: fhir-front
listens: /fhir/
speaks: fhir-r4
serves: ehr
---
kind: flow
id: notes-to-scribe
from: ehr
to: scribe
data: [clinical.note]
purposes: TREAT
on-behalf-of: riverbend
via: fhir-front
---
kind: agreement
id: baa-scribe
is: baa
up: riverbend
down: scribe-ai
effective: 2026-01-10
expires: 2027-01-10
covers: {systems: [scribe], data: [clinical.*]}
terms: {breach-notice: 5bd, incident-notice: 90m, ai-training: prohibited, return-or-destroy: true}
clauses:
  - {cite: "164.504(e)(2)(ii)(D)", is: present, at: page 3}
  - {cite: "164.504(e)(2)(ii)(J)", is: absent}
---
kind: permit
id: scribe-reads
to: scribe
for: [TREAT]
reads:
  DocumentReference: [id, type]
  Encounter: [id]
when: {region: [us-east]}
)Y";

TEST(Load, TypesAWorld) {
  const Loaded loaded = load_after_head(kWorld);
  ASSERT_TRUE(loaded.stack) << all(loaded);
  const Stack& s = *loaded.stack;
  EXPECT_EQ(s.tenant, "riverbend");
  EXPECT_EQ(s.zone.name(), "America/New_York");
  ASSERT_EQ(s.packs.size(), 1U);
  EXPECT_EQ(s.packs[0].id, "hipaa-baa-2013");
  EXPECT_EQ(s.packs[0].version, "1.0");
  const Document* baa = s.find("baa-scribe");
  ASSERT_NE(baa, nullptr);
  EXPECT_EQ(baa->text("terms.breach-notice"), "5bd");
  EXPECT_TRUE(baa->flag("terms.return-or-destroy"));
  EXPECT_FALSE(baa->flag("terms.audit"));
  EXPECT_EQ(baa->list("covers.data"), std::vector<std::string_view>{"clinical.*"});
  EXPECT_EQ(s.find("flow", "notes-to-scribe")->list("purposes"), std::vector<std::string_view>{"TREAT"});  // a lone scalar
  EXPECT_EQ(s.find("flow", "baa-scribe"), nullptr);
  EXPECT_EQ(s.find("nobody"), nullptr);
  EXPECT_EQ(s.all("system").size(), 2U);
  EXPECT_EQ(s.where(s.find("ehr")->place), "a.yaml:18");
  EXPECT_TRUE(std::is_sorted(s.documents.begin(), s.documents.end(),
                             [](const Document& x, const Document& y) { return std::tie(x.kind, x.id) < std::tie(y.kind, y.id); }));
}

struct Bad {
  const char* yaml;      // after the head
  const char* problems;  // every line of them
};

class LoadRefuses : public testing::TestWithParam<Bad> {};
TEST_P(LoadRefuses, WithTheseWords) {
  const Loaded loaded = load_after_head(std::string(GetParam().yaml));
  EXPECT_FALSE(loaded.stack);
  EXPECT_EQ(all(loaded), GetParam().problems) << GetParam().yaml;
}

constexpr const char* kOrg = "kind: organization\nid: o\nname: O\n---\n";  // 4 lines: what follows begins on line 11

std::string org(const char* rest) {
  return std::string(kOrg) + rest;
}
// Bad holds const char*: keep the joined texts alive.
const char* keep(std::string text) {
  static std::vector<std::unique_ptr<std::string>> kept;
  kept.push_back(std::make_unique<std::string>(std::move(text)));
  return kept.back()->c_str();
}
const char* after_org(const char* rest) {
  return keep(org(rest));
}
const char* with_systems(const char* rest) {
  return after_org(
      keep(std::string("kind: system\nid: s\nowner: o\n---\nkind: system\nid: t\nowner: o\n---\n") + rest));  // rest begins on line 19
}

INSTANTIATE_TEST_SUITE_P(
    Table, LoadRefuses,
    testing::Values(
        // kinds, ids, keys
        Bad{"kind: sistem\nid: x\n", "a.yaml:7:7: unknown kind 'sistem' (did you mean 'system'?)\n"},
        Bad{"id: x\n", "a.yaml:7:1: a document needs kind: organization, system, flow …\n"},
        Bad{"- a\n", "a.yaml:7:1: a document is a map: kind, id and fields\n"},
        Bad{"kind: system\nowner: x\n", "a.yaml:7:1: a system needs an id\n"},
        Bad{"kind: organization\nid: Riverbend\nname: R\n",
            "a.yaml:8:5: the id 'Riverbend' is not allowed: write a lower-case letter, then at most 62 of a-z 0-9 _ . -\n"},
        Bad{"kind: organization\nid: a\n", "a.yaml:7:1: the organization 'a' needs the key 'name'\n"},
        Bad{"kind: organization\nid: a\nname: A\nfuntions: [provider]\n",
            "a.yaml:10:1: unknown key 'funtions' in an organization (did you mean 'functions'?)\n"},
        Bad{"kind: team\nid: a\nname: A\ncolor: red\n",
            "a.yaml:10:1: unknown key 'color' in a team; it has kind, id, name, organization, members and lead\n"},
        Bad{after_org(
                "kind: agreement\nid: a\nis: baa\nup: o\ndown: o2\nterms: {breach-notise: 5d}\n---\nkind: organization\nid: o2\nname: P\n"),
            "a.yaml:16:9: unknown key 'breach-notise' in 'terms' (did you mean 'breach-notice'?)\n"},
        Bad{"kind: organization\nid: a\nname: A\nname: B\n", "a.yaml:10:1: the key 'name' stands twice in one map (first on line 9)\n"},
        Bad{"kind: organization\nid: a\nname: A\n---\nkind: organization\nid: a\nname: A\n",
            "a.yaml:11:1: 'a' is declared twice: first at a.yaml:7\n"},
        Bad{after_org("kind: role\nid: o\nname: R\n"),
            "a.yaml:11:1: the id 'o' is taken by an organization (a.yaml:7): ids are unique over all kinds\n"},
        // YAML that is not part of the format
        Bad{"kind: organization\nid: a\nname: &x A\ncontact: *x\n",
            "a.yaml:9:7: an anchor (&name) is not part of this format: leave it out\n"
            "a.yaml:10:10: an alias (*name) is not part of this format: write the value out\n"},
        Bad{"kind: organization\nid: a\nname: !!str A\n", "a.yaml:9:7: a tag (!name) is not part of this format: leave it out\n"},
        Bad{"kind: organization\nid: a\nname:\n",
            "a.yaml:9:6: a value is missing here: give one, or leave the key out\n"
            "a.yaml:9:6: name: is empty: say something, or leave the key out\n"},
        Bad{"kind: organization\nid: a\nname: A\ncontact: null\n",
            "a.yaml:10:10: a value is missing here: give one, or leave the key out\n"},
        Bad{"kind: organization\nid: a\n\tname: A\n", "a.yaml:9:1: a tab can't indent YAML: use spaces\n"},
        Bad{"kind: organization\n? [a]\n: b\n", "a.yaml:8:3: a key must be a name, not a list or a map\n"},
        Bad{"kind: organization\nid: a\nname: [A\n",
            "a.yaml:10:1: not YAML: did not find expected ',' or ']' while parsing a flow sequence that began on line 9\n"},
        Bad{"kind: organization\nid: a\nname: \xff\n", "a.yaml:9:7: not UTF-8 text: invalid leading UTF-8 octet\n"},
        Bad{"kind: x\na: [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]\n", "a.yaml:8:19: nested deeper than 16 levels\n"},
        // types
        Bad{"kind: organization\nid: a\nname: A\ncovered: yes\n", "a.yaml:10:10: covered: write true or false\n"},
        Bad{"kind: organization\nid: a\nname: [A]\n", "a.yaml:9:7: 'name' takes one value\n"},
        Bad{"kind: organization\nid: a\nname: A\nfunctions: {a: b}\n", "a.yaml:10:12: 'functions' takes a list of values: [a, b]\n"},
        Bad{"kind: organization\nid: a\nname: A\nfunctions: []\n",
            "a.yaml:10:12: 'functions' is an empty list: name something, or leave the key out\n"},
        Bad{"kind: organization\nid: a\nname: A\nfunctions: [provider, provider]\n", "a.yaml:10:23: 'functions' names 'provider' twice\n"},
        Bad{"kind: organization\nid: a\nname: A\nfunctions: [providr]\n",
            "a.yaml:10:13: functions: 'providr' is not one of provider, plan, clearinghouse, public-health, oversight, "
            "law-enforcement, court, hhs, researcher, exchange, employer, vendor, patient-safety, protective-services, coroner, "
            "funeral-director, organ-procurement, disaster-relief, workers-compensation, correctional, military, "
            "national-security, government-program, manufacturer, school or other (did you mean 'provider'?)\n"},
        Bad{"kind: training\nid: a\nname: A\nevery: 1y\n",
            "a.yaml:10:8: every: not a duration: write 60m, 24h, 5d (calendar days) or 5bd (business days)\n"},
        Bad{"kind: incident\nid: a\nname: A\ndiscovered: 2026-02-30\n", "a.yaml:10:13: discovered: no such day in the calendar\n"},
        Bad{"kind: incident\nid: a\nname: A\ndiscovered: 30.2.2026\n", "a.yaml:10:13: discovered: not a date: write YYYY-MM-DD\n"},
        Bad{with_systems("kind: flow\nid: f\nfrom: s\nto: t\ndata: [special.*]\npurposes: [TREAT]\n"),
            "a.yaml:23:8: data: special classes are matched by name only: write special.sud and so on\n"},
        Bad{with_systems("kind: flow\nid: f\nfrom: s\nto: t\ndata: ['*']\npurposes: [TREAT]\n"),
            "a.yaml:23:8: data: not a data class: write clinical.note, or clinical.* for all of a family\n"},
        Bad{with_systems("kind: flow\nid: f\nfrom: s\nto: t\ndata: [clinical.note]\npurposes: [TRAET]\n"),
            "a.yaml:24:12: purposes: 'TRAET' is not a code of HL7 PurposeOfUse (did you mean 'TREAT'?)\n"},
        Bad{with_systems("kind: route\nid: r\nlistens: fhir\nspeaks: fhir-r4\nserves: s\n"),
            "a.yaml:21:10: listens: write a path that starts and ends with /, such as /fhir/\n"},
        Bad{with_systems("kind: route\nid: r\nlistens: /fhir/\nspeaks: fhir-r4\nserves: s\nforwards: https://u:p@ehr/\n"),
            "a.yaml:24:11: forwards: write an address such as https://ehr.example/fhir/, without user or password\n"},
        Bad{after_org("kind: plan\nid: p\nname: P\nis: backup\ndocument: ../../etc/passwd\n"),
            "a.yaml:15:11: document: write a path below the stack folder, such as agreements/scribe.pdf\n"},
        Bad{with_systems("kind: permit\nid: p\nto: s\nfor: [TREAT]\nreads: {Patient: []}\n"),
            "a.yaml:23:9: 'Patient' of 'reads' takes a list of names\n"},
        // references
        Bad{after_org("kind: system\nid: s\nowner: ox\n"), "a.yaml:13:8: owner: no organization has the id 'ox' (did you mean 'o'?)\n"},
        Bad{with_systems("kind: flow\nid: f\nfrom: s\nto: o\ndata: [clinical.note]\npurposes: [TREAT]\n"),
            "a.yaml:22:5: to: 'o' is an organization, not a system (a.yaml:7)\n"},
        Bad{with_systems("kind: flow\nid: f\nfrom: s\nto: t\ndata: [clinical.note]\npurposes: [TREAT]\nvia: front\n"),
            "a.yaml:25:6: via: no route has the id 'front'\n"},
        Bad{with_systems("kind: permit\nid: p\nto: indivdual\nfor: [PATRQT]\nview: full\n"),
            "a.yaml:21:5: to: no system, role or person has the id 'indivdual' (did you mean 'individual'?)\n"},
        Bad{with_systems("kind: risk\nid: r\nname: R\nabout: [s, nothing]\n"),
            "a.yaml:22:12: about: nothing declared has the id 'nothing'\n"},
        // cycles
        Bad{"kind: role\nid: a\nname: A\ninherits: [b]\n---\nkind: role\nid: b\nname: B\ninherits: [c, a]\n---\nkind: role\nid: c\nname: "
            "C\n",
            "a.yaml:15:1: inherits goes in a circle: a > b > a\n"},
        Bad{"kind: organization\nid: a\nname: A\npart-of: a\n", "a.yaml:10:10: part-of goes in a circle: a > a\n"},
        // dates
        Bad{after_org("kind: organization\nid: o2\nname: P\n---\nkind: agreement\nid: a\nis: baa\nup: o\ndown: o2\neffective: "
                      "2026-02-01\nexpires: 2026-01-01\n"),
            "a.yaml:21:10: expires 2026-01-01 is before effective 2026-02-01\n"},
        Bad{"kind: project\nid: p\nname: P\nfrom: 2026-02-01\nuntil: 2026-01-31\n",
            "a.yaml:11:8: until 2026-01-31 is before from 2026-02-01\n"},
        // what a kind asks beyond its fields
        Bad{with_systems("kind: flow\nid: f\nfrom: s\nto: s\ndata: [clinical.note]\npurposes: [TREAT]\n"),
            "a.yaml:22:5: flows from 's' to 's': name two systems\n"},
        Bad{with_systems("kind: flow\nid: f\nfrom: s\nto: t\ndata: [clinical.note]\npurposes: [TREAT]\nvia: r\n---\nkind: route\nid: "
                         "r\nlistens: /r/\nspeaks: http\n"
                         "serves: t\n"),
            "a.yaml:25:6: via: 'r' serves 't', but this flow comes from 's'\n"},
        Bad{after_org("kind: agreement\nid: a\nis: baa\nup: o\ndown: o\n"), "a.yaml:15:7: 'o' can't be both parties\n"},
        Bad{after_org("kind: organization\nid: o2\nname: P\n---\nkind: organization\nid: o3\nname: Q\n---\nkind: agreement\nid: a\nis: "
                      "baa\nup: o\ndown: o2\n"
                      "signatures: [{party: o3}]\n"),
            "a.yaml:24:22: 'o3' signed, but is no party: 'o' and 'o2' are\n"},
        Bad{after_org("kind: organization\nid: o2\nname: P\n---\nkind: agreement\nid: a\nis: baa\nup: o\ndown: o2\n"
                      "clauses: [{cite: '164.504(e)(2)(i)', is: present}, {cite: '164.504(e)(2)(i)', is: absent}]\n"),
            "a.yaml:20:59: clauses lists '164.504(e)(2)(i)' twice (first at a.yaml:20): keep one\n"},
        Bad{with_systems("kind: permit\nid: p\nto: s\nfor: [TREAT]\nview: full\nwhen: {mfa: true}\n"),
            "a.yaml:24:13: when.mfa speaks of the person in the request; a permit to the system 's' has none\n"},
        Bad{with_systems("kind: permit\nid: p\nto: s\nfor: [TREAT]\nview: full\nthrough: [t]\n"),
            "a.yaml:24:1: through is for people; 's' is a system\n"},
        Bad{"kind: role\nid: r\nname: R\n---\nkind: permit\nid: p\nto: r\nfor: [TREAT]\nview: full\n",
            "a.yaml:13:5: people act through a system: add through: [SYSTEM] to the permit for 'r'\n"},
        Bad{with_systems("kind: permit\nid: p\nto: individual\nthrough: [s]\nfor: [PATRQT]\nview: full\nwhose: all\n"),
            "a.yaml:25:8: individuals see their own record: write whose: compartment\n"},
        Bad{with_systems("kind: permit\nid: p\nto: s\nfor: [TREAT]\n"),
            "a.yaml:19:1: permits nothing: give it one of view, data, reads, searches, creates, updates or deletes\n"},
        Bad{with_systems("kind: route\nid: r\nlistens: /r/\nspeaks: http\n"),
            "a.yaml:19:1: a route needs serves (PHI comes out of that system) or reaches (PHI goes to it)\n"},
        Bad{with_systems("kind: route\nid: r\nlistens: /r/\nspeaks: http\nserves: s\nreaches: t\n"),
            "a.yaml:24:10: a route either serves a system or reaches one: keep one of the two keys\n"},
        Bad{with_systems("kind: route\nid: r\nlistens: /r/\nspeaks: http\nserves: s\nmode: observe\n"),
            "a.yaml:24:7: mode: observe needs observe-until, its last day\n"},
        Bad{with_systems("kind: route\nid: r\nlistens: /r/\nspeaks: http\nserves: s\n---\nkind: route\nid: r2\nlistens: /r/\nspeaks: "
                         "http\nserves: s\n"),
            "a.yaml:27:10: listens: /r/ is taken by the route 'r' (a.yaml:19)\n"},
        Bad{after_org("kind: system\nid: s\nowner: o\nproves: [{mtls-san: a.example}]\n---\nkind: system\nid: t\nowner: o\nproves: "
                      "[{mtls-san: a.example}]\n"),
            "a.yaml:19:10: 'a.example' proves the system 's' already (a.yaml:11): callers must be told apart\n"},
        Bad{after_org("kind: system\nid: s\nowner: o\nproves: [{issuer: 'https://i.example'}]\n"),
            "a.yaml:14:10: a proof is {mtls-san: NAME}, {uri: NAME} or {issuer: URL, client: ID}\n"},
        Bad{after_org("kind: person\nid: p\norganization: o\nlogins: [{user: x}]\n---\nkind: person\nid: q\norganization: o\nlogins: "
                      "[{user: x}]\n"),
            "a.yaml:19:10: this login is 'p''s already (a.yaml:11): each person needs their own (164.312(a)(2)(i))\n"},
        Bad{after_org("kind: person\nid: p\norganization: o\n---\nkind: decision\nid: d\nabout: [x]\nchoice: conduit\nreason: R\nby: p\n"),
            "a.yaml:18:9: choice: conduit needs until, the last day on which it stands\n"},
        // the stack document
        Bad{"kind: stack\nformat: 1\ntenant: x\ntimezone: UTC\n", "a.yaml:7:1: 'stack' is declared twice: first at a.yaml:1\n"},
        Bad{"kind: stack\nid: other\nformat: 1\ntenant: x\ntimezone: UTC\n",
            "a.yaml:1:1: a second document of kind stack: the first is at a.yaml:7\n"}));

TEST(Load, WholeFileProblems) {
  EXPECT_EQ(all(load({})), "stack: no document is of kind stack: declare one with format: 1, tenant and timezone\n");
  EXPECT_EQ(all(load_one("kind: organization\nid: a\nname: A\n")),
            "stack: no document is of kind stack: declare one with format: 1, tenant and timezone\n");
  EXPECT_EQ(all(load_one("kind: stack\nformat: 2\ntenant: x\ntimezone: UTC\n")),
            "a.yaml:2:9: format 2 is newer than this program reads (1): update licet\n");
  EXPECT_EQ(all(load_one("kind: stack\nformat: 0\ntenant: x\ntimezone: UTC\n")), "a.yaml:2:9: there is no format 0: write format: 1\n");
  EXPECT_EQ(all(load_one("kind: stack\nformat: 1\ntenant: x\ntimezone: Mars/Base\n")),
            "a.yaml:4:11: timezone: no such time zone: use an IANA name such as America/New_York\n");
  EXPECT_EQ(all(load_one("\xEF\xBB\xBFkind: stack\n")), "a.yaml:1:1: starts with a byte order mark: save it as UTF-8 without one\n");
  EXPECT_EQ(all(load_one("%YAML 1.1\n---\nkind: stack\nformat: 1\ntenant: x\ntimezone: UTC\n")),
            "a.yaml:1:1: a %directive is not part of this format: leave it out\n");
  Limits small;
  small.stack_bytes = 100;
  EXPECT_EQ(all(load_one(std::string(101, '#'), small)), "a.yaml:1:1: the declaration is larger than 100 bytes\n");
  small.stack_bytes = 160;  // ten nodes
  EXPECT_EQ(all(load_one("[a,a,a,a,a,a,a,a,a,a]", small)), "a.yaml:1:20: too many values for one declaration\n");
}

TEST(Load, ReportsAllProblemsInOrderOfPlace) {
  const std::vector<Source> sources = {{"b.yaml", "kind: organization\nid: b\nname: B\npart-of: x\ncovered: 1\n"},
                                       {"a.yaml", "kind: organization\nid: a\n"},
                                       {"s.yaml", std::string(kHead)}};
  EXPECT_EQ(all(load(sources)),
            "a.yaml:1:1: the organization 'a' needs the key 'name'\n"
            "b.yaml:4:10: part-of: no organization has the id 'x' (did you mean 'a'?)\n"
            "b.yaml:5:10: covered: write true or false\n");
}

TEST(Load, SaysNothingAboutWhatFollowsFromABrokenFile) {
  const std::vector<Source> sources = {{"a.yaml", "kind: organization\nid: o\nname: [\n"}, {"b.yaml", "kind: system\nid: s\nowner: o\n"}};
  EXPECT_EQ(load(sources).problems.size(), 1U);
}

TEST(Load, OrderOfSourcesDoesNotMatter) {
  std::vector<Source> sources = {
      {"a.yaml", std::string(kHead)}, {"b.yaml", "kind: organization\nid: o\nname: O\n"}, {"c.yaml", "kind: system\nid: s\nowner: o\n"}};
  const auto rows = [&] {
    std::string out;
    const Loaded loaded = load(sources);
    for (const Table& t : relations(*loaded.stack, {})) out += t.name + ":\n" + show(t);
    return out;
  };
  const std::string first = rows();
  std::reverse(sources.begin(), sources.end());
  EXPECT_EQ(rows(), first);
}

TEST(Load, AtMost200Problems) {
  std::string yaml(kHead);
  for (int i = 0; i < 300; ++i) yaml += "---\nkind: nothing-" + std::to_string(i) + "\nid: x\n";
  EXPECT_EQ(load_one(yaml).problems.size(), 200U);
}

TEST(Load, PhiCannotHideInMessages) {  // free text is never repeated
  for (const Problem& p :
       load_after_head("kind: organization\nid: a\nname: A\ncovered: Maria Sandoval\ncontact: [Maria Sandoval]\n").problems)
    EXPECT_EQ(p.message.find("Maria"), std::string::npos) << p.message;
}

TEST(Layers, HigherFieldsWin) {
  const std::vector<Source> sources = {
      {"s.yaml", std::string(kHead)},
      {"imported/o.yaml",
       "kind: organization\nid: o\nname: From import\ncountry: us\n---\nkind: system\nid: s\nowner: o\nregion: us-west\n", Layer::imported},
      {"o.yaml", "kind: organization\nid: o\nname: By hand\n"},
      {"decisions/s.yaml", "kind: system\nid: s\nregion: us-east\n", Layer::decisions}};
  const Loaded loaded = load(sources);
  ASSERT_TRUE(loaded.stack) << all(loaded);
  const Document* o = loaded.stack->find("o");
  EXPECT_EQ(o->text("name"), "By hand");
  EXPECT_EQ(o->text("country"), "us");
  EXPECT_EQ(o->layer, Layer::authored);
  EXPECT_EQ(loaded.stack->find("s")->text("region"), "us-east");
  EXPECT_EQ(loaded.stack->find("s")->text("owner"), "o");
  EXPECT_EQ(loaded.stack->where(loaded.stack->find("s")->place), "decisions/s.yaml:1");
}

TEST(Relations, FollowTheRule) {
  const Loaded loaded = load_after_head(kWorld);
  ASSERT_TRUE(loaded.stack) << all(loaded);
  const Relations r = relations(*loaded.stack, {});
  EXPECT_EQ(show(table(r, "stack")), "riverbend | America/New_York\n");
  EXPECT_EQ(show(table(r, "organization_functions")), "riverbend | provider | 11\n");
  EXPECT_EQ(show(table(r, "flow_purposes")), "notes-to-scribe | TREAT | 39\n");
  EXPECT_EQ(show(table(r, "agreement_covers_data")), "baa-scribe | clinical.* | 50\n");
  EXPECT_EQ(
      show(table(r, "permit_reads")),
      "scribe-reads | DocumentReference | id | 61\nscribe-reads | DocumentReference | type | 61\nscribe-reads | Encounter | id | 62\n");
  EXPECT_EQ(show(table(r, "permit_when_region")), "scribe-reads | us-east | 63\n");

  const Table& baa = table(r, "agreement");
  EXPECT_EQ(std::vector<std::string>(baa.columns.begin(), baa.columns.begin() + 7),
            (std::vector<std::string>{"id", "layer", "file", "line", "is", "up", "down"}));
  EXPECT_EQ(cell(baa, 0, "layer"), "authored");
  EXPECT_EQ(cell(baa, 0, "file"), "a.yaml");
  EXPECT_EQ(cell(baa, 0, "terms_breach_notice"), "5bd");
  EXPECT_EQ(cell(baa, 0, "terms_breach_notice_hours"), "168");
  EXPECT_EQ(cell(baa, 0, "terms_incident_notice_hours"), "2");
  EXPECT_EQ(cell(baa, 0, "terms_return_or_destroy"), "1");
  EXPECT_EQ(cell(baa, 0, "terms_audit"), "NULL");
  EXPECT_EQ(cell(baa, 0, "signed"), "NULL");
  const Table& clauses = table(r, "agreement_clauses");
  EXPECT_EQ(cell(clauses, 1, "owner"), "baa-scribe");
  EXPECT_EQ(cell(clauses, 1, "idx"), "1");
  EXPECT_EQ(cell(clauses, 1, "cite"), "164.504(e)(2)(ii)(J)");
  EXPECT_EQ(cell(clauses, 1, "is"), "absent");
  EXPECT_EQ(cell(clauses, 1, "quote_sha256"), "NULL");
  EXPECT_EQ(cell(table(r, "system_proves"), 1, "client"), "scribe");
}

TEST(Relations, EveryKindHasItsTablesAndEveryRowItsCells) {
  const Loaded none = load_one(kHead);
  const Loaded some = load_after_head(kWorld);
  const Relations empty = relations(*none.stack, {}), full = relations(*some.stack, {});
  ASSERT_EQ(empty.size(), full.size());
  std::set<std::string> names;
  for (std::size_t i = 0; i < full.size(); ++i) {
    EXPECT_EQ(empty[i].name, full[i].name);
    EXPECT_EQ(empty[i].columns, full[i].columns);
    EXPECT_TRUE(names.insert(full[i].name).second) << full[i].name;
    EXPECT_EQ(std::set<std::string>(full[i].columns.begin(), full[i].columns.end()).size(), full[i].columns.size()) << full[i].name;
    EXPECT_EQ(full[i].name.find('-'), std::string::npos);
    for (const auto& row : full[i].rows) EXPECT_EQ(row.size(), full[i].columns.size()) << full[i].name;
  }
  for (const std::string& kind : kinds()) EXPECT_TRUE(names.contains(kind)) << kind;
}

TEST(Relations, RevokedFactsAreLeftOut) {
  const Loaded loaded = load_one(kHead);
  const Micros night = parse_time("2026-03-02T03:00:00Z").ok() ? *parse_time("2026-03-02T03:00:00Z") : Micros();
  std::vector<Fact> facts(5);
  for (std::size_t i = 0; i < facts.size(); ++i)
    facts[i] = {.index = i, .kind = "training", .subject = "p" + std::to_string(i), .recorded = night};
  facts[0].until = *parse_date("2027-03-01");
  facts[2] = {.index = 2, .kind = "revoked", .object = "1", .recorded = night};  // stands
  facts[3] = {.index = 3, .kind = "revoked", .object = "0", .recorded = night};  // is revoked itself
  facts[4] = {.index = 4, .kind = "revoked", .object = "3", .recorded = night};
  EXPECT_EQ(show(table(relations(*loaded.stack, facts), "fact")),
            "0 | training | p0 | NULL | NULL | NULL | NULL | NULL | 2027-03-01 | 2026-03-01 | NULL\n"  // recorded on the eve, in New York
            "2 | revoked | NULL | 1 | NULL | NULL | NULL | NULL | NULL | 2026-03-01 | NULL\n"
            "4 | revoked | NULL | 3 | NULL | NULL | NULL | NULL | NULL | 2026-03-01 | NULL\n");
  facts[0].details = {{"is", "access"}, {"elements", "expiry,signature"}};
  facts[1].details = {{"is", "revoked"}};  // with its fact
  EXPECT_EQ(show(table(relations(*loaded.stack, facts), "fact_detail")),
            "0 | elements | expiry\n0 | elements | signature\n0 | is | access\n");
}

TEST(Words, Hours) {
  const auto span = [](std::string_view text) {
    const auto s = hours(text);
    return s ? std::pair(s->least, s->most) : std::pair(std::int64_t{-1}, std::int64_t{-1});
  };
  using P = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(span("24h"), P(24, 24));
  EXPECT_EQ(span("60m"), P(1, 1));
  EXPECT_EQ(span("61m"), P(1, 2));
  EXPECT_EQ(span("5d"), P(120, 120));
  EXPECT_EQ(span("1bd"), P(24, 72));  // Monday to Tuesday; Friday to Monday
  EXPECT_EQ(span("4bd"), P(96, 144));
  EXPECT_EQ(span("5bd"), P(168, 168));
  EXPECT_EQ(span("6bd"), P(192, 240));
  for (const char* bad : {"", "5", "d", "0d", "-5d", "5 d", "5w", "1.5h", "9999999d", "5dd"}) EXPECT_FALSE(hours(bad)) << bad;
}

TEST(Words, Nearest) {
  EXPECT_EQ(nearest("purposs", {"purposes", "patients"}), "purposes");
  EXPECT_EQ(nearest("form", {"from", "for"}), "from");  // a swap counts once, and the first of equals wins
  EXPECT_EQ(nearest("color", {"name", "lead"}), "");
  EXPECT_EQ(nearest(std::string(5000, 'a'), {"a"}), "");
}

TEST(JsonSchema, DescribesEveryKind) {
  const auto whole = json_schema("");
  ASSERT_TRUE(whole);
  const auto j = nlohmann::json::parse(*whole);
  EXPECT_EQ(j["$defs"].size(), kinds().size());
  EXPECT_EQ(j["required"], nlohmann::json::array({"kind"}));
  const auto& flow = j["$defs"]["flow"];
  EXPECT_EQ(flow["additionalProperties"], false);
  EXPECT_EQ(flow["required"], nlohmann::json::array({"kind", "id"}));
  EXPECT_EQ(flow["properties"]["kind"]["const"], "flow");
  EXPECT_EQ(flow["properties"]["data"]["anyOf"][1]["type"], "array");
  EXPECT_EQ(j["$defs"]["agreement"]["properties"]["clauses"]["items"]["required"], nlohmann::json::array({"cite", "is"}));
  for (const std::string& kind : kinds()) {
    const auto one = json_schema(kind);
    ASSERT_TRUE(one) << kind;
    EXPECT_EQ(nlohmann::json::parse(*one)["title"], kind);
  }
  const auto none = json_schema("flwo");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "no kind of document is called 'flwo' (did you mean 'flow'?)");
}

TEST(Schema, EachFieldIsExplainedOnce) {
  const std::function<void(std::span<const schema::Field>)> walk = [&](std::span<const schema::Field> fields) {
    std::set<std::string_view> names;
    for (const schema::Field& f : fields) {
      EXPECT_TRUE(names.insert(f.name).second) << f.name;
      EXPECT_FALSE(f.doc.empty()) << f.name;
      EXPECT_EQ(f.type == schema::Type::ref, !f.refs.empty()) << f.name;
      if (f.type == schema::Type::choice) EXPECT_FALSE(f.choices.empty()) << f.name;
      for (const std::string_view kind : split(f.refs)) EXPECT_TRUE(kind == "*" || schema::find(kind) != nullptr) << kind;
      walk(f.fields);
    }
  };
  for (const schema::Kind& k : schema::kinds()) walk(k.fields);
}

// docs/formats/stack.md carries the field table, printed. Where it has fallen behind, the test says what belongs there.
std::string described(const schema::Field& f) {
  using schema::Shape;
  using schema::Type;
  static constexpr std::string_view kTypes[] = {"text",     "true/false", "number", "date",   "duration", "word", "purpose", "data class",
                                                "path /…/", "address",    "file",   "sha256", "pack",     "",     ""};
  std::string type(kTypes[static_cast<std::size_t>(f.type)]);
  if (f.type == Type::choice) type = join(split(f.choices));
  if (f.type == Type::ref)
    type = "→ " + (f.refs == "*" ? std::string("anything") : join(split(f.refs))) +
           (f.choices.empty() ? "" : ", or " + join(split(f.choices)));
  switch (f.shape) {
    case Shape::one:
      return type;
    case Shape::many:
      return "list: " + type;
    case Shape::map:
      return "map";
    case Shape::maps:
      return "list of maps";
    case Shape::open:
      return "map: name → list of names";
  }
  return type;
}
void describe(std::span<const schema::Field> fields, const std::string& prefix, std::string& out) {
  for (const schema::Field& f : fields) {
    out +=
        "| `" + prefix + std::string(f.name) + "`" + (f.required ? " *" : "") + " | " + described(f) + " | " + std::string(f.doc) + " |\n";
    describe(f.fields, prefix + std::string(f.name) + (f.shape == schema::Shape::maps ? "[]." : "."), out);
  }
}

TEST(Docs, CarryTheFieldTable) {
  std::string expected;
  for (const schema::Kind& k : schema::kinds()) {
    expected += "### " + std::string(k.name) + "\n" + std::string(k.doc) + "\n\n| field | value | meaning |\n|---|---|---|\n";
    describe(k.fields, "", expected);
    expected += "\n";
  }
  std::ifstream in(std::filesystem::path(LICET_SOURCE_DIR) / "docs/formats/stack.md", std::ios::binary);
  const std::string doc{std::istreambuf_iterator<char>(in), {}};
  constexpr std::string_view kMark = "<!-- printed from src/stack/schema.cc -->\n";
  const std::size_t at = doc.find(kMark);
  ASSERT_NE(at, std::string::npos);
  if (doc.substr(at + kMark.size()) == expected) return;
  const auto file = std::filesystem::temp_directory_path() / "stack-fields.md";
  std::ofstream(file, std::ios::binary) << expected;
  FAIL() << "docs/formats/stack.md: what follows the mark must be " << file;
}

// Whatever bytes come, load() ends, places its problems inside the files, and gives a stack exactly where it found none.
TEST(Load, SurvivesDamage) {
  const std::string good = std::string(kHead) + "---\n" + std::string(kWorld);
  SeededRandom random(7);
  for (int round = 0; round < 400; ++round) {
    std::string bytes = good;
    for (std::uint64_t n = random.next() % 4 + 1; n > 0; --n) {
      const std::size_t at = random.next() % bytes.size();
      switch (random.next() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random.next());
          break;
        case 1:
          bytes.erase(at, random.next() % 40);
          break;
        case 2:
          bytes.insert(at, 1, "{}[]:-,&*!|>'\"%@`#? \n\t"[random.next() % 22]);
          break;
      }
    }
    const Loaded loaded = load_one(bytes);
    EXPECT_EQ(loaded.stack.has_value(), loaded.problems.empty());
    const auto lines = static_cast<std::uint32_t>(std::count(bytes.begin(), bytes.end(), '\n')) + 2;
    for (const Problem& p : loaded.problems) EXPECT_LE(p.line, lines) << p.text();
    if (loaded.stack) (void)relations(*loaded.stack, {});
  }
}

// The examples load as they stand, and so does what their comments say to uncomment.
std::vector<Source> folder(const std::string& name) {
  const std::filesystem::path root = std::filesystem::path(LICET_SOURCE_DIR) / "examples" / name;
  std::vector<Source> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".yaml") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    Source source{entry.path().lexically_relative(root), {std::istreambuf_iterator<char>(in), {}}};
    if (source.path.starts_with("decisions/")) source.layer = Layer::decisions;
    out.push_back(std::move(source));
  }
  return out;
}

TEST(Examples, Load) {
  for (const char* name : {"riverbend", "scribe"}) {
    const Loaded loaded = load(folder(name));
    ASSERT_TRUE(loaded.stack) << all(loaded);
    for (const Document* d : loaded.stack->all("agreement"))
      EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(LICET_SOURCE_DIR) / "examples" / name / d->text("document"))) << d->id;
  }
}

TEST(Examples, TheMissingContractIsThereToBeUncommented) {
  std::vector<Source> sources = folder("riverbend");
  EXPECT_EQ(load(sources).stack->find("baa-billing-mailhouse"), nullptr);
  for (Source& s : sources)
    for (std::size_t at; (at = s.bytes.find("\n#| ")) != std::string::npos;) s.bytes.erase(at + 1, 3);
  const Loaded mended = load(sources);
  ASSERT_TRUE(mended.stack) << all(mended);
  EXPECT_NE(mended.stack->find("baa-billing-mailhouse"), nullptr);
}

TEST(Load, TwoThousandSystems) {  // printed, not asserted: sanitizers and busy machines
  std::string yaml = std::string(kHead) + "---\nkind: organization\nid: o\nname: O\n";
  for (int i = 0; i < 2'000; ++i) {
    const std::string n = std::to_string(i);
    yaml += "---\nkind: system\nid: s" + n + "\nname: System number " + n +
            "\nowner: o\nregion: us-east\nkeeps: persistent\nproves: [{mtls-san: s" + n + ".example}]\n";
    if (i > 0)
      yaml += "---\nkind: flow\nid: f" + n + "\nfrom: s0\nto: s" + n +
              "\ndata: [clinical.note, billing.*]\npurposes: [TREAT, HPAYMT]\non-behalf-of: o\n";
  }
  const auto start = std::chrono::steady_clock::now();
  const Loaded loaded = load_one(yaml);
  ASSERT_TRUE(loaded.stack) << all(loaded);
  const auto middle = std::chrono::steady_clock::now();
  const Relations r = relations(*loaded.stack, {});
  const auto end = std::chrono::steady_clock::now();
  EXPECT_EQ(table(r, "flow_data").rows.size(), 2U * 1'999U);
  const auto ms = [](auto d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); };
  RecordProperty("load_ms", static_cast<int>(ms(middle - start)));
  std::printf("  %zu bytes: load %lld ms, relations %lld ms\n", yaml.size(), static_cast<long long>(ms(middle - start)),
              static_cast<long long>(ms(end - middle)));
}

}  // namespace
}  // namespace licet::stack
