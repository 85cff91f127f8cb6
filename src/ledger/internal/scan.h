// Reading all segments in order: what recovery and verification have in common. It judges and repairs nothing.
//
// Tail rule. A start may find, behind the last whole group:
//   zeros            – a clean end;
//   broken bytes     – with no whole group anywhere behind them: a write that a crash cut short (`tail`);
//                      with a whole group behind them: damage, unless the next segment continues the chain (next line).
// Copy-forward. A start that can't know whether the last group reached the disk (it may only be in the page cache) writes it again at the
// beginning of a new segment and cuts it, with any tail, from the old one. Until the cut is done both copies are there (`leftovers`).
// Thread rule: any thread. Errors: those of the files; what is wrong with their content is `damage`.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ledger/internal/group.h"

namespace licet::ledger {

inline constexpr std::string_view kSegmentFolder = "segments";
inline constexpr std::string_view kUnfinishedSegment = "next.new";
[[nodiscard]] std::string segment_name(std::uint64_t number);  // "00000001.seg"

struct Segment {
  std::uint64_t number = 0;
  std::uint64_t first = 0;  // index of the first record in it, or of the next one where it has none
  std::uint64_t bytes = 0;  // of the file
  std::uint64_t used = 0;   // up to the end of its last group
};

// Bytes of a segment that are not, or no longer, part of the record.
struct Leftover {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  std::uint64_t end = 0;  // of the last non-zero byte
  bool copied = false;    // whole groups that the next segment repeats, and nothing else
  std::string why;
};

struct Place {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
};

// The state of the chain after a group.
struct Chain {
  std::uint64_t sequence = 0;
  Digest previous{};
  CompactRange tree;
  std::int64_t time = 0;
  // Checks that `group` is the next one and, if so, takes it in. Error: data_loss, says why. A group that ends before `signed_later` needs
  // no check of its own signature: each header holds the hash of the one before it, so a later signature covers it, and its root is
  // computed anew.
  [[nodiscard]] Result<void> follow(const Group& group, const Verifier& verifier, std::uint64_t signed_later, std::vector<Digest>& leaves);
};

// Where the record ends being what it must be: nothing beyond this place was read.
struct Damage {
  std::string file;  // below the folder
  std::uint64_t offset = 0;
  std::string why;
  bool newer = false;  // nothing is wrong, but this program is too old
  [[nodiscard]] Error error() const;
};

struct Scan {
  std::vector<Segment> segments;
  Chain chain;
  std::string last_group;  // its bytes
  Place last_place;
  std::optional<Leftover> tail;
  std::vector<Leftover> leftovers;
  std::optional<Damage> damage;
};

// Called for every group in order, with the hashes of its leaves and the chain after it.
using EachGroup =
    std::function<Result<void>(const Group& group, const std::vector<Digest>& leaves, const Chain& chain, const Place& place)>;
// signed_later: a size that is known to be reached (a checkpoint's): the signatures of groups that end before it are not checked. 0: every
// one is.
[[nodiscard]] Result<Scan> scan(store::FileSystem& files, const std::string& folder, const Verifier& verifier, const EachGroup& each,
                                std::uint64_t signed_later = 0);

}  // namespace licet::ledger
