// Pages for people in a bundle: one style, no script, nothing from outside, good on paper.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace licet::proof {

// `body` is HTML already.
[[nodiscard]] std::string html_page(std::string_view title, std::string_view body);
// Cells are text and are escaped here. The first column names the row.
[[nodiscard]] std::string html_table(std::string_view caption, const std::vector<std::string>& head,
                                     const std::vector<std::vector<std::string>>& rows);

}  // namespace licet::proof
