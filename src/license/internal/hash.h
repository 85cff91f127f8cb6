// Open addressing for what decide() looks up: built once, at most half full, then only read. find() allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace licet::license {

// The finalizer of splitmix64: packed ids differ in few bits.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// Value is small and copied. 16 bytes a slot where Value is two 32-bit words: four slots a cache line.
template <class Value>
class Lookup {
 public:
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};  // no packed key is all ones (compile() checks the limits)

  void reserve(std::size_t keys) {
    std::size_t size = 16;
    while (size < 2 * keys) size *= 2;
    slots_.assign(size, Slot{});
  }
  // After reserve(); a key stands once.
  void insert(std::uint64_t key, Value value) {
    std::size_t at = mix(key) & (slots_.size() - 1);
    while (slots_[at].key != kEmpty) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {key, value};
  }
  [[nodiscard]] const Value* find(std::uint64_t key) const noexcept {
    if (slots_.empty()) return nullptr;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = mix(key) & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.key == key) return &slot.value;
      if (slot.key == kEmpty) return nullptr;
    }
  }

 private:
  struct Slot {
    std::uint64_t key = kEmpty;
    Value value{};
  };
  std::vector<Slot> slots_;
};

}  // namespace licet::license
