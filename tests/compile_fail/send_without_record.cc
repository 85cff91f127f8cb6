// PHI isn't sent without the proof that it was recorded.
// error: no matching function|too few arguments
#include "gate/send.h"

using namespace licet;

Task<Result<void>> f(http::Responder& responder, Phi<gate::Part> part, ledger::Recorded recorded) {
#ifdef MUST_FAIL
  return gate::send_part(responder, std::move(part));
#else
  return gate::send_part(responder, std::move(part), std::move(recorded));
#endif
}
