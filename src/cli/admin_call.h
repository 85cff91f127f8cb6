// One call to the running node, through state/licet.sock.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "cli/config.h"

namespace licet::cli {

struct Reply {
  int status = 0;
  nlohmann::json body;
};
// unavailable: nothing serves there.
[[nodiscard]] Result<Reply> admin_call(const Config& config, std::string method, std::string target, std::string body);
// What a refusal says.
[[nodiscard]] std::string detail_of(const Reply& reply);
// Who runs this command, for the record.
[[nodiscard]] std::string user();

}  // namespace licet::cli
