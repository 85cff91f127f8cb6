// The tables that follow from ledger entries alone. prove writes them; verify writes them again from the entries and compares byte for byte.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/time.h"

namespace licet::proof {

struct Included {
  std::uint64_t index = 0;
  std::string json;  // the leaf's bytes, as they are in the log
};

struct LeafTables {
  std::string exchanges;  // a row for each leg, part and outcome of an exchange in the period
  std::string refusals;   // what was refused or held, and why
  std::string tools;      // who touched which class through what, why, under which agreement: counts, first, last
  std::uint64_t rows = 0, refused = 0, inside = 0;  // inside: entries of the period
};

// Entries outside from..to (exclusive) carry no row: fences and epochs.
[[nodiscard]] LeafTables leaf_tables(std::span<const Included> entries, Micros from, Micros to);

}  // namespace licet::proof
