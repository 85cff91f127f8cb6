// De-identification of text and FHIR: bytes of input per second of CPU, one core, from bytes in memory to bytes in memory.
//
//   tools/build release bench_deid_text && build/release/bench_deid_text       (from the repository's root)
//
// Texts, one by one, each found and replaced by profile safe-harbor-text: the notes of ../shared/data/fhir (Synthea), MEDDOCAN's (Spanish),
// and invented English ones, dense in identifiers, one by one and in pieces of 1 MB, where build/english.jsonl is there:
//   bench/deid/english.py --split test --seed 2 --texts 4000 --packages PACKAGES > build/english.jsonl
// FHIR: the resources of Synthea's NDJSON, parsed, transformed and written: all types but those that carry notes, profile safe-harbor.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "codec/fhir.h"
#include "deid/fhir.h"
#include "deid/internal/shipped.h"

namespace {

using namespace licet;
using namespace licet::deid;
namespace fs = std::filesystem;

const Shipped& tools(const std::string& language) {
  static const Shipped en("en"), es("es");
  return language == "es" ? es : en;
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::vector<std::string> all;
  std::istringstream in(Shipped::read(path));
  for (std::string line; std::getline(in, line);) all.push_back(std::move(line));
  return all;
}

// The base64 of every attachment that is plain text.
void notes_in(const nlohmann::json& node, std::vector<std::string>& out) {
  if (node.is_object() && node.contains("data") && node.value("contentType", "").starts_with("text/plain"))
    if (auto text = unbase64(node["data"].get<std::string>())) out.push_back(*std::move(text));
  for (const auto& inner : node)
    if (inner.is_structured()) notes_in(inner, out);
}

std::vector<std::string> synthea() {
  std::vector<std::string> all;
  for (const std::string& line : lines_of("../shared/data/fhir/synthea-10/DocumentReference.000.ndjson"))
    notes_in(nlohmann::json::parse(line), all);
  return all;
}
std::vector<std::string> meddocan() {
  std::vector<std::string> all;
  std::error_code none;
  for (const auto& file : fs::directory_iterator("../shared/data/deid/meddocan/corpus/dev/brat", none))
    if (file.path().extension() == ".txt") all.push_back(Shipped::read(file.path()));
  return all;
}
std::vector<std::string> english() {
  std::vector<std::string> all;
  for (const std::string& line : lines_of("build/english.jsonl")) all.push_back(nlohmann::json::parse(line)["text"]);
  return all;
}

void text(benchmark::State& state, const std::vector<std::string>& texts, const char* language, bool transform) {
  if (texts.empty()) return state.SkipWithError("no texts");
  const Shipped& t = tools(language);
  const TextEngine engine(t.lexicon, &t.model);
  const TextTransform made(t.library, *t.library.find("safe-harbor-text"));
  const Known nobody;
  Found found;
  std::string out;
  std::size_t bytes = 0, spans = 0, tokens = 0;
  for (auto _ : state) {
    bytes = spans = tokens = 0;
    for (const std::string& one : texts) {
      engine.find(one, nobody, found);
      bytes += one.size();
      spans += found.spans.size();
      tokens += found.tokens.size();
      if (!transform) continue;
      out.clear();
      made.apply(one, found.spans, {.as_of = Date(std::chrono::days(20'600))}, out);
      benchmark::DoNotOptimize(out.data());
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
  state.counters["MB"] = static_cast<double>(bytes) / 1e6;
  state.counters["spans"] = static_cast<double>(spans);
  state.counters["tokens"] = static_cast<double>(tokens);
}
void text_synthea(benchmark::State& state) {
  static const auto texts = synthea();
  text(state, texts, "en", true);
}
void text_meddocan(benchmark::State& state) {
  static const auto texts = meddocan();
  text(state, texts, "es", true);
}
void text_english(benchmark::State& state) {
  static const auto texts = english();
  text(state, texts, "en", true);
}
// The same in texts of a megabyte.
void text_long(benchmark::State& state) {
  static const auto texts = [] {
    std::vector<std::string> all;
    for (const std::string& one : english()) {
      if (all.empty() || all.back().size() > 1'000'000) all.emplace_back();
      all.back().append(one) += '\n';
    }
    return all;
  }();
  text(state, texts, "en", true);
}

// Steps alone, over the English notes.
void step_tokenize(benchmark::State& state) {
  static const auto texts = english();
  if (texts.empty()) return state.SkipWithError("no texts");
  std::vector<Token> tokens;
  std::size_t bytes = 0;
  for (auto _ : state)
    for (const std::string& one : texts) {
      tokens.clear();
      tokenize(one, tokens);
      bytes += one.size();
      benchmark::DoNotOptimize(tokens.data());
    }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
void step_patterns(benchmark::State& state) {
  static const auto texts = english();
  if (texts.empty()) return state.SkipWithError("no texts");
  const TextEngine engine(tools("en").lexicon, nullptr);
  const Known nobody;
  Found found;
  std::size_t bytes = 0;
  for (auto _ : state)
    for (const std::string& one : texts) {
      engine.find(one, nobody, found);
      bytes += one.size();
      benchmark::DoNotOptimize(found.spans.data());
    }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

void fhir(benchmark::State& state, const char* profile) {
  static const auto resources = [] {
    std::vector<std::string> all;
    std::error_code none;
    for (const auto& file : fs::directory_iterator("../shared/data/fhir/synthea-10", none)) {
      if (file.path().extension() != ".ndjson" || file.path().filename().string().starts_with("DocumentReference")) continue;
      for (std::string& line : lines_of(file.path()))
        if (line.find("\"resourceType\"") != std::string::npos) all.push_back(std::move(line));
    }
    return all;
  }();
  if (resources.empty()) return state.SkipWithError("no resources");
  const Shipped& t = tools("en");
  const FhirTransform transform(t.library, *t.library.find(profile));
  codec::ResourceScanner scanner{Limits{}};
  SeededRandom random(1);
  std::string out;
  std::size_t bytes = 0, made = 0, kept = 0;
  for (auto _ : state) {
    Codes codes(random);
    FhirContext context{.as_of = Date(std::chrono::days(20'600)), .codes = codes, .shift_key = as_bytes("key")};
    bytes = made = kept = 0;
    for (const std::string& one : resources) {
      out.clear();
      auto scan = scanner.scan(one);
      if (scan && transform.apply(**scan, context, out) == Applied::kept) ++kept;
      bytes += one.size();
      made += out.size();
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
  state.counters["resources"] = static_cast<double>(resources.size());
  state.counters["kept"] = static_cast<double>(kept);
  state.counters["MB_out"] = static_cast<double>(made) / 1e6;
}
void fhir_safe_harbor(benchmark::State& state) {
  fhir(state, "safe-harbor");
}
void fhir_limited(benchmark::State& state) {
  fhir(state, "limited-data-set");
}
void fhir_pseudonymized(benchmark::State& state) {
  fhir(state, "pseudonymized");
}
void fhir_scan(benchmark::State& state) {
  codec::ResourceScanner scanner{Limits{}};
  std::size_t bytes = 0;
  std::vector<std::string> resources;
  std::error_code none;
  for (const auto& file : fs::directory_iterator("../shared/data/fhir/synthea-10", none))
    if (file.path().extension() == ".ndjson" && !file.path().filename().string().starts_with("DocumentReference"))
      for (std::string& line : lines_of(file.path())) resources.push_back(std::move(line));
  for (auto _ : state)
    for (const std::string& one : resources) {
      auto scan = scanner.scan(one);
      benchmark::DoNotOptimize(scan.ok());
      bytes += one.size();
    }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

BENCHMARK(text_synthea)->Unit(benchmark::kMillisecond);
BENCHMARK(text_meddocan)->Unit(benchmark::kMillisecond);
BENCHMARK(text_english)->Unit(benchmark::kMillisecond);
BENCHMARK(text_long)->Unit(benchmark::kMillisecond);
BENCHMARK(step_tokenize)->Unit(benchmark::kMillisecond);
BENCHMARK(step_patterns)->Unit(benchmark::kMillisecond);
BENCHMARK(fhir_scan)->Unit(benchmark::kMillisecond);
BENCHMARK(fhir_safe_harbor)->Unit(benchmark::kMillisecond);
BENCHMARK(fhir_limited)->Unit(benchmark::kMillisecond);
BENCHMARK(fhir_pseudonymized)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
