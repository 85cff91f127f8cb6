// Pages made for print: one style, no script, nothing from outside; plots as SVG. Every text is escaped here.
//
//   page("Findings", "As of 2026-11-25", table("Every verdict", {"status", "subject"}, rows))
//   bars("Findings by state", {{"fail", 3}, {"pass", 90}});      // <figure><svg>…
//
// Pure; any thread. The policy of such a page (kPrintPolicy) allows its own style and nothing else.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace licet::console {

[[nodiscard]] std::string page(std::string_view title, std::string_view lead, std::string_view body);
[[nodiscard]] const std::string& print_policy();  // Content-Security-Policy

using Row = std::vector<std::string>;
[[nodiscard]] std::string table(std::string_view caption, const Row& head, const std::vector<Row>& rows);
[[nodiscard]] std::string paragraph(std::string_view text, std::string_view of_class = {});
[[nodiscard]] std::string heading(std::string_view text);
// Horizontal bars with their numbers; color by the state's name where it is one.
[[nodiscard]] std::string bars(std::string_view caption, const std::vector<std::pair<std::string, std::uint64_t>>& values);
// When things end: a line of days from `from` to `to`, a mark for each, with its name.
struct Mark {
  std::string name;
  Date day{};
  bool past = false;
};
[[nodiscard]] std::string timeline(std::string_view caption, Date from, Date to, const std::vector<Mark>& marks);

}  // namespace licet::console
