#include "store/file.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <set>

#include "store/faulty.h"

namespace licet::store {
namespace {

// The real file system and the fake must behave alike.
class Files : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      char name[] = "/tmp/licet-files-XXXXXX";
      ASSERT_NE(mkdtemp(name), nullptr);
      root_ = name;
    } else {
      root_ = "root";
      ASSERT_TRUE(fake_.make_folder(root_).ok());
    }
  }
  void TearDown() override {
    if (GetParam()) std::filesystem::remove_all(root_);
  }
  FileSystem& fs() { return GetParam() ? real_files() : static_cast<FileSystem&>(fake_); }
  std::string root_;
  FaultyFileSystem fake_;
};

TEST_P(Files, WriteReadTruncate) {
  auto file = fs().open(root_ + "/a", Mode::create);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->write_at(3, as_bytes("abc")).ok());
  ASSERT_TRUE((*file)->sync().ok());
  EXPECT_EQ(*(*file)->size(), 6u);
  std::string out(6, 'x');
  ASSERT_TRUE((*file)->read_at(0, std::as_writable_bytes(std::span(out))).ok());
  EXPECT_EQ(out, std::string("\0\0\0abc", 6));
  std::string more(7, 'x');
  auto beyond = (*file)->read_at(0, std::as_writable_bytes(std::span(more)));
  ASSERT_FALSE(beyond.ok());
  EXPECT_EQ(beyond.error().code, Code::data_loss);
  ASSERT_TRUE((*file)->truncate(4).ok());
  EXPECT_EQ(*fs().read_all(root_ + "/a", 100), std::string("\0\0\0a", 4));
  auto most = fs().read_all(root_ + "/a", 3);
  ASSERT_FALSE(most.ok());
  EXPECT_EQ(most.error().code, Code::exhausted);
  auto again = fs().open(root_ + "/a", Mode::create);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::already_exists);
  auto absent = fs().open(root_ + "/b", Mode::read);
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, Code::not_found);
}

TEST_P(Files, ReplaceListRenameRemove) {
  ASSERT_TRUE(fs().make_folder(root_ + "/x/y/z").ok());
  ASSERT_TRUE(fs().make_folder(root_ + "/x/y/z").ok());
  ASSERT_TRUE(fs().replace(root_ + "/x/y/f", "one").ok());
  ASSERT_TRUE(fs().replace(root_ + "/x/y/f", "two").ok());
  EXPECT_EQ(*fs().read_all(root_ + "/x/y/f", 10), "two");
  ASSERT_TRUE(fs().replace(root_ + "/x/y/e", "").ok());
  EXPECT_EQ(*fs().list(root_ + "/x/y"), (std::vector<std::string>{"e", "f", "z"}));
  ASSERT_TRUE(fs().rename(root_ + "/x/y/f", root_ + "/x/y/e").ok());
  EXPECT_EQ(*fs().read_all(root_ + "/x/y/e", 10), "two");
  EXPECT_FALSE(fs().exists(root_ + "/x/y/f"));
  ASSERT_TRUE(fs().remove(root_ + "/x/y/e").ok());
  auto gone = fs().remove(root_ + "/x/y/e");
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code, Code::not_found);
}

TEST_P(Files, OneHolderOfALock) {
  auto one = fs().lock(root_);
  ASSERT_TRUE(one.ok());
  auto two = fs().lock(root_);
  ASSERT_FALSE(two.ok());
  EXPECT_EQ(two.error().code, Code::failed_precondition);
  (*one).reset();
  EXPECT_TRUE(fs().lock(root_).ok());
}

INSTANTIATE_TEST_SUITE_P(RealAndFake, Files, testing::Bool(), [](const auto& info) { return info.param ? "Real" : "Fake"; });

TEST(FilesReal, NoPermission) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  auto file = real_files().open("/proc/version", Mode::read_write);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, Code::permission_denied);
}

TEST(FilesReal, FullDisk) {
  auto file = real_files().open("/dev/full", Mode::read_write);
  ASSERT_TRUE(file.ok());
  auto wrote = (*file)->write_at(0, as_bytes("x"));
  ASSERT_FALSE(wrote.ok());
  EXPECT_EQ(wrote.error().code, Code::exhausted);
}

// ---- the faulty fake

std::set<std::string> outcomes(const FaultyFileSystem& disk, const std::string& path) {
  std::set<std::string> seen;
  disk.each_crash({}, [&](FaultyFileSystem& left, std::string_view) { seen.insert(left.exists(path) ? left.content(path) : "absent"); });
  return seen;
}

TEST(Faulty, NothingIsCertainBeforeBothSyncs) {
  FaultyFileSystem disk;
  ASSERT_TRUE(disk.make_folder("d").ok());
  auto file = disk.open("d/a", Mode::create);
  ASSERT_TRUE((*file)->write_at(0, as_bytes("abc")).ok());
  ASSERT_TRUE((*file)->sync().ok());
  EXPECT_EQ(outcomes(disk, "d/a"), (std::set<std::string>{"absent", "abc"}));
  ASSERT_TRUE(disk.sync_folder("d").ok());
  EXPECT_EQ(outcomes(disk, "d/a"), (std::set<std::string>{"abc"}));
}

TEST(Faulty, SectorsArriveInAnyOrder) {
  FaultyFileSystem disk;
  disk.put("d/a", std::string(1024, '.'));
  auto file = disk.open("d/a", Mode::read_write);
  ASSERT_TRUE((*file)->write_at(0, as_bytes(std::string(1024, 'x'))).ok());
  const auto seen = outcomes(disk, "d/a");
  for (const char* first : {".", "x"})
    for (const char* second : {".", "x"}) EXPECT_TRUE(seen.contains(std::string(512, *first) + std::string(512, *second)));
  EXPECT_GT(seen.size(), 4u);  // and torn ones
}

TEST(Faulty, ReplaceIsOldOrNew) {
  FaultyFileSystem disk;
  ASSERT_TRUE(disk.make_folder("d").ok());
  ASSERT_TRUE(disk.replace("d/a", "old").ok());
  EXPECT_EQ(outcomes(disk, "d/a"), (std::set<std::string>{"old"}));
  // Crash at every call of the second replace.
  for (std::uint64_t at = 0; at < 5; ++at) {
    using Call = FaultyFileSystem::Call;
    for (const Call call : {Call::create, Call::write, Call::sync, Call::rename, Call::sync_folder}) {
      FaultyFileSystem one;
      ASSERT_TRUE(one.make_folder("d").ok());
      ASSERT_TRUE(one.replace("d/a", "old").ok());
      one.inject(call, at, FaultyFileSystem::Fault::crash);
      const bool done = one.replace("d/a", "new").ok();
      const auto seen = outcomes(one, "d/a");
      EXPECT_FALSE(seen.contains("absent"));
      for (const auto& s : seen) EXPECT_TRUE(s == "old" || s == "new") << s;
      if (done) EXPECT_EQ(seen, (std::set<std::string>{"new"}));
    }
  }
}

TEST(Faulty, ReplaceAllIsOldOrNewForEach) {
  using Call = FaultyFileSystem::Call;
  const std::vector<std::pair<std::string, std::string>> files = {{"d/a", "new"}, {"e/b", "new"}, {"d/c", "new"}};
  for (std::uint64_t at = 0; at < 6; ++at) {
    for (const Call call : {Call::create, Call::write, Call::sync, Call::rename, Call::sync_folder}) {
      FaultyFileSystem disk;
      for (const auto& [path, bytes] : files) {
        ASSERT_TRUE(disk.make_folder(path.substr(0, 1)).ok());
        ASSERT_TRUE(disk.replace(path, "old").ok());
      }
      disk.inject(call, at, FaultyFileSystem::Fault::crash);
      const bool done = disk.replace_all(files).ok();
      for (const auto& [path, bytes] : files) {
        const auto seen = outcomes(disk, path);
        for (const auto& s : seen) EXPECT_TRUE(s == "old" || s == "new") << path << ": " << s;
        if (done) EXPECT_EQ(seen, (std::set<std::string>{"new"})) << path;
      }
    }
  }
}

TEST(Faulty, ASyncThatFailedIsNeverMadeGood) {
  FaultyFileSystem disk;
  disk.put("d/a", "old");
  auto file = disk.open("d/a", Mode::read_write);
  disk.inject(FaultyFileSystem::Call::sync, 0, FaultyFileSystem::Fault::io_error);
  ASSERT_TRUE((*file)->write_at(0, as_bytes("new")).ok());
  auto failed = (*file)->sync();
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, Code::data_loss);
  ASSERT_TRUE((*file)->sync().ok());  // the lie of Linux
  EXPECT_EQ(disk.synced()->content("d/a"), "old");
}

TEST(Faulty, SpaceAndReadOnly) {
  FaultyFileSystem disk;
  ASSERT_TRUE(disk.make_folder("d").ok());
  disk.set_capacity(10);
  auto full = disk.replace("d/a", "more than ten bytes");
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, Code::exhausted);
  disk.set_read_only(true);
  auto stuck = disk.replace("d/b", "x");
  ASSERT_FALSE(stuck.ok());
  EXPECT_EQ(stuck.error().code, Code::permission_denied);
}

}  // namespace
}  // namespace licet::store
