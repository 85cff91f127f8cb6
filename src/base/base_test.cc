// Small truths about base: dates, byte spellings, budgets, Current, reasons.
#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <thread>

#include "base/bytes.h"
#include "base/csv.h"
#include "base/current.h"
#include "base/html.h"
#include "base/limits.h"
#include "base/reasons.h"
#include "base/task.h"
#include "base/time.h"

namespace licet {
namespace {

TEST(Time, DatesAreStrict) {
  EXPECT_TRUE(parse_date("2024-02-29").ok());
  for (const char* bad : {"2026-02-29", "2026-13-01", "2026-1-05", "2026-01-05 ", "", "20260105", "2026-00-10"})
    EXPECT_FALSE(parse_date(bad).ok()) << bad;
  auto date = parse_date("2026-01-05");
  ASSERT_TRUE(date.ok());
  EXPECT_EQ(format(*date), "2026-01-05");
}

TEST(Time, InstantsRoundTrip) {
  for (const char* text : {"2026-01-05T09:30:00.123456Z", "1969-12-31T23:59:59.000001Z"}) {
    auto t = parse_time(text);
    ASSERT_TRUE(t.ok());
    EXPECT_EQ(format(*t), text);
  }
  EXPECT_FALSE(parse_time("2026-01-05T24:00:00Z").ok());
}

TEST(Time, ADayBeginsInItsOwnZone) {
  auto zone = Zone::find("America/New_York");
  ASSERT_TRUE(zone.ok());
  auto day = parse_date("2026-03-08");  // clocks jump at 02:00
  ASSERT_TRUE(day.ok());
  EXPECT_EQ(format(zone->start(*day)), "2026-03-08T05:00:00.000000Z");
  EXPECT_EQ(zone->day(zone->start(*day)), *day);
  EXPECT_EQ(zone->day(zone->start(*day) - std::chrono::microseconds(1)), *day - std::chrono::days(1));
  EXPECT_FALSE(Zone::find("Mars/Olympus").ok());
}

TEST(Bytes, SpellingsRoundTripAndAreCanonical) {
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
    EXPECT_EQ(unhex(hex(as_bytes(all))), all);
    EXPECT_EQ(unbase64(base64(as_bytes(all))), all);
    EXPECT_EQ(unbase64url(base64url(as_bytes(all))), all);
  }
  EXPECT_FALSE(unbase64url("AB").has_value());    // non-zero padding bits
  EXPECT_FALSE(unbase64url("AA==").has_value());  // padded
  EXPECT_FALSE(unbase64("AA").has_value());       // unpadded
  EXPECT_FALSE(unbase64url("A+A").has_value());
}

TEST(ByteBudget, GivesBackWhatALeaseHeld) {
  ByteBudget budget(100);
  {
    auto lease = budget.take(60);
    ASSERT_TRUE(lease.has_value());
    EXPECT_FALSE(budget.take(41).has_value());
    EXPECT_TRUE(lease->grow(40));
    EXPECT_FALSE(lease->grow(1));
  }
  EXPECT_EQ(budget.left(), 100);
}

TEST(Current, ReadersSeeTheNewValueAndKeepTheOld) {
  Current<int> current(std::make_shared<const int>(1));
  const auto old = current.get();
  current.set(std::make_shared<const int>(2));
  EXPECT_EQ(*old, 1);
  EXPECT_EQ(*current.get(), 2);
  int seen = 0;
  std::thread([&] { seen = *current.get(); }).join();
  EXPECT_EQ(seen, 2);
}

TEST(Reasons, TheFirstInTheTableWins) {
  EXPECT_TRUE(before(Reason::no_permit, Reason::no_ground));
  EXPECT_FALSE(before(Reason::held, Reason::condition));
  for (const ReasonRow& r : kReasons) EXPECT_EQ(reason_of(r.code), r.reason);
}

Task<void> wait_for_another_thread(int& seen, std::thread::id& where) {
  std::thread worker;
  auto start = [&worker](auto done) { worker = std::thread([done] { done(7); }); };
  const int value = co_await until<int>(std::move(start));
  worker.join();
  seen = value;
  where = std::this_thread::get_id();
}

TEST(Until, ResumesOnItsOwnIoContext) {
  asio::io_context io;
  int seen = 0;
  std::thread::id where;
  asio::co_spawn(io, wait_for_another_thread(seen, where), asio::detached);
  const auto work = asio::make_work_guard(io);
  while (seen == 0) io.run_one();
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(where, std::this_thread::get_id());
}

#ifdef LICET_CHECK_RESULTS
TEST(ResultDeathTest, ADroppedResultAborts) {
  EXPECT_DEATH({ Result<int> r((Error())); }, "dropped unread");
}
#endif

TEST(Csv, RowsOfASpreadsheet) {
  using Rows = std::vector<std::vector<std::string>>;
  const auto rows = [](std::string_view text, char delimiter = ',') { return *csv_rows(text, delimiter, 100); };
  EXPECT_EQ(rows("\xef\xbb\xbfname,note\r\nAda,\"a, \"\"b\"\"\nc\"\r\n"), (Rows{{"name", "note"}, {"Ada", "a, \"b\"\nc"}}));
  EXPECT_EQ(rows("a;b\n\n;", ';'), (Rows{{"a", "b"}, {""}, {"", ""}}));
  EXPECT_EQ(rows(""), Rows());
  const auto open = csv_rows("a\n\"b", ',', 100);
  ASSERT_FALSE(open.ok());
  EXPECT_EQ(open.error().message, "row 2: a quote is not closed");
  EXPECT_EQ(csv_rows("1\n2\n3\n", ',', 2).error().code, Code::exhausted);
  std::string line;
  for (const std::string_view cell : {"plain", "a,b", "say \"hi\"", "two\nlines"}) {
    line.clear();
    put_csv(cell, ',', line);
    EXPECT_EQ(rows(line), (Rows{{std::string(cell)}})) << cell;
  }
}

TEST(Csv, GuessesTheDelimiter) {
  EXPECT_EQ(guess_delimiter("a;b;\"c,d,e,f\"\n1,2,3,4,5"), ';');
  EXPECT_EQ(guess_delimiter("a\tb\n"), '\t');
  EXPECT_EQ(guess_delimiter("a\n"), ',');
}

TEST(Html, NothingOfATextIsMarkup) {
  EXPECT_EQ(html_escaped("<img src='x' alt=\"&\">"), "&lt;img src=&#39;x&#39; alt=&quot;&amp;&quot;&gt;");
}

}  // namespace
}  // namespace licet
