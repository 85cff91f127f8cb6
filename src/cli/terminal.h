// What people see: tables that fit the terminal, color where there is one, and errors that say what to do next.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace licet::cli {

// Exit codes of every verb (docs/cli.md): 0 clean · 1 the answer is no · 2 could not load, judge or reach.
inline constexpr int kClean = 0, kNo = 1, kFailed = 2;

enum class Paint { none, red, yellow, green, blue, dim, bold };
// Wraps in color where stdout is a terminal and NO_COLOR is not set.
[[nodiscard]] std::string paint(Paint paint, std::string_view text);
[[nodiscard]] bool is_terminal();

// Columns padded to their widest cell; the last one is wrapped at the terminal's width. Cells may hold paint.
void print_table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows);

// Prints "licet: message" to stderr; returns kFailed.
int fail(const Error& error);
int fail(std::string_view message);

}  // namespace licet::cli
