// A pack of wording is untrusted input, as packs are. Properties: loading never crashes; an error names file and line; what loads can be
// read with.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "reader/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace licet::reader;
  if (size > 16 * 1024) return 0;
  auto wording = Wording::load(std::string_view(reinterpret_cast<const char*>(data), size), "w.yaml");
  if (!wording) {
    if (!wording.error().message.starts_with("w.yaml:")) std::abort();
    return 0;
  }
  (void)read("Business Associate shall report any breach of PHI to Covered Entity within 5 days.", *wording);
  return 0;
}
