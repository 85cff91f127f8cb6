// The only functions through which PHI leaves the gate. Each takes the part and the proof that it was recorded, and spends the proof:
// without a ledger::Recorded they do not compile (tests/compile_fail), and bytes whose digest isn't the recorded one are not sent.
// A part is hashed as it is made and can't be changed from then on: what was recorded of it is what is sent.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/phi.h"
#include "http/handler.h"
#include "ledger/ledger.h"

namespace licet::gate {

// One piece of one leg, as it will stand on the wire.
class Part {
 public:
  explicit Part(std::string bytes);
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] const Digest& digest() const { return digest_; }
  [[nodiscard]] std::string take() && { return std::move(bytes_); }  // once, to the wire

 private:
  std::string bytes_;
  Digest digest_;
};

// The whole answer in one part.
[[nodiscard]] Task<Result<void>> send_answer(http::Responder& responder, http::Response head, Phi<Part> part, ledger::Recorded&& recorded);
// One part of a streamed answer; the responder has begun.
[[nodiscard]] Task<Result<void>> send_part(http::Responder& responder, Phi<Part> part, ledger::Recorded&& recorded);
// A request that carries PHI to the system behind the route.
[[nodiscard]] Task<Result<std::unique_ptr<http::Answer>>> send_request(http::Upstream& upstream, http::Request request, Phi<Part> part,
                                                                       ledger::Recorded&& recorded);

}  // namespace licet::gate
