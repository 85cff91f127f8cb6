// TLS over a non-blocking socket: a thin layer on OpenSSL, the only place of http that includes it (tls.cc).
//
// A Session reads ciphertext from its socket itself and *appends* what it wants to send to `out`; the Channel sends that. So
// several records leave in one system call, and encrypting never blocks. Sessions are for one thread; Contexts for any, once made.
// Floor: TLS 1.2 with ECDHE and AEAD (RFC 9325); 1.3 preferred; ALPN http/1.1; session tickets on; no renegotiation, no compression.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/handler.h"
#include "http/server.h"

struct ssl_ctx_st;
struct ssl_st;

namespace licet::http {

enum class Io { done, blocked, end, failed };

class TlsSession {
 public:
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  [[nodiscard]] Io handshake();
  [[nodiscard]] Io read(char* to, std::size_t most, std::size_t& got);  // end: close_notify was seen
  [[nodiscard]] Io write(std::string_view plain);                       // all of it, into out
  void close_notify();                                                  // into out
  // Nothing more can be read before the socket is readable again.
  [[nodiscard]] bool drained() const;
  void describe(Peer& peer) const;
  // What the last failure was, in words that quote nothing received.
  [[nodiscard]] std::string why() const;

  std::string out;

 private:
  friend class TlsContext;
  struct Wire {
    int socket = -1;
    bool drained = false;
    std::string* out = nullptr;
  };
  TlsSession(ssl_st* ssl, int socket);
  Io verdict(int returned);
  static int wire_read(void* bio, char* to, int most);
  static int wire_write(void* bio, const char* from, int size);
  friend struct WireMethods;
  ssl_st* ssl_;
  Wire wire_;
  long verify_ = 0;
  unsigned long error_ = 0;
};

class TlsContext {
 public:
  // invalid_argument: a file that can't be read or used (named in the message).
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> server(const ServerTls& options);
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> client(const std::string& ca_file, const std::string& certificate_file,
                                                                  const std::string& key_file);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  [[nodiscard]] std::unique_ptr<TlsSession> accept(int socket) const;
  // `host`: the name or numeric address that the server's certificate must carry.
  [[nodiscard]] std::unique_ptr<TlsSession> connect(int socket, const std::string& host) const;

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

}  // namespace licet::http
