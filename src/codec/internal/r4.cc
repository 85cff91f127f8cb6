#include "codec/internal/r4.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace licet::codec::internal {
namespace {

#include "codec/internal/r4_tables.inc"

constexpr bool by_name(const R4Type& a, const R4Type& b) {
  return a.name < b.name;
}
constexpr bool by_parameter(const R4Search& a, const R4Search& b) {
  return a.type != b.type ? a.type < b.type : a.parameter < b.parameter;
}
static_assert(std::is_sorted(std::begin(kTypes), std::end(kTypes), by_name));

std::vector<std::vector<CompartmentPath>> take_apart() {
  std::vector<std::vector<CompartmentPath>> all;
  for (const R4Type& type : kTypes) {
    std::vector<CompartmentPath>& paths = all.emplace_back();
    each_word(type.compartment, [&](std::string_view word) {
      CompartmentPath path;
      path.primary = word.starts_with('!');
      if (path.primary) word.remove_prefix(1);
      each_word(
          word, [&](std::string_view key) { path.keys.at(path.length++) = key; }, '.');
      paths.push_back(path);
    });
  }
  return all;
}

}  // namespace

const R4Type* find_type(std::string_view name) {
  const auto* at =
      std::lower_bound(std::begin(kTypes), std::end(kTypes), name, [](const R4Type& t, std::string_view n) { return t.name < n; });
  return at != std::end(kTypes) && at->name == name ? at : nullptr;
}

const R4Search* find_search(std::string_view type, std::string_view parameter) {
  const R4Search key{type, parameter, {}, {}};
  const auto* at = std::lower_bound(std::begin(kSearch), std::end(kSearch), key, by_parameter);
  return at != std::end(kSearch) && at->type == type && at->parameter == parameter ? at : nullptr;
}

const std::vector<CompartmentPath>& compartment_of(const R4Type& type) {
  static const std::vector<std::vector<CompartmentPath>> all = take_apart();
  return all[static_cast<std::size_t>(&type - kTypes)];
}

}  // namespace licet::codec::internal
