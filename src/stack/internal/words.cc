#include "stack/internal/words.h"

#include <algorithm>
#include <array>

namespace licet::stack {
namespace {

constexpr std::size_t kLongest = 64;  // an id has at most 63 characters; longer words aren't typing errors

// Optimal string alignment in three rows.
std::size_t distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, kLongest + 1>;
  Row before{}, above{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return above[b.size()];
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, kLongest)) out += c >= ' ' && c <= '~' ? c : '?';
  if (text.size() > kLongest) out += "…";
  return out += '\'';
}

std::string_view nearest(std::string_view text, const std::vector<std::string_view>& names) {
  if (text.size() > kLongest) return {};
  std::string_view best;
  std::size_t least = std::clamp<std::size_t>(text.size() / 3, 1, 3) + 1;
  for (const std::string_view name : names) {
    const std::size_t apart = name.size() > text.size() ? name.size() - text.size() : text.size() - name.size();
    if (name.size() > kLongest || apart >= least) continue;
    if (const std::size_t d = distance(text, name); d < least) {
      least = d;
      best = name;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view text, const std::vector<std::string_view>& names) {
  const std::string_view name = nearest(text, names);
  return name.empty() ? std::string() : " (did you mean " + quoted(name) + "?)";
}

std::vector<std::string_view> split(std::string_view choices) {
  std::vector<std::string_view> out;
  while (!choices.empty()) {
    const std::size_t bar = choices.find('|');
    out.push_back(choices.substr(0, bar));
    choices = bar == std::string_view::npos ? std::string_view() : choices.substr(bar + 1);
  }
  return out;
}

std::string join(const std::vector<std::string_view>& names, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? last : std::string_view(", ");
    out += names[i];
  }
  return out;
}

std::string a(std::string_view noun) {
  const bool vowel = !noun.empty() && std::string_view("aeio").find(noun[0]) != std::string_view::npos;
  return (vowel ? "an " : "a ") + std::string(noun);
}

}  // namespace licet::stack
