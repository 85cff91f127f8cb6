#include "http/parser.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/random.h"

namespace licet::http {
namespace {

// What a whole byte string comes to: head, then body, as one text, so that two ways of feeding can be compared.
struct Verdict {
  bool refused = false;
  bool complete = false;
  std::string text;
  bool operator==(const Verdict&) const = default;
};

Verdict read_request(std::string_view bytes, const std::vector<std::size_t>& cuts, Limits limits = {}) {
  RequestParser parser(limits);
  ChunkedReader chunks;
  std::string buffer;
  Verdict v;
  bool head = true;
  std::size_t at = 0;
  std::uint64_t left = 0;
  for (std::size_t c = 0; c <= cuts.size(); ++c) {
    const std::size_t to = c < cuts.size() ? cuts[c] : bytes.size();
    buffer.append(bytes, at, to - at);
    at = to;
    if (head) {
      const Feed fed = parser.feed(buffer);
      if (fed == Feed::more) continue;
      if (fed == Feed::refused) return {true, false, std::string(parser.refusal().why)};
      head = false;
      buffer.erase(0, parser.consumed());
      const Framing framing = parser.framing();
      const Request r = parser.take();
      v.text = r.method + " " + r.target + " @" + r.host + "\n";
      for (const auto& f : r.headers) v.text += f.name + "=" + f.value + "\n";
      left = r.content_length.value_or(0);
      if (framing != Framing::chunked) chunks.reset();
      v.complete = framing == Framing::none;
      if (framing == Framing::length) left = *r.content_length;
      v.text += framing == Framing::chunked ? "chunked:" : "length:";
    }
    if (v.text.ends_with("chunked:") || (!v.complete && v.text.find("chunked:") != std::string::npos)) {
      const std::size_t n = chunks.feed(buffer, v.text, 1 << 20);
      buffer.erase(0, n);
      if (chunks.refused()) return {true, false, std::string(chunks.why())};
      v.complete = chunks.done();
    } else if (!v.complete) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
      v.text += buffer.substr(0, n);
      buffer.erase(0, n);
      left -= n;
      v.complete = left == 0;
    }
  }
  return v;
}

std::vector<std::size_t> every_byte(std::string_view bytes) {
  std::vector<std::size_t> cuts;
  for (std::size_t i = 1; i < bytes.size(); ++i) cuts.push_back(i);
  return cuts;
}

void same_however_split(std::string_view bytes, const Verdict& whole, Limits limits = {}) {
  EXPECT_EQ(read_request(bytes, every_byte(bytes), limits), whole);
  SeededRandom random(bytes.size());
  for (int round = 0; round < 20; ++round) {
    std::vector<std::size_t> cuts;
    for (std::size_t i = 1; i < bytes.size(); ++i)
      if (random.next() % 5 == 0) cuts.push_back(i);
    EXPECT_EQ(read_request(bytes, cuts, limits), whole);
  }
}

TEST(Parser, SharedRequestVectors) {
  std::ifstream file(std::string(LICET_SOURCE_DIR) + "/../shared/data/http/request-vectors.jsonl");
  if (!file) GTEST_SKIP() << "../shared/data/http/request-vectors.jsonl is not there";
  std::string line;
  int count = 0;
  while (std::getline(file, line)) {
    const auto vector = nlohmann::json::parse(line);
    SCOPED_TRACE(vector["id"].get<std::string>());
    const auto bytes = unbase64(vector["bytes_base64"].get<std::string>());
    ASSERT_TRUE(bytes);
    const Verdict v = read_request(*bytes, {});
    const std::string expect = vector["expect"];
    if (expect == "reject") EXPECT_TRUE(v.refused) << v.text;
    if (expect == "accept") EXPECT_TRUE(v.complete) << v.text;
    if (expect == "normalize") EXPECT_TRUE(v.refused || v.complete);
    same_however_split(*bytes, v);
    ++count;
  }
  EXPECT_GE(count, 39);
}

TEST(Parser, TheHostOfAnAbsoluteTargetWins) {
  const Verdict v = read_request("GET http://B.example:81?q=1 HTTP/1.1\r\nHost: a\r\n\r\n", {});
  EXPECT_EQ(v.text, "GET /?q=1 @b.example:81\nlength:");
}

TEST(Parser, TrailersNeverReachTheHeaders) {
  const Verdict v = read_request(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"x\\\"y\";b\r\nabc\r\n0\r\nAuthorization: x\r\n\r\n", {});
  EXPECT_TRUE(v.complete);
  EXPECT_EQ(v.text, "POST / @a\nchunked:abc");
}

TEST(Parser, HopByHopFieldsAndThoseThatConnectionNamesAreLeftOut) {
  const Verdict v = read_request(
      "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\nX-Kept:\t v "
      "\r\n\r\n",
      {});
  EXPECT_EQ(v.text, "GET /x @a\nX-Kept=v\nlength:");
}

struct Case {
  const char* name;
  std::string head;  // between the request line and the empty line; or a whole request line where it starts with '!'
  int status;        // 0: accepted
};

TEST(Parser, RequestTable) {
  const Case cases[] = {
      {"plain", "Host: a\r\n", 0},
      {"host with port", "Host: a:8443\r\n", 0},
      {"host ipv6", "Host: [::1]:80\r\n", 0},
      {"host port 0", "Host: a:0\r\n", 400},
      {"host port too large", "Host: a:65536\r\n", 400},
      {"host with user", "Host: u@a\r\n", 400},
      {"host empty", "Host:\r\n", 400},
      {"host twice", "Host: a\r\nHost: a\r\n", 400},
      {"space before colon", "Host : a\r\n", 400},
      {"name with space", "Host: a\r\nX Y: 1\r\n", 400},
      {"8-bit name", "Host: a\r\nX\xe9: 1\r\n", 400},
      {"8-bit value", "Host: a\r\nX: caf\xe9\r\n", 0},
      {"nul in value", std::string("Host: a\r\nX: a") + '\0' + "b\r\n", 400},
      {"del in value", "Host: a\r\nX: \x7f\r\n", 400},
      {"no colon", "Host: a\r\nX\r\n", 400},
      {"length list", "Host: a\r\nContent-Length: 0, 0\r\n", 400},
      {"length negative", "Host: a\r\nContent-Length: -0\r\n", 400},
      {"length with spaces inside", "Host: a\r\nContent-Length: 0 0\r\n", 400},
      {"length zero on GET", "Host: a\r\nContent-Length: 0\r\n", 0},
      {"body on GET", "Host: a\r\nContent-Length: 1\r\n", 400},
      {"chunked on GET", "Host: a\r\nTransfer-Encoding: chunked\r\n", 400},
      {"te upper case", "Host: a\r\nTransfer-Encoding: Chunked\r\n", 501},
      {"te list", "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", 501},
      {"te quoted", "Host: a\r\nTransfer-Encoding: \"chunked\"\r\n", 501},
      {"te vertical tab",
       "Host: a\r\nTransfer-Encoding: \x0b"
       "chunked\r\n",
       400},
      {"te then cl", "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400},
      {"underscored te", "Host: a\r\nTransfer_Encoding: chunked\r\n", 400},
      {"underscored forwarded", "Host: a\r\nX_Forwarded_For: 1\r\n", 400},
      {"underscored licet", "Host: a\r\nLicet_Purpose: TREAT\r\n", 400},
      {"underscored other", "Host: a\r\nmy_field: 1\r\n", 0},
      {"connection host", "Host: a\r\nConnection: Host\r\n", 400},
      {"connection authorization", "Host: a\r\nConnection: keep-alive, Authorization\r\n", 400},
      {"connection forwarded", "Host: a\r\nConnection: x-forwarded-for\r\n", 400},
      {"connection licet", "Host: a\r\nConnection: Licet-Purpose\r\n", 400},
      {"connection framing", "Host: a\r\nConnection: content-length\r\n", 400},
      {"connection empty elements", "Host: a\r\nConnection: , close ,\r\n", 0},
      {"two authorizations", "Host: a\r\nAuthorization: x\r\nAuthorization: x\r\n", 400},
      {"two types", "Host: a\r\nContent-Type: x\r\nContent-Type: y\r\n", 400},
      {"expect other", "Host: a\r\nExpect: tea\r\n", 417},
      {"HTTP/1.0", "!GET / HTTP/1.0", 505},
      {"HTTP/2.0", "!GET / HTTP/2.0", 505},
      {"version lower case", "!GET / http/1.1", 400},
      {"trailing space", "!GET / HTTP/1.1 ", 400},
      {"two spaces", "!GET  / HTTP/1.1", 400},
      {"space in target", "!GET /a b HTTP/1.1", 400},
      {"fragment", "!GET /a#b HTTP/1.1", 400},
      {"backslash", "!GET /a\\b HTTP/1.1", 400},
      {"pipe in query", "!GET /a?identifier=http://sys|1 HTTP/1.1", 0},
      {"bad percent", "!GET /a%2 HTTP/1.1", 400},
      {"bad percent in query", "!GET /a?b=%zz HTTP/1.1", 400},
      {"encoded nul", "!GET /a%00 HTTP/1.1", 400},
      {"dot segment", "!GET /fhir/../admin HTTP/1.1", 400},
      {"encoded dot segment", "!GET /fhir/%2e%2E/admin HTTP/1.1", 400},
      {"encoded separator", "!GET /fhir/..%2fadmin HTTP/1.1", 400},
      {"final dot segment", "!GET /fhir/. HTTP/1.1", 400},
      {"dots in names", "!GET /fhir/...a/b..c HTTP/1.1", 0},
      {"dots in query", "!GET /fhir?x=/../ HTTP/1.1", 0},
      {"double slash first", "!GET //evil/x HTTP/1.1", 400},
      {"asterisk", "!OPTIONS * HTTP/1.1", 400},
      {"connect", "!CONNECT a:443 HTTP/1.1", 501},
      {"absolute with user", "!GET http://u@b/ HTTP/1.1", 400},
      {"absolute without host", "!GET http:///x HTTP/1.1", 400},
      {"other scheme", "!GET ftp://b/ HTTP/1.1", 400},
      {"method with brackets", "!G[T / HTTP/1.1", 400},
      {"empty line first", "!", 400},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const bool line = c.head.starts_with('!');
    const std::string bytes = line ? c.head.substr(1) + "\r\nHost: a\r\n\r\n" : "GET / HTTP/1.1\r\n" + c.head + "\r\n";
    RequestParser parser(Limits{});
    const Feed fed = parser.feed(bytes);
    if (c.status == 0) {
      EXPECT_EQ(fed, Feed::done) << parser.refusal().why;
      EXPECT_EQ(parser.consumed(), bytes.size());
    } else {
      EXPECT_EQ(fed, Feed::refused);
      EXPECT_EQ(parser.refusal().status, c.status) << parser.refusal().why;
    }
    same_however_split(bytes, read_request(bytes, {}));
  }
}

TEST(Parser, LimitsHoldHoweverTheHeadIsSplit) {
  Limits limits;
  limits.head_bytes = 200;
  limits.header_count = 3;
  limits.target_bytes = 20;
  const auto status = [&limits](const std::string& bytes) {
    RequestParser parser(limits);
    return parser.feed(bytes) == Feed::refused ? parser.refusal().status : 0;
  };
  const std::string four = "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 1\r\nC: 1\r\n\r\n";
  const std::string large = "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(200, 'x') + "\r\n\r\n";
  const std::string endless = std::string(300, 'x');
  const std::string target = "GET /" + std::string(20, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(status(four), 431);
  EXPECT_EQ(status(large), 431);
  EXPECT_EQ(status(endless), 431);
  EXPECT_EQ(status(target), 414);
  for (const std::string& bytes : {four, large, endless, target}) same_however_split(bytes, read_request(bytes, {}, limits), limits);
}

// Seeded mutations of good requests: never a crash, never a verdict that depends on the split.
TEST(Parser, MutationsAreReadAlikeHoweverSplit) {
  const std::string seed =
      "POST /a?b=c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close, x\r\nX: y\r\n\r\n5;a=\"b\"\r\nhello\r\n0\r\nT: "
      "u\r\n\r\n";
  const std::string_view alphabet(
      "\r\n :;=,\"\\#%/\0\x7f\xff"
      "0a-_",
      19);
  SeededRandom random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = seed;
    for (auto edits = 1 + random.next() % 3; edits > 0; --edits) {
      const std::size_t at = random.next() % bytes.size();
      const char c = alphabet[random.next() % alphabet.size()];
      switch (random.next() % 3) {
        case 0:
          bytes[at] = c;
          break;
        case 1:
          bytes.insert(at, 1, c);
          break;
        default:
          bytes.erase(at, 1);
          break;
      }
    }
    const Verdict whole = read_request(bytes, {});
    ASSERT_EQ(read_request(bytes, every_byte(bytes)), whole) << round;
  }
}

struct Answered {
  const char* name;
  std::string bytes;
  bool head_only;
  std::optional<Framing> framing;  // nullopt: refused
  bool keep_alive;
};

TEST(Parser, ResponseTable) {
  const Answered cases[] = {
      {"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, Framing::length, true},
      {"no reason, no space", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, Framing::none, true},
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, Framing::chunked, true},
      {"until close", "HTTP/1.1 200 OK\r\n\r\n", false, Framing::until_close, false},
      {"close", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", false, Framing::length, false},
      {"1.0 with length", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", false, Framing::length, false},
      {"1.0 chunked", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, std::nullopt, false},
      {"no body to HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, Framing::none, true},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", false, Framing::none, true},
      {"204 with length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, std::nullopt, false},
      {"204 chunked", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", false, std::nullopt, false},
      {"304 with the length of what it withholds", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, Framing::none, true},
      {"100", "HTTP/1.1 100 Continue\r\n\r\n", false, Framing::none, true},
      {"101", "HTTP/1.1 101 Switching\r\n\r\n", false, std::nullopt, false},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", false, std::nullopt, false},
      {"length and chunked", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", false, std::nullopt, false},
      {"gzip, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", false, std::nullopt, false},
      {"folded", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", false, std::nullopt, false},
      {"bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", false, std::nullopt, false},
      {"bare CR", "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", false, std::nullopt, false},
      {"status 99", "HTTP/1.1 099 X\r\n\r\n", false, std::nullopt, false},
      {"status 600", "HTTP/1.1 600 X\r\n\r\n", false, std::nullopt, false},
      {"status of four digits", "HTTP/1.1 2000 X\r\n\r\n", false, std::nullopt, false},
      {"HTTP/2", "HTTP/2 200\r\nContent-Length: 0\r\n\r\n", false, std::nullopt, false},
      {"not HTTP", "SSH-2.0-OpenSSH\r\n", false, std::nullopt, false},
      {"short", "HTTP/1.1\r\n\r\n", false, std::nullopt, false},
  };
  for (const Answered& c : cases) {
    SCOPED_TRACE(c.name);
    for (const bool split : {false, true}) {
      ResponseParser parser{Limits{}};
      parser.reset(c.head_only);
      Feed fed = Feed::more;
      for (std::size_t n = split ? 1 : c.bytes.size(); n <= c.bytes.size() && fed == Feed::more; ++n)
        fed = parser.feed(c.bytes.substr(0, n));
      EXPECT_EQ(fed, c.framing ? Feed::done : Feed::refused) << parser.refusal().why;
      if (!c.framing || fed != Feed::done) continue;
      EXPECT_EQ(parser.framing(), *c.framing);
      EXPECT_EQ(parser.keep_alive(), c.keep_alive);
      for (const auto& f : parser.take().headers) EXPECT_FALSE(is_hop_by_hop(f.name)) << f.name;
    }
  }
}

TEST(Chunks, TakeNoMoreThanAskedAndStopAtTheEnd) {
  ChunkedReader chunks;
  std::string out;
  const std::string_view in = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
  std::size_t at = chunks.feed(in, out, 7);
  EXPECT_EQ(out, "hello w");
  at += chunks.feed(in.substr(at), out, 100);
  EXPECT_TRUE(chunks.done());
  EXPECT_EQ(out, "hello world");
  EXPECT_EQ(in.substr(at), "GET / HTTP/1.1\r\n");
}

TEST(Chunks, ExtensionsAndTrailersAreBounded) {
  std::string out;
  ChunkedReader extended;
  std::string many;
  for (int i = 0; i < 3000; ++i) many += "1;a=b\r\nx\r\n";
  extended.feed(many, out, 1 << 20);
  EXPECT_TRUE(extended.refused());
  ChunkedReader trailed;
  trailed.feed("0\r\nX: " + std::string(9000, 'y'), out, 1);
  EXPECT_TRUE(trailed.refused());
}

TEST(Chunks, ABrokenEndIsNoEnd) {
  for (const char* in : {"0\r\n\n", "0\r\nX\r\n\r\n", "0\r\nX y: 1\r\n\r\n", "0\r\n: 1\r\n\r\n", "0\n\r\n", "0\r\n\rX", "0;\r\n\r\n",
                         "0;a=\r\n\r\n", "0;a=\"\x01\"\r\n\r\n"}) {
    ChunkedReader chunks;
    std::string out;
    chunks.feed(in, out, 100);
    EXPECT_TRUE(chunks.refused()) << in;
  }
}

TEST(Headers, FindSetRemoveWithoutCase) {
  Headers h{{"A", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(*h.find("a"), "1");
  EXPECT_EQ(h.count("A"), 2u);
  h.set("a", "4");
  EXPECT_EQ(h.count("A"), 1u);
  EXPECT_EQ(*h.find("A"), "4");
  h.remove("B");
  EXPECT_EQ(h.find("b"), nullptr);
}

}  // namespace
}  // namespace licet::http
