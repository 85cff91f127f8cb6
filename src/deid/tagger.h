// The trained part of the text engine: a greedy averaged perceptron over hashed features, one label a token.
//
//   LICET_TRY(model, Model::load(bytes));                   // src/deid/models/en.bin, es.bin
//   tag(model, text, tokens, bias, labels);                 // labels[i] of tokens[i]
//
// Words that can hardly be identifiers (lower case, in no name list, never seen in one) are not looked at: they are `none`, and cost
// nothing. The recall dial is one number: what is added to every label but `none`. Weights are made by src/deid/train/train.cc (README
// there: data, licenses, command). A Model is immutable, any thread; under 1 MiB.
//
// Model file, little-endian: "PER1"; bias (i16); whether numbers are looked at (u8); triggers (u32), then as many u32, sorted: 24 bits of
// the hashes of lower-case words that are looked at; rows (u32), then per row: distance to the row before (LEB128), mask of its labels
// (u16), one i8 for each.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "deid/tokens.h"

namespace licet::deid {

enum class Label : std::uint8_t { none, name, place, street, organization, date, age, id, contact, relative };
inline constexpr std::size_t kLabels = 10;
[[nodiscard]] std::string_view name(Label label);

struct Model {
  static constexpr std::size_t kBuckets = 1U << 18, kStride = 16;
  // Most buckets have no row: a bit says which have one, and how many come before its word says which row it is. So what is in use fits the
  // cache.
  struct Word {
    std::uint64_t bits = 0;
    std::uint32_t before = 0;
  };
  std::vector<Word> index = std::vector<Word>(kBuckets / 64);
  std::vector<std::int8_t> rows = std::vector<std::int8_t>(kStride);  // kStride each; the first, of buckets that have none, is zero
  std::vector<std::uint32_t> triggers;                                // set_triggers() fills both
  std::array<std::uint64_t, 1024> may_trigger{};                      // by their last 16 bits: what is not in it need not be searched for
  bool numbers = true;                                                // false: numbers are left to the parsers
  int bias = 0;                                                       // where the training set's held-out part put the dial
  // errors: invalid_argument, not such a file.
  [[nodiscard]] static Result<Model> load(std::string_view bytes);
  void set_triggers(std::vector<std::uint32_t> sorted);
  [[nodiscard]] bool triggers_on(std::uint32_t word_hash) const {
    const std::uint32_t key = word_hash >> 8;
    return (may_trigger[(key >> 6) % 1024] >> (key % 64) & 1) != 0 && std::binary_search(triggers.begin(), triggers.end(), key);
  }
  // (Whoever asks for many of them keeps the two in registers.)
  [[gnu::always_inline]] static const std::int8_t* row(const Word* index, const std::int8_t* rows, std::uint32_t bucket) {
    const Word& word = index[bucket / 64];
    const std::uint64_t below = (std::uint64_t{1} << (bucket % 64)) - 1;
    const std::size_t at = word.before + static_cast<std::size_t>(std::popcount(word.bits & below)) + 1;
    return rows + (at & (0 - static_cast<std::size_t>(word.bits >> (bucket % 64) & 1))) * kStride;
  }
  // Without a branch: of 27 buckets about half have a row, and nobody can predict which.
  [[nodiscard]] const std::int8_t* row(std::uint32_t bucket) const { return row(index.data(), rows.data(), bucket); }
};

// What a token looks like to the tagger, apart from the labels before it: made once a text.
struct Sight {
  std::uint32_t word = 0;  // its hash; of a number, its length and whether it may be a year
  std::uint32_t affix3 = 0, tail3 = 0, tail2 = 0;
  std::uint32_t header = 0;  // the words before the colon that it stands behind, on its line
  std::uint32_t pair = 0;    // the word before it and it
  std::uint8_t look = 0;
  std::uint8_t lexicon = 0;
  bool first = false;  // of its line
  bool looked_at = false;
};
// out[i + kSightMargin] of token i: around them stand two of nothing, so that each has neighbors.
inline constexpr std::size_t kSightMargin = 2;
void see(std::string_view text, const std::vector<Token>& tokens, const Model& model, std::vector<Sight>& out);

inline constexpr std::size_t kFeatures = 27;
// Labels of the words before it on its line: `last` the nearest, `before` the one before that; `seen`: what this word was last called.
struct History {
  Label last = Label::none, before = Label::none, seen = Label::none;
};
// Bucket numbers of a token. `sight`: among its neighbors, as see() made them.
void features(const Sight* sight, const History& history, std::uint32_t out[kFeatures]);
// Whether it is looked at, given what was before it: a short lower-case word goes on a name ("de la").
[[nodiscard]] bool candidate(const Token& token, const Sight& sight, const History& history);

// What goes along the tokens of a text: the history of each, and what each word was called.
class Walk {
 public:
  [[nodiscard]] const History& before() const { return history_; }  // without what the next word was called
  [[nodiscard]] History at(const Token& token) const;
  void called(const Token& token, Label label);

 private:
  History history_;
  std::vector<std::pair<std::uint32_t, Label>> seen_;  // of words that were called something; small
  std::array<std::uint64_t, 16> may_be_seen_{};        // by the first ten bits of their hashes
};

void tag(const Model& model, std::string_view text, const std::vector<Token>& tokens, int bias, std::vector<Label>& labels,
         std::vector<float>& scores);

}  // namespace licet::deid
