// The record: appends, seals and serves entries that can't be changed unnoticed. No record, no PHI.
//
//   LICET_TRY(ledger, Ledger::open(std::move(options)));
//   ledger->append(std::move(draft), [](Result<Recorded> r) { … });    // called from the committer thread once the group is durable
//   auto recorded = co_await record(*ledger, std::move(draft));        // gate/: the same, awaited
//   co_await send(responder, std::move(part), std::move(recorded));    // spends it
//
// Hot path: one committer thread, group commit: leaves and their encrypted detail, CRC32C, new root and its signature in one write into a
// zero-filled segment, one fdatasync, then every callback. Where several callers waited at once, the next group is held for at most 1 ms
// until as many are there again; a lone caller is never held. A write or fsync error poisons the ledger: every append, now and later, fails
// with Code::data_loss, and the process must exit. A full disk is not poison: appends fail with Code::exhausted until there is room.
//
// Thread rule: append() and read() from any thread; callbacks on the committer thread: they must only hand over.
// One writer: open() takes flock on the folder; a second one gets failed_precondition.
// Formats: docs/formats/ledger.md; C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-proof. Law: 45 CFR 164.312(b), 164.316(b)(2).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/keys.h"
#include "ledger/entry.h"
#include "store/file.h"

namespace licet::ledger {

// The proof, inside this process, that a record is durable. Only the ledger makes one; it moves, never copies, and is spent by one send.
class Recorded {
 public:
  Recorded(Recorded&&) noexcept = default;
  Recorded& operator=(Recorded&&) noexcept = default;
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;

  [[nodiscard]] const std::string& exchange() const { return exchange_; }
  [[nodiscard]] Leg leg() const { return leg_; }
  [[nodiscard]] std::uint32_t part() const { return part_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] const Digest& digest() const { return digest_; }
  [[nodiscard]] std::uint64_t index() const { return index_; }
  [[nodiscard]] Micros time() const { return time_; }

 private:
  friend class Ledger;
  Recorded() = default;
  std::string exchange_;
  Leg leg_ = Leg::none;
  std::uint32_t part_ = 0;
  std::uint64_t epoch_ = 0;
  Digest digest_{};
  std::uint64_t index_ = 0;
  Micros time_{};
};

struct Head {
  std::uint64_t size = 0;
  Digest root{};
  Micros last_time{};
};

struct Options {
  store::FileSystem* files = nullptr;  // outlives the ledger, as do all pointers here
  std::string folder;                  // state/ledger
  std::string outside;                 // state/outside: the last checkpoint is kept here too, to notice a ledger that was rolled back
  std::string quarantine;              // state/quarantine
  std::string origin;                  // "licet.example/TENANT/NODE": names the log (C2SP), tenant and node
  crypto::KeyRing* keys = nullptr;
  const Clock* clock = nullptr;
  Random* random = nullptr;
  Limits limits;
  // Publishes and makes segments ahead of need on a thread of its own. Off (tests): only checkpoint(), receipt() and closing publish.
  bool background = true;
};

// A leaf as stored, with its place and time.
struct Leaf {
  std::uint64_t index = 0;
  std::string json;
};

class Ledger {
 public:
  // Recovers what is there: a torn tail goes to quarantine/ and is named by a `gap` entry; anything else that is wrong refuses to start.
  [[nodiscard]] static Result<std::unique_ptr<Ledger>> open(Options options);
  virtual ~Ledger() = default;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  using Done = std::function<void(Result<Recorded>)>;
  // Errors in `done`: already_exists (token spent), failed_precondition (draft.epoch is older than the epoch in force),
  // exhausted (queue or disk full), data_loss (poisoned).
  virtual void append(Draft draft, Done done) = 0;
  // The same for start-up and command-line verbs: blocks.
  [[nodiscard]] virtual Result<Recorded> append_and_wait(Draft draft) = 0;

  // From the moment this returns, drafts of exchanges that name an older epoch are refused (design §8: narrow first).
  virtual void require_epoch(std::uint64_t epoch) = 0;

  [[nodiscard]] virtual Head head() const = 0;
  // max(system clock, last entry's time): time never runs backwards past a restart.
  [[nodiscard]] virtual Micros now() const = 0;
  // Calls `each` for leaves from..to (exclusive) in order until it returns false.
  [[nodiscard]] virtual Result<void> read(std::uint64_t from, std::uint64_t to, const std::function<bool(const Leaf&)>& each) const = 0;
  // The same for the acts below `to` alone (is_act, entry.h). It reads those and not the traffic between them, so it takes as long as there
  // are acts, however long the ledger is.
  [[nodiscard]] virtual Result<void> read_acts(std::uint64_t to, const std::function<bool(const Leaf&)>& each) const = 0;
  // The decrypted detail of an entry; not_found: it has none or its key was destroyed.
  [[nodiscard]] virtual Result<Phi<std::string>> detail(std::uint64_t index) const = 0;
  // The tlog-proof receipt of an entry against the newest checkpoint.
  [[nodiscard]] virtual Result<std::string> receipt(std::uint64_t index) = 0;
  // The signed checkpoint of everything durable now; also written to `folder`/checkpoint and `outside`.
  [[nodiscard]] virtual Result<std::string> checkpoint() = 0;
  [[nodiscard]] virtual bool poisoned() const = 0;

  // The blind index of a patient or resource in the month of `time`. type: "patient", "resource".
  [[nodiscard]] virtual BlindIndex blind(std::string_view type, std::string_view id, Micros time) const = 0;

 protected:
  Ledger() = default;
  // Only implementations of this class can make a Recorded.
  static Recorded recorded(std::string exchange, Leg leg, std::uint32_t part, std::uint64_t epoch, const Digest& digest,
                           std::uint64_t index, Micros time);
};

}  // namespace licet::ledger
