// What `licet risk` found, for a machine (JSON) and for the person who signs (HTML for print, plots as SVG).
//
//   std::puts(risk::report_html(report).c_str());       risk::report_json(report)     // docs/risk.md names the members
//
// Pure; any thread; the same report, the same bytes. Of the data it holds names of columns and counts, never a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deid/risk/linkage.h"
#include "deid/risk/measure.h"
#include "deid/risk/search.h"

namespace licet::deid::risk {

struct Report {
  struct Input {
    std::string role, file, sha256;
    std::uint64_t bytes = 0, rows = 0;
  };
  struct Quasi {
    std::string name;
    std::uint64_t values = 0;  // different ones; 0 where the file was streamed
    std::string hierarchy;     // as given or guessed; "" where nothing was searched
    bool guessed = false;
    std::vector<std::string> labels;  // of its levels
  };
  struct Attack {
    std::string on;   // "the data as it is", "the data as generalized"
    std::string how;  // what was compared
    LinkageResult result;
  };
  std::string program, made;  // "licet 0.1.0"; the day
  std::string command;        // what was asked, without the program's name
  std::vector<Input> inputs;
  std::vector<Quasi> quasi;
  std::vector<std::string> sensitive, not_considered;
  double threshold = 0.09;
  bool streamed = false;
  std::uint64_t population_size = 0;  // as the user says; 0: not said
  Measures before;
  std::optional<PopulationEstimate> estimate, estimate_after;
  std::vector<Attack> attacks;
  std::optional<Target> target;
  bool met_as_is = false;
  std::optional<Found> found;
  double search_seconds = 0;
  std::optional<Measures> after;
  std::optional<Input> output;
};

[[nodiscard]] bool meets(const Measures& measures, const Target& target);
[[nodiscard]] std::string say(const Target& target);
// "2.17 %", "0 %"; never 0 % of something.
[[nodiscard]] std::string percent(double share);

// What the report says wherever it is printed.
inline constexpr const char* kNotice =
    "This is a measurement, not an expert determination. Whether the risk is very small is for a person with appropriate knowledge of and "
    "experience with generally accepted statistical and scientific principles and methods to determine and to document "
    "(45 CFR 164.514(b)(1)).";
[[nodiscard]] std::vector<std::string> assumptions(const Report& report);

[[nodiscard]] std::string report_json(const Report& report);
[[nodiscard]] std::string report_html(const Report& report);

}  // namespace licet::deid::risk
