// Why an exchange was not passed: the one table of reason codes, their HTTP status and their plain sentence.
//
// The order is the order of judgment (design §8): where several apply, the first wins, so that `licet check` and the gate agree.
// A reason is what callers see; licet::Error is what we tell ourselves. Any thread; constexpr.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace licet {

// Stored in the ledger: never renumber, add at the end (judgment order is kReasons' order, not the number's).
enum class Reason : std::uint8_t {
  none = 0,
  malformed = 1,
  wrong_node = 2,
  no_identity = 3,
  token_spent = 4,
  no_purpose = 5,
  undeclared = 6,
  prohibited = 7,
  no_permit = 8,
  lapsed = 9,
  no_ground = 10,
  out_of_scope = 11,
  suspended = 12,
  restricted = 13,
  condition = 14,
  held = 15,
  too_large = 16,
  busy = 17,
  not_recorded = 18,
  upstream = 19,
  unfilterable = 20,
  not_found = 21,  // no such route
};

struct ReasonRow {
  Reason reason;
  std::string_view code;   // in problem documents and the ledger
  int status;              // HTTP
  std::string_view title;  // RFC 9457 title: the neutral sentence; reveals nothing about a patient
};

inline constexpr std::array kReasons = {
    ReasonRow{Reason::malformed, "malformed", 400, "The request is not one that the gate can read with certainty."},
    ReasonRow{Reason::not_found, "not-found", 404, "No route of this gate has this address."},
    ReasonRow{Reason::wrong_node, "wrong-node", 421, "The transaction token belongs to another node."},
    ReasonRow{Reason::no_identity, "no-identity", 401, "Nobody that the declaration knows is asking."},
    ReasonRow{Reason::token_spent, "token-spent", 401, "The transaction token was used before."},
    ReasonRow{Reason::no_purpose, "no-purpose", 403, "The request names no purpose that its flow declares."},
    ReasonRow{Reason::undeclared, "undeclared", 403, "No declared flow carries this."},
    ReasonRow{Reason::prohibited, "prohibited", 403, "The law or the declaration prohibits this whatever the ground."},
    ReasonRow{Reason::no_permit, "no-permit", 403, "No permit of the owner allows this."},
    ReasonRow{Reason::lapsed, "lapsed", 403, "The ground for this has lapsed."},
    ReasonRow{Reason::no_ground, "no-ground", 403, "No lawful ground on record covers this."},
    ReasonRow{Reason::out_of_scope, "out-of-scope", 403, "This is outside what the license covers."},
    ReasonRow{Reason::suspended, "suspended", 403, "Access is suspended."},
    ReasonRow{Reason::restricted, "restricted", 403, "This can't be released now."},
    ReasonRow{Reason::condition, "condition", 403, "A condition of the license is not met."},
    ReasonRow{Reason::held, "held", 403, "A person must release this first."},
    ReasonRow{Reason::too_large, "too-large", 413, "The request is larger than the gate's limits."},
    ReasonRow{Reason::busy, "busy", 503, "The gate is at its limits; try again shortly."},
    ReasonRow{Reason::not_recorded, "not-recorded", 503, "The record could not be made durable, so nothing was released."},
    ReasonRow{Reason::upstream, "upstream", 502, "The system behind the gate did not answer as it must."},
    ReasonRow{Reason::unfilterable, "unfilterable", 502, "The answer could not be reduced to what is licensed, so nothing was released."},
};

// none has no row. Linear: ~20 rows, off the hot path.
[[nodiscard]] constexpr const ReasonRow& row(Reason reason) {
  for (const ReasonRow& r : kReasons)
    if (r.reason == reason) return r;
  return kReasons[0];
}
[[nodiscard]] constexpr std::string_view code(Reason reason) {
  return reason == Reason::none ? "none" : row(reason).code;
}
[[nodiscard]] constexpr std::optional<Reason> reason_of(std::string_view text) {
  for (const ReasonRow& r : kReasons)
    if (r.code == text) return r.reason;
  return std::nullopt;
}
// True where a comes before b in the order of judgment.
[[nodiscard]] constexpr bool before(Reason a, Reason b) {
  for (const ReasonRow& r : kReasons) {
    if (r.reason == a) return a != b;
    if (r.reason == b) return false;
  }
  return false;
}

}  // namespace licet
