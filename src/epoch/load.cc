#include "epoch/load.h"

#include <algorithm>
#include <future>

#include "crypto/crypto.h"

namespace licet::epoch {
namespace {

// licet.yaml is a node's configuration: it may lie beside the declaration, and is no part of it.
bool is_yaml(std::string_view name) {
  return (name.ends_with(".yaml") || name.ends_with(".yml")) && name != "licet.yaml";
}

constexpr int kDepthMost = 8;
// Folders of a declaration have no dot; anything else is not ours.
bool is_folder(std::string_view name) {
  return name.find('.') == std::string_view::npos;
}

Result<void> walk(store::FileSystem& files, const std::string& root, const std::string& below, int depth, std::size_t& left,
                  std::vector<stack::Source>& out) {
  if (depth > kDepthMost) return Error{Code::exhausted, root + ": folders nest deeper than 8"};
  LICET_TRY(names, files.list(below.empty() ? root : root + "/" + below));
  for (const std::string& name : names) {
    if (name.starts_with(".")) continue;
    const std::string path = below.empty() ? name : below + "/" + name;
    if (is_yaml(name)) {
      auto bytes = files.read_all(root + "/" + path, left);
      if (!bytes)
        return bytes.error().code == Code::exhausted ? Error{Code::exhausted, root + ": larger than the limit for a declaration"}
                                                     : bytes.error();
      left -= bytes->size();
      out.push_back({path, *std::move(bytes), layer_of(path)});
    } else if (is_folder(name)) {
      if (auto inner = walk(files, root, path, depth + 1, left, out); !inner && inner.error().code == Code::exhausted) return inner;
    }
  }
  return {};
}

}  // namespace

stack::Layer layer_of(std::string_view path) {
  if (path.starts_with("imported/")) return stack::Layer::imported;
  if (path.starts_with("decisions/")) return stack::Layer::decisions;
  return stack::Layer::authored;
}

bool is_source(std::string_view path) {
  for (int depth = 0;; ++depth) {
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) return depth <= kDepthMost && !path.starts_with(".") && is_yaml(path);
    if (!is_folder(path.substr(0, slash))) return false;
    path.remove_prefix(slash + 1);
  }
}

Result<std::vector<stack::Source>> read_sources(store::FileSystem& files, const std::string& folder, const Limits& limits) {
  std::vector<stack::Source> out;
  std::size_t left = limits.stack_bytes;
  LICET_TRY_VOID(walk(files, folder, "", 0, left, out));
  std::sort(out.begin(), out.end(), [](const stack::Source& a, const stack::Source& b) { return a.path < b.path; });
  if (out.empty())
    return Error{Code::not_found, folder + ": no *.yaml file in it; `licet init " + folder + "` makes a declaration to begin with"};
  return out;
}

Digest digest_of(std::span<const stack::Source> sources) {
  crypto::Sha256 hash;
  for (const stack::Source& s : sources) {
    hash.update(s.path);
    hash.update(std::string_view("\0", 1));
    hash.update(std::to_string(s.bytes.size()));
    hash.update(std::string_view("\0", 1));
    hash.update(s.bytes);
  }
  return hash.finish();
}

Result<std::vector<rules::Pack>> read_packs(store::FileSystem& files, const std::string& folder, std::span<const stack::PackRef> wanted,
                                            const Limits& limits) {
  std::vector<rules::Pack> packs;
  for (const stack::PackRef& ref : wanted) {
    auto sources = read_sources(files, folder + "/" + ref.id, limits);
    if (!sources) return Error{Code::not_found, "pack " + ref.id + ": not found below " + folder};
    auto pack = rules::load_pack(*sources);
    if (!pack) return Error{pack.error().code, "pack " + ref.id + ": " + pack.error().message};
    if (!ref.version.empty() && pack->info.version != ref.version)
      return Error{Code::not_found,
                   "pack " + ref.id + ": the declaration asks for version " + ref.version + ", " + folder + " has " + pack->info.version};
    pack->info.digest = digest_of(*sources);
    packs.push_back(*std::move(pack));
  }
  return packs;
}

Result<license::ClassMap> read_classes(store::FileSystem& files, const std::string& folder, const Limits& limits) {
  LICET_TRY(sources, read_sources(files, folder + "/classes", limits));
  return license::ClassMap::load(sources);
}

Result<World> assemble_sources(std::vector<stack::Source> sources, const std::string& packs, std::span<const stack::Fact> facts,
                               Micros as_of, store::FileSystem& files, const Limits& limits, std::span<const stack::PackRef> also) {
  World world;
  world.sources = std::move(sources);
  world.stack_digest = digest_of(world.sources);
  stack::Loaded loaded = stack::load(world.sources, limits);
  world.problems = std::move(loaded.problems);
  if (!loaded.stack) return world;
  world.stack = std::move(loaded.stack);
  world.stack->digest = world.stack_digest;
  std::vector<stack::PackRef> wanted = world.stack->packs;
  for (const stack::PackRef& ref : also)
    if (std::none_of(wanted.begin(), wanted.end(), [&](const stack::PackRef& w) { return w.id == ref.id; })) wanted.push_back(ref);
  // The packs are read while the declaration is put into its database.
  auto reading = std::async(std::launch::async, [&] { return read_packs(files, packs, wanted, limits); });
  const stack::Relations relations = stack::relations(*world.stack, facts);
  const auto read = [&]() -> Result<std::span<const rules::Pack>> {
    LICET_TRY(all, reading.get());
    world.packs = std::move(all);
    return std::span<const rules::Pack>(world.packs);
  };
  LICET_TRY(judgment, rules::judge(relations, read, world.stack->zone.day(as_of)));
  world.judgment = std::move(judgment);
  LICET_TRY(classes, read_classes(files, packs, limits));
  LICET_TRY(table, license::compile(*world.stack, world.judgment, std::move(classes)));
  world.table_digest = crypto::sha256(table.digest_text());
  world.table.emplace(std::move(table));
  return world;
}

Result<World> assemble(const Folders& folders, std::span<const stack::Fact> facts, Micros as_of, store::FileSystem& files,
                       const Limits& limits) {
  LICET_TRY(sources, read_sources(files, folders.stack, limits));
  return assemble_sources(std::move(sources), folders.packs, facts, as_of, files, limits);
}

}  // namespace licet::epoch
