#include "proof/reports.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/csv.h"
#include "base/html.h"
#include "proof/findings.h"
#include "proof/internal/csv.h"
#include "proof/internal/html.h"
#include "proof/internal/json.h"
#include "proof/internal/manifest.h"
#include "proof/internal/rows.h"
#include "proof/report.h"
#include "rules/compare.h"

namespace licet::proof {
namespace {

using nlohmann::json;
using rules::Finding;
using rules::Status;
using Counts = std::map<std::string, std::size_t>;

std::string list_of(const auto& items) {
  return fmt::format("{}", fmt::join(items, ", "));
}

std::string counted(const Counts& counts) {
  std::string out;
  for (const auto& [status, n] : counts) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, status);
  return out;
}

Sheet sheet_of(std::string name, std::string title, std::string notice, const rules::Judgment& judgment, std::vector<std::string> head) {
  return {std::move(name), std::move(title), std::move(notice), std::move(head), {}, format(judgment.as_of), judgment.under};
}

// ---- who carries what

// Whose it is to see to: the owner, the organization, both sides of a flow or an agreement.
std::vector<std::string> carriers(const stack::Stack& stack, std::string_view id) {
  const stack::Document* d = stack.find(id);
  if (d == nullptr) return {};
  const auto owner = [&](std::string_view system) {
    const stack::Document* s = stack.find("system", system);
    return s == nullptr ? std::string() : std::string(s->text("owner"));
  };
  std::vector<std::string> out;
  if (d->kind == "organization")
    out = {d->id};
  else if (d->kind == "flow")
    out = {owner(d->text("from")), owner(d->text("to"))};
  else if (d->kind == "agreement")
    out = {std::string(d->text("up")), std::string(d->text("down"))};
  else if (!d->text("organization").empty())
    out = {std::string(d->text("organization"))};
  else if (!d->text("owner").empty() && stack.find("organization", d->text("owner")) != nullptr)
    out = {std::string(d->text("owner"))};
  else if (!d->text("system").empty())
    out = {owner(d->text("system"))};
  else if (!d->text("serves").empty() || !d->text("reaches").empty())
    out = {owner(d->text("serves").empty() ? d->text("reaches") : d->text("serves"))};
  std::erase(out, std::string());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool in_force(const stack::Document& a, Date day) {
  const auto date = [&](std::string_view field) { return parse_date(a.text(field)); };
  if (a.text("is") != "baa" || a.text("status") == "draft" || a.text("status") == "terminated") return false;
  if (const auto signed_on = date("signed"); a.text("signed").empty() || !signed_on || *signed_on > day)
    return !a.list("signatures").empty();
  if (const auto from = date("effective"); !a.text("effective").empty() && from && *from > day) return false;
  for (const std::string_view end : {"expires", "terminated"})
    if (const auto until = date(end); !a.text(end).empty() && until && *until < day) return false;
  return true;
}

// ---- exposure

struct Reason {
  int points;
  std::string words;
};

// The systems that PHI can reach: those of covered entities and of those who work for one, and along the flows from there.
std::set<std::string> reached(const stack::Stack& stack) {
  const auto covered = [&](std::string id) {
    for (int depth = 0; depth < 32 && !id.empty(); ++depth) {
      const stack::Document* o = stack.find("organization", id);
      if (o == nullptr) return false;
      if (o->flag("covered")) return true;
      id = o->text("part-of");
    }
    return false;
  };
  std::set<std::string> out;
  std::vector<std::string> next;
  const auto add = [&](std::string_view id) {
    if (out.emplace(id).second) next.emplace_back(id);
  };
  for (const stack::Document* s : stack.all("system"))
    if (covered(std::string(s->text("owner"))) || covered(std::string(s->text("for")))) add(s->id);
  for (const stack::Document* f : stack.all("flow"))
    if (!f->text("on-behalf-of").empty()) add(f->text("from"));
  while (!next.empty()) {
    const std::string at = next.back();
    next.pop_back();
    for (const stack::Document* f : stack.all("flow"))
      if (f->text("from") == at) add(f->text("to"));
  }
  return out;
}

bool names(const Finding& f, std::string_view id) {
  return f.witness.find(fmt::format("\"{}\"", id)) != std::string::npos;
}

// ---- a questionnaire

constexpr std::size_t kQuestionsMost = 20'000;

// The citations that a text names: 164.308(a)(1)(ii)(A), with or without "45 CFR" or "§".
std::vector<std::string> citations_in(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::vector<std::string> out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!digit(text[i]) || (i > 0 && (digit(text[i - 1]) || text[i - 1] == '.' || text[i - 1] == '-'))) continue;
    std::size_t end = i;
    while (end < text.size() && digit(text[end])) ++end;
    if (end >= text.size() || text[end] != '.' || end + 1 >= text.size() || !digit(text[end + 1])) continue;
    const std::string_view part = text.substr(i, end - i);
    if (part != "160" && part != "162" && part != "164" && part != "2") continue;
    ++end;
    while (end < text.size() && digit(text[end])) ++end;
    while (end + 2 < text.size() && text[end] == '(') {
      const std::size_t close = text.find(')', end);
      if (close == std::string_view::npos || close - end > 6 || close - end < 2) break;
      end = close + 1;
    }
    const std::string cite(text.substr(i, end - i));
    out.push_back(part == "2" ? "42 CFR " + cite : cite);
    i = end;
  }
  return out;
}

// "164.308(a)" is asked, "164.308(a)(1)" answers. Never the other way round: a whole is not shown by one of its parts' neighbors.
bool answers_it(std::string_view asked, std::string_view cite) {
  return cite == asked || (cite.starts_with(asked) && cite[asked.size()] == '(');
}

bool has_word(std::string_view text, std::string_view word) {
  const auto part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  };
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool ends = end == text.size() || !part(text[end]) || ((text[end] == '.') && (end + 1 == text.size() || !part(text[end + 1])));
    if ((at == 0 || !part(text[at - 1])) && ends) return true;
  }
  return false;
}

}  // namespace

std::string sheet_csv(const Sheet& sheet) {
  const auto row = [](const std::vector<std::string>& cells) {
    std::string out;
    for (const std::string& cell : cells) out += (&cell == cells.data() ? "" : ",") + csv_cell(cell);
    return out + "\r\n";
  };
  std::string out = row(sheet.head);
  for (const auto& cells : sheet.rows) out += row(cells);
  return out;
}

std::string sheet_html(const Sheet& sheet) {
  std::string body =
      "<h1>" + html_escaped(sheet.title) + "</h1>\n<p class=\"soft\">As of " + sheet.as_of + ", " + html_escaped(sheet.under) + ".</p>\n";
  body += "<p class=\"notice\">" + html_escaped(sheet.notice) + "</p>\n" + html_table("", sheet.head, sheet.rows);
  body += "<footer><p>" + html_escaped(kNotice) + "</p></footer>\n";
  return html_page(sheet.title, body);
}

std::string sheet_json(const Sheet& sheet) {
  json rows = json::array();
  for (const auto& cells : sheet.rows) {
    json row = json::object();
    for (std::size_t i = 0; i < cells.size() && i < sheet.head.size(); ++i) row[sheet.head[i]] = cells[i];
    rows.push_back(std::move(row));
  }
  return canonical(
      {{"as_of", sheet.as_of}, {"name", sheet.name}, {"notice", sheet.notice}, {"rows", std::move(rows)}, {"under", sheet.under}});
}

Sheet responsibility(const stack::Stack& stack, const rules::Judgment& judgment, std::span<const rules::Pack> packs) {
  Sheet out =
      sheet_of("responsibility", "Who carries what",
               "Who must see to each requirement, by who owns or signed what it was asked of. An agreement moves work, never the duty to "
               "have the agreement.",
               judgment, {"what", "cites", "asks", "carried by", "as", "by what", "standing"});
  std::map<std::string, const rules::Requirement*> requirements;
  for (const rules::Pack& p : packs)
    for (const rules::Requirement& r : p.requirements) requirements.emplace(r.id, &r);
  std::set<std::string> ours;  // those whose program is judged: the tenant, and whoever has people here
  if (stack.find("organization", stack.tenant) != nullptr) ours.insert(stack.tenant);
  for (const stack::Document* p : stack.all("person")) ours.emplace(p->text("organization"));
  std::map<std::string, std::vector<std::string>> contracts;
  for (const stack::Document* a : stack.all("agreement"))
    if (in_force(*a, judgment.as_of)) contracts[std::string(a->text("down"))].push_back(a->id);

  std::map<std::pair<std::string, std::string>, Counts> cells;
  for (const Finding& f : judgment.findings) {
    const std::vector<std::string> who = carriers(stack, f.subject);
    const std::string status(rules::name(f.status));
    for (const std::string& c : who) ++cells[{f.asked->requirement, c}][status];
    if (who.empty()) ++cells[{f.asked->requirement, f.subject.empty() ? "" : stack.tenant}][status];
  }
  for (const auto& [key, counts] : cells) {
    const auto& [id, who] = key;
    const auto r = requirements.find(id);
    if (r == requirements.end()) continue;
    std::string as = "nobody: it was asked of nothing", by;
    if (ours.contains(who) || who == stack.tenant) {
      as = "own";
      by = "own program";
    } else if (!who.empty()) {
      const auto contract = contracts.find(who);
      as = contract == contracts.end() ? "other party, no contract in force on record" : "other party, under contract";
      if (contract != contracts.end()) by = list_of(contract->second);
      for (const stack::Document* o : stack.all("offer"))
        if (o->text("owner") == who) by += fmt::format("{}offer {}", by.empty() ? "" : ", ", o->id);
    }
    out.rows.push_back({id, list_of(r->second->cites), r->second->asks, who, as, by, counted(counts)});
  }
  // What the other party promised, clause by clause.
  for (const rules::Pack& p : packs)
    for (const rules::Clause& c : p.clauses) {
      if (c.cite.empty() && c.path.empty()) continue;
      for (const stack::Document* a : stack.all("agreement")) {
        if (a->text("is") != "baa") continue;
        std::string standing = "not on record";
        if (!c.path.empty() && !a->text(c.path).empty()) standing = fmt::format("{}: {}", c.path, a->text(c.path));
        if (const stack::Value* list = c.cite.empty() ? nullptr : a->find("clauses"); list != nullptr)
          for (const stack::Value& item : list->items)
            if (const stack::Value* cite = item.find("cite"); cite != nullptr && cite->text == c.cite)
              standing = fmt::format("{}, {}", item.find("is") == nullptr ? "named" : item.find("is")->text, stack.where(item.place));
        const std::string_view seen = c.by == "gate"    ? "the gate enforces it"
                                      : c.by == "judge" ? "check looks at it"
                                                        : "a promise that nothing here can see";
        out.rows.push_back({c.id, list_of(c.cites), c.asks, std::string(a->text("down")),
                            fmt::format("promised to {}, {}", a->text("up"), seen), a->id,
                            in_force(*a, judgment.as_of) ? standing : standing + ", not in force"});
      }
    }
  return out;
}

Sheet exposure(const stack::Stack& stack, const rules::Judgment& judgment, const license::Table& table) {
  Sheet out = sheet_of("exposure", "Where PHI would be exposed",
                       "Points order what to look at first; they are no probability and no measure of harm. Each reason says what it adds.",
                       judgment, {"rank", "system", "owner", "points", "people", "classes", "why"});
  struct Row {
    int points = 0;
    std::vector<std::string> cells;
  };
  std::vector<Row> rows;
  for (const std::string& id : reached(stack)) {
    const stack::Document* s = stack.find("system", id);
    if (s == nullptr) continue;
    std::vector<Reason> why;
    std::set<std::string> classes;
    for (const std::string_view c : s->list("holds")) classes.emplace(c);
    std::int64_t people = 0;
    const auto count = [&](const stack::Document& d) {
      const std::string text(d.text("people"));
      people = std::max<std::int64_t>(people, std::atoll(text.c_str()));
    };
    count(*s);
    std::vector<std::string> outside;
    std::set<std::string> arriving;  // flows to it: what is amiss with one exposes what arrives here
    for (const stack::Document* f : stack.all("flow")) {
      const bool arrives = f->text("to") == id;
      if (!arrives && f->text("from") != id) continue;
      for (const std::string_view c : f->list("data")) classes.emplace(c);
      if (!arrives) continue;
      count(*f);
      arriving.insert(f->id);
      if (f->text("via").empty()) outside.push_back(f->id);
    }
    if (people > 0) {
      int magnitude = 0;
      for (std::int64_t n = people; n >= 10; n /= 10) ++magnitude;
      why.push_back({8 * magnitude, fmt::format("PHI of about {} people is declared", people)});
    }
    std::vector<std::string> special;
    for (const std::string& c : classes)
      if (c.starts_with("special.")) special.push_back(c);
    if (!special.empty()) why.push_back({25, "specially protected: " + list_of(special)});
    if (!classes.empty())
      why.push_back({5 + static_cast<int>(std::min<std::size_t>(classes.size(), 10)),
                     fmt::format("{} data classes pass through it", classes.size())});
    const std::string_view keeps = s->text("keeps");
    if (keeps != "none" && keeps != "transient")
      why.push_back({15, keeps.empty() ? "whether it keeps PHI is not declared" : "it keeps PHI"});
    if (s->text("encrypted") != "true" && keeps != "none")
      why.push_back({s->text("encrypted").empty() ? 10 : 25, s->text("encrypted").empty()
                                                                 ? "whether what rests in it is encrypted is not declared"
                                                                 : "what rests in it is not encrypted"});
    if (!outside.empty()) why.push_back({10, "reached outside the gate by " + list_of(outside)});
    Counts amiss;
    int worst = 0;
    for (const Finding& f : judgment.findings) {
      if (!rules::amiss(f, false) ||
          !(f.subject == id || arriving.contains(f.subject) || (stack.find("flow", f.subject) == nullptr && names(f, id))))
        continue;
      ++amiss[f.asked->requirement];
      worst += f.asked->about == "program" ? 8 : 30;
    }
    if (worst > 0) {
      std::vector<std::string> which;
      for (const auto& [r, n] : amiss) which.push_back(r);
      why.push_back({std::min(worst, 90), "amiss: " + list_of(which)});
    }
    const std::string quoted = fmt::format("\"{}\"", id);
    std::set<std::string> holders;
    for (const license::License& l : table.licenses())
      if (l.witness.find(quoted) != std::string::npos) holders.insert(l.holder);
    if (!holders.empty())
      why.push_back({static_cast<int>(std::min<std::size_t>(holders.size(), 20)),
                     fmt::format("{} holders are licensed on paths over it", holders.size())});
    std::stable_sort(why.begin(), why.end(), [](const Reason& a, const Reason& b) { return a.points > b.points; });
    Row row;
    std::string words;
    for (const Reason& r : why) {
      row.points += r.points;
      words += fmt::format("{}{} (+{})", words.empty() ? "" : "; ", r.words, r.points);
    }
    row.cells = {"",
                 id,
                 std::string(s->text("owner")),
                 std::to_string(row.points),
                 people > 0 ? std::to_string(people) : "not declared",
                 list_of(classes),
                 words};
    rows.push_back(std::move(row));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.points > b.points; });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    // Equal points share a rank.
    const bool same = i > 0 && rows[i].points == rows[i - 1].points;
    rows[i].cells[0] = same ? out.rows.back()[0] : std::to_string(i + 1);
    out.rows.push_back(rows[i].cells);
  }
  return out;
}

std::vector<CoverageRow> coverage_rows(std::span<const rules::Pack> packs, std::span<const rules::Finding> findings) {
  std::map<std::string, std::vector<std::string>> cited;
  for (const rules::Pack& pack : packs)
    for (const rules::Requirement& r : pack.requirements)
      for (const std::string& cite : r.cites) cited[cite].push_back(r.id);
  std::map<std::string, Counts> counts;
  for (const rules::Finding& f : findings)
    for (const std::string& cite : f.asked->cites) ++counts[cite][std::string(rules::name(f.status))];
  std::vector<CoverageRow> rows;
  for (const rules::Pack& pack : packs)
    for (const rules::Pack::Citation& c : pack.citations) rows.push_back({c, cited[c.cite], counts[c.cite]});
  return rows;
}

Sheet coverage(const rules::Judgment& judgment, std::span<const rules::Pack> packs) {
  Sheet out = sheet_of("coverage", "Paragraph by paragraph", "That a paragraph is asked about does not say that it is met.", judgment,
                       {"paragraph", "level", "title", "requirements", "findings"});
  for (const CoverageRow& r : coverage_rows(packs, judgment.findings))
    out.rows.push_back({r.citation.cite, r.citation.level, r.citation.title, list_of(r.requirements), counted(r.counts)});
  return out;
}

Result<Sheet> answers(std::string_view csv, const rules::Judgment& judgment) {
  LICET_TRY(rows, csv_rows(csv, ',', kQuestionsMost));
  std::erase_if(rows, [](const auto& row) { return row.size() == 1 && row[0].empty(); });
  if (rows.empty()) return Error{Code::invalid_argument, "no row of column names: a questionnaire is a CSV with a column 'question'"};
  std::vector<std::string> head = rows.front();
  const bool has = std::any_of(head.begin(), head.end(), [](const std::string& h) {
    std::string low = h;
    std::transform(low.begin(), low.end(), low.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return low.find("question") != std::string::npos;
  });
  if (!has) return Error{Code::invalid_argument, "none of its columns is called 'question'"};
  const std::size_t columns = head.size();
  for (const char* more : {"answer", "evidence", "requirements"}) head.emplace_back(more);
  Sheet out = sheet_of(
      "answers", "Answers to a questionnaire",
      "A question is answered only from findings on a citation or requirement that its row names. What is not on record is not answered.",
      judgment, std::move(head));
  std::set<std::string> ids;
  for (const Finding& f : judgment.findings) ids.insert(f.asked->requirement);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::vector<std::string> row = std::move(rows[i]);
    row.resize(columns);
    std::vector<std::string> asked;
    std::set<std::string> named;
    for (const std::string& cell : row) {
      for (std::string& cite : citations_in(cell)) asked.push_back(std::move(cite));
      for (const std::string& id : ids)
        if (has_word(cell, id)) named.insert(id);
    }
    Counts counts;
    std::set<std::string> requirements;
    std::vector<const Finding*> found;
    for (const Finding& f : judgment.findings) {
      const bool cited = std::any_of(f.asked->cites.begin(), f.asked->cites.end(), [&](const std::string& c) {
        return std::any_of(asked.begin(), asked.end(), [&](const std::string& a) { return answers_it(a, c); });
      });
      if (!cited && !named.contains(f.asked->requirement)) continue;
      requirements.insert(f.asked->requirement);
      ++counts[std::string(rules::name(f.status))];
      found.push_back(&f);
    }
    // Worst first; an answer stands on what is known, so unknowns and what doesn't apply are no evidence.
    std::string answer, evidence;
    const auto known = [](const Finding* f) { return f->status != Status::unknown && f->status != Status::not_applicable; };
    if (asked.empty() && named.empty()) {
      answer = "no evidence on record: the question names no citation and no requirement";
    } else if (found.empty()) {
      answer = "no evidence on record: no requirement of the packs is about it";
    } else if (std::none_of(found.begin(), found.end(), known)) {
      answer = fmt::format("no evidence on record ({})", counted(counts));
    } else {
      answer = counted(counts);
      std::stable_sort(found.begin(), found.end(), [](const Finding* a, const Finding* b) {
        const auto rank = [](const Finding* f) {
          return std::find(kWorstFirst.begin(), kWorstFirst.end(), f->status) - kWorstFirst.begin();
        };
        return rank(a) < rank(b);
      });
      constexpr std::size_t kShown = 8;
      for (std::size_t n = 0; n < std::min(kShown, found.size()); ++n) {
        const std::string at = place_of(*found[n]);
        evidence += fmt::format("{}{}: {}{}", n == 0 ? "" : "; ", rules::name(found[n]->status), found[n]->because,
                                at.empty() ? "" : " [" + at + "]");
      }
      if (found.size() > kShown) evidence += fmt::format("; and {} more", found.size() - kShown);
    }
    row.push_back(std::move(answer));
    row.push_back(std::move(evidence));
    row.push_back(list_of(requirements));
    out.rows.push_back(std::move(row));
  }
  return out;
}

Bundle make_release(const ReleaseInput& in) {
  const rules::Judgment& judgment = *in.judgment;
  Bundle out;
  const auto add = [&](std::string path, std::string bytes) { out.files.push_back({std::move(path), std::move(bytes)}); };
  add("findings.json", findings_json(judgment) + "\n");
  add("findings.csv", findings_csv(judgment));
  add("findings.sarif", findings_sarif(judgment, in.build) + "\n");
  add("findings.html", findings_html(judgment));
  Sheet open = sheet_of("open", "What is open", "Every finding that fails, is stale or is unknown, the worst first.", judgment,
                        {"status", "subject", "requirement", "cites", "because", "mend"});
  for (const auto& row : finding_rows(judgment, true))
    if (row.front() != rules::name(Status::accepted)) open.rows.push_back(row);
  const Sheet sheets[] = {open, coverage(judgment, in.packs), responsibility(*in.stack, judgment, in.packs),
                          exposure(*in.stack, judgment, *in.table)};
  for (const Sheet& sheet : sheets) {
    add(sheet.name + ".csv", sheet_csv(sheet));
    add(sheet.name + ".html", sheet_html(sheet));
  }
  for (const stack::Source& source : in.sources) add("stack/" + source.path, source.bytes);

  std::vector<std::vector<std::string>> numbers, laws, contents;
  const json counts = summary(judgment);
  for (const Status s : kWorstFirst)
    numbers.push_back({std::string(rules::name(s)), std::to_string(counts[std::string(rules::name(s))].get<int>())});
  for (const rules::PackInfo& p : judgment.packs) laws.push_back({p.id, p.version, p.status, p.digest == Digest{} ? "" : hex(p.digest)});
  for (const BundleFile& f : out.files) contents.push_back({f.path, hex(crypto::sha256(f.bytes))});
  const std::string body =
      "<h1>What was checked for " + html_escaped(in.name) + "</h1>\n<p class=\"soft\">" + html_escaped(in.stack->tenant) + ", as of " +
      format(judgment.as_of) + "</p>\n<p class=\"notice\">" + html_escaped(kNotice) + "</p>\n<h2>In numbers</h2>\n" +
      html_table("Findings by status", {"status", "findings"}, numbers) + "<h2>Against what</h2>\n" +
      html_table("State law was not assessed.", {"pack", "version", "status", "sha256"}, laws) + "<h2>What is open</h2>\n" +
      (open.rows.empty() ? std::string("<p>Nothing fails, is stale or unknown.</p>\n") : html_table("", open.head, open.rows)) +
      "<h2>What is in this folder</h2>\n" + html_table("", {"file", "sha256"}, contents);
  add("index.html", html_page("What was checked for " + in.name, body));
  std::sort(out.files.begin(), out.files.end(), [](const BundleFile& a, const BundleFile& b) { return a.path < b.path; });

  json files = json::array(), packs = json::array();
  // The key's file, if there will be one, is named by the signature itself.
  for (const BundleFile& f : out.files)
    files.push_back({{"path", f.path}, {"bytes", f.bytes.size()}, {"sha256", hex(crypto::sha256(f.bytes))}});
  for (const rules::PackInfo& p : judgment.packs) packs.push_back(to_json(p));
  const std::string manifest = canonical({{"kind", "licet release"},
                                          {"v", 1},
                                          {"release", in.name},
                                          {"notice", kNotice},
                                          {"origin", in.origin},
                                          {"build", in.build},
                                          {"as_of", format(judgment.as_of)},
                                          {"tenant", in.stack->tenant},
                                          {"stack", hex(in.stack->digest)},
                                          {"table", hex(crypto::sha256(in.table->digest_text()))},
                                          {"packs", std::move(packs)},
                                          {"summary", counts},
                                          {"under", judgment.under},
                                          {"files", std::move(files)}}) +
                               "\n";
  out.manifest = crypto::sha256(manifest);
  add(std::string(kManifest), manifest);
  return out;
}

void seal_release(Bundle& release, const std::string& signature, const ledger::Verifier& signer) {
  release.files.push_back({std::string(kSignature), signature});
  release.files.push_back({std::string(kKey), ledger::vkey(signer) + "\n"});
}

Result<std::string> sign_release(std::string_view manifest, const std::string& origin, const crypto::Ed25519Key& key) {
  const json in = json::parse(manifest, nullptr, false);
  if (text(in, "kind") != "licet release" || text(in, "origin") != origin)
    return Error{Code::invalid_argument, "not the manifest of a release that this node could sign"};
  return ledger::sign_note(manifest_note(crypto::sha256(manifest)), origin, key);
}

}  // namespace licet::proof
