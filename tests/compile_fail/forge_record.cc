// Nobody but the ledger makes that proof, and nobody copies it.
// error: private|deleted
#include "ledger/ledger.h"

using licet::ledger::Recorded;

Recorded f(Recorded recorded) {
#ifdef MUST_FAIL
  Recorded forged;
  return forged;
#else
  return recorded;
#endif
}
