// Heads, written: exactly one framing field, nothing hop-by-hop, nothing that could end a line early.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/handler.h"

namespace licet::http {

enum class Lengthed : std::uint8_t { none, length, chunked };

// Appends the head of an answer. `none`: no framing field at all (1xx, 204, 304, HEAD without a known length).
// invalid_argument: a status, name or value that can't stand in a head.
[[nodiscard]] Result<void> write_head(std::string& out, const Response& response, Lengthed framing, std::uint64_t length, bool close);
// Appends the head of a request. `authority`: for Host. Content-Length as the method wants it.
[[nodiscard]] Result<void> write_head(std::string& out, const Request& request, std::string_view authority, std::uint64_t length);
// The Date field's value for now; made once a second and thread.
[[nodiscard]] std::string_view date_now();
[[nodiscard]] std::string_view phrase(int status);

}  // namespace licet::http
