// Declarations are untrusted until they load. Properties: load() gives a stack exactly where it found no problem; problems come in order
// of place; relations() of whatever loads has a cell for each column; the same bytes give the same relations.
#include <cstdint>
#include <cstdlib>

#include "stack/stack.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace licet::stack;
  licet::Limits limits;
  limits.stack_bytes = 64 * 1024;
  const Source source{"a.yaml", std::string(reinterpret_cast<const char*>(data), size)};
  const Loaded loaded = load({&source, 1}, limits);
  if (loaded.stack.has_value() != loaded.problems.empty()) std::abort();
  for (std::size_t i = 1; i < loaded.problems.size(); ++i)
    if (loaded.problems[i].line < loaded.problems[i - 1].line) std::abort();
  if (!loaded.stack) return 0;
  const Relations first = relations(*loaded.stack, {});
  for (const Table& t : first)
    for (const auto& row : t.rows)
      if (row.size() != t.columns.size()) std::abort();
  const Relations again = relations(*load({&source, 1}, limits).stack, {});
  for (std::size_t i = 0; i < first.size(); ++i)
    if (first[i].rows != again[i].rows) std::abort();
  return 0;
}
