// De-identification of DICOM heads: files per second of CPU, one core, from bytes in memory to bytes in memory, pixels passed along.
//
//   tools/build release bench_dicom && build/release/bench_dicom           (from the repository's root)
//   python3 bench/dicom_peers.py                                            (the program and its peers, file to file)
//
// The files are the test files of Debian's python3-pydicom that can be read, as they are; `head` leaves out their pixels. _text: the
// profile whose texts the engine reads.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>
#include <vector>

#include "deid/dicom.h"
#include "deid/internal/shipped.h"

namespace {

using namespace licet;
using namespace licet::deid;

const std::vector<std::string>& files() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> made;
    std::error_code none;
    for (const auto& f : std::filesystem::recursive_directory_iterator("/usr/lib/python3/dist-packages/pydicom/data", none)) {
      if (!f.is_regular_file()) continue;
      std::string bytes = Shipped::read(f.path());
      if (codec::looks_like_dicom(bytes)) made.push_back(std::move(bytes));
    }
    return made;
  }();
  return all;
}

void run(benchmark::State& state, const char* name, bool pixels) {
  if (files().empty()) return state.SkipWithError("python3-pydicom is not installed");
  const Profile& profile = *shipped().library.find(name);
  SeededRandom random(1);
  Codes codes(random);
  const TextEngine engine(shipped().lexicon, &shipped().model);
  const TextTransform text(shipped().library, profile);
  Pieces pieces(engine, text);
  ValueContext values{
      .library = shipped().library, .profile = profile, .as_of = Date(std::chrono::days(20'600)), .codes = codes, .key = as_bytes("key")};
  const DicomTransform transform(shipped().library, profile);
  std::size_t done = 0, refused = 0, bytes = 0;
  DicomMade made;
  for (auto _ : state) {
    done = refused = 0;
    for (const std::string& file : files()) {
      codec::DicomReader reader;
      reader.feed(file);
      reader.finish();
      DicomRun one{.values = values, .pieces = &pieces};
      auto event = reader.next();
      if (!event || *event != codec::DicomReader::Event::head || !transform.apply(reader.head(), DicomPixelsAre::untouched, one, made)) {
        ++refused;
        continue;
      }
      ++done;
      bytes += made.data.size();
      if (pixels)
        while (event = reader.next(), event.ok() && *event == codec::DicomReader::Event::pixels) bytes += reader.piece().size();
      benchmark::DoNotOptimize(made.data.data());
    }
  }
  state.counters["files/s"] = benchmark::Counter(static_cast<double>(state.iterations() * done), benchmark::Counter::kIsRate);
  state.counters["files"] = static_cast<double>(done);
  state.counters["refused"] = static_cast<double>(refused);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

void head(benchmark::State& state) {
  run(state, "safe-harbor", false);
}
void head_text(benchmark::State& state) {
  run(state, "safe-harbor-text", false);
}
void head_shifted(benchmark::State& state) {
  run(state, "pseudonymized", false);
}
void with_pixels(benchmark::State& state) {
  run(state, "safe-harbor", true);
}
BENCHMARK(head)->Unit(benchmark::kMillisecond);
BENCHMARK(head_text)->Unit(benchmark::kMillisecond);
BENCHMARK(head_shifted)->Unit(benchmark::kMillisecond);
BENCHMARK(with_pixels)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
