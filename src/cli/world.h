// From what people type to a judged world: which declaration, of which commit, by which facts, on which day. check and diff both begin
// here.
//
//   WorldArgs args;  add_world_options(command, args);            // --packs --as-of --known --facts …
//   auto judged = judged_world(args);                             // problems of the declaration are on stderr already
//
// Time has two axes. --as-of: what was so on that day. --known: what was on record by the end of that day: facts recorded by then, and the
// declaration of the last commit by then.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "cli/config.h"
#include "epoch/load.h"

namespace licet::cli {

struct WorldArgs {
  std::string stack = ".";
  std::string packs = default_packs();
  std::string as_of, known, facts, facts_key;
  bool facts_unsigned = false;
  std::string commit;                // empty: the folder as it is
  std::vector<stack::PackRef> also;  // packs beyond those that the declaration names
};
void add_world_options(CLI::App* command, WorldArgs& args);

struct Judged {
  epoch::World world;
  std::vector<stack::Fact> facts;
  std::string unproven;  // the file of facts that nobody's key vouched for: to be said in what is printed
  Micros now{};
};
// invalid_argument: the declaration has problems, or an argument is none; and all of epoch::assemble() and epoch::sources_at().
[[nodiscard]] Result<Judged> judged_world(const WorldArgs& args);

// Noon of --as-of, else of --known, else now.
[[nodiscard]] Result<Micros> instant_of(const WorldArgs& args);

// "id" or "id@version".
[[nodiscard]] stack::PackRef pack_ref(std::string_view text);

}  // namespace licet::cli
