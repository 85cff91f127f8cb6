#include "store/sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <utility>

namespace licet::store {

// How much one run of a statement may still do; shared by all statements of a database.
struct Statement::Work {
  std::uint64_t most = 0;
  std::uint64_t left = 0;
};

struct Database::Inside {
  sqlite3* db = nullptr;
  Statement::Work work;
  bool only_reads = false;
  ~Inside() { sqlite3_close_v2(db); }
};

namespace {

constexpr int kInstructionsPerCheck = 1000;
constexpr const char* kTimeless = "licet-timeless";

// SQLite asks its VFS for the time. One that has none makes date('now') NULL, which no authorizer could see in the SQL.
void register_timeless() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Counting memory would make every allocation wait for one lock. Too late once SQLite has begun: then it goes on counting.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
    static sqlite3_vfs vfs = *sqlite3_vfs_find(nullptr);
    vfs.zName = kTimeless;
    vfs.pNext = nullptr;
    vfs.xCurrentTime = [](sqlite3_vfs*, double*) { return SQLITE_ERROR; };
    vfs.xCurrentTimeInt64 = [](sqlite3_vfs*, sqlite3_int64*) { return SQLITE_ERROR; };
    sqlite3_vfs_register(&vfs, 0);
  });
}

Code code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_AUTH:
    case SQLITE_PERM:
    case SQLITE_READONLY: return Code::permission_denied;
    case SQLITE_CONSTRAINT: return Code::failed_precondition;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return Code::unavailable;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG: return Code::exhausted;
    case SQLITE_INTERRUPT: return Code::cancelled;
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Code::data_loss;
    case SQLITE_CANTOPEN: return Code::not_found;
    case SQLITE_MISUSE: return Code::internal;
    default: return Code::invalid_argument;
  }
}

// "no such column: c (SQL 3:14)": line and column of the offset, both from 1.
Error error_at(sqlite3* db, int sqlite_code, std::string_view sql) {
  std::string message = sqlite3_errmsg(db);
  const int offset = sqlite3_error_offset(db);
  if (offset >= 0 && static_cast<std::size_t>(offset) <= sql.size()) {
    const std::string_view before = sql.substr(0, static_cast<std::size_t>(offset));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    message += " (SQL " + std::to_string(line) + ":" + std::to_string(before.size() - start + 1) + ")";
  }
  // A denied function is a plain SQLITE_ERROR to SQLite.
  const bool denied = message.starts_with("not authorized");
  return {denied ? Code::permission_denied : code_of(sqlite_code), std::move(message)};
}

// Functions whose result depends on more than their arguments.
constexpr std::array<std::string_view, 14> kMoodyFunctions = {
    "random",         "randomblob",        "changes",           "total_changes",  "last_insert_rowid",    "current_date", "current_time",
    "load_extension", "current_timestamp", "sqlite_source_id", "sqlite_version", "sqlite_compileoption_used",
    "sqlite_compileoption_get", "sqlite_log"};

int only_reads(void*, int action, const char*, const char* second, const char*, const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE: return SQLITE_OK;
    case SQLITE_FUNCTION: {
      const bool moody = std::any_of(kMoodyFunctions.begin(), kMoodyFunctions.end(),
                                     [second](std::string_view f) { return sqlite3_stricmp(f.data(), second) == 0; });
      return moody ? SQLITE_DENY : SQLITE_OK;
    }
    default: return SQLITE_DENY;
  }
}

bool blank(std::string_view sql) { return sql.find_first_not_of(" \t\r\n\f;") == std::string_view::npos; }

}  // namespace

// ---- Statement

Statement::Statement(Statement&& other) noexcept
    : stmt_(std::exchange(other.stmt_, nullptr)), work_(other.work_), bad_bind_(other.bad_bind_), begun_(other.begun_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(stmt_, other.stmt_);
  std::swap(work_, other.work_);
  std::swap(bad_bind_, other.bad_bind_);
  std::swap(begun_, other.begun_);
  return *this;
}

Statement::~Statement() { sqlite3_finalize(stmt_); }

Statement& Statement::bound(int sqlite_code) {
  if (sqlite_code != SQLITE_OK && bad_bind_ == SQLITE_OK) bad_bind_ = sqlite_code;
  return *this;
}

// SQLite refuses to bind while rows are being read, so a bind begins a new run.
Statement& Statement::bind_integer(int index, std::int64_t value) {
  if (begun_) reset();
  return bound(sqlite3_bind_int64(stmt_, index, value));
}
Statement& Statement::bind(int index, double value) {
  if (begun_) reset();
  return bound(sqlite3_bind_double(stmt_, index, value));
}
Statement& Statement::bind(int index, std::string_view text) {
  if (begun_) reset();
  const char* data = text.data() == nullptr ? "" : text.data();  // a null pointer would bind NULL
  return bound(sqlite3_bind_text64(stmt_, index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}
Statement& Statement::bind(int index, std::nullptr_t) {
  if (begun_) reset();
  return bound(sqlite3_bind_null(stmt_, index));
}
Statement& Statement::bind_blob(int index, std::span<const std::byte> bytes) {
  if (begun_) reset();
  if (bytes.empty()) return bound(sqlite3_bind_zeroblob(stmt_, index, 0));
  return bound(sqlite3_bind_blob64(stmt_, index, bytes.data(), bytes.size(), SQLITE_TRANSIENT));
}

Result<bool> Statement::step() {
  if (stmt_ == nullptr) return false;
  if (bad_bind_ != SQLITE_OK) {
    const int code = std::exchange(bad_bind_, SQLITE_OK);
    return Error{code == SQLITE_TOOBIG || code == SQLITE_NOMEM ? Code::exhausted : Code::invalid_argument,
                 std::string("parameter: ") + sqlite3_errstr(code)};
  }
  if (!begun_) work_->left = work_->most;
  begun_ = true;
  const int code = sqlite3_step(stmt_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  sqlite3* db = sqlite3_db_handle(stmt_);
  Error error{code_of(code), sqlite3_errmsg(db)};
  if ((code & 0xff) == SQLITE_INTERRUPT && work_->most != 0 && work_->left == 0)
    error = {Code::exhausted, "the statement took more than " + std::to_string(work_->most) + " instructions"};
  reset();
  return error;
}

Result<void> Statement::run() {
  for (;;) {
    LICET_TRY(row, step());
    if (!row) return {};
  }
}

void Statement::reset() {
  sqlite3_reset(stmt_);  // its code repeats the error that step() already reported
  begun_ = false;
}

int Statement::columns() const { return sqlite3_column_count(stmt_); }
std::string_view Statement::column_name(int column) const {
  const char* name = sqlite3_column_name(stmt_, column);
  return name == nullptr ? std::string_view() : name;
}
Type Statement::type(int column) const {
  switch (sqlite3_column_type(stmt_, column)) {
    case SQLITE_INTEGER: return Type::integer;
    case SQLITE_FLOAT: return Type::real;
    case SQLITE_TEXT: return Type::text;
    case SQLITE_BLOB: return Type::blob;
    default: return Type::null;
  }
}
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(stmt_, column); }
double Statement::real(int column) const { return sqlite3_column_double(stmt_, column); }
std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(stmt_, column))};
}
std::span<const std::byte> Statement::blob(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(stmt_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(stmt_, column))};
}

int Statement::parameter(std::string_view name) const {
  for (const char prefix : {':', '@', '$'}) {
    const std::string full = prefix + std::string(name);
    if (const int index = sqlite3_bind_parameter_index(stmt_, full.c_str()); index != 0) return index;
  }
  return 0;
}

bool Statement::reads_only() const { return sqlite3_stmt_readonly(stmt_) != 0; }

// ---- Database

Database::Database(std::unique_ptr<Inside> in) : in_(std::move(in)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::string& path, Use use) {
  const bool memory = path == ":memory:";
  register_timeless();
  auto in = std::make_unique<Inside>();
  const int flags = (use == Use::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE;
  if (const int code = sqlite3_open_v2(path.c_str(), &in->db, flags, memory ? kTimeless : nullptr); code != SQLITE_OK)
    return Error{code_of(code), path + ": " + (in->db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(in->db))};
  sqlite3* db = in->db;
  sqlite3_busy_timeout(db, 5000);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024);
  sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 4 * 1024 * 1024);
  sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000);
  sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);

  Database database(std::move(in));
  if (!memory && use == Use::write) {
    // The first statement that touches the file: a file that is no database shows here.
    LICET_TRY_VOID(database.run("pragma journal_mode = wal; pragma synchronous = normal"));
  } else if (memory) {
    LICET_TRY_VOID(database.run("pragma temp_store = memory"));
  }
  return database;
}

Result<Statement> Database::prepare(std::string_view sql, std::string_view* tail) {
  sqlite3_stmt* stmt = nullptr;
  const char* rest = nullptr;
  const char* data = sql.data() == nullptr ? "" : sql.data();
  const int code = sqlite3_prepare_v3(in_->db, data, static_cast<int>(sql.size()), 0, &stmt, &rest);
  if (code != SQLITE_OK) return error_at(in_->db, code, sql);
  Statement statement(stmt, &in_->work);
  // VACUUM and the like ask no authorizer when they compile.
  if (in_->only_reads && !statement.empty() && !statement.reads_only()) return Error{Code::permission_denied, "not authorized: only reads are"};
  const std::string_view behind = sql.substr(std::min(sql.size(), static_cast<std::size_t>(rest - data)));
  if (tail != nullptr) {
    *tail = behind;
    return statement;
  }
  if (statement.empty()) return Error{Code::invalid_argument, "no SQL statement here"};
  // What is behind must compile to nothing: white space and comments do.
  for (std::string_view more = behind; !blank(more);) {
    sqlite3_stmt* second = nullptr;
    const int other = sqlite3_prepare_v3(in_->db, more.data(), static_cast<int>(more.size()), 0, &second, &rest);
    const bool something = other != SQLITE_OK || second != nullptr;
    sqlite3_finalize(second);
    if (something) return Error{Code::invalid_argument, "more than one SQL statement"};
    const auto used = static_cast<std::size_t>(rest - more.data());
    if (used == 0) break;
    more.remove_prefix(used);
  }
  return statement;
}

Result<void> Database::run(std::string_view sql) {
  for (std::string_view rest = sql; !rest.empty();) {
    LICET_TRY(statement, prepare(rest, &rest));
    if (!statement.empty()) LICET_TRY_VOID(statement.run());
  }
  return {};
}

void Database::allow_only_reads() {
  // A table-valued function declares its table when it is first named, which an authorizer that only lets read would refuse.
  run("select 1 from json_each('[]'), json_tree('[]')").ignore();
  in_->only_reads = true;
  sqlite3_set_authorizer(in_->db, only_reads, nullptr);
}

void Database::allow_writes() {
  in_->only_reads = false;
  sqlite3_set_authorizer(in_->db, nullptr, nullptr);
}

void Database::limit_instructions(std::uint64_t most) {
  Statement::Work& work = in_->work;
  work.most = work.left = most;
  if (most == 0) {
    sqlite3_progress_handler(in_->db, 0, nullptr, nullptr);
    return;
  }
  const auto check = [](void* budget) -> int {
    auto& left = *static_cast<std::uint64_t*>(budget);
    left -= std::min<std::uint64_t>(left, kInstructionsPerCheck);
    return left == 0 ? 1 : 0;
  };
  sqlite3_progress_handler(in_->db, kInstructionsPerCheck, check, &work.left);
}

Result<Database> Database::copy() const {
  LICET_TRY(other, open(":memory:"));
  sqlite3_int64 size = 0;
  unsigned char* bytes = sqlite3_serialize(in_->db, "main", &size, 0);
  if (bytes == nullptr) return Error{Code::exhausted, "no memory for a copy of the database"};
  // The copy owns the bytes from here on, whatever comes of it.
  const int code = sqlite3_deserialize(other.in_->db, "main", bytes, size, size, SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
  if (code != SQLITE_OK) return Error{code_of(code), sqlite3_errmsg(other.in_->db)};
  LICET_TRY_VOID(other.run("pragma cache_size = -1000000"));  // in KiB, as it is needed: pages are read once
  return other;
}

std::int64_t Database::changes() const { return sqlite3_changes64(in_->db); }

}  // namespace licet::store
