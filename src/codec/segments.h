// HL7 v2 and X12: what separates what, and a stream cut into the pieces that stand or fall alone.
//
//   SegmentFramer framer(SegmentFormat::hl7_v2, limits.resource_bytes);
//   framer.feed(chunk);
//   while (auto unit = framer.next()) use(unit->bytes, unit->offset);      // then framer.finish() and once more
//
// A unit begins with a header segment and goes on to the next: an HL7 message (MSH) or a line of a batch (FHS, BHS, BTS, FTS); an X12
// transaction set (ST … SE) or a line of its envelope (ISA, GS, GE, IEA, TA1). HL7 segments end with CR, LF or both (and the bytes of
// MLLP); X12 segments with what the ISA segment says, and the line breaks behind it. A byte order mark before the first is left out.
//
// One thread. Memory: one unit. A unit longer than `most` is not given, only its place (`too_long`). Input: untrusted; fuzzed by
// fuzz/fuzz_deid_formats.cc. Source: HL7 v2.8 chapter 2, 2.5 and 2.7; ASC X12.5 and X12.6.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace licet::codec {

enum class SegmentFormat : std::uint8_t { hl7_v2, x12 };

struct Marks {
  char element = '|', component = '^', repetition = '~', escape = '\\', subcomponent = '&';  // '\0': there is none
  char terminator = '\r';                                                                    // X12
  [[nodiscard]] bool any(char c) const {
    return c != '\0' && (c == element || c == component || c == repetition || c == escape || c == subcomponent);
  }
};
// Of "MSH|^~\&", FHS and BHS. errors: invalid_argument: too short, or two marks are the same, or a letter or digit is one.
[[nodiscard]] Result<Marks> hl7_marks(std::string_view header);
// Of the 106 characters of an ISA segment.
[[nodiscard]] Result<Marks> x12_marks(std::string_view isa);

// What \F\ … \.br\ mean; highlighting and escapes that mean nothing here are left out.
[[nodiscard]] std::string hl7_unescape(std::string_view text, const Marks& marks);
// Appends; line breaks as \.br\, other control characters left out.
void hl7_escape(std::string_view plain, const Marks& marks, std::string& out);

struct SegmentUnit {
  std::string_view bytes;  // until the next call of feed or next
  std::uint64_t offset = 0;
  bool too_long = false;
};

class SegmentFramer {
 public:
  SegmentFramer(SegmentFormat format, std::size_t most) : format_(format), most_(most) {}
  void feed(std::string_view bytes);
  void finish() { finished_ = true; }
  // nullopt: feed more, or all has been given.
  [[nodiscard]] std::optional<SegmentUnit> next();
  // X12: of the interchange that the unit just given is in.
  [[nodiscard]] const std::optional<Marks>& marks() const { return marks_; }

 private:
  [[nodiscard]] bool is_header(std::string_view rest) const;
  SegmentFormat format_;
  std::size_t most_;
  std::string buffer_;
  std::size_t begin_ = 0, scanned_ = 0;  // in buffer_: where the unit begins, and up to where no other begins
  std::uint64_t before_ = 0;             // of the stream, before buffer_
  bool started_ = false, finished_ = false, dropping_ = false;
  std::optional<Marks> marks_;
};

}  // namespace licet::codec
