#include "ledger/internal/segments.h"

#include <algorithm>

namespace licet::ledger {

Segments::Segments(store::FileSystem& files, const std::string& folder, std::size_t segment_bytes)
    : files_(files), folder_(folder + "/" + std::string(kSegmentFolder)), segment_bytes_(std::max(padded(segment_bytes), 2 * kBlock)) {}

std::string Segments::path(std::uint64_t number) const {
  return folder_ + "/" + segment_name(number);
}

std::vector<Segment> Segments::all() const {
  const std::lock_guard lock(mutex_);
  return segments_;
}

std::uint64_t Segments::count() const {
  const std::lock_guard lock(mutex_);
  return segments_.size();
}

Result<void> Segments::make(std::uint64_t number) {
  const std::string unfinished = folder_ + "/" + std::string(kUnfinishedSegment);
  LICET_TRY_VOID(files_.make_folder(folder_));
  if (files_.exists(unfinished)) LICET_TRY_VOID(files_.remove(unfinished));
  const auto fill = [&]() -> Result<void> {
    LICET_TRY(file, files_.open(unfinished, store::Mode::create));
    const std::string zeros(std::min<std::size_t>(segment_bytes_, 256 * 1024), '\0');
    for (std::size_t at = 0; at < segment_bytes_; at += zeros.size()) {
      LICET_TRY_VOID(file->write_at(at, as_bytes(zeros).first(std::min(zeros.size(), segment_bytes_ - at))));
      LICET_TRY_VOID(file->sync());  // step by step: the committer's next sync must not wait for all of it
    }
    return {};
  };
  if (auto filled = fill(); !filled) {
    files_.remove(unfinished).ignore();  // gives the room back where the disk is full; the error is `filled`
    return filled;
  }
  LICET_TRY_VOID(files_.rename(unfinished, path(number)));
  LICET_TRY_VOID(files_.sync_folder(folder_));
  return {};
}

Result<void> Segments::prepare(std::uint64_t after) {
  const std::lock_guard making(making_);
  if (count() > after) return {};
  LICET_TRY_VOID(make(after + 1));
  const std::lock_guard lock(mutex_);
  Segment segment;
  segment.number = after + 1;
  segment.bytes = segment_bytes_;
  segments_.push_back(segment);
  return {};
}

Result<Segments::Opened> Segments::next(std::uint64_t after, std::uint64_t first) {
  LICET_TRY_VOID(prepare(after));
  Opened opened;
  LICET_TRY(file, files_.open(path(after + 1), store::Mode::read_write));
  opened.file = std::move(file);
  const std::lock_guard lock(mutex_);
  Segment& segment = segments_[after];
  segment.first = first;
  opened.segment = segment;
  return opened;
}

void Segments::used(std::uint64_t number, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  segments_[number - 1].used = bytes;
}

}  // namespace licet::ledger
