// Rows of a CSV (RFC 4180; any one-byte delimiter), read block by block.
//
//   CsvReader reader(',');
//   std::vector<std::string_view> row;
//   for (;;) {
//     const CsvReader::Next next = reader.next(row);            // views hold until the next call
//     if (next == CsvReader::Next::more) { read into reader.room(n); reader.commit(got); or reader.end(); }
//     ...
//   }
//
// Pure; one thread. A byte-order mark and lines without anything on them are passed over. Errors name the row, never what is in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace licet::deid::risk {

class CsvReader {
 public:
  static constexpr std::size_t kLongestRow = std::size_t{16} << 20;
  enum class Next { row, more, end, bad };

  explicit CsvReader(char delimiter) : delimiter_(delimiter) {}

  [[nodiscard]] std::span<char> room(std::size_t bytes);
  void commit(std::size_t bytes);
  void end() { ended_ = true; }
  void set_delimiter(char delimiter) { delimiter_ = delimiter; }  // before the first row

  [[nodiscard]] Next next(std::vector<std::string_view>& row);
  // The last row's number; the header is row 0.
  [[nodiscard]] std::uint64_t number() const { return number_ - 1; }
  // Why `bad`: "row 12: …".
  [[nodiscard]] const std::string& why() const { return why_; }
  // What is in the buffer and not read yet: to guess the delimiter from.
  [[nodiscard]] std::string_view ahead() const { return {buffer_.data() + at_, filled_ - at_}; }

 private:
  [[nodiscard]] Next bad(std::string_view what);

  char delimiter_;
  bool ended_ = false, begun_ = false;
  std::vector<char> buffer_;
  std::size_t at_ = 0, filled_ = 0;
  std::uint64_t number_ = 0;
  std::deque<std::string> unescaped_;
  std::string why_;
};

// The delimiter that a header seems to use: of , ; tab | the most frequent one outside quotes.
[[nodiscard]] char guess_delimiter(std::string_view header);

}  // namespace licet::deid::risk
