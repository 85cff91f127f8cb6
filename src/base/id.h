// Id<Tag>: an index into one of the table's arrays that can't be mixed up with another's.
//   using PermitId = Id<struct PermitTag>;
#pragma once

#include <compare>
#include <cstdint>

namespace licet {

template <class Tag>
struct Id {
  static constexpr std::uint32_t kNone = 0xffffffff;
  std::uint32_t value = kNone;
  [[nodiscard]] constexpr bool known() const { return value != kNone; }
  auto operator<=>(const Id&) const = default;
};

}  // namespace licet
