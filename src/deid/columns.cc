#include "deid/columns.h"

#include <algorithm>

#include "deid/tokens.h"
#include "deid/values.h"

namespace licet::deid {
namespace {

constexpr std::array<std::string_view, 5> kWords = {"drop", "keep", "number", "token", "patient"};

bool digit(char c) {
  return c >= '0' && c <= '9';
}

// "DateOfBirth", "date_of_birth" → "date of birth"
std::string words_of(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool upper = c >= 'A' && c <= 'Z', letter = upper || (c >= 'a' && c <= 'z');
    if (!letter && !digit(c)) {
      if (!out.empty() && out.back() != ' ') out += ' ';
      continue;
    }
    if (upper && i > 0 && name[i - 1] >= 'a' && name[i - 1] <= 'z') out += ' ';
    out += static_cast<char>(upper ? c + 32 : c);
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

bool looks_like_date(std::string_view v) {
  const auto digits = std::count_if(v.begin(), v.end(), digit);
  if (v.size() >= 10 && v[4] == '-' && v[7] == '-' && digits >= 8) return true;
  if (const std::size_t slash = v.find('/'); (slash == 1 || slash == 2) && digits >= 6 && v.find('/', slash + 1) != std::string_view::npos)
    return true;
  return v.size() == 8 && digits == 8 && parse_compact_date(v).has_value() && (v.starts_with("19") || v.starts_with("20"));
}
bool looks_like_ssn(std::string_view v) {
  return v.size() == 11 && v[3] == '-' && v[6] == '-' && std::count_if(v.begin(), v.end(), digit) == 9;
}
bool looks_like_phone(std::string_view v) {
  const auto digits = std::count_if(v.begin(), v.end(), digit);
  return digits >= 10 && digits <= 15 && v.size() > static_cast<std::size_t>(digits) &&
         v.find_first_not_of("0123456789 ()-.+xext") == std::string_view::npos;
}
bool looks_like_zip(std::string_view v) {
  return (v.size() == 5 && std::all_of(v.begin(), v.end(), digit)) ||
         (v.size() == 10 && v[5] == '-' && std::count_if(v.begin(), v.end(), digit) == 9);
}
bool looks_like_ip(std::string_view v) {
  return v.size() >= 7 && v.size() <= 15 && std::count(v.begin(), v.end(), '.') == 3 &&
         v.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

std::string_view Column::word() const {
  return is == Is::identifier ? deid::name(kind) : kWords[static_cast<std::size_t>(is)];
}

Result<Column> column_of(std::string_view name, std::string_view word) {
  Column c;
  c.name = name;
  if (const auto at = std::find(kWords.begin(), kWords.end(), word); at != kWords.end()) {
    c.is = static_cast<Column::Is>(at - kWords.begin());
    return c;
  }
  const auto kind = kind_of(word);
  if (!kind)
    return Error{Code::invalid_argument,
                 "\"" + std::string(word) +
                     "\" is none of drop, keep, number, token, patient and the kinds of identifiers (name, date, zip, text …)"};
  c.is = Column::Is::identifier;
  c.kind = *kind;
  return c;
}

Result<std::vector<Column>> parse_columns(std::string_view text) {
  std::vector<Column> all;
  const auto trim = [](std::string_view t) {
    while (!t.empty() && (t.front() == ' ' || t.front() == '\t')) t.remove_prefix(1);
    while (!t.empty() && (t.back() == ' ' || t.back() == '\t' || t.back() == '\r')) t.remove_suffix(1);
    return t;
  };
  const bool lines = text.find('\n') != std::string_view::npos;
  const char mark = lines ? '\n' : ',';
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find(mark));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    // The word behind the last '=' before a comment; names may hold anything else.
    line = trim(line);
    if (line.empty() || (lines && line.front() == '#')) continue;
    const std::size_t equals = lines ? line.rfind(" = ", line.find("  #")) : line.find('=');
    const std::size_t wide = lines ? 3 : 1;
    const std::string where = lines ? "line " + std::to_string(number) : "entry " + std::to_string(number);
    if (equals == std::string_view::npos) return Error{Code::invalid_argument, where + " is not NAME" + (lines ? " = " : "=") + "KIND"};
    std::string_view word = trim(line.substr(equals + wide));
    word = word.substr(0, word.find_first_of(" \t#"));
    auto made = column_of(trim(line.substr(0, equals)), word);
    if (!made) return Error{Code::invalid_argument, where + ": " + made.error().message};
    all.push_back(*std::move(made));
  }
  return all;
}

ColumnGuesser::ColumnGuesser(const Library& library, const Lexicon& lexicon, std::vector<std::string> header)
    : library_(library), lexicon_(lexicon), header_(std::move(header)), seen_(header_.size()) {}

void ColumnGuesser::see(std::size_t column, std::string_view v) {
  Seen& s = seen_[column];
  if (v.empty()) return;
  ++s.values;
  if (s.different.size() < 1000 && !s.different.contains(v)) s.different.emplace(v);
  s.dates += looks_like_date(v);
  s.decimals += is_decimal(v);
  s.tokens += is_token(v);
  s.ssns += looks_like_ssn(v);
  s.phones += looks_like_phone(v);
  s.zips += looks_like_zip(v);
  s.ips += looks_like_ip(v);
  s.urls += v.starts_with("http://") || v.starts_with("https://");
  const std::size_t at = v.find('@');
  s.emails += at != std::string_view::npos && at > 0 && v.find('.', at) != std::string_view::npos && v.find(' ') == std::string_view::npos;
  std::vector<Token> tokens;
  tokenize(v.substr(0, 4096), tokens);
  std::uint64_t words = 0, names = 0;
  for (const Token& t : tokens) {
    if (!t.word() || t.size() < 2) continue;
    ++words;
    const std::uint8_t bits = lexicon_.bits(t.hash);
    names += t.look != Look::lower && (bits & (kFirst | kLast)) != 0 && (bits & (kCommon | kClinical)) == 0;
  }
  s.words += words;
  s.texts += words >= 4 || v.find('\n') != std::string_view::npos;
  s.names += words > 0 && names * 2 >= words;
}

std::vector<Column> ColumnGuesser::columns() const {
  std::vector<Column> all;
  for (std::size_t n = 0; n < header_.size(); ++n) {
    const Seen& s = seen_[n];
    const auto most = [&](std::uint64_t count) { return s.values > 0 && count * 10 >= s.values * 9; };
    const auto of = [&](std::uint64_t count, const char* what) {
      return std::to_string(count) + " of " + std::to_string(s.values) + " values " + what;
    };
    // By its name: the longest of the listed names that it is or ends with.
    const std::string words = words_of(header_[n]);
    std::string_view by_name;
    std::size_t longest = 0;
    for (const auto& [listed, word] : library_.columns) {
      const bool ends =
          words == listed || (words.size() > listed.size() && words.ends_with(listed) && words[words.size() - listed.size() - 1] == ' ');
      if (ends && listed.size() > longest) longest = listed.size(), by_name = word;
    }
    // By its values: the kinds whose form tells them.
    std::string_view by_value;
    std::string seen;
    const auto tell = [&](bool yes, std::string_view word, std::uint64_t count, const char* what) {
      if (!yes || !by_value.empty()) return;
      by_value = word;
      seen = of(count, what);
    };
    tell(most(s.emails), "email", s.emails, "are mail addresses");
    tell(most(s.ssns), "ssn", s.ssns, "look like social security numbers");
    tell(most(s.urls), "url", s.urls, "are addresses of the web");
    tell(most(s.ips), "ip", s.ips, "look like IP addresses");
    tell(most(s.dates), "date", s.dates, "look like dates");
    tell(most(s.phones), "phone", s.phones, "look like telephone numbers");
    tell(s.values > 0 && s.texts * 10 >= s.values, "text", s.texts, "are several words");
    tell(s.values > 0 && s.names * 2 >= s.values, "name", s.names, "look like names");

    std::string_view word;
    std::string why;
    if (!by_name.empty()) {
      word = by_name;
      why = "its name";
      const bool harmless = word == "number" || word == "token";
      if (harmless && !by_value.empty()) {
        word = by_value;
        why = "its name says " + std::string(by_name) + ", but " + seen;
      } else if ((word == "number" && !most(s.decimals)) || (word == "token" && !most(s.tokens))) {
        word = s.values == 0 ? word : most(s.tokens) ? std::string_view("token") : std::string_view("text");
        why += "; " + of(s.tokens, "are single words");
      } else if (word == by_value) {
        why += "; " + seen;
      }
    } else if (!by_value.empty()) {
      word = by_value;
      why = seen;
    } else if (s.values == 0) {
      word = "drop";
      why = "no name that is known, and no values";
    } else if (most(s.decimals)) {
      const bool unique = s.values >= 20 && s.different.size() * 10 >= std::min<std::uint64_t>(s.values, 1000) * 9;
      const bool whole =
          std::none_of(s.different.begin(), s.different.end(), [](const std::string& v) { return v.find('.') != std::string::npos; });
      word = unique && whole ? "id" : "number";
      why = unique && whole ? "whole numbers, each another: they may say which" : of(s.decimals, "are numbers");
    } else if (most(s.tokens)) {
      const bool few = s.different.size() <= 50 && s.different.size() * 5 <= s.values;
      word = few ? "token" : "id";
      why = std::to_string(s.different.size()) + (few ? " different words: codes" : " different words: they may say which");
    } else {
      word = "drop";
      why = "nothing says what it is";
    }
    auto made = column_of(header_[n], word);
    Column c = made ? *std::move(made) : Column{.name = header_[n]};
    c.why = std::move(why);
    all.push_back(std::move(c));
  }
  return all;
}

}  // namespace licet::deid
