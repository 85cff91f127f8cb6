#include "reader/internal/text.h"

#include <algorithm>
#include <array>

namespace licet::reader {
namespace {

bool letter(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}
bool digit(unsigned char c) {
  return c >= '0' && c <= '9';
}
bool upper(unsigned char c) {
  return c >= 'A' && c <= 'Z';
}
bool space(unsigned char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
char lower(char c) {
  return upper(static_cast<unsigned char>(c)) ? static_cast<char>(c + 32) : c;
}

// Bytes of a UTF-8 punctuation mark at `at` (quotes, dashes, bullets, no-break space, section sign); 0: none. `as` is what it stands for.
std::size_t mark(std::string_view s, std::size_t at, char& as) {
  struct Mark {
    std::string_view bytes;
    char as;
  };
  static constexpr std::array<Mark, 16> kMarks{{{"\xE2\x80\x98", '\''},
                                                {"\xE2\x80\x99", '\''},
                                                {"\xE2\x80\x9C", '"'},
                                                {"\xE2\x80\x9D", '"'},
                                                {"\xE2\x80\x90", '-'},
                                                {"\xE2\x80\x91", '-'},
                                                {"\xE2\x80\x93", '-'},
                                                {"\xE2\x80\x94", '-'},
                                                {"\xE2\x80\xA2", '*'},
                                                {"\xEF\x82\xB7", '*'},
                                                {"\xE2\x97\x8F", '*'},
                                                {"\xE2\x96\xAA", '*'},
                                                {"\xC2\xA0", ' '},
                                                {"\xC2\xA7", ' '},
                                                {"\xEF\xBB\xBF", ' '},
                                                {"\xE2\x80\xAF", ' '}}};
  if (static_cast<unsigned char>(s[at]) < 0x80) return 0;
  for (const Mark& m : kMarks)
    if (s.substr(at, m.bytes.size()) == m.bytes) {
      as = m.as;
      return m.bytes.size();
    }
  return 0;
}

// What a bracket holds: a blank to fill in, a note to whoever drafts, or words of the agreement.
enum class Bracket { blank, note, words };
Bracket bracket(std::string_view inside) {
  std::string folded;
  std::size_t words = 0, caps = 0;
  bool in = false;
  for (const char c : inside) {
    const bool is = letter(static_cast<unsigned char>(c)) || digit(static_cast<unsigned char>(c));
    if (is && !in) {
      ++words;
      if (upper(static_cast<unsigned char>(c))) ++caps;
    }
    in = is;
    folded += lower(c);
  }
  while (!folded.empty() && space(static_cast<unsigned char>(folded.front()))) folded.erase(0, 1);
  constexpr std::array kNotes = {"option",      "the parties", "the agreement",    "in addition", "include ",
                                 "bracketed",   "note",        "if the agreement", "drafting",    "this ",
                                 "transcribed", "these ",      "for use",          "use if",      "alternative"};
  for (const char* n : kNotes)
    if (folded.starts_with(n)) return words > 5 || folded.starts_with("option") ? Bracket::note : Bracket::words;
  if (folded.starts_with("optional")) return Bracket::note;
  constexpr std::array kBlanks = {"insert", "name",      "choose",  "reference", "specify", "describe", "list",          "e.g",
                                  "date",   "effective", "company", "number",    "your",    "fill",     "enter",         "tbd",
                                  "to be",  "x]",        "select",  "state ",    "address", "practice", "customer name", "vendor name"};
  for (const char* b : kBlanks)
    if (folded.starts_with(b)) return Bracket::blank;
  if (words == 0) return Bracket::blank;
  return caps == words && words <= 10 ? Bracket::blank : Bracket::words;
}

struct Marker {
  char style = 0;          // 0: none
  std::size_t length = 0;  // bytes with the space behind it
  std::string label;
};

bool roman(std::string_view s) {
  return !s.empty() && s.find_first_not_of("ivxIVX") == std::string_view::npos;
}

// "4.8 ", "(a) ", "iv. ", "- ", "Section 3. "
Marker marker(std::string_view s, bool letters) {
  std::size_t at = 0;
  char as = 0;
  while (at < s.size() && (s[at] == ' ' || s[at] == '\t' || s[at] == '*' || s[at] == '_')) {
    if (s[at] == '*' && at + 1 < s.size() && s[at + 1] == ' ') return {'*', at + 2, "*"};
    ++at;
  }
  if (at >= s.size()) return {};
  if (const std::size_t n = mark(s, at, as);
      n != 0 && (as == '*' || as == '-') && at + n < s.size() && space(static_cast<unsigned char>(s[at + n])))
    return {'*', at + n + 1, "*"};
  if ((s[at] == '-' || s[at] == '+') && at + 1 < s.size() && space(static_cast<unsigned char>(s[at + 1]))) return {'*', at + 2, "*"};
  for (const std::string_view word : {"Section ", "SECTION ", "Article ", "ARTICLE "})
    if (s.substr(at).starts_with(word)) {
      at += word.size();
      break;
    }
  if (at >= s.size()) return {};
  const bool open = s[at] == '(';
  std::size_t i = at + (open ? 1 : 0);
  const std::size_t from = i;
  std::size_t dots = 0;
  while (i < s.size() && i - from < 12 &&
         (digit(static_cast<unsigned char>(s[i])) ||
          (s[i] == '.' && i > from && i + 1 < s.size() && digit(static_cast<unsigned char>(s[i + 1]))))) {
    if (s[i] == '.') ++dots;
    ++i;
  }
  if (i == from)
    while (i < s.size() && i - from < 5 && letter(static_cast<unsigned char>(s[i])) && static_cast<unsigned char>(s[i]) < 0x80) ++i;
  if (i == from || i >= s.size()) return {};
  const std::string label(s.substr(from, i - from));
  const bool number = digit(static_cast<unsigned char>(label[0]));
  // "164.312." at the head of a line is the rest of a citation.
  if (number && label.size() >= 7 && label.starts_with("16") && label.find('.') == 3) return {};
  if (!number && label.size() > 1 && !roman(label) && !(label.size() == 2 && label[0] == label[1])) return {};
  std::size_t after = i;
  if (open) {
    if (s[i] != ')') return {};
    after = i + 1;
  } else if (s[i] == '.' || s[i] == ')') {
    after = i + 1;
  } else if (!(number && dots > 0)) {
    return {};
  }
  while (after < s.size() && (s[after] == '*' || s[after] == '_')) ++after;
  if (after < s.size() && !space(static_cast<unsigned char>(s[after])) &&
      !(number && dots > 0 && letter(static_cast<unsigned char>(s[after])))) {
    if (open || !number || !letter(static_cast<unsigned char>(s[after]))) return {};
  }
  char style = 0;
  if (number)
    style = static_cast<char>(open ? 'p' : '0' + static_cast<char>(std::min<std::size_t>(dots, 5)));
  else if (roman(label) && !letters)
    style = open ? 'r' : upper(static_cast<unsigned char>(label[0])) ? 'R' : 's';
  else
    style = open ? (upper(static_cast<unsigned char>(label[0])) ? 'B' : 'b') : upper(static_cast<unsigned char>(label[0])) ? 'A' : 'a';
  while (after < s.size() && (s[after] == ' ' || s[after] == '\t')) ++after;
  return {style, after, label};
}

class Splitter {
 public:
  Splitter(std::string_view bytes, const Wording::Inside& wording, const ReadLimits& limits) : wording_(wording), limits_(limits) {
    out_.bytes = bytes;
    out_.sections.emplace_back();
    for (const char* name : {"shall", "may"}) modal_.push_back(wording.id(name));
  }

  Text split() {
    const std::string_view s = out_.bytes;
    std::size_t begin = 0, end = 0;  // of the paragraph so far
    const auto flush = [&] {
      if (end > begin) paragraph(begin, end);
      begin = end = 0;
    };
    std::size_t previous = 0;  // length of the line before
    bool page_number = false;
    std::size_t bullets = 0;  // alone on their lines, and not yet met by what they mark
    for (std::size_t at = 0; at < s.size();) {
      std::size_t stop = s.find_first_of("\n\f", at);
      if (stop == std::string_view::npos) stop = s.size();
      const std::string_view line = s.substr(at, stop - at);
      const std::size_t first = line.find_first_not_of(" \t\r\v");
      if (first == std::string_view::npos) {
        // An empty line ends a paragraph; at a page's edge, only where a sentence had ended.
        if (!page_number && !(stop < s.size() && s[stop] == '\f')) flush();
      } else if (is_page_number(line.substr(first))) {
        page_number = true;
      } else if (is_bullet(line.substr(first))) {
        // PDF: bullets in a column of their own, and what they mark below them.
        flush();
        ++bullets;
      } else {
        page_number = false;
        const Marker m = marker(line.substr(first), false);
        const bool hash = line[first] == '#' || line[first] == '|' || line[first] == '>';
        const bool starts_upper = upper(static_cast<unsigned char>(line[first]));
        const bool short_before = (previous < 50 || bullets > 0) && starts_upper;
        if (bullets > 0 && starts_upper) --bullets;
        if (end > begin && (m.style != 0 || hash || previous > 220 || short_before || end - begin > limits_.paragraph_bytes)) flush();
        if (end == begin) begin = at + first;
        end = stop;
        previous = line.size() - first;
        if (hash) flush();
        // A line without end is read in pieces: nobody writes a sentence of 64 KiB.
        while (end - begin > limits_.paragraph_bytes) {
          std::size_t cut = begin + limits_.paragraph_bytes;
          while (cut < end && (static_cast<unsigned char>(s[cut]) & 0xC0) == 0x80) ++cut;
          paragraph(begin, cut);
          begin = cut;
        }
      }
      at = stop + 1;
    }
    flush();
    return std::move(out_);
  }

 private:
  struct Level {
    char own = 0, items = 0;
    char last = 0;        // last letter of its items, to tell (i) after (h) from roman one
    bool listed = false;  // its items so far are paragraphs without a mark, each a verb with what belongs to it
    std::vector<Word> lead;
  };

  static bool is_page_number(std::string_view line) {
    if (line.size() > 24) return false;
    std::string folded;
    for (const char c : line)
      if (!space(static_cast<unsigned char>(c))) folded += lower(c);
    if (folded.starts_with("page")) folded.erase(0, 4);
    if (folded.empty()) return false;
    return folded.find_first_not_of("0123456789of-|/") == std::string::npos && folded.find_first_of("0123456789") != std::string::npos;
  }

  static bool is_bullet(std::string_view line) {
    char as = 0;
    while (!line.empty() && space(static_cast<unsigned char>(line.back()))) line.remove_suffix(1);
    return !line.empty() && mark(line, 0, as) == line.size() && as == '*';
  }

  std::uint32_t intern(std::string word) {
    auto [it, fresh] = ids_.try_emplace(std::move(word), static_cast<std::uint32_t>(out_.words.size()));
    if (fresh) {
      out_.words.push_back(it->first);
      out_.atoms.push_back(wording_.atoms_of(it->first));
    }
    return it->second;
  }

  bool is(const Word& w, std::string_view text) const { return out_.words[w.id] == text; }

  void blank(std::size_t from, std::size_t to, std::vector<Word>& words) {
    ++out_.blanks;
    words.push_back({intern(std::string(kBlank)), static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to), false});
  }

  // Bytes of letters with full stops between: 0 where it is a word.
  std::size_t initials(std::size_t at, std::size_t end) const {
    const std::string_view s = out_.bytes;
    const auto plain = [&](std::size_t i) {
      return i < end && letter(static_cast<unsigned char>(s[i])) && static_cast<unsigned char>(s[i]) < 0x80;
    };
    std::size_t to = at, letters = 0;
    while (plain(to) && !plain(to + 1)) {
      ++letters;
      ++to;
      if (to < end && s[to] == '.' && (plain(to + 1) || letters > 1))
        ++to;
      else
        break;
    }
    return letters > 1 ? to - at : 0;
  }

  // Words of s[begin, end). Punctuation is dropped; citations are one word: 164.504(e)(2)(ii)(a).
  std::vector<Word> words(std::size_t begin, std::size_t end) {
    const std::string_view s = out_.bytes;
    std::vector<Word> out;
    for (std::size_t at = begin; at < end;) {
      const auto c = static_cast<unsigned char>(s[at]);
      char as = 0;
      if (c == '[' || (c == '{' && at + 1 < end && s[at + 1] == '{')) {
        const std::size_t close = s.substr(0, std::min(end, at + 2000)).find(c == '[' ? ']' : '}', at + 1);
        if (close != std::string_view::npos) {
          const Bracket what = c == '{' ? Bracket::blank : bracket(s.substr(at + 1, close - at - 1));
          if (what != Bracket::words) {
            if (what == Bracket::blank) blank(at, close + 1, out);
            at = close + (c == '{' ? 2 : 1);
            continue;
          }
        }
        ++at;
      } else if (c == '_' && at + 2 < end && s[at + 1] == '_' && s[at + 2] == '_') {
        std::size_t to = at;
        while (to < end && s[to] == '_') ++to;
        blank(at, to, out);
        at = to;
      } else if (const std::size_t n = mark(s, at, as)) {
        at += n;
      } else if (digit(c)) {
        std::size_t to = at;
        while (to < end && (digit(static_cast<unsigned char>(s[to])) ||
                            ((s[to] == '.' || s[to] == ',') && to + 1 < end && digit(static_cast<unsigned char>(s[to + 1])))))
          ++to;
        std::string word(s.substr(at, to - at));
        std::erase(word, ',');
        if (word.size() > 4 && word.starts_with("16") && word.find('.') != std::string::npos) {  // a citation of 45 CFR
          std::size_t next = to;
          while (true) {
            std::size_t open = next;
            while (open < end && s[open] == ' ' && open - next < 1) ++open;
            std::size_t close = open + 1;
            if (open >= end || s[open] != '(') break;
            while (close < end && close - open < 6 &&
                   (letter(static_cast<unsigned char>(s[close])) || digit(static_cast<unsigned char>(s[close]))))
              ++close;
            if (close >= end || s[close] != ')' || close == open + 1) break;
            for (std::size_t i = open; i <= close; ++i) word += lower(s[i]);
            next = close + 1;
          }
          to = next;
        }
        out.push_back({intern(std::move(word)), static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(to), false});
        at = to;
      } else if (const std::size_t dotted = initials(at, end); dotted != 0) {  // U.S., C.F.R.
        std::string word;
        for (std::size_t i = at; i < at + dotted; ++i)
          if (s[i] != '.') word += lower(s[i]);
        out.push_back({intern(std::move(word)), static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + dotted), upper(c)});
        at += dotted;
      } else if (letter(c)) {
        std::string word;
        std::size_t to = at;
        while (to < end) {
          const auto d = static_cast<unsigned char>(s[to]);
          char sign = 0;
          const std::size_t wide = mark(s, to, sign);
          if (wide != 0 || d == '\'') {
            // An apostrophe inside a word: the possessive goes, the rest is kept without it.
            if ((wide != 0 && sign != '\'') || to + std::max<std::size_t>(wide, 1) >= end) break;
            const std::size_t next = to + std::max<std::size_t>(wide, 1);
            if (!letter(static_cast<unsigned char>(s[next]))) break;
            if ((s[next] == 's' || s[next] == 'S') && (next + 1 >= end || !letter(static_cast<unsigned char>(s[next + 1])))) {
              to = next + 1;
              break;
            }
            to = next;
          } else if (letter(d) || digit(d)) {
            word += lower(s[to]);
            ++to;
          } else if (d == '-' && to + 1 < end && s[to + 1] == '\n') {  // hyphenated at a line's end
            std::size_t next = to + 2;
            while (next < end && (s[next] == ' ' || s[next] == '\t')) ++next;
            if (next >= end || !(s[next] >= 'a' && s[next] <= 'z')) break;
            to = next;
          } else {
            break;
          }
          if (word.size() > 64) break;
        }
        if (to == at) ++to;
        if (to + 2 < end && s.substr(to, 3) == "(s)") to += 3;
        if (!word.empty())
          out.push_back({intern(std::move(word)), static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(to), upper(c)});
        at = to;
      } else {
        ++at;
      }
    }
    return out;
  }

  bool ends_sentence(std::size_t dot, std::size_t begin, std::size_t end) const {
    const std::string_view s = out_.bytes;
    std::size_t next = dot + 1;
    while (next < end && (s[next] == '*' || s[next] == '"' || s[next] == ')' || s[next] == '_' || s.substr(next, 3) == "\xE2\x80\x9D"))
      next += s[next] == '\xE2' ? 3 : 1;
    if (next < end && !space(static_cast<unsigned char>(s[next]))) return false;
    while (next < end && space(static_cast<unsigned char>(s[next]))) ++next;
    if (next >= end) return true;
    char as = 0;
    const auto c = static_cast<unsigned char>(s[next]);
    const std::size_t n = mark(s, next, as);
    if (!(upper(c) || c == '"' || c == '[' || c == '(' || c == '*' || digit(c) || (n != 0 && as == '"'))) return false;
    std::size_t word = dot;
    while (word > begin &&
           (letter(static_cast<unsigned char>(s[word - 1])) || digit(static_cast<unsigned char>(s[word - 1])) || s[word - 1] == '.'))
      --word;
    std::string before;
    for (std::size_t i = word; i < dot; ++i) before += lower(s[i]);
    if (before.size() == 1 && letter(static_cast<unsigned char>(before[0]))) return false;
    constexpr std::array kShort = {"u.s", "c.f.r", "no", "sec", "inc", "e.g", "i.e",  "v",   "co",  "corp", "ltd",   "u.s.c",
                                   "p.l", "dr",    "mr", "ms",  "st",  "art", "para", "etc", "pub", "cfr",  "d.b.a", "l.l.c"};
    return std::find(kShort.begin(), kShort.end(), before) == kShort.end();
  }

  bool has(const std::vector<Word>& ws, ClassId c) const {
    for (const Word& w : ws)
      for (const Atom a : out_.atoms[w.id])
        for (const auto& [cls, phrase] : wording_.starts[a])
          if (cls == c && wording_.classes[c].phrases[phrase].size() == 1) return true;
    return false;
  }

  bool binds(const std::vector<Word>& ws) const { return has(ws, modal_[0]) || has(ws, modal_[1]); }

  // "… shall" of "Business Associate shall use safeguards; report breaches; and …": what the parts share.
  std::vector<Word> head_of(const std::vector<Word>& ws) const {
    for (std::size_t i = 0; i < ws.size() && i < 30; ++i)
      for (const Atom a : out_.atoms[ws[i].id])
        for (const auto& [cls, phrase] : wording_.starts[a])
          if ((cls == modal_[0] || cls == modal_[1]) && wording_.classes[cls].phrases[phrase].size() == 1)
            return {ws.begin(), ws.begin() + static_cast<std::ptrdiff_t>(i + 1)};
    return {};
  }

  void add(std::size_t begin, std::size_t end, const std::vector<Word>& lead, const std::vector<Word>& label, bool quoted) {
    const std::string_view s = out_.bytes;
    while (begin < end && space(static_cast<unsigned char>(s[begin]))) ++begin;
    while (end > begin && space(static_cast<unsigned char>(s[end - 1]))) --end;
    std::vector<Word> own = words(begin, end);
    if (own.empty()) return;
    Sentence made;
    made.begin = static_cast<std::uint32_t>(begin);
    made.end = static_cast<std::uint32_t>(end);
    constexpr std::size_t kLead = 60, kWords = 400;
    const std::size_t skip = lead.size() > kLead ? lead.size() - kLead : 0;
    made.words.assign(lead.begin() + static_cast<std::ptrdiff_t>(skip), lead.end());
    made.own = static_cast<std::uint32_t>(made.words.size());
    made.words.insert(made.words.end(), own.begin(), own.begin() + static_cast<std::ptrdiff_t>(std::min(own.size(), kWords)));
    made.section = static_cast<std::uint32_t>(out_.sections.size() - 1);
    made.paragraph = paragraphs_;
    made.label = label;
    made.quoted = quoted;
    made.question = s[end - 1] == '?';
    made.recital = recital_ || is(own[0], "whereas");
    out_.sentences.push_back(std::move(made));
    // A sentence of more than 400 words is read on as another: no rule looks further than 60.
    if (own.size() > kWords) add(own[kWords].begin, end, lead, label, false);
  }

  bool heading(std::size_t begin, std::size_t end, const Marker& m, const std::vector<Word>& ws) const {
    const bool listed = !levels_.empty() && levels_.back().items == 0 && m.style == 0 && plain_item(ws) &&
                        (levels_.back().listed || paragraphs_ == lead_paragraph_ + 1);
    const std::string_view s = out_.bytes;
    if (s[begin] == '#' && !(s[end - 1] == ':' && binds(ws))) return true;
    if (ws.empty() || ws.size() > 14 || s[end - 1] == ':' || s[end - 1] == ';' || s[end - 1] == ',') return false;
    if (binds(ws)) return false;
    std::size_t caps = 0, small = 0;
    for (const Word& w : ws) {
      if (w.capital || digit(static_cast<unsigned char>(out_.words[w.id][0])))
        ++caps;
      else if (w.end - w.begin > 3)
        ++small;
    }
    if (s[end - 1] == '.' && m.style == 0) return false;
    return small == 0 ? caps > 0 : m.style == 0 && !listed && end - begin < 70 && small <= caps + 3 && s[end - 1] != '.';
  }

  // "Report any breach within 72 hours": no subject and no modal of its own, and not the beginning of prose.
  [[nodiscard]] bool plain_item(const std::vector<Word>& ws) const {
    static constexpr std::array kProse = {"this",
                                          "the",
                                          "each",
                                          "all",
                                          "any",
                                          "if",
                                          "in",
                                          "upon",
                                          "for",
                                          "such",
                                          "a",
                                          "an",
                                          "where",
                                          "when",
                                          "these",
                                          "those",
                                          "except",
                                          "nothing",
                                          "notwithstanding",
                                          "by"};
    std::vector<Word> plain = ws;  // "Ensure that subcontractors agree to …" is one
    std::erase_if(plain, [&](const Word& w) { return is(w, "agree") || is(w, "agrees"); });
    return ws.size() >= 3 && !binds(plain) && std::find(kProse.begin(), kProse.end(), out_.words[ws[0].id]) == kProse.end();
  }

  void paragraph(std::size_t begin, std::size_t end) {
    const std::string_view s = out_.bytes;
    while (end > begin && (space(static_cast<unsigned char>(s[end - 1])) || s[end - 1] == '*' || s[end - 1] == '_')) --end;
    if (end <= begin) return;
    ++paragraphs_;
    // A whole paragraph in brackets is a note to whoever drafts; or optional wording, which "[Optional]" marks.
    const bool bracketed = s[begin] == '[' && s.substr(0, end).find(']', begin) == end - 1;
    if (bracketed && bracket(s.substr(begin + 1, end - begin - 2)) != Bracket::words) {
      ++out_.blanks;
      return;
    }
    if (bracketed && end - begin > 80) return;
    const bool letters = !levels_.empty() && (levels_.back().items == 'b' || levels_.back().items == 'a') &&
                         (levels_.back().last == 'h' || levels_.back().last == 'u' || levels_.back().last == 'w');
    const Marker m = marker(s.substr(begin, std::min<std::size_t>(end - begin, 40)), letters);
    const std::size_t body = std::min(begin + m.length, end);
    std::vector<Word> ws = words(begin, std::min(end, begin + 400));
    if (heading(begin, end, m, ws)) {
      levels_.clear();
      if (m.style != 0 && !ws.empty() && digit(static_cast<unsigned char>(out_.words[ws[0].id][0]))) ws.erase(ws.begin());
      static constexpr std::array kRecital = {"recitals", "recital", "background", "whereas", "preamble", "introduction"};
      recital_ = ws.size() <= 4 && std::any_of(ws.begin(), ws.end(), [&](const Word& w) {
                   return std::find(kRecital.begin(), kRecital.end(), out_.words[w.id]) != kRecital.end();
                 });
      out_.sections.push_back(ws);
      add(begin, end, {}, {}, false);
      if (!out_.sentences.empty()) out_.sentences.back().heading = true;
      return;
    }
    std::vector<Word> lead;
    if (s[begin] == '#') levels_.clear();
    if (m.style != 0) {
      while (!levels_.empty()) {
        Level& top = levels_.back();
        if (top.items == 0 && top.own != m.style) top.items = m.style;
        if (top.items == m.style) {
          lead = top.lead;
          if (m.label.size() == 1) top.last = lower(m.label[0]);
          break;
        }
        levels_.pop_back();
      }
    } else if (!levels_.empty()) {
      // Without a mark: the words behind "shall:", or the next paragraph of the same item.
      Level& top = levels_.back();
      // PDF: "(1)" stands alone, and what it numbers comes a few lines below.
      const bool continues = (top.items == 0 || bare_) && !upper(static_cast<unsigned char>(s[begin]));
      const bool next = paragraphs_ == lead_paragraph_ + 1;
      if (continues || (top.items == 0 && (next || (top.listed && plain_item(ws))))) {
        lead = top.lead;
        top.listed = plain_item(ws);
      } else if (top.items == 0) {
        top.listed = false;
      } else if (upper(static_cast<unsigned char>(s[begin])) && s[begin - (begin > 0 ? 1 : 0)] == '\n') {
        levels_.clear();
      }
    }
    bare_ = m.style != 0 ? body >= end : bare_ && !lead.empty();
    sentences(body, end, m, lead);
  }

  void sentences(std::size_t begin, std::size_t end, const Marker& m, const std::vector<Word>& lead) {
    const std::string_view s = out_.bytes;
    std::vector<Word> label;
    std::size_t at = begin;
    bool first = true;
    while (at < end) {
      while (at < end && (space(static_cast<unsigned char>(s[at])) || s[at] == '*')) ++at;
      std::size_t stop = at;
      while (stop < end) {
        if ((s[stop] == '.' || s[stop] == '?' || s[stop] == '!') && ends_sentence(stop, at, end)) break;
        ++stop;
      }
      const std::size_t to = std::min(stop + 1, end);
      if (to <= at) break;
      const std::vector<Word> ws = words(at, to);
      // A label: a few words and a colon or full stop at the head of the paragraph.
      if (first) {
        const std::size_t colon = s.substr(at, std::min<std::size_t>(to - at, 90)).find(':');
        if (colon != std::string_view::npos && colon + 2 < to - at)
          label = words(at, at + colon);
        else if (to < end)
          label = ws;
        if (label.size() > 9 || binds(label)) label.clear();
      }
      first = false;
      char as = 0;
      const bool quoted = s[at] == '"' || (mark(s, at, as) != 0 && as == '"');
      const std::size_t made = out_.sentences.size();
      parts(at, to, lead, label, quoted);
      // The label by itself promises nothing, however well it is worded.
      if (label.size() == ws.size() && !label.empty() && label[0].begin == ws[0].begin && out_.sentences.size() == made + 1)
        out_.sentences[made].heading = true;
      at = to;
      static constexpr std::array kEnds = {"therefore", "agree"};
      if (recital_ &&
          std::any_of(ws.begin(), ws.end(),
                      [&](const Word& w) { return std::find(kEnds.begin(), kEnds.end(), out_.words[w.id]) != kEnds.end(); }) &&
          (ws.size() < 40 || is(ws[0], "now") || is(ws[0], "therefore")))
        recital_ = false;
    }
    if (end > begin && (s[end - 1] == ':' || (end - begin > 5 && (s.substr(end - 5, 5) == "shall" || s.substr(end - 2, 2) == "to")))) {
      Level l;
      l.own = m.style;
      const std::size_t from = out_.sentences.empty() ? 0 : out_.sentences.size() - 1;
      if (!out_.sentences.empty() && out_.sentences[from].end >= begin) l.lead = out_.sentences[from].words;
      if (levels_.size() > 8) levels_.erase(levels_.begin());
      levels_.push_back(std::move(l));
      lead_paragraph_ = paragraphs_;
    }
  }

  // Parts of a sentence: at semicolons, and at "(i) …" behind a colon.
  void parts(std::size_t begin, std::size_t end, const std::vector<Word>& lead, const std::vector<Word>& label, bool quoted) {
    const std::string_view s = out_.bytes;
    std::vector<std::size_t> cuts;
    std::size_t colon = 0;
    int round = 0;
    for (std::size_t i = begin; i < end; ++i) {
      if (s[i] == '(') ++round;
      if (s[i] == ')') round = std::max(0, round - 1);
      if (round != 0 && !(s[i] == ';')) continue;
      if (s[i] == ';') cuts.push_back(i + 1);
      if (s[i] == ':' && colon == 0 && i + 3 < end) {
        std::size_t next = i + 1;
        while (next < end && space(static_cast<unsigned char>(s[next]))) ++next;
        const Marker m = marker(s.substr(next, std::min<std::size_t>(end - next, 12)), false);
        if (m.style != 0 && s[next] == '(') {
          colon = i + 1;
          cuts.push_back(i + 1);
        }
      }
    }
    // "(a) …, (b) …" behind a colon without semicolons.
    if (colon != 0 && cuts.size() == 1) {
      for (std::size_t i = colon + 3; i + 3 < end; ++i)
        if (s[i] == '(' && s[i - 1] == ' ' &&
            (letter(static_cast<unsigned char>(s[i + 1])) || digit(static_cast<unsigned char>(s[i + 1]))) &&
            (s[i + 2] == ')' || s[i + 3] == ')') &&
            (s[i - 2] == ',' || (i > 5 && (s.substr(i - 4, 3) == "and" || s.substr(i - 3, 2) == "or"))))
          cuts.push_back(i);
    }
    if (cuts.empty() || cuts.back() >= end) {
      if (!cuts.empty()) cuts.pop_back();
      if (cuts.empty()) return add(begin, end, lead, label, quoted);
    }
    const std::vector<Word> head = words(begin, cuts[0]);
    std::vector<Word> shared = lead;
    const std::vector<Word> more = colon != 0 && cuts[0] == colon ? head : head_of(head);
    shared.insert(shared.end(), more.begin(), more.end());
    add(begin, cuts[0], lead, label, quoted);
    if (colon != 0 && !out_.sentences.empty()) out_.sentences.back().goes_on = true;
    for (std::size_t i = 0; i < cuts.size(); ++i) add(cuts[i], i + 1 < cuts.size() ? cuts[i + 1] : end, shared, label, false);
  }

  const Wording::Inside& wording_;
  const ReadLimits& limits_;
  Text out_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::vector<ClassId> modal_;
  std::vector<Level> levels_;
  std::uint32_t paragraphs_ = 0, lead_paragraph_ = 0;
  bool recital_ = false;
  bool bare_ = false;  // the last item was a number without words
};

}  // namespace

Text split(std::string_view bytes, const Wording::Inside& wording, const ReadLimits& limits) {
  return Splitter(bytes.substr(0, std::min<std::size_t>(bytes.size(), limits.text_bytes)), wording, limits).split();
}

}  // namespace licet::reader
