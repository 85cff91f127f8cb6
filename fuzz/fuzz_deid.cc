// Text engine and FHIR transform: whatever the bytes, spans are sorted and apart, what is found is replaced and nothing else changes; a
// transformed resource is a resource, and transforming it again lets nothing new through.

#include <algorithm>
#include <cstdint>
#include <filesystem>

#include "base/assert.h"
#include "deid/fhir.h"
#include "deid/internal/shipped.h"
#include "deid/text.h"

namespace {

using namespace licet;
using namespace licet::deid;

void check_text(const Shipped& tools, std::string_view text) {
  const TextEngine engine(tools.lexicon, &tools.model);
  Known known;
  known.add("Maria Sandoval", Kind::name);
  Found found;
  engine.find(text, known, found);
  std::uint32_t last = 0;
  for (const Span& s : found.spans) {
    LICET_ASSERT(s.start >= last && s.end > s.start && s.end <= text.size() && s.score >= 0 && s.score <= 1);
    last = s.end;
  }
  // Replaced by the profile's rule, and the rest is as it was.
  for (const Profile& profile : tools.library.profiles) {
    std::string out;
    TextTransform(tools.library, profile)
        .apply(text, found.spans, {.as_of = Date(std::chrono::days(20'000)), .key = as_bytes("key"), .patient = "p"}, out);
    std::size_t at = 0, from = 0;
    for (const Span& s : found.spans) {
      const std::string_view between = text.substr(from, s.start - from);
      at = out.find(between, at);
      LICET_ASSERT(at != std::string::npos);
      at += between.size();
      from = s.end;
    }
    LICET_ASSERT(std::string_view(out).ends_with(text.substr(from)));
  }
}

void check_resource(const Shipped& tools, std::string_view bytes) {
  codec::ResourceScanner scanner{Limits{}}, again{Limits{}};
  auto scan = scanner.scan(bytes);
  if (!scan) return;
  SeededRandom random(1);
  for (const Profile& profile : tools.library.profiles) {
    Codes codes(random);
    FhirContext context{.as_of = Date(std::chrono::days(20'000)), .codes = codes, .shift_key = as_bytes("key")};
    const FhirTransform transform(tools.library, profile);
    std::string once, twice;
    if (transform.apply(**scan, context, once) != Applied::kept) {
      LICET_ASSERT(once.empty());
      continue;
    }
    auto second = again.scan(once);
    LICET_ASSERT(second.ok());
    LICET_ASSERT((*second)->contained == 0 && once.find("\"extension\"") == std::string::npos);
    LICET_ASSERT(transform.apply(**second, context, twice) == Applied::kept);
    LICET_ASSERT(profile.form == Form::pseudonymized || twice.size() <= once.size() + 128);  // and one more label
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Shipped tools("es");
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (!bytes.empty() && bytes[0] == '{')
    check_resource(tools, bytes);
  else
    check_text(tools, bytes);
  return 0;
}
