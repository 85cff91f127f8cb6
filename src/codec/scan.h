// The next of four bytes in a text, sixteen at a time: what separates records and cells. Any thread.
#pragma once

#include <bit>
#include <cstddef>
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

// Where a segment of HL7 v2 ends: CR, LF, or a byte of MLLP.
[[nodiscard]] inline std::size_t find_hl7_end(std::string_view text, std::size_t at) {
  return find_any(text, at, '\r', '\n', '\x0b', '\x1c');
}

}  // namespace licet::codec
