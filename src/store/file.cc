#include "store/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

namespace licet::store {
namespace {

// What an errno means to us. `otherwise`: data_loss where bytes on disk are in doubt, internal where nothing was touched.
Error failure(int number, std::string_view what, const std::string& path, Code otherwise) {
  Code code = otherwise;
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      code = Code::not_found;
      break;
    case EEXIST:
      code = Code::already_exists;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Code::permission_denied;
      break;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
      code = Code::exhausted;
      break;
    case EIO:
      code = Code::data_loss;
      break;
    default:
      break;
  }
  return {code, std::string(what) + " " + path + ": " + std::strerror(number)};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);  // errors of writing were reported by fdatasync
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Result<Descriptor> open_descriptor(const std::string& path, int flags) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd >= 0) return Descriptor(fd);
    if (errno != EINTR) return failure(errno, "open", path, Code::internal);
  }
}

class RealFile final : public File {
 public:
  RealFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::uint64_t> size() const override {
    struct stat st {};
    if (::fstat(fd_.get(), &st) != 0) return failure(errno, "stat", path_, Code::data_loss);
    return static_cast<std::uint64_t>(st.st_size);
  }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    while (!out.empty()) {
      const ssize_t n = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failure(errno, "read", path_, Code::data_loss);
      if (n == 0) return Error{Code::data_loss, "read " + path_ + ": it ends at byte " + std::to_string(offset)};
      offset += static_cast<std::uint64_t>(n);
      out = out.subspan(static_cast<std::size_t>(n));
    }
    return {};
  }

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failure(errno, "write", path_, Code::data_loss);
      if (n == 0) return Error{Code::data_loss, "write " + path_ + ": nothing was taken"};
      offset += static_cast<std::uint64_t>(n);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return {};
  }

  // Not retried on EINTR or anything else: after a failed fdatasync the kernel may have dropped the pages, and a second call would lie.
  Result<void> sync() override {
    if (::fdatasync(fd_.get()) != 0) return failure(errno, "sync", path_, Code::data_loss);
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return failure(errno, "truncate", path_, Code::data_loss);
    return {};
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class RealLock final : public Lock {
 public:
  explicit RealLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;
};

class RealFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    int flags = 0;
    switch (mode) {
      case Mode::read:
        flags = O_RDONLY;
        break;
      case Mode::read_write:
        flags = O_RDWR;
        break;
      case Mode::create:
        flags = O_RDWR | O_CREAT | O_EXCL;
        break;
    }
    LICET_TRY(fd, open_descriptor(path, flags));
    return std::unique_ptr<File>(std::make_unique<RealFile>(std::move(fd), path));
  }

  Result<void> make_folder(const std::string& path) override {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
      const std::string folder = path.substr(0, end);
      if (::mkdir(folder.c_str(), 0700) == 0) {
        const std::size_t slash = folder.rfind('/');
        LICET_TRY_VOID(sync_folder(slash == std::string::npos ? "." : slash == 0 ? "/" : folder.substr(0, slash)));
      } else if (struct stat st{}; ::stat(folder.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) {
        return failure(errno == 0 ? ENOTDIR : errno, "make folder", folder, Code::internal);
      }
      if (end == std::string::npos) return {};
    }
  }

  Result<std::vector<std::string>> list(const std::string& folder) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), [](DIR* d) { return ::closedir(d); });
    if (dir == nullptr) return failure(errno, "list", folder, Code::internal);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(dir.get());
      if (entry == nullptr) {
        if (errno != 0) return failure(errno, "list", folder, Code::data_loss);
        break;
      }
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  bool exists(const std::string& path) override {
    struct stat st {};
    return ::lstat(path.c_str(), &st) == 0;
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failure(errno, "rename", from, Code::internal);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return failure(errno, "remove", path, Code::internal);
    return {};
  }

  Result<void> sync_folder(const std::string& path) override {
    LICET_TRY(fd, open_descriptor(path, O_RDONLY | O_DIRECTORY));
    if (::fsync(fd.get()) != 0) return failure(errno, "sync folder", path, Code::data_loss);
    return {};
  }

  // A folder is locked itself; a file is made where there is none.
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override {
    LICET_TRY(fd, open_descriptor(path, exists(path) ? O_RDONLY : O_RDWR | O_CREAT));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return Error{Code::failed_precondition, path + " is in use by another process"};
      return failure(errno, "lock", path, Code::internal);
    }
    return std::unique_ptr<Lock>(std::make_unique<RealLock>(std::move(fd)));
  }
};

}  // namespace

Result<std::string> FileSystem::read_all(const std::string& path, std::uint64_t most) {
  LICET_TRY(file, open(path, Mode::read));
  LICET_TRY(size, file->size());
  if (size > most) return Error{Code::exhausted, path + " has " + std::to_string(size) + " bytes, more than " + std::to_string(most)};
  std::string bytes(size, '\0');
  LICET_TRY_VOID(file->read_at(0, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

namespace {

std::string fresh_of(const std::string& path) {
  return path + ".new";
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> write_fresh(FileSystem& files, const std::string& path, std::string_view bytes) {
  const std::string fresh = fresh_of(path);
  if (files.exists(fresh)) LICET_TRY_VOID(files.remove(fresh));  // left over by a crash
  LICET_TRY(file, files.open(fresh, Mode::create));
  LICET_TRY_VOID(file->write_at(0, as_bytes(bytes)));
  return file->sync();
}

}  // namespace

Result<void> FileSystem::replace(const std::string& path, std::string_view bytes) {
  LICET_TRY_VOID(write_fresh(*this, path, bytes));
  LICET_TRY_VOID(rename(fresh_of(path), path));
  return sync_folder(folder_of(path));
}

Result<void> FileSystem::replace_all(std::span<const std::pair<std::string, std::string>> files) {
  for (const auto& [path, bytes] : files) LICET_TRY_VOID(write_fresh(*this, path, bytes));
  std::set<std::string> folders;
  for (const auto& [path, bytes] : files) {
    LICET_TRY_VOID(rename(fresh_of(path), path));
    folders.insert(folder_of(path));
  }
  for (const std::string& folder : folders) LICET_TRY_VOID(sync_folder(folder));
  return {};
}

FileSystem& real_files() {
  static RealFileSystem files;  // stateless
  return files;
}

}  // namespace licet::store
