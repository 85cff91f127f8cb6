// The façade over OpenSSL 3: digests, MACs, authenticated encryption, signatures. Nothing outside crypto/ and http/tls.cc includes OpenSSL.
//
//   const Digest d = sha256(as_bytes("abc"));
//   std::string box = seal(key, as_bytes(plain), as_bytes(aad), random);       // XAES-256-GCM (C2SP): 24-byte nonce ‖ ciphertext ‖ tag
//   LICET_TRY(plain, open(key, as_bytes(box), as_bytes(aad)));
//
// Thread rule: free functions and const methods from any thread. Sizes in bytes. Secrets are wiped when destroyed.
// Errors: permission_denied where a tag or signature does not verify; invalid_argument for malformed keys.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"

namespace licet::crypto {

[[nodiscard]] Digest sha256(std::span<const std::byte> data);
[[nodiscard]] inline Digest sha256(std::string_view text) {
  return sha256(as_bytes(text));
}

// Incremental; finish() once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  [[nodiscard]] Digest finish();

 private:
  struct Inside;
  std::unique_ptr<Inside> in_;
};

// 32 secret bytes, wiped on destruction. Moves only.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::span<const std::byte, 32> bytes);
  static Secret random(Random& random);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();
  [[nodiscard]] std::span<const std::byte, 32> bytes() const { return std::span<const std::byte, 32>(bytes_); }

 private:
  std::array<std::byte, 32> bytes_{};
};

// The operating system's generator (getrandom). Any thread.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override;
};

[[nodiscard]] Digest hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> data);
// For one-time codes (RFC 4226, 6238) and nothing else.
[[nodiscard]] std::array<std::byte, 20> hmac_sha1(std::span<const std::byte> key, std::span<const std::byte> data);
[[nodiscard]] bool equal_constant_time(std::span<const std::byte> a, std::span<const std::byte> b);

// XAES-256-GCM (c2sp.org/XAES-256-GCM): 2^80 messages per key with random nonces.
[[nodiscard]] std::string seal(const Secret& key, std::span<const std::byte> plain, std::span<const std::byte> aad, Random& random);
[[nodiscard]] Result<std::string> open(const Secret& key, std::span<const std::byte> box, std::span<const std::byte> aad);

using Ed25519Public = std::array<std::byte, 32>;
using Signature64 = std::array<std::byte, 64>;

class Ed25519Key {
 public:
  [[nodiscard]] static Ed25519Key from_seed(std::span<const std::byte, 32> seed);
  ~Ed25519Key();
  Ed25519Key(Ed25519Key&&) noexcept;
  Ed25519Key& operator=(Ed25519Key&&) noexcept;
  [[nodiscard]] const Ed25519Public& public_key() const;
  [[nodiscard]] Signature64 sign(std::span<const std::byte> message) const;
  [[nodiscard]] std::array<std::byte, 32> seed() const;

 private:
  Ed25519Key();
  struct Inside;
  std::unique_ptr<Inside> in_;
};
[[nodiscard]] bool verify_ed25519(const Ed25519Public& key, std::span<const std::byte> message, const Signature64& signature);

// ECDSA P-256 with SHA-256, signatures as r‖s (JWS ES256).
class P256Key {
 public:
  [[nodiscard]] static P256Key generate(Random& random);
  [[nodiscard]] static Result<P256Key> from_private(std::span<const std::byte, 32> scalar);
  ~P256Key();
  P256Key(P256Key&&) noexcept;
  P256Key& operator=(P256Key&&) noexcept;
  [[nodiscard]] Signature64 sign(std::span<const std::byte> message) const;
  [[nodiscard]] bool verify(std::span<const std::byte> message,
                            std::span<const std::byte> signature) const;  // our own, e.g. a transaction token
  [[nodiscard]] std::array<std::byte, 32> scalar() const;
  [[nodiscard]] std::array<std::byte, 64> public_xy() const;  // x‖y

 private:
  P256Key();
  struct Inside;
  std::unique_ptr<Inside> in_;
};

// A public key of somebody else, for JWS: RSA, P-256, P-384 or Ed25519, from a JWK's members (RFC 7517, 7518, 8037).
enum class SignatureAlgorithm { es256, es384, rs256, rs384, ps256, eddsa };
[[nodiscard]] std::optional<SignatureAlgorithm> algorithm_of(std::string_view jws_alg);
[[nodiscard]] std::string_view name(SignatureAlgorithm algorithm);

class PublicKey {
 public:
  // n, e base64url: RSA of 2048 to 8192 bits. crv, x[, y]: "P-256", "P-384", "Ed25519".
  [[nodiscard]] static Result<PublicKey> rsa(std::string_view n, std::string_view e);
  [[nodiscard]] static Result<PublicKey> ec(std::string_view crv, std::string_view x, std::string_view y);
  [[nodiscard]] static Result<PublicKey> ed25519(std::string_view x);
  // False also where the algorithm does not belong to this kind of key.
  [[nodiscard]] bool verify(SignatureAlgorithm algorithm, std::span<const std::byte> message, std::span<const std::byte> signature) const;

 private:
  struct Inside;
  std::shared_ptr<const Inside> in_;
};

}  // namespace licet::crypto
