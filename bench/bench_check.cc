// `licet check` with loading: YAML of N systems (3 N flows, N/2 organizations each with an agreement) judged by the shipped packs, and by 300
// requirements.
//
//   tools/build release bench_check && build/release/bench_check
//
// /0 is every shipped pack as it is: the aim is 1,000 systems in 0.4 s and 10,000 in 4 s. The 300 are the same requirements, repeated under
// other ids: they share populations, which real packs do less. Time is wall, CPU is of all threads.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "rules/rules.h"

namespace {

using namespace licet;

constexpr std::size_t kRequirements = 300;

std::string declaration(int systems) {
  std::string out =
      "kind: stack\nid: s\nformat: 1\ntenant: bench\ntimezone: Etc/UTC\n---\nkind: organization\nid: clinic\nname: Clinic\nfunctions: "
      "[provider]\ncovered: true\n";
  const int vendors = systems / 2;
  for (int i = 0; i < vendors; ++i) {
    out += fmt::format("---\nkind: organization\nid: v{0}\nname: Vendor {0}\nfunctions: [vendor]\n", i);
    // Every tenth vendor is a subcontractor of the one before it; every twentieth agreement has lapsed; every fiftieth is missing.
    if (i % 50 != 49)
      out += fmt::format(
          "---\nkind: agreement\nid: baa{0}\nis: baa\nup: {1}\ndown: v{0}\nsigned: 2025-01-01\nexpires: {2}\ncovers: {{data: [clinical.*], "
          "regions: [us-east, us-west]}}\n"
          "terms: {{breach-notice: 5d, ai-training: prohibited}}\nclauses:\n  - {{cite: \"164.504(e)(2)(ii)(A)\", is: present}}\n",
          i, i % 10 == 9 ? fmt::format("v{}", i - 1) : "clinic", i % 20 == 7 ? "2026-01-01" : "2027-12-31");
  }
  for (int i = 0; i < systems; ++i)
    out += fmt::format("---\nkind: system\nid: s{}\nowner: {}\nregion: us-east\nproves: [{{mtls-san: s{}.example}}]\n", i,
                       i % 2 == 0 ? std::string("clinic") : fmt::format("v{}", i / 2), i);
  for (int i = 0; i < 3 * systems; ++i) {
    const int from = 2 * (i * 7919 % (systems / 2)), to = (i % systems * 4729 + 1) % systems;
    if (from != to)
      out += fmt::format(
          "---\nkind: flow\nid: f{}\nfrom: s{}\nto: s{}\ndata: [clinical.note]\npurposes: [TREAT]\non-behalf-of: clinic\nencrypted: true\n",
          i, from, to);
  }
  return out;
}

std::vector<rules::Pack> packs(std::size_t requirements) {
  std::vector<rules::Pack> out;
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator("packs"))
    if (std::filesystem::exists(entry.path() / "pack.yaml")) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  std::size_t count = 0;
  for (const auto& folder : folders) {
    std::vector<stack::Source> files;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      std::ifstream in(file.path(), std::ios::binary);
      files.push_back({file.path().string(), std::string(std::istreambuf_iterator<char>(in), {}), {}});
    }
    auto pack = rules::load_pack(files);
    if (!pack) {
      fmt::print(stderr, "{}\n", pack.error().message);
      std::exit(1);
    }
    count += pack->requirements.size();
    out.push_back(*std::move(pack));
  }
  const std::vector<rules::Pack> shipped = out;
  for (int round = 1; count < requirements; ++round)
    for (std::size_t p = 0; p < shipped.size() && count < requirements; ++p)
      for (std::size_t r = 0; r < shipped[p].requirements.size() && count < requirements; ++r, ++count) {
        out[p].requirements.push_back(shipped[p].requirements[r]);
        out[p].requirements.back().id += fmt::format(".{}", round);
      }
  return out;
}

void check(benchmark::State& state) {
  const stack::Source source{"bench.yaml", declaration(static_cast<int>(state.range(0))), stack::Layer::authored};
  const std::vector<rules::Pack> all = packs(static_cast<std::size_t>(state.range(1)));
  std::size_t findings = 0;
  for (auto _ : state) {
    const stack::Loaded loaded = stack::load(std::span(&source, 1));
    if (!loaded.stack) return state.SkipWithError(loaded.problems.front().text().c_str());
    auto judgment = rules::judge(stack::relations(*loaded.stack, {}), all, *parse_date("2026-11-25"));
    if (!judgment) return state.SkipWithError(judgment.error().message.c_str());
    findings = judgment->findings.size();
    benchmark::DoNotOptimize(judgment);
  }
  state.counters["findings"] = static_cast<double>(findings);
  state.counters["yaml_bytes"] = static_cast<double>(source.bytes.size());
}
BENCHMARK(check)
    ->Args({10, 0})
    ->Args({1'000, 0})
    ->Args({10'000, 0})
    ->Args({1'000, kRequirements})
    ->Args({10'000, kRequirements})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void load_only(benchmark::State& state) {
  const stack::Source source{"bench.yaml", declaration(static_cast<int>(state.range(0))), stack::Layer::authored};
  for (auto _ : state) {
    const stack::Loaded loaded = stack::load(std::span(&source, 1));
    benchmark::DoNotOptimize(stack::relations(*loaded.stack, {}));
  }
}
BENCHMARK(load_only)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
