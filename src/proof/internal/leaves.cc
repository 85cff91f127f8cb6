#include "proof/internal/leaves.h"

#include <map>
#include <set>
#include <tuple>

#include "base/reasons.h"
#include "proof/internal/csv.h"
#include "proof/internal/json.h"

namespace licet::proof {
namespace {

struct Use {
  std::uint64_t exchanges = 0, resources = 0, withheld = 0, bytes = 0;
  std::set<std::string> patients;  // blind, of their month: a person seen in two months counts twice
  Micros first{}, last{};
};

std::string decimal(std::uint64_t n) {
  return std::to_string(n);
}

}  // namespace

LeafTables leaf_tables(std::span<const Included> entries, Micros from, Micros to) {
  LeafTables out;
  Csv exchanges{"entry",  "time",    "kind",         "exchange",  "leg",      "part",  "actor",  "client",  "system",     "route",
                "flow",   "purpose", "purpose_from", "action",    "type",     "class", "ground", "license", "agreements", "decision",
                "reason", "form",    "view",         "resources", "withheld", "bytes", "status", "epoch",   "digest",     "patients"};
  Csv refusals{"entry",   "time",   "exchange", "actor", "client",   "system", "route",   "flow",
               "purpose", "action", "type",     "class", "decision", "reason", "meaning", "epoch"};
  using Key =
      std::tuple<std::string, std::string, std::string, std::string, std::string, std::string, std::string, std::string, std::string>;
  std::map<Key, Use> uses;
  for (const Included& entry : entries) {
    const nlohmann::json leaf = nlohmann::json::parse(entry.json, nullptr, false);
    const Micros time = micros(static_cast<std::int64_t>(number(leaf, "time")));
    if (time < from || time >= to) continue;
    ++out.inside;
    const std::string kind = text(leaf, "kind");
    if (!kind.starts_with("exchange.")) continue;
    const auto t = [&](const char* name) { return text(leaf, name); };
    const auto n = [&](const char* name) { return decimal(number(leaf, name)); };
    const std::string agreements = joined(member(leaf, "agreements"));
    const bool refused = kind == "exchange.refused" || kind == "exchange.held";
    if (refused) {
      ++out.refused;
      // A held entry names no reason: being held is the reason.
      const std::string reason = kind == "exchange.held" ? "held" : t("reason");
      const auto known = reason_of(reason);
      refusals.row({decimal(entry.index), format(time), t("exchange"), t("actor"), t("client"), t("system"), t("route"), t("flow"),
                    t("purpose"), t("action"), t("type"), t("class"), t("decision"), reason, known ? row(*known).title : "", n("epoch")});
    }
    ++out.rows;
    exchanges.row({decimal(entry.index), format(time),  kind,        t("exchange"), t("leg"),    n("part"),
                   t("actor"),           t("client"),   t("system"), t("route"),    t("flow"),   t("purpose"),
                   t("purpose_from"),    t("action"),   t("type"),   t("class"),    t("ground"), t("license"),
                   agreements,           t("decision"), t("reason"), t("form"),     t("view"),   n("resources"),
                   n("withheld"),        n("bytes"),    n("status"), n("epoch"),    t("digest"), joined(member(leaf, "patients"))});
    if (kind != "exchange.sent" && kind != "exchange.part") continue;
    Use& use = uses[{t("actor"), t("client"), t("system"), t("class"), t("purpose"), t("ground"), agreements, t("form"), t("view")}];
    if (number(leaf, "part") == 0) ++use.exchanges;
    use.resources += number(leaf, "resources");
    use.withheld += number(leaf, "withheld");
    use.bytes += number(leaf, "bytes");
    if (const nlohmann::json& patients = member(leaf, "patients"); patients.is_array())
      for (const nlohmann::json& p : patients)
        if (p.is_string()) use.patients.insert(p.get<std::string>());
    if (use.first == Micros{}) use.first = time;
    use.last = time;
  }
  Csv tools{"actor", "client", "system",    "class",     "purpose",  "ground", "agreements",
            "form",  "view",   "exchanges", "resources", "withheld", "bytes",  "patients_per_month_summed",
            "first", "last"};
  for (const auto& [key, use] : uses) {
    const auto& [actor, client, system, cls, purpose, ground, agreements, form, view] = key;
    tools.row({actor, client, system, cls, purpose, ground, agreements, form, view, decimal(use.exchanges), decimal(use.resources),
               decimal(use.withheld), decimal(use.bytes), decimal(use.patients.size()), format(use.first), format(use.last)});
  }
  out.exchanges = exchanges.take();
  out.refusals = refusals.take();
  out.tools = tools.take();
  return out;
}

}  // namespace licet::proof
