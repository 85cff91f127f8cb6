#include "console/internal/sight.h"

#include <algorithm>

namespace licet::console {

std::string owner_of(const stack::Stack& stack, std::string_view id, int depth) {
  const stack::Document* doc = depth > 3 ? nullptr : stack.find(id);
  if (doc == nullptr) return {};
  if (doc->kind == "organization") return doc->id;
  if (doc->kind == "agreement") return std::string(doc->text("down"));
  if (doc->kind == "person") return std::string(doc->text("organization"));
  for (const std::string_view to : {doc->text("owner"), doc->text("organization"), doc->text("to"), doc->text("serves"),
                                    doc->text("reaches"), doc->text("system"), doc->text("about")})
    if (!to.empty()) return owner_of(stack, to, depth + 1);
  return {};
}

Sight::Sight(const stack::Stack& stack, std::span<const std::string> owners) : stack_(stack) {
  // A team stands for the organization that it is in.
  for (const std::string& one : owners) {
    const stack::Document* team = stack.find("team", one);
    owners_.insert(team == nullptr ? one : std::string(team->text("organization")));
  }
}

std::string Sight::key() const {
  std::string out;
  for (const std::string& one : owners_) out += one + ",";
  return out;
}

bool Sight::owns(std::string_view organization) const {
  for (int depth = 0; !organization.empty() && depth < 16; ++depth) {
    if (owners_.contains(organization)) return true;
    const stack::Document* up = stack_.find("organization", organization);
    organization = up == nullptr ? std::string_view() : up->text("part-of");
  }
  return false;
}

bool Sight::look(std::string_view id) const {
  const stack::Document* doc = stack_.find(id);
  if (doc == nullptr) return false;  // what nobody declared is nobody's to see
  if (doc->kind == "agreement") return owns(doc->text("up")) || owns(doc->text("down"));
  if (doc->kind == "flow") return owns(owner_of(stack_, doc->text("from"))) || owns(owner_of(stack_, doc->text("to")));
  return owns(owner_of(stack_, id));
}

bool Sight::sees(std::string_view id) const {
  if (owners_.empty() || id.empty()) return true;
  const auto at = known_.find(id);
  if (at != known_.end()) return at->second;
  return known_.emplace(std::string(id), look(id)).first->second;
}

bool Sight::any(std::initializer_list<std::string_view> ids) const {
  return owners_.empty() || std::any_of(ids.begin(), ids.end(), [this](std::string_view id) { return !id.empty() && sees(id); });
}

}  // namespace licet::console
