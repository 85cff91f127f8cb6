// What a ledger record says. One Draft in, one leaf out.
//
// Leaf = RFC 8785 JSON (sorted members, so the version is the member "v" wherever it sorts), integer µs UTC, no free text, no PHI: patients
// and resources appear as blind indexes (keyed HMAC) and salted commitments only. docs/formats/ledger.md specifies every member.
// Detail = a FHIR R4 AuditEvent (IHE BALP) or another payload, encrypted in the same group and copied to the detail store.
//
//   Draft draft;
//   draft.kind = Kind::exchange_sent;
//   draft.exchange = id; draft.leg = Leg::answer; draft.actor = "scribe"; draft.outcome = "pass"; draft.digest = sha256(body);
//   ledger.append(std::move(draft), done);
//
// Values (`Draft`) move; nothing here locks or allocates beyond its strings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/phi.h"
#include "base/reasons.h"
#include "base/time.h"

namespace licet::ledger {

// Stored as text; readers keep every kind that was ever written.
enum class Kind : std::uint8_t {
  exchange_sent,
  exchange_part,
  exchange_refused,
  exchange_held,
  exchange_outcome,
  login,
  token,
  epoch,
  fact,
  review,
  emergency,
  admin,
  key,
  gap,
  lifecycle,
};
[[nodiscard]] std::string_view name(Kind kind);  // "exchange.sent"
[[nodiscard]] std::optional<Kind> kind_of(std::string_view text);
// Whether it is what somebody did or put on record: all but the traffic, which is exchanges, log-ins and tokens.
[[nodiscard]] bool is_act(Kind kind);

enum class Leg : std::uint8_t { none, request, answer };

using BlindIndex = std::array<std::byte, 16>;  // HMAC(index key of the month; type ‖ tenant ‖ id), first 16 bytes

struct Draft {
  Kind kind = Kind::lifecycle;
  std::string exchange;  // 26 characters, sortable by time; the reference that a caller is told
  Leg leg = Leg::none;
  std::uint32_t part = 0;

  // who, through what, on which ground
  std::string actor;   // id of the system or person; empty where nobody was identified
  std::string client;  // id of the system through which a person acts
  std::string system;  // the system behind the route
  std::string route;
  std::string flow;
  std::string purpose;
  std::string purpose_source;  // token | claim | header | flow
  std::string action;          // read | search | create | update | delete | send
  std::string resource_type;
  std::string data_class;
  std::string ground;   // kind of ground
  std::string license;  // permit/flow/ground ids: see license::Decision
  std::vector<std::string> agreements;
  bool accountable = false;  // a disclosure that the individual can ask an account of (164.528)

  // what was decided and what leaves
  std::string decision;  // pass | reduce | deidentify | hold | refuse
  Reason reason = Reason::none;
  std::string form;     // identified | pseudonymized | limited | deidentified
  std::string view;     // id of the view, or "full"
  std::string profile;  // of a form less than identified: the de-identification profile, "limited-data-set@1#" and its pack's digest, brief
  std::uint64_t resources = 0;
  std::uint64_t withheld = 0;  // resources dropped from the answer
  std::uint64_t bytes = 0;
  int status = 0;
  Digest digest{};  // of the bytes that leave (or of the request, for refusals)
  std::vector<BlindIndex> patients;
  std::uint64_t epoch = 0;

  // Spent as this record is sequenced: a `txn` that was seen before makes the append fail with Code::already_exists.
  std::string spend_token;  // the txn; empty: none
  Micros token_expires{};

  // Schema'd payload of facts, epochs, reviews, admin acts: canonical JSON without free text; empty: none. Not for exchanges.
  std::string payload;
  // Encrypted in the same group; for exchanges the AuditEvent, for patient-keyed facts the fact itself.
  Phi<std::string> detail;
};

}  // namespace licet::ledger
