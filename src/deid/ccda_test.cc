#include "deid/ccda.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <pugixml.hpp>

#include "deid/internal/shipped.h"

namespace licet::deid {
namespace {

std::string made(std::string_view profile, std::string_view document) {
  static const Shipped shipped;
  const Library& library = shipped.library;
  const Profile& p = *library.find(profile);
  SeededRandom random(7);
  Codes codes(random);
  const TextEngine engine(shipped.lexicon, &shipped.model);
  const TextTransform text(library, p);
  Pieces pieces(engine, text);
  ValueContext values{
      .library = library, .profile = p, .as_of = std::chrono::year(2026) / 6 / 15, .codes = codes, .key = as_bytes("a key of the test")};
  CcdaRun run{.values = values, .pieces = &pieces};
  std::string out;
  const auto done = CcdaTransform(library, p).apply(document, run, out);
  if (!done) {
    EXPECT_EQ(out, "");
    return "!" + done.error().message;
  }
  pugi::xml_document again;
  EXPECT_TRUE(again.load_buffer(out.data(), out.size())) << out;
  return out;
}

std::string body(std::string_view profile, std::string_view inside) {
  const std::string out =
      made(profile, R"(<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">)" +
                        std::string(inside) + "</ClinicalDocument>");
  const std::size_t from = out.find('>', out.find("<ClinicalDocument")) + 1;
  return out.starts_with("!") ? out : out.substr(from, out.rfind("</ClinicalDocument>") - from);
}

TEST(Ccda, Elements) {
  const struct {
    const char* profile;
    const char* in;
    const char* out;
  } cases[] = {
      {"safe-harbor", "<unheardOf>Plantedworth</unheardOf><!-- Plantedworth --><?p Plantedworth?>", ""},
      {"safe-harbor", R"(<templateId root="2.16.840.1.113883.10.20.22.1.1" extension="2015-08-01"/>)",
       R"(<templateId root="2.16.840.1.113883.10.20.22.1.1" extension="2015-08-01"/>)"},
      {"safe-harbor",
       R"(<patient><name use="L"><given>Maria</given><family>Plantedworth</family></name><birthTime value="19790314"/></patient>)",
       R"(<patient><name nullFlavor="MSK"/><birthTime value="1979"/></patient>)"},
      {"safe-harbor", R"(<patient><birthTime value="19310314"/></patient>)", R"(<patient><birthTime nullFlavor="MSK"/></patient>)"},
      {"safe-harbor",
       "<addr use=\"HP\"><streetAddressLine>12 Alder "
       "Ln</streetAddressLine><city>Riverbend</city><state>OH</state><postalCode>45990</postalCode></addr>",
       "<addr use=\"HP\"><state>OH</state><postalCode>459</postalCode></addr>"},
      {"safe-harbor", "<addr><city>Riverbend</city>Plantedworth</addr>", "<addr nullFlavor=\"MSK\"/>"},
      {"limited-data-set", R"(<effectiveTime><low value="20260301"/><high nullFlavor="UNK"/></effectiveTime>)",
       R"(<effectiveTime><low value="20260301"/><high nullFlavor="UNK"/></effectiveTime>)"},
      {"safe-harbor", R"(<telecom value="tel:+1(740)555-0123" use="HP"/>)", R"(<telecom nullFlavor="MSK"/>)"},
      {"safe-harbor", R"(<code code="8480-6" codeSystem="2.16.840.1.113883.6.1" displayName="Systolic"/>)",
       R"(<code code="8480-6" codeSystem="2.16.840.1.113883.6.1" displayName="Systolic"/>)"},
      {"safe-harbor", R"(<code code="x" codeSystem="1.2.3" displayName="Plantedworth"/>)", R"(<code code="x" codeSystem="1.2.3"/>)"},
      {"safe-harbor", R"(<value xsi:type="PQ" value="93" unit="a"/><value xsi:type="PQ" value="132" unit="mm[Hg]"/>)",
       R"(<value xsi:type="PQ" value="90" unit="a"/><value xsi:type="PQ" value="132" unit="mm[Hg]"/>)"},
      {"safe-harbor", R"(<value xsi:type="TS" value="20260301"/><value value="20260301"/>)",
       R"(<value xsi:type="TS" value="2026"/><value/>)"},
      {"safe-harbor", R"(<section><title>Plan</title><text><paragraph ID="p1">Plantedworth</paragraph></text></section>)",
       R"(<section><title/><text><paragraph ID="p1"/></text></section>)"},
      {"safe-harbor-text",
       "<patient><name><given>Xanthe</given><family>Brindlemoor</family></name></patient><section><text><list><item>xanthe brindlemoor "
       "rested &amp; "
       "ate</item></list></text></section>",
       "<patient><name nullFlavor=\"MSK\"/></patient><section><text><list><item>[NAME] [NAME] rested &amp; "
       "ate</item></list></text></section>"},
      {"safe-harbor-text", R"(<text><linkHtml href="http://plantedworth.example">x</linkHtml><name>Plantedworth</name></text>)", "<text/>"},
      {"safe-harbor-text", R"(<observation><text><reference value="#p1"/></text></observation>)",
       R"(<observation><text><reference value="#p1"/></text></observation>)"},
      {"safe-harbor-text", R"(<component><nonXMLBody><text mediaType="application/pdf">UGxhbnRlZHdvcnRo</text></nonXMLBody></component>)",
       "<component/>"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.in);
    EXPECT_EQ(body(c.profile, c.in), c.out);
  }
}

TEST(Ccda, IdsAreCodesAndTheSameOnes) {
  const std::string out =
      body("safe-harbor", R"(<id root="1.2.3" extension="MRN1"/><id root="1.2.3" extension="MRN1"/><id root="1.2.3" extension="MRN2"/>)");
  const std::string first = out.substr(0, out.find("/>") + 2);
  EXPECT_TRUE(out.starts_with(first + first)) << out;
  EXPECT_FALSE(out.starts_with(first + first + first));
  EXPECT_EQ(out.find("MRN"), std::string::npos);
}

TEST(Ccda, DatesMoveTogether) {
  const std::string out = body(
      "pseudonymized",
      R"(<recordTarget><patientRole><id root="1" extension="a"/><patient><birthTime value="20200101"/></patient></patientRole></recordTarget><effectiveTime value="20200111"/>)");
  const auto day = [&](std::size_t from) {
    const std::size_t at = out.find("value=\"", from) + 7;
    return std::stoi(out.substr(at, 8));
  };
  const auto date = [](int d) {
    return std::chrono::sys_days(std::chrono::year(d / 10000) / std::chrono::month(static_cast<unsigned>(d / 100 % 100)) /
                                 std::chrono::day(static_cast<unsigned>(d % 100)));
  };
  EXPECT_EQ((date(day(out.find("effectiveTime"))) - date(day(out.find("birthTime")))).count(), 10);
}

TEST(Ccda, WhatCantBeReadIsLeftOut) {
  EXPECT_TRUE(made("safe-harbor", "<ClinicalDocument><patient>Plantedworth").starts_with("!byte "));
  EXPECT_TRUE(made("safe-harbor", "<html/>").starts_with("!its root"));
  std::string deep = "<ClinicalDocument>";
  for (int k = 0; k < 400; ++k) deep += "<section>";
  for (int k = 0; k < 400; ++k) deep += "</section>";
  EXPECT_TRUE(made("safe-harbor", deep + "</ClinicalDocument>").starts_with("!its elements"));
  EXPECT_EQ(made("safe-harbor", "<!DOCTYPE x [<!ENTITY e \"Plantedworth\">]><ClinicalDocument><title>&e;</title></ClinicalDocument>")
                .find("Plantedworth"),
            std::string::npos);
}

}  // namespace
}  // namespace licet::deid
