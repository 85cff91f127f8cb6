// A strict HTTP/1.1 reader for heads and chunked bodies, in both directions. Pure: bytes in, structs or a refusal out.
//
//   RequestParser parser(limits);
//   switch (parser.feed(buffer)) {                 // `buffer`: everything since the first byte of this request, growing
//     case Feed::more: …                           // read more, append, feed the whole again (only new lines are looked at)
//     case Feed::done: use(parser.take()); buffer.drop(parser.consumed());
//     case Feed::refused: answer(parser.refusal());    // and close: what follows can't be framed
//   }
//
// Whatever two readers might read differently is refused, so that nobody behind us can see another request than the one we judged:
//   Content-Length twice, as a list, signed, or beside Transfer-Encoding; Transfer-Encoding other than exactly "chunked"; HTTP/1.0;
//   folded lines, bare CR or LF, control bytes; Host missing, twice or odd; spaces, 8-bit, fragments and dot segments in the target;
//   names such as Content_Length that others fold into framing or identity fields; Connection naming such a field; a body on GET or HEAD.
// The verdict depends on the bytes alone, not on how they were split (fuzz/fuzz_http.cc).
//
// One message, one parser; reset() for the next. One thread. Limits: head_bytes, header_count, target_bytes.
// Source: RFC 9112 §2–7, RFC 9110 §5–7; ../shared/data/http/request-vectors.jsonl.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/reasons.h"
#include "http/handler.h"

namespace licet::http {

// Why a message was refused: `status` is HTTP's, `why` is ours and never quotes the message.
struct Refusal {
  Reason reason = Reason::none;
  int status = 0;
  std::string_view why;
};

enum class Feed : std::uint8_t { more, done, refused };

// How the body that follows a head is delimited.
enum class Framing : std::uint8_t { none, length, chunked, until_close };

// The field lines of one head: what both directions share. Framing and hop-by-hop fields are read and left out of headers().
class FieldReader {
 public:
  explicit FieldReader(bool request) : request_(request) {}
  // One line without its CRLF. False: refused().
  bool line(std::string_view line, std::size_t most_fields);
  // After the last line: resolves Connection.
  bool end();

  Headers headers;
  std::string host;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool close = false;       // Connection: close
  bool keep_alive = false;  // Connection: keep-alive
  bool expect_continue = false;
  Refusal refusal;

 private:
  bool refuse(int status, std::string_view why);
  bool connection(std::string_view value);
  bool request_;
  bool has_host_ = false;
  bool has_authorization_ = false;
  bool has_type_ = false;
  std::size_t count_ = 0;
  std::vector<std::string> named_;  // by Connection
};

class RequestParser {
 public:
  explicit RequestParser(const Limits& limits);
  [[nodiscard]] Feed feed(std::string_view received);
  void reset();

  [[nodiscard]] std::size_t consumed() const { return at_; }  // bytes of the head, after done
  [[nodiscard]] const Refusal& refusal() const { return fields_.refusal; }
  [[nodiscard]] bool keep_alive() const { return !fields_.close; }
  [[nodiscard]] bool expects_continue() const { return fields_.expect_continue; }
  [[nodiscard]] Framing framing() const;
  [[nodiscard]] Request take();  // peer is left empty

 private:
  bool start_line(std::string_view line);
  bool target(std::string_view text);
  bool refuse(Reason reason, int status, std::string_view why);
  std::size_t head_bytes_, header_count_, target_bytes_;
  std::size_t at_ = 0;    // the first byte of the line that is still incomplete
  std::size_t seen_ = 0;  // searched for LF up to here
  bool started_ = false;
  std::string method_, target_, authority_;
  FieldReader fields_{true};
};

class ResponseParser {
 public:
  explicit ResponseParser(const Limits& limits);
  // `head_only`: the request was a HEAD. Interim answers (1xx) are to be skipped by the caller: done with status() < 200, then reset().
  void reset(bool head_only);
  [[nodiscard]] Feed feed(std::string_view received);

  [[nodiscard]] std::size_t consumed() const { return at_; }
  [[nodiscard]] const Refusal& refusal() const { return fields_.refusal; }
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] Framing framing() const;
  // The declared length; also that of a withheld body (HEAD, 304).
  [[nodiscard]] std::optional<std::uint64_t> content_length() const { return fields_.content_length; }
  // Another request may follow on this connection.
  [[nodiscard]] bool keep_alive() const { return !old_ && !fields_.close && framing() != Framing::until_close; }
  [[nodiscard]] Response take();

 private:
  bool start_line(std::string_view line);
  bool refuse(std::string_view why);
  std::size_t head_bytes_, header_count_;
  std::size_t at_ = 0;
  std::size_t seen_ = 0;
  bool started_ = false;
  bool head_only_ = false;
  bool old_ = false;  // HTTP/1.0
  int status_ = 0;
  FieldReader fields_{false};
};

// Chunked bodies (RFC 9112 §7.1). Extensions must follow the grammar and are dropped; trailers must be well-formed fields and are dropped.
class ChunkedReader {
 public:
  // Takes from `in`, appends at most `most` bytes of content to `out`, returns how much of `in` was taken. Stops at done() or refused().
  std::size_t feed(std::string_view in, std::string& out, std::size_t most);
  [[nodiscard]] bool done() const { return state_ == State::done; }
  [[nodiscard]] bool refused() const { return state_ == State::refused; }
  [[nodiscard]] std::string_view why() const { return why_; }
  void reset() { *this = ChunkedReader(); }

 private:
  enum class State : std::uint8_t {
    size_first,
    size_more,
    extension,
    extension_name,
    extension_equals,
    extension_token,
    extension_quoted,
    extension_escape,
    extension_after_quote,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_lf,
    done,
    refused
  };
  void refuse(std::string_view why) {
    state_ = State::refused;
    why_ = why;
  }
  void step(char c);
  State state_ = State::size_first;
  std::uint64_t left_ = 0;  // of the chunk
  unsigned digits_ = 0;
  std::size_t extra_ = 0;  // bytes of extensions and trailers so far: bounded for the whole body
  std::string trailer_;    // the trailer line that is still incomplete
  std::string_view why_;
};

// For those who write messages: what may stand in a head.
[[nodiscard]] bool is_token(std::string_view text);
[[nodiscard]] bool is_field_value(std::string_view text);
// "host" or "host:port" of a URI, without user information: letters, digits, '-', '.', or [IPv6].
[[nodiscard]] bool is_authority(std::string_view text);
// An origin-form target that any reader reads alike.
[[nodiscard]] bool is_origin_form(std::string_view text);
// Fields of one connection or of framing: http writes them itself and drops those of others.
[[nodiscard]] bool is_hop_by_hop(std::string_view name);

}  // namespace licet::http
