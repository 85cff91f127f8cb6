// "May I put this PHI there?": one answer for the command line, the console and scripts.
//
//   const May may = may_go(epoch.world, {.system = "acme-ai", .data = "clinical.note", .purpose = "TREAT", .region = ""});
//   may.yes  →  may.by: the licenses it stands on        !may.yes  →  may.sentence, and may.mend: the nearest missing fact
//
// Pure; any thread. It speaks of what is declared and licensed; a suspension, a patient's restriction or a condition of the request can
// still refuse one exchange. Source: 45 CFR 164.502(a), (e).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "epoch/load.h"

namespace licet::console {

struct MayAsk {
  std::string system;   // whom PHI would go to
  std::string data;     // a data class
  std::string purpose;  // empty: any
  std::string region;   // empty: wherever the system is
};

struct May {
  bool yes = false;
  std::string sentence, mend;               // where it is no
  const rules::Finding* finding = nullptr;  // behind the no; lives as long as the world
  std::vector<const license::License*> by;  // where it is yes
};

// not_found: the declaration has no such system, or packs/classes no such data class.
[[nodiscard]] Result<May> may_go(const epoch::World& world, const MayAsk& ask);

}  // namespace licet::console
