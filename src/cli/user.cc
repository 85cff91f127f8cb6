// licet user: who may log in to the console, as what and until when. Through the running node, or on its files where nothing serves.

#include <unistd.h>

#include <iostream>

#include "cli/admin_call.h"
#include "cli/state.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "console/account_act.h"
#include "epoch/load.h"

namespace licet::cli {
namespace {

using nlohmann::json;

struct UserArgs {
  std::string config = "licet.yaml";
  std::string name, full_name, role, until, subject, issuer, by;
  std::vector<std::string> owners;
  bool read_password = false, only_provider = false, as_json = false;
};

Result<json> here(const Config& config, const json& in, const std::string& by) {
  LICET_TRY(sources, epoch::read_sources(store::real_files(), config.stack, config.limits));
  const stack::Loaded loaded = stack::load(sources, config.limits);
  if (!loaded.stack) return Error{Code::invalid_argument, "the declaration has problems: run `licet check` first"};
  LICET_TRY(state, open_state(config, loaded.stack->tenant));
  identity::Accounts accounts({&store::real_files(), accounts_of(config), state->keys.get(), &state->random});
  LICET_TRY_VOID(accounts.load());
  return console::account_act(accounts, *state->ledger, *loaded.stack, in, by);
}

Result<json> act(const UserArgs& args, json in) {
  LICET_TRY(config, read_config(args.config));
  const std::string by = args.by.empty() ? user() : args.by;
  in["by"] = by;
  if (args.read_password) {
    std::string line;
    std::getline(std::cin, line);
    in["password"] = line;
  }
  if (in.contains("subject") && !in["subject"].get<std::string>().empty() && in["issuer"].get<std::string>().empty())
    in["issuer"] = config.console_more.oidc_issuer;
  auto reply = admin_call(config, "POST", "/user", in.dump());
  if (!reply && reply.error().code == Code::unavailable) return here(config, in, by);
  if (!reply) return std::move(reply).error();
  if (reply->status >= 300) return Error{Code::invalid_argument, detail_of(*reply)};
  return std::move(reply->body);
}

int told(const UserArgs& args, Result<json> done, std::string_view what) {
  if (!done) return fail(done.error());
  if (args.as_json) {
    fmt::print("{}\n", done->dump(2));
    return kClean;
  }
  fmt::print("{} {} (ledger entry {})\n", args.name, what, done->value("index", std::uint64_t{0}));
  const auto text = [&](const char* name) { return done->value(name, ""); };
  if (!text("password").empty()) fmt::print("  password   {}\n", text("password"));
  if (!text("secret").empty()) {
    fmt::print("  one-time   {}\n             {}\n", text("secret"), text("uri"));
    fmt::print("  recovery   {}\n", fmt::join((*done)["recovery"].get<std::vector<std::string>>(), "\n             "));
  }
  if (!text("password").empty() || !text("secret").empty())
    fmt::print("{}\n", paint(Paint::dim, "Shown once: hand them over, and keep none."));
  return kClean;
}

int list(const UserArgs& args) {
  auto done = act(args, {{"act", "list"}});
  if (!done) return fail(done.error());
  if (args.as_json) {
    fmt::print("{}\n", done->dump(2));
    return kClean;
  }
  std::vector<std::vector<std::string>> rows;
  for (const json& a : (*done)["items"]) {
    const std::string state = a.value("state", "");
    rows.push_back({a.value("name", ""), a.value("role", ""), paint(state == "active" ? Paint::green : Paint::yellow, state),
                    a["until"].is_string() ? a["until"].get<std::string>() : "-",
                    a["owners"].empty() ? "all" : fmt::format("{}", fmt::join(a["owners"].get<std::vector<std::string>>(), ", ")),
                    a.value("totp", false) ? "password and code" : "", a.value("subject", "").empty() ? "" : "provider"});
  }
  print_table({"name", "role", "state", "until", "sees", "logs in by", ""}, rows);
  return kClean;
}

}  // namespace

void add_user(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("user", "Accounts of the console: who logs in, as what, until when");
  verb->require_subcommand(1);
  const auto common = [](CLI::App* c, UserArgs& args, bool named) {
    if (named) c->add_option("name", args.name, "the account; it is on the ledger as who acts")->required();
    c->add_option("--config", args.config, "licet.yaml of the node")->capture_default_str();
    c->add_option("--by", args.by, "who says so");
    c->add_flag("--json", args.as_json, "for machines");
  };
  {
    auto args = std::make_shared<UserArgs>();
    CLI::App* c = verb->add_subcommand("add", "Make an account; its password, one-time secret and recovery codes are shown once");
    common(c, *args, true);
    std::string roles;
    for (const identity::RoleRow& r : identity::roles())
      if (r.role != identity::Role::starter) roles += fmt::format("{}{}", roles.empty() ? "" : ", ", r.name);
    c->add_option("--role", args->role, roles)->required();
    c->add_option("--until", args->until, "its last day (YYYY-MM-DD); auditor and adviser need one");
    c->add_option("--owner", args->owners, "an organization or team whose things it sees; several times for several. Without: all");
    c->add_option("--full-name", args->full_name, "the person's name");
    c->add_option("--subject", args->subject, "who it is at the identity provider (`sub`): logs in there, too");
    c->add_option("--issuer", args->issuer, "that provider, where it is not console.oidc.issuer");
    c->add_flag("--provider-only", args->only_provider, "no password here: logs in at the provider only");
    c->add_flag("--password-stdin", args->read_password, "read the password from the first line of standard input; otherwise one is made");
    c->footer(
        "  licet user add j-ortiz --role privacy-officer --config examples/riverbend/licet.yaml\n"
        "  licet user add r-kim --role auditor --until 2026-12-31 --owner scribe-ai");
    c->callback([args, &run] {
      run = [args] {
        return told(*args,
                    act(*args, {{"act", "add"},
                                {"name", args->name},
                                {"full_name", args->full_name},
                                {"role", args->role},
                                {"until", args->until},
                                {"owners", args->owners},
                                {"subject", args->subject},
                                {"issuer", args->issuer},
                                {"local", !args->only_provider}}),
                    "has an account");
      };
    });
  }
  for (const auto& [name, says, done] :
       {std::tuple{"password", "Give an account another password; its sessions end", "has another password"},
        std::tuple{"totp", "Give an account another one-time secret and recovery codes; its sessions end", "has another one-time secret"},
        std::tuple{"end", "End an account and its sessions, and the API keys it made", "has no account any more"},
        std::tuple{"unlock", "Let a name that failed too often try again", "may try again"}}) {
    auto args = std::make_shared<UserArgs>();
    CLI::App* c = verb->add_subcommand(name, says);
    common(c, *args, true);
    if (std::string_view(name) == "password")
      c->add_flag("--password-stdin", args->read_password, "read it from standard input; otherwise one is made");
    c->callback([args, &run, name = std::string(name), done = std::string(done)] {
      run = [args, name, done] { return told(*args, act(*args, {{"act", name}, {"name", args->name}}), done); };
    });
  }
  {
    auto args = std::make_shared<UserArgs>();
    CLI::App* c = verb->add_subcommand("list", "Who has an account");
    common(c, *args, false);
    c->callback([args, &run] { run = [args] { return list(*args); }; });
  }
  verb->footer(
      "Without accounts the console takes the key that `licet serve` prints; with the first account it does no longer.\n\n"
      "  licet user add j-ortiz --role privacy-officer\n  licet user list");
}

}  // namespace licet::cli
