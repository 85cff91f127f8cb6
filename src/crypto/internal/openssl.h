// OpenSSL's handles as owners, the algorithms fetched once, and the one rule about its error queue. Private to crypto/.
//
// Fetching an algorithm (EVP_MD_fetch …) takes a lock and several microseconds, so each is fetched once per process and each thread keeps
// its contexts. What fails in here leaves OpenSSL's per-thread error queue empty: SSL_get_error() in http/ would take a leftover for its
// own.
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <cstddef>
#include <memory>
#include <span>

#include "base/assert.h"

namespace licet::crypto::internal {

template <auto Function>
struct Free {
  template <class T>
  void operator()(T* pointer) const {
    Function(pointer);
  }
};
using MdContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Free<EVP_MAC_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_clear_free>>;
using Numbers = std::unique_ptr<BN_CTX, Free<BN_CTX_free>>;
using Group = std::unique_ptr<EC_GROUP, Free<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Free<EC_POINT_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;

// Never freed: other threads' contexts may outlive any order of destruction that we could choose.
struct Algorithms {
  EVP_MD* sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD* sha384 = EVP_MD_fetch(nullptr, "SHA384", nullptr);
  EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_CIPHER* aes256_ecb = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  EVP_CIPHER* aes256_gcm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
};
inline const Algorithms& algorithms() {
  static const Algorithms all = [] {
    const Algorithms a;
    LICET_ASSERT(a.sha256 && a.sha384 && a.hmac && a.aes256_ecb && a.aes256_gcm);
    return a;
  }();
  return all;
}

// Empties the error queue at the end of a function in which OpenSSL may refuse its input.
struct CleanErrors {
  CleanErrors() = default;
  CleanErrors(const CleanErrors&) = delete;
  CleanErrors& operator=(const CleanErrors&) = delete;
  ~CleanErrors() { ERR_clear_error(); }
};

inline const unsigned char* from(std::span<const std::byte> bytes) {
  static constexpr unsigned char kNothing = 0;  // OpenSSL reads a null pointer as "not given" rather than "empty"
  return bytes.empty() ? &kNothing : reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* into(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace licet::crypto::internal
