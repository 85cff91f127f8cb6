// The one file that crypto opens itself (POSIX, not store/): its permissions must be judged on the open descriptor, before a byte of it is
// believed, and it must come into being with them.
#include "crypto/kek.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace licet::crypto {
namespace {

struct Descriptor {
  int fd = -1;
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Error failed(const std::string& path) {
  const int cause = errno;
  const Code code = cause == EEXIST                                       ? Code::already_exists
                    : cause == ENOENT || cause == ENOTDIR                 ? Code::not_found
                    : cause == ENOSPC || cause == EDQUOT                  ? Code::exhausted
                    : cause == EACCES || cause == EPERM || cause == EROFS ? Code::permission_denied
                                                                          : Code::data_loss;
  return {code, fmt::format("{}: {}", path, std::strerror(cause))};
}

// Who but its owner could read it. The permission bits say so, unless the file has a POSIX ACL: then the group's bits are only the ACL's
// mask (systemd's LoadCredential lets the service's user in that way, on a file of root's), and the entries say it: user ids, and nobody
// but us. An ACL on disk is a version, then (tag, permissions, id) of 16, 16 and 32 bits, little-endian: linux/posix_acl_xattr.h.
bool private_enough(int fd, const struct stat& st) {
  if ((st.st_mode & 0007) != 0) return false;
  if ((st.st_mode & 0070) == 0) return true;
  constexpr unsigned kUserOwner = 0x01, kUser = 0x02, kMask = 0x10;
  struct Entry {
    std::uint16_t tag, permissions;
    std::uint32_t id;
  };
  std::array<char, 4 + 16 * sizeof(Entry)> acl;
  const ssize_t size = ::fgetxattr(fd, "system.posix_acl_access", acl.data(), acl.size());
  if (size < 4 || (size - 4) % static_cast<ssize_t>(sizeof(Entry)) != 0) return false;  // none, or too many to be a credential's
  for (std::size_t at = 4; at < static_cast<std::size_t>(size); at += sizeof(Entry)) {
    Entry entry;
    std::memcpy(&entry, acl.data() + at, sizeof entry);
    const bool ours = entry.tag == kUserOwner || entry.tag == kMask || (entry.tag == kUser && entry.id == ::geteuid());
    if (!ours && entry.permissions != 0) return false;
  }
  return true;
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

Result<Secret> parse(std::string_view text, const std::string& path) {
  const Error refused{Code::invalid_argument, path + ": a key is 32 raw bytes or 64 hex digits"};
  // 32 hex digits are no raw key but half of one: chance makes them once in 2^113.
  if (text.size() == 32 && !is_hex(text)) return Secret(as_bytes(text).first<32>());
  if (text.size() == 65 && text.back() == '\n') text.remove_suffix(1);
  if (text.size() != 64 || !is_hex(text)) return refused;
  std::string bytes = *unhex(text);
  Secret key(as_bytes(bytes).first<32>());
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return key;
}

}  // namespace

// Written beside its place and linked into it: link() fails where the name is taken, so a crash leaves a whole key or none.
Result<void> make_kek_file(const std::string& path, Random& random) {
  const Secret key = Secret::random(random);
  std::string text = hex(key.bytes()) + "\n";
  std::array<std::byte, 8> suffix;
  random.fill(suffix);
  const std::string draft = path + ".new-" + hex(suffix);
  const Descriptor file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.fd < 0) return failed(path);
  const bool written = ::write(file.fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  OPENSSL_cleanse(text.data(), text.size());
  const bool placed = written && ::fsync(file.fd) == 0 && ::link(draft.c_str(), path.c_str()) == 0;
  const Error why = failed(path);  // reads errno, which unlink may change
  ::unlink(draft.c_str());
  if (!placed) return why;
  const auto slash = path.rfind('/');
  const std::string folder_name = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor folder(::open(folder_name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd < 0 || ::fsync(folder.fd) != 0) return failed(folder_name);
  return {};
}

namespace {

// All of a private file, at most `out.size()` bytes of it.
Result<std::size_t> read_private(const std::string& path, std::span<char> out) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a FIFO must not hang the start
  if (file.fd < 0) return failed(path);
  struct stat st {};
  if (::fstat(file.fd, &st) != 0) return failed(path);
  if (!S_ISREG(st.st_mode)) return Error{Code::invalid_argument, path + ": not a regular file"};
  if (st.st_uid != 0 && st.st_uid != ::geteuid()) return Error{Code::permission_denied, path + ": this key belongs to another user"};
  if (!private_enough(file.fd, st))
    return Error{Code::permission_denied,
                 fmt::format("{}: others can read this key (mode {:o}); run: chmod 600 {}", path, st.st_mode & 0777u, path)};
  const ssize_t size = ::read(file.fd, out.data(), out.size());
  if (size < 0) return failed(path);
  return static_cast<std::size_t>(size);
}

}  // namespace

Result<Secret> read_kek_file(const std::string& path) {
  std::array<char, 66> text{};  // one more than the longest key file
  LICET_TRY(size, read_private(path, text));
  auto key = parse(std::string_view(text.data(), size), path);
  OPENSSL_cleanse(text.data(), text.size());
  return key;
}

Result<std::string> read_token_file(const std::string& path) {
  std::array<char, 4097> text{};
  LICET_TRY(size, read_private(path, text));
  std::string_view token(text.data(), size);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.remove_suffix(1);
  const bool good =
      !token.empty() && size < text.size() && std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  std::string out(good ? token : std::string_view());
  OPENSSL_cleanse(text.data(), text.size());
  if (!good) return Error{Code::invalid_argument, path + ": one line of visible ASCII is expected, of at most 4096 bytes"};
  return out;
}

}  // namespace licet::crypto
