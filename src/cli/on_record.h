// What a node has on record, for verbs that ask: from the node while it serves, else from its ledger.
//
//   LICET_TRY(record, on_record(config));
//   epoch::assemble({config.stack, config.packs}, record.facts, record.now, files);
#pragma once

#include <string>
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

// What a verb judges: the folders it was given, with nothing on record; or, where it was given a node's licet.yaml, that node's.
struct Place {
  std::string stack, packs;
  OnRecord record;
};
// now: the instant that is judged where no node's clock says otherwise. Errors: those of read_config() and on_record().
[[nodiscard]] Result<Place> place_of(const std::string& stack, const std::string& packs, const std::string& config, Micros now);

}  // namespace licet::cli
