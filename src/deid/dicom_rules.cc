#include <algorithm>

#include "deid/internal/dicom_rules.h"

namespace licet::deid {
namespace {

using stack::yaml::Member;
using stack::yaml::Node;
using Do = DicomRules::Do;

constexpr std::array<std::string_view, DicomRules::kOptions> kOptionNames = {
    "uids", "device", "institution", "characteristics", "full-dates", "modified-dates", "descriptors", "structured", "graphics"};

Error fault(const stack::Place& place, const std::string& message) {
  return Error{Code::invalid_argument, std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + message};
}

// "(0010,0020)"
Result<std::uint32_t> tag_of(const std::string& text, const stack::Place& place) {
  std::uint32_t tag = 0;
  bool good = text.size() == 11 && text[0] == '(' && text[5] == ',' && text[10] == ')';
  for (std::size_t k = 1; good && k < 10; ++k) {
    if (k == 5) continue;
    const char c = text[k];
    good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    tag = tag << 4 | static_cast<std::uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  if (!good) return fault(place, "'" + text + "' is no tag, as (0010,001c) is");
  return tag;
}

// A dummy is valid where the attribute must have a value, may be empty or may be missing; an empty value where it may be empty or missing.
// Which of them an object's definition asks is not known here: the choice that is right for all.
Result<void> action(const Node& node, DicomRules::Row& row) {
  const std::string& word = node.text;
  if (word == "X")
    row.basic = Do::remove;
  else if (word == "Z" || word == "X/Z")
    row.basic = Do::empty;
  else if (word == "D" || word == "X/D" || word == "Z/D" || word == "X/Z/D" || word == "X/Z/U*")  // the last: its UIDs change
    row.basic = Do::dummy;
  else if (word == "U")
    row.basic = Do::uid;
  else
    return fault(node.place, "'" + word + "' is no action of PS3.15 E.3");
  return {};
}

Result<void> rows(const Node& map, DicomRules& rules) {
  for (const Member& member : map.members) {
    LICET_TRY(tag, tag_of(member.key, member.place));
    DicomRules::Row row{.tag = tag};
    bool acts = false;
    for (const Member& inner : member.value.members) {
      if (inner.key == "name") continue;
      if (inner.key == "do") {
        LICET_TRY_VOID(action(inner.value, row));
        acts = true;
        continue;
      }
      const auto at = std::find(kOptionNames.begin(), kOptionNames.end(), inner.key);
      if (at == kOptionNames.end() || (inner.value.text != "K" && inner.value.text != "C"))
        return fault(inner.place, "'" + inner.key + "' is no option with K or C");
      row.options[static_cast<std::size_t>(at - kOptionNames.begin())] = inner.value.text[0];
    }
    if (!acts) return fault(member.place, member.key + " says not what is done");
    rules.rows.push_back(row);
  }
  std::sort(rules.rows.begin(), rules.rows.end(), [](const auto& a, const auto& b) { return a.tag < b.tag; });
  const auto twice = std::adjacent_find(rules.rows.begin(), rules.rows.end(), [](const auto& a, const auto& b) { return a.tag == b.tag; });
  if (twice != rules.rows.end()) return fault(map.place, "an attribute stands here and in the other file, too");
  return {};
}

Result<void> tags(const Node& document, std::string_view key, std::vector<std::uint32_t>& out) {
  if (const Node* list = document.find(key))
    for (const Node& item : list->items) {
      LICET_TRY(tag, tag_of(item.text, item.place));
      out.push_back(tag);
    }
  std::sort(out.begin(), out.end());
  return {};
}

void words(const Node* map, std::string_view key, std::vector<std::string>& out) {
  if (map == nullptr) return;
  if (const Node* list = map->find(key))
    for (const Node& item : list->items) out.push_back(item.text);
  std::sort(out.begin(), out.end());
}

}  // namespace

Result<void> read_dicom(const Node& document, DicomRules& rules) {
  const Node* kind = document.find("kind");
  if (kind->text == "dicom-table") {
    const Node* attributes = document.find("attributes");
    if (attributes == nullptr) return fault(document.place, "a dicom-table has attributes");
    return rows(*attributes, rules);
  }
  constexpr std::array<std::string_view, 13> kKeys = {"kind",  "id",    "version", "options", "also",          "identifiers", "parts",
                                                      "words", "codes", "bytes",   "refused", "terminologies", "pixels"};
  for (const Member& member : document.members)
    if (std::find(kKeys.begin(), kKeys.end(), member.key) == kKeys.end()) return fault(member.place, "unknown key '" + member.key + "'");
  const Node* options = document.find("options");
  if (options == nullptr) return fault(document.place, "dicom-rules have options");
  for (const Member& member : options->members) {
    const auto at = std::find(kOptionNames.begin(), kOptionNames.end(), member.key);
    if (at == kOptionNames.end()) return fault(member.place, "'" + member.key + "' is no option");
    DicomRules::Taken& taken = rules.options[static_cast<std::size_t>(at - kOptionNames.begin())];
    if (const Node* code = member.value.find("code")) taken.code = code->text;
    if (const Node* name = member.value.find("name")) taken.name = name->text;
    const Node* when = member.value.find("when");
    if (taken.code.empty() || taken.name.empty() || when == nullptr) return fault(member.place, "an option has code, name and when");
    for (const Member& one : when->members) {
      const auto what = kind_of(one.key);
      if (!what) return fault(one.place, "'" + one.key + "' is no kind of identifier");
      for (const Node& item : one.value.items) {
        const auto act = act_of(item.text);
        if (!act) return fault(item.place, "'" + item.text + "' is nothing that a profile does");
        taken.when.emplace_back(*what, *act);
      }
    }
  }
  for (std::size_t n = 0; n < DicomRules::kOptions; ++n)
    if (rules.options[n].code.empty()) return fault(options->place, "it says nothing of option " + std::string(kOptionNames[n]));
  if (const Node* also = document.find("also")) LICET_TRY_VOID(rows(*also, rules));
  if (const Node* map = document.find("identifiers"))
    for (const Member& member : map->members) {
      const auto what = kind_of(member.key);
      if (!what) return fault(member.place, "'" + member.key + "' is no kind of identifier");
      for (const Node& item : member.value.items) {
        LICET_TRY(tag, tag_of(item.text, item.place));
        rules.identifiers.emplace_back(tag, *what);
      }
    }
  std::sort(rules.identifiers.begin(), rules.identifiers.end());
  LICET_TRY_VOID(tags(document, "parts", rules.parts));
  LICET_TRY_VOID(tags(document, "words", rules.words));
  LICET_TRY_VOID(tags(document, "codes", rules.codes));
  LICET_TRY_VOID(tags(document, "bytes", rules.bytes));
  words(&document, "terminologies", rules.terminologies);
  if (const Node* map = document.find("refused"))
    for (const Member& member : map->members) rules.refused.emplace_back(member.key, member.value.text);
  if (const Node* pixels = document.find("pixels")) {
    DicomRules::Pixels& p = rules.pixels;
    words(pixels->find("expected"), "modalities", p.expected_modalities);
    words(pixels->find("expected"), "classes", p.expected_classes);
    words(pixels->find("expected"), "image-types", p.expected_types);
    words(pixels->find("clear"), "modalities", p.clear_modalities);
    words(pixels->find("clear"), "classes", p.clear_classes);
    words(pixels->find("photos"), "modalities", p.photo_modalities);
    words(pixels->find("photos"), "classes", p.photo_classes);
  }
  return {};
}

}  // namespace licet::deid
