// Small, safe ways through JSON that somebody else wrote: a member that is absent or of another type is empty, never an exception.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace licet::proof {

// Sorted members, no white space: RFC 8785 for JSON whose numbers are integers. Bytes that aren't UTF-8 become U+FFFD.
[[nodiscard]] inline std::string canonical(const nlohmann::json& value) { return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

[[nodiscard]] inline std::string text(const nlohmann::json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}
[[nodiscard]] inline std::uint64_t number(const nlohmann::json& object, const char* name) {
  if (!object.is_object()) return 0;
  const auto at = object.find(name);
  return at != object.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}
[[nodiscard]] inline const nlohmann::json& member(const nlohmann::json& object, const char* name) {
  static const nlohmann::json kNothing;
  if (!object.is_object()) return kNothing;
  const auto at = object.find(name);
  return at == object.end() ? kNothing : *at;
}
// The strings of an array, joined.
[[nodiscard]] inline std::string joined(const nlohmann::json& array, std::string_view between = " ") {
  std::string out;
  if (!array.is_array()) return out;
  for (const nlohmann::json& item : array) {
    if (!item.is_string()) continue;
    if (!out.empty()) out += between;
    out += item.get_ref<const std::string&>();
  }
  return out;
}
// A witness or list of facts comes as JSON text; what isn't JSON is kept as the text that it is.
[[nodiscard]] inline nlohmann::json embedded(const std::string& json_text) {
  if (json_text.empty()) return nlohmann::json::array();
  auto value = nlohmann::json::parse(json_text, nullptr, false);
  return value.is_discarded() ? nlohmann::json(json_text) : value;
}

}  // namespace licet::proof
