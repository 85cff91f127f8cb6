// Intake: the reading half of a connection, the same for both directions: one buffer, the heads in it, and the body that follows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "http/handler.h"
#include "http/internal/channel.h"
#include "http/parser.h"

namespace licet::http {

class Intake final : public Body {
 public:
  Intake(Channel& channel, const Limits& limits) : channel_(channel), limits_(limits) {}

  [[nodiscard]] std::string_view buffered() const { return {data_.get() + begin_, end_ - begin_}; }
  void drop(std::size_t n);
  // Reads more behind buffered(). False: the other side ended. unavailable: cut or too slow.
  [[nodiscard]] Task<Result<bool>> fill(Instant deadline);

  // A body begins at buffered(). `most`: exhausted beyond it. `invite`: the other side waits for "100 Continue" before it sends.
  void begin(Framing framing, std::uint64_t length, std::uint64_t most, bool invite);
  [[nodiscard]] Task<Result<Phi<std::string>>> read(std::size_t most) override;
  [[nodiscard]] bool done() const { return left_ == 0 && framing_ != Framing::chunked && framing_ != Framing::until_close; }
  [[nodiscard]] bool failed() const { return failed_; }
  // Throws away what has arrived of a body that nobody wants; true where that was all of it and little. Never waits.
  bool discard();
  // Reads and throws away for at most `wait`, so that a last answer is not lost to a reset.
  [[nodiscard]] Task<void> linger(std::chrono::milliseconds wait);

 private:
  void make_room();
  [[nodiscard]] Io decode(std::string& out, std::size_t most);
  [[nodiscard]] Error fail(Error error);
  Channel& channel_;
  const Limits& limits_;
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  Framing framing_ = Framing::none;
  ChunkedReader chunks_;
  std::uint64_t left_ = 0;   // of a body of known length
  std::uint64_t total_ = 0;  // read so far
  std::uint64_t most_ = 0;
  bool invite_ = false;
  bool failed_ = false;
};

}  // namespace licet::http
