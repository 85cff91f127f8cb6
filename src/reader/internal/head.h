// Parties and dates, as the first pages and the signature block name them. Proposals: a person confirms.
#pragma once

#include "reader/reader.h"

namespace licet::reader {

void head(std::string_view text, Reading& reading);

}  // namespace licet::reader
