#include "console/internal/events.h"

#include <fmt/format.h>

#include <algorithm>

namespace licet::console {
namespace {

std::string exchange_event(std::uint64_t number, std::string_view data) {
  return fmt::format("event: exchange\nid: {}\ndata: {}\n\n", number, data);
}

// What happened after number `after`, the oldest first, with its numbers. `seen`: the number of the newest.
std::vector<std::pair<std::uint64_t, gate::Glimpse>> since(const gate::Gate& gate, std::uint64_t after, std::uint64_t& seen) {
  std::vector<gate::Glimpse> recent;
  seen = gate.glimpses();
  for (int tries = 0; tries < 4; ++tries) {
    recent = gate.recent(500);
    const std::uint64_t now = gate.glimpses();
    if (now == seen) break;
    seen = now;
  }
  std::vector<std::pair<std::uint64_t, gate::Glimpse>> out;
  const std::uint64_t fresh = after > seen ? seen : seen - after;  // a number from before a restart counts nothing
  for (std::size_t i = std::min<std::uint64_t>(recent.size(), fresh); i-- > 0;) out.emplace_back(seen - i, std::move(recent[i]));
  return out;
}

}  // namespace

void Events::Listener::next(std::function<void(More)> done) {
  std::unique_lock lock(mutex_);
  waiting_ = std::move(done);
  flush(*this, lock);
}

// The lock is held, and not held while the listener is told.
void Events::flush(Listener& to, std::unique_lock<std::mutex>& lock) {
  if (!to.waiting_ || (to.queue_.empty() && !to.over_)) return;
  More more;
  for (std::string& event : to.queue_) more.bytes += event;
  to.queue_.clear();
  more.end = to.over_;
  const auto done = std::exchange(to.waiting_, nullptr);
  lock.unlock();
  done(std::move(more));
  lock.lock();
}

void Events::give(Listener& to, std::string event) {
  std::unique_lock lock(to.mutex_);
  if (to.over_) return;
  if (to.queue_.size() >= kMostQueued) {
    to.missed_ = to.queue_.size() + 1;
    to.queue_.clear();
    to.queue_.push_back(fmt::format("event: dropped\ndata: {{\"missed\":{}}}\n\n", to.missed_));
    to.over_ = true;
  } else {
    to.queue_.push_back(std::move(event));
  }
  flush(to, lock);
}

void Events::end(Listener& to, std::string event) {
  std::unique_lock lock(to.mutex_);
  if (to.over_) return;
  to.queue_.push_back(std::move(event));
  to.over_ = true;
  flush(to, lock);
}

std::shared_ptr<Events::Listener> Events::listen(std::optional<std::uint64_t> after, std::function<bool()> still, Say say) {
  auto out = std::make_shared<Listener>();
  out->still_ = std::move(still);
  out->say_ = std::move(say);
  const std::lock_guard lock(mutex_);
  std::erase_if(listeners_, [](const auto& weak) { return weak.expired(); });
  if (stopping_ || listeners_.size() >= kMostListeners) return nullptr;
  if (!begun_) {  // the first one: until now nobody asked
    begun_ = true;
    seen_ = options_.gate->glimpses();
    if (const auto epoch = options_.keeper->current()) epoch_ = epoch->number;
    thread_ = std::thread([this] { run(); });
  }
  out->queue_.emplace_back(": licet\nretry: 3000\n\n");
  if (after) {
    std::uint64_t newest = 0;
    for (const auto& [number, glimpse] : since(*options_.gate, *after, newest)) {
      if (number > seen_) break;  // the thread will tell
      if (out->queue_.size() >= kMostQueued) break;
      if (std::string data = out->say_(glimpse); !data.empty()) out->queue_.push_back(exchange_event(number, data));
    }
  }
  listeners_.push_back(out);
  return out;
}

void Events::run() {
  std::chrono::milliseconds rested{0};
  for (;;) {
    std::vector<std::shared_ptr<Listener>> all;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, options_.look_every, [this] { return stopping_; });
      if (stopping_) return;
      for (const auto& weak : listeners_)
        if (auto one = weak.lock()) all.push_back(std::move(one));
      std::uint64_t newest = seen_;
      if (options_.gate->glimpses() != seen_) {
        const auto fresh = since(*options_.gate, seen_, newest);
        for (const auto& listener : all)
          for (const auto& [number, glimpse] : fresh)
            if (std::string data = listener->say_(glimpse); !data.empty()) give(*listener, exchange_event(number, data));
        seen_ = newest;
      }
      if (const auto epoch = options_.keeper->current(); epoch && epoch->number != epoch_) {
        epoch_ = epoch->number;
        for (const auto& listener : all) give(*listener, fmt::format("event: epoch\ndata: {{\"epoch\":{}}}\n\n", epoch_));
      }
    }
    rested += options_.look_every;
    const bool beat = rested >= options_.beat_every;
    if (beat) rested = std::chrono::milliseconds{0};
    for (const auto& listener : all) {
      if (!listener->still_())
        end(*listener, "event: end\ndata: {\"why\":\"the session is over\"}\n\n");
      else if (beat)
        give(*listener, ": beat\n\n");
    }
  }
}

void Events::stop() {
  std::vector<std::weak_ptr<Listener>> all;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    all.swap(listeners_);
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (const auto& weak : all)
    if (const auto one = weak.lock()) end(*one, "event: end\ndata: {\"why\":\"the program stops\"}\n\n");
}

}  // namespace licet::console
