#include "cli/deid_score.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/terminal.h"

namespace licet::cli {
namespace fs = std::filesystem;
namespace {

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Result<void> brat(const fs::path& txt, std::vector<GoldText>& out) {
  GoldText gold{.file = txt.filename().string(), .text = slurp(txt)};
  const CodePoints points(gold.text);
  std::ifstream in(fs::path(txt).replace_extension(".ann"));
  if (!in) return Error{Code::not_found, txt.string() + ": no .ann beside it"};
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (!line.starts_with('T')) continue;
    char type[128];
    std::size_t start = 0, end = 0;
    if (std::sscanf(line.c_str(), "T%*d\t%127s %zu %zu", type, &start, &end) != 3)
      return Error{Code::invalid_argument, txt.string() + ": line " + std::to_string(number) + " of its .ann is no T annotation"};
    gold.spans.push_back({points.byte(start), points.byte(end), type});
  }
  out.push_back(std::move(gold));
  return {};
}

std::string attribute(std::string_view tag, std::string_view name) {
  const std::string wanted = " " + std::string(name) + "=\"";
  const std::size_t at = tag.find(wanted);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = tag.substr(at + wanted.size());
  return std::string(rest.substr(0, rest.find('"')));
}

Result<void> i2b2(const fs::path& path, std::vector<GoldText>& out) {
  const std::string xml = slurp(path);
  const std::size_t open = xml.find("<TEXT><![CDATA["), close = xml.find("]]></TEXT>");
  if (open == std::string::npos || close == std::string::npos || close < open)
    return Error{Code::invalid_argument, path.string() + ": no <TEXT><![CDATA[ … ]]></TEXT>"};
  GoldText gold{.file = path.filename().string(), .text = xml.substr(open + 15, close - open - 15)};
  const CodePoints points(gold.text);
  for (std::size_t at = xml.find("<TAGS>", close); at != std::string::npos && (at = xml.find('<', at + 1)) != std::string::npos;) {
    const std::string_view tag = std::string_view(xml).substr(at, xml.find('>', at) - at);
    const std::string start = attribute(tag, "start"), end = attribute(tag, "end"), type = attribute(tag, "TYPE");
    if (start.empty() || end.empty()) continue;
    gold.spans.push_back({points.byte(std::strtoul(start.c_str(), nullptr, 10)), points.byte(std::strtoul(end.c_str(), nullptr, 10)),
                          type.empty() ? std::string(tag.substr(1, tag.find(' ') - 1)) : type});
  }
  out.push_back(std::move(gold));
  return {};
}

Result<void> json_lines(const fs::path& path, std::vector<GoldText>& out) {
  std::ifstream in(path);
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) continue;
    const nlohmann::json one = nlohmann::json::parse(line, nullptr, false);
    const Error bad{Code::invalid_argument,
                    path.string() + ":" + std::to_string(number) + R"(: not {"text", "spans": [{"start", "end", "type"}]})"};
    if (!one.is_object() || !one.contains("text") || !one["text"].is_string() || !one.contains("spans") || !one["spans"].is_array())
      return bad;
    GoldText gold{.file = path.filename().string() + ":" + std::to_string(number), .text = one["text"].get<std::string>()};
    const CodePoints points(gold.text);
    for (const auto& s : one["spans"]) {
      if (!s.is_object() || !s.value("start", nlohmann::json()).is_number_unsigned() ||
          !s.value("end", nlohmann::json()).is_number_unsigned())
        return bad;
      gold.spans.push_back({points.byte(s["start"]), points.byte(s["end"]), s.value("type", "phi")});
    }
    out.push_back(std::move(gold));
  }
  return {};
}

// Wilson's 95 % interval.
std::string with_interval(std::size_t hits, std::size_t of) {
  if (of == 0) return "–";
  const double n = static_cast<double>(of), p = static_cast<double>(hits) / n, z = 1.96, d = 1 + z * z / n;
  const double middle = (p + z * z / (2 * n)) / d, half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d;
  return fmt::format("{:.4f} [{:.4f}, {:.4f}]", p, std::max(0.0, middle - half), std::min(1.0, middle + half));
}

}  // namespace

CodePoints::CodePoints(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) starts_.push_back(static_cast<std::uint32_t>(i));
  starts_.push_back(static_cast<std::uint32_t>(text.size()));
}
std::size_t CodePoints::point(std::size_t byte) const {
  return static_cast<std::size_t>(std::lower_bound(starts_.begin(), starts_.end(), byte) - starts_.begin());
}
std::size_t CodePoints::byte(std::size_t point) const {
  return starts_[std::min(point, starts_.size() - 1)];
}

Result<std::vector<GoldText>> read_gold(const std::string& path) {
  std::vector<GoldText> out;
  std::vector<fs::path> files;
  std::error_code failed;
  if (fs::is_directory(path, failed)) {
    for (const auto& entry : fs::recursive_directory_iterator(path, failed)) files.push_back(entry.path());
  } else if (fs::exists(path, failed)) {
    files.emplace_back(path);
  }
  if (files.empty()) return Error{Code::not_found, path + ": no file or folder, or an empty one"};
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const std::string kind = file.extension().string();
    if (kind == ".txt") LICET_TRY_VOID(brat(file, out));
    if (kind == ".xml") LICET_TRY_VOID(i2b2(file, out));
    if (kind == ".jsonl" || kind == ".json") LICET_TRY_VOID(json_lines(file, out));
  }
  if (out.empty()) return Error{Code::not_found, path + ": neither .txt with .ann, nor .xml, nor .jsonl in it"};
  return out;
}

void Score::add(const GoldText& gold, const deid::Found& found) {
  ++texts_;
  const auto ignored = [&](const GoldSpan& s) { return std::find(ignored_.begin(), ignored_.end(), s.type) != ignored_.end(); };
  const auto overlaps = [](const auto& a, std::size_t start, std::size_t end) { return a.start < end && a.end > start; };
  for (const deid::Token& t : found.tokens) {
    if (!t.word() && !t.number()) continue;
    const GoldSpan* of = nullptr;
    for (const GoldSpan& s : gold.spans)
      if (overlaps(s, t.start, t.end)) of = &s;
    const bool said = std::any_of(found.spans.begin(), found.spans.end(), [&](const deid::Span& s) { return overlaps(s, t.start, t.end); });
    if (of != nullptr && ignored(*of)) continue;
    if (said) ++said_tokens_, right_tokens_ += of != nullptr;
    if (of == nullptr) continue;
    for (Counts* c : {&types_[of->type], &all_}) ++c->tokens, c->found += said;
  }
  for (const GoldSpan& s : gold.spans) {
    if (ignored(s)) continue;
    bool whole = true, exact = false;
    for (const deid::Token& t : found.tokens)
      if ((t.word() || t.number()) && overlaps(s, t.start, t.end))
        whole =
            whole && std::any_of(found.spans.begin(), found.spans.end(), [&](const deid::Span& f) { return overlaps(f, t.start, t.end); });
    for (const deid::Span& f : found.spans) exact = exact || (f.start == s.start && f.end == s.end);
    for (Counts* c : {&types_[s.type], &all_}) ++c->entities, c->whole += whole, c->exact += exact;
  }
  for (const deid::Span& f : found.spans) {
    const GoldSpan* of = nullptr;
    for (const GoldSpan& s : gold.spans)
      if (overlaps(s, f.start, f.end)) of = &s;
    if (of != nullptr && ignored(*of)) continue;
    ++said_;
    said_right_ += of != nullptr;
  }
}

void Score::print() const {
  std::vector<std::vector<std::string>> rows;
  const auto row = [&](const std::string& name, const Counts& c) {
    rows.push_back({name, fmt::format("{}", c.tokens), with_interval(c.found, c.tokens), fmt::format("{}", c.entities),
                    with_interval(c.whole, c.entities),
                    c.entities == 0 ? "–" : fmt::format("{:.4f}", static_cast<double>(c.exact) / static_cast<double>(c.entities))});
  };
  for (const auto& [type, counts] : types_) row(type, counts);
  row("all", all_);
  print_table({"type", "tokens", "token recall [95 %]", "entities", "entity recall [95 %]", "exact"}, rows);
  fmt::print("\ntoken precision   {}\nspan precision    {}\n", with_interval(right_tokens_, said_tokens_),
             with_interval(said_right_, said_));
  fmt::print(
      "\n{} texts. Tokens are runs of letters or of digits. Token recall: of those that a gold span touches, how many a found span "
      "touches, of\n"
      "whatever type (identifier or not). Entity recall: gold spans all of whose tokens are touched; exact: with the same beginning and "
      "end.\n"
      "Token precision: of the tokens that a found span touches, how many a gold span touches; span precision: found spans that touch a "
      "gold\n"
      "span. Intervals: Wilson, 95 %; tokens of one text are not independent, so the true ones are wider.{}\n",
      texts_, ignored_.empty() ? "" : fmt::format(" Types left out of both: {}.", fmt::join(ignored_, ", ")));
}

}  // namespace licet::cli
