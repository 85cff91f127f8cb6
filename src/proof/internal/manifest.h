// The words that prove and verify share: file names, the note's text, the statement.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace licet::proof {

inline constexpr std::string_view kManifest = "manifest.json";
inline constexpr std::string_view kSignature = "manifest.sig";
inline constexpr std::string_view kKey = "key.txt";
inline constexpr std::string_view kCheckpoint = "ledger/checkpoint";
inline constexpr std::string_view kEntries = "ledger/entries.jsonl";
inline constexpr std::string_view kProofs = "ledger/proofs.jsonl";
inline constexpr std::string_view kExchanges = "exchanges.csv";
inline constexpr std::string_view kRefusals = "refusals.csv";
inline constexpr std::string_view kTools = "tools.csv";

inline constexpr std::string_view kNotice =
    "These are facts and their sources, not legal advice. The U.S. Department of Health and Human Services recognizes no certificate of HIPAA compliance, and "
    "this is none.";

// What the log key signs (C2SP signed note). Its second line is no number, so that it can't be read as a checkpoint.
[[nodiscard]] inline std::string manifest_note(const Digest& manifest) { return "licet bundle\nsha256 " + hex(manifest) + "\n"; }

}  // namespace licet::proof
