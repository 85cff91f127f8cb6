// Hash vectors, probes, and the golden log of transparency-dev/tessera (testdata/log, Apache-2.0).
#include "ledger/merkle.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "crypto/crypto.h"
#include "ledger/note.h"
#include "ledger/proof.h"
#include "ledger/tiles.h"

namespace licet::ledger {
namespace {

std::vector<Digest> numbered(std::size_t n) {
  std::vector<Digest> leaves;
  for (std::size_t i = 0; i < n; ++i) leaves.push_back(leaf_hash("entry " + std::to_string(i)));
  return leaves;
}

// MTH as RFC 6962 §2.1 writes it: the naive twin of everything here.
Digest naive_root(std::span<const Digest> leaves) {
  if (leaves.empty()) return empty_root();
  if (leaves.size() == 1) return leaves[0];
  std::size_t k = 1;
  while (k * 2 < leaves.size()) k *= 2;
  return node_hash(naive_root(leaves.first(k)), naive_root(leaves.subspan(k)));
}

Hashes hashes_of(const std::vector<Digest>& leaves) {
  return [&leaves](unsigned level, std::uint64_t index) -> Result<Digest> {
    return naive_root(std::span(leaves).subspan(index << level, std::size_t{1} << level));
  };
}

TEST(Merkle, HashVectors) {
  EXPECT_EQ(hex(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(leaf_hash("")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(hex(leaf_hash("L123456")), "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
  const std::vector<const char*> leaves = {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  const std::vector<const char*> roots = {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                          "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                          "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                          "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                          "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                          "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                          "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  CompactRange tree;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    tree.append(leaf_hash(*unhex(leaves[i])));
    if (i > 0) EXPECT_EQ(hex(tree.root()), roots[i - 1]);
  }
}

TEST(Merkle, EveryProofOfEverySmallTree) {
  const auto all = numbered(40);
  for (std::size_t size = 1; size <= all.size(); ++size) {
    const std::vector<Digest> leaves(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
    const Digest root = naive_root(leaves);
    CompactRange range;
    for (const Digest& leaf : leaves) range.append(leaf);
    EXPECT_EQ(range.root(), root);
    EXPECT_EQ(*root_of(size, hashes_of(leaves)), root);
    for (std::size_t i = 0; i < size; ++i) {
      auto proof = inclusion_proof(i, size, hashes_of(leaves));
      ASSERT_TRUE(proof.ok());
      EXPECT_TRUE(verify_inclusion(i, size, leaves[i], *proof, root).ok());
      EXPECT_FALSE(verify_inclusion(i, size, leaves[(i + 1) % size], *proof, root).ok() && size > 1);
      EXPECT_FALSE(verify_inclusion((i + 1) % size, size, leaves[i], *proof, root).ok() && size > 1);
      for (Digest& hash : *proof) {
        hash[5] ^= std::byte{1};
        EXPECT_FALSE(verify_inclusion(i, size, leaves[i], *proof, root).ok());
        hash[5] ^= std::byte{1};
      }
      proof->push_back(root);
      EXPECT_FALSE(verify_inclusion(i, size, leaves[i], *proof, root).ok());
    }
    for (std::size_t old = 1; old <= size; ++old) {
      auto proof = consistency_proof(old, size, hashes_of(leaves));
      ASSERT_TRUE(proof.ok());
      const Digest old_root = naive_root(std::span(leaves).first(old));
      EXPECT_TRUE(verify_consistency(old, size, old_root, root, *proof).ok()) << old << " of " << size;
      if (old < size) {
        EXPECT_FALSE(verify_consistency(old, size, root, root, *proof).ok());
        EXPECT_FALSE(verify_consistency(old, size, old_root, old_root, *proof).ok());
        proof->pop_back();
        EXPECT_FALSE(verify_consistency(old, size, old_root, root, *proof).ok());
      }
    }
  }
}

Digest from_base64(const nlohmann::json& j) {
  Digest d{};
  const auto bytes = unbase64(j.get<std::string>());
  if (bytes) std::memcpy(d.data(), bytes->data(), std::min(bytes->size(), d.size()));
  return d;
}

TEST(Merkle, ProbesOfTransparencyDev) {
  const std::filesystem::path folder = std::filesystem::path(LICET_SOURCE_DIR) / "../shared/data/vectors/merkle/testdata";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "../shared/data is not here";
  std::size_t inclusion = 0, consistency = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const std::string path = entry.path().string();
    std::ifstream in(path);
    const auto j = nlohmann::json::parse(in);
    Proof proof;
    bool lengths = true;
    if (j.contains("proof") && !j["proof"].is_null()) {
      for (const auto& h : j["proof"]) {
        const auto bytes = unbase64(h.get<std::string>());
        lengths = lengths && bytes && bytes->size() == 32;
        proof.push_back(from_base64(h));
      }
    }
    const bool want = !j["wantErr"].get<bool>();
    if (path.find("/inclusion/") != std::string::npos) {
      ++inclusion;
      const bool got = lengths && unbase64(j["leafHash"].get<std::string>())->size() == 32 && unbase64(j["root"].get<std::string>())->size() == 32 &&
                       verify_inclusion(j["leafIdx"], j["treeSize"], from_base64(j["leafHash"]), proof, from_base64(j["root"])).ok();
      EXPECT_EQ(got, want) << path << " " << j["desc"];
    } else if (path.find("/consistency/") != std::string::npos) {
      ++consistency;
      if (j["size1"] == 0) continue;  // refused there by a policy that tlog-witness doesn't have
      const bool got = lengths && verify_consistency(j["size1"], j["size2"], from_base64(j["root1"]), from_base64(j["root2"]), proof).ok();
      EXPECT_EQ(got, want) << path << " " << j["desc"];
    }
  }
  EXPECT_GT(inclusion, 90u);
  EXPECT_GT(consistency, 90u);
}

// ---- notes

TEST(Note, TheVectorOfC2sp) {
  auto verifier = parse_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
  ASSERT_TRUE(verifier.ok());
  EXPECT_EQ(vkey(*verifier), "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
  const std::string text = "This is an example message.\n";
  const std::string line =
      "\xe2\x80\x94 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
  const std::string other = "\xe2\x80\x94 example.com/bar Uw2QOkn8srV1yJGh\n";
  EXPECT_EQ(*open_note(text + "\n" + line, *verifier), text);
  EXPECT_EQ(*open_note(text + "\n" + other + line, *verifier), text);
  const std::vector<std::string> refused = {
      text + line,                       // no empty line
      text + "\n" + other,               // not its signature
      "x" + text + "\n" + line,          // another text
      text + "\n" + line.substr(1),      // no dash
      text + "\n" + line.substr(0, line.size() - 1),
      "This is an example message.\r\n\n" + line,
      text + "\n" + line + "\n",         // signatures after the last empty line: none
      text + "\n" + line.substr(0, line.size() - 3) + "\n",  // unpadded base64
  };
  for (const auto& note : refused) EXPECT_FALSE(open_note(note, *verifier).ok()) << note;
  EXPECT_FALSE(parse_vkey("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k").ok());
  EXPECT_FALSE(parse_vkey("example.com/foo").ok());
}

TEST(Note, EveryFlippedBitOfACheckpointIsNoticed) {
  const std::string seed(32, 's');
  const auto key = crypto::Ed25519Key::from_seed(std::span<const std::byte, 32>(as_bytes(seed)));
  const Verifier verifier{"licet.example/t/n", key.public_key()};
  const std::string note = sign_note(checkpoint_text(verifier.name, 123, leaf_hash("x")), verifier.name, key);
  EXPECT_EQ(open_checkpoint(note, verifier)->size, 123u);
  for (std::size_t bit = 0; bit < note.size() * 8; ++bit) {
    std::string flipped = note;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(open_checkpoint(flipped, verifier).ok()) << bit;
  }
}

// ---- the golden log

TEST(Golden, TesseraLog) {
  const auto raw = unbase64("AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg");
  const auto key = crypto::Ed25519Key::from_seed(std::span<const std::byte, 32>(as_bytes(*raw).subspan(1)));
  const std::string origin = "example.com/log/testdata";
  const Verifier verifier{origin, key.public_key()};
  EXPECT_EQ(vkey(verifier), "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx");
  const std::vector<const char*> leaves = {"one", "two",  "three", "four",   "five",  "six",      "seven",   "eit",
                                           "nain", "ten", "ileven", "twelf", "threeten", "fourten", "fivten"};
  CompactRange tree;
  std::string at_one;
  for (const char* leaf : leaves) {
    tree.append(leaf_hash(leaf));
    if (tree.size() == 1) at_one = base64(tree.root());
  }
  EXPECT_EQ(at_one, "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=");
  EXPECT_EQ(sign_note(checkpoint_text(origin, tree.size(), tree.root()), origin, key),
            "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"
            "\xe2\x80\x94 example.com/log/testdata "
            "M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=\n");
}

// ---- tiles

TEST(Tiles, Paths) {
  const std::vector<std::pair<std::uint64_t, const char*>> numbers = {
      {0, "tile/0/000"}, {455667, "tile/0/x455/667"}, {1234067, "tile/0/x001/x234/067"}, {123456789, "tile/0/x123/x456/789"}, {1000, "tile/0/x001/000"}};
  for (const auto& [number, path] : numbers) EXPECT_EQ(tile_path(0, number, 256), path);
  EXPECT_EQ(tile_path(1, 67, 8), "tile/1/067.p/8");
  EXPECT_EQ(entries_path(67, 8), "tile/entries/067.p/8");
}

TEST(Tiles, SetsForASize) {
  EXPECT_TRUE(tiles_of(0).empty());
  EXPECT_EQ(tiles_of(256), (std::vector<Tile>{{0, 0, 256}, {1, 0, 1}}));
  const auto big = tiles_of(70'000);
  EXPECT_EQ(big.size(), 274u + 2u + 1u);
  EXPECT_EQ(big[273], (Tile{0, 273, 112}));
  EXPECT_EQ(big[275], (Tile{1, 1, 17}));
  EXPECT_EQ(big[276], (Tile{2, 0, 1}));
}

TEST(Tiles, ProofsFromTilesVerify) {
  for (const std::size_t size : {1U, 2U, 255U, 256U, 257U, 511U, 512U, 70'000U}) {
    const auto leaves = numbered(size);
    std::map<std::pair<unsigned, std::uint64_t>, std::vector<Digest>> tiles;
    TileTree tree;
    CompactRange range;
    for (const Digest& leaf : leaves) {
      range.append(leaf);
      auto appended = tree.append(leaf, [&](const Tile& t, std::string_view bytes) -> Result<void> {
        auto& tile = tiles[{t.level, t.number}];
        for (std::size_t at = 0; at < bytes.size(); at += 32) std::memcpy(tile.emplace_back().data(), bytes.data() + at, 32);
        return {};
      });
      ASSERT_TRUE(appended.ok());
    }
    for (unsigned level = 0; level < tree.levels(); ++level) tiles[{level, (size >> (8 * level)) / 256}] = tree.edge(level);
    const Hashes hashes = hashes_from_tiles([&](unsigned level, std::uint64_t number, unsigned) -> Result<std::vector<Digest>> {
      return tiles[{level, number}];
    });
    EXPECT_EQ(*root_of(size, hashes), range.root()) << size;
    for (const std::size_t index : {std::size_t{0}, size / 3, size - 1}) {
      auto proof = inclusion_proof(index, size, hashes);
      ASSERT_TRUE(proof.ok());
      EXPECT_TRUE(verify_inclusion(index, size, leaves[index], *proof, range.root()).ok());
    }
  }
}

TEST(Receipt, RoundTripAndEveryFlippedBit) {
  const std::string seed(32, 's');
  const auto key = crypto::Ed25519Key::from_seed(std::span<const std::byte, 32>(as_bytes(seed)));
  const Verifier verifier{"licet.example/t/n", key.public_key()};
  const auto leaves = numbered(5);
  Receipt receipt;
  receipt.index = 2;
  receipt.proof = *inclusion_proof(2, 5, hashes_of(leaves));
  receipt.checkpoint = sign_note(checkpoint_text(verifier.name, 5, naive_root(leaves)), verifier.name, key);
  const std::string text = print_receipt(receipt);
  EXPECT_EQ(print_receipt(*parse_receipt(text)), text);
  EXPECT_EQ(*verify_receipt(text, "entry 2", verifier), 2u);
  EXPECT_FALSE(verify_receipt(text, "entry 3", verifier).ok());
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(verify_receipt(flipped, "entry 2", verifier).ok()) << bit;
  }
}

}  // namespace
}  // namespace licet::ledger
