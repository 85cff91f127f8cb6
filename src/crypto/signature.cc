// Signatures: Ed25519 (RFC 8032), ECDSA on P-256 and P-384 as r‖s (RFC 7518 §3.4), RSA PKCS #1 v1.5 and PSS (RFC 8017).
//
// ECDSA hashes with the digest that we fetched once and hands OpenSSL the hash; that saves a fetch per signature.
#include <openssl/crypto.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "crypto/crypto.h"
#include "crypto/internal/openssl.h"

namespace licet::crypto {

using namespace internal;

namespace {

Error malformed(const char* what) {
  return {Code::invalid_argument, std::string("not a usable key: ") + what};
}

Number number(std::span<const std::byte> big_endian) {
  return Number(BN_bin2bn(from(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

// A key from its parts; null where OpenSSL refuses them (a point off the curve, for one).
Key key_from(const char* type, int selection, OSSL_PARAM* params) {
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 || EVP_PKEY_fromdata(context.get(), &key, selection, params) != 1)
    return nullptr;
  return Key(key);
}

// r‖s of fixed width → DER, which is what OpenSSL verifies; empty where the length is wrong.
std::string ecdsa_der(std::span<const std::byte> signature, std::size_t width) {
  if (signature.size() != 2 * width) return {};
  const EcSignature pair(ECDSA_SIG_new());
  ECDSA_SIG_set0(pair.get(), number(signature.first(width)).release(), number(signature.last(width)).release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

bool verify_ecdsa(EVP_PKEY* key, std::span<const std::byte> hash, std::span<const std::byte> signature, std::size_t width) {
  const std::string der = ecdsa_der(signature, width);
  if (der.empty()) return false;
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context && EVP_PKEY_verify_init(context.get()) == 1 &&
         EVP_PKEY_verify(context.get(), from(as_bytes(der)), der.size(), from(hash), hash.size()) == 1;
}

std::array<std::byte, 48> sha384(std::span<const std::byte> data) {
  const MdContext context(EVP_MD_CTX_new());
  std::array<std::byte, 48> out;
  const bool done = EVP_DigestInit_ex2(context.get(), algorithms().sha384, nullptr) == 1 &&
                    EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1 &&
                    EVP_DigestFinal_ex(context.get(), into(out), nullptr) == 1;
  LICET_ASSERT(done);
  return out;
}

bool verify_rsa(EVP_PKEY* key, const char* digest, bool pss, std::span<const std::byte> message, std::span<const std::byte> signature) {
  const MdContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* settings = nullptr;  // owned by the context
  if (!context || EVP_DigestVerifyInit_ex(context.get(), &settings, digest, nullptr, nullptr, key, nullptr) != 1) return false;
  if (EVP_PKEY_CTX_set_rsa_padding(settings, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1) return false;
  if (pss && EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) != 1) return false;  // RFC 7518 §3.5
  return EVP_DigestVerify(context.get(), from(signature), signature.size(), from(message), message.size()) == 1;
}

bool verify_eddsa(EVP_PKEY* key, std::span<const std::byte> message, std::span<const std::byte> signature) {
  const MdContext context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key, nullptr) == 1 &&
         EVP_DigestVerify(context.get(), from(signature), signature.size(), from(message), message.size()) == 1;
}

}  // namespace

// Ed25519

struct Ed25519Key::Inside {
  Key key;
  Secret seed;
  Ed25519Public public_key{};
  MdContext ready{EVP_MD_CTX_new()};  // begun once: to fetch the algorithm for each signature costs a third of it
};

Ed25519Key::Ed25519Key() : in_(std::make_unique<Inside>()) {}
Ed25519Key::~Ed25519Key() = default;
Ed25519Key::Ed25519Key(Ed25519Key&&) noexcept = default;
Ed25519Key& Ed25519Key::operator=(Ed25519Key&&) noexcept = default;

Ed25519Key Ed25519Key::from_seed(std::span<const std::byte, 32> seed) {
  Ed25519Key out;
  out.in_->key.reset(EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, from(seed), seed.size()));
  out.in_->seed = Secret(seed);
  std::size_t size = out.in_->public_key.size();
  LICET_ASSERT(out.in_->key && EVP_PKEY_get_raw_public_key(out.in_->key.get(), into(out.in_->public_key), &size) == 1);
  LICET_ASSERT(EVP_DigestSignInit_ex(out.in_->ready.get(), nullptr, nullptr, nullptr, nullptr, out.in_->key.get(), nullptr) == 1);
  return out;
}

const Ed25519Public& Ed25519Key::public_key() const {
  return in_->public_key;
}

Signature64 Ed25519Key::sign(std::span<const std::byte> message) const {
  const MdContext context(EVP_MD_CTX_new());
  Signature64 out;
  std::size_t size = out.size();
  const bool done = EVP_MD_CTX_copy_ex(context.get(), in_->ready.get()) == 1 &&
                    EVP_DigestSign(context.get(), into(out), &size, from(message), message.size()) == 1 && size == out.size();
  LICET_ASSERT(done);
  return out;
}

std::array<std::byte, 32> Ed25519Key::seed() const {
  std::array<std::byte, 32> out;
  std::copy_n(in_->seed.bytes().begin(), out.size(), out.begin());
  return out;
}

bool verify_ed25519(const Ed25519Public& key, std::span<const std::byte> message, const Signature64& signature) {
  const CleanErrors clean;
  const Key pkey(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, from(key), key.size()));
  return pkey && verify_eddsa(pkey.get(), message, signature);
}

// ECDSA P-256

struct P256Key::Inside {
  Key key;
  Secret scalar;
  std::array<std::byte, 64> xy{};
};

P256Key::P256Key() : in_(std::make_unique<Inside>()) {}
P256Key::~P256Key() = default;
P256Key::P256Key(P256Key&&) noexcept = default;
P256Key& P256Key::operator=(P256Key&&) noexcept = default;

P256Key P256Key::generate(Random& random) {
  for (;;) {  // a draw is out of range once in 2^32
    const Secret draw = Secret::random(random);
    if (auto key = from_private(draw.bytes())) return *std::move(key);
  }
}

Result<P256Key> P256Key::from_private(std::span<const std::byte, 32> scalar) {
  const CleanErrors clean;
  const Group group(EC_GROUP_new_by_curve_name_ex(nullptr, nullptr, NID_X9_62_prime256v1));
  const Numbers scratch(BN_CTX_secure_new());
  const Number d = number(scalar);
  LICET_ASSERT(group && scratch && d);
  BN_set_flags(d.get(), BN_FLG_CONSTTIME);
  if (BN_is_zero(d.get()) || BN_cmp(d.get(), EC_GROUP_get0_order(group.get())) >= 0) return malformed("the scalar is not in 1 … n−1");

  const Point point(EC_POINT_new(group.get()));
  std::array<std::byte, 65> encoded;  // 04 ‖ x ‖ y
  LICET_ASSERT(point && EC_POINT_mul(group.get(), point.get(), d.get(), nullptr, nullptr, scratch.get()) == 1);
  LICET_ASSERT(EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, into(encoded), encoded.size(), scratch.get()) ==
               65);

  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size());
  OSSL_PARAM_BLD_push_BN_pad(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, d.get(), 32);
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  P256Key out;
  out.in_->key = key_from("EC", EVP_PKEY_KEYPAIR, params.get());
  LICET_ASSERT(out.in_->key);
  out.in_->scalar = Secret(scalar);
  std::copy_n(encoded.begin() + 1, 64, out.in_->xy.begin());
  return out;
}

Signature64 P256Key::sign(std::span<const std::byte> message) const {
  const Digest hash = sha256(message);
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, in_->key.get(), nullptr));
  std::array<unsigned char, 80> der;  // at most 72
  std::size_t size = der.size();
  LICET_ASSERT(context && EVP_PKEY_sign_init(context.get()) == 1 &&
               EVP_PKEY_sign(context.get(), der.data(), &size, from(hash), hash.size()) == 1);
  const unsigned char* at = der.data();
  const EcSignature pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  Signature64 out;
  LICET_ASSERT(pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), into(out), 32) == 32 &&
               BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), into(std::span(out).subspan(32)), 32) == 32);
  return out;
}

bool P256Key::verify(std::span<const std::byte> message, std::span<const std::byte> signature) const {
  const CleanErrors clean;
  return verify_ecdsa(in_->key.get(), sha256(message), signature, 32);
}

std::array<std::byte, 32> P256Key::scalar() const {
  std::array<std::byte, 32> out;
  std::copy_n(in_->scalar.bytes().begin(), out.size(), out.begin());
  return out;
}
std::array<std::byte, 64> P256Key::public_xy() const {
  return in_->xy;
}

// Other people's public keys

namespace {

struct AlgorithmName {
  SignatureAlgorithm algorithm;
  std::string_view name;
};
constexpr AlgorithmName kAlgorithms[] = {
    {SignatureAlgorithm::es256, "ES256"}, {SignatureAlgorithm::es384, "ES384"}, {SignatureAlgorithm::rs256, "RS256"},
    {SignatureAlgorithm::rs384, "RS384"}, {SignatureAlgorithm::ps256, "PS256"}, {SignatureAlgorithm::eddsa, "EdDSA"},
};

}  // namespace

std::optional<SignatureAlgorithm> algorithm_of(std::string_view jws_alg) {
  for (const AlgorithmName& a : kAlgorithms)
    if (a.name == jws_alg) return a.algorithm;
  return std::nullopt;
}

std::string_view name(SignatureAlgorithm algorithm) {
  for (const AlgorithmName& a : kAlgorithms)
    if (a.algorithm == algorithm) return a.name;
  return "?";
}

struct PublicKey::Inside {
  enum class Kind { rsa, p256, p384, ed25519 };
  Kind kind;
  Key key;
};

Result<PublicKey> PublicKey::rsa(std::string_view n, std::string_view e) {
  const auto modulus = unbase64url(n), exponent = unbase64url(e);
  if (!modulus || !exponent) return malformed("n or e is not base64url");
  if (modulus->empty() || exponent->empty() || modulus->front() == '\0' || exponent->front() == '\0')
    return malformed("n or e is empty or starts with a zero byte (RFC 7518 §6.3.1)");
  if (modulus->size() > 1024 || exponent->size() > 8) return malformed("n is over 8192 bits or e over 64");
  const CleanErrors clean;
  const Number n_number = number(as_bytes(*modulus)), e_number = number(as_bytes(*exponent));
  if (BN_num_bits(n_number.get()) < 2048) return malformed("n is under 2048 bits");
  if (!BN_is_odd(n_number.get()) || !BN_is_odd(e_number.get()) || BN_is_one(e_number.get())) return malformed("n or e is even, or e is 1");
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n_number.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e_number.get());
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  Key key = key_from("RSA", EVP_PKEY_PUBLIC_KEY, params.get());
  if (!key) return malformed("RSA");
  PublicKey out;
  out.in_ = std::make_shared<const Inside>(Inside{Inside::Kind::rsa, std::move(key)});
  return out;
}

Result<PublicKey> PublicKey::ec(std::string_view crv, std::string_view x, std::string_view y) {
  const bool p256 = crv == "P-256";
  if (!p256 && crv != "P-384") return malformed("its curve is neither P-256 nor P-384");
  const std::size_t width = p256 ? 32 : 48;
  const auto x_bytes = unbase64url(x), y_bytes = unbase64url(y);
  if (!x_bytes || !y_bytes || x_bytes->size() != width || y_bytes->size() != width) return malformed("x or y has the wrong length");
  const CleanErrors clean;
  const std::string encoded = "\x04" + *x_bytes + *y_bytes;
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, p256 ? "P-256" : "P-384", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size());
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  Key key = key_from("EC", EVP_PKEY_PUBLIC_KEY, params.get());
  if (!key) return malformed("the point is not on its curve");
  PublicKey out;
  out.in_ = std::make_shared<const Inside>(Inside{p256 ? Inside::Kind::p256 : Inside::Kind::p384, std::move(key)});
  return out;
}

Result<PublicKey> PublicKey::ed25519(std::string_view x) {
  const auto bytes = unbase64url(x);
  if (!bytes || bytes->size() != 32) return malformed("x is not 32 bytes of base64url");
  const CleanErrors clean;
  Key key(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, from(as_bytes(*bytes)), bytes->size()));
  if (!key) return malformed("Ed25519");
  PublicKey out;
  out.in_ = std::make_shared<const Inside>(Inside{Inside::Kind::ed25519, std::move(key)});
  return out;
}

bool PublicKey::verify(SignatureAlgorithm algorithm, std::span<const std::byte> message, std::span<const std::byte> signature) const {
  if (!in_) return false;
  const CleanErrors clean;
  EVP_PKEY* const key = in_->key.get();
  const auto is = [this](Inside::Kind kind) { return in_->kind == kind; };
  switch (algorithm) {
    case SignatureAlgorithm::es256:
      return is(Inside::Kind::p256) && verify_ecdsa(key, sha256(message), signature, 32);
    case SignatureAlgorithm::es384:
      return is(Inside::Kind::p384) && verify_ecdsa(key, sha384(message), signature, 48);
    case SignatureAlgorithm::rs256:
      return is(Inside::Kind::rsa) && verify_rsa(key, "SHA256", false, message, signature);
    case SignatureAlgorithm::rs384:
      return is(Inside::Kind::rsa) && verify_rsa(key, "SHA384", false, message, signature);
    case SignatureAlgorithm::ps256:
      return is(Inside::Kind::rsa) && verify_rsa(key, "SHA256", true, message, signature);
    case SignatureAlgorithm::eddsa:
      return is(Inside::Kind::ed25519) && verify_eddsa(key, message, signature);
  }
  return false;
}

}  // namespace licet::crypto
