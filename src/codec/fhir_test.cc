#include "codec/fhir.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "codec/internal/r4.h"

namespace licet::codec {
namespace {

using Json = nlohmann::ordered_json;

const std::filesystem::path kData = std::filesystem::path(LICET_SOURCE_DIR) / "../shared/data/fhir";

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

// Every resource of the corpus: HL7's R4 examples, and a part of Synthea's.
const std::vector<std::string>& corpus() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> found;
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(kData / "r4-examples", ec))
      if (entry.path().extension() == ".json") found.push_back(slurp(entry.path()));
    for (const auto& entry : std::filesystem::directory_iterator(kData / "synthea-10", ec)) {
      if (entry.path().extension() != ".ndjson") continue;
      std::ifstream file(entry.path());
      std::string line;
      for (int k = 0; k < 12 && std::getline(file, line); ++k) found.push_back(line);
    }
    return found;
  }();
  return all;
}

struct View {
  std::vector<std::pair<std::string, std::vector<std::string>>> types;
  ElementFilter compile() const {
    std::vector<TypeElements> rows;
    for (const auto& [type, elements] : types) rows.push_back({type, elements});
    auto filter = ElementFilter::compile(rows);
    EXPECT_TRUE(filter.ok()) << (filter.ok() ? "" : filter.error().message);
    return *std::move(filter);
  }
};

// ---- The oracle: the rules of fhir.h on a DOM, written apart from the filter
// -------------------------------------------------------------

std::vector<std::string> words(std::string_view list, char separator = ' ') {
  std::vector<std::string> out;
  internal::each_word(
      list, [&](std::string_view w) { out.emplace_back(w); }, separator);
  return out;
}

struct Oracle {
  const internal::R4Type* type;
  std::set<std::string> named;  // dotted JSON paths, choices spelled out

  Oracle(const std::string& type_name, const std::vector<std::string>& elements) : type(internal::find_type(type_name)) {
    for (const std::string& element : elements) expand({}, {}, words(element, '.'), 0);
  }
  void expand(const std::string& path, const std::string& fhir_path, const std::vector<std::string>& parts, std::size_t k) {
    if (k == parts.size()) {
      named.insert(path);
      return;
    }
    std::string part = parts[k];
    if (part.ends_with("[x]")) part.resize(part.size() - 3);
    const std::string here = fhir_path.empty() ? part : fhir_path + "." + part;
    std::vector<std::string> spelled;
    for (const std::string& choice : words(type->choices)) {
      const auto pair = words(choice, ':');
      if (pair[0] == here && pair[1] != "*")
        for (const std::string& kind : words(pair[1], ',')) spelled.push_back(part + kind);
    }
    if (spelled.empty()) spelled.push_back(part);
    for (const std::string& s : spelled) expand(path.empty() ? s : path + "." + s, here, parts, k + 1);
  }
  bool below(const std::string& path) const {
    const auto at = named.lower_bound(path + ".");
    return at != named.end() && at->starts_with(path + ".");
  }

  static bool coding(const Json& object) {
    const auto text = [&](const char* key) { return object.contains(key) && object[key].is_string(); };
    return !text("reference") && (text("code") || text("system"));
  }
  static bool along(const Json& object, const std::string& key) {
    static const std::set<std::string> kChannels = {"extension", "contained", "id", "identifier", "fhir_comments"};
    return !kChannels.contains(key) && (key != "display" || coding(object));
  }

  // What is left of a value at `path`; null discarded = nothing.
  std::optional<Json> part(const Json& value, const std::string& path, bool whole, bool places = false) const {
    if (value.is_object()) {
      Json out = Json::object();
      for (const auto& [key, inner] : value.items()) {
        const std::string here = path + "." + key;
        std::optional<Json> left;
        if (key.starts_with("_")) {
          const std::string primitive = path + "." + key.substr(1);
          if (named.contains(primitive + ".extension")) left = part(inner, primitive, false, true);
        } else if (key == "modifierExtension") {
          left = inner;
        } else if (named.contains(here)) {
          left = key == "extension" ? std::optional(inner) : part(inner, here, true);
        } else if (below(here)) {
          left = part(inner, here, whole && along(value, key));
        } else if (!whole && (key == "use" || key == "comparator")) {
          if (inner.is_string()) left = inner;
        } else if (!whole && nested_modifier(here)) {
          left = part(inner, here, true);
        } else if (whole && along(value, key)) {
          left = part(inner, here, true);
        }
        if (left) out[key] = *left;
      }
      if (out.empty()) return std::nullopt;
      return out;
    }
    if (value.is_array()) {
      Json out = Json::array();
      bool any = false;
      for (const Json& element : value) {
        if (std::optional<Json> left = part(element, path, whole)) {
          out.push_back(*left);
          any = true;
        } else if (places) {
          out.push_back(nullptr);
        }
      }
      if (!any) return std::nullopt;
      return out;
    }
    if (!whole) return std::nullopt;
    return value;
  }
  bool nested_modifier(const std::string& path) const {
    const auto nested = words(type->nested);
    return std::find(nested.begin(), nested.end(), path) != nested.end();
  }

  std::optional<Json> apply(const Json& resource) const {
    for (const std::string& withheld : words(type->withheld))
      if ((resource.contains(withheld) || resource.contains("_" + withheld)) && !named.contains(withheld) && !below(withheld))
        return std::nullopt;
    Json out = Json::object();
    out["resourceType"] = resource["resourceType"];
    if (resource.contains("id")) out["id"] = resource["id"];
    Json meta = Json::object();
    if (resource.contains("meta")) {
      for (const auto& [key, value] : resource["meta"].items()) {
        if (key == "versionId" || key == "lastUpdated") meta[key] = value;
        if (key == "security")
          if (auto left = part(value, "meta.security", true)) meta[key] = *left;
      }
    }
    meta["tag"] = Json::array({{{"system", "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"}, {"code", "SUBSETTED"}}});
    out["meta"] = meta;
    const auto modifiers = words(type->modifiers);
    for (const auto& [key, value] : resource.items()) {
      if (key == "resourceType" || key == "id" || key == "meta") continue;
      std::optional<Json> left;
      if (key.starts_with("_")) {
        if (named.contains(key.substr(1) + ".extension")) left = part(value, key.substr(1), false, true);
      } else if (key == "modifierExtension" || (named.contains(key) && (key == "extension" || key == "text" || key == "contained"))) {
        left = value;
      } else if (key == "implicitRules" || named.contains(key) || std::find(modifiers.begin(), modifiers.end(), key) != modifiers.end()) {
        left = part(value, key, true);
      } else if (below(key)) {
        left = part(value, key, false);
      }
      if (left) out[key] = *left;
    }
    return out;
  }
};

// ---- Scanning
// ----------------------------------------------------------------------------------------------------------------------------

TEST(Scan, ReadsWhatDecidesAboutAResource) {
  ResourceScanner scanner(Limits{}, {"https://ehr.example/fhir/"});
  const std::string json = R"({"resourceType":"Observation","id":"o1",
    "meta":{"versionId":"3","lastUpdated":"2026-01-01T00:00:00Z","security":[{"system":"http://x","code":"R"}]},
    "category":[{"coding":[{"system":"cat","code":"laboratory"},{"code":"vital-signs"}]}],
    "code":{"coding":[{"system":"http://loinc.org","code":"718-7"}],"text":"t"},
    "subject":{"reference":"Patient\/p1/_history/2","display":"A"},
    "performer":[{"reference":"Practitioner/d1"},{"reference":"https://ehr.example/fhir/Patient/p2"},{"reference":"#x"}],
    "focus":[{"reference":"Patient/p3"}],"valueQuantity":{"value":1.50}})";
  auto scan = scanner.scan(json);
  ASSERT_TRUE(scan.ok()) << scan.error().message;
  const ResourceScan& s = **scan;
  EXPECT_EQ(s.type, "Observation");
  EXPECT_EQ(s.id, "o1");
  EXPECT_EQ(s.version, "3");
  EXPECT_EQ(s.last_updated, "2026-01-01T00:00:00Z");
  ASSERT_EQ(s.labels.size(), 1u);
  EXPECT_EQ(s.labels[0].code, "R");
  ASSERT_EQ(s.categories.size(), 2u);
  EXPECT_EQ(s.categories[1].code, "vital-signs");
  ASSERT_EQ(s.codes.size(), 1u);
  EXPECT_EQ(s.codes[0].system, "http://loinc.org");
  EXPECT_EQ(s.patients, (std::vector<std::string_view>{"p1", "p2"}));
  EXPECT_EQ(s.mentions, (std::vector<std::string_view>{"p3"}));
  EXPECT_EQ(s.actors, (std::vector<std::string_view>{"Practitioner/d1"}));
  EXPECT_TRUE(s.in_compartment);
  EXPECT_FALSE(s.unresolved);
  EXPECT_EQ(s.members.back().value, R"({"value":1.50})");
}

TEST(Scan, KnowsWhenThePatientIsUnknown) {
  const struct {
    const char* json;
    bool unresolved;
    std::size_t patients;
  } kCases[] = {
      {R"({"resourceType":"Observation","subject":{"reference":"#pat"},"contained":[{"resourceType":"Patient","id":"pat"}]})", true, 0},
      {R"({"resourceType":"Observation","subject":{"identifier":{"value":"MRN"}}})", true, 0},
      {R"({"resourceType":"Observation","subject":{"display":"Ann"}})", true, 0},
      {R"({"resourceType":"Observation","subject":{"reference":"urn:uuid:1"}})", true, 0},
      {R"({"resourceType":"Observation","subject":{"reference":"https://elsewhere.example/Patient/1"}})", true, 0},
      {R"({"resourceType":"Observation","subject":{"reference":"https://ehr.example/fhirPatient/1"}})", true, 0},
      {R"({"resourceType":"Observation","subject":{"reference":"Patient?identifier=x|1"}})", true, 0},
      {R"({"resourceType":"Observation","subject":{"reference":"Patient/"}})", true, 0},
      {R"({"resourceType":"Observation","subject":{"reference":"../Patient/1"}})", true, 0},
      {R"({"resourceType":"Observation","subject":{"reference":"Group/1"}})", false, 0},
      {R"({"resourceType":"Observation","subject":{"refer\u0065nce":"Patient/1"}})", false, 1},
      {R"({"resourceType":"Observation","sub\u006aect":{"reference":"Patient/1"}})", false, 1},
      {R"({"resourceType":"Appointment","participant":[{"actor":{"reference":"Patient/1"}},{"actor":{"reference":"Patient/2"}}]})", false,
       2},
      {R"({"resourceType":"Group","member":[{"entity":{"reference":"Patient/1"}},{"entity":{"reference":"Patient/2"}},{"entity":{"reference":"Patient/1"}}]})",
       false, 2},
      {R"({"resourceType":"Patient","id":"1"})", false, 1},
      {R"({"resourceType":"Patient"})", true, 0},
      {R"({"resourceType":"Practitioner","id":"1"})", false, 0},
      {R"({"resourceType":"Coverage","beneficiary":{"reference":"Patient/1"},"payor":[{"reference":"Organization/2"}]})", false, 1},
      {R"({"resourceType":"CarePlan","subject":{"reference":"Patient/1"},"activity":[{"detail":{"performer":[{"reference":"Patient/9"}]}}]})",
       false, 2},
  };
  ResourceScanner scanner(Limits{}, {"https://ehr.example/fhir"});
  for (const auto& c : kCases) {
    auto scan = scanner.scan(c.json);
    ASSERT_TRUE(scan.ok()) << c.json << scan.error().message;
    EXPECT_EQ((*scan)->unresolved, c.unresolved) << c.json;
    EXPECT_EQ((*scan)->patients.size(), c.patients) << c.json;
  }
}

TEST(Scan, CountsLabelsOfDocumentsAndContainedResources) {
  ResourceScanner scanner(Limits{});
  auto document = scanner.scan(R"({"resourceType":"DocumentReference","securityLabel":[{"coding":[{"code":"R"}]}]})");
  ASSERT_TRUE(document.ok());
  ASSERT_EQ((*document)->labels.size(), 1u);
  auto scan =
      scanner.scan(R"({"resourceType":"Encounter","contained":[{"resourceType":"Condition","meta":{"security":[{"code":"ETHUD"}]}}]})");
  ASSERT_TRUE(scan.ok());
  ASSERT_EQ((*scan)->labels.size(), 1u);
  EXPECT_EQ((*scan)->labels[0].code, "ETHUD");
  EXPECT_EQ((*scan)->contained, 1u);
}

std::string nested(std::size_t levels) {
  std::string json = R"({"resourceType":"Basic","a":)";
  for (std::size_t k = 1; k < levels; ++k) json += k % 2 != 0 ? "[" : "{\"a\":";
  json += "1";
  for (std::size_t k = levels - 1; k >= 1; --k) json += k % 2 != 0 ? "]" : "}";
  return json + "}";
}

TEST(Scan, RefusesWhatIsNotStrictJson) {
  const std::string with_nul("{\"resourceType\":\"Basic\",\"a\":\"\0\"}", 32);
  std::string many = R"({"resourceType":"Basic")";
  for (int k = 0; k < 100; ++k) many += ",\"k" + std::to_string(k) + "\":1";
  const std::vector<std::string> kBad = {
      "",
      " ",
      "[]",
      "1",
      "\"x\"",
      "null",
      "{",
      "}",
      "{}",
      R"({"resourceType":"Basic")",
      R"({"resourceType":"Basic"}})",
      R"({"resourceType":"Basic"} x)",
      R"({"resourceType":"Basic"}{})",
      "\xEF\xBB\xBF{\"resourceType\":\"Basic\"}",
      R"({"resourceType":1})",
      R"({"id":"1"})",
      R"({"resourceType":"Basic",})",
      R"({,"resourceType":"Basic"})",
      R"({"resourceType":"Basic","a":[1,]})",
      R"({"resourceType":"Basic","a":[1 2]})",
      R"({"resourceType":"Basic","a" 1})",
      R"({"resourceType":"Basic","a":1 "b":2})",
      R"({"resourceType":"Basic","a":[}})",
      R"({"resourceType":"Basic","a":[1})",
      R"({"resourceType":"Basic","a":{"b":1]})",
      R"({"resourceType":"Basic","a":{1:2}})",
      R"({"resourceType":"Basic",a:1})",
      R"({'resourceType':'Basic'})",
      // duplicate keys, in every spelling and depth
      R"({"resourceType":"Basic","resourceType":"Basic"})",
      R"({"resourceType":"Basic","a":1,"a":2})",
      R"({"resourceType":"Basic","a":1,"\u0061":2})",
      R"({"resourceType":"Basic","x":[{"y":{"na\u006de":1,"name":1}}]})",
      R"({"resourceType":"Basic","x":{"\/":1,"/":1}})",
      R"({"resourceType":"Basic","x":{"\ud83d\ude00":1,"😀":1}})",
      R"({"resourceType":"Basic","":1,"":2})",
      many + ",\"k7\":1}",
      many + ",\"k99\":1}",
      // numbers, literals
      R"({"resourceType":"Basic","a":01})",
      R"({"resourceType":"Basic","a":1.})",
      R"({"resourceType":"Basic","a":.5})",
      R"({"resourceType":"Basic","a":+1})",
      R"({"resourceType":"Basic","a":1e})",
      R"({"resourceType":"Basic","a":-})",
      R"({"resourceType":"Basic","a":1-2})",
      R"({"resourceType":"Basic","a":NaN})",
      R"({"resourceType":"Basic","a":True})",
      R"({"resourceType":"Basic","a":nul})",
      R"({"resourceType":"Basic","a":truex})",
      R"({"resourceType":"Basic","a":1"b":2})",
      R"({"resourceType":"Basic","a":"x"y})",
      R"({"resourceType":"Basic","a":"x""y"})",
      R"({"resourceType":"Basic","a":0x1})",
      // strings
      R"({"resourceType":"Basic","a":"\x"})",
      R"({"resourceType":"Basic","a":"\u12g4"})",
      R"({"resourceType":"Basic","a":"\ud800"})",
      R"({"resourceType":"Basic","a":"\udc00"})",
      R"({"resourceType":"Basic","a":"\ud800\u0041"})",
      R"({"resourceType":"Basic","a":"\u12"})",
      R"({"resourceType":"Basic","a":"\"})",
      "{\"resourceType\":\"Basic\",\"a\":\"\n\"}",
      "{\"resourceType\":\"Basic\",\"a\":\"\t\"}",
      with_nul,
      "{\"resourceType\":\"Basic\",\"a\":1\x01}",
      "{\"resourceType\":\"Basic\"\x0c}",
      "{\"resourceType\":\"Basic\",\"a\":\\}",
      "{\"resourceType\":\"Basic\",\\\"a\":1}",
      // UTF-8
      "{\"resourceType\":\"Basic\",\"a\":\"\xff\"}",
      "{\"resourceType\":\"Basic\",\"a\":\"\xc0\xaf\"}",
      "{\"resourceType\":\"Basic\",\"a\":\"\xed\xa0\x80\"}",
      "{\"resourceType\":\"Basic\",\"\xc3\":1}",
      "{\"resourceType\":\"Basic\",\"a\":\xc2\xa0 1}",
      // FHIR
      R"({"resourceType":"Basic","id":"a b"})",
      R"({"resourceType":"Basic","id":7})",
      R"({"resourceType":"Basic","id":"\u0031"})",
  };
  ResourceScanner scanner(Limits{});
  for (const std::string& bad : kBad) EXPECT_FALSE(scanner.scan(bad).ok()) << bad;
  for (const std::string& good :
       {many + "}", std::string(" \r\n\t{ \"resourceType\" : \"Basic\" , \"a\" : [ ] , \"b\" : { } } \n"),
        std::string(R"({"a":"\ud83d\ude00 \" \\ \/ \b\f\n\r\t \u00e9","resourceType":"\u0042asic","n":-0.10e+5})")})
    EXPECT_TRUE(scanner.scan(good).ok()) << good;
}

TEST(Scan, BoundsDepthAndLength) {
  Limits limits;
  ResourceScanner scanner(limits);
  EXPECT_TRUE(scanner.scan(nested(limits.json_depth)).ok());
  EXPECT_FALSE(scanner.scan(nested(limits.json_depth + 1)).ok());
  EXPECT_FALSE(scanner.scan(nested(200'000)).ok());
  limits.resource_bytes = 50;
  ResourceScanner small(limits);
  auto scan = small.scan(R"({"resourceType":"Basic","a":"0123456789012345678901234567890"})");
  ASSERT_FALSE(scan.ok());
  EXPECT_EQ(scan.error().code, Code::exhausted);
}

TEST(Scan, NeverQuotesWhatItRead) {
  ResourceScanner scanner(Limits{});
  auto scan = scanner.scan(R"({"resourceType":"Patient","SECRETKEY":"SECRETVALUE","SECRETKEY":1})");
  ASSERT_FALSE(scan.ok());
  EXPECT_EQ(scan.error().message.find("SECRET"), std::string::npos);
}

// Any one byte changed: either refused, or a parser of another kind reads it as well.
TEST(Scan, AgreesWithAnotherParserOnMutations) {
  const std::string good =
      R"({"resourceType":"Observation","id":"o1","code":{"coding":[{"code":"a\u00e9\n"}]},"valueQuantity":{"value":-1.5e3},"x":[true,false,null,{}]})";
  ResourceScanner scanner(Limits{});
  ASSERT_TRUE(scanner.scan(good).ok());
  std::size_t accepted = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const char c : std::string_view("\"\\{}[]:, \n0a\x01\x80-.")) {
      std::string bad = good;
      bad[at] = c;
      if (!scanner.scan(bad).ok()) continue;
      ++accepted;
      EXPECT_TRUE(Json::accept(bad)) << bad;
    }
  }
  EXPECT_GT(accepted, 100u);
}

// ---- Filtering
// ---------------------------------------------------------------------------------------------------------------------------

std::string reduce(const ElementFilter& filter, std::string_view json, Applied expected = Applied::kept) {
  ResourceScanner scanner(Limits{});
  auto scan = scanner.scan(json);
  EXPECT_TRUE(scan.ok()) << json;
  if (!scan.ok()) return {};
  std::string out = "before";
  EXPECT_EQ(filter.apply(**scan, out), expected) << json;
  EXPECT_TRUE(out.starts_with("before"));
  return out.substr(6);
}
constexpr std::string_view kMeta =
    R"("meta":{"tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]})";

TEST(Filter, KeepsExactlyThePermittedFields) {
  const ElementFilter filter = View{{{"DocumentReference", {"id", "type", "date", "content"}}}}.compile();
  const std::string out = reduce(filter, R"({
    "resourceType":"DocumentReference","id":"d1","meta":{"versionId":"1","source":"#s","profile":["p"],"tag":[{"code":"t"}],"security":[{"code":"R"}]},
    "text":{"div":"<div>x</div>"},"identifier":[{"value":"i"}],"status":"current","type":{"coding":[{"code":"34117-2","display":"H&P"}]},
    "subject":{"reference":"Patient/1","display":"Ann"},"date":"2026-01-01","description":"secret",
    "content":[{"attachment":{"contentType":"text/plain","data":"QQ==","url":"Binary/1","extension":[{"url":"u","valueString":"leak"}]}}]})");
  EXPECT_EQ(Json::parse(out), Json::parse(R"({"resourceType":"DocumentReference","id":"d1",
    "meta":{"versionId":"1","security":[{"code":"R"}],"tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]},
    "status":"current","type":{"coding":[{"code":"34117-2","display":"H&P"}]},"date":"2026-01-01",
    "content":[{"attachment":{"contentType":"text/plain","data":"QQ==","url":"Binary/1"}}]})"))
      << out;
}

struct LeakCase {
  const char* what;
  std::vector<std::string> view;
  const char* body;      // of an Observation
  const char* expected;  // what follows meta
};

TEST(Filter, ClosesTheLeakChannels) {
  const LeakCase kCases[] = {
      {"narrative", {"code"}, R"("text":{"status":"generated","div":"L"},"code":{"text":"c"})", R"("code":{"text":"c"})"},
      {"contained",
       {"code"},
       R"("contained":[{"resourceType":"Patient","name":[{"family":"L"}]}],"code":{"text":"c"})",
       R"("code":{"text":"c"})"},
      {"top-level extension", {"code"}, R"("extension":[{"url":"u","valueString":"L"}],"code":{"text":"c"})", R"("code":{"text":"c"})"},
      {"extension in a kept element", {"code"}, R"("code":{"extension":[{"url":"u"}],"text":"c"})", R"("code":{"text":"c"})"},
      {"extension spelled with escapes", {"code"}, R"("code":{"\u0065xtension":[{"url":"u"}],"text":"c"})", R"("code":{"text":"c"})"},
      {"extension last", {"code"}, R"("code":{"text":"c","extension":[{"url":"u"}]})", R"("code":{"text":"c"})"},
      {"extensions around",
       {"code"},
       R"("code":{"id":"x","text":"c","extension":[],"coding":[{"code":"d","extension":[]}],"_text":{}})",
       R"("code":{"text":"c","coding":[{"code":"d"}]})"},
      {"element id", {"code"}, R"("code":{"id":"L","text":"c"})", R"("code":{"text":"c"})"},
      {"Reference.display", {"subject"}, R"("subject":{"reference":"Patient/1","display":"L"})", R"("subject":{"reference":"Patient/1"})"},
      {"Reference.display first",
       {"subject"},
       R"("subject":{"display":"L","reference":"Patient/1"})",
       R"("subject":{"reference":"Patient/1"})"},
      {"Reference with nothing else", {"subject", "code"}, R"("subject":{"display":"L"},"code":{"text":"c"})", R"("code":{"text":"c"})"},
      {"Reference.identifier",
       {"subject"},
       R"("subject":{"type":"Patient","identifier":{"value":"L"}})",
       R"("subject":{"type":"Patient"})"},
      {"References in an array",
       {"performer"},
       R"("performer":[{"display":"L"},{"reference":"Practitioner/1","display":"L"},{"display":"L"}])",
       R"("performer":[{"reference":"Practitioner/1"}])"},
      {"Coding.display stays",
       {"code"},
       R"("code":{"coding":[{"system":"s","code":"c","display":"d"}]})",
       R"("code":{"coding":[{"system":"s","code":"c","display":"d"}]})"},
      {"a display alone goes", {"code"}, R"("code":{"coding":[{"display":"L"}],"text":"c"})", R"("code":{"text":"c"})"},
      {"identifier in a kept element",
       {"component"},
       R"("component":[{"identifier":[{"value":"L"}],"code":{"text":"c"}}])",
       R"("component":[{"code":{"text":"c"}}])"},
      {"identifier named",
       {"component", "component.identifier"},
       R"("component":[{"identifier":[{"value":"i"}],"code":{"text":"c"}}])",
       R"("component":[{"identifier":[{"value":"i"}],"code":{"text":"c"}}])"},
      {"display beside odd company", {"subject"}, R"("subject":{"display":"L","foo":{"id":"L"},"contained":[]})", ""},
      {"display with a code and a literal",
       {"subject"},
       R"("subject":{"display":"L","code":"c","reference":"Patient/1"})",
       R"("subject":{"code":"c","reference":"Patient/1"})"},
      {"identifier", {"code"}, R"("identifier":[{"value":"L"}],"code":{"text":"c"})", R"("code":{"text":"c"})"},
      {"note", {"code"}, R"("code":{"text":"c"},"note":[{"text":"L"}])", R"("code":{"text":"c"})"},
      {"_field of a hidden field", {"code"}, R"("code":{"text":"c"},"_issued":{"extension":[{"url":"u"}]})", R"("code":{"text":"c"})"},
      {"_field of a shown field", {"issued"}, R"("issued":"t","_issued":{"extension":[{"url":"u","valueString":"L"}]})", R"("issued":"t")"},
      {"_field named",
       {"issued", "issued.extension"},
       R"("issued":"t","_issued":{"id":"L","extension":[{"url":"u"}]})",
       R"("issued":"t","_issued":{"extension":[{"url":"u"}]})"},
      {"unknown key", {"code"}, R"("code":{"text":"c"},"Status":"L","codex":1,"":2)", R"("code":{"text":"c"})"},
      {"key of a shown name, escaped", {"code"}, R"("c\u006fde":{"text":"c"})", R"("code":{"text":"c"})"},
      {"modifiers stay",
       {"code"},
       R"("implicitRules":"r","modifierExtension":[{"url":"m"}],"status":"final","code":{"text":"c"})",
       R"("implicitRules":"r","modifierExtension":[{"url":"m"}],"status":"final","code":{"text":"c"})"},
      {"choice by its stem",
       {"value"},
       R"("valueQuantity":{"value":1.500},"valueString":"x","values":1)",
       R"("valueQuantity":{"value":1.500},"valueString":"x")"},
      {"choice by [x]", {"effective[x]"}, R"("effectivePeriod":{"start":"s"},"effect":1)", R"("effectivePeriod":{"start":"s"})"},
      {"one choice", {"valueQuantity"}, R"("valueQuantity":{"value":1e2},"valueString":"L")", R"("valueQuantity":{"value":1e2})"},
      {"dotted path",
       {"component.code.text"},
       R"("component":[{"code":{"text":"c","coding":[]},"valueString":"L"},{"valueString":"L"}])",
       R"("component":[{"code":{"text":"c"}}])"},
      {"comparator comes with its part",
       {"valueQuantity.value"},
       R"("valueQuantity":{"comparator":"<","value":7,"unit":"L"})",
       R"("valueQuantity":{"comparator":"<","value":7})"},
      {"display named", {"subject.display"}, R"("subject":{"reference":"Patient/1","display":"Ann"})", R"("subject":{"display":"Ann"})"},
      {"display named beside all",
       {"subject", "subject.display"},
       R"("subject":{"reference":"Patient/1","display":"Ann"})",
       R"("subject":{"reference":"Patient/1","display":"Ann"})"},
      {"text named", {"text"}, R"("text":{"status":"generated","div":"d"})", R"("text":{"status":"generated","div":"d"})"},
      {"whitespace stays outside",
       {"code"},
       "\"x\" : 1 , \"code\" : { \"extension\" : [ ] , \"text\" : \"c\" , \"id\" : \"1\" } , \"y\" : 2 ",
       "\"code\":{ \"text\" : \"c\" }"},
      {"nothing left", {"bodySite"}, R"("bodySite":{"id":"L"},"method":{"text":"L"})", ""},
  };
  for (const LeakCase& c : kCases) {
    const ElementFilter filter = View{{{"Observation", c.view}}}.compile();
    const std::string out = reduce(filter, std::string(R"({"resourceType":"Observation",)") + c.body + "}");
    std::string expected = std::string(R"({"resourceType":"Observation",)") + std::string(kMeta);
    if (*c.expected != '\0') expected += std::string(",") + c.expected;
    EXPECT_EQ(Json::parse(out), Json::parse(expected + "}")) << c.what << ": " << out;
    EXPECT_EQ(out.find("\"L\""), std::string::npos) << c.what << ": " << out;
  }
}

TEST(Filter, AllOrNothingWhereAModifierWouldGo) {
  const ElementFilter plain = View{{{"Patient", {"name"}}}}.compile(), dead = View{{{"Patient", {"name", "deceased", "link"}}}}.compile();
  const std::string_view died = R"({"resourceType":"Patient","id":"1","name":[{"family":"F"}],"deceasedDateTime":"2026-01-01"})";
  EXPECT_EQ(reduce(plain, died, Applied::modifier_withheld), "");
  EXPECT_NE(reduce(dead, died).find("2026-01-01"), std::string::npos);
  EXPECT_EQ(reduce(plain, R"({"resourceType":"Patient","id":"1","link":[{"other":{"reference":"Patient/2"},"type":"replaced-by"}]})",
                   Applied::modifier_withheld),
            "");
  EXPECT_EQ(reduce(plain, R"({"resourceType":"Patient","id":"1","_deceasedDateTime":{}})", Applied::modifier_withheld), "");
  EXPECT_NE(reduce(plain, R"({"resourceType":"Patient","id":"1","active":false,"deceasedBoolean":true})").find("\"deceasedBoolean\":true"),
            std::string::npos);
}

TEST(Filter, DropsWhatTheViewLacks) {
  const ElementFilter filter = View{{{"Patient", {"name"}}}}.compile();
  EXPECT_EQ(reduce(filter, R"({"resourceType":"Observation","id":"1"})", Applied::not_in_view), "");
  EXPECT_EQ(reduce(filter, R"({"resourceType":"Bundle","entry":[]})", Applied::not_in_view), "");
  EXPECT_EQ(reduce(filter, R"({"resourceType":"Patientx"})", Applied::not_in_view), "");
  EXPECT_EQ(reduce(ElementFilter::full(), R"( {"resourceType":"Patientx" , "a":1} )"), R"({"resourceType":"Patientx" , "a":1})");
  EXPECT_EQ(
      reduce(
          filter,
          R"({"resourceType":"OperationOutcome","text":{"div":"L"},"issue":[{"severity":"warning","code":"not-found","diagnostics":"Patient Ann L","details":{"text":"L"}},{"code":"A b"}]})"),
      R"({"resourceType":"OperationOutcome","issue":[{"severity":"warning","code":"not-found"},{"severity":"error","code":"processing"}]})");
}

TEST(Filter, RefusesIllFormedViews) {
  const std::vector<std::vector<std::string>> kBad = {{""}, {"."}, {"a."}, {".a"}, {"a..b"}, {"na me"}, {"_name"}, {"a\"b"}};
  for (const auto& elements : kBad) {
    const TypeElements row{"Patient", elements};
    EXPECT_FALSE(ElementFilter::compile({&row, 1}).ok()) << elements[0];
  }
  const std::vector<std::string> name{"name"};
  const TypeElements twice[] = {{"Patient", name}, {"Patient", name}}, unknown[] = {{"Pateint", name}};
  EXPECT_FALSE(ElementFilter::compile(twice).ok());
  EXPECT_FALSE(ElementFilter::compile(unknown).ok());
}

TEST(Filter, KnowsWhatItShows) {
  const ElementFilter filter =
      View{{{"Patient", {"name.family", "address", "multipleBirth"}}, {"Observation", {"valueQuantity", "code"}}}}.compile();
  const struct {
    const char *type, *path;
    bool shows;
  } kCases[] = {
      {"Patient", "name", false},
      {"Patient", "name.family", true},
      {"Patient", "name.given", false},
      {"Patient", "name.use", false},
      {"Patient", "address", true},
      {"Patient", "address.city", true},
      {"Patient", "address.extension", false},
      {"Patient", "birthDate", false},
      {"Patient", "id", true},
      {"Patient", "active", true},
      {"Patient", "deceased", false},
      {"Patient", "multipleBirth", true},
      {"Patient", "meta.tag", false},
      {"Patient", "meta.security", true},
      {"Observation", "value", false},
      {"Observation", "valueQuantity", true},
      {"Observation", "status", true},
      {"Observation", "code.text", true},
      {"Encounter", "status", false},
      {"Patient", "multipleBirthBoolean", true},
  };
  for (const auto& c : kCases) EXPECT_EQ(filter.shows(c.type, c.path), c.shows) << c.type << "." << c.path;
  EXPECT_TRUE(ElementFilter::full().shows("Encounter", "reason"));
  EXPECT_EQ(filter.elements_of("Patient"), "name,address,multipleBirth");
}

// Views made of the elements that the resource has: whole, in part, channels named, and none.
std::vector<std::string> random_view(const Json& resource, std::mt19937& random) {
  std::vector<std::string> view;
  const auto one_in = [&](unsigned n) { return random() % n == 0; };
  const std::function<void(const Json&, const std::string&, int)> pick = [&](const Json& value, const std::string& path, int depth) {
    if (value.is_array()) {
      if (!value.empty()) pick(value[random() % value.size()], path, depth);
      return;
    }
    if (!value.is_object() || depth == 4) return;
    for (const auto& [key, inner] : value.items()) {
      const bool usable =
          !key.empty() && std::all_of(key.begin(), key.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; });
      if (!usable || key == "resourceType" || key == "meta" || key == "id" || (depth > 0 && key == "modifierExtension")) continue;
      const std::string here = path.empty() ? key : path + "." + key;
      if (one_in(depth == 0 ? 3 : 4)) view.push_back(here);
      if (key != "extension" && key != "contained" && key != "text" && one_in(3)) pick(inner, here, depth + 1);
      if (one_in(12)) view.push_back(here + ".extension");
    }
  };
  pick(resource, {}, 0);
  return view;
}

TEST(Filter, AgreesWithADomFilterOnTheWholeCorpus) {
  if (corpus().empty()) GTEST_SKIP() << "no ../shared/data/fhir";
  std::mt19937 random(20261125);
  Limits limits;
  ResourceScanner scanner(limits);
  std::size_t compared = 0, withheld = 0;
  for (const std::string& bytes : corpus()) {
    if (bytes.size() > 64 * 1024) {  // the oracle is slow under sanitizers
      ASSERT_TRUE(scanner.scan(bytes).ok());
      continue;
    }
    const Json resource = Json::parse(bytes);
    if (!resource.contains("resourceType")) {  // an index of the examples
      EXPECT_FALSE(scanner.scan(bytes).ok());
      continue;
    }
    const std::string type = resource["resourceType"];
    auto scan = scanner.scan(bytes);
    ASSERT_TRUE(scan.ok()) << type << ": " << scan.error().message;
    ASSERT_EQ((*scan)->type, type);
    if (internal::find_type(type) == nullptr || type == "OperationOutcome") continue;
    for (int round = 0; round < 2; ++round) {
      const std::vector<std::string> elements = random_view(resource, random);
      const ElementFilter filter = View{{{type, elements}}}.compile();
      std::string out;
      const Applied applied = filter.apply(**scan, out);
      const std::optional<Json> expected = Oracle(type, elements).apply(resource);
      ASSERT_EQ(applied == Applied::kept, expected.has_value()) << type;
      if (!expected) {
        ++withheld;
        ASSERT_EQ(applied, Applied::modifier_withheld);
        continue;
      }
      std::string list;
      for (const std::string& e : elements) list += e + " ";
      ASSERT_EQ(nlohmann::json::parse(out), nlohmann::json::parse(expected->dump())) << type << " " << list << "\n"
                                                                                     << out << "\n"
                                                                                     << expected->dump();
      ASSERT_TRUE(scanner.scan(out).ok()) << "what is written is strict too";
      scan = scanner.scan(bytes);
      ASSERT_TRUE(scan.ok());
      ++compared;
    }
  }
  EXPECT_GT(compared, 700u);
  EXPECT_GT(withheld, 0u);
}

TEST(Filter, CopiesNumbersAsTheyAre) {
  const ElementFilter filter = View{{{"Observation", {"valueQuantity"}}}}.compile();
  for (const char* number : {"1.50", "1e400", "-0", "0.1000000000000000055511151231257827", "12345678901234567890123"})
    EXPECT_NE(reduce(filter, std::string(R"({"resourceType":"Observation","valueQuantity":{"value":)") + number + "}}")
                  .find(std::string("\"value\":") + number + "}"),
              std::string::npos)
        << number;
}

// ---- Bundles
// -----------------------------------------------------------------------------------------------------------------------------

// The events as text, so that two runs can be compared.
Result<std::string> events(std::string_view json, std::span<const std::size_t> chunks, const Limits& limits = {}) {
  BundleReader reader(limits);
  std::string log;
  std::size_t at = 0, chunk = 0;
  bool finished = false;
  for (;;) {
    LICET_TRY(event, reader.next());
    switch (event.kind) {
      case BundleEvent::Kind::more: {
        if (at == json.size() && !finished) {
          reader.finish();
          finished = true;
          break;
        }
        const std::size_t n = chunks.empty() ? json.size() : std::min(json.size() - at, chunks[chunk++ % chunks.size()]);
        LICET_TRY_VOID(reader.feed(json.substr(at, n)));
        at += n;
        break;
      }
      case BundleEvent::Kind::member:
        log.append("member ").append(event.name).append("=").append(event.value).append("\n");
        break;
      case BundleEvent::Kind::entry:
        log.append("entry ")
            .append(event.entry.full_url)
            .append(" ")
            .append(event.entry.search)
            .append(event.entry.request)
            .append(event.entry.response)
            .append(event.entry.link);
        if (event.scan != nullptr) {
          log.append(" ").append(event.scan->type).append("/").append(event.scan->id).append(" ").append(event.entry.resource);
          for (const std::string_view patient : event.scan->patients) log.append(" @").append(patient);
        }
        log.append("\n");
        break;
      case BundleEvent::Kind::resource:
        log.append("resource ").append(event.scan->type).append(" ").append(event.scan->bytes).append("\n");
        break;
      case BundleEvent::Kind::end:
        return log.append("end ").append(reader.type());
    }
  }
}

constexpr std::string_view kBundle = R"( {"resourceType" : "Bundle","id":"b","type":"searchset", "total" : 2 ,
  "link":[{"relation":"self","url":"https://ehr.example/fhir/Patient?name=x"}],
  "entry":[ {"fullUrl":"https://ehr.example/fhir/Patient/1","resource":{"resourceType":"Patient","id":"1","name":[{"family":"\"}]{\\"}]},"search":{"mode":"match"}},
  {"resource":{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/1"}},"response":{"status":"200 OK","etag":"W/\"1\""}} , {"request":{"method":"DELETE","url":"Patient/1"}}],
  "signature" : {"type":[{"code":"x"}]} } )";

TEST(BundleReader, GivesEventsInOrder) {
  auto log = events(kBundle, {});
  ASSERT_TRUE(log.ok()) << log.error().message;
  EXPECT_EQ(*log,
            "member id=\"b\"\nmember type=\"searchset\"\nmember total=2\n"
            "member link=[{\"relation\":\"self\",\"url\":\"https://ehr.example/fhir/Patient?name=x\"}]\n"
            "entry https://ehr.example/fhir/Patient/1 {\"mode\":\"match\"} Patient/1 "
            "{\"resourceType\":\"Patient\",\"id\":\"1\",\"name\":[{\"family\":\"\\\"}]{\\\\\"}]} @1\n"
            "entry  {\"status\":\"200 OK\",\"etag\":\"W/\\\"1\\\"\"} Observation/o "
            "{\"resourceType\":\"Observation\",\"id\":\"o\",\"subject\":{\"reference\":\"Patient/1\"}} @1\n"
            "entry  {\"method\":\"DELETE\",\"url\":\"Patient/1\"}\n"
            "member signature={\"type\":[{\"code\":\"x\"}]}\nend searchset");
}

TEST(BundleReader, TakesEntriesBeforeTypeAndTotal) {
  auto log =
      events(R"({"entry":[{"resource":{"resourceType":"Patient","id":"1"}}],"total":1,"type":"searchset","resourceType":"Bundle"})", {});
  ASSERT_TRUE(log.ok()) << log.error().message;
  EXPECT_EQ(*log,
            "entry   Patient/1 {\"resourceType\":\"Patient\",\"id\":\"1\"} @1\nmember total=1\nmember type=\"searchset\"\nend searchset");
  // A List has entries too; by then it is an error.
  EXPECT_FALSE(events(R"({"entry":[{"item":{"reference":"Patient/1"}}],"resourceType":"List"})", {}).ok());
  auto list = events(R"({"resourceType":"List","entry":[{"item":{"reference":"Patient/1"}}]})", {});
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE(list->starts_with("resource List"));
}

TEST(BundleReader, ReadsSingleResources) {
  auto log = events(R"( {"id":"1","resourceType":"Patient"} )", {});
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(*log, "resource Patient {\"id\":\"1\",\"resourceType\":\"Patient\"}\nend ");
}

// However the bytes are cut, the events are the same.
TEST(BundleReader, DoesNotCareAboutChunks) {
  const std::string single = R"({"id":"1","x":"\\\"","resourceType":"Patient","name":[{"family":"é"}]})";
  for (const std::string_view json : {kBundle, std::string_view(single)}) {
    const auto whole = events(json, {});
    ASSERT_TRUE(whole.ok());
    for (std::size_t cut = 1; cut <= json.size(); ++cut) {
      const std::size_t fixed[] = {cut};
      const auto log = events(json, fixed);
      ASSERT_TRUE(log.ok()) << cut << log.error().message;
      ASSERT_EQ(*log, *whole) << cut;
    }
  }
  std::mt19937 random(7);
  std::string big = R"({"resourceType":"Bundle","type":"searchset","entry":[)";
  for (std::size_t k = 0; k < 60 && k < corpus().size(); ++k) {
    if (k > 0) big += ',';
    big += "{\"resource\":" + corpus()[k * 7 % corpus().size()] + "}";
  }
  big += "]}";
  const auto whole = events(big, {});
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  for (int round = 0; round < 8; ++round) {
    std::vector<std::size_t> chunks(17);
    for (std::size_t& n : chunks) n = 1 + random() % (round < 4 ? 90 : 5000);
    const auto log = events(big, chunks);
    ASSERT_TRUE(log.ok()) << log.error().message;
    ASSERT_TRUE(*log == *whole);
  }
}

TEST(BundleReader, RefusesEveryPrefixAndTrailers) {
  const std::string json(kBundle.substr(0, kBundle.rfind('}') + 1));
  for (std::size_t n = 0; n < json.size(); ++n) {
    const std::size_t chunks[] = {64};
    EXPECT_FALSE(events(json.substr(0, n), chunks).ok()) << n;
  }
  EXPECT_TRUE(events(json + " \n", {}).ok());
  for (const char* trailer : {"x", "{}", ",", "]", "\"\"", "\x01", "\xEF\xBB\xBF"})
    EXPECT_FALSE(events(json + trailer, {}).ok()) << trailer;
}

TEST(BundleReader, IsStrict) {
  const char* kBad[] = {
      R"({"resourceType":"Bundle","type":"a","type":"b"})",
      R"({"resourceType":"Bundle","entry":[],"entry":[]})",
      R"({"resourceType":"Bundle","entry":[],"\u0065ntry":[]})",
      R"({"resourceType":"Bundle","entry":{}})",
      R"({"resourceType":"Bundle","entry":[1]})",
      R"({"resourceType":"Bundle","entry":[{"resource":[]}]})",
      R"({"resourceType":"Bundle","entry":[{"resource":{}}]})",
      R"({"resourceType":"Bundle","entry":[{"resource":null}]})",
      R"({"resourceType":"Bundle","entry":[{"fullUrl":1}]})",
      R"({"resourceType":"Bundle","entry":[{"a":1,"a":1}]})",
      R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"},"r\u0065source":{"resourceType":"Patient"}}]})",
      R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","a":1,"a":1}}]})",
      R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}]})",
      R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}},]})",
      R"({"resourceType":"Bundle","entry":[,{"resource":{"resourceType":"Patient"}}]})",
      R"({"resourceType":"Bundle","entry":[{"search":{"mode":}}]})",
      R"({"resourceType":"Bundle","entry":[{,}]})",
      R"({"resourceType":"Bundle","entry":[{"search":{}} {"search":{}}]})",
      R"({"resourceType":"Bundle","entry":[]],"a":1})",
      R"({"resourceType":"Bundle",})",
      R"({"resourceType":"Bundle" "a":1})",
      R"({"resourceType":"Bundle","a"})",
      R"({"resourceType":"\u0042undle","entry":[]})",
      R"({"resourceType":"Bundle","total":01})",
      "{\"resourceType\":\"Bundle\",\"id\":\"\xff\"}",
      "{\"resourceType\":\"Bundle\",\"\xff\":1}",
      "{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"resourceType\":\"Patient\",\"a\":\"\xff\"}}]}",
      "{\"resourceType\":\"Bundle\",\"entry\":[{\"fullUrl\":\"\xff\"}]}",
      R"({"entry":[]})",
      R"({"type":"searchset"})",
      "{}",
      "[]",
      "",
      "  ",
  };
  for (const char* bad : kBad) {
    const std::size_t small[] = {3};
    EXPECT_FALSE(events(bad, {}).ok()) << bad;
    EXPECT_FALSE(events(bad, small).ok()) << bad;
  }
}

TEST(BundleReader, BoundsWhatItHolds) {
  Limits limits;
  limits.resource_bytes = 1000;
  const std::string big(3000, 'x');
  const std::size_t chunks[] = {100};
  for (const std::string& bad : {R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Basic","a":")" + big + "\"}}]}",
                                 R"({"resourceType":"Bundle","a":")" + big + "\"}", R"({"resourceType":"Basic","a":")" + big + "\"}",
                                 "{\"a\":\"" + big + "\"}", std::string(3000, '{'), std::string(3000, ' ')}) {
    const auto in_chunks = events(bad, chunks, limits);
    ASSERT_FALSE(in_chunks.ok());
    EXPECT_FALSE(events(bad, {}, limits).ok());
  }
  // Many small entries are no problem.
  std::string many = R"({"resourceType":"Bundle","entry":[)";
  for (int k = 0; k < 1000; ++k)
    many += std::string(k > 0 ? "," : "") + R"({"resource":{"resourceType":"Basic","id":")" + std::to_string(k) + "\"}}";
  EXPECT_TRUE(events(many + "]}", chunks, limits).ok());
}

TEST(BundleReader, StaysInError) {
  BundleReader reader(Limits{});
  ASSERT_TRUE(reader.feed("[").ok());
  reader.finish();
  EXPECT_FALSE(reader.next().ok());
  EXPECT_FALSE(reader.next().ok());
  EXPECT_FALSE(reader.feed("{}").ok());
}

TEST(NdjsonReader, ReadsLines) {
  const std::string lines =
      "{\"resourceType\":\"Patient\",\"id\":\"1\"}\r\n\n{\"resourceType\":\"Patient\",\"id\":\"2\"}\n{\"resourceType\":\"Patient\",\"id\":"
      "\"3\"}";
  for (std::size_t chunk = 1; chunk <= lines.size(); ++chunk) {
    NdjsonReader reader(Limits{});
    std::string ids;
    for (std::size_t at = 0; at < lines.size(); at += chunk) {
      ASSERT_TRUE(reader.feed(std::string_view(lines).substr(at, chunk)).ok());
      if (at + chunk >= lines.size()) reader.finish();
      for (;;) {
        auto scan = reader.next();
        ASSERT_TRUE(scan.ok());
        if (*scan == nullptr) break;
        ids += (*scan)->id;
      }
    }
    EXPECT_EQ(ids, "123") << chunk;
  }
  NdjsonReader two(Limits{});
  ASSERT_TRUE(two.feed("{\"resourceType\":\"Patient\"}{\"resourceType\":\"Patient\"}\n").ok());
  EXPECT_FALSE(two.next().ok());
}

// ---- Writing
// -----------------------------------------------------------------------------------------------------------------------------

std::string through(std::string_view json, const ElementFilter& filter, bool reduced, bool links = true) {
  std::string out, one;
  BundleReader reader(Limits{});
  BundleWriter writer(
      out, {.reduced = reduced, .rebase = prefix_rebase({"https://ehr.example/fhir"}, "https://gate.example/r4"), .links = links});
  EXPECT_TRUE(reader.feed(json).ok());
  reader.finish();
  for (;;) {
    auto event = reader.next();
    EXPECT_TRUE(event.ok());
    if (!event.ok() || event->kind == BundleEvent::Kind::end) break;
    if (event->kind == BundleEvent::Kind::member) writer.member(event->name, event->value);
    if (event->kind == BundleEvent::Kind::entry) {
      one.clear();
      if (event->scan == nullptr || filter.apply(*event->scan, one) == Applied::kept) writer.entry(event->entry, one);
    }
  }
  writer.end();
  return out;
}

TEST(BundleWriter, ReducedKeepsItsOwnCounsel) {
  const ElementFilter filter = View{{{"Patient", {"id"}}}}.compile();
  EXPECT_EQ(Json::parse(through(kBundle, filter, true)), Json::parse(R"({"resourceType":"Bundle","type":"searchset",
    "link":[{"relation":"self","url":"https://gate.example/r4/Patient?name=x"}],
    "entry":[{"fullUrl":"https://gate.example/r4/Patient/1","resource":{"resourceType":"Patient","id":"1",)" +
                                                                     std::string(kMeta) + R"(},"search":{"mode":"match"}},{}]})"));
  EXPECT_EQ(through(kBundle, filter, true, false).find("link"), std::string::npos);
  const std::string response =
      R"({"resourceType":"Bundle","entry":[{"response":{"status":"201 Created","location":"L","etag":"L","lastModified":"2026-01-01T00:00:00Z","outcome":{"resourceType":"OperationOutcome"}}}]})";
  EXPECT_EQ(Json::parse(through(response, filter, true))["entry"][0],
            Json::parse(R"({"response":{"status":"201 Created","lastModified":"2026-01-01T00:00:00Z"}})"));
}

TEST(BundleWriter, FullIsTransparentButForAddresses) {
  Json expected = Json::parse(kBundle);
  expected["link"][0]["url"] = "https://gate.example/r4/Patient?name=x";
  expected["entry"][0]["fullUrl"] = "https://gate.example/r4/Patient/1";
  EXPECT_EQ(nlohmann::json::parse(through(kBundle, ElementFilter::full(), false)), nlohmann::json::parse(expected.dump()));
  const std::string foreign =
      R"({"resourceType":"Bundle","entry":[{"fullUrl":"https://other.example/Patient/1","resource":{"resourceType":"Patient","id":"1"}}]})";
  EXPECT_EQ(Json::parse(through(foreign, ElementFilter::full(), false)), Json::parse(foreign)) << "an identity: references resolve by it";
  EXPECT_FALSE(Json::parse(through(foreign, View{{{"Patient", {"id"}}}}.compile(), true))["entry"][0].contains("fullUrl"));
}

TEST(BundleWriter, KnowsThatAPageIsLost) {
  for (const bool reduced : {false, true}) {
    for (const auto& [relation, url, lost] : {std::tuple{"next", "http://internal:8080/fhir/Patient?page=2", true},
                                              {"next", "https://ehr.example/fhir/Patient?page=2", false},
                                              {"self", "http://internal:8080/fhir/Patient", false}}) {
      std::string out;
      BundleWriter writer(out, {.reduced = reduced, .rebase = prefix_rebase({"https://ehr.example/fhir"}, "https://gate.example/r4")});
      writer.member("link", fmt::format(R"([{{"relation":"{}","url":"{}"}}])", relation, url));
      EXPECT_EQ(writer.lost_page(), lost) << url;
    }
  }
}

TEST(Rebase, StaysBehindTheGate) {
  const Rebase rebase = prefix_rebase({"https://ehr.example/fhir/"}, "https://gate.example/r4/");
  const struct {
    const char *url, *expected;
  } kCases[] = {
      {"https://ehr.example/fhir", "https://gate.example/r4"},
      {"https://ehr.example/fhir/Patient/1", "https://gate.example/r4/Patient/1"},
      {"https://ehr.example/fhir?page=2", "https://gate.example/r4?page=2"},
      {"https://ehr.example/fhirx/Patient/1", nullptr},
      {"https://ehr.example/fhir/../admin", nullptr},
      {"https://other.example/Patient/1", nullptr},
      {"//other.example/Patient/1", nullptr},
      {"/admin", nullptr},
      {"javascript:alert(1)", nullptr},
      {"../admin", nullptr},
      {"", nullptr},
      {"Patient/1", "Patient/1"},
      {"?_page=2:3", "?_page=2:3"},
      {"urn:uuid:1", "urn:uuid:1"},
      {"#a", "#a"},
  };
  for (const auto& c : kCases) {
    std::string out;
    const bool good = rebase(c.url, out);
    EXPECT_EQ(good, c.expected != nullptr) << c.url;
    if (good && c.expected != nullptr) EXPECT_EQ(out, c.expected);
  }
}

TEST(OperationOutcome, IsOurOwnWords) {
  for (const ReasonRow& row : kReasons) {
    const Json outcome = Json::parse(operation_outcome(row.reason, "R-1.a_b"));
    EXPECT_EQ(outcome["issue"][0]["details"]["text"], std::string(row.title));
    EXPECT_EQ(outcome["issue"][0]["diagnostics"], "reference R-1.a_b");
  }
  EXPECT_FALSE(Json::parse(operation_outcome(Reason::held, "a\"b"))["issue"][0].contains("diagnostics"));
  for (int status = 100; status < 600; ++status) EXPECT_EQ(Json::parse(sanitized_error(status))["resourceType"], "OperationOutcome");
  std::string text;
  append_json_string(text, "a\"\\\n\x1f é");
  EXPECT_EQ(Json::parse(text), "a\"\\\n\x1f é");
}

}  // namespace
}  // namespace licet::codec
