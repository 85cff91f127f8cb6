#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reader/internal/wording.h"
#include "stack/yaml.h"

namespace licet::reader {
namespace {

using stack::Value;
using stack::yaml::Node;

// Classes that the code itself asks for: parties, how binding a sentence is, numbers and bounds, what a document is.
constexpr std::array kAskedFor = {
    "entity",   "associate",    "party-name",  "other-person", "both",        "subcontractor",   "phi",       "agreement",
    "shall",    "may",          "soft",        "no-duty",      "conditional", "report",          "report-up", "phi-breach-any",
    "incident", "means",        "self",        "made-between", "talk",        "talk-subject",    "blanket",   "blanket-act",
    "use-act",  "own-purposes", "ai-training", "offshore",     "in-country",  "consent",         "insurance", "audit",
    "survival", "limit-on",     "deidentify",  "fillable",     "provided",    "other-agreement", "only-use",  "end-act",
};

class Loader {
 public:
  Loader(std::string_view file, Wording::Inside& in) : file_(file), in_(in) {}

  Result<void> load(const Node& doc) {
    const Node* kind = doc.find("kind");
    if (kind == nullptr || kind->text != "wording") return wrong(doc, "kind: wording is expected");
    const Node* classes = doc.find("classes");
    const Node* terms = doc.find("terms");
    if (classes == nullptr || terms == nullptr) return wrong(doc, "classes and terms are expected");
    for (const auto& [key, place, value] : classes->members) LICET_TRY_VOID(add_class(key, value));
    for (const char* name : kAskedFor)
      if (!in_.class_ids.contains(name)) return wrong(*classes, fmt::format("the class '{}' is missing", name));
    for (const Node& t : terms->items) LICET_TRY_VOID(add_term(t));
    in_.starts.resize(in_.atoms);
    for (ClassId c = 0; c < in_.classes.size(); ++c)
      for (std::uint32_t p = 0; p < in_.classes[c].phrases.size(); ++p)
        for (const Atom a : in_.classes[c].phrases[p].front().words) in_.starts[a].emplace_back(c, p);
    return {};
  }

 private:
  Error wrong(const Node& at, std::string message) const {
    return Error{Code::invalid_argument, fmt::format("{}:{}: {}", file_, at.place.line, message)};
  }

  Result<void> add_class(const std::string& name, const Node& node) {
    Class made;
    made.name = name;
    const Node* phrases = &node;
    if (node.type == Value::Type::map) {
      phrases = node.find("is");
      if (phrases == nullptr) return wrong(node, "`is` is expected: a list of phrases");
      if (const Node* minus = node.find("minus"))
        for (const Node& m : minus->items) {
          LICET_TRY(other, known(m));
          made.minus.push_back(other);
        }
    }
    for (const Node& p : phrases->items) {
      LICET_TRY(parsed, parse(p));
      for (Phrase& phrase : parsed) made.phrases.push_back(std::move(phrase));
    }
    if (made.phrases.empty()) return wrong(node, "a class needs a phrase");
    in_.class_ids[name] = static_cast<ClassId>(in_.classes.size());
    in_.classes.push_back(std::move(made));
    return {};
  }

  Result<ClassId> known(const Node& node, std::string_view text = {}) const {
    const std::string name(text.empty() ? std::string_view(node.text) : text);
    auto it = in_.class_ids.find(name);
    if (it == in_.class_ids.end()) return wrong(node, fmt::format("no class '{}' above", name));
    return ClassId{it->second};
  }

  Atom atom(std::string word) {
    auto& map = word.ends_with('*') ? in_.prefix : in_.exact;
    if (word.ends_with('*')) word.pop_back();
    auto [it, fresh] = map.try_emplace(word, in_.atoms);
    if (fresh) ++in_.atoms;
    return it->second;
  }

  Result<Element> element(const Node& node, std::string_view word) {
    Element e;
    if (word.ends_with('?')) {
      // A word that may be left out is a gap of one: what stands there matters little.
      e.what = Element::What::any;
      e.gap = 1;
    } else if (word.starts_with("..")) {
      e.what = Element::What::any;
      for (const char c : word.substr(2)) {
        if (c < '0' || c > '9' || e.gap > 60) return wrong(node, fmt::format("'{}' is no gap", word));
        e.gap = e.gap * 10 + static_cast<unsigned>(c - '0');
      }
      if (e.gap == 0 || e.gap > 60) return wrong(node, fmt::format("'{}' is no gap", word));
    } else if (word == "$end") {
      e.what = Element::What::end;
    } else if (word.starts_with('<') && word.ends_with('>')) {
      e.what = Element::What::hit;
      LICET_TRY(other, known(node, word.substr(1, word.size() - 2)));
      e.hit = other;
    } else {
      std::string folded(word);
      std::transform(folded.begin(), folded.end(), folded.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      if (folded.empty() || folded == "*" || folded.find_first_of("<>|") != std::string::npos)
        return wrong(node, fmt::format("'{}' is no word", word));
      e.words.push_back(atom(std::move(folded)));
    }
    return e;
  }

  static std::vector<std::string_view> split(std::string_view s, char between) {
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at <= s.size();) {
      const std::size_t stop = std::min(s.find(between, at), s.size());
      if (stop > at) out.push_back(s.substr(at, stop - at));
      at = stop + 1;
    }
    return out;
  }

  // A text is several phrases where an alternative has several words: "(sub tier|subs) of" is "subs of" and "sub tier of".
  Result<std::vector<Phrase>> parse(const Node& node) {
    std::vector<Phrase> out(1);
    std::string_view rest = node.text;
    while (true) {
      rest.remove_prefix(std::min(rest.find_first_not_of(" ,"), rest.size()));
      if (rest.empty()) break;
      const bool group = rest.front() == '(';
      std::size_t end = group ? rest.find(')') : std::min(rest.find_first_of(" ,"), rest.size());
      if (group && end == std::string_view::npos) return wrong(node, "a parenthesis is not closed");
      if (group) ++end;
      const std::string_view word = rest.substr(0, end);
      rest.remove_prefix(end);
      std::vector<Phrase> ways;
      if (group && rest.starts_with('?')) {
        rest.remove_prefix(1);
        LICET_TRY(gap, element(node, "?"));
        ways = {{gap}};
      } else if (group) {
        Element one;
        for (const std::string_view alternative : split(word.substr(1, word.size() - 2), '|')) {
          Phrase way;
          for (const std::string_view w : split(alternative, ' ')) {
            LICET_TRY(e, element(node, w));
            way.push_back(std::move(e));
          }
          if (way.size() == 1 && way[0].what == Element::What::words)
            one.words.push_back(way[0].words[0]);
          else if (!way.empty())
            ways.push_back(std::move(way));
        }
        if (!one.words.empty()) ways.push_back({one});
      } else {
        if (!word.starts_with("16") && word.find_first_of("()") != std::string_view::npos)
          return wrong(node, fmt::format("'{}' has a parenthesis", word));
        LICET_TRY(e, element(node, word));
        ways = {{std::move(e)}};
      }
      std::vector<Phrase> longer;
      for (const Phrase& p : out)
        for (const Phrase& way : ways) {
          longer.push_back(p);
          longer.back().insert(longer.back().end(), way.begin(), way.end());
        }
      if (longer.empty() || longer.size() > 64) return wrong(node, "no alternative, or too many");
      out = std::move(longer);
    }
    for (const Phrase& p : out)
      if (p.empty() || p.front().what == Element::What::any || p.front().what == Element::What::end)
        return wrong(node, "a phrase begins with a word or a class");
    return out;
  }

  Result<std::vector<ClassId>> classes(const Node& node, std::string_view text) const {
    std::vector<ClassId> out;
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t bar = std::min(text.find('|', at), text.size());
      LICET_TRY(c, known(node, text.substr(at, bar - at)));
      out.push_back(c);
      at = bar + 1;
    }
    return out;
  }

  Result<void> add_term(const Node& node) {
    TermRule t;
    for (const auto& [key, place, value] : node.members) {
      if (key == "id")
        t.id = value.text;
      else if (key == "cite")
        t.cite = value.text;
      else if (key == "name")
        t.name = value.text;
      else if (key == "required")
        t.required = value.text == "true";
      else if (key == "telling")
        t.telling = value.text == "true";
      else if (key == "says")
        for (const Node& s : value.items) {
          LICET_TRY(limb, add_limb(s));
          t.says.push_back(std::move(limb));
        }
      else
        return wrong(value, fmt::format("unknown key '{}' in a term", key));
    }
    if (t.id.empty() || t.cite.empty() || t.says.empty()) return wrong(node, "a term needs id, cite and says");
    in_.terms.push_back(std::move(t));
    return {};
  }

  // {if: received, then: created, in: sentence}; without `then` nothing makes it good.
  Result<When> add_when(const Node& node) const {
    When w;
    const Node *if_node = node.find("if"), *then = node.find("then"), *in = node.find("in");
    if (if_node == nullptr || in == nullptr || (in->text != "sentence" && in->text != "document"))
      return wrong(node, "a condition is {if: CLASS, then: CLASS, in: sentence or document}");
    LICET_TRY(c, known(*if_node));
    w.if_class = c;
    w.document = in->text == "document";
    if (then == nullptr) return w;
    if (then->items.empty()) {
      LICET_TRY(one, known(*then));
      w.then.push_back(one);
    }
    for (const Node& n : then->items) {
      LICET_TRY(one, known(n));
      w.then.push_back(one);
    }
    return w;
  }

  Result<Limb> add_limb(const Node& node) {
    Limb l;
    for (const auto& [key, place, value] : node.members) {
      if (key == "all") {
        for (const Node& n : value.items) {
          LICET_TRY(any, classes(n, n.text));
          l.all.push_back(std::move(any));
        }
      } else if (key == "none" || key == "needs" || key == "weaker-if") {
        auto& list = key == "none" ? l.none : key == "needs" ? l.needs : l.weaker_if;
        for (const Node& n : value.items) {
          LICET_TRY(c, known(n));
          list.push_back(c);
        }
      } else if (key == "not-after") {
        for (const auto& [name, at, words] : value.members) {
          LICET_TRY(c, known(words, name));
          l.not_after.emplace_back(c, static_cast<unsigned>(std::atoi(words.text.c_str())));
        }
      } else if (key == "when") {
        for (const Node& n : value.items) {
          LICET_TRY(when, add_when(n));
          l.when.push_back(std::move(when));
        }
      } else if (key == "duty") {
        constexpr std::array<std::pair<const char*, Duty>, 6> kDuties{{{"must", Duty::must},
                                                                       {"grant", Duty::grant},
                                                                       {"ban", Duty::ban},
                                                                       {"any", Duty::any},
                                                                       {"right", Duty::right},
                                                                       {"denied", Duty::denied}}};
        auto it = std::find_if(kDuties.begin(), kDuties.end(), [&](const auto& d) { return value.text == d.first; });
        if (it == kDuties.end()) return wrong(value, "duty: must, grant, ban, any, right or denied");
        l.duty = it->second;
      } else if (key == "by") {
        l.by = value.text == "any" ? By::any : value.text == "not-entity" ? By::not_entity : By::associate;
      } else if (key == "is") {
        constexpr std::array<Is, 4> kIs{Is::present, Is::weaker, Is::stricter, Is::unclear};
        auto it = std::find_if(kIs.begin(), kIs.end(), [&](Is is) { return value.text == name(is); });
        if (it == kIs.end()) return wrong(value, "is: present, weaker, stricter or unclear");
        l.is = *it;
      } else if (key == "within") {
        l.within = static_cast<unsigned>(std::atoi(value.text.c_str()));
      } else if (key == "context") {
        l.context = value.text == "true";
      } else if (key == "item") {
        l.item = value.text == "true";
      } else if (key == "section") {
        l.section = value.text == "true";
      } else if (key == "blank") {
        l.blank_unclear = value.text == "unclear";
      } else {
        return wrong(value, fmt::format("unknown key '{}' in `says`", key));
      }
    }
    if (l.all.empty() || l.all.front().size() != 1) return wrong(node, "`all` begins with one class: the act");
    return l;
  }

  std::string file_;
  Wording::Inside& in_;
};

}  // namespace

std::vector<Atom> Wording::Inside::atoms_of(std::string_view word) const {
  std::vector<Atom> out;
  std::string key(word);
  if (auto it = exact.find(key); it != exact.end()) out.push_back(it->second);
  for (; !key.empty(); key.pop_back())
    if (auto it = prefix.find(key); it != prefix.end()) out.push_back(it->second);
  return out;
}

Wording::Wording(std::unique_ptr<const Inside> in) : in_(std::move(in)) {}
Wording::Wording(Wording&&) noexcept = default;
Wording& Wording::operator=(Wording&&) noexcept = default;
Wording::~Wording() = default;

Result<Wording> Wording::load(std::string_view yaml, std::string_view file_name) {
  const stack::yaml::Parsed parsed = stack::yaml::parse(yaml);
  if (!parsed.faults.empty())
    return Error{Code::invalid_argument, fmt::format("{}:{}: {}", file_name, parsed.faults[0].place.line, parsed.faults[0].message)};
  if (parsed.documents.size() != 1) return Error{Code::invalid_argument, fmt::format("{}: one document is expected", file_name)};
  auto in = std::make_unique<Inside>();
  LICET_TRY_VOID(Loader(file_name, *in).load(parsed.documents[0]));
  return Wording(std::move(in));
}

const char* name(Is is) {
  switch (is) {
    case Is::present:
      return "present";
    case Is::absent:
      return "absent";
    case Is::weaker:
      return "weaker";
    case Is::stricter:
      return "stricter";
    case Is::unclear:
      return "unclear";
  }
  return "?";
}

const char* name(Kind kind) {
  switch (kind) {
    case Kind::baa:
      return "baa";
    case Kind::agreement:
      return "agreement";
    case Kind::not_an_agreement:
      return "not-an-agreement";
  }
  return "?";
}

}  // namespace licet::reader
