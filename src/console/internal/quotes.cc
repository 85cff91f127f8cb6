#include "console/internal/quotes.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace licet::console {
namespace {

constexpr std::size_t kMostText = 1024 * 1024, kMostQuote = 4096, kMostTries = 40'000;

bool space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!space(c))
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

// Behind "12. ", "1.12 ", "(a) ", "- " at a line's begin.
std::size_t behind_mark(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && end - at < 8 && !space(text[end])) ++end;
  const std::string_view mark = text.substr(at, end - at);
  const bool number = mark.find('.') != std::string_view::npos && mark.find_first_not_of("0123456789.") == std::string_view::npos;
  const bool marks = !mark.empty() && (number || mark.back() == '.' || mark.back() == ')' || mark == "-" || mark == "*");
  if (!marks) return at;
  while (end < text.size() && text[end] == ' ') ++end;
  return end;
}

}  // namespace

std::map<std::string, std::string> quotes(std::string_view text, const std::set<std::string>& wanted) {
  std::map<std::string, std::string> out;
  if (wanted.empty()) return out;
  text = text.substr(0, kMostText);
  std::vector<std::size_t> begins, ends;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool line = i == 0 || text[i - 1] == '\n';
    if (line && !space(text[i])) {
      begins.push_back(i);
      if (const std::size_t behind = behind_mark(text, i); behind != i) begins.push_back(behind);
    }
    const bool after = i >= 2 && space(text[i - 1]) && (text[i - 2] == '.' || text[i - 2] == ';' || text[i - 2] == ':');
    if (after && !line && !space(text[i])) begins.push_back(i);
    if (text[i] == '.' || text[i] == ';') ends.push_back(i + 1);
    if (text[i] == '\n' || (text[i] == '[' && i > 0 && space(text[i - 1]))) ends.push_back(i);
  }
  ends.push_back(text.size());
  std::size_t tries = 0;
  for (const std::size_t begin : begins) {
    for (auto end = std::upper_bound(ends.begin(), ends.end(), begin); end != ends.end() && *end - begin <= kMostQuote; ++end) {
      std::string_view raw = text.substr(begin, *end - begin);
      while (!raw.empty() && space(raw.back())) raw.remove_suffix(1);
      if (raw.empty() || raw.find("\n\n") != std::string_view::npos || ++tries > kMostTries) break;
      for (const std::string& said : {std::string(raw), one_line(raw)}) {
        std::string digest = hex(crypto::sha256(said));
        if (wanted.contains(digest)) out.try_emplace(std::move(digest), one_line(said));
      }
      if (out.size() == wanted.size()) return out;
    }
    if (tries > kMostTries) break;
  }
  return out;
}

}  // namespace licet::console
