// SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104), secrets and the system's randomness.
#include <openssl/crypto.h>
#include <sys/random.h>

#include <cerrno>

#include "crypto/crypto.h"
#include "crypto/internal/openssl.h"

namespace licet::crypto {

using namespace internal;

Digest sha256(std::span<const std::byte> data) {
  thread_local const MdContext context(EVP_MD_CTX_new());
  Digest out;
  const bool done = EVP_DigestInit_ex2(context.get(), algorithms().sha256, nullptr) == 1 &&
                    EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1 &&
                    EVP_DigestFinal_ex(context.get(), into(out), nullptr) == 1;
  LICET_ASSERT(done);
  return out;
}

struct Sha256::Inside {
  MdContext context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : in_(std::make_unique<Inside>()) {
  const bool done = EVP_DigestInit_ex2(in_->context.get(), algorithms().sha256, nullptr) == 1;
  LICET_ASSERT(done);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) {
  const bool done = EVP_DigestUpdate(in_->context.get(), bytes.data(), bytes.size()) == 1;
  LICET_ASSERT(done);
}

Digest Sha256::finish() {
  Digest out;
  const bool done = EVP_DigestFinal_ex(in_->context.get(), into(out), nullptr) == 1;
  LICET_ASSERT(done);
  return out;
}

Secret::Secret(std::span<const std::byte, 32> bytes) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}
Secret Secret::random(Random& random) {
  Secret out;
  random.fill(out.bytes_);
  return out;
}
Secret::Secret(Secret&& other) noexcept : bytes_(other.bytes_) {
  OPENSSL_cleanse(other.bytes_.data(), other.bytes_.size());
}
Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  bytes_ = other.bytes_;
  OPENSSL_cleanse(other.bytes_.data(), other.bytes_.size());
  return *this;
}
Secret::~Secret() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

void SystemRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);  // a signal may cut requests over 256 bytes short
    LICET_ASSERT(got > 0 || errno == EINTR);
    if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
  }
}

namespace {

// The digest is set once per thread; EVP_MAC_init then only changes the key.
MacContext new_hmac() {
  MacContext context(EVP_MAC_CTX_new(algorithms().hmac));
  char sha256_name[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256_name, 0), OSSL_PARAM_construct_end()};
  LICET_ASSERT(context && EVP_MAC_CTX_set_params(context.get(), params) == 1);
  return context;
}

}  // namespace

Digest hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> data) {
  thread_local const MacContext context = new_hmac();
  Digest out;
  std::size_t size = 0;
  const bool done = EVP_MAC_init(context.get(), from(key), key.size(), nullptr) == 1 &&
                    EVP_MAC_update(context.get(), from(data), data.size()) == 1 &&
                    EVP_MAC_final(context.get(), into(out), &size, out.size()) == 1 && size == out.size();
  LICET_ASSERT(done);
  return out;
}

std::array<std::byte, 20> hmac_sha1(std::span<const std::byte> key, std::span<const std::byte> data) {
  const MacContext context(EVP_MAC_CTX_new(algorithms().hmac));
  char sha1_name[] = "SHA1";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha1_name, 0), OSSL_PARAM_construct_end()};
  std::array<std::byte, 20> out{};
  std::size_t size = 0;
  const bool done = context && EVP_MAC_init(context.get(), from(key), key.size(), params) == 1 &&
                    EVP_MAC_update(context.get(), from(data), data.size()) == 1 &&
                    EVP_MAC_final(context.get(), into(out), &size, out.size()) == 1 && size == out.size();
  LICET_ASSERT(done);
  return out;
}

bool equal_constant_time(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && CRYPTO_memcmp(from(a), from(b), a.size()) == 0;
}

}  // namespace licet::crypto
