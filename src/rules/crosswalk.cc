#include "rules/crosswalk.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "stack/yaml.h"

namespace licet::rules {
namespace {

using stack::yaml::Node;
using ValueType = stack::Value::Type;

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  [[nodiscard]] Error error(std::uint32_t line, std::string_view message) const {
    return {Code::invalid_argument, fmt::format("{}:{}: {}", file_, line, message)};
  }
  template <std::size_t N>
  [[nodiscard]] Result<void> only(const Node& map, const std::array<std::string_view, N>& keys) const {
    if (map.type != ValueType::map) return error(map.place.line, "this must be a map");
    for (const auto& m : map.members)
      if (std::find(keys.begin(), keys.end(), m.key) == keys.end())
        return error(m.place.line, fmt::format("unknown key '{}'; there are {}", m.key, fmt::join(keys, ", ")));
    return {};
  }
  [[nodiscard]] Result<std::string> text(const Node& map, std::string_view key, bool required) const {
    const Node* node = map.find(key);
    if (node == nullptr && !required) return std::string();
    if (node == nullptr || node->type != ValueType::scalar || node->text.empty())
      return error(node == nullptr ? map.place.line : node->place.line, fmt::format("'{}' must be text", key));
    return node->text;
  }

 private:
  const std::string& file_;
};

}  // namespace

Result<Crosswalk> load_crosswalk(const stack::Source& source) {
  static constexpr std::array<std::string_view, 5> kKeys = {"kind", "id", "title", "source", "rows"};
  static constexpr std::array<std::string_view, 5> kRow = {"audit", "section", "activity", "by", "outside"};
  const Reader in(source.path);
  const stack::yaml::Parsed parsed = stack::yaml::parse(source.bytes);
  if (!parsed.faults.empty()) return in.error(parsed.faults.front().place.line, parsed.faults.front().message);
  if (parsed.documents.size() != 1) return in.error(1, "a crosswalk is one document");
  const Node& d = parsed.documents.front();
  LICET_TRY_VOID(in.only(d, kKeys));
  LICET_TRY(kind, in.text(d, "kind", true));
  if (kind != "crosswalk") return in.error(d.place.line, "'kind' must be crosswalk");
  LICET_TRY(id, in.text(d, "id", true));
  LICET_TRY(title, in.text(d, "title", true));
  LICET_TRY(from, in.text(d, "source", true));
  Crosswalk out{.id = id, .title = title, .source = from, .rows = {}};
  const Node* rows = d.find("rows");
  if (rows == nullptr || rows->type != ValueType::list) return in.error(d.place.line, "'rows' must be a list");
  for (const Node& r : rows->items) {
    LICET_TRY_VOID(in.only(r, kRow));
    LICET_TRY(audit, in.text(r, "audit", true));
    LICET_TRY(section, in.text(r, "section", true));
    LICET_TRY(activity, in.text(r, "activity", true));
    LICET_TRY(outside, in.text(r, "outside", false));
    Crosswalk::Row row{.audit = audit, .section = section, .activity = activity, .by = {}, .outside = outside, .line = r.place.line};
    if (const Node* by = r.find("by")) {
      if (by->type != ValueType::list) return in.error(by->place.line, "'by' is a list of ids");
      for (const Node& item : by->items) row.by.push_back(item.text);
    }
    if (row.by.empty() == row.outside.empty())
      return in.error(r.place.line, "a row says either which rules look at it (by) or why none does (outside)");
    out.rows.push_back(std::move(row));
  }
  return out;
}

}  // namespace licet::rules
