// Random codes in place of identifiers: 164.514(c).
//
//   Codes codes(random);
//   codes.of("p-0001") == codes.of("p-0001");        // a UUID from `random`; nothing of the original is in it
//
// "Not derived from or related to information about the individual": drawn, never computed. Whoever holds the table can translate back, and
// disclosing it is disclosing PHI: it lives as long as this object, and is written nowhere unless its owner does so (each()).
// One thread at a time. Memory: about 100 bytes per original.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"

namespace licet::deid {

class Codes {
 public:
  explicit Codes(Random& random) : random_(random) {}
  Codes(const Codes&) = delete;
  Codes& operator=(const Codes&) = delete;

  // "3f0e8f2c-…": version 4 (RFC 9562), which FHIR takes as an id and after "urn:uuid:". Valid as long as this object.
  [[nodiscard]] std::string_view of(std::string_view original);
  // That these will be asked for soon: what is known of them is fetched from memory meanwhile. Changes nothing.
  void expect(std::span<const std::string_view> originals) const;
  // From an earlier run. already_exists: the original has another code.
  [[nodiscard]] Result<void> remember(std::string_view original, std::string_view code);
  [[nodiscard]] std::size_t size() const { return size_; }
  // In the order in which they came.
  template <class F>
  void each(F&& f) const {
    for (const Entry* e = first_; e != nullptr; e = e->next) f(e->original(), e->code());
  }

 private:
  // Original and code stand behind it: a look costs two lines of memory, this and the slot's.
  struct Entry {
    Entry* next = nullptr;
    std::uint32_t hash = 0, original_size = 0, code_size = 0;
    [[nodiscard]] const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
    [[nodiscard]] std::string_view original() const { return {bytes(), original_size}; }
    [[nodiscard]] std::string_view code() const { return {bytes() + original_size, code_size}; }
  };
  // Open addressing: a look for each id and reference of each resource, and for each row of a table.
  struct Slot {
    const Entry* entry = nullptr;
    std::uint32_t hash = 0;
  };
  [[nodiscard]] Slot& slot(std::string_view original, std::uint32_t hash);
  std::string_view add(Slot& at, std::string_view original, std::uint32_t hash, std::string_view code);

  Random& random_;
  std::array<std::byte, 1024> pool_{};  // drawn ahead: asking the system for sixteen bytes costs as much as for a thousand
  std::size_t drawn_ = pool_.size();
  std::pmr::monotonic_buffer_resource memory_{1 << 10};
  Entry *first_ = nullptr, *newest_ = nullptr;
  const Entry* last_ = nullptr;  // that was asked for
  std::size_t size_ = 0;
  std::vector<Slot> slots_ = std::vector<Slot>(64);
};

}  // namespace licet::deid
