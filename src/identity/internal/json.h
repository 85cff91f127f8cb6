// A strict JSON reader for headers, claims and key sets: small documents from strangers, where two readings of one text are an attack.
//
// RFC 8259, and on top: a member stands once; text is valid UTF-8 without lone surrogates or NUL; at most 16 deep and 256 members in an
// object; nothing behind the value. Numbers are kept as text. (nlohmann's DOM would cost 2 s per unit and keeps the last of two members.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace licet::identity {

struct Json {
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  bool truth = false;
  std::string text;                // of a string, decoded; of a number, as written
  std::vector<Json> items;         // of an array; of an object, beside `names`
  std::vector<std::string> names;

  // errors: invalid_argument with an offset, never with bytes of the text.
  [[nodiscard]] static Result<Json> parse(std::string_view text);

  [[nodiscard]] bool is(Kind k) const { return kind == k; }
  [[nodiscard]] const Json* get(std::string_view name) const;                // nullptr: no such member, or not an object
  [[nodiscard]] const std::string* string(std::string_view name) const;      // nullptr: absent or not a string
  // NumericDate (RFC 7519 §2): seconds, fractions cut off; 0 … 10^11.
  [[nodiscard]] std::optional<std::int64_t> seconds(std::string_view name) const;
};

// `text` as a JSON string with its quotes. `text` is valid UTF-8.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace licet::identity
