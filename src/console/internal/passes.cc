#include "console/internal/passes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace licet::console {
namespace {

using nlohmann::json;

constexpr std::size_t kMost = 1000;
constexpr std::string_view kFormat = "licet passes v1";

template <std::size_t N>
std::string random_hex(Random& random) {
  std::array<std::byte, N> raw{};
  random.fill(raw);
  return hex(raw);
}

}  // namespace

Result<void> Passes::load() {
  if (options_.file.empty() || !options_.files->exists(options_.file)) return {};
  LICET_TRY(bytes, options_.files->read_all(options_.file, 16 * 1024 * 1024));
  LICET_TRY(key, options_.keys->account_key());
  const auto bad = [&] { return Error{Code::permission_denied, options_.file + " was changed by hand, or belongs to another node"}; };
  const json file = json::parse(bytes, nullptr, false);
  const auto box = file.is_object() ? unbase64(file.value("sealed", "")) : std::nullopt;
  if (!box) return bad();
  auto plain = crypto::open(*key, as_bytes(*box), as_bytes(fmt::format("{}\n{}\n{}", kFormat, options_.keys->tenant(), options_.prefix)));
  if (!plain) return bad();
  const json items = json::parse(*plain, nullptr, false);
  if (!items.is_array()) return bad();
  std::vector<Pass> all;
  for (const json& j : items) {
    Pass p;
    p.id = j.value("id", "");
    p.name = j.value("name", "");
    p.by = j.value("by", "");
    p.scopes = j.value("scopes", std::vector<std::string>());
    p.owners = j.value("owners", std::vector<std::string>());
    p.names = j.value("names", false);
    p.made = micros(j.value("made", std::int64_t{0}));
    if (j.contains("until") && j["until"].is_number_integer()) p.until = micros(j["until"].get<std::int64_t>());
    p.revoked = j.value("revoked", true);
    p.hash = j.value("hash", "");
    all.push_back(std::move(p));
  }
  const std::lock_guard lock(mutex_);
  all_ = std::move(all);
  return {};
}

Result<void> Passes::save(const std::vector<Pass>& all) const {
  if (options_.file.empty()) return {};
  LICET_TRY(key, options_.keys->account_key());
  json items = json::array();
  for (const Pass& p : all)
    items.push_back({{"id", p.id},
                     {"name", p.name},
                     {"by", p.by},
                     {"scopes", p.scopes},
                     {"owners", p.owners},
                     {"names", p.names},
                     {"made", count(p.made)},
                     {"until", p.until ? json(count(*p.until)) : json(nullptr)},
                     {"revoked", p.revoked},
                     {"hash", p.hash}});
  const std::string aad = fmt::format("{}\n{}\n{}", kFormat, options_.keys->tenant(), options_.prefix);
  const json file{{"format", kFormat},
                  {"sealed", base64(as_bytes(crypto::seal(*key, as_bytes(items.dump()), as_bytes(aad), *options_.random)))}};
  return options_.files->replace(options_.file, file.dump() + "\n");
}

Result<Passes::Made> Passes::make(Pass wanted) {
  Made out;
  out.id = random_hex<5>(*options_.random);
  out.secret = fmt::format("{}_{}_{}", options_.prefix, out.id, random_hex<32>(*options_.random));
  wanted.id = out.id;
  wanted.hash = hex(crypto::sha256(out.secret));
  const std::lock_guard lock(mutex_);
  auto next = all_;
  if (next.size() >= kMost) std::erase_if(next, [&](const Pass& p) { return p.state(wanted.made) != "active"; });
  if (next.size() >= kMost) return Error{Code::exhausted, "there are 1,000 already: end those that nobody needs"};
  next.push_back(std::move(wanted));
  LICET_TRY_VOID(save(next));
  all_ = std::move(next);
  return out;
}

Result<void> Passes::revoke(std::string_view id) {
  const std::lock_guard lock(mutex_);
  auto next = all_;
  const auto at = std::find_if(next.begin(), next.end(), [&](const Pass& p) { return p.id == id && !p.revoked; });
  if (at == next.end()) return Error{Code::not_found, "there is none of that id that still holds"};
  at->revoked = true;
  LICET_TRY_VOID(save(next));
  all_ = std::move(next);
  return {};
}

std::optional<Pass> Passes::find(std::string_view secret, Micros now) {
  if (!secret.starts_with(options_.prefix) || secret.size() > 200) return std::nullopt;
  const std::string hash = hex(crypto::sha256(secret));
  const std::lock_guard lock(mutex_);
  for (Pass& p : all_)
    if (crypto::equal_constant_time(as_bytes(p.hash), as_bytes(hash))) {
      if (p.state(now) != "active") return std::nullopt;
      ++p.uses;
      p.last = now;
      return p;
    }
  return std::nullopt;
}

std::vector<Pass> Passes::list() const {
  const std::lock_guard lock(mutex_);
  return all_;
}

}  // namespace licet::console
