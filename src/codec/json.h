// JSON, read-only: of a scanned resource, or of any text. Everything was validated when it was scanned or parsed; nothing after that can
// fail.
//
//   const JsonValue resource = json_of(scan);
//   resource.each_member([&](std::string_view key, JsonValue value) {
//     if (key == "birthDate" && value.is_string()) use(value.text());
//   });
//
//   JsonText json(limits.json_depth);
//   LICET_TRY(root, json.parse(bytes));                       // strict RFC 8259: UTF-8, no duplicate keys, an object or array
//
// Views and values hold as long as the scan, or JsonText and its bytes, do. Any thread, as the scan. Cost: skipping a value is one look at
// the token index.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/fhir.h"
#include "codec/internal/tape.h"

namespace licet::codec {

class JsonValue {
 public:
  JsonValue(const internal::Tape& tape, std::uint32_t token) : tape_(&tape), token_(token) {}

  [[nodiscard]] bool is_object() const { return first() == '{'; }
  [[nodiscard]] bool is_array() const { return first() == '['; }
  [[nodiscard]] bool is_string() const { return first() == '"'; }
  [[nodiscard]] bool is_number() const { return first() == '-' || (first() >= '0' && first() <= '9'); }
  [[nodiscard]] bool is_bool() const { return first() == 't' || first() == 'f'; }
  [[nodiscard]] bool is_null() const { return first() == 'n'; }

  // As it stands in the document, trimmed.
  [[nodiscard]] std::string_view raw() const { return tape_->raw(token_); }
  // A string without its quotes, escapes as they are: equal to what is meant wherever no backslash is in it.
  [[nodiscard]] std::string_view text() const { return tape_->text(token_); }
  // A string as it is meant.
  [[nodiscard]] std::string meaning() const { return internal::unescape(text()); }

  // A string as it is meant: a view of the document where no backslash is in it, else of `spelled`.
  [[nodiscard]] std::string_view meaning(std::string& spelled) const {
    const std::string_view plain = text();
    if (plain.find('\\') == std::string_view::npos) return plain;
    spelled = internal::unescape(plain);
    return spelled;
  }
  // Its first byte in the document.
  [[nodiscard]] const char* begin() const { return tape_->base + tape_->pos[token_]; }
  // As raw(), of the value's first byte on: where it stands in the document.
  [[nodiscard]] std::size_t offset() const { return tape_->pos[token_]; }

  // Calls f(key, value) in document order; keys as they are meant. false from f stops.
  template <class F>
  void each_member(F&& f) const {
    std::string spelled;
    internal::each_member(*tape_, token_,
                          [&](std::uint32_t key, std::uint32_t value) { return f(tape_->key(key, spelled), JsonValue(*tape_, value)); });
  }
  // The same with keys as the strings that they are: where one stands, and how it is spelled.
  template <class F>
  void each_pair(F&& f) const {
    internal::each_member(*tape_, token_,
                          [&](std::uint32_t key, std::uint32_t value) { return f(JsonValue(*tape_, key), JsonValue(*tape_, value)); });
  }
  template <class F>
  void each_element(F&& f) const {
    internal::each_element(*tape_, token_, [&](std::uint32_t element) { return f(JsonValue(*tape_, element)); });
  }

 private:
  [[nodiscard]] char first() const { return tape_->at(token_); }
  const internal::Tape* tape_;
  std::uint32_t token_;
};

// One JSON text at a time; keeps its memory from text to text.
class JsonText {
 public:
  explicit JsonText(std::size_t depth_max) : walker_(depth_max) {}
  // errors: invalid_argument, with what and the byte's offset.
  [[nodiscard]] Result<JsonValue> parse(std::string_view json);

 private:
  internal::Tape tape_;
  internal::Indexer indexer_;
  internal::Walker walker_;
};

}  // namespace licet::codec
