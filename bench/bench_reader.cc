// Reading agreements: text → clauses, on one core. Aim: 100 pages a second (issue 4); a page is 3,000 characters.
//
//   tools/build release bench_reader && build/release/bench_reader
//
// The text is tests/agreements (invented), repeated to 100 pages. Extraction (pdftotext, unzip) is not in it.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "reader/reader.h"

namespace {

using namespace licet::reader;

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void pages(benchmark::State& state) {
  auto wording = Wording::load(slurp("packs/wording/baa.yaml"), "baa.yaml");
  if (!wording) return state.SkipWithError(wording.error().message.c_str());
  std::string text;
  const std::size_t want = static_cast<std::size_t>(state.range(0)) * 3000;
  while (text.size() < want)
    for (const auto& entry : std::filesystem::directory_iterator("tests/agreements"))
      if (entry.path().extension() == ".txt") text += slurp(entry.path()) + "\n\f";
  text.resize(want);
  for (auto _ : state) benchmark::DoNotOptimize(read(text, *wording));
  state.counters["pages/s"] =
      benchmark::Counter(static_cast<double>(state.range(0)) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(pages)->Arg(10)->Arg(100)->Arg(5000)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
