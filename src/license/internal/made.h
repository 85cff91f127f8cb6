// For tests and benches: stacks from a few lines of YAML, without the loader's checks.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "stack/stack.h"
#include "stack/yaml.h"

namespace licet::license::made {

inline stack::Value value(const stack::yaml::Node& node) {
  stack::Value v{.type = node.type, .text = node.text, .place = node.place};
  for (const auto& item : node.items) v.items.push_back(value(item));
  for (const auto& m : node.members) v.members.push_back({m.key, value(m.value)});
  return v;
}

inline stack::Stack stack(std::string_view yaml) {
  stack::Stack out;
  out.tenant = "test";
  out.files = {"test.yaml"};
  const stack::yaml::Parsed parsed = stack::yaml::parse(yaml);
  for (const auto& fault : parsed.faults) {
    std::fprintf(stderr, "made::stack: line %u: %s\n", fault.place.line, fault.message.c_str());
    std::abort();
  }
  for (const auto& node : parsed.documents) {
    stack::Document d{.place = node.place, .fields = value(node)};
    d.kind = node.find("kind")->text;
    d.id = node.find("id")->text;
    std::erase_if(d.fields.members, [](const stack::Member& m) { return m.key == "kind" || m.key == "id"; });
    out.documents.push_back(std::move(d));
  }
  std::sort(out.documents.begin(), out.documents.end(),
            [](const auto& a, const auto& b) { return a.kind != b.kind ? a.kind < b.kind : a.id < b.id; });
  return out;
}

}  // namespace licet::license::made
