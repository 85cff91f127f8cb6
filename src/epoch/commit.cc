#include "epoch/commit.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "epoch/load.h"

namespace licet::epoch {
namespace {

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&&) = delete;
  ~Fd() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// What git may know of this process: where it is, who runs it, and nothing that could point it elsewhere (GIT_DIR in a hook).
std::vector<std::string> environment() {
  std::vector<std::string> out = {
      "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_NO_LAZY_FETCH=1", "GIT_PAGER=cat"};
  for (const char* name : {"PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CEILING_DIRECTORIES"})
    if (const char* value = std::getenv(name)) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& s : strings) out.push_back(s.data());
  out.push_back(nullptr);
  return out;
}

// Runs git in `folder`; `input` is its stdin, at most `most` bytes of its stdout come back. What it says on stderr is dropped: it may quote
// anything. nullopt-like failures are not_found: callers say what was looked for.
Result<std::string> git(const std::string& folder, std::vector<std::string> args, std::string_view input, std::size_t most,
                        const std::vector<std::string>& more_environment = {}) {
  std::vector<std::string> words = {"git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-C", folder};
  words.insert(words.end(), std::make_move_iterator(args.begin()), std::make_move_iterator(args.end()));
  std::vector<std::string> env = environment();
  env.insert(env.end(), more_environment.begin(), more_environment.end());

  const Fd in(memfd_create("licet-git", MFD_CLOEXEC));  // a file, so that neither side waits for the other to read
  if (in.get() < 0) return Error{Code::internal, "no memory for a pipe to git"};
  for (std::string_view left = input; !left.empty();) {
    const ssize_t n = write(in.get(), left.data(), left.size());
    if (n <= 0) return Error{Code::exhausted, "no memory for a pipe to git"};
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  lseek(in.get(), 0, SEEK_SET);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Error{Code::internal, "no pipe to git"};
  Fd out(ends[0]), theirs(ends[1]);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  std::vector<char*> argv = pointers(words), envp = pointers(env);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, "git", &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  theirs.close();
  if (failed != 0) return Error{Code::unavailable, fmt::format("git could not be run ({}): install it", std::strerror(failed))};

  // Beyond this point the child is waited for on every path.
  std::string answer;
  bool too_much = false;
  for (char buffer[64 * 1024];;) {
    const ssize_t n = read(out.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    too_much = answer.size() + static_cast<std::size_t>(n) > most;
    if (too_much) break;
    answer.append(buffer, static_cast<std::size_t>(n));
  }
  out.close();  // git ends on the broken pipe
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (too_much) return Error{Code::exhausted, fmt::format("{}: larger than the limit for a declaration", folder)};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return Error{Code::not_found, "git found nothing"};
  return answer;
}

constexpr std::size_t kLineMost = 4096;
constexpr std::size_t kTreeMost = 64u * 1024 * 1024;  // names of a whole repository below the folder

std::string first_line(std::string text) {
  text.resize(std::min(text.size(), text.find('\n')));
  return text;
}

Result<std::string> commit_of(const std::string& folder, const std::string& revision) {
  auto hash = git(folder, {"rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"}, {}, kLineMost);
  if (hash) return first_line(*std::move(hash));
  if (hash.error().code != Code::not_found) return hash;
  return Error{Code::not_found, fmt::format("{}: no git work tree that has the commit '{}'", folder, revision)};
}

struct Entry {
  std::string hash, path;
};

// "100644 blob HASH\tPATH\0" …
std::vector<Entry> entries_of(std::string_view tree) {
  std::vector<Entry> out;
  while (!tree.empty()) {
    const std::size_t end = std::min(tree.find('\0'), tree.size());
    const std::string_view line = tree.substr(0, end);
    tree.remove_prefix(std::min(end + 1, tree.size()));
    const std::size_t tab = line.find('\t'), space = line.rfind(' ', tab);
    if (tab == std::string_view::npos || space == std::string_view::npos) continue;
    if (!line.starts_with("100644 blob ") && !line.starts_with("100755 blob ")) continue;
    const std::string_view path = line.substr(tab + 1);
    if (is_source(path)) out.push_back({std::string(line.substr(space + 1, tab - space - 1)), std::string(path)});
  }
  return out;
}

}  // namespace

Result<std::vector<stack::Source>> sources_at(const std::string& folder, const std::string& revision, const Limits& limits) {
  LICET_TRY(commit, commit_of(folder, revision));
  LICET_TRY(tree, git(folder, {"ls-tree", "-r", "-z", commit}, {}, kTreeMost));
  const std::vector<Entry> entries = entries_of(tree);
  std::string wanted;
  for (const Entry& e : entries) wanted += e.hash + "\n";
  LICET_TRY(blobs, git(folder, {"cat-file", "--batch"}, wanted, limits.stack_bytes + wanted.size() * 2));

  // "HASH blob SIZE\nBYTES\n" for each, in the order asked for.
  std::vector<stack::Source> out;
  std::string_view left = blobs;
  for (const Entry& e : entries) {
    const std::size_t line = left.find('\n');
    const std::string_view head = left.substr(0, line);
    const std::size_t size = std::strtoull(std::string(head.substr(std::min(head.rfind(' ') + 1, head.size()))).c_str(), nullptr, 10);
    if (line == std::string_view::npos || !head.starts_with(e.hash + " blob ") || left.size() - line < size + 2)
      return Error{Code::data_loss, fmt::format("{}: git could not show {} of {}", folder, e.path, revision)};
    out.push_back({e.path, std::string(left.substr(line + 1, size)), layer_of(e.path)});
    left.remove_prefix(line + size + 2);
  }
  if (out.empty()) return Error{Code::failed_precondition, fmt::format("{}: the commit '{}' has no declaration there", folder, revision)};
  std::sort(out.begin(), out.end(), [](const stack::Source& a, const stack::Source& b) { return a.path < b.path; });
  return out;
}

Result<std::string> commit_by(const std::string& folder, Micros instant) {
  auto listed = git(folder, {"rev-list", "-1", fmt::format("--before={}", count(instant) / 1'000'000), "HEAD", "--"}, {}, kLineMost);
  if (!listed)
    return listed.error().code == Code::not_found ? Error{Code::not_found, folder + ": no git work tree with a commit"} : listed.error();
  std::string commit = first_line(*std::move(listed));
  if (commit.empty()) return Error{Code::not_found, fmt::format("{}: no commit was made by {}", folder, format(instant))};
  return commit;
}

Result<std::string> commit_named(const std::string& folder, const std::string& revision) {
  return commit_of(folder, revision);
}

Result<Commits> commits(const std::string& folder, std::size_t most) {
  const auto none = [&] { return Error{Code::failed_precondition, "the declaration is in no git work tree with a commit"}; };
  auto log = git(folder, {"log", fmt::format("-{}", most), "--format=%H%x00%ct%x00%s", "--", "."}, {}, kTreeMost);
  if (!log) return log.error().code == Code::not_found ? none() : log.error();
  Commits out;
  if (auto branch = git(folder, {"symbolic-ref", "--short", "--quiet", "HEAD"}, {}, kLineMost)) out.branch = first_line(*branch);
  for (std::string_view rest = *log; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto first = line.find('\0'), second = first == std::string_view::npos ? first : line.find('\0', first + 1);
    if (second == std::string_view::npos) continue;
    Commit one;
    one.hash = line.substr(0, first);
    one.time = micros(std::strtoll(std::string(line.substr(first + 1, second - first - 1)).c_str(), nullptr, 10) * 1'000'000);
    one.title = line.substr(second + 1);
    out.list.push_back(std::move(one));
  }
  return out;
}

namespace {

// git's own copy of its index, away from the work tree's; gone when this ends.
class ScratchIndex {
 public:
  ScratchIndex() {
    const char* at = std::getenv("TMPDIR");
    folder_ = std::string(at != nullptr && *at == '/' ? at : "/tmp") + "/licet-index-XXXXXX";
    made_ = ::mkdtemp(folder_.data()) != nullptr;
  }
  ~ScratchIndex() {
    if (!made_) return;
    ::unlink(file().c_str());
    ::unlink((file() + ".lock").c_str());
    ::rmdir(folder_.c_str());
  }
  ScratchIndex(const ScratchIndex&) = delete;
  ScratchIndex& operator=(const ScratchIndex&) = delete;
  [[nodiscard]] bool made() const { return made_; }
  [[nodiscard]] std::string file() const { return folder_ + "/index"; }

 private:
  std::string folder_;
  bool made_ = false;
};

}  // namespace

Result<std::string> commit_to_branch(const std::string& folder, const Change& change) {
  const auto wrong = [](std::string_view what) { return Error{Code::failed_precondition, std::string(what)}; };
  auto head = commit_of(folder, "HEAD");
  if (!head) return head.error().code == Code::not_found ? wrong("the declaration is in no git work tree with a commit") : head.error();
  const std::string ref = "refs/heads/" + change.branch;
  if (!git(folder, {"check-ref-format", ref}, {}, kLineMost)) return Error{Code::invalid_argument, "that can't be the name of a branch"};
  if (git(folder, {"rev-parse", "--verify", "--quiet", "--end-of-options", ref}, {}, kLineMost))
    return wrong("that branch is there already");
  LICET_TRY(prefix, git(folder, {"rev-parse", "--show-prefix"}, {}, kLineMost));
  const std::string path = first_line(prefix) + change.path;
  auto entry = git(folder, {"ls-tree", "--full-tree", "-z", *head, "--", path}, {}, kLineMost);
  std::string mode = "100644";
  if (entry && !entry->empty()) {
    mode = entry->substr(0, 6);
    if (mode != "100644" && mode != "100755") return wrong("the file is a link in the commit: nothing is written through it");
  }
  auto there = git(folder, {"cat-file", "blob", *head + ":" + path}, {}, change.before.size() + kTreeMost);
  if (!there || *there != change.before) return wrong("the file has changes that nobody committed: commit or undo these first");
  if (change.before == change.after) return wrong("nothing differs");
  LICET_TRY(blob, git(folder, {"hash-object", "-w", "--no-filters", "--stdin"}, change.after, kLineMost));
  const ScratchIndex scratch;
  if (!scratch.made()) return Error{Code::unavailable, "no folder for a moment's index: is $TMPDIR full?"};
  const std::vector<std::string> index = {"GIT_INDEX_FILE=" + scratch.file()};
  LICET_TRY(loaded, git(folder, {"read-tree", *head}, {}, kLineMost, index));
  LICET_TRY(put, git(folder, {"update-index", "--add", "--cacheinfo", fmt::format("{},{},{}", mode, first_line(blob), path)}, {}, kLineMost,
                     index));
  LICET_TRY(tree, git(folder, {"write-tree"}, {}, kLineMost, index));
  const std::vector<std::string> who = {"GIT_AUTHOR_NAME=" + change.by, "GIT_AUTHOR_EMAIL=" + change.by + "@licet.invalid",
                                        "GIT_COMMITTER_NAME=Licet", "GIT_COMMITTER_EMAIL=console@licet.invalid"};
  LICET_TRY(commit, git(folder, {"commit-tree", first_line(tree), "-p", *head, "-F", "-"}, change.message + "\n", kLineMost, who));
  const std::string hash = first_line(commit);
  // Only where it is still not there: two who choose one name can't both have it.
  if (!git(folder, {"update-ref", ref, hash, std::string(hash.size(), '0')}, {}, kLineMost)) return wrong("that branch is there already");
  return hash;
}

}  // namespace licet::epoch
