// licet facts: what was recorded, as a signed file that a build server may have: nothing about a patient, no sanction.

#include "epoch/facts.h"
#include "cli/admin_call.h"
#include "cli/state.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "epoch/facts_file.h"
#include "epoch/load.h"

namespace licet::cli {
namespace {

// Signed by the node that serves; where none does, with its key, here.
Result<std::string> facts_file(const Config& config) {
  auto file = admin_call(config, "GET", "/facts-file", {});
  if (file && file->status < 300) return file->body.value("file", "");
  if (file) return Error{Code::unavailable, detail_of(*file)};
  if (file.error().code != Code::unavailable) return std::move(file).error();
  LICET_TRY(sources, epoch::read_sources(store::real_files(), config.stack, config.limits));
  const stack::Loaded loaded = stack::load(sources, config.limits);
  if (!loaded.stack) return Error{Code::invalid_argument, "the declaration has problems: run `licet check` first"};
  LICET_TRY(state, open_state(config, loaded.stack->tenant));
  LICET_TRY(recorded, epoch::read_facts(*state->ledger, *state->keys, *state->blind));
  return epoch::facts_file(recorded.facts, state->origin, &state->keys->log_key());
}

int facts(const std::string& config_file, const std::string& out) {
  auto config = read_config(config_file);
  if (!config) return fail(config.error());
  auto text = facts_file(*config);
  if (!text) return fail(text.error());
  if (out.empty()) {
    fmt::print("{}", *text);
    return kClean;
  }
  auto written = store::real_files().replace(out, *text);
  return written ? kClean : fail(written.error());
}

}  // namespace

void add_facts(CLI::App& app, Run& run) {
  struct Args {
    std::string config = "licet.yaml", out;
  };
  auto args = std::make_shared<Args>();
  CLI::App* c =
      app.add_subcommand("facts", "Print the recorded facts that a build server may have, signed: nothing about a patient, no sanction");
  c->add_option("out,--out", args->out, "a file; stdout, unless given");
  c->add_option("--config", args->config, "licet.yaml of the node")->capture_default_str();
  c->footer(
      "Exit: 0 written, 2 could not read.\n\n"
      "  licet facts facts.json --config examples/riverbend/licet.yaml\n"
      "  licet check examples/riverbend --facts facts.json --facts-key examples/riverbend/state/log.vkey");
  c->callback([args, &run] { run = [args] { return facts(args->config, args->out); }; });
}

}  // namespace licet::cli
