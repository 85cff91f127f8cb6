#include "console/internal/history.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "proof/findings.h"

namespace licet::console {

using nlohmann::json;

std::optional<Micros> time_of_reference(std::string_view reference) {
  constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";  // as gate.cc makes them
  if (reference.size() != 26) return std::nullopt;
  std::uint64_t ms = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const auto digit = alphabet.find(reference[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    if (i < 10) ms = ms << 5 | digit;
  }
  return micros(static_cast<std::int64_t>(ms) * 1000);
}

Result<std::vector<json>> entries_of(const ledger::Ledger& ledger, std::string_view reference, Records* records) {
  constexpr std::uint64_t kChunk = 4096, kFar = 50'000;
  const auto begun = time_of_reference(reference);
  if (!begun) return Error{Code::invalid_argument, "that is not a reference: it has 26 letters and digits"};
  std::vector<json> found;
  std::uint64_t least = 0;  // what lies before it the index has told
  if (records != nullptr) {
    ledger::Index::Query query;
    query.exchange = reference;
    query.most = 1000;
    auto rows = records->find(query);
    const std::uint64_t indexed = records->size();
    if (rows) {
      for (auto row = rows->rbegin(); row != rows->rend(); ++row) {
        if (row->index >= indexed) continue;
        LICET_TRY(entry, records->leaf(row->index));
        entry["index"] = row->index;
        found.push_back(std::move(entry));
      }
      least = indexed;
    }
  }
  const std::vector<json> told = std::move(found);
  found = {};
  // The index is far behind, and has the exchange: what may have come since are acts about it, which the ledger finds without the traffic.
  if (!told.empty() && ledger.head().size > least + kFar) {
    LICET_TRY_VOID(ledger.read_acts(ledger.head().size, [&](const ledger::Leaf& leaf) {
      if (leaf.index < least || leaf.json.find(reference) == std::string::npos) return true;
      json entry = json::parse(leaf.json, nullptr, false);
      const json payload = entry.is_object() ? entry.value("payload", json::object()) : json::object();
      if (!payload.is_object() || payload.value("reference", "") != reference) return true;
      entry["index"] = leaf.index;
      found.push_back(std::move(entry));
      return true;
    }));
    found.insert(found.begin(), told.begin(), told.end());
    return found;
  }
  for (std::uint64_t to = ledger.head().size; to > least;) {
    const std::uint64_t from = std::max(to > kChunk ? to - kChunk : 0, least);
    std::vector<json> here;
    bool older = false;
    LICET_TRY_VOID(ledger.read(from, to, [&](const ledger::Leaf& leaf) {
      const bool named = leaf.json.find(reference) != std::string::npos;
      if (!named && leaf.index != from) return true;
      json entry = json::parse(leaf.json, nullptr, false);
      if (!entry.is_object()) return true;
      older = older || micros(entry.value("time", std::int64_t{0})) < *begun;
      const json payload = entry.value("payload", json::object());
      if (named && (entry.value("exchange", "") == reference || (payload.is_object() && payload.value("reference", "") == reference))) {
        entry["index"] = leaf.index;
        here.push_back(std::move(entry));
      }
      return true;
    }));
    found.insert(found.begin(), std::make_move_iterator(here.begin()), std::make_move_iterator(here.end()));
    if (older) break;
    to = from;
  }
  found.insert(found.begin(), told.begin(), told.end());
  if (found.empty()) return Error{Code::not_found, "no exchange with that reference is on this node's ledger"};
  return found;
}

}  // namespace licet::console
