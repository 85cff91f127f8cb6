#include <algorithm>
#include <cstring>

#include "codec/fhir.h"
#include "codec/internal/framer.h"
#include "codec/internal/tape.h"

namespace licet::codec {
namespace internal {

namespace {

// Bundles have a dozen members; what has more isn't one.
constexpr std::size_t kBundleMembers = 64;

}  // namespace

std::vector<std::string> trimmed(std::vector<std::string> bases) {
  for (std::string& base : bases)
    while (base.ends_with('/')) base.pop_back();
  std::erase_if(bases, [](const std::string& base) { return base.empty(); });
  return bases;
}

Framer::Framer(const Limits& limits, std::vector<std::string> bases)
    : resource_bytes_(limits.resource_bytes), walker_(limits.json_depth), facts_(trimmed(std::move(bases))) {}

Error Framer::error(Code code, std::string_view problem, std::size_t offset) {
  failed_ = Error{code, "FHIR JSON: " + std::string(problem) + " at byte " + std::to_string(cut_ + offset)};
  return *failed_;
}

std::optional<std::uint32_t> Framer::last_token(std::uint32_t token) {
  if (token >= tape_.count) return std::nullopt;
  if (!tape_.opens(token)) return token + 1 < tape_.count ? std::optional(token) : std::nullopt;
  if (scan_from_ == token && scan_at_ != token && scan_depth_ == 0) return scan_at_;  // asked before
  if (scan_from_ != token) {
    scan_from_ = token;
    scan_at_ = token;
    scan_depth_ = 0;
  }
  // Which closer closes which opener is the walk's to check; here only their balance counts.
  for (; scan_at_ < tape_.count; ++scan_at_) {
    const char folded = static_cast<char>(tape_.at(scan_at_) | 0x20);
    scan_depth_ += (folded == '{') - (folded == '}');
    if (scan_depth_ == 0) return scan_at_;
  }
  return std::nullopt;
}

Result<const ResourceScan*> Framer::whole(std::string_view json) {
  tape_.count = 0;
  tape_.escaped_keys = tape_.escapes = false;
  cut_ = 0;
  scan_from_ = kNone;
  arena_.clear();
  indexer_.reset();
  if (json.size() > resource_bytes_) return error(Code::exhausted, "a resource longer than the limit", resource_bytes_);
  indexer_.run(json.data(), json.size(), true, tape_);
  walker_.text(tape_, json.size());
  if (indexer_.bad()) return error(Code::invalid_argument, "a control byte in a string", 0);
  if (tape_.count == 0 || tape_.at(0) != '{') return error(Code::invalid_argument, "expected {", 0);
  // What is well formed is walked without its braces being counted first. Two more of them stand behind the tape: no value goes on or ends
  // with these, so that the walk can't pass them. What it refuses is looked at again below, to say what is wrong.
  if (tape_.at(tape_.count - 1) == '}' && !indexer_.in_string()) {
    tape_.pos[tape_.count] = tape_.pos[tape_.count + 1] = tape_.pos[0];
    if (walker_.walk(tape_, 0) && walker_.next() == tape_.count) return walked(0);
    walker_.text(tape_, json.size());
    tape_.escaped_keys = tape_.escapes = false;
  }
  const std::optional<std::uint32_t> last = last_token(0);
  if (!last || indexer_.in_string()) return error(Code::invalid_argument, "truncated", json.size());
  if (*last + 1 != tape_.count) return error(Code::invalid_argument, "bytes after the resource", tape_.pos[*last + 1]);
  return resource(0, *last);
}

Result<const ResourceScan*> Framer::resource(std::uint32_t object, std::uint32_t last) {
  tape_.pos[tape_.count] = tape_.pos[last];  // a place to stop at; the walk can't pass `last`
  if (!walker_.walk(tape_, object)) return error(Code::invalid_argument, walker_.problem(), walker_.offset());
  return walked(object);
}

Result<const ResourceScan*> Framer::walked(std::uint32_t object) {
  const std::size_t start = tape_.pos[object], end = tape_.end_of(object);
  if (!valid_utf8({tape_.base + start, end - start})) return error(Code::invalid_argument, "not UTF-8", start);
  if (const char* problem = facts_.read(tape_, object, walker_, scan_, arena_); problem != nullptr)
    return error(Code::invalid_argument, problem, start);
  return &scan_;
}

Result<void> Framer::feed(std::string_view bytes) {
  if (failed_) return Error(*failed_);
  if (finished_) return error(Code::failed_precondition, "fed after finish", buffer_.size());
  // Cut off what was consumed, when it is worth the move.
  if (cursor_ > 0 && state_ != State::start && state_ != State::probing && state_ != State::resource) {
    const std::size_t used = cursor_ < tape_.count ? tape_.pos[cursor_] : indexer_.indexed();
    if (used >= 64 * 1024 || used * 2 >= buffer_.size()) {
      buffer_.erase(0, used);
      indexer_.shift(used);
      cut_ += used;
      for (std::uint32_t k = cursor_; k < tape_.count; ++k) tape_.pos[k - cursor_] = tape_.pos[k] - static_cast<std::uint32_t>(used);
      tape_.count -= cursor_;
      if (scan_from_ != kNone && scan_from_ >= cursor_) {
        scan_from_ -= cursor_;
        scan_at_ -= cursor_;
      } else {
        scan_from_ = kNone;
      }
      cursor_ = 0;
    }
  }
  buffer_.append(bytes);
  index(false);
  if (indexer_.bad()) return error(Code::invalid_argument, "a control byte in a string", 0);
  return {};
}

void Framer::index(bool last) {
  indexer_.run(buffer_.data(), buffer_.size(), last, tape_);
  walker_.text(tape_, buffer_.size());  // with what isn't indexed yet: the tape's end stops the walk
}

void Framer::finish() {
  if (finished_ || failed_) return;
  finished_ = true;
  index(true);
  if (indexer_.bad()) (void)error(Code::invalid_argument, "a control byte in a string", 0);
}

Result<BundleEvent> Framer::wait() {
  if (finished_) return error(Code::invalid_argument, "truncated", buffer_.size());
  const std::size_t from = cursor_ < tape_.count ? tape_.pos[cursor_] : indexer_.indexed();
  if (buffer_.size() - from > resource_bytes_) return error(Code::exhausted, "an entry or member longer than the limit", from);
  return BundleEvent{};
}

Result<BundleEvent> Framer::next() {
  if (failed_) return Error(*failed_);
  arena_.clear();
  tape_.escaped_keys = tape_.escapes = false;
  tape_.base = buffer_.data();
  if (state_ == State::start) {
    if (tape_.count == 0) return wait();
    if (tape_.at(0) != '{') return error(Code::invalid_argument, "expected {", tape_.pos[0]);
    probe_ = 1;
    state_ = State::probing;
  }
  if (state_ == State::probing) {
    LICET_TRY(known, probe());
    if (!known) return wait();
  }
  if (state_ == State::resource) {
    const std::optional<std::uint32_t> last = last_token(0);
    if (!last) return wait();
    if (tape_.pos[*last] - tape_.pos[0] >= resource_bytes_) return error(Code::exhausted, "a resource longer than the limit", tape_.pos[0]);
    LICET_TRY(scan, resource(0, *last));
    if (scan->type == "Bundle") return error(Code::invalid_argument, "a Bundle in disguise", tape_.pos[0]);  // resourceType in escapes
    state_ = State::after;
    cursor_ = *last + 1;
    BundleEvent event;
    event.kind = BundleEvent::Kind::resource;
    event.scan = scan;
    return event;
  }
  while (state_ == State::members) {
    const std::uint32_t before = cursor_;
    LICET_TRY(event, member());
    if (event.kind != BundleEvent::Kind::more || (state_ == State::members && cursor_ == before)) return event;
  }
  if (state_ == State::entries) {
    LICET_TRY(event, element());
    if (event.kind != BundleEvent::Kind::more || state_ == State::entries) return event;
    return next();  // the array ended: members follow
  }
  if (state_ == State::after) {
    if (cursor_ < tape_.count) return error(Code::invalid_argument, "bytes after the document", tape_.pos[cursor_]);
    if (!finished_) return BundleEvent{};
    state_ = State::ended;
  }
  BundleEvent end;
  end.kind = BundleEvent::Kind::end;
  return end;
}

// Is it a Bundle? By the first of `resourceType` and `entry` that comes. (An `entry` first means a Bundle until resourceType says
// otherwise, which is an error by then: what went out was filtered as entries.)
Result<bool> Framer::probe() {
  for (;;) {
    if (probe_ + 2 >= tape_.count) {
      if (probe_ < tape_.count && tape_.at(probe_) == '}') return error(Code::invalid_argument, "no resourceType", tape_.pos[probe_]);
      return false;
    }
    LICET_TRY(key, key_at(probe_));
    if (key == "entry") {
      state_ = State::members;
      cursor_ = 1;
      return true;
    }
    const std::optional<std::uint32_t> last = last_token(probe_ + 2);
    if (!last || *last + 1 >= tape_.count) return false;
    if (key == "resourceType") {
      const bool bundle = tape_.at(probe_ + 2) == '"' && unescaped_loosely(tape_.text(probe_ + 2)) == "Bundle";
      state_ = bundle ? State::members : State::resource;
      cursor_ = bundle ? 1 : 0;
      return true;
    }
    probe_ = *last + 1;
    if (tape_.at(probe_) == ',')
      ++probe_;
    else if (tape_.at(probe_) != '}')
      return error(Code::invalid_argument, "expected a comma or a closing brace", tape_.pos[probe_]);
  }
}

// The key at a token that has two more after it, checked as a value would be.
Result<std::string_view> Framer::key_at(std::uint32_t token) {
  if (tape_.at(token) != '"') return error(Code::invalid_argument, "expected a key", tape_.pos[token]);
  if (tape_.at(token + 1) != ':') return error(Code::invalid_argument, "expected a colon", tape_.pos[token + 1]);
  if (!walker_.walk(tape_, token)) return error(Code::invalid_argument, walker_.problem(), walker_.offset());
  const std::string_view key = plain(tape_, token, arena_);
  if (!valid_utf8(key)) return error(Code::invalid_argument, "not UTF-8", tape_.pos[token]);
  return key;
}

std::string Framer::unescaped_loosely(std::string_view text) {
  return text.find('\\') == std::string_view::npos ? std::string(text) : std::string();
}

// One member of the Bundle, or its end. `more` with the cursor moved: go on.
Result<BundleEvent> Framer::member() {
  if (cursor_ >= tape_.count) return wait();
  if (tape_.at(cursor_) == '}' && !comma_) {
    ++cursor_;
    if (!typed_) return error(Code::invalid_argument, "no resourceType", tape_.pos[cursor_ - 1]);
    state_ = State::after;
    return BundleEvent{};
  }
  if (!first_ && !comma_) {
    if (tape_.at(cursor_) != ',') return error(Code::invalid_argument, "expected a comma or a closing brace", tape_.pos[cursor_]);
    ++cursor_;
    comma_ = true;
    return BundleEvent{};
  }
  if (cursor_ + 2 >= tape_.count) return wait();
  LICET_TRY(key, key_at(cursor_));
  const std::uint32_t value = cursor_ + 2;
  const bool entries = key == "entry";
  if (!entries) {
    const std::optional<std::uint32_t> last = last_token(value);
    if (!last || *last + 1 >= tape_.count) return wait();
  }
  if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) return error(Code::invalid_argument, "duplicate key", tape_.pos[cursor_]);
  if (keys_.size() == kBundleMembers) return error(Code::invalid_argument, "too many members", tape_.pos[cursor_]);
  first_ = comma_ = false;
  keys_.emplace_back(key);
  if (entries) {
    if (tape_.at(value) != '[') return error(Code::invalid_argument, "an entry that is no array", tape_.pos[value]);
    cursor_ = value + 1;
    first_entry_ = true;
    entry_comma_ = false;
    state_ = State::entries;
    return BundleEvent{};
  }
  LICET_TRY(raw, checked(value));
  cursor_ = walker_.next();
  if (key == "resourceType") {
    if (raw != "\"Bundle\"") return error(Code::invalid_argument, "entries in what is not a Bundle", tape_.pos[value]);
    typed_ = true;
    return BundleEvent{};
  }
  if (key == "type" && raw.size() >= 2 && raw[0] == '"') type_ = raw.substr(1, raw.size() - 2);
  BundleEvent event;
  event.kind = BundleEvent::Kind::member;
  event.name = key;
  event.value = raw;
  return event;
}

// A complete value, validated; raw.
Result<std::string_view> Framer::checked(std::uint32_t value) {
  const std::uint32_t start = tape_.pos[value];
  const std::optional<std::uint32_t> last = last_token(value);
  const std::uint32_t end = tape_.pos[*last + 1];
  if (end - start > resource_bytes_) return error(Code::exhausted, "a member longer than the limit", start);
  if (!walker_.walk(tape_, value)) return error(Code::invalid_argument, walker_.problem(), walker_.offset());
  const std::string_view raw = tape_.raw(value);
  if (!valid_utf8(raw)) return error(Code::invalid_argument, "not UTF-8", start);
  return raw;
}

// One entry, or the end of the array.
Result<BundleEvent> Framer::element() {
  for (;;) {
    if (cursor_ >= tape_.count) return wait();
    if (tape_.at(cursor_) == ']' && !entry_comma_) {
      ++cursor_;
      state_ = State::members;
      return BundleEvent{};
    }
    if (first_entry_ || entry_comma_) break;
    if (tape_.at(cursor_) != ',') return error(Code::invalid_argument, "expected a comma or a closing bracket", tape_.pos[cursor_]);
    ++cursor_;
    entry_comma_ = true;
  }
  if (tape_.at(cursor_) != '{') return error(Code::invalid_argument, "an entry that is no object", tape_.pos[cursor_]);
  // Most entries are here in whole: read on and see. One that isn't is read again once its braces balance.
  const std::uint32_t start = tape_.pos[cursor_];
  const bool balanced = scan_from_ == cursor_;
  if (balanced && !last_token(cursor_)) return wait();
  LICET_TRY(event, entry(balanced));
  if (event.kind == BundleEvent::Kind::more) {
    (void)last_token(cursor_);
    return wait();
  }
  const std::uint32_t close = entry_close_;
  const std::size_t end = tape_.pos[close] + 1;
  if (end - start > resource_bytes_) return error(Code::exhausted, "an entry longer than the limit", start);
  if (!valid_utf8({tape_.base + start, end - start})) return error(Code::invalid_argument, "not UTF-8", start);
  first_entry_ = entry_comma_ = false;
  cursor_ = close + 1;
  return event;
}

// The entry at the cursor; `more` where the tape ends within it (and it isn't known to be balanced).
Result<BundleEvent> Framer::entry(bool balanced) {
  // Tokens at and after `count` aren't there: a NUL stands for them.
  tape_.pos[tape_.count] = static_cast<std::uint32_t>(buffer_.size());
  const auto wrong = [&](const char* problem, std::uint32_t token) -> Result<BundleEvent> {
    if (!balanced && token + 1 >= tape_.count) return BundleEvent{};
    return error(Code::invalid_argument, problem, tape_.pos[token]);
  };
  BundleEvent event;
  event.kind = BundleEvent::Kind::entry;
  // The entry's own few members; each value is walked once, the resource with its facts.
  std::string_view keys[16];
  std::size_t known = 0;
  std::uint32_t i = cursor_ + 1;
  while (i >= tape_.count || tape_.at(i) != '}') {
    if (i + 2 >= tape_.count) return wrong("expected a member", tape_.count - 1);
    LICET_TRY(key, key_at(i));
    if (std::find(keys, keys + known, key) != keys + known) return wrong("duplicate key", i);
    if (known == std::size(keys)) return wrong("too many members in an entry", i);
    keys[known++] = key;
    const std::uint32_t value = i + 2;
    if (!walker_.walk(tape_, value)) {
      if (!balanced && walker_.ran_out()) return BundleEvent{};
      return error(Code::invalid_argument, walker_.problem(), walker_.offset());
    }
    i = walker_.next();
    if (i >= tape_.count) return wrong("truncated", i - 1);
    if (key == "resource") {
      if (tape_.at(value) != '{') return wrong("a resource that is no object", value);
      if (const char* problem = facts_.read(tape_, value, walker_, scan_, arena_); problem != nullptr) return wrong(problem, value);
      event.scan = &scan_;
      event.entry.resource = scan_.bytes;
    } else if (key == "fullUrl") {
      if (tape_.at(value) != '"') return wrong("a fullUrl that is no string", value);
      event.entry.full_url = plain(tape_, value, arena_);
    } else if (key == "search") {
      event.entry.search = tape_.raw(value);
      event.entry.search_mode = text_in(value, "mode");
    } else if (key == "request") {
      event.entry.request = tape_.raw(value);
    } else if (key == "response") {
      event.entry.response = tape_.raw(value);
      event.entry.status = text_in(value, "status");
      event.entry.last_modified = text_in(value, "lastModified");
    } else if (key == "link") {
      event.entry.link = tape_.raw(value);
    }
    if (tape_.at(i) == '}') break;
    if (tape_.at(i) != ',') return wrong("expected a comma or a closing brace", i);
    if (++i >= tape_.count) return wrong("truncated", i - 1);
    if (tape_.at(i) != '"') return wrong("expected a key", i);
  }
  entry_close_ = i;
  return event;
}

// The string member `wanted` of a walked object; empty where there is none.
std::string_view Framer::text_in(std::uint32_t object, std::string_view wanted) {
  std::string_view found;
  if (tape_.at(object) != '{') return found;
  each_member(tape_, object, [&](std::uint32_t key, std::uint32_t value) {
    std::string spelled;
    if (tape_.key(key, spelled) == wanted && tape_.at(value) == '"') found = plain(tape_, value, arena_);
    return true;
  });
  return found;
}

}  // namespace internal

using internal::Framer;

ResourceScanner::ResourceScanner(const Limits& limits, std::vector<std::string> bases)
    : in_(std::make_unique<Framer>(limits, std::move(bases))) {}
ResourceScanner::~ResourceScanner() = default;
ResourceScanner::ResourceScanner(ResourceScanner&&) noexcept = default;
ResourceScanner& ResourceScanner::operator=(ResourceScanner&&) noexcept = default;
Result<const ResourceScan*> ResourceScanner::scan(std::string_view json) {
  return in_->whole(json);
}

BundleReader::BundleReader(const Limits& limits, std::vector<std::string> bases)
    : in_(std::make_unique<Framer>(limits, std::move(bases))) {}
BundleReader::~BundleReader() = default;
BundleReader::BundleReader(BundleReader&&) noexcept = default;
BundleReader& BundleReader::operator=(BundleReader&&) noexcept = default;
Result<void> BundleReader::feed(std::string_view bytes) {
  return in_->feed(bytes);
}
void BundleReader::finish() {
  in_->finish();
}
Result<BundleEvent> BundleReader::next() {
  return in_->next();
}
std::string_view BundleReader::type() const {
  return in_->type();
}

NdjsonReader::NdjsonReader(const Limits& limits, std::vector<std::string> bases)
    : scanner_(limits, std::move(bases)), resource_bytes_(limits.resource_bytes) {}

Result<void> NdjsonReader::feed(std::string_view bytes) {
  if (at_ > 0 && at_ * 2 >= buffer_.size()) {
    buffer_.erase(0, at_);
    seen_ -= at_;
    at_ = 0;
  }
  buffer_.append(bytes);
  return {};
}

Result<const ResourceScan*> NdjsonReader::next() {
  for (;;) {
    std::size_t end = buffer_.find('\n', seen_);
    const bool whole = end != std::string::npos;
    if (!whole) {
      seen_ = end = buffer_.size();
      if (end - at_ > resource_bytes_) return Error{Code::exhausted, "NDJSON: a line longer than the limit"};
      if (!finished_ || at_ == end) return static_cast<const ResourceScan*>(nullptr);
    }
    std::string_view line(buffer_.data() + at_, end - at_);
    seen_ = at_ = whole ? end + 1 : end;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) return scanner_.scan(line);
  }
}

}  // namespace licet::codec
