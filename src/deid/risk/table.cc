#include "deid/risk/table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"

namespace licet::deid::risk {
namespace {

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

unsigned bits_for(std::uint64_t domain) {
  return domain < 2 ? 0 : static_cast<unsigned>(std::bit_width(domain - 1));
}

}  // namespace

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t h = text.size() * 0x9e3779b97f4a7c15ULL + 0x1d8e4e27c47d124fULL;
  const char* p = text.data();
  std::size_t left = text.size();
  for (; left >= 8; p += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, 8);
    h = mix(h ^ word, 0xa0761d6478bd642fULL);
  }
  std::uint64_t tail = 0;
  for (std::size_t i = 0; i < left; ++i) tail |= static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])) << (8 * i);
  return mix(h ^ tail, 0xe7037ed1a0b428dbULL);
}

std::uint32_t Ids::id(std::uint64_t key) {
  if ((count_ + 1) * 2 > slots_.size()) grow();
  Slot& slot = slots_[seek(key)];
  if (slot.id == Dictionary::kNone) slot = {key, static_cast<std::uint32_t>(count_++)};
  return slot.id;
}

std::size_t Ids::seek(std::uint64_t key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = mix(key ^ 0x9e3779b97f4a7c15ULL, 0xd6e8feb86659fd93ULL) & mask;
  while (slots_[at].id != Dictionary::kNone && slots_[at].key != key) at = (at + 1) & mask;
  return at;
}

void Ids::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old)
    if (slot.id != Dictionary::kNone) slots_[seek(slot.key)] = slot;
}

std::string_view Dictionary::value(std::uint32_t code) const {
  const std::uint64_t from = code == 0 ? 0 : ends_[code - 1];
  return {text_.data() + from, static_cast<std::size_t>(ends_[code] - from)};
}

std::size_t Dictionary::seek(std::string_view value, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.code == kNone || (slot.tag == tag && this->value(slot.code) == value)) return at;
  }
}

void Dictionary::grow() {
  std::vector<Slot> old(std::max<std::size_t>(64, slots_.size() * 2));
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.code == kNone) continue;
    std::size_t at = hash_of(value(slot.code)) & mask;
    while (slots_[at].code != kNone) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

std::uint32_t Dictionary::code(std::string_view value) {
  if ((ends_.size() + 1) * 2 > slots_.size()) grow();
  const std::uint64_t hash = hash_of(value);
  Slot& slot = slots_[seek(value, hash)];
  if (slot.code == kNone) {
    slot = {size(), static_cast<std::uint32_t>(hash >> 32)};
    text_.insert(text_.end(), value.begin(), value.end());
    ends_.push_back(text_.size());
  }
  return slot.code;
}

std::uint32_t Dictionary::find(std::string_view value) const {
  return slots_.empty() ? kNone : slots_[seek(value, hash_of(value))].code;
}

std::size_t Dictionary::bytes() const {
  return text_.capacity() + ends_.capacity() * sizeof(ends_[0]) + slots_.capacity() * sizeof(Slot);
}

std::size_t Table::bytes() const {
  std::size_t bytes = 0;
  for (const Column& column : columns) bytes += column.dictionary.bytes() + column.codes.capacity() * sizeof(column.codes[0]);
  return bytes;
}

Classes group(std::span<const Part> parts, std::size_t rows, std::span<const std::uint32_t> at, std::span<const std::uint32_t> weights) {
  if (!at.empty()) rows = at.size();
  Classes out;
  std::vector<std::uint64_t> keys(rows, 0);
  unsigned used = 0;
  for (const Part& part : parts) {
    const unsigned bits = bits_for(part.domain);
    if (bits == 0) continue;
    if (used + bits > 64) {  // what is packed so far becomes an id, which is narrower
      Ids ids;
      for (std::uint64_t& key : keys) key = ids.id(key);
      used = bits_for(ids.count());
      LICET_ASSERT(used + bits <= 64);
    }
    const auto pack = [&](auto code_of) {
      if (at.empty())
        for (std::size_t i = 0; i < rows; ++i) keys[i] |= static_cast<std::uint64_t>(code_of(i)) << used;
      else
        for (std::size_t i = 0; i < rows; ++i) keys[i] |= static_cast<std::uint64_t>(code_of(at[i])) << used;
    };
    if (part.becomes.empty())
      pack([codes = part.codes.data()](std::size_t row) { return codes[row]; });
    else
      pack([codes = part.codes.data(), becomes = part.becomes.data()](std::size_t row) { return becomes[codes[row]]; });
    used += bits;
  }
  Ids ids;
  out.of_row.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::uint32_t id = ids.id(keys[i]);
    if (id == out.sizes.size()) {
      out.sizes.push_back(0);
      out.first.push_back(at.empty() ? static_cast<std::uint32_t>(i) : at[i]);
    }
    out.sizes[id] += weights.empty() ? 1 : weights[i];
    out.of_row[i] = id;
  }
  return out;
}

Classes classes_of(const Table& table, std::span<const std::size_t> columns) {
  std::vector<Part> parts;
  for (const std::size_t i : columns) parts.push_back({table.columns[i].codes, {}, table.columns[i].dictionary.size()});
  return group(parts, table.rows);
}

}  // namespace licet::deid::risk
