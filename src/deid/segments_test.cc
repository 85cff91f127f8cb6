#include "deid/segments.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "deid/internal/shipped.h"

namespace licet::deid {
namespace {

const Shipped& tools() {
  static const Shipped t;
  return t;
}

constexpr Date kToday = std::chrono::year(2026) / 6 / 15;

// Every unit of a stream, transformed; "!" and why where one is refused.
std::string made(std::string_view profile, codec::SegmentFormat format, std::string_view bytes, Tally* tally = nullptr,
                 std::size_t chunk = 7) {
  const Shipped& t = tools();
  const Profile& p = *t.library.find(profile);
  SeededRandom random(7);
  Codes codes(random);
  const TextEngine engine(t.lexicon, &t.model);
  const TextTransform text(t.library, p);
  Pieces pieces(engine, text);
  ValueContext values{.library = t.library, .profile = p, .as_of = kToday, .codes = codes, .key = as_bytes("a key of the test")};
  SegmentRun run{.values = values, .pieces = &pieces};
  const bool x12 = format == codec::SegmentFormat::x12;
  const SegmentTransform transform(t.library, p, x12 ? t.library.x12 : t.library.hl7);
  codec::SegmentFramer framer(format, 1 << 20);
  std::string out;
  for (bool end = false;;) {
    while (const auto unit = framer.next()) {
      if (unit->too_long) {
        out += "!too long\n";
        continue;
      }
      const std::size_t before = out.size();
      const auto done = transform.apply(unit->bytes, x12 && framer.marks() ? &*framer.marks() : nullptr, run, out);
      if (done) continue;
      EXPECT_EQ(out.size(), before);
      out += "!" + done.error().message + "\n";
    }
    if (end) break;
    if (bytes.empty()) {
      framer.finish();
      end = true;
    } else {
      framer.feed(bytes.substr(0, chunk));
      bytes.remove_prefix(std::min(bytes.size(), chunk));
    }
  }
  if (tally != nullptr) *tally = values.tally;
  return out;
}
std::string hl7(std::string_view profile, std::string_view bytes, Tally* tally = nullptr) {
  return made(profile, codec::SegmentFormat::hl7_v2, bytes, tally);
}

constexpr std::string_view kHead = "MSH|^~\\&|LAB|Plantedworth Clinic|EHR|X|20260301093000||ORU^R01^ORU_R01|77|P|2.5.1\r";
std::string after_head(const std::string& out) {
  const std::size_t at = out.find('\r');
  return at == std::string::npos ? out : out.substr(at + 1);
}

struct Case {
  const char* profile;
  const char* in;
  const char* out;
};

TEST(Hl7, Segments) {
  const Case cases[] = {
      // What isn't listed is gone: segments, fields, components, subcomponents.
      {"safe-harbor", "ZPI|1|Plantedworth\r", ""},
      {"safe-harbor", "PID|1||||Plantedworth^Maria^Q^^^^L^X&Y||19790314|F|||12 Alder Ln^^Riverbend^OH^45990^USA^H\r",
       "PID|1||||||1979|F|||^^^OH^459^USA^H\r"},
      {"limited-data-set", "PID|1||||Plantedworth^Maria||197903140815-0500|F|||12 Alder Ln^^Riverbend^OH^45990\r",
       "PID|1||||||197903140815-0500|F|||^^Riverbend^OH^45990\r"},
      // A year that tells of an age over 89; a small ZIP area.
      {"safe-harbor", "PID|1||||||19310314|F|||^^^VT^05901^US\r", "PID|1|||||||F|||^^^VT^000^US\r"},
      {"safe-harbor", "PID|1|||||||F|||^^^VT^03601\r", "PID|1|||||||F|||^^^VT^000\r"},
      {"safe-harbor", "PID|1||||||19310314\r", "PID|1\r"},
      // What has another look than it must have.
      {"safe-harbor", "PID|Maria P|||||||Fem ale\r", "PID\r"},
      {"safe-harbor", "PID|1||||||14 March 1979\r", "PID|1\r"},
      {"safe-harbor", "PV1|19790314|7405550123||||||||123-45-6789\r", "PV1\r"},
      {"safe-harbor", "MSA|AA\r", "MSA|AA\r"},
      // Codes with a coding system stay, and the words of a published one; others are text, which this profile drops.
      {"safe-harbor", "DG1|1||J45.909^Asthma^I10||20260301\r", "DG1|1||J45.909^Asthma^I10||2026\r"},
      {"safe-harbor", "DG1|1||J45^seen by Plantedworth^L\r", "DG1|1||J45^^L\r"},
      {"safe-harbor", "DG1|1||Plantedworth\r", "DG1|1\r"},
      // Results by their type, ages by code and unit.
      {"safe-harbor", "OBX|1|NM|718-7^Hgb^LN||13.2|g/dL||N|||F\r", "OBX|1|NM|718-7^Hgb^LN||13.2|g/dL||N|||F\r"},
      {"safe-harbor", "OBX|1|NM|718-7^Hgb^LN||Plantedworth|g/dL\r", "OBX|1|NM|718-7^Hgb^LN|||g/dL\r"},
      {"safe-harbor", "OBX|1|SN|1^A^LN||>^90^-^100\r", "OBX|1|SN|1^A^LN||>^90^-^100\r"},
      {"safe-harbor", "OBX|1|NM|30525-0^Age^LN||93\r", "OBX|1|NM|30525-0^Age^LN||90\r"},
      {"safe-harbor", "OBX|1|NM|1-1^Age^LN||104|a\r", "OBX|1|NM|1-1^Age^LN||90|a\r"},
      {"safe-harbor", "OBX|1|NM|1-1^Age^LN||88|a^year^UCUM\r", "OBX|1|NM|1-1^Age^LN||88|a^year^UCUM\r"},
      {"safe-harbor", "OBX|1|DT|1^A^LN||20260102~20260203\r", "OBX|1|DT|1^A^LN||2026~2026\r"},
      {"safe-harbor", "OBX|1|ED|1^A^LN||^TEXT^^Base64^UGxhbnRlZHdvcnRo\r", "OBX|1|ED|1^A^LN\r"},
      {"safe-harbor", "OBX|1|TX|1^A^LN||Seen by Dr. Plantedworth\r", "OBX|1|TX|1^A^LN\r"},
      // Texts are read where the profile says so, with what the fields know, over repetitions, escapes and segments.
      {"safe-harbor-text", "PID|1||||Brindlemoor^Xanthe\rOBX|1|TX|1^A^LN||BRINDLEMOOR felt well\\.br\\and xanthe\\T\\co went~home\r",
       "PID|1\rOBX|1|TX|1^A^LN||[NAME] felt well~and [NAME]\\T\\co went~home\r"},
      {"safe-harbor-text", "PID|1||||Brindlemoor^Xanthe\rNTE|1|L|Brindle\\H\\moor called (740) 555-0199\r",
       "PID|1\rNTE|1|L|[NAME] called [PHONE]\r"},
      {"safe-harbor-text", "PID|1||||Brindle\\T\\moor\rNTE|1|L|moor\r", "PID|1\rNTE|1|L|[NAME]\r"},
      // LF, CRLF, blank lines and MLLP.
      {"safe-harbor", "\nPV1|1|I\n\n", "\nPV1|1|I\n\n"},
      {"safe-harbor", "PV1|1|I\r\x1c\r", "PV1|1|I\r\x1c\r"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.in);
    EXPECT_EQ(after_head(hl7(c.profile, std::string(kHead) + c.in)), c.out);
  }
}

TEST(Hl7, TheHeadStaysReadable) {
  const std::string out = hl7("safe-harbor", kHead);
  EXPECT_TRUE(out.starts_with("MSH|^~\\&|||||2026||ORU^R01^ORU_R01|")) << out;
  EXPECT_TRUE(out.ends_with("|P|2.5.1\r")) << out;
}

TEST(Hl7, SurrogatesAndShiftsHoldForThePatient) {
  const std::string message =
      std::string(kHead) + "PID|1||P-1^^^H^MR||Plantedworth^Maria||19790314\rPV1|1|I||||||||||||||||||||||||||||||||||||||||||20260301\r";
  const std::string out = hl7("pseudonymized", message + message);
  EXPECT_EQ(out.substr(0, out.size() / 2), out.substr(out.size() / 2)) << out;
  EXPECT_EQ(out.find("Plantedworth"), std::string::npos);
  EXPECT_EQ(out.find("19790314"), std::string::npos);
  EXPECT_NE(out.find("^MR|"), std::string::npos) << out;
}

TEST(Hl7, MarksOfItsOwn) {
  EXPECT_EQ(after_head(hl7("safe-harbor", "MSH#!?*%#A\rPID#1####Plantedworth!Maria##19790314#F###!!!OH!45990\r")),
            "PID#1######1979#F###!!!OH!459\r");
}

TEST(Hl7, MalformedMessagesAreLeftOutAndTheRestGoesOn) {
  const std::string good = std::string(kHead) + "PV1|1|I\r";
  const Case cases[] = {
      {"", "MSH|^^\\&|x\rPID|1\r", "uses one character for two separators"},
      {"", "MSH|Plantedworth\rPID|1\r", "no encoding characters"},
      {"", "MSH|\rPID|1\r", "ends before its separators"},
      {"", "MSH|^~\\&|A\rPlantedworth was here\r", "byte 11 of it: segment 2 does not begin with a segment's name"},
      {"", "MSH|^~\\&|A\rPID|1|x\rNTE|1||line one\nand line two\r", "segment 4 does not begin"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.in);
    const std::string out = hl7("safe-harbor-text", good + c.in + good);
    EXPECT_NE(out.find(c.out), std::string::npos) << out;
    EXPECT_EQ(out.find("Plantedworth"), std::string::npos) << out;
    EXPECT_TRUE(out.ends_with("PV1|1|I\r")) << out;
    EXPECT_EQ(std::count(out.begin(), out.end(), '!'), 1) << out;
  }
  EXPECT_NE(hl7("safe-harbor", "\xef\xbb\xbfPlantedworth\r" + good).find("!byte 0 of it: no MSH"), std::string::npos);
  EXPECT_TRUE(hl7("safe-harbor", "\xef\xbb\xbf" + good).starts_with("MSH|"));
}

TEST(Hl7, BatchesCountWhatIsWritten) {
  const std::string batch =
      "FHS|^~\\&|A\rBHS|^~\\&|A\r" + std::string(kHead) + "PV1|1|I\rMSH|^^\\&|x\r" + std::string(kHead) + "PV1|1|O\rBTS|3|x\rFTS|1\r";
  const std::string out = hl7("safe-harbor", batch);
  EXPECT_NE(out.find("BTS|2\rFTS|1\r"), std::string::npos) << out;
}

// Nothing stands behind a trailer: by its separator, whatever byte that is, the next reader would read it otherwise.
TEST(Hl7, ATrailerIsAlone) {
  EXPECT_TRUE(hl7("pseudonymized", "FTS\xab\rOBR\xab\xab\xab\xab|1|A1").starts_with("!"));
  EXPECT_TRUE(hl7("safe-harbor", "BTS|\rNTE|1|L\r").starts_with("!"));
}

TEST(Hl7, TheTallyNamesWhatNoRuleKnows) {
  Tally tally;
  hl7("safe-harbor", std::string(kHead) + "ZPI|1|x\rZPI|2|y\rPID|1||||A^B||19790314\r", &tally);
  EXPECT_EQ(tally.unlisted_parts["ZPI"], 2U);
  EXPECT_EQ(tally.kinds[static_cast<std::size_t>(Kind::name)], 2U);
}

// Whatever is in the fields, the output is read again as it is, and nothing more is taken from it.
TEST(Hl7, WhatIsMadeReadsAgain) {
  SeededRandom random(11);
  const std::vector<std::string> atoms = {"Planted worth", "19790314", "1",  "^", "~",  "&", "\\",      "\\F\\",
                                          "J45",           "I10",      "LN", "",  "93", "a", "\\X41\\", "x y"};
  const std::vector<std::string> names = {"PID", "OBX", "NTE", "DG1", "PV1", "ZZZ", "NK1", "RXA"};
  for (int round = 0; round < 300; ++round) {
    std::string message(kHead);
    for (int s = 0; s < 4; ++s) {
      message += names[random.next() % names.size()];
      for (int f = 0; f < 12; ++f) {
        message += '|';
        for (std::uint64_t k = random.next() % 4; k > 0; --k) message += atoms[random.next() % atoms.size()];
      }
      message += '\r';
    }
    for (const char* profile : {"safe-harbor", "limited-data-set", "safe-harbor-text"}) {
      const std::string once = hl7(profile, message);
      ASSERT_FALSE(once.starts_with("!")) << once;
      if (std::string_view(profile) == "safe-harbor") ASSERT_EQ(once.find("Planted worth"), std::string::npos) << message << once;
      const std::string twice = hl7(profile, once);
      ASSERT_FALSE(twice.starts_with("!")) << twice;
      ASSERT_EQ(std::count(once.begin(), once.end(), '\r'), std::count(twice.begin(), twice.end(), '\r'));
    }
  }
  // A byte of MLLP inside a header ends it, as it ends any segment.
  // The end of a batch whose count is empty is a segment's name alone.
  for (const char* message : {"MSH|^~|LAB\x0bNIC|A\r", "BTS|\r"}) {
    const std::string once = hl7("safe-harbor", message);
    EXPECT_FALSE(once.starts_with("!")) << once;
    EXPECT_EQ(hl7("safe-harbor", once), once);
  }
}

TEST(Hl7, ChunksMakeNoDifference) {
  const std::string message = "\xef\xbb\xbf" + std::string(kHead) + "PID|1||P-1\r\n" + std::string(kHead) + "PV1|1|I\n";
  const std::string whole = made("safe-harbor", codec::SegmentFormat::hl7_v2, message, nullptr, 100'000);
  for (std::size_t chunk = 1; chunk < 40; ++chunk)
    EXPECT_EQ(made("safe-harbor", codec::SegmentFormat::hl7_v2, message, nullptr, chunk), whole) << chunk;
}

constexpr std::string_view kIsa =
    "ISA*00*          *00*          *ZZ*PLANTEDWORTH   *ZZ*RECEIVER       *260301*1147*^*00501*000000907*1*T*:~";
constexpr std::string_view kGs = "GS*HC*SENDER*RECEIVER*20260301*1147*1*X*005010X222A1~";
std::string x12(std::string_view profile, const std::string& sets, std::string_view after = "GE*9*1~IEA*9*000000907~") {
  return made(profile, codec::SegmentFormat::x12, std::string(kIsa) + std::string(kGs) + sets + std::string(after));
}

TEST(X12, SegmentsAreCountedAgain) {
  const std::string set =
      "ST*837*0001~NM1*IL*1*PLANTEDWORTH*MARIA****MI*030005074A~N3*12 ALDER "
      "LN~N4*RIVERBEND*OH*45990~DMG*D8*19790314*F~REF*SY*123456789~ZZZ*1~"
      "DTP*472*RD8*20260301-20260302~HI*ABK:J45909*BH:A1:D8:19310101~CLM*PLANTED1*89.93***11:B:1*Y~SE*99*0001~";
  const std::string out = x12("safe-harbor", set);
  EXPECT_TRUE(out.starts_with(
      "ISA*00*          *00*          *ZZ*               *ZZ*               *260101*1147*^*00501*000000907*1*T*:~GS*HC***20260101*"))
      << out;
  const std::size_t at = out.find("ST*837");
  const std::string claim = out.substr(at);
  EXPECT_EQ(claim.find("PLANTED"), std::string::npos) << claim;
  EXPECT_TRUE(claim.starts_with("ST*837*0001~NM1*IL*1******MI*")) << claim;
  EXPECT_NE(claim.find("~N4**OH*459~DMG*D8*19790101*F~DTP*472*RD8*20260101-20260101~HI*ABK:J45909*BH:A1:D8~CLM*"), std::string::npos)
      << claim;
  EXPECT_TRUE(claim.ends_with("*89.93***11:B:1*Y~SE*8*0001~GE*1*1~IEA*1*000000907~")) << claim;
}

TEST(X12, ASetThatIsMalformedIsLeftOutAndNotCounted) {
  const std::string good = "ST*270*1~BHT*0022*13*7*20260301*1147~SE*3*1~";
  const std::string out = x12("safe-harbor", good + "ST*270*2~BHT*0022~SE*3*7~" + good + "ST*270*3~plantedworth~SE*3*3~");
  EXPECT_EQ(std::count(out.begin(), out.end(), '!'), 2) << out;
  EXPECT_NE(out.find("GE*2*1~IEA*1*"), std::string::npos) << out;
  EXPECT_EQ(out.find("plantedworth"), std::string::npos);
  EXPECT_NE(made("safe-harbor", codec::SegmentFormat::x12, "ISA*00*PLANTEDWORTH~ST*1~").find("!byte 0 of it: no ISA"), std::string::npos);
}

TEST(X12, AGreatAgeLeavesNoDate) {
  EXPECT_NE(x12("safe-harbor", "ST*834*1~DMG*D8*19310101*F~SE*3*1~").find("~DMG***F~"), std::string::npos);
}

TEST(X12, WordsCantBreakOut) {
  const std::string out = x12("safe-harbor-text", "ST*834*1~NM1*74*1*BRINDLEMOOR*XANTHE~NTE*ADD*BRINDLEMOOR felt well~SE*4*1~");
  EXPECT_NE(out.find("~NTE*ADD*[NAME] felt well~SE*4*1~"), std::string::npos) << out;
}

TEST(SegmentFramer, LongUnitsAreToldAndLetGo) {
  codec::SegmentFramer framer(codec::SegmentFormat::hl7_v2, 1000);
  std::size_t long_ones = 0, good = 0, most = 0;
  framer.feed("MSH|^~\\&|A\r");
  for (int k = 0; k < 100; ++k) {
    framer.feed(std::string(100, 'x'));
    while (const auto unit = framer.next()) long_ones += unit->too_long, most = std::max(most, unit->bytes.size());
  }
  framer.feed("\rMSH|^~\\&|B\r");
  framer.finish();
  while (const auto unit = framer.next()) {
    long_ones += unit->too_long;
    good += !unit->too_long;
    EXPECT_EQ(unit->bytes, "MSH|^~\\&|B\r");
  }
  EXPECT_EQ(long_ones, 1U);
  EXPECT_EQ(good, 1U);
  EXPECT_EQ(most, 0U);
}

}  // namespace
}  // namespace licet::deid
