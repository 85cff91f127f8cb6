// The gate: one http::Handler that carries every exchange through identify → locate → decide → legs → outcome (gate/exchange.cc tells it).
//
//   Gate gate(options);
//   gate.adopt(policy);                        // and again with every epoch: open exchanges decide again
//   LICET_TRY(server, http::Server::start(server_options, gate));
//
// Thread rule: handle() on I/O threads; adopt(), overlaid(), release() from any. Options' pointers outlive the gate.
// Law: 45 CFR 164.312(a)-(e), 164.502, 164.514(d). Design §8.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/current.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/workers.h"
#include "crypto/blind.h"
#include "gate/holds.h"
#include "gate/policy.h"
#include "gate/refusal.h"
#include "http/handler.h"
#include "identity/identity.h"
#include "ledger/ledger.h"

namespace licet::gate {

// What people see of an exchange as it happens. No PHI: ids of declared things, counts, sentences.
struct Glimpse {
  std::string exchange, actor, client, route, action, resource_type, purpose, decision, reason, sentence, form, view, license;
  std::uint64_t epoch = 0, resources = 0, withheld = 0, bytes = 0;
  int status = 0;
  Micros time{};
};

// Counts since start, for /metrics and the console. No label holds anything but declared ids and reason codes.
struct Counters {
  std::atomic<std::uint64_t> exchanges{0}, passed{0}, reduced{0}, refused{0}, held{0}, cut{0}, errors{0}, bytes_out{0};
};

class Exchange;

class Gate final : public http::Handler {
 public:
  struct Options {
    ledger::Ledger* ledger = nullptr;
    identity::Identity* identity = nullptr;
    const crypto::Blinder* blind = nullptr;
    const crypto::P256Key* token_key = nullptr;
    Random* random = nullptr;
    std::string node;      // names this node in transaction tokens
    std::string audience;  // what access tokens must be for
    Limits limits;
  };
  explicit Gate(Options options);
  ~Gate() override;

  [[nodiscard]] Task<void> handle(http::Request request, http::Body& body, http::Responder& responder) override;

  // A new table serves; open exchanges decide again and are cut unless form and view still hold.
  void adopt(std::shared_ptr<const Policy> policy);
  // The next table could not come into force: who waits for it is told `busy`. Nothing that needs a record passes until it does.
  void give_up_waiting();
  // What workers have been given is finished. After the Server's stop(), before it is gone; long prompts are refused from then on.
  void stop() { workers_.stop(); }
  // The declaration can't be read since then; nullopt: it can. After the grace only workforce, treatment and individual go on.
  void stale(std::optional<Micros> since);
  void overlaid(std::shared_ptr<const license::Overlay> overlay);
  Holds& holds() { return holds_; }

  [[nodiscard]] std::vector<Glimpse> recent(std::size_t most) const;         // newest first
  [[nodiscard]] std::uint64_t glimpses() const { return glimpses_.load(); }  // grows with each: cheap to poll
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] std::shared_ptr<const Policy> policy() const { return policy_.get(); }

 private:
  friend class Exchange;
  [[nodiscard]] Task<void> token_endpoint(http::Request request, http::Body& body, http::Responder& responder);
  void open(const std::shared_ptr<Exchange>& exchange);
  void close(const Exchange& exchange);
  void recheck_open();
  void show(Glimpse glimpse);
  std::string next_reference(Micros now);
  [[nodiscard]] Task<bool> newer_than(std::uint64_t epoch);  // resumes when a newer policy serves
  // Has a worker do it, as an I/O thread has other connections, too. unavailable: too many wait; internal: it threw.
  [[nodiscard]] Task<Result<std::string>> aside(std::function<Result<std::string>()> work);

  Options options_;
  [[nodiscard]] bool vendors_stopped(Micros now) const { return count(now) >= vendors_stop_.load(std::memory_order_relaxed); }

  std::atomic<std::int64_t> vendors_stop_{std::numeric_limits<std::int64_t>::max()};
  Current<Policy> policy_;
  Current<license::Overlay> overlay_;
  ByteBudget budget_;
  Holds holds_;
  Counters counters_;
  mutable std::mutex mutex_;
  std::unordered_map<const Exchange*, std::weak_ptr<Exchange>> open_;
  std::vector<std::pair<std::uint64_t, std::function<void(bool)>>> waiting_;
  mutable std::mutex glimpse_mutex_;
  std::deque<Glimpse> recent_;
  std::atomic<std::uint64_t> glimpses_{0};
  Workers workers_;
};

}  // namespace licet::gate
