#include "rules/acts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "rules/compare.h"
#include "stack/yaml.h"

namespace licet::rules {
namespace {

using stack::yaml::Node;
using ValueType = stack::Value::Type;
using Values = std::map<std::string, std::string>;

constexpr std::size_t kPatternMost = 400;
constexpr std::size_t kMendMost = 4096;

std::string one_line(std::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

// "Set mode: enforce on {route}" → a regex whose groups are {route}; a * is any text.
Result<std::regex> compiled(std::string_view words, std::vector<std::string>& variables) {
  if (words.size() > kPatternMost) return Error{Code::invalid_argument, fmt::format("'words' is longer than {} bytes", kPatternMost)};
  std::string out;
  while (!words.empty()) {
    const std::size_t special = std::min(words.find_first_of("{*"), words.size());
    for (const char c : words.substr(0, special)) {
      if (std::string_view("^$\\.*+?()[]{}|").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
    words.remove_prefix(special);
    if (words.empty()) break;
    if (words.front() == '*') {
      out += ".*?";
      words.remove_prefix(1);
      continue;
    }
    const std::size_t close = words.find('}');
    if (close == std::string_view::npos) return Error{Code::invalid_argument, "'words' opens a { that it does not close"};
    variables.emplace_back(words.substr(1, close - 1));
    out += "([^\\s\"]*[^\\s\".,;:])";  // a word: ids, citations and numbers; what ends a sentence is no part of it
    words.remove_prefix(close + 1);
  }
  return std::regex(out, std::regex::ECMAScript | std::regex::optimize);
}

// "164.308(a)(5)" → "164.308-a-5": for ids.
std::string slug(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool keep = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
    if (keep)
      out += c;
    else if (c >= 'A' && c <= 'Z')
      out += static_cast<char>(c - 'A' + 'a');
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (out.ends_with('-')) out.pop_back();
  return out.substr(0, 40);
}

// What the templates name and nothing gave stays as it is: then the act is not possible.
std::string filled(std::string_view text, const Values& values) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('{'), close = text.find('}', open == std::string_view::npos ? text.size() : open);
    if (close == std::string_view::npos) break;
    out += text.substr(0, open);
    const std::string name(text.substr(open + 1, close - open - 1));
    if (const auto found = values.find(name); found != values.end())
      out += found->second;
    else if (const auto base = name.ends_with("-id") ? values.find(name.substr(0, name.size() - 3)) : values.end(); base != values.end())
      out += slug(base->second);
    else {
      out += '{';  // a flow map of YAML, say: what is in it may have blanks of its own
      text.remove_prefix(open + 1);
      continue;
    }
    text.remove_prefix(close + 1);
  }
  return out.append(text);
}

// The organization on top of its parts.
std::string entity(const stack::Stack& stack, std::string id) {
  for (int depth = 0; depth < 32; ++depth) {
    const stack::Document* o = stack.find("organization", id);
    if (o == nullptr || o->text("part-of").empty()) break;
    id = o->text("part-of");
  }
  return id;
}

// The clauses that an agreement has, as YAML items.
std::string clauses_of(const stack::Document& agreement) {
  std::string out;
  const stack::Value* list = agreement.find("clauses");
  if (list == nullptr) return out;
  for (const stack::Value& item : list->items) {
    out += "  - {";
    for (const stack::Member& m : item.members)
      out += fmt::format("{}{}: \"{}\"", &m == item.members.data() ? "" : ", ", m.key, one_line(m.value.text));
    out += "}\n";
  }
  return out;
}

// What templates may name besides the words of the mend.
Values known(const Judgment& judgment, const stack::Stack& stack, const Finding& f, const Values& found) {
  Values out;
  out["subject"] = f.subject;
  out["cite"] = f.asked->cites.empty() ? std::string() : f.asked->cites.front();
  out["today"] = format(judgment.as_of);
  out["tomorrow"] = format(judgment.as_of + std::chrono::days(1));
  out["next-year"] = format(judgment.as_of + std::chrono::days(365));
  std::string home;
  const auto look = [&](const std::string& id) {
    const stack::Document* d = stack.find(id);
    if (d == nullptr) return;
    if (d->kind == "organization") home = id;
    if (!d->text("owner").empty() && stack.find("organization", d->text("owner")) != nullptr) home = d->text("owner");
    if (!d->text("organization").empty()) home = d->text("organization");
    if (d->kind == "flow") {
      out["from"] = d->text("from"), out["to"] = d->text("to");
    }
    if (d->kind == "agreement") {
      out["up"] = d->text("up"), out["down"] = d->text("down"), out["clauses"] = clauses_of(*d);
      if (auto end = parse_date(d->text("expires")); end) {
        out["day-after-end"] = format(*end + std::chrono::days(1));
        out["year-after-end"] = format(*end + std::chrono::days(366));
      }
      if (home.empty()) home = d->text("up");
    }
  };
  look(f.subject);
  for (const auto& [name, value] : found) look(value);
  for (const auto& [name, value] : found) out[name] = value;
  // Who would do it: somebody who works there. The plan says that this is assumed.
  for (const stack::Document* p : stack.all("person")) {
    const bool here = home.empty() || entity(stack, std::string(p->text("organization"))) == entity(stack, home);
    if (!here || p->text("status") == "ended" || out.contains("person")) continue;
    out["person"] = p->id;
    if (const auto roles = p->list("roles"); !roles.empty()) out["role"] = roles.front();
  }
  if (!out.contains("role") && !stack.all("role").empty()) out["role"] = stack.all("role").front()->id;
  return out;
}

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}
  [[nodiscard]] Error error(const Node& node, std::string_view message) const {
    return {Code::invalid_argument, fmt::format("{}:{}: {}", file_, node.place.line, message)};
  }
  [[nodiscard]] Result<std::string> text(const Node& map, std::string_view key, bool required = false) const {
    const Node* node = map.find(key);
    if (node == nullptr) return required ? Result<std::string>(error(map, fmt::format("'{}' is missing", key))) : std::string();
    if (node->type != ValueType::scalar) return error(*node, fmt::format("'{}' must be text", key));
    return node->text;
  }
  [[nodiscard]] Result<std::uint64_t> number(const Node& map, std::string_view key, std::uint64_t otherwise) const {
    LICET_TRY(word, text(map, key));
    if (word.empty()) return otherwise;
    std::uint64_t n = 0;
    const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), n);
    if (failed != std::errc() || end != word.data() + word.size() || n > 100'000)
      return error(*map.find(key), fmt::format("'{}' is a number of hours", key));
    return n;
  }
  [[nodiscard]] Result<void> only(const Node& map, std::span<const std::string_view> keys) const {
    if (map.type != ValueType::map) return error(map, "this must be a map");
    for (const auto& m : map.members)
      if (std::find(keys.begin(), keys.end(), m.key) == keys.end())
        return error(m.value, fmt::format("unknown key '{}'; there are {}", m.key, fmt::join(keys, ", ")));
    return {};
  }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  std::string file_;
};

Result<Act> act(const Reader& in, const Node& d) {
  static constexpr std::array<std::string_view, 12> kKeys = {"kind", "id",   "words",  "gather",  "does", "judgment",
                                                             "cost", "each", "change", "without", "drop", "record"};
  static constexpr std::array<std::string_view, 4> kRecord = {"kind", "subject", "object", "set"};
  LICET_TRY_VOID(in.only(d, kKeys));
  Act out;
  LICET_TRY(id, in.text(d, "id", true));
  LICET_TRY(words, in.text(d, "words", true));
  auto pattern = compiled(words, out.variables);
  if (!pattern) return in.error(*d.find("words"), pattern.error().message);
  LICET_TRY(does, in.text(d, "does", true));
  LICET_TRY(judgment, in.text(d, "judgment"));
  LICET_TRY(gather, in.text(d, "gather"));
  LICET_TRY(change, in.text(d, "change"));
  LICET_TRY(cost, in.number(d, "cost", 1));
  LICET_TRY(each, in.number(d, "each", 0));
  if (cost == 0) return in.error(d, "'cost' is at least an hour: what costs nothing would always be chosen");
  out.id = id, out.words = *std::move(pattern), out.does = does, out.judgment = judgment, out.gather = gather, out.change = change;
  out.cost = cost, out.each = each, out.file = in.file(), out.line = d.place.line;
  if (const Node* list = d.find("without"))
    for (const Node& item : list->items) out.without.push_back(item.text);
  if (const Node* list = d.find("drop"))
    for (const Node& item : list->items) out.drop.push_back(item.text);
  if (const Node* list = d.find("record"))
    for (const Node& item : list->items) {
      LICET_TRY_VOID(in.only(item, kRecord));
      Act::Record r;
      LICET_TRY(kind, in.text(item, "kind", true));
      LICET_TRY(subject, in.text(item, "subject", true));
      LICET_TRY(object, in.text(item, "object"));
      r.kind = kind, r.subject = subject, r.object = object;
      if (const Node* set = item.find("set"))
        for (const auto& m : set->members) r.details[m.key] = m.value.text;
      out.records.push_back(std::move(r));
    }
  if (out.change.empty() && out.without.empty() && out.drop.empty() && out.records.empty())
    return in.error(d, "an act has a change, a record or a without");
  return out;
}

// The documents of a text, each with its kind and id lines.
struct Piece {
  std::string kind, id;
  std::vector<std::string> fields;  // a top-level key with all that stands below it
  std::string whole;
};
std::vector<Piece> pieces(std::string_view yaml) {
  std::vector<Piece> out(1);
  const auto close = [&] {
    if (!out.back().whole.empty()) out.emplace_back();
  };
  while (!yaml.empty()) {
    const std::size_t end = yaml.find('\n');
    const std::string line(yaml.substr(0, end));
    yaml.remove_prefix(end == std::string_view::npos ? yaml.size() : end + 1);
    if (line == "---" || line.starts_with("--- ")) {
      close();
      continue;
    }
    Piece& p = out.back();
    p.whole += line + "\n";
    const auto value = [&](std::string_view key) {
      std::string text = line.substr(key.size());
      text = text.substr(0, text.find(" #"));
      text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return c == ' ' || c == '"' || c == '\r'; }), text.end());
      return text;
    };
    if (line.starts_with("kind:"))
      p.kind = value("kind:");
    else if (line.starts_with("id:"))
      p.id = value("id:");
    else if (line.starts_with(" ") || line.starts_with("-") || p.fields.empty())
      p.fields.empty() ? p.fields.push_back(line + "\n") : (void)(p.fields.back() += line + "\n");
    else
      p.fields.push_back(line + "\n");
  }
  close();
  out.pop_back();
  return out;
}

}  // namespace

Result<std::vector<Act>> load_acts(std::span<const stack::Source> files) {
  std::vector<Act> out;
  for (const stack::Source& file : files) {
    const Reader in(file.path);
    const stack::yaml::Parsed parsed = stack::yaml::parse(file.bytes);
    if (!parsed.faults.empty())
      return Error{Code::invalid_argument,
                   fmt::format("{}:{}: {}", file.path, parsed.faults.front().place.line, parsed.faults.front().message)};
    for (const Node& d : parsed.documents) {
      const Node* kind = d.type == ValueType::map ? d.find("kind") : nullptr;
      if (kind == nullptr || kind->text != "act") return in.error(d, "a document of packs/mends is of kind: act");
      LICET_TRY(one, act(in, d));
      if (std::any_of(out.begin(), out.end(), [&](const Act& a) { return a.id == one.id; }))
        return in.error(d, fmt::format("two acts are called '{}'", one.id));
      out.push_back(std::move(one));
    }
  }
  return out;
}

std::vector<Mend> possible(const Judgment& judgment, const stack::Stack& stack, std::span<const Act> acts, bool strict) {
  struct Begun {
    const Act* act;
    Values values;
    std::vector<std::string> gathered;
  };
  std::vector<Begun> begun;
  std::map<std::string, std::size_t> by_key;  // the same act in the same words is one
  for (const Finding& f : judgment.findings) {
    // std::regex goes deeper with every byte: a sentence beyond this (a name of thousands of letters in it) is left to people.
    if (!amiss(f, strict) || f.mend.empty() || f.mend.size() > kMendMost) continue;
    for (const Act& a : acts) {
      std::smatch match;
      if (!std::regex_search(f.mend, match, a.words)) continue;
      Values values;
      for (std::size_t i = 0; i < a.variables.size(); ++i) values[a.variables[i]] = match[i + 1].str();
      values = known(judgment, stack, f, values);
      std::string gathered;
      if (!a.gather.empty()) gathered = values[a.gather], values[a.gather] = "*";
      std::string key = a.id + "\n" + filled(a.does, values) + "\n" + filled(a.change, values);
      for (const std::string& w : a.without) key += "\n" + filled(w, values);
      for (const Act::Record& r : a.records) key += "\n" + filled(r.kind + " " + r.subject + " " + r.object, values);
      const auto [at, fresh] = by_key.try_emplace(key, begun.size());
      if (fresh) begun.push_back({&a, std::move(values), {}});
      std::vector<std::string>& list = begun[at->second].gathered;
      if (!gathered.empty() && std::find(list.begin(), list.end(), gathered) == list.end()) list.push_back(gathered);
    }
  }
  std::vector<Mend> out;
  for (Begun& b : begun) {
    const Act& a = *b.act;
    if (!a.gather.empty()) {
      b.values[a.gather] = fmt::format("{}", fmt::join(b.gathered, ", "));
      std::string list, clauses;
      for (const std::string& g : b.gathered) {
        list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", g);
        clauses += fmt::format("  - {{cite: \"{}\", is: present}}\n", g);
      }
      b.values[a.gather + "-list"] = "[" + list + "]";
      b.values[a.gather + "-clauses"] = clauses;
    }
    const auto fill = [&](std::string_view text) { return filled(text, b.values); };
    Mend m{.act = a.id,
           .does = fill(a.does),
           .judgment = fill(a.judgment),
           .change = fill(a.change),
           .cost = a.cost,
           .without = {},
           .drop = {},
           .records = {}};
    if (b.gathered.size() > 1) m.cost += a.each * (b.gathered.size() - 1);
    for (const std::string& w : a.without) m.without.push_back(fill(w));
    for (const std::string& w : a.drop) m.drop.push_back(fill(w));
    for (const Act::Record& r : a.records) {
      Act::Record one{fill(r.kind), fill(r.subject), fill(r.object), {}};
      for (const auto& [name, value] : r.details) one.details[name] = fill(value);
      m.records.push_back(std::move(one));
    }
    out.push_back(std::move(m));
  }
  return out;
}

std::optional<std::string> joined(std::span<const Mend* const> mends) {
  std::vector<Piece> out;
  for (const Mend* m : mends)
    for (const Piece& p : pieces(m->change)) {
      const auto same = std::find_if(out.begin(), out.end(), [&](const Piece& q) { return q.kind == p.kind && q.id == p.id; });
      if (same == out.end()) {
        out.push_back(p);
        continue;
      }
      for (const std::string& field : p.fields) {
        const std::string key = field.substr(0, field.find(':') + 1);
        const auto there = std::find_if(same->fields.begin(), same->fields.end(), [&](const std::string& f) { return f.starts_with(key); });
        if (there == same->fields.end())
          same->fields.push_back(field);
        else if (*there != field)
          return std::nullopt;
      }
    }
  std::string text;
  for (const Piece& p : out) {
    text += fmt::format("{}kind: {}\nid: {}\n", text.empty() ? "" : "---\n", p.kind, p.id);
    for (const std::string& field : p.fields) text += field;
  }
  return text;
}

std::string less(std::string_view yaml, std::span<const std::string> ids, std::span<const std::string> fields) {
  std::string out;
  for (const Piece& p : pieces(yaml)) {
    if (std::find(ids.begin(), ids.end(), p.id) != ids.end()) continue;
    std::string whole = p.whole;
    for (const std::string& field : p.fields) {
      const std::string named = p.id + " " + field.substr(0, field.find(':'));
      if (std::find(fields.begin(), fields.end(), named) == fields.end()) continue;
      if (const std::size_t at = ("\n" + whole).find("\n" + field); at != std::string::npos) whole.erase(at, field.size());
    }
    out += (out.empty() ? "" : "---\n") + whole;
  }
  return out;
}

}  // namespace licet::rules
