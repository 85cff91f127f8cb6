// From hashes of words to something small: open addressing, so that the lookup which each word of a text costs is one load most often.
//
//   WordMap<Kind> known;
//   known.add(word_hash("Sandoval"), Kind::name);          // the first value for a word stays
//   if (const Kind* kind = known.find(token.hash)) …
//
// One thread writes. clear() keeps the memory. A hash of 0 counts as 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace licet::deid {

template <class V>
class WordMap {
 public:
  [[nodiscard]] bool empty() const { return size_ == 0; }
  // false: find() finds nothing.
  [[nodiscard]] bool may_have(std::uint32_t hash) const { return (some_ >> (hash >> 26) & 1) != 0; }
  [[nodiscard]] const V* find(std::uint32_t hash) const {
    if (!may_have(hash)) return nullptr;
    hash += hash == 0;
    for (std::size_t at = place(hash);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].hash == hash) return &slots_[at].value;
      if (slots_[at].hash == 0) return nullptr;
    }
  }
  void add(std::uint32_t hash, const V& value) {
    if (find(hash) != nullptr) return;
    if (4 * (size_ + 1) > slots_.size()) grow();
    put(hash + (hash == 0), value);
    some_ |= std::uint64_t{1} << (hash >> 26);
    ++size_;
  }
  void clear() {
    if (size_ == 0) return;
    slots_.assign(slots_.size() > kKept ? kLeast : slots_.size(), {});
    size_ = 0;
    some_ = 0;
  }

 private:
  static constexpr std::size_t kLeast = 64, kKept = 4096;
  struct Slot {
    std::uint32_t hash = 0;  // 0: empty
    V value = {};
  };
  [[nodiscard]] std::size_t place(std::uint32_t hash) const { return (hash * 0x9e3779b1U >> 8) & (slots_.size() - 1); }
  void put(std::uint32_t hash, const V& value) {
    std::size_t at = place(hash);
    while (slots_[at].hash != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {hash, value};
  }
  void grow() {
    std::vector<Slot> old = std::move(slots_);
    slots_.assign(old.empty() ? kLeast : 2 * old.size(), {});
    for (const Slot& s : old)
      if (s.hash != 0) put(s.hash, s.value);
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
  std::uint64_t some_ = 0;  // by the first six bits: most words are in no map, and are told so without a look
};

}  // namespace licet::deid
