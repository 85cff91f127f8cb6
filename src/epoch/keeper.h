// Keeps the table in force: loads, judges, compiles, records and publishes it, and judges again when the stack, a fact or the date changes.
//
//   Keeper keeper(options);                       // options.adopted publishes to the gate
//   LICET_TRY_VOID(keeper.start());               // epoch 1 of this process is durable and published, or start-up fails
//   keeper.facts_changed();                       // after a fact was recorded: the overlay at once, the table soon after
//   keeper.stop();
//
// Order of a change (design §8, narrow first): the ledger refuses records of the old epoch → the epoch entry is durable, with the bytes it
// was made from synced in state/snapshots first → the new table serves → open exchanges decide again (Options::adopted).
// A stack that doesn't parse never becomes an epoch: the last good one serves, with an alarm; at start-up it refuses.
// Threads: one thread of its own; all members from any thread. Source: 45 CFR 164.316(b)(1), 164.308(a)(8).
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/current.h"
#include "crypto/blind.h"
#include "epoch/facts.h"
#include "epoch/load.h"
#include "ledger/ledger.h"

namespace licet::epoch {

struct Epoch {
  std::uint64_t number = 0;  // grows over restarts
  Micros as_of{};
  World world;
  std::vector<stack::Fact> facts;
};

struct Status {
  std::uint64_t epoch = 0;
  bool stale = false;  // the folder holds a declaration that doesn't parse or judge
  Micros stale_since{};
  std::vector<std::string> problems;  // what is wrong with it
};

class Keeper {
 public:
  struct Options {
    Folders folders;
    std::string snapshots;  // state/snapshots
    store::FileSystem* files = nullptr;
    ledger::Ledger* ledger = nullptr;
    crypto::KeyRing* keys = nullptr;
    const crypto::Blinder* blind = nullptr;
    const Clock* clock = nullptr;
    std::string build;  // version of this program, for the epoch entry
    std::chrono::milliseconds look_every = std::chrono::milliseconds(500);
    Limits limits;
    // Called with each table that comes into force, before it serves; an error keeps the old one. On the keeper's thread (first:
    // start()'s).
    std::function<Result<void>(std::shared_ptr<const Epoch>)> adopted;
    // The folder holds a declaration that doesn't parse or judge, since then; nullopt: it does again. After Limits::stale_stack_grace the
    // gate stops vendors' grounds (design §8): what is declared may have changed for them, and nobody has mended it.
    std::function<void(std::optional<Micros>)> stale;
    // A table was due and could not be recorded or adopted: it is tried again at the next look.
    std::function<void()> failed;
    // Called whenever suspensions, restrictions, consents or ties changed.
    std::function<void(std::shared_ptr<const license::Overlay>)> overlaid;
  };
  explicit Keeper(Options options);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  [[nodiscard]] Result<void> start();
  void stop();
  void facts_changed();
  void look_now();  // re-reads the folder without waiting

  [[nodiscard]] std::shared_ptr<const Epoch> current() const;
  [[nodiscard]] Status status() const;

 private:
  struct Stamp;
  void run();
  [[nodiscard]] Result<void> renew(bool at_start);
  [[nodiscard]] Result<void> record(const Epoch& next);
  [[nodiscard]] Result<Recorded> overlay_now();
  void problem(std::vector<std::string> problems);

  Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool facts_changed_ = false;
  bool look_ = false;
  std::shared_ptr<const Epoch> current_;
  Status status_;
  bool retry_ = false;
  Digest seen_{};  // digest of the sources last read, good or bad
  Micros next_date_ = Micros::max();
  std::thread thread_;
};

}  // namespace licet::epoch
