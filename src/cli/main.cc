// licet: declare → judge → license → enforce → record → prove. One file a verb beside this one.

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/child.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

int main(int argc, char** argv) {
  if (const auto code = licet::child_main(argc, argv, licet::cli::read_inside)) return *code;
  CLI::App app{
      "Licet answers one question: may this PHI go there, in this form, now, and by what right?\n"
      "It states facts, sources and what is missing. It is not legal advice, and HHS recognizes no HIPAA certificate."};
  app.name("licet");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("licet ") + LICET_VERSION);
  app.footer(
      "First steps:  licet init my-clinic && licet check my-clinic\n"
      "Each verb has --help with examples. Exit: 0 clean, 1 the answer is no, 2 could not load, judge or reach.");
  licet::cli::Run run;
  licet::cli::add_init(app, run);
  licet::cli::add_check(app, run);
  licet::cli::add_coverage(app, run);
  licet::cli::add_diff(app, run);
  licet::cli::add_deid(app, run);
  licet::cli::add_risk(app, run);
  licet::cli::add_serve(app, run);
  licet::cli::add_token(app, run);
  licet::cli::add_record(app, run);
  licet::cli::add_prove(app, run);
  licet::cli::add_verify(app, run);
  licet::cli::add_report(app, run);
  licet::cli::add_schema(app, run);
  licet::cli::add_letter(app, run);
  licet::cli::add_notify(app, run);
  licet::cli::add_facts(app, run);
  licet::cli::add_import(app, run);
  licet::cli::add_read(app, run);
  licet::cli::add_user(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? 0 : licet::cli::kFailed;
  }
  return run ? run() : licet::cli::kFailed;
}
