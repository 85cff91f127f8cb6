// The class map: what kind of data a FHIR resource is ("clinical.note", "billing.claim", "special.sud"), from packs/classes/*.yaml.
//
//   LICET_TRY(map, ClassMap::load(sources));
//   ResourceFacts facts{.type = "Observation", .categories = {"laboratory"}, …};
//   ClassId cls = map.classify(facts);         // no allocation; what is unmapped is kUnclassified
//
// Pure, immutable once it is in a table, any thread. Labels win over codes, codes over categories, categories over types; special.* wins
// over all, the most protected of several (their order in `classes`). One resource has one class.
// Input of load(): the owner's own files; format: docs/formats/license.md. Input of classify(): untrusted.
// Errors of load(): invalid_argument (file:line).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "stack/stack.h"

namespace licet::license {

using ClassId = Id<struct ClassTag>;
using TypeId = Id<struct TypeTag>;  // a FHIR resource type of the map

struct Coding {
  std::string_view system;
  std::string_view code;
};

// What the filter read of one resource; views into its bytes.
struct ResourceFacts {
  std::string_view type;
  std::span<const Coding> categories;
  std::span<const Coding> codes;   // code, type (DocumentReference), class…
  std::span<const Coding> labels;  // meta.security
};

class ClassMap {
 public:
  [[nodiscard]] static Result<ClassMap> load(std::span<const stack::Source> files);
  // Adds a class that only a declaration names, so that patterns can cover it.
  ClassId intern(std::string_view name);
  [[nodiscard]] ClassId find(std::string_view name) const;
  [[nodiscard]] std::string_view name(ClassId id) const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] ClassId classify(const ResourceFacts& facts) const noexcept;
  // The classes that resources of a type can have: a request for a type is possible where any of them is licensed.
  [[nodiscard]] std::span<const ClassId> of_type(std::string_view type) const;
  [[nodiscard]] TypeId type(std::string_view name) const;  // unknown: the map doesn't name it
  [[nodiscard]] ClassId unclassified() const;

  ClassMap();
  ~ClassMap();
  ClassMap(ClassMap&&) noexcept;
  ClassMap& operator=(ClassMap&&) noexcept;

 private:
  struct Inside;
  std::unique_ptr<Inside> in_;
};

}  // namespace licet::license
