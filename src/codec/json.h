// The JSON of a scanned resource, read-only: what deid walks. Everything was validated by the scan; nothing here can fail.
//
//   const JsonValue resource = json_of(scan);
//   resource.each_member([&](std::string_view key, JsonValue value) {
//     if (key == "birthDate" && value.is_string()) use(value.text());
//   });
//
// Views and values hold as long as the scan does. Any thread, as the scan. Cost: skipping a value is one look at the token index.
#pragma once

#include <string>
#include <string_view>

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

  // As it stands in the document, trimmed.
  [[nodiscard]] std::string_view raw() const { return tape_->raw(token_); }
  // A string without its quotes, escapes as they are: equal to what is meant wherever no backslash is in it.
  [[nodiscard]] std::string_view text() const { return tape_->text(token_); }
  // A string as it is meant.
  [[nodiscard]] std::string meaning() const { return internal::unescape(text()); }

  // Calls f(key, value) in document order; keys as they are meant. false from f stops.
  template <class F>
  void each_member(F&& f) const {
    std::string spelled;
    internal::each_member(*tape_, token_,
                          [&](std::uint32_t key, std::uint32_t value) { return f(tape_->key(key, spelled), JsonValue(*tape_, value)); });
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

}  // namespace licet::codec
