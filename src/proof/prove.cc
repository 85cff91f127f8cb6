#include "proof/prove.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/html.h"
#include "ledger/note.h"
#include "proof/findings.h"
#include "proof/internal/csv.h"
#include "proof/internal/entries.h"
#include "proof/internal/html.h"
#include "proof/internal/json.h"
#include "proof/internal/manifest.h"
#include "proof/internal/rows.h"
#include "proof/report.h"

namespace licet::proof {
namespace {

using nlohmann::json;
using rules::Status;

std::string words(const std::vector<std::string>& items, std::string_view between = " ") {
  std::string out;
  for (const std::string& item : items) {
    if (!out.empty()) out += between;
    out += item;
  }
  return out;
}
std::string text_of(const std::optional<Date>& date) {
  return date ? format(*date) : std::string();
}

// A period's edge: a day in the stack's zone, or an instant. The day `to` is included.
Result<Micros> edge(const std::string& given, const Zone& zone, bool end) {
  if (auto date = parse_date(given)) return zone.start(end ? *date + std::chrono::days(1) : *date);
  auto time = parse_time(given);
  if (!time)
    return Error{Code::invalid_argument, std::string(end ? "to" : "from") + " must be a day (YYYY-MM-DD) or an instant (RFC 3339)"};
  return *time;
}

// What of the world a bundle shows: all of it, or what concerns one vendor.
struct Shown {
  Narrow narrow;
  std::vector<const rules::Finding*> findings;
  std::vector<const rules::Ground*> grounds;
  std::vector<const license::License*> licenses;
  std::vector<const stack::Document*> agreements;
};

Result<Shown> choose(const ProveInput& in) {
  Shown out;
  std::vector<std::string>& related = out.narrow.related;
  if (!in.vendor.empty()) {
    const stack::Document* vendor = in.stack->find(in.vendor);
    if (vendor == nullptr || (vendor->kind != "organization" && vendor->kind != "system"))
      return Error{Code::invalid_argument, "no organization or system '" + in.vendor + "' in the declaration"};
    related.push_back(in.vendor);
    for (const stack::Document* system : in.stack->all("system"))
      if (system->text("owner") == in.vendor) related.push_back(system->id);
    std::sort(related.begin(), related.end());
  }
  const auto is_related = [&](std::string_view id) { return std::binary_search(related.begin(), related.end(), id); };
  for (const stack::Document* a : in.stack->all("agreement")) {
    if (!related.empty() && !is_related(a->text("up")) && !is_related(a->text("down"))) continue;
    out.agreements.push_back(a);
    if (!related.empty()) out.narrow.agreements.push_back(a->id);
  }
  std::sort(out.narrow.agreements.begin(), out.narrow.agreements.end());
  // A witness names everything on the path: whoever is on it is concerned.
  const auto names = [&](const std::string& witness) {
    return std::any_of(related.begin(), related.end(),
                       [&](const std::string& id) { return witness.find('"' + id + '"') != std::string::npos; });
  };
  for (const rules::Finding& f : in.judgment->findings)
    if (related.empty() || is_related(f.subject) || names(f.witness)) out.findings.push_back(&f);
  for (const rules::Ground& g : in.judgment->grounds)
    if (related.empty() || is_related(g.recipient) || names(g.witness)) out.grounds.push_back(&g);
  for (const license::License& l : in.table->licenses())
    if (related.empty() || is_related(l.holder) || names(l.witness)) out.licenses.push_back(&l);
  for (const ledger::BlindIndex& p : in.patients) out.narrow.patients.push_back(hex(p));
  std::sort(out.narrow.patients.begin(), out.narrow.patients.end());
  return out;
}

template <class T>
std::string list_json(const rules::Judgment& judgment, const char* name, const std::vector<const T*>& items) {
  json list = json::array();
  for (const T* item : items) list.push_back(to_json(*item));
  return canonical({{"as_of", format(judgment.as_of)}, {name, std::move(list)}, {"under", judgment.under}}) + "\n";
}

std::string licenses_csv(const Shown& shown) {
  Csv csv{"license", "holder",     "flow", "permit", "ground", "entity", "classes", "purposes",   "actions",
          "regions", "conditions", "form", "view",   "hold",   "from",   "until",   "agreements", "because"};
  for (const license::License* l : shown.licenses)
    csv.row({l->id, l->holder, l->flow, l->permit, l->ground_kind, l->entity, words(l->classes), words(l->purposes), words(l->actions),
             words(l->regions), words(l->conditions), name(l->form), l->view, l->hold ? "yes" : "no", text_of(l->from), text_of(l->until),
             words(l->agreements), l->because});
  return csv.take();
}

std::string grounds_csv(const Shown& shown) {
  Csv csv{"ground",      "kind", "recipient", "flow",  "entity",     "classes", "purposes", "regions", "whose", "form", "minimum_necessary",
          "accountable", "hold", "from",      "until", "agreements", "cites",   "because"};
  for (const rules::Ground* g : shown.grounds)
    csv.row({g->id, g->kind, g->recipient, g->flow, g->entity, words(g->classes), words(g->purposes), words(g->regions), g->whose, g->form,
             g->minimum_necessary ? "yes" : "no", g->accountable ? "yes" : "no", g->hold ? "yes" : "no", text_of(g->from),
             text_of(g->until), words(g->agreements), g->cites, g->because});
  return csv.take();
}

std::string agreements_csv(const ProveInput& in, const Shown& shown) {
  Csv csv{"agreement",      "is",         "up",         "down",     "status",          "signed",
          "effective",      "expires",    "terminated", "document", "document_sha256", "declared_sha256",
          "document_check", "declared_at"};
  for (const stack::Document* a : shown.agreements) {
    const std::string path(a->text("document"));
    const std::string declared(a->text("sha256"));
    std::string digest;
    if (!path.empty() && in.document) {
      auto bytes = in.document(path);
      if (bytes) digest = hex(crypto::sha256(*bytes));
    }
    const std::string_view check = path.empty()         ? "no document declared"
                                   : digest.empty()     ? "not available"
                                   : declared.empty()   ? "no digest declared"
                                   : declared == digest ? "matches"
                                                        : "DIFFERS";
    csv.row({a->id, a->text("is"), a->text("up"), a->text("down"), a->text("status"), a->text("signed"), a->text("effective"),
             a->text("expires"), a->text("terminated"), path, digest, declared, check, in.stack->where(a->place)});
  }
  return csv.take();
}

struct About {
  const char* path;
  const char* says;
};
constexpr About kFiles[] = {
    {"findings.html, .json, .csv", "each requirement's verdict on each subject, with the sentence, its witness and what would mend it"},
    {"licenses.json, .csv",
     "what was lawful: who may receive which classes, for what, in which form and view, until when, and by what right"},
    {"grounds.json, .csv", "the reasons in law on record that the licenses stand on"},
    {"agreements.csv", "each agreement: parties, dates, and the digest of its document where that was at hand"},
    {"exchanges.csv", "a row for each leg and part of each exchange of the period; patients as blind indexes"},
    {"tools.csv", "the same, summed up: who touched which class through what, why, under which agreement"},
    {"refusals.csv", "what was refused or held, and why"},
    {"ledger/entries.jsonl", "the ledger's own entries, byte for byte, one a line"},
    {"ledger/proofs.jsonl", "for each of them its place in the log and the hashes that lead from it to the checkpoint (RFC 6962)"},
    {"ledger/checkpoint", "the log's signed head (C2SP tlog-checkpoint)"},
    {"stack/", "the declaration that was judged, as it was"},
    {"manifest.json", "the SHA-256 of every other file, and of what they were made"},
    {"manifest.sig, key.txt",
     "the signature of the manifest (C2SP signed note), and the public key. Compare the key with one that you got elsewhere"},
};

std::string index_html(const ProveInput& in, const Shown& shown, const rules::Judgment& judged, const LeafTables& tables,
                       const ledger::Checkpoint& checkpoint, bool complete) {
  const auto pair = [](std::string_view name, std::string_view value) {
    return "<dt>" + html_escaped(name) + "</dt><dd>" + html_escaped(value) + "</dd>\n";
  };
  std::string body = "<h1>Evidence of " + html_escaped(in.stack->tenant) + "</h1>\n<p class=\"soft\">" + format(in.from) + " to " +
                     format(in.to) + "</p>\n";
  body += "<p class=\"notice\">" + html_escaped(kNotice) + "</p>\n";
  if (!in.patients.empty())
    body +=
        "<p class=\"notice\"><strong>This bundle is about a patient. It is electronic protected health information: keep it "
        "so.</strong></p>\n";
  body += "<dl>\n" + pair("judged as of", format(in.judgment->as_of)) + pair("law", in.judgment->under) + pair("log", checkpoint.origin) +
          pair("known", std::to_string(checkpoint.size) + " ledger entries, the last at " + format(in.ledger->head().last_time)) +
          pair("made", format(in.now) + " by licet " + in.build);
  if (!in.vendor.empty()) body += pair("narrowed to", in.vendor);
  body += pair("complete", complete ? "yes: every entry of the period, with the ones just before and after it"
                                    : "no: narrowed to what concerns the above") +
          "</dl>\n";

  std::vector<std::vector<std::string>> numbers;
  for (const Status status : kWorstFirst) {
    const auto of_status =
        std::count_if(shown.findings.begin(), shown.findings.end(), [&](const rules::Finding* f) { return f->status == status; });
    numbers.push_back({"findings: " + std::string(rules::name(status)), std::to_string(of_status)});
  }
  numbers.push_back({"licenses", std::to_string(shown.licenses.size())});
  numbers.push_back({"agreements", std::to_string(shown.agreements.size())});
  numbers.push_back({"ledger entries of the period", std::to_string(tables.inside)});
  numbers.push_back({"rows of exchanges", std::to_string(tables.rows)});
  numbers.push_back({"refused or held", std::to_string(tables.refused)});
  body += "<h2>In numbers</h2>\n" + html_table("", {"what", "how many"}, numbers);

  body += "<h2>What is amiss</h2>\n";
  const auto amiss = finding_rows(judged, true);
  body += amiss.empty() ? "<p>No finding fails, is stale, unknown or accepted.</p>\n"
                        : html_table("", {"status", "subject", "requirement", "cites", "because", "mend"}, amiss);

  std::vector<std::vector<std::string>> licensed;
  for (const license::License* l : shown.licenses)
    licensed.push_back({l->holder, l->flow, l->ground_kind, words(l->classes, ", "), words(l->purposes, ", "), std::string(name(l->form)),
                        l->view, text_of(l->until), words(l->agreements, ", ")});
  body += "<h2>What is licensed</h2>\n" +
          html_table("", {"holder", "flow", "ground", "classes", "purposes", "form", "view", "until", "agreements"}, licensed);

  std::vector<std::vector<std::string>> contents;
  for (const About& file : kFiles) contents.push_back({file.path, file.says});
  body += "<h2>What is in this folder</h2>\n" + html_table("", {"file", "what it is"}, contents);
  body +=
      "<h2>To check it</h2>\n<p>Run <code>licet verify</code> on this folder, with <code>--key</code> and the log's public key as you got "
      "it elsewhere. It needs no network. "
      "Any single changed bit is named.</p>\n";
  return html_page("Evidence of " + in.stack->tenant, body);
}

}  // namespace

Result<Bundle> make_bundle(const ProveInput& in) {
  if (in.from >= in.to) return Error{Code::invalid_argument, "the period is empty: `from` must lie before `to`"};
  LICET_TRY(shown, choose(in));

  // The head of the log, signed now. Beyond this point nothing that is appended later matters.
  LICET_TRY(note, in.ledger->checkpoint());
  const std::string origin = note.substr(0, note.find('\n'));
  const ledger::Verifier verifier{origin, in.key->public_key()};
  LICET_TRY(checkpoint, ledger::open_checkpoint(note, verifier));
  LICET_TRY(selection, select_entries(*in.ledger, checkpoint.size, in.from, in.to, shown.narrow));
  LICET_TRY(proofs, proof_lines(*in.ledger, checkpoint, selection.entries));
  const LeafTables tables = leaf_tables(selection.entries, in.from, in.to);

  Bundle out;
  out.entries = tables.inside;
  const auto add = [&](std::string_view path, std::string bytes) { out.files.push_back({std::string(path), std::move(bytes)}); };
  rules::Judgment judged;  // as shown, in the shape that `check --format json` has
  judged.as_of = in.judgment->as_of;
  judged.packs = in.judgment->packs;
  judged.under = in.judgment->under;
  for (const rules::Finding* f : shown.findings) judged.findings.push_back(*f);
  add("findings.json", findings_json(judged) + "\n");
  add("findings.csv", findings_csv(judged));
  add("findings.html", findings_html(judged));
  add("licenses.json", list_json(*in.judgment, "licenses", shown.licenses));
  add("licenses.csv", licenses_csv(shown));
  add("grounds.json", list_json(*in.judgment, "grounds", shown.grounds));
  add("grounds.csv", grounds_csv(shown));
  add("agreements.csv", agreements_csv(in, shown));
  add(kExchanges, tables.exchanges);
  add(kRefusals, tables.refusals);
  add(kTools, tables.tools);
  add(kCheckpoint, note);
  std::string entries;
  for (const Included& entry : selection.entries) entries += entry.json + "\n";
  add(kEntries, std::move(entries));
  add(kProofs, std::move(proofs));
  for (const stack::Source& source : in.sources) add("stack/" + source.path, source.bytes);
  add("index.html", index_html(in, shown, judged, tables, checkpoint, selection.complete));
  add(kKey, ledger::vkey(verifier) + "\n");

  // All but the manifest and its signature is there. Beyond this point no file changes.
  std::sort(out.files.begin(), out.files.end(), [](const BundleFile& a, const BundleFile& b) { return a.path < b.path; });
  json files = json::array(), packs = json::array();
  for (const BundleFile& f : out.files)
    files.push_back({{"path", f.path}, {"bytes", f.bytes.size()}, {"sha256", hex(crypto::sha256(f.bytes))}});
  for (const rules::PackInfo& p : in.judgment->packs) packs.push_back(to_json(p));
  json filter = json::object();
  if (!in.vendor.empty()) filter["vendor"] = in.vendor;
  if (!in.patients.empty()) filter["patient"] = shown.narrow.patients;
  const std::string manifest = canonical({{"kind", "licet bundle"},
                                          {"v", 1},
                                          {"notice", kNotice},
                                          {"ephi", !in.patients.empty()},
                                          {"origin", origin},
                                          {"build", in.build},
                                          {"made", format(in.now)},
                                          {"as_of", format(in.judgment->as_of)},
                                          {"known", {{"size", checkpoint.size}, {"root", hex(checkpoint.root)}}},
                                          {"period", {{"from", format(in.from)}, {"to", format(in.to)}}},
                                          {"filter", std::move(filter)},
                                          {"complete", selection.complete},
                                          {"entries", selection.entries.size()},
                                          {"tenant", in.stack->tenant},
                                          {"stack", hex(in.stack->digest)},
                                          {"table", hex(crypto::sha256(in.table->digest_text()))},
                                          {"packs", std::move(packs)},
                                          {"under", in.judgment->under},
                                          {"files", std::move(files)}}) +
                               "\n";
  out.manifest = crypto::sha256(manifest);
  add(kManifest, manifest);
  add(kSignature, ledger::sign_note(manifest_note(out.manifest), origin, *in.key));
  std::sort(out.files.begin(), out.files.end(), [](const BundleFile& a, const BundleFile& b) { return a.path < b.path; });
  return out;
}

Result<std::vector<ledger::BlindIndex>> patient_blinds(const ledger::Ledger& ledger, const Phi<std::string>& id, Micros from, Micros to) {
  std::vector<ledger::BlindIndex> out;
  const ledger::Head head = ledger.head();
  if (head.size == 0) return out;
  Micros first{};
  LICET_TRY_VOID(ledger.read(0, 1, [&](const ledger::Leaf& leaf) {
    first = micros(static_cast<std::int64_t>(number(json::parse(leaf.json, nullptr, false), "time")));
    return false;
  }));
  // Asking for a month's index makes its key: months without entries are not asked for.
  const auto month_of = [](Micros t) {
    const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(t)};
    return day.year() / day.month();
  };
  const auto last = month_of(std::min(to, head.last_time));
  for (auto month = month_of(std::max(from, first)); month <= last; month += std::chrono::months(1))
    out.push_back(ledger.blind("patient", id.reveal(), Micros(std::chrono::sys_days(month / 1))));
  return out;
}

Result<void> write_bundle(store::FileSystem& files, const std::string& folder, const Bundle& bundle) {
  LICET_TRY_VOID(files.make_folder(folder));
  LICET_TRY(there, files.list(folder));
  if (!there.empty()) return Error{Code::already_exists, folder + " is not empty: a bundle needs a folder of its own"};
  for (const BundleFile& f : bundle.files) {
    const std::string path = folder + "/" + f.path;
    LICET_TRY_VOID(files.make_folder(path.substr(0, path.rfind('/'))));
    LICET_TRY_VOID(files.replace(path, f.bytes));
  }
  return {};
}

Result<Produced> produce(store::FileSystem& files, const Request& request, ProveInput input) {
  const Zone& zone = input.stack->zone;
  if (!request.from.empty()) {
    LICET_TRY(from, edge(request.from, zone, false));
    input.from = from;
  }
  input.to = input.now + std::chrono::seconds(1);
  if (!request.to.empty()) {
    LICET_TRY(to, edge(request.to, zone, true));
    input.to = to;
  }
  input.vendor = request.vendor;
  if (!request.stack.empty()) {
    input.document = [&](const std::string& path) -> Result<std::string> {
      if (path.starts_with("/") || path.find("..") != std::string::npos) return Error{Code::permission_denied, "outside the stack folder"};
      return files.read_all(request.stack + "/" + path, 64 * 1024 * 1024);
    };
  }
  if (!request.patient.empty()) {
    LICET_TRY(blinds, patient_blinds(*input.ledger, Phi<std::string>(request.patient), input.from, input.to));
    if (blinds.empty()) return Error{Code::not_found, "the ledger has no entry in that period"};
    input.patients = std::move(blinds);
  }
  LICET_TRY(bundle, make_bundle(input));
  // Evidence that leaves is on record before it exists.
  json payload{{"act", "prove"},
               {"from", count(input.from)},
               {"manifest", hex(bundle.manifest)},
               {"to", count(input.to)},
               {"patient", !input.patients.empty()}};
  if (!input.vendor.empty()) payload["vendor"] = input.vendor;
  ledger::Draft draft;
  draft.kind = ledger::Kind::admin;
  draft.actor = request.by;
  draft.payload = payload.dump();
  auto recorded = input.ledger->append_and_wait(std::move(draft));
  if (!recorded) return Error{Code::unavailable, "this was not recorded, so nothing was written: " + recorded.error().message};
  LICET_TRY_VOID(write_bundle(files, request.folder, bundle));
  return Produced{bundle.files.size(), bundle.entries, recorded->index(), bundle.manifest};
}

}  // namespace licet::proof
