#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_map>

#include "codec/fhir.h"
#include "codec/internal/r4.h"
#include "codec/internal/tape.h"

namespace licet::codec {
namespace internal {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A key as two numbers, so that most comparisons are one.
struct KeyHead {
  std::uint64_t head = 0;
  std::size_t size = 0;
  KeyHead() = default;
  explicit KeyHead(std::string_view key) : size(key.size()) {
    if (size > 0) std::memcpy(&head, key.data(), std::min<std::size_t>(8, size));
  }
};

}  // namespace

// A node of the path trie: which children of an object are shown, and how much of each.
struct FilterNode {
  struct Child {
    std::string key;
    KeyHead head;
    bool whole = false;                // shown in whole, but for the channels around it
    bool raw = false;                  // shown as it is: an extension, narrative or contained resource that was named
    bool code_only = false;            // only where it is a string (`use`, `comparator`)
    bool any_choice = false;           // value[x] of a type that the tables don't list: `value` and an upper-case letter
    std::unique_ptr<FilterNode> node;  // what is named below it, also where it is whole (a channel that was named)
  };
  std::vector<Child> children;
  std::vector<std::string> withheld;  // top level only: modifiers that the view doesn't name

  Child& child(std::string_view key) {
    for (Child& c : children)
      if (c.key == key) return c;
    Child& c = children.emplace_back();
    c.key = key;
    c.head = KeyHead(key);
    return c;
  }
  const Child* find(std::string_view key) const {
    const KeyHead head(key);
    for (const Child& c : children) {
      if (c.head.size == head.size && c.head.head == head.head && (head.size <= 8 || std::memcmp(c.key.data(), key.data(), head.size) == 0))
        return &c;
      if (c.any_choice && key.size() > c.key.size() && key.starts_with(c.key) && key[c.key.size()] >= 'A' && key[c.key.size()] <= 'Z')
        return &c;
    }
    return nullptr;
  }
};

struct FilterTable {
  struct Type {
    std::string name;
    FilterNode node;
    bool everything = false;            // "*": as it is
    std::vector<std::string> elements;  // as compiled from, for elements_of
  };
  std::vector<std::unique_ptr<Type>> types;  // sorted by name
  const Type* find(std::string_view name) const {
    const auto at = std::lower_bound(types.begin(), types.end(), name, [](const auto& t, std::string_view n) { return t->name < n; });
    return at != types.end() && (*at)->name == name ? at->get() : nullptr;
  }
};

namespace {

// The channels that no element brings along with it: they come by being named. (Asked of every key that is kept: by length first.)
bool is_channel(std::string_view key) {
  switch (key.size()) {
    case 2:
      return std::memcmp(key.data(), "id", 2) == 0;
    case 9:
      return std::memcmp(key.data(), "extension", 9) == 0 || std::memcmp(key.data(), "contained", 9) == 0;
    case 10:
      return std::memcmp(key.data(), "identifier", 10) == 0;
    case 13:
      return std::memcmp(key.data(), "fhir_comments", 13) == 0;
    default:
      return false;
  }
}
bool comes_raw(std::string_view key) {
  return key == "extension" || key == "modifierExtension" || key == "text" || key == "contained";
}

// "component.value" → {"valueQuantity", …} where it is a choice element of the type, else nothing.
std::vector<std::string> choices_at(const R4Type& type, std::string_view path, std::string_view name) {
  std::vector<std::string> keys;
  each_word(type.choices, [&](std::string_view word) {
    const std::size_t colon = word.find(':');
    if (word.substr(0, colon) != path || word.substr(colon + 1) == "*") return;
    each_word(
        word.substr(colon + 1), [&](std::string_view kind) { keys.push_back(std::string(name) + std::string(kind)); }, ',');
  });
  return keys;
}
bool is_open_choice(const R4Type& type, std::string_view path) {
  bool open = false;
  each_word(type.choices,
            [&](std::string_view word) { open |= word.size() == path.size() + 2 && word.starts_with(path) && word.ends_with(":*"); });
  return open;
}

// Adds what `path` names below `node`. before: the path down to `node`. False where it is ill-formed.
bool add(FilterNode& node, const R4Type& type, std::string before, std::string_view path) {
  const std::size_t dot = path.find('.');
  std::string_view name = path.substr(0, dot);
  const bool bracketed = name.ends_with("[x]");
  if (bracketed) name.remove_suffix(3);
  if (name.empty() || !std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); })) return false;
  if (!before.empty()) before += '.';
  before += name;
  std::vector<std::string> keys = choices_at(type, before, name);
  const bool any = keys.empty() && (bracketed || is_open_choice(type, before));
  if (keys.empty()) keys.emplace_back(name);
  for (const std::string& key : keys) {
    FilterNode::Child& child = node.child(key);
    child.any_choice |= any;
    if (dot == std::string_view::npos) {
      child.whole = true;
      child.raw |= comes_raw(key) && (before.find('.') == std::string::npos || key == "extension" || key == "modifierExtension");
    } else {
      if (!child.node) child.node = std::make_unique<FilterNode>();
      if (!add(*child.node, type, before, path.substr(dot + 1))) return false;
    }
  }
  return true;
}

// What changes the meaning of a part comes with the part: in every object that is shown in part.
void add_modifiers(FilterNode& node) {
  for (std::size_t k = 0; k < node.children.size(); ++k)
    if (FilterNode::Child& c = node.children[k]; c.node && !c.whole) add_modifiers(*c.node);
  FilterNode::Child& extension = node.child("modifierExtension");
  extension.whole = extension.raw = true;
  for (const std::string_view key : {"use", "comparator"}) {
    FilterNode::Child& child = node.child(key);
    if (!child.whole && !child.node) child.whole = child.code_only = true;
  }
}

void add_type_modifiers(FilterNode& node, const R4Type& type) {
  for (std::size_t k = 0; k < node.children.size(); ++k)
    if (FilterNode::Child& c = node.children[k]; c.node && !c.whole) add_modifiers(*c.node);
  each_word(type.nested, [&](std::string_view path) {
    FilterNode* at = &node;
    while (at != nullptr) {
      const std::size_t dot = path.find('.');
      if (dot == std::string_view::npos) {
        at->child(path).whole = true;
        break;
      }
      FilterNode::Child* next = nullptr;
      for (FilterNode::Child& c : at->children)
        if (c.key == path.substr(0, dot)) next = &c;
      at = next != nullptr && !next->whole ? next->node.get() : nullptr;
      path.remove_prefix(dot + 1);
    }
  });
  each_word(type.modifiers, [&](std::string_view key) { node.child(key).whole = true; });
  node.child("implicitRules").whole = true;
  FilterNode::Child& extension = node.child("modifierExtension");
  extension.whole = extension.raw = true;
  each_word(type.withheld, [&](std::string_view key) {
    if (const FilterNode::Child* c = node.find(key); c == nullptr || (!c->whole && !c->node)) node.withheld.emplace_back(key);
  });
}

// Copies what is shown of one value, as few runs of raw bytes as there are gaps.
class Emitter {
 public:
  Emitter(const Tape& tape, std::string& out) : t_(tape), out_(out) {}

  // False where nothing of it is left; then nothing was appended.
  bool value(std::uint32_t token, const FilterNode* node, bool whole, bool raw, bool places) {
    const std::size_t before = out_.size();
    from_ = t_.pos[token];
    if (!raw && !emit(token, node, whole, places)) {
      out_.resize(before);
      return false;
    }
    flush(t_.end_of(token));
    return true;
  }

 private:
  void flush(std::uint32_t to) {
    if (to > from_) out_.append(t_.base + from_, to - from_);
    from_ = to;
  }

  // Whether anything of the value is left. What is shown is flushed or pending from from_ on.
  // places: it runs beside an array of primitives, element by element (`_given`), so that what goes leaves a null.
  bool emit(std::uint32_t token, const FilterNode* node, bool whole, bool places) {
    switch (t_.at(token)) {
      case '{':
        return object(token, node, whole);
      case '[':
        return array(token, node, whole, places);
      default:
        return whole;  // a scalar where only something below it is named: nothing
    }
  }

  struct Shown {
    bool yes = false;
    bool raw = false;
    const FilterNode* node = nullptr;
    bool whole = false;
    bool places = false;
  };

  Shown shown(std::uint32_t object, std::uint32_t value, std::string_view key, const FilterNode* node, bool whole) {
    if (key.starts_with('_')) {
      // The extensions of a primitive: with it, and only where they were named.
      const FilterNode::Child* primitive = node != nullptr ? node->find(key.substr(1)) : nullptr;
      if (primitive == nullptr || !primitive->node || primitive->node->find("extension") == nullptr) return {};
      return {true, false, primitive->node.get(), false, true};
    }
    if (const FilterNode::Child* c = node != nullptr ? node->find(key) : nullptr; c != nullptr) {
      if (c->code_only && t_.at(value) != '"') return {};
      if (c->whole) return {true, c->raw, c->node.get(), true, false};
      if (c->node) return {true, false, c->node.get(), whole && comes_along(object, key), false};
    }
    if (!whole) return {};
    if (key == "modifierExtension") return {true, true, nullptr, true, false};
    return {comes_along(object, key), false, nullptr, true, false};
  }

  // Whether a member is shown with its object: it is no channel, and no display but a code's.
  bool comes_along(std::uint32_t object, std::string_view key) { return !is_channel(key) && (key != "display" || is_coding(object)); }

  // A Coding has a code or system beside its display; a Reference has a literal, or neither.
  bool is_coding(std::uint32_t object) {
    bool coded = false, literal = false;
    each_member(t_, object, [&](std::uint32_t key_token, std::uint32_t value) {
      std::string spelled;
      const std::string_view key = t_.key(key_token, spelled);
      const bool text = t_.at(value) == '"';
      coded |= text && (key == "code" || key == "system");
      literal |= text && key == "reference";
      return !literal;
    });
    return coded && !literal;
  }

  bool object(std::uint32_t open, const FilterNode* node, bool whole) {
    const std::uint32_t close = t_.match[open];
    bool any = false;
    std::uint32_t kept_end = t_.pos[open] + 1;  // where what is shown so far ends
    for (std::uint32_t key = open + 1; key < close;) {
      const std::uint32_t value = key + 2, last = t_.last_of(value), after = last + 1;
      std::string spelled;
      const Shown s = shown(open, value, t_.key(key, spelled), node, whole);
      bool keep = s.yes;
      if (keep && !s.raw) {
        const std::size_t size = out_.size();
        const std::uint32_t from = from_;
        if (!emit(value, s.node, s.whole, s.places)) {
          keep = false;
          out_.resize(size);
          from_ = from;
        }
      }
      if (keep) {
        any = true;
        kept_end = t_.opens(value) ? t_.pos[last] + 1 : t_.end_before(after);
      } else {
        drop(any, kept_end, key, last);
      }
      key = after + 1;
    }
    return any;
  }

  bool array(std::uint32_t open, const FilterNode* node, bool whole, bool places) {
    const std::uint32_t close = t_.match[open];
    bool any = false;
    std::uint32_t kept_end = t_.pos[open] + 1;
    bool kept_some = false;  // `any` without the nulls that only hold places
    for (std::uint32_t element = open + 1; element < close;) {
      const std::uint32_t last = t_.last_of(element), after = last + 1;
      const std::uint32_t end = t_.opens(element) ? t_.pos[last] + 1 : t_.end_before(after);
      const std::size_t size = out_.size();
      const std::uint32_t from = from_;
      bool keep = emit(element, node, whole, false);
      kept_some |= keep;
      if (!keep) {
        out_.resize(size);
        from_ = from;
        if (places) {
          flush(t_.pos[element]);
          out_ += "null";
          from_ = end;
          keep = true;
        }
      }
      if (keep) {
        any = true;
        kept_end = end;
      } else {
        drop(any, kept_end, element, last);
      }
      element = after + 1;
    }
    return kept_some;
  }

  // Leaves out tokens first…last and one comma: the one before where something is shown already, else the one after.
  void drop(bool any, std::uint32_t kept_end, std::uint32_t first, std::uint32_t last) {
    flush(any ? std::max(kept_end, from_) : std::max(t_.pos[first], from_));
    const std::uint32_t after = last + 1;
    const bool comma = t_.at(after) == ',';
    from_ = any ? end_of_last(last) : comma ? t_.pos[after + 1] : t_.pos[after];
  }
  std::uint32_t end_of_last(std::uint32_t last) const {
    const char c = t_.at(last);
    return c == '}' || c == ']' ? t_.pos[last] + 1 : t_.end_before(last + 1);
  }

  const Tape& t_;
  std::string& out_;
  std::uint32_t from_ = 0;
};

constexpr std::string_view kSubsetted =
    R"("tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}])";

void append_member(std::string& out, std::string_view key) {
  out.append(out.back() != '{' ? ",\"" : "\"").append(key).append("\":");
}

void append_meta(const Tape& t, const ResourceScan& scan, std::string& out) {
  append_member(out, "meta");
  out += '{';
  for (const ResourceScan::Member& member : scan.members) {
    if (member.key != "meta" || t.at(member.first) != '{') continue;
    each_member(t, member.first, [&](std::uint32_t key_token, std::uint32_t value) {
      std::string spelled;
      const std::string_view key = t.key(key_token, spelled);
      const bool text = (key == "versionId" || key == "lastUpdated") && t.at(value) == '"';
      if (text || (key == "security" && t.at(value) == '[')) {
        const std::size_t before = out.size();
        append_member(out, key);
        if (!Emitter(t, out).value(value, nullptr, true, false, false)) out.resize(before);
      }
      return true;
    });
  }
  if (out.back() != '{') out += ',';
  out += kSubsetted;
  out += '}';
}

// An outcome's issues without words: severity and code.
void append_outcome(const Tape& t, const ResourceScan& scan, std::string& out) {
  out += R"({"resourceType":"OperationOutcome","issue":[)";
  const std::size_t start = out.size();
  for (const ResourceScan::Member& member : scan.members) {
    if (member.key != "issue" || t.at(member.first) != '[') continue;
    each_element(t, member.first, [&](std::uint32_t issue) {
      if (t.at(issue) != '{') return true;
      std::string_view severity = "error", code = "processing";
      each_member(t, issue, [&](std::uint32_t key_token, std::uint32_t value) {
        std::string spelled;
        const std::string_view key = t.key(key_token, spelled);
        if (t.at(value) != '"') return true;
        const std::string_view text = t.text(value);
        // Codes of the two value sets are lower-case words: nothing else fits through.
        if (text.empty() || text.size() > 24 ||
            !std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; }))
          return true;
        if (key == "severity") severity = text;
        if (key == "code") code = text;
        return true;
      });
      if (out.size() != start) out += ',';
      out.append(R"({"severity":")").append(severity).append(R"(","code":")").append(code).append("\"}");
      return true;
    });
  }
  if (out.size() == start) out += R"({"severity":"error","code":"processing"})";
  out += "]}";
}

}  // namespace
}  // namespace internal

using internal::FilterNode;
using internal::FilterTable;

std::string_view name(Applied applied) {
  switch (applied) {
    case Applied::kept:
      return "kept";
    case Applied::not_in_view:
      return "not in view";
    case Applied::modifier_withheld:
      return "modifier withheld";
  }
  return "?";
}

ElementFilter::ElementFilter() = default;
ElementFilter::~ElementFilter() = default;
ElementFilter::ElementFilter(ElementFilter&&) noexcept = default;
ElementFilter& ElementFilter::operator=(ElementFilter&&) noexcept = default;
ElementFilter::ElementFilter(const ElementFilter&) = default;
ElementFilter& ElementFilter::operator=(const ElementFilter&) = default;
ElementFilter ElementFilter::full() {
  return {};
}

Result<ElementFilter> ElementFilter::compile(std::span<const TypeElements> types) {
  auto table = std::make_shared<FilterTable>();
  for (const TypeElements& type : types) {
    const internal::R4Type* known = internal::find_type(type.type);
    if (known == nullptr) return Error{Code::invalid_argument, "view: " + std::string(type.type) + " is no resource type of FHIR R4"};
    auto compiled = std::make_unique<FilterTable::Type>();
    compiled->name = type.type;
    if (type.elements.size() == 1 && type.elements.front() == "*") {
      compiled->everything = true;
      table->types.push_back(std::move(compiled));
      continue;
    }
    for (const std::string& path : type.elements) {
      if (!internal::add(compiled->node, *known, {}, path))
        return Error{Code::invalid_argument, "view: " + compiled->name + " has no element path \"" + path + "\""};
      compiled->elements.push_back(path);
    }
    internal::add_type_modifiers(compiled->node, *known);
    table->types.push_back(std::move(compiled));
  }
  std::sort(table->types.begin(), table->types.end(), [](const auto& a, const auto& b) { return a->name < b->name; });
  for (std::size_t k = 1; k < table->types.size(); ++k)
    if (table->types[k - 1]->name == table->types[k]->name)
      return Error{Code::invalid_argument, "view: " + table->types[k]->name + " is there twice"};
  ElementFilter filter;
  filter.table_ = std::move(table);
  return filter;
}

Applied ElementFilter::apply(const ResourceScan& scan, std::string& out) const {
  if (is_full()) {
    out += scan.bytes;
    return Applied::kept;
  }
  const internal::Tape& t = *scan.tape;
  if (scan.type == "OperationOutcome") {
    internal::append_outcome(t, scan, out);
    return Applied::kept;
  }
  const FilterTable::Type* type = table_->find(scan.type);
  if (type == nullptr) return Applied::not_in_view;
  if (type->everything) {
    out += scan.bytes;
    return Applied::kept;
  }
  if (!type->node.withheld.empty())
    for (const ResourceScan::Member& member : scan.members)
      for (const std::string& withheld : type->node.withheld)
        if (member.key == withheld ||
            (member.key.size() == withheld.size() + 1 && member.key[0] == '_' && member.key.substr(1) == withheld))
          return Applied::modifier_withheld;

  out += '{';
  internal::append_member(out, "resourceType");
  out.append("\"").append(type->name).append("\"");
  if (!scan.id.empty()) {
    internal::append_member(out, "id");
    out.append("\"").append(scan.id).append("\"");
  }
  internal::append_meta(t, scan, out);
  for (const ResourceScan::Member& member : scan.members) {
    if (member.key == "resourceType" || member.key == "id" || member.key == "meta" || member.key.empty()) continue;
    const bool shadow = member.key[0] == '_';
    const FilterNode::Child* child = type->node.find(shadow ? member.key.substr(1) : member.key);
    if (child == nullptr || (!child->whole && !child->node)) continue;
    bool whole = child->whole;
    if (shadow) {
      if (!child->node || child->node->find("extension") == nullptr) continue;
      whole = false;
    }
    const std::size_t before = out.size();
    internal::append_member(out, member.key);
    if (!internal::Emitter(t, out).value(member.first, child->node.get(), whole, child->raw && !shadow, shadow)) out.resize(before);
  }
  out += '}';
  return Applied::kept;
}

bool ElementFilter::has_type(std::string_view type) const {
  return is_full() || table_->find(type) != nullptr;
}

bool ElementFilter::shows(std::string_view type, std::string_view path) const {
  if (is_full()) return true;
  const FilterTable::Type* known = table_->find(type);
  if (known == nullptr) return false;
  if (known->everything) return true;
  if (path == "id" || path == "meta.lastUpdated" || path == "meta.versionId" || path == "meta.security") return true;
  const FilterNode* node = &known->node;
  const internal::R4Type& r4 = *internal::find_type(type);
  std::string before;
  bool whole = false;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    const std::string_view segment = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    if (internal::is_channel(segment) || (!before.empty() && segment == "display")) whole = false;
    before.append(before.empty() ? "" : ".").append(segment);
    // A choice element in whole: every one of its kinds.
    std::vector<std::string> keys = internal::choices_at(r4, before, segment);
    if (keys.empty()) keys.emplace_back(segment);
    bool all = node != nullptr;
    const FilterNode* below = nullptr;
    if (node != nullptr) {
      for (const std::string& key : keys) {
        const FilterNode::Child* c = node->find(key);
        all &= c != nullptr && c->whole && !c->code_only;
        if (c != nullptr) below = c->node.get();
      }
    }
    whole |= all;
    node = below;
    if (!whole && node == nullptr) return false;
  }
  return whole;
}

std::string ElementFilter::elements_of(std::string_view type) const {
  std::string list;
  if (is_full()) return list;
  const FilterTable::Type* known = table_->find(type);
  if (known == nullptr) return list;
  std::vector<std::string> names;
  for (const std::string& element : known->elements) {
    std::string top = element.substr(0, element.find('.'));
    if (top.ends_with("[x]")) top.resize(top.size() - 3);
    if (std::find(names.begin(), names.end(), top) == names.end()) names.push_back(std::move(top));
  }
  for (const std::string& top : names) list.append(list.empty() ? "" : ",").append(top);
  return list;
}

}  // namespace licet::codec
