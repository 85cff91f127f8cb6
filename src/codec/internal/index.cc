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
// (Lambdas don't inherit a target, so these are spelled out.)
__attribute__((target("avx2"), always_inline)) inline std::uint64_t mask_avx2(__m256i low, __m256i high) {
  const auto l = static_cast<unsigned>(_mm256_movemask_epi8(low)), h = static_cast<unsigned>(_mm256_movemask_epi8(high));
  return static_cast<std::uint64_t>(h) << 32 | l;
}
__attribute__((target("avx2"), always_inline)) inline __m256i is_avx2(__m256i v, char c) {
  return _mm256_cmpeq_epi8(v, _mm256_set1_epi8(c));
}
__attribute__((target("avx2"), always_inline)) inline __m256i op_avx2(__m256i v) {
  const __m256i folded = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
  return _mm256_or_si256(_mm256_or_si256(is_avx2(folded, '{'), is_avx2(folded, '}')), _mm256_or_si256(is_avx2(v, ':'), is_avx2(v, ',')));
}
__attribute__((target("avx2"), always_inline)) inline Masks classify_avx2(const char* bytes) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + 32));
  const __m256i control = _mm256_set1_epi8(0x1f);
  Masks m;
  m.control = mask_avx2(_mm256_cmpeq_epi8(_mm256_min_epu8(low, control), low), _mm256_cmpeq_epi8(_mm256_min_epu8(high, control), high));
  m.op = mask_avx2(op_avx2(low), op_avx2(high));
  m.quote = mask_avx2(is_avx2(low, '"'), is_avx2(high, '"'));
  m.backslash = mask_avx2(is_avx2(low, '\\'), is_avx2(high, '\\'));
  m.space = mask_avx2(is_avx2(low, ' '), is_avx2(high, ' '));
  if (m.control != 0)
    for (const char c : {'\n', '\r', '\t'}) m.space |= mask_avx2(is_avx2(low, c), is_avx2(high, c));
  return m;
}
__attribute__((target("avx512f,avx512bw"), always_inline)) inline Masks classify_avx512(__m512i v) {
  const auto is = [](__m512i bytes, char c) __attribute__((target("avx512f,avx512bw"), always_inline)) {
    return static_cast<std::uint64_t>(_mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(c)));
  };
  const __m512i folded = _mm512_or_si512(v, _mm512_set1_epi8(0x20));
  Masks m;
  m.control = _mm512_cmple_epu8_mask(v, _mm512_set1_epi8(0x1f));
  m.op = is(folded, '{') | is(folded, '}') | is(v, ':') | is(v, ',');
  m.quote = is(v, '"');
  m.backslash = is(v, '\\');
  m.space = is(v, ' ');
  if (m.control != 0) m.space |= is(v, '\n') | is(v, '\r') | is(v, '\t');
  return m;
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

inline std::uint64_t Indexer::tokens(const Masks& m) {
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
  return (m.op & outside) | (quote & inside) | starts;
}

inline void Indexer::block(const Masks& masks, std::size_t at, Tape& tape) {
  std::uint64_t left = tokens(masks);
  const int n = std::popcount(left);
  std::uint32_t* out = tape.pos + tape.count;
  const auto base = static_cast<std::uint32_t>(at);
  // Eight at a time without asking: what is written too much is overwritten. The tape has room for it.
  for (int done = 0; done < n; done += 8) {
    for (int k = 0; k < 8; ++k) {
      out[done + k] = base + static_cast<std::uint32_t>(std::countr_zero(left));
      left &= left - 1;
#if defined(__x86_64__)
      asm("" : "+r"(left));  // else eight counts are made one vector, which takes longer than eight instructions
#endif
    }
  }
  tape.count += static_cast<std::uint32_t>(n);
}

#if defined(__x86_64__)
__attribute__((target("avx2,bmi,popcnt"))) void Indexer::run_avx2(const char* text, std::size_t size, Tape& tape) {
  for (; at_ + 64 <= size; at_ += 64) block(classify_avx2(text + at_), at_, tape);
}

// Here the numbers of the set bits are an instruction: 64 numbers are squeezed by the mask, and sixteen made positions at a time.
__attribute__((target("avx512f,avx512bw,avx512vbmi2,bmi,popcnt"))) void Indexer::run_avx512(const char* text, std::size_t size,
                                                                                            Tape& tape) {
  alignas(64) std::uint8_t numbers[64];
  for (std::uint8_t k = 0; k < 64; ++k) numbers[k] = k;
  const __m512i all = _mm512_load_si512(numbers);
  for (; at_ + 64 <= size; at_ += 64) {
    const std::uint64_t found = tokens(classify_avx512(_mm512_loadu_si512(text + at_)));
    const int n = std::popcount(found);
    std::uint32_t* out = tape.pos + tape.count;
    const __m512i base = _mm512_set1_epi32(static_cast<int>(at_));
    alignas(64) std::uint8_t squeezed[64];
    const __m512i which = _mm512_maskz_compress_epi8(found, all);
    _mm512_storeu_si512(out, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(which))));
    if (n > 16) {
      _mm512_store_si512(squeezed, which);
      for (int done = 16; done < n; done += 16) {
        const __m128i sixteen = _mm_load_si128(reinterpret_cast<const __m128i*>(squeezed + done));
        _mm512_storeu_si512(out + done, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(sixteen)));
      }
    }
    tape.count += static_cast<std::uint32_t>(n);
  }
}
#endif

Indexer::Vectors Indexer::best() {
#if defined(__x86_64__)
  static const Vectors known = [] {
    const bool basics = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
    if (basics && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2")) return Vectors::avx512;
    return basics && __builtin_cpu_supports("avx2") ? Vectors::avx2 : Vectors::least;
  }();
  return known;
#else
  return Vectors::least;
#endif
}

void Indexer::run(const char* text, std::size_t size, bool last, Tape& tape) {
  tape.base = text;
  // In stretches, so that the tape grows with the tokens that are there, not with one per byte.
  for (;;) {
    const std::size_t stop = std::min(size, at_ + 16 * 1024);
    tape.reserve(tape.count + (stop - at_) + 80);
#if defined(__x86_64__)
    if (vectors_ == Vectors::avx512) run_avx512(text, stop, tape);
    if (vectors_ == Vectors::avx2) run_avx2(text, stop, tape);
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
