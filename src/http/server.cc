#include "http/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <typeinfo>

#include "base/log.h"
#include "base/reasons.h"
#include "http/internal/channel.h"
#include "http/internal/intake.h"
#include "http/internal/write.h"
#include "http/parser.h"

namespace licet::http {
namespace {

constexpr auto kValue = asio::experimental::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kLinger = 2s;

class Connection;

// One I/O thread: its loop, its listening socket, and the connections that live on it.
struct Loop {
  explicit Loop(int socket) : context(1), work(context.get_executor()), listener(context, socket) {}
  std::vector<Connection*> connections;  // unordered; each knows its place. Outlives the context, whose end may end connections
  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  asio::posix::stream_descriptor listener;
  std::thread thread;
};

// What all threads share.
struct Shared {
  Shared(Server::Options o, Handler& h) : options(std::move(o)), handler(h) {}
  Server::Options options;
  Handler& handler;
  std::shared_ptr<TlsContext> tls;
  std::atomic<std::size_t> open{0};  // connections and spawned tasks
  std::atomic<std::size_t> connections{0};
  std::atomic<bool> draining{false};
  std::mutex mutex;
  std::condition_variable all_gone;

  void gone() {
    if (open.fetch_sub(1) != 1) return;
    const std::lock_guard lock(mutex);
    all_gone.notify_all();
  }
};

void log_exception(std::string_view where, const std::exception_ptr& e) {
  if (!e) return;
  try {
    std::rethrow_exception(e);
  } catch (const std::exception& x) {
    log::error("an exception left {}: {}", where, typeid(x).name());  // never its text: it may quote a body
  } catch (...) {
    log::error("an exception left {}", where);
  }
}

// One connection: reads a request, calls the Handler, sees that the answer is whole, and does it again.
class Connection final : public Responder {
 public:
  Connection(Shared& shared, Loop& loop, int socket, std::string address)
      : shared_(shared),
        loop_(loop),
        limits_(shared.options.limits),
        channel_(loop.context.get_executor(), socket),
        intake_(channel_, limits_) {
    peer_.address = std::move(address);
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (peer_.address == "unix" && ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) peer_.user = credentials.uid;
    if (shared.tls) channel_.secure(shared.tls->accept(socket));
    place_ = loop.connections.size();
    loop.connections.push_back(this);
  }
  ~Connection() override {
    loop_.connections[place_] = loop_.connections.back();
    loop_.connections[place_]->place_ = place_;
    loop_.connections.pop_back();
  }

  Task<void> run();
  void close_if_idle() {
    if (idle_) channel_.cut();
  }

  Task<Result<void>> send(Response head, std::string body) override;
  Task<Result<void>> begin(Response head, std::optional<std::uint64_t> length) override;
  Task<Result<void>> write(std::string bytes) override;
  Task<Result<void>> finish() override;
  void cut() override {
    state_ = State::failed;
    channel_.cut();
  }
  bool begun() const override { return state_ != State::ready; }

 private:
  enum class State { ready, streaming, finished, failed };
  Task<bool> next_head();
  Task<void> refuse(Refusal refusal);
  Result<void> start(const Response& head, std::optional<std::uint64_t> length, bool last);
  Result<void> failed(Error error) {
    cut();
    return error;
  }
  Shared& shared_;
  Loop& loop_;
  const Limits& limits_;
  Channel channel_;
  Intake intake_;
  RequestParser parser_{limits_};
  Peer peer_;
  std::size_t place_ = 0;
  std::string head_;  // the answer's, reused
  State state_ = State::ready;
  bool idle_ = true;  // nothing of a request has arrived
  bool first_ = true;
  bool keep_ = false;       // the connection may carry another request
  bool head_only_ = false;  // HEAD
  bool bodiless_ = false;   // this answer sends no body bytes
  bool chunked_ = false;
  std::uint64_t left_ = 0;  // of a stream of known length
};

Task<void> Connection::run() {
  if (shared_.tls) {
    if (channel_.tls() == nullptr) co_return;
    auto shaking = channel_.handshake(in(limits_.head_wait));
    auto shaken = co_await std::move(shaking);
    if (!shaken) {
      log::debug("{}: {}", peer_.address, shaken.error().message);
      co_return;
    }
    channel_.tls()->describe(peer_);
  }
  for (;;) {
    auto reading = next_head();
    if (!co_await std::move(reading)) co_return;
    state_ = State::ready;
    keep_ = parser_.keep_alive();
    Request request = parser_.take();
    head_only_ = request.method == "HEAD";
    if (request.content_length.value_or(0) > limits_.request_body_bytes) {
      auto refusing = refuse({Reason::too_large, 413, "a body larger than the limit"});
      co_return co_await std::move(refusing);
    }
    const Framing framing = request.chunked ? Framing::chunked : request.has_body() ? Framing::length : Framing::none;
    intake_.begin(framing, request.content_length.value_or(0), limits_.request_body_bytes, parser_.expects_continue());
    parser_.reset();
    request.peer = peer_;
    std::exception_ptr thrown;
    try {
      auto handling = shared_.handler.handle(std::move(request), intake_, *this);
      co_await std::move(handling);
    } catch (...) {
      thrown = std::current_exception();
    }
    if (thrown) log_exception("a handler", thrown);
    if (thrown || state_ != State::finished) {  // never a clean end that nobody meant
      channel_.cut();
      co_return;
    }
    if (keep_ && intake_.done() && !intake_.failed() && !shared_.draining) continue;
    channel_.finish_writing();
    auto lingering = intake_.linger(std::min(kLinger, limits_.body_wait));
    co_return co_await std::move(lingering);
  }
}

// True: a head is in parser_. False: the connection is over, whatever there was to say has been said.
Task<bool> Connection::next_head() {
  idle_ = intake_.buffered().empty();
  Instant deadline{};
  for (;;) {
    if (!intake_.buffered().empty()) {
      if (idle_ || deadline == Instant{}) deadline = in(limits_.head_wait);
      idle_ = false;
      switch (parser_.feed(intake_.buffered())) {
        case Feed::done:
          intake_.drop(parser_.consumed());
          first_ = false;
          co_return true;
        case Feed::refused: {
          auto refusing = refuse(parser_.refusal());
          co_await std::move(refusing);
          co_return false;
        }
        case Feed::more:
          break;
      }
    } else if (shared_.draining) {
      channel_.finish_writing();
      co_return false;
    } else {
      deadline = in(first_ ? limits_.head_wait : limits_.idle_wait);
    }
    auto filling = intake_.fill(deadline);
    auto filled = co_await std::move(filling);
    if (!filled || !*filled) {
      if (idle_) channel_.finish_writing();
      co_return false;
    }
  }
}

// Answers what can't be handled, and ends the connection: what follows can't be framed.
Task<void> Connection::refuse(Refusal refusal) {
  const ReasonRow& r = row(refusal.reason);
  std::string body = "{\"type\":\"https://licet.example/reasons/";
  body.append(r.code).append("\",\"title\":\"").append(r.title).append("\",\"status\":").append(std::to_string(refusal.status));
  body.append(",\"reason\":\"").append(r.code).append("\",\"detail\":\"").append(refusal.why).append("\"}");
  log::debug("{}: refused {}: {}", peer_.address, refusal.status, refusal.why);
  state_ = State::ready;
  keep_ = false;
  Response head{refusal.status, {{"content-type", "application/problem+json"}, {"cache-control", "no-store"}}};
  auto sending = send(std::move(head), std::move(body));
  auto sent = co_await std::move(sending);
  if (!sent) co_return;
  channel_.finish_writing();
  auto lingering = intake_.linger(std::min(kLinger, limits_.body_wait));
  co_await std::move(lingering);
}

// Writes the answer's head into head_ and settles how its body is framed. `last`: nothing more of the request will be asked for.
Result<void> Connection::start(const Response& head, std::optional<std::uint64_t> length, bool last) {
  if (state_ != State::ready) return Error{Code::failed_precondition, "an answer was begun before"};
  if (last ? !intake_.discard() : !intake_.done()) keep_ = false;
  if (shared_.draining) keep_ = false;
  const bool none = head.status == 204 || head.status == 304;
  bodiless_ = none || head_only_;
  chunked_ = !bodiless_ && !length;
  left_ = length.value_or(0);
  const Lengthed framing = none || (head_only_ && !length) ? Lengthed::none : length ? Lengthed::length : Lengthed::chunked;
  head_.clear();
  return write_head(head_, head, framing, left_, !keep_);
}

Task<Result<void>> Connection::send(Response head, std::string body) {
  LICET_CO_TRY_VOID(start(head, body.size(), true));
  if (bodiless_) body.clear();
  state_ = State::streaming;
  auto writing = channel_.write(head_, body, limits_.write_wait);
  auto written = co_await std::move(writing);
  if (!written) co_return failed(std::move(written).error());
  state_ = State::finished;
  co_return Result<void>();
}

Task<Result<void>> Connection::begin(Response head, std::optional<std::uint64_t> length) {
  LICET_CO_TRY_VOID(start(head, length, false));
  state_ = State::streaming;
  auto writing = channel_.write(head_, {}, limits_.write_wait);
  auto written = co_await std::move(writing);
  if (!written) co_return failed(std::move(written).error());
  co_return Result<void>();
}

Task<Result<void>> Connection::write(std::string bytes) {
  if (state_ != State::streaming) co_return Error{Code::failed_precondition, "no answer is being streamed"};
  if (bytes.empty() || bodiless_) co_return Result<void>();  // an empty chunk would be the end
  head_.clear();
  if (chunked_) {
    std::array<char, 16> size;
    head_.append(size.data(), std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16).ptr).append("\r\n");
    bytes.append("\r\n");
  } else {
    if (bytes.size() > left_) co_return failed({Code::invalid_argument, "more was written than the length that was announced"});
    left_ -= bytes.size();
  }
  auto writing = channel_.write(head_, bytes, limits_.write_wait);
  auto written = co_await std::move(writing);
  if (!written) co_return failed(std::move(written).error());
  co_return Result<void>();
}

Task<Result<void>> Connection::finish() {
  if (state_ != State::streaming) co_return Error{Code::failed_precondition, "no answer is being streamed"};
  if (!bodiless_ && !chunked_ && left_ > 0)
    co_return failed({Code::invalid_argument, "less was written than the length that was announced"});
  if (chunked_) {
    head_ = "0\r\n\r\n";
    auto writing = channel_.write(head_, {}, limits_.write_wait);
    auto written = co_await std::move(writing);
    if (!written) co_return failed(std::move(written).error());
  }
  if (!intake_.discard()) keep_ = false;
  state_ = State::finished;
  co_return Result<void>();
}

// Counts down when its coroutine is gone, however that came about.
struct Counted {
  explicit Counted(Shared& s, bool is_connection) : shared(s), connection(is_connection) {}
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    if (connection) shared.connections.fetch_sub(1);
    shared.gone();
  }
  Shared& shared;
  bool connection;
};

Task<void> live(Shared* shared, Loop* loop, int socket, std::string address) {
  const Counted counted(*shared, true);
  Connection connection(*shared, *loop, socket, std::move(address));
  auto running = connection.run();
  co_await std::move(running);
}

Task<void> run_task(Shared* shared, std::function<Task<void>()> task) {
  const Counted counted(*shared, false);
  auto running = task();
  co_await std::move(running);
}

std::string text_of(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return "unix";
}

Task<void> accept(Shared* shared, Loop* loop) {
  asio::steady_timer pause(loop->context);
  while (!shared->draining && loop->listener.is_open()) {
    const auto [error] = co_await loop->listener.async_wait(asio::posix::descriptor_base::wait_read, kValue);
    if (error) co_return;
    for (;;) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      const int from = loop->listener.native_handle();
      const int socket = ::accept4(from, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        log::warn("accept: {}", std::strerror(errno));
        pause.expires_after(100ms);
        (void)co_await pause.async_wait(kValue);
        break;
      }
      if (socket < 0) break;  // none left, or one that went away
      if (shared->connections.fetch_add(1) >= shared->options.limits.connections) {
        shared->connections.fetch_sub(1);
        ::close(socket);
        continue;
      }
      shared->open.fetch_add(1);
      const int on = 1;
      if (address.ss_family != AF_UNIX) ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto living = live(shared, loop, socket, text_of(address));
      asio::co_spawn(loop->context, std::move(living), [](const std::exception_ptr& e) { log_exception("a connection", e); });
    }
  }
}

Error socket_error(Code code, const std::string& what) {
  return {code, what + ": " + std::strerror(errno)};
}

// A listening socket. `port` 0 becomes the bound one, so that the next thread's socket shares it.
Result<int> listen_tcp(const std::string& address, std::uint16_t& port, bool loopback_only) {
  sockaddr_storage to{};
  socklen_t size = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(to);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(to);
  bool loopback = false;
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    to.ss_family = AF_INET;
    v4.sin_port = htons(port);
    size = sizeof v4;
    loopback = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  } else if (::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    to.ss_family = AF_INET6;
    v6.sin6_port = htons(port);
    size = sizeof v6;
    loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
  } else {
    return Error{Code::invalid_argument, address + ": not a numeric address"};
  }
  if (loopback_only && !loopback) return Error{Code::invalid_argument, address + ": without TLS, a loopback address only"};
  const int s = ::socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s < 0) return socket_error(Code::unavailable, "socket");
  const int on = 1;
  ::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (::bind(s, reinterpret_cast<sockaddr*>(&to), size) != 0 || ::listen(s, SOMAXCONN) != 0) {
    Error error = socket_error(Code::unavailable, address + ":" + std::to_string(port));
    ::close(s);
    return error;
  }
  socklen_t bound = sizeof to;
  ::getsockname(s, reinterpret_cast<sockaddr*>(&to), &bound);
  port = ntohs(to.ss_family == AF_INET ? v4.sin_port : v6.sin6_port);
  return s;
}

Result<int> listen_unix(const std::string& path) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (path.size() >= sizeof to.sun_path) return Error{Code::invalid_argument, path + ": too long for a socket"};
  std::memcpy(to.sun_path, path.data(), path.size());
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) {
    if (!S_ISSOCK(there.st_mode)) return Error{Code::invalid_argument, path + ": exists and is no socket"};
    ::unlink(path.c_str());
  }
  const int s = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s < 0) return socket_error(Code::unavailable, "socket");
  ::fchmod(s, 0600);  // before bind: the file is made with this mode
  if (::bind(s, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 || ::listen(s, SOMAXCONN) != 0) {
    Error error = socket_error(Code::unavailable, path);
    ::close(s);
    return error;
  }
  return s;
}

}  // namespace

struct Server::Inside {
  Inside(Options options, Handler& handler) : shared(std::move(options), handler) {}
  Shared shared;
  std::vector<std::unique_ptr<Loop>> loops;
  std::uint16_t port = 0;
  std::atomic<std::size_t> turn{0};
  bool stopped = false;

  Result<void> listen();
  bool wait_until_gone() {
    std::unique_lock lock(shared.mutex);
    return shared.all_gone.wait_for(lock, shared.options.limits.shutdown_wait, [this] { return shared.open == 0; });
  }
  template <class F>
  void each_loop(F f) {
    for (const auto& loop : loops) asio::post(loop->context, [l = loop.get(), f] { f(*l); });
  }
};

Result<void> Server::Inside::listen() {
  const Options& o = shared.options;
  const unsigned threads = o.threads > 0 ? o.threads : std::max(1u, std::thread::hardware_concurrency());
  if (!o.unix_path.empty()) {
    LICET_TRY(socket, listen_unix(o.unix_path));
    for (unsigned i = 1; i < threads; ++i) loops.push_back(std::make_unique<Loop>(::fcntl(socket, F_DUPFD_CLOEXEC, 0)));
    loops.push_back(std::make_unique<Loop>(socket));
    return {};
  }
  port = o.port;
  if (port != 0) {  // SO_REUSEPORT would silently share it with another process of ours
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    const int on = 1;
    ::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool taken = ::inet_pton(AF_INET, o.address.c_str(), &to.sin_addr) == 1;
    taken = taken && ::bind(s, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 && errno == EADDRINUSE;
    ::close(s);
    if (taken) return Error{Code::unavailable, o.address + ":" + std::to_string(port) + ": the port is taken"};
  }
  for (unsigned i = 0; i < threads; ++i) {
    LICET_TRY(socket, listen_tcp(o.address, port, !o.tls && !o.plain_anywhere));
    loops.push_back(std::make_unique<Loop>(socket));
  }
  return {};
}

Server::Server(std::unique_ptr<Inside> inside) : in_(std::move(inside)) {}

Result<std::unique_ptr<Server>> Server::start(Options options, Handler& handler) {
  auto inside = std::make_unique<Inside>(std::move(options), handler);
  if (inside->shared.options.tls) {
    LICET_TRY(tls, TlsContext::server(*inside->shared.options.tls));
    inside->shared.tls = std::move(tls);
  }
  LICET_TRY_VOID(inside->listen());
  Shared* shared = &inside->shared;
  for (const auto& loop : inside->loops) {
    asio::co_spawn(loop->context, accept(shared, loop.get()), [](const std::exception_ptr& e) { log_exception("the listener", e); });
    loop->thread = std::thread([l = loop.get()] { l->context.run(); });
  }
  return std::unique_ptr<Server>(new Server(std::move(inside)));
}

Server::~Server() {
  stop();
}

std::uint16_t Server::port() const {
  return in_->port;
}
std::size_t Server::connections() const {
  return in_->shared.connections;
}

void Server::spawn(std::function<Task<void>()> task) {
  Loop& loop = *in_->loops[in_->turn.fetch_add(1) % in_->loops.size()];
  in_->shared.open.fetch_add(1);
  asio::co_spawn(loop.context, run_task(&in_->shared, std::move(task)), [](const std::exception_ptr& e) { log_exception("a task", e); });
}

void Server::stop() {
  if (std::exchange(in_->stopped, true)) return;
  in_->shared.draining = true;
  in_->each_loop([](Loop& loop) {
    asio::error_code ignored;
    loop.listener.close(ignored);
    for (Connection* c : loop.connections) c->close_if_idle();
  });
  if (!in_->wait_until_gone()) {
    in_->each_loop([](Loop& loop) {
      for (Connection* c : loop.connections) c->cut();
    });
    if (!in_->wait_until_gone()) log::warn("stopped with {} exchanges that did not end", in_->shared.open.load());
  }
  for (const auto& loop : in_->loops) loop->context.stop();
  for (const auto& loop : in_->loops) loop->thread.join();
  in_->loops.clear();
  if (!in_->shared.options.unix_path.empty()) ::unlink(in_->shared.options.unix_path.c_str());
}

}  // namespace licet::http
