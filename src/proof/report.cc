#include "proof/report.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/html.h"
#include "proof/internal/csv.h"
#include "proof/internal/html.h"
#include "proof/internal/json.h"
#include "proof/internal/manifest.h"
#include "proof/internal/rows.h"

namespace licet::proof {

using nlohmann::json;
using rules::Finding;
using rules::Status;

namespace {

std::string words(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

std::vector<const Finding*> worst_first(const rules::Judgment& judgment) {
  std::vector<const Finding*> out;
  for (const Status status : kWorstFirst)
    for (const Finding& f : judgment.findings)
      if (f.status == status) out.push_back(&f);
  return out;
}

// What closes a flow before what is paperwork; what is known to be wrong before what nobody knows; the law's levels; then its reach.
auto urgency(const Step& step) {
  const Finding& f = *step.findings.front();
  const int level = f.asked->level == "addressable" ? 1 : 0;
  return std::tuple(f.asked->about == "program", step.question, level, -static_cast<std::ptrdiff_t>(step.findings.size()),
                    f.asked->requirement, f.subject);
}

}  // namespace

std::vector<std::vector<std::string>> finding_rows(const rules::Judgment& judgment, bool amiss_only) {
  std::vector<std::vector<std::string>> rows;
  for (const Finding* f : worst_first(judgment)) {
    if (amiss_only && (f->status == Status::pass || f->status == Status::not_applicable)) continue;
    rows.push_back({std::string(rules::name(f->status)), f->subject, f->asked->requirement, words(f->asked->cites), f->sentence(),
                    f->status == Status::pass ? "" : f->mend});
  }
  return rows;
}

std::string findings_csv(const rules::Judgment& judgment) {
  Csv csv{"status", "requirement", "cites", "subject", "because", "mend", "witness", "at", "about", "level", "since"};
  for (const Finding* f : worst_first(judgment))
    csv.row({rules::name(f->status), f->asked->requirement, words(f->asked->cites), f->subject, f->sentence(), f->mend, f->witness,
             place_of(*f), f->asked->about, f->asked->level, f->since ? format(*f->since) : std::string()});
  return csv.take();
}

std::string findings_html(const rules::Judgment& judgment) {
  std::string body =
      "<h1>Findings</h1>\n<p class=\"soft\">As of " + format(judgment.as_of) + ", " + html_escaped(judgment.under) + ".</p>\n";
  body += html_table("Every verdict, the worst first", {"status", "subject", "requirement", "cites", "because", "mend"},
                     finding_rows(judgment, false));
  body += "<footer><p>" + html_escaped(kNotice) + "</p></footer>\n";
  return html_page("Findings", body);
}

std::string source_url(std::string_view cite) {
  std::string_view title = "45";
  if (cite.starts_with("42 CFR ")) title = "42", cite.remove_prefix(7);
  if (cite.starts_with("45 CFR ")) cite.remove_prefix(7);
  const std::string_view section = cite.substr(0, cite.find('('));
  const bool known =
      title == "42" ? section.starts_with("2.") : section.starts_with("160.") || section.starts_with("162.") || section.starts_with("164.");
  if (!known || section.find_first_not_of("0123456789.") != std::string_view::npos) return {};
  std::string url = "https://www.ecfr.gov/current/title-" + std::string(title) + "/section-" + std::string(section);
  if (section.size() < cite.size()) url += "#p-" + std::string(cite);
  return url;
}

std::string place_of(const Finding& finding) {
  for (const json& fact : embedded(finding.facts)) {
    std::string at = text(fact, "at");
    if (at.find(':') != std::string::npos && !at.starts_with("ledger:")) return at;
  }
  return {};
}

std::vector<Step> steps(const rules::Judgment& judgment) {
  std::map<std::string, Step> by_text;
  for (const Finding& f : judgment.findings) {
    if (f.status != Status::fail && f.status != Status::stale && f.status != Status::unknown) continue;
    Step& step = by_text.try_emplace(f.mend, Step{f.mend, true, {}}).first->second;
    step.question = step.question && f.status == Status::unknown;
    step.findings.push_back(&f);
  }
  std::vector<Step> out;
  for (auto& [text, step] : by_text) {
    std::stable_sort(step.findings.begin(), step.findings.end(),
                     [](const Finding* a, const Finding* b) { return (a->asked->about == "program") < (b->asked->about == "program"); });
    out.push_back(std::move(step));
  }
  std::sort(out.begin(), out.end(), [](const Step& a, const Step& b) { return urgency(a) < urgency(b); });
  return out;
}

}  // namespace licet::proof
