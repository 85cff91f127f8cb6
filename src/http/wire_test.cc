// Server and client over real sockets (port 0), TLS both ways, and raw sockets where the other side misbehaves.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <stdexcept>
#include <thread>

#include "http/client.h"
#include "http/server.h"

namespace licet::http {
namespace {

// ---- certificates, made once by the openssl program: one authority, a server and a client under it, and a stranger

const std::string& certificates() {
  static const std::string folder = [] {
    std::string path = std::filesystem::temp_directory_path() / "licet-http-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    std::ofstream(path + "/server.ext") << "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
    std::ofstream(path + "/client.ext") << "subjectAltName=DNS:scribe.example,URI:spiffe://riverbend/scribe\n";
    const std::string key = " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";
    std::string script = "cd " + path + " && exec 2>/dev/null; ";
    for (const char* ca : {"ca", "stranger"})
      script += "openssl req -x509" + key + "-keyout " + ca + ".key -out " + ca + ".pem -days 30 -subj /CN=" + ca + " && ";
    for (const char* who : {"server", "client"}) {
      const std::string w(who);
      script += "openssl req" + key + "-keyout " + w + ".key -out " + w + ".csr -subj /CN=" + w + " && openssl x509 -req -in " + w +
                ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile " + w + ".ext -out " + w + ".pem && ";
    }
    if (std::system((script + "true").c_str()) != 0) std::abort();
    return path;
  }();
  return folder;
}
struct RemoveCertificates : testing::Environment {
  void TearDown() override { std::filesystem::remove_all(certificates()); }
};
const auto* const kRemove = testing::AddGlobalTestEnvironment(new RemoveCertificates);

ServerTls server_tls(ClientCertificate client = ClientCertificate::none) {
  const std::string& c = certificates();
  return {c + "/server.pem", c + "/server.key", {c + "/ca.pem"}, client};
}

// ---- a handler that does what the path says

std::string repeat(std::string_view text, std::size_t times) {
  std::string s;
  for (std::size_t i = 0; i < times; ++i) s += text;
  return s;
}

class Site final : public Handler {
 public:
  std::atomic<int> calls{0};
  std::atomic<Code> last_error{Code::internal};
  std::atomic<int> failures{0};

  Task<void> handle(Request request, Body& body, Responder& responder) override {
    ++calls;
    const std::string path(request.path());
    Response head{200, {{"content-type", "text/plain"}}};
    if (path == "/echo") {
      std::string all;
      for (;;) {
        auto reading = body.read(64 * 1024);
        auto piece = co_await std::move(reading);
        if (!piece) {
          last_error = piece.error().code;
          ++failures;
          co_return;
        }
        if (piece->reveal().empty()) break;
        all += piece->reveal();
      }
      auto sending = responder.send(std::move(head), std::move(all));
      (co_await std::move(sending)).ignore();
    } else if (path == "/big") {
      std::string big = repeat("0123456789abcdef", 64 * 1024);
      auto sending = responder.send(std::move(head), std::move(big));
      (co_await std::move(sending)).ignore();
    } else if (path == "/stream" || path == "/torn" || path == "/short") {
      const bool chunked = path == "/stream";
      std::optional<std::uint64_t> length;
      if (!chunked) length = 20;
      auto beginning = responder.begin(std::move(head), length);
      (co_await std::move(beginning)).ignore();
      for (int i = 0; i < 3; ++i) {
        std::string five = "five\n";
        auto writing = responder.write(std::move(five));
        (co_await std::move(writing)).ignore();
      }
      if (path == "/torn") co_return;  // 15 of 20 bytes, then nothing: must be cut
      auto finishing = responder.finish();
      (co_await std::move(finishing)).ignore();
    } else if (path == "/torn-chunks") {
      auto beginning = responder.begin(std::move(head), std::nullopt);
      (co_await std::move(beginning)).ignore();
      std::string some = "some";
      auto writing = responder.write(std::move(some));
      (co_await std::move(writing)).ignore();
    } else if (path == "/throw") {
      throw std::runtime_error("name: Jane Roe");
    } else if (path == "/split") {
      head.headers.add("x", "a\r\nset-cookie: b");
      auto sending = responder.send(std::move(head), "no");
      auto sent = co_await std::move(sending);
      if (!sent) last_error = sent.error().code;
    } else if (path == "/ignore") {
      head.status = 401;
      auto sending = responder.send(std::move(head), "unread");
      (co_await std::move(sending)).ignore();
    } else if (path == "/204" || path == "/304") {
      head.status = path == "/204" ? 204 : 304;
      auto sending = responder.send(std::move(head), "must not show");
      (co_await std::move(sending)).ignore();
    } else {
      std::string who = request.method + " " + request.target + " " + request.host + " tls=" + (request.peer.tls ? "1" : "0");
      if (request.peer.user) who += " user=" + std::to_string(*request.peer.user);
      if (request.peer.certified) who += " " + request.peer.dns_names.at(0) + " " + request.peer.uris.at(0);
      auto sending = responder.send(std::move(head), std::move(who));
      (co_await std::move(sending)).ignore();
    }
  }
};

Server::Options plain() {
  Server::Options o;
  o.threads = 1;
  return o;
}

std::unique_ptr<Server> start(Server::Options options, Handler& handler) {
  auto server = Server::start(std::move(options), handler);
  if (!server) throw std::runtime_error(server.error().message);
  return *std::move(server);
}

// ---- raw clients and servers

class Raw {
 public:
  explicit Raw(std::uint16_t port) : s_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(s_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) throw std::runtime_error("connect");
    timeval most{20, 0};
    ::setsockopt(s_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
  }
  explicit Raw(int socket, int) : s_(socket) {}
  ~Raw() { ::close(s_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  bool send(std::string_view bytes) const {
    return ::send(s_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  void end() const { ::shutdown(s_, SHUT_WR); }
  // Until the text has come, or the end. `reset_`: it ended by RST.
  std::string until(std::string_view text) {
    std::string got;
    char buffer[4096];
    while (text.empty() || got.find(text) == std::string::npos) {
      const ssize_t n = ::recv(s_, buffer, sizeof buffer, 0);
      if (n < 0) reset_ = errno == ECONNRESET;
      if (n <= 0) break;
      got.append(buffer, static_cast<std::size_t>(n));
    }
    return got;
  }
  std::string rest() { return until({}); }
  bool was_reset() const { return reset_; }

 private:
  int s_;
  bool reset_ = false;
};

std::string ask(std::uint16_t port, std::string_view bytes) {
  Raw raw(port);
  raw.send(bytes);
  return raw.rest();
}

// An upstream that says, to the n-th connection, what it is told to, after it has read a head; then closes.
class Liar {
 public:
  explicit Liar(std::vector<std::string> says) : listener_(::socket(AF_INET, SOCK_STREAM, 0)), says_(std::move(says)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
    ::listen(listener_, 8);
    socklen_t size = sizeof at;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] {
      for (const std::string& answer : says_) {
        const int s = ::accept(listener_, nullptr, nullptr);
        if (s < 0) return;
        ++connections;
        Raw raw(s, 0);
        heard += raw.until("\r\n\r\n");
        raw.send(answer);
        raw.end();
        raw.rest();
      }
    });
  }
  ~Liar() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::string heard;
  std::atomic<int> connections{0};

 private:
  int listener_;
  std::vector<std::string> says_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// ---- a client's view: what one request came to

struct Came {
  int status = 0;
  std::string body;
  std::optional<Code> error;  // of the head or of the body
  std::string message;
  std::optional<std::uint64_t> length;
  Headers headers;
};

Task<void> get_into(Upstream* upstream, Request request, std::string body, Came* came) {
  auto sending = upstream->send(std::move(request), std::move(body));
  auto answer = co_await std::move(sending);
  if (!answer) {
    came->error = answer.error().code;
    came->message = answer.error().message;
    co_return;
  }
  came->status = (*answer)->head().status;
  came->headers = (*answer)->head().headers;
  came->length = (*answer)->content_length();
  for (;;) {
    auto reading = (*answer)->body().read(100'000);
    auto piece = co_await std::move(reading);
    if (!piece) {
      came->error = piece.error().code;
      came->message = piece.error().message;
      co_return;
    }
    if (piece->reveal().empty()) co_return;
    came->body += piece->reveal();
  }
}

Request to(std::string method, std::string target) {
  Request r;
  r.method = std::move(method);
  r.target = std::move(target);
  return r;
}

Task<void> several(Upstream* upstream, std::vector<Request> requests, std::vector<Came>* came) {
  for (Request& r : requests) {
    came->emplace_back();
    auto getting = get_into(upstream, std::move(r), {}, &came->back());
    co_await std::move(getting);
  }
}

Came fetch(Upstream& upstream, Request request, std::string body = {}) {
  Came came;
  run([&] { return get_into(&upstream, std::move(request), std::move(body), &came); });
  return came;
}

std::unique_ptr<Upstream> upstream(UpstreamOptions options) {
  auto made = make_upstream(std::move(options));
  if (!made) throw std::runtime_error(made.error().message);
  return *std::move(made);
}
std::unique_ptr<Upstream> upstream(std::string url, Limits limits = {}) {
  UpstreamOptions o;
  o.url = std::move(url);
  o.limits = limits;
  return upstream(std::move(o));
}
std::string local(const Server& server, const char* scheme = "http") {
  return std::string(scheme) + "://127.0.0.1:" + std::to_string(server.port());
}

// ---- the server

TEST(Server, AnswersAndKeepsTheConnection) {
  Site site;
  const auto server = start(plain(), site);
  const std::string got =
      ask(server->port(), "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const auto first = got.find("GET /a?b h tls=0");
  const auto second = got.find("GET /c h tls=0");
  EXPECT_NE(first, std::string::npos) << got;
  EXPECT_NE(second, std::string::npos) << got;
  EXPECT_LT(first, second);
  EXPECT_NE(got.find("date: "), std::string::npos);
  EXPECT_NE(got.find("connection: close"), std::string::npos);
}

TEST(Server, PipelinedRequestsAreAnsweredInOrder) {
  Site site;
  const auto server = start(plain(), site);
  std::string requests;
  for (int i = 0; i < 50; ++i)
    requests += "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<" + std::to_string(100 + i).substr(1) +
                ">\r\n0\r\nX: y\r\n\r\n";
  requests += "GET /end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  const std::string got = ask(server->port(), requests);
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string mark = "<" + std::to_string(100 + i).substr(1) + ">";
    at = got.find(mark, at);
    ASSERT_NE(at, std::string::npos) << mark;
  }
  EXPECT_EQ(site.calls, 51);
}

TEST(Server, RefusesWithAProblemDocumentAndCloses) {
  Site site;
  const auto server = start(plain(), site);
  struct Row {
    std::string bytes;
    const char* status;
  };
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 10'000; ++i) many += "A: 1\r\n";
  const Row rows[] = {
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1073741824\r\n\r\nabc", "413"},
      {many + "\r\n", "431"},
      {"GET / HTTP/1.0\r\nHost: h\r\n\r\n", "505"},
      {"GET / HTTP/1.1\nHost: h\n\n", "400"},
      {std::string("\x16\x03\x01\x02\x00\x01\n", 7), "400"},  // a TLS hello on a plain port
  };
  for (const Row& r : rows) {
    const std::string got = ask(server->port(), r.bytes);
    EXPECT_TRUE(got.starts_with(std::string("HTTP/1.1 ") + r.status)) << got;
    EXPECT_NE(got.find("application/problem+json"), std::string::npos);
    EXPECT_NE(got.find("connection: close"), std::string::npos);
  }
  EXPECT_EQ(site.calls, 0);
}

TEST(Server, AChunkedBodyBeyondTheLimitFailsTheRead) {
  Site site;
  auto options = plain();
  options.limits.request_body_bytes = 1000;
  const auto server = start(options, site);
  Raw raw(server->port());
  raw.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + std::string(1024, 'x') + "\r\n0\r\n\r\n");
  raw.rest();
  EXPECT_EQ(site.last_error, Code::exhausted);
}

TEST(Server, HalfARequestReachesNobody) {
  Site site;
  const auto server = start(plain(), site);
  Raw raw(server->port());
  raw.send("GET / HTTP/1.1\r\nHost");
  raw.end();
  EXPECT_EQ(raw.rest(), "");
  EXPECT_EQ(site.calls, 0);
  Raw body(server->port());
  body.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf");
  body.end();
  EXPECT_EQ(body.rest(), "");
  EXPECT_EQ(site.last_error, Code::unavailable);
}

TEST(Server, SlowClientsAreLetGo) {
  Site site;
  auto options = plain();
  options.limits.head_wait = 20ms;
  options.limits.body_wait = 20ms;
  options.limits.idle_wait = 20ms;
  const auto server = start(options, site);
  Raw silent(server->port());
  EXPECT_EQ(silent.rest(), "");
  Raw head(server->port());
  head.send("GET / HTT");
  EXPECT_EQ(head.rest(), "");
  Raw drip(server->port());  // a byte now and then moves no deadline
  const auto begun = std::chrono::steady_clock::now();
  while (drip.send("a") && std::chrono::steady_clock::now() - begun < 10s) std::this_thread::yield();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  Raw body(server->port());
  body.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_EQ(body.rest(), "");
  EXPECT_EQ(site.last_error, Code::unavailable);
  Raw idle(server->port());
  idle.send("GET /idle HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(idle.rest().ends_with("tls=0"));  // answered, then closed for its silence
}

TEST(Server, AClientThatDoesNotReadIsCut) {
  Site site;
  auto options = plain();
  options.limits.write_wait = 20ms;
  const auto server = start(options, site);
  Raw raw(server->port());
  std::string many;
  for (int i = 0; i < 20; ++i) many += "GET /big HTTP/1.1\r\nHost: h\r\n\r\n";  // 20 MiB into nobody's hands
  raw.send(many);
  while (server->connections() > 0) std::this_thread::yield();
  EXPECT_LT(site.calls, 20);
}

TEST(Server, ConnectionsAreCapped) {
  Site site;
  auto options = plain();
  options.limits.connections = 2;
  const auto server = start(options, site);
  Raw a(server->port());
  Raw b(server->port());
  a.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  b.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(a.until("tls=0"), "");
  EXPECT_NE(b.until("tls=0"), "");
  Raw c(server->port());
  EXPECT_EQ(c.rest(), "");
  EXPECT_EQ(server->connections(), 2u);
}

TEST(Server, ExpectContinueIsAnsweredOnlyWhenTheBodyIsWanted) {
  Site site;
  const auto server = start(plain(), site);
  Raw wanted(server->port());
  wanted.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(wanted.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  wanted.send("hello");
  EXPECT_TRUE(wanted.rest().ends_with("hello"));
  Raw unwanted(server->port());
  unwanted.send("POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  const std::string got = unwanted.until("unread");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 401")) << got;
  EXPECT_NE(got.find("connection: close"), std::string::npos);
}

TEST(Server, AnUnreadBodyIsNeverTheNextRequest) {
  Site site;
  const auto server = start(plain(), site);
  const std::string inner = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string got = ask(server->port(), "POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(inner.size()) +
                                                  "\r\n\r\n" + inner + "GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(got.find("/smuggled"), std::string::npos);
  EXPECT_NE(got.find("GET /next"), std::string::npos) << got;  // it was short and had arrived: thrown away, the connection kept
}

TEST(Server, BodilessAnswersCarryNoBodyAndNoWrongLength) {
  Site site;
  const auto server = start(plain(), site);
  const std::string got =
      ask(server->port(),
          "GET /204 HTTP/1.1\r\nHost: h\r\n\r\nGET /304 HTTP/1.1\r\nHost: h\r\n\r\nHEAD /big HTTP/1.1\r\nHost: h\r\n\r\n"
          "HEAD /stream HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(got.find("must not show"), std::string::npos);
  EXPECT_NE(got.find("content-length: 1048576"), std::string::npos);
  EXPECT_EQ(got.find("content-length: 1048576"), got.rfind("content-length"));
  EXPECT_EQ(got.find("chunked"), std::string::npos);
  EXPECT_EQ(got.find("0123456789"), std::string::npos);
  EXPECT_TRUE(got.ends_with("\r\n\r\n"));
}

TEST(Server, AHandlerThatThrowsOrStopsIsCut) {
  Site site;
  const auto server = start(plain(), site);
  testing::internal::CaptureStderr();
  Raw thrown(server->port());
  thrown.send("GET /throw HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(thrown.rest(), "");
  EXPECT_TRUE(thrown.was_reset());
  for (const char* path : {"/torn", "/torn-chunks", "/short"}) {
    Raw torn(server->port());
    torn.send(std::string("GET ") + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string got = torn.rest();
    EXPECT_FALSE(got.ends_with("0\r\n\r\n")) << got;
    EXPECT_TRUE(torn.was_reset()) << path;
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr().find("Jane Roe"), std::string::npos);
}

TEST(Server, AHeaderThatWouldSplitTheAnswerIsNotWritten) {
  Site site;
  const auto server = start(plain(), site);
  Raw raw(server->port());
  raw.send("GET /split HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(raw.rest(), "");
  EXPECT_EQ(site.last_error, Code::invalid_argument);
}

TEST(Server, StopLetsGoOfIdleConnectionsAndRunsSpawnedTasks) {
  Site site;
  const auto server = start(plain(), site);
  Raw raw(server->port());
  raw.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  raw.until("tls=0");
  std::promise<void> ran;
  server->spawn([&ran]() -> Task<void> {
    ran.set_value();
    co_return;
  });
  ran.get_future().get();
  const auto begun = std::chrono::steady_clock::now();
  server->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  raw.rest();
  EXPECT_EQ(server->connections(), 0u);
}

TEST(Server, OptionsThatCannotBeUsedAreNamed) {
  Site site;
  auto anywhere = plain();
  anywhere.address = "0.0.0.0";
  EXPECT_EQ(Server::start(anywhere, site).error().code, Code::invalid_argument);
  auto named = plain();
  named.address = "localhost";
  EXPECT_EQ(Server::start(named, site).error().code, Code::invalid_argument);
  auto missing = plain();
  missing.tls = ServerTls{"/nowhere.pem", "/nowhere.key", {}, ClientCertificate::none};
  EXPECT_NE(Server::start(missing, site).error().message.find("/nowhere.pem"), std::string::npos);
  const auto server = start(plain(), site);
  auto taken = plain();
  taken.port = server->port();
  EXPECT_EQ(Server::start(taken, site).error().code, Code::unavailable);
}

TEST(Server, ListensOnAUnixSocket) {
  Site site;
  auto options = plain();
  options.threads = 2;
  options.unix_path = certificates() + "/s.sock";
  const auto server = start(options, site);
  UpstreamOptions o;
  o.url = "http://licet";
  o.unix_path = options.unix_path;
  const Came came = fetch(*upstream(o), to("GET", "/u"));
  EXPECT_EQ(came.body, "GET /u licet tls=0 user=" + std::to_string(::getuid())) << came.message;
  EXPECT_EQ(std::filesystem::status(o.unix_path).permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  server->stop();
  EXPECT_FALSE(std::filesystem::exists(o.unix_path));
  EXPECT_EQ(fetch(*upstream(o), to("GET", "/u")).error, Code::unavailable);
}

// A Handler that waits for an upstream that never answers: stop() cuts it, and then drops it with its thread.
class Endless final : public Handler {
 public:
  explicit Endless(Upstream& silent) : silent_(silent) {}
  std::promise<void> called;
  Task<void> handle(Request request, Body&, Responder&) override {
    called.set_value();
    auto sending = silent_.send(std::move(request), {});
    (co_await std::move(sending)).ignore();
  }

 private:
  Upstream& silent_;
};

TEST(Server, StopEndsEvenWhatNeverEnds) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t size = sizeof at;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
  const auto silent = upstream("http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)));
  Endless endless(*silent);
  auto options = plain();
  options.limits.shutdown_wait = 20ms;
  const auto server = start(options, endless);
  Raw raw(server->port());
  raw.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
  endless.called.get_future().get();
  testing::internal::CaptureStderr();
  server->stop();
  EXPECT_NE(testing::internal::GetCapturedStderr().find("did not end"), std::string::npos);
  EXPECT_EQ(raw.rest(), "");
  ::close(listener);
}

// ---- TLS

TEST(Tls, BothWaysWithAClientCertificate) {
  Site site;
  auto options = plain();
  options.tls = server_tls(ClientCertificate::required);
  const auto server = start(options, site);
  UpstreamOptions with;
  with.url = "https://localhost:" + std::to_string(server->port());
  with.ca_file = certificates() + "/ca.pem";
  with.certificate_file = certificates() + "/client.pem";
  with.key_file = certificates() + "/client.key";
  const Came came = fetch(*upstream(with), to("GET", "/who"));
  EXPECT_EQ(came.status, 200) << came.message;
  EXPECT_EQ(came.body, "GET /who localhost:" + std::to_string(server->port()) + " tls=1 scribe.example spiffe://riverbend/scribe");
  with.certificate_file.clear();
  EXPECT_EQ(fetch(*upstream(with), to("GET", "/who")).error, Code::unavailable);
}

TEST(Tls, TheServersCertificateMustBeKnownAndNamed) {
  Site site;
  auto options = plain();
  options.tls = server_tls();
  const auto server = start(options, site);
  UpstreamOptions o;
  o.url = local(*server, "https");
  o.ca_file = certificates() + "/ca.pem";
  EXPECT_EQ(fetch(*upstream(o), to("GET", "/")).status, 200);
  o.ca_file = certificates() + "/stranger.pem";
  const Came stranger = fetch(*upstream(o), to("GET", "/"));
  EXPECT_EQ(stranger.error, Code::unavailable);
  EXPECT_NE(stranger.message.find("certificate"), std::string::npos) << stranger.message;
  o.ca_file = certificates() + "/ca.pem";
  o.url = "https://127.0.0.2:" + std::to_string(server->port());
  Site elsewhere;
  auto other = plain();
  other.address = "127.0.0.2";
  other.tls = server_tls();
  const auto misnamed = start(other, elsewhere);
  o.url = "https://127.0.0.2:" + std::to_string(misnamed->port());
  EXPECT_EQ(fetch(*upstream(o), to("GET", "/")).error, Code::unavailable);
  EXPECT_EQ(elsewhere.calls, 0);
}

TEST(Tls, LargeBodiesBothWaysAndStreams) {
  Site site;
  auto options = plain();
  options.tls = server_tls();
  const auto server = start(options, site);
  UpstreamOptions o;
  o.url = local(*server, "https");
  o.ca_file = certificates() + "/ca.pem";
  const auto up = upstream(o);
  const std::string large = repeat("all that can be said ", 200'000);
  const Came echoed = fetch(*up, to("POST", "/echo"), large);
  EXPECT_EQ(echoed.status, 200) << echoed.message;
  EXPECT_TRUE(echoed.body == large);
  EXPECT_EQ(echoed.length, large.size());
  const Came streamed = fetch(*up, to("GET", "/stream"));
  EXPECT_EQ(streamed.body, "five\nfive\nfive\n");
  EXPECT_FALSE(streamed.length);
  EXPECT_FALSE(streamed.error);
  for (const char* path : {"/torn", "/torn-chunks", "/throw"}) {
    const Came torn = fetch(*up, to("GET", path));
    EXPECT_EQ(torn.error, Code::unavailable) << path;
  }
}

TEST(Tls, ManyClientsAtOnce) {
  Site site;
  auto options = plain();
  options.threads = 2;
  options.tls = server_tls();
  const auto server = start(options, site);
  UpstreamOptions o;
  o.url = local(*server, "https");
  o.ca_file = certificates() + "/ca.pem";
  const auto up = upstream(o);
  constexpr int kClients = 64;
  constexpr int kEach = 10;
  std::vector<std::vector<Came>> came(kClients);
  // The clients live on the I/O threads of another server, as the gate's do.
  Site idle;
  auto threads = plain();
  threads.threads = 2;
  const auto gate = start(threads, idle);
  std::atomic<int> left{kClients};
  std::promise<void> all;
  for (int i = 0; i < kClients; ++i) {
    auto client = [&up, &came, &left, &all](int me) -> Task<void> {
      std::vector<Request> requests;
      for (int k = 0; k < kEach; ++k) requests.push_back(to("GET", "/" + std::to_string(me) + "/" + std::to_string(k)));
      auto asking = several(up.get(), std::move(requests), &came[static_cast<std::size_t>(me)]);
      co_await std::move(asking);
      if (--left == 0) all.set_value();
    };
    gate->spawn([client, i] { return client(i); });
  }
  all.get_future().get();
  for (int i = 0; i < kClients; ++i) {
    ASSERT_EQ(came[static_cast<std::size_t>(i)].size(), static_cast<std::size_t>(kEach));
    for (int k = 0; k < kEach; ++k) {
      const Came& c = came[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)];
      EXPECT_EQ(c.status, 200) << c.message;
      EXPECT_TRUE(c.body.starts_with("GET /" + std::to_string(i) + "/" + std::to_string(k) + " ")) << c.body;
    }
  }
  EXPECT_LE(server->connections(), static_cast<std::size_t>(kClients));
}

// ---- the client

TEST(Client, ReusesAConnectionAfterACleanEnd) {
  Site site;
  const auto server = start(plain(), site);
  const auto up = upstream(local(*server));
  std::vector<Came> came;
  std::size_t open = 0;
  run([&]() -> Task<void> {
    std::vector<Request> requests;
    for (const char* path : {"/a", "/stream", "/204", "/304", "/b"}) requests.push_back(to("GET", path));
    requests.push_back(to("HEAD", "/big"));
    requests.push_back(to("GET", "/c"));
    auto asking = several(up.get(), std::move(requests), &came);
    co_await std::move(asking);
    open = server->connections();
  });
  EXPECT_EQ(open, 1u);
  ASSERT_EQ(came.size(), 7u);
  for (const Came& c : came) EXPECT_FALSE(c.error) << c.message;
  EXPECT_EQ(came[5].length, 1048576u);
  EXPECT_EQ(came[5].body, "");
  EXPECT_TRUE(came[6].body.starts_with("GET /c"));
}

TEST(Client, WritesItsOwnFramingAndHost) {
  Liar liar(
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: "
       "gzip\r\nConnection: "
       "X-Hop\r\nX-Hop: 1\r\n\r\nok"});
  Request r = to("POST", "/x");
  r.headers = {{"Host", "evil"},        {"Transfer-Encoding", "chunked"}, {"Content-Length", "7"}, {"Expect", "100-continue"},
               {"Connection", "close"}, {"Accept-Encoding", "br"},        {"X-Kept", "1"}};
  const Came came = fetch(*upstream(liar.url()), std::move(r), "body");
  EXPECT_EQ(came.body, "ok") << came.message;
  EXPECT_NE(came.headers.find("content-encoding"), nullptr);
  EXPECT_EQ(came.headers.find("x-hop"), nullptr);
  EXPECT_EQ(came.headers.find("link"), nullptr);
  EXPECT_EQ(came.headers.find("content-length"), nullptr);
  const std::string want =
      "POST /x HTTP/1.1\r\nhost: " + liar.url().substr(7) + "\r\nX-Kept: 1\r\naccept-encoding: identity\r\ncontent-length: 4\r\n\r\n";
  EXPECT_TRUE(liar.heard.starts_with(want)) << liar.heard;
}

TEST(Client, AnUpstreamThatLiesIsAnError) {
  struct Row {
    const char* name;
    std::string says;
    Code code;
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const Row rows[] = {
      {"shorter than it says", ok + "Content-Length: 10\r\n\r\nshort", Code::unavailable},
      {"chunks without an end", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Code::unavailable},
      {"a chunk longer than it says", ok + "Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n", Code::invalid_argument},
      {"no length", ok + "\r\nhello", Code::invalid_argument},
      {"two lengths", ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", Code::invalid_argument},
      {"both framings", ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Code::invalid_argument},
      {"no HTTP", "hello\r\n\r\n", Code::invalid_argument},
      {"nothing", "", Code::unavailable},
      {"half a head", ok + "Conte", Code::unavailable},
      {"endless interim answers", repeat("HTTP/1.1 100 Continue\r\n\r\n", 20), Code::invalid_argument},
      {"an endless head", ok + repeat("X: y\r\n", 200), Code::invalid_argument},
  };
  for (const Row& r : rows) {
    SCOPED_TRACE(r.name);
    Liar liar({r.says});
    EXPECT_EQ(fetch(*upstream(liar.url()), to("GET", "/")).error, r.code);
  }
}

TEST(Client, WhatFollowsAnAnswerIsNeverTheNextOne) {
  Liar liar({"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
             "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"});
  const auto up = upstream(liar.url());
  std::vector<Came> came;
  run([&]() -> Task<void> {
    std::vector<Request> requests;
    requests.push_back(to("GET", "/1"));
    requests.push_back(to("GET", "/2"));
    auto asking = several(up.get(), std::move(requests), &came);
    co_await std::move(asking);
  });
  EXPECT_EQ(came[0].body, "ok");
  EXPECT_EQ(came[1].body, "good");
  EXPECT_EQ(liar.connections, 2);
}

TEST(Client, AnUpstreamThatIsDownOrSilentIsUnavailable) {
  std::uint16_t port = 0;
  {
    Site site;
    port = start(plain(), site)->port();
  }
  EXPECT_EQ(fetch(*upstream("http://127.0.0.1:" + std::to_string(port)), to("GET", "/")).error, Code::unavailable);
  EXPECT_EQ(fetch(*upstream("http://no-such-host.invalid"), to("GET", "/")).error, Code::unavailable);
  Site never;
  auto options = plain();
  options.limits.head_wait = 10s;
  const auto server = start(options, never);
  Limits limits;
  limits.connect_wait = 20ms;
  UpstreamOptions tls_to_plain;  // says hello in TLS to a server that waits for the end of a line
  tls_to_plain.url = "https://127.0.0.1:" + std::to_string(server->port());
  tls_to_plain.ca_file = certificates() + "/ca.pem";
  tls_to_plain.limits = limits;
  EXPECT_EQ(fetch(*upstream(tls_to_plain), to("GET", "/")).error, Code::unavailable);
}

TEST(Client, UrlsAreChecked) {
  for (const char* url : {"", "ftp://a", "https://", "https://u@a/", "https://a:0/", "https://a b/", "https://[::1", "a"}) {
    UpstreamOptions o;
    o.url = url;
    EXPECT_EQ(make_upstream(o).error().code, Code::invalid_argument) << url;
  }
}

TEST(Outbound, FetchesOnlyWhatIsOnTheList) {
  Site site;
  const auto server = start(plain(), site);
  OutboundOptions o;
  o.allow = {local(*server) + "/keys", local(*server) + "/big"};
  o.answer_bytes = 1000;
  auto made = make_outbound(o);
  ASSERT_TRUE(made);
  const auto get = [&made](std::string url) {
    std::optional<Result<Fetched>> got;
    run([&]() -> Task<void> {
      auto getting = (*made)->get(url);
      got.emplace(co_await std::move(getting));
    });
    return *std::move(got);
  };
  auto good = get(local(*server) + "/keys?x=1");
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->status, 200);
  EXPECT_EQ(good->content_type, "text/plain");
  EXPECT_TRUE(good->body.starts_with("GET /keys?x=1"));
  EXPECT_EQ(get(local(*server) + "/keys-of-others").error().code, Code::permission_denied);
  EXPECT_EQ(get(local(*server) + "/").error().code, Code::permission_denied);
  EXPECT_EQ(get("http://127.0.0.1:1/keys").error().code, Code::permission_denied);
  EXPECT_EQ(get(local(*server) + "/keys/../x").error().code, Code::invalid_argument);
  EXPECT_EQ(get(local(*server) + "/big").error().code, Code::exhausted);
  EXPECT_EQ(site.calls, 2);
}

TEST(Outbound, PostsOnlyToWhatIsOnTheList) {
  Site site;
  const auto server = start(plain(), site);
  OutboundOptions o;
  o.allow = {local(*server) + "/hook"};
  auto made = make_outbound(o);
  ASSERT_TRUE(made);
  const auto post = [&made](std::string url) {
    std::optional<Result<Fetched>> got;
    run([&]() -> Task<void> {
      Outbound::Message message{"{}", "application/json", "sha256=00"};
      auto posting = (*made)->post(url, std::move(message));
      got.emplace(co_await std::move(posting));
    });
    return *std::move(got);
  };
  auto good = post(local(*server) + "/hook");
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->status, 200);
  EXPECT_TRUE(good->body.starts_with("POST /hook"));
  EXPECT_EQ(post(local(*server) + "/other").error().code, Code::permission_denied);
  EXPECT_EQ(site.calls, 1);
}

}  // namespace
}  // namespace licet::http
