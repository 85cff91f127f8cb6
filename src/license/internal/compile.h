// The parts of compile(): what permits and grounds say, as sets of ids.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "license/internal/table.h"

namespace licet::license {

using ClassSet = std::vector<bool>;
using Ids = std::vector<std::uint32_t>;  // sorted, unique

constexpr std::size_t kActions = 6;
constexpr std::uint32_t kNever = 1u << 31;  // a condition that this program doesn't know: never met

// What a permit allows for one action.
struct What {
  bool allowed = false;
  ClassSet classes;
  std::uint32_t listed = kNone;  // the view of its elements; none: it lists none
  std::uint32_t whole = kNone;   // the view of `view: full`: its types whole; none: everything
};

struct Permit {
  const stack::Document* doc = nullptr;
  enum class To : std::uint8_t { system, role, person, individual } to = To::system;
  std::uint32_t holder = kNone;  // system or person
  Ids through, purposes, regions;
  std::array<What, kActions> what;
  bool full = false;
  bool plain = false;  // data classes only: on a route that doesn't speak FHIR they are what is necessary
  bool deidentify = false, hold = false;
  Form form = Form::identified;
  std::uint8_t whose = 0;
  std::uint32_t conditions = 0;
  int panel_days = 0;
  std::optional<Date> from, until;
};

struct GroundRow {
  const rules::Ground* ground = nullptr;
  ClassSet classes;
  Ids purposes, regions;
  Form form = Form::none;
  std::uint8_t whose = 0;
  std::uint32_t named = kNone, conditions = 0;
  bool honors_full = false;  // `view: full` of a permit counts
  bool care = false;
};

// One ground after the findings: whether it carries, and until when at most.
struct Standing {
  const rules::Finding* blocked = nullptr;
  std::optional<Date> last;              // last day, where a finding gives grace
  const rules::Finding* ends = nullptr;  // that finding
};

[[nodiscard]] std::string digest_text(const Table::Inside& in);

}  // namespace licet::license
