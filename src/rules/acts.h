// What somebody could do about a finding, as data: packs/mends holds acts, each with what it changes and an estimate of its cost.
//
//   LICET_TRY(acts, rules::load_acts(files));
//   for (const rules::Mend& m : rules::possible(judgment, stack, acts, false)) print(m.cost, m.does);
//
// An act is found by the words of a finding's `mend`: "Set mode: enforce on {route}" finds the route, and its templates name it. What an
// act really settles is not said here: epoch/mends.h judges the changed declaration again. Grammar: docs/packs.md, "Acts".
//
// Pure; any thread; same arguments, same answer. Input of load_acts(): untrusted, bounded by stack/yaml.h. Errors: invalid_argument
// (file:line).
#pragma once

#include <cstdint>
#include <map>
#include <regex>
#include <span>
#include <string>
#include <vector>

#include "rules/rules.h"
#include "stack/stack.h"

namespace licet::rules {

struct Act {
  std::string id;
  std::regex words;                    // where in a `mend`
  std::vector<std::string> variables;  // its groups, in order
  std::string gather;                  // the variable whose values one act takes together
  std::string does, judgment, change;
  std::uint64_t cost = 1, each = 0;  // hours; and for each further one that is gathered
  std::vector<std::string> without;  // documents that go
  std::vector<std::string> drop;     // "ID FIELD": a field of a document that goes
  struct Record {
    std::string kind, subject, object;
    std::map<std::string, std::string> details;
  };
  std::vector<Record> records;
  std::string file;
  std::uint32_t line = 0;
};

// An act with its blanks filled in.
struct Mend {
  std::string act, does;
  std::string judgment;  // what a person must decide, or what is assumed; may be empty
  std::string change;    // documents laid over the declaration
  std::uint64_t cost = 1;
  std::vector<std::string> without, drop;
  std::vector<Act::Record> records;
};

[[nodiscard]] Result<std::vector<Act>> load_acts(std::span<const stack::Source> files);

// What could be done about what is amiss; each once, in the order in which findings name them.
[[nodiscard]] std::vector<Mend> possible(const Judgment& judgment, const stack::Stack& stack, std::span<const Act> acts, bool strict);

// The documents of several changes as one text: fields of one document are joined. Empty where two of them say different things of one
// field.
[[nodiscard]] std::optional<std::string> joined(std::span<const Mend* const> mends);

// A multi-document text less the documents with one of these ids, and less these fields ("ID FIELD") of those that stay.
[[nodiscard]] std::string less(std::string_view yaml, std::span<const std::string> ids, std::span<const std::string> fields = {});

}  // namespace licet::rules
