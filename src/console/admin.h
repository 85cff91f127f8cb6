// What the node's own user tells it, through state/licet.sock (mode 0600; the peer's uid is checked again here). JSON in, JSON out.
//
//   console::Admin admin({.gate = &gate, .keeper = &keeper, .ledger = &ledger, .keys = &keys, .random = &random, .build = "0.1.0"});
//   options.unix_path = "state/licet.sock";
//   LICET_TRY(server, http::Server::start(options, admin));
//
//   POST /record   {kind, subject, object, patient, class, purpose, from, until, by}  → {"index"}: the fact is on the ledger and in the
//   overlay POST /suspend  {id, by}, POST /lift {id, by}                                      → {"index"} POST /release  {reference, until,
//   by}     until: RFC 3339, 24 h from now where absent, 30 days at most → {"index","until"} POST /reload reads the declaration now → {}
//   POST /prove    {folder, from, to, vendor, patient, by}   an absolute, new or empty folder → {"folder","files","entries","manifest"}
//   POST /user     {act, name, …}: account_act.h → what only the person may know, once
//   GET  /explain?ref=R   → {"sentence","reason","meaning","decision","mend","finding","license","entries":[…]}
//   GET  /facts?kind=     → {"facts":[…]}: a fact about a patient says only that it is
//   GET  /tallies      → {"now","tallies":[…]}: exchanges counted by what they had in common (ledger/tally.h)
//   GET  /status, /head   → as the console's status; {"size","root","time","checkpoint"}
//
// Refusals are problem documents: 400 what is wrong and the remedy, 403 another user, 404 no such thing, 409 the wrong state, 503 not
// recorded. Thread rule: handle() on any I/O thread, which it blocks while it works: give it a listener with one thread of its own. Source:
// 45 CFR 164.308(a)(3)-(5), 164.316(b).
#pragma once

#include <string>

#include "base/random.h"
#include "crypto/blind.h"
#include "crypto/keys.h"
#include "epoch/keeper.h"
#include "gate/gate.h"
#include "http/handler.h"
#include "identity/accounts.h"
#include "ledger/ledger.h"
#include "store/file.h"

namespace licet::console {

struct Reply;

class Admin final : public http::Handler {
 public:
  struct Options {
    gate::Gate* gate = nullptr;  // all outlive the admin
    epoch::Keeper* keeper = nullptr;
    ledger::Ledger* ledger = nullptr;
    crypto::KeyRing* keys = nullptr;
    Random* random = nullptr;
    std::string packs;  // folder; kept for `replay`
    std::string build;
    std::string stack;                       // folder below which agreements' documents lie; empty: bundles name no document digests
    store::FileSystem* files = nullptr;      // null: the operating system's
    identity::Accounts* accounts = nullptr;  // null: there are none
  };
  explicit Admin(Options options);

  [[nodiscard]] Task<void> handle(http::Request request, http::Body& body, http::Responder& responder) override;

 private:
  [[nodiscard]] Reply answer(const http::Request& request, const std::string& body);
  [[nodiscard]] Reply facts(std::string_view kind);
  [[nodiscard]] Reply facts_file();
  [[nodiscard]] Reply sign_release(const std::string& manifest, const std::string& by);
  [[nodiscard]] Reply tallies();
  [[nodiscard]] Reply prove(const std::string& body, const std::string& by);
  [[nodiscard]] Reply head();

  Options options_;
  crypto::Blinder blind_;  // facts are read here only to be listed: their patients' tokens mean nothing to anybody
};

// At start: releases that people gave and nobody used yet count again. Reads the whole ledger once.
[[nodiscard]] Result<void> restore_releases(const ledger::Ledger& ledger, gate::Holds& holds, Micros now);

}  // namespace licet::console
