// One file a verb. Each adds itself to the program's parser and runs when it is chosen.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace licet::cli {

using Run = std::function<int()>;  // exit code

// Each registers its subcommand and sets `run` when the user chose it.
void add_init(CLI::App& app, Run& run);
void add_check(CLI::App& app, Run& run);
void add_coverage(CLI::App& app, Run& run);
void add_deid(CLI::App& app, Run& run);
void add_risk(CLI::App& app, Run& run);
void add_diff(CLI::App& app, Run& run);
void add_serve(CLI::App& app, Run& run);
void add_token(CLI::App& app, Run& run);
void add_record(CLI::App& app, Run& run);  // record, suspend, lift, release, explain
void add_prove(CLI::App& app, Run& run);
void add_verify(CLI::App& app, Run& run);
void add_schema(CLI::App& app, Run& run);
void add_letter(CLI::App& app, Run& run);
void add_notify(CLI::App& app, Run& run);
void add_facts(CLI::App& app, Run& run);
void add_import(CLI::App& app, Run& run);
void add_report(CLI::App& app, Run& run);
void add_read(CLI::App& app, Run& run);
void add_user(CLI::App& app, Run& run);

// What the sandboxed child of `read` does (base/child.h): bytes of a document → its text, or 1 and why not.
int read_inside(std::span<const std::string> args, std::string_view input, std::string& out);

}  // namespace licet::cli
