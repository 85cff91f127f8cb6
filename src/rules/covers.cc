#include "rules/rules.h"

namespace licet::rules {

namespace {
// What only its own name covers: never a wildcard (design §6).
bool by_name_only(std::string_view cls) {
  return cls == "unclassified" || cls == "special" || cls.starts_with("special.");
}
}  // namespace

bool covers(std::string_view pattern, std::string_view cls) {
  const auto wild = [](std::string_view p) { return p == "*" || p.ends_with(".*"); };
  if (wild(pattern) && by_name_only(pattern)) return false;  // special.* is no name
  if (pattern == cls) return !by_name_only(cls) || !wild(cls);
  if (!wild(pattern) || by_name_only(cls) || cls == "*") return false;
  if (pattern == "*") return true;
  const std::string_view stem = pattern.substr(0, pattern.size() - 1);  // with its dot
  return cls.size() > stem.size() && cls.starts_with(stem);
}

std::string_view name(Status status) {
  switch (status) {
    case Status::pass:
      return "pass";
    case Status::fail:
      return "fail";
    case Status::unknown:
      return "unknown";
    case Status::not_applicable:
      return "not-applicable";
    case Status::accepted:
      return "accepted";
    case Status::stale:
      return "stale";
  }
  return "?";
}

std::string sentence(std::string_view because, std::string_view under) {
  std::string out;
  out.reserve(because.size() + under.size() + 3);
  return out.append(because).append(" (").append(under).append(")");
}

}  // namespace licet::rules
