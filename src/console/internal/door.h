// Who is at the door: sessions, the three ways to log in, API keys. What they may do then is identity/roles.h.
//
//   Door door({&ledger, &random, &accounts, &keys, key_of_this_start});
//   const Who who = door.who(request);                          // who.known
//   LICET_TRY(entered, door.log_in(request, {.name = …, .password = …, .code = …}));   // entered.cookie
//
// A session is new at every log-in, whatever cookie came with it; it ends after 15 minutes without use, 12 hours after it began, with a
// log-off, and at once when its account ends, is over, or is given another password. Log-ins, failures (ten a minute at most) and log-offs
// of each kind are on the ledger. The key of the first start counts only while there is no account. An API key ends with the account that
// made it. Any thread; a log-in takes 0.1 s.
// Source: 45 CFR 164.308(a)(5)(ii)(C), 164.312(a)(2)(iii), 164.312(d).
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "console/internal/passes.h"
#include "http/handler.h"
#include "identity/accounts.h"
#include "identity/roles.h"
#include "ledger/ledger.h"

namespace licet::console {

struct Who {
  bool known = false;
  std::string user;  // as the ledger keeps it
  std::string name;
  std::string role;  // of identity/roles.h, or "key"
  identity::Acts acts;
  std::vector<std::string> owners;
  std::string via;  // key | password | oidc | api-key
  std::optional<Micros> until;
  std::string csrf;     // of a session: what its writes must carry
  std::string session;  // its id; empty: none
};

class Door {
 public:
  struct Options {
    ledger::Ledger* ledger = nullptr;  // all outlive it
    Random* random = nullptr;
    identity::Accounts* accounts = nullptr;  // null: there are none, ever
    Passes* keys = nullptr;
    std::string key;  // of the first start
  };
  explicit Door(Options options) : options_(std::move(options)) {}

  // `use`: it keeps a session open, unless the request says that nobody is at it.
  [[nodiscard]] Who who(const http::Request& request, bool use = true);
  // The same of a session alone: for streams.
  [[nodiscard]] Who who_of(std::string_view session);
  [[nodiscard]] bool first() const { return options_.accounts == nullptr || !options_.accounts->any(); }
  [[nodiscard]] bool is_key(std::string_view given) const;

  struct Given {
    std::string key;
    std::string name, password, code;
    bool by_key = false;
  };
  struct Entered {
    Who who;
    std::string cookie;  // of Set-Cookie
  };
  // permission_denied: wrong; exhausted: too many failures from there, or of that name; failed_precondition: over.
  [[nodiscard]] Result<Entered> log_in(const http::Request& request, const Given& given, const Zone& zone);
  // Known by the provider already.
  [[nodiscard]] Result<Entered> enter(const http::Request& request, const identity::Account& account, const Zone& zone);
  void failed(const http::Request& request, std::string_view name);
  // The Set-Cookie that takes it away.
  [[nodiscard]] std::string log_off(const http::Request& request);
  [[nodiscard]] std::map<std::string, Micros> last() const;  // log-ins since the start, by name

  static constexpr std::size_t kMostSessions = 256;
  static constexpr std::chrono::hours kLife{12};
  static constexpr std::chrono::minutes kIdle{15};

 private:
  struct Session {
    std::string id, csrf, user, via;
    std::uint64_t stamp = 0;  // of the account
    Micros until{}, used{};
  };
  [[nodiscard]] Who of(const Session& session) const;
  [[nodiscard]] Entered open(const http::Request& request, Session session, std::string_view role);
  void sweep(Micros now);
  void note(std::string_view act, std::string_view who, std::string_view by, std::string_view role = {});
  [[nodiscard]] bool too_many(const http::Request& request);

  Options options_;
  mutable std::mutex mutex_;
  std::deque<Session> sessions_;
  std::map<std::string, unsigned> failures_;  // of this minute, by address
  Micros minute_{};
  unsigned noted_ = 0;
  std::map<std::string, Micros> last_;
};

// Of the Cookie field; empty: none.
[[nodiscard]] std::string cookie_of(const http::Request& request, std::string_view name);

}  // namespace licet::console
