#include "deid/risk/measure.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/assert.h"

namespace licet::deid::risk {

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

Ranking rank(const Dictionary& values, bool may_be_ordered) {
  Ranking out;
  out.of_code.resize(values.size());
  std::vector<std::pair<double, std::uint32_t>> numbers;
  bool all = may_be_ordered;
  for (std::uint32_t code = 0; all && code < values.size(); ++code) {
    const std::string_view text = values.value(code);
    const auto number = text.empty() ? std::optional<double>(-HUGE_VAL) : number_of(text);
    if (number) numbers.emplace_back(*number, code);
    all = number.has_value();
  }
  out.ordered = all && !numbers.empty() && !(numbers.size() == 1 && std::isinf(numbers[0].first));
  if (!out.ordered) {
    out.ranks = values.size();
    for (std::uint32_t code = 0; code < values.size(); ++code) out.of_code[code] = code;
    return out;
  }
  std::sort(numbers.begin(), numbers.end());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0 && numbers[i].first != numbers[i - 1].first) ++out.ranks;  // "1" and "1.0" are one value
    out.of_code[numbers[i].second] = out.ranks;
  }
  ++out.ranks;
  return out;
}

std::uint64_t Measures::at_risk(double threshold) const {
  std::uint64_t rows_above = 0;
  for (const auto& [size, count] : sizes)
    if (1.0 / static_cast<double>(size) > threshold) rows_above += size * count;
  return rows_above;
}

std::uint64_t Measures::at_journalist_risk(double threshold) const {
  std::uint64_t above = 0;
  if (population)
    for (const auto& [size, count] : population->sizes)
      if (1.0 / static_cast<double>(size) > threshold) above += count;
  return above;
}

Measure::Measure(std::vector<Attribute> attributes, bool population) : attributes_(std::move(attributes)) {
  if (population) out_.population.emplace();
  for (const Attribute& a : attributes_) {
    std::uint64_t total = 0, values = 0;
    std::vector<double> cumulative, sums{0};
    for (const std::uint64_t count : a.counts) {
      total += count;
      if (count > 0) ++values;
    }
    if (a.ordered) {
      std::uint64_t so_far = 0;
      for (const std::uint64_t count : a.counts) {
        so_far += count;
        cumulative.push_back(static_cast<double>(so_far) / static_cast<double>(total));
        sums.push_back(sums.back() + cumulative.back());
      }
    }
    totals_.push_back(total);
    cumulative_.push_back(std::move(cumulative));
    sums_.push_back(std::move(sums));
    out_.attributes.push_back({.name = a.name, .ordered = a.ordered, .values = values});
  }
}

void Measure::add(std::uint64_t size, std::uint64_t population) {
  LICET_ASSERT(size > 0);
  out_.rows += size;
  ++out_.classes;
  ++out_.sizes[size];
  if (!out_.population) return;
  PopulationMeasures& p = *out_.population;
  if (population < size) p.lacking_rows += size;
  const std::uint64_t of_all = std::max(size, population);
  p.rows += of_all;
  p.sizes[of_all] += size;
  if (of_all == 1) ++p.unique_rows;
  population_sum_ += static_cast<double>(of_all);
  journalist_sum_ += static_cast<double>(size) / static_cast<double>(of_all);
}

// The area between two step functions over the ranks; the class's is constant between its values, and the other rises, so that it crosses
// once.
double Measure::ordered_distance(std::size_t attribute, std::uint64_t size, std::span<const Ranked> counts) const {
  const std::vector<double>&cumulative = cumulative_[attribute], &sums = sums_[attribute];
  const std::size_t m = cumulative.size();
  if (m < 2) return 0;
  double area = 0, level = 0;
  std::uint64_t so_far = 0;
  const auto stretch = [&](std::size_t from, std::size_t to) {
    if (from >= to) return;
    const auto cross = static_cast<std::size_t>(std::upper_bound(cumulative.begin() + static_cast<std::ptrdiff_t>(from),
                                                                 cumulative.begin() + static_cast<std::ptrdiff_t>(to), level) -
                                                cumulative.begin());
    area += level * static_cast<double>(cross - from) - (sums[cross] - sums[from]);
    area += (sums[to] - sums[cross]) - level * static_cast<double>(to - cross);
  };
  std::size_t from = 0;
  for (const Ranked& r : counts) {
    stretch(from, r.rank);
    so_far += r.count;
    level = static_cast<double>(so_far) / static_cast<double>(size);
    from = r.rank;
  }
  stretch(from, m - 1);
  return std::max(0.0, area / static_cast<double>(m - 1));
}

Measure::Diversity Measure::diversity_of(std::size_t attribute, std::uint64_t size, std::span<const Ranked> counts) const {
  Diversity out{.distinct = counts.size()};
  const Attribute& a = attributes_[attribute];
  const auto n = static_cast<double>(size);
  double entropy = 0, moved = 0;
  for (const Ranked& r : counts) {
    const double p = r.count / n;
    entropy -= p * std::log(p);
    moved += std::max(0.0, p - static_cast<double>(a.counts[r.rank]) / static_cast<double>(totals_[attribute]));
  }
  out.entropy_l = std::exp(entropy);
  out.t = a.ordered ? ordered_distance(attribute, size, counts) : moved;
  return out;
}

void Measure::diversity(std::size_t attribute, std::uint64_t size, std::span<const Ranked> counts) {
  AttributeMeasures& all = out_.attributes[attribute];
  const Diversity here = diversity_of(attribute, size, counts);
  const bool first = all.distinct_l == 0;
  all.distinct_l = first ? here.distinct : std::min(all.distinct_l, here.distinct);
  all.entropy_l = first ? here.entropy_l : std::min(all.entropy_l, here.entropy_l);
  all.t = std::max(all.t, here.t);
  if (here.distinct == 1) all.told_rows += size;
}

Measures Measure::finish() && {
  if (out_.rows == 0) return std::move(out_);
  const auto rows = static_cast<double>(out_.rows);
  out_.k = out_.sizes.begin()->first;
  if (out_.k == 1) out_.unique_rows = out_.sizes.begin()->second;
  out_.prosecutor = {1.0 / static_cast<double>(out_.k), static_cast<double>(out_.classes) / rows};
  if (out_.population) {
    PopulationMeasures& p = *out_.population;
    p.marketer = journalist_sum_ / rows;
    p.journalist = {1.0 / static_cast<double>(p.sizes.begin()->first),
                    std::max(static_cast<double>(out_.classes) / population_sum_, p.marketer)};
  }
  return std::move(out_);
}

Measures measure(const Table& table, const Classes& classes, std::span<const std::size_t> sensitive,
                 std::span<const std::uint64_t> population) {
  std::vector<Attribute> attributes;
  std::vector<Ranking> rankings;
  for (const std::size_t i : sensitive) {
    const Column& column = table.columns[i];
    rankings.push_back(rank(column.dictionary));
    Attribute a{.name = column.name, .ordered = rankings.back().ordered, .counts = std::vector<std::uint64_t>(rankings.back().ranks)};
    for (const std::uint32_t code : column.codes) ++a.counts[rankings.back().of_code[code]];
    attributes.push_back(std::move(a));
  }
  Measure out(std::move(attributes), !population.empty());
  for (std::size_t c = 0; c < classes.sizes.size(); ++c) out.add(classes.sizes[c], population.empty() ? 0 : population[c]);
  for (std::size_t a = 0; a < sensitive.size(); ++a)
    each_class_values(classes, table.columns[sensitive[a]], rankings[a],
                      [&](std::size_t c, std::span<const Ranked> counts) { out.diversity(a, classes.sizes[c], counts); });
  return std::move(out).finish();
}

// ---- the population behind a sample ----

double expected_inverse(std::uint64_t f, double fraction) {
  // Σ over F ≥ f of C(F−1, f−1) p^f q^(F−f) / F = ∫ over s in [0, ∞) of e^(−fs) p / (p + q e^(−s)) ds (Benedetti and Franconi 1998).
  const double p = fraction, q = 1 - fraction, n = static_cast<double>(f);
  if (q < 1e-12) return 1 / n;
  if (f == 1) return -p * std::log(p) / q;
  constexpr int steps = 400;  // Simpson; behind s = 40 / f nothing is left
  const double width = 40 / n / steps;
  double sum = 0;
  for (int i = 0; i <= steps; ++i) {
    const double s = i * width;
    const double weight = i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2;
    sum += weight * std::exp(-n * s) * p / (p + q * std::exp(-s));
  }
  return sum * width / 3;
}

namespace {

struct Fit {
  const std::map<std::uint64_t, std::uint64_t>& sizes;
  double n = 0, u = 0;

  // log of Pitman's sampling formula, less what does not depend on α and θ.
  [[nodiscard]] double likelihood(double theta, double alpha) const {
    double out = 0;
    if (alpha > 1e-9)
      out += (u - 1) * std::log(alpha) + std::lgamma(theta / alpha + u) - std::lgamma(theta / alpha + 1);
    else
      out += (u - 1) * std::log(theta);
    out -= std::lgamma(theta + n) - std::lgamma(theta + 1);
    const double base = std::lgamma(1 - alpha);
    for (const auto& [size, count] : sizes)
      if (size > 1) out += static_cast<double>(count) * (std::lgamma(static_cast<double>(size) - alpha) - base);
    return out;
  }
};

// The largest value of a function with one peak: golden section.
template <class F>
double peak(F f, double from, double to) {
  constexpr double golden = 0.6180339887498949;
  double a = to - golden * (to - from), b = from + golden * (to - from), fa = f(a), fb = f(b);
  for (int i = 0; i < 60 && to - from > 1e-7 * (1 + std::abs(from)); ++i) {
    if (fa < fb) {
      from = a, a = b, fa = fb;
      b = from + golden * (to - from), fb = f(b);
    } else {
      to = b, b = a, fb = fa;
      a = to - golden * (to - from), fa = f(a);
    }
  }
  return (from + to) / 2;
}

}  // namespace

std::optional<PopulationEstimate> estimate_population(const std::map<std::uint64_t, std::uint64_t>& sizes, std::uint64_t population) {
  Fit fit{.sizes = sizes};
  for (const auto& [size, count] : sizes) {
    fit.n += static_cast<double>(size * count);
    fit.u += static_cast<double>(count);
  }
  const auto N = static_cast<double>(population);
  if (fit.n < 2 || N < fit.n) return std::nullopt;
  const auto ones = sizes.find(1);
  const double unique = ones == sizes.end() ? 0 : static_cast<double>(ones->second);
  PopulationEstimate out;
  const double fraction = fit.n / N;
  double sum = 0;
  for (const auto& [size, count] : sizes) {
    const double inverse = expected_inverse(size, fraction);
    out.journalist.most = std::max(out.journalist.most, inverse);
    sum += inverse * static_cast<double>(size * count);
  }
  out.journalist.mean = sum / fit.n;
  out.poisson_unique_rows = unique * fraction;
  if (unique == fit.n) {  // nobody shares a class: no information on how fast they fill, so that the fit runs off to infinity
    out.pitman_theta = HUGE_VAL;
    out.pitman_unique_rows = unique;
    return out;
  }
  // θ by its logarithm, for each α.
  const auto best_theta = [&](double alpha) {
    return std::exp(peak([&](double log_theta) { return fit.likelihood(std::exp(log_theta), alpha); }, -7.0, std::log(fit.n * 1e4)));
  };
  out.pitman_alpha = peak([&](double alpha) { return fit.likelihood(best_theta(alpha), alpha); }, 0.0, 0.9999);
  out.pitman_theta = best_theta(out.pitman_alpha);
  // A row alone among n stays alone while N − n more are drawn: ∏ over i = n … N−1 of (θ + α + i − 1) / (θ + i).
  const double a = out.pitman_alpha, t = out.pitman_theta;
  out.pitman_unique_rows =
      unique * std::exp(std::lgamma(t + a + N - 1) - std::lgamma(t + a + fit.n - 1) + std::lgamma(t + fit.n) - std::lgamma(t + N));
  return out;
}

}  // namespace licet::deid::risk
