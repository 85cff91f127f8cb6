#include "console/internal/reports.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "base/child.h"
#include "base/html.h"
#include "console/internal/print.h"
#include "console/internal/reply.h"
#include "ledger/note.h"
#include "proof/findings.h"
#include "proof/report.h"

namespace licet::console {
namespace {

using nlohmann::json;
using rules::Status;

constexpr const char* kChromium = "/usr/bin/chromium";
constexpr std::size_t kMostRows = 5000;
constexpr std::size_t kMostTrust = 500;  // lines of agreements
constexpr std::pair<std::string_view, std::string_view> kReports[] = {
    {"today", "Where we stand"},      {"findings", "Findings"}, {"agreements", "Agreements"}, {"map", "Where PHI goes"},
    {"rules", "What the rules find"}, {"trust", "Trust page"},  {"card", "Card of one tool"},
};

std::string text(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::string joined(const json& list) {
  std::string out;
  for (const json& one : list) out += (out.empty() ? "" : ", ") + (one.is_string() ? one.get<std::string>() : one.dump());
  return out;
}

std::vector<std::pair<std::string, std::uint64_t>> states(const rules::Judgment& judgment, const Sight& sight) {
  std::map<Status, std::uint64_t> n;
  for (const rules::Finding& f : judgment.findings)
    if (sight.sees(f.subject)) ++n[f.status];
  std::vector<std::pair<std::string, std::uint64_t>> out;
  for (const Status s : {Status::fail, Status::stale, Status::unknown, Status::accepted, Status::pass, Status::not_applicable})
    out.emplace_back(std::string(rules::name(s)), n[s]);
  return out;
}

std::string lead(const ReportBy& by) {
  const epoch::Epoch& e = *by.index->epoch;
  return fmt::format("{}, as of {}, {}. Epoch {}; made {}{}.", e.world.stack->tenant, format(e.world.judgment.as_of),
                     e.world.judgment.under, e.number, format(by.ledger->now()), by.by.empty() ? "" : " for " + by.by);
}

// Under which packs is said once, in the lead.
std::vector<Row> finding_rows(const ReportBy& by, bool all) {
  const auto& findings = by.index->epoch->world.judgment.findings;
  std::vector<const rules::Finding*> kept;
  for (const rules::Finding& f : findings)
    if (by.sight->sees(f.subject) && (all || f.status == Status::fail || f.status == Status::stale)) kept.push_back(&f);
  const auto rank = [](Status s) { return s == Status::fail ? 0 : s == Status::stale ? 1 : s == Status::unknown ? 2 : 3; };
  std::stable_sort(kept.begin(), kept.end(), [&](const auto* a, const auto* b) { return rank(a->status) < rank(b->status); });
  std::vector<Row> rows;
  for (const rules::Finding* f : kept) {
    if (rows.size() == kMostRows) break;
    rows.push_back({std::string(rules::name(f->status)), f->subject, f->asked->requirement,
                    fmt::format("{}", fmt::join(f->asked->cites, ", ")), f->because, f->mend});
  }
  return rows;
}

json every(json (*view)(const FindingIndex&, std::string_view, const Sight&), const ReportBy& by) {
  json out = json::array();
  for (json next = 0; !next.is_null() && out.size() < kMostRows;) {
    json page_of = view(*by.index, fmt::format("limit=500&offset={}", next.get<std::uint64_t>()), *by.sight);
    for (json& item : page_of["items"]) out.push_back(std::move(item));
    next = page_of["next"];
  }
  return out;
}

std::string expiry(const json& agreements, Date as_of) {
  std::vector<Mark> marks;
  Date last = as_of + std::chrono::days(90);
  for (const json& a : agreements) {
    if (!a["ends"].is_string()) continue;
    auto day = parse_date(a["ends"].get<std::string>());
    if (!day || *day < as_of - std::chrono::days(365)) continue;
    marks.push_back({text(a, "id"), *day, *day < as_of});
    last = std::max(last, *day);
  }
  std::sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) { return a.day < b.day; });
  if (marks.size() > 40) marks.resize(40);
  if (marks.empty()) return {};
  const Date first = std::min(as_of, marks.front().day);
  return timeline("When agreements end; red: already over", first, std::min(last, as_of + std::chrono::days(730)), marks);
}

std::string today(const ReportBy& by) {
  const rules::Judgment& judgment = by.index->epoch->world.judgment;
  std::string out = bars("Findings by state", states(judgment, *by.sight));
  out += heading("What fails") +
         table("Each with what would mend it", {"state", "subject", "rule", "cites", "because", "mend"}, finding_rows(by, false));
  out += heading("What to do first");
  std::vector<Row> rows;
  for (const proof::Step& step : proof::steps(judgment)) {
    const auto seen = std::count_if(step.findings.begin(), step.findings.end(), [&](const auto* f) { return by.sight->sees(f->subject); });
    if (seen > 0 && rows.size() < 60)
      rows.push_back({std::to_string(rows.size() + 1), step.question ? "find out" : "do", step.text, std::to_string(seen)});
  }
  out += table("One line a step; it settles that many findings", {"step", "kind", "what", "findings"}, rows);
  return out + heading("Agreements that end") + expiry(every(agreements_view, by), judgment.as_of);
}

std::string agreements(const ReportBy& by) {
  const json items = every(agreements_view, by);
  std::vector<Row> rows;
  for (const json& a : items) {
    json amiss = json::array();
    for (const json& f : a["amiss"]) amiss.push_back(text(f, "requirement") + " (" + text(f, "status") + ")");
    rows.push_back({text(a, "id"), text(a, "is"), text(a, "up_name"), text(a, "down_name"), text(a, "state"),
                    a["ends"].is_string() ? text(a, "ends") : "open", std::to_string(a["clauses"].size()), joined(amiss)});
  }
  return expiry(items, by.index->epoch->world.judgment.as_of) +
         table("Every agreement", {"id", "is", "up", "down", "state", "last day", "clauses", "amiss"}, rows);
}

// Lanes by role; what passes between organizations as lines.
std::string map(const ReportBy& by) {
  const json view = map_view(*by.index, "level=organizations", *by.sight);
  static constexpr std::string_view kLanes[] = {"individual", "entity", "associate", "subcontractor", "other"};
  std::map<std::string, std::pair<int, int>> at;
  std::array<int, std::size(kLanes)> filled{};
  std::string boxes;
  for (const json& o : view["organizations"]) {
    const auto lane = static_cast<std::size_t>(std::find(std::begin(kLanes), std::end(kLanes), text(o, "role")) - std::begin(kLanes));
    if (lane >= std::size(kLanes) || filled[lane] >= 40) continue;
    const int x = 10 + static_cast<int>(lane) * 190, y = 34 + filled[lane]++ * 34;
    at[text(o, "id")] = {x, y};
    boxes += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"150\" height=\"24\" rx=\"3\" fill=\"#f3f5f7\" stroke=\"#9aa5b1\"/><text x=\"{}\" "
        "y=\"{}\">{}</text>\n",
        x, y, x + 8, y + 16, html_escaped(text(o, "name").substr(0, 22)));
  }
  std::string lines;
  for (const json& l : view["links"]) {
    const auto from = at.find(text(l, "from")), to = at.find(text(l, "to"));
    if (from == at.end() || to == at.end() || from == to) continue;
    const bool right = from->second.first <= to->second.first;
    const std::string status = text(l, "status");
    lines += fmt::format("<path d=\"M{} {} L{} {}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"{}/>\n",
                         from->second.first + (right ? 150 : 0), from->second.second + 12, to->second.first + (right ? 0 : 150),
                         to->second.second + 12,
                         status == "fail" || status == "stale" ? "#b3261e"
                         : status == "unknown"                 ? "#8a5a00"
                                                               : "#176b3a",
                         status == "fail" || status == "stale" ? " stroke-dasharray=\"5 3\"" : "");
  }
  const int high = 44 + 34 * *std::max_element(filled.begin(), filled.end());
  std::string heads;
  for (std::size_t i = 0; i < std::size(kLanes); ++i)
    heads += fmt::format("<text class=\"soft\" x=\"{}\" y=\"18\">{}</text>\n", 10 + i * 190, kLanes[i]);
  std::string out = fmt::format(
      "<figure>\n<svg viewBox=\"0 0 960 {}\" role=\"img\" aria-label=\"Flows between organizations\" width=\"960\">\n{}{}{}</svg>\n"
      "<figcaption>Flows between organizations. Dashed red: amiss. The table says the same.</figcaption>\n</figure>\n",
      high, heads, lines, boxes);
  std::vector<Row> rows;
  for (const json& l : view["links"])
    rows.push_back({text(l, "from"), text(l, "to"), l["flows"].dump(), text(l, "form"), text(l, "status")});
  return out + table("Flows between organizations", {"from", "to", "flows", "form at most", "state"}, rows);
}

std::string rules_report(const ReportBy& by) {
  const json view = rules_view(*by.index->epoch, *by.sight);
  std::vector<Row> rows;
  for (const json& r : view["items"]) {
    std::string counts;
    for (const auto& [state, n] : r["counts"].items()) counts += (counts.empty() ? "" : ", ") + n.dump() + " " + state;
    rows.push_back({text(r, "id"), joined(r["cites"]), text(r, "level"), text(r, "asks"), counts});
  }
  return table("Every rule in force", {"rule", "cites", "level", "asks", "finds"}, rows);
}

Result<Report> card(std::string_view query, const ReportBy& by) {
  LICET_TRY(may, may_view(*by.index->epoch, query, by.may, *by.sight));
  const auto word = [&](const char* name) { return parameter(query, name).value_or(""); };
  json licenses = json::array();
  for (const json& l : may["by"])
    licenses.push_back({{"id", l["id"]}, {"form", l["form"]}, {"ground", l["ground_kind"]}, {"until", l["until"]}, {"view", l["view"]}});
  const json statement{{"answer", may["answer"]},
                       {"as_of", may["as_of"]},
                       {"because", may["sentence"]},
                       {"data", word("data")},
                       {"epoch", may["epoch"]},
                       {"licenses", licenses},
                       {"made", format(by.ledger->now())},
                       {"purpose", word("purpose")},
                       {"region", word("region")},
                       {"stack", hex(by.index->epoch->world.stack_digest)},
                       {"system", word("system")},
                       {"under", may["under"]},
                       {"v", 1}};
  const std::string note = ledger::sign_note("licet card v1\n" + statement.dump() + "\n", by.origin, *by.key);
  const std::string answer = text(may, "answer");
  std::string body = fmt::format("<div class=\"answer {0}\"><p><strong>{1}</strong></p><p>{2}</p></div>\n", html_escaped(answer),
                                 answer == "yes"    ? "Yes"
                                 : answer == "held" ? "Yes, each time a person releases it"
                                 : answer == "no"   ? "No"
                                                    : "Nobody declared it",
                                 html_escaped(text(may, "sentence")));
  if (const std::string mend = text(may, "mend"); !mend.empty()) body += heading("What would mend it") + paragraph(mend);
  body +=
      fmt::format("<dl><dt>Where to</dt><dd>{}</dd><dt>Data</dt><dd>{}</dd><dt>Purpose</dt><dd>{}</dd><dt>Region</dt><dd>{}</dd></dl>\n",
                  html_escaped(text(may["system"], "name")), html_escaped(word("data")),
                  html_escaped(word("purpose").empty() ? "any" : word("purpose")),
                  html_escaped(word("region").empty() ? "where it is" : word("region")));
  std::vector<Row> rows;
  for (const json& l : may["by"])
    rows.push_back({text(l, "id"), text(l, "form"), text(l, "view"), text(l, "ground_kind"),
                    l["until"].is_string() ? text(l, "until") : "open", text(l, "because")});
  if (!rows.empty())
    body += heading("By what right") + table("Licenses", {"license", "form", "view", "ground", "until", "stands on"}, rows);
  for (const json& s : may["suspended"]) body += paragraph("Suspended now: " + text(s, "name") + ".");
  body += heading("Signed");
  body += paragraph("This is what was signed, and by which key: `licet verify PAGE --key LOG.vkey` checks it.", "soft");
  body += "<pre id=\"licet-note\">" + html_escaped(note) + "</pre>\n";
  return Report{page("May this PHI go to " + text(may["system"], "name") + "?", lead(by), body), "licet-card-" + word("system")};
}

}  // namespace

json reports_view() {
  json items = json::array();
  for (const auto& [id, title] : kReports) items.push_back({{"id", id}, {"title", title}});
  const std::string why = no_pdf();
  return {{"pdf", why.empty()}, {"why", why}, {"items", std::move(items)}};
}

Result<json> trust_view(const ReportBy& by, bool names) {
  const epoch::World& world = by.index->epoch->world;
  const stack::Stack& stack = *world.stack;
  struct Topic {
    std::string_view topic, about;
    std::string_view says;
  };
  static constexpr Topic kTopics[] = {
      {"Contracts", "contract", "what a contract must cover, checked for each disclosure and agreement"},
      {"Lawful grounds", "ground", "whether a lawful ground is on record"},
      {"Security and privacy program", "program", "what the Security, Privacy and Breach Notification Rules ask of the program"},
  };
  json statements = json::array();
  for (const Topic& t : kTopics) {
    std::uint64_t of = 0, verified = 0;
    for (const rules::Finding& f : world.judgment.findings) {
      if (f.asked->about != t.about || f.status == Status::not_applicable) continue;
      ++of;
      if (f.status == Status::pass) ++verified;
    }
    statements.push_back({{"topic", t.topic},
                          {"verified", verified},
                          {"of", of},
                          {"open", of - verified},
                          {"sentence", fmt::format("Of {} questions on {}, {} are verified from what is on record; {} are open.", of,
                                                   t.says, verified, of - verified)}});
  }
  const std::size_t permits = world.table->licenses().size();
  statements.push_back(
      {{"topic", "Enforcement"},
       {"verified", permits},
       {"of", permits},
       {"open", 0},
       {"sentence", fmt::format("{} licenses are in force. What none of them covers is refused in the path, and every decision is "
                                "recorded before PHI moves.",
                                permits)}});
  std::string own;
  for (const stack::Document* o : stack.all("organization"))
    if (own.empty() && (o->id == stack.tenant || o->flag("covered"))) own = o->text("name").empty() ? o->id : std::string(o->text("name"));
  // Those in force: verified facts only. Alike ones are one line; a map has them in an order that tells no names.
  const auto roles = roles_of(stack);
  std::map<std::array<std::string, 3>, std::uint64_t> alike;
  for (const stack::Document* a : stack.all("agreement")) {
    if (agreement_state(*a, world.judgment.as_of) != "live") continue;
    const std::string down(a->text("down"));
    const auto role = roles.find(down);
    std::string with = role == roles.end() ? "another party" : role->second;
    if (names)
      if (const stack::Document* o = stack.find("organization", down)) with = o->text("name").empty() ? down : std::string(o->text("name"));
    ++alike[{std::string(a->text("is")), with, std::string(a->text("expires"))}];
  }
  json agreements = json::array();
  for (const auto& [line, n] : alike) {
    if (agreements.size() == kMostTrust) break;
    agreements.push_back(
        {{"is", line[0]}, {"with", line[1]}, {"ends", line[2].empty() ? json(nullptr) : json(line[2])}, {"state", "live"}, {"count", n}});
  }
  json packs = json::array();
  for (const rules::PackInfo& p : world.judgment.packs)
    packs.push_back({{"id", p.id}, {"version", p.version}, {"status", p.status}, {"title", p.title}});
  LICET_TRY(checkpoint, by.ledger->checkpoint());
  const ledger::Head head = by.ledger->head();
  return json{{"name", names ? own : ""},
              {"as_of", format(world.judgment.as_of)},
              {"under", world.judgment.under},
              {"statements", std::move(statements)},
              {"agreements", std::move(agreements)},
              {"packs", std::move(packs)},
              {"ledger", {{"size", head.size}, {"root", hex(head.root)}, {"time", format(head.last_time)}}},
              {"signed", names ? checkpoint : ""}};
}

std::string trust_page(const json& trust, std::string_view until) {
  std::vector<Row> rows, agreements, packs;
  for (const json& s : trust["statements"]) rows.push_back({text(s, "topic"), s["verified"].dump(), s["open"].dump(), text(s, "sentence")});
  for (const json& a : trust["agreements"])
    agreements.push_back({text(a, "is"), text(a, "with"), a["ends"].is_string() ? text(a, "ends") : "open", a["count"].dump()});
  for (const json& p : trust["packs"]) packs.push_back({text(p, "title"), text(p, "version"), text(p, "status")});
  std::string body = table("What was verified, and what is open", {"topic", "verified", "open", "in a sentence"}, rows);
  body += heading("Agreements in force") +
          table("What the parties agreed to, while it holds", {"is", "with", "last day", "how many"}, agreements);
  body += heading("Judged by") + table("Packs: dated bodies of law as data", {"pack", "version", "status"}, packs);
  body += heading("The record");
  body += paragraph(fmt::format("{} entries by {}; root {}.", trust["ledger"]["size"].dump(), text(trust["ledger"], "time"),
                                text(trust["ledger"], "root")));
  if (const std::string note = text(trust, "signed"); !note.empty()) body += "<pre>" + html_escaped(note) + "</pre>\n";
  const std::string name = text(trust, "name");
  return page(name.empty() ? "How PHI is handled here" : "How PHI is handled at " + name,
              fmt::format("As of {}, {}.{}", text(trust, "as_of"), text(trust, "under"),
                          until.empty() ? "" : fmt::format(" This page can be read until {}.", until)),
              body);
}

Result<Report> report(std::string_view query, const ReportBy& by) {
  const std::string of = parameter(query, "of").value_or("");
  if (of == "card") return card(query, by);
  std::string body, lead_of = lead(by);
  if (of == "today") {
    body = today(by);
  } else if (of == "findings") {
    body = bars("Findings by state", states(by.index->epoch->world.judgment, *by.sight)) +
           table("Every verdict, the worst first", {"state", "subject", "rule", "cites", "because", "mend"}, finding_rows(by, true));
  } else if (of == "agreements") {
    body = agreements(by);
  } else if (of == "map") {
    body = map(by);
  } else if (of == "rules") {
    body = rules_report(by);
  } else if (of == "trust") {
    LICET_TRY(trust, trust_view(by, false));
    return Report{trust_page(trust, ""), "licet-trust"};
  } else {
    return Error{Code::invalid_argument, "of: today, findings, agreements, map, rules, trust or card"};
  }
  std::string_view title;
  for (const auto& [id, name] : kReports)
    if (id == of) title = name;
  return Report{page(title, lead_of, body), fmt::format("licet-{}-{}", of, format(by.index->epoch->world.judgment.as_of))};
}

std::string no_pdf() {
  return ::access(kChromium, X_OK) == 0 ? ""
                                        : "PDF is made by chromium, which is not installed here: apt install chromium, or print the page";
}

Result<std::string> pdf(std::string_view html) {
  if (const std::string why = no_pdf(); !why.empty()) return Error{Code::unavailable, why};
  Render render;
  render.argv = {kChromium,
                 "--headless",
                 "--disable-gpu",
                 "--disable-background-networking",
                 "--disable-component-update",
                 "--disable-sync",
                 "--disable-extensions",
                 "--disable-dev-shm-usage",
                 "--no-first-run",
                 "--host-resolver-rules=MAP * ~NOTFOUND",
                 "--user-data-dir={home}/profile",
                 "--generate-pdf-document-outline",
                 "--no-pdf-header-footer",
                 "--print-to-pdf={out}"};
  if (::geteuid() == 0) render.argv.emplace_back("--no-sandbox");  // its own sandbox refuses root
  render.argv.emplace_back("file://{in}");
  auto made = run_renderer(render, html);
  if (!made) return Error{Code::unavailable, "no PDF: " + made.error().message};
  if (!made->starts_with("%PDF-")) return Error{Code::unavailable, "no PDF: chromium made something else"};
  return made;
}

}  // namespace licet::console
