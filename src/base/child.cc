#include "base/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace licet {
namespace {

constexpr std::string_view kName = "licet-child";
constexpr std::string_view kRendererName = "licet-renderer";
constexpr int kNotConfined = 126, kNotFound = 127;

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  ~Fd() { reset(); }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

bool limit(int what, rlim_t value) {
  const rlimit l{value, value};
  return ::setrlimit(static_cast<__rlimit_resource>(what), &l) == 0;
}

// What is not listed fails with EPERM: a parser that tries more is refused, and need not be killed.
bool confine(bool program) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) return false;
  bool ok = true;
  const auto allow = [&](std::initializer_list<int> calls) {
    for (const int call : calls) ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
  };
  allow({SCMP_SYS(read),
         SCMP_SYS(readv),
         SCMP_SYS(pread64),
         SCMP_SYS(write),
         SCMP_SYS(writev),
         SCMP_SYS(close),
         SCMP_SYS(fstat),
         SCMP_SYS(newfstatat),
         SCMP_SYS(lseek),
         SCMP_SYS(mmap),
         SCMP_SYS(mprotect),
         SCMP_SYS(munmap),
         SCMP_SYS(mremap),
         SCMP_SYS(brk),
         SCMP_SYS(madvise),
         SCMP_SYS(rt_sigaction),
         SCMP_SYS(rt_sigprocmask),
         SCMP_SYS(rt_sigreturn),
         SCMP_SYS(sigaltstack),
         SCMP_SYS(futex),
         SCMP_SYS(clock_gettime),
         SCMP_SYS(clock_getres),
         SCMP_SYS(gettimeofday),
         SCMP_SYS(time),
         SCMP_SYS(getrandom),
         SCMP_SYS(exit),
         SCMP_SYS(exit_group),
         SCMP_SYS(sched_yield),
         SCMP_SYS(getpid),
         SCMP_SYS(gettid),
         SCMP_SYS(tgkill),
         SCMP_SYS(fcntl),
         SCMP_SYS(sched_getaffinity),
         SCMP_SYS(restart_syscall),
         SCMP_SYS(poll)});
  if (program) {
    allow({SCMP_SYS(execve),          SCMP_SYS(access),     SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
           SCMP_SYS(readlinkat),      SCMP_SYS(stat),       SCMP_SYS(lstat),     SCMP_SYS(statx),      SCMP_SYS(statfs),
           SCMP_SYS(fstatfs),         SCMP_SYS(getdents64), SCMP_SYS(getcwd),    SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address),
           SCMP_SYS(set_robust_list), SCMP_SYS(rseq),       SCMP_SYS(prlimit64), SCMP_SYS(uname),      SCMP_SYS(sysinfo),
           SCMP_SYS(getuid),          SCMP_SYS(geteuid),    SCMP_SYS(getgid),    SCMP_SYS(getegid),    SCMP_SYS(fadvise64),
           SCMP_SYS(ioctl),           SCMP_SYS(getrusage),  SCMP_SYS(times)});
    const auto reading = [&](int call, unsigned flags_at) {
      const scmp_arg_cmp only{flags_at, SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY};
      ok = ok && seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &only) == 0;
    };
    reading(SCMP_SYS(open), 1);
    reading(SCMP_SYS(openat), 2);
  }
  ok = ok && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return ok;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Ourselves again, as the leader of a group of its own, with a clean signal mask. Spends `actions`.
Result<pid_t> spawn(posix_spawn_file_actions_t& actions, std::vector<std::string>& words, std::vector<std::string>& env) {
  std::vector<char*> argv, envp;
  for (std::string& w : words) argv.push_back(w.data());
  for (std::string& e : env) envp.push_back(e.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv.data(), envp.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0) return Error{Code::internal, fmt::format("a child could not be started: {}", std::strerror(failed))};
  return pid_t{pid};
}

// argv: our name for it, CPU seconds, bytes of a file, the program and its words.
int renderer_main(char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const bool ok = limit(RLIMIT_CPU, std::strtoull(argv[1], nullptr, 10)) && limit(RLIMIT_CORE, 0) &&
                  limit(RLIMIT_FSIZE, std::strtoull(argv[2], nullptr, 10)) && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  if (!ok) return kNotConfined;
  // Without a network, not even loopback. Where that is not for us to make, the program's own words must do.
  if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) errno = 0;
  ::execve(argv[3], argv + 3, environ);
  return errno == ENOENT ? kNotFound : kNotConfined;
}

std::string read_file(const std::string& path, std::size_t most, bool& too_much) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  std::string out;
  std::array<char, 65536> piece;
  while (file.get() >= 0) {
    const ssize_t n = ::read(file.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    out.append(piece.data(), static_cast<std::size_t>(n));
    if (out.size() > most) {
      too_much = true;
      break;
    }
  }
  return out;
}

// A folder that goes with everything in it.
class Scratch {
 public:
  Scratch() {
    const char* at = std::getenv("TMPDIR");
    path_ = std::string(at != nullptr && *at == '/' ? at : "/tmp") + "/licet-render-XXXXXX";
    made_ = ::mkdtemp(path_.data()) != nullptr;
  }
  ~Scratch() {
    std::error_code error;
    if (made_) std::filesystem::remove_all(path_, error);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] bool made() const { return made_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool made_ = false;
};

}  // namespace

Result<std::string> run_renderer(const Render& render, std::string_view input) {
  if (render.argv.empty() || ::access(render.argv[0].c_str(), X_OK) != 0)
    return Error{Code::not_found, fmt::format("{} is not installed", render.argv.empty() ? "the program" : render.argv[0])};
  const Scratch scratch;
  const std::string in = scratch.path() + "/in" + render.suffix, out = scratch.path() + "/out";
  if (!scratch.made()) return Error{Code::unavailable, "no folder for a moment's files: is $TMPDIR full?"};
  {
    const Fd file(::open(in.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0 || !write_all(file.get(), input)) return Error{Code::exhausted, "no room for a moment's files"};
  }
  std::vector<std::string> words = {std::string(kRendererName), std::to_string(render.cpu_seconds), std::to_string(render.output_bytes)};
  for (std::string word : render.argv) {
    for (const auto& [name, value] : {std::pair{"{in}", in}, std::pair{"{out}", out}, std::pair{"{home}", scratch.path()}})
      for (auto at = word.find(name); at != std::string::npos; at = word.find(name)) word.replace(at, std::strlen(name), value);
    words.push_back(std::move(word));
  }
  std::vector<std::string> env = {"LC_ALL=C.UTF-8",
                                  "HOME=" + scratch.path(),
                                  "TMPDIR=" + scratch.path(),
                                  "XDG_CONFIG_HOME=" + scratch.path(),
                                  "XDG_CACHE_HOME=" + scratch.path(),
                                  "PATH=/usr/bin:/bin"};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  LICET_TRY(pid, spawn(actions, words, env));
  const auto until = std::chrono::steady_clock::now() + render.wall;
  int status = 0;
  bool over = false;
  for (pid_t ended = 0; ended != pid;) {
    ended = ::waitpid(pid, &status, WNOHANG);
    if (ended < 0 && errno != EINTR) return Error{Code::internal, "a child was lost"};
    if (ended == pid) break;
    if (!over && std::chrono::steady_clock::now() >= until) over = true, ::kill(-pid, SIGKILL);
    ::poll(nullptr, 0, 10);
  }
  ::kill(-pid, SIGKILL);  // and whatever it left behind
  if (over) return Error{Code::exhausted, fmt::format("it took longer than {} s", render.wall.count() / 1000)};
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  if (code == kNotConfined) return Error{Code::internal, "a child could not be confined (rlimits): nothing was made"};
  bool too_much = false;
  std::string made = read_file(out, render.output_bytes, too_much);
  if (too_much) return Error{Code::exhausted, fmt::format("it gave more than {} MiB", render.output_bytes >> 20)};
  if (code != 0 || made.empty()) return Error{Code::unavailable, fmt::format("{} made nothing of it (code {})", render.argv[0], code)};
  return made;
}

std::optional<int> child_main(int argc, char** argv, const Inside& inside) {
  if (argc >= 4 && argv[0] == kRendererName) _exit(renderer_main(argv));
  if (argc < 4 || argv[0] != kName) return std::nullopt;
  const auto cpu = static_cast<rlim_t>(std::strtoull(argv[1], nullptr, 10));
  const auto memory = static_cast<rlim_t>(std::strtoull(argv[2], nullptr, 10));
  const std::vector<std::string> args(argv + 3, argv + argc);
  const bool program = args[0] != "inside";
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  bool ok = limit(RLIMIT_CPU, cpu) && limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NOFILE, 64);
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)  // these reserve terabytes of address space
  ok = ok && limit(RLIMIT_AS, memory);
#else
  (void)memory;
#endif
  if (!ok || !confine(program)) _exit(kNotConfined);
  if (program) {
    ::execve(argv[3], argv + 3, environ);
    _exit(errno == ENOENT ? kNotFound : kNotConfined);
  }
  std::string input, out;
  std::array<char, 65536> piece;
  while (true) {
    const ssize_t n = ::read(0, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) _exit(kNotConfined);
    if (n == 0) break;
    input.append(piece.data(), static_cast<std::size_t>(n));
  }
  int code = 0;
  try {
    code = inside(std::span(args).subspan(1), input, out);
  } catch (const std::bad_alloc&) {
    _exit(128 + SIGXCPU + 1);  // memory: kOutOfMemory below
  }
  _exit(write_all(1, out) ? code : kNotConfined);  // no destructors of a process that parsed untrusted bytes
}

Result<ChildDone> run_child(const Child& child, std::string_view input) {
  constexpr int kOutOfMemory = 128 + SIGXCPU + 1;
  if (child.argv.empty()) return Error{Code::invalid_argument, "a child needs a program"};
  if (child.argv[0] != "inside" && ::access(child.argv[0].c_str(), X_OK) != 0)
    return Error{Code::not_found, fmt::format("{} is not installed", child.argv[0])};

  const Fd bytes(::memfd_create("licet-child", MFD_CLOEXEC));
  if (bytes.get() < 0 || !write_all(bytes.get(), input) || ::lseek(bytes.get(), 0, SEEK_SET) != 0)
    return Error{Code::internal, "no memory for a child's input"};
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Error{Code::internal, "no pipe for a child"};
  const Fd from(ends[0]);
  Fd to(ends[1]);

  std::vector<std::string> words = {std::string(kName), std::to_string(child.cpu_seconds), std::to_string(child.memory_bytes)};
  words.insert(words.end(), child.argv.begin(), child.argv.end());
  // A language and encoding of its own, one thread, and nothing of ours: no secret is in a child's environment.
  std::vector<std::string> env = {"LC_ALL=C.UTF-8", "OMP_THREAD_LIMIT=1", "HOME=/nonexistent", "PATH=/usr/bin:/bin"};

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, bytes.get(), 0);
  ::posix_spawn_file_actions_adddup2(&actions, to.get(), 1);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, 2);
  LICET_TRY(pid, spawn(actions, words, env));
  to.reset();

  ChildDone done;
  const char* over = nullptr;
  const auto until = std::chrono::steady_clock::now() + child.wall;
  std::array<char, 65536> piece;
  while (over == nullptr) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd wait{from.get(), POLLIN, 0};
    const int ready = left <= 0 ? 0 : ::poll(&wait, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      over = "time";
      break;
    }
    const ssize_t n = ::read(from.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done.out.append(piece.data(), static_cast<std::size_t>(n));
    if (done.out.size() > child.output_bytes) over = "output";
  }
  // It may have closed its output and gone on: whatever it still does, it is over now.
  if (over != nullptr) ::kill(-pid, SIGKILL);
  int status = 0;
  while (true) {
    const pid_t ended = ::waitpid(pid, &status, over != nullptr ? 0 : WNOHANG);
    if (ended == pid) break;
    if (ended < 0 && errno != EINTR) return Error{Code::internal, "a child was lost"};
    if (ended == 0) {
      if (std::chrono::steady_clock::now() >= until) {
        over = "time";
        ::kill(-pid, SIGKILL);
      } else {
        ::poll(nullptr, 0, 1);
      }
    }
  }
  if (over != nullptr)
    return Error{Code::exhausted, std::string_view(over) == "time" ? fmt::format("it took longer than {} s", child.wall.count() / 1000)
                                                                   : fmt::format("it gave more than {} MiB", child.output_bytes >> 20)};
  done.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  if (done.code == kNotConfined) return Error{Code::internal, "a child could not be confined (seccomp, rlimits): nothing was read"};
  if (done.code == kNotFound) return Error{Code::not_found, fmt::format("{} could not be started", child.argv[0])};
  if (done.code == 128 + SIGXCPU || done.code == 128 + SIGKILL)
    return Error{Code::exhausted, fmt::format("it took more than {} s of computing", child.cpu_seconds)};
  if (done.code == kOutOfMemory) return Error{Code::exhausted, fmt::format("it took more than {} MiB of memory", child.memory_bytes >> 20)};
  return done;
}

}  // namespace licet
