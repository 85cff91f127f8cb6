#include "identity/exchange_request.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/bytes.h"
#include "identity/internal/json.h"

namespace licet::identity {
namespace {

constexpr std::string_view kGrant = "urn:ietf:params:oauth:grant-type:token-exchange";
constexpr std::string_view kTxnToken = "urn:ietf:params:oauth:token-type:txn_token";
constexpr std::string_view kAccessToken = "urn:ietf:params:oauth:token-type:access_token";
constexpr std::string_view kJwt = "urn:ietf:params:oauth:token-type:jwt";
constexpr std::string_view kAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
constexpr std::size_t kParametersMost = 32, kTextMost = 500;

Error bad(std::string why) {
  return {Code::invalid_argument, std::move(why)};
}

using Form = std::map<std::string, std::string, std::less<>>;

// application/x-www-form-urlencoded, percent-encoded UTF-8 without control characters. False: not that.
bool decode(std::string_view in, std::string& out) {
  for (std::size_t i = 0; i < in.size(); ++i) {
    char c = in[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      const auto byte = unhex(in.substr(i + 1, 2));
      if (!byte || byte->size() != 1) return false;
      c = byte->front();
      i += 2;
    } else if (c == '=' || static_cast<unsigned char>(c) >= 0x7f || static_cast<unsigned char>(c) <= 0x20) {
      return false;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
    out += c;
  }
  return true;
}

Result<Form> read_form(std::string_view body) {
  Form out;
  std::size_t number = 0;
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), pair.size() + 1));
    if (++number > kParametersMost) return bad("more than 32 parameters");
    const std::size_t equals = pair.find('=');
    std::string name, value;
    if (equals == 0 || equals == std::string_view::npos || !decode(pair.substr(0, equals), name) || !decode(pair.substr(equals + 1), value))
      return bad("parameter " + std::to_string(number) + " is not form-encoded");
    if (!out.try_emplace(std::move(name), std::move(value)).second) return bad("parameter " + std::to_string(number) + " stands twice");
  }
  std::erase_if(out, [](const auto& p) { return p.second.empty(); });  // RFC 6749 §3.2: as if omitted
  return out;
}

// JSON as such, or its base64url.
Result<Json> read_object(std::string_view name, std::string_view text) {
  std::string decoded;
  if (!text.starts_with('{')) {
    auto plain = unbase64url(text);
    if (!plain) return bad(std::string(name) + " is neither a JSON object nor its base64url");
    decoded = *std::move(plain);
    text = decoded;
  }
  auto object = Json::parse(text);
  if (!object) return bad(std::string(name) + ": " + object.error().message);
  if (!object->is(Json::Kind::object)) return bad(std::string(name) + " is not an object");
  return object;
}

Result<std::string> purpose_of(const Json& value) {
  const Json* code = &value;
  std::string_view system;
  if (value.is(Json::Kind::object)) {
    code = value.get("code");
    const std::string* const named = value.string("system");
    if (named == nullptr || code == nullptr || value.names.size() != 2) return bad("request_details.purpose is not {system, code}");
    system = *named;
  }
  if (!code->is(Json::Kind::string)) return bad("request_details.purpose is not a code");
  std::string known = purpose_code(system, code->text);
  if (known.empty()) return bad("request_details.purpose is not one that we know");
  return known;
}

Result<void> read_details(const Json& details, ExchangeRequest& out) {
  for (std::size_t i = 0; i < details.names.size(); ++i) {
    const std::string& name = details.names[i];
    const Json& value = details.items[i];
    if (name == "purpose") {
      LICET_TRY(purpose, purpose_of(value));
      out.purpose = std::move(purpose);
      continue;
    }
    const bool text = value.is(Json::Kind::string) && !value.text.empty() && value.text.size() <= kTextMost;
    std::string* const place = name == "route"     ? &out.route
                               : name == "method"  ? &out.method
                               : name == "path"    ? &out.path
                               : name == "patient" ? &out.patient.reveal()
                               : name == "reason"  ? &out.reason
                                                   : nullptr;
    if (place == nullptr) return bad("request_details has a member that is not one of route, purpose, method, path, patient, reason");
    if (!text) return bad("request_details." + name + " is not a text of 1 to 500 bytes");
    *place = value.text;
  }
  return {};
}

// "ROUTE PURPOSE": the same as in the details, or instead of them.
Result<void> read_scope(std::string_view scope, ExchangeRequest& out) {
  const std::size_t space = scope.find(' ');
  if (space == std::string_view::npos || scope.find(' ', space + 1) != std::string_view::npos) return bad("scope is not `ROUTE PURPOSE`");
  const std::string_view route = scope.substr(0, space);
  const std::string purpose = purpose_code({}, scope.substr(space + 1));
  if (route.empty() || purpose.empty()) return bad("scope is not `ROUTE PURPOSE` with a purpose that we know");
  if ((!out.route.empty() && out.route != route) || (!out.purpose.empty() && out.purpose != purpose))
    return bad("scope and request_details differ");
  out.route = route;
  out.purpose = purpose;
  return {};
}

bool is_form(std::string_view content_type) {
  constexpr std::string_view kForm = "application/x-www-form-urlencoded";
  if (content_type.size() < kForm.size()) return false;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const char c = content_type[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kForm[i]) return false;
  }
  return content_type.size() == kForm.size() || content_type[kForm.size()] == ';' || content_type[kForm.size()] == ' ';
}

struct Spelled {
  const char* word;
  int status;
};
Spelled spelled(Code code) {
  switch (code) {
    case Code::invalid_argument:
    case Code::exhausted:
    case Code::already_exists:
      return {"invalid_request", 400};
    case Code::failed_precondition:
      return {"unsupported_grant_type", 400};
    case Code::not_found:
      return {"invalid_target", 400};
    case Code::permission_denied:
      return {"invalid_grant", 400};
    case Code::unavailable:
    case Code::cancelled:
      return {"temporarily_unavailable", 503};
    case Code::data_loss:
    case Code::internal:
      return {"server_error", 500};
  }
  return {"server_error", 500};
}

}  // namespace

Result<ExchangeRequest> parse_exchange(std::string_view body, std::string_view content_type, std::size_t most) {
  if (!is_form(content_type)) return bad("the body is not application/x-www-form-urlencoded");
  if (body.size() > most * 4) return Error{Code::exhausted, "the body is too long"};
  LICET_TRY(form, read_form(body));
  const auto get = [&form](std::string_view name) {
    const auto at = form.find(name);
    return at == form.end() ? std::string_view() : std::string_view(at->second);
  };

  // Is it the one exchange that we make?
  if (get("grant_type").empty()) return bad("grant_type is missing");
  if (get("grant_type") != kGrant) return Error{Code::failed_precondition, "grant_type is not token-exchange"};
  if (get("requested_token_type") != kTxnToken) return bad("requested_token_type is not txn_token");
  if (!get("actor_token").empty() || !get("actor_token_type").empty()) return bad("actor_token is not supported");
  if (!get("resource").empty()) return Error{Code::not_found, "resource is not supported: say the route"};

  // Who speaks?
  ExchangeRequest out;
  out.subject_token = get("subject_token");
  out.client_assertion = get("client_assertion");
  out.audience = get("audience");
  const std::string_view type = get("subject_token_type");
  if (out.subject_token.empty() != type.empty()) return bad("subject_token and subject_token_type go together");
  if (!type.empty() && type != kAccessToken && type != kJwt) return bad("subject_token_type is not access_token or jwt");
  if (out.client_assertion.empty() != get("client_assertion_type").empty()) return bad("client_assertion and its type go together");
  if (!out.client_assertion.empty() && get("client_assertion_type") != kAssertion) return bad("client_assertion_type is not jwt-bearer");
  if (out.subject_token.size() > most || out.client_assertion.size() > most) return Error{Code::exhausted, "a token is too long"};

  // For what?
  if (const std::string_view details = get("request_details"); !details.empty()) {
    LICET_TRY(object, read_object("request_details", details));
    LICET_TRY_VOID(read_details(object, out));
  }
  if (const std::string_view context = get("request_context"); !context.empty()) {
    LICET_TRY(object, read_object("request_context", context));
    static_cast<void>(object);  // only its form is of interest
  }
  if (const std::string_view scope = get("scope"); !scope.empty()) LICET_TRY_VOID(read_scope(scope, out));
  if (out.route.empty() || out.purpose.empty()) return bad("request_details or scope must say route and purpose");
  if ((out.purpose == "BTG") == out.reason.empty()) return bad("BTG needs a reason, and nothing else takes one");
  return out;
}

std::string oauth_error(const Error& error) {
  const Spelled s = spelled(error.code);
  std::string out = std::string("{\"error\":\"") + s.word + "\"";
  if (s.status == 400) out += ",\"error_description\":" + json_string(error.message);
  return out += "}";
}

int oauth_status(const Error& error) {
  return spelled(error.code).status;
}

std::string exchanged(std::string_view token, std::chrono::seconds life) {
  return "{\"access_token\":" + json_string(token) + ",\"issued_token_type\":" + json_string(kTxnToken) +
         ",\"token_type\":\"N_A\",\"expires_in\":" + std::to_string(life.count()) + "}";
}

std::string purpose_code(std::string_view system, std::string_view code) {
  constexpr std::array<std::string_view, 5> kHl7 = {"", "http://terminology.hl7.org/CodeSystem/v3-ActReason", "2.16.840.1.113883.5.8",
                                                    "urn:oid:2.16.840.1.113883.5.8", "http://hl7.org/fhir/v3/ActReason"};
  constexpr std::string_view kOurs = "licet";
  if (code.empty() || code.size() > 64) return {};
  const bool plain =
      std::all_of(code.begin(), code.end(), [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; });
  const auto is_ours = [](std::string_view c) {
    return !c.empty() &&
           std::all_of(c.begin(), c.end(), [](char x) { return (x >= 'a' && x <= 'z') || (x >= '0' && x <= '9') || x == '-'; });
  };
  if (system == kOurs && is_ours(code)) return "licet:" + std::string(code);
  if (std::find(kHl7.begin(), kHl7.end(), system) == kHl7.end()) return {};
  if (system.empty() && code.starts_with("licet:") && is_ours(code.substr(6))) return std::string(code);
  return plain ? std::string(code) : std::string();
}

}  // namespace licet::identity
