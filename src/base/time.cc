#include "base/time.h"

#include <fmt/format.h>
#include <unicode/calendar.h>
#include <unicode/gregocal.h>
#include <unicode/timezone.h>

#include <memory>

namespace licet {
namespace {

bool digits(std::string_view text, int& value) {
  value = 0;
  if (text.empty()) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  return true;
}

std::unique_ptr<icu::TimeZone> icu_zone(const std::string& name) {
  return std::unique_ptr<icu::TimeZone>(icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(name)));
}

}  // namespace

Result<Date> parse_date(std::string_view text) {
  int y = 0, m = 0, d = 0;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !digits(text.substr(0, 4), y) || !digits(text.substr(5, 2), m) ||
      !digits(text.substr(8, 2), d))
    return Error{Code::invalid_argument, "not a date: write YYYY-MM-DD"};
  const std::chrono::year_month_day ymd{std::chrono::year(y), std::chrono::month(static_cast<unsigned>(m)),
                                        std::chrono::day(static_cast<unsigned>(d))};
  if (!ymd.ok()) return Error{Code::invalid_argument, "no such day in the calendar"};
  return Date(ymd);
}

std::string format(Date date) {
  const std::chrono::year_month_day ymd(date);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()),
                     static_cast<unsigned>(ymd.day()));
}

std::string format(Micros time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  auto rest = (time - day).count();
  const auto us = rest % 1'000'000;
  rest /= 1'000'000;
  return fmt::format("{}T{:02}:{:02}:{:02}.{:06}Z", format(Date(day)), rest / 3600, rest / 60 % 60, rest % 60, us);
}

Result<Micros> parse_time(std::string_view text) {
  const Error bad{Code::invalid_argument, "not a time: write YYYY-MM-DDTHH:MM:SS[.ffffff]Z"};
  int h = 0, m = 0, s = 0, fraction = 0;
  if (text.size() < 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text.back() != 'Z') return bad;
  LICET_TRY(day, parse_date(text.substr(0, 10)));
  if (!digits(text.substr(11, 2), h) || !digits(text.substr(14, 2), m) || !digits(text.substr(17, 2), s) || h > 23 || m > 59 || s > 59)
    return bad;
  std::string_view tail = text.substr(19, text.size() - 20);
  if (!tail.empty()) {
    if (tail[0] != '.' || tail.size() > 7 || !digits(tail.substr(1), fraction)) return bad;
    for (std::size_t i = tail.size(); i < 7; ++i) fraction *= 10;
  }
  return Micros(day) + std::chrono::hours(h) + std::chrono::minutes(m) + std::chrono::seconds(s) + std::chrono::microseconds(fraction);
}

Micros SystemClock::now() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

Result<Zone> Zone::find(std::string_view name) {
  std::string text(name);
  const auto zone = icu_zone(text);
  if (!zone || *zone == icu::TimeZone::getUnknown())
    return Error{Code::not_found, "no such time zone: use an IANA name such as America/New_York"};
  return Zone(std::move(text));
}

Date Zone::day(Micros time) const {
  const auto zone = icu_zone(name_);
  std::int32_t raw = 0, dst = 0;
  UErrorCode status = U_ZERO_ERROR;
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
  zone->getOffset(static_cast<UDate>(ms), false, raw, dst, status);
  LICET_ASSERT(U_SUCCESS(status));
  return std::chrono::floor<std::chrono::days>(time + std::chrono::milliseconds(raw + dst));
}

Micros Zone::start(Date day) const {
  // Offsets change at most once a day: try both sides of local midnight and take the first instant whose day is right.
  Micros best = Micros(day) + std::chrono::hours(15);
  for (int minutes = -15 * 60; minutes <= 15 * 60; minutes += 15) {
    const Micros t = Micros(day) + std::chrono::minutes(minutes);
    if (this->day(t) == day) {
      best = t;
      break;
    }
  }
  return best;
}

}  // namespace licet
