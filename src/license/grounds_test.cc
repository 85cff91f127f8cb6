// Every ground of packs/hipaa-grounds-2013, by the pack's own cases: where somebody permits what it makes lawful, a license stands on it,
// in its form and with its duties.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "license/table.h"
#include "rules/rules.h"

namespace licet::license {
namespace {

rules::Pack grounds_pack() {
  std::vector<stack::Source> files;
  for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path(LICET_SOURCE_DIR) / "packs/hipaa-grounds-2013")) {
    std::ifstream in(file.path(), std::ios::binary);
    files.push_back({file.path().filename().string(), std::string(std::istreambuf_iterator<char>(in), {}), {}});
  }
  auto pack = rules::load_pack(files);
  EXPECT_TRUE(pack.ok()) << pack.error().message;
  return pack.ok() ? *std::move(pack) : rules::Pack();
}

ClassMap fhir_classes() {
  std::ifstream in(std::filesystem::path(LICET_SOURCE_DIR) / "packs/classes/fhir-r4.yaml", std::ios::binary);
  const stack::Source source{"fhir-r4.yaml", std::string(std::istreambuf_iterator<char>(in), {}), {}};
  auto map = ClassMap::load(std::span(&source, 1));
  EXPECT_TRUE(map.ok()) << map.error().message;
  return *std::move(map);
}

struct World {
  std::optional<stack::Stack> stack;
  rules::Judgment judgment;
};
World judged(const rules::Pack& pack, const rules::Pack::Case& c, const std::string& more) {
  std::vector<stack::Source> sources = {
      {"case.yaml", c.yaml + "\n---\nkind: stack\nid: case\nformat: 1\ntenant: case\ntimezone: Etc/UTC\n", stack::Layer::authored}};
  if (!more.empty()) sources.push_back({"more.yaml", more, stack::Layer::authored});
  if (!c.change.empty()) sources.push_back({"change.yaml", c.change, stack::Layer::decisions});
  stack::Loaded loaded = stack::load(sources);
  EXPECT_TRUE(loaded.stack) << c.requirement << ": " << (loaded.problems.empty() ? "?" : loaded.problems.front().text());
  World out;
  if (!loaded.stack) return out;
  auto j = rules::judge(stack::relations(*loaded.stack, c.facts), std::span(&pack, 1), *parse_date(c.as_of));
  EXPECT_TRUE(j.ok()) << j.error().message;
  if (!j.ok()) return out;
  out.stack = std::move(loaded.stack);
  out.judgment = *std::move(j);
  return out;
}

TEST(EveryGround, IsWhatALicenseStandsOnWhereSomebodyPermitsIt) {
  rules::Pack pack = grounds_pack();
  ASSERT_GT(pack.grounds.size(), 35U);
  std::vector<rules::Pack::Query> all;
  std::swap(all, pack.grounds);
  pack.requirements.clear();
  pack.prohibitions.clear();  // what they lift is tested with them
  for (const rules::Pack::Query& ground : all) {
    pack.grounds = {ground};
    bool stands = false;
    for (const rules::Pack::Case& c : pack.cases) {
      if (stands || c.requirement != ground.id || c.expect != "ground" || !c.without.empty()) continue;
      const World bare = judged(pack, c, "");
      for (const rules::Ground& g : bare.judgment.grounds) {
        if (stands || (g.flow != c.subject && g.recipient != c.subject && g.id != c.subject)) continue;
        std::string permit = fmt::format("kind: permit\nid: asked\nto: {}\nfor: [\"{}\"]\ndata: [\"{}\"]\nview: full\n",
                                         g.recipient, fmt::join(g.purposes, "\", \""), fmt::join(g.classes, "\", \""));
        if (g.recipient == "individual" || g.flow.empty()) {
          const stack::Document* flow = bare.stack->find("flow", g.flow);
          const std::string through(flow == nullptr ? "ehr" : flow->text("to"));
          permit += "through: [" + through + "]\n";
        }
        if (!g.patients.empty()) permit += "whose: named\n";
        const World world = judged(pack, c, permit);
        ASSERT_TRUE(world.stack);
        auto table = compile(*world.stack, world.judgment, fhir_classes());
        ASSERT_TRUE(table.ok()) << table.error().message;
        for (const License& l : table->licenses()) {
          if (l.ground_id != g.id || l.permit != "asked") continue;
          stands = true;
          EXPECT_EQ(l.accountable, g.accountable) << g.id;
          EXPECT_TRUE(l.hold || !g.hold) << g.id;
          EXPECT_EQ(l.form == Form::identified, g.form == "identified") << g.id;
        }
      }
    }
    EXPECT_TRUE(stands) << "no license stands on " << ground.id;
  }
}

}  // namespace
}  // namespace licet::license
