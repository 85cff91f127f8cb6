// The wrapped ring is JSON: {"format": "licet key ring v1", "tenant": T, "keys": {NAME: base64(box)}, "destroyed": [NAME]}. A box holds 32
// bytes, sealed under the KEK with AAD = format \n tenant \n name, so a key can't be moved to another name or tenant.
#include "crypto/keys.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace licet::crypto {
namespace {

constexpr std::string_view kFormat = "licet key ring v1";

std::string aad_of(std::string_view tenant, std::string_view name) {
  return fmt::format("{}\n{}\n{}", kFormat, tenant, name);
}

}  // namespace

struct KeyRing::Inside {
  Secret kek;
  std::string tenant;
  Random* random = nullptr;
  Save save;
  mutable std::mutex mutex;
  std::map<std::string, Secret, std::less<>> keys;  // nodes neither move nor go: addresses that were handed out stay good, and stay keys
  std::set<std::string, std::less<>> destroyed;
  std::optional<Ed25519Key> log;
  std::optional<P256Key> token;

  std::string wrap_all() const {
    nlohmann::json out{{"format", kFormat}, {"tenant", tenant}, {"keys", nlohmann::json::object()}, {"destroyed", nlohmann::json::array()}};
    for (const auto& [name, key] : keys)
      if (!destroyed.contains(name)) out["keys"][name] = base64(as_bytes(seal(kek, key.bytes(), as_bytes(aad_of(tenant, name)), *random)));
    for (const std::string& name : destroyed) out["destroyed"].push_back(name);
    return out.dump(1);
  }

  // The mutex is held.
  Result<const Secret*> get_or_make(const std::string& name) {
    if (destroyed.contains(name)) return Error{Code::not_found, "key " + name + " was destroyed"};
    if (const auto it = keys.find(name); it != keys.end()) return &it->second;
    const auto made = keys.emplace(name, Secret::random(*random)).first;
    if (auto saved = save(wrap_all()); !saved) {
      keys.erase(made);
      return std::move(saved).error();
    }
    return &made->second;
  }

  Result<void> load_fixed() {
    const auto log_seed = keys.find("log");
    const auto token_scalar = keys.find("token");
    if (log_seed == keys.end() || token_scalar == keys.end() || !keys.contains("restriction"))
      return Error{Code::invalid_argument, "the key ring lacks its log, token or restriction key"};
    log = Ed25519Key::from_seed(log_seed->second.bytes());
    LICET_TRY(p256, P256Key::from_private(token_scalar->second.bytes()));
    token = std::move(p256);
    return {};
  }
};

KeyRing::KeyRing() : in_(std::make_unique<Inside>()) {}
KeyRing::~KeyRing() = default;

Result<std::unique_ptr<KeyRing>> KeyRing::create(Secret kek, std::string tenant, Random& random, Save save) {
  std::unique_ptr<KeyRing> ring(new KeyRing);
  Inside& in = *ring->in_;
  in.kek = std::move(kek);
  in.tenant = std::move(tenant);
  in.random = &random;
  in.save = std::move(save);
  in.keys.emplace("log", Secret::random(random));
  in.keys.emplace("restriction", Secret::random(random));
  in.keys.emplace("token", Secret(std::span<const std::byte, 32>(P256Key::generate(random).scalar())));
  LICET_TRY_VOID(in.load_fixed());
  LICET_TRY_VOID(in.save(in.wrap_all()));
  return ring;
}

Result<std::unique_ptr<KeyRing>> KeyRing::unwrap(Secret kek, std::string tenant, std::string_view wrapped, Random& random, Save save) {
  const nlohmann::json text = nlohmann::json::parse(wrapped, nullptr, false);
  const auto member = [&text](const char* name) {  // null where absent; value() would throw on another type
    const auto it = text.find(name);
    return it == text.end() ? nlohmann::json() : *it;
  };
  if (!text.is_object() || member("format") != kFormat || !member("keys").is_object() || !member("destroyed").is_array())
    return Error{Code::invalid_argument, "not a key ring of this version"};
  std::unique_ptr<KeyRing> ring(new KeyRing);
  Inside& in = *ring->in_;
  in.kek = std::move(kek);
  in.tenant = std::move(tenant);
  in.random = &random;
  in.save = std::move(save);
  if (member("tenant") != in.tenant) return Error{Code::permission_denied, "the key ring belongs to another tenant"};
  for (const auto& [name, sealed] : text["keys"].items()) {
    const auto box = sealed.is_string() ? unbase64(sealed.get<std::string>()) : std::nullopt;
    if (!box) return Error{Code::invalid_argument, "key " + name + " is not base64"};
    auto plain = open(in.kek, as_bytes(*box), as_bytes(aad_of(in.tenant, name)));
    if (!plain || plain->size() != 32)
      return Error{Code::permission_denied, "key " + name + " can't be unwrapped: another key-encrypting key, or changed bytes"};
    in.keys.emplace(name, Secret(as_bytes(*plain).first<32>()));
    OPENSSL_cleanse(plain->data(), plain->size());
  }
  for (const auto& name : text["destroyed"]) {
    if (!name.is_string() || in.keys.contains(name.get<std::string>()))
      return Error{Code::invalid_argument, "the key ring's list of destroyed keys is damaged"};
    in.destroyed.insert(name.get<std::string>());
  }
  LICET_TRY_VOID(in.load_fixed());
  return ring;
}

const Ed25519Key& KeyRing::log_key() const {
  return *in_->log;
}
const P256Key& KeyRing::token_key() const {
  return *in_->token;
}
const Secret& KeyRing::restriction_key() const {
  return in_->keys.find("restriction")->second;
}
const std::string& KeyRing::tenant() const {
  return in_->tenant;
}

Result<const Secret*> KeyRing::index_key(Micros time) {
  const std::string day = format(Date(std::chrono::floor<std::chrono::days>(time)));
  const std::lock_guard lock(in_->mutex);
  return in_->get_or_make("index/" + day.substr(0, 7));
}

Result<const Secret*> KeyRing::detail_key(Micros time) {
  const std::string day = format(Date(std::chrono::floor<std::chrono::days>(time)));
  const int month = (day[5] - '0') * 10 + (day[6] - '0');
  const std::lock_guard lock(in_->mutex);
  return in_->get_or_make(fmt::format("detail/{}-{}", day.substr(0, 4), (month + 2) / 3));
}

Result<const Secret*> KeyRing::account_key() {
  const std::lock_guard lock(in_->mutex);
  return in_->get_or_make("account");
}

Result<const Secret*> KeyRing::named(std::string_view name) {
  const std::lock_guard lock(in_->mutex);
  const auto it = in_->keys.find(name);
  if (it == in_->keys.end() || in_->destroyed.contains(name))
    return Error{Code::not_found, fmt::format("no key {}: never made, or destroyed", name)};
  return &it->second;
}

Result<void> KeyRing::destroy(std::string_view name) {
  const std::lock_guard lock(in_->mutex);
  if (name == "log" || name == "token" || name == "restriction")
    return Error{Code::failed_precondition, "this key is rotated, never destroyed"};
  if (!in_->keys.contains(name) || in_->destroyed.contains(name))
    return Error{Code::not_found, fmt::format("no key {}: never made, or destroyed", name)};
  const auto mark = in_->destroyed.emplace(name).first;
  if (auto saved = in_->save(in_->wrap_all()); !saved) {
    in_->destroyed.erase(mark);
    return std::move(saved).error();
  }
  // The copy in memory lives until the process ends. Wiping it here could leave a thread that has just asked for it sealing under zeros.
  return {};
}

std::string KeyRing::wrapped() const {
  const std::lock_guard lock(in_->mutex);
  return in_->wrap_all();
}

}  // namespace licet::crypto
