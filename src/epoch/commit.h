// The declaration as a commit had it, and a change to it as a new commit: through the `git` program and git's own store; the work tree is
// not touched.
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

// The newest commits that changed something below the folder.
struct Commit {
  std::string hash, title;
  Micros time{};  // the committer's
};
struct Commits {
  std::string branch;  // that is checked out; empty: none
  std::vector<Commit> list;
};
[[nodiscard]] Result<Commits> commits(const std::string& folder, std::size_t most);
// The full hash of what a revision names.
[[nodiscard]] Result<std::string> commit_named(const std::string& folder, const std::string& revision);

// One file of the declaration as a new commit on a new branch, beside HEAD. Index, work tree, the branch that is checked out and its files
// stay as they are. failed_precondition: no git work tree, the branch is there already, or the file has changes that nobody committed
// (`before`, what the change was made from, is not what HEAD has).
struct Change {
  std::string path;           // below the folder, as in sources_at()
  std::string before, after;  // its bytes
  std::string branch;         // refs/heads/ of it
  std::string message;
  std::string by;  // the author's name
};
[[nodiscard]] Result<std::string> commit_to_branch(const std::string& folder, const Change& change);

}  // namespace licet::epoch
