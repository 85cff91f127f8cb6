#include "gate/policy.h"

#include <algorithm>

namespace licet::gate {

const Route* Policy::find(std::string_view path) const {
  const Route* best = nullptr;
  for (const Route& r : routes)
    if (path.starts_with(r.listens) && (best == nullptr || r.listens.size() > best->listens.size())) best = &r;
  return best;
}

Result<void> prepare(Policy& policy) {
  const license::Table& table = *policy.table;
  for (std::uint32_t i = 0; i < table.views(); ++i) {
    const license::View& view = table.view(license::ViewId{i});
    if (view.full) {
      policy.filters.push_back(codec::ElementFilter::full());
      continue;
    }
    std::vector<codec::TypeElements> types;
    for (const license::View::Type& t : view.types) types.push_back({t.type, t.elements});
    auto filter = codec::ElementFilter::compile(types);
    if (!filter) return Error{Code::invalid_argument, "permit " + view.id + ": " + filter.error().message};
    policy.filters.push_back(*std::move(filter));
  }
  for (Route& r : policy.routes) {
    r.key = table.route(r.id);
    r.bases = {r.origin + r.base};
    if (!r.says.empty()) r.bases.push_back(r.says);
    for (std::string& base : r.bases)
      if (base.ends_with('/')) base.pop_back();
  }
  return {};
}

}  // namespace licet::gate
