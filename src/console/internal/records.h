// The ledger as people search it: an index that follows it, so that no request reads the ledger through.
//
//   Records records({.ledger = &ledger, .file = "state/index.sqlite"});
//   LICET_TRY_VOID(records.start());
//   auto page = records.find(query);                       // newest first
//
// One thread catches up twice a second (the first time as long as the ledger takes: some 45 µs an entry); a question waits up to 200 ms for
// it, and says how far it has come. Without a file the index lies in memory and catches up when asked (tests). Any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ledger/index.h"

namespace licet::console {

class Records {
 public:
  struct Options {
    const ledger::Ledger* ledger = nullptr;  // outlives it
    std::string file;
  };
  explicit Records(Options options) : options_(std::move(options)) {}
  ~Records() { stop(); }
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;

  // An index of another ledger, or one that can't be read, is made anew.
  [[nodiscard]] Result<void> start();
  void stop();

  // unavailable: there is no index here, or too much would have to be looked through: narrow it.
  [[nodiscard]] Result<std::vector<ledger::Row>> find(const ledger::Index::Query& query);
  [[nodiscard]] Result<std::vector<ledger::Index::Daily>> daily(Date from, Date to);
  // How many entries are in it.
  [[nodiscard]] std::uint64_t size();
  // A leaf as it stands in the ledger.
  [[nodiscard]] Result<nlohmann::json> leaf(std::uint64_t index) const;

 private:
  void run();
  void fresh();
  [[nodiscard]] ledger::Index* at_hand();  // mutex_ is held; null: none
  Options options_;
  std::mutex mutex_;  // of the reader
  std::optional<ledger::Index> reader_, writer_;
  std::mutex waiting_;
  std::condition_variable wake_, came_;
  std::uint64_t indexed_ = 0;
  bool stopping_ = false, ask_ = false;
  std::thread thread_;
};

}  // namespace licet::console
