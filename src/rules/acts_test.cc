#include "rules/acts.h"

#include <gtest/gtest.h>

namespace licet::rules {
namespace {

Result<std::vector<Act>> acts_of(std::string yaml) {
  const stack::Source file{"acts.yaml", std::move(yaml), {}};
  return load_acts(std::span(&file, 1));
}

stack::Stack stack_of(const std::string& yaml) {
  const stack::Source source{"s.yaml", "kind: stack\nid: t\nformat: 1\ntenant: t\ntimezone: Etc/UTC\n---\n" + yaml, stack::Layer::authored};
  stack::Loaded loaded = stack::load(std::span(&source, 1));
  EXPECT_TRUE(loaded.stack) << (loaded.problems.empty() ? "" : loaded.problems.front().text());
  return *std::move(loaded.stack);
}

constexpr const char* kClinic = "kind: organization\nid: clinic\nname: Clinic\n---\nkind: person\nid: jo\norganization: clinic\n";

Judgment judgment_of(std::initializer_list<std::pair<const char*, const char*>> mends) {
  Judgment out;
  out.as_of = *parse_date("2026-11-25");
  for (const auto& [subject, mend] : mends) {
    Finding& f = out.findings.emplace_back();
    f.asked = std::make_shared<const Asked>(Asked{.requirement = "r" + std::to_string(out.findings.size()), .about = "contract"});
    f.subject = subject, f.mend = mend;
    f.status = Status::fail;
  }
  return out;
}

TEST(Acts, WordsOfAMendFillTheBlanks) {
  auto acts = acts_of(
      "kind: act\nid: write\nwords: \"kind: plan, is: {word}, or addresses: [\\\"{about}\\\"]\"\ndoes: Write on {about}\ncost: 8\nchange: "
      "|\n  kind: "
      "plan\n  id: mend-{about-id}\n  name: On {about}\n  is: {word}\n  approved: {today}\n  owner: {person}\n  terms: {a: b}\n");
  ASSERT_TRUE(acts.ok()) << acts.error().message;
  const auto got =
      possible(judgment_of({{"clinic", "Declare it: kind: plan, is: sanction, or addresses: [\"164.308(a)(1)(ii)(C)\"]; now."}}),
               stack_of(kClinic), *acts, false);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].does, "Write on 164.308(a)(1)(ii)(C)");
  EXPECT_EQ(got[0].change,
            "kind: plan\nid: mend-164.308-a-1-ii-c\nname: On 164.308(a)(1)(ii)(C)\nis: sanction\napproved: 2026-11-25\nowner: jo\nterms: "
            "{a: b}\n");
  EXPECT_EQ(got[0].cost, 8u);
}

TEST(Acts, AMendWithoutEndIsLeftToPeople) {
  auto acts = acts_of("kind: act\nid: stop\nwords: \"Renew * or stop {flow}\"\ndoes: Stop {flow}\ncost: 1\nwithout: [\"{flow}\"]\n");
  ASSERT_TRUE(acts.ok()) << acts.error().message;
  const std::string endless = "Renew " + std::string(1 << 20, 'x') + " or stop f1";
  EXPECT_TRUE(possible(judgment_of({{"f1", endless.c_str()}}), stack_of(kClinic), *acts, false).empty());
  EXPECT_EQ(possible(judgment_of({{"f1", "Renew it or stop f1"}}), stack_of(kClinic), *acts, false).size(), 1u);
}

TEST(Acts, OneActGathersWhatItTakesAlong) {
  auto acts = acts_of(
      "kind: act\nid: read\nwords: \"Read {agreement} for {clause} and\"\ngather: clause\ndoes: Read {agreement} for {clause}\ncost: "
      "2\neach: 3\n"
      "change: |\n  kind: agreement\n  id: {agreement}\n  clauses:\n  {clauses}{clause-clauses}\n");
  ASSERT_TRUE(acts.ok()) << acts.error().message;
  const auto got = possible(
      judgment_of({{"baa", "Read baa for (A) and say."}, {"baa", "Read baa for (B) and say."}, {"b2", "Read b2 for (A) and say."}}),
      stack_of(kClinic), *acts, false);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].does, "Read baa for (A), (B)");
  EXPECT_EQ(got[0].cost, 5u);
  EXPECT_NE(got[0].change.find("  - {cite: \"(A)\", is: present}\n  - {cite: \"(B)\", is: present}\n"), std::string::npos) << got[0].change;
}

TEST(Acts, JoinsFieldsOfOneDocumentUnlessTheyDiffer) {
  Mend a, b, c;
  a.change = "kind: system\nid: ehr\nencrypted: true\n---\nkind: plan\nid: p\nis: other\n";
  b.change = "kind: system\nid: ehr\ncritical: true\nencrypted: true\n";
  c.change = "kind: system\nid: ehr\nencrypted: false\n";
  const Mend* both[] = {&a, &b};
  EXPECT_EQ(joined(both), "kind: system\nid: ehr\nencrypted: true\ncritical: true\n---\nkind: plan\nid: p\nis: other\n");
  const Mend* clash[] = {&a, &c};
  EXPECT_FALSE(joined(clash));
}

TEST(Acts, TakesDocumentsAndFieldsOut) {
  const std::string ids[] = {"f1"}, fields[] = {"r observe-until"};
  EXPECT_EQ(
      less("kind: flow\nid: f1\n---\nkind: route\nid: r  # in front\nmode: observe\nobserve-until: 2027-01-01\nserves: ehr\n", ids, fields),
      "kind: route\nid: r  # in front\nmode: observe\nserves: ehr\n");
}

TEST(Acts, SaysWhereTheyAreWrong) {
  const std::pair<const char*, const char*> rows[] = {
      {"kind: plan\nid: x\n", "kind: act"},
      {"kind: act\nid: x\nwords: a\ndoes: b\n", "has a change"},
      {"kind: act\nid: x\nwords: \"{a\"\ndoes: b\nchange: c\n", "opens a {"},
      {"kind: act\nid: x\nwords: a\ndoes: b\nchange: c\ncost: 0\n", "at least an hour"},
      {"kind: act\nid: x\nwords: a\ndoes: b\nchange: c\ncosts: 1\n", "unknown key 'costs'"},
      {"kind: act\nid: x\nwords: a\ndoes: b\nchange: c\n---\nkind: act\nid: x\nwords: a\ndoes: b\nchange: c\n", "two acts"},
  };
  for (const auto& [yaml, says] : rows) {
    auto acts = acts_of(yaml);
    ASSERT_FALSE(acts.ok()) << yaml;
    EXPECT_NE(acts.error().message.find(says), std::string::npos) << acts.error().message;
    EXPECT_TRUE(acts.error().message.starts_with("acts.yaml:"));
  }
}

}  // namespace
}  // namespace licet::rules
