// What a person does about the node, whether through the socket or the console: each is on the ledger before it holds.
#pragma once

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "console/internal/records.h"
#include "console/internal/reply.h"
#include "crypto/keys.h"
#include "epoch/keeper.h"
#include "gate/gate.h"
#include "ledger/ledger.h"
#include "proof/prove.h"

namespace licet::console {

struct Desk {  // all outlive whoever works at it
  gate::Gate* gate = nullptr;
  epoch::Keeper* keeper = nullptr;
  ledger::Ledger* ledger = nullptr;
  crypto::KeyRing* keys = nullptr;
  Random* random = nullptr;
  Records* records = nullptr;  // null: what is asked for is looked for in the ledger itself
};

// `by` goes into the ledger, where no free text may be: letters, digits and -_.@, 64 at most.
[[nodiscard]] bool good_name(std::string_view name);
// A string member; empty where it is absent or something else.
[[nodiscard]] std::string text(const nlohmann::json& object, const char* name);
[[nodiscard]] std::optional<Digest> digest_of_hex(std::string_view hex);

[[nodiscard]] Reply record(const Desk& desk, const epoch::FactInput& fact, const std::string& by);
// Everything of a system, organization, person or route stops, or goes on; "*": everything. 404: the declaration has nobody of that id.
[[nodiscard]] Reply suspend(const Desk& desk, const std::string& id, bool lift, const std::string& by);
// `until`: RFC 3339; empty: 24 h from now; 30 days at most.
[[nodiscard]] Reply release(const Desk& desk, const std::string& reference, const std::string& until, const std::string& by);
// The officer's sentence, what would mend it, and the entries of one exchange.
[[nodiscard]] Reply explain(const Desk& desk, std::string_view reference);

// What proof::produce() needs of the epoch in force, as of now; the epoch must live until it is done.
[[nodiscard]] proof::ProveInput evidence_input(const epoch::Epoch& epoch, ledger::Ledger& ledger, const crypto::KeyRing& keys,
                                               const std::string& build);

// Held exchanges and what became of them, followed as the ledger grows. Any thread.
class HeldList {
 public:
  // Newest first, at most 30 days old: {"reference","time","actor","client","route","purpose","license","state","until"}; state: waiting |
  // released | used | lapsed. With an index it asks that; without one it looks back over the last 200,000 entries the first time. Then only
  // at what is new.
  [[nodiscard]] Result<nlohmann::json> list(const ledger::Ledger& ledger, Records* records = nullptr);

 private:
  void see(const nlohmann::json& entry);
  std::mutex mutex_;
  std::uint64_t next_ = 0;
  bool begun_ = false;
  std::map<std::string, nlohmann::json> held_;  // by reference: these begin with their time, so they sort by it
};

}  // namespace licet::console
