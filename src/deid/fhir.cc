#include "deid/fhir.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "codec/fhir_request.h"
#include "codec/words.h"
#include "deid/dates.h"
#include "deid/values.h"

namespace licet::deid {
namespace {

using codec::JsonValue;
using Is = Element::Is;

bool is_system_uri(std::string_view text) {
  if (text.size() > 256) return false;
  bool clean = true;
  for (const char c : text) clean &= c != '?' && c != '@' && c != ' ' && c != '\\';
  return clean && (text.starts_with("http://") || text.starts_with("https://") || text.starts_with("urn:"));
}

// What is written: pieces of the document, and words of our own. Pieces that stand side by side in the document wait for each other and are
// copied at once, so that what stays as it is costs one copy however many members it has.
class Output {
 public:
  explicit Output(std::string& out) : out_(out) {}

  void piece(const char* begin, const char* end) {
    if (begin != end_) {
      flush();
      begin_ = begin;
    }
    end_ = end;
  }
  void piece(std::string_view text) { piece(text.data(), text.data() + text.size()); }
  void words(std::string_view text) { flushed() += text; }
  // A brace, bracket or comma: the document's own where it is the next byte there. (Nothing waits that ends with the document.)
  void mark(char c) {
    if (begin_ != end_ && *end_ == c)
      ++end_;
    else
      flushed() += c;
  }
  std::string& flushed() {
    flush();
    return out_;
  }
  [[nodiscard]] char last() const { return begin_ != end_ ? end_[-1] : out_.back(); }

  // Back to where it was.
  struct Place {
    std::size_t size;
    const char *begin, *end;
  };
  [[nodiscard]] Place place() const { return {out_.size(), begin_, end_}; }
  void back(const Place& place) {
    out_.resize(place.size);
    begin_ = place.begin;
    end_ = place.end;
  }

 private:
  void flush() {
    if (begin_ != end_) out_.append(begin_, end_);
    begin_ = end_ = nullptr;
  }
  std::string& out_;
  const char *begin_ = nullptr, *end_ = nullptr;
};

// Writes one resource. Everything returns false, and has written nothing, where nothing may be told.
class Writer {
 public:
  Writer(const Library& library, const Profile& profile, const codec::ResourceScan& scan, FhirContext& context, std::string& out)
      : library_(library), profile_(profile), scan_(scan), context_(context), out_(out) {}

  void resource(const Shape& shape) {
    out_.words("{\"resourceType\":\"");
    out_.words(scan_.type);
    out_.words("\"");
    for (const codec::ResourceScan::Member& member : scan_.members) {
      if (member.key == "resourceType" || member.key == "meta") continue;
      one(shape, member.key, JsonValue(*scan_.tape, member.first - 2), JsonValue(*scan_.tape, member.first), nullptr);
    }
    meta(shape);
    out_.words("}");
  }
  [[nodiscard]] bool modified() const { return modified_; }

 private:
  void meta(const Shape& shape) {
    out_.words(",\"meta\":{");
    std::size_t labels = std::string::npos;  // where the security array can be gone on with
    const Element* element = shape.find("meta");
    for (const codec::ResourceScan::Member& member : scan_.members) {
      const JsonValue value(*scan_.tape, member.first);
      if (member.key != "meta" || element == nullptr || !value.is_object()) continue;
      each(
          value, [&](std::string_view key, JsonValue key_token, JsonValue inner) __attribute__((always_inline)) {
            one(*element->shape, key, key_token, inner, nullptr);
            if (key == "security" && out_.last() == ']') labels = out_.flushed().size() - 1;
          });
    }
    const bool more = labels != std::string::npos;
    std::string& out = out_.flushed();
    if (more)
      out.back() = ',';
    else
      out += out.back() == '{' ? "\"security\":[" : ",\"security\":[";
    out += R"({"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":")";
    out += profile_.label;
    out += R"("}]})";
  }

  // Calls f(key as it is meant, key, value) for each member.
  template <class F>
  [[gnu::always_inline]] void each(JsonValue object, F&& f) {
    if (scan_.tape->escaped_keys) {
      std::string spelled;
      object.each_pair([&](JsonValue key, JsonValue value) {
        f(key.meaning(spelled), key, value);
        return true;
      });
    } else {
      object.each_pair([&](JsonValue key, JsonValue value) {
        f(key.text(), key, value);
        return true;
      });
    }
  }

  // A member of an object that is being written. `object`: what it stands in, for a display. (Inline: a call's copies of what it is given
  // would take a tenth of the whole.)
  [[gnu::always_inline]] bool one(const Shape& shape, std::string_view key, JsonValue key_token, JsonValue value, const JsonValue* object) {
    if (key == "modifierExtension" || key == "implicitRules") {
      modified_ = true;
      return false;
    }
    // Eight bytes before the key's end: most often they are in the resource.
    const bool inside = static_cast<std::size_t>(key.data() - scan_.bytes.data()) - 8 < scan_.bytes.size() - 8;
    const Element* element = shape.find(key, inside ? codec::key_words_inside(key.data(), key.size()) : codec::key_words(key));
    if (element == nullptr) return false;
    const Output::Place before = out_.place();
    if (out_.last() != '{') out_.mark(',');
    const char *from = key_token.begin(), *to = value.begin();
    if (to - from == static_cast<std::ptrdiff_t>(key.size()) + 3) {  // nothing between the two but a colon, and no escape
      out_.piece(from, to);
    } else {
      std::string& out = out_.flushed();
      out += '"';
      out += key;
      out += "\":";
    }
    if (value.is_array() ? several(*element, value, object) : single(*element, value, object)) return true;
    out_.back(before);
    return false;
  }

  [[gnu::noinline]] bool several(const Element& element, JsonValue list, const JsonValue* object) {
    const Output::Place before = out_.place();
    out_.piece(list.begin(), list.begin() + 1);
    list.each_element([&](JsonValue item) {
      const Output::Place here = out_.place();
      if (out_.last() != '[') out_.mark(',');
      if (item.is_array() || !single(element, item, object)) out_.back(here);
      return true;
    });
    if (out_.last() == '[') {
      out_.back(before);
      return false;
    }
    out_.mark(']');
    return true;
  }

  bool single(const Element& element, JsonValue value, const JsonValue* object) {
    switch (element.is) {
      case Is::shape:
        return value.is_object() && inside(*element.shape, value);
      case Is::identifier:
        return value.is_string() && identifier(element.kind, value);
      case Is::token:
        return value.is_string() && is_token(value.text()) && raw(value);
      case Is::uri:
        return value.is_string() && is_system_uri(value.text()) && raw(value);
      case Is::number:
        return value.is_number() && raw(value);
      case Is::flag:
        return value.is_bool() && raw(value);
      case Is::display:
        if (!value.is_string()) return false;
        return object != nullptr && published(*object) ? raw(value) : text(value);
      case Is::date:
        return value.is_string() && date(value.text(), false);
      case Is::instant:
        return value.is_string() && date(value.text(), true);
      case Is::reference:
        return value.is_string() && reference(value.text());
      case Is::age:
        return value.is_object() && age(*element.shape, value);
      case Is::base64:
        return value.is_string() && base64_text(value.text());
      case Is::xhtml:
        return false;  // a narrative repeats in words what the elements say: nothing is lost with it
    }
    return false;
  }

  bool raw(JsonValue value) {
    out_.piece(value.raw());
    return true;
  }
  bool quoted(std::string_view text) {
    std::string& out = out_.flushed();
    out += '"';
    out += text;
    out += '"';
    return true;
  }

  bool inside(const Shape& shape, JsonValue object) {
    const Output::Place before = out_.place();
    out_.piece(object.begin(), object.begin() + 1);
    each(
        object, [&](std::string_view key, JsonValue key_token, JsonValue value)
                    __attribute__((always_inline)) { one(shape, key, key_token, value, &object); });
    if (out_.last() == '{') {
      out_.back(before);
      return false;
    }
    out_.mark('}');
    return true;
  }

  bool published(const JsonValue& coding) const {
    bool yes = false;
    coding.each_member([&](std::string_view key, JsonValue value) {
      if (key != "system" || !value.is_string()) return true;
      yes = library_.fhir.published(value.text());
      return false;
    });
    return yes;
  }

  [[gnu::noinline]] bool text(JsonValue words) {
    if (profile_.rule(Kind::text).act != Act::scrub || !context_.scrub) return false;
    std::string scrubbed;
    context_.scrub(scan_, words.meaning(), scrubbed);
    if (scrubbed.empty()) return false;
    codec::append_json_string(out_.flushed(), scrubbed);
    return true;
  }

  [[gnu::noinline]] bool base64_text(std::string_view encoded) {
    if (profile_.rule(Kind::text).act != Act::scrub || !context_.scrub) return false;
    const auto plain = unbase64(encoded);
    // Only what is text through and through: an image or a PDF is not read here, and so it doesn't leave.
    if (!plain || plain->find('\0') != std::string::npos || plain->starts_with("%PDF")) return false;
    for (const char c : *plain)
      if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f') return false;
    std::string scrubbed;
    context_.scrub(scan_, *plain, scrubbed);
    if (scrubbed.empty()) return false;
    return quoted(base64(as_bytes(scrubbed)));
  }

  [[gnu::noinline]] bool identifier(Kind kind, JsonValue value) {
    if (kind == Kind::text) return text(value);
    if (kind == Kind::date) return date(value.text(), false);
    switch (profile_.rule(kind).act) {
      case Act::keep:
        return raw(value);
      case Act::zip3: {
        const std::string area = library_.zips.generalize(value.text());
        if (area.empty()) return false;
        return quoted(area);
      }
      case Act::code:
        if (kind == Kind::id) {
          if (!codec::is_id(value.text())) return false;  // so there are no escapes in it
          return quoted(context_.codes.of(value.text()));
        }
        return quoted(context_.codes.of(value.meaning()));
      case Act::redact:
        if (kind == Kind::id) return false;  // an id says which: a tag in its place would make all the same
        out_.flushed().append("\"[").append(name(kind)).append("]\"");
        return true;
      case Act::drop:
      case Act::surrogate:  // an invented value in a structured field would be believed
      case Act::shift:
      case Act::year:
      case Act::age90:
      case Act::scrub:
        return false;
    }
    return false;
  }

  [[gnu::noinline]] bool date(std::string_view written, bool whole) {
    std::string told;
    switch (profile_.rule(Kind::date).act) {
      case Act::keep:
        if (parse_fhir_date(written)) told = written;
        break;
      case Act::year:
        if (!whole) told = generalize_year(written, context_.as_of);
        break;
      case Act::shift:
        if (const std::string_view patient = whose(); !patient.empty() && !context_.shift_key.empty())
          told = shift(written, days_ ? *days_ : days_.emplace(shift_of(context_.shift_key, patient)));
        break;
      case Act::drop:
      case Act::redact:
      case Act::surrogate:
      case Act::code:
      case Act::zip3:
      case Act::age90:
      case Act::scrub:
        break;
    }
    if (told.empty()) return false;
    return quoted(told);
  }
  std::string_view whose() const { return scan_.patients.size() == 1 ? scan_.patients[0] : std::string_view{}; }

  [[gnu::noinline]] bool reference(std::string_view written) {
    const Act act = profile_.rule(Kind::id).act;
    if (act != Act::keep && act != Act::code) return false;
    std::string_view head, id;
    constexpr std::string_view kUuid = "urn:uuid:";
    if (written.starts_with(kUuid)) {
      head = kUuid;
      id = written.substr(kUuid.size());
    } else {
      const std::size_t slash = written.find('/');
      if (slash == std::string_view::npos) return false;
      head = written.substr(0, slash + 1);
      id = written.substr(slash + 1);
      if (const std::size_t end = id.find('/'); end != std::string_view::npos && id.substr(end).starts_with("/_history/"))
        id = id.substr(0, end);
      if (!codec::is_resource_type(head.substr(0, slash))) return false;
    }
    if (!codec::is_id(id)) return false;
    std::string& out = out_.flushed();
    out += '"';
    out += head;
    out += act == Act::keep ? id : context_.codes.of(id);
    out += '"';
    return true;
  }

  // A Quantity of years, months … Over 89 years it becomes "90 or more" in FHIR's own words.
  [[gnu::noinline]] bool age(const Shape& shape, JsonValue quantity) {
    const Act act = profile_.rule(Kind::age).act;
    if (act == Act::keep) return inside(shape, quantity);
    if (act != Act::age90) return false;
    double value = -1;
    std::string_view unit;
    quantity.each_member([&](std::string_view key, JsonValue v) {
      if (key == "value" && v.is_number()) value = std::strtod(std::string(v.raw()).c_str(), nullptr);
      if (key == "code" && v.is_string()) unit = v.text();
      return true;
    });
    const double years = unit == "a" ? value : unit == "mo" ? value / 12 : unit == "wk" ? value / 52 : unit == "d" ? value / 365 : 90;
    if (value < 0) return false;
    if (years < 90) return inside(shape, quantity);
    out_.flushed() += R"({"value":90,"comparator":">=","unit":"years","system":"http://unitsofmeasure.org","code":"a"})";
    return true;
  }

  const Library& library_;
  const Profile& profile_;
  const codec::ResourceScan& scan_;
  FhirContext& context_;
  Output out_;
  std::optional<int> days_;  // by which this resource's dates move, once asked for
  bool modified_ = false;
};

}  // namespace

std::string_view name(Applied applied) {
  switch (applied) {
    case Applied::kept:
      return "kept";
    case Applied::unlisted:
      return "a type that no rule knows";
    case Applied::modified:
      return "an extension that changes its meaning";
  }
  return "?";
}

Applied FhirTransform::apply(const codec::ResourceScan& scan, FhirContext& context, std::string& out) const {
  const Shape* shape = library_.fhir.find(scan.type);
  if (shape == nullptr) return Applied::unlisted;
  const std::size_t before = out.size();
  Writer writer(library_, profile_, scan, context, out);
  writer.resource(*shape);
  if (!writer.modified()) return Applied::kept;
  out.resize(before);
  return Applied::modified;
}

bool FhirTransform::shows(std::string_view type, std::string_view path) const {
  const Shape* shape = library_.fhir.find(type);
  const auto kept = [&](const Element& element) {
    switch (element.is) {
      case Is::token:
      case Is::uri:
      case Is::number:
      case Is::flag:
        return true;
      case Is::identifier:
        return profile_.rule(element.kind).act == Act::keep;
      case Is::date:
      case Is::instant:
        return profile_.rule(Kind::date).act == Act::keep;
      case Is::reference:
        return profile_.rule(Kind::id).act == Act::keep;
      case Is::age:
        return profile_.rule(Kind::age).act == Act::keep;
      case Is::shape:
      case Is::display:
      case Is::base64:
      case Is::xhtml:
        return false;
    }
    return false;
  };
  // What a token, quantity or date search looks at.
  const auto shows_whole = [&](const Shape& whole) {
    for (const std::string_view key : {"event", "coding", "code", "value", "start"})
      if (const Element* inner = whole.find(key); inner != nullptr)
        return inner->is == Is::shape ? inner->shape->find("code") != nullptr : kept(*inner);
    return false;
  };
  while (shape != nullptr) {
    const std::size_t dot = path.find('.');
    const std::string_view key = path.substr(0, dot);
    const Element* element = shape->find(key);
    if (element == nullptr) {
      // A choice element: every one of its spellings.
      bool any = false;
      for (const Element& choice : shape->elements) {
        if (choice.key.size() <= key.size() || !choice.key.starts_with(key) || choice.key[key.size()] < 'A' || choice.key[key.size()] > 'Z')
          continue;
        any = true;
        if (!(choice.is == Is::shape ? shows_whole(*choice.shape) : kept(choice))) return false;
      }
      return any && !key.empty() && dot == std::string_view::npos;
    }
    if (element->is != Is::shape) return dot == std::string_view::npos && kept(*element);
    if (dot == std::string_view::npos) return shows_whole(*element->shape);
    shape = element->shape.get();
    path.remove_prefix(dot + 1);
  }
  return false;
}

}  // namespace licet::deid
