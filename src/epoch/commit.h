// The declaration as a commit had it: read out of git's own store through the `git` program; the work tree is not touched.
//
//   LICET_TRY(sources, epoch::sources_at("examples/riverbend", "origin/main", limits));
//   LICET_TRY(world, epoch::assemble_sources(std::move(sources), packs, facts, now, files));
//
// Input: untrusted (what a branch is called, what a commit holds). A revision is only ever an operand behind --end-of-options, git runs
// without a shell, a pager, hooks, replaced objects or fetching, and only regular files count: a link in the tree leads nowhere.
// Blocks; any thread. Errors: not_found (no git work tree, no such revision), failed_precondition (no declaration in it), exhausted (larger
// than limits), unavailable (no `git` program).
#pragma once

#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/time.h"
#include "stack/stack.h"

namespace licet::epoch {

// The same files that read_sources() takes from a folder, with the same paths.
[[nodiscard]] Result<std::vector<stack::Source>> sources_at(const std::string& folder, const std::string& revision, const Limits& limits);

// The last commit on the way to HEAD that was made by then, by the committer's clock. not_found: there is none.
[[nodiscard]] Result<std::string> commit_by(const std::string& folder, Micros instant);

}  // namespace licet::epoch
