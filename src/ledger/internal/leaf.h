// From a Draft to the bytes of its leaf, and back to single members.
//
// A leaf is RFC 8785 JSON: members sorted, no white space, shortest escapes. Only its time isn't known before the committer sequences it,
// so it is prepared, by the caller's thread, as the text before and behind the time's digits.
// Thread rule: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "crypto/keys.h"
#include "ledger/entry.h"

namespace licet::ledger {

inline constexpr int kLeafVersion = 1;
inline constexpr std::size_t kMostDetailBytes = 1024 * 1024;

struct PreparedLeaf {
  std::string before;  // up to and including "time":
  std::string after;
  std::string box;     // the encrypted detail; empty: none
  std::optional<Digest> txn;  // SHA-256 of the token's id
  Micros txn_expires{};

  [[nodiscard]] std::size_t most_bytes() const { return before.size() + 20 + after.size(); }
};

// `now` chooses the quarter of the detail key. Errors: invalid_argument (not UTF-8, payload not JSON), exhausted (larger than `entry_bytes`).
[[nodiscard]] Result<PreparedLeaf> prepare(const Draft& draft, crypto::KeyRing& keys, Random& random, Micros now, std::size_t entry_bytes);

// The decrypted detail, checked against the leaf's commitment. `box` as stored.
[[nodiscard]] Result<Phi<std::string>> open_detail(std::string_view leaf, std::string_view box, crypto::KeyRing& keys);

// The raw JSON of a top-level member ("\"scribe\"", "17", "[…]"), without parsing the rest. Of a well-formed leaf only.
[[nodiscard]] std::optional<std::string_view> member(std::string_view leaf, std::string_view name);
// A text member without its quotes; empty where absent or escaped (ids never are).
[[nodiscard]] std::string_view text_member(std::string_view leaf, std::string_view name);
[[nodiscard]] std::optional<std::int64_t> integer_member(std::string_view leaf, std::string_view name);

[[nodiscard]] bool valid_utf8(std::string_view text);

}  // namespace licet::ledger
