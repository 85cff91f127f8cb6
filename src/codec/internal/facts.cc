#include <algorithm>

#include "codec/internal/tape.h"
#include "codec/words.h"

namespace licet::codec::internal {
namespace {

void add_once(std::vector<std::string_view>& to, std::string_view what) {
  if (std::find(to.begin(), to.end(), what) == to.end()) to.push_back(what);
}

// A code, Coding, CodeableConcept, or an array of these → its codings.
void add_codings(const Tape& t, std::uint32_t value, std::vector<Coding>& to, std::deque<std::string>& arena) {
  const char c = t.at(value);
  if (c == '"') {
    to.push_back({{}, plain(t, value, arena)});
  } else if (c == '[') {
    each_element(t, value, [&](std::uint32_t element) {
      add_codings(t, element, to, arena);
      return true;
    });
  } else if (c == '{') {
    Coding coding;
    each_member(t, value, [&](std::uint32_t key_token, std::uint32_t v) {
      std::string spelled;
      const std::string_view key = t.key(key_token, spelled);
      if (key == "coding" && t.opens(v)) add_codings(t, v, to, arena);
      if (t.at(v) == '"') {
        if (key == "system") coding.system = plain(t, v, arena);
        if (key == "code") coding.code = plain(t, v, arena);
      }
      return true;
    });
    if (!coding.code.empty()) to.push_back(coding);
  }
}

void read_meta(const Tape& t, std::uint32_t meta, ResourceScan* scan, std::vector<Coding>& labels, std::deque<std::string>& arena) {
  if (t.at(meta) != '{') return;
  each_member(t, meta, [&](std::uint32_t key_token, std::uint32_t v) {
    std::string spelled;
    const std::string_view key = t.key(key_token, spelled);
    if (key == "security") add_codings(t, v, labels, arena);
    if (scan != nullptr && t.at(v) == '"') {
      if (key == "versionId") scan->version = plain(t, v, arena);
      if (key == "lastUpdated") scan->last_updated = plain(t, v, arena);
    }
    return true;
  });
}

bool names_what_it_is_of(std::string_view key) {
  switch (key[0]) {
    case 'c':
      return key == "code" || key == "class";
    case 't':
      return key == "type";
    case 's':
      return key == "serviceType" || key == "scope";
    case 'v':
      return key == "vaccineCode";
    case 'm':
      return key == "medicationCodeableConcept";
    default:
      return false;
  }
}

}  // namespace

const char* Facts::read(const Tape& t, std::uint32_t object, const Walker& walker, ResourceScan& scan, std::deque<std::string>& arena) {
  scan.bytes = t.raw(object);
  scan.type = scan.id = scan.version = scan.last_updated = {};
  scan.categories.clear();
  scan.codes.clear();
  scan.labels.clear();
  scan.patients.clear();
  scan.mentions.clear();
  scan.actors.clear();
  scan.members.clear();
  scan.unresolved = scan.in_compartment = false;
  scan.contained = 0;
  scan.tape = &t;
  const char* problem = nullptr;
  each_member(t, object, [&](std::uint32_t key_token, std::uint32_t v) {
    const std::string_view key = t.escaped_keys ? plain(t, key_token, arena) : t.text(key_token);
    ResourceScan::Member& member = scan.members.emplace_back();  // filled where it stands: a copy would wait for what it copies
    member.key = key;
    member.value = t.raw(v);
    member.first = v;
    member.last = t.last_of(v) + 1;
    if (key.empty()) return true;
    switch (key[0]) {
      case 'r':
        if (key == "resourceType" && t.at(v) == '"') scan.type = plain(t, v, arena);
        break;
      case 'i':
        if (key == "id") {
          if (t.at(v) != '"' || !is_id(t.text(v))) problem = "an id that isn't one";
          scan.id = t.text(v);
        }
        break;
      case 's':
        if (key == "securityLabel") add_codings(t, v, scan.labels, arena);  // DocumentReference's and DocumentManifest's own
        break;
      case 'm':
        if (key == "meta") read_meta(t, v, &scan, scan.labels, arena);
        break;
      case 'c':
        if (key == "category") add_codings(t, v, scan.categories, arena);
        if (key == "contained" && t.at(v) == '[') {
          each_element(t, v, [&](std::uint32_t inner) {
            ++scan.contained;
            if (t.at(inner) != '{') return true;
            return each_member(t, inner, [&](std::uint32_t inner_key, std::uint32_t inner_value) {
              std::string spelled;
              if (t.key(inner_key, spelled) == "meta") read_meta(t, inner_value, nullptr, scan.labels, arena);
              return true;
            });
          });
        }
        break;
      default:
        break;
    }
    if (names_what_it_is_of(key)) add_codings(t, v, scan.codes, arena);
    return true;
  });
  if (scan.type.empty()) return "no resourceType";
  if (problem != nullptr) return problem;
  if (type_ == nullptr || type_->name != scan.type) type_ = find_type(scan.type);
  scan.in_compartment = type_ != nullptr && (scan.type == "Patient" || !type_->compartment.empty());
  if (scan.type == "Patient") {
    if (scan.id.empty())
      scan.unresolved = true;
    else
      scan.patients.push_back(scan.id);
  }
  references(t, walker, scan, arena);
  return nullptr;
}

std::string_view Facts::local(std::string_view literal) const {
  for (const std::string& base : bases_)
    if (literal.size() > base.size() && literal.starts_with(base) && literal[base.size()] == '/') return literal.substr(base.size() + 1);
  if (literal.find(':') != std::string_view::npos || literal.starts_with('/') || literal.starts_with('#')) return {};
  return literal;
}

void Facts::references(const Tape& t, const Walker& walker, ResourceScan& scan, std::deque<std::string>& arena) {
  const std::vector<CompartmentPath> none;
  const std::vector<CompartmentPath>& paths = type_ != nullptr ? compartment_of(*type_) : none;
  for (const ReferenceSpot& spot : walker.references()) {
    const CompartmentPath* place = nullptr;
    for (const CompartmentPath& path : paths) {
      if (path.length != spot.depth) continue;
      bool same = true;
      std::string spelled;
      for (std::size_t k = 0; k < path.length && same; ++k) same = t.key(spot.keys[k], spelled) == path.keys[k];
      if (same) place = &path;
    }
    const std::string_view written = plain(t, spot.value, arena);
    // Most are "Type/id": letters, a slash, and what can be nothing but an id.
    std::size_t slash = 0;
    while (slash < written.size() && ((written[slash] | 0x20) >= 'a' && (written[slash] | 0x20) <= 'z')) ++slash;
    std::string_view literal = written, id;
    if (slash < written.size() && slash != 0 && written[slash] == '/') id = written.substr(slash + 1);
    if (!is_id(id) || std::find(bases_.begin(), bases_.end(), written.substr(0, slash)) != bases_.end()) {
      literal = local(written);
      slash = literal.find('/');
      id = slash == std::string_view::npos ? std::string_view{} : literal.substr(slash + 1);
      if (const std::size_t history = id.find("/_history/"); history != std::string_view::npos) id = id.substr(0, history);
      if (!is_id(id)) id = {};
    }
    const std::string_view type = literal.substr(0, slash == std::string_view::npos ? 0 : slash);
    if (type.empty() || id.empty()) {
      // Not a plain local literal: `#x`, urn:, another server's, Patient?identifier=…
      const bool foreign_patient = written.find("Patient/") != std::string_view::npos;
      if (place != nullptr && (place->primary || foreign_patient)) scan.unresolved = true;
    } else if (type == "Patient") {
      add_once(place != nullptr ? scan.patients : scan.mentions, id);
    } else if (type == "Practitioner" || type == "PractitionerRole" || type == "Organization" || type == "CareTeam") {
      add_once(scan.actors, literal.substr(0, slash + 1 + id.size()));
    }
  }
  std::erase_if(scan.mentions,
                [&](std::string_view id) { return std::find(scan.patients.begin(), scan.patients.end(), id) != scan.patients.end(); });
  // The element that says whose record it is, without a literal reference: by identifier or display only.
  if (!scan.patients.empty()) return;
  for (const CompartmentPath& path : paths) {
    if (!path.primary || path.length != 1) continue;
    for (const ResourceScan::Member& member : scan.members) {
      if (member.key != path.keys[0] || member.value[0] != '{') continue;
      const bool literal = !each_member(t, member.first, [&](std::uint32_t key, std::uint32_t) {
        std::string spelled;
        return t.key(key, spelled) != "reference";
      });
      if (!literal) scan.unresolved = true;
    }
  }
}

}  // namespace licet::codec::internal
