// licet.yaml: ports, files and limits of one node. What the law judges is the stack; what a machine needs is here.
//
//   LICET_TRY(config, read_config("examples/riverbend/licet.yaml"));
//   config.gate.port;  config.route("fhir-front")->forwards;
//
// Unknown keys are errors with file:line:column. Relative paths are relative to the file. Secrets only by file. docs/operating.md lists all
// keys.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace licet::cli {

struct Listen {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  std::string certificate, key;        // PEM files; empty: plain, loopback only
  std::vector<std::string> client_ca;  // who may sign client certificates (mTLS)
};

struct RouteConfig {
  std::string forwards;  // overrides the stack's address
  std::string says;      // what the upstream calls itself in links, where that is another address
  std::string ca;        // PEM: whom to believe upstream; empty: the system's
  std::string certificate, key;
  std::string api_key;          // file: the gate's own key to a language model's provider, on routes that speak llm.*
  std::string language = "en";  // of prompts: which model of the text engine reads them
};

struct IssuerConfig {
  std::string issuer;  // as in `proves` and `logins` of the stack, and as `iss` in tokens unless `says` differs
  std::string says;    // what the issuer really writes as `iss`, where the stack uses another name for it
  std::string jwks;    // https://… (http:// on loopback only) or a file
  std::string ca;
};

// Of the console beyond its listener.
struct ConsoleConfig {
  std::string url;  // as browsers reach it; empty: as they say
  // An OpenID provider at which people log in.
  std::string oidc_issuer, oidc_client, oidc_name, oidc_ca;
  std::string oidc_secret;               // file; empty: a public client
  std::string oidc_factor = "required";  // or "trusted": the provider need not say that it asked for a second one
};

struct NotifyConfig {
  std::string url;                     // the webhook that `licet notify` posts to
  std::string ca;                      // PEM; empty: the system's
  std::string secret;                  // file with the key that signs what is posted; empty: unsigned
  std::string mail;                    // an address that is told by mail, besides or instead
  std::string from;                    // whose address the mail bears; empty: the same
  std::string relay = "127.0.0.1:25";  // this machine's mail relay
};

struct Config {
  std::string file;
  std::string stack;  // folder
  std::string packs;  // folder
  std::string state = "state";
  std::string node = "node-1";
  std::string kek;       // default: state/keys/kek
  std::string audience;  // what access tokens must be for; default: the gate's own https://address:port
  Listen gate{.port = 8443};
  Listen console{.port = 8080};
  ConsoleConfig console_more;
  unsigned threads = 0;
  std::vector<IssuerConfig> issuers;
  std::map<std::string, RouteConfig> routes;
  NotifyConfig notify;
  std::string clock_file;  // for tests: a file that holds "now"; every use is logged and on the ledger
  Limits limits;
};

[[nodiscard]] Result<Config> read_config(const std::string& path);
// The effective values, as YAML.
[[nodiscard]] std::string print(const Config& config);

// The folder of packs that came with the program: beside it (build tree), or /usr/share/licet/packs. $LICET_PACKS overrides.
[[nodiscard]] std::string default_packs();

}  // namespace licet::cli
