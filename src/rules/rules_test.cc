#include "rules/rules.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "rules/crosswalk.h"
#include "rules/internal/cases.h"
#include "rules/internal/shipped_packs.h"

namespace licet::rules {
namespace {

constexpr const char* kPack = R"(kind: pack
id: test
version: "1.0"
status: in-force
title: A test
source: none
retrieved-on: 2026-01-01
)";

constexpr const char* kHead = "kind: stack\nid: t\nformat: 1\ntenant: t\ntimezone: Etc/UTC\n---\n";
constexpr const char* kTwo = R"(kind: organization
id: clinic
name: Clinic
covered: true
functions: [provider]
---
kind: system
id: ehr
owner: clinic
region: us-east
---
kind: system
id: lab
owner: clinic
---
kind: person
id: jo
organization: clinic
---
kind: flow
id: f
from: ehr
to: lab
data: [clinical.note, special.sud]
purposes: [TREAT]
)";

Date day(const char* text) {
  auto d = parse_date(text);
  EXPECT_TRUE(d.ok()) << text;
  return *d;
}

stack::Relations relations_of(const std::string& yaml, const std::vector<stack::Fact>& facts = {}) {
  const stack::Source source{"s.yaml", kHead + yaml, stack::Layer::authored};
  const stack::Loaded loaded = stack::load(std::span(&source, 1));
  EXPECT_TRUE(loaded.stack) << (loaded.problems.empty() ? "" : loaded.problems.front().text());
  return loaded.stack ? stack::relations(*loaded.stack, facts) : stack::Relations();
}

Result<Pack> pack_of(const std::string& rules) {
  const stack::Source files[] = {{"pack.yaml", kPack, {}}, {"r.yaml", rules, {}}};
  return load_pack(files);
}

// A requirement on systems with the given parts.
std::string rule(const std::string& check, const std::string& more = "",
                 const std::string& each = "select id as subject, region, at from v_system") {
  return "id: r1\ncites: [\"1\"]\nsource: law\nabout: contract\nlevel: required\nasks: A\nproves: full\nmend: Give {subject} a region, not "
         "{region}.\n" +
         (more.find("effect:") == std::string::npos ? std::string("effect: {default: block}\n") : "") + more + "each: " + each +
         "\ncheck: |\n  " + check + "\n";
}

Result<Judgment> judged(const std::string& rules, const std::string& yaml = kTwo, const char* as_of = "2026-06-15") {
  LICET_TRY(pack, pack_of(rules));
  return judge(relations_of(yaml), std::span(&pack, 1), day(as_of));
}

const Finding* find(const Judgment& j, std::string_view subject) {
  for (const Finding& f : j.findings)
    if (f.subject == subject) return &f;
  return nullptr;
}

std::string bytes(const Judgment& j) {
  std::string out = j.under + "\n";
  for (const Finding& f : j.findings)
    out += fmt::format("{}|{}|{}|{}|{}|{}|{}\n", f.asked->requirement, f.subject, name(f.status), f.because, f.witness, f.facts, f.mend);
  for (const Ground& g : j.grounds)
    out += fmt::format("{}|{}|{}|{}|{}\n", g.id, fmt::join(g.classes, ","), fmt::join(g.purposes, ","), g.witness, g.because);
  for (const Prohibition& p : j.prohibitions) out += fmt::format("{}|{}\n", p.id, p.because);
  return out;
}

// ---- covers

TEST(Covers, WildcardsNeverReachWhatGoesByNameOnly) {
  struct Row {
    const char *pattern, *cls;
    bool covers;
  };
  for (const Row& r :
       {Row{"clinical.note", "clinical.note", true}, Row{"clinical.*", "clinical.note", true},
        Row{"clinical.*", "clinical.note.draft", true}, Row{"clinical.*", "clinical", false}, Row{"clinical.*", "clinicalx.note", false},
        Row{"clinical.note", "clinical.*", false}, Row{"clinical.*", "clinical.*", true}, Row{"*", "clinical.*", true}, Row{"*", "*", true},
        Row{"clinical.*", "*", false}, Row{"*", "special.sud", false}, Row{"*", "unclassified", false},
        Row{"special.*", "special.sud", false}, Row{"special.*", "special.*", false}, Row{"special.sud", "special.sud", true},
        Row{"unclassified", "unclassified", true}, Row{"clinical.note", "clinical.notes", false}, Row{"", "x", false}, Row{"x", "", false}})
    EXPECT_EQ(covers(r.pattern, r.cls), r.covers) << r.pattern << " covers " << r.cls;
}

// ---- packs as files

TEST(Pack, SaysWhereItIsWrong) {
  struct Row {
    const char *rules, *says;
  };
  const std::string good = rule("select subject, 'pass' as status, 'b' as because from {each}");
  EXPECT_TRUE(pack_of(good).ok());
  const std::string unknown_key = good + "efect: {}\n", no_default = rule("x", "effect: {treatment: alarm}\n"),
                    grace = rule("x", "effect: {default: {grace: 30h}}\n");
  const std::string twice = good + "---\n" + good, status = rule("x", "cases: {green: []}\n"), kind = "kind: ruling\nid: x\n";
  const std::string world = rule("x", "cases: {pass: [{in: nowhere, subject: x}]}\n");
  const std::string meets = rule("x", "meets: mfa\n"), of = good + "---\nkind: cases\nof: r2\ncases: {}\n";
  const std::string ground_of = good + "---\nkind: cases\nof: r1\ncases: {ground: []}\n";
  for (const auto& [rules, says] : std::vector<std::pair<std::string, std::string>>{{unknown_key, "r.yaml:13: unknown key 'efect'"},
                                                                                    {no_default, "what the default is"},
                                                                                    {grace, "grace is a number of days"},
                                                                                    {twice, "is taken by r.yaml:1"},
                                                                                    {status, "'green' can't be expected here"},
                                                                                    {kind, "'kind' is one of"},
                                                                                    {meets, "'meets' is training"},
                                                                                    {of, "no rule of this pack has the id 'r2'"},
                                                                                    {ground_of, "'ground' can't be expected here"},
                                                                                    {world, "no world has the id 'nowhere'"},
                                                                                    {"id: [x", "r.yaml:"},
                                                                                    {"- 1\n", "a document of a pack is a map"}}) {
    const auto pack = pack_of(rules);
    ASSERT_FALSE(pack.ok()) << rules;
    EXPECT_EQ(pack.error().code, Code::invalid_argument);
    EXPECT_NE(pack.error().message.find(says), std::string::npos) << pack.error().message << " lacks " << says;
  }
  EXPECT_FALSE(load_pack({}).ok());
}

TEST(Pack, CasesMayStandApart) {
  const std::string good = rule("select subject, 'pass' as status, 'b' as because from {each}");
  const std::string cases =
      "---\nkind: cases\nof: r1\ncases:\n  outside:\n    - {yaml: \"kind: organization\\nid: o\\nname: O\\n\", subject: o}\n";
  const stack::Source files[] = {{"pack.yaml", kPack, {}}, {"a.yaml", cases.substr(4), {}}, {"r.yaml", good, {}}};  // before its rule
  const auto pack = load_pack(files);
  ASSERT_TRUE(pack.ok()) << pack.error().message;
  ASSERT_EQ(pack->cases.size(), 1u);
  EXPECT_EQ(pack->cases[0].requirement, "r1");
  EXPECT_EQ(pack->cases[0].file, "a.yaml");
}

// ---- the six states

TEST(Judge, PassAndFailCarryTheSentenceTheWitnessAndTheFacts) {
  auto j =
      judged(rule("select subject, case when region is null then 'fail' else 'pass' end as status, subject || ' is in ' || "
                  "coalesce(region, 'no region') as because,"
                  " json_array(subject, 'clinic') as witness, json_array(subject, 'clinic', null) as facts from {each}"));
  ASSERT_TRUE(j.ok()) << j.error().message;
  ASSERT_EQ(j->findings.size(), 2U);
  EXPECT_EQ(j->under, "under packs test@1.0; state law not assessed");
  const Finding &ehr = j->findings[0], &lab = j->findings[1];
  EXPECT_EQ(ehr.status, Status::pass);
  EXPECT_EQ(ehr.sentence(), "ehr is in us-east (under packs test@1.0; state law not assessed)");
  EXPECT_EQ(ehr.sentence(), sentence("ehr is in us-east", j->under));
  EXPECT_EQ(ehr.witness, R"(["ehr","clinic"])");
  EXPECT_EQ(ehr.facts, R"([{"id":"ehr","at":"s.yaml:13"},{"id":"clinic","at":"s.yaml:7"}])");
  EXPECT_EQ(ehr.mend, "");
  EXPECT_EQ(lab.status, Status::fail);
  EXPECT_EQ(lab.mend, "Give lab a region, not .");
  EXPECT_EQ(lab.asked->effect.at("default").what, Effect::What::block);
}

TEST(Judge, AnEmptyPopulationIsNotApplicableNeverAPass) {
  auto j = judged(rule("select subject, 'pass' as status, 'b' as because from {each}", "none: There is no offer\n",
                       "select id as subject, id as region from v_offer"));
  ASSERT_TRUE(j.ok()) << j.error().message;
  ASSERT_EQ(j->findings.size(), 1U);
  EXPECT_EQ(j->findings[0].subject, "");
  EXPECT_EQ(j->findings[0].status, Status::not_applicable);
  EXPECT_TRUE(j->findings[0].sentence().starts_with("There is no offer (under packs"));
}

TEST(Judge, WhatMustBeKnownAndIsNotIsUnknownWithTheQuestion) {
  auto j = judged(
      rule("select subject, 'pass' as status, 'b' as because from {each}", "needs: {region: \"Where does {subject} keep its data?\"}\n"));
  ASSERT_TRUE(j.ok()) << j.error().message;
  EXPECT_EQ(find(*j, "ehr")->status, Status::pass);
  EXPECT_EQ(find(*j, "lab")->status, Status::unknown);
  EXPECT_TRUE(find(*j, "lab")->sentence().starts_with("Where does lab keep its data? (under"));
}

TEST(Judge, ASubjectWithoutAVerdictIsUnknown) {
  auto j = judged(rule("select subject, 'pass' as status, 'b' as because from {each} where subject = 'ehr'"));
  ASSERT_TRUE(j.ok()) << j.error().message;
  EXPECT_EQ(find(*j, "lab")->status, Status::unknown);
}

TEST(Judge, WhatAPackDoesWrongIsAnErrorThatNamesThePlace) {
  const std::string b = ", 'b' as because from {each}";
  for (const auto& [check, says] : std::vector<std::pair<std::string, std::string>>{
           {"select 'ghost' as subject, 'pass' as status, 'b' as because", "a verdict on 'ghost', which 'each' does not name"},
           {"select subject, 'pass' as status" + b + " union all select subject, 'fail' as status" + b, "two verdicts on"},
           {"select subject, 'green' as status" + b, "the status of"},
           {"select subject, 'accepted' as status" + b, "the status of"},
           {"select subject, 'pass' as status, null as because from {each}", "no 'because'"},
           {"select subject, 'pass' as status from {each}", "must select subject, status and because"},
           {"select subject, 'fail' as status, 'x' as witness" + b, "no JSON array"},
           {"select subject, 'fail' as status, json_array('nobody') as facts" + b, "'nobody', which is not on record"},
           {"select subject, 'fail' as status, 'soon' as since" + b, "must be dates"},
           {"selekt", "syntax error"},
           {"select subject from nowhere", "no such table"},
           {"select 1; select 2", "more than one"}}) {
    auto j = judged(rule(check));
    ASSERT_FALSE(j.ok()) << check;
    EXPECT_EQ(j.error().code, Code::invalid_argument) << check;
    EXPECT_TRUE(j.error().message.starts_with("r.yaml:1: r1 (check): ")) << j.error().message;
    EXPECT_NE(j.error().message.find(says), std::string::npos) << j.error().message;
  }
  auto twice = judged(rule("select 1", "", "select 'x' as subject union all select 'x'"));
  ASSERT_FALSE(twice.ok());
  EXPECT_NE(twice.error().message.find("names the subject 'x' twice"), std::string::npos);
  auto unmendable = judged(rule("select subject, 'fail' as status, 'b' as because from {each}", "", "select id as subject from v_system"));
  ASSERT_FALSE(unmendable.ok());
  EXPECT_NE(unmendable.error().message.find("neither 'each' nor 'check' selects 'region'"), std::string::npos);
}

TEST(Judge, APackCanOnlyRead) {
  for (const char* check :
       {"insert into v_thing values (1, 2, 3)", "delete from system", "update v_system set region = 'x'", "drop table system",
        "create table x(y)", "attach database '/tmp/x' as y", "pragma table_info(system)", "select * from pragma_table_info('system')",
        "vacuum into '/tmp/licet-x'", "select subject, 'pass' as status, random() as because from {each}", "select load_extension('x')",
        "select subject, 'pass' as status, current_date as because from {each}", "begin", "reindex"}) {
    auto j = judged(rule(check));
    ASSERT_FALSE(j.ok()) << check;
    EXPECT_EQ(j.error().code, Code::invalid_argument) << check << ": " << j.error().message;
  }
  auto now = judged(rule("select subject, 'pass' as status, coalesce(date('now'), 'no clock') as because from {each}"));
  ASSERT_TRUE(now.ok()) << now.error().message;
  EXPECT_TRUE(now->findings[0].because.starts_with("no clock"));
  auto view = judged("kind: view\nid: v_x\nrows: select 1; drop table system\n---\n" +
                     rule("select subject, 'pass' as status, 'b' as because from {each}"));
  EXPECT_FALSE(view.ok());
  auto moody = judged("kind: view\nid: v_x\nrows: select random() as r\n---\n" +
                      rule("select subject, 'pass' as status, 'b' || r as because from {each}, v_x"));
  EXPECT_FALSE(moody.ok());
}

// Two requirements, one view, grounds and a prohibition: whoever of the threads takes which, the judgment is the same.
TEST(Judge, TwoThreadsSayWhatOneSays) {
  std::string rules =
      "kind: view\nid: v_x\nrows: select id, owner from v_system\n---\nkind: ground\nid: g\ngives: treatment\ncites: [\"1\"]\nasks: "
      "A\nrows: "
      "select id as flow, target as recipient, data as classes, purposes, json_array(id) as witness, 'b' as because from v_flow\n";
  for (int i = 0; i < 40; ++i) {
    std::string one =
        rule(fmt::format(
                 "select e.subject, case when x.owner = 'clinic' then 'pass' else 'fail' end as status, 'b{}' as because from {{each}} e "
                 "join v_x x on x.id = e.subject join json_tree('[1]') t on t.type = 'integer'",
                 i),
             "", "select id as subject, region, (select count(*) from v_ground g where g.recipient = s.id) as n from v_system s");
    one.replace(one.find("id: r1"), 6, fmt::format("id: r{}", i));
    rules += "---\n" + one;
  }
  auto pack = pack_of(rules);
  ASSERT_TRUE(pack.ok()) << pack.error().message;
  const stack::Relations relations = relations_of(kTwo);
  const auto with = [&](unsigned threads) { return judge(relations, std::span(&*pack, 1), day("2026-06-15"), threads); };
  auto one = with(1), two = with(2), three = with(3);
  ASSERT_TRUE(one.ok()) << one.error().message;
  ASSERT_TRUE(two.ok()) << two.error().message;
  ASSERT_TRUE(three.ok()) << three.error().message;
  EXPECT_EQ(one->findings.size(), 80u);
  EXPECT_EQ(one->grounds.size(), 1u);
  EXPECT_EQ(bytes(*one), bytes(*two));
  EXPECT_EQ(bytes(*one), bytes(*three));
}

TEST(Judge, TheFirstErrorInOrderIsSaidWhateverTheThreads) {
  std::string rules;
  for (int i = 10; i < 30; ++i) {
    std::string one = rule(i % 2 == 0 ? "select subject, 'pass' as status, 'b' as because from {each}" : "select no_such_column");
    one.replace(one.find("id: r1"), 6, fmt::format("id: r{}", i));
    rules += (rules.empty() ? "" : "---\n") + one;
  }
  auto pack = pack_of(rules);
  ASSERT_TRUE(pack.ok()) << pack.error().message;
  const stack::Relations relations = relations_of(kTwo);
  for (unsigned threads : {1u, 2u, 2u, 2u}) {
    auto j = judge(relations, std::span(&*pack, 1), day("2026-06-15"), threads);
    ASSERT_FALSE(j.ok());
    EXPECT_NE(j.error().message.find("r11 (check)"), std::string::npos) << j.error().message;
  }
}

TEST(Judge, ARuleThatNeverEndsIsStopped) {
  auto j =
      judged(rule("with recursive n(i) as (select 1 union all select i + 1 from n) select 'ehr' as subject, 'pass' as status, 'b' as "
                  "because from n where i < 0"));
  ASSERT_FALSE(j.ok());
  EXPECT_EQ(j.error().code, Code::exhausted);
  auto millions = judged(
      rule("with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000000) select 'ehr' as subject, 'pass' as status, "
           "'b' as because from n",
           "", "select 'ehr' || column1 as subject from (values (1))"));
  EXPECT_FALSE(millions.ok());
  auto many = judged(rule("select 1", "",
                          "with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000000) select i as subject from n"));
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().code, Code::exhausted) << many.error().message;
  auto long_words = judged(rule("select subject, 'pass' as status, hex(zeroblob(20000)) as because from {each}"));
  ASSERT_FALSE(long_words.ok());
  EXPECT_EQ(long_words.error().code, Code::exhausted);
}

constexpr const char* kDecision = R"(---
kind: decision
id: d1
about: [r1]
subjects: [lab]
choice: alternative
alternative: a locked room
reason: it is small
by: jo
on: 2026-01-01
until: 2026-12-31
)";

TEST(Judge, DecisionsLiftOnlyWhatIsAddressableOrPolicy) {
  const std::string check = "select subject, 'fail' as status, 'It is bad' as because from {each}";
  const auto with = [&](const char* level, const char* source, const char* as_of) {
    std::string text = rule(check);
    text.replace(text.find("level: required"), 15, fmt::format("level: {}", level));
    text.replace(text.find("source: law"), 11, fmt::format("source: {}", source));
    auto j = judged(text, std::string(kTwo) + kDecision, as_of);
    EXPECT_TRUE(j.ok()) << j.error().message;
    EXPECT_EQ(find(*j, "ehr")->status, Status::fail);  // the decision is about lab
    return *find(*j, "lab");
  };
  Finding f = with("addressable", "law", "2026-06-15");
  EXPECT_EQ(f.status, Status::accepted);
  EXPECT_TRUE(f.sentence().starts_with("It is bad; accepted by the decision d1 (alternative) until 2026-12-31 (under")) << f.because;
  EXPECT_NE(f.facts.find("\"d1\""), std::string::npos);
  EXPECT_EQ(with("standard", "policy", "2026-06-15").status, Status::accepted);
  f = with("required", "law", "2026-06-15");
  EXPECT_EQ(f.status, Status::fail);
  EXPECT_NE(f.because.find("does not lift it: only addressable"), std::string::npos);
  f = with("addressable", "law", "2027-01-01");
  EXPECT_EQ(f.status, Status::stale);
  EXPECT_NE(f.because.find("stood until 2026-12-31"), std::string::npos);
}

TEST(Judge, EvidenceThatNoLongerCountsMakesAPassStale) {
  const std::string evidence = "---\nkind: evidence\nid: e1\nis: test\nabout: [ehr]\neffective: 2026-01-01\nexpires: 2026-03-31\n";
  const std::string check =
      "select subject, 'pass' as status, 'It was tested' as because, json_array((select id from v_evidence where about = subject)) as "
      "facts from {each}";
  auto j = judged(rule(check), kTwo + evidence);
  ASSERT_TRUE(j.ok()) << j.error().message;
  EXPECT_EQ(find(*j, "ehr")->status, Status::stale);
  EXPECT_TRUE(find(*j, "ehr")->sentence().starts_with("It was tested, but e1 counted only until 2026-03-31 (under"));
  EXPECT_EQ(find(*j, "ehr")->since, day("2026-04-01"));
  EXPECT_EQ(find(*j, "lab")->status, Status::pass);
  auto earlier = judged(rule(check), kTwo + evidence, "2026-03-31");
  ASSERT_TRUE(earlier.ok());
  EXPECT_EQ(find(*earlier, "ehr")->status, Status::pass);
  EXPECT_EQ(earlier->next_change, day("2026-04-01"));
}

TEST(Judge, TheNextChangeIsTheNextDateThatMatters) {
  const std::string until = "select subject, 'fail' as status, 'b' as because, '2026-06-10' as since, '2026-08-01' as until from {each}";
  auto j = judged(rule(until, "effect: {default: {grace: 20d}}\n"));
  ASSERT_TRUE(j.ok()) << j.error().message;
  EXPECT_EQ(j->next_change, day("2026-06-30"));  // since + grace, before until
  auto none = judged(rule("select subject, 'pass' as status, 'b' as because from {each}"));
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->next_change, std::nullopt);
}

TEST(Judge, PacksApplyFromTheirDayAndNotWhenSuperseded) {
  auto pack = pack_of(rule("select subject, 'pass' as status, 'b' as because from {each}"));
  ASSERT_TRUE(pack.ok());
  pack->info.effective = day("2026-07-01");
  auto before = judge(relations_of(kTwo), std::span(&*pack, 1), day("2026-06-30"));
  ASSERT_TRUE(before.ok());
  EXPECT_TRUE(before->findings.empty());
  EXPECT_EQ(before->next_change, day("2026-07-01"));
  EXPECT_EQ(before->under, "under no pack; state law not assessed");
  auto after = judge(relations_of(kTwo), std::span(&*pack, 1), day("2026-07-01"));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->findings.size(), 2U);
}

// ---- grounds

std::string ground(const std::string& rows) {
  return "kind: ground\nid: g1\ngives: treatment\ncites: [\"164.506(c)(1)\"]\nrows: " + rows + "\n";
}

TEST(Grounds, AreRowsInForceOnTheDay) {
  const std::string base = "select id as flow, target as recipient, data as classes, purposes, json_array(id) as witness, 'b' as because";
  auto j = judged(ground(base + ", '2026-06-15' as live_until, 1 as accountable, 0 as minimum_necessary from v_flow"));
  ASSERT_TRUE(j.ok()) << j.error().message;
  ASSERT_EQ(j->grounds.size(), 1U);
  const Ground& g = j->grounds[0];
  EXPECT_EQ(g.id, "treatment:f");
  EXPECT_EQ(g.recipient, "lab");
  EXPECT_EQ(g.classes, (std::vector<std::string>{"clinical.note", "special.sud"}));
  EXPECT_EQ(g.cites, "164.506(c)(1)");
  EXPECT_TRUE(g.accountable);
  EXPECT_FALSE(g.minimum_necessary);
  EXPECT_EQ(j->next_change, day("2026-06-16"));
  for (const char* gone : {", '2026-06-14' as live_until from v_flow", ", '2026-06-16' as live_from from v_flow"}) {
    auto none = judged(ground(base + gone));
    ASSERT_TRUE(none.ok()) << none.error().message;
    EXPECT_TRUE(none->grounds.empty());
  }
  for (const auto& [rows, says] : std::vector<std::pair<std::string, std::string>>{
           {base + ", 1 as colour from v_flow", "unknown column 'colour'"},
           {base + ", 'secret' as form from v_flow", "no such word"},
           {"select id as flow from v_flow", "selects no column 'recipient'"},
           {base + " from v_flow union all " + base + " from v_flow", "two grounds are called"}}) {
    auto bad = judged(ground(rows));
    ASSERT_FALSE(bad.ok()) << rows;
    EXPECT_NE(bad.error().message.find(says), std::string::npos) << bad.error().message;
  }
}

TEST(Grounds, RequirementsSeeThemAndGroundsDoNot) {
  const std::string base = "select id as flow, target as recipient, data as classes, purposes, json_array(id) as witness, 'b' as because";
  const std::string asks = rule(
      "select subject, 'pass' as status, (select group_concat(g.kind || g.flow || p.purpose || c.pattern) from v_ground g"
      " join v_ground_purpose p on p.ground = g.id join v_ground_class c on c.ground = g.id) as because from {each}");
  auto j = judged(ground(base + ", 'workforce' as effect_as from v_flow") + "---\n" + asks);
  ASSERT_TRUE(j.ok()) << j.error().message;
  EXPECT_TRUE(find(*j, "ehr")->sentence().starts_with("treatmentfTREATclinical.note,treatmentfTREATspecial.sud ")) << find(*j, "ehr")->sentence();
  EXPECT_EQ(j->grounds[0].effect_as, "workforce");
  auto own = judged(ground(base + " from v_flow where exists (select 1 from v_ground)"));
  ASSERT_TRUE(own.ok()) << own.error().message;
  EXPECT_TRUE(own->grounds.empty());
  // Between the two nothing can be written: the pack's SQL compiles only under the lock.
  auto writes = judged(ground(base + " from v_flow") + "---\n" + rule("delete from v_ground"));
  ASSERT_FALSE(writes.ok());
  EXPECT_EQ(writes.error().code, Code::invalid_argument);
}

// ---- the packs that come with Licet

const std::vector<Pack>& shipped() {
  return shipped_packs();
}
std::vector<Pack> in_force() {
  std::vector<Pack> out = shipped();
  std::erase_if(out, [](const Pack& p) { return p.info.status != "in-force"; });
  return out;
}

TEST(Clauses, AreReadStrictly) {
  const std::string good =
      "kind: clause\nid: offshore\npath: terms.offshore\ncites: [\"1\"]\nasks: a\nby: gate\ncontrol: b\nrules: [r1]\namendment: c\n";
  auto pack = pack_of(good + "shows: {reasons: [no-ground]}\n");
  ASSERT_TRUE(pack.ok()) << pack.error().message;
  ASSERT_EQ(pack->clauses.size(), 1U);
  EXPECT_TRUE(pack->clauses[0].shows());
  EXPECT_EQ(pack->clauses[0].reasons, std::vector<std::string>{"no-ground"});
  struct Row {
    std::string yaml;
    const char* says;
  };
  const Row rows[] = {
      {good + "shows: {colors: [red]}\n", "unknown key 'colors'"},
      {good + "---\n" + good, "given twice"},
      {"kind: clause\nid: x\ncites: [\"1\"]\nasks: a\nby: magic\ncontrol: b\nrules: [r1]\namendment: c\n", "'by' is one of"},
      {"kind: clause\nid: x\ncites: [\"1\"]\nasks: a\nby: gate\nrules: [r1]\namendment: c\n", "'control' is missing"},
      {"kind: letter\nid: l\ndraft: d\nopening: o\n", "'closing' is missing"}};
  for (const Row& r : rows) {
    auto wrong = pack_of(r.yaml);
    ASSERT_FALSE(wrong.ok()) << r.says;
    EXPECT_NE(wrong.error().message.find(r.says), std::string::npos) << wrong.error().message;
  }
}

TEST(Clauses, OfARuleThatNobodyHasAreNoticed) {
  auto one = pack_of("kind: clause\nid: offshore\ncites: [\"1\"]\nasks: a\nby: gate\ncontrol: b\nrules: [gone]\namendment: c\n");
  auto two = pack_of("kind: view\nid: v_x\nrows: select 1 as a\n");
  ASSERT_TRUE(one.ok() && two.ok());
  const std::vector<Pack> packs = {*std::move(one), *std::move(two)};
  auto messages = run_cases(packs);
  ASSERT_TRUE(messages.ok());
  ASSERT_EQ(messages->size(), 1U);
  EXPECT_NE(messages->front().find("the clause offshore names the rule gone, which no pack has"), std::string::npos);
}

TEST(Clauses, GapsComeFromTheCheck) {
  const auto gaps = [](const std::string& text) {
    return rule("select id as subject, 'fail' as status, 'no' as because, '" + text + "' as gaps from v_system", "",
                "select id as subject, region from v_system");
  };
  auto judgment = judged(gaps(R"([{"term":"offshore","agreement":"a","needs":"prohibited"}])"));
  ASSERT_TRUE(judgment.ok()) << judgment.error().message;
  ASSERT_EQ(judgment->findings.size(), 2U);
  ASSERT_EQ(judgment->findings[0].gaps.size(), 1U);
  EXPECT_EQ(judgment->findings[0].gaps[0].term, "offshore");
  EXPECT_EQ(judgment->findings[0].gaps[0].needs, "prohibited");
  EXPECT_EQ(judgment->findings[0].about_ids(), std::vector<std::string>{"ehr"});
  for (const char* bad : {"{}", "[1]", R"([{"needs":"x"}])"}) EXPECT_FALSE(judged(gaps(bad)).ok()) << bad;
}

TEST(Packs, EveryCaseComesOutAsItSays) {
  const std::vector<Pack> packs = shipped();
  ASSERT_GE(packs.size(), 3U);
  auto messages = run_cases(packs);
  ASSERT_TRUE(messages.ok());
  EXPECT_TRUE(messages->empty()) << fmt::format("{}", fmt::join(*messages, "\n"));
}

// A rule that is broken must be noticed by its first pass and its first fail case: whatever it fails passes, whatever it passes fails, and
// it reads another paragraph. (mutation_test.cc breaks rules in subtler ways.)
TEST(Packs, CasesNoticeABrokenRule) {
  auto mold = Mold::make();
  ASSERT_TRUE(mold.ok()) << mold.error().message;
  for (const Pack& pack : shipped()) {
    std::map<std::string, std::size_t> index;
    for (std::size_t i = 0; i < pack.requirements.size(); ++i) index[pack.requirements[i].id] = i;
    std::set<std::pair<std::string, std::string>> first;
    std::set<const Pack::Case*> firsts;
    for (const Pack::Case& c : pack.cases)
      if (index.contains(c.requirement) && (c.expect == "pass" || c.expect == "fail") && first.emplace(c.requirement, c.expect).second)
        firsts.insert(&c);
    EXPECT_EQ(firsts.size(), 2 * pack.requirements.size()) << pack.info.id;
    for (const Stand& stand : stands_of(pack)) {
      if (std::none_of(stand.cases.begin(), stand.cases.end(), [&](const auto* c) { return firsts.contains(c); })) continue;
      auto bench = stand.open(*mold);
      ASSERT_TRUE(bench.ok()) << bench.error().message;
      for (const Pack::Case* c : stand.cases) {
        if (!firsts.contains(c)) continue;
        Pack broken = just(pack, c->requirement);
        const std::string check = pack.requirements[index[c->requirement]].check;
        const auto notices = [&](const std::string& instead) {
          broken.requirements[0].check = instead;
          auto judged = bench->judge(std::span(&broken, 1));
          return judged && !off(*c, *judged).empty();
        };
        if (c->expect == "fail")
          EXPECT_TRUE(notices("select replace(status, 'fail', 'pass') as status, * from (" + check + ")")) << c->requirement;
        if (c->expect != "pass") continue;
        EXPECT_TRUE(notices("select replace(status, 'pass', 'fail') as status, * from (" + check + ")")) << c->requirement;
        // What stands on the shared views stands on the right row of them.
        for (const std::string_view key : {"cite = '", "kind = '"}) {
          const std::size_t at = check.find(key);
          const bool shared = check.find(" from v_paper ") != check.npos || check.find(" from v_act ") != check.npos;
          if (!shared || at == std::string::npos) continue;
          EXPECT_TRUE(notices(std::string(check).insert(at + key.size(), "x"))) << c->requirement;
        }
      }
    }
  }
}

// Each requirement has cases of all four verdicts, or says why one can't come up.
TEST(Packs, EveryRequirementHasCasesOfEveryVerdict) {
  for (const Pack& pack : shipped()) {
    std::set<std::pair<std::string, std::string>> seen;
    for (const Pack::Case& c : pack.cases) seen.emplace(c.requirement, c.expect);
    for (const Requirement& r : pack.requirements) {
      for (const char* status : {"pass", "fail", "unknown", "not-applicable"})
        EXPECT_TRUE(seen.contains({r.id, status}) || r.never.contains(status)) << r.id << " has no case that expects " << status;
      for (const auto& [status, reason] : r.never) {
        EXPECT_FALSE(status == "pass" || status == "fail") << r.id << ": a rule that can't " << status << " asks nothing";
        EXPECT_GT(reason.size(), 20U) << r.id;
      }
    }
  }
}

// What a requirement says can't come up does not: its check doesn't know the word, it needs no column, and no world of any pack brings it
// about.
TEST(Packs, WhatNeverComesUpDoesNot) {
  std::size_t excused = 0;
  for (const Pack& pack : shipped()) {
    Pack few = pack;
    std::erase_if(few.requirements, [](const Requirement& r) { return r.never.empty(); });
    excused += few.requirements.size();
    if (few.requirements.empty()) continue;
    std::map<std::string, const Requirement*> by_id;
    for (const Requirement& r : few.requirements) {
      by_id.emplace(r.id, &r);
      if (!r.never.contains("unknown")) continue;
      EXPECT_TRUE(r.needs.empty()) << r.id;
      EXPECT_EQ(r.check.find("'unknown'"), r.check.npos) << r.id;
    }
    auto mold = Mold::make();
    ASSERT_TRUE(mold.ok()) << mold.error().message;
    for (const Stand& stand : stands_of(pack)) {
      // A world of one of the rules that say so; under LICET_LONG=1 every world.
      const char* all = std::getenv("LICET_LONG");
      const bool own = std::any_of(stand.cases.begin(), stand.cases.end(), [&](const auto* c) { return by_id.contains(c->requirement); });
      if (!own && (all == nullptr || std::string_view(all) != "1")) continue;
      auto bench = stand.open(*mold);
      ASSERT_TRUE(bench.ok()) << bench.error().message;
      auto judged = bench->judge(std::span(&few, 1));
      ASSERT_TRUE(judged.ok()) << judged.error().message;
      for (const Finding& f : judged->findings)
        EXPECT_FALSE(by_id[f.asked->requirement]->never.contains(std::string(name(f.status))))
            << f.asked->requirement << " at " << stand.cases[0]->file << ":" << stand.cases[0]->line << ": " << f.because;
    }
  }
  EXPECT_GT(excused, 0U);
}

// A rule that is only proposed says so in every sentence, and of each of its requirements where it comes from.
TEST(Packs, WhatIsProposedSaysSo) {
  std::size_t proposed = 0, unverified = 0;
  for (const Pack& pack : shipped()) {
    for (const Requirement& r : pack.requirements) {
      EXPECT_EQ(r.source == "proposed", pack.info.status == "proposed") << r.id;
      if (r.source != "proposed") continue;
      ++proposed;
      EXPECT_TRUE(r.notes.starts_with("Provenance: ")) << r.id;
      unverified += r.notes.find("unverified") != r.notes.npos ? 1 : 0;
      for (const std::string& cite : r.cites) EXPECT_TRUE(cite.starts_with("nprm-2025:")) << r.id << ": its numbers mean other things";
      for (const auto& [ground, effect] : r.effect)
        EXPECT_EQ(effect.what, Effect::What::alarm) << r.id << ": what is not the law stops nothing";
    }
  }
  EXPECT_GE(proposed, 30U);
  EXPECT_GE(unverified, 15U);
  auto j = judge(relations_of("kind: organization\nid: clinic\nname: Clinic\ncovered: true\n"), shipped(), day("2026-06-15"));
  ASSERT_TRUE(j.ok()) << j.error().message;
  EXPECT_NE(j->under.find("hipaa-security-2025-proposed@0.1 (proposed, not in force)"), j->under.npos) << j->under;
}

// Against the data that the pack was made from, where it is at hand: what is unverified there is marked so here.
TEST(Packs, TheProposalMarksWhatItsSourceDoes) {
  std::ifstream in(std::filesystem::path(LICET_SOURCE_DIR) / "../shared/hipaa/nprm_0945-AA22.json", std::ios::binary);
  if (!in) GTEST_SKIP() << "../shared/hipaa is not here";
  const nlohmann::json source = nlohmann::json::parse(in);
  std::map<std::string, bool> marked;  // citation → is something unverified about it?
  for (const Pack& pack : shipped())
    for (const Requirement& r : pack.requirements)
      for (const std::string& cite : r.cites)
        if (cite.starts_with("nprm-2025:")) marked[cite.substr(10)] |= r.notes.find("unverified") != r.notes.npos;
  for (const auto& change : source["changes"]) {
    std::string cite = change["cite"];
    if (cite == "164.304" || cite == "164.318" || cite == "effective/compliance") continue;  // `notes` of the pack say so
    if (cite == "164.308(b)(1)-(2)") cite = "164.308(b)(1)";
    if (cite == "164.310(a)-(d)") cite = "164.310(a)";
    ASSERT_TRUE(marked.contains(cite)) << "nothing asks about the proposed " << cite;
    if (change["provenance"].get<std::string>().find("(unverified)") != std::string::npos) EXPECT_TRUE(marked[cite]) << cite;
  }
}

// ---- citations

std::set<std::string> cites_of(const std::vector<Pack>& packs) {
  std::set<std::string> out;
  for (const Pack& pack : packs)
    for (const Requirement& r : pack.requirements) out.insert(r.cites.begin(), r.cites.end());
  return out;
}
std::vector<Pack::Citation> security_rule(const std::vector<Pack>& packs) {
  for (const Pack& pack : packs)
    if (pack.info.id == "hipaa-security-2013") return pack.citations;
  return {};
}

TEST(Citations, EveryParagraphOfTheSecurityRuleIsAskedAbout) {
  const std::vector<Pack> packs = shipped();
  const std::set<std::string> cited = cites_of(packs);
  std::map<std::string, int> levels;
  for (const Pack::Citation& c : security_rule(packs)) {
    ++levels[c.level];
    EXPECT_TRUE(cited.contains(c.cite)) << c.cite << " " << c.title;
  }
  // 164.308(b)(1) and (b)(2) are one standard in two rows: 22 standards.
  EXPECT_EQ(levels, (std::map<std::string, int>{{"addressable", 22}, {"general", 8}, {"required", 26}, {"standard", 23}}));
}

// The pack's rules read the list too: the same one.
TEST(Citations, TheViewOfLevelsIsTheList) {
  for (const Pack& pack : shipped()) {
    if (pack.info.id != "hipaa-security-2013") continue;
    std::string listed;
    for (const Pack::Citation& c : pack.citations)
      listed += fmt::format("{}    ('{}', '{}')", listed.empty() ? "" : ",\n", c.cite, c.level);
    const auto view = std::find_if(pack.views.begin(), pack.views.end(), [](const Pack::Query& v) { return v.id == "v_level"; });
    ASSERT_NE(view, pack.views.end());
    std::string rows = view->sql.substr(view->sql.find('\n') + 1);
    rows = rows.substr(0, rows.rfind("\n)"));
    for (std::size_t at; (at = listed.find("    (")) != listed.npos;) listed.replace(at, 5, "  (");
    EXPECT_EQ(rows, listed);
  }
}

// No pack cites a paragraph of the Security Rule that isn't there, in whatever pack the list stands.
TEST(Citations, EveryPackCitesParagraphsThatAreThere) {
  const std::vector<Pack> packs = shipped();
  std::set<std::string> known, sections;
  for (const Pack::Citation& c : security_rule(packs)) {
    known.insert(c.cite);
    sections.insert(c.cite.substr(0, c.cite.find('(')));
  }
  for (const std::string& cite : cites_of(packs))
    if (sections.contains(cite.substr(0, cite.find('(')))) EXPECT_TRUE(known.contains(cite)) << cite;
}

// Appendix A to Subpart C counts otherwise: it has rows for 164.308 to 164.312 only (20 required, 22 addressable), and there a standard
// without specifications of its own is a required row. Our 26 required ones are its specifications, less those standards, and with those of
// 164.314 and 164.316.
TEST(Citations, AppendixAAgrees) {
  int specifications = 0, addressable = 0, beyond = 0;
  std::vector<std::string> alone;
  const std::vector<Pack::Citation> rule = security_rule(shipped());
  for (const Pack::Citation& c : rule) {
    const std::string section = c.cite.substr(0, c.cite.find('('));
    const bool appendix = section == "164.308" || section == "164.310" || section == "164.312";
    if (c.level == "addressable") ++addressable;
    if (c.level == "required") ++(appendix ? specifications : beyond);
    if (c.level != "standard" || !appendix || c.cite == "164.308(b)(2)") continue;
    // A standard (x)(1)(i) or (x)(1) has its specifications beside or below it.
    const std::string stem = c.cite.ends_with("(i)")   ? c.cite.substr(0, c.cite.size() - 3) + "(ii)"
                             : c.cite.ends_with("(1)") ? c.cite.substr(0, c.cite.size() - 3) + "("
                                                       : c.cite + "(";
    if (std::none_of(rule.begin(), rule.end(),
                     [&](const auto& o) { return (o.level == "required" || o.level == "addressable") && o.cite.starts_with(stem); }))
      alone.push_back(c.cite);
  }
  EXPECT_EQ(addressable, 22);
  EXPECT_EQ(alone, (std::vector<std::string>{"164.308(a)(2)", "164.308(a)(8)", "164.310(b)", "164.310(c)", "164.312(b)", "164.312(d)"}));
  EXPECT_EQ(specifications + static_cast<int>(alone.size()), 20);
  EXPECT_EQ(specifications + beyond, 26);
}

// Each row of Appendix A is asked about by a requirement of its own level.
TEST(Citations, EachRowOfAppendixAHasARequirementOfItsLevel) {
  std::map<std::string, std::set<std::string>> first;  // citation → levels of the requirements that cite it first
  for (const Pack& pack : in_force())
    for (const Requirement& r : pack.requirements) first[r.cites.front()].insert(r.level);
  std::size_t required = 0, addressable = 0;
  for (const Pack::Citation& c : security_rule(shipped())) {
    const std::string section = c.cite.substr(0, c.cite.find('('));
    if (section != "164.308" && section != "164.310" && section != "164.312") continue;
    static const std::set<std::string> alone = {"164.308(a)(2)", "164.308(a)(8)", "164.310(b)", "164.310(c)", "164.312(b)", "164.312(d)"};
    if (c.level == "standard" && !alone.contains(c.cite)) continue;  // its specifications are the rows
    ++(c.level == "addressable" ? addressable : required);
    EXPECT_TRUE(first[c.cite].contains(c.level)) << c.cite << " " << c.title;
  }
  EXPECT_EQ(required, 20U);
  EXPECT_EQ(addressable, 22U);
}

// ---- the audit protocol

Result<Crosswalk> ocr() {
  const std::filesystem::path path = std::filesystem::path(LICET_SOURCE_DIR) / "packs/crosswalks/ocr-audit-protocol-2016.yaml";
  std::ifstream in(path, std::ios::binary);
  return load_crosswalk({path.filename().string(), std::string(std::istreambuf_iterator<char>(in), {}), {}});
}

TEST(Crosswalk, EveryRowOfTheAuditProtocolIsMappedOrExcused) {
  auto walk = ocr();
  ASSERT_TRUE(walk.ok()) << walk.error().message;
  std::set<std::string> known;
  for (const Pack& pack : in_force()) {
    for (const Requirement& r : pack.requirements) known.insert(r.id);
    for (const auto* queries : {&pack.grounds, &pack.prohibitions})
      for (const Pack::Query& q : *queries) known.insert(q.id);
  }
  std::map<std::string, std::size_t> rows;
  std::size_t outside = 0;
  for (const Crosswalk::Row& row : walk->rows) {
    ++rows[row.audit];
    outside += row.by.empty() ? 1 : 0;
    for (const std::string& id : row.by) EXPECT_TRUE(known.contains(id)) << "line " << row.line << ": " << id;
    if (row.by.empty()) EXPECT_GT(row.outside.size(), 20U) << row.line;
  }
  EXPECT_EQ(rows, (std::map<std::string, std::size_t>{{"breach", 19}, {"privacy", 89}, {"security", 72}}));
  EXPECT_LE(outside, 30U);
}

// Against the protocol itself, where it is at hand: the same rows in the same order.
TEST(Crosswalk, HasTheRowsOfTheProtocol) {
  std::ifstream in(std::filesystem::path(LICET_SOURCE_DIR) / "../shared/hipaa/ocr_audit_protocol_2016.json", std::ios::binary);
  if (!in) GTEST_SKIP() << "../shared/hipaa is not here";
  const nlohmann::json source = nlohmann::json::parse(in);
  auto walk = ocr();
  ASSERT_TRUE(walk.ok()) << walk.error().message;
  ASSERT_EQ(walk->rows.size(), source["rows"].size());
  const auto plain = [](std::string text) {
    std::string out;
    for (const char c : text)
      if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '(' || c == ')') out += c;
    return out;
  };
  for (std::size_t i = 0; i < walk->rows.size(); ++i) {
    const auto& row = source["rows"][i];
    EXPECT_EQ(plain(walk->rows[i].section), plain(row[1])) << i;
    EXPECT_EQ(plain(walk->rows[i].activity), plain(row[2])) << i;
  }
}

TEST(Crosswalk, SaysWhereItIsWrong) {
  const auto with = [](const std::string& row) {
    return load_crosswalk(
        {"w.yaml", "kind: crosswalk\nid: w\ntitle: W\nsource: s\nrows:\n  - {audit: a, section: s, activity: x" + row + "}\n", {}});
  };
  EXPECT_TRUE(with(", by: [r]").ok());
  EXPECT_TRUE(with(", outside: why").ok());
  for (const char* row : {"", ", by: []", ", by: [r], outside: why", ", how: so"}) {
    auto bad = with(row);
    ASSERT_FALSE(bad.ok()) << row;
    EXPECT_TRUE(bad.error().message.starts_with("w.yaml:6: ")) << bad.error().message;
  }
}

TEST(Citations, AWrongOneIsRefused) {
  const std::string table =
      "kind: citations\nsource: x\nretrieved-on: 2026-01-01\ntable:\n  - {cite: \"164.308(a)(2)\", level: standard, title: T}\n---\n";
  const std::string good = rule("select subject, 'pass' as status, 'b' as because from {each}");
  const auto with = [&](std::string_view cite, std::string_view level) {
    std::string text = good;
    text.replace(text.find("[\"1\"]"), 5, fmt::format("[\"{}\"]", cite));
    text.replace(text.find("level: required"), 15, fmt::format("level: {}", level));
    return pack_of(table + text);
  };
  EXPECT_TRUE(with("164.308(a)(2)", "standard").ok());
  EXPECT_TRUE(with("164.502(e)", "required").ok()) << "a section that the table is not about";
  auto nowhere = with("164.308(b)(4)", "required");
  ASSERT_FALSE(nowhere.ok());
  EXPECT_NE(nowhere.error().message.find("no paragraph 164.308(b)(4)"), std::string::npos) << nowhere.error().message;
  auto level = with("164.308(a)(2)", "addressable");
  ASSERT_FALSE(level.ok());
  EXPECT_NE(level.error().message.find("164.308(a)(2) is standard, not addressable"), std::string::npos) << level.error().message;
}

// Against the data that the table was made from, where it is at hand.
TEST(Citations, AgreeWithTheirSource) {
  std::ifstream in(std::filesystem::path(LICET_SOURCE_DIR) / "../shared/hipaa/security_rule.json", std::ios::binary);
  if (!in) GTEST_SKIP() << "../shared/hipaa is not here";
  const nlohmann::json source = nlohmann::json::parse(in);
  std::vector<std::string> theirs, ours;
  for (const auto& item : source["items"])
    theirs.push_back(item["id"].get<std::string>() + " " + item["kind"].get<std::string>() + " " + item["title"].get<std::string>());
  for (const Pack::Citation& c : security_rule(shipped())) ours.push_back(c.cite + " " + c.level + " " + c.title);
  EXPECT_EQ(ours, theirs);
}

TEST(Packs, NothingDeclaredPassesNothing) {
  auto j = judge(relations_of("kind: organization\nid: clinic\nname: Clinic\ncovered: true\n"), shipped(), day("2026-06-15"));
  ASSERT_TRUE(j.ok()) << j.error().message;
  auto none = judge(relations_of(""), shipped(), day("2026-06-15"));
  ASSERT_TRUE(none.ok()) << none.error().message;
  for (const Judgment* judgment : {&*j, &*none})
    for (const Finding& f : judgment->findings)
      EXPECT_TRUE(f.status == Status::unknown || f.status == Status::not_applicable) << f.asked->requirement << " " << f.because;
  EXPECT_GT(std::count_if(j->findings.begin(), j->findings.end(), [](const Finding& f) { return f.status == Status::unknown; }), 15);
}

TEST(Packs, OneProofOfTwoPurposesIsTwoGrounds) {
  const char* kYaml =
      "kind: organization\nid: clinic\nname: Clinic\nfunctions: [provider]\ncovered: true\n---\n"
      "kind: organization\nid: state\nname: State\nfunctions: [military, government-program, workers-compensation]\n---\n"
      "kind: system\nid: ehr\nowner: clinic\n---\nkind: system\nid: desk\nowner: state\n---\n"
      "kind: flow\nid: out\nfrom: ehr\nto: desk\ndata: [clinical.note]\n"
      "purposes: [\"licet:military\", \"licet:government-program\", \"licet:workers-compensation\"]\n---\n"
      "kind: evidence\nid: statute\nis: document\nabout: [out]\n";
  auto j = judge(relations_of(kYaml), in_force(), day("2026-06-15"));
  ASSERT_TRUE(j.ok()) << j.error().message;
  std::string ids;
  for (const Ground& g : j->grounds) ids += g.id + " " + fmt::format("{}\n", fmt::join(g.purposes, ","));
  EXPECT_EQ(ids,
            "public-interest:out:compensation:statute licet:workers-compensation\npublic-interest:out:military:statute licet:military\n"
            "public-interest:out:program:statute licet:government-program\n");
}

// ---- the example clinic, seen whole

std::vector<stack::Source> example(const std::string& name) {
  std::vector<stack::Source> out;
  const std::filesystem::path root = std::filesystem::path(LICET_SOURCE_DIR) / "examples" / name;
  if (!std::filesystem::exists(root)) return out;
  for (const auto& file : std::filesystem::recursive_directory_iterator(root)) {
    const std::string path = std::filesystem::relative(file.path(), root).string();
    if (file.path().extension() != ".yaml" || path == "licet.yaml") continue;
    std::ifstream in(file.path(), std::ios::binary);
    out.push_back({path, std::string(std::istreambuf_iterator<char>(in), {}),
                   path.starts_with("decisions/") ? stack::Layer::decisions : stack::Layer::authored});
  }
  return out;
}

TEST(Examples, RiverbendIsRedWhereItsReadmeSaysSo) {
  const std::vector<stack::Source> sources = example("riverbend");
  if (sources.empty()) GTEST_SKIP() << "examples/riverbend is not here";
  const stack::Loaded loaded = stack::load(sources);
  ASSERT_TRUE(loaded.stack) << (loaded.problems.empty() ? "" : loaded.problems.front().text());
  const std::vector<Pack> packs = in_force();
  auto j = judge(stack::relations(*loaded.stack, {}), packs, day("2026-11-25"));
  ASSERT_TRUE(j.ok()) << j.error().message;
  std::string red, unknown, grounds;
  for (const Finding& f : j->findings) {
    if (f.status == Status::fail || f.status == Status::stale) red += fmt::format("{} {}\n", f.asked->requirement, f.subject);
    if (f.status == Status::unknown && f.asked->about != "program") unknown += fmt::format("{} {}\n", f.asked->requirement, f.subject);
  }
  EXPECT_EQ(red,
            "hipaa-164.308.a.5.ii.D.passwords riverbend\n"
            "hipaa-164.308.b.1.contract-covers-flow billing-to-mailhouse\n"
            "hipaa-164.308.b.1.contract-covers-flow documents-to-fax\n"
            "hipaa-164.308.b.1.contract-covers-flow events-to-logs\n"
            "hipaa-164.308.b.1.contract-covers-flow events-to-logs-observed\n"
            "hipaa-164.308.b.1.contract-covers-flow notes-to-acme\n"
            "hipaa-164.308.b.1.contract-covers-flow prompts-to-acme\n"
            "hipaa-164.308.b.1.contract-covers-flow statements-to-mailhouse\n"
            "hipaa-164.310.c.workstation-security exam-room-1\n"
            "hipaa-164.312.a.1.gate-enforces observed-front\n"
            "hipaa-164.316.b.2.iii.reviewed password-procedure\n"
            "hipaa-164.504.e.2.ii.J.returned-after-the-end baa-fax-2024\n");
  EXPECT_EQ(unknown, "");
  for (const Ground& g : j->grounds)
    if (!g.flow.empty()) grounds += g.id + " ";
  EXPECT_EQ(grounds,
            "associate:claims-to-billing:riverbend associate:notes-to-scribe:riverbend associate:record-to-clinic-app:riverbend "
            "associate:record-to-hie:riverbend "
            "associate:scribe-to-llm:riverbend associate:scribe-to-s3:riverbend individual:record-to-clinic-app:person "
            "individual:record-to-patient-app "
            "individual:record-to-patient-app:person legal-process:subpoena-to-counsel limited-data-set:study-to-university:dua-university "
            "payment:claims-to-meridian public-health:reports-to-county treatment:notes-to-therapist treatment:referral-to-lakeside "
            "workforce:record-to-staff workforce:record-to-staff:care ");
  const auto because = [&](std::string_view subject) {
    for (const Finding& f : j->findings)
      if (f.subject == subject && f.asked->requirement.ends_with("contract-covers-flow")) return f.sentence();
    return std::string();
  };
  EXPECT_TRUE(because("notes-to-acme")
                  .starts_with("No business associate agreement between Riverbend Clinic (riverbend) and Acme AI (acme) is on record, so "
                               "notes-to-acme may not "
                               "carry clinical.note (under packs "))
      << because("notes-to-acme");
  EXPECT_NE(because("documents-to-fax").find("expired on 2026-06-30"), std::string::npos) << because("documents-to-fax");
  EXPECT_NE(because("events-to-logs").find("has no business associate agreement, although baa-logs-2026 is signed"), std::string::npos)
      << because("events-to-logs");
  EXPECT_NE(because("statements-to-mailhouse").find("No business associate agreement between"), std::string::npos)
      << because("statements-to-mailhouse");

  // The missing contract, once declared, turns both roads green.
  std::vector<stack::Source> mended = sources;
  for (stack::Source& s : mended) {
    if (s.path != "agreements.yaml") continue;
    for (std::size_t at; (at = s.bytes.find("\n#| ")) != std::string::npos;) s.bytes.erase(at + 1, 3);
  }
  const stack::Loaded again = stack::load(mended);
  ASSERT_TRUE(again.stack) << (again.problems.empty() ? "" : again.problems.front().text());
  j = judge(stack::relations(*again.stack, {}), packs, day("2026-11-25"));
  ASSERT_TRUE(j.ok()) << j.error().message;
  EXPECT_TRUE(
      because("statements-to-mailhouse")
          .starts_with("The contracts riverbend > baa-billing-2026 > billing-co > baa-billing-mailhouse > mailhouse-co are in force"))
      << because("statements-to-mailhouse");
  EXPECT_TRUE(because("billing-to-mailhouse").starts_with("The contracts")) << because("billing-to-mailhouse");
}

TEST(Examples, ScribeFaresWithEachCustomerByItsOwnTerms) {
  const std::vector<stack::Source> sources = example("scribe");
  if (sources.empty()) GTEST_SKIP() << "examples/scribe is not here";
  const stack::Loaded loaded = stack::load(sources);
  ASSERT_TRUE(loaded.stack) << (loaded.problems.empty() ? "" : loaded.problems.front().text());
  const std::vector<Pack> packs = in_force();
  auto j = judge(stack::relations(*loaded.stack, {}), packs, day("2026-11-25"));
  ASSERT_TRUE(j.ok()) << j.error().message;
  const auto states = [&](std::string_view requirement) {
    std::string out;
    for (const Finding& f : j->findings)
      if (f.asked->requirement.ends_with(requirement)) out += fmt::format("{} {}\n", f.subject, name(f.status));
    return out;
  };
  EXPECT_EQ(states("contract-covers-flow"),
            "northgate-to-llm pass\nnorthgate-to-s3 pass\nnorthgate-to-scribe pass\nnorthgate-to-training fail\npinecrest-to-desk "
            "fail\npinecrest-to-llm pass\n"
            "pinecrest-to-s3 pass\npinecrest-to-scribe pass\nriverbend-to-llm pass\nriverbend-to-logs fail\nriverbend-to-s3 "
            "pass\nriverbend-to-scribe pass\n"
            "riverbend-to-training fail\n");
  EXPECT_EQ(states("notice-in-time"),
            "northgate-to-llm fail\nnorthgate-to-s3 pass\npinecrest-to-llm pass\npinecrest-to-s3 pass\nriverbend-to-llm "
            "pass\nriverbend-to-s3 pass\n");
  EXPECT_EQ(states("prior-consent"), "pinecrest-to-llm unknown\npinecrest-to-s3 unknown\n");
}

// Cases stand in a mold that is filled again and again: it holds what a database that is made from nothing holds, row by row.
TEST(Packs, AFilledMoldIsTheWorldItself) {
  const auto rows_of = [](store::Database& db) {
    std::string out;
    std::vector<std::string> tables;
    auto names = db.prepare("select name, sql from sqlite_schema order by name");
    EXPECT_TRUE(names.ok());
    for (auto row = names->step(); row.ok() && *row; row = names->step()) {
      tables.emplace_back(names->text(0));
      out += fmt::format("{}: {}\n", names->text(0), names->text(1));
    }
    for (const std::string& table : tables) {
      auto all = db.prepare("select * from \"" + table + "\"");
      if (!all.ok()) continue;  // an index
      for (auto row = all->step(); row.ok() && *row; row = all->step()) {
        out += table;
        for (int i = 0; i < all->columns(); ++i) out += fmt::format("|{}", all->is_null(i) ? "NULL" : all->text(i));
        out += '\n';
      }
    }
    return out;
  };
  auto mold = Mold::make();
  ASSERT_TRUE(mold.ok()) << mold.error().message;
  for (const char* name : {"riverbend", "scribe"}) {
    const stack::Loaded loaded = stack::load(example(name));
    ASSERT_TRUE(loaded.stack);
    const stack::Relations relations = stack::relations(*loaded.stack, {});
    auto made = make_base(relations, day("2026-11-25"));
    ASSERT_TRUE(made.ok()) << made.error().message;
    auto filled = mold->fill(relations, day("2026-11-25"));
    ASSERT_TRUE(filled.ok()) << filled.error().message;
    EXPECT_EQ(rows_of(*made), rows_of((*filled)->db)) << name;
  }
}

TEST(Packs, SameBytesInSameBytesOut) {
  const std::vector<Pack> packs = shipped();
  std::string yaml = kTwo;
  const stack::Relations relations = relations_of(yaml);
  auto once = judge(relations, packs, day("2026-06-15"));
  std::vector<Pack> reversed = packs;
  std::reverse(reversed.begin(), reversed.end());
  auto again = judge(relations, reversed, day("2026-06-15"));
  ASSERT_TRUE(once.ok()) << once.error().message;
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(bytes(*once), bytes(*again));
  EXPECT_FALSE(once->findings.empty());
}

}  // namespace
}  // namespace licet::rules
