#include "deid/profile.h"

#include <algorithm>
#include <map>

#include "crypto/crypto.h"
#include "stack/yaml.h"

namespace licet::deid {
namespace {

using stack::Value;
using stack::yaml::Node;

struct KindRow {
  std::string_view name;
  char clause;          // of 164.514(b)(2)(i)
  bool out_of_limited;  // one of the sixteen of 164.514(e)(2)
};
constexpr std::array<KindRow, kKinds> kKindRows = {{
    {"name", 'A', true},    {"relative", '-', false}, {"organization", 'B', false},
    {"street", 'B', true},  {"city", 'B', false},     {"county", 'B', false},
    {"zip", 'B', false},    {"state", '-', false},    {"country", '-', false},
    {"date", 'C', false},   {"age", 'C', false},      {"phone", 'D', true},
    {"fax", 'E', true},     {"email", 'F', true},     {"ssn", 'G', true},
    {"mrn", 'H', true},     {"plan", 'I', true},      {"account", 'J', true},
    {"license", 'K', true}, {"vehicle", 'L', true},   {"device", 'M', true},
    {"url", 'N', true},     {"ip", 'O', true},        {"biometric", 'P', true},
    {"photo", 'Q', true},   {"id", 'R', false},       {"trait", 'R', false},
    {"text", '-', false},
}};
constexpr std::array<std::string_view, 10> kActNames = {"drop",  "keep", "redact", "surrogate", "code",
                                                        "shift", "year", "zip3",   "age90",     "scrub"};

template <std::size_t N>
std::optional<std::size_t> index_in(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) return std::nullopt;
  return static_cast<std::size_t>(at - names.begin());
}

// What the law lets a rule of such a profile do. (What it lets be kept is still the profile's to say.)
bool lawful(Form form, Kind kind, Act act) {
  const bool keeps = act == Act::keep;
  const KindRow& row = kKindRows[static_cast<std::size_t>(kind)];
  switch (form) {
    case Form::pseudonymized:
      return true;
    case Form::limited:
      // A code in place of a direct identifier is none of the sixteen; the identifier itself may not stay.
      return !(row.out_of_limited && keeps) && !(kind == Kind::text && keeps);
    case Form::deidentified:
      if (kind == Kind::text) return !keeps;
      if (row.clause == '-') return true;
      // Dates, ages and ZIP codes have the one generalization that the law gives them; shifted dates are still elements of dates.
      if (act == Act::year) return kind == Kind::date;
      if (act == Act::zip3) return kind == Kind::zip;
      if (act == Act::age90) return kind == Kind::age;
      return act == Act::drop || act == Act::redact || act == Act::surrogate || act == Act::code;
  }
  return false;
}
// What makes sense for a kind at all.
bool fits(Kind kind, Act act) {
  switch (act) {
    case Act::drop:
    case Act::keep:
      return true;
    case Act::redact:
    case Act::surrogate:
    case Act::code:
      return kind != Kind::text;
    case Act::shift:
    case Act::year:
      return kind == Kind::date;
    case Act::zip3:
      return kind == Kind::zip;
    case Act::age90:
      return kind == Kind::age;
    case Act::scrub:
      return kind == Kind::text;
  }
  return false;
}

class Loader {
 public:
  Result<Library> run(std::span<const stack::Source> sources) {
    std::vector<std::pair<const stack::Source*, stack::yaml::Parsed>> files;
    for (const stack::Source& source : sources) {
      source_ = &source;
      stack::yaml::Parsed parsed = stack::yaml::parse(source.bytes);
      if (!parsed.faults.empty()) return fault(parsed.faults[0].place, parsed.faults[0].message);
      files.emplace_back(&source, std::move(parsed));
    }
    for (const auto& [source, parsed] : files) {
      source_ = source;
      for (const Node& document : parsed.documents) LICET_TRY_VOID(one(document));
    }
    if (library_.fhir.types.empty()) return Error{Code::invalid_argument, "packs/deid: no kind: fhir-elements among its files"};
    if (library_.zips.small.none()) return Error{Code::invalid_argument, "packs/deid: no kind: zip3 among its files"};
    crypto::Sha256 hash;
    for (const stack::Source& source : sources) {
      hash.update(source.path + '\n' + std::to_string(source.bytes.size()) + '\n');
      hash.update(source.bytes);
    }
    library_.digest = hash.finish();
    return std::move(library_);
  }

 private:
  Error fault(const stack::Place& place, std::string_view message) const {
    return Error{Code::invalid_argument,
                 source_->path + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + std::string(message)};
  }
  static std::string_view text(const Node& map, std::string_view key) {
    const Node* node = map.find(key);
    return node == nullptr ? std::string_view{} : std::string_view(node->text);
  }

  Result<void> one(const Node& document) {
    const std::string_view kind = text(document, "kind");
    if (kind == "deid-profile") return profile(document);
    if (kind == "fhir-elements") return elements(document);
    if (kind == "zip3") return zip3(document);
    return fault(document.place, "kind is deid-profile, fhir-elements or zip3");
  }

  Result<void> profile(const Node& document) {
    Profile p;
    for (const stack::yaml::Member& member : document.members)
      if (member.key != "kind" && member.key != "id" && member.key != "version" && member.key != "title" && member.key != "form" &&
          member.key != "label" && member.key != "rules")
        return fault(member.place, "unknown key '" + member.key + "'");
    p.id = text(document, "id");
    p.version = text(document, "version");
    p.title = text(document, "title");
    p.label = text(document, "label");
    if (p.id.empty() || p.version.empty()) return fault(document.place, "a profile has an id and a version");
    if (library_.find(p.id) != nullptr) return fault(document.place, "profile " + p.id + " is there twice");
    const std::string_view form = text(document, "form");
    if (form == "deidentified")
      p.form = Form::deidentified;
    else if (form == "limited")
      p.form = Form::limited;
    else if (form == "pseudonymized")
      p.form = Form::pseudonymized;
    else
      return fault(document.place, "form is deidentified, limited or pseudonymized");
    const Node* rules = document.find("rules");
    if (rules == nullptr || rules->type != Value::Type::map) return fault(document.place, "a profile has rules");
    std::bitset<kKinds> said;
    for (const stack::yaml::Member& member : rules->members) {
      const auto kind = kind_of(member.key);
      if (!kind) return fault(member.place, "'" + member.key + "' is no kind of identifier");
      const auto act = index_in(kActNames, text(member.value, "do"));
      if (!act || !fits(*kind, static_cast<Act>(*act)))
        return fault(member.place, "`do` of " + member.key + " is not something that can be done with it");
      Rule& rule = p.rules[static_cast<std::size_t>(*kind)];
      rule.act = static_cast<Act>(*act);
      rule.cites = text(member.value, "cites");
      if (rule.cites.empty()) return fault(member.place, "the rule for " + member.key + " cites nothing");
      if (!lawful(p.form, *kind, rule.act))
        return fault(member.place,
                     "a profile of form " + std::string(form) + " can't " + std::string(deid::name(rule.act)) + " " + member.key);
      said.set(static_cast<std::size_t>(*kind));
    }
    for (std::size_t k = 0; k < kKinds; ++k)
      if (!said[k]) return fault(rules->place, "no rule for " + std::string(kKindRows[k].name) + ": every kind is decided by name");
    library_.profiles.push_back(std::move(p));
    return {};
  }

  Result<void> zip3(const Node& document) {
    const Node* lists = document.find("lists");
    if (lists == nullptr || lists->type != Value::Type::list) return fault(document.place, "zip3 has lists, each with its census");
    for (const Node& list : lists->items) {
      const Node* areas = list.find("areas");
      if (areas == nullptr || text(list, "census").empty() || text(list, "source").empty())
        return fault(list.place, "a list has census, source and areas");
      for (const Node& area : areas->items) {
        if (area.text.size() != 3 || area.text.find_first_not_of("0123456789") != std::string::npos)
          return fault(area.place, "an area is three digits");
        library_.zips.small.set(static_cast<std::size_t>((area.text[0] - '0') * 100 + (area.text[1] - '0') * 10 + (area.text[2] - '0')));
      }
    }
    return {};
  }

  Result<void> elements(const Node& document) {
    if (const Node* list = document.find("terminologies"))
      for (const Node& system : list->items) library_.fhir.terminologies.push_back(system.text);
    std::sort(library_.fhir.terminologies.begin(), library_.fhir.terminologies.end());
    if (const Node* shapes = document.find("shapes"))
      for (const stack::yaml::Member& member : shapes->members) {
        LICET_TRY(made, shape(member.value));  // a shape may name those before it
        shapes_[member.key] = std::move(made);
      }
    const Node* types = document.find("types");
    if (types == nullptr) return fault(document.place, "fhir-elements has types");
    for (const stack::yaml::Member& member : types->members) {
      LICET_TRY(made, shape(member.value));
      library_.fhir.types.emplace_back(member.key, std::move(made));
    }
    std::sort(library_.fhir.types.begin(), library_.fhir.types.end());
    return {};
  }

  Result<std::shared_ptr<const Shape>> shape(const Node& node) {
    if (node.type == Value::Type::scalar) {
      const auto at = shapes_.find(node.text);
      if (at == shapes_.end()) return fault(node.place, "'" + node.text + "' is no shape above");
      return at->second;
    }
    if (node.type != Value::Type::map) return fault(node.place, "a shape is a map of elements");
    auto made = std::make_shared<Shape>();
    for (const stack::yaml::Member& member : node.members) {
      Element element;
      element.key = member.key;
      const Node& value = member.value;
      const bool word = value.type == Value::Type::scalar && !value.text.empty() && value.text[0] >= 'a' && value.text[0] <= 'z';
      if (!word) {
        LICET_TRY(inner, shape(value));
        element.shape = std::move(inner);
      } else if (const auto is = index_in(kIsNames, value.text)) {
        element.is = static_cast<Element::Is>(*is + 2);
        if (element.is == Element::Is::age) {
          const auto quantity = shapes_.find("Quantity");
          if (quantity == shapes_.end()) return fault(value.place, "an age is a Quantity, and there is no such shape above");
          element.shape = quantity->second;
        }
      } else if (const auto kind = kind_of(value.text)) {
        element.is = Element::Is::identifier;
        element.kind = *kind;
      } else {
        return fault(value.place, "'" + value.text + "' is neither a kind of identifier nor of value");
      }
      made->elements.push_back(std::move(element));
    }
    std::sort(made->elements.begin(), made->elements.end(), [](const Element& a, const Element& b) { return a.key < b.key; });
    return std::shared_ptr<const Shape>(std::move(made));
  }

  // In the order of Element::Is, from token on. (`date` and `age` are kinds, too; in FHIR they are values of a certain look.)
  static constexpr std::array<std::string_view, 11> kIsNames = {"token",   "uri",       "number", "flag",   "display", "date",
                                                                "instant", "reference", "age",    "base64", "xhtml"};
  static_assert(static_cast<int>(Element::Is::token) == 2 && static_cast<int>(Element::Is::xhtml) == 12);

  Library library_;
  const stack::Source* source_ = nullptr;
  std::map<std::string, std::shared_ptr<const Shape>, std::less<>> shapes_;
};

}  // namespace

std::string_view name(Kind kind) {
  return kKindRows[static_cast<std::size_t>(kind)].name;
}
char clause(Kind kind) {
  return kKindRows[static_cast<std::size_t>(kind)].clause;
}
std::optional<Kind> kind_of(std::string_view name) {
  for (std::size_t k = 0; k < kKinds; ++k)
    if (kKindRows[k].name == name) return static_cast<Kind>(k);
  return std::nullopt;
}
std::string_view name(Act act) {
  return kActNames[static_cast<std::size_t>(act)];
}
std::string_view name(Form form) {
  switch (form) {
    case Form::deidentified:
      return "deidentified";
    case Form::limited:
      return "limited";
    case Form::pseudonymized:
      return "pseudonymized";
  }
  return "?";
}

const Element* Shape::find(std::string_view key) const {
  const auto at = std::lower_bound(elements.begin(), elements.end(), key, [](const Element& e, std::string_view k) { return e.key < k; });
  return at != elements.end() && at->key == key ? &*at : nullptr;
}
const Shape* FhirMap::find(std::string_view type) const {
  const auto at = std::lower_bound(types.begin(), types.end(), type, [](const auto& t, std::string_view n) { return t.first < n; });
  return at != types.end() && at->first == type ? at->second.get() : nullptr;
}

std::string ZipTable::generalize(std::string_view zip) const {
  const auto digits = [&](std::size_t from, std::size_t count) {
    if (zip.size() < from + count) return false;
    return std::all_of(zip.begin() + static_cast<std::ptrdiff_t>(from), zip.begin() + static_cast<std::ptrdiff_t>(from + count),
                       [](char c) { return c >= '0' && c <= '9'; });
  };
  const bool five = zip.size() == 5 && digits(0, 5);
  const bool nine = (zip.size() == 10 && digits(0, 5) && zip[5] == '-' && digits(6, 4)) || (zip.size() == 9 && digits(0, 9));
  if (!five && !nine) return {};
  const auto area = static_cast<std::size_t>((zip[0] - '0') * 100 + (zip[1] - '0') * 10 + (zip[2] - '0'));
  return small[area] ? "000" : std::string(zip.substr(0, 3));
}

const Profile* Library::find(std::string_view id) const {
  for (const Profile& p : profiles)
    if (p.id == id) return &p;
  return nullptr;
}

Result<Library> load_library(std::span<const stack::Source> sources) {
  return Loader().run(sources);
}

}  // namespace licet::deid
