#include "deid/dicom.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "crypto/crypto.h"
#include "deid/tokens.h"

namespace licet::deid {
namespace {

using codec::DicomAttribute;
using codec::DicomCursor;
using codec::DicomElement;
using codec::DicomItem;
using codec::DicomSyntax;
using codec::Vr;
using Do = DicomRules::Do;

constexpr std::uint32_t kCharset = 0x00080005, kSopClass = 0x00080016, kSopInstance = 0x00080018, kModality = 0x00080060,
                        kImageType = 0x00080008, kCodeMeaning = 0x00080104, kScheme = 0x00080102, kPatientId = 0x00100020,
                        kIdentityRemoved = 0x00120062, kMethod = 0x00120063, kMethodCodes = 0x00120064, kBurnedIn = 0x00280301,
                        kTimeModified = 0x00280303, kEncapsulated = 0x00420011;
// Of our own, a UUID as a number: who wrote the file (PS3.10 7.1).
constexpr std::string_view kImplementation = "2.25.107146837413590238264125930452817934127";
constexpr std::string_view kRemoved = "REMOVED";

bool has(const std::vector<std::uint32_t>& tags, std::uint32_t tag) {
  return std::binary_search(tags.begin(), tags.end(), tag);
}
bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::binary_search(words.begin(), words.end(), word);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

// Each value of several, with '\\' between them.
template <class F>
bool every_value(std::string_view all, F&& good) {
  for (;;) {
    const std::size_t at = all.find('\\');
    if (!good(trimmed(all.substr(0, at)))) return false;
    if (at == std::string_view::npos) return true;
    all.remove_prefix(at + 1);
  }
}
template <class F>
std::string map_values(std::string_view all, F&& made) {
  std::string out;
  for (;;) {
    const std::size_t at = all.find('\\');
    out += made(trimmed(all.substr(0, at)));
    if (at == std::string_view::npos) return out;
    out += '\\';
    all.remove_prefix(at + 1);
  }
}

enum class Class : std::uint8_t { text, name, code, date, time, moment, age, decimal, uid, numbers, arrays, bytes, items };
Class class_of(Vr vr) {
  switch (vr) {
    case Vr::AE:
    case Vr::LO:
    case Vr::LT:
    case Vr::SH:
    case Vr::ST:
    case Vr::UC:
    case Vr::UR:
    case Vr::UT:
      return Class::text;
    case Vr::PN:
      return Class::name;
    case Vr::CS:
      return Class::code;
    case Vr::DA:
      return Class::date;
    case Vr::TM:
      return Class::time;
    case Vr::DT:
      return Class::moment;
    case Vr::AS:
      return Class::age;
    case Vr::DS:
    case Vr::IS:
      return Class::decimal;
    case Vr::UI:
      return Class::uid;
    case Vr::AT:
    case Vr::FD:
    case Vr::FL:
    case Vr::SL:
    case Vr::SS:
    case Vr::SV:
    case Vr::UL:
    case Vr::US:
    case Vr::UV:
      return Class::numbers;
    case Vr::OD:
    case Vr::OF:
    case Vr::OL:
    case Vr::OV:
    case Vr::OW:
      return Class::arrays;
    case Vr::OB:
    case Vr::UN:
      return Class::bytes;
    case Vr::SQ:
      return Class::items;
  }
  return Class::bytes;
}

std::size_t unit_of(Vr vr) {
  switch (vr) {
    case Vr::SS:
    case Vr::US:
    case Vr::OW:
      return 2;
    case Vr::AT:
    case Vr::FL:
    case Vr::SL:
    case Vr::UL:
    case Vr::OF:
    case Vr::OL:
      return 4;
    case Vr::FD:
    case Vr::SV:
    case Vr::UV:
    case Vr::OD:
    case Vr::OV:
      return 8;
    case Vr::AE:
    case Vr::AS:
    case Vr::CS:
    case Vr::DA:
    case Vr::DS:
    case Vr::DT:
    case Vr::IS:
    case Vr::LO:
    case Vr::LT:
    case Vr::OB:
    case Vr::PN:
    case Vr::SH:
    case Vr::SQ:
    case Vr::ST:
    case Vr::TM:
    case Vr::UC:
    case Vr::UI:
    case Vr::UN:
    case Vr::UR:
    case Vr::UT:
      return 1;
  }
  return 1;
}

// In characters (PS3.5 6.2).
std::size_t longest(Vr vr) {
  switch (class_of(vr)) {
    case Class::text:
      if (vr == Vr::AE || vr == Vr::SH) return 16;
      if (vr == Vr::LO) return 64;
      if (vr == Vr::ST) return 1024;
      if (vr == Vr::LT) return 10240;
      return std::size_t{1} << 26;
    case Class::name:
    case Class::uid:
      return 64;
    case Class::code:
      return 16;
    case Class::date:
    case Class::time:
    case Class::moment:
    case Class::age:
    case Class::decimal:
    case Class::numbers:
    case Class::arrays:
    case Class::bytes:
    case Class::items:
      return std::size_t{1} << 26;
  }
  return 16;
}

// The dictionary's VR and the file's say the same sort of value.
bool same_sort(Vr a, Vr b) {
  if (a == b) return true;
  const Class x = class_of(a), y = class_of(b);
  if (x == Class::numbers && y == Class::numbers) return unit_of(a) == unit_of(b) && a != Vr::AT && b != Vr::AT;
  if (x == Class::arrays || y == Class::arrays) {  // US or OW; OB or OW
    const auto loose = [](Vr v) { return v == Vr::OW || v == Vr::OB || v == Vr::US || v == Vr::SS; };
    return loose(a) && loose(b);
  }
  return x == y && x != Class::bytes && x != Class::items && a != Vr::AE && b != Vr::AE && a != Vr::UR && b != Vr::UR;
}

bool is_code_string(std::string_view v) {
  return v.size() <= 16 &&
         std::all_of(v.begin(), v.end(), [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' || c == '_'; });
}

bool is_number(std::string_view v) {
  std::size_t digits = 0;
  for (std::size_t k = 0; k < v.size(); ++k) {
    const char c = v[k];
    if (c >= '0' && c <= '9')
      ++digits;
    else if (c == '+' || c == '-') {
      if (k > 0 && v[k - 1] != 'E' && v[k - 1] != 'e') return false;
    } else if (c != '.' && c != 'E' && c != 'e')
      return false;
  }
  return v.empty() || (digits > 0 && v.size() <= 32);
}

bool is_time(std::string_view v) {
  return v.size() <= 16 && std::all_of(v.begin(), v.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.' || c == ':'; });
}

bool is_oid(std::string_view v) {
  return !v.empty() && v.size() <= 64 && std::all_of(v.begin(), v.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

// One of the standard's own: SOP classes, transfer syntaxes, well-known frames of reference. No long number fits into it.
bool is_well_known(std::string_view v) {
  if (!v.starts_with("1.2.840.10008.") || v.size() > 40 || !is_oid(v)) return false;
  std::size_t run = 0;
  for (const char c : v) {
    run = c == '.' ? 0 : run + 1;
    if (run > 5) return false;
  }
  return true;
}

// "040Y", or nothing.
std::optional<unsigned> years_of(std::string_view v) {
  if (v.size() != 4 || (v[3] != 'Y' && v[3] != 'M' && v[3] != 'W' && v[3] != 'D')) return std::nullopt;
  unsigned n = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    if (v[k] < '0' || v[k] > '9') return std::nullopt;
    n = n * 10 + static_cast<unsigned>(v[k] - '0');
  }
  return v[3] == 'Y' ? n : 0;
}

// The random code of a UID (RFC 9562, with its marks) as the number that X.667 makes a UID of.
std::string numbered(std::string_view uuid) {
  std::array<std::uint32_t, 4> words{};  // most significant first
  std::size_t digits = 0;
  for (const char c : uuid) {
    if (c == '-' || digits == 32) continue;
    const std::uint32_t v = static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10) & 15;
    words[digits / 8] = words[digits / 8] << 4 | v;
    ++digits;
  }
  std::string backward;
  while (words[0] != 0 || words[1] != 0 || words[2] != 0 || words[3] != 0) {
    std::uint64_t rest = 0;
    for (std::uint32_t& w : words) {
      rest = rest << 32 | w;
      w = static_cast<std::uint32_t>(rest / 10);
      rest %= 10;
    }
    backward += static_cast<char>('0' + rest);
  }
  return "2.25." + (backward.empty() ? "0" : std::string(backward.rbegin(), backward.rend()));
}

}  // namespace

// One data set, gone through three times: what it tells of people and records; its texts; what is written.
class DicomWalk {
 public:
  enum class Pass : std::uint8_t { facts, texts, write };

  DicomWalk(const DicomTransform& t, const codec::DicomHead& head, DicomPixelsAre pixels, DicomRun& run, DicomMade& made)
      : t_(t), rules_(t.library_.dicom), head_(head), pixels_(pixels), run_(run), values_(run.values), made_(made), out_(made.data) {}

  Result<void> go() {
    scrubs_ = run_.pieces != nullptr && t_.profile_.rule(Kind::text).act == Act::scrub;
    LICET_TRY_VOID(pass(Pass::facts));
    values_.patient = patient_;
    made_.name_tells = tells(run_.name) || std::any_of(uids_.begin(), uids_.end(),
                                                       [&](const std::string& u) { return run_.name.find(u) != std::string_view::npos; });
    if (scrubs_) {
      run_.pieces->clear();
      LICET_TRY_VOID(pass(Pass::texts));
      if (run_.pieces->size() > 0)
        run_.pieces->read(known_, {.as_of = values_.as_of, .codes = &values_.codes, .key = values_.key, .patient = values_.patient},
                          run_.note);
    }
    own();
    out_.reserve(head_.data.size() + 1024);
    LICET_TRY_VOID(pass(Pass::write));
    flush_own(0xffffffff);
    if (head_.pixels.tag != 0) {
      put_head(head_.pixels.tag, head_.pixels.vr, head_.pixels.length);
    }
    meta();
    return {};
  }

 private:
  struct Level {
    std::string_view charset;
    bool published = false;  // the code of this item is of a published terminology
    bool dummy = false;      // of a sequence that is replaced: each value in it is
    bool top = false;
  };
  enum class What : std::uint8_t { remove, empty, dummy, uid, keep, text, code, id, surrogate, name, date, age, items, dummy_items };
  struct Decision {
    What what = What::remove;
    Kind kind = Kind::text;
    Do basic = Do::dummy;
    enum class Why : std::uint8_t { rule, unlisted, misfit } why = Why::rule;
  };

  Result<void> pass(Pass which) {
    pass_ = which;
    piece_ = 0;
    DicomCursor cursor(head_.data, head_.syntax, run_.limits);
    return level(cursor, cursor.size(), Level{.top = true}, 0);
  }

  Result<void> level(DicomCursor& cursor, std::size_t end, Level level, std::size_t depth) {
    DicomElement e;
    for (;;) {
      LICET_TRY(some, cursor.element(e, end));
      if (!some) return {};
      if (level.top && pass_ == Pass::write) flush_own(e.tag);
      // Converters that didn't know better wrote UN (PS3.5 6.2.2); the value is what the dictionary says, and items in it are implicit.
      const DicomSyntax outside = cursor.syntax();
      if (e.vr == Vr::UN && outside.explicit_vr && !outside.big_endian)
        if (const DicomAttribute* known = codec::dicom_attribute(e.tag)) {
          e.vr = e.undefined ? Vr::SQ : known->vr;
          e.header = {};
          if (e.vr == Vr::SQ) {
            cursor.syntax(DicomSyntax{.explicit_vr = false});
            if (!e.undefined) cursor.at(static_cast<std::size_t>(e.value.data() - head_.data.data()));
          }
        }
      if (cursor.syntax().explicit_vr != syntax_.explicit_vr) e.header = {};  // it is written anew
      if (e.tag == kCharset && e.vr == Vr::CS) level.charset = e.value;
      if (e.tag == kScheme) level.published = has(rules_.terminologies, trimmed(e.value));
      if (pass_ == Pass::facts) facts(e, level);
      const Decision d = decide(e, level);
      if (d.what == What::items || d.what == What::dummy_items) {
        LICET_TRY_VOID(sequence(cursor, e, level, d.what == What::dummy_items, depth));
        cursor.syntax(outside);
        continue;
      }
      LICET_TRY_VOID(cursor.skip(e));
      cursor.syntax(outside);
      if (pass_ == Pass::texts) texts(e, d, level);
      if (pass_ == Pass::write) write(e, d, level);
    }
  }

  Result<void> sequence(DicomCursor& cursor, const DicomElement& e, const Level& outside, bool dummy, std::size_t depth) {
    if (depth >= run_.limits.depth) return Error{Code::exhausted, fmt::format("sequences are nested deeper than {}", run_.limits.depth)};
    const bool writes = pass_ == Pass::write;
    if (writes) {
      put_head(e.tag, Vr::SQ, codec::kUndefinedLength);
      ++made_.kept;
    }
    const std::size_t content = out_.size();
    DicomItem item;
    for (;;) {
      LICET_TRY(some, cursor.item(e, item));
      if (!some) break;
      const std::size_t at = out_.size();
      if (writes) put_item(0xfffee000, codec::kUndefinedLength);
      Level inside = outside;
      inside.top = inside.published = false;
      inside.dummy = outside.dummy || dummy;
      LICET_TRY_VOID(level(cursor, item.end, inside, depth + 1));
      if (!writes) continue;
      if (item.undefined)
        put_item(0xfffee00d, 0);
      else
        patch(at + 4, out_.size() - at - 8);
    }
    if (!writes) return {};
    if (e.undefined)
      put_item(0xfffee0dd, 0);
    else
      patch(content - 4, out_.size() - content);
    return {};
  }

  // ---- what is done

  const DicomTransform::Plan* plan(std::uint32_t tag) const {
    const auto at = std::lower_bound(t_.plans_.begin(), t_.plans_.end(), tag,
                                     [](const DicomTransform::Plan& p, std::uint32_t want) { return p.tag < want; });
    return at != t_.plans_.end() && at->tag == tag ? &*at : nullptr;
  }
  std::optional<Kind> kind_of_tag(std::uint32_t tag) const {
    const auto at = std::lower_bound(rules_.identifiers.begin(), rules_.identifiers.end(), tag,
                                     [](const auto& i, std::uint32_t want) { return i.first < want; });
    if (at == rules_.identifiers.end() || at->first != tag) return std::nullopt;
    return at->second;
  }

  Decision decide(const DicomElement& e, const Level& level) const {
    using Why = Decision::Why;
    const std::uint32_t group = e.tag >> 16;
    // Private attributes; curves and overlays, of which the table removes what matters and nothing is left without it; group lengths, which
    // hold no longer; what no data set may hold.
    if (group % 2 == 1 || (group & 0xff00) == 0x5000 || (group & 0xff00) == 0x6000 || (e.tag & 0xffff) == 0 || group < 8)
      return {What::remove};
    if (e.tag == kIdentityRemoved || e.tag == kMethod || e.tag == kMethodCodes || e.tag == kTimeModified) return {What::remove};
    if (e.tag == kBurnedIn && pixels_ == DicomPixelsAre::cleaned && level.top) return {What::remove};
    // A sequence whose items are none of ours to read: unknown, or encapsulated.
    if (e.undefined && e.vr != Vr::SQ) return {What::remove, Kind::text, Do::remove, Why::unlisted};
    const DicomAttribute* known = codec::dicom_attribute(e.tag);
    const DicomTransform::Plan* p = plan(e.tag);
    if (known != nullptr && !same_sort(known->vr, e.vr)) return {What::remove, Kind::text, Do::remove, Why::misfit};
    if (p != nullptr) return planned(e, *p, level);
    if (known == nullptr) return {What::remove, Kind::text, Do::remove, Why::unlisted};
    return by_representation(e, *known, Do::dummy, level);
  }

  Decision planned(const DicomElement& e, const DicomTransform::Plan& p, const Level& level) const {
    const Class c = class_of(e.vr);
    if (p.dated && (c == Class::date || c == Class::moment || c == Class::time)) return {What::date, Kind::date, p.basic};
    switch (p.act) {
      case Do::remove:
        return {What::remove};
      case Do::uid:
        return {c == Class::uid ? What::uid : What::remove, Kind::id};
      case Do::keep:
        if (p.dated) return replaced(e, p.basic, level);  // a date that doesn't look like one
        if (c == Class::age) return {What::age, Kind::age, p.basic};
        if (const DicomAttribute* known = codec::dicom_attribute(e.tag)) return by_representation(e, *known, p.basic, level);
        return {What::remove, Kind::text, Do::remove, Decision::Why::unlisted};
      case Do::clean:
        if (c == Class::items) return {level.dummy ? What::dummy_items : What::items};
        if (c == Class::text && e.vr != Vr::AE && e.vr != Vr::UR) return text(p.basic, level);
        if (c == Class::numbers && !level.dummy) return {What::keep};
        return replaced(e, p.basic, level);
      case Do::empty:
      case Do::dummy:
        return replaced(e, p.act, level);
    }
    return {What::remove};
  }

  // Z and D, by what the attribute is.
  Decision replaced(const DicomElement& e, Do basic, const Level& level) const {
    const Class c = class_of(e.vr);
    if (basic == Do::remove) return {What::remove};
    if (c == Class::items) {
      if (has(rules_.parts, e.tag)) return {level.dummy ? What::dummy_items : What::items};
      if (basic == Do::empty) return {What::empty};
      return {What::dummy_items};
    }
    if (c == Class::name) return {What::name, Kind::name, basic};
    if (const auto kind = kind_of_tag(e.tag)) return {*kind == Kind::id ? What::id : What::surrogate, *kind, basic};
    if (c == Class::uid) return {What::uid, Kind::id};
    return {basic == Do::empty ? What::empty : What::dummy, Kind::text, basic};
  }

  Decision text(Do basic, const Level& level) const {
    if (scrubs_ && !level.dummy) return {What::text, Kind::text, basic};
    return {basic == Do::remove ? What::remove : basic == Do::empty ? What::empty : What::dummy, Kind::text, basic};
  }

  // What no row of the table changes. `basic`: what is done where a value hasn't the look that it must have.
  Decision by_representation(const DicomElement& e, const DicomAttribute& known, Do basic, const Level& level) const {
    using Why = Decision::Why;
    const Class c = class_of(e.vr);
    switch (c) {
      case Class::items:
        return {level.dummy ? What::dummy_items : What::items};
      case Class::name:
        return {What::name, Kind::name, basic};
      case Class::date:
      case Class::time:
      case Class::moment:
        return {What::date, Kind::date, basic};
      case Class::age:
        return {What::age, Kind::age, basic};
      case Class::uid:
        if (has(rules_.codes, e.tag) && !level.dummy && every_value(e.value, is_oid) && e.value.size() <= 48) return {What::keep};
        return {What::uid, Kind::id};
      case Class::numbers:
        if (e.value.size() % unit_of(e.vr) == 0) return {What::keep};
        return {What::remove, Kind::text, basic, Why::misfit};
      case Class::decimal:
        if (every_value(e.value, is_number)) return {What::keep};
        return {What::dummy, Kind::text, basic, Why::misfit};
      case Class::arrays:
        if (!known.retired) return {What::keep};
        return {What::remove, Kind::text, basic, Why::unlisted};
      case Class::bytes:
        if (!has(rules_.bytes, e.tag)) return {What::remove, Kind::text, basic, Why::unlisted};
        // A color profile: its own mark stands at byte 36 (ICC.1 7.2.11).
        if (e.tag == 0x00282000 && (e.value.size() < 128 || e.value.substr(36, 4) != "acsp"))
          return {What::remove, Kind::text, basic, Why::misfit};
        return {What::keep};
      case Class::code:
        if (has(rules_.codes, e.tag) && every_value(e.value, is_code_string)) return {What::keep};
        if (every_value(e.value, is_code_string) && every_value(e.value, [](std::string_view v) { return !says_which(v, true); }) &&
            !tells(e.value))
          return {What::keep};
        return {What::code, Kind::text, basic};
      case Class::text:
        break;
    }
    if (e.vr == Vr::AE || e.vr == Vr::UR) return {What::dummy, Kind::url, basic};
    if (const auto kind = kind_of_tag(e.tag)) return {*kind == Kind::id ? What::id : What::surrogate, *kind, basic};
    if (!level.dummy) {
      if (has(rules_.codes, e.tag)) {
        if (every_value(e.value, [](std::string_view v) { return v.empty() || (is_token(v) && !says_which(v, false)); }) && !tells(e.value))
          return {What::keep};
      } else if ((e.tag != kCodeMeaning || level.published) && has(rules_.words, e.tag) && reads_as_words(e.value, e.tag == kCodeMeaning) &&
                 !tells(e.value)) {
        return {What::keep};
      }
    }
    return text(basic, level);
  }

  // Nothing in it that a maker's or method's name doesn't have. `foreign`: other letters, too, as meanings of codes are translated.
  bool reads_as_words(std::string_view value, bool foreign) const {
    return every_value(value, [&](std::string_view v) {
      if (v.size() > 128 || says_which(v, false)) return false;
      std::size_t run = 0;
      for (const char c : v) {
        const auto u = static_cast<unsigned char>(c);
        if (c == '@' || c == '^' || (u < 0x20 && !foreign) || (u >= 0x7f && !foreign)) return false;
        run = c >= '0' && c <= '9' ? run + 1 : 0;
        if (run >= 9) return false;
      }
      tokens_.clear();
      tokenize(v, tokens_);
      spans_.clear();
      find_patterns(v, tokens_, spans_);
      return std::all_of(spans_.begin(), spans_.end(), [](const Span& s) { return s.kind == Kind::ip; });  // 3.1.4.2 is a version
    });
  }

  // ---- what the file tells of people and records

  void facts(const DicomElement& e, const Level& level) {
    if (e.value.empty() || e.value.size() > 4096) return;
    const Class c = class_of(e.vr);
    if (e.tag == kPatientId && level.top) patient_ = trimmed(e.value);
    if ((e.tag == kSopInstance || e.tag == 0x0020000d || e.tag == 0x0020000e) && level.top && trimmed(e.value).size() > 8)
      uids_.emplace_back(trimmed(e.value));
    if (c == Class::name) {
      if (const auto utf8 = codec::dicom_to_utf8(level.charset, e.value)) {
        std::string words = *utf8;
        std::replace_if(
            words.begin(), words.end(), [](char x) { return x == '^' || x == '=' || x == '\\'; }, ' ');
        know(words, Kind::name);
      }
      return;
    }
    if (c != Class::text) return;
    const auto kind = kind_of_tag(e.tag);
    if (!kind) return;
    const auto utf8 = codec::dicom_to_utf8(level.charset, trimmed(e.value));
    if (!utf8) return;
    know(*utf8, *kind == Kind::id ? Kind::mrn : *kind);
    if ((*kind == Kind::id || *kind == Kind::mrn || *kind == Kind::phone) && utf8->size() >= 5 &&
        std::any_of(utf8->begin(), utf8->end(), [](char x) { return x >= '0' && x <= '9'; }))
      numbers_.push_back(lower(*utf8));
  }

  void know(std::string_view value, Kind kind) {
    known_.add(value, kind);
    if (kind != Kind::name && kind != Kind::mrn) return;
    tokens_.clear();
    tokenize(value, tokens_);
    for (const Token& t : tokens_)
      if ((t.word() && kind == Kind::name && t.size() >= 3) || (t.number() && t.size() >= 5)) own_words_.insert(t.hash);
  }

  // Whether a value holds one of the names or numbers that the file tells of.
  bool tells(std::string_view value) const {
    if (own_words_.empty() && numbers_.empty()) return false;
    std::vector<Token>& tokens = tokens_;
    tokens.clear();
    tokenize(value, tokens);
    for (const Token& t : tokens)
      if (t.look != Look::mark && t.look != Look::line && own_words_.contains(t.hash)) return true;
    if (numbers_.empty()) return false;
    const std::string small = lower(value);
    return std::any_of(numbers_.begin(), numbers_.end(), [&](const std::string& n) { return small.find(n) != std::string::npos; });
  }

  // ---- texts

  void texts(const DicomElement& e, const Decision& d, const Level& level) {
    if (d.what != What::text && d.what != What::code) return;
    if (!scrubs_ || level.dummy) return;
    if (trimmed(e.value).empty()) return;
    const auto utf8 = codec::dicom_to_utf8(level.charset, trimmed(e.value));
    if (utf8) run_.pieces->add(*utf8);
  }

  // The value as the text engine left it; nullopt: there is none that may stay.
  std::optional<std::string> cleaned(const DicomElement& e, const Level& level) {
    const std::string_view before = trimmed(e.value);
    if (before.empty()) return std::string();
    const auto utf8 = codec::dicom_to_utf8(level.charset, before);
    if (!utf8) return std::nullopt;
    const std::string_view after = run_.pieces->made(piece_++);
    if (tells(after)) return std::nullopt;
    if (after == *utf8) return std::string(before);
    if (e.vr == Vr::CS) return std::nullopt;
    const std::size_t most = longest(e.vr);
    std::string fits =
        e.vr == Vr::LO || e.vr == Vr::SH ? map_values(after, [&](std::string_view v) { return cut(v, most); }) : cut(after, most);
    return codec::dicom_from_utf8(level.charset, fits);
  }

  static std::string cut(std::string_view text, std::size_t most) {
    std::size_t characters = 0, at = 0;
    while (at < text.size()) {
      if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && ++characters > most) break;
      ++at;
    }
    return std::string(text.substr(0, at));
  }

  // ---- what is written

  void write(const DicomElement& e, const Decision& d, const Level& level) {
    Tally& tally = values_.tally;
    const auto drop = [&] {
      ++made_.removed;
      switch (d.why) {
        case Decision::Why::rule:
          ++tally.dropped;
          break;
        case Decision::Why::unlisted:
          ++tally.unlisted;
          break;
        case Decision::Why::misfit:
          ++tally.misfit;
          break;
      }
    };
    const auto kept = [&] {
      ++made_.kept;
      if (e.value.size() % 2 == 0 && !e.header.empty())
        out_.append(e.header).append(e.value);
      else
        put(e.tag, e.vr, e.value);
    };
    const auto replaced_by = [&](std::string_view value) {
      ++made_.replaced;
      put(e.tag, e.vr, value);
    };
    const auto fall_back = [&] {
      switch (d.basic) {
        case Do::remove:
          return drop();
        case Do::empty:
          return replaced_by({});
        case Do::dummy:
        case Do::uid:
        case Do::keep:
        case Do::clean:
          return replaced_by(e.value.empty() ? std::string() : dummy(e));
      }
    };
    switch (d.what) {
      case What::remove:
        drop();
        return;
      case What::empty:
        if (class_of(e.vr) == Class::text && !e.value.empty()) ++tally.kinds[static_cast<std::size_t>(Kind::text)];
        if (e.vr == Vr::SQ)
          ++made_.replaced, put_head(e.tag, Vr::SQ, 0);
        else
          replaced_by({});
        return;
      case What::dummy:
        if (d.why == Decision::Why::misfit) ++tally.misfit;
        replaced_by(e.value.empty() ? std::string() : dummy(e));
        return;
      case What::keep:
        kept();
        return;
      case What::uid:
        ++tally.kinds[static_cast<std::size_t>(Kind::id)];
        replaced_by(map_values(e.value, [&](std::string_view v) { return uid(v); }));
        return;
      case What::text:
      case What::code: {
        ++tally.kinds[static_cast<std::size_t>(Kind::text)];
        if (!scrubs_ || level.dummy) return fall_back();
        const auto made = cleaned(e, level);
        if (!made) return fall_back();
        if (*made == trimmed(e.value)) return kept();
        replaced_by(*made);
        return;
      }
      case What::id: {
        const std::string_view v = trimmed(e.value);
        const Act act = t_.profile_.rule(Kind::id).act;
        if (v.empty()) return kept();
        if (act == Act::keep) return kept();
        if (act == Act::code) {
          ++tally.kinds[static_cast<std::size_t>(Kind::id)];
          std::string code(values_.codes.of(v));
          if (longest(e.vr) < code.size()) std::erase(code, '-'), code.resize(longest(e.vr));
          return replaced_by(code);
        }
        return fall_back();
      }
      case What::surrogate: {
        const std::string_view v = trimmed(e.value);
        std::string made;
        if (t_.profile_.rule(d.kind).act == Act::surrogate && !v.empty()) {
          if (const auto utf8 = codec::dicom_to_utf8(level.charset, v))
            if (!put_value(d.kind, *utf8, Written::free, values_, made)) made.clear();
        } else {
          ++tally.kinds[static_cast<std::size_t>(d.kind)];
        }
        if (made.empty()) return fall_back();
        replaced_by(cut(made, longest(e.vr)));
        return;
      }
      case What::name: {
        if (e.value.empty()) return kept();
        const std::string made = person(e, level);
        if (made.empty()) return fall_back();
        replaced_by(made);
        return;
      }
      case What::date:
        date(e, d, fall_back, replaced_by, kept);
        return;
      case What::age: {
        ++tally.kinds[static_cast<std::size_t>(Kind::age)];
        const std::string_view v = trimmed(e.value);
        const auto years = years_of(v);
        const Act act = t_.profile_.rule(Kind::age).act;
        if (v.empty()) return kept();
        if (!years || level.dummy || (act != Act::keep && act != Act::age90)) return fall_back();
        if (act == Act::age90 && *years > 89) return replaced_by("090Y");
        return kept();
      }
      case What::items:
      case What::dummy_items:
        return;
    }
  }

  template <class FallBack, class Replaced, class Kept>
  void date(const DicomElement& e, const Decision& d, const FallBack& fall_back, const Replaced& replaced_by, const Kept& kept) {
    ++values_.tally.kinds[static_cast<std::size_t>(Kind::date)];
    if (trimmed(e.value).empty()) return kept();
    const Act act = t_.profile_.rule(Kind::date).act;
    const Class c = class_of(e.vr);
    const bool moves = act == Act::shift && !values_.key.empty() && !values_.patient.empty();
    if (c == Class::time) {
      if ((act == Act::keep || moves) && every_value(e.value, is_time)) return kept();
      return fall_back();
    }
    if (act == Act::year && d.basic == Do::remove) return fall_back();
    bool good = true;
    const std::string made = map_values(e.value, [&](std::string_view v) {
      std::string one;
      if (c == Class::date && v.size() != 8) good = false;
      if (!good || !put_value(Kind::date, v, c == Class::date && act == Act::year ? Written::compact_day : Written::compact, values_, one))
        good = false;
      --values_.tally.kinds[static_cast<std::size_t>(Kind::date)];  // counted once an element
      return one;
    });
    if (!good || act == Act::drop) return fall_back();
    if (made == trimmed(e.value)) return kept();
    replaced_by(made);
  }

  // Family and given names of the first value, invented where the profile invents names.
  std::string person(const DicomElement& e, const Level& level) {
    if (t_.profile_.rule(Kind::name).act != Act::surrogate) {
      ++values_.tally.kinds[static_cast<std::size_t>(Kind::name)];
      return {};
    }
    const auto utf8 = codec::dicom_to_utf8(level.charset, trimmed(e.value));
    if (!utf8) return {};
    std::string_view one = std::string_view(*utf8).substr(0, utf8->find('='));
    one = one.substr(0, one.find('\\'));
    const std::string_view family = trimmed(one.substr(0, one.find('^')));
    std::string_view given = one.find('^') == std::string_view::npos ? std::string_view() : one.substr(one.find('^') + 1);
    given = trimmed(given.substr(0, given.find('^')));
    std::string made;
    if (!family.empty() && !put_value(Kind::name, family, Written::free, values_, made, true)) return {};
    if (!given.empty()) {
      made += '^';
      if (!put_value(Kind::name, given, Written::free, values_, made)) return {};
    }
    if (std::any_of(made.begin(), made.end(), [](char x) { return static_cast<unsigned char>(x) >= 0x80; }) || tells(made)) return {};
    return cut(made, 64);
  }

  // A value of the same kind that says nothing (PS3.15 E.3, D).
  std::string dummy(const DicomElement& e) {
    switch (e.vr) {
      case Vr::AS:
        return "000Y";
      case Vr::DA:
        return "19000101";
      case Vr::DT:
        return "19000101000000";
      case Vr::TM:
        return "000000";
      case Vr::DS:
      case Vr::IS:
        return "0";
      case Vr::UI:
        return uid(trimmed(e.value));
      case Vr::UR:
        return "urn:removed";
      case Vr::AE:
      case Vr::CS:
      case Vr::LO:
      case Vr::LT:
      case Vr::PN:
      case Vr::SH:
      case Vr::ST:
      case Vr::UC:
      case Vr::UT:
        return std::string(kRemoved);
      case Vr::AT:
      case Vr::FD:
      case Vr::FL:
      case Vr::OB:
      case Vr::OD:
      case Vr::OF:
      case Vr::OL:
      case Vr::OV:
      case Vr::OW:
      case Vr::SL:
      case Vr::SS:
      case Vr::SV:
      case Vr::UL:
      case Vr::UN:
      case Vr::US:
      case Vr::UV:
        return std::string(e.value.size(), '\0');
      case Vr::SQ:
        return {};
    }
    return {};
  }

  std::string uid(std::string_view v) {
    if (v.empty() || is_well_known(v)) return std::string(v);
    switch (t_.profile_.rule(Kind::id).act) {
      case Act::keep:
        if (is_oid(v)) return std::string(v);
        break;
      case Act::surrogate:
        if (!values_.key.empty()) {
          const Digest mac = crypto::hmac_sha256(values_.key, as_bytes("uid\n" + std::string(v)));
          return numbered(hex(mac).substr(0, 32));
        }
        break;
      case Act::code:
      case Act::drop:
      case Act::redact:
      case Act::shift:
      case Act::year:
      case Act::zip3:
      case Act::age90:
      case Act::scrub:
        break;
    }
    return numbered(values_.codes.of(v));
  }

  void put16(std::uint32_t v) {
    const char a = static_cast<char>(v >> 8), b = static_cast<char>(v);
    syntax_.big_endian ? (out_ += a, out_ += b) : (out_ += b, out_ += a);
  }
  void put32(std::uint32_t v) {
    if (syntax_.big_endian)
      put16(v >> 16), put16(v & 0xffff);
    else
      put16(v & 0xffff), put16(v >> 16);
  }
  void put_item(std::uint32_t tag, std::uint32_t length) {
    put16(tag >> 16);
    put16(tag & 0xffff);
    put32(length);
  }
  void put_head(std::uint32_t tag, Vr vr, std::uint32_t length) {
    put16(tag >> 16);
    put16(tag & 0xffff);
    if (!syntax_.explicit_vr) return put32(length);
    out_ += codec::name(vr);
    if (codec::long_form(vr)) {
      put16(0);
      put32(length);
    } else {
      put16(length);
    }
  }
  void put(std::uint32_t tag, Vr vr, std::string_view value) {
    if (!codec::long_form(vr) && value.size() > 65534) value = value.substr(0, 65534);
    const bool odd = value.size() % 2 == 1;
    put_head(tag, vr, static_cast<std::uint32_t>(value.size() + odd));
    out_ += value;
    const Class c = class_of(vr);
    if (odd) out_ += c == Class::uid || c == Class::bytes || c == Class::arrays || c == Class::numbers ? '\0' : ' ';
  }
  void patch(std::size_t at, std::size_t length) {
    std::string now = std::exchange(out_, {});
    put32(static_cast<std::uint32_t>(length));
    now.replace(at, 4, out_);
    out_ = std::move(now);
  }

  // ---- what the file says of its de-identification

  // Attributes that we write, each with its tag, in order.
  void own() {
    const auto one = [&](std::uint32_t tag, const auto& writes) {
      std::string now = std::exchange(out_, {});
      writes();
      own_.emplace_back(tag, std::exchange(out_, std::move(now)));
    };
    one(kIdentityRemoved, [&] { put(kIdentityRemoved, Vr::CS, "YES"); });
    one(kMethod, [&] { put(kMethod, Vr::LO, "Licet " + t_.profile_.named() + "\\DICOM PS3.15 Annex E"); });
    one(kMethodCodes, [&] {
      put_head(kMethodCodes, Vr::SQ, codec::kUndefinedLength);
      const auto item = [&](std::string_view code, std::string_view name) {
        put_item(0xfffee000, codec::kUndefinedLength);
        put(0x00080100, Vr::SH, code);
        put(kScheme, Vr::SH, "DCM");
        put(kCodeMeaning, Vr::LO, name);
        put_item(0xfffee00d, 0);
      };
      for (const auto& [code, name] : t_.methods_) item(code, cut(name, 64));
      if (pixels_ == DicomPixelsAre::cleaned) item("113101", "Clean Pixel Data Option");
      put_item(0xfffee0dd, 0);
    });
    if (pixels_ == DicomPixelsAre::cleaned) one(kBurnedIn, [&] { put(kBurnedIn, Vr::CS, "NO"); });
    const Act dates = t_.profile_.rule(Kind::date).act;
    one(kTimeModified, [&] {
      put(kTimeModified, Vr::CS,
          dates == Act::keep                                ? "UNMODIFIED"
          : dates == Act::shift && !values_.patient.empty() ? "MODIFIED"
                                                            : "REMOVED");
    });
  }
  void flush_own(std::uint32_t before) {
    while (own_next_ < own_.size() && own_[own_next_].first < before) out_ += own_[own_next_++].second;
  }

  void meta() {
    std::string sop_class, instance;
    const auto read = [&](std::string_view bytes, DicomSyntax syntax, std::uint32_t class_tag, std::uint32_t instance_tag) {
      DicomCursor cursor(bytes, syntax, run_.limits);
      DicomElement e;
      for (;;) {
        const auto some = cursor.element(e, cursor.size());
        if (!some || !*some || !cursor.skip(e) || e.tag > instance_tag) return;
        if (e.tag == class_tag && sop_class.empty()) sop_class = trimmed(e.value);
        if (e.tag == instance_tag && instance.empty()) instance = trimmed(e.value);
      }
    };
    read(head_.data, head_.syntax, kSopClass, kSopInstance);
    read(head_.meta, {}, 0x00020002, 0x00020003);
    std::string data = std::exchange(out_, {});
    syntax_ = DicomSyntax{};  // meta information is explicit and little endian, whatever follows
    put(0x00020001, Vr::OB, std::string_view("\0\1", 2));
    if (!sop_class.empty()) put(0x00020002, Vr::UI, is_well_known(sop_class) ? sop_class : uid(sop_class));
    if (!instance.empty()) put(0x00020003, Vr::UI, uid(instance));
    put(0x00020010, Vr::UI, head_.transfer_syntax);
    put(0x00020012, Vr::UI, kImplementation);
    put(0x00020013, Vr::SH, "LICET");
    std::string rest = std::exchange(out_, {});
    put_head(0x00020000, Vr::UL, 4);
    put32(static_cast<std::uint32_t>(rest.size()));
    made_.meta.assign(128, '\0');
    made_.meta += "DICM" + out_ + rest;
    out_ = std::move(data);
  }

  const DicomTransform& t_;
  const DicomRules& rules_;
  const codec::DicomHead& head_;
  const DicomPixelsAre pixels_;
  DicomRun& run_;
  ValueContext& values_;
  DicomMade& made_;
  std::string& out_;
  DicomSyntax syntax_ = head_.syntax;  // as it is written
  Pass pass_ = Pass::facts;
  bool scrubs_ = false;
  std::size_t piece_ = 0;
  std::string patient_;
  Known known_;
  std::unordered_set<std::uint32_t> own_words_;
  std::vector<std::string> numbers_, uids_;
  mutable std::vector<Token> tokens_;  // scratch
  mutable std::vector<Span> spans_;
  std::vector<std::pair<std::uint32_t, std::string>> own_;
  std::size_t own_next_ = 0;
};

DicomTransform::DicomTransform(const Library& library, const Profile& profile) : library_(library), profile_(profile) {
  const DicomRules& rules = library.dicom;
  methods_.emplace_back("113100", "Basic Application Confidentiality Profile");
  for (std::size_t n = 0; n < DicomRules::kOptions; ++n) {
    for (const auto& [kind, act] : rules.options[n].when) taken_[n] = taken_[n] || profile.rule(kind).act == act;
    if (taken_[n]) methods_.emplace_back(rules.options[n].code, rules.options[n].name);
  }
  using Option = DicomRules::Option;
  plans_.reserve(rules.rows.size());
  for (const DicomRules::Row& row : rules.rows) {
    Plan p{.tag = row.tag, .act = row.basic, .basic = row.basic};
    p.dated = row.options[static_cast<std::size_t>(Option::full_dates)] != 0;
    // What keeps goes before what cleans (PS3.15 E.3: the options are added to the profile).
    for (const char wanted : {'K', 'C'})
      for (std::size_t n = 0; n < DicomRules::kOptions && p.act == row.basic; ++n)
        if (taken_[n] && row.options[n] == wanted && static_cast<Option>(n) != Option::modified_dates)
          p.act = wanted == 'K' ? Do::keep : Do::clean;
    plans_.push_back(p);
  }
}

Result<DicomLook> DicomTransform::look(const codec::DicomHead& head, codec::DicomLimits limits) const {
  const DicomRules::Pixels& rules = library_.dicom.pixels;
  DicomLook look;
  std::string sop_class, modality, types, burned, photometric;
  std::size_t rows = 0, columns = 0, samples = 1, allocated = 0, stored = 0, frames = 1, representation = 0, planar = 0;
  std::size_t high = 0;
  bool document = false, overlaid = false;
  DicomCursor cursor(head.data, head.syntax, limits);
  DicomElement e;
  for (;;) {
    LICET_TRY(some, cursor.element(e, cursor.size()));
    if (!some) break;
    LICET_TRY_VOID(cursor.skip(e));
    const auto number = [&]() -> std::size_t {
      if (e.value.size() < 2) return 0;
      const auto a = static_cast<unsigned char>(e.value[0]), b = static_cast<unsigned char>(e.value[1]);
      return head.syntax.big_endian ? a * 256u + b : b * 256u + a;
    };
    switch (e.tag) {
      case kSopClass:
        sop_class = trimmed(e.value);
        break;
      case kModality:
        modality = trimmed(e.value);
        break;
      case kImageType:
        types = e.value;
        break;
      case kBurnedIn:
        burned = trimmed(e.value);
        break;
      case kEncapsulated:
        document = true;
        break;
      case 0x00280002:
        samples = number();
        break;
      case 0x00280004:
        photometric = trimmed(e.value);
        break;
      case 0x00280006:
        planar = number();
        break;
      case 0x00280008: {
        std::size_t n = 0;
        for (const char c : trimmed(e.value)) n = c >= '0' && c <= '9' && n < 100'000'000 ? n * 10 + static_cast<std::size_t>(c - '0') : 0;
        frames = std::max<std::size_t>(n, 1);
        break;
      }
      case 0x00280010:
        rows = number();
        break;
      case 0x00280011:
        columns = number();
        break;
      case 0x00280100:
        allocated = number();
        break;
      case 0x00280101:
        stored = number();
        break;
      case 0x00280102:
        high = number();
        break;
      case 0x00280103:
        representation = number();
        break;
      default:
        // An overlay's bit position: 0 where its data lie by themselves.
        if (e.tag >> 24 == 0x60 && (e.tag & 0xffff) == 0x0102) overlaid = overlaid || number() != 0;
        break;
    }
  }
  if (sop_class.empty()) {
    DicomCursor meta(head.meta, {}, limits);
    for (;;) {
      LICET_TRY(some, meta.element(e, meta.size()));
      if (!some) break;
      if (e.tag == 0x00020002) sop_class = trimmed(e.value);
    }
  }
  for (const auto& [uid, why] : library_.dicom.refused)
    if (sop_class == uid) look.refused = why;
  if (document) look.refused = "it holds a document (PDF, CDA or another), which isn't read; take it out and give it by itself";
  if (!look.refused.empty()) return look;
  if (head.pixels.tag == 0) return look;

  using Pixels = DicomLook::Pixels;
  bool type_expected = false, secondary = false, first = true, original = false;
  every_value(types, [&](std::string_view v) {
    type_expected = type_expected || has(rules.expected_types, v);
    secondary = secondary || v == "SECONDARY";
    original = original || (first && v == "ORIGINAL");
    first = false;
    return true;
  });
  if (profile_.rule(Kind::photo).act != Act::keep && (has(rules.photo_modalities, modality) || has(rules.photo_classes, sop_class))) {
    look.pixels = Pixels::photo;
    look.why = "a photograph of a person";
  } else if (burned == "YES") {
    look.pixels = Pixels::expected;
    look.why = "(0028,0301) says that words are burned in";
  } else if (has(rules.expected_classes, sop_class)) {
    look.pixels = Pixels::expected;
    look.why = "secondary capture, ultrasound or another class whose pixels often hold words";
  } else if (has(rules.expected_modalities, modality)) {
    look.pixels = Pixels::expected;
    look.why = "modality " + modality;
  } else if (type_expected) {
    look.pixels = Pixels::expected;
    look.why = "an image type of screens and reports";
  } else if (burned == "NO" || has(rules.clear_classes, sop_class) ||
             (has(rules.clear_modalities, modality) && !secondary && !types.empty())) {
    look.pixels = Pixels::clear;
    look.why = burned == "NO" ? "(0028,0301) says that no words are burned in" : "as the detector made them";
  } else {
    look.pixels = Pixels::possible;
    look.why = secondary ? "a derived secondary image" : "nothing says that no words are burned in";
  }
  const bool mono = samples == 1 && (photometric == "MONOCHROME1" || photometric == "MONOCHROME2");
  const bool color = samples == 3 && allocated == 8 && (photometric == "RGB" || photometric == "YBR_FULL");
  DicomImage& image = look.image;
  image = {.rows = rows,
           .columns = columns,
           .samples = samples,
           .allocated = allocated,
           .stored = stored,
           .frames = frames,
           .high = high,
           .is_signed = representation == 1,
           .planar = samples == 3 && planar == 1,
           .inverted = photometric == "MONOCHROME1",
           .ybr = photometric == "YBR_FULL",
           .big_endian = head.syntax.big_endian};
  look.overlaid = overlaid;
  const std::uint64_t whole = std::uint64_t{image.frame_bytes()} * frames;
  if (head.pixels.length == codec::kUndefinedLength || head.syntax.encapsulated)
    look.unreadable = "they are compressed";
  else if (head.pixels.tag != 0x7fe00010 || !(mono || color) || (allocated != 8 && allocated != 16))
    look.unreadable = "they are neither 8 or 16 bit gray nor 8 bit color";
  else if (rows == 0 || columns == 0 || (whole != head.pixels.length && whole + whole % 2 != head.pixels.length))
    look.unreadable = "there aren't as many as their rows and columns say";
  else
    look.readable = true;
  return look;
}

Result<void> DicomTransform::apply(const codec::DicomHead& head, DicomPixelsAre pixels, DicomRun& run, DicomMade& made) const {
  made.meta.clear();
  made.data.clear();
  made.removed = made.replaced = made.kept = 0;
  made.name_tells = false;
  auto done = DicomWalk(*this, head, pixels, run, made).go();
  if (!done) {
    made.meta.clear();
    made.data.clear();
  }
  return done;
}

}  // namespace licet::deid
