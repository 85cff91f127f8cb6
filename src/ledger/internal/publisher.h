// What is derived from the commit log for others to read: C2SP tiles and entry bundles, the detail store, the checkpoint.
//
// take() only remembers; publish() writes what filled up since, then the partial tiles of the new size, then the checkpoint: a reader who
// finds a checkpoint finds everything that it covers. Files are replaced whole (synced, renamed), so a crash leaves old or new.
// In the folder lie the partial tiles of the newest checkpoint only; older widths are prefixes of them.
// Thread rule: one thread at a time.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ledger/internal/group.h"
#include "ledger/note.h"
#include "ledger/tiles.h"
#include "store/file.h"

namespace licet::ledger {

class Publisher {
 public:
  Publisher(store::FileSystem& files, std::string folder, std::string outside, std::string origin, const crypto::Ed25519Key& key);

  // `published`: the size that a checkpoint covers already; full files below it are written only where they are missing.
  void start_from(std::uint64_t published);
  [[nodiscard]] Result<void> take(const Record& record, const Digest& leaf);
  [[nodiscard]] Result<std::string> publish();  // the signed checkpoint of all that was taken
  [[nodiscard]] Result<void> flush();           // the full tiles and bundles that wait, without a checkpoint

  [[nodiscard]] std::uint64_t taken() const { return tree_.size(); }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] std::uint64_t published() const { return published_; }
  [[nodiscard]] Result<Proof> prove(std::uint64_t index) const;  // against the last publish()

 private:
  void wait(std::string path, std::string bytes, std::uint64_t covers);
  [[nodiscard]] bool in_place(std::uint64_t tile) const;

  store::FileSystem& files_;
  std::string folder_;
  std::string outside_;
  std::string origin_;
  const crypto::Ed25519Key& key_;
  TileTree tree_;
  CompactRange range_;
  std::string entries_;  // the bundle that is being filled, as stored
  std::string details_;
  bool any_detail_ = false;
  bool skips_ = false;                                        // the bundle that would be filled is published and in its place
  std::vector<std::pair<std::string, std::string>> waiting_;  // path, bytes
  std::uint64_t published_ = 0;
  std::vector<std::string> partials_;  // of the last publish
  std::string note_;
};

}  // namespace licet::ledger
