// Somebody else's list of what is asked (an audit protocol), row by row: which rules of the packs look at it, or why none does.
//
//   LICET_TRY(walk, rules::load_crosswalk({path, bytes}));          // packs/crosswalks/ocr-audit-protocol-2016.yaml
//   for (const auto& row : walk.rows) print(row.section, row.by, row.outside);
//
// Pure; any thread. Input: untrusted; bounded by the YAML reader. Errors: invalid_argument, with file:line. Format: docs/packs.md.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "stack/stack.h"

namespace licet::rules {

struct Crosswalk {
  struct Row {
    std::string audit, section, activity;
    std::vector<std::string> by;  // ids of requirements, grounds and prohibitions; or
    std::string outside;          // why nothing here looks at it
    std::uint32_t line = 0;
  };
  std::string id, title, source;
  std::vector<Row> rows;
};
[[nodiscard]] Result<Crosswalk> load_crosswalk(const stack::Source& source);

}  // namespace licet::rules
