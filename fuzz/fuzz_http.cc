// HTTP heads and chunked bodies, both directions. Property: what a message is read as, or why it is refused, depends on its bytes alone,
// not on how they were split; and nothing that was accepted holds a byte that could end a line, a name that is no token, or a hop-by-hop
// field.
//
// The first two bytes of the input choose the direction and the split; the rest is the message.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/parser.h"

namespace {

using namespace licet;
using namespace licet::http;

void must(bool holds) {
  if (!holds) std::abort();
}

void check(const Headers& headers) {
  for (const auto& f : headers) must(is_token(f.name) && is_field_value(f.value) && !is_hop_by_hop(f.name));
}

template <class Parser, class Take>
std::string read(Parser& parser, std::string_view bytes, std::size_t step, Take take) {
  std::size_t n = 0;
  Feed fed = Feed::more;
  while (fed == Feed::more && n < bytes.size()) {
    n = std::min(bytes.size(), n + step);
    fed = parser.feed(bytes.substr(0, n));
  }
  if (fed == Feed::more) return "more";
  if (fed == Feed::refused) return std::string("refused: ").append(parser.refusal().why);
  must(parser.consumed() <= bytes.size());
  std::string text = take(parser);
  if (parser.framing() != Framing::chunked) return text;
  ChunkedReader chunks;
  std::string body;
  for (std::size_t at = parser.consumed(); at < bytes.size() && !chunks.done() && !chunks.refused();)
    at += chunks.feed(bytes.substr(at, step), body, 1 << 20);
  if (chunks.refused()) return std::string("refused: ").append(chunks.why());
  return text + body + (chunks.done() ? "." : "");
}

std::string read_as(bool request, std::string_view bytes, std::size_t step) {
  Limits limits;
  limits.head_bytes = 2048;
  limits.header_count = 20;
  limits.target_bytes = 200;
  const auto fields = [](const Headers& headers) {
    check(headers);
    std::string text;
    for (const auto& f : headers) text.append(f.name).append("=").append(f.value).append("\n");
    return text;
  };
  if (request) {
    RequestParser parser(limits);
    return read(parser, bytes, step, [&](RequestParser& p) {
      const Framing framing = p.framing();
      const Request r = p.take();
      must(is_token(r.method) && is_origin_form(r.target) && is_authority(r.host));
      must(!(r.chunked && r.content_length));
      return r.method + r.target + r.host + fields(r.headers) + std::to_string(static_cast<int>(framing)) +
             std::to_string(r.content_length.value_or(0));
    });
  }
  ResponseParser parser(limits);
  parser.reset(false);
  return read(parser, bytes, step, [&](ResponseParser& p) {
    const std::string framing = std::to_string(static_cast<int>(p.framing())) + std::to_string(p.content_length().value_or(0));
    const Response r = p.take();
    return std::to_string(r.status) + fields(r.headers) + framing;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool request = (data[0] & 1) != 0;
  const std::size_t step = 1 + data[1];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string whole = read_as(request, bytes, bytes.size() + 1);
  must(read_as(request, bytes, 1) == whole);
  must(read_as(request, bytes, step) == whole);
  return 0;
}
