#include "identity/identity.h"

#include <gtest/gtest.h>

#include <asio/executor_work_guard.hpp>
#include <atomic>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "identity/internal/json.h"
#include "identity/internal/key_source.h"
#include "identity/internal/testing.h"
#include "identity/tokens.h"

namespace licet::identity {
namespace {

using testing::FakeOutbound;
using testing::jwk;
using testing::jwks;
using testing::kNow;
using testing::run;
using testing::seconds_from_now;
using testing::sign;

constexpr const char* kGate = "https://gate.example";
constexpr const char* kIssuer = "https://id.example";
constexpr std::string_view kHeader = R"({"alg":"ES256","typ":"at+jwt","kid":"k"})";
constexpr Accepts kAll{.transaction_token = true, .mtls = true, .oidc = true};

std::shared_ptr<const Directory> directory() {
  auto out = std::make_shared<Directory>();
  const auto must = [](Result<void> result) { EXPECT_TRUE(result.ok()) << result.error().message; };
  must(out->add_system("scribe", {.mtls_san = "Scribe.example", .issuer = {}, .client = {}}));
  must(out->add_system("scribe", {.mtls_san = "spiffe://x/scribe", .issuer = {}, .client = {}}));
  must(out->add_system("scribe", {.mtls_san = {}, .issuer = kIssuer, .client = "scribe-client"}));
  must(out->add_system("ehr", {.mtls_san = "ehr.example", .issuer = {}, .client = {}}));
  must(out->add_system("ehr", {.mtls_san = {}, .issuer = kIssuer, .client = "ehr"}));
  must(out->add_system("backend", {.mtls_san = {}, .issuer = "backend-keys", .client = "backend"}));
  must(out->add_app("portal", kIssuer, "portal"));
  must(out->add_person("dr-lee", kIssuer, "lee"));
  must(out->add_person("dr-lee", "https://second.example", "lee2"));
  return out;
}

// Claims of a good token of the system scribe; `change` replaces or adds members, an empty value takes one away.
std::string claims(const std::map<std::string, std::string>& change = {}) {
  std::map<std::string, std::string> all = {
      {"iss", "\"https://id.example\""},  {"aud", "\"https://gate.example\""},          {"sub", "\"scribe-client\""},
      {"client_id", "\"scribe-client\""}, {"iat", std::to_string(seconds_from_now(0))}, {"exp", std::to_string(seconds_from_now(300))}};
  for (const auto& [name, value] : change) all[name] = value;
  std::string out = "{";
  for (const auto& [name, value] : all) {
    if (value.empty()) continue;
    if (out.size() > 1) out += ",";
    out += "\"" + name + "\":" + value;
  }
  return out + "}";
}

class IdentityTest : public ::testing::Test {
 protected:
  IdentityTest() { start(); }
  void start() {
    Identity::Options options;
    options.issuers = {
        {.issuer = kIssuer, .says = {}, .jwks_url = "https://id.example/jwks", .jwks = {}, .person_claim = {}},
        {.issuer = "https://second.example", .says = {}, .jwks_url = {}, .jwks = jwks({jwk(second_, "k2")}), .person_claim = {}},
        {.issuer = "backend-keys",
         .says = "backend",
         .jwks_url = {},
         .jwks = jwks({jwk(backend_, "b")}),
         .client_assertions = true,
         .person_claim = {}}};
    options.audience = kGate;
    options.node = "a";
    options.token_key = &token_key_;
    options.outbound = &outbound_;
    options.limits = limits_;
    ASSERT_TRUE(Identity::check(options).ok());
    outbound_.body = jwks({jwk(key_, "k")});
    identity_ = std::make_unique<Identity>(std::move(options));
  }
  Result<Caller> identify(Credentials shown, Accepts accepts = kAll, Micros now = kNow, std::uint64_t generation = 1) {
    return run(identity_->identify(std::move(shown), directory_, generation, accepts, now));
  }
  Result<Caller> token(const std::map<std::string, std::string>& change = {}, std::string_view header = kHeader, Micros now = kNow) {
    return identify({.authorization = "Bearer " + sign(key_, header, claims(change)), .txn_token = {}, .dns_names = {}, .uris = {}}, kAll,
                    now);
  }
  static Credentials certificate(std::vector<std::string> dns, std::vector<std::string> uris = {}) {
    return {.authorization = {}, .txn_token = {}, .mtls_certified = true, .dns_names = std::move(dns), .uris = std::move(uris)};
  }

  Limits limits_;
  crypto::P256Key key_ = testing::key(1), second_ = testing::key(2), backend_ = testing::key(3), token_key_ = testing::key(4);
  FakeOutbound outbound_;
  std::shared_ptr<const Directory> directory_ = directory();
  std::unique_ptr<Identity> identity_;
};

TEST_F(IdentityTest, a_system_by_its_access_token) {
  auto caller = token({{"scope", "\"system/*.rs\""}});
  ASSERT_TRUE(caller.ok()) << caller.error().message;
  EXPECT_EQ(caller->kind, CallerKind::system);
  EXPECT_EQ(caller->system, "scribe");
  EXPECT_EQ(caller->person, "");
  EXPECT_EQ(caller->purpose_source, "");
  EXPECT_EQ(caller->scope, "system/*.rs");
  EXPECT_EQ(caller->issuer, kIssuer);
  EXPECT_EQ(caller->expires, kNow + 300s);
  EXPECT_TRUE(caller->token.has_value());
}

TEST_F(IdentityTest, a_person_through_a_system) {
  auto caller =
      token({{"sub", "\"lee\""}, {"client_id", "\"ehr\""}, {"acr", "\"mfa\""}, {"patient", "\"p1\""}, {"fhirUser", "\"Practitioner/1\""}});
  ASSERT_TRUE(caller.ok()) << caller.error().message;
  EXPECT_EQ(caller->kind, CallerKind::person);
  EXPECT_EQ(caller->person, "dr-lee");
  EXPECT_EQ(caller->system, "ehr");
  EXPECT_TRUE(caller->mfa);
  EXPECT_EQ(caller->patient.reveal(), "");  // the chart that is open in the EHR, not who asks
}

TEST_F(IdentityTest, a_patient_through_their_app) {
  auto caller = token(
      {{"sub", "\"maria\""}, {"client_id", "\"portal\""}, {"patient", "\"p-1\""}, {"fhirUser", "\"https://ehr.example/Patient/p-1\""}});
  ASSERT_TRUE(caller.ok()) << caller.error().message;
  EXPECT_EQ(caller->kind, CallerKind::patient);
  EXPECT_EQ(caller->patient.reveal(), "p-1");
  EXPECT_EQ(caller->system, "portal");
}

TEST_F(IdentityTest, access_tokens_refused) {
  struct Case {
    const char* what;
    std::map<std::string, std::string> change;
  };
  const auto at = [](std::int64_t s) { return std::to_string(seconds_from_now(s)); };
  const std::vector<Case> cases = {
      {"no iss", {{"iss", ""}}},
      {"iss of nobody", {{"iss", "\"https://evil.example\""}}},
      {"iss with a slash more", {{"iss", "\"https://id.example/\""}}},
      {"another issuer's name on this key", {{"iss", "\"https://second.example\""}}},
      {"a backend's own name", {{"iss", "\"backend\""}}},
      {"no aud", {{"aud", ""}}},
      {"wrong aud", {{"aud", "\"https://other.example\""}}},
      {"aud of a wrong kind", {{"aud", "[1,\"https://gate.example\"]"}}},
      {"expired", {{"exp", at(-5)}}},
      {"no exp", {{"exp", ""}}},
      {"exp as text", {{"exp", "\"9999999999\""}}},
      {"no iat", {{"iat", ""}}},
      {"future iat", {{"iat", at(6)}}},
      {"future nbf", {{"nbf", at(6)}}},
      {"nbf as text", {{"nbf", "\"0\""}}},
      {"no sub", {{"sub", ""}}},
      {"no client_id", {{"client_id", ""}}},
      {"client_id of a wrong kind", {{"client_id", "1"}, {"azp", "\"scribe-client\""}}},
      {"client_id and azp differ", {{"azp", "\"ehr\""}}},
      {"client of nobody", {{"sub", "\"x\""}, {"client_id", "\"x\""}}},
      {"person of nobody", {{"sub", "\"nobody\""}, {"client_id", "\"ehr\""}}},
      {"a person's login at another issuer", {{"sub", "\"lee2\""}, {"client_id", "\"ehr\""}}},
      {"a person through a system of nobody", {{"sub", "\"lee\""}, {"client_id", "\"x\""}}},
      {"licet_person of an issuer that isn't trusted with it",
       {{"sub", "\"x\""}, {"client_id", "\"ehr\""}, {"licet_person", "\"dr-lee\""}}},
      {"a patient through a system that is no app", {{"sub", "\"maria\""}, {"client_id", "\"ehr\""}, {"patient", "\"p1\""}}},
      {"an app without a patient", {{"sub", "\"maria\""}, {"client_id", "\"portal\""}}},
      {"an app's user who is not the patient",
       {{"sub", "\"m\""}, {"client_id", "\"portal\""}, {"patient", "\"p1\""}, {"fhirUser", "\"RelatedPerson/p1\""}}},
      {"an app's user whose id ends alike",
       {{"sub", "\"m\""}, {"client_id", "\"portal\""}, {"patient", "\"p1\""}, {"fhirUser", "\"XPatient/p1\""}}},
      {"a purpose of another vocabulary", {{"purpose_of_use", R"({"system":"2.16.840.1.113883.3.18.7.1","code":"TREATMENT"})"}}},
      {"an empty purpose", {{"purpose_of_use", "[]"}}},
      {"a purpose of a wrong kind", {{"purpose_of_use", "1"}}},
      {"BTG by access token", {{"purpose_of_use", "\"BTG\""}}},
  };
  for (const Case& c : cases) {
    const auto caller = token(c.change);
    ASSERT_FALSE(caller.ok()) << c.what;
    EXPECT_EQ(caller.error().code, Code::permission_denied) << c.what;
    EXPECT_EQ(caller.error().message.find("evil"), std::string::npos);
  }
  for (const char* header :
       {R"({"alg":"ES256","kid":"k"})", R"({"alg":"ES256","kid":"k","typ":"JWT"})", R"({"alg":"ES256","kid":"k","typ":"txntoken+jwt"})",
        R"({"alg":"none","typ":"at+jwt"})", R"({"alg":"HS256","kid":"k","typ":"at+jwt"})", R"({"alg":"RS256","kid":"k","typ":"at+jwt"})",
        R"({"alg":"ES256","kid":"k2","typ":"at+jwt"})", R"({"alg":"ES256","kid":"k","typ":"at+jwt","crit":["x"]})"})
    EXPECT_EQ(token({}, header).error().code, Code::permission_denied) << header;
  EXPECT_TRUE(token({}, R"({"alg":"ES256","kid":"k","typ":"Application/AT+JWT"})").ok());
  EXPECT_TRUE(token({{"aud", R"(["x","https://gate.example"])"}}).ok());
  EXPECT_TRUE(token({{"exp", at(-4)}}).ok());  // within the skew
  EXPECT_TRUE(token({{"client_id", ""}, {"azp", "\"scribe-client\""}}).ok());
}

TEST_F(IdentityTest, a_member_that_stands_twice) {
  std::string doubled = claims();
  doubled.insert(1, "\"sub\":\"ehr\",");
  auto caller = identify({.authorization = "Bearer " + sign(key_, kHeader, doubled), .txn_token = {}, .dns_names = {}, .uris = {}});
  EXPECT_EQ(caller.error().code, Code::permission_denied);
}

TEST_F(IdentityTest, authorization_forms) {
  const std::string good = sign(key_, kHeader, claims());
  EXPECT_TRUE(identify({.authorization = "bearer " + good, .txn_token = {}, .dns_names = {}, .uris = {}}).ok());
  for (const std::string& bad :
       {std::string("Bearer"), std::string("Bearer "), good, "Basic " + good, "Bearer  " + good, "Bearer " + good + ", Bearer " + good,
        "Bearer " + good + " ", "DPoP " + good, "Bearer " + std::string(20'000, 'a')})
    EXPECT_EQ(identify({.authorization = bad, .txn_token = {}, .dns_names = {}, .uris = {}}).error().code, Code::permission_denied)
        << bad.substr(0, 20);
}

TEST_F(IdentityTest, purposes) {
  const auto said = [&](const char* value) {
    auto caller = token({{"purpose_of_use", value}});
    EXPECT_TRUE(caller.ok()) << value;
    return caller ? caller->purpose + "/" + std::to_string(caller->purposes.size()) + "/" + caller->purpose_source : "";
  };
  EXPECT_EQ(said("\"TREAT\""), "TREAT/1/claim");
  EXPECT_EQ(said(R"({"system":"urn:oid:2.16.840.1.113883.5.8","code":"HPAYMT"})"), "HPAYMT/1/claim");
  EXPECT_EQ(said(R"(["TREAT",{"system":"other","code":"X"},"BTG"])"), "TREAT/1/claim");
  EXPECT_EQ(said(R"(["TREAT","HPAYMT"])"), "/2/claim");
}

TEST_F(IdentityTest, multi_factor) {
  const auto mfa = [&](const std::map<std::string, std::string>& change) {
    auto caller = token(change);
    EXPECT_TRUE(caller.ok());
    return caller && caller->mfa;
  };
  EXPECT_TRUE(mfa({{"amr", R"(["pwd","otp"])"}}));
  EXPECT_TRUE(mfa({{"amr", R"(["mfa"])"}}));
  EXPECT_TRUE(mfa({{"acr", "\"mfa\""}}));
  EXPECT_TRUE(mfa({{"amr", R"(["hwk","fpt"])"}}));
  EXPECT_FALSE(mfa({}));
  EXPECT_FALSE(mfa({{"amr", R"(["pwd"])"}}));
  EXPECT_FALSE(mfa({{"amr", R"(["pwd","pin"])"}}));  // two of one kind
  EXPECT_FALSE(mfa({{"amr", R"([["pwd","otp"]])"}}));
  EXPECT_FALSE(mfa({{"acr", "\"pwd\""}}));
}

TEST_F(IdentityTest, certificates) {
  auto caller = identify(certificate({"other.example", "SCRIBE.EXAMPLE"}));
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(caller->system, "scribe");
  EXPECT_EQ(caller->kind, CallerKind::system);
  EXPECT_EQ(caller->expires, Micros::max());
  EXPECT_TRUE(identify(certificate({}, {"spiffe://x/scribe"})).ok());
  EXPECT_TRUE(identify(certificate({"scribe.example"}, {"spiffe://x/scribe"})).ok());

  EXPECT_FALSE(identify(certificate({"scribe.example", "ehr.example"})).ok());  // two systems
  EXPECT_FALSE(identify(certificate({})).ok());
  EXPECT_FALSE(identify(certificate({"*.example"})).ok());
  EXPECT_FALSE(identify(certificate({"spiffe://x/scribe"})).ok());  // a URI as a DNS name
  EXPECT_FALSE(identify(certificate({}, {"scribe.example"})).ok());
  EXPECT_FALSE(identify(certificate({}, {"spiffe://x/SCRIBE"})).ok());
  Credentials unverified = certificate({"scribe.example"});
  unverified.mtls_certified = false;
  EXPECT_FALSE(identify(std::move(unverified)).ok());
}

TEST_F(IdentityTest, certificate_and_token_agree_or_refuse) {
  const std::string bearer = "Bearer " + sign(key_, kHeader, claims());
  const auto both = [&](std::vector<std::string> dns, const std::string& authorization) {
    Credentials shown = certificate(std::move(dns));
    shown.authorization = authorization;
    return shown;
  };
  EXPECT_TRUE(identify(both({"scribe.example"}, bearer)).ok());
  EXPECT_TRUE(identify(both({"unknown.example"}, bearer)).ok());
  EXPECT_FALSE(identify(both({"ehr.example"}, bearer)).ok());
  EXPECT_FALSE(identify(both({"scribe.example"}, "Bearer a.b.c")).ok());  // a bad token isn't saved by a good certificate
  EXPECT_TRUE(
      identify(both({"scribe.example"}, "Bearer a.b.c"), {.transaction_token = false, .mtls = true, .oidc = false}).ok());  // not looked at
}

TEST_F(IdentityTest, only_what_the_route_accepts) {
  const std::string bearer = "Bearer " + sign(key_, kHeader, claims());
  const Credentials token_only{.authorization = bearer, .txn_token = {}, .dns_names = {}, .uris = {}};
  EXPECT_EQ(identify(token_only, {.transaction_token = true, .mtls = true, .oidc = false}).error().code, Code::permission_denied);
  EXPECT_EQ(identify(certificate({"scribe.example"}), {.transaction_token = true, .mtls = false, .oidc = true}).error().code,
            Code::permission_denied);
  EXPECT_EQ(identify({}, kAll).error().code, Code::permission_denied);
}

TEST_F(IdentityTest, transaction_tokens) {
  SeededRandom random(1);
  TokenRequest ask{.audience = kGate,
                   .node = "a",
                   .route = "fhir",
                   .purpose = "BTG",
                   .kind = CallerKind::person,
                   .system = "ehr",
                   .person = "dr-lee",
                   .issuer = kIssuer,
                   .patient = "ab",
                   .method = "GET",
                   .path = "/x",
                   .reason = "collapsed"};
  auto minted = mint(ask, token_key_, kNow, random);
  ask.node = "b";
  auto elsewhere = mint(ask, token_key_, kNow, random);
  ASSERT_TRUE(minted.ok() && elsewhere.ok());
  const auto with = [](std::string text) {
    return Credentials{.authorization = {}, .txn_token = std::move(text), .dns_names = {}, .uris = {}};
  };
  auto caller = identify(with(minted->token));
  ASSERT_TRUE(caller.ok()) << caller.error().message;
  EXPECT_EQ(caller->system + caller->person + caller->purpose + caller->purpose_source + caller->route + caller->method + caller->path +
                caller->reason + caller->patient_blind,
            "ehrdr-leeBTGtokenfhirGET/xcollapsedab");
  EXPECT_EQ(caller->txn, minted->txn);
  EXPECT_EQ(identify(with(elsewhere->token)).error().code, Code::failed_precondition);
  EXPECT_EQ(identify(with(minted->token), kAll, kNow + 60s).error().code, Code::permission_denied);
  EXPECT_EQ(identify(with(minted->token), {.transaction_token = false, .mtls = true, .oidc = true}).error().code, Code::permission_denied);
  EXPECT_EQ(identify(with(minted->token + "x")).error().code, Code::permission_denied);
  Credentials other = certificate({"scribe.example"});
  other.txn_token = minted->token;
  EXPECT_EQ(identify(std::move(other)).error().code, Code::permission_denied);
  // A transaction token is no access token, nor the other way around.
  EXPECT_FALSE(identify({.authorization = "Bearer " + minted->token, .txn_token = {}, .dns_names = {}, .uris = {}}).ok());
  EXPECT_FALSE(identify(with(sign(key_, kHeader, claims()))).ok());
}

// Known by its digest, a token's signature isn't verified again; everything else is, and only the first time.
TEST_F(IdentityTest, a_token_that_was_minted_here) {
  SeededRandom random(2);
  const auto other_key = crypto::P256Key::generate(random);
  TokenRequest ask{.audience = kGate, .node = "a", .route = "fhir", .purpose = "TREAT", .kind = CallerKind::system, .system = "ehr"};
  const auto with = [](std::string text) {
    return Credentials{.authorization = {}, .txn_token = std::move(text), .dns_names = {}, .uris = {}};
  };
  // Signed by another key, so that it shows which way a token went.
  auto known = mint(ask, other_key, kNow, random), unknown = mint(ask, other_key, kNow, random);
  ASSERT_TRUE(known.ok() && unknown.ok());
  identity_->minted(*known);
  EXPECT_EQ(identify(with(known->token + "A")).error().code, Code::permission_denied);
  auto caller = identify(with(known->token));
  ASSERT_TRUE(caller.ok()) << caller.error().message;
  EXPECT_EQ(caller->txn, known->txn);
  EXPECT_EQ(identify(with(known->token)).error().code, Code::permission_denied);
  EXPECT_EQ(identify(with(unknown->token)).error().code, Code::permission_denied);

  auto late = mint(ask, token_key_, kNow, random);
  ask.node = "b";
  auto elsewhere = mint(ask, token_key_, kNow, random);
  ASSERT_TRUE(late.ok() && elsewhere.ok());
  identity_->minted(*late);
  identity_->minted(*elsewhere);
  EXPECT_EQ(identify(with(late->token), kAll, kNow + 60s).error().code, Code::permission_denied);
  EXPECT_EQ(identify(with(elsewhere->token)).error().code, Code::failed_precondition);
  // One that is seen again goes the long way, and passes: to spend it is the ledger's.
  auto twice = mint({.audience = kGate, .node = "a", .route = "fhir", .purpose = "TREAT", .kind = CallerKind::system, .system = "ehr"},
                    token_key_, kNow, random);
  ASSERT_TRUE(twice.ok());
  identity_->minted(*twice);
  EXPECT_TRUE(identify(with(twice->token)).ok());
  EXPECT_TRUE(identify(with(twice->token)).ok());
}

TEST_F(IdentityTest, the_cache_ends_with_the_generation_and_the_token) {
  const Credentials shown{.authorization = "Bearer " + sign(key_, kHeader, claims({{"exp", std::to_string(seconds_from_now(30))}})),
                          .txn_token = {},
                          .dns_names = {},
                          .uris = {}};
  ASSERT_TRUE(identify(shown).ok());
  const auto empty = std::make_shared<const Directory>();
  const auto with = [&](std::uint64_t generation, Micros now) {
    auto task = identity_->identify(shown, empty, generation, kAll, now);
    return run(std::move(task)).ok();
  };
  EXPECT_TRUE(with(1, kNow + 29s));  // the same generation: believed without another look
  EXPECT_FALSE(with(2, kNow));       // another one: the directory no longer knows the client
  EXPECT_FALSE(with(1, kNow));       // and that entry is gone
  ASSERT_TRUE(identify(shown).ok());
  EXPECT_FALSE(identify(shown, kAll, kNow + 35s).ok());
}

TEST_F(IdentityTest, a_full_cache_starts_over) {
  limits_.token_cache = 2;
  start();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(token({{"jti", std::to_string(i)}}).ok());
}

TEST_F(IdentityTest, keys_are_fetched_once_and_again_for_a_new_kid) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(token({{"jti", std::to_string(i)}}).ok());
  EXPECT_EQ(outbound_.urls.size(), 1u);
  const auto next = testing::key(9);
  const auto rotated = [&](Micros now) {
    return identify({.authorization = "Bearer " + sign(next, R"({"alg":"ES256","typ":"at+jwt","kid":"new"})", claims()),
                     .txn_token = {},
                     .dns_names = {},
                     .uris = {}},
                    kAll, now);
  };
  outbound_.body = jwks({jwk(key_, "k"), jwk(next, "new")});
  EXPECT_EQ(rotated(kNow + 9s).error().code, Code::permission_denied);  // too soon to ask again
  EXPECT_EQ(outbound_.urls.size(), 1u);
  EXPECT_TRUE(rotated(kNow + 10s).ok());
  EXPECT_EQ(outbound_.urls.size(), 2u);
}

TEST_F(IdentityTest, last_good_keys_serve_while_the_issuer_is_down) {
  const auto at = [&](std::chrono::seconds later) {
    const std::int64_t s = later.count();
    return token({{"iat", std::to_string(seconds_from_now(s))}, {"exp", std::to_string(seconds_from_now(s + 60))}}, kHeader, kNow + later);
  };
  ASSERT_TRUE(at(0s).ok());
  outbound_.down = true;
  EXPECT_TRUE(at(700s).ok());
  EXPECT_TRUE(at(705s).ok());
  EXPECT_EQ(outbound_.urls.size(), 2u);  // one attempt, then patience
  EXPECT_TRUE(at(24h - 1s).ok());
  EXPECT_EQ(at(24h).error().code, Code::unavailable);
  outbound_.down = false;
  EXPECT_TRUE(at(24h + 10s).ok());
}

TEST_F(IdentityTest, bad_answers_of_the_issuer) {
  struct Case {
    int status;
    std::string body;
  };
  for (const Case& c : std::initializer_list<Case>{{500, outbound_.body},
                                                   {302, outbound_.body},
                                                   {200, ""},
                                                   {200, "<html>"},
                                                   {200, R"({"keys":[]})"},
                                                   {200, std::string(300'000, ' ')}}) {
    start();
    outbound_.status = c.status;
    outbound_.body = c.body;
    EXPECT_EQ(token().error().code, Code::unavailable) << c.status;
  }
}

TEST_F(IdentityTest, one_fetch_for_all_who_wait_even_if_its_task_dies) {
  outbound_.hold = true;
  const auto ask = [&](int i) {
    Credentials shown{.authorization = "Bearer " + sign(key_, kHeader, claims({{"jti", std::to_string(i)}})),
                      .txn_token = {},
                      .dns_names = {},
                      .uris = {}};
    return identity_->identify(std::move(shown), directory_, 1, kAll, kNow);
  };
  {
    asio::io_context io;
    std::optional<Result<Caller>> one, two;
    asio::co_spawn(io, testing::keep(ask(1), one), asio::detached);
    asio::co_spawn(io, testing::keep(ask(2), two), asio::detached);
    io.poll();
    ASSERT_EQ(outbound_.held.size(), 1u);
    EXPECT_FALSE(one || two);
    outbound_.held.front()(true);
    outbound_.held.clear();
    io.restart();
    io.run();
    ASSERT_TRUE(one && two);
    EXPECT_TRUE(one->ok() && two->ok());
  }
  start();
  outbound_.urls.clear();
  asio::io_context dying, living;
  std::optional<Result<Caller>> one, two;
  asio::co_spawn(dying, testing::keep(ask(1), one), asio::detached);
  dying.poll();
  asio::co_spawn(living, testing::keep(ask(2), two), asio::detached);
  living.poll();
  ASSERT_EQ(outbound_.held.size(), 1u);
  outbound_.held.clear();  // the fetch never ends: its coroutine is destroyed
  dying.restart();
  dying.run();
  living.restart();
  living.run();
  EXPECT_FALSE(one.has_value());
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(two->error().code, Code::unavailable);
}

TEST_F(IdentityTest, client_assertions) {
  const auto assertion = [&](const std::map<std::string, std::string>& change,
                             std::string_view header = R"({"alg":"ES256","typ":"JWT","kid":"b"})") {
    std::map<std::string, std::string> all = {{"iss", "\"backend\""}, {"sub", "\"backend\""}, {"aud", "\"https://gate.example/token\""},
                                              {"jti", "\"1\""},       {"client_id", ""},      {"iat", ""}};
    for (const auto& [name, value] : change) all[name] = value;
    return sign(backend_, header, claims(all));
  };
  const auto ask = [&](std::string text, Micros now = kNow) {
    auto task = identity_->identify_client(std::move(text), directory_, "https://gate.example/token", now);
    return run(std::move(task));
  };
  auto caller = ask(assertion({}));
  ASSERT_TRUE(caller.ok()) << caller.error().message;
  EXPECT_EQ(caller->system, "backend");
  EXPECT_EQ(ask(assertion({})).error().message, "the assertion's jti was used before");
  EXPECT_TRUE(ask(assertion({{"jti", "\"2\""}})).ok());
  EXPECT_FALSE(ask(assertion({}), kNow + 304s).ok());  // still within the skew of its exp: still spent
  struct Case {
    const char* what;
    std::map<std::string, std::string> change;
  };
  int n = 10;
  for (const Case& c :
       std::vector<Case>{{"lives too long", {{"exp", std::to_string(seconds_from_now(306))}}},
                         {"expired", {{"exp", std::to_string(seconds_from_now(-5))}}},
                         {"no exp", {{"exp", ""}}},
                         {"no jti", {{"jti", ""}}},
                         {"empty jti", {{"jti", "\"\""}}},
                         {"wrong aud", {{"aud", "\"https://gate.example\""}}},
                         {"iss is not sub", {{"sub", "\"ehr\""}}},
                         {"an issuer of access tokens", {{"iss", "\"https://id.example\""}, {"sub", "\"https://id.example\""}}},
                         {"future nbf", {{"nbf", std::to_string(seconds_from_now(60))}}}}) {
    std::map<std::string, std::string> change = {{"jti", std::to_string(n++)}};
    if (!change.contains("jti")) FAIL();
    change["jti"] = "\"" + change["jti"] + "\"";
    for (const auto& [name, value] : c.change) change[name] = value;
    EXPECT_EQ(ask(assertion(change)).error().code, Code::permission_denied) << c.what;
  }
  EXPECT_FALSE(ask(assertion({{"jti", "\"30\""}}, R"({"alg":"ES256","typ":"at+jwt","kid":"b"})")).ok());
  EXPECT_TRUE(ask(assertion({{"jti", "\"30\""}}, R"({"alg":"ES256","kid":"b"})")).ok());
}

TEST_F(IdentityTest, a_full_jti_set_says_so_and_empties_with_time) {
  limits_.token_cache = 2;
  start();
  const auto ask = [&](int jti, std::int64_t exp, Micros now) {
    const std::string text = sign(backend_, R"({"alg":"ES256","kid":"b"})",
                                  claims({{"iss", "\"backend\""},
                                          {"sub", "\"backend\""},
                                          {"aud", "\"t\""},
                                          {"client_id", ""},
                                          {"iat", ""},
                                          {"jti", "\"" + std::to_string(jti) + "\""},
                                          {"exp", std::to_string(seconds_from_now(exp))}}));
    auto task = identity_->identify_client(text, directory_, "t", now);
    auto caller = run(std::move(task));
    return caller ? Code{} : caller.error().code;
  };
  EXPECT_EQ(ask(1, 60, kNow), Code{});
  EXPECT_EQ(ask(2, 60, kNow), Code{});
  EXPECT_EQ(ask(3, 60, kNow), Code::unavailable);
  EXPECT_EQ(ask(1, 60, kNow), Code::permission_denied);
  EXPECT_EQ(ask(3, 120, kNow + 65s), Code{});
}

TEST(Directory, one_proof_stands_for_one) {
  Directory d;
  EXPECT_TRUE(d.add_system("a", {.mtls_san = "x.example", .issuer = {}, .client = {}}).ok());
  EXPECT_TRUE(d.add_system("a", {.mtls_san = "X.example", .issuer = {}, .client = {}}).ok());
  EXPECT_EQ(d.add_system("b", {.mtls_san = "x.example", .issuer = {}, .client = {}}).error().code, Code::already_exists);
  EXPECT_EQ(d.add_system("b", {.mtls_san = "*.example", .issuer = {}, .client = {}}).error().code, Code::invalid_argument);
  EXPECT_EQ(d.add_system("b", {.mtls_san = "y.example", .issuer = "i", .client = {}}).error().code, Code::invalid_argument);
  EXPECT_EQ(d.add_system("b", {.mtls_san = {}, .issuer = "i", .client = {}}).error().code, Code::invalid_argument);
  EXPECT_EQ(d.add_system("b", {}).error().code, Code::invalid_argument);
  EXPECT_TRUE(d.add_system("a", {.mtls_san = {}, .issuer = "i", .client = "c"}).ok());
  EXPECT_EQ(d.add_system("b", {.mtls_san = {}, .issuer = "i", .client = "c"}).error().code, Code::already_exists);
  EXPECT_EQ(d.add_app("a", "i", "c").error().code, Code::already_exists);
  EXPECT_TRUE(d.add_person("p", "i", "s").ok());
  EXPECT_EQ(d.add_person("q", "i", "s").error().code, Code::already_exists);
  EXPECT_EQ(d.add_person("q", "i", "").error().code, Code::invalid_argument);
}

TEST(Identity, options_are_checked) {
  FakeOutbound outbound;
  const auto good = [&](std::vector<Issuer> issuers, bool reach = true) {
    Identity::Options options;
    options.issuers = std::move(issuers);
    options.outbound = reach ? &outbound : nullptr;
    return Identity::check(options).ok();
  };
  const auto issuer = [](std::string url, std::string keys = {}) {
    return Issuer{.issuer = "i", .says = {}, .jwks_url = std::move(url), .jwks = std::move(keys), .person_claim = {}};
  };
  EXPECT_TRUE(good({issuer("https://id.example/jwks")}));
  EXPECT_TRUE(good({issuer("http://127.0.0.1:8080/jwks")}));
  EXPECT_FALSE(good({issuer("https://id.example/jwks")}, false));
  EXPECT_FALSE(good({issuer("http://id.example/jwks")}));
  EXPECT_FALSE(good({issuer("")}));
  EXPECT_FALSE(good({issuer("https://id.example/jwks", jwks({jwk(testing::key(1), "k")}))}));
  EXPECT_FALSE(good({issuer("", R"({"keys":[]})")}));
  EXPECT_FALSE(good({issuer("https://a.example"), issuer("https://a.example")}));
}

TEST(KeySource, safe_urls) {
  for (const char* url : {"https://id.example", "https://id.example/jwks?x=1", "http://localhost/j", "http://localhost:1/j",
                          "http://127.0.0.1:1/j", "http://127.9.8.7/", "http://[::1]:1/j", "http://[::1]"})
    EXPECT_TRUE(is_safe_url(url)) << url;
  for (const char* url :
       {"", "https://", "https:///x", "http://id.example", "http://127.0.0.1.evil.example/", "http://127.evil.1.1/",
        "http://localhost.evil.example/", "http://[::1].evil.example/", "http://localhost@evil.example/", "http://127.0.0.1@evil.example/",
        "https://a b", "ftp://localhost", "HTTP://localhost", "http://evil.example#localhost", "http://evil.example\\@localhost"})
    EXPECT_FALSE(is_safe_url(url)) << url;
}

TEST_F(IdentityTest, a_person_claim_where_the_issuer_is_trusted_with_it) {
  Identity::Options options;
  options.issuers = {
      {.issuer = kIssuer, .says = "http://127.0.0.1:9", .jwks_url = {}, .jwks = jwks({jwk(key_, "k")}), .person_claim = "licet_person"}};
  options.audience = kGate;
  Identity identity(std::move(options));
  const auto ask = [&](const char* person) {
    Credentials shown{
        .authorization =
            "Bearer " +
            sign(key_, kHeader,
                 claims({{"iss", "\"http://127.0.0.1:9\""}, {"sub", "\"x\""}, {"client_id", "\"ehr\""}, {"licet_person", person}})),
        .txn_token = {},
        .dns_names = {},
        .uris = {}};
    auto task = identity.identify(std::move(shown), directory_, 1, kAll, kNow);
    return run(std::move(task));
  };
  auto caller = ask("\"dr-lee\"");
  ASSERT_TRUE(caller.ok()) << caller.error().message;
  EXPECT_EQ(caller->person, "dr-lee");
  EXPECT_FALSE(ask("\"nobody\"").ok());
}

// Tokens that npm's oidc-provider made for the example's clients (RS256, RFC 9068): the three kinds of caller.
TEST(OidcProvider, access_tokens_of_the_example) {
  std::ifstream file(LICET_SOURCE_DIR "/src/identity/testdata/oidc_provider.json");
  std::stringstream text;
  text << file.rdbuf();
  auto vectors = Json::parse(text.str());
  ASSERT_TRUE(vectors.ok()) << vectors.error().message;
  auto known = std::make_shared<Directory>();
  ASSERT_TRUE(known->add_system("scribe", {.mtls_san = {}, .issuer = "idp", .client = "scribe"}).ok());
  ASSERT_TRUE(known->add_system("ehr", {.mtls_san = {}, .issuer = "idp", .client = "ehr"}).ok());
  ASSERT_TRUE(known->add_app("patient-app", "idp", "patient-app").ok());
  ASSERT_TRUE(known->add_person("dr-lee", "idp", "dr-lee").ok());
  FakeOutbound outbound;
  outbound.body = testing::written(*vectors->get("jwks"));
  Identity::Options options;
  options.issuers = {{.issuer = "idp",
                      .says = *vectors->string("issuer"),
                      .jwks_url = *vectors->string("issuer") + "/jwks",
                      .jwks = {},
                      .person_claim = {}}};
  options.audience = kGate;
  options.outbound = &outbound;
  ASSERT_TRUE(Identity::check(options).ok());
  Identity identity(std::move(options));
  const Micros issued = Micros(std::chrono::seconds(*vectors->seconds("iat")));
  const auto ask = [&](const char* which, Micros now) {
    Credentials shown{.authorization = "Bearer " + *vectors->string(which), .txn_token = {}, .dns_names = {}, .uris = {}};
    auto task = identity.identify(std::move(shown), known, 1, kAll, now);
    return run(std::move(task));
  };
  auto system = ask("system", issued), person = ask("person", issued + 1s), patient = ask("patient", issued + 2s);
  ASSERT_TRUE(system.ok()) << system.error().message;
  ASSERT_TRUE(person.ok()) << person.error().message;
  ASSERT_TRUE(patient.ok()) << patient.error().message;
  EXPECT_EQ(system->system, "scribe");
  EXPECT_EQ(person->system + "/" + person->person + (person->mfa ? "/mfa" : ""), "ehr/dr-lee/mfa");
  EXPECT_EQ(patient->system + "/" + patient->patient.reveal(), "patient-app/p-0001");
  EXPECT_FALSE(ask("system", issued + 306s).ok());
}

// Several I/O threads share one Identity: fetch, cache and jti set hold (this test is for tsan).
TEST_F(IdentityTest, from_several_threads) {
  limits_.token_cache = 3;
  start();
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  std::vector<std::string> tokens;
  for (int i = 0; i < 5; ++i) tokens.push_back("Bearer " + sign(key_, kHeader, claims({{"jti", std::to_string(i)}})));
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 20; ++i) {
        Credentials shown{.authorization = tokens[(i + t) % tokens.size()], .txn_token = {}, .dns_names = {}, .uris = {}};
        auto task = identity_->identify(std::move(shown), directory_, 1 + i / 7, kAll, kNow);
        // Who finds the fetch going on waits for it on a loop of its own, which must be kept running.
        asio::io_context io;
        std::optional<Result<Caller>> out;
        auto work = asio::make_work_guard(io);
        asio::co_spawn(io, testing::keep(std::move(task), out), [&work](const std::exception_ptr&) { work.reset(); });
        io.run();
        if (out && out->ok()) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good.load(), 80);
  EXPECT_EQ(outbound_.urls.size(), 1u);
}

}  // namespace
}  // namespace licet::identity
