#include "gate/gate.h"

#include <algorithm>
#include <thread>

#include "base/log.h"
#include "gate/exchange.h"

namespace licet::gate {

Gate::Gate(Options options)
    : options_(std::move(options)),
      policy_(std::make_shared<const Policy>()),
      overlay_(std::make_shared<const license::Overlay>()),
      budget_(options_.limits.memory_bytes),
      workers_(std::max(1U, std::thread::hardware_concurrency() / 2), options_.limits.prompts_waiting) {}
Gate::~Gate() = default;

Task<void> Gate::handle(http::Request request, http::Body& body, http::Responder& responder) {
  if (request.path() == "/token") {
    co_await token_endpoint(std::move(request), body, responder);
    co_return;
  }
  Executor here = co_await asio::this_coro::executor;
  auto exchange = std::make_shared<Exchange>(*this, std::move(request), body, responder, std::move(here));
  open(exchange);
  co_await exchange->run();
  close(*exchange);
}

void Gate::open(const std::shared_ptr<Exchange>& exchange) {
  const std::lock_guard lock(mutex_);
  open_.emplace(exchange.get(), exchange);
}

void Gate::close(const Exchange& exchange) {
  const std::lock_guard lock(mutex_);
  open_.erase(&exchange);
}

void Gate::adopt(std::shared_ptr<const Policy> policy) {
  const std::uint64_t epoch = policy->epoch;
  policy_.set(std::move(policy));
  std::vector<std::function<void(bool)>> ready;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](auto& w) {
      if (w.first >= epoch) return false;
      ready.push_back(std::move(w.second));
      return true;
    });
  }
  for (auto& resume : ready) resume(true);
  recheck_open();
}

void Gate::give_up_waiting() {
  std::vector<std::pair<std::uint64_t, std::function<void(bool)>>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  for (auto& [epoch, resume] : waiting) resume(false);
}

void Gate::stale(std::optional<Micros> since) {
  const std::int64_t stop = since ? count(*since + options_.limits.stale_stack_grace) : std::numeric_limits<std::int64_t>::max();
  vendors_stop_.store(stop, std::memory_order_relaxed);
}

void Gate::overlaid(std::shared_ptr<const license::Overlay> overlay) {
  overlay_.set(std::move(overlay));
  recheck_open();
}

void Gate::recheck_open() {
  std::vector<std::shared_ptr<Exchange>> open;
  {
    const std::lock_guard lock(mutex_);
    open.reserve(open_.size());
    for (const auto& [raw, weak] : open_)
      if (auto exchange = weak.lock()) open.push_back(std::move(exchange));
  }
  for (std::shared_ptr<Exchange>& exchange : open) {
    Executor executor = exchange->executor();
    // A weak reference: once its Responder is gone, the exchange is too.
    post(executor, [weak = std::weak_ptr<Exchange>(exchange)] {
      if (const auto still = weak.lock()) still->recheck();
    });
  }
}

Task<bool> Gate::newer_than(std::uint64_t epoch) {
  if (policy_.get()->epoch > epoch) co_return true;
  auto start = [this, epoch](auto done) {
    {
      const std::lock_guard lock(mutex_);
      if (policy_.get()->epoch <= epoch) {
        waiting_.emplace_back(epoch, std::move(done));
        return;
      }
    }
    done(true);
  };
  const bool newer = co_await until<bool>(std::move(start));
  co_return newer;
}

Task<Result<std::string>> Gate::aside(std::function<Result<std::string>()> work) {
  auto start = [this, work = std::move(work)](auto done) {
    const bool taken = workers_.give([work, done] {
      Result<std::string> made = Error{Code::internal, "the gate failed inside"};
      try {
        made = work();
      } catch (const std::exception&) {  // what a library threw; its text may hold PHI
        log::error("an exception ended the reading of a prompt");
      }
      done(std::move(made));
    });
    if (!taken) done(Error{Code::unavailable, "too many long prompts are being read: ask again"});
  };
  auto made = co_await until<Result<std::string>>(std::move(start));
  co_return made;
}

void Gate::show(Glimpse glimpse) {
  const std::lock_guard lock(glimpse_mutex_);
  recent_.push_front(std::move(glimpse));
  if (recent_.size() > 500) recent_.pop_back();
  glimpses_.fetch_add(1, std::memory_order_release);
}

std::vector<Glimpse> Gate::recent(std::size_t most) const {
  const std::lock_guard lock(glimpse_mutex_);
  return {recent_.begin(), recent_.begin() + static_cast<std::ptrdiff_t>(std::min(most, recent_.size()))};
}

std::string Gate::next_reference(Micros now) {
  // 26 characters of Crockford's base 32, sortable by time: 48 bits of milliseconds, 80 random ones.
  constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::array<std::byte, 16> raw{};
  options_.random->fill(raw);
  auto ms = static_cast<std::uint64_t>(count(now) / 1000);
  for (std::size_t i = 6; i-- > 0; ms >>= 8) raw[i] = static_cast<std::byte>(ms & 0xff);
  std::string out;
  out.reserve(26);
  unsigned bits = 2;  // 130 bits in 26 characters: two leading zeros
  std::uint32_t value = 0;
  for (const std::byte b : raw) {
    value = value << 8 | static_cast<std::uint32_t>(b);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += kAlphabet[value >> bits & 31];
    }
  }
  return out;
}

}  // namespace licet::gate
