#include "gate/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace licet::gate {

const Route* Policy::find(std::string_view path) const {
  const Route* best = nullptr;
  for (const Route& r : routes)
    if (path.starts_with(r.listens) && (best == nullptr || r.listens.size() > best->listens.size())) best = &r;
  return best;
}

Result<void> prepare(Policy& policy) {
  LICET_TRY(nothing, codec::ElementFilter::compile({}));
  policy.nothing = std::move(nothing);
  if (policy.deid) {
    for (auto [form, id, to] : {std::tuple(deid::Form::limited, "limited-data-set", &policy.limited),
                                std::tuple(deid::Form::deidentified, "safe-harbor", &policy.deidentified)}) {
      const deid::Profile* profile = policy.deid->find(id);
      if (profile == nullptr || profile->form != form)
        return Error{Code::invalid_argument, fmt::format("packs/deid: no profile {} of form {}", id, name(form))};
      to->emplace(*policy.deid, *profile);
    }
    if (std::any_of(policy.routes.begin(), policy.routes.end(), [](const Route& r) { return is_llm(r.speaks); })) {
      policy.placeholders = policy.deid->find("pseudonymized");
      policy.plain_text = policy.deid->find("safe-harbor-text");
      if (policy.placeholders == nullptr || policy.placeholders->form != deid::Form::pseudonymized || policy.plain_text == nullptr ||
          policy.plain_text->form != deid::Form::deidentified)
        return Error{Code::invalid_argument, "packs/deid: prompts need the profiles pseudonymized and safe-harbor-text"};
    }
  }
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
