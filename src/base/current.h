// Current<T>: the value in force now, read by many threads and replaced now and then.
//
//   Current<Epoch> current(first);
//   const Epoch& epoch = *current.get();      // hot path: one atomic load when nothing changed
//   current.set(next);                        // readers that hold the old one keep it alive
//
// Any thread. get() compares one version and returns a thread-cached shared_ptr; only after a set() does it take the mutex.
// A thread keeps the last value that it saw alive until its next get().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace licet {

template <class T>
class Current {
 public:
  explicit Current(std::shared_ptr<const T> first) : value_(std::move(first)) {}
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

  [[nodiscard]] std::shared_ptr<const T> get() const {
    thread_local std::unordered_map<std::uint64_t, Seen> cache;  // a Current's serial is never reused
    Seen& seen = cache[serial_];
    const std::uint64_t now = version_.load(std::memory_order_acquire);
    if (seen.version != now) {
      const std::lock_guard lock(mutex_);
      seen.value = value_;
      seen.version = version_.load(std::memory_order_relaxed);
    }
    return seen.value;
  }

  void set(std::shared_ptr<const T> next) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(next);
    version_.fetch_add(1, std::memory_order_release);
  }

  // Grows with every set(); cheap to poll ("did the table change since?").
  [[nodiscard]] std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  struct Seen {
    std::uint64_t version = 0;
    std::shared_ptr<const T> value;
  };
  static std::uint64_t next_serial() {
    static std::atomic<std::uint64_t> serial{0};
    return serial.fetch_add(1);
  }
  const std::uint64_t serial_ = next_serial();
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
  std::atomic<std::uint64_t> version_{1};
};

}  // namespace licet
