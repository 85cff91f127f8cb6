#include "console/internal/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "console/internal/reply.h"
#include "epoch/may.h"
#include "proof/findings.h"

namespace licet::console {
namespace {

using nlohmann::json;
using rules::Status;

constexpr std::uint64_t kMostItems = 500;
constexpr std::size_t kMostFacetValues = 50;
constexpr std::size_t kMostLines = 16;  // of one declared thing, shown beside a verdict

// What people look at first comes first.
int urgency(Status status) {
  switch (status) {
    case Status::fail:
      return 0;
    case Status::stale:
      return 1;
    case Status::unknown:
      return 2;
    case Status::accepted:
      return 3;
    case Status::pass:
      return 4;
    case Status::not_applicable:
      return 5;
  }
  return 0;
}

json value_json(const stack::Value& value) {
  switch (value.type) {
    case stack::Value::Type::scalar:
      return value.text;
    case stack::Value::Type::list: {
      json out = json::array();
      for (const stack::Value& item : value.items) out.push_back(value_json(item));
      return out;
    }
    case stack::Value::Type::map: {
      json out = json::object();
      for (const stack::Member& m : value.members) out[m.key] = value_json(m.value);
      return out;
    }
  }
  return nullptr;
}

json field(const stack::Document& doc, std::string_view path, json otherwise) {
  const stack::Value* value = doc.find(path);
  return value == nullptr ? std::move(otherwise) : value_json(*value);
}

std::string name_of(const stack::Stack& stack, std::string_view id) {
  const stack::Document* doc = stack.find(id);
  const std::string_view name = doc == nullptr ? std::string_view() : doc->text("name");
  return std::string(name.empty() ? id : name);
}

// The organization that answers for a declared thing; empty: none is known.
std::string owner_of(const stack::Stack& stack, std::string_view id, int depth = 0) {
  const stack::Document* doc = depth > 3 ? nullptr : stack.find(id);
  if (doc == nullptr) return {};
  if (doc->kind == "organization") return doc->id;
  if (doc->kind == "agreement") return std::string(doc->text("down"));
  if (doc->kind == "person") return std::string(doc->text("organization"));
  for (const std::string_view to : {doc->text("owner"), doc->text("organization"), doc->text("to"), doc->text("serves"),
                                    doc->text("reaches"), doc->text("system"), doc->text("about")})
    if (!to.empty()) return owner_of(stack, to, depth + 1);
  return {};
}

const rules::Requirement* requirement_of(const epoch::World& world, std::string_view id, const rules::Pack** in = nullptr) {
  for (const rules::Pack& pack : world.packs)
    for (const rules::Requirement& r : pack.requirements)
      if (r.id == id) {
        if (in != nullptr) *in = &pack;
        return &r;
      }
  return nullptr;
}

json date_or_null(const std::optional<Date>& date) {
  return date ? json(format(*date)) : json(nullptr);
}

json finding_json(const epoch::Epoch& epoch, const rules::Finding& f) {
  json out = proof::to_json(f);
  out["about"] = f.about;
  out["level"] = f.level;
  out["source"] = f.source;
  out["owner"] = owner_of(*epoch.world.stack, f.subject);
  out["since"] = date_or_null(f.since);
  out["until"] = date_or_null(f.until);
  return out;
}

bool any_of_list(std::string_view list, std::string_view one) {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    if (list.substr(0, end) == one) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

bool contains_without_case(std::string_view text, std::string_view part) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), [&](char a, char b) { return lower(a) == lower(b); }) !=
         text.end();
}

// The lines of a declared thing as its author wrote them, from "file:line".
json lines_of(const epoch::World& world, std::string_view at) {
  const auto colon = at.rfind(':');
  std::size_t first = 0;
  if (colon == std::string_view::npos || std::from_chars(at.data() + colon + 1, at.data() + at.size(), first).ec != std::errc() ||
      first == 0)
    return json::array();
  const auto source =
      std::find_if(world.sources.begin(), world.sources.end(), [&](const stack::Source& s) { return s.path == at.substr(0, colon); });
  json out = json::array();
  if (source == world.sources.end()) return out;
  std::string_view rest = source->bytes;
  for (std::size_t line = 1; !rest.empty() && out.size() < kMostLines; ++line) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line < first) continue;
    if (line > first && one.starts_with("---")) break;
    out.push_back({{"line", line}, {"text", one}});
  }
  return out;
}

json thing_json(const epoch::World& world, std::string_view id) {
  const stack::Document* doc = world.stack->find(id);
  if (doc == nullptr) return {{"id", id}, {"kind", ""}, {"name", id}, {"at", ""}};
  return {{"id", id}, {"kind", doc->kind}, {"name", name_of(*world.stack, id)}, {"at", world.stack->where(doc->place)}};
}

json facts_json(const epoch::World& world, const json& facts) {
  json out = json::array();
  for (const json& fact : facts) {
    if (!fact.is_object()) continue;
    json one = thing_json(world, fact.value("id", ""));
    const std::string at = fact.value("at", "");
    if (!at.empty()) one["at"] = at;
    one["lines"] = lines_of(world, one["at"].get_ref<const std::string&>());
    out.push_back(std::move(one));
  }
  return out;
}

json path_json(const epoch::World& world, const json& witness) {
  json out = json::array();
  for (const json& step : witness)
    if (step.is_string()) out.push_back(thing_json(world, step.get_ref<const std::string&>()));
  return out;
}

json rule_json(const rules::Requirement& r, const rules::Pack& pack) {
  return {{"id", r.id},
          {"pack", pack.info.id},
          {"version", pack.info.version},
          {"pack_status", pack.info.status},
          {"cites", r.cites},
          {"source", r.source},
          {"about", r.about},
          {"level", r.level},
          {"asks", r.asks},
          {"proves", r.proves},
          {"mend", r.mend},
          {"at", fmt::format("{}:{}", r.file, r.line)}};
}

std::optional<Date> date_of(const stack::Document& doc, std::string_view path) {
  auto date = parse_date(doc.text(path));
  if (!date) return std::nullopt;
  return *date;
}

// The worst of a thing's own findings; pass where all pass, "" where none speaks of it.
std::string worst_of(const std::multimap<std::string_view, const rules::Finding*>& by_subject, std::string_view id) {
  const rules::Finding* worst = nullptr;
  const auto [begin, end] = by_subject.equal_range(id);
  for (auto it = begin; it != end; ++it)
    if (worst == nullptr || urgency(it->second->status) < urgency(worst->status)) worst = it->second;
  return worst == nullptr ? std::string() : std::string(rules::name(worst->status));
}

std::multimap<std::string_view, const rules::Finding*> by_subject(const rules::Judgment& judgment) {
  std::multimap<std::string_view, const rules::Finding*> out;
  for (const rules::Finding& f : judgment.findings) out.emplace(f.subject, &f);
  return out;
}

// How far each organization stands from the entities it works for: 1 a covered entity, 2 its associate, 3 and more a subcontractor. Follows
// flows on somebody's behalf, and agreements of associates that are signed where no flow says more.
std::map<std::string, int, std::less<>> tiers_of(const stack::Stack& stack) {
  std::map<std::string, int, std::less<>> tier;
  for (const stack::Document* o : stack.all("organization"))
    if (o->flag("covered")) tier[o->id] = 1;
  std::vector<std::pair<std::string, std::string>> edges;
  for (const stack::Document* flow : stack.all("flow"))
    if (!flow->text("on-behalf-of").empty()) edges.emplace_back(owner_of(stack, flow->text("from")), owner_of(stack, flow->text("to")));
  for (const stack::Document* a : stack.all("agreement"))
    if (a->text("is") == "baa") edges.emplace_back(a->text("up"), a->text("down"));
  for (bool moved = true; moved;) {
    moved = false;
    for (const auto& [up, down] : edges) {
      const auto from = tier.find(up);
      if (from == tier.end() || down.empty()) continue;
      const auto to = tier.find(down);
      if (to == tier.end() || to->second > from->second + 1) tier[down] = from->second + 1, moved = true;
    }
  }
  return tier;
}

}  // namespace

json findings_page(const epoch::Epoch& epoch, std::string_view query) {
  constexpr std::array<const char*, 5> kFacets = {"status", "requirement", "subject", "owner", "about"};
  std::array<std::string, kFacets.size()> wanted;
  for (std::size_t i = 0; i < kFacets.size(); ++i) wanted[i] = parameter(query, kFacets[i]).value_or("");
  const std::string words = parameter(query, "q").value_or("");
  const stack::Stack& stack = *epoch.world.stack;
  std::map<std::string_view, std::string> owners;
  std::array<std::map<std::string_view, std::uint64_t>, kFacets.size()> counts;
  std::vector<const rules::Finding*> kept;
  for (const rules::Finding& f : epoch.world.judgment.findings) {
    if (!words.empty() && !contains_without_case(f.because, words) && !contains_without_case(f.subject, words) &&
        !contains_without_case(f.requirement, words))
      continue;
    auto owner = owners.find(f.subject);
    if (owner == owners.end()) owner = owners.emplace(f.subject, owner_of(stack, f.subject)).first;
    const std::array<std::string_view, kFacets.size()> values = {rules::name(f.status), f.requirement, f.subject, owner->second, f.about};
    std::size_t misses = 0, missed = 0;
    for (std::size_t i = 0; i < kFacets.size(); ++i)
      if (!wanted[i].empty() && !any_of_list(wanted[i], values[i])) ++misses, missed = i;
    // A facet counts what the other filters leave, so that its own choices can still be widened.
    if (misses == 0)
      for (std::size_t i = 0; i < kFacets.size(); ++i) ++counts[i][values[i]];
    else if (misses == 1)
      ++counts[missed][values[missed]];
    if (misses == 0) kept.push_back(&f);
  }
  if (parameter(query, "sort").value_or("") == "status")
    std::stable_sort(kept.begin(), kept.end(),
                     [](const rules::Finding* a, const rules::Finding* b) { return urgency(a->status) < urgency(b->status); });
  const std::uint64_t offset = std::min<std::uint64_t>(number_of(parameter(query, "offset"), 0), kept.size());
  const std::uint64_t limit = std::clamp<std::uint64_t>(number_of(parameter(query, "limit"), 100), 1, kMostItems);
  const std::uint64_t end = std::min<std::uint64_t>(offset + limit, kept.size());
  json items = json::array();
  for (std::uint64_t i = offset; i < end; ++i) items.push_back(finding_json(epoch, *kept[i]));
  json facets = json::object();
  for (std::size_t i = 0; i < kFacets.size(); ++i) {
    std::vector<std::pair<std::string_view, std::uint64_t>> sorted(counts[i].begin(), counts[i].end());
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    if (sorted.size() > kMostFacetValues) sorted.resize(kMostFacetValues);
    json& facet = facets[kFacets[i]] = json::array();
    for (const auto& [value, n] : sorted)
      if (!value.empty()) facet.push_back({{"value", value}, {"count", n}});
  }
  return {{"epoch", epoch.number},
          {"items", std::move(items)},
          {"total", kept.size()},
          {"next", end < kept.size() ? json(end) : json(nullptr)},
          {"facets", std::move(facets)}};
}

json agreements_view(const epoch::Epoch& epoch) {
  const stack::Stack& stack = *epoch.world.stack;
  const Date as_of = epoch.world.judgment.as_of;
  const auto findings = by_subject(epoch.world.judgment);
  json items = json::array();
  for (const stack::Document* a : stack.all("agreement")) {
    const auto effective = date_of(*a, "effective"), expires = date_of(*a, "expires"), terminated = date_of(*a, "terminated");
    const auto ends = terminated && (!expires || *terminated < *expires) ? terminated : expires;
    std::string state = "live";
    if (const std::string_view status = a->text("status"); !status.empty() && status != "signed")
      state = status;
    else if (effective && *effective > as_of)
      state = "future";
    else if (ends && *ends < as_of)
      state = "ended";
    json of = json::array();
    const auto [begin, end] = findings.equal_range(a->id);
    for (auto it = begin; it != end; ++it)
      if (urgency(it->second->status) <= 2)
        of.push_back({{"requirement", it->second->requirement}, {"status", rules::name(it->second->status)}});
    items.push_back({{"id", a->id},
                     {"is", a->text("is")},
                     {"up", a->text("up")},
                     {"up_name", name_of(stack, a->text("up"))},
                     {"down", a->text("down")},
                     {"down_name", name_of(stack, a->text("down"))},
                     {"state", state},
                     {"effective", date_or_null(effective)},
                     {"ends", date_or_null(ends)},
                     {"days_left", ends ? json((*ends - as_of).count()) : json(nullptr)},
                     {"next_review", date_or_null(date_of(*a, "next-review"))},
                     {"covers", field(*a, "covers", json::object())},
                     {"terms", field(*a, "terms", json::object())},
                     {"clauses", field(*a, "clauses", json::array())},
                     {"document", a->text("document")},
                     {"at", stack.where(a->place)},
                     {"amiss", std::move(of)}});
  }
  return {{"epoch", epoch.number}, {"as_of", format(as_of)}, {"items", std::move(items)}};
}

json map_view(const epoch::Epoch& epoch) {
  const epoch::World& world = epoch.world;
  const stack::Stack& stack = *world.stack;
  const auto findings = by_subject(world.judgment);
  const auto tiers = tiers_of(stack);
  std::set<std::string_view> own_apps;  // patients' own
  for (const stack::Document* app : stack.all("app"))
    if (app->text("for") == "individual") own_apps.insert(app->text("system"));
  std::map<std::string, std::pair<std::size_t, std::size_t>, std::less<>> systems_of;  // all, and those that are patients' own
  json systems = json::array();
  for (const stack::Document* s : stack.all("system")) {
    const bool own = own_apps.contains(s->id);
    auto& [all, individual] = systems_of[std::string(s->text("owner"))];
    ++all;
    if (own) ++individual;
    systems.push_back({{"id", s->id},
                       {"name", name_of(stack, s->id)},
                       {"owner", s->text("owner")},
                       {"region", s->text("region")},
                       {"keeps", s->text("keeps")},
                       {"status", worst_of(findings, s->id)}});
  }
  json organizations = json::array();
  for (const stack::Document* o : stack.all("organization")) {
    const auto tier = tiers.find(o->id);
    const auto of = systems_of.find(o->id);
    std::string role = "other";
    if (tier != tiers.end())
      role = tier->second == 1 ? "entity" : tier->second == 2 ? "associate" : "subcontractor";
    else if (of != systems_of.end() && of->second.first == of->second.second)
      role = "individual";
    organizations.push_back({{"id", o->id},
                             {"name", name_of(stack, o->id)},
                             {"role", role},
                             {"tier", tier == tiers.end() ? json(nullptr) : json(tier->second)},
                             {"part_of", o->text("part-of")},
                             {"status", worst_of(findings, o->id)}});
  }
  std::map<std::string_view, license::Form> forms;
  for (const license::License& l : world.table->licenses()) {
    auto& form = forms[l.flow];
    form = std::max(form, l.form);
  }
  json flows = json::array();
  for (const stack::Document* f : stack.all("flow")) {
    const auto form = forms.find(f->id);
    flows.push_back({{"id", f->id},
                     {"from", f->text("from")},
                     {"to", f->text("to")},
                     {"data", f->list("data")},
                     {"purposes", f->list("purposes")},
                     {"on_behalf_of", f->text("on-behalf-of")},
                     {"via", f->text("via")},
                     {"form", form == forms.end() ? "none" : name(form->second)},
                     {"status", worst_of(findings, f->id)}});
  }
  return {
      {"epoch", epoch.number}, {"organizations", std::move(organizations)}, {"systems", std::move(systems)}, {"flows", std::move(flows)}};
}

json rules_view(const epoch::Epoch& epoch) {
  std::map<std::string_view, std::map<std::string, std::uint64_t>> counts;
  for (const rules::Finding& f : epoch.world.judgment.findings) ++counts[f.requirement][std::string(rules::name(f.status))];
  json items = json::array(), packs = json::array();
  for (const rules::Pack& pack : epoch.world.packs) {
    packs.push_back({{"id", pack.info.id}, {"version", pack.info.version}, {"status", pack.info.status}, {"title", pack.info.title}});
    for (const rules::Requirement& r : pack.requirements) {
      json one = rule_json(r, pack);
      one["counts"] = counts[r.id];
      items.push_back(std::move(one));
    }
  }
  return {{"epoch", epoch.number}, {"packs", std::move(packs)}, {"items", std::move(items)}};
}

json vocabulary_view(const epoch::Epoch& epoch) {
  const stack::Stack& stack = *epoch.world.stack;
  json systems = json::array(), classes = json::array();
  for (const stack::Document* s : stack.all("system"))
    systems.push_back({{"id", s->id},
                       {"name", name_of(stack, s->id)},
                       {"owner", s->text("owner")},
                       {"owner_name", name_of(stack, s->text("owner"))},
                       {"region", s->text("region")}});
  const license::ClassMap& map = epoch.world.table->classes();
  for (std::uint32_t i = 0; i < map.size(); ++i) classes.push_back(map.name(license::ClassId{i}));
  std::set<std::string_view> purposes, regions;
  for (const stack::Document* f : stack.all("flow"))
    for (const std::string_view p : f->list("purposes")) purposes.insert(p);
  for (const stack::Document* p : stack.all("permit"))
    for (const std::string_view one : p->list("for")) purposes.insert(one);
  for (const stack::Document* s : stack.all("system"))
    if (!s->text("region").empty()) regions.insert(s->text("region"));
  std::sort(classes.begin(), classes.end());
  return {{"epoch", epoch.number},
          {"systems", std::move(systems)},
          {"classes", std::move(classes)},
          {"purposes", purposes},
          {"regions", regions}};
}

Result<json> may_view(const epoch::Epoch& epoch, std::string_view query, const epoch::MayBy& with) {
  const epoch::MayAsk ask{parameter(query, "system").value_or(""), parameter(query, "data").value_or(""),
                          parameter(query, "purpose").value_or(""), parameter(query, "region").value_or("")};
  LICET_TRY(may, epoch::may(epoch.world, ask, with));
  const json suspended = suspensions_view(epoch)["items"];
  const stack::Document* system = epoch.world.stack->find("system", ask.system);
  json stops = json::array();
  for (const json& s : suspended)
    if (s["id"] == ask.system || (system != nullptr && s["id"] == system->text("owner"))) stops.push_back(s);
  json by = json::array();
  for (const license::License* l : may.licenses) by.push_back(proof::to_json(*l));
  return json{{"epoch", epoch.number},
              {"as_of", format(epoch.world.judgment.as_of)},
              {"system", thing_json(epoch.world, ask.system)},
              {"may", may.word == "yes"},
              {"answer", may.word},
              {"sentence", may.because},
              {"mend", may.mend},
              {"finding", may.finding == nullptr ? json(nullptr) : finding_json(epoch, *may.finding)},
              {"by", std::move(by)},
              {"suspended", std::move(stops)},
              {"under", epoch.world.table->under()}};
}

Result<json> why_view(const epoch::Epoch& epoch, std::string_view query) {
  const epoch::World& world = epoch.world;
  json out{{"epoch", epoch.number}, {"under", world.judgment.under}, {"mend", ""}, {"rule", nullptr}, {"license", nullptr}};
  if (const auto wanted = parameter(query, "requirement")) {
    const std::string subject = parameter(query, "subject").value_or("");
    const auto& all = world.judgment.findings;
    const auto f =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.requirement == *wanted && one.subject == subject; });
    if (f == all.end()) return Error{Code::not_found, "no such requirement speaks of that subject in this epoch"};
    const json shown = finding_json(epoch, *f);
    out["title"] = f->subject.empty() ? f->requirement : f->subject;
    out["status"] = rules::name(f->status);
    out["sentence"] = f->because;
    out["mend"] = f->mend;
    out["since"] = shown["since"];
    out["until"] = shown["until"];
    out["path"] = path_json(world, shown["witness"]);
    out["facts"] = facts_json(world, shown["facts"]);
    const rules::Pack* pack = nullptr;
    if (const rules::Requirement* r = requirement_of(world, f->requirement, &pack)) out["rule"] = rule_json(*r, *pack);
    return out;
  }
  if (const auto wanted = parameter(query, "license")) {
    const auto all = world.table->licenses();
    const auto l = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.id == *wanted; });
    if (l == all.end()) return Error{Code::not_found, "no such license is in force in this epoch"};
    json shown = proof::to_json(*l);
    out["title"] = l->holder;
    out["status"] = "pass";
    out["sentence"] = l->because;
    out["since"] = shown["from"];
    out["until"] = shown["until"];
    out["path"] = path_json(world, shown["witness"]);
    std::vector<std::string> from = {l->permit, l->flow};
    from.insert(from.end(), l->agreements.begin(), l->agreements.end());
    json facts = json::array();
    for (const std::string& id : from)
      if (!id.empty()) facts.push_back({{"id", id}});
    out["facts"] = facts_json(world, facts);
    out["license"] = std::move(shown);
    return out;
  }
  const std::string id = parameter(query, "id").value_or("");
  const stack::Document* doc = world.stack->find(id);
  if (doc == nullptr) return Error{Code::not_found, "nothing of that id is declared"};
  const auto findings = by_subject(world.judgment);
  out["title"] = name_of(*world.stack, id);
  out["status"] = worst_of(findings, id);
  out["sentence"] = fmt::format("{} {}, declared at {}", doc->kind, id, world.stack->where(doc->place));
  out["since"] = nullptr;
  out["until"] = nullptr;
  out["path"] = path_json(world, json::array({id}));
  out["facts"] = facts_json(world, json::array({{{"id", id}}}));
  json of = json::array();
  const auto [begin, end] = findings.equal_range(id);
  for (auto it = begin; it != end; ++it) of.push_back(finding_json(epoch, *it->second));
  out["findings"] = std::move(of);
  return out;
}

Result<json> cut_view(const epoch::Epoch& epoch, std::string_view id) {
  const stack::Stack& stack = *epoch.world.stack;
  const stack::Document* whom = stack.find(id);
  if (whom == nullptr || (whom->kind != "system" && whom->kind != "organization" && whom->kind != "person"))
    return Error{Code::not_found, "the declaration has no system, organization or person of that id"};
  // As decide() stops: the thing itself, and every system of an organization or of its parts.
  const auto stopped = [&](std::string_view one) {
    if (one == id) return true;
    std::string organization = owner_of(stack, one);
    for (int depth = 0; !organization.empty() && depth < 16; ++depth) {
      if (organization == id) return true;
      const stack::Document* up = stack.find("organization", organization);
      organization = up == nullptr ? "" : std::string(up->text("part-of"));
    }
    return false;
  };
  json items = json::array();
  std::size_t care_flows = 0;
  for (const license::License& l : epoch.world.table->licenses()) {
    const stack::Document* flow = stack.find("flow", l.flow);
    if (!stopped(l.holder) && !(flow != nullptr && (stopped(flow->text("from")) || stopped(flow->text("to"))))) continue;
    const bool care =
        std::any_of(l.purposes.begin(), l.purposes.end(), [](const auto& p) { return p == "TREAT" || p == "ETREAT" || p == "BTG"; });
    care_flows += care ? 1 : 0;
    json one{{"license", l.id}, {"holder", l.holder}, {"flow", l.flow}, {"purposes", l.purposes}, {"classes", l.classes}, {"care", care}};
    if (care)
      items.insert(items.begin() + static_cast<std::ptrdiff_t>(care_flows - 1), std::move(one));
    else
      items.push_back(std::move(one));
  }
  return json{{"epoch", epoch.number},      {"id", id},           {"kind", whom->kind},
              {"name", name_of(stack, id)}, {"care", care_flows}, {"items", std::move(items)}};
}

json suspensions_view(const epoch::Epoch& epoch) {
  std::map<std::string_view, const stack::Fact*> last;
  for (const stack::Fact& f : epoch.facts)
    if (f.kind == "suspension" || f.kind == "suspension-lifted") last[f.subject] = &f;
  json items = json::array();
  for (const auto& [id, fact] : last)
    if (fact->kind == "suspension")
      items.push_back({{"id", id},
                       {"name", name_of(*epoch.world.stack, id)},
                       {"since", format(fact->recorded)},
                       {"by", fact->by},
                       {"index", fact->index}});
  return {{"epoch", epoch.number}, {"items", std::move(items)}};
}

}  // namespace licet::console
