#include "deid/codes.h"

#include <array>

#include "base/bytes.h"

namespace licet::deid {

const std::string& Codes::of(std::string_view original) {
  if (const auto at = codes_.find(original); at != codes_.end()) return at->second;
  std::array<std::byte, 16> raw{};
  random_.fill(raw);
  raw[6] = (raw[6] & std::byte{0x0f}) | std::byte{0x40};
  raw[8] = (raw[8] & std::byte{0x3f}) | std::byte{0x80};
  std::string code = hex(raw);
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) code.insert(dash, 1, '-');
  return codes_.emplace(original, std::move(code)).first->second;
}

Result<void> Codes::remember(std::string_view original, std::string_view code) {
  const auto [at, added] = codes_.emplace(original, code);
  if (!added && at->second != code) return Error{Code::already_exists, "an original has two codes"};
  return {};
}

}  // namespace licet::deid
