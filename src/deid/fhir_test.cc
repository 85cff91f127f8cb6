#include "deid/fhir.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "deid/dates.h"

namespace licet::deid {
namespace {

Library shipped() {
  std::vector<stack::Source> sources;
  for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path(LICET_SOURCE_DIR) / "packs" / "deid")) {
    std::ifstream in(file.path(), std::ios::binary);
    sources.push_back({file.path().filename().string(), std::string(std::istreambuf_iterator<char>(in), {}), {}});
  }
  auto library = load_library(sources);
  EXPECT_TRUE(library.ok()) << library.error().message;
  return library.ok() ? *std::move(library) : Library();
}
const Library& library() {
  static const Library l = shipped();
  return l;
}

constexpr Date kToday = std::chrono::year(2026) / 6 / 15;

// The transformed resource; "!" and why where it doesn't leave.
std::string made(std::string_view profile, std::string_view json, FhirContext* with = nullptr) {
  SeededRandom random(7);
  Codes codes(random);
  FhirContext own{.as_of = kToday, .codes = codes};
  codec::ResourceScanner scanner{Limits{}};
  auto scan = scanner.scan(json);
  EXPECT_TRUE(scan.ok()) << scan.error().message;
  const FhirTransform transform(library(), *library().find(profile));
  std::string out;
  const Applied applied = transform.apply(**scan, with != nullptr ? *with : own, out);
  if (applied != Applied::kept) {
    EXPECT_EQ(out, "");
    return "!" + std::string(name(applied));
  }
  codec::ResourceScanner again{Limits{}};
  EXPECT_TRUE(again.scan(out).ok()) << out;
  return out;
}

constexpr std::string_view kPatient =
    R"({"resourceType":"Patient","id":"p-1","extension":[{"url":"http://x/mothersMaidenName","valueString":"Plantedworth"}],)"
    R"("identifier":[{"system":"http://hospital/mrn","value":"MRN-9911"}],"name":[{"family":"Sandoval","given":["Maria"]}],)"
    R"("telecom":[{"system":"phone","value":"740-555-0123"}],"gender":"female","birthDate":"1979-03-14","_birthDate":{"extension":[{"url":"t","valueDateTime":"1979-03-14T05:00:00Z"}]},)"
    R"("address":[{"line":["12 Alder Lane"],"city":"Riverbend","district":"Ross","state":"OH","postalCode":"45990","text":"12 Alder Lane"}],)"
    R"("contact":[{"name":{"text":"Ana"}}],"photo":[{"data":"aGk="}],"text":{"status":"generated","div":"<div>Maria</div>"},)"
    R"("generalPractitioner":[{"reference":"Practitioner/dr","display":"Dr Lee"}]})";

TEST(FhirTransform, APatientUnderSafeHarbor) {
  EXPECT_EQ(
      made("safe-harbor", kPatient),
      R"({"resourceType":"Patient","id":"6304e695-733f-4753-a269-1af5ebdfdd8c","gender":"female","birthDate":"1979",)"
      R"("address":[{"state":"OH","postalCode":"459"}],"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"ANONYED"}]}})");
}

TEST(FhirTransform, APatientInALimitedDataSet) {
  const std::string out = made("limited-data-set", kPatient);
  EXPECT_NE(out.find(R"("birthDate":"1979-03-14")"), std::string::npos) << out;
  EXPECT_NE(out.find(R"("city":"Riverbend","state":"OH","postalCode":"45990")"), std::string::npos) << out;
  for (const char* gone : {"p-1", "Sandoval", "Maria", "MRN", "555", "Alder", "Ross", "Plantedworth", "Ana", "aGk", "Lee", "div"})
    EXPECT_EQ(out.find(gone), std::string::npos) << gone << " in " << out;
}

TEST(FhirTransform, GreatAgesAreNotTold) {
  EXPECT_EQ(made("safe-harbor", R"({"resourceType":"Patient","id":"p","birthDate":"1931-05-02"})").find("1931"), std::string::npos);
  EXPECT_NE(made("safe-harbor", R"({"resourceType":"Condition","id":"c","onsetAge":{"value":93,"unit":"years","code":"a"}})")
                .find(R"("onsetAge":{"value":90,"comparator":">=")"),
            std::string::npos);
  EXPECT_NE(made("safe-harbor", R"({"resourceType":"Condition","id":"c","onsetAge":{"value":41,"unit":"a","code":"a"}})").find("41"),
            std::string::npos);
}

TEST(FhirTransform, IdsAndReferencesStayTied) {
  SeededRandom random(7);
  Codes codes(random);
  FhirContext context{.as_of = kToday, .codes = codes};
  const std::string patient = made("limited-data-set", R"({"resourceType":"Patient","id":"p-1"})", &context);
  const std::string lab =
      made("limited-data-set",
           R"({"resourceType":"Observation","id":"o","status":"final","subject":{"reference":"Patient/p-1","display":"Maria"},)"
           R"("focus":[{"reference":"Patient/p-2"}],"derivedFrom":[{"reference":"https://other/Patient/p-1"}],)"
           R"("hasMember":[{"reference":"urn:uuid:p-1"},{"reference":"#contained"}]})",
           &context);
  const std::string code(codes.of("p-1"));
  EXPECT_NE(patient.find("\"id\":\"" + code), std::string::npos);
  EXPECT_NE(lab.find("\"subject\":{\"reference\":\"Patient/" + code + "\"}"), std::string::npos) << lab;
  EXPECT_NE(lab.find("\"hasMember\":[{\"reference\":\"urn:uuid:" + code + "\"}]"), std::string::npos) << lab;
  for (const char* gone : {"p-1", "p-2", "Maria", "other", "contained", "focus"})
    EXPECT_EQ(lab.find(gone), std::string::npos) << gone << lab;
}

TEST(FhirTransform, WhatLooksWrongIsDropped) {
  const std::string out = made(
      "limited-data-set", R"({"resourceType":"Observation","id":"o","status":"Maria Sandoval","issued":"1979-03-14 for Maria",)"
                          R"("code":{"coding":[{"system":"http://loinc.org","code":"4548-4","display":"Hemoglobin A1c"},)"
                          R"({"system":"http://clinic/local","code":"x","display":"Maria's test"}],"text":"for Maria"},)"
                          R"("valueQuantity":{"value":"Maria","unit":"of Maria"},"valueString":"call Maria","note":[{"text":"Maria"}]})");
  EXPECT_EQ(out.find("Maria"), std::string::npos) << out;
  EXPECT_NE(out.find("Hemoglobin A1c"), std::string::npos) << out;
  EXPECT_EQ(out.find("valueQuantity"), std::string::npos) << out;
}

TEST(FhirTransform, WhatCantBeToldInFullDoesNotLeave) {
  EXPECT_EQ(made("safe-harbor", R"({"resourceType":"Basic","id":"b"})"), "!a type that no rule knows");
  EXPECT_EQ(made("safe-harbor", R"({"resourceType":"Observation","id":"o","modifierExtension":[{"url":"x"}]})"),
            "!an extension that changes its meaning");
  EXPECT_EQ(
      made("safe-harbor", R"({"resourceType":"Observation","id":"o","component":[{"modifierExtension":[{"url":"x"}],"valueInteger":1}]})"),
      "!an extension that changes its meaning");
  EXPECT_EQ(made("safe-harbor", R"({"resourceType":"Observation","id":"o","implicitRules":"http://x"})"),
            "!an extension that changes its meaning");
}

TEST(FhirTransform, ShiftedDatesKeepTheirIntervals) {
  SeededRandom random(7);
  Codes codes(random);
  const std::string key = "0123456789abcdef0123456789abcdef";
  FhirContext context{.as_of = kToday, .codes = codes, .shift_key = as_bytes(key)};
  const int days = shift_of(as_bytes(key), "p-1");
  ASSERT_NE(days, 0);
  const std::string out = made("pseudonymized",
                               R"({"resourceType":"Encounter","id":"e","status":"finished","subject":{"reference":"Patient/p-1"},)"
                               R"("period":{"start":"2026-02-27T09:30:00Z","end":"2026-03-02"}})",
                               &context);
  EXPECT_NE(out.find(shift("2026-02-27T09:30:00Z", days)), std::string::npos) << out;
  EXPECT_NE(out.find(shift("2026-03-02", days)), std::string::npos) << out;
  context.shift_key = {};
  EXPECT_EQ(made("pseudonymized", R"({"resourceType":"Patient","id":"p-1","birthDate":"1979-03-14"})", &context).find("birthDate"),
            std::string::npos);
}

TEST(FhirTransform, SearchesSeeWhatIsShown) {
  const FhirTransform limited(library(), *library().find("limited-data-set")), harbor(library(), *library().find("safe-harbor"));
  EXPECT_TRUE(limited.shows("Patient", "birthDate"));
  EXPECT_FALSE(harbor.shows("Patient", "birthDate"));
  EXPECT_TRUE(harbor.shows("Observation", "code"));
  EXPECT_TRUE(limited.shows("Encounter", "period"));
  EXPECT_TRUE(limited.shows("Observation", "effective"));
  EXPECT_FALSE(harbor.shows("Observation", "effective"));
  EXPECT_FALSE(limited.shows("Observation", "value")) << "valueString is text";
  for (const char* hidden : {"name", "name.family", "telecom", "identifier", "address.line", "id", "unknown", ""})
    EXPECT_FALSE(limited.shows("Patient", hidden)) << hidden;
  EXPECT_FALSE(limited.shows("Observation", "subject"));
  EXPECT_FALSE(limited.shows("Basic", "code"));
}

// ---- dates, ZIP codes, codes
// -------------------------------------------------------------------------------------------------------------

TEST(Dates, OnlyTheYearAndNoneThatTellsOfGreatAge) {
  for (const auto& [date, year] : {std::pair("1979-03-14", "1979"),
                                   {"1979-03", "1979"},
                                   {"1979", "1979"},
                                   {"2026-03-01T10:00:00+02:00", "2026"},
                                   {"1936-06-15", ""},
                                   {"1937-01-01", "1937"},
                                   {"1979-13-01", ""},
                                   {"1979-02-30", ""},
                                   {"", ""},
                                   {"79", ""},
                                   {"1979-03-14 Maria", ""},
                                   {"1979-03-14T25:00:00Z", ""},
                                   {"1979-03-14T10:00:00", ""}})
    EXPECT_EQ(generalize_year(date, kToday), year) << date;
}

TEST(Dates, Shift) {
  EXPECT_EQ(shift("2026-02-27T09:30:00Z", 3), "2026-03-02T09:30:00Z");
  EXPECT_EQ(shift("2026-02", -20), "2026-01");
  EXPECT_EQ(shift("2026", 200), "2027");
  EXPECT_EQ(shift("not a date", 3), "");
  std::set<int> seen;
  for (int i = 0; i < 5000; ++i) {
    const int days = shift_of(as_bytes("key"), std::to_string(i));
    ASSERT_TRUE(days != 0 && days >= -365 && days <= 365);
    seen.insert(days);
  }
  EXPECT_GT(seen.size(), 700U);
  EXPECT_NE(shift_of(as_bytes("key"), "a"), shift_of(as_bytes("other"), "a"));
}

TEST(Zips, TheUnionOfTheLists) {
  for (const auto& [zip, area] : {std::pair("45990", "459"),
                                  {"45990-1234", "459"},
                                  {"459901234", "459"},
                                  {"03601", "000"},
                                  {"06390", "000"},
                                  {"20501", "000"},
                                  {"36900", "000"},
                                  {"4599", ""},
                                  {"SW1A 1AA", ""},
                                  {"45990-12", ""}})
    EXPECT_EQ(library().zips.generalize(zip), area) << zip;
}

TEST(Codes, SayNothingAndStay) {
  SeededRandom random(1);
  Codes codes(random), others(random);
  const std::string a(codes.of("p-1"));
  EXPECT_EQ(codes.of("p-1"), a);
  EXPECT_NE(codes.of("p-2"), a);
  EXPECT_NE(others.of("p-1"), a);
  EXPECT_EQ(a.size(), 36U);
  EXPECT_EQ(a[14], '4');
  EXPECT_TRUE(codes.remember("p-1", a).ok());
  EXPECT_EQ(codes.remember("p-1", "else").error().code, Code::already_exists);
}

// ---- profiles
// ----------------------------------------------------------------------------------------------------------------------------

std::string profile(std::string_view form, std::string_view kind, std::string_view act) {
  std::string text = "kind: deid-profile\nid: x\nversion: \"1\"\nlabel: L\nform: " + std::string(form) + "\nrules:\n";
  for (std::size_t k = 0; k < kKinds; ++k) {
    const std::string_view n = name(static_cast<Kind>(k));
    text.append("  ").append(n).append(": {do: ").append(n == kind ? act : "drop").append(", cites: c}\n");
  }
  return text;
}

TEST(Profiles, AreHeldToTheirLabel) {
  const std::vector<stack::Source> rest = {{"e.yaml", "kind: fhir-elements\nid: e\ntypes: {Patient: {id: id}}\n", {}},
                                           {"z.yaml", "kind: zip3\nlists: [{census: a, source: b, areas: [\"036\"]}]\n", {}}};
  const auto loads = [&](std::string_view form, std::string_view kind, std::string_view act) {
    std::vector<stack::Source> sources = rest;
    sources.push_back({"p.yaml", profile(form, kind, act), {}});
    auto made = load_library(sources);
    return made.ok() ? std::string() : made.error().message;
  };
  EXPECT_EQ(loads("deidentified", "date", "year"), "");
  EXPECT_EQ(loads("limited", "date", "keep"), "");
  EXPECT_EQ(loads("limited", "zip", "keep"), "");
  EXPECT_EQ(loads("pseudonymized", "name", "keep"), "");
  for (const auto& [form, kind, act] : {std::tuple("deidentified", "date", "keep"),
                                        {"deidentified", "date", "shift"},
                                        {"deidentified", "zip", "keep"},
                                        {"deidentified", "age", "keep"},
                                        {"deidentified", "trait", "keep"},
                                        {"limited", "name", "keep"},
                                        {"limited", "url", "keep"},
                                        {"limited", "text", "keep"},
                                        {"limited", "mrn", "keep"}})
    EXPECT_NE(loads(form, kind, act).find(" can't "), std::string::npos) << form << kind << act;
  EXPECT_NE(loads("limited", "zip", "year").find("can be done"), std::string::npos);
  EXPECT_NE(loads("nonsense", "zip", "drop").find("form is"), std::string::npos);
  for (const Profile& p : library().profiles)
    for (const Rule& r : p.rules) EXPECT_TRUE(r.cites.starts_with("164.")) << p.id;
}

}  // namespace
}  // namespace licet::deid
