// licet schema: JSON Schemas of the declaration, so that editors complete and check while people type.

#include "cli/terminal.h"
#include "cli/verbs.h"
#include "stack/stack.h"

namespace licet::cli {

void add_schema(CLI::App& app, Run& run) {
  auto kind = std::make_shared<std::string>();
  CLI::App* c = app.add_subcommand("schema", "Print the JSON Schema of the declaration, or of one kind of document");
  c->add_option("kind", *kind, "a kind, such as agreement; all of them, unless said otherwise");
  c->footer("  licet schema > stack.schema.json\n  licet schema agreement");
  c->callback([kind, &run] {
    run = [kind] {
      auto schema = stack::json_schema(*kind);
      if (!schema) return fail(schema.error());
      fmt::print("{}\n", *schema);
      return kClean;
    };
  });
}

}  // namespace licet::cli
