// Server: listens, speaks TLS and a strict HTTP/1.1, and calls one Handler per request.
//
//   http::Server::Options options;
//   options.address = "127.0.0.1";
//   options.tls = http::ServerTls{"cert.pem", "key.pem", {"clients-ca.pem"}, http::ClientCertificate::optional};
//   LICET_TRY(server, http::Server::start(options, handler));
//   log::info("gate listens on {}", server->port());
//   …
//   server->stop();                                // drains for limits.shutdown_wait, then cuts
//
// What a Handler never sees: heads that can be read in two ways, slow or oversized clients, `Expect`, hop-by-hop fields,
// trailers. They are answered here with a problem document (RFC 9457) or with silence. HTTP/1.0 is refused (505): it can't
// show a cut stream.
//
// Threads: options.threads I/O threads, each with its own io_context and listening socket (SO_REUSEPORT); a connection never moves.
// The Handler is called on all of them and must outlive the Server. start() and stop() belong to the owner's thread, not an I/O one.
// An exception that leaves a Handler cuts that connection and is logged by its type alone: its text might hold PHI.
// What a Handler awaits from other threads (base/until) must be answered before the Server is gone: stop the Server before the ledger, and
// let the ledger answer everything. stop() waits up to twice limits.shutdown_wait, then drops what waits on its own sockets and timers.
//
// Memory: 16 KiB a connection, up to limits.head_bytes while a head needs it, plus OpenSSL's buffers.
// Source: RFC 9110, 9112; TLS 1.3, or 1.2 with ECDHE and AEAD only (RFC 9325); ALPN http/1.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/task.h"
#include "http/handler.h"

namespace licet::http {

enum class ClientCertificate { none, optional, required };

struct ServerTls {
  std::string certificate_file;              // PEM: the leaf, then its chain
  std::string key_file;                      // PEM
  std::vector<std::string> client_ca_files;  // PEM bundles; who may sign client certificates
  ClientCertificate client = ClientCertificate::none;
};

class Server {
 public:
  struct Options {
    std::string address = "127.0.0.1";  // numeric, v4 or v6; without tls a loopback address only, unless `plain_anywhere`
    std::uint16_t port = 0;             // 0: any free one; see port()
    std::string unix_path;              // not empty: listen on this socket instead of address and port; an old one is replaced; mode 0600
    std::optional<ServerTls> tls;
    bool plain_anywhere = false;  // only where something in front does TLS on the same trusted host or network
    unsigned threads = 0;         // 0: one per processor
    Limits limits;
  };

  // invalid_argument: an address, certificate or key that can't be used (the message names the file); unavailable: the port is taken.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(Options options, Handler& handler);
  ~Server();  // stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const;       // the bound one; 0 on a unix socket
  [[nodiscard]] std::size_t connections() const;  // open now, all threads. Any thread

  // Runs a Task on one of the I/O threads, in turn: a key-set refresh, a webhook. Any thread. It should end before stop(), which waits
  // limits.shutdown_wait for it and then drops it where it stands.
  void spawn(std::function<Task<void>()> task);

  // Stops accepting, closes idle connections, lets open exchanges end for limits.shutdown_wait, cuts the rest, joins. Once is enough.
  void stop();

 private:
  struct Inside;
  explicit Server(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> in_;
};

}  // namespace licet::http
