#include "console/console.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "console/internal/page.h"
#include "console/internal/reply.h"
#include "crypto/crypto.h"
#include "proof/findings.h"

namespace licet::console {
namespace {

using nlohmann::json;

constexpr std::size_t kMostSessions = 64;
constexpr auto kSessionLife = std::chrono::hours(12);
constexpr unsigned kFailedPerMinute = 10;  // of those that are put on the ledger
constexpr std::size_t kMostItems = 500;
constexpr std::size_t kMostLoginBytes = 1024;
constexpr std::string_view kCookie = "licet_console=";

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

}  // namespace

Console::Console(Options options) : options_(std::move(options)), key_(random_hex(*options_.random)) {
  page_ = page();
  const auto source = [](std::string_view text) { return "'sha256-" + base64(crypto::sha256(text)) + "'"; };
  policy_ =
      "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src data:; connect-src 'self'; style-src " +
      source(page_style()) + "; script-src " + source(page_script());
}
Console::~Console() = default;

Task<void> Console::handle(http::Request request, http::Body& body, http::Responder& responder) {
  auto read = co_await read_body(body, kMostLoginBytes);
  Reply reply = read ? answer(request, *read) : problem(read.error());
  co_await send(responder, std::move(reply));
}

Reply Console::answer(const http::Request& request, const std::string& body) {
  const std::string_view path = request.path();
  if (path == "/login") {
    if (request.method != "POST") return problem(405, "Sign in with POST.");
    return sign_in(request, parameter(body, "key").value_or(""));
  }
  if (request.method != "GET" && request.method != "HEAD") return problem(405, "The console only shows: GET.");
  if (path == "/healthz")
    return Reply{{options_.ledger->poisoned() ? 503 : 200, {{"content-type", "text/plain"}, {"cache-control", "no-store"}}},
                 options_.ledger->poisoned() ? "poisoned\n" : "ok\n"};
  if (path == "/metrics") return metrics(*options_.gate, *options_.keeper, *options_.ledger, options_.build);
  const bool known = signed_in(request);
  if (path == "/") {
    if (const auto given = parameter(request.query(), "key")) return sign_in(request, *given);
    Reply reply{{known ? 200 : 401,
                 {{"content-type", "text/html; charset=utf-8"},
                  {"cache-control", "no-store"},
                  {"content-security-policy", policy_},
                  {"referrer-policy", "no-referrer"},
                  {"x-content-type-options", "nosniff"},
                  {"cross-origin-opener-policy", "same-origin"}}},
                known ? page_ : sign_in_page()};
    return reply;
  }
  if (!path.starts_with("/api/v1/")) return problem(404, "There is nothing at this address.");
  if (!known)
    return problem(401, "Sign in first.", "open the address that `licet serve` printed, or send its key as `Authorization: Bearer KEY`");
  const std::string_view what = path.substr(8);
  const auto query = request.query();
  if (what == "status") return json_reply(status_json(*options_.gate, *options_.keeper, *options_.ledger, options_.build));
  if (what == "exchanges") return exchanges(query, *options_.gate);
  const auto epoch = options_.keeper->current();
  if (!epoch) return problem(503, "No table is in force yet.");
  const auto all = [](const auto&) { return true; };
  if (what == "licenses") return list<license::License>(query, epoch->world.table->licenses(), epoch->number, all);
  if (what == "grounds") return list<rules::Ground>(query, epoch->world.judgment.grounds, epoch->number, all);
  if (what == "findings") {
    const std::string wanted = parameter(query, "status").value_or("");
    const auto want = [&](const rules::Finding& f) {
      return wanted.empty() || ("," + wanted + ",").find(fmt::format(",{},", rules::name(f.status))) != std::string::npos;
    };
    return list<rules::Finding>(query, epoch->world.judgment.findings, epoch->number, want);
  }
  return problem(404, "There is nothing at this address.");
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
  return std::any_of(sessions_.begin(), sessions_.end(), [&](const Session& s) {
    return now < s.until && s.id.size() == id.size() && crypto::equal_constant_time(as_bytes(s.id), as_bytes(id));
  });
}

Reply Console::sign_in(const http::Request& request, std::string_view given) {
  const bool good = is_key(given);
  record_login(good);
  if (!good) {
    Reply reply{{401,
                 {{"content-type", "text/html; charset=utf-8"},
                  {"cache-control", "no-store"},
                  {"content-security-policy", policy_},
                  {"referrer-policy", "no-referrer"}}},
                sign_in_page()};
    return reply;
  }
  const std::string id = random_hex(*options_.random);
  {
    const std::lock_guard lock(mutex_);
    sessions_.push_back({id, options_.ledger->now() + kSessionLife});
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
