// Makes a bundle: everything that shows, to somebody who wasn't there, what was declared, what was lawful and what happened in a period.
//
//   proof::ProveInput input;
//   input.stack = &*world.stack; input.sources = world.sources; input.judgment = &world.judgment; input.table = &*world.table;
//   input.ledger = &ledger; input.key = &keys.log_key(); input.from = from; input.to = to; input.now = ledger.now(); input.build = "0.1.0";
//   LICET_TRY(bundle, proof::make_bundle(input));
//   LICET_TRY_VOID(proof::write_bundle(store::real_files(), "evidence-2026-q4", bundle));
//
// What is in it: docs/formats/bundle.md. Nothing in it is PHI in the clear: patients appear as blind indexes. A bundle about a patient is
// ePHI nevertheless (it says that this person was treated here), and says so.
// Complete where it is not narrowed: the entries just before and just after the period are in it too, so that its verifier sees that
// nothing at the edges was left out.
//
// Pure but for the ledger that it reads and whose checkpoint it takes. Any thread; takes time and memory linear in the ledger's size
// (64 bytes an entry) and in what is included. Times in µs UTC; from inclusive, to exclusive.
// Errors: invalid_argument (an empty period; no such vendor), exhausted (more than kMostEntries in the period), already_exists (the folder
// has files), data_loss (the ledger's entries don't lead to its own checkpoint).
// Source: 45 CFR 164.316(b)(1)-(2), 164.312(b), 164.528, 164.530(j).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "crypto/crypto.h"
#include "ledger/ledger.h"
#include "license/table.h"
#include "rules/rules.h"
#include "stack/stack.h"
#include "store/file.h"

namespace licet::proof {

inline constexpr std::size_t kMostEntries = 500'000;

struct ProveInput {
  // The world that is shown: judged as of judgment->as_of.
  const stack::Stack* stack = nullptr;
  std::span<const stack::Source> sources;
  const rules::Judgment* judgment = nullptr;
  const license::Table* table = nullptr;
  ledger::Ledger* ledger = nullptr;
  const crypto::Ed25519Key* key = nullptr;  // the ledger's log key: signs the manifest, too
  Micros from{}, to{};
  Micros now{};
  std::string build;
  // Narrower: what concerns one organization or system of the declaration …
  std::string vendor;
  // … or one patient, by the blind indexes that patient_blinds() gives. Not empty: the bundle is ePHI.
  std::vector<ledger::BlindIndex> patients;
  // Reads an agreement's document, by its path as declared. Absent, or an error: the digest column says "not available".
  std::function<Result<std::string>(const std::string& path)> document;
};

struct BundleFile {
  std::string path;  // relative, with slashes
  std::string bytes;
};
struct Bundle {
  std::vector<BundleFile> files;  // sorted by path
  std::uint64_t entries = 0;      // ledger entries of the period
  Digest manifest{};              // SHA-256 of manifest.json: names the bundle
};

[[nodiscard]] Result<Bundle> make_bundle(const ProveInput& input);

// One blind index a month: of the months from..to in which the ledger has entries.
[[nodiscard]] Result<std::vector<ledger::BlindIndex>> patient_blinds(const ledger::Ledger& ledger, const Phi<std::string>& id, Micros from,
                                                                     Micros to);

// Into a new or empty folder, each file synced.
[[nodiscard]] Result<void> write_bundle(store::FileSystem& files, const std::string& folder, const Bundle& bundle);

// A request for evidence in a person's words, from `licet prove` or the admin socket.
struct Request {
  std::string folder;    // absolute
  std::string from, to;  // days in the stack's zone, both included, or instants (RFC 3339); from the beginning and until now, unless given
  std::string vendor, patient;
  std::string by;
  std::string stack;  // folder of the declaration: agreements' documents are read from it. Empty: none is
};
struct Produced {
  std::size_t files = 0;
  std::uint64_t entries = 0, index = 0;  // index: of the ledger entry that says that this evidence was made
  Digest manifest{};
};
// The whole act: the bundle is made, that it was made is recorded, then it is written. `input` holds the world, the ledger, key, now,
// build. Further errors: not_found (no entry of that patient's period), unavailable (it could not be recorded: nothing was written).
[[nodiscard]] Result<Produced> produce(store::FileSystem& files, const Request& request, ProveInput input);

}  // namespace licet::proof
