// One-time codes from a shared secret and the time: RFC 6238 (SHA-1, 30 s, 6 digits), as authenticator apps make them.
//
//   const std::uint64_t step = totp_step(now);
//   totp(secret, step) == "287082";
//   otpauth_uri("Licet riverbend", "j-ortiz", secret)       // what the app's camera reads
//
// Pure; any thread. Tested with the vectors of RFC 4226 appendix D and RFC 6238 appendix B.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"

namespace licet::identity {

inline constexpr std::int64_t kTotpSeconds = 30;

[[nodiscard]] std::uint64_t totp_step(Micros now);
[[nodiscard]] std::string totp(std::string_view secret, std::uint64_t step, unsigned digits = 6);

// RFC 4648 §6, upper case, without padding; unbase32 takes both cases, spaces and padding.
[[nodiscard]] std::string base32(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<std::string> unbase32(std::string_view text);

[[nodiscard]] std::string otpauth_uri(std::string_view issuer, std::string_view name, std::string_view secret);

}  // namespace licet::identity
