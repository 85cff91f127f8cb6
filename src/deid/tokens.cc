#include "deid/tokens.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace licet::deid {
namespace {

enum Class : std::uint8_t { kSpace, kLine, kLower, kUpper, kDigit, kMark, kHigh };

constexpr auto kClass = [] {
  std::array<Class, 256> table{};
  for (std::size_t c = 0; c < 256; ++c)
    table[c] = c >= 0x80                ? kHigh
               : c >= 'a' && c <= 'z'   ? kLower
               : c >= 'A' && c <= 'Z'   ? kUpper
               : c >= '0' && c <= '9'   ? kDigit
               : c == '\n' || c == '\r' ? kLine
               : c <= ' ' || c == 0x7f  ? kSpace
                                        : kMark;
  return table;
}();

// A character beyond ASCII: how long it is, and what it counts as. (kHigh stays for what is ignored inside a word.)
Class high(std::string_view text, std::size_t at, std::size_t& size) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  const unsigned a = byte(0), b = byte(1), c = byte(2);
  const std::size_t wants = a >= 0xf0 ? 4 : a >= 0xe0 ? 3 : a >= 0xc0 ? 2 : 1;
  size = std::min(wants, text.size() - at);
  if (a == 0xc2) {
    if (b == 0xa0) return kSpace;
    if (b == 0xad) return kHigh;                     // soft hyphen
    return b == 0xaa || b == 0xba ? kLower : kMark;  // ª º
  }
  if (a == 0xc3) return b == 0x97 || b == 0xb7 ? kMark : b <= 0x9e ? kUpper : kLower;
  if (a == 0xe2 && b == 0x80) return c >= 0x8b && c <= 0x8d ? kHigh : c <= 0x8a || c == 0xaf ? kSpace : kMark;
  if (a == 0xe2 && b == 0x81) return c == 0xa0 ? kHigh : kMark;
  if (a == 0xe3 && b == 0x80) return c == 0x80 ? kSpace : kMark;
  if (a == 0xef && b == 0xbb && c == 0xbf) return kHigh;                                                         // a byte order mark
  if (a == 0xef && b == 0xbc) return c >= 0x90 && c <= 0x99 ? kDigit : c >= 0xa1 && c <= 0xba ? kUpper : kMark;  // full-width
  // Greek and Cyrillic capitals, so that homoglyphs of a name still look like one.
  if ((a == 0xce && b >= 0x91 && b <= 0xa9) || (a == 0xd0 && b >= 0x80 && b <= 0xaf)) return kUpper;
  return kLower;
}

// Adds the lower-case bytes of one character to a hash.
inline std::uint32_t add(std::uint32_t h, std::string_view text, std::size_t at, std::size_t size) {
  const auto a = static_cast<unsigned char>(text[at]);
  if (size == 1) return (h ^ (a >= 'A' && a <= 'Z' ? a | 0x20U : a)) * kFnvPrime;
  for (std::size_t i = 0; i < size; ++i) {
    auto b = static_cast<unsigned char>(text[at + i]);
    if (a == 0xc3 && i == 1 && b >= 0x80 && b <= 0x9e && b != 0x97) b |= 0x20U;
    h = (h ^ b) * kFnvPrime;
  }
  return h;
}

#ifdef __SSE2__
// Letters of ASCII that stand together, without a branch for each: nobody can predict where a word ends. Their hash goes on as if eight
// bytes always came, zeros where there are fewer; what a zero does, a product, is undone by its inverse.
constexpr auto kUndo = [] {
  std::uint32_t inverse = 1;
  for (int k = 0; k < 5; ++k) inverse *= 2 - kFnvPrime * inverse;  // each round doubles the bits that are right
  std::array<std::uint32_t, 9> powers{};
  powers[8] = 1;
  for (std::size_t k = 8; k > 0; --k) powers[k - 1] = powers[k] * inverse;
  return powers;
}();
static_assert(kUndo[7] * kFnvPrime == 1);

inline std::uint32_t add_letters(std::uint32_t h, const char* at, std::size_t count) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  word = (word | 0x2020202020202020U) & (~std::uint64_t{0} >> (64 - 8 * count));
  for (int k = 0; k < 8; ++k, word >>= 8) h = (h ^ (word & 0xff)) * kFnvPrime;
  return h * kUndo[count];
}
// The letters at a place that has sixteen bytes: how many, up to sixteen, and which of them are capitals.
inline std::size_t letters_at(const char* at, unsigned& capitals) {
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i lower = _mm_or_si128(v, _mm_set1_epi8(0x20));
  const __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)), _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
  const auto run = static_cast<std::size_t>(std::countr_one(static_cast<unsigned>(_mm_movemask_epi8(letter))));
  capitals = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmplt_epi8(v, _mm_set1_epi8('a')))) & ((1U << run) - 1);
  return run;
}
#endif

}  // namespace

std::uint32_t word_hash(std::string_view word) {
  std::uint32_t h = kFnvStart;
  for (std::size_t at = 0, size = 1; at < word.size(); at += size) {
    size = 1;
    if (kClass[static_cast<unsigned char>(word[at])] != kHigh || high(word, at, size) != kHigh) h = add(h, word, at, size);
  }
  return h;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    if (c >= 'A' && c <= 'Z') out[i] = static_cast<char>(c | 0x20);
    if (c >= 0x80 && c <= 0x9e && c != 0x97 && i > 0 && static_cast<unsigned char>(out[i - 1]) == 0xc3)
      out[i] = static_cast<char>(c | 0x20);
  }
  return out;
}

void tokenize(std::string_view text, std::vector<Token>& out) {
  std::size_t at = 0, last_end = ~std::size_t{0};
  const auto class_at = [&](std::size_t i) { return kClass[static_cast<unsigned char>(text[i])]; };
  while (at < text.size()) {
    std::size_t size = 1;
    Class c = class_at(at);
    if (c == kSpace) {
      ++at;
      continue;
    }
    if (c == kHigh) c = high(text, at, size);
    if (c == kSpace || c == kHigh) {
      at += size;
      continue;
    }
    Token& token = out.emplace_back();
    token.start = static_cast<std::uint32_t>(at);
    token.glued = at == last_end;
    if (c == kLine) {
      token.look = Look::line;
      while (at < text.size() && class_at(at) == kLine) ++at;
    } else if (c == kDigit) {
      token.look = Look::number;
      std::uint32_t h = kFnvStart;
      for (; at < text.size(); at += size) {
        size = 1;
        Class d = class_at(at);
        if (d == kHigh) d = high(text, at, size);
        if (d != kDigit) break;
        h = add(h, text, at, size);
      }
      token.hash = h;
    } else if (c == kMark) {
      token.look = Look::mark;
      token.hash = add(kFnvStart, text, at, size);
      at += size;
    } else {
      std::uint32_t h = kFnvStart;
      std::size_t letters = 0, upper = 0;
      for (;;) {
        // The letters of ASCII, in lower case; then one character beyond it, if the word goes on with it.
        const std::size_t from = at;
#ifdef __SSE2__
        while (text.size() - at >= 16) {
          unsigned capitals = 0;
          const std::size_t run = letters_at(text.data() + at, capitals);
          for (std::size_t k = 0; k < run; k += 8) h = add_letters(h, text.data() + at + k, std::min<std::size_t>(run - k, 8));
          upper += static_cast<std::size_t>(std::popcount(capitals));
          at += run;
          if (run < 16) break;
        }
#endif
        for (Class d; at < text.size() && ((d = class_at(at)) == kLower || d == kUpper); ++at) {
          upper += d == kUpper;
          h = (h ^ (static_cast<unsigned char>(text[at]) | 0x20U)) * kFnvPrime;
        }
        letters += at - from;
        if (at == text.size() || class_at(at) != kHigh) break;
        const Class d = high(text, at, size);
        if (d == kLower || d == kUpper) {
          upper += d == kUpper;
          ++letters;
          h = add(h, text, at, size);
        } else if (d != kHigh) {
          break;
        }
        at += size;
      }
      token.hash = h;
      token.look = upper == 0                  ? Look::lower
                   : letters == 1              ? Look::initial
                   : upper == letters          ? Look::upper
                   : c == kUpper && upper == 1 ? Look::capital
                                               : Look::mixed;
    }
    token.end = static_cast<std::uint32_t>(at);
    last_end = at;
  }
}

}  // namespace licet::deid
