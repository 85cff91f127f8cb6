// Random codes in place of identifiers: 164.514(c).
//
//   Codes codes(random);
//   codes.of("p-0001") == codes.of("p-0001");        // a UUID from `random`; nothing of the original is in it
//
// "Not derived from or related to information about the individual": drawn, never computed. Whoever holds the table can translate back, and
// disclosing it is disclosing PHI: it lives as long as this object, and is written nowhere unless its owner does so (each()).
// One thread at a time. Memory: about 120 bytes per original.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/random.h"
#include "base/result.h"

namespace licet::deid {

class Codes {
 public:
  explicit Codes(Random& random) : random_(random) {}
  Codes(const Codes&) = delete;
  Codes& operator=(const Codes&) = delete;

  // "3f0e8f2c-…": version 4 (RFC 9562), which FHIR takes as an id and after "urn:uuid:".
  [[nodiscard]] const std::string& of(std::string_view original);
  // From an earlier run. already_exists: the original has another code.
  [[nodiscard]] Result<void> remember(std::string_view original, std::string_view code);
  [[nodiscard]] std::size_t size() const { return codes_.size(); }
  template <class F>
  void each(F&& f) const {
    for (const auto& [original, code] : codes_) f(original, code);
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  Random& random_;
  std::array<std::byte, 1024> pool_{};  // drawn ahead: asking the system for sixteen bytes costs as much as for a thousand
  std::size_t drawn_ = pool_.size();
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> codes_;
};

}  // namespace licet::deid
