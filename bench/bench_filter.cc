// FHIR filter: framing, strict scan, and reduction of a Bundle, beside the same work on a DOM (nlohmann::json) in the same run.
//
//   tools/build release bench_filter && build/release/bench_filter       (from the repository's root)
//
// Bundles of about 64 KiB and 1 MiB, minified and pretty-printed, made from Synthea's resources where ../shared/data/fhir is present, else
// from a generated note and lab. Bytes per second are of input.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "codec/fhir.h"

namespace {

using namespace licet;
using namespace licet::codec;

std::vector<std::string> resources() {
  std::vector<std::string> all;
  const std::filesystem::path folder = "../shared/data/fhir/synthea-10";
  for (const char* name : {"DocumentReference.000.ndjson", "Encounter.000.ndjson", "Observation.000.ndjson", "Condition.000.ndjson"}) {
    std::ifstream file(folder / name);
    std::string line;
    for (int k = 0; k < 400 && std::getline(file, line); ++k) all.push_back(line);
  }
  if (!all.empty()) return all;
  for (int k = 0; k < 400; ++k) {
    const std::string id = std::to_string(k);
    all.push_back(
        R"({"resourceType":"Observation","id":"o)" + id +
        R"(","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"Laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"718-7","display":"Hemoglobin [Mass/volume] in Blood"}],"text":"Hemoglobin"},"subject":{"reference":"Patient/p)" +
        id +
        R"(","display":"Somebody"},"effectiveDateTime":"2026-02-03T04:05:06Z","valueQuantity":{"value":13.20,"unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"},"note":[{"text":"A free remark."}]})");
  }
  return all;
}

std::string bundle(std::size_t bytes, bool pretty) {
  static const std::vector<std::string> all = resources();
  std::string out = R"({"resourceType":"Bundle","type":"searchset","total":99,"entry":[)";
  for (std::size_t k = 0; out.size() < bytes; ++k) {
    if (k > 0) out += ',';
    // The folders' order is by type: step through it so that types mix.
    out += R"({"fullUrl":"https://ehr.example/fhir/X/)" + std::to_string(k) + R"(","resource":)" + all[k * 97 % all.size()] +
           R"(,"search":{"mode":"match"}})";
  }
  out += "]}";
  return pretty ? nlohmann::json::parse(out).dump(2) : out;
}

struct Views {
  std::vector<std::string> note{"id", "type", "date", "content"}, visit{"id", "status", "period"},
      lab{"code", "effectiveDateTime", "valueQuantity"}, problem{"code", "onsetDateTime"};
  std::vector<TypeElements> all() const {
    return {{"DocumentReference", note}, {"Encounter", visit}, {"Observation", lab}, {"Condition", problem}};
  }
};

void filter_bundle(benchmark::State& state) {
  const std::string in = bundle(static_cast<std::size_t>(state.range(0)), state.range(1) != 0);
  const Views views;
  auto filter = ElementFilter::compile(views.all());
  const Rebase rebase = prefix_rebase({"https://ehr.example/fhir"}, "https://gate.example/fhir");
  std::string out, reduced;
  std::size_t patients = 0;
  for (auto _ : state) {
    out.clear();
    BundleReader reader(Limits{});
    BundleWriter writer(out, {.reduced = true, .rebase = rebase});
    for (std::size_t at = 0; at < in.size(); at += 64 * 1024) {
      if (!reader.feed(std::string_view(in).substr(at, 64 * 1024))) std::abort();
      if (at + 64 * 1024 >= in.size()) reader.finish();
      for (;;) {
        auto event = reader.next();
        if (!event) std::abort();
        if (event->kind == BundleEvent::Kind::more || event->kind == BundleEvent::Kind::end) break;
        if (event->kind == BundleEvent::Kind::member) writer.member(event->name, event->value);
        if (event->kind == BundleEvent::Kind::entry) {
          patients += event->scan->patients.size();
          reduced.clear();
          if ((*filter).apply(*event->scan, reduced) == Applied::kept) writer.entry(event->entry, reduced);
        }
      }
    }
    writer.end();
    benchmark::DoNotOptimize(out.data());
  }
  benchmark::DoNotOptimize(patients);
  state.SetBytesProcessed(static_cast<std::int64_t>(in.size()) * state.iterations());
  state.counters["kept"] = static_cast<double>(out.size()) / static_cast<double>(in.size());
}
BENCHMARK(filter_bundle)->ArgsProduct({{64 << 10, 1 << 20}, {0, 1}})->ArgNames({"bytes", "pretty"});

// Reading and scanning alone: what a full view costs.
void scan_bundle(benchmark::State& state) {
  const std::string in = bundle(static_cast<std::size_t>(state.range(0)), state.range(1) != 0);
  std::size_t patients = 0;
  for (auto _ : state) {
    BundleReader reader(Limits{});
    if (!reader.feed(in)) std::abort();
    reader.finish();
    for (;;) {
      auto event = reader.next();
      if (!event) std::abort();
      if (event->kind == BundleEvent::Kind::end) break;
      if (event->kind == BundleEvent::Kind::entry) patients += event->scan->patients.size();
    }
  }
  benchmark::DoNotOptimize(patients);
  state.SetBytesProcessed(static_cast<std::int64_t>(in.size()) * state.iterations());
}
BENCHMARK(scan_bundle)->ArgsProduct({{64 << 10, 1 << 20}, {0, 1}})->ArgNames({"bytes", "pretty"});

// The peer: parse to a DOM, keep the same top-level elements, print. (No strictness, no leak channels: less work than ours.)
void dom_bundle(benchmark::State& state) {
  const std::string in = bundle(static_cast<std::size_t>(state.range(0)), state.range(1) != 0);
  const Views views;
  for (auto _ : state) {
    nlohmann::json doc = nlohmann::json::parse(in);
    nlohmann::json entries = nlohmann::json::array();
    for (auto& entry : doc["entry"]) {
      nlohmann::json& resource = entry["resource"];
      for (const TypeElements& type : views.all()) {
        if (resource["resourceType"] != type.type) continue;
        nlohmann::json kept;
        for (const char* always : {"resourceType", "id", "meta", "status"})
          if (resource.contains(always)) kept[always] = std::move(resource[always]);
        for (const std::string& element : type.elements)
          if (resource.contains(element)) kept[element] = std::move(resource[element]);
        entries.push_back({{"fullUrl", entry["fullUrl"]}, {"resource", std::move(kept)}});
      }
    }
    doc["entry"] = std::move(entries);
    const std::string out = doc.dump();
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(in.size()) * state.iterations());
}
BENCHMARK(dom_bundle)->ArgsProduct({{64 << 10, 1 << 20}, {0, 1}})->ArgNames({"bytes", "pretty"});

}  // namespace

BENCHMARK_MAIN();
