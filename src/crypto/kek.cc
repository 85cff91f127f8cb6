// The one file that crypto opens itself (POSIX): its permissions must be judged on the open descriptor, before a byte of it is believed.

#include "crypto/kek.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace licet::crypto {
namespace {

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

Result<void> make_kek_file(const std::string& path, Random& random) {
  const Secret key = Secret::random(random);
  const std::string text = hex(key.bytes()) + "\n";
  const Descriptor d{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (d.fd < 0) return Error{errno == EEXIST ? Code::already_exists : Code::permission_denied, fmt::format("{}: {}", path, std::strerror(errno))};
  if (::write(d.fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(d.fd) != 0)
    return Error{Code::data_loss, fmt::format("{}: {}", path, std::strerror(errno))};
  const auto slash = path.rfind('/');
  const Descriptor folder{::open(slash == std::string::npos ? "." : path.substr(0, slash).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.fd < 0 || ::fsync(folder.fd) != 0) return Error{Code::data_loss, path + ": its folder can't be synced"};
  return {};
}

Result<Secret> read_kek_file(const std::string& path) {
  const Descriptor d{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (d.fd < 0) return Error{errno == ENOENT ? Code::not_found : Code::permission_denied, fmt::format("{}: {}", path, std::strerror(errno))};
  struct stat st {};
  if (::fstat(d.fd, &st) != 0 || !S_ISREG(st.st_mode)) return Error{Code::invalid_argument, path + ": not a regular file"};
  if ((st.st_mode & 0077) != 0)
    return Error{Code::permission_denied, fmt::format("{}: others can read this key (mode {:o}); run: chmod 600 {}", path, st.st_mode & 0777u, path)};
  std::array<char, 80> text{};
  const ssize_t n = ::read(d.fd, text.data(), text.size());
  if (n < 0) return Error{Code::data_loss, fmt::format("{}: {}", path, std::strerror(errno))};
  std::string_view view(text.data(), static_cast<std::size_t>(n));
  std::array<std::byte, 32> bytes{};
  if (view.size() == 32) {
    std::memcpy(bytes.data(), view.data(), 32);
  } else {
    while (!view.empty() && (view.back() == '\n' || view.back() == '\r')) view.remove_suffix(1);
    const auto raw = unhex(view);
    if (!raw || raw->size() != 32) return Error{Code::invalid_argument, path + ": a key is 32 raw bytes or 64 hex digits"};
    std::memcpy(bytes.data(), raw->data(), 32);
  }
  Secret secret{std::span<const std::byte, 32>(bytes)};
  bytes.fill(std::byte{0});
  return secret;
}

}  // namespace licet::crypto
