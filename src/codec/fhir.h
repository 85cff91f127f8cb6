// FHIR R4 JSON: what a resource is about, the minimum necessary of it, and Bundles as they stream by.
//
//   LICET_TRY(filter, ElementFilter::compile(view));               // once per view
//   BundleReader reader(limits, {upstream_base});                  // one per answer; also reads single-resource documents
//   BundleWriter writer(out, {.reduced = true, .rebase = prefix_rebase({upstream_base}, own_base)});
//   LICET_TRY_VOID(reader.feed(chunk));                            // any chunking
//   for (;;) {
//     LICET_TRY(event, reader.next());
//     if (event.kind == BundleEvent::Kind::more) break;            // feed again, or finish()
//     if (event.kind == BundleEvent::Kind::member) writer.member(event.name, event.value);
//     if (event.kind == BundleEvent::Kind::entry && event.scan != nullptr) {
//       // classify and decide by event.scan->type, codes, labels, patients …
//       reduced.clear();
//       if (filter.apply(*event.scan, reduced) == Applied::kept) writer.entry(event.entry, reduced);
//     }
//     if (event.kind == BundleEvent::Kind::end) { writer.end(); break; }
//   }
//
// Strict: duplicate keys (in any spelling, at any depth), invalid UTF-8, a byte order mark, bad escapes and numbers, lone surrogates,
// nesting beyond Limits::json_depth and bytes after the document are errors, whether or not the place would have been emitted. Numbers are
// copied raw.
//
// Pure. A reader or scanner belongs to one thread at a time; an ElementFilter is immutable and safe on any thread.
// Cost: framing, scan and filter together ≥ 0.8 GB/s on one core (bench/bench_filter.cc). Memory: the entry being read, and 4 bytes per
// token. Errors name offsets, depths and declared element names, never content. Source: HL7 FHIR R4 (4.0.1) json.html, elementsearch.html,
// compartmentdefinition-patient; 45 CFR 164.502(b), 164.514(d).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/reasons.h"
#include "base/result.h"

namespace licet::codec {

namespace internal {
struct Tape;
struct FilterTable;
struct Framer;
}  // namespace internal

struct Coding {
  std::string_view system;
  std::string_view code;
};

// What one resource says of itself. Views point into the scanned bytes (or, for values with escapes, into the scanner), and hold until its
// next scan, feed or next.
struct ResourceScan {
  std::string_view bytes;          // the resource, `{` to `}`
  std::string_view type;           // resourceType: never empty
  std::string_view id;             // logical id; empty where it has none
  std::string_view version;        // meta.versionId
  std::string_view last_updated;   // meta.lastUpdated
  std::vector<Coding> categories;  // category
  std::vector<Coding> codes;       // code, type, class, scope, serviceType, vaccineCode, medicationCodeableConcept
  std::vector<Coding> labels;      // meta.security, also of contained resources; securityLabel
  // Whose record it is: ids of Patient/… in the elements that the R4 patient compartment names (a Patient: its own id). No duplicates.
  std::vector<std::string_view> patients;
  // Patients that are referred to anywhere else (Patient.link, focus, contained resources, extensions), unless also in `patients`.
  std::vector<std::string_view> mentions;
  // References to who takes part, "Practitioner/7", "PractitionerRole/…", "Organization/…", "CareTeam/…": what ties a patient to a panel.
  std::vector<std::string_view> actors;
  // True where a compartment element refers to something that can't be told to be a patient of this server: `#contained`, `urn:`, an
  // identifier without a reference, `Patient?…`, or another server's URL. Its patient is unknown: treat as nobody's.
  bool unresolved = false;
  // The type is in the R4 patient compartment: a resource of it without patients isn't "about nobody", it is of unknown patient.
  bool in_compartment = false;
  std::size_t contained = 0;  // contained resources

  struct Member {
    std::string_view key;               // unescaped
    std::string_view value;             // raw JSON, trimmed
    std::uint32_t first = 0, last = 0;  // its tokens: [first, last)
  };
  std::vector<Member> members;  // top level, in order
  const internal::Tape* tape = nullptr;
};

// Scans single resources; keeps its memory from one to the next.
class ResourceScanner {
 public:
  // bases: base URLs that are this server's own ("https://ehr.example/fhir"); an absolute reference below one counts as relative.
  explicit ResourceScanner(const Limits& limits, std::vector<std::string> bases = {});
  ~ResourceScanner();
  ResourceScanner(ResourceScanner&&) noexcept;
  ResourceScanner& operator=(ResourceScanner&&) noexcept;
  // returns  the scan, owned by the scanner; `json` must live as long as it is used.
  // errors   invalid_argument  not one well-formed resource with a resourceType (message: what, and the byte offset)
  //          exhausted         longer than resource_bytes
  [[nodiscard]] Result<const ResourceScan*> scan(std::string_view json);

 private:
  std::unique_ptr<internal::Framer> in_;
};

// ---- Minimum necessary ------------------------------------------------------------------------------------------------------------------

// A view of one type: the lone "*" (every element of this type, as it is), or top-level element names, or dotted paths
// ("content.attachment.contentType"; arrays are transparent; `value` and `value[x]` stand for every valueQuantity, valueString …).
struct TypeElements {
  std::string_view type;
  std::span<const std::string> elements;
};

enum class Applied : std::uint8_t {
  kept,
  not_in_view,        // the view lacks this type
  modifier_withheld,  // an element that changes the meaning of the rest (deceasedDateTime, Patient.link) isn't in the view: all or nothing
};
[[nodiscard]] std::string_view name(Applied);

// Default-deny. Under a view that isn't full, one resource becomes:
//   resourceType, id, and meta with only versionId, lastUpdated and security, to which the tag SUBSETTED is added; implicitRules;
//   the modifier elements of its type that are codes or flags (status, verificationStatus, intent …) and modifierExtension. A modifier
//   element that carries more than that (Patient.deceasedDateTime, Patient.link) isn't slipped through: unless the view names it, the whole
//   resource goes; what the view names, without the channels around it: nested extension, id, identifier and contained, a display that is
//   no code's (Reference.display), and `_x` shorn of its extensions. They come by being named: `subject.display`, `birthDate.extension`, as
//   do text, contained, extension, identifier and note at the top. What nothing is left of is left out; numbers and strings are copied as
//   they are.
// An OperationOutcome is always let through as its issues' severity and code. Everything else of a type not in the view is dropped.
class ElementFilter {
 public:
  // errors  invalid_argument  an ill-formed element path, a type that R4 lacks, or one named twice (message: type and path)
  [[nodiscard]] static Result<ElementFilter> compile(std::span<const TypeElements> types);
  [[nodiscard]] static ElementFilter full();

  // Appends the reduced resource to `out`; appends nothing unless kept. A full filter appends the bytes as they are.
  [[nodiscard]] Applied apply(const ResourceScan& scan, std::string& out) const;

  [[nodiscard]] bool is_full() const { return table_ == nullptr; }
  [[nodiscard]] bool has_type(std::string_view type) const;
  // Whether the element at a dotted path is shown in whole ("name.family" is where "name" or "name.family" is named; "name" isn't where
  // only "name.family" is). id, meta.lastUpdated, meta.versionId, meta.security and code-like modifier elements are shown in every view of
  // the type.
  [[nodiscard]] bool shows(std::string_view type, std::string_view path) const;
  // For `_elements` upstream (an optimization only): the view's top-level names, comma-separated. Empty where full.
  [[nodiscard]] std::string elements_of(std::string_view type) const;

  ElementFilter(ElementFilter&&) noexcept;
  ElementFilter& operator=(ElementFilter&&) noexcept;
  ElementFilter(const ElementFilter&);  // cheap: shares the table
  ElementFilter& operator=(const ElementFilter&);
  ~ElementFilter();

 private:
  ElementFilter();
  std::shared_ptr<const internal::FilterTable> table_;  // null: full
};

// ---- Bundles, incrementally -------------------------------------------------------------------------------------------------------------

struct BundleEntry {
  std::string_view full_url;                         // unescaped; empty where absent
  std::string_view resource;                         // raw; empty where absent (then scan is null)
  std::string_view search, request, response, link;  // raw JSON; empty where absent
  std::string_view search_mode;                      // "match", "include", "outcome"
  std::string_view status, last_modified;            // of response
};

struct BundleEvent {
  enum class Kind : std::uint8_t {
    more,      // all that was fed is used: feed more, or finish()
    member,    // a member of the Bundle other than resourceType and entry (`type`, `total`, `link`, `id` …): name, value raw
    entry,     // an entry: entry, scan
    resource,  // the document is a single resource, not a Bundle: scan; `end` follows
    end,       // the document ended well; what follows it was only white space
  };
  Kind kind = Kind::more;
  std::string_view name, value;
  BundleEntry entry;
  const ResourceScan* scan = nullptr;
};

// Feed bytes in any chunks; events come in document order (so `entry` may come before `type` or `total`). What next() returned holds until
// the following next() or feed(). After an error the reader stays in error. An entry whose resource is itself a Bundle has scan->type
// "Bundle": no view contains it, and the caller decides whether to read it with a reader of its own or to refuse it.
class BundleReader {
 public:
  explicit BundleReader(const Limits& limits, std::vector<std::string> bases = {});
  ~BundleReader();
  BundleReader(BundleReader&&) noexcept;
  BundleReader& operator=(BundleReader&&) noexcept;
  // errors  as next(); bytes are copied.
  [[nodiscard]] Result<void> feed(std::string_view bytes);
  // No more bytes will come: from now on next() doesn't return `more`; a truncated document is an error.
  void finish();
  // errors  invalid_argument  not strict JSON, not a Bundle or resource, truncated (message: what and where)
  //         exhausted         an entry, or what stands beside the entries, is longer than resource_bytes
  [[nodiscard]] Result<BundleEvent> next();
  // The Bundle's `type` once its member has come by ("searchset" …), else empty.
  [[nodiscard]] std::string_view type() const;

 private:
  std::unique_ptr<internal::Framer> in_;
};

// Newline-delimited resources (Bulk Data export). \n or \r\n; empty lines are skipped; the last line needs no newline.
class NdjsonReader {
 public:
  explicit NdjsonReader(const Limits& limits, std::vector<std::string> bases = {});
  [[nodiscard]] Result<void> feed(std::string_view bytes);
  void finish() { finished_ = true; }
  // null: feed more (or, after finish(), the end). Errors as ResourceScanner::scan.
  [[nodiscard]] Result<const ResourceScan*> next();

 private:
  ResourceScanner scanner_;
  std::size_t resource_bytes_;
  std::string buffer_;
  std::size_t at_ = 0, seen_ = 0;
  bool finished_ = false;
};

// ---- Writing ----------------------------------------------------------------------------------------------------------------------------

// Appends what `url` is for the client and returns true; false where it must not be shown (it lies outside the gate).
using Rebase = std::function<bool(std::string_view url, std::string& out)>;
// base + rest → to + rest at a path boundary, for any of the bases; relative URLs, `urn:` and fragments stay; everything else is refused.
[[nodiscard]] Rebase prefix_rebase(std::vector<std::string> bases, std::string to);

// Writes the Bundle that the client sees, in the order in which the upstream's events come.
// Full: members as they are; link URLs and fullUrl rebased; a fullUrl from elsewhere stays, being an identity and no link. Reduced: only
// type, timestamp, link (relation, url), implicitRules, and of an entry only fullUrl, search.mode, and response's status, lastModified;
// total, id, meta, identifier, signature and etag are the gate's own: omitted.
class BundleWriter {
 public:
  struct Options {
    bool reduced = true;
    Rebase rebase;      // required
    bool links = true;  // false: no Bundle.link at all (their search URLs may hold what the view hides)
  };
  BundleWriter(std::string& out, Options options);
  void member(std::string_view name, std::string_view raw);
  // resource: the bytes to send (filtered, or event.entry.resource); empty for an entry without one.
  void entry(const BundleEntry& entry, std::string_view resource);
  void end();
  [[nodiscard]] std::size_t entries() const { return entries_; }
  // The upstream names a next page at an address that can't be shown: without it the client would take a part for the whole.
  [[nodiscard]] bool lost_page() const { return lost_page_; }

 private:
  void open(std::string_view name);
  std::string& out_;
  Options options_;
  std::string url_;  // scratch
  std::size_t entries_ = 0;
  bool in_entries_ = false, lost_page_ = false;
};

// An OperationOutcome of one issue made of fixed texts: nothing of the upstream's, nothing of the patient's.
// reference  what `licet explain` takes; [A-Za-z0-9._-] only, else left out.
[[nodiscard]] std::string operation_outcome(Reason reason, std::string_view reference = {});
// What a client under a reduced view sees in place of an upstream's error body: the status's own fixed text.
[[nodiscard]] std::string sanitized_error(int status);

// Appends `text` as a JSON string with its quotes. Text must be UTF-8.
void append_json_string(std::string& out, std::string_view text);

}  // namespace licet::codec
