#include "deid/placeholders.h"

#include <string.h>  // explicit_bzero

#include <algorithm>
#include <array>

#include "codec/fhir.h"

namespace licet::deid {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford's
constexpr std::size_t kCode = 4;
constexpr std::size_t kFirstLetter = 10;

constexpr bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool digit(char c) {
  return c >= '0' && c <= '9';
}
// Bytes outside ASCII are none: a dash or a quotation mark may be one.
constexpr bool word_byte(char c) {
  return letter(c) || digit(c) || c == '_';
}
constexpr char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

std::string upper_name(Kind kind) {
  std::string out(name(kind));
  for (char& c : out) c = upper(c);
  return out;
}
const std::array<std::string, kKinds>& kinds() {
  static const std::array<std::string, kKinds> all = [] {
    std::array<std::string, kKinds> out;
    for (std::size_t k = 0; k < kKinds; ++k) out[k] = upper_name(static_cast<Kind>(k));
    return out;
  }();
  return all;
}

enum class Match : std::uint8_t { no, more, whole, broken };
struct Seen {
  Match match = Match::no;
  std::size_t size = 0;  // whole: of all of it; broken: of what looks like one
  std::string core;      // upper case
};

// Reads one expected string at `at`: 1 there, 0 not, -1 the text ends first.
int expect(std::string_view text, std::size_t& at, std::string_view wanted, bool any_case) {
  for (const char w : wanted) {
    if (at == text.size()) return -1;
    if ((any_case ? upper(text[at]) : text[at]) != w) return 0;
    ++at;
  }
  return 1;
}

// KIND_CODE at `at`.
Seen core_at(std::string_view text, std::size_t at, bool any_case, bool escaped) {
  const std::size_t begin = at;
  bool more = false;
  const std::string* kind = nullptr;
  for (const std::string& k : kinds()) {
    std::size_t behind = begin;
    const int there = expect(text, behind, k, any_case);
    if (there < 0) more = true;
    if (there <= 0) continue;
    std::size_t next = behind;
    const int mark = escaped ? expect(text, next, "\\_", false) : 0;
    if (mark < 0 && next == text.size() && behind == next) more = true;
    if (mark == 1) {
      kind = &k, at = next;
      break;
    }
    next = behind;
    const int plain = expect(text, next, "_", false);
    if (plain < 0) more = true;
    if (escaped && behind < text.size() && text[behind] == '\\' && behind + 1 == text.size()) more = true;
    if (plain == 1) {
      kind = &k, at = next;
      break;
    }
  }
  if (kind == nullptr) return {more ? Match::more : Match::no, 0, {}};
  Seen seen{Match::no, 0, *kind + '_'};
  std::size_t size = 0;
  for (; size < kCode && at < text.size(); ++size, ++at) {
    const char c = any_case ? upper(text[at]) : text[at];
    if (kAlphabet.find(c) == std::string_view::npos) break;
    seen.core += c;
  }
  if (size == kCode && at < text.size()) {  // of a part of that name
    const char c = any_case ? upper(text[at]) : text[at];
    if (kAlphabet.find(c, kFirstLetter) != std::string_view::npos) seen.core += c, ++at;
  }
  seen.size = at - begin;
  if (size == kCode)
    seen.match = Match::whole;
  else
    seen.match = at == text.size() ? Match::more : Match::broken;
  return seen;
}

// A code as issue() draws them: a digit and a letter among its characters.
bool drawn(std::string_view core) {
  const std::string_view code = core.substr(core.rfind('_') + 1, kCode);
  return std::any_of(code.begin(), code.end(), digit) && std::any_of(code.begin(), code.end(), letter);
}

// What begins at `at`, if it is a placeholder or looks like one. `free`: no word byte stands before it.
Seen look(std::string_view text, std::size_t at, bool free, bool json, bool last) {
  const char c = text[at];
  if (c == '[' || (c == '\\' && !json)) {
    const bool escaped = c == '\\';
    std::size_t next = at;
    const int open = expect(text, next, escaped ? "\\[\\[" : "[[", false);
    if (open <= 0) return {open < 0 && !last ? Match::more : Match::no, 0, {}};
    Seen seen = core_at(text, next, true, escaped);
    if (seen.match == Match::no) return seen;
    if (seen.match == Match::more) {
      if (!last) return seen;
      // Cut off: it looks like one once its kind and underscore are there.
      seen.match = seen.core.empty() ? Match::no : Match::broken;
      seen.size = text.size() - at;
      return seen;
    }
    seen.size += next - at;
    if (seen.match == Match::broken) return seen;
    next = at + seen.size;
    const int close = expect(text, next, escaped ? "\\]\\]" : "]]", false);
    if (close < 0 && !last) return {Match::more, 0, {}};
    if (close == 1)
      seen.size = next - at;
    else
      seen.match = Match::broken;
    return seen;
  }
  if (!free || c < 'A' || c > 'Z') return {};
  Seen seen = core_at(text, at, false, false);
  if (seen.match == Match::more) return last ? Seen{} : seen;
  if (seen.match != Match::whole) return {};
  const std::size_t next = at + seen.size;
  if (next == text.size()) return last ? seen : Seen{Match::more, 0, {}};
  return word_byte(text[next]) ? Seen{} : seen;
}

}  // namespace

Placeholders::~Placeholders() {
  by_core_.clear();
  by_value_.clear();
  for (Entry& e : entries_) explicit_bzero(e.value.data(), e.value.size());
}

void Placeholders::mark_theirs(std::string_view text) {
  bool free = true;
  for (std::size_t at = 0; at < text.size();) {
    const Seen seen = look(text, at, free, false, true);
    std::size_t step = 1;
    if (!seen.core.empty() && seen.match != Match::no && seen.match != Match::more) theirs_.insert(seen.core), step = seen.size;
    free = !word_byte(text[at + step - 1]);
    at += step;
  }
}

std::string Placeholders::issue(std::string_view value, Kind kind, bool bare, std::string_view part_of) {
  auto at = by_value_.find(value);
  if (at == by_value_.end()) {
    std::string core;
    const auto taken = [&] { return by_core_.contains(core) || theirs_.contains(core); };
    if (const auto whole = by_value_.find(part_of); whole != by_value_.end())
      for (std::size_t letter = kFirstLetter; letter < kAlphabet.size() && (core.empty() || taken()); ++letter)
        core = whole->second->core + kAlphabet[letter];
    while (core.empty() || taken() || !drawn(core)) {
      std::array<std::byte, kCode> raw{};
      random_.fill(raw);
      core = kinds()[static_cast<std::size_t>(kind)] + '_';
      for (const std::byte b : raw) core += kAlphabet[static_cast<std::size_t>(b) % kAlphabet.size()];
    }
    const Entry& made = entries_.emplace_back(Entry{std::move(core), std::string(value)});
    by_core_.emplace(made.core, &made);
    at = by_value_.emplace(made.value, &made).first;
  }
  return bare ? at->second->core : "[[" + at->second->core + "]]";
}

const std::string* Placeholders::find(std::string_view core) const {
  const auto at = by_core_.find(core);
  return at == by_core_.end() ? nullptr : &at->second->value;
}

void TextRestorer::feed(std::string_view text, std::string& out) {
  if (held_.empty()) return run(text, false, out);
  std::string all = std::move(held_);
  held_.clear();
  all += text;
  run(all, false, out);
}

void TextRestorer::finish(std::string& out) {
  const std::string all = std::move(held_);
  held_.clear();
  run(all, true, out);
  inside_word_ = false;
}

void TextRestorer::run(std::string_view text, bool last, std::string& out) {
  const bool json = as_ == As::json;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const bool begins = c == '[' || (c == '\\' && !json) || (!inside_word_ && c >= 'A' && c <= 'Z');
    if (!begins) {
      inside_word_ = word_byte(c);
      ++at;
      continue;
    }
    const Seen seen = look(text, at, !inside_word_, json, last);
    if (seen.match == Match::more) {
      out += text.substr(done, at - done);
      held_ = text.substr(at);
      return;
    }
    if (seen.match == Match::no) {
      inside_word_ = word_byte(c);
      ++at;
      continue;
    }
    const std::string* value = seen.match == Match::whole ? map_->find(seen.core) : nullptr;
    const bool bare = letter(c);
    if (value == nullptr) {
      const bool looks = !bare || drawn(seen.core);
      if (looks && !map_->theirs(seen.core)) ++unresolved_;
    } else {
      out += text.substr(done, at - done);
      if (json) {
        std::string quoted;
        codec::append_json_string(quoted, *value);
        out += std::string_view(quoted).substr(1, quoted.size() - 2);
      } else {
        out += *value;
      }
      done = at + seen.size;
    }
    inside_word_ = word_byte(text[at + seen.size - 1]);
    at += seen.size;
  }
  out += text.substr(done);
}

}  // namespace licet::deid
