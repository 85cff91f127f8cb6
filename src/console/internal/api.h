// /api/v1: one table of routes, each with the act that it needs (identity/roles.h); docs/api/openapi.yaml describes them, and console_test
// holds the two against each other.
//
//   const Route* route = find_route("GET", "findings");      // nullptr: nothing at this address
//   Reply reply = api.answer(*route, request, who, body);    // on a worker: it may take a second
//
// The caller has found out who asks, and that a write came from our own page. Here: may they (403), do they see it (left out, 404). Answers
// that depend on the epoch alone are kept, with their tag, until the next. Any thread.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "console/internal/acts.h"
#include "console/internal/door.h"
#include "console/internal/past.h"
#include "console/internal/records.h"
#include "console/internal/reply.h"
#include "console/internal/sight.h"
#include "console/internal/views.h"
#include "identity/accounts.h"

namespace licet::console {

struct Visit;
class Api;

struct Route {
  std::string_view method, path;  // below /api/v1/
  identity::Act act;
  bool slow;  // seconds: a lane of its own
  bool kept;  // depends on the epoch alone
  Reply (Api::*answer)(const Visit&);
};
[[nodiscard]] std::span<const Route> routes();
// nullptr: none; `there`: another method has that path.
[[nodiscard]] const Route* find_route(std::string_view method, std::string_view path, bool& there);

class Api {
 public:
  struct Options {
    Desk desk;
    identity::Accounts* accounts = nullptr;  // null: none
    Door* door = nullptr;
    Passes* keys = nullptr;
    Passes* links = nullptr;
    Records* records = nullptr;
    Past* past = nullptr;
    HeldList* held = nullptr;
    store::FileSystem* files = nullptr;
    std::function<Result<std::string>(const std::string& name, const std::string& bytes)> document_text;
    std::string build, packs, stack, bundles, origin;
  };
  explicit Api(Options options) : options_(std::move(options)) {}

  [[nodiscard]] Reply answer(const Route& route, const http::Request& request, const Who& who, const std::string& body);
  // An exchange as /exchanges shows it; empty: not for who sees only that.
  [[nodiscard]] std::string exchange(const gate::Glimpse& glimpse, std::span<const std::string> owners) const;
  [[nodiscard]] nlohmann::json session(const Who& who) const;
  // The page of a trust link; 404 where it holds no more.
  [[nodiscard]] Reply trust_link(std::string_view token);
  // Makes what the first screens will ask for, before anybody does.
  void warm();

 private:
  friend std::span<const Route> routes();
  using EpochRef = std::shared_ptr<const epoch::Epoch>;

  [[nodiscard]] Reply status(const Visit&);
  [[nodiscard]] Reply findings(const Visit&);
  [[nodiscard]] Reply groups(const Visit&);
  [[nodiscard]] Reply epochs(const Visit&);
  [[nodiscard]] Reply requests(const Visit&);
  [[nodiscard]] Reply licenses(const Visit&);
  [[nodiscard]] Reply grounds(const Visit&);
  [[nodiscard]] Reply agreements(const Visit&);
  [[nodiscard]] Reply map(const Visit&);
  [[nodiscard]] Reply rules(const Visit&);
  [[nodiscard]] Reply vocabulary(const Visit&);
  [[nodiscard]] Reply may(const Visit&);
  [[nodiscard]] Reply why(const Visit&);
  [[nodiscard]] Reply explained(const Visit&);
  [[nodiscard]] Reply exchanges(const Visit&);
  [[nodiscard]] Reply events(const Visit&);  // never called: a stream is the console's own
  [[nodiscard]] Reply held(const Visit&);
  [[nodiscard]] Reply suspensions(const Visit&);
  [[nodiscard]] Reply source(const Visit&);
  [[nodiscard]] Reply cut(const Visit&);
  [[nodiscard]] Reply session(const Visit&);
  [[nodiscard]] Reply roles(const Visit&);
  [[nodiscard]] Reply users(const Visit&);
  [[nodiscard]] Reply list_keys(const Visit&);
  [[nodiscard]] Reply make_key(const Visit&);
  [[nodiscard]] Reply revoke_key(const Visit&);
  [[nodiscard]] Reply entries(const Visit&);
  [[nodiscard]] Reply counts(const Visit&);
  [[nodiscard]] Reply commits(const Visit&);
  [[nodiscard]] Reply since(const Visit&);
  [[nodiscard]] Reply proposed(const Visit&);
  [[nodiscard]] Reply fact_kinds(const Visit&);
  [[nodiscard]] Reply reports(const Visit&);
  [[nodiscard]] Reply report(const Visit&);
  [[nodiscard]] Reply trust(const Visit&);
  [[nodiscard]] Reply trust_links(const Visit&);
  [[nodiscard]] Reply make_trust_link(const Visit&);
  [[nodiscard]] Reply revoke_trust_link(const Visit&);
  [[nodiscard]] Reply propose_change(const Visit&);
  [[nodiscard]] Reply commit(const Visit&);
  [[nodiscard]] Reply record_fact(const Visit&);
  [[nodiscard]] Reply suspend_it(const Visit&);
  [[nodiscard]] Reply lift_it(const Visit&);
  [[nodiscard]] Reply release_it(const Visit&);
  [[nodiscard]] Reply bundle(const Visit&);

  // Finds the quoted words of agreements whose text takes a child process to read, and keeps them.
  void read_documents(const epoch::Epoch& epoch);
  [[nodiscard]] std::shared_ptr<const FindingIndex> index_of(const EpochRef& epoch);
  [[nodiscard]] Result<EpochRef> asked_for(const Visit&);
  // An administrative act, on the ledger. unavailable: it was not recorded.
  [[nodiscard]] Result<std::uint64_t> note(const std::string& by, const nlohmann::json& payload);
  [[nodiscard]] Reply end_pass(const Visit& v, Passes& passes, const char* act);

  Options options_;
  std::mutex mutex_;
  // Of the epoch in force: answers by address and sight. The oldest goes when they are more than 64 MB.
  EpochRef kept_of_;
  std::unordered_map<std::string, std::shared_ptr<const Reply>> kept_;
  std::list<std::string> order_;
  std::size_t kept_bytes_ = 0;
  std::list<std::shared_ptr<const FindingIndex>> indexes_;  // newest first, four at most
  struct Quoted {
    Digest of{};                                // the document's bytes
    std::map<std::string, std::string> quotes;  // digest of the words → the words; "": it no longer holds them
  };
  std::map<std::string, Quoted> quoted_;  // by path, of documents that are no plain text
};

}  // namespace licet::console
