#include "cli/deid_formats.h"

#include <algorithm>
#include <array>
#include <deque>
#include <iostream>

#include "base/csv.h"
#include "codec/csv.h"
#include "codec/dicom.h"
#include "codec/segments.h"
#include "deid/table.h"

namespace licet::cli {
namespace {

constexpr std::size_t kChunk = 1 << 20;
constexpr std::size_t kCsvRecord = 16 << 20, kCsvChunk = 256 << 10;  // read and written in pieces that the caches hold
constexpr std::size_t kCsvRecords = 32;                              // looked at before they are transformed
constexpr std::size_t kGuessRecords = 1000;
constexpr std::array<std::string_view, 9> kNames = {"text", "fhir", "ndjson", "csv", "hl7", "x12", "ccda", "dicom", "document"};

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string_view name(DeidFormat format) {
  return kNames[static_cast<std::size_t>(format)];
}
std::optional<DeidFormat> deid_format(std::string_view word) {
  const auto at = std::find(kNames.begin(), kNames.end(), word);
  if (word == "pdf" || word == "docx" || word == "odt" || word == "html") return DeidFormat::document;
  if (at == kNames.end()) return std::nullopt;
  return static_cast<DeidFormat>(at - kNames.begin());
}

std::optional<DeidFormat> detect_format(std::string_view head, const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (codec::looks_like_dicom(head)) return DeidFormat::dicom;
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  if (head.starts_with("%PDF") || (head.starts_with("PK\3\4") && (extension == ".docx" || extension == ".odt")))
    return DeidFormat::document;
  if (head.find('\0') != std::string_view::npos) return std::nullopt;
  std::string_view body = head;
  while (!body.empty() && (body[0] == '\x0b' || body[0] == ' ' || body[0] == '\r' || body[0] == '\n' || body[0] == '\t'))
    body.remove_prefix(1);
  if ((body.starts_with("MSH") || body.starts_with("FHS") || body.starts_with("BHS")) && body.size() > 8 && !is_alnum(body[3]) &&
      body[3] != ' ')
    return DeidFormat::hl7;
  if (body.starts_with("ISA") && body.size() >= 106 && body[3] == body[6] && !is_alnum(body[3])) return DeidFormat::x12;
  if (body.starts_with("<")) {
    if (body.find("ClinicalDocument") != std::string_view::npos) return DeidFormat::ccda;
    const std::string start = deid::lower(body.substr(0, 256));
    if (extension == ".html" || extension == ".htm" || start.starts_with("<!doctype html") || start.starts_with("<html"))
      return DeidFormat::document;
    if (extension == ".xml" || body.starts_with("<?xml")) return std::nullopt;
  }
  if (extension == ".html" || extension == ".htm") return DeidFormat::document;
  if (extension == ".csv") return DeidFormat::csv;
  if (extension == ".ndjson" || extension == ".jsonl") return DeidFormat::ndjson;
  if (extension == ".json") return DeidFormat::fhir;
  if (body.starts_with("{") && head.find("\"resourceType\"") != std::string_view::npos) {
    // A line a resource, or one resource over as many lines as it likes.
    const std::size_t line = body.find('\n');
    const std::string_view first = body.substr(0, line);
    const std::string_view next = line == std::string_view::npos ? std::string_view() : body.substr(line + 1);
    return first.find('}') != std::string_view::npos && next.starts_with("{") ? DeidFormat::ndjson : DeidFormat::fhir;
  }
  if (extension == ".txt" || extension == ".md" || extension == ".log" || extension.empty()) return DeidFormat::text;
  return std::nullopt;
}

Result<void> deid_segments(FormatRun& run, std::istream& in, std::ostream& out, const std::string& name, DeidFormat format) {
  const bool x12 = format == DeidFormat::x12;
  if ((x12 ? run.library.x12 : run.library.hl7).segments.empty())
    return Error{Code::not_found, "packs/deid has no segment-rules for " + std::string(cli::name(format))};
  codec::SegmentFramer framer(x12 ? codec::SegmentFormat::x12 : codec::SegmentFormat::hl7_v2, run.limits.resource_bytes);
  const deid::SegmentTransform transform(run.library, run.profile, x12 ? run.library.x12 : run.library.hl7);
  deid::Pieces pieces(run.engine, run.text);
  std::string where;
  deid::SegmentRun segments{.values = run.values,
                            .pieces = &pieces,
                            .note = [&](std::string_view text, const std::vector<deid::Span>& spans) { run.note(where, text, spans); }};
  std::string chunk(kChunk, '\0'), made;
  for (bool end = false;;) {
    while (const auto unit = framer.next()) {
      ++run.records;
      where = name + ": byte " + std::to_string(unit->offset);
      if (unit->too_long) {
        run.complain(where, "a message longer than " + std::to_string(run.limits.resource_bytes >> 20) + " MiB was left out");
        continue;
      }
      if (unit->bytes.find_first_not_of("\r\n \t\x1a\x0b\x1c") == std::string_view::npos) {
        --run.records;  // blank lines
        continue;
      }
      const auto done = transform.apply(unit->bytes, x12 && framer.marks() ? &*framer.marks() : nullptr, segments, made);
      if (!done) run.complain(where, std::string(x12 ? "a transaction set" : "a message") + " was left out: " + done.error().message);
      if (made.size() > kChunk) {
        out << made;
        made.clear();
      }
    }
    if (end) break;
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    const auto got = static_cast<std::size_t>(in.gcount());
    run.bytes += got;
    if (got == 0) {
      framer.finish();
      end = true;
    } else {
      framer.feed(std::string_view(chunk).substr(0, got));
    }
  }
  out << made;
  return {};
}

namespace {

// One CSV: its columns told or guessed, and then its records.
class Table {
 public:
  Table(FormatRun& run, std::ostream& out, std::string name)
      : run_(run), out_(out), name_(std::move(name)), pieces_(run.engine, run.text) {}

  Result<void> go(std::istream& in) {
    codec::CsvReader reader(',', kCsvRecord);
    for (;;) {
      for (auto records = reader.next(kCsvRecords); !records.empty(); records = reader.next(kCsvRecords)) {
        if (table_) table_->expect(records);
        for (const codec::CsvRecord& r : records) {
          if (header_.empty()) {
            LICET_TRY_VOID(head(r));
            if (header_.empty()) return {};
          } else if (guessing_) {
            LICET_TRY_VOID(sample(r));
          } else {
            record(r);
          }
        }
      }
      if (reader.finished()) break;
      const auto room = reader.room(kCsvChunk);
      in.read(room.data(), static_cast<std::streamsize>(room.size()));
      const auto got = static_cast<std::size_t>(in.gcount());
      run_.bytes += got;
      if (got > 0)
        reader.commit(got);
      else
        reader.finish();
    }
    if (guessing_) LICET_TRY_VOID(guessed());
    flush();
    return {};
  }

 private:
  Result<void> head(const codec::CsvRecord& r) {
    if (r.problem != nullptr || r.cells.empty()) {
      run_.complain(name_, "no header row");
      return {};
    }
    for (const codec::CsvCell& cell : r.cells) header_.emplace_back(cell.text(scratch_));
    ending_ = r.ending.empty() ? "\n" : std::string(r.ending);
    if (!run_.declared) {
      guessing_.emplace(run_.library, run_.lexicon, header_);
      return {};
    }
    std::string left_out;
    std::vector<deid::Column> columns;
    for (const std::string& column : header_) {
      const auto at = std::find_if(run_.columns.begin(), run_.columns.end(), [&](const deid::Column& c) { return c.name == column; });
      if (at == run_.columns.end()) left_out += " " + column;
      columns.push_back(at == run_.columns.end() ? deid::Column{.name = column} : *at);
    }
    if (!left_out.empty())
      std::cerr << "licet deid: " << name_ << ": columns emptied, since nobody said what they are:" << left_out << '\n';
    return begin(std::move(columns));
  }

  Result<void> begin(std::vector<deid::Column> columns) {
    table_.emplace(std::move(columns), run_.values, pieces_,
                   [this](std::string_view text, const std::vector<deid::Span>& spans) { run_.note(where(*now_), text, spans); });
    if (table_->drops_all())
      return Error{Code::invalid_argument,
                   name_ + ": no column is left: say with --columns what they are, such as --columns dob=date,note=text,sex=token"};
    if (table_->lacks_patient())
      std::cerr << "licet deid: " << name_
                << ": no column says whose a record is (NAME = patient): its dates can't be moved, and are dropped\n";
    std::string line;
    for (std::size_t n = 0; n < header_.size(); ++n) {
      if (n > 0) line += ',';
      put_csv(header_[n], ',', line);
    }
    out_ << line << ending_;
    return {};
  }

  // The first records are kept until the guess is made of them.
  Result<void> sample(const codec::CsvRecord& r) {
    if (r.problem == nullptr && r.cells.size() == header_.size())
      for (std::size_t n = 0; n < r.cells.size(); ++n) guessing_->see(n, r.cells[n].text(scratch_));
    kept_.emplace_back(r);
    if (kept_.size() >= kGuessRecords) return guessed();
    return {};
  }

  Result<void> guessed() {
    std::vector<deid::Column> columns = guessing_->columns();
    guessing_.reset();
    if (!run_.accept_inferred) {
      tell(columns, std::cout);
      return Error{
          Code::failed_precondition,
          name_ +
              ": nothing was made, since nobody has said what its columns are. Above stands what they are taken for, by their "
              "names and the first " +
              std::to_string(kept_.size()) +
              " records: correct it, keep it in a file, and give that as --columns FILE (or take it as it is with --accept-inferred)"};
    }
    tell(columns, std::cerr);
    LICET_TRY_VOID(begin(std::move(columns)));
    for (const Kept& k : std::exchange(kept_, {})) record(k.record);
    return {};
  }

  void tell(const std::vector<deid::Column>& columns, std::ostream& to) const {
    to << "# " << name_
       << ": what each column is taken for, and why. Words: drop, keep, number, token (a code), patient (whose record it is),\n"
       << "# text, and the kinds of identifiers, of which profile " << run_.profile.named() << " says what becomes.\n";
    std::size_t wide = 0, word = 0;
    for (const deid::Column& c : columns) wide = std::max(wide, c.name.size()), word = std::max(word, c.word().size());
    for (const deid::Column& c : columns) {
      to << c.name << " = " << c.word() << std::string(word - c.word().size() + 2 + std::min<std::size_t>(wide - c.name.size(), 30), ' ')
         << "# " << c.why;
      if (c.is == deid::Column::Is::identifier) to << "; " << deid::name(run_.profile.rule(c.kind).act);
      to << '\n';
    }
  }

  [[nodiscard]] std::string where(const codec::CsvRecord& r) const {
    return name_ + ": record " + std::to_string(r.number) + ", byte " + std::to_string(r.offset);
  }

  void record(const codec::CsvRecord& r) {
    if (r.cells.size() != header_.size() && r.blank()) return;
    ++run_.records;
    if (r.problem != nullptr) return run_.complain(where(r), r.problem);
    if (r.cells.size() != header_.size())
      return run_.complain(
          where(r), "left out: it has " + std::to_string(r.cells.size()) + " cells, and the header " + std::to_string(header_.size()));
    now_ = &r;
    table_->apply(r, ending_);
    if (table_->made().size() >= kCsvChunk) flush();
  }

  void flush() {
    if (!table_) return;
    out_ << table_->made();
    table_->clear();
  }

  // A record with bytes of its own.
  struct Kept {
    explicit Kept(const codec::CsvRecord& r) : record(r) {
      if (r.problem == nullptr) {
        const char* first = r.cells.front().raw.data();
        bytes.assign(first, static_cast<std::size_t>(r.cells.back().raw.data() + r.cells.back().raw.size() - first));
        for (const codec::CsvCell& c : r.cells) {
          cells.push_back(c);
          cells.back().raw = std::string_view(bytes).substr(static_cast<std::size_t>(c.raw.data() - first), c.raw.size());
        }
      }
      record.cells = cells;
      record.ending = r.ending == "\n" ? "\n" : r.ending == "\r" ? "\r" : r.ending.empty() ? "" : "\r\n";
    }
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;
    std::string bytes;
    std::vector<codec::CsvCell> cells;
    codec::CsvRecord record;
  };
  FormatRun& run_;
  std::ostream& out_;
  std::string name_, scratch_, ending_;
  deid::Pieces pieces_;
  std::vector<std::string> header_;
  std::optional<deid::ColumnGuesser> guessing_;
  std::deque<Kept> kept_;
  std::optional<deid::TableTransform> table_;
  const codec::CsvRecord* now_ = nullptr;  // whose texts are read
};

}  // namespace

Result<void> deid_csv(FormatRun& run, std::istream& in, std::ostream& out, const std::string& name) {
  return Table(run, out, name).go(in);
}

}  // namespace licet::cli
