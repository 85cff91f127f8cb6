// Random codes in place of identifiers: 164.514(c).
//
//   Codes codes(random);
//   codes.of("p-0001") == codes.of("p-0001");        // a UUID from `random`; nothing of the original is in it
//
// "Not derived from or related to information about the individual": drawn, never computed. Whoever holds the table can translate back, and
// disclosing it is disclosing PHI: it lives as long as this object, and is written nowhere unless its owner does so (each()).
// One thread at a time. Memory: about 120 bytes per original of 36.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"

namespace licet::deid {

class Codes {
 public:
  explicit Codes(Random& random) : random_(random) {}
  Codes(const Codes&) = delete;
  Codes& operator=(const Codes&) = delete;

  // "3f0e8f2c-…": version 4 (RFC 9562), which FHIR takes as an id and after "urn:uuid:". Holds as long as this object.
  [[nodiscard]] std::string_view of(std::string_view original);
  // From an earlier run. already_exists: the original has another code.
  [[nodiscard]] Result<void> remember(std::string_view original, std::string_view code);
  [[nodiscard]] std::size_t size() const { return size_; }
  // Calls f(original, code), in the order in which they came.
  template <class F>
  void each(F&& f) const {
    for (const Block& block : blocks_)
      for (std::size_t at = 0; at < block.used;) {
        const auto* pair = reinterpret_cast<const Pair*>(block.bytes.get() + at);
        f(pair->original(), pair->code());
        at += pair->room();
      }
  }

 private:
  // A code and its original, which follow in the block: a look for each id and reference of each resource, and nothing but this to look at.
  struct Pair {
    std::uint32_t code_size, original_size;
    [[nodiscard]] const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
    [[nodiscard]] std::string_view code() const { return {bytes(), code_size}; }
    [[nodiscard]] std::string_view original() const { return {bytes() + code_size, original_size}; }
    [[nodiscard]] std::size_t room() const { return (sizeof *this + code_size + original_size + 7) / 8 * 8; }
  };
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t used = 0, room = 0;
  };
  // Open addressing.
  struct Slot {
    std::uint64_t hash = 0;
    const Pair* pair = nullptr;
  };
  [[nodiscard]] Slot& slot(std::string_view original, std::uint64_t hash);
  const Pair& add(std::string_view original, std::uint64_t hash, std::string_view code);

  Random& random_;
  std::array<std::byte, 1024> pool_{};  // drawn ahead: asking the system for sixteen bytes costs as much as for a thousand
  std::size_t drawn_ = pool_.size();
  std::vector<Block> blocks_;
  const Pair* last_ = nullptr;  // that was asked for
  std::vector<Slot> slots_ = std::vector<Slot>(64);
  std::size_t size_ = 0;
};

}  // namespace licet::deid
