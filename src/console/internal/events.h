// Exchanges as they happen, for whoever listens: server-sent events (WHATWG HTML 9.2).
//
//   Events events({.gate = &gate, .keeper = &keeper});
//   auto listener = events.listen(after, still);         // null: too many listen
//   for (;;) {
//     auto more = co_await until<Events::More>(listener-start);   // bytes to write; empty and `end`: it is over
//   }
//
// One thread looks at the gate four times a second and hands out what is new. Each listener has a queue of 256: who is slower is told how
// much was missed, and the stream ends. A comment every 15 seconds keeps proxies from closing it, and asks whether its session still holds.
// Any thread; stop() ends all streams, and must have returned before the listeners' event loops end.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "epoch/keeper.h"
#include "gate/gate.h"

namespace licet::console {

class Events {
 public:
  struct Options {
    gate::Gate* gate = nullptr;  // both outlive it
    epoch::Keeper* keeper = nullptr;
    std::chrono::milliseconds look_every{250};
    std::chrono::milliseconds beat_every{15'000};
  };
  explicit Events(Options options) : options_(options) {}
  ~Events() { stop(); }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  struct More {
    std::string bytes;
    bool end = false;
  };
  // An exchange as /exchanges says it; empty: the listener may not see it.
  using Say = std::function<std::string(const gate::Glimpse&)>;

  class Listener {
   public:
    // Calls `done` once with what is there, now or as soon as there is something.
    void next(std::function<void(More)> done);

   private:
    friend class Events;
    std::mutex mutex_;
    std::deque<std::string> queue_;
    std::function<void(More)> waiting_;
    std::function<bool()> still_;
    Say say_;
    std::uint64_t missed_ = 0;
    bool over_ = false;
  };
  // `after`: the number of the last exchange that it knows; nullopt: only new ones. `still`: does its session hold? Null: 32 listen
  // already.
  [[nodiscard]] std::shared_ptr<Listener> listen(std::optional<std::uint64_t> after, std::function<bool()> still, Say say);
  void stop();

  static constexpr std::size_t kMostListeners = 32, kMostQueued = 256;

 private:
  void run();
  static void give(Listener& to, std::string event);
  static void end(Listener& to, std::string event);
  static void flush(Listener& to, std::unique_lock<std::mutex>& lock);

  Options options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::weak_ptr<Listener>> listeners_;
  std::uint64_t seen_ = 0, epoch_ = 0;
  bool stopping_ = false, begun_ = false;
  std::thread thread_;
};

}  // namespace licet::console
