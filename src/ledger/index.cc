#include "ledger/index.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <tuple>

#include "crypto/crypto.h"
#include "ledger/internal/leaf.h"

namespace licet::ledger {
namespace {

constexpr std::uint64_t kBatch = 4096;
constexpr std::int64_t kDay = std::int64_t{86400} * 1'000'000;
constexpr int kSchemaVersion = 2;  // another one: the index is dropped and rebuilt

constexpr std::string_view kSchema = R"sql(
  create table entry(
    idx integer primary key, time integer not null, kind text not null, exchange text, leg text, part integer, actor text, client text,
    system text, route text, flow text, purpose text, decision text, reason text, ground text, license text, form text, class text,
    resources integer, withheld integer, bytes integer, status integer, epoch integer) strict;
  create table entry_patient(idx integer not null, blind text not null, primary key(blind, idx)) strict, without rowid;
  create table tip(one integer primary key check(one = 1), size integer not null, leaf text not null) strict;
  create index entry_exchange on entry(exchange) where exchange is not null;
  create index entry_time on entry(time);
  create index entry_kind on entry(kind, idx);
  create index entry_actor on entry(actor, idx) where actor is not null;
  create index entry_system on entry(system, idx) where system is not null;
  create index entry_reason on entry(reason, idx) where reason is not null;
  create index entry_decision on entry(decision, idx) where decision is not null;
  create table daily(day integer not null, decision text not null, reason text not null, entries integer not null,
    primary key(day, decision, reason)) strict, without rowid;
)sql";

constexpr std::string_view kColumns =
    "idx, time, kind, exchange, leg, part, actor, client, system, route, flow, purpose, decision, reason, ground, license, form, class, "
    "resources, withheld, bytes, status, epoch";

// The members whose text or number is a column of the same name, in the order of kColumns after `idx, time, kind`.
constexpr std::array<std::string_view, 20> kMembers = {"exchange", "leg",       "part",     "actor",  "client", "system",  "route",
                                                       "flow",     "purpose",   "decision", "reason", "ground", "license", "form",
                                                       "class",    "resources", "withheld", "bytes",  "status", "epoch"};

std::string tip_of(std::string_view leaf) {
  return hex(crypto::sha256(leaf));
}

std::string select(std::string_view rest) {
  return "select " + std::string(kColumns) + " from entry " + std::string(rest);
}

}  // namespace

Result<Index> Index::open_to_read(const std::string& path) {
  LICET_TRY(db, store::Database::open(path, store::Database::Use::read));
  return Index(std::move(db));
}

Result<Index> Index::open(const std::string& path) {
  LICET_TRY(db, store::Database::open(path));
  int version = 0;
  {
    LICET_TRY(query, db.prepare("pragma user_version"));
    LICET_TRY(row, query.step());
    if (row) version = static_cast<int>(query.integer(0));
  }
  if (version != kSchemaVersion) {
    LICET_TRY_VOID(db.run(
        "begin; drop table if exists entry; drop table if exists entry_patient; drop table if exists tip; drop table if exists daily"));
    LICET_TRY_VOID(db.run(kSchema));
    LICET_TRY_VOID(db.run("pragma user_version = " + std::to_string(kSchemaVersion) + "; commit"));
  }
  return Index(std::move(db));
}

Result<std::uint64_t> Index::size() {
  LICET_TRY(query, db_.prepare("select size from tip"));
  LICET_TRY(row, query.step());
  return row ? static_cast<std::uint64_t>(query.integer(0)) : std::uint64_t{0};
}

Result<std::uint64_t> Index::catch_up(const Ledger& ledger, std::uint64_t most) {
  LICET_TRY(begin, size());
  const std::uint64_t head = ledger.head().size, end = begin > head ? head : begin + std::min(most, head - begin);
  // The last leaf that was indexed must be where it was: otherwise this is the index of another ledger.
  if (begin > 0) {
    LICET_TRY(query, db_.prepare("select leaf from tip"));
    LICET_TRY(row, query.step());
    std::string leaf;
    LICET_TRY_VOID(ledger.read(begin - 1, begin, [&](const Leaf& l) {
      leaf = l.json;
      return true;
    }));
    if (!row || begin > end || tip_of(leaf) != query.text(0))
      return Error{Code::failed_precondition, "the index is of another ledger; delete it and it is rebuilt"};
  }
  if (begin == end) return std::uint64_t{0};

  LICET_TRY(insert, db_.prepare("insert into entry(" + std::string(kColumns) + ") values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  LICET_TRY(patient, db_.prepare("insert or ignore into entry_patient(idx, blind) values (?, ?)"));
  LICET_TRY(tip, db_.prepare("insert into tip(one, size, leaf) values (1, ?1, ?2) on conflict(one) do update set size = ?1, leaf = ?2"));
  LICET_TRY(tally,
            db_.prepare("insert into daily(day, decision, reason, entries) values (?1, ?2, ?3, ?4) on conflict(day, decision, reason) do "
                        "update set entries = entries + ?4"));
  std::map<std::tuple<std::int64_t, std::string, std::string>, std::uint64_t> days;  // of one batch
  const auto put = [&](const Leaf& leaf) -> Result<void> {
    const std::string_view kind = text_member(leaf.json, "kind");
    if (kind == "exchange.sent" || kind == "exchange.refused" || kind == "exchange.held")
      ++days[{integer_member(leaf.json, "time").value_or(0) / kDay, std::string(text_member(leaf.json, "decision")),
              std::string(text_member(leaf.json, "reason"))}];
    insert.bind(1, leaf.index).bind(2, integer_member(leaf.json, "time").value_or(0)).bind(3, text_member(leaf.json, "kind"));
    for (std::size_t i = 0; i < kMembers.size(); ++i) {
      const int parameter = static_cast<int>(i) + 4;
      const auto raw = member(leaf.json, kMembers[i]);
      if (!raw) {
        insert.bind(parameter, nullptr);
      } else if (raw->front() == '"') {
        insert.bind(parameter, text_member(leaf.json, kMembers[i]));
      } else {
        insert.bind(parameter, integer_member(leaf.json, kMembers[i]).value_or(0));
      }
    }
    // An act about an exchange (a release) is found with it.
    if (kind == "admin")
      if (const std::string_view about = text_member(member(leaf.json, "payload").value_or(""), "reference"); !about.empty())
        insert.bind(4, about);
    LICET_TRY_VOID(insert.run());
    // ["<32 hex digits>", …]
    const std::string_view patients = member(leaf.json, "patients").value_or("");
    constexpr std::size_t kDigits = 2 * sizeof(BlindIndex);
    for (std::size_t at = 2; at + kDigits <= patients.size(); at += kDigits + 3) {
      patient.bind(1, leaf.index).bind(2, patients.substr(at, kDigits));
      LICET_TRY_VOID(patient.run());
    }
    return {};
  };
  for (std::uint64_t from = begin; from < end; from += kBatch) {
    const std::uint64_t to = std::min(end, from + kBatch);
    LICET_TRY_VOID(db_.run("begin immediate"));
    Error failed{Code::internal, {}};
    bool good = true;
    auto read = ledger.read(from, to, [&](const Leaf& leaf) {
      auto done = put(leaf);
      if (done && leaf.index + 1 == to) {
        for (const auto& [key, n] : days) {
          tally.bind(1, std::get<0>(key)).bind(2, std::get<1>(key)).bind(3, std::get<2>(key)).bind(4, n);
          if (done) done = tally.run();
        }
        days.clear();
      }
      if (done && leaf.index + 1 == to) {
        tip.bind(1, to).bind(2, tip_of(leaf.json));
        done = tip.run();
      }
      if (!done) failed = done.error();
      return good = done.ok();
    });
    if (!read || !good) {
      db_.run("rollback").ignore();  // the error to report is the first one
      return read ? failed : read.error();
    }
    LICET_TRY_VOID(db_.run("commit"));
  }
  return end - begin;
}

Result<std::vector<Row>> Index::rows(store::Statement& q) {
  std::vector<Row> all;
  for (;;) {
    LICET_TRY(more, q.step());
    if (!more) return all;
    const auto text = [&q](int column) { return std::string(q.text(column)); };
    const auto number = [&q](int column) { return static_cast<std::uint64_t>(q.integer(column)); };
    Row row;
    row.index = number(0);
    row.time = micros(q.integer(1));
    row.kind = text(2);
    row.exchange = text(3);
    row.leg = text(4);
    row.part = number(5);
    row.actor = text(6);
    row.client = text(7);
    row.system = text(8);
    row.route = text(9);
    row.flow = text(10);
    row.purpose = text(11);
    row.decision = text(12);
    row.reason = text(13);
    row.ground = text(14);
    row.license = text(15);
    row.form = text(16);
    row.data_class = text(17);
    row.resources = number(18);
    row.withheld = number(19);
    row.bytes = number(20);
    row.status = static_cast<int>(q.integer(21));
    row.epoch = number(22);
    all.push_back(std::move(row));
  }
}

Result<std::optional<Row>> Index::entry(std::uint64_t index) {
  LICET_TRY(query, db_.prepare(select("where idx = ?1")));
  query.bind(1, index);
  LICET_TRY(found, rows(query));
  if (found.empty()) return std::optional<Row>();
  return std::optional<Row>(std::move(found.front()));
}

Result<std::vector<Row>> Index::last_exchanges(std::size_t most) {
  LICET_TRY(query, db_.prepare(select("where kind in ('exchange.sent', 'exchange.refused', 'exchange.held') order by idx desc limit ?1")));
  query.bind(1, most);
  return rows(query);
}

Result<std::vector<Row>> Index::exchange(std::string_view reference) {
  LICET_TRY(query, db_.prepare(select("where exchange = ?1 order by idx")));
  query.bind(1, reference);
  return rows(query);
}

Result<std::vector<Row>> Index::find(const Query& wanted, std::uint64_t most_steps) {
  std::string where = "where idx < ?1";
  std::vector<std::string> texts;
  const auto is = [&](std::string_view column, const std::string& value) {
    if (value.empty()) return;
    texts.push_back(value);
    where += " and " + std::string(column) + " = ?" + std::to_string(texts.size() + 2);
  };
  std::uint64_t before = wanted.before;
  // Entries stand in the order of their time: two days are two places.
  const auto place = [&](Micros time) -> Result<std::optional<std::uint64_t>> {
    LICET_TRY(query, db_.prepare("select idx from entry where time >= ?1 order by time, idx limit 1"));
    query.bind(1, count(time));
    LICET_TRY(row, query.step());
    return row ? std::optional(static_cast<std::uint64_t>(query.integer(0))) : std::optional<std::uint64_t>();
  };
  if (wanted.to) {
    LICET_TRY(end, place(*wanted.to));
    if (end) before = std::min(before, *end);
  }
  if (wanted.from) {
    LICET_TRY(begin, place(*wanted.from));
    if (!begin) return std::vector<Row>();
    where += " and idx >= " + std::to_string(*begin);
  }
  if (!wanted.kinds.empty()) {
    where += " and kind in (";
    for (const std::string& kind : wanted.kinds) {
      texts.push_back(kind);
      where += (where.back() == '(' ? "?" : ", ?") + std::to_string(texts.size() + 2);
    }
    where += ")";
  }
  is("actor", wanted.actor);
  is("system", wanted.system);
  is("decision", wanted.decision);
  is("reason", wanted.reason);
  is("exchange", wanted.exchange);
  LICET_TRY(query, db_.prepare(select(where + " order by idx desc limit ?2")));
  query.bind(1, static_cast<std::int64_t>(std::min<std::uint64_t>(before, std::numeric_limits<std::int64_t>::max()))).bind(2, wanted.most);
  for (std::size_t i = 0; i < texts.size(); ++i) query.bind(static_cast<int>(i) + 3, std::string_view(texts[i]));
  db_.limit_instructions(most_steps);
  auto found = rows(query);
  db_.limit_instructions(0);
  return found;
}

Result<std::vector<Index::Daily>> Index::daily(Date from, Date to) {
  LICET_TRY(query, db_.prepare("select day, decision, reason, entries from daily where day >= ?1 and day <= ?2 order by 1, 2, 3"));
  query.bind(1, from.time_since_epoch().count()).bind(2, to.time_since_epoch().count());
  std::vector<Daily> all;
  for (;;) {
    LICET_TRY(more, query.step());
    if (!more) return all;
    all.push_back({Date(std::chrono::days(query.integer(0))), std::string(query.text(1)), std::string(query.text(2)),
                   static_cast<std::uint64_t>(query.integer(3))});
  }
}

Result<std::vector<Row>> Index::of_patient(const BlindIndex& blind, std::size_t most) {
  LICET_TRY(query, db_.prepare(select("where idx in (select idx from entry_patient where blind = ?1) order by idx desc limit ?2")));
  query.bind(1, std::string_view(hex(blind))).bind(2, most);
  return rows(query);
}

Result<std::vector<Index::Count>> Index::counts(Micros from, Micros to) {
  LICET_TRY(query,
            db_.prepare("select coalesce(decision, ''), coalesce(reason, ''), count(*) from entry where time >= ?1 and time < ?2 and "
                        "kind in ('exchange.sent', 'exchange.refused', 'exchange.held') group by 1, 2 order by 1, 2"));
  query.bind(1, count(from)).bind(2, count(to));
  std::vector<Count> all;
  for (;;) {
    LICET_TRY(more, query.step());
    if (!more) return all;
    all.push_back({std::string(query.text(0)), std::string(query.text(1)), static_cast<std::uint64_t>(query.integer(2))});
  }
}

}  // namespace licet::ledger
