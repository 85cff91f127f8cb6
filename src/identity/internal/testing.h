// For this room's tests: keys, tokens, a network that does as told, and a way to run a Task to its end.
#pragma once

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/outbound.h"
#include "base/random.h"
#include "base/task.h"
#include "base/time.h"
#include "crypto/crypto.h"
#include "identity/internal/json.h"

namespace licet::identity::testing {

inline const Micros kNow = micros(1'795'600'000'000'000);  // 2026-11-25
inline std::int64_t seconds_from_now(std::int64_t s) {
  return count(kNow) / 1'000'000 + s;
}

inline crypto::P256Key key(std::uint64_t seed) {
  SeededRandom random(seed);
  return crypto::P256Key::generate(random);
}

inline std::string jwk(const crypto::P256Key& key, std::string_view kid, std::string_view more = {}) {
  const auto xy = key.public_xy();
  std::string out =
      R"({"kty":"EC","crv":"P-256","x":")" + base64url(std::span(xy).first(32)) + R"(","y":")" + base64url(std::span(xy).last(32)) + "\"";
  if (!kid.empty()) out.append(R"(,"kid":")").append(kid).append("\"");
  return out.append(more).append("}");
}
inline std::string jwks(const std::vector<std::string>& keys) {
  std::string out = R"({"keys":[)";
  for (const std::string& k : keys) out.append(out.back() == '[' ? "" : ",").append(k);
  return out + "]}";
}

inline std::string sign(const crypto::P256Key& key, std::string_view header, std::string_view claims) {
  std::string out = base64url(as_bytes(header)) + "." + base64url(as_bytes(claims));
  return out += "." + base64url(key.sign(as_bytes(out)));
}

// A document of our reader, as text again.
inline std::string written(const Json& j) {
  switch (j.kind) {
    case Json::Kind::null:
      return "null";
    case Json::Kind::boolean:
      return j.truth ? "true" : "false";
    case Json::Kind::number:
      return j.text;
    case Json::Kind::string:
      return json_string(j.text);
    case Json::Kind::array:
    case Json::Kind::object:
      break;
  }
  const bool object = j.is(Json::Kind::object);
  std::string out = object ? "{" : "[";
  for (std::size_t i = 0; i < j.items.size(); ++i) {
    if (i > 0) out += ",";
    if (object) out += json_string(j.names[i]) + ":";
    out += written(j.items[i]);
  }
  return out += object ? "}" : "]";
}

template <class T>
Task<void> keep(Task<T> task, std::optional<T>& out) {
  out.emplace(co_await std::move(task));
}
template <class T>
T run(Task<T> task) {
  asio::io_context io;
  std::optional<T> out;
  asio::co_spawn(io, keep(std::move(task), out), asio::detached);
  io.run();
  return *std::move(out);
}

class FakeOutbound final : public Outbound {
 public:
  Task<Result<Fetched>> get(std::string url) override {
    urls.push_back(std::move(url));
    if (hold) {
      auto start = [this](auto done) { held.emplace_back(std::move(done)); };
      const bool went_on = co_await until<bool>(std::move(start));
      static_cast<void>(went_on);
    }
    if (down) co_return Error{Code::unavailable, "down"};
    co_return Fetched{status, body, "application/json"};
  }
  Task<Result<Fetched>> post(std::string, Message) override { co_return Error{Code::permission_denied, "nothing is posted here"}; }
  std::string body;
  int status = 200;
  bool down = false, hold = false;
  std::vector<std::string> urls;
  std::vector<std::function<void(bool)>> held;
};

}  // namespace licet::identity::testing
