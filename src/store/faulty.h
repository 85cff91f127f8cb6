// A file system in memory that knows what a crash can take away: the fake for tests of everything that claims durability.
//
//   FaultyFileSystem disk;
//   write_something(disk);                                              // the code under test
//   disk.each_crash({}, [](FaultyFileSystem& survivor, std::string_view how) { EXPECT_TRUE(recovers(survivor)) << how; });
//
// What it assumes of a disk, and no more: a write reaches the platter in 512-byte sectors, each in any order, whole, not at all, or as
// garbage, until sync() of that file returns; a created, renamed or removed name is certain only after sync_folder() of its folder.
// After a failed sync() the unsynced writes stay uncertain for ever, though the next sync() "succeeds" (Linux marks the pages clean).
//
// Thread rule: any thread (one mutex). Sizes in bytes. Paths are plain strings; folders exist once make_folder() made them, durably.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "store/file.h"

namespace licet::store {

class FaultyFileSystem final : public FileSystem {
 public:
  static constexpr std::size_t kSector = 512;

  FaultyFileSystem();
  ~FaultyFileSystem() override;

  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override;
  Result<void> make_folder(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  bool exists(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> sync_folder(const std::string& path) override;
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override;

  // ---- faults
  enum class Call { write, sync, truncate, create, rename, remove, sync_folder, read };
  static constexpr std::size_t kCalls = 8;
  enum class Fault {
    io_error,   // data_loss; of a write, a part of it may be there
    no_space,   // exhausted
    read_only,  // permission_denied
    crash,      // half of the write is there, then every later call fails: the machine is gone
  };
  // The (skip + 1)th call of that kind from now on fails; once.
  void inject(Call call, std::uint64_t skip, Fault fault);
  [[nodiscard]] std::uint64_t calls(Call call) const;
  // All files together may hold so much; beyond it writes fail with exhausted.
  void set_capacity(std::uint64_t bytes);
  void set_read_only(bool on);

  // ---- crashes
  struct Crashes {
    std::size_t all_subsets_up_to = 6;  // units (sectors and names) whose every subset is tried
    std::size_t samples = 24;           // random subsets beyond that
    std::size_t prefixes = 48;          // prefixes of the unsynced units, spread evenly where there are more
    std::uint64_t seed = 1;
  };
  // Calls `each` with every disk that a crash now could leave; returns how many there were. `survivor` is the caller's to change.
  std::size_t each_crash(const Crashes& crashes, const std::function<void(FaultyFileSystem& survivor, std::string_view how)>& each) const;
  // What is certain: synced data under synced names.
  [[nodiscard]] std::unique_ptr<FaultyFileSystem> synced() const;

  // ---- for tests: the disk as it is, behind everybody's back
  [[nodiscard]] std::vector<std::string> paths() const;
  [[nodiscard]] std::string content(const std::string& path) const;
  void put(const std::string& path, std::string bytes);  // durable at once
  void flip_bit(const std::string& path, std::uint64_t bit);
  void erase(const std::string& path);
  [[nodiscard]] std::unique_ptr<FaultyFileSystem> clone() const;  // all of it, as if synced

 private:
  friend class FaultyFile;
  friend class FaultyLock;
  struct Node;
  struct Pending;
  enum class Fate : std::uint8_t { lost, kept, garbage };

  [[nodiscard]] Result<void> enter(Call call, const std::string& path);  // counts and injects; mutex held
  [[nodiscard]] std::uint64_t used() const;
  [[nodiscard]] std::unique_ptr<FaultyFileSystem> survivor(const std::vector<Fate>& fates, std::uint64_t seed) const;
  static std::size_t units(const Pending& op);

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>> now_;   // names as programs see them
  std::map<std::string, std::shared_ptr<Node>> disk_;  // names that are certain
  std::set<std::string> folders_;
  std::vector<Pending> pending_;  // what is not certain, oldest first
  std::set<std::string> locks_;
  std::array<std::uint64_t, kCalls> calls_{};
  struct Injection {
    Call call;
    std::uint64_t at;
    Fault fault;
  };
  std::vector<Injection> injections_;
  std::uint64_t capacity_ = ~0ULL;
  bool read_only_ = false;
  bool dead_ = false;
  bool half_ = false;  // the write that just failed left a part
};

}  // namespace licet::store
