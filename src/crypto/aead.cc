// XAES-256-GCM (c2sp.org/XAES-256-GCM): AES-256-GCM with a 24-byte nonce, safe to draw at random.
//
// Why not plain GCM: its 96-bit nonces may be random only 2^32 times per key, and counting them across crashes is a trap (a torn tail
// would be sealed again under the same nonce). XAES derives a fresh key from the nonce's first half by SP 800-108 with CMAC, which for a
// one-block input is two AES calls, and uses its second half as GCM's nonce:
//
//   L  = AES(K, 0^128)                     K1 = L · x in GF(2^128)        (the CMAC subkey of SP 800-38B)
//   Kx = AES(K, K1 ⊕ (0,1,'X',0 ‖ N[0..12])) ‖ AES(K, K1 ⊕ (0,2,'X',0 ‖ N[0..12]))
//   C  = AES-256-GCM(Kx, N[12..24], plain, aad)
//
// A box is N ‖ C ‖ tag. Contexts are per thread and keep the last key schedule, no more exposed than the Secret that it came from.
#include <openssl/crypto.h>

#include <algorithm>

#include "crypto/crypto.h"
#include "crypto/internal/openssl.h"

namespace licet::crypto {

using namespace internal;

namespace {

constexpr std::size_t kNonce = 24, kHalf = 12, kTag = 16, kBlock = 16;
using Block = std::array<std::byte, kBlock>;

// AES-256-GCM's key for this nonce.
Secret derive(const Secret& key, std::span<const std::byte, kNonce> nonce) {
  thread_local const CipherContext context(EVP_CIPHER_CTX_new());
  int n = 0;
  Block k1{};
  bool done = EVP_EncryptInit_ex2(context.get(), algorithms().aes256_ecb, from(key.bytes()), nullptr, nullptr) == 1 &&
              EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 && EVP_EncryptUpdate(context.get(), into(k1), &n, from(k1), kBlock) == 1;
  const std::byte carry = k1[0] >> 7;
  for (std::size_t i = 0; i + 1 < kBlock; ++i) k1[i] = k1[i] << 1 | k1[i + 1] >> 7;
  k1[kBlock - 1] = k1[kBlock - 1] << 1 ^ std::byte(std::to_integer<unsigned>(carry) * 0x87);

  std::array<std::byte, 32> derived{};
  for (std::size_t half = 0; half < 2; ++half) {
    const std::span<std::byte> block = std::span(derived).subspan(half * kBlock, kBlock);
    block[1] = std::byte(half + 1);
    block[2] = std::byte{'X'};
    std::copy_n(nonce.begin(), kHalf, block.begin() + 4);
    for (std::size_t i = 0; i < kBlock; ++i) block[i] ^= k1[i];
  }
  done = done && EVP_EncryptUpdate(context.get(), into(derived), &n, from(derived), 2 * kBlock) == 1;
  LICET_ASSERT(done);
  Secret out{std::span<const std::byte, 32>(derived)};
  OPENSSL_cleanse(derived.data(), derived.size());
  OPENSSL_cleanse(k1.data(), k1.size());
  return out;
}

EVP_CIPHER_CTX* gcm() {
  thread_local const CipherContext context(EVP_CIPHER_CTX_new());
  return context.get();
}

// EVP counts in int; nothing that we seal comes near this (limits.h).
bool fits(std::span<const std::byte> bytes) {
  return bytes.size() <= 0x40000000;
}

}  // namespace

std::string seal(const Secret& key, std::span<const std::byte> plain, std::span<const std::byte> aad, Random& random) {
  LICET_ASSERT(fits(plain) && fits(aad));
  std::string box(kNonce + plain.size() + kTag, '\0');
  const std::span<std::byte> out = std::as_writable_bytes(std::span(box));
  random.fill(out.first<kNonce>());
  const Secret once = derive(key, out.first<kNonce>());
  EVP_CIPHER_CTX* const context = gcm();
  int n = 0;
  const bool done =
      EVP_EncryptInit_ex2(context, algorithms().aes256_gcm, from(once.bytes()), from(out.subspan(kHalf, kHalf)), nullptr) == 1 &&
      EVP_EncryptUpdate(context, nullptr, &n, from(aad), static_cast<int>(aad.size())) == 1 &&
      EVP_EncryptUpdate(context, into(out.subspan(kNonce)), &n, from(plain), static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(context, into(out.last(kTag)), &n) == 1 &&  // writes nothing in GCM
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTag, into(out.last(kTag))) == 1;
  LICET_ASSERT(done);
  return box;
}

Result<std::string> open(const Secret& key, std::span<const std::byte> box, std::span<const std::byte> aad) {
  const Error refused{Code::permission_denied, "a sealed value does not open: wrong key, wrong context, or changed bytes"};
  if (box.size() < kNonce + kTag || !fits(box) || !fits(aad)) return refused;
  const CleanErrors clean;
  const Secret once = derive(key, box.first<kNonce>());
  const auto cipher = box.subspan(kNonce, box.size() - kNonce - kTag);
  std::array<std::byte, kTag> tag;
  std::copy_n(box.end() - kTag, kTag, tag.begin());
  std::string plain(cipher.size(), '\0');
  EVP_CIPHER_CTX* const context = gcm();
  int n = 0;
  unsigned char nothing = 0;
  const bool opened =
      EVP_DecryptInit_ex2(context, algorithms().aes256_gcm, from(once.bytes()), from(box.subspan(kHalf, kHalf)), nullptr) == 1 &&
      EVP_DecryptUpdate(context, nullptr, &n, from(aad), static_cast<int>(aad.size())) == 1 &&
      EVP_DecryptUpdate(context, reinterpret_cast<unsigned char*>(plain.data()), &n, from(cipher), static_cast<int>(cipher.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) == 1 && EVP_DecryptFinal_ex(context, &nothing, &n) == 1;
  if (opened) return plain;
  OPENSSL_cleanse(plain.data(), plain.size());  // unauthenticated plain text stays with nobody
  return refused;
}

}  // namespace licet::crypto
