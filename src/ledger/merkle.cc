#include "ledger/merkle.h"

#include <bit>
#include <cstring>
#include <string>

#include "crypto/crypto.h"

namespace licet::ledger {

Digest empty_root() { return crypto::sha256(std::string_view()); }

Digest leaf_hash(std::string_view entry) {
  thread_local std::string buffer;  // one digest call over contiguous bytes is faster than two updates
  buffer.assign(1, '\0');
  buffer.append(entry);
  return crypto::sha256(buffer);
}

Digest node_hash(const Digest& left, const Digest& right) {
  std::array<std::byte, 65> bytes;
  bytes[0] = std::byte{1};
  std::memcpy(bytes.data() + 1, left.data(), left.size());
  std::memcpy(bytes.data() + 33, right.data(), right.size());
  return crypto::sha256(std::span<const std::byte>(bytes));
}

void CompactRange::append(const Digest& leaf) {
  Digest hash = leaf;
  // Each trailing one bit of the size is a complete subtree that now gets its right sibling.
  for (std::uint64_t n = size_; (n & 1U) != 0; n >>= 1) {
    hash = node_hash(edge_.back(), hash);
    edge_.pop_back();
  }
  edge_.push_back(hash);
  ++size_;
}

Digest CompactRange::root() const {
  if (edge_.empty()) return empty_root();
  Digest hash = edge_.back();
  for (std::size_t i = edge_.size() - 1; i-- > 0;) hash = node_hash(edge_[i], hash);
  return hash;
}

namespace {

// MTH(D[begin:end]) where begin is a multiple of the largest power of two that is ≤ end - begin (true for all ranges of RFC 6962 proofs).
Result<Digest> range_root(std::uint64_t begin, std::uint64_t end, const Hashes& hashes) {
  const std::uint64_t width = end - begin;
  const auto level = static_cast<unsigned>(std::bit_width(width)) - 1;
  const std::uint64_t left = std::uint64_t{1} << level;
  LICET_TRY(first, hashes(level, begin >> level));
  if (left == width) return first;
  LICET_TRY(second, range_root(begin + left, end, hashes));
  return node_hash(first, second);
}

// The largest power of two smaller than n (n ≥ 2).
std::uint64_t split(std::uint64_t n) { return std::bit_floor(n - 1); }

Error wrong(const char* what) { return {Code::permission_denied, what}; }

}  // namespace

Result<Digest> root_of(std::uint64_t size, const Hashes& hashes) {
  if (size == 0) return empty_root();
  return range_root(0, size, hashes);
}

Result<Proof> inclusion_proof(std::uint64_t index, std::uint64_t size, const Hashes& hashes) {
  if (index >= size) return Error{Code::invalid_argument, "entry " + std::to_string(index) + " isn't in a tree of " + std::to_string(size)};
  Proof proof;  // from the root down; turned around at the end
  for (std::uint64_t begin = 0, end = size; end - begin > 1;) {
    const std::uint64_t middle = begin + split(end - begin);
    const bool left = index < middle;
    LICET_TRY(sibling, left ? range_root(middle, end, hashes) : range_root(begin, middle, hashes));
    proof.push_back(sibling);
    (left ? end : begin) = middle;
  }
  return Proof(proof.rbegin(), proof.rend());
}

Result<Proof> consistency_proof(std::uint64_t old, std::uint64_t size, const Hashes& hashes) {
  if (old == 0 || old > size) return Error{Code::invalid_argument, "no consistency proof from " + std::to_string(old) + " to " + std::to_string(size)};
  Proof proof;
  std::uint64_t begin = 0, end = size;
  bool whole = true;  // the old tree is this subtree's complete left part: its root is known to the verifier
  while (old != end) {
    const std::uint64_t middle = begin + split(end - begin);
    const bool left = old <= middle;
    LICET_TRY(sibling, left ? range_root(middle, end, hashes) : range_root(begin, middle, hashes));
    proof.push_back(sibling);
    if (left) {
      end = middle;
    } else {
      begin = middle;
      whole = false;
    }
  }
  if (!whole) {
    LICET_TRY(rest, range_root(begin, end, hashes));
    proof.push_back(rest);
  }
  return Proof(proof.rbegin(), proof.rend());
}

// RFC 9162 §2.1.3.2
Result<void> verify_inclusion(std::uint64_t index, std::uint64_t size, const Digest& leaf, const Proof& proof, const Digest& root) {
  if (index >= size) return wrong("the index is beyond the tree");
  std::uint64_t fn = index, sn = size - 1;
  Digest hash = leaf;
  for (const Digest& p : proof) {
    if (sn == 0) return wrong("the inclusion proof is too long");
    if ((fn & 1U) != 0 || fn == sn) {
      hash = node_hash(p, hash);
      while ((fn & 1U) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      hash = node_hash(hash, p);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return wrong("the inclusion proof is too short");
  if (hash != root) return wrong("the inclusion proof leads to another root");
  return {};
}

// RFC 9162 §2.1.4.2
Result<void> verify_consistency(std::uint64_t old, std::uint64_t size, const Digest& old_root, const Digest& root, const Proof& proof) {
  if (old > size) return wrong("the older tree is the larger one");
  if (old == size || old == 0) {
    if (!proof.empty()) return wrong("the consistency proof is too long");
    if (old == size && old_root != root) return wrong("two roots for one size");
    if (old == 0 && old_root != empty_root()) return wrong("the root of the empty tree is another");
    return {};
  }
  if (proof.empty()) return wrong("the consistency proof is too short");
  std::uint64_t fn = old - 1, sn = size - 1;
  while ((fn & 1U) != 0) {
    fn >>= 1;
    sn >>= 1;
  }
  const bool complete = std::has_single_bit(old);  // then the proof leaves the old root out
  Digest fr = complete ? old_root : proof.front();
  Digest sr = fr;
  for (std::size_t i = complete ? 0 : 1; i < proof.size(); ++i) {
    const Digest& c = proof[i];
    if (sn == 0) return wrong("the consistency proof is too long");
    if ((fn & 1U) != 0 || fn == sn) {
      fr = node_hash(c, fr);
      sr = node_hash(c, sr);
      while ((fn & 1U) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      sr = node_hash(sr, c);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return wrong("the consistency proof is too short");
  if (fr != old_root) return wrong("the consistency proof leads to another older root");
  if (sr != root) return wrong("the consistency proof leads to another root");
  return {};
}

}  // namespace licet::ledger
