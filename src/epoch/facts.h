// Recorded facts: what happens and what is sensitive goes to the ledger, not to git. From a person's words to an entry, and back.
//
//   FactInput input{.kind = "training", .subject = "dr-lee", .object = "hipaa-basics", .from = "2026-03-01", .until = "2027-03-01"};
//   LICET_TRY(draft, fact_draft(input, "j-ortiz", keys, random));        // patient-keyed: the patient's id is sealed under the restriction
//   key LICET_TRY(facts, read_facts(ledger, keys, blinder));                 // everything on record, patients as opaque tokens
//
// Thread rule: any. Errors: invalid_argument (a kind, id or date that isn't one: what to write instead).
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "crypto/blind.h"
#include "crypto/keys.h"
#include "ledger/ledger.h"
#include "license/table.h"
#include "stack/stack.h"

namespace licet::epoch {

struct FactInput {
  std::string kind;
  std::string subject;
  std::string object;
  std::string patient;  // PHI: sealed before it rests
  std::string data_class;
  std::string purpose;
  std::string from, until;                     // YYYY-MM-DD, or empty
  std::map<std::string, std::string> details;  // what the kind asks for beyond that: {"is": "subpoena"}; "a,b" where it takes several
};

// What a kind may say beyond subject, object, class, purpose and days. No free text: a fact can't carry PHI that nobody looked for.
struct FactDetail {
  std::string_view name;
  std::string_view choices;  // "a|b|c", or "date", "number", "id"
  bool required = false;
  bool many = false;  // "a,b"
};

struct FactKind {
  std::string_view kind;
  bool patient;                      // must name one
  std::string_view subject, object;  // what they are, for help and errors; empty: not used
  std::string_view says;
  std::span<const FactDetail> details = {};
};
[[nodiscard]] std::span<const FactKind> fact_kinds();

[[nodiscard]] Result<ledger::Draft> fact_draft(const FactInput& input, std::string_view by, crypto::KeyRing& keys, Random& random);

// A reading of everything on record that changes what is lawful. `releases` and suspensions feed the overlay and the holds.
struct Recorded {
  std::vector<stack::Fact> facts;
  std::uint64_t size = 0;  // ledger size up to which it was read
};
[[nodiscard]] Result<Recorded> read_facts(const ledger::Ledger& ledger, crypto::KeyRing& keys, const crypto::Blinder& blind);

// Suspensions, restrictions, consents, panels, coverage and representatives among the facts, as the decision wants them. `now` picks those
// in force.
[[nodiscard]] license::Overlay overlay_of(std::span<const stack::Fact> facts, const Zone& zone, Micros now);

}  // namespace licet::epoch
