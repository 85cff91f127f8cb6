#include "deid/codes.h"

#include <algorithm>
#include <functional>
#include <new>
#include <utility>

namespace licet::deid {
namespace {

constexpr std::size_t kNextLine = 40;  // of memory: an entry with a UUID is a little longer than one

std::uint32_t hash_of(std::string_view text) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>()(text));
}

}  // namespace

std::string_view Codes::of(std::string_view original) {
  if (last_ != nullptr && last_->original() == original) return last_->code();  // rows and resources of one patient stand together
  const std::uint32_t hash = hash_of(original);
  Slot& there = slot(original, hash);
  if (there.entry != nullptr) {
    last_ = there.entry;
    return last_->code();
  }
  if (drawn_ == pool_.size()) random_.fill(pool_), drawn_ = 0;
  const std::span<std::byte, 16> raw{pool_.data() + drawn_, 16};
  drawn_ += raw.size();
  raw[6] = (raw[6] & std::byte{0x0f}) | std::byte{0x40};
  raw[8] = (raw[8] & std::byte{0x3f}) | std::byte{0x80};
  std::array<char, 36> code{};
  code.fill('-');
  std::size_t at = 0;
  for (const std::byte b : raw) {
    constexpr std::string_view kHex = "0123456789abcdef";
    if (at == 8 || at == 13 || at == 18 || at == 23) ++at;
    code[at++] = kHex[static_cast<std::size_t>(b >> 4)];
    code[at++] = kHex[static_cast<std::size_t>(b & std::byte{0x0f})];
  }
  return add(there, original, hash, {code.data(), code.size()});
}

void Codes::expect(std::span<const std::string_view> originals) const {
  const std::size_t mask = slots_.size() - 1;
  std::array<std::uint32_t, 64> hashes{};
  while (!originals.empty()) {
    const std::size_t count = std::min(originals.size(), hashes.size());
    for (std::size_t n = 0; n < count; ++n) {
      hashes[n] = hash_of(originals[n]);
      __builtin_prefetch(&slots_[hashes[n] & mask]);
    }
    for (std::size_t n = 0; n < count; ++n) {
      std::size_t at = hashes[n];
      while (slots_[at & mask].entry != nullptr && slots_[at & mask].hash != hashes[n]) ++at;
      const Entry* const entry = slots_[at & mask].entry;
      if (entry != nullptr) __builtin_prefetch(entry), __builtin_prefetch(entry->bytes() + kNextLine);
    }
    originals = originals.subspan(count);
  }
}

Codes::Slot& Codes::slot(std::string_view original, std::uint32_t hash) {
  for (std::size_t at = hash;; ++at) {
    Slot& s = slots_[at & (slots_.size() - 1)];
    if (s.entry == nullptr || (s.hash == hash && s.entry->original() == original)) return s;
  }
}

std::string_view Codes::add(Slot& at, std::string_view original, std::uint32_t hash, std::string_view code) {
  void* const room = memory_.allocate(sizeof(Entry) + original.size() + code.size(), alignof(Entry));
  Entry* const entry = new (room) Entry{
      .hash = hash, .original_size = static_cast<std::uint32_t>(original.size()), .code_size = static_cast<std::uint32_t>(code.size())};
  char* const bytes = static_cast<char*>(room) + sizeof(Entry);
  std::copy(code.begin(), code.end(), std::copy(original.begin(), original.end(), bytes));
  (newest_ == nullptr ? first_ : newest_->next) = entry;
  newest_ = entry;
  at = {entry, hash};
  if (2 * ++size_ > slots_.size()) {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
    for (const Slot& s : old) {
      if (s.entry == nullptr) continue;
      std::size_t to = s.hash;
      while (slots_[to & (slots_.size() - 1)].entry != nullptr) ++to;
      slots_[to & (slots_.size() - 1)] = s;
    }
  }
  return entry->code();
}

Result<void> Codes::remember(std::string_view original, std::string_view code) {
  const std::uint32_t hash = hash_of(original);
  if (Slot& s = slot(original, hash); s.entry == nullptr)
    add(s, original, hash, code);
  else if (s.entry->code() != code)
    return Error{Code::already_exists, "an original has two codes"};
  return {};
}

}  // namespace licet::deid
