// How the loader speaks: quoting what people wrote, and the nearest valid name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace licet::stack {

// 'text', cut at 64 bytes and with what can't be printed replaced by '?': for keys and ids, never for free text.
[[nodiscard]] std::string quoted(std::string_view text);
// The nearest of `names` by edit distance (a swap counts once), where it is near enough to be meant; empty otherwise.
[[nodiscard]] std::string_view nearest(std::string_view text, const std::vector<std::string_view>& names);
// " (did you mean 'x'?)", or empty.
[[nodiscard]] std::string did_you_mean(std::string_view text, const std::vector<std::string_view>& names);
[[nodiscard]] std::vector<std::string_view> split(std::string_view choices);  // "a|b|c"
[[nodiscard]] std::string join(const std::vector<std::string_view>& names, std::string_view last = " or ");
[[nodiscard]] std::string a(std::string_view noun);  // "an agreement"

}  // namespace licet::stack
