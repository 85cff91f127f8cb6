#include "codec/csv.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/csv.h"
#include "base/random.h"

namespace licet::codec {
namespace {

// Records as "cell|cell;", problems as "!problem;". `into`: the bytes are put into the reader's own room.
std::string read_csv(std::string_view bytes, std::size_t chunk, CsvReader reader = CsvReader(',', 1 << 16), bool into = false) {
  std::string out, scratch;
  for (;;) {
    while (const CsvRecord* r = reader.next()) {
      if (r->problem != nullptr) {
        out += std::string("!") + r->problem;
      } else {
        for (std::size_t n = 0; n < r->cells.size(); ++n) out.append(n > 0 ? "|" : "").append(r->cells[n].text(scratch));
      }
      out += ';';
    }
    if (reader.finished()) return out;
    const std::string_view next = bytes.substr(0, chunk);
    bytes.remove_prefix(next.size());
    if (next.empty()) {
      reader.finish();
    } else if (into) {
      std::copy(next.begin(), next.end(), reader.room(chunk + 3).begin());
      reader.commit(next.size());
    } else {
      reader.feed(next);
    }
  }
}

TEST(CsvReader, Records) {
  const std::pair<const char*, const char*> cases[] = {
      {"a,b\n1,2\n", "a|b;1|2;"},
      {"a,b\r\n1,2", "a|b;1|2;"},
      {"\xef\xbb\xbf"
       "a\n",
       "a;"},
      {"a\"b\nc\n", "!a quote inside a cell that has none around it;c;"},
      {"\"a,\"\"b\"\"\n\",c\n", "a,\"b\"\n|c;"},
      {"\"a\"x,y\nz\n", "!words behind a closing quote;z;"},
      {"a,\n,b\n", "a|;|b;"},
      {"a,", "a|;"},
      {"a,\"b\"", "a|b;"},
      {"\"\",\"\"\n", "|;"},
      {"\"\"\"\"\"\",\"a\"\"\"\n", "\"\"|a\";"},
      {"a\n\nb", "a;;b;"},
      {"a\n\"never", "a;!a quote that is never closed;"},
      {"a\rb\r", "a;b;"},
      {"a,\"x \"\"y\"\",\nz\"\n\"\",q\r\nlast,\"\"", "a|x \"y\",\nz;|q;last|;"},
  };
  for (const auto& [in, want] : cases)
    for (std::size_t chunk = 1; chunk < 20; ++chunk)
      for (const bool into : {false, true}) EXPECT_EQ(read_csv(in, chunk, CsvReader(',', 1 << 16), into), want) << in << " by " << chunk;
}

TEST(CsvReader, LongLinesAreBounded) {
  const CsvReader reader(',', 1000);
  EXPECT_EQ(read_csv("a\n" + std::string(5000, 'x') + "\nb\n", 100, reader), "a;!it is longer than a record may be;b;");
  EXPECT_EQ(read_csv("a\n\"" + std::string(5000, 'x') + "\nb\n", 100, reader),
            "a;!a quote that isn't closed within the length of a record: the rest of the file is not read;");
}

TEST(CsvReader, CellsAreBounded) {
  const CsvReader reader(',', 16 << 20);
  const std::string many(2'000'000, ',');
  for (const std::size_t chunk : {std::size_t{300'000}, std::size_t{9'000'000}}) {
    const std::string says = "!it has more cells than a record may have, 1,048,576;";
    EXPECT_EQ(read_csv("a\n" + many + "\"\n\"\nb\n" + many, chunk, reader), "a;" + says + "b;" + says) << "what a quote holds is no end";
  }
}

TEST(CsvReader, QuotesInsideCells) {
  const CsvReader kept(',', 1000, CsvReader::BareQuote::kept);
  for (std::size_t chunk = 1; chunk < 9; ++chunk) {
    EXPECT_EQ(read_csv("5\" pipe,a\"\"\n\"b\",c\"", chunk, kept), "5\" pipe|a\"\";b|c\";") << chunk;
    EXPECT_EQ(read_csv("\"b\"x,c\n", chunk, kept), "!words behind a closing quote;");
  }
}

TEST(CsvReader, AnyDelimiterKnownBeforeTheFirstRecord) {
  CsvReader reader(',', 1000);
  reader.feed("a,b;c\n1;2\n");
  EXPECT_EQ(reader.ahead(), "a,b;c\n1;2\n");
  reader.set_delimiter(';');
  EXPECT_EQ(read_csv("", 1, std::move(reader)), "a,b|c;1|2;");
}

// What the reader is held to: one byte after the other, and no more than the words of its header.
std::string plainly(std::string_view bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    std::string record, problem;
    for (;;) {
      std::string cell;
      if (at < bytes.size() && bytes[at] == '"') {
        for (++at;; ++at) {
          if (at == bytes.size()) return out + "!a quote that is never closed;";
          if (bytes[at] != '"') {
            cell += bytes[at];
          } else if (at + 1 < bytes.size() && bytes[at + 1] == '"') {
            cell += bytes[at++];
          } else {
            break;
          }
        }
        if (++at < bytes.size() && bytes[at] != ',' && bytes[at] != '\r' && bytes[at] != '\n') problem = "words behind a closing quote";
      } else {
        while (at < bytes.size() && bytes[at] != ',' && bytes[at] != '\r' && bytes[at] != '\n' && bytes[at] != '"') cell += bytes[at++];
        if (at < bytes.size() && bytes[at] == '"') problem = "a quote inside a cell that has none around it";
      }
      record += cell;
      if (!problem.empty() || at == bytes.size() || bytes[at] != ',') break;
      record += '|';
      ++at;
    }
    if (!problem.empty()) at = std::min(bytes.find('\n', at), bytes.size());
    if (at < bytes.size() && bytes[at] == '\r' && at + 1 < bytes.size() && bytes[at + 1] == '\n') ++at;
    ++at;
    out += (problem.empty() ? record : "!" + problem) + ";";
  }
  return out;
}

TEST(CsvReader, ReadsAsOneByteAfterTheOther) {
  SeededRandom random(11);
  constexpr std::string_view kLetters = "abcd,,,\"\"\n\r";
  for (int i = 0; i < 4000; ++i) {
    std::string text;
    // Short ones for all their ends, and some that are longer than a window of marks.
    const std::uint64_t size = i % 100 == 0 ? 20'000 : random.next() % 200;
    const std::uint64_t dense = random.next() % 8;
    for (std::uint64_t n = 0; n < size; ++n)
      text += random.next() % 8 >= dense ? 'x' : kLetters[random.next() % (i % 2 == 0 ? kLetters.size() : 7)];
    const std::string want = plainly(text);
    for (const std::size_t chunk : {std::size_t{1} + random.next() % 70, text.size() + 1})
      ASSERT_EQ(read_csv(text, chunk), want) << "text " << i << " by " << chunk;
  }
}

TEST(CsvReader, WhatIsPutReadsAgain) {
  SeededRandom random(5);
  constexpr std::string_view kLetters = "ab,\"\n\r ;";
  for (int i = 0; i < 300; ++i) {
    std::string line, want;
    for (std::size_t cell = 0; cell < 3; ++cell) {
      std::string text;
      for (std::uint64_t n = random.next() % 6; n > 0; --n) text += kLetters[random.next() % kLetters.size()];
      if (cell > 0) line += ',', want += '|';
      put_csv(text, ',', line);
      want += text;
    }
    EXPECT_EQ(read_csv(line + "\n", 7), want + ";");
  }
}

}  // namespace
}  // namespace licet::codec
