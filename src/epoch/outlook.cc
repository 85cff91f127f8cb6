#include "epoch/outlook.h"

#include <fmt/format.h>

namespace licet::epoch {

Result<std::vector<Day>> outlook(const World& world, std::span<const stack::Fact> facts, const OutlookOptions& options,
                                 store::FileSystem& files, const Limits& limits) {
  std::vector<Day> days;
  const Zone& zone = world.stack->zone;
  const World* was = &world;
  std::optional<World> held;
  for (std::size_t looked = 0;; ++looked) {
    const std::optional<Date> next = was->judgment.next_change;
    if (!next || *next > options.until) return days;
    if (looked == kDaysMost)
      return Error{Code::exhausted,
                   fmt::format("more than {} days bring a change by {}: look less far ahead", kDaysMost, format(options.until))};
    LICET_ASSERT(*next > was->judgment.as_of);
    LICET_TRY(then, assemble_sources(world.sources, options.packs, facts, zone.start(*next), files, limits));
    Day day{.on = *next};
    for (const rules::Turn& t : rules::compare(was->judgment, then.judgment)) {
      Turned& turned = day.turns.emplace_back();
      if (t.before != nullptr) turned.before = *t.before;
      if (t.after != nullptr) turned.after = *t.after;
      turned.breaks = t.breaks(options.strict);
      turned.mends = t.mends(options.strict);
    }
    day.licenses = license::diff(*was->table, *then.table);
    if (!day.turns.empty() || !day.licenses.empty()) days.push_back(std::move(day));
    held = std::move(then);
    was = &*held;
  }
}

}  // namespace licet::epoch
