// A plain message to the mail relay of this machine (RFC 5321): what `Outbound::mail` does.
//
// Loopback only, without TLS or log-in: how mail leaves the machine is the relay's affair. Any of its refusals is an error with its code.
#pragma once

#include <string>

#include "base/limits.h"
#include "base/outbound.h"
#include "base/result.h"
#include "base/task.h"

namespace licet::http {

// "127.0.0.1:25" or "[::1]:25". invalid_argument: anything else.
[[nodiscard]] Result<void> check_relay(const std::string& relay);
// An address of the plain kind: letters, digits and ._%+- before the @, a host name behind it.
[[nodiscard]] bool is_mail_address(std::string_view address);
// The message as it goes over the wire after DATA, ended and dot-stuffed.
[[nodiscard]] std::string mail_data(const Outbound::Mail& mail);
[[nodiscard]] Task<Result<void>> send_mail(std::string relay, Outbound::Mail mail, Limits limits);

}  // namespace licet::http
