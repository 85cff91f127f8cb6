// The machine behind ResourceScanner and BundleReader: index, frame, walk, read the facts.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "codec/fhir.h"
#include "codec/internal/tape.h"

namespace licet::codec::internal {

struct Framer {
 public:
  Framer(const Limits& limits, std::vector<std::string> bases);

  // ResourceScanner: one document in the caller's memory.
  Result<const ResourceScan*> whole(std::string_view json);

  // BundleReader.
  Result<void> feed(std::string_view bytes);
  void finish();
  Result<BundleEvent> next();
  std::string_view type() const { return type_; }

 private:
  // start → probing → resource → after → ended, or → members ⇄ entries → after → ended
  enum class State : std::uint8_t { start, probing, resource, members, entries, after, ended };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  Result<const ResourceScan*> resource(std::uint32_t object, std::uint32_t last);
  Result<const ResourceScan*> walked(std::uint32_t object);
  Result<bool> probe();
  Result<BundleEvent> member();
  Result<BundleEvent> element();
  Result<BundleEvent> wait();
  Result<BundleEvent> entry(bool balanced);
  Result<std::string_view> key_at(std::uint32_t token);
  Result<std::string_view> checked(std::uint32_t value);
  // The last token of the value at `token`, once it is there: for a scalar, when the token after it is.
  std::optional<std::uint32_t> last_token(std::uint32_t token);
  std::string_view text_in(std::uint32_t object, std::string_view wanted);
  static std::string unescaped_loosely(std::string_view text);
  void index(bool last);
  Error error(Code code, std::string_view problem, std::size_t offset);

  std::size_t resource_bytes_;
  Walker walker_;
  Facts facts_;
  Tape tape_;
  Indexer indexer_;
  ResourceScan scan_;
  std::deque<std::string> arena_;
  std::optional<Error> failed_;

  std::string buffer_;
  std::size_t cut_ = 0;  // bytes cut off the front so far
  State state_ = State::start;
  bool finished_ = false;
  std::uint32_t cursor_ = 0;  // the first token not consumed
  std::uint32_t probe_ = 0;
  std::uint32_t scan_from_ = kNone, scan_at_ = 0;  // last_token(), where it stopped
  int scan_depth_ = 0;
  bool first_ = true, comma_ = false;              // of the Bundle's members
  bool first_entry_ = true, entry_comma_ = false;  // of its entries
  std::uint32_t entry_close_ = 0;
  bool typed_ = false;
  std::vector<std::string> keys_;
  std::string type_;
};

}  // namespace licet::codec::internal
