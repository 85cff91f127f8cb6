// The same measures for files larger than memory: rows go out to scratch space by the hash of their quasi-identifiers, and come back one
// part at a time.
//
//   Streamed streamed(scratch, {.parts = 256, .key = random}, {"diagnosis"});
//   streamed.add(quasi, sensitive);  streamed.add_population(quasi);
//   LICET_TRY(measures, std::move(streamed).finish());
//
// Pure but for the Scratch it is given; one thread. Scratch holds no values: SipHash-2-4 of 128 bits under a key of this run, and numbers
// of sensitive values. Memory: the different values of sensitive columns, one block a part, and the classes of one part. Two classes are
// taken for one with a chance of rows² / 2^129. Errors: exhausted, where a sensitive column's values take more than `most_values` bytes (it
// is then no column to compare classes by).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "deid/risk/measure.h"

namespace licet::deid::risk {

// Appends to numbered parts, and reads each back in blocks. What was written is gone with the object.
class Scratch {
 public:
  virtual ~Scratch() = default;
  [[nodiscard]] virtual Result<void> append(std::size_t part, std::span<const std::byte> block) = 0;
  [[nodiscard]] virtual Result<void> read(std::size_t part, const std::function<void(std::span<const std::byte>)>& block) = 0;
};

using SipKey = std::array<std::uint64_t, 2>;
using Hash128 = std::array<std::uint64_t, 2>;
// SipHash-2-4 with 128 bits out (Aumasson and Bernstein).
[[nodiscard]] Hash128 siphash(std::string_view text, const SipKey& key);

class Streamed {
 public:
  struct Options {
    std::size_t parts = 64;
    SipKey key{};
    bool population = false;
    std::size_t most_values = std::size_t{256} << 20;
  };
  Streamed(Scratch& scratch, Options options, std::span<const std::string> sensitive);

  [[nodiscard]] Result<void> add(std::span<const std::string_view> quasi, std::span<const std::string_view> sensitive);
  [[nodiscard]] Result<void> add_population(std::span<const std::string_view> quasi);
  [[nodiscard]] Result<Measures> finish() &&;

 private:
  [[nodiscard]] Hash128 key_of(std::span<const std::string_view> quasi);
  [[nodiscard]] Result<void> put(std::size_t part, std::span<const std::byte> record);

  Scratch& scratch_;
  Options options_;
  std::vector<std::string> names_;
  std::vector<Dictionary> values_;
  std::vector<std::vector<std::uint64_t>> counts_;
  std::vector<std::vector<std::byte>> blocks_;  // one a part; the population's behind
  std::vector<std::byte> record_;
  std::string joined_;
};

}  // namespace licet::deid::risk
