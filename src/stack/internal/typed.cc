#include "stack/internal/typed.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/time.h"
#include "stack/internal/words.h"

namespace licet::stack {
namespace {

using schema::Field;
using schema::Shape;
using schema::Type;

bool lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return lower(c) || upper(c) || digit(c) || std::string_view("_.:/+@-").find(c) < 7;
  });
}

bool is_item(std::string_view text) {
  return is_word(text) || text == "*";
}  // of an open map: an element, a parameter, or all of them

bool is_class(std::string_view text) {  // words of a-z 0-9 -, with dots between; * only as the last word, never as the first
  std::size_t words = 0;
  for (;;) {
    const std::size_t dot = text.find('.');
    const std::string_view word = text.substr(0, dot);
    const bool star = word == "*" && words > 0 && dot == std::string_view::npos;
    const bool name =
        !word.empty() && lower(word[0]) && std::all_of(word.begin(), word.end(), [](char c) { return lower(c) || digit(c) || c == '-'; });
    if (!star && !name) return false;
    ++words;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_url(std::string_view text) {
  if (!text.starts_with("https://") && !text.starts_with("http://")) return false;
  const std::string_view rest = text.substr(text.find("//") + 2);
  return !rest.empty() && rest[0] != '/' && text.size() <= 2048 && rest.find('@') == std::string_view::npos &&
         std::all_of(rest.begin(), rest.end(), [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\' && c != '<' && c != '>'; });
}

bool is_prefix(std::string_view text) {
  return text.size() >= 1 && text.size() <= 256 && text.front() == '/' && text.back() == '/' && text.find("//") == std::string_view::npos &&
         text.find("/./") == std::string_view::npos && text.find("/../") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return lower(c) || upper(c) || digit(c) || std::string_view("/_.-~").find(c) < 5; });
}

bool is_path(std::string_view text) {
  if (text.empty() || text.size() > 1024 || text.front() == '/' || text.find('\\') != std::string_view::npos) return false;
  const std::string framed = "/" + std::string(text) + "/";
  return framed.find("/../") == std::string::npos && framed.find("/./") == std::string::npos && framed.find("//") == std::string::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7F; });
}

std::string wrong_purpose(std::string_view text) {
  if (text.starts_with("licet:")) {
    if (text.size() > 6 && is_id(text.substr(6))) return {};
    return "is not a purpose of our own: write licet:name";
  }
  if (schema::one_of(schema::hl7_purposes(), text)) return {};
  return fmt::format("{} is not a code of HL7 PurposeOfUse{}", quoted(text), did_you_mean(text, split(schema::hl7_purposes())));
}

std::string wrong_choice(const Field& field, std::string_view text) {
  if (schema::one_of(field.choices, text)) return {};
  const auto choices = split(field.choices);
  const std::string guess = did_you_mean(text, choices);
  return fmt::format("{} is not one of {}{}", quoted(text), join(choices), guess);
}

class Typer {
 public:
  explicit Typer(const Report& report) : report_(report) {}

  Value map(std::span<const Field> fields, const yaml::Node& node, std::string_view where, bool root) {
    Value out{.type = Value::Type::map, .place = node.place};
    out.members.reserve(node.members.size());
    for (const yaml::Member& m : node.members) {
      if (root && (m.key == "kind" || m.key == "id")) continue;
      const Field* field = schema::find(fields, m.key);
      if (field == nullptr) {
        unknown(fields, m, where, root);
        continue;
      }
      if (auto value = typed(*field, m)) out.members.push_back({m.key, std::move(*value)});
    }
    if (!root)
      for (const Field& f : fields)
        if (f.required && node.find(f.name) == nullptr) report_(node.place, fmt::format("{} needs the key {}", where, quoted(f.name)));
    return out;
  }

 private:
  void unknown(std::span<const Field> fields, const yaml::Member& m, std::string_view where, bool root) {
    std::vector<std::string_view> names;
    if (root) names = {"kind", "id"};
    for (const Field& f : fields) names.push_back(f.name);
    std::string hint = did_you_mean(m.key, names);
    if (hint.empty()) hint = fmt::format("; it has {}", join(names, " and "));
    report_(m.place, fmt::format("unknown key {} in {}{}", quoted(m.key), where, hint));
  }

  std::optional<Value> typed(const Field& field, const yaml::Member& m) {
    const yaml::Node& node = m.value;
    switch (field.shape) {
      case Shape::one:
        if (node.type != Value::Type::scalar) return mismatch(field, node, "takes one value");
        return scalar(field, node);
      case Shape::many: {
        if (node.type == Value::Type::scalar) return scalar(field, node);
        if (node.type == Value::Type::map) return mismatch(field, node, "takes a list of values: [a, b]");
        if (node.items.empty()) return mismatch(field, node, "is an empty list: name something, or leave the key out");
        Value out{.type = Value::Type::list, .place = m.place};
        for (const yaml::Node& item : node.items) {
          if (item.type != Value::Type::scalar) {
            (void)mismatch(field, item, "takes a list of values: [a, b]");
            continue;
          }
          if (std::any_of(out.items.begin(), out.items.end(), [&](const Value& v) { return out.items.size() < 64 && v.text == item.text; }))
            report_(item.place, fmt::format("{} names {} twice", quoted(field.name), quoted(item.text)));
          if (auto value = scalar(field, item)) out.items.push_back(std::move(*value));
        }
        return out;
      }
      case Shape::map: {
        if (node.type != Value::Type::map) return mismatch(field, node, "takes a map of keys and values");
        Value out = map(field.fields, node, quoted(field.name), false);
        out.place = m.place;
        return out;
      }
      case Shape::maps: {
        Value out{.type = Value::Type::list, .place = m.place};
        if (node.type != Value::Type::list) return mismatch(field, node, "takes a list of maps: [{key: value}]");
        for (const yaml::Node& item : node.items) {
          if (item.type == Value::Type::map)
            out.items.push_back(map(field.fields, item, "an entry of " + quoted(field.name), false));
          else
            (void)mismatch(field, item, "takes a list of maps: [{key: value}]");
        }
        return out;
      }
      case Shape::open:
        return open(field, m);
    }
    return std::nullopt;
  }

  std::optional<Value> open(const Field& field, const yaml::Member& m) {
    if (m.value.type != Value::Type::map) return mismatch(field, m.value, "takes a map of keys and lists: {Patient: [id, name]}");
    Value out{.type = Value::Type::map, .place = m.place};
    for (const yaml::Member& entry : m.value.members) {
      if (!is_word(entry.key)) report_(entry.place, fmt::format("{} has a key that isn't a name", quoted(field.name)));
      Value list{.type = entry.value.type, .text = entry.value.text, .place = entry.place};
      if (entry.value.type == Value::Type::map || (entry.value.type == Value::Type::list && entry.value.items.empty())) {
        report_(entry.place, fmt::format("{} of {} takes a list of names", quoted(entry.key), quoted(field.name)));
        continue;
      }
      for (const yaml::Node& item : entry.value.items) {
        if (item.type != Value::Type::scalar || !is_item(item.text))
          report_(item.place, fmt::format("{} of {} takes a list of names", quoted(entry.key), quoted(field.name)));
        else
          list.items.push_back({.text = item.text, .place = item.place});
      }
      if (list.type == Value::Type::scalar && !is_item(list.text))
        report_(entry.value.place, fmt::format("{} of {} takes a list of names", quoted(entry.key), quoted(field.name)));
      out.members.push_back({entry.key, std::move(list)});
    }
    return out;
  }

  std::optional<Value> scalar(const Field& field, const yaml::Node& node) {
    if (const std::string why = wrong(field, node.text); !why.empty()) {
      report_(node.place, fmt::format("{}: {}", field.name, why));
      return std::nullopt;
    }
    return Value{.text = node.text, .place = node.place};
  }

  std::optional<Value> mismatch(const Field& field, const yaml::Node& node, std::string_view what) {
    report_(node.place, fmt::format("{} {}", quoted(field.name), what));
    return std::nullopt;
  }

  const Report& report_;
};

}  // namespace

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 63 && lower(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return lower(c) || digit(c) || c == '_' || c == '.' || c == '-'; });
}

std::optional<Span> hours(std::string_view duration) {
  std::int64_t n = 0;
  std::size_t used = 0;
  while (used < duration.size() && used < 6 && digit(duration[used])) n = n * 10 + (duration[used++] - '0');
  const std::string_view unit = duration.substr(used);
  if (used == 0 || n == 0) return std::nullopt;
  if (unit == "m") return Span{n / 60, (n + 59) / 60};
  if (unit == "h") return Span{n, n};
  if (unit == "d") return Span{n * 24, n * 24};
  if (unit == "bd") return Span{(n + n / 5 * 2) * 24, (n + (n + 4) / 5 * 2) * 24};
  return std::nullopt;
}

std::string wrong(const Field& field, std::string_view text) {
  switch (field.type) {
    case Type::text:
      if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return "is empty: say something, or leave the key out";
      return {};
    case Type::boolean:
      return text == "true" || text == "false" ? std::string() : "write true or false";
    case Type::integer:
      return !text.empty() && text.size() <= 9 && std::all_of(text.begin(), text.end(), digit) ? std::string()
                                                                                               : "write a whole number, 0 or more";
    case Type::date: {
      const auto date = parse_date(text);
      return date ? std::string() : date.error().message;
    }
    case Type::duration:
      return hours(text) ? std::string() : "not a duration: write 60m, 24h, 5d (calendar days) or 5bd (business days)";
    case Type::word:
      return is_word(text) ? std::string() : "write a name without spaces";
    case Type::purpose:
      return wrong_purpose(text);
    case Type::classes:
      if (text == "special.*") return "special classes are matched by name only: write special.sud and so on";
      return is_class(text) ? std::string() : "not a data class: write clinical.note, or clinical.* for all of a family";
    case Type::prefix:
      return is_prefix(text) ? std::string() : "write a path that starts and ends with /, such as /fhir/";
    case Type::url:
      return is_url(text) ? std::string() : "write an address such as https://ehr.example/fhir/, without user or password";
    case Type::path:
      return is_path(text) ? std::string() : "write a path below the stack folder, such as agreements/scribe.pdf";
    case Type::sha256:
      return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos ? std::string()
                                                                                                       : "write 64 lower-case hex digits";
    case Type::pack: {
      const std::size_t at = text.find('@');
      const bool good = at != std::string_view::npos && is_id(text.substr(0, at)) && is_word(text.substr(at + 1)) &&
                        text.find('@', at + 1) == std::string_view::npos;
      return good ? std::string() : "write id@version, such as hipaa-baa-2013@1.0";
    }
    case Type::choice:
      return wrong_choice(field, text);
    case Type::ref:
      if (is_id(text) || schema::one_of(field.choices, text)) return {};
      return "not an id: write a lower-case letter, then at most 62 of a-z 0-9 _ . -";
  }
  return {};
}

Value typed_map(std::span<const Field> fields, const yaml::Node& node, std::string_view where, bool root, const Report& report) {
  return Typer(report).map(fields, node, where, root);
}

}  // namespace licet::stack
