// HL7 v2 messages and X12 transaction sets, default-deny: what packs/deid/hl7-v2.yaml and x12.yaml don't list is dropped, segment, field
// and component.
//
//   SegmentTransform transform(library, profile, library.hl7);
//   SegmentRun run{values, &pieces};                                    // per file
//   if (auto done = transform.apply(unit, marks, run, out); !done) …    // nothing was appended: the message may not leave
//
// A rule file says for each field, or component of its data type, what it is: a kind of identifier, which the profile decides on, or the
// look that a value must have to stay (token, number, time …); what has another look is dropped, so that no name fits where a code should
// be. `by` picks the rule by another field of the segment, or another component (OBX-5 by OBX-2). Texts of a message are read together,
// with the names, numbers and addresses that its fields hold known. Counts (BTS-1, SE-01 …) are of what is written.
//
// Pure; the transform is immutable, any thread; a run belongs to one. Errors: invalid_argument with segment and offset, never a value.
// Input: untrusted; fuzzed by fuzz/fuzz_deid_formats.cc. Source: 45 CFR 164.514(b)(2), (e)(2); HL7 v2.8 chapters 2A and 3 to 12; ASC X12.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/phi.h"
#include "codec/segments.h"
#include "deid/profile.h"
#include "deid/values.h"

namespace licet::deid {

struct SegmentRun {
  ValueContext& values;
  Pieces* pieces = nullptr;  // null: text is dropped
  Pieces::Note note = {};
  // What the counts count: messages of the batch, batches; segments of the set, sets, groups.
  std::uint64_t inner = 0, middle = 0, outer = 0;

  // Memory kept from unit to unit.
  struct Place {
    std::size_t at = 0, piece = 0;
    bool lines = false;  // its line breaks are repetitions
  };
  struct Scratch {
    std::string out;
    std::vector<std::string_view> fields;
    std::array<std::vector<std::string_view>, 2> parts;
    std::vector<bool> filled;
    std::vector<std::size_t> starts;
    std::vector<Place> places;
    std::vector<std::pair<Kind, std::string>> learned;
  };
  Phi<Scratch> scratch = {};
};

class SegmentTransform {
 public:
  // All outlive it.
  SegmentTransform(const Library& library, const Profile& profile, const SegmentRules& rules);

  // One unit of codec::SegmentFramer, with its marks: of its own header (HL7: null), of the interchange (X12). Appends the whole
  // transformed unit, or nothing.
  [[nodiscard]] Result<void> apply(std::string_view unit, const codec::Marks* marks, SegmentRun& run, std::string& out) const;

 private:
  const Library& library_;
  const Profile& profile_;
  const SegmentRules& rules_;
};

}  // namespace licet::deid
