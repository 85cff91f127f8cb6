// Which ledger entries go into a bundle, and the proof that each is in the log.
#pragma once

#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "ledger/merkle.h"
#include "ledger/note.h"
#include "proof/internal/leaves.h"
#include "proof/prove.h"

namespace licet::proof {

struct Selection {
  std::vector<Included> entries;  // in order: epochs from before the period, the fence before, the period, the fence after
  bool complete = false;          // everything of the period, with fences
};
// `related`: ids of a vendor and its systems, sorted; empty: not narrowed. `agreements`: ids of agreements with it.
struct Narrow {
  std::vector<std::string> related, agreements;
  std::vector<std::string> patients;  // hex of blind indexes
  [[nodiscard]] bool any() const { return !related.empty() || !patients.empty(); }
};
[[nodiscard]] Result<Selection> select_entries(const ledger::Ledger& ledger, std::uint64_t size, Micros from, Micros to, const Narrow& narrow);

// The inclusion proof of each entry to the checkpoint, a JSON line each. data_loss: the leaves don't lead to its root.
[[nodiscard]] Result<std::string> proof_lines(const ledger::Ledger& ledger, const ledger::Checkpoint& checkpoint, std::span<const Included> entries);

}  // namespace licet::proof
