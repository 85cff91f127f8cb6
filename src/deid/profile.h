// What is done with each kind of identifier, by what right: profiles as data (packs/deid/*.yaml).
//
//   LICET_TRY(library, deid::load_library(sources));              // every file of packs/deid
//   const Profile* p = library.find("safe-harbor");
//   p->form == Form::deidentified;  p->rule(Kind::zip).act == Act::zip3;  p->rule(Kind::zip).cites == "164.514(b)(2)(i)(B)"
//
// A profile is labeled by what its output is in law: *deidentified* (Safe Harbor; its other condition, no actual knowledge, is a person's
// attestation), *limited* (a limited data set: still PHI, under a data use agreement), or *pseudonymized* (PHI like any other). load()
// holds a profile to its label: where the law says "remove", a rule that keeps is an error of the file, whatever else it says.
//
// Pure; a Library is immutable and safe on any thread. Errors: invalid_argument with file:line:column. Source: 45 CFR 164.514(b)(2), (c),
// (e)(2).
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/words.h"
#include "stack/stack.h"

namespace licet::deid {

// What something is. One list for text and structured data; `clause` is the letter of 164.514(b)(2)(i).
enum class Kind : std::uint8_t {
  name,
  relative,      // "mother of three": who they are, without a name
  organization,  // an employer, school or facility by name
  street,
  city,
  county,
  zip,
  state,
  country,
  date,
  age,
  phone,
  fax,
  email,
  ssn,
  mrn,
  plan,  // health plan beneficiary number
  account,
  license,  // certificates and licenses, DEA and NPI numbers
  vehicle,
  device,
  url,
  ip,
  biometric,
  photo,
  id,     // any other unique number or code; in FHIR the logical id
  trait,  // any other characteristic: labels such as "celebrity"
  text,   // words that a person wrote: nothing is known of them until the text engine has read them
};
inline constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::text) + 1;
[[nodiscard]] std::string_view name(Kind kind);  // "zip"
[[nodiscard]] char clause(Kind kind);            // 'B'; '-' where the law names none
[[nodiscard]] std::optional<Kind> kind_of(std::string_view name);

enum class Act : std::uint8_t {
  drop,  // structured: the element goes; text: as redact
  keep,
  redact,     // text: a typed tag, [NAME]
  surrogate,  // text: an invented value of the same kind, the same one for the same original
  code,       // a random code (164.514(c)), the same one for the same original
  shift,      // dates: by the patient's own number of days
  year,       // dates: the year; none where it tells of an age over 89
  zip3,       // the first three digits, 000 where 20,000 or fewer people live there
  age90,      // ages over 89 become 90 or older; others stay
  scrub,      // text only: the text engine takes out what it finds
};
[[nodiscard]] std::string_view name(Act act);
[[nodiscard]] std::optional<Act> act_of(std::string_view name);

enum class Form : std::uint8_t { deidentified, limited, pseudonymized };
[[nodiscard]] std::string_view name(Form form);

struct Rule {
  Act act = Act::drop;
  std::string cites;
};

struct Profile {
  std::string id, version, title;
  Form form = Form::pseudonymized;
  std::string label;  // code of HL7 v3-ObservationValue that goes into meta.security: ANONYED, REDACTED, PSEUDED
  std::array<Rule, kKinds> rules;
  [[nodiscard]] const Rule& rule(Kind kind) const { return rules[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] std::string named() const { return id + "@" + version; }
};

// What each element of a FHIR R4 resource is (packs/deid/fhir-r4.yaml). What isn't listed is dropped.
struct Shape;
struct Element {
  std::string key;
  // What a value of it must look like; anything else is dropped, so that no name fits where a code should be.
  enum class Is : std::uint8_t {
    shape,       // an object (or list of them): `shape`
    identifier,  // a string that is `kind`
    token,       // a code: at most 64 letters, digits and ._:/|#+- without spaces
    uri,         // of a terminology or unit system: http, https, urn; no query, no '@'
    number,
    flag,
    display,    // the words of a code of a published terminology; of any other it is text
    date,       // date or dateTime: kind date
    instant,    // the same, but FHIR allows no part of it: dropped where only a part may stay
    reference,  // Type/id or urn:uuid: kind id
    age,        // a Quantity (`shape`): kind age
    base64,     // text in base64: kind text
    xhtml,      // a narrative: kind text
  };
  Is is = Is::shape;
  Kind kind = Kind::id;
  std::shared_ptr<const Shape> shape;
};
struct Shape {
  std::vector<Element> elements;  // sorted by key
  [[nodiscard]] const Element* find(std::string_view key) const { return find(key, codec::key_words(key)); }
  [[nodiscard]] const Element* find(std::string_view key, const codec::KeyWords& words) const {
    const auto n = keys_.find(key, words, [&](std::size_t k) -> std::string_view { return elements[k].key; });
    return n ? &elements[*n] : nullptr;
  }
  void index();  // once elements are complete

 private:
  codec::KeyIndex keys_;  // each key of each resource is looked up
};
struct FhirMap {
  std::vector<std::pair<std::string, std::shared_ptr<const Shape>>> types;  // sorted
  std::vector<std::string> terminologies;                                   // systems whose displays are published words; sorted
  [[nodiscard]] const Shape* find(std::string_view type) const;
  [[nodiscard]] bool published(std::string_view system) const;
  void index();  // once both are complete

 private:
  codec::KeyIndex types_, systems_;
  std::vector<std::string> below_;  // terminologies that end with a slash: all below them
};

// What the fields of segments are (packs/deid/hl7-v2.yaml, x12.yaml). What isn't listed is dropped.
struct FieldRule {
  // What a value of it must look like to stay; anything else is dropped.
  enum class Is : std::uint8_t {
    drop,
    token,    // a code: at most 64 letters, digits and ._:/|#+- without spaces
    number,   // a decimal
    sign,     // a comparator or separator: <, >=, -, :
    time,     // a time of day
    coded,    // a token with a coding system two components on; without one it is text
    display,  // the words of a code whose system, one component on, is a published terminology; of any other it is text
    text,     // words
    count,    // of what is written in this batch, set or group
    patient,  // the number that says whose record it is: kind id, and dates move with it
    family,   // kind name, a family name
    control,  // what says that a head and its end belong together: a token
    identifier,
    parts,   // components: `parts`
    choose,  // by another field's, or component's, value: `by`, `cases`, `otherwise`
  };
  Is is = Is::drop;
  Kind kind = Kind::id;
  std::vector<std::shared_ptr<const FieldRule>> parts;  // [n - 1] of component n; null: not listed
  std::size_t by = 0;                                   // of field or component n
  std::vector<std::pair<std::string, std::shared_ptr<const FieldRule>>> cases;
  std::shared_ptr<const FieldRule> otherwise;
};
struct SegmentRule {
  std::string name, why;
  std::vector<std::shared_ptr<const FieldRule>> fields;    // [n - 1]
  std::vector<std::size_t> needs;                          // one of these empty in the end: the segment goes
  std::vector<std::pair<std::size_t, std::size_t>> pairs;  // both or neither
};
struct SegmentRules {
  std::string id, version;
  std::vector<SegmentRule> segments;       // sorted by name
  std::vector<std::string> terminologies;  // coding systems whose displays are published words; sorted
  std::vector<std::string> words;          // codes that aren't one word: "UNICODE UTF-8"; sorted
  std::vector<std::size_t> patient;        // HL7: fields of PID that say whose dates precede it, the first that isn't empty
  [[nodiscard]] const SegmentRule* find(std::string_view name) const;
};

// What the elements of C-CDA documents are (packs/deid/ccda.yaml). What isn't listed is dropped.
struct XmlRules {
  enum class Role : std::uint8_t { unlisted, inside, dates, numbers, flags, parts, words, narrative, identifier };
  struct Element {
    Role role = Role::unlisted;
    Kind kind = Kind::id;
  };
  std::map<std::string, Element, std::less<>> elements;
  std::set<std::string, std::less<>> attributes;
  std::vector<std::string> terminologies, terminology_roots;  // OIDs of code systems whose display names are published words
};

// What becomes of DICOM attributes (packs/deid/dicom.yaml) and what the standard's profile says of them (dicom-table.yaml: PS3.15 E.1-1).
struct DicomRules {
  enum class Do : std::uint8_t { remove, empty, dummy, uid, keep, clean };  // X, Z, D, U, K, C
  // The options of the confidentiality profile, in the order of their names in the files.
  enum class Option : std::uint8_t {
    uids,
    device,
    institution,
    characteristics,
    full_dates,
    modified_dates,
    descriptors,
    structured,
    graphics
  };
  static constexpr std::size_t kOptions = 9;
  struct Taken {
    std::string code, name;                  // of PS3.16 CID 7050
    std::vector<std::pair<Kind, Act>> when;  // the profile does one of these
  };
  struct Row {
    std::uint32_t tag = 0;
    Do basic = Do::remove;                 // of X/Z/D and the like the strictest that any object's definition allows
    std::array<char, kOptions> options{};  // 'K', 'C' or 0
  };
  struct Pixels {
    std::vector<std::string> expected_modalities, expected_classes, expected_types, clear_modalities, clear_classes, photo_modalities,
        photo_classes;  // sorted
  };
  std::array<Taken, kOptions> options;
  std::vector<Row> rows;                                     // sorted by tag
  std::vector<std::pair<std::uint32_t, Kind>> identifiers;   // sorted by tag
  std::vector<std::uint32_t> parts, words, codes, bytes;     // sorted
  std::vector<std::string> terminologies;                    // sorted
  std::vector<std::pair<std::string, std::string>> refused;  // SOP class, why
  Pixels pixels;
};

// Three-digit ZIP areas of 20,000 people or fewer: the union of dated lists, because the rule says "current" and censuses differ.
struct ZipTable {
  std::bitset<1000> small;
  // "45990-1234" → "459" or "000"; empty where it is no ZIP code.
  [[nodiscard]] std::string generalize(std::string_view zip) const;
};

struct Library {
  std::vector<Profile> profiles;
  FhirMap fhir;
  SegmentRules hl7, x12;
  XmlRules ccda;
  DicomRules dicom;
  std::vector<std::pair<std::string, std::string>> columns;  // "date of birth" → "date" (packs/deid/columns.yaml)
  ZipTable zips;
  Digest digest{};  // of the files
  [[nodiscard]] const Profile* find(std::string_view id) const;
};

// sources: {path, bytes} of the *.yaml files of packs/deid.
[[nodiscard]] Result<Library> load_library(std::span<const stack::Source> sources);

}  // namespace licet::deid
