#include "codec/words.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>

#include "codec/internal/tape.h"

namespace licet::codec {
namespace {

std::string random_bytes(std::mt19937_64& random, std::size_t size, std::string_view of) {
  std::string made(size, ' ');
  for (char& c : made) c = of[random() % of.size()];
  return made;
}

TEST(Words, AreTheSameWhereverTheKeyStands) {
  std::mt19937_64 random(1);
  for (std::size_t size = 0; size < 40; ++size)
    for (int k = 0; k < 50; ++k) {
      const std::string key = random_bytes(random, size, "abcdefXYZ019_\xc3\xa9"), before = random_bytes(random, 8, "ab\"{");
      const std::string text = before + key;
      const std::string_view inside = std::string_view(text).substr(8);
      EXPECT_EQ(key_words(key), key_words_inside(inside.data(), size));
      std::string other = key;
      if (size > 0 && size <= 16) {
        other[random() % size] ^= 1;
        EXPECT_NE(key_words(other), key_words(key));
      }
      EXPECT_NE(key_words(key + "a"), key_words(key));
    }
}

TEST(Words, AnIndexFindsItsNamesAndNoOthers) {
  std::mt19937_64 random(2);
  for (const std::size_t count : {0U, 1U, 3U, 40U, 700U}) {
    // Among them some that differ only in the middle, where no word reaches.
    std::set<std::string> all;
    while (all.size() < count) {
      std::string name = random_bytes(random, random() % 20, "abc");
      if (random() % 4 == 0) name = "medicati" + random_bytes(random, 2 + random() % 3, "ab") + "tConcept";
      all.insert(name);
    }
    const std::vector<std::string> names(all.begin(), all.end());
    KeyIndex index;
    index.build(names);
    const auto find = [&](std::string_view key) {
      return index.find(key, key_words(key), [&](std::size_t n) -> std::string_view { return names[n]; });
    };
    for (std::size_t n = 0; n < names.size(); ++n) EXPECT_EQ(find(names[n]), n);
    for (int k = 0; k < 2000; ++k) {
      const std::string key = random_bytes(random, random() % 20, "abc");
      EXPECT_EQ(find(key).has_value(), all.contains(key)) << key;
      EXPECT_EQ(find("medicati" + key + "tConcept").has_value(), all.contains("medicati" + key + "tConcept"));
    }
  }
}

TEST(Words, IdsAreOfTheirBytes) {
  const std::string good = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";
  EXPECT_FALSE(is_id(""));
  EXPECT_FALSE(is_id(std::string(65, 'a')));
  std::mt19937_64 random(3);
  for (std::size_t size = 1; size <= 64; ++size)
    for (int c = 0; c < 256; ++c) {
      std::string id = random_bytes(random, size, good);
      EXPECT_TRUE(is_id(id)) << id;
      id[random() % size] = static_cast<char>(c);
      EXPECT_EQ(is_id(id), good.find(static_cast<char>(c)) != std::string::npos) << size << ' ' << c;
    }
}

// The same tokens, whatever the processor has, and whether the text comes at once or in parts.
TEST(Index, IsTheSameWithAllInstructions) {
  using Vectors = internal::Indexer::Vectors;
  std::mt19937_64 random(4);
  for (int k = 0; k < 3000; ++k) {
    const std::size_t size = random() % (k % 10 == 0 ? 40'000 : 400);
    const std::string_view of = k % 3 == 0 ? "{}[]:,\"\\ \n\t\r1a" : k % 3 == 1 ? "{\"abcdefgh\\\xc3\xa9 :1," : "\"\\\"\\x\x01\x1f ,";
    const std::string made = random_bytes(random, size, of);
    const std::unique_ptr<char[]> exact(new char[size]);  // so that a byte too far is seen
    std::copy(made.begin(), made.end(), exact.get());
    std::vector<std::uint32_t> first;
    bool first_bad = false, first_inside = false;
    for (int v = 0; v <= static_cast<int>(internal::Indexer::best()); ++v)
      for (const bool parts : {false, true}) {
        internal::Tape tape;
        internal::Indexer indexer{static_cast<Vectors>(v)};
        if (parts) indexer.run(exact.get(), size / 3, false, tape);
        indexer.run(exact.get(), size, true, tape);
        const std::vector<std::uint32_t> tokens(tape.pos, tape.pos + tape.count);
        if (v == 0 && !parts) {
          first = tokens;
          first_bad = indexer.bad();
          first_inside = indexer.in_string();
        }
        ASSERT_EQ(tokens, first) << v << parts;
        ASSERT_EQ(indexer.bad(), first_bad);
        ASSERT_EQ(indexer.in_string(), first_inside);
      }
  }
}

}  // namespace
}  // namespace licet::codec
