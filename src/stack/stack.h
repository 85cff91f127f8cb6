// The declaration: multi-document YAML in, typed documents and relations out.
//
//   stack::Loaded loaded = stack::load(sources);            // sources: {path, bytes} of every *.yaml below the stack folder
//   if (!loaded.stack) for (const Problem& p : loaded.problems) print(p.text());     // "flows.yaml:20:3: unknown key 'purposs' (did you mean …?)"
//   Relations relations = stack::relations(*loaded.stack, facts);
//
// Pure: same bytes, same result. Any thread. Input: untrusted; bounded by Limits (bytes, depth); fuzzed by fuzz/fuzz_stack.cc.
// Format: docs/formats/stack.md. Own loader on libyaml's events: no aliases, tags, anchors or duplicate keys; scalars typed by the schema.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/phi.h"
#include "base/result.h"
#include "base/time.h"

namespace licet::stack {

// imported < authored < decisions: where two layers declare the same id, the higher one's fields win (and a problem names a same-layer clash).
enum class Layer : std::uint8_t { imported, authored, decisions };

struct Source {
  std::string path;  // relative to the stack folder, as shown to people
  std::string bytes;
  Layer layer = Layer::authored;  // folder imported/ or decisions/ decides; otherwise authored
};

struct Place {
  std::uint32_t file = 0;  // index into Stack::files
  std::uint32_t line = 0;  // from 1
  std::uint32_t column = 0;
};

struct Problem {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string message;  // what is wrong and the remedy; ids and keys of the declaration, never a value that could be PHI
  [[nodiscard]] std::string text() const;  // "file:line:column: message"
};

// A value as the schema typed it. Scalars keep their text; dates, numbers, durations and booleans were checked against the schema.
struct Member;
struct Value {
  enum class Type : std::uint8_t { scalar, list, map };
  Type type = Type::scalar;
  std::string text;                                  // scalar
  std::vector<Value> items;                          // list
  std::vector<Member> members;                       // map, in order
  Place place;                                       // of a scalar: itself; of a list or map: its key

  [[nodiscard]] const Value* find(std::string_view key) const;  // of a map; nullptr: absent
};
struct Member {  // not a std::pair: that can't hold a type which isn't complete yet
  std::string key;
  Value value;
};

struct Document {
  std::string kind;
  std::string id;
  Layer layer = Layer::authored;
  Place place;
  Value fields;  // a map, without kind and id

  // Dotted path: text("covers.regions"). Empty where absent.
  [[nodiscard]] std::string_view text(std::string_view path) const;
  [[nodiscard]] bool flag(std::string_view path, bool otherwise = false) const;
  [[nodiscard]] std::vector<std::string_view> list(std::string_view path) const;  // a lone scalar counts as a list of one
  [[nodiscard]] const Value* find(std::string_view path) const;
};

struct PackRef {
  std::string id;
  std::string version;
};

struct Stack {
  std::string tenant;
  Zone zone = Zone::utc();
  std::vector<PackRef> packs;
  std::vector<std::string> files;
  std::vector<Document> documents;  // sorted by (kind, id)
  Digest digest{};                  // SHA-256 over the sources (path, length, bytes), sorted by path; filled by the caller who has crypto

  [[nodiscard]] const Document* find(std::string_view kind, std::string_view id) const;
  [[nodiscard]] const Document* find(std::string_view id) const;  // ids are unique over all kinds
  [[nodiscard]] std::vector<const Document*> all(std::string_view kind) const;
  [[nodiscard]] std::string where(const Place& place) const;  // "flows.yaml:20"
};

struct Loaded {
  std::optional<Stack> stack;     // absent where there is any problem
  std::vector<Problem> problems;  // all of them, in order of place, at most 200
};
[[nodiscard]] Loaded load(std::span<const Source> sources, const Limits& limits = {});

// A recorded fact (from the ledger, or from a signed export). Patient-keyed ones carry the patient as an opaque token, never an id.
struct Fact {
  std::uint64_t index = 0;  // ledger index
  std::string kind;         // training | access-ended | suspension | suspension-lifted | device-lost | device-wiped | evidence | review |
                            // authorization | consent | restriction | representative | panel | coverage | request | legal-process | revoked | …
  std::string subject;      // id of the declared thing it is about (person, system, organization, agreement, …)
  std::string object;       // a second id: the training, the recipient, the revoked fact's reference, …
  std::string patient;      // opaque token (32 hex digits), or empty
  std::string data_class;   // pattern, or empty
  std::string purpose;
  std::optional<Date> from;
  std::optional<Date> until;  // last day in force
  Micros recorded{};
  std::string by;           // who recorded it
  std::map<std::string, std::string> details;  // what its kind asks for besides: words of its own choices, ids, dates; "a,b" where several
};

// One SQL table's worth of rows. Cells: null, integer, text.
using Cell = std::variant<std::monostate, std::int64_t, std::string>;
struct Table {
  std::string name;
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
};
using Relations = std::vector<Table>;

// The mapping from the schema's fields to tables, fixed for rule authors (hyphens become underscores everywhere):
//   kind K                 → table K(id, layer, file, line, <scalar fields…>); a nested map is flattened: terms.ai-training → terms_ai_training
//   nested map f           → also table K_f(owner, key, value, hours, hours_least, at): a row per single value, at = file:line
//   list of scalars f      → table K_f(owner, value, line)
//   list of maps f         → table K_f(owner, idx, line, <scalar fields…>), and their lists K_f_g(owner, idx, value, line)
//   open map f (any keys)  → table K_f(owner, key, value, line): a row per list item, or one with the scalar
//   booleans 0/1; dates 'YYYY-MM-DD'; a duration d gives d (text), d_hours and d_hours_least: how long it lasts at most and at least
//   what is absent is NULL
// and: stack(tenant, timezone), fact(idx, kind, subject, object, patient, data_class, purpose, from_date, until_date, recorded_date, by)
// and fact_detail(idx, name, value), a row for each word of its details.
// A revoked fact (kind `revoked`, object = its index) is left out. Every kind of the schema has its tables even when no document has that kind.
[[nodiscard]] Relations relations(const Stack& stack, std::span<const Fact> facts);

// JSON Schema (2020-12) of one kind, or of all in one file where kind is empty: for editors.
[[nodiscard]] Result<std::string> json_schema(std::string_view kind);
[[nodiscard]] std::vector<std::string> kinds();

}  // namespace licet::stack
