// A group: what one write and one fdatasync make durable. docs/formats/ledger.md is the specification; this is its table.
//
//   OFFSET SIZE
//        0    8  magic "licetgrp"
//        8    4  format version, 1
//       12    4  length of the group in bytes, a multiple of 4096
//       16   16  generation: random, new at every start of the process
//       32    8  sequence number, from 1, over all segments
//       40    8  index of the first record
//       48    8  tree size after this group
//       56    4  records
//       60    4  bytes of records
//       64   32  SHA-256 of bytes 0 to 256 of the group before; zero in the first
//       96   32  root of the tree after this group
//      128    8  time of the last record, µs
//      136   56  zero
//      192   64  Ed25519 signature of "licet-group/1\n" ‖ origin ‖ "\n" ‖ bytes 0 to 192
//      256    4  CRC-32C of the whole group with this field zero
//      260    4  zero
//      264       records: u32 leaf length ‖ u32 box length ‖ leaf ‖ box; then zeros to the length
//
// Integers are little-endian. The CRC finds tearing; chain, root and signature find tampering: the root covers the leaves, and each leaf
// names the SHA-256 of its box. Do not change these values: readers keep every version that was ever written.
// Thread rule: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "ledger/merkle.h"
#include "ledger/note.h"
#include "store/file.h"

namespace licet::ledger {

inline constexpr std::size_t kBlock = 4096;
inline constexpr std::size_t kGroupHeaderBytes = 264;
inline constexpr std::size_t kGroupHashedBytes = 256;
inline constexpr std::size_t kRecordHeaderBytes = 8;
inline constexpr std::uint32_t kGroupVersion = 1;

[[nodiscard]] constexpr std::size_t padded(std::size_t bytes) { return (bytes + kBlock - 1) / kBlock * kBlock; }

struct GroupHeader {
  std::array<std::byte, 16> generation{};
  std::uint64_t sequence = 0;
  std::uint64_t first = 0;
  std::uint64_t size = 0;
  std::uint32_t records = 0;
  Digest previous{};
  Digest root{};
  std::int64_t time = 0;
};

// Views into the group's bytes.
struct Record {
  std::string_view leaf;
  std::string_view box;
};

struct Group {
  GroupHeader header;
  std::string bytes;
  std::vector<Record> records;
  Group() = default;
  Group(Group&&) = default;
  Group& operator=(Group&&) = default;
};

// Writing: begin, add records, seal. `buffer` is reused from group to group.
void begin_group(std::string& buffer);
void add_record(std::string& buffer, std::string_view leaf_before, std::string_view leaf_time, std::string_view leaf_after, std::string_view box);
void seal_group(std::string& buffer, const GroupHeader& header, std::string_view origin, const crypto::Ed25519Key& key);

[[nodiscard]] Digest group_hash(std::string_view bytes);
[[nodiscard]] bool group_signed(std::string_view bytes, const Verifier& verifier);

// What is at an offset of a segment.
enum class Found {
  group,    // whole, by its CRC and its own lengths
  nothing,  // a block of zeros, or the end of the file
  broken,   // something else
  newer,    // a group of a format version that this program doesn't know
};
struct Look {
  Found found = Found::nothing;
  Group group;
  std::string why;  // broken, newer
};
[[nodiscard]] Result<Look> look(const store::File& file, std::uint64_t offset, std::uint64_t file_size);
// The end of the last non-zero byte at or after `offset`; `offset` where all is zero.
[[nodiscard]] Result<std::uint64_t> end_of_bytes(const store::File& file, std::uint64_t offset, std::uint64_t file_size);

}  // namespace licet::ledger
