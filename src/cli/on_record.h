// What a node has on record, for verbs that ask: from the node while it serves, else from its ledger.
//
//   LICET_TRY(record, on_record(config));
//   epoch::assemble({config.stack, config.packs}, record.facts, record.now, files);
#pragma once

#include <vector>

#include "cli/config.h"
#include "ledger/tally.h"
#include "stack/stack.h"

namespace licet::cli {

struct OnRecord {
  std::vector<stack::Fact> facts;  // those about patients are left out: they stay in the node
  std::vector<ledger::Tally> tallies;
  Micros now{};
};
// Errors: those of read_config's folders; failed_precondition where another process has the ledger and does not answer.
[[nodiscard]] Result<OnRecord> on_record(const Config& config);

}  // namespace licet::cli
