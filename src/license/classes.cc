#include "license/classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include "license/internal/hash.h"
#include "license/internal/patterns.h"
#include "stack/yaml.h"

namespace licet::license {
namespace {

using stack::Value;
using stack::yaml::Member;
using stack::yaml::Node;

constexpr std::uint32_t kAnyType = 0xffffffff;

// FNV-1a with the parts kept apart: ("ab", "c") is not ("a", "bc").
std::uint64_t hash(std::string_view system, std::string_view code, std::uint64_t seed) noexcept {
  std::uint64_t h = 0xcbf29ce484222325ULL ^ seed;
  for (const char c : system) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  h = (h ^ 0x1ff) * 0x100000001b3ULL;
  for (const char c : code) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mix(h);
}

enum class Where : std::uint8_t { label, code, category };

struct Rule {
  Where where = Where::label;
  std::uint32_t type = kAnyType;
  std::string system, code;
  ClassId cls;
};

}  // namespace

struct ClassMap::Inside {
  std::deque<std::string> names;  // a deque: views of names stay good while intern() adds
  std::map<std::string_view, ClassId, std::less<>> ids;
  std::vector<std::uint32_t> rank;  // of special classes, most protected first; kNone for the others
  std::vector<Rule> rules;
  std::vector<std::uint32_t> slots;  // open addressing into rules; kNone: free
  struct Type {
    std::string name;
    ClassId cls;
    std::vector<ClassId> all;
  };
  std::vector<Type> types;               // sorted by name
  std::vector<std::uint32_t> type_slots;  // open addressing into types
  std::vector<ClassId> anywhere;         // what a resource of an unmapped type can be

  ClassId intern(std::string_view name) {
    if (const auto at = ids.find(name); at != ids.end()) return at->second;
    const ClassId id{static_cast<std::uint32_t>(names.size())};
    ids.emplace(names.emplace_back(name), id);
    rank.push_back(ClassId::kNone);
    return id;
  }

  [[nodiscard]] const Rule* rule(Where where, std::uint32_t type, const Coding& coding) const noexcept {
    if (slots.empty()) return nullptr;
    const std::size_t mask = slots.size() - 1;
    for (std::size_t at = hash(coding.system, coding.code, seed(where, type)) & mask; slots[at] != ClassId::kNone; at = (at + 1) & mask) {
      const Rule& r = rules[slots[at]];
      if (r.where == where && r.type == type && r.code == coding.code && r.system == coding.system) return &r;
    }
    return nullptr;
  }
  [[nodiscard]] const Type* type(std::string_view name) const noexcept {
    if (type_slots.empty()) return nullptr;
    const std::size_t mask = type_slots.size() - 1;
    for (std::size_t at = hash(name, {}, 0) & mask; type_slots[at] != ClassId::kNone; at = (at + 1) & mask)
      if (types[type_slots[at]].name == name) return &types[type_slots[at]];
    return nullptr;
  }
  static std::uint64_t seed(Where where, std::uint32_t type) noexcept { return (std::uint64_t{type} << 8) | static_cast<std::uint8_t>(where); }

  void index();
};

void ClassMap::Inside::index() {
  std::sort(types.begin(), types.end(), [](const Type& a, const Type& b) { return a.name < b.name; });
  std::size_t size = 16;
  while (size < 2 * types.size()) size *= 2;
  type_slots.assign(size, ClassId::kNone);
  for (std::uint32_t i = 0; i < types.size(); ++i) {
    std::size_t at = hash(types[i].name, {}, 0) & (size - 1);
    while (type_slots[at] != ClassId::kNone) at = (at + 1) & (size - 1);
    type_slots[at] = i;
  }
  size = 16;
  while (size < 2 * rules.size()) size *= 2;
  slots.assign(size, ClassId::kNone);
  for (std::uint32_t i = 0; i < rules.size(); ++i) {
    std::size_t at = hash(rules[i].system, rules[i].code, seed(rules[i].where, rules[i].type)) & (size - 1);
    while (slots[at] != ClassId::kNone) at = (at + 1) & (size - 1);
    slots[at] = i;
  }
  // What a type can be: its own class, those of its rules, and those that a rule for any type gives.
  std::vector<ClassId> general{ClassId{0}};
  for (const Rule& r : rules)
    if (r.type == kAnyType) general.push_back(r.cls);
  const auto unique = [](std::vector<ClassId>& list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  };
  unique(general);
  anywhere = general;
  for (std::uint32_t i = 0; i < types.size(); ++i) {
    types[i].all.assign(general.begin() + 1, general.end());  // without unclassified: the type is mapped
    types[i].all.push_back(types[i].cls);
    for (const Rule& r : rules)
      if (r.type == i) types[i].all.push_back(r.cls);
    unique(types[i].all);
  }
}

namespace {

// Reads one file of the format that docs/formats/license.md describes.
class Reader {
 public:
  Reader(std::string path, const Node& root) : path_(std::move(path)), root_(root) {}

  [[nodiscard]] Error error(const stack::Place& place, std::string_view what) const {
    return {Code::invalid_argument, fmt::format("{}:{}: {}", path_, place.line, what)};
  }

  // "act|SUD" → every coding that it stands for (a short name may have several systems); a label may also come without its system.
  [[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> codings(const Node& node) const {
    const std::size_t bar = node.text.rfind('|');
    if (node.type != Value::Type::scalar || bar == std::string::npos || bar + 1 == node.text.size())
      return error(node.place, "a coding is written system|code");
    const std::string system = node.text.substr(0, bar), code = node.text.substr(bar + 1);
    std::vector<std::pair<std::string, std::string>> out;
    const Node* systems = root_.find("systems");
    const Node* known = systems != nullptr ? systems->find(system) : nullptr;
    if (known == nullptr) {
      if (system.find(':') == std::string::npos) return error(node.place, fmt::format("'{}' is no system of this file and no URI", system));
      out.emplace_back(system, code);
    } else if (known->type == Value::Type::scalar) {
      out.emplace_back(known->text, code);
    } else {
      for (const Node& one : known->items) out.emplace_back(one.text, code);
    }
    return out;
  }

  // class → [codings]
  template <class Add>
  [[nodiscard]] Result<void> rules(const Node* map, Add add) const {
    if (map == nullptr) return {};
    if (map->type != Value::Type::map) return error(map->place, "a map of class to codings is wanted here");
    for (const Member& m : map->members) {
      if (m.value.type != Value::Type::list) return error(m.place, "a list of codings is wanted here");
      for (const Node& item : m.value.items) {
        LICET_TRY(list, codings(item));
        for (auto& [system, code] : list) {
          if (auto added = add(m, std::move(system), std::move(code)); !added) return added;
        }
      }
    }
    return {};
  }

  const Node& root() const { return root_; }

 private:
  std::string path_;
  const Node& root_;
};

}  // namespace

ClassMap::ClassMap() : in_(std::make_unique<Inside>()) { in_->intern("unclassified"); }
ClassMap::~ClassMap() = default;
ClassMap::ClassMap(ClassMap&&) noexcept = default;
ClassMap& ClassMap::operator=(ClassMap&&) noexcept = default;

Result<ClassMap> ClassMap::load(std::span<const stack::Source> files) {
  ClassMap map;
  Inside& in = *map.in_;
  std::vector<stack::yaml::Parsed> parsed;
  for (const stack::Source& file : files) {
    parsed.push_back(stack::yaml::parse(file.bytes));
    if (!parsed.back().faults.empty()) {
      const auto& fault = parsed.back().faults.front();
      return Error{Code::invalid_argument, fmt::format("{}:{}: {}", file.path, fault.place.line, fault.message)};
    }
  }

  // First pass: classes and types, so that rules of any file may speak of them.
  std::uint32_t special_rank = 0;
  for (std::size_t f = 0; f < files.size(); ++f)
    for (const Node& document : parsed[f].documents) {
      const Reader read(files[f].path, document);
      static constexpr std::string_view kKeys[] = {"id", "format", "title", "source", "systems", "classes", "labels", "codes", "types", "of"};
      if (document.type != Value::Type::map) return read.error(document.place, "a class map is a map");
      for (const Member& m : document.members)
        if (std::find(std::begin(kKeys), std::end(kKeys), m.key) == std::end(kKeys))
          return read.error(m.place, fmt::format("unknown key '{}'", m.key));
      const Node* format = document.find("format");
      if (format == nullptr || format->text != "1") return read.error(document.place, "format: 1 is what this program reads");
      if (const Node* classes = document.find("classes"))
        for (const Node& c : classes->items) {
          const bool fresh = !map.find(c.text).known();
          const ClassId id = in.intern(c.text);
          if (fresh && special(c.text)) in.rank[id.value] = special_rank++;
        }
      if (const Node* types = document.find("types"))
        for (const Member& m : types->members) {
          if (!map.find(m.key).known()) return read.error(m.place, fmt::format("'{}' is not in `classes`", m.key));
          for (const Node& t : m.value.items) in.types.push_back({t.text, map.find(m.key), {}});
        }
    }
  in.index();
  for (std::size_t i = 1; i < in.types.size(); ++i)
    if (in.types[i].name == in.types[i - 1].name)
      return Error{Code::invalid_argument, fmt::format("{}: type {} has two classes", files.front().path, in.types[i].name)};

  for (std::size_t f = 0; f < files.size(); ++f)
    for (const Node& document : parsed[f].documents) {
      const Reader read(files[f].path, document);
      const auto adder = [&](Where where, std::uint32_t type) {
        return [&in, &map, &read, where, type](const Member& m, std::string system, std::string code) -> Result<void> {
          const ClassId cls = map.find(m.key);
          if (!cls.known()) return read.error(m.place, fmt::format("'{}' is not in `classes`", m.key));
          for (const Rule& r : in.rules)
            if (r.where == where && r.type == type && r.system == system && r.code == code)
              return read.error(m.place, fmt::format("{}|{} stands twice", system, code));
          in.rules.push_back({where, type, std::move(system), std::move(code), cls});
          return {};
        };
      };
      // A label without its system still protects: whoever wrote it meant something.
      const auto label = [&](const Member& m, std::string system, std::string code) -> Result<void> {
        const bool bare = std::any_of(in.rules.begin(), in.rules.end(),
                                      [&](const Rule& r) { return r.where == Where::label && r.system.empty() && r.code == code; });
        if (!bare) LICET_TRY_VOID(adder(Where::label, kAnyType)(m, std::string(), code));
        return adder(Where::label, kAnyType)(m, std::move(system), std::move(code));
      };
      LICET_TRY_VOID(read.rules(document.find("labels"), label));
      LICET_TRY_VOID(read.rules(document.find("codes"), adder(Where::code, kAnyType)));
      const Node* of = document.find("of");
      if (of == nullptr) continue;
      for (const Member& m : of->members) {
        const Inside::Type* type = in.type(m.key);
        if (type == nullptr) return read.error(m.place, fmt::format("type {} is not in `types`", m.key));
        const auto index = static_cast<std::uint32_t>(type - in.types.data());
        for (const Member& part : m.value.members)
          if (part.key != "categories" && part.key != "codes") return read.error(part.place, fmt::format("unknown key '{}'", part.key));
        LICET_TRY_VOID(read.rules(m.value.find("categories"), adder(Where::category, index)));
        LICET_TRY_VOID(read.rules(m.value.find("codes"), adder(Where::code, index)));
      }
    }
  in.index();
  return map;
}

ClassId ClassMap::intern(std::string_view name) { return in_->intern(name); }

ClassId ClassMap::find(std::string_view name) const {
  const auto at = in_->ids.find(name);
  return at == in_->ids.end() ? ClassId{} : at->second;
}

std::string_view ClassMap::name(ClassId id) const { return id.value < in_->names.size() ? std::string_view(in_->names[id.value]) : "unclassified"; }
std::size_t ClassMap::size() const { return in_->names.size(); }
ClassId ClassMap::unclassified() const { return ClassId{0}; }

ClassId ClassMap::classify(const ResourceFacts& facts) const noexcept {
  const Inside& in = *in_;
  const Inside::Type* type = in.type(facts.type);
  const std::uint32_t of = type != nullptr ? static_cast<std::uint32_t>(type - in.types.data()) : kAnyType;
  ClassId found;
  ClassId protects = type != nullptr && in.rank[type->cls.value] != ClassId::kNone ? type->cls : ClassId{};
  std::uint32_t rank = protects.known() ? in.rank[protects.value] : ClassId::kNone;
  // In order of weight, so the first plain class stands; a special one wins over all, the most protected of several.
  const auto weigh = [&](const Rule* r) {
    if (r == nullptr) return;
    if (in.rank[r->cls.value] < rank) {
      rank = in.rank[r->cls.value];
      protects = r->cls;
    } else if (!found.known() && in.rank[r->cls.value] == ClassId::kNone) {
      found = r->cls;
    }
  };
  for (const Coding& c : facts.labels) weigh(in.rule(Where::label, kAnyType, c));
  for (const Coding& c : facts.codes) weigh(in.rule(Where::code, kAnyType, c));
  if (type != nullptr) {
    for (const Coding& c : facts.codes) weigh(in.rule(Where::code, of, c));
    for (const Coding& c : facts.categories) weigh(in.rule(Where::category, of, c));
  }
  if (protects.known()) return protects;
  if (type == nullptr) return ClassId{0};  // an unmapped type stays unclassified whatever plain code it bears
  return found.known() ? found : type->cls;
}

std::span<const ClassId> ClassMap::of_type(std::string_view type) const {
  const Inside::Type* t = in_->type(type);
  return t != nullptr ? t->all : in_->anywhere;
}

TypeId ClassMap::type(std::string_view name) const {
  const Inside::Type* t = in_->type(name);
  return t != nullptr ? TypeId{static_cast<std::uint32_t>(t - in_->types.data())} : TypeId{};
}

}  // namespace licet::license
