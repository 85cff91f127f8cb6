#include "console/internal/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "console/internal/history.h"
#include "console/internal/print.h"
#include "console/internal/proposal.h"
#include "console/internal/quotes.h"
#include "console/internal/reports.h"
#include "console/internal/tar.h"
#include "crypto/crypto.h"
#include "epoch/commit.h"
#include "proof/findings.h"
#include "proof/verify.h"

namespace licet::console {

using identity::Act;
using nlohmann::json;

struct Visit {
  const http::Request& request;
  std::string_view query;
  const Who& who;
  const json& in;  // the body of a write
  std::string by;
  std::shared_ptr<const epoch::Epoch> epoch;
  const Sight& sight;
};

namespace {

constexpr std::size_t kMostItems = 500;
constexpr std::size_t kMostKept = 64u * 1024 * 1024;
constexpr std::chrono::hours kMostShare{24 * 366}, kShare{24 * 30};

template <std::size_t N>
std::string random_hex(Random& random) {
  std::array<std::byte, N> raw{};
  random.fill(raw);
  return hex(raw);
}

std::uint64_t limit_of(std::string_view query, std::uint64_t otherwise = 100) {
  return std::clamp<std::uint64_t>(number_of(parameter(query, "limit"), otherwise), 1, kMostItems);
}

// One page of a list: items offset..offset+limit of those that `want` keeps.
template <class T, class Want>
Reply list(std::string_view query, std::span<const T> all, std::uint64_t epoch, Want want) {
  const std::uint64_t offset = number_of(parameter(query, "offset"), 0), limit = limit_of(query);
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

// What an epoch holds changes only with it: callers may ask again with the tag.
Reply tagged(Reply reply) {
  if (reply.head.status != 200) return reply;
  reply.head.headers.set("cache-control", "private, no-cache");
  reply.head.headers.set("etag", "\"" + hex(crypto::sha256(reply.body)).substr(0, 24) + "\"");
  return reply;
}

Reply told(Result<json> value) {
  return value ? json_reply(*value) : problem(value.error());
}

Reply wrong(std::string_view detail) {
  return problem(400, "This can't be done as asked.", detail);
}

json time_or_null(const std::optional<Micros>& time) {
  return time ? json(format(*time)) : json(nullptr);
}

// A day of the zone (its end), or an instant.
Result<std::optional<Micros>> end_of(const std::string& given, const Zone& zone) {
  if (given.empty()) return std::optional<Micros>();
  if (auto day = parse_date(given)) return std::optional(zone.start(*day + std::chrono::days(1)));
  auto time = parse_time(given);
  if (!time) return Error{Code::invalid_argument, "until: a day such as 2026-12-31, or RFC 3339"};
  return std::optional(*time);
}

// What was made lies there only on its way to whoever asked.
class Scratch {
 public:
  Scratch(store::FileSystem& files, std::string folder) : files_(files), folder_(std::move(folder)) {}
  ~Scratch() { clear(folder_, 0); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

 private:
  void clear(const std::string& path, int depth) {
    if (depth > 8) return;
    if (auto names = files_.list(path))
      for (const std::string& name : *names) clear(path + "/" + name, depth + 1);
    auto removed = files_.remove(path);
    removed.ignore();  // what can't be removed is found by the next start
  }
  store::FileSystem& files_;
  std::string folder_;
};

}  // namespace

std::span<const Route> routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "status", Act::see, false, false, &Api::status},
      {"GET", "findings", Act::see, false, true, &Api::findings},
      {"GET", "findings/groups", Act::see, false, true, &Api::groups},
      {"GET", "epochs", Act::see, false, false, &Api::epochs},
      {"GET", "requests", Act::see, false, true, &Api::requests},
      {"GET", "licenses", Act::see, false, false, &Api::licenses},
      {"GET", "grounds", Act::see, false, false, &Api::grounds},
      {"GET", "agreements", Act::see, false, true, &Api::agreements},
      {"GET", "map", Act::see, false, true, &Api::map},
      {"GET", "rules", Act::see, false, true, &Api::rules},
      {"GET", "vocabulary", Act::see, false, true, &Api::vocabulary},
      {"GET", "may", Act::see, false, true, &Api::may},
      {"GET", "why", Act::see, false, true, &Api::why},
      {"GET", "explain", Act::watch, false, false, &Api::explained},
      {"GET", "exchanges", Act::watch, false, false, &Api::exchanges},
      {"GET", "events", Act::watch, false, false, &Api::events},
      {"GET", "held", Act::watch, false, false, &Api::held},
      {"GET", "suspensions", Act::see, false, true, &Api::suspensions},
      {"GET", "source", Act::see, false, true, &Api::source},
      {"GET", "cut", Act::see, false, true, &Api::cut},
      {"GET", "session", Act::none, false, false, static_cast<Reply (Api::*)(const Visit&)>(&Api::session)},
      {"GET", "roles", Act::none, false, true, &Api::roles},
      {"GET", "users", Act::people, false, false, &Api::users},
      {"GET", "keys", Act::keys, false, false, &Api::list_keys},
      {"POST", "keys", Act::keys, false, false, &Api::make_key},
      {"POST", "keys/revoke", Act::keys, false, false, &Api::revoke_key},
      {"GET", "entries", Act::ledger, false, false, &Api::entries},
      {"GET", "counts", Act::ledger, false, false, &Api::counts},
      {"GET", "commits", Act::see, false, false, &Api::commits},
      {"GET", "since", Act::see, true, false, &Api::since},
      {"GET", "proposed", Act::see, true, true, &Api::proposed},
      {"GET", "fact-kinds", Act::see, false, true, &Api::fact_kinds},
      {"GET", "reports", Act::report, false, false, &Api::reports},
      {"GET", "report", Act::report, true, false, &Api::report},
      {"GET", "trust", Act::share, false, true, &Api::trust},
      {"GET", "trust/links", Act::share, false, false, &Api::trust_links},
      {"POST", "trust/links", Act::share, false, false, &Api::make_trust_link},
      {"POST", "trust/revoke", Act::share, false, false, &Api::revoke_trust_link},
      {"POST", "propose", Act::propose, true, false, &Api::propose_change},
      {"POST", "commit", Act::commit, true, false, &Api::commit},
      {"POST", "record", Act::record, false, false, &Api::record_fact},
      {"POST", "suspend", Act::suspend, false, false, &Api::suspend_it},
      {"POST", "lift", Act::lift, false, false, &Api::lift_it},
      {"POST", "release", Act::release, false, false, &Api::release_it},
      {"POST", "bundle", Act::prove, true, false, &Api::bundle},
  };
  return kRoutes;
}

const Route* find_route(std::string_view method, std::string_view path, bool& there) {
  there = false;
  for (const Route& r : routes()) {
    if (r.path != path) continue;
    there = true;
    if (r.method == method || (method == "HEAD" && r.method == "GET")) return &r;
  }
  return nullptr;
}

Reply Api::answer(const Route& route, const http::Request& request, const Who& who, const std::string& body) {
  if (!who.acts.has(route.act))
    return problem(403, "Your role may not do this.",
                   fmt::format("it needs the act `{}`; GET /api/v1/roles says who has it", identity::name(route.act)));
  const auto epoch = options_.desk.keeper->current();
  if (!epoch) return problem(503, "No table is in force yet.");
  json in = json::object();
  std::string by = who.user;
  if (route.method == "POST") {
    in = json::parse(body, nullptr, false);
    if (!in.is_object()) return problem(400, "The body must be a JSON object.");
    if (in.contains("by") && !good_name(text(in, "by"))) return wrong("by must be a name of letters, digits and -_.@, 64 at most");
    // Only the key of the first start is nobody's: who uses it says who they are. An account is who it is.
    if (by.empty()) by = in.contains("by") ? text(in, "by") : "console";
  }
  const Sight sight(*epoch->world.stack, who.owners);
  const Visit visit{request, request.query(), who, in, std::move(by), epoch, sight};
  if (!route.kept) return (this->*route.answer)(visit);
  const std::string key = fmt::format("{}?{}\n{}", route.path, request.query(), sight.key());
  {
    const std::lock_guard lock(mutex_);
    if (kept_of_ != epoch) kept_.clear(), order_.clear(), kept_bytes_ = 0, kept_of_ = epoch;
    if (const auto at = kept_.find(key); at != kept_.end()) return *at->second;
  }
  auto made = std::make_shared<const Reply>(tagged((this->*route.answer)(visit)));
  if (made->head.status == 200 && key.size() < 4096) {
    const std::lock_guard lock(mutex_);
    if (kept_of_ == epoch && kept_.emplace(key, made).second) {
      order_.push_back(key);
      kept_bytes_ += made->body.size() + key.size() + 512;
      for (; kept_bytes_ > kMostKept && order_.size() > 1; order_.pop_front()) {
        const auto old = kept_.find(order_.front());
        kept_bytes_ -= old->second->body.size() + old->first.size() + 512;
        kept_.erase(old);
      }
    }
  }
  return *made;
}

namespace {

// Of an agreement as JSON or as it is declared: a text below the stack folder, and nowhere else.
bool below_stack(std::string_view path) {
  return !path.empty() && !path.starts_with("/") && path.find("..") == std::string_view::npos;
}
bool plain_text(std::string_view path) {
  return path.ends_with(".txt") || path.ends_with(".md");
}

}  // namespace

void Api::read_documents(const epoch::Epoch& epoch) {
  constexpr std::size_t kMostDocuments = 200, kMostBytes = 16 * 1024 * 1024;
  if (!options_.document_text || options_.stack.empty()) return;
  std::size_t read = 0;
  bool fresh = false;
  for (const stack::Document* a : epoch.world.stack->all("agreement")) {
    const std::string path(a->text("document"));
    std::set<std::string> wanted;
    if (const stack::Value* clauses = a->find("clauses"))
      for (const stack::Value& c : clauses->items)
        if (const stack::Value* digest = c.find("quote-sha256")) wanted.insert(digest->text);
    if (wanted.empty() || plain_text(path) || !below_stack(path) || ++read > kMostDocuments) continue;
    auto bytes = options_.files->read_all(options_.stack + "/" + path, kMostBytes);
    if (!bytes) continue;
    const Digest of = crypto::sha256(*bytes);
    {
      const std::lock_guard lock(mutex_);
      Quoted& known = quoted_[path];
      if (known.of != of) known = {of, {}};
      std::erase_if(wanted, [&](const std::string& digest) { return known.quotes.contains(digest); });
    }
    if (wanted.empty()) continue;
    const auto text = options_.document_text(path, *bytes);
    auto found = text ? quotes(*text, wanted) : std::map<std::string, std::string>();
    const std::lock_guard lock(mutex_);
    for (const std::string& digest : wanted) quoted_[path].quotes[digest] = found[digest];
    fresh = true;
  }
  if (!fresh) return;
  const std::lock_guard lock(mutex_);  // answers made meanwhile lack them
  kept_.clear(), order_.clear(), kept_bytes_ = 0;
}

void Api::warm() {
  const auto epoch = options_.desk.keeper->current();
  if (!epoch) return;
  read_documents(*epoch);
  http::Request request;
  Who who;
  who.known = true;
  who.acts = identity::row(identity::Role::starter).acts;
  for (const std::string_view target : {"findings?limit=100", "map", "agreements?limit=500", "rules", "vocabulary?limit=500"}) {
    request.target = "/api/v1/" + std::string(target);
    bool there = false;
    if (const Route* route = find_route("GET", target.substr(0, target.find('?')), there)) {
      const Reply made = answer(*route, request, who, {});
      static_cast<void>(made);
    }
  }
}

std::shared_ptr<const FindingIndex> Api::index_of(const EpochRef& epoch) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& one : indexes_)
      if (one->epoch == epoch) return one;
  }
  auto made = std::make_shared<const FindingIndex>(epoch);
  const std::lock_guard lock(mutex_);
  indexes_.push_front(made);
  if (indexes_.size() > 4) indexes_.pop_back();
  return made;
}

Result<Api::EpochRef> Api::asked_for(const Visit& v) {
  return options_.past->at(v.epoch, parameter(v.query, "as_of").value_or(""), parameter(v.query, "known").value_or(""),
                           options_.desk.ledger->now());
}

Result<std::uint64_t> Api::note(const std::string& by, const json& payload) {
  ledger::Draft draft;
  draft.kind = ledger::Kind::admin;
  draft.actor = by;
  draft.payload = payload.dump();
  LICET_TRY(recorded, options_.desk.ledger->append_and_wait(std::move(draft)));
  return recorded.index();
}

// ---- what is so

Reply Api::status(const Visit& v) {
  json out = status_json(*options_.desk.gate, *options_.desk.keeper, *options_.desk.ledger, options_.build);
  if (!v.sight.all()) {
    json& findings = out["findings"];
    for (auto& [name, n] : findings.items()) n = 0;
    for (const rules::Finding& f : v.epoch->world.judgment.findings)
      if (v.sight.sees(f.subject)) findings[std::string(rules::name(f.status))] = findings.value(std::string(rules::name(f.status)), 0) + 1;
    const auto all = v.epoch->world.table->licenses();
    out["licenses"] = std::count_if(all.begin(), all.end(), [&](const license::License& l) { return v.sight.any({l.holder, l.flow}); });
  }
  return json_reply(out);
}

Reply Api::findings(const Visit& v) {
  auto epoch = asked_for(v);
  if (!epoch) return problem(epoch.error());
  const Sight sight(*(*epoch)->world.stack, v.who.owners);
  return json_reply(findings_page(*index_of(*epoch), v.query, sight));
}

Reply Api::groups(const Visit& v) {
  auto epoch = asked_for(v);
  if (!epoch) return problem(epoch.error());
  const Sight sight(*(*epoch)->world.stack, v.who.owners);
  return told(finding_groups(*index_of(*epoch), v.query, sight));
}

Reply Api::epochs(const Visit& v) {
  return told(options_.past->epochs(number_of(parameter(v.query, "before"), std::numeric_limits<std::int64_t>::max()), limit_of(v.query)));
}

Reply Api::requests(const Visit& v) {
  auto epoch = asked_for(v);
  if (!epoch) return problem(epoch.error());
  const Sight sight(*(*epoch)->world.stack, v.who.owners);
  return json_reply(requests_view(*index_of(*epoch), sight));
}

Reply Api::licenses(const Visit& v) {
  return list<license::License>(v.query, v.epoch->world.table->licenses(), v.epoch->number, [&](const license::License& l) {
    return v.sight.any({l.holder, l.flow});
  });
}

Reply Api::grounds(const Visit& v) {
  return list<rules::Ground>(v.query, v.epoch->world.judgment.grounds, v.epoch->number, [&](const rules::Ground& g) {
    return v.sight.any({g.flow, g.recipient});
  });
}

Reply Api::agreements(const Visit& v) {
  auto epoch = asked_for(v);
  if (!epoch) return problem(epoch.error());
  const Sight sight(*(*epoch)->world.stack, v.who.owners);
  json out = agreements_view(*index_of(*epoch), v.query, sight);
  std::size_t read = 0;
  for (json& one : out["items"]) {
    std::set<std::string> wanted;
    for (json& clause : one["clauses"]) {
      if (!clause.is_object()) continue;
      clause["quote"] = "";
      if (const std::string digest = text(clause, "quote-sha256"); !digest.empty()) wanted.insert(digest);
    }
    // Where the text no longer holds the words, nothing is quoted.
    const std::string path = text(one, "document");
    if (wanted.empty() || options_.stack.empty() || !below_stack(path)) continue;
    std::map<std::string, std::string> found;
    if (plain_text(path)) {
      if (++read > 200) continue;
      auto bytes = options_.files->read_all(options_.stack + "/" + path, 1024 * 1024);
      if (!bytes) continue;
      found = quotes(*bytes, wanted);
    } else {
      const std::lock_guard lock(mutex_);
      if (const auto at = quoted_.find(path); at != quoted_.end()) found = at->second.quotes;
    }
    for (json& clause : one["clauses"])
      if (const auto at = found.find(text(clause, "quote-sha256")); clause.is_object() && at != found.end()) clause["quote"] = at->second;
  }
  return json_reply(out);
}

Reply Api::map(const Visit& v) {
  return json_reply(map_view(*index_of(v.epoch), v.query, v.sight));
}

Reply Api::rules(const Visit& v) {
  return json_reply(rules_view(*v.epoch, v.sight));
}

Reply Api::vocabulary(const Visit& v) {
  return json_reply(vocabulary_view(*v.epoch, v.query, v.sight));
}

Reply Api::may(const Visit& v) {
  auto epoch = asked_for(v);
  if (!epoch) return problem(epoch.error());
  const Sight sight(*(*epoch)->world.stack, v.who.owners);
  return told(may_view(**epoch, v.query, {options_.packs, options_.desk.ledger->now(), options_.files}, sight));
}

Reply Api::why(const Visit& v) {
  return told(why_view(*index_of(v.epoch), v.query, v.sight));
}

Reply Api::explained(const Visit& v) {
  const std::string reference = parameter(v.query, "ref").value_or("");
  Reply reply = explain(options_.desk, reference);
  if (v.sight.all() || reply.head.status != 200) return reply;
  const json told_of = json::parse(reply.body, nullptr, false);
  bool seen = false;
  for (const json& e : told_of.value("entries", json::array()))
    seen = seen || v.sight.any({text(e, "actor"), text(e, "client"), text(e, "system"), text(e, "flow"), text(e, "route")});
  for (const gate::Glimpse& g : options_.desk.gate->recent(kMostItems))
    seen = seen || (g.exchange == reference && v.sight.any({g.actor, g.client, g.route}));
  return seen ? reply : problem(404, "There is no such thing.", "no exchange with that reference is on this node's ledger");
}

std::string Api::exchange(const gate::Glimpse& glimpse, std::span<const std::string> owners) const {
  if (!owners.empty()) {
    const auto epoch = options_.desk.keeper->current();
    if (!epoch) return {};
    if (!Sight(*epoch->world.stack, owners).any({glimpse.actor, glimpse.client, glimpse.route})) return {};
  }
  return glimpse_json(glimpse).dump(-1, ' ', false, json::error_handler_t::replace);
}

Reply Api::exchanges(const Visit& v) {
  const gate::Gate& gate = *options_.desk.gate;
  const std::uint64_t after = number_of(parameter(v.query, "after"), 0), limit = limit_of(v.query);
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
  for (std::size_t i = 0; i < std::min<std::uint64_t>(recent.size(), fresh) && items.size() < limit; ++i)
    if (v.sight.any({recent[i].actor, recent[i].client, recent[i].route})) items.push_back(glimpse_json(recent[i]));
  return json_reply({{"items", std::move(items)}, {"next", seen}});
}

Reply Api::events(const Visit&) {
  return problem(406, "This is a stream.");
}

Reply Api::held(const Visit& v) {
  auto all = options_.held->list(*options_.desk.ledger, options_.records);
  if (!all) return problem(all.error());
  json kept = json::array();
  for (json& one : *all)
    if (v.sight.any({text(one, "actor"), text(one, "client"), text(one, "flow"), text(one, "route")})) kept.push_back(std::move(one));
  const std::uint64_t offset = std::min<std::uint64_t>(number_of(parameter(v.query, "offset"), 0), kept.size());
  const std::uint64_t end = std::min<std::uint64_t>(offset + limit_of(v.query, kMostItems), kept.size());
  json items = json::array();
  for (std::uint64_t i = offset; i < end; ++i) items.push_back(kept[i]);
  return json_reply({{"items", std::move(items)}, {"total", kept.size()}, {"next", end < kept.size() ? json(end) : json(nullptr)}});
}

Reply Api::suspensions(const Visit& v) {
  return json_reply(suspensions_view(*v.epoch, &v.sight));
}

Reply Api::source(const Visit& v) {
  const std::string id = parameter(v.query, "id").value_or("");
  if (!v.sight.sees(id)) return problem(404, "There is no such thing.", "nothing of that id is declared");
  return told(source_view(*v.epoch, id));
}

Reply Api::cut(const Visit& v) {
  const std::string id = parameter(v.query, "id").value_or("");
  if (id == "*" && !v.sight.all()) return problem(404, "There is no such thing.", "you see a part only");
  return told(cut_view(*v.epoch, id, v.sight));
}

// ---- who

json Api::session(const Who& who) const {
  json list = json::array();
  for (const identity::ActRow& a : identity::acts())
    if (who.acts.has(a.act)) list.push_back(a.name);
  return {{"user", who.user.empty() ? "console" : who.user},
          {"name", who.name},
          {"role", who.role},
          {"acts", std::move(list)},
          {"owners", who.owners},
          {"via", who.via},
          {"until", time_or_null(who.until)},
          {"idle_seconds", std::chrono::seconds(Door::kIdle).count()},
          {"csrf", who.csrf},
          {"now", format(options_.desk.ledger->now())}};
}

Reply Api::session(const Visit& v) {
  return json_reply(session(v.who));
}

Reply Api::roles(const Visit&) {
  json acts = json::array(), items = json::array();
  for (const identity::ActRow& a : identity::acts()) acts.push_back({{"id", a.name}, {"means", a.means}});
  for (const identity::RoleRow& r : identity::roles()) {
    json of = json::array();
    for (const identity::ActRow& a : identity::acts())
      if (r.acts.has(a.act)) of.push_back(a.name);
    items.push_back({{"id", r.name}, {"title", r.title}, {"time_boxed", r.time_boxed}, {"acts", std::move(of)}});
  }
  return json_reply({{"acts", std::move(acts)}, {"items", std::move(items)}});
}

Reply Api::users(const Visit& v) {
  const Micros now = options_.desk.ledger->now();
  const auto last = options_.door->last();
  json items = json::array();
  if (options_.accounts != nullptr)
    for (const identity::Account& a : options_.accounts->list()) {
      const auto at = last.find(a.name);
      items.push_back({{"name", a.name},
                       {"full_name", a.full_name},
                       {"role", identity::row(a.role).name},
                       {"owners", a.owners},
                       {"until", a.until ? json(format(*a.until)) : json(nullptr)},
                       {"state", a.ended                                   ? "ended"
                                 : a.over(now, v.epoch->world.stack->zone) ? "over"
                                 : options_.accounts->locked(a.name, now)  ? "locked"
                                                                           : "active"},
                       {"totp", a.totp},
                       {"oidc", !a.subject.empty()},
                       {"last", at == last.end() ? json(nullptr) : json(format(at->second))}});
    }
  return json_reply({{"items", std::move(items)}});
}

Reply Api::list_keys(const Visit& v) {
  const Micros now = options_.desk.ledger->now();
  json items = json::array();
  static_cast<void>(v);
  for (const Pass& p : options_.keys->list())
    items.push_back({{"id", p.id},
                     {"name", p.name},
                     {"scopes", p.scopes},
                     {"owners", p.owners},
                     {"by", p.by},
                     {"made", format(p.made)},
                     {"until", time_or_null(p.until)},
                     {"last", time_or_null(p.last)},
                     {"state", p.state(now)}});
  return json_reply({{"items", std::move(items)}});
}

Reply Api::make_key(const Visit& v) {
  Pass wanted;
  wanted.name = text(v.in, "name");
  if (!good_name(wanted.name) || wanted.name.size() > 40) return wrong("name: letters, digits and -_.@, 40 at most");
  const json scopes = v.in.value("scopes", json::array());
  if (!scopes.is_array() || scopes.empty() || scopes.size() > 32) return wrong("scopes: at least one act");
  for (const json& scope : scopes) {
    const auto act = scope.is_string() ? identity::act_of(scope.get<std::string>()) : std::nullopt;
    if (!act || *act == Act::keys) return wrong("scopes: acts of GET /api/v1/roles, and never `keys`");
    if (!v.who.acts.has(*act))
      return problem(403, "A key can't do more than you may.", fmt::format("you lack the act `{}`", identity::name(*act)));
    wanted.scopes.push_back(scope.get<std::string>());
  }
  const Micros now = options_.desk.ledger->now();
  auto until = end_of(text(v.in, "until"), v.epoch->world.stack->zone);
  if (!until) return problem(until.error());
  if (*until && **until <= now) return wrong("until must lie ahead");
  wanted.until = *until;
  wanted.owners = v.who.owners;
  wanted.by = v.by;
  wanted.made = now;
  // On record before it exists: the entry names what it may do; its id follows from the list.
  auto index = note(v.by, {{"act", "key-made"},
                           {"name", wanted.name},
                           {"scopes", wanted.scopes},
                           {"until", wanted.until ? json(count(*wanted.until)) : json(nullptr)}});
  if (!index) return problem(503, "This was not recorded, so it does not hold.", index.error().message);
  auto made = options_.keys->make(std::move(wanted));
  if (!made) return problem(made.error());
  return json_reply({{"id", made->id}, {"key", made->secret}, {"until", time_or_null(*until)}, {"index", *index}});
}

Reply Api::end_pass(const Visit& v, Passes& passes, const char* act) {
  const std::string id = text(v.in, "id");
  const auto all = passes.list();
  if (id.empty()) return wrong("id: of the list");
  const auto at = std::find_if(all.begin(), all.end(), [&](const Pass& p) { return p.id == id && !p.revoked; });
  if (at == all.end())
    return good_name(id) ? problem(404, "There is no such thing.", "there is none of that id that still holds") : wrong("id: of the list");
  // Ends first: what is wrong with the record must not keep a leaked key alive.
  if (auto ended = passes.revoke(id); !ended) return problem(ended.error());
  auto index = note(v.by, {{"act", act}, {"id", id}, {"name", at->name}});
  if (!index) return problem(503, "It is ended; that could not be recorded.", index.error().message);
  return json_reply({{"index", *index}, {"time", format(options_.desk.ledger->now())}});
}

Reply Api::revoke_key(const Visit& v) {
  return end_pass(v, *options_.keys, "key-revoked");
}

// ---- the record

Reply Api::entries(const Visit& v) {
  ledger::Index::Query query;
  const auto word = [&](const char* name) { return parameter(v.query, name).value_or(""); };
  std::string kinds = word("kind");
  for (std::string_view rest = kinds; !rest.empty();) {
    const auto end = std::min(rest.find(','), rest.size());
    if (!ledger::kind_of(rest.substr(0, end))) return wrong("kind: such as login, admin, fact, epoch or exchange.refused");
    query.kinds.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  query.actor = word("actor");
  query.system = word("system");
  query.decision = word("decision");
  query.reason = word("reason");
  query.exchange = word("exchange");
  const Zone& zone = v.epoch->world.stack->zone;
  for (const bool to : {false, true}) {
    const std::string given = word(to ? "to" : "from");
    if (given.empty()) continue;
    std::optional<Micros>& at = to ? query.to : query.from;
    if (auto day = parse_date(given))
      at = zone.start(to ? *day + std::chrono::days(1) : *day);
    else if (auto time = parse_time(given))
      at = *time;
    else
      return wrong("from and to: a day such as 2026-03-01, or RFC 3339");
  }
  query.before = number_of(parameter(v.query, "before"), std::numeric_limits<std::int64_t>::max());
  const std::uint64_t limit = limit_of(v.query);
  query.most = limit + 1;
  auto rows = options_.records->find(query);
  if (!rows) return problem(rows.error());
  json items = json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(rows->size(), limit); ++i) {
    const ledger::Row& r = (*rows)[i];
    if (!v.sight.any({r.actor, r.client, r.system, r.flow})) continue;
    json one{{"index", r.index},         {"time", format(r.time)}, {"kind", r.kind},   {"exchange", r.exchange}, {"actor", r.actor},
             {"client", r.client},       {"system", r.system},     {"route", r.route}, {"flow", r.flow},         {"purpose", r.purpose},
             {"decision", r.decision},   {"reason", r.reason},     {"form", r.form},   {"license", r.license},   {"epoch", r.epoch},
             {"resources", r.resources}, {"status", r.status}};
    const auto kind = ledger::kind_of(r.kind);
    if (kind && (ledger::is_act(*kind) || *kind == ledger::Kind::login)) {
      auto leaf = options_.records->leaf(r.index);
      // What a fact says of a patient is sealed, and not here.
      if (leaf && leaf->contains("payload") && (*leaf)["payload"].is_object()) one["payload"] = (*leaf)["payload"];
    }
    items.push_back(std::move(one));
  }
  const json next = rows->size() > limit ? json((*rows)[limit - 1].index) : json(nullptr);
  return json_reply({{"items", std::move(items)}, {"next", next}, {"size", options_.desk.ledger->head().size}});
}

Reply Api::counts(const Visit& v) {
  if (!v.sight.all()) return problem(403, "You see a part only.", "the counts are of the whole node");
  const auto day = [&](const char* name, Date otherwise) -> Result<Date> {
    const std::string given = parameter(v.query, name).value_or("");
    if (given.empty()) return otherwise;
    auto date = parse_date(given);
    if (!date) return Error{Code::invalid_argument, "from and to: a day such as 2026-03-01"};
    return *date;
  };
  auto to = day("to", std::chrono::floor<std::chrono::days>(options_.desk.ledger->now()));
  if (!to) return problem(to.error());
  auto from = day("from", *to - std::chrono::days(30));
  if (!from) return problem(from.error());
  if (*from > *to || *to - *from > std::chrono::days(400)) return wrong("from must not lie after to, and at most 400 days before it");
  auto rows = options_.records->daily(*from, *to);
  if (!rows) return problem(rows.error());
  json items = json::array();
  for (const ledger::Index::Daily& d : *rows)
    items.push_back({{"day", format(d.day)}, {"decision", d.decision}, {"reason", d.reason}, {"count", d.entries}});
  return json_reply({{"from", format(*from)}, {"to", format(*to)}, {"items", std::move(items)}});
}

// ---- beside what is in force

Reply Api::commits(const Visit& v) {
  return told(options_.past->commits(limit_of(v.query)));
}

Reply Api::since(const Visit& v) {
  return told(options_.past->since(v.epoch, v.query, v.sight, options_.desk.ledger->now()));
}

Reply Api::proposed(const Visit& v) {
  return told(options_.past->proposed(v.epoch, v.query, v.sight, options_.desk.ledger->now()));
}

Reply Api::fact_kinds(const Visit&) {
  return json_reply(fact_kinds_view());
}

// ---- reports and what goes out

Reply Api::reports(const Visit&) {
  return json_reply(reports_view());
}

Reply Api::report(const Visit& v) {
  const std::string as = parameter(v.query, "format").value_or("html");
  if (as != "html" && as != "pdf") return wrong("format: html or pdf");
  if (as == "pdf")
    if (const std::string why_not = no_pdf(); !why_not.empty()) return problem(503, "No PDF can be made here.", why_not);
  const auto index = index_of(v.epoch);
  const ReportBy by{index.get(),
                    &v.sight,
                    options_.desk.ledger,
                    &options_.desk.keys->log_key(),
                    options_.origin,
                    {options_.packs, options_.desk.ledger->now(), options_.files},
                    v.who.user.empty() ? "" : v.who.user};
  auto made = console::report(v.query, by);
  if (!made) return problem(made.error());
  Reply out;
  out.body = std::move(made->html);
  if (as == "pdf") {
    auto bytes = pdf(out.body);
    if (!bytes) return problem(bytes.error());
    out.body = *std::move(bytes);
  }
  // The name holds ids and days only.
  std::string name;
  for (const char c : made->name)
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.') name += c;
  out.head.headers = {{"content-type", as == "pdf" ? "application/pdf" : "text/html; charset=utf-8"},
                      {"content-disposition", fmt::format("inline; filename=\"{}.{}\"", name, as)},
                      {"cache-control", "no-store"},
                      {"content-security-policy", print_policy()},
                      {"referrer-policy", "no-referrer"},
                      {"x-content-type-options", "nosniff"}};
  return out;
}

namespace {

ReportBy trust_by(const FindingIndex& index, const Sight& sight, const Desk& desk) {
  return {&index, &sight, desk.ledger, &desk.keys->log_key(), {}, {}, {}};
}

}  // namespace

Reply Api::trust(const Visit& v) {
  const auto index = index_of(v.epoch);
  const Sight whole(*v.epoch->world.stack, {});
  auto made = trust_view(trust_by(*index, whole, options_.desk), parameter(v.query, "names").value_or("") == "true");
  if (!made) return problem(made.error());
  return json_reply(*made);
}

Reply Api::trust_links(const Visit&) {
  const Micros now = options_.desk.ledger->now();
  json items = json::array();
  for (const Pass& p : options_.links->list())
    items.push_back({{"id", p.id},
                     {"for", p.name},
                     {"by", p.by},
                     {"made", format(p.made)},
                     {"until", format(p.until.value_or(p.made))},
                     {"names", p.names},
                     {"seen", p.uses},
                     {"state", p.state(now)}});
  return json_reply({{"items", std::move(items)}});
}

Reply Api::make_trust_link(const Visit& v) {
  Pass wanted;
  wanted.name = text(v.in, "for");
  if (!good_name(wanted.name)) return wrong("for: letters, digits and -_.@, 64 at most");
  const Micros now = options_.desk.ledger->now();
  auto until = end_of(text(v.in, "until"), v.epoch->world.stack->zone);
  if (!until) return problem(until.error());
  wanted.until = until->value_or(now + kShare);
  if (*wanted.until <= now || *wanted.until > now + kMostShare) return wrong("until must lie in the next 366 days");
  wanted.names = v.in.contains("names") && v.in["names"].is_boolean() && v.in["names"].get<bool>();
  wanted.by = v.by;
  wanted.made = now;
  const json payload{{"act", "trust-link-made"}, {"for", wanted.name}, {"names", wanted.names}, {"until", count(*wanted.until)}};
  auto index = note(v.by, payload);
  if (!index) return problem(503, "This was not recorded, so it does not hold.", index.error().message);
  const Micros ends = *wanted.until;
  auto made = options_.links->make(std::move(wanted));
  if (!made) return problem(made.error());
  return json_reply({{"id", made->id}, {"path", "/trust/" + made->secret}, {"until", format(ends)}, {"index", *index}});
}

Reply Api::revoke_trust_link(const Visit& v) {
  return end_pass(v, *options_.links, "trust-link-revoked");
}

Reply Api::trust_link(std::string_view token) {
  const auto pass = options_.links->find(token, options_.desk.ledger->now());
  const auto epoch = options_.desk.keeper->current();
  if (!pass || !epoch) return problem(404, "This link holds no longer, or never did.");
  const auto index = index_of(epoch);
  const Sight whole(*epoch->world.stack, {});
  auto made = trust_view(trust_by(*index, whole, options_.desk), pass->names);
  if (!made) return problem(503, "This can't be shown at the moment.");
  Reply out;
  out.body = trust_page(*made, format(pass->until.value_or(Micros{})).substr(0, 10));
  out.head.headers = {
      {"content-type", "text/html; charset=utf-8"}, {"cache-control", "no-store"}, {"content-security-policy", print_policy()},
      {"referrer-policy", "no-referrer"},           {"x-robots-tag", "noindex"},   {"x-content-type-options", "nosniff"}};
  return out;
}

// ---- what a person does

Reply Api::propose_change(const Visit& v) {
  const std::string id = text(v.in, "id");
  if (!v.sight.sees(id)) return problem(404, "There is no such thing.", "nothing of that id is declared");
  auto change = edit(*v.epoch, id, text(v.in, "text"));
  if (!change) return problem(change.error());
  return told(propose(*v.epoch, *change, options_.packs, options_.desk.ledger->now(), *options_.files));
}

Reply Api::commit(const Visit& v) {
  const std::string id = text(v.in, "id");
  if (id.empty() || !v.in.contains("text")) return wrong("id and text: what to change, and into what");
  if (!v.sight.sees(id)) return problem(404, "There is no such thing.", "nothing of that id is declared");
  const Micros now = options_.desk.ledger->now();
  std::string branch = text(v.in, "branch");
  if (branch.empty()) {
    std::string stamp;
    for (const char c : format(now).substr(0, 19))
      if (c >= '0' && c <= '9') stamp += c;
    branch = fmt::format("licet/{}-{}", id, stamp);
  }
  const std::string_view name = std::string_view(branch).substr(std::min<std::size_t>(6, branch.size()));
  const bool good = branch.starts_with("licet/") && !name.empty() && name.size() <= 96 &&
                    ((name[0] >= 'a' && name[0] <= 'z') || (name[0] >= '0' && name[0] <= '9')) &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
                    });
  if (!good) return wrong("branch: licet/ and then a-z, 0-9, - _ .");
  std::string title = text(v.in, "why");
  if (title.size() > 200 || std::any_of(title.begin(), title.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
    return wrong("why: one line, 200 bytes at most");
  if (title.empty()) title = "Change " + id;
  if (options_.stack.empty()) return problem(409, "This can't be done now.", "the declaration is in no folder here");
  auto change = edit(*v.epoch, id, text(v.in, "text"));
  if (!change) return problem(change.error());
  if (change->patch.empty()) return problem(409, "This can't be done now.", "nothing differs");
  auto judged = propose(*v.epoch, *change, options_.packs, now, *options_.files);
  if (!judged) return problem(judged.error());
  if (!(*judged)["problems"].empty()) return wrong("the change has problems: " + (*judged)["problems"][0].get<std::string>());
  auto hash = epoch::commit_to_branch(options_.stack, {change->path, change->before, change->after, branch,
                                                       fmt::format("{}\n\nProposed in the console by {}.", title, v.by), v.by});
  if (!hash) return problem(hash.error());
  auto index = note(v.by, {{"act", "change-committed"}, {"branch", branch}, {"commit", *hash}, {"id", id}});
  if (!index) return problem(503, "The branch is there; that could not be recorded.", index.error().message);
  return json_reply({{"branch", branch}, {"commit", *hash}, {"patch", change->patch}});
}

Reply Api::record_fact(const Visit& v) {
  epoch::FactInput fact;
  fact.kind = text(v.in, "kind");
  fact.subject = text(v.in, "subject");
  fact.object = text(v.in, "object");
  fact.from = text(v.in, "from");
  fact.until = text(v.in, "until");
  const json details = v.in.value("details", json::object());
  if (!details.is_object()) return wrong("details must be an object of words");
  for (const auto& [name, value] : details.items()) fact.details.emplace(name, value.is_string() ? value.get<std::string>() : "");
  const auto kinds = epoch::fact_kinds();
  const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const epoch::FactKind& k) { return k.kind == fact.kind; });
  if (kind == kinds.end()) return wrong("kind: one of GET /api/v1/fact-kinds");
  if (kind->patient) return wrong("a fact about a patient is for `licet record` on the node's own machine");
  // A suspension is more than a fact: it has an act of its own.
  if ((fact.kind == "suspension" && !v.who.acts.has(Act::suspend)) || (fact.kind == "suspension-lifted" && !v.who.acts.has(Act::lift)))
    return problem(403, "Your role may not do this.");
  if (!kind->subject.empty()) {
    const stack::Document* about = v.epoch->world.stack->find(fact.subject);
    if (about == nullptr || !v.sight.sees(fact.subject) || kind->subject.find(about->kind) == std::string_view::npos)
      return problem(404, "There is no such thing.", fmt::format("the declaration has no {} of that id", kind->subject));
  } else if (!v.sight.all()) {
    return problem(404, "There is no such thing.", "you see a part only");
  }
  return record(options_.desk, fact, v.by);
}

Reply Api::suspend_it(const Visit& v) {
  const std::string id = text(v.in, "id");
  if (id.empty()) return wrong("id: whom to stop");
  if (!v.sight.all() && (id == "*" || !v.sight.sees(id))) return problem(404, "There is no such thing.", "you see a part only");
  if (id != "*" && !good_name(id)) return wrong("id: of the declaration, or *");
  return suspend(options_.desk, id, false, v.by);
}

Reply Api::lift_it(const Visit& v) {
  const std::string id = text(v.in, "id");
  if (id.empty()) return wrong("id: whose suspension ends");
  if (!v.sight.all() && (id == "*" || !v.sight.sees(id))) return problem(404, "There is no such thing.", "you see a part only");
  if (id != "*" && !good_name(id)) return wrong("id: of the declaration, or *");
  return suspend(options_.desk, id, true, v.by);
}

Reply Api::release_it(const Visit& v) {
  const std::string reference = text(v.in, "reference");
  if (!v.sight.all()) {
    auto entries = entries_of(*options_.desk.ledger, reference, options_.records);
    if (!entries) return problem(entries.error());
    const bool seen = std::any_of(entries->begin(), entries->end(), [&](const json& e) {
      return v.sight.any({text(e, "actor"), text(e, "client"), text(e, "system"), text(e, "flow")});
    });
    if (!seen) return problem(404, "There is no such thing.", "no exchange with that reference is on this node's ledger");
  }
  return release(options_.desk, reference, text(v.in, "until"), v.by);
}

Reply Api::bundle(const Visit& v) {
  if (options_.bundles.empty()) return problem(503, "No bundle can be made here.");
  const std::string vendor = text(v.in, "vendor");
  if (!v.sight.all() && (vendor.empty() || !v.sight.sees(vendor)))
    return problem(403, "You see a part only.", "name the vendor: one that you see");
  proof::ProveInput input = evidence_input(*v.epoch, *options_.desk.ledger, *options_.desk.keys, options_.build);
  const Micros now = input.now;
  // Never about a patient: that is ePHI, and stays with those who run the program.
  const std::string folder = options_.bundles + "/" + random_hex<16>(*options_.desk.random);
  const Scratch scratch(*options_.files, folder);
  auto made =
      proof::produce(*options_.files, {folder, text(v.in, "from"), text(v.in, "to"), vendor, "", v.by, options_.stack}, std::move(input));
  if (!made) return problem(made.error());
  auto files = proof::read_bundle(*options_.files, folder);
  if (!files) return problem(files.error());
  const std::string name = fmt::format("licet-evidence-{}", format(now).substr(0, 10));
  auto packed = tar(*files, name, now);
  if (!packed) return problem(packed.error());
  return {{200,
           {{"content-type", "application/x-tar"},
            {"content-disposition", "attachment; filename=\"" + name + ".tar\""},
            {"cache-control", "no-store"},
            {"x-content-type-options", "nosniff"}}},
          *std::move(packed)};
}

}  // namespace licet::console
