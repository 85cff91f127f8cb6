#include "reader/internal/head.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace licet::reader {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string_view trim(std::string_view s) {
  constexpr std::string_view kEdge = " \t\r\n\f*_#,.;:\"";
  const std::size_t from = s.find_first_not_of(kEdge);
  if (from == std::string_view::npos) return {};
  return s.substr(from, s.find_last_not_of(kEdge) - from + 1);
}

// A date at `at`: January 5, 2026 · 5 January 2026 · 2026-01-05 · 1/5/2026 (as month first). Nothing else is guessed at.
std::optional<std::string> date_at(std::string_view s, std::size_t at) {
  const auto number = [&](std::size_t& i, std::size_t most) -> std::optional<unsigned> {
    std::size_t from = i;
    unsigned value = 0;
    while (i < s.size() && digit(s[i]) && i - from < most) value = value * 10 + static_cast<unsigned>(s[i++] - '0');
    if (i == from || (i < s.size() && digit(s[i]))) return std::nullopt;
    return value;
  };
  const auto blank = [&](std::size_t& i) {
    while (i < s.size() && (s[i] == ' ' || s[i] == ',' || s[i] == '\n')) ++i;
  };
  const auto month = [&](std::size_t& i) -> std::optional<unsigned> {
    constexpr std::array kMonths = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
    std::string word;
    while (i < s.size() && letter(s[i]) && word.size() < 10) word += lower(s[i++]);
    if (word.size() < 3) return std::nullopt;
    for (unsigned m = 0; m < kMonths.size(); ++m)
      if (word.starts_with(kMonths[m])) {
        if (i < s.size() && s[i] == '.') ++i;
        return m + 1;
      }
    return std::nullopt;
  };
  const auto made = [](unsigned y, unsigned m, unsigned d) -> std::optional<std::string> {
    if (y < 1990 || y > 2100 || m < 1 || m > 12 || d < 1 || d > 31) return std::nullopt;
    return fmt::format("{:04}-{:02}-{:02}", y, m, d);
  };
  std::size_t i = at;
  if (i < s.size() && digit(s[i])) {
    auto a = number(i, 4);
    if (!a || i >= s.size()) return std::nullopt;
    if ((s[i] == '-' || s[i] == '/') && i + 1 < s.size() && digit(s[i + 1])) {
      const char sep = s[i++];
      auto b = number(i, 2);
      if (!b || i + 1 >= s.size() || s[i] != sep) return std::nullopt;
      ++i;
      auto c = number(i, 4);
      if (!c) return std::nullopt;
      return *a > 1000 ? made(*a, *b, *c) : made(*c < 100 ? *c + 2000 : *c, *a, *b);
    }
    if (s.substr(i, 2) == "st" || s.substr(i, 2) == "nd" || s.substr(i, 2) == "rd" || s.substr(i, 2) == "th") i += 2;
    blank(i);
    if (s.substr(i, 7) == "day of ") i += 7;
    auto m = month(i);
    if (!m) return std::nullopt;
    blank(i);
    auto y = number(i, 4);
    return y ? made(*y, *m, *a) : std::nullopt;
  }
  auto m = month(i);
  if (!m) return std::nullopt;
  blank(i);
  auto d = number(i, 2);
  if (!d) return std::nullopt;
  if (s.substr(i, 2) == "st" || s.substr(i, 2) == "nd" || s.substr(i, 2) == "rd" || s.substr(i, 2) == "th") i += 2;
  blank(i);
  auto y = number(i, 4);
  return y ? made(*y, *m, *d) : std::nullopt;
}

// The first date within `within` bytes behind `at`.
std::optional<std::string> date_after(std::string_view s, std::size_t at, std::size_t within) {
  for (std::size_t i = at; i < std::min(s.size(), at + within); ++i) {
    if (i > 0 && (letter(s[i - 1]) || digit(s[i - 1]))) continue;
    if (auto d = date_at(s, i)) return d;
  }
  return std::nullopt;
}

// "Cedar Valley Clinic, P.C.", and neither "WHEREAS, the Practice" nor half a sentence: most words are capitalized.
bool is_name(std::string_view s) {
  if (s.size() < 3 || s.size() > 100 || !(s[0] >= 'A' && s[0] <= 'Z') || s.find("__") != std::string_view::npos ||
      s.find_first_of("[]*\"<>{}|") != std::string_view::npos)
    return false;
  std::size_t words = 0, small = 0;
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t to = std::min(s.find(' ', at), s.size());
    const std::string_view word = s.substr(at, to - at);
    if (!word.empty()) {
      ++words;
      const bool link = word == "of" || word == "the" || word == "and" || word == "for" || word == "d/b/a" || word == "dba" || word == "at";
      small += !link && word[0] >= 'a' && word[0] <= 'z';
      static constexpr std::array kNever = {"WHEREAS",  "WHEREAS,", "If",   "Whereas,", "When", "This", "In",  "Covered",
                                            "Business", "The",      "Your", "You",      "Each", "Any",  "Upon"};
      if (words == 1 && std::find(kNever.begin(), kNever.end(), word) != kNever.end()) return false;
    }
    at = to + 1;
  }
  return small == 0 || (words >= 4 && small * 4 <= words);
}

// The name before a parenthesis: back to "between", "and", a line's beginning or a sentence's end.
std::string name_before(std::string_view s, std::size_t at) {
  std::size_t from = at > 160 ? at - 160 : 0;
  std::string_view part = trim(s.substr(from, at - from));  // first, or the full stop of "Inc. (" would end a sentence
  for (const std::string_view stop :
       {" between ", " between:\n", " BETWEEN ", " and ", " AND ", ". ", "\n\n", ") ", ", on behalf of ", " by ", "Between "})
    if (const std::size_t cut = part.rfind(stop); cut != std::string_view::npos) part.remove_prefix(cut + stop.size());
  part = trim(part);
  while (part.starts_with(":") || part.starts_with(")")) part = trim(part.substr(1));
  // "ABC Clinic, a Delaware corporation with its office at …": the name is what comes before the comma.
  for (const std::string_view stop :
       {", a ", ", an ", ", with ", ", having ", ", located ", ", whose ", ", its ", " with its ", " located ", ", on its"})
    if (const std::size_t cut = part.find(stop); cut != std::string_view::npos) part = part.substr(0, cut);
  std::string out;
  for (const char c : trim(part)) {
    if (c == '\n' || c == '\t' || c == '\r' || c == '\f') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else if (!(c == ' ' && !out.empty() && out.back() == ' ')) {
      out += c;
    }
  }
  return is_name(out) ? out : std::string();
}

}  // namespace

void head(std::string_view text, Reading& reading) {
  if (reading.kind == Kind::not_an_agreement) return;
  const std::string_view top = text.substr(0, std::min<std::size_t>(text.size(), 12'000));
  std::string folded(text.substr(0, std::min<std::size_t>(text.size(), 400'000)));
  std::transform(folded.begin(), folded.end(), folded.begin(), lower);

  struct Called {
    std::string_view words, role;
  };
  static constexpr std::array<Called, 2> kCalled{{{"covered entity", "covered-entity"}, {"business associate", "business-associate"}}};
  for (const Called& c : kCalled) {
    std::string name;
    for (std::size_t at = folded.find(c.words); at != std::string::npos && at < top.size() && name.empty();
         at = folded.find(c.words, at + 1)) {
      // X ("Business Associate"), X (hereinafter "Customer" or "Covered Entity")
      const std::size_t open = folded.rfind('(', at);
      if (open != std::string::npos && at - open < 60 && folded.substr(open, at - open).find(')') == std::string::npos)
        name = name_before(top, open);
      const std::string_view behind = std::string_view(folded).substr(at + c.words.size(), 40);
      // Business Associate: X, a Delaware corporation
      std::size_t colon = behind.find_first_not_of("*_) ");
      if (name.empty() && colon != std::string_view::npos && behind[colon] == ':' &&
          (at == 0 || top[at - 1] == '\n' || top[at - 1] == '*')) {
        const std::size_t from = top.find_first_not_of(":*_ ", at + c.words.size() + colon);
        if (from != std::string_view::npos && from < top.size()) {
          std::string_view line = top.substr(from, std::min(top.find_first_of("\n(", from) - from, std::size_t{100}));
          for (const std::string_view stop : {", a ", ", an ", " ("})
            if (const std::size_t cut = line.find(stop); cut != std::string_view::npos) line = line.substr(0, cut);
          if (line = trim(line); is_name(line)) name = std::string(line);
        }
      }
      // "Business Associate" (shall) mean(s) X
      for (const std::string_view verb : {" means ", " shall mean ", " is "})
        if (const std::size_t v = behind.find(verb); name.empty() && v != std::string_view::npos && v < 6) {
          std::size_t from = at + c.words.size() + v + verb.size();
          const std::size_t to = std::min({top.find_first_of(".,;(\n", from), from + 80, top.size()});
          if (from < to && (folded.substr(from, 4) == "the " || (top[from] >= 'A' && top[from] <= 'Z')) &&
              folded.substr(from, 9) != "the party")
            name = std::string(trim(top.substr(from, to - from)));
        }
    }
    // X is the Business Associate
    for (const std::string_view verb : {" is the ", " is a ", " as the ", " as a "})
      if (const std::size_t at = folded.find(fmt::format("{}{}", verb, c.words));
          name.empty() && at != std::string::npos && at < top.size())
        name = name_before(top, at);
    if (is_name(name)) reading.parties.push_back({std::move(name), std::string(c.role)});
  }

  struct Dated {
    const char* key;
    std::string_view words;
    std::size_t within;
  };
  static constexpr std::array<Dated, 16> kDated{{{"effective", "effective date", 60},
                                                 {"effective", "effective as of", 40},
                                                 {"effective", "entered into as of", 40},
                                                 {"effective", "made and entered into", 60},
                                                 {"effective", "effective on", 30},
                                                 {"effective", "commence on", 30},
                                                 {"effective", "is entered into", 50},
                                                 {"effective", "dated as of", 30},
                                                 {"expires", "expire on", 30},
                                                 {"expires", "expires on", 30},
                                                 {"expires", "shall terminate on", 30},
                                                 {"expires", "expiration date", 40},
                                                 {"expires", "continue until", 30},
                                                 {"signed", "date signed", 30},
                                                 {"signed", "signed on", 30},
                                                 {"signed", "\ndate:", 40}}};
  for (const Dated& d : kDated) {
    if (reading.dates.contains(d.key)) continue;
    for (std::size_t at = folded.find(d.words); at != std::string::npos && !reading.dates.contains(d.key);
         at = folded.find(d.words, at + 1))
      if (auto date = date_after(std::string_view(text).substr(0, folded.size()), at + d.words.size(), d.within))
        reading.dates[d.key] = *date;
  }
  if (!reading.dates.contains("signed"))
    reading.notes.push_back("no date of signature was found: whether it is signed is for a person to see");
}

}  // namespace licet::reader
