// Every limit of the program in one struct: each queue, body, depth and wait has its bound here, and nowhere else.
//
// Defaults are for two cores and a few hundred MiB. licet.yaml may override them (cli/config.h); --print-config shows what is in force.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace licet {

using namespace std::chrono_literals;  // NOLINT: durations are spelled 30s everywhere

struct Limits {
  // HTTP heads
  std::size_t head_bytes = 32 * 1024;
  std::size_t header_count = 100;
  std::size_t target_bytes = 8 * 1024;
  // bodies, held in memory under `memory_bytes` together
  std::size_t request_body_bytes = 8 * 1024 * 1024;
  std::size_t answer_body_bytes = 64 * 1024 * 1024;  // of one held (not streamed) answer
  std::size_t resource_bytes = 4 * 1024 * 1024;      // of one resource in a streamed answer
  std::size_t memory_bytes = 256 * 1024 * 1024;      // the global budget for all bodies in flight
  std::size_t json_depth = 64;
  // prompts (deid/prompt.h, deid/answer.h)
  std::size_t prompt_text_bytes = 4 * 1024 * 1024;  // of all texts of one
  std::size_t event_bytes = 4 * 1024 * 1024;        // of one event of a streamed answer
  std::size_t prompt_here_bytes = 32 * 1024;        // longer ones are read by a worker: an I/O thread has other connections, too
  std::size_t prompts_waiting = 64;                 // for a worker; beyond it: busy
  // parts of a stream (design §8): a record each
  std::size_t part_bytes = 1024 * 1024;
  std::size_t part_patients = 256;
  // connections and waits
  std::size_t connections = 1024;
  std::chrono::milliseconds head_wait = 10s;      // from the first byte of a request to the end of its head
  std::chrono::milliseconds idle_wait = 60s;      // keep-alive
  std::chrono::milliseconds body_wait = 30s;      // between two reads of a body
  std::chrono::milliseconds write_wait = 30s;     // for one write to be taken
  std::chrono::milliseconds connect_wait = 5s;    // upstream, with TLS
  std::chrono::milliseconds answer_wait = 30s;    // upstream, until its head
  std::chrono::milliseconds shutdown_wait = 10s;  // draining
  std::size_t upstream_idle = 64;                 // kept connections per route and thread
  // ledger
  std::size_t record_queue = 4096;  // appends waiting; beyond it: busy
  std::size_t group_bytes = 256 * 1024;
  std::size_t group_records = 256;
  std::size_t entry_bytes = 60'000;  // C2SP tlog-tiles: an entry is at most 65,535 bytes
  std::size_t segment_bytes = 8 * 1024 * 1024;
  // tokens
  std::size_t token_bytes = 16 * 1024;
  std::chrono::seconds transaction_token_life = 60s;
  std::chrono::seconds token_cache_life = 60s;
  std::size_t token_cache = 10'000;
  // declaration
  std::size_t stack_bytes = 64 * 1024 * 1024;
  std::size_t yaml_depth = 16;
  std::chrono::seconds stale_stack_grace = 24h;  // after which vendor grounds stop (design §8)
};

// The global byte budget. take() before holding bytes, give them back by destroying the Lease. Any thread, lock-free.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t bytes) : left_(static_cast<std::int64_t>(bytes)) {}
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& o) noexcept : budget_(std::exchange(o.budget_, nullptr)), bytes_(std::exchange(o.bytes_, 0)) {}
    Lease& operator=(Lease&& o) noexcept {
      release();
      budget_ = std::exchange(o.budget_, nullptr);
      bytes_ = std::exchange(o.bytes_, 0);
      return *this;
    }
    ~Lease() { release(); }
    // Takes more under the same lease; false (and unchanged) where the budget has no more.
    [[nodiscard]] bool grow(std::size_t bytes) {
      if (budget_ == nullptr || !budget_->grab(bytes)) return false;
      bytes_ += bytes;
      return true;
    }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

   private:
    friend class ByteBudget;
    Lease(ByteBudget* budget, std::size_t bytes) : budget_(budget), bytes_(bytes) {}
    void release() {
      if (budget_ != nullptr) budget_->left_.fetch_add(static_cast<std::int64_t>(bytes_), std::memory_order_relaxed);
      budget_ = nullptr;
      bytes_ = 0;
    }
    ByteBudget* budget_ = nullptr;
    std::size_t bytes_ = 0;
  };

  [[nodiscard]] std::optional<Lease> take(std::size_t bytes) {
    if (!grab(bytes)) return std::nullopt;
    return Lease(this, bytes);
  }
  [[nodiscard]] std::int64_t left() const { return left_.load(std::memory_order_relaxed); }

 private:
  bool grab(std::size_t bytes) {
    const auto n = static_cast<std::int64_t>(bytes);
    if (left_.fetch_sub(n, std::memory_order_relaxed) >= n) return true;
    left_.fetch_add(n, std::memory_order_relaxed);
    return false;
  }
  std::atomic<std::int64_t> left_;
};

}  // namespace licet
