// The text engine's lexicon and weights, built into the program (src/deid/models).
#pragma once

#include <string_view>

namespace licet::cli {

[[nodiscard]] std::string_view deid_lexicon();
[[nodiscard]] std::string_view deid_model(std::string_view language);  // "en", "es"; empty: there is none

}  // namespace licet::cli
