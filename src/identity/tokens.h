// Transaction tokens (draft-ietf-oauth-transaction-tokens-10): one use, one route, one purpose, one node, at most 60 s.
//
//   TokenRequest ask{.audience = "https://gate.example", .node = "a", .route = "fhir-front", .purpose = "TREAT", .system = "ehr", …};
//   LICET_TRY(minted, mint(ask, key, now, random));          // minted.token goes to the client, which sends it back as Txn-Token
//   LICET_TRY(token, check(text, key, now, {.audience = "https://gate.example", .node = "a"}));
//
// Format: compact JWS, header {"alg":"ES256","typ":"txntoken+jwt"}, claims
//   iat exp        whole seconds
//   aud            the trust domain: the gate's audience
//   txn            16 random bytes, base64url. The ledger lets it pass once: it is spent with the exchange's first record
//   sub            the licensee: person or system; for a patient, "patient"
//   req_wl         the system that asked
//   scope          "ROUTE PURPOSE"
//   tctx           {kind, node, route, purpose, licensee, mfa, issuer?, patient? (blind, hex), method?, path?, reason? (BTG)}
// It never holds the token that it was exchanged for, and is not logged: its SHA-256 is.
//
// Thread rule: free functions, any thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/crypto.h"
#include "identity/identity.h"

namespace licet::identity {

struct TokenRequest {
  std::string audience, node, route, purpose;
  CallerKind kind{};
  std::string system, person;  // person: kind person only
  bool mfa = false;
  std::string issuer;        // who vouched; may be empty
  std::string patient;       // blind, hex; empty: not limited to one. A patient's own token needs it
  std::string method, path;  // path: a template, never with an id in it; empty: any
  std::string reason;        // needed for BTG, refused otherwise; ≤ 500 bytes
  std::chrono::seconds life = 60s;
};

struct Minted {
  std::string token;
  std::string txn;
  Micros expires;
};
// errors: invalid_argument (a part is missing, or a life outside 1–60 s).
[[nodiscard]] Result<Minted> mint(const TokenRequest& request, const crypto::P256Key& key, Micros now, Random& random);

struct TransactionToken {
  TokenRequest request;  // as minted
  std::string txn;
  Micros issued, expires;
};
struct CheckFor {
  std::string audience, node;
  std::string route;             // empty: the caller compares
  std::size_t most = 16 * 1024;  // bytes
  // True only where the caller knows, by the digest of all its bytes, that this process signed this token: then that isn't asked again.
  bool signed_here = false;
};
// errors: permission_denied (forged, malformed, for another audience or route, expired, from the future);
// failed_precondition (genuine and in time, but for another node: answer 421).
[[nodiscard]] Result<TransactionToken> check(std::string_view token, const crypto::P256Key& key, Micros now, const CheckFor& by);

}  // namespace licet::identity
