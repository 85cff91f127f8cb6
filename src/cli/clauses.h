// licet check --clauses AGREEMENT: each clause, the rule that it became, that rule's verdict, and the decisions it made (from the ledger).
#pragma once

#include <string>

#include "base/time.h"

namespace licet::cli {

struct ClausesArgs {
  std::string stack, packs, agreement, format;
  std::string config;  // licet.yaml of the node whose ledger is asked; empty: no decisions are shown, and it says so
  Micros now{};        // judged as of then, unless a node's clock says otherwise
};
[[nodiscard]] int show_clauses(const ClausesArgs& args);

}  // namespace licet::cli
