// Checks a bundle, offline, with nothing but its bytes: is it what was signed, whole, and do its tables follow from entries that are in the log?
//
//   LICET_TRY(files, proof::read_bundle(store::real_files(), "evidence-2026-q4"));
//   const proof::Report report = proof::verify_bundle(files, trusted);         // trusted: the log's key as you got it elsewhere
//   for (const std::string& fault : report.faults) fmt::print("{}\n", fault);  // "exchanges.csv: its bytes aren't the ones that were signed"
//   return report.ok() ? 0 : 1;
//
// What it checks: the manifest's signature; each file's length and hash, none missing, none more; the checkpoint's signature; that each
// entry is in that log (RFC 6962 inclusion); that exchanges.csv, refusals.csv and tools.csv are what the entries say, byte for byte; and,
// where the bundle calls itself complete, that no entry of the period is missing. Any single changed bit is a fault that names the file,
// and the entry where there is one.
// What it can't check: without `trusted`, whose key it is (anybody can sign with a key of their own); that the log has no other branch
// (compare checkpoints, or ask a witness); what happened outside the gate.
//
// Input: untrusted; bounded by kMostBundleBytes and kMostBundleFiles. A fault is not an Error: errors only where the folder can't be read.
// Thread rule: any thread; pure but for read_bundle(). Source: 45 CFR 164.312(c)(2), 164.316(b)(2).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ledger/note.h"
#include "proof/prove.h"
#include "store/file.h"

namespace licet::proof {

inline constexpr std::uint64_t kMostBundleBytes = 4ULL << 30;
inline constexpr std::size_t kMostBundleFiles = 20'000;

struct Report {
  std::vector<std::string> lines;   // what was found, for people: whose key, which period, how many entries
  std::vector<std::string> faults;  // the first ones, at most 20; empty: sound
  [[nodiscard]] bool ok() const { return faults.empty(); }
};

// True where the folder holds a bundle rather than a ledger.
[[nodiscard]] bool is_bundle(store::FileSystem& files, const std::string& folder);

// All files below the folder, sorted by path. exhausted: beyond the limits above.
[[nodiscard]] Result<std::vector<BundleFile>> read_bundle(store::FileSystem& files, const std::string& folder);

[[nodiscard]] Report verify_bundle(std::span<const BundleFile> files, const std::optional<ledger::Verifier>& trusted = std::nullopt);

}  // namespace licet::proof
