#include "stack/yaml.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <numeric>

#include "stack/internal/words.h"

namespace licet::stack::yaml {
namespace {

constexpr std::size_t kBytesPerNode = 16;  // bounds memory: a Node takes some 100 bytes, "- a" only four

// libyaml's structs with their lifetimes.
struct Parser {
  yaml_parser_t raw{};
  bool ready = false;
  explicit Parser(std::string_view bytes) {
    ready = yaml_parser_initialize(&raw) == 1;
    if (!ready) return;
    yaml_parser_set_encoding(&raw, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&raw, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() {
    if (ready) yaml_parser_delete(&raw);
  }
};
struct Event {
  yaml_event_t raw{};
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&raw); }
};

Place at(const yaml_mark_t& mark, std::uint32_t file) {
  return {file, static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

Place place_of(std::string_view bytes, std::size_t offset, std::uint32_t file) {
  Place p{file, 1, 1};
  for (const char c : bytes.substr(0, offset)) {
    if (c == '\n') {
      ++p.line;
      p.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++p.column;
    }
  }
  return p;
}

class Builder {
 public:
  Builder(std::string_view bytes, std::uint32_t file, const Limits& limits)
      : bytes_(bytes), file_(file), depth_(limits.yaml_depth), nodes_left_(limits.stack_bytes / kBytesPerNode) {}

  Parsed run() && {
    if (bytes_.starts_with("\xEF\xBB\xBF") || bytes_.starts_with("\xFE\xFF") || bytes_.starts_with("\xFF\xFE")) {
      stop({file_, 1, 1}, "starts with a byte order mark: save it as UTF-8 without one");
      return std::move(out_);
    }
    Parser parser(bytes_);
    if (!parser.ready) {
      stop({file_, 1, 1}, "no memory for the YAML parser");
      return std::move(out_);
    }
    for (bool more = true; more && out_.whole;) {
      Event event;
      if (yaml_parser_parse(&parser.raw, &event.raw) == 0) {
        not_yaml(parser.raw);
        break;
      }
      more = take(event.raw);
    }
    return std::move(out_);
  }

 private:
  void fault(Place place, std::string message) { out_.faults.push_back({place, std::move(message)}); }
  void stop(Place place, std::string message) {
    fault(place, std::move(message));
    out_.whole = false;
  }

  void not_yaml(const yaml_parser_t& p) {
    const std::string_view problem = p.problem != nullptr ? p.problem : "out of memory";
    if (p.error == YAML_READER_ERROR) {
      stop(place_of(bytes_, p.problem_offset, file_), fmt::format("not UTF-8 text: {}", problem));
      return;
    }
    const std::size_t here = p.problem_mark.index;
    const std::size_t byte = byte_of(here);
    if (byte < bytes_.size() && bytes_[byte] == '\t') {
      stop(at(p.problem_mark, file_), "a tab can't indent YAML: use spaces");
      return;
    }
    std::string context;
    if (p.context != nullptr) context = fmt::format(" {} that began on line {}", p.context, p.context_mark.line + 1);
    stop(at(p.problem_mark, file_), fmt::format("not YAML: {}{}", problem, context));
  }

  // libyaml's index counts characters.
  std::size_t byte_of(std::size_t index) const {
    std::size_t byte = 0;
    while (byte < bytes_.size() && index > 0) {
      ++byte;
      while (byte < bytes_.size() && (static_cast<unsigned char>(bytes_[byte]) & 0xC0) == 0x80) ++byte;
      --index;
    }
    return byte;
  }

  bool take(const yaml_event_t& e) {
    const Place place = at(e.start_mark, file_);
    switch (e.type) {
      case YAML_STREAM_START_EVENT:
      case YAML_NO_EVENT:
        return true;
      case YAML_STREAM_END_EVENT:
        return false;
      case YAML_DOCUMENT_START_EVENT:
        if (e.data.document_start.version_directive != nullptr ||
            e.data.document_start.tag_directives.start != e.data.document_start.tag_directives.end)
          fault(place, "a %directive is not part of this format: leave it out");
        root_ = Node();
        return true;
      case YAML_DOCUMENT_END_EVENT:
        if (root_.type != Value::Type::scalar || !root_.text.empty()) out_.documents.push_back(std::move(root_));
        return true;
      case YAML_ALIAS_EVENT:
        fault(place, "an alias (*name) is not part of this format: write the value out");
        scalar(place, "?");
        return true;
      case YAML_SCALAR_EVENT: {
        refuse(place, e.data.scalar.anchor, e.data.scalar.tag);
        std::string text(reinterpret_cast<const char*>(e.data.scalar.value), e.data.scalar.length);
        const bool plain = e.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        const bool value = !open_.empty() && !wants_key();
        if (plain && value && (text.empty() || text == "~" || text == "null"))
          fault(place, "a value is missing here: give one, or leave the key out");
        scalar(place, std::move(text));
        return out_.whole;
      }
      case YAML_SEQUENCE_START_EVENT:
        refuse(place, e.data.sequence_start.anchor, e.data.sequence_start.tag);
        return begin(place, Value::Type::list);
      case YAML_MAPPING_START_EVENT:
        refuse(place, e.data.mapping_start.anchor, e.data.mapping_start.tag);
        return begin(place, Value::Type::map);
      case YAML_MAPPING_END_EVENT:
        drop_duplicates(*open_.back());
        [[fallthrough]];
      case YAML_SEQUENCE_END_EVENT:
        open_.pop_back();
        keyed_.pop_back();
        return true;
    }
    return true;
  }

  void refuse(Place place, const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (anchor != nullptr) fault(place, "an anchor (&name) is not part of this format: leave it out");
    if (tag != nullptr) fault(place, "a tag (!name) is not part of this format: leave it out");
  }

  [[nodiscard]] bool wants_key() const { return open_.back()->type == Value::Type::map && !keyed_.back(); }

  // Where the next node goes: the root, the next item, or the value of the last key. Ancestors don't grow while a child is open, so the
  // pointers in open_ stay good.
  Node* place_for(Place place) {
    if (nodes_left_ == 0) {
      stop(place, "too many values for one declaration");
      return nullptr;
    }
    --nodes_left_;
    Node* node = &root_;
    if (!open_.empty()) {
      Node& parent = *open_.back();
      if (parent.type == Value::Type::list) {
        node = &parent.items.emplace_back();
      } else {
        node = &parent.members.back().value;
        keyed_.back() = false;
      }
    }
    node->place = place;
    return node;
  }

  void scalar(Place place, std::string text) {
    if (!open_.empty() && wants_key()) {
      open_.back()->members.push_back({std::move(text), place, Node()});
      keyed_.back() = true;
      return;
    }
    if (Node* node = place_for(place)) node->text = std::move(text);
  }

  bool begin(Place place, Value::Type type) {
    if (!open_.empty() && wants_key()) {
      stop(place, "a key must be a name, not a list or a map");
      return false;
    }
    if (open_.size() >= depth_) {
      stop(place, fmt::format("nested deeper than {} levels", depth_));
      return false;
    }
    Node* node = place_for(place);
    if (node == nullptr) return false;
    node->type = type;
    open_.push_back(node);
    keyed_.push_back(false);
    return true;
  }

  void drop_duplicates(Node& map) {
    std::vector<std::size_t> order(map.members.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
      const int c = map.members[x].key.compare(map.members[y].key);
      return c != 0 ? c < 0 : x < y;
    });
    std::vector<char> extra(map.members.size());
    bool any = false;
    for (std::size_t i = 1; i < order.size(); ++i) {
      const Member& first = map.members[order[i - 1]];
      const Member& again = map.members[order[i]];
      if (first.key != again.key) continue;
      fault(again.place, fmt::format("the key {} stands twice in one map (first on line {})", quoted(again.key), first.place.line));
      extra[order[i]] = any = true;
      order[i] = order[i - 1];  // so that a third one is compared with the first
    }
    if (!any) return;
    std::vector<Member> kept;
    for (std::size_t i = 0; i < map.members.size(); ++i)
      if (!extra[i]) kept.push_back(std::move(map.members[i]));
    map.members = std::move(kept);
  }

  std::string_view bytes_;
  std::uint32_t file_;
  std::size_t depth_;
  std::size_t nodes_left_;
  Parsed out_;
  Node root_;
  std::vector<Node*> open_;  // containers from the root down to where we are
  std::vector<char> keyed_;  // for each: a key was read and its value wasn't
};

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Member& m : members)
    if (m.key == key) return &m.value;
  return nullptr;
}

Parsed parse(std::string_view bytes, std::uint32_t file, const Limits& limits) {
  if (bytes.size() > limits.stack_bytes) {
    Parsed out;
    out.faults.push_back({{file, 1, 1}, fmt::format("larger than {} bytes", limits.stack_bytes)});
    out.whole = false;
    return out;
  }
  return Builder(bytes, file, limits).run();
}

}  // namespace licet::stack::yaml
