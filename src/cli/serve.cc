// licet serve: the parts list of the running program, in the order in which they depend on each other.

#include <csignal>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/log.h"
#include "cli/config.h"
#include "cli/deid_data.h"
#include "cli/deid_library.h"
#include "cli/document.h"
#include "cli/state.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "console/admin.h"
#include "console/console.h"
#include "crypto/kek.h"
#include "epoch/keeper.h"
#include "gate/gate.h"
#include "http/client.h"
#include "http/server.h"
#include "identity/identity.h"

namespace licet::cli {
namespace {

struct ServeArgs {
  std::string config = "licet.yaml";
  bool check_config = false, print_config = false;
};

// What the declaration proves of who is who.
Result<std::shared_ptr<const identity::Directory>> directory_of(const stack::Stack& stack) {
  auto directory = std::make_shared<identity::Directory>();
  const auto text = [](const stack::Value& map, std::string_view key) {
    const stack::Value* v = map.find(key);
    return v == nullptr ? std::string() : v->text;
  };
  std::set<std::string_view> own_apps;  // patients' own
  for (const stack::Document* app : stack.all("app"))
    if (app->text("for") == "individual") own_apps.insert(app->text("system"));
  for (const stack::Document* system : stack.all("system")) {
    const stack::Value* proves = system->find("proves");
    if (proves == nullptr) continue;
    for (const stack::Value& proof : proves->items) {
      const std::string san = text(proof, "mtls-san").empty() ? text(proof, "uri") : text(proof, "mtls-san");
      Result<void> added;
      added.ignore();
      if (!san.empty())
        added = directory->add_system(system->id, {san, {}, {}});
      else if (own_apps.contains(system->id))
        added = directory->add_app(system->id, text(proof, "issuer"), text(proof, "client"));
      else
        added = directory->add_system(system->id, {{}, text(proof, "issuer"), text(proof, "client")});
      if (!added) return Error{added.error().code, stack.where(proof.place) + ": " + added.error().message};
    }
  }
  for (const stack::Document* person : stack.all("person")) {
    if (person->text("status") == "ended") continue;
    const stack::Value* logins = person->find("logins");
    if (logins == nullptr) continue;
    for (const stack::Value& login : logins->items) {
      if (text(login, "subject").empty()) continue;
      auto added = directory->add_person(person->id, text(login, "issuer"), text(login, "subject"));
      if (!added) return Error{added.error().code, stack.where(login.place) + ": " + added.error().message};
    }
  }
  return std::shared_ptr<const identity::Directory>(std::move(directory));
}

std::pair<std::string, std::string> split_url(const std::string& url) {  // origin, path with a slash at its end
  const auto scheme = url.find("://");
  const auto slash = scheme == std::string::npos ? std::string::npos : url.find('/', scheme + 3);
  std::string path = slash == std::string::npos ? "/" : url.substr(slash);
  if (!path.ends_with('/')) path += '/';
  return {url.substr(0, slash), path};
}

// What each caller's flow declares to send on a route: the gate can't tell classes apart there, so all of them must be licensed.
std::map<std::string, std::vector<license::ClassId>> sends_of(const stack::Stack& stack, const stack::Document& route,
                                                              const license::Table& table) {
  std::map<std::string, std::vector<license::ClassId>> out;
  const license::ClassMap& classes = table.classes();
  for (const stack::Document* flow : stack.all("flow")) {
    if (flow->text("via") != route.id || flow->text("to") != route.text("reaches")) continue;
    for (std::uint32_t i = 0; i < classes.size(); ++i)
      for (const std::string_view pattern : flow->list("data"))
        if (rules::covers(pattern, classes.name(license::ClassId{i}))) {
          out[std::string(flow->text("from"))].push_back(license::ClassId{i});
          break;
        }
  }
  return out;
}

gate::Speaks speaks_of(std::string_view word) {
  if (word == "fhir-r4") return gate::Speaks::fhir_r4;
  if (word == "llm.openai") return gate::Speaks::llm_openai;
  if (word == "llm.anthropic") return gate::Speaks::llm_anthropic;
  return gate::Speaks::http;
}

// What reads text, from the data in the program.
struct Reader {
  Reader(deid::Lexicon words, deid::Model weights) : lexicon(std::move(words)), model(std::move(weights)) {}
  deid::Lexicon lexicon;
  deid::Model model;
  deid::TextEngine engine{lexicon, &model};
};

// From an epoch to what the gate works from. Upstreams are kept from table to table: their connections outlive a reload.
class Policies {
 public:
  explicit Policies(const Config& config) : config_(config) {}

  Result<std::shared_ptr<const gate::Policy>> make(const epoch::Epoch& epoch) {
    const stack::Stack& stack = *epoch.world.stack;
    auto policy = std::make_shared<gate::Policy>();
    policy->epoch = epoch.number;
    // Shares the epoch's ownership: the table lives as long as anyone decides by it.
    policy->table = std::shared_ptr<const license::Table>(keep_, &*epoch.world.table);
    LICET_TRY(directory, directory_of(stack));
    policy->directory = std::move(directory);
    for (const stack::Document* doc : stack.all("route")) {
      gate::Route route;
      route.id = doc->id;
      route.listens = doc->text("listens");
      route.serves = doc->text("serves");
      route.reaches = doc->text("reaches");
      route.speaks = speaks_of(doc->text("speaks"));
      for (const std::string_view a : doc->list("accepts")) route.accepts.emplace_back(a);
      route.observe = doc->text("mode") == "observe";
      if (auto until = parse_date(doc->text("observe-until")); until && route.observe)
        route.observe_until = stack.zone.start(*until + std::chrono::days(1));
      for (const stack::Document* app : stack.all("app"))
        for (const std::string_view origin : app->list("cors-origins")) route.cors_origins.emplace_back(origin);
      RouteConfig configured;
      if (const auto it = config_.routes.find(doc->id); it != config_.routes.end()) configured = it->second;
      if (configured.forwards.empty()) configured.forwards = doc->text("forwards");
      if (configured.forwards.empty())
        return Error{Code::invalid_argument, stack.where(doc->place) + ": route " + doc->id +
                                                 " has no address: give `forwards` here or under `routes` in licet.yaml"};
      std::tie(route.origin, route.base) = split_url(configured.forwards);
      route.says = configured.says;
      LICET_TRY(upstream, upstream_of(route.origin, configured, gate::is_llm(route.speaks)));
      route.upstream = std::move(upstream);
      if (gate::is_llm(route.speaks)) {
        LICET_TRY(reader, reader_of(configured.language, doc->id));
        route.reader = std::move(reader);
        if (!configured.api_key.empty()) {
          LICET_TRY(key, crypto::read_token_file(configured.api_key));
          route.api_key = std::move(key);
        }
      } else if (!configured.api_key.empty()) {
        return Error{Code::invalid_argument, "licet.yaml: routes." + doc->id + ".api-key is for routes that speak llm.*"};
      }
      if (!route.reaches.empty()) route.sends = sends_of(stack, *doc, *policy->table);
      policy->routes.push_back(std::move(route));
    }
    LICET_TRY(library, deid_library(config_.packs, config_.limits));
    policy->deid = std::move(library);
    LICET_TRY_VOID(gate::prepare(*policy));
    return policy;
  }
  void hold(std::shared_ptr<const epoch::Epoch> epoch) { keep_ = std::move(epoch); }

 private:
  Result<std::shared_ptr<const deid::TextEngine>> reader_of(const std::string& language, const std::string& route) {
    std::shared_ptr<Reader>& reader = readers_[language];
    if (!reader) {
      if (deid_model(language).empty())
        return Error{Code::invalid_argument, "licet.yaml: routes." + route + ".language: en and es are what text is read in"};
      LICET_TRY(lexicon, deid::Lexicon::load(deid_lexicon()));
      LICET_TRY(model, deid::Model::load(deid_model(language)));
      reader = std::make_shared<Reader>(std::move(lexicon), std::move(model));
    }
    return std::shared_ptr<const deid::TextEngine>(reader, &reader->engine);
  }
  Result<std::shared_ptr<http::Upstream>> upstream_of(const std::string& origin, const RouteConfig& configured, bool model) {
    std::shared_ptr<http::Upstream>& upstream =
        upstreams_[origin + "\n" + configured.ca + "\n" + configured.certificate + (model ? "\nmodel" : "")];
    if (upstream) return upstream;
    http::UpstreamOptions options;
    options.url = origin;
    options.ca_file = configured.ca;
    options.certificate_file = configured.certificate;
    options.key_file = configured.key;
    options.limits = config_.limits;
    if (model) {  // as long as the providers' own libraries wait, while a model thinks
      options.limits.answer_wait = 10min;
      options.limits.body_wait = 2min;
    }
    LICET_TRY(made, http::make_upstream(std::move(options)));
    upstream = std::move(made);
    return upstream;
  }

  const Config& config_;
  std::shared_ptr<const epoch::Epoch> keep_;
  std::map<std::string, std::shared_ptr<http::Upstream>> upstreams_;
  std::map<std::string, std::shared_ptr<Reader>> readers_;
};

Result<identity::Identity::Options> identity_options(const Config& config, const State& state, Outbound& outbound) {
  identity::Identity::Options options;
  for (const IssuerConfig& i : config.issuers) {
    identity::Issuer issuer;
    issuer.issuer = i.issuer;
    issuer.says = i.says;
    if (i.jwks.starts_with("https://") || i.jwks.starts_with("http://")) {
      issuer.jwks_url = i.jwks;
    } else {
      LICET_TRY(text, store::real_files().read_all(i.jwks, 1024 * 1024));
      issuer.jwks = text;
    }
    options.issuers.push_back(std::move(issuer));
  }
  options.audience = config.audience;
  options.node = state.origin;
  options.token_key = &state.keys->token_key();
  options.outbound = &outbound;
  options.limits = config.limits;
  LICET_TRY_VOID(identity::Identity::check(options));
  return options;
}

// What reaches the provider of people's log-in: its origin and nothing else.
Result<std::unique_ptr<Outbound>> provider_outbound(const Config& config) {
  http::OutboundOptions options;
  if (!config.console_more.oidc_issuer.empty()) options.allow.push_back(split_url(config.console_more.oidc_issuer).first);
  options.ca_file = config.console_more.oidc_ca;
  options.limits = config.limits;
  return http::make_outbound(std::move(options));
}

Result<console::OidcOptions> provider_of(const Config& config, Outbound* outbound) {
  const ConsoleConfig& c = config.console_more;
  console::OidcOptions out{c.oidc_issuer, c.oidc_client, {}, c.oidc_name, c.oidc_factor == "required", outbound};
  if (c.oidc_secret.empty()) return out;
  LICET_TRY(secret, store::real_files().read_all(c.oidc_secret, 4096));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == ' ')) secret.pop_back();
  out.secret = std::move(secret);
  return out;
}

http::Server::Options server_options(const Listen& listen, const Config& config) {
  http::Server::Options options;
  options.address = listen.address;
  options.port = listen.port;
  options.threads = config.threads;
  options.limits = config.limits;
  if (!listen.certificate.empty())
    options.tls = http::ServerTls{listen.certificate, listen.key, listen.client_ca,
                                  listen.client_ca.empty() ? http::ClientCertificate::none : http::ClientCertificate::optional};
  return options;
}

Result<void> note(ledger::Ledger& ledger, std::string_view act) {
  ledger::Draft draft;
  draft.kind = ledger::Kind::lifecycle;
  draft.actor = "licet";
  draft.payload = nlohmann::json{{"act", act}, {"build", LICET_VERSION}}.dump();
  LICET_TRY(recorded, ledger.append_and_wait(std::move(draft)));
  (void)recorded;
  return {};
}

Result<int> serve(Config config) {
  // Signals are taken by this thread alone, at the end; every thread made below inherits the mask.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, s);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  store::FileSystem& files = store::real_files();
  LICET_TRY(sources, epoch::read_sources(files, config.stack, config.limits));
  const stack::Loaded loaded = stack::load(sources, config.limits);
  if (!loaded.stack) {
    for (const stack::Problem& p : loaded.problems) fmt::print(stderr, "{}/{}\n", config.stack, p.text());
    return Error{Code::invalid_argument, "the declaration has problems: nothing is served until it parses"};
  }
  LICET_TRY(state, open_state(config, loaded.stack->tenant));
  if (!config.clock_file.empty()) log::warn("the time is read from {}: for tests only", config.clock_file);
  if (config.audience.empty()) config.audience = fmt::format("https://{}:{}", config.gate.address, config.gate.port);

  http::OutboundOptions reach;
  for (const IssuerConfig& i : config.issuers)
    if (i.jwks.starts_with("http")) reach.allow.push_back(i.jwks);
  for (const IssuerConfig& i : config.issuers)
    if (!i.ca.empty()) reach.ca_file = i.ca;
  reach.limits = config.limits;
  LICET_TRY(outbound, http::make_outbound(std::move(reach)));
  LICET_TRY(who, identity_options(config, *state, *outbound));
  identity::Identity identity(std::move(who));

  gate::Gate::Options gate_options;
  gate_options.ledger = state->ledger.get();
  gate_options.identity = &identity;
  gate_options.blind = state->blind.get();
  gate_options.token_key = &state->keys->token_key();
  gate_options.random = &state->random;
  gate_options.node = state->origin;
  gate_options.audience = config.audience;
  gate_options.limits = config.limits;
  gate::Gate gate(std::move(gate_options));
  LICET_TRY_VOID(console::restore_releases(*state->ledger, gate.holds(), state->ledger->now()));

  Policies policies(config);
  epoch::Keeper::Options keeper_options;
  keeper_options.folders = {config.stack, config.packs};
  keeper_options.snapshots = config.state + "/snapshots";
  keeper_options.files = &files;
  keeper_options.ledger = state->ledger.get();
  keeper_options.keys = state->keys.get();
  keeper_options.blind = state->blind.get();
  keeper_options.clock = state->clock.get();
  keeper_options.build = LICET_VERSION;
  keeper_options.limits = config.limits;
  keeper_options.overlaid = [&](std::shared_ptr<const license::Overlay> overlay) { gate.overlaid(std::move(overlay)); };
  keeper_options.adopted = [&](std::shared_ptr<const epoch::Epoch> epoch) -> Result<void> {
    policies.hold(epoch);
    LICET_TRY(policy, policies.make(*epoch));
    gate.adopt(std::move(policy));
    return {};
  };
  keeper_options.stale = [&](std::optional<Micros> since) { gate.stale(since); };
  keeper_options.failed = [&] { gate.give_up_waiting(); };
  epoch::Keeper keeper(std::move(keeper_options));
  LICET_TRY_VOID(note(*state->ledger, "start"));
  LICET_TRY_VOID(keeper.start());

  identity::Accounts accounts({&files, accounts_of(config), state->keys.get(), &state->random});
  LICET_TRY_VOID(accounts.load());
  LICET_TRY(provider_reach, provider_outbound(config));
  LICET_TRY(provider, provider_of(config, provider_reach.get()));
  const std::string bundles = std::filesystem::absolute(config.state + "/bundles");
  std::error_code swept;
  std::filesystem::remove_all(bundles, swept);  // what a former process left on its way
  console::Console console({.gate = &gate,
                            .keeper = &keeper,
                            .ledger = state->ledger.get(),
                            .keys = state->keys.get(),
                            .random = &state->random,
                            .build = LICET_VERSION,
                            .packs = config.packs,
                            .stack = config.stack,
                            .bundles = bundles,
                            .state = config.state,
                            .snapshots = config.state + "/snapshots",
                            .accounts = &accounts,
                            .origin = state->origin,
                            .oidc = std::move(provider),
                            .document_text =
                                [](const std::string& name, const std::string& bytes) {
                                  std::vector<std::string> notes;
                                  return document_text(name, bytes, false, notes);
                                },
                            .url = config.console_more.url,
                            .limits = config.limits});
  LICET_TRY_VOID(console.start());
  console::Admin admin({.gate = &gate,
                        .keeper = &keeper,
                        .ledger = state->ledger.get(),
                        .keys = state->keys.get(),
                        .random = &state->random,
                        .packs = config.packs,
                        .build = LICET_VERSION,
                        .stack = config.stack,
                        .accounts = &accounts});
  LICET_TRY(gate_server, http::Server::start(server_options(config.gate, config), gate));
  http::Server::Options console_options = server_options(config.console, config);
  console_options.threads = 1;
  LICET_TRY(console_server, http::Server::start(std::move(console_options), console));
  http::Server::Options admin_options;
  admin_options.unix_path = socket_of(config);
  admin_options.threads = 1;
  admin_options.limits = config.limits;
  LICET_TRY(admin_server, http::Server::start(std::move(admin_options), admin));

  const std::string gate_url =
      fmt::format("{}://{}:{}", config.gate.certificate.empty() ? "http" : "https", config.gate.address, gate_server->port());
  // With accounts there is no key: people log in with theirs.
  const std::string console_url =
      fmt::format("{}://{}:{}/{}", config.console.certificate.empty() ? "http" : "https", config.console.address, console_server->port(),
                  console.key().empty() ? "" : "?key=" + console.key());
  fmt::print("ready\n  gate     {}\n  console  {}\n  socket   {}\n  ledger   {} ({} entries)\n", gate_url, console_url, socket_of(config),
             state->origin, state->ledger->head().size);
  std::fflush(stdout);

  for (;;) {
    int got = 0;
    timespec second{1, 0};
    got = sigtimedwait(&signals, nullptr, &second);
    if (state->ledger->poisoned()) {
      log::error("the ledger can't be trusted any more (a write or sync failed): stopping; the next start recovers it");
      std::_Exit(kFailed);  // no destructor may write to it
    }
    if (got == SIGHUP) keeper.look_now();
    if (got == SIGINT || got == SIGTERM) break;
  }
  log::info("stopping: open exchanges get {} s to end", config.limits.shutdown_wait.count() / 1000);
  console.stop();
  console_server->stop();
  admin_server->stop();
  gate_server->stop();
  gate.stop();
  keeper.stop();
  if (auto noted = note(*state->ledger, "stop"); !noted) log::warn("the stop could not be recorded: {}", noted.error().message);
  if (auto sealed = state->ledger->checkpoint(); !sealed) log::warn("no last checkpoint: {}", sealed.error().message);
  return kClean;
}

int run_serve(const ServeArgs& args) {
  auto config = read_config(args.config);
  if (!config) return fail(config.error());
  if (args.print_config) {
    fmt::print("{}", print(*config));
    return kClean;
  }
  if (args.check_config) {
    fmt::print("{}: sound\n", args.config);
    return kClean;
  }
  auto code = serve(*std::move(config));
  return code ? *code : fail(code.error());
}

}  // namespace

void add_serve(CLI::App& app, Run& run) {
  auto args = std::make_shared<ServeArgs>();
  CLI::App* c = app.add_subcommand("serve", "Enforce: run the gate, the ledger and the console of one node");
  c->add_option("config", args->config, "licet.yaml")->capture_default_str();
  c->add_flag("--check-config", args->check_config, "read the configuration and stop");
  c->add_flag("--print-config", args->print_config, "print the effective configuration and stop");
  c->footer(
      "Reloads the declaration by itself when a file changes (SIGHUP: at once). Ends on SIGTERM or Ctrl-C.\n\n"
      "  licet serve examples/riverbend/licet.yaml");
  c->callback([args, &run] { run = [args] { return run_serve(*args); }; });
}

}  // namespace licet::cli
