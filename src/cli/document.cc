#include "cli/document.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/child.h"
#include "reader/reader.h"

namespace licet::cli {

bool holds_letters(std::string_view text, std::size_t at_least) {
  return static_cast<std::size_t>(
             std::count_if(text.begin(), text.end(), [](unsigned char c) { return std::isalpha(c) != 0 || c >= 0x80; })) >= at_least;
}

namespace {

constexpr const char* kPdftotext = "/usr/bin/pdftotext";
constexpr const char* kPdftoppm = "/usr/bin/pdftoppm";
constexpr const char* kTesseract = "/usr/bin/tesseract";

// Pages that are pictures, one by one: pdftoppm, then tesseract, each in a sandboxed child.
Result<std::string> scanned(const std::string& bytes, std::size_t pages, std::vector<std::string>& notes) {
  constexpr std::size_t kMostPages = 60;
  if (::access(kTesseract, X_OK) != 0 || ::access(kPdftoppm, X_OK) != 0)
    return Error{Code::failed_precondition,
                 "its pages are pictures: install tesseract-ocr (and poppler-utils) to have them recognized, or get a copy with text"};
  std::string out;
  for (std::size_t page = 1; page <= std::min(pages, kMostPages); ++page) {
    Child draw;
    draw.argv = {kPdftoppm, "-r", "200", "-gray", "-f", std::to_string(page), "-l", std::to_string(page), "-"};
    LICET_TRY(picture, run_child(draw, bytes));
    if (picture.code != 0 || picture.out.empty()) return Error{Code::invalid_argument, fmt::format("page {} cannot be drawn", page)};
    Child see;
    see.argv = {kTesseract, "stdin", "stdout", "-l", "eng"};
    see.wall = std::chrono::seconds(60);
    see.cpu_seconds = 60;
    LICET_TRY(seen, run_child(see, picture.out));
    if (seen.code != 0) return Error{Code::invalid_argument, fmt::format("page {} cannot be recognized", page)};
    while (!seen.out.empty() && (seen.out.back() == '\f' || seen.out.back() == '\n')) seen.out.pop_back();
    out += seen.out + "\n\f";
  }
  notes.push_back(fmt::format("its pages are pictures: the words were recognized by tesseract, and may be wrong{}",
                              pages > kMostPages ? fmt::format("; only the first {} of {} pages", kMostPages, pages) : ""));
  return out;
}

Result<std::string> pdf(const std::string& bytes, bool ocr, std::vector<std::string>& notes) {
  Child child;
  child.argv = {kPdftotext, "-enc", "UTF-8", "-eol", "unix", "-", "-"};
  child.wall = std::chrono::seconds(60);
  child.cpu_seconds = 60;
  child.output_bytes = reader::ReadLimits{}.text_bytes;
  auto done = run_child(child, bytes);
  if (!done) {
    if (done.error().code == Code::not_found)
      return Error{Code::failed_precondition, "pdftotext is not installed: apt-get install poppler-utils"};
    return std::move(done).error();
  }
  const bool encrypted = bytes.find("/Encrypt") != std::string::npos;
  if (done->code != 0)
    return Error{Code::invalid_argument,
                 encrypted ? "it is encrypted: save a copy without a password" : "it is damaged, or no PDF that pdftotext can read"};
  const std::size_t pages = std::max<std::size_t>(1, static_cast<std::size_t>(std::count(done->out.begin(), done->out.end(), '\f')));
  if (!holds_letters(done->out, std::min<std::size_t>(pages, 20) * 8)) {
    if (!ocr) return Error{Code::failed_precondition, "its pages are pictures, and --no-ocr leaves them alone"};
    return scanned(bytes, pages, notes);
  }
  return std::move(done->out);
}

}  // namespace

Result<std::string> document_text(const std::string& path, const std::string& bytes, bool ocr, std::vector<std::string>& notes) {
  LICET_TRY(format, reader::format_of(bytes, path));
  if (format == reader::Format::pdf) return pdf(bytes, ocr, notes);
  Child child;
  child.argv = {"inside", reader::name(format)};
  child.output_bytes = reader::ReadLimits{}.text_bytes + 4096;
  LICET_TRY(done, run_child(child, bytes));
  if (done.code == 1) return Error{Code::invalid_argument, std::move(done.out)};
  if (done.code != 0)
    return Error{Code::invalid_argument, fmt::format("its reader failed ({}): the file is damaged, or hostile", done.code)};
  return std::move(done.out);
}

}  // namespace licet::cli
