// The one field table: every kind of document, its fields, their types, references and sentences.
//
// The loader checks by it, relations() derives the tables from it (mapping rule: stack.h), json_schema() and docs/formats/stack.md are
// printed from it. To add a field, add a line to schema.cc; nothing else.
//
//   const Kind* flow = schema::find("flow");
//   for (const Field& field : flow->fields) …
//
// constexpr data; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace licet::stack::schema {

enum class Type : std::uint8_t {
  text,      // one or more characters; not PHI
  boolean,   // true | false
  integer,   // 0 or more
  date,      // YYYY-MM-DD
  duration,  // 60m, 24h, 5d (calendar days), 5bd (business days)
  word,      // a name without spaces: us-east, fhir-r4
  purpose,   // a code of HL7 PurposeOfUse (TREAT), or our own (licet:ai-training)
  classes,   // a data class or a pattern of them: clinical.note, clinical.*; special.* and unclassified by name only
  prefix,    // a path that starts and ends with /
  url,       // https://… or http://…
  path,      // a file below the stack folder: agreements/scribe.txt
  sha256,    // 64 lower-case hex digits
  pack,      // id@version
  choice,    // one of `choices`
  ref,       // the id of a document of one of the kinds in `refs`
};

// one: scalar · many: list of scalars (a lone scalar is a list of one) · map: `fields` · maps: list of those · open: any key → scalar or list
enum class Shape : std::uint8_t { one, many, map, maps, open };

struct Field {
  std::string_view name;
  Type type = Type::text;
  Shape shape = Shape::one;
  bool required = false;
  std::string_view choices;        // "a|b|c"; for ref: what may stand there beside an id ("individual")
  std::string_view refs;           // "system|role|person"; "*" is any kind
  std::span<const Field> fields;   // of map and maps
  std::string_view doc;
};

struct Kind {
  std::string_view name;
  std::string_view doc;
  std::span<const Field> fields;
};

[[nodiscard]] std::span<const Kind> kinds();                  // in the order in which people meet them
[[nodiscard]] const Kind* find(std::string_view kind);        // nullptr: no such kind
[[nodiscard]] const Field* find(std::span<const Field> fields, std::string_view name);
[[nodiscard]] bool one_of(std::string_view choices, std::string_view text);  // choices: "a|b|c"

// The purposes of HL7 PurposeOfUse (v3-PurposeOfUse, 2020-09), "a|b|c". Our own begin with "licet:".
[[nodiscard]] std::string_view hl7_purposes();

}  // namespace licet::stack::schema
