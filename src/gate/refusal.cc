#include "gate/refusal.h"

#include "codec/fhir.h"

namespace licet::gate {

http::Response problem_head(Reason reason) {
  http::Response head;
  head.status = row(reason).status;
  head.headers.add("content-type", "application/problem+json");
  head.headers.add("cache-control", "no-store");
  if (reason == Reason::busy || reason == Reason::not_recorded) head.headers.add("retry-after", "1");
  if (reason == Reason::no_identity || reason == Reason::token_spent) head.headers.add("www-authenticate", "Bearer");
  return head;
}

std::string problem_body(const Refusal& refusal, std::string_view reference) {
  const ReasonRow& r = row(refusal.reason);
  const std::string_view detail = refusal.neutral || refusal.sentence.empty() ? r.title : std::string_view(refusal.sentence);
  std::string out;
  out = R"({"type":"https://licet.example/reasons/)" + std::string(r.code) + R"(","title":)";
  codec::append_json_string(out, r.title);
  out += fmt::format(R"(,"status":{},"reason":"{}","detail":)", r.status, r.code);
  codec::append_json_string(out, detail);
  out += R"(,"reference":)";
  codec::append_json_string(out, reference);
  out += "}\n";
  return out;
}

}  // namespace licet::gate
