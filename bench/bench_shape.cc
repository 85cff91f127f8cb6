// What happens to the bytes of a searched Bundle in the gate: read, classified, decided resource by resource, reduced; and then digested, its
// patients blinded. (bench_filter is the codec alone.)
//
//   tools/build release bench_shape && build/release/bench_shape       (from the repository's root)
//
// A minified Bundle of laboratory results of six patients, of which the view keeps about half the bytes; fed in pieces of 64 KiB, as http does.
// The classes are the shipped map's (packs/classes). Bytes per second are of input. Aims: shape 0.8 GB/s, shape_and_digest 0.5 GB/s.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <set>

#include "base/random.h"
#include "codec/fhir.h"
#include "crypto/blind.h"
#include "license/internal/made.h"
#include "license/table.h"

namespace {

using namespace licet;

std::string bundle(std::size_t bytes) {
  std::string out = R"({"resourceType":"Bundle","type":"searchset","entry":[)";
  for (int k = 0; out.size() < bytes; ++k)
    out += fmt::format(
        R"({}{{"fullUrl":"https://ehr.example/fhir/Observation/obs-{:04}","search":{{"mode":"match"}},"resource":{{"resourceType":"Observation",)"
        R"("id":"obs-{:04}","meta":{{"versionId":"1","lastUpdated":"2026-11-20T09:30:00Z"}},"status":"final","category":[{{"coding":[{{"system":)"
        R"("http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"Laboratory"}}]}}],"code":{{"coding":[{{"system":)"
        R"("http://loinc.org","code":"718-7","display":"Hemoglobin [Mass/volume] in Blood"}}],"text":"Hemoglobin"}},"subject":{{"reference":)"
        R"("Patient/p-{:04}","display":"Maria Alvarez"}},"encounter":{{"reference":"Encounter/enc-{:04}"}},"effectiveDateTime":"2026-11-20T09:30:00Z",)"
        R"("issued":"2026-11-20T11:00:00.000Z","performer":[{{"reference":"Practitioner/dr-lee","display":"Dr. Lee"}}],"valueQuantity":{{"value":13.{},)"
        R"("unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"}},"referenceRange":[{{"low":{{"value":12.0,"unit":"g/dL"}},"high":)"
        R"({{"value":15.5,"unit":"g/dL"}}}}],"note":[{{"text":"Repeat in three months."}}]}}}})",
        k == 0 ? "" : ",", k, k, k % 6 + 1, k, k % 10);
  return out + "]}";
}

license::ClassMap shipped_classes() {
  const char* path = "packs/classes/fhir-r4.yaml";
  std::ifstream in(path, std::ios::binary);
  const stack::Source source{path, std::string(std::istreambuf_iterator<char>(in), {}), {}};
  auto map = license::ClassMap::load(std::span(&source, 1));
  if (!map) {
    fmt::print(stderr, "{}\n", map.error().message);
    std::exit(1);
  }
  return *std::move(map);
}

class Shaper {
 public:
  Shaper() : blind_(crypto::Secret::random(random_)) {
    const stack::Stack stack = license::made::stack(
        "{kind: organization, id: clinic}\n---\n{kind: organization, id: vendor}\n---\n{kind: system, id: ehr, owner: clinic}\n---\n"
        "{kind: system, id: scribe, owner: vendor, region: east}\n---\n{kind: route, id: front, speaks: fhir-r4, serves: ehr}\n---\n"
        "{kind: flow, id: results, from: ehr, to: scribe, via: front, purposes: [TREAT], data: ['clinical.*']}\n---\n"
        "{kind: permit, id: reads, to: scribe, for: [TREAT], when: {region: [east]}, reads: {Observation: [id, status, code, subject, effectiveDateTime, valueQuantity]}}\n");
    rules::Judgment law;
    law.as_of = *parse_date("2026-11-25");
    rules::Ground ground;
    ground.id = "associate:results";
    ground.kind = "associate";
    ground.flow = "results";
    ground.recipient = "scribe";
    ground.classes = {"clinical.*"};
    ground.purposes = {"TREAT"};
    ground.until = *parse_date("2027-06-30");
    law.grounds.push_back(ground);
    auto table = license::compile(stack, law, shipped_classes());
    if (!table) std::abort();
    table_.emplace(*std::move(table));
    ask_.caller = table_->system("scribe");
    ask_.route = table_->route("front");
    ask_.purpose = table_->purpose("TREAT");
    ask_.action = license::Action::search;
    ask_.region = table_->region("east");
    ask_.type = table_->type("Observation");
    ask_.now = Micros(law.as_of);
    for (std::uint32_t i = 0; i < table_->views(); ++i) {
      std::vector<codec::TypeElements> types;
      for (const license::View::Type& t : table_->view(license::ViewId{i}).types) types.push_back({t.type, t.elements});
      auto filter = codec::ElementFilter::compile(types);
      if (!filter) std::abort();
      filters_.push_back(*std::move(filter));
    }
  }

  // The answer leg of gate/fhir_route.cc, without HTTP and record. Returns how many resources were kept.
  std::size_t shape(std::string_view in, std::string& out) {
    std::size_t kept = 0;
    keys_.clear();
    codec::BundleReader reader(Limits{});
    codec::BundleWriter writer(out, {.reduced = true, .rebase = rebase_});
    for (std::size_t at = 0; at < in.size(); at += 64 * 1024) {
      if (!reader.feed(in.substr(at, 64 * 1024))) std::abort();
      if (at + 64 * 1024 >= in.size()) reader.finish();
      for (;;) {
        auto event = reader.next();
        if (!event) std::abort();
        if (event->kind == codec::BundleEvent::Kind::more || event->kind == codec::BundleEvent::Kind::end) break;
        if (event->kind == codec::BundleEvent::Kind::member) writer.member(event->name, event->value);
        if (event->kind != codec::BundleEvent::Kind::entry) continue;
        const license::Decision decision = decide(*event->scan);
        shaped_.clear();
        if (decision.outcome == license::Outcome::refuse || filters_[decision.view.value].apply(*event->scan, shaped_) != codec::Applied::kept) continue;
        writer.entry(event->entry, shaped_);
        ++kept;
      }
    }
    writer.end();
    return kept;
  }
  // What the record adds: the digest of what leaves, and an index of each patient under the ledger's key.
  void digest(std::string_view out) {
    benchmark::DoNotOptimize(crypto::sha256(out));
    for (const auto& [id, key] : keys_) benchmark::DoNotOptimize(blind_(id));
  }

 private:
  license::Decision decide(const codec::ResourceScan& scan) {
    const auto copy = [](const std::vector<codec::Coding>& from, std::vector<license::Coding>& to) {
      to.clear();
      for (const codec::Coding& c : from) to.push_back({c.system, c.code});
    };
    copy(scan.categories, categories_);
    copy(scan.codes, codes_);
    copy(scan.labels, labels_);
    ask_.data_class = table_->classes().classify({scan.type, categories_, codes_, labels_});
    license::Decision decision;
    for (const std::string_view patient : scan.patients) {
      auto known = keys_.find(patient);
      if (known == keys_.end()) known = keys_.emplace(patient, blind_(patient)).first;
      ask_.patient = known->second;
      decision = table_->decide(ask_, overlay_);
    }
    return decision;
  }

  SeededRandom random_{7};
  crypto::Blinder blind_;
  std::optional<license::Table> table_;
  license::Overlay overlay_;
  license::Ask ask_;
  std::vector<codec::ElementFilter> filters_;
  codec::Rebase rebase_ = codec::prefix_rebase({"https://ehr.example/fhir"}, "https://gate.example/fhir");
  std::vector<license::Coding> categories_, codes_, labels_;
  std::map<std::string, license::PatientKey, std::less<>> keys_;
  std::string shaped_;
};

void measure(benchmark::State& state, bool digest) {
  const std::string in = bundle(static_cast<std::size_t>(state.range(0)));
  Shaper shaper;
  std::string out;
  std::size_t kept = 0;
  for (auto _ : state) {
    out.clear();
    kept = shaper.shape(in, out);
    if (digest) shaper.digest(out);
    benchmark::DoNotOptimize(out.data());
  }
  if (kept == 0) state.SkipWithError("nothing was let through: this would measure refusals");
  state.SetBytesProcessed(static_cast<std::int64_t>(in.size()) * state.iterations());
  state.counters["kept"] = static_cast<double>(out.size()) / static_cast<double>(in.size());
  state.counters["resources"] = static_cast<double>(kept);
}
void shape(benchmark::State& state) { measure(state, false); }
void shape_and_digest(benchmark::State& state) { measure(state, true); }
BENCHMARK(shape)->Arg(64 << 10)->Arg(1 << 20);
BENCHMARK(shape_and_digest)->Arg(64 << 10)->Arg(1 << 20);

}  // namespace

BENCHMARK_MAIN();
