#include "stack/internal/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/time.h"
#include "stack/internal/words.h"

namespace licet::stack {
namespace {

using schema::Field;
using schema::Shape;
using schema::Type;

struct Pair {
  std::string_view earlier, later;
};
constexpr std::array kOrder = {
    Pair{"effective", "expires"}, Pair{"effective", "terminated"}, Pair{"from", "until"},          Pair{"started", "ended"},
    Pair{"on", "until"},          Pair{"occurred", "discovered"},  Pair{"discovered", "reported"}, Pair{"discovered", "closed"}};

struct Edge {
  std::string_view kind, field;
};
constexpr std::array kAcyclic = {Edge{"organization", "part-of"}, Edge{"role", "inherits"},    Edge{"agreement", "part-of"},
                                 Edge{"agreement", "renews"},     Edge{"system", "hosted-by"}, Edge{"person", "manager"}};

class Checker {
 public:
  Checker(const Stack& stack, const Ids& hurt, const Ids& dropped, const Report& report)
      : stack_(stack), hurt_(hurt), dropped_(dropped), report_(report) {}

  void run() {
    for (const Document& d : stack_.documents) {
      if (const schema::Kind* kind = schema::find(d.kind)) references(kind->fields, d.fields, "");
      if (hurt_.contains(d.id)) continue;
      for (const Pair& p : kOrder) dates(d, p);
      if (d.kind == "flow") flow(d);
      if (d.kind == "agreement") agreement(d);
      if (d.kind == "permit") permit(d);
      if (d.kind == "route") route(d);
      if (d.kind == "system") system(d);
      if (d.kind == "person") person(d);
      if (d.kind == "decision") decision(d);
    }
    for (const Edge& e : kAcyclic) cycles(e);
  }

 private:
  // ---- references

  void references(std::span<const Field> fields, const Value& value, const std::string& path) {
    for (const Member& m : value.members) {
      const Field* f = schema::find(fields, m.key);
      if (f == nullptr) continue;
      if (f->shape == Shape::map) references(f->fields, m.value, path + m.key + ".");
      if (f->shape == Shape::maps)
        for (const Value& item : m.value.items) references(f->fields, item, path + m.key + ".");
      if (f->type != Type::ref) continue;
      if (m.value.type == Value::Type::scalar) reference(*f, m.value, path + m.key);
      for (const Value& item : m.value.items) reference(*f, item, path + m.key);
    }
  }

  void reference(const Field& f, const Value& v, const std::string& path) {
    if (schema::one_of(f.choices, v.text)) return;
    if (f.refs == "*") {
      if (stack_.find(v.text) == nullptr && !dropped_.contains(v.text))
        report_(v.place, fmt::format("{}: nothing declared has the id {}", path, quoted(v.text)));
      return;
    }
    const auto kinds = split(f.refs);
    for (const std::string_view kind : kinds)
      if (stack_.find(kind, v.text) != nullptr) return;
    if (dropped_.contains(v.text)) return;
    const std::string wanted = join(kinds);
    if (const Document* other = stack_.find(v.text)) {
      report_(v.place,
              fmt::format("{}: {} is {}, not {} ({})", path, quoted(v.text), a(other->kind), a(wanted), stack_.where(other->place)));
      return;
    }
    std::vector<std::string_view> names = split(f.choices);
    if (++guesses_ <= 200)  // each looks at every id: bounds the work on a hostile declaration
      for (const std::string_view kind : kinds)
        for (const Document* d : stack_.all(kind)) names.push_back(d->id);
    report_(v.place, fmt::format("{}: no {} has the id {}{}", path, wanted, quoted(v.text), did_you_mean(v.text, names)));
  }

  // Depth first without recursion; a node on the path that is met again closes a circle.
  void cycles(const Edge& e) {
    enum Color : char { fresh, open, done };
    std::map<std::string_view, Color> color;
    struct Step {
      const Document* at;
      std::vector<std::string_view> next;
      std::size_t i = 0;
    };
    for (const Document* start : stack_.all(e.kind)) {
      if (start->find(e.field) == nullptr || color[start->id] != fresh) continue;
      std::vector<Step> path;
      const auto enter = [&](const Document* d) {
        color[d->id] = open;
        path.push_back({d, d->list(e.field), 0});
      };
      enter(start);
      while (!path.empty()) {
        Step& top = path.back();
        if (top.i == top.next.size()) {
          color[top.at->id] = done;
          path.pop_back();
          continue;
        }
        const Document* next = stack_.find(e.kind, top.next[top.i++]);
        if (next == nullptr) continue;
        if (color[next->id] == fresh) {
          enter(next);
        } else if (color[next->id] == open) {
          const auto from = std::find_if(path.begin(), path.end(), [&](const Step& s) { return s.at == next; });
          std::string circle;
          std::size_t shown = 0;
          for (auto s = from; s != path.end() && shown < 8; ++s, ++shown) circle += s->at->id + " > ";
          if (path.end() - from > 8) circle += "… > ";
          report_(path.back().at->find(e.field)->place, fmt::format("{} goes in a circle: {}{}", e.field, circle, next->id));
        }
      }
    }
  }

  // ---- what a kind asks beyond its fields

  void at(const Document& d, std::string_view path, std::string message) {
    const Value* v = d.find(path);
    report_(v != nullptr ? v->place : d.place, std::move(message));
  }

  void dates(const Document& d, const Pair& p) {
    const std::string_view first = d.text(p.earlier), last = d.text(p.later);
    if (!first.empty() && !last.empty() && last < first)  // ISO dates compare as text
      at(d, p.later, fmt::format("{} {} is before {} {}", p.later, last, p.earlier, first));
  }

  void flow(const Document& d) {
    if (d.text("from") == d.text("to")) at(d, "to", fmt::format("flows from {0} to {0}: name two systems", quoted(d.text("to"))));
    const Document* route = stack_.find("route", d.text("via"));
    if (route == nullptr) return;
    if (const auto serves = route->text("serves"); !serves.empty() && serves != d.text("from"))
      at(d, "via",
         fmt::format("via: {} serves {}, but this flow comes from {}", quoted(route->id), quoted(serves), quoted(d.text("from"))));
    if (const auto reaches = route->text("reaches"); !reaches.empty() && reaches != d.text("to"))
      at(d, "via", fmt::format("via: {} reaches {}, but this flow goes to {}", quoted(route->id), quoted(reaches), quoted(d.text("to"))));
  }

  void agreement(const Document& d) {
    if (d.text("up") == d.text("down")) at(d, "down", fmt::format("{} can't be both parties", quoted(d.text("down"))));
    if (const Value* signatures = d.find("signatures"))
      for (const Value& s : signatures->items)
        if (const Value* party = s.find("party"); party != nullptr && party->text != d.text("up") && party->text != d.text("down"))
          report_(party->place, fmt::format("{} signed, but is no party: {} and {} are", quoted(party->text), quoted(d.text("up")),
                                            quoted(d.text("down"))));
    std::map<std::string_view, Place> cites;  // two answers about one clause would be two verdicts
    if (const Value* clauses = d.find("clauses"))
      for (const Value& c : clauses->items)
        if (const Value* cite = c.find("cite"); cite != nullptr)
          if (const auto [at, fresh] = cites.emplace(cite->text, cite->place); !fresh)
            report_(cite->place,
                    fmt::format("clauses lists {} twice (first at {}): keep one", quoted(cite->text), stack_.where(at->second)));
  }

  void permit(const Document& d) {
    const std::string_view to = d.text("to");
    const bool system = stack_.find("system", to) != nullptr;
    const bool person = to == "individual" || stack_.find("person", to) != nullptr || stack_.find("role", to) != nullptr;
    if (system) {
      for (const std::string_view condition : {"when.mfa", "when.training"})
        if (d.find(condition) != nullptr)
          at(d, condition,
             fmt::format("{} speaks of the person in the request; a permit to the system {} has none", condition, quoted(to)));
      if (d.find("through") != nullptr) at(d, "through", fmt::format("through is for people; {} is a system", quoted(to)));
    }
    if (person && d.find("through") == nullptr)
      at(d, "to", fmt::format("people act through a system: add through: [SYSTEM] to the permit for {}", quoted(to)));
    if (to == "individual" && d.text("whose") != "compartment")
      at(d, d.find("whose") != nullptr ? "whose" : "to", "individuals see their own record: write whose: compartment");
    constexpr std::array kGives = {"view", "data", "reads", "searches", "creates", "updates", "deletes"};
    if (std::none_of(kGives.begin(), kGives.end(), [&](std::string_view key) { return d.find(key) != nullptr; }))
      report_(d.place, fmt::format("permits nothing: give it one of {}", join({kGives.begin(), kGives.end()})));
    if (d.find("panel-days") != nullptr && d.text("whose") != "panel") at(d, "panel-days", "panel-days belongs to whose: panel");
  }

  void route(const Document& d) {
    const bool serves = d.find("serves") != nullptr, reaches = d.find("reaches") != nullptr;
    if (serves && reaches) at(d, "reaches", "a route either serves a system or reaches one: keep one of the two keys");
    if (!serves && !reaches) report_(d.place, "a route needs serves (PHI comes out of that system) or reaches (PHI goes to it)");
    const bool observes = d.text("mode") == "observe";
    if (observes && d.find("observe-until") == nullptr) at(d, "mode", "mode: observe needs observe-until, its last day");
    if (!observes && d.find("observe-until") != nullptr) at(d, "observe-until", "observe-until belongs to mode: observe");
    unique("route", d, "listens", std::string(d.text("listens")), [&](const Document& first) {
      return fmt::format("listens: {} is taken by the route {} ({})", d.text("listens"), quoted(first.id), stack_.where(first.place));
    });
  }

  void system(const Document& d) {
    const Value* proves = d.find("proves");
    if (proves == nullptr) return;
    for (const Value& p : proves->items) {
      const Value *san = p.find("mtls-san"), *uri = p.find("uri"), *issuer = p.find("issuer"), *client = p.find("client");
      const int ways = (san != nullptr) + (uri != nullptr) + (issuer != nullptr && client != nullptr);
      if (ways != 1 || (issuer != nullptr) != (client != nullptr)) {
        report_(p.place, "a proof is {mtls-san: NAME}, {uri: NAME} or {issuer: URL, client: ID}");
        continue;
      }
      const std::string key = san != nullptr ? "san " + san->text : uri != nullptr ? "uri " + uri->text : issuer->text + " " + client->text;
      const std::string_view shown = san != nullptr ? san->text : uri != nullptr ? uri->text : client->text;
      if (const auto [first, fresh] = proofs_.emplace(key, &d); !fresh)
        report_(p.place, fmt::format("{} proves the system {} already ({}): callers must be told apart", quoted(shown),
                                     quoted(first->second->id), stack_.where(first->second->place)));
    }
  }

  void person(const Document& d) {
    const Value* logins = d.find("logins");
    if (logins == nullptr) return;
    for (const Value& l : logins->items) {
      const Value *issuer = l.find("issuer"), *subject = l.find("subject"), *user = l.find("user");
      if ((user != nullptr) == (issuer != nullptr || subject != nullptr) || (issuer != nullptr) != (subject != nullptr)) {
        report_(l.place, "a login is {issuer: URL, subject: SUB} or {user: NAME}");
        continue;
      }
      const std::string key = user != nullptr ? "user " + user->text : issuer->text + " " + subject->text;
      if (const auto [first, fresh] = logins_.emplace(key, &d); !fresh)
        report_(l.place, fmt::format("this login is {}'s already ({}): each person needs their own (164.312(a)(2)(i))",
                                     quoted(first->second->id), stack_.where(first->second->place)));
    }
  }

  void decision(const Document& d) {
    const std::string_view choice = d.text("choice");
    for (const std::string_view stands : {"accept-risk", "exception", "conduit", "not-associate"})
      if (choice == stands && d.find("until") == nullptr)
        at(d, "choice", fmt::format("choice: {} needs until, the last day on which it stands", choice));
    if (choice == "alternative" && d.find("alternative") == nullptr)
      at(d, "choice", "choice: alternative needs alternative: what is done instead");
  }

  template <class Say>
  void unique(std::string_view kind, const Document& d, std::string_view path, const std::string& value, Say say) {
    if (const auto [first, fresh] = seen_.emplace(std::string(kind) + " " + value, &d); !fresh) at(d, path, say(*first->second));
  }

  const Stack& stack_;
  const Ids& hurt_;
  const Ids& dropped_;
  const Report& report_;
  std::size_t guesses_ = 0;
  std::map<std::string, const Document*> proofs_, logins_, seen_;
};

}  // namespace

void check(const Stack& stack, const Ids& hurt, const Ids& dropped, const Report& report) {
  Checker(stack, hurt, dropped, report).run();
}

}  // namespace licet::stack
