#include "deid/risk/search.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <unordered_set>

#include "base/assert.h"

namespace licet::deid::risk {
namespace {

using Levels = std::vector<std::uint8_t>;

bool below(const Levels& a, const Levels& b) {  // or equal
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] > b[i]) return false;
  return true;
}

// Rows that agree at some node, one of each kind and how many they are: where coarser nodes are grouped from.
struct Snapshot {
  Levels levels;
  std::vector<std::uint32_t> rows, weights;
};

class Search {
 public:
  Search(const Table& table, std::span<const Ladder> ladders, std::span<const std::size_t> quasi, std::span<const std::size_t> sensitive,
         const Target& target)
      : table_(table), ladders_(ladders), quasi_(quasi), sensitive_(sensitive), target_(target) {
    allowed_ = static_cast<std::uint64_t>(std::floor(target.suppress * static_cast<double>(table.rows)));
    Classes distinct = classes_of(table, quasi);
    base_ = {Levels(quasi.size(), 0), std::move(distinct.first), std::move(distinct.sizes)};
    if (target.asks_values()) {
      class_of_ = std::move(distinct.of_row);
      for (const std::size_t i : sensitive) rankings_.push_back(rank(table.columns[i].dictionary));
      reference_.emplace(attributes({}, rankings_));
    }
    found_.nodes = 1;
    for (const Ladder& l : ladders) found_.nodes *= static_cast<double>(l.levels.size());
  }

  Found go(const std::function<bool()>& stop) {
    using Entry = std::pair<double, Levels>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> open;
    std::unordered_set<std::uint64_t> seen;
    const auto reach = [&](Levels node) {
      if (seen.insert(index(node)).second) open.emplace(bound(node), std::move(node));
    };
    reach(Levels(quasi_.size(), 0));
    found_.optimal = true;
    while (!open.empty()) {
      const auto [least, node] = open.top();
      found_.bound = least;
      if (found_.met && least >= found_.loss - 1e-12) break;
      if (!found_.checks.empty() && stop()) {
        found_.optimal = false;
        break;
      }
      open.pop();
      if (fails(node))
        ++found_.passed_over;
      else if (!checked_.contains(index(node)))
        bisect(node, stop);
      for (std::size_t i = 0; i < node.size(); ++i) {
        if (node[i] + 1U >= ladders_[i].levels.size()) continue;
        Levels up = node;
        ++up[i];
        reach(std::move(up));
      }
    }
    if (open.empty() || found_.optimal) found_.bound = found_.met ? found_.loss : 1;
    if (found_.met) keep();
    return std::move(found_);
  }

 private:
  [[nodiscard]] std::uint64_t index(const Levels& node) const {
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < node.size(); ++i) at = at * ladders_[i].levels.size() + node[i];
    return at;
  }
  [[nodiscard]] double bound(const Levels& node) const {
    double sum = 0;
    for (std::size_t i = 0; i < node.size(); ++i) sum += ladders_[i].levels[node[i]].mean;
    return node.empty() ? 0 : sum / static_cast<double>(node.size());
  }
  [[nodiscard]] bool fails(const Levels& node) const {
    return std::any_of(failing_.begin(), failing_.end(), [&](const Levels& above) { return below(node, above); });
  }

  // Up from the node by the cheapest steps; the lowest node of that path that meets the target, by bisection.
  void bisect(const Levels& node, const std::function<bool()>& stop) {
    std::vector<Levels> path{node};
    for (;;) {
      const Levels& last = path.back();
      double least = HUGE_VAL;
      Levels next;
      for (std::size_t i = 0; i < last.size(); ++i) {
        if (last[i] + 1U >= ladders_[i].levels.size()) continue;
        Levels up = last;
        ++up[i];
        if (const double b = bound(up); b < least) least = b, next = std::move(up);
      }
      if (next.empty()) break;
      path.push_back(std::move(next));
    }
    std::size_t low = 0, high = path.size();  // what is below `low` fails; what is at `high` meets it, or is the end
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      const bool met = check(path[middle]);
      if (met)
        high = middle;
      else
        low = middle + 1;
      if (stop()) return;
    }
    // Where criteria don't improve upward, bisection says nothing of the nodes that it left out: the walk comes to each of them.
    if (!checked_.contains(index(node)) && !fails(node)) check(node);
  }

  bool check(const Levels& node) {
    if (!checked_.insert(index(node)).second) return met_.contains(index(node));
    Check made{.levels = node, .loss = 1};
    const Snapshot& from = lowest(node);
    const Classes classes = group(parts(node), table_.rows, from.rows, from.weights);
    made.classes = classes.sizes.size();
    std::vector<bool> good(classes.sizes.size());
    std::uint64_t lost = 0;
    for (std::size_t c = 0; c < good.size(); ++c) {
      good[c] = classes.sizes[c] >= target_.k;
      if (!good[c]) lost += classes.sizes[c];
    }
    if (lost > allowed_ || lost == table_.rows) {
      failing(node);
    } else if (!target_.asks_values()) {
      made.met = true;
    } else {
      made.met = values_hold(node, classes, good, lost);
    }
    if (classes.sizes.size() * 2 < from.rows.size() && snapshots_.size() < 64) snapshots_.push_back({node, classes.first, classes.sizes});
    if (made.met) {
      met_.insert(index(node));
      made.suppressed = lost;
      made.loss = loss(node, classes, good);
      if (!found_.met || made.loss < found_.loss) {
        found_.met = true;
        found_.loss = made.loss;
        found_.levels = node;
        found_.suppressed = lost;
      }
    }
    found_.checks.push_back(made);
    return made.met;
  }

  // l and t of the classes that k leaves. `good` and `lost` are brought up to date.
  bool values_hold(const Levels& node, const Classes& coarse, std::vector<bool>& good, std::uint64_t& lost) {
    const Classes all = rows_at(node, coarse, good);
    std::vector<bool> fine(all.sizes.size(), true), distinct(all.sizes.size(), true);
    for (std::size_t c = 0; c < fine.size(); ++c) fine[c] = distinct[c] = all.sizes[c] >= target_.k;
    const auto run = [&](const Measure& measure, std::span<const Ranking> rankings, bool settle) {
      for (std::size_t a = 0; a < sensitive_.size(); ++a)
        each_class_values(all, table_.columns[sensitive_[a]], rankings[a], [&](std::size_t c, std::span<const Ranked> counts) {
          if (!fine[c]) return;
          const Measure::Diversity d = measure.diversity_of(a, all.sizes[c], counts);
          const bool many = d.distinct >= std::max<std::uint64_t>(1, target_.distinct_l);
          const bool rest = (target_.entropy_l <= 1 || d.entropy_l >= target_.entropy_l - 1e-9) && (!target_.t || d.t <= *target_.t + 1e-9);
          if (settle) {
            if (!many) distinct[c] = false;
            if (!many || !rest) fine[c] = false;
          } else if (!rest) {
            still_ = false;
          }
        });
    };
    // A class that fails in one attribute is not looked at in the next, so `distinct` may miss some: it only ever says "fails" too seldom.
    run(*reference_, rankings_, true);
    std::uint64_t by_distinct = 0;
    lost = 0;
    for (std::size_t c = 0; c < fine.size(); ++c) {
      if (!distinct[c]) by_distinct += all.sizes[c];
      if (!fine[c]) lost += all.sizes[c];
    }
    if (by_distinct > allowed_ || (allowed_ == 0 && lost > 0)) failing(node);
    if (lost > allowed_ || lost == table_.rows) return false;
    if (lost > 0 && target_.t) {  // what is released is compared with all that is released
      std::vector<bool> kept(table_.rows);
      for (std::size_t row = 0; row < table_.rows; ++row) kept[row] = fine[all.of_row[row]];
      std::vector<Ranking> rankings = rankings_;
      const Measure among_kept(attributes(kept, rankings));
      still_ = true;
      run(among_kept, rankings, false);
      if (!still_) return false;
    }
    good = std::move(fine);
    return true;
  }

  // The classes of rows (not of kinds of rows), numbered as the coarse ones are.
  Classes rows_at(const Levels& node, const Classes& coarse, std::vector<bool>& good) {
    Classes kinds = group(parts(node), table_.rows, base_.rows, base_.weights);
    LICET_ASSERT(kinds.sizes.size() == coarse.sizes.size() && good.size() == coarse.sizes.size());
    Classes out{.of_row = std::vector<std::uint32_t>(table_.rows), .sizes = std::move(kinds.sizes), .first = std::move(kinds.first)};
    for (std::size_t row = 0; row < table_.rows; ++row) out.of_row[row] = kinds.of_row[class_of_[row]];
    return out;
  }

  // The values of all rows, or of those kept; the rankings then lose what no kept row holds, since ranks are distances among what occurs.
  [[nodiscard]] std::vector<Attribute> attributes(const std::vector<bool>& kept, std::vector<Ranking>& rankings) const {
    std::vector<Attribute> out;
    for (std::size_t a = 0; a < sensitive_.size(); ++a) {
      const Column& column = table_.columns[sensitive_[a]];
      Ranking& ranking = rankings[a];
      Attribute made{.name = column.name, .ordered = ranking.ordered, .counts = std::vector<std::uint64_t>(ranking.ranks)};
      for (std::size_t row = 0; row < table_.rows; ++row)
        if (kept.empty() || kept[row]) ++made.counts[ranking.of_code[column.codes[row]]];
      std::vector<std::uint32_t> to(made.counts.size(), 0);
      std::uint32_t left = 0;
      for (std::size_t r = 0; r < to.size(); ++r)
        if (made.counts[r] > 0) to[r] = left++;
      std::erase(made.counts, 0U);
      for (std::uint32_t& r : ranking.of_code) r = to[r];
      ranking.ranks = left;
      out.push_back(std::move(made));
    }
    return out;
  }

  [[nodiscard]] double loss(const Levels& node, const Classes& classes, const std::vector<bool>& good) const {
    double sum = 0;
    for (std::size_t c = 0; c < classes.sizes.size(); ++c) {
      double cells = 0;
      if (good[c]) {
        for (std::size_t i = 0; i < node.size(); ++i) {
          const Ladder::Level& level = ladders_[i].levels[node[i]];
          cells += level.cell[level.becomes[table_.columns[quasi_[i]].codes[classes.first[c]]]];
        }
        cells /= static_cast<double>(node.size());
      } else {
        cells = 1;
      }
      sum += cells * classes.sizes[c];
    }
    return sum / static_cast<double>(table_.rows);
  }

  [[nodiscard]] std::vector<Part> parts(const Levels& node) const {
    std::vector<Part> out;
    for (std::size_t i = 0; i < node.size(); ++i) {
      const Ladder::Level& level = ladders_[i].levels[node[i]];
      out.push_back({table_.columns[quasi_[i]].codes, node[i] == 0 ? std::span<const std::uint32_t>() : level.becomes, level.domain});
    }
    return out;
  }

  [[nodiscard]] const Snapshot& lowest(const Levels& node) const {
    const Snapshot* best = &base_;
    for (const Snapshot& s : snapshots_)
      if (s.rows.size() < best->rows.size() && below(s.levels, node)) best = &s;
    return *best;
  }

  void failing(const Levels& node) {
    std::erase_if(failing_, [&](const Levels& other) { return below(other, node); });
    failing_.push_back(node);
  }

  // Which rows the best node keeps.
  void keep() {
    const Classes kinds = group(parts(found_.levels), table_.rows, base_.rows, base_.weights);
    std::vector<bool> good(kinds.sizes.size());
    for (std::size_t c = 0; c < good.size(); ++c) good[c] = kinds.sizes[c] >= target_.k;
    Classes by_row = classes_of(table_, quasi_);
    if (target_.asks_values()) {
      std::uint64_t lost = 0;
      LICET_ASSERT(values_hold(found_.levels, kinds, good, lost));
    }
    found_.kept.resize(table_.rows);
    for (std::size_t row = 0; row < table_.rows; ++row) found_.kept[row] = good[kinds.of_row[by_row.of_row[row]]];
  }

  const Table& table_;
  std::span<const Ladder> ladders_;
  std::span<const std::size_t> quasi_, sensitive_;
  Target target_;
  std::uint64_t allowed_ = 0;
  Snapshot base_;
  std::vector<Snapshot> snapshots_;
  std::vector<std::uint32_t> class_of_;
  std::vector<Ranking> rankings_;
  std::optional<Measure> reference_;
  std::unordered_set<std::uint64_t> checked_, met_;
  std::vector<Levels> failing_;  // the highest nodes that fail by what only improves upward
  bool still_ = true;
  Found found_;
};

}  // namespace

Found search(const Table& table, std::span<const Ladder> ladders, std::span<const std::size_t> quasi,
             std::span<const std::size_t> sensitive, const Target& target, const std::function<bool()>& stop) {
  LICET_ASSERT(ladders.size() == quasi.size());
  if (table.rows == 0) return {};
  return Search(table, ladders, quasi, sensitive, target).go(stop);
}

Table generalized(const Table& table, std::span<const Ladder> ladders, std::span<const std::size_t> quasi,
                  std::span<const std::uint8_t> levels, const std::vector<bool>& kept) {
  Table out;
  out.rows = kept.empty() ? table.rows : static_cast<std::size_t>(std::count(kept.begin(), kept.end(), true));
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    const auto which = std::find(quasi.begin(), quasi.end(), i);
    const std::size_t q = static_cast<std::size_t>(which - quasi.begin());
    const Ladder::Level* level = which == quasi.end() || levels[q] == 0 ? nullptr : &ladders[q].levels[levels[q]];
    Column made{.name = column.name, .dictionary = {}, .codes = {}};
    made.codes.reserve(out.rows);
    std::vector<std::uint32_t> again(level == nullptr ? column.dictionary.size() : level->domain, Dictionary::kNone);
    for (std::size_t row = 0; row < table.rows; ++row) {
      if (!kept.empty() && !kept[row]) continue;
      const std::uint32_t code = level == nullptr ? column.codes[row] : level->becomes[column.codes[row]];
      if (again[code] == Dictionary::kNone)
        again[code] = made.dictionary.code(level == nullptr ? column.dictionary.value(code) : level->values.value(code));
      made.codes.push_back(again[code]);
    }
    out.columns.push_back(std::move(made));
  }
  return out;
}

}  // namespace licet::deid::risk
