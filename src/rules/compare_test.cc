#include "rules/compare.h"

#include <gtest/gtest.h>

namespace licet::rules {
namespace {

Finding finding(const char* requirement, const char* subject, Status status, const char* about = "contract") {
  Finding f;
  f.asked = std::make_shared<const Asked>(Asked{.requirement = requirement, .about = about});
  f.subject = subject;
  f.status = status;
  return f;
}

TEST(Compare, EveryPairOfStatuses) {
  constexpr Status all[] = {Status::pass, Status::fail, Status::unknown, Status::not_applicable, Status::accepted, Status::stale};
  for (const Status a : all) {
    for (const Status b : all) {
      for (const char* about : {"contract", "program"}) {
        for (const bool strict : {false, true}) {
          Judgment before, after;
          before.findings = {finding("r", "s", a, about)};
          after.findings = {finding("r", "s", b, about)};
          const auto turns = compare(before, after);
          if (a == b) {
            EXPECT_TRUE(turns.empty());
            continue;
          }
          ASSERT_EQ(turns.size(), 1U);
          const bool was = amiss(before.findings[0], strict), is = amiss(after.findings[0], strict);
          EXPECT_EQ(turns[0].breaks(strict), is && !was);
          EXPECT_EQ(turns[0].mends(strict), was && !is);
        }
      }
    }
  }
  EXPECT_FALSE(amiss(finding("r", "s", Status::unknown, "program")));
  EXPECT_TRUE(amiss(finding("r", "s", Status::unknown, "program"), true));
  EXPECT_TRUE(amiss(finding("r", "s", Status::unknown, "ground")));
  EXPECT_TRUE(amiss(finding("r", "s", Status::stale, "program")));
}

TEST(Compare, WhatOnlyOneSideHas) {
  Judgment before, after;
  before.findings = {finding("a", "gone", Status::fail), finding("b", "same", Status::fail), finding("c", "", Status::not_applicable)};
  after.findings = {finding("b", "new", Status::fail), finding("b", "same", Status::fail), finding("c", "x", Status::pass)};
  const auto turns = compare(before, after);
  ASSERT_EQ(turns.size(), 4U);
  EXPECT_TRUE(turns[0].mends()) << "a subject that is gone";
  EXPECT_TRUE(turns[1].breaks()) << "a subject that is new";
  EXPECT_EQ(turns[2].after, nullptr);
  EXPECT_FALSE(turns[2].mends());
  EXPECT_FALSE(turns[3].breaks());
}

}  // namespace
}  // namespace licet::rules
