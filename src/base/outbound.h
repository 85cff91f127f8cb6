// Outbound: the one interface through which rooms other than http reach the network (key sets of token issuers, witnesses, webhooks).
//
// The real one is http's; it is itself licensed: only addresses that the declaration or the configuration names are reached, bodies and
// waits are limited, redirects are not followed. Tests pass a fake.
#pragma once

#include <string>

#include "base/result.h"
#include "base/task.h"

namespace licet {

struct Fetched {
  int status = 0;
  std::string body;
  std::string content_type;
};

class Outbound {
 public:
  virtual ~Outbound() = default;
  // GET. unavailable: no answer in time; permission_denied: the address is not on the list.
  [[nodiscard]] virtual Task<Result<Fetched>> get(std::string url) = 0;

  struct Message {
    std::string body;       // never PHI
    std::string type;       // application/json
    std::string signature;  // goes out as Licet-Signature; empty: none
  };
  // POST. The same errors.
  [[nodiscard]] virtual Task<Result<Fetched>> post(std::string url, Message message) = 0;

  struct Mail {
    std::string from, to;       // plain addresses
    std::string subject, text;  // never PHI
  };
  // By this machine's own relay. unavailable: there is none, it does not answer, or it refuses.
  [[nodiscard]] virtual Task<Result<void>> mail(Mail mail) {
    (void)mail;
    co_return Error{Code::unavailable, "no mail relay is configured"};
  }
};

}  // namespace licet
