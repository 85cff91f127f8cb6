// Columns as dictionaries and codes, and rows that agree in some columns as classes.
//
//   Table table({"birth", "zip", "sex"});
//   table.add(fields);
//   const Classes classes = classes_of(table, {}, {0, 1, 2});        // classes.sizes, classes.of_row
//
// Pure; one thread. Memory: four bytes a cell, and each different value once. Exact: classes never rest on a hash alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace licet::deid::risk {

// Not for adversarial input: a fast hash of short strings.
[[nodiscard]] std::uint64_t hash_of(std::string_view text);

// Strings to codes 0, 1, 2 … in order of their first appearance.
class Dictionary {
 public:
  [[nodiscard]] std::uint32_t code(std::string_view value);        // adds it where it is new
  [[nodiscard]] std::uint32_t find(std::string_view value) const;  // kNone where there is none
  [[nodiscard]] std::string_view value(std::uint32_t code) const;
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(ends_.size()); }
  [[nodiscard]] std::size_t bytes() const;
  static constexpr std::uint32_t kNone = 0xffffffff;

 private:
  struct Slot {
    std::uint32_t code = kNone, tag = 0;
  };
  [[nodiscard]] std::size_t seek(std::string_view value, std::uint64_t hash) const;
  void grow();
  std::vector<Slot> slots_;
  std::vector<char> text_;
  std::vector<std::uint64_t> ends_;
};

// 64-bit keys to ids 0, 1, 2 … in order of their first appearance.
class Ids {
 public:
  Ids() { slots_.resize(1024); }
  [[nodiscard]] std::uint32_t id(std::uint64_t key);
  [[nodiscard]] std::uint32_t find(std::uint64_t key) const { return slots_[seek(key)].id; }
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t id = Dictionary::kNone;
  };
  [[nodiscard]] std::size_t seek(std::uint64_t key) const;
  void grow();
  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

struct Column {
  std::string name;
  Dictionary dictionary;
  std::vector<std::uint32_t> codes;
  [[nodiscard]] std::string_view value(std::size_t row) const { return dictionary.value(codes[row]); }
};

struct Table {
  Table() = default;
  explicit Table(std::span<const std::string> names) {
    for (const std::string& name : names) columns.push_back({.name = name, .dictionary = {}, .codes = {}});
  }
  void add(std::span<const std::string_view> fields) {
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].codes.push_back(columns[i].dictionary.code(fields[i]));
    ++rows;
  }
  [[nodiscard]] std::size_t bytes() const;

  std::vector<Column> columns;
  std::size_t rows = 0;
};

struct Classes {
  std::vector<std::uint32_t> of_row, sizes, first;  // first: a row of each class
};

// One column of a grouping: codes, what each becomes (empty: itself), and how many different ones there are at most.
struct Part {
  std::span<const std::uint32_t> codes, becomes;
  std::uint32_t domain = 0;
};
// Groups `rows` rows, or where `at` is given those of `at` alone; `weights`: how much each counts (1).
[[nodiscard]] Classes group(std::span<const Part> parts, std::size_t rows, std::span<const std::uint32_t> at = {},
                            std::span<const std::uint32_t> weights = {});

[[nodiscard]] Classes classes_of(const Table& table, std::span<const std::size_t> columns);

}  // namespace licet::deid::risk
