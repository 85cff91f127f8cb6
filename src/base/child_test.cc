#include "base/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace licet {
namespace {

int inside(std::span<const std::string> args, std::string_view input, std::string& out) {
  if (args[0] == "echo") out = std::string(input.rbegin(), input.rend());
  if (args[0] == "open") out = ::open("/etc/passwd", O_RDONLY) < 0 ? "refused" : "opened";
  if (args[0] == "socket") out = ::socket(AF_INET, SOCK_STREAM, 0) < 0 ? "refused" : "opened";
  if (args[0] == "fork") out = ::fork() < 0 ? "refused" : "forked";
  if (args[0] == "fds") {
    for (int fd = 0; fd < 64; ++fd)
      if (::fcntl(fd, F_GETFD) >= 0) out += std::to_string(fd) + " ";
  }
  if (args[0] == "spin") {
    volatile unsigned long n = 0;
    while (true) n = n + 1;
  }
  if (args[0] == "flood") out.assign(8u << 20, 'x');
  if (args[0] == "fail") return 7;
  return 0;
}

// run_child starts our own binary, which here is the test: it must answer before GoogleTest's main does.
__attribute__((constructor)) void answer(int argc, char** argv) {
  if (argc > 0 && (std::string_view(argv[0]) == "licet-child" || std::string_view(argv[0]) == "licet-renderer"))
    if (const auto code = child_main(argc, argv, inside)) _exit(*code);
}

Child of(std::vector<std::string> argv) {
  Child c;
  c.argv = std::move(argv);
  return c;
}

TEST(Child, GivesBackWhatItWrote) {
  auto done = run_child(of({"inside", "echo"}), "abc");
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->out, "cba");
  EXPECT_EQ(done->code, 0);
  auto failed = run_child(of({"inside", "fail"}), "");
  ASSERT_TRUE(failed.ok());
  EXPECT_EQ(failed->code, 7);
}

TEST(Child, CanReachNothing) {
  for (const char* what : {"open", "socket", "fork"}) {
    auto done = run_child(of({"inside", what}), "");
    ASSERT_TRUE(done.ok()) << what << ": " << done.error().message;
    EXPECT_EQ(done->out, "refused") << what;
  }
  auto fds = run_child(of({"inside", "fds"}), "");
  ASSERT_TRUE(fds.ok());
  EXPECT_EQ(fds->out, "0 1 ");
}

TEST(Child, IsBounded) {
  Child slow = of({"inside", "spin"});
  slow.wall = std::chrono::milliseconds(200);
  EXPECT_EQ(run_child(slow, "").error().code, Code::exhausted);
  Child loud = of({"inside", "flood"});
  loud.output_bytes = 1 << 20;
  EXPECT_EQ(run_child(loud, "").error().code, Code::exhausted);
}

TEST(Child, AProgramReadsAndWritesNothingElse) {
  auto cat = run_child(of({"/bin/cat"}), "abc");
  ASSERT_TRUE(cat.ok()) << cat.error().message;
  EXPECT_EQ(cat->out, "abc");
  auto touch = run_child(of({"/usr/bin/touch", "/tmp/licet-child-was-here"}), "");
  ASSERT_TRUE(touch.ok());
  EXPECT_NE(touch->code, 0);
  EXPECT_NE(::access("/tmp/licet-child-was-here", F_OK), 0);
  EXPECT_EQ(run_child(of({"/no/such/program"}), "").error().code, Code::not_found);
}

TEST(Renderer, MakesOneFileOfAnotherAndLeavesNothing) {
  Render copy;
  copy.argv = {"/bin/cp", "{in}", "{out}"};
  auto made = run_renderer(copy, "a page");
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(*made, "a page");
  Render nothing;
  nothing.argv = {"/bin/true"};
  EXPECT_EQ(run_renderer(nothing, "x").error().code, Code::unavailable);
  Render absent;
  absent.argv = {"/nowhere/chromium"};
  EXPECT_EQ(run_renderer(absent, "x").error().code, Code::not_found);
  Render large;
  large.argv = {"/bin/cp", "{in}", "{out}"};
  large.output_bytes = 1000;
  EXPECT_FALSE(run_renderer(large, std::string(5000, 'x')).ok()) << "a bound on what it makes";
  Render words;  // no shell reads them
  words.argv = {"/bin/cp", "{in}", "{out}", ";touch /tmp/licet-renderer"};
  EXPECT_FALSE(run_renderer(words, "x").ok());
  EXPECT_NE(::access("/tmp/licet-renderer", F_OK), 0);
}

TEST(Renderer, IsEndedWithAllThatItStarted) {
  Render slow;
  slow.argv = {"/bin/sh", "-c", "sleep 60 & sleep 60"};
  slow.wall = std::chrono::milliseconds(200);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(run_renderer(slow, "x").error().code, Code::exhausted);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
}

}  // namespace
}  // namespace licet
