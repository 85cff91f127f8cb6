// The http room alone: every request goes to one upstream and its answer comes back; nothing is decided, recorded or digested. bench/exchange.py
// puts it beside nginx's proxy_pass, so that what the gate adds and what HTTP costs can be told apart.
//
//   bench_pass URL CERTIFICATE KEY        one I/O thread on a free port, TLS on both legs; prints `ready PORT`. CERTIFICATE is also the upstream's CA.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "http/client.h"
#include "http/server.h"

namespace {

using namespace licet;
using namespace licet::http;

class Pass : public Handler {
 public:
  explicit Pass(Upstream& upstream) : upstream_(upstream) {}

  Task<void> handle(Request request, Body& body, Responder& responder) override {
    std::string sent;
    if (request.has_body() && !co_await all(body, sent)) co_return;
    auto answer = co_await upstream_.send(std::move(request), std::move(sent));
    std::string out;
    Response head{502, {}};
    if (answer && co_await all((*answer)->body(), out)) head = (*answer)->head();
    auto done = co_await responder.send(std::move(head), std::move(out));
    done.ignore();
  }

 private:
  // The whole body, moved rather than copied where it comes in one piece.
  static Task<bool> all(Body& body, std::string& out) {
    for (;;) {
      auto piece = co_await body.read(1024 * 1024);
      if (!piece) co_return false;
      if (piece->reveal().empty()) co_return true;
      if (out.empty()) out = std::move(*piece).reveal();
      else out += piece->reveal();
    }
  }

  Upstream& upstream_;
};

Result<void> serve(const char* url, const char* certificate, const char* key) {
  UpstreamOptions to;
  to.url = url;
  to.ca_file = certificate;
  LICET_TRY(upstream, make_upstream(std::move(to)));
  Pass pass(*upstream);
  Server::Options options;
  options.threads = 1;
  options.tls = ServerTls{certificate, key, {}, ClientCertificate::none};
  LICET_TRY(server, Server::start(std::move(options), pass));
  fmt::print("ready {}\n", server->port());
  std::fflush(stdout);
  pause();  // until a signal ends the process
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: bench_pass URL CERTIFICATE KEY\n");
    return 2;
  }
  const auto served = serve(argv[1], argv[2], argv[3]);
  if (!served) fmt::print(stderr, "bench_pass: {}\n", served.error().message);
  return served ? 0 : 1;
}
