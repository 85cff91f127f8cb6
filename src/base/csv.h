// CSV (RFC 4180) of a size that fits into memory: a list out of a spreadsheet. What streams is codec/csv.h.
//
//   LICET_TRY(rows, csv_rows("name,note\nAda,\"a, b\"\n", ',', 1000));      // {{"name", "note"}, {"Ada", "a, b"}}
//   put_csv("a, b", ',', line);                                             // appends "a, b" with its quotes
//
// A byte order mark is passed over; lines end with LF or CRLF; a line without anything is a row of one empty cell.
// Errors: invalid_argument (a quote that is not closed; names the row, never what is in it), exhausted (more rows than `most`).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace licet {

[[nodiscard]] Result<std::vector<std::vector<std::string>>> csv_rows(std::string_view bytes, char delimiter, std::size_t most);
// The delimiter that a first line seems to use: of , ; tab | the most frequent outside quotes.
[[nodiscard]] char guess_delimiter(std::string_view head);
// Appends a cell, with quotes where it needs them.
void put_csv(std::string_view text, char delimiter, std::string& out);

}  // namespace licet
