#include "codec/internal/r4.h"

#include <algorithm>
#include <array>
#include <cstdint>
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

// Types by open addressing: every reference of every resource asks for one.
class TypeIndex {
 public:
  consteval TypeIndex() {
    for (std::size_t n = 0; n < std::size(kTypes); ++n) {
      std::size_t at = place(kTypes[n].name);
      while (slots_[at] != 0) at = (at + 1) % kSlots;
      slots_[at] = static_cast<std::uint8_t>(n + 1);
    }
  }
  [[nodiscard]] const R4Type* find(std::string_view name) const {
    for (std::size_t at = place(name); slots_[at] != 0; at = (at + 1) % kSlots)
      if (kTypes[slots_[at] - 1].name == name) return &kTypes[slots_[at] - 1];
    return nullptr;
  }

 private:
  static constexpr std::size_t kSlots = 1024;
  static_assert(std::size(kTypes) < 255);
  static constexpr std::size_t place(std::string_view name) {
    if (name.empty()) return 0;
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(name[i])); };
    const std::uint32_t mixed =
        static_cast<std::uint32_t>(name.size()) | byte(0) << 8 | byte(name.size() / 2) << 16 | byte(name.size() - 1) << 24;
    return mixed * 0x9e3779b1U >> 22;
  }
  std::array<std::uint8_t, kSlots> slots_{};
};
constexpr TypeIndex kIndex;

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
  return kIndex.find(name);
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
