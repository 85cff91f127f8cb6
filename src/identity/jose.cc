#include "identity/jose.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "identity/internal/json.h"

namespace licet::identity {
namespace {

using crypto::SignatureAlgorithm;

constexpr std::size_t kSetBytesMost = 256 * 1024, kKeysMost = 64, kNameMost = 512;

// Members that would tell us where to find a key, or how to read the rest: nobody honest needs them here (RFC 8725 §3.10).
constexpr std::array kForbidden = {"jku", "x5u", "jwk", "x5c", "crit", "b64", "zip", "enc"};

Error bad(std::string why) {
  return {Code::invalid_argument, "JWS: " + std::move(why)};
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool same_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool contains(const Json& array, std::string_view word) {
  return std::any_of(array.items.begin(), array.items.end(), [&](const Json& j) { return j.is(Json::Kind::string) && j.text == word; });
}

// What the key says it is for, where it says so: RFC 7517 §4.2, §4.3. A key that was published with its private half proves nothing.
bool may_verify(const Json& jwk) {
  if (jwk.get("d") != nullptr || jwk.get("k") != nullptr) return false;
  if (const Json* use = jwk.get("use"); use != nullptr && use->text != "sig") return false;
  if (const Json* ops = jwk.get("key_ops"); ops != nullptr && !contains(*ops, "verify")) return false;
  return true;
}

// The algorithms of that kind of key; empty: not a kind that we take.
std::vector<SignatureAlgorithm> algorithms(const Json& jwk) {
  const auto is = [&jwk](std::string_view member, std::string_view value) {
    const std::string* const text = jwk.string(member);
    return text != nullptr && *text == value;
  };
  std::vector<SignatureAlgorithm> fits;
  if (is("kty", "RSA")) fits = {SignatureAlgorithm::rs256, SignatureAlgorithm::rs384, SignatureAlgorithm::ps256};
  if (is("kty", "EC") && is("crv", "P-256")) fits = {SignatureAlgorithm::es256};
  if (is("kty", "EC") && is("crv", "P-384")) fits = {SignatureAlgorithm::es384};
  if (is("kty", "OKP") && is("crv", "Ed25519")) fits = {SignatureAlgorithm::eddsa};
  if (const Json* alg = jwk.get("alg"); alg != nullptr)
    std::erase_if(fits, [&](SignatureAlgorithm a) { return !alg->is(Json::Kind::string) || crypto::name(a) != alg->text; });
  return fits;
}

Result<crypto::PublicKey> public_key(const Json& jwk, SignatureAlgorithm kind) {
  const auto text = [&jwk](std::string_view member) {
    const std::string* const s = jwk.string(member);
    return s != nullptr ? std::string_view(*s) : std::string_view();
  };
  switch (kind) {
    case SignatureAlgorithm::es256:
    case SignatureAlgorithm::es384:
      return crypto::PublicKey::ec(text("crv"), text("x"), text("y"));
    case SignatureAlgorithm::rs256:
    case SignatureAlgorithm::rs384:
    case SignatureAlgorithm::ps256:
      return crypto::PublicKey::rsa(text("n"), text("e"));
    case SignatureAlgorithm::eddsa:
      return crypto::PublicKey::ed25519(text("x"));
  }
  return Error{Code::internal, "a signature algorithm without a kind of key"};
}

}  // namespace

Result<Jws> Jws::parse(std::string_view compact, std::size_t most) {
  if (compact.size() > most) return Error{Code::exhausted, "JWS: longer than " + std::to_string(most) + " bytes"};
  const std::size_t first = compact.find('.');
  const std::size_t second = first == std::string_view::npos ? first : compact.find('.', first + 1);
  if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos) return bad("not three parts");

  const auto header_text = unbase64url(compact.substr(0, first));
  auto payload = unbase64url(compact.substr(first + 1, second - first - 1));
  auto signature = unbase64url(compact.substr(second + 1));
  if (!header_text || !payload || !signature) return bad("a part is not strict base64url");
  if (signature->empty()) return bad("no signature");

  auto header = Json::parse(*header_text);
  if (!header) return bad("header: " + header.error().message);
  if (!header->is(Json::Kind::object)) return bad("the header is not an object");
  for (const char* name : kForbidden)
    if (header->get(name) != nullptr) return bad(std::string("the header member ") + name + " is not accepted");

  const std::string* const alg = header->string("alg");
  const auto algorithm = alg != nullptr ? crypto::algorithm_of(*alg) : std::nullopt;
  if (!algorithm) return bad("the alg is not allowed");

  Jws out;
  out.algorithm = *algorithm;
  if (const Json* typ = header->get("typ"); typ != nullptr) {
    if (!typ->is(Json::Kind::string) || typ->text.empty() || typ->text.size() > kNameMost) return bad("a bad typ");
    out.typ = typ->text;
  }
  if (const Json* kid = header->get("kid"); kid != nullptr) {
    if (!kid->is(Json::Kind::string) || kid->text.empty() || kid->text.size() > kNameMost) return bad("a bad kid");
    out.kid = kid->text;
  }
  out.payload = *std::move(payload);
  out.signature = *std::move(signature);
  out.signed_bytes = compact.substr(0, second);
  return out;
}

bool Jws::is_typ(std::string_view media_type) const {
  constexpr std::string_view kPrefix = "application/";
  std::string_view mine = typ;
  if (mine.size() > kPrefix.size() && same_without_case(mine.substr(0, kPrefix.size()), kPrefix)) mine.remove_prefix(kPrefix.size());
  return same_without_case(mine, media_type);
}

Result<KeySet> KeySet::parse(std::string_view json) {
  if (json.size() > kSetBytesMost) return Error{Code::exhausted, "key set: longer than 256 KiB"};
  auto document = Json::parse(json);
  if (!document) return Error{Code::invalid_argument, "key set: " + document.error().message};
  const Json* const keys = document->get("keys");
  if (keys == nullptr || !keys->is(Json::Kind::array)) return Error{Code::invalid_argument, "key set: no array `keys`"};
  if (keys->items.size() > kKeysMost) return Error{Code::exhausted, "key set: more than 64 keys"};

  KeySet out;
  for (std::size_t i = 0; i < keys->items.size(); ++i) {
    const Json& jwk = keys->items[i];
    const auto place = [i] { return "key set: keys[" + std::to_string(i) + "]"; };
    if (!jwk.is(Json::Kind::object)) return Error{Code::invalid_argument, place() + " is not an object"};
    if (!may_verify(jwk)) continue;
    Key key;
    key.fits = algorithms(jwk);
    if (key.fits.empty()) continue;
    if (const Json* kid = jwk.get("kid"); kid != nullptr) {
      if (!kid->is(Json::Kind::string)) return Error{Code::invalid_argument, place() + ".kid is not a string"};
      key.kid = kid->text;
    }
    auto made = public_key(jwk, key.fits.front());
    if (!made) return Error{Code::invalid_argument, place() + ": " + made.error().message};
    key.key = *std::move(made);
    out.keys_.push_back(std::move(key));
  }
  return out;
}

// With a kid, the keys that bear it; without one, the only key that fits (to try several would let the sender choose).
std::vector<const KeySet::Key*> KeySet::candidates(const Jws& jws) const {
  std::vector<const Key*> out;
  for (const Key& key : keys_) {
    if (std::find(key.fits.begin(), key.fits.end(), jws.algorithm) == key.fits.end()) continue;
    if (!jws.kid || key.kid == jws.kid) out.push_back(&key);
  }
  if (!jws.kid && out.size() > 1) out.clear();
  return out;
}

bool KeySet::knows(const Jws& jws) const {
  return !candidates(jws).empty();
}

Result<void> KeySet::verify(const Jws& jws) const {
  const auto keys = candidates(jws);
  if (keys.empty()) return Error{Code::not_found, "JWS: the issuer has no such key for this alg"};
  for (const Key* key : keys)
    if (key->key.verify(jws.algorithm, as_bytes(jws.signed_bytes), as_bytes(jws.signature))) return {};
  return Error{Code::permission_denied, "JWS: the signature does not verify"};
}

}  // namespace licet::identity
