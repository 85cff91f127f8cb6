#include "cli/admin_call.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "cli/state.h"
#include "http/client.h"

namespace licet::cli {
namespace {

Task<Result<Reply>> call(std::string socket, std::string method, std::string target, std::string body) {
  http::UpstreamOptions options;
  options.url = "http://licet";
  options.unix_path = socket;
  LICET_CO_TRY(upstream, http::make_upstream(std::move(options)));
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  if (!body.empty()) request.headers.add("content-type", "application/json");
  auto answer = co_await upstream->send(std::move(request), std::move(body));
  if (!answer) co_return Error{Code::unavailable, fmt::format("nothing serves at {}: start `licet serve` first", socket)};
  std::string text;
  for (;;) {
    auto piece = co_await (*answer)->body().read(64 * 1024);
    if (!piece) co_return std::move(piece).error();
    if (piece->reveal().empty()) break;
    text += piece->reveal();
  }
  co_return Reply{(*answer)->head().status, nlohmann::json::parse(text, nullptr, false)};
}

Task<void> call_into(std::string socket, std::string method, std::string target, std::string body, Result<Reply>& out) {
  out = co_await call(std::move(socket), std::move(method), std::move(target), std::move(body));
}

}  // namespace

Result<Reply> admin_call(const Config& config, std::string method, std::string target, std::string body) {
  Result<Reply> out = Error{Code::internal, "no answer"};
  out.ignore();
  http::run([&]() -> Task<void> { return call_into(socket_of(config), std::move(method), std::move(target), std::move(body), out); });
  return out;
}

std::string detail_of(const Reply& reply) {
  if (!reply.body.is_object()) return fmt::format("the node answered {}", reply.status);
  return reply.body.value("detail", reply.body.value("title", "refused"));
}

std::string user() {
  const passwd* entry = getpwuid(getuid());
  return entry == nullptr ? "operator" : entry->pw_name;
}

}  // namespace licet::cli
