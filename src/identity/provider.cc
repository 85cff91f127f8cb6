#include "identity/provider.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "identity/internal/factors.h"
#include "identity/internal/json.h"
#include "identity/internal/key_source.h"
#include "identity/jose.h"

namespace licet::identity {
namespace {

constexpr std::size_t kMostToken = 16 * 1024;

std::string form(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain)
      out += c;
    else
      out += "%" + hex(as_bytes(std::string_view(&c, 1)));
  }
  return out;
}

Error no(std::string_view why) {
  return {Code::permission_denied, std::string(why)};
}

bool for_us(const Json& claims, const std::string& client) {
  const auto audience = texts(claims, "aud");
  if (!audience || !has(*audience, client)) return false;
  const std::string* party = claims.string("azp");
  return party == nullptr ? audience->size() == 1 : *party == client;
}

}  // namespace

std::string Provider::random_text() {
  std::array<std::byte, 32> raw{};
  options_.random->fill(raw);
  return base64url(raw);
}

Task<Result<Provider::Endpoints>> Provider::discover() {
  std::string url = options_.issuer;
  while (url.ends_with('/')) url.pop_back();
  url += "/.well-known/openid-configuration";
  auto answer = co_await options_.outbound->get(std::move(url));
  if (!answer || answer->status != 200) co_return Error{Code::unavailable, "the identity provider does not answer"};
  auto found = Json::parse(answer->body);
  if (!found) co_return Error{Code::unavailable, "the identity provider's configuration can't be read"};
  const std::string* issuer = found->string("issuer");
  if (issuer == nullptr || *issuer != options_.issuer)
    co_return Error{Code::unavailable, "the identity provider's configuration is of another issuer"};
  Endpoints out;
  for (const auto& [member, to] : {std::pair{"authorization_endpoint", &out.authorization}, std::pair{"token_endpoint", &out.token},
                                   std::pair{"jwks_uri", &out.keys}}) {
    const std::string* value = found->string(member);
    if (value == nullptr || !is_safe_url(*value))
      co_return Error{Code::unavailable, fmt::format("the identity provider's {} is missing or no https address", member)};
    *to = *value;
  }
  co_return out;
}

Task<Result<Provider::Begun>> Provider::begin(std::string redirect, Micros now) {
  auto finding = discover();
  auto endpoints = co_await std::move(finding);
  if (!endpoints) co_return std::move(endpoints).error();
  Pending pending{random_text(), random_text(), std::move(redirect), now + kPending};
  Begun out;
  out.state = random_text();
  out.url = fmt::format(
      "{}{}response_type=code&scope=openid&client_id={}&redirect_uri={}&state={}&nonce={}&code_challenge={}&code_challenge_method=S256",
      endpoints->authorization, endpoints->authorization.find('?') == std::string::npos ? '?' : '&', form(options_.client),
      form(pending.redirect), out.state, pending.nonce, base64url(crypto::sha256(pending.verifier)));
  const std::lock_guard lock(mutex_);
  std::erase_if(pending_, [&](const auto& p) { return p.second.until <= now; });
  if (pending_.size() >= kMostPending) co_return Error{Code::unavailable, "too many log-ins are under way: try again in some minutes"};
  pending_.emplace(out.state, std::move(pending));
  co_return out;
}

Task<Result<Provider::Known>> Provider::finish(std::string cookie, std::string state, std::string code, std::string iss, Micros now) {
  if (cookie.empty() || !crypto::equal_constant_time(as_bytes(cookie), as_bytes(state)))
    co_return no("this log-in was not begun in this browser");
  Pending pending;
  {
    const std::lock_guard lock(mutex_);
    const auto at = pending_.find(state);
    if (at == pending_.end() || at->second.until <= now) co_return no("this log-in is over: begin again");
    pending = std::move(at->second);
    pending_.erase(at);  // whatever comes of it, it counts once
  }
  if (!iss.empty() && iss != options_.issuer) co_return no("the answer is another provider's");
  if (code.empty()) co_return no("the identity provider said no");
  auto finding = discover();
  auto endpoints = co_await std::move(finding);
  if (!endpoints) co_return std::move(endpoints).error();
  Outbound::Message message;
  message.type = "application/x-www-form-urlencoded";
  message.body = fmt::format("grant_type=authorization_code&code={}&redirect_uri={}&client_id={}&code_verifier={}", form(code),
                             form(pending.redirect), form(options_.client), pending.verifier);
  if (!options_.secret.empty()) message.body += "&client_secret=" + form(options_.secret);
  auto answer = co_await options_.outbound->post(endpoints->token, std::move(message));
  if (!answer) co_return Error{Code::unavailable, "the identity provider does not answer"};
  if (answer->status != 200) co_return no("the identity provider did not take the code");
  auto tokens = Json::parse(answer->body);
  const std::string* token = tokens ? tokens->string("id_token") : nullptr;
  if (token == nullptr) co_return no("the identity provider gave no ID token");
  auto jws = Jws::parse(*token, kMostToken);
  if (!jws) co_return no("the ID token can't be read: " + jws.error().message);
  auto fetched = co_await options_.outbound->get(endpoints->keys);
  if (!fetched || fetched->status != 200) co_return Error{Code::unavailable, "the identity provider's keys can't be fetched"};
  auto keys = KeySet::parse(fetched->body);
  if (!keys) co_return Error{Code::unavailable, "the identity provider's keys can't be read"};
  if (auto verified = keys->verify(*jws); !verified) co_return no("the ID token is not signed by the identity provider");
  auto claims = Json::parse(jws->payload);
  if (!claims) co_return no("the ID token can't be read");
  const std::string* issuer = claims->string("iss");
  const std::string* subject = claims->string("sub");
  const std::string* nonce = claims->string("nonce");
  const auto expires = claims->seconds("exp"), issued = claims->seconds("iat");
  if (issuer == nullptr || *issuer != options_.issuer) co_return no("the ID token is another issuer's");
  if (!for_us(*claims, options_.client)) co_return no("the ID token is not for us");
  if (nonce == nullptr || !crypto::equal_constant_time(as_bytes(*nonce), as_bytes(pending.nonce)))
    co_return no("the ID token is of another log-in");
  const std::int64_t at = count(now) / 1'000'000;
  if (!expires || at >= *expires + options_.skew.count()) co_return no("the ID token is over");
  if (!issued || *issued > at + options_.skew.count() || at > *issued + options_.oldest.count())
    co_return no("the ID token is too old, or the clocks differ");
  if (subject == nullptr || subject->empty() || subject->size() > 255) co_return no("the ID token names nobody");
  co_return Known{*subject, multi_factor(*claims, usual_mfa_acr())};
}

}  // namespace licet::identity
