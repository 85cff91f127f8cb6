// Other worlds than the one in force, judged when somebody asks and kept for a while: another day, what was known then, an earlier commit,
// and the rules that are only proposed.
//
//   Past past({&records, "packs", "state/snapshots", "stack", &files, limits});
//   LICET_TRY(epoch, past.at(now_in_force, "2026-03-01", "", now));       // as a keeper's epoch, never served by the gate
//
// Judging takes as long as a check; the last few worlds are kept. Any thread. Errors: invalid_argument (no day), not_found (no table was in
// force then, or its declaration is no longer in state/snapshots; no such commit), failed_precondition (no git work tree).
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "console/internal/records.h"
#include "console/internal/sight.h"
#include "epoch/keeper.h"
#include "store/file.h"

namespace licet::console {

class Past {
 public:
  struct Options {
    Records* records = nullptr;
    std::string packs, snapshots, stack;  // folders; empty: none is at hand
    store::FileSystem* files = nullptr;
    Limits limits;
  };
  explicit Past(Options options) : options_(std::move(options)) {}

  using EpochRef = std::shared_ptr<const epoch::Epoch>;
  // Days of the stack's zone; empty: now, and what is known now.
  [[nodiscard]] Result<EpochRef> at(EpochRef now_in_force, std::string_view as_of, std::string_view known, Micros now);
  // Newest first, below ledger index `before`.
  [[nodiscard]] Result<nlohmann::json> epochs(std::uint64_t before, std::uint64_t most);
  [[nodiscard]] Result<nlohmann::json> commits(std::uint64_t most) const;
  // ?base=&turn=&offset=&limit=
  [[nodiscard]] Result<nlohmann::json> since(const EpochRef& now_in_force, std::string_view query, const Sight& sight, Micros now);
  // ?pack=&offset=&limit=
  [[nodiscard]] Result<nlohmann::json> proposed(const EpochRef& now_in_force, std::string_view query, const Sight& sight, Micros now);

 private:
  [[nodiscard]] EpochRef kept(const std::string& key, const EpochRef& of);
  void keep(const std::string& key, const EpochRef& of, EpochRef made);
  [[nodiscard]] Result<std::vector<stack::Source>> sources_known(Micros end) const;
  Options options_;
  std::mutex mutex_;
  struct Kept {
    std::string key;
    EpochRef of, made;
  };
  std::list<Kept> kept_;  // newest first
};

}  // namespace licet::console
