// The next of four bytes in a text, sixteen at a time: what separates records and cells. Any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace licet::codec {

// From `at` on, or text.size().
[[nodiscard]] inline std::size_t find_any(std::string_view text, std::size_t at, char a, char b, char c, char d) {
#ifdef __SSE2__
  const __m128i va = _mm_set1_epi8(a), vb = _mm_set1_epi8(b), vc = _mm_set1_epi8(c), vd = _mm_set1_epi8(d);
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i any = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, va), _mm_cmpeq_epi8(v, vb)),
                                     _mm_or_si128(_mm_cmpeq_epi8(v, vc), _mm_cmpeq_epi8(v, vd)));
    if (const auto mask = static_cast<unsigned>(_mm_movemask_epi8(any)); mask != 0)
      return at + static_cast<std::size_t>(std::countr_zero(mask));
  }
#endif
  while (at < text.size() && text[at] != a && text[at] != b && text[at] != c && text[at] != d) ++at;
  return at;
}

// Where four bytes stand in a text, asked for in order: 64 bytes are looked at once, and then told one by one.
class MarkScan {
 public:
  MarkScan(char a, char b, char c, char d) : marks_{a, b, c, d} {}
  void text(std::string_view text) {
    text_ = text;
    base_ = kNowhere;
  }
  // The first from `at` on, or the text's size.
  [[nodiscard]] std::size_t next(std::size_t at) {
    if (at - base_ >= 64) look(at);
    for (;;) {
      if (const std::uint64_t left = mask_ & (~std::uint64_t{0} << (at - base_)); left != 0)
        return base_ + static_cast<std::size_t>(std::countr_zero(left));
      if (base_ + 64 >= text_.size()) return text_.size();
      look(at = base_ + 64);
    }
  }

 private:
  static constexpr std::size_t kNowhere = ~std::size_t{0} - 64;
  void look(std::size_t at) {
    base_ = at;
    mask_ = 0;
#ifdef __SSE2__
    if (at + 64 <= text_.size()) {
      __m128i m[4];
      for (std::size_t k = 0; k < 4; ++k) m[k] = _mm_set1_epi8(marks_[k]);
      for (std::size_t k = 0; k < 4; ++k) {
        const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text_.data() + at + 16 * k));
        const __m128i any = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, m[0]), _mm_cmpeq_epi8(v, m[1])),
                                         _mm_or_si128(_mm_cmpeq_epi8(v, m[2]), _mm_cmpeq_epi8(v, m[3])));
        mask_ |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(any))) << (16 * k);
      }
      return;
    }
#endif
    for (std::size_t k = 0; k < 64 && at + k < text_.size(); ++k)
      for (const char m : marks_)
        if (text_[at + k] == m) mask_ |= std::uint64_t{1} << k;
  }

  char marks_[4];
  std::string_view text_;
  std::size_t base_ = kNowhere;
  std::uint64_t mask_ = 0;
};

// Where a segment of HL7 v2 ends: CR, LF, or a byte of MLLP.
[[nodiscard]] inline std::size_t find_hl7_end(std::string_view text, std::size_t at) {
  return find_any(text, at, '\r', '\n', '\x0b', '\x1c');
}

}  // namespace licet::codec
