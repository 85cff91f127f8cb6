// What screens and scripts read of an epoch, as JSON: declared things, verdicts and sentences. No PHI: facts about patients stay out.
// docs/api/openapi.yaml describes each, and its parameters; tests/web holds them against it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "console/internal/sight.h"
#include "epoch/keeper.h"
#include "epoch/may.h"

namespace licet::console {

// The findings of one epoch as numbers, so that filters and facets over 100,000 of them take milliseconds. Made once an epoch; immutable.
struct FindingIndex {
  explicit FindingIndex(std::shared_ptr<const epoch::Epoch> of);
  using Row = std::array<std::uint32_t, 5>;  // status, requirement, subject, owner, about: places in `values`
  std::shared_ptr<const epoch::Epoch> epoch;
  std::array<std::vector<std::string>, 5> values;
  std::array<std::vector<std::uint32_t>, 5> counts;  // by value: how many findings have it
  std::vector<Row> rows;                             // as judgment.findings

  // Places in judgment.findings, in that order.
  [[nodiscard]] std::span<const std::uint32_t> of_subject(std::string_view id) const;
  // The worst of a thing's own findings; pass where all pass, "" where none speaks of it.
  [[nodiscard]] std::string_view worst(std::string_view id) const;

 private:
  std::unordered_map<std::string_view, std::uint32_t> subjects_;  // id → place in values[2]
  std::vector<std::uint32_t> first_, by_subject_;                 // by_subject_[first_[s]] and on: those of subject s
};

// A page, and facets that count what the other filters leave.
[[nodiscard]] nlohmann::json findings_page(const FindingIndex& index, std::string_view query, const Sight& sight);
// invalid_argument: `by` is none.
[[nodiscard]] Result<nlohmann::json> finding_groups(const FindingIndex& index, std::string_view query, const Sight& sight);
[[nodiscard]] nlohmann::json agreements_view(const FindingIndex& index, std::string_view query, const Sight& sight);
// Organizations with their role (entity, associate, subcontractor, individual, other) and tier, their systems, and the flows between these;
// beyond 150 systems only what passes between organizations, until one is opened.
[[nodiscard]] nlohmann::json map_view(const FindingIndex& index, std::string_view query, const Sight& sight);
[[nodiscard]] nlohmann::json rules_view(const epoch::Epoch& epoch, const Sight& sight);
// What a person can choose from: systems, data classes, purposes, regions.
[[nodiscard]] nlohmann::json vocabulary_view(const epoch::Epoch& epoch, std::string_view query, const Sight& sight);
[[nodiscard]] Result<nlohmann::json> may_view(const epoch::Epoch& epoch, std::string_view query, const epoch::MayBy& with,
                                              const Sight& sight);
// ?requirement=&subject= or ?license= or ?id=: sentence, rule, path, the declared lines it was read from, and what is on record about them.
[[nodiscard]] Result<nlohmann::json> why_view(const FindingIndex& index, std::string_view query, const Sight& sight);
// Which licenses and flows a suspension of `id` ("*": of everything) would stop; those of care first.
[[nodiscard]] Result<nlohmann::json> cut_view(const epoch::Epoch& epoch, std::string_view id, const Sight& sight);
[[nodiscard]] nlohmann::json suspensions_view(const epoch::Epoch& epoch, const Sight* sight = nullptr);
// What auditors ask for, in their order, with how it stands here.
[[nodiscard]] nlohmann::json requests_view(const FindingIndex& index, const Sight& sight);
// Of each organization of the chains: entity, associate or subcontractor.
[[nodiscard]] std::map<std::string, std::string> roles_of(const stack::Stack& stack);
[[nodiscard]] std::string agreement_state(const stack::Document& agreement, Date as_of);
[[nodiscard]] nlohmann::json fact_kinds_view();
[[nodiscard]] nlohmann::json rule_view(const rules::Requirement& requirement, const rules::Pack& pack);

}  // namespace licet::console
