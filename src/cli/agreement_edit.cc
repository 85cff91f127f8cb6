#include "cli/agreement_edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/time.h"
#include "cli/terminal.h"
#include "crypto/crypto.h"
#include "stack/yaml.h"
#include "store/file.h"

namespace licet::cli {
namespace {

using stack::Value;
using stack::yaml::Node;

std::vector<std::string> lines_of(const std::string& s) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t stop = std::min(s.find('\n', at), s.size() - 1);
    out.push_back(s.substr(at, stop - at + 1));
    at = stop + 1;
  }
  return out;
}

std::string text(const Node& n) {
  switch (n.type) {
    case Value::Type::scalar:
      return n.text;
    case Value::Type::list: {
      std::string out = "[";
      for (const Node& i : n.items) out += text(i) + ",";
      return out + "]";
    }
    case Value::Type::map: {
      std::string out = "{";
      for (const auto& m : n.members) out += m.key + ":" + text(m.value) + ",";
      return out + "}";
    }
  }
  return {};
}

std::string in_quotes(std::string_view s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// The line (from 0) of the last thing in a node: nested nodes begin where they stand, so the last scalar's line is it.
std::size_t last_line(const Node& n) {
  std::size_t line = n.place.line - 1;
  for (const Node& i : n.items) line = std::max(line, last_line(i));
  for (const auto& m : n.members) line = std::max(line, last_line(m.value));
  return line;
}

struct Edit {
  std::size_t before = 0;  // insert before this line
  std::string lines;
};

}  // namespace

int write_agreement(const EditRequest& request, const reader::Reading& reading, const std::string& sha256, const std::string& document) {
  store::FileSystem& files = store::real_files();
  auto bytes = files.read_all(request.file, 64u << 20);
  if (!bytes) return fail(bytes.error());
  const auto parsed = stack::yaml::parse(*bytes);
  if (!parsed.faults.empty()) return fail(fmt::format("{}:{}: {}", request.file, parsed.faults[0].place.line, parsed.faults[0].message));

  std::vector<const Node*> found;
  std::string ids;
  for (const Node& d : parsed.documents) {
    const Node *kind = d.find("kind"), *id = d.find("id");
    if (kind == nullptr || kind->text != "agreement" || id == nullptr) continue;
    ids += (ids.empty() ? "" : ", ") + id->text;
    if (request.agreement.empty() || id->text == request.agreement) found.push_back(&d);
  }
  if (found.empty())
    return fail(fmt::format("{}: no agreement{} in it{}", request.file, request.agreement.empty() ? "" : " '" + request.agreement + "'",
                            ids.empty() ? "" : " (there are: " + ids + ")"));
  if (found.size() > 1) return fail(fmt::format("{}: several agreements ({}): say which with --agreement ID", request.file, ids));
  const Node& doc = *found[0];
  const Node *clauses = doc.find("clauses"), *terms = doc.find("terms"), *digest = doc.find("sha256");
  const std::vector<std::string> lines = lines_of(*bytes);
  if (!bytes->ends_with('\n')) return fail(fmt::format("{}: its last line has no end: add one", request.file));
  if (lines[doc.place.line - 1].find('{') != std::string::npos && doc.place.column == 1 && lines[doc.place.line - 1].starts_with("{"))
    return fail(fmt::format("{}:{}: the agreement is written in braces: write it in lines first", request.file, doc.place.line));
  const std::string indent(doc.members.empty() ? 0 : doc.members[0].place.column - 1, ' ');

  std::string today = request.checked_on;
  if (today.empty()) today = format(std::chrono::floor<std::chrono::days>(SystemClock().now()));
  if (auto day = parse_date(today); !day) return fail(fmt::format("--checked: {}", day.error().message));

  std::vector<Edit> edits;
  std::vector<std::string> kept;
  std::size_t added = 0;
  const std::size_t end = last_line(doc) + 1;

  // --- clauses ---
  std::string fresh;
  const std::string item =
      clauses != nullptr && !clauses->items.empty()
          ? std::string(lines[clauses->items[0].place.line - 1], 0,
                        std::min(lines[clauses->items[0].place.line - 1].find('-'), lines[clauses->items[0].place.line - 1].size()))
          : indent + "  ";
  for (const reader::Clause& c : reading.clauses) {
    if (!c.required && c.is == reader::Is::absent) continue;
    const Node* old = nullptr;
    if (clauses != nullptr)
      for (const Node& i : clauses->items)
        if (const Node* cite = i.find("cite"); cite != nullptr && cite->text == c.cite) old = &i;
    if (old != nullptr) {
      const Node* is = old->find("is");
      if (is != nullptr && is->text != reader::name(c.is))
        kept.push_back(
            fmt::format("{}: the file says {}, the document seems to say {}: left as it is", c.cite, is->text, reader::name(c.is)));
      continue;
    }
    fresh += fmt::format("{}- {{cite: {}, is: {}", item, in_quotes(c.cite), reader::name(c.is));
    if (c.at.page != 0) fresh += fmt::format(", at: \"page {}\", quote-sha256: {}", c.at.page, in_quotes(hex(crypto::sha256(c.at.quote))));
    fresh += fmt::format(", checked-by: {}, checked: {}}}\n", in_quotes(request.checked_by), today);
    ++added;
  }
  if (!fresh.empty()) {
    if (clauses == nullptr) {
      edits.push_back({end, indent + "clauses:\n" + fresh});
    } else {
      const std::string& at = lines[clauses->place.line - 1];
      if (clauses->items.empty() || (clauses->place.column <= at.size() && at[clauses->place.column - 1] == '['))
        return fail(
            fmt::format("{}:{}: `clauses` is written in brackets: write one clause a line first", request.file, clauses->place.line));
      edits.push_back({last_line(*clauses) + 1, fresh});
    }
  }

  // --- terms ---
  std::string in_braces, in_lines;
  const bool braces = terms != nullptr && lines[terms->place.line - 1].size() >= terms->place.column &&
                      lines[terms->place.line - 1][terms->place.column - 1] == '{';
  const std::string key_indent =
      terms != nullptr && !braces && !terms->members.empty() ? std::string(terms->members[0].place.column - 1, ' ') : indent + "  ";
  for (const auto& [key, term] : reading.terms) {
    if (const Node* old = terms == nullptr ? nullptr : terms->find(key)) {
      if (old->text != term.value)
        kept.push_back(fmt::format("terms.{}: the file says {}, the document seems to say {}: left as it is", key, old->text, term.value));
      continue;
    }
    in_braces += fmt::format("{}{}: {}", terms == nullptr || !terms->members.empty() || !in_braces.empty() ? ", " : "", key, term.value);
    in_lines += fmt::format("{}{}: {}\n", key_indent, key, term.value);
    ++added;
  }
  std::vector<std::string> changed = lines;
  if (!in_lines.empty()) {
    if (terms == nullptr) {
      edits.push_back({end, indent + "terms:\n" + in_lines});
    } else if (!braces) {
      edits.push_back({last_line(*terms) + 1, in_lines});
    } else {
      // The closing brace, on the line of the last term: only where nothing but that can be meant.
      std::string& line = changed[last_line(*terms)];
      const std::size_t close = line.rfind('}');
      const std::size_t comment = line.find(" #");
      if (close == std::string::npos || (comment != std::string::npos && comment < close) || std::count(line.begin(), line.end(), '}') != 1)
        return fail(fmt::format("{}:{}: `terms` is written so that there is no safe place to add to it: write one term a line first",
                                request.file, terms->place.line));
      line.insert(close, in_braces);
    }
  }
  // --- the document that was read ---
  if (digest == nullptr) {
    edits.push_back({end, fmt::format("{}sha256: \"{}\"\n", indent, sha256)});
    ++added;
  } else if (digest->text != sha256) {
    return fail(fmt::format("{}:{}: the agreement is of another document (sha256 {}…; {} has {}…)", request.file, digest->place.line,
                            digest->text.substr(0, 12), document, sha256.substr(0, 12)));
  }

  std::string out;
  for (std::size_t i = 0; i <= lines.size(); ++i) {
    for (const Edit& e : edits)
      if (e.before == i) out += e.lines;
    if (i < lines.size()) out += changed[i];
  }
  // What was there must still be there, word for word: each old document is the new one without what was added.
  const auto again = stack::yaml::parse(out);
  bool same = again.faults.empty() && again.documents.size() == parsed.documents.size();
  for (std::size_t i = 0; same && i < parsed.documents.size(); ++i) {
    if (&parsed.documents[i] != found[0]) {
      same = text(parsed.documents[i]) == text(again.documents[i]);
      continue;
    }
    for (const auto& m : doc.members) {
      const Node* now = again.documents[i].find(m.key);
      if (now == nullptr)
        same = false;
      else if (m.key == "clauses")
        for (std::size_t k = 0; k < m.value.items.size(); ++k)
          same = same && k < now->items.size() && text(now->items[k]) == text(m.value.items[k]);
      else if (m.key == "terms")
        for (const auto& t : m.value.members) same = same && now->find(t.key) != nullptr && text(*now->find(t.key)) == text(t.value);
      else
        same = same && text(*now) == text(m.value);
    }
  }
  if (!same) return fail(fmt::format("{}: its layout leaves no safe place for these lines; nothing was written", request.file));

  for (const Edit& e : edits)
    for (const std::string& l : lines_of(e.lines)) fmt::print("{}", paint(Paint::green, fmt::format("+{}:{}", e.before + 1, l)));
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (changed[i] != lines[i])
      fmt::print("{}{}", paint(Paint::red, fmt::format("-{}:{}", i + 1, lines[i])),
                 paint(Paint::green, fmt::format("+{}:{}", i + 1, changed[i])));
  for (const std::string& k : kept) fmt::print("{}\n", paint(Paint::yellow, k));
  if (request.dry_run) {
    fmt::print("{} entries would be added to {} (--dry-run: nothing was written)\n", added, request.file);
    return kClean;
  }
  const std::string beside = request.file + ".licet-new";
  {
    std::ofstream file(beside, std::ios::binary | std::ios::trunc);
    file << out;
    if (!file.flush()) return fail(fmt::format("{}: could not be written", beside));
  }
  if (auto moved = files.rename(beside, request.file); !moved) return fail(moved.error());
  fmt::print("{} entries added to {}\n", added, request.file);
  return kClean;
}

}  // namespace licet::cli
