// What the gate adds to a language model: a request read and put into placeholders, and an event of the answer put back (items: events).
//   tools/build release bench_prompt && build/release/bench_prompt
#include <benchmark/benchmark.h>

#include <fmt/format.h>

#include "codec/fhir.h"
#include "deid/answer.h"
#include "deid/internal/shipped.h"
#include "deid/prompt.h"

namespace {

using namespace licet;
using namespace licet::deid;

// A conversation about one patient, of about as many bytes.
std::string request(std::size_t bytes) {
  std::string out = R"({"model":"m","stream":true,"messages":[{"role":"system","content":"You draft notes for Dr. Plantedworth."})";
  for (int n = 0; out.size() < bytes; ++n) {
    std::string note;
    for (int k = 0; k < 6; ++k)
      note += fmt::format(
          "Seen on {}/{}/2026 by Dr. Plantedworth. Maria Sandoval, MRN: {}, reports that the cough has eased since the last visit; no "
          "fever, no "
          "chest pain, appetite fair. Lungs clear to auscultation, no edema. Continue lisinopril 10 mg daily, recheck potassium in two "
          "weeks. ",
          1 + (n + k) % 12, 1 + (n * 7 + k) % 28, 7654321 + n % 5);
    out += R"(,{"role":"user","content":)";
    codec::append_json_string(out, note);
    out += "}";
  }
  return out + "]}";
}

struct World {
  SeededRandom random{1};
  Codes codes{random};
  TextEngine engine{shipped().lexicon, &shipped().model};
};

void BM_Request(benchmark::State& state) {
  World w;
  const std::string body = request(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    Placeholders map(w.random);
    auto prompt = Prompt::read(PromptApi::openai, "/chat/completions", "", body, Limits());
    auto made = prompt->made({.engine = w.engine,
                              .library = shipped().library,
                              .profile = *shipped().library.find("pseudonymized"),
                              .as_of = Date(std::chrono::days(20'000)),
                              .codes = w.codes,
                              .placeholders = &map});
    benchmark::DoNotOptimize(made->data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}
BENCHMARK(BM_Request)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20);

// An answer of 200 events of a few letters, a name now and then: what is spent for each of them.
void BM_Event(benchmark::State& state) {
  World w;
  Placeholders map(w.random);
  const std::string name = map.issue("Maria Sandoval", Kind::name);
  std::string text;
  while (text.size() < 900) text += "The cough of " + name + " has eased; recheck in two weeks. ";
  std::vector<std::string> events;
  const auto api = state.range(0) == 0 ? PromptApi::openai : PromptApi::anthropic;
  for (std::size_t at = 0; at < text.size(); at += 5) {
    std::string quoted;
    codec::append_json_string(quoted, text.substr(at, 5));
    events.push_back(
        api == PromptApi::openai
            ? fmt::format("data: {{\"id\":\"chatcmpl-9\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":"
                          "[{{\"index\":0,\"delta\":{{\"content\":{}}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n",
                          quoted)
            : fmt::format("event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
                          "{{\"type\":\"text_delta\",\"text\":{}}}}}\n\n",
                          quoted));
  }
  std::size_t bytes = 0;
  for (const std::string& e : events) bytes += e.size();
  std::string out;
  for (auto _ : state) {
    StreamRestorer stream(map, {.api = api, .json = false, .limits = {}});
    for (const std::string& e : events) {
      out.clear();
      if (!stream.feed(e, out)) state.SkipWithError("refused");
      benchmark::DoNotOptimize(out.data());
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * events.size()));
}
BENCHMARK(BM_Event)->ArgName("anthropic")->Arg(0)->Arg(1);

}  // namespace

BENCHMARK_MAIN();
