#include "rules/compare.h"

#include <tuple>

namespace licet::rules {

bool amiss(const Finding& finding, bool strict) {
  switch (finding.status) {
    case Status::fail:
    case Status::stale:
      return true;
    case Status::unknown:
      return strict || finding.asked->about != "program";
    case Status::pass:
    case Status::accepted:
    case Status::not_applicable:
      return false;
  }
  return true;
}

std::vector<Turn> compare(const Judgment& before, const Judgment& after) {
  std::vector<Turn> out;
  const auto key = [](const Finding& f) { return std::tie(f.asked->requirement, f.subject); };
  auto a = before.findings.begin();
  auto b = after.findings.begin();
  while (a != before.findings.end() || b != after.findings.end()) {
    if (b == after.findings.end() || (a != before.findings.end() && key(*a) < key(*b))) {
      out.push_back({&*a++, nullptr});
    } else if (a == before.findings.end() || key(*b) < key(*a)) {
      out.push_back({nullptr, &*b++});
    } else {
      if (a->status != b->status) out.push_back({&*a, &*b});
      ++a;
      ++b;
    }
  }
  return out;
}

}  // namespace licet::rules
