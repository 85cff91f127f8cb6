#include "console/admin.h"

#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>

#include "console/account_act.h"
#include "console/internal/acts.h"
#include "console/internal/reply.h"
#include "crypto/crypto.h"
#include "epoch/facts_file.h"
#include "ledger/note.h"
#include "ledger/tally.h"
#include "proof/findings.h"
#include "proof/prove.h"
#include "proof/reports.h"

namespace licet::console {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBodyBytes = 64 * 1024;

// The log's name, as its own head says it.
Result<std::string> origin_of(ledger::Ledger& ledger) {
  LICET_TRY(note, ledger.checkpoint());
  return note.substr(0, note.find('\n'));
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
  const Desk desk{options_.gate, options_.keeper, options_.ledger, options_.keys, options_.random};
  const std::string_view path = request.path();
  const auto query = request.query();
  if (request.method == "GET") {
    if (path == "/status") return json_reply(status_json(*options_.gate, *options_.keeper, *options_.ledger, options_.build));
    if (path == "/head") return head();
    if (path == "/facts") return facts(parameter(query, "kind").value_or(""));
    if (path == "/facts-file") return facts_file();
    if (path == "/tallies") return tallies();
    if (path == "/explain") return explain(desk, parameter(query, "ref").value_or(""));
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
    return record(desk, fact, by);
  }
  if (path == "/user") {
    const auto epoch = options_.keeper->current();
    if (options_.accounts == nullptr || !epoch) return problem(503, "There are no accounts here.");
    auto done = account_act(*options_.accounts, *options_.ledger, *epoch->world.stack, in, by);
    return done ? json_reply(*done) : problem(done.error());
  }
  if (path == "/suspend" || path == "/lift") return suspend(desk, text(in, "id"), path == "/lift", by);
  if (path == "/release") return release(desk, text(in, "reference"), text(in, "until"), by);
  if (path == "/prove") return prove(body, by);
  if (path == "/sign-release") return sign_release(text(in, "manifest"), by);
  if (path == "/reload") {
    options_.keeper->look_now();
    return json_reply(json::object());
  }
  return problem(404, "There is nothing at this address.");
}

Reply Admin::facts_file() {
  auto read = epoch::read_facts(*options_.ledger, *options_.keys, blind_);
  if (!read) return problem(read.error());
  auto origin = origin_of(*options_.ledger);
  if (!origin) return problem(origin.error());
  return json_reply({{"file", epoch::facts_file(read->facts, *origin, &options_.keys->log_key())}});
}

// That it was signed is on record before the signature is out.
Reply Admin::sign_release(const std::string& manifest, const std::string& by) {
  auto origin = origin_of(*options_.ledger);
  if (!origin) return problem(origin.error());
  auto signature = proof::sign_release(manifest, *origin, options_.keys->log_key());
  if (!signature) return problem(signature.error());
  ledger::Draft draft;
  draft.kind = ledger::Kind::admin;
  draft.actor = by;
  draft.payload = json{{"act", "release"}, {"manifest", hex(crypto::sha256(manifest))}}.dump();
  auto recorded = options_.ledger->append_and_wait(std::move(draft));
  if (!recorded) return problem(recorded.error());
  return json_reply({{"signature", *signature}, {"key", ledger::vkey({*origin, options_.keys->log_key().public_key()})}});
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
  proof::ProveInput input = evidence_input(*epoch, *options_.ledger, *options_.keys, options_.build);
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
