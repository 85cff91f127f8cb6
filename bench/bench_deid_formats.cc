// De-identification of HL7 v2, X12, C-CDA and CSV: bytes of input per second of CPU, one core, from bytes in memory to bytes in memory.
//
//   tools/build release bench_deid_formats && build/release/bench_deid_formats       (from the repository's root)
//
// Structured parts: profile safe-harbor, which drops text unread. With `_text`: safe-harbor-text, where the text engine reads what people
// wrote. HL7, X12 and C-CDA are the samples of ../shared/data/deid and invented messages where they are missing; CSV is invented.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>
#include <vector>

#include "codec/csv.h"
#include "deid/ccda.h"
#include "deid/internal/shipped.h"
#include "deid/segments.h"
#include "deid/table.h"

namespace {

using namespace licet;
using namespace licet::deid;

// Every file below a folder of samples, repeated up to 4 MB; `invented` where there are none.
std::string samples(const char* folder, const char* extension, const std::string& invented) {
  std::string once;
  std::error_code none;
  for (const auto& file : std::filesystem::recursive_directory_iterator(std::string("../shared/data/deid/") + folder, none)) {
    if (!file.is_regular_file() || !file.path().extension().string().starts_with(extension)) continue;
    std::string bytes = Shipped::read(file.path());
    if (bytes.starts_with("\xef\xbb\xbf")) bytes.erase(0, 3);
    once += bytes;
    if (!once.empty() && once.back() != '\n') once += '\n';
  }
  if (once.empty()) once = invented;
  std::string all;
  while (all.size() < 4'000'000) all += once;
  return all;
}

const std::string kMessage =
    "MSH|^~\\&|LAB|CLINIC|EHR|CLINIC|20260301093000||ORU^R01^ORU_R01|77|P|2.5.1\r"
    "PID|1||P-1^^^CLINIC^MR||Plantedworth^Maria^Q||19790314|F||2106-3^White^CDCREC|12 Alder Lane^^Riverbend^OH^45990^USA^H||7405550123\r"
    "OBR|1|A1|F1|24323-8^Comprehensive metabolic panel^LN|||20260301091500\r"
    "OBX|1|NM|2345-7^Glucose^LN||98|mg/dL|70-99|N|||F|||20260301091500\rOBX|2|NM|2160-0^Creatinine^LN||0.9|mg/dL|0.6-1.2|N|||F\r"
    "OBX|3|NM|2951-2^Sodium^LN||140|mmol/L|136-145|N|||F\rNTE|1|L|Fasting sample, seen by Dr. Plantedworth\r";

void segments(benchmark::State& state, const std::string& input, codec::SegmentFormat format, const char* profile) {
  const Shipped& t = shipped();
  const Profile& p = *t.library.find(profile);
  const bool x12 = format == codec::SegmentFormat::x12;
  SeededRandom random(1);
  Codes codes(random);
  const TextEngine engine(t.lexicon, &t.model);
  const TextTransform text(t.library, p);
  Pieces pieces(engine, text);
  ValueContext values{.library = t.library, .profile = p, .as_of = Date(std::chrono::days(20'600)), .codes = codes, .key = as_bytes("key")};
  const SegmentTransform transform(t.library, p, x12 ? t.library.x12 : t.library.hl7);
  std::string out;
  std::size_t units = 0, refused = 0;
  for (auto _ : state) {
    SegmentRun run{.values = values, .pieces = &pieces};
    codec::SegmentFramer framer(format, 64 << 20);
    out.clear();
    units = refused = 0;
    const auto drain = [&] {
      while (const auto unit = framer.next()) {
        ++units;
        if (!transform.apply(unit->bytes, x12 && framer.marks() ? &*framer.marks() : nullptr, run, out)) ++refused;
      }
    };
    for (std::size_t at = 0; at < input.size(); at += 1 << 20) {
      framer.feed(std::string_view(input).substr(at, 1 << 20));
      drain();
    }
    framer.finish();
    drain();
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * input.size()));
  state.counters["units"] = static_cast<double>(units);
  state.counters["refused"] = static_cast<double>(refused);
}

std::string repeated(const std::string& message) {
  std::string all;
  while (all.size() < 4'000'000) all += message;
  return all;
}

void hl7_labs(benchmark::State& state) {
  static const std::string input = repeated(kMessage);
  segments(state, input, codec::SegmentFormat::hl7_v2, "safe-harbor");
}
void hl7_labs_text(benchmark::State& state) {
  static const std::string input = repeated(kMessage);
  segments(state, input, codec::SegmentFormat::hl7_v2, "safe-harbor-text");
}
void hl7_samples(benchmark::State& state) {
  static const std::string input = samples("fhir-converter/data/SampleData/Hl7v2", ".hl7", kMessage);
  segments(state, input, codec::SegmentFormat::hl7_v2, "safe-harbor");
}
void hl7_samples_text(benchmark::State& state) {
  static const std::string input = samples("fhir-converter/data/SampleData/Hl7v2", ".hl7", kMessage);
  segments(state, input, codec::SegmentFormat::hl7_v2, "safe-harbor-text");
}
void hl7_samples_shifted(benchmark::State& state) {
  static const std::string input = samples("fhir-converter/data/SampleData/Hl7v2", ".hl7", kMessage);
  segments(state, input, codec::SegmentFormat::hl7_v2, "pseudonymized");
}
void x12_samples(benchmark::State& state) {
  static const std::string input = samples("linuxforhealth-x12/src/tests/resources", ".8", "");
  segments(state, input, codec::SegmentFormat::x12, "safe-harbor");
}

void ccda(benchmark::State& state, const char* profile) {
  const Shipped& t = shipped();
  std::vector<std::string> documents;
  std::error_code none;
  for (const auto& file : std::filesystem::directory_iterator("../shared/data/deid/fhir-converter/data/SampleData/Ccda", none))
    documents.push_back(Shipped::read(file.path()));
  if (documents.empty()) return state.SkipWithError("no samples");
  const Profile& p = *t.library.find(profile);
  SeededRandom random(1);
  Codes codes(random);
  const TextEngine engine(t.lexicon, &t.model);
  const TextTransform text(t.library, p);
  Pieces pieces(engine, text);
  ValueContext values{.library = t.library, .profile = p, .as_of = Date(std::chrono::days(20'600)), .codes = codes, .key = as_bytes("key")};
  CcdaRun run{.values = values, .pieces = &pieces};
  const CcdaTransform transform(t.library, p);
  std::string out;
  std::size_t bytes = 0;
  for (auto _ : state)
    for (const std::string& d : documents) {
      out.clear();
      transform.apply(d, run, out).ignore();
      benchmark::DoNotOptimize(out.data());
      bytes += d.size();
    }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
void ccda_samples(benchmark::State& state) {
  ccda(state, "safe-harbor");
}
void ccda_samples_text(benchmark::State& state) {
  ccda(state, "safe-harbor-text");
}

// Twelve columns: the patient's code, a year, a three-digit ZIP, four codes, two numbers, a unit, and two that are dropped. `together`: the
// rows of one patient stand side by side, as in an export by patient; else patients come in any order.
std::string visits(bool together) {
  SeededRandom random(7);
  constexpr std::string_view kTests[] = {"2345-7", "2160-0", "2951-2", "718-7", "13457-7"}, kStatus[] = {"final", "preliminary", "amended"};
  std::string all;
  for (std::size_t row = 0; all.size() < 16'000'000; ++row) {
    const std::uint64_t who = together ? row / 22 : random.next() % 100'000, n = random.next();
    const auto two = [](std::uint64_t v) { return (v < 10 ? "0" : "") + std::to_string(v); };
    all += "P-" + std::to_string(100'000 + who) + ',' + std::to_string(1930 + who % 90) + '-' + two(1 + who % 12) + '-' +
           two(1 + who % 28) + ',' + std::to_string(10'000 + who * 7919 % 900 * 97) + (who % 2 == 0 ? ",F," : ",M,");
    all.append(kTests[n % 5]).append(",").append(std::to_string(n % 199)).append(".5,").append(std::to_string(90 + n % 97)).append(",N,");
    all.append(kStatus[n % 3]).append(n % 2 == 0 ? ",mg/dL," : ",mmol/L,").append("Maria Plantedworth,12 Alder Lane\n");
  }
  return all;
}

// The reader alone.
void csv_read(benchmark::State& state) {
  static const std::string input = visits(true);
  std::size_t cells = 0;
  for (auto _ : state) {
    codec::CsvReader reader(',', 1 << 20);
    for (std::size_t at = 0; at < input.size(); at += 256 << 10) {
      reader.feed(std::string_view(input).substr(at, 256 << 10));
      while (const codec::CsvRecord* r = reader.next()) cells += r->cells.size();
    }
    reader.finish();
    while (const codec::CsvRecord* r = reader.next()) cells += r->cells.size();
  }
  benchmark::DoNotOptimize(cells);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * input.size()));
}

// The whole of it, from memory to memory.
void csv_table(benchmark::State& state, const std::string& input, const char* profile) {
  const Shipped& t = shipped();
  const Profile& p = *t.library.find(profile);
  const TextEngine engine(t.lexicon, &t.model);
  const TextTransform text(t.library, p);
  Pieces pieces(engine, text);
  std::vector<Column> columns;
  for (const char* word : {"patient", "date", "zip", "token", "token", "number", "number", "token", "token", "token", "name", "street"})
    columns.push_back(*column_of(word, word));
  std::size_t made = 0;
  for (auto _ : state) {
    SeededRandom random(1);
    Codes codes(random);
    ValueContext values{
        .library = t.library, .profile = p, .as_of = Date(std::chrono::days(20'600)), .codes = codes, .key = as_bytes("key")};
    TableTransform table(columns, values, pieces);
    codec::CsvReader reader(',', 1 << 20);
    for (std::size_t at = 0; !reader.finished(); at += 256 << 10) {
      if (at < input.size())
        reader.feed(std::string_view(input).substr(at, 256 << 10));
      else
        reader.finish();
      for (auto records = reader.next(32); !records.empty(); records = reader.next(32)) {
        table.expect(records);
        for (const codec::CsvRecord& r : records) table.apply(r, "\n");
      }
      made += table.made().size();
      table.clear();
    }
  }
  benchmark::DoNotOptimize(made);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * input.size()));
}
void csv_by_patient(benchmark::State& state) {
  static const std::string input = visits(true);
  csv_table(state, input, "safe-harbor");
}
void csv_any_order(benchmark::State& state) {
  static const std::string input = visits(false);
  csv_table(state, input, "safe-harbor");
}
void csv_by_patient_shifted(benchmark::State& state) {
  static const std::string input = visits(true);
  csv_table(state, input, "pseudonymized");
}

BENCHMARK(hl7_labs)->Unit(benchmark::kMillisecond);
BENCHMARK(hl7_labs_text)->Unit(benchmark::kMillisecond);
BENCHMARK(hl7_samples)->Unit(benchmark::kMillisecond);
BENCHMARK(hl7_samples_text)->Unit(benchmark::kMillisecond);
BENCHMARK(hl7_samples_shifted)->Unit(benchmark::kMillisecond);
BENCHMARK(x12_samples)->Unit(benchmark::kMillisecond);
BENCHMARK(ccda_samples)->Unit(benchmark::kMillisecond);
BENCHMARK(ccda_samples_text)->Unit(benchmark::kMillisecond);
BENCHMARK(csv_read)->Unit(benchmark::kMillisecond);
BENCHMARK(csv_by_patient)->Unit(benchmark::kMillisecond);
BENCHMARK(csv_any_order)->Unit(benchmark::kMillisecond);
BENCHMARK(csv_by_patient_shifted)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
