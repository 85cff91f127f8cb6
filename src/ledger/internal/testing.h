// What the tests of this room share: a tenant's keys, a clock that stands, a ledger on any disk. Header only; tests include it, nothing
// else.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/log.h"
#include "crypto/crypto.h"
#include "crypto/keys.h"
#include "ledger/ledger.h"
#include "ledger/note.h"
#include "ledger/verify.h"
#include "store/faulty.h"

namespace licet::ledger::testing {

inline const std::string kOrigin = "licet.example/riverbend/n1";
inline const Micros kStart = micros(1'795'564'800'000'000);  // 2026-11-25

struct World {
  crypto::SystemRandom system;
  FakeClock clock{kStart};
  std::unique_ptr<crypto::KeyRing> keys;
  Limits limits;
  bool background = false;

  World() {
    auto made =
        crypto::KeyRing::create(crypto::Secret::random(system), "riverbend", system, [](const std::string&) { return Result<void>(); });
    EXPECT_TRUE(made.ok());
    keys = *std::move(made);
    limits.segment_bytes = 16 * 1024;
    log::set_level(log::Level::error);
  }
  [[nodiscard]] Verifier verifier() const { return {kOrigin, keys->log_key().public_key()}; }
  [[nodiscard]] Options options(store::FileSystem& files, const std::string& root = "state") {
    Options o;
    o.files = &files;
    o.folder = root + "/ledger";
    o.outside = root + "/outside";
    o.quarantine = root + "/quarantine";
    o.origin = kOrigin;
    o.keys = keys.get();
    o.clock = &clock;
    o.random = &system;
    o.limits = limits;
    o.background = background;
    return o;
  }
  [[nodiscard]] Result<std::unique_ptr<Ledger>> open(store::FileSystem& files, const std::string& root = "state") {
    return Ledger::open(options(files, root));
  }
  [[nodiscard]] Report verify(store::FileSystem& files, const std::string& folder = "state/ledger") const {
    auto report = verify_folder(files, folder, verifier());
    EXPECT_TRUE(report.ok());
    return report ? *std::move(report) : Report{};
  }
};

inline Draft draft_of(std::string exchange, std::size_t detail_bytes = 40) {
  Draft d;
  d.kind = Kind::exchange_sent;
  d.exchange = std::move(exchange);
  d.leg = Leg::answer;
  d.actor = "scribe";
  d.system = "ehr";
  d.decision = "pass";
  d.digest = crypto::sha256(d.exchange);
  d.detail = Phi<std::string>(std::string(detail_bytes, 'd') + d.exchange);
  return d;
}

inline std::vector<std::string> leaves_of(const Ledger& ledger) {
  std::vector<std::string> all;
  auto read = ledger.read(0, ledger.head().size, [&](const Leaf& leaf) {
    EXPECT_EQ(leaf.index, all.size());
    all.push_back(leaf.json);
    return true;
  });
  EXPECT_TRUE(read.ok()) << (read ? "" : read.error().message);
  // Whatever became of the groups: the acts are found where they are now, and no others.
  std::vector<std::uint64_t> acts, found;
  for (std::uint64_t i = 0; i < all.size(); ++i)
    if (const auto kind = kind_of(nlohmann::json::parse(all[i]).value("kind", "")); kind && is_act(*kind)) acts.push_back(i);
  auto acts_read = ledger.read_acts(all.size(), [&](const Leaf& leaf) {
    found.push_back(leaf.index);
    EXPECT_EQ(leaf.json, all.at(leaf.index));
    return true;
  });
  EXPECT_TRUE(acts_read.ok()) << (acts_read ? "" : acts_read.error().message);
  EXPECT_EQ(found, acts);
  return all;
}

inline std::string faults_of(const Report& report) {
  std::string text;
  for (const Fault& fault : report.faults) text += text_of(fault) + "\n";
  return text;
}

}  // namespace licet::ledger::testing
