#include "identity/tokens.h"

#include <gtest/gtest.h>

#include <set>

#include "identity/exchange_request.h"
#include "identity/internal/testing.h"

namespace licet::identity {
namespace {

using testing::kNow;
using testing::seconds_from_now;

TokenRequest ask() {
  return {.audience = "https://gate.example",
          .node = "a",
          .route = "fhir-front",
          .purpose = "TREAT",
          .kind = CallerKind::person,
          .system = "ehr",
          .person = "dr-lee",
          .mfa = true,
          .issuer = "https://id.example",
          .patient = "00ff",
          .method = "GET",
          .path = "/Patient/{id}"};
}
const CheckFor kHere{.audience = "https://gate.example", .node = "a"};

TEST(TransactionToken, comes_back_as_minted) {
  const auto key = testing::key(1);
  SeededRandom random(7);
  auto minted = mint(ask(), key, kNow, random);
  ASSERT_TRUE(minted.ok()) << minted.error().message;
  auto token = check(minted->token, key, kNow, kHere);
  ASSERT_TRUE(token.ok()) << token.error().message;
  const TokenRequest& r = token->request;
  EXPECT_EQ(token->txn, minted->txn);
  EXPECT_EQ(token->expires, kNow + 60s);
  EXPECT_EQ(r.route + r.purpose + r.system + r.person + r.issuer + r.patient + r.method + r.path,
            "fhir-frontTREATehrdr-leehttps://id.example00ffGET/Patient/{id}");
  EXPECT_EQ(r.kind, CallerKind::person);
  EXPECT_TRUE(r.mfa);
}

TEST(TransactionToken, txns_differ) {
  const auto key = testing::key(1);
  SeededRandom random(7);
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(mint(ask(), key, kNow, random)->txn);
  EXPECT_EQ(seen.size(), 100u);
}

TEST(TransactionToken, mint_refuses) {
  const auto key = testing::key(1);
  SeededRandom random(7);
  struct Case {
    const char* what;
    void (*spoil)(TokenRequest&);
  };
  for (const Case& c : std::initializer_list<Case>{{"audience", [](TokenRequest& r) { r.audience.clear(); }},
                                                   {"node", [](TokenRequest& r) { r.node.clear(); }},
                                                   {"route", [](TokenRequest& r) { r.route.clear(); }},
                                                   {"route with a space", [](TokenRequest& r) { r.route = "a b"; }},
                                                   {"purpose", [](TokenRequest& r) { r.purpose.clear(); }},
                                                   {"system", [](TokenRequest& r) { r.system.clear(); }},
                                                   {"no person", [](TokenRequest& r) { r.person.clear(); }},
                                                   {"person of a system", [](TokenRequest& r) { r.kind = CallerKind::system; }},
                                                   {"patient of none",
                                                    [](TokenRequest& r) {
                                                      r.kind = CallerKind::patient;
                                                      r.person.clear();
                                                      r.patient.clear();
                                                    }},
                                                   {"patient in clear", [](TokenRequest& r) { r.patient = "p-0001"; }},
                                                   {"61 s", [](TokenRequest& r) { r.life = 61s; }},
                                                   {"0 s", [](TokenRequest& r) { r.life = 0s; }},
                                                   {"BTG without a reason", [](TokenRequest& r) { r.purpose = "BTG"; }},
                                                   {"a reason without BTG", [](TokenRequest& r) { r.reason = "x"; }},
                                                   {"a long reason",
                                                    [](TokenRequest& r) {
                                                      r.purpose = "BTG";
                                                      r.reason = std::string(501, 'x');
                                                    }},
                                                   {"no UTF-8", [](TokenRequest& r) { r.path = "\xff"; }}}) {
    TokenRequest r = ask();
    c.spoil(r);
    const auto minted = mint(r, key, kNow, random);
    ASSERT_FALSE(minted.ok()) << c.what;
    EXPECT_EQ(minted.error().code, Code::invalid_argument) << c.what;
  }
}

TEST(TransactionToken, here_and_now_only) {
  const auto key = testing::key(1), other = testing::key(2);
  SeededRandom random(7);
  auto minted = mint(ask(), key, kNow, random);
  ASSERT_TRUE(minted.ok());
  const auto code = [&](const crypto::P256Key& k, Micros now, CheckFor by) {
    auto token = check(minted->token, k, now, by);
    return token ? Code{} : token.error().code;
  };
  CheckFor elsewhere = kHere, other_audience = kHere, other_route = kHere, this_route = kHere, short_one = kHere;
  elsewhere.node = "b";
  other_audience.audience = "https://other.example";
  other_route.route = "billing";
  this_route.route = "fhir-front";
  short_one.most = 10;
  EXPECT_EQ(code(key, kNow, kHere), Code{});
  EXPECT_EQ(code(key, kNow, this_route), Code{});
  EXPECT_EQ(code(key, kNow + 60s - 1us, kHere), Code{});
  EXPECT_EQ(code(key, kNow - 5s, kHere), Code{});
  EXPECT_EQ(code(key, kNow + 60s, kHere), Code::permission_denied);
  EXPECT_EQ(code(key, kNow - 5s - 1us, kHere), Code::permission_denied);
  EXPECT_EQ(code(other, kNow, kHere), Code::permission_denied);
  EXPECT_EQ(code(key, kNow, other_audience), Code::permission_denied);
  EXPECT_EQ(code(key, kNow, other_route), Code::permission_denied);
  EXPECT_EQ(code(key, kNow, short_one), Code::permission_denied);
  EXPECT_EQ(code(key, kNow, elsewhere), Code::failed_precondition);
  EXPECT_EQ(code(other, kNow, elsewhere), Code::permission_denied);  // forged: nobody learns which node
  EXPECT_EQ(code(key, kNow + 60s, elsewhere), Code::permission_denied);
}

TEST(TransactionToken, refuses_our_own_key_under_other_claims) {
  const auto key = testing::key(1);
  const std::string times = "\"iat\":" + std::to_string(seconds_from_now(0)) + ",\"exp\":" + std::to_string(seconds_from_now(60));
  const std::string tctx = R"("tctx":{"kind":"system","node":"a","route":"r","purpose":"TREAT","licensee":"ehr"})";
  const std::string rest = R"("aud":"https://gate.example","txn":"t","sub":"ehr","req_wl":"ehr","scope":"r TREAT",)" + tctx;
  const std::string_view header = R"({"alg":"ES256","typ":"txntoken+jwt"})";
  const auto good = [&](std::string_view head, const std::string& claims) {
    return check(testing::sign(key, head, claims), key, kNow, kHere).ok();
  };
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string claims = "{" + times + "," + rest + "}";
    return claims.replace(claims.find(from), from.size(), to);
  };
  EXPECT_TRUE(good(header, "{" + times + "," + rest + "}"));
  EXPECT_FALSE(good(R"({"alg":"ES256","typ":"at+jwt"})", "{" + times + "," + rest + "}"));
  EXPECT_FALSE(good(R"({"alg":"ES256"})", "{" + times + "," + rest + "}"));
  EXPECT_FALSE(good(R"({"alg":"EdDSA","typ":"txntoken+jwt"})", "{" + times + "," + rest + "}"));
  EXPECT_FALSE(good(header, "{" + rest + "}"));
  EXPECT_FALSE(good(header, with("\"txn\":\"t\"", "\"txn\":\"\"")));
  EXPECT_FALSE(good(header, with("\"sub\":\"ehr\"", "\"sub\":\"other\"")));
  EXPECT_FALSE(good(header, with("r TREAT", "r HPAYMT")));
  EXPECT_FALSE(good(header, with("\"kind\":\"system\"", "\"kind\":\"root\"")));
  EXPECT_FALSE(good(header, with("\"kind\":\"system\"", "\"kind\":\"person\",\"kind\":\"system\"")));
  EXPECT_FALSE(good(header, with(std::to_string(seconds_from_now(60)), std::to_string(seconds_from_now(61)))));
}

std::string form(std::string_view more) {
  return std::string(
             "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&requested_token_type=urn:ietf:params:oauth:token-type:"
             "txn_token")
      .append(more);
}
constexpr std::string_view kForm = "application/x-www-form-urlencoded";
constexpr std::string_view kSubject = "&subject_token=a.b.c&subject_token_type=urn:ietf:params:oauth:token-type:access_token";

TEST(ExchangeRequest, takes) {
  auto one =
      parse_exchange(form(std::string(kSubject) +
                          "&audience=https://gate.example&request_details=%7B%22route%22:%22fhir-front%22,%22purpose%22:%7B%22system%22:"
                          "%22http://terminology.hl7.org/CodeSystem/"
                          "v3-ActReason%22,%22code%22:%22TREAT%22%7D,%22method%22:%22GET%22,%22path%22:%22/Patient/%7Bid%7D%22,"
                          "%22patient%22:%22p-0001%22%7D&request_context=%7B%7D&future=x"),
                     kForm, 16384);
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_EQ(one->subject_token + one->route + one->purpose + one->method + one->path + one->patient.reveal(),
            "a.b.cfhir-frontTREATGET/Patient/{id}p-0001");
  EXPECT_EQ(one->audience, "https://gate.example");

  auto two = parse_exchange(
      form("&scope=fhir-front+TREAT&client_assertion=a.b.c&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
      "Application/X-WWW-Form-URLEncoded; charset=utf-8", 16384);
  ASSERT_TRUE(two.ok()) << two.error().message;
  EXPECT_EQ(two->route + two->purpose + two->client_assertion + two->subject_token, "fhir-frontTREATa.b.c");

  auto three = parse_exchange(
      form("&scope=fhir-front%20BTG&request_details=" + base64url(as_bytes(R"({"reason":"collapsed in the hall"})"))), kForm, 16384);
  ASSERT_TRUE(three.ok()) << three.error().message;
  EXPECT_EQ(three->reason, "collapsed in the hall");
}

TEST(ExchangeRequest, refuses) {
  struct Case {
    std::string body;
    const char* word;
  };
  const std::string scope = "&scope=r+TREAT";
  const std::string details = "&request_details=";
  const std::vector<Case> cases = {
      {"", "invalid_request"},
      {"grant_type=client_credentials", "unsupported_grant_type"},
      {"grant_type=urn:ietf:params:oauth:grant-type:token-exchange&scope=r+TREAT", "invalid_request"},
      {form(""), "invalid_request"},
      {form(scope + scope), "invalid_request"},
      {form(scope + "&%73cope=r+TREAT"), "invalid_request"},
      {form(scope + "&x=%zz"), "invalid_request"},
      {form(scope + "&x=%4"), "invalid_request"},
      {form(scope + "&x=%00"), "invalid_request"},
      {form(scope + "&x=%0a"), "invalid_request"},
      {form(scope + "&x=a=b"), "invalid_request"},
      {form(scope + "&x"), "invalid_request"},
      {form(scope + "&=x"), "invalid_request"},
      {form(scope + "&&"), "invalid_request"},
      {form(scope + "&actor_token=x"), "invalid_request"},
      {form(scope + "&resource=https://x.example"), "invalid_target"},
      {form(scope + "&subject_token=a.b.c"), "invalid_request"},
      {form(scope + "&subject_token_type=urn:ietf:params:oauth:token-type:access_token"), "invalid_request"},
      {form(scope + "&subject_token=a.b.c&subject_token_type=urn:ietf:params:oauth:token-type:saml2"), "invalid_request"},
      {form(scope + "&client_assertion=a.b.c"), "invalid_request"},
      {form(scope + "&client_assertion=a.b.c&client_assertion_type=saml"), "invalid_request"},
      {form("&scope=r"), "invalid_request"},
      {form("&scope=r+TREAT+x"), "invalid_request"},
      {form("&scope=r+treat"), "invalid_request"},
      {form("&scope=r+BTG"), "invalid_request"},
      {form(scope + details + "%7B%22reason%22:%22x%22%7D"), "invalid_request"},
      {form(scope + details + "%7B%22route%22:%22other%22%7D"), "invalid_request"},
      {form(scope + details + "%7B%22purpose%22:%22HPAYMT%22%7D"), "invalid_request"},
      {form(scope + details + "%7B%22purpose%22:%7B%22system%22:%22nhin%22,%22code%22:%22TREATMENT%22%7D%7D"), "invalid_request"},
      {form(scope + details + "%7B%22method%22:%22GET%22,%22method%22:%22PUT%22%7D"), "invalid_request"},
      {form(scope + details + "%7B%22admin%22:%22x%22%7D"), "invalid_request"},
      {form(scope + details + "%7B%22method%22:1%7D"), "invalid_request"},
      {form(scope + details + "[]"), "invalid_request"},
      {form(scope + "&request_context=1"), "invalid_request"},
      {form(scope + "&x=" + std::string(100'000, 'a')), "invalid_request"},
  };
  for (const Case& c : cases) {
    const auto parsed = parse_exchange(c.body, kForm, 16384);
    ASSERT_FALSE(parsed.ok()) << c.body;
    EXPECT_EQ(oauth_error(parsed.error()).find(std::string("{\"error\":\"") + c.word + "\""), 0u) << c.body << oauth_error(parsed.error());
    EXPECT_EQ(oauth_status(parsed.error()), 400);
  }
  EXPECT_FALSE(parse_exchange(form(scope), "application/json", 16384).ok());
  EXPECT_FALSE(parse_exchange(form(scope), "", 16384).ok());
  EXPECT_FALSE(parse_exchange(form(scope), "application/x-www-form-urlencodedx", 16384).ok());
}

TEST(ExchangeRequest, answers) {
  EXPECT_EQ(
      exchanged("a.b.c", 60s),
      R"({"access_token":"a.b.c","issued_token_type":"urn:ietf:params:oauth:token-type:txn_token","token_type":"N_A","expires_in":60})");
  EXPECT_EQ(oauth_error({Code::permission_denied, "a \"word\""}), R"({"error":"invalid_grant","error_description":"a \"word\""})");
  EXPECT_EQ(oauth_error({Code::internal, "secret"}), R"({"error":"server_error"})");
  EXPECT_EQ(oauth_status({Code::unavailable, ""}), 503);
}

TEST(Purpose, codes) {
  EXPECT_EQ(purpose_code("", "TREAT"), "TREAT");
  EXPECT_EQ(purpose_code("urn:oid:2.16.840.1.113883.5.8", "HPAYMT"), "HPAYMT");
  EXPECT_EQ(purpose_code("", "licet:ai-training"), "licet:ai-training");
  EXPECT_EQ(purpose_code("licet", "ai-training"), "licet:ai-training");
  for (const char* bad : {"", "treat", "TREAT ", "licet:", "licet:A", "T\"", "a:b"}) EXPECT_EQ(purpose_code("", bad), "") << bad;
  EXPECT_EQ(purpose_code("2.16.840.1.113883.3.18.7.1", "TREATMENT"), "");
}

}  // namespace
}  // namespace licet::identity
