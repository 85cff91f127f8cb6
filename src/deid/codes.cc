#include "deid/codes.h"

#include <functional>
#include <span>

namespace licet::deid {
namespace {

std::uint32_t hash_of(std::string_view text) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>()(text));
}

}  // namespace

const std::string& Codes::of(std::string_view original) {
  if (last_ != nullptr && last_->first == original) return last_->second;  // rows and resources of one patient stand together
  const std::uint32_t hash = hash_of(original);
  if (const Slot& s = slot(original, hash); s.number != 0) {
    last_ = &all_[s.number - 1];
    return last_->second;
  }
  if (drawn_ == pool_.size()) random_.fill(pool_), drawn_ = 0;
  const std::span<std::byte, 16> raw{pool_.data() + drawn_, 16};
  drawn_ += raw.size();
  raw[6] = (raw[6] & std::byte{0x0f}) | std::byte{0x40};
  raw[8] = (raw[8] & std::byte{0x3f}) | std::byte{0x80};
  std::string code(36, '-');
  std::size_t at = 0;
  for (const std::byte b : raw) {
    constexpr std::string_view kHex = "0123456789abcdef";
    if (at == 8 || at == 13 || at == 18 || at == 23) ++at;
    code[at++] = kHex[static_cast<std::size_t>(b >> 4)];
    code[at++] = kHex[static_cast<std::size_t>(b & std::byte{0x0f})];
  }
  return add(original, hash, std::move(code));
}

Codes::Slot& Codes::slot(std::string_view original, std::uint32_t hash) {
  for (std::size_t at = hash;; ++at) {
    Slot& s = slots_[at & (slots_.size() - 1)];
    if (s.number == 0 || (s.hash == hash && all_[s.number - 1].first == original)) return s;
  }
}

const std::string& Codes::add(std::string_view original, std::uint32_t hash, std::string code) {
  all_.emplace_back(original, std::move(code));
  slot(original, hash) = {hash, static_cast<std::uint32_t>(all_.size())};
  if (2 * all_.size() > slots_.size()) {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
    for (const Slot& s : old) {
      if (s.number == 0) continue;
      std::size_t at = s.hash;
      while (slots_[at & (slots_.size() - 1)].number != 0) ++at;
      slots_[at & (slots_.size() - 1)] = s;
    }
  }
  return all_.back().second;
}

Result<void> Codes::remember(std::string_view original, std::string_view code) {
  const std::uint32_t hash = hash_of(original);
  if (const Slot& s = slot(original, hash); s.number == 0)
    add(original, hash, std::string(code));
  else if (all_[s.number - 1].second != code)
    return Error{Code::already_exists, "an original has two codes"};
  return {};
}

}  // namespace licet::deid
