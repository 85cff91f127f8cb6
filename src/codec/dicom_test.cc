#include "codec/dicom.h"

#include <gtest/gtest.h>

namespace licet::codec {
namespace {

using namespace std::string_literals;

std::string two(std::uint32_t v) {
  return {static_cast<char>(v & 255), static_cast<char>(v >> 8 & 255)};
}
std::string four(std::uint32_t v) {
  return two(v & 0xffff) + two(v >> 16);
}
std::string tag(std::uint32_t t) {
  return two(t >> 16) + two(t & 0xffff);
}
std::string element(std::uint32_t t, const std::string& vr, const std::string& value) {
  return tag(t) + vr + two(static_cast<std::uint32_t>(value.size())) + value;
}
std::string long_element(std::uint32_t t, const std::string& vr, const std::string& value, bool undefined = false) {
  return tag(t) + vr + two(0) + four(undefined ? kUndefinedLength : static_cast<std::uint32_t>(value.size())) + value;
}
std::string item(const std::string& value, bool undefined) {
  return tag(0xfffee000) + four(undefined ? kUndefinedLength : static_cast<std::uint32_t>(value.size())) + value +
         (undefined ? tag(0xfffee00d) + four(0) : "");
}
std::string file(const std::string& syntax, const std::string& data) {
  const std::string meta = element(0x00020010, "UI", syntax + (syntax.size() % 2 == 1 ? "\0"s : ""));
  return std::string(128, '\0') + "DICM" + element(0x00020000, "UL", four(static_cast<std::uint32_t>(meta.size()))) + meta + data;
}

struct Given {
  std::string head, pixels, error;
  DicomSyntax syntax;
  std::uint32_t pixel_tag = 0;
};
Given read(const std::string& bytes, std::size_t chunk, DicomLimits limits = {}) {
  DicomReader reader(limits);
  Given given;
  std::size_t at = 0;
  for (;;) {
    const auto event = reader.next();
    if (!event) {
      given.error = event.error().message;
      return given;
    }
    switch (*event) {
      case DicomReader::Event::more:
        reader.feed(std::string_view(bytes).substr(at, chunk));
        at = std::min(bytes.size(), at + chunk);
        if (at == bytes.size()) reader.finish();
        break;
      case DicomReader::Event::head:
        given.head = reader.head().data;
        given.syntax = reader.head().syntax;
        given.pixel_tag = reader.head().pixels.tag;
        break;
      case DicomReader::Event::pixels:
        given.pixels += reader.piece();
        break;
      case DicomReader::Event::end:
        return given;
    }
  }
}

const std::string kModality = element(0x00080060, "CS", "CT"), kRows = element(0x00280010, "US", two(2));

TEST(Dicom, HeadAndPixelsInAnyChunks) {
  const std::string bytes =
      file("1.2.840.10008.1.2.1", kModality + kRows + long_element(0x7fe00010, "OW", "abcdefgh") + long_element(0xfffcfffc, "OB", "pad!"));
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{3}, std::size_t{64}, bytes.size()}) {
    const Given g = read(bytes, chunk);
    EXPECT_EQ(g.error, "");
    EXPECT_EQ(g.head, kModality + kRows);
    EXPECT_EQ(g.pixel_tag, 0x7fe00010u);
    EXPECT_EQ(g.pixels, "abcdefgh");  // what follows them isn't given
  }
}

TEST(Dicom, EncapsulatedPixelsAsTheyStand) {
  const std::string fragments = item("", false) + item("jpeg-one", false) + item("jpeg", false) + tag(0xfffee0dd) + four(0);
  const std::string bytes = file("1.2.840.10008.1.2.4.50", kModality + long_element(0x7fe00010, "OB", fragments, true) + "rest");
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{5}, bytes.size()}) EXPECT_EQ(read(bytes, chunk).pixels, fragments);
  EXPECT_EQ(read(bytes.substr(0, bytes.size() - 10), 7).error, "it ends inside its pixels");
}

TEST(Dicom, ASequenceOfAnyForm) {
  for (const bool outer : {false, true})
    for (const bool inner : {false, true}) {
      std::string items = item(kModality, inner) + item("", inner);
      if (outer) items += tag(0xfffee0dd) + four(0);
      const std::string data = long_element(0x00081140, "SQ", items, outer) + kRows;
      DicomCursor cursor(data, {});
      DicomElement e;
      ASSERT_TRUE(*cursor.element(e, cursor.size()));
      EXPECT_TRUE(e.sequence());
      DicomItem one;
      ASSERT_TRUE(*cursor.item(e, one));
      DicomElement in;
      ASSERT_TRUE(*cursor.element(in, one.end));
      EXPECT_EQ(in.value, "CT");
      ASSERT_FALSE(*cursor.element(in, one.end));
      ASSERT_TRUE(*cursor.item(e, one));
      ASSERT_FALSE(*cursor.element(in, one.end));
      ASSERT_FALSE(*cursor.item(e, one));
      ASSERT_TRUE(*cursor.element(e, cursor.size()));
      EXPECT_EQ(e.tag, 0x00280010u);
      ASSERT_FALSE(*cursor.element(e, cursor.size()));
      // And passed whole.
      DicomCursor again(data, {});
      ASSERT_TRUE(*again.element(e, again.size()));
      ASSERT_TRUE(again.skip(e).ok());
      ASSERT_TRUE(*again.element(e, again.size()));
      EXPECT_EQ(e.tag, 0x00280010u);
    }
}

TEST(Dicom, WhatIsMalformedNamesItsPlace) {
  struct Row {
    std::string data, says;
  };
  const std::vector<Row> rows = {
      {kModality.substr(0, 9), "it ends inside (0008,0060) at byte 0"},
      {tag(0x00080060) + "cs" + two(2) + "CT", "(0008,0060) at byte 0 of the data set has no value representation"},
      {item("", false), "stands where no item does"},
      {long_element(0x00081140, "SQ", "not an item at all", false), "holds something that is no item"},
      {long_element(0x00081140, "SQ", item("", false).substr(0, 4) + four(100), false), "holds an item longer than itself"},
      {long_element(0x00081140, "SQ", item(tag(0x00080060) + "CS" + two(50) + "CT", false), false) + kRows, "is longer than what holds it"},
      {long_element(0x00080060, "UT", "", true), "can't have an undefined length"},
  };
  for (const Row& row : rows) {
    DicomCursor cursor(row.data, {});
    DicomElement e;
    Error error{Code::internal, ""};
    for (;;) {
      const auto some = cursor.element(e, cursor.size());
      if (!some) {
        error = some.error();
        break;
      }
      if (!*some) break;
      // Down to the last level, as who transforms goes.
      bool bad = false;
      DicomItem one;
      while (e.sequence() && !bad) {
        const auto more = cursor.item(e, one);
        if (!more) error = more.error(), bad = true;
        if (bad || !*more) break;
        DicomElement in;
        for (;;) {
          const auto inner = cursor.element(in, one.end);
          if (!inner) error = inner.error(), bad = true;
          if (bad || !*inner) break;
        }
      }
      if (bad) break;
    }
    EXPECT_NE(error.message.find(row.says), std::string::npos) << error.message << " / " << row.says;
  }
}

TEST(Dicom, Limits) {
  std::string deep;
  for (int k = 0; k < 40; ++k) deep += long_element(0x00081140, "SQ", "", true) + tag(0xfffee000) + four(kUndefinedLength);
  EXPECT_EQ(read(file("1.2.840.10008.1.2.1", deep), 4096).error, "sequences are nested deeper than 32");
  std::string many;
  for (int k = 0; k < 50; ++k) many += kModality;
  EXPECT_EQ(read(file("1.2.840.10008.1.2.1", many), 64, {.elements = 20}).error, "it has more than 20 elements");
  EXPECT_EQ(
      read(file("1.2.840.10008.1.2.1", long_element(0x00420011, "OB", std::string(3 << 20, 'x'))), 1 << 20, {.head_bytes = 1 << 20}).error,
      "what precedes its pixels is longer than 1 MiB");
}

TEST(Dicom, TransferSyntaxes) {
  EXPECT_FALSE(dicom_syntax("1.2.840.10008.1.2\0"s)->explicit_vr);
  EXPECT_TRUE(dicom_syntax("1.2.840.10008.1.2.2")->big_endian);
  EXPECT_TRUE(dicom_syntax("1.2.840.10008.1.2.4.90")->encapsulated);
  EXPECT_FALSE(dicom_syntax("1.2.840.10008.1.2.4.94"));  // its pixels are elsewhere
  EXPECT_FALSE(dicom_syntax("1.2.840.113619.5.2"));
  // A bare data set, by its first element.
  const std::string bare = element(0x00080005, "CS", "ISO_IR 100") + kModality;
  EXPECT_TRUE(looks_like_dicom(bare));
  EXPECT_EQ(read(bare, 5).head, bare);
  EXPECT_FALSE(looks_like_dicom("MSH|^~\\&|LAB"));
  EXPECT_EQ(read(std::string(300, 'x'), 50).error, "it is no DICOM file");
}

TEST(Dicom, DeflatedDataSetsThereAndBack) {
  const std::string data = kModality + kRows + long_element(0x7fe00010, "OW", std::string(3 << 20, 'p'));
  DicomDeflater deflater;
  std::string deflated;
  for (std::size_t at = 0; at < data.size(); at += 100'000) deflater.put(std::string_view(data).substr(at, 100'000), deflated);
  deflater.finish(deflated);
  const std::string bytes = file("1.2.840.10008.1.2.1.99", deflated);
  for (const std::size_t chunk : {std::size_t{11}, bytes.size()}) {
    const Given g = read(bytes, chunk);
    EXPECT_EQ(g.error, "");
    EXPECT_EQ(g.head, kModality + kRows);
    EXPECT_EQ(g.pixels.size(), std::size_t{3} << 20);
  }
  EXPECT_NE(read(bytes.substr(0, bytes.size() - 200), 64).error, "");
  const std::string nothing = file("1.2.840.10008.1.2.1.99", "\x03\0and more"s);  // a deflated stream that ends where it begins
  EXPECT_EQ(read(nothing, 1).error, "its data set is empty");
  EXPECT_EQ(read(nothing, nothing.size()).error, "its data set is empty");
  EXPECT_NE(read(bytes, bytes.size(), {.inflated_bytes = 1 << 20}).error.find("larger than 1 MiB"), std::string::npos);
}

TEST(Dicom, CharacterSets) {
  EXPECT_EQ(dicom_to_utf8("ISO_IR 100", "M\xfcller"), "Müller");
  EXPECT_EQ(dicom_from_utf8("ISO_IR 100", "Müller"), "M\xfcller");
  EXPECT_EQ(dicom_to_utf8("ISO_IR 192", "山田"), "山田");
  EXPECT_EQ(dicom_to_utf8("\\ISO 2022 IR 87", "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"), "Yamada^Tarou=山田^太郎");
  EXPECT_EQ(dicom_to_utf8("\\ISO 2022 IR 149", "Hong=\x1b$)C\xfb\xf3"), "Hong=洪");
  EXPECT_EQ(dicom_to_utf8("", "plain"), "plain");
  EXPECT_FALSE(dicom_to_utf8("", "M\xfcller"));  // nothing says what it is
  EXPECT_FALSE(dicom_to_utf8("ISO_IR 999", "M\xfcller"));
  EXPECT_FALSE(dicom_to_utf8("ISO_IR 192", "M\xfcller"));  // no UTF-8
  EXPECT_FALSE(dicom_from_utf8("ISO_IR 100", "山田"));
}

}  // namespace
}  // namespace licet::codec
