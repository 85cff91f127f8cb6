// Risk's readers (of its CSV the reader is fuzz_deid_formats's): a hierarchy that is accepted, told or as a file, gives values at every
// level, whatever the value; what is compared is told apart without reading past an end.

#include <algorithm>
#include <cstdint>

#include "base/assert.h"
#include "deid/risk/hierarchy.h"
#include "deid/risk/linkage.h"

using namespace licet::deid::risk;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view spec = text.substr(0, text.find('\n')), value = text.substr(std::min(text.size(), spec.size() + 1));
  const auto check = [&](const licet::Result<Hierarchy>& h) {
    if (!h) return;
    for (std::size_t level = 0; level < h->levels(); ++level) {
      (void)h->apply(level, value);
      LICET_ASSERT(!h->label(level).empty());
    }
    LICET_ASSERT(h->apply(0, value) == value);
  };
  check(Hierarchy::parse(spec));
  check(Hierarchy::of_csv(text));
  auto matches = parse_matches(spec);
  (void)matches.ok();
  const double same = jaro_winkler(spec, value);
  LICET_ASSERT(same >= 0 && same <= 1 + 1e-9);
  (void)folded_name(value);
  return 0;
}
