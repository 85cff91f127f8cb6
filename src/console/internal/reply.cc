#include "console/internal/reply.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "proof/findings.h"

namespace licet::console {

using nlohmann::json;

Reply json_reply(const json& value, int status) {
  Reply reply;
  reply.head.status = status;
  reply.head.headers = {{"content-type", "application/json"}, {"cache-control", "no-store"}, {"x-content-type-options", "nosniff"}};
  reply.body = value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  return reply;
}

Reply problem(int status, std::string_view title, std::string_view detail) {
  json body{{"status", status}, {"title", title}, {"type", "about:blank"}};
  if (!detail.empty()) body["detail"] = detail;
  Reply reply = json_reply(body, status);
  reply.head.headers.set("content-type", "application/problem+json");
  return reply;
}

Reply problem(const Error& error) {
  switch (error.code) {
    case Code::invalid_argument:
      return problem(400, "This can't be done as asked.", error.message);
    case Code::not_found:
      return problem(404, "There is no such thing.", error.message);
    case Code::permission_denied:
      return problem(403, "This is not allowed.", error.message);
    case Code::already_exists:
    case Code::failed_precondition:
      return problem(409, "This can't be done now.", error.message);
    case Code::exhausted:
      return problem(413, "This is beyond a limit.", error.message);
    case Code::unavailable:
    case Code::cancelled:
      return problem(503, "This can't be done at the moment.", error.message);
    case Code::data_loss:
    case Code::internal:
      return problem(500, "This failed inside; nothing was changed that is not on the ledger.", error.message);
  }
  return problem(500, "This failed inside.");
}

Task<Result<std::string>> read_body(http::Body& body, std::size_t most) {
  std::string all;
  for (;;) {
    auto piece = co_await body.read(64 * 1024);
    if (!piece) co_return std::move(piece).error();
    if (piece->reveal().empty()) break;
    if (all.size() + piece->reveal().size() > most)
      co_return Error{Code::exhausted, "the body is larger than " + std::to_string(most) + " bytes"};
    all += piece->reveal();
  }
  co_return all;
}

Task<void> send(http::Responder& responder, Reply reply) {
  auto sent = co_await responder.send(std::move(reply.head), std::move(reply.body));
  sent.ignore();  // whether the caller still listens changes nothing
}

std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != name) continue;
    const std::string_view raw = pair.substr(std::min(equals + 1, pair.size()));
    std::string out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '+') {
        out += ' ';
      } else if (raw[i] == '%') {
        const auto byte = i + 2 < raw.size() ? unhex(raw.substr(i + 1, 2)) : std::nullopt;
        if (!byte || byte->size() != 1) return std::nullopt;
        out += *byte;
        i += 2;
      } else {
        out += raw[i];
      }
    }
    return out;
  }
  return std::nullopt;
}

std::uint64_t number_of(const std::optional<std::string>& text, std::uint64_t otherwise) {
  std::uint64_t value = 0;
  if (!text) return otherwise;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), value);
  return failed == std::errc() && end == text->data() + text->size() ? value : otherwise;
}

json status_json(const gate::Gate& gate, const epoch::Keeper& keeper, const ledger::Ledger& ledger, std::string_view build) {
  const gate::Counters& c = gate.counters();
  const ledger::Head head = ledger.head();
  const epoch::Status status = keeper.status();
  json out{{"build", build},
           {"now", format(ledger.now())},
           {"epoch", status.epoch},
           {"stale", status.stale},
           {"problems", status.problems},
           {"counters",
            {{"exchanges", c.exchanges.load()},
             {"passed", c.passed.load()},
             {"reduced", c.reduced.load()},
             {"refused", c.refused.load()},
             {"held", c.held.load()},
             {"cut", c.cut.load()},
             {"errors", c.errors.load()},
             {"bytes_out", c.bytes_out.load()}}},
           {"ledger", {{"size", head.size}, {"root", hex(head.root)}, {"time", format(head.last_time)}, {"poisoned", ledger.poisoned()}}}};
  if (status.stale) out["stale_since"] = format(status.stale_since);
  json observing = json::array();
  if (const auto policy = gate.policy())
    for (const gate::Route& route : policy->routes)
      if (route.observe)
        observing.push_back(
            {{"route", route.id}, {"until", route.observe_until == Micros{} ? json(nullptr) : json(format(route.observe_until))}});
  out["observing"] = std::move(observing);
  if (const auto epoch = keeper.current()) {
    json packs = json::array();
    for (const rules::PackInfo& p : epoch->world.judgment.packs) packs.push_back(proof::to_json(p));
    out["as_of"] = format(epoch->world.judgment.as_of);
    out["judged"] = format(epoch->as_of);
    out["under"] = epoch->world.judgment.under;
    out["packs"] = std::move(packs);
    out["findings"] = proof::summary(epoch->world.judgment);
    out["licenses"] = epoch->world.table->licenses().size();
    out["tenant"] = epoch->world.stack->tenant;
    out["stack"] = hex(epoch->world.stack_digest);
  }
  return out;
}

}  // namespace licet::console
