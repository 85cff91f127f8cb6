// CSV as RFC 4180 has it (CRLF, quotes where needed), with every cell defended against spreadsheets that would run it as a formula.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace licet::proof {

// A cell whose first visible character is one of = + - @ (or a tab or CR) gets an apostrophe in front: OWASP "CSV Injection".
[[nodiscard]] std::string csv_cell(std::string_view text);

class Csv {
 public:
  explicit Csv(std::initializer_list<std::string_view> head) { row(head); }
  void row(std::initializer_list<std::string_view> cells);
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace licet::proof
