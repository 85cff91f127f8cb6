#include "console/internal/proposal.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

namespace licet::console {
namespace {

using nlohmann::json;
using Lines = std::vector<std::string_view>;

constexpr std::size_t kContext = 3;
constexpr std::size_t kMostChanges = 200;

Lines lines_of(std::string_view text) {
  Lines out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// Where a document lies in its file: lines first..last (exclusive), from 0.
struct Extent {
  const stack::Source* source = nullptr;
  Lines lines;
  std::size_t first = 0, last = 0;
};

bool ends_document(std::string_view line) {
  return line.starts_with("---") || line.starts_with("...");
}

Result<Extent> extent_of(const epoch::World& world, std::string_view id) {
  const stack::Document* doc = world.stack->find(id);
  if (doc == nullptr) return Error{Code::not_found, "nothing of that id is declared"};
  const std::string& path = world.stack->files.at(doc->place.file);
  const auto source = std::find_if(world.sources.begin(), world.sources.end(), [&](const auto& s) { return s.path == path; });
  if (source == world.sources.end() || doc->place.line == 0) return Error{Code::not_found, "its file is not at hand"};
  Extent out;
  out.source = &*source;
  out.lines = lines_of(source->bytes);
  out.first = doc->place.line - 1;
  out.last = out.first;
  while (out.last < out.lines.size() && !ends_document(out.lines[out.last])) ++out.last;
  return out;
}

// One hunk: what both have in common at either end is context, kContext lines of it.
std::string unified(const Extent& at, const Lines& text) {
  const Lines old(at.lines.begin() + static_cast<std::ptrdiff_t>(at.first), at.lines.begin() + static_cast<std::ptrdiff_t>(at.last));
  const auto head = static_cast<std::size_t>(std::mismatch(old.begin(), old.end(), text.begin(), text.end()).first - old.begin());
  if (head == old.size() && head == text.size()) return {};
  std::size_t tail = 0;
  while (tail < old.size() - head && tail < text.size() - head && old[old.size() - 1 - tail] == text[text.size() - 1 - tail]) ++tail;
  const std::size_t begin = at.first + head, end = at.last - tail;  // what goes, in the file
  const std::size_t from = begin - std::min(begin, kContext), to = std::min(end + kContext, at.lines.size());
  const std::size_t come = text.size() - tail - head;
  std::string out = fmt::format("--- a/{0}\n+++ b/{0}\n@@ -{1},{2} +{1},{3} @@\n", at.source->path, from + 1, to - from,
                                to - from - (end - begin) + come);
  for (std::size_t i = from; i < begin; ++i) out += fmt::format(" {}\n", at.lines[i]);
  for (std::size_t i = begin; i < end; ++i) out += fmt::format("-{}\n", at.lines[i]);
  for (std::size_t i = head; i < head + come; ++i) out += fmt::format("+{}\n", text[i]);
  for (std::size_t i = end; i < to; ++i) out += fmt::format(" {}\n", at.lines[i]);
  return out;
}

json changed_findings(const rules::Judgment& before, const rules::Judgment& after) {
  using Key = std::pair<std::string_view, std::string_view>;
  std::map<Key, std::pair<const rules::Finding*, const rules::Finding*>> both;
  for (const rules::Finding& f : before.findings) both[{f.asked->requirement, f.subject}].first = &f;
  for (const rules::Finding& f : after.findings) both[{f.asked->requirement, f.subject}].second = &f;
  json out = json::array();
  for (const auto& [key, pair] : both) {
    const auto& [old, now] = pair;
    if (old != nullptr && now != nullptr && old->status == now->status) continue;
    const auto status = [](const rules::Finding* f) { return f == nullptr ? "" : rules::name(f->status); };
    out.push_back({{"requirement", key.first},
                   {"subject", key.second},
                   {"before", status(old)},
                   {"after", status(now)},
                   {"because", (now != nullptr ? now : old)->sentence()}});
    if (out.size() == kMostChanges) break;
  }
  return out;
}

json changed_licenses(const license::Table& before, const license::Table& after) {
  auto changes = license::diff(before, after);
  std::stable_sort(changes.begin(), changes.end(), [](const license::Change& a, const license::Change& b) {
    return (a.care && a.what == "loses") > (b.care && b.what == "loses");
  });
  if (changes.size() > kMostChanges) changes.resize(kMostChanges);
  json out = json::array();
  for (const license::Change& c : changes)
    out.push_back({{"what", c.what},
                   {"holder", c.holder},
                   {"flow", c.flow},
                   {"class", c.data_class},
                   {"purpose", c.purpose},
                   {"action", c.action},
                   {"before", c.before},
                   {"after", c.after},
                   {"care", c.care}});
  return out;
}

}  // namespace

Result<json> source_view(const epoch::Epoch& epoch, std::string_view id) {
  LICET_TRY(at, extent_of(epoch.world, id));
  std::string text;
  for (std::size_t i = at.first; i < at.last; ++i) text += std::string(at.lines[i]) + "\n";
  return json{{"epoch", epoch.number}, {"id", id},    {"kind", epoch.world.stack->find(id)->kind}, {"path", at.source->path},
              {"line", at.first + 1},  {"text", text}};
}

Result<Edit> edit(const epoch::Epoch& epoch, std::string_view id, std::string text) {
  LICET_TRY(at, extent_of(epoch.world, id));
  if (!at.source->bytes.ends_with('\n'))
    return Error{Code::failed_precondition, "the file does not end in a newline: end its last line first"};
  std::erase(text, '\r');
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  const Lines lines = lines_of(text);
  if (std::any_of(lines.begin(), lines.end(), ends_document))
    return Error{Code::invalid_argument, "one document at a time: no line may begin with --- or ..."};
  Edit out;
  out.path = at.source->path;
  out.before = at.source->bytes;
  for (std::size_t i = 0; i < at.first; ++i) out.after += std::string(at.lines[i]) + "\n";
  out.after += text;
  for (std::size_t i = at.last; i < at.lines.size(); ++i) out.after += std::string(at.lines[i]) + "\n";
  out.patch = unified(at, lines);
  return out;
}

Result<json> propose(const epoch::Epoch& epoch, const Edit& edit, const std::string& packs, Micros now, store::FileSystem& files) {
  std::vector<stack::Source> sources = epoch.world.sources;
  for (stack::Source& source : sources)
    if (source.path == edit.path) source.bytes = edit.after;
  LICET_TRY(world, epoch::assemble_sources(std::move(sources), packs, epoch.facts, now, files));
  json problems = json::array();
  for (const stack::Problem& p : world.problems) problems.push_back(p.text());
  const bool judged = world.problems.empty();
  return json{{"patch", edit.patch},
              {"problems", std::move(problems)},
              {"findings", judged ? changed_findings(epoch.world.judgment, world.judgment) : json::array()},
              {"licenses", judged ? changed_licenses(*epoch.world.table, *world.table) : json::array()}};
}

}  // namespace licet::console
