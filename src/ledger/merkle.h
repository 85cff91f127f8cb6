// The Merkle tree of RFC 6962 §2.1 (hashes, proofs) and RFC 9162 §2.1 (iterative verifiers), SHA-256.
//
//   CompactRange tree;
//   tree.append(leaf_hash(entry));
//   tree.root();                                        // of what was appended so far
//   LICET_TRY(proof, inclusion_proof(index, size, hashes));
//   LICET_TRY_VOID(verify_inclusion(index, size, leaf_hash(entry), proof, root));
//
// Thread rule: free functions from any thread; a CompactRange from one. Sizes in entries.
// Errors: permission_denied where a proof doesn't verify, invalid_argument where indexes make no sense.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace licet::ledger {

using Proof = std::vector<Digest>;

[[nodiscard]] Digest empty_root();                                      // SHA-256("")
[[nodiscard]] Digest leaf_hash(std::string_view entry);                 // SHA-256(0x00 ‖ entry)
[[nodiscard]] Digest node_hash(const Digest& left, const Digest& right);  // SHA-256(0x01 ‖ left ‖ right)

// The right edge of a growing tree: O(log n) space, amortized one hash per append, O(log n) for a root.
class CompactRange {
 public:
  void append(const Digest& leaf);
  [[nodiscard]] Digest root() const;
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<Digest> edge_;  // roots of the complete subtrees, largest first: one per set bit of size_
};

// The root of the complete subtree over entries index·2^level to (index + 1)·2^level.
using Hashes = std::function<Result<Digest>(unsigned level, std::uint64_t index)>;

// The root of entries 0..size.
[[nodiscard]] Result<Digest> root_of(std::uint64_t size, const Hashes& hashes);
[[nodiscard]] Result<Proof> inclusion_proof(std::uint64_t index, std::uint64_t size, const Hashes& hashes);
// That the tree of `size` is a continuation of the tree of `old` (0 < old ≤ size).
[[nodiscard]] Result<Proof> consistency_proof(std::uint64_t old, std::uint64_t size, const Hashes& hashes);

[[nodiscard]] Result<void> verify_inclusion(std::uint64_t index, std::uint64_t size, const Digest& leaf, const Proof& proof, const Digest& root);
// old = 0 is consistent with everything, by an empty proof and the empty root (as C2SP tlog-witness has it).
[[nodiscard]] Result<void> verify_consistency(std::uint64_t old, std::uint64_t size, const Digest& old_root, const Digest& root, const Proof& proof);

}  // namespace licet::ledger
