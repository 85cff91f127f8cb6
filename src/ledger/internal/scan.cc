#include "ledger/internal/scan.h"

#include <fmt/format.h>

#include <utility>

namespace licet::ledger {
namespace {

// The number in a segment's name; 0: it isn't one.
std::uint64_t segment_number(const std::string& name) {
  if (name.size() == 12 && name.ends_with(".seg")) {
    std::uint64_t number = 0;
    bool digits = true;
    for (const char c : name.substr(0, 8)) {
      digits = digits && c >= '0' && c <= '9';
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (digits) return number;
  }
  return 0;
}

// The offset of a whole group at or after `from`, if any.
Result<std::optional<std::uint64_t>> whole_group_after(const store::File& file, std::uint64_t from, std::uint64_t size) {
  for (std::uint64_t at = from; at < size; at += kBlock) {
    LICET_TRY(seen, look(file, at, size));
    if (seen.found == Found::group) return std::optional<std::uint64_t>(at);
  }
  return std::optional<std::uint64_t>();
}

}  // namespace

std::string segment_name(std::uint64_t number) {
  return fmt::format("{:08}.seg", number);
}

Result<void> Chain::follow(const Group& group, const Verifier& verifier, std::uint64_t signed_later, std::vector<Digest>& leaves) {
  const GroupHeader& h = group.header;
  const auto wrong = [&](std::string_view why) {
    return Error{Code::data_loss, fmt::format("group {} (entry {}): {}", h.sequence, h.first, why)};
  };
  if (h.sequence != sequence + 1) return wrong(fmt::format("group {} was to come", sequence + 1));
  if (h.previous != previous) return wrong("it doesn't follow the group before it");
  if (h.first != tree.size() || h.size != h.first + group.records.size() || group.records.empty())
    return wrong("its indexes don't continue the log");
  if (h.time < time) return wrong("its time is before that of the group before it");
  if (h.size >= signed_later && !group_signed(group.bytes, verifier)) return wrong("its signature isn't that of " + verifier.name);
  leaves.clear();
  CompactRange next = tree;
  for (const Record& record : group.records) {
    leaves.push_back(leaf_hash(record.leaf));
    next.append(leaves.back());
  }
  if (next.root() != h.root) return wrong("its entries don't lead to its signed root");
  sequence = h.sequence;
  previous = group_hash(group.bytes);
  tree = std::move(next);
  time = h.time;
  return {};
}

Error Damage::error() const {
  return {newer ? Code::failed_precondition : Code::data_loss, fmt::format("{} at byte {}: {}", file, offset, why)};
}

Result<Scan> scan(store::FileSystem& files, const std::string& folder, const Verifier& verifier, const EachGroup& each,
                  std::uint64_t signed_later) {
  Scan result;
  const auto damage = [&result](const std::string& name, std::uint64_t offset, std::string why) {
    result.damage = Damage{fmt::format("{}/{}", kSegmentFolder, name), offset, std::move(why), false};
    return std::move(result);
  };
  const std::string base = folder + "/" + std::string(kSegmentFolder) + "/";
  if (!files.exists(folder + "/" + std::string(kSegmentFolder))) return result;
  LICET_TRY(names, files.list(folder + "/" + std::string(kSegmentFolder)));
  for (const std::string& name : names) {
    if (name == kUnfinishedSegment) continue;
    const std::uint64_t number = segment_number(name);
    if (number == 0) return damage(name, 0, "this is not a segment");
    if (number != result.segments.size() + 1) return damage(name, 0, segment_name(result.segments.size() + 1) + " is missing before it");
    Segment segment;
    segment.number = number;
    result.segments.push_back(segment);
  }

  std::vector<Digest> leaves;
  Chain& chain = result.chain;
  std::optional<Leftover> broken;  // seen, and not yet known to be tail or leftover
  for (Segment& segment : result.segments) {
    const std::string name = segment_name(segment.number);
    LICET_TRY(file, files.open(base + name, store::Mode::read));
    LICET_TRY(size, file->size());
    segment.bytes = size;
    segment.first = chain.tree.size();
    std::uint64_t offset = 0;
    for (;;) {
      LICET_TRY(seen, look(*file, offset, size));
      if (seen.found == Found::newer) {
        Scan newer = damage(name, offset, seen.why + "; this program reads version 1");
        newer.damage->newer = true;
        return newer;
      }
      if (seen.found == Found::group) {
        const GroupHeader& h = seen.group.header;
        const bool repeats = offset == 0 && chain.sequence > 0 && h.sequence == chain.sequence && seen.group.bytes == result.last_group;
        if (broken && !repeats && (offset != 0 || h.sequence != chain.sequence + 1 || h.previous != chain.previous))
          return damage(segment_name(broken->segment), broken->offset, broken->why + ", and whole groups follow it");
        if (broken) result.leftovers.push_back(*std::exchange(broken, std::nullopt));
        const Place place{segment.number, offset};
        if (repeats) {
          // The copy takes the place of the original.
          Segment& old = result.segments[result.last_place.segment - 1];
          old.used = result.last_place.offset;
          segment.first = h.first;
          result.leftovers.push_back(
              {old.number, old.used, old.used + seen.group.bytes.size(), true, "a group that the next segment repeats"});
        } else {
          if (auto followed = chain.follow(seen.group, verifier, signed_later, leaves); !followed)
            return damage(name, offset, followed.error().message);
          LICET_TRY_VOID(each(seen.group, leaves, chain, place));
        }
        offset += seen.group.bytes.size();
        segment.used = offset;
        result.last_place = place;
        result.last_group = std::move(seen.group.bytes);
        continue;
      }
      // Zeros or broken bytes: is there anything behind?
      LICET_TRY(end, end_of_bytes(*file, offset, size));
      if (end == offset) break;
      const std::string why = seen.found == Found::broken ? seen.why : "bytes that are not zero behind the last group";
      LICET_TRY(later, whole_group_after(*file, offset + kBlock, size));
      if (later) return damage(name, offset, fmt::format("{}, and a whole group follows it at byte {}", why, *later));
      if (broken) {
        // Two starts in a row were cut short; the older bytes are leftovers if the newer ones are.
        result.leftovers.push_back(*broken);
      }
      broken = Leftover{segment.number, offset, end, false, why};
      break;
    }
  }
  // Whatever is broken in the last place that has bytes is the tail; older ones stay leftovers.
  result.tail = std::move(broken);
  return result;
}

}  // namespace licet::ledger
