// Findings, licenses and grounds as machines read them: what `licet check --format json|sarif`, the console's API and bundles all print.
//
//   fmt::print("{}\n", proof::findings_json(world.judgment));
//   {"as_of":"2026-11-25","findings":[{"because":…,"cites":[…],"facts":[…],"mend":…,"requirement":…,"status":"fail","subject":…,
//    "witness":[…]}],"packs":[{"id":…,"status":…,"version":…}],"summary":{"accepted":0,"fail":1,"not-applicable":2,"pass":9,"stale":0,"unknown":1}}
//
// Members are sorted and there is no white space (RFC 8785): same judgment, same bytes. Any thread; pure. docs/formats/bundle.md.
// SARIF: OASIS 2.1.0. A result for each finding that is not pass or not-applicable: fail and stale are `fail`, unknown is `open`, accepted
// is a suppressed `fail`; the place is the first file:line that the finding was read from.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "license/table.h"
#include "rules/rules.h"

namespace licet::proof {

[[nodiscard]] std::string findings_json(const rules::Judgment& judgment);
[[nodiscard]] std::string findings_sarif(const rules::Judgment& judgment, std::string_view version = {});

// One of each, for those who page through them (console).
[[nodiscard]] nlohmann::json to_json(const rules::Finding& finding);
[[nodiscard]] nlohmann::json to_json(const rules::Ground& ground);
[[nodiscard]] nlohmann::json to_json(const rules::PackInfo& pack);
[[nodiscard]] nlohmann::json to_json(const license::License& license);
[[nodiscard]] nlohmann::json summary(const rules::Judgment& judgment);  // status → count, every status named

}  // namespace licet::proof
