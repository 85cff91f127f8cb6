// DICOM files (PS3.10): a stream cut into its head (every data element before the pixels) and its pixels; and the elements of a head.
//
//   DicomReader reader;
//   reader.feed(chunk);
//   LICET_TRY(event, reader.next());                     // more, head, pixels (a piece of their value), end
//   DicomCursor cursor(reader.head().data, reader.head().syntax);
//   DicomElement e;
//   while (true) { LICET_TRY(some, cursor.element(e, cursor.size())); if (!some) break; … LICET_TRY_VOID(cursor.skip(e)); }
//
// Explicit and implicit VR, little and big endian, deflated data sets, sequences and items of defined and undefined length, encapsulated
// pixels (their bytes as they stand). Files without preamble and meta information are read where their first element tells their encoding.
// What follows the pixels (padding, signatures) is not given.
//
// One thread. Memory: the head and one chunk; pixels are never held. Errors: invalid_argument with tag and offset, exhausted naming the
// limit; never a value. Input: untrusted; bounded by DicomLimits; fuzzed by fuzz/fuzz_dicom.cc. Source: PS3.5 sections 6 and 7, annex A;
// PS3.10 section 7.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace licet::codec {

// Value representations, PS3.5 table 6.2-1.
// clang-format off
enum class Vr : std::uint8_t {
  AE, AS, AT, CS, DA, DS, DT, FD, FL, IS, LO, LT, OB, OD, OF, OL, OV, OW, PN, SH, SL, SQ, SS, ST, SV, TM, UC, UI, UL, UN, UR, US, UT, UV
};
// clang-format on
[[nodiscard]] std::string_view name(Vr vr);
// Whether its explicit length has 32 bits.
[[nodiscard]] bool long_form(Vr vr);

// What PS3.6 says of a tag; nullptr: it isn't there (private, of a repeating group, or newer than our copy).
struct DicomAttribute {
  std::uint32_t tag;
  Vr vr;
  bool retired;
};
[[nodiscard]] const DicomAttribute* dicom_attribute(std::uint32_t tag);
[[nodiscard]] std::string dicom_tag(std::uint32_t tag);  // "(0010,0020)"

struct DicomLimits {
  std::size_t head_bytes = 64 * 1024 * 1024;  // of all that precedes the pixels
  std::size_t elements = 1'000'000;           // in a head, at all levels
  std::size_t depth = 32;                     // of sequences
  std::uint64_t inflated_bytes = std::uint64_t{4} << 30;
};

struct DicomSyntax {
  bool explicit_vr = true, big_endian = false, deflated = false, encapsulated = false;
};
// Of a transfer syntax UID; nullopt: one that isn't read (JPIP, private ones).
[[nodiscard]] std::optional<DicomSyntax> dicom_syntax(std::string_view uid);

inline constexpr std::uint32_t kUndefinedLength = 0xffffffff;

struct DicomElement {
  std::uint32_t tag = 0;
  Vr vr = Vr::UN;
  bool undefined = false;   // its length
  std::size_t at = 0;       // of its first byte
  std::string_view header;  // tag, VR and length as they stand
  std::string_view value;   // empty where the length is undefined
  // Its parts are items: descend with item(), or skip().
  [[nodiscard]] bool sequence() const { return vr == Vr::SQ || undefined; }
};
struct DicomItem {
  bool undefined = false;
  std::size_t end = 0;  // of its elements, as element() takes it
};

// Goes through the elements of a data set, once, level by level.
class DicomCursor {
 public:
  static constexpr std::size_t kUntilDelimiter = ~std::size_t{0};
  DicomCursor(std::string_view bytes, DicomSyntax syntax, DicomLimits limits = {}) : bytes_(bytes), syntax_(syntax), limits_(limits) {}

  // The next element of the level that ends at `end` (kUntilDelimiter: an item of undefined length); false at its end. Behind a sequence,
  // items or skip() must follow; any other element has been passed.
  [[nodiscard]] Result<bool> element(DicomElement& e, std::size_t end);
  // The next item of a sequence; false at its end.
  [[nodiscard]] Result<bool> item(const DicomElement& sequence, DicomItem& item);
  // Passes what is left of a sequence just met; nothing for other elements.
  [[nodiscard]] Result<void> skip(const DicomElement& e);

  // Of the level of items inside an element of VR UN and undefined length: implicit, whatever the file is (PS3.5 6.2.2).
  [[nodiscard]] const DicomSyntax& syntax() const { return syntax_; }
  void syntax(DicomSyntax s) { syntax_ = s; }
  [[nodiscard]] std::size_t at() const { return at_; }
  void at(std::size_t at) { at_ = at; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  // The last error was only that bytes are missing.
  [[nodiscard]] bool truncated() const { return truncated_; }

 private:
  [[nodiscard]] Error ends(std::uint32_t tag, std::size_t at);
  [[nodiscard]] std::uint16_t two(std::size_t at) const;
  [[nodiscard]] std::uint32_t four(std::size_t at) const;
  [[nodiscard]] std::uint32_t tag_at(std::size_t at) const { return std::uint32_t{two(at)} << 16 | two(at + 2); }

  std::string_view bytes_;
  DicomSyntax syntax_;
  DicomLimits limits_;
  std::size_t at_ = 0, count_ = 0, depth_ = 0;
  bool truncated_ = false;
};

struct DicomPixels {
  std::uint32_t tag = 0;  // 0: there are none
  Vr vr = Vr::OW;
  std::uint32_t length = 0;  // kUndefinedLength: encapsulated
};
struct DicomHead {
  bool part10 = false;  // preamble and meta information were there
  std::string transfer_syntax;
  DicomSyntax syntax;
  std::string_view meta;  // elements of group 0002, explicit VR, little endian
  std::string_view data;  // elements before the pixels
  DicomPixels pixels;
};

class DicomReader {
 public:
  explicit DicomReader(DicomLimits limits = {});
  ~DicomReader();
  DicomReader(const DicomReader&) = delete;
  DicomReader& operator=(const DicomReader&) = delete;

  void feed(std::string_view bytes);
  void finish() { finished_ = true; }
  enum class Event : std::uint8_t { more, head, pixels, end };
  // After an error the stream can't be gone on with.
  [[nodiscard]] Result<Event> next();
  // From Event::head until the call of next() after it.
  [[nodiscard]] const DicomHead& head() const { return head_; }
  // At Event::pixels, until the next call: a piece of the pixels' value; of encapsulated ones with their items and the delimiter.
  [[nodiscard]] std::string_view piece() const { return piece_; }

 private:
  struct Inflater;
  enum class At : std::uint8_t { start, head, after_head, native, item_header, fragment, done };
  [[nodiscard]] Result<bool> start();
  [[nodiscard]] Result<bool> find_pixels();
  [[nodiscard]] Result<void> take();

  DicomLimits limits_;
  std::string raw_, data_, meta_;  // bytes not looked at; of the data set, inflated; of the meta information
  std::unique_ptr<Inflater> inflater_;
  DicomHead head_;
  At at_ = At::start;
  bool finished_ = false, pending_ = false;  // pending: the inflater may give more
  std::size_t parsed_ = 0, wait_for_ = 0, counted_ = 0;
  std::size_t passed_ = 0;  // of data_, given as a piece
  std::uint64_t left_ = 0;  // of the pixels, or of a fragment
  std::string_view piece_;
};

// The first bytes of a file that is DICOM, as far as they tell.
[[nodiscard]] bool looks_like_dicom(std::string_view head);

// A data set of a deflated transfer syntax, written.
class DicomDeflater {
 public:
  DicomDeflater();
  ~DicomDeflater();
  DicomDeflater(const DicomDeflater&) = delete;
  DicomDeflater& operator=(const DicomDeflater&) = delete;
  void put(std::string_view bytes, std::string& out);
  void finish(std::string& out);

 private:
  struct Inside;
  std::unique_ptr<Inside> in_;
};

// Text of a data set whose (0008,0005) is `charset` (its values with '\\' between them), as UTF-8 and back. nullopt: a character set that
// isn't known here, or bytes that aren't of it. Known: the default repertoire, ISO_IR 13 and 100 to 203, UTF-8, GB18030, GBK, and ISO 2022
// with Japanese sets.
[[nodiscard]] std::optional<std::string> dicom_to_utf8(std::string_view charset, std::string_view bytes);
[[nodiscard]] std::optional<std::string> dicom_from_utf8(std::string_view charset, std::string_view utf8);

}  // namespace licet::codec
