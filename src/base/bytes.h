// Bytes as text and back: hex, base64 (RFC 4648 §4, padded) and base64url (§5, unpadded). Strict: what isn't canonical is refused.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace licet {

using Digest = std::array<std::byte, 32>;  // SHA-256

[[nodiscard]] inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] std::string hex(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<std::string> unhex(std::string_view text);  // lower or upper case
[[nodiscard]] std::string base64(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<std::string> unbase64(std::string_view text);
[[nodiscard]] std::string base64url(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<std::string> unbase64url(std::string_view text);

// "sha256:…"-less short form for people: the first 12 hex digits.
[[nodiscard]] inline std::string brief(const Digest& digest) {
  return hex(std::span(digest).first(6));
}

}  // namespace licet
