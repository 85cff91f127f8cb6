// judge(): one database per judgment; each requirement's population, needs and verdicts; the packs' grounds and prohibitions.
//
// The packs' statements only read, and none sees what another one gave. So a large declaration is judged by two threads, each with a copy
// of the database, who take the next statement from one list; what each statement gave stands in its own place of that list. Who took which
// shows nowhere.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <thread>
#include <unordered_map>

#include "rules/compare.h"
#include "rules/internal/base.h"
#include "rules/internal/bench.h"
#include "rules/rules.h"

namespace licet::rules {
namespace {

// A pack is untrusted input. One statement of a stack with 10,000 systems takes some 10 million instructions.
constexpr std::uint64_t kInstructionsMost = 100'000'000;
constexpr std::size_t kRowsMost = 500'000;
constexpr std::size_t kFindingsMost = 2'000'000;
constexpr std::size_t kTextMost = 16 * 1024;
constexpr std::size_t kPopulationsMost = 8;
constexpr std::size_t kRowsWorthTwo = 1000;  // below this, a thread and its copy cost more than they save

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
};
template <class V>
using ByName = std::unordered_map<std::string, V, StringHash, std::equal_to<>>;

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string out;
  for (std::size_t at; (at = text.find(what)) != std::string_view::npos; text.remove_prefix(at + what.size()))
    out.append(text.substr(0, at)).append(with);
  return out.append(text);
}

// "Sign one between {up} and {down}": text with the names of columns in braces.
struct Template {
  struct Piece {
    std::string text, column;  // the text, and then the column's value
  };
  std::vector<Piece> pieces;

  explicit Template(std::string_view text) {
    while (!text.empty()) {
      const std::size_t open = text.find('{'), close = text.find('}', open == std::string_view::npos ? text.size() : open);
      if (close == std::string_view::npos) break;
      pieces.push_back({std::string(text.substr(0, open)), std::string(text.substr(open + 1, close - open - 1))});
      text.remove_prefix(close + 1);
    }
    pieces.push_back({std::string(text), ""});
  }
};

bool matches(std::string_view pattern, std::string_view id) {
  return pattern.ends_with('*') ? id.starts_with(pattern.substr(0, pattern.size() - 1)) : pattern == id;
}

struct Decided {
  std::string id, choice, until, at;
  bool current = false;
  std::vector<std::string> about, subjects;
};

// The rows of one statement, with the columns that are asked for by name.
class Rows {
 public:
  Rows(store::Statement statement) : statement_(std::move(statement)) {
    for (int i = 0; i < statement_.columns(); ++i) names_.emplace_back(statement_.column_name(i));
  }
  [[nodiscard]] int column(std::string_view name) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    return found == names_.end() ? -1 : static_cast<int>(found - names_.begin());
  }
  [[nodiscard]] Result<bool> next() {
    LICET_TRY(row, statement_.step());
    if (row && ++rows_ > kRowsMost) return Error{Code::exhausted, fmt::format("more than {} rows", kRowsMost)};
    return row;
  }
  [[nodiscard]] bool is_null(int column) const { return column < 0 || statement_.is_null(column); }
  [[nodiscard]] std::string_view text(int column) const { return column < 0 ? std::string_view() : statement_.text(column); }
  [[nodiscard]] std::int64_t integer(int column) const { return column < 0 ? 0 : statement_.integer(column); }
  [[nodiscard]] store::Statement& statement() { return statement_; }

 private:
  store::Statement statement_;
  std::vector<std::string> names_;  // SQLite would look each one up again
  std::size_t rows_ = 0;
};

constexpr std::string_view kGroundIndexes =
    "create index if not exists m_ground on v_ground(flow); create index if not exists m_ground_purpose on v_ground_purpose(flow, purpose);"
    "create index if not exists m_ground_class on v_ground_class(ground);";

Result<void> shelve(store::Database& db, std::span<const Ground> grounds) {
  LICET_TRY_VOID(db.run("begin"));
  LICET_TRY(ground, db.prepare("insert into v_ground values (?, ?, nullif(?, ''), ?, ?)"));
  LICET_TRY(purpose, db.prepare("insert into v_ground_purpose values (?, nullif(?, ''), ?)"));
  LICET_TRY(cls, db.prepare("insert into v_ground_class values (?, nullif(?, ''), ?)"));
  const auto words = [](store::Statement& s, const Ground& g, const std::vector<std::string>& list) -> Result<void> {
    for (const std::string& word : list) {
      s.bind(1, std::string_view(g.id)).bind(2, std::string_view(g.flow)).bind(3, std::string_view(word));
      LICET_TRY_VOID(s.run());
    }
    return {};
  };
  for (const Ground& g : grounds) {
    ground.bind(1, std::string_view(g.id)).bind(2, std::string_view(g.kind)).bind(3, std::string_view(g.flow));
    ground.bind(4, std::string_view(g.recipient)).bind(5, std::string_view(g.form));
    LICET_TRY_VOID(ground.run());
    LICET_TRY_VOID(words(purpose, g, g.purposes));
    LICET_TRY_VOID(words(cls, g, g.classes));
  }
  LICET_TRY_VOID(db.run(kGroundIndexes));
  return db.run("commit");
}

// What the engine itself looks things up in, once the declaration is there. Not changed while statements run.
struct Known {
  Date as_of{};
  std::string as_of_text, under;
  ByName<std::string> places;   // id → {"id":…,"at":…}
  ByName<std::string> expired;  // evidence → its last day
  std::vector<Decided> decided;
};

// Runs one statement after the other on a database that no other thread has.
class Worker {
 public:
  // findings: how many there are so far, of all workers
  Worker(store::Database& db, const Known& known, std::atomic<std::size_t>& findings) : db_(db), known_(known), findings_(findings) {}

  [[nodiscard]] store::Database& db() { return db_; }
  void lock() {
    db_.allow_only_reads();
    db_.limit_instructions(kInstructionsMost);
  }

  static Error wrong(std::string_view file, std::uint32_t line, std::string_view id, const Error& error) {
    return {error.code == Code::permission_denied || error.code == Code::failed_precondition ? Code::invalid_argument : error.code,
            fmt::format("{}:{}: {}: {}", file, line, id, error.message)};
  }
  static Error wrong(const Requirement& r, std::string_view part, std::string_view message, Code code = Code::invalid_argument) {
    return {code == Code::permission_denied ? Code::invalid_argument : code,
            fmt::format("{}:{}: {} ({}): {}", r.file, r.line, r.id, part, message)};
  }

  // Its findings, by subject.
  Result<std::vector<Finding>> requirement(const Requirement& r) {
    std::vector<Finding> out;
    Plan plan{Template(r.mend), {}, {}};
    for (const auto& [column, question] : r.questions) plan.questions.emplace(column, Template(question));
    const auto keep = [&](const Template& t) {
      for (const auto& piece : t.pieces)
        if (!piece.column.empty()) plan.kept.push_back(piece.column);
    };
    keep(plan.mend);
    for (const auto& [column, question] : plan.questions) keep(question);
    std::sort(plan.kept.begin(), plan.kept.end());
    plan.kept.erase(std::unique(plan.kept.begin(), plan.kept.end()), plan.kept.end());

    LICET_TRY(population, each(r, plan));
    const auto asked = std::make_shared<const Asked>(Asked{.requirement = r.id,
                                                           .cites = r.cites,
                                                           .about = r.about,
                                                           .source = r.source,
                                                           .level = r.level,
                                                           .meets = r.meets,
                                                           .effect = r.effect,
                                                           .under = known_.under});
    if (population.empty()) {
      Finding& f = out.emplace_back();
      f.asked = asked;
      f.status = Status::not_applicable;
      f.because = r.none;
      f.witness = f.facts = "[]";
      return out;
    }
    if (findings_.fetch_add(population.size()) + population.size() > kFindingsMost)
      return wrong(r, "check", fmt::format("more than {} findings in all", kFindingsMost), Code::exhausted);
    out.reserve(population.size());
    for (const Member& m : population) {
      Finding& f = out.emplace_back();
      f.asked = asked;
      f.subject = m.subject;
    }
    LICET_TRY_VOID(check(r, plan, population, out));
    for (std::size_t i = 0; i < population.size(); ++i) {
      const Member& m = population[i];
      if (m.judged) continue;
      const bool lacks = !m.missing.empty();
      Finding& f = out[i];
      const auto question = plan.questions.find(m.missing);
      if (question != plan.questions.end()) {
        LICET_TRY(text, fill(r, question->second, plan, m, nullptr));
        f.because = text;
      } else {
        f.because = lacks ? fmt::format("Not on record for {}: {}", m.subject, replaced(m.missing, "_", " "))
                          : fmt::format("No verdict could be reached on {}", m.subject);
      }
      f.witness = fmt::format("[\"{}\"]", m.subject);
      f.facts = facts_of(m.subject);
      LICET_TRY(mend, fill(r, plan.mend, plan, m, nullptr));
      f.mend = lacks && question != plan.questions.end() ? std::string() : mend;
      decide(r, f);
    }
    return out;
  }

  Result<std::vector<Ground>> grounds(const Pack::Query& q) {
    std::vector<Ground> out;
    static constexpr std::array<std::string_view, 22> kColumns = {
        "more",    "kind",     "flow",      "recipient",  "classes",           "purposes",
        "regions", "whose",    "patients",  "form",       "minimum_necessary", "accountable",
        "hold",    "asks_for", "live_from", "live_until", "agreements",        "entity",
        "witness", "cites",    "because",   "effect_as"};
    auto opened = rows(q.sql);
    if (!opened) return wrong(q.file, q.line, q.id, opened.error());
    Rows& in = *opened;
    LICET_TRY_VOID(only(q, in, kColumns));
    for (const std::string_view must : {"recipient", "classes", "purposes", "witness", "because"})
      if (in.column(must) < 0) return wrong(q.file, q.line, q.id, {Code::invalid_argument, fmt::format("selects no column '{}'", must)});
    const auto column = [&](std::string_view name) { return in.column(name); };
    for (;;) {
      auto row = in.next();
      if (!row) return wrong(q.file, q.line, q.id, row.error());
      if (!*row) break;
      Ground g;
      g.kind = in.is_null(column("kind")) ? q.kind : std::string(in.text(column("kind")));
      g.flow = in.text(column("flow"));
      g.recipient = in.text(column("recipient"));
      if (g.recipient.empty()) return wrong(q.file, q.line, q.id, {Code::invalid_argument, "a ground without a recipient"});
      g.id = g.kind + ":" + (g.flow.empty() ? g.recipient : g.flow);
      if (!in.is_null(column("more"))) g.id.append(":").append(in.text(column("more")));
      LICET_TRY(classes, strings(q, in, column("classes")));
      LICET_TRY(purposes, strings(q, in, column("purposes")));
      LICET_TRY(regions, strings(q, in, column("regions")));
      LICET_TRY(patients, strings(q, in, column("patients")));
      LICET_TRY(asks_for, strings(q, in, column("asks_for")));
      LICET_TRY(agreements, strings(q, in, column("agreements")));
      if (classes.empty() || purposes.empty()) continue;  // covers nothing
      g.classes = std::move(classes);
      g.purposes = std::move(purposes);
      g.regions = std::move(regions);
      g.patients = std::move(patients);
      g.asks_for = std::move(asks_for);
      g.agreements = std::move(agreements);
      if (!in.is_null(column("whose"))) g.whose = in.text(column("whose"));
      if (!in.is_null(column("form"))) g.form = in.text(column("form"));
      if (!in.is_null(column("minimum_necessary"))) g.minimum_necessary = in.integer(column("minimum_necessary")) != 0;
      g.accountable = in.integer(column("accountable")) != 0;
      g.hold = in.integer(column("hold")) != 0;
      static constexpr std::array<std::string_view, 5> kWhose = {"all", "compartment", "members", "panel", "named"};
      static constexpr std::array<std::string_view, 3> kForms = {"identified", "limited", "deidentified"};
      if (std::find(kWhose.begin(), kWhose.end(), g.whose) == kWhose.end() ||
          std::find(kForms.begin(), kForms.end(), g.form) == kForms.end())
        return wrong(q.file, q.line, q.id, {Code::invalid_argument, fmt::format("'{}' or '{}' is no such word", g.whose, g.form)});
      for (const auto& [name, into] : {std::pair{"live_from", &g.from}, std::pair{"live_until", &g.until}}) {
        const int at = column(name);
        if (in.is_null(at) || in.text(at).empty()) continue;
        auto day = parse_date(in.text(at));
        if (!day) return wrong(q.file, q.line, q.id, {Code::invalid_argument, fmt::format("'{}' is no date", name)});
        *into = *day;
      }
      g.effect_as = in.is_null(column("effect_as")) ? g.kind : std::string(in.text(column("effect_as")));
      g.entity = in.text(column("entity"));
      g.witness = in.text(column("witness"));
      g.because = in.text(column("because"));
      g.cites = in.is_null(column("cites")) ? fmt::format("{}", fmt::join(q.cites, ", ")) : std::string(in.text(column("cites")));
      if (g.because.empty() || !nlohmann::json::accept(g.witness))
        return wrong(q.file, q.line, q.id, {Code::invalid_argument, fmt::format("the ground {} lacks its witness or because", g.id)});
      if ((g.from && *g.from > known_.as_of) || (g.until && *g.until < known_.as_of)) continue;
      out.push_back(std::move(g));
    }
    return out;
  }

  Result<std::vector<Prohibition>> prohibitions(const Pack::Query& q) {
    std::vector<Prohibition> out;
    static constexpr std::array<std::string_view, 7> kColumns = {"more", "flow", "classes", "purposes", "unless", "because", "cites"};
    auto opened = rows(q.sql);
    if (!opened) return wrong(q.file, q.line, q.id, opened.error());
    Rows& in = *opened;
    LICET_TRY_VOID(only(q, in, kColumns));
    for (;;) {
      auto row = in.next();
      if (!row) return wrong(q.file, q.line, q.id, row.error());
      if (!*row) break;
      Prohibition p;
      p.flow = in.text(in.column("flow"));
      p.id = q.id + (p.flow.empty() ? "" : ":" + p.flow);
      if (const int more = in.column("more"); !in.is_null(more)) p.id.append(":").append(in.text(more));
      LICET_TRY(classes, strings(q, in, in.column("classes")));
      LICET_TRY(purposes, strings(q, in, in.column("purposes")));
      LICET_TRY(unless, strings(q, in, in.column("unless")));
      p.classes = std::move(classes);
      p.purposes = std::move(purposes);
      p.unless = std::move(unless);
      p.because = sentence(in.text(in.column("because")), known_.under);
      p.cites = in.is_null(in.column("cites")) ? fmt::format("{}", fmt::join(q.cites, ", ")) : std::string(in.text(in.column("cites")));
      out.push_back(std::move(p));
    }
    return out;
  }

 private:
  Result<Rows> rows(std::string_view sql) {
    LICET_TRY(statement, db_.prepare(sql));
    if (const int as_of = statement.parameter("as_of"); as_of != 0) statement.bind(as_of, std::string_view(known_.as_of_text));
    return Rows(std::move(statement));
  }

  // ---- requirements

  struct Member {
    std::string subject;
    std::string missing;               // the first column of `needs` that is NULL
    std::vector<std::string> columns;  // values of Plan::kept
    bool judged = false;               // its finding stands at the same index as it
  };
  struct Plan {
    Template mend;
    std::map<std::string, Template> questions;
    std::vector<std::string> kept;  // columns of `each` that templates ask for
  };
  struct Population {  // what read_each() makes of these three
    std::string sql;
    std::vector<std::string> needs, kept;
    std::vector<Member> members;
  };

  // Requirements often share their population: all that ask the same of it share the reading, too.
  Result<std::vector<Member>> each(const Requirement& r, const Plan& plan) {
    Population asked{r.each, r.needs, plan.kept, {}};
    for (const Population& p : populations_)
      if (p.sql == asked.sql && p.needs == asked.needs && p.kept == asked.kept) return p.members;
    LICET_TRY(members, read_each(r, plan));
    asked.members = std::move(members);
    if (populations_.size() == kPopulationsMost) populations_.pop_front();
    populations_.push_back(std::move(asked));
    return populations_.back().members;
  }

  Result<std::vector<Member>> read_each(const Requirement& r, const Plan& plan) {
    std::vector<Member> out;
    auto opened = rows(r.each);
    if (!opened) return wrong(r, "each", opened.error().message, opened.error().code);
    Rows& in = *opened;
    const int subject = in.column("subject");
    if (subject < 0) return wrong(r, "each", "selects no column 'subject'");
    std::vector<int> needs, kept;
    for (const std::string& column : r.needs) {
      needs.push_back(in.column(column));
      if (needs.back() < 0) return wrong(r, "needs", fmt::format("'each' selects no column '{}'", column));
    }
    for (const std::string& column : plan.kept) kept.push_back(in.column(column));
    for (;;) {
      auto row = in.next();
      if (!row) return wrong(r, "each", row.error().message, row.error().code);
      if (!*row) break;
      Member m;
      m.subject = in.text(subject);
      if (m.subject.empty()) return wrong(r, "each", "a row without a subject");
      for (std::size_t i = 0; i < needs.size() && m.missing.empty(); ++i)
        if (in.is_null(needs[i])) m.missing = r.needs[i];
      for (const int column : kept) m.columns.emplace_back(in.text(column));
      out.push_back(std::move(m));
    }
    std::sort(out.begin(), out.end(), [](const Member& a, const Member& b) { return a.subject < b.subject; });
    for (std::size_t i = 1; i < out.size(); ++i)
      if (out[i].subject == out[i - 1].subject) return wrong(r, "each", fmt::format("names the subject '{}' twice", out[i].subject));
    return out;
  }

  Result<void> check(const Requirement& r, const Plan& plan, std::vector<Member>& population, std::span<Finding> findings) {
    auto opened = rows(replaced(r.check, "{each}", "(" + r.each + "\n)"));
    if (!opened) return wrong(r, "check", opened.error().message, opened.error().code);
    Rows& in = *opened;
    const int subject = in.column("subject"), status = in.column("status"), because = in.column("because"), witness = in.column("witness"),
              facts = in.column("facts"), since = in.column("since"), until = in.column("until"), gaps = in.column("gaps");
    if (subject < 0 || status < 0 || because < 0) return wrong(r, "check", "must select subject, status and because");
    std::size_t guess = 0;
    for (;;) {
      auto row = in.next();
      if (!row) return wrong(r, "check", row.error().message, row.error().code);
      if (!*row) break;
      // Rules mostly answer in the order of their population; else look it up.
      const std::string_view id = in.text(subject);
      if (guess >= population.size() || population[guess].subject != id)
        guess = static_cast<std::size_t>(
            std::lower_bound(population.begin(), population.end(), id, [](const Member& m, std::string_view s) { return m.subject < s; }) -
            population.begin());
      if (guess >= population.size() || population[guess].subject != id)
        return wrong(r, "check", fmt::format("gives a verdict on '{}', which 'each' does not name", id));
      const std::size_t at = guess++;
      Member& m = population[at];
      if (!m.missing.empty()) continue;  // what must be known isn't: whatever the check says, it is unknown
      if (m.judged) return wrong(r, "check", fmt::format("gives two verdicts on '{}'", m.subject));
      m.judged = true;

      const std::string_view word = in.text(status);
      Finding& f = findings[at];
      if (word == "pass")
        f.status = Status::pass;
      else if (word == "fail")
        f.status = Status::fail;
      else if (word == "not-applicable")
        f.status = Status::not_applicable;
      else if (word != "unknown")
        return wrong(
            r, "check",
            fmt::format("the status of '{}' is '{}': it must be pass, fail, unknown or not-applicable", m.subject, word.substr(0, 40)));
      if (in.is_null(because) || in.text(because).empty()) return wrong(r, "check", fmt::format("no 'because' for '{}'", m.subject));
      if (in.text(because).size() > kTextMost || in.text(witness).size() > kTextMost || in.text(facts).size() > kTextMost)
        return wrong(r, "check", fmt::format("what it says about '{}' is longer than {} bytes", m.subject, kTextMost), Code::exhausted);
      f.witness = in.is_null(witness) ? fmt::format("[\"{}\"]", m.subject) : std::string(in.text(witness));
      std::vector<std::string_view> steps;
      if (!plain(f.witness, steps) && (f.witness.front() != '[' || !nlohmann::json::accept(f.witness)))
        return wrong(r, "check", fmt::format("the witness of '{}' is no JSON array", m.subject));
      std::string lapsed;
      if (in.is_null(facts)) {
        f.facts = facts_of(m.subject);
      } else {
        LICET_TRY(expanded, expand(r, in.text(facts), lapsed));
        f.facts = expanded;
      }
      if (!in.is_null(gaps)) LICET_TRY_VOID(read_gaps(r, in.text(gaps), f.gaps));
      for (const auto& [column, into] : {std::pair{since, &f.since}, std::pair{until, &f.until}}) {
        if (in.is_null(column)) continue;
        auto day = parse_date(in.text(column));
        if (!day) return wrong(r, "check", fmt::format("'since' and 'until' of '{}' must be dates", m.subject));
        *into = *day;
      }
      std::string words(in.text(because));
      if (f.status == Status::pass && !lapsed.empty()) {
        f.status = Status::stale;
        words += fmt::format(", but {} counted only until {}", lapsed, known_.expired.find(lapsed)->second);
        if (auto last = parse_date(known_.expired.find(lapsed)->second); last) f.since = *last + std::chrono::days(1);
      }
      f.because = std::move(words);
      if (f.status != Status::pass && f.status != Status::not_applicable) {
        LICET_TRY(mend, fill(r, plan.mend, plan, m, &in));
        f.mend = std::move(mend);
      }
      decide(r, f);
    }
    return {};
  }

  // [{"term":"ai-training","agreement":"baa-cloud","needs":"prohibited"}, …]
  static Result<void> read_gaps(const Requirement& r, std::string_view text, std::vector<Gap>& out) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_array()) return wrong(r, "check", "'gaps' is no JSON array");
    for (const auto& item : json) {
      if (!item.is_object() || !item.contains("term"))
        return wrong(r, "check", "'gaps' holds objects with 'term', 'agreement' and 'needs'");
      const auto word = [&](const char* key) {
        const auto at = item.find(key);
        return at != item.end() && at->is_string() ? at->get<std::string>() : std::string();
      };
      out.push_back({word("term"), word("agreement"), word("needs"), word("words")});
    }
    return {};
  }

  // A person's decision makes an addressable specification or a policy accepted; of the rest it says that it can't.
  void decide(const Requirement& r, Finding& f) {
    if (!amiss(f, true)) return;
    for (const Decided& d : known_.decided) {
      if (d.choice == "implemented" || d.choice == "conduit" || d.choice == "not-associate") continue;  // these are for the rules to read
      const bool here = d.subjects.empty() || std::find(d.subjects.begin(), d.subjects.end(), f.subject) != d.subjects.end();
      const bool meant = std::any_of(d.about.begin(), d.about.end(), [&](const std::string& about) {
        return (here && (matches(about, r.id) || std::find(r.cites.begin(), r.cites.end(), about) != r.cites.end())) ||
               matches(about, f.subject);
      });
      if (!meant) continue;
      const bool may = r.level == "addressable" || r.source == "policy";
      std::string note;
      if (!d.current) {
        note = d.until.empty() ? fmt::format("the decision {} does not stand yet", d.id)
                               : fmt::format("the decision {} stood until {}", d.id, d.until);
        if (may && !d.until.empty() && f.status == Status::fail) f.status = Status::stale;
      } else if (!may) {
        note = fmt::format("the decision {} does not lift it: only addressable specifications and policies can be accepted", d.id);
      } else {
        note = fmt::format("accepted by the decision {} ({}){}", d.id, d.choice, d.until.empty() ? "" : " until " + d.until);
        f.status = Status::accepted;
      }
      f.because += "; " + note;
      const std::string& place = known_.places.find(d.id)->second;
      f.facts = f.facts == "[]" ? "[" + place + "]" : f.facts.substr(0, f.facts.size() - 1) + "," + place + "]";
      return;
    }
  }

  Result<std::string> fill(const Requirement& r, const Template& t, const Plan& plan, const Member& m, const Rows* row) {
    std::string out;
    for (const auto& piece : t.pieces) {
      out += piece.text;
      if (piece.column.empty()) continue;
      if (const int own = row == nullptr ? -1 : row->column(piece.column); own >= 0) {
        out += row->text(own);
        continue;
      }
      const auto kept = std::find(plan.kept.begin(), plan.kept.end(), piece.column);
      const std::string& value = m.columns[static_cast<std::size_t>(kept - plan.kept.begin())];
      if (value.empty() && row != nullptr && piece.column != "subject" && !known_column(r, piece.column))
        return wrong(r, "mend", fmt::format("neither 'each' nor 'check' selects '{}'", piece.column));
      out += value;
    }
    return out;
  }

  // Only asked where a value is empty: is it NULL, or is there no such column?
  bool known_column(const Requirement& r, std::string_view column) {
    auto opened = rows(r.each);
    return opened && opened->column(column) >= 0;
  }

  [[nodiscard]] std::string facts_of(std::string_view id) const {
    const auto found = known_.places.find(id);
    return found == known_.places.end() ? "[]" : "[" + found->second + "]";
  }

  // What json_array() makes of ids, as all rules do: ["a","b",null]. False: anything else, for the JSON parser.
  static bool plain(std::string_view text, std::vector<std::string_view>& ids) {
    if (text.size() < 2 || text.front() != '[' || text.back() != ']' || text.find('\\') != std::string_view::npos) return false;
    text = text.substr(1, text.size() - 2);
    while (!text.empty()) {
      std::size_t used = 4;
      if (text.front() == '"') {
        const std::size_t close = text.find('"', 1);
        if (close == std::string_view::npos) return false;
        ids.push_back(text.substr(1, close - 1));
        used = close + 1;
      } else if (!text.starts_with("null")) {
        ids.clear();
        return false;
      }
      if (used < text.size() && (text[used] != ',' || used + 1 == text.size())) {
        ids.clear();
        return false;
      }
      text.remove_prefix(std::min(text.size(), used + 1));
    }
    return true;
  }

  // ["baa-1","notes"] → [{"id":"baa-1","at":"a.yaml:3"},…]. NULLs are left out; `lapsed` becomes the id of expired evidence, if any.
  Result<std::string> expand(const Requirement& r, std::string_view text, std::string& lapsed) const {
    std::vector<std::string_view> ids;
    nlohmann::json json;
    if (!plain(text, ids)) {
      json = nlohmann::json::parse(text, nullptr, false);
      if (!json.is_array()) return wrong(r, "check", "'facts' is no JSON array");
      for (const auto& item : json) {
        if (item.is_null()) continue;
        if (!item.is_string()) return wrong(r, "check", "'facts' holds ids only");
        ids.push_back(item.get_ref<const std::string&>());
      }
    }
    std::string out = "[";
    for (auto at = ids.begin(); at != ids.end(); ++at) {
      const std::string_view id = *at;
      if (std::find(ids.begin(), at, id) != at) continue;
      const auto found = known_.places.find(id);
      if (found == known_.places.end())
        return wrong(r, "check", fmt::format("'facts' names '{}', which is not on record", id.substr(0, 64)));
      if (out.size() > 1) out += ',';
      out += found->second;
      if (lapsed.empty() && known_.expired.contains(id)) lapsed = id;
    }
    return out += "]";
  }

  // ---- grounds and prohibitions

  Result<std::vector<std::string>> strings(const Pack::Query& q, const Rows& in, int column) const {
    std::vector<std::string> out;
    if (in.is_null(column)) return out;
    const auto json = nlohmann::json::parse(in.text(column), nullptr, false);
    if (!json.is_array())
      return wrong(q.file, q.line, q.id, {Code::invalid_argument, fmt::format("'{}' is no JSON array", in.text(column).substr(0, 40))});
    for (const auto& item : json)
      if (item.is_string()) out.push_back(item.get<std::string>());
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  template <std::size_t N>
  static Result<void> only(const Pack::Query& q, Rows& in, const std::array<std::string_view, N>& known) {
    for (int i = 0; i < in.statement().columns(); ++i) {
      const std::string_view name = in.statement().column_name(i);
      if (std::find(known.begin(), known.end(), name) == known.end())
        return wrong(q.file, q.line, q.id,
                     {Code::invalid_argument, fmt::format("unknown column '{}'; there are {}", name, fmt::join(known, ", "))});
    }
    return {};
  }

  store::Database& db_;
  const Known& known_;
  std::atomic<std::size_t>& findings_;
  std::deque<Population> populations_;  // the last few
};

class Judge {
 public:
  Judge(Court& court, Date as_of, unsigned threads) : court_(court), threads_(threads) {
    known_.as_of = out_.as_of = as_of;
    known_.as_of_text = format(as_of);
  }

  Result<Judgment> run(std::span<const Pack* const> packs) {
    for (const Pack* pack : packs) out_.packs.push_back(pack->info);
    known_.under = out_.under = under();
    LICET_TRY_VOID(views(packs));
    LICET_TRY_VOID(know(court_.db));
    workers_.emplace_back(court_.db, known_, findings_);
    for (unsigned i = 1; i < threads_; ++i) {
      LICET_TRY(copy, court_.db.copy());
      copies_.push_back(std::move(copy));
      workers_.emplace_back(copies_.back(), known_, findings_);
    }
    // Beyond this point the packs' SQL runs: nothing but bounded reading.
    for (Worker& w : workers_) w.lock();
    LICET_TRY_VOID(lawful(packs));
    LICET_TRY_VOID(each_worker([this](Worker& w) -> Result<void> {
      w.db().allow_writes();
      LICET_TRY_VOID(shelve(w.db(), out_.grounds));
      w.db().allow_only_reads();
      return {};
    }));
    LICET_TRY_VOID(requirements(packs));
    return finish();
  }

 private:
  [[nodiscard]] std::string under() const {
    std::string out;
    for (const PackInfo& p : out_.packs)
      out += fmt::format("{}{}@{}{}", out.empty() ? "under packs " : ", ", p.id, p.version,
                         p.status == "proposed" ? " (proposed, not in force)" : "");
    if (out.empty()) out = "under no pack";
    return out + "; state law not assessed";
  }

  // The database isn't locked yet. prepare() takes one statement only, and what begins with "create view … as" can only be a SELECT.
  // Those of the judgment before stay where they are the same.
  Result<void> views(std::span<const Pack* const> packs) {
    std::set<std::string_view> asked;
    for (const Pack* pack : packs)
      for (const Pack::Query& view : pack->views) asked.insert(view.id);
    for (auto v = court_.views.begin(); v != court_.views.end();) {
      if (asked.contains(v->first)) {
        ++v;
        continue;
      }
      LICET_TRY_VOID(court_.db.run("drop view " + v->first));
      v = court_.views.erase(v);
    }
    std::set<std::string_view> here;
    for (const Pack* pack : packs) {
      for (const Pack::Query& view : pack->views) {
        const auto known = court_.views.find(view.id);
        if (known != court_.views.end() && here.insert(view.id).second) {
          if (known->second == view.sql) continue;
          LICET_TRY_VOID(court_.db.run("drop view " + view.id));
          court_.views.erase(known);
        }
        here.insert(view.id);
        auto statement = court_.db.prepare("create view " + view.id + " as " + view.sql);
        if (!statement) return Worker::wrong(view.file, view.line, view.id, statement.error());
        if (auto made = statement->run(); !made) return Worker::wrong(view.file, view.line, view.id, made.error());
        court_.views.emplace(view.id, view.sql);
      }
    }
    return {};
  }

  // What the engine itself looks things up in: places, decisions, expired evidence.
  Result<void> know(store::Database& db) {
    LICET_TRY(things, db.prepare("select id, at from v_thing union all select id, id from v_fact"));
    for (;;) {
      LICET_TRY(row, things.step());
      if (!row) break;
      known_.places.emplace(things.text(0), nlohmann::ordered_json{{"id", things.text(0)}, {"at", things.text(1)}}.dump());
    }
    LICET_TRY(decisions, db.prepare("select id, choice, coalesce(until, ''), current, at, about from v_decision order by id"));
    for (;;) {
      LICET_TRY(row, decisions.step());
      if (!row) break;
      if (known_.decided.empty() || known_.decided.back().id != decisions.text(0))
        known_.decided.push_back({.id = std::string(decisions.text(0)),
                                  .choice = std::string(decisions.text(1)),
                                  .until = std::string(decisions.text(2)),
                                  .at = std::string(decisions.text(4)),
                                  .current = decisions.integer(3) != 0});
      known_.decided.back().about.emplace_back(decisions.text(5));
    }
    LICET_TRY(subjects, db.prepare("select subject from v_decision_subject where decision = ?"));
    for (Decided& d : known_.decided) {
      subjects.bind(1, std::string_view(d.id));
      for (;;) {
        LICET_TRY(row, subjects.step());
        if (!row) break;
        d.subjects.emplace_back(subjects.text(0));
      }
    }
    LICET_TRY(expired, db.prepare("select distinct id, expires from v_evidence, v_judged where expires < as_of"));
    for (;;) {
      LICET_TRY(row, expired.step());
      if (!row) break;
      known_.expired.emplace(expired.text(0), expired.text(1));
    }
    return {};
  }

  // Lets every worker do the same, each on its thread.
  template <class Do>
  Result<void> each_worker(const Do& work) {
    std::vector<std::optional<Error>> errors(workers_.size());
    const auto on = [&](std::size_t w) {
      if (Result<void> done = work(workers_[w]); !done) errors[w] = std::move(done).error();
    };
    {
      std::vector<std::jthread> others;
      for (std::size_t w = 1; w < workers_.size(); ++w) others.emplace_back(on, w);
      on(0);
    }
    for (std::optional<Error>& error : errors)
      if (error) return *std::move(error);
    return {};
  }

  // Does each of `count` things, by whichever worker is free. Where several fail, the first of them in order is the error.
  template <class Do>
  Result<void> each_of(std::size_t count, const Do& one) {
    std::atomic<std::size_t> next = 0, stop = count;
    std::vector<std::optional<Error>> errors(count);
    LICET_TRY_VOID(each_worker([&](Worker& worker) -> Result<void> {
      for (std::size_t i; (i = next.fetch_add(1)) < stop.load();) {
        Result<void> done = one(worker, i);
        if (done) continue;
        errors[i] = std::move(done).error();
        for (std::size_t before = stop.load(); i < before && !stop.compare_exchange_weak(before, i);) {
        }
      }
      return {};
    }));
    for (std::optional<Error>& error : errors)
      if (error) return *std::move(error);
    return {};
  }

  Result<void> lawful(std::span<const Pack* const> packs) {
    std::vector<std::pair<const Pack::Query*, bool>> queries;  // and whether it is a prohibition
    for (const Pack* pack : packs) {
      for (const Pack::Query& q : pack->grounds) queries.emplace_back(&q, false);
      for (const Pack::Query& q : pack->prohibitions) queries.emplace_back(&q, true);
    }
    std::vector<std::vector<Ground>> grounds(queries.size());
    std::vector<std::vector<Prohibition>> prohibitions(queries.size());
    LICET_TRY_VOID(each_of(queries.size(), [&](Worker& worker, std::size_t i) -> Result<void> {
      const auto& [query, forbids] = queries[i];
      if (forbids) {
        LICET_TRY(rows, worker.prohibitions(*query));
        prohibitions[i] = std::move(rows);
      } else {
        LICET_TRY(rows, worker.grounds(*query));
        grounds[i] = std::move(rows);
      }
      return {};
    }));
    for (auto& rows : grounds) std::move(rows.begin(), rows.end(), std::back_inserter(out_.grounds));
    for (auto& rows : prohibitions) std::move(rows.begin(), rows.end(), std::back_inserter(out_.prohibitions));
    return {};
  }

  // By id, and each population by subject: so the findings come out sorted.
  Result<void> requirements(std::span<const Pack* const> packs) {
    std::vector<const Requirement*> all;
    for (const Pack* pack : packs)
      for (const Requirement& r : pack->requirements) all.push_back(&r);
    std::sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
    for (std::size_t i = 1; i < all.size(); ++i)
      if (all[i]->id == all[i - 1]->id) return Worker::wrong(*all[i], "id", "two packs have a requirement of this id");
    std::vector<std::vector<Finding>> found(all.size());
    LICET_TRY_VOID(each_of(all.size(), [&](Worker& worker, std::size_t i) -> Result<void> {
      LICET_TRY(findings, worker.requirement(*all[i]));
      found[i] = std::move(findings);
      return {};
    }));
    std::size_t count = 0;
    for (const auto& findings : found) count += findings.size();
    out_.findings.reserve(count);
    for (auto& findings : found) {
      std::move(findings.begin(), findings.end(), std::back_inserter(out_.findings));
      findings = {};
    }
    return {};
  }

  Result<Judgment> finish() {
    std::sort(out_.grounds.begin(), out_.grounds.end(), [](const Ground& a, const Ground& b) { return a.id < b.id; });
    for (std::size_t i = 1; i < out_.grounds.size(); ++i)
      if (out_.grounds[i].id == out_.grounds[i - 1].id)
        return Error{Code::invalid_argument, fmt::format("two grounds are called {}: give them 'more'", out_.grounds[i].id)};
    std::sort(out_.prohibitions.begin(), out_.prohibitions.end(), [](const Prohibition& a, const Prohibition& b) { return a.id < b.id; });
    const auto matters = [this](std::optional<Date> day) {
      if (day && *day > known_.as_of && (!out_.next_change || *day < *out_.next_change)) out_.next_change = day;
    };
    for (const Finding& f : out_.findings) {
      matters(f.until);
      if (f.since && amiss(f, true))
        for (const auto& [kind, effect] : f.asked->effect)
          if (effect.what == Effect::What::grace) matters(*f.since + std::chrono::days(effect.grace_days));
    }
    for (const Ground& g : out_.grounds)
      if (g.until) matters(*g.until + std::chrono::days(1));
    return std::move(out_);
  }

  Court& court_;
  unsigned threads_;
  Known known_;
  std::atomic<std::size_t> findings_ = 0;
  std::deque<store::Database> copies_;
  std::deque<Worker> workers_;  // the first one is this thread's, on the court's own database; each other one has a copy
  Judgment out_;
};

}  // namespace

std::string Finding::sentence() const {
  return rules::sentence(because, asked->under);
}

std::vector<std::string> Finding::about_ids() const {
  std::vector<std::string> out;
  const auto json = nlohmann::json::parse(facts, nullptr, false);
  if (!json.is_array()) return out;
  for (const auto& item : json)
    if (item.is_object() && item.contains("id") && item["id"].is_string()) out.push_back(item["id"].get<std::string>());
  return out;
}

Result<Bench> Bench::make(const stack::Relations& relations, Date as_of, Mold* mold, unsigned threads) {
  const std::optional<Date> next = next_date(relations, as_of);
  if (threads == 0) {
    std::size_t rows = 0;
    for (const stack::Table& table : relations) rows += table.rows.size();
    threads = rows < kRowsWorthTwo || std::thread::hardware_concurrency() < 2 ? 1 : 2;
  }
  if (mold != nullptr) {
    LICET_TRY(court, mold->fill(relations, as_of));
    return Bench(nullptr, court, as_of, next, threads);
  }
  LICET_TRY(base, make_base(relations, as_of));
  return Bench(std::make_unique<Court>(std::move(base)), nullptr, as_of, next, threads);
}

Result<Judgment> Bench::judge(std::span<const Pack> packs) {
  std::vector<const Pack*> in_force;
  std::optional<Date> next = next_;
  for (const Pack& pack : packs) {
    if (pack.info.status == "superseded" || pack.info.status == "withdrawn") continue;
    if (pack.info.effective && *pack.info.effective > as_of_) {
      if (!next || *pack.info.effective < *next) next = pack.info.effective;
      continue;  // not the law yet
    }
    in_force.push_back(&pack);
  }
  std::sort(in_force.begin(), in_force.end(), [](const Pack* a, const Pack* b) { return a->info.id < b->info.id; });
  auto judged = Judge(*court_, as_of_, threads_).run(in_force);
  court_->db.allow_writes();
  LICET_TRY_VOID(court_->db.run("delete from v_ground; delete from v_ground_purpose; delete from v_ground_class"));
  if (!judged) return std::move(judged).error();
  Judgment out = *std::move(judged);
  if (next && (!out.next_change || *next < *out.next_change)) out.next_change = next;
  return out;
}

Result<Judgment> judge(const stack::Relations& relations, std::span<const Pack> packs, Date as_of, unsigned threads) {
  return judge(
      relations, [packs]() -> Result<std::span<const Pack>> { return packs; }, as_of, threads);
}

Result<Judgment> judge(const stack::Relations& relations, const PacksLater& packs, Date as_of, unsigned threads) {
  LICET_TRY(bench, Bench::make(relations, as_of, nullptr, threads));
  LICET_TRY(read, packs());
  return bench.judge(read);
}

}  // namespace licet::rules
