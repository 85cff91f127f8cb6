// licet check --plan.
#pragma once

#include <string>

#include "cli/world.h"

namespace licet::cli {

struct PlanArgs {
  std::string packs;
  bool strict = false, json = false;
};
int plan(const Judged& judged, const PlanArgs& args);

}  // namespace licet::cli
