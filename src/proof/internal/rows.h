// Rows of findings, as pages and tables show them.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "rules/rules.h"

namespace licet::proof {

inline constexpr std::array kWorstFirst = {rules::Status::fail,     rules::Status::stale, rules::Status::unknown,
                                           rules::Status::accepted, rules::Status::pass,  rules::Status::not_applicable};

// status, subject, requirement, cites, because, mend; the worst first.
[[nodiscard]] std::vector<std::vector<std::string>> finding_rows(const rules::Judgment& judgment, bool amiss_only);

}  // namespace licet::proof
