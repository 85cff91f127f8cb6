// JSON Schema (2020-12) printed from the field table, for editors. References can't be checked there; `licet check` does.
#include <nlohmann/json.hpp>

#include "stack/internal/words.h"
#include "stack/schema.h"
#include "stack/stack.h"

namespace licet::stack {
namespace {

using Json = nlohmann::ordered_json;
using schema::Field;
using schema::Shape;
using schema::Type;

constexpr const char* kDialect = "https://json-schema.org/draft/2020-12/schema";
constexpr const char* kId = "^[a-z][a-z0-9_.-]{0,62}$";

Json words(std::string_view choices) {
  Json out = Json::array();
  for (const std::string_view c : split(choices)) out.push_back(std::string(c));
  return out;
}

Json pattern(const char* regex) {
  return {{"type", "string"}, {"pattern", regex}};
}

Json scalar(const Field& f) {
  switch (f.type) {
    case Type::text:
      return {{"type", "string"}, {"minLength", 1}};
    case Type::boolean:
      return {{"type", "boolean"}};
    case Type::integer:
      return {{"type", "integer"}, {"minimum", 0}};
    // Editors read an unquoted YAML date as a date or a string; both are fine for us.
    case Type::date:
      return pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$");
    case Type::duration:
      return pattern("^[0-9]{1,6}(m|h|d|bd)$");
    case Type::word:
      return {{"type", {"string", "integer"}}};
    case Type::purpose:
      return {{"anyOf", Json::array({Json{{"enum", words(schema::hl7_purposes())}}, pattern("^licet:[a-z][a-z0-9_.-]*$")})}};
    case Type::classes:
      return pattern("^[a-z][a-z0-9-]*(\\.[a-z][a-z0-9-]*)*(\\.\\*)?$");
    case Type::prefix:
      return pattern("^/(.*/)?$");
    case Type::url:
      return pattern("^https?://[^/@]+");
    case Type::path:
      return pattern("^[^/]");
    case Type::sha256:
      return pattern("^[0-9a-f]{64}$");
    case Type::pack:
      return pattern("^[a-z][a-z0-9_.-]{0,62}@[^@ ]+$");
    case Type::choice:
      return {{"enum", words(f.choices)}};
    case Type::ref:
      return pattern(kId);
  }
  return {};
}

Json object(std::span<const Field> fields, std::string_view kind);

Json property(const Field& f) {
  Json out;
  switch (f.shape) {
    case Shape::one:
      out = scalar(f);
      break;
    case Shape::many:
      out = {{"anyOf", Json::array({scalar(f), Json{{"type", "array"}, {"minItems", 1}, {"items", scalar(f)}}})}};
      break;
    case Shape::map:
      out = object(f.fields, {});
      break;
    case Shape::maps:
      out = {{"type", "array"}, {"items", object(f.fields, {})}};
      break;
    case Shape::open: {
      const Json name = {{"type", "string"}, {"minLength", 1}};
      out = {{"type", "object"},
             {"additionalProperties", {{"anyOf", Json::array({name, Json{{"type", "array"}, {"minItems", 1}, {"items", name}}})}}}};
      break;
    }
  }
  std::string doc(f.doc);
  if (f.type == Type::ref && !f.refs.empty()) doc += " The id of " + (f.refs == "*" ? "anything declared" : a(join(split(f.refs)))) + ".";
  out["description"] = doc;
  return out;
}

Json object(std::span<const Field> fields, std::string_view kind) {
  Json properties = Json::object(), required = Json::array();
  if (!kind.empty()) {
    properties["kind"] = {{"const", std::string(kind)}};
    properties["id"] = pattern(kId);
    required.push_back("kind");
    if (kind != "stack") required.push_back("id");
  }
  for (const Field& f : fields) {
    properties[std::string(f.name)] = property(f);
    // A layer may leave to the layer below what that says already, so of a document only kind and id are asked for; of a nested map all.
    if (f.required && kind.empty()) required.push_back(std::string(f.name));
  }
  Json out = {{"type", "object"}, {"properties", properties}};
  if (!required.empty()) out["required"] = required;
  out["additionalProperties"] = false;
  return out;
}

Json of_kind(const schema::Kind& kind) {
  Json out = {{"title", std::string(kind.name)}, {"description", std::string(kind.doc)}};
  out.update(object(kind.fields, kind.name));
  return out;
}

}  // namespace

Result<std::string> json_schema(std::string_view kind) {
  if (!kind.empty()) {
    const schema::Kind* known = schema::find(kind);
    if (known == nullptr) {
      std::vector<std::string_view> names;
      for (const schema::Kind& k : schema::kinds()) names.push_back(k.name);
      return Error{Code::not_found, "no kind of document is called " + quoted(kind) + did_you_mean(kind, names)};
    }
    Json out = {{"$schema", kDialect}};
    out.update(of_kind(*known));
    return out.dump(2) + "\n";
  }
  // One file for all: `kind` chooses, so that an editor completes the fields of that kind only.
  Json names = Json::array(), choices = Json::array(), defs = Json::object();
  for (const schema::Kind& k : schema::kinds()) {
    const std::string name(k.name);
    names.push_back(name);
    defs[name] = of_kind(k);
    choices.push_back(
        {{"if", {{"properties", {{"kind", {{"const", name}}}}}, {"required", {"kind"}}}}, {"then", {{"$ref", "#/$defs/" + name}}}});
  }
  Json out = {{"$schema", kDialect}, {"title", "Licet stack"}, {"type", "object"}, {"required", {"kind"}}};
  out["properties"] = {{"kind", {{"enum", names}}}};
  out["allOf"] = choices;
  out["$defs"] = defs;
  return out.dump(2) + "\n";
}

}  // namespace licet::stack
