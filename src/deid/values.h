// One value of a structured record, by what it is, made into what may stand in its place; and its texts, read together. What HL7 v2, X12,
// CSV and C-CDA share. (FHIR has its own: its values have looks of their own.)
//
//   put_value(Kind::zip, "45990", Written::compact, context, out);     // appends "459"
//   pieces.add("seen by Dr. Plantedworth");  pieces.read(known, context);  pieces.made(0) == "seen by Dr. [NAME]"
//
// One thread at a time. What appends nothing has removed the value. Source: 45 CFR 164.514(b)(2), (e)(2).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/phi.h"
#include "deid/text.h"

namespace licet::deid {

// What a run met, without any of it: the rows of its summary.
struct Tally {
  std::array<std::uint64_t, kKinds> kinds{};                         // values by what they are
  std::uint64_t unlisted = 0;                                        // values that no rule knows: dropped
  std::uint64_t dropped = 0;                                         // values that a rule drops, whatever the profile
  std::uint64_t misfit = 0;                                          // values without the look that theirs must have: dropped
  std::map<std::string, std::uint64_t, std::less<>> unlisted_parts;  // segments and elements by name: "ZPI"
};

struct ValueContext {
  const Library& library;
  const Profile& profile;
  Date as_of{};
  Codes& codes;
  std::span<const std::byte> key = {};  // for surrogates and shifts; empty: such values are dropped
  std::string patient = {};             // whose dates are shifted; empty: shifted dates are dropped
  Tally tally = {};
  // Made before in this run, so that a value repeated costs a look-up.
  std::unordered_map<std::string, std::string> surrogates = {};
  std::unordered_map<std::string, int> shifts = {};
};

// How dates are written, and how a year alone is.
enum class Written : std::uint8_t {
  compact,      // HL7, C-CDA: YYYY[MM[DD[HH[MM[SS[.S]]]]]][±ZZZZ]; a year is YYYY
  compact_day,  // X12: YYYYMMDD[HHMM], YYMMDD, and ranges with '-'; a year is its first of January, for a day must be there
  free,         // CSV: 2026-02-27[T…], 2/27/2026, 20260227; a year is YYYY
};

// Appends what the profile lets stand for a value of that kind; false, and nothing appended, where that is nothing. `family`: of names.
bool put_value(Kind kind, std::string_view plain, Written written, ValueContext& context, std::string& out, bool family = false);

// "19790314083000-0500" by compact: its year, month and day (0: not said) and the rest.
struct CompactDate {
  int year = 0;
  unsigned month = 0, day = 0;
  std::string_view rest;
};
[[nodiscard]] std::optional<CompactDate> parse_compact_date(std::string_view text);

// A word without spaces, as codes are: at most 64 of letters, digits and ._:/|#+-%*[]{}()^
[[nodiscard]] bool is_token(std::string_view text);
[[nodiscard]] bool is_decimal(std::string_view text);
// A code or number that looks like a date, a social security or telephone number; with `runs`, any that has seven digits in a row, as no
// code of a table does.
[[nodiscard]] bool says_which(std::string_view text, bool runs);
// Whether a code (is_token) or a number (is_decimal) may stay: it is one, and not says_which(text, false). In one pass, for tables have
// many.
[[nodiscard]] bool token_stays(std::string_view text);
[[nodiscard]] bool number_stays(std::string_view text);

// The texts of one record, read as one: a name that the first line tells is a name in the last.
class Pieces {
 public:
  // Called with each piece and the spans found in it.
  using Note = std::function<void(std::string_view text, const std::vector<Span>& spans)>;
  Pieces(const TextEngine& engine, const TextTransform& transform) : engine_(engine), transform_(transform) {}
  void clear();
  std::size_t add(std::string_view plain);  // its number
  [[nodiscard]] std::size_t size() const { return ends_.size(); }
  void read(const Known& known, const TextContext& context, const Note& note = {});
  [[nodiscard]] std::string_view made(std::size_t piece) const { return made_.reveal()[piece]; }

 private:
  const TextEngine& engine_;
  const TextTransform& transform_;
  Phi<std::string> joined_;  // each piece and a line break
  std::vector<std::size_t> ends_;
  Phi<std::vector<std::string>> made_;
  Found found_;
  std::vector<Span> own_;
};

}  // namespace licet::deid
