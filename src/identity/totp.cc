#include "identity/totp.h"

#include <array>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace licet::identity {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

std::string percent(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    if (plain)
      out += c;
    else
      out += "%" + hex(as_bytes(std::string_view(&c, 1)));
  }
  return out;
}

}  // namespace

std::uint64_t totp_step(Micros now) {
  return static_cast<std::uint64_t>(count(now) / 1'000'000 / kTotpSeconds);
}

std::string totp(std::string_view secret, std::uint64_t step, unsigned digits) {
  std::array<std::byte, 8> counter{};
  for (std::size_t i = counter.size(); i-- > 0; step >>= 8) counter[i] = static_cast<std::byte>(step & 0xff);
  const auto mac = crypto::hmac_sha1(as_bytes(secret), counter);
  const std::size_t at = std::to_integer<std::size_t>(mac[19]) & 0xf;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(mac[at + i]);
  value &= 0x7fffffff;
  std::string out(digits, '0');
  for (std::size_t i = digits; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
  return out;
}

std::string base32(std::span<const std::byte> bytes) {
  std::string out;
  std::uint32_t value = 0;
  unsigned bits = 0;
  for (const std::byte b : bytes) {
    value = value << 8 | std::to_integer<std::uint32_t>(b);
    for (bits += 8; bits >= 5; bits -= 5) out += kAlphabet[value >> (bits - 5) & 31];
  }
  if (bits > 0) out += kAlphabet[value << (5 - bits) & 31];
  return out;
}

std::optional<std::string> unbase32(std::string_view text) {
  std::string out;
  std::uint32_t value = 0;
  unsigned bits = 0;
  for (char c : text) {
    if (c == ' ' || c == '-' || c == '=') continue;
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    const auto at = kAlphabet.find(c);
    if (at == std::string_view::npos) return std::nullopt;
    value = value << 5 | static_cast<std::uint32_t>(at);
    bits += 5;
    if (bits >= 8) out += static_cast<char>(value >> (bits -= 8) & 0xff);
  }
  return out;
}

std::string otpauth_uri(std::string_view issuer, std::string_view name, std::string_view secret) {
  return "otpauth://totp/" + percent(issuer) + ":" + percent(name) + "?secret=" + base32(as_bytes(secret)) + "&issuer=" + percent(issuer);
}

}  // namespace licet::identity
