// What opens something without an account: API keys, and links to the trust page. Kept by their hash alone, in one sealed file.
//
//   Passes passes({&files, "state/api-keys.json", "licet", &keys, &random});
//   LICET_TRY_VOID(passes.load());
//   LICET_TRY(made, passes.make({.name = "nightly-report", …}));        // made.secret: shown once
//   const auto pass = passes.find("licet_k3…_9f…", now);                 // nullopt: none, over or revoked
//
// A secret is 256 random bits, so that its SHA-256 needs no salt. The file is sealed under the node's keys: who can write in `state` can't
// make a key. Any thread. Errors: exhausted (1,000 at most), not_found, and those of files and keys.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "crypto/keys.h"
#include "store/file.h"

namespace licet::console {

struct Pass {
  std::string id, name, by;
  std::vector<std::string> scopes, owners;
  bool names = false;  // of a trust link: with names
  Micros made{};
  std::optional<Micros> until;
  bool revoked = false;
  std::string hash;        // hex
  std::uint64_t uses = 0;  // since the program started, as the next
  std::optional<Micros> last;
  [[nodiscard]] std::string_view state(Micros now) const { return revoked ? "revoked" : until && now >= *until ? "over" : "active"; }
};

class Passes {
 public:
  struct Options {
    store::FileSystem* files = nullptr;  // all outlive it
    std::string file;                    // empty: only in memory
    std::string prefix;                  // of every secret: what it is can be seen, also by those who search for leaked ones
    crypto::KeyRing* keys = nullptr;
    Random* random = nullptr;
  };
  explicit Passes(Options options) : options_(std::move(options)) {}

  struct Made {
    std::string id, secret;
  };
  [[nodiscard]] Result<void> load();
  [[nodiscard]] Result<Made> make(Pass wanted);  // id and hash are set here; on disk when it returns
  [[nodiscard]] Result<void> revoke(std::string_view id);
  [[nodiscard]] std::optional<Pass> find(std::string_view secret, Micros now);
  [[nodiscard]] std::vector<Pass> list() const;

 private:
  [[nodiscard]] Result<void> save(const std::vector<Pass>& all) const;
  Options options_;
  mutable std::mutex mutex_;
  std::vector<Pass> all_;
};

}  // namespace licet::console
