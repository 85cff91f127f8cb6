// Held exchanges that a person released: the same request (actor, route, target, body digest) passes once, until the release expires.
//
//   holds.release(reference, fingerprint, until);         // `licet release REF`
//   if (auto reference = holds.take(fingerprint, now)) …  // passes once
// Any thread. Bodies never wait here: only fingerprints do.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/bytes.h"
#include "base/time.h"

namespace licet::gate {

class Holds {
 public:
  void release(std::string reference, const Digest& fingerprint, Micros until) {
    const std::lock_guard lock(mutex_);
    released_[hex(fingerprint)] = {std::move(reference), until};
  }
  [[nodiscard]] std::optional<std::string> take(const Digest& fingerprint, Micros now) {
    const std::lock_guard lock(mutex_);
    const auto it = released_.find(hex(fingerprint));
    if (it == released_.end()) return std::nullopt;
    Release release = std::move(it->second);
    released_.erase(it);
    if (release.until < now) return std::nullopt;
    return std::move(release.reference);
  }

 private:
  struct Release {
    std::string reference;
    Micros until;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Release> released_;
};

}  // namespace licet::gate
