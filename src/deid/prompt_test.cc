// Prompts and answers of language models: what leaves, what comes back, and that no way of cutting a stream changes it.
#include "deid/prompt.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <regex>

#include "codec/fhir.h"
#include "deid/answer.h"
#include "deid/internal/shipped.h"

namespace licet::deid {
namespace {

const Shipped& tools() {
  static const Shipped t;
  return t;
}

struct World {
  SeededRandom random{7};
  Codes codes{random};
  Placeholders map{random};
  TextEngine engine{tools().lexicon, &tools().model};

  PromptMaker maker(bool placeholders = true) {
    return {.engine = engine,
            .library = tools().library,
            .profile = *tools().library.find(placeholders ? "pseudonymized" : "safe-harbor-text"),
            .as_of = Date(std::chrono::days(20'000)),
            .codes = codes,
            .placeholders = placeholders ? &map : nullptr};
  }
};

// What leaves, with each code written as its number in order of appearance: [[NAME_1]].
std::string numbered(std::string text) {
  static const std::regex core("([A-Z]+)_([0-9A-HJKMNP-TV-Z]{4})");
  std::string out;
  std::vector<std::string> seen;
  for (std::smatch m; std::regex_search(text, m, core); text = m.suffix()) {
    auto place = std::find(seen.begin(), seen.end(), m.str());
    if (place == seen.end()) place = seen.insert(seen.end(), m.str());
    out += m.prefix().str() + fmt::format("{}_{}", m[1].str(), place - seen.begin() + 1);
  }
  return out + text;
}

struct Sent {
  std::string out, error;
  Code code = Code::internal;
};
Sent send(PromptApi api, std::string_view path, std::string_view body, bool placeholders = true) {
  World w;
  auto prompt = Prompt::read(api, path, "", body, Limits());
  if (!prompt) return {{}, prompt.error().message, prompt.error().code};
  auto made = prompt->made(w.maker(placeholders));
  if (!made) return {{}, made.error().message, made.error().code};
  codec::JsonText json(64);
  EXPECT_TRUE(json.parse(*made).ok()) << *made;
  return {placeholders ? numbered(*made) : *made, {}, {}};
}
std::string chat(std::string_view rest, bool placeholders = true) {
  const Sent s = send(PromptApi::openai, "/chat/completions", fmt::format(R"({{"model":"m",{}}})", rest), placeholders);
  return s.error.empty() ? s.out : s.error;
}
std::string responses(std::string_view rest) {
  const Sent s = send(PromptApi::openai, "/v1/responses", fmt::format(R"({{"model":"m",{}}})", rest));
  return s.error.empty() ? s.out : s.error;
}
std::string messages(std::string_view rest) {
  const Sent s = send(PromptApi::anthropic, "/v1/messages", fmt::format(R"({{"model":"m",{}}})", rest));
  return s.error.empty() ? s.out : s.error;
}

TEST(Prompt, NamesBecomePlaceholdersTheSameForTheSame) {
  EXPECT_EQ(
      chat(R"("messages":[{"role":"system","content":"You help Dr. Plantedworth."},)"
           R"({"role":"user","content":"Maria Sandoval, MRN: 1234567, born 3/14/1979. Dr. Plantedworth saw Sandoval; 1234567 again."}])"),
      R"({"model":"m","messages":[{"role":"system","content":"You help Dr. [[NAME_1]]."},)"
      R"({"role":"user","content":"[[NAME_2]], MRN: [[MRN_3]], born [[DATE_4]]. Dr. [[NAME_1]] saw [[NAME_2A]]; [[MRN_3]] again."}]})");
}

TEST(Prompt, APartOfANameIsSeenToBeOne) {
  const auto made = [](std::string_view text) { return chat(fmt::format(R"("messages":[{{"role":"user","content":"{}"}}])", text)); };
  const auto words = [](std::string_view text) {
    return fmt::format(R"({{"model":"m","messages":[{{"role":"user","content":"{}"}}]}})", text);
  };
  EXPECT_EQ(made("Sandoval came. Ms. Maria Sandoval was seen. MARIA SANDOVAL went."),
            words("[[NAME_1B]] came. Ms. [[NAME_1]] was seen. [[NAME_1A]] went."))
      << "what happened between two names is no part of them";
  EXPECT_EQ(made("Ms. Maria Sandoval came. Dr. Jose Sandoval saw her. Mr. Sandoval spoke."),
            words("[[NAME_1]] came. Dr. [[NAME_2]] saw her. Mr. [[NAME_3]] spoke."))
      << "whose name it is nobody can tell";
}

struct Case {
  const char* in;
  const char* out;
};

TEST(Prompt, ChatShapes) {
  for (
      const Case& c : std::initializer_list<Case>{
          // numbers, flags and words of the API stay
          {R"("messages":[],"temperature":0.2,"stream":true,"stream_options":{"include_usage":true},"stop":null,"logit_bias":{"50256":-100})",
           R"({"model":"m","messages":[],"temperature":0.2,"stream":true,"stream_options":{"include_usage":true},"stop":null,"logit_bias":{"50256":-100}})"},
          {R"("stop":["Maria Sandoval","\n"])", R"({"model":"m","stop":["[[NAME_1]]","\n"]})"},
          // parts, escapes, what was escaped and needn't be
          {R"("messages":[{"role":"user","content":[{"type":"text","text":"Dr. Plantedw\u006frth said \"no\"\n"}]}])",
           R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Dr. [[NAME_1]] said \"no\"\u000a"}]}]})"},
          // who somebody is to the caller; what a program calls itself
          {R"("user":"p-0001","messages":[{"role":"user","name":"maria","content":"hi"}])",
           R"({"model":"m","user":"ID_1","messages":[{"role":"user","name":"NAME_2","content":"hi"}]})"},
          {R"("messages":[{"role":"function","name":"look_up","content":"Nobody"}],"functions":[{"name":"look_up","parameters":{"type":"object"}}])",
           R"({"model":"m","messages":[{"role":"function","name":"look_up","content":"Nobody"}],"functions":[{"name":"look_up","parameters":{"type":"object"}}]})"},
          {R"("tools":[{"type":"function","function":{"name":"findPlantedworth","description":"Finds Dr. Plantedworth"}}])",
           "tools[0].function.name seems to name somebody: a tool or format needs another name."},
          // tool calls: JSON in a string, keys, numbers
          {R"("messages":[{"role":"assistant","tool_calls":[{"id":"call_9","type":"function","function":{"name":"f","arguments":"{\"mrn\": 1234567, \"n\": 3, \"who\": \"Maria Sandoval\"}"}}]},{"role":"tool","tool_call_id":"call_9","content":"{\"Maria Sandoval\":[true,null,\"1234567\"]}"}])",
           R"({"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"call_00000001","type":"function","function":{"name":"f","arguments":"{\"mrn\": \"[[MRN_1]]\", \"n\": 3, \"who\": \"[[NAME_2]]\"}"}}]},{"role":"tool","tool_call_id":"call_00000001","content":"{\"[[NAME_2]]\":[true,null,\"[[MRN_1]]\"]}"}]})"},
          // keys: a program's own stay unless somebody of this prompt is in them
          {R"("messages":[{"role":"user","content":"Maria Sandoval"},{"role":"tool","tool_call_id":"c","content":"{\"seen_by\":{\"sandoval_chart\":1,\"Sandoval\":2}}"}])",
           R"({"model":"m","messages":[{"role":"user","content":"[[NAME_1]]"},{"role":"tool","tool_call_id":"call_00000001","content":"{\"seen_by\":{\"[[NAME_2]]\":1,\"[[ORGANIZATION_3]]\":2}}"}]})"},
          // schemas: texts are read, bounds stay
          {R"("tools":[{"type":"function","function":{"name":"f","description":"For Dr. Plantedworth","strict":true,"parameters":{"type":"object","properties":{"n":{"type":"integer","maximum":9999999999,"description":"as Dr. Plantedworth says"}},"required":["n"]}}}])",
           R"({"model":"m","tools":[{"type":"function","function":{"name":"f","description":"For Dr. [[NAME_1]]","strict":true,"parameters":{"type":"object","properties":{"n":{"type":"integer","maximum":9999999999,"description":"as Dr. [[NAME_1]] says"}},"required":["n"]}}}]})"},
          {R"("tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false)",
           R"({"model":"m","tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false})"},
          // ages below 90 and states stay, as the profile says
          {R"("messages":[{"role":"user","content":"She is 61 years old; her mother is 93 years old."}])",
           R"({"model":"m","messages":[{"role":"user","content":"She is 61 years old; her mother is [[AGE_1]] years old."}]})"},
          // not words
          {R"("messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}])",
           "messages[0].content[0].image_url.url holds what the gate can't read (an image, sound, a file, tokens, or what only the "
           "provider can "
           "open): under this form prompts are words."},
          {R"("messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.example/p.png"}}]}])",
           "messages[0].content[0].image_url.url is no data in the request itself: what is kept or fetched elsewhere can't be governed."},
          {R"("messages":[],"logprobs":true)", "logprobs asks for the answer token by token: names can't be put back into that."},
          {R"("messages":[],"logprobs":false)", R"({"model":"m","messages":[],"logprobs":false})"},
          // not listed
          {R"("wishes":"Maria Sandoval")", "wishes is no field that the gate knows: what it holds can't be judged."},
          {R"("Maria Sandoval":1)", "(a field) is no field that the gate knows: what it holds can't be judged."},
          {R"("messages":[{"role":"Maria","content":"x"}])", "messages[0] has a role that the gate doesn't know."},
          {R"("messages":[{"role":"user","content":[{"type":"video","text":"x"}]}])",
           "messages[0].content[0] is of a kind that the gate doesn't know."},
          {R"("messages":[{"role":"user","content":7}])", "messages[0].content is neither words nor a list, as it must be."},
          {R"("temperature":"Maria Sandoval")", "temperature is not a number, as it must be."},
          {R"("service_tier":"Maria Sandoval")", "service_tier is not a word of the API."},
          {R"("tools":[{"type":"web_search"}])",
           "tools[0] is of a kind that the gate doesn't know, or that the provider runs itself and may send on."},
          {R"("store":true)", "store asks the provider to keep the exchange: what is kept there can't be governed. Send false."},
          {R"("store":false)", R"({"model":"m","store":false})"},
          {R"("messages":[{"role":"assistant","audio":{"id":"audio_1"}}])",
           "messages[0].audio names something that the provider keeps, and what is kept there can't be governed."},
      }) {
    EXPECT_EQ(chat(c.in), c.out) << c.in;
  }
}

TEST(Prompt, ResponsesShapes) {
  for (
      const Case& c : std::initializer_list<Case>{
          {R"("input":"Dr. Plantedworth")", R"({"store":false,"model":"m","input":"Dr. [[NAME_1]]"})"},
          {R"("store":null,"input":"x")", R"({"model":"m","store":false,"input":"x"})"},
          {R"("store":false,"input":"x")", R"({"model":"m","store":false,"input":"x"})"},
          {R"("store":false,"instructions":"For Dr. Plantedworth","input":[{"role":"user","content":[{"type":"input_text","text":"Dr. Plantedworth"}]},{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":\"Dr. Plantedworth\"}"},{"type":"function_call_output","call_id":"c1","output":"Dr. Plantedworth"}])",
           R"({"model":"m","store":false,"instructions":"For Dr. [[NAME_1]]","input":[{"role":"user","content":[{"type":"input_text","text":"Dr. [[NAME_1]]"}]},{"type":"function_call","call_id":"call_00000001","name":"f","arguments":"{\"a\":\"Dr. [[NAME_1]]\"}"},{"type":"function_call_output","call_id":"call_00000001","output":"Dr. [[NAME_1]]"}]})"},
          {R"("store":true)", "store asks the provider to keep the exchange: what is kept there can't be governed. Send false."},
          {R"("previous_response_id":"r")",
           "previous_response_id names something that the provider keeps, and what is kept there can't be governed."},
          {R"("previous_response_id":null,"background":false,"input":"x")",
           R"({"store":false,"model":"m","previous_response_id":null,"background":false,"input":"x"})"},
          {R"("background":true)", "background makes the provider work on it after the exchange has ended."},
          {R"("conversation":{"id":"c"})",
           "conversation names something that the provider keeps, and what is kept there can't be governed."},
          {R"("input":[{"type":"item_reference","id":"m"}])",
           "input[0] is of a kind that the gate doesn't know, or names what the provider keeps."},
          {R"("input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}])",
           "input[0].content[0].file_id names something that the provider keeps, and what is kept there can't be governed."},
          {R"("include":["message.output_text.logprobs"],"input":"x")",
           "include[0] asks for the answer token by token: names can't be put back into that."},
          {R"("input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"}])",
           "input[0].encrypted_content holds what the gate can't read (an image, sound, a file, tokens, or what only the provider can "
           "open): "
           "under this form prompts are words."},
      }) {
    EXPECT_EQ(responses(c.in), c.out) << c.in;
  }
}

TEST(Prompt, MessagesShapes) {
  for (
      const Case& c : std::initializer_list<Case>{
          {R"("max_tokens":9,"system":"For Dr. Plantedworth","messages":[{"role":"user","content":"Dr. Plantedworth"}],"metadata":{"user_id":"p-1"})",
           R"({"model":"m","max_tokens":9,"system":"For Dr. [[NAME_1]]","messages":[{"role":"user","content":"Dr. [[NAME_1]]"}],"metadata":{"user_id":"ID_2"}})"},
          {R"("system":[{"type":"text","text":"Dr. Plantedworth","cache_control":{"type":"ephemeral"}}])",
           R"({"model":"m","system":[{"type":"text","text":"Dr. [[NAME_1]]","cache_control":{"type":"ephemeral"}}]})"},
          {R"("messages":[{"role":"assistant","content":[{"type":"tool_use","id":"toolu_9","name":"f","input":{"who":"Dr. Plantedworth"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_9","content":[{"type":"text","text":"Dr. Plantedworth"}],"is_error":false}]}])",
           R"({"model":"m","messages":[{"role":"assistant","content":[{"type":"tool_use","id":"toolu_00000001","name":"f","input":{"who":"Dr. [[NAME_1]]"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_00000001","content":[{"type":"text","text":"Dr. [[NAME_1]]"}],"is_error":false}]}]})"},
          {R"("messages":[{"role":"user","content":[{"type":"document","title":"Of Dr. Plantedworth","source":{"type":"text","media_type":"text/plain","data":"Dr. Plantedworth"}}]}])",
           R"({"model":"m","messages":[{"role":"user","content":[{"type":"document","title":"Of Dr. [[NAME_1]]","source":{"type":"text","media_type":"text/plain","data":"Dr. [[NAME_1]]"}}]}]})"},
          {R"("messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}]}])",
           "messages[0].content[0].source.data holds what the gate can't read (an image, sound, a file, tokens, or what only the provider "
           "can "
           "open): under this form prompts are words."},
          {R"("messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}])",
           "messages[0].content[0].source is no data in the request itself: what is kept or fetched elsewhere can't be governed."},
          {R"("mcp_servers":[{"url":"https://x.example"}])",
           "mcp_servers makes the provider send on what it got, to where no record follows."},
          {R"("container":"c")", "container names something that the provider keeps, and what is kept there can't be governed."},
          {R"("tools":[{"type":"web_search_20250305","name":"web_search"}])",
           "tools[0] is of a kind that the gate doesn't know, or that the provider runs itself and may send on."},
      }) {
    EXPECT_EQ(messages(c.in), c.out) << c.in;
  }
}

TEST(Prompt, EndpointsAndQueries) {
  const std::string_view body = R"({"model":"m","input":"Dr. Plantedworth"})";
  EXPECT_EQ(send(PromptApi::openai, "/embeddings", body).out, R"({"model":"m","input":"Dr. [[NAME_1]]"})");
  EXPECT_EQ(send(PromptApi::openai, "/embeddings", R"({"model":"m","input":[[1,2],[3]]})").code, Code::failed_precondition);
  for (const char* path : {"/files", "/threads", "/batches", "/v1/assistants", "/messages", "/chat/completions/x", "", "/"})
    EXPECT_EQ(send(PromptApi::openai, path, body).code, Code::not_found) << path;
  EXPECT_EQ(send(PromptApi::anthropic, "/messages/batches", body).code, Code::not_found);
  EXPECT_EQ(send(PromptApi::anthropic, "/v1/messages/count_tokens", R"({"model":"m","messages":[]})").out,
            R"({"model":"m","messages":[]})");
  EXPECT_FALSE(Prompt::read(PromptApi::openai, "/embeddings", "patient=p-0001", body, Limits()).ok());
}

TEST(Prompt, DeidentifiedGoesOneWay) {
  EXPECT_EQ(chat(R"("messages":[{"role":"user","content":"Maria Sandoval, MRN: 1234567, born 3/14/1979, ZIP 45990"}],"user":"")", false),
            R"({"model":"m","messages":[{"role":"user","content":"[NAME], MRN: [MRN], born 1979, ZIP 459"}],"user":""})");
}

TEST(Prompt, AsItIs) {
  const auto as_is = [](std::string_view body) {
    auto prompt = Prompt::read(PromptApi::openai, "/responses", "", body, Limits());
    return prompt ? prompt->as_is() : prompt.error().message;
  };
  EXPECT_EQ(as_is(R"( {"model":"m"})"), R"( {"store":false,"model":"m"})");
  EXPECT_EQ(as_is(R"({"model":"m","store": null ,"input":[]})"), R"({"model":"m","store": false ,"input":[]})");
  EXPECT_EQ(as_is(R"({"model":"m","store":false})"), R"({"model":"m","store":false})");
}

TEST(Prompt, HostileInput) {
  const auto code = [](std::string_view body) {
    auto prompt = Prompt::read(PromptApi::openai, "/chat/completions", "", body, Limits());
    return prompt ? std::string("ok") : fmt::format("{}: {}", name(prompt.error().code), prompt.error().message);
  };
  EXPECT_EQ(code(""), "invalid argument: The request is not JSON as it must be: neither an object nor an array at byte 0.");
  EXPECT_EQ(code("[]"), "invalid argument: The request is not a JSON object.");
  EXPECT_EQ(code("{}"), "invalid argument: The request is an empty object.");
  EXPECT_EQ(code(R"({"model":"a","model":"b"})"), "invalid argument: The request is not JSON as it must be: duplicate key at byte 13.");
  EXPECT_EQ(code(R"({"model":"a")"), "invalid argument: The request is not JSON as it must be: truncated at byte 12.");
  EXPECT_EQ(code(R"({"model":"a"}{})"), "invalid argument: The request is not JSON as it must be: more than one value at byte 13.");
  EXPECT_EQ(code("{\"stop\":\"\xff\"}"), "invalid argument: The request is not JSON as it must be: not UTF-8 at byte 0.");
  EXPECT_EQ(code(R"({"stop":"\ud800"})").substr(0, 70), "invalid argument: The request is not JSON as it must be: bad escape at");
  const std::string deep = R"({"metadata":)" + std::string(200, '[') + std::string(200, ']') + "}";
  EXPECT_EQ(code(deep).substr(0, 74), "invalid argument: The request is not JSON as it must be: nested too deep a");
  Limits small;
  small.prompt_text_bytes = 100;
  const std::string body = R"({"model":"m","stop":")" + std::string(101, 'x') + "\"}";
  auto huge = Prompt::read(PromptApi::openai, "/chat/completions", "", body, small);
  ASSERT_FALSE(huge.ok());
  EXPECT_EQ(huge.error().code, Code::exhausted);
  // JSON in JSON in JSON … ends as text.
  std::string nested = "Dr. Plantedworth";
  for (int k = 0; k < 8; ++k) {
    std::string outer = "{\"a\":";
    codec::append_json_string(outer, nested);
    nested = outer + "}";
  }
  std::string message = "\"messages\":[{\"role\":\"user\",\"content\":";
  codec::append_json_string(message, nested);
  const std::string sent = chat(message + "}]");
  EXPECT_EQ(sent.find("Plantedworth"), std::string::npos) << sent;
}

// ---- what comes back --------------------------------------------------------------------------------------------------------------------

TEST(Placeholders, AreRecognizedAsModelsWriteThem) {
  SeededRandom random(3);
  Placeholders map(random);
  map.mark_theirs("The form says [[NAME_0X0X]] and ID_7Z7Z.");
  const std::string full = map.issue("O\"Brien", Kind::name), core = full.substr(2, full.size() - 4);
  ASSERT_EQ(map.issue("O\"Brien", Kind::id), full) << "the first kind stays";
  ASSERT_EQ(map.issue("O\"Brien", Kind::name, true), core);
  ASSERT_EQ(map.issue("Obie", Kind::name, true, "O\"Brien"), core + "A");
  std::string small = full, escaped;
  for (char& c : small) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  escaped = "\\[\\[" + core.substr(0, 4) + "\\_" + core.substr(5) + "\\]\\]";
  const auto back = [&](std::string_view text, TextRestorer::As as = TextRestorer::As::text) {
    TextRestorer r(map, as);
    std::string out;
    r.feed(text, out);
    r.finish(out);
    return out + (r.unresolved() > 0 ? fmt::format(" !{}", r.unresolved()) : "");
  };
  EXPECT_EQ(back(full), "O\"Brien");
  EXPECT_EQ(back("**" + full + "**'s, (" + full + ")"), "**O\"Brien**'s, (O\"Brien)");
  EXPECT_EQ(back(small), "O\"Brien");
  EXPECT_EQ(back("[[" + core + "A]] " + core + "A, [[" + core + "B]]"), "Obie Obie, [[" + core + "B]] !1");
  EXPECT_EQ(back(escaped), "O\"Brien");
  EXPECT_EQ(back("Dear " + core + "\xe2\x80\x99s"), "Dear O\"Brien\xe2\x80\x99s");
  EXPECT_EQ(back("x" + core + " " + core + "1 _" + core), "x" + core + " " + core + "1 _" + core) << "parts of other words";
  EXPECT_EQ(back("{\"a\":\"" + full + "\"}", TextRestorer::As::json), R"({"a":"O\"Brien"})");
  EXPECT_EQ(back("[[NAME_0X0X]] ID_7Z7Z"), "[[NAME_0X0X]] ID_7Z7Z") << "the caller's own";
  EXPECT_EQ(back("[[NAME_0X1X]] ID_7Z8Z [[MRN_"), "[[NAME_0X1X]] ID_7Z8Z [[MRN_ !3");
  EXPECT_EQ(back("[[1,2],[3]] [[NAME]] ID_CARD DATE_TIME [[link]]"), "[[1,2],[3]] [[NAME]] ID_CARD DATE_TIME [[link]]");
}

TEST(Answer, Whole) {
  SeededRandom random(3);
  Placeholders map(random);
  const std::string p = map.issue("Maria \"Mia\" Sandoval", Kind::name);
  const auto back = [&](const std::string& body, bool json = false) {
    auto whole = restore_answer(map, body, {.api = PromptApi::openai, .json = json, .limits = {}});
    return whole ? whole->bytes + (whole->unresolved > 0 ? "!" : "") : whole.error().message;
  };
  EXPECT_EQ(back(R"({"a":[1,true,null,"x"],"content":")" + p + R"("})"), R"({"a":[1,true,null,"x"],"content":"Maria \"Mia\" Sandoval"})");
  EXPECT_EQ(back(R"({"arguments":"{\"who\": \")" + p + R"(\"}"})"), R"({"arguments":"{\"who\": \"Maria \\\"Mia\\\" Sandoval\"}"})");
  EXPECT_EQ(back(R"({"content":"{\"who\": \")" + p + R"(\"}"})", true), R"({"content":"{\"who\": \"Maria \\\"Mia\\\" Sandoval\"}"})");
  EXPECT_EQ(back(R"({"input":{")" + p + R"(":")" + p + R"("}})"), R"({"input":{"Maria \"Mia\" Sandoval":"Maria \"Mia\" Sandoval"}})");
  EXPECT_EQ(back(R"({"a":"[[NAME_1A1A]]"})"), R"({"a":"[[NAME_1A1A]]"}!)");
  EXPECT_EQ(back("<html>"), "The provider's answer is not JSON as it must be: neither an object nor an array at byte 0.");
}

// A stream of an API: texts of several channels, cut into deltas at random.
struct Stream {
  std::string bytes;
  std::vector<std::string> texts;  // what is meant, per channel, placeholders in it
};
class Writer {
 public:
  Writer(PromptApi api, bool responses, SeededRandom& random) : api_(api), responses_(responses), random_(random) {}
  std::size_t below(std::size_t n) { return random_.next() % n; }
  Stream write(std::vector<std::string> texts, std::size_t most) {
    Stream s{{}, texts};
    std::vector<std::string_view> left(texts.begin(), texts.end());
    sequence_ = 0;
    std::vector<std::size_t> open;
    for (std::size_t k = 0; k < texts.size(); ++k) open.push_back(k);
    while (!open.empty()) {
      const std::size_t at = below(open.size()), k = open[at];
      // Choices of a chat come mixed; blocks and items one after the other.
      const std::size_t which = api_ == PromptApi::openai && !responses_ ? k : open.front();
      std::string_view& rest = left[which];
      std::size_t n = std::min(rest.size(), 1 + below(most));
      while (n < rest.size() && (static_cast<unsigned char>(rest[n]) & 0xc0) == 0x80) ++n;  // JSON's strings are UTF-8, whole
      s.bytes += delta(which, rest.substr(0, n));
      rest.remove_prefix(n);
      if (rest.empty()) {
        s.bytes += end(which);
        open.erase(std::find(open.begin(), open.end(), which));
      }
    }
    s.bytes += responses_                     ? event("response.completed", "\"response\":{\"id\":\"r\"}")
               : api_ == PromptApi::anthropic ? event("message_stop", "\"x\":0")
                                              : "data: [DONE]\n\n";
    return s;
  }

 private:
  std::string event(std::string_view type, std::string_view rest) {
    const std::string number = responses_ ? fmt::format("\"sequence_number\":{},", sequence_++) : "";
    const char* eol = below(3) == 0 ? "\r\n" : below(2) == 0 ? "\r" : "\n";
    return fmt::format("event: {}{}data: {{\"type\":\"{}\",{}{}}}{}{}", type, eol, type, number, rest, eol, eol);
  }
  std::string delta(std::size_t k, std::string_view text) {
    std::string quoted;
    codec::append_json_string(quoted, text);
    const bool json = k % 2 == 1;
    if (responses_)
      return event(json ? "response.function_call_arguments.delta" : "response.output_text.delta",
                   fmt::format("\"item_id\":\"i{}\",\"output_index\":{},\"content_index\":0,\"delta\":{}", k, k, quoted));
    if (api_ == PromptApi::anthropic)
      return event("content_block_delta", fmt::format("\"index\":{},\"delta\":{{\"type\":\"{}\",\"{}\":{}}}", k,
                                                      json ? "input_json_delta" : "text_delta", json ? "partial_json" : "text", quoted));
    const std::string d = json ? fmt::format("\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":{}}}}}]", quoted)
                               : fmt::format("\"content\":{}", quoted);
    return fmt::format("data: {{\"id\":\"c\",\"choices\":[{{\"index\":{},\"delta\":{{{}}},\"finish_reason\":null}}]}}\n\n", k, d);
  }
  std::string end(std::size_t k) {
    const bool json = k % 2 == 1;
    if (responses_)
      return event(json ? "response.function_call_arguments.done" : "response.output_text.done",
                   fmt::format("\"item_id\":\"i{}\",\"output_index\":{}", k, k));
    if (api_ == PromptApi::anthropic) return event("content_block_stop", fmt::format("\"index\":{}", k));
    return fmt::format("data: {{\"id\":\"c\",\"choices\":[{{\"index\":{},\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n", k);
  }
  PromptApi api_;
  bool responses_;
  SeededRandom& random_;
  int sequence_ = 0;
};

// What a client's library would put together: the texts by channel.
std::optional<codec::JsonValue> member(std::optional<codec::JsonValue> v, std::string_view wanted) {
  std::optional<codec::JsonValue> out;
  if (v && v->is_object())
    v->each_member([&](std::string_view key, codec::JsonValue m) {
      if (key == wanted) out.emplace(m);
      return !out;
    });
  if (v && v->is_array()) v->each_element([&](codec::JsonValue e) { return out.emplace(e), false; });  // the first
  return out;
}
std::vector<std::string> joined(std::string_view bytes, std::size_t channels) {
  std::vector<std::string> out(channels);
  std::int64_t expected = 0;
  codec::JsonText json(64);
  for (std::size_t at = 0; (at = bytes.find("data: {", at)) != std::string_view::npos; ++at) {
    const std::string_view data = bytes.substr(at + 6, bytes.find('\n', at) - at - 6);
    auto parsed = json.parse(data);
    EXPECT_TRUE(parsed.ok()) << data;
    if (!parsed) return out;
    const std::optional<codec::JsonValue> root(*parsed);
    if (const auto number = member(root, "sequence_number")) EXPECT_EQ(number->raw(), fmt::format("{}", expected++));
    const auto choice = member(member(root, "choices"), "");
    const auto delta = member(choice ? choice : root, "delta");
    if (!delta) continue;
    auto index = member(choice ? choice : root, "index");
    if (!index) index = member(root, "output_index");
    auto text = delta->is_string() ? delta : member(delta, "content");
    for (const char* key : {"text", "partial_json"})
      if (!text) text = member(delta, key);
    if (!text) text = member(member(member(member(delta, "tool_calls"), ""), "function"), "arguments");
    const auto k = index ? static_cast<std::size_t>(std::atoi(std::string(index->raw()).c_str())) : channels;
    if (text && k < channels) out[k] += text->meaning();
  }
  return out;
}

TEST(Answer, AnySplitOfAnyStreamGivesTheSame) {
  SeededRandom random(11);
  const std::vector<std::string> values = {"Maria Sandoval", "O\"Brien \\ \xc3\xa9", "7654321", "line\nbreak", "\xf0\x9f\x98\x80"};
  for (int round = 0; round < 400; ++round) {
    const auto api = round % 3 == 1 ? PromptApi::anthropic : PromptApi::openai;
    const bool responses = round % 3 == 2;
    Placeholders map(random);
    Writer writer(api, responses, random);
    std::vector<std::string> issued;
    for (const std::string& v : values)
      issued.push_back(map.issue(v, static_cast<Kind>(writer.below(kKinds)), false, writer.below(3) == 0 ? values[0] : std::string_view()));
    // Texts with placeholders, beginnings of them, look-alikes and marks.
    std::vector<std::string> texts, plain;
    for (std::size_t k = 0; k < 1 + writer.below(4); ++k) {
      std::string text = k % 2 == 1 ? "{\"a\": \"" : "", back = text;
      const bool json = k % 2 == 1;
      for (std::size_t n = writer.below(12); n-- > 0;) {
        const std::size_t v = writer.below(values.size());
        std::string quoted;
        codec::append_json_string(quoted, values[v]);
        const std::string value = json ? quoted.substr(1, quoted.size() - 2) : values[v];
        switch (writer.below(7)) {
          case 0:
          case 1:
            text += issued[v], back += value;
            break;
          case 2: {
            const std::string cut = issued[v].substr(0, 1 + writer.below(issued[v].size() - 1)) + " ";
            text += cut, back += cut;
            break;
          }
          case 3:
            text += " [[NAME_1A2B]] ", back += " [[NAME_1A2B]] ";
            break;
          case 4:
            text += "\xc3\xa9t\xc3\xa9 [", back += "\xc3\xa9t\xc3\xa9 [";
            break;
          case 5:
            text += " " + issued[v].substr(2, issued[v].size() - 4) + ". ", back += " " + value + ". ";
            break;
          default:
            text += "words and **marks** ", back += "words and **marks** ";
        }
      }
      // What a text ends with in the middle of a placeholder must not be lost.
      if (writer.below(2) == 0) text += "[[NAM", back += "[[NAM";
      texts.push_back(std::move(text));
      plain.push_back(std::move(back));
    }
    const auto restore = [&](std::string_view bytes, std::size_t most, std::string& out) {
      StreamRestorer stream(map, {.api = api, .json = false, .limits = {}});
      for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t n = std::min(bytes.size() - at, 1 + writer.below(most));
        const auto fed = stream.feed(bytes.substr(at, n), out);
        EXPECT_TRUE(fed.ok()) << (fed.ok() ? "" : fed.error().message);
        at += n;
      }
      const auto finished = stream.finish(out);
      EXPECT_TRUE(finished.ok());
      return stream.unresolved();
    };
    const Stream whole = writer.write(texts, 1000), cut = writer.write(texts, 1 + writer.below(9));
    std::string first, second, third;
    const auto n1 = restore(cut.bytes, 1'000'000, first), n2 = restore(cut.bytes, 1 + writer.below(40), second);
    EXPECT_EQ(first, second) << "cut into pieces of the wire";
    EXPECT_EQ(n1, n2);
    EXPECT_EQ(n1, restore(whole.bytes, 1'000'000, third)) << "what could not be put back is counted alike";
    EXPECT_EQ(joined(first, texts.size()), plain);
    EXPECT_EQ(joined(third, texts.size()), plain);
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "round " << round << "\n" << cut.bytes << "\n->\n" << first;
      return;
    }
  }
}

TEST(Answer, StreamsThatAreNone) {
  SeededRandom random(1);
  Placeholders map(random);
  const auto told = [&](std::string_view bytes, Limits limits = {}) {
    StreamRestorer stream(map, {.api = PromptApi::openai, .json = false, .limits = limits});
    std::string out;
    auto fed = stream.feed(bytes, out);
    if (fed) fed = stream.finish(out);
    return fed ? out : fed.error().message;
  };
  EXPECT_EQ(told(""), "");
  EXPECT_EQ(told("data: [DONE]"), "data: [DONE]\n\n");
  EXPECT_EQ(told(": ping of Maria Sandoval\n\ndata: {\"a\":1}\n\n"), ":\n\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(told("\xef\xbb\xbf"
                 "data: {\"a\":1}\r\n\r\n"),
            "data: {\"a\":1}\n\n");
  EXPECT_EQ(told("data: {\"a\":\ndata: 1}\n\n"), "data: {\"a\":1}\n\n");
  EXPECT_EQ(told("event: x\nid: 7\nretry: 5\ndata: {}\n\n"), "event: x\ndata: {}\n\n");
  EXPECT_EQ(told("data: {\"a\":1}"), "The provider's answer ended inside an event.");
  EXPECT_EQ(told("data: {\"a\"\n\n"), "An event of the provider's answer is not JSON as it must be: truncated at byte 4.");
  EXPECT_EQ(told("data: [1]\n\n"), "An event of the provider's answer is not JSON as it must be.");
  EXPECT_EQ(told("<html>\n\n"), "The provider's answer holds a line that is no part of an event.");
  EXPECT_EQ(told("event: Maria Sandoval\n"), "An event of the provider's answer has a name that is none.");
  Limits small;
  small.event_bytes = 100;
  EXPECT_EQ(told("data: " + std::string(200, 'x'), small), "An event of the provider's answer is longer than 100 bytes.");
  std::string many;
  for (int k = 0; k < 1100; ++k) many += fmt::format("data: {{\"choices\":[{{\"index\":{},\"delta\":{{\"content\":\"x\"}}}}]}}\n\n", k);
  EXPECT_EQ(told(many), "The provider's answer holds more than 1024 texts at once.");
}

TEST(Answer, WhatCouldNotBePutBackIsSaidBeforeTheEnd) {
  SeededRandom random(1);
  Placeholders map(random);
  StreamRestorer stream(map, {.api = PromptApi::openai, .json = false, .limits = {}});
  std::string out;
  ASSERT_TRUE(stream.feed("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"[[NAME_1A1A]]\"}}]}\n\ndata: [DONE]\n\n", out).ok());
  EXPECT_EQ(out,
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"[[NAME_1A1A]]\"}}]}\n\n"
            ": licet: 1 placeholder could not be put back\n\ndata: [DONE]\n\n");
}

}  // namespace
}  // namespace licet::deid
