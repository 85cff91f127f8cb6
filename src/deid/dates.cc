#include "deid/dates.h"

#include <fmt/format.h>

#include "crypto/crypto.h"

namespace licet::deid {
namespace {

constexpr int kMostDays = 365;
constexpr int kGreatAge = 90;

bool digits(std::string_view text, std::size_t from, std::size_t count, int& value) {
  if (text.size() < from + count) return false;
  value = 0;
  for (std::size_t i = from; i < from + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  return true;
}

// "T09:30:00(.123)?(Z|+02:00)"
bool is_time(std::string_view text) {
  int h = 0, m = 0, s = 0;
  if (text.size() < 10 || text[0] != 'T' || !digits(text, 1, 2, h) || text[3] != ':' || !digits(text, 4, 2, m) || text[6] != ':' ||
      !digits(text, 7, 2, s) || h > 23 || m > 59 || s > 60)
    return false;
  std::size_t at = 9;
  if (text[at] == '.') {
    const std::size_t first = ++at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    if (at == first || at - first > 9) return false;
  }
  if (at == text.size()) return false;
  if (text[at] == 'Z') return at + 1 == text.size();
  return (text[at] == '+' || text[at] == '-') && text.size() == at + 6 && digits(text, at + 1, 2, h) && text[at + 3] == ':' &&
         digits(text, at + 4, 2, m) && h <= 14 && m <= 59;
}

std::chrono::year_month_day date_of(const FhirDate& d) {
  return {std::chrono::year(d.year), std::chrono::month(d.month), std::chrono::day(d.day)};
}

}  // namespace

std::optional<FhirDate> parse_fhir_date(std::string_view text) {
  FhirDate d;
  int month = 0, day = 0;
  if (!digits(text, 0, 4, d.year) || d.year == 0) return std::nullopt;
  if (text.size() == 4) return d;
  if (text[4] != '-' || !digits(text, 5, 2, month) || month < 1 || month > 12) return std::nullopt;
  d.month = static_cast<unsigned>(month);
  if (text.size() == 7) return d;
  if (text[7] != '-' || !digits(text, 8, 2, day) || day < 1) return std::nullopt;
  d.day = static_cast<unsigned>(day);
  if (!date_of(d).ok()) return std::nullopt;
  d.time = text.substr(10);
  if (!d.time.empty() && !is_time(d.time)) return std::nullopt;
  return d;
}

bool tells_of_great_age(int year, Date as_of) {
  return static_cast<int>(std::chrono::year_month_day(as_of).year()) - year >= kGreatAge;
}

std::string generalize_year(std::string_view text, Date as_of) {
  const auto d = parse_fhir_date(text);
  return d && !tells_of_great_age(d->year, as_of) ? std::string(text.substr(0, 4)) : std::string();
}

std::string shift(std::string_view text, int days) {
  const auto d = parse_fhir_date(text);
  // A part of a date has no day to move: its middle is moved, and the same part is told.
  if (!d) return {};
  FhirDate whole = *d;
  if (whole.month == 0) whole.month = 7, whole.day = 1;
  if (whole.day == 0) whole.day = 15;
  const std::chrono::year_month_day moved{std::chrono::sys_days(date_of(whole)) + std::chrono::days(days)};
  const int year = static_cast<int>(moved.year());
  if (year < 1 || year > 9999) return {};
  if (d->month == 0) return fmt::format("{:04}", year);
  if (d->day == 0) return fmt::format("{:04}-{:02}", year, static_cast<unsigned>(moved.month()));
  return fmt::format("{:04}-{:02}-{:02}{}", year, static_cast<unsigned>(moved.month()), static_cast<unsigned>(moved.day()), d->time);
}

int shift_of(std::span<const std::byte> key, std::string_view patient) {
  const Digest mac = crypto::hmac_sha256(key, as_bytes(patient));
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<std::uint64_t>(mac[i]);
  const int days = static_cast<int>(value % (2 * kMostDays));  // 0…729 → −365…−1, 1…365
  return days < kMostDays ? days - kMostDays : days - kMostDays + 1;
}

}  // namespace licet::deid
