// Channel: one non-blocking connection, plain or TLS, with deadlines.
//
// Reads are tried first and waited for only when they block (asio's reactor says when); so a busy connection costs the system calls that it
// must and no more. One timer per connection, armed lazily: moving a deadline out costs nothing, and the timer looks again when it fires.
// One thread; one operation at a time, cut() excepted.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "http/internal/tls.h"

namespace licet::http {

using Instant = std::chrono::steady_clock::time_point;
[[nodiscard]] inline Instant in(std::chrono::milliseconds wait) {
  return std::chrono::steady_clock::now() + wait;
}

class Channel {
 public:
  // Takes the socket, which must be non-blocking.
  Channel(const asio::any_io_executor& executor, int socket);
  ~Channel();  // closes without ceremony
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void secure(std::unique_ptr<TlsSession> tls) { tls_ = std::move(tls); }
  [[nodiscard]] TlsSession* tls() { return tls_.get(); }
  [[nodiscard]] int socket() { return descriptor_.native_handle(); }
  [[nodiscard]] bool open() const { return descriptor_.is_open(); }

  [[nodiscard]] Task<Result<void>> handshake(Instant deadline);
  // done: got > 0. end: the other side ended cleanly (with TLS: by close_notify).
  [[nodiscard]] Io try_read(char* to, std::size_t most, std::size_t& got);
  // unavailable: cut, or too slow.
  [[nodiscard]] Task<Result<void>> readable(Instant deadline);
  [[nodiscard]] Task<Result<void>> writable(Instant deadline);
  // Both, in order, in as few system calls and records as can be; `head` may be appended to. `wait`: for each 64 KiB to be taken.
  [[nodiscard]] Task<Result<void>> write(std::string& head, std::string_view body, std::chrono::milliseconds wait);
  // True where the other side has closed or said something unasked: not to be used for another request.
  [[nodiscard]] bool stale();

  void finish_writing();  // close_notify and FIN, as far as they go without waiting
  void cut();             // reset: the other side sees a failure, not an end

  [[nodiscard]] bool slow() const { return slow_; }  // a deadline passed: the other side may be working on it still

 private:
  struct Watch;
  [[nodiscard]] Error lost();
  [[nodiscard]] Task<Result<void>> wait(asio::posix::descriptor_base::wait_type what, Instant deadline);
  [[nodiscard]] Task<Result<void>> flush(std::chrono::milliseconds wait);
  Io try_flush();
  asio::posix::stream_descriptor descriptor_;
  std::unique_ptr<TlsSession> tls_;
  std::shared_ptr<Watch> watch_;
  std::size_t flushed_ = 0;  // of tls_->out
  bool drained_ = false;     // the last read took all there was: wait before trying again
  bool slow_ = false;
};

}  // namespace licet::http
