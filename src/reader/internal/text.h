// The text as sentences of words, each with the words that lead into it ("Business Associate shall:") and the heading that it stands under.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reader/internal/wording.h"

namespace licet::reader {

struct Word {
  std::uint32_t id = 0;              // into Text::words
  std::uint32_t begin = 0, end = 0;  // bytes
  bool capital = false;
};

struct Sentence {
  std::uint32_t begin = 0, end = 0;  // bytes of its own words
  std::vector<Word> words;           // lead, then own
  std::uint32_t own = 0;             // where its own words begin
  bool goes_on = false;              // its items follow behind a colon
  std::uint32_t section = 0;         // into Text::sections
  std::uint32_t paragraph = 0;
  std::vector<Word> label;                                                  // "Access (45 CFR 164.524):" at the head of its paragraph
  bool recital = false, question = false, heading = false, quoted = false;  // quoted: begins with a quotation mark, as definitions do
};

struct Text {
  std::string_view bytes;
  std::vector<std::string> words;        // distinct, folded
  std::vector<std::vector<Atom>> atoms;  // of each
  std::vector<Sentence> sentences;
  std::vector<std::vector<Word>> sections;  // headings; [0] is none
  std::size_t blanks = 0;
};

[[nodiscard]] Text split(std::string_view bytes, const Wording::Inside& wording, const ReadLimits& limits);

}  // namespace licet::reader
