#include "identity/tokens.h"

#include <array>

#include "base/bytes.h"
#include "identity/internal/json.h"
#include "identity/jose.h"

namespace licet::identity {
namespace {

constexpr std::string_view kTyp = "txntoken+jwt";
constexpr std::string_view kHeader = R"({"alg":"ES256","typ":"txntoken+jwt"})";
constexpr std::chrono::seconds kLifeMost{60}, kFutureMost{5};
constexpr std::size_t kReasonMost = 500;

Error refused(std::string_view why) {
  return {Code::permission_denied, "transaction token: " + std::string(why)};
}
Error missing(std::string_view what) {
  return {Code::invalid_argument, "transaction token: " + std::string(what)};
}

std::int64_t seconds_of(Micros time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}
Micros at(std::int64_t seconds) {
  return Micros(std::chrono::seconds(seconds));
}

// What holds of every transaction token; nullptr, or what is wrong. Checked where one is made and again where one is read.
const char* fault(const TokenRequest& r) {
  if (r.audience.empty() || r.node.empty() || r.route.empty() || r.purpose.empty() || r.system.empty()) return "a part is missing";
  if (r.route.find(' ') != std::string::npos || r.purpose.find(' ') != std::string::npos) return "a route or purpose with a space";
  if ((r.kind == CallerKind::person) == r.person.empty()) return "a person where none acts, or none where one does";
  if (r.kind == CallerKind::patient && r.patient.empty()) return "a patient's token that names no patient";
  if (!r.patient.empty() && !unhex(r.patient)) return "the patient is not blind";
  if ((r.purpose == "BTG") == r.reason.empty()) return "BTG needs a reason, and nothing else takes one";
  if (r.reason.size() > kReasonMost) return "the reason is too long";
  return nullptr;
}

std::string licensee(const TokenRequest& r) {
  switch (r.kind) {
    case CallerKind::system:
      return r.system;
    case CallerKind::person:
      return r.person;
    case CallerKind::patient:
      return "patient";
  }
  return {};
}

void member(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(",").append(json_string(name)).append(":").append(json_string(value));
}

}  // namespace

Result<Minted> mint(const TokenRequest& request, const crypto::P256Key& key, Micros now, Random& random) {
  if (const char* why = fault(request); why != nullptr) return missing(why);
  if (request.life < std::chrono::seconds(1) || request.life > kLifeMost) return missing("a life outside 1 to 60 s");
  std::array<std::byte, 16> nonce;
  random.fill(nonce);
  Minted out;
  out.txn = base64url(nonce);
  const std::int64_t iat = seconds_of(now), exp = iat + request.life.count();
  out.expires = at(exp);

  std::string claims = "{\"iat\":" + std::to_string(iat) + ",\"exp\":" + std::to_string(exp);
  member(claims, "aud", request.audience);
  member(claims, "txn", out.txn);
  member(claims, "sub", licensee(request));
  member(claims, "req_wl", request.system);
  member(claims, "scope", request.route + " " + request.purpose);
  claims += ",\"tctx\":{\"mfa\":";
  claims += request.mfa ? "true" : "false";
  member(claims, "kind", name(request.kind));
  member(claims, "node", request.node);
  member(claims, "route", request.route);
  member(claims, "purpose", request.purpose);
  member(claims, "licensee", licensee(request));
  member(claims, "issuer", request.issuer);
  member(claims, "patient", request.patient);
  member(claims, "method", request.method);
  member(claims, "path", request.path);
  member(claims, "reason", request.reason);
  claims += "}}";
  // Our own reader must take what we sign, or the holder gets a token that is refused (text that isn't UTF-8, for one).
  if (auto again = Json::parse(claims); !again) return missing("a part is not UTF-8 text");

  out.token = base64url(as_bytes(kHeader)) + "." + base64url(as_bytes(claims));
  out.token += "." + base64url(key.sign(as_bytes(out.token)));
  return out;
}

Result<TransactionToken> check(std::string_view token, const crypto::P256Key& key, Micros now, const CheckFor& by) {
  // Is it ours? Beyond this point the claims are what mint() wrote, at some time, for some gate of this key.
  auto jws = Jws::parse(token, by.most);
  if (!jws) return refused("not a strict JWS");
  if (jws->algorithm != crypto::SignatureAlgorithm::es256 || jws->typ != kTyp) return refused("another alg or typ");
  if (!by.signed_here && !key.verify(as_bytes(jws->signed_bytes), as_bytes(jws->signature)))
    return refused("the signature does not verify");

  auto claims = Json::parse(jws->payload);
  if (!claims) return refused("malformed claims");
  const Json* const tctx = claims->get("tctx");
  const auto iat = claims->seconds("iat"), exp = claims->seconds("exp");
  if (tctx == nullptr || !iat || !exp) return refused("a claim is missing");
  const auto text = [](const Json& object, std::string_view name) {
    const std::string* const s = object.string(name);
    return s != nullptr ? *s : std::string();
  };
  TransactionToken out;
  TokenRequest& r = out.request;
  const std::string kind = text(*tctx, "kind");
  bool known = false;
  for (const CallerKind k : {CallerKind::system, CallerKind::person, CallerKind::patient}) {
    if (kind != name(k)) continue;
    r.kind = k;
    known = true;
  }
  if (!known) return refused("an unknown kind");
  r.audience = text(*claims, "aud");
  r.system = text(*claims, "req_wl");
  if (r.kind == CallerKind::person) r.person = text(*tctx, "licensee");
  r.node = text(*tctx, "node");
  r.route = text(*tctx, "route");
  r.purpose = text(*tctx, "purpose");
  r.issuer = text(*tctx, "issuer");
  r.patient = text(*tctx, "patient");
  r.method = text(*tctx, "method");
  r.path = text(*tctx, "path");
  r.reason = text(*tctx, "reason");
  const Json* const mfa = tctx->get("mfa");
  r.mfa = mfa != nullptr && mfa->truth;
  r.life = std::chrono::seconds(*exp - *iat);
  out.txn = text(*claims, "txn");
  out.issued = at(*iat);
  out.expires = at(*exp);
  if (fault(r) != nullptr || out.txn.empty()) return refused("a claim is missing");
  if (text(*claims, "sub") != licensee(r) || text(*tctx, "licensee") != licensee(r)) return refused("sub is not the licensee");
  if (text(*claims, "scope") != r.route + " " + r.purpose) return refused("scope differs from tctx");

  // Is it for here and now? The node comes last: a token that fails otherwise would fail there, too.
  if (r.audience != by.audience) return refused("for another audience");
  if (r.life < std::chrono::seconds(1) || r.life > kLifeMost) return refused("a life outside 1 to 60 s");
  if (out.issued > now + kFutureMost) return refused("from the future");
  if (now >= out.expires) return refused("expired");
  if (!by.route.empty() && r.route != by.route) return refused("for another route");
  if (r.node != by.node) return Error{Code::failed_precondition, "transaction token: for another node"};
  return out;
}

}  // namespace licet::identity
