// The console: the front end, its API, and what a person does through it. No PHI: ids of declared things, counts, sentences.
//
//   console::Console console({.gate = &gate, .keeper = &keeper, .ledger = &ledger, .keys = &keys, .random = &random, .build = "0.1.0"});
//   LICET_TRY(server, http::Server::start(options, console));               // loopback, or TLS
//   fmt::print("http://127.0.0.1:{}/?key={}\n", server->port(), console.key());
//
//   GET /                       the front end (web/, embedded); without a session, how to sign in.  /plain: one page that needs nothing
//   else GET /?key=K, POST /login    K for a cookie (HttpOnly, SameSite=Strict; 12 h, or 15 min without use); scripts send `Authorization:
//   Bearer K` instead POST /logout                ends the session GET /api/v1/…               what is so: docs/api/openapi.yaml, which
//   tests/web holds against the program POST /api/v1/release, /suspend, /lift    what a person does; on the ledger with `by` before it
//   holds GET /metrics, /healthz Prometheus text; "ok". Open to all: counts by declared things only
//
// Who may: this first floor has one secret, made at each start and printed to whoever started the program; `by` is what a person says of
// themselves, as on the command line. Roles (who may see findings, who sentences) are still to come. Log-ins are on the ledger (`login`),
// failed ones up to ten a minute: 45 CFR 164.308(a)(5)(ii)(C). A session ends after 15 min without use, 164.312(a)(2)(iii): requests that
// carry `Licet-Poll` (a page that looks again by itself) are no use. Another site's page can't act here: the cookie is SameSite=Strict, and
// a POST needs the header `Licet-Console: 1` and, where the browser names an origin, this one. Cookies don't keep ports apart: another
// server on the same host name sees this one. The gate drops cookies. Errors are problem documents (RFC 9457). Thread rule: handle() on any
// I/O thread; log-ins and acts block theirs for one ledger append.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/random.h"
#include "crypto/keys.h"
#include "epoch/keeper.h"
#include "gate/gate.h"
#include "http/handler.h"
#include "ledger/ledger.h"
#include "store/file.h"

namespace licet::console {

struct Reply;
class HeldList;

class Console final : public http::Handler {
 public:
  struct Options {
    gate::Gate* gate = nullptr;  // all outlive the console
    epoch::Keeper* keeper = nullptr;
    ledger::Ledger* ledger = nullptr;
    crypto::KeyRing* keys = nullptr;
    Random* random = nullptr;
    std::string build;
    std::string packs;                   // folder: proposals are judged by the same packs
    std::string stack;                   // folder below which agreements' documents lie; empty: bundles name no document digests
    std::string bundles;                 // folder in which a bundle lies while it is made; empty: none is made here
    store::FileSystem* files = nullptr;  // null: the operating system's
  };
  explicit Console(Options options);
  ~Console() override;

  // The secret of this start: 32 hex digits.
  [[nodiscard]] const std::string& key() const { return key_; }

  [[nodiscard]] Task<void> handle(http::Request request, http::Body& body, http::Responder& responder) override;

 private:
  [[nodiscard]] Reply answer(const http::Request& request, const std::string& body);
  [[nodiscard]] Reply read(std::string_view what, std::string_view query);
  [[nodiscard]] Reply propose_change(const nlohmann::json& in);
  [[nodiscard]] Reply bundle(const nlohmann::json& in, const std::string& by);
  [[nodiscard]] Reply act(std::string_view what, const http::Request& request, const std::string& body);
  [[nodiscard]] Reply sign_in(const http::Request& request, std::string_view given);
  [[nodiscard]] Reply sign_out(const http::Request& request);
  [[nodiscard]] bool signed_in(const http::Request& request);
  [[nodiscard]] bool is_key(std::string_view given) const;
  void record_login(bool good);

  struct Session {
    std::string id;
    Micros until;
    Micros used;
  };
  Options options_;
  std::string key_;
  std::string page_, policy_;  // /plain, and the Content-Security-Policy that names its one style and script by hash
  std::unique_ptr<HeldList> held_;
  std::mutex mutex_;
  std::deque<Session> sessions_;  // at most 64: the oldest goes
  Micros minute_{};               // of failed log-ins
  unsigned failed_ = 0;
};

}  // namespace licet::console
