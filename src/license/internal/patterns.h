// Two ways in which a pattern of data classes meets a class. Pure, no allocation.
#pragma once

#include <string_view>

namespace licet::license {

// True where the class is below the pattern's stem: "clinical.*" and "clinical.note", "*" and anything; or where both are the same.
[[nodiscard]] constexpr bool below(std::string_view pattern, std::string_view cls) noexcept {
  if (pattern == "*" || pattern == cls) return true;
  if (!pattern.ends_with(".*")) return false;
  const std::string_view stem = pattern.substr(0, pattern.size() - 1);  // "clinical."
  return cls.starts_with(stem) && cls.size() > stem.size();
}

[[nodiscard]] constexpr bool special(std::string_view cls) noexcept { return cls.starts_with("special."); }

// What permits, flows and grounds mean: special.* and unclassified by name only. (The same relation as rules::covers, inline: classes_test.cc compares them.)
[[nodiscard]] constexpr bool allows(std::string_view pattern, std::string_view cls) noexcept {
  if (special(cls) || cls == "unclassified") return pattern == cls;
  return below(pattern, cls);
}

// What prohibitions and restrictions mean: what forbids "*" forbids psychotherapy notes too.
[[nodiscard]] constexpr bool forbids(std::string_view pattern, std::string_view cls) noexcept { return pattern.empty() || below(pattern, cls); }

}  // namespace licet::license
