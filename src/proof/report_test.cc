#include "proof/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "proof/oscal.h"

namespace licet::proof {
namespace {

using nlohmann::json;
using rules::Finding;
using rules::Judgment;
using rules::Status;

Finding finding(const char* requirement, const char* subject, Status status, const char* mend, const char* about = "contract",
                const char* level = "required") {
  Finding f;
  f.asked = std::make_shared<const rules::Asked>(rules::Asked{.requirement = requirement,
                                                              .cites = {"164.308(b)(1)"},
                                                              .about = about,
                                                              .level = level,
                                                              .under = "under packs x; state law not assessed"});
  f.subject = subject;
  f.status = status;
  f.mend = mend;
  f.because = "Why";
  f.facts = R"([{"id":"ledger:3","at":"ledger:3"},{"id":"f","at":"flows.yaml:7"}])";
  f.witness = "[]";
  return f;
}

Judgment judgment(std::vector<Finding> findings) {
  Judgment j;
  j.as_of = *parse_date("2026-11-25");
  j.under = "under packs x; state law not assessed";
  j.findings = std::move(findings);
  return j;
}

TEST(Report, WhereACitationCanBeRead) {
  for (const auto& [cite, url] :
       {std::pair{"164.308(b)(1)", "https://www.ecfr.gov/current/title-45/section-164.308#p-164.308(b)(1)"},
        std::pair{"45 CFR 164.530", "https://www.ecfr.gov/current/title-45/section-164.530"},
        std::pair{"42 CFR 2.31", "https://www.ecfr.gov/current/title-42/section-2.31"}, std::pair{"Our policy 7", ""},
        std::pair{"164.308<script>", ""}, std::pair{"", ""}, std::pair{"16 CFR 318.3", ""}})
    EXPECT_EQ(source_url(cite), url) << cite;
}

TEST(Report, APlaceIsDeclaredNotRecorded) {
  Finding f = finding("r", "s", Status::fail, "m");
  EXPECT_EQ(place_of(f), "flows.yaml:7");
  f.facts = R"([{"id":"ledger:3","at":"ledger:3"}])";
  EXPECT_EQ(place_of(f), "");
  f.facts = "not JSON";
  EXPECT_EQ(place_of(f), "");
}

TEST(Report, StepsSettleTheMostThatClosesAFlowFirst) {
  const Judgment j = judgment({
      finding("a", "1", Status::unknown, "Train people", "program"),
      finding("b", "2", Status::unknown, "Ask the vendor"),
      finding("c", "3", Status::fail, "Sign one"),
      finding("d", "4", Status::fail, "Sign two"),
      finding("e", "5", Status::stale, "Sign two", "program"),
      finding("f", "6", Status::fail, "Decide", "contract", "addressable"),
      finding("g", "7", Status::pass, "nothing"),
      finding("h", "8", Status::accepted, "nothing"),
  });
  std::vector<std::string> order;
  std::size_t settled = 0;
  for (const Step& s : steps(j)) {
    order.push_back(s.text);
    settled += s.findings.size();
    EXPECT_EQ(s.question, s.text == "Train people" || s.text == "Ask the vendor");
  }
  EXPECT_EQ(order, (std::vector<std::string>{"Sign two", "Sign one", "Decide", "Ask the vendor", "Train people"}));
  EXPECT_EQ(settled, 6U) << "each finding that is amiss stands in exactly one step";
  EXPECT_TRUE(steps(judgment({})).empty());
}

TEST(Report, WorstFirstAndDefended) {
  Judgment j = judgment({finding("a", "1", Status::pass, ""), finding("b", "=cmd", Status::fail, "Mend, now")});
  const std::string csv = findings_csv(j);
  EXPECT_LT(csv.find("fail,b,"), csv.find("pass,a,"));
  EXPECT_NE(csv.find("\"'=cmd\""), std::string::npos) << csv;
  EXPECT_NE(csv.find("\"Mend, now\""), std::string::npos);
  j.findings[1].because = "<script>alert(1)</script>";
  EXPECT_EQ(findings_html(j).find("<script>"), std::string::npos);
}

TEST(Oscal, SatisfiedOnlyWhereEverySubjectPassed) {
  const auto state = [](std::vector<Status> statuses) {
    std::vector<Finding> findings;
    for (std::size_t i = 0; i < statuses.size(); ++i) findings.push_back(finding("r", std::to_string(i).c_str(), statuses[i], "m"));
    const json out = json::parse(assessment_results(judgment(std::move(findings)), "0"))["assessment-results"]["results"][0];
    EXPECT_EQ(out.value("observations", json::array()).size(), statuses.size());
    return out.contains("findings") ? out["findings"][0]["target"]["status"]["state"].get<std::string>() : std::string("none");
  };
  EXPECT_EQ(state({Status::pass, Status::pass}), "satisfied");
  EXPECT_EQ(state({Status::pass, Status::not_applicable}), "satisfied");
  EXPECT_EQ(state({Status::not_applicable}), "none");
  EXPECT_EQ(state({}), "none");
  for (const Status s : {Status::fail, Status::stale, Status::unknown, Status::accepted})
    EXPECT_EQ(state({Status::pass, s}), "not-satisfied") << rules::name(s);
}

}  // namespace
}  // namespace licet::proof
