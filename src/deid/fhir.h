// FHIR R4 resources made limited, de-identified or pseudonymized. Default-deny: an element that packs/deid/fhir-r4.yaml doesn't list is
// dropped.
//
//   FhirTransform transform(library, *library.find("limited-data-set"));        // once
//   FhirContext context{.as_of = today, .codes = codes};                          // per exchange or file
//   if (transform.apply(*scan, context, out) != Applied::kept) …                  // nothing was appended: the resource may not leave
//
// Dropped always: extensions, contained resources, narratives, what has another look than its element's (a code with spaces, a date that is
// none). A resource goes as a whole where a part that is kept says that an extension changes its meaning (modifierExtension,
// implicitRules), or where its type isn't listed. Ids become codes, consistently in references; a reference that is no plain Type/id or
// urn:uuid: is dropped. Free text is dropped, or scrubbed where the profile says so and the context has a scrubber. The output is FHIR JSON
// with a label in meta.security.
//
// Pure; immutable, any thread; a context belongs to one thread at a time. Input: a scan (validated); fuzzed by fuzz/fuzz_deid.cc.
// Source: 45 CFR 164.514(b)(2), (e)(2).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "codec/fhir.h"
#include "codec/json.h"
#include "deid/codes.h"
#include "deid/profile.h"

namespace licet::deid {

struct FhirContext {
  Date as_of{};  // ages are told by it
  Codes& codes;
  std::span<const std::byte> shift_key = {};  // for Act::shift; empty: such dates are dropped
  // Appends what may leave of a text. scan: whose text it is, so that what the record says of the patient is known. Empty: text is dropped.
  std::function<void(const codec::ResourceScan& scan, std::string_view text, std::string& out)> scrub = {};
};

enum class Applied : std::uint8_t {
  kept,
  unlisted,  // the type isn't in packs/deid/fhir-r4.yaml
  modified,  // modifierExtension or implicitRules: nobody can tell what the rest means without it
};
[[nodiscard]] std::string_view name(Applied applied);

class FhirTransform {
 public:
  // Both outlive it.
  FhirTransform(const Library& library, const Profile& profile) : library_(library), profile_(profile) {}

  // Appends the transformed resource; appends nothing unless kept.
  [[nodiscard]] Applied apply(const codec::ResourceScan& scan, FhirContext& context, std::string& out) const;

  // Whether a search that looks at this element sees no more than what is shown: it is kept as it is. Codes, quantities and periods count
  // by their code, value and ends.
  [[nodiscard]] bool shows(std::string_view type, std::string_view path) const;
  [[nodiscard]] const Profile& profile() const { return profile_; }

 private:
  const Library& library_;
  const Profile& profile_;
};

}  // namespace licet::deid
