#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/csv.h"
#include "base/random.h"
#include "deid/risk/hierarchy.h"
#include "deid/risk/linkage.h"
#include "deid/risk/measure.h"
#include "deid/risk/search.h"
#include "deid/risk/stream.h"
#include "deid/risk/table.h"

namespace licet::deid::risk {
namespace {

using Row = std::vector<std::string>;
using Rows = std::vector<Row>;

Table table_of(const std::vector<std::string>& names, const Rows& rows) {
  Table out{std::span(names)};
  for (const Row& row : rows) {
    const std::vector<std::string_view> fields(row.begin(), row.end());
    out.add(fields);
  }
  return out;
}

// Invented people: birth date, ZIP, sex, diagnosis, lab value.
Rows people(std::uint64_t seed, std::size_t n) {
  SeededRandom random(seed);
  const auto below = [&](std::uint64_t most) { return random.next() % most; };
  Rows rows;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t year = 1930 + below(70), month = 1 + below(12), day = 1 + below(28);
    char birth[16];
    std::snprintf(birth, sizeof birth, "%04d-%02d-%02d", static_cast<int>(year), static_cast<int>(month), static_cast<int>(day));
    rows.push_back({birth, "021" + std::to_string(10 + below(30)), below(2) == 0 ? "F" : "M", "dx" + std::to_string(below(3) * below(4)),
                    below(20) == 0 ? "" : std::to_string(below(12))});
  }
  return rows;
}
const std::vector<std::string> kNames{"birth", "zip", "sex", "dx", "lab"};

// ---- the slow, obvious implementation ----

struct Plain {
  std::map<Row, std::vector<std::size_t>> classes;

  Plain(const Rows& rows, const std::vector<std::size_t>& quasi) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Row key;
      for (const std::size_t q : quasi) key.push_back(rows[i][q]);
      classes[key].push_back(i);
    }
  }
  [[nodiscard]] std::size_t k() const {
    std::size_t out = SIZE_MAX;
    for (const auto& [key, rows] : classes) out = std::min(out, rows.size());
    return out;
  }
};

double plain_entropy_l(const Rows& rows, const std::vector<std::size_t>& in, std::size_t column) {
  std::map<std::string, double> p;
  for (const std::size_t i : in) p[rows[i][column]] += 1.0 / static_cast<double>(in.size());
  double entropy = 0;
  for (const auto& [value, share] : p) entropy -= share * std::log(share);
  return std::exp(entropy);
}

double plain_equal_distance(const Rows& rows, const std::vector<std::size_t>& in, std::size_t column) {
  std::map<std::string, double> difference;
  for (const Row& row : rows) difference[row[column]] -= 1.0 / static_cast<double>(rows.size());
  for (const std::size_t i : in) difference[rows[i][column]] += 1.0 / static_cast<double>(in.size());
  double sum = 0;
  for (const auto& [value, d] : difference) sum += std::abs(d);
  return sum / 2;
}

double plain_ordered_distance(const Rows& rows, const std::vector<std::size_t>& in, std::size_t column) {
  const auto value = [&](const Row& row) { return row[column].empty() ? -1e300 : std::stod(row[column]); };
  std::map<double, double> difference;
  for (const Row& row : rows) difference[value(row)] -= 1.0 / static_cast<double>(rows.size());
  for (const std::size_t i : in) difference[value(rows[i])] += 1.0 / static_cast<double>(in.size());
  double running = 0, sum = 0;
  for (const auto& [v, d] : difference) sum += std::abs(running += d);
  return difference.size() < 2 ? 0 : sum / static_cast<double>(difference.size() - 1);
}

class MemoryScratch final : public Scratch {
 public:
  Result<void> append(std::size_t part, std::span<const std::byte> block) override {
    parts_[part].emplace_back(block.begin(), block.end());
    return {};
  }
  Result<void> read(std::size_t part, const std::function<void(std::span<const std::byte>)>& each) override {
    for (const auto& block : parts_[part]) each(block);
    return {};
  }

 private:
  std::map<std::size_t, std::vector<std::vector<std::byte>>> parts_;
};

void expect_same(const Measures& a, const Measures& b) {
  EXPECT_EQ(a.rows, b.rows);
  EXPECT_EQ(a.classes, b.classes);
  EXPECT_EQ(a.k, b.k);
  EXPECT_EQ(a.unique_rows, b.unique_rows);
  EXPECT_EQ(a.sizes, b.sizes);
  EXPECT_DOUBLE_EQ(a.prosecutor.mean, b.prosecutor.mean);
  ASSERT_EQ(a.attributes.size(), b.attributes.size());
  for (std::size_t i = 0; i < a.attributes.size(); ++i) {
    EXPECT_EQ(a.attributes[i].values, b.attributes[i].values);
    EXPECT_EQ(a.attributes[i].distinct_l, b.attributes[i].distinct_l);
    EXPECT_NEAR(a.attributes[i].entropy_l, b.attributes[i].entropy_l, 1e-9);
    EXPECT_NEAR(a.attributes[i].t, b.attributes[i].t, 1e-9);
    EXPECT_EQ(a.attributes[i].told_rows, b.attributes[i].told_rows);
  }
  ASSERT_EQ(a.population.has_value(), b.population.has_value());
  if (a.population) {
    EXPECT_EQ(a.population->sizes, b.population->sizes);
    EXPECT_EQ(a.population->unique_rows, b.population->unique_rows);
    EXPECT_NEAR(a.population->marketer, b.population->marketer, 1e-9);
    EXPECT_NEAR(a.population->journalist.most, b.population->journalist.most, 1e-12);
  }
}

// ---- classes and measures ----

TEST(Measure, EqualsTheObviousImplementation) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Rows rows = people(seed, 60 + 40 * seed);
    for (Row& row : rows) row[0] = row[0].substr(0, seed % 2 == 0 ? 3 : 4), row[1] = row[1].substr(0, 4);
    const Table table = table_of(kNames, rows);
    const std::vector<std::size_t> quasi{0, 1, 2}, sensitive{3, 4};
    const Plain plain(rows, quasi);
    const Classes classes = classes_of(table, quasi);
    const Measures m = measure(table, classes, sensitive);
    EXPECT_EQ(m.classes, plain.classes.size());
    EXPECT_EQ(m.k, plain.k());
    std::size_t unique = 0, at_risk = 0, told = 0, distinct = SIZE_MAX;
    double mean = 0, entropy = HUGE_VAL, equal = 0, ordered = 0;
    for (const auto& [key, in] : plain.classes) {
      unique += in.size() == 1 ? 1 : 0;
      for (std::size_t i = 0; i < in.size(); ++i) mean += 1.0 / static_cast<double>(in.size()) / static_cast<double>(rows.size());
      at_risk += 1.0 / static_cast<double>(in.size()) > 0.2 ? in.size() : 0;
      std::set<std::string> values;
      for (const std::size_t i : in) values.insert(rows[i][3]);
      distinct = std::min(distinct, values.size());
      told += values.size() == 1 ? in.size() : 0;
      entropy = std::min(entropy, plain_entropy_l(rows, in, 3));
      equal = std::max(equal, plain_equal_distance(rows, in, 3));
      ordered = std::max(ordered, plain_ordered_distance(rows, in, 4));
    }
    EXPECT_EQ(m.unique_rows, unique);
    EXPECT_NEAR(m.prosecutor.mean, mean, 1e-9);
    EXPECT_EQ(m.at_risk(0.2), at_risk);
    EXPECT_EQ(m.attributes[0].distinct_l, distinct);
    EXPECT_EQ(m.attributes[0].told_rows, told);
    EXPECT_NEAR(m.attributes[0].entropy_l, entropy, 1e-9);
    EXPECT_NEAR(m.attributes[0].t, equal, 1e-9);
    EXPECT_FALSE(m.attributes[0].ordered);
    EXPECT_TRUE(m.attributes[1].ordered);
    EXPECT_NEAR(m.attributes[1].t, ordered, 1e-9);
  }
}
TEST(Measure, StreamedEqualsInMemory) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Rows rows = people(seed, 1200), others = people(seed + 100, 3600);
    for (Rows* r : {&rows, &others})
      for (Row& row : *r) row[0] = row[0].substr(0, 4);
    const Table table = table_of(kNames, rows), population = table_of(kNames, others);
    const std::vector<std::size_t> quasi{0, 1, 2}, sensitive{3, 4};
    const Classes classes = classes_of(table, quasi);
    const Plain behind(others, quasi);
    std::vector<std::uint64_t> sizes;
    for (const std::uint32_t first : classes.first) {
      const auto found = behind.classes.find({rows[first][0], rows[first][1], rows[first][2]});
      sizes.push_back(found == behind.classes.end() ? 0 : found->second.size());
    }
    MemoryScratch scratch;
    const std::vector<std::string> names{"dx", "lab"};
    Streamed streamed(scratch, {.parts = 7, .key = {seed, 99}, .population = true}, names);
    for (const Row& r : rows) {
      const std::vector<std::string_view> q{r[0], r[1], r[2]}, s{r[3], r[4]};
      ASSERT_TRUE(streamed.add(q, s));
    }
    for (const Row& r : others) {
      const std::vector<std::string_view> q{r[0], r[1], r[2]};
      ASSERT_TRUE(streamed.add_population(q));
    }
    auto out = std::move(streamed).finish();
    ASSERT_TRUE(out);
    expect_same(*out, measure(table, classes, sensitive, sizes));
  }
}
TEST(Measure, ColumnsWiderThan64BitsTogetherAreStillExact) {
  std::vector<std::string> names;
  Rows rows;
  SeededRandom random(3);
  for (int c = 0; c < 12; ++c) names.push_back("c" + std::to_string(c));
  for (int i = 0; i < 500; ++i) {
    Row row;
    for (int c = 0; c < 12; ++c) row.push_back(std::to_string(i % 250 * 1000 + c + (c == 11 ? static_cast<int>(random.next() % 2) : 0)));
    rows.push_back(row);
  }
  const Table table = table_of(names, rows);
  std::vector<std::size_t> all(12);
  for (std::size_t c = 0; c < 12; ++c) all[c] = c;
  const Plain plain(rows, all);
  const Classes classes = classes_of(table, all);
  EXPECT_EQ(classes.sizes.size(), plain.classes.size());
}
TEST(Measure, ColumnsMoreTellNoLess) {  // a further quasi-identifier never lowers the risk; k of the union is at most either's
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Table table = table_of(kNames, people(seed, 400));
    const std::vector<std::size_t> a{1}, b{2}, both{1, 2};
    const Measures ma = measure(table, classes_of(table, a), {}), mb = measure(table, classes_of(table, b), {}),
                   m = measure(table, classes_of(table, both), {});
    EXPECT_LE(m.k, std::min(ma.k, mb.k));
    EXPECT_GE(m.prosecutor.mean, std::max(ma.prosecutor.mean, mb.prosecutor.mean));
  }
}
TEST(Measure, NoColumnIsOneClass) {
  const Table table = table_of(kNames, people(1, 50));
  EXPECT_EQ(measure(table, classes_of(table, {}), {}).k, 50U);
}
TEST(Measure, KnownDistances) {  // Li et al. 2007, section 5.1: salaries 3k to 11k, {3, 4, 5} is at 0.375, {6, 8, 11} at 0.167
  Rows rows;
  for (int s = 3; s <= 11; ++s) rows.push_back({s <= 5 ? "first" : s == 6 || s == 8 || s == 11 ? "second" : "third", std::to_string(s)});
  const Table table = table_of({"class", "salary"}, rows);
  const std::vector<std::size_t> quasi{0};
  const Classes classes = classes_of(table, quasi);
  const Ranking ranking = rank(table.columns[1].dictionary);
  Measure m({{"salary", true, std::vector<std::uint64_t>(9, 1)}});
  std::vector<double> t;
  each_class_values(classes, table.columns[1], ranking,
                    [&](std::size_t c, std::span<const Ranked> counts) { t.push_back(m.diversity_of(0, classes.sizes[c], counts).t); });
  EXPECT_NEAR(t[0], 0.375, 1e-9);
  EXPECT_NEAR(t[1], 1.0 / 6, 1e-9);
}

// ---- the population behind a sample ----

TEST(Population, ExpectedInverseIsTheSum) {
  for (const double p : {0.02, 0.3, 0.9})
    for (const std::uint64_t f : {1U, 2U, 3U, 7U}) {
      double sum = 0, chance = std::pow(p, static_cast<double>(f));  // of F = f
      for (std::uint64_t F = f; F < 20000; ++F) {
        sum += chance / static_cast<double>(F);
        chance *= static_cast<double>(F) / static_cast<double>(F - f + 1) * (1 - p);
      }
      EXPECT_NEAR(expected_inverse(f, p), sum, 1e-6) << f << " " << p;
    }
}
TEST(Population, PitmanRecoversWhatItDrew) {
  // Draws from the two-parameter process: uniques of the sample that stay so in the population, estimated from the sample alone.
  double ratio = 0;
  constexpr int runs = 8;
  for (int run = 0; run < runs; ++run) {
    SeededRandom random(static_cast<std::uint64_t>(run) + 40);
    const auto unit = [&] { return static_cast<double>(random.next() >> 11) / 9007199254740992.0; };
    constexpr double theta = 400, alpha = 0.4;
    std::vector<std::uint32_t> of;  // each person's class
    std::vector<std::uint64_t> size;
    for (std::size_t i = 0; i < 20000; ++i) {
      const double fresh = (theta + alpha * static_cast<double>(size.size())) / (theta + static_cast<double>(i));
      if (unit() < fresh) {
        of.push_back(static_cast<std::uint32_t>(size.size()));
        size.push_back(0);
      } else {  // a person before, whose class it joins, thinned to (size − α)
        for (;;) {
          const std::uint32_t c = of[random.next() % i];
          if (unit() < 1 - alpha / static_cast<double>(size[c])) {
            of.push_back(c);
            break;
          }
        }
      }
      ++size[of.back()];
    }
    std::map<std::uint32_t, std::uint64_t> sample;  // exchangeable: the first 2,000 are a simple random sample
    for (std::size_t i = 0; i < 2000; ++i) ++sample[of[i]];
    std::map<std::uint64_t, std::uint64_t> sizes;
    double truly = 0;
    for (const auto& [c, n] : sample) {
      ++sizes[n];
      if (n == 1 && size[c] == 1) ++truly;
    }
    const auto estimate = estimate_population(sizes, 20000);
    ASSERT_TRUE(estimate);
    ratio += estimate->pitman_unique_rows / truly / runs;
  }
  EXPECT_NEAR(ratio, 1, 0.15);
}
TEST(Population, TheWholePopulationLeavesNothingToEstimate) {
  const auto e = estimate_population({{1, 10}, {2, 5}, {4, 3}}, 32);
  ASSERT_TRUE(e);
  EXPECT_NEAR(e->pitman_unique_rows, 10, 1e-6);
  EXPECT_NEAR(e->poisson_unique_rows, 10, 1e-9);
  EXPECT_NEAR(e->journalist.most, 1, 1e-6);
  EXPECT_FALSE(estimate_population({{1, 10}}, 5));
}

// ---- hierarchies ----

std::string applied(std::string_view spec, std::size_t level, std::string_view value) {
  auto h = Hierarchy::parse(spec);
  return h ? h->apply(level, value) : h.error().message;
}
TEST(Hierarchy, Steps) {
  struct Case {
    std::string_view spec;
    std::size_t level;
    std::string_view value, gives;
  };
  const Case cases[] = {
      {"date:month,year,5y,10y", 0, "1979-03-14", "1979-03-14"},
      {"date:month,year,5y,10y", 1, "3/14/1979", "1979-03"},
      {"date:month,year,5y,10y", 2, "19790314", "1979"},
      {"date:month,year,5y,10y", 3, "1979-03-14T10:00", "1975-1979"},
      {"date:month,year,5y,10y", 4, "1979", "1970-1979"},
      {"date:month,year,5y,10y", 5, "1979", "*"},
      {"date:month,year", 1, "1979", "1979"},
      {"date:month,year", 1, "2026-02-30", "*"},
      {"date:quarter,year", 1, "1979-03-14", "1979-Q1"},
      {"date:month,year", 1, "", ""},
      {"prefix:3,1", 1, "02139", "021*"},
      {"prefix:3,1", 2, "02139-1234", "0*"},
      {"number:5,10,top=90", 1, "42", "40-44"},
      {"number:5,10,top=90", 2, "93", "90+"},
      {"number:5,20,top=90", 2, "89", "80-89"},
      {"number:5", 1, "-3", "-5--1"},
      {"number:0.5", 1, "1.7", "[1.5, 2)"},
      {"number:5", 1, "n/a", "*"},
      {"any", 1, "x", "*"},
      {"keep", 0, "x", "x"},
  };
  for (const Case& c : cases) EXPECT_EQ(applied(c.spec, c.level, c.value), c.gives) << c.spec << " " << c.level << " " << c.value;
  for (const std::string_view wrong :
       {"date", "date:week", "number:0", "prefix:1.5", "prefix:2e120", "any:1", "colour:red", "number:top=x"})
    EXPECT_FALSE(Hierarchy::parse(wrong)) << wrong;
  EXPECT_EQ(Hierarchy::parse("number:5,10,top=90")->spec(), "number:5,10,top=90");
}
TEST(Hierarchy, OfAFile) {
  auto h = Hierarchy::of_csv("flu;respiratory;*\nasthma;respiratory;*\ngout;joints;*\n");
  ASSERT_TRUE(h);
  EXPECT_EQ(h->levels(), 3U);
  EXPECT_EQ(h->apply(1, "flu"), "respiratory");
  EXPECT_EQ(h->apply(1, "measles"), "*");
  EXPECT_FALSE(Hierarchy::of_csv("a;b\nc\n"));
}
TEST(Hierarchy, StepsThatDoNotNestAreAnError) {
  const Table table = table_of({"age"}, {{"4"}, {"5"}, {"6"}, {"11"}});
  auto wrong = ladder(table.columns[0], *Hierarchy::parse("number:2,5"));
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("does not nest"), std::string::npos);
  EXPECT_TRUE(ladder(table.columns[0], *Hierarchy::parse("number:2,6")));
}
TEST(Hierarchy, GuessesFromNamesAndValues) {
  const auto guess = [](std::string_view name, std::vector<std::string> values) {
    Dictionary d;
    for (const std::string& v : values) (void)d.code(v);
    return Hierarchy::guess(name, d).spec();
  };
  EXPECT_EQ(guess("birth", {"1979-03-14", ""}), "date:month,year,5y,10y");
  EXPECT_EQ(guess("birth_year", {"1979"}), "date:year,5y,10y");
  EXPECT_EQ(guess("ZIP", {"02139"}), "prefix:4,3,2,1");
  EXPECT_EQ(guess("age", {"5", "44"}), "number:5,10,20,top=90");
  EXPECT_EQ(guess("sex", {"F", "M"}), "any");
}

// ---- the search ----

struct Setting {
  Table table;
  std::vector<std::size_t> quasi{0, 1, 2}, sensitive{3, 4};
  std::vector<Ladder> ladders;
  explicit Setting(const Rows& rows) : table(table_of(kNames, rows)) {
    for (const char* spec : {"date:year,5y,10y", "prefix:4,3", "any"}) {
      auto h = Hierarchy::parse(spec);
      auto made = ladder(table.columns[ladders.size()], *std::move(h));
      ladders.push_back(*std::move(made));
    }
  }
};
const std::function<bool()> kNever = [] { return false; };

// Every node, one after the other, on plain rows: whether it meets the target, and what it loses.
std::optional<double> plain_best(const Setting& s, const Rows& rows, const Target& target) {
  std::optional<double> best;
  const std::size_t n = rows.size();
  for (std::uint8_t a = 0; a < s.ladders[0].levels.size(); ++a)
    for (std::uint8_t b = 0; b < s.ladders[1].levels.size(); ++b)
      for (std::uint8_t c = 0; c < s.ladders[2].levels.size(); ++c) {
        const std::uint8_t at[] = {a, b, c};
        Rows made = rows;
        std::vector<double> cells(n, 0);
        for (std::size_t q = 0; q < 3; ++q) {
          std::map<std::string, std::set<std::string>> covers;
          std::set<std::string> all;
          for (Row& row : made) {
            const std::string was = row[q];
            row[q] = s.ladders[q].hierarchy.apply(at[q], was);
            covers[row[q]].insert(was);
            all.insert(was);
          }
          for (std::size_t i = 0; i < n; ++i)
            cells[i] += all.size() < 2 ? 0 : static_cast<double>(covers[made[i][q]].size() - 1) / static_cast<double>(all.size() - 1) / 3;
        }
        const Plain plain(made, s.quasi);
        std::size_t lost = 0;
        double loss = 0;
        Rows kept;
        std::vector<std::vector<std::size_t>> good;
        const auto holds = [&](const Rows& reference, const std::vector<std::size_t>& in) {
          for (const std::size_t column : s.sensitive) {
            std::set<std::string> values;
            for (const std::size_t i : in) values.insert(reference[i][column]);
            if (values.size() < target.distinct_l) return false;
            if (target.entropy_l > 1 && plain_entropy_l(reference, in, column) < target.entropy_l - 1e-9) return false;
            const double t = column == 3 ? plain_equal_distance(reference, in, column) : plain_ordered_distance(reference, in, column);
            if (target.t && t > *target.t + 1e-9) return false;
          }
          return true;
        };
        for (const auto& [key, in] : plain.classes) {
          if (in.size() < target.k || (target.asks_values() && !holds(made, in))) {
            lost += in.size();
            loss += static_cast<double>(in.size());
            continue;
          }
          good.emplace_back();
          for (const std::size_t i : in) {
            loss += cells[i];
            good.back().push_back(kept.size());
            kept.push_back(made[i]);
          }
        }
        if (static_cast<double>(lost) > target.suppress * static_cast<double>(n) || lost == n) continue;
        if (target.asks_values() && !std::all_of(good.begin(), good.end(), [&](const auto& in) { return holds(kept, in); })) continue;
        loss /= static_cast<double>(n);
        if (!best || loss < *best) best = loss;
      }
  return best;
}

TEST(Search, FindsWhatLookingEverywhereFinds) {
  const Target targets[] = {{.k = 2},
                            {.k = 11},
                            {.k = 5, .suppress = 0.1},
                            {.k = 3, .distinct_l = 2},
                            {.k = 3, .distinct_l = 3, .suppress = 0.05},
                            {.k = 2, .entropy_l = 2.2, .suppress = 0.1},
                            {.k = 2, .t = 0.3},
                            {.k = 2, .t = 0.25, .suppress = 0.1},
                            {.k = 150},
                            {.k = 5000},
                            {.distinct_l = 50}};
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    const Rows rows = people(seed, 160);
    const Setting s(rows);
    for (const Target& target : targets) {
      const Found found = search(s.table, s.ladders, s.quasi, s.sensitive, target, kNever);
      const auto best = plain_best(s, rows, target);
      ASSERT_EQ(found.met, best.has_value()) << seed << " k " << target.k;
      EXPECT_TRUE(found.optimal);
      if (!best) continue;
      EXPECT_NEAR(found.loss, *best, 1e-9) << seed << " k " << target.k;
      const Table made = generalized(s.table, s.ladders, s.quasi, found.levels, found.kept);
      EXPECT_EQ(made.rows + found.suppressed, rows.size());
      const Measures m = measure(made, classes_of(made, s.quasi), s.sensitive);
      EXPECT_GE(m.k, target.k);
      for (const AttributeMeasures& a : m.attributes) {
        EXPECT_GE(a.distinct_l, target.distinct_l);
        EXPECT_GE(a.entropy_l, target.entropy_l - 1e-9);
        if (target.t) EXPECT_LE(a.t, *target.t + 1e-9);
      }
    }
  }
}
TEST(Search, CoarserNeverRaisesTheProsecutorsRisk) {
  const Setting s(people(9, 500));
  SeededRandom random(1);
  for (int i = 0; i < 200; ++i) {
    std::vector<std::uint8_t> low, high;
    for (const Ladder& l : s.ladders) {
      low.push_back(static_cast<std::uint8_t>(random.next() % l.levels.size()));
      high.push_back(static_cast<std::uint8_t>(low.back() + random.next() % (l.levels.size() - low.back())));
    }
    const Table a = generalized(s.table, s.ladders, s.quasi, low, {}), b = generalized(s.table, s.ladders, s.quasi, high, {});
    const Measures fine = measure(a, classes_of(a, s.quasi), s.sensitive), coarse = measure(b, classes_of(b, s.quasi), s.sensitive);
    EXPECT_GE(coarse.k, fine.k);
    EXPECT_LE(coarse.prosecutor.mean, fine.prosecutor.mean);
    EXPECT_LE(coarse.unique_rows, fine.unique_rows);
    for (std::size_t x = 0; x < coarse.attributes.size(); ++x) {
      EXPECT_GE(coarse.attributes[x].distinct_l, fine.attributes[x].distinct_l);
      EXPECT_GE(coarse.attributes[x].entropy_l, fine.attributes[x].entropy_l - 1e-9);
      EXPECT_LE(coarse.attributes[x].t, fine.attributes[x].t + 1e-9);
    }
    for (std::size_t q = 0; q < low.size(); ++q) EXPECT_LE(s.ladders[q].levels[low[q]].mean, s.ladders[q].levels[high[q]].mean + 1e-12);
  }
}
TEST(Search, StoppedItSaysThatItIsNotProven) {
  const Setting s(people(2, 400));
  const Found found = search(s.table, s.ladders, s.quasi, s.sensitive, {.k = 5, .suppress = 0.05}, [] { return true; });
  EXPECT_FALSE(found.optimal);
  EXPECT_LE(found.bound, found.met ? found.loss : 1);
}

// ---- linkage ----

TEST(Linkage, JaroWinkler) {  // values of Winkler 1994
  EXPECT_NEAR(jaro_winkler("martha", "marhta"), 0.9611, 1e-4);
  EXPECT_NEAR(jaro_winkler("dwayne", "duane"), 0.84, 1e-4);
  EXPECT_NEAR(jaro_winkler("dixon", "dicksonx"), 0.8133, 1e-4);
  EXPECT_EQ(jaro_winkler("abc", "xyz"), 0);
  EXPECT_EQ(jaro_winkler("", ""), 0);
  EXPECT_EQ(folded_name("O'Neil, Mary-Ann"), "ann mary oneil");
}
TEST(Linkage, ParsesWhatIsCompared) {
  auto all = parse_matches("birth=dob~3d,zip^3,sex,name=full~0.92");
  ASSERT_TRUE(all);
  EXPECT_EQ((*all)[0].other, "dob");
  EXPECT_EQ((*all)[0].how, Match::How::days);
  EXPECT_EQ((*all)[1].how, Match::How::prefix);
  EXPECT_TRUE((*all)[2].exact());
  EXPECT_EQ((*all)[3].amount, 0.92);
  for (const char* wrong : {"a~", "a~-1d", "a^0", "a~1.5", "=b", "~3d"}) EXPECT_FALSE(parse_matches(wrong)) << wrong;
}

// All pairs, one after the other.
LinkageResult plain_linkage(const Rows& rows, const Rows& others, const std::vector<Match>& matches,
                            const std::vector<std::size_t>& columns) {
  LinkageResult out{.rows = rows.size(), .others = others.size(), .truth = true};
  const auto fit = [&](const Row& a, const Row& b) {
    for (std::size_t i = 0; i < matches.size(); ++i) {
      const std::string &x = a[columns[i]], &y = b[columns[i]];
      if (x.empty() || y.empty()) return false;
      if (matches[i].how == Match::How::equal && x != y) return false;
      if (matches[i].how == Match::How::prefix &&
          x.substr(0, static_cast<std::size_t>(matches[i].amount)) != y.substr(0, static_cast<std::size_t>(matches[i].amount)))
        return false;
      if (matches[i].how == Match::How::days && std::abs(static_cast<double>(*serial_of(x) - *serial_of(y))) > matches[i].amount)
        return false;
      if (matches[i].how == Match::How::similar && jaro_winkler(folded_name(x), folded_name(y)) < matches[i].amount) return false;
    }
    return true;
  };
  for (const Row& row : rows) {
    std::size_t found = 0, back = 0;
    bool right = false;
    const Row* last = nullptr;
    for (const Row& other : others) {
      if (!fit(row, other)) continue;
      ++found;
      last = &other;
      right = right || row.back() == other.back();
    }
    if (found == 1)
      for (const Row& again : rows) back += fit(again, *last) ? 1 : 0;
    if (found == 0) continue;
    ++(found == 1 ? out.unique : out.ambiguous);
    if (found == 1 && back == 1) ++out.one_to_one;
    out.expected_right += 1.0 / static_cast<double>(found);
    if (right) ++(found == 1 ? out.right_unique : out.right_ambiguous);
  }
  return out;
}

TEST(Linkage, EqualsTryingAllPairs) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    SeededRandom random(seed);
    Rows rows = people(seed, 160), others;
    const std::vector<std::string> names{"birth", "zip", "sex", "name", "id"};
    constexpr const char* kFirst[] = {"Mary", "Maria", "Marie", "John", "Jon", "Ann", "Anna", "Li"};
    constexpr const char* kLast[] = {"Garcia", "Garzia", "Smith", "Smyth", "Nguyen", "Okafor"};
    std::size_t id = 0;
    for (Row& row : rows) {
      row[0] = "19" + std::to_string(80 + random.next() % 2) + row[0].substr(4);
      row[3] = std::string(kFirst[random.next() % 8]) + " " + kLast[random.next() % 6];
      row[4] = "p" + std::to_string(id++);
      if (random.next() % 3 == 0) continue;
      others.push_back(row);
      if (random.next() % 4 == 0) others.back()[3] = kLast[random.next() % 6];
      if (random.next() % 4 == 0) others.back()[0] = "1980-01-0" + std::to_string(1 + random.next() % 9);
      if (random.next() % 20 == 0) others.back()[1] = "";
    }
    const Table table = table_of(names, rows);
    for (const char* how :
         {"zip,sex", "birth,zip,sex", "birth~3d,sex", "birth~20d,zip^4", "name~0.9,sex", "birth~40d,name~0.85", "sex,birth~5d,name~0.8"}) {
      auto parsed = parse_matches(how);
      ASSERT_TRUE(parsed);
      const std::vector<Match> matches = *std::move(parsed);
      std::vector<std::size_t> columns;
      for (const Match& m : matches)
        columns.push_back(static_cast<std::size_t>(std::find(names.begin(), names.end(), m.column) - names.begin()));
      Linkage attack(table, columns, matches, 4);
      for (const Row& other : others) {
        std::vector<std::string_view> fields;
        for (const std::size_t c : columns) fields.push_back(other[c]);
        attack.add(fields, other[4]);
      }
      const LinkageResult fast = attack.result(), slow = plain_linkage(rows, others, matches, columns);
      EXPECT_EQ(fast.unique, slow.unique) << how;
      EXPECT_EQ(fast.ambiguous, slow.ambiguous) << how;
      EXPECT_EQ(fast.one_to_one, slow.one_to_one) << how;
      EXPECT_NEAR(fast.expected_right, slow.expected_right, 1e-9) << how;
      EXPECT_EQ(fast.right_unique, slow.right_unique) << how;
      EXPECT_EQ(fast.right_ambiguous, slow.right_ambiguous) << how;
      EXPECT_EQ(attack.pairs().size(), fast.unique) << how;
    }
  }
}

TEST(Siphash, KnownAnswer) {  // the reference implementation's vectors: key 00…0f, input 00 01 02 …
  const SipKey key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  EXPECT_EQ(siphash("", key), (Hash128{0xe6a825ba047f81a3ULL, 0x930255c71472f66dULL}));
  EXPECT_EQ(siphash(std::string_view("\0", 1), key), (Hash128{0x44af996bd8c187daULL, 0x45fc229b11597634ULL}));
}

}  // namespace
}  // namespace licet::deid::risk
