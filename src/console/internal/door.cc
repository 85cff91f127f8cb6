#include "console/internal/door.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace licet::console {
namespace {

using identity::Role;
using nlohmann::json;

constexpr unsigned kFailedPerMinute = 10;  // from one address; and of those that are put on the ledger
constexpr std::size_t kMostAddresses = 1000;

std::string random_hex(Random& random) {
  std::array<std::byte, 16> raw{};
  random.fill(raw);
  return hex(raw);
}

// A cookie of that prefix is bound to this host, path and to TLS by the browser.
std::string_view cookie_name(const http::Request& request) {
  return request.peer.tls ? "__Host-licet_console" : "licet_console";
}

std::string address_of(const http::Request& request) {
  return request.peer.address.substr(0, request.peer.address.rfind(':'));
}

std::string_view bearer_of(const http::Request& request) {
  const std::string* field = request.headers.find("authorization");
  return field != nullptr && field->starts_with("Bearer ") ? std::string_view(*field).substr(7) : std::string_view();
}

bool same(std::string_view a, std::string_view b) {
  return !a.empty() && a.size() == b.size() && crypto::equal_constant_time(as_bytes(a), as_bytes(b));
}

}  // namespace

std::string cookie_of(const http::Request& request, std::string_view name) {
  for (const auto& field : request.headers) {
    if (!http::same_name(field.name, "cookie")) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const auto end = std::min(rest.find(';'), rest.size());
      std::string_view one = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (one.starts_with(' ')) one.remove_prefix(1);
      if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=') return std::string(one.substr(name.size() + 1));
    }
  }
  return {};
}

bool Door::is_key(std::string_view given) const {
  return first() && same(given, options_.key);
}

Who Door::of(const Session& s) const {
  Who out;
  out.user = s.user;
  out.via = s.via;
  out.until = s.until;
  out.csrf = s.csrf;
  out.session = s.id;
  const auto give = [&](Role role) {
    out.role = identity::row(role).name;
    out.acts = identity::row(role).acts;
    out.known = true;
  };
  if (s.via == "key") {
    if (first()) give(Role::starter);
    return out;
  }
  const auto account = options_.accounts == nullptr ? std::nullopt : options_.accounts->find(s.user);
  if (!account || account->ended || account->stamp != s.stamp) return out;
  out.name = account->full_name;
  out.owners = account->owners;
  give(account->role);
  return out;
}

Who Door::who(const http::Request& request, bool use) {
  const Micros now = options_.ledger->now();
  if (const std::string_view bearer = bearer_of(request); !bearer.empty()) {
    Who out;
    if (is_key(bearer)) {
      out.known = true;
      out.role = identity::row(Role::starter).name;
      out.acts = identity::row(Role::starter).acts;
      out.via = "key";
      return out;
    }
    const auto pass = options_.keys == nullptr ? std::nullopt : options_.keys->find(bearer, now);
    if (!pass) return out;
    identity::Acts may = identity::row(Role::starter).acts;
    if (const auto maker = options_.accounts == nullptr ? std::nullopt : options_.accounts->find(pass->by); maker) {
      if (maker->ended || (maker->until && now >= Micros(*maker->until + std::chrono::days(2)))) return out;
      may = identity::row(maker->role).acts;
    }
    for (const std::string& scope : pass->scopes)
      if (const auto act = identity::act_of(scope); act && may.has(*act)) out.acts.add(*act);
    out.known = true;
    out.user = pass->name + "@key";
    out.name = pass->name;
    out.role = "key";
    out.owners = pass->owners;
    out.via = "api-key";
    out.until = pass->until;
    return out;
  }
  const std::string id = cookie_of(request, cookie_name(request));
  sweep(now);
  const std::lock_guard lock(mutex_);
  const auto session = std::find_if(sessions_.begin(), sessions_.end(), [&](const Session& s) { return same(s.id, id); });
  if (session == sessions_.end()) return {};
  Who out = of(*session);
  if (!out.known) {
    sessions_.erase(session);
    return {};
  }
  // A page that looks again by itself, with nobody at it, keeps no session open.
  if (use && request.headers.find("licet-poll") == nullptr) session->used = now;
  return out;
}

Who Door::who_of(std::string_view id) {
  sweep(options_.ledger->now());
  const std::lock_guard lock(mutex_);
  const auto session = std::find_if(sessions_.begin(), sessions_.end(), [&](const Session& s) { return same(s.id, id); });
  return session == sessions_.end() ? Who{} : of(*session);
}

void Door::sweep(Micros now) {
  std::vector<std::pair<std::string, std::string>> gone;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(sessions_, [&](const Session& s) {
      const bool idle = now >= s.used + kIdle, over = now >= s.until;
      if (idle || over) gone.emplace_back(s.user, over ? "logoff-life" : "logoff-idle");
      return idle || over;
    });
  }
  for (const auto& [user, act] : gone) note(act, user, {});
}

void Door::note(std::string_view act, std::string_view who, std::string_view by, std::string_view role) {
  ledger::Draft draft;
  draft.kind = ledger::Kind::login;
  draft.actor = who;
  json payload{{"act", act}, {"through", "console"}};
  if (!by.empty()) payload["by"] = by;
  if (!role.empty()) payload["role"] = role;
  draft.payload = payload.dump();
  auto recorded = options_.ledger->append_and_wait(std::move(draft));
  recorded.ignore();  // a full disk must not keep the officer from seeing why
}

bool Door::too_many(const http::Request& request) {
  const Micros minute = std::chrono::floor<std::chrono::minutes>(options_.ledger->now());
  const std::lock_guard lock(mutex_);
  if (minute != minute_) minute_ = minute, failures_.clear(), noted_ = 0;
  const auto at = failures_.find(address_of(request));
  return at != failures_.end() && at->second >= kFailedPerMinute;
}

void Door::failed(const http::Request& request, std::string_view name) {
  {
    const Micros minute = std::chrono::floor<std::chrono::minutes>(options_.ledger->now());
    const std::lock_guard lock(mutex_);
    if (minute != minute_) minute_ = minute, failures_.clear(), noted_ = 0;
    if (failures_.size() < kMostAddresses) ++failures_[address_of(request)];
    if (++noted_ > kFailedPerMinute) return;  // guessing must not fill the ledger
  }
  // A name that nobody has may be a password in the wrong field.
  const bool known = options_.accounts != nullptr && options_.accounts->find(name).has_value();
  note("login-failed", known ? name : std::string_view(), {});
}

Door::Entered Door::open(const http::Request& request, Session session, std::string_view role) {
  const Micros now = options_.ledger->now();
  session.id = random_hex(*options_.random);
  session.csrf = random_hex(*options_.random);
  session.until = std::min(session.until == Micros{} ? now + kLife : session.until, now + kLife);
  session.used = now;
  Entered out;
  out.cookie = fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", cookie_name(request), session.id,
                           std::chrono::seconds(kLife).count(), request.peer.tls ? "; Secure" : "");
  note("login", session.via == "key" ? "console" : session.user, session.via, role);
  const std::string former = cookie_of(request, cookie_name(request));
  const std::lock_guard lock(mutex_);
  // Whatever cookie came along opens nothing from here on: a session that somebody planted is worth nothing.
  std::erase_if(sessions_, [&](const Session& s) { return same(s.id, former); });
  if (session.via != "key") last_[session.user] = now;
  sessions_.push_back(session);
  if (sessions_.size() > kMostSessions) sessions_.pop_front();
  out.who = of(sessions_.back());
  return out;
}

Result<Door::Entered> Door::log_in(const http::Request& request, const Given& given, const Zone& zone) {
  if (too_many(request)) return Error{Code::exhausted, "too many failures from there: wait a minute"};
  if (given.by_key) {
    if (!is_key(given.key)) {
      failed(request, {});
      return Error{Code::permission_denied, first() ? "that is not the key of this start" : "there are accounts: log in with yours"};
    }
    return open(request, {.via = "key"}, identity::row(Role::starter).name);
  }
  if (options_.accounts == nullptr) {
    failed(request, {});
    return Error{Code::permission_denied, "name, password or code is wrong"};
  }
  auto account = options_.accounts->log_in(given.name, given.password, given.code, options_.ledger->now(), zone);
  if (!account) {
    failed(request, given.name);
    return std::move(account).error();
  }
  Session session{.user = account->name, .via = "password", .stamp = account->stamp};
  if (account->until) session.until = zone.start(*account->until + std::chrono::days(1));
  return open(request, std::move(session), identity::row(account->role).name);
}

Result<Door::Entered> Door::enter(const http::Request& request, const identity::Account& account, const Zone& zone) {
  if (account.ended || account.over(options_.ledger->now(), zone)) return Error{Code::failed_precondition, "this account is over"};
  Session session{.user = account.name, .via = "oidc", .stamp = account.stamp};
  if (account.until) session.until = zone.start(*account.until + std::chrono::days(1));
  return open(request, std::move(session), identity::row(account.role).name);
}

std::string Door::log_off(const http::Request& request) {
  const std::string id = cookie_of(request, cookie_name(request));
  std::optional<std::string> user;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(sessions_, [&](const Session& s) {
      if (!same(s.id, id)) return false;
      user = s.via == "key" ? "console" : s.user;
      return true;
    });
  }
  if (user) note("logout", *user, {});
  return fmt::format("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{}", cookie_name(request), request.peer.tls ? "; Secure" : "");
}

std::map<std::string, Micros> Door::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace licet::console
