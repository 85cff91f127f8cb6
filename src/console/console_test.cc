// The console and the admin socket over a real ledger, keeper and gate on a disk in memory; the last test speaks through a real unix
// socket.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/log.h"
#include "console/admin.h"
#include "console/card.h"
#include "console/console.h"
#include "console/internal/api.h"
#include "console/internal/assets.h"
#include "console/internal/events.h"
#include "console/internal/history.h"
#include "console/internal/page.h"
#include "console/internal/quotes.h"
#include "console/internal/reply.h"
#include "crypto/keys.h"
#include "http/client.h"
#include "http/server.h"
#include "identity/totp.h"
#include "ledger/note.h"
#include "proof/verify.h"
#include "store/faulty.h"

namespace licet::console {
namespace {

using nlohmann::json;

constexpr const char* kStack = R"(kind: stack
id: here
format: 1
tenant: riverbend
timezone: Etc/UTC
packs: [test@1.0]
---
kind: organization
id: riverbend
name: Riverbend Clinic
covered: true
functions: [provider]
---
kind: organization
id: scribe-ai
name: Scribe AI
---
kind: system
id: ehr
owner: riverbend
---
kind: system
id: scribe
owner: scribe-ai
---
kind: route
id: fhir-front
listens: /fhir/
speaks: fhir-r4
serves: ehr
---
kind: flow
id: notes
from: ehr
to: scribe
via: fhir-front
data: [clinical.note]
purposes: [TREAT]
on-behalf-of: riverbend
---
kind: permit
id: scribe-reads
to: scribe
for: [TREAT]
reads: {DocumentReference: [id, type]}
)";
constexpr const char* kPack =
    "kind: pack\nid: test\nversion: \"1.0\"\nstatus: in-force\ntitle: A test\nsource: none\nretrieved-on: 2026-01-01\n";
constexpr const char* kRules = R"y(id: r-region
cites: ["164.1"]
source: law
about: contract
level: required
asks: A system has a region.
proves: full
mend: Give {subject} a region.
effect: {default: alarm}
each: select id as subject, at from v_system
check: |
  select id as subject, case when id = 'scribe' then 'fail' else 'pass' end as status, id || ' says <b>' as because, json_array(id) as witness, '[]' as facts from v_system
---
kind: ground
id: g1
gives: treatment
cites: ["164.506(c)(1)"]
rows: select id as flow, target as recipient, data as classes, purposes, json_array(id) as witness, 'because' as because from v_flow
)y";

const Micros kStart = micros(1'795'564'800'000'000);  // 2026-11-25

class Text final : public http::Body {
 public:
  explicit Text(std::string bytes) : bytes_(std::move(bytes)) {}
  Task<Result<Phi<std::string>>> read(std::size_t) override { co_return Phi<std::string>(std::exchange(bytes_, {})); }

 private:
  std::string bytes_;
};

class Page final : public http::Responder {
 public:
  http::Response head;
  std::string body;
  Task<Result<void>> send(http::Response h, std::string b) override {
    head = std::move(h);
    body = std::move(b);
    begun_ = true;
    co_return Result<void>();
  }
  Task<Result<void>> begin(http::Response, std::optional<std::uint64_t>) override { co_return Error{Code::internal, "not used"}; }
  Task<Result<void>> write(std::string) override { co_return Error{Code::internal, "not used"}; }
  Task<Result<void>> finish() override { co_return Error{Code::internal, "not used"}; }
  void cut() override {}
  [[nodiscard]] bool begun() const override { return begun_; }
  [[nodiscard]] json value() const { return json::parse(body, nullptr, false); }
  [[nodiscard]] std::string header(std::string_view name) const {
    const std::string* v = head.headers.find(name);
    return v == nullptr ? std::string() : *v;
  }

 private:
  bool begun_ = false;
};

struct World {
  crypto::SystemRandom random;
  FakeClock clock{kStart};
  std::unique_ptr<crypto::KeyRing> keys;
  crypto::Blinder blind{crypto::Secret::random(random)};
  store::FaultyFileSystem disk;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<gate::Gate> gate;
  std::unique_ptr<epoch::Keeper> keeper;
  std::unique_ptr<identity::Accounts> accounts;
  std::unique_ptr<Console> console;
  std::unique_ptr<Admin> admin;
  std::shared_ptr<const license::Overlay> overlay;

  World() {
    log::set_level(log::Level::error);
    auto made =
        crypto::KeyRing::create(crypto::Secret::random(random), "riverbend", random, [](const std::string&) { return Result<void>(); });
    EXPECT_TRUE(made.ok());
    keys = *std::move(made);
    for (const char* folder : {"stack", "packs/test", "packs/classes"}) EXPECT_TRUE(disk.make_folder(folder).ok());
    disk.put("stack/stack.yaml", kStack);
    disk.put("packs/test/pack.yaml", kPack);
    disk.put("packs/test/rules.yaml", kRules);
    std::ifstream classes(std::string(LICET_SOURCE_DIR) + "/packs/classes/fhir-r4.yaml");
    disk.put("packs/classes/fhir-r4.yaml", std::string(std::istreambuf_iterator<char>(classes), {}));
    open_ledger();
    gate::Gate::Options g;
    g.ledger = ledger.get();
    g.blind = &blind;
    g.random = &random;
    gate = std::make_unique<gate::Gate>(std::move(g));
    epoch::Keeper::Options k;
    k.folders = {"stack", "packs"};
    k.snapshots = "state/snapshots";
    k.files = &disk;
    k.ledger = ledger.get();
    k.keys = keys.get();
    k.blind = &blind;
    k.clock = &clock;
    k.build = "0.1.0";
    k.overlaid = [this](std::shared_ptr<const license::Overlay> o) { overlay = std::move(o); };
    keeper = std::make_unique<epoch::Keeper>(std::move(k));
    auto started = keeper->start();
    EXPECT_TRUE(started.ok()) << (started ? "" : started.error().message);
    accounts =
        std::make_unique<identity::Accounts>(identity::Accounts::Options{&disk, "state/accounts.json", keys.get(), &random, {1, 8192}});
    Console::Options c;
    c.gate = gate.get();
    c.keeper = keeper.get();
    c.ledger = ledger.get();
    c.keys = keys.get();
    c.random = &random;
    c.build = "0.1.0";
    c.packs = "packs";
    c.bundles = "/out/bundles";
    c.files = &disk;
    c.snapshots = "state/snapshots";
    c.accounts = accounts.get();
    c.origin = "licet.example/riverbend/n1";
    console = std::make_unique<Console>(std::move(c));
    auto begun = console->start();
    EXPECT_TRUE(begun.ok()) << (begun ? "" : begun.error().message);
    Admin::Options a;
    a.gate = gate.get();
    a.keeper = keeper.get();
    a.ledger = ledger.get();
    a.keys = keys.get();
    a.random = &random;
    a.build = "0.1.0";
    a.files = &disk;
    a.accounts = accounts.get();
    admin = std::make_unique<Admin>(std::move(a));
  }
  ~World() {
    console->stop();
    keeper->stop();
  }

  void open_ledger() {
    ledger::Options o;
    o.files = &disk;
    o.folder = "state/ledger";
    o.outside = "state/outside";
    o.quarantine = "state/quarantine";
    o.origin = "licet.example/riverbend/n1";
    o.keys = keys.get();
    o.clock = &clock;
    o.random = &random;
    o.background = false;
    auto opened = ledger::Ledger::open(o);
    EXPECT_TRUE(opened.ok()) << (opened ? "" : opened.error().message);
    ledger = *std::move(opened);
  }

  static Page call(http::Handler& handler, http::Request request, std::string body = {}) {
    Page page;
    Text text(std::move(body));
    http::run([&]() -> Task<void> { return handler.handle(request, text, page); });
    return page;
  }
  Page get(std::string target, bool with_key = true) {
    http::Request r;
    r.method = "GET";
    r.target = std::move(target);
    if (with_key) r.headers.add("authorization", "Bearer " + console->key());
    return call(*console, std::move(r));
  }
  Page tell(std::string method, std::string target, const json& body = {}) {
    http::Request r;
    r.method = std::move(method);
    r.target = std::move(target);
    r.peer.user = ::geteuid();
    return call(*admin, std::move(r), body.is_null() ? "" : body.dump());
  }
  // What somebody with that cookie gets; with `csrf`, as our own page asks.
  Page as(const std::string& cookie, std::string method, std::string target, const json& body = {}, const std::string& csrf = {}) {
    http::Request r;
    r.method = std::move(method);
    r.target = std::move(target);
    r.host = "127.0.0.1:8080";
    if (!cookie.empty()) r.headers.add("cookie", cookie);
    if (!csrf.empty()) r.headers.add("licet-csrf", csrf), r.headers.add("origin", "http://127.0.0.1:8080");
    if (!body.is_null()) r.headers.add("content-type", "application/json");
    return call(*console, std::move(r), body.is_null() ? "" : body.dump());
  }
  static std::string cookie_in(const Page& page) {
    const std::string set = page.header("set-cookie");
    return set.substr(0, set.find(';'));
  }
  // An account of that role, logged in: its cookie and token.
  struct Person {
    std::string cookie, csrf;
    identity::Secrets secrets;
  };
  Person person(const std::string& name, identity::Role role, std::vector<std::string> owners = {}) {
    identity::NewAccount wanted{.name = name, .role = role, .owners = std::move(owners)};
    if (identity::row(role).time_boxed) wanted.until = std::chrono::floor<std::chrono::days>(clock.now()) + std::chrono::days(30);
    auto made = accounts->add(wanted);
    EXPECT_TRUE(made.ok());
    Person out;
    out.secrets = *std::move(made);
    const Page in = as("", "POST", "/login", {{"name", name}, {"password", out.secrets.password}, {"code", code(out.secrets)}});
    EXPECT_EQ(in.head.status, 200) << in.body;
    out.cookie = cookie_in(in);
    out.csrf = in.value()["csrf"];
    return out;
  }
  [[nodiscard]] std::string code(const identity::Secrets& s) const {
    return identity::totp(*identity::unbase32(s.secret), identity::totp_step(clock.now()));
  }
  // Through the gate: nobody listens there, so it is refused, recorded and shown.
  void refused() {
    http::Request r;
    r.method = "GET";
    r.target = "/nowhere";
    call(*gate, std::move(r));
  }
  void put(ledger::Draft d) { EXPECT_TRUE(ledger->append_and_wait(std::move(d)).ok()); }
  void held(const std::string& reference) {
    ledger::Draft d;
    d.kind = ledger::Kind::exchange_held;
    d.exchange = reference;
    d.actor = "scribe";
    d.flow = "notes";
    d.decision = "hold";
    d.digest = crypto::sha256("the same request");
    put(std::move(d));
  }
  [[nodiscard]] std::string leaves() const {
    std::string out;
    EXPECT_TRUE(ledger
                    ->read(0, ledger->head().size,
                           [&](const ledger::Leaf& leaf) {
                             out += leaf.json + "\n";
                             return true;
                           })
                    .ok());
    return out;
  }
  [[nodiscard]] std::string reference_now() const {
    std::string out(26, '0');
    auto ms = static_cast<std::uint64_t>(count(clock.now()) / 1000);
    for (std::size_t i = 10; i-- > 0; ms >>= 5) out[i] = "0123456789abcdefghjkmnpqrstvwxyz"[ms & 31];
    return out;
  }
};

// ---- console

TEST(Console, NothingWithoutASession) {
  World w;
  for (const char* path : {"/api/v1/status", "/api/v1/licenses", "/api/v1/findings", "/api/v1/grounds", "/api/v1/exchanges"}) {
    const Page page = w.get(path, false);
    EXPECT_EQ(page.head.status, 401) << path;
    EXPECT_EQ(page.body.find("scribe"), std::string::npos);
  }
  for (const Route& r : routes()) {
    const Page none = w.as("", std::string(r.method), "/api/v1/" + std::string(r.path), json::object());
    EXPECT_EQ(none.head.status, 401) << r.path;
  }
  const Page page = w.get("/plain", false);
  EXPECT_EQ(page.head.status, 401);
  EXPECT_NE(page.body.find("Sign in"), std::string::npos);
  EXPECT_EQ(w.get("/healthz", false).body, "ok\n");
  EXPECT_EQ(w.get("/metrics", false).head.status, 200);
  EXPECT_EQ(w.get("/api/v1/nothing").head.status, 404);
  EXPECT_EQ(w.get("/else").head.status, 404);
}

TEST(Console, AKeyBecomesACookieAndEveryLoginIsOnTheLedger) {
  World w;
  const Page in = w.get("/?key=" + w.console->key(), false);
  EXPECT_EQ(in.head.status, 303);
  EXPECT_EQ(in.header("location"), "/");
  const std::string cookie = in.header("set-cookie");
  for (const char* part : {"HttpOnly", "SameSite=Strict", "Path=/"}) EXPECT_NE(cookie.find(part), std::string::npos) << cookie;
  EXPECT_EQ(cookie.find(w.console->key()), std::string::npos) << "the cookie is not the key";
  http::Request r;
  r.method = "GET";
  r.target = "/api/v1/status";
  r.headers.add("cookie", "other=1; " + cookie.substr(0, cookie.find(';')));
  EXPECT_EQ(World::call(*w.console, r).head.status, 200);
  for (int i = 0; i < 71; ++i) {
    w.clock.advance(std::chrono::minutes(10));
    ASSERT_EQ(World::call(*w.console, r).head.status, 200) << i;
  }
  w.clock.advance(std::chrono::minutes(11));
  EXPECT_EQ(World::call(*w.console, r).head.status, 401) << "twelve hours";
  for (const char* wrong : {"", "x", "00000000000000000000000000000000"})
    EXPECT_EQ(w.get(std::string("/?key=") + wrong, false).head.status, 401);
  EXPECT_NE(w.leaves().find(R"("payload":{"act":"login","by":"key","role":"starter","through":"console"})"), std::string::npos);
  EXPECT_NE(w.leaves().find(R"("payload":{"act":"login-failed","through":"console"})"), std::string::npos);
}

TEST(Console, WhoIsAwayIsLoggedOff) {
  World w;
  const std::string set = w.get("/?key=" + w.console->key(), false).header("set-cookie");
  http::Request r;
  r.method = "GET";
  r.target = "/api/v1/status";
  r.headers = {{"cookie", set.substr(0, set.find(';'))}, {"licet-poll", "1"}};
  w.clock.advance(std::chrono::minutes(10));
  EXPECT_EQ(World::call(*w.console, r).head.status, 200);
  w.clock.advance(std::chrono::minutes(6));
  EXPECT_EQ(World::call(*w.console, r).head.status, 401) << "looking again by itself is no use";
}

TEST(Console, GuessingDoesNotFillTheLedger) {
  World w;
  const auto before = w.ledger->head().size;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(w.get("/?key=guess", false).head.status, i < 10 ? 401 : 429) << i;
  EXPECT_EQ(w.ledger->head().size, before + 10);
  w.clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(w.get("/?key=" + w.console->key(), false).head.status, 303) << "a minute later";
}

TEST(Console, ThePageIsWholeAndItsPolicyAllowsNothingElse) {
  World w;
  const Page page = w.get("/plain");
  EXPECT_EQ(page.head.status, 200);
  const std::string policy = page.header("content-security-policy");
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  const auto inside = [&](std::string_view tag) {
    const auto from = page.body.find("<" + std::string(tag) + ">") + tag.size() + 2;
    return page.body.substr(from, page.body.find("</" + std::string(tag) + ">", from) - from);
  };
  for (const char* tag : {"style", "script"}) EXPECT_NE(policy.find(base64(crypto::sha256(inside(tag)))), std::string::npos) << tag;
  for (const char* not_there : {"http://", "https://", "innerHTML", " style=", "onclick=\""})
    EXPECT_EQ(page.body.find(not_there), std::string::npos) << not_there;
}

TEST(Console, ListsInPages) {
  World w;
  const json licenses = w.get("/api/v1/licenses").value();
  ASSERT_EQ(licenses["total"], 2) << licenses.dump();
  EXPECT_EQ(licenses["items"][0]["conditions"][0], "break-glass") << "what only an emergency opens says so";
  EXPECT_EQ(licenses["items"][1]["holder"], "scribe");
  EXPECT_EQ(licenses["items"][1]["form"], "identified");
  EXPECT_EQ(licenses["items"][1]["view"], "scribe-reads");
  EXPECT_EQ(licenses["next"], nullptr);
  const json first = w.get("/api/v1/findings?limit=1").value();
  EXPECT_EQ(first["total"], 2);
  EXPECT_EQ(first["items"].size(), 1U);
  EXPECT_EQ(first["next"], 1);
  const json second = w.get("/api/v1/findings?limit=1&offset=1").value();
  EXPECT_EQ(second["next"], nullptr);
  EXPECT_NE(first["items"][0]["subject"], second["items"][0]["subject"]);
  EXPECT_EQ(w.get("/api/v1/findings?offset=18446744073709551615").value()["items"].size(), 0U);
  const json failing = w.get("/api/v1/findings?status=fail%2Cstale").value();
  ASSERT_EQ(failing["total"], 1);
  EXPECT_EQ(failing["items"][0]["mend"], "Give scribe a region.");
  EXPECT_EQ(w.get("/api/v1/grounds").value()["items"][0]["cites"], "164.506(c)(1)");
}

TEST(Console, ShowsExchangesOnceAndCountsThem) {
  World w;
  json none = w.get("/api/v1/exchanges").value();
  EXPECT_EQ(none["items"].size(), 0U);
  w.refused();
  w.refused();
  const json two = w.get("/api/v1/exchanges?after=" + none["next"].dump()).value();
  ASSERT_EQ(two["items"].size(), 2U);
  EXPECT_EQ(two["items"][0]["reason"], "not-found");
  EXPECT_EQ(two["items"][0]["decision"], "refuse");
  EXPECT_FALSE(two["items"][0]["sentence"].get<std::string>().empty());
  EXPECT_EQ(w.get("/api/v1/exchanges?after=" + two["next"].dump()).value()["items"].size(), 0U);
  EXPECT_EQ(w.get("/api/v1/exchanges?after=99999").value()["items"].size(), 2U) << "a number from before a restart begins anew";
  EXPECT_EQ(w.get("/api/v1/exchanges?limit=1").value()["items"].size(), 1U);
  const std::string metrics = w.get("/metrics", false).body;
  EXPECT_NE(metrics.find("licet_exchanges_total{outcome=\"refuse\"} 2\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("licet_findings{status=\"fail\"} 1\n"), std::string::npos) << metrics;
}

TEST(Console, StatusSaysWhatIsStale) {
  World w;
  json s = w.get("/api/v1/status").value();
  EXPECT_EQ(s["epoch"], 1);
  EXPECT_EQ(s["stale"], false);
  EXPECT_EQ(s["packs"][0]["id"], "test");
  EXPECT_NE(s["under"].get<std::string>().find("state law not assessed"), std::string::npos);
  EXPECT_EQ(s["observing"].size(), 0U);
  auto policy = std::make_shared<gate::Policy>();
  gate::Route route;
  route.id = "fhir-front";
  route.observe = true;
  policy->routes.push_back(route);
  w.gate->adopt(policy);
  EXPECT_EQ(w.get("/api/v1/status").value()["observing"][0]["route"], "fhir-front");
}

TEST(Console, AnEpochsAnswersCarryATag) {
  World w;
  const Page first = w.get("/api/v1/map");
  ASSERT_EQ(first.head.status, 200);
  http::Request r;
  r.method = "GET";
  r.target = "/api/v1/map";
  r.headers.add("authorization", "Bearer " + w.console->key());
  r.headers.add("if-none-match", first.header("etag"));
  const Page again = World::call(*w.console, r);
  EXPECT_EQ(again.head.status, 304);
  EXPECT_EQ(again.body, "");
  r.target = "/api/v1/agreements";
  EXPECT_EQ(World::call(*w.console, r).head.status, 200) << "another answer's tag";
}

TEST(Console, FacetsCountWhatTheOtherFiltersLeave) {
  World w;
  const json all = w.get("/api/v1/findings").value();
  EXPECT_EQ(all["facets"]["status"].size(), 2U) << all.dump();
  const json failing = w.get("/api/v1/findings?status=fail").value();
  EXPECT_EQ(failing["total"], 1);
  EXPECT_EQ(failing["facets"]["status"].size(), 2U) << "so that the choice can be widened";
  ASSERT_EQ(failing["facets"]["owner"].size(), 1U);
  EXPECT_EQ(failing["facets"]["owner"][0]["value"], "scribe-ai");
  EXPECT_EQ(w.get("/api/v1/findings?owner=riverbend").value()["total"], 1);
  EXPECT_EQ(w.get("/api/v1/findings?q=SAYS+%3CB").value()["total"], 2) << "words without case";
  EXPECT_EQ(w.get("/api/v1/findings?sort=status").value()["items"][0]["status"], "fail");
}

TEST(Console, TheMapFollowsTheFlows) {
  World w;
  const json map = w.get("/api/v1/map").value();
  std::map<std::string, std::string> roles;
  for (const json& o : map["organizations"]) roles[o["id"]] = o["role"];
  EXPECT_EQ(roles["riverbend"], "entity");
  EXPECT_EQ(roles["scribe-ai"], "associate") << "it receives on riverbend's behalf";
  ASSERT_EQ(map["flows"].size(), 1U);
  EXPECT_EQ(map["flows"][0]["form"], "identified");
}

TEST(Console, SaysWhetherPhiMayGoThere) {
  World w;
  const json yes = w.get("/api/v1/may?system=scribe&data=clinical.note&purpose=TREAT").value();
  EXPECT_EQ(yes["may"], true);
  ASSERT_GE(yes["by"].size(), 1U);
  EXPECT_EQ(yes["by"][0]["ground_kind"], "treatment");
  const json no = w.get("/api/v1/may?system=scribe&data=clinical.lab").value();
  EXPECT_EQ(no["may"], false);
  EXPECT_NE(no["sentence"].get<std::string>().find("No declared flow"), std::string::npos) << no.dump();
  EXPECT_NE(no["mend"].get<std::string>().find("Declare the flow"), std::string::npos);
  EXPECT_EQ(w.get("/api/v1/may?system=nobody&data=clinical.note").head.status, 404);
  EXPECT_EQ(w.get("/api/v1/may?system=scribe&data=nothing").head.status, 404);
  EXPECT_EQ(w.get("/api/v1/may").head.status, 404);
}

TEST(Console, WhyReachesTheDeclaredLines) {
  World w;
  const json why = w.get("/api/v1/why?requirement=r-region&subject=scribe").value();
  EXPECT_EQ(why["mend"], "Give scribe a region.");
  EXPECT_EQ(why["rule"]["asks"], "A system has a region.");
  ASSERT_EQ(why["path"].size(), 1U);
  EXPECT_EQ(why["path"][0]["kind"], "system");
  const json thing = w.get("/api/v1/why?id=notes").value();
  ASSERT_EQ(thing["facts"].size(), 1U);
  EXPECT_EQ(thing["facts"][0]["lines"][0]["text"], "kind: flow");
  EXPECT_EQ(thing["facts"][0]["lines"].size(), 8U) << "up to the next document: " << thing.dump();
  EXPECT_EQ(w.get("/api/v1/why?id=../stack.yaml").head.status, 404);
  EXPECT_EQ(w.get("/api/v1/why?requirement=r-region&subject=nobody").head.status, 404);
}

TEST(Console, ActsOnlyFromItsOwnPageAndOnTheLedger) {
  World w;
  const std::string cookie = World::cookie_in(w.get("/?key=" + w.console->key(), false));
  const std::string token = w.as(cookie, "GET", "/api/v1/session").value()["csrf"];
  const auto act = [&](http::Headers headers) {
    http::Request r;
    r.method = "POST";
    r.target = "/api/v1/suspend";
    r.host = "127.0.0.1:8080";
    r.headers = std::move(headers);
    return World::call(*w.console, r, R"({"id":"scribe","by":"j-ortiz"})").head.status;
  };
  const auto before = w.ledger->head().size;
  EXPECT_EQ(act({}), 401);
  EXPECT_EQ(act({{"licet-csrf", token}}), 401);
  EXPECT_EQ(act({{"cookie", cookie}}), 403) << "any page can send a cookie";
  EXPECT_EQ(act({{"cookie", cookie}, {"licet-console", "1"}}), 403) << "a header that anybody knows is no token";
  EXPECT_EQ(act({{"cookie", cookie}, {"licet-csrf", "00000000000000000000000000000000"}}), 403);
  EXPECT_EQ(act({{"cookie", cookie}, {"licet-csrf", token}, {"origin", "https://evil.example"}}), 403);
  EXPECT_EQ(act({{"cookie", cookie}, {"licet-csrf", token}, {"origin", "null"}}), 403);
  EXPECT_EQ(act({{"cookie", cookie}, {"licet-csrf", token}, {"sec-fetch-site", "cross-site"}}), 403);
  EXPECT_EQ(act({{"cookie", cookie}, {"licet-csrf", token}, {"sec-fetch-site", "same-site"}}), 403);
  EXPECT_EQ(act({{"cookie", cookie}, {"licet-csrf", token}, {"authorization", "Bearer guess"}}), 401) << "a wrong key is no key";
  EXPECT_EQ(w.ledger->head().size, before);
  EXPECT_EQ(act({{"cookie", cookie}, {"licet-csrf", token}, {"origin", "http://127.0.0.1:8080"}, {"sec-fetch-site", "same-origin"}}), 200);
  EXPECT_EQ(act({{"authorization", "Bearer " + w.console->key()}}), 200);
  EXPECT_NE(w.leaves().find("\"actor\":\"j-ortiz\""), std::string::npos);
  const Page foreign = w.as("", "POST", "/login", {{"key", w.console->key()}});
  EXPECT_EQ(foreign.head.status, 200);
  http::Request r;
  r.method = "POST";
  r.target = "/login";
  r.host = "127.0.0.1:8080";
  r.headers = {{"origin", "https://evil.example"}, {"content-type", "application/x-www-form-urlencoded"}};
  EXPECT_EQ(World::call(*w.console, r, "key=" + w.console->key()).head.status, 403) << "nobody is logged in from elsewhere";
}

TEST(Console, SigningInMakesANewSessionAndSigningOutEndsIt) {
  World w;
  const auto session = [](const Page& page) {
    const std::string set = page.header("set-cookie");
    return set.substr(0, set.find(';'));
  };
  http::Request in;
  in.method = "GET";
  in.target = "/?key=" + w.console->key();
  in.headers.add("cookie", "licet_console=00000000000000000000000000000000");
  const std::string first = session(World::call(*w.console, in));
  EXPECT_EQ(first.find("0000000000"), std::string::npos) << "never one that the browser brought along";
  in.headers.set("cookie", first);
  const std::string second = session(World::call(*w.console, in));
  const auto status = [&](const std::string& cookie) {
    http::Request r;
    r.method = "GET";
    r.target = "/api/v1/status";
    r.headers.add("cookie", cookie);
    return World::call(*w.console, r).head.status;
  };
  EXPECT_NE(first, second);
  EXPECT_EQ(status(first), 401) << "the one before ended";
  EXPECT_EQ(status(second), 200);
  http::Request out;
  out.method = "POST";
  out.target = "/logout";
  out.headers = {{"cookie", second}};
  EXPECT_EQ(World::call(*w.console, out).head.status, 403);
  out.headers.add("licet-csrf", w.as(second, "GET", "/api/v1/session").value()["csrf"].get<std::string>());
  EXPECT_EQ(World::call(*w.console, out).head.status, 204);
  EXPECT_EQ(status(second), 401);
}

TEST(Console, ListsWhatIsHeldAndWhatBecameOfIt) {
  World w;
  EXPECT_EQ(w.get("/api/v1/held").value()["items"].size(), 0U);
  const std::string reference = w.reference_now();
  w.held(reference);
  const json waiting = w.get("/api/v1/held").value()["items"];
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting[0]["reference"], reference);
  EXPECT_EQ(waiting[0]["state"], "waiting");
  w.clock.advance(std::chrono::minutes(1));
  ASSERT_EQ(w.tell("POST", "/release", {{"reference", reference}, {"by", "j.ortiz"}}).head.status, 200);
  const json released = w.get("/api/v1/held").value()["items"];
  EXPECT_EQ(released[0]["state"], "released");
  EXPECT_EQ(released[0]["by"], "j.ortiz");
  w.clock.advance(std::chrono::hours(25));
  EXPECT_EQ(w.get("/api/v1/held").value()["items"][0]["state"], "lapsed");
  w.clock.advance(std::chrono::hours(24 * 31));
  EXPECT_EQ(w.get("/api/v1/held").value()["items"].size(), 0U);
}

TEST(Console, ListsSuspensionsOnceTheyAreJudged) {
  World w;
  ASSERT_EQ(w.tell("POST", "/suspend", {{"id", "scribe-ai"}, {"by", "j-ortiz"}}).head.status, 200);
  json now;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (now.empty() && std::chrono::steady_clock::now() < end) {  // the keeper judges on its own thread
    now = w.get("/api/v1/suspensions").value()["items"];
    std::this_thread::yield();
  }
  ASSERT_EQ(now.size(), 1U);
  EXPECT_EQ(now[0]["id"], "scribe-ai");
  EXPECT_EQ(now[0]["by"], "j-ortiz");
  EXPECT_EQ(w.get("/api/v1/status").value()["epoch"], 1) << "the table is the same";
  EXPECT_EQ(w.get("/api/v1/may?system=scribe&data=clinical.note").value()["suspended"].size(), 1U);
}

TEST(Console, ShowsWhatASuspensionWouldCut) {
  World w;
  const json cut = w.get("/api/v1/cut?id=scribe-ai").value();
  EXPECT_EQ(cut["care"], cut["items"].size()) << "all of it is TREAT: " << cut.dump();
  EXPECT_GT(cut["care"], 0);
  EXPECT_EQ(w.get("/api/v1/cut?id=notes").head.status, 404) << "a flow can't be suspended";
  for (const char* id : {"fhir-front", "*"}) {
    const json wide = w.get(std::string("/api/v1/cut?id=") + id).value();
    ASSERT_EQ(wide["flows"].size(), 1U) << wide.dump();
    EXPECT_EQ(wide["flows"][0]["id"], "notes");
    EXPECT_EQ(wide["flows"][0]["care"], true);
  }
  EXPECT_EQ(w.get("/api/v1/cut?id=*").value()["name"], "Everything");
}

TEST(Console, AProposalIsJudgedAndChangesNothing) {
  World w;
  const auto propose = [&](const json& body) {
    http::Request r;
    r.method = "POST";
    r.target = "/api/v1/propose";
    r.headers.add("authorization", "Bearer " + w.console->key());
    return World::call(*w.console, r, body.dump());
  };
  const json source = w.get("/api/v1/source?id=scribe-reads").value();
  const std::string before = source["text"];
  EXPECT_EQ(before.rfind("kind: permit\n", 0), 0U) << source.dump();
  EXPECT_EQ(source["path"], "stack.yaml");
  std::string after = before;
  after.replace(after.find("TREAT"), 5, "HOPERAT");
  const json told = propose({{"id", "scribe-reads"}, {"text", after}}).value();
  EXPECT_EQ(told["problems"].size(), 0U) << told.dump();
  ASSERT_GT(told["licenses"].size(), 0U);
  EXPECT_EQ(told["licenses"][0]["what"], "loses");
  EXPECT_EQ(told["licenses"][0]["care"], true) << "care that would be cut comes first";
  const std::string patch = told["patch"];
  EXPECT_NE(patch.find("--- a/stack.yaml\n+++ b/stack.yaml\n"), std::string::npos);
  EXPECT_NE(patch.find("\n-for: [TREAT]\n+for: [HOPERAT]\n"), std::string::npos) << patch;
  EXPECT_EQ(w.get("/api/v1/licenses").value()["items"][1]["purposes"][0], "TREAT");
  EXPECT_EQ(propose({{"id", "scribe-reads"}, {"text", before}}).value()["patch"], "");

  EXPECT_EQ(propose({{"id", "scribe-reads"}, {"text", "kind: permit\nid: scribe-reads\nnonsense: 1\n"}}).value()["licenses"].size(), 0U);
  EXPECT_GT(propose({{"id", "scribe-reads"}, {"text", "kind: permit\nid: scribe-reads\nnonsense: 1\n"}}).value()["problems"].size(), 0U);
  EXPECT_EQ(propose({{"id", "scribe-reads"}, {"text", "kind: permit\n---\nkind: organization\n"}}).head.status, 400);
  EXPECT_EQ(propose({{"id", "../packs/test/pack.yaml"}, {"text", "x"}}).head.status, 404);
  EXPECT_EQ(w.get("/api/v1/source?id=/etc/passwd").head.status, 404);
}

TEST(Console, ABundleComesAsOneFileAndIsSound) {
  World w;
  w.refused();
  w.clock.advance(std::chrono::minutes(1));
  const auto make = [&](const json& body) {
    http::Request r;
    r.method = "POST";
    r.target = "/api/v1/bundle";
    r.headers.add("authorization", "Bearer " + w.console->key());
    return World::call(*w.console, r, body.dump());
  };
  const Page made = make({{"from", "2026-11-25"}, {"to", "2026-11-25"}, {"by", "j-ortiz"}});
  ASSERT_EQ(made.head.status, 200) << made.body;
  EXPECT_EQ(made.header("content-type"), "application/x-tar");
  std::vector<proof::BundleFile> files;
  for (std::size_t at = 0; at + 512 <= made.body.size() && made.body[at] != '\0';) {
    const std::string name = made.body.c_str() + at;
    const std::size_t size = std::stoul(made.body.substr(at + 124, 11), nullptr, 8);
    files.push_back({name.substr(name.find('/') + 1), made.body.substr(at + 512, size)});
    at += 512 + (size + 511) / 512 * 512;
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  const proof::Report report = proof::verify_bundle(files, ledger::Verifier{"licet.example/riverbend/n1", w.keys->log_key().public_key()});
  EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.faults[0]);
  EXPECT_NE(w.leaves().find(R"("act":"prove")"), std::string::npos);
  EXPECT_EQ(make({{"from", "soon"}}).head.status, 400);
  EXPECT_EQ(make({{"from", "2026-11-25"}, {"vendor", "nobody"}}).head.status, 400);
  EXPECT_NE(make({{"from", "2026-11-25"}, {"patient", "maria-1"}}).body.find("\"ephi\":false"), std::string::npos)
      << "never about a patient";
}

TEST(Console, TheFrontEndIsWholeAndCached) {
  if (assets().empty()) GTEST_SKIP() << "web/ was not built: no npm here";
  World w;
  const Page front = w.get("/");
  ASSERT_EQ(front.head.status, 200);
  const std::string policy = front.header("content-security-policy");
  for (const char* part : {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"})
    EXPECT_NE(policy.find(part), std::string::npos) << part;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(front.body.find("<style"), std::string::npos);
  std::size_t first_load = front.body.size();
  for (const Asset& a : assets()) {
    if (a.path == "/") continue;
    const Page got = w.get(std::string(a.path), false);
    EXPECT_EQ(got.head.status, 200);
    first_load += got.body.size();
    http::Request r;
    r.method = "GET";
    r.target = std::string(a.path);
    r.headers.add("if-none-match", got.header("etag"));
    EXPECT_EQ(World::call(*w.console, r).head.status, 304);
    if (!a.gzip) continue;
    r.headers.remove("if-none-match");
    r.headers.add("accept-encoding", "identity");
    EXPECT_EQ(World::call(*w.console, r).head.status, 406);
  }
  EXPECT_LE(first_load, 200U * 1024);
  for (const char* odd : {"/assets/", "/assets/../", "/assets/../../etc/passwd", "/assets/%2e%2e/licet.yaml"})
    EXPECT_EQ(w.get(odd, false).head.status, 404) << odd;
}

// ---- who may do what

TEST(Access, TheDescriptionNamesEveryRouteAndItsAct) {
  std::ifstream file(std::string(LICET_SOURCE_DIR) + "/docs/api/openapi.yaml");
  std::map<std::string, std::string> described;  // "GET status" → act
  std::string path, method;
  for (std::string line; std::getline(file, line) && line != "components:";) {
    if (line.starts_with("  /") && line.ends_with(":")) path = line.substr(3, line.size() - 4);
    if (line == "    get:") method = "GET";
    if (line == "    post:") method = "POST";
    if (line.starts_with("      x-act: ")) described[method + " " + path] = line.substr(13);
  }
  std::map<std::string, std::string> there;
  for (const Route& r : routes()) there[std::string(r.method) + " " + std::string(r.path)] = identity::name(r.act);
  EXPECT_EQ(described, there);
}

TEST(Access, EachRoleDoesWhatItsRowSaysAndNothingElse) {
  World w;
  const json body{{"id", "scribe"}, {"text", "x"},      {"name", "k"},          {"scopes", json::array({"see"})},
                  {"for", "c"},     {"reference", "x"}, {"kind", "evaluation"}, {"subject", "riverbend"}};
  int denied = 0;
  for (const identity::RoleRow& role : identity::roles()) {
    if (role.role == identity::Role::starter) continue;
    const World::Person p = w.person("p-" + std::string(role.name), role.role);
    const json me = w.as(p.cookie, "GET", "/api/v1/session").value();
    EXPECT_EQ(me["role"], role.name);
    for (const Route& r : routes()) {
      if (r.path == "events" || r.path == "bundle") continue;  // a stream; and slow
      const bool post = r.method == "POST";
      const Page got = w.as(p.cookie, std::string(r.method), "/api/v1/" + std::string(r.path), post ? body : json(), post ? p.csrf : "");
      if (role.acts.has(r.act)) {
        EXPECT_NE(got.head.status, 403) << role.name << " " << r.path << " " << got.body;
        EXPECT_NE(got.head.status, 401) << role.name << " " << r.path;
      } else {
        EXPECT_EQ(got.head.status, 403) << role.name << " " << r.path << " " << got.body;
        EXPECT_EQ(got.body.find("scribe-ai"), std::string::npos);
        ++denied;
      }
    }
    // And by the wrong method nothing.
    EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/status", json::object(), p.csrf).head.status, 405);
    EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/nothing", json::object(), p.csrf).head.status, 404);
    EXPECT_EQ(w.as(p.cookie, "DELETE", "/api/v1/keys").head.status, 405);
  }
  EXPECT_GT(denied, 50);
}

TEST(Access, AccountsTakeTheKeysPlaceAndSessionsEndWithThem) {
  World w;
  const std::string key = w.console->key();
  const std::string old = World::cookie_in(w.get("/?key=" + key, false));
  EXPECT_EQ(w.as("", "GET", "/login-options").value()["first"], true);
  World::Person p = w.person("j-ortiz", identity::Role::privacy_officer);
  EXPECT_EQ(w.console->key(), "");
  EXPECT_EQ(w.as("", "GET", "/login-options").value()["first"], false);
  EXPECT_EQ(w.as(old, "GET", "/api/v1/status").head.status, 401) << "the key's session ended with it";
  http::Request r;
  r.method = "GET";
  r.target = "/api/v1/status";
  r.headers.add("authorization", "Bearer " + key);
  EXPECT_EQ(World::call(*w.console, r).head.status, 401);
  EXPECT_EQ(w.as(p.cookie, "GET", "/api/v1/status").head.status, 200);
  // What is on the ledger is who did it, whatever the body says.
  EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/suspend", {{"id", "scribe"}, {"by", "somebody-else"}}, p.csrf).head.status, 200);
  EXPECT_NE(w.leaves().find("\"actor\":\"j-ortiz\""), std::string::npos);
  EXPECT_EQ(w.leaves().find("somebody-else"), std::string::npos);
  ASSERT_TRUE(w.accounts->renew_password("j-ortiz").ok());
  EXPECT_EQ(w.as(p.cookie, "GET", "/api/v1/status").head.status, 401) << "another password ends sessions";
  const std::string all = w.leaves();
  EXPECT_NE(all.find(R"({"act":"login","by":"password","role":"privacy-officer","through":"console"})"), std::string::npos);
}

TEST(Access, FailuresAreRefusedAlikeAndLockTheName) {
  World w;
  const World::Person p = w.person("j-ortiz", identity::Role::privacy_officer);
  std::string said;
  const auto log_in = [&](const json& given) {
    const Page page = w.as("", "POST", "/login", given);
    if (page.head.status == 401) {
      if (said.empty()) said = page.body;
      EXPECT_EQ(page.body, said) << "nothing tells a wrong name from a wrong password or code";
    }
    return page.head.status;
  };
  EXPECT_EQ(log_in({{"name", "j-ortiz"}, {"password", "wrong"}, {"code", "1"}}), 401);
  EXPECT_EQ(log_in({{"name", "nobody"}, {"password", "wrong"}, {"code", "1"}}), 401);
  EXPECT_EQ(log_in({{"name", "j-ortiz"}, {"password", p.secrets.password}, {"code", w.code(p.secrets)}}), 401) << "that code was used";
  EXPECT_EQ(w.leaves().find("nobody"), std::string::npos) << "what was typed in the wrong field stays out";
  w.clock.advance(std::chrono::minutes(1));
  for (int i = 0; i < 4; ++i) log_in({{"name", "j-ortiz"}, {"password", "wrong"}, {"code", "1"}});
  EXPECT_EQ(log_in({{"name", "j-ortiz"}, {"password", p.secrets.password}, {"code", w.code(p.secrets)}}), 429);
  EXPECT_EQ(w.tell("POST", "/user", {{"act", "unlock"}, {"name", "j-ortiz"}}).head.status, 200);
  EXPECT_EQ(log_in({{"name", "j-ortiz"}, {"password", p.secrets.password}, {"code", w.code(p.secrets)}}), 200);
}

TEST(Access, TeamsSeeTheirOwn) {
  World w;
  const World::Person p = w.person("v-chen", identity::Role::privacy_officer, {"scribe-ai"});
  const json findings = w.as(p.cookie, "GET", "/api/v1/findings").value();
  ASSERT_EQ(findings["total"], 1) << findings.dump();
  EXPECT_EQ(findings["items"][0]["subject"], "scribe");
  EXPECT_EQ(w.as(p.cookie, "GET", "/api/v1/why?id=scribe").head.status, 200);
  for (const char* other : {"/api/v1/why?id=ehr", "/api/v1/source?id=ehr", "/api/v1/cut?id=ehr", "/api/v1/cut?id=*",
                            "/api/v1/may?system=ehr&data=clinical.note", "/api/v1/why?requirement=r-region&subject=ehr"})
    EXPECT_EQ(w.as(p.cookie, "GET", other).head.status, 404) << other;
  const json vocabulary = w.as(p.cookie, "GET", "/api/v1/vocabulary").value();
  ASSERT_EQ(vocabulary["systems"].size(), 1U);
  EXPECT_EQ(vocabulary["systems"][0]["id"], "scribe");
  for (const auto& [path, body] : {std::pair{"suspend", json{{"id", "ehr"}}},
                                   {"suspend", json{{"id", "*"}}},
                                   {"propose", json{{"id", "ehr"}, {"text", "x"}}},
                                   {"record", json{{"kind", "activity-review"}, {"subject", "ehr"}}}})
    EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/" + std::string(path), body, p.csrf).head.status, 404) << path << body.dump();
  EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/bundle", json::object(), p.csrf).head.status, 403);
  EXPECT_EQ(w.as(p.cookie, "GET", "/api/v1/counts").head.status, 403);
  EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/suspend", {{"id", "scribe"}}, p.csrf).head.status, 200);
  w.refused();  // by nobody: not theirs
  EXPECT_EQ(w.as(p.cookie, "GET", "/api/v1/exchanges").value()["items"].size(), 0U);
  // Theirs is not kept for others, nor the other way round.
  const World::Person q = w.person("all", identity::Role::privacy_officer);
  EXPECT_EQ(w.as(q.cookie, "GET", "/api/v1/findings").value()["total"], 2);
  EXPECT_EQ(w.as(p.cookie, "GET", "/api/v1/findings").value()["total"], 1);
}

TEST(Access, AnApiKeyDoesWhatItsScopesSayUntilItEnds) {
  World w;
  const World::Person p = w.person("j-ortiz", identity::Role::privacy_officer);
  const World::Person v = w.person("v-chen", identity::Role::vendor_manager);
  const Page made = w.as(p.cookie, "POST", "/api/v1/keys", {{"name", "nightly"}, {"scopes", {"see", "suspend"}}}, p.csrf);
  ASSERT_EQ(made.head.status, 200) << made.body;
  const std::string key = made.value()["key"], id = made.value()["id"];
  const auto with = [&](std::string method, std::string path, const json& body = {}) {
    http::Request r;
    r.method = std::move(method);
    r.target = "/api/v1/" + path;
    r.headers.add("authorization", "Bearer " + key);
    return World::call(*w.console, r, body.is_null() ? "" : body.dump()).head.status;
  };
  EXPECT_EQ(with("GET", "findings"), 200);
  EXPECT_EQ(with("GET", "held"), 403);
  EXPECT_EQ(with("GET", "keys"), 403);
  EXPECT_EQ(with("POST", "suspend", {{"id", "scribe"}}), 200) << "a script's key needs no token of a page";
  EXPECT_NE(w.leaves().find("\"actor\":\"nightly@key\""), std::string::npos);
  const std::string listed = w.as(p.cookie, "GET", "/api/v1/keys").body;
  EXPECT_EQ(listed.find(key), std::string::npos) << "shown once";
  EXPECT_EQ(w.leaves().find(key), std::string::npos);
  EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/keys", {{"name", "x"}, {"scopes", {"keys"}}}, p.csrf).head.status, 400) << "keys make no keys";
  EXPECT_EQ(w.as(v.cookie, "POST", "/api/v1/keys", {{"name", "x"}, {"scopes", {"see"}}}, v.csrf).head.status, 403);
  EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/keys", {{"name", "x"}, {"scopes", {"see"}}, {"until", "2026-01-01"}}, p.csrf).head.status, 400);
  EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/keys/revoke", {{"id", id}}, p.csrf).head.status, 200);
  EXPECT_EQ(with("GET", "findings"), 401);
  EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/keys/revoke", {{"id", id}}, p.csrf).head.status, 404);
  // One whose maker is gone is gone, too.
  const std::string other = w.as(p.cookie, "POST", "/api/v1/keys", {{"name", "n"}, {"scopes", {"see"}}}, p.csrf).value()["key"];
  ASSERT_TRUE(w.accounts->end("j-ortiz").ok());
  http::Request r;
  r.method = "GET";
  r.target = "/api/v1/findings";
  r.headers.add("authorization", "Bearer " + other);
  EXPECT_EQ(World::call(*w.console, r).head.status, 401);
}

TEST(Access, ATrustLinkShowsCountsAndNoNames) {
  World w;
  const World::Person p = w.person("j-ortiz", identity::Role::privacy_officer);
  const Page made = w.as(p.cookie, "POST", "/api/v1/trust/links", {{"for", "a-customer"}}, p.csrf);
  ASSERT_EQ(made.head.status, 200) << made.body;
  const std::string path = made.value()["path"];
  const Page page = w.as("", "GET", path);
  ASSERT_EQ(page.head.status, 200) << page.body;
  for (const char* internal : {"scribe", "ehr", "riverbend", "Riverbend", "r-region", "fhir-front", "notes", "j-ortiz"})
    EXPECT_EQ(page.body.find(internal), std::string::npos) << internal;
  EXPECT_NE(page.body.find("are verified from what is on record"), std::string::npos);
  EXPECT_EQ(page.header("content-security-policy").find("unsafe"), std::string::npos);
  EXPECT_EQ(page.header("referrer-policy"), "no-referrer");
  const Page named = w.as(p.cookie, "POST", "/api/v1/trust/links", {{"for", "b"}, {"names", true}}, p.csrf);
  EXPECT_NE(w.as("", "GET", named.value()["path"].get<std::string>()).body.find("Riverbend Clinic"), std::string::npos);
  EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/trust/revoke", {{"id", made.value()["id"]}}, p.csrf).head.status, 200);
  EXPECT_EQ(w.as("", "GET", path).head.status, 404);
  w.clock.advance(std::chrono::hours(24 * 31));
  EXPECT_EQ(w.as("", "GET", named.value()["path"].get<std::string>()).head.status, 404) << "it is over";
  EXPECT_EQ(w.as("", "GET", "/trust/trust_x_y").head.status, 404);
}

TEST(Access, IdleAndLongSessionsEndAndSayOnTheLedger) {
  World w;
  const World::Person p = w.person("j-ortiz", identity::Role::privacy_officer);
  w.clock.advance(std::chrono::minutes(16));
  EXPECT_EQ(w.as(p.cookie, "GET", "/api/v1/status").head.status, 401);
  EXPECT_NE(w.leaves().find("logoff-idle"), std::string::npos);
}

// ---- more screens

TEST(Screens, FindingsInGroupsAndRequestsOfAuditors) {
  World w;
  const json groups = w.get("/api/v1/findings/groups").value();
  ASSERT_EQ(groups["total"], 1) << groups.dump();
  EXPECT_EQ(groups["items"][0]["worst"], "fail");
  EXPECT_EQ(groups["items"][0]["count"], 2);
  EXPECT_EQ(w.get("/api/v1/findings/groups?by=owner&status=fail").value()["items"][0]["value"], "scribe-ai");
  EXPECT_EQ(w.get("/api/v1/findings/groups?by=color").head.status, 400);
  EXPECT_GE(w.get("/api/v1/requests").value()["items"].size(), 10U);
  EXPECT_EQ(w.get("/api/v1/requests").value()["items"][0]["state"], "");
}

TEST(Screens, OtherDaysAndWhatWasKnownThen) {
  World w;
  EXPECT_EQ(w.get("/api/v1/findings?as_of=2026-01-01").value()["total"], 2);
  EXPECT_EQ(w.get("/api/v1/findings?as_of=soon").head.status, 400);
  EXPECT_EQ(w.get("/api/v1/findings?known=2020-01-01").head.status, 404) << "no table was in force";
  EXPECT_EQ(w.get("/api/v1/findings?known=2026-11-25").value()["total"], 2);
  const json epochs = w.get("/api/v1/epochs").value();
  ASSERT_EQ(epochs["items"].size(), 1U) << epochs.dump();
  EXPECT_EQ(epochs["items"][0]["at_hand"], true);
  EXPECT_EQ(w.get("/api/v1/commits").head.status, 409);
  EXPECT_EQ(w.get("/api/v1/since?base=HEAD").head.status, 409);
}

TEST(Screens, ProposedRulesStandBesideThoseInForce) {
  World w;
  const json none = w.get("/api/v1/proposed").value();
  EXPECT_EQ(none["packs"].size(), 0U);
  EXPECT_NE(none["sentence"].get<std::string>().find("No pack"), std::string::npos);
  World v;
  ASSERT_TRUE(v.disk.make_folder("packs/next").ok());
  v.disk.put("packs/next/pack.yaml",
             "kind: pack\nid: next\nversion: \"0.1\"\nstatus: proposed\ntitle: The next\nsource: none\nretrieved-on: 2026-01-01\n");
  v.disk.put("packs/next/rules.yaml", R"y(id: n-region
cites: ["164.1"]
source: proposed
about: program
level: required
asks: Every system has a region.
proves: full
mend: Give {subject} a region.
effect: {default: alarm}
each: select id as subject, at from v_system
check: |
  select id as subject, 'fail' as status, id || ' has none' as because, json_array(id) as witness, '[]' as facts from v_system
)y");
  const Page got = v.get("/api/v1/proposed");
  const json beside = got.value();
  ASSERT_EQ(beside["packs"].size(), 1U) << got.body;
  EXPECT_EQ(beside["packs"][0]["newly_amiss"], 1) << "scribe fails today already, under the same citation";
  ASSERT_EQ(beside["items"].size(), 1U);
  EXPECT_EQ(beside["items"][0]["current"][0]["id"], "r-region");
  EXPECT_EQ(beside["items"][0]["newly_amiss"][0]["subject"], "ehr");
}

TEST(Screens, TheLedgerIsSearchedByItsIndex) {
  World w;
  w.refused();
  w.refused();
  w.get("/?key=" + w.console->key(), false);
  const json refused = w.get("/api/v1/entries?kind=exchange.refused&limit=1").value();
  ASSERT_EQ(refused["items"].size(), 1U) << refused.dump();
  EXPECT_EQ(refused["items"][0]["reason"], "not-found");
  const json next = w.get("/api/v1/entries?kind=exchange.refused&limit=1&before=" + refused["next"].dump()).value();
  EXPECT_EQ(next["items"].size(), 1U);
  EXPECT_EQ(next["next"], nullptr);
  EXPECT_EQ(w.get("/api/v1/entries?kind=login").value()["items"][0]["payload"]["act"], "login");
  EXPECT_EQ(w.get("/api/v1/entries?decision=refuse").value()["items"].size(), 2U);
  EXPECT_EQ(w.get("/api/v1/entries?from=2026-11-26").value()["items"].size(), 0U);
  EXPECT_GT(w.get("/api/v1/entries?from=2026-11-25&to=2026-11-25").value()["items"].size(), 3U);
  EXPECT_EQ(w.get("/api/v1/entries?kind=nonsense").head.status, 400);
  const json counts = w.get("/api/v1/counts").value();
  ASSERT_EQ(counts["items"].size(), 1U) << counts.dump();
  EXPECT_EQ(counts["items"][0]["count"], 2);
}

TEST(Screens, ACardIsSigned) {
  World w;
  const Page card = w.get("/api/v1/report?of=card&system=scribe&data=clinical.note&purpose=TREAT");
  ASSERT_EQ(card.head.status, 200) << card.body;
  EXPECT_EQ(card.header("content-type"), "text/html; charset=utf-8");
  auto note = card_note(card.body);
  ASSERT_TRUE(note.ok());
  const ledger::Verifier verifier{"licet.example/riverbend/n1", w.keys->log_key().public_key()};
  auto statement = ledger::open_note(*note, verifier);
  ASSERT_TRUE(statement.ok()) << statement.error().message;
  EXPECT_NE(statement->find("\"answer\":\"yes\""), std::string::npos) << *statement;
  std::string changed = card.body;
  changed.replace(changed.find("answer&quot;:&quot;yes"), 22, "answer&quot;:&quot;no_");
  auto other = card_note(changed);
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(ledger::open_note(*other, verifier).ok());
  for (const char* of : {"today", "findings", "agreements", "map", "rules", "trust"}) {
    const Page page = w.get(std::string("/api/v1/report?of=") + of);
    EXPECT_EQ(page.head.status, 200) << of << page.body;
    EXPECT_EQ(page.body.find("says <b>"), std::string::npos) << "text stays text";
    EXPECT_EQ(page.body.find("<script"), std::string::npos);
    const auto under = page.body.find("state law not assessed");
    EXPECT_NE(under, std::string::npos) << of;
    EXPECT_EQ(page.body.find("state law not assessed", under + 1), std::string::npos) << of << ": said once";
  }
  EXPECT_EQ(w.get("/api/v1/report?of=nothing").head.status, 400);
  EXPECT_EQ(w.get("/api/v1/report?of=today&format=doc").head.status, 400);
}

TEST(Screens, ClausesAreQuotedWhereTheTextStillHoldsThem) {
  const std::string text = "Agreement\n=========\n\n1. The vendor may use it only\nfor this. [164.504]\n2. It will report. And more; so.\n2.1 It tells us.\n";
  const auto digest = [](std::string_view words) { return hex(crypto::sha256(words)); };
  const std::string joined = "The vendor may use it only for this.", raw = "The vendor may use it only\nfor this.",
                    second = "It will report.";
  for (const std::string& words : {joined, raw, second, std::string("And more; so."), std::string("It tells us.")}) {
    const auto found = quotes(text, {digest(words), digest("not there")});
    ASSERT_EQ(found.size(), 1U) << words;
    EXPECT_EQ(found.begin()->second, words == raw ? joined : words);
  }
  EXPECT_EQ(quotes(std::string(3'000'000, '.'), {digest("x")}).size(), 0U) << "bounded";
}

TEST(Screens, FactsGoOnRecordAndThoseOfPatientsDoNot) {
  World w;
  const World::Person p = w.person("j-ortiz", identity::Role::privacy_officer);
  EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/record", {{"kind", "evaluation"}, {"subject", "riverbend"}, {"from", "2026-11-01"}}, p.csrf)
                .head.status,
            200);
  EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/record", {{"kind", "consent"}, {"subject", "scribe"}}, p.csrf).head.status, 400);
  EXPECT_EQ(w.as(p.cookie, "POST", "/api/v1/record", {{"kind", "evaluation"}, {"subject", "nobody"}}, p.csrf).head.status, 404);
  const World::Person o = w.person("op", identity::Role::operator_);
  EXPECT_EQ(w.as(o.cookie, "POST", "/api/v1/record", {{"kind", "suspension-lifted"}, {"subject", "scribe"}}, o.csrf).head.status, 403)
      << "not by the back door";
  for (const json& kind : w.get("/api/v1/fact-kinds").value().value("items", json::array())) EXPECT_NE(kind["kind"], "consent");
}

// ---- live

TEST(Events, ExchangesComeAndSlowListenersAreTold) {
  World w;
  Events events({w.gate.get(), w.keeper.get(), std::chrono::milliseconds(2), std::chrono::milliseconds(20)});
  std::atomic<bool> holds{true};
  const auto say = [](const gate::Glimpse& g) { return "{\"reason\":\"" + g.reason + "\"}"; };
  auto listener = events.listen(
      std::nullopt, [&] { return holds.load(); }, say);
  ASSERT_NE(listener, nullptr);
  const auto next = [&](Events::Listener& of) {
    auto promise = std::make_shared<std::promise<Events::More>>();
    auto future = promise->get_future();
    of.next([promise](Events::More more) { promise->set_value(std::move(more)); });
    return future.wait_for(std::chrono::seconds(10)) == std::future_status::ready ? future.get() : Events::More{"nothing came", true};
  };
  w.refused();
  std::string seen;
  while (seen.find("event: exchange") == std::string::npos) seen += next(*listener).bytes;
  EXPECT_NE(seen.find("id: 1\ndata: {\"reason\":\"not-found\"}\n\n"), std::string::npos) << seen;
  while (seen.find(": beat") == std::string::npos) seen += next(*listener).bytes;
  // One that does not read: told, and over.
  auto slow = events.listen(
      std::nullopt, [] { return true; }, say);
  for (int i = 0; i < 300; ++i) w.refused();
  Events::More more;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!more.end && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    more = next(*slow);
  }
  EXPECT_TRUE(more.end);
  EXPECT_NE(more.bytes.find("event: dropped"), std::string::npos) << more.bytes.substr(0, 200);
  listener = events.listen(
      std::nullopt, [&] { return holds.load(); }, say);
  ASSERT_NE(listener, nullptr);
  holds = false;
  std::string rest;
  for (more = {}; !more.end;) more = next(*listener), rest += more.bytes;
  EXPECT_NE(rest.find("event: end"), std::string::npos) << "a session that is over ends its stream";
  std::vector<std::shared_ptr<Events::Listener>> many;
  for (std::size_t i = 0; i < Events::kMostListeners + 3; ++i)
    if (auto one = events.listen(
            std::nullopt, [] { return true; }, say))
      many.push_back(std::move(one));
  EXPECT_LE(many.size(), Events::kMostListeners);
}

// ---- admin

TEST(Admin, OnlyTheSameUser) {
  World w;
  http::Request r;
  r.method = "GET";
  r.target = "/status";
  EXPECT_EQ(World::call(*w.admin, r).head.status, 403) << "no uid: not a unix socket";
  r.peer.user = ::geteuid() + 1;
  EXPECT_EQ(World::call(*w.admin, r).head.status, 403);
  EXPECT_EQ(w.tell("GET", "/status").head.status, 200);
  EXPECT_EQ(w.tell("GET", "/nothing").head.status, 404);
  EXPECT_EQ(w.tell("PUT", "/record").head.status, 405);
  EXPECT_EQ(w.tell("POST", "/record", json("text")).head.status, 400);
}

TEST(Admin, RecordsFactsAndKeepsPatientsSealed) {
  World w;
  const Page done = w.tell(
      "POST", "/record", {{"kind", "consent"}, {"subject", "scribe"}, {"patient", "maria-1"}, {"class", "special.sud"}, {"by", "j.ortiz"}});
  ASSERT_EQ(done.head.status, 200) << done.body;
  EXPECT_NE(w.leaves().find("\"actor\":\"j.ortiz\""), std::string::npos);
  EXPECT_EQ(w.leaves().find("maria-1"), std::string::npos);
  const Page facts = w.tell("GET", "/facts?kind=consent");
  ASSERT_EQ(facts.value()["facts"].size(), 1U);
  EXPECT_EQ(facts.value()["facts"][0]["about_a_patient"], true);
  EXPECT_EQ(facts.value()["facts"][0]["index"], done.value()["index"]);
  EXPECT_EQ(facts.body.find("maria-1"), std::string::npos);
  EXPECT_EQ(w.tell("GET", "/facts?kind=training").value()["facts"].size(), 0U);
  const Page bad = w.tell("POST", "/record", {{"kind", "nonsense"}});
  EXPECT_EQ(bad.head.status, 400);
  EXPECT_FALSE(bad.value()["detail"].get<std::string>().empty());
  EXPECT_EQ(w.tell("POST", "/record", {{"kind", "training"}, {"subject", "x"}, {"object", "y"}, {"by", "free text!"}}).head.status, 400);
}

TEST(Admin, RecordsThatThereWasASanctionAndSealsWhose) {
  World w;
  const Page done = w.tell("POST", "/record", {{"kind", "sanction"}, {"subject", "riverbend"}, {"object", "somebody-1"}});
  ASSERT_EQ(done.head.status, 200) << done.body;
  EXPECT_NE(w.leaves().find("\"fact\":\"sanction\""), std::string::npos);
  EXPECT_EQ(w.leaves().find("somebody-1"), std::string::npos);
  EXPECT_EQ(w.tell("GET", "/facts?kind=sanction").body.find("somebody-1"), std::string::npos);
}

TEST(Admin, AFactIsAboutSomethingDeclaredOfTheRightKind) {
  World w;
  EXPECT_EQ(w.tell("POST", "/record", {{"kind", "evaluation"}, {"subject", "riverbend"}}).head.status, 200);
  for (const char* subject : {"scribe", "nowhere"}) {  // a system, and nothing
    const Page bad = w.tell("POST", "/record", {{"kind", "evaluation"}, {"subject", subject}});
    EXPECT_EQ(bad.head.status, 404) << subject;
    EXPECT_NE(bad.body.find("the declaration has no organization of that id"), std::string::npos) << bad.body;
  }
  EXPECT_EQ(w.tell("POST", "/record", {{"kind", "disposed"}, {"subject", "scribe"}, {"object", "burned"}}).head.status, 404);
}

TEST(Admin, SuspensionHoldsWhenItReturns) {
  World w;
  w.overlay.reset();
  EXPECT_EQ(w.tell("POST", "/suspend", {{"id", "scribe"}}).head.status, 200);
  EXPECT_NE(w.overlay, nullptr);
  EXPECT_NE(w.leaves().find("\"fact\":\"suspension\""), std::string::npos);
  EXPECT_EQ(w.tell("POST", "/lift", {{"id", "scribe"}}).head.status, 200);
  EXPECT_EQ(w.tell("POST", "/suspend", {{"id", "scrib"}}).head.status, 404) << "a name that nobody has stops nobody";
  EXPECT_EQ(w.tell("POST", "/suspend", {{"id", "notes"}}).head.status, 404) << "a flow is not one";
}

TEST(Admin, AReleaseHoldsOnceAndOverARestart) {
  World w;
  const std::string reference = w.reference_now();
  w.clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(w.tell("POST", "/release", {{"reference", reference}}).head.status, 404);
  EXPECT_EQ(w.tell("POST", "/release", {{"reference", "short"}}).head.status, 400);
  w.held(reference);
  EXPECT_EQ(w.tell("POST", "/release", {{"reference", reference}, {"until", "2026-11-24T00:00:00Z"}}).head.status, 400);
  EXPECT_EQ(w.tell("POST", "/release", {{"reference", reference}, {"until", "2027-11-24T00:00:00Z"}}).head.status, 400);
  EXPECT_EQ(w.tell("POST", "/release", {{"reference", reference}, {"until", "tomorrow"}}).head.status, 400);
  const Page done = w.tell("POST", "/release", {{"reference", reference}, {"until", ""}, {"by", "j.ortiz"}});
  ASSERT_EQ(done.head.status, 200) << done.body;
  const Digest fingerprint = crypto::sha256("the same request");
  EXPECT_EQ(w.gate->holds().take(fingerprint, w.clock.now()), reference);

  gate::Holds after;
  ASSERT_TRUE(restore_releases(*w.ledger, after, w.clock.now()).ok());
  EXPECT_EQ(after.take(fingerprint, w.clock.now()), reference) << "given, and not known to be used";
  gate::Holds late;
  ASSERT_TRUE(restore_releases(*w.ledger, late, w.clock.now() + std::chrono::hours(25)).ok());
  EXPECT_FALSE(late.take(fingerprint, w.clock.now()));

  ledger::Draft used;
  used.kind = ledger::Kind::admin;
  used.payload = json{{"act", "release-used"}, {"reference", reference}}.dump();
  w.put(std::move(used));
  gate::Holds spent;
  ASSERT_TRUE(restore_releases(*w.ledger, spent, w.clock.now()).ok());
  EXPECT_FALSE(spent.take(fingerprint, w.clock.now()));
  EXPECT_EQ(w.tell("POST", "/release", {{"reference", reference}}).head.status, 409) << "once";
}

TEST(Admin, ExplainsWithSentenceMendAndEntries) {
  World w;
  w.refused();
  const std::string reference = w.gate->recent(1)[0].exchange;
  const json told = w.tell("GET", "/explain?ref=" + reference).value();
  EXPECT_EQ(told["reason"], "not-found") << told.dump();
  EXPECT_FALSE(told["sentence"].get<std::string>().empty());
  ASSERT_EQ(told["entries"].size(), 1U);
  EXPECT_EQ(told["entries"][0]["kind"], "exchange.refused");

  // From the ledger alone, as after a restart; the finding of its flow says why and what to do.
  const std::string older = w.reference_now();
  ledger::Draft d;
  d.kind = ledger::Kind::exchange_refused;
  d.exchange = older;
  d.decision = "refuse";
  d.flow = "scribe";  // whose finding fails in this pack
  d.reason = Reason::no_ground;
  w.put(std::move(d));
  const json rebuilt = w.tell("GET", "/explain?ref=" + older).value();
  EXPECT_EQ(rebuilt["sentence"].get<std::string>().rfind("scribe says <b>", 0), 0U) << rebuilt.dump();
  EXPECT_EQ(rebuilt["mend"], "Give scribe a region.");
  EXPECT_EQ(rebuilt["meaning"], row(Reason::no_ground).title);
  EXPECT_EQ(w.tell("GET", "/explain?ref=" + std::string(26, '0')).head.status, 404);
  EXPECT_EQ(w.tell("GET", "/explain").head.status, 400);
}

TEST(Admin, ProvesIntoAFolderAndRecordsIt) {
  World w;
  w.refused();
  w.clock.advance(std::chrono::minutes(1));
  const Page done = w.tell("POST", "/prove", {{"folder", "/out/bundle"}, {"from", "2026-11-25"}, {"to", "2026-11-25"}});
  ASSERT_EQ(done.head.status, 200) << done.body;
  auto files = proof::read_bundle(w.disk, "/out/bundle");
  ASSERT_TRUE(files.ok()) << files.error().message;
  const proof::Report report = proof::verify_bundle(*files, ledger::Verifier{"licet.example/riverbend/n1", w.keys->log_key().public_key()});
  EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.faults[0]);
  EXPECT_NE(w.leaves().find(R"("act":"prove")"), std::string::npos);
  EXPECT_EQ(w.tell("POST", "/prove", {{"folder", "/out/bundle"}, {"from", "2026-11-25"}, {"to", "2026-11-25"}}).head.status, 409)
      << "not empty";
  EXPECT_EQ(w.tell("POST", "/prove", {{"folder", "bundle"}, {"from", "2026-11-25"}}).head.status, 400) << "relative to what?";
  EXPECT_EQ(w.tell("POST", "/prove", {{"folder", "/out/b2"}, {"from", "soon"}}).head.status, 400);
  EXPECT_EQ(w.tell("POST", "/prove", {{"folder", "/out/b3"}, {"from", "2026-11-25"}, {"vendor", "nobody"}}).head.status, 400);
  const Page ephi = w.tell("POST", "/prove", {{"folder", "/out/b4"}, {"from", "2026-11-25"}, {"patient", "maria-1"}});
  EXPECT_EQ(ephi.head.status, 200) << ephi.body;
  EXPECT_EQ(w.leaves().find("maria-1"), std::string::npos);
}

TEST(Admin, HeadIsASignedCheckpoint) {
  World w;
  const json head = w.tell("GET", "/head").value();
  auto opened =
      ledger::open_checkpoint(head["checkpoint"].get<std::string>(), {"licet.example/riverbend/n1", w.keys->log_key().public_key()});
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(head["size"], opened->size);
}

TEST(Requests, ParametersAreDecodedStrictly) {
  EXPECT_EQ(parameter("a=1&b=x%2Cy+z", "b"), "x,y z");
  EXPECT_EQ(parameter("a=1&b", "b"), "");
  EXPECT_EQ(parameter("a=1", "b"), std::nullopt);
  EXPECT_EQ(parameter("b=%2", "b"), std::nullopt);
  EXPECT_EQ(parameter("b=%zz", "b"), std::nullopt);
  EXPECT_EQ(number_of(std::string("12"), 7), 12U);
  for (const char* odd : {"", "-1", "1x", "99999999999999999999999"}) EXPECT_EQ(number_of(std::string(odd), 7), 7U) << odd;
}

TEST(Socket, SpeaksThroughARealOne) {
  World w;
  std::string folder = std::filesystem::temp_directory_path() / "licet-console-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  http::Server::Options options;
  options.unix_path = folder + "/licet.sock";
  options.threads = 1;
  auto server = http::Server::start(options, *w.admin);
  ASSERT_TRUE(server.ok()) << server.error().message;
  http::UpstreamOptions to;
  to.url = "http://licet";
  to.unix_path = options.unix_path;
  auto upstream = http::make_upstream(to);
  ASSERT_TRUE(upstream.ok());
  int status = 0;
  auto ask = [&]() -> Task<void> {
    http::Request request;
    request.method = "GET";
    request.target = "/status";
    auto answer = co_await (*upstream)->send(std::move(request), std::string());
    if (answer) status = (*answer)->head().status;
  };
  http::run(ask);
  EXPECT_EQ(status, 200);
  (*server)->stop();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace licet::console
