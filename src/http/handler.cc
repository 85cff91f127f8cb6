#include "http/handler.h"

#include <algorithm>

namespace licet::http {

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

const std::string* Headers::find(std::string_view name) const {
  for (const Field& f : fields_)
    if (same_name(f.name, name)) return &f.value;
  return nullptr;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(begin(), end(), [name](const Field& f) { return same_name(f.name, name); }));
}

void Headers::set(std::string_view name, std::string value) {
  const auto at = std::find_if(fields_.begin(), fields_.end(), [name](const Field& f) { return same_name(f.name, name); });
  if (at == fields_.end()) return add(std::string(name), std::move(value));
  at->value = std::move(value);
  fields_.erase(std::remove_if(at + 1, fields_.end(), [name](const Field& f) { return same_name(f.name, name); }), fields_.end());
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_, [name](const Field& f) { return same_name(f.name, name); });
}

}  // namespace licet::http
