// Compact JWS, key sets, JSON, exchange forms and transaction tokens: all that strangers send to identity/. Properties: what was read
// prints back to the bytes that came; nothing verifies that no key signed; error messages hold nothing of the input; JSON strings survive
// quoting.
//
// The first byte of the input chooses the reader; the rest is its input.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "identity/exchange_request.h"
#include "identity/internal/json.h"
#include "identity/jose.h"
#include "identity/tokens.h"

namespace {

using namespace licet;
using namespace licet::identity;

void must(bool holds) {
  if (!holds) std::abort();
}

const crypto::P256Key& key() {
  static const crypto::P256Key made = [] {
    SeededRandom random(1);
    return crypto::P256Key::generate(random);
  }();
  return made;
}

const KeySet& keys() {
  static const KeySet made = [] {
    const auto xy = key().public_xy();
    return *KeySet::parse(R"({"keys":[{"kty":"EC","crv":"P-256","x":")" + base64url(std::span(xy).first(32)) + R"(","y":")" +
                          base64url(std::span(xy).last(32)) + R"("}]})");
  }();
  return made;
}

// What we would log is short and ours: seeds carry this marker, and no message may.
void discreet(const Error& error, std::string_view input) {
  constexpr std::string_view kPlanted = "PLANTED-PHI";
  must(error.message.size() < 300);
  must(input.find(kPlanted) == std::string_view::npos || error.message.find(kPlanted) == std::string::npos);
}

void strings_survive(const Json& json) {
  if (json.is(Json::Kind::string)) must(Json::parse(json_string(json.text))->text == json.text);
  for (std::size_t i = 0; i < json.names.size(); ++i)
    for (std::size_t k = 0; k < i; ++k) must(json.names[i] != json.names[k]);
  for (const Json& item : json.items) strings_survive(item);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0: {
      const auto jws = Jws::parse(text, 4096);
      if (!jws) {
        discreet(jws.error(), text);
        break;
      }
      must(jws->signed_bytes + "." + base64url(as_bytes(jws->signature)) == text);  // one spelling only
      must(!keys().verify(*jws));
      break;
    }
    case 1: {
      // The same payload, truly signed: verifies, and no longer with any byte of the payload changed.
      std::string token = base64url(as_bytes(R"({"alg":"ES256"})")) + "." + base64url(as_bytes(text));
      token += "." + base64url(key().sign(as_bytes(token)));
      auto jws = Jws::parse(token, token.size());
      must(jws && jws->payload == text && keys().verify(*jws));
      jws->signed_bytes[jws->signed_bytes.size() / 2] ^= 1;
      must(!keys().verify(*jws));
      break;
    }
    case 2:
      if (const auto set = KeySet::parse(text); !set) discreet(set.error(), text);
      break;
    case 3: {
      const auto json = Json::parse(text);
      if (json)
        strings_survive(*json);
      else
        discreet(json.error(), text);
      break;
    }
    case 4: {
      const auto ask = parse_exchange(text, "application/x-www-form-urlencoded", 4096);
      if (ask) {
        must(!ask->route.empty() && !ask->purpose.empty() && (ask->purpose == "BTG") != ask->reason.empty());
        break;
      }
      discreet(ask.error(), text);
      must(Json::parse(oauth_error(ask.error())).ok());
      break;
    }
    case 5: {
      // Claims of a stranger under our own key: the checks behind the signature.
      std::string token = base64url(as_bytes(R"({"alg":"ES256","typ":"txntoken+jwt"})")) + "." + base64url(as_bytes(text));
      token += "." + base64url(key().sign(as_bytes(token)));
      const auto good = check(token, key(), micros(1'795'600'000'000'000), {.audience = "g", .node = "n", .route = {}});
      if (good)
        must(good->request.node == "n" && !good->txn.empty() && good->expires - good->issued <= std::chrono::seconds(60));
      else
        discreet(good.error(), text);
      break;
    }
    default:
      break;
  }
  return 0;
}
