// Comma-separated values (RFC 4180; any one-byte delimiter) as they stream: records of cells, which are views of the bytes as they stand.
//
//   CsvReader reader(',', 16 << 20);
//   for (;;) {
//     while (const CsvRecord* r = reader.next()) { if (r->problem == nullptr) use(r->cells); }
//     if (reader.finished()) break;
//     const std::size_t got = read(reader.room(1 << 18));          // into the reader's own memory; feed() copies what is elsewhere
//     if (got > 0) reader.commit(got); else reader.finish();
//   }
//
// Lines end with LF, CRLF or CR, mixed; a byte order mark before the first is left out; a line without anything is a record of one empty
// cell. A record longer than `most`, or of more than 1,048,576 cells, is a problem. Of the longer ones: without a quote in it, reading goes
// on at the next line; inside a quote nobody can tell where the next record begins, and so the rest is one more problem (`lost`). One
// thread. Memory: one record, as much again, and one chunk. Input: untrusted; fuzzed by fuzz/fuzz_deid_formats.cc. A list that fits into
// memory is easier by base/csv.h, which writes cells, too.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/scan.h"

namespace licet::codec {

struct CsvCell {
  std::string_view raw;  // with its quotes
  bool quoted = false;   // has quotes around it
  bool doubled = false;  // and "" inside
  // What it says; `scratch` holds it where "" had to be undone.
  [[nodiscard]] std::string_view text(std::string& scratch) const { return quoted ? unquoted(scratch) : raw; }

 private:
  [[nodiscard]] std::string_view unquoted(std::string& scratch) const;
};
struct CsvRecord {
  std::uint64_t number = 0, offset = 0;  // from 1; of the stream
  std::span<const CsvCell> cells;
  std::string_view ending;        // "\r\n"
  const char* problem = nullptr;  // then cells mean nothing
  bool lost = false;              // and nothing behind it can be read
  [[nodiscard]] bool blank() const { return problem == nullptr && cells.size() == 1 && cells[0].raw.empty(); }
};

class CsvReader {
 public:
  // A quote inside a cell that has none around it (5" pipe): a problem of its record, for who else reads it may see another cell; or a
  // letter.
  enum class BareQuote : bool { refused, kept };

  CsvReader(char delimiter, std::size_t most, BareQuote bare = BareQuote::refused)
      : delimiter_(delimiter), bare_(bare), most_(most), marks_(delimiter, '"', '\n', '\r') {}

  // Where the next bytes go, at least so many. Ends the views that next() gave, as feed() does.
  [[nodiscard]] std::span<char> room(std::size_t size);
  void commit(std::size_t size);  // so many were put there
  void feed(std::string_view more);
  void finish() { finished_ = true; }
  [[nodiscard]] bool finished() const { return finished_; }

  // Until the next call of it, of room or of feed. null: more bytes are needed, or all has been given.
  [[nodiscard]] const CsvRecord* next();
  // The same of up to `most` at once, fewer where they are wide.
  [[nodiscard]] std::span<const CsvRecord> next(std::size_t most);

  // What is there and not read yet, to guess the delimiter from before the first record.
  [[nodiscard]] std::string_view ahead() const { return bytes().substr(at_); }
  void set_delimiter(char delimiter);

 private:
  [[nodiscard]] std::string_view bytes() const { return {buffer_.data(), filled_}; }
  [[nodiscard]] bool read(CsvRecord& r);
  [[nodiscard]] bool not_yet();

  char delimiter_;
  BareQuote bare_;
  std::size_t most_;
  std::vector<char> buffer_;
  std::size_t at_ = 0, filled_ = 0;
  std::uint64_t before_ = 0, number_ = 0;
  bool started_ = false, finished_ = false, lost_ = false, skipping_ = false;
  MarkScan marks_;  // of bytes()
  std::vector<CsvRecord> records_;
  std::vector<CsvCell> cells_;  // of all of them, one behind the other
  std::size_t used_ = 0;
};

}  // namespace licet::codec
