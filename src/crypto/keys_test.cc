// The key hierarchy: bound to its tenant and KEK, saved before use, destroyed for good.
#include "crypto/keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "crypto/kek.h"

namespace licet::crypto {
namespace {

template <class T>
Code code_of(const Result<T>& result) {
  return result.ok() ? Code{} : result.error().code;
}

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
  EXPECT_EQ(code_of(KeyRing::unwrap(fixed(8), "riverbend", saved, random, save)), Code::permission_denied);
  EXPECT_EQ(code_of(KeyRing::unwrap(fixed(7), "lakeside", saved, random, save)), Code::permission_denied);
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
  EXPECT_EQ(code_of((*ring)->detail_key(micros(0))), Code::exhausted);
  EXPECT_EQ(code_of((*ring)->named("detail/1970-1")), Code::not_found);
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
  EXPECT_EQ(code_of((*ring)->named("detail/1970-1")), Code::not_found);
  EXPECT_EQ(code_of((*ring)->detail_key(micros(0))), Code::not_found);
  auto again = KeyRing::unwrap(fixed(7), "t", saved, random, save);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(code_of((*again)->detail_key(micros(0))), Code::not_found);
  EXPECT_EQ(code_of((*ring)->destroy("log")), Code::failed_precondition);
}

// The ring's text, changed: refused with a reason, never a crash and never a half-read ring.
TEST(KeyRing, DamagedTextIsRefused) {
  SeededRandom random(1);
  std::string saved;
  const auto save = [&](const std::string& w) -> Result<void> {
    saved = w;
    return {};
  };
  auto ring = KeyRing::create(fixed(7), "t", random, save);
  ASSERT_TRUE(ring.ok());
  ASSERT_TRUE((*ring)->index_key(micros(0)).ok());
  using nlohmann::json;
  const json good = json::parse(saved);
  const auto code = [&](const json& text) {
    auto again = KeyRing::unwrap(fixed(7), "t", text.dump(), random, save);
    return again ? std::string("accepted") : std::string(name(again.error().code));
  };
  EXPECT_EQ(code(good), "accepted");
  const auto with = [&](const char* path, json value) {
    json changed = good;
    changed[json::json_pointer(path)] = std::move(value);
    return changed;
  };
  const struct {
    const char* path;
    json value;
    const char* code;
  } cases[] = {
      {"/format", 1, "invalid argument"},
      {"/format", "licet key ring v2", "invalid argument"},
      {"/keys", json::array(), "invalid argument"},
      {"/keys/log", 7, "invalid argument"},
      {"/keys/log", "*", "invalid argument"},
      {"/keys/log", "", "permission denied"},
      {"/keys/log", good["keys"]["token"], "permission denied"},  // a key in another's place
      {"/keys/index~11971-01", good["keys"]["index/1970-01"], "permission denied"},
      {"/destroyed", "log", "invalid argument"},
      {"/destroyed", json::array({1}), "invalid argument"},
      {"/destroyed", json::array({"log"}), "invalid argument"},  // there and destroyed
      {"/tenant", "u", "permission denied"},
      {"/tenant", nullptr, "permission denied"},
  };
  for (const auto& c : cases) EXPECT_EQ(code(with(c.path, c.value)), c.code) << c.path << " " << c.value;
  for (const char* member : {"format", "keys", "destroyed", "tenant"}) {
    json lacking = good;
    lacking.erase(member);
    EXPECT_NE(code(lacking), "accepted") << member;
  }
  for (const char* key : {"log", "token", "restriction"}) {
    json lacking = good;
    lacking["keys"].erase(key);
    EXPECT_EQ(code(lacking), "invalid argument") << key;
  }
  for (std::size_t size = 0; size < saved.size(); ++size)
    EXPECT_FALSE(KeyRing::unwrap(fixed(7), "t", std::string_view(saved).substr(0, size), random, save).ok()) << size;
}

TEST(KeyRing, ADestructionThatCouldNotBeSavedDidNotHappen) {
  SeededRandom random(1);
  bool disk_full = false;
  const auto save = [&](const std::string&) -> Result<void> {
    if (disk_full) return Error{Code::exhausted, "disk full"};
    return {};
  };
  auto ring = KeyRing::create(fixed(7), "t", random, save);
  ASSERT_TRUE(ring.ok());
  const auto key = (*ring)->detail_key(micros(0));
  ASSERT_TRUE(key.ok());
  const std::string before = hex((*key)->bytes());
  disk_full = true;
  EXPECT_EQ((*ring)->destroy("detail/1970-1").error().code, Code::exhausted);
  EXPECT_TRUE((*ring)->named("detail/1970-1").ok());
  disk_full = false;
  EXPECT_TRUE((*ring)->destroy("detail/1970-1").ok());
  EXPECT_EQ((*ring)->destroy("detail/1970-1").error().code, Code::not_found);
  EXPECT_EQ(hex((*key)->bytes()), before);  // whoever held it seals under the key that it was, never under zeros
  EXPECT_EQ((*ring)->wrapped().find("\"detail/1970-1\":"), std::string::npos);
}

TEST(KeyRing, MonthsAndQuartersHaveTheirNames) {
  SeededRandom random(1);
  auto ring = KeyRing::create(fixed(7), "t", random, [](const std::string&) { return Result<void>(); });
  ASSERT_TRUE(ring.ok());
  const struct {
    const char *time, *index, *detail;
  } cases[] = {
      {"2026-01-01T00:00:00Z", "index/2026-01", "detail/2026-1"}, {"2026-03-31T23:59:59.999999Z", "index/2026-03", "detail/2026-1"},
      {"2026-04-01T00:00:00Z", "index/2026-04", "detail/2026-2"}, {"2026-12-31T23:59:59.999999Z", "index/2026-12", "detail/2026-4"},
      {"1969-12-31T23:59:59Z", "index/1969-12", "detail/1969-4"},
  };
  for (const auto& c : cases) {
    const auto time = parse_time(c.time);
    ASSERT_TRUE(time.ok());
    const auto index = (*ring)->index_key(*time), detail = (*ring)->detail_key(*time);
    ASSERT_TRUE(index.ok() && detail.ok());
    const auto index_named = (*ring)->named(c.index), detail_named = (*ring)->named(c.detail);
    ASSERT_TRUE(index_named.ok() && detail_named.ok()) << c.time;
    EXPECT_EQ(*index, *index_named);
    EXPECT_EQ(*detail, *detail_named);
  }
}

TEST(KeyRing, ManyThreadsGetOneKey) {
  SeededRandom random(1);
  int saves = 0;  // under the ring's lock
  auto ring = KeyRing::create(fixed(7), "t", random, [&](const std::string&) {
    ++saves;
    return Result<void>();
  });
  ASSERT_TRUE(ring.ok());
  KeyRing& keys = **ring;  // a Result notes that it was read: it is no more shared between threads than any other value
  std::array<const Secret*, 8> seen{};
  std::vector<std::thread> threads;
  for (auto& at : seen)
    threads.emplace_back([&keys, &at] {
      const auto key = keys.index_key(micros(0));
      if (key) at = *key;
    });
  for (auto& thread : threads) thread.join();
  for (const Secret* key : seen) EXPECT_TRUE(key != nullptr && key == seen[0]);
  EXPECT_EQ(saves, 2);
}

class Kek : public testing::Test {
 protected:
  Kek() { std::filesystem::create_directory(folder_); }
  ~Kek() override { std::filesystem::remove_all(folder_); }
  void write(std::string_view text, mode_t mode = 0600) {
    std::filesystem::remove(path_);
    std::ofstream(path_) << text;
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
  }
  std::string code() {
    auto key = read_kek_file(path_);
    return key ? hex(key->bytes()) : name(key.error().code);
  }
  const std::string folder_ = std::filesystem::temp_directory_path() / ("licet-kek-" + std::to_string(getpid()));
  const std::string path_ = folder_ + "/kek";
  const std::string digits_ = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
  const std::string lower_ = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
};

TEST_F(Kek, IsMadeOnceForItsOwnerAlone) {
  SeededRandom random(3);
  ASSERT_TRUE(make_kek_file(path_, random).ok());
  struct stat st {};
  ASSERT_EQ(stat(path_.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777u, 0600u);
  const std::string first = code();
  EXPECT_EQ(first.size(), 64u);
  EXPECT_EQ(make_kek_file(path_, random).error().code, Code::already_exists);
  EXPECT_EQ(code(), first);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);  // no draft left
  EXPECT_EQ(make_kek_file(folder_ + "/none/kek", random).error().code, Code::not_found);
}

TEST_F(Kek, IsThirtyTwoBytesOrSixtyFourDigits) {
  const std::string raw = *unhex(lower_);
  const struct {
    std::string text, code;
  } cases[] = {
      {raw, lower_},
      {digits_, lower_},
      {digits_ + "\n", lower_},
      {"", "invalid argument"},
      {raw + "\n", "invalid argument"},
      {raw.substr(1), "invalid argument"},
      {digits_ + "\r\n", "invalid argument"},
      {digits_.substr(1), "invalid argument"},
      {digits_ + "0", "invalid argument"},
      {digits_ + "\n\n", "invalid argument"},
      {digits_.substr(0, 32), "invalid argument"},  // half a key is no raw key
      {std::string(63, '0') + "g", "invalid argument"},
  };
  for (const auto& c : cases) {
    write(c.text);
    EXPECT_EQ(code(), c.code) << c.text.size();
  }
  std::filesystem::remove(path_);
  EXPECT_EQ(code(), "not found");
  std::filesystem::create_directory(path_);
  EXPECT_EQ(code(), "invalid argument");
}

TEST_F(Kek, ThatOthersCanReadIsRefused) {
  for (const mode_t mode : {0600u, 0400u}) {
    write(digits_, mode);
    EXPECT_EQ(code(), lower_);
  }
  for (const mode_t mode : {0640u, 0604u, 0660u, 0620u, 0601u, 0644u, 0666u, 0440u}) {
    write(digits_, mode);
    EXPECT_EQ(code(), "permission denied") << mode;
  }
}

TEST_F(Kek, ATokenFileIsOneLineAndAsPrivate) {
  const auto token = [&] {
    auto read = read_token_file(path_);
    return read ? *read : std::string(name(read.error().code));
  };
  for (const auto& [text, wanted] :
       std::initializer_list<std::pair<std::string, std::string>>{{"sk-abc\n", "sk-abc"},
                                                                  {"sk-abc", "sk-abc"},
                                                                  {"", "invalid argument"},
                                                                  {"a b\n", "invalid argument"},
                                                                  {"a\nb\n", "invalid argument"},
                                                                  {std::string(4097, 'x'), "invalid argument"}}) {
    write(text);
    EXPECT_EQ(token(), wanted);
  }
  write("sk-abc\n", 0644);
  EXPECT_EQ(token(), "permission denied");
}

// systemd's LoadCredential: mode 0440 through an ACL whose mask is r--, with an entry for the service's user.
TEST_F(Kek, AnAclMayNameNobodyButUs) {
  struct Entry {
    std::uint16_t tag, permissions;
    std::uint32_t id;
  };
  const auto set = [&](std::uint32_t user, std::uint16_t group_permissions) {
    write(digits_, 0400);
    const Entry entries[] = {{1, 4, ~0u}, {2, 4, user}, {4, group_permissions, ~0u}, {0x10, 4, ~0u}, {0x20, 0, ~0u}};
    std::string acl{"\2\0\0\0", 4};
    acl.append(reinterpret_cast<const char*>(entries), sizeof entries);
    return setxattr(path_.c_str(), "system.posix_acl_access", acl.data(), acl.size(), 0) == 0;
  };
  if (!set(geteuid(), 0)) GTEST_SKIP() << "no ACLs on this file system";
  EXPECT_EQ(code(), lower_);
  ASSERT_TRUE(set(geteuid() + 1, 0));
  EXPECT_EQ(code(), "permission denied");
  ASSERT_TRUE(set(geteuid(), 4));
  EXPECT_EQ(code(), "permission denied");
}

}  // namespace
}  // namespace licet::crypto
