#include "stack/stack.h"

#include <fmt/format.h>

#include <algorithm>

#include "stack/schema.h"

namespace licet::stack {

std::string Problem::text() const {
  return line == 0 ? fmt::format("{}: {}", file, message) : fmt::format("{}:{}:{}: {}", file, line, column, message);
}

const Value* Value::find(std::string_view key) const {
  for (const auto& [name, value] : members)
    if (name == key) return &value;
  return nullptr;
}

const Value* Document::find(std::string_view path) const {
  const Value* value = &fields;
  while (value != nullptr && !path.empty()) {
    const std::size_t dot = path.find('.');
    value = value->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return value;
}

std::string_view Document::text(std::string_view path) const {
  const Value* value = find(path);
  return value != nullptr && value->type == Value::Type::scalar ? std::string_view(value->text) : std::string_view();
}

bool Document::flag(std::string_view path, bool otherwise) const {
  const std::string_view word = text(path);
  return word.empty() ? otherwise : word == "true";
}

std::vector<std::string_view> Document::list(std::string_view path) const {
  std::vector<std::string_view> out;
  const Value* value = find(path);
  if (value == nullptr) return out;
  if (value->type == Value::Type::scalar) out.push_back(value->text);
  for (const Value& item : value->items)
    if (item.type == Value::Type::scalar) out.push_back(item.text);
  return out;
}

namespace {
bool before(const Document& d, std::string_view kind, std::string_view id) {
  return d.kind != kind ? d.kind < kind : d.id < id;
}
}  // namespace

const Document* Stack::find(std::string_view kind, std::string_view id) const {
  const auto at = std::lower_bound(documents.begin(), documents.end(), id,
                                   [&](const Document& d, std::string_view wanted) { return before(d, kind, wanted); });
  return at != documents.end() && at->kind == kind && at->id == id ? &*at : nullptr;
}

const Document* Stack::find(std::string_view id) const {
  for (const schema::Kind& kind : schema::kinds())
    if (const Document* d = find(kind.name, id)) return d;
  return nullptr;
}

std::vector<const Document*> Stack::all(std::string_view kind) const {
  std::vector<const Document*> out;
  auto at = std::lower_bound(documents.begin(), documents.end(), kind, [](const Document& d, std::string_view k) { return d.kind < k; });
  for (; at != documents.end() && at->kind == kind; ++at) out.push_back(&*at);
  return out;
}

std::string Stack::where(const Place& place) const {
  return place.file < files.size() ? fmt::format("{}:{}", files[place.file], place.line) : std::string("?");
}

std::vector<std::string> kinds() {
  std::vector<std::string> out;
  for (const schema::Kind& k : schema::kinds()) out.emplace_back(k.name);
  return out;
}

}  // namespace licet::stack
