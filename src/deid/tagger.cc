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

// The first or last bytes of a word, in lower case.
template <std::size_t kCount>
std::uint32_t piece(std::string_view word, bool front) {
  if (word.size() < kCount) return word_hash(word);
  word = front ? word.substr(0, kCount) : word.substr(word.size() - kCount);
  std::uint32_t h = kFnvStart;
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto b = static_cast<unsigned char>(word[i]);
    if (b >= 0x80) return word_hash(word);
    h = (h ^ (b >= 'A' && b <= 'Z' ? b | 0x20U : b)) * kFnvPrime;
  }
  return h;
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
  std::vector<std::uint32_t> words(triggers);
  for (std::uint32_t& w : words)
    if (!take(w)) return bad;
  if (!std::is_sorted(words.begin(), words.end()) || !take(rows)) return bad;
  model.set_triggers(std::move(words));
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
      if ((mask >> l & 1) != 0 && !take(model.rows[(std::size_t{r} + 1) * kStride + l])) return bad;
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

void Model::set_triggers(std::vector<std::uint32_t> sorted) {
  triggers = std::move(sorted);
  may_trigger = {};
  for (const std::uint32_t key : triggers) may_trigger[(key >> 6) % 1024] |= std::uint64_t{1} << (key % 64);
}

namespace {

// What is carried along a line.
struct Line {
  std::uint32_t header = 0, last_word = 0, word_before = 0;
  bool first = true;
};

// The sight of a token, which stands behind (&s)[-1].
[[gnu::always_inline]] inline void see_one(std::string_view text, const Token& t, const Model& model, Line& line, Sight& s) {
  s = {};  // made where it stands: a copy would wait for what it copies
  s.look = static_cast<std::uint8_t>(t.look);
  s.first = line.first;
  s.header = line.header;
  s.lexicon = t.lexicon;
  s.word = t.hash;
  switch (t.look) {
    case Look::line:
      line = {};
      break;
    case Look::mark:
      if (text[t.start] == ':') line.header = mix(line.last_word, line.word_before);
      break;
    case Look::number: {
      const std::string_view digits = text.substr(t.start, t.size());
      const bool year = digits.size() == 4 && (digits.starts_with("19") || digits.starts_with("20"));
      s.word = year ? 0x100U : static_cast<std::uint32_t>(std::min<std::size_t>(digits.size(), 12));
      s.look = static_cast<std::uint8_t>(16 + s.word % 16 + (year ? 16 : 0));
      s.looked_at = model.numbers;
      line.first = false;
      break;
    }
    case Look::lower:
    case Look::capital:
    case Look::upper:
    case Look::mixed:
    case Look::initial:
      s.looked_at = t.look != Look::lower ||
                    ((t.lexicon & (kFirst | kLast | kCity | kPlace)) != 0 && (t.lexicon & (kCommon | kWord)) == 0) ||
                    model.triggers_on(t.hash);
      if (s.looked_at) {
        const std::string_view word = text.substr(t.start, t.size());
        s.affix3 = piece<3>(word, true);
        s.tail3 = piece<3>(word, false);
        s.tail2 = piece<2>(word, false);
      }
      line.word_before = line.last_word;
      line.last_word = t.hash;
      line.first = false;
      break;
  }
  s.pair = mix((&s)[-1].word, s.word);
}
// Before the first token, and behind the last.
Sight see_nothing(const Sight& before) {
  Sight s;
  s.pair = mix(before.word, 0);
  return s;
}

}  // namespace

void see(std::string_view text, const std::vector<Token>& tokens, const Model& model, std::vector<Sight>& out) {
  out.resize(tokens.size() + 2 * kSightMargin);
  std::fill_n(out.begin(), kSightMargin, see_nothing({}));
  Line line;
  std::size_t at = kSightMargin;
  for (const Token& t : tokens) see_one(text, t, model, line, out[at++]);
  for (; at < out.size(); ++at) out[at] = see_nothing(out[at - 1]);
}

bool candidate(const Token& token, const Sight& sight, const History& history) {
  // One question instead of four: none of their answers can be predicted.
  const int goes_on = int{token.look == Look::lower} & int{token.size() <= 3} & int{history.last != Label::none};
  return (int{sight.looked_at} | goes_on) != 0;
}

namespace {

// Room for a number of features that vectors divide evenly.
constexpr std::size_t kPadded = 32;

// What each feature says, before its own number is mixed in.
[[gnu::always_inline]] inline void values(const Sight* sight, const History& history, std::uint32_t out[kPadded]) {
  const Sight &s = sight[0], &l = sight[-1], &r = sight[1], &ll = sight[-2], &rr = sight[2];
  const auto last = static_cast<std::uint32_t>(history.last), before = static_cast<std::uint32_t>(history.before);
  const std::uint32_t shapes = std::uint32_t{l.look} << 16 | std::uint32_t{s.look} << 8 | r.look;
  const std::uint32_t own = std::uint32_t{s.look} << 8 | s.lexicon;
  std::uint32_t n = 0;
  const auto add = [&](std::uint32_t value) { out[n++] = value; };
  add(s.word);
  add(l.word);
  add(r.word);
  add(ll.word);
  add(rr.word);
  add(s.pair);
  add(r.pair);
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
  add(l.pair);
  add(rr.pair);
  add(shapes << 8 | rr.look);
  static_assert(kFeatures == 27);
}

[[gnu::always_inline]] inline void buckets_of(const Sight* sight, const History& history, std::uint32_t out[kPadded]) {
  values(sight, history, out);
  for (std::uint32_t n = 0; n < kPadded; ++n) out[n] = mix(out[n], n * 0x2545f491U + 1) & (Model::kBuckets - 1);
}

using Bytes [[gnu::vector_size(Model::kStride)]] = signed char;
using Sum [[gnu::vector_size(2 * Model::kStride)]] = std::int16_t;
[[gnu::always_inline]] inline void sum_up(const Model& model, const Sight* sight, const History& history,
                                          std::int16_t out[Model::kStride]) {
  std::uint32_t buckets[kPadded] = {};
  buckets_of(sight, history, buckets);
  const Model::Word* index = model.index.data();
  const std::int8_t* first = model.rows.data();
  const std::int8_t* rows[kFeatures];  // all of them first, so that no load waits for another
  for (std::size_t n = 0; n < kFeatures; ++n) rows[n] = Model::row(index, first, buckets[n]);
  Sum sum{};
  for (const std::int8_t* row : rows) {
    Bytes bytes;
    std::memcpy(&bytes, row, sizeof bytes);
    sum += __builtin_convertvector(bytes, Sum);
  }
  std::memcpy(out, &sum, sizeof sum);
}
// The same, compiled twice: with the instructions of 2013 and without.
#ifdef __x86_64__
__attribute__((target("avx2,bmi,bmi2,popcnt"))) void sum_avx2(const Model& m, const Sight* s, const History& h, std::int16_t* sum) {
  sum_up(m, s, h, sum);
}
#endif
void sum_plain(const Model& m, const Sight* s, const History& h, std::int16_t* sum) {
  sum_up(m, s, h, sum);
}
using Summing = void (*)(const Model&, const Sight*, const History&, std::int16_t*);
Summing summing() {
#ifdef __x86_64__
  static const bool has =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
  if (has) return sum_avx2;
#endif
  return sum_plain;
}

}  // namespace

void features(const Sight* sight, const History& history, std::uint32_t out[kFeatures]) {
  std::uint32_t all[kPadded] = {};
  buckets_of(sight, history, all);
  std::copy_n(all, kFeatures, out);
}

History Walk::at(const Token& token) const {
  History h = history_;
  if ((may_be_seen_[token.hash >> 28] >> (token.hash >> 22 & 63) & 1) == 0) return h;
  for (const auto& [hash, label] : seen_)
    if (hash == token.hash) h.seen = label;
  return h;
}

void Walk::called(const Token& token, Label label) {
  // A line ends it, marks leave it as it is; told without asking, for what comes next can't be predicted.
  const bool line = token.look == Look::line, mark = token.look == Look::mark;
  history_.before = line ? Label::none : mark ? history_.before : history_.last;
  history_.last = line ? Label::none : mark ? history_.last : label;
  if (label == Label::none || !token.word() || token.look == Look::lower || token.size() < 3) return;
  for (auto& [hash, was] : seen_)
    if (hash == token.hash) {
      was = label;
      return;
    }
  if (seen_.size() == 64) return;
  seen_.emplace_back(token.hash, label);
  may_be_seen_[token.hash >> 28] |= std::uint64_t{1} << (token.hash >> 22 & 63);
}

void tag(const Model& model, std::string_view text, const std::vector<Token>& tokens, int bias, std::vector<Label>& labels,
         std::vector<float>& scores) {
  labels.resize(tokens.size());
  scores.resize(tokens.size());
  const Summing sum_of = summing();
  Walk walk;
  Line line;
  // Some tokens at a time, so that what is seen of them stays near; token i at sights[i - from + kSightMargin].
  constexpr std::size_t kAtOnce = 128;
  std::array<Sight, kAtOnce + 2 * kSightMargin> sights;
  std::fill_n(sights.begin(), kSightMargin, see_nothing({}));
  std::size_t seen = 0;
  for (std::size_t from = 0; from < tokens.size(); from += kAtOnce) {
    const std::size_t to = std::min(from + kAtOnce, tokens.size());
    if (from != 0) std::copy(sights.end() - 2 * kSightMargin, sights.end(), sights.begin());
    for (; seen < to + kSightMargin; ++seen) {
      const std::size_t at = seen - from + kSightMargin;
      if (seen < tokens.size())
        see_one(text, tokens[seen], model, line, sights[at]);
      else
        sights[at] = see_nothing(sights[at - 1]);
    }
    for (std::size_t i = from; i < to; ++i) {
      const Token& token = tokens[i];
      Label label = Label::none;
      float score = 0;
      const Sight& sight = sights[i - from + kSightMargin];
      if (candidate(token, sight, walk.before())) {
        const History history = walk.at(token);
        std::int16_t sum[Model::kStride];
        sum_of(model, &sight, history, sum);
        sum[0] = static_cast<std::int16_t>(sum[0] - bias);
        std::size_t best = 0;
        int most = sum[0];
        for (std::size_t l = 1; l < kLabels; ++l) {
          best = sum[l] > most ? l : best;
          most = std::max<int>(most, sum[l]);
        }
        label = static_cast<Label>(best);
        score = static_cast<float>(most - sum[0]);
      }
      labels[i] = label;
      scores[i] = score;
      walk.called(token, label);
    }
  }
}

}  // namespace licet::deid
