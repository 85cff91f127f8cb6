// Recorded facts as a file, so that a build server can judge without a ledger: `licet facts` writes it, `licet check --facts` reads it.
//
//   files.replace("facts.json", epoch::facts_file(facts));
//   LICET_TRY(facts, epoch::read_facts_file(bytes));
//
// What is about a patient, and what is a sanction, is never in it: git is no place for either (164.502(a), 164.530(e)). What stands on such
// facts is judged without them. Pure; any thread. Format: docs/formats/facts.md. Input: untrusted;
// bounded by the caller's read. Errors: invalid_argument (what is wrong, and at which fact).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stack/stack.h"

namespace licet::epoch {

[[nodiscard]] std::string facts_file(std::span<const stack::Fact> facts);  // sorted members; same facts, same bytes
[[nodiscard]] Result<std::vector<stack::Fact>> read_facts_file(std::string_view bytes);

}  // namespace licet::epoch
