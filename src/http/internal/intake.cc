#include "http/internal/intake.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace licet::http {
namespace {
constexpr std::size_t kBuffer = 16 * 1024;
constexpr std::size_t kScratch = 64 * 1024;
// Body bytes land here first, so that a string of just their size is made. Used between two suspensions only.
thread_local std::array<char, kScratch> scratch;  // NOLINT
}  // namespace

void Intake::drop(std::size_t n) {
  begin_ += n;
  if (begin_ == end_) begin_ = end_ = 0;
}

void Intake::make_room() {
  if (end_ < capacity_) return;
  if (begin_ > 0) {
    std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ < capacity_) return;
  }
  const std::size_t larger = capacity_ == 0 ? kBuffer : capacity_ * 2;  // the parser's limit on heads bounds this
  std::unique_ptr<char[]> data(new char[larger]);                       // not value-initialized
  if (end_ > 0) std::memcpy(data.get(), data_.get(), end_);
  data_ = std::move(data);
  capacity_ = larger;
}

Task<Result<bool>> Intake::fill(Instant deadline) {
  make_room();
  for (;;) {
    std::size_t got = 0;
    switch (channel_.try_read(data_.get() + end_, capacity_ - end_, got)) {
      case Io::done:
        end_ += got;
        co_return true;
      case Io::end:
        co_return false;
      case Io::failed:
        co_return Error{Code::unavailable, "the connection was cut"};
      case Io::blocked:
        break;
    }
    auto waiting = channel_.readable(deadline);
    LICET_CO_TRY_VOID(co_await std::move(waiting));
  }
}

void Intake::begin(Framing framing, std::uint64_t length, std::uint64_t most, bool invite) {
  framing_ = framing;
  left_ = framing == Framing::length ? length : 0;
  total_ = 0;
  most_ = most;
  invite_ = invite && framing != Framing::none;
  failed_ = false;
  if (framing == Framing::chunked) chunks_.reset();
}

Error Intake::fail(Error error) {
  failed_ = true;
  return error;
}

// Moves body bytes from the buffer, then from the socket as long as that doesn't block, into `out`.
// done: `most` reached or the body ended; blocked: wait; end, failed: of the connection, or of the framing (chunks_ says).
Io Intake::decode(std::string& out, std::size_t most) {
  while (out.size() < most) {
    const std::size_t room = most - out.size();
    if (framing_ == Framing::chunked) {
      if (begin_ == end_) {
        make_room();
        std::size_t got = 0;
        const Io io = channel_.try_read(data_.get() + end_, capacity_ - end_, got);
        if (io != Io::done) return io;
        end_ += got;
      }
      drop(chunks_.feed(buffered(), out, room));
      if (chunks_.refused()) return Io::failed;
      if (chunks_.done()) {
        framing_ = Framing::none;
        return Io::done;
      }
      continue;
    }
    const bool counted = framing_ == Framing::length;
    if (counted && left_ == 0) return Io::done;
    const std::size_t want = counted ? static_cast<std::size_t>(std::min<std::uint64_t>(room, left_)) : room;
    std::size_t got = std::min(want, end_ - begin_);
    if (got > 0) {
      out.append(data_.get() + begin_, got);
      drop(got);
    } else {
      const Io io = channel_.try_read(scratch.data(), std::min(want, scratch.size()), got);
      if (io != Io::done) return io;
      out.append(scratch.data(), got);
    }
    if (counted) left_ -= got;
  }
  return Io::done;
}

Task<Result<Phi<std::string>>> Intake::read(std::size_t most) {
  std::string out;
  if (failed_) co_return Error{Code::failed_precondition, "the body failed before"};
  if (done() || most == 0) co_return Phi<std::string>();
  if (invite_) {
    invite_ = false;
    std::string go = "HTTP/1.1 100 Continue\r\n\r\n";
    auto inviting = channel_.write(go, {}, limits_.write_wait);
    auto invited = co_await std::move(inviting);
    if (!invited) co_return fail(std::move(invited).error());
  }
  for (;;) {
    const Io io = decode(out, most);
    total_ += out.size();
    if (total_ > most_) co_return fail({Code::exhausted, "a body larger than the limit"});
    if (chunks_.refused()) co_return fail({Code::invalid_argument, std::string("a broken chunked body: ") + std::string(chunks_.why())});
    if (io == Io::done || !out.empty()) co_return Phi<std::string>(std::move(out));
    if (io == Io::end && framing_ == Framing::until_close && channel_.tls() != nullptr) {
      framing_ = Framing::none;
      co_return Phi<std::string>();
    }
    if (io != Io::blocked) co_return fail({Code::unavailable, "the connection ended within a body"});
    auto waiting = channel_.readable(in(limits_.body_wait));
    auto waited = co_await std::move(waiting);
    if (!waited) co_return fail(std::move(waited).error());
  }
}

bool Intake::discard() {
  if (done()) return true;
  if (invite_ || failed_ || (framing_ == Framing::length && left_ > kScratch)) return false;
  std::string unwanted;
  (void)decode(unwanted, kScratch);  // done() says what came of it
  return done();
}

Task<void> Intake::linger(std::chrono::milliseconds wait) {
  const Instant deadline = in(wait);
  for (std::size_t total = 0; total < 1024 * 1024;) {
    std::size_t got = 0;
    const Io io = channel_.try_read(scratch.data(), scratch.size(), got);
    total += got;
    if (io == Io::done) continue;
    if (io != Io::blocked) co_return;
    auto waiting = channel_.readable(deadline);
    auto waited = co_await std::move(waiting);
    if (!waited) co_return;
  }
}

}  // namespace licet::http
