// The front end (web/), as the build embedded it: tools/web makes the table. Empty where web/ could not be built; then page.h's page
// serves.
#pragma once

#include <span>
#include <string_view>

namespace licet::console {

struct Asset {
  std::string_view path;  // "/", "/assets/index-4f2c.js"
  std::string_view type;
  std::string_view etag;  // quoted
  bool gzip;              // `bytes` are compressed
  bool immutable;         // its name holds its digest
  std::string_view bytes;
};
[[nodiscard]] std::span<const Asset> assets();

}  // namespace licet::console
