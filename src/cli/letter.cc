// licet letter: for each gap, a draft to the other party that names clause and citation, and a wording to negotiate from.
//
// Every sentence of law in it is the pack's (kind: clause, kind: letter); this file only finds the gaps and fills in names.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/config.h"
#include "cli/on_record.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "epoch/load.h"

namespace licet::cli {
namespace {

using nlohmann::json;

struct LetterArgs {
  std::string about, stack = ".", packs = default_packs(), config, as_of, format = "text";
  std::vector<std::string> gaps;
};

// One point of the letter.
struct Point {
  const rules::Finding* finding = nullptr;
  const rules::Clause* clause = nullptr;
  std::string agreement, needs, words;
};

template <class List, class X>
bool holds(const List& list, const X& x) {
  return std::find(list.begin(), list.end(), x) != list.end();
}

class Writer {
 public:
  Writer(const epoch::World& world, const LetterArgs& args) : world_(world), args_(args) {}

  [[nodiscard]] Result<std::vector<Point>> points() const {
    std::vector<Point> out;
    for (const rules::Finding& f : world_.judgment.findings) {
      if (f.status != rules::Status::fail && f.status != rules::Status::stale && f.status != rules::Status::unknown) continue;
      if (f.gaps.empty()) {
        if (const rules::Clause* c = by_rule(f.asked->requirement)) add(out, {&f, c, agreement_of(f), {}, {}});
        continue;
      }
      for (const rules::Gap& g : f.gaps)
        if (const rules::Clause* c = by_id(g.term)) add(out, {&f, c, g.agreement, g.needs, g.words});
    }
    if (out.empty() && world_.stack->find(args_.about) == nullptr && !args_.about.empty())
      return Error{Code::not_found, fmt::format("nothing in the declaration has the id '{}'", args_.about)};
    return out;
  }

  // Who is written to, and by whom.
  struct Parties {
    std::string up, down;
  };
  [[nodiscard]] Parties parties(const Point& p) const {
    if (const stack::Document* a = world_.stack->find("agreement", p.agreement))
      return {std::string(a->text("up")), std::string(a->text("down"))};
    if (const stack::Document* f = world_.stack->find("flow", p.finding->subject)) {
      const stack::Document *from = world_.stack->find("system", f->text("from")), *to = world_.stack->find("system", f->text("to"));
      return {std::string(from == nullptr ? "" : from->text("owner")), std::string(to == nullptr ? "" : to->text("owner"))};
    }
    return {};
  }
  [[nodiscard]] std::string label(const std::string& organization) const {
    const stack::Document* o = world_.stack->find("organization", organization);
    return o == nullptr ? organization : fmt::format("{} ({})", o->text("name"), o->id);
  }
  [[nodiscard]] std::string amendment(const Point& p) const {
    const Parties who = parties(p);
    std::string out = p.clause->amendment;
    const auto fill = [&](std::string_view key, const std::string& with) {
      for (std::size_t at; (at = out.find(key)) != std::string::npos;) out.replace(at, key.size(), with);
    };
    const auto name = [&](const std::string& id) {
      const stack::Document* o = world_.stack->find("organization", id);
      return o == nullptr ? id : std::string(o->text("name"));
    };
    fill("{up}", name(who.up));
    fill("{down}", name(who.down));
    fill("{agreement}", p.agreement);
    fill("{subject}", p.finding->subject);
    fill("{needs}", p.needs.empty() ? "____" : p.needs);
    return out;
  }
  [[nodiscard]] static const std::string& found(const Point& p) { return p.words.empty() ? p.finding->because : p.words; }
  [[nodiscard]] const rules::Letter& words() const {
    static const rules::Letter none;
    for (const rules::Pack& pack : world_.packs)
      if (!pack.letter.draft.empty()) return pack.letter;
    return none;
  }

 private:
  [[nodiscard]] const rules::Clause* by_id(std::string_view id) const {
    for (const rules::Pack& pack : world_.packs)
      for (const rules::Clause& c : pack.clauses)
        if (c.id == id) return &c;
    return nullptr;
  }
  // The clause whose own rule it is, else the first that names it.
  [[nodiscard]] const rules::Clause* by_rule(const std::string& rule) const {
    const rules::Clause* named = nullptr;
    for (const rules::Pack& pack : world_.packs)
      for (const rules::Clause& c : pack.clauses) {
        if (!c.rules.empty() && c.rules.front() == rule) return &c;
        if (named == nullptr && holds(c.rules, rule)) named = &c;
      }
    return named;
  }
  [[nodiscard]] std::string agreement_of(const rules::Finding& f) const {
    if (world_.stack->find("agreement", f.subject) != nullptr) return f.subject;
    for (const std::string& id : f.about_ids())
      if (world_.stack->find("agreement", id) != nullptr) return id;
    return {};
  }
  void add(std::vector<Point>& out, Point p) const {
    const rules::Finding& f = *p.finding;
    const bool about = args_.about.empty() || args_.about == p.agreement || args_.about == f.subject || args_.about == parties(p).down;
    const auto named = [&](const std::string& gap) {
      return gap == f.asked->requirement || gap == f.subject || gap == p.clause->id || gap == p.agreement || gap == p.clause->cite ||
             holds(f.asked->cites, gap) || holds(p.clause->cites, gap);
    };
    if (about && (args_.gaps.empty() || std::any_of(args_.gaps.begin(), args_.gaps.end(), named))) {
      const bool there = std::any_of(out.begin(), out.end(), [&](const Point& o) {
        return o.clause == p.clause && o.agreement == p.agreement && o.needs == p.needs && found(o) == found(p);
      });
      if (!there) out.push_back(std::move(p));
    }
  }

  const epoch::World& world_;
  const LetterArgs& args_;
};

std::string indented(std::string_view text, std::string_view by) {
  std::string out;
  constexpr std::size_t kWide = 92;
  while (!text.empty()) {
    std::size_t cut = text.size() <= kWide ? text.size() : text.rfind(' ', kWide);
    if (cut == std::string_view::npos) cut = std::min(text.find(' '), text.size());
    out.append(by).append(text.substr(0, cut)).append("\n");
    text.remove_prefix(cut);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  return out;
}

std::string letter_text(const epoch::World& world, const Writer& writer, const std::vector<const Point*>& points) {
  const Writer::Parties who = writer.parties(*points.front());
  const stack::Document* to = world.stack->find("organization", who.down);
  std::string out = writer.words().draft + "\n\n" + format(world.judgment.as_of) + "\n";
  out += fmt::format("To:    {}{}\nFrom:  {}\n", writer.label(who.down),
                     to == nullptr || to->text("contact").empty() ? "" : fmt::format(", {}", to->text("contact")), writer.label(who.up));
  if (const stack::Document* a = world.stack->find("agreement", points.front()->agreement))
    out += fmt::format("About: {}{}{} ({})\n", a->id, a->text("signed").empty() ? "" : fmt::format(", signed {}", a->text("signed")),
                       a->text("document").empty() ? "" : fmt::format(", {}", a->text("document")), world.stack->where(a->place));
  out += "\n" + indented(writer.words().opening, "");
  int number = 0;
  for (const Point* p : points) {
    out += fmt::format("\n{}. [{}] {}\n", ++number, fmt::join(p->clause->cites, ", "), p->clause->asks);
    out += "   What we found:\n" + indented(writer.found(*p) + ".", "     ");
    out += "   A wording to negotiate from:\n" + indented(writer.amendment(*p), "     > ");
  }
  return out + "\n" + indented(writer.words().closing, "") + "\n" + writer.label(who.up) + "\n";
}

Result<int> write(const LetterArgs& args) {
  LICET_TRY(place, place_of(args.stack, args.packs, args.config, SystemClock().now()));
  auto& [folder, packs, record] = place;
  if (!args.as_of.empty()) {
    LICET_TRY(date, parse_date(args.as_of));
    record.now = Micros(date) + std::chrono::hours(12);
  }
  LICET_TRY(world, epoch::assemble({folder, packs}, record.facts, record.now, store::real_files()));
  if (!world.problems.empty()) return Error{Code::invalid_argument, world.problems.front().text()};
  const Writer writer(world, args);
  LICET_TRY(points, writer.points());
  if (points.empty()) {
    fmt::print("Nothing to write about{} as of {}: no gap of an agreement is found ({}).\n", args.about.empty() ? "" : " to " + args.about,
               format(world.judgment.as_of), world.judgment.under);
    return kClean;
  }
  // One letter for each agreement, or pair of parties without one.
  std::map<std::string, std::vector<const Point*>> letters;
  for (const Point& p : points) {
    const Writer::Parties who = writer.parties(p);
    letters[who.up + "\n" + who.down + "\n" + p.agreement].push_back(&p);
  }
  json list = json::array();
  bool first = true;
  for (const auto& [key, of] : letters) {
    const Writer::Parties who = writer.parties(*of.front());
    if (who.down.empty()) continue;
    const std::string text = letter_text(world, writer, of);
    if (args.format == "text") {
      fmt::print("{}{}", first ? "" : "\n" + std::string(72, '-') + "\n\n", text);
      first = false;
      continue;
    }
    json gaps = json::array();
    for (const Point* p : of)
      gaps.push_back({{"clause", p->clause->id},
                      {"cites", p->clause->cites},
                      {"requirement", p->finding->asked->requirement},
                      {"subject", p->finding->subject},
                      {"status", rules::name(p->finding->status)},
                      {"found", writer.found(*p)},
                      {"amendment", writer.amendment(*p)}});
    list.push_back({{"to", who.down},
                    {"from", who.up},
                    {"agreement", of.front()->agreement.empty() ? json(nullptr) : json(of.front()->agreement)},
                    {"gaps", std::move(gaps)},
                    {"text", text}});
  }
  if (args.format == "json")
    fmt::print("{}\n", json{{"as_of", format(world.judgment.as_of)}, {"draft", true}, {"letters", std::move(list)}}.dump());
  return kNo;
}

}  // namespace

void add_letter(CLI::App& app, Run& run) {
  auto args = std::make_shared<LetterArgs>();
  CLI::App* c = app.add_subcommand(
      "letter", "Draft the letter to the other party: each gap of an agreement, its citation, and a wording to negotiate from");
  c->add_option("about", args->about, "an agreement, a vendor (organization) or a flow; every gap, unless given");
  c->add_option("--gap", args->gaps, "only this gap: a term, citation, requirement or flow; may be repeated");
  c->add_option("--stack", args->stack, "the stack folder")->capture_default_str();
  c->add_option("--packs", args->packs, "the folder of packs")->capture_default_str();
  c->add_option("--config", args->config, "licet.yaml of a node: its stack, and what is on record there");
  c->add_option("--as-of", args->as_of, "judge as of this date (YYYY-MM-DD)");
  c->add_option("--format", args->format, "text or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
  c->footer(
      "It drafts; it sends nothing, and it is no legal advice. Exit: 0 nothing to write about, 1 a letter was drafted, 2 could not "
      "load.\n\n"
      "  licet letter baa-fax-2024 --stack examples/riverbend\n"
      "  licet letter --gap notes-to-acme --stack examples/riverbend\n"
      "  licet letter lexica --gap breach-notice --stack examples/scribe");
  c->callback([args, &run] {
    run = [args] {
      auto code = write(*args);
      return code ? *code : fail(code.error());
    };
  });
}

}  // namespace licet::cli
