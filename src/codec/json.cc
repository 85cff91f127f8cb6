#include "codec/json.h"

#include <fmt/format.h>

namespace licet::codec {

Result<JsonValue> JsonText::parse(std::string_view json) {
  const auto wrong = [](std::string_view what, std::size_t at) {
    return Error{Code::invalid_argument, fmt::format("{} at byte {}", what, at)};
  };
  if (json.size() >= ~std::uint32_t{0}) return wrong("longer than 4 GiB", 0);
  tape_.count = 0;
  tape_.escaped_keys = tape_.escapes = false;
  indexer_.reset();
  indexer_.run(json.data(), json.size(), true, tape_);
  if (indexer_.bad()) return wrong("a control byte in a string", 0);
  if (tape_.count == 0 || !tape_.opens(0)) return wrong("neither an object nor an array", 0);
  if (indexer_.in_string()) return wrong("a string without an end", json.size());
  // The walk needs its brackets balanced, and something behind the last one to stop at.
  std::size_t depth = 0;
  for (std::uint32_t i = 0; i < tape_.count; ++i) {
    const char c = static_cast<char>(tape_.at(i) | 0x20);
    if (c == '{') ++depth;
    if (c == '}' && --depth == 0 && i + 1 < tape_.count) return wrong("more than one value", tape_.pos[i + 1]);
  }
  if (depth != 0) return wrong("truncated", json.size());
  tape_.pos[tape_.count] = tape_.pos[tape_.count - 1];
  walker_.text(tape_, json.size());
  if (!walker_.walk(tape_, 0)) return wrong(walker_.problem(), walker_.offset());
  if (!internal::valid_utf8(json)) return wrong("not UTF-8", 0);
  return JsonValue(tape_, 0);
}

}  // namespace licet::codec
