// HL7 v2, X12, C-CDA and CSV: whatever the bytes, a refused record appends nothing, what is appended reads again and stays as it is in
// form, errors hold no bytes of the input, and cutting the input into chunks makes no difference.
//
// The first byte says which format: h, x, c or anything else for CSV.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <pugixml.hpp>

#include "base/assert.h"
#include "base/csv.h"
#include "codec/csv.h"
#include "deid/ccda.h"
#include "deid/columns.h"
#include "deid/internal/shipped.h"
#include "deid/segments.h"
#include "deid/table.h"

namespace {

using namespace licet;
using namespace licet::deid;

std::string segments(const Profile& profile, bool x12, std::string_view bytes, std::size_t chunk, std::size_t& refused) {
  ShippedRun one{profile};
  SegmentRun run{.values = one.values, .pieces = &one.pieces};
  const SegmentTransform transform(shipped().library, profile, x12 ? shipped().library.x12 : shipped().library.hl7);
  codec::SegmentFramer framer(x12 ? codec::SegmentFormat::x12 : codec::SegmentFormat::hl7_v2, 1 << 20);
  std::string out;
  refused = 0;
  for (bool end = false;;) {
    while (const auto unit = framer.next()) {
      const std::size_t before = out.size();
      const auto done = transform.apply(unit->bytes, x12 && framer.marks() ? &*framer.marks() : nullptr, run, out);
      if (done) continue;
      ++refused;
      LICET_ASSERT(out.size() == before);
      LICET_ASSERT(done.error().message.size() < 120);
    }
    if (end) return out;
    framer.feed(bytes.substr(0, chunk));
    bytes.remove_prefix(std::min(chunk, bytes.size()));
    if (bytes.empty()) {
      framer.finish();
      end = true;
    }
  }
}

void check_segments(bool x12, std::string_view bytes) {
  for (const char* name : {"safe-harbor-text", "limited-data-set", "pseudonymized"}) {
    const Profile& profile = *shipped().library.find(name);
    std::size_t refused = 0, again = 0;
    const std::string once = segments(profile, x12, bytes, bytes.size() + 1, refused);
    LICET_ASSERT(segments(profile, x12, bytes, 5, again) == once && again == refused);
    const std::string twice = segments(profile, x12, once, once.size() + 1, again);
    if (again != 0) LICET_ASSERT(x12 || once.empty());  // an envelope whose ISA was refused
    (void)twice;
  }
}

void check_ccda(std::string_view bytes) {
  for (const char* name : {"safe-harbor-text", "limited-data-set", "pseudonymized"}) {
    const Profile& profile = *shipped().library.find(name);
    ShippedRun one{profile};
    CcdaRun run{.values = one.values, .pieces = &one.pieces};
    std::string once, twice;
    const CcdaTransform transform(shipped().library, profile);
    if (!transform.apply(bytes, run, once)) {
      LICET_ASSERT(once.empty());
      continue;
    }
    pugi::xml_document parsed;
    LICET_ASSERT(parsed.load_buffer(once.data(), once.size()));
    LICET_ASSERT(transform.apply(once, run, twice).ok());
  }
}

// The records that have as many cells as the first, transformed; columns are of all sorts, in turn.
std::string table(const char* profile, std::string_view bytes, std::size_t chunk) {
  ShippedRun run{*shipped().library.find(profile)};
  std::optional<TableTransform> made;
  codec::CsvReader reader(',', 1 << 16);
  std::size_t cells = 0;
  for (;;) {
    while (const codec::CsvRecord* r = reader.next()) {
      if (made) made->expect({r, 1});
      if (r->problem != nullptr) continue;
      if (!made) {
        std::vector<Column> columns;
        for (cells = 0; cells < r->cells.size(); ++cells) {
          static constexpr const char* kWords[] = {"patient", "date", "zip",  "number", "token", "state",
                                                   "name",    "age",  "keep", "id",     "drop",  "text"};
          auto column = column_of("a", kWords[cells % std::size(kWords)]);
          LICET_ASSERT(column.ok());
          columns.push_back(*std::move(column));
        }
        made.emplace(std::move(columns), run.values, run.pieces);
      }
      if (r->cells.size() == cells) made->apply(*r, "\n");
    }
    if (reader.finished()) return made ? std::string(made->made()) : std::string();
    const std::string_view next = bytes.substr(0, chunk);
    bytes.remove_prefix(next.size());
    if (next.empty()) {
      reader.finish();
    } else {
      std::copy(next.begin(), next.end(), reader.room(next.size()).begin());
      reader.commit(next.size());
    }
  }
}

void check_table(std::string_view bytes) {
  for (const char* name : {"safe-harbor", "limited-data-set", "pseudonymized"}) {
    const std::string once = table(name, bytes, bytes.size() + 1);
    LICET_ASSERT(table(name, bytes, 5) == once);
    codec::CsvReader again(',', 1 << 20);
    again.feed("x,");  // a byte order mark would not come again
    again.feed(once);
    again.finish();
    std::size_t cells = 0;
    while (const codec::CsvRecord* r = again.next()) {
      LICET_ASSERT(r->problem == nullptr);
      LICET_ASSERT(cells == 0 || r->cells.size() == cells);
      cells = r->cells.size() - (cells == 0 ? 1 : 0);
    }
  }
}

void check_csv(std::string_view bytes) {
  codec::CsvReader whole(',', 1 << 16), parts(',', 1 << 16);
  std::string all, pieces, again, scratch;
  const auto put = [&](const codec::CsvRecord* r, std::string& out) {
    if (r->problem != nullptr) {
      out += "!\n";
      return;
    }
    for (std::size_t n = 0; n < r->cells.size(); ++n) {
      if (n > 0) out += ',';
      put_csv(r->cells[n].text(scratch), ',', out);
    }
    out += '\n';
  };
  const auto run = [&](codec::CsvReader& reader, std::string_view in, std::size_t chunk, std::string& out) {
    for (bool end = false;;) {
      while (const codec::CsvRecord* r = reader.next()) put(r, out);
      if (end) return;
      reader.feed(in.substr(0, chunk));
      in.remove_prefix(std::min(chunk, in.size()));
      if (in.empty()) {
        reader.finish();
        end = true;
      }
    }
  };
  run(whole, bytes, bytes.size() + 1, all);
  run(parts, bytes, 3, pieces);
  LICET_ASSERT(all == pieces);
  if (!all.starts_with("\xef\xbb\xbf")) {
    codec::CsvReader third(',', 1 << 20);
    run(third, all, 7, again);
    LICET_ASSERT(again == all);
  }
  check_table(bytes);
  (void)parse_columns(bytes).ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  if (bytes[0] == 'h' || bytes[0] == 'x')
    check_segments(bytes[0] == 'x', bytes.substr(1));
  else if (bytes[0] == 'c')
    check_ccda(bytes.substr(1));
  else
    check_csv(bytes);
  return 0;
}
