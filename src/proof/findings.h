// Findings, licenses and grounds as machines read them: what `licet check --format json|sarif`, the console's API and bundles all print.
//
//   fmt::print("{}\n", proof::findings_json(world.judgment));
//   {"as_of":"2026-11-25","findings":[{"because":…,"cites":[…],"facts":[…],"mend":…,"requirement":…,"status":"fail","subject":…,
//    "witness":[…]}],"packs":[{"id":…,"status":…,"version":…}],"summary":{"accepted":0,"fail":1,"not-applicable":2,"pass":9,"stale":0,"unknown":1}}
//
// Members are sorted and there is no white space (RFC 8785): same judgment, same bytes. Any thread; pure. docs/formats/findings.md.
// SARIF: OASIS 2.1.0. A result for each finding that is not pass or not-applicable: fail and stale are `fail`, unknown is `open`, accepted
// is a suppressed `fail`; the place is the first file:line that the finding was read from, below `folder` (the stack's, from the
// repository's root) where that is relative: so code review finds the line.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "license/table.h"
#include "rules/compare.h"
#include "rules/rules.h"

namespace licet::proof {

[[nodiscard]] std::string findings_json(const rules::Judgment& judgment);
[[nodiscard]] std::string findings_sarif(const rules::Judgment& judgment, std::string_view version = {}, std::string_view folder = {});

// One of each, for those who page through them (console).
[[nodiscard]] nlohmann::json to_json(const rules::Finding& finding);
[[nodiscard]] nlohmann::json to_json(const rules::Ground& ground);
[[nodiscard]] nlohmann::json to_json(const rules::PackInfo& pack);
[[nodiscard]] nlohmann::json to_json(const license::License& license);
[[nodiscard]] nlohmann::json to_json(const license::Change& change);
// {"what":"breaks"|"mends"|"turns","before":status|null,"after":status|null,"finding":{…}}: the finding as it is, or as it was.
[[nodiscard]] nlohmann::json turn_json(const rules::Finding* before, const rules::Finding* after, bool breaks, bool mends);
// What `licet diff --format json` prints (docs/formats/findings.md).
[[nodiscard]] std::string diff_json(std::span<const rules::Turn> turns, std::span<const license::Change> changes,
                                    const rules::Judgment& before, const rules::Judgment& after, bool strict,
                                    std::span<const rules::Pack* const> proposed = {});
[[nodiscard]] nlohmann::json summary(const rules::Judgment& judgment);  // status → count, every status named

}  // namespace licet::proof
