// POST /token: the form of RFC 8693 (as draft-ietf-oauth-transaction-tokens uses it), read strictly, and its OAuth answers.
//
//   LICET_TRY(ask, parse_exchange(body, content_type, limits.token_bytes));
//   … identify: ask.client_assertion, ask.subject_token or the certificate; decide; mint …
//   answer 200 exchanged(minted.token, 60s)          or          400/401 oauth_error(error)
//
//   grant_type            urn:ietf:params:oauth:grant-type:token-exchange
//   requested_token_type  urn:ietf:params:oauth:token-type:txn_token
//   subject_token, subject_token_type     an access token (…:access_token or …:jwt); left out where the certificate or the assertion speaks
//   audience              this gate, where given; the caller compares
//   client_assertion, client_assertion_type   …:client-assertion-type:jwt-bearer
//   request_details       JSON (or its base64url): {"route", "purpose" (code or {"system","code"}), "method"?, "path"?, "patient"?, "reason"?}
//   scope                 "ROUTE PURPOSE"; instead of, or the same as, the two in request_details
//   request_context       a JSON object; read for its form and not used
//
// Refused: a parameter twice, bad percent-encoding, control characters, unknown members of request_details, actor_token, resource. Other
// unknown parameters are ignored (RFC 6749 §3.2). Thread rule: free functions. Input: untrusted; bounded by `most` × 4; fuzz_jws reads it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/phi.h"
#include "base/result.h"

namespace licet::identity {

struct ExchangeRequest {
  std::string subject_token;     // empty: the certificate or the assertion speaks
  std::string client_assertion;  // empty: none
  std::string audience;          // empty: not said
  std::string route, purpose;    // both always set
  std::string method, path;
  Phi<std::string> patient;      // the id at the record's holder; empty: none
  std::string reason;
};

// errors: invalid_argument (invalid_request), failed_precondition (unsupported_grant_type), not_found (invalid_target), exhausted
// (too long). oauth_error() spells them.
[[nodiscard]] Result<ExchangeRequest> parse_exchange(std::string_view body, std::string_view content_type, std::size_t most);

// A JSON body. permission_denied is invalid_grant, unavailable temporarily_unavailable, internal and the like server_error.
[[nodiscard]] std::string oauth_error(const Error& error);
// 400, but 503 for unavailable and 500 for server_error.
[[nodiscard]] int oauth_status(const Error& error);
[[nodiscard]] std::string exchanged(std::string_view token, std::chrono::seconds life);

// The code of a (system, code) pair: HL7 v3-ActReason by any of its names (or no system) and our own "licet:…" codes; empty: not one that we
// know. Codes of other systems (NHIN's TREATMENT, PAYMENT, …) are a different vocabulary and never taken for HL7's.
[[nodiscard]] std::string purpose_code(std::string_view system, std::string_view code);

}  // namespace licet::identity
