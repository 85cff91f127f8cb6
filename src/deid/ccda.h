// C-CDA documents, default-deny: what packs/deid/ccda.yaml doesn't list is dropped, structure and narrative.
//
//   CcdaTransform transform(library, profile);
//   CcdaRun run{values, &pieces};
//   if (auto done = transform.apply(document, run, out); !done) …      // nothing was appended: the document may not leave
//
// Ids become codes (a UUID in `root`), names and other identifiers that may not stay nullFlavor="MSK", dates what the profile says, display
// names of unpublished code systems go. The words of titles and narratives are read together, with the names, numbers and addresses of the
// document's people known; where the profile drops text, they are emptied. Attachments (nonXMLBody, observationMedia) aren't read, and go.
// The output is UTF-8, well-formed; that it conforms to a template is not said: a template may require what the law takes away.
//
// Pure; the transform is immutable, any thread; a run belongs to one. Errors: invalid_argument (no XML, no ClinicalDocument, too deep) with
// offset, never a value. No entity is expanded but XML's five. Input: untrusted; bounded by its length; fuzzed by
// fuzz/fuzz_deid_formats.cc. Source: 45 CFR 164.514(b)(2), (e)(2); HL7 CDA R2.
#pragma once

#include <string>
#include <string_view>

#include "deid/profile.h"
#include "deid/values.h"

namespace licet::deid {

struct CcdaRun {
  ValueContext& values;
  Pieces* pieces = nullptr;  // null: text is dropped
  Pieces::Note note = {};
};

class CcdaTransform {
 public:
  // Both outlive it.
  CcdaTransform(const Library& library, const Profile& profile) : library_(library), profile_(profile) {}
  [[nodiscard]] Result<void> apply(std::string_view document, CcdaRun& run, std::string& out) const;

 private:
  const Library& library_;
  const Profile& profile_;
};

}  // namespace licet::deid
