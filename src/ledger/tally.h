// What the exchanges on record had in common, counted: who, by which flow, for what, and what was decided on which agreements.
//
//   LICET_TRY(tallies, ledger::tally(*ledger));
//   for (const Tally& t : tallies) fmt::print("{} {} {}: {}\n", t.actor, t.purpose, t.decision, t.count);
//
// One line for all exchanges that agree in every member but the last three; parts and outcomes of an exchange are not counted again.
// Reads the whole ledger: for people's questions, not for a request. No PHI. Thread rule: that of Ledger::read().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledger/ledger.h"

namespace licet::ledger {

struct Tally {
  std::string actor, client, system, flow, purpose, decision, reason;
  std::vector<std::string> agreements;
  std::uint64_t count = 0;
  std::string reference;  // of the latest of them
  Micros last{};
};
[[nodiscard]] Result<std::vector<Tally>> tally(const Ledger& ledger);  // sorted by the members in order

}  // namespace licet::ledger
