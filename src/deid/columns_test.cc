#include "deid/columns.h"
#include "base/csv.h"

#include <gtest/gtest.h>

#include "codec/csv.h"

namespace licet::codec {
namespace {

// Records as "cell|cell;" , problems as "!problem;".
std::string read_csv(std::string_view bytes, std::size_t chunk, std::size_t most = 1 << 16) {
  CsvReader reader(',', most);
  std::string out, scratch;
  for (bool end = false;;) {
    while (const CsvRecord* r = reader.next()) {
      if (r->problem != nullptr) {
        out += std::string("!") + r->problem;
      } else {
        for (std::size_t n = 0; n < r->cells.size(); ++n) out.append(n > 0 ? "|" : "").append(r->cells[n].text(scratch));
      }
      out += ';';
    }
    if (end) return out;
    reader.feed(bytes.substr(0, chunk));
    bytes.remove_prefix(std::min(chunk, bytes.size()));
    if (bytes.empty()) {
      reader.finish();
      end = true;
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
      {"\"\",\"\"\n", "|;"},
      {"a\n\nb", "a;;b;"},
      {"a\n\"never", "a;!a quote that is never closed;"},
      {"a\rb\r", "a;b;"},
  };
  for (const auto& [in, want] : cases)
    for (std::size_t chunk = 1; chunk < 20; ++chunk) EXPECT_EQ(read_csv(in, chunk), want) << in << " by " << chunk;
}

TEST(CsvReader, LongLinesAreBounded) {
  EXPECT_EQ(read_csv("a\n" + std::string(5000, 'x') + "\nb\n", 100, 1000), "a;!it is longer than a record may be;b;");
  EXPECT_EQ(read_csv("a\n\"" + std::string(5000, 'x') + "\nb\n", 100, 1000),
            "a;!a quote that isn't closed within the length of a record: the rest of the file is not read;");
}

TEST(CsvReader, WhatIsPutReadsAgain) {
  for (const char* text : {"", "a", "a,b", "\"", "\"\"", "a\nb", "a\r", ",", "x\"y"}) {
    std::string out;
    put_csv(text, ',', out);
    out += ",z\n";
    EXPECT_EQ(read_csv(out, 3), std::string(text) + "|z;");
  }
}

}  // namespace
}  // namespace licet::codec

namespace licet::deid {
namespace {

TEST(Columns, AreToldInlineOrByLine) {
  auto one = parse_columns("dob=date, sex=token,note=text");
  ASSERT_TRUE(one.ok()) << one.error().message;
  ASSERT_EQ(one->size(), 3U);
  EXPECT_EQ((*one)[1].word(), "token");
  auto two = parse_columns("# what they are\na = b, c = drop  # nothing says\nBirth date = date    # its name\n\n");
  ASSERT_TRUE(two.ok()) << two.error().message;
  EXPECT_EQ((*two)[0].name, "a = b, c");
  EXPECT_EQ((*two)[1].name, "Birth date");
  EXPECT_EQ((*two)[1].word(), "date");
  for (const char* wrong : {"dob", "dob=birthday", "a = x\nb\n"}) EXPECT_FALSE(parse_columns(wrong).ok()) << wrong;
}

}  // namespace
}  // namespace licet::deid
