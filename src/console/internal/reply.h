// What both handlers share: a whole answer as a value, small readers of requests, and what a node says about itself.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "epoch/keeper.h"
#include "gate/gate.h"
#include "http/handler.h"

namespace licet::console {

struct Reply {
  http::Response head;
  std::string body;
};

[[nodiscard]] Reply json_reply(const nlohmann::json& value, int status = 200);
// RFC 9457. `title` and `detail` are ours: never text of the request.
[[nodiscard]] Reply problem(int status, std::string_view title, std::string_view detail = {});
// The status that fits a failure of our own.
[[nodiscard]] Reply problem(const Error& error);

// The whole body; exhausted beyond `most`.
[[nodiscard]] Task<Result<std::string>> read_body(http::Body& body, std::size_t most);
[[nodiscard]] Task<void> send(http::Responder& responder, Reply reply);

// A parameter of the query, percent-decoded; nullopt: absent.
[[nodiscard]] std::optional<std::string> parameter(std::string_view query, std::string_view name);
[[nodiscard]] std::uint64_t number_of(const std::optional<std::string>& text, std::uint64_t otherwise);

// GET status of both.
[[nodiscard]] nlohmann::json status_json(const gate::Gate& gate, const epoch::Keeper& keeper, const ledger::Ledger& ledger,
                                         std::string_view build);

}  // namespace licet::console
