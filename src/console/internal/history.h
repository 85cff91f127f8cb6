// The entries of one exchange, found from its reference.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "console/internal/records.h"
#include "ledger/ledger.h"

namespace licet::console {

// When the exchange began, as its reference says (26 characters of base 32, the first ten are milliseconds); nullopt: not a reference.
[[nodiscard]] std::optional<Micros> time_of_reference(std::string_view reference);

// Its leaves in order, each with "index"; also the acts of people about it (`release`, `release-used`). Reads back from the head only as
// far as the reference's own time.
[[nodiscard]] Result<std::vector<nlohmann::json>> entries_of(const ledger::Ledger& ledger, std::string_view reference,
                                                             Records* records = nullptr);

}  // namespace licet::console
