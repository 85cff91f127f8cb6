// Strict YAML: libyaml's events built into trees of scalars, lists and maps, each with its place.
//
//   yaml::Parsed parsed = yaml::parse(bytes, file_number);
//   for (const yaml::Node& document : parsed.documents) …           // empty documents are left out
//   for (const yaml::Fault& fault : parsed.faults) …                // "the key 'id' stands twice in one map (first on line 3)"
//
// Refused: aliases, anchors, tags, %directives, duplicate keys, keys that aren't scalars, values that are left out or null, a byte order
// mark, anything but UTF-8. Scalars keep their text; whoever knows the schema gives them a type.
//
// Pure, any thread. Input: untrusted; bounded by Limits::stack_bytes, yaml_depth and one node per 16 bytes of stack_bytes.
// Places: lines and columns from 1, columns in characters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "stack/stack.h"

namespace licet::stack::yaml {

struct Member;
struct Node {
  Value::Type type = Value::Type::scalar;
  std::string text;             // scalar
  std::vector<Node> items;      // list
  std::vector<Member> members;  // map, in order; keys are unique
  Place place;

  [[nodiscard]] const Node* find(std::string_view key) const;  // of a map; nullptr: absent
};
struct Member {
  std::string key;
  Place place;  // of the key
  Node value;
};

struct Fault {
  Place place;
  std::string message;
};

struct Parsed {
  std::vector<Node> documents;
  std::vector<Fault> faults;
  bool whole = true;  // false: it isn't YAML from some line on, so `documents` lacks what follows
};
[[nodiscard]] Parsed parse(std::string_view bytes, std::uint32_t file = 0, const Limits& limits = {});

}  // namespace licet::stack::yaml
