#include "ledger/tiles.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace licet::ledger {
namespace {

// 1234067 → "x001/x234/067"
std::string number_path(std::uint64_t number) {
  std::string path = fmt::format("{:03}", number % 1000);
  while (number >= 1000) {
    number /= 1000;
    path = fmt::format("x{:03}/{}", number % 1000, path);
  }
  return path;
}

std::string partial(unsigned width) { return width == kTileWidth ? std::string() : fmt::format(".p/{}", width); }

}  // namespace

std::string tile_path(unsigned level, std::uint64_t number, unsigned width) {
  return fmt::format("tile/{}/{}{}", level, number_path(number), partial(width));
}
std::string entries_path(std::uint64_t number, unsigned width) { return fmt::format("tile/entries/{}{}", number_path(number), partial(width)); }
std::string detail_path(std::uint64_t number) { return "detail/" + number_path(number); }

std::vector<Tile> tiles_of(std::uint64_t size) {
  std::vector<Tile> all;
  unsigned level = 0;
  for (std::uint64_t hashes = size; hashes > 0; hashes /= kTileWidth, ++level) {
    for (std::uint64_t n = 0; n < hashes / kTileWidth; ++n) all.push_back({level, n, kTileWidth});
    if (hashes % kTileWidth != 0) all.push_back({level, hashes / kTileWidth, static_cast<unsigned>(hashes % kTileWidth)});
  }
  return all;
}

Result<void> TileTree::append(const Digest& leaf, const Full& full) {
  ++size_;
  Digest hash = leaf;
  std::uint64_t number = (size_ - 1) / kTileWidth;
  for (unsigned level = 0;; ++level, number /= kTileWidth) {
    if (level == edge_.size()) edge_.emplace_back();
    std::vector<Digest>& tile = edge_[level];
    tile.push_back(hash);
    if (tile.size() < kTileWidth) return {};
    LICET_TRY_VOID(full({level, number, kTileWidth}, tile_bytes(tile)));
    CompactRange range;
    for (const Digest& h : tile) range.append(h);
    hash = range.root();
    tile.clear();
  }
}

std::string tile_bytes(const std::vector<Digest>& hashes) {
  std::string bytes;
  bytes.reserve(hashes.size() * sizeof(Digest));
  for (const Digest& h : hashes) bytes += as_text(h);
  return bytes;
}

Hashes hashes_from_tiles(std::function<Result<std::vector<Digest>>(unsigned level, std::uint64_t number, unsigned count)> read) {
  return [read = std::move(read)](unsigned level, std::uint64_t index) -> Result<Digest> {
    // The subtree is 2^(level mod 8) neighboring hashes of one tile of tile level (level div 8).
    const std::uint64_t width = std::uint64_t{1} << (level % 8);
    const std::uint64_t first = index * width;
    const auto within = static_cast<unsigned>(first % kTileWidth);
    LICET_TRY(tile, read(level / 8, first / kTileWidth, within + static_cast<unsigned>(width)));
    if (tile.size() < within + width) return Error{Code::data_loss, "a tile is shorter than the tree needs"};
    CompactRange range;
    for (std::uint64_t i = 0; i < width; ++i) range.append(tile[within + i]);
    return range.root();
  };
}

}  // namespace licet::ledger
