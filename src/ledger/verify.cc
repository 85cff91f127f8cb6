#include "ledger/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <set>

#include "crypto/crypto.h"
#include "ledger/internal/leaf.h"
#include "ledger/internal/scan.h"
#include "ledger/tiles.h"

namespace licet::ledger {
namespace {

constexpr std::size_t kMostFaults = 20;
constexpr std::uint64_t kMostFileBytes = 512ULL * 1024 * 1024;

class Verification {
 public:
  Verification(store::FileSystem& files, const std::string& folder, const Verifier& verifier, const std::optional<Checkpoint>& known)
      : files_(files), folder_(folder), verifier_(verifier), known_(known) {}

  Result<Report> run() {
    if (!files_.exists(folder_)) return Error{Code::not_found, "there is no ledger in " + folder_};
    read_checkpoint();
    auto scanned =
        scan(files_, folder_, verifier_,
             [this](const Group& group, const std::vector<Digest>& leaves, const Chain& chain, const Place& place) -> Result<void> {
               take(group, leaves, chain, place);
               return {};
             });
    if (!scanned) return std::move(scanned).error();
    if (scanned->damage) fault(scanned->damage->file, scanned->damage->offset, report_.entries, scanned->damage->why);
    finish_segments(*scanned);
    check_checkpoint();
    finish_tiles();
    // Strange files would escape all of this.
    LICET_TRY_VOID(check_names(""));
    return std::move(report_);
  }

 private:
  void fault(std::string file, std::optional<std::uint64_t> offset, std::optional<std::uint64_t> entry, std::string what) {
    if (report_.faults.size() < kMostFaults) report_.faults.push_back({std::move(file), offset, entry, std::move(what)});
  }

  void read_checkpoint() {
    const std::string path = folder_ + "/checkpoint";
    if (!files_.exists(path)) return;  // judged when the size is known
    auto note = files_.read_all(path, 64 * 1024);
    auto checkpoint = note ? open_checkpoint(*note, verifier_) : Result<Checkpoint>(note.error());
    seen_.insert("checkpoint");
    if (!checkpoint) return fault("checkpoint", std::nullopt, std::nullopt, checkpoint.error().message);
    // Signatures of others (witnesses) are not ours to check, but the bytes between must be: the note must be as we print it, or longer.
    checkpoint_ = *std::move(checkpoint);
    report_.checkpoint_size = checkpoint_->size;
    if (!note->starts_with(checkpoint_text(checkpoint_->origin, checkpoint_->size, checkpoint_->root)))
      fault("checkpoint", std::nullopt, std::nullopt, "it isn't written as a checkpoint is");
  }

  void take(const Group& group, const std::vector<Digest>& leaves, const Chain& chain, const Place& place) {
    ++report_.groups;
    const std::string segment = fmt::format("{}/{}", kSegmentFolder, segment_name(place.segment));
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const Record& record = group.records[i];
      const std::uint64_t index = group.header.first + i;
      const std::string_view box = text_member(record.leaf, "box");
      if (record.box.empty() ? !box.empty() : box != hex(crypto::sha256(record.box)))
        fault(segment, place.offset, index, "the entry's detail isn't the one that the entry names");
      take_entry(record, leaves[i], index);
    }
    report_.entries = chain.tree.size();
    report_.root = chain.tree.root();
    report_.last_time = micros(chain.time);
    compare(checkpoint_, chain, "the checkpoint");
    compare(known_, chain, "the checkpoint kept elsewhere");
    if (checkpoint_ && checkpoint_->size == chain.tree.size()) checkpoint_met_ = true;
    if (known_ && known_->size == chain.tree.size()) known_met_ = true;
  }

  void compare(const std::optional<Checkpoint>& checkpoint, const Chain& chain, const char* which) {
    if (checkpoint && checkpoint->size == chain.tree.size() && checkpoint->root != chain.tree.root())
      fault("checkpoint", std::nullopt, std::nullopt,
            fmt::format("{} has another root for {} entries than they lead to", which, checkpoint->size));
  }

  void take_entry(const Record& record, const Digest& leaf, std::uint64_t index) {
    entries_ += static_cast<char>(static_cast<std::uint16_t>(record.leaf.size()) >> 8);
    entries_ += static_cast<char>(record.leaf.size() & 0xff);
    entries_ += record.leaf;
    entry_ends_.push_back(entries_.size());
    const auto box = static_cast<std::uint32_t>(record.box.size());
    details_.append(reinterpret_cast<const char*>(&box), sizeof box);
    details_ += record.box;
    any_detail_ = any_detail_ || !record.box.empty();
    auto appended = tree_.append(leaf, [&](const Tile& tile, std::string_view bytes) -> Result<void> {
      check_tile(tile.level, tile.number, bytes);
      if (tile.level == 0) {
        check_bundle(tile.number);
        // Full detail files exist for what is published.
        const std::string path = detail_path(tile.number);
        if (any_detail_ && (files_.exists(folder_ + "/" + path) || published(index + 1)))
          compare_file(path, details_, tile.number * kTileWidth);
        entries_.clear();
        entry_ends_.clear();
        details_.clear();
        any_detail_ = false;
      }
      return {};
    });
    appended.ignore();  // the callback above never fails
  }

  [[nodiscard]] bool published(std::uint64_t size) const { return checkpoint_ && size <= checkpoint_->size; }

  // `path` must hold exactly `bytes`.
  void compare_file(const std::string& path, std::string_view bytes, std::uint64_t entry) {
    seen_.insert(path);
    auto content = files_.read_all(folder_ + "/" + path, kMostFileBytes);
    if (!content)
      return fault(path, std::nullopt, entry, content.error().code == Code::not_found ? "it is missing" : content.error().message);
    if (*content == bytes) return;
    const std::size_t common = std::min(content->size(), bytes.size());
    const auto at = static_cast<std::uint64_t>(
        std::mismatch(content->begin(), content->begin() + static_cast<std::ptrdiff_t>(common), bytes.begin()).first - content->begin());
    fault(path, at, entry, "it differs from the entries in the segments");
  }

  // The widths of the partial files of a tile or bundle that are there.
  std::vector<unsigned> widths(const std::string& partial_folder) {
    std::vector<unsigned> all;
    if (!files_.exists(folder_ + "/" + partial_folder)) return all;
    auto names = files_.list(folder_ + "/" + partial_folder);
    if (!names) return all;
    for (const std::string& name : *names) {
      unsigned width = 0;
      const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), width);
      if (failed == std::errc() && end == name.data() + name.size() && width > 0 && width < kTileWidth && name.front() != '0')
        all.push_back(width);
    }
    return all;
  }

  // `hashes`: all that the segments know of this tile.
  void check_tile(unsigned level, std::uint64_t number, std::string_view hashes) {
    const std::uint64_t first = (number * kTileWidth) << (8 * level);
    const std::uint64_t covers = ((number + 1) * kTileWidth) << (8 * level);
    const std::string path = tile_path(level, number, kTileWidth);
    if (hashes.size() == kTileWidth * sizeof(Digest) && (published(covers) || files_.exists(folder_ + "/" + path)))
      compare_file(path, hashes, first);
    for (const unsigned width : widths(path + ".p"))
      if (width * sizeof(Digest) <= hashes.size())
        compare_file(tile_path(level, number, width), hashes.substr(0, width * sizeof(Digest)), first);
  }

  void check_bundle(std::uint64_t number) {
    const std::uint64_t first = number * kTileWidth;
    const std::string path = entries_path(number, kTileWidth);
    if (entry_ends_.size() == kTileWidth && (published(first + kTileWidth) || files_.exists(folder_ + "/" + path)))
      compare_file(path, entries_, first);
    for (const unsigned width : widths(path + ".p"))
      if (width <= entry_ends_.size())
        compare_file(entries_path(number, width), std::string_view(entries_).substr(0, entry_ends_[width - 1]), first);
  }

  void finish_segments(const Scan& scan) {
    report_.segments = scan.segments.size();
    const auto unclean = [&](const Leftover& left) {
      fault(fmt::format("{}/{}", kSegmentFolder, segment_name(left.segment)), left.offset, std::nullopt,
            left.why + "; a start will settle it, verify changes nothing");
    };
    for (const Leftover& left : scan.leftovers) unclean(left);
    if (scan.tail) unclean(*scan.tail);
  }

  void check_checkpoint() {
    const auto covers = [&](const std::optional<Checkpoint>& checkpoint, bool met, const char* which) {
      if (!checkpoint) return;
      if (checkpoint->size == 0) {
        if (checkpoint->root != empty_root())
          fault("checkpoint", std::nullopt, std::nullopt, fmt::format("{} has another root than the empty log", which));
      } else if (checkpoint->size > report_.entries) {
        fault("checkpoint", std::nullopt, report_.entries,
              fmt::format("{} covers {} entries, but only {} are here", which, checkpoint->size, report_.entries));
      } else if (!met) {
        fault("checkpoint", std::nullopt, std::nullopt, fmt::format("{} has a size, {}, that no group ends at", which, checkpoint->size));
      }
    };
    covers(checkpoint_, checkpoint_met_, "the checkpoint");
    covers(known_, known_met_, "the checkpoint kept elsewhere");
    if (!seen_.contains("checkpoint") && report_.entries > 0) fault("checkpoint", std::nullopt, std::nullopt, "it is missing");
  }

  void finish_tiles() {
    for (unsigned level = 0; level < tree_.levels(); ++level) {
      if (tree_.edge(level).empty()) continue;
      const std::uint64_t number = (tree_.size() >> (8 * level)) / kTileWidth;
      check_tile(level, number, tile_bytes(tree_.edge(level)));
      if (level == 0) check_bundle(number);
    }
    if (!checkpoint_ || checkpoint_->size > report_.entries) return;
    for (const Tile& tile : tiles_of(checkpoint_->size)) {
      const std::uint64_t first = (tile.number * kTileWidth) << (8 * tile.level);
      const auto need = [&](const std::string& path) {
        if (!seen_.contains(path)) fault(path, std::nullopt, first, "it is missing");
      };
      need(tile_path(tile.level, tile.number, tile.width));
      if (tile.level == 0) need(entries_path(tile.number, tile.width));
    }
  }

  // Each file below must have been looked at. "*.new" is what a crash left of a file that was being written: never part of the record.
  Result<void> check_names(const std::string& below) {
    LICET_TRY(names, files_.list(below.empty() ? folder_ : folder_ + "/" + below));
    for (const std::string& name : names) {
      const std::string path = below.empty() ? name : below + "/" + name;
      if (path == kSegmentFolder || seen_.contains(path) || name.ends_with(".new")) continue;
      const bool is_folder = files_.list(folder_ + "/" + path).ok();
      if (is_folder) {
        LICET_TRY_VOID(check_names(path));
      } else {
        fault(path, std::nullopt, std::nullopt, "no such file belongs to a ledger of this size");
      }
    }
    return {};
  }

  store::FileSystem& files_;
  const std::string& folder_;
  const Verifier& verifier_;
  const std::optional<Checkpoint>& known_;
  Report report_;
  std::optional<Checkpoint> checkpoint_;
  bool checkpoint_met_ = false;
  bool known_met_ = false;
  TileTree tree_;
  std::string entries_;
  std::vector<std::size_t> entry_ends_;
  std::string details_;
  bool any_detail_ = false;
  std::set<std::string> seen_;
};

}  // namespace

std::string text_of(const Fault& fault) {
  std::string text = fault.file;
  if (fault.offset) text += fmt::format(" at byte {}", *fault.offset);
  if (fault.entry) text += fmt::format(" (entry {})", *fault.entry);
  return text + ": " + fault.what;
}

Result<Report> verify_folder(store::FileSystem& files, const std::string& folder, const Verifier& verifier,
                             const std::optional<Checkpoint>& known) {
  return Verification(files, folder, verifier, known).run();
}

}  // namespace licet::ledger
