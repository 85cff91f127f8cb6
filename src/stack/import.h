// From what other tools know to an imported layer of the declaration: systems, who runs them, and that something flows between them.
//
//   LICET_TRY(imported, stack::import("cyclonedx", bytes, {.owner = "riverbend"}));
//   write("imported/sbom.yaml", imported.yaml);                     // an authored document of the same id overrides it, field by field
//   for (const std::string& note : imported.notes) print(note);     // what a person has to say
//
// Never silently PHI, and never silently not: no other tool knows what is PHI under which purpose, so each flow comes as `unclassified` for
// the purpose `licet:unstated`. Neither is covered by any wildcard, so nothing passes on it, and check asks, until somebody writes the flow
// in their own layer. Values are taken from a fixed list of fields; what else a file holds (secrets in a Terraform state) is never copied.
//
// Pure; any thread; same bytes, same YAML. Input: untrusted; bounded by Limits::stack_bytes; fuzzed by fuzz/fuzz_import.cc.
// Errors: invalid_argument (not of that format; what is missing), exhausted. Formats: docs/formats/import.md.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace licet::stack {

struct ImportFormat {
  std::string_view name, says;
};
[[nodiscard]] std::span<const ImportFormat> import_formats();

struct ImportOptions {
  std::string owner;   // organization id: whose the systems are for which the file names nobody
  std::string source;  // what to call the file in the first line
};

struct Imported {
  std::string yaml;
  std::vector<std::string> notes;  // questions for a person: what was left open
  std::size_t organizations = 0, systems = 0, flows = 0;
};
[[nodiscard]] Result<Imported> import(std::string_view format, std::string_view bytes, const ImportOptions& options,
                                      const Limits& limits = {});

}  // namespace licet::stack
