// What FHIR R4 says of its types, as tables: modifier elements, choice elements, the patient compartment, search parameters.
//
// Made from HL7's definitions (make_r4_tables.py); never edited. Immutable, any thread. Lists are separated by spaces.
#pragma once

#include <array>
#include <string_view>
#include <vector>

namespace licet::codec::internal {

struct R4Type {
  std::string_view name;
  std::string_view modifiers;    // top-level modifier elements that are a code or flag
  std::string_view withheld;     // top-level modifier elements that carry more than that
  std::string_view nested;       // modifier codes and flags further down, as paths
  std::string_view choices;      // "value:Quantity,String component.value:*": choice elements by path
  std::string_view compartment;  // paths of the patient compartment; `!`: the element that says whose record it is
};

struct R4Search {
  std::string_view type, parameter;
  std::string_view paths;    // elements it looks at
  std::string_view targets;  // of references; "*": any
};

// Null: not an R4 type.
[[nodiscard]] const R4Type* find_type(std::string_view name);
[[nodiscard]] const R4Search* find_search(std::string_view type, std::string_view parameter);

// A compartment path, taken apart once.
struct CompartmentPath {
  std::array<std::string_view, 3> keys;
  std::size_t length = 0;
  bool primary = false;
};
[[nodiscard]] const std::vector<CompartmentPath>& compartment_of(const R4Type& type);

// Calls f(word) for each word of a list.
template <class F>
void each_word(std::string_view list, F&& f, char separator = ' ') {
  while (!list.empty()) {
    const std::size_t end = list.find(separator);
    if (end != 0) f(list.substr(0, end));
    if (end == std::string_view::npos) break;
    list.remove_prefix(end + 1);
  }
}

}  // namespace licet::codec::internal
