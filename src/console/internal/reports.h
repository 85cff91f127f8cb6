// Reports as pages for print, the signed card of a tool, the trust page, and PDF of any of them through chromium.
//
//   LICET_TRY(html, report(ask, …));
//   LICET_TRY(bytes, pdf(html));                  // unavailable: chromium is not installed, or took too long
//
// A card holds a C2SP signed note (ledger/note.h) with the statement as JSON, by the log key: `licet verify PAGE --key LOG.vkey`.
// The trust page: counts of what was judged, agreements by kind and end, the checkpoint; never an id, name or sentence of the declaration
// unless names were chosen; never anything of a patient or an exchange. Any thread; pdf() blocks up to 20 s.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "console/internal/sight.h"
#include "console/internal/views.h"
#include "crypto/crypto.h"
#include "ledger/ledger.h"

namespace licet::console {

struct ReportBy {
  const FindingIndex* index = nullptr;
  const Sight* sight = nullptr;
  ledger::Ledger* ledger = nullptr;
  const crypto::Ed25519Key* key = nullptr;
  std::string origin;  // names the key
  epoch::MayBy may;
  std::string by;  // who asked
};

[[nodiscard]] nlohmann::json reports_view();
// The page and the name of its file, without suffix. invalid_argument: no such report; and those of may().
struct Report {
  std::string html, name;
};
[[nodiscard]] Result<Report> report(std::string_view query, const ReportBy& by);
[[nodiscard]] Result<nlohmann::json> trust_view(const ReportBy& by, bool names);
[[nodiscard]] std::string trust_page(const nlohmann::json& trust, std::string_view until);

// Empty: PDF can be made here; otherwise why not.
[[nodiscard]] std::string no_pdf();
[[nodiscard]] Result<std::string> pdf(std::string_view html);

}  // namespace licet::console
