#include "identity/internal/json.h"

#include <algorithm>

namespace licet::identity {
namespace {

constexpr int kDeepest = 16;
constexpr std::size_t kMembersMost = 256;  // so that looking for a double is cheap whatever the text

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool document(Json& out) {
    space();
    if (!value(out, 0)) return false;
    space();
    return at_ == text_.size() || fail("something stands behind the value");
  }
  [[nodiscard]] Error error() const { return {Code::invalid_argument, "JSON, byte " + std::to_string(at_) + ": " + why_}; }

 private:
  bool fail(const char* why) {
    why_ = why;
    return false;
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }
  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return fail("not a value");
    at_ += expected.size();
    return true;
  }

  bool value(Json& out, int depth) {
    if (depth > kDeepest) return fail("too deep");
    switch (peek()) {
      case '{':
        out.kind = Json::Kind::object;
        return object(out, depth);
      case '[':
        out.kind = Json::Kind::array;
        return array(out, depth);
      case '"':
        out.kind = Json::Kind::string;
        return string(out.text);
      case 't':
        out.kind = Json::Kind::boolean;
        out.truth = true;
        return word("true");
      case 'f':
        out.kind = Json::Kind::boolean;
        return word("false");
      case 'n':
        return word("null");
      default:
        out.kind = Json::Kind::number;
        return number(out.text);
    }
  }

  bool object(Json& out, int depth) {
    ++at_;
    space();
    if (take('}')) return true;
    for (;;) {
      std::string name;
      if (peek() != '"') return fail("a member's name is missing");
      if (!string(name)) return false;
      if (std::find(out.names.begin(), out.names.end(), name) != out.names.end()) return fail("a member stands twice");
      if (out.names.size() == kMembersMost) return fail("too many members");
      out.names.push_back(std::move(name));
      space();
      if (!take(':')) return fail("a colon is missing");
      space();
      if (!value(out.items.emplace_back(), depth + 1)) return false;
      space();
      if (take('}')) return true;
      if (!take(',')) return fail("a comma is missing");
      space();
    }
  }

  bool array(Json& out, int depth) {
    ++at_;
    space();
    if (take(']')) return true;
    for (;;) {
      if (!value(out.items.emplace_back(), depth + 1)) return false;
      space();
      if (take(']')) return true;
      if (!take(',')) return fail("a comma is missing");
      space();
    }
  }

  bool digits() {
    const std::size_t from = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > from || fail("not a value");
  }
  bool number(std::string& out) {
    const std::size_t from = at_;
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    out = text_.substr(from, at_ - from);
    return true;
  }

  bool hex4(std::uint32_t& out) {
    out = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      const int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      if (d < 0) return fail("a bad escape");
      out = out << 4 | static_cast<std::uint32_t>(d);
    }
    return true;
  }
  static void put(std::string& out, std::uint32_t c) {
    const auto byte = [&out](std::uint32_t b) { out += static_cast<char>(b); };
    if (c < 0x80) return byte(c);
    if (c < 0x800) {
      byte(0xc0 | c >> 6);
    } else {
      if (c < 0x10000) {
        byte(0xe0 | c >> 12);
      } else {
        byte(0xf0 | c >> 18);
        byte(0x80 | (c >> 12 & 0x3f));
      }
      byte(0x80 | (c >> 6 & 0x3f));
    }
    byte(0x80 | (c & 0x3f));
  }
  bool escape(std::string& out) {
    const char c = peek();
    ++at_;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'f':
        out += '\f';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'u':
        break;
      default:
        return fail("a bad escape");
    }
    std::uint32_t c1 = 0, c2 = 0;
    if (!hex4(c1)) return false;
    if (c1 >= 0xd800 && c1 < 0xdc00) {
      if (!take('\\') || !take('u')) return fail("half a surrogate pair");
      if (!hex4(c2)) return false;
      if (c2 < 0xdc00 || c2 > 0xdfff) return fail("half a surrogate pair");
      c1 = 0x10000 + ((c1 - 0xd800) << 10) + (c2 - 0xdc00);
    } else if (c1 >= 0xdc00 && c1 <= 0xdfff) {
      return fail("half a surrogate pair");
    }
    if (c1 == 0) return fail("a NUL");
    put(out, c1);
    return true;
  }
  // One character of more than one byte (Unicode 15, table 3-7): no overlong form, no surrogate, nothing above U+10FFFF.
  bool wide(std::string& out) {
    const auto byte = [this](std::size_t i) { return at_ + i < text_.size() ? static_cast<unsigned char>(text_[at_ + i]) : 0u; };
    const unsigned b = byte(0);
    const std::size_t n = b >= 0xc2 && b <= 0xdf ? 2 : b >= 0xe0 && b <= 0xef ? 3 : b >= 0xf0 && b <= 0xf4 ? 4 : 0;
    if (n == 0) return fail("not UTF-8");
    const unsigned low = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80, high = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < low || byte(1) > high) return fail("not UTF-8");
    for (std::size_t i = 2; i < n; ++i)
      if ((byte(i) & 0xc0) != 0x80) return fail("not UTF-8");
    out += text_.substr(at_, n);
    at_ += n;
    return true;
  }
  bool string(std::string& out) {
    ++at_;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c < 0x20) return fail("a control character");
      if (c == '\\') {
        ++at_;
        if (!escape(out)) return false;
      } else if (c >= 0x80) {
        if (!wide(out)) return false;
      } else {
        out += static_cast<char>(c);
        ++at_;
      }
    }
    return fail("a string does not end");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  const char* why_ = "";
};

}  // namespace

Result<Json> Json::parse(std::string_view text) {
  Reader reader(text);
  Json out;
  if (!reader.document(out)) return reader.error();
  return out;
}

const Json* Json::get(std::string_view name) const {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return &items[i];
  return nullptr;
}

const std::string* Json::string(std::string_view name) const {
  const Json* const member = get(name);
  return member != nullptr && member->is(Kind::string) ? &member->text : nullptr;
}

std::optional<std::int64_t> Json::seconds(std::string_view name) const {
  const Json* const member = get(name);
  if (member == nullptr || !member->is(Kind::number)) return std::nullopt;
  const std::string_view number = member->text;
  const std::size_t whole = std::min(number.find('.'), number.size());
  if (whole > 11 || number.find_first_of("-eE") != std::string_view::npos) return std::nullopt;
  std::int64_t out = 0;
  for (const char c : number.substr(0, whole)) out = out * 10 + (c - '0');
  return out;
}

std::string json_string(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20) {
      out += "\\u00";
      out += kDigits[u >> 4];
      out += kDigits[u & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

}  // namespace licet::identity
