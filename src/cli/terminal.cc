#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace licet::cli {
namespace {

// Visible width: bytes that begin a UTF-8 character, without escape sequences.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\033') {
      while (i < text.size() && text[i] != 'm') ++i;
      continue;
    }
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) ++width;
  }
  return width;
}

std::size_t terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 160;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (text.size() > width) {
    std::size_t cut = text.rfind(' ', width);
    if (cut == std::string_view::npos || cut < width / 3) cut = width;
    lines.emplace_back(text.substr(0, cut));
    text.remove_prefix(cut);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  lines.emplace_back(text);
  return lines;
}

}  // namespace

bool is_terminal() {
  return isatty(STDOUT_FILENO) == 1;
}

std::string paint(Paint paint, std::string_view text) {
  static const bool color = is_terminal() && std::getenv("NO_COLOR") == nullptr;
  if (!color || paint == Paint::none) return std::string(text);
  const char* code = "0";
  switch (paint) {
    case Paint::none:
      break;
    case Paint::red:
      code = "31";
      break;
    case Paint::yellow:
      code = "33";
      break;
    case Paint::green:
      code = "32";
      break;
    case Paint::blue:
      code = "36";
      break;
    case Paint::dim:
      code = "2";
      break;
    case Paint::bold:
      code = "1";
      break;
  }
  return fmt::format("\033[{}m{}\033[0m", code, text);
}

void print_table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(head.size());
  for (std::size_t i = 0; i < head.size(); ++i) widths[i] = width_of(head[i]);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::size_t before_last = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) before_last += widths[i] + 2;
  const std::size_t room =
      !is_terminal() ? std::string::npos / 2 : std::max<std::size_t>(40, terminal_width() - std::min(terminal_width() - 40, before_last));
  const auto line = [&](const std::vector<std::string>& row, bool is_head) {
    std::string out;
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
      out += (is_head ? paint(Paint::bold, row[i]) : row[i]) + std::string(widths[i] - width_of(row[i]) + 2, ' ');
    const auto last = wrap(row.back(), room);
    out += is_head ? paint(Paint::bold, last[0]) : last[0];
    for (std::size_t i = 1; i < last.size(); ++i) out += "\n" + std::string(before_last, ' ') + last[i];
    fmt::print("{}\n", out);
  };
  line(head, true);
  for (const auto& row : rows) line(row, false);
}

int fail(std::string_view message) {
  fmt::print(stderr, "licet: {}\n", message);
  return kFailed;
}
int fail(const Error& error) {
  return fail(error.message.empty() ? std::string_view(name(error.code)) : std::string_view(error.message));
}

}  // namespace licet::cli
