// Which words are names, places, or ordinary: src/deid/models/lexicon.bin, made by tools/make_deid_lexicon.py (its sources and licenses).
//
//   LICET_TRY(lexicon, Lexicon::load(bytes));
//   lexicon.bits(word_hash("Smith")) == (kLast | kWord …)
//
// 24 bits of each word's hash are kept: one in 130 words that are in no list looks like one that is. Immutable, any thread; 1 MiB.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace licet::deid {

enum LexiconBit : std::uint8_t { kFirst = 1, kLast = 2, kCity = 4, kPlace = 8, kCommon = 16, kWord = 32, kClinical = 64 };

class Lexicon {
 public:
  // errors: invalid_argument, not such a file.
  [[nodiscard]] static Result<Lexicon> load(std::string_view bytes);
  [[nodiscard]] std::uint8_t bits(std::uint32_t hash) const {
    const std::uint32_t key = hash >> 8;
    for (std::size_t at = key & mask_;; at = (at + 1) & mask_) {
      const std::uint32_t slot = slots_[at];
      if (slot >> 8 == key || slot == 0) return static_cast<std::uint8_t>(slot);
    }
  }
  // Asks for the memory that bits(hash) will look at.
  void prefetch(std::uint32_t hash) const { __builtin_prefetch(&slots_[(hash >> 8) & mask_]); }

 private:
  std::vector<std::uint32_t> slots_ = {0};
  std::size_t mask_ = 0;
};

}  // namespace licet::deid
