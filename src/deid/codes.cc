#include "deid/codes.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

namespace licet::deid {
namespace {

constexpr std::size_t kFirstBlock = 1024, kMostBlock = 256 * 1024;

std::uint64_t hash_of(std::string_view text) {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  std::uint64_t state = text.size() * kFactor;
  const auto mix = [&](std::uint64_t word) {
    const unsigned __int128 product = static_cast<unsigned __int128>(state ^ word) * kFactor;
    state = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t word = 0;
  std::size_t at = 0;
  for (; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    mix(word);
  }
  word = 0;
  for (; at < text.size(); ++at) word = word << 8 | static_cast<unsigned char>(text[at]);
  mix(word);
  return state;
}

}  // namespace

std::string_view Codes::of(std::string_view original) {
  if (last_ != nullptr && last_->original() == original) return last_->code();  // rows and resources of one patient stand together
  const std::uint64_t hash = hash_of(original);
  if (const Slot& s = slot(original, hash); s.pair != nullptr) {
    last_ = s.pair;
    return last_->code();
  }
  if (drawn_ == pool_.size()) random_.fill(pool_), drawn_ = 0;
  const std::span<std::byte, 16> raw{pool_.data() + drawn_, 16};
  drawn_ += raw.size();
  raw[6] = (raw[6] & std::byte{0x0f}) | std::byte{0x40};
  raw[8] = (raw[8] & std::byte{0x3f}) | std::byte{0x80};
  std::array<char, 36> code;
  code.fill('-');
  std::size_t at = 0;
  for (const std::byte b : raw) {
    constexpr std::string_view kHex = "0123456789abcdef";
    if (at == 8 || at == 13 || at == 18 || at == 23) ++at;
    code[at++] = kHex[static_cast<std::size_t>(b >> 4)];
    code[at++] = kHex[static_cast<std::size_t>(b & std::byte{0x0f})];
  }
  return add(original, hash, {code.data(), code.size()}).code();
}

Codes::Slot& Codes::slot(std::string_view original, std::uint64_t hash) {
  for (std::size_t at = hash;; ++at) {
    Slot& s = slots_[at & (slots_.size() - 1)];
    if (s.pair == nullptr || (s.hash == hash && s.pair->original() == original)) return s;
  }
}

const Codes::Pair& Codes::add(std::string_view original, std::uint64_t hash, std::string_view code) {
  const Pair head{static_cast<std::uint32_t>(code.size()), static_cast<std::uint32_t>(original.size())};
  if (blocks_.empty() || blocks_.back().room - blocks_.back().used < head.room()) {
    const std::size_t room = std::max(blocks_.empty() ? kFirstBlock : std::min(2 * blocks_.back().room, kMostBlock), head.room());
    blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(room), 0, room});
  }
  std::byte* at = blocks_.back().bytes.get() + blocks_.back().used;
  blocks_.back().used += head.room();
  const Pair* pair = ::new (at) Pair(head);
  std::memcpy(at + sizeof head, code.data(), code.size());
  if (!original.empty()) std::memcpy(at + sizeof head + code.size(), original.data(), original.size());
  slot(original, hash) = {hash, pair};
  if (2 * ++size_ > slots_.size()) {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
    for (const Slot& s : old) {
      if (s.pair == nullptr) continue;
      std::size_t to = s.hash;
      while (slots_[to & (slots_.size() - 1)].pair != nullptr) ++to;
      slots_[to & (slots_.size() - 1)] = s;
    }
  }
  return *pair;
}

Result<void> Codes::remember(std::string_view original, std::string_view code) {
  const std::uint64_t hash = hash_of(original);
  if (const Slot& s = slot(original, hash); s.pair == nullptr)
    add(original, hash, code);
  else if (s.pair->code() != code)
    return Error{Code::already_exists, "an original has two codes"};
  return {};
}

}  // namespace licet::deid
