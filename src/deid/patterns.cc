// Parsers for what has a form: numbers, dates, addresses on the wire and on the street. One pass over the tokens; each parser looks at what
// it begins with, so that a text without digits costs nothing.
#include <algorithm>
#include <array>

#include "deid/text.h"

namespace licet::deid {
namespace {

consteval std::uint32_t h(const char* word) {
  std::uint32_t hash = kFnvStart;
  for (; *word != '\0'; ++word) hash = (hash ^ static_cast<unsigned char>(*word)) * kFnvPrime;
  return hash;
}
// A set of marks.
class Marks {
 public:
  consteval Marks(const char* marks) {
    for (; *marks != '\0'; ++marks) bits_[static_cast<std::size_t>(*marks) / 64] |= std::uint64_t{1} << (*marks % 64);
  }
  [[nodiscard]] bool has(char c) const {
    const auto b = static_cast<unsigned char>(c);
    return (bits_[b / 64] >> (b % 64) & 1) != 0;
  }

 private:
  std::array<std::uint64_t, 4> bits_{};
};
template <std::size_t N>
bool in(const std::array<std::uint32_t, N>& words, std::uint32_t hash) {
  return std::find(words.begin(), words.end(), hash) != words.end();
}

// Words that something may begin with, in English and Spanish: one look tells that a word is none of them, as most are.
struct Cue {
  enum class Is : std::uint8_t { nothing, month, announces, title, scheme, www, box, great } is = Is::nothing;
  std::uint8_t month = 0;  // 1 to 12
  Kind kind = Kind::id;    // of the number behind it
};
class Cues {
 public:
  consteval Cues() {
    for (const char* w : {"january", "jan", "enero", "ene"}) put(w, {Cue::Is::month, 1});
    for (const char* w : {"february", "feb", "febrero"}) put(w, {Cue::Is::month, 2});
    for (const char* w : {"march", "mar", "marzo"}) put(w, {Cue::Is::month, 3});
    for (const char* w : {"april", "apr", "abril", "abr"}) put(w, {Cue::Is::month, 4});
    for (const char* w : {"may", "mayo"}) put(w, {Cue::Is::month, 5});
    for (const char* w : {"june", "jun", "junio"}) put(w, {Cue::Is::month, 6});
    for (const char* w : {"july", "jul", "julio"}) put(w, {Cue::Is::month, 7});
    for (const char* w : {"august", "aug", "agosto", "ago"}) put(w, {Cue::Is::month, 8});
    for (const char* w : {"september", "sep", "sept", "septiembre"}) put(w, {Cue::Is::month, 9});
    for (const char* w : {"october", "oct", "octubre"}) put(w, {Cue::Is::month, 10});
    for (const char* w : {"november", "nov", "noviembre"}) put(w, {Cue::Is::month, 11});
    for (const char* w : {"december", "dec", "diciembre", "dic"}) put(w, {Cue::Is::month, 12});
    for (const char* w : {"mrn", "record", "chart", "nhc", "historia", "episode", "episodio", "accession"})
      put(w, {Cue::Is::announces, 0, Kind::mrn});
    for (const char* w : {"account", "acct", "invoice", "card", "iban", "routing", "cuenta"})
      put(w, {Cue::Is::announces, 0, Kind::account});
    for (const char* w :
         {"member", "policy", "subscriber", "beneficiary", "medicare", "medicaid", "mbi", "insurance", "group", "nass", "cipa"})
      put(w, {Cue::Is::announces, 0, Kind::plan});
    for (const char* w :
         {"license", "licence", "lic", "dea", "npi", "certificate", "certification", "passport", "pasaporte", "colegiado", "ncol"})
      put(w, {Cue::Is::announces, 0, Kind::license});
    for (const char* w : {"plate", "plates", "vin", "vehicle", "matrícula"}) put(w, {Cue::Is::announces, 0, Kind::vehicle});
    for (const char* w : {"serial", "device", "udi", "lot", "implant", "pacemaker"}) put(w, {Cue::Is::announces, 0, Kind::device});
    for (const char* w : {"ssn", "social"}) put(w, {Cue::Is::announces, 0, Kind::ssn});
    for (const char* w : {"fingerprint", "biometric", "voiceprint", "retina"}) put(w, {Cue::Is::announces, 0, Kind::biometric});
    for (const char* w : {"id", "identifier", "case", "study", "protocol", "dni", "nie", "username", "badge"})
      put(w, {Cue::Is::announces, 0, Kind::id});
    for (const char* w : {"mr", "mrs", "ms", "miss", "dr", "drs", "doctor", "nurse", "prof", "dra", "sr", "sra"}) put(w, {Cue::Is::title});
    for (const char* w : {"http", "https", "ftp"}) put(w, {Cue::Is::scheme});
    put("www", {Cue::Is::www});
    for (const char* w : {"po", "p"}) put(w, {Cue::Is::box});
    for (const char* w : {"ninety", "hundred"}) put(w, {Cue::Is::great});
  }
  [[nodiscard]] constexpr Cue of(std::uint32_t hash) const {
    for (std::size_t at = place(hash); slots_[at].hash != 0; at = (at + 1) % kSlots)
      if (slots_[at].hash == hash) return slots_[at].cue;
    return {};
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    Cue cue = {};
  };
  static constexpr std::size_t kSlots = 1024;
  static constexpr std::size_t place(std::uint32_t hash) { return hash * 0x9e3779b1U >> 22; }
  consteval void put(const char* word, Cue cue) {
    const std::uint32_t hash = h(word);
    std::size_t at = place(hash);
    while (slots_[at].hash != 0) at = (at + 1) % kSlots;
    slots_[at] = {hash, cue};
  }
  std::array<Slot, kSlots> slots_{};
};
constexpr Cues kCues;

unsigned month_of(std::uint32_t word) {
  return kCues.of(word).month;
}
// What a number behind such a word is.
bool announces(std::uint32_t word, Kind& kind) {
  const Cue cue = kCues.of(word);
  if (cue.is == Cue::Is::announces) kind = cue.kind;
  return cue.is == Cue::Is::announces;
}
bool is_phone_word(std::uint32_t w) {
  switch (w) {
    case h("phone"):
    case h("tel"):
    case h("telephone"):
    case h("call"):
    case h("cell"):
    case h("mobile"):
    case h("pager"):
    case h("beeper"):
    case h("ext"):
    case h("contact"):
    case h("teléfono"):
    case h("tfno"):
    case h("tlf"):
    case h("móvil"):
    case h("home"):
    case h("work"):
    case h("reach"):
    case h("reached"):
    case h("at"):
      return true;
    default:
      return false;
  }
}
bool is_street_word(std::uint32_t w) {
  switch (w) {
    case h("street"):
    case h("st"):
    case h("avenue"):
    case h("ave"):
    case h("road"):
    case h("rd"):
    case h("lane"):
    case h("ln"):
    case h("drive"):
    case h("dr"):
    case h("boulevard"):
    case h("blvd"):
    case h("court"):
    case h("ct"):
    case h("place"):
    case h("pl"):
    case h("terrace"):
    case h("way"):
    case h("circle"):
    case h("cir"):
    case h("parkway"):
    case h("pkwy"):
    case h("highway"):
    case h("hwy"):
    case h("trail"):
    case h("square"):
    case h("sq"):
    case h("rise"):
    case h("loop"):
    case h("alley"):
    case h("row"):
    case h("crescent"):
    case h("heights"):
      return true;
    default:
      return false;
  }
}
constexpr Marks kBetween("-./)("), kAfterMonth(",.-/"), kInAddress("._-+%"), kDash("-"), kDashPointSlash("-./");
constexpr std::array<std::uint32_t, 8> kUnitWords = {h("apt"),  h("apartment"), h("suite"), h("ste"),
                                                     h("unit"), h("floor"),     h("fl"),    h("room")};
constexpr std::array<std::uint32_t, 12> kYearWords = {h("year"), h("years"), h("yr"),  h("yrs"), h("yo"),   h("año"),
                                                      h("años"), h("y"),     h("yof"), h("yom"), h("anos"), h("ano")};
constexpr std::array<std::uint32_t, 11> kDateWords = {h("on"),    h("since"), h("dated"), h("from"),     h("date"),      h("dob"),
                                                      h("until"), h("by"),    h("seen"),  h("admitted"), h("discharged")};
constexpr std::array<std::uint32_t, 59> kStates = {
    h("al"), h("ak"), h("az"), h("ar"), h("ca"), h("co"), h("ct"), h("de"), h("fl"),  h("ga"), h("hi"),    h("id"),
    h("il"), h("in"), h("ia"), h("ks"), h("ky"), h("la"), h("me"), h("md"), h("ma"),  h("mi"), h("mn"),    h("ms"),
    h("mo"), h("mt"), h("ne"), h("nv"), h("nh"), h("nj"), h("nm"), h("ny"), h("nc"),  h("nd"), h("oh"),    h("ok"),
    h("or"), h("pa"), h("ri"), h("sc"), h("sd"), h("tn"), h("tx"), h("ut"), h("vt"),  h("va"), h("wa"),    h("wv"),
    h("wi"), h("wy"), h("dc"), h("pr"), h("gu"), h("vi"), h("as"), h("mp"), h("zip"), h("cp"), h("postal")};
constexpr std::array<std::uint32_t, 15> kTopDomains = {h("com"), h("org"), h("net"),  h("edu"), h("gov"),     h("mil"),    h("io"), h("es"),
                                                       h("us"),  h("uk"),  h("info"), h("biz"), h("example"), h("health"), h("ca")};

bool luhn(std::string_view digits, int start = 0) {
  int sum = start;
  bool twice = false;
  for (std::size_t i = digits.size(); i-- > 0; twice = !twice) {
    int d = digits[i] - '0';
    if (twice && (d *= 2) > 9) d -= 9;
    sum += d;
  }
  return sum % 10 == 0;
}
// 80840 in front: its part of the Luhn sum is 24.
bool is_npi(std::string_view d) {
  return d.size() == 10 && (d[0] == '1' || d[0] == '2') && luhn(d, 24);
}
bool is_dea(std::string_view t) {  // two letters, seven digits
  if (t.size() != 9) return false;
  const auto d = [&](std::size_t i) { return t[i + 1] - '0'; };
  for (std::size_t i = 2; i < 9; ++i)
    if (t[i] < '0' || t[i] > '9') return false;
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  return letter(t[0]) && (letter(t[1]) || t[1] == '9') && (d(1) + d(3) + d(5) + 2 * (d(2) + d(4) + d(6))) % 10 == d(7);
}
bool is_mbi(std::string_view t) {  // CMS: C A AN N A AN N A A N N, without dashes
  if (t.size() != 11) return false;
  constexpr std::string_view kForm = "CAXNAXNAANN";
  for (std::size_t i = 0; i < 11; ++i) {
    const char c = t[i];
    const bool digit = c >= '0' && c <= '9', letter = c >= 'A' && c <= 'Z' && std::string_view("SLOIBZ").find(c) == std::string_view::npos;
    if (kForm[i] == 'C' ? !(digit && c != '0') : kForm[i] == 'N' ? !digit : kForm[i] == 'A' ? !letter : !(digit || letter)) return false;
  }
  return true;
}
bool is_vin(std::string_view t) {  // 49 CFR 565: the ninth is a check digit
  if (t.size() != 17) return false;
  constexpr std::array<int, 17> kWeights = {8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2};
  constexpr std::string_view kFrom = "ABCDEFGHJKLMNPRSTUVWXYZ";
  constexpr std::array<int, 23> kTo = {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9};
  int sum = 0;
  bool digits = false;
  for (std::size_t i = 0; i < 17; ++i) {
    int value = 0;
    if (t[i] >= '0' && t[i] <= '9') {
      value = t[i] - '0';
      digits = true;
    } else {
      const std::size_t at = kFrom.find(t[i]);
      if (at == std::string_view::npos) return false;
      value = kTo[at];
    }
    sum += value * kWeights[i];
  }
  const int check = sum % 11;
  return digits && t[8] == (check == 10 ? 'X' : static_cast<char>('0' + check));
}

struct Group {
  std::size_t token = 0;
  int value = 0;
  std::uint32_t size = 0;
  char before = 0;  // the mark between it and the group before; ' ' for space, 0 for none
};

class Finder {
 public:
  Finder(std::string_view text, const std::vector<Token>& tokens, std::vector<Span>& out) : text_(text), t_(tokens), out_(out) {}

  void run() {
    for (i_ = 0; i_ < t_.size();) {
      const Token& t = t_[i_];
      const std::size_t before = i_;
      if (t.number())
        number();
      else if (t.word())
        word();
      if (i_ == before) ++i_;
    }
  }

 private:
  std::string_view at(std::size_t i) const { return text_.substr(t_[i].start, t_[i].size()); }
  char mark_at(std::size_t i) const { return i < t_.size() && t_[i].look == Look::mark && t_[i].size() == 1 ? text_[t_[i].start] : '\0'; }
  bool glued(std::size_t i) const { return i < t_.size() && t_[i].glued; }
  bool is_word(std::size_t i) const { return i < t_.size() && t_[i].word(); }
  bool is_number(std::size_t i) const { return i < t_.size() && t_[i].number(); }
  void say(std::size_t first, std::size_t last, Kind kind, float score) { out_.push_back({t_[first].start, t_[last].end, kind, score}); }
  // The run of letters, digits and the given marks without a gap that starts at `i`; its last token.
  std::size_t run_of(std::size_t i, const Marks& marks) const {
    std::size_t last = i;
    for (std::size_t j = i + 1; glued(j); ++j) {
      if (t_[j].word() || t_[j].number())
        last = j;
      else if (!marks.has(mark_at(j)))
        break;
    }
    return last;
  }
  bool has_digit(std::size_t first, std::size_t last) const {
    for (std::size_t j = first; j <= last; ++j)
      if (t_[j].number()) return true;
    return false;
  }
  // The last words before token i on its line: does one of them satisfy p?
  template <class P>
  bool near(std::size_t i, int words, P&& p) const {
    for (std::size_t j = i; j-- > 0 && words > 0;) {
      if (t_[j].look == Look::line) return false;
      if (!t_[j].word()) continue;
      if (p(t_[j].hash)) return true;
      --words;
    }
    return false;
  }

  // Groups of digits that belong together: "740-555-0123", "(740) 555-0123", "3/14/1979".
  void groups(std::vector<Group>& g) const {
    g.clear();
    for (std::size_t j = i_; j < t_.size() && g.size() < 6;) {
      if (!t_[j].number()) break;
      Group group{j, 0, t_[j].size(), 0};
      for (const char c : at(j))
        group.value = c >= '0' && c <= '9' && group.value < 100'000'000 ? group.value * 10 + (c - '0') : group.value;
      if (!g.empty()) {
        const std::size_t gap = t_[j].start - t_[g.back().token].end;
        if (gap > 3) break;
        group.before = gap == 0 ? '\0' : ' ';
        for (std::size_t k = g.back().token + 1; k < j; ++k)
          group.before = mark_at(k) == ')' || mark_at(k) == '(' ? group.before : mark_at(k);
      }
      g.push_back(group);
      std::size_t next = j + 1;
      int marks = 0;
      while (next < t_.size() && marks < 2 && kBetween.has(mark_at(next))) ++next, ++marks;
      if (next >= t_.size() || !t_[next].number()) break;
      j = next;
    }
  }

  void number() {
    if (t_[i_].glued && i_ > 0 && t_[i_ - 1].word() && !(i_ + 1 < t_.size() && mark_at(i_ + 1) == '-')) {
      // "Carolee951", "B12": part of the word before.
      ++i_;
      return;
    }
    if (known_form() || email()) return;
    groups(g_);
    if (address_on_the_wire() || date() || ssn() || phone() || street() || age() || zip() || long_number()) return;
    ++i_;
  }

  bool take(std::size_t last_token, Kind kind, float score, std::size_t first_token = ~std::size_t{0}) {
    say(first_token == ~std::size_t{0} ? i_ : first_token, last_token, kind, score);
    i_ = last_token + 1;
    return true;
  }

  bool address_on_the_wire() {
    if (g_.size() < 4) return false;
    for (std::size_t k = 0; k < 4; ++k)
      if (g_[k].value > 255 || g_[k].size > 3 || (k > 0 && (g_[k].before != '.' || t_[g_[k].token].start - t_[g_[k - 1].token].end != 1)))
        return false;
    return take(g_[3].token, Kind::ip, 1);
  }

  static bool is_year(const Group& g) { return g.size == 4 && g.value >= 1880 && g.value <= 2100; }
  // A time of day behind a date belongs to it.
  std::size_t with_time(std::size_t last) const {
    std::size_t j = last + 1;
    if (is_word(j) && t_[j].glued && (at(j) == "T" || at(j) == "t")) ++j;
    if (!is_number(j) || t_[j].size() > 2 || mark_at(j + 1) != ':' || !is_number(j + 2)) return last;
    j += 2;
    if (mark_at(j + 1) == ':' && is_number(j + 2)) j += 2;
    if (mark_at(j + 1) == '.' && glued(j + 1) && is_number(j + 2) && glued(j + 2)) j += 2;
    if (is_word(j + 1) && t_[j + 1].glued && (at(j + 1) == "Z")) j += 1;
    return j;
  }
  bool date() {
    const Group* g = g_.data();
    const auto sep = [&](std::size_t k) { return g[k].before == '/' || g[k].before == '-' || g[k].before == '.' ? g[k].before : '\0'; };
    const auto month = [](const Group& x) { return x.size <= 2 && x.value >= 1 && x.value <= 12; };
    const auto day = [](const Group& x) { return x.size <= 2 && x.value >= 1 && x.value <= 31; };
    if (g_.size() >= 3 && sep(1) != 0 && sep(1) == sep(2)) {
      const bool ymd = is_year(g[0]) && month(g[1]) && day(g[2]);
      const bool dmy = ((month(g[0]) && day(g[1])) || (day(g[0]) && month(g[1]))) &&
                       (is_year(g[2]) || (g[2].size == 2 && (sep(1) != '.' || g[0].size == 2)));
      if (ymd || dmy) return take(with_time(g[2].token), Kind::date, 1);
    }
    // Compact: 19790314.
    if (g_[0].size == 8 && g_.size() == 1) {
      const int y = g[0].value / 10000, m = g[0].value / 100 % 100, d = g[0].value % 100;
      if (y >= 1900 && y <= 2100 && m >= 1 && m <= 12 && d >= 1 && d <= 31) return take(i_, Kind::date, 0.9F);
    }
    if (g_.size() >= 2 && (sep(1) == '/' || sep(1) == '-')) {
      if (month(g[0]) && is_year(g[1])) return take(g[1].token, Kind::date, 0.9F);                                     // 03/2019
      if (is_year(g[0]) && g[1].size == 2 && month(g[1]) && sep(1) == '-') return take(g[1].token, Kind::date, 0.9F);  // 2019-03
      // 3/14: a date only where a word says so; "5/5 strength" and "120/80" are none.
      if (sep(1) == '/' && month(g[0]) && day(g[1]) && near(i_, 1, [](std::uint32_t w) { return in(kDateWords, w); }))
        return take(g[1].token, Kind::date, 0.9F);
    }
    // 14 March 1979, 14 de marzo de 1979, 14th of March
    if (day(g[0])) {
      std::size_t j = i_ + 1;
      if (is_word(j) && t_[j].glued && t_[j].size() == 2) ++j;  // st, nd, rd, th
      while (j < t_.size() && (mark_at(j) == '-' || mark_at(j) == '/' || mark_at(j) == '.' ||
                               (is_word(j) && (at(j) == "of" || at(j) == "de" || at(j) == "DE"))))
        ++j;
      if (is_word(j) && month_of(t_[j].hash) != 0 &&
          (t_[j].look != Look::lower || j > i_ + 1 || month_of(t_[j].hash) != 5 || is_number(j + 1))) {
        std::size_t last = j, k = j + 1;
        while (k < t_.size() && k < j + 4 &&
               (mark_at(k) != 0 || (is_word(k) && (at(k) == "de" || at(k) == "del" || at(k) == "DE" || at(k) == "of")))) {
          if (mark_at(k) != 0 && !kAfterMonth.has(mark_at(k))) break;
          ++k;
        }
        if (is_number(k) && (t_[k].size() == 4 || (t_[k].size() == 2 && t_[k].start - t_[k - 1].end <= 1 && mark_at(k - 1) != 0))) last = k;
        return take(with_time(last), Kind::date, 0.95F);
      }
    }
    return false;
  }

  bool ssn() {
    if (g_.size() >= 3 && g_[0].size == 3 && g_[1].size == 2 && g_[2].size == 4 && g_[1].before != 0 && g_[1].before == g_[2].before &&
        (g_[1].before == '-' || g_[1].before == ' ' || g_[1].before == '.') && g_[0].value != 0 && g_[0].value != 666)
      return take(g_[2].token, Kind::ssn, 1);
    if (g_[0].size == 9 && near(i_, 3, [](std::uint32_t w) { return w == h("ssn") || w == h("social"); })) return take(i_, Kind::ssn, 1);
    return false;
  }

  bool phone() {
    const auto fax = [&] { return near(i_, 3, [](std::uint32_t w) { return w == h("fax") || w == h("facsimile"); }); };
    const auto kind = [&] { return fax() ? Kind::fax : Kind::phone; };
    std::size_t first = i_;
    if (first > 0 && mark_at(first - 1) == '(') --first;
    if (first > 0 && mark_at(first - 1) == '+') --first;
    std::size_t k = 0;
    if (g_.size() >= 4 && g_[0].value == 1 && g_[0].size == 1) k = 1;
    const auto extended = [&](std::size_t last) {
      std::size_t j = last + 1;
      if (mark_at(j) == ',') ++j;
      if (is_word(j) && (t_[j].hash == h("ext") || t_[j].hash == h("extension") || t_[j].hash == h("x"))) {
        ++j;
        if (mark_at(j) == '.' || mark_at(j) == ':') ++j;
        if (is_number(j)) return j;
      }
      return last;
    };
    const bool marked =
        g_.size() > k + 2 && g_[k + 1].before != 0 && g_[k + 2].before != 0 && (g_[k + 1].before != '/' && g_[k + 2].before != '/');
    if (marked && g_[k].size == 3 && g_[k + 1].size == 3 && g_[k + 2].size == 4) return take(extended(g_[k + 2].token), kind(), 1, first);
    if (first < i_ && g_.size() == 2 && g_[0].size == 3 && g_[1].size == 7) return take(g_[1].token, kind(), 0.95F, first);
    if (g_.size() >= 2 && g_[0].size == 3 && g_[1].size == 4 && g_[1].before == '-' && g_.size() == 2)
      return take(extended(g_[1].token), kind(), 0.9F);
    // International, and those of Spain: nine digits in groups, behind a word or a plus.
    std::uint32_t digits = 0;
    std::size_t last = i_;
    for (const Group& g : g_) digits += g.size, last = g.token;
    const bool plus = first < i_ && mark_at(first) == '+';
    if (digits >= 9 && digits <= 15 && (plus || (digits <= 11 && (fax() || near(i_, 2, is_phone_word)))))
      return take(extended(last), kind(), 0.9F, first);
    if (g_[0].size >= 3 && g_[0].size <= 7 &&
        near(i_, 1, [](std::uint32_t w) { return w == h("ext") || w == h("extension") || w == h("pager") || w == h("beeper"); }))
      return take(i_, Kind::phone, 0.85F);
    return false;
  }

  // 1421 Alder Lane, Apt 3; 12 N 4th St.
  bool street() {
    if (g_[0].size > 6) return false;
    std::size_t j = i_ + 1;
    if (is_word(j) && t_[j].glued && t_[j].size() == 1) ++j;  // 12B
    for (int words = 0; words < 5 && j < t_.size(); ++j) {
      if (mark_at(j) == '.') continue;
      if (is_number(j)) {
        if (is_word(j + 1) && t_[j + 1].glued && t_[j + 1].size() == 2)
          ++j, ++words;
        else
          return false;
        continue;
      }
      if (!is_word(j)) return false;
      if (words > 0 && is_street_word(t_[j].hash) && (t_[j].look != Look::lower || t_[j].size() > 2)) {
        std::size_t last = j, k = j + 1;
        while (mark_at(k) == '.' || mark_at(k) == ',') ++k;
        if (is_word(k) && (in(kUnitWords, t_[k].hash))) {
          ++k;
          if (mark_at(k) == '.' || mark_at(k) == '#') ++k;
          if (is_number(k) || (is_word(k) && t_[k].size() <= 2)) last = run_of(k, kDash);
        } else if (mark_at(k) == '#' && is_number(k + 1)) {
          last = run_of(k + 1, kDash);
        }
        return take(last, Kind::street, 0.95F);
      }
      if (t_[j].look == Look::lower && words == 0) {
        // Lower case all through: only with a long street word soon after.
        if (!(is_word(j + 1) && is_street_word(t_[j + 1].hash) && t_[j + 1].size() > 3 && g_[0].size >= 2)) return false;
      }
      ++words;
    }
    return false;
  }

  bool age() {
    if (g_[0].size <= 3 && spanish_age()) return true;
    if (g_[0].size < 2 || g_[0].size > 3 || g_[0].value < 90 || g_[0].value > 125) return false;
    std::size_t j = i_ + 1;
    if (mark_at(j) == '-') ++j;
    const bool behind = is_word(j) && in(kYearWords, t_[j].hash);
    const bool ahead = near(i_, 1, [](std::uint32_t w) { return w == h("age") || w == h("aged") || w == h("edad") || w == h("turned"); });
    if (!behind && !ahead) return false;
    return take(i_, Kind::age, 0.95F);
  }

  // "38 años de edad", "varón de 52 años": of any age, since the words leave no doubt whose.
  bool spanish_age() {
    if (!is_word(i_ + 1)) return false;
    switch (t_[i_ + 1].hash) {
      case h("mes"):
      case h("meses"):
      case h("semana"):
      case h("semanas"):
      case h("días"):
      case h("dias"):
      case h("años"):
      case h("año"):
      case h("anos"):
        break;
      default:
        return false;
    }
    const bool of_age = is_word(i_ + 2) && at(i_ + 2) == "de" && is_word(i_ + 3) && t_[i_ + 3].hash == h("edad");
    const bool whose = i_ >= 2 && is_word(i_ - 1) && at(i_ - 1) == "de" && near(i_, 3, [](std::uint32_t w) {
                         return w == h("varón") || w == h("mujer") || w == h("paciente") || w == h("niño") || w == h("niña") ||
                                w == h("hombre") || w == h("edad") || w == h("femenina") || w == h("masculino");
                       });
    return (of_age || whose) && take(i_ + 1, Kind::age, 0.95F);
  }

  bool zip() {
    if (g_[0].size != 5 || (g_.size() > 1 && g_[1].before != '-' && g_[1].before != ' ')) {
      return false;
    }
    std::size_t j = i_;
    while (j > 0 && (mark_at(j - 1) == ',' || mark_at(j - 1) == ':' || mark_at(j - 1) == '.')) --j;
    if (j == 0) return false;
    const Token& before = t_[j - 1];
    const bool state = before.word() && ((before.look == Look::upper && in(kStates, before.hash)) || (before.lexicon & kPlace) != 0 ||
                                         before.hash == h("zip") || before.hash == h("cp") || before.hash == h("code"));
    if (!state) return false;
    return take(g_.size() > 1 && g_[1].before == '-' && g_[1].size == 4 ? g_[1].token : i_, Kind::zip, 0.95F);
  }

  bool long_number() {
    std::size_t size = 0, last = i_;
    for (const Group& g : g_) {
      if (size > 0 && g.before != '-' && g.before != ' ') break;
      size += g.size;
      last = g.token;
    }
    if (size < 10) return false;  // most numbers
    std::string digits;
    for (std::size_t k = 0; digits.size() < size; ++k) digits += at(g_[k].token);
    if (digits.find_first_not_of("0123456789") != std::string::npos) return false;
    if (digits.size() >= 13 && digits.size() <= 19 && luhn(digits)) return take(last, Kind::account, 1);
    if (t_[i_].size() == 10 && is_npi(at(i_))) return take(i_, Kind::license, 0.9F);
    if (t_[i_].size() >= 13) return take(i_, Kind::id, 0.8F);
    return false;
  }

  void word() {
    const Token& t = t_[i_];
    const Cue cue = kCues.of(t.hash);
    if (cue.is == Cue::Is::nothing && !glued(i_ + 1)) {  // most words
      ++i_;
      return;
    }
    if (cue.is == Cue::Is::month && month_first()) return;
    if (cue.is == Cue::Is::title && title()) return;
    if (email() || web(cue)) return;
    if (known_form()) return;
    if (cue.is == Cue::Is::announces && announced(cue.kind)) return;
    if (cue.is == Cue::Is::box && (t.hash == h("po") || mark_at(i_ + 1) == '.')) {  // P.O. Box 12
      std::size_t j = i_ + 1;
      while (j < t_.size() && j < i_ + 5 && (mark_at(j) == '.' || (is_word(j) && t_[j].size() <= 2))) ++j;
      if (is_word(j) && t_[j].hash == h("box") && is_number(j + 1)) {
        take(j + 1, Kind::street, 0.95F);
        return;
      }
    }
    if (cue.is == Cue::Is::great) {
      std::size_t j = i_ + 1;
      if (mark_at(j) == '-') ++j;
      const std::size_t last = is_word(j) && j > i_ + 1 ? j++ : i_;
      if (mark_at(j) == '-') ++j;
      if (is_word(j) && in(kYearWords, t_[j].hash)) {
        take(last, Kind::age, 0.9F);
        return;
      }
    }
    ++i_;
  }

  // March 14, 1979; Mar. 2019; marzo de 2016
  bool month_first() {
    const Token& t = t_[i_];
    const bool sure = t.look != Look::lower || t.size() > 4;
    std::size_t j = i_ + 1;
    while (mark_at(j) == '.' || mark_at(j) == '-' || mark_at(j) == '/' || mark_at(j) == ',' ||
           (is_word(j) && (at(j) == "of" || at(j) == "de" || at(j) == "del"))) {
      if (j > i_ + 2) break;
      ++j;
    }
    if (!is_number(j) || !sure) return false;
    const std::string_view digits = at(j);
    if (digits.size() == 4 && (digits.starts_with("19") || digits.starts_with("20"))) return take(j, Kind::date, 0.95F);
    if (digits.size() > 2) return false;
    const int day = std::atoi(std::string(digits).c_str());
    if (day < 1 || day > 31) return false;
    std::size_t last = j, k = j + 1;
    if (is_word(k) && t_[k].glued && t_[k].size() == 2) last = k++;  // 14th
    if (mark_at(k) == ',') ++k;
    if (is_number(k) && t_[k].size() == 4)
      last = k;
    else if (mark_at(k) == '\'' && is_number(k + 1))
      last = k + 1;
    return take(with_time(last), Kind::date, 0.95F);
  }

  // "Dr. Roux", "Ms. Wake", "Nurse Cinnamon": whoever stands behind a title is somebody, ordinary word or not.
  bool title() {
    if (t_[i_].look == Look::lower) return false;
    const bool dotted = mark_at(i_ + 1) == '.';
    std::size_t j = i_ + 1 + dotted, first = j, last = 0;
    for (int words = 0; words < 3 && j < t_.size(); ++j) {
      if (mark_at(j) == '.' && t_[j - 1].look == Look::initial) continue;
      if (mark_at(j) == '-' && glued(j) && glued(j + 1)) continue;
      if (!is_word(j) || t_[j].look == Look::lower) break;
      if (words > 0 && (t_[j].lexicon & (kFirst | kLast)) == 0 && (t_[j].lexicon & (kCommon | kWord)) != 0) break;
      last = j;
      ++words;
    }
    if (last == 0 && dotted && is_word(first) && t_[first].size() > 2 && (t_[first].lexicon & kCommon) == 0)
      last = first;  // all lower case
    return last != 0 && take(last, Kind::name, 0.9F, first);
  }

  // a.b-c_1@mail.example: seen from the beginning of the run.
  bool email() {
    if (t_[i_].glued && i_ > 0 &&
        (t_[i_ - 1].word() || t_[i_ - 1].number() || mark_at(i_ - 1) == '.' || mark_at(i_ - 1) == '_' || mark_at(i_ - 1) == '-'))
      return false;
    std::size_t last = i_, at_sign = 0;
    for (std::size_t k = i_ + 1; glued(k); ++k) {
      if (mark_at(k) == '@')
        at_sign = k;
      else if (!t_[k].word() && !t_[k].number() && !kInAddress.has(mark_at(k)))
        break;
      if (t_[k].word() || t_[k].number()) last = k;
    }
    return at_sign != 0 && last > at_sign && take(last, Kind::email, 1);
  }

  bool web(Cue cue) {
    const Token& t = t_[i_];
    const auto url_end = [&](std::size_t k) {
      std::size_t last = k;
      for (; glued(k); ++k) {
        const char m = mark_at(k);
        if (m == ',' || m == ')' || m == '"' || m == '<' || m == '>' || m == ';' || m == '\'') break;
        if (t_[k].word() || t_[k].number() || m == '/') last = k;
      }
      return last;
    };
    if (cue.is == Cue::Is::scheme && mark_at(i_ + 1) == ':' && mark_at(i_ + 2) == '/') return take(url_end(i_ + 1), Kind::url, 1);
    if (cue.is == Cue::Is::www && mark_at(i_ + 1) == '.') return take(url_end(i_ + 1), Kind::url, 1);
    // host.tld, host.tld/path
    if (glued(i_ + 1) && mark_at(i_ + 1) == '.' && !(t.glued && i_ > 0)) {
      std::size_t k = i_, host_end = 0;
      while (glued(k + 1) && mark_at(k + 1) == '.' && glued(k + 2) && (is_word(k + 2) || is_number(k + 2))) {
        k += 2;
        if (is_word(k) && t_[k].look == Look::lower && in(kTopDomains, t_[k].hash)) host_end = k;
      }
      if (host_end != 0 && host_end == k && t.size() > 1)
        return take(glued(k + 1) && mark_at(k + 1) == '/' ? url_end(k + 1) : k, Kind::url, 0.9F);
    }
    return false;
  }

  // Where the runs without a gap that start at token i end: with no marks in them, with dashes, with colons.
  struct Runs {
    std::size_t plain, dashes, colons;
  };
  Runs runs_of(std::size_t i) const {
    Runs r{i, i, i};
    bool plain = true, dashes = true, colons = true;
    for (std::size_t j = i + 1; glued(j) && (dashes || colons); ++j) {
      if (t_[j].word() || t_[j].number()) {
        if (plain) r.plain = j;
        if (dashes) r.dashes = j;
        if (colons) r.colons = j;
        continue;
      }
      const char m = mark_at(j);
      plain = false;
      dashes = dashes && m == '-';
      colons = colons && m == ':';
    }
    return r;
  }
  std::string_view text_of(std::size_t first, std::size_t last) const {
    return text_.substr(t_[first].start, t_[last].end - t_[first].start);
  }

  // Runs of letters and digits whose form says what they are.
  bool known_form() {
    if (!glued(i_ + 1)) return false;
    if (t_[i_].glued && i_ > 0 && (t_[i_ - 1].word() || t_[i_ - 1].number())) return false;
    const Runs runs = runs_of(i_);
    if (runs.plain > i_) {
      const std::string_view run = text_of(i_, runs.plain);
      if (is_vin(run)) return take(runs.plain, Kind::vehicle, 1);
      if (is_dea(run)) return take(runs.plain, Kind::license, 1);
    }
    if (is_number(i_) && runs.dashes > i_) {  // a Medicare number, with or without its dashes
      std::array<char, 11> bare;
      std::size_t size = 0;
      for (std::size_t j = i_; j <= runs.dashes && size <= bare.size(); ++j) {
        if (!t_[j].word() && !t_[j].number()) continue;
        const std::string_view part = at(j);
        if (size + part.size() <= bare.size()) std::copy(part.begin(), part.end(), bare.begin() + static_cast<std::ptrdiff_t>(size));
        size += part.size();
      }
      if (size == bare.size() && is_mbi({bare.data(), size})) return take(runs.dashes, Kind::plan, 1);
    }
    // An IPv6 or MAC address, a UUID: hexadecimal in groups.
    return hexadecimal(runs.colons, ':') || hexadecimal(runs.dashes, '-');
  }
  bool hexadecimal(std::size_t last, char mark) {
    if (last == i_) return false;
    const std::string_view run = text_of(i_, last);
    if (run.size() < 8) return false;
    std::size_t marks = 0;
    for (const char c : run) {
      marks += c == mark;
      if (c != mark && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F')) return false;
    }
    if (run.size() == 17 && marks == 5) return take(last, Kind::device, 1);
    if (mark == ':' && marks >= 4) return take(last, Kind::ip, 0.95F);
    return mark == '-' && run.size() == 36 && marks == 4 && take(last, Kind::id, 1);
  }

  // "MRN: 00-123-45", "policy number H1234567", "Plate ABC 1234": the first run with a digit behind it, a few words on at most.
  bool announced(Kind kind) {
    std::size_t j = i_ + 1;
    bool firm = false;  // a colon, "number", "#", "no."
    for (int words = 0; j < t_.size() && j < i_ + 9 && words < 4; ++j) {
      if (t_[j].look == Look::line) return false;
      if (t_[j].look == Look::mark) {
        const char m = mark_at(j);
        firm = firm || m == ':' || m == '#' || m == '=';
        if (m == ',' || m == ';' || m == ')' || (m == '.' && !(j > 0 && is_word(j - 1) && t_[j - 1].size() <= 4))) return false;
        continue;
      }
      const std::size_t last = run_of(j, kDashPointSlash);
      if (t_[j].hash == h("number") || t_[j].hash == h("no") || t_[j].hash == h("num") || t_[j].hash == h("id") || t_[j].hash == h("nº"))
        firm = true;
      Kind other{};
      if (is_word(j) && announces(t_[j].hash, other) && !has_digit(j, last)) {
        if (kind == Kind::id || other == Kind::ssn) kind = other;
        ++words;
        continue;
      }
      if (has_digit(j, last)) {
        std::size_t end = last;
        // In several parts: "ABC 1234", "28 28 20943", "4111 1111 1111 1111".
        for (std::size_t k = last + 1;
             (firm || kind == Kind::vehicle || kind == Kind::account) && is_number(k) && t_[k].start - t_[end].end == 1; ++k)
          end = k = run_of(k, kDash);
        const bool strong = kind != Kind::id && kind != Kind::device && kind != Kind::plan;
        const std::uint32_t least = firm ? 3 : strong ? 4 : 5;
        if (t_[end].end - t_[j].start < least) return false;
        say(j, end, kind, firm ? 0.95F : 0.85F);
        i_ = end + 1;
        return true;
      }
      // Letters before the digits: "ABC 1234".
      if ((firm || kind == Kind::vehicle) && t_[j].look == Look::upper && t_[j].size() <= 4 && is_number(j + 1) &&
          t_[j + 1].start - t_[j].end <= 1) {
        say(j, run_of(j + 1, kDash), kind, 0.9F);
        i_ = run_of(j + 1, kDash) + 1;
        return true;
      }
      ++words;
    }
    return false;
  }

  std::string_view text_;
  const std::vector<Token>& t_;
  std::vector<Span>& out_;
  std::vector<Group> g_;
  std::size_t i_ = 0;
};

}  // namespace

void find_patterns(std::string_view text, const std::vector<Token>& tokens, std::vector<Span>& out) {
  Finder(text, tokens, out).run();
}

}  // namespace licet::deid
