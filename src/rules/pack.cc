// load_pack(): the YAML of one pack folder → a Pack. Strict: an unknown key is an error with its place. Grammar: docs/packs.md.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "rules/rules.h"
#include "stack/yaml.h"

namespace licet::rules {
namespace {

using stack::yaml::Node;
using ValueType = stack::Value::Type;

constexpr std::size_t kPackBytes = 8 * 1024 * 1024;
constexpr int kGraceDaysMost = 3660;

// Everything that goes wrong is said once, as "file:line: what and what instead".
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  [[nodiscard]] Error error(std::uint32_t line, std::string_view message) const {
    return {Code::invalid_argument, fmt::format("{}:{}: {}", file_, line, message)};
  }
  [[nodiscard]] Error error(const Node& node, std::string_view message) const { return error(node.place.line, message); }

  [[nodiscard]] Result<void> only(const Node& map, std::span<const std::string_view> keys) const {
    if (map.type != ValueType::map) return error(map, "this must be a map");
    for (const auto& m : map.members)
      if (std::find(keys.begin(), keys.end(), m.key) == keys.end())
        return error(m.place.line, fmt::format("unknown key '{}'; there are {}", m.key, fmt::join(keys, ", ")));
    return {};
  }

  // A scalar; where it must be there and isn't, an error.
  [[nodiscard]] Result<std::string> text(const Node& map, std::string_view key, bool required) const {
    const Node* node = map.find(key);
    if (node == nullptr) {
      if (required) return error(map, fmt::format("'{}' is missing", key));
      return std::string();
    }
    if (node->type != ValueType::scalar || node->text.empty()) return error(*node, fmt::format("'{}' must be text", key));
    return node->text;
  }

  [[nodiscard]] Result<std::string> choice(const Node& map, std::string_view key, std::span<const std::string_view> choices,
                                           std::string_view otherwise) const {
    LICET_TRY(value, text(map, key, otherwise.empty()));
    if (value.empty()) return std::string(otherwise);
    if (std::find(choices.begin(), choices.end(), value) == choices.end())
      return error(*map.find(key), fmt::format("'{}' is one of {}", key, fmt::join(choices, ", ")));
    return value;
  }

  [[nodiscard]] Result<std::vector<std::string>> list(const Node& map, std::string_view key, bool required) const {
    std::vector<std::string> out;
    const Node* node = map.find(key);
    if (node == nullptr) {
      if (required) return error(map, fmt::format("'{}' is missing", key));
      return out;
    }
    if (node->type == ValueType::scalar) out.push_back(node->text);
    if (node->type == ValueType::map) return error(*node, fmt::format("'{}' must be a list", key));
    for (const Node& item : node->items) {
      if (item.type != ValueType::scalar) return error(item, fmt::format("'{}' holds words only", key));
      out.push_back(item.text);
    }
    return out;
  }

  [[nodiscard]] Result<std::optional<Date>> date(const Node& map, std::string_view key) const {
    LICET_TRY(word, text(map, key, false));
    if (word.empty()) return std::optional<Date>();
    auto day = parse_date(word);
    if (!day) return error(*map.find(key), fmt::format("'{}' is no date: write YYYY-MM-DD", key));
    return std::optional<Date>(*day);
  }

  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  std::string file_;
};

// Capitals too: 164.504(e)(2)(ii)(I) is another paragraph than (i).
bool is_id(std::string_view text) {
  if (text.empty() || text.size() > 100 || text[0] < 'a' || text[0] > 'z') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

constexpr std::array<std::string_view, 3> kAbout = {"contract", "ground", "program"};
constexpr std::array<std::string_view, 4> kSource = {"law", "contract", "policy", "proposed"};
constexpr std::array<std::string_view, 3> kLevel = {"standard", "required", "addressable"};
constexpr std::array<std::string_view, 4> kCited = {"general", "standard", "required", "addressable"};
constexpr std::array<std::string_view, 3> kProves = {"full", "part", "indicates"};
constexpr std::array<std::string_view, 4> kPackStatus = {"in-force", "proposed", "superseded", "withdrawn"};

class Loader {
 public:
  Result<Pack> run(std::span<const stack::Source> files) && {
    std::vector<const stack::Source*> sorted;
    std::size_t bytes = 0;
    for (const stack::Source& f : files) {
      sorted.push_back(&f);
      bytes += f.bytes.size();
    }
    if (bytes > kPackBytes) return Error{Code::exhausted, fmt::format("a pack of {} bytes; at most {} are read", bytes, kPackBytes)};
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->path < b->path; });

    std::vector<std::pair<Reader, std::vector<Node>>> read;
    for (const stack::Source* source : sorted) {
      Reader in(source->path);
      stack::yaml::Parsed parsed = stack::yaml::parse(source->bytes);
      if (!parsed.faults.empty()) return in.error(parsed.faults.front().place.line, parsed.faults.front().message);
      read.emplace_back(std::move(in), std::move(parsed.documents));
    }
    // Worlds first: cases of any file may stand in them.
    for (const auto& [in, documents] : read)
      for (const Node& d : documents)
        if (kind(d) == "world") LICET_TRY_VOID(world(in, d));
    for (const auto& [in, documents] : read)
      for (const Node& d : documents)
        if (kind(d) == "neighbor") LICET_TRY_VOID(neighbor(in, d));
    for (const auto& [in, documents] : read)
      for (const Node& d : documents) LICET_TRY_VOID(document(in, d));
    for (const auto& [in, documents] : read)
      for (const Node& d : documents)
        if (kind(d) == "cases") LICET_TRY_VOID(more_cases(in, d));
    if (pack_.info.id.empty()) return Error{Code::invalid_argument, "pack.yaml is missing: id, version, status, title"};
    LICET_TRY_VOID(resolve());
    return std::move(pack_);
  }

 private:
  static std::string_view kind(const Node& d) {
    const Node* k = d.find("kind");
    return k == nullptr ? std::string_view() : std::string_view(k->text);
  }

  Result<void> document(const Reader& in, const Node& d) {
    if (d.type != ValueType::map) return in.error(d, "a document of a pack is a map");
    const std::string_view k = kind(d);
    if (k == "world" || k == "neighbor" || k == "cases") return {};
    if (k == "pack") return info(in, d);
    if (k == "citations") return citations(in, d);
    if (k == "view") return query(in, d, pack_.views);
    if (k == "ground") return query(in, d, pack_.grounds);
    if (k == "prohibition") return query(in, d, pack_.prohibitions);
    if (k == "clause") return clause(in, d);
    if (k == "letter") return letter(in, d);
    if (k.empty() || k == "requirement") return requirement(in, d);
    return in.error(d, "'kind' is one of pack, citations, requirement, ground, prohibition, view, clause, letter, world, neighbor, cases");
  }

  Result<void> info(const Reader& in, const Node& d) {
    static constexpr std::array<std::string_view, 9> kKeys = {"kind",           "id",     "version",      "status", "title",
                                                              "effective-from", "source", "retrieved-on", "notes"};
    LICET_TRY_VOID(in.only(d, kKeys));
    if (!pack_.info.id.empty()) return in.error(d, "a pack has one document of kind: pack");
    LICET_TRY(id, in.text(d, "id", true));
    if (!is_id(id)) return in.error(d, "'id' is lower-case letters, digits, dots and hyphens");
    LICET_TRY(version, in.text(d, "version", true));
    LICET_TRY(status, in.choice(d, "status", kPackStatus, ""));
    LICET_TRY(title, in.text(d, "title", true));
    LICET_TRY(source, in.text(d, "source", true));
    LICET_TRY(effective, in.date(d, "effective-from"));
    LICET_TRY(retrieved, in.date(d, "retrieved-on"));
    if (!retrieved) return in.error(d, "'retrieved-on' is missing: when was the source read?");
    pack_.info = {.id = id, .version = version, .status = status, .title = title, .effective = effective};
    return {};
  }

  Result<void> world(const Reader& in, const Node& d) {
    static constexpr std::array<std::string_view, 3> kKeys = {"kind", "id", "yaml"};
    LICET_TRY_VOID(in.only(d, kKeys));
    LICET_TRY(id, in.text(d, "id", true));
    LICET_TRY(yaml, in.text(d, "yaml", true));
    if (!worlds_.emplace(id, yaml).second) return in.error(d, fmt::format("the world '{}' is given twice", id));
    return {};
  }

  // What stands beside a case and must not change its outcome.
  Result<void> neighbor(const Reader& in, const Node& d) {
    static constexpr std::array<std::string_view, 5> kKeys = {"kind", "id", "of", "yaml", "facts"};
    LICET_TRY_VOID(in.only(d, kKeys));
    Neighbor n;
    LICET_TRY(id, in.text(d, "id", true));
    LICET_TRY(of, in.list(d, "of", true));
    LICET_TRY(yaml, in.text(d, "yaml", true));
    for (const std::string& world : of)
      if (!worlds_.contains(world)) return in.error(d, fmt::format("no world has the id '{}'", world));
    n.of = std::move(of);
    n.yaml = yaml;
    if (const Node* facts = d.find("facts")) LICET_TRY_VOID(read_facts(in, *facts, n.facts));
    neighbors_.push_back(std::move(n));
    return {};
  }

  Result<void> read_facts(const Reader& in, const Node& facts, std::vector<stack::Fact>& into) {
    if (facts.type != ValueType::list) return in.error(facts, "'facts' is a list");
    for (const Node& f : facts.items) {
      LICET_TRY(fact, one_fact(in, f, into.size() + 1));
      into.push_back(std::move(fact));
    }
    return {};
  }

  Result<void> citations(const Reader& in, const Node& d) {
    static constexpr std::array<std::string_view, 4> kKeys = {"kind", "source", "retrieved-on", "table"};
    static constexpr std::array<std::string_view, 3> kRow = {"cite", "level", "title"};
    LICET_TRY_VOID(in.only(d, kKeys));
    LICET_TRY(source, in.text(d, "source", true));
    LICET_TRY(retrieved, in.date(d, "retrieved-on"));
    const Node* table = d.find("table");
    if (!retrieved || table == nullptr || table->type != ValueType::list)
      return in.error(d, "citations have a source, retrieved-on, and a table of cite, level and title");
    for (const Node& row : table->items) {
      LICET_TRY_VOID(in.only(row, kRow));
      LICET_TRY(cite, in.text(row, "cite", true));
      LICET_TRY(level, in.choice(row, "level", kCited, ""));
      LICET_TRY(title, in.text(row, "title", true));
      if (!cited_.emplace(cite, level).second) return in.error(row, fmt::format("the citation {} is given twice", cite));
      pack_.citations.push_back({cite, level, title});
    }
    return {};
  }

  // The section of a citation: "164.308" of "164.308(a)(1)(i)".
  static std::string_view section(std::string_view cite) { return cite.substr(0, cite.find('(')); }

  // Every citation of a section that the table lists must be in it; and what a requirement cites first has its level.
  Result<void> resolve() const {
    std::set<std::string_view> sections;
    for (const auto& [cite, level] : cited_) sections.insert(section(cite));
    const auto known = [&](const std::string& file, std::uint32_t line, const std::string& id, const std::string& cite) -> Result<void> {
      if (!sections.contains(section(cite)) || cited_.contains(cite)) return {};
      return Error{Code::invalid_argument, fmt::format("{}:{}: {}: no paragraph {} in the pack's citations", file, line, id, cite)};
    };
    for (const Requirement& r : pack_.requirements) {
      for (const std::string& cite : r.cites) LICET_TRY_VOID(known(r.file, r.line, r.id, cite));
      const auto first = r.cites.empty() ? cited_.end() : cited_.find(r.cites.front());
      if (first != cited_.end() && first->second != "general" && first->second != r.level)
        return Error{Code::invalid_argument,
                     fmt::format("{}:{}: {}: {} is {}, not {}", r.file, r.line, r.id, first->first, first->second, r.level)};
    }
    for (const auto* queries : {&pack_.grounds, &pack_.prohibitions})
      for (const Pack::Query& q : *queries)
        for (const std::string& cite : q.cites) LICET_TRY_VOID(known(q.file, q.line, q.id, cite));
    return {};
  }

  Result<void> query(const Reader& in, const Node& d, std::vector<Pack::Query>& into) {
    static constexpr std::array<std::string_view, 7> kKeys = {"kind", "id", "gives", "cites", "asks", "rows", "cases"};
    LICET_TRY_VOID(in.only(d, kKeys));
    Pack::Query q;
    LICET_TRY(id, in.text(d, "id", true));
    LICET_TRY_VOID(fresh(in, d, id));
    q.id = id;
    q.file = in.file();
    q.line = d.place.line;
    LICET_TRY(rows, in.text(d, "rows", true));
    q.sql = rows;
    const bool view = &into == &pack_.views, ground = &into == &pack_.grounds;
    LICET_TRY(cites, in.list(d, "cites", !view));
    q.cites = std::move(cites);
    LICET_TRY(gives, in.text(d, "gives", ground));
    q.kind = gives;
    if (view && (!id.starts_with("v_") ||
                 !std::all_of(id.begin(), id.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; })))
      return in.error(d, "a view's id is v_ and then letters, digits and underscores");
    into.push_back(std::move(q));
    return cases(in, d, id, ground ? "ground" : view ? "" : "prohibition");
  }

  Result<void> requirement(const Reader& in, const Node& d) {
    static constexpr std::array<std::string_view, 18> kKeys = {"kind",  "id",     "cites",  "source", "about", "level",
                                                               "asks",  "proves", "effect", "each",   "none",  "needs",
                                                               "check", "mend",   "cases",  "notes",  "never", "meets"};
    static constexpr std::array<std::string_view, 4> kNever = {"pass", "fail", "unknown", "not-applicable"};
    LICET_TRY_VOID(in.only(d, kKeys));
    Requirement r;
    LICET_TRY(id, in.text(d, "id", true));
    LICET_TRY_VOID(fresh(in, d, id));
    r.id = id;
    r.file = in.file();
    r.line = d.place.line;
    LICET_TRY(cites, in.list(d, "cites", true));
    LICET_TRY(source, in.choice(d, "source", kSource, ""));
    LICET_TRY(about, in.choice(d, "about", kAbout, ""));
    LICET_TRY(level, in.choice(d, "level", kLevel, ""));
    LICET_TRY(proves, in.choice(d, "proves", kProves, ""));
    LICET_TRY(asks, in.text(d, "asks", true));
    LICET_TRY(each, in.text(d, "each", true));
    LICET_TRY(none, in.text(d, "none", false));
    LICET_TRY(check, in.text(d, "check", true));
    LICET_TRY(mend, in.text(d, "mend", true));
    LICET_TRY(notes, in.text(d, "notes", false));
    LICET_TRY(meets, in.text(d, "meets", false));
    if (!meets.empty() && meets != "training") return in.error(*d.find("meets"), "'meets' is training");
    r.meets = meets;
    r.notes = notes;
    r.cites = std::move(cites);
    r.source = source;
    r.about = about;
    r.level = level;
    r.proves = proves;
    r.asks = asks;
    r.each = each;
    r.check = check;
    r.mend = mend;
    r.none = none.empty() ? "Nothing that is declared is of the kind that this asks about" : none;
    LICET_TRY_VOID(effects(in, d, r));
    if (const Node* needs = d.find("needs"); needs != nullptr && needs->type == ValueType::map) {
      for (const auto& m : needs->members) {
        LICET_TRY(question, in.text(*needs, m.key, true));
        r.needs.push_back(m.key);
        r.questions.emplace(m.key, question);
      }
    } else {
      LICET_TRY(columns, in.list(d, "needs", false));
      r.needs = std::move(columns);
    }
    if (const Node* never = d.find("never")) {
      LICET_TRY_VOID(in.only(*never, kNever));
      const Node* has = d.find("cases");
      for (const auto& m : never->members) {
        LICET_TRY(reason, in.text(*never, m.key, true));
        if (has != nullptr && has->find(m.key) != nullptr)
          return in.error(*never, fmt::format("'never' says that {} can't come up, and there is a case of it", m.key));
        r.never.emplace(m.key, reason);
      }
    }
    pack_.requirements.push_back(std::move(r));
    return cases(in, d, id, "pass");
  }

  Result<void> clause(const Reader& in, const Node& d) {
    static constexpr std::array<std::string_view, 11> kKeys = {"kind", "id",      "cite",  "path",  "cites",    "asks",
                                                               "by",   "control", "rules", "shows", "amendment"};
    static constexpr std::array<std::string_view, 3> kBy = {"gate", "judge", "nobody"};
    static constexpr std::array<std::string_view, 3> kShows = {"purposes", "decisions", "reasons"};
    LICET_TRY_VOID(in.only(d, kKeys));
    LICET_TRY(id, in.text(d, "id", true));
    if (std::any_of(pack_.clauses.begin(), pack_.clauses.end(), [&](const Clause& c) { return c.id == id; }))
      return in.error(d, fmt::format("the clause '{}' is given twice", id));
    LICET_TRY(cite, in.text(d, "cite", false));
    LICET_TRY(path, in.text(d, "path", false));
    LICET_TRY(cites, in.list(d, "cites", true));
    LICET_TRY(asks, in.text(d, "asks", true));
    LICET_TRY(by, in.choice(d, "by", kBy, ""));
    LICET_TRY(control, in.text(d, "control", true));
    LICET_TRY(rules, in.list(d, "rules", true));
    LICET_TRY(amendment, in.text(d, "amendment", true));
    Clause c{.id = id,
             .cite = cite,
             .path = path,
             .cites = std::move(cites),
             .asks = asks,
             .by = by,
             .control = control,
             .rules = std::move(rules),
             .purposes = {},
             .decisions = {},
             .reasons = {},
             .amendment = amendment,
             .file = in.file(),
             .line = d.place.line};
    if (const Node* shows = d.find("shows")) {
      LICET_TRY_VOID(in.only(*shows, kShows));
      LICET_TRY(purposes, in.list(*shows, "purposes", false));
      LICET_TRY(decisions, in.list(*shows, "decisions", false));
      LICET_TRY(reasons, in.list(*shows, "reasons", false));
      c.purposes = std::move(purposes);
      c.decisions = std::move(decisions);
      c.reasons = std::move(reasons);
    }
    pack_.clauses.push_back(std::move(c));
    return {};
  }

  Result<void> letter(const Reader& in, const Node& d) {
    static constexpr std::array<std::string_view, 5> kKeys = {"kind", "id", "draft", "opening", "closing"};
    LICET_TRY_VOID(in.only(d, kKeys));
    LICET_TRY(draft, in.text(d, "draft", true));
    LICET_TRY(opening, in.text(d, "opening", true));
    LICET_TRY(closing, in.text(d, "closing", true));
    if (!pack_.letter.draft.empty()) return in.error(d, "a pack has one document of kind: letter");
    pack_.letter = {draft, opening, closing};
    return {};
  }

  Result<void> fresh(const Reader& in, const Node& d, const std::string& id) {
    if (!is_id(id)) return in.error(d, fmt::format("'{}' is no id: a lower-case letter, then letters, digits, dots, hyphens", id));
    if (const auto [at, isnew] = ids_.emplace(id, fmt::format("{}:{}", in.file(), d.place.line)); !isnew)
      return in.error(d, fmt::format("the id '{}' is taken by {}", id, at->second));
    return {};
  }

  // effect: {default: block, treatment: alarm, workforce: {grace: 30d}}
  Result<void> effects(const Reader& in, const Node& d, Requirement& r) {
    const Node* effect = d.find("effect");
    if (effect == nullptr || effect->type != ValueType::map || effect->find("default") == nullptr)
      return in.error(d, "'effect' must say at least what the default is: {default: block}");
    for (const auto& m : effect->members) {
      Effect e;
      if (m.value.type == ValueType::scalar && m.value.text == "block") {
        e.what = Effect::What::block;
      } else if (m.value.type == ValueType::scalar && m.value.text == "alarm") {
        e.what = Effect::What::alarm;
      } else {
        const Node* days = m.value.find("grace");
        if (m.value.type != ValueType::map || m.value.members.size() != 1 || days == nullptr)
          return in.error(m.value, "an effect is block, alarm, or {grace: 30d}");
        const std::string_view word = days->text;
        const char* end = word.data() + word.size();
        const auto [stop, bad] = std::from_chars(word.data(), end, e.grace_days);
        if (bad != std::errc() || stop + 1 != end || *stop != 'd' || e.grace_days < 1 || e.grace_days > kGraceDaysMost)
          return in.error(m.value, "grace is a number of days: {grace: 30d}");
        e.what = Effect::What::grace;
      }
      r.effect.emplace(m.key, e);
    }
    return {};
  }

  Result<void> cases(const Reader& in, const Node& d, const std::string& id, std::string_view like) {
    const Node* all = d.find("cases");
    if (all == nullptr) return {};
    if (all->type != ValueType::map) return in.error(*all, "'cases' is a map from what is expected to a list of cases");
    static constexpr std::array<std::string_view, 7> kStatus = {"pass",     "fail",  "unknown", "not-applicable",
                                                                "accepted", "stale", "outside"};
    for (const auto& m : all->members) {
      const bool known = like == "pass" ? std::find(kStatus.begin(), kStatus.end(), m.key) != kStatus.end()
                                        : !like.empty() && (m.key == like || m.key == fmt::format("no-{}", like));
      if (!known) return in.error(m.place.line, fmt::format("'{}' can't be expected here", m.key));
      if (m.value.type != ValueType::list) return in.error(m.value, "here stands a list of cases");
      for (const Node& c : m.value.items) LICET_TRY_VOID(one_case(in, c, id, m.key));
    }
    return {};
  }

  // Cases of a rule that stands elsewhere in the pack.
  Result<void> more_cases(const Reader& in, const Node& d) {
    static constexpr std::array<std::string_view, 3> kKeys = {"kind", "of", "cases"};
    LICET_TRY_VOID(in.only(d, kKeys));
    LICET_TRY(of, in.text(d, "of", true));
    const auto has = [&](const auto& all) { return std::any_of(all.begin(), all.end(), [&](const auto& x) { return x.id == of; }); };
    if (has(pack_.requirements)) return cases(in, d, of, "pass");
    if (has(pack_.grounds)) return cases(in, d, of, "ground");
    if (has(pack_.prohibitions)) return cases(in, d, of, "prohibition");
    return in.error(d, fmt::format("no rule of this pack has the id '{}'", of));
  }

  Result<void> one_case(const Reader& in, const Node& c, const std::string& id, const std::string& expect) {
    static constexpr std::array<std::string_view, 10> kKeys = {"in",      "yaml",  "change", "without", "facts",
                                                               "subject", "as-of", "says",   "alone",   "only"};
    LICET_TRY_VOID(in.only(c, kKeys));
    Pack::Case out;
    out.requirement = id;
    out.expect = expect;
    out.file = in.file();
    out.line = c.place.line;
    LICET_TRY(world, in.text(c, "in", false));
    LICET_TRY(yaml, in.text(c, "yaml", world.empty()));
    LICET_TRY(change, in.text(c, "change", false));
    LICET_TRY(without, in.list(c, "without", false));
    LICET_TRY(subject, in.text(c, "subject", expect != "not-applicable"));
    LICET_TRY(as_of, in.text(c, "as-of", false));
    LICET_TRY(says, in.text(c, "says", false));
    out.yaml = yaml;
    if (!world.empty()) {
      const auto found = worlds_.find(world);
      if (found == worlds_.end()) return in.error(c, fmt::format("no world has the id '{}'", world));
      out.yaml = yaml.empty() ? found->second : found->second + "\n---\n" + yaml;
    }
    out.change = change;
    out.without = std::move(without);
    out.subject = subject;
    out.as_of = as_of.empty() ? std::string(kCaseDate) : as_of;
    out.says = says;
    if (const Node* facts = c.find("facts")) LICET_TRY_VOID(read_facts(in, *facts, out.facts));
    static constexpr std::array<std::string_view, 1> kTrue = {"true"};
    LICET_TRY(alone, in.choice(c, "alone", kTrue, "false"));
    LICET_TRY(only, in.choice(c, "only", kTrue, "false"));
    if (only == "true" && expect != "ground") return in.error(c, "'only' is for cases that expect a ground");
    out.only = only == "true";
    // An empty population would no longer be empty.
    if (alone != "true" && expect != "not-applicable") {
      for (const Neighbor& n : neighbors_) {
        if (std::find(n.of.begin(), n.of.end(), world) == n.of.end()) continue;
        out.yaml += "\n---\n" + n.yaml;
        for (stack::Fact fact : n.facts) {
          fact.index = out.facts.size() + 1;
          out.facts.push_back(std::move(fact));
        }
      }
    }
    pack_.cases.push_back(std::move(out));
    return {};
  }

  Result<stack::Fact> one_fact(const Reader& in, const Node& f, std::uint64_t index) {
    static constexpr std::array<std::string_view, 11> kKeys = {"kind", "subject", "object",   "patient", "class",  "purpose",
                                                               "from", "until",   "recorded", "by",      "details"};
    LICET_TRY_VOID(in.only(f, kKeys));
    stack::Fact out;
    out.index = index;
    LICET_TRY(kind, in.text(f, "kind", true));
    LICET_TRY(subject, in.text(f, "subject", false));
    LICET_TRY(object, in.text(f, "object", false));
    LICET_TRY(patient, in.text(f, "patient", false));
    LICET_TRY(data_class, in.text(f, "class", false));
    LICET_TRY(purpose, in.text(f, "purpose", false));
    LICET_TRY(by, in.text(f, "by", false));
    LICET_TRY(from, in.date(f, "from"));
    LICET_TRY(until, in.date(f, "until"));
    LICET_TRY(recorded, in.date(f, "recorded"));
    out.kind = kind;
    out.subject = subject;
    out.object = object;
    out.patient = patient;
    out.data_class = data_class;
    out.purpose = purpose;
    out.by = by;
    out.from = from;
    out.until = until;
    if (const Node* details = f.find("details")) {
      if (details->type != ValueType::map) return in.error(*details, "'details' is a map of words");
      for (const auto& m : details->members) {
        LICET_TRY(word, in.text(*details, m.key, true));
        out.details.emplace(m.key, std::move(word));
      }
    }
    const std::optional<Date> day = recorded ? recorded : from;
    if (day) out.recorded = *day;
    return out;
  }

  Pack pack_;
  struct Neighbor {
    std::vector<std::string> of;
    std::string yaml;
    std::vector<stack::Fact> facts;
  };
  std::vector<Neighbor> neighbors_;
  std::map<std::string, std::string> worlds_;
  std::map<std::string, std::string> ids_;
  std::map<std::string, std::string> cited_;  // citation → level
};

}  // namespace

Result<Pack> load_pack(std::span<const stack::Source> files) {
  return Loader().run(files);
}

}  // namespace licet::rules
