// Views: what two of them share.
#pragma once

#include "license/table.h"

namespace licet::license {

// "code" shows "code.text" too; "code.text" does not show "code".
[[nodiscard]] constexpr bool shows(std::string_view element, std::string_view path) noexcept {
  return element == "*" || element == path || (path.size() > element.size() && path.starts_with(element) && path[element.size()] == '.');
}

// What both show, for a person who acts through a system. Without types it shows nothing.
[[nodiscard]] View meet(const View& a, const View& b);

}  // namespace licet::license
