#include "cli/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/terminal.h"
#include "proof/findings.h"

namespace licet::cli {
namespace {

using rules::Finding;
using rules::Status;

constexpr std::array kWorstFirst = {Status::fail, Status::stale, Status::unknown, Status::accepted, Status::pass, Status::not_applicable};

Paint paint_of(Status status) {
  switch (status) {
    case Status::pass:
      return Paint::green;
    case Status::fail:
    case Status::stale:
      return Paint::red;
    case Status::unknown:
      return Paint::yellow;
    case Status::accepted:
      return Paint::blue;
    case Status::not_applicable:
      return Paint::dim;
  }
  return Paint::none;
}

std::string joined(const std::vector<std::string>& items) {
  return fmt::format("{}", fmt::join(items, ", "));
}

std::string at(const Finding& f) {
  const std::string place = proof::place_of(f);
  return place.empty() ? std::string() : "  " + paint(Paint::dim, place);
}

// Under which packs is said once, below all groups. Not of a contract or a ground: the gate refuses with that very sentence.
void print_group(std::span<const Finding* const> group, std::size_t most) {
  const Finding& first = *group.front();
  fmt::print("\n{} {} {}\n", paint(paint_of(first.status), rules::name(first.status)), paint(Paint::bold, first.asked->requirement),
             paint(Paint::dim, fmt::format("({})", joined(first.asked->cites))));
  const bool gates = first.asked->about != "program" && rules::amiss(first, true);
  if (gates) most = group.size();
  for (const Finding* f : group.first(std::min(most, group.size()))) {
    const bool ok = f->status == Status::pass || f->status == Status::accepted || f->status == Status::not_applicable;
    fmt::print("  {}{}\n    {}\n", f->subject.empty() ? "-" : f->subject, at(*f), gates ? f->sentence() : f->because);
    if (!ok && !f->mend.empty()) fmt::print("    {} {}\n", paint(Paint::dim, f->status == Status::unknown ? "Say:" : "Mend:"), f->mend);
  }
  if (group.size() > most) fmt::print("  … and {} more (--all shows every one)\n", group.size() - most);
}

std::string status_of(const Finding* f) {
  return f == nullptr ? std::string("-") : std::string(rules::name(f->status));
}

void print_turn(const Finding* before, const Finding* after, bool breaks, bool mends) {
  const Finding& f = after != nullptr ? *after : *before;
  const std::string word = breaks ? paint(Paint::red, "breaks") : mends ? paint(Paint::green, "mends ") : paint(Paint::dim, "turns ");
  fmt::print("  {} {} → {}  {}  {}{}\n         {}\n", word, status_of(before), status_of(after), f.subject.empty() ? "-" : f.subject,
             f.asked->requirement, at(f), after == nullptr ? "is no longer asked" : f.because);
  if (breaks && !f.mend.empty()) fmt::print("         {} {}\n", paint(Paint::dim, "Mend:"), f.mend);
}

}  // namespace

void print_judgment(const rules::Judgment& judgment, std::string_view title, std::size_t licenses, bool all) {
  std::map<Status, std::vector<const Finding*>> by_status;
  for (const Finding& f : judgment.findings) by_status[f.status].push_back(&f);
  const auto count = [&](Status s) { return by_status[s].size(); };
  fmt::print("{} as of {}: {} pass, {} fail, {} stale, {} unknown, {} accepted, {} not applicable. {} licenses.\n", title,
             format(judgment.as_of), count(Status::pass), count(Status::fail), count(Status::stale), count(Status::unknown),
             count(Status::accepted), count(Status::not_applicable), licenses);
  for (const Status status : kWorstFirst) {
    if (!all && (status == Status::pass || status == Status::not_applicable)) continue;
    const std::span<const Finding* const> findings(by_status[status]);
    for (std::size_t from = 0; from < findings.size();) {  // they are sorted by requirement
      std::size_t to = from;
      while (to < findings.size() && findings[to]->asked->requirement == findings[from]->asked->requirement) ++to;
      print_group(findings.subspan(from, to - from), all ? findings.size() : kShown);
      from = to;
    }
  }
  fmt::print("\n{}\n", paint(Paint::dim, fmt::format("All {}. Facts and sources, not legal advice. {}", judgment.under,
                                                     all ? "" : "--all shows what passes, too; --next what to do first.")));
}

void print_steps(std::span<const proof::Step> steps, const rules::Judgment& judgment, std::size_t most) {
  if (steps.empty()) {
    fmt::print("Nothing is amiss and nothing is unknown as of {}, {}.\n", format(judgment.as_of), judgment.under);
    return;
  }
  const std::size_t shown = most == 0 ? steps.size() : std::min(most, steps.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const proof::Step& step = steps[i];
    fmt::print("{:>3}. {} {}\n", i + 1, step.question ? paint(Paint::yellow, "Find out:") : paint(Paint::red, "Do:"), step.text);
    const std::size_t reasons = std::min(step.findings.size(), kShown);
    for (const Finding* f : std::span(step.findings).first(reasons))
      fmt::print("       {} ({}){}\n       {}\n", f->subject, joined(f->asked->cites), at(*f), f->because);
    if (step.findings.size() > reasons) fmt::print("       … and {} more\n", step.findings.size() - reasons);
  }
  if (steps.size() > shown) fmt::print("     … and {} more steps (--next 0 shows every one)\n", steps.size() - shown);
  fmt::print("\n{}\n", paint(Paint::dim, judgment.under + ". Facts and sources, not legal advice."));
}

void print_day(const epoch::Day& day) {
  fmt::print("{}\n", paint(Paint::bold, format(day.on)));
  for (const epoch::Turned& t : day.turns) print_turn(t.before ? &*t.before : nullptr, t.after ? &*t.after : nullptr, t.breaks, t.mends);
  for (const license::Change& c : day.licenses)
    fmt::print("  {} {}{}: {} of {} for {} over {}\n", c.what, c.holder, c.care ? " (care)" : "", c.action, c.data_class, c.purpose,
               c.flow);
}

std::string outlook_json(std::span<const epoch::Day> days, const rules::Judgment& judgment, Date until) {
  nlohmann::json out = nlohmann::json::array();
  for (const epoch::Day& day : days) {
    nlohmann::json findings = nlohmann::json::array(), licenses = nlohmann::json::array();
    for (const epoch::Turned& t : day.turns)
      findings.push_back(proof::turn_json(t.before ? &*t.before : nullptr, t.after ? &*t.after : nullptr, t.breaks, t.mends));
    for (const license::Change& c : day.licenses) licenses.push_back(proof::to_json(c));
    out.push_back({{"on", format(day.on)}, {"findings", std::move(findings)}, {"licenses", std::move(licenses)}});
  }
  return nlohmann::json{{"as_of", format(judgment.as_of)}, {"until", format(until)}, {"under", judgment.under}, {"days", std::move(out)}}
      .dump();
}

void print_turns(std::span<const rules::Turn> turns, bool strict) {
  for (const rules::Turn& t : turns)
    if (t.breaks(strict)) print_turn(t.before, t.after, true, false);
  for (const rules::Turn& t : turns)
    if (t.mends(strict)) print_turn(t.before, t.after, false, true);
  for (const rules::Turn& t : turns)
    if (!t.breaks(strict) && !t.mends(strict)) print_turn(t.before, t.after, false, false);
}

void print_proposed(std::span<const rules::Turn> turns, const rules::Pack& pack, const rules::Judgment& judgment) {
  enum Part : std::uint8_t { change, find_out, met, outside };
  std::map<std::string_view, const rules::Requirement*> asked;
  for (const rules::Requirement& r : pack.requirements) asked.emplace(r.id, &r);
  std::array<std::map<std::string_view, std::vector<const Finding*>>, 4> parts;
  for (const rules::Turn& t : turns) {
    const Finding* f = t.after;
    if (f == nullptr || !asked.contains(f->asked->requirement)) continue;
    const Part part = f->status == Status::fail || f->status == Status::stale      ? change
                      : f->status == Status::unknown                               ? find_out
                      : f->status == Status::pass || f->status == Status::accepted ? met
                                                                                   : outside;
    parts[part][f->asked->requirement].push_back(f);
  }
  fmt::print("{} {}@{}: {}\n", paint(Paint::bold, "Proposed, not in force:"), pack.info.id, pack.info.version, pack.info.title);
  fmt::print("None of this is the law today. It is what that pack would find here as of {}.\n", format(judgment.as_of));
  for (const Part part : {change, find_out}) {
    if (parts[part].empty()) continue;
    fmt::print("\n{}\n", part == change ? paint(Paint::red, "would have to change") : paint(Paint::yellow, "to find out: not on record"));
    for (const auto& [id, findings] : parts[part]) {
      const rules::Requirement& r = *asked[id];
      fmt::print("  {} {}\n    {}{}\n", paint(Paint::bold, id), paint(Paint::dim, fmt::format("({})", joined(r.cites))), r.asks,
                 r.notes.empty() ? "" : " " + paint(Paint::dim, r.notes));
      for (const Finding* f : std::span(findings).first(std::min(kShown, findings.size())))
        fmt::print("    - {}{}\n      {}\n{}", f->subject, at(*f), f->because,
                   f->mend.empty() ? "" : fmt::format("      {} {}\n", paint(Paint::dim, "Do:"), f->mend));
      if (findings.size() > kShown) fmt::print("    … and {} more (--format json has every one)\n", findings.size() - kShown);
    }
  }
  const auto names = [&](Part part) {
    std::vector<std::string> out;
    for (const auto& [id, findings] : parts[part]) out.emplace_back(id);
    return joined(out);
  };
  const auto count = [&](Part part) {
    std::size_t n = 0;
    for (const auto& [id, findings] : parts[part]) n += findings.size();
    return n;
  };
  if (!parts[met].empty()) fmt::print("\n{} {}\n", paint(Paint::green, "met already:"), names(met));
  if (!parts[outside].empty()) fmt::print("\n{} {}\n", paint(Paint::dim, "does not apply here:"), names(outside));
  fmt::print(
      "\nProposed, not in force: of {} requirements {} would have to change ({} findings), {} have something that is not on record ({}), "
      "{} have something that is met ({}).\n",
      pack.requirements.size(), parts[change].size(), count(change), parts[find_out].size(), count(find_out), parts[met].size(),
      count(met));
}

void print_changes(std::span<const license::Change> changes) {
  std::vector<const license::Change*> sorted;
  for (const license::Change& c : changes) sorted.push_back(&c);
  std::stable_sort(sorted.begin(), sorted.end(), [](const license::Change* a, const license::Change* b) {
    return (a->care && a->what == "loses") > (b->care && b->what == "loses");
  });
  std::vector<std::vector<std::string>> rows;
  for (const license::Change* c : sorted) {
    const Paint p = c->what == "loses" ? Paint::red : c->what == "gains" ? Paint::green : Paint::yellow;
    const std::string terms = c->before.empty() ? c->after : c->after.empty() ? c->before : c->before + " → " + c->after;
    rows.push_back({paint(p, c->what) + (c->care ? " care" : ""), c->holder, c->flow, c->data_class, c->purpose, c->action, terms});
  }
  if (!rows.empty()) print_table({"what", "holder", "flow", "class", "purpose", "action", "form and view"}, rows);
}

}  // namespace licet::cli
