#include "cli/deid_formats.h"
#include "base/csv.h"

#include <algorithm>
#include <array>
#include <iostream>

#include "codec/csv.h"
#include "codec/dicom.h"
#include "codec/segments.h"

namespace licet::cli {
namespace {

constexpr std::size_t kChunk = 1 << 20;
constexpr std::size_t kCsvRecord = 16 << 20;
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

// A table's columns as they are used: those that were told, or guessed.
class Table {
 public:
  Table(FormatRun& run, std::ostream& out, std::string name)
      : run_(run), out_(out), name_(std::move(name)), pieces_(run.engine, run.text) {}

  Result<void> go(std::istream& in) {
    codec::CsvReader reader(',', kCsvRecord);
    std::string chunk(kChunk, '\0');
    for (bool end = false;;) {
      while (const codec::CsvRecord* r = reader.next()) {
        if (header_.empty()) {
          LICET_TRY_VOID(head(*r));
          if (header_.empty()) return {};
        } else if (guessing_) {
          LICET_TRY_VOID(sample(*r));
        } else {
          record(*r);
        }
      }
      if (end) break;
      in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
      const auto got = static_cast<std::size_t>(in.gcount());
      run_.bytes += got;
      if (got == 0) {
        reader.finish();
        end = true;
      } else {
        reader.feed(std::string_view(chunk).substr(0, got));
      }
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
    for (const std::string& column : header_) {
      const auto at = std::find_if(run_.columns.begin(), run_.columns.end(), [&](const deid::Column& c) { return c.name == column; });
      if (at == run_.columns.end()) left_out += " " + column;
      columns_.push_back(at == run_.columns.end() ? deid::Column{.name = column} : *at);
    }
    if (!left_out.empty())
      std::cerr << "licet deid: " << name_ << ": columns emptied, since nobody said what they are:" << left_out << '\n';
    return begin();
  }

  Result<void> begin() {
    if (std::all_of(columns_.begin(), columns_.end(), [](const deid::Column& c) { return c.is == deid::Column::Is::drop; }))
      return Error{Code::invalid_argument,
                   name_ + ": no column is left: say with --columns what they are, such as --columns dob=date,note=text,sex=token"};
    const bool shifts = run_.profile.rule(deid::Kind::date).act == deid::Act::shift;
    for (std::size_t n = 0; n < columns_.size(); ++n) {
      const deid::Column& c = columns_[n];
      if (c.is == deid::Column::Is::patient && !patient_) patient_ = n;
      texts_ = texts_ || (c.is == deid::Column::Is::identifier && c.kind == deid::Kind::text);
    }
    if (shifts && !patient_)
      std::cerr << "licet deid: " << name_
                << ": no column says whose a record is (NAME = patient): its dates can't be moved, and are dropped\n";
    for (std::size_t n = 0; n < header_.size(); ++n) {
      if (n > 0) made_ += ',';
      put_csv(header_[n], ',', made_);
    }
    made_ += ending_;
    return {};
  }

  // The first records are kept until the guess is made of them.
  Result<void> sample(const codec::CsvRecord& r) {
    if (r.problem == nullptr && r.cells.size() == header_.size())
      for (std::size_t n = 0; n < r.cells.size(); ++n) guessing_->see(n, r.cells[n].text(scratch_));
    Kept kept{r.number, r.offset, {}, {}, std::string(r.ending), r.problem, r.lost};
    for (const codec::CsvCell& cell : r.cells) {
      kept.raw.emplace_back(cell.raw);
      kept.marks.push_back({cell.quoted, cell.doubled});
    }
    kept_.push_back(std::move(kept));
    if (kept_.size() >= kGuessRecords) return guessed();
    return {};
  }

  Result<void> guessed() {
    columns_ = guessing_->columns();
    guessing_.reset();
    if (!run_.accept_inferred) {
      tell(std::cout);
      return Error{
          Code::failed_precondition,
          name_ +
              ": nothing was made, since nobody has said what its columns are. Above stands what they are taken for, by their "
              "names and the first " +
              std::to_string(kept_.size()) +
              " records: correct it, keep it in a file, and give that as --columns FILE (or take it as it is with --accept-inferred)"};
    }
    tell(std::cerr);
    LICET_TRY_VOID(begin());
    std::vector<Kept> kept = std::exchange(kept_, {});
    for (const Kept& k : kept) {
      codec::CsvRecord r{k.number, k.offset, {}, k.ending, k.problem, k.lost};
      for (std::size_t n = 0; n < k.raw.size(); ++n) r.cells.push_back({k.raw[n], k.marks[n].first, k.marks[n].second});
      record(r);
    }
    return {};
  }

  void tell(std::ostream& to) const {
    to << "# " << name_
       << ": what each column is taken for, and why. Words: drop, keep, number, token (a code), patient (whose record it is),\n"
       << "# text, and the kinds of identifiers, of which profile " << run_.profile.named() << " says what becomes.\n";
    std::size_t wide = 0, word = 0;
    for (const deid::Column& c : columns_) wide = std::max(wide, c.name.size()), word = std::max(word, c.word().size());
    for (const deid::Column& c : columns_) {
      to << c.name << " = " << c.word() << std::string(word - c.word().size() + 2 + std::min<std::size_t>(wide - c.name.size(), 30), ' ')
         << "# " << c.why;
      if (c.is == deid::Column::Is::identifier) to << "; " << deid::name(run_.profile.rule(c.kind).act);
      to << '\n';
    }
  }

  void record(const codec::CsvRecord& r) {
    ++run_.records;
    const auto where = [&] { return name_ + ": record " + std::to_string(r.number) + ", byte " + std::to_string(r.offset); };
    if (r.problem != nullptr) return run_.complain(where(), r.problem);
    if (r.cells.size() != header_.size()) {
      if (r.cells.size() == 1 && r.cells[0].raw.empty()) return void(--run_.records);  // an empty line
      return run_.complain(
          where(), "left out: it has " + std::to_string(r.cells.size()) + " cells, and the header " + std::to_string(header_.size()));
    }
    deid::ValueContext& values = run_.values;
    if (patient_) values.patient = r.cells[*patient_].text(scratch_);
    const bool scrubs = texts_ && run_.profile.rule(deid::Kind::text).act == deid::Act::scrub;
    if (scrubs) read_texts(r, where);
    std::size_t piece = 0;
    // Cells side by side that stay are copied in one piece: `kept` is what stays and isn't copied yet.
    std::string_view kept;
    bool first = true;
    const auto next_cell = [&] {
      made_ += std::exchange(kept, {});
      if (!std::exchange(first, false)) made_ += ',';
    };
    const auto keep = [&](std::string_view raw) {
      if (!kept.empty() && raw.data() == kept.data() + kept.size() + 1 && raw.data()[-1] == ',') {
        kept = {kept.data(), kept.size() + 1 + raw.size()};
      } else {
        next_cell();
        kept = raw;
      }
    };
    for (std::size_t n = 0; n < columns_.size(); ++n) {
      const deid::Column& c = columns_[n];
      const codec::CsvCell& cell = r.cells[n];
      if (cell.raw.empty() || (cell.quoted && cell.raw.size() == 2) || stays(c, cell)) {
        keep(cell.raw);
        continue;
      }
      next_cell();
      switch (c.is) {
        case deid::Column::Is::drop:
          ++values.tally.dropped;
          break;
        case deid::Column::Is::keep:
          break;  // it stays
        case deid::Column::Is::number:
        case deid::Column::Is::token:
          ++values.tally.misfit;
          break;
        case deid::Column::Is::patient:
          value(deid::Kind::id, cell);
          break;
        case deid::Column::Is::identifier:
          if (c.kind == deid::Kind::text) {
            ++values.tally.kinds[static_cast<std::size_t>(deid::Kind::text)];
            if (scrubs) put_csv(pieces_.made(piece++), ',', made_);
          } else {
            value(c.kind, cell);
          }
          break;
      }
    }
    made_ += kept;
    made_ += r.ending.empty() ? std::string_view(ending_) : r.ending;
    if (made_.size() > kChunk) flush();
  }

  bool stays(const deid::Column& c, const codec::CsvCell& cell) {
    if (c.is == deid::Column::Is::keep) return true;
    if (c.is != deid::Column::Is::number && c.is != deid::Column::Is::token) return false;
    const std::string_view text = cell.text(scratch_);
    return (c.is == deid::Column::Is::number ? deid::is_decimal(text) : deid::is_token(text)) && !deid::says_which(text, false);
  }

  void value(deid::Kind kind, const codec::CsvCell& cell) {
    const std::string_view text = cell.text(scratch_);
    const std::size_t before = made_.size();
    deid::put_value(kind, text, deid::Written::free, run_.values, made_);
    if (codec::find_any(made_, before, ',', '"', '\r', '\n') == made_.size()) return;
    std::string again;
    put_csv(std::string_view(made_).substr(before), ',', again);
    made_.resize(before);
    made_ += again;
  }

  template <class Where>
  void read_texts(const codec::CsvRecord& r, const Where& where) {
    pieces_.clear();
    deid::Known known;
    for (std::size_t n = 0; n < columns_.size(); ++n) {
      const deid::Column& c = columns_[n];
      const std::string_view text = r.cells[n].text(scratch_);
      if (text.empty()) continue;
      if (c.is == deid::Column::Is::patient) known.add(text, deid::Kind::mrn);
      if (c.is != deid::Column::Is::identifier) continue;
      if (c.kind == deid::Kind::text)
        pieces_.add(text);
      else if (c.kind != deid::Kind::date && c.kind != deid::Kind::age && c.kind != deid::Kind::state && c.kind != deid::Kind::country &&
               c.kind != deid::Kind::id && c.kind != deid::Kind::trait)
        known.add(text, c.kind);
    }
    if (pieces_.size() == 0) return;
    const std::string place = where();
    pieces_.read(known, {.as_of = run_.values.as_of, .codes = &run_.values.codes, .key = run_.values.key, .patient = run_.values.patient},
                 [&](std::string_view text, const std::vector<deid::Span>& spans) { run_.note(place, text, spans); });
  }

  void flush() {
    out_ << made_;
    made_.clear();
  }

  struct Kept {
    std::uint64_t number, offset;
    std::vector<std::string> raw;
    std::vector<std::pair<bool, bool>> marks;
    std::string ending;
    const char* problem;
    bool lost;
  };
  FormatRun& run_;
  std::ostream& out_;
  std::string name_, scratch_, made_, ending_;
  deid::Pieces pieces_;
  std::vector<std::string> header_;
  std::vector<deid::Column> columns_;
  std::optional<deid::ColumnGuesser> guessing_;
  std::vector<Kept> kept_;
  std::optional<std::size_t> patient_;
  bool texts_ = false;
};

}  // namespace

Result<void> deid_csv(FormatRun& run, std::istream& in, std::ostream& out, const std::string& name) {
  return Table(run, out, name).go(in);
}

}  // namespace licet::cli
