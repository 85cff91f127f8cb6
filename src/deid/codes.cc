#include "deid/codes.h"

#include <span>

namespace licet::deid {

const std::string& Codes::of(std::string_view original) {
  if (const auto at = codes_.find(original); at != codes_.end()) return at->second;
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
  return codes_.emplace(original, std::move(code)).first->second;
}

Result<void> Codes::remember(std::string_view original, std::string_view code) {
  const auto [at, added] = codes_.emplace(original, code);
  if (!added && at->second != code) return Error{Code::already_exists, "an original has two codes"};
  return {};
}

}  // namespace licet::deid
