#include "identity/internal/key_source.h"

#include <algorithm>

namespace licet::identity {

// The right to fetch. Whatever becomes of the Task that holds it (a cut connection destroys it midway), the others go on.
class KeySource::Turn {
 public:
  Turn(std::shared_ptr<KeySource> source, Micros now) : source_(std::move(source)), now_(now) {}
  ~Turn() { source_->finish(std::move(fetched), now_); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  std::shared_ptr<const KeySet> fetched;

 private:
  std::shared_ptr<KeySource> source_;
  Micros now_;
};

void KeySource::finish(std::shared_ptr<const KeySet> fetched, Micros now) {
  std::vector<std::function<void(bool)>> waiting;
  {
    const std::lock_guard lock(mutex_);
    if (fetched != nullptr) {
      keys_ = std::move(fetched);
      fetched_at_ = now;
    }
    fetching_ = false;
    waiting.swap(waiting_);
  }
  for (const auto& done : waiting) done(true);
}

std::shared_ptr<const KeySet> KeySource::usable(Micros now) const {
  const std::lock_guard lock(mutex_);
  const bool old = !url_.empty() && keys_ != nullptr && now - fetched_at_ >= ages_.bound;
  return old ? nullptr : keys_;
}

// Fetches, or waits for the Task that does. False: it is too soon to try again.
Task<bool> KeySource::refresh(Micros now) {
  bool mine = false;
  {
    const std::lock_guard lock(mutex_);
    if (!fetching_) {
      if (url_.empty() || outbound_ == nullptr || (tried_at_ && now - *tried_at_ < ages_.retry)) co_return false;
      fetching_ = mine = true;
      tried_at_ = now;
    }
  }
  if (!mine) {
    auto start = [self = shared_from_this()](auto done) {
      {
        const std::lock_guard lock(self->mutex_);
        if (self->fetching_) {
          self->waiting_.emplace_back(std::move(done));
          return;
        }
      }
      done(true);  // it ended in between
    };
    co_return co_await until<bool>(std::move(start));
  }
  Turn turn(shared_from_this(), now);
  auto answer = co_await outbound_->get(url_);
  if (answer && answer->status == 200)
    if (auto keys = KeySet::parse(answer->body); keys && keys->size() > 0) turn.fetched = std::make_shared<const KeySet>(*std::move(keys));
  co_return true;
}

Task<Result<void>> KeySource::verify(std::shared_ptr<const Jws> jws, Micros now) {
  const auto self = shared_from_this();
  auto keys = usable(now);
  bool fresh = false, busy = false;
  {
    const std::lock_guard lock(mutex_);
    fresh = url_.empty() || now - fetched_at_ < ages_.fresh;
    busy = fetching_;
  }
  const bool enough = keys != nullptr && keys->knows(*jws);
  if (!enough || (!fresh && !busy)) {
    const bool fetched = co_await refresh(now);
    if (fetched) keys = usable(now);
  }
  if (keys == nullptr) co_return Error{Code::unavailable, "the keys of the token's issuer can't be fetched"};
  auto verified = keys->verify(*jws);
  if (!verified) co_return Error{Code::permission_denied, verified.error().message};
  co_return Result<void>();
}

bool is_safe_url(std::string_view url) {
  constexpr std::string_view kHttps = "https://", kHttp = "http://";
  if (url.find_first_of(" \t\r\n@\\#") != std::string_view::npos) return false;
  if (url.starts_with(kHttps)) return url.size() > kHttps.size() && url[kHttps.size()] != '/';
  if (!url.starts_with(kHttp)) return false;
  std::string_view host = url.substr(kHttp.size());
  host = host.substr(0, host.find_first_of("/?"));
  if (host.starts_with("[::1]")) return host.size() == 5 || host[5] == ':';
  host = host.substr(0, host.find(':'));
  if (host == "localhost") return true;
  // Four numbers, or 127.example.com would pass.
  return host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace licet::identity
