// Language models behind the gate: a prompt is read with certainty, put into the form of its decision, recorded and sent; under form
// `pseudonymized` the answer gets back what its placeholders stand for, event by event, recorded and sent. docs/deid.md, "Prompts".

#include <algorithm>

#include "deid/answer.h"
#include "gate/exchange.h"

namespace licet::gate {
namespace {

deid::PromptApi api_of(Speaks speaks) {
  return speaks == Speaks::llm_anthropic ? deid::PromptApi::anthropic : deid::PromptApi::openai;
}

std::string_view text_of(const http::Headers& headers, std::string_view name) {
  const std::string* value = headers.find(name);
  return value == nullptr ? std::string_view{} : std::string_view(*value);
}

// "application/json; charset=utf-8" → "application/json"
std::string media_type(const http::Headers& headers) {
  const std::string_view value = text_of(headers, "content-type");
  std::string type(value.substr(0, value.find(';')));
  while (type.ends_with(' ')) type.pop_back();
  for (char& c : type) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return type;
}

// What a person can't have written into it: versions and names of features.
bool is_feature_list(std::string_view value) {
  return value.size() <= 256 && std::all_of(value.begin(), value.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view("-_.,= ").find(c) != std::string_view::npos;
         });
}

Reason reason_of(const Error& error) {
  switch (error.code) {
    case Code::not_found:
    case Code::failed_precondition:
    case Code::permission_denied:
      return Reason::out_of_scope;
    case Code::exhausted:
      return Reason::too_large;
    case Code::unavailable:
      return Reason::busy;
    case Code::internal:
      return Reason::upstream;
    case Code::invalid_argument:
    case Code::already_exists:
    case Code::data_loss:
    case Code::cancelled:
      return Reason::malformed;
  }
  return Reason::malformed;
}

}  // namespace

// ---- The request ------------------------------------------------------------------------------------------------------------------------

Task<Step<void>> Exchange::locate_prompt(std::string_view below) {
  located_.action = license::Action::send;
  if (const auto classes = route_->sends.find(who_.actor); classes != route_->sends.end()) located_.classes = classes->second;
  if (request_.method != "POST") co_return refuse(Reason::out_of_scope, "A prompt comes by POST; nothing else passes to a language model.");
  if (media_type(request_.headers) != "application/json") co_return refuse(Reason::malformed, "A prompt is application/json.");
  if (request_.headers.find("content-encoding") != nullptr) co_return refuse(Reason::malformed, "A prompt comes without a content coding.");
  LICET_STEP(sent, co_await read_request_body());
  located_.body = std::move(sent);
  const std::string_view query = request_.query();
  auto prompt =
      deid::Prompt::read(api_of(route_->speaks), below.substr(0, below.find('?')), query, located_.body.reveal(), gate_.options_.limits);
  if (!prompt) co_return refuse(reason_of(prompt.error()), prompt.error().message);
  prompt_.emplace(*std::move(prompt));
  json_answer_ = prompt_->json_answer();
  co_return Step<void>{};
}

Step<void> Exchange::fits_prompt() const {
  const std::string_view form = name(decision_.form);
  const std::string& license = policy_->table->license(decision_.license).id;
  if (policy_->prompt_profile(decision_.form) == nullptr || route_->reader == nullptr)
    return refuse(Reason::unfilterable,
                  fmt::format("The decision is form `{}` on {}, which this route can't make: nothing was released.", form, license));
  if (!prompt_) return {};  // it has left: what is asked now is whether the answer may go on
  if (auto fits = prompt_->fits(decision_.form == license::Form::pseudonymized); !fits)
    return refuse(reason_of(fits.error()), fits.error().message);
  return {};
}

Task<Step<void>> Exchange::shape_prompt() {
  const std::string& body = located_.body.reveal();
  if (auto held = hold_memory(2 * body.size()); !held) co_return held;  // its texts read as one, and what is made of it
  std::string made;
  if (decision_.form == license::Form::identified || observed_) {
    made = prompt_->as_is();
  } else {
    if (decision_.form == license::Form::pseudonymized) placeholders_.emplace(*gate_.options_.random);
    const deid::PromptMaker maker{.engine = *route_->reader,
                                  .library = *policy_->deid,
                                  .profile = *policy_->prompt_profile(decision_.form),
                                  .as_of = std::chrono::floor<std::chrono::days>(gate_.options_.ledger->now()),
                                  .codes = random_ids(),
                                  .placeholders = placeholders_ ? &*placeholders_ : nullptr};
    Result<std::string> shaped = std::string();
    std::function<Result<std::string>()> shape = [&] { return prompt_->made(maker); };
    if (body.size() <= gate_.options_.limits.prompt_here_bytes)
      shaped = shape();
    else
      shaped = co_await gate_.aside(std::move(shape));
    if (!shaped) co_return refuse(reason_of(shaped.error()), shaped.error().message);
    made = *std::move(shaped);
  }
  prompt_.reset();
  located_.body = Phi<std::string>(std::move(made));
  co_return Step<void>{};
}

// Of the caller's headers only what says which version of the API is meant; the key is the gate's own.
void Exchange::add_provider_headers(http::Request& out) const {
  out.headers.set("content-type", "application/json");
  for (const std::string_view name : {"anthropic-version", "anthropic-beta", "openai-beta"})
    if (const std::string_view value = text_of(request_.headers, name); !value.empty() && is_feature_list(value))
      out.headers.add(std::string(name), std::string(value));
  if (route_->speaks == Speaks::llm_anthropic && out.headers.find("anthropic-version") == nullptr)
    out.headers.add("anthropic-version", "2023-06-01");
  if (route_->api_key.empty()) return;
  if (route_->speaks == Speaks::llm_anthropic)
    out.headers.add("x-api-key", route_->api_key);
  else
    out.headers.add("authorization", "Bearer " + route_->api_key);
}

// ---- The answer, with what placeholders stand for put back: PHI again
// --------------------------------------------------------------------

Task<Step<void>> Exchange::answer_prompt(http::Answer& answer) {
  const Limits& limits = gate_.options_.limits;
  const http::Headers& from = answer.head().headers;
  if (const std::string_view coding = text_of(from, "content-encoding"); !coding.empty() && !http::same_name(coding, "identity"))
    co_return refuse(Reason::unfilterable, "The answer came in a content coding that can't be read here.");
  http::Response head;
  head.status = answer.head().status;
  for (const std::string_view name : {"content-type", "retry-after"})
    if (const std::string_view value = text_of(from, name); !value.empty()) head.headers.add(std::string(name), std::string(value));
  head.headers.add("cache-control", "no-store");
  head.headers.add("licet-reference", id_);
  const std::string type = media_type(from);
  if (type == "text/event-stream") co_return co_await answer_events(answer, std::move(head));

  std::string body;
  for (;;) {
    auto piece = co_await answer.body().read(64 * 1024);
    if (!piece) co_return refuse(Reason::upstream, "The answer of the system behind the gate broke off.");
    if (piece->reveal().empty()) break;
    if (body.size() + piece->reveal().size() > limits.answer_body_bytes)
      co_return refuse(Reason::unfilterable, "The answer is longer than the gate reads.");
    if (auto held = hold_memory(2 * piece->reveal().size()); !held) co_return held;
    body += piece->reveal();
  }
  const deid::AnswerOptions options{.api = api_of(route_->speaks), .json = json_answer_, .limits = limits};
  deid::RestoredAnswer whole;
  if (type == "application/json") {
    auto restored = deid::restore_answer(*placeholders_, body, options);
    if (!restored) co_return refuse(Reason::unfilterable, restored.error().message);
    whole = *std::move(restored);
  } else {  // an error page of something on the way
    deid::TextRestorer text(*placeholders_, deid::TextRestorer::As::text);
    text.feed(body, whole.bytes);
    text.finish(whole.bytes);
    whole.unresolved = text.unresolved();
  }
  if (whole.unresolved > 0) head.headers.add("licet-unresolved", std::to_string(whole.unresolved));
  if (cut_) co_return refuse(Reason::suspended, cut_why_);
  Part part(std::move(whole.bytes));
  Content content = take_part(part);
  LICET_STEP(recorded, co_await record(ledger::Kind::exchange_sent, ledger::Leg::answer, std::move(content)));
  Phi<Part> phi(std::move(part));
  auto sent = co_await send_answer(responder_, std::move(head), std::move(phi), std::move(recorded));
  if (!sent) co_return refuse(Reason::upstream, "the caller went away");
  co_return Step<void>{};
}

Task<Step<void>> Exchange::answer_events(http::Answer& answer, http::Response head) {
  const Limits& limits = gate_.options_.limits;
  deid::StreamRestorer stream(*placeholders_, {.api = api_of(route_->speaks), .json = json_answer_, .limits = limits});
  std::string out;
  for (bool ended = false; !ended;) {
    auto piece = co_await answer.body().read(64 * 1024);
    if (!piece) co_return refuse(Reason::upstream, "The answer of the system behind the gate broke off.");
    if (cut_) co_return refuse(Reason::suspended, cut_why_);
    ended = piece->reveal().empty();
    auto fed = ended ? stream.finish(out) : stream.feed(piece->reveal(), out);
    if (!fed) co_return refuse(Reason::unfilterable, fed.error().message);
    const std::size_t in_flight = piece->reveal().size() + stream.held() + 2 * out.size();  // as it came, as it leaves, and once more
    if (in_flight > memory_.bytes())
      if (auto held = hold_memory(in_flight - memory_.bytes()); !held) co_return held;
    if (out.empty()) continue;
    LICET_STEP_VOID(co_await flush_part(head, out));
  }
  if (!streaming_) {
    auto begun = co_await responder_.begin(std::move(head), 0);
    if (!begun) co_return refuse(Reason::upstream, "the caller went away");
  }
  auto finished = co_await responder_.finish();
  if (!finished) co_return refuse(cut_ ? Reason::suspended : Reason::upstream, cut_ ? cut_why_ : "the caller went away");
  co_return Step<void>{};
}

}  // namespace licet::gate
