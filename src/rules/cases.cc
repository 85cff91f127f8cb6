// run_cases(): each case of a pack is a small declaration; what the requirement says of it must be what the case expects.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "rules/internal/cases.h"
#include "rules/rules.h"

namespace licet::rules {
namespace {

// The documents of a multi-document text, less those with an id that is left out; and a `kind: stack` where there is none.
std::string declaration(const Pack::Case& c) {
  std::string out, document;
  bool has_stack = false;
  const auto flush = [&] {
    const bool left_out = std::any_of(c.without.begin(), c.without.end(), [&](const std::string& id) {
      return ("\n" + document).find("\nid: " + id + "\n") != std::string::npos;
    });
    if (!left_out) out += document + "---\n";
    has_stack = has_stack || ("\n" + document).find("\nkind: stack\n") != std::string::npos;
    document.clear();
  };
  std::string_view rest = c.yaml;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (line == "---")
      flush();
    else
      document.append(line).append("\n");
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  flush();
  if (!has_stack) out += "kind: stack\nid: case\nformat: 1\ntenant: case\ntimezone: Etc/UTC\n";
  return out;
}

// Whether two cases stand in the same world on the same day.
std::string world_of(const Pack::Case& c) {
  std::string out = c.as_of;
  const auto add = [&](std::string_view part) { out.append(1, '\0').append(part); };
  add(c.yaml);
  add(c.change);
  for (const std::string& id : c.without) add(id);
  for (const stack::Fact& f : c.facts) {
    add("fact");
    for (const std::string* word : {&f.kind, &f.subject, &f.object, &f.patient, &f.data_class, &f.purpose, &f.by}) add(*word);
    for (const std::optional<Date>& day : {f.from, f.until}) add(day ? format(*day) : "");
    add(format(f.recorded));
    for (const auto& [name, value] : f.details) {
      add(name);
      add(value);
    }
  }
  return out;
}

}  // namespace

std::vector<Stand> stands_of(const Pack& pack) {
  std::vector<Stand> out;
  std::map<std::string, std::size_t> seen;
  for (const Pack::Case& c : pack.cases) {
    const auto [at, is_new] = seen.emplace(world_of(c), out.size());
    if (is_new) out.emplace_back();
    out[at->second].cases.push_back(&c);
  }
  return out;
}

Result<Bench> Stand::open(Mold& mold) const {
  const Pack::Case& c = *cases.front();
  std::vector<stack::Source> sources = {{"case.yaml", declaration(c), stack::Layer::authored}};
  if (!c.change.empty()) sources.push_back({"change.yaml", c.change, stack::Layer::decisions});
  const stack::Loaded loaded = stack::load(sources);
  if (!loaded.stack)
    return Error{Code::invalid_argument,
                 fmt::format("the case does not load: {}", loaded.problems.empty() ? "?" : loaded.problems.front().text())};
  auto as_of = parse_date(c.as_of);
  if (!as_of) return Error{Code::invalid_argument, fmt::format("as-of '{}' is no date", c.as_of)};
  return Bench::make(stack::relations(*loaded.stack, c.facts), *as_of, &mold);
}

Pack just(const Pack& pack, const std::string& id) {
  Pack out;
  out.info = pack.info;
  out.info.status = "in-force";
  out.info.effective.reset();
  out.views = pack.views;
  const auto pick = [&](const auto& from, auto& to) {
    std::copy_if(from.begin(), from.end(), std::back_inserter(to), [&](const auto& x) { return x.id == id; });
  };
  pick(pack.requirements, out.requirements);
  if (!out.requirements.empty() && out.requirements.front().check.find("v_ground") != std::string::npos)
    out.grounds = pack.grounds;  // it asks what they give
  else
    pick(pack.grounds, out.grounds);
  pick(pack.prohibitions, out.prohibitions);
  return out;
}

std::string off(const Pack::Case& c, const Judgment& judgment) {
  if (c.expect == "ground" || c.expect == "no-ground") {
    std::string all;
    for (const Ground& g : judgment.grounds)
      if (g.flow == c.subject || g.recipient == c.subject || g.id == c.subject)
        all += fmt::format("{} {} for {} as {} of {}: {} [{}{}{}{}]\n", g.id, fmt::join(g.classes, ","), fmt::join(g.purposes, ","), g.form,
                           g.whose, g.because, g.minimum_necessary ? "minimum necessary" : "whole", g.accountable ? ", accountable" : "",
                           g.hold ? ", held" : "", g.asks_for.empty() ? "" : fmt::format(", asks {}", fmt::join(g.asks_for, " ")));
    if (all.empty() != (c.expect == "no-ground")) return all.empty() ? "no ground" : "the ground " + all;
    for (const Ground& g : judgment.grounds)
      if (c.only && g.flow != c.subject && g.recipient != c.subject && g.id != c.subject) return "a ground of others, too: " + g.id;
    return c.says.empty() || all.find(c.says) != std::string::npos ? "" : all;
  }
  if (c.expect == "prohibition" || c.expect == "no-prohibition") {
    std::string all;
    for (const Prohibition& p : judgment.prohibitions)
      if (p.flow == c.subject || p.id == c.subject)
        all += fmt::format("{} {} for {}: {}\n", p.id, fmt::join(p.classes, ","), fmt::join(p.purposes, ","), p.because);
    if (all.empty() != (c.expect == "no-prohibition")) return all.empty() ? "no prohibition" : "the prohibition " + all;
    return c.says.empty() || all.find(c.says) != std::string::npos ? "" : all;
  }
  for (const Finding& f : judgment.findings) {
    if (f.subject != c.subject) continue;
    const bool said = c.says.empty() || f.sentence().find(c.says) != std::string::npos;
    return name(f.status) == c.expect && said ? "" : fmt::format("{}: {}", name(f.status), f.sentence());
  }
  return c.expect == "outside" ? "" : "no finding on it";
}

Result<std::vector<std::string>> run_cases(std::span<const Pack> packs) {
  std::vector<std::string> messages;
  std::set<std::string_view> rules;
  for (const Pack& pack : packs) {
    for (const Requirement& r : pack.requirements) rules.insert(r.id);
    for (const auto* queries : {&pack.grounds, &pack.prohibitions})
      for (const Pack::Query& q : *queries) rules.insert(q.id);
  }
  // A clause whose rule is gone would claim a control that nobody enforces.
  if (packs.size() > 1)
    for (const Pack& pack : packs)
      for (const Clause& c : pack.clauses)
        for (const std::string& rule : c.rules)
          if (!rules.contains(rule))
            messages.push_back(fmt::format("{}:{}: the clause {} names the rule {}, which no pack has", c.file, c.line, c.id, rule));
  for (const Pack& pack : packs) {
    std::set<std::pair<std::string, std::string>> seen;
    std::map<const Pack::Case*, std::string> wrong;
    std::map<std::string, Pack> alone;
    LICET_TRY(mold, Mold::make());  // each pack its own: views stay in it
    for (const Stand& stand : stands_of(pack)) {
      auto bench = stand.open(mold);
      for (const Pack::Case* c : stand.cases) {
        seen.emplace(c->requirement, c->expect);
        if (!bench) {
          wrong[c] = bench.error().message;
          continue;
        }
        auto one = alone.find(c->requirement);
        if (one == alone.end()) one = alone.emplace(c->requirement, just(pack, c->requirement)).first;
        auto judged = bench->judge(std::span(&one->second, 1));
        if (!judged)
          wrong[c] = judged.error().message;
        else if (const std::string got = off(*c, *judged); !got.empty())
          wrong[c] = fmt::format("'{}' should be {}{}, but is {}", c->subject, c->expect,
                                 c->says.empty() ? "" : " and say \"" + c->says + "\"", got);
      }
    }
    for (const Pack::Case& c : pack.cases)
      if (const auto said = wrong.find(&c); said != wrong.end())
        messages.push_back(fmt::format("{}:{}: {}: {}", c.file, c.line, c.requirement, said->second));
    // Vacuous green is the commonest bug of compliance tools: a rule that has never failed proves nothing.
    const auto both = [&](const auto& all, const char* yes, const char* no) {
      for (const auto& x : all)
        for (const char* expect : {yes, no})
          if (!seen.contains({x.id, expect}))
            messages.push_back(fmt::format("{}:{}: {} has no case that expects {}", x.file, x.line, x.id, expect));
    };
    both(pack.requirements, "pass", "fail");
    both(pack.grounds, "ground", "no-ground");
    both(pack.prohibitions, "prohibition", "no-prohibition");
  }
  return messages;
}

}  // namespace licet::rules
