#include "deid/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "deid/dates.h"

namespace licet::deid {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}
unsigned two(std::string_view t, std::size_t at) {
  return static_cast<unsigned>((t[at] - '0') * 10 + (t[at + 1] - '0'));
}
int four(std::string_view t, std::size_t at) {
  return static_cast<int>(two(t, at) * 100 + two(t, at + 2));
}
bool real(int year, unsigned month, unsigned day) {
  return year > 0 && std::chrono::year_month_day(std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)).ok();
}

// "OH", "39" (FIPS), "Ohio": what stays must be one, so that no name fits where it should be.
bool is_state(std::string_view text) {
  static const std::set<std::string, std::less<>> kNames = {"alabama",        "alaska",         "arizona",
                                                            "arkansas",       "california",     "colorado",
                                                            "connecticut",    "delaware",       "district of columbia",
                                                            "florida",        "georgia",        "guam",
                                                            "hawaii",         "idaho",          "illinois",
                                                            "indiana",        "iowa",           "kansas",
                                                            "kentucky",       "louisiana",      "maine",
                                                            "maryland",       "massachusetts",  "michigan",
                                                            "minnesota",      "mississippi",    "missouri",
                                                            "montana",        "nebraska",       "nevada",
                                                            "new hampshire",  "new jersey",     "new mexico",
                                                            "new york",       "north carolina", "north dakota",
                                                            "ohio",           "oklahoma",       "oregon",
                                                            "pennsylvania",   "puerto rico",    "rhode island",
                                                            "south carolina", "south dakota",   "tennessee",
                                                            "texas",          "utah",           "vermont",
                                                            "virginia",       "virgin islands", "washington",
                                                            "west virginia",  "wisconsin",      "wyoming"};
  return (text.size() <= 3 && is_token(text)) || kNames.contains(lower(text));
}
bool is_country(std::string_view text) {
  static const std::set<std::string, std::less<>> kNames = {"united states", "united states of america", "canada", "mexico", "u.s.a.",
                                                            "u.s."};
  return (text.size() <= 3 && is_token(text)) || kNames.contains(lower(text));
}

int days_of(ValueContext& c) {
  if (const auto at = c.shifts.find(c.patient); at != c.shifts.end()) return at->second;
  if (c.shifts.size() > 100'000) c.shifts.clear();
  return c.shifts.emplace(c.patient, shift_of(c.key, c.patient)).first->second;
}

void put_year(int year, Written written, std::string& out) {
  for (const int power : {1000, 100, 10, 1}) out += static_cast<char>('0' + year / power % 10);
  if (written == Written::compact_day) out += "0101";
}

// Year, month, day moved; a part of a date has no day, so its middle is moved and the same part told.
bool moved(int& year, unsigned& month, unsigned& day, int days) {
  const bool no_month = month == 0, no_day = day == 0;
  const std::chrono::year_month_day whole{std::chrono::year(year), std::chrono::month(no_month ? 7U : month),
                                          std::chrono::day(no_month ? 1U
                                                           : no_day ? 15U
                                                                    : day)};
  const std::chrono::year_month_day to{std::chrono::sys_days(whole) + std::chrono::days(days)};
  year = static_cast<int>(to.year());
  if (!no_month) month = static_cast<unsigned>(to.month());
  if (!no_day) day = static_cast<unsigned>(to.day());
  return year >= 1 && year <= 9999;
}

bool put_compact(std::string_view text, Written written, ValueContext& c, std::string& out) {
  const auto d = parse_compact_date(text);
  if (!d) return false;
  switch (c.profile.rule(Kind::date).act) {
    case Act::keep:
      out += text;
      return true;
    case Act::year:
      if (tells_of_great_age(d->year, c.as_of)) return false;
      put_year(d->year, written, out);
      return true;
    case Act::shift: {
      if (c.key.empty() || c.patient.empty()) return false;
      int year = d->year;
      unsigned month = d->month, day = d->day;
      if (!moved(year, month, day, days_of(c))) return false;
      put_year(year, Written::compact, out);
      if (month != 0) out += fmt::format("{:02}", month);
      if (day != 0) out += fmt::format("{:02}", day);
      out += d->rest;
      return true;
    }
    default:
      return false;
  }
}

bool put_compact_day(std::string_view text, ValueContext& c, std::string& out) {
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    const std::size_t before = out.size();
    if (put_compact_day(text.substr(0, dash), c, out)) {
      out += '-';
      if (put_compact_day(text.substr(dash + 1), c, out)) return true;
    }
    out.resize(before);
    return false;
  }
  if (!std::all_of(text.begin(), text.end(), digit)) return false;
  if (text.size() == 6) {  // YYMMDD, of ISA-09
    const std::string whole = (text[0] < '7' ? "20" : "19") + std::string(text);
    std::string made;
    if (!put_compact_day(whole, c, made)) return false;
    out += made.substr(2);
    return true;
  }
  if (text.size() != 8 && text.size() != 12) return false;
  const std::size_t before = out.size();
  if (!put_compact(text, Written::compact_day, c, out)) return false;
  if (text.size() == 12 && out.size() == before + 8) out += "0000";
  return true;
}

bool put_free(std::string_view text, ValueContext& c, std::string& out) {
  int year = 0;
  unsigned month = 0, day = 0;
  std::string_view rest;
  char mark = '-';
  std::size_t month_digits = 2, day_digits = 2;
  const auto clock = [](std::string_view t) {
    return std::all_of(t.begin(), t.end(), [](char x) { return digit(x) || std::string_view(" T:.+-ZAPMapm").find(x) < 13; });
  };
  if (text.size() >= 10 && digit(text[0]) && digit(text[1]) && digit(text[2]) && digit(text[3]) && (text[4] == '-' || text[4] == '/') &&
      text[7] == text[4] && digit(text[5]) && digit(text[6]) && digit(text[8]) && digit(text[9])) {
    mark = text[4];
    year = four(text, 0), month = two(text, 5), day = two(text, 8);
    rest = text.substr(10);
  } else if (const std::size_t first = text.find_first_of("/-"); first == 1 || first == 2) {
    // American: month, day, year of four digits. Two-digit years don't tell the century, and so may tell a great age.
    const std::size_t second = text.find(text[first], first + 1);
    if (second == std::string_view::npos || second - first < 2 || second - first > 3 || text.size() < second + 5) return false;
    mark = text[first] == '/' ? 'a' : 'd';
    for (std::size_t k = 0; k < second + 5; ++k)
      if (k != first && k != second && !digit(text[k])) return false;
    month_digits = first, day_digits = second - first - 1;
    for (std::size_t k = 0; k < first; ++k) month = month * 10 + static_cast<unsigned>(text[k] - '0');
    for (std::size_t k = first + 1; k < second; ++k) day = day * 10 + static_cast<unsigned>(text[k] - '0');
    year = four(text, second + 1);
    rest = text.substr(second + 5);
    if (!rest.empty() && digit(rest[0])) return false;
    if (month > 12 && day <= 12) return false;  // day first: who can say which of the others are
  } else {
    return put_compact(text, Written::compact, c, out);
  }
  if (!real(year, month, day) || rest.size() > 20 || !clock(rest)) return false;
  switch (c.profile.rule(Kind::date).act) {
    case Act::keep:
      out += text;
      return true;
    case Act::year:
      if (tells_of_great_age(year, c.as_of)) return false;
      put_year(year, Written::free, out);
      return true;
    case Act::shift: {
      if (c.key.empty() || c.patient.empty() || !moved(year, month, day, days_of(c))) return false;
      const auto part = [&](unsigned v, std::size_t digits) { out += digits == 1 ? fmt::format("{}", v) : fmt::format("{:02}", v); };
      if (mark == 'a' || mark == 'd') {
        const char put = mark == 'a' ? '/' : '-';
        part(month, month_digits), out += put, part(day, day_digits), out += put;
        put_year(year, Written::free, out);
      } else {
        put_year(year, Written::free, out);
        out += mark, part(month, 2), out += mark, part(day, 2);
      }
      out += rest;
      return true;
    }
    default:
      return false;
  }
}

// What a byte may be a part of; numbered: digits and dashes, as a date or telephone number.
enum : std::uint8_t { kOfToken = 1, kOfDecimal = 2, kOfNumbered = 4, kPoint = 8 };
constexpr auto kLook = [] {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&](std::string_view bytes, std::uint8_t as) {
    for (const char c : bytes) table[static_cast<unsigned char>(c)] |= as;
  };
  mark("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/|#+-%*[]{}()^", kOfToken);
  mark("0123456789.", kOfDecimal);
  mark("0123456789-", kOfNumbered);
  mark(".", kPoint);
  return table;
}();
std::uint8_t all_of(std::string_view text) {
  std::uint8_t all = 0xff;
  for (const char c : text) all &= kLook[static_cast<unsigned char>(c)];
  return all;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= 64 && (all_of(text) & kOfToken) != 0;
}

bool token_stays(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  const std::uint8_t all = all_of(text);
  return (all & kOfToken) != 0 && ((all & kOfNumbered) == 0 || !says_which(text, false));
}

bool number_stays(std::string_view text) {
  const std::string_view bare = !text.empty() && (text[0] == '-' || text[0] == '+') ? text.substr(1) : text;
  std::uint8_t all = 0xff;
  std::size_t points = 0;
  for (const char c : bare) {
    const std::uint8_t look = kLook[static_cast<unsigned char>(c)];
    all &= look;
    points += (look & kPoint) / kPoint;
  }
  return (all & kOfDecimal) != 0 && bare.size() <= 20 && points <= 1 && bare.size() > points && !says_which(text, false);
}

bool is_decimal(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.size() > 20) return false;
  std::size_t digits = 0, points = 0;
  for (const char c : text) {
    digits += digit(c);
    points += c == '.';
  }
  return digits > 0 && points <= 1 && digits + points == text.size();
}

bool says_which(std::string_view text, bool runs) {
  if (text.size() < 8 && !(runs && text.size() == 7)) return false;  // too short for any of them
  std::size_t run = 0, most = 0, digits = 0, dashes = 0;
  for (const char c : text) {
    run = digit(c) ? run + 1 : 0;
    most = std::max(most, run);
    digits += digit(c);
    dashes += c == '-';
  }
  if (runs && most >= 7) return true;
  if (dashes == 2 && most <= 4 && digits + dashes == text.size() && (digits == 9 || digits == 10)) return true;
  if (digits != text.size() || (digits != 8 && digits != 12 && digits != 14)) return false;
  const auto date = parse_compact_date(text);
  return date && date->year >= 1900 && date->year <= 2100;
}

std::optional<CompactDate> parse_compact_date(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && digit(text[digits])) ++digits;
  if (digits != 4 && digits != 6 && digits != 8 && digits != 10 && digits != 12 && digits != 14) return std::nullopt;
  CompactDate d;
  d.year = four(text, 0);
  if (digits >= 6) d.month = two(text, 4);
  if (digits >= 8) d.day = two(text, 6);
  if (d.year == 0 || !real(d.year, digits >= 6 ? d.month : 1, digits >= 8 ? d.day : 1)) return std::nullopt;
  d.rest = text.substr(std::min<std::size_t>(digits, 8));
  if ((digits >= 10 && two(text, 8) > 24) || (digits >= 12 && two(text, 10) > 59) || (digits >= 14 && two(text, 12) > 60))
    return std::nullopt;
  std::string_view tail = text.substr(digits);
  if (!tail.empty() && tail[0] == '.') {
    if (digits != 14) return std::nullopt;
    std::size_t k = 1;
    while (k < tail.size() && digit(tail[k])) ++k;
    if (k < 2 || k > 10) return std::nullopt;
    tail.remove_prefix(k);
  }
  if (tail.empty()) return d;
  if ((tail[0] != '+' && tail[0] != '-') || tail.size() != 5 || !std::all_of(tail.begin() + 1, tail.end(), digit)) return std::nullopt;
  return d;
}

bool put_value(Kind kind, std::string_view plain, Written written, ValueContext& c, std::string& out, bool family) {
  if (plain.empty()) return false;
  ++c.tally.kinds[static_cast<std::size_t>(kind)];
  if (kind == Kind::date) {
    const bool put = written == Written::compact       ? put_compact(plain, written, c, out)
                     : written == Written::compact_day ? put_compact_day(plain, c, out)
                                                       : put_free(plain, c, out);
    return put;
  }
  switch (c.profile.rule(kind).act) {
    case Act::keep:
      if ((kind == Kind::state && !is_state(plain)) || (kind == Kind::country && !is_country(plain))) {
        ++c.tally.misfit;
        return false;
      }
      out += plain;
      return true;
    case Act::code:
      out += c.codes.of(plain);
      return true;
    case Act::zip3: {
      const std::string area = c.library.zips.generalize(plain);
      out += area;
      return !area.empty();
    }
    case Act::age90: {
      if (!is_decimal(plain) || plain[0] == '-') return false;
      const std::string_view whole = plain.substr(0, plain.find('.'));
      std::size_t zeros = whole.find_first_not_of("+0");
      if (zeros == std::string_view::npos) zeros = whole.size();
      const std::string_view years = whole.substr(zeros);
      if (years.size() > 2 || (years.size() == 2 && years[0] == '9'))
        out += "90";
      else
        out += plain;
      return true;
    }
    case Act::surrogate: {
      if (c.key.empty()) return false;
      std::string which(1, static_cast<char>('0' + static_cast<int>(kind)));
      which.append(family ? "f" : "g").append(plain);
      if (const auto at = c.surrogates.find(which); at != c.surrogates.end()) {
        out += at->second;
        return true;
      }
      std::string made = surrogate(kind, plain, c.key, family);
      if (made.empty() || made[0] == '[') return false;  // a kind that has none
      out += made;
      if (c.surrogates.size() > 100'000) c.surrogates.clear();
      c.surrogates.emplace(std::move(which), std::move(made));
      return true;
    }
    case Act::drop:
    case Act::redact:  // a tag where a value belongs would be read as one
    case Act::shift:
    case Act::year:
    case Act::scrub:
      return false;
  }
  return false;
}

void Pieces::clear() {
  joined_.reveal().clear();
  ends_.clear();
}

std::size_t Pieces::add(std::string_view plain) {
  joined_.reveal().append(plain).append("\n");
  ends_.push_back(joined_.reveal().size() - 1);
  return ends_.size() - 1;
}

void Pieces::read(const Known& known, const TextContext& context, const Note& note) {
  const std::string_view all = joined_.reveal();
  std::vector<std::string>& made = made_.reveal();
  if (made.size() < ends_.size()) made.resize(ends_.size());
  engine_.find(all, known, found_);
  std::size_t begin = 0, next = 0;
  for (std::size_t piece = 0; piece < ends_.size(); ++piece) {
    const std::size_t end = ends_[piece];
    // What reaches over a border belongs to both sides of it.
    own_.clear();
    while (next < found_.spans.size() && found_.spans[next].end <= begin) ++next;
    for (std::size_t k = next; k < found_.spans.size() && found_.spans[k].start < end; ++k) {
      Span s = found_.spans[k];
      s.start = static_cast<std::uint32_t>(std::max<std::size_t>(s.start, begin) - begin);
      s.end = static_cast<std::uint32_t>(std::min<std::size_t>(s.end, end) - begin);
      if (s.end > s.start) own_.push_back(s);
    }
    const std::string_view text = all.substr(begin, end - begin);
    if (note) note(text, own_);
    made[piece].clear();
    transform_.apply(text, own_, context, made[piece]);
    begin = end + 1;
  }
}

}  // namespace licet::deid
