// A bundle as one file: POSIX ustar (IEEE 1003.1), so that `tar xf` and a browser read it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "proof/prove.h"

namespace licet::console {

// Every file below `root`/, mode 0600, dated `when`. Same arguments, same bytes. exhausted: a path beyond the 100 bytes that the format
// has.
[[nodiscard]] Result<std::string> tar(std::span<const proof::BundleFile> files, std::string_view root, Micros when);

}  // namespace licet::console
