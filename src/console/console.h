// The console: one page and a small read-only API about what this node does now. No PHI: ids of declared things, counts, sentences.
//
//   console::Console console({.gate = &gate, .keeper = &keeper, .ledger = &ledger, .random = &random, .build = "0.1.0"});
//   LICET_TRY(server, http::Server::start(options, console));               // loopback, or TLS
//   fmt::print("http://127.0.0.1:{}/?key={}\n", server->port(), console.key());
//
//   GET /                       the page; without a session, how to sign in
//   GET /?key=K, POST /login    K for a cookie (HttpOnly, SameSite=Strict, 12 h); scripts send `Authorization: Bearer K` instead
//   GET /api/v1/status          epoch, packs, counters, findings by status, what is stale or only observes
//   GET /api/v1/licenses        ?offset=&limit= (at most 500): {"items","total","next","epoch"}; `next` is null at the end
//   GET /api/v1/findings        the same; ?status=fail,stale
//   GET /api/v1/grounds         the same
//   GET /api/v1/exchanges       ?after=N&limit=: what happened since N, newest first, and the N to ask with next. From memory (500 at most)
//   GET /metrics, /healthz      Prometheus text; "ok". Open to all: counts by declared things only
//
// Who may: this first floor has one secret, made at each start and printed to whoever started the program. Roles (who may see findings, who
// sentences) come with the console issue. Log-ins are on the ledger (`login`), failed ones up to ten a minute: 45 CFR 164.308(a)(5)(ii)(C).
// Cookies don't keep ports apart: another server on the same host name sees this one. The gate drops cookies.
// Errors are problem documents (RFC 9457). Thread rule: handle() on any I/O thread; a log-in blocks its thread for one ledger append.
#pragma once

#include <array>
#include <deque>
#include <mutex>
#include <string>

#include "base/random.h"
#include "epoch/keeper.h"
#include "gate/gate.h"
#include "http/handler.h"
#include "ledger/ledger.h"

namespace licet::console {

struct Reply;

class Console final : public http::Handler {
 public:
  struct Options {
    const gate::Gate* gate = nullptr;  // all outlive the console
    const epoch::Keeper* keeper = nullptr;
    ledger::Ledger* ledger = nullptr;
    Random* random = nullptr;
    std::string build;
  };
  explicit Console(Options options);
  ~Console() override;

  // The secret of this start: 32 hex digits.
  [[nodiscard]] const std::string& key() const { return key_; }

  [[nodiscard]] Task<void> handle(http::Request request, http::Body& body, http::Responder& responder) override;

 private:
  [[nodiscard]] Reply answer(const http::Request& request, const std::string& body);
  [[nodiscard]] Reply sign_in(const http::Request& request, std::string_view given);
  [[nodiscard]] bool signed_in(const http::Request& request);
  [[nodiscard]] bool is_key(std::string_view given) const;
  void record_login(bool good);

  struct Session {
    std::string id;
    Micros until;
  };
  Options options_;
  std::string key_;
  std::string page_, policy_;  // the page, and the Content-Security-Policy that names its one style and script by hash
  std::mutex mutex_;
  std::deque<Session> sessions_;  // at most 64: the oldest goes
  Micros minute_{};               // of failed log-ins
  unsigned failed_ = 0;
};

}  // namespace licet::console
