// PHI has no operator<<.
// error: invalid operands
#include <iostream>
#include <string>

#include "base/phi.h"

void f(const licet::Phi<std::string>& name) {
#ifdef MUST_FAIL
  std::cout << name;
#else
  std::cout << name.reveal().size();
#endif
}
