#include "deid/risk/hierarchy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "base/csv.h"
#include "deid/risk/measure.h"

namespace licet::deid::risk {
namespace {

constexpr std::string_view kAny = "*";
constexpr std::size_t kLinesMost = 10'000'000;
constexpr double kPrefixMost = 1e6;  // characters

std::optional<unsigned> digits(std::string_view text) {
  unsigned value = 0;
  if (text.empty() || text.size() > 9) return std::nullopt;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

std::optional<Day> checked(std::optional<unsigned> year, std::optional<unsigned> month, std::optional<unsigned> day) {
  if (!year || !month || !day || *year < 1000 || *year > 9999 || *month > 12) return std::nullopt;
  if (*day > 0 && !(std::chrono::year(static_cast<int>(*year)) / std::chrono::month(*month) / std::chrono::day(*day)).ok())
    return std::nullopt;
  return Day{static_cast<int>(*year), *month, *day};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    out.push_back(text.substr(0, text.find(',')));
    text.remove_prefix(std::min(text.size(), out.back().size() + 1));
  }
  return out;
}

std::optional<unsigned> years_of(std::string_view label) {
  if (label == "year") return 1;
  return label.ends_with('y') ? digits(label.substr(0, label.size() - 1)) : std::nullopt;
}

}  // namespace

std::optional<Day> day_of(std::string_view text) {
  if (text.size() > 10 && (text[10] == 'T' || text[10] == ' ') && text[4] == '-') text = text.substr(0, 10);
  if (text.size() == 10 && text[4] == '-' && text[7] == '-')
    return checked(digits(text.substr(0, 4)), digits(text.substr(5, 2)), digits(text.substr(8)));
  if (text.size() == 8 && digits(text)) return checked(digits(text.substr(0, 4)), digits(text.substr(4, 2)), digits(text.substr(6)));
  if (text.size() == 7 && text[4] == '-') return checked(digits(text.substr(0, 4)), digits(text.substr(5)), 0);
  if (text.size() == 4) return checked(digits(text), 0, 0);
  const std::size_t first = text.find('/'), second = text.find('/', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  return checked(digits(text.substr(second + 1)), digits(text.substr(0, first)), digits(text.substr(first + 1, second - first - 1)));
}

std::optional<std::int64_t> serial_of(std::string_view text) {
  const auto day = day_of(text);
  if (!day || day->day == 0) return std::nullopt;
  return std::chrono::sys_days(std::chrono::year(day->year) / std::chrono::month(day->month) / std::chrono::day(day->day))
      .time_since_epoch()
      .count();
}

Result<Hierarchy> Hierarchy::parse(std::string_view spec) {
  Hierarchy out;
  const std::string_view kind = spec.substr(0, spec.find(':'));
  std::string_view rest = spec.substr(std::min(spec.size(), kind.size() + 1));
  const auto wrong = [&](std::string_view what) {
    return Error{Code::invalid_argument, "\"" + std::string(spec) + "\": " + std::string(what)};
  };
  if (kind == "any" || kind == "keep") {
    if (!rest.empty()) return wrong("takes no steps");
    out.kind_ = kind == "any" ? Kind::any : Kind::keep;
    return out;
  }
  if (kind == "date")
    out.kind_ = Kind::date;
  else if (kind == "prefix")
    out.kind_ = Kind::prefix;
  else if (kind == "number")
    out.kind_ = Kind::number;
  else
    return wrong("is none of date:…, prefix:…, number:…, any, keep, or a CSV file");
  for (const std::string_view step : split(rest)) {
    double width = 0;
    if (out.kind_ == Kind::date) {
      const auto years = years_of(step);
      if (step != "day" && step != "month" && step != "quarter" && (!years || *years == 0))
        return wrong("a step of a date is day, month, quarter, year, or a number of years such as 5y");
      width = years.value_or(0);
    } else if (out.kind_ == Kind::number && step.starts_with("top=")) {
      out.top_ = number_of(step.substr(4));
      if (!out.top_) return wrong("top= wants a number");
      continue;
    } else {
      const auto number = number_of(step);
      if (!number || *number <= 0 || (out.kind_ == Kind::prefix && (*number != std::floor(*number) || *number > kPrefixMost)))
        return wrong(out.kind_ == Kind::prefix ? "a step is a number of characters" : "a step is a width above 0");
      width = *number;
    }
    out.steps_.push_back({std::string(step), width});
  }
  if (out.steps_.empty()) return wrong("has no steps");
  return out;
}

Result<Hierarchy> Hierarchy::of_csv(std::string_view text) {
  Hierarchy out;
  out.kind_ = Kind::file;
  LICET_TRY(rows, csv_rows(text, guess_delimiter(text), kLinesMost));
  std::size_t steps = 0;
  for (std::size_t line = 0; line < rows.size(); ++line) {
    std::vector<std::string>& row = rows[line];
    if (row.size() == 1 && row[0].empty()) continue;
    if (steps == 0) steps = row.size();
    if (row.size() != steps || steps < 2)
      return Error{Code::invalid_argument,
                   fmt::format("line {}: {} fields; every line is value,step 1,step 2,…, all of one length", line + 1, row.size())};
    out.listed_.emplace(std::move(row[0]), std::vector<std::string>(row.begin() + 1, row.end()));
  }
  if (out.listed_.empty()) return Error{Code::invalid_argument, "holds no line"};
  bool ends_in_any = true;
  for (const auto& [value, up] : out.listed_) ends_in_any = ends_in_any && up.back() == kAny;
  if (ends_in_any) --steps;  // as ARX writes it; the last level is ours
  for (std::size_t i = 1; i < steps; ++i) out.steps_.push_back({fmt::format("step {}", i), 0});
  return out;
}

Hierarchy Hierarchy::guess(std::string_view name, const Dictionary& values) {
  const auto made = [](std::string_view spec) {
    auto out = parse(spec);
    return out ? *std::move(out) : Hierarchy{};
  };
  const std::string word = lower(name);
  std::size_t filled = 0, dates = 0, years = 0, numbers = 0, whole = 0;
  double least = HUGE_VAL, most = -HUGE_VAL;
  for (std::uint32_t code = 0; code < values.size(); ++code) {
    const std::string_view text = values.value(code);
    if (text.empty()) continue;
    ++filled;
    if (const auto day = day_of(text)) {
      ++dates;
      if (day->month == 0) ++years;
    }
    if (const auto number = number_of(text)) {
      ++numbers;
      if (*number == std::floor(*number)) ++whole;
      least = std::min(least, *number);
      most = std::max(most, *number);
    }
  }
  if (filled == 0) return made("any");
  if (word.find("zip") != std::string::npos || word.find("postal") != std::string::npos || word.find("postcode") != std::string::npos)
    return made("prefix:4,3,2,1");
  const bool says_year = word.find("year") != std::string::npos || word.find("birth") != std::string::npos || word == "yob";
  if (dates == filled && years == 0) return made("date:month,year,5y,10y");
  if (dates == filled && (years < filled || says_year)) return made("date:year,5y,10y");
  if (numbers == filled) {
    if (whole == filled && word.find("age") != std::string::npos && least >= 0 && most < 150) return made("number:5,10,20,top=90");
    const double range = most - least;
    if (range <= 0) return made("any");
    double width = std::pow(10, std::floor(std::log10(range / 16)));
    if (whole == filled) width = std::max(width, 1.0);
    return made(fmt::format("number:{0},{1},{2},{3}", width * 2, width * 4, width * 8, width * 16));
  }
  return made("any");
}

std::string Hierarchy::date(const Step& step, std::string_view value) const {
  const auto day = day_of(value);
  if (!day) return std::string(kAny);
  const std::string year = fmt::format("{:04}", day->year);  // what says less than the step asks for stays as it is
  const std::string month = day->month == 0 ? year : fmt::format("{}-{:02}", year, day->month);
  if (step.label == "day") return day->day == 0 ? month : fmt::format("{}-{:02}", month, day->day);
  if (step.label == "month") return month;
  if (step.label == "quarter") return day->month == 0 ? year : fmt::format("{}-Q{}", year, (day->month + 2) / 3);
  const int width = static_cast<int>(step.width), from = day->year - day->year % width;
  return width == 1 ? fmt::format("{:04}", from) : fmt::format("{:04}-{:04}", from, from + width - 1);
}

std::string Hierarchy::span(const Step& step, std::string_view value) const {
  const auto number = number_of(value);
  if (!number) return std::string(kAny);
  if (top_ && *number >= *top_) return fmt::format("{}+", *top_);
  const double from = std::floor(*number / step.width) * step.width;
  double to = from + step.width;
  if (top_) to = std::min(to, *top_);
  if (step.width == std::floor(step.width) && to == std::floor(to)) return fmt::format("{:.0f}-{:.0f}", from, to - 1);
  return fmt::format("[{}, {})", from, to);
}

std::string Hierarchy::apply(std::size_t level, std::string_view value) const {
  if (level == 0 || level >= levels()) return std::string(value);
  if (level > steps_.size()) return std::string(kAny);
  if (value.empty()) return {};
  const Step& step = steps_[level - 1];
  switch (kind_) {
    case Kind::date:
      return date(step, value);
    case Kind::prefix:
      return value.size() <= static_cast<std::size_t>(step.width)
                 ? std::string(value)
                 : std::string(value.substr(0, static_cast<std::size_t>(step.width))) + "*";
    case Kind::number:
      return span(step, value);
    case Kind::file: {
      const auto found = listed_.find(value);
      return found == listed_.end() ? std::string(kAny) : found->second[level - 1];
    }
    case Kind::any:
    case Kind::keep:
      return std::string(value);
  }
  return std::string(kAny);
}

std::string Hierarchy::label(std::size_t level) const {
  if (level == 0) return "as is";
  if (level > steps_.size()) return std::string(kAny);
  const Step& step = steps_[level - 1];
  switch (kind_) {
    case Kind::prefix:
      return fmt::format("first {}", step.width);
    case Kind::number:
      return fmt::format("spans of {}", step.width);
    case Kind::date:
      return step.width > 1 ? fmt::format("{:.0f} years", step.width) : step.label;
    case Kind::file:
    case Kind::any:
    case Kind::keep:
      return step.label;
  }
  return step.label;
}

std::string Hierarchy::spec() const {
  std::string out;
  switch (kind_) {
    case Kind::any:
      return "any";
    case Kind::keep:
      return "keep";
    case Kind::file:
      return "file";
    case Kind::date:
      out = "date:";
      break;
    case Kind::prefix:
      out = "prefix:";
      break;
    case Kind::number:
      out = "number:";
      break;
  }
  for (const Step& step : steps_) out += step.label + ",";
  if (top_) out += fmt::format("top={},", *top_);
  out.pop_back();
  return out;
}

Result<Ladder> ladder(const Column& column, Hierarchy hierarchy) {
  Ladder out{.hierarchy = std::move(hierarchy), .levels = {}};
  const std::uint32_t m = column.dictionary.size();
  std::vector<std::uint64_t> rows(m, 0);
  for (const std::uint32_t code : column.codes) ++rows[code];
  for (std::size_t level = 0; level < out.hierarchy.levels(); ++level) {
    Ladder::Level made;
    made.becomes.resize(m);
    std::vector<std::uint32_t> covers;
    for (std::uint32_t code = 0; code < m; ++code) {
      const std::uint32_t to = level == 0 ? code : made.values.code(out.hierarchy.apply(level, column.dictionary.value(code)));
      made.becomes[code] = to;
      if (to >= covers.size()) covers.resize(to + 1, 0);
      ++covers[to];
    }
    made.domain = static_cast<std::uint32_t>(covers.size());
    for (const std::uint32_t d : covers) made.cell.push_back(m < 2 ? 0 : static_cast<double>(d - 1) / static_cast<double>(m - 1));
    double sum = 0;
    for (std::uint32_t code = 0; code < m; ++code) sum += made.cell[made.becomes[code]] * static_cast<double>(rows[code]);
    made.mean = column.codes.empty() ? 0 : sum / static_cast<double>(column.codes.size());
    if (level > 0) {
      const Ladder::Level& below = out.levels.back();
      std::vector<std::uint32_t> up(below.domain, Dictionary::kNone);
      for (std::uint32_t code = 0; code < m; ++code) {
        std::uint32_t& to = up[below.becomes[code]];
        if (to != Dictionary::kNone && to != made.becomes[code])
          return Error{Code::invalid_argument,
                       fmt::format("{}: \"{}\" does not nest in \"{}\": each step must put whole groups of the step "
                                   "before it together (widths that divide one another)",
                                   column.name, out.hierarchy.label(level - 1), out.hierarchy.label(level))};
        to = made.becomes[code];
      }
    }
    out.levels.push_back(std::move(made));
  }
  return out;
}

}  // namespace licet::deid::risk
