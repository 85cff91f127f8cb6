// The signed card of a tool (reports: `of=card`), as whoever got the page checks it.
//
//   LICET_TRY(note, card_note(page_bytes));                 // the signed note inside; not yet believed
//   LICET_TRY(statement, ledger::open_note(note, verifier));
//
// Pure; any thread. Errors: invalid_argument (no card).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace licet::console {

[[nodiscard]] Result<std::string> card_note(std::string_view page);

}  // namespace licet::console
