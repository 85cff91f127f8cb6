// The records of a table made into what a profile lets stand for them, by what its columns are.
//
//   TableTransform table(columns, values, pieces, note);
//   table.apply(record, "\n");                              // of as many cells as there are columns, and without a problem
//   write(table.made()); table.clear();                     // "1f0e8f2c-…,1979,459,F,98.6,\n"
//
// All columns stay, with commas between; a cell that may not is empty, and one that stays keeps its quotes. What can't be read as what its
// column says is dropped, and counted in values.tally. One thread. Never fails. Memory: what was made since clear(), and up to 4 MiB of
// cells met before and what was put in their place. Source: 45 CFR 164.514(b)(2), (e)(2). Cost: bench/bench_deid_formats.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/csv.h"
#include "codec/words.h"
#include "deid/columns.h"
#include "deid/values.h"

namespace licet::deid {

class TableTransform {
 public:
  // `values` and `pieces` outlive it. `note`: called with each text that is read.
  TableTransform(std::vector<Column> columns, ValueContext& values, Pieces& pieces, Pieces::Note note = {});

  // That these come next: their codes are fetched from memory meanwhile. Changes nothing.
  void expect(std::span<const codec::CsvRecord> records);
  // Appends the record. Its cells stand side by side, as CsvReader(',') gives them. `ending`: where it has none.
  void apply(const codec::CsvRecord& record, std::string_view ending);
  [[nodiscard]] std::string_view made() const { return {made_.data(), size_}; }
  void clear() { size_ = 0; }

  // Whether nothing would be left; and whether dates can't be moved, since no column says whose they are.
  [[nodiscard]] bool drops_all() const;
  [[nodiscard]] bool lacks_patient() const { return shifts_ && !patient_; }

 private:
  // What is done with the cells of a column.
  struct Plan {
    enum class Do : std::uint8_t { copy, number, token, drop, text, value, remember } what = Do::drop;
    Kind kind = Kind::id;
    std::size_t memo = 0;  // of remember: where its part of memo_ begins
  };
  // A cell of up to sixteen bytes, by its words, and what was put in its place: a column has the same few again and again.
  struct Memo {
    std::uint64_t first = 0, last = 0;
    std::uint8_t size = 0, made = 0;  // size 0: nothing yet
    bool misfit = false;
    std::array<char, 45> text{};
    [[nodiscard]] bool of(const codec::KeyWords& w) const { return size == w.size && first == w.first && last == w.last; }
  };

  [[nodiscard]] Memo& memo(const Plan& plan, const codec::KeyWords& words);
  [[nodiscard]] bool stays(const Plan& plan, const codec::CsvCell& cell);
  void remembered(const Plan& plan, const codec::CsvCell& cell);
  void value(Kind kind, const codec::CsvCell& cell);
  void read_texts(const codec::CsvRecord& record);
  void room(std::size_t bytes);
  void put(std::string_view text);

  ValueContext& values_;
  Pieces& pieces_;
  Pieces::Note note_;
  std::vector<Column> columns_;
  std::vector<Plan> plans_;
  std::vector<Memo> memo_;
  unsigned memo_shift_ = 64;        // 64 less the bits of a column's part of memo_
  std::vector<std::size_t> coded_;  // columns
  std::vector<std::string_view> expected_;
  std::optional<std::size_t> patient_;
  bool shifts_ = false, reads_ = false;  // dates, with their patient; texts
  std::string scratch_, plain_;
  std::vector<char> made_;
  std::size_t size_ = 0;
};

}  // namespace licet::deid
