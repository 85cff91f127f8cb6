// The database that rules run in: the relations as STRICT tables, the views made from them, and from then on only reads.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "rules/rules.h"
#include "stack/stack.h"
#include "store/sqlite.h"

namespace licet::rules {

// Not yet locked: the caller adds the packs' own views and then calls allow_only_reads().
[[nodiscard]] Result<store::Database> make_base(const stack::Relations& relations, Date as_of);

// A database, and the views that packs have added to it: they stay until others are asked for.
struct Court {
  store::Database db;
  std::map<std::string, std::string> views;  // id → SQL
};

// For many small worlds, one after the other: one court, whose tables are emptied and filled again by statements that are compiled once.
// The same rows as make_base() gives, in a tenth of the time: most of that goes into making some 300 tables and indexes.
class Mold {
 public:
  [[nodiscard]] static Result<Mold> make();
  // The court as this world fills it, until the next call.
  [[nodiscard]] Result<Court*> fill(const stack::Relations& relations, Date as_of);

 private:
  explicit Mold(store::Database empty) : court_(std::make_unique<Court>(std::move(empty))) {}

  std::unique_ptr<Court> court_;
  std::vector<store::Statement> clear_, fill_;  // every table's rows go; the views' statements, as inserts
  std::map<std::string, store::Statement> pour_;
};

// The first day after as_of that any date in the relations names, or the day after it (a last day in force ends then). A superset of the
// days on which a verdict can change: judging once too often is harmless.
[[nodiscard]] std::optional<Date> next_date(const stack::Relations& relations, Date as_of);

}  // namespace licet::rules
