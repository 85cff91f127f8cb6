#include "deid/ccda.h"

#include <algorithm>
#include <pugixml.hpp>

namespace licet::deid {
namespace {

using Role = XmlRules::Role;

constexpr std::size_t kDeepest = 256;
constexpr std::string_view kXsi = "http://www.w3.org/2001/XMLSchema-instance";
constexpr std::string_view kSdtc = "urn:hl7-org:sdtc";

std::string_view local(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

void escape(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r')
      out += ' ';
    else
      out += c;
  }
}

// What a value of an element is, from the elements that it stands in.
enum class Value : std::uint8_t { none, date, number, flag, text };

class Writer {
 public:
  Writer(const Library& library, const Profile& profile, CcdaRun& run)
      : rules_(library.ccda), profile_(profile), run_(run), c_(run.values) {
    scrubs_ = profile_.rule(Kind::text).act == Act::scrub && run_.pieces != nullptr;
    if (run_.pieces != nullptr) run_.pieces->clear();
  }

  void document(const pugi::xml_node& root) {
    out_ = R"(<?xml version="1.0" encoding="UTF-8"?>)";
    out_ += "\n<ClinicalDocument xmlns=\"urn:hl7-org:v3\" xmlns:xsi=\"";
    out_.append(kXsi).append("\" xmlns:sdtc=\"").append(kSdtc).append("\"");
    attributes(root, Value::none);
    out_ += '>';
    children(root, Value::none, false, 1);
    out_ += "</ClinicalDocument>\n";
  }
  // The names, numbers and addresses of everybody in the document, also where it is dropped.
  void learn(const pugi::xml_node& node, std::size_t depth = 0) {
    if (!scrubs_ || depth > kDeepest) return;
    for (const pugi::xml_node& child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const std::string_view name = local(child.name()), parent = local(node.name());
      Kind kind = Kind::text;
      std::string words;
      if (name == "given" || name == "family" || (name == "name" && (parent == "patient" || parent.ends_with("Person"))))
        kind = Kind::name;
      else if (name == "streetAddressLine")
        kind = Kind::street;
      else if (name == "city")
        kind = Kind::city;
      if (kind != Kind::text) {
        words_below(child, words);
      } else if (name == "telecom") {
        kind = Kind::phone;
        words = child.attribute("value").value();
      } else if (name == "id" && parent == "patientRole") {
        kind = Kind::mrn;
        words = child.attribute("extension").value();
      }
      if (!words.empty()) learned_.emplace_back(kind, std::move(words));
      learn(child, depth + 1);
    }
  }
  [[nodiscard]] bool too_deep() const { return too_deep_; }

  void finish(std::string& out) {
    if (!places_.empty()) {
      Known known;
      for (const auto& [kind, value] : learned_) known.add(value, kind);
      run_.pieces->read(known, {.as_of = c_.as_of, .codes = &c_.codes, .key = c_.key, .patient = c_.patient}, run_.note);
    }
    std::size_t at = 0;
    for (const auto& [place, piece] : places_) {
      out.append(out_, at, place - at);
      escape(run_.pieces->made(piece), out);
      at = place;
    }
    out.append(out_, at);
  }

 private:
  void children(const pugi::xml_node& node, Value value, bool words, std::size_t depth) {
    if (depth > kDeepest) {
      too_deep_ = true;
      return;
    }
    for (const pugi::xml_node& child : node.children()) {
      if (child.type() == pugi::node_element)
        element(child, value, words, depth);
      else if ((child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata))
        text(child.value(), words);
    }
  }

  void text(std::string_view plain, bool words) {
    if (plain.find_first_not_of(" \t\r\n") == std::string_view::npos) {
      out_ += plain;
      return;
    }
    if (!words) {
      ++c_.tally.unlisted;
      return;
    }
    ++c_.tally.kinds[static_cast<std::size_t>(Kind::text)];
    if (scrubs_) places_.emplace_back(out_.size(), run_.pieces->add(plain));
  }

  void element(const pugi::xml_node& node, Value value, bool words, std::size_t depth) {
    const std::string_view name = local(node.name());
    const auto at = rules_.elements.find(name);
    const Role role = at == rules_.elements.end() ? Role::unlisted : at->second.role;
    const bool in_narrative = words;
    // In a narrative only its own marks count: <title> and <time> are none of them.
    if (role == Role::unlisted || (in_narrative && role != Role::narrative && !(role == Role::inside && name == "reference"))) {
      const auto seen = c_.tally.unlisted_parts.find(name);
      if (seen != c_.tally.unlisted_parts.end())
        ++seen->second;
      else if (c_.tally.unlisted_parts.size() < 1000 && is_token(name))
        c_.tally.unlisted_parts.emplace(name, 1);
      return;
    }
    if (role == Role::narrative && !in_narrative && name != "text") return;
    const std::string_view prefix = std::string_view(node.name()).starts_with("sdtc:") ? "sdtc:" : "";
    switch (role) {
      case Role::identifier:
        // <name code=…> in a qualifier is a code.
        if (name == "name" && !node.attribute("code").empty()) break;
        identifier(node, prefix, name, at->second.kind);
        return;
      case Role::dates:
        value = Value::date;
        break;
      case Role::numbers:
        value = Value::number;
        break;
      case Role::flags:
        value = Value::flag;
        break;
      case Role::words:
      case Role::narrative:
        words = true;
        break;
      case Role::parts:
      case Role::inside:
      case Role::unlisted:
        break;
    }
    if (name == "value") value = typed(node, words);
    if (name == "period" || name == "width" || name == "offset") value = Value::number;
    out_.append("<").append(prefix).append(name);
    const std::size_t here = out_.size();
    attributes(node, value);
    const bool masked = out_.find(" nullFlavor=\"MSK\"", here) != std::string::npos && value == Value::date;
    out_ += '>';
    const std::size_t inner = out_.size(), texts = places_.size();
    children(node, value, words, depth + 1);
    if (name == "addr" && std::string_view(out_).substr(inner).find('<') == std::string_view::npos) {
      out_.resize(here);
      out_ += " nullFlavor=\"MSK\"/>";
      return;
    }
    if (masked || (out_.size() == inner && places_.size() == texts)) {
      out_.resize(inner - 1);
      out_ += "/>";
      return;
    }
    out_.append("</").append(prefix).append(name).append(">");
  }

  // What <value xsi:type="…"> holds.
  static Value typed(const pugi::xml_node& node, bool& words) {
    std::string_view type;
    for (const pugi::xml_attribute& a : node.attributes())
      if (local(a.name()) == "type") type = local(a.value());
    if (type.ends_with("_TS") || type == "TS") return Value::date;
    if (type == "PQ" || type == "INT" || type == "REAL" || type == "MO" || type == "IVL_PQ" || type == "IVL_INT" || type == "IVL_REAL" ||
        type == "RTO" || type == "RTO_PQ_PQ")
      return Value::number;
    if (type == "BL") return Value::flag;
    if (type == "ST" || type == "ED") words = true;
    return Value::none;
  }

  // Each once: prefixes that say the same would make two of them.
  void put_attribute(std::string_view name, std::string_view text) {
    std::string begins = " ";
    begins.append(name).append("=\"");
    if (out_.find(begins, out_.rfind('<')) != std::string::npos) return;
    out_ += begins;
    escape(text, out_);
    out_ += '"';
  }

  void attributes(const pugi::xml_node& node, Value value) {
    const std::string_view element = local(node.name());
    bool null = false;
    for (const pugi::xml_attribute& a : node.attributes()) {
      const std::string_view full = a.name(), text = a.value();
      if (full == "xmlns" || full.starts_with("xmlns:") || text.empty()) continue;
      const std::string_view name = local(full);
      if (name == "schemaLocation") continue;
      if (name == "nullFlavor") null = true;
      if (name == "value") {
        written_value(node, element, text, value, null);
      } else if (name == "root" || name == "extension" || name == "assigningAuthorityName") {
        if ((element == "templateId" || element == "typeId") && name != "assigningAuthorityName" && is_token(text))
          put_attribute(name, text);
      } else if (name == "displayName") {
        if (published(node.attribute("codeSystem").value()) && !node.attribute("code").empty())
          put_attribute(name, text);
        else
          ++c_.tally.dropped;
      } else if (rules_.attributes.contains(name)) {
        if (!is_token(text)) {
          ++c_.tally.misfit;
          continue;
        }
        const bool prefixed = full.size() != name.size();
        if (prefixed && name == "type")
          put_attribute("xsi:type", local(text));
        else
          put_attribute(prefixed && full.starts_with("sdtc:") ? full : name, text);
      } else {
        ++c_.tally.unlisted;
      }
    }
  }

  void written_value(const pugi::xml_node& node, std::string_view element, std::string_view text, Value value, bool& null) {
    if (element == "reference") {  // to a place in this document
      if (text.starts_with('#') && is_token(text)) put_attribute("value", text);
      return;
    }
    std::string made;
    switch (value) {
      case Value::date:
        if (put_value(Kind::date, text, Written::compact, c_, made)) {
          put_attribute("value", made);
        } else if (!null) {
          put_attribute("nullFlavor", "MSK");
          null = true;
        }
        return;
      case Value::number:
        if (std::string_view(node.attribute("unit").value()) == "a") {
          if (put_value(Kind::age, text, Written::compact, c_, made)) put_attribute("value", made);
        } else if (is_decimal(text) && !says_which(text, false)) {
          put_attribute("value", text);
        } else {
          ++c_.tally.misfit;
        }
        return;
      case Value::flag:
        if (text == "true" || text == "false") put_attribute("value", text);
        return;
      case Value::none:
      case Value::text:
        ++c_.tally.unlisted;
        return;
    }
  }

  [[nodiscard]] bool published(std::string_view system) const {
    return std::find(rules_.terminologies.begin(), rules_.terminologies.end(), system) != rules_.terminologies.end() ||
           std::any_of(rules_.terminology_roots.begin(), rules_.terminology_roots.end(),
                       [&](const std::string& root) { return system.starts_with(root); });
  }

  // All the words below an element.
  void words_below(const pugi::xml_node& node, std::string& all, std::size_t depth = 0) {
    if (depth > kDeepest) {
      too_deep_ = true;
      return;
    }
    for (const pugi::xml_node& child : node.children()) {
      if (child.type() == pugi::node_element) {
        words_below(child, all, depth + 1);
        continue;
      }
      std::string_view word = child.value();
      while (!word.empty() && static_cast<unsigned char>(word.front()) <= ' ') word.remove_prefix(1);
      while (!word.empty() && static_cast<unsigned char>(word.back()) <= ' ') word.remove_suffix(1);
      if (word.empty()) continue;
      if (!all.empty()) all += ' ';
      all += word;
    }
  }

  void identifier(const pugi::xml_node& node, std::string_view prefix, std::string_view name, Kind kind) {
    std::string original, made;
    if (kind == Kind::id) {
      const std::string_view root = node.attribute("root").value(), extension = node.attribute("extension").value();
      if (root.empty() && extension.empty()) {
        out_.append("<").append(prefix).append(name).append(" nullFlavor=\"MSK\"/>");
        return;
      }
      original.append(root).append("^").append(extension);
    } else if (name == "telecom") {
      original = node.attribute("value").value();
      if (original.starts_with("mailto:")) kind = Kind::email;
      if (original.starts_with("http")) kind = Kind::url;
      if (original.starts_with("fax")) kind = Kind::fax;
    } else {
      words_below(node, original);
      if (kind == Kind::name && local(node.parent().name()).ends_with("Organization")) kind = Kind::organization;
    }
    const bool put = put_value(kind, original, Written::compact, c_, made);
    const bool in_address = local(node.parent().name()) == "addr";
    if (!put && in_address) return;
    out_.append("<").append(prefix).append(name);
    if (!put) {
      out_ += " nullFlavor=\"MSK\"/>";
    } else if (kind == Kind::id) {
      // Kept ids keep their form; codes are UUIDs, which are roots of their own.
      if (profile_.rule(kind).act == Act::keep) {
        put_attribute("root", node.attribute("root").value());
        if (!node.attribute("extension").empty()) put_attribute("extension", node.attribute("extension").value());
      } else {
        put_attribute("root", made);
      }
      out_ += "/>";
    } else if (name == "telecom") {
      put_attribute("value", made);
      out_ += "/>";
    } else {
      out_ += '>';
      escape(made, out_);
      out_.append("</").append(prefix).append(name).append(">");
    }
  }

  const XmlRules& rules_;
  const Profile& profile_;
  CcdaRun& run_;
  ValueContext& c_;
  bool scrubs_ = false, too_deep_ = false;
  std::string out_;
  std::vector<std::pair<std::size_t, std::size_t>> places_;
  std::vector<std::pair<Kind, std::string>> learned_;
};

}  // namespace

Result<void> CcdaTransform::apply(std::string_view document, CcdaRun& run, std::string& out) const {
  pugi::xml_document parsed;
  const pugi::xml_parse_result read = parsed.load_buffer(document.data(), document.size(), pugi::parse_default | pugi::parse_ws_pcdata);
  if (!read)
    return Error{Code::invalid_argument,
                 "byte " + std::to_string(read.offset) + " of it: it is no well-formed XML (" + read.description() + ")"};
  const pugi::xml_node root = parsed.document_element();
  if (local(root.name()) != "ClinicalDocument") return Error{Code::invalid_argument, "its root is no ClinicalDocument"};
  run.values.patient.clear();
  for (const pugi::xml_node& target : root.children()) {
    if (local(target.name()) != "recordTarget") continue;
    for (const pugi::xml_node& role : target.children())
      for (const pugi::xml_node& id : role.children())
        if (local(id.name()) == "id" && run.values.patient.empty() && !id.attribute("root").empty())
          run.values.patient.append(id.attribute("root").value()).append("^").append(id.attribute("extension").value());
  }
  Writer writer(library_, profile_, run);
  writer.learn(root);
  writer.document(root);
  if (writer.too_deep()) return Error{Code::invalid_argument, "its elements are nested deeper than 256"};
  writer.finish(out);
  return {};
}

}  // namespace licet::deid
