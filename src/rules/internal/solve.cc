#include "rules/internal/solve.h"

#include <z3++.h>

namespace licet::rules {

std::optional<std::vector<std::size_t>> solve(std::span<const Coverable> acts, std::size_t things, unsigned steps) {
  try {
    z3::context context;
    z3::optimize solver(context);
    z3::params params(context);
    params.set("rlimit", steps);
    solver.set(params);
    std::vector<z3::expr> taken;
    std::vector<z3::expr_vector> settled_by;
    for (std::size_t t = 0; t < things; ++t) settled_by.emplace_back(context);
    for (std::size_t a = 0; a < acts.size(); ++a) {
      taken.push_back(context.bool_const(("a" + std::to_string(a)).c_str()));
      for (const std::size_t t : acts[a].settles) settled_by[t].push_back(taken.back());
      solver.add_soft(!taken.back(), std::to_string(acts[a].cost).c_str());
    }
    for (const z3::expr_vector& any : settled_by) solver.add(z3::mk_or(any));
    if (solver.check() != z3::sat) return std::nullopt;
    const z3::model model = solver.get_model();
    std::vector<std::size_t> out;
    for (std::size_t a = 0; a < acts.size(); ++a)
      if (model.eval(taken[a], true).is_true()) out.push_back(a);
    return out;
  } catch (const z3::exception&) {
    return std::nullopt;  // out of memory or steps: the caller has another way
  }
}

}  // namespace licet::rules
