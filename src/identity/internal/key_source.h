// The keys of one issuer: given, or fetched and kept.
//
// A set is fresh for `fresh`; then, or when a token names a kid that it lacks, it is fetched again, but never within `retry` of the last
// attempt (else strangers' kids would make us hammer the issuer). While the issuer is down the last good set serves until `bound`.
// One Task fetches at a time: others go on with the keys they have, or wait for it.
//
// Thread rule: any thread. Shared by the Tasks that use it, so that a Task that outlasts Identity does no harm.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/outbound.h"
#include "base/task.h"
#include "base/time.h"
#include "identity/jose.h"

namespace licet::identity {

class KeySource : public std::enable_shared_from_this<KeySource> {
 public:
  struct Ages {
    std::chrono::seconds fresh, retry, bound;
  };
  KeySource(std::string url, Outbound* outbound, Ages ages) : url_(std::move(url)), outbound_(outbound), ages_(ages) {}
  explicit KeySource(KeySet given) : keys_(std::make_shared<const KeySet>(std::move(given))) {}

  // permission_denied: no such key, or a bad signature. unavailable: no keys can be had.
  [[nodiscard]] Task<Result<void>> verify(std::shared_ptr<const Jws> jws, Micros now);

 private:
  class Turn;
  [[nodiscard]] Task<bool> refresh(Micros now);
  [[nodiscard]] std::shared_ptr<const KeySet> usable(Micros now) const;
  void finish(std::shared_ptr<const KeySet> fetched, Micros now);

  const std::string url_;  // empty: the keys were given
  Outbound* const outbound_ = nullptr;
  const Ages ages_{};
  mutable std::mutex mutex_;
  std::shared_ptr<const KeySet> keys_;
  Micros fetched_at_{};
  std::optional<Micros> tried_at_;
  bool fetching_ = false;
  std::vector<std::function<void(bool)>> waiting_;
};

// https, or http to 127.0.0.0/8, [::1] or localhost.
[[nodiscard]] bool is_safe_url(std::string_view url);

}  // namespace licet::identity
