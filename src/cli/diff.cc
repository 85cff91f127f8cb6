// licet diff A B: who newly may receive what, exactly; care flows that would be cut come first.

#include <algorithm>

#include "cli/config.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "epoch/load.h"

namespace licet::cli {
namespace {

struct DiffArgs {
  std::string before, after;
  std::string packs = default_packs();
  std::string as_of;
};

int diff(const DiffArgs& args) {
  Micros now = SystemClock().now();
  if (!args.as_of.empty()) {
    auto date = parse_date(args.as_of);
    if (!date) return fail(fmt::format("--as-of: {}", date.error().message));
    now = Micros(*date) + std::chrono::hours(12);
  }
  std::vector<epoch::World> worlds;
  for (const std::string& folder : {args.before, args.after}) {
    auto world = epoch::assemble({folder, args.packs}, {}, now, store::real_files());
    if (!world) return fail(world.error());
    if (!world->problems.empty()) {
      for (const stack::Problem& p : world->problems) fmt::print(stderr, "{}: {}\n", folder, p.text());
      return kFailed;
    }
    worlds.push_back(*std::move(world));
  }
  auto changes = license::diff(*worlds[0].table, *worlds[1].table);
  std::stable_sort(changes.begin(), changes.end(), [](const license::Change& a, const license::Change& b) {
    return (a.care && a.what == "loses") > (b.care && b.what == "loses");
  });
  std::vector<std::vector<std::string>> rows;
  for (const license::Change& c : changes) {
    const Paint p = c.what == "loses" ? Paint::red : c.what == "gains" ? Paint::green : Paint::yellow;
    rows.push_back({paint(p, c.what) + (c.care ? " care" : ""), c.holder, c.flow, c.data_class, c.purpose, c.action,
                    c.before.empty()  ? c.after
                    : c.after.empty() ? c.before
                                      : c.before + " → " + c.after});
  }
  if (rows.empty()) {
    fmt::print("No difference in what is licensed.\n");
    return kClean;
  }
  print_table({"what", "holder", "flow", "class", "purpose", "action", "form and view"}, rows);
  fmt::print("\n{} differences; {} cut a care flow.\n", changes.size(),
             std::count_if(changes.begin(), changes.end(), [](const license::Change& c) { return c.care && c.what == "loses"; }));
  return kNo;
}

}  // namespace

void add_diff(CLI::App& app, Run& run) {
  auto args = std::make_shared<DiffArgs>();
  CLI::App* c = app.add_subcommand("diff", "Compare what two declarations license: who newly may, or no longer may, receive what");
  c->add_option("before", args->before, "a stack folder")->required();
  c->add_option("after", args->after, "another")->required();
  c->add_option("--packs", args->packs, "the folder of packs")->capture_default_str();
  c->add_option("--as-of", args->as_of, "judge both as of this date (YYYY-MM-DD)");
  c->footer("Exit: 0 no difference, 1 there are some, 2 could not load.\n\n  licet diff examples/riverbend /tmp/changed");
  c->callback([args, &run] { run = [args] { return diff(*args); }; });
}

}  // namespace licet::cli
