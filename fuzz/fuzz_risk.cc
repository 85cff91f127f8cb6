// Risk's readers: whatever the bytes of a CSV, any split of them gives the same rows, and rows that are written are read again; a hierarchy
// that is accepted gives values at every level, whatever the value; what is compared is told apart without reading past an end.

#include <algorithm>
#include <cstdint>

#include "base/assert.h"
#include "base/csv.h"
#include "deid/risk/csv.h"
#include "deid/risk/hierarchy.h"
#include "deid/risk/linkage.h"

namespace {

using namespace licet;
using namespace licet::deid::risk;
using Rows = std::vector<std::vector<std::string>>;

// The rows, and whether it ended well.
std::pair<Rows, bool> rows_of(std::string_view text, std::size_t block) {
  CsvReader reader(',');
  Rows out;
  std::vector<std::string_view> row;
  for (;;) {
    switch (reader.next(row)) {
      case CsvReader::Next::row:
        out.emplace_back(row.begin(), row.end());
        break;
      case CsvReader::Next::end:
        return {out, true};
      case CsvReader::Next::bad:
        return {out, false};
      case CsvReader::Next::more: {
        const std::size_t n = std::min(block, text.size());
        if (n == 0) {
          reader.end();
          break;
        }
        const auto room = reader.room(n);
        std::copy_n(text.begin(), n, room.begin());
        reader.commit(n);
        text.remove_prefix(n);
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = rows_of(text, size + 1);
  for (const std::size_t block : {3UL, 7UL, 64UL}) LICET_ASSERT(rows_of(text, block) == whole);
  std::string again;
  bool blank = false;
  for (const auto& row : whole.first) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += ',';
      put_csv(row[i], ',', line);
    }
    blank = blank || line.empty();  // one empty field: a line without anything, which is passed over
    again += line + '\n';
  }
  if (!blank && !again.starts_with("\xef\xbb\xbf")) LICET_ASSERT(rows_of(again, again.size() + 1).first == whole.first);

  const std::string_view spec = text.substr(0, text.find('\n')), value = text.substr(std::min(text.size(), spec.size() + 1));
  if (auto h = Hierarchy::parse(spec)) {
    for (std::size_t level = 0; level < h->levels(); ++level) {
      (void)h->apply(level, value);
      LICET_ASSERT(!h->label(level).empty());
    }
    LICET_ASSERT(h->apply(0, value) == value);
  }
  auto listed = Hierarchy::of_csv(text);
  (void)listed.ok();
  auto matches = parse_matches(spec);
  (void)matches.ok();
  const double same = jaro_winkler(spec, value);
  LICET_ASSERT(same >= 0 && same <= 1 + 1e-9);
  (void)folded_name(value);
  return 0;
}
