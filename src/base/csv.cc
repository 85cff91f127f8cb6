#include "base/csv.h"

#include <algorithm>
#include <array>

namespace licet {

Result<std::vector<std::vector<std::string>>> csv_rows(std::string_view bytes, char delimiter, std::size_t most) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  std::vector<std::vector<std::string>> rows;
  bool quoted = false, in_row = false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (!in_row) {
      if (rows.size() >= most) return Error{Code::exhausted, "more than " + std::to_string(most) + " rows"};
      rows.push_back({""});
      in_row = true;
    }
    const char c = bytes[i];
    std::string& cell = rows.back().back();
    if (quoted) {
      if (c != '"')
        cell += c;
      else if (i + 1 < bytes.size() && bytes[i + 1] == '"')
        cell += bytes[++i];
      else
        quoted = false;
    } else if (c == '"' && cell.empty()) {
      quoted = true;
    } else if (c == delimiter) {
      rows.back().emplace_back();
    } else if (c == '\n') {
      in_row = false;
    } else if (c != '\r') {
      cell += c;
    }
  }
  if (quoted) return Error{Code::invalid_argument, "row " + std::to_string(rows.size()) + ": a quote is not closed"};
  return rows;
}

char guess_delimiter(std::string_view head) {
  constexpr std::string_view candidates = ",;\t|";
  std::array<std::size_t, candidates.size()> seen{};
  bool quoted = false;
  for (const char c : head) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == '\n' || c == '\r')) break;
    if (const std::size_t which = candidates.find(c); !quoted && which != std::string_view::npos) ++seen[which];
  }
  return candidates[static_cast<std::size_t>(std::max_element(seen.begin(), seen.end()) - seen.begin())];
}

void put_csv(std::string_view text, char delimiter, std::string& out) {
  const std::array<char, 4> marks = {delimiter, '"', '\r', '\n'};
  if (text.find_first_of(std::string_view(marks.data(), marks.size())) == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace licet
