// Blinder: how tables in memory know a patient without holding an id: HMAC-SHA-256 under a key of this process's life, first 16 bytes.
//   const Blinder blind(Secret::random(random));
//   blind("p-0001") == blind("p-0001");          // and differs in every process
// Any thread. Not for storage: the ledger's blind indexes have monthly keys of their own (ledger.h).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "crypto/crypto.h"

namespace licet::crypto {

class Blinder {
 public:
  explicit Blinder(Secret key) : key_(std::move(key)) {}
  [[nodiscard]] std::array<std::uint64_t, 2> operator()(std::string_view id) const {
    const Digest d = hmac_sha256(key_.bytes(), as_bytes(id));
    std::array<std::uint64_t, 2> out{};
    for (std::size_t i = 0; i < 16; ++i) out[i / 8] = out[i / 8] << 8 | static_cast<std::uint64_t>(d[i]);
    return out;
  }

 private:
  Secret key_;
};

}  // namespace licet::crypto
