// Passwords, as they may rest: argon2id with a salt of its own, in libsodium's text form.
//
//   LICET_TRY(hash, hash_password("correct horse battery staple"));
//   verify_password(hash, given);
//
// One hash takes some 0.1 s and 64 MiB (OWASP's and libsodium's "interactive"), on purpose: call it on a thread that may wait. Any thread.
// Errors: exhausted (no memory). Source: RFC 9106; NIST SP 800-63B 5.1.1.2.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace licet::crypto {

struct PasswordCost {
  unsigned long long passes = 2;
  std::size_t memory_bytes = 64u * 1024 * 1024;
};
[[nodiscard]] Result<std::string> hash_password(std::string_view password, const PasswordCost& cost = {});
[[nodiscard]] bool verify_password(const std::string& hash, std::string_view password);

}  // namespace licet::crypto
