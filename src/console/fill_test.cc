// Not a test by itself: fills the ledger of a node that does not run, for tests/acceptance/console_size.py.
//   LICET_FILL=STATE:TENANT:ENTRIES build/release/console_test --gtest_filter=Fill.*
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <sstream>

#include "crypto/kek.h"
#include "crypto/keys.h"
#include "ledger/ledger.h"
#include "store/file.h"

namespace licet::console {
namespace {

TEST(Fill, Ledger) {
  const char* asked = std::getenv("LICET_FILL");
  if (asked == nullptr) GTEST_SKIP() << "for tests/acceptance/console_size.py";
  std::istringstream words{std::string(asked)};
  std::string state, tenant, number;
  std::getline(words, state, ':');
  std::getline(words, tenant, ':');
  std::getline(words, number, ':');
  const auto wanted = static_cast<std::uint64_t>(std::stoull(number));
  store::FileSystem& files = store::real_files();
  crypto::SystemRandom random;
  auto kek = crypto::read_kek_file(state + "/keys/kek");
  ASSERT_TRUE(kek.ok()) << kek.error().message;
  auto wrapped = files.read_all(state + "/keys/ring.json", 1 << 24);
  ASSERT_TRUE(wrapped.ok());
  auto keys = crypto::KeyRing::unwrap(*std::move(kek), tenant, *wrapped, random,
                                      [&](const std::string& text) { return files.replace(state + "/keys/ring.json", text); });
  ASSERT_TRUE(keys.ok()) << keys.error().message;
  FakeClock clock(SystemClock().now() - std::chrono::hours(24 * 90));
  ledger::Options o;
  o.files = &files;
  o.folder = state + "/ledger";
  o.outside = state + "/outside";
  o.quarantine = state + "/quarantine";
  o.origin = "licet.example/" + tenant + "/node-1";
  o.keys = keys->get();
  o.clock = &clock;
  o.random = &random;
  auto ledger = ledger::Ledger::open(std::move(o));
  ASSERT_TRUE(ledger.ok()) << ledger.error().message;
  std::mutex mutex;
  std::condition_variable came;
  std::uint64_t open = 0, failed = 0;
  const auto step = std::chrono::microseconds(std::chrono::hours(24 * 90)).count() / static_cast<std::int64_t>(wanted);
  for (std::uint64_t i = 0; i < wanted; ++i) {
    clock.advance(std::chrono::microseconds(step));
    ledger::Draft d;
    const bool refused = i % 20 == 0;
    d.kind = refused ? ledger::Kind::exchange_refused : i % 5000 == 1 ? ledger::Kind::exchange_held : ledger::Kind::exchange_sent;
    d.exchange = fmt::format("{:026}", i);
    d.leg = ledger::Leg::answer;
    d.actor = fmt::format("s{}", i % 997);
    d.system = "ehr";
    d.route = "front";
    d.flow = fmt::format("f{}", i % 997);
    d.purpose = "TREAT";
    d.purpose_source = "flow";
    d.action = "read";
    d.resource_type = "DocumentReference";
    d.data_class = "clinical.note";
    d.ground = "associate";
    d.license = fmt::format("p{}/f{}/g", i % 997, i % 997);
    d.decision = refused ? "refuse" : d.kind == ledger::Kind::exchange_held ? "hold" : "reduce";
    if (refused) d.reason = i % 40 == 0 ? Reason::no_ground : Reason::lapsed;
    d.form = "identified";
    d.view = "v";
    d.resources = 1;
    d.bytes = 2048;
    d.status = refused ? 403 : 200;
    {
      std::unique_lock lock(mutex);
      came.wait(lock, [&] { return open < 4000; });
      ++open;
    }
    (*ledger)->append(std::move(d), [&](Result<ledger::Recorded> r) {
      const std::lock_guard lock(mutex);
      --open;
      if (!r) ++failed;
      came.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  came.wait(lock, [&] { return open == 0; });
  EXPECT_EQ(failed, 0U);
}

}  // namespace
}  // namespace licet::console
