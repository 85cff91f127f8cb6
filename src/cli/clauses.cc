#include "cli/clauses.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/on_record.h"
#include "cli/terminal.h"
#include "epoch/load.h"

namespace licet::cli {
namespace {

using nlohmann::json;

template <class List, class X>
bool holds(const List& list, const X& x) {
  return std::find(list.begin(), list.end(), x) != list.end();
}

// What the agreement says of the clause, and where.
struct Said {
  std::string words, at;
};
Said said(const stack::Stack& stack, const stack::Document& agreement, const rules::Clause& clause) {
  if (!clause.cite.empty()) {
    if (const stack::Value* clauses = agreement.find("clauses"))
      for (const stack::Value& c : clauses->items) {
        const auto text = [&](std::string_view key) { return c.find(key) == nullptr ? std::string() : c.find(key)->text; };
        if (text("cite") == clause.cite) return {text("is") + (text("at").empty() ? "" : ", " + text("at")), stack.where(c.place)};
      }
    return {};
  }
  const stack::Value* value = agreement.find(clause.path);
  if (value == nullptr) return {};
  std::string words = value->text;
  for (const stack::Value& item : value->items) words += (words.empty() ? "" : ", ") + item.text;
  return {words, stack.where(value->place)};
}

// The agreement's flows, and the systems of the party below: what decisions are about.
struct Reach {
  std::string agreement;
  std::set<std::string, std::less<>> flows, systems;

  [[nodiscard]] bool concerns(const ledger::Tally& t) const {
    return holds(t.agreements, agreement) || flows.contains(t.flow) || systems.contains(t.actor) || systems.contains(t.client) ||
           systems.contains(t.system);
  }
};
Reach reach_of(const epoch::World& world, const stack::Document& agreement) {
  Reach out;
  out.agreement = agreement.id;
  for (const rules::Ground& g : world.judgment.grounds)
    if (holds(g.agreements, agreement.id)) out.flows.insert(g.flow);
  for (const stack::Document* s : world.stack->all("system"))
    if (s->text("owner") == agreement.text("down")) out.systems.insert(s->id);
  for (const stack::Document* f : world.stack->all("flow"))
    if (out.systems.contains(f->text("to"))) out.flows.insert(f->id);
  return out;
}

bool shown_by(const rules::Clause& c, const ledger::Tally& t) {
  const auto any_of = [](const std::vector<std::string>& list, const std::string& x) { return list.empty() || holds(list, x); };
  return c.shows() && any_of(c.purposes, t.purpose) && any_of(c.decisions, t.decision) && any_of(c.reasons, t.reason);
}

int weight(rules::Status status) {
  switch (status) {
    case rules::Status::fail:
      return 5;
    case rules::Status::stale:
      return 4;
    case rules::Status::unknown:
      return 3;
    case rules::Status::accepted:
      return 2;
    case rules::Status::pass:
      return 1;
    case rules::Status::not_applicable:
      return 0;
  }
  return 5;
}

// The worst verdict of the clause's rules on this agreement; nullptr: none of them judged it.
const rules::Finding* verdict(const epoch::World& world, const Reach& reach, const rules::Clause& clause) {
  const rules::Finding* worst = nullptr;
  for (const rules::Finding& f : world.judgment.findings) {
    if (!holds(clause.rules, f.asked->requirement)) continue;
    const std::vector<std::string> about = f.about_ids();
    const bool ours = f.subject == reach.agreement || holds(about, reach.agreement) || reach.flows.contains(f.subject);
    const bool this_one =
        f.gaps.empty() || std::any_of(f.gaps.begin(), f.gaps.end(), [&](const rules::Gap& g) { return g.term == clause.id; });
    if (ours && this_one && (worst == nullptr || weight(f.status) > weight(worst->status))) worst = &f;
  }
  return worst;
}

struct Row {
  const rules::Clause* clause = nullptr;
  Said said;
  std::string status, because;
  std::map<std::string, std::uint64_t> decisions;
  std::string reference;  // of the latest of them
};

json as_json(const Row& r, bool asked) {
  json out{{"clause", r.clause->id},
           {"cites", r.clause->cites},
           {"asks", r.clause->asks},
           {"by", r.clause->by},
           {"control", r.clause->control},
           {"rules", r.clause->rules},
           {"says", r.said.words.empty() ? json(nullptr) : json(r.said.words)},
           {"at", r.said.at.empty() ? json(nullptr) : json(r.said.at)},
           {"status", r.status},
           {"because", r.because}};
  out["decisions"] = asked && r.clause->shows() ? json(r.decisions) : json(nullptr);
  out["latest"] = r.reference.empty() ? json(nullptr) : json(r.reference);
  return out;
}

std::string decisions_text(const Row& r, bool asked) {
  if (!r.clause->shows()) return r.clause->by == "gate" ? "each that stands on it" : "-";
  if (!asked) return "not asked (--config)";
  std::string out;
  for (const auto& [decision, count] : r.decisions) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, decision);
  return out.empty() ? "none yet" : out + ", last " + r.reference;
}

bool no_of(std::string_view status) {
  return status == "fail" || status == "stale";
}
Paint paint_of(std::string_view status) {
  if (no_of(status)) return Paint::red;
  if (status == "unknown") return Paint::yellow;
  if (status == "pass") return Paint::green;
  return Paint::dim;
}

Result<int> run(const ClausesArgs& args) {
  LICET_TRY(place, place_of(args.stack, args.packs, args.config, args.now));
  auto& [folder, packs, record] = place;
  LICET_TRY(world, epoch::assemble({folder, packs}, record.facts, record.now, store::real_files()));
  if (!world.problems.empty()) return Error{Code::invalid_argument, world.problems.front().text()};
  const stack::Document* agreement = world.stack->find("agreement", args.agreement);
  if (agreement == nullptr) return Error{Code::not_found, fmt::format("no agreement '{}' in {}", args.agreement, folder)};
  const bool asked = !args.config.empty();
  const Reach reach = reach_of(world, *agreement);
  std::vector<Row> rows;
  bool no = false;
  for (const rules::Pack& pack : world.packs)
    for (const rules::Clause& clause : pack.clauses) {
      if (clause.cite.empty() && clause.path.empty()) continue;  // only for letters
      Row r;
      r.clause = &clause;
      r.said = said(*world.stack, *agreement, clause);
      if (const rules::Finding* f = verdict(world, reach, clause)) {
        r.status = rules::name(f->status);
        r.because = f->sentence();
        no = no || no_of(r.status);
      }
      // A rule that many terms share may pass without this one: what is not agreed is never green.
      if (clause.cite.empty() && r.said.words.empty() && r.status == "pass") {
        r.status.clear();
        r.because = fmt::format("{} says nothing of it", agreement->id);
      }
      // Where a prohibition enforces it, that is what a refusal says.
      for (const rules::Prohibition& p : world.judgment.prohibitions)
        for (const std::string& rule : clause.rules)
          if (!no_of(r.status) && reach.flows.contains(p.flow) && p.id == rule + ":" + p.flow) r.because = p.because;
      Micros last{};
      for (const ledger::Tally& t : record.tallies) {
        if (!reach.concerns(t) || !shown_by(clause, t)) continue;
        r.decisions[t.decision] += t.count;
        if (t.last >= last) r.reference = t.reference;
        last = std::max(last, t.last);
      }
      rows.push_back(std::move(r));
    }
  if (args.format == "json") {
    json list = json::array();
    for (const Row& r : rows) list.push_back(as_json(r, asked));
    fmt::print("{}\n",
               json{{"agreement", agreement->id}, {"as_of", format(world.judgment.as_of)}, {"clauses", list}, {"ledger", asked}}.dump());
    return no ? kNo : kClean;
  }
  std::vector<std::vector<std::string>> table;
  for (const Row& r : rows) {
    const std::string rule =
        r.clause->by == "nobody" ? r.clause->control : fmt::format("{} ({})", r.clause->control, fmt::join(r.clause->rules, ", "));
    table.push_back({r.clause->id, r.said.words.empty() ? "nothing" : fmt::format("{} ({})", r.said.words, r.said.at), r.clause->by,
                     paint(paint_of(r.status), r.status.empty() ? "-" : r.status), decisions_text(r, asked),
                     rule + (r.because.empty() ? "" : ". " + r.because)});
  }
  fmt::print("{} · {} and {}\n\n", agreement->id, agreement->text("up"), agreement->text("down"));
  print_table({"clause", "says", "by", "verdict", "decisions", "rule"}, table);
  fmt::print("\n{}\n", paint(Paint::dim, world.judgment.under +
                                             ". By nobody: a promise that nothing here can see. Facts and sources, not legal advice."));
  return no ? kNo : kClean;
}

}  // namespace

int show_clauses(const ClausesArgs& args) {
  auto code = run(args);
  return code ? *code : fail(code.error());
}

}  // namespace licet::cli
