// What the columns of a table are: told by a person, or guessed from their names and first values for a person to confirm.
//
//   ColumnGuesser guess(library, lexicon, header);
//   for (first thousand records) guess.see(cells);
//   for (const Column& c : guess.columns()) …                  // c.is "date", c.why "its name; 1,000 of 1,000 values are dates"
//
// A guess never says `keep`: what is no identifier must look like a number or a code, value by value. What nothing speaks for is `drop`.
// Pure; one thread.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "deid/lexicon.h"
#include "deid/profile.h"

namespace licet::deid {

struct Column {
  enum class Is : std::uint8_t { drop, keep, number, token, patient, identifier };
  std::string name = {};
  Is is = Is::drop;
  Kind kind = Kind::id;
  std::string why = {};
  [[nodiscard]] std::string_view word() const;  // "drop", "keep", … or the kind's name
};
// errors: invalid_argument: not such a word.
[[nodiscard]] Result<Column> column_of(std::string_view name, std::string_view word);

// "dob = date  # why" a line, or NAME=WORD,NAME=WORD. errors: invalid_argument with the line.
[[nodiscard]] Result<std::vector<Column>> parse_columns(std::string_view text);

class ColumnGuesser {
 public:
  // All outlive it.
  ColumnGuesser(const Library& library, const Lexicon& lexicon, std::vector<std::string> header);
  void see(std::size_t column, std::string_view value);
  [[nodiscard]] std::vector<Column> columns() const;

 private:
  struct Seen {
    std::uint64_t values = 0, dates = 0, decimals = 0, tokens = 0, emails = 0, ssns = 0, phones = 0, urls = 0, ips = 0, words = 0,
                  texts = 0, names = 0, zips = 0;
    std::set<std::string, std::less<>> different;  // up to 1,000
  };
  const Library& library_;
  const Lexicon& lexicon_;
  std::vector<std::string> header_;
  std::vector<Seen> seen_;
};

}  // namespace licet::deid
