#include "deid/profile.h"

#include <algorithm>
#include <map>

#include "crypto/crypto.h"
#include "deid/internal/dicom_rules.h"
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
    if (kind == "segment-rules") return segments(document);
    if (kind == "xml-rules") return xml(document);
    if (kind == "column-names") return column_names(document);
    if (kind == "dicom-table" || kind == "dicom-rules") {
      if (auto read = read_dicom(document, library_.dicom); !read)
        return Error{read.error().code, source_->path + ":" + read.error().message};
      return {};
    }
    return fault(document.place,
                 "kind is deid-profile, fhir-elements, segment-rules, xml-rules, dicom-rules, dicom-table, column-names or zip3");
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
    library_.fhir.index();
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
    made->index();
    return std::shared_ptr<const Shape>(std::move(made));
  }

  Result<void> xml(const Node& document) {
    XmlRules& rules = library_.ccda;
    if (text(document, "format") != "ccda" || !rules.elements.empty()) return fault(document.place, "xml-rules are of format ccda, once");
    using Role = XmlRules::Role;
    constexpr std::array<std::pair<std::string_view, Role>, 7> kRoles = {{{"inside", Role::inside},
                                                                          {"dates", Role::dates},
                                                                          {"numbers", Role::numbers},
                                                                          {"flags", Role::flags},
                                                                          {"parts", Role::parts},
                                                                          {"words", Role::words},
                                                                          {"narrative", Role::narrative}}};
    const Node* because = document.find("because");
    for (const auto& [key, role] : kRoles) {
      const Node* list = document.find(key);
      if (list == nullptr) return fault(document.place, "xml-rules list " + std::string(key));
      if (role != Role::parts && (because == nullptr || text(*because, key).empty()))
        return fault(list->place, "`because` lacks " + std::string(key));
      for (const Node& item : list->items)
        if (!rules.elements.emplace(item.text, XmlRules::Element{role, Kind::id}).second)
          return fault(item.place, "'" + item.text + "' is listed twice");
    }
    if (const Node* map = document.find("identifiers"))
      for (const stack::yaml::Member& member : map->members) {
        const auto kind = kind_of(member.value.text);
        if (!kind) return fault(member.value.place, "'" + member.value.text + "' is no kind of identifier");
        if (!rules.elements.emplace(member.key, XmlRules::Element{Role::identifier, *kind}).second)
          return fault(member.place, "'" + member.key + "' is listed twice");
      }
    if (const Node* list = document.find("attributes"))
      for (const Node& item : list->items) rules.attributes.insert(item.text);
    if (const Node* list = document.find("terminologies"))
      for (const Node& item : list->items) rules.terminologies.push_back(item.text);
    if (const Node* list = document.find("terminology-roots"))
      for (const Node& item : list->items) rules.terminology_roots.push_back(item.text);
    return {};
  }

  Result<void> column_names(const Node& document) {
    const Node* names = document.find("names");
    if (names == nullptr) return fault(document.place, "column-names has names");
    for (const stack::yaml::Member& member : names->members) {
      if (!kind_of(member.key) && member.key != "number" && member.key != "token" && member.key != "patient")
        return fault(member.place, "'" + member.key + "' is nothing that a column can be");
      for (const Node& item : member.value.items) library_.columns.emplace_back(item.text, member.key);
    }
    return {};
  }

  // ---- HL7 v2 and X12
  using Field = std::shared_ptr<const FieldRule>;

  Result<void> segments(const Node& document) {
    const std::string_view format = text(document, "format");
    if (format != "hl7-v2" && format != "x12") return fault(document.place, "format is hl7-v2 or x12");
    SegmentRules& rules = format == "x12" ? library_.x12 : library_.hl7;
    if (!rules.segments.empty()) return fault(document.place, "rules for " + std::string(format) + " are there twice");
    rules.id = text(document, "id");
    rules.version = text(document, "version");
    if (const Node* list = document.find("terminologies"))
      for (const Node& system : list->items) rules.terminologies.push_back(system.text);
    std::sort(rules.terminologies.begin(), rules.terminologies.end());
    if (const Node* list = document.find("words"))
      for (const Node& word : list->items) rules.words.push_back(word.text);
    std::sort(rules.words.begin(), rules.words.end());
    because_ = document.find("because");
    if (because_ == nullptr || because_->type != Value::Type::map)
      return fault(document.place, "rules say `because` of each look that lets a value stay");
    field_types_.clear();
    if (const Node* types = document.find("types"))
      for (const stack::yaml::Member& member : types->members) {
        LICET_TRY(made, field(member.value));  // a type may name those before it
        field_types_[member.key] = std::move(made);
      }
    if (const Node* patient = document.find("patient"))
      for (const Node& item : patient->items) {
        LICET_TRY(n, ordinal(item.text, item.place));
        rules.patient.push_back(n);
      }
    const Node* all = document.find("segments");
    if (all == nullptr || all->type != Value::Type::map) return fault(document.place, "rules have segments");
    for (const stack::yaml::Member& member : all->members) {
      SegmentRule one;
      one.name = member.key;
      for (const stack::yaml::Member& inner : member.value.members) {
        if (inner.key == "why") {
          one.why = inner.value.text;
        } else if (inner.key == "needs") {
          for (const Node& item : inner.value.items) {
            LICET_TRY(n, ordinal(item.text, item.place));
            one.needs.push_back(n);
          }
        } else if (inner.key == "pairs") {
          for (const Node& item : inner.value.items) {
            if (item.items.size() != 2) return fault(item.place, "a pair is [n, m]");
            LICET_TRY(a, ordinal(item.items[0].text, item.place));
            LICET_TRY(b, ordinal(item.items[1].text, item.place));
            one.pairs.emplace_back(a, b);
          }
        } else {
          LICET_TRY(n, ordinal(inner.key, inner.place));
          LICET_TRY(made, field(inner.value));
          if (one.fields.size() < n) one.fields.resize(n);
          one.fields[n - 1] = std::move(made);
        }
      }
      if (one.why.empty()) return fault(member.place, "segment " + member.key + " says no `why`");
      rules.segments.push_back(std::move(one));
    }
    std::sort(rules.segments.begin(), rules.segments.end(), [](const SegmentRule& a, const SegmentRule& b) { return a.name < b.name; });
    return {};
  }

  Result<std::size_t> ordinal(std::string_view written, const stack::Place& place) const {
    std::size_t n = 0;
    for (const char c : written) {
      if (c < '0' || c > '9' || written.size() > 3) return fault(place, "'" + std::string(written) + "' is no number of a field");
      n = n * 10 + static_cast<std::size_t>(c - '0');
    }
    if (n == 0) return fault(place, "fields and components count from 1");
    return n;
  }

  Result<Field> field(const Node& node) {
    auto made = std::make_shared<FieldRule>();
    if (node.type == Value::Type::scalar) {
      if (!node.text.empty() && node.text[0] >= 'A' && node.text[0] <= 'Z') {
        const auto at = field_types_.find(node.text);
        if (at == field_types_.end()) return fault(node.place, "'" + node.text + "' is no type above");
        return at->second;
      }
      if (const auto is = index_in(kFieldNames, node.text)) {
        made->is = static_cast<FieldRule::Is>(*is);
        if (made->is == FieldRule::Is::patient) made->kind = Kind::id;
        if (made->is == FieldRule::Is::family) made->kind = Kind::name;
        if (made->is == FieldRule::Is::text) made->kind = Kind::text;
        if (text(*because_, node.text).empty()) return fault(node.place, "`because` lacks " + node.text);
      } else if (const auto kind = kind_of(node.text)) {
        made->is = FieldRule::Is::identifier;
        made->kind = *kind;
      } else {
        return fault(node.place, "'" + node.text + "' is neither a kind of identifier nor a look of a value");
      }
      return Field(std::move(made));
    }
    if (node.type != Value::Type::map) return fault(node.place, "a field is a word, components, or a choice");
    if (const Node* by = node.find("by")) {
      LICET_TRY(n, ordinal(by->text, by->place));
      made->is = FieldRule::Is::choose;
      made->by = n;
      for (const stack::yaml::Member& member : node.members) {
        if (member.key == "by") continue;
        LICET_TRY(inner, field(member.value));
        if (member.key == "else")
          made->otherwise = std::move(inner);
        else
          made->cases.emplace_back(member.key, std::move(inner));
      }
      if (made->otherwise == nullptr) return fault(node.place, "a choice says what is done `else`");
      std::sort(made->cases.begin(), made->cases.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      return Field(std::move(made));
    }
    made->is = FieldRule::Is::parts;
    for (const stack::yaml::Member& member : node.members) {
      LICET_TRY(n, ordinal(member.key, member.place));
      LICET_TRY(inner, field(member.value));
      if (made->parts.size() < n) made->parts.resize(n);
      made->parts[n - 1] = std::move(inner);
    }
    return Field(std::move(made));
  }

  // In the order of FieldRule::Is.
  static constexpr std::array<std::string_view, 12> kFieldNames = {"drop",    "token", "number", "sign",    "time",   "coded",
                                                                   "display", "text",  "count",  "patient", "family", "control"};
  static_assert(static_cast<int>(FieldRule::Is::control) == 11);
  const Node* because_ = nullptr;
  std::map<std::string, Field, std::less<>> field_types_;

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
std::optional<Act> act_of(std::string_view name) {
  const auto at = index_in(kActNames, name);
  if (!at) return std::nullopt;
  return static_cast<Act>(*at);
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

void Shape::index() {
  std::vector<std::string_view> keys;
  for (const Element& element : elements) keys.push_back(element.key);
  keys_.build(keys);
}
void FhirMap::index() {
  std::vector<std::string_view> names;
  for (const auto& [name, shape] : types) names.push_back(name);
  types_.build(names);
  systems_.build(terminologies);
  below_.clear();
  for (const std::string& system : terminologies)
    if (system.ends_with('/')) below_.push_back(system);
}
const Shape* FhirMap::find(std::string_view type) const {
  const auto n = types_.find(type, codec::key_words(type), [&](std::size_t k) -> std::string_view { return types[k].first; });
  return n ? types[*n].second.get() : nullptr;
}
bool FhirMap::published(std::string_view system) const {
  if (systems_.find(system, codec::key_words(system), [&](std::size_t k) -> std::string_view { return terminologies[k]; })) return true;
  return std::any_of(below_.begin(), below_.end(), [&](const std::string& root) { return system.starts_with(root); });
}

const SegmentRule* SegmentRules::find(std::string_view name) const {
  const auto at =
      std::lower_bound(segments.begin(), segments.end(), name, [](const SegmentRule& s, std::string_view n) { return s.name < n; });
  return at != segments.end() && at->name == name ? &*at : nullptr;
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
