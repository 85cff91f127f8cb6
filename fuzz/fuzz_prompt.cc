// Prompts and answers of language models: whatever the bytes, what leaves is JSON, all that was issued can be put back, errors are short,
// and cutting a stream into pieces makes no difference.
//
// The first byte says what: c(hat), r(esponses), e(mbeddings), m(essages), a(nswer); s and t a stream of OpenAI's and Anthropic's kind.

#include <cstdint>

#include "base/assert.h"
#include "codec/json.h"
#include "deid/answer.h"
#include "deid/internal/shipped.h"
#include "deid/prompt.h"

namespace {

using namespace licet;
using namespace licet::deid;

void check_prompt(PromptApi api, std::string_view path, std::string_view bytes) {
  Limits limits;
  limits.prompt_text_bytes = 1 << 16;
  auto prompt = Prompt::read(api, path, "", bytes, limits);
  if (!prompt) {
    LICET_ASSERT(prompt.error().message.size() < 400);
    return;
  }
  codec::JsonText json(64 * 4);
  LICET_ASSERT(json.parse(prompt->as_is()).ok());
  SeededRandom random(1);
  Codes codes(random);
  const TextEngine engine(shipped().lexicon, &shipped().model);
  for (const bool placeholders : {true, false}) {
    Placeholders map(random);
    const PromptMaker maker{.engine = engine,
                            .library = shipped().library,
                            .profile = *shipped().library.find(placeholders ? "pseudonymized" : "safe-harbor-text"),
                            .as_of = Date(std::chrono::days(20'000)),
                            .codes = codes,
                            .placeholders = placeholders ? &map : nullptr};
    auto made = prompt->made(maker);
    if (!made) continue;
    LICET_ASSERT(json.parse(*made).ok());
    if (!placeholders) continue;
    auto back = restore_answer(map, *made, {.api = api, .json = false, .limits = limits});
    LICET_ASSERT(back.ok() && json.parse(back->bytes).ok());
  }
}

void check_stream(PromptApi api, std::string_view bytes) {
  SeededRandom random(2);
  Placeholders map(random);
  // Codes that the seed gives, so that a corpus can hold them.
  (void)map.issue("Maria \"Mia\" Sandoval", Kind::name);
  (void)map.issue("7654321", Kind::mrn);
  const auto run = [&](std::size_t step, std::string& out, std::uint64_t& unresolved) {
    StreamRestorer stream(map, {.api = api, .json = false, .limits = {}});
    auto fed = Result<void>();
    for (std::size_t at = 0; at < bytes.size() && fed; at += step) fed = stream.feed(bytes.substr(at, step), out);
    if (fed) fed = stream.finish(out);
    unresolved = stream.unresolved();
    return fed.ok() ? std::string() : fed.error().message;
  };
  std::string whole, parts;
  std::uint64_t n = 0, m = 0;
  const std::string error = run(bytes.size() + 1, whole, n);
  LICET_ASSERT(run(3, parts, m) == error && whole == parts && n == m && error.size() < 200);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  const std::string_view rest = bytes.substr(1);
  switch (bytes[0]) {
    case 'c':
      check_prompt(PromptApi::openai, "/chat/completions", rest);
      break;
    case 'r':
      check_prompt(PromptApi::openai, "/responses", rest);
      break;
    case 'e':
      check_prompt(PromptApi::openai, "/embeddings", rest);
      break;
    case 'm':
      check_prompt(PromptApi::anthropic, "/messages", rest);
      break;
    case 'a': {
      SeededRandom random(2);
      const Placeholders map(random);
      auto whole = restore_answer(map, rest, {});
      codec::JsonText json(64);
      if (whole) LICET_ASSERT(json.parse(whole->bytes).ok());
      break;
    }
    case 's':
      check_stream(PromptApi::openai, rest);
      break;
    case 't':
      check_stream(PromptApi::anthropic, rest);
      break;
    default:
      break;
  }
  return 0;
}
