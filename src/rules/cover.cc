#include "rules/cover.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "rules/internal/solve.h"

namespace licet::rules {
namespace {

std::uint64_t cost_of(std::span<const Coverable> acts, const std::vector<std::size_t>& chosen) {
  std::uint64_t out = 0;
  for (const std::size_t a : chosen) out += acts[a].cost;
  return out;
}

// Acts that share a thing, directly or through others.
std::vector<std::vector<std::size_t>> groups(std::span<const Coverable> acts, std::size_t things) {
  std::vector<std::size_t> up(things + acts.size());
  std::iota(up.begin(), up.end(), 0u);
  const auto root = [&](std::size_t i) {
    while (up[i] != i) i = up[i] = up[up[i]];
    return i;
  };
  for (std::size_t a = 0; a < acts.size(); ++a)
    for (const std::size_t t : acts[a].settles) up[root(t)] = root(things + a);
  std::map<std::size_t, std::vector<std::size_t>> by_root;
  for (std::size_t a = 0; a < acts.size(); ++a)
    if (!acts[a].settles.empty()) by_root[root(things + a)].push_back(a);
  std::vector<std::vector<std::size_t>> out;
  for (auto& [_, group] : by_root) out.push_back(std::move(group));
  return out;
}

}  // namespace

Cover greedy(std::span<const Coverable> acts, std::size_t things) {
  std::vector<bool> settled(things);
  Cover out;
  out.least = false;
  for (;;) {
    std::size_t best = acts.size(), best_fresh = 0;
    for (std::size_t a = 0; a < acts.size(); ++a) {
      const auto fresh = static_cast<std::size_t>(
          std::count_if(acts[a].settles.begin(), acts[a].settles.end(), [&](std::size_t t) { return !settled[t]; }));
      // fresh / cost, compared without division; the first of equals.
      if (fresh > 0 && (best == acts.size() || fresh * acts[best].cost > best_fresh * acts[a].cost)) best = a, best_fresh = fresh;
    }
    if (best == acts.size()) break;
    for (const std::size_t t : acts[best].settles) settled[t] = true;
    out.chosen.push_back(best);
  }
  // What later ones settle as well needs no act of its own: the dearest goes first.
  std::vector<std::size_t> times(things);
  for (const std::size_t a : out.chosen)
    for (const std::size_t t : acts[a].settles) ++times[t];
  std::stable_sort(out.chosen.begin(), out.chosen.end(), [&](std::size_t a, std::size_t b) { return acts[a].cost > acts[b].cost; });
  std::erase_if(out.chosen, [&](std::size_t a) {
    if (std::any_of(acts[a].settles.begin(), acts[a].settles.end(), [&](std::size_t t) { return times[t] == 1; })) return false;
    for (const std::size_t t : acts[a].settles) --times[t];
    return true;
  });
  std::sort(out.chosen.begin(), out.chosen.end());
  out.cost = cost_of(acts, out.chosen);
  return out;
}

Cover cheapest(std::span<const Coverable> acts, std::size_t things, const CoverLimits& limits) {
  Cover out;
  for (const std::vector<std::size_t>& group : groups(acts, things)) {
    // The group by itself: its things numbered from 0.
    std::map<std::size_t, std::size_t> numbers;
    std::vector<Coverable> inside;
    for (const std::size_t a : group) {
      Coverable& one = inside.emplace_back(Coverable{acts[a].cost, {}});
      for (const std::size_t t : acts[a].settles) one.settles.push_back(numbers.try_emplace(t, numbers.size()).first->second);
    }
    const Cover quick = greedy(inside, numbers.size());
    std::vector<std::size_t> chosen = quick.chosen;
    if (group.size() > 1) {
      const auto best = group.size() <= limits.acts_most ? solve(inside, numbers.size(), limits.steps_most) : std::nullopt;
      out.least = out.least && best.has_value();
      if (best && cost_of(inside, *best) < quick.cost) chosen = *best;  // of equals, what is plain to see
    }
    for (const std::size_t a : chosen) out.chosen.push_back(group[a]);
  }
  std::sort(out.chosen.begin(), out.chosen.end());
  out.cost = cost_of(acts, out.chosen);
  return out;
}

}  // namespace licet::rules
