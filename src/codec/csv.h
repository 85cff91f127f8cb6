// Comma-separated values (RFC 4180) as they stream: records of cells, which are views of the bytes as they stand.
//
//   CsvReader reader(',', 16 << 20);
//   reader.feed(chunk);
//   while (const CsvRecord* r = reader.next()) { if (r->problem == nullptr) use(r->cells); }     // then reader.finish() and once more
//
// Lines end with LF, CRLF or CR LF mixed; a byte order mark before the first is left out. A record longer than `most` is a problem: without
// a quote in it, reading goes on at the next line; inside a quote nobody can tell where the next record begins, and so the rest is one more
// problem (`lost`). One thread. Memory: one record and one chunk. Input: untrusted; fuzzed by fuzz/fuzz_deid_formats.cc.
#pragma once

#include <cstdint>
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
  std::vector<CsvCell> cells;
  std::string_view ending;        // "\r\n"
  const char* problem = nullptr;  // then cells mean nothing
  bool lost = false;              // and nothing behind it can be read
};

class CsvReader {
 public:
  CsvReader(char delimiter, std::size_t most) : delimiter_(delimiter), most_(most), marks_(delimiter, '"', '\n', '\r') {}
  void feed(std::string_view bytes);
  void finish() { finished_ = true; }
  // Until the next call of feed or next. null: feed more, or all has been given.
  [[nodiscard]] const CsvRecord* next();

 private:
  char delimiter_;
  std::size_t most_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::uint64_t before_ = 0, number_ = 0;
  bool started_ = false, finished_ = false, lost_ = false, skipping_ = false;
  MarkScan marks_;  // of buffer_
  CsvRecord record_;
};

}  // namespace licet::codec
