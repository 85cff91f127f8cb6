#include "http/parser.h"

#include <array>
#include <cstring>

namespace licet::http {
namespace {

// One table of byte classes: a lookup per byte is what parsing costs.
constexpr std::uint8_t kToken = 1;  // RFC 9110 §5.6.2
constexpr std::uint8_t kValue = 2;  // field-vchar, SP, HTAB
constexpr std::uint8_t kPath = 4;   // pchar and '/', without '%'
constexpr std::uint8_t kQuery = 8;  // any visible ASCII but '#' and '%': browsers leave | { } ^ " as they are
constexpr std::uint8_t kHost = 16;  // what DNS and our own names use

constexpr bool alnum(unsigned c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

constexpr std::array<std::uint8_t, 256> make_table() {
  std::array<std::uint8_t, 256> t{};
  for (unsigned c = 0; c < 256; ++c) {
    std::uint8_t k = 0;
    const auto in = [c](std::string_view set) { return c < 128 && set.find(static_cast<char>(c)) != std::string_view::npos; };
    if (alnum(c) || in("!#$%&'*+-.^_`|~")) k |= kToken;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) k |= kValue;
    if (alnum(c) || in("-._~!$&'()*+,;=:@/")) k |= kPath;
    if (c > 0x20 && c < 0x7f && c != '#' && c != '%') k |= kQuery;
    if (alnum(c) || in("-._")) k |= kHost;
    t[c] = k;
  }
  return t;
}
constexpr auto kTable = make_table();

bool is(char c, std::uint8_t kind) {
  return (kTable[static_cast<unsigned char>(c)] & kind) != 0;
}
bool all(std::string_view text, std::uint8_t kind) {
  unsigned every = kind;
  for (const char c : text) every &= kTable[static_cast<unsigned char>(c)];
  return every != 0;
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}
bool starts_with_name(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && same_name(text.substr(0, prefix.size()), prefix);
}
std::string_view trim(std::string_view v) {
  while (!v.empty() && (v.front() == ' ' || v.front() == '\t')) v.remove_prefix(1);
  while (!v.empty() && (v.back() == ' ' || v.back() == '\t')) v.remove_suffix(1);
  return v;
}

enum class Known : std::uint8_t { other, host, content_length, transfer_encoding, connection, expect, authorization, content_type, hop };

Known known(std::string_view name) {
  switch (name.size()) {
    case 2:
      return same_name(name, "te") ? Known::hop : Known::other;
    case 4:
      return same_name(name, "host") ? Known::host : Known::other;
    case 6:
      return same_name(name, "expect") ? Known::expect : Known::other;
    case 7:
      return same_name(name, "upgrade") || same_name(name, "trailer") ? Known::hop : Known::other;
    case 10:
      return same_name(name, "connection") ? Known::connection : same_name(name, "keep-alive") ? Known::hop : Known::other;
    case 12:
      return same_name(name, "content-type") ? Known::content_type : Known::other;
    case 13:
      return same_name(name, "authorization") ? Known::authorization : Known::other;
    case 14:
      return same_name(name, "content-length") ? Known::content_length : Known::other;
    case 16:
      return same_name(name, "proxy-connection") ? Known::hop : Known::other;
    case 17:
      return same_name(name, "transfer-encoding") ? Known::transfer_encoding : Known::other;
    case 18:
      return same_name(name, "proxy-authenticate") ? Known::hop : Known::other;
    case 19:
      return same_name(name, "proxy-authorization") ? Known::hop : Known::other;
    default:
      return Known::other;
  }
}

// Fields that say who asks, for what host, or where a message ends: nobody may have them dropped, or slip them in under another spelling.
bool is_guarded(std::string_view name) {
  for (const std::string_view g : {"host", "content-length", "transfer-encoding", "content-type", "content-encoding", "authorization",
                                   "cookie", "forwarded", "x-real-ip", "txn-token", "dpop", "expect", "connection"})
    if (same_name(name, g)) return true;
  return starts_with_name(name, "x-forwarded-") || starts_with_name(name, "licet-");
}

bool percent_valid(std::string_view text, std::size_t i) {
  return i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
}

// A segment that decodes to "." or ".." moves what follows out from under the route that was judged. Encoded separators count too.
bool has_dot_segment(std::string_view path) {
  std::string segment;
  const auto dots = [&segment] { return segment == "." || segment == ".."; };
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      c = static_cast<char>(hex_value(path[i + 1]) * 16 + hex_value(path[i + 2]));
      i += 2;
    }
    if (c == '/' || c == '\\') {
      if (dots()) return true;
      segment.clear();
    } else if (segment.size() < 3) {
      segment += c;
    }
  }
  return dots();
}

std::optional<std::uint64_t> decimal(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;  // 10^18 - 1 fits; no body of ours is longer
  std::uint64_t n = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    n = n * 10 + static_cast<unsigned>(c - '0');
  }
  return n;
}

// Finds the next complete line of a head. nullopt: none yet, or refused (why is set).
struct Line {
  std::string_view text;
  std::size_t next;
};
enum class Cut : std::uint8_t { line, more, too_large, bare_lf };
Cut next_line(std::string_view received, std::size_t at, std::size_t& seen, std::size_t most, Line& line) {
  const std::size_t end = std::min(received.size(), most);
  const void* lf = seen < end ? std::memchr(received.data() + seen, '\n', end - seen) : nullptr;
  if (lf == nullptr) {
    seen = end;
    return received.size() >= most ? Cut::too_large : Cut::more;
  }
  const auto i = static_cast<std::size_t>(static_cast<const char*>(lf) - received.data());
  if (i == at || received[i - 1] != '\r') return Cut::bare_lf;
  line = {received.substr(at, i - 1 - at), i + 1};
  seen = i + 1;
  return Cut::line;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && all(text, kToken);
}
bool is_field_value(std::string_view text) {
  return all(text, kValue);
}
bool is_hop_by_hop(std::string_view name) {
  switch (known(name)) {
    case Known::connection:
    case Known::content_length:
    case Known::transfer_encoding:
    case Known::hop:
      return true;
    case Known::other:
    case Known::host:
    case Known::expect:
    case Known::authorization:
    case Known::content_type:
      return false;
  }
  return false;
}

bool is_authority(std::string_view text) {
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    for (const char c : text.substr(1, close - 1))
      if (hex_value(c) < 0 && c != ':' && c != '.') return false;
    port = text.substr(close + 1);
    has_port = !port.empty();
    if (has_port && port.front() != ':') return false;
    if (has_port) port.remove_prefix(1);
  } else {
    const auto colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    if (name.empty() || name.size() > 253 || !all(name, kHost)) return false;
    has_port = colon != std::string_view::npos;
    if (has_port) port = text.substr(colon + 1);
  }
  if (!has_port) return true;
  const auto n = decimal(port);
  return n && *n >= 1 && *n <= 65535 && port.size() <= 5;
}

bool is_origin_form(std::string_view text) {
  if (text.empty() || text.front() != '/' || text.starts_with("//")) return false;  // "//x" may be read as an authority
  const std::size_t q = std::min(text.find('?'), text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (!percent_valid(text, i)) return false;
      if (text[i + 1] == '0' && text[i + 2] == '0') return false;
      i += 2;
    } else if (i != q && !is(c, i < q ? kPath : kQuery)) {
      return false;
    }
  }
  return !has_dot_segment(text.substr(0, q));
}

bool FieldReader::refuse(int status, std::string_view why) {
  refusal = {status == 431 ? Reason::too_large : Reason::malformed, status, why};
  return false;
}

bool FieldReader::line(std::string_view line, std::size_t most_fields) {
  if (++count_ > most_fields) return refuse(431, "more header fields than the limit");
  if (line.front() == ' ' || line.front() == '\t') return refuse(400, "a folded header line");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return refuse(400, "a header line without a colon");
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name)) return refuse(400, "a header name with characters that no name has");
  const std::string_view value = trim(line.substr(colon + 1));
  if (!all(value, kValue)) return refuse(400, "a control character in a header value");

  switch (known(name)) {
    case Known::host:
      if (!request_) break;
      if (has_host_) return refuse(400, "two Host fields");
      if (!is_authority(value)) return refuse(400, "a Host that names no host");
      has_host_ = true;
      host = value;
      return true;
    case Known::content_length: {
      if (content_length) return refuse(400, "two Content-Length fields");
      if (chunked) return refuse(400, "Content-Length beside Transfer-Encoding");
      const auto n = decimal(value);
      if (!n) return refuse(400, "a Content-Length that is no plain number");
      content_length = *n;
      return true;
    }
    case Known::transfer_encoding:
      if (content_length) return refuse(400, "Content-Length beside Transfer-Encoding");
      if (chunked) return refuse(400, "two Transfer-Encoding fields");
      if (value != "chunked") return refuse(request_ ? 501 : 400, "a Transfer-Encoding other than chunked");
      chunked = true;
      return true;
    case Known::connection:
      return connection(value);
    case Known::expect:
      if (!request_) break;
      if (!same_name(value, "100-continue")) return refuse(417, "an Expect other than 100-continue");
      expect_continue = true;
      return true;
    case Known::hop:
      return true;
    case Known::authorization:
      if (request_ && std::exchange(has_authorization_, true)) return refuse(400, "two Authorization fields");
      break;
    case Known::content_type:
      if (std::exchange(has_type_, true)) return refuse(400, "two Content-Type fields");
      break;
    case Known::other:
      if (request_ && name.find('_') != std::string_view::npos) {
        std::string folded(name);
        for (char& c : folded)
          if (c == '_') c = '-';
        if (is_guarded(folded)) return refuse(400, "a header name that others read as a framing or identity field");
      }
      break;
  }
  headers.add(std::string(name), std::string(value));
  return true;
}

bool FieldReader::connection(std::string_view value) {
  while (!value.empty()) {
    const auto comma = std::min(value.find(','), value.size());
    const std::string_view option = trim(value.substr(0, comma));
    value.remove_prefix(std::min(comma + 1, value.size()));
    if (option.empty()) continue;  // empty list elements are allowed: RFC 9110 §5.6.1
    if (!is_token(option)) return refuse(400, "a Connection option that is no token");
    if (same_name(option, "close")) {
      close = true;
    } else if (same_name(option, "keep-alive")) {
      keep_alive = true;
    } else if (is_guarded(option)) {
      return refuse(400, "Connection names a field that must not be dropped");
    } else if (known(option) == Known::other) {
      named_.emplace_back(option);
    }
  }
  return true;
}

bool FieldReader::end() {
  for (const std::string& name : named_) headers.remove(name);
  if (request_ && !has_host_) return refuse(400, "no Host");
  return true;
}

RequestParser::RequestParser(const Limits& limits)
    : head_bytes_(limits.head_bytes), header_count_(limits.header_count), target_bytes_(limits.target_bytes) {}

void RequestParser::reset() {
  at_ = seen_ = 0;
  started_ = false;
  method_.clear();
  target_.clear();
  authority_.clear();
  fields_ = FieldReader(true);
}

bool RequestParser::refuse(Reason reason, int status, std::string_view why) {
  fields_.refusal = {reason, status, why};
  return false;
}

Feed RequestParser::feed(std::string_view received) {
  for (;;) {
    Line line;
    switch (next_line(received, at_, seen_, head_bytes_, line)) {
      case Cut::more:
        return Feed::more;
      case Cut::too_large:
        refuse(Reason::too_large, 431, "a head larger than the limit");
        return Feed::refused;
      case Cut::bare_lf:
        refuse(Reason::malformed, 400, "a line that ends without CR");
        return Feed::refused;
      case Cut::line:
        break;
    }
    if (!started_) {
      if (!start_line(line.text)) return Feed::refused;
      started_ = true;
    } else if (line.text.empty()) {
      at_ = line.next;
      if (!fields_.end()) return Feed::refused;
      if (!authority_.empty()) fields_.host = std::move(authority_);  // RFC 9112 §3.2.2: the target's host wins
      for (char& c : fields_.host) c = lower(c);
      const bool body = fields_.chunked || fields_.content_length.value_or(0) > 0;
      // Servers that ignore such a body read it as the next request.
      if (body && (method_ == "GET" || method_ == "HEAD" || method_ == "TRACE")) {
        refuse(Reason::malformed, 400, "a body on a method that has none");
        return Feed::refused;
      }
      return Feed::done;
    } else if (!fields_.line(line.text, header_count_)) {
      return Feed::refused;
    }
    at_ = line.next;
  }
}

bool RequestParser::start_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refuse(Reason::malformed, 400, "a request line that has not three parts");
  const std::string_view method = line.substr(0, first);
  const std::string_view text = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (method.size() > 32 || !is_token(method)) return refuse(Reason::malformed, 400, "a method that is no token");
  if (version != "HTTP/1.1") {
    const bool other = version.size() == 8 && version.starts_with("HTTP/");
    return refuse(Reason::malformed, other ? 505 : 400, "a version other than HTTP/1.1");
  }
  if (text.size() > target_bytes_) return refuse(Reason::too_large, 414, "a target longer than the limit");
  method_ = method;
  if (method == "CONNECT") return refuse(Reason::malformed, 501, "CONNECT: the gate is no tunnel");
  return target(text);
}

bool RequestParser::target(std::string_view text) {
  // absolute-form: reduced to origin-form, its host kept
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!starts_with_name(text, scheme)) continue;
    text.remove_prefix(scheme.size());
    const auto end = std::min(text.find_first_of("/?"), text.size());
    const std::string_view authority = text.substr(0, end);
    if (!is_authority(authority)) return refuse(Reason::malformed, 400, "a target whose host names no host");
    authority_ = authority;
    text.remove_prefix(end);
    if (!text.starts_with('/')) target_ = "/";
    break;
  }
  target_ += text;
  if (!is_origin_form(target_)) return refuse(Reason::malformed, 400, "a target that can be read in more than one way");
  return true;
}

Framing RequestParser::framing() const {
  if (fields_.chunked) return Framing::chunked;
  return fields_.content_length.value_or(0) > 0 ? Framing::length : Framing::none;
}

Request RequestParser::take() {
  Request r;
  r.method = std::move(method_);
  r.target = std::move(target_);
  r.host = std::move(fields_.host);
  r.headers = std::move(fields_.headers);
  r.content_length = fields_.content_length;
  r.chunked = fields_.chunked;
  return r;
}

ResponseParser::ResponseParser(const Limits& limits) : head_bytes_(limits.head_bytes), header_count_(limits.header_count) {}

void ResponseParser::reset(bool head_only) {
  at_ = seen_ = 0;
  started_ = old_ = false;
  head_only_ = head_only;
  status_ = 0;
  fields_ = FieldReader(false);
}

bool ResponseParser::refuse(std::string_view why) {
  fields_.refusal = {Reason::upstream, 502, why};
  return false;
}

Feed ResponseParser::feed(std::string_view received) {
  for (;;) {
    Line line;
    switch (next_line(received, at_, seen_, head_bytes_, line)) {
      case Cut::more:
        return Feed::more;
      case Cut::too_large:
        refuse("a head larger than the limit");
        return Feed::refused;
      case Cut::bare_lf:
        refuse("a line that ends without CR");
        return Feed::refused;
      case Cut::line:
        break;
    }
    if (!started_) {
      if (!start_line(line.text)) return Feed::refused;
      started_ = true;
    } else if (line.text.empty()) {
      at_ = line.next;
      const bool length = fields_.content_length.value_or(0) > 0;
      bool good = fields_.end();
      if (good && status_ == 101) good = refuse("101: nothing was asked to be upgraded");
      if (good && (status_ < 200 || status_ == 204) && (length || fields_.chunked)) good = refuse("a body where the status allows none");
      if (good && old_ && fields_.chunked) good = refuse("Transfer-Encoding in HTTP/1.0");
      if (!good) fields_.refusal.reason = Reason::upstream;
      return good ? Feed::done : Feed::refused;
    } else if (!fields_.line(line.text, header_count_)) {
      fields_.refusal.reason = Reason::upstream;
      return Feed::refused;
    }
    at_ = line.next;
  }
}

bool ResponseParser::start_line(std::string_view line) {
  const std::string_view version = line.substr(0, 8);
  if (version == "HTTP/1.0") old_ = true;
  if (!old_ && version != "HTTP/1.1") return refuse("a version other than HTTP/1.1 or 1.0");
  if (line.size() < 12 || line[8] != ' ') return refuse("a status line without a status");
  for (std::size_t i = 9; i < 12; ++i) {
    if (line[i] < '0' || line[i] > '9') return refuse("a status that is no number");
    status_ = status_ * 10 + (line[i] - '0');
  }
  if (status_ < 100 || status_ > 599) return refuse("a status outside 100 to 599");
  // The space before an empty reason is often left out; nothing hangs on it.
  if (line.size() > 12 && (line[12] != ' ' || !all(line.substr(13), kValue))) return refuse("a status line with odd characters");
  return true;
}

Framing ResponseParser::framing() const {
  if (head_only_ || status_ < 200 || status_ == 204 || status_ == 304) return Framing::none;
  if (fields_.chunked) return Framing::chunked;
  if (fields_.content_length) return *fields_.content_length > 0 ? Framing::length : Framing::none;
  return Framing::until_close;
}

Response ResponseParser::take() {
  Response r;
  r.status = status_;
  r.headers = std::move(fields_.headers);
  return r;
}

std::size_t ChunkedReader::feed(std::string_view in, std::string& out, std::size_t most) {
  std::size_t i = 0;
  while (i < in.size() && !done() && !refused()) {
    if (state_ == State::data) {
      if (most == 0) break;
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>({left_, in.size() - i, most}));
      out.append(in, i, n);
      i += n;
      most -= n;
      left_ -= n;
      if (left_ == 0) state_ = State::data_cr;
    } else {
      step(in[i++]);
    }
  }
  return i;
}

void ChunkedReader::step(char c) {
  constexpr std::size_t kMostExtra = 8 * 1024;  // extensions and trailers carry nothing for us; some use them to make readers work
  const auto extra = [this] { return ++extra_ <= kMostExtra; };
  switch (state_) {
    case State::size_first:
    case State::size_more:
      if (const int v = hex_value(c); v >= 0) {
        if (++digits_ > 15) return refuse("a chunk size of more than 15 digits");
        left_ = left_ * 16 + static_cast<unsigned>(v);
        state_ = State::size_more;
      } else if (state_ == State::size_first) {
        refuse("a chunk without a size");
      } else if (c == '\r') {
        state_ = State::size_lf;
      } else if (c == ';') {
        state_ = State::extension;
      } else {
        refuse("a chunk size with odd characters");
      }
      return;
    case State::extension:
    case State::extension_name:
    case State::extension_equals:
    case State::extension_token:
      if (!extra()) return refuse("chunk extensions beyond the limit");
      if (is(c, kToken)) {
        if (state_ == State::extension) state_ = State::extension_name;
        if (state_ == State::extension_equals) state_ = State::extension_token;
      } else if (state_ == State::extension) {
        refuse("a chunk extension without a name");
      } else if (state_ == State::extension_equals) {
        if (c != '"') return refuse("a chunk extension without a value");
        state_ = State::extension_quoted;
      } else if (c == '=' && state_ == State::extension_name) {
        state_ = State::extension_equals;
      } else if (c == ';') {
        state_ = State::extension;
      } else if (c == '\r') {
        state_ = State::size_lf;
      } else {
        refuse("a chunk extension with odd characters");
      }
      return;
    case State::extension_quoted:
    case State::extension_escape:
      if (!extra()) return refuse("chunk extensions beyond the limit");
      if (!is(c, kValue)) return refuse("a control character in a chunk extension");
      if (state_ == State::extension_escape) {
        state_ = State::extension_quoted;
      } else if (c == '\\') {
        state_ = State::extension_escape;
      } else if (c == '"') {
        state_ = State::extension_after_quote;
      }
      return;
    case State::extension_after_quote:
      if (c == ';') {
        state_ = State::extension;
      } else if (c == '\r') {
        state_ = State::size_lf;
      } else {
        refuse("a chunk extension with odd characters");
      }
      return;
    case State::size_lf:
      if (c != '\n') return refuse("a chunk line that ends without LF");
      digits_ = 0;
      state_ = left_ > 0 ? State::data : State::trailer;
      return;
    case State::data_cr:
      if (c != '\r') return refuse("a chunk longer than its size");
      state_ = State::data_lf;
      return;
    case State::data_lf:
      if (c != '\n') return refuse("a chunk longer than its size");
      state_ = State::size_first;
      return;
    case State::trailer:
      if (c == '\r') {
        state_ = State::trailer_lf;
        return;
      }
      if (!extra()) return refuse("trailers beyond the limit");
      if (c == '\n') return refuse("a trailer line that ends without CR");
      trailer_ += c;
      return;
    case State::trailer_lf: {
      if (c != '\n') return refuse("a bare CR in a trailer");
      if (trailer_.empty()) {
        state_ = State::done;
        return;
      }
      const std::string_view line = trailer_;
      const auto colon = line.find(':');
      if (colon == std::string_view::npos || !is_token(line.substr(0, colon)) || !all(line.substr(colon + 1), kValue))
        return refuse("a trailer that is no header field");
      trailer_.clear();  // dropped: nobody authenticates by, or merges, what comes after the judgment
      state_ = State::trailer;
      return;
    }
    case State::data:
    case State::done:
    case State::refused:
      return;
  }
}

}  // namespace licet::http
