#include "ledger/index.h"

#include "ledger/internal/testing.h"

namespace licet::ledger {
namespace {

using testing::draft_of;
using testing::World;

TEST(Index, CatchesUpAndAnswers) {
  World world;
  store::FaultyFileSystem disk;
  auto ledger = world.open(disk);
  auto index = Index::open(":memory:");
  ASSERT_TRUE(index.ok()) << index.error().message;
  const BlindIndex ada{std::byte{1}}, eve{std::byte{2}};
  for (int i = 0; i < 10; ++i) {
    world.clock.advance(std::chrono::seconds(1));
    Draft d = draft_of("x" + std::to_string(i / 2));
    d.kind = i % 2 == 0 ? Kind::exchange_sent : Kind::exchange_outcome;
    d.status = 200;
    d.bytes = 1000;
    d.data_class = "clinical.note";
    d.epoch = 3;
    if (i == 4) {
      d.kind = Kind::exchange_refused;
      d.decision = "refuse";
      d.reason = Reason::no_ground;
    }
    if (i < 3) d.patients = {ada};
    if (i == 2) d.patients.push_back(eve);
    ASSERT_TRUE((*ledger)->append_and_wait(std::move(d)).ok());
  }
  EXPECT_EQ(*index->catch_up(**ledger), 10u);
  EXPECT_EQ(*index->catch_up(**ledger), 0u);
  auto last = index->last_exchanges(3);
  ASSERT_EQ(last->size(), 3u);
  EXPECT_EQ((*last)[0].index, 8u);
  EXPECT_EQ((*last)[2].reason, "no-ground");
  auto one = index->exchange("x1");
  ASSERT_EQ(one->size(), 2u);
  EXPECT_EQ((*one)[0].actor, "scribe");
  EXPECT_EQ((*one)[0].leg, "answer");
  EXPECT_EQ((*one)[0].time, testing::kStart + std::chrono::seconds(3));
  EXPECT_EQ((*one)[0].data_class, "clinical.note");
  EXPECT_EQ((*one)[0].bytes, 1000u);
  EXPECT_EQ((*one)[0].epoch, 3u);
  EXPECT_EQ(index->of_patient(ada, 10)->size(), 3u);
  EXPECT_EQ(index->of_patient(eve, 10)->size(), 1u);
  auto counts = index->counts(testing::kStart, testing::kStart + std::chrono::hours(1));
  ASSERT_EQ(counts->size(), 2u);
  EXPECT_EQ((*counts)[0].decision, "pass");
  EXPECT_EQ((*counts)[0].entries, 4u);
  EXPECT_EQ((*counts)[1].reason, "no-ground");
  auto found = index->find({.kinds = {"exchange.sent", "exchange.refused"}, .before = 8, .most = 2});
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].index, 6u);
  EXPECT_EQ((*found)[1].index, 4u);
  EXPECT_EQ(index->find({.reason = "no-ground"})->size(), 1u);
  EXPECT_EQ(index->find({.decision = "refuse"})->size(), 1u);
  EXPECT_EQ(index->find({.exchange = "x1"})->size(), 2u);
  EXPECT_EQ(index->find({.from = testing::kStart + std::chrono::seconds(3), .to = testing::kStart + std::chrono::seconds(5)})->size(), 2u);
  EXPECT_EQ(index->find({.from = testing::kStart + std::chrono::hours(9)})->size(), 0u);
  const Date day = std::chrono::floor<std::chrono::days>(testing::kStart);
  auto daily = index->daily(day, day);
  ASSERT_EQ(daily->size(), 2u);
  EXPECT_EQ((*daily)[0].entries + (*daily)[1].entries, 5u);
  EXPECT_EQ((*index->entry(9))->kind, "exchange.outcome");
  EXPECT_FALSE((*index->entry(10)).has_value());

  ASSERT_TRUE((*ledger)->append_and_wait(draft_of("x9")).ok());
  Draft act;
  act.kind = Kind::admin;
  act.actor = "j-ortiz";
  act.payload = R"({"act":"release","reference":"x1"})";
  ASSERT_TRUE((*ledger)->append_and_wait(std::move(act)).ok());
  EXPECT_EQ(*index->catch_up(**ledger, 1), 1u) << "in bites";
  EXPECT_EQ(*index->catch_up(**ledger), 1u);
  EXPECT_EQ(index->find({.exchange = "x1"})->size(), 3u) << "with what somebody did about it";
}

TEST(Index, OfAnotherLedgerIsRefused) {
  World world;
  store::FaultyFileSystem one, two;
  auto first = world.open(one), second = world.open(two);
  ASSERT_TRUE((*first)->append_and_wait(draft_of("a")).ok());
  ASSERT_TRUE((*second)->append_and_wait(draft_of("b")).ok());
  auto index = Index::open(":memory:");
  ASSERT_TRUE(index->catch_up(**first).ok());
  auto other = index->catch_up(**second);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Code::failed_precondition);
}

}  // namespace
}  // namespace licet::ledger
