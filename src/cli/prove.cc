// licet prove: one command makes the evidence for a period, verifiable offline by anyone. A running node makes it; otherwise this process
// does.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/admin_call.h"
#include "cli/state.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "epoch/facts.h"
#include "epoch/load.h"
#include "proof/prove.h"

namespace licet::cli {
namespace {

struct ProveArgs {
  std::string config = "licet.yaml", out, from, to, vendor, patient;
};

void say(const std::string& folder, std::uint64_t files, std::uint64_t entries, const std::string& manifest) {
  fmt::print("{}: {} files, {} ledger entries, manifest {}\n  check it anywhere: licet verify {}\n", folder, files, entries, manifest,
             folder);
}

// Nothing serves: the ledger is opened here, and the world as it is declared now is what is shown.
Result<int> prove_here(const proof::Request& request, const Config& config) {
  store::FileSystem& files = store::real_files();
  LICET_TRY(sources, epoch::read_sources(files, config.stack, config.limits));
  const stack::Loaded loaded = stack::load(sources, config.limits);
  if (!loaded.stack) return Error{Code::invalid_argument, "the declaration has problems: run `licet check` first"};
  LICET_TRY(state, open_state(config, loaded.stack->tenant));
  LICET_TRY(recorded, epoch::read_facts(*state->ledger, *state->keys, *state->blind));
  const Micros now = state->ledger->now();
  LICET_TRY(world, epoch::assemble_sources(std::move(sources), config.packs, recorded.facts, now, files, config.limits));
  proof::ProveInput input;
  input.stack = &*world.stack;
  input.sources = world.sources;
  input.judgment = &world.judgment;
  input.table = &*world.table;
  input.ledger = state->ledger.get();
  input.key = &state->keys->log_key();
  input.now = now;
  input.build = LICET_VERSION;
  LICET_TRY(made, proof::produce(files, request, std::move(input)));
  say(request.folder, made.files, made.entries, hex(made.manifest));
  return kClean;
}

int prove(ProveArgs args) {
  auto config = read_config(args.config);
  if (!config) return fail(config.error());
  args.out = std::filesystem::absolute(args.out).string();
  const nlohmann::json body{{"folder", args.out},    {"from", args.from},       {"to", args.to},
                            {"vendor", args.vendor}, {"patient", args.patient}, {"by", user()}};
  auto reply = admin_call(*config, "POST", "/prove", body.dump());
  if (!reply && reply.error().code == Code::unavailable) {
    auto code = prove_here({args.out, args.from, args.to, args.vendor, args.patient, user(), config->stack}, *config);
    return code ? *code : fail(code.error());
  }
  if (!reply) return fail(reply.error());
  if (reply->status >= 300) return fail(detail_of(*reply));
  say(args.out, reply->body.value("files", std::uint64_t{0}), reply->body.value("entries", std::uint64_t{0}),
      reply->body.value("manifest", ""));
  return kClean;
}

}  // namespace

void add_prove(CLI::App& app, Run& run) {
  auto args = std::make_shared<ProveArgs>();
  CLI::App* c = app.add_subcommand("prove", "Make a bundle: what was declared, lawful and done in a period, verifiable offline");
  c->add_option("out,--out", args->out, "a new or empty folder")->required();
  c->add_option("--from", args->from, "first day (in the stack's zone) or instant; the beginning, unless given");
  c->add_option("--to", args->to, "last day (included) or instant; now, unless given");
  c->add_option("--vendor", args->vendor, "only what concerns this organization or system");
  c->add_option("--patient", args->patient, "only what concerns this patient (logical id): the bundle is then ePHI, and says so");
  c->add_option("--config", args->config, "licet.yaml of the node")->capture_default_str();
  c->footer(
      "  licet prove evidence-2026-q4 --from 2026-10-01 --to 2026-12-31 --config examples/riverbend/licet.yaml\n"
      "  licet verify evidence-2026-q4\n\nHHS recognizes no HIPAA certificate: a bundle shows facts and their sources.");
  c->callback([args, &run] { run = [args] { return prove(*args); }; });
}

}  // namespace licet::cli
