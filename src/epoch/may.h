// "May I put this PHI there?": one answer for the command line, the console and scripts.
//
//   LICET_TRY(answer, may(world, {.system = "acme-ai", .data = "clinical.note", .purpose = "TREAT"}, {packs, now, &files}));
//   answer.word == "no"  →  answer.because, as the gate would say it; answer.mend, the nearest missing fact
//
// It speaks of what is declared and licensed; a suspension, a patient's restriction or a condition of the request can still refuse one
// exchange. Any thread. Where no flow is declared it judges the declaration once more, with one supposed: as slow as a check.
// Source: 45 CFR 164.502(a), (e).
#pragma once

#include <string>
#include <vector>

#include "epoch/load.h"

namespace licet::epoch {

struct MayAsk {
  std::string system;        // whom PHI would go to
  std::string data;          // a data class
  std::string purpose = {};  // empty: any
  std::string region = {};   // empty: wherever the system is
};
struct MayBy {
  std::string packs;  // their folder, for what is not declared yet
  Micros now{};
  store::FileSystem* files = nullptr;
};
struct MayAnswer {
  std::string word;  // yes | held (a person releases each) | no | not-declared
  std::string because, mend;
  std::vector<const license::License*> licenses;  // that it stands on; they and `finding` live as long as the world
  const rules::Finding* finding = nullptr;        // behind a no
};
// not_found: no such system, or no such data class. invalid_argument: the purpose is no word.
[[nodiscard]] Result<MayAnswer> may(const World& world, const MayAsk& ask, const MayBy& by);

}  // namespace licet::epoch
