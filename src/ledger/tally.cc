#include "ledger/tally.h"

#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

namespace licet::ledger {

Result<std::vector<Tally>> tally(const Ledger& ledger) {
  using Key =
      std::tuple<std::string, std::string, std::string, std::string, std::string, std::string, std::string, std::vector<std::string>>;
  std::map<Key, Tally> by;
  LICET_TRY_VOID(ledger.read(0, ledger.head().size, [&](const Leaf& leaf) {
    if (leaf.json.find("\"kind\":\"exchange.") == std::string::npos) return true;
    const auto entry = nlohmann::json::parse(leaf.json, nullptr, false);
    if (!entry.is_object()) return true;
    const std::string kind = entry.value("kind", "");
    if (kind != "exchange.sent" && kind != "exchange.refused" && kind != "exchange.held") return true;
    Tally t;
    t.actor = entry.value("actor", "");
    t.client = entry.value("client", "");
    t.system = entry.value("system", "");
    t.flow = entry.value("flow", "");
    t.purpose = entry.value("purpose", "");
    t.decision = entry.value("decision", "");
    t.reason = entry.value("reason", "");
    if (const auto agreements = entry.find("agreements"); agreements != entry.end() && agreements->is_array())
      for (const auto& a : *agreements)
        if (a.is_string()) t.agreements.push_back(a.get<std::string>());
    Key key{t.actor, t.client, t.system, t.flow, t.purpose, t.decision, t.reason, t.agreements};
    Tally& into = by.try_emplace(std::move(key), std::move(t)).first->second;
    ++into.count;
    into.reference = entry.value("exchange", "");
    into.last = micros(entry.value("time", std::int64_t{0}));
    return true;
  }));
  std::vector<Tally> out;
  for (auto& [key, t] : by) out.push_back(std::move(t));
  return out;
}

}  // namespace licet::ledger
