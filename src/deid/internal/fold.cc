#include "deid/internal/fold.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <optional>
#include <utility>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/bytes.h"

namespace licet::deid {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
int hex(char c) {
  return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
void put_utf8(std::uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}
// A character of two or three bytes at `at`; 0 where there is none.
std::uint32_t character(std::string_view text, std::size_t at, std::size_t& size) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  const std::uint32_t a = byte(0), b = byte(1), c = byte(2);
  if (a >= 0xc2 && a < 0xe0 && (b & 0xc0) == 0x80) return size = 2, (a & 0x1f) << 6 | (b & 0x3f);
  if (a >= 0xe0 && a < 0xf0 && (b & 0xc0) == 0x80 && (c & 0xc0) == 0x80) return size = 3, (a & 0x0f) << 12 | (b & 0x3f) << 6 | (c & 0x3f);
  return 0;
}

bool has_no_width(std::uint32_t c) {
  return c == 0xad || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2064) || c == 0xfeff;
}
// The letter of ASCII that a Cyrillic or Greek one is drawn like; 0: none.
char looks_like(std::uint32_t c) {
  static constexpr auto kPairs = std::to_array<std::pair<std::uint32_t, char>>(
      {{0x391, 'A'}, {0x392, 'B'}, {0x395, 'E'}, {0x396, 'Z'}, {0x397, 'H'}, {0x399, 'I'}, {0x39a, 'K'}, {0x39c, 'M'}, {0x39d, 'N'},
       {0x39f, 'O'}, {0x3a1, 'P'}, {0x3a4, 'T'}, {0x3a5, 'Y'}, {0x3a7, 'X'}, {0x3b1, 'a'}, {0x3b9, 'i'}, {0x3bd, 'v'}, {0x3bf, 'o'},
       {0x3c1, 'p'}, {0x3c5, 'u'}, {0x405, 'S'}, {0x406, 'I'}, {0x408, 'J'}, {0x410, 'A'}, {0x412, 'B'}, {0x415, 'E'}, {0x417, '3'},
       {0x41a, 'K'}, {0x41c, 'M'}, {0x41d, 'H'}, {0x41e, 'O'}, {0x420, 'P'}, {0x421, 'C'}, {0x422, 'T'}, {0x423, 'Y'}, {0x425, 'X'},
       {0x430, 'a'}, {0x435, 'e'}, {0x43e, 'o'}, {0x440, 'p'}, {0x441, 'c'}, {0x443, 'y'}, {0x445, 'x'}, {0x455, 's'}, {0x456, 'i'},
       {0x458, 'j'}, {0x4bb, 'h'}, {0x501, 'd'}, {0x51b, 'q'}, {0x51d, 'w'}});
  const auto* at = std::lower_bound(kPairs.begin(), kPairs.end(), c, [](const auto& p, std::uint32_t v) { return p.first < v; });
  return at != kPairs.end() && at->first == c ? at->second : '\0';
}

// "&nbsp;", "&#77;", "&#x4d;", "&eacute;": what it says, and how long it is.
std::optional<std::uint32_t> entity(std::string_view text, std::size_t& size) {
  const std::size_t end = text.substr(0, 12).find(';');
  if (end == std::string_view::npos || end < 3) return std::nullopt;
  std::string_view name = text.substr(1, end - 1);
  size = end + 1;
  if (name[0] == '#') {
    const bool sixteen = name[1] == 'x' || name[1] == 'X';
    std::uint32_t value = 0;
    name.remove_prefix(sixteen ? 2 : 1);
    if (name.empty()) return std::nullopt;
    for (const char c : name) {
      const int digit = hex(c);
      if (digit < 0 || (!sixteen && digit > 9)) return std::nullopt;
      value = value * (sixteen ? 16 : 10) + static_cast<std::uint32_t>(digit);
      if (value > 0xffff) return std::nullopt;
    }
    if (value < 0x20 || (value >= 0xd800 && value < 0xe000)) return std::nullopt;
    return value;
  }
  static constexpr auto kNames = std::to_array<std::pair<std::string_view, std::uint32_t>>({{"nbsp", ' '},
                                                                                            {"amp", '&'},
                                                                                            {"lt", '<'},
                                                                                            {"gt", '>'},
                                                                                            {"quot", '"'},
                                                                                            {"apos", '\''},
                                                                                            {"shy", 0xad},
                                                                                            {"commat", '@'},
                                                                                            {"period", '.'},
                                                                                            {"ntilde", 0xf1},
                                                                                            {"Ntilde", 0xd1},
                                                                                            {"ccedil", 0xe7},
                                                                                            {"Ccedil", 0xc7}});
  for (const auto& [known, value] : kNames)
    if (name == known) return value;
  constexpr std::string_view kVowels = "aeiouAEIOU";
  constexpr std::array<std::uint32_t, 10> kAcute = {0xe1, 0xe9, 0xed, 0xf3, 0xfa, 0xc1, 0xc9, 0xcd, 0xd3, 0xda},
                                          kUmlaut = {0xe4, 0xeb, 0xef, 0xf6, 0xfc, 0xc4, 0xcb, 0xcf, 0xd6, 0xdc},
                                          kGrave = {0xe0, 0xe8, 0xec, 0xf2, 0xf9, 0xc0, 0xc8, 0xcc, 0xd2, 0xd9};
  const std::size_t vowel = kVowels.find(name[0]);
  if (vowel == std::string_view::npos) return std::nullopt;
  if (name.substr(1) == "acute") return kAcute[vowel];
  if (name.substr(1) == "uml") return kUmlaut[vowel];
  if (name.substr(1) == "grave") return kGrave[vowel];
  return std::nullopt;
}

// "<b>", "</span>", "<font color=red>": an inline tag, which parts no words; how long it is, or 0.
std::size_t inline_tag(std::string_view text) {
  std::size_t at = 1;
  if (at < text.size() && text[at] == '/') ++at;
  const std::size_t begin = at;
  while (at < text.size() && at - begin < 7 && is_letter(text[at])) ++at;
  const std::string_view name = text.substr(begin, at - begin);
  constexpr auto kInline = std::to_array<std::string_view>({"b",   "i",   "u",   "em", "strong", "span", "font", "mark",   "a",    "small",
                                                            "sup", "sub", "wbr", "B",  "I",      "U",    "EM",   "STRONG", "SPAN", "FONT"});
  if (std::find(kInline.begin(), kInline.end(), name) == kInline.end()) return 0;
  for (; at < text.size() && at < 128; ++at) {
    if (text[at] == '>') return at + 1;
    if (text[at] == '<' || text[at] == '\n') return 0;
  }
  return 0;
}

bool is_separator(char c) {
  return c == ' ' || c == '.' || c == '-' || c == '_';
}
// "S m i t h" at `at`: single letters, four or more, with one separator; where the last of them stands. 0: no such.
std::size_t spaced_out(std::string_view text, std::size_t at) {
  const auto letter = [&](std::size_t i) { return i < text.size() && is_letter(text[i]); };
  if (!letter(at) || (at > 0 && (is_letter(text[at - 1]) || is_digit(text[at - 1])))) return 0;
  if (at + 1 >= text.size() || !is_separator(text[at + 1])) return 0;
  const char separator = text[at + 1];
  std::size_t last = at, letters = 1;
  while (last + 1 < text.size() && text[last + 1] == separator && letter(last + 2) && !letter(last + 3) &&
         !(last + 3 < text.size() && is_digit(text[last + 3])))
    last += 2, ++letters;
  // A second capital begins another word: "A. B. C. D." are initials.
  const auto capitals = [&] {
    std::size_t count = 0;
    for (std::size_t i = at; i <= last; i += 2) count += text[i] < 'a';
    return count;
  }();
  return letters >= 4 && (capitals <= 1 || (capitals == letters && separator != '.')) ? last : 0;
}

// "San-" at the end of a line, "doval" on the next: how many bytes part them. 0: none.
std::size_t broken_at(std::string_view text, std::size_t at) {
  std::size_t next = at + 1;
  if (next < text.size() && text[next] == '\r') ++next;
  if (at == 0 || !is_letter(text[at - 1]) || next + 1 >= text.size() || text[next] != '\n') return 0;
  return text[next + 1] >= 'a' && text[next + 1] <= 'z' ? next + 1 - at : 0;
}

// Whether what begins at a byte is something that make() changes.
bool is_in_the_way(std::string_view text, std::size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  std::size_t size = 1;
  if (c == '&') return entity(text.substr(at), size).has_value();
  if (c == '%') return at + 2 < text.size() && hex(text[at + 1]) >= 0 && hex(text[at + 2]) >= 0;
  if (c == '<') return inline_tag(text.substr(at)) != 0;
  if (c == '-') return broken_at(text, at) != 0;
  if (c < 0x80) return spaced_out(text, at) != 0;
  if (c < 0xc2) return false;
  const std::uint32_t point = character(text, at, size);
  return (has_no_width(point) && at != 0) || (point >= 0xff01 && point <= 0xff5e) || looks_like(point) != '\0';
}

constexpr auto kBase64 = [] {
  std::array<bool, 256> set{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
    set[static_cast<unsigned char>(c)] = true;
  return set;
}();

struct Looked {
  bool folds = false;   // make() changes something
  bool base64 = false;  // there may be a run of 32 of its characters
};
Looked look_over(std::string_view text) {
  Looked saw;
  std::size_t at = 0;
#ifdef __SSE2__
  const auto is = [](__m128i v, char c) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(c)); };
  const auto either = [](__m128i a, __m128i b) { return _mm_or_si128(a, b); };
  const auto within = [](__m128i v, char first, char last) {
    return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(static_cast<char>(first - 1))),
                         _mm_cmplt_epi8(v, _mm_set1_epi8(static_cast<char>(last + 1))));
  };
  // 64 bytes at a time, of which eight are seen again: letters spaced out take seven.
  for (; at + 64 <= text.size(); at += 56) {
    std::uint64_t odd = 0, high = 0, letters = 0, separators = 0, dashes = 0, ends = 0, base64 = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at + 16 * k));
      const auto bits = [&](__m128i m) { return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(m))) << (16 * k); };
      const __m128i letter = within(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 'z'), dash = is(v, '-');
      high |= bits(v);
      odd |= bits(either(is(v, '&'), either(is(v, '%'), is(v, '<'))));
      letters |= bits(letter);
      separators |= bits(either(either(is(v, ' '), is(v, '.')), either(dash, is(v, '_'))));
      dashes |= bits(dash);
      ends |= bits(either(is(v, '\r'), is(v, '\n')));
      base64 |= bits(either(letter, either(within(v, '/', '9'), is(v, '+'))));
    }
    // A run of 32 has sixteen of them in one block at least.
    for (const int by : {1, 2, 4, 8}) base64 &= base64 >> by;
    saw.base64 |= base64 != 0;
    odd |= high | (letters & separators >> 1 & letters >> 2 & separators >> 3 & letters >> 4 & separators >> 5 & letters >> 6);
    odd |= dashes & ends >> 1;
    for (; odd != 0 && !saw.folds; odd &= odd - 1) saw.folds = is_in_the_way(text, at + static_cast<std::size_t>(std::countr_zero(odd)));
  }
#else
  saw.base64 = true;
#endif
  for (std::size_t run = 0; at < text.size(); ++at) {
    run = kBase64[static_cast<unsigned char>(text[at])] ? run + 1 : 0;
    saw.base64 |= run >= 16;
    saw.folds = saw.folds || is_in_the_way(text, at);
  }
  return saw;
}

}  // namespace

void Folded::add(std::string_view bytes, std::size_t from, std::size_t to, bool same) {
  if (bytes.empty()) return;
  pieces_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to), same});
  text_ += bytes;
}
const Folded::Piece& Folded::piece(std::uint32_t at) const {
  return *(std::upper_bound(pieces_.begin(), pieces_.end(), at, [](std::uint32_t v, const Piece& p) { return v < p.at; }) - 1);
}
std::uint32_t Folded::begin(std::uint32_t at) const {
  const Piece& p = piece(at);
  return p.same ? p.from + (at - p.at) : p.from;
}
std::uint32_t Folded::end(std::uint32_t at) const {
  const Piece& p = piece(at - 1);
  return p.same ? p.from + (at - p.at) : p.to;
}

bool Folded::make(std::string_view text) {
  const Looked saw = look_over(text);
  base64_ = saw.base64;
  if (!saw.folds) return false;
  text_.clear();
  pieces_.clear();
  std::size_t copied = 0;  // up to where the text is in text_
  // [from, to) is read as these bytes, or not at all.
  const auto put = [&](std::string_view bytes, std::size_t from, std::size_t to) {
    add(text.substr(copied, from - copied), copied, from, true);
    add(bytes, from, to, false);
    copied = to;
  };
  const auto word_at = [&](std::size_t i) {
    return i < text.size() && (is_letter(text[i]) || is_digit(text[i]) || static_cast<unsigned char>(text[i]) >= 0x80);
  };
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    std::size_t size = 1;
    if (is_letter(c)) {
      if (const std::size_t last = spaced_out(text, at); last != 0) {
        for (std::size_t i = at; i < last; i += 2) put({}, i + 1, i + 2);
        at = last + 1;
        continue;
      }
    } else if (static_cast<unsigned char>(c) >= 0xc2) {
      const std::uint32_t point = character(text, at, size);
      if (point != 0 && has_no_width(point) && at != 0) {
        put({}, at, at + size);
        at += size;
        continue;
      }
      char plain = point >= 0xff01 && point <= 0xff5e ? static_cast<char>(point - 0xff01 + '!') : '\0';
      if (const char like = looks_like(point); like != '\0') {
        // Only among letters of ASCII.
        std::size_t left = at, right = at + size, skipped = 0;
        while (left > 0 && static_cast<unsigned char>(text[left - 1]) >= 0x80 && at - left < 64) --left;
        while (right < text.size() && static_cast<unsigned char>(text[right]) >= 0x80 && ++skipped < 64) ++right;
        if ((left > 0 && is_letter(text[left - 1])) || (right < text.size() && is_letter(text[right]))) plain = like;
      }
      if (plain != '\0') {
        put({&plain, 1}, at, at + size);
        at += size;
        continue;
      }
    } else if (c == '-') {
      if (const std::size_t gap = broken_at(text, at); gap != 0) {
        put({}, at, at + gap);
        at += gap;
        continue;
      }
    } else if (c == '&') {
      if (const auto value = entity(text.substr(at), size)) {
        std::string made;
        if (!has_no_width(*value)) put_utf8(*value == 0xa0 ? ' ' : *value, made);
        put(made, at, at + size);
        at += size;
        continue;
      }
      size = 1;
    } else if (c == '%' && at + 2 < text.size() && hex(text[at + 1]) >= 0 && hex(text[at + 2]) >= 0 && at > 0) {
      const int value = hex(text[at + 1]) * 16 + hex(text[at + 2]);
      const char before = text[at - 1], after = at + 3 < text.size() ? text[at + 3] : ' ';
      const bool chained = at >= 3 && text[at - 3] == '%';
      // A letter before it, or another of its kind on either side: "50%20" alone is a number.
      const std::string_view rest = text.substr(at + 3, 24);
      const std::size_t ahead = rest.find_first_of(" \t\r\n%");
      const bool goes_on = ahead != std::string_view::npos && rest[ahead] == '%' && ahead + 2 < rest.size() && hex(rest[ahead + 1]) >= 0;
      const bool firm =
          is_letter(before) || chained || goes_on || (is_digit(before) && (is_letter(text[at + 1]) || is_letter(text[at + 2])));
      const bool alone = value < 0x80 || chained || after == '%';
      if (value >= 0x20 && value != 0x7f && firm && alone && (word_at(at + 3) || after == '%')) {
        const char made = static_cast<char>(value);
        put({&made, 1}, at, at + 3);
        at += 3;
        continue;
      }
    } else if (c == '<') {
      const std::size_t tag = inline_tag(text.substr(at));
      if (tag != 0 && ((at > 0 && word_at(at - 1)) || word_at(at + tag))) {
        put({}, at, at + tag);
        at += tag;
        continue;
      }
    }
    at += size;
  }
  add(text.substr(std::min(copied, text.size())), copied, text.size(), true);
  return !pieces_.empty() && (pieces_.size() > 1 || !pieces_[0].same);
}

std::vector<Encoded> Folded::base64_runs(std::string_view text) const {
  if (!base64_) return {};
  constexpr std::size_t kLeast = 32;
  const auto in = [&](std::size_t i) { return i < text.size() && kBase64[static_cast<unsigned char>(text[i])]; };
  std::vector<Encoded> all;
  // Every run of that length covers two of these places.
  for (std::size_t at = kLeast / 2; at < text.size(); at += kLeast / 2) {
    if (!in(at)) continue;
    std::size_t begin = at, end = at;
    while (begin > 0 && at - begin < kLeast && in(begin - 1)) --begin;
    if (at - begin < kLeast / 2 && !in(at + kLeast / 2)) continue;
    while (begin > 0 && in(begin - 1)) --begin;
    while (in(end)) ++end;
    at = std::max(at, end);
    if (end - begin < kLeast) continue;
    const std::string_view run = text.substr(begin, (end - begin) / 4 * 4);
    std::size_t padded = end;
    std::string whole(text.substr(begin, end - begin));
    while (padded < text.size() && text[padded] == '=' && whole.size() % 4 != 0) whole += '=', ++padded;
    auto plain = unbase64(whole.size() % 4 == 0 ? whole : std::string(run));
    if (!plain || plain->empty()) continue;
    const auto odd = std::count_if(plain->begin(), plain->end(), [](char c) {
      const auto b = static_cast<unsigned char>(c);
      return (b < 0x20 && c != '\n' && c != '\r' && c != '\t') || b >= 0x7f;
    });
    if (static_cast<std::size_t>(odd) * 10 > plain->size()) continue;  // no text
    all.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(padded), *std::move(plain)});
  }
  return all;
}

}  // namespace licet::deid
