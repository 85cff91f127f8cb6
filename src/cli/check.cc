// licet check: is the declaration sound, and is every flow lawful?  (--may: may.cc)

#include <algorithm>
#include <map>

#include "cli/clauses.h"
#include "cli/config.h"
#include "cli/may.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "crypto/crypto.h"
#include "epoch/load.h"
#include "proof/findings.h"

namespace licet::cli {
namespace {

struct CheckArgs {
  std::string stack = ".";
  std::string packs = default_packs();
  std::string format = "text";
  std::string as_of;
  std::string may, data, purpose;
  std::string clauses, config;
  bool strict = false, all = false, cases = false;
};

Paint paint_of(rules::Status status) {
  switch (status) {
    case rules::Status::pass:
      return Paint::green;
    case rules::Status::fail:
      return Paint::red;
    case rules::Status::stale:
      return Paint::red;
    case rules::Status::unknown:
      return Paint::yellow;
    case rules::Status::accepted:
      return Paint::blue;
    case rules::Status::not_applicable:
      return Paint::dim;
  }
  return Paint::none;
}

// fail and stale always; an unknown where it stands for a contract or a ground, or where --strict counts each.
bool counts_as_no(const rules::Finding& f, bool strict) {
  switch (f.status) {
    case rules::Status::fail:
    case rules::Status::stale:
      return true;
    case rules::Status::unknown:
      return strict || f.about != "program";
    case rules::Status::pass:
    case rules::Status::accepted:
    case rules::Status::not_applicable:
      return false;
  }
  return true;
}

int check(const CheckArgs& args) {
  store::FileSystem& files = store::real_files();
  if (args.cases) {
    LICET_ASSERT(!args.packs.empty());
    auto names = files.list(args.packs);
    if (!names) return fail(names.error());
    std::vector<stack::PackRef> refs;
    for (const std::string& n : *names)
      if (n != "classes" && n != "deid" && n.find('.') == std::string::npos) refs.push_back({n, ""});
    auto packs = epoch::read_packs(files, args.packs, refs, {});
    if (!packs) return fail(packs.error());
    auto wrong = rules::run_cases(*packs);
    if (!wrong) return fail(wrong.error());
    for (const std::string& w : *wrong) fmt::print("{}\n", w);
    std::size_t cases = 0;
    for (const rules::Pack& p : *packs) cases += p.cases.size();
    fmt::print("{} cases of {} packs, {} wrong\n", cases, packs->size(), wrong->size());
    return wrong->empty() ? kClean : kNo;
  }
  Micros now = SystemClock().now();
  if (!args.as_of.empty()) {
    auto date = parse_date(args.as_of);
    if (!date) return fail(fmt::format("--as-of: {}", date.error().message));
    now = Micros(*date) + std::chrono::hours(12);
  }
  if (!args.clauses.empty()) return show_clauses({args.stack, args.packs, args.clauses, args.format, args.config, now});
  auto world = epoch::assemble({args.stack, args.packs}, {}, now, files);
  if (!world) return fail(world.error());
  if (!world->problems.empty()) {
    for (const stack::Problem& p : world->problems) fmt::print(stderr, "{}\n", p.text());
    return fail(
        fmt::format("{} problem{} in the declaration: nothing was judged", world->problems.size(), world->problems.size() == 1 ? "" : "s"));
  }
  if (!args.may.empty()) return may(*world, {args.may, args.data, args.purpose, args.packs, args.format == "json"}, now);

  const bool no = std::any_of(world->judgment.findings.begin(), world->judgment.findings.end(),
                              [&](const rules::Finding& f) { return counts_as_no(f, args.strict); });
  if (args.format == "json") {
    fmt::print("{}\n", proof::findings_json(world->judgment));
    return no ? kNo : kClean;
  }
  if (args.format == "sarif") {
    fmt::print("{}\n", proof::findings_sarif(world->judgment));
    return no ? kNo : kClean;
  }
  std::map<rules::Status, std::size_t> counts;
  std::vector<std::vector<std::string>> rows;
  for (const rules::Finding& f : world->judgment.findings) {
    ++counts[f.status];
    if (!args.all && (f.status == rules::Status::pass || f.status == rules::Status::not_applicable)) continue;
    std::string text = f.because;
    if (!f.mend.empty() && f.status != rules::Status::pass && f.status != rules::Status::accepted) text += "  Mend: " + f.mend;
    rows.push_back({paint(paint_of(f.status), rules::name(f.status)), f.subject.empty() ? "-" : f.subject, f.requirement, text});
  }
  if (!rows.empty()) print_table({"status", "subject", "requirement", "because"}, rows);
  fmt::print("\n{} as of {}: {} pass, {} fail, {} stale, {} unknown, {} accepted, {} not applicable{}. {} licenses.\n", args.stack,
             format(world->judgment.as_of), counts[rules::Status::pass], counts[rules::Status::fail], counts[rules::Status::stale],
             counts[rules::Status::unknown], counts[rules::Status::accepted], counts[rules::Status::not_applicable],
             args.all ? "" : " (--all shows every one)", world->table->licenses().size());
  fmt::print("{}\n", paint(Paint::dim, world->judgment.under + ". Facts and sources, not legal advice."));
  return no ? kNo : kClean;
}

}  // namespace

void add_check(CLI::App& app, Run& run) {
  auto args = std::make_shared<CheckArgs>();
  CLI::App* c = app.add_subcommand("check", "Judge a declaration: what is amiss, with reasons, and what would mend it");
  c->add_option("stack", args->stack, "the stack folder")->capture_default_str();
  c->add_option("--packs", args->packs, "the folder of packs")->capture_default_str();
  c->add_option("--format", args->format, "text, json or sarif")->check(CLI::IsMember({"text", "json", "sarif"}))->capture_default_str();
  c->add_option("--as-of", args->as_of, "judge as of this date (YYYY-MM-DD)");
  c->add_option("--may", args->may, "may PHI go to this system? With --data, and --purpose");
  c->add_option("--data", args->data, "a data class, such as clinical.note")->needs("--may");
  c->add_option("--purpose", args->purpose, "a purpose, such as TREAT")->needs("--may");
  c->add_option("--clauses", args->clauses,
                "show what became of each clause of this agreement: its rule, and the decisions that rule made");
  c->add_option("--config", args->config, "licet.yaml of the node whose ledger holds them")->needs("--clauses");
  c->add_flag("--strict", args->strict, "count every unknown as a no");
  c->add_flag("--all", args->all, "show what passes and what does not apply, too");
  c->add_flag("--cases", args->cases, "run the packs' own test cases instead");
  c->footer(
      "Exit: 0 clean, 1 a fail, stale or contract or ground unknown, 2 could not load or judge.\n\n"
      "  licet check examples/riverbend\n"
      "  licet check examples/riverbend --format json | jq .summary\n"
      "  licet check examples/riverbend --may scribe --data clinical.note --purpose TREAT     # exit 1: not, or held, or undeclared\n"
      "  licet check examples/riverbend --clauses baa-scribe-2026\n"
      "  licet check examples/riverbend --as-of 2027-02-01        # what will have lapsed");
  c->callback([args, &run] { run = [args] { return check(*args); }; });
}

}  // namespace licet::cli
