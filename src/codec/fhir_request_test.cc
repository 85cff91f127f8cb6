#include "codec/fhir_request.h"

#include <gtest/gtest.h>

namespace licet::codec {
namespace {

FhirRequest parsed(std::string_view target, std::string_view method = "GET") {
  auto request = parse_request({.method = method, .target = target}, Limits{});
  EXPECT_TRUE(request.ok()) << method << " " << target << ": " << (request.ok() ? "" : request.error().message);
  return request.ok() ? *std::move(request) : FhirRequest{};
}

TEST(FhirRequest, KnowsTheInteractions) {
  const struct {
    const char *method, *target;
    Interaction interaction;
    const char *type, *id;
  } kCases[] = {
      {"GET", "/Patient/1", Interaction::read, "Patient", "1"},
      {"GET", "Patient/1", Interaction::read, "Patient", "1"},
      {"HEAD", "/Patient/1", Interaction::read, "Patient", "1"},
      {"GET", "/Patient/1/_history/2", Interaction::vread, "Patient", "1"},
      {"GET", "/Patient/1/_history", Interaction::history_instance, "Patient", "1"},
      {"GET", "/Patient/_history", Interaction::history_type, "Patient", ""},
      {"GET", "/_history", Interaction::history_system, "", ""},
      {"GET", "/Patient", Interaction::search_type, "Patient", ""},
      {"GET", "/Patient?name=x", Interaction::search_type, "Patient", ""},
      {"POST", "/Patient/_search", Interaction::search_type, "Patient", ""},
      {"GET", "/Patient/1/Observation", Interaction::search_type, "Observation", ""},
      {"POST", "/Patient/1/Observation/_search", Interaction::search_type, "Observation", ""},
      {"GET", "/Patient/1/*", Interaction::search_system, "", ""},
      {"GET", "", Interaction::search_system, "", ""},
      {"GET", "/?_type=Patient", Interaction::search_system, "", ""},
      {"POST", "/_search", Interaction::search_system, "", ""},
      {"POST", "/Patient", Interaction::create, "Patient", ""},
      {"PUT", "/Patient/1", Interaction::update, "Patient", "1"},
      {"PUT", "/Patient?identifier=x", Interaction::update, "Patient", ""},
      {"PATCH", "/Patient/1", Interaction::patch, "Patient", "1"},
      {"DELETE", "/Patient/1", Interaction::remove, "Patient", "1"},
      {"DELETE", "/Patient?identifier=x", Interaction::remove, "Patient", ""},
      {"POST", "/", Interaction::batch, "", ""},
      {"GET", "/metadata", Interaction::capabilities, "", ""},
      {"OPTIONS", "/Patient/1", Interaction::capabilities, "", ""},
      {"GET", "/Patient/1/$everything", Interaction::operation, "Patient", "1"},
      {"GET", "/Patient/1/%24everything", Interaction::operation, "Patient", "1"},
      {"POST", "/Patient/$match", Interaction::operation, "Patient", ""},
      {"GET", "/$export", Interaction::operation, "", ""},
  };
  for (const auto& c : kCases) {
    const FhirRequest request = parsed(c.target, c.method);
    EXPECT_EQ(request.interaction, c.interaction) << c.method << " " << c.target << " " << name(request.interaction);
    EXPECT_EQ(request.type, c.type) << c.target;
    EXPECT_EQ(request.id, c.id) << c.target;
  }
  EXPECT_EQ(parsed("/Patient/1/Observation").compartment_id, "1");
  EXPECT_EQ(parsed("/Patient/1/_history/7").version, "7");
}

TEST(FhirRequest, RefusesWhatIsAmbiguous) {
  const struct {
    const char *method, *target;
  } kBad[] = {
      {"GET", "//Patient/1"},
      {"GET", "/Patient//1"},
      {"GET", "/Patient/1/"},
      {"GET", "/Patient/"},
      {"GET", "/patient/1"},
      {"GET", "/Pateint/1"},
      {"GET", "/Patient/.."},
      {"GET", "/Patient/%2e%2e"},
      {"GET", "/Patient/./1"},
      {"GET", "/Patient%2f1"},
      {"GET", "/Patient/1%2fObservation"},
      {"GET", "/Patient/1%00"},
      {"GET", "/Patient/%"},
      {"GET", "/Patient/%4"},
      {"GET", "/Patient/%zz"},
      {"GET", "/Patient/%2531"},
      {"GET", "/Patient/a%20b"},
      {"GET", "/Patient/1;x=1"},
      {"GET", "/Patient\\1"},
      {"GET", "/Patient/1#x"},
      {"GET", "/Patient/1/Observation/2"},
      {"GET", "/Patient/1/_history/2/3"},
      {"GET", "/Patient/1/_search"},
      {"GET", "/Patient/_search"},
      {"GET", "/a/b/c/d/e/f"},
      {"POST", "/Patient/1"},
      {"PUT", "/"},
      {"DELETE", "/Patient"},
      {"DELETE", "/"},
      {"TRACE", "/Patient/1"},
      {"get", "/Patient/1"},
      {"GET", "/Patient/$"},
      {"GET", "/x/$everything"},
      {"PUT", "/Patient/$match"},
      {"POST", "/metadata"},
      {"GET", "/Patient?na%2525me=x"},
      {"GET", "/Patient?name=%2541"},
      {"GET", "/Patient?=x"},
      {"GET", "/Patient?name:=x"},
      {"GET", "/Patient?name.=x"},
      {"GET", "/Patient?.name=x"},
      {"GET", "/Patient?na me=x"},
      {"GET", "/Patient?name=\xc3\xa9"},
      {"GET", "/Patient?name=%ff"},
      {"GET", "/Patient?name=%0a"},
      {"GET", "/Patient?name%00=x"},
      {"GET", "/Patient/12345678901234567890123456789012345678901234567890123456789012345"},
  };
  for (const auto& c : kBad) {
    auto request = parse_request({.method = c.method, .target = c.target}, Limits{});
    ASSERT_FALSE(request.ok()) << c.method << " " << c.target;
    EXPECT_EQ(request.error().code, Code::invalid_argument);
  }
  std::string many = "/Patient?";
  for (int k = 0; k < 300; ++k) many += "name=x&";
  EXPECT_FALSE(parse_request({.method = "GET", .target = many}, Limits{}).ok());
}

TEST(FhirRequest, DecodesParameters) {
  const FhirRequest request =
      parsed("/Patient?name:exact=O%27Neil+B%26&subject:Patient.name.family=x&_has:Observation:patient:code=1234&flag");
  ASSERT_EQ(request.parameters.size(), 4u);
  EXPECT_EQ(request.parameters[0].name, "name");
  EXPECT_EQ(request.parameters[0].modifier, "exact");
  EXPECT_EQ(request.parameters[0].value, "O'Neil B&");
  EXPECT_EQ(request.parameters[1].name, "subject");
  EXPECT_EQ(request.parameters[1].modifier, "Patient");
  EXPECT_EQ(request.parameters[1].chain, "name.family");
  EXPECT_EQ(request.parameters[2].name, "_has");
  EXPECT_EQ(request.parameters[2].chain, "Observation:patient:code");
  EXPECT_EQ(request.parameters[3].name, "flag");
  EXPECT_EQ(parsed("/Patient?name=50%25+off").parameters[0].value, "50% off");
}

TEST(FhirRequest, ReadsFormsAndConditions) {
  auto form = parse_request({.method = "POST",
                             .target = "/Patient/_search?name=a",
                             .content_type = "application/x-www-form-urlencoded; charset=utf-8",
                             .form = "birthdate=1960"},
                            Limits{});
  ASSERT_TRUE(form.ok());
  ASSERT_EQ(form->parameters.size(), 2u);
  EXPECT_EQ(form->parameters[1].name, "birthdate");
  EXPECT_FALSE(parse_request({.method = "POST", .target = "/Patient/_search", .content_type = "application/json", .form = "birthdate=1960"},
                             Limits{})
                   .ok());
  EXPECT_FALSE(
      parse_request({.method = "POST", .target = "/Patient", .content_type = "application/x-www-form-urlencoded", .form = "birthdate=1960"},
                    Limits{})
          .ok());
  auto create = parse_request({.method = "POST", .target = "/Patient", .if_none_exist = "identifier=x"}, Limits{});
  ASSERT_TRUE(create.ok());
  EXPECT_EQ(create->parameters.at(0).name, "identifier");
  EXPECT_TRUE(create->writes());
}

TEST(FhirRequest, RefusesFormatsThatCannotBeFiltered) {
  const struct {
    const char *target, *accept;
    bool good;
  } kCases[] = {
      {"/Patient", "", true},
      {"/Patient", "application/fhir+json", true},
      {"/Patient", "application/fhir+xml, application/fhir+json;q=0.5", true},
      {"/Patient", "text/html,*/*;q=0.8", true},
      {"/Patient", "application/fhir+xml", false},
      {"/Patient", "text/turtle", false},
      {"/Patient", "text/html", false},
      {"/Patient?_format=json", "text/html", true},
      {"/Patient?_format=application/fhir+json", "", true},
      {"/Patient?_format=application/fhir%2Bjson;fhirVersion=4.0", "", true},
      {"/Patient?_format=xml", "", false},
      {"/Patient?_format=ttl", "", false},
      {"/Patient?_format=json&_format=xml", "", false},
      {"/Patient?_format=application/json/xml", "", false},
  };
  for (const auto& c : kCases) {
    auto request = parse_request({.method = "GET", .target = c.target, .accept = c.accept}, Limits{});
    EXPECT_EQ(request.ok(), c.good) << c.target << " " << c.accept;
    if (!request.ok()) EXPECT_EQ(request.error().code, Code::failed_precondition);
  }
}

TEST(SearchRule, LooksOnlyWhereTheViewLooks) {
  const std::vector<std::string> patient{"name.family", "gender", "generalPractitioner"},
      observation{"code", "valueQuantity", "effective", "subject"}, note{"id", "type", "date", "content"}, practitioner{"name"};
  const TypeElements rows[] = {
      {"Patient", patient}, {"Observation", observation}, {"DocumentReference", note}, {"Practitioner", practitioner}};
  const auto filter = ElementFilter::compile(rows);
  ASSERT_TRUE(filter.ok());
  const struct {
    const char* target;
    const char* outside;  // null: inside
  } kCases[] = {
      {"/Patient?family=x", nullptr},
      {"/Patient?family:contains=x", nullptr},
      {"/Patient?gender=female&_id=1", nullptr},
      {"/Patient?birthdate=lt1960-01-01&_summary=count", "birthdate"},
      {"/Patient?name=x", "name"},
      {"/Patient?given=x", "given"},
      {"/Patient?identifier=x", "identifier"},
      {"/Patient?deceased=true", "deceased"},
      {"/Patient?active=true", nullptr},
      {"/Patient?unheard-of=1", "unheard-of"},
      {"/Patient?_text=x", "_text"},
      {"/Patient?_content=x", "_content"},
      {"/Patient?_filter=name%20eq%20x", "_filter"},
      {"/Patient?_query=x", "_query"},
      {"/Patient?_list=1", "_list"},
      {"/Patient?_tag=x", "_tag"},
      {"/Patient?_profile=x", "_profile"},
      {"/Patient?_source=x", "_source"},
      {"/Patient?_security=R", "_security"},
      {"/Patient?_lastUpdated=gt2026-01-01&_count=5&_elements=name&_total=accurate&_format=json&_pretty=true&_summary=true", nullptr},
      {"/Patient?_sort=family,-_lastUpdated", nullptr},
      {"/Patient?_sort=-birthdate", "_sort"},
      {"/Patient?_sort=family,birthdate", "_sort"},
      {"/Patient?_sort:desc=family", "_sort"},
      {"/Patient?_id.x=1", "_id"},
      {"/Encounter?status=finished", "type"},
      {"/Encounter/1", "type"},
      {"/Patient/1", nullptr},
      {"/Patient/1/_history", nullptr},
      // chains
      {"/Observation?subject:Patient.family=x", nullptr},
      {"/Observation?subject:Patient.birthdate=1960", "subject"},
      {"/Observation?subject.family=x", "subject"},
      {"/Observation?patient.family=x", nullptr},
      {"/Observation?patient.given=x", "patient"},
      {"/Patient?general-practitioner:Practitioner.name=x", nullptr},
      {"/Patient?general-practitioner:Practitioner.identifier=x", "general-practitioner"},
      {"/Patient?general-practitioner.name=x", "general-practitioner"},
      {"/Patient?organization:Organization.name=x", "organization"},
      {"/Observation?subject:Patient.general-practitioner:Practitioner.name=x", nullptr},
      {"/Observation?subject:identifier=x", "subject"},
      {"/Observation?code:text=x", nullptr},
      {"/Observation?value-quantity=gt5", "value-quantity"},
      {"/Observation?value-string=x", "value-string"},
      {"/Observation?code-value-quantity=x", "code-value-quantity"},
      {"/Observation?combo-code=x", "combo-code"},
      {"/Observation?date=2026", nullptr},
      {"/Observation?performer=Practitioner/1", "performer"},
      // whose record it is isn't the view's question
      {"/DocumentReference?patient=1", nullptr},
      {"/DocumentReference?patient=Patient/1&type=x", nullptr},
      {"/DocumentReference?subject=Patient/1", nullptr},
      {"/DocumentReference?subject:Patient=1", nullptr},
      {"/DocumentReference?patient=1,2", "patient"},
      {"/DocumentReference?patient:not=1", "patient"},
      {"/DocumentReference?patient:missing=true", "patient"},
      {"/DocumentReference?subject=Group/1", "subject"},
      {"/DocumentReference?patient.family=x", "patient"},
      {"/DocumentReference?author=Patient/1", "author"},
      {"/DocumentReference?contenttype=text/plain", nullptr},
      {"/DocumentReference?description=x", "description"},
      {"/Patient/1/Observation?code=x", nullptr},
      {"/Patient/1/Observation?status=final", nullptr},
      {"/Patient/1/Observation?category=lab", "category"},
      // reverse chains and includes
      {"/Patient?_has:Observation:patient:code=1", nullptr},
      {"/Patient?_has:Observation:patient:category=1", "_has"},
      {"/Patient?_has:DocumentReference:patient:type=1", "_has"},
      {"/Patient?_has:Encounter:patient:status=1", "_has"},
      {"/Patient?_has:Observation:code:code=1", "_has"},
      {"/Patient?_has:Observation:patient=1", "_has"},
      {"/Patient?_has:Observation:patient:_has:Encounter:diagnosis:status=1", "_has"},
      {"/Observation?_include=Observation:subject", nullptr},
      {"/Observation?_include=Observation:subject:Patient", nullptr},
      {"/Observation?_include=Observation:subject:Group", "_include"},
      {"/Observation?_include=Observation:performer", "_include"},
      {"/Observation?_include=*", "_include"},
      {"/Observation?_include=Observation:*", "_include"},
      {"/Observation?_include:iterate=Patient:general-practitioner", nullptr},
      {"/Patient?_revinclude=Observation:patient", nullptr},
      {"/Patient?_revinclude=DocumentReference:patient", "_revinclude"},
      {"/Patient?_revinclude=Encounter:patient", "_revinclude"},
      // the whole system
      {"/?_type=Patient&_id=1", nullptr},
      {"/?family=x", "family"},
      {"/_history", nullptr},
      {"/Patient/1/$everything?_since=2026-01-01", nullptr},
      {"/Patient/$match", "$match"},
      {"/$export", "$export"},
      {"/metadata", nullptr},
      {"?_getpages=abc&_getpagesoffset=10&_count=10", nullptr},
  };
  for (const auto& c : kCases) {
    const auto outside = outside_view(parsed(c.target), *filter);
    EXPECT_EQ(outside.value_or("inside"), c.outside != nullptr ? c.outside : "inside") << c.target;
    const bool labels = std::string_view(c.target).find("_security") != std::string_view::npos;
    EXPECT_EQ(outside_view(parsed(c.target), ElementFilter::full()).has_value(), labels) << c.target;
  }
  for (const char* target : {"/DocumentReference?security-label=R", "/Patient?_has:DocumentReference:patient:security-label=R",
                             "/Composition?confidentiality=R", "/Patient?_filter=_security%20eq%20R", "/?_security:not=N"})
    EXPECT_TRUE(outside_view(parsed(target), ElementFilter::full()).has_value()) << target;
  auto form = parse_request(
      {.method = "POST", .target = "/Patient/_search", .content_type = "application/x-www-form-urlencoded", .form = "birthdate=1960"},
      Limits{});
  ASSERT_TRUE(form.ok());
  EXPECT_EQ(outside_view(*form, *filter), "birthdate");
  auto create = parse_request({.method = "POST", .target = "/Patient", .if_none_exist = "birthdate=1960"}, Limits{});
  ASSERT_TRUE(create.ok());
  EXPECT_EQ(outside_view(*create, *filter), "birthdate");
}

TEST(FhirRequest, SaysWhoseRecordWhereItIsEvident) {
  const struct {
    const char* target;
    const char* patient;  // null: not evident
  } kCases[] = {
      {"/Patient/1", "1"},
      {"/Patient/1/_history/2", "1"},
      {"/Patient/1/$everything", "1"},
      {"/Patient/1/Observation", "1"},
      {"/Patient?_id=1", "1"},
      {"/Observation?patient=1", "1"},
      {"/Observation?patient=Patient/1", "1"},
      {"/Observation?subject=Patient/1", "1"},
      {"/Observation?subject:Patient=1", "1"},
      {"/Coverage?beneficiary=Patient/1", "1"},
      {"/Appointment?actor=Patient/1", "1"},
      {"/Observation?patient=1&subject=Patient/1", "1"},
      {"/Observation?patient=1&subject=Patient/2", nullptr},
      {"/Patient/1/Observation?patient=2", nullptr},
      {"/Observation?patient=1,2", nullptr},
      {"/Observation?subject=1", nullptr},
      {"/Observation?subject=Group/1", nullptr},
      {"/Observation?patient.name=x", nullptr},
      {"/Observation?patient:not=1", nullptr},
      {"/Observation?performer=Patient/1", nullptr},
      {"/Observation/1", nullptr},
      {"/Patient?name=x", nullptr},
      {"/Observation?patient=https://ehr.example/Patient/1", nullptr},
  };
  for (const auto& c : kCases) EXPECT_EQ(patient_of(parsed(c.target)).value_or("?"), c.patient != nullptr ? c.patient : "?") << c.target;
}

TEST(SearchTable, CoversTheCommonTypes) {
  EXPECT_EQ(search_paths("Patient", "family"), (std::vector<std::string_view>{"name.family"}));
  EXPECT_EQ(search_paths("Observation", "value-quantity"), (std::vector<std::string_view>{"valueQuantity", "valueSampledData"}));
  EXPECT_EQ(search_targets("Observation", "patient"), (std::vector<std::string_view>{"Patient"}));
  EXPECT_TRUE(search_paths("Patient", "nothing").empty());
}

}  // namespace
}  // namespace licet::codec
