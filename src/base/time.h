// Time: microseconds UTC everywhere inside, calendar dates for the law, and the one Clock that hands out "now".
//
// Micros is what the ledger stores. Date is a calendar day without a zone; a declaration's dates are read in its own time zone (zone.h).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace licet {

using Micros = std::chrono::sys_time<std::chrono::microseconds>;
using Date = std::chrono::sys_days;

[[nodiscard]] constexpr std::int64_t count(Micros t) {
  return t.time_since_epoch().count();
}
[[nodiscard]] constexpr Micros micros(std::int64_t us) {
  return Micros(std::chrono::microseconds(us));
}

// "2026-01-05", strictly; impossible dates (2026-02-30) are invalid_argument.
[[nodiscard]] Result<Date> parse_date(std::string_view text);
[[nodiscard]] std::string format(Date date);
// "2026-01-05T09:30:00.123456Z"; and the reverse, which also takes fewer fraction digits (none to six).
[[nodiscard]] std::string format(Micros time);
[[nodiscard]] Result<Micros> parse_time(std::string_view text);

// Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Micros now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Micros now() const override;
};

// For tests: stands still until told otherwise.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Micros now) : now_(count(now)) {}
  [[nodiscard]] Micros now() const override { return micros(now_.load()); }
  void set(Micros now) { now_.store(count(now)); }
  void advance(std::chrono::microseconds by) { now_.fetch_add(by.count()); }

 private:
  std::atomic<std::int64_t> now_;
};

// A time zone by its IANA name (ICU; libstdc++ 12 has none). Copyable, any thread.
//   LICET_TRY(zone, Zone::find("America/New_York"));
class Zone {
 public:
  // not_found: no such zone.
  [[nodiscard]] static Result<Zone> find(std::string_view name);
  [[nodiscard]] static Zone utc() { return Zone("Etc/UTC"); }
  // The calendar day that it is there at that instant.
  [[nodiscard]] Date day(Micros time) const;
  // The instant at which that day begins there (the first one, where clocks jump).
  [[nodiscard]] Micros start(Date day) const;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  explicit Zone(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

}  // namespace licet
