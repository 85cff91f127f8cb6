#include "console/console.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "console/internal/acts.h"
#include "console/internal/assets.h"
#include "console/internal/page.h"
#include "console/internal/proposal.h"
#include "console/internal/reply.h"
#include "console/internal/tar.h"
#include "console/internal/views.h"
#include "crypto/crypto.h"
#include "proof/findings.h"
#include "proof/verify.h"

namespace licet::console {
namespace {

using nlohmann::json;

constexpr std::size_t kMostSessions = 64;
constexpr auto kSessionLife = std::chrono::hours(12);
constexpr auto kIdle = std::chrono::minutes(15);
constexpr unsigned kFailedPerMinute = 10;  // of those that are put on the ledger
constexpr std::size_t kMostItems = 500;
constexpr std::size_t kMostBodyBytes = 64 * 1024;
constexpr std::string_view kCookie = "licet_console=";
constexpr std::string_view kPolicy =
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self'; connect-src 'self'; "
    "style-src 'self'; script-src 'self'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html";

std::string random_hex(Random& random) {
  std::array<std::byte, 16> raw{};
  random.fill(raw);
  return hex(raw);
}

// The session of the Cookie field; empty: none.
std::string_view cookie_of(const http::Request& request) {
  const std::string* field = request.headers.find("cookie");
  std::string_view rest = field == nullptr ? std::string_view() : *field;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(';'), rest.size());
    std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(kCookie)) return one.substr(kCookie.size());
  }
  return {};
}

// One page of a list: items offset..offset+limit of those that `want` keeps.
template <class T, class Want>
Reply list(std::string_view query, std::span<const T> all, std::uint64_t epoch, Want want) {
  const std::uint64_t offset = number_of(parameter(query, "offset"), 0);
  const std::uint64_t limit = std::clamp<std::uint64_t>(number_of(parameter(query, "limit"), 100), 1, kMostItems);
  json items = json::array();
  std::uint64_t total = 0;
  for (const T& item : all) {
    if (!want(item)) continue;
    if (total >= offset && items.size() < limit) items.push_back(proof::to_json(item));
    ++total;
  }
  const bool more = offset < total && total - offset > limit;
  return json_reply(
      {{"epoch", epoch}, {"items", std::move(items)}, {"total", total}, {"next", more ? json(offset + limit) : json(nullptr)}});
}

json glimpse_json(const gate::Glimpse& g) {
  return {{"exchange", g.exchange},   {"time", format(g.time)},  {"actor", g.actor},     {"client", g.client},     {"route", g.route},
          {"action", g.action},       {"type", g.resource_type}, {"purpose", g.purpose}, {"decision", g.decision}, {"reason", g.reason},
          {"sentence", g.sentence},   {"form", g.form},          {"view", g.view},       {"license", g.license},   {"epoch", g.epoch},
          {"resources", g.resources}, {"withheld", g.withheld},  {"bytes", g.bytes},     {"status", g.status}};
}

Reply exchanges(std::string_view query, const gate::Gate& gate) {
  const std::uint64_t after = number_of(parameter(query, "after"), 0);
  const std::uint64_t limit = std::clamp<std::uint64_t>(number_of(parameter(query, "limit"), 100), 1, kMostItems);
  // What is shown while we look moves the list: look again; at worst a few are told twice, and callers know them by their reference.
  std::uint64_t seen = gate.glimpses();
  std::vector<gate::Glimpse> recent;
  for (int tries = 0; tries < 4; ++tries) {
    recent = gate.recent(kMostItems);
    const std::uint64_t now = gate.glimpses();
    if (now == seen) break;
    seen = now;
  }
  // A number from before a restart counts nothing here: begin anew.
  const std::uint64_t fresh = after > seen ? seen : seen - after;
  json items = json::array();
  for (std::size_t i = 0; i < std::min<std::uint64_t>({recent.size(), fresh, limit}); ++i) items.push_back(glimpse_json(recent[i]));
  return json_reply({{"items", std::move(items)}, {"next", seen}});
}

Reply metrics(const gate::Gate& gate, const epoch::Keeper& keeper, const ledger::Ledger& ledger, std::string_view build) {
  const gate::Counters& c = gate.counters();
  std::string out;
  const auto family = [&](std::string_view name, std::string_view type, std::string_view help) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  };
  family("licet_build_info", "gauge", "The program's version.");
  out += fmt::format("licet_build_info{{version=\"{}\"}} 1\n", build);
  family("licet_exchanges_total", "counter", "Exchanges since start, by how they ended.");
  const std::pair<const char*, std::uint64_t> ended[] = {{"pass", c.passed.load()},
                                                         {"reduce", c.reduced.load()},
                                                         {"refuse", c.refused.load()},
                                                         {"hold", c.held.load()},
                                                         {"cut", c.cut.load()}};
  for (const auto& [outcome, n] : ended) out += fmt::format("licet_exchanges_total{{outcome=\"{}\"}} {}\n", outcome, n);
  family("licet_errors_total", "counter", "Exchanges that failed inside the gate.");
  out += fmt::format("licet_errors_total {}\n", c.errors.load());
  family("licet_bytes_out_total", "counter", "Bytes of PHI-bearing parts that left.");
  out += fmt::format("licet_bytes_out_total {}\n", c.bytes_out.load());
  family("licet_ledger_entries", "gauge", "Entries that are durable.");
  out += fmt::format("licet_ledger_entries {}\n", ledger.head().size);
  family("licet_ledger_poisoned", "gauge", "1 where a write or sync failed: nothing passes until a restart.");
  out += fmt::format("licet_ledger_poisoned {}\n", ledger.poisoned() ? 1 : 0);
  const epoch::Status status = keeper.status();
  family("licet_epoch", "gauge", "The number of the table in force.");
  out += fmt::format("licet_epoch {}\n", status.epoch);
  family("licet_declaration_stale", "gauge", "1 where the folder holds a declaration that is not in force because it has problems.");
  out += fmt::format("licet_declaration_stale {}\n", status.stale ? 1 : 0);
  if (const auto epoch = keeper.current()) {
    family("licet_licenses", "gauge", "Licenses in force.");
    out += fmt::format("licet_licenses {}\n", epoch->world.table->licenses().size());
    family("licet_findings", "gauge", "Findings by status.");
    const json summary = proof::summary(epoch->world.judgment);  // named: a temporary in a range-for dies too early
    for (const auto& [name, n] : summary.items()) out += fmt::format("licet_findings{{status=\"{}\"}} {}\n", name, n.get<std::uint64_t>());
  }
  Reply reply;
  reply.head.headers = {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}, {"cache-control", "no-store"}};
  reply.body = std::move(out);
  return reply;
}

Reply html(int status, std::string body, std::string_view policy) {
  return {{status,
           {{"content-type", "text/html; charset=utf-8"},
            {"cache-control", "no-store"},
            {"content-security-policy", std::string(policy)},
            {"referrer-policy", "no-referrer"},
            {"x-content-type-options", "nosniff"},
            {"cross-origin-opener-policy", "same-origin"}}},
          std::move(body)};
}

const Asset* asset(std::string_view path) {
  for (const Asset& a : assets())
    if (a.path == path) return &a;
  return nullptr;
}

Reply asset_reply(const Asset& a, const http::Request& request) {
  const std::string* accepts = request.headers.find("accept-encoding");
  if (a.gzip && accepts != nullptr && accepts->find("gzip") == std::string::npos && accepts->find('*') == std::string::npos)
    return problem(406, "This is kept compressed.", "accept gzip");
  Reply reply{{200,
               {{"content-type", std::string(a.type)},
                {"cache-control", a.immutable ? "public, max-age=31536000, immutable" : "public, no-cache"},
                {"etag", std::string(a.etag)},
                {"x-content-type-options", "nosniff"},
                {"cross-origin-resource-policy", "same-origin"}}},
              std::string(a.bytes)};
  if (a.gzip) reply.head.headers.add("content-encoding", "gzip"), reply.head.headers.add("vary", "accept-encoding");
  if (const std::string* held = request.headers.find("if-none-match"); held != nullptr && *held == a.etag)
    reply.head.status = 304, reply.body.clear();
  return reply;
}

// What an epoch holds changes only with it: callers may ask again with the tag.
Reply tagged(const json& value) {
  Reply reply = json_reply(value);
  reply.head.headers.set("cache-control", "private, no-cache");
  reply.head.headers.set("etag", "\"" + hex(crypto::sha256(reply.body)).substr(0, 24) + "\"");
  return reply;
}
Reply tagged(Result<json> value) {
  return value ? tagged(*value) : problem(value.error());
}

// A script's own key is proof enough. A browser sends the cookie by itself: only our page can set the header (another origin would be asked
// for permission first, and none is given), and the browser's own word on where the request began must not speak against it.
bool from_here(const http::Request& request) {
  if (const std::string* field = request.headers.find("authorization"); field != nullptr && field->starts_with("Bearer ")) return true;
  const auto is = [&](std::string_view name, std::string_view wanted) {
    const std::string* value = request.headers.find(name);
    return value != nullptr && *value == wanted;
  };
  const std::string* origin = request.headers.find("origin");
  const std::string* site = request.headers.find("sec-fetch-site");
  const std::string ours = (request.peer.tls ? "https://" : "http://") + request.host;
  return is("licet-console", "1") && (origin == nullptr || *origin == ours) && (site == nullptr || *site == "same-origin");
}

}  // namespace

Console::Console(Options options) : options_(std::move(options)), key_(random_hex(*options_.random)), held_(std::make_unique<HeldList>()) {
  if (options_.files == nullptr) options_.files = &store::real_files();
  page_ = page();
  const auto source = [](std::string_view text) { return "'sha256-" + base64(crypto::sha256(text)) + "'"; };
  policy_ =
      "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src data:; connect-src 'self'; style-src " +
      source(page_style()) + "; script-src " + source(page_script());
}
Console::~Console() = default;

Task<void> Console::handle(http::Request request, http::Body& body, http::Responder& responder) {
  auto read = co_await read_body(body, kMostBodyBytes);
  Reply reply = read ? answer(request, *read) : problem(read.error());
  co_await send(responder, std::move(reply));
}

Reply Console::answer(const http::Request& request, const std::string& body) {
  const std::string_view path = request.path();
  if (path == "/login") {
    if (request.method != "POST") return problem(405, "Sign in with POST.");
    return sign_in(request, parameter(body, "key").value_or(""));
  }
  if (path == "/logout") return request.method == "POST" ? sign_out(request) : problem(405, "Sign out with POST.");
  if (request.method == "POST" && path.starts_with("/api/v1/")) return act(path.substr(8), request, body);
  if (request.method != "GET" && request.method != "HEAD") return problem(405, "GET; or POST to /api/v1/.");
  if (path == "/healthz")
    return Reply{{options_.ledger->poisoned() ? 503 : 200, {{"content-type", "text/plain"}, {"cache-control", "no-store"}}},
                 options_.ledger->poisoned() ? "poisoned\n" : "ok\n"};
  if (path == "/metrics") return metrics(*options_.gate, *options_.keeper, *options_.ledger, options_.build);
  if (path.starts_with("/assets/") || path == "/favicon.svg") {
    const Asset* found = asset(path);
    return found == nullptr ? problem(404, "There is nothing at this address.") : asset_reply(*found, request);
  }
  const bool known = signed_in(request);
  if (path == "/" || path == "/plain") {
    if (const auto given = parameter(request.query(), "key")) return sign_in(request, *given);
    if (!known) return html(401, sign_in_page(), policy_);
    const Asset* front = path == "/" ? asset("/") : nullptr;
    return front == nullptr ? html(200, page_, policy_) : html(200, std::string(front->bytes), kPolicy);
  }
  if (!path.starts_with("/api/v1/")) return problem(404, "There is nothing at this address.");
  if (!known)
    return problem(401, "Sign in first.", "open the address that `licet serve` printed, or send its key as `Authorization: Bearer KEY`");
  Reply reply = read(path.substr(8), request.query());
  if (const std::string* etag = reply.head.headers.find("etag"); etag != nullptr && reply.head.status == 200) {
    const std::string* held = request.headers.find("if-none-match");
    if (held != nullptr && *held == *etag) reply.head.status = 304, reply.body.clear();
  }
  return reply;
}

Reply Console::read(std::string_view what, std::string_view query) {
  const Desk desk{options_.gate, options_.keeper, options_.ledger, options_.keys, options_.random};
  if (what == "status") return json_reply(status_json(*options_.gate, *options_.keeper, *options_.ledger, options_.build));
  if (what == "exchanges") return exchanges(query, *options_.gate);
  if (what == "explain") return explain(desk, parameter(query, "ref").value_or(""));
  if (what == "held") {
    auto items = held_->list(*options_.ledger);
    return items ? json_reply({{"items", *std::move(items)}}) : problem(items.error());
  }
  const auto epoch = options_.keeper->current();
  if (!epoch) return problem(503, "No table is in force yet.");
  const auto all = [](const auto&) { return true; };
  if (what == "licenses") return list<license::License>(query, epoch->world.table->licenses(), epoch->number, all);
  if (what == "grounds") return list<rules::Ground>(query, epoch->world.judgment.grounds, epoch->number, all);
  if (what == "findings") return tagged(findings_page(*epoch, query));
  if (what == "agreements") return tagged(agreements_view(*epoch));
  if (what == "map") return tagged(map_view(*epoch));
  if (what == "rules") return tagged(rules_view(*epoch));
  if (what == "vocabulary") return tagged(vocabulary_view(*epoch));
  if (what == "suspensions") return tagged(suspensions_view(*epoch));
  if (what == "may") return tagged(may_view(*epoch, query, {options_.packs, options_.ledger->now(), options_.files}));
  if (what == "why") return tagged(why_view(*epoch, query));
  if (what == "source") return tagged(source_view(*epoch, parameter(query, "id").value_or("")));
  if (what == "cut") return tagged(cut_view(*epoch, parameter(query, "id").value_or("")));
  return problem(404, "There is nothing at this address.");
}

Reply Console::act(std::string_view what, const http::Request& request, const std::string& body) {
  if (!signed_in(request)) return problem(401, "Sign in first.");
  if (!from_here(request))
    return problem(403, "This did not come from the console.", "send the header `Licet-Console: 1`, from this origin");
  const json in = json::parse(body, nullptr, false);
  if (!in.is_object()) return problem(400, "The body must be a JSON object.");
  const std::string by = in.contains("by") ? text(in, "by") : "console";
  if (!good_name(by)) return problem(400, "This can't be done as asked.", "by must be a name of letters, digits and -_.@, 64 at most");
  if (what == "bundle") return bundle(in, by);
  if (what == "propose") return propose_change(in);
  const Desk desk{options_.gate, options_.keeper, options_.ledger, options_.keys, options_.random};
  if (what == "release") return release(desk, text(in, "reference"), text(in, "until"), by);
  if (what == "suspend" || what == "lift") return suspend(desk, text(in, "id"), what == "lift", by);
  return problem(404, "There is nothing at this address.");
}

Reply Console::propose_change(const json& in) {
  const auto epoch = options_.keeper->current();
  if (!epoch) return problem(503, "No table is in force yet.");
  auto proposal = propose(*epoch, text(in, "id"), text(in, "text"), options_.packs, options_.ledger->now(), *options_.files);
  return proposal ? json_reply(*proposal) : problem(proposal.error());
}

Reply Console::bundle(const json& in, const std::string& by) {
  const auto epoch = options_.keeper->current();
  if (!epoch || options_.bundles.empty()) return problem(503, "No bundle can be made here.");
  proof::ProveInput input = evidence_input(*epoch, *options_.ledger, *options_.keys, options_.build);
  const Micros now = input.now;
  // Never about a patient: that is ePHI, and stays with those who run the program.
  const std::string folder = options_.bundles + "/" + random_hex(*options_.random);
  auto made = proof::produce(*options_.files, {folder, text(in, "from"), text(in, "to"), text(in, "vendor"), "", by, options_.stack},
                             std::move(input));
  if (!made) return problem(made.error());
  auto files = proof::read_bundle(*options_.files, folder);
  if (!files) return problem(files.error());
  const std::string name = fmt::format("licet-evidence-{}", format(now).substr(0, 10));
  auto packed = tar(*files, name, now);
  for (const proof::BundleFile& file : *files) {  // it is on its way to whoever asked: nothing of it stays, nor an empty folder
    std::string path = folder + "/" + file.path;
    for (auto removed = options_.files->remove(path); removed && path.size() > folder.size(); removed = options_.files->remove(path))
      path.resize(path.rfind('/'));
  }
  if (!packed) return problem(packed.error());
  return {{200,
           {{"content-type", "application/x-tar"},
            {"content-disposition", "attachment; filename=\"" + name + ".tar\""},
            {"cache-control", "no-store"},
            {"x-content-type-options", "nosniff"}}},
          *std::move(packed)};
}

bool Console::is_key(std::string_view given) const {
  return given.size() == key_.size() && crypto::equal_constant_time(as_bytes(given), as_bytes(key_));
}

bool Console::signed_in(const http::Request& request) {
  if (const std::string* field = request.headers.find("authorization"); field != nullptr && field->starts_with("Bearer "))
    return is_key(std::string_view(*field).substr(7));
  const std::string_view id = cookie_of(request);
  const Micros now = options_.ledger->now();
  const std::lock_guard lock(mutex_);
  const auto session = std::find_if(sessions_.begin(), sessions_.end(), [&](const Session& s) {
    return now < s.until && now < s.used + kIdle && s.id.size() == id.size() && crypto::equal_constant_time(as_bytes(s.id), as_bytes(id));
  });
  if (session == sessions_.end()) return false;
  // A page that looks again by itself, with nobody at it, keeps no session open.
  if (request.headers.find("licet-poll") == nullptr) session->used = now;
  return true;
}

Reply Console::sign_in(const http::Request& request, std::string_view given) {
  const bool good = is_key(given);
  record_login(good);
  if (!good) return html(401, sign_in_page(), policy_);
  const std::string id = random_hex(*options_.random);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(sessions_, [old = cookie_of(request)](const Session& s) { return s.id == old; });
    const Micros now = options_.ledger->now();
    sessions_.push_back({id, now + kSessionLife, now});
    if (sessions_.size() > kMostSessions) sessions_.pop_front();
  }
  // Away from the address that holds the key, so that it doesn't stay in the bar.
  Reply reply{{303,
               {{"location", "/"},
                {"set-cookie", fmt::format("{}{}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", kCookie, id,
                                           std::chrono::seconds(kSessionLife).count(), request.peer.tls ? "; Secure" : "")},
                {"cache-control", "no-store"},
                {"referrer-policy", "no-referrer"}}},
              ""};
  return reply;
}

Reply Console::sign_out(const http::Request& request) {
  if (!from_here(request)) return problem(403, "This did not come from the console.");
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(sessions_, [id = cookie_of(request)](const Session& s) { return s.id == id; });
  }
  return Reply{
      {204, {{"set-cookie", fmt::format("{}; Path=/; HttpOnly; SameSite=Strict; Max-Age=0", kCookie)}, {"cache-control", "no-store"}}}, ""};
}

void Console::record_login(bool good) {
  if (!good) {
    const Micros minute = std::chrono::floor<std::chrono::minutes>(options_.ledger->now());
    const std::lock_guard lock(mutex_);
    if (minute != minute_) minute_ = minute, failed_ = 0;
    if (++failed_ > kFailedPerMinute) return;  // guessing must not fill the ledger
  }
  ledger::Draft draft;
  draft.kind = ledger::Kind::login;
  draft.actor = good ? "console" : "";
  draft.payload = json{{"act", good ? "login" : "login-failed"}, {"through", "console"}}.dump();
  auto recorded = options_.ledger->append_and_wait(std::move(draft));
  recorded.ignore();  // a full disk must not keep the officer from seeing why
}

}  // namespace licet::console
