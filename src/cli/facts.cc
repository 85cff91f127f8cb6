// licet facts: what was recorded, as a file that a build server may have: nothing about a patient, no sanction.

#include "cli/on_record.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "epoch/facts_file.h"

namespace licet::cli {
namespace {

int facts(const std::string& config_file, const std::string& out) {
  auto config = read_config(config_file);
  if (!config) return fail(config.error());
  auto record = on_record(*config);
  if (!record) return fail(record.error());
  const std::string text = epoch::facts_file(record->facts);
  if (out.empty()) {
    fmt::print("{}", text);
    return kClean;
  }
  auto written = store::real_files().replace(out, text);
  return written ? kClean : fail(written.error());
}

}  // namespace

void add_facts(CLI::App& app, Run& run) {
  struct Args {
    std::string config = "licet.yaml", out;
  };
  auto args = std::make_shared<Args>();
  CLI::App* c = app.add_subcommand("facts", "Print the recorded facts that a build server may have: nothing about a patient, no sanction");
  c->add_option("out,--out", args->out, "a file; stdout, unless given");
  c->add_option("--config", args->config, "licet.yaml of the node")->capture_default_str();
  c->footer(
      "Exit: 0 written, 2 could not read.\n\n"
      "  licet facts facts.json --config examples/riverbend/licet.yaml\n"
      "  licet check examples/riverbend --facts facts.json");
  c->callback([args, &run] { run = [args] { return facts(args->config, args->out); }; });
}

}  // namespace licet::cli
