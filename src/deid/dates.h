// FHIR dates made less telling: the year of them, or all of a person's moved by the same number of days.
//
//   generalize_year("1979-03-14", as_of) == "1979";   generalize_year("1931-05-02", as_of) == ""     // tells of an age over 89
//   shift("2026-02-27T09:30:00Z", 3) == "2026-03-02T09:30:00Z"
//   shift_of(key, "p-0001")                           // −365…365 days, never 0; the same for the same patient and key
//
// Pure, any thread. What isn't a date of FHIR R4 (YYYY, YYYY-MM, YYYY-MM-DD, or with time and zone) gives an empty string, and what gives
// an empty string is dropped. Source: 45 CFR 164.514(b)(2)(i)(C); HL7 FHIR R4 datatypes.html.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"

namespace licet::deid {

struct FhirDate {
  int year = 0;
  unsigned month = 0, day = 0;  // 0: not said
  std::string_view time;        // "T09:30:00Z", or empty
};
[[nodiscard]] std::optional<FhirDate> parse_fhir_date(std::string_view text);

// Whether that year, for somebody born or then alive in it, tells of an age over 89 on that day.
[[nodiscard]] bool tells_of_great_age(int year, Date as_of);
[[nodiscard]] std::string generalize_year(std::string_view text, Date as_of);
[[nodiscard]] std::string shift(std::string_view text, int days);
// Keyed by HMAC-SHA-256: the same intervals for one person, nothing to subtract for whoever lacks the key.
[[nodiscard]] int shift_of(std::span<const std::byte> key, std::string_view patient);

}  // namespace licet::deid
