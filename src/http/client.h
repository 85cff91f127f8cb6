// Calling others: Upstream (the one server behind a route) and Outbound (small fetches from a list of addresses).
//
//   http::UpstreamOptions options;
//   options.url = "https://ehr.riverbend.example:8443/fhir/";     // its origin is what counts: targets are sent as they are
//   options.ca_file = "/etc/licet/ehr-ca.pem";
//   LICET_TRY(upstream, http::make_upstream(options));
//   auto answer = co_await upstream->send(std::move(request), std::move(body));
//
// Answers pass the same strict parser as requests: ambiguous framing is invalid_argument, and its connection is closed. A body that ends
// only with the connection is taken over TLS with a close_notify, and refused otherwise: a cut could not be seen.
// `Accept-Encoding: identity` is sent; an answer in another coding is handed on with its Content-Encoding, so that the gate can refuse it.
//
// Threads: make_*() from any; send() and get() from a Task on an I/O thread of a Server, or inside run(). Connections are pooled per
// I/O thread. Destroy an Upstream after the Servers whose Handlers use it.
// TLS: 1.2 or later, the certificate checked against ca_file (or the system's) and the host's name or address.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/outbound.h"
#include "base/result.h"
#include "base/task.h"
#include "http/handler.h"

namespace licet::http {

struct UpstreamOptions {
  std::string url;               // http:// or https://; a path is ignored. http:// is for the same host or a trusted network
  std::string unix_path;         // not empty: connect to this socket; the url then only says what stands in Host ("http://licet")
  std::string ca_file;           // PEM bundle; empty: the system's authorities
  std::string certificate_file;  // PEM, optional: what we show as a client
  std::string key_file;
  Limits limits;  // connect_wait, answer_wait, body_wait, write_wait, idle_wait, upstream_idle, head_bytes, header_count
};

// invalid_argument: a URL or file that can't be used.
[[nodiscard]] Result<std::unique_ptr<Upstream>> make_upstream(UpstreamOptions options);

struct OutboundOptions {
  // What may be fetched: each is an origin and path prefix ("https://id.example/keys"), matched on whole path segments.
  std::vector<std::string> allow;
  std::string ca_file;                     // empty: the system's authorities
  std::string relay;                       // 127.0.0.1:25: the mail relay of this machine; empty: no mail
  std::size_t answer_bytes = 1024 * 1024;  // exhausted beyond it
  Limits limits;                           // waits; redirects are never followed
};
[[nodiscard]] Result<std::unique_ptr<Outbound>> make_outbound(OutboundOptions options);

// Runs a Task to its end on the calling thread, with an event loop of its own: for command-line verbs and tests.
// Never from an I/O thread. An exception leaves as itself.
void run(std::function<Task<void>()> task);

}  // namespace licet::http
