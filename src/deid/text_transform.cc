#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "crypto/crypto.h"
#include "deid/dates.h"
#include "deid/text.h"

namespace licet::deid {
namespace {

constexpr std::array<std::string_view, 24> kGiven = {"Alder", "Briar", "Cedar", "Dale", "Ember", "Fern", "Gale",   "Haven",
                                                     "Indy",  "Juno",  "Kit",   "Lane", "Marlo", "Noor", "Oakley", "Perry",
                                                     "Quinn", "Remy",  "Sage",  "Tate", "Umber", "Vale", "Wren",   "Zephyr"};
constexpr std::array<std::string_view, 24> kFamily = {"Ashcombe", "Birchall", "Coldwell", "Dunmere", "Elstow",   "Farrant",
                                                      "Greaves",  "Hollis",   "Ingleby",  "Jarrow",  "Kestrel",  "Larkin",
                                                      "Marchant", "Norwell",  "Ormsby",   "Pellew",  "Quarles",  "Ravenhall",
                                                      "Stannard", "Thorley",  "Upwood",   "Vickery", "Westcote", "Yardley"};
constexpr std::array<std::string_view, 16> kTowns = {"Millbrook", "Fairhaven", "Eastmoor",  "Granton",  "Hillcrest", "Lakemont",
                                                     "Northvale", "Oakridge",  "Pinefield", "Redwater", "Southbury", "Westford",
                                                     "Ashby",     "Brookside", "Clearwell", "Dunham"};

// "[NAME]"
const std::string& tag_of(Kind kind) {
  static const auto kTags = [] {
    std::array<std::string, kKinds> tags;
    for (std::size_t k = 0; k < kKinds; ++k) {
      tags[k] = "[";
      for (const char c : name(static_cast<Kind>(k))) tags[k] += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
      tags[k] += "]";
    }
    return tags;
  }();
  return kTags[static_cast<std::size_t>(kind)];
}

// The year in a written date, or 0.
int year_in(std::string_view text) {
  for (std::size_t i = 0; i + 4 <= text.size(); ++i) {
    const auto digit = [&](std::size_t k) { return k < text.size() && text[k] >= '0' && text[k] <= '9'; };
    if (!digit(i) || !digit(i + 1) || !digit(i + 2) || !digit(i + 3)) continue;
    if ((i > 0 && digit(i - 1)) || digit(i + 4)) continue;
    const int year = std::atoi(std::string(text.substr(i, 4)).c_str());
    if (year >= 1880 && year <= 2100) return year;
  }
  return 0;
}

struct Parts {
  int year = 0;
  unsigned month = 0, day = 0;
};
// ISO, and the American 3/14/1979: forms that can be read in one way and written again.
bool read_date(std::string_view text, Parts& p, char& mark) {
  int a = 0, b = 0, c = 0;
  char m1 = 0, m2 = 0;
  const std::string copy(text);
  int used = 0;
  if (std::sscanf(copy.c_str(), "%4d%c%2d%c%4d%n", &a, &m1, &b, &m2, &c, &used) < 5 || used != static_cast<int>(text.size()) || m1 != m2)
    return false;
  mark = m1;
  if (m1 == '-' && a >= 1000 && text[4] == '-')
    p = {a, static_cast<unsigned>(b), static_cast<unsigned>(c)};
  else if (m1 == '/' && c >= 1000)
    p = {c, static_cast<unsigned>(a), static_cast<unsigned>(b)};
  else
    return false;
  return std::chrono::year_month_day(std::chrono::year(p.year), std::chrono::month(p.month), std::chrono::day(p.day)).ok();
}

}  // namespace

std::string surrogate(Kind kind, std::string_view original, std::span<const std::byte> key, bool family) {
  const auto draw = [&](std::string_view what) {
    const Digest mac = crypto::hmac_sha256(key, as_bytes(std::string(name(kind)) + "\n" + lower(what)));
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < 8; ++i) v = v << 8 | static_cast<std::uint64_t>(mac[i]);
    return v;
  };
  switch (kind) {
    case Kind::name: {
      // Word by word, so that "Maria Sandoval" and "Ms. Sandoval" stay the same person.
      std::string out;
      std::vector<Token> tokens;
      tokenize(original, tokens);
      std::size_t words = family ? 1 : 0, at = 0;
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        const Token& t = tokens[i];
        if (!t.word() && !t.number()) continue;
        const std::string_view word = original.substr(t.start, t.size());
        if (t.number()) {  // glued digits go with the name
          at = t.end;
          continue;
        }
        out += original.substr(at, t.start - at);
        const std::uint64_t v = draw(word);
        if (t.look == Look::initial)
          out += static_cast<char>('A' + v % 26);
        else if (t.look == Look::lower && t.size() <= 3)
          out += word;
        else {
          std::string put(words == 0 ? kGiven[v % kGiven.size()] : kFamily[v % kFamily.size()]);
          if (t.look == Look::upper)
            for (char& c : put) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
          out += put;
          ++words;
        }
        at = t.end;
      }
      return out + std::string(original.substr(at));
    }
    case Kind::city:
    case Kind::county:
      return std::string(kTowns[draw(original) % kTowns.size()]);
    case Kind::organization:
      return std::string(kTowns[draw(original) % kTowns.size()]) + " Center";
    case Kind::street:
      return fmt::format("{} {} Street", 100 + draw(original) % 900, kFamily[draw(original) / 1000 % kFamily.size()]);
    case Kind::email:
      return fmt::format("user{}@mail.example", draw(original) % 100000);
    case Kind::url:
      return fmt::format("https://site{}.example/", draw(original) % 100000);
    case Kind::ip:
      return fmt::format("192.0.2.{}", draw(original) % 256);
    case Kind::relative:
    case Kind::zip:
    case Kind::state:
    case Kind::country:
    case Kind::date:
    case Kind::age:
    case Kind::photo:
    case Kind::biometric:
    case Kind::trait:
    case Kind::text:
      return tag_of(kind);
    case Kind::phone:
    case Kind::fax:
    case Kind::ssn:
    case Kind::mrn:
    case Kind::plan:
    case Kind::account:
    case Kind::license:
    case Kind::vehicle:
    case Kind::device:
    case Kind::id: {
      // The same form with other digits and letters. Phones keep to 555-01xx, which rings nowhere; SSNs to 9xx, which is never issued.
      std::string out(original);
      std::uint64_t v = draw(original);
      std::size_t digits = 0;
      for (char& c : out) {
        v = v * 6364136223846793005ULL + 1442695040888963407ULL;
        const auto r = v >> 33;
        if (c >= '0' && c <= '9') {
          c = static_cast<char>('0' + r % 10);
          if (kind == Kind::ssn && digits == 0) c = '9';
          ++digits;
        } else if (c >= 'A' && c <= 'Z') {
          c = static_cast<char>('A' + r % 26);
        } else if (c >= 'a' && c <= 'z') {
          c = static_cast<char>('a' + r % 26);
        }
      }
      if (kind == Kind::phone || kind == Kind::fax) {
        // The last seven digits: 5550100 … 5550199.
        constexpr std::string_view kRingsNowhere = "55501";
        std::size_t from_end = 0;
        for (std::size_t i = out.size(); i-- > 0;) {
          if (out[i] < '0' || out[i] > '9') continue;
          if (from_end >= 2 && from_end < 7) out[i] = kRingsNowhere[6 - from_end];
          ++from_end;
        }
      }
      return out;
    }
  }
  return tag_of(kind);
}

void TextTransform::apply(std::string_view text, const std::vector<Span>& spans, const TextContext& context, std::string& out) const {
  std::size_t at = 0;
  for (const Span& s : spans) {
    out += text.substr(at, s.start - at);
    at = s.end;
    const std::string_view original = text.substr(s.start, s.end - s.start);
    switch (profile_.rule(s.kind).act) {
      case Act::keep:
        out += original;
        break;
      case Act::drop:
      case Act::redact:
      case Act::scrub:
        out += tag_of(s.kind);
        break;
      case Act::surrogate:
        out += context.key.empty() ? tag_of(s.kind) : surrogate(s.kind, original, context.key);
        break;
      case Act::code:
        out += context.codes == nullptr ? tag_of(s.kind) : context.codes->of(original);
        break;
      case Act::year: {
        const int year = year_in(original);
        out += year == 0 || tells_of_great_age(year, context.as_of) ? tag_of(s.kind) : fmt::format("{}", year);
        break;
      }
      case Act::shift: {
        Parts p;
        char mark = 0;
        if (context.key.empty() || context.patient.empty() || !read_date(original, p, mark)) {
          out += tag_of(s.kind);
          break;
        }
        const std::string moved = shift(fmt::format("{:04}-{:02}-{:02}", p.year, p.month, p.day), shift_of(context.key, context.patient));
        out += mark == '-' ? moved : fmt::format("{}/{}/{}", moved.substr(5, 2), moved.substr(8, 2), moved.substr(0, 4));
        break;
      }
      case Act::zip3: {
        const std::string area = library_.zips.generalize(original);
        out += area.empty() ? tag_of(s.kind) : area;
        break;
      }
      case Act::age90: {
        // The number decides; an age in words was found because it is a great one.
        const std::size_t first = original.find_first_of("0123456789");
        const bool great = first == std::string_view::npos || std::atoi(std::string(original.substr(first)).c_str()) >= 90;
        const bool months = original.find("mes") != std::string_view::npos || original.find("mo") != std::string_view::npos;
        out += great && !months ? "90 or older" : std::string(original);
        break;
      }
    }
  }
  out += text.substr(at);
}

}  // namespace licet::deid
