// The next of four bytes in a text, sixteen at a time: what separates records and cells. Any thread.
#pragma once

#include <algorithm>
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

// Where four bytes stand in a text, one after the other. They are looked for 64 bytes at a time and written down for 4 KiB ahead, so that
// the reader of short cells has one branch a cell and not one a block.
class MarkScan {
 public:
  MarkScan(char a, char b, char c, char d) : marks_{a, b, c, d} {}
  void text(std::string_view text, std::size_t from) {
    text_ = text;
    base_ = end_ = from;
    at_ = marks_end_ = 0;
  }
  // The next, and then the one behind it; the text's size where there is none.
  [[nodiscard]] std::size_t next() {
    if (at_ == marks_end_) [[unlikely]]
      if (!look()) return text_.size();
    return base_ + found_[at_++];
  }
  // Those before `from` are passed over.
  void skip_to(std::size_t from) {
    if (from >= end_) return text(text_, from);
    while (at_ < marks_end_ && base_ + found_[at_] < from) ++at_;
  }

 private:
  static constexpr std::size_t kWindow = 4096;
  static constexpr std::uint64_t kTop = std::uint64_t{1} << 63;  // never zero, which countr_zero would have to look for
  // The window that has the next mark; false: there is none.
  bool look() {
    do {
      if (end_ >= text_.size()) return false;
      base_ = end_;
      at_ = marks_end_ = 0;
      end_ = std::min(base_ + kWindow, text_.size());
      std::size_t block = base_;
      for (; block + 64 <= end_; block += 64) put(mask(block), static_cast<unsigned>(block - base_));
      for (; block < end_; ++block)
        if (const char c = text_[block]; c == marks_[0] || c == marks_[1] || c == marks_[2] || c == marks_[3])
          found_[marks_end_++] = static_cast<std::uint16_t>(block - base_);
    } while (marks_end_ == 0);
    return true;
  }
  // A bit for each of 64 bytes.
  [[nodiscard]] std::uint64_t mask(std::size_t block) const {
    std::uint64_t bits = 0;
#ifdef __SSE2__
    for (unsigned k = 0; k < 64; k += 16) {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text_.data() + block + k));
      const __m128i any =
          _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(marks_[0])), _mm_cmpeq_epi8(v, _mm_set1_epi8(marks_[1]))),
                       _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(marks_[2])), _mm_cmpeq_epi8(v, _mm_set1_epi8(marks_[3]))));
      bits |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(any))) << k;
    }
#else
    for (unsigned k = 0; k < 64; ++k)
      for (const char m : marks_)
        if (text_[block + k] == m) bits |= std::uint64_t{1} << k;
#endif
    return bits;
  }
  // Eight are written whether or not there are as many: what is too much is written over.
  void put(std::uint64_t bits, unsigned at) {
    const auto count = static_cast<std::size_t>(std::popcount(bits));
    for (std::size_t done = 0; done < count; done += 8)
      for (std::size_t k = 0; k < 8; ++k) {
        found_[marks_end_ + done + k] = static_cast<std::uint16_t>(at + static_cast<unsigned>(std::countr_zero(bits | kTop)));
        bits &= bits - 1;
      }
    marks_end_ += count;
  }

  char marks_[4];
  std::string_view text_;
  std::size_t base_ = 0, end_ = 0;         // the window
  std::size_t at_ = 0, marks_end_ = 0;     // of found_
  std::uint16_t found_[kWindow + 8] = {};  // offsets in the window
};

// Where a segment of HL7 v2 ends: CR, LF, or a byte of MLLP.
[[nodiscard]] inline std::size_t find_hl7_end(std::string_view text, std::size_t at) {
  return find_any(text, at, '\r', '\n', '\x0b', '\x1c');
}

}  // namespace licet::codec
