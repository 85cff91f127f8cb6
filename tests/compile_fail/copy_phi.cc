// PHI isn't copied by accident.
// error: deleted
#include <string>

#include "base/phi.h"

licet::Phi<std::string> f(const licet::Phi<std::string>& name) {
#ifdef MUST_FAIL
  return name;
#else
  return name.clone();
#endif
}
