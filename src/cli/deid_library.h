// The profiles, elements and ZIP lists of packs/deid, from files.
#pragma once

#include <memory>
#include <string>

#include "base/limits.h"
#include "base/result.h"
#include "deid/profile.h"

namespace licet::cli {

// null: the folder of packs has no deid/ in it, and forms less than identified can't be made. Errors: as deid::load_library.
[[nodiscard]] Result<std::shared_ptr<const deid::Library>> deid_library(const std::string& packs, const Limits& limits);

}  // namespace licet::cli
