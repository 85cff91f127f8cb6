#include "deid/risk/stream.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace licet::deid::risk {
namespace {

constexpr std::size_t kBlock = 16 * 1024;

// 128-bit hashes to ids 0, 1, 2 … in order of first appearance.
class HashIds {
 public:
  HashIds() { slots_.resize(1024); }
  std::uint32_t id(const Hash128& key) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slots_[seek(key)];
    if (slot.id == Dictionary::kNone) slot = {key, static_cast<std::uint32_t>(count_++)};
    return slot.id;
  }
  [[nodiscard]] std::uint32_t find(const Hash128& key) const { return slots_[seek(key)].id; }
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  struct Slot {
    Hash128 key{};
    std::uint32_t id = Dictionary::kNone;
  };
  [[nodiscard]] std::size_t seek(const Hash128& key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = key[1] & mask;
    while (slots_[at].id != Dictionary::kNone && slots_[at].key != key) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.id != Dictionary::kNone) slots_[seek(slot.key)] = slot;
  }
  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

// How many rows of a class hold a value; by (class, rank), so that a class of any size takes no more than its different values.
struct Held {
  std::uint64_t key = 0;
  std::uint32_t count = 0;
};

}  // namespace

Hash128 siphash(std::string_view text, const SipKey& key) {
  std::uint64_t v0 = key[0] ^ 0x736f6d6570736575ULL, v1 = key[1] ^ 0x646f72616e646f6dULL ^ 0xee, v2 = key[0] ^ 0x6c7967656e657261ULL,
                v3 = key[1] ^ 0x7465646279746573ULL;
  const auto round = [&] {
    v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
  };
  const char* p = text.data();
  std::size_t left = text.size();
  for (; left >= 8; p += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, 8);
    v3 ^= word;
    round(), round();
    v0 ^= word;
  }
  std::uint64_t last = static_cast<std::uint64_t>(text.size()) << 56;
  for (std::size_t i = 0; i < left; ++i) last |= static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])) << (8 * i);
  v3 ^= last;
  round(), round();
  v0 ^= last;
  v2 ^= 0xee;
  round(), round(), round(), round();
  const std::uint64_t low = v0 ^ v1 ^ v2 ^ v3;
  v1 ^= 0xdd;
  round(), round(), round(), round();
  return {low, v0 ^ v1 ^ v2 ^ v3};
}

Streamed::Streamed(Scratch& scratch, Options options, std::span<const std::string> sensitive)
    : scratch_(scratch),
      options_(options),
      names_(sensitive.begin(), sensitive.end()),
      values_(sensitive.size()),
      counts_(sensitive.size()),
      blocks_(options.parts * (options.population ? 2 : 1)) {}

Hash128 Streamed::key_of(std::span<const std::string_view> quasi) {
  joined_.clear();
  for (const std::string_view value : quasi) {
    const auto size = static_cast<std::uint32_t>(value.size());
    joined_.append(reinterpret_cast<const char*>(&size), sizeof size);
    joined_ += value;
  }
  return siphash(joined_, options_.key);
}

Result<void> Streamed::put(std::size_t part, std::span<const std::byte> record) {
  std::vector<std::byte>& block = blocks_[part];
  if (block.size() + record.size() > kBlock) {
    LICET_TRY_VOID(scratch_.append(part, block));
    block.clear();
  }
  block.insert(block.end(), record.begin(), record.end());
  return {};
}

Result<void> Streamed::add(std::span<const std::string_view> quasi, std::span<const std::string_view> sensitive) {
  const Hash128 key = key_of(quasi);
  record_.resize(sizeof key + sensitive.size() * sizeof(std::uint32_t));
  std::memcpy(record_.data(), &key, sizeof key);
  for (std::size_t i = 0; i < sensitive.size(); ++i) {
    const std::uint32_t code = values_[i].code(sensitive[i]);
    if (code == counts_[i].size()) {
      counts_[i].push_back(0);
      if (values_[i].bytes() > options_.most_values)
        return Error{Code::exhausted, "--sensitive " + names_[i] + ": its different values alone take " +
                                          std::to_string(options_.most_values >> 20) + " MiB: leave it out, or raise --memory"};
    }
    ++counts_[i][code];
    std::memcpy(record_.data() + sizeof key + i * sizeof code, &code, sizeof code);
  }
  return put(key[0] % options_.parts, record_);
}

Result<void> Streamed::add_population(std::span<const std::string_view> quasi) {
  const Hash128 key = key_of(quasi);
  return put(options_.parts + key[0] % options_.parts, std::as_bytes(std::span(&key, 1)));
}

Result<Measures> Streamed::finish() && {
  const std::size_t columns = names_.size(), length = sizeof(Hash128) + columns * sizeof(std::uint32_t);
  std::vector<Attribute> attributes;
  std::vector<Ranking> rankings;
  for (std::size_t i = 0; i < columns; ++i) {
    rankings.push_back(rank(values_[i]));
    Attribute a{.name = names_[i], .ordered = rankings[i].ordered, .counts = std::vector<std::uint64_t>(rankings[i].ranks)};
    for (std::size_t code = 0; code < counts_[i].size(); ++code) a.counts[rankings[i].of_code[code]] += counts_[i][code];
    attributes.push_back(std::move(a));
  }
  Measure out(std::move(attributes), options_.population);
  const auto each_record = [&](std::size_t part, std::size_t size, auto each) -> Result<void> {
    const auto block = [&](std::span<const std::byte> bytes) {
      for (; bytes.size() >= size; bytes = bytes.subspan(size)) {
        Hash128 key{};
        std::memcpy(&key, bytes.data(), sizeof key);
        each(key, bytes.data() + sizeof key);
      }
    };
    LICET_TRY_VOID(scratch_.read(part, block));
    block(blocks_[part]);
    return {};
  };
  for (std::size_t part = 0; part < options_.parts; ++part) {
    HashIds ids;
    std::vector<std::uint64_t> sizes, population;
    std::vector<std::vector<Held>> held(columns);
    std::vector<Ids> held_ids(columns);
    LICET_TRY_VOID(each_record(part, length, [&](const Hash128& key, const std::byte* codes) {
      const std::uint32_t id = ids.id(key);
      if (id == sizes.size()) sizes.push_back(0);
      ++sizes[id];
      for (std::size_t i = 0; i < columns; ++i) {
        std::uint32_t code = 0;
        std::memcpy(&code, codes + i * sizeof code, sizeof code);
        const std::uint64_t pair = static_cast<std::uint64_t>(id) << 32 | rankings[i].of_code[code];
        const std::uint32_t at = held_ids[i].id(pair);
        if (at == held[i].size()) held[i].push_back({pair, 0});
        ++held[i][at].count;
      }
    }));
    if (options_.population) {
      population.resize(sizes.size(), 0);
      LICET_TRY_VOID(each_record(options_.parts + part, sizeof(Hash128), [&](const Hash128& key, const std::byte*) {
        if (const std::uint32_t id = ids.find(key); id != Dictionary::kNone) ++population[id];
      }));
    }
    for (std::size_t c = 0; c < sizes.size(); ++c) out.add(sizes[c], options_.population ? population[c] : 0);
    std::vector<Ranked> counts;
    for (std::size_t i = 0; i < columns; ++i) {
      std::sort(held[i].begin(), held[i].end(), [](const Held& a, const Held& b) { return a.key < b.key; });
      for (std::size_t at = 0; at < held[i].size();) {
        const auto id = static_cast<std::uint32_t>(held[i][at].key >> 32);
        counts.clear();
        for (; at < held[i].size() && held[i][at].key >> 32 == id; ++at)
          counts.push_back({static_cast<std::uint32_t>(held[i][at].key), held[i][at].count});
        out.diversity(i, sizes[id], counts);
      }
    }
  }
  return std::move(out).finish();
}

}  // namespace licet::deid::risk
