// Other tools' files are untrusted. Properties: whatever imports also loads, beside the owner's own declaration; holds no kind but
// organization, system and flow; and no flow of it is classified.
#include <cstdint>
#include <cstdlib>

#include "stack/import.h"
#include "stack/stack.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace licet::stack;
  if (size == 0) return 0;
  const auto formats = import_formats();
  const auto format = formats[data[0] % formats.size()].name;
  licet::Limits limits;
  limits.stack_bytes = 64 * 1024;
  auto imported = import(format, {reinterpret_cast<const char*>(data) + 1, size - 1}, {.owner = "clinic", .source = "x"}, limits);
  if (!imported) return 0;
  const Source sources[] = {
      {"imported/x.yaml", imported->yaml, Layer::imported},
      {"s.yaml", "kind: stack\nid: the.stack\nformat: 1\ntenant: t\ntimezone: Etc/UTC\n---\nkind: organization\nid: clinic\nname: C\n",
       Layer::authored}};
  const Loaded loaded = load(sources);
  if (!loaded.stack) std::abort();
  for (const Document& d : loaded.stack->documents) {
    if (d.kind != "stack" && d.kind != "organization" && d.kind != "system" && d.kind != "flow") std::abort();
    if (d.kind == "flow" && d.list("data") != std::vector<std::string_view>{"unclassified"}) std::abort();
  }
  return 0;
}
