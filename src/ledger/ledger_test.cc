#include "ledger/ledger.h"

#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "ledger/internal/crc32c.h"
#include "ledger/internal/leaf.h"
#include "ledger/internal/publisher.h"
#include "ledger/internal/testing.h"
#include "ledger/proof.h"

namespace licet::ledger {
namespace {

using store::FaultyFileSystem;
using testing::draft_of;
using testing::faults_of;
using testing::leaves_of;
using testing::World;

// ---- the parts

TEST(Crc32c, TheCheckValueAndItsTwin) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
  SeededRandom random(3);
  for (std::size_t n = 0; n < 70; ++n) {
    std::string bytes(n, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes)));
    EXPECT_EQ(crc32c(as_bytes(bytes)), crc32c_portable(as_bytes(bytes)));
    EXPECT_EQ(crc32c(as_bytes(bytes).subspan(n / 3), crc32c(as_bytes(bytes).first(n / 3))), crc32c(as_bytes(bytes)));
  }
}

TEST(Leaf, IsCanonicalJsonWithEveryMember) {
  World world;
  Draft d = draft_of("01JDEXCHANGE00000000000000");
  d.client = "ehr-web";
  d.route = "fhir-front";
  d.flow = "notes-to-scribe";
  d.purpose = "TREAT";
  d.purpose_source = "flow";
  d.action = "read";
  d.resource_type = "DocumentReference";
  d.data_class = "clinical.note";
  d.ground = "associate";
  d.license = "scribe-reads-notes";
  d.agreements = {"baa-scribe-2026", "baa \"x\"\n\x01"};
  d.reason = Reason::held;
  d.form = "identified";
  d.view = "full";
  d.resources = 3;
  d.withheld = 1;
  d.bytes = 4096;
  d.status = 200;
  d.part = 2;
  d.epoch = 7;
  d.patients = {BlindIndex{std::byte{0xab}}, BlindIndex{}};
  d.spend_token = "txn-1";
  d.token_expires = testing::kStart;
  d.payload = R"({"b": 1, "a": [true, "é"]})";
  auto prepared = prepare(d, *world.keys, world.system, testing::kStart, 60'000);
  ASSERT_TRUE(prepared.ok()) << prepared.error().message;
  const std::string leaf = prepared->before + "1795564800000000" + prepared->after;
  const auto json = nlohmann::json::parse(leaf);
  EXPECT_EQ(json.dump(), leaf);  // sorted, tight, minimally escaped
  EXPECT_EQ(json.size(), 36u);
  EXPECT_EQ(json["v"], 1);
  EXPECT_EQ(json["payload"]["a"][1], "é");
  EXPECT_EQ(json["patients"][0], "ab000000000000000000000000000000");
  EXPECT_EQ(text_member(leaf, "kind"), "exchange.sent");
  EXPECT_EQ(integer_member(leaf, "time"), 1795564800000000);
  EXPECT_EQ(text_member(leaf, "txn"), hex(crypto::sha256("txn-1")));
  EXPECT_FALSE(member(leaf, "b").has_value());
  EXPECT_EQ(leaf.find("ddddd"), std::string::npos);  // nothing of the detail
  for (const auto& [key, value] : json.items()) EXPECT_EQ(nlohmann::json::parse(*member(leaf, key)), value) << key;
  EXPECT_EQ(open_detail(leaf, prepared->box, *world.keys)->reveal(), d.detail.reveal());
}

TEST(Leaf, WhatIsRefused) {
  World world;
  const auto code_of = [&](Draft d, std::size_t most = 60'000) {
    auto p = prepare(d, *world.keys, world.system, testing::kStart, most);
    return p ? std::optional<Code>() : std::optional<Code>(p.error().code);
  };
  Draft utf = draft_of("x");
  utf.actor = "\xff";
  EXPECT_EQ(code_of(std::move(utf)), Code::invalid_argument);
  Draft payload = draft_of("x");
  payload.payload = "{";
  EXPECT_EQ(code_of(std::move(payload)), Code::invalid_argument);
  EXPECT_EQ(code_of(draft_of("x"), 100), Code::exhausted);
  EXPECT_EQ(code_of(draft_of("x", kMostDetailBytes)), Code::exhausted);
  EXPECT_EQ(code_of(draft_of("x")), std::nullopt);
}

TEST(Kinds, NamesGoBothWays) {
  for (int i = 0; i <= static_cast<int>(Kind::lifecycle); ++i) EXPECT_EQ(kind_of(name(static_cast<Kind>(i))), static_cast<Kind>(i));
  EXPECT_EQ(kind_of("nonsense"), std::nullopt);
}

// The published files of the golden log are those of transparency-dev/tessera, byte for byte.
TEST(Publisher, GoldenTesseraLog) {
  const auto raw = unbase64("AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg");
  const auto key = crypto::Ed25519Key::from_seed(std::span<const std::byte, 32>(as_bytes(*raw).subspan(1)));
  FaultyFileSystem disk;
  Publisher publisher(disk, "log", "", "example.com/log/testdata", key);
  ASSERT_TRUE(disk.make_folder("log").ok());
  std::string bundle, tile;
  for (const std::string leaf :
       {"one", "two", "three", "four", "five", "six", "seven", "eit", "nain", "ten", "ileven", "twelf", "threeten", "fourten", "fivten"}) {
    ASSERT_TRUE(publisher.take({leaf, {}}, leaf_hash(leaf)).ok());
    ASSERT_TRUE(publisher.publish().ok());
    bundle += std::string(1, '\0') + static_cast<char>(leaf.size()) + leaf;
    tile += as_text(leaf_hash(leaf));
  }
  EXPECT_EQ(disk.content("log/checkpoint"),
            "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"
            "\xe2\x80\x94 example.com/log/testdata "
            "M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=\n");
  EXPECT_EQ(disk.content("log/tile/entries/000.p/15"), bundle);
  EXPECT_EQ(disk.content("log/tile/0/000.p/15"), tile);
  EXPECT_EQ(disk.paths().size(), 3u);  // older partials are gone
}

// ---- the ledger

TEST(Ledger, AppendReadDetailReceipt) {
  World world;
  FaultyFileSystem disk;
  auto ledger = world.open(disk);
  ASSERT_TRUE(ledger.ok()) << ledger.error().message;
  for (int i = 0; i < 5; ++i) {
    world.clock.advance(std::chrono::seconds(1));
    auto r = (*ledger)->append_and_wait(draft_of("x" + std::to_string(i)));
    ASSERT_TRUE(r.ok());
    EXPECT_EQ(r->index(), static_cast<std::uint64_t>(i));
    EXPECT_EQ(r->exchange(), "x" + std::to_string(i));
    EXPECT_EQ(r->time(), world.clock.now());
    EXPECT_EQ(r->digest(), crypto::sha256(r->exchange()));
  }
  const auto leaves = leaves_of(**ledger);
  ASSERT_EQ(leaves.size(), 5u);
  EXPECT_EQ(text_member(leaves[3], "exchange"), "x3");
  EXPECT_EQ((*ledger)->detail(3)->reveal(), std::string(40, 'd') + "x3");
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(*verify_receipt(*(*ledger)->receipt(i), leaves[i], world.verifier()), i);
  auto absent = (*ledger)->receipt(5);
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, Code::not_found);
  std::size_t seen = 0;
  ASSERT_TRUE((*ledger)->read(1, 4, [&](const Leaf&) { return ++seen < 2; }).ok());
  EXPECT_EQ(seen, 2u);
  ledger->reset();
  const Report report = world.verify(disk);
  EXPECT_TRUE(report.ok()) << faults_of(report);
  EXPECT_EQ(report.entries, 5u);
  EXPECT_EQ(report.checkpoint_size, 5u);
}

TEST(Ledger, SurvivesRestartsAcrossSegmentsAndTiles) {
  World world;
  FaultyFileSystem disk;
  std::uint64_t size = 0;
  for (int start = 0; start < 4; ++start) {
    auto ledger = world.open(disk);
    ASSERT_TRUE(ledger.ok()) << ledger.error().message;
    EXPECT_EQ((*ledger)->head().size, size);
    std::vector<std::future<bool>> done;
    for (int i = 0; i < 150; ++i) {
      auto promise = std::make_shared<std::promise<bool>>();
      done.push_back(promise->get_future());
      (*ledger)->append(draft_of("x" + std::to_string(size++)), [promise](Result<Recorded> r) { promise->set_value(r.ok()); });
    }
    for (auto& d : done) EXPECT_TRUE(d.get());
  }
  const Report report = world.verify(disk);
  EXPECT_TRUE(report.ok()) << faults_of(report);
  EXPECT_EQ(report.entries, size);
  EXPECT_TRUE(disk.exists("state/ledger/tile/1/000.p/2"));
  EXPECT_TRUE(disk.exists("state/ledger/detail/001"));
  auto ledger = world.open(disk);
  const auto leaves = leaves_of(**ledger);
  for (std::uint64_t i = 0; i < size; i += 37) {
    EXPECT_EQ(text_member(leaves[i], "exchange"), "x" + std::to_string(i));
    EXPECT_EQ(*verify_receipt(*(*ledger)->receipt(i), leaves[i], world.verifier()), i);
  }
}

// Callers that come together share groups, those that come one by one don't wait for others, and each is answered once.
TEST(Ledger, GroupsGatherThoseWhoWait) {
  World world;
  world.limits.segment_bytes = 1024 * 1024;
  FaultyFileSystem disk;
  auto ledger = world.open(disk);
  ASSERT_TRUE(ledger.ok());
  constexpr int kCallers = 8, kRounds = 25;
  std::vector<std::thread> callers;
  std::atomic<int> answered{0};
  for (int c = 0; c < kCallers; ++c)
    callers.emplace_back([&, c] {
      for (int i = 0; i < kRounds; ++i)
        if ((*ledger)->append_and_wait(draft_of("c" + std::to_string(c) + "-" + std::to_string(i))).ok()) ++answered;
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(answered, kCallers * kRounds);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE((*ledger)->append_and_wait(draft_of("alone" + std::to_string(i))).ok());
  std::set<std::string> exchanges;
  for (const std::string& leaf : leaves_of(**ledger)) exchanges.insert(std::string(text_member(leaf, "exchange")));
  EXPECT_EQ(exchanges.size(), kCallers * kRounds + 3u);
  // A group is one sync: fewer of them than records.
  EXPECT_LT(disk.calls(FaultyFileSystem::Call::sync), kCallers * kRounds * 3 / 4u);
}

TEST(Ledger, OneWriter) {
  World world;
  FaultyFileSystem disk;
  auto one = world.open(disk);
  ASSERT_TRUE(one.ok());
  auto two = world.open(disk);
  ASSERT_FALSE(two.ok());
  EXPECT_EQ(two.error().code, Code::failed_precondition);
}

TEST(Ledger, ATokenIsSpentOnceAndStaysSpent) {
  World world;
  FaultyFileSystem disk;
  const auto spend = [&](Ledger& ledger, std::string token) {
    Draft d = draft_of("x");
    d.spend_token = std::move(token);
    d.token_expires = testing::kStart + std::chrono::seconds(60);
    return ledger.append_and_wait(std::move(d));
  };
  {
    auto ledger = world.open(disk);
    EXPECT_TRUE(spend(**ledger, "a").ok());
    auto again = spend(**ledger, "a");
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().code, Code::already_exists);
    EXPECT_TRUE(spend(**ledger, "b").ok());
    EXPECT_EQ((*ledger)->head().size, 2u);  // the refused one left nothing
  }
  world.clock.advance(std::chrono::seconds(59));
  auto ledger = world.open(disk);
  for (const char* token : {"a", "b"}) {
    auto again = spend(**ledger, token);
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().code, Code::already_exists);
  }
  EXPECT_TRUE(spend(**ledger, "c").ok());
  world.clock.advance(std::chrono::minutes(10));  // now the set may forget it: its date refuses it
  EXPECT_FALSE(spend(**ledger, "a").ok());
  EXPECT_FALSE(spend(**ledger, "d").ok());
}

TEST(Ledger, AnOldEpochSendsNothing) {
  World world;
  FaultyFileSystem disk;
  auto ledger = world.open(disk);
  const auto append = [&](Kind kind, std::uint64_t epoch) {
    Draft d = draft_of("x");
    d.kind = kind;
    d.epoch = epoch;
    return (*ledger)->append_and_wait(std::move(d));
  };
  EXPECT_TRUE(append(Kind::exchange_sent, 1).ok());
  (*ledger)->require_epoch(2);
  auto old = append(Kind::exchange_sent, 1);
  ASSERT_FALSE(old.ok());
  EXPECT_EQ(old.error().code, Code::failed_precondition);
  EXPECT_FALSE(append(Kind::exchange_part, 1).ok());
  EXPECT_TRUE(append(Kind::exchange_outcome, 1).ok());  // how it ended is still recorded
  EXPECT_TRUE(append(Kind::exchange_sent, 2).ok());
  (*ledger)->require_epoch(1);  // never backwards
  EXPECT_FALSE(append(Kind::exchange_sent, 1).ok());
}

TEST(Ledger, NoOldEpochCallsBackAfterRequireEpochReturned) {
  World world;
  FaultyFileSystem disk;
  world.limits.segment_bytes = 1024 * 1024;
  auto ledger = world.open(disk);
  std::atomic<bool> required{false};
  std::atomic<int> late{0}, pending{0};
  std::thread writer([&] {
    for (int i = 0; i < 300; ++i) {
      Draft d = draft_of("x");
      d.epoch = 1;
      ++pending;
      (*ledger)->append(std::move(d), [&](Result<Recorded> r) {
        if (r.ok() && required.load()) ++late;
        --pending;
      });
    }
  });
  (*ledger)->require_epoch(2);
  required = true;
  writer.join();
  ledger->reset();
  EXPECT_EQ(late, 0);
  EXPECT_EQ(pending, 0);
}

TEST(Ledger, TimeNeverRunsBackwards) {
  World world;
  FaultyFileSystem disk;
  {
    auto ledger = world.open(disk);
    ASSERT_TRUE((*ledger)->append_and_wait(draft_of("a")).ok());
  }
  world.clock.set(testing::kStart - std::chrono::hours(1));
  auto ledger = world.open(disk);
  EXPECT_EQ((*ledger)->now(), testing::kStart);
  auto r = (*ledger)->append_and_wait(draft_of("b"));
  ASSERT_TRUE(r.ok());
  EXPECT_EQ(r->time(), testing::kStart);
}

TEST(Ledger, BlindIndexesDifferByMonthTypeAndId) {
  World world;
  FaultyFileSystem disk;
  auto ledger = world.open(disk);
  const auto a = (*ledger)->blind("patient", "p1", testing::kStart);
  EXPECT_EQ(a, (*ledger)->blind("patient", "p1", testing::kStart + std::chrono::hours(24)));
  EXPECT_NE(a, (*ledger)->blind("patient", "p2", testing::kStart));
  EXPECT_NE(a, (*ledger)->blind("resource", "p1", testing::kStart));
  EXPECT_NE(a, (*ledger)->blind("patient", "p1", testing::kStart + std::chrono::hours(24 * 31)));
}

// ---- faults

TEST(LedgerFault, AnIoErrorPoisonsAndNothingIsAcknowledged) {
  for (const auto call : {FaultyFileSystem::Call::write, FaultyFileSystem::Call::sync}) {
    World world;
    FaultyFileSystem disk;
    {
      auto ledger = world.open(disk);
      ASSERT_TRUE((*ledger)->append_and_wait(draft_of("a")).ok());
      disk.inject(call, 0, FaultyFileSystem::Fault::io_error);
      auto failed = (*ledger)->append_and_wait(draft_of("b"));
      ASSERT_FALSE(failed.ok());
      EXPECT_EQ(failed.error().code, Code::data_loss);
      EXPECT_TRUE((*ledger)->poisoned());
      auto after = (*ledger)->append_and_wait(draft_of("c"));  // though the disk works again
      ASSERT_FALSE(after.ok());
      EXPECT_EQ(after.error().code, Code::data_loss);
      EXPECT_EQ((*ledger)->head().size, 1u);
    }
    // The page cache may show "b" whole although it isn't on disk: what is recorded on top of it must survive a crash.
    {
      auto ledger = world.open(disk);
      ASSERT_TRUE(ledger.ok()) << ledger.error().message;
      ASSERT_TRUE((*ledger)->append_and_wait(draft_of("d")).ok());
      const auto left = disk.synced();
      auto survivor = world.open(*left);
      ASSERT_TRUE(survivor.ok()) << survivor.error().message;
      const auto leaves = leaves_of(**survivor);
      EXPECT_EQ(text_member(leaves.front(), "exchange"), "a");
      EXPECT_EQ(text_member(leaves.back(), "exchange"), "d");
      survivor->reset();
      const Report report = world.verify(*left);
      EXPECT_TRUE(report.ok()) << faults_of(report);
    }
  }
}

TEST(LedgerFault, AFullDiskIsNotPoisonAndSpendsNoToken) {
  World world;
  FaultyFileSystem disk;
  auto ledger = world.open(disk);
  ASSERT_TRUE((*ledger)->append_and_wait(draft_of("a")).ok());
  disk.set_capacity(0);
  const auto big = [&] {
    Draft d = draft_of("big", 9000);
    d.spend_token = "t";
    d.token_expires = testing::kStart + std::chrono::seconds(60);
    return (*ledger)->append_and_wait(std::move(d));
  };
  Draft filler = draft_of("filler", 3000);
  ASSERT_TRUE((*ledger)->append_and_wait(std::move(filler)).ok());  // the segment is there already
  auto full = big();
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, Code::exhausted);
  EXPECT_FALSE((*ledger)->poisoned());
  disk.set_capacity(~0ULL);
  EXPECT_TRUE(big().ok());
  ledger->reset();
  const Report report = world.verify(disk);
  EXPECT_TRUE(report.ok()) << faults_of(report);
}

TEST(LedgerFault, AReadOnlyDiskPoisons) {
  World world;
  FaultyFileSystem disk;
  auto ledger = world.open(disk);
  ASSERT_TRUE((*ledger)->append_and_wait(draft_of("a")).ok());
  disk.set_read_only(true);
  auto r = (*ledger)->append_and_wait(draft_of("b"));
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.error().code, Code::data_loss);
  EXPECT_TRUE((*ledger)->poisoned());
  ledger->reset();
  disk.set_read_only(false);
  auto again = world.open(disk);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->head().size, 1u);
}

TEST(LedgerFault, DamageAndRollbackRefuseToStart) {
  World world;
  FaultyFileSystem disk;
  {
    auto ledger = world.open(disk);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE((*ledger)->append_and_wait(draft_of("x" + std::to_string(i))).ok());
  }
  const std::string segment = "state/ledger/segments/00000001.seg";
  const std::string content = disk.content(segment);
  const auto refused = [&](FaultyFileSystem& copy, std::string_view why, Code code = Code::data_loss) {
    auto ledger = world.open(copy);
    ASSERT_FALSE(ledger.ok()) << why;
    EXPECT_EQ(ledger.error().code, code) << ledger.error().message;
    EXPECT_NE(ledger.error().message.find(why), std::string::npos) << ledger.error().message;
  };
  {  // a group in the middle
    const auto copy = disk.clone();
    copy->flip_bit(segment, (4096 + 300) * 8);
    refused(*copy, "whole group follows");
  }
  {  // the last group, which the checkpoints cover
    const auto copy = disk.clone();
    copy->flip_bit(segment, (8192 + 300) * 8);
    refused(*copy, "covers 3 entries, but only 2");
  }
  {  // rolled back, with the folder's own checkpoint too
    const auto copy = disk.clone();
    copy->put(segment, content.substr(0, 8192) + std::string(content.size() - 8192, '\0'));
    copy->erase("state/ledger/checkpoint");
    refused(*copy, "the checkpoint outside covers 3 entries, but only 2");
  }
  {  // another log of the same key
    const auto copy = disk.clone();
    for (const auto& path : copy->paths())
      if (path.starts_with("state/ledger/")) copy->erase(path);
    {
      FaultyFileSystem other;
      {
        auto ledger = world.open(other);
        for (int i = 0; i < 3; ++i) ASSERT_TRUE((*ledger)->append_and_wait(draft_of("y" + std::to_string(i))).ok());
      }
      for (const auto& path : other.paths())
        if (path.starts_with("state/ledger/")) copy->put(path, other.content(path));
    }
    refused(*copy, "another root for size 3");
  }
  {  // a newer program's group
    const auto copy = disk.clone();
    std::string newer = content;
    newer[8192 + 8] = 2;
    copy->put(segment, newer);
    refused(*copy, "version 2", Code::failed_precondition);
  }
  {  // a missing segment
    const auto copy = disk.clone();
    copy->put("state/ledger/segments/00000003.seg", std::string(4096, '\0'));
    refused(*copy, "00000002.seg is missing");
  }
}

TEST(LedgerFault, ATornTailIsKeptAndNamed) {
  World world;
  FaultyFileSystem disk;
  {
    auto ledger = world.open(disk);
    for (int i = 0; i < 2; ++i) ASSERT_TRUE((*ledger)->append_and_wait(draft_of("x" + std::to_string(i))).ok());
  }
  const std::string segment = "state/ledger/segments/00000001.seg";
  std::string content = disk.content(segment);
  const std::string torn = content.substr(4096, 500);
  content.replace(8192, torn.size(), torn);  // what could be the beginning of a third group
  disk.put(segment, content);
  const Report before = world.verify(disk);
  ASSERT_FALSE(before.ok());
  EXPECT_EQ(before.faults[0].file, "segments/00000001.seg");
  EXPECT_EQ(before.faults[0].offset, 8192u);
  {
    auto ledger = world.open(disk);
    ASSERT_TRUE(ledger.ok()) << ledger.error().message;
    const auto leaves = leaves_of(**ledger);
    ASSERT_EQ(leaves.size(), 3u);
    EXPECT_EQ(text_member(leaves[2], "kind"), "gap");
    EXPECT_NE(leaves[2].find(R"("payload":{"bytes":500,"offset":8192,"segment":"00000001.seg"})"), std::string::npos) << leaves[2];
    ASSERT_TRUE((*ledger)->append_and_wait(draft_of("x3")).ok());
  }
  const auto kept = disk.list("state/quarantine");
  ASSERT_EQ(kept->size(), 1u);
  EXPECT_EQ(disk.content("state/quarantine/" + kept->front()), torn);
  const Report after = world.verify(disk);
  EXPECT_TRUE(after.ok()) << faults_of(after);
}

// ---- crashes

// ./test --long sets LICET_LONG: ten times the states.
bool long_sweep() {
  return getenv("LICET_LONG") != nullptr;
}

struct Acknowledged {
  std::uint64_t index;
  std::string exchange;
};

// The life of a small ledger: groups of one and of several, a segment that fills up, checkpoints, a restart. Ends early on a dead disk.
std::vector<Acknowledged> live(World& world, FaultyFileSystem& disk) {
  std::vector<Acknowledged> acknowledged;
  int next = 0;
  for (int start = 0; start < 2; ++start) {
    auto ledger = world.open(disk);
    if (!ledger) return acknowledged;
    const auto one = [&](std::size_t detail) {
      const std::string exchange = "x" + std::to_string(next);
      Draft draft = draft_of(exchange, detail);
      if (next++ % 2 == 1) draft.kind = Kind::admin;
      auto r = (*ledger)->append_and_wait(std::move(draft));
      if (r) acknowledged.push_back({r->index(), exchange});
    };
    one(40);
    one(5000);
    (*ledger)->checkpoint().ignore();
    one(40);
    one(40);
    if (start == 0) one(6000);
  }
  return acknowledged;
}

void expect_all(World& world, FaultyFileSystem& disk, const std::vector<Acknowledged>& acknowledged, std::string_view how) {
  {
    auto ledger = world.open(disk);
    ASSERT_TRUE(ledger.ok()) << how << ": " << ledger.error().message;
    const auto leaves = leaves_of(**ledger);
    for (const Acknowledged& a : acknowledged) {
      ASSERT_LT(a.index, leaves.size()) << how;
      EXPECT_EQ(text_member(leaves[a.index], "exchange"), a.exchange) << how;
    }
    auto r = (*ledger)->append_and_wait(draft_of("after"));
    ASSERT_TRUE(r.ok()) << how << r.error().message;
  }
  const Report report = world.verify(disk);
  EXPECT_TRUE(report.ok()) << how << "\n" << faults_of(report);
}

TEST(LedgerCrash, EveryCallOfALifeAndEveryDiskItCouldLeave) {
  using Call = FaultyFileSystem::Call;
  World world;
  std::size_t states = 0;
  FaultyFileSystem whole;
  ASSERT_EQ(live(world, whole).size(), 9u);
  for (const Call call : {Call::write, Call::sync, Call::create, Call::rename, Call::sync_folder, Call::truncate, Call::remove}) {
    const std::uint64_t calls = whole.calls(call);
    for (std::uint64_t at = 0; at < calls; ++at) {
      FaultyFileSystem disk;
      disk.inject(call, at, FaultyFileSystem::Fault::crash);
      const auto acknowledged = live(world, disk);
      FaultyFileSystem::Crashes crashes;
      crashes.all_subsets_up_to = 4;
      crashes.samples = long_sweep() ? 200 : 18;
      crashes.prefixes = long_sweep() ? 200 : 18;
      crashes.seed = at + 1;
      states += disk.each_crash(crashes, [&](FaultyFileSystem& left, std::string_view how) {
        expect_all(world, left, acknowledged,
                   std::string(how) + ", call " + std::to_string(static_cast<int>(call)) + " no. " + std::to_string(at));
      });
      if (HasFatalFailure() || HasNonfatalFailure()) return;
    }
  }
  RecordProperty("states", static_cast<int>(states));
  std::printf("             %zu crash states\n", states);
  EXPECT_GT(states, 1200u);
}

TEST(LedgerCrash, ACrashDuringRecoveryIsRecoveredToo) {
  using Call = FaultyFileSystem::Call;
  World world;
  std::size_t states = 0;
  for (const std::uint64_t first : {5U, 9U, 13U}) {
    FaultyFileSystem disk;
    disk.inject(Call::write, first, FaultyFileSystem::Fault::crash);
    const auto acknowledged = live(world, disk);
    std::vector<std::unique_ptr<FaultyFileSystem>> lefts;
    FaultyFileSystem::Crashes few;
    few.all_subsets_up_to = 1;
    few.samples = long_sweep() ? 8 : 1;
    few.prefixes = long_sweep() ? 12 : 2;
    disk.each_crash(few, [&](FaultyFileSystem& left, std::string_view) { lefts.push_back(left.clone()); });
    for (const auto& left : lefts) {
      for (const Call call : {Call::write, Call::sync, Call::truncate, Call::rename}) {
        for (std::uint64_t at = 0; at < 5; ++at) {
          const auto again = left->clone();
          again->inject(call, at, FaultyFileSystem::Fault::crash);
          world.open(*again).ignore();  // recovery dies, or doesn't get that far
          states +=
              again->each_crash(few, [&](FaultyFileSystem& last, std::string_view how) { expect_all(world, last, acknowledged, how); });
          if (HasFatalFailure() || HasNonfatalFailure()) return;
        }
      }
    }
  }
  std::printf("             %zu crash states\n", states);
  EXPECT_GT(states, 500u);
}

TEST(LedgerCrash, ASpentTokenStaysSpentInEverySurvivor) {
  World world;
  for (std::uint64_t at = 0; at < 12; ++at) {
    FaultyFileSystem disk;
    disk.inject(FaultyFileSystem::Call::sync, at, FaultyFileSystem::Fault::crash);
    std::vector<std::string> spent;
    if (auto ledger = world.open(disk); ledger) {
      for (int i = 0; i < 6; ++i) {
        Draft d = draft_of("x");
        d.spend_token = "t" + std::to_string(i);
        d.token_expires = testing::kStart + std::chrono::seconds(60);
        if ((*ledger)->append_and_wait(std::move(d)).ok()) spent.push_back("t" + std::to_string(i));
      }
    }
    disk.each_crash({2, 4, 4, 1}, [&](FaultyFileSystem& left, std::string_view how) {
      auto ledger = world.open(left);
      ASSERT_TRUE(ledger.ok()) << how;
      for (const std::string& token : spent) {
        Draft d = draft_of("y");
        d.spend_token = token;
        d.token_expires = testing::kStart + std::chrono::seconds(60);
        auto again = (*ledger)->append_and_wait(std::move(d));
        ASSERT_FALSE(again.ok()) << how;
        EXPECT_EQ(again.error().code, Code::already_exists);
      }
    });
  }
}

// ---- many threads, a real disk

TEST(Ledger, ManyThreadsOnARealDisk) {
  char root[] = "/tmp/licet-ledger-XXXXXX";
  ASSERT_NE(mkdtemp(root), nullptr);
  World world;
  world.background = true;
  world.limits.segment_bytes = 256 * 1024;
  std::atomic<int> good{0};
  {
    auto ledger = world.open(store::real_files(), root);
    ASSERT_TRUE(ledger.ok()) << ledger.error().message;
    Ledger& shared = **ledger;  // a Result notes in itself that it was looked at: not for many threads
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 100; ++i)
          if (shared.append_and_wait(draft_of("t" + std::to_string(t) + "-" + std::to_string(i), 500)).ok()) ++good;
      });
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(shared.checkpoint().ok());
    for (auto& t : threads) t.join();
  }
  EXPECT_EQ(good, 400);
  const Report report = world.verify(store::real_files(), std::string(root) + "/ledger");
  EXPECT_TRUE(report.ok()) << faults_of(report);
  EXPECT_EQ(report.entries, 400u);
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace licet::ledger
