// How a column's values are made coarser, step by step, from "as is" to "*".
//
//   LICET_TRY(h, Hierarchy::parse("date:month,year,5y,10y"));
//   h.apply(2, "1979-03-14") == "1979";   h.levels() == 6;   h.label(2) == "year"
//
//   date:STEPS    of day, month, quarter, year, and Ny (spans of N years: 1975-1979)
//   prefix:STEPS  so many first characters: 3 makes 021* of 02139
//   number:STEPS  spans so wide, from multiples of it: 5 makes 40-44 of 42; top=90: what is at least that becomes 90+ in every step
//   any           as is, or *
//   keep          as is only
//   of_csv()      value,step 1,step 2,… a line, as ARX has it
//
// Level 0 is the value as is; the last one is "*" (but for keep). An empty value stays empty up to there; one that doesn't fit (no date, no
// number, not in the file) becomes "*" in every step. Pure, any thread. Errors: invalid_argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "deid/risk/table.h"

namespace licet::deid::risk {

struct Day {
  int year = 0;
  unsigned month = 0, day = 0;  // 0: not said
};
// 1979-03-14 (also with a time behind it), 19790314, 3/14/1979, 1979-03, 1979.
[[nodiscard]] std::optional<Day> day_of(std::string_view text);
// Days since 1970-01-01, for a full date.
[[nodiscard]] std::optional<std::int64_t> serial_of(std::string_view text);

class Hierarchy {
 public:
  [[nodiscard]] static Result<Hierarchy> parse(std::string_view spec);
  [[nodiscard]] static Result<Hierarchy> of_csv(std::string_view text);
  // What the column's name and values suggest.
  [[nodiscard]] static Hierarchy guess(std::string_view name, const Dictionary& values);

  [[nodiscard]] std::size_t levels() const { return 1 + steps_.size() + (kind_ == Kind::keep ? 0 : 1); }
  [[nodiscard]] std::string apply(std::size_t level, std::string_view value) const;
  [[nodiscard]] std::string label(std::size_t level) const;
  // As `parse` reads it; "file" for one of a file.
  [[nodiscard]] std::string spec() const;

 private:
  enum class Kind { date, prefix, number, file, any, keep };
  struct Step {
    std::string label;
    double width = 0;
  };
  [[nodiscard]] std::string date(const Step& step, std::string_view value) const;
  [[nodiscard]] std::string span(const Step& step, std::string_view value) const;
  Kind kind_ = Kind::any;
  std::vector<Step> steps_;
  std::optional<double> top_;
  std::map<std::string, std::vector<std::string>, std::less<>> listed_;
};

// A column's hierarchy over the values that occur: what each code becomes at each level, and what that loses.
//
// Loss: Iyengar's metric (LM) over values that occur: a cell that covers d of the column's m different values loses (d − 1) / (m − 1).
struct Ladder {
  struct Level {
    std::vector<std::uint32_t> becomes;  // code → code of `values`; of level 0: itself
    Dictionary values;                   // of level 0: empty, the column's own hold
    std::uint32_t domain = 0;
    std::vector<double> cell;  // by code of this level
    double mean = 0;           // over rows
  };
  Hierarchy hierarchy;
  std::vector<Level> levels;
};
// invalid_argument: two values that are one at a level are two above it.
[[nodiscard]] Result<Ladder> ladder(const Column& column, Hierarchy hierarchy);

}  // namespace licet::deid::risk
