#include "ledger/internal/leaf.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

#include "crypto/crypto.h"

namespace licet::ledger {
namespace {

constexpr std::size_t kOpeningBytes = 32;  // r, the salt of the commitment

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

void put_text(std::string& out, std::string_view text) {
  out += '"';
  const auto plain = static_cast<std::size_t>(std::find_if(text.begin(), text.end(), needs_escape) - text.begin());
  out += text.substr(0, plain);  // nearly always all of it
  for (const char c : text.substr(plain)) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\f': out += "\\f"; break;
      case '\r': out += "\\r"; break;
      default:
        if (needs_escape(c)) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

// Writes members in the order of its calls, which must be sorted; members without a value are left out.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(&out) {}
  void into(std::string& out) { out_ = &out; }

  void text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    begin(key);
    put_text(*out_, value);
  }
  void number(std::string_view key, std::uint64_t value) {
    if (value == 0) return;
    begin(key);
    std::array<char, 20> digits;
    const auto [end, ok] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    out_->append(digits.data(), end);
  }
  void raw(std::string_view key, std::string_view json) {
    if (json.empty()) return;
    begin(key);
    *out_ += json;
  }
  void begin(std::string_view key) {
    LICET_ASSERT(last_ < key);  // RFC 8785 §3.2.3
    last_ = key;
    *out_ += first_ ? '{' : ',';
    first_ = false;
    *out_ += '"';
    *out_ += key;
    *out_ += "\":";
  }

 private:
  std::string* out_;
  std::string_view last_;
  bool first_ = true;
};

// "detail/2026-4": the key of the quarter, as crypto::KeyRing names it.
std::string detail_key_name(Micros time) {
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(time)};
  return fmt::format("detail/{}-{}", static_cast<int>(day.year()), (static_cast<unsigned>(day.month()) + 2) / 3);
}

// What the ciphertext is bound to: it opens at no other place.
std::string detail_aad(std::string_view tenant, std::string_view kind, std::string_view exchange, std::string_view leg, std::string_view part,
                       std::string_view key) {
  return fmt::format("licet-detail/1\n{}\n{}\n{}\n{}\n{}\n{}\n", tenant, kind, exchange, leg, part, key);
}

std::string_view name_of(Leg leg) {
  switch (leg) {
    case Leg::none: return "";
    case Leg::request: return "request";
    case Leg::answer: return "answer";
  }
  return "";
}

// Sorted members, no white space: what RFC 8785 asks of JSON whose numbers are integers.
Result<std::string> canonical(const std::string& payload) {
  auto json = nlohmann::json::parse(payload, nullptr, false);
  if (json.is_discarded()) return Error{Code::invalid_argument, "the payload isn't JSON"};
  return json.dump();
}

std::size_t skip_string(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at)
    if (json[at] == '\\') ++at;
  return at + 1;
}

std::size_t skip_value(std::string_view json, std::size_t at) {
  int depth = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = skip_string(json, at);
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (depth == 0) return at;  // the end of what holds a number or literal
      if (--depth == 0) return at + 1;
    }
    if (c == ',' && depth == 0) return at;
    ++at;
  }
  return json.size();
}

}  // namespace

bool valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (std::uint64_t eight; i + 8 <= text.size()) {
      std::memcpy(&eight, text.data() + i, 8);
      if ((eight & 0x8080808080808080ULL) == 0) {
        i += 8;
        continue;
      }
    }
    const auto byte = [&](std::size_t k) { return static_cast<unsigned>(static_cast<unsigned char>(text[k])); };
    const unsigned b = byte(i);
    if (b < 0x80) {
      ++i;
      continue;
    }
    const std::size_t more = b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : 1;
    if (b < 0xc2 || b > 0xf4 || i + more >= text.size()) return false;
    for (std::size_t k = 1; k <= more; ++k)
      if ((byte(i + k) & 0xc0U) != 0x80) return false;
    const unsigned second = byte(i + 1);
    if ((b == 0xe0 && second < 0xa0) || (b == 0xed && second > 0x9f) || (b == 0xf0 && second < 0x90) || (b == 0xf4 && second > 0x8f)) return false;
    i += more + 1;
  }
  return true;
}

Result<PreparedLeaf> prepare(const Draft& draft, crypto::KeyRing& keys, Random& random, Micros now, std::size_t entry_bytes) {
  PreparedLeaf leaf;
  std::string commit, key, box_digest;
  const std::string& detail = draft.detail.reveal();
  if (!detail.empty()) {
    if (detail.size() > kMostDetailBytes) return Error{Code::exhausted, "the detail is larger than " + std::to_string(kMostDetailBytes) + " bytes"};
    key = detail_key_name(now);
    LICET_TRY(secret, keys.detail_key(now));
    // The salt is encrypted with the detail: destroying the key destroys both, and nothing can be guessed from the commitment.
    std::string plain(kOpeningBytes, '\0');
    random.fill(std::as_writable_bytes(std::span(plain)));
    commit = hex(crypto::hmac_sha256(as_bytes(plain), as_bytes(detail)));
    plain += detail;
    const std::string part = draft.part == 0 ? std::string() : std::to_string(draft.part);
    const std::string aad = detail_aad(keys.tenant(), name(draft.kind), draft.exchange, name_of(draft.leg), part, key);
    leaf.box = crypto::seal(*secret, as_bytes(plain), as_bytes(aad), random);
    box_digest = hex(crypto::sha256(leaf.box));
  }
  std::string payload;
  if (!draft.payload.empty()) {
    LICET_TRY(json, canonical(draft.payload));
    payload = std::move(json);
  }
  std::string agreements;
  if (!draft.agreements.empty()) {
    for (const std::string& id : draft.agreements) {
      agreements += agreements.empty() ? '[' : ',';
      put_text(agreements, id);
    }
    agreements += ']';
  }
  std::string patients;
  if (!draft.patients.empty()) {
    patients.reserve(draft.patients.size() * 35 + 1);
    for (const BlindIndex& index : draft.patients) {
      patients += patients.empty() ? "[\"" : ",\"";
      patients += hex(index);
      patients += '"';
    }
    patients += ']';
  }
  std::string txn;
  if (!draft.spend_token.empty()) {
    leaf.txn = crypto::sha256(draft.spend_token);
    leaf.txn_expires = draft.token_expires;
    txn = hex(*leaf.txn);
  }

  leaf.before.reserve(768 + patients.size() + payload.size());
  Writer w(leaf.before);
  w.number("accountable", draft.accountable ? 1 : 0);
  w.text("action", draft.action);
  w.text("actor", draft.actor);
  w.raw("agreements", agreements);
  w.text("box", box_digest);
  w.number("bytes", draft.bytes);
  w.text("class", draft.data_class);
  w.text("client", draft.client);
  w.text("commit", commit);
  w.text("decision", draft.decision);
  if (draft.digest != Digest{}) w.text("digest", hex(draft.digest));
  w.number("epoch", draft.epoch);
  w.text("exchange", draft.exchange);
  w.text("flow", draft.flow);
  w.text("form", draft.form);
  w.text("ground", draft.ground);
  w.text("key", key);
  w.text("kind", name(draft.kind));
  w.text("leg", name_of(draft.leg));
  w.text("license", draft.license);
  w.number("part", draft.part);
  w.raw("patients", patients);
  w.raw("payload", payload);
  w.text("profile", draft.profile);
  w.text("purpose", draft.purpose);
  w.text("purpose_from", draft.purpose_source);
  if (draft.reason != Reason::none) w.text("reason", code(draft.reason));
  w.number("resources", draft.resources);
  w.text("route", draft.route);
  if (draft.status > 0) w.number("status", static_cast<std::uint64_t>(draft.status));
  w.text("system", draft.system);
  w.begin("time");
  w.into(leaf.after);
  w.text("txn", txn);
  if (leaf.txn) w.number("txn_exp", static_cast<std::uint64_t>(std::max<std::int64_t>(count(leaf.txn_expires), 0)));
  w.text("type", draft.resource_type);
  w.number("v", kLeafVersion);
  w.text("view", draft.view);
  w.number("withheld", draft.withheld);
  leaf.after += '}';
  if (leaf.most_bytes() > entry_bytes) return Error{Code::exhausted, "the record is larger than " + std::to_string(entry_bytes) + " bytes"};
  if (!valid_utf8(leaf.before) || !valid_utf8(leaf.after)) return Error{Code::invalid_argument, "the record isn't UTF-8"};
  return leaf;
}

Result<Phi<std::string>> open_detail(std::string_view leaf, std::string_view box, crypto::KeyRing& keys) {
  if (box.empty()) return Error{Code::not_found, "the entry has no detail"};
  const std::string_view key = text_member(leaf, "key");
  LICET_TRY(secret, keys.named(key));
  const std::string_view part = member(leaf, "part").value_or("");
  const std::string aad = detail_aad(keys.tenant(), text_member(leaf, "kind"), text_member(leaf, "exchange"), text_member(leaf, "leg"), part, key);
  LICET_TRY(plain, crypto::open(*secret, as_bytes(box), as_bytes(aad)));
  if (plain.size() < kOpeningBytes) return Error{Code::data_loss, "the detail is too short"};
  const auto r = as_bytes(plain).first(kOpeningBytes);
  if (hex(crypto::hmac_sha256(r, as_bytes(plain).subspan(kOpeningBytes))) != text_member(leaf, "commit"))
    return Error{Code::data_loss, "the detail isn't the one that the entry commits to"};
  return Phi<std::string>(plain.substr(kOpeningBytes));
}

std::optional<std::string_view> member(std::string_view leaf, std::string_view name) {
  if (leaf.empty() || leaf.front() != '{') return std::nullopt;
  for (std::size_t at = 1; at < leaf.size() && leaf[at] == '"';) {
    const std::size_t end = skip_string(leaf, at);
    if (end >= leaf.size() || leaf[end] != ':') return std::nullopt;
    const std::string_view key = leaf.substr(at + 1, end - at - 2);
    const std::size_t after = skip_value(leaf, end + 1);
    if (key == name) return leaf.substr(end + 1, after - end - 1);
    at = after + 1;
  }
  return std::nullopt;
}

std::string_view text_member(std::string_view leaf, std::string_view name) {
  const auto raw = member(leaf, name);
  if (!raw || raw->size() < 2 || raw->front() != '"' || raw->find('\\') != std::string_view::npos) return {};
  return raw->substr(1, raw->size() - 2);
}

std::optional<std::int64_t> integer_member(std::string_view leaf, std::string_view name) {
  const auto raw = member(leaf, name);
  std::int64_t value = 0;
  if (!raw) return std::nullopt;
  const auto [end, failed] = std::from_chars(raw->data(), raw->data() + raw->size(), value);
  if (failed != std::errc() || end != raw->data() + raw->size()) return std::nullopt;
  return value;
}

}  // namespace licet::ledger
