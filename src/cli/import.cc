// licet import: what other tools know, as an imported layer that people's own layers override.

#include <filesystem>

#include "cli/terminal.h"
#include "cli/verbs.h"
#include "stack/import.h"
#include "store/file.h"

namespace licet::cli {
namespace {

constexpr std::uint64_t kFileMost = 256u * 1024 * 1024;

struct ImportArgs {
  std::string format, file, stack, owner;
};

int import(const ImportArgs& args) {
  store::FileSystem& files = store::real_files();
  auto bytes = files.read_all(args.file, kFileMost);
  if (!bytes) return fail(Error{bytes.error().code, args.file + ": " + bytes.error().message});
  const std::string name = std::filesystem::path(args.file).filename().string();
  auto imported = stack::import(args.format, *bytes, {.owner = args.owner, .source = name});
  if (!imported) return fail(Error{imported.error().code, args.file + ": " + imported.error().message});
  if (args.stack.empty()) {
    fmt::print("{}", imported->yaml);
  } else {
    const std::string folder = args.stack + "/imported", path = folder + "/" + args.format + ".yaml";
    if (auto made = files.make_folder(folder); !made) return fail(made.error());
    if (auto written = files.replace(path, imported->yaml); !written) return fail(written.error());
    fmt::print(stderr, "{}: ", path);
  }
  fmt::print(stderr, "{} organizations, {} systems, {} flows\n", imported->organizations, imported->systems, imported->flows);
  for (const std::string& note : imported->notes) fmt::print(stderr, "  {}\n", note);
  return kClean;
}

std::string formats_help() {
  std::string out = "Formats:\n";
  for (const stack::ImportFormat& f : stack::import_formats()) out += fmt::format("  {:<10} {}\n", f.name, f.says);
  return out;
}

}  // namespace

void add_import(CLI::App& app, Run& run) {
  auto args = std::make_shared<ImportArgs>();
  CLI::App* c = app.add_subcommand("import", "Make an imported layer out of what another tool knows: systems, vendors, flows");
  c->add_option("format", args->format, "which format")->required();
  c->add_option("file", args->file, "the file")->required();
  c->add_option("--into", args->stack, "a stack folder: writes imported/FORMAT.yaml in it; stdout, unless given");
  c->add_option("--owner", args->owner, "organization id: whose the systems are for which the file names nobody");
  c->footer(formats_help() +
            "\nA flow comes as `unclassified`: no other tool knows what is PHI, and nothing passes until somebody says.\n"
            "Exit: 0 imported, 2 could not read.\n\n"
            "  licet import cyclonedx bom.json --owner riverbend --into my-clinic\n"
            "  terraform show -json > state.json && licet import terraform state.json --owner riverbend");
  c->callback([args, &run] { run = [args] { return import(*args); }; });
}

}  // namespace licet::cli
