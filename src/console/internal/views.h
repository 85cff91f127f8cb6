// What screens and scripts read of the epoch in force, as JSON: declared things, verdicts and sentences. No PHI: facts about patients stay
// out. docs/api/openapi.yaml describes each; tests/web holds them against it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "epoch/keeper.h"
#include "epoch/may.h"

namespace licet::console {

// ?status=a,b&requirement=&subject=&owner=&about=&q=&sort=status&offset=&limit=: a page, and facets that count what the other filters
// leave.
[[nodiscard]] nlohmann::json findings_page(const epoch::Epoch& epoch, std::string_view query);
[[nodiscard]] nlohmann::json agreements_view(const epoch::Epoch& epoch);
// Organizations with their role (entity, associate, subcontractor, individual, other) and tier, their systems, and the flows between these.
[[nodiscard]] nlohmann::json map_view(const epoch::Epoch& epoch);
[[nodiscard]] nlohmann::json rules_view(const epoch::Epoch& epoch);
// What a person can choose from: systems, data classes, purposes, regions.
[[nodiscard]] nlohmann::json vocabulary_view(const epoch::Epoch& epoch);
[[nodiscard]] Result<nlohmann::json> may_view(const epoch::Epoch& epoch, std::string_view query, const epoch::MayBy& with);
// ?requirement=&subject= or ?license= or ?id=: sentence, rule, path, and the declared lines it was read from.
[[nodiscard]] Result<nlohmann::json> why_view(const epoch::Epoch& epoch, std::string_view query);
// Which licenses a suspension of `id` would stop; those of care first.
[[nodiscard]] Result<nlohmann::json> cut_view(const epoch::Epoch& epoch, std::string_view id);
[[nodiscard]] nlohmann::json suspensions_view(const epoch::Epoch& epoch);

}  // namespace licet::console
