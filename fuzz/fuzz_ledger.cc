// Untrusted input: the ledger's files and receipts as a disk or a stranger may hand them over.
//
// Properties: verify is green only for the bytes that were written; a start either refuses or leaves a ledger that verifies and still has
// the first, published record; notes and receipts print as they were parsed.
#include <cstdlib>

#include "base/log.h"
#include "crypto/crypto.h"
#include "crypto/keys.h"
#include "ledger/ledger.h"
#include "ledger/proof.h"
#include "ledger/verify.h"
#include "store/faulty.h"

namespace {

using namespace licet;
using namespace licet::ledger;

struct World {
  SeededRandom random{7};
  FakeClock clock{micros(1'795'564'800'000'000)};
  std::unique_ptr<crypto::KeyRing> keys;
  store::FaultyFileSystem disk;
  std::unique_ptr<store::FaultyFileSystem> twin;  // never written

  World() {
    log::set_level(log::Level::error);
    auto made = crypto::KeyRing::create(crypto::Secret::random(random), "fuzz", random, [](const std::string&) { return Result<void>(); });
    if (!made) std::abort();
    keys = *std::move(made);
    auto ledger = open(disk);
    if (!ledger || !(*ledger)->append_and_wait(draft("one")) || !(*ledger)->checkpoint() || !(*ledger)->append_and_wait(draft("two"))) std::abort();
    twin = disk.clone();  // two groups, of which the checkpoint covers one
  }
  static Draft draft(std::string exchange) {
    Draft d;
    d.kind = Kind::exchange_sent;
    d.exchange = std::move(exchange);
    d.detail = Phi<std::string>(std::string("detail"));
    return d;
  }
  Result<std::unique_ptr<Ledger>> open(store::FaultyFileSystem& files) {
    Options o;
    o.files = &files;
    o.folder = "s/ledger";
    o.outside = "s/outside";
    o.quarantine = "s/quarantine";
    o.origin = "licet.example/fuzz/n1";
    o.keys = keys.get();
    o.clock = &clock;
    o.random = &random;
    o.limits.segment_bytes = 16 * 1024;
    o.background = false;
    return Ledger::open(std::move(o));
  }
  [[nodiscard]] Verifier verifier() const { return {"licet.example/fuzz/n1", keys->log_key().public_key()}; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  if (size < 3) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view rest = input.substr(3);
  if (data[0] % 4 == 0) {
    if (auto receipt = parse_receipt(rest); receipt && print_receipt(*receipt) != rest) std::abort();
    open_checkpoint(rest, world.verifier()).ignore();
    parse_vkey(rest).ignore();
    return 0;
  }
  // Splice the bytes over a segment.
  const std::string path = "s/ledger/segments/00000001.seg";
  const std::string before = world.twin->content(path);
  std::string segment = before;
  const std::size_t at = (static_cast<std::size_t>(data[1]) << 8 | data[2]) % segment.size();
  segment.replace(at, rest.size(), rest);
  const auto disk = world.twin->clone();
  disk->put(path, segment);
  const bool same = segment == before;
  auto report = verify_folder(*disk, "s/ledger", world.verifier());
  if (!report) std::abort();
  // A file that only lacks zeros at its end says the same.
  if (report->ok() && !same && segment.compare(0, 8192, before, 0, 8192) != 0) std::abort();
  {
    auto ledger = world.open(*disk);
    if (!ledger) return 0;
    if ((*ledger)->head().size == 0) std::abort();
  }
  auto after = verify_folder(*disk, "s/ledger", world.verifier());
  if (!after || !after->ok()) std::abort();
  return 0;
}
