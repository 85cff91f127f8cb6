// Any one bit of a ledger folder that is flipped is noticed.
#include "ledger/verify.h"

#include <nlohmann/json.hpp>
#include <set>

#include "ledger/internal/testing.h"

namespace licet::ledger {
namespace {

using store::FaultyFileSystem;
using testing::draft_of;
using testing::faults_of;
using testing::World;

std::unique_ptr<FaultyFileSystem> ledger_of(World& world, int records) {
  auto disk = std::make_unique<FaultyFileSystem>();
  auto ledger = world.open(*disk);
  EXPECT_TRUE(ledger.ok());
  for (int i = 0; i < records; ++i) EXPECT_TRUE((*ledger)->append_and_wait(draft_of("x" + std::to_string(i))).ok());
  return disk;
}

// The file that was touched is named, or the entry is.
void expect_noticed(World& world, FaultyFileSystem& disk, const std::string& path, std::uint64_t bit) {
  disk.flip_bit(path, bit);
  auto report = verify_folder(disk, "state/ledger", world.verifier());
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->ok()) << path << " bit " << bit;
  if (!report->ok()) {
    const std::string name = path.substr(std::string("state/ledger/").size());
    bool named = false;
    for (const Fault& fault : report->faults) named = named || fault.file == name || fault.entry.has_value();
    EXPECT_TRUE(named) << path << " bit " << bit << "\n" << faults_of(*report);
  }
  disk.flip_bit(path, bit);
}

TEST(Verify, EveryBitOfALedgerOfThreeRecords) {
  World world;
  const auto disk = ledger_of(world, 3);
  ASSERT_TRUE(world.verify(*disk).ok());
  std::set<std::string> kinds;
  std::uint64_t flips = 0;
  for (const std::string& path : disk->paths()) {
    if (!path.starts_with("state/ledger/")) continue;
    kinds.insert(path.substr(13, path.find('/', 13) - 13));
    const std::string content = disk->content(path);
    for (std::uint64_t byte = 0; byte < content.size(); ++byte) {
      // Zeros in long runs (padding, zero-fill) are sampled: one bit of every 97th.
      const bool padding = byte > 0 && content[byte] == '\0' && content[byte - 1] == '\0' && (byte + 1 == content.size() || content[byte + 1] == '\0');
      if (padding && byte % 97 != 0) continue;
      for (std::uint64_t bit = 0; bit < 8; ++bit) {
        if (padding && bit != byte % 8) continue;
        expect_noticed(world, *disk, path, byte * 8 + bit);
        ++flips;
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_EQ(kinds, (std::set<std::string>{"checkpoint", "segments", "tile"}));
  EXPECT_GT(flips, 20'000u);
  EXPECT_TRUE(world.verify(*disk).ok());  // and nothing was changed by looking
}

TEST(Verify, SampledBitsOfALargerLedger) {
  World world;
  world.limits.segment_bytes = 512 * 1024;
  world.limits.group_records = 64;
  auto disk = std::make_unique<FaultyFileSystem>();
  {
    auto ledger = world.open(*disk);
    std::atomic<int> good{0};
    for (int i = 0; i < 300; ++i) (*ledger)->append(draft_of("x" + std::to_string(i)), [&](Result<Recorded> r) { good += r.ok() ? 1 : 0; });
    ledger->reset();
    ASSERT_EQ(good, 300);
  }
  const Report clean = world.verify(*disk);
  ASSERT_TRUE(clean.ok()) << faults_of(clean);
  ASSERT_TRUE(disk->exists("state/ledger/detail/000"));
  SeededRandom random(11);
  for (const std::string& path : disk->paths()) {
    if (!path.starts_with("state/ledger/")) continue;
    const std::uint64_t bits = disk->content(path).size() * 8;
    for (int i = 0; i < 12; ++i) expect_noticed(world, *disk, path, random.next() % bits);
  }
}

TEST(Verify, MissingStrangeAndForeign) {
  World world;
  const auto disk = ledger_of(world, 3);
  for (const std::string& path : disk->paths()) {
    if (!path.starts_with("state/ledger/")) continue;
    const auto copy = disk->clone();
    copy->erase(path);
    const Report report = world.verify(*copy);
    EXPECT_FALSE(report.ok()) << path;
  }
  const auto strange = disk->clone();
  strange->put("state/ledger/tile/entries/007", "x");
  const Report report = world.verify(*strange);
  ASSERT_EQ(report.faults.size(), 1u);
  EXPECT_EQ(report.faults[0].file, "tile/entries/007");

  World other;  // another key
  const Report foreign = other.verify(*disk);
  EXPECT_FALSE(foreign.ok());

  auto absent = verify_folder(*disk, "nowhere", world.verifier());
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, Code::not_found);
}

TEST(Verify, ACheckpointKeptElsewhereShowsWhatWasCut) {
  World world;
  const auto disk = ledger_of(world, 2);
  const auto older = disk->clone();
  {
    auto ledger = world.open(*disk);
    ASSERT_TRUE((*ledger)->append_and_wait(draft_of("x2")).ok());
  }
  const Checkpoint known = *open_checkpoint(disk->content("state/outside/checkpoint"), world.verifier());
  EXPECT_TRUE(verify_folder(*disk, "state/ledger", world.verifier(), known)->ok());
  EXPECT_TRUE(verify_folder(*older, "state/ledger", world.verifier())->ok());  // it is whole in itself
  auto report = verify_folder(*older, "state/ledger", world.verifier(), known);
  ASSERT_FALSE(report->ok());
  EXPECT_NE(faults_of(*report).find("covers 3 entries, but only 2 are here"), std::string::npos);
}

}  // namespace
}  // namespace licet::ledger
