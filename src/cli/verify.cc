// licet verify PATH: is this ledger folder, or this bundle, whole and unchanged? Reads only; repairs nothing; needs nothing else.

#include "ledger/verify.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "console/card.h"
#include "proof/verify.h"

namespace licet::cli {
namespace {

struct VerifyArgs {
  std::string path, key, checkpoint;
};

Result<std::optional<ledger::Verifier>> trusted_key(const std::string& given) {
  if (given.empty()) return std::optional<ledger::Verifier>();
  std::string text = given;
  if (auto file = store::real_files().read_all(given, 4096); file) text = *std::move(file);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  LICET_TRY(verifier, ledger::parse_vkey(text));
  return std::optional(verifier);
}

int say(bool ok, const std::vector<std::string>& lines, const std::vector<std::string>& faults) {
  for (const std::string& line : lines) fmt::print("{}\n", line);
  for (const std::string& fault : faults) fmt::print("{} {}\n", paint(Paint::red, "fault"), fault);
  fmt::print("{}\n", ok ? paint(Paint::green, "sound") : paint(Paint::red, "NOT sound"));
  return ok ? kClean : kNo;
}

int verify(const VerifyArgs& args) {
  store::FileSystem& files = store::real_files();
  auto trusted = trusted_key(args.key);
  if (!trusted) return fail("--key: " + trusted.error().message);
  if (proof::is_bundle(files, args.path)) {
    auto bundle = proof::read_bundle(files, args.path);
    if (!bundle) return fail(bundle.error());
    const proof::Report report = proof::verify_bundle(*bundle, *trusted);
    return say(report.ok(), report.lines, report.faults);
  }
  if (auto page = files.read_all(args.path, 16 * 1024 * 1024); page && page->find("<pre id=\"licet-note\">") != std::string::npos) {
    if (!*trusted) return fail(args.path + ": a card is checked with --key VKEY, as you got it elsewhere");
    auto note = console::card_note(*page);
    if (!note) return fail(note.error());
    auto statement = ledger::open_note(*note, **trusted);
    if (!statement) return say(false, {}, {statement.error().message});
    // What is printed is what was signed: the rest of the page may say anything.
    return say(true, {fmt::format("signed by {}:", (*trusted)->name), *statement}, {});
  }
  if (!*trusted) {  // the key that serve wrote beside the ledger; whoever could change both could change this too: --key is the stronger
                    // check
    auto beside = trusted_key(args.path + "/../log.vkey");
    if (!beside) return fail(args.path + ": neither a bundle nor a ledger with its key beside it; give --key VKEY");
    trusted = std::move(beside);
  }
  std::optional<ledger::Checkpoint> known;
  if (!args.checkpoint.empty()) {
    auto note = files.read_all(args.checkpoint, 64 * 1024);
    if (!note) return fail(note.error());
    auto opened = ledger::open_checkpoint(*note, **trusted);
    if (!opened) return fail(args.checkpoint + ": " + opened.error().message);
    known = *opened;
  }
  auto report = ledger::verify_folder(files, args.path, **trusted, known);
  if (!report) return fail(report.error());
  std::vector<std::string> faults;
  for (const ledger::Fault& f : report->faults) faults.push_back(ledger::text_of(f));
  return say(report->ok(),
             {fmt::format("{}: {} entries in {} groups, root {}, checkpoint at {}", (*trusted)->name, report->entries, report->groups,
                          base64(report->root), report->checkpoint_size)},
             faults);
}

}  // namespace

void add_verify(CLI::App& app, Run& run) {
  auto args = std::make_shared<VerifyArgs>();
  CLI::App* c =
      app.add_subcommand("verify", "Check a ledger folder, a bundle or a tool's card, offline: one changed bit is found and named");
  c->add_option("path", args->path, "state/ledger, a bundle, or the page of a card")->required();
  c->add_option("--key", args->key, "the log's key as you got it elsewhere: a vkey, or a file that holds one");
  c->add_option("--checkpoint", args->checkpoint, "an earlier checkpoint, kept elsewhere: the ledger must be a continuation of it");
  c->footer(
      "Exit: 0 sound, 1 not, 2 could not read.\n\n  licet verify state/ledger\n  licet verify evidence-2026-q4 --key clinic.vkey\n  licet "
      "verify licet-card-scribe.html --key clinic.vkey");
  c->callback([args, &run] { run = [args] { return verify(*args); }; });
}

}  // namespace licet::cli
