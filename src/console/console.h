// The console: the front end, its API, and what a person does through it. No PHI: ids of declared things, counts, sentences.
//
//   console::Console console({.gate = &gate, .keeper = &keeper, .ledger = &ledger, .keys = &keys, .random = &random, .build = "0.1.0"});
//   LICET_TRY_VOID(console.start());
//   LICET_TRY(server, http::Server::start(options, console));               // loopback, or TLS
//   fmt::print("http://127.0.0.1:{}/?key={}\n", server->port(), console.key());
//   …  console.stop();  server->stop();                                     // in this order: what waits for a worker is answered first
//
// What there is: docs/api/openapi.yaml, which tests/web and console_test hold against the program. Besides: GET / and /assets/ (the front
// end, web/, embedded; it holds nothing, so anybody may have it), /plain (one page that needs nothing else), /trust/TOKEN, /healthz and
// /metrics (Prometheus text: counts by declared things only).
//
// Who may: accounts with roles (identity/accounts.h, roles.h), by password and one-time code or at an OpenID provider; API keys with
// scopes; and, while there is no account, the key of this start. Sessions: internal/door.h. Another site's page can't act here: the cookie
// is SameSite=Strict, a write by cookie needs the session's own token in `Licet-Csrf`, and where the browser names an origin it must be
// this one. Cookies don't keep ports apart: another server on the same host name sees this one's, except over TLS (`__Host-`). The gate
// drops cookies. Errors are problem documents (RFC 9457). Thread rule: handle() on any I/O thread; the work is done by two workers, and by
// one more for what takes seconds (bundles, PDF, other commits): beyond their queues callers hear 503.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/limits.h"
#include "base/outbound.h"
#include "base/random.h"
#include "crypto/keys.h"
#include "epoch/keeper.h"
#include "gate/gate.h"
#include "http/handler.h"
#include "identity/accounts.h"
#include "ledger/ledger.h"
#include "store/file.h"

namespace licet::console {

struct Reply;

// An OpenID provider for people's log-in.
struct OidcOptions {
  std::string issuer, client, secret;
  std::string name;              // as people know it
  bool second_factor = true;     // it must say that one was used
  Outbound* outbound = nullptr;  // may reach the issuer's origin
};

class Console final : public http::Handler {
 public:
  struct Options {
    gate::Gate* gate = nullptr;  // all outlive the console
    epoch::Keeper* keeper = nullptr;
    ledger::Ledger* ledger = nullptr;
    crypto::KeyRing* keys = nullptr;
    Random* random = nullptr;
    std::string build;
    std::string packs;                       // folder: proposals are judged by the same packs
    std::string stack;                       // folder of the declaration; empty: no document digests, commits or base commits
    std::string bundles;                     // folder in which a bundle lies while it is made; empty: none is made here
    store::FileSystem* files = nullptr;      // null: the operating system's
    std::string state;                       // folder of index.sqlite, api-keys.json, trust-links.json; empty: in memory only
    std::string snapshots;                   // state/snapshots
    identity::Accounts* accounts = nullptr;  // null: there are none, and the key of this start is the only way
    std::string origin;                      // of the ledger: signs cards
    OidcOptions oidc;                        // issuer empty: none
    // The text of a PDF, DOCX, ODT or HTML document, for quotes of clauses; it is given name and bytes. Null: those aren't quoted.
    std::function<Result<std::string>(const std::string&, const std::string&)> document_text;
    std::string url;  // as browsers reach it, without a path; empty: as the request's Host says
    Limits limits;
  };
  explicit Console(Options options);
  ~Console() override;

  // Opens what lies in `state` and begins to follow the ledger. Without it the console works from memory.
  [[nodiscard]] Result<void> start();
  // Ends streams, answers what waits; later requests hear 503. Once is enough.
  void stop();

  // The secret of this start: 32 hex digits. Empty where accounts are there and it opens nothing.
  [[nodiscard]] std::string key() const;

  [[nodiscard]] Task<void> handle(http::Request request, http::Body& body, http::Responder& responder) override;

 private:
  struct Inside;
  std::unique_ptr<Inside> in_;
};

}  // namespace licet::console
