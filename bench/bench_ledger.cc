// The ledger's latency and throughput, beside raw fdatasync on the same disk in the same run.
//
//   tools/build release bench_ledger && build/release/bench_ledger --benchmark_repetitions=3
//   LICET_BENCH_DIR: where the files go (default: the working folder; not /tmp where that is memory).
//
// Read each figure relative to raw_fdatasync of the same run: disks drift by an order of magnitude between runs.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <vector>

#include "crypto/crypto.h"
#include "crypto/keys.h"
#include "ledger/ledger.h"

namespace licet::ledger {
namespace {

using std::chrono::steady_clock;

class Folder {
 public:
  Folder() {
    const char* base = getenv("LICET_BENCH_DIR");
    path_ = std::string(base == nullptr ? "." : base) + "/licet-bench-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) abort();
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void percentiles(benchmark::State& state, std::vector<double>& us) {
  if (us.empty()) return;
  std::sort(us.begin(), us.end());
  state.counters["p50_us"] = us[us.size() / 2];
  state.counters["p99_us"] = us[us.size() * 99 / 100];
}

double us_since(steady_clock::time_point begin) { return std::chrono::duration<double, std::micro>(steady_clock::now() - begin).count(); }

// One write of `range(0)` bytes into a zero-filled file, and fdatasync: the floor.
void raw_fdatasync(benchmark::State& state) {
  const Folder folder;
  store::FileSystem& files = store::real_files();
  auto file = files.open(folder.path() + "/raw", store::Mode::create);
  const std::string zeros(8 * 1024 * 1024, '\0');
  if (!(*file)->write_at(0, as_bytes(zeros)) || !(*file)->sync()) abort();
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  std::vector<double> us;
  std::uint64_t at = 0;
  for (auto _ : state) {
    const auto begin = steady_clock::now();
    if (!(*file)->write_at(at, as_bytes(bytes)) || !(*file)->sync()) abort();
    us.push_back(us_since(begin));
    at = (at + bytes.size()) % (zeros.size() - bytes.size());
    at -= at % 4096;
  }
  percentiles(state, us);
}
BENCHMARK(raw_fdatasync)->Arg(4096)->Arg(256 * 1024)->UseRealTime()->Unit(benchmark::kMicrosecond);

struct World {
  Folder folder;
  crypto::SystemRandom random;
  SystemClock clock;
  std::unique_ptr<crypto::KeyRing> keys;
  std::unique_ptr<Ledger> ledger;
  explicit World(std::size_t segment_bytes = 64 * 1024 * 1024) {
    auto made = crypto::KeyRing::create(crypto::Secret::random(random), "bench", random, [](const std::string&) { return Result<void>(); });
    if (!made) abort();
    keys = *std::move(made);
    Options options;
    options.files = &store::real_files();
    options.folder = folder.path() + "/ledger";
    options.outside = folder.path() + "/outside";
    options.quarantine = folder.path() + "/quarantine";
    options.origin = "licet.example/bench/n1";
    options.keys = keys.get();
    options.clock = &clock;
    options.random = &random;
    options.limits.segment_bytes = segment_bytes;
    auto opened = Ledger::open(std::move(options));
    if (!opened) abort();
    ledger = *std::move(opened);
  }
};

// A record of some 3 kB: leaf of ~0.9 kB with one patient, AuditEvent of ~2.1 kB.
Draft draft_of(const Digest& digest) {
  Draft d;
  d.kind = Kind::exchange_sent;
  d.exchange = "01JDQXCHANGE0000000000000A";
  d.leg = Leg::answer;
  d.actor = "scribe";
  d.system = "ehr";
  d.route = "fhir-front";
  d.flow = "notes-to-scribe";
  d.purpose = "TREAT";
  d.purpose_source = "flow";
  d.action = "read";
  d.resource_type = "DocumentReference";
  d.data_class = "clinical.note";
  d.ground = "associate";
  d.license = "scribe-reads-notes/notes-to-scribe/associate";
  d.agreements = {"baa-scribe-2026"};
  d.decision = "pass";
  d.form = "identified";
  d.view = "full";
  d.resources = 1;
  d.bytes = 4096;
  d.status = 200;
  d.digest = digest;
  d.patients = {BlindIndex{}};
  d.epoch = 1;
  d.detail = Phi<std::string>(std::string(2100, 'a'));
  return d;
}

// One caller, one record a group: what an exchange at low load waits for.
void append_one(benchmark::State& state) {
  World world;
  const Digest digest = crypto::sha256("body");
  std::vector<double> us;
  for (auto _ : state) {
    const auto begin = steady_clock::now();
    if (!world.ledger->append_and_wait(draft_of(digest))) abort();
    us.push_back(us_since(begin));
  }
  percentiles(state, us);
}
BENCHMARK(append_one)->UseRealTime()->Unit(benchmark::kMicrosecond);

// `range(0)` records in flight: natural batches of about that size.
void append_batch(benchmark::State& state) {
  World world;
  const Digest digest = crypto::sha256("body");
  const auto batch = static_cast<std::size_t>(state.range(0));
  std::atomic<std::size_t> done{0};
  std::size_t sent = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < batch; ++i, ++sent) {
      world.ledger->append(draft_of(digest), [&done, batch](Result<Recorded> r) {
        if (!r) abort();
        if ((done.fetch_add(1, std::memory_order_release) + 1) % batch == 0) done.notify_one();
      });
    }
    // Keep one batch queued while the one before is written.
    for (std::size_t seen = done.load(); seen + batch < sent; seen = done.load()) done.wait(seen);
  }
  for (std::size_t seen = done.load(); seen < sent; seen = done.load()) done.wait(seen);  // `sent` is a multiple of the batch
  state.SetItemsProcessed(static_cast<std::int64_t>(sent));
}
BENCHMARK(append_batch)->Arg(1)->Arg(16)->Arg(64)->Arg(256)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace licet::ledger

BENCHMARK_MAIN();
