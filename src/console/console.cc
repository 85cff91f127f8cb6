#include "console/console.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "console/internal/acts.h"
#include "console/internal/api.h"
#include "console/internal/assets.h"
#include "console/internal/door.h"
#include "console/internal/events.h"
#include "console/internal/page.h"
#include "console/internal/reply.h"
#include "base/workers.h"
#include "crypto/crypto.h"
#include "identity/provider.h"
#include "proof/findings.h"

namespace licet::console {
namespace {

using identity::Act;
using nlohmann::json;

constexpr std::size_t kMostBodyBytes = 64 * 1024;
constexpr std::string_view kStateCookie = "licet_oidc";
constexpr std::string_view kPolicy =
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self'; connect-src 'self'; "
    "style-src 'self'; script-src 'self'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html";

std::string random_hex(Random& random) {
  std::array<std::byte, 16> raw{};
  random.fill(raw);
  return hex(raw);
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

Reply redirect(std::string to) {
  return {{303, {{"location", std::move(to)}, {"cache-control", "no-store"}, {"referrer-policy", "no-referrer"}}}, ""};
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

// A list of tags, or any.
bool holds_tag(const std::string& field, const std::string& tag) {
  if (field == "*") return true;
  for (std::string_view rest = field; !rest.empty();) {
    const auto end = std::min(rest.find(','), rest.size());
    std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == tag) return true;
  }
  return false;
}

bool has_bearer(const http::Request& request) {
  const std::string* field = request.headers.find("authorization");
  return field != nullptr && field->starts_with("Bearer ");
}

// The browser's own word on where a request began, where it says one, must not speak against us.
bool same_origin(const http::Request& request) {
  const std::string* origin = request.headers.find("origin");
  const std::string* site = request.headers.find("sec-fetch-site");
  const std::string ours = (request.peer.tls ? "https://" : "http://") + request.host;
  if (site != nullptr && *site != "same-origin") return false;
  return origin == nullptr || *origin == ours;
}

// A script's own key is proof enough. A browser sends the cookie by itself: only our page knows the token of its session.
bool from_here(const http::Request& request, const Who& who) {
  if (has_bearer(request)) return true;
  const std::string* token = request.headers.find("licet-csrf");
  return same_origin(request) && token != nullptr && !who.csrf.empty() && token->size() == who.csrf.size() &&
         crypto::equal_constant_time(as_bytes(*token), as_bytes(who.csrf));
}

Reply busy() {
  Reply reply = problem(503, "Busy.", "ask again in a moment");
  reply.head.headers.set("retry-after", "1");
  return reply;
}

}  // namespace

struct Console::Inside {
  Options options;
  std::string secret;  // of this start
  Passes keys, links;
  Door door;
  Records records;
  Past past;
  HeldList held;
  Api api;
  std::optional<identity::Provider> provider;
  Events events;
  Workers quick{2, 64}, slow{1, 8};
  std::string plain_page, policy;  // /plain, and the policy that names its one style and script by hash
  std::mutex mutex;
  std::shared_ptr<const epoch::Epoch> warmed;

  explicit Inside(Options o)
      : options(std::move(o)),
        secret(random_hex(*options.random)),
        keys({options.files, options.state.empty() ? "" : options.state + "/api-keys.json", "licet", options.keys, options.random}),
        links({options.files, options.state.empty() ? "" : options.state + "/trust-links.json", "trust", options.keys, options.random}),
        door({options.ledger, options.random, options.accounts, &keys, secret}),
        records({options.ledger, options.state.empty() ? "" : options.state + "/index.sqlite"}),
        past({&records, options.packs, options.snapshots, options.stack, options.files, options.limits}),
        api({.desk = {options.gate, options.keeper, options.ledger, options.keys, options.random, &records},
             .accounts = options.accounts,
             .door = &door,
             .keys = &keys,
             .links = &links,
             .records = &records,
             .past = &past,
             .held = &held,
             .files = options.files,
             .document_text = options.document_text,
             .build = options.build,
             .packs = options.packs,
             .stack = options.stack,
             .bundles = options.bundles,
             .origin = options.origin}),
        events({options.gate, options.keeper}) {
    if (!options.oidc.issuer.empty())
      provider.emplace(identity::Provider::Options{.issuer = options.oidc.issuer,
                                                   .client = options.oidc.client,
                                                   .secret = options.oidc.secret,
                                                   .outbound = options.oidc.outbound,
                                                   .random = options.random});
    plain_page = page();
    const auto source = [](std::string_view text) { return "'sha256-" + base64(crypto::sha256(text)) + "'"; };
    policy =
        "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src data:; connect-src 'self'; style-src " +
        source(page_style()) + "; script-src " + source(page_script());
  }

  [[nodiscard]] Zone zone() const {
    const auto epoch = options.keeper->current();
    return epoch ? epoch->world.stack->zone : Zone::utc();
  }
  [[nodiscard]] std::string own_url(const http::Request& request) const {
    return options.url.empty() ? (request.peer.tls ? "https://" : "http://") + request.host : options.url;
  }

  Reply answer(const http::Request& request, const std::string& body);
  Reply page_of(const http::Request& request, std::string_view path);
  Reply log_in(const http::Request& request, const std::string& body);
  Reply entered(Result<Door::Entered> done, const http::Request& request, bool as_json);
  Reply api_answer(const http::Request& request, const std::string& body);
  Task<void> stream(const http::Request& request, http::Responder& responder);
  Task<Reply> begin_oidc(const http::Request& request);
  Task<Reply> end_oidc(const http::Request& request);
};

Console::Console(Options options) {
  if (options.files == nullptr) options.files = &store::real_files();
  in_ = std::make_unique<Inside>(std::move(options));
}
Console::~Console() {
  stop();
}

Result<void> Console::start() {
  LICET_TRY_VOID(in_->keys.load());
  LICET_TRY_VOID(in_->links.load());
  LICET_TRY_VOID(in_->records.start());
  return {};
}

void Console::stop() {
  in_->events.stop();
  in_->quick.stop();
  in_->slow.stop();
  in_->records.stop();
}

std::string Console::key() const {
  return in_->door.first() ? in_->secret : "";
}

Task<void> Console::handle(http::Request request, http::Body& body, http::Responder& responder) {
  auto reading = read_body(body, kMostBodyBytes);
  auto read = co_await std::move(reading);
  if (!read) {
    auto sending = send(responder, problem(read.error()));
    co_await std::move(sending);
    co_return;
  }
  const std::string_view path = request.path();
  const bool get = request.method == "GET" || request.method == "HEAD";
  if (path == "/api/v1/events" && request.method == "GET") {
    auto streaming = in_->stream(request, responder);
    co_await std::move(streaming);
    co_return;
  }
  std::optional<Reply> direct;
  if (get && path == "/oidc/start") {
    auto beginning = in_->begin_oidc(request);
    direct = co_await std::move(beginning);
  } else if (get && path == "/oidc/callback") {
    auto ending = in_->end_oidc(request);
    direct = co_await std::move(ending);
  } else if (get && (path.starts_with("/assets/") || path == "/favicon.svg")) {
    const Asset* found = asset(path);
    direct = found == nullptr ? problem(404, "There is nothing at this address.") : asset_reply(*found, request);
  } else if (get && path == "/healthz") {
    const bool poisoned = in_->options.ledger->poisoned();
    direct =
        Reply{{poisoned ? 503 : 200, {{"content-type", "text/plain"}, {"cache-control", "no-store"}}}, poisoned ? "poisoned\n" : "ok\n"};
  }
  if (direct) {
    auto sending = send(responder, *std::move(direct));
    co_await std::move(sending);
    co_return;
  }
  bool there = false;
  const Route* route = path.starts_with("/api/v1/") ? find_route(request.method, path.substr(8), there) : nullptr;
  Workers& lane = route != nullptr && route->slow ? in_->slow : in_->quick;
  // The worker has its own copies: this Task may be dropped while it works.
  auto asked = std::make_shared<const std::pair<http::Request, std::string>>(std::move(request), *std::move(read));
  auto start = [in = in_.get(), &lane, asked](auto done) {
    auto work = [in, asked, done] { done(std::make_shared<Reply>(in->answer(asked->first, asked->second))); };
    if (!lane.give(std::move(work))) done(std::make_shared<Reply>(busy()));
  };
  auto waiting = until<std::shared_ptr<Reply>>(std::move(start));
  std::shared_ptr<Reply> reply = co_await std::move(waiting);
  auto sending = send(responder, std::move(*reply));
  co_await std::move(sending);
}

Reply Console::Inside::answer(const http::Request& request, const std::string& body) {
  const std::string_view path = request.path();
  if (path.starts_with("/api/v1/")) return api_answer(request, body);
  if (path == "/login") return request.method == "POST" ? log_in(request, body) : problem(405, "Sign in with POST.");
  if (path == "/logout") {
    if (request.method != "POST") return problem(405, "Sign out with POST.");
    const Who who = door.who(request, false);
    if (who.known && !from_here(request, who)) return problem(403, "This did not come from the console.");
    return {{204, {{"set-cookie", door.log_off(request)}, {"cache-control", "no-store"}, {"clear-site-data", "\"storage\""}}}, ""};
  }
  if (request.method != "GET" && request.method != "HEAD") return problem(405, "GET; or POST to /api/v1/.");
  if (path == "/login-options") return json_reply({{"first", door.first()}, {"oidc", provider.has_value()}, {"name", options.oidc.name}});
  if (path == "/metrics") return metrics(*options.gate, *options.keeper, *options.ledger, options.build);
  if (path.starts_with("/trust/")) return api.trust_link(path.substr(7));
  if (path == "/" || path == "/plain") return page_of(request, path);
  return problem(404, "There is nothing at this address.");
}

Reply Console::Inside::page_of(const http::Request& request, std::string_view path) {
  if (const auto given = parameter(request.query(), "key"))
    return entered(door.log_in(request, {.key = *given, .by_key = true}, zone()), request, false);
  // The front end holds nothing: it asks who is there, and shows the log-in.
  if (const Asset* front = path == "/" ? asset("/") : nullptr) return html(200, std::string(front->bytes), kPolicy);
  if (!door.who(request).known) return html(401, sign_in_page(!door.first(), options.oidc.name, provider.has_value()), policy);
  return html(200, plain_page, policy);
}

Reply Console::Inside::log_in(const http::Request& request, const std::string& body) {
  const std::string* type = request.headers.find("content-type");
  const bool as_json = type != nullptr && type->starts_with("application/json");
  // Another site must not log somebody in as somebody else.
  const std::string* site = request.headers.find("sec-fetch-site");
  const std::string* origin = request.headers.find("origin");
  const bool ours = site != nullptr ? *site == "same-origin" : origin == nullptr || same_origin(request);
  if (!ours) return problem(403, "This did not come from the console.");
  Door::Given given;
  if (as_json) {
    const json in = json::parse(body, nullptr, false);
    if (!in.is_object()) return problem(400, "The body must be a JSON object.");
    given = {text(in, "key"), text(in, "name"), text(in, "password"), text(in, "code"), in.contains("key")};
  } else {
    const auto field = [&](const char* name) { return parameter(body, name).value_or(""); };
    given = {field("key"), field("name"), field("password"), field("code"), parameter(body, "key").has_value()};
  }
  return entered(door.log_in(request, given, zone()), request, as_json);
}

Reply Console::Inside::entered(Result<Door::Entered> done, const http::Request& request, bool as_json) {
  static_cast<void>(request);
  if (!done) {
    const Error& e = done.error();
    const int status = e.code == Code::exhausted                                                  ? 429
                       : e.code == Code::permission_denied || e.code == Code::failed_precondition ? 401
                                                                                                  : 500;
    Reply reply = as_json ? problem(status, "That did not log you in.", e.message)
                          : html(status, sign_in_page(!door.first(), options.oidc.name, provider.has_value(), e.message), policy);
    if (status == 429) reply.head.headers.set("retry-after", "60");
    return reply;
  }
  // Away from an address that holds a key, so that it doesn't stay in the bar.
  Reply reply = as_json ? json_reply(api.session(done->who)) : redirect("/");
  reply.head.headers.add("set-cookie", done->cookie);
  return reply;
}

Reply Console::Inside::api_answer(const http::Request& request, const std::string& body) {
  const std::string_view what = request.path().substr(8);
  const Who who = door.who(request);
  if (!who.known) return problem(401, "Sign in first.", "at / of this address, or with `Authorization: Bearer KEY`");
  bool there = false;
  const Route* route = find_route(request.method, what, there);
  if (route == nullptr && there) return problem(405, "Another method.", "docs/api/openapi.yaml says which");
  if (route == nullptr) return problem(404, "There is nothing at this address.");
  if (route->method == "POST" && !from_here(request, who))
    return problem(403, "This did not come from the console.", "send the session's token as `Licet-Csrf`, from this origin");
  Reply reply = api.answer(*route, request, who, body);
  if (const std::string* etag = reply.head.headers.find("etag"); etag != nullptr && reply.head.status == 200) {
    const std::string* held_tag = request.headers.find("if-none-match");
    if (held_tag != nullptr && holds_tag(*held_tag, *etag))
      reply.head.status = 304, reply.body.clear(), reply.head.headers.remove("content-type");
  }
  // A new table: make what the first screens ask for, once.
  if (const auto now = options.keeper->current()) {
    bool warm = false;
    {
      const std::lock_guard lock(mutex);
      warm = warmed != now;
      warmed = now;
    }
    if (warm && !slow.give([this] { api.warm(); })) {
      const std::lock_guard lock(mutex);
      warmed = nullptr;
    }
  }
  return reply;
}

Task<void> Console::Inside::stream(const http::Request& request, http::Responder& responder) {
  const Who who = door.who(request, false);
  std::optional<Reply> no;
  if (!who.known)
    no = problem(401, "Sign in first.", "at / of this address, or with `Authorization: Bearer KEY`");
  else if (!who.acts.has(Act::watch))
    no = problem(403, "Your role may not do this.", "it needs the act `watch`; GET /api/v1/roles says who has it");
  std::shared_ptr<Events::Listener> listener;
  if (!no) {
    std::optional<std::uint64_t> after;
    if (const auto given = parameter(request.query(), "after")) after = number_of(given, 0);
    if (const std::string* last = request.headers.find("last-event-id")) after = number_of(*last, 0);
    // Does it still hold? A session is asked by its id; a key is looked up again.
    auto bearer = std::make_shared<http::Request>();
    if (const std::string* field = request.headers.find("authorization")) bearer->headers.add("authorization", *field);
    auto still = [this, session = who.session, bearer] {
      return session.empty() ? door.who(*bearer, false).known : door.who_of(session).known;
    };
    auto say = [this, owners = who.owners](const gate::Glimpse& g) { return api.exchange(g, owners); };
    listener = events.listen(after, std::move(still), std::move(say));
    if (!listener) no = busy();
  }
  if (no) {
    auto sending = send(responder, *std::move(no));
    co_await std::move(sending);
    co_return;
  }
  http::Response head{200,
                      {{"content-type", "text/event-stream"},
                       {"cache-control", "no-store"},
                       {"x-content-type-options", "nosniff"},
                       {"x-accel-buffering", "no"}}};
  auto beginning = responder.begin(std::move(head), std::nullopt);
  auto begun = co_await std::move(beginning);
  if (!begun) co_return;
  for (;;) {
    auto start = [listener](auto done) { listener->next(std::move(done)); };
    auto waiting = until<Events::More>(std::move(start));
    Events::More more = co_await std::move(waiting);
    const bool end = more.end;
    auto writing = responder.write(std::move(more.bytes));
    auto written = co_await std::move(writing);
    if (!written) co_return;
    if (end) break;
  }
  auto finishing = responder.finish();
  auto finished = co_await std::move(finishing);
  finished.ignore();  // whether the listener is still there changes nothing
}

Task<Reply> Console::Inside::begin_oidc(const http::Request& request) {
  if (!provider) co_return problem(404, "There is nothing at this address.");
  auto beginning = provider->begin(own_url(request) + "/oidc/callback", options.ledger->now());
  auto begun = co_await std::move(beginning);
  if (!begun) co_return problem(begun.error());
  Reply reply = redirect(begun->url);
  // Lax: it must come along when the provider sends the browser back.
  reply.head.headers.add("set-cookie", fmt::format("{}={}; Path=/oidc; HttpOnly; SameSite=Lax; Max-Age=600{}", kStateCookie, begun->state,
                                                   request.peer.tls ? "; Secure" : ""));
  co_return reply;
}

Task<Reply> Console::Inside::end_oidc(const http::Request& request) {
  if (!provider) co_return problem(404, "There is nothing at this address.");
  const auto query = request.query();
  auto ending = provider->finish(cookie_of(request, kStateCookie), parameter(query, "state").value_or(""),
                                 parameter(query, "code").value_or(""), parameter(query, "iss").value_or(""), options.ledger->now());
  auto known = co_await std::move(ending);
  std::optional<identity::Account> account;
  std::string why;
  if (!known) {
    why = known.error().message;
  } else if (options.oidc.second_factor && !known->mfa) {
    why = "the identity provider does not say that a second factor was used";
  } else {
    account = options.accounts == nullptr ? std::nullopt : options.accounts->by_subject(options.oidc.issuer, known->subject);
    if (!account) why = "nobody here has that account at the identity provider";
  }
  // Ledger and files are waited for elsewhere than on this thread.
  auto given = std::make_shared<const http::Request>(request);
  auto start = [this, given, account, why](auto done) {
    auto work = [this, given, account, why, done] {
      if (!account) {
        door.failed(*given, {});
        done(std::make_shared<Reply>(html(401, sign_in_page(!door.first(), options.oidc.name, true, why), policy)));
        return;
      }
      done(std::make_shared<Reply>(entered(door.enter(*given, *account, zone()), *given, false)));
    };
    if (!quick.give(std::move(work))) done(std::make_shared<Reply>(busy()));
  };
  auto waiting = until<std::shared_ptr<Reply>>(std::move(start));
  std::shared_ptr<Reply> reply = co_await std::move(waiting);
  reply->head.headers.add("set-cookie", fmt::format("{}=; Path=/oidc; HttpOnly; SameSite=Lax; Max-Age=0", kStateCookie));
  co_return std::move(*reply);
}

}  // namespace licet::console
