// JSON as token positions: an index made 64 bytes at a time, and a strict walk over it.
//
// The index (as simdjson's first stage) holds the offset of every `{}[]:,` outside strings, every opening quote and every first byte of
// another scalar. Everything else follows from it: a string ends at the last non-space byte before the next token. The index can be made
// incrementally, so that a Bundle is framed, validated and filtered from one pass over its bytes.
// Not thread-safe; positions are 32 bits (a document beyond 4 GiB is refused by resource_bytes long before).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/fhir.h"
#include "codec/internal/r4.h"

namespace licet::codec::internal {

constexpr bool is_space(char c) {
  return static_cast<unsigned char>(c) <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}

struct Tape {
  const char* base = nullptr;
  std::uint32_t* pos = nullptr;    // [0, count): token offsets; pos[count] is readable
  std::uint32_t* match = nullptr;  // of an opening token that was walked: its closing token
  std::uint32_t count = 0;
  bool escaped_keys = false;  // a walked key was spelled with escapes: compare keys through key()
  bool escapes = false;       // a walked string had escapes

  // Room for tokens [0, size); what is there stays.
  void reserve(std::size_t size);

  char at(std::uint32_t token) const { return base[pos[token]]; }
  // One past the last byte before `token` that isn't white space: where the value before it ends.
  std::uint32_t end_before(std::uint32_t token) const {
    std::uint32_t end = pos[token];
    while (is_space(base[end - 1])) --end;
    return end;
  }
  bool opens(std::uint32_t token) const { return (at(token) | 0x20) == '{'; }
  // Of values that were walked:
  std::uint32_t last_of(std::uint32_t token) const { return opens(token) ? match[token] : token; }
  std::uint32_t end_of(std::uint32_t token) const { return opens(token) ? pos[match[token]] + 1 : end_before(token + 1); }
  std::string_view raw(std::uint32_t token) const { return {base + pos[token], end_of(token) - pos[token]}; }
  // A string token without its quotes, escapes as they are.
  std::string_view text(std::uint32_t token) const { return {base + pos[token] + 1, end_before(token + 1) - 1 - (pos[token] + 1)}; }
  // A key as it is meant, whatever its spelling; `spelled` keeps it where it has escapes.
  std::string_view key(std::uint32_t token, std::string& spelled) const {
    return escaped_keys ? key_as_meant(token, spelled) : text(token);
  }

 private:
  std::string_view key_as_meant(std::uint32_t token, std::string& spelled) const;
  std::size_t room_ = 0;
  std::unique_ptr<std::uint32_t[]> pos_, match_;
};

// Calls f(key_token, value_token) for each member of a walked object; false from f stops.
template <class F>
bool each_member(const Tape& t, std::uint32_t object, F&& f) {
  const std::uint32_t close = t.match[object];
  for (std::uint32_t i = object + 1; i < close;) {
    const std::uint32_t value = i + 2;
    if (!f(i, value)) return false;
    i = t.last_of(value) + 2;  // past the comma
  }
  return true;
}
template <class F>
bool each_element(const Tape& t, std::uint32_t array, F&& f) {
  const std::uint32_t close = t.match[array];
  for (std::uint32_t i = array + 1; i < close; i = t.last_of(i) + 2)
    if (!f(i)) return false;
  return true;
}

struct Masks;

// Makes the index. State carries over from block to block.
class Indexer {
 public:
  // How many bytes are looked at with one instruction: what the processor has, or less (tests compare them).
  enum class Vectors : std::uint8_t { least, avx2, avx512 };
  static Vectors best();
  explicit Indexer(Vectors vectors = best()) : vectors_(vectors) {}
  // Indexes whole 64-byte blocks of text[0, size) from where it stopped; `last`: also the rest. Offsets are relative to `text`.
  void run(const char* text, std::size_t size, bool last, Tape& tape);
  // The text before `bytes` was cut off, and all that follows moved down by as much.
  void shift(std::size_t bytes) { at_ -= bytes; }
  std::size_t indexed() const { return at_; }
  bool in_string() const { return in_string_ != 0; }
  bool bad() const { return bad_ != 0; }  // a control byte stood in a string
  void reset() { *this = Indexer(vectors_); }

 private:
  // A bit for each byte of a block where a token begins.
  [[gnu::always_inline]] inline std::uint64_t tokens(const Masks& masks);
  [[gnu::always_inline]] inline void block(const Masks& masks, std::size_t at, Tape& tape);
  void run_avx2(const char* text, std::size_t size, Tape& tape);
  void run_avx512(const char* text, std::size_t size, Tape& tape);
  Vectors vectors_;
  std::size_t at_ = 0;
  std::uint64_t in_string_ = 0;  // all ones inside
  std::uint64_t escaped_ = 0;    // the next byte is escaped
  std::uint64_t scalar_ = 0;     // the last byte was part of a scalar
  std::uint64_t bad_ = 0;
};

// Unescapes a string's content; the walk has found its escapes well-formed.
[[nodiscard]] std::string unescape(std::string_view text);
// A walked string as it is meant: as it is where it has no escapes, else unescaped into `arena`.
[[nodiscard]] std::string_view plain(const Tape& tape, std::uint32_t token, std::deque<std::string>& arena);

// A `reference` member: its value and the keys above it.
struct ReferenceSpot {
  std::uint32_t value = 0;
  std::uint32_t depth = 0;     // objects above: 1 for subject.reference
  std::uint32_t keys[3] = {};  // their key tokens, outermost first
};

// Validates one value of the tape; fills Tape::match.
class Walker {
 public:
  explicit Walker(std::size_t depth_max) : depth_max_(depth_max), path_(depth_max + 1) {}
  // There is a new text, [base, base + size), or a longer one.
  void text(const Tape& tape, std::size_t size) {
    text_end_ = tape.base + size;
    walked_ = kNever;
  }
  // Of the text: the value at `token`. On success next() is the token after the value.
  // On failure, ran_out() tells that the tape ended first: with more of it the answer may be another. tape.pos[tape.count] must be the
  // offset of a byte that can be read and is no part of JSON.
  bool walk(Tape& tape, std::uint32_t token);
  std::uint32_t next() const { return i_; }
  bool ran_out() const { return i_ + 1 >= tape_->count; }
  // Why and where walk() returned false.
  const char* problem() const { return problem_; }
  std::size_t offset() const { return offset_; }
  const std::vector<ReferenceSpot>& references() const { return references_; }

 private:
  bool value();
  bool object();
  bool array();
  bool scalar();
  bool string();
  [[gnu::always_inline]] bool string_end(std::uint32_t start, std::uint32_t& end);
  bool escapes(const char* start, const char* end);
  [[gnu::always_inline]] bool key(std::uint32_t start, std::uint32_t end, std::size_t first_key, std::uint64_t& seen);
  bool fail(const char* problem, std::size_t offset) {
    problem_ = problem;
    offset_ = offset;
    return false;
  }

  static constexpr std::uint32_t kNever = ~std::uint32_t{0};

  std::size_t depth_max_;
  Tape* tape_ = nullptr;
  const char* base_ = nullptr;
  const std::uint32_t* pos_ = nullptr;
  const char* text_end_ = nullptr;
  const char* escape_ = nullptr;   // the first backslash at or after the walk, text_end_ where there is none
  std::uint32_t walked_ = kNever;  // where the last walk began: escape_ holds from there on
  bool escaped_ = false;           // the string just passed has escapes
  std::uint32_t i_ = 0;
  std::size_t depth_ = 0, objects_ = 0;
  std::vector<std::uint32_t> path_;  // [0, objects_): key tokens of the open objects
  std::vector<std::uint64_t> keys_;  // [0, key_count_): key hashes of the open objects
  std::size_t key_count_ = 0;
  std::vector<ReferenceSpot> references_;
  const char* problem_ = "";
  std::size_t offset_ = 0;
};

// Fills `scan` from a walked resource object. Null on success, else what is wrong with it.
class Facts {
 public:
  explicit Facts(std::vector<std::string> bases) : bases_(std::move(bases)) {}
  const char* read(const Tape& tape, std::uint32_t object, const Walker& walker, ResourceScan& scan, std::deque<std::string>& arena);

 private:
  void references(const Tape& tape, const Walker& walker, ResourceScan& scan, std::deque<std::string>& arena);
  // A reference's literal → "Type/id", or empty where it isn't one of this server's.
  std::string_view local(std::string_view literal) const;
  const R4Type* type_ = nullptr;    // of the last resource: Bundles are mostly of one type
  std::vector<std::string> bases_;  // without trailing slash
};

[[nodiscard]] bool valid_utf8(std::string_view text);

}  // namespace licet::codec::internal
