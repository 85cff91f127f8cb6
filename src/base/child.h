// Runs a parser of untrusted bytes in a process that can do nothing but read fd 0 and write fd 1: no network, no writing, no other process.
//
//   int main(int argc, char** argv) {
//     if (auto code = child_main(argc, argv, inside)) return *code;      // first of all: we may be such a child
//     …
//   Child child;
//   child.argv = {"/usr/bin/pdftotext", "-enc", "UTF-8", "-", "-"};      // a program; or {"inside", "docx"}: our own function
//   LICET_TRY(done, run_child(child, bytes));
//   done.code, done.out
//
// posix_spawn of our own binary with fds 0 (the bytes, in memory) and 1 (a pipe) and no others; there: rlimits, no_new_privs, a seccomp
// filter that lists what is allowed, then the program or the function. Our own function can't open a file either; a program may open files
// for reading (its libraries, fonts), and has no way to send what it reads anywhere but to us. Any thread; blocks until the child ends, or
// kills it when a bound is reached. Errors: exhausted (time, memory or output; the message names which), not_found (no such program),
// internal (could not be confined: nothing ran).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace licet {

struct Child {
  std::vector<std::string> argv;           // [0] an absolute path, or "inside"
  std::chrono::milliseconds wall{30'000};  // then it is killed
  unsigned cpu_seconds = 30;
  std::size_t memory_bytes = 1024u * 1024 * 1024;  // of address space
  std::size_t output_bytes = 64u * 1024 * 1024;
};
struct ChildDone {
  std::string out;
  int code = 0;  // exit code; 128 + the signal where one ended it
};

[[nodiscard]] Result<ChildDone> run_child(const Child& child, std::string_view input);

// A big program that makes one file of another (chromium: a page → PDF). It can't live behind the filter of run_child, so it is held by
// what is left: no shell, an environment and a folder of its own that go with it, no network (a namespace without one, where the system
// lets us), rlimits, no_new_privs, and an end: the whole group of its processes is killed when a bound is reached, and when we end. Give it
// only what we made ourselves. In argv {in}, {out} and {home} stand for its input, its output and its folder.
struct Render {
  std::vector<std::string> argv;  // [0] an absolute path
  std::string suffix = ".html";   // of {in}
  std::chrono::milliseconds wall{20'000};
  unsigned cpu_seconds = 40;
  std::size_t output_bytes = 64u * 1024 * 1024;
};
// The bytes of {out}. Errors: as run_child's; unavailable: it ended without making any.
[[nodiscard]] Result<std::string> run_renderer(const Render& render, std::string_view input);

// What the child does when argv begins with "inside": bytes of fd 0 → what is written to fd 1, and the exit code.
using Inside = std::function<int(std::span<const std::string> args, std::string_view input, std::string& out)>;

// The exit code, where this process was started by run_child; else nothing. Call it before anything else in main().
[[nodiscard]] std::optional<int> child_main(int argc, char** argv, const Inside& inside);

}  // namespace licet
