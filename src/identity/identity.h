// Identity: who is asking. It turns what a request presents into a Caller that the declaration knows, or refuses.
//
//   auto directory = std::make_shared<Directory>();
//   LICET_TRY_VOID(directory->add_system("scribe", {.mtls_san = "scribe.example"}));
//   LICET_TRY_VOID(directory->add_system("scribe", {.issuer = "https://id.example", .client = "scribe"}));
//   LICET_TRY_VOID(directory->add_person("dr-lee", "https://id.example", "dr-lee"));
//   Identity identity(std::move(options));
//   Credentials shown{.authorization = "Bearer eyJ…"};
//   auto caller = co_await identity.identify(std::move(shown), directory, epoch, accepts, now);
//
// Which credential counts: the transaction token, else the access token, else the certificate; a kind that the route does not accept is
// not looked at, and one that is accepted, presented and wrong refuses the request, whatever else was presented. A certificate that names
// a system beside a token of another system refuses, too.
//
// Access tokens are RFC 9068 (typ at+jwt; iss, aud, sub, exp, iat, client_id or azp). sub = client_id is a system. Otherwise sub is a
// person of the directory, who acts through a declared system; or, where the client is a patient's app (add_app), the patient of the
// `patient` claim. A claim `purpose_of_use` (code, {system, code}, or an array of them) gives purposes; where it is present but says none
// that we know, the token is refused (it must not fall back to a wider choice). BTG never comes from an access token.
//
// Errors of identify: permission_denied (no or no good credential: `no-identity`), failed_precondition (a transaction token that names
// another node: 421), unavailable (the issuer's keys can't be had: `no-identity`). Messages hold nothing that a token said.
//
// Thread rule: Identity from any I/O thread; it outlives the Tasks. Directory is filled by one thread, then shared as const.
// Sources: RFC 6750, 7519, 7523, 8693, 8725, 9068; SMART App Launch 2.2; 45 CFR 164.312(d). Design §8.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/outbound.h"
#include "base/phi.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "crypto/crypto.h"

namespace licet::identity {

// What a request presents. `mtls_certified`: the TLS layer has verified the chain; the names are the leaf's subjectAltNames.
struct Credentials {
  std::string authorization;  // the field's value
  std::string txn_token;      // of Txn-Token
  bool mtls_certified = false;
  std::vector<std::string> dns_names, uris;
};

// What the route accepts.
struct Accepts {
  bool transaction_token = false;
  bool mtls = false;
  bool oidc = false;
};

enum class CallerKind : std::uint8_t { system, person, patient };
[[nodiscard]] std::string_view name(CallerKind kind);

struct Caller {
  CallerKind kind{};
  std::string system;                 // the client: always a declared system or app
  std::string person;                 // kind person
  Phi<std::string> patient;           // kind patient, from an access token: the id at the record's holder
  std::string patient_blind;          // from a transaction token: whom it is limited to, blind (hex); empty: nobody in particular
  std::string purpose;                // a code; empty: none said, or several (see `purposes`)
  std::vector<std::string> purposes;  // all that the credential allows; empty: it says nothing
  std::string purpose_source;         // "token" (transaction token) | "claim" (signed access token) | ""
  bool mfa = false;
  std::string scope;               // as in the token, space-separated
  std::string issuer;              // the declaration's name of it; empty: mTLS
  Micros expires = Micros::max();  // of the credential; max: mTLS
  std::optional<Digest> token;     // SHA-256 of the token, which is how it may be logged
  // bound by a transaction token, else empty:
  std::string txn;
  std::string route, method, path;
  std::string reason;  // BTG: what the person wrote
};
[[nodiscard]] Caller clone(const Caller& caller);

// One way for a system to prove itself: `mtls_san`, or `issuer` and `client`.
struct Proof {
  std::string mtls_san;  // a DNS name (without case, no wildcards), or a URI where it holds "://" (exact)
  std::string issuer, client;
};

// The declared proofs. Built once per epoch. errors of add_*: already_exists (the proof is another's), invalid_argument (incomplete).
class Directory {
 public:
  [[nodiscard]] Result<void> add_system(std::string id, Proof proof);
  // A patient's own app (`app`, for: individual): its tokens with a `patient` claim speak for that patient.
  [[nodiscard]] Result<void> add_app(std::string id, std::string issuer, std::string client);
  [[nodiscard]] Result<void> add_person(std::string id, std::string issuer, std::string subject);

  struct Client {
    std::string id;
    bool app = false;
  };
  [[nodiscard]] const Client* client(std::string_view issuer, std::string_view client) const;
  [[nodiscard]] const std::string* person(std::string_view issuer, std::string_view subject) const;
  [[nodiscard]] bool has_person(std::string_view id) const;
  // The system that the certificate's names stand for. not_found: none; permission_denied: several.
  [[nodiscard]] Result<std::string> by_certificate(const std::vector<std::string>& dns_names, const std::vector<std::string>& uris) const;

 private:
  using Pair = std::pair<std::string, std::string>;  // issuer, client or subject
  [[nodiscard]] Result<void> add_client(Pair key, Client client);
  std::map<Pair, Client> clients_;
  std::map<Pair, std::string> people_;
  std::map<std::string, std::string, std::less<>> names_;  // SAN → system
};

struct Issuer {
  std::string issuer;    // its name in the declaration
  std::string says;      // the `iss` of its tokens; empty: as `issuer`
  std::string jwks_url;  // https, or http to a loopback address; or else
  std::string jwks;      // the key set itself
  // The key set of one SMART Backend Services client (`says` = its client_id): it signs client assertions, never access tokens.
  bool client_assertions = false;
  // A claim that holds the person's id of the declaration (`licet_person`); empty: only (issuer, sub) is believed.
  std::string person_claim;
};

struct Minted;  // tokens.h

class Identity {
 public:
  struct Options {
    std::vector<Issuer> issuers;
    std::string audience;                        // what tokens must be for
    std::string node;                            // this node, in transaction tokens
    const crypto::P256Key* token_key = nullptr;  // of transaction tokens; null: none is accepted
    Outbound* outbound = nullptr;                // needed where an issuer has a jwks_url
    Limits limits;
    std::chrono::seconds skew = 5s;
    std::chrono::seconds keys_fresh = 10min;  // then fetched again …
    std::chrono::seconds keys_retry = 10s;    // … or sooner for an unknown kid, but no more often than this
    std::chrono::seconds keys_bound = 24h;    // last good keys while the issuer is down; then unavailable
    std::vector<std::string> mfa_acr = {"mfa", "phr", "phrh", "https://refeds.org/profile/mfa",
                                        "http://schemas.openid.net/pape/policies/2007/06/multi-factor"};
  };
  // errors: invalid_argument (an issuer that stands twice, has no keys, a bad key set or a plain http address elsewhere).
  [[nodiscard]] static Result<void> check(const Options& options);
  // The options have passed check(); an issuer that would not have is left without keys (unavailable).
  explicit Identity(Options options);
  ~Identity();
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  // `generation` is the epoch of `directory`: what was verified under another one is not used again.
  [[nodiscard]] Task<Result<Caller>> identify(Credentials credentials, std::shared_ptr<const Directory> directory, std::uint64_t generation,
                                              Accepts accepts, Micros now);

  // A transaction token that this process just signed, and will soon see once: it is then known by its SHA-256, which spares the
  // signature's verification and nothing else. Kept until it is seen or expires; forgetting one costs a verification, no more.
  void minted(const Minted& token);

  // SMART Backend Services (private_key_jwt, RFC 7523): iss = sub = the client, aud = the token endpoint, exp within 5 min, each jti once.
  // The jti set lives in memory: bounded by limits.token_cache (unavailable when full) and lost at a restart.
  [[nodiscard]] Task<Result<Caller>> identify_client(std::string assertion, std::shared_ptr<const Directory> directory,
                                                     std::string token_endpoint, Micros now);

 private:
  struct Inside;
  std::unique_ptr<Inside> in_;
};

}  // namespace licet::identity
