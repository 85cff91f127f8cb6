#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "codec/internal/tape.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace licet::codec::internal {

// One bit per byte of a 64-byte block.
struct Masks {
  std::uint64_t quote = 0, backslash = 0, op = 0, space = 0, control = 0;
};

namespace {

#if defined(__x86_64__)
// SSE2 is every x86-64's.
[[gnu::always_inline]] inline Masks classify(const char* bytes) {
  Masks m;
  for (int i = 0; i < 4; ++i) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes) + i);
    const auto is = [&](char c) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(c)); };
    const auto bits = [&](__m128i x) { return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(x))) << (16 * i); };
    const __m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x20));  // [ ] are { } without this bit
    const __m128i brackets = _mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')), _mm_cmpeq_epi8(folded, _mm_set1_epi8('}')));
    m.op |= bits(_mm_or_si128(brackets, _mm_or_si128(is(':'), is(','))));
    m.quote |= bits(is('"'));
    m.backslash |= bits(is('\\'));
    m.space |= bits(_mm_or_si128(_mm_or_si128(is(' '), is('\n')), _mm_or_si128(is('\r'), is('\t'))));
    m.control |= bits(_mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v));
  }
  return m;
}
// (Lambdas don't inherit a target, so this one is spelled out.)
__attribute__((target("avx2"), always_inline)) inline std::uint64_t equal_avx2(__m256i low, __m256i high, char c) {
  const __m256i wanted = _mm256_set1_epi8(c);
  const auto l = static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)));
  const auto h = static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)));
  return static_cast<std::uint64_t>(h) << 32 | l;
}
__attribute__((target("avx2"), always_inline)) inline Masks classify_avx2(const char* bytes) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + 32));
  const __m256i bit = _mm256_set1_epi8(0x20), control = _mm256_set1_epi8(0x1f);
  const __m256i low_folded = _mm256_or_si256(low, bit), high_folded = _mm256_or_si256(high, bit);
  const auto low_control = static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(low, control), low)));
  const auto high_control = static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(high, control), high)));
  Masks m;
  m.control = static_cast<std::uint64_t>(high_control) << 32 | low_control;
  m.op = equal_avx2(low_folded, high_folded, '{') | equal_avx2(low_folded, high_folded, '}') | equal_avx2(low, high, ':') |
         equal_avx2(low, high, ',');
  m.quote = equal_avx2(low, high, '"');
  m.backslash = equal_avx2(low, high, '\\');
  m.space = equal_avx2(low, high, ' ');
  if (m.control != 0) m.space |= equal_avx2(low, high, '\n') | equal_avx2(low, high, '\r') | equal_avx2(low, high, '\t');
  return m;
}
bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
  return has;
}
#else
inline Masks classify(const char* bytes) {
  Masks m;
  for (int i = 0; i < 64; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    const char c = bytes[i];
    const char folded = static_cast<char>(c | 0x20);
    if (folded == '{' || folded == '}' || c == ':' || c == ',') m.op |= bit;
    if (c == '"') m.quote |= bit;
    if (c == '\\') m.backslash |= bit;
    if (is_space(c)) m.space |= bit;
    if (static_cast<unsigned char>(c) < 0x20) m.control |= bit;
  }
  return m;
}
#endif

// Bit i of the result: parity of bits 0..i. Turns quotes into what lies between them.
[[gnu::always_inline]] inline std::uint64_t prefix_xor(std::uint64_t x) {
  x ^= x << 1;
  x ^= x << 2;
  x ^= x << 4;
  x ^= x << 8;
  x ^= x << 16;
  x ^= x << 32;
  return x;
}

// The bytes that a backslash escapes (simdjson's find_escaped); `carry`: the block's first byte is one.
[[gnu::always_inline]] inline std::uint64_t find_escaped(std::uint64_t backslash, std::uint64_t& carry) {
  constexpr std::uint64_t kEven = 0x5555555555555555;
  backslash &= ~carry;
  const std::uint64_t follows = backslash << 1 | carry;
  const std::uint64_t odd_starts = backslash & ~kEven & ~follows;
  std::uint64_t sequences = 0;
  carry = __builtin_add_overflow(odd_starts, backslash, &sequences) ? 1 : 0;
  return (kEven ^ (sequences << 1)) & follows;
}

}  // namespace

inline void Indexer::block(const Masks& m, std::size_t at, Tape& tape) {
  std::uint64_t escaped = escaped_;
  if (m.backslash == 0) [[likely]]
    escaped_ = 0;
  else
    escaped = find_escaped(m.backslash, escaped_);
  const std::uint64_t quote = m.quote & ~escaped;
  const std::uint64_t inside = prefix_xor(quote) ^ in_string_;  // with the opening quote, without the closing one
  in_string_ = static_cast<std::uint64_t>(static_cast<std::int64_t>(inside) >> 63);
  bad_ |= m.control & inside;
  const std::uint64_t outside = ~(inside | quote);
  const std::uint64_t scalar = outside & ~(m.op | m.space);
  const std::uint64_t starts = scalar & ~(scalar << 1 | scalar_);
  scalar_ = scalar >> 63;
  std::uint64_t tokens = (m.op & outside) | (quote & inside) | starts;

  const int n = std::popcount(tokens);
  std::uint32_t* out = tape.pos + tape.count;
  const auto base = static_cast<std::uint32_t>(at);
  // Eight at a time without asking: what is written too much is overwritten. The tape has room for it.
  for (int done = 0; done < n; done += 8) {
    for (int k = 0; k < 8; ++k) {
      out[done + k] = base + static_cast<std::uint32_t>(std::countr_zero(tokens));
      tokens &= tokens - 1;
    }
  }
  tape.count += static_cast<std::uint32_t>(n);
}

#if defined(__x86_64__)
__attribute__((target("avx2,bmi,popcnt"))) void Indexer::run_avx2(const char* text, std::size_t size, Tape& tape) {
  for (; at_ + 64 <= size; at_ += 64) block(classify_avx2(text + at_), at_, tape);
}
#endif

void Indexer::run(const char* text, std::size_t size, bool last, Tape& tape) {
  tape.base = text;
  // In stretches, so that the tape grows with the tokens that are there, not with one per byte.
  for (;;) {
    const std::size_t stop = std::min(size, at_ + 16 * 1024);
    tape.reserve(tape.count + (stop - at_) + 80);
#if defined(__x86_64__)
    if (has_avx2())
      run_avx2(text, stop, tape);
    else
#endif
      for (; at_ + 64 <= stop; at_ += 64) block(classify(text + at_), at_, tape);
    if (stop == size) break;
  }
  if (!last || at_ == size) return;
  char rest[64];
  std::memset(rest, ' ', sizeof rest);
  std::memcpy(rest, text + at_, size - at_);
  block(classify(rest), at_, tape);  // an open string runs on into the padding: no harm, in_string() tells
  at_ = size;
}

bool valid_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace licet::codec::internal
