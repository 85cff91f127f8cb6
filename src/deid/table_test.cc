#include "deid/table.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "deid/internal/shipped.h"

namespace licet::deid {
namespace {

// The records of a CSV without a header; `noted`: the texts that were read.
std::string made_of(ShippedRun& run, std::string_view columns, std::string_view csv, std::size_t* noted = nullptr) {
  auto told = parse_columns(columns);
  EXPECT_TRUE(told.ok());
  TableTransform table(*std::move(told), run.values, run.pieces, [&](std::string_view, const std::vector<Span>&) {
    if (noted != nullptr) ++*noted;
  });
  codec::CsvReader reader(',', 1 << 16);
  reader.feed(csv);
  reader.finish();
  while (const codec::CsvRecord* r = reader.next()) table.apply(*r, "\n");
  return std::string(table.made());
}

TEST(Table, EachCellByItsColumn) {
  ShippedRun run{*shipped().library.find("safe-harbor")};
  const std::string out = made_of(run, "id=patient,dob=date,zip=zip,state=state,n=number,t=token,name=name,note=text,x=keep",
                                  "P-1,1979-03-14,45990,OH,98.6,2345-7,Maria,\"seen, ill\",\"a, b\"\r\n"
                                  "\"P-1\",\"3/14/1979\",\"45990\",\"Ohio\",\"-1\",\"F\",,\"\",any\n"
                                  "P-2,then,4599,Nowhere,1e5,two words,Tom,ill,5\n");
  const std::string one(run.codes.of("P-1")), two(run.codes.of("P-2"));
  EXPECT_EQ(out, one + ",1979,459,OH,98.6,2345-7,,,\"a, b\"\r\n" + one + ",1979,459,Ohio,\"-1\",\"F\",,\"\",any\n" + two + ",,,,,,,,5\n");
  EXPECT_EQ(run.values.tally.misfit, 3U);  // Nowhere, 1e5, two words
  EXPECT_EQ(run.values.tally.kinds[static_cast<std::size_t>(Kind::zip)], 3U);
  EXPECT_EQ(run.values.tally.kinds[static_cast<std::size_t>(Kind::text)], 2U);
}

TEST(Table, TextsAreReadWithTheirPatient) {
  ShippedRun run{*shipped().library.find("safe-harbor-text")};
  std::size_t noted = 0;
  const std::string out = made_of(run, "name=name,note=text", "Maria Plantedworth,\"Plantedworth, seen at home\"\nTom,\n", &noted);
  EXPECT_EQ(out.find("Plantedworth"), std::string::npos) << out;
  EXPECT_NE(out.find("seen at home"), std::string::npos) << out;
  EXPECT_EQ(noted, 1U);
}

TEST(Table, DatesMoveWithThePatientOfTheSameFile) {
  ShippedRun run{*shipped().library.find("pseudonymized")};
  const std::string both = made_of(run, "id=patient,seen=date", "a,2020-01-01\na,2020-01-11\nb,2020-01-01\n");
  const auto day = [&](std::size_t line) {
    std::size_t at = 0;
    for (; line > 0; --line) at = both.find('\n', at) + 1;
    const std::size_t comma = both.find(',', at);
    return both.substr(comma + 1, both.find('\n', at) - comma - 1);
  };
  EXPECT_NE(day(0), "2020-01-01");
  EXPECT_NE(day(0), day(1));
  EXPECT_NE(day(0), day(2));
  // A patient of the file before is nobody here.
  EXPECT_EQ(made_of(run, "seen=date", "2020-01-01\n"), "\n");
}

// What was remembered is what would be made: cells come again, in an order that drives one another out.
TEST(Table, RememberingChangesNothing) {
  SeededRandom random(3);
  const std::string columns = "a=patient,b=date,c=zip,d=state,e=age,f=name,g=id,h=country,i=phone";
  for (const char* name : {"safe-harbor", "limited-data-set", "pseudonymized"}) {
    ShippedRun all{*shipped().library.find(name)}, each{*shipped().library.find(name)};
    std::string csv, one_by_one;
    for (int n = 0; n < 3000; ++n) {
      std::string row;
      for (int c = 0; c < 9; ++c) {
        if (c > 0) row += ',';
        const std::uint64_t r = random.next();
        const std::string_view words[] = {"OH",
                                          "Ohio",
                                          "USA",
                                          "1979-03-14",
                                          "2/3/2001",
                                          "45990",
                                          "03601",
                                          "95",
                                          "\"7\"",
                                          "\"a, b\"",
                                          "\"Tom \"\"T\"\" Lee\"",
                                          "a name longer than sixteen"};
        row += r % 3 == 0 ? std::string(words[r / 3 % std::size(words)]) : std::to_string(r / 3 % (r % 2 == 0 ? 100 : 100'000));
      }
      csv += row + "\n";
      one_by_one += made_of(each, columns, row + "\n");
    }
    EXPECT_EQ(made_of(all, columns, csv), one_by_one) << name;
    EXPECT_EQ(all.values.tally.kinds, each.values.tally.kinds) << name;
    EXPECT_EQ(all.values.tally.misfit, each.values.tally.misfit) << name;
  }
}

TEST(Table, ExpectingChangesNothing) {
  SeededRandom random(6);
  std::string csv, expecting, not_expecting;
  for (int n = 0; n < 20'000; ++n) csv += (n % 5 == 0 ? "\"a \"\"" : "\"") + std::to_string(random.next() % 6000) + "\",x\n";
  for (const bool expects : {false, true}) {
    ShippedRun run{*shipped().library.find("safe-harbor")};
    TableTransform table(*parse_columns("id=patient,x=token"), run.values, run.pieces);
    codec::CsvReader reader(',', 1 << 16);
    reader.feed(csv);
    reader.finish();
    for (auto records = reader.next(32); !records.empty(); records = reader.next(32)) {
      if (expects) table.expect(records);
      for (const codec::CsvRecord& r : records) table.apply(r, "\n");
    }
    EXPECT_GT(run.codes.size(), 4096U);
    (expects ? expecting : not_expecting) = table.made();
  }
  EXPECT_EQ(expecting, not_expecting);
}

TEST(Values, WhatStaysIsACodeOrNumberThatSaysNotWhich) {
  SeededRandom random(4);
  constexpr std::string_view kLetters = "0123456789012345678901234567890123456789--..+AZaz_ ,\x80";
  std::size_t stay = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    const std::uint64_t size = random.next() % (i % 50 == 0 ? 80 : 16), among = i % 2 == 0 ? 42 : kLetters.size();
    for (std::uint64_t n = 0; n < size; ++n) text += kLetters[random.next() % among];
    if (i % 7 == 0) text = "19" + text.substr(0, 2) + "0" + text;
    ASSERT_EQ(token_stays(text), is_token(text) && !says_which(text, false)) << text;
    ASSERT_EQ(number_stays(text), is_decimal(text) && !says_which(text, false)) << text;
    stay += token_stays(text);
  }
  EXPECT_GT(stay, 1000U);
}

}  // namespace
}  // namespace licet::deid
