// licet diff: between two declarations, commits, dates or sets of packs: which findings change, and who newly may, or no longer may,
// receive what. Care flows that would be cut come first.

#include <algorithm>

#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/world.h"
#include "proof/findings.h"
#include "rules/compare.h"

namespace licet::cli {
namespace {

struct DiffArgs {
  WorldArgs before;
  std::string after;  // another folder; empty: the same one
  std::string since, then;
  std::vector<std::string> packs;
  std::string format = "text";
  bool strict = false;
};

int diff(const DiffArgs& args) {
  WorldArgs after = args.before, before = args.before;
  if (!args.after.empty()) after.stack = args.after;
  before.commit = args.since;
  if (!args.then.empty()) after.as_of = args.then;
  for (const std::string& pack : args.packs) after.also.push_back(pack_ref(pack));
  if (args.after.empty() && args.since.empty() && args.then.empty() && args.packs.empty())
    return fail("nothing to compare with: give a second folder, --since COMMIT, --then DATE or --pack ID");

  auto was = judged_world(before);
  if (!was) return fail(was.error());
  auto is = judged_world(after);
  if (!is) return fail(is.error());
  std::vector<rules::Turn> turns = rules::compare(was->world.judgment, is->world.judgment);
  const std::vector<license::Change> changes = license::diff(*was->world.table, *is->world.table);
  std::vector<const rules::Pack*> proposed;  // asked for here, and not judged by before
  for (const rules::Pack& pack : is->world.packs) {
    const auto same = [&](const auto& p) { return p.id == pack.info.id; };
    if (pack.info.status == "proposed" && std::none_of(was->world.judgment.packs.begin(), was->world.judgment.packs.end(), same))
      proposed.push_back(&pack);
  }
  if (args.format == "json") {
    fmt::print("{}\n", proof::diff_json(turns, changes, was->world.judgment, is->world.judgment, args.strict, proposed));
    return turns.empty() && changes.empty() ? kClean : kNo;
  }
  if (turns.empty() && changes.empty()) {
    fmt::print("No difference in what is found or licensed.\n");
    return kClean;
  }
  // What is only proposed comes apart from what the law in force says.
  for (const rules::Pack* pack : proposed) {
    print_proposed(turns, *pack, is->world.judgment);
    std::erase_if(turns, [&](const rules::Turn& t) {
      return t.after != nullptr && std::any_of(pack->requirements.begin(), pack->requirements.end(),
                                               [&](const rules::Requirement& r) { return r.id == t.after->asked->requirement; });
    });
  }
  if (!proposed.empty() && turns.empty() && changes.empty()) {
    fmt::print("Nothing else differs, in what is found or in what is licensed.\n");
    return kNo;
  }
  if (!proposed.empty()) fmt::print("\n{}\n", paint(Paint::bold, "and by the packs in force"));
  print_changes(changes);
  if (!turns.empty()) fmt::print("{}{}\n", changes.empty() ? "" : "\n", paint(Paint::bold, "findings"));
  print_turns(turns, args.strict);
  const auto count = [&](auto which) { return std::count_if(turns.begin(), turns.end(), which); };
  fmt::print("\n{} differences in what is licensed; {} cut a care flow. {} findings change: {} newly amiss, {} mended, {}.\n",
             changes.size(),
             std::count_if(changes.begin(), changes.end(), [](const license::Change& c) { return c.care && c.what == "loses"; }),
             turns.size(), count([&](const rules::Turn& t) { return t.breaks(args.strict); }),
             count([&](const rules::Turn& t) { return t.mends(args.strict); }), is->world.judgment.under);
  return kNo;
}

}  // namespace

void add_diff(CLI::App& app, Run& run) {
  auto args = std::make_shared<DiffArgs>();
  CLI::App* c =
      app.add_subcommand("diff", "Compare two declarations, commits, dates or packs: who newly may, or no longer may, receive what");
  c->add_option("before", args->before.stack, "a stack folder")->required();
  c->add_option("after", args->after, "another; the same one, unless given");
  add_world_options(c, args->before);
  c->add_option("--since", args->since, "before: as this commit had it");
  c->add_option("--then", args->then, "after: judged as of this date (YYYY-MM-DD)");
  c->add_option("--pack", args->packs, "after: judged by this pack, too (ID or ID@VERSION; may be given again)");
  c->add_option("--format", args->format, "text or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
  c->add_flag("--strict", args->strict, "count every unknown as amiss");
  c->footer(
      "Exit: 0 no difference, 1 there are some, 2 could not load.\n\n"
      "  licet diff examples/riverbend /tmp/changed\n"
      "  licet diff examples/riverbend --since origin/main\n"
      "  licet diff examples/riverbend --then 2027-02-01          # what time alone will change\n"
      "  licet diff examples/riverbend --pack hipaa-security-2025-proposed   # what a rule that is only proposed would change");
  c->callback([args, &run] { run = [args] { return diff(*args); }; });
}

}  // namespace licet::cli
