// From folders to a judged, compiled world: what `check`, `diff`, `serve` and `prove` all do first, in one place.
//
//   LICET_TRY(world, epoch::assemble({.stack = "examples/riverbend", .packs = "packs"}, facts, as_of, store::real_files()));
//   if (!world.table) print(world.problems);               // the declaration does not parse: nothing was judged
//
// Any thread. Errors: not_found (no such folder), invalid_argument (a pack), exhausted (limits). Problems of the declaration are a value.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "license/table.h"
#include "rules/rules.h"
#include "stack/stack.h"
#include "store/file.h"

namespace licet::epoch {

struct Folders {
  std::string stack;  // the declaration: every *.yaml and *.yml below it
  std::string packs;  // packs/: one folder per pack, and classes/
};

// The bytes of every YAML file below a folder, sorted by path (relative to it). Names with a leading dot, and folders
// with a dot in their name, are skipped.
[[nodiscard]] Result<std::vector<stack::Source>> read_sources(store::FileSystem& files, const std::string& folder, const Limits& limits);

// Is a path below the stack folder a file of the declaration? And the layer that its folder makes it.
[[nodiscard]] bool is_source(std::string_view path);
[[nodiscard]] stack::Layer layer_of(std::string_view path);

// Digest over (path, length, bytes) of the sources: names a declaration or a pack whatever folder it lies in.
[[nodiscard]] Digest digest_of(std::span<const stack::Source> sources);

// The packs that a declaration names, by id and version; an id without a version takes what is there.
[[nodiscard]] Result<std::vector<rules::Pack>> read_packs(store::FileSystem& files, const std::string& folder,
                                                          std::span<const stack::PackRef> wanted, const Limits& limits);
[[nodiscard]] Result<license::ClassMap> read_classes(store::FileSystem& files, const std::string& folder, const Limits& limits);

struct World {
  std::vector<stack::Source> sources;
  std::vector<stack::Problem> problems;  // not empty: stack, judgment and table are absent
  std::optional<stack::Stack> stack;
  std::vector<rules::Pack> packs;
  rules::Judgment judgment;
  std::optional<license::Table> table;
  Digest stack_digest{};
  Digest table_digest{};
};
[[nodiscard]] Result<World> assemble(const Folders& folders, std::span<const stack::Fact> facts, Micros as_of, store::FileSystem& files,
                                     const Limits& limits = {});
// The same from bytes that are already here (`diff` of two commits, `prove` from a snapshot). `also`: packs beyond those that the
// declaration names.
[[nodiscard]] Result<World> assemble_sources(std::vector<stack::Source> sources, const std::string& packs,
                                             std::span<const stack::Fact> facts, Micros as_of, store::FileSystem& files,
                                             const Limits& limits = {}, std::span<const stack::PackRef> also = {});

}  // namespace licet::epoch
