#include "deid/risk/csv.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace licet::deid::risk {

std::span<char> CsvReader::room(std::size_t bytes) {
  if (at_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + at_, filled_ - at_);
    filled_ -= at_;
    at_ = 0;
  }
  if (buffer_.size() < filled_ + bytes) buffer_.resize(filled_ + bytes);
  return std::span(buffer_).subspan(filled_, bytes);
}

void CsvReader::commit(std::size_t bytes) {
  filled_ += bytes;
  if (!begun_ && filled_ >= 3) {
    begun_ = true;
    if (std::string_view(buffer_.data(), 3) == "\xef\xbb\xbf") at_ = 3;
  }
}

CsvReader::Next CsvReader::bad(std::string_view what) {
  why_ = "row " + std::to_string(number_) + ": " + std::string(what);
  return Next::bad;
}

CsvReader::Next CsvReader::next(std::vector<std::string_view>& row) {
  const char* const end = buffer_.data() + filled_;
  const char* p = buffer_.data() + at_;
  while (p != end && (*p == '\n' || *p == '\r')) ++p;  // lines without anything, and the rest of a CRLF
  at_ = static_cast<std::size_t>(p - buffer_.data());
  row.clear();
  unescaped_.clear();
  if (p == end) return ended_ ? Next::end : Next::more;
  const char delimiter = delimiter_;
  const auto partial = [&] { return filled_ - at_ > kLongestRow ? bad("longer than 16 MiB: is a quote open?") : Next::more; };
  for (;;) {
    if (p != end && *p == '"') {
      const char* from = ++p;
      std::string* own = nullptr;
      for (;;) {
        const char* quote = static_cast<const char*>(std::memchr(p, '"', static_cast<std::size_t>(end - p)));
        if (quote == nullptr) return ended_ ? bad("a quote is opened and not closed") : partial();
        if (quote + 1 == end && !ended_) return partial();
        if (quote + 1 != end && quote[1] == '"') {
          if (own == nullptr) own = &unescaped_.emplace_back();
          own->append(from, quote + 1);
          p = from = quote + 2;
          continue;
        }
        if (own != nullptr) {
          own->append(from, quote);
          row.push_back(*own);
        } else {
          row.emplace_back(from, static_cast<std::size_t>(quote - from));
        }
        p = quote + 1;
        break;
      }
      if (p != end && *p != delimiter && *p != '\n' && *p != '\r') return bad("text behind a closing quote");
    } else {
      const char* from = p;
      while (p != end && *p != delimiter && *p != '\n' && *p != '\r') ++p;
      if (p == end && !ended_) return partial();
      row.emplace_back(from, static_cast<std::size_t>(p - from));
    }
    if (p == end) {
      if (!ended_) return partial();
      break;
    }
    if (*p != delimiter) break;
    ++p;
    if (p == end && !ended_) return partial();
  }
  at_ = static_cast<std::size_t>(p - buffer_.data());
  ++number_;
  return Next::row;
}

char guess_delimiter(std::string_view header) {
  constexpr std::string_view candidates = ",;\t|";
  std::array<std::size_t, candidates.size()> seen{};
  bool quoted = false;
  for (const char c : header) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == '\n' || c == '\r')) break;
    if (const std::size_t which = candidates.find(c); !quoted && which != std::string_view::npos) ++seen[which];
  }
  return candidates[static_cast<std::size_t>(std::max_element(seen.begin(), seen.end()) - seen.begin())];
}

}  // namespace licet::deid::risk
