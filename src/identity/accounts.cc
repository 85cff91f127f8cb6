#include "identity/accounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "identity/totp.h"

namespace licet::identity {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "licet accounts v1";
constexpr std::size_t kMostBytes = 16 * 1024 * 1024;
constexpr std::size_t kMostNames = 4096;  // of failures that are remembered
constexpr std::size_t kLeastPassword = 12, kMostPassword = 256;
constexpr std::size_t kRecoveryCodes = 8;

bool good_account_name(std::string_view name) {
  return !name.empty() && name.size() <= 40 && name[0] >= 'a' && name[0] <= 'z' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

json public_of(const Account& a) {
  return {{"name", a.name},
          {"full_name", a.full_name},
          {"role", row(a.role).name},
          {"owners", a.owners},
          {"until", a.until ? json(format(*a.until)) : json(nullptr)},
          {"ended", a.ended},
          {"issuer", a.issuer},
          {"subject", a.subject},
          {"stamp", a.stamp}};
}

std::string aad_of(std::string_view tenant, const json& shown) {
  return fmt::format("{}\n{}\n{}", kFormat, tenant, shown.dump());
}

std::string text(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::string random_words(Random& random, std::size_t bytes, std::size_t group) {
  std::string raw(bytes, '\0');
  random.fill(std::as_writable_bytes(std::span(raw.data(), raw.size())));
  std::string letters = base32(as_bytes(raw)), out;
  for (char& c : letters) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (i > 0 && i % group == 0) out += '-';
    out += letters[i];
  }
  return out;
}

std::string digest(std::string_view code) {
  std::string plain;
  for (const char c : code)
    if (c != '-' && c != ' ') plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return hex(crypto::sha256(plain));
}

}  // namespace

Result<void> Accounts::load() {
  if (!options_.files->exists(options_.file)) return {};
  LICET_TRY(bytes, options_.files->read_all(options_.file, kMostBytes));
  const json file = json::parse(bytes, nullptr, false);
  if (!file.is_object() || text(file, "format") != kFormat || !file.contains("accounts") || !file["accounts"].is_array())
    return Error{Code::invalid_argument, options_.file + " is no file of accounts of this version"};
  LICET_TRY(key, options_.keys->account_key());
  std::map<std::string, Kept, std::less<>> all;
  for (json one : file["accounts"]) {
    Kept kept;
    Account& a = kept.account;
    a.name = text(one, "name");
    const auto bad = [&] {
      return Error{Code::permission_denied,
                   fmt::format("{}: account '{}' was changed by hand, or belongs to another node", options_.file, a.name)};
    };
    const auto box = unbase64(text(one, "sealed"));
    one.erase("sealed");
    if (!box) return bad();
    auto opened = crypto::open(*key, as_bytes(*box), as_bytes(aad_of(options_.keys->tenant(), one)));
    if (!opened) return bad();
    const json sealed = json::parse(*opened, nullptr, false);
    const auto role = role_of(text(one, "role"));
    if (!sealed.is_object() || !role) return bad();
    a.full_name = text(one, "full_name");
    a.role = *role;
    for (const json& o : one.value("owners", json::array())) a.owners.push_back(o.is_string() ? o.get<std::string>() : "");
    if (const std::string until = text(one, "until"); !until.empty()) {
      LICET_TRY(day, parse_date(until));
      a.until = day;
    }
    a.ended = one.value("ended", true);
    a.issuer = text(one, "issuer");
    a.subject = text(one, "subject");
    a.stamp = one.value("stamp", std::uint64_t{0});
    kept.hash = text(sealed, "password");
    const auto secret = unbase64(text(sealed, "totp"));
    if (!secret) return bad();
    kept.secret = *secret;
    kept.step = sealed.value("step", std::uint64_t{0});
    for (const json& code : sealed.value("recovery", json::array())) kept.recovery.push_back(code.get<std::string>());
    a.password = !kept.hash.empty();
    a.totp = !kept.secret.empty();
    all.insert_or_assign(a.name, std::move(kept));
  }
  const std::lock_guard lock(mutex_);
  accounts_ = std::move(all);
  return {};
}

Result<void> Accounts::save(const std::map<std::string, Kept, std::less<>>& all) const {
  LICET_TRY(key, options_.keys->account_key());
  json file{{"format", kFormat}, {"accounts", json::array()}};
  for (const auto& [name, kept] : all) {
    json one = public_of(kept.account);
    const json sealed{{"password", kept.hash}, {"totp", base64(as_bytes(kept.secret))}, {"step", kept.step}, {"recovery", kept.recovery}};
    const std::string aad = aad_of(options_.keys->tenant(), one);
    one["sealed"] = base64(as_bytes(crypto::seal(*key, as_bytes(sealed.dump()), as_bytes(aad), *options_.random)));
    file["accounts"].push_back(std::move(one));
  }
  return options_.files->replace(options_.file, file.dump(1) + "\n");
}

bool Accounts::any() const {
  const std::lock_guard lock(mutex_);
  return !accounts_.empty();
}

std::vector<Account> Accounts::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Account> out;
  for (const auto& [name, kept] : accounts_) out.push_back(kept.account);
  return out;
}

std::optional<Account> Accounts::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto at = accounts_.find(name);
  return at == accounts_.end() ? std::nullopt : std::optional(at->second.account);
}

std::optional<Account> Accounts::by_subject(std::string_view issuer, std::string_view subject) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, kept] : accounts_)
    if (!subject.empty() && kept.account.subject == subject && kept.account.issuer == issuer) return kept.account;
  return std::nullopt;
}

bool Accounts::locked(std::string_view name, Micros now) const {
  const std::lock_guard lock(mutex_);
  const auto at = failures_.find(name);
  return at != failures_.end() && now < at->second.locked_until;
}

Result<void> Accounts::give_password(Kept& kept, std::string given, Secrets& out) const {
  if (given.empty()) {
    given = random_words(*options_.random, 15, 6);  // 120 bits
    out.password = given;
  } else if (given.size() < kLeastPassword || given.size() > kMostPassword) {
    return Error{Code::invalid_argument, fmt::format("a password has {} to {} characters", kLeastPassword, kMostPassword)};
  }
  LICET_TRY(hash, crypto::hash_password(given, options_.cost));
  kept.hash = std::move(hash);
  kept.account.password = true;
  return {};
}

void Accounts::give_totp(Kept& kept, Secrets& out) const {
  kept.secret.assign(20, '\0');  // 160 bits: RFC 4226 §4
  options_.random->fill(std::as_writable_bytes(std::span(kept.secret.data(), kept.secret.size())));
  kept.step = 0;
  kept.account.totp = true;
  kept.recovery.clear();
  for (std::size_t i = 0; i < kRecoveryCodes; ++i) {
    out.recovery.push_back(random_words(*options_.random, 10, 4));  // 80 bits
    kept.recovery.push_back(digest(out.recovery.back()));
  }
  out.secret = base32(as_bytes(kept.secret));
  out.uri = otpauth_uri("Licet " + options_.keys->tenant(), kept.account.name, kept.secret);
}

Result<Secrets> Accounts::add(const NewAccount& wanted) {
  if (!good_account_name(wanted.name))
    return Error{Code::invalid_argument, "a name begins with a letter and has a-z, 0-9, - _ . only, 40 at most"};
  if (wanted.role == Role::starter) return Error{Code::invalid_argument, "no such role"};
  if (row(wanted.role).time_boxed && !wanted.until)
    return Error{Code::invalid_argument, fmt::format("an account of role {} needs an end: --until YYYY-MM-DD", row(wanted.role).name)};
  if (!wanted.local && wanted.subject.empty())
    return Error{Code::invalid_argument, "an account logs in with a password, or at the identity provider with its subject there"};
  Kept kept;
  Account& a = kept.account;
  a.name = wanted.name;
  a.full_name = wanted.full_name;
  a.role = wanted.role;
  a.owners = wanted.owners;
  a.until = wanted.until;
  a.issuer = wanted.issuer;
  a.subject = wanted.subject;
  a.stamp = 1;
  Secrets out;
  if (wanted.local) {
    LICET_TRY_VOID(give_password(kept, wanted.password, out));
    give_totp(kept, out);
  }
  const std::lock_guard lock(mutex_);
  auto next = accounts_;
  const auto there = next.find(wanted.name);
  // A name is on the ledger: nobody else gets it, but whoever had it may come back.
  if (there != next.end() && !there->second.account.ended)
    return Error{Code::already_exists, fmt::format("'{}' has an account", wanted.name)};
  if (there != next.end()) a.stamp = there->second.account.stamp + 1;
  for (const auto& [name, other] : next)
    if (name != a.name && !a.subject.empty() && other.account.subject == a.subject && other.account.issuer == a.issuer)
      return Error{Code::already_exists, fmt::format("'{}' has that subject", name)};
  next.insert_or_assign(wanted.name, std::move(kept));
  LICET_TRY_VOID(save(next));
  accounts_ = std::move(next);
  return out;
}

Result<Secrets> Accounts::renew(std::string_view name, bool password, bool totp, std::string given) {
  Secrets out;
  const std::lock_guard lock(mutex_);
  auto next = accounts_;
  const auto at = next.find(name);
  if (at == next.end() || at->second.account.ended) return Error{Code::not_found, "no such account"};
  if (password) LICET_TRY_VOID(give_password(at->second, std::move(given), out));
  if (totp) give_totp(at->second, out);
  ++at->second.account.stamp;
  LICET_TRY_VOID(save(next));
  accounts_ = std::move(next);
  return out;
}

Result<Secrets> Accounts::renew_password(std::string_view name, std::string password) {
  return renew(name, true, false, std::move(password));
}

Result<Secrets> Accounts::renew_totp(std::string_view name) {
  return renew(name, false, true, {});
}

Result<void> Accounts::end(std::string_view name) {
  const std::lock_guard lock(mutex_);
  auto next = accounts_;
  const auto at = next.find(name);
  if (at == next.end() || at->second.account.ended) return Error{Code::not_found, "no such account"};
  at->second.account.ended = true;
  ++at->second.account.stamp;
  at->second.hash.clear();
  at->second.secret.clear();
  at->second.recovery.clear();
  LICET_TRY_VOID(save(next));
  accounts_ = std::move(next);
  return {};
}

void Accounts::unlock(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto at = failures_.find(name); at != failures_.end()) failures_.erase(at);
}

void Accounts::failed(std::string_view name, Micros now) {
  const std::lock_guard lock(mutex_);
  if (failures_.size() >= kMostNames) std::erase_if(failures_, [&](const auto& f) { return now > f.second.first + kLock; });
  if (failures_.size() >= kMostNames && !failures_.contains(name)) failures_.erase(failures_.begin());
  Failures& f = failures_[std::string(name)];
  if (now > f.first + kLock) f = {0, now, f.locked_until};
  if (++f.count >= kMostFailures) f = {0, now, now + kLock};
}

Result<Account> Accounts::log_in(std::string_view name, std::string_view password, std::string_view code, Micros now, const Zone& zone) {
  // Any other name costs the same time and says the same.
  static const std::string nobody = "$argon2id$v=19$m=65536,t=2,p=1$dTtLLwRhOBZBgRdm3XBbLg$6ikeIgqtPkCGyM3BIUGQYdkO8SGuTyWWj6DsGxXvPSI";
  name = name.substr(0, 64);
  const auto wrong = [] { return Error{Code::permission_denied, "name, password or code is wrong"}; };
  if (locked(name, now))
    return Error{Code::exhausted,
                 fmt::format("too many failures: this name waits for {} minutes, or for `licet user unlock`", kLock.count())};
  std::string hash;
  {
    const std::lock_guard lock(mutex_);
    const auto at = accounts_.find(name);
    if (at != accounts_.end() && !at->second.account.ended) hash = at->second.hash;
  }
  bool good = false;
  {
    const std::lock_guard lock(hashing_);
    good = crypto::verify_password(hash.empty() ? nobody : hash, password.substr(0, kMostPassword)) && !hash.empty();
  }
  if (!good) {
    failed(name, now);
    return wrong();
  }
  std::unique_lock lock(mutex_);
  auto next = accounts_;
  const auto at = next.find(name);
  if (at == next.end() || at->second.hash != hash) return wrong();  // changed meanwhile
  Kept& kept = at->second;
  good = false;
  std::string digits;
  for (const char c : code)
    if (c != ' ') digits += c;
  const std::uint64_t here = totp_step(now);
  for (std::uint64_t step = here - 1; step <= here + 1 && !kept.secret.empty(); ++step) {
    const bool same = crypto::equal_constant_time(as_bytes(totp(kept.secret, step)), as_bytes(digits));
    if (!same || step <= kept.step || good) continue;
    kept.step = step;
    good = true;
  }
  if (const auto used = std::find(kept.recovery.begin(), kept.recovery.end(), digest(code)); !good && used != kept.recovery.end()) {
    kept.recovery.erase(used);
    good = true;
  }
  if (!good) {
    lock.unlock();
    failed(name, now);
    return wrong();
  }
  const Account account = kept.account;
  if (account.over(now, zone)) return Error{Code::failed_precondition, "this account is over"};
  LICET_TRY_VOID(save(next));  // a code counts once, also after a crash
  accounts_ = std::move(next);
  if (const auto f = failures_.find(name); f != failures_.end()) failures_.erase(f);
  return account;
}

}  // namespace licet::identity
