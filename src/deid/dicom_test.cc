#include "deid/dicom.h"

#include <gtest/gtest.h>

#include "deid/internal/shipped.h"

namespace licet::deid {
namespace {

using namespace std::string_literals;

const Shipped& tools() {
  static const Shipped t;
  return t;
}

std::string two(std::uint32_t v) {
  return {static_cast<char>(v & 255), static_cast<char>(v >> 8 & 255)};
}
std::string four(std::uint32_t v) {
  return two(v & 0xffff) + two(v >> 16);
}
std::string element(std::uint32_t t, const std::string& vr, std::string value) {
  if (value.size() % 2 == 1) value += vr == "UI" ? '\0' : ' ';
  const std::string head = two(t >> 16) + two(t & 0xffff) + vr;
  if (vr == "SQ" || vr == "OB" || vr == "OW" || vr == "UN" || vr == "UT" || vr == "UC" || vr == "UR")
    return head + two(0) + four(static_cast<std::uint32_t>(value.size())) + value;
  return head + two(static_cast<std::uint32_t>(value.size())) + value;
}
std::string item(const std::string& value) {
  return two(0xfffe) + two(0xe000) + four(static_cast<std::uint32_t>(value.size())) + value;
}

// A file's data set made by a profile: "(0010,0020)" → value; sequences as "(0008,1140)/0/(0008,1155)".
struct Made {
  std::map<std::string, std::string> values;
  std::string error, bytes;
  Tally tally;
  bool has(const std::string& path) const { return values.contains(path); }
  std::string at(const std::string& path) const {
    const auto v = values.find(path);
    return v == values.end() ? "(missing)" : v->second;
  }
};
void list(codec::DicomCursor& cursor, std::size_t end, const std::string& path, Made& made) {
  codec::DicomElement e;
  for (;;) {
    const auto some = cursor.element(e, end);
    ASSERT_TRUE(some.ok()) << some.error().message;
    if (!*some) return;
    std::string value(e.value);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\0')) value.pop_back();
    made.values[path + codec::dicom_tag(e.tag)] = e.sequence() ? "" : value;
    if (!e.sequence()) continue;
    codec::DicomItem one;
    for (int n = 0;; ++n) {
      const auto more = cursor.item(e, one);
      ASSERT_TRUE(more.ok());
      if (!*more) break;
      list(cursor, one.end, path + codec::dicom_tag(e.tag) + "/" + std::to_string(n) + "/", made);
    }
  }
}
Made make(const std::string& data, const char* profile = "safe-harbor-text", DicomPixelsAre pixels = DicomPixelsAre::untouched) {
  const Profile& p = *tools().library.find(profile);
  static SeededRandom random(7);
  Codes codes(random);
  const TextEngine engine(tools().lexicon, &tools().model);
  const TextTransform text(tools().library, p);
  Pieces pieces(engine, text);
  ValueContext values{.library = tools().library,
                      .profile = p,
                      .as_of = Date(std::chrono::days(20'600)),
                      .codes = codes,
                      .key = as_bytes("a key of the run")};
  DicomRun run{.values = values, .pieces = &pieces};
  codec::DicomHead head;
  head.transfer_syntax = "1.2.840.10008.1.2.1";
  head.data = data;
  DicomMade out;
  Made made;
  const auto done = DicomTransform(tools().library, p).apply(head, pixels, run, out);
  if (!done) {
    made.error = done.error().message;
    EXPECT_TRUE(out.data.empty() && out.meta.empty());
    return made;
  }
  made.bytes = out.data;
  made.tally = values.tally;
  codec::DicomCursor cursor(out.data, {});
  list(cursor, cursor.size(), "", made);
  return made;
}

const std::string kPatient = element(0x00100010, "PN", "Brindlemoor^Xanthe") + element(0x00100020, "LO", "MR8812734");

TEST(DicomTransform, TheActionsOfTheTable) {
  const std::string data = element(0x00080018, "UI", "1.2.3.4") + element(0x00080020, "DA", "20260227") +
                           element(0x00080050, "SH", "A-77") + element(0x00080080, "LO", "Plantedworth Clinic") +
                           element(0x00081048, "PN", "Woolcombe^Drusilla") + kPatient + element(0x00101040, "LO", "12 Alder Lane") +
                           element(0x00181030, "LO", "CHEST for Ms. Brindlemoor") + element(0x0020000d, "UI", "1.2.3.4");
  const Made m = make(data);
  EXPECT_TRUE(m.at("(0008,0018)").starts_with("2.25."));  // U
  EXPECT_EQ(m.at("(0008,0018)"), m.at("(0020,000D)"));    // the same for the same
  EXPECT_EQ(m.at("(0008,0020)"), "20260101");             // Z, and the year that the law leaves
  EXPECT_EQ(m.at("(0008,0050)").size(), 16u);             // a random code as long as SH may be
  EXPECT_EQ(m.at("(0008,0080)"), "REMOVED");              // X/Z/D
  EXPECT_FALSE(m.has("(0008,1048)"));                     // X
  EXPECT_EQ(m.at("(0010,0010)"), "");                     // Z
  EXPECT_EQ(m.at("(0010,0020)").size(), 36u);             // Z/D: a code
  EXPECT_FALSE(m.has("(0010,1040)"));                     // X
  EXPECT_EQ(m.at("(0018,1030)"), "CHEST for Ms. [NAME]");    // X/D, descriptors cleaned
  EXPECT_EQ(m.at("(0012,0062)"), "YES");
  EXPECT_EQ(m.at("(0012,0064)/0/(0008,0100)"), "113100");
  EXPECT_EQ(m.bytes.find("Brindlemoor"), std::string::npos);
  const Made dropped = make(data, "safe-harbor");
  EXPECT_EQ(dropped.at("(0018,1030)"), "REMOVED");
}

TEST(DicomTransform, DefaultDenyBeyondTheTable) {
  const std::string data = element(0x00080070, "LO", "ACME Imaging") + element(0x00080104, "LO", "a meaning without a code") +
                           element(0x00090010, "LO", "ACME PRIVATE") + element(0x00091001, "LO", "Brindlemoor") + kPatient +
                           element(0x00181020, "LO", "seen 740-555-0199") + element(0x00280010, "US", two(512)) +
                           element(0x00280011, "LO", "Brindlemoor") + element(0x00299999, "LO", "x") +
                           element(0x00420010, "ST", "Letter about Brindlemoor") + element(0x50000010, "US", two(1)) +
                           element(0x60003000, "OW", "overlay!");
  const Made m = make(data, "safe-harbor");
  EXPECT_EQ(m.at("(0008,0070)"), "ACME Imaging");
  EXPECT_EQ(m.at("(0008,0104)"), "REMOVED");
  EXPECT_EQ(m.at("(0018,1020)"), "REMOVED");  // a telephone number is no version
  EXPECT_EQ(m.at("(0042,0010)"), "REMOVED");
  EXPECT_TRUE(m.has("(0028,0010)"));
  for (const char* gone : {"(0009,0010)", "(0009,1001)", "(0028,0011)", "(0029,9999)", "(5000,0010)", "(6000,3000)"})
    EXPECT_FALSE(m.has(gone)) << gone;
  EXPECT_EQ(m.tally.misfit, 1u);
  // A name of the file's people is found where a maker's should stand.
  EXPECT_EQ(make(kPatient + element(0x00181016, "LO", "Brindlemoor Ltd"), "safe-harbor").at("(0018,1016)"), "REMOVED");
  EXPECT_EQ(make(kPatient + element(0x00180015, "CS", "BRINDLEMOOR"), "safe-harbor").at("(0018,0015)"), "REMOVED");
}

TEST(DicomTransform, Sequences) {
  const std::string code = element(0x00080100, "SH", "T-D1100") + element(0x00080102, "SH", "SRT") + element(0x00080104, "LO", "Head");
  const std::string local = element(0x00080100, "SH", "77") + element(0x00080102, "SH", "99X") + element(0x00080104, "LO", "Dr. Woolcombe");
  const std::string data =
      element(0x00081140, "SQ", item(element(0x00081155, "UI", "1.2.3.4") + element(0x00091001, "LO", "private"))) +
      element(0x00082218, "SQ", item(code) + item(local)) + element(0x00400275, "SQ", item(element(0x00400007, "LO", "x"))) +
      element(0x0040a073, "SQ", item(element(0x0040a075, "PN", "Woolcombe^D") + element(0x0040a088, "SQ", item(local))));
  const Made m = make(data, "safe-harbor");
  EXPECT_TRUE(m.at("(0008,1140)/0/(0008,1155)").starts_with("2.25."));
  EXPECT_FALSE(m.has("(0008,1140)/0/(0009,1001)"));
  EXPECT_EQ(m.at("(0008,2218)/0/(0008,0104)"), "Head");
  EXPECT_EQ(m.at("(0008,2218)/1/(0008,0104)"), "REMOVED");  // a meaning of no published terminology
  EXPECT_FALSE(m.has("(0040,0275)"));
  EXPECT_EQ(m.at("(0040,A073)/0/(0040,A075)"), "REMOVED");  // D: its values are dummies
  EXPECT_FALSE(m.has("(0040,A073)/0/(0040,A088)/0/(0008,0100)"));
}

TEST(DicomTransform, DatesMoveWithThePatient) {
  const std::string dates =
      element(0x00080020, "DA", "20260227") + element(0x0008002a, "DT", "20260227101112.5-0500") + element(0x00080030, "TM", "101112");
  const Made m = make(dates + kPatient, "pseudonymized");
  EXPECT_NE(m.at("(0008,0020)"), "20260227");
  EXPECT_EQ(m.at("(0008,002A)"), m.at("(0008,0020)") + "101112.5-0500");
  EXPECT_EQ(m.at("(0008,0030)"), "101112");
  EXPECT_EQ(m.at("(0028,0303)"), "MODIFIED");
  EXPECT_EQ(m.at("(0008,0020)"), make(dates + kPatient, "pseudonymized").at("(0008,0020)"));
  // Nobody whose they are: they go.
  const Made nobody = make(dates, "pseudonymized");
  EXPECT_EQ(nobody.at("(0008,0020)"), "");
  EXPECT_EQ(nobody.at("(0028,0303)"), "REMOVED");
  EXPECT_EQ(make(dates + kPatient, "limited-data-set").at("(0008,0020)"), "20260227");
  // What isn't a date where one should be is none that may stay.
  EXPECT_EQ(make(element(0x00080020, "DA", "Brindle1") + kPatient, "limited-data-set").at("(0008,0020)"), "");
}

TEST(DicomTransform, ValuesOfUnknownRepresentation) {
  const Made m = make(element(0x00080060, "UN", "CT") + element(0x00080080, "UN", "Plantedworth") + element(0x00280030, "UN", "0.5\\0.5"));
  EXPECT_EQ(m.at("(0008,0060)"), "CT");
  EXPECT_EQ(m.at("(0008,0080)"), "REMOVED");
  EXPECT_EQ(m.at("(0028,0030)"), "0.5\\0.5");
}

TEST(DicomTransform, AnErrorLeavesNothing) {
  EXPECT_NE(make(kPatient + "\x08\x00"s).error, "");
  EXPECT_NE(make(element(0x00081140, "SQ", "no item, Brindlemoor")).error, "");
}

TEST(DicomLook, WhatPixelsMayHold) {
  const DicomTransform transform(tools().library, *tools().library.find("safe-harbor"));
  const auto look = [&](const std::string& modality, const std::string& types, const std::string& burned) {
    const std::string data = (types.empty() ? "" : element(0x00080008, "CS", types)) + element(0x00080060, "CS", modality) +
                             element(0x00280002, "US", two(1)) + element(0x00280004, "CS", "MONOCHROME2") +
                             element(0x00280010, "US", two(4)) + element(0x00280011, "US", two(4)) + element(0x00280100, "US", two(8)) +
                             element(0x00280101, "US", two(8)) + (burned.empty() ? "" : element(0x00280301, "CS", burned));
    codec::DicomHead head;
    head.data = data;
    head.pixels = {.tag = 0x7fe00010, .vr = codec::Vr::OW, .length = 16};
    auto l = transform.look(head);
    EXPECT_TRUE(l.ok() && l->readable);
    return l->pixels;
  };
  using P = DicomLook::Pixels;
  EXPECT_EQ(look("CT", "ORIGINAL\\PRIMARY\\AXIAL", ""), P::clear);
  EXPECT_EQ(look("CT", "ORIGINAL\\PRIMARY\\AXIAL", "YES"), P::expected);
  EXPECT_EQ(look("CT", "DERIVED\\SECONDARY", ""), P::possible);
  EXPECT_EQ(look("CT", "", ""), P::possible);
  EXPECT_EQ(look("CR", "ORIGINAL\\PRIMARY", ""), P::possible);
  EXPECT_EQ(look("CR", "ORIGINAL\\PRIMARY", "NO"), P::clear);
  EXPECT_EQ(look("US", "ORIGINAL\\PRIMARY", "NO"), P::expected);
  EXPECT_EQ(look("CT", "DERIVED\\SECONDARY\\SCREEN SAVE", "NO"), P::expected);
  EXPECT_EQ(look("XC", "ORIGINAL\\PRIMARY", "NO"), P::photo);
}

TEST(DicomPixels, BitsThatArentThePixelsOwnAreCleared) {
  DicomImage image{.rows = 1, .columns = 3, .samples = 1, .allocated = 16, .stored = 12, .high = 11};
  std::string frame = "\x34\xf2\xff\x8f\x00\x10"s;
  dicom_clear_unused(image, frame);
  EXPECT_EQ(frame, "\x34\x02\xff\x0f\x00\x00"s);
  image.is_signed = true;
  frame = "\xff\x0f\x01\x50\x00\x08"s;
  dicom_clear_unused(image, frame);
  EXPECT_EQ(frame, "\xff\xff\x01\x00\x00\xf8"s);
  image.big_endian = true;
  image.is_signed = false;
  frame = "\xf2\x34\x8f\xff\x10\x00"s;
  dicom_clear_unused(image, frame);
  EXPECT_EQ(frame, "\x02\x34\x0f\xff\x00\x00"s);
}

TEST(DicomPixels, BoxesAreMadeBlackWhereTheyLie) {
  for (const std::size_t allocated : {std::size_t{8}, std::size_t{16}})
    for (const bool big : {false, true}) {
      const DicomImage image{.rows = 40, .columns = 40, .samples = 1, .allocated = allocated, .stored = allocated, .big_endian = big};
      std::string frame(image.frame_bytes(), '\x7f');
      const DicomPicture picture = dicom_picture(image, frame, false);
      EXPECT_EQ(picture.scale, 3u);
      EXPECT_TRUE(picture.pgm.starts_with("P5\n120 120\n255\n"));
      dicom_black_out(image, picture.scale, {.left = 60, .top = 30, .width = 30, .height = 15}, frame);
      const auto at = [&](std::size_t y, std::size_t x) { return frame[(y * 40 + x) * allocated / 8]; };
      EXPECT_EQ(at(12, 25), '\0');
      EXPECT_EQ(at(12, 10), '\x7f');
      EXPECT_EQ(at(30, 25), '\x7f');
      dicom_black_out(image, 3, {.left = 100, .top = 100, .width = 100'000, .height = 100'000}, frame);  // ends at the edge
      EXPECT_EQ(at(39, 39), '\0');
    }
  const DicomImage color{.rows = 8, .columns = 8, .samples = 3, .allocated = 8, .stored = 8, .planar = true};
  std::string frame(color.frame_bytes(), '\xff');
  dicom_black_out(color, 1, {.left = 0, .top = 0, .width = 8, .height = 8}, frame);
  EXPECT_EQ(frame, std::string(color.frame_bytes(), '\0'));
}

TEST(DicomFragments, WhatAJpegSaysBesideItsPictureIsMadeZeros) {
  const auto part = [](char marker, const std::string& value) {
    const auto n = static_cast<unsigned>(value.size() + 2);
    return "\xff"s + marker + static_cast<char>(n >> 8) + static_cast<char>(n & 255) + value;
  };
  const auto zeros = [](std::size_t n) { return std::string(n, '\0'); };
  const std::string jfif = "JFIF\0\1\1\0\0\1\0\1\0\0"s, adobe = "Adobe\0\x64\0\0\0\0\1"s;
  const std::string scan = part('\xda', "\1\1\0\0\x3f\0"s) + "ab\xff\0cd\xff\xd0"s + "ef";
  struct Row {
    const char* what;
    const char* syntax;
    std::vector<std::string> fragments, expected;
  };
  const std::string plain = "\xff\xd8"s + part('\xdb', "table") + scan + "\xff\xd9"s;
  const std::vector<Row> rows = {
      {"nothing to hide", "1.2.840.10008.1.2.4.50", {plain}, {plain}},
      {"a comment, EXIF and a thumbnail",
       "1.2.840.10008.1.2.4.50",
       {"\xff\xd8"s + part('\xe0', jfif + "Doe^Jane") + part('\xe1', "Exif Doe") + part('\xee', adobe + "Doe") + part('\xfe', "Doe") +
        scan + "\xff\xd9"s},
       {"\xff\xd8"s + part('\xe0', jfif + zeros(8)) + part('\xe1', zeros(8)) + part('\xee', adobe + zeros(3)) + part('\xfe', zeros(3)) +
        scan + "\xff\xd9"s}},
      {"between two scans",
       "1.2.840.10008.1.2.4.57",
       {"\xff\xd8"s + scan + part('\xfe', "Doe") + scan + "\xff\xd9"s},
       {"\xff\xd8"s + scan + part('\xfe', zeros(3)) + scan + "\xff\xd9"s}},
      {"behind the end", "1.2.840.10008.1.2.4.50", {plain + "Doe", plain}, {plain + zeros(3), plain}},
      {"a frame in two fragments",
       "1.2.840.10008.1.2.4.50",
       {"\xff\xd8"s + part('\xfe', "Jane Doe").substr(0, 6), part('\xfe', "Jane Doe").substr(6) + scan + "\xff\xd9"s},
       {"\xff\xd8"s + part('\xfe', zeros(8)).substr(0, 6), zeros(6) + scan + "\xff\xd9"s}},
      {"JPEG-LS, where 7F may follow FF",
       "1.2.840.10008.1.2.4.80",
       {"\xff\xd8"s + part('\xe8', "Doe") + part('\xda', "\1\1\0\0\0\0"s) + "a\xff\x7f\xff\xd9"s},
       {"\xff\xd8"s + part('\xe8', zeros(3)) + part('\xda', "\1\1\0\0\0\0"s) + "a\xff\x7f\xff\xd9"s}},
      {"JPEG 2000",
       "1.2.840.10008.1.2.4.90",
       {"\xff\x4f"s + part('\x51', "size") + part('\x64', "\0\1Doe"s) + part('\x90', "tile part") + part('\x64', "\0\1Doe"s) + "\xff\x93"s +
        "a\xff\x8f"s + "b\xff\xd9"s},
       {"\xff\x4f"s + part('\x51', "size") + part('\x64', "\0\1\0\0\0"s) + part('\x90', "tile part") + part('\x64', "\0\1\0\0\0"s) +
        "\xff\x93"s + "a\xff\x8f"s + "b\xff\xd9"s}},
  };
  for (const Row& row : rows) {
    std::string in = item("\0\0\0\0"s), out = in;
    for (const std::string& f : row.fragments) in += item(f);
    for (const std::string& f : row.expected) out += item(f);
    in += two(0xfffe) + two(0xe0dd) + four(0);
    out += two(0xfffe) + two(0xe0dd) + four(0);
    for (std::size_t step = 1; step <= in.size(); ++step) {
      auto fragments = DicomFragments::of(row.syntax);
      ASSERT_TRUE(fragments) << row.what;
      std::string made;
      for (std::size_t at = 0; at < in.size(); at += step) {
        std::string piece = in.substr(at, step);
        const auto passed = fragments->pass(piece);
        ASSERT_TRUE(passed.ok()) << row.what << ": " << passed.error().message;
        made += piece;
      }
      EXPECT_EQ(made, out) << row.what << " in pieces of " << step;
    }
  }
  for (const std::string& wrong : {"\0\0\0\x0cjP  "s, "GIF89a"s, "\xff\xd8"s + "Doe", "\xff\xd8\xff\xfe\0\1"s}) {
    std::string in = item("") + item(wrong);
    EXPECT_FALSE(DicomFragments::of("1.2.840.10008.1.2.4.50")->pass(in).ok());
  }
  EXPECT_FALSE(DicomFragments::of("1.2.840.10008.1.2.5"));
}

}  // namespace
}  // namespace licet::deid
