#include "rules/internal/base.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "rules/internal/views.h"

namespace licet::rules {
namespace {

constexpr std::size_t kClassesMost = 3000;  // v_covers holds the pairs of them

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += c;
    out += c;
  }
  return out += '"';
}

Result<void> create(store::Database& db, const stack::Table& table) {
  std::string sql = "create table " + quoted(table.name) + "(";
  for (std::size_t i = 0; i < table.columns.size(); ++i) sql += (i == 0 ? "" : ", ") + quoted(table.columns[i]) + " any";
  return db.run(sql + ") strict");
}

Result<store::Statement> insert_into(store::Database& db, const stack::Table& table) {
  std::string insert = "insert into " + quoted(table.name) + " values (";
  for (std::size_t i = 0; i < table.columns.size(); ++i) insert += i == 0 ? "?" : ", ?";
  return db.prepare(insert + ")");
}

Result<void> pour(store::Statement& statement, const stack::Table& table) {
  for (const auto& row : table.rows) {
    if (row.size() != table.columns.size()) return Error{Code::internal, fmt::format("a row of {} has {} cells", table.name, row.size())};
    int at = 0;
    for (const stack::Cell& cell : row) {
      ++at;
      if (const auto* text = std::get_if<std::string>(&cell))
        statement.bind(at, std::string_view(*text));
      else if (const auto* number = std::get_if<std::int64_t>(&cell))
        statement.bind(at, *number);
      else
        statement.bind(at, nullptr);
    }
    LICET_TRY_VOID(statement.run());
  }
  return {};
}

// v_ground: what is lawful, so that a requirement can ask what is not. Full only when every ground is known, so grounds can't read it.
constexpr std::string_view kGroundTables =
    "create table v_ground(id text not null, kind text not null, flow text, recipient text not null, form text not null) strict;"
    "create table v_ground_purpose(ground text not null, flow text, purpose text not null) strict;"
    "create table v_ground_class(ground text not null, flow text, pattern text not null) strict;";

// Indexes on what the views join by.
constexpr std::string_view kBaseIndexes =
    "create index b_flow_data on flow_data(owner); create index b_flow_purposes on flow_purposes(owner);"
    "create index b_functions on organization_functions(owner); create index b_signatures on agreement_signatures(owner);"
    "create index b_covers_data on agreement_covers_data(owner); create index b_training on training_required_for(owner);"
    "create index b_offer_services on offer_services(owner); create index b_offer_excludes on offer_excludes(owner);"
    "create index b_offer_regions on offer_regions(owner); create index b_by_service on offer_by_service(owner); create index b_app on "
    "app(system); create index b_inherits on "
    "role_inherits(owner);"
    "create index b_part_of on organization(part_of); create index b_person_organization on person(organization);"
    "create index b_permit_to on permit(\"to\"); create index b_permit_for on permit_for(owner);";

bool holds_classes(std::string_view table) {
  return table.ends_with("_data") || table.ends_with("_holds");
}

constexpr std::string_view kCoverTables =
    "create table v_class(class text not null, by_name_only integer not null) strict;"
    "create table v_covers(pattern text not null, class text not null, primary key (pattern, class)) strict, without rowid";

Result<void> pour_covers(store::Database& db, const stack::Relations& relations) {
  std::set<std::string_view> classes = {"*", "unclassified"};
  for (const stack::Table& table : relations) {
    const std::string_view column = holds_classes(table.name) ? "value" : table.name == "fact" ? "data_class" : "";
    const auto found = std::find(table.columns.begin(), table.columns.end(), column);
    if (found == table.columns.end()) continue;
    const auto at = static_cast<std::size_t>(found - table.columns.begin());
    for (const auto& row : table.rows)
      if (const auto* text = std::get_if<std::string>(&row[at])) classes.insert(*text);
  }
  if (classes.size() > kClassesMost)
    return Error{Code::exhausted, fmt::format("{} data classes; at most {} are judged", classes.size(), kClassesMost)};
  LICET_TRY(one, db.prepare("insert into v_class values (?, ?)"));
  LICET_TRY(pair, db.prepare("insert into v_covers values (?, ?)"));
  for (const std::string_view cls : classes) {
    one.bind(1, cls).bind(2, cls == "*" || covers("*", cls) ? 0 : 1);
    LICET_TRY_VOID(one.run());
    for (const std::string_view pattern : classes) {
      if (!covers(pattern, cls)) continue;
      pair.bind(1, pattern).bind(2, cls);
      LICET_TRY_VOID(pair.run());
    }
  }
  return {};
}

bool date_shaped(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || c == '-'; });
}

Result<void> know_the_day(store::Database& db, Date as_of) {
  LICET_TRY(judged, db.prepare("insert into v_judged values (?)"));
  judged.bind(1, std::string_view(format(as_of)));
  return judged.run();
}

// A script cut at its semicolons, without its comments.
std::vector<std::string> statements_of(std::string_view script) {
  std::vector<std::string> out;
  std::string one;
  bool quoted = false;
  for (std::size_t i = 0; i < script.size(); ++i) {
    const char c = script[i];
    if (c == '\'') quoted = !quoted;
    if (!quoted && script.substr(i).starts_with("--")) {
      i = std::min(script.find('\n', i), script.size());
      if (!one.empty()) one += '\n';
      continue;
    }
    if (!quoted && c == ';') {
      out.push_back(std::move(one));
      one.clear();
    } else if (!one.empty() || (c != '\n' && c != ' ')) {
      one += c;
    }
  }
  return out;
}

}  // namespace

Result<store::Database> make_base(const stack::Relations& relations, Date as_of) {
  LICET_TRY(db, store::Database::open(":memory:"));
  LICET_TRY_VOID(db.run("begin; create table v_judged(as_of text not null) strict"));
  LICET_TRY_VOID(know_the_day(db, as_of));
  for (const stack::Table& table : relations) {
    LICET_TRY_VOID(create(db, table));
    if (table.rows.empty()) continue;
    LICET_TRY(insert, insert_into(db, table));
    LICET_TRY_VOID(pour(insert, table));
  }
  LICET_TRY_VOID(db.run(kCoverTables));
  LICET_TRY_VOID(pour_covers(db, relations));
  LICET_TRY_VOID(db.run(kBaseIndexes));
  LICET_TRY_VOID(db.run(views_sql()));
  LICET_TRY_VOID(db.run(kGroundTables));
  LICET_TRY_VOID(db.run("commit"));
  return db;
}

Result<Mold> Mold::make() {
  const stack::Source nothing{"nothing.yaml", "kind: stack\nid: s\nformat: 1\ntenant: t\ntimezone: Etc/UTC\n", stack::Layer::authored};
  const stack::Loaded loaded = stack::load(std::span(&nothing, 1));
  if (!loaded.stack) return Error{Code::internal, "an empty declaration does not load"};
  const stack::Relations relations = stack::relations(*loaded.stack, {});
  LICET_TRY(db, make_base(relations, Date{}));
  Mold out(std::move(db));
  store::Database& in = out.court_->db;
  LICET_TRY(tables, in.prepare("select name from sqlite_schema where type = 'table'"));
  for (;;) {
    LICET_TRY(row, tables.step());
    if (!row) break;
    LICET_TRY(clear, in.prepare("delete from " + quoted(tables.text(0))));
    out.clear_.push_back(std::move(clear));
  }
  for (const std::string& statement : statements_of(views_sql())) {
    static constexpr std::string_view kCreate = "create table ";
    std::string sql = statement;  // an update
    if (const std::size_t as = statement.find(" as"); statement.starts_with(kCreate) && as != std::string::npos)
      sql = "insert into " + statement.substr(kCreate.size(), as - kCreate.size()) + statement.substr(as + 3);
    else if (statement.starts_with("create "))
      continue;  // indexes and views are there
    LICET_TRY(compiled, in.prepare(sql));
    out.fill_.push_back(std::move(compiled));
  }
  for (const stack::Table& table : relations) {
    LICET_TRY(insert, insert_into(in, table));
    out.pour_.emplace(table.name, std::move(insert));
  }
  return out;
}

Result<Court*> Mold::fill(const stack::Relations& relations, Date as_of) {
  store::Database& db = court_->db;
  LICET_TRY_VOID(db.run("begin"));
  for (store::Statement& statement : clear_) LICET_TRY_VOID(statement.run());
  LICET_TRY_VOID(know_the_day(db, as_of));
  for (const stack::Table& table : relations) {
    const auto insert = pour_.find(table.name);
    if (insert == pour_.end()) return Error{Code::internal, "a table that no declaration has: " + table.name};
    LICET_TRY_VOID(pour(insert->second, table));
  }
  LICET_TRY_VOID(pour_covers(db, relations));
  for (store::Statement& statement : fill_) LICET_TRY_VOID(statement.run());
  LICET_TRY_VOID(db.run("commit"));
  return court_.get();
}

std::optional<Date> next_date(const stack::Relations& relations, Date as_of) {
  std::optional<Date> next;
  for (const stack::Table& table : relations)
    for (const auto& row : table.rows)
      for (const stack::Cell& cell : row) {
        const auto* text = std::get_if<std::string>(&cell);
        if (text == nullptr || !date_shaped(*text)) continue;
        auto date = parse_date(*text);
        if (!date) continue;
        for (const Date day : {*date, *date + std::chrono::days(1)})
          if (day > as_of && (!next || day < *next)) next = day;
      }
  return next;
}

}  // namespace licet::rules
