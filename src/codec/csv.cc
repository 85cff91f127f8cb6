#include "codec/csv.h"

#include <algorithm>

namespace licet::codec {
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

void CsvReader::feed(std::string_view bytes) {
  if (at_ > 0) {
    buffer_.erase(0, at_);
    before_ += at_;
    at_ = 0;
  }
  buffer_ += bytes;
  marks_.text(buffer_);
}

const CsvRecord* CsvReader::next() {
  const std::string_view all = buffer_;
  if (!started_) {
    if (all.size() < 3 && !finished_) return nullptr;
    if (all.starts_with("\xef\xbb\xbf")) at_ = 3;
    started_ = true;
  }
  if (lost_) {
    at_ = all.size();
    return nullptr;
  }
  if (skipping_) {  // the rest of a line that was too long
    const std::size_t end = all.find('\n', at_);
    at_ = end == std::string_view::npos ? all.size() : end + 1;
    if (end == std::string_view::npos) return nullptr;
    skipping_ = false;
  }
  if (at_ >= all.size()) return nullptr;
  CsvRecord& r = record_;
  r.cells.clear();
  r.ending = {};
  r.problem = nullptr;
  r.offset = before_ + at_;
  std::size_t at = at_;
  bool in_quote = false;
  for (;;) {
    // One cell; most have no quotes.
    if (const std::size_t end = marks_.next(at); end < all.size() && all[end] == delimiter_) {
      r.cells.push_back({std::string_view(all.data() + at, end - at)});
      at = end + 1;
      if (at == all.size() && finished_) {
        r.cells.push_back({});
        break;
      }
      continue;
    }
    CsvCell cell;
    const std::size_t begin = at;
    if (at < all.size() && all[at] == '"') {
      cell.quoted = in_quote = true;
      for (++at;;) {
        at = all.find('"', at);
        if (at == std::string_view::npos) break;
        if (at + 1 < all.size() ? all[at + 1] != '"' : true) break;
        cell.doubled = true;
        at += 2;
      }
      if (at == std::string_view::npos || (at + 1 == all.size() && !finished_)) {
        if (at == std::string_view::npos) at = all.size();
        break;  // more is needed
      }
      in_quote = false;
      ++at;
      if (at < all.size() && all[at] != delimiter_ && all[at] != '\n' && all[at] != '\r') {
        r.problem = "words behind a closing quote";
        at = std::min(all.find('\n', at), all.size());
      }
    } else {
      at = marks_.next(at);
      if (at < all.size() && all[at] == '"') {
        r.problem = "a quote inside a cell that has none around it";
        at = std::min(all.find('\n', at), all.size());
      }
    }
    cell.raw = all.substr(begin, at - begin);
    if (r.problem == nullptr) r.cells.push_back(cell);
    if (at < all.size() && all[at] == delimiter_ && r.problem == nullptr) {
      ++at;
      if (at == all.size() && finished_) {
        r.cells.push_back({});
        break;
      }
      continue;
    }
    break;
  }
  // At a line's end, or where the bytes end.
  if (at < all.size() && !in_quote) {
    std::size_t end = at;
    if (all[end] == '\r') {
      if (end + 1 == all.size() && !finished_) return nullptr;
      ++end;
      if (end < all.size() && all[end] == '\n') ++end;
    } else {
      ++end;
    }
    if (end - at_ > most_) r.problem = "it is longer than a record may be";
    r.ending = all.substr(at, end - at);
    at_ = end;
  } else if (finished_) {
    if (in_quote) {
      r.problem = "a quote that is never closed";
      r.lost = lost_ = true;
    }
    at_ = all.size();
  } else {
    if (all.size() - at_ <= most_) return nullptr;
    r.problem = in_quote ? "a quote that isn't closed within the length of a record: the rest of the file is not read"
                         : "it is longer than a record may be";
    r.lost = lost_ = in_quote;
    skipping_ = !in_quote;
    at_ = all.size();
  }
  r.number = ++number_;
  return &r;
}

}  // namespace licet::codec
