// SQLite behind a small, strict face: no silent type changes, no clock, no reach beyond one database.
//
//   LICET_TRY(db, Database::open(":memory:"));
//   LICET_TRY_VOID(db.run("create table t(a integer not null, b text) strict; insert into t values (1, 'x')"));
//   db.allow_only_reads();                                             // from here on only SELECT compiles
//   LICET_TRY(q, db.prepare("select b from t where a = :a"));
//   q.bind("a", 1);
//   for (;;) {
//     LICET_TRY(row, q.step());
//     if (!row) break;
//     use(q.text(0));
//   }
//
// What fails:   db.prepare("select c from t")  →  invalid_argument "no such column: c (SQL 1:8)"
//
// Thread rule: a Database and its Statements from one thread at a time; statements end before their database.
// Columns count from 0, parameters from 1 or by name without the colon. Views of text and blobs live until the next step() or reset().
// Errors: invalid_argument (SQL, types, parameters), permission_denied (not allowed by allow_only_reads()), failed_precondition
// (constraint), unavailable (locked by another), exhausted (a limit, a full disk), cancelled (interrupt), data_loss (I/O, corrupt file).
// Settings of every database: foreign keys on, "double quotes" never mean a string, defensive, untrusted schema, no ATTACH, no extension.
// In-memory databases have no clock: 'now' is NULL in them, so equal input gives equal output. Files are in WAL mode, synchronous NORMAL.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3_stmt;

namespace licet::store {

enum class Type { integer, real, text, blob, null };

class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  // Chainable; values are copied. A parameter that the statement lacks is reported by the next step(). Bindings survive reset().
  template <std::integral I>
  Statement& bind(int index, I value) { return bind_integer(index, static_cast<std::int64_t>(value)); }
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, const char* text) { return bind(index, std::string_view(text)); }
  Statement& bind(int index, std::nullptr_t);
  Statement& bind_blob(int index, std::span<const std::byte> bytes);
  template <class V>
  Statement& bind(std::string_view name, V value) { return bind(parameter(name), value); }

  // True: a row is there. False: done. After an error or false, the next step() starts again.
  [[nodiscard]] Result<bool> step();
  // For statements without rows: steps to the end and resets.
  [[nodiscard]] Result<void> run();
  void reset();

  [[nodiscard]] int columns() const;
  [[nodiscard]] std::string_view column_name(int column) const;
  [[nodiscard]] Type type(int column) const;
  [[nodiscard]] bool is_null(int column) const { return type(column) == Type::null; }
  [[nodiscard]] std::int64_t integer(int column) const;  // 0 for NULL
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string_view text(int column) const;  // empty for NULL
  [[nodiscard]] std::span<const std::byte> blob(int column) const;

  // The index of a named parameter ("as_of" finds :as_of, @as_of or $as_of); 0: the statement has none of that name.
  [[nodiscard]] int parameter(std::string_view name) const;
  [[nodiscard]] bool empty() const { return stmt_ == nullptr; }  // nothing but comments
  [[nodiscard]] bool reads_only() const;

 private:
  friend class Database;
  struct Work;
  Statement(sqlite3_stmt* stmt, Work* work) : stmt_(stmt), work_(work) {}
  Statement& bind_integer(int index, std::int64_t value);
  Statement& bound(int code);

  sqlite3_stmt* stmt_;
  Work* work_;          // the instruction budget, in Database
  int bad_bind_ = 0;    // SQLite's code of the first bind that failed
  bool begun_ = false;
};

class Database {
 public:
  enum class Use { write, read };  // write: creates the file where there is none

  // path may be ":memory:".
  [[nodiscard]] static Result<Database> open(const std::string& path, Use use = Use::write);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // All statements of a script, rows ignored; stops at the first error.
  [[nodiscard]] Result<void> run(std::string_view sql);
  // One statement. Without `tail`, anything but white space and comments behind it, or nothing at all, is invalid_argument. With it, `tail`
  // receives the rest of `sql`, and the statement may be empty().
  [[nodiscard]] Result<Statement> prepare(std::string_view sql, std::string_view* tail = nullptr);

  // Beyond this point only reading compiles, and only with functions whose result depends on their arguments alone (no random(),
  // changes(), current_timestamp, load_extension()).
  void allow_only_reads();
  void allow_writes();  // lifts it, for what the program itself has to say
  // Virtual machine instructions that one run of a statement may take; beyond it step() fails with exhausted. 0: no bound.
  void limit_instructions(std::uint64_t most);

  // A copy of an in-memory database in memory, for another thread: the same tables and settings, nothing locked or limited yet.
  [[nodiscard]] Result<Database> copy() const;

  [[nodiscard]] std::int64_t changes() const;  // rows of the last INSERT, UPDATE or DELETE

 private:
  struct Inside;
  explicit Database(std::unique_ptr<Inside> in);
  std::unique_ptr<Inside> in_;
};

}  // namespace licet::store
