// Random codes in place of identifiers: 164.514(c).
//
//   Codes codes(random);
//   codes.of("p-0001") == codes.of("p-0001");        // a UUID from `random`; nothing of the original is in it
//
// "Not derived from or related to information about the individual": drawn, never computed. Whoever holds the table can translate back, and
// disclosing it is disclosing PHI: it lives as long as this object, and is written nowhere unless its owner does so (each()).
// One thread at a time. Memory: about 200 bytes per original.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  [[nodiscard]] std::size_t size() const { return all_.size(); }
  template <class F>
  void each(F&& f) const {
    for (const auto& [original, code] : all_) f(original, code);
  }

 private:
  // Open addressing into a list that never moves: a look for each id and reference of each resource.
  struct Slot {
    std::uint32_t hash = 0, number = 0;  // of the entry in all_, from 1
  };
  [[nodiscard]] Slot& slot(std::string_view original, std::uint32_t hash);
  const std::string& add(std::string_view original, std::uint32_t hash, std::string code);

  Random& random_;
  std::array<std::byte, 1024> pool_{};  // drawn ahead: asking the system for sixteen bytes costs as much as for a thousand
  std::size_t drawn_ = pool_.size();
  std::deque<std::pair<std::string, std::string>> all_;
  const std::pair<std::string, std::string>* last_ = nullptr;  // that was asked for
  std::vector<Slot> slots_ = std::vector<Slot>(64);
};

}  // namespace licet::deid
