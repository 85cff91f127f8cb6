// licet read: what agreements say of each clause that the rule asks for, quoted; a vendor list beside them; and, once a person has looked,
// into the stack.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/child.h"
#include "base/csv.h"
#include "base/html.h"
#include "cli/agreement_edit.h"
#include "cli/config.h"
#include "cli/document.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "crypto/crypto.h"
#include "reader/reader.h"
#include "store/file.h"

namespace licet::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using reader::Is;

struct ReadArgs {
  std::vector<std::string> paths;
  std::string packs = default_packs();
  std::string format = "table";
  std::string vendors, write, agreement, checked_by, checked_on;
  bool text = false, dry_run = false, strict = false, ocr = true;
};

struct Read {
  std::string file, sha256, error;  // error: it could not be read, and why
  std::string text;
  std::vector<std::string> notes;  // of the extraction
  reader::Reading reading;
};

// --- files ---

Result<std::string> bytes_of(const std::string& path, std::size_t most) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ELOOP) return Error{Code::invalid_argument, "it is a symbolic link: name the file that it points to"};
    return Error{Code::not_found, errno == EACCES ? "it may not be read" : "no such file"};
  }
  std::string out;
  struct stat about {};
  Result<void> ok;
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
    ok = Error{Code::invalid_argument, "it is no regular file"};
  else if (static_cast<std::size_t>(about.st_size) > most)
    ok = Error{Code::exhausted, fmt::format("it is larger than {} MiB", most >> 20)};
  if (ok) {
    out.resize(static_cast<std::size_t>(about.st_size));
    std::size_t have = 0;
    while (have < out.size()) {
      const ssize_t n = ::read(fd, out.data() + have, out.size() - have);
      if (n <= 0) break;
      have += static_cast<std::size_t>(n);
    }
    out.resize(have);
  }
  ::close(fd);
  if (!ok) return std::move(ok).error();
  if (out.empty()) return Error{Code::invalid_argument, "it is empty"};
  return out;
}

constexpr std::size_t kVendorsMost = 100'000;  // rows of a vendor list

Read read_one(const std::string& path, const reader::Wording& wording, const ReadArgs& args) {
  Read r;
  r.file = path;
  auto bytes = bytes_of(path, reader::ReadLimits{}.file_bytes);
  if (!bytes) {
    r.error = bytes.error().message;
    return r;
  }
  r.sha256 = hex(crypto::sha256(*bytes));
  auto text = document_text(path, *bytes, args.ocr, r.notes);
  if (!text) {
    r.error = text.error().message;
    return r;
  }
  if (!holds_letters(*text, 1)) {
    r.error = "there is no text in it";
    return r;
  }
  r.text = *std::move(text);
  if (!args.text) r.reading = reader::read(r.text, wording);
  r.reading.notes.insert(r.reading.notes.end(), r.notes.begin(), r.notes.end());
  return r;
}

// Files as named, and those of folders below, in order. Links, hidden files and what is plainly no document are passed by in folders.
Result<std::vector<std::string>> files_of(const std::vector<std::string>& paths) {
  static const std::vector<std::string> kEndings = {".pdf", ".docx", ".odt", ".html", ".htm", ".md", ".markdown", ".txt", ".doc"};
  std::vector<std::string> out;
  for (const std::string& p : paths) {
    std::error_code error;
    if (!fs::is_directory(fs::symlink_status(p, error))) {
      out.push_back(p);
      continue;
    }
    std::vector<std::string> below;
    for (fs::recursive_directory_iterator it(p, fs::directory_options::skip_permission_denied, error), end; it != end;
         it.increment(error)) {
      if (error) break;
      if (it.depth() > 8) it.disable_recursion_pending();
      const std::string name = it->path().filename().string();
      std::string ending = it->path().extension().string();
      std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      if (name.starts_with(".") || !fs::is_regular_file(it->symlink_status(error))) continue;
      if (std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end()) below.push_back(it->path().string());
      if (below.size() > 10'000) return Error{Code::exhausted, fmt::format("{}: more than 10,000 documents", p)};
    }
    std::sort(below.begin(), below.end());
    if (below.empty()) return Error{Code::not_found, fmt::format("{}: no PDF, DOCX, ODT, HTML, Markdown or text in it", p)};
    out.insert(out.end(), below.begin(), below.end());
  }
  return out;
}

// --- what is shown ---

ordered_json json_of(const reader::Place& p) {
  return ordered_json{{"quote", p.quote}, {"page", p.page}, {"start", p.start}, {"end", p.end}};
}

ordered_json json_of(const Read& r) {
  ordered_json out{{"file", r.file}, {"sha256", r.sha256}};
  if (!r.error.empty()) {
    out["kind"] = "unreadable";
    out["error"] = r.error;
    return out;
  }
  const reader::Reading& d = r.reading;
  out["kind"] = reader::name(d.kind);
  out["pages"] = d.pages;
  out["parties"] = ordered_json::array();
  for (const reader::Party& p : d.parties) out["parties"].push_back({{"name", p.name}, {"role", p.role}});
  out["dates"] = ordered_json::object();
  for (const auto& [k, v] : d.dates) out["dates"][k] = v;
  out["clauses"] = ordered_json::array();
  for (const reader::Clause& c : d.clauses) {
    ordered_json one{{"cite", c.cite}, {"term", c.term}, {"required", c.required}, {"is", reader::name(c.is)}};
    one.update(json_of(c.at));
    one["confidence"] = std::round(c.confidence * 100) / 100;
    if (!c.because.empty()) one["because"] = c.because;
    out["clauses"].push_back(std::move(one));
  }
  out["terms"] = ordered_json::object();
  out["terms-at"] = ordered_json::object();
  for (const auto& [k, t] : d.terms) {
    out["terms"][k] = t.value == "true" ? ordered_json(true) : t.value == "false" ? ordered_json(false) : ordered_json(t.value);
    out["terms-at"][k] = json_of(t.at);
    out["terms-at"][k]["confidence"] = std::round(t.confidence * 100) / 100;
  }
  out["notes"] = d.notes;
  return out;
}

Paint paint_of(Is is) {
  switch (is) {
    case Is::present:
    case Is::stricter:
      return Paint::green;
    case Is::absent:
      return Paint::red;
    case Is::weaker:
    case Is::unclear:
      return Paint::yellow;
  }
  return Paint::none;
}

std::string one_line(std::string_view s, std::size_t most) {
  std::string out;
  for (const char c : s) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!blank)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (out.size() > most) {
    std::size_t cut = most;
    while (cut > 0 && (static_cast<unsigned char>(out[cut]) & 0xC0) == 0x80) --cut;
    out.resize(cut);
    out += " …";
  }
  return out;
}

void show(const Read& r) {
  fmt::print("{}  {}\n", paint(Paint::bold, r.file), paint(Paint::dim, r.sha256.substr(0, 12)));
  if (!r.error.empty()) {
    fmt::print("  {}\n\n", paint(Paint::red, "cannot be read: " + r.error));
    return;
  }
  if (r.reading.kind == reader::Kind::not_an_agreement) {
    fmt::print("  {}\n\n", paint(Paint::yellow, "not an agreement: nothing in it binds two parties to each other"));
    return;
  }
  if (r.reading.kind == reader::Kind::agreement)
    fmt::print("  {}\n", paint(Paint::yellow, "an agreement, but not a business associate agreement"));
  for (const reader::Party& p : r.reading.parties) fmt::print("  {}: {}\n", p.role, p.name);
  for (const auto& [k, v] : r.reading.dates) fmt::print("  {}: {}\n", k, v);
  std::vector<std::vector<std::string>> rows;
  for (const reader::Clause& c : r.reading.clauses) {
    if (!c.required && c.is == Is::absent) continue;
    std::string text = c.at.quote.empty() ? (c.required ? "nothing in it says so" : "") : "“" + one_line(c.at.quote, 220) + "”";
    if (!c.because.empty()) text = c.because + ": " + text;
    rows.push_back(
        {paint(paint_of(c.is), reader::name(c.is)), c.cite, c.name, c.at.page == 0 ? "" : fmt::format("p. {}", c.at.page), text});
  }
  print_table({"is", "citation", "clause", "page", "words"}, rows);
  if (!r.reading.terms.empty()) {
    std::string terms;
    for (const auto& [k, t] : r.reading.terms) terms += fmt::format("{}{}: {} (p. {})", terms.empty() ? "" : ", ", k, t.value, t.at.page);
    fmt::print("  terms: {}\n", terms);
  }
  for (const std::string& n : r.reading.notes) fmt::print("  note: {}\n", n);
  fmt::print("\n");
}

// --- vendors: vendor × scope × what is missing, and the list that an auditor asks for ---

// With any of , ; and tab between fields, as the first line has it.
Result<std::vector<std::vector<std::string>>> csv(std::string_view s) {
  const std::string_view first = s.substr(0, std::min(s.find('\n'), s.size()));
  const char between = first.find('\t') != std::string_view::npos                                               ? '\t'
                       : first.find(',') == std::string_view::npos && first.find(';') != std::string_view::npos ? ';'
                                                                                                                : ',';
  LICET_TRY(rows, csv_rows(s, between, kVendorsMost));
  std::erase_if(rows, [](const auto& r) { return r.size() == 1 && r[0].empty(); });
  return std::move(rows);
}

// Letters and digits in lower case, without what companies are called beside their name.
std::string plain(std::string_view name) {
  std::string out, word;
  const auto flush = [&] {
    static const std::vector<std::string> kForms = {"inc", "llc", "ltd", "corp", "corporation", "co", "company",
                                                    "lp",  "llp", "pc",  "plc",  "gmbh",        "the"};
    if (std::find(kForms.begin(), kForms.end(), word) == kForms.end()) out += word;
    word.clear();
  };
  for (const char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else
      flush();
  flush();
  return out;
}

struct Vendor {
  std::string name, scope;
  std::vector<const Read*> reads;
};

Result<std::vector<Vendor>> vendors_of(const std::string& path, const std::vector<Read>& reads) {
  auto bytes = bytes_of(path, 16u << 20);
  if (!bytes) return Error{bytes.error().code, fmt::format("{}: {}", path, bytes.error().message)};
  LICET_TRY(rows, csv(*bytes));
  std::optional<std::size_t> name, scope, file;
  for (std::size_t i = 0; !rows.empty() && i < rows[0].size(); ++i) {
    const std::string head = plain(rows[0][i]);
    if (!name && (head == "vendor" || head == "name" || head == "vendorname" || head == "supplier"))
      name = i;
    else if (!scope &&
             (head == "scope" || head == "service" || head == "services" || head == "system" || head == "systems" || head == "product"))
      scope = i;
    else if (!file && (head == "file" || head == "agreement" || head == "baa" || head == "document"))
      file = i;
  }
  if (!name)
    return Error{Code::invalid_argument,
                 fmt::format("{}:1: a column `vendor` is expected (and may be followed by `scope` and `file`)", path)};
  std::vector<Vendor> out;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto cell = [&](std::optional<std::size_t> at) { return at && *at < rows[i].size() ? rows[i][*at] : std::string(); };
    Vendor v{cell(name), cell(scope), {}};
    if (v.name.empty()) continue;
    const std::string wanted = cell(file), key = plain(v.name);
    for (const Read& r : reads) {
      const std::string base = fs::path(r.file).filename().string();
      bool is = !wanted.empty() && (base == fs::path(wanted).filename().string());
      if (wanted.empty() && key.size() >= 3) {
        is = plain(base).find(key) != std::string::npos;
        for (const reader::Party& p : r.reading.parties) is = is || plain(p.name).find(key) != std::string::npos;
        // Named where parties are named: in the first words.
        is = is || (r.reading.kind != reader::Kind::not_an_agreement && plain(r.text.substr(0, 3000)).find(key) != std::string::npos);
      }
      if (is) v.reads.push_back(&r);
    }
    out.push_back(std::move(v));
  }
  return out;
}

// One line of the list: a vendor and one agreement with it, or none.
struct Line {
  std::vector<std::string> cells;
  const Read* read = nullptr;
};
const std::vector<std::string> kColumns = {"vendor",    "scope",  "agreement", "kind",    "covered entity", "business associate",
                                           "effective", "signed", "expires",   "present", "missing",        "weaker or unclear",
                                           "sha256",    "note"};

Line line_of(const std::string& vendor, const std::string& scope, const Read* r) {
  if (r == nullptr)
    return {{vendor, scope, "", "none found", "", "", "", "", "", "", "every clause", "", "", "no agreement in what was read"}, nullptr};
  const auto party = [&](std::string_view role) {
    for (const reader::Party& p : r->reading.parties)
      if (p.role == role) return p.name;
    return std::string();
  };
  const auto date = [&](const char* key) {
    auto it = r->reading.dates.find(key);
    return it == r->reading.dates.end() ? std::string() : it->second;
  };
  std::size_t present = 0, required = 0;
  std::string missing, weak;
  for (const reader::Clause& c : r->reading.clauses) {
    if (!c.required) continue;
    ++required;
    if (c.is == Is::present || c.is == Is::stricter)
      ++present;
    else if (c.is == Is::absent)
      missing += fmt::format("{}{} {}", missing.empty() ? "" : "; ", c.cite, c.name);
    else
      weak += fmt::format("{}{} {} (p. {}: “{}”)", weak.empty() ? "" : "; ", c.cite, c.name, c.at.page, one_line(c.at.quote, 120));
  }
  std::string note = r->error;
  for (const std::string& n : r->reading.notes) note += (note.empty() ? "" : "; ") + n;
  return {{vendor, scope, r->file, r->error.empty() ? reader::name(r->reading.kind) : "unreadable", party("covered-entity"),
           party("business-associate"), date("effective"), date("signed"), date("expires"),
           required == 0 ? "" : fmt::format("{} of {}", present, required), missing, weak, r->sha256, note},
          r};
}

std::string csv_cell(std::string s) {
  // A cell that begins like a formula is one in a spreadsheet: the text of a stranger's document must not be.
  if (!s.empty() && std::string_view("=+-@\t\r").find(s[0]) != std::string_view::npos) s.insert(0, "'");
  if (s.find_first_of(",\"\n\r;\t") == std::string::npos) return s;
  std::string out = "\"";
  for (const char c : s) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

void print_html(const std::vector<Line>& lines) {
  fmt::print(
      "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Business associate agreements</title>\n<style>body{{font:15px/1.5 "
      "system-ui,sans-serif;margin:2rem;max-width:100rem}}"
      "table{{border-collapse:collapse;width:100%}}th,td{{border:1px solid #bbb;padding:.3rem "
      ".5rem;text-align:left;vertical-align:top}}th{{background:#f3f3f3}}"
      ".absent{{color:#a00}}.weaker,.unclear{{color:#850}}.present,.stricter{{color:#060}}td "
      "code{{font-size:11px;word-break:break-all}}</style>\n"
      "<h1>Business associate agreements</h1>\n<p>Read by <code>licet read</code>: proposals with their words, for a person to confirm. "
      "Facts and sources, not legal advice.</p>\n<table><thead><tr>");
  for (const std::string& c : kColumns) fmt::print("<th>{}</th>", html_escaped(c));
  fmt::print("</tr></thead><tbody>\n");
  for (const Line& l : lines) {
    fmt::print("<tr>");
    for (const std::string& c : l.cells) fmt::print("<td>{}</td>", html_escaped(c));
    fmt::print("</tr>\n");
  }
  fmt::print("</tbody></table>\n");
  std::vector<const Read*> done;
  for (const Line& l : lines) {
    if (l.read == nullptr || l.read->reading.clauses.empty() || std::find(done.begin(), done.end(), l.read) != done.end()) continue;
    done.push_back(l.read);
    fmt::print(
        "<h2>{}</h2>\n<table><thead><tr><th>citation</th><th>clause</th><th>is</th><th>page</th><th>words</th></tr></thead><tbody>\n",
        html_escaped(l.read->file));
    for (const reader::Clause& c : l.read->reading.clauses)
      fmt::print("<tr><td>{}</td><td>{}</td><td class=\"{}\">{}</td><td>{}</td><td>{}{}</td></tr>\n", html_escaped(c.cite),
                 html_escaped(c.name), reader::name(c.is), reader::name(c.is), c.at.page == 0 ? "" : std::to_string(c.at.page),
                 c.because.empty() ? "" : html_escaped(c.because) + ": ", html_escaped(one_line(c.at.quote, 1200)));
    fmt::print("</tbody></table>\n");
  }
  fmt::print("</html>\n");
}

int table(const std::vector<Read>& reads, const ReadArgs& args) {
  std::vector<Line> lines;
  if (args.vendors.empty()) {
    for (const Read& r : reads) lines.push_back(line_of("", "", &r));
  } else {
    auto vendors = vendors_of(args.vendors, reads);
    if (!vendors) return fail(vendors.error());
    std::vector<const Read*> used;
    for (const Vendor& v : *vendors) {
      for (const Read* r : v.reads) {
        lines.push_back(line_of(v.name, v.scope, r));
        used.push_back(r);
      }
      if (v.reads.empty()) lines.push_back(line_of(v.name, v.scope, nullptr));
    }
    for (const Read& r : reads)
      if (std::find(used.begin(), used.end(), &r) == used.end()) lines.push_back(line_of("(not in the list)", "", &r));
  }
  if (args.format == "csv") {
    for (std::size_t i = 0; i < kColumns.size(); ++i) fmt::print("{}{}", i == 0 ? "" : ",", csv_cell(kColumns[i]));
    fmt::print("\r\n");
    for (const Line& l : lines) {
      for (std::size_t i = 0; i < l.cells.size(); ++i) fmt::print("{}{}", i == 0 ? "" : ",", csv_cell(l.cells[i]));
      fmt::print("\r\n");
    }
  } else if (args.format == "html") {
    print_html(lines);
  } else {
    std::vector<std::vector<std::string>> rows;
    for (const Line& l : lines)
      rows.push_back({l.cells[0], l.cells[1], fs::path(l.cells[2]).filename().string(), l.cells[3], l.cells[9],
                      l.cells[10] + (l.cells[11].empty() ? "" : (l.cells[10].empty() ? "" : "; ") + l.cells[11])});
    print_table({"vendor", "scope", "agreement", "kind", "present", "missing, weaker or unclear"}, rows);
  }
  return kClean;
}

int read(const ReadArgs& args) {
  const std::string wording_path = args.packs + "/wording/baa.yaml";
  auto bytes = bytes_of(wording_path, 4u << 20);
  if (!bytes) return fail(fmt::format("{}: {}", wording_path, bytes.error().message));
  auto wording = reader::Wording::load(*bytes, wording_path);
  if (!wording) return fail(wording.error());
  auto files = files_of(args.paths);
  if (!files) return fail(files.error());
  if (!args.write.empty() && files->size() != 1) return fail("--write takes one document at a time");

  std::vector<Read> reads;
  const bool progress = files->size() > 3 && ::isatty(2) != 0;
  for (const std::string& f : *files) {
    if (progress) fmt::print(stderr, "\r\033[Kreading {} of {}: {}", reads.size() + 1, files->size(), fs::path(f).filename().string());
    reads.push_back(read_one(f, *wording, args));
  }
  if (progress) fmt::print(stderr, "\r\033[K");

  bool unread = false, lacking = false;
  for (const Read& r : reads) {
    unread = unread || !r.error.empty();
    lacking = lacking || r.reading.kind != reader::Kind::baa;
    for (const reader::Clause& c : r.reading.clauses) lacking = lacking || (c.required && c.is != Is::present && c.is != Is::stricter);
  }
  int shown = kClean;
  if (args.text) {
    for (const Read& r : reads) fmt::print("{}", r.text);
  } else if (!args.write.empty()) {
    if (!reads[0].error.empty()) return fail(fmt::format("{}: {}", reads[0].file, reads[0].error));
    if (reads[0].reading.kind != reader::Kind::baa)
      return fail(fmt::format("{}: {}: nothing is written", reads[0].file, reader::name(reads[0].reading.kind)));
    if (args.checked_by.empty()) return fail("--write needs --checked-by PERSON: who has compared the quotes with the document");
    shown = write_agreement({args.write, args.agreement, args.checked_by, args.checked_on, args.dry_run}, reads[0].reading, reads[0].sha256,
                            reads[0].file);
  } else if (args.format == "json" && args.vendors.empty()) {
    for (const Read& r : reads) fmt::print("{}\n", json_of(r).dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  } else if (args.format == "json") {
    auto vendors = vendors_of(args.vendors, reads);
    if (!vendors) return fail(vendors.error());
    for (const Vendor& v : *vendors) {
      ordered_json one{{"vendor", v.name}, {"scope", v.scope}, {"agreements", ordered_json::array()}};
      for (const Read* r : v.reads) one["agreements"].push_back(json_of(*r));
      fmt::print("{}\n", one.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
    }
  } else if (args.format == "table" && args.vendors.empty()) {
    for (const Read& r : reads) show(r);
    fmt::print("{}\n",
               paint(Paint::dim,
                     "Proposals, quoted: a person confirms (--write STACKFILE --checked-by PERSON). Facts and sources, not legal advice."));
  } else {
    shown = table(reads, args);
  }
  if (args.text || args.format != "table" || !args.vendors.empty())
    for (const Read& r : reads)
      if (!r.error.empty()) fmt::print(stderr, "licet: {}: {}\n", r.file, r.error);
  if (shown != kClean) return shown;
  if (unread) return kFailed;
  return args.strict && lacking ? kNo : kClean;
}

}  // namespace

int read_inside(std::span<const std::string> args, std::string_view input, std::string& out) {
  for (const auto format :
       {reader::Format::text, reader::Format::markdown, reader::Format::html, reader::Format::docx, reader::Format::odt}) {
    if (args.empty() || args[0] != reader::name(format)) continue;
    auto text = reader::extract(format, input, {});
    out = text ? *std::move(text) : text.error().message;
    return text ? 0 : 1;
  }
  return 2;
}

void add_read(CLI::App& app, Run& run) {
  auto args = std::make_shared<ReadArgs>();
  CLI::App* c = app.add_subcommand("read", "Read agreements: what each says of the clauses that the rule asks for, quoted");
  c->add_option("paths", args->paths, "documents (PDF, DOCX, ODT, HTML, Markdown, text) or folders of them")->required();
  c->add_option("--format", args->format, "table, json (one object a line), csv or html")
      ->check(CLI::IsMember({"table", "json", "csv", "html"}))
      ->capture_default_str();
  c->add_option("--vendors", args->vendors,
                "a CSV with a column `vendor`, and perhaps `scope` and `file`: what each vendor's agreement lacks");
  c->add_flag("--text", args->text, "print the text that start and end count in, and nothing else");
  c->add_option("--write", args->write, "put clauses and terms into the agreement in this YAML file");
  c->add_option("--agreement", args->agreement, "which agreement of that file, by id")->needs("--write");
  c->add_option("--checked-by", args->checked_by, "the person who compared the quotes with the document")->needs("--write");
  c->add_option("--checked", args->checked_on, "the day it was checked; today, unless said otherwise")->needs("--write");
  c->add_flag("--dry-run", args->dry_run, "show what --write would change, and change nothing")->needs("--write");
  c->add_flag("!--no-ocr", args->ocr, "don't recognize scanned pages");
  c->add_flag("--strict", args->strict, "exit 1 where a required clause is not present");
  c->add_option("--packs", args->packs, "the folder of packs")->capture_default_str();
  c->footer(
      "Nothing leaves the machine; parsers run in a process that can reach nothing. Exit: 0 read, 1 (--strict) something is missing, 2 a "
      "file could not be read.\n\n"
      "  licet read agreements/scribe-baa.pdf\n"
      "  licet read agreements --vendors vendors.csv --format html > baa-list.html\n"
      "  licet read scribe-baa.docx --format json | jq '.clauses[] | select(.is != \"present\")'\n"
      "  licet read scribe-baa.pdf --write stack/agreements.yaml --agreement baa-scribe-2026 --checked-by j.ortiz --dry-run");
  c->callback([args, &run] { run = [args] { return read(*args); }; });
}

}  // namespace licet::cli
