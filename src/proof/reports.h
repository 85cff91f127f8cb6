// Reports for those who ask: who carries what, where PHI would be exposed first, what was checked for a release, answers to a
// questionnaire.
//
//   const proof::Sheet sheet = proof::responsibility(stack, judgment, packs);
//   fmt::print("{}", proof::sheet_csv(sheet));            // or sheet_json(), sheet_html()
//
// Nothing is concluded here that the judgment does not say: a report only arranges findings, agreements and what was declared. Where there
// is nothing on record, it says that. Pure; any thread; same arguments, same bytes. Formats: docs/formats/reports.md. Errors:
// invalid_argument (the questionnaire is no CSV, or has no column of questions).
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/note.h"
#include "license/table.h"
#include "proof/prove.h"
#include "rules/rules.h"
#include "stack/stack.h"

namespace licet::proof {

struct Sheet {
  std::string name, title, notice;  // notice: how it was made and what it does not say
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  std::string as_of, under;
};
[[nodiscard]] std::string sheet_csv(const Sheet& sheet);
[[nodiscard]] std::string sheet_html(const Sheet& sheet);
[[nodiscard]] std::string sheet_json(const Sheet& sheet);  // {"as_of","name","notice","rows":[{column: cell}],"under"}

// Requirement by requirement, and clause by clause of each agreement: which organization carries it, by what, and how it stands.
[[nodiscard]] Sheet responsibility(const stack::Stack& stack, const rules::Judgment& judgment, std::span<const rules::Pack> packs);

// The systems that PHI reaches, the most exposed first, each with the reasons for its points and with how many people's PHI it holds where
// that is declared (`people`).
[[nodiscard]] Sheet exposure(const stack::Stack& stack, const rules::Judgment& judgment, const license::Table& table);

// Paragraph by paragraph of the packs' own lists: which requirements ask about it, and how many findings of each status.
struct CoverageRow {
  rules::Pack::Citation citation;
  std::vector<std::string> requirements;
  std::map<std::string, std::size_t> counts;
};
[[nodiscard]] std::vector<CoverageRow> coverage_rows(std::span<const rules::Pack> packs, std::span<const rules::Finding> findings);
[[nodiscard]] Sheet coverage(const rules::Judgment& judgment, std::span<const rules::Pack> packs);

// The questionnaire's own columns, and behind them answer, evidence and requirements. A question is matched by the citations
// (164.308(a)(1)) and requirement ids in its row, and by nothing else; where none matches or nothing is on record the answer is "no
// evidence on record".
[[nodiscard]] Result<Sheet> answers(std::string_view csv, const rules::Judgment& judgment);

// What was checked for a release, as a folder: the findings in every format, what is open, coverage, who carries what, exposure, the
// declaration itself, and a manifest with the SHA-256 of each. It is no certificate, and says so.
struct ReleaseInput {
  std::string name;  // of the release
  const stack::Stack* stack = nullptr;
  std::span<const stack::Source> sources;
  std::span<const rules::Pack> packs;
  const rules::Judgment* judgment = nullptr;
  const license::Table* table = nullptr;
  std::string build;
  std::string origin;  // who will sign; empty: nobody
};
[[nodiscard]] Bundle make_release(const ReleaseInput& input);  // without signature and key
// Puts signature and key beside the manifest: `licet verify` checks them.
void seal_release(Bundle& release, const std::string& signature, const ledger::Verifier& signer);
// The signature of a release's manifest. invalid_argument: it is none, or names another origin.
[[nodiscard]] Result<std::string> sign_release(std::string_view manifest, const std::string& origin, const crypto::Ed25519Key& key);

}  // namespace licet::proof
