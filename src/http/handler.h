// What the rest of Licet sees of HTTP: plain structs and four small interfaces. Sockets, TLS and parsing stay behind them (server.h, client.h).
//
//   class Hello final : public http::Handler {
//     Task<void> handle(http::Request request, http::Body& body, http::Responder& responder) override {
//       http::Response head{200, {{"content-type", "text/plain"}}};
//       auto sent = co_await responder.send(std::move(head), "hello\n");      // head + body in one write
//       sent.ignore();                                                        // the connection is closed by whoever called us
//     }
//   };
//
// Input is untrusted: http's own strict parser has refused all that is ambiguous before a Handler is called (RFC 9110, RFC 9112).
// Thread rule: a Request, its Body and its Responder live on one I/O thread; a Handler is called on many and must be thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/phi.h"
#include "base/result.h"
#include "base/task.h"

namespace licet::http {

// Field lines in order. Names compare without case; find() gives the first.
class Headers {
 public:
  struct Field {
    std::string name;
    std::string value;
  };
  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  [[nodiscard]] const std::string* find(std::string_view name) const;  // nullptr: absent
  [[nodiscard]] std::size_t count(std::string_view name) const;
  void add(std::string name, std::string value) { fields_.push_back({std::move(name), std::move(value)}); }
  void set(std::string_view name, std::string value);  // replaces all of that name
  void remove(std::string_view name);
  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  void clear() { fields_.clear(); }

 private:
  std::vector<Field> fields_;
};

// True where two field names or tokens are equal without case (ASCII).
[[nodiscard]] bool same_name(std::string_view a, std::string_view b);

// Who is at the other end of the connection.
struct Peer {
  std::string address;                 // "127.0.0.1:41122"; "unix"
  bool tls = false;
  std::string tls_version;             // "TLSv1.3"
  std::string tls_cipher;
  bool certified = false;              // a client certificate was shown and verified against the configured authorities
  std::vector<std::string> dns_names;  // its subjectAltName dNSNames
  std::vector<std::string> uris;       // and URIs
  Digest certificate{};                // SHA-256 of its DER
  std::optional<std::uint32_t> user;   // on a unix socket: the uid of the process at the other end, as the kernel knows it
};

struct Request {
  std::string method;   // as received: methods are case-sensitive
  std::string target;   // origin-form: "/fhir/Patient/1?x=y"; absolute-form was reduced, its host won
  std::string host;     // from Host or the absolute-form
  Headers headers;      // hop-by-hop fields removed
  std::optional<std::uint64_t> content_length;  // nullopt with chunked = true: unknown
  bool chunked = false;
  Peer peer;

  [[nodiscard]] bool has_body() const { return chunked || content_length.value_or(0) > 0; }
  [[nodiscard]] std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  [[nodiscard]] std::string_view query() const {
    const auto q = target.find('?');
    return q == std::string::npos ? std::string_view{} : std::string_view(target).substr(q + 1);
  }
};

struct Response {
  int status = 200;
  Headers headers;  // no framing fields (content-length, transfer-encoding, connection): http writes exactly one of them
};

// The bytes of a message's body, in the order in which they arrive. They may be PHI.
class Body {
 public:
  virtual ~Body() = default;
  // Up to about `most` bytes; empty means the clean end. invalid_argument: broken framing; unavailable: cut or too slow;
  // exhausted: a request body beyond limits.request_body_bytes. One operation of Body or Responder at a time.
  [[nodiscard]] virtual Task<Result<Phi<std::string>>> read(std::size_t most) = 0;
};

// Answers one request. Either send(), or begin() write()* finish(). Destroyed before finish(): the connection is cut, so truncation shows.
class Responder {
 public:
  virtual ~Responder() = default;
  // Head and whole body at once, with Content-Length. To a HEAD request the body is withheld.
  [[nodiscard]] virtual Task<Result<void>> send(Response head, std::string body) = 0;
  // Starts a stream: with Content-Length where `length` is known, chunked otherwise.
  [[nodiscard]] virtual Task<Result<void>> begin(Response head, std::optional<std::uint64_t> length) = 0;
  [[nodiscard]] virtual Task<Result<void>> write(std::string bytes) = 0;
  [[nodiscard]] virtual Task<Result<void>> finish() = 0;
  // Cuts the connection without a clean end (TCP reset where possible). Safe to call at any time, also from a cut-off timer on this thread.
  virtual void cut() = 0;
  [[nodiscard]] virtual bool begun() const = 0;  // the head is (partly) out: an error answer is no longer possible
};

// Called once a request's head has been read and found unambiguous. Returns when the exchange is over.
class Handler {
 public:
  virtual ~Handler() = default;
  [[nodiscard]] virtual Task<void> handle(Request request, Body& body, Responder& responder) = 0;
};

// What a server behind us answered. Its connection goes back to the pool only when the body was read to its clean end.
class Answer {
 public:
  virtual ~Answer() = default;
  [[nodiscard]] virtual const Response& head() const = 0;                          // hop-by-hop and framing fields removed
  [[nodiscard]] virtual std::optional<std::uint64_t> content_length() const = 0;   // nullopt: chunked or until close
  [[nodiscard]] virtual Body& body() = 0;
};

// One server behind us. Any thread; connections are pooled per I/O thread and never shared between requests in flight.
class Upstream {
 public:
  virtual ~Upstream() = default;
  // Sends a whole request (target relative to the server's origin; Host is set here) and waits for the head of the answer.
  // unavailable: can't connect, too slow, cut; invalid_argument: it answered with ambiguous framing.
  // A request is retried on a new connection only where a pooled one proved dead before any byte of it was answered and its method is safe.
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Answer>>> send(Request request, std::string body) = 0;
};

}  // namespace licet::http
