// OSCAL 1.2 (NIST): the packs as a catalog, a judgment as assessment results. For GRC tools; valid under NIST's JSON schemas.
//
//   print(proof::assessment_results(world.judgment, "0.1.0"));
//   print(proof::catalog(world.packs, world.judgment.as_of, "0.1.0"));
//
// A requirement is a control (its id is ours and stable), a finding on a subject is an observation, and a requirement with a population has
// one OSCAL finding: satisfied only where every subject passed. Unknown, accepted and stale are not-satisfied, with their own words beside
// it; what does not apply has an observation and no finding: never green without data.
// UUIDs are digests of what they name (in the shape of version 5) and times are the day judged: same judgment, same bytes.
// Pure; any thread. docs/formats/findings.md.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "rules/rules.h"

namespace licet::proof {

[[nodiscard]] std::string assessment_results(const rules::Judgment& judgment, std::string_view version);
[[nodiscard]] std::string catalog(std::span<const rules::Pack> packs, Date as_of, std::string_view version);

}  // namespace licet::proof
