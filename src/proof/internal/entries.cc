#include "proof/internal/entries.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "proof/internal/json.h"

namespace licet::proof {
namespace {

using nlohmann::json;

bool has(const std::vector<std::string>& sorted, const std::string& id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

bool any_of(const json& array, const std::vector<std::string>& sorted) {
  if (!array.is_array()) return false;
  return std::any_of(array.begin(), array.end(),
                     [&](const json& item) { return item.is_string() && has(sorted, item.get_ref<const std::string&>()); });
}

bool concerns(const json& leaf, const Narrow& narrow) {
  bool yes = true;
  if (!narrow.patients.empty()) yes = any_of(member(leaf, "patients"), narrow.patients);
  if (yes && !narrow.related.empty()) {
    yes = has(narrow.related, text(leaf, "actor")) || has(narrow.related, text(leaf, "client")) ||
          has(narrow.related, text(leaf, "system")) || has(narrow.related, text(member(leaf, "payload"), "subject")) ||
          any_of(member(leaf, "agreements"), narrow.agreements);
  }
  return yes;
}

Error too_many() {
  return {Code::exhausted, "more than " + std::to_string(kMostEntries) + " entries: choose a shorter period"};
}

}  // namespace

Result<Selection> select_entries(const ledger::Ledger& ledger, std::uint64_t size, Micros from, Micros to, const Narrow& narrow) {
  Selection out;
  out.complete = !narrow.any();
  std::vector<Included> inside;
  std::set<std::string> exchanges;           // narrowed: all entries of an exchange, where one of them concerns
  std::set<std::uint64_t> used;              // epochs that what is included names
  std::map<std::uint64_t, Included> epochs;  // number → its entry, of those before the period
  std::optional<Included> before, after;
  bool full = false;
  const auto epoch_of = [&](const json& leaf) {
    if (const std::uint64_t epoch = number(leaf, "epoch"); epoch > 0) used.insert(epoch);
  };
  LICET_TRY_VOID(ledger.read(0, size, [&](const ledger::Leaf& leaf) {
    const json parsed = json::parse(leaf.json, nullptr, false);
    const Micros time = micros(static_cast<std::int64_t>(number(parsed, "time")));
    if (time < from) {
      if (text(parsed, "kind") == "epoch") epochs[number(parsed, "epoch")] = {leaf.index, leaf.json};
      if (out.complete) before = {leaf.index, leaf.json};
      return true;
    }
    if (time >= to) {
      if (out.complete) after = {leaf.index, leaf.json};
      return false;  // time never runs backwards in a ledger
    }
    if (!out.complete && concerns(parsed, narrow))
      if (std::string exchange = text(parsed, "exchange"); !exchange.empty()) exchanges.insert(std::move(exchange));
    if (out.complete) epoch_of(parsed);
    inside.push_back({leaf.index, leaf.json});
    full = inside.size() > kMostEntries;
    return !full;
  }));
  if (full) return too_many();
  if (!out.complete) {
    std::map<std::uint64_t, std::uint64_t> epoch_entries;
    std::vector<bool> keep(inside.size());
    std::vector<std::pair<std::size_t, std::uint64_t>> later_epochs;
    for (std::size_t i = 0; i < inside.size(); ++i) {
      const json parsed = json::parse(inside[i].json, nullptr, false);
      if (text(parsed, "kind") == "epoch") {
        later_epochs.emplace_back(i, number(parsed, "epoch"));
        continue;
      }
      keep[i] = exchanges.contains(text(parsed, "exchange")) || concerns(parsed, narrow);
      if (keep[i]) epoch_of(parsed);
    }
    for (const auto& [i, epoch] : later_epochs) keep[i] = used.contains(epoch);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < inside.size(); ++i)
      if (keep[i]) {
        if (kept != i) inside[kept] = std::move(inside[i]);
        ++kept;
      }
    inside.resize(kept);
  }
  // The epochs that were in force when the period began, so that what each entry stands on can be looked up.
  for (const std::uint64_t number_used : used) {
    const auto at = epochs.find(number_used);
    if (at != epochs.end() && (!before || at->second.index != before->index)) out.entries.push_back(at->second);
  }
  std::sort(out.entries.begin(), out.entries.end(), [](const Included& a, const Included& b) { return a.index < b.index; });
  if (before) out.entries.push_back(std::move(*before));
  out.entries.insert(out.entries.end(), std::make_move_iterator(inside.begin()), std::make_move_iterator(inside.end()));
  if (after) out.entries.push_back(std::move(*after));
  return out;
}

Result<std::string> proof_lines(const ledger::Ledger& ledger, const ledger::Checkpoint& checkpoint, std::span<const Included> entries) {
  // Every level's complete subtrees: twice the leaves, 32 bytes each.
  std::vector<std::vector<Digest>> levels(1);
  levels[0].reserve(checkpoint.size);
  LICET_TRY_VOID(ledger.read(0, checkpoint.size, [&](const ledger::Leaf& leaf) {
    levels[0].push_back(ledger::leaf_hash(leaf.json));
    return true;
  }));
  if (levels[0].size() != checkpoint.size) return Error{Code::data_loss, "the ledger holds fewer entries than its checkpoint covers"};
  while (levels.back().size() > 1) {
    const std::vector<Digest>& below = levels.back();
    std::vector<Digest> level;
    level.reserve(below.size() / 2);
    for (std::size_t i = 0; i + 1 < below.size(); i += 2) level.push_back(ledger::node_hash(below[i], below[i + 1]));
    levels.push_back(std::move(level));
  }
  const ledger::Hashes hashes = [&](unsigned level, std::uint64_t index) -> Result<Digest> {
    if (level >= levels.size() || index >= levels[level].size()) return Error{Code::internal, "no such subtree"};
    return levels[level][index];
  };
  LICET_TRY(root, ledger::root_of(checkpoint.size, hashes));
  if (root != checkpoint.root)
    return Error{Code::data_loss, "the ledger's entries don't lead to its own checkpoint: run `licet verify` on it"};
  std::string out;
  for (const Included& entry : entries) {
    LICET_TRY(proof, ledger::inclusion_proof(entry.index, checkpoint.size, hashes));
    out += "{\"index\":" + std::to_string(entry.index) + ",\"proof\":[";
    for (std::size_t i = 0; i < proof.size(); ++i) out += (i == 0 ? "\"" : ",\"") + base64(proof[i]) + "\"";
    out += "]}\n";
  }
  return out;
}

}  // namespace licet::proof
