#include "reader/reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "reader/internal/xml.h"

namespace licet::reader {
namespace {

std::string slurp(const std::string& path) {
  std::ifstream file(std::string(LICET_SOURCE_DIR) + "/" + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const Wording& wording() {
  static const Wording loaded = [] {
    auto w = Wording::load(slurp("packs/wording/baa.yaml"), "baa.yaml");
    if (!w) {
      ADD_FAILURE() << w.error().message;
      std::abort();
    }
    return *std::move(w);
  }();
  return loaded;
}

std::string agreement(const std::string& duties) {
  return "BUSINESS ASSOCIATE AGREEMENT\n\nThis Agreement is entered into by and between Clinic (\"Covered Entity\") and Vendor (\"Business "
         "Associate\"). The "
         "parties agree:\n\nBusiness Associate may use PHI to perform the billing services under the Services Agreement.\n\nBusiness "
         "Associate shall not use or "
         "disclose PHI other than as permitted by this Agreement or required by law.\n\nBusiness Associate shall use appropriate "
         "safeguards to protect PHI.\n\n" +
         duties + "\n";
}

Clause clause(const std::string& text, std::string_view term) {
  const Reading r = read(text, wording());
  for (const Clause& c : r.clauses)
    if (c.term == term) return c;
  return {};
}

std::string term(const std::string& text, const std::string& key) {
  const Reading r = read(text, wording());
  auto it = r.terms.find(key);
  return it == r.terms.end() ? "-" : it->second.value;
}

TEST(Reader, OneSentenceAndWhatItSays) {
  struct Row {
    const char *term, *sentence;
    Is is;
  };
  const Row rows[] = {
      {"report-breach", "Business Associate shall report to Covered Entity any breach of unsecured PHI.", Is::present},
      {"report-breach", "Business Associate shall not be required to report breaches of unsecured PHI.", Is::absent},
      {"report-breach", "Business Associate has no obligation to notify Covered Entity of a breach of unsecured PHI.", Is::absent},
      {"report-breach", "Business Associate may report breaches of unsecured PHI to Covered Entity.", Is::weaker},
      {"report-breach", "Business Associate shall use commercially reasonable efforts to report breaches of unsecured PHI.", Is::weaker},
      {"report-breach", "Business Associate shall report material breaches of unsecured PHI to Covered Entity.", Is::weaker},
      {"report-breach", "Covered Entity shall report any breach of unsecured PHI to Business Associate.", Is::absent},
      {"report-breach", "Business Associate shall notify affected individuals of a breach.", Is::absent},
      {"report-breach", "\"Breach\" shall mean a breach that Business Associate shall report under 45 CFR 164.402.", Is::absent},
      {"report-incident", "Business Associate shall report to Covered Entity any security incident of which it becomes aware.",
       Is::present},
      {"report-incident", "WHEREAS, Business Associate shall report security incidents;", Is::absent},
      {"subcontractors", "Business Associate shall ensure that its subcontractors agree to the same restrictions and conditions.",
       Is::present},
      {"subcontractors", "Business Associate shall require subcontractors to agree to similar restrictions.", Is::weaker},
      {"access", "Business Associate shall make PHI in a designated record set available to satisfy 45 CFR 164.524.", Is::present},
      {"access", "Access to PHI. Business Associate shall limit access to PHI to its employees.", Is::absent},
      {"amendment", "Business Associate shall make any amendment to PHI that Covered Entity directs.", Is::present},
      {"amendment", "Business Associate shall make PHI available for amendment.", Is::weaker},
      {"amendment", "The parties shall amend this Agreement as the law requires.", Is::absent},
      {"books", "Business Associate shall make its internal practices, books and records available to the Secretary.", Is::present},
      {"books", "Business Associate shall assist Covered Entity with notices to the Secretary.", Is::absent},
      {"return-destroy", "Upon termination Business Associate shall return or destroy all PHI.", Is::present},
      {"termination", "Covered Entity may terminate this Agreement if Business Associate violates a material term.", Is::present},
      {"termination", "Either party may terminate this Agreement on thirty days' notice.", Is::absent},
      {"termination", "Business Associate may terminate this Agreement if Covered Entity fails to pay.", Is::absent},
      {"security-rule", "Business Associate shall comply with Subpart C of 45 CFR Part 164.", Is::present},
      {"security-rule", "Business Associate shall ensure that subcontractors comply with the Security Rule.", Is::absent},
  };
  for (const Row& r : rows) EXPECT_STREQ(name(clause(agreement(r.sentence), r.term).is), name(r.is)) << r.term << ": " << r.sentence;
}

TEST(Reader, ADenialElsewhereMakesItUnclear) {
  const auto c = clause(agreement("Business Associate shall report security incidents to Covered Entity.\n\nBusiness Associate has no "
                                  "obligation to report security incidents."),
                        "report-incident");
  EXPECT_EQ(c.is, Is::unclear);
}

TEST(Reader, QuotesStandWhereTheySay) {
  const std::string text = agreement("\fÄrzte sind “gemeint”.\n\nBusiness Associate shall report any security incident to Covered Entity.");
  const Clause c = clause(text, "report-incident");
  ASSERT_EQ(c.is, Is::present);
  EXPECT_EQ(c.at.quote, "Business Associate shall report any security incident to Covered Entity.");
  EXPECT_EQ(c.at.page, 2u);
  const std::size_t byte = text.find(c.at.quote);
  std::size_t points = 0;
  for (std::size_t i = 0; i < byte; ++i) points += (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
  EXPECT_EQ(c.at.start, points);
  EXPECT_EQ(c.at.end, points + c.at.quote.size());
}

TEST(Reader, NumbersAndBounds) {
  const struct {
    const char *sentence, *key, *value;
  } rows[] = {
      {"Business Associate shall notify Covered Entity of a breach of unsecured PHI within five (5) business days.", "breach-notice",
       "5bd"},
      {"Business Associate shall notify Covered Entity of a breach of PHI no later than sixty (60) calendar days after discovery.",
       "breach-notice", "60d"},
      {"Business Associate shall report security incidents within 24 hours.", "incident-notice", "24h"},
      {"Business Associate shall not store PHI outside the United States.", "offshore", "prohibited"},
      {"Business Associate shall not store PHI outside of the United States without the prior written consent of Covered Entity.",
       "offshore", "prior-consent"},
      {"Business Associate shall not use PHI to train machine learning models.", "ai-training", "prohibited"},
      {"Business Associate may de-identify PHI.", "deidentify", "true"},
      {"Business Associate shall not de-identify PHI.", "deidentify", "false"},
      {"Business Associate may provide data aggregation services relating to the health care operations of Covered Entity.", "aggregation",
       "true"},
      {"Business Associate shall maintain cyber liability insurance of $1,000,000.", "insurance", "true"},
      {"Covered Entity may audit the facilities, systems and records of Business Associate.", "audit", "true"},
      {"The obligations of this Section shall survive termination.", "survival", "true"},
  };
  for (const auto& r : rows) EXPECT_EQ(term(agreement(r.sentence), r.key), r.value) << r.sentence;
}

TEST(Reader, ListsCarryTheirLead) {
  const std::string text =
      agreement("Business Associate shall report to Covered Entity:\n\n(a) any security incident; and\n\n(b) any breach of unsecured PHI.");
  EXPECT_EQ(clause(text, "report-incident").is, Is::present);
  EXPECT_EQ(clause(text, "report-breach").is, Is::present);
}

// The invented agreements. What counts: never "present" where the label says no or partial; and F1 of "present" over all of them.
TEST(Reader, InventedAgreementsAsLabeled) {
  std::istringstream csv(slurp("tests/agreements/labels.csv"));
  std::string line;
  std::getline(csv, line);
  std::vector<std::string> columns;
  for (std::istringstream in(line); std::getline(in, line, ',');) columns.push_back(line);
  std::size_t hit = 0, falsely = 0, missed = 0;
  while (std::getline(csv, line)) {
    std::vector<std::string> cells;
    std::string cell;
    for (std::istringstream in(line); std::getline(in, cell, ',');) cells.push_back(cell);
    const std::string bytes = slurp("tests/agreements/" + cells[0]);
    auto format = format_of(bytes, cells[0]);
    ASSERT_TRUE(format.ok());
    auto text = extract(*format, bytes, {});
    ASSERT_TRUE(text.ok()) << text.error().message;
    const Reading r = read(*text, wording());
    EXPECT_STREQ(name(r.kind), cells[1].c_str()) << cells[0];
    for (std::size_t i = 2; i < columns.size() && i < cells.size(); ++i) {
      if (cells[i] == "na") continue;
      Is is = Is::absent;
      for (const Clause& c : r.clauses)
        if (c.term == columns[i]) is = c.is;
      const bool says = is == Is::present || is == Is::stricter;
      hit += says && cells[i] == "yes";
      missed += !says && cells[i] == "yes";
      if (says && cells[i] != "yes") {
        ++falsely;
        ADD_FAILURE() << cells[0] << " " << columns[i] << ": said to be present, labeled " << cells[i];
      }
      if (!says && cells[i] == "yes") fmt::print("missed: {} {} ({})\n", cells[0], columns[i], name(is));
    }
  }
  const double f1 = 2.0 * static_cast<double>(hit) / static_cast<double>(2 * hit + falsely + missed);
  fmt::print("present: {} right, {} falsely, {} missed, F1 {:.3f}\n", hit, falsely, missed, f1);
  EXPECT_GE(f1, 0.95);
}

TEST(Extract, WhatIsHiddenIsNotRead) {
  const struct {
    Format format;
    const char* in;
  } rows[] = {{Format::html, "<p>seen</p><!-- hidden --><script>hidden</script><p style='display:none'>hidden</p><del>hidden</del>"},
              {Format::text, "seen\n<!-- hidden -->\n/* hidden */\n// hidden\n"},
              {Format::markdown, "seen\n\n```\nhidden\n```\n<!-- hidden"}};
  for (const auto& r : rows) {
    auto text = extract(r.format, r.in, {});
    ASSERT_TRUE(text.ok());
    EXPECT_NE(text->find("seen"), std::string::npos) << r.in;
    EXPECT_EQ(text->find("hidden"), std::string::npos) << *text;
  }
  std::string word =
      "<w:document><w:body><w:p><w:r><w:t>seen</w:t></w:r><w:del><w:r><w:delText>hidden</w:delText></w:r></w:del><w:r><w:rPr><w:vanish/></"
      "w:rPr><w:t>hidden"
      "</w:t></w:r></w:p></w:body></w:document>";
  auto text = text_of_xml(word, true, {});
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text, "\n\nseen");
}

TEST(Extract, HostileBytesGiveAnAnswer) {
  ReadLimits limits;
  limits.text_bytes = 1000;
  EXPECT_EQ(extract(Format::text, std::string(2000, 'a'), limits).error().code, Code::exhausted);
  EXPECT_EQ(extract(Format::html, "<p>" + std::string(2000, 'a'), limits).error().code, Code::exhausted);
  std::string deep = "<w:document>";
  for (int i = 0; i < 100'000; ++i) deep += "<w:p>";
  auto text = text_of_xml(deep, true, {});
  EXPECT_FALSE(text.ok());  // damaged XML, and no overflow on the way
  EXPECT_EQ(*extract(Format::text,
                     "a\xFF"
                     "b\0c",
                     {}),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(extract(Format::docx, "PK\x03\x04 nonsense", {}).error().code, Code::invalid_argument);
  // A line without end, and brackets that never close: time stays linear.
  const Reading r = read(std::string(2'000'000, '['), wording());
  EXPECT_EQ(r.kind, Kind::not_an_agreement);
}

TEST(Extract, FormatsByTheirFirstBytes) {
  EXPECT_EQ(*format_of("%PDF-1.7\n", "a"), Format::pdf);
  EXPECT_EQ(*format_of("<!DOCTYPE html><p>x", "a"), Format::html);
  EXPECT_EQ(*format_of("# x", "a.md"), Format::markdown);
  EXPECT_EQ(*format_of("x", "a.txt"), Format::text);
  for (const auto& [bytes, file] : std::initializer_list<std::pair<std::string, const char*>>{{"x", "a.pdf"},
                                                                                              {"x", "a.docx"},
                                                                                              {"\xD0\xCF\x11\xE0", "a.doc"},
                                                                                              {"PK\x03\x04", "a.zip"},
                                                                                              {std::string("\0\1\2", 3), "a"},
                                                                                              {"\x89PNG", "a.png"}})
    EXPECT_FALSE(format_of(bytes, file).ok()) << file;
}

TEST(Wording, AFaultIsNamedWithItsLine) {
  for (const char* yaml : {"kind: pack\n", "kind: wording\nclasses: {a: [\"..3 b\"]}\nterms: []\n",
                           "kind: wording\nclasses: {a: [<b>]}\nterms: []\n", "[", ""}) {
    auto w = Wording::load(yaml, "w.yaml");
    ASSERT_FALSE(w.ok()) << yaml;
    EXPECT_TRUE(w.error().message.starts_with("w.yaml:")) << w.error().message;
  }
}

}  // namespace
}  // namespace licet::reader
