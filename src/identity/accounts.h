// People's accounts of one node: a file, what it keeps secret sealed under the node's keys, and the log-in with password and one-time code.
//
//   Accounts accounts({&files, "state/accounts.json", &keys, &random});
//   LICET_TRY_VOID(accounts.load());                                    // no file: nobody has one
//   LICET_TRY(made, accounts.add({.name = "r-kim", .role = Role::auditor, .until = day}));
//   print(made.password, made.uri, made.recovery);                       // once: they are nowhere else
//   LICET_TRY(who, accounts.log_in("r-kim", password, "287082", now, zone));
//
// The file is JSON that can be read (name, role, end); password hash, one-time secret, the last code's step and the recovery codes are
// sealed with it, so that a changed role opens nothing. A code counts once: its step is on disk before the log-in counts, and an older one
// never does. A recovery code stands in for one code, once. Five failures of a name within 15 minutes lock it for 15 minutes, whether there
// is such a name or not; a restart and unlock() forget that.
//
// Thread rule: any thread; log_in() takes 0.1 s and 64 MiB, one at a time. Errors: invalid_argument (what to write instead),
// already_exists, not_found, permission_denied (log_in: wrong, without saying what; load: changed bytes, another node's keys), exhausted
// (locked), failed_precondition (log_in: over or ended), data_loss and the like from files.
// Source: 45 CFR 164.308(a)(5)(ii)(C)-(D), 164.312(a)(2)(i), 164.312(d); RFC 6238 §5.2; NIST SP 800-63B 5.2.2.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "crypto/keys.h"
#include "crypto/password.h"
#include "identity/roles.h"
#include "store/file.h"

namespace licet::identity {

struct Account {
  std::string name;  // a-z, 0-9, - _ . ; on the ledger as the actor
  std::string full_name;
  Role role = Role::adviser;
  std::vector<std::string> owners;  // organizations whose things are seen; empty: all
  std::optional<Date> until;        // the last day
  bool ended = false;
  bool password = false, totp = false;  // how it logs in
  std::string issuer, subject;          // and at the identity provider; empty: not so
  std::uint64_t stamp = 0;              // another one after every change: sessions of the former end

  [[nodiscard]] bool over(Micros now, const Zone& zone) const { return until && zone.day(now) > *until; }
};

struct NewAccount {
  std::string name, full_name;
  Role role = Role::adviser;
  std::vector<std::string> owners;
  std::optional<Date> until;
  std::string issuer, subject;  // set: logs in there
  bool local = true;            // with a password and one-time codes
  std::string password;         // empty: one is made
};

// What only the person may know. Shown once.
struct Secrets {
  std::string password;  // empty: unchanged, or not by password
  std::string secret, uri;
  std::vector<std::string> recovery;
};

class Accounts {
 public:
  struct Options {
    store::FileSystem* files = nullptr;  // all outlive it
    std::string file;
    crypto::KeyRing* keys = nullptr;
    Random* random = nullptr;
    crypto::PasswordCost cost = {};
  };
  explicit Accounts(Options options) : options_(std::move(options)) {}

  [[nodiscard]] Result<void> load();
  [[nodiscard]] bool any() const;
  [[nodiscard]] std::vector<Account> list() const;
  [[nodiscard]] std::optional<Account> find(std::string_view name) const;
  [[nodiscard]] std::optional<Account> by_subject(std::string_view issuer, std::string_view subject) const;
  [[nodiscard]] bool locked(std::string_view name, Micros now) const;

  // Each is on disk when it returns.
  [[nodiscard]] Result<Secrets> add(const NewAccount& wanted);
  [[nodiscard]] Result<Secrets> renew_password(std::string_view name, std::string password = {});
  [[nodiscard]] Result<Secrets> renew_totp(std::string_view name);
  [[nodiscard]] Result<void> end(std::string_view name);
  void unlock(std::string_view name);

  [[nodiscard]] Result<Account> log_in(std::string_view name, std::string_view password, std::string_view code, Micros now,
                                       const Zone& zone);

  static constexpr unsigned kMostFailures = 5;
  static constexpr std::chrono::minutes kLock{15};

 private:
  struct Kept {
    Account account;
    std::string hash, secret;
    std::uint64_t step = 0;             // of the last code that counted
    std::vector<std::string> recovery;  // SHA-256, hex
  };
  struct Failures {
    unsigned count = 0;
    Micros first{}, locked_until{};
  };
  [[nodiscard]] Result<void> save(const std::map<std::string, Kept, std::less<>>& all) const;
  [[nodiscard]] Result<Secrets> renew(std::string_view name, bool password, bool totp, std::string given);
  [[nodiscard]] Result<void> give_password(Kept& kept, std::string given, Secrets& out) const;
  void give_totp(Kept& kept, Secrets& out) const;
  void failed(std::string_view name, Micros now);

  Options options_;
  mutable std::mutex mutex_;  // of what follows
  std::map<std::string, Kept, std::less<>> accounts_;
  std::map<std::string, Failures, std::less<>> failures_;
  std::mutex hashing_;  // one at a time: memory
};

}  // namespace licet::identity
