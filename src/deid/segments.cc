#include "deid/segments.h"

#include <algorithm>
#include <array>
#include <bit>

#include "codec/scan.h"

namespace licet::deid {
namespace {

using codec::Marks;
using Is = FieldRule::Is;

bool is_sign(std::string_view text) {
  return !text.empty() && text.size() <= 2 && text.find_first_not_of("<>=-+/:.") == std::string_view::npos;
}
bool is_clock(std::string_view text) {
  return !text.empty() && text.size() <= 24 && text.find_first_not_of("0123456789.:+-") == std::string_view::npos;
}
bool is_name(std::string_view text) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() >= 2 && text.size() <= 3 && upper(text[0]) &&
         std::all_of(text.begin() + 1, text.end(), [&](char c) { return upper(c) || digit(c); });
}

// Where one unit's parts are: values of the fields, of a field's components, of a component's subcomponents.
using Parts = std::vector<std::string_view>;

void split(std::string_view text, char mark, Parts& out) {
  out.clear();
  if (mark == '\0') {
    out.push_back(text);
    return;
  }
  // Fields are a few bytes each: looking at each byte, or at sixteen at once, beats a search for each mark.
  std::size_t begin = 0, at = 0;
  const auto cut = [&](std::size_t end) {
    out.emplace_back(text.data() + begin, end - begin);
    begin = end + 1;
  };
#ifdef __SSE2__
  for (const __m128i marks = _mm_set1_epi8(mark); at + 16 <= text.size(); at += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, marks))); mask != 0; mask &= mask - 1)
      cut(at + static_cast<std::size_t>(std::countr_zero(mask)));
  }
#endif
  for (; at < text.size(); ++at)
    if (text[at] == mark) cut(at);
  cut(text.size());
}

class Writer {
 public:
  Writer(const Profile& profile, const SegmentRules& rules, const Marks& marks, bool x12, SegmentRun& run)
      : profile_(profile), rules_(rules), marks_(marks), x12_(x12), run_(run), c_(run.values), scratch_(run.scratch.reveal()) {
    out_.clear();
    places_.clear();
    learned_.clear();
    scrubs_ = profile_.rule(Kind::text).act == Act::scrub && run_.pieces != nullptr;
    if (run_.pieces != nullptr) run_.pieces->clear();
    written_ = x12 ? Written::compact_day : Written::compact;
  }

  // The segments of a unit, already known to have the form.
  void unit(std::string_view bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
      const std::size_t end = x12_ ? std::min(bytes.find(marks_.terminator, at), bytes.size()) : codec::find_hl7_end(bytes, at);
      std::size_t next = end;
      if (x12_) {
        if (next < bytes.size()) ++next;
        while (next < bytes.size() && (bytes[next] == '\r' || bytes[next] == '\n' || bytes[next] == ' ')) ++next;
      } else {
        while (next < bytes.size() && ends(bytes[next])) ++next;
      }
      if (end > at) {
        const std::size_t before = out_.size(), texts = places_.size();
        if (segment(bytes.substr(at, end - at))) {
          out_ += bytes.substr(end, next - end);
          if (next == end && x12_) out_ += marks_.terminator;
        } else {
          out_.resize(before);
          places_.resize(texts);
        }
      } else {
        out_ += bytes.substr(end, next - end);  // MLLP's first byte
      }
      at = next;
    }
  }

  void finish(std::string& out) {
    if (places_.empty()) {
      out += out_;
      return;
    }
    Known known;
    for (const auto& [kind, value] : learned_) known.add(value, kind);
    run_.pieces->read(known, {.as_of = c_.as_of, .codes = &c_.codes, .key = c_.key, .patient = c_.patient}, run_.note);
    std::size_t at = 0;
    for (const Place& p : places_) {
      out.append(out_, at, p.at - at);
      at = p.at;
      const std::string_view made = run_.pieces->made(p.piece);
      if (x12_) {
        for (const char ch : made) out += marks_.any(ch) || ch == marks_.terminator || static_cast<unsigned char>(ch) < 0x20 ? ' ' : ch;
      } else if (p.lines) {
        std::string_view rest = made;
        for (std::size_t line = rest.find('\n'); line != std::string_view::npos; line = rest.find('\n')) {
          codec::hl7_escape(rest.substr(0, line), marks_, out);
          out += marks_.repetition;
          rest.remove_prefix(line + 1);
        }
        codec::hl7_escape(rest, marks_, out);
      } else {
        codec::hl7_escape(made, marks_, out);
      }
    }
    out.append(out_, at);
  }

  void patient_of(std::string_view pid) {
    split(pid, marks_.element, fields_);
    for (const std::size_t n : rules_.patient) {
      if (n >= fields_.size()) continue;
      std::string_view value = fields_[n];
      value = value.substr(0, value.find(marks_.repetition));
      value = value.substr(0, value.find(marks_.component));
      value = value.substr(0, value.find(marks_.subcomponent));
      if (value.empty()) continue;
      c_.patient = value;
      return;
    }
  }

 private:
  using Place = SegmentRun::Place;

  bool ends(char c) const { return x12_ ? c == marks_.terminator : c == '\r' || c == '\n' || c == '\x0b' || c == '\x1c'; }

  bool segment(std::string_view bytes) {
    const std::string_view name = bytes.substr(0, bytes.find(marks_.element));
    if (rule_ == nullptr || rule_->name != name) rule_ = rules_.find(name);  // many segments of one name follow each other
    const SegmentRule* rule = rule_;
    if (rule == nullptr) {
      const auto at = c_.tally.unlisted_parts.find(name);
      if (at != c_.tally.unlisted_parts.end())
        ++at->second;
      else if (c_.tally.unlisted_parts.size() < 1000)
        c_.tally.unlisted_parts.emplace(name, 1);
      return false;
    }
    split(bytes, marks_.element, fields_);
    repeats_ = marks_.repetition != '\0' && bytes.find(marks_.repetition) != std::string_view::npos;
    nests_ = marks_.subcomponent != '\0' && bytes.find(marks_.subcomponent) != std::string_view::npos;
    segment_ = name;
    out_ += name;
    std::size_t first = 1, full = out_.size();
    if (!x12_ && (name == "MSH" || name == "FHS" || name == "BHS")) {
      // Field 1 is the mark itself, field 2 says the others.
      out_ += marks_.element;
      out_ += fields_.size() > 1 ? fields_[1] : std::string_view();
      full = out_.size();
      // So that a field's number is its place.
      fields_.insert(fields_.begin() + 1, bytes.substr(3, 1));
      first = 3;
    }
    if (x12_) ++run_.inner;
    const bool fixed = x12_ && name == "ISA";  // elements of fixed length
    filled_.assign(std::max(fields_.size(), rule->fields.size() + 1), false);
    starts_.resize(fields_.size());
    for (std::size_t n = first; n < fields_.size(); ++n) {
      out_ += marks_.element;
      starts_[n] = out_.size();
      const std::string_view value = fields_[n];
      if (value.empty()) continue;
      const FieldRule* r = n <= rule->fields.size() ? rule->fields[n - 1].get() : nullptr;
      if (fixed) {
        isa(n, value, r);
        full = out_.size();
        continue;
      }
      if (r == nullptr) {
        ++c_.tally.unlisted;
        continue;
      }
      const std::size_t before = out_.size(), texts = places_.size();
      field(*r, value);
      if (out_.size() > before || places_.size() > texts) {
        full = out_.size();
        filled_[n] = true;
      }
    }
    out_.resize(full);  // no empty fields at the end
    for (const auto& [a, b] : rule->pairs) {
      if (a >= filled_.size() || b >= filled_.size() || filled_[a] == filled_[b]) continue;
      empty(filled_[a] ? a : b);
    }
    const bool whole = std::all_of(rule->needs.begin(), rule->needs.end(), [&](std::size_t n) { return n < filled_.size() && filled_[n]; });
    if (x12_ && !whole) --run_.inner;
    return whole;
  }

  // Takes a field's value away again.
  void empty(std::size_t n) {
    const std::size_t begin = starts_[n];
    std::size_t end = begin;
    while (end < out_.size() && out_[end] != marks_.element) ++end;
    std::erase_if(places_, [&](const Place& p) { return p.at >= begin && p.at <= end; });
    for (Place& p : places_)
      if (p.at > end) p.at -= end - begin;
    out_.erase(begin, end - begin);
    for (std::size_t k = n + 1; k < starts_.size(); ++k) starts_[k] -= end - begin;
    filled_[n] = false;
    while (!out_.empty() && out_.back() == marks_.element && (places_.empty() || places_.back().at < out_.size())) out_.pop_back();
  }

  void isa(std::size_t n, std::string_view value, const FieldRule* r) {
    const std::size_t before = out_.size();
    if (n == 11 || n == 16) {
      out_ += value;  // the marks
      return;
    }
    std::string_view trimmed = value;
    while (!trimmed.empty() && trimmed.back() == ' ') trimmed.remove_suffix(1);
    if (r != nullptr && !trimmed.empty()) field(*r, trimmed);
    if (out_.size() - before > value.size()) out_.resize(before + value.size());
    out_.append(value.size() - (out_.size() - before), ' ');
  }

  const FieldRule* chosen(const FieldRule* r, const Parts& among, std::size_t offset) const {
    while (r != nullptr && r->is == Is::choose) {
      std::string_view value = r->by + offset < among.size() ? among[r->by + offset] : std::string_view();
      if (value.find(marks_.repetition) != std::string_view::npos) value = value.substr(0, value.find(marks_.repetition));
      value = value.substr(0, value.find(marks_.component));
      const auto at =
          std::lower_bound(r->cases.begin(), r->cases.end(), value, [](const auto& c, std::string_view v) { return c.first < v; });
      r = at != r->cases.end() && at->first == value ? at->second.get() : r->otherwise.get();
    }
    return r;
  }

  void field(const FieldRule& declared, std::string_view value) {
    const FieldRule* r = chosen(&declared, fields_, 0);
    if (r == nullptr) return;
    if (r->is == Is::text) {
      words(value, true);
      return;
    }
    if (!repeats_ || value.find(marks_.repetition) == std::string_view::npos) {
      one(*r, value, 0);
      return;
    }
    bool any = false;
    while (!value.empty()) {
      const std::size_t at = value.find(marks_.repetition);
      const std::string_view repetition = value.substr(0, at);
      value.remove_prefix(at == std::string_view::npos ? value.size() : at + 1);
      if (repetition.empty()) continue;
      const std::size_t before = out_.size(), texts = places_.size();
      if (any) out_ += marks_.repetition;
      const std::size_t here = out_.size();
      one(*r, repetition, 0);
      if (out_.size() == here && places_.size() == texts)
        out_.resize(before);
      else
        any = true;
    }
  }

  // level 0: a repetition of a field; 1: a component.
  void one(const FieldRule& r, std::string_view value, std::size_t level) {
    const char mark = level == 0 ? marks_.component : marks_.subcomponent;
    if (r.is != Is::parts || level > 1) {
      if (r.is == Is::text) {
        words(value, false);
        return;
      }
      if (mark != '\0')
        if (const std::size_t at = value.find(mark); at != std::string_view::npos) {
          learn_all(r, value, mark);
          value = value.substr(0, at);
        }
      if (level == 0 && nests_) value = value.substr(0, value.find(marks_.subcomponent));
      leaf(r, value, nullptr, 0);
      return;
    }
    Parts& parts = parts_[level];
    split(value, mark, parts);
    std::size_t full = out_.size();
    for (std::size_t n = 0; n < parts.size(); ++n) {
      if (n > 0) out_ += mark;
      if (parts[n].empty()) continue;
      const FieldRule* inner = n < r.parts.size() ? chosen(r.parts[n].get(), parts, std::size_t(-1)) : nullptr;
      if (inner == nullptr) {
        ++c_.tally.unlisted;
        continue;
      }
      const std::size_t before = out_.size(), texts = places_.size();
      if (inner->is == Is::coded || inner->is == Is::display)
        leaf(*inner, parts[n], &parts, n);
      else
        one(*inner, parts[n], level + 1);
      if (out_.size() > before || places_.size() > texts) full = out_.size();
    }
    out_.resize(full);
  }

  // Subcomponents that aren't written are still names: "EVERYMAN&&&&Aniston".
  void learn_all(const FieldRule& r, std::string_view value, char mark) {
    if (!scrubs_ || (r.is != Is::identifier && r.is != Is::family)) return;
    while (!value.empty()) {
      const std::size_t at = value.find(mark);
      learn(r.kind, value.substr(0, at));
      value.remove_prefix(at == std::string_view::npos ? value.size() : at + 1);
    }
  }

  void learn(Kind kind, std::string_view raw) {
    switch (kind) {
      case Kind::name:
      case Kind::street:
      case Kind::city:
      case Kind::phone:
      case Kind::fax:
      case Kind::email:
      case Kind::ssn:
      case Kind::mrn:
      case Kind::plan:
      case Kind::account:
      case Kind::license:
      case Kind::vehicle:
        if (raw.size() >= 3) learned_.emplace_back(kind, x12_ ? std::string(raw) : codec::hl7_unescape(raw, marks_));
        return;
      default:
        return;
    }
  }

  void leaf(const FieldRule& r, std::string_view value, const Parts* parts, std::size_t n) {
    const auto stays = [&](bool fits) {
      if (fits)
        out_ += value;
      else
        ++c_.tally.misfit;
    };
    switch (r.is) {
      case Is::drop:
        ++c_.tally.dropped;
        return;
      case Is::token:
        return stays(((is_token(value) || fits_padded(value)) && !says_which(value, !x12_)) ||
                     std::binary_search(rules_.words.begin(), rules_.words.end(), value));
      case Is::control:
        return stays(is_token(value) && value.size() <= 9);
      case Is::number:
        return stays(is_decimal(value) && !says_which(value, false));
      case Is::sign:
        return stays(is_sign(value));
      case Is::time:
        return stays(is_clock(value));
      case Is::coded: {
        const std::string_view system = parts != nullptr && n + 2 < parts->size() ? (*parts)[n + 2] : std::string_view();
        if (system.empty() || !is_token(system)) return words(value, false);
        return stays(is_token(value));
      }
      case Is::display: {
        const std::string_view system = parts != nullptr && n + 1 < parts->size() ? (*parts)[n + 1] : std::string_view();
        const auto& known = rules_.terminologies;
        const bool published = std::binary_search(known.begin(), known.end(), system) || system.starts_with("HL7");
        if (!published || n == 0 || (*parts)[n - 1].empty()) return words(value, false);
        out_ += value;
        return;
      }
      case Is::text:
        return words(value, false);
      case Is::count:
        out_ += std::to_string(x12_ ? (segment_ == "SE"   ? run_.inner
                                       : segment_ == "GE" ? run_.middle
                                                          : run_.outer)
                                    : (segment_ == "BTS" ? run_.middle : run_.outer));
        return;
      case Is::patient:
        c_.patient = value;
        if (scrubs_) learn(Kind::mrn, value);
        put(Kind::id, value, false);
        return;
      case Is::family:
      case Is::identifier:
        if (r.kind == Kind::text) return words(value, false);
        if (scrubs_) learn(r.kind, value);
        put(r.kind, value, r.is == Is::family);
        return;
      case Is::parts:
      case Is::choose:
        return;
    }
  }
  // Codes that a sender has padded.
  static bool fits_padded(std::string_view value) {
    while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
    return is_token(value);
  }

  void put(Kind kind, std::string_view value, bool family) {
    const Act act = profile_.rule(kind).act;
    const std::size_t before = out_.size();
    if (act == Act::surrogate || (act == Act::code && !x12_ && marks_.any('-'))) {
      std::string made;
      if (!put_value(kind, x12_ ? std::string(value) : codec::hl7_unescape(value, marks_), written_, c_, made, family)) return;
      if (x12_)
        for (const char ch : made) out_ += marks_.any(ch) || ch == marks_.terminator ? ' ' : ch;
      else
        codec::hl7_escape(made, marks_, out_);
      return;
    }
    if (act == Act::code && x12_) {
      // Elements of X12 are short: the first twenty of a code's digits, which are as random as all of them.
      ++c_.tally.kinds[static_cast<std::size_t>(kind)];
      for (const char ch : c_.codes.of(value))
        if (ch != '-' && out_.size() - before < 20) out_ += static_cast<char>(ch >= 'a' ? ch - 32 : ch);
      return;
    }
    if (!put_value(kind, value, written_, c_, out_, family) && kind == Kind::date && act != Act::drop) ++c_.tally.misfit;
  }

  // A text: read when the whole unit has been seen. whole: a field, whose repetitions are its lines.
  void words(std::string_view value, bool whole) {
    ++c_.tally.kinds[static_cast<std::size_t>(Kind::text)];
    if (!scrubs_) return;
    bool lines = false;
    std::string plain;
    if (x12_) {
      plain = value;
    } else if (whole && marks_.repetition != '\0' && value.find(marks_.repetition) != std::string_view::npos) {
      lines = true;
      while (!value.empty()) {
        const std::size_t at = value.find(marks_.repetition);
        plain += codec::hl7_unescape(value.substr(0, at), marks_);
        if (at != std::string_view::npos) plain += '\n';
        value.remove_prefix(at == std::string_view::npos ? value.size() : at + 1);
      }
    } else {
      plain = codec::hl7_unescape(value, marks_);
    }
    places_.push_back({out_.size(), run_.pieces->add(plain), lines});
  }

  const Profile& profile_;
  const SegmentRules& rules_;
  const Marks& marks_;
  const bool x12_;
  SegmentRun& run_;
  ValueContext& c_;
  bool scrubs_ = false;
  Written written_ = Written::compact;
  std::string_view segment_;
  const SegmentRule* rule_ = nullptr;     // of the segment
  bool repeats_ = false, nests_ = false;  // it has repetitions, subcomponents
  SegmentRun::Scratch& scratch_;
  std::string& out_ = scratch_.out;
  Parts& fields_ = scratch_.fields;
  std::array<Parts, 2>& parts_ = scratch_.parts;
  std::vector<bool>& filled_ = scratch_.filled;
  std::vector<std::size_t>& starts_ = scratch_.starts;
  std::vector<Place>& places_ = scratch_.places;
  std::vector<std::pair<Kind, std::string>>& learned_ = scratch_.learned;
};

Error wrong(std::size_t offset, std::string_view what) {
  return Error{Code::invalid_argument, "byte " + std::to_string(offset) + " of it: " + std::string(what)};
}

}  // namespace

SegmentTransform::SegmentTransform(const Library& library, const Profile& profile, const SegmentRules& rules)
    : library_(library), profile_(profile), rules_(rules) {}

Result<void> SegmentTransform::apply(std::string_view unit, const codec::Marks* given, SegmentRun& run, std::string& out) const {
  const bool x12 = &rules_ == &library_.x12;
  Marks marks;
  std::size_t first = 0;
  bool trailer = false;
  if (x12) {
    if (given == nullptr) return wrong(0, "no ISA segment says what separates its elements");
    marks = *given;
  } else {
    while (first < unit.size() && (unit[first] == '\x0b' || unit[first] == '\r' || unit[first] == '\n')) ++first;
    const std::string_view header = unit.substr(first);
    const std::string_view name = header.substr(0, 3);
    if (name == "MSH" || name == "FHS" || name == "BHS") {
      LICET_TRY(said, codec::hl7_marks(header.substr(0, codec::find_hl7_end(header, 0))));
      marks = said;
    } else if (name != "BTS" && name != "FTS") {
      return wrong(0, "no MSH segment begins it");
    } else {
      trailer = true;
      if (codec::find_hl7_end(header, 0) > 3 && !marks.any(header[3])) marks.element = header[3];
    }
  }
  // Its form first: what is no segment makes the whole message something else than what it says it is.
  const bool zeros = unit.find('\0') != std::string_view::npos;
  std::size_t count = 0;
  std::string_view pid, st, se;
  for (std::size_t at = first; at < unit.size();) {
    const std::size_t end = x12 ? std::min(unit.find(marks.terminator, at), unit.size()) : codec::find_hl7_end(unit, at);
    std::string_view segment = unit.substr(at, end - at);
    if (!segment.empty()) {
      const std::string_view name = segment.substr(0, segment.find(marks.element));
      if (!is_name(name) || (!x12 && name.size() != 3))
        return wrong(at, "segment " + std::to_string(count + 1) + " does not begin with a segment's name");
      if (zeros && segment.find('\0') != std::string_view::npos)
        return wrong(at, "segment " + std::to_string(count + 1) + " holds a zero byte");
      if (!x12 && count > 0 && (name == "MSH" || name == "BHS" || name == "FHS"))
        return wrong(at, "a second header stands inside the message");
      if (trailer && count > 0) return wrong(at, "a segment stands behind a trailer");
      ++count;
      if (name == "PID" && pid.empty()) pid = segment;
      if (x12 && name == "ST") st = segment;
      if (x12 && name == "SE") se = segment;
      if (x12 && !se.empty() && name != "SE") return wrong(at, "a segment stands behind the end of its transaction set");
    }
    at = end + 1;
    if (x12)
      while (at < unit.size() && (unit[at] == '\r' || unit[at] == '\n' || unit[at] == ' ')) ++at;
  }
  if (count == 0) return wrong(0, "it holds no segment");
  if (x12) {
    const auto element = [&](std::string_view segment, std::size_t n) {
      Parts parts;
      split(segment, marks.element, parts);
      return n < parts.size() ? parts[n] : std::string_view();
    };
    if (!st.empty() && (se.empty() || element(st, 2) != element(se, 2)))
      return wrong(0, "its transaction set has no end, or one of another control number");
    if (st.empty() && !se.empty()) return wrong(0, "a transaction set ends that did not begin");
  }
  const std::string_view head = unit.substr(first, 3);
  if (x12) {
    run.inner = 0;
    if (head == "ISA") run.outer = 0, run.middle = 0, run.values.patient = "interchange";
    if (head.starts_with("GS")) run.middle = 0;
  } else {
    run.values.patient.clear();
    if (head == "FHS") run.outer = 0;
    if (head == "BHS") run.middle = 0;
  }
  Writer writer(profile_, rules_, marks, x12, run);
  if (!pid.empty()) writer.patient_of(pid);
  writer.unit(unit);
  writer.finish(out);
  if (x12) {
    if (!st.empty()) ++run.middle;
    if (head.starts_with("GE")) ++run.outer;
  } else {
    if (head == "MSH") ++run.middle;
    if (head == "BTS") ++run.outer;
  }
  return {};
}

}  // namespace licet::deid
