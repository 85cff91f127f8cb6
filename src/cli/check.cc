// licet check: is the declaration sound, and is every flow lawful?  --until, --since, --next: what will lapse, what a change breaks, what
// to do first.  --plan: the cheapest set of mends, plan.cc.  --may, --clauses: may.cc, clauses.cc.

#include <malloc.h>

#include <algorithm>

#include "cli/clauses.h"
#include "cli/may.h"
#include "cli/plan.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/world.h"
#include "epoch/outlook.h"
#include "proof/findings.h"
#include "proof/oscal.h"
#include "proof/report.h"
#include "rules/compare.h"

namespace licet::cli {
namespace {

struct CheckArgs {
  WorldArgs world;
  std::string format = "text";
  std::string may, data, purpose;
  std::string clauses, config;
  std::string until, since;
  std::optional<std::size_t> next;
  bool strict = false, all = false, cases = false, plan = false;
};

std::string machine_text(const rules::Judgment& judgment, std::span<const rules::Pack> packs, const CheckArgs& args) {
  std::string out = args.format == "sarif"           ? proof::findings_sarif(judgment, LICET_VERSION, args.world.stack)
                    : args.format == "csv"           ? proof::findings_csv(judgment)
                    : args.format == "html"          ? proof::findings_html(judgment)
                    : args.format == "oscal"         ? proof::assessment_results(judgment, LICET_VERSION)
                    : args.format == "oscal-catalog" ? proof::catalog(packs, judgment.as_of, LICET_VERSION)
                                                     : proof::findings_json(judgment);
  while (out.ends_with('\n') || out.ends_with('\r')) out.pop_back();
  return out;
}

int cases(const std::string& folder) {
  store::FileSystem& files = store::real_files();
  auto names = files.list(folder);
  if (!names) return fail(names.error());
  std::vector<stack::PackRef> refs;
  for (const std::string& n : *names)
    if (files.exists(folder + "/" + n + "/pack.yaml")) refs.push_back({n, ""});
  auto packs = epoch::read_packs(files, folder, refs, {});
  if (!packs) return fail(packs.error());
  auto wrong = rules::run_cases(*packs);
  if (!wrong) return fail(wrong.error());
  for (const std::string& w : *wrong) fmt::print("{}\n", w);
  std::size_t count = 0;
  for (const rules::Pack& p : *packs) count += p.cases.size();
  fmt::print("{} cases of {} packs, {} wrong\n", count, packs->size(), wrong->size());
  return wrong->empty() ? kClean : kNo;
}

// What will lapse by a date, day by day. No: something breaks until then.
int until(const Judged& judged, const CheckArgs& args) {
  auto date = parse_date(args.until);
  if (!date) return fail(fmt::format("--until: {}", date.error().message));
  const epoch::OutlookOptions options{.packs = args.world.packs, .until = *date, .strict = args.strict};
  auto days = epoch::outlook(judged.world, judged.facts, options, store::real_files());
  if (!days) return fail(days.error());
  if (args.format == "json") {
    fmt::print("{}\n", outlook_json(*days, judged.world.judgment, *date));
  } else {
    for (const epoch::Day& day : *days) print_day(day);
    fmt::print("{}{} days on which something changes by time alone, from {} until {}, {}.\n", days->empty() ? "" : "\n", days->size(),
               format(judged.world.judgment.as_of), args.until, judged.world.judgment.under);
  }
  const bool breaks = std::any_of(days->begin(), days->end(), [](const epoch::Day& day) {
    return std::any_of(day.turns.begin(), day.turns.end(), [](const epoch::Turned& t) { return t.breaks; });
  });
  return breaks ? kNo : kClean;
}

// Against an earlier commit: only what the change since then newly breaks counts; what it mends is shown, too.
int since(Judged& judged, const CheckArgs& args) {
  WorldArgs earlier = args.world;
  earlier.commit = args.since;
  auto base = judged_world(earlier);
  if (!base && base.error().code == Code::not_found) return fail(base.error());
  rules::Judgment nothing;  // what could not be judged then counts as if nothing had been declared: all that is amiss now is new
  if (!base) fmt::print(stderr, "licet: {}: {}; all that is amiss now counts as new\n", args.since, base.error().message);
  rules::Judgment& judgment = judged.world.judgment;
  const std::vector<rules::Turn> turns = rules::compare(base ? base->world.judgment : nothing, judgment);
  const auto breaks = std::count_if(turns.begin(), turns.end(), [&](const rules::Turn& t) { return t.breaks(args.strict); });
  const auto mends = std::count_if(turns.begin(), turns.end(), [&](const rules::Turn& t) { return t.mends(args.strict); });
  if (args.format == "text") {
    std::vector<rules::Turn> shown;
    for (const rules::Turn& t : turns)
      if (args.all || t.breaks(args.strict) || t.mends(args.strict)) shown.push_back(t);
    print_turns(shown, args.strict);
    fmt::print("{}Since {}: {} newly amiss, {} mended, {}.\n", shown.empty() ? "" : "\n", args.since, breaks, mends, judgment.under);
  } else {
    rules::Judgment fresh = judgment;
    fresh.findings.clear();
    for (const rules::Turn& t : turns)
      if (t.breaks(args.strict)) fresh.findings.push_back(*t.after);
    fmt::print("{}\n", machine_text(fresh, judged.world.packs, args));
  }
  return breaks > 0 ? kNo : kClean;
}

int check(const CheckArgs& args) {
  // One run, then the process ends: memory that is given back to the system between two sorts is asked for again at once (bench_check).
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 16 << 20);
  if (args.cases) return cases(args.world.packs);
  if (!args.clauses.empty()) {
    auto now = instant_of(args.world);
    if (!now) return fail(now.error());
    return show_clauses({args.world.stack, args.world.packs, args.clauses, args.format, args.config, *now});
  }
  auto judged = judged_world(args.world);
  if (!judged) return fail(judged.error());
  // Beyond this point the declaration was sound and everything in it was judged.
  const epoch::World& world = judged->world;
  if (args.format == "text" && !judged->unproven.empty()) fmt::print("Facts of {}: no key vouches for them.\n", judged->unproven);
  if (!args.may.empty()) return may(world, {args.may, args.data, args.purpose, args.world.packs, args.format == "json"}, judged->now);
  if (!args.until.empty()) return until(*judged, args);
  if (!args.since.empty()) return since(*judged, args);
  if (args.plan) return plan(*judged, {args.world.packs, args.strict, args.format == "json"});
  if (args.next)
    print_steps(proof::steps(world.judgment), world.judgment, *args.next);
  else if (args.format == "text")
    print_judgment(world.judgment, args.world.stack, world.table->licenses().size(), args.all);
  else
    fmt::print("{}\n", machine_text(world.judgment, world.packs, args));
  const bool no = std::any_of(world.judgment.findings.begin(), world.judgment.findings.end(),
                              [&](const rules::Finding& f) { return rules::amiss(f, args.strict); });
  return no ? kNo : kClean;
}

}  // namespace

void add_check(CLI::App& app, Run& run) {
  auto args = std::make_shared<CheckArgs>();
  CLI::App* c = app.add_subcommand("check", "Judge a declaration: what is amiss, with reasons, and what would mend it");
  c->add_option("stack", args->world.stack, "the stack folder")->capture_default_str();
  add_world_options(c, args->world);
  c->add_option("--format", args->format, "text, json, sarif, csv, html, oscal (assessment results) or oscal-catalog (the packs)")
      ->check(CLI::IsMember({"text", "json", "sarif", "csv", "html", "oscal", "oscal-catalog"}))
      ->capture_default_str();
  CLI::Option* until = c->add_option("--until", args->until, "list what will lapse by this date, and when (text or json)");
  CLI::Option* since = c->add_option("--since", args->since, "count only what is newly amiss since this commit; show what was mended");
  CLI::Option* next = c->add_option("--next", args->next, "what to do or to find out first: this many steps (0: every one)");
  CLI::Option* may = c->add_option("--may", args->may, "may PHI go to this system? With --data, and --purpose");
  CLI::Option* plan =
      c->add_flag("--plan", args->plan, "the cheapest set of mends for what is amiss, judged before it is shown (text or json)");
  until->excludes(since)->excludes(next)->excludes(may)->excludes(plan);
  since->excludes(next)->excludes(may)->excludes(plan);
  next->excludes(may)->excludes(plan);
  may->excludes(plan);
  c->add_option("--data", args->data, "a data class, such as clinical.note")->needs(may);
  c->add_option("--purpose", args->purpose, "a purpose, such as TREAT")->needs(may);
  CLI::Option* clauses = c->add_option("--clauses", args->clauses,
                                       "show what became of each clause of this agreement: its rule, and the decisions that rule made");
  clauses->excludes(until)->excludes(since)->excludes(next)->excludes(may)->excludes(plan);
  c->add_option("--config", args->config, "licet.yaml of the node whose ledger holds them")->needs(clauses);
  c->add_flag("--strict", args->strict, "count every unknown as a no");
  c->add_flag("--all", args->all, "show every finding: what passes and what does not apply, too");
  c->add_flag("--cases", args->cases, "run the packs' own test cases instead");
  c->footer(
      "Exit: 0 clean, 1 a fail, stale or contract or ground unknown, 2 could not load or judge.\n\n"
      "  licet check examples/riverbend\n"
      "  licet check examples/riverbend --next 3                  # the next best steps\n"
      "  licet check examples/riverbend --plan                    # what to change, so that least work mends most\n"
      "  licet check examples/riverbend --format json | jq .summary\n"
      "  licet check examples/riverbend --may scribe --data clinical.note --purpose TREAT     # exit 1: not, or held, or undeclared\n"
      "  licet check examples/riverbend --clauses baa-scribe-2026\n"
      "  licet check examples/riverbend --as-of 2027-02-01        # what will have lapsed\n"
      "  licet check examples/riverbend --until 2027-02-01        # what will lapse, and when\n"
      "  licet check examples/riverbend --since origin/main --format sarif > licet.sarif");
  c->callback([args, &run] { run = [args] { return check(*args); }; });
}

}  // namespace licet::cli
