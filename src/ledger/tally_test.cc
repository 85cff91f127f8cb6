#include "ledger/tally.h"

#include "ledger/internal/testing.h"

namespace licet::ledger {
namespace {

using testing::draft_of;
using testing::World;

TEST(Tally, CountsWhatExchangesHaveInCommon) {
  World world;
  store::FaultyFileSystem disk;
  auto ledger = world.open(disk);
  ASSERT_TRUE(ledger.ok());
  const auto add = [&](const char* exchange, Kind kind, const char* decision, Reason reason, std::vector<std::string> agreements) {
    world.clock.advance(std::chrono::seconds(1));
    Draft d = draft_of(exchange);
    d.kind = kind;
    d.decision = decision;
    d.reason = reason;
    d.agreements = std::move(agreements);
    ASSERT_TRUE((*ledger)->append_and_wait(std::move(d)).ok());
  };
  add("x1", Kind::exchange_sent, "reduce", Reason::none, {"baa-1"});
  add("x1", Kind::exchange_outcome, "reduce", Reason::none, {});  // the same exchange
  add("x2", Kind::exchange_sent, "reduce", Reason::none, {"baa-1"});
  add("x3", Kind::exchange_sent, "reduce", Reason::none, {"baa-1", "baa-2"});
  add("x4", Kind::exchange_refused, "refuse", Reason::no_ground, {});
  auto tallies = tally(**ledger);
  ASSERT_TRUE(tallies.ok()) << tallies.error().message;
  ASSERT_EQ(tallies->size(), 3u);
  EXPECT_EQ((*tallies)[0].count, 2u);
  EXPECT_EQ((*tallies)[0].agreements, std::vector<std::string>{"baa-1"});
  EXPECT_EQ((*tallies)[0].reference, "x2");
  EXPECT_EQ((*tallies)[0].last, testing::kStart + std::chrono::seconds(3));
  EXPECT_EQ((*tallies)[1].agreements.size(), 2u);
  EXPECT_EQ((*tallies)[2].decision, "refuse");
  EXPECT_EQ((*tallies)[2].reason, "no-ground");
}

}  // namespace
}  // namespace licet::ledger
