#include "gate/audit_event.h"

#include "codec/fhir.h"
#include "gate/exchange.h"

namespace licet::gate {
namespace {

void coding(std::string& out, std::string_view system, std::string_view code) {
  out += R"({"system":")";
  out += system;
  out += R"(","code":")";
  out += code;
  out += R"("})";
}

constexpr std::string_view kDcm = "http://dicom.nema.org/resources/ontology/DCM";

// BALP: for a read the client is the destination and the server the source; for a query the roles flip.
void agent(std::string& out, std::string_view dcm_role, std::string_view id, bool requestor) {
  out += R"({"type":{"coding":[)";
  coding(out, kDcm, dcm_role);
  out += R"(]},"who":{"identifier":{"value":)";
  codec::append_json_string(out, id);
  out += R"(}},"requestor":)";
  out += requestor ? "true" : "false";
  out += R"(,"network":{"type":"5"}})";
}

}  // namespace

std::string audit_event(const Exchange& x) {
  const bool query = x.located_.action == license::Action::search;
  std::string out = R"({"resourceType":"AuditEvent","type":)";
  coding(out, "http://terminology.hl7.org/CodeSystem/audit-event-type", "rest");
  out += R"(,"subtype":[)";
  coding(out, "http://hl7.org/fhir/restful-interaction", query ? "search-type" : license::name(x.located_.action));
  out += R"(],"action":")";
  switch (x.located_.action) {
    case license::Action::read:
      out += 'R';
      break;
    case license::Action::search:
    case license::Action::send:
      out += 'E';
      break;
    case license::Action::create:
      out += 'C';
      break;
    case license::Action::update:
      out += 'U';
      break;
    case license::Action::remove:
      out += 'D';
      break;
  }
  out += R"(","recorded":")" + format(x.begun_) + R"(","outcome":"0","purposeOfEvent":[{"coding":[)";
  coding(out, "http://terminology.hl7.org/CodeSystem/v3-ActReason",
         x.located_.purpose.known() ? x.policy_->table->purpose_code(x.located_.purpose) : std::string_view("unknown"));
  out += R"(]}],"agent":[)";
  const std::string_view client = x.who_.client.empty() ? x.who_.actor : x.who_.client;
  const std::string_view server = x.route_->serves.empty() ? x.route_->reaches : x.route_->serves;
  agent(out, query ? "110153" : "110152", client, x.who_.client.empty());
  out += ',';
  agent(out, query ? "110152" : "110153", server, false);
  if (!x.who_.client.empty()) {
    out += R"(,{"type":{"coding":[)";
    coding(out, "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP");
    out += R"(]},"who":{"identifier":{"value":)";
    codec::append_json_string(out, x.who_.actor);
    out += R"(}},"requestor":true})";
  }
  out += R"(],"source":{"observer":{"display":"licet"}},"entity":[)";
  for (const std::string& id : x.kept_patients_) {
    out += R"({"type":)";
    coding(out, "http://terminology.hl7.org/CodeSystem/audit-entity-type", "1");
    out += R"(,"role":)";
    coding(out, "http://terminology.hl7.org/CodeSystem/object-role", "1");
    out += R"(,"what":{"reference":)";
    codec::append_json_string(out, "Patient/" + id);
    out += "}},";
  }
  out += R"({"type":)";
  coding(out, "http://terminology.hl7.org/CodeSystem/audit-entity-type", "2");
  out += R"(,"role":)";
  coding(out, "http://terminology.hl7.org/CodeSystem/object-role", query ? "24" : "4");
  const std::string request = x.request_.method + " " + x.located_.target;
  if (query)
    out += R"(,"query":")" + base64(as_bytes(request)) + '"';
  else {
    out += R"(,"what":{"reference":)";
    codec::append_json_string(out, x.located_.fhir.type + "/" + x.located_.fhir.id);
    out += '}';
  }
  out += R"(},{"type":)";
  coding(out, "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId");
  out += R"(,"what":{"identifier":{"value":")" + x.id_ + R"("}}}]})";
  return out;
}

}  // namespace licet::gate
