// Findings for people and spreadsheets, and what to do about them first.
//
//   files.replace("findings.csv", proof::findings_csv(judgment));
//   for (const proof::Step& step : proof::steps(judgment)) print(step.text, step.findings.size());
//
// Pure; any thread; same judgment, same bytes. Pointers are into the judgment. Formats: docs/formats/findings.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/rules.h"

namespace licet::proof {

// RFC 4180, worst first; every cell defended against spreadsheets that would run it.
[[nodiscard]] std::string findings_csv(const rules::Judgment& judgment);
// One page, no script, nothing from outside, good on paper; worst first.
[[nodiscard]] std::string findings_html(const rules::Judgment& judgment);

// Where a citation can be read: the eCFR's address of its section, "" for what is no citation of 45 CFR 160-164 or 42 CFR 2.
[[nodiscard]] std::string source_url(std::string_view cite);
// The first place of the declaration that a finding was read from, "flows.yaml:20"; "" where it stands on recorded facts alone.
[[nodiscard]] std::string place_of(const rules::Finding& finding);

// One thing to do or to find out, and the findings that it would settle.
struct Step {
  std::string text;
  bool question = false;  // all its findings are unknown: find out first
  std::vector<const rules::Finding*> findings;
};
// What is amiss (and with it every unknown, also of the program), grouped by what would mend it. First what closes a flow (contract,
// ground) before what is paperwork (program), a known failure before a question, required before addressable, and what settles more before
// less.
[[nodiscard]] std::vector<Step> steps(const rules::Judgment& judgment);

}  // namespace licet::proof
