// Accounts, one-time codes and log-in at a provider that does as told.
#include "identity/accounts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "identity/internal/testing.h"
#include "identity/provider.h"
#include "identity/roles.h"
#include "identity/totp.h"
#include "store/faulty.h"

namespace licet::identity {
namespace {

using namespace std::chrono_literals;

const Micros kNow = testing::kNow;
const Zone kZone = Zone::utc();

// RFC 4226, appendix D: the secret "12345678901234567890", counters 0 to 9.
TEST(Totp, VectorsOfRfc4226) {
  const char* wanted[] = {"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"};
  for (std::uint64_t i = 0; i < 10; ++i) EXPECT_EQ(totp("12345678901234567890", i), wanted[i]) << i;
}

// RFC 6238, appendix B, the lines of SHA-1.
TEST(Totp, VectorsOfRfc6238) {
  const std::pair<std::int64_t, const char*> wanted[] = {{59, "94287082"},         {1111111109, "07081804"}, {1111111111, "14050471"},
                                                         {1234567890, "89005924"}, {2000000000, "69279037"}, {20000000000, "65353130"}};
  for (const auto& [seconds, code] : wanted)
    EXPECT_EQ(totp("12345678901234567890", totp_step(micros(seconds * 1'000'000)), 8), code) << seconds;
}

// RFC 4648 §10.
TEST(Totp, Base32) {
  for (const auto& [plain, coded] :
       {std::pair{"", ""}, {"f", "MY"}, {"fo", "MZXQ"}, {"foo", "MZXW6"}, {"foob", "MZXW6YQ"}, {"foobar", "MZXW6YTBOI"}}) {
    EXPECT_EQ(base32(as_bytes(plain)), coded);
    EXPECT_EQ(unbase32(coded), plain);
  }
  EXPECT_EQ(unbase32("mzxw 6ytb-oi======"), "foobar");
  EXPECT_EQ(unbase32("MZXW1"), std::nullopt);
  EXPECT_EQ(otpauth_uri("Licet a b", "j-o", "foobar"), "otpauth://totp/Licet%20a%20b:j-o?secret=MZXW6YTBOI&issuer=Licet%20a%20b");
}

TEST(Roles, WhoReadsDoesNotAct) {
  const Acts writes{Act::propose, Act::commit, Act::record, Act::suspend, Act::lift, Act::release, Act::share, Act::keys};
  for (const RoleRow& r : roles()) {
    EXPECT_TRUE(r.acts.has(Act::none));
    EXPECT_TRUE(r.acts.has(Act::see)) << r.name;
    if (r.time_boxed)
      for (const ActRow& a : acts()) EXPECT_FALSE(writes.has(a.act) && r.acts.has(a.act)) << r.name << " " << a.name;
    if (r.role != Role::starter) {
      EXPECT_EQ(role_of(r.name), r.role);
    }
  }
  EXPECT_EQ(role_of("starter"), std::nullopt);
  EXPECT_FALSE(may(Role::operator_, Act::release));
  EXPECT_FALSE(may(Role::adviser, Act::watch));
  for (const ActRow& a : acts()) EXPECT_EQ(act_of(a.name), a.act);
  EXPECT_TRUE((Acts{Act::see}.within({Act::see, Act::keys})));
  EXPECT_FALSE((Acts{Act::see, Act::release}.within({Act::see})));
}

struct Desk {
  crypto::SystemRandom random;
  store::FaultyFileSystem disk;
  std::unique_ptr<crypto::KeyRing> keys;
  std::unique_ptr<Accounts> accounts;

  Desk() {
    auto ring =
        crypto::KeyRing::create(crypto::Secret::random(random), "riverbend", random, [](const std::string&) { return Result<void>(); });
    EXPECT_TRUE(ring.ok());
    keys = *std::move(ring);
    EXPECT_TRUE(disk.make_folder("state").ok());
    EXPECT_TRUE(again().ok());
  }
  Result<void> again() {
    accounts = std::make_unique<Accounts>(Accounts::Options{&disk, "state/accounts.json", keys.get(), &random, {1, 8192}});
    return accounts->load();
  }
  Secrets add(NewAccount wanted) {
    auto made = accounts->add(wanted);
    EXPECT_TRUE(made.ok()) << (made ? "" : made.error().message);
    return made ? *std::move(made) : Secrets{};
  }
  static std::string code(const Secrets& s, Micros at) { return totp(*unbase32(s.secret), totp_step(at)); }
  Code log_in(std::string_view name, std::string_view password, std::string_view c, Micros at = kNow) {
    auto in = accounts->log_in(name, password, c, at, kZone);
    return in ? Code{} : in.error().code;
  }
};
constexpr Code kGood{};

NewAccount officer() {
  return {.name = "j-ortiz", .full_name = "J. Ortiz", .role = Role::privacy_officer};
}

TEST(Accounts, PasswordAndCodeOnce) {
  Desk d;
  EXPECT_FALSE(d.accounts->any());
  const Secrets s = d.add(officer());
  EXPECT_GE(s.password.size(), 24U);
  EXPECT_EQ(s.recovery.size(), 8U);
  const std::string code = Desk::code(s, kNow);
  EXPECT_EQ(d.log_in("j-ortiz", s.password, "000000"), Code::permission_denied);
  EXPECT_EQ(d.log_in("j-ortiz", "x", code), Code::permission_denied);
  EXPECT_EQ(d.log_in("j-ortiz", s.password, ""), Code::permission_denied);
  EXPECT_EQ(d.log_in("j-ortiz", s.password, code), kGood);
  EXPECT_EQ(d.log_in("j-ortiz", s.password, code), Code::permission_denied) << "a used code";
  EXPECT_EQ(d.log_in("j-ortiz", s.password, Desk::code(s, kNow - 30s)), Code::permission_denied) << "an older one than the last";
  ASSERT_TRUE(d.again().ok());
  EXPECT_EQ(d.log_in("j-ortiz", s.password, code), Code::permission_denied) << "used, also after a restart";
  EXPECT_EQ(d.log_in("j-ortiz", s.password, Desk::code(s, kNow + 30s)), kGood) << "clocks may differ by one step";
  EXPECT_EQ(d.log_in("j-ortiz", s.password, Desk::code(s, kNow + 90s)), Code::permission_denied) << "and by no more";
}

TEST(Accounts, LockedAndRecovered) {
  Desk d;
  const Secrets s = d.add(officer());
  for (unsigned i = 0; i < Accounts::kMostFailures; ++i) EXPECT_EQ(d.log_in("j-ortiz", "guess", "1"), Code::permission_denied);
  EXPECT_EQ(d.log_in("j-ortiz", s.password, Desk::code(s, kNow)), Code::exhausted);
  EXPECT_TRUE(d.accounts->locked("j-ortiz", kNow));
  EXPECT_EQ(d.log_in("j-ortiz", s.password, Desk::code(s, kNow + 16min), kNow + 16min), kGood) << "it ends by itself";
  for (unsigned i = 0; i < Accounts::kMostFailures; ++i)
    EXPECT_EQ(d.log_in("j-ortiz", "guess", "1", kNow + 20min), Code::permission_denied);
  d.accounts->unlock("j-ortiz");
  EXPECT_EQ(d.log_in("j-ortiz", s.password, s.recovery[2], kNow + 20min), kGood) << "a recovery code stands in for a code";
  EXPECT_EQ(d.log_in("j-ortiz", s.password, s.recovery[2], kNow + 21min), Code::permission_denied) << "once";
  // A name that nobody has is locked as one that somebody has.
  for (unsigned i = 0; i < Accounts::kMostFailures; ++i) EXPECT_EQ(d.log_in("nobody", "guess", "1"), Code::permission_denied);
  EXPECT_EQ(d.log_in("nobody", "guess", "1"), Code::exhausted);
}

TEST(Accounts, TimeBoxedRolesEnd) {
  Desk d;
  EXPECT_EQ(d.accounts->add({.name = "r-kim", .role = Role::auditor}).error().code, Code::invalid_argument) << "an auditor needs an end";
  const Date day = std::chrono::floor<std::chrono::days>(kNow);
  const Secrets s = d.add({.name = "r-kim", .role = Role::auditor, .until = day});
  EXPECT_EQ(d.log_in("r-kim", s.password, Desk::code(s, kNow)), kGood);
  EXPECT_EQ(d.log_in("r-kim", s.password, Desk::code(s, kNow + 24h), kNow + 24h), Code::failed_precondition);
}

TEST(Accounts, NothingSecretInTheFileAndNothingChangedByHand) {
  Desk d;
  const Secrets s = d.add(officer());
  auto bytes = d.disk.read_all("state/accounts.json", 1 << 20);
  ASSERT_TRUE(bytes.ok());
  for (const std::string& secret : {s.password, s.secret, s.recovery[0]}) EXPECT_EQ(bytes->find(secret), std::string::npos);
  EXPECT_EQ(bytes->find("argon2"), std::string::npos);
  const auto at = bytes->find("privacy-officer");
  ASSERT_NE(at, std::string::npos);
  d.disk.put("state/accounts.json", std::string(*bytes).replace(at, 15, "security-officer"));
  EXPECT_EQ(d.again().error().code, Code::permission_denied) << "a changed role opens nothing";
}

TEST(Accounts, EndedOnesComeBackOnlyAnew) {
  Desk d;
  const Secrets s = d.add(officer());
  EXPECT_EQ(d.accounts->add(officer()).error().code, Code::already_exists);
  const auto before = d.accounts->find("j-ortiz");
  ASSERT_TRUE(d.accounts->end("j-ortiz").ok());
  EXPECT_EQ(d.log_in("j-ortiz", s.password, Desk::code(s, kNow)), Code::permission_denied);
  EXPECT_TRUE(d.accounts->any()) << "an ended account does not bring the first start's key back";
  const Secrets t = d.add(officer());
  EXPECT_NE(d.accounts->find("j-ortiz")->stamp, before->stamp);
  EXPECT_EQ(d.log_in("j-ortiz", t.password, Desk::code(t, kNow)), kGood);
  auto renewed = d.accounts->renew_password("j-ortiz");
  ASSERT_TRUE(renewed.ok());
  EXPECT_EQ(d.log_in("j-ortiz", t.password, Desk::code(t, kNow + 30s)), Code::permission_denied);
  EXPECT_EQ(d.log_in("j-ortiz", renewed->password, Desk::code(t, kNow + 30s)), kGood);
  EXPECT_EQ(d.accounts->renew_password("j-ortiz", "short").error().code, Code::invalid_argument);
  EXPECT_EQ(d.accounts->add({.name = "J", .role = Role::engineer}).error().code, Code::invalid_argument);
}

TEST(Accounts, AFailedWriteLogsNobodyIn) {
  Desk d;
  const Secrets s = d.add(officer());
  d.accounts = std::make_unique<Accounts>(Accounts::Options{&d.disk, "nowhere/accounts.json", d.keys.get(), &d.random, {1, 8192}});
  EXPECT_FALSE(d.accounts->add(officer()).ok());
  EXPECT_FALSE(d.accounts->any());
}

// ---- the provider

class Net final : public Outbound {
 public:
  crypto::P256Key key = testing::key(7);
  std::string nonce, claims, asked;  // claims: instead of good ones
  int status = 200;

  Task<Result<Fetched>> get(std::string url) override {
    if (url == "https://id.example/.well-known/openid-configuration")
      co_return Fetched{
          200,
          R"({"issuer":"https://id.example","authorization_endpoint":"https://id.example/auth","token_endpoint":"https://id.example/token","jwks_uri":"https://id.example/jwks"})",
          "application/json"};
    if (url == "https://id.example/jwks") co_return Fetched{200, testing::jwks({testing::jwk(key, "k1")}), "application/json"};
    co_return Error{Code::permission_denied, "not on the list"};
  }
  Task<Result<Fetched>> post(std::string url, Message message) override {
    EXPECT_EQ(url, "https://id.example/token");
    asked = message.body;
    const std::string good = R"({"iss":"https://id.example","aud":"console","sub":"u-17","amr":["pwd","otp"],"nonce":")" + nonce +
                             R"(","iat":)" + std::to_string(testing::seconds_from_now(0)) + R"(,"exp":)" +
                             std::to_string(testing::seconds_from_now(300)) + "}";
    const std::string token = testing::sign(key, R"({"alg":"ES256","kid":"k1"})", claims.empty() ? good : claims);
    co_return Fetched{status, R"({"id_token":")" + token + R"(","token_type":"Bearer","access_token":"x"})", "application/json"};
  }
};

std::string member(std::string_view url, std::string_view name) {
  const auto at = url.find(std::string(name) + "=");
  if (at == std::string_view::npos) return {};
  const auto rest = url.substr(at + name.size() + 1);
  return std::string(rest.substr(0, rest.find('&')));
}

struct Visit {
  Net net;
  crypto::SystemRandom random;
  Provider provider{{.issuer = "https://id.example", .client = "console", .secret = "s3cret", .outbound = &net, .random = &random}};
  std::string state, url;

  void begin() {
    auto begun = testing::run<Result<Provider::Begun>>(provider.begin("https://licet.example/oidc/callback", kNow));
    ASSERT_TRUE(begun.ok());
    state = begun->state;
    url = begun->url;
    net.nonce = member(url, "nonce");
  }
  Result<Provider::Known> finish(std::string cookie, std::string given, std::string iss = {}, Micros at = kNow) {
    return testing::run<Result<Provider::Known>>(provider.finish(std::move(cookie), std::move(given), "c0de", std::move(iss), at));
  }
};

TEST(Provider, LogsInOnce) {
  Visit v;
  v.begin();
  EXPECT_EQ(member(v.url, "code_challenge_method"), "S256");
  EXPECT_EQ(member(v.url, "response_type"), "code");
  EXPECT_EQ(member(v.url, "redirect_uri"), "https%3a%2f%2flicet.example%2foidc%2fcallback");
  auto who = v.finish(v.state, v.state, "https://id.example");
  ASSERT_TRUE(who.ok()) << who.error().message;
  EXPECT_EQ(who->subject, "u-17");
  EXPECT_TRUE(who->mfa);
  EXPECT_EQ(base64url(crypto::sha256(member(v.net.asked, "code_verifier"))), member(v.url, "code_challenge"));
  EXPECT_EQ(member(v.net.asked, "client_secret"), "s3cret");
  EXPECT_EQ(v.finish(v.state, v.state).error().code, Code::permission_denied) << "a state counts once";
}

TEST(Provider, WhatDoesNotHold) {
  const auto claims = [](std::string_view iss, std::string_view aud, std::string_view nonce, std::int64_t iat,
                         std::int64_t exp) -> std::string {
    return fmt::format(R"({{"iss":"{}","aud":{},"sub":"u-17","nonce":"{}","iat":{},"exp":{}}})", iss, aud, nonce,
                       testing::seconds_from_now(iat), testing::seconds_from_now(exp));
  };
  const auto denied = [](Visit& v, std::string_view what) {
    auto who = v.finish(v.state, v.state);
    EXPECT_FALSE(who.ok()) << what;
    if (!who) {
      EXPECT_EQ(who.error().code, Code::permission_denied) << what;
    }
  };
  {
    Visit v;
    v.begin();
    EXPECT_FALSE(v.finish("", v.state).ok()) << "another browser";
    EXPECT_FALSE(v.finish("x", "x").ok()) << "a state that nobody began";
    EXPECT_FALSE(v.finish(v.state, v.state, "https://evil.example").ok()) << "mix-up";
    EXPECT_FALSE(v.finish(v.state, v.state).ok()) << "it was used up by the mix-up";
  }
  for (int which = 0; which < 8; ++which) {
    Visit v;
    v.begin();
    const std::string n = v.net.nonce;
    switch (which) {
      case 0:
        v.net.claims = claims("https://evil.example", "\"console\"", n, 0, 300);
        break;
      case 1:
        v.net.claims = claims("https://id.example", "\"other\"", n, 0, 300);
        break;
      case 2:
        v.net.claims = claims("https://id.example", R"(["console","other"])", n, 0, 300);
        break;
      case 3:
        v.net.claims = claims("https://id.example", "\"console\"", "another", 0, 300);
        break;
      case 4:
        v.net.claims = claims("https://id.example", "\"console\"", n, -100, -50);
        break;
      case 5:
        v.net.claims = claims("https://id.example", "\"console\"", n, -3600, 300);
        break;
      case 6:
        v.net.status = 400;
        break;
      case 7:
        v.net.claims = claims("https://id.example", "\"console\"", n, 3600, 7200);
        break;
    }
    denied(v, std::to_string(which));
  }
  Visit late;
  late.begin();
  EXPECT_FALSE(late.finish(late.state, late.state, {}, kNow + 11min).ok());
}

}  // namespace
}  // namespace licet::identity
