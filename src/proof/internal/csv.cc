#include "proof/internal/csv.h"

namespace licet::proof {

std::string csv_cell(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  const bool formula = first != std::string_view::npos && std::string_view("=+-@\t\r\n").find(text[first]) != std::string_view::npos;
  const bool quote =
      text.find_first_of(",\"\r\n") != std::string_view::npos || (!text.empty() && (text.front() == ' ' || text.back() == ' '));
  if (!formula && !quote) return std::string(text);
  std::string out = "\"";
  if (formula) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
  return out;
}

void Csv::row(std::initializer_list<std::string_view> cells) {
  bool first = true;
  for (const std::string_view cell : cells) {
    if (!first) out_ += ',';
    first = false;
    out_ += csv_cell(cell);
  }
  out_ += "\r\n";
}

}  // namespace licet::proof
