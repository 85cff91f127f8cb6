// licet report: who carries what, where PHI would be exposed first, what was checked for a release, answers to a questionnaire.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/admin_call.h"
#include "cli/state.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/world.h"
#include "proof/reports.h"

namespace licet::cli {
namespace {

constexpr std::size_t kQuestionsMost = 16u * 1024 * 1024;

struct ReportArgs {
  WorldArgs world;
  std::string format = "text";
  std::string name, out, config, questions;
};

int print_sheet(const proof::Sheet& sheet, const ReportArgs& args, const std::string& unproven) {
  if (args.format == "csv") {
    fmt::print("{}", proof::sheet_csv(sheet));
  } else if (args.format == "html") {
    fmt::print("{}", proof::sheet_html(sheet));
  } else if (args.format == "json") {
    fmt::print("{}\n", proof::sheet_json(sheet));
  } else {
    fmt::print("{}\n", paint(Paint::bold, sheet.title));
    if (!unproven.empty()) fmt::print("Facts of {}: no key vouches for them.\n", unproven);
    print_table(sheet.head, sheet.rows);
    fmt::print("\n{}\n", paint(Paint::dim, fmt::format("{} As of {}, {}.", sheet.notice, sheet.as_of, sheet.under)));
  }
  return kClean;
}

int responsibility(const ReportArgs& args) {
  auto judged = judged_world(args.world);
  if (!judged) return fail(judged.error());
  return print_sheet(proof::responsibility(*judged->world.stack, judged->world.judgment, judged->world.packs), args, judged->unproven);
}

int exposure(const ReportArgs& args) {
  auto judged = judged_world(args.world);
  if (!judged) return fail(judged.error());
  return print_sheet(proof::exposure(*judged->world.stack, judged->world.judgment, *judged->world.table), args, judged->unproven);
}

int answers(const ReportArgs& args) {
  auto text = store::real_files().read_all(args.questions, kQuestionsMost);
  if (!text) return fail(text.error());
  auto judged = judged_world(args.world);
  if (!judged) return fail(judged.error());
  auto sheet = proof::answers(*text, judged->world.judgment);
  if (!sheet) return fail(args.questions + ": " + sheet.error().message);
  return print_sheet(*sheet, args, judged->unproven);
}

struct Signed {
  std::string signature;
  ledger::Verifier by;
};
// By the node that serves; where none does, with its key, here. That it was signed is on record first.
Result<Signed> signature_of(const Config& config, const std::string& tenant, const std::string& origin, const std::string& manifest) {
  const nlohmann::json body{{"manifest", manifest}, {"by", user()}};
  auto reply = admin_call(config, "POST", "/sign-release", body.dump());
  if (reply) {
    if (reply->status >= 300) return Error{Code::unavailable, detail_of(*reply)};
    LICET_TRY(by, ledger::parse_vkey(reply->body.value("key", "")));
    return Signed{reply->body.value("signature", ""), by};
  }
  if (reply.error().code != Code::unavailable) return std::move(reply).error();
  LICET_TRY(state, open_state(config, tenant));
  LICET_TRY(signature, proof::sign_release(manifest, origin, state->keys->log_key()));
  ledger::Draft draft;
  draft.kind = ledger::Kind::admin;
  draft.actor = user();
  draft.payload = nlohmann::json{{"act", "release"}, {"manifest", hex(crypto::sha256(manifest))}}.dump();
  LICET_TRY(recorded, state->ledger->append_and_wait(std::move(draft)));
  (void)recorded;
  return Signed{signature, {origin, state->keys->log_key().public_key()}};
}

Result<int> release(const ReportArgs& args) {
  std::optional<Config> config;
  if (!args.config.empty()) {
    LICET_TRY(read, read_config(args.config));
    config = std::move(read);
  }
  LICET_TRY(judged, judged_world(args.world));
  const epoch::World& world = judged.world;
  const std::string& tenant = world.stack->tenant;
  proof::ReleaseInput in;
  in.name = args.name;
  in.stack = &*world.stack;
  in.sources = world.sources;
  in.packs = world.packs;
  in.judgment = &world.judgment;
  in.table = &*world.table;
  in.build = LICET_VERSION;
  if (config) in.origin = origin_of(tenant, config->node);
  proof::Bundle bundle = proof::make_release(in);
  if (config) {
    const std::string& manifest = bundle.files.back().bytes;
    LICET_TRY(sealed, signature_of(*config, tenant, in.origin, manifest));
    proof::seal_release(bundle, sealed.signature, sealed.by);
  }
  LICET_TRY_VOID(proof::write_bundle(store::real_files(), std::filesystem::absolute(args.out).string(), bundle));
  fmt::print(
      "{}: what was checked for {}, {} files, manifest {}, {}\n  HHS recognizes no certificate of HIPAA compliance, and this is none.\n",
      args.out, args.name, bundle.files.size(), hex(bundle.manifest),
      config ? "signed: licet verify " + args.out : "not signed: give --config of a node to have it signed");
  return kClean;
}

}  // namespace

void add_report(CLI::App& app, Run& run) {
  auto args = std::make_shared<ReportArgs>();
  CLI::App* c = app.add_subcommand("report", "Arrange what was judged for those who ask: responsibility, exposure, release, answers");
  c->require_subcommand(1);
  const auto common = [&](CLI::App* kind, bool sheet) {
    kind->add_option("--stack", args->world.stack, "the stack folder")->capture_default_str();
    add_world_options(kind, args->world);
    if (sheet)
      kind->add_option("--format", args->format, "text, json, csv or html")
          ->check(CLI::IsMember({"text", "json", "csv", "html"}))
          ->capture_default_str();
  };
  CLI::App* r =
      c->add_subcommand("responsibility", "Who carries each requirement and each clause: own, under contract, or nobody on record");
  common(r, true);
  r->callback([args, &run] { run = [args] { return responsibility(*args); }; });
  CLI::App* e = c->add_subcommand("exposure", "The systems that PHI reaches, the most exposed first, with the reasons");
  common(e, true);
  e->callback([args, &run] { run = [args] { return exposure(*args); }; });
  CLI::App* s = c->add_subcommand("release", "A folder of what was checked for a release, against what, and what is open; no certificate");
  s->add_option("name", args->name, "the release: 2026.11, or a commit")->required();
  s->add_option("--out", args->out, "a new or empty folder")->required();
  s->add_option("--config", args->config, "licet.yaml of the node whose key signs it");
  common(s, false);
  s->callback([args, &run] {
    run = [args] {
      auto code = release(*args);
      return code ? *code : fail(code.error());
    };
  });
  CLI::App* q = c->add_subcommand("answers", "A questionnaire with answers, each from findings on a citation that its row names");
  q->add_option("questions", args->questions, "a CSV with a column 'question'")->required();
  common(q, true);
  q->callback([args, &run] { run = [args] { return answers(*args); }; });
  c->footer(
      "Exit: 0 printed or written, 2 could not load or judge. A report concludes nothing that licet check does not say.\n\n"
      "  licet report responsibility --stack examples/riverbend\n"
      "  licet report exposure --stack examples/riverbend --format csv\n"
      "  licet report release 2026.11 --stack examples/riverbend --out checked-2026.11\n"
      "  licet report answers questions.csv --stack examples/riverbend --format csv > answers.csv");
}

}  // namespace licet::cli
