// How good the text engine is on texts whose identifiers are known: `licet deid --score`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "deid/text.h"

namespace licet::cli {

struct GoldSpan {
  std::size_t start = 0, end = 0;  // bytes
  std::string type;
};
struct GoldText {
  std::string file, text;
  std::vector<GoldSpan> spans;
};
// A folder or file of: BRAT (.txt beside .ann), i2b2 XML (<TEXT> and TAGS with start and end), or JSON lines {"text", "spans": [{"start",
// "end", "type"}]}. Offsets are in Unicode code points. errors: not_found, invalid_argument (file and line; never its text).
[[nodiscard]] Result<std::vector<GoldText>> read_gold(const std::string& path);

class Score {
 public:
  // ignored: types that count neither way.
  explicit Score(std::vector<std::string> ignored) : ignored_(std::move(ignored)) {}
  void add(const GoldText& gold, const deid::Found& found);
  void print() const;  // a table, with the definitions

 private:
  struct Counts {
    std::size_t tokens = 0, found = 0, entities = 0, whole = 0, exact = 0;
  };
  std::vector<std::string> ignored_;
  std::map<std::string, Counts> types_;
  Counts all_;
  std::size_t texts_ = 0, said_tokens_ = 0, right_tokens_ = 0, said_ = 0, said_right_ = 0;
};

// Bytes to code points: where(byte offset), for increasing or arbitrary offsets.
class CodePoints {
 public:
  explicit CodePoints(std::string_view text);
  [[nodiscard]] std::size_t point(std::size_t byte) const;
  [[nodiscard]] std::size_t byte(std::size_t point) const;

 private:
  std::vector<std::uint32_t> starts_;  // byte at which each code point begins, and the end
};

}  // namespace licet::cli
