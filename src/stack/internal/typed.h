// From YAML trees to values that the schema typed; the first half of load().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "stack/schema.h"
#include "stack/stack.h"
#include "stack/yaml.h"

namespace licet::stack {

using Report = std::function<void(Place, std::string)>;

[[nodiscard]] bool is_id(std::string_view text);  // ^[a-z][a-z0-9_.-]{0,62}$

// What is wrong with a scalar of that type; empty: nothing. References are only checked for being ids.
[[nodiscard]] std::string wrong(const schema::Field& field, std::string_view text);

// The typed value of a document's or a nested map's fields. `where` for sentences: "a flow", "'terms' of an agreement".
[[nodiscard]] Value typed_map(std::span<const schema::Field> fields, const yaml::Node& node, std::string_view where, bool root,
                              const Report& report);

// How long a duration can last, in whole hours. Business days depend on the day they are counted from: the most is from a Friday (1bd is
// three days), the least from a Monday; holidays are not counted. nullopt: not a duration.
struct Span {
  std::int64_t least = 0, most = 0;
};
[[nodiscard]] std::optional<Span> hours(std::string_view duration);

}  // namespace licet::stack
