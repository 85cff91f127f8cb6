// Text cut into words, numbers and marks: what detectors and tagger look at.
//
// A word is a run of letters (ASCII, and every UTF-8 character that is no space, mark or dash); a number a run of digits: "Carolee951" is
// two tokens, the second glued to the first. Zero-width characters and soft hyphens inside a word belong to it and don't count for its
// hash, so that "Ma\u200Bria" reads as Maria. Offsets are bytes. Any bytes are taken; what isn't UTF-8 counts as letters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace licet::deid {

enum class Look : std::uint8_t { lower, capital, upper, mixed, initial, number, mark, line };

struct Token {
  std::uint32_t start = 0, end = 0;
  std::uint32_t hash = 0;  // FNV-1a 32 of the lower-case spelling
  Look look = Look::mark;
  bool glued = false;        // nothing stands between it and the token before
  std::uint8_t lexicon = 0;  // Lexicon bits of a word
  [[nodiscard]] std::uint32_t size() const { return end - start; }
  [[nodiscard]] bool word() const { return look <= Look::initial; }
  [[nodiscard]] bool number() const { return look == Look::number; }
};

inline constexpr std::uint32_t kFnvStart = 0x811c9dc5, kFnvPrime = 0x01000193;
// Of a word as tokens hash it: lower case for ASCII and Latin-1, zero-width characters left out.
[[nodiscard]] std::uint32_t word_hash(std::string_view word);
[[nodiscard]] std::string lower(std::string_view text);

// Appends; `out` keeps its memory from text to text.
void tokenize(std::string_view text, std::vector<Token>& out);

}  // namespace licet::deid
