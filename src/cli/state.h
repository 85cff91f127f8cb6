// What stands on disk for one tenant and node: keys and ledger, opened together. serve holds it; record and prove open it when nothing
// serves.
#pragma once

#include <memory>
#include <string>

#include "cli/config.h"
#include "crypto/blind.h"
#include "crypto/crypto.h"
#include "crypto/keys.h"
#include "ledger/ledger.h"

namespace licet::cli {

// Reads "now" from a file on every call (tests of dates that pass): RFC 3339, or empty for the system's. serve logs an alarm when it is
// used.
class FileClock final : public Clock {
 public:
  explicit FileClock(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] Micros now() const override;

 private:
  std::string path_;
  SystemClock system_;
};

struct State {
  std::unique_ptr<Clock> clock;
  crypto::SystemRandom random;
  std::unique_ptr<crypto::KeyRing> keys;
  std::unique_ptr<crypto::Blinder> blind;
  std::unique_ptr<ledger::Ledger> ledger;
  std::string origin;
};

// Makes keys and folders where there are none. failed_precondition: another process has the ledger.
[[nodiscard]] Result<std::unique_ptr<State>> open_state(const Config& config, const std::string& tenant);
[[nodiscard]] std::string origin_of(const std::string& tenant, const std::string& node);
[[nodiscard]] std::string socket_of(const Config& config);
[[nodiscard]] std::string accounts_of(const Config& config);

}  // namespace licet::cli
