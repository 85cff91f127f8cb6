#include "deid/risk/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/html.h"

namespace licet::deid::risk {
namespace {

using json = nlohmann::ordered_json;

json exposure(const Exposure& e) {
  return {{"max", e.most}, {"mean", e.mean}};
}

json measures_json(const Measures& m, double threshold, const std::optional<PopulationEstimate>& estimate, std::uint64_t population_size) {
  json out{{"rows", m.rows}, {"classes", m.classes}, {"k", m.k}, {"unique_rows", m.unique_rows}};
  out["prosecutor"] = exposure(m.prosecutor);
  out["prosecutor"]["rows_above_threshold"] = m.at_risk(threshold);
  if (m.population) {
    const PopulationMeasures& p = *m.population;
    out["journalist"] = exposure(p.journalist);
    out["journalist"]["from"] = "population table";
    out["journalist"]["rows_above_threshold"] = m.at_journalist_risk(threshold);
    out["marketer"] = {{"mean", p.marketer}};
    out["population_unique_rows"] = p.unique_rows;
    out["rows_of_classes_larger_than_in_population"] = p.lacking_rows;
  } else if (estimate) {
    out["journalist"] = exposure(estimate->journalist);
    out["journalist"]["from"] = "estimate";
    out["marketer"] = {{"mean", estimate->journalist.mean}};
    out["population"] = {{"size", population_size},
                         {"pitman",
                          {{"theta", std::isfinite(estimate->pitman_theta) ? json(estimate->pitman_theta) : json(nullptr)},
                           {"alpha", estimate->pitman_alpha},
                           {"unique_rows", estimate->pitman_unique_rows}}},
                         {"poisson", {{"unique_rows", estimate->poisson_unique_rows}}}};
  }
  json sizes = json::array();
  for (const auto& [size, classes] : m.sizes) sizes.push_back({size, classes});
  out["class_sizes"] = std::move(sizes);
  json attributes = json::array();
  for (const AttributeMeasures& a : m.attributes)
    attributes.push_back({{"name", a.name},
                          {"values", a.values},
                          {"distance", a.ordered ? "ordered" : "equal"},
                          {"distinct_l", a.distinct_l},
                          {"entropy_l", a.entropy_l},
                          {"t", a.t},
                          {"rows_in_classes_of_one_value", a.told_rows}});
  out["sensitive"] = std::move(attributes);
  return out;
}

json input_json(const Report::Input& i) {
  return {{"role", i.role}, {"file", i.file}, {"bytes", i.bytes}, {"rows", i.rows}, {"sha256", i.sha256}};
}

std::string count(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  std::string out = "<table><thead><tr>";
  for (const std::string& cell : head) out += "<th scope=\"col\">" + html_escaped(cell) + "</th>";
  out += "</tr></thead><tbody>";
  for (const auto& row : rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      out += i == 0 ? "<th scope=\"row\">" + html_escaped(row[i]) + "</th>" : "<td>" + html_escaped(row[i]) + "</td>";
    out += "</tr>";
  }
  return out + "</tbody></table>\n";
}

// ---- plots: black and gray, so that they survive a printer ----

constexpr double kWidth = 680, kHeight = 240, kLeft = 56, kRight = 12, kTop = 12, kBottom = 44;

struct Frame {
  double x_least, x_most, y_most;
  [[nodiscard]] double x(double v) const { return kLeft + (v - x_least) / (x_most - x_least) * (kWidth - kLeft - kRight); }
  [[nodiscard]] double y(double v) const { return kHeight - kBottom - v / y_most * (kHeight - kTop - kBottom); }
};

std::string open_svg(std::string_view title, std::string_view x_label, const Frame& f, std::string_view y_format) {
  std::string out = fmt::format("<figure><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\"><title>{}</title>\n", kWidth, kHeight,
                                html_escaped(title), html_escaped(title));
  for (int i = 0; i <= 4; ++i) {
    const double v = f.y_most * i / 4, y = f.y(v);
    out += fmt::format("<line x1=\"{}\" y1=\"{:.1f}\" x2=\"{}\" y2=\"{:.1f}\" class=\"grid\"/><text x=\"{}\" y=\"{:.1f}\" class=\"y\">",
                       kLeft, y, kWidth - kRight, y, kLeft - 6, y + 4);
    out += (y_format == "%" ? fmt::format("{:.3g} %", v * 100) : fmt::format("{:.3g}", v)) + "</text>\n";
  }
  out += fmt::format("<text x=\"{}\" y=\"{}\" class=\"x\">{}</text>\n", (kLeft + kWidth - kRight) / 2, kHeight - 6, html_escaped(x_label));
  return out;
}
std::string close_svg(std::string_view caption) {
  return "</svg><figcaption>" + std::string(caption) + "</figcaption></figure>\n";
}

// Rows by the size of their class: before as bars, after as an outline.
std::string sizes_plot(const Measures& before, const Measures* after) {
  struct Bin {
    std::uint64_t from, to;
  };
  constexpr Bin bins[] = {{1, 1}, {2, 2}, {3, 4}, {5, 10}, {11, 19}, {20, 49}, {50, 99}, {100, 999}, {1000, UINT64_MAX}};
  constexpr std::size_t n = std::size(bins);
  const auto shares = [&](const Measures& m) {
    std::vector<double> out(n, 0);
    for (const auto& [size, classes] : m.sizes)
      for (std::size_t i = 0; i < n; ++i)
        if (size >= bins[i].from && size <= bins[i].to)
          out[i] += static_cast<double>(size * classes) / static_cast<double>(std::max<std::uint64_t>(1, m.rows));
    return out;
  };
  const std::vector<double> b = shares(before), a = after != nullptr ? shares(*after) : std::vector<double>(n, 0);
  const double most = std::max({*std::max_element(b.begin(), b.end()), *std::max_element(a.begin(), a.end()), 0.01});
  const Frame f{0, n, most};
  std::string out = open_svg("Rows by the size of their class", "rows in the class", f, "%");
  for (std::size_t i = 0; i < n; ++i) {
    const auto at = static_cast<double>(i);
    const double half = after != nullptr ? 0.4 : 0.8;
    out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"before\"/>", f.x(at + 0.1), f.y(b[i]),
                       f.x(half) - f.x(0), f.y(0) - f.y(b[i]));
    if (after != nullptr)
      out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"after\"/>", f.x(at + 0.5), f.y(a[i]),
                         f.x(half) - f.x(0), f.y(0) - f.y(a[i]));
    const std::string label = bins[i].from == bins[i].to ? std::to_string(bins[i].from)
                              : bins[i].to == UINT64_MAX ? std::to_string(bins[i].from) + " and more"
                                                         : fmt::format("{}-{}", bins[i].from, bins[i].to);
    out += fmt::format("<text x=\"{:.1f}\" y=\"{}\" class=\"x\">{}</text>\n", f.x(at + 0.5), kHeight - kBottom + 16, label);
  }
  return out + close_svg(after != nullptr ? "Share of rows by the size of their class: filled as it is, outlined as generalized."
                                          : "Share of rows by the size of their class.");
}

// Rows whose prosecutor's risk is above each threshold.
std::string threshold_plot(const Measures& before, const Measures* after, double threshold) {
  const auto share = [](const Measures& m, double t) {
    return static_cast<double>(m.at_risk(t)) / static_cast<double>(std::max<std::uint64_t>(1, m.rows));
  };
  double most = 0.01;
  for (int i = 0; i <= 100; ++i) most = std::max({most, share(before, i / 100.0), after != nullptr ? share(*after, i / 100.0) : 0});
  const Frame f{0, 1, most};
  std::string out = open_svg("Rows above a risk", "risk of a row to a prosecutor", f, "%");
  const auto line = [&](const Measures& m, std::string_view style) {
    std::string points;
    double last = -1;
    for (int i = 0; i <= 400; ++i) {
      const double t = i / 400.0, y = share(m, t);
      if (last >= 0 && y != last) points += fmt::format("{:.1f},{:.1f} ", f.x(t), f.y(last));
      if (y != last || i == 400) points += fmt::format("{:.1f},{:.1f} ", f.x(t), f.y(y));
      last = y;
    }
    return fmt::format("<polyline points=\"{}\" class=\"{}\"/>\n", points, style);
  };
  out += line(before, "line");
  if (after != nullptr) out += line(*after, "line dashed");
  out += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" class=\"mark\"/>", f.x(threshold), kTop, kHeight - kBottom);
  for (int i = 0; i <= 10; i += 2)
    out += fmt::format("<text x=\"{:.1f}\" y=\"{}\" class=\"x\">{:.1f}</text>", f.x(i / 10.0), kHeight - kBottom + 16, i / 10.0);
  return out + close_svg(fmt::format("Share of rows whose risk is above a threshold{}; the vertical line is the threshold asked, {}.",
                                     after != nullptr ? ": solid as it is, dashed as generalized" : "", threshold));
}

// What the search checked, in order: met (dot at its loss) or not (cross at the top), and the best so far.
std::string search_plot(const Found& found) {
  const std::size_t n = found.checks.size();
  const Frame f{0, static_cast<double>(std::max<std::size_t>(1, n)), 1};
  std::string out = open_svg("What the search checked", "check", f, "");
  double best = 1;
  std::string line;
  const std::size_t step = std::max<std::size_t>(1, n / 1500);  // a plot, not a log: JSON has them all
  for (std::size_t i = 0; i < n; ++i) {
    const Check& c = found.checks[i];
    const double x = f.x(static_cast<double>(i) + 0.5), y = f.y(c.loss);
    const bool better = c.met && c.loss < best;
    if (c.met && (better || i % step == 0)) out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\" class=\"dot\"/>", x, y);
    if (!c.met && i % step == 0) out += fmt::format("<path d=\"M{0:.1f} {1:.1f}l4 4m0 -4l-4 4\" class=\"cross\"/>", x - 2, f.y(1) - 2);
    if (better) {
      line += fmt::format("{:.1f},{:.1f} {:.1f},{:.1f} ", x, f.y(best), x, y);
      best = c.loss;
    }
  }
  if (!line.empty())
    out += fmt::format("<polyline points=\"{}{:.1f},{:.1f}\" class=\"line\"/>", line, f.x(static_cast<double>(n)), f.y(best));
  out += fmt::format("<text x=\"{:.1f}\" y=\"{}\" class=\"x\">1</text><text x=\"{}\" y=\"{}\" class=\"x\">{}</text>", f.x(0.5),
                     kHeight - kBottom + 16, kWidth - kRight - 10, kHeight - kBottom + 16, n);
  return out + close_svg(
                   "Loss of each generalization that was checked, in order: a dot where it meets the target, a cross where it does not; "
                   "the line is the "
                   "best so far.");
}

std::vector<std::vector<std::string>> risk_rows(const Report& r) {
  const auto column = [&](const Measures& m, const std::optional<PopulationEstimate>& e) {
    std::vector<std::string> out{
        count(m.rows),
        count(m.classes),
        count(m.k),
        fmt::format("{} ({})", count(m.unique_rows),
                    percent(static_cast<double>(m.unique_rows) / static_cast<double>(std::max<std::uint64_t>(1, m.rows)))),
        fmt::format("max {:.4g}, mean {:.4g}", m.prosecutor.most, m.prosecutor.mean),
        fmt::format("{} ({})", count(m.at_risk(r.threshold)),
                    percent(static_cast<double>(m.at_risk(r.threshold)) / static_cast<double>(std::max<std::uint64_t>(1, m.rows))))};
    if (m.population) {
      out.push_back(
          fmt::format("max {:.4g}, mean {:.4g} (population table)", m.population->journalist.most, m.population->journalist.mean));
      out.push_back(fmt::format("mean {:.4g}", m.population->marketer));
      out.push_back(fmt::format("{} rows are unique in the table too", count(m.population->unique_rows)));
    } else if (e) {
      out.push_back(fmt::format("max {:.4g}, mean {:.4g} (estimate, Poisson)", e->journalist.most, e->journalist.mean));
      out.push_back(fmt::format("mean {:.4g} (estimate, Poisson)", e->journalist.mean));
      out.push_back(
          fmt::format("{:.0f} rows by Pitman's model, {:.0f} by the Poisson model", e->pitman_unique_rows, e->poisson_unique_rows));
    } else {
      out.insert(out.end(), {"not assessed: at most the prosecutor's", "not assessed: at most the prosecutor's mean",
                             "not assessed: at most the unique rows"});
    }
    return out;
  };
  const std::vector<std::string> names{"rows",
                                       "classes",
                                       "k (smallest class)",
                                       "unique rows",
                                       "prosecutor risk",
                                       fmt::format("rows with a prosecutor risk above {}", r.threshold),
                                       "journalist risk",
                                       "marketer risk",
                                       "unique in the population"};
  const auto before = column(r.before, r.estimate);
  const auto after = r.after ? column(*r.after, r.estimate_after) : std::vector<std::string>();
  std::vector<std::vector<std::string>> out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    out.push_back({names[i], before[i]});
    if (r.after) out.back().push_back(after[i]);
  }
  return out;
}

constexpr std::string_view kStyle = R"(
body{font:15px/1.5 Georgia,serif;color:#111;background:#fff;max-width:48rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:1.8rem 0 .4rem}.soft,figcaption{color:#555}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.4rem 0}th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #ccc}td:last-child{overflow-wrap:anywhere}
thead th{border-bottom:2px solid #111}tbody th{font-weight:400}.notice{border:1px solid #111;padding:.6rem 1rem}code{font-size:.85em;overflow-wrap:anywhere}
figure{margin:1rem 0}svg{width:100%;height:auto}figcaption{font-size:.85rem}
.grid{stroke:#ddd}.mark{stroke:#111;stroke-dasharray:2 3}.before{fill:#555}.after{fill:#fff;stroke:#111}.line{fill:none;stroke:#111;stroke-width:1.5}.dashed{stroke-dasharray:6 4}
.dot{fill:#111}.cross{stroke:#999;fill:none}text{font:11px sans-serif;fill:#111}.x{text-anchor:middle}.y{text-anchor:end}
.sign{display:grid;grid-template-columns:1fr 1fr;gap:2.2rem 2rem;margin-top:2rem}.sign div{border-top:1px solid #111;padding-top:.2rem;font-size:.85rem}.sign .wide{grid-column:1/3;border:1px solid #111;min-height:6rem;padding:.4rem}
@media print{body{margin:0;max-width:none;font-size:11px}h2{break-after:avoid}figure,tr,.sign{break-inside:avoid}@page{margin:18mm}}
)";

}  // namespace

std::string percent(double share) {
  if (share <= 0) return "0 %";
  if (share < 0.0001) return "under 0.01 %";
  if (share < 1 && share > 0.9999) return "over 99.99 %";
  return fmt::format("{:.2f} %", share * 100);
}

bool meets(const Measures& m, const Target& target) {
  if (m.rows == 0 || m.k < target.k) return false;
  return std::all_of(m.attributes.begin(), m.attributes.end(), [&](const AttributeMeasures& a) {
    return a.distinct_l >= target.distinct_l && (target.entropy_l <= 1 || a.entropy_l >= target.entropy_l - 1e-9) &&
           (!target.t || a.t <= *target.t + 1e-9);
  });
}

std::string say(const Target& target) {
  std::string out = fmt::format("k ≥ {}", target.k);
  if (target.distinct_l > 1) out += fmt::format(", distinct l ≥ {}", target.distinct_l);
  if (target.entropy_l > 1) out += fmt::format(", entropy l ≥ {}", target.entropy_l);
  if (target.t) out += fmt::format(", t ≤ {}", *target.t);
  return out + fmt::format(", at most {} of rows suppressed", percent(target.suppress));
}

std::vector<std::string> assumptions(const Report& r) {
  std::vector<std::string> out{
      "The attacker knows, of a person, the columns named as quasi-identifiers, exactly as the file has them, and no other.",
      "One row is one person. Where a person has several rows, k counts rows, and the risk is understated.",
      "An empty value is a value like another.", "Prosecutor: the attacker knows that the person is in the data."};
  if (!r.not_considered.empty())
    out.emplace_back("The other columns were not considered. If one of them can be known to an attacker, the risk is understated.");
  if (r.before.population)
    out.emplace_back(
        "The population table holds everybody whom the data may be of, in the same form; classes that it holds fewer of than the data are "
        "counted as the data has them.");
  if (r.estimate)
    out.emplace_back(
        "Estimates for the population: the data are a simple random sample of it. Pitman: class sizes follow Pitman's two-parameter "
        "sampling formula "
        "(Hoshino 2001), fitted by maximum likelihood. Poisson: sizes in the population, given those in the sample, are negative binomial "
        "(Benedetti and Franconi 1998). The two may differ widely; neither is an upper bound.");
  if (!r.before.attributes.empty())
    out.emplace_back(
        "t is the distance between a class and all rows of the same file: equal distances between categories, distances in rank between "
        "numbers.");
  if (!r.attacks.empty())
    out.emplace_back(
        "A row counts as found uniquely where one row of the other file fits it. Without a truth column nobody knows whether that is the "
        "same person. "
        "Other files, and other ways of comparing, may find more.");
  if (r.found)
    out.emplace_back(
        "The search changes whole columns alike (full-domain generalization) and leaves out whole rows. Its loss is Iyengar's metric over "
        "the values that occur; "
        "what a loss means for a use of the data is not assessed.");
  if (r.streamed) out.push_back("The file was larger than the memory allowed: classes were told apart by a keyed hash of 128 bits.");
  return out;
}

std::string report_json(const Report& r) {
  json out{{"format", 1}, {"program", r.program}, {"made", r.made}, {"command", r.command}, {"notice", kNotice}};
  for (const Report::Input& i : r.inputs) out["inputs"].push_back(input_json(i));
  for (const Report::Quasi& q : r.quasi) {
    json one{{"name", q.name}};
    if (q.values > 0) one["values"] = q.values;
    if (!q.hierarchy.empty()) one["hierarchy"] = q.hierarchy, one["guessed"] = q.guessed, one["levels"] = q.labels;
    out["quasi_identifiers"].push_back(std::move(one));
  }
  out["sensitive"] = r.sensitive;
  out["not_considered"] = r.not_considered;
  out["threshold"] = r.threshold;
  out["streamed"] = r.streamed;
  out["as_is"] = measures_json(r.before, r.threshold, r.estimate, r.population_size);
  for (const Report::Attack& a : r.attacks) {
    const LinkageResult& l = a.result;
    json one{{"on", a.on},
             {"compared", a.how},
             {"rows", l.rows},
             {"other_rows", l.others},
             {"found_uniquely", l.unique},
             {"one_to_one", l.one_to_one},
             {"found_ambiguously", l.ambiguous},
             {"expected_right", l.expected_right},
             {"other_rows_not_compared_in_full", l.cut}};
    if (l.truth) one["right"] = {{"unique", l.right_unique}, {"among_ambiguous", l.right_ambiguous}};
    out["linkage"].push_back(std::move(one));
  }
  if (r.target) {
    const Target& t = *r.target;
    out["target"] = {{"k", t.k}, {"suppress", t.suppress}, {"met_as_is", r.met_as_is}};
    if (t.distinct_l > 1) out["target"]["distinct_l"] = t.distinct_l;
    if (t.entropy_l > 1) out["target"]["entropy_l"] = t.entropy_l;
    if (t.t) out["target"]["t"] = *t.t;
  }
  if (r.found) {
    const Found& f = *r.found;
    json search{{"met", f.met}, {"optimal", f.optimal}, {"nodes", f.nodes}, {"checks", f.checks.size()}, {"passed_over", f.passed_over}};
    if (f.met) {
      search["loss"] = f.loss;
      search["lower_bound"] = f.bound;
      search["suppressed_rows"] = f.suppressed;
      for (std::size_t i = 0; i < f.levels.size(); ++i)
        search["levels"].push_back({{"column", r.quasi[i].name}, {"level", f.levels[i]}, {"is", r.quasi[i].labels[f.levels[i]]}});
    }
    for (const Check& c : f.checks) {
      json one{{"levels", c.levels}, {"met", c.met}, {"classes", c.classes}};
      if (c.met) one["loss"] = c.loss, one["suppressed"] = c.suppressed;
      search["trace"].push_back(std::move(one));
    }
    out["search"] = std::move(search);
  }
  if (r.after) out["generalized"] = measures_json(*r.after, r.threshold, r.estimate_after, r.population_size);
  if (r.output) out["output"] = input_json(*r.output);
  return out.dump(1) + "\n";
}

std::string report_html(const Report& r) {
  const Measures* after = r.after ? &*r.after : nullptr;
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<title>Re-identification risk</title><style>" +
      std::string(kStyle) + "</style></head><body>\n";
  out += "<h1>Re-identification risk</h1>\n<p class=\"soft\">" + html_escaped(r.made) + ", " + html_escaped(r.program) + "</p>\n";
  out += "<p class=\"notice\">" + html_escaped(kNotice) + "</p>\n";

  out += "<h2>What was measured</h2>\n";
  std::vector<std::vector<std::string>> rows;
  for (const Report::Input& i : r.inputs) rows.push_back({i.role, i.file, count(i.rows), count(i.bytes), i.sha256});
  if (r.output) rows.push_back({r.output->role, r.output->file, count(r.output->rows), count(r.output->bytes), r.output->sha256});
  out += table({"input", "file", "rows", "bytes", "SHA-256"}, rows);
  rows.clear();
  for (const Report::Quasi& q : r.quasi)
    rows.push_back({q.name, "quasi-identifier", q.values > 0 ? count(q.values) : "", q.hierarchy + (q.guessed ? " (guessed)" : "")});
  for (const std::string& s : r.sensitive) {
    const auto a =
        std::find_if(r.before.attributes.begin(), r.before.attributes.end(), [&](const AttributeMeasures& m) { return m.name == s; });
    rows.push_back({s, "sensitive", a == r.before.attributes.end() ? "" : count(a->values), ""});
  }
  out += table({"column", "taken as", "different values", "hierarchy"}, rows);
  if (!r.not_considered.empty()) {
    out += "<p>Not considered:";
    for (const std::string& name : r.not_considered) out += " <code>" + html_escaped(name) + "</code>";
    out += "</p>\n";
  }
  out += "<p>Asked: <code>" + html_escaped(r.command) + "</code></p>\n";

  out += "<h2>Risk</h2>\n";
  std::vector<std::string> head{"measure", "as it is"};
  if (after != nullptr) head.emplace_back("as generalized");
  out += table(head, risk_rows(r));
  out += sizes_plot(r.before, after) + threshold_plot(r.before, after, r.threshold);

  if (!r.before.attributes.empty()) {
    out += "<h2>What a class tells of its people</h2>\n";
    rows.clear();
    const auto add = [&](const Measures& m, std::string_view when) {
      for (const AttributeMeasures& a : m.attributes)
        rows.push_back({a.name, std::string(when), count(a.distinct_l), fmt::format("{:.3g}", a.entropy_l),
                        fmt::format("{:.3g} ({})", a.t, a.ordered ? "ordered" : "equal distance"), count(a.told_rows)});
    };
    add(r.before, "as it is");
    if (after != nullptr) add(*after, "as generalized");
    out += table({"sensitive column", "", "distinct l", "entropy l", "t", "rows in classes of one value"}, rows);
  }
  if (!r.attacks.empty()) {
    out += "<h2>Linkage attack</h2>\n";
    rows.clear();
    for (const Report::Attack& a : r.attacks) {
      const LinkageResult& l = a.result;
      const auto share = [&](std::uint64_t n) {
        return fmt::format("{} ({})", count(n), percent(static_cast<double>(n) / static_cast<double>(std::max<std::uint64_t>(1, l.rows))));
      };
      rows.push_back({a.on, a.how, share(l.unique), share(l.one_to_one), share(l.ambiguous),
                      l.truth ? fmt::format("{} of {} unique", count(l.right_unique), count(l.unique)) : "not known",
                      fmt::format("{:.1f}", l.expected_right)});
    }
    out +=
        table({"attack on", "compared", "found uniquely", "one to one", "found among several", "right", "expected right if there"}, rows);
  }
  if (r.target) {
    out += "<h2>Generalization</h2>\n<p>Target: " + html_escaped(say(*r.target)) + ". " +
           (r.met_as_is ? "The data meet it as they are." : "The data do not meet it as they are.") + "</p>\n";
    if (r.found) {
      const Found& f = *r.found;
      if (f.met) {
        rows.clear();
        for (std::size_t i = 0; i < f.levels.size(); ++i) {
          std::string all;
          for (const std::string& label : r.quasi[i].labels) all += (all.empty() ? "" : " · ") + label;
          rows.push_back({r.quasi[i].name, r.quasi[i].labels[f.levels[i]], all});
        }
        out += table({"column", "becomes", "steps"}, rows);
        out += fmt::format("<p>Loss {:.4f} (0: as it is, 1: nothing left), {} rows suppressed. {}</p>\n", f.loss, count(f.suppressed),
                           f.optimal
                               ? "No generalization of these hierarchies that meets the target loses less."
                               : fmt::format("The search was ended by its time limit: a loss down to {:.4f} is not ruled out.", f.bound));
      } else {
        out += f.optimal ? "<p>No generalization of these hierarchies meets the target.</p>\n"
                         : "<p>None was found before the time limit.</p>\n";
      }
      out += fmt::format(
          "<p>{:.0f} combinations of levels; {} were checked, {} were known to fail without a check; the rest were ruled out by their loss "
          "or not reached.</p>\n",
          f.nodes, count(f.checks.size()), count(f.passed_over));
      out += search_plot(f);
    }
  }
  out += "<h2>Method and assumptions</h2>\n<ul>";
  for (const std::string& a : assumptions(r)) out += "<li>" + html_escaped(a) + "</li>";
  out +=
      "</ul>\n<p>Definitions: k-anonymity (Sweeney 2002); l-diversity (Machanavajjhala et al. 2007), distinct and entropy, the latter as "
      "exp of the least entropy; "
      "t-closeness (Li et al. 2007); prosecutor, journalist and marketer risk (El Emam 2013).</p>\n";
  out +=
      "<h2>Determination</h2>\n<p>For the expert. Licet states none.</p>\n<div class=\"sign\"><div class=\"wide\">Determination, its "
      "scope, recipients and period, and the "
      "methods and results that justify it:</div><div>Name</div><div>Qualifications</div><div>Signature</div><div>Date</div></div>\n";
  return out + "</body></html>\n";
}

}  // namespace licet::deid::risk
