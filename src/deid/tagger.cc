#include "deid/tagger.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "deid/lexicon.h"

namespace licet::deid {
namespace {

constexpr std::array<std::string_view, kLabels> kNames = {"none", "name", "place", "street",  "organization",
                                                          "date", "age",  "id",    "contact", "relative"};

std::uint32_t mix(std::uint32_t a, std::uint32_t b) {
  std::uint32_t h = a * 0x9e3779b1U ^ (b + 0x7f4a7c15U + (a << 6) + (a >> 2));
  h ^= h >> 15;
  h *= 0x85ebca6bU;
  return h ^ h >> 13;
}

// The first or last characters of a word, in lower case.
std::uint32_t piece(std::string_view word, std::size_t count, bool front) {
  if (word.size() < count) return word_hash(word);
  return word_hash(front ? word.substr(0, count) : word.substr(word.size() - count));
}

}  // namespace

std::string_view name(Label label) {
  return kNames[static_cast<std::size_t>(label)];
}

Result<Model> Model::load(std::string_view bytes) {
  std::size_t at = 0;
  const auto take = [&](auto& value) {
    if (bytes.size() - at < sizeof value) return false;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    at += sizeof value;
    return true;
  };
  const Error bad{Code::invalid_argument, "not a tagger's model, or one that is cut off"};
  std::int16_t bias = 0;
  std::uint8_t numbers = 0;
  std::uint32_t triggers = 0, rows = 0;
  if (!bytes.starts_with("PER1")) return bad;
  at = 4;
  if (!take(bias) || !take(numbers) || !take(triggers) || triggers > (1U << 20)) return bad;
  Model model;
  model.bias = bias;
  model.numbers = numbers != 0;
  model.triggers.resize(triggers);
  for (std::uint32_t& t : model.triggers)
    if (!take(t)) return bad;
  if (!std::is_sorted(model.triggers.begin(), model.triggers.end()) || !take(rows)) return bad;
  std::uint64_t row = 0;
  for (std::uint32_t r = 0; r < rows; ++r) {
    std::uint64_t distance = 0;
    for (int shift = 0;; shift += 7) {
      std::uint8_t byte = 0;
      if (shift > 28 || !take(byte)) return bad;
      distance |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80) == 0) break;
    }
    row += distance;
    std::uint16_t mask = 0;
    if (row >= kBuckets || !take(mask) || mask >> kLabels != 0) return bad;
    model.index[row / 64].bits |= std::uint64_t{1} << (row % 64);
    model.rows.resize(model.rows.size() + kStride);
    for (std::size_t l = 0; l < kLabels; ++l)
      if ((mask >> l & 1) != 0 && !take(model.rows[std::size_t{r} * kStride + l])) return bad;
  }
  if (at != bytes.size()) return bad;
  std::uint32_t before = 0;
  for (Word& word : model.index) {
    word.before = before;
    before += static_cast<std::uint32_t>(std::popcount(word.bits));
  }
  if (before != rows) return bad;  // a row came twice
  return model;
}

void see(std::string_view text, const std::vector<Token>& tokens, const Model& model, std::vector<Sight>& out) {
  const std::vector<std::uint32_t>& triggers = model.triggers;
  out.assign(tokens.size(), Sight());
  std::uint32_t header = 0, last_word = 0, word_before = 0;
  bool first = true;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& t = tokens[i];
    Sight& s = out[i];
    s.look = static_cast<std::uint8_t>(t.look);
    s.first = first;
    s.header = header;
    s.lexicon = t.lexicon;
    s.word = t.hash;
    switch (t.look) {
      case Look::line:
        header = last_word = word_before = 0;
        first = true;
        continue;
      case Look::mark:
        if (text[t.start] == ':') header = mix(last_word, word_before);
        continue;
      case Look::number: {
        const std::string_view digits = text.substr(t.start, t.size());
        const bool year = digits.size() == 4 && (digits.starts_with("19") || digits.starts_with("20"));
        s.word = year ? 0x100U : static_cast<std::uint32_t>(std::min<std::size_t>(digits.size(), 12));
        s.look = static_cast<std::uint8_t>(16 + s.word % 16 + (year ? 16 : 0));
        s.looked_at = model.numbers;
        break;
      }
      case Look::lower:
        s.looked_at = (t.lexicon & (kFirst | kLast | kCity | kPlace)) != 0 && (t.lexicon & (kCommon | kWord)) == 0;
        s.looked_at = s.looked_at || std::binary_search(triggers.begin(), triggers.end(), t.hash >> 8);
        break;
      case Look::capital:
      case Look::upper:
      case Look::mixed:
      case Look::initial:
        s.looked_at = true;
        break;
    }
    if (t.word()) {
      const std::string_view word = text.substr(t.start, t.size());
      if (s.looked_at) {
        s.affix3 = piece(word, 3, true);
        s.tail3 = piece(word, 3, false);
        s.tail2 = piece(word, 2, false);
      }
      word_before = last_word;
      last_word = t.hash;
    }
    first = false;
  }
}

bool candidate(const Token& token, const Sight& sight, const History& history) {
  if (sight.looked_at) return true;
  return token.look == Look::lower && token.size() <= 3 && history.last != Label::none;
}

void features(const std::vector<Sight>& sights, std::size_t i, const History& history, std::uint32_t out[kFeatures]) {
  static constexpr Sight kNothing{};
  const auto at = [&](std::ptrdiff_t offset) -> const Sight& {
    const auto j = static_cast<std::ptrdiff_t>(i) + offset;
    return j >= 0 && j < static_cast<std::ptrdiff_t>(sights.size()) ? sights[static_cast<std::size_t>(j)] : kNothing;
  };
  const Sight &s = sights[i], &l = at(-1), &r = at(1), &ll = at(-2), &rr = at(2);
  const auto last = static_cast<std::uint32_t>(history.last), before = static_cast<std::uint32_t>(history.before);
  const std::uint32_t shapes = std::uint32_t{l.look} << 16 | std::uint32_t{s.look} << 8 | r.look;
  const std::uint32_t own = std::uint32_t{s.look} << 8 | s.lexicon;
  std::uint32_t n = 0;
  const auto add = [&](std::uint32_t value) {
    out[n] = mix(value, n * 0x2545f491U + 1) & (Model::kBuckets - 1);
    ++n;
  };
  add(s.word);
  add(l.word);
  add(r.word);
  add(ll.word);
  add(rr.word);
  add(mix(l.word, s.word));
  add(mix(s.word, r.word));
  add(shapes);
  add(s.affix3);
  add(s.tail3);
  add(mix(s.tail2, s.look));
  add(s.header);
  add(mix(s.header, s.look));
  add(own);
  add(own << 8 | r.lexicon);
  add(own << 8 | l.lexicon);
  add(last);
  add(mix(last, s.word));
  add(last << 16 | own);
  add(last << 4 | before);
  add(mix(l.word, r.word));
  add(std::uint32_t{s.first} << 17 | std::uint32_t{s.header != 0} << 16 | own);
  add(mix(mix(last, l.word), s.look));
  add(static_cast<std::uint32_t>(history.seen) << 8 | s.look);
  add(mix(ll.word, l.word));
  add(mix(r.word, rr.word));
  add(shapes << 8 | rr.look);
  static_assert(kFeatures == 27);
}

History Walk::at(const Token& token) const {
  History h = history_;
  for (const auto& [hash, label] : seen_)
    if (hash == token.hash) h.seen = label;
  return h;
}

void Walk::called(const Token& token, Label label) {
  if (token.look == Look::line) {
    history_ = {};
    return;
  }
  if (token.look == Look::mark) return;
  history_.before = history_.last;
  history_.last = label;
  if (label == Label::none || !token.word() || token.look == Look::lower || token.size() < 3) return;
  for (auto& [hash, was] : seen_)
    if (hash == token.hash) {
      was = label;
      return;
    }
  if (seen_.size() < 64) seen_.emplace_back(token.hash, label);
}

void tag(const Model& model, std::string_view text, const std::vector<Token>& tokens, int bias, std::vector<Label>& labels,
         std::vector<float>& scores) {
  thread_local std::vector<Sight> sights;
  see(text, tokens, model, sights);
  labels.assign(tokens.size(), Label::none);
  scores.assign(tokens.size(), 0);
  Walk walk;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    Label label = Label::none;
    if (token.word() || token.number()) {
      const History history = walk.at(token);
      if (candidate(token, sights[i], history)) {
        std::uint32_t buckets[kFeatures];
        features(sights, i, history, buckets);
        std::array<std::int16_t, Model::kStride> sum{};
        for (const std::uint32_t b : buckets) {
          const Model::Word& word = model.index[b / 64];
          if ((word.bits >> (b % 64) & 1) == 0) continue;
          const std::size_t at = word.before + static_cast<std::size_t>(std::popcount(word.bits & ((std::uint64_t{1} << (b % 64)) - 1)));
          const std::int8_t* row = model.rows.data() + at * Model::kStride;
          for (std::size_t l = 0; l < Model::kStride; ++l) sum[l] = static_cast<std::int16_t>(sum[l] + row[l]);
        }
        sum[0] = static_cast<std::int16_t>(sum[0] - bias);
        std::size_t best = 0;
        for (std::size_t l = 1; l < kLabels; ++l)
          if (sum[l] > sum[best]) best = l;
        label = static_cast<Label>(best);
        scores[i] = static_cast<float>(sum[best] - sum[0]);
      }
    }
    labels[i] = label;
    walk.called(token, label);
  }
}

}  // namespace licet::deid
