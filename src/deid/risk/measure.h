// What classes of equal quasi-identifiers tell of the risk: k-anonymity, l-diversity, t-closeness, uniqueness, and the three attackers'
// risks.
//
//   Measure measure(std::move(attributes));                            // sensitive ones: how often each value occurs in all rows
//   measure.add(size, population);                                     // a class, and its size in the population (0: not known)
//   measure.diversity(0, size, counts);                                // what its rows hold of attribute 0
//   const Measures m = std::move(measure).finish();                    // m.k, m.prosecutor.most, m.attributes[0].t
//
// Pure; one thread. Memory grows with the number of different class sizes, not with rows.
//
// Definitions. A class: all rows that are equal in every quasi-identifier; an empty value is a value like another. One row is one person.
//   prosecutor  the attacker knows that the person is in the data: a row's risk is 1 / size of its class.
//   journalist  does not know, and has a register of the population: 1 / size of the class in the population.
//   marketer    wants as many as possible right: the expected share of rows matched right, the mean over rows of the journalist's risk.
//   entropy l   the least exp(entropy) of the sensitive value over the classes; distinct l: the least number of different values.
//   t           the largest earth mover's distance between a class's values and all rows': equal distances for categories (half the sum of
//               the differences), ordered distances for numbers (ranks among the values that occur, over their number less one).
// Sources: Sweeney 2002; Machanavajjhala et al. 2007; Li, Li, Venkatasubramanian 2007; El Emam, Guide to the De-Identification of Personal
// Health Information (2013), chapters 15-17.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "deid/risk/table.h"

namespace licet::deid::risk {

// A sensitive attribute's values over all rows. `counts` by rank: for an ordered one, ascending by number.
struct Attribute {
  std::string name;
  bool ordered = false;
  std::vector<std::uint64_t> counts;
};
struct Ranked {
  std::uint32_t rank = 0, count = 0;
};

// How a column's values are ranked: by number where all that are not empty are numbers (an empty one is the least), else as they come.
struct Ranking {
  bool ordered = false;
  std::uint32_t ranks = 0;
  std::vector<std::uint32_t> of_code;
};
[[nodiscard]] Ranking rank(const Dictionary& values, bool may_be_ordered = true);
// A plain decimal number: "12", "-3.5".
[[nodiscard]] std::optional<double> number_of(std::string_view text);

struct Exposure {
  double most = 0, mean = 0;
};

struct AttributeMeasures {
  std::string name;
  bool ordered = false;
  std::uint64_t values = 0;  // different ones in all rows
  std::uint64_t distinct_l = 0;
  double entropy_l = 0, t = 0;
  std::uint64_t told_rows = 0;  // rows of classes that hold one value only: who is found there has it
};

struct PopulationMeasures {
  std::uint64_t rows = 0;                        // of its classes that the data has too
  std::map<std::uint64_t, std::uint64_t> sizes;  // class size in the population → rows of the data
  std::uint64_t unique_rows = 0;                 // rows whose class is one person in data and population
  std::uint64_t lacking_rows = 0;                // rows of classes that the register holds fewer of than the data: counted as the data's
  Exposure journalist;
  double marketer = 0;
};

struct Measures {
  std::uint64_t rows = 0, classes = 0, k = 0, unique_rows = 0;
  std::map<std::uint64_t, std::uint64_t> sizes;  // class size → classes
  Exposure prosecutor;
  std::optional<PopulationMeasures> population;
  std::vector<AttributeMeasures> attributes;

  // Rows whose risk is above that: to the prosecutor; to the journalist, where there is a population.
  [[nodiscard]] std::uint64_t at_risk(double threshold) const;
  [[nodiscard]] std::uint64_t at_journalist_risk(double threshold) const;
};

class Measure {
 public:
  explicit Measure(std::vector<Attribute> attributes, bool population = false);
  void add(std::uint64_t size, std::uint64_t population = 0);
  // Ascending by rank where the attribute is ordered. Call once a class and attribute.
  void diversity(std::size_t attribute, std::uint64_t size, std::span<const Ranked> counts);
  [[nodiscard]] Measures finish() &&;

  // One class's own figures: what a search asks for.
  struct Diversity {
    std::uint64_t distinct = 0;
    double entropy_l = 0, t = 0;
  };
  [[nodiscard]] Diversity diversity_of(std::size_t attribute, std::uint64_t size, std::span<const Ranked> counts) const;

 private:
  [[nodiscard]] double ordered_distance(std::size_t attribute, std::uint64_t size, std::span<const Ranked> counts) const;
  std::vector<Attribute> attributes_;
  std::vector<std::uint64_t> totals_;
  std::vector<std::vector<double>> cumulative_, sums_;  // of ordered ones: the distribution function, and its running sum
  Measures out_;
  double population_sum_ = 0, journalist_sum_ = 0;
};

// Calls back with each class's values of one column, ranked: what `diversity` wants.
template <class Each>
void each_class_values(const Classes& classes, const Column& column, const Ranking& ranking, Each each);

// All of it for a table in memory. `population`: for each class, how many of the population it has.
[[nodiscard]] Measures measure(const Table& table, const Classes& classes, std::span<const std::size_t> sensitive,
                               std::span<const std::uint64_t> population = {});

// ---- the population behind a sample ----

// Estimates from the class sizes of a simple random sample of one row a person. nullopt: too few classes, or nothing to fit.
struct PopulationEstimate {
  double pitman_theta = 0, pitman_alpha = 0;
  double pitman_unique_rows = 0;   // sample rows that are unique in the population too: Pitman's two-parameter model, by maximum likelihood
  double poisson_unique_rows = 0;  // the same: sampling taken as Poisson, class sizes in the population with prior 1/F (negative binomial)
  Exposure journalist;             // under the Poisson model: E[1/F] given the size in the sample; its mean is the marketer's
};
[[nodiscard]] std::optional<PopulationEstimate> estimate_population(const std::map<std::uint64_t, std::uint64_t>& sizes,
                                                                    std::uint64_t population);
// E[1/F | f] where F − f is negative binomial with f successes of chance `fraction`.
[[nodiscard]] double expected_inverse(std::uint64_t f, double fraction);

// ----------------------------------------------------------------------------------------------------------------------------------------

template <class Each>
void each_class_values(const Classes& classes, const Column& column, const Ranking& ranking, Each each) {
  const std::size_t rows = classes.of_row.size(), n = classes.sizes.size();
  std::vector<std::uint32_t> ends(n + 1, 0), ranks(rows);
  for (const std::uint32_t c : classes.of_row) ++ends[c + 1];
  for (std::size_t c = 0; c < n; ++c) ends[c + 1] += ends[c];
  std::vector<std::uint32_t> at(ends.begin(), ends.end() - 1);
  for (std::size_t row = 0; row < rows; ++row) ranks[at[classes.of_row[row]]++] = ranking.of_code[column.codes[row]];
  std::vector<std::uint32_t> seen(ranking.ranks, 0), touched;
  std::vector<Ranked> counts;
  for (std::size_t c = 0; c < n; ++c) {
    touched.clear();
    counts.clear();
    for (std::uint32_t i = ends[c]; i < ends[c + 1]; ++i)
      if (seen[ranks[i]]++ == 0) touched.push_back(ranks[i]);
    if (ranking.ordered) std::sort(touched.begin(), touched.end());
    for (const std::uint32_t r : touched) {
      counts.push_back({r, seen[r]});
      seen[r] = 0;
    }
    each(c, std::span<const Ranked>(counts));
  }
}

}  // namespace licet::deid::risk
