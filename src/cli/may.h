// licet check --may: may PHI of this class go to that system, for that purpose? By what right, in what form, or what is missing.
#pragma once

#include <string>

#include "base/time.h"
#include "epoch/load.h"

namespace licet::cli {

struct MayArgs {
  std::string system, data, purpose;  // purpose empty: any
  std::string packs;                  // the folder of packs, for what is not declared yet
  bool json = false;
};

// Prints the answer. kClean: it may. kNo: it may not, or only once a person releases it, or it would be lawful but nobody declared it.
int may(const epoch::World& world, const MayArgs& args, Micros now);

}  // namespace licet::cli
