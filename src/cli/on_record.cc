#include "cli/on_record.h"

#include <nlohmann/json.hpp>

#include "cli/admin_call.h"
#include "cli/state.h"
#include "epoch/facts.h"
#include "epoch/load.h"

namespace licet::cli {
namespace {

std::optional<Date> day(const nlohmann::json& j, std::string_view key) {
  const auto at = j.find(key);
  if (at == j.end() || !at->is_string()) return std::nullopt;
  auto date = parse_date(at->get<std::string>());
  return date ? std::optional<Date>(*date) : std::nullopt;
}

stack::Fact fact_of(const nlohmann::json& j) {
  stack::Fact f;
  f.index = j.value("index", std::uint64_t{0});
  f.kind = j.value("kind", "");
  f.subject = j.value("subject", "");
  f.object = j.value("object", "");
  f.data_class = j.value("class", "");
  f.purpose = j.value("purpose", "");
  f.from = day(j, "from");
  f.until = day(j, "until");
  if (auto time = parse_time(j.value("recorded", ""))) f.recorded = *time;
  if (const auto details = j.find("details"); details != j.end() && details->is_object())
    for (const auto& [name, value] : details->items())
      if (value.is_string()) f.details.emplace(name, value.get<std::string>());
  f.by = j.value("by", "");
  return f;
}

// Nothing serves: the ledger is opened here.
Result<OnRecord> from_ledger(const Config& config) {
  LICET_TRY(sources, epoch::read_sources(store::real_files(), config.stack, config.limits));
  const stack::Loaded loaded = stack::load(sources, config.limits);
  if (!loaded.stack) return Error{Code::invalid_argument, "the declaration has problems: run `licet check` first"};
  LICET_TRY(state, open_state(config, loaded.stack->tenant));
  LICET_TRY(recorded, epoch::read_facts(*state->ledger, *state->keys, *state->blind));
  OnRecord out;
  for (stack::Fact& f : recorded.facts)
    if (f.patient.empty()) out.facts.push_back(std::move(f));
  LICET_TRY(tallies, ledger::tally(*state->ledger));
  out.tallies = std::move(tallies);
  out.now = state->ledger->now();
  return out;
}

}  // namespace

Result<OnRecord> on_record(const Config& config) {
  auto facts = admin_call(config, "GET", "/facts", {});
  if (!facts && facts.error().code == Code::unavailable) return from_ledger(config);
  if (!facts) return std::move(facts).error();
  if (facts->status >= 300) return Error{Code::unavailable, detail_of(*facts)};
  LICET_TRY(tallies, admin_call(config, "GET", "/tallies", {}));
  if (tallies.status >= 300) return Error{Code::unavailable, detail_of(tallies)};
  OnRecord out;
  for (const auto& f : facts->body["facts"])
    if (!f.value("about_a_patient", true)) out.facts.push_back(fact_of(f));
  for (const auto& j : tallies.body["tallies"]) {
    ledger::Tally t;
    t.actor = j.value("actor", "");
    t.client = j.value("client", "");
    t.system = j.value("system", "");
    t.flow = j.value("flow", "");
    t.purpose = j.value("purpose", "");
    t.decision = j.value("decision", "");
    t.reason = j.value("reason", "");
    for (const auto& a : j["agreements"]) t.agreements.push_back(a.get<std::string>());
    t.count = j.value("count", std::uint64_t{0});
    t.reference = j.value("reference", "");
    if (auto time = parse_time(j.value("last", ""))) t.last = *time;
    out.tallies.push_back(std::move(t));
  }
  if (auto time = parse_time(tallies.body.value("now", ""))) out.now = *time;
  return out;
}

Result<Place> place_of(const std::string& stack, const std::string& packs, const std::string& config, Micros now) {
  if (config.empty()) return Place{stack, packs, {{}, {}, now}};
  LICET_TRY(node, read_config(config));
  LICET_TRY(record, on_record(node));
  return Place{node.stack, node.packs, std::move(record)};
}

}  // namespace licet::cli
