// licet coverage: which paragraphs of the law the packs ask about, and, with a declaration, how each of them stands.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/config.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "epoch/load.h"
#include "proof/reports.h"

namespace licet::cli {
namespace {

struct CoverageArgs {
  std::string stack;
  std::string packs = default_packs();
  std::string format = "text";
  std::string as_of;
};

using Row = proof::CoverageRow;

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
    std::string counted;
    for (const auto& [status, n] : r.counts) counted += fmt::format("{}{} {}", counted.empty() ? "" : ", ", n, status);
    table.push_back(
        {r.citation.cite, r.citation.level, r.citation.title, counted.empty() ? "-" : counted,
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
  c->footer(
      "Exit: 0 every paragraph is asked about, 1 some is not, 2 could not load.\n\n"
      "  licet coverage\n  licet coverage examples/riverbend\n  licet coverage examples/riverbend --format json");
  c->callback([args, &run] { run = [args] { return coverage(*args); }; });
}

}  // namespace licet::cli
