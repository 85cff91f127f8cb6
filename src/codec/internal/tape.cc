#include "codec/internal/tape.h"

#include <algorithm>
#include <cstring>

#include "codec/words.h"

namespace licet::codec::internal {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Four hex digits at `at`, or -1.
int hex4(const char* at, const char* end) {
  if (end - at < 4) return -1;
  int code = 0;
  for (int k = 0; k < 4; ++k) {
    const int digit = hex_digit(at[k]);
    if (digit < 0) return -1;
    code = code << 4 | digit;
  }
  return code;
}

// RFC 8259 §6.
bool is_number(const char* at, const char* end) {
  const auto digits = [&] {
    const char* start = at;
    while (at != end && is_digit(*at)) ++at;
    return at != start;
  };
  if (at != end && *at == '-') ++at;
  if (at != end && *at == '0')
    ++at;
  else if (!digits())
    return false;
  if (at != end && *at == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (at != end && (*at | 0x20) == 'e') {
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    if (!digits()) return false;
  }
  return at == end;
}

void append_utf8(std::string& out, unsigned code) {
  const auto put = [&](unsigned byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// 64 bits of a key. Two keys of one object with the same hash are taken for duplicates: by chance that doesn't happen (2^-64), and who
// makes it happen on purpose only gets the document refused.
inline std::uint64_t hash(const char* key, const KeyWords& words) {
  constexpr std::uint64_t kA = 0x9e3779b97f4a7c15, kB = 0xd1b54a32d192ed03;
  std::uint64_t state = kB ^ words.size;
  for (std::size_t k = 8; k + 8 < words.size; k += 8) state = mix(word_at(key + k) ^ kA, state ^ kB);
  return mix(words.first ^ kA, words.last ^ state);
}

}  // namespace

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out.push_back(text[i]);
      continue;
    }
    switch (const char c = text[++i]) {
      case 'b':
        out.push_back('\b');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'u': {
        const char* end = text.data() + text.size();
        auto code = static_cast<unsigned>(hex4(text.data() + i + 1, end));
        i += 4;
        if (code >= 0xd800 && code < 0xdc00) {  // the walk has found its partner
          const auto low = static_cast<unsigned>(hex4(text.data() + i + 3, end));
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          i += 6;
        }
        append_utf8(out, code);
        break;
      }
      default:
        out.push_back(c);
        break;  // " \ /
    }
  }
  return out;
}

std::string_view plain(const Tape& tape, std::uint32_t token, std::deque<std::string>& arena) {
  const std::string_view text = tape.text(token);
  if (!tape.escapes || text.find('\\') == std::string_view::npos) return text;
  return arena.emplace_back(unescape(text));
}

void Tape::reserve(std::size_t size) {
  if (size <= room_) return;
  const std::size_t room = std::max(size, room_ + room_ / 2 + 1024);
  auto positions = std::make_unique_for_overwrite<std::uint32_t[]>(room);
  if (count > 0) std::memcpy(positions.get(), pos, count * sizeof(std::uint32_t));
  pos_ = std::move(positions);
  auto matches = std::make_unique_for_overwrite<std::uint32_t[]>(room);
  if (count > 0) std::memcpy(matches.get(), match, count * sizeof(std::uint32_t));
  match_ = std::move(matches);
  pos = pos_.get();
  match = match_.get();
  room_ = room;
}

std::string_view Tape::key_as_meant(std::uint32_t token, std::string& spelled) const {
  const std::string_view raw_key = text(token);
  if (raw_key.find('\\') == std::string_view::npos) return raw_key;
  spelled = unescape(raw_key);
  return spelled;
}

bool Walker::walk(Tape& tape, std::uint32_t token) {
  tape_ = &tape;
  base_ = tape.base;
  pos_ = tape.pos;
  if (walked_ == kNever || pos_[token] < walked_) escape_ = base_;  // not known: looked for at the first string
  walked_ = pos_[token];
  i_ = token;
  depth_ = objects_ = key_count_ = 0;
  references_.clear();
  return value();
}

bool Walker::value() {
  switch (base_[pos_[i_]]) {
    case '"':
      return string();
    case '{':
      return object();
    case '[':
      return array();
    default:
      return scalar();
  }
}

bool Walker::string() {
  std::uint32_t end = 0;
  if (!string_end(pos_[i_] + 1, end)) return false;
  ++i_;
  return true;
}

bool Walker::object() {
  const std::uint32_t open = i_++;
  if (++depth_ > depth_max_) return fail("nested too deep", pos_[open]);
  const std::size_t first_key = key_count_;
  const std::size_t level = objects_++;
  std::uint64_t seen = 0;  // a bit for each key, by its hash
  if (base_[pos_[i_]] != '}') {
    for (;;) {
      const std::uint32_t start = pos_[i_] + 1;
      std::uint32_t end = 0;
      if (base_[start - 1] != '"') return fail("expected a key", start - 1);
      if (!string_end(start, end) || !key(start, end, first_key, seen)) return false;
      path_[level] = i_;
      if (base_[pos_[++i_]] != ':') return fail("expected a colon", pos_[i_]);
      ++i_;
      const char first = base_[pos_[i_]];
      if (first == '"') {
        const bool reference = escaped_ ? unescape({base_ + start, end - start}) == "reference"
                                        : end - start == 9 && std::memcmp(base_ + start, "reference", 9) == 0;
        if (reference) {
          ReferenceSpot& spot = references_.emplace_back();
          spot.value = i_;
          spot.depth = static_cast<std::uint32_t>(level);
          for (std::size_t k = 0; k < level && k < 3; ++k) spot.keys[k] = path_[k];
        }
        if (!string()) return false;
      } else if (!value()) {
        return false;
      }
      const char c = base_[pos_[i_]];
      if (c == '}') break;
      if (c != ',') return fail("expected a comma or a closing brace", pos_[i_]);
      ++i_;
    }
  }
  if (key_count_ - first_key > 32) {
    // Many keys: key() compared none of the later ones.
    const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(first_key),
               end = keys_.begin() + static_cast<std::ptrdiff_t>(key_count_);
    std::sort(begin, end);
    if (std::adjacent_find(begin, end) != end) return fail("duplicate key", pos_[open]);
  }
  key_count_ = first_key;
  --objects_;
  --depth_;
  tape_->match[open] = i_++;
  return true;
}

bool Walker::array() {
  const std::uint32_t open = i_++;
  if (++depth_ > depth_max_) return fail("nested too deep", pos_[open]);
  if (base_[pos_[i_]] != ']') {
    for (;;) {
      if (!value()) return false;
      const char c = base_[pos_[i_]];
      if (c == ']') break;
      if (c != ',') return fail("expected a comma or a closing bracket", pos_[i_]);
      ++i_;
    }
  }
  --depth_;
  tape_->match[open] = i_++;
  return true;
}

bool Walker::scalar() {
  const std::uint32_t start = pos_[i_];
  const char first = base_[start];
  const bool number = first == '-' || is_digit(first);
  // By its first byte, before anything is asked of the token after it: the last one is a brace, and has none.
  if (i_ >= tape_->count || !(number || first == 't' || first == 'f' || first == 'n')) return fail("expected a value", start);
  const std::string_view text(base_ + start, std::max(tape_->end_before(i_ + 1), start) - start);
  const bool good = number ? is_number(text.data(), text.data() + text.size()) : text == "true" || text == "false" || text == "null";
  if (!good) return fail("expected a value", start);
  ++i_;
  return true;
}

// Where the content of the string token i_ ends: at its closing quote, the last byte before the next token that isn't white space.
inline bool Walker::string_end(std::uint32_t start, std::uint32_t& end) {
  end = pos_[i_ + 1] - 1;
  if (base_[end] != '"') [[unlikely]] {
    if (i_ >= tape_->count) return fail("unclosed string", start - 1);
    end = tape_->end_before(i_ + 1) - 1;
  }
  if (end < start || base_[end] != '"') return fail("unclosed string", start - 1);
  escaped_ = false;
  return escape_ >= base_ + end || escapes(base_ + start, base_ + end);
}

// escape_ stands before `end`: the string has escapes, unless the backslash stood outside strings, where it is no token's beginning but
// still refused by the scalar it is in.
bool Walker::escapes(const char* start, const char* end) {
  const auto find = [&](const char* from) {
    const void* found = std::memchr(from, '\\', static_cast<std::size_t>(text_end_ - from));
    escape_ = found != nullptr ? static_cast<const char*>(found) : text_end_;
  };
  if (escape_ < start) find(start);
  if (escape_ >= end) return true;
  escaped_ = tape_->escapes = true;
  const char* at = escape_;
  const auto bad = [&] { return fail("bad escape", static_cast<std::size_t>(at - base_)); };
  while (at != nullptr && at != end) {
    if (end - at < 2) return bad();
    switch (at[1]) {
      case '"':
      case '\\':
      case '/':
      case 'b':
      case 'f':
      case 'n':
      case 'r':
      case 't':
        at += 2;
        break;
      case 'u': {
        const int code = hex4(at + 2, end);
        if (code < 0 || (code >= 0xdc00 && code < 0xe000)) return bad();
        at += 6;
        if (code >= 0xd800 && code < 0xdc00) {
          if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return bad();
          const int low = hex4(at + 2, end);
          if (low < 0xdc00 || low >= 0xe000) return bad();
          at += 6;
        }
        break;
      }
      default:
        return bad();
    }
    at = static_cast<const char*>(std::memchr(at, '\\', static_cast<std::size_t>(end - at)));
  }
  find(end);
  return true;
}

inline bool Walker::key(std::uint32_t start, std::uint32_t end, std::size_t first_key, std::uint64_t& seen) {
  const char* text = base_ + start;
  const std::size_t size = end - start;
  std::uint64_t h = 0;
  if (escaped_) [[unlikely]] {
    tape_->escaped_keys = true;
    const std::string meant = unescape({text, size});
    h = hash(meant.data(), key_words(meant));
  } else {
    h = hash(text, end >= 8 ? key_words_inside(text, size) : key_words({text, size}));
  }
  const std::size_t n = key_count_;
  if (keys_.size() <= n) keys_.resize(2 * n + 64);
  std::uint64_t* keys = keys_.data();
  const std::uint64_t bit = std::uint64_t{1} << (h >> 58);
  if ((seen & bit) != 0 && n - first_key < 32 && std::find(keys + first_key, keys + n, h) != keys + n)
    return fail("duplicate key", start - 1);
  seen |= bit;
  keys[n] = h;
  key_count_ = n + 1;
  return true;
}

}  // namespace licet::codec::internal
