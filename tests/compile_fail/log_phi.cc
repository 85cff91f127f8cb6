// PHI can't reach a log line.
// error: formatter|format
#include "base/log.h"
#include "base/phi.h"

void f(const licet::Phi<std::string>& name) {
#ifdef MUST_FAIL
  licet::log::info("patient {}", name);
#else
  licet::log::info("patient name of {} bytes", name.reveal().size());
#endif
}
