#include "http/internal/write.h"

#include <array>
#include <charconv>
#include <ctime>

#include "http/parser.h"

namespace licet::http {
namespace {

void append_number(std::string& out, std::uint64_t n) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
  out.append(digits.data(), end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

bool append_fields(std::string& out, const Headers& headers) {
  for (const Headers::Field& f : headers) {
    if (is_hop_by_hop(f.name)) continue;
    if (!is_token(f.name) || !is_field_value(f.value)) return false;
    append_field(out, f.name, f.value);
  }
  return true;
}

Error unwritable() {
  return {Code::invalid_argument, "a header field that can't be written"};
}

}  // namespace

std::string_view phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";  // RFC 9112 §4: the phrase may be empty
  }
}

std::string_view date_now() {
  thread_local std::time_t made = 0;         // NOLINT
  thread_local std::array<char, 32> text{};  // NOLINT
  thread_local std::size_t size = 0;         // NOLINT
  const std::time_t now = std::time(nullptr);
  if (now != made) {
    made = now;
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);  // the process's locale is "C"
  }
  return {text.data(), size};
}

Result<void> write_head(std::string& out, const Response& response, Lengthed framing, std::uint64_t length, bool close) {
  if (response.status < 200 || response.status > 599) return Error{Code::invalid_argument, "a status outside 200 to 599"};
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(response.status));
  out.append(" ").append(phrase(response.status)).append("\r\n");
  if (!append_fields(out, response.headers)) return unwritable();
  if (response.headers.find("date") == nullptr) append_field(out, "date", date_now());
  switch (framing) {
    case Lengthed::none:
      break;
    case Lengthed::length:
      out.append("content-length: ");
      append_number(out, length);
      out.append("\r\n");
      break;
    case Lengthed::chunked:
      append_field(out, "transfer-encoding", "chunked");
      break;
  }
  if (close) append_field(out, "connection", "close");
  out.append("\r\n");
  return {};
}

Result<void> write_head(std::string& out, const Request& request, std::string_view authority, std::uint64_t length) {
  if (!is_token(request.method) || !is_origin_form(request.target))
    return Error{Code::invalid_argument, "a method or target that can't be written"};
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  append_field(out, "host", authority);
  for (const Headers::Field& f : request.headers) {
    if (is_hop_by_hop(f.name)) continue;
    if (same_name(f.name, "host") || same_name(f.name, "expect") || same_name(f.name, "accept-encoding")) continue;
    if (!is_token(f.name) || !is_field_value(f.value)) return unwritable();
    append_field(out, f.name, f.value);
  }
  append_field(out, "accept-encoding", "identity");
  if (length > 0 || request.method == "POST" || request.method == "PUT" || request.method == "PATCH") {
    out.append("content-length: ");
    append_number(out, length);
    out.append("\r\n");
  }
  out.append("\r\n");
  return {};
}

}  // namespace licet::http
