#include "http/client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <asio/co_spawn.hpp>
#include <asio/execution_context.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <unordered_map>
#include <utility>

#include "http/internal/channel.h"
#include "http/internal/intake.h"
#include "http/internal/mail.h"
#include "http/internal/write.h"
#include "http/parser.h"

namespace licet::http {
namespace {

constexpr auto kValue = asio::experimental::as_tuple(asio::use_awaitable);

struct Url {
  bool tls = false;
  std::string host;  // without brackets
  std::string port;
  std::string authority;  // for Host: the port only where it is not the scheme's own
  std::string target;     // "/…"
  [[nodiscard]] std::string origin() const { return (tls ? "https://" : "http://") + authority; }
};

Result<Url> parse_url(std::string_view text) {
  Url url;
  const Error bad{Code::invalid_argument, "not an http:// or https:// URL of a host"};
  if (text.starts_with("https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return bad;
  }
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  const std::string_view authority = text.substr(0, end);
  if (!is_authority(authority)) return bad;
  url.target = text.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  if (!is_origin_form(url.target)) return bad;
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  const std::string_view host = authority.substr(0, has_port ? colon : authority.size());
  url.port = has_port ? std::string(authority.substr(colon + 1)) : url.tls ? "443" : "80";
  url.authority = host;
  for (char& c : url.authority)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  url.host = url.authority.starts_with('[') ? url.authority.substr(1, url.authority.size() - 2) : url.authority;
  if (url.port != (url.tls ? "443" : "80")) url.authority += ":" + url.port;
  return url;
}

// One connection to the server behind us.
struct Link {
  Link(const asio::any_io_executor& executor, int socket, const Limits& limits) : channel(executor, socket), intake(channel, limits) {}
  Channel channel;
  Intake intake;
  Instant idle_since{};
};

// The idle connections of one I/O thread, by Upstream. It belongs to the thread's io_context and ends with it.
class Pool final : public asio::execution_context::service {
 public:
  using key_type = Pool;
  static asio::execution_context::id id;
  explicit Pool(asio::execution_context& context) : asio::execution_context::service(context) {}

  std::unique_ptr<Link> take(std::uint64_t upstream, std::chrono::milliseconds idle_wait) {
    auto& idle = idle_[upstream];
    while (!idle.empty()) {
      std::unique_ptr<Link> link = std::move(idle.back());  // the warmest first
      idle.pop_back();
      if (link->idle_since + idle_wait > std::chrono::steady_clock::now() && !link->channel.stale()) return link;
    }
    return nullptr;
  }
  void give(std::uint64_t upstream, std::unique_ptr<Link> link, std::size_t most) {
    auto& idle = idle_[upstream];
    if (closed_ || idle.size() >= most) return;
    link->idle_since = std::chrono::steady_clock::now();
    idle.push_back(std::move(link));
  }

 private:
  void shutdown() override {
    closed_ = true;
    idle_.clear();
  }
  std::unordered_map<std::uint64_t, std::vector<std::unique_ptr<Link>>> idle_;
  bool closed_ = false;
};
asio::execution_context::id Pool::id;

class TheAnswer final : public Answer {
 public:
  TheAnswer(Pool& pool, std::uint64_t upstream, std::size_t most_idle, std::unique_ptr<Link> link, ResponseParser& parser)
      : pool_(pool),
        upstream_(upstream),
        most_idle_(most_idle),
        link_(std::move(link)),
        length_(parser.content_length()),
        keep_(parser.keep_alive()),
        head_(parser.take()) {}
  ~TheAnswer() override {
    Intake& body = link_->intake;
    if (keep_ && body.done() && !body.failed() && body.buffered().empty()) pool_.give(upstream_, std::move(link_), most_idle_);
  }
  const Response& head() const override { return head_; }
  std::optional<std::uint64_t> content_length() const override { return length_; }
  Body& body() override { return link_->intake; }

 private:
  Pool& pool_;
  std::uint64_t upstream_;
  std::size_t most_idle_;
  std::unique_ptr<Link> link_;
  std::optional<std::uint64_t> length_;
  bool keep_;
  Response head_;
};

std::uint64_t next_upstream() {
  static std::atomic<std::uint64_t> serial{0};
  return serial.fetch_add(1);
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

class TheUpstream final : public Upstream {
 public:
  TheUpstream(UpstreamOptions options, Url url, std::shared_ptr<TlsContext> tls)
      : options_(std::move(options)), limits_(options_.limits), url_(std::move(url)), tls_(std::move(tls)) {}

  Task<Result<std::unique_ptr<Answer>>> send(Request request, std::string body) override {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    Pool& pool = asio::use_service<Pool>(asio::query(executor, asio::execution::context));
    std::string head;
    head.reserve(1024);
    LICET_CO_TRY_VOID(write_head(head, request, url_.authority, body.size()));
    for (;;) {
      std::unique_ptr<Link> link = pool.take(serial_, limits_.idle_wait);
      const bool pooled = link != nullptr;
      if (!pooled) {
        auto connecting = connect(executor);
        LICET_CO_TRY(connected, co_await std::move(connecting));
        link = std::move(connected);
      }
      bool heard = false;
      ResponseParser parser(limits_);
      auto asking = ask(*link, parser, pooled ? std::string(head) : head, body, request.method == "HEAD", heard);
      auto asked = co_await std::move(asking);
      if (asked) {
        link->intake.begin(parser.framing(), parser.content_length().value_or(0), ~std::uint64_t{0}, false);
        co_return std::unique_ptr<Answer>(new TheAnswer(pool, serial_, limits_.upstream_idle, std::move(link), parser));
      }
      const bool slow = link->channel.slow();
      link->channel.cut();
      // A pooled connection may have been closed just as we wrote. What is safe may be asked again; the rest may have been done. Slow isn't
      // closed.
      if (pooled && !heard && !slow && asked.error().code == Code::unavailable && is_safe(request.method)) continue;
      co_return std::move(asked).error();
    }
  }

 private:
  Result<std::unique_ptr<Link>> connect_unix(const asio::any_io_executor& executor) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, options_.unix_path.data(), options_.unix_path.size());
    const int s = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0) return Error{Code::unavailable, "no socket left"};
    auto link = std::make_unique<Link>(executor, s, limits_);
    // At once or never: a unix socket whose backlog is full says EAGAIN.
    if (::connect(s, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return link;
    return Error{Code::unavailable, options_.unix_path + ": can't connect"};
  }

  Task<Result<std::unique_ptr<Link>>> connect(asio::any_io_executor executor) {
    if (!options_.unix_path.empty()) co_return connect_unix(executor);
    const Instant deadline = in(limits_.connect_wait);
    asio::ip::tcp::resolver resolver(executor);
    asio::error_code numeric;
    std::vector<asio::ip::tcp::endpoint> endpoints;
    const auto address = asio::ip::make_address(url_.host, numeric);
    if (!numeric) {
      endpoints.emplace_back(address, static_cast<std::uint16_t>(std::stoi(url_.port)));
    } else {
      const auto [error, found] = co_await resolver.async_resolve(url_.host, url_.port, kValue);
      if (error) co_return Error{Code::unavailable, url_.authority + ": no address of that name"};
      for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    }
    Error last{Code::unavailable, url_.authority + ": no address"};
    for (const auto& to : endpoints) {
      const int s = ::socket(to.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (s < 0) co_return Error{Code::unavailable, "no socket left"};
      const int on = 1;
      ::setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const int begun = ::connect(s, to.data(), static_cast<socklen_t>(to.size())) == 0 ? 0 : errno;
      auto link = std::make_unique<Link>(executor, s, limits_);
      last = {Code::unavailable, url_.authority + ": can't connect"};
      if (begun != 0 && begun != EINPROGRESS) continue;
      if (begun == EINPROGRESS) {
        auto waiting = link->channel.writable(deadline);
        auto waited = co_await std::move(waiting);
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size);
        if (!waited || error != 0) continue;
      }
      if (tls_) {
        auto session = tls_->connect(s, url_.host);
        if (!session) co_return Error{Code::internal, "TLS: no session"};
        link->channel.secure(std::move(session));
        auto shaking = link->channel.handshake(deadline);
        auto shaken = co_await std::move(shaking);
        if (!shaken) {
          last = {Code::unavailable, url_.authority + ": " + shaken.error().message};
          continue;
        }
      }
      co_return link;
    }
    co_return last;
  }

  // Writes the request and reads the head of its answer. `heard`: a byte of an answer came.
  Task<Result<void>> ask(Link& link, ResponseParser& parser, std::string head, std::string_view body, bool head_only, bool& heard) {
    auto writing = link.channel.write(head, body, limits_.write_wait);
    LICET_CO_TRY_VOID(co_await std::move(writing));
    const Instant deadline = in(limits_.answer_wait);
    parser.reset(head_only);
    for (int interim = 0; interim < 8;) {
      switch (parser.feed(link.intake.buffered())) {
        case Feed::refused:
          co_return Error{Code::invalid_argument, url_.authority + " answered with " + std::string(parser.refusal().why)};
        case Feed::done:
          link.intake.drop(parser.consumed());
          if (parser.status() < 200) {
            ++interim;
            parser.reset(head_only);
            continue;
          }
          if (parser.framing() == Framing::until_close && !tls_)
            co_return Error{Code::invalid_argument, url_.authority + " answered without a length: a cut could not be seen"};
          co_return Result<void>();
        case Feed::more:
          break;
      }
      auto filling = link.intake.fill(deadline);
      LICET_CO_TRY(more, co_await std::move(filling));
      if (!more) co_return Error{Code::unavailable, url_.authority + " closed the connection before it answered"};
      heard = true;
    }
    co_return Error{Code::invalid_argument, url_.authority + " sent too many interim answers"};
  }

  const UpstreamOptions options_;
  const Limits& limits_;
  const Url url_;
  const std::shared_ptr<TlsContext> tls_;
  const std::uint64_t serial_ = next_upstream();
};

// True where `target` lies at or below the path of `prefix`.
bool within(std::string_view target, std::string_view prefix) {
  if (!target.starts_with(prefix)) return false;
  if (prefix.ends_with('/') || target.size() == prefix.size()) return true;
  return target[prefix.size()] == '/' || target[prefix.size()] == '?';
}

class TheOutbound final : public Outbound {
 public:
  struct Allowed {
    std::string origin;
    std::string path;
    std::unique_ptr<Upstream> upstream;
  };
  TheOutbound(OutboundOptions options, std::vector<Allowed> allowed) : options_(std::move(options)), allowed_(std::move(allowed)) {}

  Task<Result<Fetched>> get(std::string url) override {
    auto asking = call("GET", std::move(url), {});
    co_return co_await std::move(asking);
  }
  Task<Result<Fetched>> post(std::string url, Message message) override {
    auto asking = call("POST", std::move(url), std::move(message));
    co_return co_await std::move(asking);
  }
  Task<Result<void>> mail(Mail mail) override {
    if (options_.relay.empty()) co_return Error{Code::unavailable, "no mail relay is configured"};
    auto sending = send_mail(options_.relay, std::move(mail), options_.limits);
    co_return co_await std::move(sending);
  }

 private:
  Task<Result<Fetched>> call(std::string method, std::string url, Message message) {
    LICET_CO_TRY(to, parse_url(url));
    Upstream* upstream = nullptr;
    for (const Allowed& a : allowed_)
      if (a.origin == to.origin() && within(to.target, a.path)) upstream = a.upstream.get();
    if (upstream == nullptr) co_return Error{Code::permission_denied, "an address that is not on the list of those that may be fetched"};
    const Instant deadline = in(options_.limits.connect_wait + options_.limits.answer_wait);
    Request request;
    request.method = std::move(method);
    request.target = to.target;
    request.headers.add("accept", "application/json, */*;q=0.1");
    if (!message.type.empty()) request.headers.add("content-type", message.type);
    if (!message.signature.empty()) request.headers.add("licet-signature", message.signature);
    auto sending = upstream->send(std::move(request), std::move(message.body));
    LICET_CO_TRY(answer, co_await std::move(sending));
    Fetched fetched;
    fetched.status = answer->head().status;
    if (const std::string* type = answer->head().headers.find("content-type")) fetched.content_type = *type;
    if (const std::string* coding = answer->head().headers.find("content-encoding"); coding != nullptr && !same_name(*coding, "identity"))
      co_return Error{Code::invalid_argument, to.authority + " answered in a coding that was not asked for"};
    for (;;) {
      auto reading = answer->body().read(options_.answer_bytes + 1 - fetched.body.size());
      LICET_CO_TRY(piece, co_await std::move(reading));
      if (piece.reveal().empty()) co_return fetched;
      fetched.body += piece.reveal();
      if (fetched.body.size() > options_.answer_bytes) co_return Error{Code::exhausted, to.authority + " answered more than the limit"};
      if (std::chrono::steady_clock::now() > deadline) co_return Error{Code::unavailable, to.authority + " is too slow"};
    }
  }

  const OutboundOptions options_;
  const std::vector<Allowed> allowed_;
};

}  // namespace

Result<std::unique_ptr<Upstream>> make_upstream(UpstreamOptions options) {
  auto url = parse_url(options.url);
  if (!url) return Error{Code::invalid_argument, options.url + ": " + url.error().message};
  const std::string& path = options.unix_path;
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return Error{Code::invalid_argument, path + ": too long for a socket"};
  if (!path.empty() && url->tls) return Error{Code::invalid_argument, path + ": no TLS on a unix socket"};
  std::shared_ptr<TlsContext> tls;
  if (url->tls) {
    LICET_TRY(context, TlsContext::client(options.ca_file, options.certificate_file, options.key_file));
    tls = std::move(context);
  }
  return std::unique_ptr<Upstream>(new TheUpstream(std::move(options), *std::move(url), std::move(tls)));
}

Result<std::unique_ptr<Outbound>> make_outbound(OutboundOptions options) {
  if (!options.relay.empty()) LICET_TRY_VOID(check_relay(options.relay));
  std::vector<TheOutbound::Allowed> allowed;
  for (const std::string& prefix : options.allow) {
    auto url = parse_url(prefix);
    if (!url) return Error{Code::invalid_argument, prefix + ": " + url.error().message};
    UpstreamOptions to;
    to.url = prefix;
    to.ca_file = options.ca_file;
    to.limits = options.limits;
    LICET_TRY(upstream, make_upstream(std::move(to)));
    allowed.push_back({url->origin(), url->target, std::move(upstream)});
  }
  return std::unique_ptr<Outbound>(new TheOutbound(std::move(options), std::move(allowed)));
}

void run(std::function<Task<void>()> task) {
  asio::io_context context(1);
  std::exception_ptr thrown;
  asio::co_spawn(context, std::move(task), [&](std::exception_ptr e) {
    thrown = std::move(e);
    context.stop();  // kept connections and their timers end here too
  });
  context.run();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace licet::http
