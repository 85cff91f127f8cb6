// licet deid on HL7 v2, X12, C-CDA, CSV and DICOM: from a stream to a stream, record by record.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "deid/columns.h"
#include "deid/segments.h"
#include "deid/values.h"

namespace licet::cli {

enum class DeidFormat { text, fhir, ndjson, csv, hl7, x12, ccda, dicom, document };  // document: PDF, DOCX, ODT, HTML
[[nodiscard]] std::string_view name(DeidFormat format);
[[nodiscard]] std::optional<DeidFormat> deid_format(std::string_view word);
// By its first bytes, and where they say nothing by its name; nullopt: nothing that is read.
[[nodiscard]] std::optional<DeidFormat> detect_format(std::string_view head, const std::filesystem::path& path);

// What the formats share in one run; it outlives them. Counts go on from file to file.
struct FormatRun {
  const deid::Library& library;
  const deid::Profile& profile;
  const deid::Lexicon& lexicon;
  const deid::TextEngine& engine;
  const deid::TextTransform& text;
  deid::ValueContext values;
  Limits limits;
  std::function<void(const std::string& where, std::string_view what)> complain;
  std::function<void(const std::string& where, std::string_view text, const std::vector<deid::Span>& spans)> note;
  std::size_t records = 0, bytes = 0;
  // CSV
  std::vector<deid::Column> columns = {};
  bool declared = false, accept_inferred = false;
  // DICOM: how pixels that may hold words are met, and files by what became of their pixels.
  struct {
    bool accept_unread = false, refuse_words = false;
    std::size_t files = 0, clear = 0, read = 0, words = 0, accepted = 0, telling_names = 0;
  } dicom = {};
  std::string out_name = {};  // of the file that is made, below --out
  bool withheld = false;      // of the file just read nothing may be written, whatever stands in `out`
};

// A message, transaction set or document that can't be transformed is reported with its place and left out; the rest goes on.
[[nodiscard]] Result<void> deid_segments(FormatRun& run, std::istream& in, std::ostream& out, const std::string& name, DeidFormat format);
[[nodiscard]] Result<void> deid_ccda(FormatRun& run, std::istream& in, std::ostream& out, const std::string& name);
// One file: complains and sets withheld where it may not be written.
[[nodiscard]] Result<void> deid_dicom(FormatRun& run, std::istream& in, std::ostream& out, const std::string& name);
// failed_precondition: nobody said what the columns are; what they are taken for was printed.
[[nodiscard]] Result<void> deid_csv(FormatRun& run, std::istream& in, std::ostream& out, const std::string& name);

}  // namespace licet::cli
