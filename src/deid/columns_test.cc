#include "deid/columns.h"

#include <gtest/gtest.h>

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
