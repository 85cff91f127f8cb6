// Table::decide from 10 to 100,000 tuples, and compile() beside it. Build: tools/build release bench_license; run: build/release/bench_license
//
// One vendor system a flow, each with a permit over 5 classes, 2 purposes and 2 actions (read, search): 20 tuples a system, so the argument 10
// is in truth one system with 20. Asks are drawn at random over all systems, so that the caches are as cold as a busy gate's.
// p50_ns and p99_ns are of the means of batches of 16 decisions: reading the clock costs as much as a decision does. So p99_ns hides a single
// slow decision within a batch; it is no per-decision p99.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/random.h"
#include "license/internal/made.h"
#include "license/table.h"

namespace licet::license {
namespace {

constexpr int kTuplesEach = 20;

ClassMap classes() {
  const std::vector<stack::Source> sources{{"c.yaml", R"(
format: 1
classes: [clinical.note, clinical.lab, clinical.vital, clinical.condition, clinical.encounter]
types: {clinical.note: [DocumentReference], clinical.lab: [Observation], clinical.vital: [Device], clinical.condition: [Condition], clinical.encounter: [Encounter]}
)"}};
  return *ClassMap::load(sources);
}

struct World {
  stack::Stack stack;
  rules::Judgment law;
};
World world(int systems) {
  std::string y = "{kind: organization, id: clinic}\n---\n{kind: system, id: ehr, owner: clinic}\n---\n{kind: route, id: front, speaks: fhir-r4, serves: ehr}\n";
  World w;
  w.law.as_of = *parse_date("2026-11-25");
  w.law.under = "under packs bench@1";
  for (int i = 0; i < systems; ++i) {
    y += fmt::format("---\n{{kind: organization, id: o{0}}}\n---\n{{kind: system, id: s{0}, owner: o{0}, region: east}}\n", i);
    y += fmt::format("---\n{{kind: flow, id: f{0}, from: ehr, to: s{0}, via: front, purposes: [TREAT, HPAYMT], data: ['clinical.*']}}\n", i);
    y += fmt::format(
        "---\n{{kind: permit, id: p{0}, to: s{0}, for: [TREAT, HPAYMT], when: {{region: [east]}}, reads: {{DocumentReference: [id], Observation: [id, code], "
        "Device: [id], Condition: [code], Encounter: [period]}}}}\n",
        i);
    rules::Ground g;
    g.id = fmt::format("associate:f{}", i);
    g.kind = "associate";
    g.flow = fmt::format("f{}", i);
    g.recipient = fmt::format("s{}", i);
    g.classes = {"clinical.*"};
    g.purposes = {"TREAT", "HPAYMT"};
    g.until = *parse_date("2027-06-30");
    w.law.grounds.push_back(g);
  }
  w.stack = made::stack(y);
  return w;
}

void decide(benchmark::State& state) {
  const int systems = std::max(1, static_cast<int>(state.range(0)) / kTuplesEach);
  const World w = world(systems);
  const Table table = *compile(w.stack, w.law, classes());
  Overlay overlay;
  SeededRandom random(7);
  const char* names[] = {"clinical.note", "clinical.lab", "clinical.vital", "clinical.condition", "clinical.encounter"};
  std::vector<Ask> asks(1 << 16);
  for (Ask& a : asks) {
    a.caller = table.system(fmt::format("s{}", random.next() % static_cast<std::uint64_t>(systems)));
    a.route = table.route("front");
    a.purpose = table.purpose(random.next() % 2 == 0 ? "TREAT" : "HPAYMT");
    a.action = random.next() % 2 == 0 ? Action::read : Action::search;
    a.data_class = table.data_class(names[random.next() % 5]);
    a.region = table.region("east");
    a.patient = {random.next(), random.next()};
    a.now = Micros(*parse_date("2026-11-25"));
  }
  std::vector<double> took;
  took.reserve(1 << 20);
  std::size_t at = 0;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 16; ++i) {
      Decision d = table.decide(asks[at++ & (asks.size() - 1)], overlay);
      benchmark::DoNotOptimize(d);
    }
    if (took.size() < took.capacity()) took.push_back(std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / 16);
  }
  std::sort(took.begin(), took.end());
  state.SetItemsProcessed(state.iterations() * 16);
  state.counters["p50_ns"] = took[took.size() / 2];
  state.counters["p99_ns"] = took[took.size() * 99 / 100];
}
BENCHMARK(decide)->Arg(10)->Arg(100)->Arg(1'000)->Arg(10'000)->Arg(100'000);

void compile_table(benchmark::State& state) {
  const World w = world(std::max(1, static_cast<int>(state.range(0)) / kTuplesEach));
  for (auto _ : state) {
    auto table = compile(w.stack, w.law, classes());
    benchmark::DoNotOptimize(table.ok());
  }
}
BENCHMARK(compile_table)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void classify(benchmark::State& state) {
  const ClassMap map = classes();
  const Coding category[] = {{"http://terminology.hl7.org/CodeSystem/observation-category", "laboratory"}};
  const Coding code[] = {{"http://loinc.org", "4548-4"}};
  const ResourceFacts facts{.type = "Observation", .categories = category, .codes = code, .labels = {}};
  for (auto _ : state) benchmark::DoNotOptimize(map.classify(facts));
}
BENCHMARK(classify);

}  // namespace
}  // namespace licet::license

BENCHMARK_MAIN();
