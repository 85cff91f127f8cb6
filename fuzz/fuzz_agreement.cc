// The text of an agreement is a stranger's. Properties: every quote stands in the text where start and end say, in code points; pages are
// within the document; a document that is no agreement has no clause; the same text reads the same twice.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "reader/reader.h"

namespace {

const licet::reader::Wording& wording() {
  static const licet::reader::Wording loaded = [] {
    std::ifstream file("packs/wording/baa.yaml", std::ios::binary);
    return *licet::reader::Wording::load(std::string(std::istreambuf_iterator<char>(file), {}), "baa.yaml");
  }();
  return loaded;
}

std::size_t points(std::string_view s) {
  std::size_t n = 0;
  for (const char c : s) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace licet::reader;
  if (size > 64 * 1024) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Reading r = read(text, wording()), again = read(text, wording());
  if (r.kind == Kind::not_an_agreement && !r.clauses.empty()) std::abort();
  if (r.clauses.size() != again.clauses.size() || r.terms.size() != again.terms.size()) std::abort();
  for (std::size_t i = 0; i < r.clauses.size(); ++i) {
    const Clause& c = r.clauses[i];
    if (c.is != again.clauses[i].is || c.at.quote != again.clauses[i].at.quote) std::abort();
    if (c.is == Is::present && c.at.quote.empty()) std::abort();
    if (c.at.quote.empty()) continue;
    const std::size_t at = text.find(c.at.quote);
    if (at == std::string::npos || c.at.end > points(text) || c.at.start > c.at.end || c.at.page == 0 || c.at.page > r.pages + 1)
      std::abort();
    if (points(c.at.quote) != c.at.end - c.at.start) std::abort();
  }
  return 0;
}
