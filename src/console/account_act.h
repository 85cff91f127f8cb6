// What `licet user` does, whether a node serves or not: one act on accounts, and its entry on the ledger.
//
//   LICET_TRY(told, account_act(accounts, ledger, stack, {{"act", "add"}, {"name", "r-kim"}, {"role", "auditor"}, {"until", "2026-12-31"}},
//   "root")); told["password"], told["uri"], told["recovery"]          // once
//
// act: add {name, full_name, role, owners[], until, issuer, subject, local, password} | password {name, password} | totp {name} | end
// {name} | unlock {name} | list. Blocks; any thread. Errors: those of identity/accounts.h; not_found (an owner that is not declared);
// unavailable (it could not be recorded).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "identity/accounts.h"
#include "ledger/ledger.h"
#include "stack/stack.h"

namespace licet::console {

[[nodiscard]] Result<nlohmann::json> account_act(identity::Accounts& accounts, ledger::Ledger& ledger, const stack::Stack& stack,
                                                 const nlohmann::json& in, const std::string& by);

}  // namespace licet::console
