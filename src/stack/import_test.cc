#include "stack/import.h"

#include <gtest/gtest.h>

#include "stack/internal/import.h"
#include "stack/stack.h"

namespace licet::stack {
namespace {

constexpr std::string_view kOwn =
    "kind: stack\nid: t\nformat: 1\ntenant: t\ntimezone: Etc/UTC\n---\nkind: organization\nid: clinic\nname: Clinic\n";

// What every importer's YAML must be: a declaration that loads beside one with the owner, and nothing but the three kinds.
Stack loaded(std::string_view yaml) {
  const Source sources[] = {{"imported/x.yaml", std::string(yaml), Layer::imported}, {"stack.yaml", std::string(kOwn), Layer::authored}};
  Loaded out = load(sources);
  for (const Problem& p : out.problems) ADD_FAILURE() << p.text() << "\n" << yaml;
  return out.stack ? *std::move(out.stack) : Stack{};
}

TEST(Import, IdsOfOtherPeoplesNames) {
  for (const auto& [name, id] :
       {std::pair{"Auth0 (EU)", "auth0-eu"}, std::pair{"3M", "x-3m"}, std::pair{"---", "unnamed"}, std::pair{"", "unnamed"},
        std::pair{"\xc3\x9c"
                  "ber",
                  "ber"},
        std::pair{"a_b.c", "a-b-c"}})
    EXPECT_EQ(importing::id_of(name), id) << name;
  const std::string longest = importing::id_of(std::string(500, 'a'));
  EXPECT_EQ(longest.size(), 60U);
  EXPECT_EQ(importing::id_of(longest), longest) << "an id is its own id";
}

TEST(Import, TwoThingsOfOneNameAreTwo) {
  auto out = import("csv", "name,vendor\nMail,Mail\nMail!,Other\nmail,Mail\n", {.owner = "clinic", .source = {}});
  ASSERT_TRUE(out.ok()) << out.error().message;
  EXPECT_EQ(out->systems, 1U) << "one key: the same name but for its spelling";
  const Stack stack = loaded(out->yaml);
  EXPECT_EQ(stack.all("system").size(), 1U);
  EXPECT_EQ(stack.all("organization").size(), 3U) << "the owner, and both vendors";
}

TEST(Import, NamesCanNotBreakOut) {
  for (const std::string evil : {"x\"\nkind: permit\nid: stolen", "{a: b}", "- x", "#", "*alias", "!tag", "\\u0000", "'", "\x01\x02",
                                 "\xff\xfe", "a\xe2\x80\xa8kind: permit", "a\xc2\x85kind: permit", "\xef\xbb\xbf", "\xef\xbf\xbf"}) {
    auto out = import("csv", "name,vendor,data,from,to\n\"" + evil + "\",\"" + evil + "\",,,\n,,\"" + evil + "\",a,b\n",
                      {.owner = "clinic", .source = evil});
    if (!out) continue;  // a quote that ends the cell early
    const Stack stack = loaded(out->yaml);
    for (const Document& d : stack.documents)
      EXPECT_TRUE(d.kind == "stack" || d.kind == "organization" || d.kind == "system" || d.kind == "flow") << d.kind;
    for (const Document* f : stack.all("flow")) {
      EXPECT_EQ(f->list("data"), std::vector<std::string_view>{"unclassified"});
      EXPECT_EQ(f->list("purposes"), std::vector<std::string_view>{"licet:unstated"});
    }
  }
}

TEST(Import, AThreagileLinkIsAsWeakAsItsWeakestProtocol) {
  const std::string_view yaml =
      "technical_assets:\n  A:\n    id: a\n    communication_links:\n      one: {target: b, protocol: https, data_assets_sent: [x]}\n"
      "      two: {target: b, protocol: http, data_assets_sent: [y]}\n      three: {target: gone, protocol: https, data_assets_sent: [z]}\n"
      "  B:\n    id: b\n    encryption: transparent\n";
  auto out = import("threagile", yaml, {.owner = "clinic", .source = {}});
  ASSERT_TRUE(out.ok()) << out.error().message;
  const Stack stack = loaded(out->yaml);
  ASSERT_EQ(stack.all("flow").size(), 1U);
  EXPECT_FALSE(stack.all("flow")[0]->flag("encrypted", true));
  EXPECT_FALSE(stack.find("system", "b")->flag("encrypted", true));
}

TEST(Import, AwsRegions) {
  const auto region = [](const std::string& attributes) {
    auto out = import("terraform",
                      R"({"version":4,"resources":[{"mode":"managed","type":"aws_db_instance","name":"d","instances":[{"attributes":)" +
                          attributes + "}]}]}",
                      {.owner = "clinic", .source = {}});
    if (!out) return out.error().message;
    const Stack stack = loaded(out->yaml);
    return std::string(stack.all("system")[0]->text("region"));
  };
  EXPECT_EQ(region(R"({"identifier":"x","arn":"arn:aws:rds:us-west-2:1:db:x"})"), "us-west-2");
  EXPECT_EQ(region(R"({"identifier":"x","availability_zone":"us-east-1b"})"), "us-east-1");
  EXPECT_EQ(region(R"({"identifier":"x","arn":"nonsense"})"), "");
  EXPECT_EQ(region(R"({"identifier":7})"), "") << "a name of another type: the address";
}

TEST(Import, RefusesWhatIsTooDeepTooLargeOrNothing) {
  for (const ImportFormat& f : import_formats()) {
    for (const std::string& bytes :
         {std::string(), std::string(100'000, '['), std::string("\0\0", 2), std::string("null"), std::string("{}")}) {
      auto out = import(f.name, bytes, {.owner = "clinic", .source = {}});
      EXPECT_FALSE(out.ok()) << f.name;
    }
  }
  Limits small;
  small.stack_bytes = 10;
  auto large = import("csv", "name\nabcdefghijk\n", {.owner = "clinic", .source = {}}, small);
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, Code::exhausted);
  auto whose = import("csv", "name\nx\n", {.owner = "Not An Id", .source = {}});
  EXPECT_FALSE(whose.ok());
}

}  // namespace
}  // namespace licet::stack
