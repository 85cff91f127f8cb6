// The segment files: which there are, and the next one, zero-filled before it is needed.
//
// A segment is made as segments/next.new, zeros are written and synced, then it gets its name and the folder is synced: no write of the
// commit log ever changes a file's size, and a name never stands for less than a whole segment.
// Thread rule: any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ledger/internal/scan.h"

namespace licet::ledger {

class Segments {
 public:
  Segments(store::FileSystem& files, const std::string& folder, std::size_t segment_bytes);

  [[nodiscard]] std::size_t segment_bytes() const { return segment_bytes_; }
  [[nodiscard]] std::string path(std::uint64_t number) const;
  void adopt(std::vector<Segment> segments) { segments_ = std::move(segments); }
  [[nodiscard]] std::vector<Segment> all() const;
  [[nodiscard]] std::uint64_t count() const;

  struct Opened {
    std::unique_ptr<store::File> file;
    Segment segment;
  };
  // The segment behind number `after`, made now where it isn't there. `first`: the index of the record that will be first in it.
  [[nodiscard]] Result<Opened> next(std::uint64_t after, std::uint64_t first);
  [[nodiscard]] Result<void> prepare(std::uint64_t after);  // makes that segment, where it isn't there
  void used(std::uint64_t number, std::uint64_t bytes);

 private:
  [[nodiscard]] Result<void> make(std::uint64_t number);

  store::FileSystem& files_;
  std::string folder_;
  std::size_t segment_bytes_;
  std::mutex making_;
  mutable std::mutex mutex_;
  std::vector<Segment> segments_;  // numbers 1, 2, 3, …
};

}  // namespace licet::ledger
