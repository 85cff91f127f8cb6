#include "http/internal/channel.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <asio/experimental/as_tuple.hpp>
#include <cerrno>

namespace licet::http {
namespace {
constexpr auto kValue = asio::experimental::as_tuple(asio::use_awaitable);
constexpr std::size_t kStride = 64 * 1024;  // what one write deadline covers
constexpr std::size_t kRecord = 16 * 1024;  // the largest TLS record

// Ciphertext on its way out. One spare buffer a thread is enough: a connection holds its own only while it waits to be writable.
thread_local std::string spare_out;  // NOLINT
}  // namespace

struct Channel::Watch : std::enable_shared_from_this<Watch> {
  Watch(const asio::any_io_executor& executor, Channel* owner) : timer(executor), channel(owner) {}

  void until(Instant when) {
    deadline = when;
    if (!armed || timer.expiry() > when) arm();
  }
  void rest() { deadline = Instant::max(); }
  void arm() {
    armed = true;
    timer.expires_at(deadline);
    timer.async_wait([self = shared_from_this()](const asio::error_code& error) {
      if (error || self->channel == nullptr) return;
      self->armed = false;
      if (self->deadline == Instant::max()) return;
      if (std::chrono::steady_clock::now() < self->deadline) return self->arm();
      self->channel->slow_ = true;
      asio::error_code ignored;
      self->channel->descriptor_.cancel(ignored);
    });
  }
  asio::steady_timer timer;
  Channel* channel;
  Instant deadline = Instant::max();
  bool armed = false;
};

Channel::Channel(const asio::any_io_executor& executor, int socket)
    : descriptor_(executor, socket), watch_(std::make_shared<Watch>(executor, this)) {}

Channel::~Channel() {
  watch_->channel = nullptr;
  watch_->timer.cancel();
}

Error Channel::lost() {
  return {Code::unavailable, slow_ ? "the connection is too slow" : "the connection was cut"};
}

Task<Result<void>> Channel::wait(asio::posix::descriptor_base::wait_type what, Instant deadline) {
  if (!open()) co_return lost();
  watch_->until(deadline);
  const auto [error] = co_await descriptor_.async_wait(what, kValue);
  watch_->rest();
  if (error || slow_) co_return lost();
  co_return Result<void>();
}

Task<Result<void>> Channel::readable(Instant deadline) {
  drained_ = false;
  return wait(asio::posix::descriptor_base::wait_read, deadline);
}
Task<Result<void>> Channel::writable(Instant deadline) {
  return wait(asio::posix::descriptor_base::wait_write, deadline);
}

Io Channel::try_read(char* to, std::size_t most, std::size_t& got) {
  if (!open()) return Io::failed;
  if (drained_) return Io::blocked;
  if (tls_) {
    const Io io = tls_->read(to, most, got);
    drained_ = tls_->drained();
    if (tls_->out.size() > flushed_) try_flush();  // an alert or a key update; the next write takes along what doesn't go now
    return io;
  }
  const ssize_t n = ::recv(socket(), to, most, MSG_DONTWAIT);
  drained_ = n < static_cast<ssize_t>(most);
  if (n > 0) {
    got = static_cast<std::size_t>(n);
    return Io::done;
  }
  if (n == 0) {
    drained_ = false;  // an end stays an end
    return Io::end;
  }
  return errno == EAGAIN || errno == EINTR ? Io::blocked : Io::failed;
}

Io Channel::try_flush() {
  std::string& out = tls_->out;
  while (flushed_ < out.size()) {
    const ssize_t n = ::send(socket(), out.data() + flushed_, out.size() - flushed_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Io::blocked : Io::failed;
    }
    flushed_ += static_cast<std::size_t>(n);
  }
  flushed_ = 0;
  out.clear();
  return Io::done;
}

Task<Result<void>> Channel::flush(std::chrono::milliseconds wait) {
  const Instant deadline = in(wait);
  for (;;) {
    switch (try_flush()) {
      case Io::done:
        co_return Result<void>();
      case Io::end:
      case Io::failed:
        co_return lost();
      case Io::blocked:
        break;
    }
    auto waiting = writable(deadline);
    LICET_CO_TRY_VOID(co_await std::move(waiting));
  }
}

Task<Result<void>> Channel::handshake(Instant deadline) {
  for (;;) {
    const Io io = tls_->handshake();
    const Io sent = try_flush();
    if (io == Io::done && sent == Io::done) co_return Result<void>();
    if (io == Io::end || io == Io::failed) co_return Error{Code::unavailable, "TLS: " + tls_->why()};
    if (sent == Io::failed) co_return lost();
    auto waiting = wait(sent == Io::blocked ? asio::posix::descriptor_base::wait_write : asio::posix::descriptor_base::wait_read, deadline);
    LICET_CO_TRY_VOID(co_await std::move(waiting));
  }
}

Task<Result<void>> Channel::write(std::string& head, std::string_view body, std::chrono::milliseconds wait) {
  if (!open()) co_return lost();
  if (tls_) {
    // The head shares its record with the body's beginning.
    if (head.size() < kRecord && !body.empty()) {
      const std::size_t n = std::min(body.size(), kRecord - head.size());
      head.append(body.substr(0, n));
      body.remove_prefix(n);
    }
    if (tls_->out.capacity() < spare_out.capacity()) {
      spare_out.append(tls_->out);  // what little was pending
      tls_->out.swap(spare_out);
      spare_out.clear();
    }
    std::string_view first = head;
    while (!first.empty() || !body.empty()) {
      while (tls_->out.size() < kStride && (!first.empty() || !body.empty())) {
        std::string_view& from = first.empty() ? body : first;
        const std::string_view piece = from.substr(0, kRecord);
        if (tls_->write(piece) != Io::done) co_return lost();
        from.remove_prefix(piece.size());
      }
      if (try_flush() == Io::done) continue;
      auto flushing = flush(wait);
      LICET_CO_TRY_VOID(co_await std::move(flushing));
    }
    if (tls_->out.capacity() > spare_out.capacity()) tls_->out.swap(spare_out);  // both are empty
    std::string().swap(tls_->out);
    co_return Result<void>();
  }
  std::string_view first = head;
  Instant deadline{};
  std::size_t taken = 0;
  while (!first.empty() || !body.empty()) {
    iovec parts[2] = {{const_cast<char*>(first.data()), first.size()}, {const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = first.empty() ? parts + 1 : parts;
    message.msg_iovlen = first.empty() || body.empty() ? 1 : 2;
    const ssize_t sent = ::sendmsg(socket(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) co_return lost();
    if (sent > 0) {
      auto n = static_cast<std::size_t>(sent);
      taken += n;
      const std::size_t of_first = std::min(n, first.size());
      first.remove_prefix(of_first);
      body.remove_prefix(n - of_first);
      continue;
    }
    if (deadline == Instant{} || taken >= kStride) {
      deadline = in(wait);
      taken = 0;
    }
    auto waiting = writable(deadline);
    LICET_CO_TRY_VOID(co_await std::move(waiting));
    if (!open()) co_return lost();
  }
  co_return Result<void>();
}

bool Channel::stale() {
  if (!open()) return true;
  char byte = 0;
  const ssize_t n = ::recv(socket(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n < 0) return errno != EAGAIN;
  if (n == 0 || !tls_) return true;
  // TLS may have said something that is no data: a session ticket. Data, or an end, is stale.
  std::size_t got = 0;
  drained_ = false;
  return try_read(&byte, 1, got) != Io::blocked;
}

void Channel::finish_writing() {
  if (!open()) return;
  if (tls_) {
    tls_->close_notify();
    try_flush();
  }
  ::shutdown(socket(), SHUT_WR);
}

void Channel::cut() {
  if (!open()) return;
  const linger now{1, 0};
  ::setsockopt(socket(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  asio::error_code ignored;
  descriptor_.close(ignored);
}

}  // namespace licet::http
