#include "license/classes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "license/internal/patterns.h"
#include "rules/rules.h"

namespace licet::license {
namespace {

constexpr std::string_view kAct = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
constexpr std::string_view kLoinc = "http://loinc.org";
constexpr std::string_view kObservation = "http://terminology.hl7.org/CodeSystem/observation-category";
constexpr std::string_view kDocument = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category";

ClassMap r4() {
  std::ifstream file(std::string(LICET_SOURCE_DIR) + "/packs/classes/fhir-r4.yaml");
  const std::vector<stack::Source> sources{{"packs/classes/fhir-r4.yaml", std::string(std::istreambuf_iterator<char>(file), {})}};
  auto map = ClassMap::load(sources);
  if (!map) ADD_FAILURE() << map.error().message;
  return *std::move(map);
}

std::string fault(std::string bytes) {
  const std::vector<stack::Source> sources{{"c.yaml", std::move(bytes)}};
  auto map = ClassMap::load(sources);
  return map ? "" : map.error().message;
}

TEST(Patterns, SpecialAndUnclassifiedByNameOnlyButForbiddenByWildcard) {
  EXPECT_TRUE(allows("clinical.*", "clinical.note"));
  EXPECT_TRUE(allows("*", "demographics"));
  EXPECT_TRUE(allows("special.sud", "special.sud"));
  EXPECT_FALSE(allows("*", "special.sud"));
  EXPECT_FALSE(allows("special.*", "special.sud"));
  EXPECT_FALSE(allows("*", "unclassified"));
  EXPECT_FALSE(allows("clinical.*", "clinical"));
  EXPECT_FALSE(allows("clinical.*", "clinicalx.note"));
  EXPECT_FALSE(allows("clinical.note", "clinical.notes"));
  EXPECT_FALSE(allows("", "clinical.note"));
  EXPECT_TRUE(forbids("*", "special.sud"));
  EXPECT_TRUE(forbids("special.*", "special.sud"));
  EXPECT_TRUE(forbids("", "unclassified"));
  EXPECT_FALSE(forbids("clinical.*", "special.sud"));
}

TEST(Patterns, AllowsIsWhatRulesCall_covers) {
  const ClassMap map = r4();
  std::vector<std::string> patterns{"*", "clinical.*", "special.*", "billing.*", "clinical", "directory.*", "unclassified.*", ""};
  for (std::uint32_t c = 0; c < map.size(); ++c) patterns.emplace_back(map.name(ClassId{c}));
  for (const std::string& p : patterns)
    for (std::uint32_t c = 0; c < map.size(); ++c)
      EXPECT_EQ(allows(p, map.name(ClassId{c})), rules::covers(p, map.name(ClassId{c}))) << p << ' ' << map.name(ClassId{c});
}

TEST(Classes, TypesCategoriesCodesLabels) {
  const ClassMap map = r4();
  const Coding lab{kObservation, "laboratory"}, vital{kObservation, "vital-signs"}, social{kObservation, "social-history"};
  const Coding a1c{kLoinc, "4548-4"}, progress{kLoinc, "11506-3"}, note{kDocument, "clinical-note"};
  const Coding psychotherapy{"https://riverbend.example/codes/note-type", "psychotherapy-note"};
  const Coding sud{kAct, "SUD"}, part2{kAct, "42CFRPart2"}, psy{kAct, "PSYTHPN"}, hiv{kAct, "HIV"}, gdis{kAct, "GDIS"}, bare{"", "ETHUD"};
  const Coding oid{"urn:oid:2.16.840.1.113883.5.4", "SUD"}, elsewhere{"https://other.example", "SUD"}, vip{kAct, "CEL"};
  using C = std::vector<Coding>;
  struct Case {
    std::string_view type;
    C categories, codes, labels;
    std::string_view expect;
  };
  const Case cases[] = {
      {"Observation", {lab}, {a1c}, {}, "clinical.lab"},
      {"Observation", {vital}, {}, {}, "clinical.vital"},
      {"Observation", {social}, {}, {}, "clinical.social"},
      {"Observation", {}, {a1c}, {}, "clinical.observation"},
      {"Observation", {lab, vital}, {}, {}, "clinical.lab"},
      {"DocumentReference", {note}, {progress}, {}, "clinical.note"},
      {"DocumentReference", {}, {progress}, {}, "clinical.note"},
      {"DocumentReference", {}, {}, {}, "clinical.document"},
      {"DocumentReference", {note}, {psychotherapy}, {}, "special.psychotherapy"},
      {"DocumentReference", {note}, {progress}, {psy}, "special.psychotherapy"},
      {"Encounter", {}, {}, {part2}, "special.sud"},
      {"Condition", {}, {}, {bare}, "special.sud"},
      {"Condition", {}, {}, {oid}, "special.sud"},
      {"Condition", {}, {}, {elsewhere}, "clinical.condition"},
      {"Observation", {lab}, {a1c}, {hiv}, "special.hiv"},
      {"Observation", {lab}, {}, {hiv, sud}, "special.sud"},
      {"Observation", {lab}, {}, {sud, psy}, "special.psychotherapy"},
      {"Observation", {lab}, {}, {gdis}, "special.genetic"},
      {"MolecularSequence", {}, {}, {}, "special.genetic"},
      {"MolecularSequence", {}, {}, {sud}, "special.sud"},
      {"Patient", {}, {}, {vip}, "demographics"},
      {"Claim", {}, {}, {}, "billing.claim"},
      {"Coverage", {}, {}, {}, "billing.coverage"},
      {"ExplanationOfBenefit", {}, {}, {}, "billing.eob"},
      {"Binary", {}, {}, {}, "unclassified"},
      {"Bundle", {}, {}, {}, "unclassified"},
      {"Invented", {}, {}, {}, "unclassified"},
      {"Invented", {lab}, {progress}, {}, "unclassified"},
      {"Invented", {}, {}, {sud}, "special.sud"},
      {"", {}, {}, {}, "unclassified"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(map.name(map.classify({c.type, c.categories, c.codes, c.labels})), c.expect) << c.type << " expecting " << c.expect;
}

TEST(Classes, ATypeCanBeWhatItsRulesAndAnyLabelSay) {
  const ClassMap map = r4();
  const auto has = [&](std::string_view type, std::string_view cls) {
    const auto all = map.of_type(type);
    return std::find(all.begin(), all.end(), map.find(cls)) != all.end();
  };
  EXPECT_TRUE(has("Observation", "clinical.lab"));
  EXPECT_TRUE(has("Observation", "special.sud"));
  EXPECT_FALSE(has("Observation", "clinical.note"));
  EXPECT_FALSE(has("Observation", "unclassified"));
  EXPECT_TRUE(has("Invented", "unclassified"));
  EXPECT_TRUE(has("Invented", "special.hiv"));
  EXPECT_TRUE(map.type("Observation").known());
  EXPECT_FALSE(map.type("Invented").known());
}

// Whatever classify() can say of a type stands in of_type(): else a request for the type would be refused although its resources pass.
TEST(Classes, ClassifyStaysWithinOfType) {
  const ClassMap map = r4();
  const Coding codings[] = {{kObservation, "laboratory"}, {kLoinc, "11506-3"}, {kLoinc, "59284-0"}, {kAct, "SUD"}, {kAct, "HIV"}, {"", "PSYTHPN"}};
  for (const std::string_view type : {"Observation", "DocumentReference", "Patient", "Invented", "Binary", "DiagnosticReport"})
    for (const Coding& a : codings)
      for (const Coding& b : codings) {
        const Coding one[] = {a}, two[] = {b};
        const ClassId got = map.classify({type, one, two, {}});
        const auto all = map.of_type(type);
        EXPECT_NE(std::find(all.begin(), all.end(), got), all.end()) << type << ' ' << map.name(got);
        const ClassId labelled = map.classify({type, {}, one, two});
        EXPECT_NE(std::find(all.begin(), all.end(), labelled), all.end()) << type << ' ' << map.name(labelled);
      }
}

TEST(Classes, InternAddsAndNamesStayGood) {
  ClassMap map = r4();
  const std::string_view before = map.name(map.find("clinical.note"));
  const std::size_t size = map.size();
  const ClassId added = map.intern("imaging.dose");
  EXPECT_EQ(map.intern("imaging.dose"), added);
  EXPECT_EQ(map.size(), size + 1);
  EXPECT_EQ(before, "clinical.note");
  EXPECT_EQ(map.find("nothing").known(), false);
}

TEST(Classes, FaultsNameTheLine) {
  EXPECT_EQ(fault("format: 2\n"), "c.yaml:1: format: 1 is what this program reads");
  EXPECT_EQ(fault("format: 1\nclases: []\n"), "c.yaml:2: unknown key 'clases'");
  EXPECT_EQ(fault("format: 1\nclasses: [a]\ntypes:\n  b: [Patient]\n"), "c.yaml:4: 'b' is not in `classes`");
  EXPECT_EQ(fault("format: 1\nclasses: [a, b]\ntypes:\n  a: [Patient]\n  b: [Patient]\n"), "c.yaml: type Patient has two classes");
  EXPECT_EQ(fault("format: 1\nclasses: [a]\nlabels:\n  a: [SUD]\n"), "c.yaml:4: a coding is written system|code");
  EXPECT_EQ(fault("format: 1\nclasses: [a]\nlabels:\n  a: [act|SUD]\n"), "c.yaml:4: 'act' is no system of this file and no URI");
  EXPECT_EQ(fault("format: 1\nclasses: [a]\nof:\n  Patient: {codes: {}}\n"), "c.yaml:4: type Patient is not in `types`");
  EXPECT_EQ(fault("format: 1\nclasses: [a]\ncodes:\n  a: [\"http://x|1\", \"http://x|1\"]\n"), "c.yaml:4: http://x|1 stands twice");
  EXPECT_NE(fault("format: [1\n"), "");
}

}  // namespace
}  // namespace licet::license
