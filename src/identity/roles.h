// Who may do what in the console and its API: roles × acts, as one table. docs/operating.md prints it; every operation is held against it.
//
//   may(Role::auditor, Act::see)          // true
//   role_of("privacy-officer");  name(Act::release);
//
// A role is what an account has; scopes of an API key are acts. Least privilege (45 CFR 164.308(a)(4), 164.312(a)(1)): who reads does not
// act, who runs the node does not release PHI, and nobody hands out more than they have.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

namespace licet::identity {

enum class Act : std::uint8_t {
  none,  // to be known is enough
  see,
  watch,
  ledger,
  people,
  propose,
  commit,
  record,
  suspend,
  lift,
  release,
  prove,
  report,
  share,
  keys,
};
struct ActRow {
  Act act;
  std::string_view name;
  std::string_view means;
};
[[nodiscard]] std::span<const ActRow> acts();  // all but `none`
[[nodiscard]] std::string_view name(Act act);
[[nodiscard]] std::optional<Act> act_of(std::string_view name);

// A set of acts.
class Acts {
 public:
  constexpr Acts() = default;
  constexpr Acts(std::initializer_list<Act> list) {
    for (const Act a : list) add(a);
  }
  constexpr void add(Act a) { bits_ |= std::uint32_t{1} << static_cast<unsigned>(a); }
  [[nodiscard]] constexpr bool has(Act a) const { return a == Act::none || (bits_ >> static_cast<unsigned>(a) & 1) != 0; }
  [[nodiscard]] constexpr bool within(Acts other) const { return (bits_ & ~other.bits_) == 0; }

 private:
  std::uint32_t bits_ = 0;
};

enum class Role : std::uint8_t { privacy_officer, security_officer, vendor_manager, operator_, engineer, auditor, adviser, starter };
struct RoleRow {
  Role role;
  std::string_view name, title;
  bool time_boxed;  // an account of it needs an end
  Acts acts;
};
[[nodiscard]] std::span<const RoleRow> roles();  // starter last: the key of the first start, never an account's
[[nodiscard]] const RoleRow& row(Role role);
[[nodiscard]] std::optional<Role> role_of(std::string_view name);  // not starter
[[nodiscard]] inline bool may(Role role, Act act) {
  return row(role).acts.has(act);
}

}  // namespace licet::identity
