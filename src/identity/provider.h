// Log-in at an identity provider: OpenID Connect's authorization code flow with PKCE, seen from the relying party.
//
//   Provider provider({.issuer = "https://id.example", .client = "licet-console", .secret = "…", .outbound = &outbound, .random =
//   &random}); auto begun = co_await provider.begin("https://licet.example/oidc/callback", now);
//   // 303 to begun->url, with begun->state in a cookie of this browser …
//   auto who = co_await provider.finish(cookie, query_state, query_code, query_iss, now);
//   who->subject, who->mfa                      // then Accounts::by_subject(issuer, subject)
//
// What is held against an attacker: state is bound to the browser by a cookie (RFC 6749 §10.12) and counts once, within 10 minutes; the
// nonce ties the ID token to this log-in; PKCE S256 ties the code to us (RFC 7636); `iss` of the answer, where given, must be the provider
// (RFC 9207); the ID token must be signed by a key of the provider's set, be for us alone, and be neither old nor of tomorrow. Nothing that
// the provider says decides what somebody may do: the account's role does.
//
// Any thread; inside a Task on an I/O thread. Errors: permission_denied (this log-in does not hold; the message says which check, and no
// byte of a token), unavailable (the provider does not answer, or another log-in is under way too often). Source: OpenID Connect Core 3.1.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/outbound.h"
#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"

namespace licet::identity {

class Provider {
 public:
  struct Options {
    std::string issuer;  // as it writes `iss`; its configuration is at ISSUER/.well-known/openid-configuration
    std::string client, secret;
    Outbound* outbound = nullptr;  // may reach the issuer's origin; outlives this, as `random` does
    Random* random = nullptr;
    std::chrono::seconds skew{5}, oldest{600};
  };
  explicit Provider(Options options) : options_(std::move(options)) {}

  struct Begun {
    std::string url, state;
  };
  struct Known {
    std::string subject;
    bool mfa = false;  // the provider says that a second factor was used (acr, amr)
  };
  [[nodiscard]] Task<Result<Begun>> begin(std::string redirect, Micros now);
  [[nodiscard]] Task<Result<Known>> finish(std::string cookie, std::string state, std::string code, std::string iss, Micros now);

  static constexpr std::size_t kMostPending = 256;
  static constexpr std::chrono::minutes kPending{10};

 private:
  struct Pending {
    std::string nonce, verifier, redirect;
    Micros until{};
  };
  struct Endpoints {
    std::string authorization, token, keys;
  };
  [[nodiscard]] Task<Result<Endpoints>> discover();
  [[nodiscard]] std::string random_text();

  Options options_;
  std::mutex mutex_;
  std::map<std::string, Pending, std::less<>> pending_;  // by state
};

}  // namespace licet::identity
