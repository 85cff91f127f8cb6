// licet coverage: which paragraphs of the law the packs ask about, and, with a declaration, how each of them stands.

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/config.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "epoch/load.h"
#include "proof/reports.h"
#include "rules/crosswalk.h"

namespace licet::cli {
namespace {

struct CoverageArgs {
  std::string stack;
  std::string packs = default_packs();
  std::string format = "text";
  std::string as_of;
  bool ocr = false;
};

using Row = proof::CoverageRow;
constexpr const char* kOcr = "/crosswalks/ocr-audit-protocol-2016.yaml";
constexpr std::size_t kCrosswalkMost = 1024 * 1024;

std::string counted(const std::map<std::string, std::size_t>& counts) {
  std::string out;
  for (const auto& [status, n] : counts) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, status);
  return out.empty() ? "-" : out;
}

// The audit protocol of HHS's Office for Civil Rights, row by row.
int protocol(const CoverageArgs& args, const std::vector<rules::Pack>& packs, const std::vector<rules::Finding>& findings) {
  const std::string path = args.packs + kOcr;
  auto bytes = store::real_files().read_all(path, kCrosswalkMost);
  if (!bytes) return fail(bytes.error());
  auto walk = rules::load_crosswalk({path, *std::move(bytes), {}});
  if (!walk) return fail(walk.error());
  std::set<std::string_view> known;
  for (const rules::Pack& pack : packs) {
    for (const rules::Requirement& r : pack.requirements) known.insert(r.id);
    for (const auto* queries : {&pack.grounds, &pack.prohibitions})
      for (const rules::Pack::Query& q : *queries) known.insert(q.id);
  }
  std::map<std::string_view, std::map<std::string, std::size_t>> by_rule;
  for (const rules::Finding& f : findings) ++by_rule[f.asked->requirement][std::string(rules::name(f.status))];
  std::size_t outside = 0;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  std::vector<std::vector<std::string>> table;
  for (const rules::Crosswalk::Row& row : walk->rows) {
    std::map<std::string, std::size_t> counts;
    for (const std::string& id : row.by) {
      // Without a declaration every pack is here; with one, those that it names.
      if (args.stack.empty() && !known.contains(id)) return fail(fmt::format("{}:{}: no pack has a rule '{}'", path, row.line, id));
      for (const auto& [status, n] : by_rule[id]) counts[status] += n;
    }
    outside += row.by.empty() ? 1 : 0;
    if (args.format == "json") {
      rows.push_back({{"audit", row.audit},
                      {"section", row.section},
                      {"activity", row.activity},
                      {"by", row.by},
                      {"outside", row.outside},
                      {"findings", counts}});
      continue;
    }
    table.push_back({row.audit, row.section, row.activity, counted(counts),
                     row.by.empty() ? paint(Paint::yellow, "outside: " + row.outside) : fmt::format("{}", fmt::join(row.by, ", "))});
  }
  if (args.format == "json") {
    fmt::print("{}\n", nlohmann::ordered_json{{"id", walk->id}, {"title", walk->title}, {"rows", rows}, {"outside", outside}}.dump(2));
    return kClean;
  }
  print_table({"audit", "section", "key activity", "findings", "looked at by"}, table);
  fmt::print(
      "\n{}: {} of {} rows are looked at, {} are outside, each with its reason. That a row is looked at does not say that an auditor would "
      "be content.\n",
      walk->title, walk->rows.size() - outside, walk->rows.size(), outside);
  return kClean;
}

int coverage(const CoverageArgs& args) {
  store::FileSystem& files = store::real_files();
  std::vector<rules::Pack> packs;
  std::vector<rules::Finding> findings;
  if (args.stack.empty()) {
    auto names = files.list(args.packs);
    if (!names) return fail(names.error());
    std::vector<stack::PackRef> refs;
    for (const std::string& n : *names)
      if (files.exists(args.packs + "/" + n + "/pack.yaml")) refs.push_back({n, ""});
    auto read = epoch::read_packs(files, args.packs, refs, {});
    if (!read) return fail(read.error());
    packs = *std::move(read);
  } else {
    Micros now = SystemClock().now();
    if (!args.as_of.empty()) {
      auto date = parse_date(args.as_of);
      if (!date) return fail(fmt::format("--as-of: {}", date.error().message));
      now = Micros(*date) + std::chrono::hours(12);
    }
    auto world = epoch::assemble({args.stack, args.packs}, {}, now, files);
    if (!world) return fail(world.error());
    if (!world->problems.empty()) {
      for (const stack::Problem& p : world->problems) fmt::print(stderr, "{}\n", p.text());
      return fail("nothing was judged");
    }
    packs = std::move(world->packs);
    findings = std::move(world->judgment.findings);
  }
  if (args.ocr) return protocol(args, packs, findings);
  const std::vector<Row> rows = proof::coverage_rows(packs, findings);
  const auto missing = std::count_if(rows.begin(), rows.end(), [](const Row& r) { return r.requirements.empty(); });
  const int code = missing > 0 ? kNo : kClean;
  if (args.format == "json") {
    nlohmann::ordered_json out = nlohmann::ordered_json::array();
    for (const Row& r : rows)
      out.push_back({{"cite", r.citation.cite},
                     {"level", r.citation.level},
                     {"title", r.citation.title},
                     {"requirements", r.requirements},
                     {"findings", r.counts}});
    fmt::print("{}\n", nlohmann::ordered_json{{"paragraphs", out}, {"without_requirement", missing}}.dump(2));
    return code;
  }
  std::vector<std::vector<std::string>> table;
  for (const Row& r : rows) {
    table.push_back(
        {r.citation.cite, r.citation.level, r.citation.title, counted(r.counts),
         r.requirements.empty() ? paint(Paint::red, "nothing asks about it") : fmt::format("{}", fmt::join(r.requirements, ", "))});
  }
  print_table({"paragraph", "level", "title", "findings", "requirements"}, table);
  fmt::print("\n{} of {} paragraphs are asked about. That a paragraph is asked about does not say that it is met.\n",
             rows.size() - static_cast<std::size_t>(missing), rows.size());
  return code;
}

}  // namespace

void add_coverage(CLI::App& app, Run& run) {
  auto args = std::make_shared<CoverageArgs>();
  CLI::App* c = app.add_subcommand("coverage", "List the law's paragraphs, which requirements ask about each, and how each stands");
  c->add_option("stack", args->stack, "a stack folder: counts its findings too, under the packs that it names");
  c->add_option("--packs", args->packs, "the folder of packs")->capture_default_str();
  c->add_option("--format", args->format, "text or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
  c->add_option("--as-of", args->as_of, "judge as of this date (YYYY-MM-DD)");
  c->add_flag("--ocr", args->ocr, "list the rows of the OCR audit protocol of 2016 instead: which rules look at each, or why none does");
  c->footer(
      "Exit: 0 every paragraph is asked about, 1 some is not, 2 could not load.\n\n"
      "  licet coverage\n  licet coverage examples/riverbend\n  licet coverage examples/riverbend --format json\n  licet coverage "
      "examples/riverbend --ocr");
  c->callback([args, &run] { run = [args] { return coverage(*args); }; });
}

}  // namespace licet::cli
