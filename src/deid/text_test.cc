#include "deid/text.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

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
