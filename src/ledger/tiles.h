// C2SP tlog-tiles: where the hashes and entries of a log lie as files.
//
//   tile_path(0, 0, 15)         "tile/0/000.p/15"
//   entries_path(1234067, 256)  "tile/entries/x001/x234/067"
//   TileTree tree;  tree.append(leaf_hash(entry));  tree.tile(0, 0, 15);   // the bytes of that file
//
// A full tile is 256 hashes (8,192 bytes), a full bundle 256 × (u16 big-endian length ‖ entry).
// Thread rule: free functions from any thread, a TileTree from one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "ledger/merkle.h"

namespace licet::ledger {

inline constexpr unsigned kTileWidth = 256;

struct Tile {
  unsigned level = 0;
  std::uint64_t number = 0;
  unsigned width = kTileWidth;  // 256: full
  friend bool operator==(const Tile&, const Tile&) = default;
};

[[nodiscard]] std::string tile_path(unsigned level, std::uint64_t number, unsigned width);
[[nodiscard]] std::string entries_path(std::uint64_t number, unsigned width);
[[nodiscard]] std::string detail_path(std::uint64_t number);  // ours: detail/<N>, full bundles only
// All hash tiles of a tree of `size`, level by level; those of level 0 also name the entry bundles.
[[nodiscard]] std::vector<Tile> tiles_of(std::uint64_t size);

// The right edge of the tile tree: per level the hashes of the tile that is being filled. Full tiles are handed out once, as they fill.
class TileTree {
 public:
  using Full = std::function<Result<void>(const Tile& tile, std::string_view bytes)>;
  [[nodiscard]] Result<void> append(const Digest& leaf, const Full& full);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::size_t levels() const { return edge_.size(); }
  // The hashes of the unfilled tile of that level: 0 to 255 of them.
  [[nodiscard]] const std::vector<Digest>& edge(unsigned level) const { return edge_[level]; }

 private:
  std::uint64_t size_ = 0;
  std::vector<std::vector<Digest>> edge_;
};

[[nodiscard]] std::string tile_bytes(const std::vector<Digest>& hashes);

// Hashes of complete subtrees from tiles: `read` returns the hashes of a tile, at least as many as asked for.
[[nodiscard]] Hashes hashes_from_tiles(std::function<Result<std::vector<Digest>>(unsigned level, std::uint64_t number, unsigned count)> read);

}  // namespace licet::ledger
