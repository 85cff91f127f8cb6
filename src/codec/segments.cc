#include "codec/segments.h"

#include <algorithm>
#include <array>

#include "codec/scan.h"

namespace licet::codec {
namespace {

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_mark(char c) {
  return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f && !is_alnum(c);
}
int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

constexpr std::size_t kIsa = 106;

}  // namespace

Result<Marks> hl7_marks(std::string_view header) {
  const auto wrong = [](const char* what) { return Error{Code::invalid_argument, std::string("the header segment ") + what}; };
  if (header.size() < 5) return wrong("ends before its separators");
  Marks m;
  m.element = header[3];
  const std::string_view said = header.substr(4, std::min(header.find(m.element, 4), header.size()) - 4);
  // "^~\&", as of 2.7 with a fifth for truncation; what is left out at the end isn't used in the message.
  if (said.empty() || said.size() > 5) return wrong("has no encoding characters in its second field");
  m.component = said[0];
  m.repetition = said.size() > 1 ? said[1] : '\0';
  m.escape = said.size() > 2 ? said[2] : '\0';
  m.subcomponent = said.size() > 3 ? said[3] : '\0';
  const std::array<char, 5> all = {m.element, m.component, m.repetition, m.escape, m.subcomponent};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i] == '\0') continue;
    if (!is_mark(all[i])) return wrong("has a letter, digit or control character where a separator belongs");
    if (std::count(all.begin(), all.end(), all[i]) > 1) return wrong("uses one character for two separators");
  }
  return m;
}

Result<Marks> x12_marks(std::string_view isa) {
  const auto wrong = [](const char* what) { return Error{Code::invalid_argument, std::string("the ISA segment ") + what}; };
  if (isa.size() < kIsa) return wrong("is shorter than 106 characters");
  Marks m;
  m.element = isa[3];
  m.escape = '\0';
  m.subcomponent = '\0';
  m.component = isa[104];
  m.terminator = isa[105];
  // Elements have fixed lengths: a separator stands at each of these places and nowhere else.
  constexpr std::array<std::size_t, 16> kPlaces = {3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103};
  for (const std::size_t place : kPlaces)
    if (isa[place] != m.element) return wrong("lacks a separator where its fixed lengths put one");
  m.repetition = isa[82];  // of 00402 and later; "U" before
  if (is_alnum(m.repetition) || m.repetition == ' ') m.repetition = '\0';
  if (!is_mark(m.element) || !is_mark(m.component) || is_alnum(m.terminator) || m.terminator == ' ')
    return wrong("has a letter, digit or space where a separator belongs");
  const std::array<char, 4> all = {m.element, m.component, m.repetition, m.terminator};
  for (const char c : all)
    if (c != '\0' && std::count(all.begin(), all.end(), c) > 1) return wrong("uses one character for two separators");
  return m;
}

std::string hl7_unescape(std::string_view text, const Marks& m) {
  if (m.escape == '\0' || text.find(m.escape) == std::string_view::npos) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != m.escape) {
      out += text[at];
      continue;
    }
    const std::size_t end = text.find(m.escape, at + 1);
    if (end == std::string_view::npos || end - at > 64) continue;  // a lone one: nothing is escaped by it
    const std::string_view what = text.substr(at + 1, end - at - 1);
    if (what == "F")
      out += m.element;
    else if (what == "S")
      out += m.component;
    else if (what == "R")
      out += m.repetition;
    else if (what == "T")
      out += m.subcomponent;
    else if (what == "E")
      out += m.escape;
    else if (what.starts_with(".br") || what.starts_with(".sp") || what.starts_with(".ce"))
      out += '\n';
    else if (what.starts_with('X'))
      for (std::size_t k = 1; k + 1 < what.size(); k += 2) {
        const int high = hex_digit(what[k]), low = hex_digit(what[k + 1]);
        if (high >= 0 && low >= 0) out += static_cast<char>(high * 16 + low);
      }
    else if (what.find_first_of(" \t") != std::string_view::npos) {
      out += text.substr(at + 1, end - at - 1);  // two lone ones around words
      at = end - 1;
      continue;
    }
    at = end;
  }
  return out;
}

void hl7_escape(std::string_view plain, const Marks& m, std::string& out) {
  for (const char c : plain) {
    if (c == '\n') {
      if (m.escape != '\0')
        out.append(1, m.escape).append(".br").append(1, m.escape);
      else
        out += ' ';
    } else if (static_cast<unsigned char>(c) < 0x20) {
      if (c == '\t') out += ' ';
    } else if (m.any(c)) {
      if (m.escape == '\0') {
        out += ' ';
        continue;
      }
      out += m.escape;
      out += c == m.element ? 'F' : c == m.component ? 'S' : c == m.repetition ? 'R' : c == m.escape ? 'E' : 'T';
      out += m.escape;
    } else {
      out += c;
    }
  }
}

bool SegmentFramer::is_header(std::string_view rest) const {
  const auto any = [&](const auto& names) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
      return rest.starts_with(name) && (rest.size() == name.size() || !is_alnum(rest[name.size()]));
    });
  };
  if (rest.size() < 2 || rest[0] < 'B' || rest[0] > 'T') return false;
  if (format_ == SegmentFormat::hl7_v2) return any(std::array<std::string_view, 5>{"MSH", "FHS", "BHS", "BTS", "FTS"});
  return any(std::array<std::string_view, 6>{"ST", "ISA", "GS", "GE", "IEA", "TA1"});
}

void SegmentFramer::feed(std::string_view bytes) {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    before_ += begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  buffer_ += bytes;
}

std::optional<SegmentUnit> SegmentFramer::next() {
  const std::string_view all = buffer_;
  if (!started_) {
    if (all.size() < 3 && !finished_) return std::nullopt;
    if (all.starts_with("\xef\xbb\xbf")) begin_ = scanned_ = 3;
    started_ = true;
  }
  for (;;) {
    if (begin_ == scanned_) {  // at a unit's first byte
      if (format_ == SegmentFormat::x12) {
        while (scanned_ < all.size() && (all[scanned_] == '\r' || all[scanned_] == '\n' || all[scanned_] == ' ')) ++scanned_;
        begin_ = scanned_;
        if (all.substr(begin_, 3) == "ISA" || !marks_) {
          if (all.size() - begin_ < kIsa && !finished_) return std::nullopt;
          if (begin_ == all.size()) return std::nullopt;
          auto said = x12_marks(all.substr(begin_));
          if (said)
            marks_ = *std::move(said);
          else
            marks_.reset();  // until the next ISA nothing says what ends a segment
        }
      }
      if (scanned_ < all.size()) ++scanned_;
    }
    // The next header, at the beginning of a segment.
    std::size_t found = std::string_view::npos, at = scanned_;
    for (; at < all.size(); ++at) {
      if (!marks_ && format_ == SegmentFormat::x12) {
        if (at + 3 > all.size() && !finished_) break;
        if (all.substr(at).starts_with("ISA")) {
          found = at;
          break;
        }
        continue;
      }
      if (marks_)
        at = std::min(all.find(marks_->terminator, at), all.size());
      else
        at = find_hl7_end(all, at);
      if (at == all.size()) break;
      std::size_t next = at + 1;
      if (format_ == SegmentFormat::x12)
        while (next < all.size() && (all[next] == '\r' || all[next] == '\n' || all[next] == ' ')) ++next;
      if (next + 4 > all.size() && !finished_) break;  // too few bytes to tell
      if (next < all.size() && is_header(all.substr(next))) {
        found = next;
        break;
      }
    }
    if (found != std::string_view::npos || (finished_ && begin_ < all.size())) {
      const std::size_t end = found != std::string_view::npos ? found : all.size();
      SegmentUnit unit{all.substr(begin_, end - begin_), before_ + begin_, dropping_ || end - begin_ > most_};
      if (unit.too_long) unit.bytes = {};
      begin_ = scanned_ = end;
      const bool was_dropping = std::exchange(dropping_, false);
      if (was_dropping) continue;  // its place was told when it grew too long
      return unit;
    }
    scanned_ = std::max(begin_ + (begin_ < all.size() ? 1 : 0), std::min(at, all.size()));
    if (finished_) return std::nullopt;
    if (scanned_ - begin_ > most_) {
      // Too long: its bytes are let go of as they come.
      SegmentUnit unit{{}, before_ + begin_, true};
      begin_ = scanned_ - 1;
      if (std::exchange(dropping_, true)) return std::nullopt;
      return unit;
    }
    return std::nullopt;
  }
}

}  // namespace licet::codec
