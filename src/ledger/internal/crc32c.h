// CRC-32C (Castagnoli; RFC 3720 appendix B.4), with the processor's instruction where there is one. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace licet::ledger {

// `before`: the CRC of the bytes that come before; 0 at the start.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0);
[[nodiscard]] std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t before = 0);  // the twin for tests

}  // namespace licet::ledger
