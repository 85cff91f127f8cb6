// The key hierarchy: bound to its tenant and KEK, saved before use, destroyed for good.
#include "crypto/keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "crypto/kek.h"

namespace licet::crypto {
namespace {

Secret fixed(std::uint64_t seed) {
  SeededRandom random(seed);
  return Secret::random(random);
}

TEST(KeyRing, SurvivesWrappingAndKnowsItsTenant) {
  SeededRandom random(1);
  std::string saved;
  const auto save = [&](const std::string& w) -> Result<void> {
    saved = w;
    return {};
  };
  auto ring = KeyRing::create(fixed(7), "riverbend", random, save);
  ASSERT_TRUE(ring.ok());
  auto month = (*ring)->index_key(micros(1'700'000'000'000'000));
  ASSERT_TRUE(month.ok());
  const Digest mac = hmac_sha256((*month)->bytes(), as_bytes("x"));
  auto again = KeyRing::unwrap(fixed(7), "riverbend", saved, random, save);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->log_key().public_key(), (*ring)->log_key().public_key());
  auto same = (*again)->named("index/2023-11");
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(hmac_sha256((*same)->bytes(), as_bytes("x")), mac);
  EXPECT_EQ(KeyRing::unwrap(fixed(8), "riverbend", saved, random, save).error().code, Code::permission_denied);
  EXPECT_EQ(KeyRing::unwrap(fixed(7), "lakeside", saved, random, save).error().code, Code::permission_denied);
  for (const std::string& bad : {std::string("{}"), std::string("x"), saved.substr(0, saved.size() / 2)})
    EXPECT_FALSE(KeyRing::unwrap(fixed(7), "riverbend", bad, random, save).ok());
}

TEST(KeyRing, AKeyIsSavedBeforeItIsUsed) {
  SeededRandom random(1);
  bool disk_full = false;
  const auto save = [&](const std::string&) -> Result<void> {
    if (disk_full) return Error{Code::exhausted, "disk full"};
    return {};
  };
  auto ring = KeyRing::create(fixed(7), "t", random, save);
  ASSERT_TRUE(ring.ok());
  disk_full = true;
  EXPECT_EQ((*ring)->detail_key(micros(0)).error().code, Code::exhausted);
  EXPECT_EQ((*ring)->named("detail/1970-1").error().code, Code::not_found);
  disk_full = false;
  EXPECT_TRUE((*ring)->detail_key(micros(0)).ok());
}

TEST(KeyRing, ADestroyedKeyNeverComesBack) {
  SeededRandom random(1);
  std::string saved;
  const auto save = [&](const std::string& w) -> Result<void> {
    saved = w;
    return {};
  };
  auto ring = KeyRing::create(fixed(7), "t", random, save);
  ASSERT_TRUE(ring.ok());
  ASSERT_TRUE((*ring)->detail_key(micros(0)).ok());
  ASSERT_TRUE((*ring)->destroy("detail/1970-1").ok());
  EXPECT_EQ((*ring)->named("detail/1970-1").error().code, Code::not_found);
  EXPECT_EQ((*ring)->detail_key(micros(0)).error().code, Code::not_found);
  auto again = KeyRing::unwrap(fixed(7), "t", saved, random, save);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->detail_key(micros(0)).error().code, Code::not_found);
  EXPECT_EQ((*ring)->destroy("log").error().code, Code::failed_precondition);
}

TEST(Kek, AFileThatOthersCanReadIsRefused) {
  SeededRandom random(3);
  const std::string path = (std::filesystem::temp_directory_path() / ("licet-kek-" + std::to_string(getpid()))).string();
  ASSERT_TRUE(make_kek_file(path, random).ok());
  EXPECT_EQ(make_kek_file(path, random).error().code, Code::already_exists);
  EXPECT_TRUE(read_kek_file(path).ok());
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(read_kek_file(path).error().code, Code::permission_denied);
  std::filesystem::remove(path);
  EXPECT_EQ(read_kek_file(path).error().code, Code::not_found);
}

}  // namespace
}  // namespace licet::crypto
