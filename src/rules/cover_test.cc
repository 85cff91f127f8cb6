#include "rules/cover.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace licet::rules {
namespace {

std::uint64_t sum(const std::vector<Coverable>& acts, const std::vector<std::size_t>& chosen) {
  std::uint64_t out = 0;
  for (const std::size_t a : chosen) out += acts[a].cost;
  return out;
}
std::set<std::size_t> settled(const std::vector<Coverable>& acts, const std::vector<std::size_t>& chosen) {
  std::set<std::size_t> out;
  for (const std::size_t a : chosen) out.insert(acts[a].settles.begin(), acts[a].settles.end());
  return out;
}
std::vector<std::size_t> all(const std::vector<Coverable>& acts) {
  std::vector<std::size_t> out(acts.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = i;
  return out;
}

TEST(Cover, OneActThatSettlesBothIsCheaperThanTwo) {
  const std::vector<Coverable> acts = {{4, {0}}, {4, {1}}, {6, {0, 1}}};
  const Cover c = cheapest(acts, 2);
  EXPECT_EQ(c.chosen, (std::vector<std::size_t>{2}));
  EXPECT_EQ(c.cost, 6u);
  EXPECT_TRUE(c.least);
}

// Greedy takes the act that settles most for its cost, and then pays for the rest.
TEST(Cover, FindsWhatGreedyMisses) {
  const std::vector<Coverable> acts = {{3, {0, 1, 2, 3}}, {3, {0, 1, 4}}, {3, {2, 3, 5}}};
  EXPECT_EQ(greedy(acts, 6).cost, 6u);
  const std::vector<Coverable> trap = {{5, {0, 1, 2, 3}}, {4, {0, 1, 4}}, {4, {2, 3, 5}}};
  EXPECT_EQ(cheapest(trap, 6).cost, 8u);
}

TEST(Cover, BeyondItsBoundsItIsGreedyAndSaysSo) {
  const std::vector<Coverable> acts = {{4, {0}}, {4, {1}}, {6, {0, 1}}};
  const Cover c = cheapest(acts, 2, {.acts_most = 2});
  EXPECT_FALSE(c.least);
  EXPECT_EQ(settled(acts, c.chosen).size(), 2u);
}

TEST(Cover, WhatNothingSettlesIsLeftOut) {
  const std::vector<Coverable> acts = {{1, {1}}, {1, {}}};
  const Cover c = cheapest(acts, 3);
  EXPECT_EQ(c.chosen, (std::vector<std::size_t>{0}));
  EXPECT_TRUE(cheapest({}, 3).chosen.empty());
}

// Every plan settles all that can be settled; Z3's never costs more than greedy's, and never more or less than trying every subset.
TEST(Cover, AgreesWithTryingEverySubset) {
  std::mt19937 random(7);
  const auto below = [&](unsigned n) { return random() % n; };
  for (int round = 0; round < 300; ++round) {
    const std::size_t things = 1 + below(7);
    std::vector<Coverable> acts(1 + below(9));
    for (Coverable& a : acts) {
      a.cost = 1 + below(9);
      for (std::size_t t = 0; t < things; ++t)
        if (below(3) == 0) a.settles.push_back(t);
    }
    const std::set<std::size_t> can = settled(acts, all(acts));
    std::uint64_t least = ~0ull;
    for (unsigned subset = 0; subset < 1u << acts.size(); ++subset) {
      std::vector<std::size_t> chosen;
      for (std::size_t a = 0; a < acts.size(); ++a)
        if ((subset >> a & 1u) != 0) chosen.push_back(a);
      if (settled(acts, chosen) == can) least = std::min(least, sum(acts, chosen));
    }
    const Cover best = cheapest(acts, things), quick = greedy(acts, things);
    EXPECT_EQ(settled(acts, best.chosen), can);
    EXPECT_EQ(settled(acts, quick.chosen), can);
    EXPECT_LE(best.cost, quick.cost);
    EXPECT_TRUE(best.least);
    EXPECT_EQ(best.cost, least) << "round " << round;
    EXPECT_EQ(best.chosen, cheapest(acts, things).chosen);
  }
}

}  // namespace
}  // namespace licet::rules
