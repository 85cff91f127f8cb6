#include "deid/text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

namespace licet::deid {
namespace {

Kind kind_of_label(Label label, std::uint8_t lexicon, bool number, std::uint32_t size) {
  switch (label) {
    case Label::none:
    case Label::id:
      return Kind::id;
    case Label::name:
      return Kind::name;
    case Label::place:
      if (number) return size == 5 ? Kind::zip : Kind::city;
      return (lexicon & kPlace) != 0 && (lexicon & kCity) == 0 ? Kind::state : Kind::city;
    case Label::street:
      return Kind::street;
    case Label::organization:
      return Kind::organization;
    case Label::date:
      return Kind::date;
    case Label::age:
      return Kind::age;
    case Label::contact:
      return Kind::phone;
    case Label::relative:
      return Kind::relative;
  }
  return Kind::id;
}

// Words are picked first and looked up then: whether a token is one can't be predicted, and by then the memory is there.
void look_up(const Lexicon& lexicon, std::vector<Token>& tokens) {
  constexpr std::size_t kAtOnce = 32;
  std::array<Token*, kAtOnce> words;
  for (Token *t = tokens.data(), *end = t + tokens.size(); t != end;) {
    std::size_t count = 0;
    for (Token* const stop = t + std::min<std::ptrdiff_t>(kAtOnce, end - t); t != stop; ++t) {
      words[count] = t;
      count += t->word();
      lexicon.prefetch(t->hash);
    }
    for (std::size_t k = 0; k < count; ++k) words[k]->lexicon = lexicon.bits(words[k]->hash);
  }
}

// Whether words a and b, which have one label, are one identifier: only marks, spaces and short words between them, on one line.
bool joined(std::string_view text, const std::vector<Token>& tokens, std::size_t a, std::size_t b, Label label) {
  std::size_t words = 0;
  for (std::size_t i = a + 1; i < b; ++i) {
    const Token& t = tokens[i];
    if (t.look == Look::line) return false;
    if (t.look == Look::mark) {
      const char c = text[t.start];
      if (c == ':' || c == ';' || (c == '.' && label == Label::place)) return false;
      if (c == '.' && i + 1 < tokens.size() && !tokens[i + 1].glued && a + 1 == i && tokens[a].size() > 4) return false;  // a sentence ends
      continue;
    }
    if (t.look != Look::lower || t.size() > 4 || ++words > 3) return false;
  }
  return tokens[b].start - tokens[a].end <= 24;
}

// Ordinary words in no list of names, and lone abbreviations, are no name by themselves, whatever stands around them.
bool tells_somebody(const Token& t) {
  if (t.look == Look::initial) return false;
  if (t.look == Look::upper && t.size() <= 4) return (t.lexicon & (kFirst | kLast | kCity)) != 0;
  return (t.lexicon & (kFirst | kLast | kCity | kPlace)) != 0 || (t.lexicon & (kCommon | kWord | kClinical)) == 0;
}

// strict: the model tells words alone, so that each of its spans must hold one that can be a name.
void add_tagged(std::string_view text, bool strict, Found& f) {
  for (std::size_t i = 0; i < f.tokens.size();) {
    const Label label = f.labels[i];
    if (label == Label::none) {
      ++i;
      continue;
    }
    std::size_t last = i;
    float margin = f.margins[i];
    bool number = f.tokens[i].number();
    std::uint8_t lexicon = f.tokens[i].lexicon;
    bool tells = !strict || tells_somebody(f.tokens[i]);
    for (std::size_t j = i + 1; j < f.tokens.size() && j <= last + 6; ++j) {
      if (f.labels[j] != label) {
        if (f.labels[j] != Label::none) break;
        continue;
      }
      if (!joined(text, f.tokens, last, j, label)) break;
      margin = std::max(margin, f.margins[j]);
      number = number && f.tokens[j].number();
      lexicon &= f.tokens[j].lexicon;
      tells = tells || tells_somebody(f.tokens[j]);
      last = j;
    }
    // "Carolee951", "28035-B": what is glued to an identifier is part of it.
    std::size_t end = last;
    while (end + 1 < f.tokens.size() && f.tokens[end + 1].glued && (f.tokens[end + 1].number() || f.tokens[end + 1].word())) ++end;
    if (!tells) {
      i = last + 1;
      continue;
    }
    const float score = std::min(0.89F, 0.5F + margin / 800);
    f.spans.push_back({f.tokens[i].start, f.tokens[end].end, kind_of_label(label, lexicon, number, f.tokens[i].size()), score});
    i = std::max(last, end) + 1;
  }
}

// What was called a name, or is known of the patient, is one wherever it stands in the text.
void propagate(const Known& known, Found& f) {
  WordMap<float>& names = f.names;
  std::vector<Span>& sorted = f.sorted;
  names.clear();
  sorted.clear();
  std::copy_if(f.spans.begin(), f.spans.end(), std::back_inserter(sorted), [](const Span& s) { return s.kind == Kind::name; });
  std::sort(sorted.begin(), sorted.end(),
            [](const Span& a, const Span& b) { return a.start != b.start ? a.start < b.start : a.score > b.score; });
  std::size_t i = 0;
  for (const Span& s : sorted) {
    while (i < f.tokens.size() && f.tokens[i].end <= s.start) ++i;
    for (std::size_t j = i; j < f.tokens.size() && f.tokens[j].start < s.end; ++j) {
      const Token& t = f.tokens[j];
      const bool ordinary = (t.lexicon & (kCommon | kWord)) != 0;
      if (t.word() && t.look != Look::lower && t.look != Look::initial && t.size() >= 3 && !ordinary) names.add(t.hash, s.score);
    }
  }
  if (names.empty() && known.empty()) return;
  for (std::size_t j = 0; j < f.tokens.size(); ++j) {
    const Token& t = f.tokens[j];
    // In one question: what a token is can't be predicted, but that it is none of these can.
    const int word = t.word(), number = t.number(), may_be_named = int{names.may_have(t.hash)} & word & int{t.size() >= 3};
    if ((may_be_named | ((word | number) & int{!known.empty()})) == 0) continue;
    const Kind* kind = known.empty() ? nullptr : known.find(t.hash);
    if (kind != nullptr && *kind == Kind::street && (t.lexicon & (kCommon | kWord)) != 0) kind = nullptr;  // "Lane", "Apt"
    if (kind != nullptr) {
      std::size_t end = j;
      while (end + 1 < f.tokens.size() && f.tokens[end + 1].glued && f.tokens[end + 1].number()) ++end;
      f.spans.push_back({t.start, f.tokens[end].end, *kind, 1});
    } else if (t.word() && t.size() >= 3) {
      if (const float* score = names.find(t.hash)) f.spans.push_back({t.start, t.end, Kind::name, *score * 0.9F});
    }
  }
}

// Sorted and apart: what overlaps becomes one, of the kind that is surest.
void settle(std::vector<Span>& spans) {
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.start != b.start ? a.start < b.start : a.end > b.end; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (kept > 0 && spans[i].start < spans[kept - 1].end) {
      Span& s = spans[kept - 1];
      s.end = std::max(s.end, spans[i].end);
      if (spans[i].score > s.score) s.score = spans[i].score, s.kind = spans[i].kind;
    } else {
      spans[kept++] = spans[i];
    }
  }
  spans.resize(kept);
}

}  // namespace

void Known::add(std::string_view value, Kind kind) {
  // Of a number's letters ("RBC-108058") none is anybody's alone.
  const bool words = kind == Kind::name || kind == Kind::street || kind == Kind::city || kind == Kind::organization;
  std::vector<Token> tokens;
  tokenize(value, tokens);
  for (const Token& t : tokens)
    if (t.size() >= 3 && ((t.word() && words) || t.number())) words_.add(t.hash, kind);
}

void TextEngine::find(std::string_view text, const Known& known, Found& found) const {
  Folded& folded = found.folded;
  if (folded.make(text)) {
    find_as_it_is(folded.text(), known, found);
    for (Span& s : found.spans) s.start = folded.begin(s.start), s.end = folded.end(s.end);
    for (Token& t : found.tokens) t.start = folded.begin(t.start), t.end = folded.end(t.end);
  } else {
    find_as_it_is(text, known, found);
  }
  const std::vector<Encoded> encoded = folded.base64_runs(text);
  if (encoded.empty()) return;
  Found inside;
  for (const Encoded& e : encoded) {
    find_as_it_is(e.plain, known, inside);
    if (!inside.spans.empty()) found.spans.push_back({e.begin, e.end, inside.spans[0].kind, 1});
  }
  settle(found.spans);
}

void TextEngine::find_as_it_is(std::string_view text, const Known& known, Found& found) const {
  found.spans.clear();
  found.tokens.clear();
  tokenize(text, found.tokens);
  look_up(lexicon_, found.tokens);
  find_patterns(text, found.tokens, found.spans);
  if (model_ != nullptr) {
    tag(*model_, text, found.tokens, model_->bias, found.labels, found.margins);
    add_tagged(text, !model_->numbers, found);
  }
  propagate(known, found);
  settle(found.spans);
}

}  // namespace licet::deid
