#include "ledger/internal/publisher.h"

#include <algorithm>
#include <cstring>

namespace licet::ledger {
namespace {

constexpr std::size_t kFlushAt = 64;  // files that may wait in memory

std::vector<std::string> partials_of(std::uint64_t size) {
  std::vector<std::string> paths;
  unsigned level = 0;
  for (std::uint64_t hashes = size; hashes > 0; hashes /= kTileWidth, ++level) {
    const auto width = static_cast<unsigned>(hashes % kTileWidth);
    if (width == 0) continue;
    paths.push_back(tile_path(level, hashes / kTileWidth, width));
    if (level == 0) paths.push_back(entries_path(hashes / kTileWidth, width));
  }
  return paths;
}

}  // namespace

Publisher::Publisher(store::FileSystem& files, std::string folder, std::string outside, std::string origin, const crypto::Ed25519Key& key)
    : files_(files), folder_(std::move(folder)), outside_(std::move(outside)), origin_(std::move(origin)), key_(key) {}

void Publisher::start_from(std::uint64_t published) {
  published_ = published;
  partials_ = partials_of(published);
}

void Publisher::wait(std::string path, std::string bytes, std::uint64_t covers) {
  if (covers <= published_ && files_.exists(folder_ + "/" + path)) return;
  waiting_.emplace_back(folder_ + "/" + path, std::move(bytes));
}

bool Publisher::in_place(std::uint64_t tile) const {
  return files_.exists(folder_ + "/" + entries_path(tile, kTileWidth)) && files_.exists(folder_ + "/" + detail_path(tile));
}

Result<void> Publisher::take(const Record& record, const Digest& leaf) {
  if (tree_.size() % kTileWidth == 0) skips_ = tree_.size() + kTileWidth <= published_ && in_place(tree_.size() / kTileWidth);
  if (!skips_) {
    const auto length = static_cast<std::uint16_t>(record.leaf.size());  // ≤ Limits::entry_bytes
    entries_ += static_cast<char>(length >> 8);
    entries_ += static_cast<char>(length & 0xff);
    entries_ += record.leaf;
    const auto box = static_cast<std::uint32_t>(record.box.size());
    details_.append(reinterpret_cast<const char*>(&box), sizeof box);
    details_ += record.box;
    any_detail_ = any_detail_ || !record.box.empty();
  }
  range_.append(leaf);
  const std::uint64_t covers = tree_.size() + 1;
  LICET_TRY_VOID(tree_.append(leaf, [&](const Tile& tile, std::string_view bytes) -> Result<void> {
    wait(tile_path(tile.level, tile.number, kTileWidth), std::string(bytes), covers);
    if (tile.level != 0 || skips_) return {};
    wait(entries_path(tile.number, kTileWidth), std::exchange(entries_, {}), covers);
    if (any_detail_) wait(detail_path(tile.number), details_, covers);
    details_.clear();
    any_detail_ = false;
    return {};
  }));
  return waiting_.size() < kFlushAt ? Result<void>() : flush();
}

// Together: every sync of a folder is a commit of the file system's journal, and the committer's own sync waits behind it.
Result<void> Publisher::flush() {
  std::string made;
  for (const auto& [path, bytes] : waiting_) {
    std::string folder = path.substr(0, path.rfind('/'));
    if (folder == made) continue;
    LICET_TRY_VOID(files_.make_folder(folder));
    made = std::move(folder);
  }
  LICET_TRY_VOID(files_.replace_all(waiting_));
  waiting_.clear();
  return {};
}

Result<std::string> Publisher::publish() {
  const std::uint64_t size = tree_.size();
  if (!note_.empty() && size == published_) return note_;
  const std::size_t full = waiting_.size();
  for (unsigned level = 0; level < tree_.levels(); ++level) {
    const std::vector<Digest>& edge = tree_.edge(level);
    if (edge.empty()) continue;
    const std::uint64_t number = (size >> (8 * level)) / kTileWidth;
    const auto width = static_cast<unsigned>(edge.size());
    waiting_.emplace_back(folder_ + "/" + tile_path(level, number, width), tile_bytes(edge));
    if (level == 0) waiting_.emplace_back(folder_ + "/" + entries_path(number, width), entries_);
  }
  if (auto flushed = flush(); !flushed) {
    waiting_.resize(full);  // the next try has partial tiles of its own
    return std::move(flushed).error();
  }
  std::string note = sign_note(checkpoint_text(origin_, size, range_.root()), origin_, key_);
  LICET_TRY_VOID(files_.replace(folder_ + "/checkpoint", note));
  if (!outside_.empty()) {
    LICET_TRY_VOID(files_.make_folder(outside_));
    LICET_TRY_VOID(files_.replace(outside_ + "/checkpoint", note));
  }
  published_ = size;
  note_ = note;
  std::vector<std::string> now = partials_of(size);
  for (const std::string& old : partials_) {
    if (std::find(now.begin(), now.end(), old) != now.end()) continue;
    files_.remove(folder_ + "/" + old).ignore();  // only room is lost; the next publish of this size would write it again
  }
  partials_ = std::move(now);
  return note;
}

Result<Proof> Publisher::prove(std::uint64_t index) const {
  const auto read = [this](unsigned level, std::uint64_t number, unsigned) -> Result<std::vector<Digest>> {
    if (level < tree_.levels() && number == (tree_.size() >> (8 * level)) / kTileWidth) return tree_.edge(level);
    LICET_TRY(bytes, files_.read_all(folder_ + "/" + tile_path(level, number, kTileWidth), kTileWidth * sizeof(Digest)));
    std::vector<Digest> hashes(bytes.size() / sizeof(Digest));
    std::memcpy(hashes.data(), bytes.data(), hashes.size() * sizeof(Digest));
    return hashes;
  };
  LICET_TRY(proof, inclusion_proof(index, published_, hashes_from_tiles(read)));
  return proof;
}

}  // namespace licet::ledger
