// licet prove: one command makes the evidence for a period, verifiable offline by anyone.

#include "cli/config.h"
#include "cli/state.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace licet::cli {
void add_prove(CLI::App&, Run&) {}
}  // namespace licet::cli
