#include "epoch/mends.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "rules/compare.h"

namespace licet::epoch {
namespace {

using Key = std::pair<std::string, std::string>;
constexpr std::size_t kActsTimesRows = 600'000;
constexpr std::size_t kActsLeast = 20;

// A question about a document that an act itself adds: asked once it is there, and no harm done by the act.
bool about_what_is_added(const Key& key) {
  return key.second.starts_with("mend-");
}

std::set<Key> amiss(const rules::Judgment& judgment, bool strict) {
  std::set<Key> out;
  for (const rules::Finding& f : judgment.findings)
    if (rules::amiss(f, strict)) out.emplace(f.asked->requirement, f.subject);
  return out;
}

// The declaration and the facts as they would be.
class Changed {
 public:
  Changed(const World& world, std::span<const stack::Fact> facts, const Limits& limits) : world_(world), facts_(facts), limits_(limits) {}

  // Empty: these acts can't be done together, or what they make does not load.
  [[nodiscard]] std::optional<rules::Judgment> judged(std::span<const rules::Mend* const> mends, unsigned threads) const {
    const std::optional<std::string> change = rules::joined(mends);
    if (!change) return std::nullopt;
    std::vector<std::string> without, drop;
    std::vector<stack::Fact> facts(facts_.begin(), facts_.end());
    std::uint64_t index = 0;
    for (const stack::Fact& f : facts) index = std::max(index, f.index);
    for (const rules::Mend* m : mends) {
      without.insert(without.end(), m->without.begin(), m->without.end());
      drop.insert(drop.end(), m->drop.begin(), m->drop.end());
      for (const rules::Act::Record& r : m->records) {
        stack::Fact& f = facts.emplace_back();
        f.index = ++index;
        f.kind = r.kind, f.subject = r.subject, f.object = r.object, f.details = r.details;
        f.from = world_.judgment.as_of;
        f.recorded = world_.stack->zone.start(world_.judgment.as_of);
        f.by = "plan";
      }
    }
    std::vector<stack::Source> sources = world_.sources;
    if (!without.empty() || !drop.empty())
      for (stack::Source& s : sources) s.bytes = rules::less(s.bytes, without, drop);
    std::erase_if(sources, [](const stack::Source& s) { return s.bytes.empty(); });
    if (!change->empty()) sources.push_back({"decisions/mends.yaml", *change, stack::Layer::decisions});
    const stack::Loaded loaded = stack::load(sources, limits_);
    if (!loaded.stack) return std::nullopt;
    auto judgment = rules::judge(stack::relations(*loaded.stack, facts), world_.packs, world_.judgment.as_of, threads);
    if (!judgment) return std::nullopt;
    return *std::move(judgment);
  }

 private:
  const World& world_;
  std::span<const stack::Fact> facts_;
  const Limits& limits_;
};

// What each act settles by itself; nothing where it does not load or makes something else amiss.
std::vector<std::vector<std::size_t>> weigh(const Changed& changed, std::span<const rules::Mend> mends,
                                            const std::map<Key, std::size_t>& number, bool strict) {
  std::vector<std::vector<std::size_t>> out(mends.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < mends.size();) {
      const rules::Mend* one = &mends[i];
      const auto judgment = changed.judged(std::span(&one, 1), 1);
      if (!judgment) continue;
      const std::set<Key> after = amiss(*judgment, strict);
      if (std::any_of(after.begin(), after.end(), [&](const Key& k) { return !number.contains(k) && !about_what_is_added(k); })) continue;
      for (const auto& [key, n] : number)
        if (!after.contains(key)) out[i].push_back(n);
    }
  };
  {
    std::vector<std::jthread> others;
    if (std::thread::hardware_concurrency() > 1) others.emplace_back(work);
    work();
  }
  return out;
}

}  // namespace

Result<MendPlan> plan_mends(const World& world, std::span<const stack::Fact> facts, const PlanOptions& options, store::FileSystem& files,
                            const Limits& limits) {
  LICET_TRY(sources, read_sources(files, options.packs + "/mends", limits));
  LICET_TRY(acts, rules::load_acts(sources));
  MendPlan plan;
  const std::set<Key> before = amiss(world.judgment, options.strict);
  plan.amiss = before.size();
  std::map<Key, std::size_t> number;
  for (const Key& k : before) number.emplace(k, number.size());

  // What could be done. Beyond this point the acts are numbered, and so are the findings.
  std::vector<rules::Mend> mends = rules::possible(world.judgment, *world.stack, acts, options.strict);
  std::size_t rows = 1;
  for (const stack::Table& table : stack::relations(*world.stack, facts)) rows += table.rows.size();
  const std::size_t most = std::min(options.acts_most, std::max(kActsLeast, kActsTimesRows / rows));
  plan.all_weighed = mends.size() <= most;
  if (!plan.all_weighed) mends.resize(most);
  plan.weighed = mends.size();

  const Changed changed(world, facts, limits);
  auto settles = weigh(changed, mends, number, options.strict);
  for (const auto& s : settles)
    if (s.empty()) ++plan.unfit;

  // Those that were chosen, together. One that does not go with those before it is not chosen again; what it settles is for others.
  std::set<Key> after = before;
  std::vector<std::size_t> kept;
  const auto done = [&](std::span<const rules::Mend* const> some) -> std::optional<std::set<Key>> {
    const auto judgment = changed.judged(some, 0);
    if (!judgment) return std::nullopt;
    std::set<Key> now = amiss(*judgment, options.strict);
    if (std::any_of(now.begin(), now.end(), [&](const Key& k) { return !before.contains(k) && !about_what_is_added(k); }))
      return std::nullopt;
    return now;
  };
  for (;;) {
    std::vector<rules::Coverable> weights;
    for (std::size_t i = 0; i < mends.size(); ++i) weights.push_back({mends[i].cost, settles[i]});
    const rules::Cover cover = rules::cheapest(weights, number.size(), options.cover);
    plan.least = plan.least && cover.least;
    kept = cover.chosen;
    if (kept.empty()) break;
    std::vector<const rules::Mend*> together;
    for (const std::size_t a : kept) together.push_back(&mends[a]);
    if (auto now = done(together)) {
      after = *std::move(now);
      break;
    }
    plan.least = false;
    together.clear();
    for (const std::size_t a : kept) {
      together.push_back(&mends[a]);
      if (done(together)) continue;
      settles[a].clear();
      break;
    }
  }
  plan.least = plan.least && plan.all_weighed;
  std::vector<const Key*> keys(number.size());
  for (const auto& [key, n] : number) keys[n] = &key;
  for (const std::size_t a : kept) {
    PlannedMend& m = plan.mends.emplace_back(PlannedMend{mends[a], {}});
    for (const std::size_t n : settles[a])
      if (!after.contains(*keys[n])) m.settles.push_back(*keys[n]);
    std::sort(m.settles.begin(), m.settles.end());
    plan.cost += m.mend.cost;
  }
  for (const Key& k : after) plan.asks += before.contains(k) ? 0 : 1;
  for (const rules::Finding& f : world.judgment.findings)
    if (before.contains({f.asked->requirement, f.subject}))
      after.contains({f.asked->requirement, f.subject}) ? plan.left.push_back(f) : (void)++plan.mended;
  std::stable_sort(plan.mends.begin(), plan.mends.end(), [](const PlannedMend& a, const PlannedMend& b) {
    return a.settles.size() * b.mend.cost > b.settles.size() * a.mend.cost;
  });
  return plan;
}

}  // namespace licet::epoch
