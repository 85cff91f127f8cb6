#include "console/internal/past.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "console/internal/reply.h"
#include "console/internal/views.h"
#include "epoch/commit.h"
#include "rules/compare.h"

namespace licet::console {
namespace {

using nlohmann::json;
using rules::Status;

constexpr std::size_t kMostKept = 4;
constexpr std::size_t kMostSnapshot = 256u * 1024 * 1024;
constexpr std::size_t kMostNew = 50;

std::string text(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

bool amiss(Status status) {
  return status == Status::fail || status == Status::stale || status == Status::unknown;
}

template <class T, class Show>
void put_page(json& out, const std::vector<T>& all, std::string_view query, Show show) {
  const std::uint64_t offset = std::min<std::uint64_t>(number_of(parameter(query, "offset"), 0), all.size());
  const std::uint64_t end =
      std::min<std::uint64_t>(offset + std::clamp<std::uint64_t>(number_of(parameter(query, "limit"), 100), 1, 500), all.size());
  out["items"] = json::array();
  for (std::uint64_t i = offset; i < end; ++i) out["items"].push_back(show(all[i]));
  out["total"] = all.size();
  out["next"] = end < all.size() ? json(end) : json(nullptr);
}

}  // namespace

Past::EpochRef Past::kept(const std::string& key, const EpochRef& of) {
  const std::lock_guard lock(mutex_);
  const auto at = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) { return k.key == key && k.of == of; });
  if (at == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, at);
  return kept_.front().made;
}

void Past::keep(const std::string& key, const EpochRef& of, EpochRef made) {
  const std::lock_guard lock(mutex_);
  kept_.push_front({key, of, std::move(made)});
  if (kept_.size() > kMostKept) kept_.pop_back();
}

// The declaration of the table that was in force then.
Result<std::vector<stack::Source>> Past::sources_known(Micros end) const {
  ledger::Index::Query query;
  query.kinds = {"epoch"};
  query.to = end;
  query.most = 1;
  LICET_TRY(rows, options_.records->find(query));
  if (rows.empty()) return Error{Code::not_found, "no table was in force by then"};
  LICET_TRY(entry, options_.records->leaf(rows[0].index));
  const std::string digest = text(entry.value("payload", json::object()), "stack");
  if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != std::string::npos)
    return Error{Code::data_loss, "the epoch's entry names no declaration"};
  const auto lost = [] { return Error{Code::not_found, "the declaration of that day is not in state/snapshots any more"}; };
  if (!options_.files->exists(options_.snapshots + "/" + digest)) return lost();
  LICET_TRY(bytes, options_.files->read_all(options_.snapshots + "/" + digest, kMostSnapshot));
  const json list = json::parse(bytes, nullptr, false);
  if (!list.is_array()) return lost();
  std::vector<stack::Source> out;
  for (const json& one : list) out.push_back({text(one, "path"), text(one, "bytes"), epoch::layer_of(text(one, "path"))});
  if (hex(epoch::digest_of(out)) != digest) return Error{Code::data_loss, "the declaration of that day was changed in state/snapshots"};
  return out;
}

Result<Past::EpochRef> Past::at(EpochRef now_in_force, std::string_view as_of, std::string_view known, Micros now) {
  if (as_of.empty() && known.empty()) return now_in_force;
  const Zone& zone = now_in_force->world.stack->zone;
  const auto day = [](std::string_view name, std::string_view given) -> Result<Date> {
    auto date = parse_date(given);
    if (!date) return Error{Code::invalid_argument, fmt::format("{}: a day such as 2026-03-01", name)};
    return *date;
  };
  Micros instant = now;
  std::optional<Micros> end;
  if (!known.empty()) {
    LICET_TRY(date, day("known", known));
    end = zone.start(date + std::chrono::days(1));
    if (*end > now) end.reset();  // all that is known
    if (end) instant = zone.start(date) + std::chrono::hours(12);
  }
  if (!as_of.empty()) {
    LICET_TRY(date, day("as_of", as_of));
    instant = zone.start(date) + std::chrono::hours(12);
    if (zone.day(now) == date) instant = now;
  }
  const std::string key = fmt::format("at {} {}", as_of, known);
  if (EpochRef there = kept(key, now_in_force)) return there;
  auto made = std::make_shared<epoch::Epoch>();
  made->number = now_in_force->number;
  made->as_of = instant;
  std::vector<stack::Source> sources = now_in_force->world.sources;
  for (const stack::Fact& f : now_in_force->facts)
    if (!end || f.recorded < *end) made->facts.push_back(f);
  if (end) {
    LICET_TRY(then, sources_known(*end));
    sources = std::move(then);
  }
  LICET_TRY(world, epoch::assemble_sources(std::move(sources), options_.packs, made->facts, instant, *options_.files, options_.limits));
  if (!world.problems.empty())
    return Error{Code::not_found, "that day's declaration can't be judged any more: " + world.problems[0].text()};
  made->world = std::move(world);
  EpochRef out = std::move(made);
  keep(key, now_in_force, out);
  return out;
}

Result<json> Past::epochs(std::uint64_t before, std::uint64_t most) {
  ledger::Index::Query query;
  query.kinds = {"epoch"};
  query.before = before;
  query.most = most + 1;
  LICET_TRY(rows, options_.records->find(query));
  json items = json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(rows.size(), most); ++i) {
    LICET_TRY(entry, options_.records->leaf(rows[i].index));
    const json payload = entry.value("payload", json::object());
    const std::string digest = text(payload, "stack");
    items.push_back({{"epoch", rows[i].epoch},
                     {"index", rows[i].index},
                     {"time", format(rows[i].time)},
                     {"as_of", text(payload, "as_of")},
                     {"stack", digest},
                     {"at_hand", digest.size() == 64 && options_.files->exists(options_.snapshots + "/" + digest)}});
  }
  const json next = rows.size() > most ? json(rows[most - 1].index) : json(nullptr);
  return json{{"items", std::move(items)}, {"next", next}};
}

Result<json> Past::commits(std::uint64_t most) const {
  if (options_.stack.empty()) return Error{Code::failed_precondition, "the declaration is in no folder here"};
  LICET_TRY(found, epoch::commits(options_.stack, most));
  json items = json::array();
  for (const epoch::Commit& c : found.list) items.push_back({{"commit", c.hash}, {"time", format(c.time)}, {"title", c.title}});
  return json{{"branch", found.branch}, {"items", std::move(items)}};
}

Result<json> Past::since(const EpochRef& now_in_force, std::string_view query, const Sight& sight, Micros now) {
  const std::string revision = parameter(query, "base").value_or("");
  if (revision.empty() || revision.size() > 200) return Error{Code::invalid_argument, "base: a commit, branch or tag"};
  if (options_.stack.empty()) return Error{Code::failed_precondition, "the declaration is in no folder here"};
  // Without any commit there is no base at all.
  if (auto head = epoch::commit_named(options_.stack, "HEAD"); !head)
    return Error{Code::failed_precondition, "the declaration is in no git work tree with a commit"};
  auto commit = epoch::commit_named(options_.stack, revision);
  if (!commit) return Error{Code::not_found, "no such commit, branch or tag"};
  const std::string key = "commit " + *commit;
  EpochRef base = kept(key, now_in_force);
  if (!base) {
    LICET_TRY(sources, epoch::sources_at(options_.stack, *commit, options_.limits));
    auto made = std::make_shared<epoch::Epoch>();
    made->as_of = now;
    LICET_TRY(world,
              epoch::assemble_sources(std::move(sources), options_.packs, now_in_force->facts, now, *options_.files, options_.limits));
    if (!world.problems.empty())
      return Error{Code::failed_precondition, "that commit's declaration can't be judged: " + world.problems[0].text()};
    made->world = std::move(world);
    base = std::move(made);
    keep(key, now_in_force, base);
  }
  const std::vector<rules::Turn> turns = rules::compare(base->world.judgment, now_in_force->world.judgment);
  const auto kind = [](const rules::Turn& t) { return t.breaks() ? "breaks" : t.mends() ? "mends" : "other"; };
  std::map<std::string_view, std::uint64_t> counts;
  std::vector<const rules::Turn*> kept_turns;
  const std::string wanted = parameter(query, "turn").value_or("");
  for (const rules::Turn& t : turns) {
    const rules::Finding* f = t.after != nullptr ? t.after : t.before;
    if (!sight.sees(f->subject)) continue;
    ++counts[kind(t)];
    if (wanted.empty() || wanted == kind(t)) kept_turns.push_back(&t);
  }
  std::stable_sort(kept_turns.begin(), kept_turns.end(), [&](const rules::Turn* a, const rules::Turn* b) {
    const auto rank = [](const rules::Turn* t) { return t->breaks() ? 0 : t->mends() ? 1 : 2; };
    return rank(a) < rank(b);
  });
  json out{{"epoch", now_in_force->number},
           {"base", *commit},
           {"breaks", counts["breaks"]},
           {"mends", counts["mends"]},
           {"other", counts["other"]}};
  put_page(out, kept_turns, query, [&](const rules::Turn* t) {
    const rules::Finding* f = t->after != nullptr ? t->after : t->before;
    const auto status = [](const rules::Finding* one) { return one == nullptr ? std::string_view() : rules::name(one->status); };
    const epoch::Epoch& of = t->after != nullptr ? *now_in_force : *base;
    return json{{"requirement", f->asked->requirement},
                {"subject", f->subject},
                {"owner", owner_of(*of.world.stack, f->subject)},
                {"turn", kind(*t)},
                {"before", status(t->before)},
                {"after", status(t->after)},
                {"because", f->sentence()},
                {"mend", f->mend}};
  });
  return out;
}

Result<json> Past::proposed(const EpochRef& now_in_force, std::string_view query, const Sight& sight, Micros now) {
  json out{{"epoch", now_in_force->number}, {"packs", json::array()}, {"sentence", ""}};
  // Which packs at hand are proposed: their folders' own word.
  std::vector<stack::PackRef> also;
  if (!options_.packs.empty()) {
    auto folders = options_.files->list(options_.packs);
    for (const std::string& folder : folders ? *folders : std::vector<std::string>()) {
      const std::string file = options_.packs + "/" + folder + "/pack.yaml";
      if (!options_.files->exists(file)) continue;
      auto bytes = options_.files->read_all(file, 1024 * 1024);
      if (!bytes || bytes->find("\nstatus: proposed") == std::string::npos) continue;
      also.push_back({folder, ""});
    }
  }
  if (also.empty()) {
    out["sentence"] = "No pack at hand is only proposed: nothing stands beside what is in force.";
    put_page(out, std::vector<int>(), query, [](int) { return json(); });
    return out;
  }
  EpochRef with = kept("proposed", now_in_force);
  if (!with) {
    auto made = std::make_shared<epoch::Epoch>();
    made->as_of = now;
    LICET_TRY(world, epoch::assemble_sources(now_in_force->world.sources, options_.packs, now_in_force->facts, now, *options_.files,
                                             options_.limits, also));
    if (!world.problems.empty())
      return Error{Code::failed_precondition, "the proposed packs can't be judged here: " + world.problems[0].text()};
    made->world = std::move(world);
    with = std::move(made);
    keep("proposed", now_in_force, with);
  }
  // What each rule finds, and what is amiss today under a rule of the same citation.
  std::map<std::string_view, std::map<std::string_view, std::uint64_t>> counts, counts_now;
  std::map<std::string_view, std::vector<const rules::Finding*>> found;
  for (const rules::Finding& f : with->world.judgment.findings)
    if (sight.sees(f.subject)) ++counts[f.asked->requirement][rules::name(f.status)], found[f.asked->requirement].push_back(&f);
  std::set<std::pair<std::string_view, std::string_view>> amiss_now;  // citation, subject
  for (const rules::Finding& f : now_in_force->world.judgment.findings) {
    if (sight.sees(f.subject)) ++counts_now[f.asked->requirement][rules::name(f.status)];
    if (amiss(f.status))
      for (const std::string& cite : f.asked->cites) amiss_now.emplace(cite, f.subject);
  }
  std::multimap<std::string_view, std::pair<const rules::Requirement*, const rules::Pack*>> in_force;  // by citation
  for (const rules::Pack& pack : now_in_force->world.packs)
    if (pack.info.status != "proposed")
      for (const rules::Requirement& r : pack.requirements)
        for (const std::string& cite : r.cites) in_force.emplace(cite, std::pair(&r, &pack));
  const auto newly = [&](const rules::Requirement& r) {
    std::vector<const rules::Finding*> list;
    for (const rules::Finding* f : found[r.id])
      if (amiss(f->status) && std::none_of(r.cites.begin(), r.cites.end(), [&](const std::string& c) {
            return amiss_now.contains({c, f->subject});
          }))
        list.push_back(f);
    return list;
  };
  struct Row {
    const rules::Requirement* rule;
    const rules::Pack* pack;
  };
  std::vector<Row> rows;
  const std::string wanted = parameter(query, "pack").value_or("");
  std::uint64_t rules_n = 0, newly_n = 0;
  for (const rules::Pack& pack : with->world.packs) {
    if (pack.info.status != "proposed") continue;
    std::map<std::string_view, std::uint64_t> all;
    std::uint64_t fresh = 0;
    for (const rules::Requirement& r : pack.requirements) {
      for (const auto& [status, n] : counts[r.id]) all[status] += n;
      fresh += newly(r).size();
      if (wanted.empty() || wanted == pack.info.id) rows.push_back({&r, &pack});
    }
    rules_n += pack.requirements.size();
    newly_n += fresh;
    out["packs"].push_back({{"id", pack.info.id},
                            {"version", pack.info.version},
                            {"status", pack.info.status},
                            {"title", pack.info.title},
                            {"counts", all},
                            {"newly_amiss", fresh}});
  }
  out["sentence"] = fmt::format(
      "{} rules are only proposed. Under them {} subjects would newly be amiss, or be unknown, here; none of them counts today.", rules_n,
      newly_n);
  put_page(out, rows, query, [&](const Row& row) {
    json current = json::array();
    std::set<const rules::Requirement*> once;
    for (const std::string& cite : row.rule->cites) {
      const auto [begin, end] = in_force.equal_range(cite);
      for (auto it = begin; it != end; ++it) {
        if (!once.insert(it->second.first).second) continue;
        json one = rule_view(*it->second.first, *it->second.second);
        one["counts"] = counts_now[it->second.first->id];
        current.push_back(std::move(one));
      }
    }
    json fresh = json::array();
    for (const rules::Finding* f : newly(*row.rule)) {
      if (fresh.size() == kMostNew) break;
      fresh.push_back({{"subject", f->subject}, {"status", rules::name(f->status)}, {"because", f->sentence()}});
    }
    return json{{"rule", rule_view(*row.rule, *row.pack)},
                {"counts", counts[row.rule->id]},
                {"current", std::move(current)},
                {"newly_amiss", std::move(fresh)}};
  });
  return out;
}

}  // namespace licet::console
