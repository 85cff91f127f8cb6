#include "deid/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "deid/dates.h"

namespace licet::deid {
namespace {

std::string read(const std::string& path) {
  std::ifstream in(std::filesystem::path(LICET_SOURCE_DIR) / path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

const Lexicon& lexicon() {
  static const Lexicon l = [] {
    auto made = Lexicon::load(read("src/deid/models/lexicon.bin"));
    EXPECT_TRUE(made.ok());
    return made.ok() ? *std::move(made) : Lexicon();
  }();
  return l;
}
const Model& model(std::string_view language) {
  static const auto load = [](const std::string& path) {
    auto made = Model::load(read(path));
    EXPECT_TRUE(made.ok());
    return made.ok() ? *std::move(made) : Model();
  };
  static const Model en = load("src/deid/models/en.bin"), es = load("src/deid/models/es.bin");
  return language == "es" ? es : en;
}

// "name:Maria Sandoval date:3/14/1979"
std::string found(std::string_view text, std::string_view language = "", const Known& known = {}) {
  const TextEngine engine(lexicon(), language.empty() ? nullptr : &model(language));
  Found f;
  engine.find(text, known, f);
  std::string out;
  for (const Span& s : f.spans) {
    if (!out.empty()) out += ' ';
    out.append(name(s.kind)).append(":").append(text.substr(s.start, s.end - s.start));
  }
  return out;
}

struct Case {
  const char* text;
  const char* spans;
};

TEST(Patterns, WhatHasAForm) {
  for (const Case& c : std::initializer_list<Case>{
           // dates
           {"seen 3/14/1979.", "date:3/14/1979"},
           {"born 1979-03-14, again", "date:1979-03-14"},
           {"2026-02-27T09:30:00Z", "date:2026-02-27T09:30:00Z"},
           {"on March 14, 1979 and", "date:March 14, 1979"},
           {"14 March 1979", "date:14 March 1979"},
           {"the 14th of March, 1979", "date:14th of March, 1979"},
           {"since May 2007.", "date:May 2007"},
           {"el 12 de marzo de 2016 ingresa", "date:12 de marzo de 2016"},
           {"seen on 3/14 again", "date:3/14"},
           {"DOB 19790314", "date:19790314"},
           {"may use 2 tablets; BP 120/80, strength 5/5, pain 3/10, 2/6 murmur", ""},
           {"13/13/2020", ""},
           // numbers with checks and context
           {"SSN 900-12-3456", "ssn:900-12-3456"},
           {"000-12-3456", ""},
           {"call (740) 555-0123 now", "phone:(740) 555-0123"},
           {"+1 740 555 0123", "phone:+1 740 555 0123"},
           {"740.555.0123 ext. 44", "phone:740.555.0123 ext. 44"},
           {"Fax: 740-555-0123", "fax:740-555-0123"},
           {"MRN: 00-123-45", "mrn:00-123-45"},
           {"Member ID XQD123456789", "plan:XQD123456789"},
           {"account number 12345678", "account:12345678"},
           {"card 4111 1111 1111 1111 on file", "account:4111 1111 1111 1111"},
           {"4111 1111 1111 1112", ""},
           {"NPI 1234567893", "license:1234567893"},
           {"DEA# AB1234563", "license:AB1234563"},
           {"Medicare 1EG4TE5MK73", "plan:1EG4TE5MK73"},
           {"1EG4-TE5-MK73", "plan:1EG4-TE5-MK73"},
           {"1M8GDM9AXKP042788", "vehicle:1M8GDM9AXKP042788"},
           {"1M8GDM9A1KP042788", ""},
           {"plate ABC 1234", "vehicle:ABC 1234"},
           {"device serial SN-12345678", "device:SN-12345678"},
           {"colegiado NºCol: 28 28 20943", "license:28 28 20943"},
           // the wire
           {"write to a.b-c_1@mail.example.org.", "email:a.b-c_1@mail.example.org"},
           {"https://portal.example/r/1?x=2, then", "url:https://portal.example/r/1?x=2"},
           {"see www.clinic.com.", "url:www.clinic.com"},
           {"from 192.0.2.17:", "ip:192.0.2.17"},
           {"fe80::1ff:fe23:4567:890a", "ip:fe80::1ff:fe23:4567:890a"},
           {"mac 00:1a:2b:3c:4d:5e", "device:00:1a:2b:3c:4d:5e"},
           {"1.2.3.400 and 1.2.3", ""},
           // the street
           {"at 1421 Alder Lane, Apt 3.", "street:1421 Alder Lane, Apt 3"},
           {"12 N 4th St", "street:12 N 4th St"},
           {"P.O. Box 991", "street:P.O. Box 991"},
           {"Riverbend, OH 45990-1234", "zip:45990-1234"},
           {"took 45990 steps", ""},
           // ages
           {"a 93-year-old woman", "age:93"},
           {"aged 101", "age:101"},
           {"a 41 year old man", ""},
           {"ninety-four year old", "age:ninety-four"},
           {"varón de 52 años", "age:52 años"},
           // titles
           {"Dr. Roux and Ms. Wake agree", "name:Roux name:Wake"},
       }) {
    std::string expected = c.spans;
    EXPECT_EQ(found(c.text), expected) << c.text;
  }
}

// What docs/deid.md says of texts that hide what they hold.
TEST(TextEngine, ReadsThroughWhatHides) {
  for (const Case& c : std::initializer_list<Case>{
           // characters without width, between letters and digits
           {"call 740\u200b-555-\u20600123", "phone:740\u200b-555-\u20600123"},
           {"SSN 900-1\u200d2-3456", "ssn:900-1\u200d2-3456"},
           {"Dr. Sand\u00adoval", "name:Sand\u00adoval"},
           // lookalikes and full-width forms
           {"Dr. \u0421arter", "name:\u0421arter"},
           {"seen on \uff11\uff12/01/2020", "date:\uff11\uff12/01/2020"},
           {"call \uff17\uff14\uff10-555-0123", "phone:\uff17\uff14\uff10-555-0123"},
           // entities and percent-encoding
           {"Dr. S&aacute;nchez", "name:S&aacute;nchez"},
           {"Dr.&nbsp;Wake", "name:Wake"},
           {"&#77;RN: 00-123-45", "mrn:00-123-45"},
           {"a.wake&#64;mail.example", "email:a.wake&#64;mail.example"},
           {"a.wake%40mail.example", "email:a.wake%40mail.example"},
           {"740%2D555%2D0123", "phone:740%2D555%2D0123"},
           // tags inside words, letters spaced out
           {"Dr. <b>W</b>ake", "name:W</b>ake"},
           {"Dr. W a k e r", "name:W a k e r"},
           {"Dr. Pember-\nton", "name:Pember-\nton"},
           // base64: whole
           {"see UGhvbmUgNzQwLTU1NS0wMTIzIG9mIE1hcmlhIFNhbmRvdmFs ok", "phone:UGhvbmUgNzQwLTU1NS0wMTIzIG9mIE1hcmlhIFNhbmRvdmFs"},
           // and what isn't hidden stays what it is
           {"A. B. C. D. and 50%20 of it, AT&T; <5% <b>", ""},
           {"VGhlIHdlYXRoZXIgaXMgZmluZSBhbmQgZHJ5IHRvZGF5Lg==", ""},
       })
    EXPECT_EQ(found(c.text), std::string(c.spans)) << c.text;
}

// A text of folded pieces and one without: the same words are found at the places that they stand at.
TEST(TextEngine, FoldedPlacesAreThoseOfTheText) {
  const std::string plain =
      "Patient Maria Sandoval, MRN: 00-123-45, was seen 3/14/1979 by Dr. Roux. Sandoval is well. Call (740) 555-0123.";
  for (std::size_t at = 1; at < plain.size(); ++at) {
    std::string text = plain;
    text.insert(at, "\u200b");
    std::string bare = found(text, "en");
    for (std::size_t k = bare.find("\u200b"); k != std::string::npos; k = bare.find("\u200b")) bare.erase(k, 3);
    EXPECT_EQ(bare, found(plain, "en")) << at;
  }
}

TEST(TextEngine, NamesAndPlaces) {
  EXPECT_EQ(found("Patient Maria Sandoval was seen. Sandoval is well.", "en"), "name:Maria Sandoval name:Sandoval");
  EXPECT_EQ(found("Nombre:  Pedro.\nApellidos: De Miguel Rivera.\nNHC: 2569870.\n", "es"), "name:Pedro name:De Miguel Rivera mrn:2569870");
  EXPECT_EQ(found("Lungs clear. Continue metformin 500 mg.", "en"), "");
}

TEST(TextEngine, WhatWasCalledANameIsOneEverywhere) {
  const std::string spans = found("Seen: Dr. Pelfreyx\nlater PELFREYX came, and pelfreyx's wife.");
  EXPECT_EQ(spans, "name:Pelfreyx name:PELFREYX name:pelfreyx");
}

TEST(TextEngine, KnownOfThePatient) {
  Known known;
  known.add("Rosalind O'Penhallow", Kind::name);
  known.add("MRN-99117", Kind::mrn);
  known.add("Al", Kind::name);  // too short to be told from a word
  EXPECT_EQ(found("penhallow came; ROSALIND951 left, 99117. Al gore", "", known), "name:penhallow name:ROSALIND951 mrn:99117");
}

TEST(TextEngine, ThroughDisguise) {
  Known known;
  known.add("Sandoval", Kind::name);
  EXPECT_EQ(found("San\xe2\x80\x8b"
                  "doval",
                  "", known),
            "name:San\xe2\x80\x8b"
            "doval");  // a zero-width space
  EXPECT_EQ(found("San\xc2\xad"
                  "doval",
                  "", known),
            "name:San\xc2\xad"
            "doval");  // a soft hyphen
  EXPECT_EQ(found("7\xef\xbc\x94"
                  "0",
                  ""),
            "");  // a full-width digit is a digit, and no phone
}

TEST(TextEngine, AnyBytes) {
  SeededRandom random(3);
  for (int i = 0; i < 300; ++i) {
    std::string text(static_cast<std::size_t>(random.next() % 200), '\0');
    for (char& c : text) c = static_cast<char>(random.next() % 3 == 0 ? random.next() : "0123 /-.:(@AbcZ\n"[random.next() % 16]);
    const TextEngine engine(lexicon(), &model("es"));
    Found f;
    engine.find(text, Known(), f);
    std::uint32_t last = 0;
    for (const Span& s : f.spans) {
      ASSERT_LE(last, s.start);
      ASSERT_LT(s.start, s.end);
      ASSERT_LE(s.end, text.size());
      last = s.end;
    }
  }
}

// ---- the tokenizer beside a plain one ---------------------------------------------------------------------------------------------------

// What tokens.h says, one character after the other.
struct Character {
  enum What { space, line, letter, capital, digit, mark, ignored } what = space;
  std::size_t size = 1;
};
Character character(std::string_view text) {
  // By its lead byte, however it goes on; what the text's end cuts off counts as zeros.
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned>(static_cast<unsigned char>(text[i])) : 0U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    const char c = text[0];
    if (c == '\n' || c == '\r') return {Character::line};
    if (c <= ' ' || c == 0x7f) return {Character::space};
    if (c >= 'a' && c <= 'z') return {Character::letter};
    if (c >= 'A' && c <= 'Z') return {Character::capital};
    return {c >= '0' && c <= '9' ? Character::digit : Character::mark};
  }
  const std::size_t size = std::min<std::size_t>(text.size(), lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1);
  const auto is = [&](Character::What what) { return Character{what, size}; };
  if (lead < 0xc0) return is(Character::letter);  // no beginning
  if (lead < 0xe0) {
    const unsigned both = lead << 8 | byte(1);
    if (both == 0xc2a0) return is(Character::space);                                                      // no-break
    if (both == 0xc2ad) return is(Character::ignored);                                                    // soft hyphen
    if (lead == 0xc2) return is(both == 0xc2aa || both == 0xc2ba ? Character::letter : Character::mark);  // ª º, § and the like
    if (both == 0xc397 || both == 0xc3b7) return is(Character::mark);                                     // × ÷
    if (lead == 0xc3) return is(both <= 0xc39e ? Character::capital : Character::letter);                 // À…Þ, ß…ÿ
    const bool greek = both >= 0xce91 && both <= 0xcea9, cyrillic = both >= 0xd080 && both <= 0xd0af;
    return is(greek || cyrillic ? Character::capital : Character::letter);
  }
  if (lead < 0xf0) {
    const unsigned pair = lead << 8 | byte(1), last = byte(2);
    if (pair == 0xe280) {                                               // general punctuation
      if (last >= 0x8b && last <= 0x8d) return is(Character::ignored);  // zero width: space, non-joiner, joiner
      return is(last < 0x8b || last == 0xaf ? Character::space : Character::mark);
    }
    if (pair == 0xe281) return is(last == 0xa0 ? Character::ignored : Character::mark);  // word joiner
    if (pair == 0xe380) return is(last == 0x80 ? Character::space : Character::mark);    // ideographic
    if (pair == 0xefbb && last == 0xbf) return is(Character::ignored);                   // byte order mark
    if (pair == 0xefbc) {                                                                // full-width forms
      if (last >= 0x90 && last <= 0x99) return is(Character::digit);
      return is(last >= 0xa1 && last <= 0xba ? Character::capital : Character::mark);
    }
  }
  return is(Character::letter);
}
std::string plain_lower(std::string_view character) {
  std::string out(character);
  if (out.size() == 1 && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] - 'A' + 'a');
  if (out.size() > 1 && out[0] == '\xc3') {
    const auto second = static_cast<unsigned char>(out[1]);
    if (second >= 0x80 && second <= 0x9e && second != 0x97) out[1] = static_cast<char>(second + 0x20);
  }
  return out;
}
std::vector<Token> plain_tokens(std::string_view text) {
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < text.size();) {
    const Character first = character(text.substr(at));
    if (first.what == Character::space || first.what == Character::ignored) {
      at += first.size;
      continue;
    }
    const bool word = first.what == Character::letter || first.what == Character::capital;
    Token t;
    t.start = static_cast<std::uint32_t>(at);
    t.glued = !tokens.empty() && tokens.back().end == t.start;
    std::string spelled;
    std::size_t letters = 0, capitals = 0;
    for (; at < text.size();) {
      const Character c = character(text.substr(at));
      const bool letter = c.what == Character::letter || c.what == Character::capital;
      if (word ? !letter && c.what != Character::ignored : c.what != first.what) break;
      if (c.what != Character::ignored && c.what != Character::line) spelled += plain_lower(text.substr(at, c.size));
      letters += letter;
      capitals += c.what == Character::capital;
      at += c.size;
      if (first.what == Character::mark) break;  // each by itself
    }
    t.end = static_cast<std::uint32_t>(at);
    t.look = first.what == Character::line                       ? Look::line
             : first.what == Character::digit                    ? Look::number
             : first.what == Character::mark                     ? Look::mark
             : capitals == 0                                     ? Look::lower
             : letters == 1                                      ? Look::initial
             : capitals == letters                               ? Look::upper
             : capitals == 1 && first.what == Character::capital ? Look::capital
                                                                 : Look::mixed;
    if (t.look != Look::line) {
      t.hash = kFnvStart;
      for (const char c : spelled) t.hash = (t.hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
    }
    tokens.push_back(t);
  }
  return tokens;
}
void expect_plain_tokens(const std::string& made) {
  const std::unique_ptr<char[]> exact(new char[made.size()]);  // so that a byte too far is seen
  std::copy(made.begin(), made.end(), exact.get());
  const std::string_view text(exact.get(), made.size());
  std::vector<Token> tokens;
  tokenize(text, tokens);
  const std::vector<Token> plain = plain_tokens(text);
  ASSERT_EQ(tokens.size(), plain.size()) << made;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const Token &a = tokens[i], &b = plain[i];
    ASSERT_EQ(a.start, b.start) << made;
    ASSERT_EQ(a.end, b.end) << made;
    ASSERT_EQ(a.look, b.look) << made << " at " << a.start;
    ASSERT_EQ(a.glued, b.glued) << made << " at " << a.start;
    ASSERT_EQ(a.hash, b.hash) << made << " at " << a.start;
    if (a.word() || a.number()) ASSERT_EQ(word_hash(text.substr(a.start, a.size())), b.hash) << made;
  }
}

TEST(Tokens, AreThoseOfAPlainTokenizer) {
  SeededRandom random(5);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random.next() % n); };
  // Invented, then mutilated.
  const std::string texts[] = {
      "Patient Maria O'Sandoval-Reyes, MRN: 00-123-45, was seen 3/14/1979 by Dr. ROUX (tel. +1 740 555 0123).\r\nPlan: metformin 500mg, "
      "b.i.d.",
      "Nombre:  Íñigo.\nApellidos: De Miguel Núñez Ávila.\nNHC: 2569870. Médico: Carolee951 º ª §12 ¿Qué? 37,5°C × 2",
      "Мария Иванова, Ελένη Παπαδοπούλου, 王 小明 \u3000\uff11\uff12\uff2d\uff41\uff0e \U0001f600 e\u0301 \u2014 \u201cquoted\u201d\u2026",
      "a\u200bb C\u00adD 1\u200d2 \ufeffx\u2060 \u00a0y\u202fz\u2028w \u200b\u200b9A9a aB Ab AB A b",
      "internationalization electroencephalographically "
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789012345678901234567890",
  };
  static const std::string kPieces[] = {
      "\u200b",   "\u00ad",   "\u0430", "\u00c9", "\u00e9", "\u00d7", "\u2013", "\u00a0", "\uff11", "\xff", "\xc3",
      "\xe2\x80", "\xf0\x9f", "\n",     "\r\n",   " ",      "9",      "X",      "x",      ".",      "\x7f", std::string(1, '\0'),
      "\u2060",   "\ufeff"};
  for (int round = 0; round < 4000; ++round) {
    std::string text = texts[below(std::size(texts))];
    for (std::size_t changes = below(30); changes > 0 && !text.empty(); --changes) {
      const std::size_t at = below(text.size());
      switch (below(4)) {
        case 0:
          text.insert(at, kPieces[below(std::size(kPieces))]);
          break;
        case 1:
          text.erase(at, 1 + below(3));
          break;
        case 2:
          text[at] = static_cast<char>(text[at] ^ 1 << below(8));
          break;
        default:
          text.resize(at + (text.size() - at) / 2);
          break;
      }
    }
    ASSERT_NO_FATAL_FAILURE(expect_plain_tokens(text));
  }
  // Random: bytes, characters of all lengths, words of all lengths around what is looked at at once.
  for (int round = 0; round < 6000; ++round) {
    std::string text;
    const std::size_t size = below(round % 20 == 0 ? 1500 : 140);
    while (text.size() < size) {
      switch (round % 3) {
        case 0:
          text += static_cast<char>(random.next());
          break;
        case 1: {
          const std::uint32_t c = static_cast<std::uint32_t>(below(4) == 0   ? below(0x80)
                                                             : below(3) == 0 ? below(0x800)
                                                                             : 0x2000 + below(0xdfff - 0x2000 - 0x800));
          if (c < 0x80)
            text += static_cast<char>(c);
          else if (c < 0x800)
            text += static_cast<char>(0xc0 | c >> 6), text += static_cast<char>(0x80 | (c & 0x3f));
          else
            text += static_cast<char>(0xe0 | c >> 12), text += static_cast<char>(0x80 | (c >> 6 & 0x3f)),
                text += static_cast<char>(0x80 | (c & 0x3f));
          break;
        }
        default: {
          const std::string_view of = below(3) == 0 ? "ABCdef" : below(2) == 0 ? "0123" : "abcdefghijklmnop";
          for (std::size_t k = below(below(10) == 0 ? 150 : 20); k > 0; --k) text += of[below(of.size())];
          if (below(3) != 0) text += kPieces[below(std::size(kPieces))];
          break;
        }
      }
    }
    ASSERT_NO_FATAL_FAILURE(expect_plain_tokens(text));
  }
}

// tag() sees some tokens at a time and sums up with what the processor has: the same as all at once, feature by feature.
TEST(Tagger, SumsAreThoseOfItsFeatures) {
  SeededRandom random(6);
  constexpr std::string_view kWords[] = {"Maria",     "SANDOVAL", "de",    "la",   "of",       "Dr",     "was", "seen",    "in",
                                         "Riverbend", "OH",       "45990", "1979", ":",        ",",      "\n",  "Address", "son",
                                         "metformin", "Wake",     "wake",  "W",    "McDowell", "Clinic", "."};
  for (const std::string_view language : {"en", "es"})
    for (int round = 0; round < 60; ++round) {
      std::string text;
      for (std::size_t words = random.next() % 600; words > 0; --words) text.append(kWords[random.next() % std::size(kWords)]) += ' ';
      std::vector<Token> tokens;
      tokenize(text, tokens);
      for (Token& t : tokens)
        if (t.word()) t.lexicon = lexicon().bits(t.hash);
      const Model& m = model(language);
      std::vector<Label> labels;
      std::vector<float> scores;
      tag(m, text, tokens, m.bias, labels, scores);
      ASSERT_EQ(labels.size(), tokens.size());
      std::vector<Sight> sights;
      see(text, tokens, m, sights);
      Walk walk;
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        Label label = Label::none;
        float score = 0;
        const History history = walk.at(tokens[i]);
        const Sight& sight = sights[i + kSightMargin];
        if (candidate(tokens[i], sight, history)) {
          std::uint32_t buckets[kFeatures];
          features(&sight, history, buckets);
          int sum[kLabels] = {-m.bias};
          for (const std::uint32_t b : buckets)
            for (std::size_t l = 0; l < kLabels; ++l) sum[l] += m.row(b)[l];
          const auto* best = std::max_element(sum, sum + kLabels);
          label = static_cast<Label>(best - sum);
          score = static_cast<float>(*best - sum[0]);
        }
        ASSERT_EQ(labels[i], label) << i;
        ASSERT_EQ(scores[i], score) << i;
        walk.called(tokens[i], label);
      }
    }
}

TEST(Files, ThatAreCutAreRefused) {
  const std::string lexicon_bytes = read("src/deid/models/lexicon.bin"), model_bytes = read("src/deid/models/en.bin");
  EXPECT_FALSE(Lexicon::load(std::string_view(lexicon_bytes).substr(0, lexicon_bytes.size() - 1)).ok());
  EXPECT_FALSE(Lexicon::load("LXC2").ok());
  for (const std::size_t cut : {std::size_t{0}, std::size_t{5}, std::size_t{100}, model_bytes.size() - 1})
    EXPECT_FALSE(Model::load(std::string_view(model_bytes).substr(0, cut)).ok()) << cut;
}

// ---- in their place ---------------------------------------------------------------------------------------------------------------------

class Transforms : public testing::Test {
 protected:
  static const Library& library() {
    static const Library l = [] {
      std::vector<stack::Source> sources;
      for (const char* name : {"fhir-r4", "limited-data-set", "pseudonymized", "safe-harbor", "safe-harbor-text", "zip3"})
        sources.push_back({name, read(std::string("packs/deid/") + name + ".yaml"), {}});
      auto made = load_library(sources);
      EXPECT_TRUE(made.ok());
      return made.ok() ? *std::move(made) : Library();
    }();
    return l;
  }
  static std::string made(std::string_view profile, std::string_view text, std::string_view key = {}) {
    const TextEngine engine(lexicon(), nullptr);
    Found f;
    engine.find(text, Known(), f);
    std::string out;
    TextTransform(library(), *library().find(profile))
        .apply(text, f.spans, {.as_of = std::chrono::year(2026) / 6 / 15, .key = as_bytes(key), .patient = "p-1"}, out);
    return out;
  }
};

TEST_F(Transforms, SafeHarbor) {
  EXPECT_EQ(made("safe-harbor-text", "Dr. Roux saw her on 3/14/1979, at 93 years, MRN: 12345, OH 45990; 1/2/1930."),
            "Dr. [NAME] saw her on 1979, at 90 or older years, MRN: [MRN], OH 459; [DATE].");
}

TEST_F(Transforms, SurrogatesAreConsistentAndKeyed) {
  const std::string one = made("pseudonymized", "Dr. Roux, 740-555-0123; Mr. Roux. SSN 123-45-6789", "key-1");
  EXPECT_EQ(one, made("pseudonymized", "Dr. Roux, 740-555-0123; Mr. Roux. SSN 123-45-6789", "key-1"));
  EXPECT_NE(one, made("pseudonymized", "Dr. Roux, 740-555-0123; Mr. Roux. SSN 123-45-6789", "key-2"));
  for (const char* gone : {"Roux", "740-555-0123", "123-45-6789"}) EXPECT_EQ(one.find(gone), std::string::npos) << one;
  EXPECT_NE(one.find("-555-01"), std::string::npos) << one;
  EXPECT_NE(one.find("SSN 9"), std::string::npos) << one;
  const std::size_t first = one.find("Dr. ") + 4, second = one.find("Mr. ") + 4;
  EXPECT_EQ(one.substr(first, one.find(',') - first), one.substr(second, one.find(". SSN") - second));
}

TEST_F(Transforms, DatesKeepTheirIntervals) {
  const int days = shift_of(as_bytes("key"), "p-1");
  EXPECT_EQ(
      made("pseudonymized", "from 2026-02-27 to 03/02/2026", "key"), "from " + shift("2026-02-27", days) + " to " + [&] {
        const std::string d = shift("2026-03-02", days);
        return d.substr(5, 2) + "/" + d.substr(8, 2) + "/" + d.substr(0, 4);
      }());
  EXPECT_EQ(made("pseudonymized", "on March 2, 2026", "key"), "on [DATE]") << "what can't be written again is taken out";
}

}  // namespace
}  // namespace licet::deid
