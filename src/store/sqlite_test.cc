#include "store/sqlite.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

namespace licet::store {
namespace {

Database memory() {
  auto db = Database::open(":memory:");
  EXPECT_TRUE(db.ok());
  return *std::move(db);
}

TEST(Sqlite, TypedColumnsAndParameters) {
  Database db = memory();
  ASSERT_TRUE(db.run("create table t(a integer, b text, c real, d blob) strict").ok());
  auto insert = db.prepare("insert into t values (:a, :b, :c, ?4)");
  ASSERT_TRUE(insert.ok());
  const std::string blob("\0\1", 2);
  insert->bind("a", 7).bind("b", "x").bind("c", 1.5).bind_blob(4, std::as_bytes(std::span(blob)));
  ASSERT_TRUE(insert->run().ok());
  insert->bind("a", nullptr).bind("b", std::string_view()).bind("c", nullptr).bind(4, nullptr);
  ASSERT_TRUE(insert->run().ok());

  auto q = db.prepare("select a, b, c, d from t order by rowid -- two rows\n");
  ASSERT_TRUE(q.ok());
  ASSERT_EQ(q->columns(), 4);
  EXPECT_EQ(q->column_name(1), "b");
  ASSERT_TRUE(*q->step());
  EXPECT_EQ(q->integer(0), 7);
  EXPECT_EQ(q->text(1), "x");
  EXPECT_EQ(q->real(2), 1.5);
  EXPECT_EQ(q->blob(3).size(), 2u);
  EXPECT_EQ(q->type(3), Type::blob);
  ASSERT_TRUE(*q->step());
  EXPECT_TRUE(q->is_null(0));
  EXPECT_EQ(q->type(1), Type::text);  // an empty text is not NULL
  EXPECT_FALSE(*q->step());
}

TEST(Sqlite, ErrorsNameLineAndColumn) {
  Database db = memory();
  ASSERT_TRUE(db.run("create table t(a integer) strict").ok());
  auto bad = db.prepare("select a\nfrom t\nwhere  nosuch = 1");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, Code::invalid_argument);
  EXPECT_EQ(bad.error().message, "no such column: nosuch (SQL 3:8)");
  auto quoted = db.prepare("select \"text\" from t");  // double quotes are names
  EXPECT_FALSE(quoted.ok());
  auto two = db.prepare("select 1; select 2");
  EXPECT_FALSE(two.ok());
  auto none = db.prepare(" -- nothing");
  EXPECT_FALSE(none.ok());
  auto strict = db.run("insert into t values ('x')");
  ASSERT_FALSE(strict.ok());
  EXPECT_EQ(strict.error().code, Code::failed_precondition);
  auto parameter = db.prepare("select :a");
  ASSERT_TRUE(parameter.ok());
  parameter->bind("b", 1);
  EXPECT_FALSE(parameter->step().ok());
  EXPECT_TRUE(parameter->step().ok());
}

TEST(Sqlite, TailWalksAScript) {
  Database db = memory();
  std::string_view rest = "select 1; select 2 ; -- end";
  std::vector<std::int64_t> seen;
  while (!rest.empty()) {
    auto s = db.prepare(rest, &rest);
    ASSERT_TRUE(s.ok());
    if (s->empty()) continue;
    ASSERT_TRUE(*s->step());
    seen.push_back(s->integer(0));
  }
  EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 2}));
}

TEST(Sqlite, OnlyReadsAndOnlyDeterministicFunctions) {
  Database db = memory();
  ASSERT_TRUE(db.run("create table t(a integer) strict; insert into t values (1)").ok());
  db.allow_only_reads();
  for (const char* fine : {"select a from t", "with recursive r(i) as (select 1 union all select i + 1 from r where i < 3) select i from r",
                           "select date('2026-01-01', '+14 days')", "select json_extract('{\"a\":1}', '$.a')"}) {
    EXPECT_TRUE(db.prepare(fine).ok()) << fine;
  }
  for (const char* evil : {"insert into t values (2)", "delete from t", "drop table t", "pragma user_version", "attach ':memory:' as x",
                           "select random()", "select RANDOMBLOB(4)", "select load_extension('x')", "create temp table u(a)", "begin",
                           "select current_timestamp", "vacuum"}) {
    auto r = db.prepare(evil);
    EXPECT_FALSE(r.ok()) << evil;
    if (!r.ok()) EXPECT_EQ(r.error().code, Code::permission_denied) << evil;
  }
}

TEST(Sqlite, NoClockInMemory) {
  Database db = memory();
  auto q = db.prepare("select date('now'), julianday('now'), date('2026-11-25')");
  ASSERT_TRUE(q.ok());
  ASSERT_TRUE(*q->step());
  EXPECT_TRUE(q->is_null(0));
  EXPECT_TRUE(q->is_null(1));
  EXPECT_EQ(q->text(2), "2026-11-25");
}

TEST(Sqlite, InstructionsAreBounded) {
  Database db = memory();
  db.limit_instructions(100'000);
  auto endless = db.prepare("with recursive r(i) as (select 1 union all select i + 1 from r) select count(*) from r");
  ASSERT_TRUE(endless.ok());
  auto row = endless->step();
  ASSERT_FALSE(row.ok());
  EXPECT_EQ(row.error().code, Code::exhausted);
  for (int i = 0; i < 100; ++i) {  // each run has its own budget
    auto small = db.prepare("with recursive r(i) as (select 1 union all select i + 1 from r where i < 500) select count(*) from r");
    ASSERT_TRUE(small.ok());
    ASSERT_TRUE(small->step().ok());
  }
}

TEST(Sqlite, FilesAndDamage) {
  char folder[] = "/tmp/licet-sqlite-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/x.sqlite";
  {
    auto absent = Database::open(path, Database::Use::read);
    ASSERT_FALSE(absent.ok());
    EXPECT_EQ(absent.error().code, Code::not_found);
    auto db = Database::open(path);
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE(db->run("create table t(a); insert into t values (1)").ok());
    auto reader = Database::open(path, Database::Use::read);
    ASSERT_TRUE(reader.ok());
    auto write = reader->run("insert into t values (2)");
    ASSERT_FALSE(write.ok());
    EXPECT_EQ(write.error().code, Code::permission_denied);
  }
  FILE* f = fopen(path.c_str(), "w");
  ASSERT_NE(f, nullptr);
  fputs(std::string(5000, 'x').c_str(), f);
  fclose(f);
  auto db = Database::open(path);
  ASSERT_FALSE(db.ok());
  EXPECT_EQ(db.error().code, Code::data_loss);
  std::filesystem::remove_all(folder);
}

TEST(Sqlite, ACopyHasTheTablesAndTheSettings) {
  auto db = Database::open(":memory:");
  ASSERT_TRUE(db.ok());
  ASSERT_TRUE(db->run("create table t(a integer) strict; insert into t values (1), (2); create view v as select a + 1 as b from t").ok());
  auto copy = db->copy();
  ASSERT_TRUE(copy.ok()) << copy.error().message;
  ASSERT_TRUE(copy->run("insert into t values (3)").ok());
  copy->allow_only_reads();
  const auto sum = [](Database& of) {
    auto q = of.prepare("select sum(b) + (select count(*) from json_each('[1]')) + (date('now') is not null) from v");
    if (!q) return std::int64_t{-1};
    auto row = q->step();
    return row && *row ? q->integer(0) : std::int64_t{-1};
  };
  EXPECT_EQ(sum(*copy), 10);
  EXPECT_EQ(sum(*db), 6);  // what is written to one is not in the other
  EXPECT_FALSE(copy->run("insert into t values (4)").ok());
}

}  // namespace
}  // namespace licet::store
