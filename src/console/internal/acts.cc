#include "console/internal/acts.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "console/internal/history.h"
#include "proof/findings.h"
#include "rules/compare.h"

namespace licet::console {
namespace {

using nlohmann::json;

constexpr auto kReleaseLife = std::chrono::hours(24);
constexpr auto kMostReleaseLife = std::chrono::hours(24 * 30);
constexpr std::uint64_t kLookBack = 200'000;
constexpr std::uint64_t kMostHeld = 5000;

ledger::Draft act(std::string by, const json& payload) {
  ledger::Draft draft;
  draft.kind = ledger::Kind::admin;
  draft.actor = std::move(by);
  draft.payload = payload.dump();
  return draft;
}

}  // namespace

std::string text(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::optional<Digest> digest_of_hex(std::string_view text_of_it) {
  const auto bytes = unhex(text_of_it);
  Digest out{};
  if (!bytes || bytes->size() != out.size()) return std::nullopt;
  std::memcpy(out.data(), bytes->data(), out.size());
  return out;
}

bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.@").find(c) != std::string_view::npos;
  });
}

Reply record(const Desk& desk, const epoch::FactInput& fact, const std::string& by) {
  auto draft = epoch::fact_draft(fact, by, *desk.keys, *desk.random);
  if (!draft) return problem(draft.error());
  auto recorded = desk.ledger->append_and_wait(*std::move(draft));
  if (!recorded) return problem(503, "This was not recorded, so it does not hold.", recorded.error().message);
  desk.keeper->facts_changed();  // the overlay has it when this returns
  return json_reply({{"index", recorded->index()}, {"time", format(recorded->time())}});
}

Reply suspend(const Desk& desk, const std::string& id, bool lift, const std::string& by) {
  epoch::FactInput fact;
  fact.kind = lift ? "suspension-lifted" : "suspension";
  fact.subject = id == "*" ? license::kEverything : id;
  // A name that nobody has would stop nobody, silently. One that is suspended can be lifted, also when it is declared no more.
  const auto epoch = desk.keeper->current();
  const stack::Document* whom = epoch ? epoch->world.stack->find(id) : nullptr;
  const bool known =
      id == "*" ||
      (whom != nullptr && (whom->kind == "system" || whom->kind == "organization" || whom->kind == "person" || whom->kind == "route"));
  const bool was = lift && epoch && std::any_of(epoch->facts.begin(), epoch->facts.end(), [&](const stack::Fact& f) {
                     return f.kind == "suspension" && f.subject == id;
                   });
  if (epoch && !known && !was)
    return problem(404, "There is no such thing.", "the declaration has no system, organization, person or route of that id");
  return record(desk, fact, by);
}

Reply release(const Desk& desk, const std::string& reference, const std::string& until_text, const std::string& by) {
  const Micros now = desk.ledger->now();
  Micros until = now + kReleaseLife;
  if (!until_text.empty()) {
    auto given = parse_time(until_text);
    if (!given) return problem(400, "This can't be done as asked.", "until: " + given.error().message);
    until = *given;
  }
  if (until <= now || until > now + kMostReleaseLife)
    return problem(400, "This can't be done as asked.", "until must lie in the next 30 days");
  auto entries = entries_of(*desk.ledger, reference, desk.records);
  if (!entries) return problem(entries.error());
  const json* held = nullptr;
  bool used = false;
  for (const json& entry : *entries) {
    if (text(entry, "kind") == "exchange.held") held = &entry;
    used = used || (entry.contains("payload") && text(entry["payload"], "act") == "release-used");
  }
  const auto fingerprint = held == nullptr ? std::nullopt : digest_of_hex(text(*held, "digest"));
  if (!fingerprint) return problem(409, "This can't be done now.", "that exchange was not held");
  if (used) return problem(409, "This can't be done now.", "that release was used: the request passed once; a new one is held anew");
  // On record first. Beyond this point the release holds, also after a restart.
  const json payload{{"act", "release"}, {"fingerprint", hex(*fingerprint)}, {"reference", reference}, {"until", count(until)}};
  auto recorded = desk.ledger->append_and_wait(act(by, payload));
  if (!recorded) return problem(503, "This was not recorded, so it does not hold.", recorded.error().message);
  desk.gate->holds().release(reference, *fingerprint, until);
  return json_reply({{"index", recorded->index()}, {"until", format(until)}});
}

proof::ProveInput evidence_input(const epoch::Epoch& epoch, ledger::Ledger& ledger, const crypto::KeyRing& keys, const std::string& build) {
  proof::ProveInput input;
  input.stack = &*epoch.world.stack;
  input.sources = epoch.world.sources;
  input.judgment = &epoch.world.judgment;
  input.table = &*epoch.world.table;
  input.ledger = &ledger;
  input.key = &keys.log_key();
  input.now = ledger.now();
  input.build = build;
  return input;
}

Reply explain(const Desk& desk, std::string_view reference) {
  auto entries = entries_of(*desk.ledger, reference, desk.records);
  const std::vector<gate::Glimpse> recent = desk.gate->recent(500);
  const auto glimpse = std::find_if(recent.begin(), recent.end(), [&](const gate::Glimpse& g) { return g.exchange == reference; });
  if (!entries && (entries.error().code != Code::not_found || glimpse == recent.end())) return problem(entries.error());
  json out{{"reference", reference}, {"mend", ""}, {"sentence", ""}};
  out["entries"] = entries ? json(*entries) : json::array();
  // What the ledger kept of the decision: the last entry of the exchange that says one.
  json last = json::object();
  for (const json& entry : out["entries"])
    if (text(entry, "exchange") == reference && !text(entry, "decision").empty()) last = entry;
  const bool held = text(last, "kind") == "exchange.held";
  const std::string reason_text = glimpse != recent.end() && !glimpse->reason.empty() ? glimpse->reason
                                  : held                                              ? "held"
                                                                                      : text(last, "reason");
  const auto reason = reason_of(reason_text);
  out["reason"] = reason_text;
  out["meaning"] = reason && *reason != Reason::none ? row(*reason).title : "";
  out["decision"] = glimpse != recent.end() ? glimpse->decision : text(last, "decision");
  out["license"] = text(last, "license");
  // The finding that stands behind a refusal: of the flow it was about, or by the very sentence.
  const auto epoch = desk.keeper->current();
  const std::string flow = text(last, "flow");
  const rules::Finding* behind = nullptr;
  if (epoch && reason)
    for (const rules::Finding& f : epoch->world.judgment.findings) {
      if (!rules::amiss(f, true)) continue;
      // (Most are told apart by what is in them already: sentence() would be made of each.)
      if (glimpse != recent.end() && !f.because.empty() && glimpse->sentence.find(f.because) != std::string::npos &&
          glimpse->sentence.find(f.sentence()) != std::string::npos) {
        behind = &f;
        break;
      }
      const bool by_flow = !flow.empty() && f.subject == flow &&
                           (*reason == Reason::no_ground || *reason == Reason::lapsed || *reason == Reason::out_of_scope);
      if (by_flow && behind == nullptr) behind = &f;
    }
  if (behind != nullptr) {
    out["mend"] = behind->mend;
    out["finding"] = proof::to_json(*behind);
  }
  if (glimpse != recent.end() && !glimpse->sentence.empty())
    out["sentence"] = glimpse->sentence;
  else if (behind != nullptr)
    out["sentence"] = behind->sentence();  // as of now: the declaration may have changed since
  else if (reason && *reason != Reason::none)
    out["sentence"] = row(*reason).title;
  else
    out["sentence"] = "It passed: decision " + text(last, "decision") +
                      (text(last, "license").empty() ? std::string() : ", on license " + text(last, "license")) + ".";
  return json_reply(out);
}

void HeldList::see(const json& entry) {
  if (text(entry, "kind") == "exchange.held") {
    json row{{"reference", text(entry, "exchange")},
             {"time", format(micros(entry.value("time", std::int64_t{0})))},
             {"state", "waiting"},
             {"until", nullptr},
             {"by", ""}};
    for (const char* name : {"actor", "client", "route", "flow", "purpose", "license"}) row[name] = text(entry, name);
    held_.insert_or_assign(text(entry, "exchange"), std::move(row));
    return;
  }
  if (text(entry, "kind") != "admin" || !entry.contains("payload")) return;
  const json& payload = entry["payload"];
  const auto at = held_.find(text(payload, "reference"));
  if (at == held_.end()) return;
  json& row = at->second;
  const bool used = text(payload, "act") == "release-used";
  if (!used && text(payload, "act") != "release") return;
  row["state"] = used ? "used" : "released";
  if (!used) row["until"] = format(micros(payload.value("until", std::int64_t{0}))), row["by"] = text(entry, "actor");
}

Result<json> HeldList::list(const ledger::Ledger& ledger, Records* records) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t size = ledger.head().size;
  bool indexed = false;
  if (records != nullptr) {
    // Held ones of 30 days, and what was done about them: two questions to the index, and a leaf each for what is new.
    std::vector<std::uint64_t> fresh;
    const std::uint64_t end = records->size();
    for (const char* kind : {"exchange.held", "admin"}) {
      ledger::Index::Query query;
      query.kinds = {kind};
      query.from = ledger.now() - kMostReleaseLife;
      query.before = end;
      query.most = kMostHeld;
      LICET_TRY(rows, records->find(query));
      for (const ledger::Row& row : rows) {
        if (begun_ && row.index < next_) break;
        fresh.push_back(row.index);
      }
    }
    std::sort(fresh.begin(), fresh.end());
    for (const std::uint64_t index : fresh) {
      LICET_TRY(entry, records->leaf(index));
      see(entry);
    }
    next_ = end;
    begun_ = indexed = true;
  }
  if (!begun_) next_ = size > kLookBack ? size - kLookBack : 0, begun_ = true;
  if (!indexed)
    LICET_TRY_VOID(ledger.read(next_, size, [&](const ledger::Leaf& leaf) {
      next_ = leaf.index + 1;
      if (leaf.json.find("\"exchange.held\"") == std::string::npos && leaf.json.find("\"act\":\"release") == std::string::npos) return true;
      const json entry = json::parse(leaf.json, nullptr, false);
      if (entry.is_object()) see(entry);
      return true;
    }));
  const Micros now = ledger.now();
  std::erase_if(held_, [&](const auto& one) {
    const auto begun = time_of_reference(one.first);
    return !begun || *begun + kMostReleaseLife < now;
  });
  json out = json::array();
  for (auto it = held_.rbegin(); it != held_.rend(); ++it) {
    json row = it->second;
    if (row["state"] == "released" && row["until"].get_ref<const std::string&>() < format(now)) row["state"] = "lapsed";
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace licet::console
