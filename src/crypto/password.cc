#include "crypto/password.h"

#include <sodium.h>

#include <array>

namespace licet::crypto {

Result<std::string> hash_password(std::string_view password, const PasswordCost& cost) {
  if (sodium_init() < 0) return Error{Code::internal, "libsodium can't be used here"};
  std::array<char, crypto_pwhash_STRBYTES> out{};
  if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), cost.passes, cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) !=
      0)
    return Error{Code::exhausted, "no memory for hashing a password"};
  return std::string(out.data());
}

bool verify_password(const std::string& hash, std::string_view password) {
  return sodium_init() >= 0 && crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

}  // namespace licet::crypto
