// Recorded facts as a file, so that a build server can judge without a ledger: `licet facts` writes it, `licet check --facts` reads it.
//
//   files.replace("facts.json", epoch::facts_file(facts, origin, &keys.log_key()));
//   LICET_TRY(file, epoch::read_facts_file(bytes, {.key = verifier, .unsigned_too = false}));
//
// The node signs it with its log key (a C2SP signed note over the SHA-256 of the rest), so that a build server can tell its node's word
// from anybody's. What is not signed, or by nobody known, is believed only where the reader says so.
//
// What is about a patient, and what is a sanction, is never in it: git is no place for either (164.502(a), 164.530(e)). What stands on such
// facts is judged without them. Pure; any thread. Format: docs/formats/facts.md. Input: untrusted;
// bounded by the caller's read. Errors: invalid_argument (what is wrong, and at which fact), permission_denied (altered, signed by another
// key, or not signed).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/note.h"
#include "stack/stack.h"

namespace licet::epoch {

// Sorted members; same facts, same bytes. Without a key it is not signed.
[[nodiscard]] std::string facts_file(std::span<const stack::Fact> facts, const std::string& origin, const crypto::Ed25519Key* key);

struct FactsTrust {
  std::optional<ledger::Verifier> key;  // the node's, as the reader got it: STATE/log.vkey
  bool unsigned_too = false;            // believe what no key vouches for
};
struct FactsFile {
  std::vector<stack::Fact> facts;
  std::string origin;   // who says that it signed; empty: nobody
  bool proven = false;  // the reader's key vouches for every byte
};
[[nodiscard]] Result<FactsFile> read_facts_file(std::string_view bytes, const FactsTrust& trust);

}  // namespace licet::epoch
