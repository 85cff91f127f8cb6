#include "ledger/internal/group.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ledger/internal/crc32c.h"

namespace licet::ledger {
namespace {

static_assert(std::endian::native == std::endian::little, "groups are written as they lie in memory");

constexpr std::string_view kMagic = "licetgrp";
constexpr std::size_t kSignedBytes = 192;
constexpr std::size_t kCrcAt = 256;

template <class T>
void put(std::string& buffer, std::size_t at, const T& value) {
  std::memcpy(buffer.data() + at, &value, sizeof value);
}
template <class T>
T get(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::uint32_t group_crc(std::string_view bytes) {
  constexpr std::array<std::byte, 4> zero{};
  const std::uint32_t before = crc32c(zero, crc32c(as_bytes(bytes.substr(0, kCrcAt))));
  return crc32c(as_bytes(bytes.substr(kCrcAt + 4)), before);
}

std::string signed_text(std::string_view origin, std::string_view bytes) {
  std::string text = "licet-group/1\n";
  text += origin;
  text += '\n';
  text += bytes.substr(0, kSignedBytes);
  return text;
}

bool all_zero(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

Look broken(std::string why) {
  Look result;
  result.found = Found::broken;
  result.why = std::move(why);
  return result;
}

}  // namespace

void begin_group(std::string& buffer) { buffer.assign(kGroupHeaderBytes, '\0'); }

void add_record(std::string& buffer, std::string_view leaf_before, std::string_view leaf_time, std::string_view leaf_after, std::string_view box) {
  const std::size_t at = buffer.size();
  buffer.append(kRecordHeaderBytes, '\0');
  put(buffer, at, static_cast<std::uint32_t>(leaf_before.size() + leaf_time.size() + leaf_after.size()));
  put(buffer, at + 4, static_cast<std::uint32_t>(box.size()));
  buffer += leaf_before;
  buffer += leaf_time;
  buffer += leaf_after;
  buffer += box;
}

void seal_group(std::string& buffer, const GroupHeader& header, std::string_view origin, const crypto::Ed25519Key& key) {
  const auto record_bytes = static_cast<std::uint32_t>(buffer.size() - kGroupHeaderBytes);
  buffer.resize(padded(buffer.size()), '\0');
  std::memcpy(buffer.data(), kMagic.data(), kMagic.size());
  put(buffer, 8, kGroupVersion);
  put(buffer, 12, static_cast<std::uint32_t>(buffer.size()));
  put(buffer, 16, header.generation);
  put(buffer, 32, header.sequence);
  put(buffer, 40, header.first);
  put(buffer, 48, header.size);
  put(buffer, 56, header.records);
  put(buffer, 60, record_bytes);
  put(buffer, 64, header.previous);
  put(buffer, 96, header.root);
  put(buffer, 128, header.time);
  put(buffer, kSignedBytes, key.sign(as_bytes(signed_text(origin, buffer))));
  put(buffer, kCrcAt, group_crc(buffer));
}

Digest group_hash(std::string_view bytes) { return crypto::sha256(bytes.substr(0, kGroupHashedBytes)); }

bool group_signed(std::string_view bytes, const Verifier& verifier) {
  return crypto::verify_ed25519(verifier.key, as_bytes(signed_text(verifier.name, bytes)), get<crypto::Signature64>(bytes, kSignedBytes));
}

Result<Look> look(const store::File& file, std::uint64_t offset, std::uint64_t file_size) {
  if (offset >= file_size) return Look{};
  std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, file_size - offset)), '\0');
  LICET_TRY_VOID(file.read_at(offset, std::as_writable_bytes(std::span(bytes))));
  if (all_zero(bytes)) return Look{};
  if (bytes.size() < kBlock) return broken("less than a block");
  if (!bytes.starts_with(kMagic)) return broken("not the beginning of a group");
  if (const auto version = get<std::uint32_t>(bytes, 8); version != kGroupVersion) {
    Look result;
    result.found = version > kGroupVersion ? Found::newer : Found::broken;
    result.why = "a group of format version " + std::to_string(version);
    return result;
  }
  const auto length = get<std::uint32_t>(bytes, 12);
  if (length < kBlock || length % kBlock != 0 || length > file_size - offset) return broken("a group of impossible length");
  bytes.resize(length);
  if (length > kBlock) LICET_TRY_VOID(file.read_at(offset + kBlock, std::as_writable_bytes(std::span(bytes)).subspan(kBlock)));
  if (get<std::uint32_t>(bytes, kCrcAt) != group_crc(bytes)) return broken("a group whose CRC doesn't match");

  Look result;
  result.found = Found::group;
  Group& group = result.group;
  group.bytes = std::move(bytes);
  const std::string_view view = group.bytes;
  group.header = {get<std::array<std::byte, 16>>(view, 16), get<std::uint64_t>(view, 32), get<std::uint64_t>(view, 40),
                  get<std::uint64_t>(view, 48),             get<std::uint32_t>(view, 56), get<Digest>(view, 64),
                  get<Digest>(view, 96),                    get<std::int64_t>(view, 128)};
  // Lengths inside were covered by the CRC, so from here on a mismatch is a writer's or a forger's, not a torn write.
  std::string_view rest = view.substr(kGroupHeaderBytes);
  const auto record_bytes = get<std::uint32_t>(view, 60);
  if (record_bytes > rest.size() || !all_zero(rest.substr(record_bytes)) || rest.size() - record_bytes >= kBlock ||
      !all_zero(view.substr(136, kSignedBytes - 136)) || !all_zero(view.substr(260, 4)))
    return broken("a group with bytes where zeros must be");
  rest = rest.substr(0, record_bytes);
  while (!rest.empty()) {
    if (rest.size() < kRecordHeaderBytes) return broken("a group whose records don't fill it");
    const std::uint64_t leaf = get<std::uint32_t>(rest, 0), box = get<std::uint32_t>(rest, 4);
    if (leaf + box > rest.size() - kRecordHeaderBytes) return broken("a record longer than its group");
    group.records.push_back({rest.substr(kRecordHeaderBytes, leaf), rest.substr(kRecordHeaderBytes + leaf, box)});
    rest.remove_prefix(kRecordHeaderBytes + leaf + box);
  }
  if (group.records.size() != group.header.records) return broken("a group with another number of records than it says");
  return result;
}

Result<std::uint64_t> end_of_bytes(const store::File& file, std::uint64_t offset, std::uint64_t file_size) {
  constexpr std::uint64_t kStep = 256 * 1024;
  std::uint64_t end = offset;
  std::string bytes;
  for (std::uint64_t at = offset; at < file_size; at += kStep) {
    bytes.resize(static_cast<std::size_t>(std::min(kStep, file_size - at)));
    LICET_TRY_VOID(file.read_at(at, std::as_writable_bytes(std::span(bytes))));
    if (const std::size_t last = bytes.find_last_not_of('\0'); last != std::string::npos) end = at + last + 1;
  }
  return end;
}

}  // namespace licet::ledger
