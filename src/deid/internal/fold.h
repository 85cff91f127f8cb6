// What stands in the way of reading a text, taken away: characters without width, letters that only look like others, full-width forms,
// HTML entities, percent-encoding, inline tags at words, words broken at a line's end, letters spaced out.
//
//   Folded folded;                                          // keeps its memory from text to text
//   if (folded.make(text)) find(folded.text()) …            // false: nothing is in the way, as in nearly all texts
//   folded.begin(span.start), folded.end(span.end)          // where that stands in the text as it came
//
// "Ma\u200Bria", "Маria" (with Cyrillic letters), "Mar&iacute;a", "Maria%20Wake", "M<b>ar</b>ia" and "M a r i a" are read as Maria. A
// letter of another script is folded only in a word that has letters of ASCII, too: real Greek and Russian words stay. Pure; a Folded
// belongs to one thread. Input: any bytes; fuzzed by fuzz/fuzz_deid.cc. Where nothing is found it is one pass.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace licet::deid {

// Where base64 of readable text stands: [begin, end) and what it says.
struct Encoded {
  std::uint32_t begin = 0, end = 0;
  std::string plain;
};

class Folded {
 public:
  [[nodiscard]] bool make(std::string_view text);
  [[nodiscard]] std::string_view text() const { return text_; }
  // Of places in text(): where the bytes that they were made from begin, or the ones before them end.
  [[nodiscard]] std::uint32_t begin(std::uint32_t at) const;
  [[nodiscard]] std::uint32_t end(std::uint32_t at) const;
  // Of the text that make() was given: runs of 32 characters and more.
  [[nodiscard]] std::vector<Encoded> base64_runs(std::string_view text) const;

 private:
  // Bytes of text_ from `at` on: those of the text from `from` on as they are (same), or all made from [from, to).
  struct Piece {
    std::uint32_t at = 0, from = 0, to = 0;
    bool same = true;
  };
  [[nodiscard]] const Piece& piece(std::uint32_t at) const;
  void add(std::string_view bytes, std::size_t from, std::size_t to, bool same);
  bool base64_ = false;
  std::string text_;
  std::vector<Piece> pieces_;
};

}  // namespace licet::deid
