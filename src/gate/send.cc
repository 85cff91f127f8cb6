#include "gate/send.h"

#include "crypto/crypto.h"

namespace licet::gate {
namespace {

// The record names what leaves by digest: a mismatch is our own bug, and must not reach the wire.
void must_match(const Part& part, const ledger::Recorded& recorded) {
  LICET_ASSERT(part.digest() == recorded.digest());
}

}  // namespace

Part::Part(std::string bytes) : bytes_(std::move(bytes)), digest_(crypto::sha256(bytes_)) {}

Task<Result<void>> send_answer(http::Responder& responder, http::Response head, Phi<Part> part, ledger::Recorded&& recorded) {
  const ledger::Recorded spent = std::move(recorded);
  Part out = std::move(part).reveal();
  must_match(out, spent);
  std::string bytes = std::move(out).take();
  auto sent = co_await responder.send(std::move(head), std::move(bytes));
  co_return sent;
}

Task<Result<void>> send_part(http::Responder& responder, Phi<Part> part, ledger::Recorded&& recorded) {
  const ledger::Recorded spent = std::move(recorded);
  Part out = std::move(part).reveal();
  must_match(out, spent);
  std::string bytes = std::move(out).take();
  auto sent = co_await responder.write(std::move(bytes));
  co_return sent;
}

Task<Result<std::unique_ptr<http::Answer>>> send_request(http::Upstream& upstream, http::Request request, Phi<Part> part,
                                                         ledger::Recorded&& recorded) {
  const ledger::Recorded spent = std::move(recorded);
  Part out = std::move(part).reveal();
  must_match(out, spent);
  std::string bytes = std::move(out).take();
  auto answer = co_await upstream.send(std::move(request), std::move(bytes));
  co_return answer;
}

}  // namespace licet::gate
