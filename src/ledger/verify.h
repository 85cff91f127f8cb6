// Checks a ledger folder: every byte of it is bound by a hash, a CRC or a signature, or must be zero. Reads only; repairs nothing.
//
//   LICET_TRY(verifier, parse_vkey(text));                     // from outside the folder: from whoever is to be convinced
//   LICET_TRY(report, verify_folder(store::real_files(), "state/ledger", verifier));
//   for (const Fault& fault : report.faults) fmt::print("{}\n", text_of(fault));
//
// What it proves: the groups form one unbroken chain signed by that key; each signed root follows from the entries; each entry's box is the
// one it names; tiles, bundles, detail files and checkpoint say the same. What it can't: that nothing was cut from the end, or rewritten by
// a holder of the key. A checkpoint kept elsewhere shows that: pass it as `known`.
//
// A fault is not an Error: errors are returned only where the folder can't be read at all (not_found, permission_denied).
// Thread rule: any thread; not while a process writes the folder (take a copy, or ask that process).
// Source: 45 CFR 164.312(c)(2) (mechanism to authenticate), 164.316(b)(2)(i) (retention).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "ledger/note.h"
#include "store/file.h"

namespace licet::ledger {

struct Fault {
  std::string file;                     // below the folder
  std::optional<std::uint64_t> offset;  // byte
  std::optional<std::uint64_t> entry;   // index
  std::string what;
};
[[nodiscard]] std::string text_of(const Fault& fault);  // one line

struct Report {
  std::uint64_t entries = 0;
  std::uint64_t groups = 0;
  std::uint64_t segments = 0;
  std::uint64_t checkpoint_size = 0;
  Digest root{};
  Micros last_time{};
  std::vector<Fault> faults;  // the first ones, at most 20
  [[nodiscard]] bool ok() const { return faults.empty(); }
};

[[nodiscard]] Result<Report> verify_folder(store::FileSystem& files, const std::string& folder, const Verifier& verifier,
                                           const std::optional<Checkpoint>& known = std::nullopt);

}  // namespace licet::ledger
