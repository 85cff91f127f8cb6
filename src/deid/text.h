// Finds identifiers in text that people wrote, and puts something else in their place.
//
//   TextEngine engine(lexicon, model);
//   Found found;                                            // keeps its memory from text to text
//   engine.find(text, known, found);                        // found.spans: sorted, apart from each other
//   TextTransform transform(library, *library.find("safe-harbor-text"));
//   transform.apply(text, found.spans, context, out);       // "[NAME], seen in [DATE]"
//
// How: numbers and marks by hand-written parsers with checksums and context (SSN, NPI, DEA, MBI, VIN, cards, phones, dates, addresses …);
// names, places and the rest by lexicon and a small trained tagger; what the record says of the patient; and whatever was called a name
// once is one all through the text. Characters without width, lookalike letters, entities, percent-encoding, tags inside words and letters
// spaced out are read through, base64 of text is read and taken whole (docs/deid.md has the list). What is found is only as good as
// docs/deid.md measures: a recall below one is why free text is never called de-identified by Safe Harbor here.
//
// Pure; engine and transform are immutable, any thread; Found and contexts belong to one. Input: any bytes; fuzzed by fuzz/fuzz_deid.cc.
// Source: 45 CFR 164.514(b)(2)(i).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deid/codes.h"
#include "deid/internal/fold.h"
#include "deid/internal/word_map.h"
#include "deid/lexicon.h"
#include "deid/profile.h"
#include "deid/tagger.h"
#include "deid/tokens.h"

namespace licet::deid {

struct Span {
  std::uint32_t start = 0, end = 0;  // bytes
  Kind kind = Kind::id;
  float score = 0;  // 0…1: patterns with a checksum and known PHI 1, other patterns 0.9, the tagger by its margin
};

// What the structured record says of the patient: found wherever its words stand, in any case.
class Known {
 public:
  // Words (of names, streets, cities and organizations) of three letters or more, and numbers of three digits or more.
  void add(std::string_view value, Kind kind);
  [[nodiscard]] bool empty() const { return words_.empty(); }
  [[nodiscard]] const Kind* find(std::uint32_t word_hash) const { return words_.find(word_hash); }

 private:
  WordMap<Kind> words_;
};

struct Found {
  std::vector<Span> spans;
  // scratch
  std::vector<Token> tokens;
  std::vector<Label> labels;
  std::vector<float> margins;
  std::vector<Span> sorted;
  WordMap<float> names;
  Folded folded;
};

class TextEngine {
 public:
  // Both outlive it. model: null finds by patterns, lexicon-free, only.
  TextEngine(const Lexicon& lexicon, const Model* model) : lexicon_(lexicon), model_(model) {}
  void find(std::string_view text, const Known& known, Found& found) const;

 private:
  void find_as_it_is(std::string_view text, const Known& known, Found& found) const;
  const Lexicon& lexicon_;
  const Model* model_;
};

// The parsers alone, in order of place; they may overlap. (find() calls it.)
void find_patterns(std::string_view text, const std::vector<Token>& tokens, std::vector<Span>& out);

// An invented value of the same kind, the same one for the same original and key; in brackets, where a kind has none ("[ZIP]"). family: of
// names, all of its words are of the family.
[[nodiscard]] std::string surrogate(Kind kind, std::string_view original, std::span<const std::byte> key, bool family = false);

struct TextContext {
  Date as_of{};
  Codes* codes = nullptr;               // for Act::code; null: as redact
  std::span<const std::byte> key = {};  // for surrogates and shifts; empty: as redact
  std::string_view patient = {};        // whose dates are shifted; surrogates are consistent for the key
};

class TextTransform {
 public:
  TextTransform(const Library& library, const Profile& profile) : library_(library), profile_(profile) {}
  // Appends the whole text with each span replaced as the profile's rule for its kind says.
  void apply(std::string_view text, const std::vector<Span>& spans, const TextContext& context, std::string& out) const;

 private:
  const Library& library_;
  const Profile& profile_;
};

}  // namespace licet::deid
