#include "console/admin.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "console/internal/history.h"
#include "console/internal/reply.h"
#include "ledger/tally.h"
#include "proof/findings.h"
#include "proof/prove.h"

namespace licet::console {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBodyBytes = 64 * 1024;
constexpr auto kReleaseLife = std::chrono::hours(24);
constexpr auto kMostReleaseLife = std::chrono::hours(24 * 30);

std::string text(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// Who says so goes into the ledger, where no free text may be.
bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.@").find(c) != std::string_view::npos;
  });
}

std::optional<Digest> digest_of_hex(std::string_view text_of_it) {
  const auto bytes = unhex(text_of_it);
  Digest out{};
  if (!bytes || bytes->size() != out.size()) return std::nullopt;
  std::memcpy(out.data(), bytes->data(), out.size());
  return out;
}

ledger::Draft act(std::string by, const json& payload) {
  ledger::Draft draft;
  draft.kind = ledger::Kind::admin;
  draft.actor = std::move(by);
  draft.payload = payload.dump();
  return draft;
}

}  // namespace

Admin::Admin(Options options) : options_(std::move(options)), blind_(crypto::Secret::random(*options_.random)) {
  if (options_.files == nullptr) options_.files = &store::real_files();
}

Task<void> Admin::handle(http::Request request, http::Body& body, http::Responder& responder) {
  auto read = co_await read_body(body, kMostBodyBytes);
  Reply reply = read ? answer(request, *read) : problem(read.error());
  co_await send(responder, std::move(reply));
}

Reply Admin::answer(const http::Request& request, const std::string& body) {
  // The socket's mode says the same; where that was changed by hand, the kernel's word still counts. 0: root, who may do anything anyway.
  if (!request.peer.user || (*request.peer.user != ::geteuid() && *request.peer.user != 0))
    return problem(403, "Only the user who runs the program may do this.");
  const std::string_view path = request.path();
  const auto query = request.query();
  if (request.method == "GET") {
    if (path == "/status") return json_reply(status_json(*options_.gate, *options_.keeper, *options_.ledger, options_.build));
    if (path == "/head") return head();
    if (path == "/facts") return facts(parameter(query, "kind").value_or(""));
    if (path == "/tallies") return tallies();
    if (path == "/explain") return explain(parameter(query, "ref").value_or(""));
    return problem(404, "There is nothing at this address.");
  }
  if (request.method != "POST") return problem(405, "GET or POST.");
  const json in = body.empty() ? json::object() : json::parse(body, nullptr, false);
  if (!in.is_object()) return problem(400, "The body must be a JSON object.");
  const std::string by = in.contains("by") ? text(in, "by") : "uid-" + std::to_string(*request.peer.user);
  if (!good_name(by)) return problem(400, "This can't be done as asked.", "by must be a name of letters, digits and -_.@, 64 at most");
  if (path == "/record") {
    epoch::FactInput fact;
    fact.kind = text(in, "kind");
    fact.subject = text(in, "subject");
    fact.object = text(in, "object");
    fact.patient = text(in, "patient");
    fact.data_class = text(in, "class");
    fact.purpose = text(in, "purpose");
    fact.from = text(in, "from");
    fact.until = text(in, "until");
    const json details = in.value("details", json::object());
    if (!details.is_object()) return problem(400, "This can't be done as asked.", "details must be an object of words");
    for (const auto& [name, value] : details.items()) fact.details.emplace(name, value.is_string() ? value.get<std::string>() : "");
    // A fact about something that is not declared would count for nothing, silently.
    const auto epoch = options_.keeper->current();
    for (const epoch::FactKind& kind : epoch::fact_kinds()) {
      if (!epoch || kind.kind != fact.kind || kind.patient || kind.subject.empty() || fact.subject.empty()) continue;
      const stack::Document* about = epoch->world.stack->find(fact.subject);
      if (about == nullptr || kind.subject.find(about->kind) == std::string_view::npos)
        return problem(404, "There is no such thing.", fmt::format("the declaration has no {} of that id", kind.subject));
    }
    return record(fact, by);
  }
  if (path == "/suspend" || path == "/lift") {
    epoch::FactInput fact;
    fact.kind = path == "/suspend" ? "suspension" : "suspension-lifted";
    fact.subject = text(in, "id");
    // A name that nobody has would stop nobody, silently.
    const auto epoch = options_.keeper->current();
    const stack::Document* whom = epoch ? epoch->world.stack->find(fact.subject) : nullptr;
    if (epoch && (whom == nullptr || (whom->kind != "system" && whom->kind != "organization" && whom->kind != "person")))
      return problem(404, "There is no such thing.", "the declaration has no system, organization or person of that id");
    return record(fact, by);
  }
  if (path == "/release") return release(text(in, "reference"), text(in, "until"), by);
  if (path == "/prove") return prove(body, by);
  if (path == "/reload") {
    options_.keeper->look_now();
    return json_reply(json::object());
  }
  return problem(404, "There is nothing at this address.");
}

Reply Admin::record(const epoch::FactInput& fact, const std::string& by) {
  auto draft = epoch::fact_draft(fact, by, *options_.keys, *options_.random);
  if (!draft) return problem(draft.error());
  auto recorded = options_.ledger->append_and_wait(*std::move(draft));
  if (!recorded) return problem(503, "This was not recorded, so it does not hold.", recorded.error().message);
  options_.keeper->facts_changed();  // the overlay has it when this returns
  return json_reply({{"index", recorded->index()}, {"time", format(recorded->time())}});
}

Reply Admin::release(const std::string& reference, const std::string& until_text, const std::string& by) {
  const Micros now = options_.ledger->now();
  Micros until = now + kReleaseLife;
  if (!until_text.empty()) {
    auto given = parse_time(until_text);
    if (!given) return problem(400, "This can't be done as asked.", "until: " + given.error().message);
    until = *given;
  }
  if (until <= now || until > now + kMostReleaseLife)
    return problem(400, "This can't be done as asked.", "until must lie in the next 30 days");
  auto entries = entries_of(*options_.ledger, reference);
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
  auto recorded = options_.ledger->append_and_wait(act(by, payload));
  if (!recorded) return problem(503, "This was not recorded, so it does not hold.", recorded.error().message);
  options_.gate->holds().release(reference, *fingerprint, until);
  return json_reply({{"index", recorded->index()}, {"until", format(until)}});
}

Reply Admin::explain(std::string_view reference) {
  auto entries = entries_of(*options_.ledger, reference);
  const std::vector<gate::Glimpse> recent = options_.gate->recent(500);
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
  const auto epoch = options_.keeper->current();
  const std::string flow = text(last, "flow");
  const rules::Finding* behind = nullptr;
  if (epoch && reason)
    for (const rules::Finding& f : epoch->world.judgment.findings) {
      const bool amiss = f.status == rules::Status::fail || f.status == rules::Status::stale || f.status == rules::Status::unknown;
      if (!amiss) continue;
      if (glimpse != recent.end() && !f.because.empty() && glimpse->sentence.find(f.because) != std::string::npos) {
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
    out["sentence"] = behind->because;  // as of now: the declaration may have changed since
  else if (reason && *reason != Reason::none)
    out["sentence"] = row(*reason).title;
  else
    out["sentence"] = "It passed: decision " + text(last, "decision") +
                      (text(last, "license").empty() ? std::string() : ", on license " + text(last, "license")) + ".";
  return json_reply(out);
}

Reply Admin::facts(std::string_view kind) {
  auto read = epoch::read_facts(*options_.ledger, *options_.keys, blind_);
  if (!read) return problem(read.error());
  const auto date = [](const std::optional<Date>& d) { return d ? json(format(*d)) : json(nullptr); };
  json out = json::array();
  for (const stack::Fact& f : read->facts) {
    if (!kind.empty() && f.kind != kind) continue;
    // A representative is a patient, too: their token is no id of the declaration.
    out.push_back({{"index", f.index},
                   {"kind", f.kind},
                   {"subject", f.subject},
                   {"object", f.kind == "representative" ? "" : f.object},
                   {"about_a_patient", !f.patient.empty()},
                   {"class", f.data_class},
                   {"purpose", f.purpose},
                   {"from", date(f.from)},
                   {"until", date(f.until)},
                   {"details", f.patient.empty() ? json(f.details) : json::object()},  // a patient's rest sealed
                   {"recorded", format(f.recorded)},
                   {"by", f.by}});
  }
  return json_reply({{"facts", std::move(out)}, {"size", read->size}});
}

Reply Admin::tallies() {
  auto read = ledger::tally(*options_.ledger);
  if (!read) return problem(read.error());
  json out = json::array();
  for (const ledger::Tally& t : *read)
    out.push_back({{"actor", t.actor},
                   {"client", t.client},
                   {"system", t.system},
                   {"flow", t.flow},
                   {"purpose", t.purpose},
                   {"decision", t.decision},
                   {"reason", t.reason},
                   {"agreements", t.agreements},
                   {"count", t.count},
                   {"reference", t.reference},
                   {"last", format(t.last)}});
  return json_reply({{"now", format(options_.ledger->now())}, {"tallies", std::move(out)}});
}

Reply Admin::prove(const std::string& body, const std::string& by) {
  const json in = json::parse(body, nullptr, false);
  if (!in.is_object()) return problem(400, "The body must be a JSON object.");
  const std::string folder = text(in, "folder");
  if (!folder.starts_with("/") || folder.find("/../") != std::string::npos)
    return problem(400, "This can't be done as asked.", "folder must be an absolute path");
  const auto epoch = options_.keeper->current();
  if (!epoch) return problem(503, "No table is in force yet.");
  const epoch::World& world = epoch->world;
  proof::ProveInput input;
  input.stack = &*world.stack;
  input.sources = world.sources;
  input.judgment = &world.judgment;
  input.table = &*world.table;
  input.ledger = options_.ledger;
  input.key = &options_.keys->log_key();
  input.now = options_.ledger->now();
  input.build = options_.build;
  const proof::Request request{folder, text(in, "from"), text(in, "to"), text(in, "vendor"), text(in, "patient"), by, options_.stack};
  auto made = proof::produce(*options_.files, request, std::move(input));
  if (!made) return problem(made.error());
  return json_reply(
      {{"folder", folder}, {"files", made->files}, {"entries", made->entries}, {"manifest", hex(made->manifest)}, {"index", made->index}});
}

Reply Admin::head() {
  auto checkpoint = options_.ledger->checkpoint();
  if (!checkpoint) return problem(checkpoint.error());
  const ledger::Head head = options_.ledger->head();
  return json_reply({{"size", head.size}, {"root", hex(head.root)}, {"time", format(head.last_time)}, {"checkpoint", *checkpoint}});
}

Result<void> restore_releases(const ledger::Ledger& ledger, gate::Holds& holds, Micros now) {
  struct Pending {
    Digest fingerprint;
    Micros until;
  };
  std::map<std::string, Pending> pending;
  LICET_TRY_VOID(ledger.read_acts(ledger.head().size, [&](const ledger::Leaf& leaf) {
    if (leaf.json.find("\"act\":\"release") == std::string::npos) return true;
    const json entry = json::parse(leaf.json, nullptr, false);
    if (!entry.is_object() || text(entry, "kind") != "admin" || !entry.contains("payload")) return true;
    const json& payload = entry["payload"];
    const std::string reference = text(payload, "reference");
    if (text(payload, "act") == "release-used") pending.erase(reference);
    if (text(payload, "act") != "release") return true;
    const auto fingerprint = digest_of_hex(text(payload, "fingerprint"));
    if (fingerprint) pending[reference] = {*fingerprint, micros(payload.value("until", std::int64_t{0}))};
    return true;
  }));
  for (const auto& [reference, release] : pending)
    if (release.until > now) holds.release(reference, release.fingerprint, release.until);
  return {};
}

}  // namespace licet::console
