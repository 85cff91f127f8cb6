// Short words (keys and ids of FHIR JSON, cells of a table), looked at eight and sixteen bytes at a time.
//
//   const KeyWords words = key_words(key);          // two keys of at most 16 bytes are the same where words and size are
//   KeyIndex index;
//   index.build(names);                             // std::vector<std::string>; once
//   if (auto n = index.find(key, words, [&](std::size_t k) -> std::string_view { return names[k]; })) use(*n);
//
// Pure, any thread; an index is immutable once built.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace licet::codec {

// The first eight bytes of a key and its last eight; of one shorter than that all of them, twice.
struct KeyWords {
  std::uint64_t first = 0, last = 0;
  std::size_t size = 0;
  friend bool operator==(const KeyWords&, const KeyWords&) = default;
};

[[nodiscard]] inline std::uint64_t word_at(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}
[[nodiscard]] inline KeyWords key_words(std::string_view key) {
  if (key.size() >= 8) return {word_at(key.data()), word_at(key.data() + key.size() - 8), key.size()};
  // Of few bytes, the first, the one in the middle and the last are all; of more, the first and the last four.
  const auto byte = [&](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(key[i])} << 8 * i; };
  std::uint64_t word = 0;
  if (key.size() >= 4)
    word =
        byte(0) | byte(1) | byte(2) | byte(3) | byte(key.size() - 4) | byte(key.size() - 3) | byte(key.size() - 2) | byte(key.size() - 1);
  else if (!key.empty())
    word = byte(0) | byte(key.size() / 2) | byte(key.size() - 1);
  return {word, word, key.size()};
}
// The same without a branch, where the eight bytes before the key's end can be read, too: in a document, not at its beginning.
[[nodiscard]] inline KeyWords key_words_inside(const char* begin, std::size_t size) {
  if constexpr (std::endian::native != std::endian::little) return key_words({begin, size});
  const char* tail = begin + size - 8;
  const bool whole = size >= 8;
  const auto shift = static_cast<unsigned>(whole ? 0 : 8 * (8 - size));
  const std::uint64_t last = word_at(tail) >> (shift & 63);
  const std::uint64_t first = word_at(whole ? begin : tail) >> (shift & 63);
  return size == 0 ? KeyWords{} : KeyWords{first, last, size};
}

// Which of a few names a key is: open addressing, with the factor, of some that are tried, that lets the fewest names meet.
class KeyIndex {
 public:
  // names: of anything that converts to std::string_view, each one once.
  template <class Names>
  void build(const Names& names) {
    std::size_t room = 4;
    while (room < 4 * names.size()) room *= 2;
    shift_ = static_cast<unsigned>(64 - std::countr_zero(room));
    const auto fill = [&](std::uint64_t factor) {
      factor_ = factor;
      slots_.assign(room, {});
      std::size_t meetings = 0;
      std::uint32_t number = 0;
      for (const auto& name : names) {
        const KeyWords words = key_words(std::string_view(name));
        std::size_t at = place(words);
        for (; slots_[at].number != 0; at = (at + 1) & (room - 1)) ++meetings;
        slots_[at] = {words.first, words.last, static_cast<std::uint32_t>(words.size), ++number};
      }
      return meetings;
    };
    constexpr int kTries = 32;
    std::uint64_t factor = 0x9e3779b97f4a7c15, best = factor;
    std::size_t fewest = ~std::size_t{0};
    for (int k = 0; k < kTries && fewest > 0; ++k, factor = factor * 0xd1342543de82ef95 + 2)  // odd, and stays so
      if (const std::size_t meetings = fill(factor); meetings < fewest) fewest = meetings, best = factor;
    fill(best);
  }
  // name_of(n): the text of the n-th name, asked for where words don't tell.
  template <class NameOf>
  [[nodiscard, gnu::always_inline]] std::optional<std::size_t> find(std::string_view key, const KeyWords& words, NameOf&& name_of) const {
    for (std::size_t at = place(words);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& s = slots_[at];
      if (s.number == 0) return std::nullopt;
      if (s.first == words.first && s.last == words.last && s.size == words.size) {
        if (words.size <= 16 || key == std::string_view(name_of(std::size_t{s.number} - 1))) return s.number - 1;
      }
    }
  }

 private:
  struct Slot {
    std::uint64_t first = 0, last = 0;
    std::uint32_t size = 0, number = 0;  // from 1; 0: empty
  };
  [[nodiscard]] std::size_t place(const KeyWords& w) const {
    return static_cast<std::size_t>((w.first ^ std::rotl(w.last, 29) ^ w.size) * factor_ >> shift_);
  }
  std::vector<Slot> slots_ = std::vector<Slot>(4);
  std::uint64_t factor_ = 1;
  unsigned shift_ = 62;
};

// FHIR's id: [A-Za-z0-9\-\.]{1,64}.
[[nodiscard]] inline bool is_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
#ifdef __SSE2__
  if (text.size() >= 16) {
    const auto within = [](__m128i v, char first, char last) {  // bytes beyond ASCII are negative
      return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(static_cast<char>(first - 1))),
                           _mm_cmplt_epi8(v, _mm_set1_epi8(static_cast<char>(last + 1))));
    };
    __m128i all = _mm_set1_epi8(-1);
    const auto look = [&](const char* at) {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
      const __m128i letter = within(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 'z');
      const __m128i other = _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('/')), within(v, '-', '9'));
      all = _mm_and_si128(all, _mm_or_si128(letter, other));
    };
    for (std::size_t at = 0; at + 16 <= text.size(); at += 16) look(text.data() + at);
    look(text.data() + text.size() - 16);
    return _mm_movemask_epi8(all) == 0xffff;
  }
#endif
  static constexpr auto kBytes = [] {
    std::array<bool, 256> table{};
    for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-."))
      table[static_cast<unsigned char>(c)] = true;
    return table;
  }();
  bool all = true;  // looked at to the end: they nearly always are, and then no branch is guessed wrong
  for (const char c : text) all &= kBytes[static_cast<unsigned char>(c)];
  return all;
}

}  // namespace licet::codec
