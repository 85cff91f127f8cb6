// Documents are a stranger's bytes: DOCX, ODT, HTML, Markdown, text. The first byte picks the reader (and, for the office formats, whether
// the rest is the zip or the XML inside it). Properties: never more text than the limit; what comes out is valid UTF-8 without NUL; same
// bytes, same text.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "reader/internal/xml.h"

namespace {

bool utf8(const std::string& s) {
  for (std::size_t i = 0; i < s.size();) {
    const auto c = static_cast<unsigned char>(s[i]);
    const std::size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    if (n == 0 || c == 0 || i + n > s.size()) return false;
    for (std::size_t k = 1; k < n; ++k)
      if ((static_cast<unsigned char>(s[i + k]) & 0xC0) != 0x80) return false;
    i += n;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace licet::reader;
  if (size < 1) return 0;
  ReadLimits limits;
  limits.text_bytes = 64 * 1024;
  limits.depth = 64;
  const std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto once = [&]() -> licet::Result<std::string> {
    std::string xml = bytes;
    switch (data[0] % 7) {
      case 0:
        return extract(Format::text, bytes, limits);
      case 1:
        return extract(Format::markdown, bytes, limits);
      case 2:
        return extract(Format::html, bytes, limits);
      case 3:
        return extract(Format::docx, bytes, limits);
      case 4:
        return extract(Format::odt, bytes, limits);
      case 5:
        return text_of_xml(xml, true, limits);
      default:
        return text_of_xml(xml, false, limits);
    }
  };
  auto text = once(), again = once();
  if (text.ok() != again.ok()) std::abort();
  if (!text) return 0;
  if (text->size() > limits.text_bytes + 8 || *text != *again) std::abort();
  if (data[0] % 7 < 5 && data[0] % 7 != 2 && !utf8(*text)) std::abort();
  auto format = format_of(bytes, "x");
  format.ignore();  // that it says something is all
  return 0;
}
