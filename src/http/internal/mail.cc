#include "http/internal/mail.h"

#include <sys/socket.h>

#include <asio/ip/tcp.hpp>
#include <asio/this_coro.hpp>
#include <cerrno>
#include <charconv>

#include "http/internal/channel.h"

namespace licet::http {
namespace {

constexpr std::size_t kReplyMost = 8 * 1024;

Result<asio::ip::tcp::endpoint> endpoint_of(const std::string& relay) {
  const std::size_t colon = relay.rfind(':');
  const Error wrong{Code::invalid_argument, relay + ": a mail relay is on this machine: 127.0.0.1:25"};
  if (colon == std::string::npos) return wrong;
  std::string host = relay.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const char* const end = relay.data() + relay.size();
  const auto [at, failed] = std::from_chars(relay.data() + colon + 1, end, port);
  asio::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error || !address.is_loopback() || failed != std::errc() || at != end || port == 0) return wrong;
  return asio::ip::tcp::endpoint(address, port);
}

// One reply, all of its lines; its code. "250-SIZE\r\n250 OK\r\n" is 250.
Task<Result<int>> reply(Channel* channel, std::string* buffered, Instant deadline) {
  for (;;) {
    std::size_t begin = 0;
    for (std::size_t end; (end = buffered->find("\r\n", begin)) != std::string::npos; begin = end + 2) {
      if (end - begin < 3) co_return Error{Code::invalid_argument, "the mail relay does not speak SMTP"};
      if (end - begin > 3 && (*buffered)[begin + 3] == '-') continue;
      int code = 0;
      std::from_chars(buffered->data() + begin, buffered->data() + begin + 3, code);
      buffered->erase(0, end + 2);
      co_return code;
    }
    if (buffered->size() > kReplyMost) co_return Error{Code::exhausted, "the mail relay answers without end"};
    char bytes[1024];
    std::size_t got = 0;
    switch (channel->try_read(bytes, sizeof bytes, got)) {
      case Io::done:
        buffered->append(bytes, got);
        continue;
      case Io::blocked: {
        auto waiting = channel->readable(deadline);
        LICET_CO_TRY_VOID(co_await std::move(waiting));
        continue;
      }
      case Io::end:
      case Io::failed:
        co_return Error{Code::unavailable, "the mail relay closed the connection"};
    }
  }
}

Task<Result<void>> say(Channel* channel, std::string* buffered, std::string line, int wanted, Limits limits) {
  if (!line.empty()) {
    auto writing = channel->write(line, {}, limits.write_wait);
    LICET_CO_TRY_VOID(co_await std::move(writing));
  }
  auto hearing = reply(channel, buffered, in(limits.answer_wait));
  LICET_CO_TRY(code, co_await std::move(hearing));
  if (code / 100 != wanted) co_return Error{Code::unavailable, "the mail relay answered " + std::to_string(code)};
  co_return Result<void>();
}

}  // namespace

Result<void> check_relay(const std::string& relay) {
  auto endpoint = endpoint_of(relay);
  return endpoint ? Result<void>() : std::move(endpoint).error();
}

bool is_mail_address(std::string_view address) {
  const std::size_t at = address.find('@');
  if (at == 0 || at == std::string_view::npos || at + 1 == address.size() || address.size() > 254) return false;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  for (std::size_t i = 0; i < address.size(); ++i) {
    const char c = address[i];
    if (i == at || plain(c) || (i < at && (c == '_' || c == '%' || c == '+'))) continue;
    return false;
  }
  return true;
}

std::string mail_data(const Outbound::Mail& mail) {
  std::string subject = mail.subject;
  for (char& c : subject)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  std::string out =
      "From: <" + mail.from + ">\r\nTo: <" + mail.to + ">\r\nSubject: " + subject +
      "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nAuto-Submitted: "
      "auto-generated\r\n\r\n";
  std::string_view text = mail.text;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    // No line is longer than 998 bytes (RFC 5322, 2.1.1); one that begins with a dot gets another (RFC 5321, 4.5.2).
    do {
      std::size_t most = std::min<std::size_t>(line.size(), 900);
      while (most < line.size() && most > 800 && (static_cast<unsigned char>(line[most]) & 0xc0) == 0x80)
        --most;  // never inside a character
      out.append(line.starts_with('.') ? "." : "").append(line.substr(0, most)).append("\r\n");
      line.remove_prefix(most);
    } while (!line.empty());
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out + ".\r\n";
}

Task<Result<void>> send_mail(std::string relay, Outbound::Mail mail, Limits limits) {
  LICET_CO_TRY(to, endpoint_of(relay));
  if (!is_mail_address(mail.from) || !is_mail_address(mail.to)) co_return Error{Code::invalid_argument, "not a plain mail address"};
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const int s = ::socket(to.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s < 0) co_return Error{Code::unavailable, "no socket left"};
  const int begun = ::connect(s, to.data(), static_cast<socklen_t>(to.size())) == 0 ? 0 : errno;
  Channel channel(executor, s);
  if (begun == EINPROGRESS) {
    auto waiting = channel.writable(in(limits.connect_wait));
    LICET_CO_TRY_VOID(co_await std::move(waiting));
  }
  int error = begun == EINPROGRESS ? 0 : begun;
  socklen_t size = sizeof error;
  if (begun == EINPROGRESS) ::getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) co_return Error{Code::unavailable, relay + ": can't connect"};
  std::string buffered;
  struct Step {
    std::string line;
    int wanted;
  };
  std::vector<Step> steps;
  steps.push_back({"", 2});
  steps.push_back({"EHLO licet\r\n", 2});
  steps.push_back({"MAIL FROM:<" + mail.from + ">\r\n", 2});
  steps.push_back({"RCPT TO:<" + mail.to + ">\r\n", 2});
  steps.push_back({"DATA\r\n", 3});
  steps.push_back({mail_data(mail), 2});
  for (const Step& step : steps) {
    auto saying = say(&channel, &buffered, step.line, step.wanted, limits);
    LICET_CO_TRY_VOID(co_await std::move(saying));
  }
  std::string quit = "QUIT\r\n";
  auto leaving = channel.write(quit, {}, limits.write_wait);
  auto left = co_await std::move(leaving);
  left.ignore();  // it has the message
  co_return Result<void>();
}

}  // namespace licet::http
