// Whose things somebody sees: an account or API key with `owners` sees what belongs to these organizations, and nothing else.
//
//   const Sight sight(*epoch.world.stack, who.owners);
//   if (!sight.sees(finding.subject)) continue;
//
// A thing belongs to the organization that answers for it (owner_of), a flow also to the one it leaves, an agreement to both its parties, a
// part to the whole. Pure; lives no longer than the stack.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "stack/stack.h"

namespace licet::console {

// The organization that answers for a declared thing; empty: none is known.
[[nodiscard]] std::string owner_of(const stack::Stack& stack, std::string_view id, int depth = 0);

class Sight {
 public:
  Sight(const stack::Stack& stack, std::span<const std::string> owners);
  [[nodiscard]] bool all() const { return owners_.empty(); }
  [[nodiscard]] bool sees(std::string_view id) const;  // of a declared thing; empty (nobody's) is seen by all
  [[nodiscard]] bool any(std::initializer_list<std::string_view> ids) const;
  [[nodiscard]] std::string key() const;  // the same for those who see the same

 private:
  [[nodiscard]] bool look(std::string_view id) const;
  [[nodiscard]] bool owns(std::string_view organization) const;
  const stack::Stack& stack_;
  std::set<std::string, std::less<>> owners_;
  mutable std::map<std::string, bool, std::less<>> known_;  // one thread at a time
};

}  // namespace licet::console
