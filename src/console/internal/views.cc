#include "console/internal/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "console/internal/reply.h"
#include "console/internal/sight.h"
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

std::string_view name_of(const stack::Document& doc) {
  const std::string_view name = doc.text("name");
  return name.empty() ? std::string_view(doc.id) : name;
}
std::string name_of(const stack::Stack& stack, std::string_view id) {
  const stack::Document* doc = stack.find(id);
  return std::string(doc == nullptr ? id : name_of(*doc));
}
std::string name_of_organization(const stack::Stack& stack, std::string_view id) {
  const stack::Document* doc = stack.find("organization", id);
  return std::string(doc == nullptr ? id : name_of(*doc));
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
  out["about"] = f.asked->about;
  out["level"] = f.asked->level;
  out["source"] = f.asked->source;
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

// How far each organization stands from the entities it works for: 1 a covered entity, 2 its associate, 3 and more a subcontractor. Follows
// flows on somebody's behalf, and agreements of associates that are signed where no flow says more.
std::map<std::string, int, std::less<>> tiers_of(const stack::Stack& stack) {
  std::map<std::string, int, std::less<>> tier;
  for (const stack::Document* o : stack.all("organization"))
    if (o->flag("covered")) tier[o->id] = 1;
  std::unordered_map<std::string_view, std::string_view> owner;  // 60,000 ends of flows are looked up
  for (const stack::Document* s : stack.all("system")) owner[s->id] = s->text("owner");
  const auto owner_at = [&](std::string_view end) {
    const auto at = owner.find(end);
    return at == owner.end() ? std::string_view() : at->second;
  };
  std::set<std::pair<std::string_view, std::string_view>> edges;
  for (const stack::Document* flow : stack.all("flow"))
    if (!flow->text("on-behalf-of").empty()) edges.emplace(owner_at(flow->text("from")), owner_at(flow->text("to")));
  for (const stack::Document* a : stack.all("agreement"))
    if (a->text("is") == "baa") edges.emplace(a->text("up"), a->text("down"));
  for (bool moved = true; moved;) {
    moved = false;
    for (const auto& [up, down] : edges) {
      const auto from = tier.find(up);
      if (from == tier.end() || down.empty()) continue;
      const auto to = tier.find(down);
      if (to == tier.end() || to->second > from->second + 1) tier[std::string(down)] = from->second + 1, moved = true;
    }
  }
  return tier;
}

struct Page {
  std::uint64_t offset, limit;
};
Page page_of(std::string_view query, std::uint64_t otherwise) {
  return {number_of(parameter(query, "offset"), 0),
          std::clamp<std::uint64_t>(number_of(parameter(query, "limit"), otherwise), 1, kMostItems)};
}
// Puts the page of what was kept into `items`, `total` and `next`.
template <class T, class Show>
void put_page(json& out, const std::vector<T>& kept, Page page, Show show) {
  const std::uint64_t offset = std::min<std::uint64_t>(page.offset, kept.size());
  const std::uint64_t end = std::min<std::uint64_t>(offset + page.limit, kept.size());
  json items = json::array();
  for (std::uint64_t i = offset; i < end; ++i) items.push_back(show(kept[i]));
  out["items"] = std::move(items);
  out["total"] = kept.size();
  out["next"] = end < kept.size() ? json(end) : json(nullptr);
}

constexpr std::array<const char*, 5> kFacets = {"status", "requirement", "subject", "owner", "about"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// What the filters of a request let through, and the facets that count what the other filters leave.
struct Sifted {
  std::vector<std::uint32_t> kept;
  std::array<std::vector<std::uint32_t>, kFacets.size()> counts;  // by value
};
Sifted sift(const FindingIndex& index, std::string_view query, const Sight& sight) {
  const rules::Judgment& judgment = index.epoch->world.judgment;
  Sifted out;
  std::array<std::vector<bool>, kFacets.size()> wanted;  // by value; empty: all
  const std::string words = lower(parameter(query, "q").value_or("").substr(0, 200));
  bool everything = sight.all() && words.empty();
  for (std::size_t i = 0; i < kFacets.size(); ++i) {
    const std::string list = parameter(query, kFacets[i]).value_or("");
    if (list.empty()) continue;
    everything = false;
    wanted[i].resize(index.values[i].size());
    for (std::size_t v = 0; v < index.values[i].size(); ++v) wanted[i][v] = any_of_list(list, index.values[i][v]);
  }
  if (everything) {
    out.counts = index.counts;
    out.kept.resize(index.rows.size());
    std::iota(out.kept.begin(), out.kept.end(), 0U);
    return out;
  }
  for (std::size_t i = 0; i < kFacets.size(); ++i) out.counts[i].assign(index.values[i].size(), 0);
  std::vector<bool> seen(sight.all() ? 0 : index.values[2].size());
  for (std::size_t v = 0; v < seen.size(); ++v) seen[v] = sight.sees(index.values[2][v]);
  for (std::uint32_t n = 0; n < index.rows.size(); ++n) {
    const FindingIndex::Row& row = index.rows[n];
    if (!seen.empty() && !seen[row[2]]) continue;
    if (!words.empty()) {
      const rules::Finding& f = judgment.findings[n];
      if (!contains_without_case(f.because, words) && !contains_without_case(f.subject, words) &&
          !contains_without_case(f.asked->requirement, words))
        continue;
    }
    std::size_t misses = 0, missed = 0;
    for (std::size_t i = 0; i < kFacets.size(); ++i)
      if (!wanted[i].empty() && !wanted[i][row[i]]) ++misses, missed = i;
    // A facet counts what the other filters leave, so that its own choices can still be widened.
    if (misses == 0)
      for (std::size_t i = 0; i < kFacets.size(); ++i) ++out.counts[i][row[i]];
    else if (misses == 1)
      ++out.counts[missed][row[missed]];
    if (misses == 0) out.kept.push_back(n);
  }
  return out;
}

}  // namespace

FindingIndex::FindingIndex(std::shared_ptr<const epoch::Epoch> of) : epoch(std::move(of)) {
  const epoch::World& world = epoch->world;
  std::array<std::unordered_map<std::string_view, std::uint32_t>, kFacets.size()> ids;
  std::unordered_map<std::string_view, std::uint32_t> owner_ids;
  std::deque<std::string> owned;
  std::unordered_map<std::string_view, std::string_view> owners;  // of subjects
  rows.reserve(world.judgment.findings.size());
  for (const rules::Finding& f : world.judgment.findings) {
    auto owner = owners.find(f.subject);
    if (owner == owners.end()) owner = owners.emplace(f.subject, owned.emplace_back(owner_of(*world.stack, f.subject))).first;
    const std::array<std::string_view, kFacets.size()> now = {rules::name(f.status), f.asked->requirement, f.subject, owner->second,
                                                              f.asked->about};
    Row row{};
    for (std::size_t i = 0; i < kFacets.size(); ++i) {
      const auto [at, fresh] = ids[i].emplace(now[i], static_cast<std::uint32_t>(values[i].size()));
      if (fresh) values[i].emplace_back(now[i]), counts[i].push_back(0);
      row[i] = at->second;
      ++counts[i][row[i]];
    }
    rows.push_back(row);
  }
  subjects_ = std::move(ids[2]);  // its keys are of the judgment
  first_.resize(values[2].size() + 1);
  std::partial_sum(counts[2].begin(), counts[2].end(), first_.begin() + 1);
  by_subject_.resize(rows.size());
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for (std::uint32_t n = 0; n < rows.size(); ++n) by_subject_[next[rows[n][2]]++] = n;
}

std::span<const std::uint32_t> FindingIndex::of_subject(std::string_view id) const {
  const auto at = subjects_.find(id);
  if (at == subjects_.end()) return {};
  return std::span(by_subject_).subspan(first_[at->second], first_[at->second + 1] - first_[at->second]);
}

std::string_view FindingIndex::worst(std::string_view id) const {
  const rules::Finding* worst = nullptr;
  for (const std::uint32_t n : of_subject(id))
    if (const rules::Finding& f = epoch->world.judgment.findings[n]; worst == nullptr || urgency(f.status) < urgency(worst->status))
      worst = &f;
  return worst == nullptr ? std::string_view() : rules::name(worst->status);
}

namespace {

// Most urgent first, else in the order that they have.
void by_urgency(std::vector<std::uint32_t>& places, const std::vector<rules::Finding>& all) {
  std::array<std::vector<std::uint32_t>, 6> by;
  for (const std::uint32_t n : places) by[static_cast<std::size_t>(urgency(all[n].status))].push_back(n);
  places.clear();
  for (const auto& list : by) places.insert(places.end(), list.begin(), list.end());
}

}  // namespace

json findings_page(const FindingIndex& index, std::string_view query, const Sight& sight) {
  const epoch::Epoch& epoch = *index.epoch;
  const auto& all = epoch.world.judgment.findings;
  Sifted sifted = sift(index, query, sight);
  if (parameter(query, "sort").value_or("") == "status") by_urgency(sifted.kept, all);
  json out{{"epoch", epoch.number}};
  put_page(out, sifted.kept, page_of(query, 100), [&](std::uint32_t n) { return finding_json(epoch, all[n]); });
  json facets = json::object();
  for (std::size_t i = 0; i < kFacets.size(); ++i) {
    std::vector<std::pair<std::string_view, std::uint32_t>> sorted;
    for (std::size_t v = 0; v < index.values[i].size(); ++v)
      if (sifted.counts[i][v] > 0 && !index.values[i][v].empty()) sorted.emplace_back(index.values[i][v], sifted.counts[i][v]);
    const auto first = [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; };
    const std::size_t most = std::min(sorted.size(), kMostFacetValues);
    std::partial_sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(most), sorted.end(), first);
    sorted.resize(most);
    json& facet = facets[kFacets[i]] = json::array();
    for (const auto& [value, n] : sorted) facet.push_back({{"value", value}, {"count", n}});
  }
  out["facets"] = std::move(facets);
  return out;
}

Result<json> finding_groups(const FindingIndex& index, std::string_view query, const Sight& sight) {
  const std::string by = parameter(query, "by").value_or("requirement");
  const auto at = std::find(kFacets.begin() + 1, kFacets.begin() + 4, by);
  if (at == kFacets.begin() + 4) return Error{Code::invalid_argument, "by is requirement, subject or owner"};
  const auto which = static_cast<std::size_t>(at - kFacets.begin());
  const epoch::World& world = index.epoch->world;
  const auto& all = world.judgment.findings;
  struct Group {
    std::uint32_t value = 0, count = 0;
    std::map<std::string_view, std::uint32_t> statuses;
    const rules::Finding* worst = nullptr;
  };
  std::vector<Group> groups(index.values[which].size());
  for (const std::uint32_t n : sift(index, query, sight).kept) {
    Group& g = groups[index.rows[n][which]];
    g.value = index.rows[n][which];
    ++g.count;
    ++g.statuses[rules::name(all[n].status)];
    if (g.worst == nullptr || urgency(all[n].status) < urgency(g.worst->status)) g.worst = &all[n];
  }
  std::erase_if(groups, [](const Group& g) { return g.count == 0; });
  std::sort(groups.begin(), groups.end(), [&](const Group& a, const Group& b) {
    const int ua = urgency(a.worst->status), ub = urgency(b.worst->status);
    return ua != ub ? ua < ub : a.count != b.count ? a.count > b.count : index.values[which][a.value] < index.values[which][b.value];
  });
  json out{{"epoch", index.epoch->number}};
  put_page(out, groups, page_of(query, 100), [&](const Group& g) {
    const rules::Requirement* r = which == 1 ? requirement_of(world, index.values[which][g.value]) : nullptr;
    return json{{"value", index.values[which][g.value]},
                {"asks", r == nullptr ? "" : r->asks},
                {"cites", r == nullptr ? std::vector<std::string>() : r->cites},
                {"count", g.count},
                {"statuses", g.statuses},
                {"worst", rules::name(g.worst->status)},
                {"because", g.worst->sentence()}};
  });
  return out;
}

namespace {

std::string state_of(const stack::Document& a, Date as_of) {
  const auto effective = date_of(a, "effective"), expires = date_of(a, "expires"), terminated = date_of(a, "terminated");
  const auto ends = terminated && (!expires || *terminated < *expires) ? terminated : expires;
  if (const std::string_view status = a.text("status"); !status.empty() && status != "signed") return std::string(status);
  if (effective && *effective > as_of) return "future";
  return ends && *ends < as_of ? "ended" : "live";
}

}  // namespace

json agreements_view(const FindingIndex& index, std::string_view query, const Sight& sight) {
  const epoch::Epoch& epoch = *index.epoch;
  const stack::Stack& stack = *epoch.world.stack;
  const Date as_of = epoch.world.judgment.as_of;
  const std::string states = parameter(query, "state").value_or(""), party = parameter(query, "party").value_or(""),
                    words = parameter(query, "q").value_or("");
  std::vector<const stack::Document*> kept;
  for (const stack::Document* a : stack.all("agreement")) {
    if (!sight.sees(a->id) || (!party.empty() && a->text("up") != party && a->text("down") != party)) continue;
    if (!states.empty() && !any_of_list(states, state_of(*a, as_of))) continue;
    if (!words.empty() && !contains_without_case(a->id, words) &&
        !contains_without_case(name_of_organization(stack, a->text("up")), words) &&
        !contains_without_case(name_of_organization(stack, a->text("down")), words))
      continue;
    kept.push_back(a);
  }
  const auto last_day = [](const stack::Document* a) {
    const auto expires = date_of(*a, "expires"), terminated = date_of(*a, "terminated");
    return terminated && (!expires || *terminated < *expires) ? terminated : expires;
  };
  if (const auto within = parameter(query, "ends_within")) {
    const Date until = as_of + std::chrono::days(std::min<std::uint64_t>(number_of(within, 0), 3650));
    std::erase_if(kept, [&](const stack::Document* a) {
      const auto day = last_day(a);
      return !day || *day < as_of || *day > until;
    });
  }
  if (parameter(query, "sort").value_or("") == "ends")
    std::stable_sort(kept.begin(), kept.end(), [&](const stack::Document* a, const stack::Document* b) {
      return last_day(a).value_or(Date::max()) < last_day(b).value_or(Date::max());
    });
  json out{{"epoch", epoch.number}, {"as_of", format(as_of)}};
  put_page(out, kept, page_of(query, kMostItems), [&](const stack::Document* a) {
    const auto effective = date_of(*a, "effective"), expires = date_of(*a, "expires"), terminated = date_of(*a, "terminated");
    const auto ends = terminated && (!expires || *terminated < *expires) ? terminated : expires;
    json of = json::array();
    for (const std::uint32_t n : index.of_subject(a->id))
      if (const rules::Finding& f = epoch.world.judgment.findings[n]; urgency(f.status) <= 2)
        of.push_back({{"requirement", f.asked->requirement}, {"status", rules::name(f.status)}});
    return json{{"id", a->id},
                {"is", a->text("is")},
                {"up", a->text("up")},
                {"up_name", name_of_organization(stack, a->text("up"))},
                {"down", a->text("down")},
                {"down_name", name_of_organization(stack, a->text("down"))},
                {"state", state_of(*a, as_of)},
                {"effective", date_or_null(effective)},
                {"ends", date_or_null(ends)},
                {"days_left", ends ? json((*ends - as_of).count()) : json(nullptr)},
                {"next_review", date_or_null(date_of(*a, "next-review"))},
                {"covers", field(*a, "covers", json::object())},
                {"terms", field(*a, "terms", json::object())},
                {"clauses", field(*a, "clauses", json::array())},
                {"document", a->text("document")},
                {"at", stack.where(a->place)},
                {"amiss", std::move(of)}};
  });
  return out;
}

namespace {

// The contracts from whom a flow serves to its recipient: the shortest way over those that are live, else over any. One walk an entity.
class Chains {
 public:
  Chains(const stack::Stack& stack, Date as_of) {
    for (const stack::Document* a : stack.all("agreement"))
      if (a->text("is") == "baa") edges_[a->text("up")].push_back({a, state_of(*a, as_of)});
  }
  [[nodiscard]] json of(std::string_view entity, std::string_view recipient) {
    json out = json::array();
    if (entity.empty() || recipient.empty() || entity == recipient) return out;
    const auto [walks, fresh] = walks_.try_emplace(entity);
    if (fresh) walks->second = {walk(entity, true), walk(entity, false)};
    for (const Walk& from : {std::cref(walks->second.first), std::cref(walks->second.second)}) {
      if (!from.contains(recipient)) continue;
      std::vector<json> steps;
      for (std::string_view at = recipient; at != entity && steps.size() < 64;) {
        const auto& [up, edge] = from.at(at);
        steps.push_back({{"up", up}, {"down", at}, {"agreement", edge->agreement->id}, {"state", edge->state}});
        at = up;
      }
      for (auto step = steps.rbegin(); step != steps.rend(); ++step) out.push_back(std::move(*step));
      return out;
    }
    out.push_back({{"up", entity}, {"down", recipient}, {"agreement", ""}, {"state", "none"}});
    return out;
  }

 private:
  struct Edge {
    const stack::Document* agreement;
    std::string state;
  };
  using Walk = std::unordered_map<std::string_view, std::pair<std::string_view, const Edge*>>;  // whence we came
  [[nodiscard]] Walk walk(std::string_view entity, bool live) const {
    Walk from;
    std::deque<std::string_view> next = {entity};
    from[entity] = {};
    for (; !next.empty(); next.pop_front()) {
      const auto edges = edges_.find(next.front());
      if (edges == edges_.end()) continue;
      for (const Edge& e : edges->second)
        if ((!live || e.state == "live") && from.try_emplace(e.agreement->text("down"), next.front(), &e).second)
          next.push_back(e.agreement->text("down"));
    }
    return from;
  }
  std::unordered_map<std::string_view, std::vector<Edge>> edges_;
  std::unordered_map<std::string_view, std::pair<Walk, Walk>> walks_;
};

constexpr std::size_t kMostNodes = 150;     // beyond it people see organizations first
constexpr std::size_t kMostSystems = 2000;  // and beyond this one they open them one by one

int rank_of(std::string_view status) {
  static constexpr std::array<std::string_view, 6> kOrder = {"fail", "stale", "unknown", "accepted", "pass", "not-applicable"};
  const auto at = std::find(kOrder.begin(), kOrder.end(), status);
  return static_cast<int>(at - kOrder.begin());
}

}  // namespace

json map_view(const FindingIndex& index, std::string_view query, const Sight& sight) {
  const epoch::Epoch& epoch = *index.epoch;
  const epoch::World& world = epoch.world;
  const stack::Stack& stack = *world.stack;
  const auto tiers = tiers_of(stack);
  const std::string level = parameter(query, "level").value_or("auto"), opened = parameter(query, "organization").value_or("");
  std::set<std::string_view> own_apps;  // patients' own
  for (const stack::Document* app : stack.all("app"))
    if (app->text("for") == "individual") own_apps.insert(app->text("system"));
  // What is seen: systems of those whose things are seen, flows at either end of which such a one stands, and who stands at the other.
  std::vector<const stack::Document*> systems, flows;
  std::unordered_set<std::string_view> shown_systems, shown_organizations;
  for (const stack::Document* s : stack.all("system"))
    if (sight.sees(s->id)) shown_systems.insert(s->id);
  for (const stack::Document* f : stack.all("flow"))
    if (sight.sees(f->id)) flows.push_back(f), shown_systems.insert(f->text("from")), shown_systems.insert(f->text("to"));
  std::unordered_map<std::string_view, std::string_view> owner;
  std::map<std::string_view, std::pair<std::size_t, std::size_t>> systems_of;  // all, and those that are patients' own
  for (const stack::Document* s : stack.all("system")) {
    owner[s->id] = s->text("owner");
    auto& [all, individual] = systems_of[s->text("owner")];
    ++all;
    if (own_apps.contains(s->id)) ++individual;
    if (!shown_systems.contains(s->id)) continue;
    systems.push_back(s);
    shown_organizations.insert(s->text("owner"));
  }
  json organizations = json::array();
  for (const stack::Document* o : stack.all("organization")) {
    if (!sight.all() && !shown_organizations.contains(o->id) && !sight.sees(o->id)) continue;
    const auto tier = tiers.find(o->id);
    const auto of = systems_of.find(o->id);
    std::string role = "other";
    if (tier != tiers.end())
      role = tier->second == 1 ? "entity" : tier->second == 2 ? "associate" : "subcontractor";
    else if (of != systems_of.end() && of->second.first == of->second.second)
      role = "individual";
    organizations.push_back({{"id", o->id},
                             {"name", name_of(*o)},
                             {"role", role},
                             {"tier", tier == tiers.end() ? json(nullptr) : json(tier->second)},
                             {"part_of", o->text("part-of")},
                             {"systems", of == systems_of.end() ? 0 : of->second.first},
                             {"status", index.worst(o->id)}});
  }
  std::unordered_map<std::string_view, license::Form> forms;
  for (const license::License& l : world.table->licenses()) {
    auto& form = forms[l.flow];
    form = std::max(form, l.form);
  }
  const auto form_of = [&](const stack::Document* f) {
    const auto form = forms.find(f->id);
    return form == forms.end() ? license::Form::none : form->second;
  };
  const bool coarse = opened.empty() && (level == "organizations" || systems.size() > (level == "systems" ? kMostSystems : kMostNodes));
  json out{{"epoch", epoch.number},
           {"level", coarse ? "organizations" : "systems"},
           {"totals", {{"organizations", organizations.size()}, {"systems", systems.size()}, {"flows", flows.size()}}},
           {"organizations", std::move(organizations)},
           {"systems", json::array()},
           {"flows", json::array()},
           {"links", json::array()}};
  if (coarse) {
    struct Link {
      std::size_t flows = 0;
      license::Form form = license::Form::none;
      std::string_view status;
    };
    std::map<std::pair<std::string_view, std::string_view>, Link> links;
    for (const stack::Document* f : flows) {
      Link& link = links[{owner[f->text("from")], owner[f->text("to")]}];
      ++link.flows;
      link.form = std::max(link.form, form_of(f));
      if (const std::string_view status = index.worst(f->id);
          link.status.empty() || (!status.empty() && rank_of(status) < rank_of(link.status)))
        link.status = status;
    }
    for (const auto& [ends, link] : links)
      out["links"].push_back(
          {{"from", ends.first}, {"to", ends.second}, {"flows", link.flows}, {"form", license::name(link.form)}, {"status", link.status}});
    return out;
  }
  const auto inside = [&](std::string_view system) {
    const auto at = owner.find(system);
    return opened.empty() || (at != owner.end() && any_of_list(opened, at->second));
  };
  std::unordered_set<std::string_view> ends;
  Chains chains(stack, world.judgment.as_of);
  for (const stack::Document* f : flows) {
    if (!inside(f->text("from")) && !inside(f->text("to"))) continue;
    ends.insert(f->text("from"));
    ends.insert(f->text("to"));
    const std::string_view served = f->text("on-behalf-of");
    const auto to = owner.find(f->text("to"));
    out["flows"].push_back({{"id", f->id},
                            {"from", f->text("from")},
                            {"to", f->text("to")},
                            {"data", f->list("data")},
                            {"purposes", f->list("purposes")},
                            {"on_behalf_of", served},
                            {"via", f->text("via")},
                            {"form", license::name(form_of(f))},
                            {"status", index.worst(f->id)},
                            {"chain", served.empty() || to == owner.end() ? json::array() : chains.of(served, to->second)}});
  }
  for (const stack::Document* s : systems)
    if (inside(s->id) || ends.contains(s->id))
      out["systems"].push_back({{"id", s->id},
                                {"name", name_of(*s)},
                                {"owner", s->text("owner")},
                                {"region", s->text("region")},
                                {"keeps", s->text("keeps")},
                                {"status", index.worst(s->id)}});
  return out;
}

json rules_view(const epoch::Epoch& epoch, const Sight& sight) {
  std::map<std::string_view, std::map<std::string, std::uint64_t>> counts;
  for (const rules::Finding& f : epoch.world.judgment.findings)
    if (sight.sees(f.subject)) ++counts[f.asked->requirement][std::string(rules::name(f.status))];
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

json vocabulary_view(const epoch::Epoch& epoch, std::string_view query, const Sight& sight) {
  const stack::Stack& stack = *epoch.world.stack;
  const std::string words = parameter(query, "q").value_or("");
  std::vector<const stack::Document*> kept;
  for (const stack::Document* s : stack.all("system"))
    if (sight.sees(s->id) && (words.empty() || contains_without_case(s->id, words) || contains_without_case(name_of(*s), words) ||
                              contains_without_case(name_of_organization(stack, s->text("owner")), words)))
      kept.push_back(s);
  json out{{"epoch", epoch.number}}, classes = json::array();
  put_page(out, kept, page_of(query, kMostItems), [&](const stack::Document* s) {
    return json{{"id", s->id},
                {"name", name_of(*s)},
                {"owner", s->text("owner")},
                {"owner_name", name_of_organization(stack, s->text("owner"))},
                {"region", s->text("region")}};
  });
  out["systems"] = std::move(out["items"]);
  out.erase("items");
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
  out["classes"] = std::move(classes);
  out["purposes"] = purposes;
  out["regions"] = regions;
  return out;
}

Result<json> may_view(const epoch::Epoch& epoch, std::string_view query, const epoch::MayBy& with, const Sight& sight) {
  const epoch::MayAsk ask{parameter(query, "system").value_or(""), parameter(query, "data").value_or(""),
                          parameter(query, "purpose").value_or(""), parameter(query, "region").value_or("")};
  if (!sight.sees(ask.system)) return Error{Code::not_found, "no such system in the declaration"};
  LICET_TRY(may, epoch::may(epoch.world, ask, with));
  const json suspended = suspensions_view(epoch)["items"];
  const stack::Document* system = epoch.world.stack->find("system", ask.system);
  json stops = json::array();
  for (const json& s : suspended)
    if (s["id"] == ask.system || s["id"] == "*" || (system != nullptr && s["id"] == system->text("owner"))) stops.push_back(s);
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

namespace {

// What was put on record about these things, newest first. Never of a patient.
json history_json(const epoch::Epoch& epoch, const json& things) {
  std::set<std::string> ids;
  for (const json& one : things) ids.insert(one.value("id", ""));
  ids.erase("");
  json out = json::array();
  for (auto f = epoch.facts.rbegin(); f != epoch.facts.rend() && out.size() < 100; ++f)
    if (f->patient.empty() && (ids.contains(f->subject) || ids.contains(f->object)))
      out.push_back({{"time", format(f->recorded)}, {"index", f->index}, {"what", f->kind}, {"subject", f->subject}, {"by", f->by}});
  return out;
}

Result<json> why(const FindingIndex& index, std::string_view query, const Sight& sight) {
  const epoch::Epoch& epoch = *index.epoch;
  const epoch::World& world = epoch.world;
  json out{{"epoch", epoch.number}, {"under", world.judgment.under}, {"mend", ""}, {"rule", nullptr}, {"license", nullptr}};
  if (const auto wanted = parameter(query, "requirement")) {
    const std::string subject = parameter(query, "subject").value_or("");
    const auto& all = world.judgment.findings;
    const auto places = index.of_subject(subject);
    const auto at = std::find_if(places.begin(), places.end(), [&](std::uint32_t n) { return all[n].asked->requirement == *wanted; });
    const rules::Finding* f = at == places.end() ? nullptr : &all[*at];
    if (f == nullptr || !sight.sees(subject)) return Error{Code::not_found, "no such requirement speaks of that subject in this epoch"};
    const json shown = finding_json(epoch, *f);
    out["title"] = f->subject.empty() ? f->asked->requirement : f->subject;
    out["status"] = rules::name(f->status);
    out["sentence"] = f->sentence();
    out["mend"] = f->mend;
    out["since"] = shown["since"];
    out["until"] = shown["until"];
    out["path"] = path_json(world, shown["witness"]);
    out["facts"] = facts_json(world, shown["facts"]);
    const rules::Pack* pack = nullptr;
    if (const rules::Requirement* r = requirement_of(world, f->asked->requirement, &pack)) out["rule"] = rule_json(*r, *pack);
    return out;
  }
  if (const auto wanted = parameter(query, "license")) {
    const auto all = world.table->licenses();
    const auto l = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.id == *wanted; });
    if (l == all.end() || !sight.any({l->holder, l->flow})) return Error{Code::not_found, "no such license is in force in this epoch"};
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
  if (doc == nullptr || !sight.sees(id)) return Error{Code::not_found, "nothing of that id is declared"};
  out["title"] = name_of(*world.stack, id);
  out["status"] = index.worst(id);
  out["sentence"] = fmt::format("{} {}, declared at {}", doc->kind, id, world.stack->where(doc->place));
  out["since"] = nullptr;
  out["until"] = nullptr;
  out["path"] = path_json(world, json::array({id}));
  out["facts"] = facts_json(world, json::array({{{"id", id}}}));
  json of = json::array();
  for (const std::uint32_t n : index.of_subject(id)) of.push_back(finding_json(epoch, world.judgment.findings[n]));
  out["findings"] = std::move(of);
  return out;
}

}  // namespace

Result<json> why_view(const FindingIndex& index, std::string_view query, const Sight& sight) {
  LICET_TRY(out, why(index, query, sight));
  json things = out["facts"];
  for (const json& step : out["path"]) things.push_back(step);
  if (things.size() > 64) things.erase(things.begin() + 64, things.end());
  out["history"] = history_json(*index.epoch, things);
  return out;
}

Result<json> cut_view(const epoch::Epoch& epoch, std::string_view id, const Sight& sight) {
  const stack::Stack& stack = *epoch.world.stack;
  const bool everything = id == "*";
  const stack::Document* whom = everything ? nullptr : stack.find(id);
  if (!everything && (whom == nullptr || !sight.sees(id) ||
                      (whom->kind != "system" && whom->kind != "organization" && whom->kind != "person" && whom->kind != "route")))
    return Error{Code::not_found, "the declaration has no system, organization, person or route of that id"};
  // As decide() stops: the thing itself, and every system of an organization or of its parts.
  const auto stopped = [&](std::string_view one) {
    if (everything || one == id) return true;
    std::string organization = owner_of(stack, one);
    for (int depth = 0; !organization.empty() && depth < 16; ++depth) {
      if (organization == id) return true;
      const stack::Document* up = stack.find("organization", organization);
      organization = up == nullptr ? "" : std::string(up->text("part-of"));
    }
    return false;
  };
  const auto is_care = [](std::string_view p) { return p == "TREAT" || p == "ETREAT" || p == "BTG"; };
  const auto flow_stops = [&](const stack::Document& flow) {
    return flow.text("via") == id || stopped(flow.text("from")) || stopped(flow.text("to"));
  };
  std::vector<const license::License*> licenses;
  const auto license_care = [&](const license::License* l) { return std::any_of(l->purposes.begin(), l->purposes.end(), is_care); };
  for (const license::License& l : epoch.world.table->licenses()) {
    const stack::Document* flow = stack.find("flow", l.flow);
    if (stopped(l.holder) || (flow != nullptr && flow_stops(*flow))) licenses.push_back(&l);
  }
  std::vector<const stack::Document*> flows;
  const auto flow_care = [&](const stack::Document* f) {
    const auto purposes = f->list("purposes");
    return std::any_of(purposes.begin(), purposes.end(), is_care);
  };
  // Only what the gate carries can be stopped.
  for (const stack::Document* f : stack.all("flow"))
    if (!f->text("via").empty() && flow_stops(*f)) flows.push_back(f);
  const auto care_end = std::stable_partition(licenses.begin(), licenses.end(), license_care);
  std::stable_partition(flows.begin(), flows.end(), flow_care);
  json out{{"epoch", epoch.number},
           {"id", id},
           {"kind", everything ? "stack" : whom->kind},
           {"name", everything ? "Everything" : name_of(stack, id)},
           {"care", care_end - licenses.begin()},
           {"total", licenses.size()},
           {"items", json::array()},
           {"flows", json::array()}};
  if (licenses.size() > kMostItems) licenses.resize(kMostItems);
  if (flows.size() > kMostItems) flows.resize(kMostItems);
  for (const license::License* l : licenses)
    out["items"].push_back({{"license", l->id},
                            {"holder", l->holder},
                            {"flow", l->flow},
                            {"purposes", l->purposes},
                            {"classes", l->classes},
                            {"care", license_care(l)}});
  for (const stack::Document* f : flows)
    out["flows"].push_back(
        {{"id", f->id}, {"from", f->text("from")}, {"to", f->text("to")}, {"purposes", f->list("purposes")}, {"care", flow_care(f)}});
  return out;
}

json suspensions_view(const epoch::Epoch& epoch, const Sight* sight) {
  std::map<std::string_view, const stack::Fact*> last;
  for (const stack::Fact& f : epoch.facts)
    if (f.kind == "suspension" || f.kind == "suspension-lifted") last[f.subject] = &f;
  json items = json::array();
  for (const auto& [id, fact] : last)
    if (fact->kind == "suspension" && (sight == nullptr || id == license::kEverything || sight->sees(id)))
      items.push_back({{"id", id == license::kEverything ? "*" : id},
                       {"name", id == license::kEverything ? "Everything" : name_of(*epoch.world.stack, id)},
                       {"since", format(fact->recorded)},
                       {"by", fact->by},
                       {"index", fact->index}});
  return {{"epoch", epoch.number}, {"items", std::move(items)}};
}

namespace {

// The order in which OCR and auditors ask, and which citations answer: the findings under them say how it stands.
struct AuditRequest {
  std::string_view asks;
  std::array<std::string_view, 4> cites;
};
constexpr AuditRequest kRequests[] = {
    {"Risk analysis, dated, of every system with ePHI", {"164.308(a)(1)(ii)(A)"}},
    {"Inventory of systems, devices and media with ePHI", {"164.310(d)", "164.308(a)(7)(ii)(E)"}},
    {"Risk management plan, tied to the risks", {"164.308(a)(1)(ii)(B)"}},
    {"Policies and procedures", {"164.316", "164.530(i)"}},
    {"Training records of the workforce", {"164.308(a)(5)", "164.530(b)"}},
    {"Business associates and executed agreements", {"164.308(b)", "164.314(a)", "164.502(e)", "164.504(e)"}},
    {"Security incidents and breaches", {"164.308(a)(6)", "164.404", "164.408", "164.410"}},
    {"Review of information system activity", {"164.308(a)(1)(ii)(D)", "164.312(b)"}},
    {"Contingency plan and its tests", {"164.308(a)(7)"}},
    {"Access: authorization, review and ending", {"164.308(a)(3)", "164.308(a)(4)", "164.312(a)"}},
    {"Encryption and transmission security", {"164.312(a)(2)(iv)", "164.312(e)"}},
    {"Individuals' rights: access, amendment, accounting", {"164.524", "164.526", "164.528"}},
};

}  // namespace

json requests_view(const FindingIndex& index, const Sight& sight) {
  const epoch::World& world = index.epoch->world;
  const auto& all = world.judgment.findings;
  // Which requests a rule answers, by its citations; then every finding is looked at once.
  std::vector<std::uint32_t> answers(index.values[1].size());
  for (std::size_t r = 0; r < answers.size(); ++r) {
    const rules::Requirement* rule = requirement_of(world, index.values[1][r]);
    for (std::size_t n = 0; rule != nullptr && n < std::size(kRequests); ++n)
      for (const std::string_view cite : kRequests[n].cites)
        if (!cite.empty() && std::any_of(rule->cites.begin(), rule->cites.end(), [&](std::string_view has) {
              return has.starts_with(cite) && (has.size() == cite.size() || has[cite.size()] == '(');
            }))
          answers[r] |= std::uint32_t{1} << n;
  }
  std::vector<bool> seen(sight.all() ? 0 : index.values[2].size());
  for (std::size_t v = 0; v < seen.size(); ++v) seen[v] = sight.sees(index.values[2][v]);
  std::array<std::map<std::string_view, std::uint32_t>, std::size(kRequests)> counts;
  std::array<const rules::Finding*, std::size(kRequests)> worst{};
  for (std::size_t i = 0; i < index.rows.size(); ++i) {
    const FindingIndex::Row& row = index.rows[i];
    if (answers[row[1]] == 0 || (!seen.empty() && !seen[row[2]])) continue;
    for (std::size_t n = 0; n < std::size(kRequests); ++n) {
      if ((answers[row[1]] >> n & 1) == 0) continue;
      ++counts[n][rules::name(all[i].status)];
      if (worst[n] == nullptr || urgency(all[i].status) < urgency(worst[n]->status)) worst[n] = &all[i];
    }
  }
  json items = json::array();
  for (std::size_t n = 0; n < std::size(kRequests); ++n) {
    json cites = json::array();
    for (const std::string_view cite : kRequests[n].cites)
      if (!cite.empty()) cites.push_back(cite);
    items.push_back({{"n", n + 1},
                     {"asks", kRequests[n].asks},
                     {"cites", std::move(cites)},
                     {"counts", counts[n]},
                     {"state", worst[n] == nullptr ? "" : rules::name(worst[n]->status)},
                     {"sentence", worst[n] == nullptr ? "No pack in force asks about this." : worst[n]->sentence()}});
  }
  return {{"epoch", index.epoch->number}, {"items", std::move(items)}};
}

std::map<std::string, std::string> roles_of(const stack::Stack& stack) {
  std::map<std::string, std::string> out;
  for (const auto& [id, tier] : tiers_of(stack)) out[id] = tier == 1 ? "entity" : tier == 2 ? "associate" : "subcontractor";
  return out;
}

std::string agreement_state(const stack::Document& agreement, Date as_of) {
  return state_of(agreement, as_of);
}

json fact_kinds_view() {
  json items = json::array();
  for (const epoch::FactKind& kind : epoch::fact_kinds()) {
    if (kind.patient) continue;
    json details = json::array();
    for (const epoch::FactDetail& d : kind.details)
      details.push_back(fmt::format("{}={}{}{}", d.name, d.choices, d.many ? ",…" : "", d.required ? " (required)" : ""));
    items.push_back({{"kind", kind.kind}, {"subject", kind.subject}, {"object", kind.object}, {"details", std::move(details)}});
  }
  return {{"items", std::move(items)}};
}

json rule_view(const rules::Requirement& requirement, const rules::Pack& pack) {
  return rule_json(requirement, pack);
}

}  // namespace licet::console
