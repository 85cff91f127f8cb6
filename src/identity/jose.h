// Compact JWS (RFC 7515) and key sets (RFC 7517), strict: what is ambiguous or says where its own key is to be found is refused.
//
//   LICET_TRY(keys, KeySet::parse(jwks_text));
//   LICET_TRY(jws, Jws::parse(token, limits.token_bytes));     // read, not yet believed
//   LICET_TRY_VOID(keys.verify(jws));                          // only now is jws.payload what the key's holder said
//
//   Jws::parse("eyJhbGciOiJub25lIn0.e30.", n)                   // invalid_argument: alg is not allowed
//
// Refused: an alg outside {ES256, ES384, RS256, RS384, PS256, EdDSA}; jku, x5u, jwk, x5c, crit, b64, zip, enc; a member that stands twice;
// base64url with padding, other alphabets or stray bits; more than `most` bytes. The alg is bound to the kind of key and to the key's own
// `alg`, so a public key can never serve as an HMAC secret. `kid` is looked up in the one set that is given, never elsewhere.
//
// Thread rule: values; const methods from any thread. Input: untrusted; fuzzed by fuzz/fuzz_jws.cc; vectors: Wycheproof.
// Error messages never contain bytes of the token.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/crypto.h"

namespace licet::identity {

struct Jws {
  crypto::SignatureAlgorithm algorithm{};
  std::string typ;           // as written; empty: absent
  std::optional<std::string> kid;
  std::string payload;       // decoded
  std::string signed_bytes;  // header.payload, as sent
  std::string signature;     // decoded

  // errors: invalid_argument; exhausted (longer than `most` bytes).
  [[nodiscard]] static Result<Jws> parse(std::string_view compact, std::size_t most);
  // typ is a media type (RFC 7515 §4.1.9): without case, "application/" may be left out.
  [[nodiscard]] bool is_typ(std::string_view media_type) const;
};

class KeySet {
 public:
  // Keys that can't sign for us (kty oct, use enc, another curve or alg, a private key that somebody published) are left out, as RFC 7517 §5
  // asks. errors: invalid_argument (not a JWKS; a usable kind of key that is malformed); exhausted (> 256 KiB, > 64 keys).
  [[nodiscard]] static Result<KeySet> parse(std::string_view json);

  // errors: not_found (no key of that kid, or without a kid none or several that fit: fetch the set again); permission_denied (the
  // signature does not verify).
  [[nodiscard]] Result<void> verify(const Jws& jws) const;
  [[nodiscard]] bool knows(const Jws& jws) const;
  [[nodiscard]] std::size_t size() const { return keys_.size(); }

 private:
  struct Key {
    std::optional<std::string> kid;
    std::vector<crypto::SignatureAlgorithm> fits;
    crypto::PublicKey key;
  };
  [[nodiscard]] std::vector<const Key*> candidates(const Jws& jws) const;
  std::vector<Key> keys_;
};

}  // namespace licet::identity
