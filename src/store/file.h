// Files behind a small interface: the real ones, and a faulty fake that enumerates what a crash can leave (store/faulty.h).
//
//   LICET_TRY(file, files.open("state/ledger/000001.seg", Mode::read_write));
//   LICET_TRY_VOID(file->write_at(0, bytes));        // all of it, or an error
//   LICET_TRY_VOID(file->sync());                    // fdatasync: durable when this returns
//
// Thread rule: one File from one thread at a time; FileSystem from any. Offsets and sizes in bytes.
// Errors: not_found, already_exists, permission_denied (also a read-only file system), exhausted (ENOSPC, EDQUOT), data_loss (EIO and
// everything else that leaves it unknown what is on disk). After data_loss from write_at() or sync() the file must not be trusted again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace licet::store {

enum class Mode {
  read,        // must exist
  read_write,  // must exist
  create,      // must not exist; 0600
};

class File {
 public:
  virtual ~File() = default;
  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
  // Reads exactly `out.size()` bytes; data_loss where the file is shorter.
  [[nodiscard]] virtual Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;
  [[nodiscard]] virtual Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  [[nodiscard]] virtual Result<void> sync() = 0;  // fdatasync
  [[nodiscard]] virtual Result<void> truncate(std::uint64_t size) = 0;
};

// Held while alive (flock); dies with the process.
class Lock {
 public:
  virtual ~Lock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) = 0;
  [[nodiscard]] virtual Result<void> make_folder(const std::string& path) = 0;  // with parents, 0700, each synced into its parent
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;  // names, sorted
  [[nodiscard]] virtual bool exists(const std::string& path) = 0;
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual Result<void> remove(const std::string& path) = 0;
  [[nodiscard]] virtual Result<void> sync_folder(const std::string& path) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Lock>> lock(const std::string& path) = 0;  // failed_precondition: another process holds it

  // Whole-file helpers built on the above. replace(): new file, sync, rename over, sync folder: readers see the old or the new one.
  [[nodiscard]] Result<std::string> read_all(const std::string& path, std::uint64_t most);
  [[nodiscard]] Result<void> replace(const std::string& path, std::string_view bytes);
  // Several {path, bytes}: each file is old or new after a crash, all are new when this returns. Each folder is synced once.
  [[nodiscard]] Result<void> replace_all(std::span<const std::pair<std::string, std::string>> files);
};

// The operating system's files.
[[nodiscard]] FileSystem& real_files();

}  // namespace licet::store
