#include "identity/identity.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_map>

#include "identity/exchange_request.h"
#include "identity/internal/factors.h"
#include "identity/internal/json.h"
#include "identity/internal/key_source.h"
#include "identity/jose.h"
#include "identity/tokens.h"

namespace licet::identity {
namespace {

constexpr std::chrono::minutes kAssertionLifeMost{5};
constexpr std::size_t kTextMost = 512;        // of an id that a token says
constexpr std::size_t kMintedMost = 100'000;  // tokens that this process signed and has not seen: some 10 MB

Error refused(std::string_view why) {
  return {Code::permission_denied, std::string(why)};
}

Micros at(std::int64_t seconds) {
  return Micros(std::chrono::seconds(seconds));
}

struct OfDigest {
  std::size_t operator()(const Digest& digest) const {
    std::size_t out = 0;
    for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8 | std::to_integer<std::size_t>(digest[i]);
    return out;
  }
};

// "Bearer TOKEN" (RFC 6750 §2.1). Empty: anything else.
std::string_view bearer(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) return {};
  }
  return authorization.substr(kScheme.size());  // Jws::parse refuses what is no token, spaces among it
}

// exp, iat, nbf (RFC 7519 §4.1) with `skew`; nullptr, or what is wrong.
const char* untimely(const Json& claims, Micros now, std::chrono::seconds skew, bool needs_iat) {
  const auto exp = claims.seconds("exp"), iat = claims.seconds("iat"), nbf = claims.seconds("nbf");
  if (!exp || (needs_iat && !iat)) return "the token lacks exp or iat";
  if ((claims.get("iat") != nullptr && !iat) || (claims.get("nbf") != nullptr && !nbf)) return "the token has a bad iat or nbf";
  if (now >= at(*exp) + skew) return "the token has expired";
  if ((iat && at(*iat) > now + skew) || (nbf && at(*nbf) > now + skew)) return "the token is from the future";
  return nullptr;
}

bool meant_for(const Json& claims, std::string_view audience) {
  const auto aud = texts(claims, "aud");
  return aud && !audience.empty() && has(*aud, audience);
}

// The codes of `purpose_of_use` that we know, but BTG; nullopt: the claim is there and says none.
std::optional<std::vector<std::string>> purposes(const Json& claims) {
  const Json* const claim = claims.get("purpose_of_use");
  std::vector<std::string> out;
  if (claim == nullptr) return out;
  const auto add = [&out](const Json& one) {
    const std::string* system = nullptr;
    const std::string* code = one.is(Json::Kind::string) ? &one.text : nullptr;
    if (one.is(Json::Kind::object)) {
      system = one.string("system");
      code = one.string("code");
    }
    if (code == nullptr || (one.get("system") != nullptr && system == nullptr)) return;
    std::string known = purpose_code(system != nullptr ? std::string_view(*system) : std::string_view(), *code);
    if (!known.empty() && known != "BTG" && !has(out, known)) out.push_back(std::move(known));
  };
  if (claim->is(Json::Kind::array)) {
    for (const Json& one : claim->items) add(one);
  } else {
    add(*claim);
  }
  if (out.empty()) return std::nullopt;
  return out;
}

// `client_id` (RFC 9068) or `azp`; where both stand they agree. nullptr: neither, or they don't.
const std::string* client_of(const Json& claims) {
  const std::string* const id = claims.string("client_id");
  const std::string* const azp = claims.string("azp");
  if (claims.get("client_id") != nullptr && id == nullptr) return nullptr;
  if (id != nullptr && azp != nullptr && *id != *azp) return nullptr;
  return id != nullptr ? id : azp;
}

}  // namespace

struct Identity::Inside {
  struct Known {
    Issuer issuer;
    std::shared_ptr<KeySource> keys;  // null: its configuration is bad
  };
  struct Cached {
    std::uint64_t generation = 0;
    Micros until{};
    std::shared_ptr<const Caller> caller;
  };

  Options options;
  std::map<std::string, Known, std::less<>> by_iss;  // by `says`
  std::mutex mutex;
  std::unordered_map<Digest, Cached, OfDigest> cache;
  std::unordered_map<Digest, Micros, OfDigest> spent_jtis;  // until their assertion has expired
  std::unordered_map<Digest, Micros, OfDigest> minted;      // transaction tokens signed here and not seen yet: until they expire

  [[nodiscard]] Result<Caller> transaction(std::string_view token, Micros now);
  [[nodiscard]] Task<Result<Caller>> access(std::string token, std::shared_ptr<const Directory> directory, std::uint64_t generation,
                                            Micros now);
  [[nodiscard]] Result<Caller> claimed(const Json& claims, const Issuer& issuer, const Directory& directory, Micros now) const;
  [[nodiscard]] std::shared_ptr<const Caller> cached(const Digest& token, std::uint64_t generation, Micros now);
  void remember(const Digest& token, std::uint64_t generation, Micros now, std::shared_ptr<const Caller> caller);
  [[nodiscard]] Result<void> spend(const Digest& jti, Micros until, Micros now);
};

Result<void> Identity::check(const Options& options) {
  std::map<std::string, int> seen;
  for (const Issuer& issuer : options.issuers) {
    const auto bad = [&issuer](std::string_view why) {
      return Error{Code::invalid_argument, "issuer " + issuer.issuer + ": " + std::string(why)};
    };
    if (issuer.issuer.empty()) return bad("it has no name");
    if (seen[issuer.says.empty() ? issuer.issuer : issuer.says]++ > 0) return bad("another one says the same iss");
    if (issuer.jwks_url.empty() == issuer.jwks.empty()) return bad("it needs a jwks url or a key set, one of them");
    if (!issuer.jwks.empty()) {
      auto keys = KeySet::parse(issuer.jwks);
      if (!keys) return bad(keys.error().message);
      if (keys->size() == 0) return bad("its key set has no key that we take");
      continue;
    }
    if (!is_safe_url(issuer.jwks_url)) return bad("its jwks url is neither https nor http to this machine");
    if (options.outbound == nullptr) return bad("its jwks url can't be reached: no outbound");
  }
  return {};
}

Identity::Identity(Options options) : in_(std::make_unique<Inside>()) {
  in_->options = std::move(options);
  const Options& o = in_->options;
  for (const Issuer& issuer : o.issuers) {
    std::shared_ptr<KeySource> keys;
    if (!issuer.jwks.empty()) {
      if (auto given = KeySet::parse(issuer.jwks)) keys = std::make_shared<KeySource>(*std::move(given));
    } else if (is_safe_url(issuer.jwks_url)) {
      keys = std::make_shared<KeySource>(issuer.jwks_url, o.outbound, KeySource::Ages{o.keys_fresh, o.keys_retry, o.keys_bound});
    }
    in_->by_iss.try_emplace(issuer.says.empty() ? issuer.issuer : issuer.says, Inside::Known{issuer, std::move(keys)});
  }
}
Identity::~Identity() = default;

Task<Result<Caller>> Identity::identify(Credentials credentials, std::shared_ptr<const Directory> directory, std::uint64_t generation,
                                        Accepts accepts, Micros now) {
  // Whom does the certificate name? A chain that verified may still name nobody that is declared.
  std::optional<std::string> certified;
  if (accepts.mtls && credentials.mtls_certified) {
    auto system = directory->by_certificate(credentials.dns_names, credentials.uris);
    if (system) {
      certified = *std::move(system);
    } else if (system.error().code != Code::not_found) {
      co_return std::move(system).error();
    }
  }

  // Whom does the token name? The narrower one counts; beyond this point a token that was presented and is accepted has verified.
  std::optional<Caller> caller;
  if (accepts.transaction_token && !credentials.txn_token.empty()) {
    LICET_CO_TRY(named, in_->transaction(credentials.txn_token, now));
    caller = std::move(named);
  } else if (accepts.oidc && !credentials.authorization.empty()) {
    std::string token(bearer(credentials.authorization));
    if (token.empty()) co_return refused("Authorization is no bearer token");
    LICET_CO_TRY(named, co_await in_->access(std::move(token), directory, generation, now));
    caller = std::move(named);
  }

  if (caller && certified && caller->system != *certified) co_return refused("the certificate and the token name different systems");
  if (caller) co_return std::move(*caller);
  if (!certified) co_return refused("no credential that this route accepts");
  Caller system;
  system.kind = CallerKind::system;
  system.system = *std::move(certified);
  co_return system;
}

void Identity::minted(const Minted& token) {
  Inside& in = *in_;
  const std::lock_guard lock(in.mutex);
  if (in.minted.size() >= kMintedMost) in.minted.clear();
  in.minted.emplace(crypto::sha256(token.token), token.expires);
}

Result<Caller> Identity::Inside::transaction(std::string_view token, Micros now) {
  if (options.token_key == nullptr) return refused("no transaction tokens here");
  CheckFor by{.audience = options.audience, .node = options.node, .route = {}, .most = options.limits.token_bytes};
  if (token.size() > by.most) return refused("the token is too long");
  const Digest digest = crypto::sha256(token);
  {
    const std::lock_guard guard(mutex);
    by.signed_here = minted.erase(digest) > 0;
  }
  LICET_TRY(good, licet::identity::check(token, *options.token_key, now, by));
  TokenRequest& r = good.request;
  Caller out;
  out.kind = r.kind;
  out.system = std::move(r.system);
  out.person = std::move(r.person);
  out.patient_blind = std::move(r.patient);
  out.purpose = r.purpose;
  out.purposes = {std::move(r.purpose)};
  out.purpose_source = "token";
  out.mfa = r.mfa;
  out.scope = r.route + " " + out.purpose;
  out.issuer = std::move(r.issuer);
  out.expires = good.expires;
  out.token = digest;
  out.txn = std::move(good.txn);
  out.route = std::move(r.route);
  out.method = std::move(r.method);
  out.path = std::move(r.path);
  out.reason = std::move(r.reason);
  return out;
}

Task<Result<Caller>> Identity::Inside::access(std::string token, std::shared_ptr<const Directory> directory, std::uint64_t generation,
                                              Micros now) {
  if (token.size() > options.limits.token_bytes) co_return refused("the token is too long");
  const Digest digest = crypto::sha256(token);
  if (const auto known = cached(digest, generation, now)) co_return clone(*known);

  // Read; whose is it? The iss is not believed yet: it chooses the one key set that the signature must verify with.
  auto parsed = Jws::parse(token, options.limits.token_bytes);
  if (!parsed) co_return refused(parsed.error().message);
  const auto jws = std::make_shared<const Jws>(*std::move(parsed));
  if (!jws->is_typ("at+jwt")) co_return refused("the token is no access token (typ at+jwt, RFC 9068)");
  auto claims = Json::parse(jws->payload);
  if (!claims) co_return refused("the token's claims: " + claims.error().message);
  const std::string* const iss = claims->string("iss");
  const auto issuer = iss != nullptr ? by_iss.find(*iss) : by_iss.end();
  if (issuer == by_iss.end() || issuer->second.issuer.client_assertions) co_return refused("the token's issuer is not configured");
  if (issuer->second.keys == nullptr) co_return Error{Code::unavailable, "the token's issuer has no keys"};
  const std::shared_ptr<KeySource> keys = issuer->second.keys;
  LICET_CO_TRY_VOID(co_await keys->verify(jws, now));

  // Beyond this point the claims are the issuer's word.
  LICET_CO_TRY(caller, claimed(*claims, issuer->second.issuer, *directory, now));
  caller.token = digest;
  remember(digest, generation, now, std::make_shared<const Caller>(clone(caller)));
  co_return std::move(caller);
}

Result<Caller> Identity::Inside::claimed(const Json& claims, const Issuer& issuer, const Directory& directory, Micros now) const {
  if (const char* why = untimely(claims, now, options.skew, true); why != nullptr) return refused(why);
  if (!meant_for(claims, options.audience)) return refused("the token is for another audience");
  const std::string* const subject = claims.string("sub");
  const std::string* const client = client_of(claims);
  if (subject == nullptr || client == nullptr || subject->empty() || client->empty()) return refused("the token lacks sub or client_id");
  if (subject->size() > kTextMost || client->size() > kTextMost) return refused("the token's sub or client_id is too long");

  // PHI goes through a system to whoever uses it: the client is declared, whoever the token speaks for.
  const Directory::Client* const system = directory.client(issuer.issuer, *client);
  if (system == nullptr) return refused("the token's client is not a declared system");
  Caller out;
  out.system = system->id;
  out.issuer = issuer.issuer;
  out.expires = at(*claims.seconds("exp"));
  out.mfa = multi_factor(claims, options.mfa_acr);
  if (const std::string* scope = claims.string("scope"); scope != nullptr) out.scope = *scope;
  auto allowed = purposes(claims);
  if (!allowed) return refused("the token's purpose_of_use says no purpose that we know");
  out.purposes = *std::move(allowed);
  if (!out.purposes.empty()) out.purpose_source = "claim";
  if (out.purposes.size() == 1) out.purpose = out.purposes.front();

  if (*subject == *client) {
    out.kind = CallerKind::system;
    return out;
  }
  if (const std::string* person = directory.person(issuer.issuer, *subject); person != nullptr) {
    out.kind = CallerKind::person;
    out.person = *person;
    return out;
  }
  if (!issuer.person_claim.empty()) {
    if (const std::string* id = claims.string(issuer.person_claim); id != nullptr && directory.has_person(*id)) {
      out.kind = CallerKind::person;
      out.person = *id;
      return out;
    }
  }
  // Only a patient's own app speaks for a patient: in a clinician's, `patient` is merely whose chart is open, and a clinician who has left
  // the declaration must not come back as that patient. Where the token says which FHIR resource the user is, it is that Patient.
  const std::string* const patient = claims.string("patient");
  if (!system->app || patient == nullptr || patient->empty()) return refused("the token's sub is not a declared person");
  if (patient->size() > 64) return refused("the token's patient is no FHIR id");
  if (claims.get("fhirUser") != nullptr) {
    const std::string* const user = claims.string("fhirUser");
    const std::string self = "Patient/" + *patient;
    if (user == nullptr || (*user != self && !user->ends_with("/" + self))) return refused("the token's user is not its patient");
  }
  out.kind = CallerKind::patient;
  out.patient = Phi<std::string>(*patient);
  return out;
}

std::shared_ptr<const Caller> Identity::Inside::cached(const Digest& token, std::uint64_t generation, Micros now) {
  const std::lock_guard lock(mutex);
  const auto entry = cache.find(token);
  if (entry == cache.end()) return nullptr;
  if (entry->second.generation == generation && now < entry->second.until) return entry->second.caller;
  cache.erase(entry);
  return nullptr;
}

void Identity::Inside::remember(const Digest& token, std::uint64_t generation, Micros now, std::shared_ptr<const Caller> caller) {
  const Micros until = std::min<Micros>(caller->expires, now + options.limits.token_cache_life);
  if (until <= now || options.limits.token_cache == 0) return;
  const std::lock_guard lock(mutex);
  // Only verified tokens are here, so a stranger can't fill it; when it is full, starting over is cheaper than an order of use.
  if (cache.size() >= options.limits.token_cache)
    std::erase_if(cache, [&](const auto& c) { return c.second.generation != generation || c.second.until <= now; });
  if (cache.size() >= options.limits.token_cache) cache.clear();
  cache[token] = {generation, until, std::move(caller)};
}

Result<void> Identity::Inside::spend(const Digest& jti, Micros until, Micros now) {
  const std::lock_guard lock(mutex);
  if (spent_jtis.size() >= options.limits.token_cache) std::erase_if(spent_jtis, [now](const auto& s) { return s.second <= now; });
  const auto seen = spent_jtis.find(jti);
  if (seen != spent_jtis.end() && now < seen->second) return refused("the assertion's jti was used before");
  if (seen == spent_jtis.end() && spent_jtis.size() >= options.limits.token_cache)
    return Error{Code::unavailable, "too many client assertions in five minutes"};
  spent_jtis[jti] = until;
  return {};
}

Task<Result<Caller>> Identity::identify_client(std::string assertion, std::shared_ptr<const Directory> directory,
                                               std::string token_endpoint, Micros now) {
  Inside& in = *in_;
  auto parsed = Jws::parse(assertion, in.options.limits.token_bytes);
  if (!parsed) co_return refused(parsed.error().message);
  const auto jws = std::make_shared<const Jws>(*std::move(parsed));
  // An access token of the same key must not pass for an assertion (RFC 8725 §3.11).
  if (!jws->typ.empty() && !jws->is_typ("jwt") && !jws->is_typ("client-authentication+jwt"))
    co_return refused("the assertion has another typ");
  auto claims = Json::parse(jws->payload);
  if (!claims) co_return refused("the assertion's claims: " + claims.error().message);
  const std::string* const iss = claims->string("iss");
  const std::string* const sub = claims->string("sub");
  const std::string* const jti = claims->string("jti");
  if (iss == nullptr || sub == nullptr || *iss != *sub) co_return refused("the assertion's iss is not its sub");
  const auto known = in.by_iss.find(*iss);
  if (known == in.by_iss.end() || !known->second.issuer.client_assertions) co_return refused("the assertion's client is not configured");
  if (known->second.keys == nullptr) co_return Error{Code::unavailable, "the assertion's client has no keys"};
  const std::shared_ptr<KeySource> keys = known->second.keys;
  LICET_CO_TRY_VOID(co_await keys->verify(jws, now));

  // Beyond this point the claims are the client's word.
  if (const char* why = untimely(*claims, now, in.options.skew, false); why != nullptr) co_return refused(why);
  const Micros expires = at(*claims->seconds("exp"));
  if (expires > now + kAssertionLifeMost + in.options.skew) co_return refused("the assertion lives longer than five minutes");
  if (!meant_for(*claims, token_endpoint)) co_return refused("the assertion is for another audience");
  const std::string& issuer = known->second.issuer.issuer;
  const Directory::Client* const system = directory->client(issuer, *iss);
  if (system == nullptr) co_return refused("the assertion's client is not a declared system");
  if (jti == nullptr || jti->empty() || jti->size() > kTextMost) co_return refused("the assertion lacks a jti");
  // Last, so that only a good assertion spends its jti; kept for as long as it could pass again.
  LICET_CO_TRY_VOID(in.spend(crypto::sha256(json_string(*iss) + *jti), expires + in.options.skew, now));

  Caller out;
  out.kind = CallerKind::system;
  out.system = system->id;
  out.issuer = issuer;
  out.expires = expires;
  out.token = crypto::sha256(assertion);
  co_return std::move(out);
}

}  // namespace licet::identity
