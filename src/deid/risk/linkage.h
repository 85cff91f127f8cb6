// The linkage attack: how many rows of the data another file finds again.
//
//   LICET_TRY(rules, parse_matches("birth=dob~3d,zip^3,sex,name~0.92", {}));
//   Linkage attack(table, columns, rules, truth_column);
//   attack.add(fields_of_the_other_file, truth);                        // any number of rows; only counts are kept
//   const LinkageResult r = attack.result();
//
//   NAME        equal, letters in any case, without spaces around
//   NAME~3d     dates at most 3 days apart
//   NAME^3      the same first 3 characters
//   NAME~0.92   Jaro-Winkler similarity of at least 0.92; words in any order
//   NAME=OTHER…  the other file calls it OTHER
//
// Pairs are looked for in blocks: rows equal in all that is compared by equality or by its first characters; without any, rows with the
// same first letter of the first name; dates are cut out of a sorted block. A row of the data whose field is empty is found by nobody in
// it. Pure; one thread. Memory: the data's, not the other file's. A block is looked through up to kMostCandidates rows; what is beyond
// counts in `cut`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "deid/risk/table.h"

namespace licet::deid::risk {

struct Match {
  enum class How { equal, days, prefix, similar };
  std::string column, other;
  How how = How::equal;
  double amount = 0;
  [[nodiscard]] bool exact() const { return how == How::equal; }
  [[nodiscard]] std::string say() const;
};
// Comma-separated. invalid_argument: what is none of the above.
[[nodiscard]] Result<std::vector<Match>> parse_matches(std::string_view text);
// The same columns, all by equality.
[[nodiscard]] std::vector<Match> exactly(std::vector<Match> matches);

// 0 to 1 (Winkler 1990: prefix of up to four letters, weight 0.1).
[[nodiscard]] double jaro_winkler(std::string_view a, std::string_view b);
// A name as it is compared: lower case, letters and digits alone, words sorted.
[[nodiscard]] std::string folded_name(std::string_view text);

struct LinkageResult {
  std::uint64_t rows = 0, others = 0;       // of the data, of the other file
  std::uint64_t unique = 0, ambiguous = 0;  // rows with exactly one match, with several
  std::uint64_t one_to_one = 0;             // unique, and the one found has no other row
  double expected_right = 0;                // Σ 1 / matches: what guessing among the matches would get, were the person there
  bool truth = false;
  std::uint64_t right_unique = 0, right_ambiguous = 0;  // the true person is the match, or among the matches
  std::uint64_t cut = 0;                                // rows of the other file whose block was not looked through to its end
};

class Linkage {
 public:
  static constexpr std::size_t kMostCandidates = 200'000;
  // columns[i]: the table's column of matches[i]. truth: the table's column that says who it is.
  Linkage(const Table& table, std::span<const std::size_t> columns, std::vector<Match> matches, std::optional<std::size_t> truth);

  // One row of the other file: its fields in the order of the matches.
  void add(std::span<const std::string_view> fields, std::string_view truth);
  [[nodiscard]] LinkageResult result() const;

  struct Pair {
    std::uint64_t row = 0, other = 0;  // from 1, as the files have them
  };
  // The rows that were found uniquely: a list that re-identifies.
  [[nodiscard]] std::vector<Pair> pairs() const;

 private:
  struct Seen {
    std::uint32_t matches = 0;
    bool right = false, shared = false;  // shared: a match of it has other rows too
    std::uint64_t last = 0;
  };
  [[nodiscard]] bool block_key(std::span<const std::string_view> fields);
  [[nodiscard]] std::string_view field(std::size_t row, std::size_t i) const { return table_.columns[columns_[i]].value(row); }
  [[nodiscard]] bool similar(std::uint32_t row, std::size_t date);

  const Table& table_;
  std::vector<std::size_t> columns_;
  std::vector<Match> matches_;
  std::optional<std::size_t> truth_;
  bool all_equal_ = true, by_letter_ = false;
  std::size_t first_date_;                          // the one that blocks are sorted by; matches_.size(): none
  std::vector<std::vector<std::int64_t>> serials_;  // of date columns, by code
  std::vector<std::vector<std::string>> names_;     // of name columns, by code
  Dictionary blocks_;
  std::vector<std::vector<std::uint32_t>> rows_of_;  // by block
  std::vector<std::uint64_t> shared_of_;             // where all is equality: matches of a whole block, counted once
  std::vector<std::uint64_t> last_of_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> rows_of_truth_;
  std::vector<std::uint32_t> block_of_;  // by row; kNone: in none
  std::vector<Seen> seen_;
  std::vector<std::int64_t> other_serial_;
  std::vector<std::string> other_name_;
  std::vector<std::uint32_t> hits_;
  std::string key_;
  std::uint64_t others_ = 0, cut_ = 0;
};

}  // namespace licet::deid::risk
