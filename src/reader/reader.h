// Reads agreements: the text of a document → what it says of each clause that the rule asks for, with the words it says it in.
//
//   LICET_TRY(wording, reader::Wording::load(bytes_of("packs/wording/baa.yaml"), "baa.yaml"));
//   LICET_TRY(text, reader::extract(reader::Format::docx, bytes, {}));       // in the sandboxed child (base/child.h), never in the server
//   reader::Reading r = reader::read(text, wording);
//   r.clauses[0].is, r.clauses[0].quote, r.clauses[0].page                   // present, "Business Associate shall …", 3
//
// It proposes; a person confirms. How a reading is made: docs/formats/read.md, "How it reads".
// Pure, any thread: no clock, file or network; same bytes, same reading. Input: untrusted, bounded by ReadLimits. Offsets into the text are
// in code points; a form feed ends a page. About 20 MB of text a second (bench/bench_reader.cc has the figure in pages).
// Errors: invalid_argument (not the format it claims, encrypted, or wording that does not hold), exhausted (a limit; says which).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace licet::reader {

struct ReadLimits {
  std::size_t file_bytes = 64 * 1024 * 1024;
  std::size_t text_bytes = 32 * 1024 * 1024;  // of the extracted text: what a zip bomb runs into
  std::size_t paragraph_bytes = 64 * 1024;    // a longer one is read in pieces
  std::size_t parts = 4096;                   // entries of a zip
  std::size_t steps = 1'000'000'000;          // of matching: text made to be slow is read up to here, and said to be
  std::size_t depth = 256;                    // of nested elements
};

enum class Format : unsigned char { text, markdown, html, docx, odt, pdf };
[[nodiscard]] const char* name(Format format);
// By the first bytes, then by the name's ending. invalid_argument: none of ours, and what it seems to be.
[[nodiscard]] Result<Format> format_of(std::string_view bytes, std::string_view file_name);

// The visible text as UTF-8, paragraphs apart by an empty line. Comments, hidden and deleted text, scripts and notes of editors are left
// out: what no reader of the page sees binds nobody. PDF is not ours: pdftotext does it (cli/read.cc).
[[nodiscard]] Result<std::string> extract(Format format, std::string_view bytes, const ReadLimits& limits);

enum class Is : unsigned char { present, absent, weaker, stricter, unclear };
[[nodiscard]] const char* name(Is is);

// The agreement itself (a sample or template counts); another agreement (its clauses are listed, mostly absent); or none: a guide, a
// policy.
enum class Kind : unsigned char { baa, agreement, not_an_agreement };
[[nodiscard]] const char* name(Kind kind);

struct Place {
  std::string quote;               // exactly as in the text; empty where there is nothing to quote
  std::size_t page = 0;            // from 1; 0: nowhere
  std::size_t start = 0, end = 0;  // code points
};
struct Clause {
  std::string cite, term, name;  // 164.504(e)(2)(ii)(I), books, "books and records open to HHS"
  bool required = false;
  Is is = Is::absent;
  Place at;
  double confidence = 0;  // 0…1: how much stands behind it, not a probability
  std::string because;    // where it is not simply present: what was seen
};
struct Term {
  std::string value;  // in the spelling of `terms:` of an agreement: 5bd, true, prohibited
  Place at;
  double confidence = 0;
};
struct Party {
  std::string name, role;  // role: covered-entity, business-associate or empty
};
struct Reading {
  Kind kind = Kind::not_an_agreement;
  std::vector<Party> parties;
  std::map<std::string, std::string> dates;  // effective, signed, expires: YYYY-MM-DD
  std::vector<Clause> clauses;               // in the order of the wording; none where it is no agreement
  std::map<std::string, Term> terms;
  std::vector<std::string> notes;  // for the person who checks: "2 blanks are not filled in"
  std::size_t pages = 0;
};

// Compiled wording: classes of words and what each clause is told by. Immutable; share it.
class Wording {
 public:
  // invalid_argument: "baa.yaml:12: …".
  [[nodiscard]] static Result<Wording> load(std::string_view yaml, std::string_view file_name);
  Wording(Wording&&) noexcept;
  Wording& operator=(Wording&&) noexcept;
  ~Wording();

  struct Inside;
  [[nodiscard]] const Inside& inside() const { return *in_; }

 private:
  explicit Wording(std::unique_ptr<const Inside> in);
  std::unique_ptr<const Inside> in_;
};

[[nodiscard]] Reading read(std::string_view text, const Wording& wording, const ReadLimits& limits = {});

}  // namespace licet::reader
