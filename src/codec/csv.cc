#include "codec/csv.h"

#include <algorithm>
#include <cstring>

namespace licet::codec {
namespace {

constexpr std::size_t kManyCells = 1024;     // of a batch
constexpr std::size_t kCellsMost = 1 << 20;  // of a record

}  // namespace

std::string_view CsvCell::unquoted(std::string& scratch) const {
  const std::string_view inner = raw.substr(1, raw.size() - 2);
  if (!doubled) return inner;
  scratch.clear();
  for (std::size_t i = 0; i < inner.size(); ++i) {
    scratch += inner[i];
    if (inner[i] == '"') ++i;
  }
  return scratch;
}

std::span<char> CsvReader::room(std::size_t size) {
  size = std::max(size, filled_ - at_);  // a long record is begun again with each piece: twice as large ones are few
  if (at_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + at_, filled_ - at_);
    filled_ -= at_;
    before_ += at_;
    at_ = 0;
  }
  if (buffer_.size() < filled_ + size) buffer_.resize(filled_ + size);
  marks_.text(bytes(), at_);
  return std::span(buffer_).subspan(filled_, size);
}

void CsvReader::commit(std::size_t size) {
  filled_ += size;
  marks_.text(bytes(), at_);
}

void CsvReader::feed(std::string_view more) {
  std::copy(more.begin(), more.end(), room(more.size()).begin());
  commit(more.size());
}

void CsvReader::set_delimiter(char delimiter) {
  delimiter_ = delimiter;
  marks_ = MarkScan(delimiter, '"', '\n', '\r');
  marks_.text(bytes(), at_);
}

// Nothing is taken yet: the record is read from its beginning again once there is more of it.
bool CsvReader::not_yet() {
  marks_.text(bytes(), at_);
  return false;
}

const CsvRecord* CsvReader::next() {
  const std::span<const CsvRecord> one = next(1);
  return one.empty() ? nullptr : one.data();
}

std::span<const CsvRecord> CsvReader::next(std::size_t most) {
  if (records_.size() < most) records_.resize(most);
  std::size_t count = 0;
  used_ = 0;
  while (count < most && used_ < kManyCells && read(records_[count])) ++count;
  const std::span<CsvRecord> made = std::span(records_).first(count);
  const CsvCell* at = cells_.data();  // may have moved meanwhile
  for (CsvRecord& r : made) r.cells = {at, r.cells.size()}, at += r.cells.size();
  return made;
}

bool CsvReader::read(CsvRecord& r) {
  const std::string_view all = bytes();
  if (!started_) {
    if (all.size() < 3 && !finished_) return false;
    started_ = true;
    if (all.starts_with("\xef\xbb\xbf")) marks_.text(all, at_ = 3);
  }
  if (lost_) {
    at_ = all.size();
    return false;
  }
  if (skipping_) {  // the rest of a line that was too long
    const std::size_t end = all.find('\n', at_);
    at_ = end == std::string_view::npos ? all.size() : end + 1;
    if (end == std::string_view::npos) return false;
    skipping_ = false;
    marks_.text(all, at_);
  }
  if (at_ >= all.size()) return false;
  r.ending = {};
  r.problem = nullptr;
  r.lost = false;
  r.offset = before_ + at_;
  const char* const data = all.data();
  CsvCell* cell = cells_.data() + used_;
  std::size_t begin = at_, end = 0;
  bool open = false;  // a quote
  bool many = false;
  const auto put = [&](bool quoted, bool doubled) {
    if (cell == cells_.data() + cells_.size()) [[unlikely]] {
      const std::size_t cells = cells_.size();
      if (cells - used_ >= kCellsMost)
        many = true, cell = cells_.data() + used_;  // to know where it ends, it is read on
      else
        cells_.resize(std::max<std::size_t>(16, 2 * cells)), cell = cells_.data() + cells;
    }
    *cell++ = {std::string_view(data + begin, end - begin), quoted, doubled};
  };
  for (;;) {
    end = marks_.next();
    char mark = end < all.size() ? data[end] : '\0';
    if (mark != '"') {
      if (end == all.size() && !finished_) break;
      put(false, false);
    } else if (end == begin) {
      bool doubled = false;
      open = true;
      for (;;) {  // what stands between quotes is no mark
        end = marks_.next();
        if (end == all.size()) break;
        if (all[end] != '"') continue;
        if (end + 1 == all.size() || all[end + 1] != '"') break;
        doubled = true;
        (void)marks_.next();
      }
      if (end == all.size() || (end + 1 == all.size() && !finished_)) {
        end = all.size();
        break;
      }
      open = false;
      ++end;
      mark = end < all.size() ? data[end] : '\0';
      if (end < all.size() && mark != delimiter_ && mark != '\n' && mark != '\r') {
        r.problem = "words behind a closing quote";
        break;
      }
      put(true, doubled);
      if (end < all.size()) (void)marks_.next();  // is the mark behind the quote
    } else if (bare_ == BareQuote::kept) {
      while (mark == '"') {
        end = marks_.next();
        mark = end < all.size() ? data[end] : '\0';
      }
      if (end == all.size() && !finished_) break;
      put(false, false);
    } else {
      r.problem = "a quote inside a cell that has none around it";
      break;
    }
    if (mark != delimiter_ || end == all.size()) break;
    begin = end + 1;
    if (begin == all.size() && finished_) {
      end = begin;
      put(false, false);
      break;
    }
  }
  if (r.problem != nullptr) {
    end = std::min(all.find('\n', end), all.size());
    marks_.skip_to(end + 1);
  }
  // At a line's end, or where the bytes end.
  if (end < all.size() && !open) {
    const std::size_t line = end;
    if (all[end] == '\r') {
      if (end + 1 == all.size() && !finished_) return not_yet();
      if (end + 1 < all.size() && all[end + 1] == '\n') {
        ++end;
        marks_.skip_to(end + 1);
      }
    }
    ++end;
    if (many) r.problem = "it has more cells than a record may have, 1,048,576";
    if (end - at_ > most_) r.problem = "it is longer than a record may be";
    r.ending = all.substr(line, end - line);
    at_ = end;
  } else if (finished_) {
    if (many) r.problem = "it has more cells than a record may have, 1,048,576";
    if (open) {
      r.problem = "a quote that is never closed";
      r.lost = lost_ = true;
    }
    at_ = all.size();
  } else {
    if (all.size() - at_ <= most_) return not_yet();
    r.problem = open ? "a quote that isn't closed within the length of a record: the rest of the file is not read"
                     : "it is longer than a record may be";
    r.lost = lost_ = open;
    skipping_ = !open;
    at_ = all.size();
  }
  const std::size_t cells = r.problem != nullptr ? 0 : static_cast<std::size_t>(cell - cells_.data()) - used_;
  r.cells = std::span(cells_).subspan(used_, cells);
  used_ += cells;
  r.number = ++number_;
  return true;
}

}  // namespace licet::codec
