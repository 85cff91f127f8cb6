// A SQLite index over the leaves, for looking things up. Delete it and it is rebuilt: the ledger is the record, this is not.
//
//   LICET_TRY(index, Index::open("state/index.sqlite"));
//   LICET_TRY_VOID(index.catch_up(*ledger));                       // from where it stopped to the ledger's head
//   LICET_TRY(rows, index.exchange("01JD…"));                       // all legs, parts and the outcome of one exchange
//
// Its columns are the leaf's members (docs/formats/ledger.md): no PHI, patients as blind indexes only. review/ may run its own SQL on
// `entry` and `entry_patient` through database().
// Thread rule: one thread at a time. Errors: those of store/sqlite.h; failed_precondition where the index is of another ledger (delete it).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.h"
#include "store/sqlite.h"

namespace licet::ledger {

// One entry as the index knows it; empty text and zero where the leaf has no such member.
struct Row {
  std::uint64_t index = 0;
  Micros time{};
  std::string kind, exchange, leg, actor, client, system, route, flow, purpose, decision, reason, ground, license, form, data_class;
  std::uint64_t part = 0, resources = 0, withheld = 0, bytes = 0, epoch = 0;
  int status = 0;
};

class Index {
 public:
  [[nodiscard]] static Result<Index> open(const std::string& path);
  // Beside one that is open already and catches up in another thread: sees what that one has committed.
  [[nodiscard]] static Result<Index> open_to_read(const std::string& path);

  // Reads what is new, `most` of it; returns how many entries that were. In transactions of a few thousand, so a crash loses only work.
  [[nodiscard]] Result<std::uint64_t> catch_up(const Ledger& ledger, std::uint64_t most = std::numeric_limits<std::uint64_t>::max());
  [[nodiscard]] Result<std::uint64_t> size();

  [[nodiscard]] Result<std::optional<Row>> entry(std::uint64_t index);
  // The newest entries of kinds exchange.sent, .refused and .held (one line per exchange leg), newest first.
  [[nodiscard]] Result<std::vector<Row>> last_exchanges(std::size_t most);
  [[nodiscard]] Result<std::vector<Row>> exchange(std::string_view reference);
  [[nodiscard]] Result<std::vector<Row>> of_patient(const BlindIndex& blind, std::size_t most);

  // Newest first. Empty members ask for nothing.
  struct Query {
    std::vector<std::string> kinds;
    std::string actor, system, decision, reason, exchange;
    std::optional<Micros> from, to;                                         // from inclusive, to exclusive
    std::uint64_t before = std::numeric_limits<std::uint64_t>::max();        // entries below this index
    std::uint64_t most = 100;
  };
  // exhausted: it would take more than `most_steps` of SQLite's instructions; 0: no bound. An act about an exchange (a release) has that
  // exchange's reference, too.
  [[nodiscard]] Result<std::vector<Row>> find(const Query& wanted, std::uint64_t most_steps = 0);

  // Exchanges of each day (UTC; both included), kept as entries come: no entry is read.
  struct Daily {
    Date day{};
    std::string decision, reason;
    std::uint64_t entries = 0;
  };
  [[nodiscard]] Result<std::vector<Daily>> daily(Date from, Date to);

  struct Count {
    std::string decision;
    std::string reason;
    std::uint64_t entries = 0;
  };
  // Exchanges by decision and reason, from (inclusive) to (exclusive).
  [[nodiscard]] Result<std::vector<Count>> counts(Micros from, Micros to);

  [[nodiscard]] store::Database& database() { return db_; }

 private:
  explicit Index(store::Database db) : db_(std::move(db)) {}
  [[nodiscard]] Result<std::vector<Row>> rows(store::Statement& query);
  store::Database db_;
};

}  // namespace licet::ledger
