// licet deid: files, folders or a pipe, made limited, de-identified or pseudonymized.
//
// Nothing unprocessed is written: each record is transformed in memory and appended whole, or reported and left out; a file appears under
// its name only when all of it is there.

#include <unistd.h>

#include <CLI/Option.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/config.h"
#include "cli/deid_data.h"
#include "cli/deid_formats.h"
#include "cli/deid_library.h"
#include "cli/deid_score.h"
#include "cli/document.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "crypto/crypto.h"
#include "deid/fhir.h"
#include "deid/text.h"
#include "reader/reader.h"
#include "store/file.h"

namespace licet::cli {
namespace fs = std::filesystem;
namespace {

struct DeidArgs {
  std::vector<std::string> inputs;
  std::string out, profile = "safe-harbor-text", format = "auto", language = "en", columns, score, review, key, codes, pixels = "clean",
                   packs = default_packs();
  std::vector<std::string> ignore;
  bool spans = false, again = false, quiet = false, accept_inferred = false;
};

constexpr std::size_t kHead = 1 << 16;

// One run: what it works with, and what it counts.
class Deidentifier {
 public:
  explicit Deidentifier(const DeidArgs& args) : args_(args), codes_(random_) {}

  Result<int> go() {
    LICET_TRY_VOID(prepare());
    if (!args_.score.empty()) return score();
    begun_ = std::chrono::steady_clock::now();
    if (args_.inputs.empty() || (args_.inputs.size() == 1 && args_.inputs[0] == "-")) {
      LICET_TRY_VOID(standard_input());
    } else {
      LICET_TRY(jobs, plan());
      for (const auto& [from, to] : jobs) LICET_TRY_VOID(file(from, to, jobs.size()));
    }
    LICET_TRY_VOID(save_codes());
    summary();
    return failed_ == 0 ? kClean : kNo;
  }

 private:
  Result<void> prepare() {
    LICET_TRY(lexicon, deid::Lexicon::load(deid_lexicon()));
    lexicon_ = std::move(lexicon);
    if (deid_model(args_.language).empty()) return Error{Code::invalid_argument, "--language is en or es"};
    LICET_TRY(model, deid::Model::load(deid_model(args_.language)));
    model_ = std::move(model);
    engine_.emplace(lexicon_, &*model_);
    LICET_TRY(library, deid_library(args_.packs, Limits{}));
    if (!library) return Error{Code::not_found, args_.packs + "/deid: no profiles there; --packs names the folder of packs"};
    library_ = std::move(library);
    profile_ = library_->find(args_.profile);
    if (profile_ == nullptr) {
      std::string names;
      for (const deid::Profile& p : library_->profiles) names += " " + p.id;
      return Error{Code::not_found, "--profile " + args_.profile + ": there is none of that name. There are:" + names};
    }
    fhir_.emplace(*library_, *profile_);
    text_.emplace(*library_, *profile_);
    as_of_ = std::chrono::floor<std::chrono::days>(SystemClock().now());
    if (!args_.key.empty()) {
      LICET_TRY(bytes, store::real_files().read_all(args_.key, 4096));
      if (bytes.size() < 32)
        return Error{Code::invalid_argument, args_.key + ": a key is at least 32 bytes; make one with: head -c 32 /dev/urandom"};
      key_ = std::move(bytes);
    } else {
      key_.resize(32);  // for this run only: surrogates and shifts are consistent within it
      random_.fill(std::as_writable_bytes(std::span(key_)));
    }
    if (!args_.codes.empty() && fs::exists(args_.codes)) {
      std::ifstream in(args_.codes);
      std::size_t number = 0;
      for (std::string line; std::getline(in, line);) {
        ++number;
        const std::size_t tab = line.rfind('\t');  // an original may hold one
        if (tab == std::string::npos)
          return Error{Code::invalid_argument, args_.codes + ":" + std::to_string(number) + ": no tab between original and code"};
        LICET_TRY_VOID(codes_.remember(line.substr(0, tab), line.substr(tab + 1)));
      }
    }
    if (!args_.review.empty()) {
      review_.open(args_.review, std::ios::binary);
      if (!review_) return Error{Code::unavailable, args_.review + ": can't be written"};
    }
    run_.emplace(FormatRun{.library = *library_,
                           .profile = *profile_,
                           .lexicon = lexicon_,
                           .engine = *engine_,
                           .text = *text_,
                           .values = {.library = *library_, .profile = *profile_, .as_of = as_of_, .codes = codes_, .key = as_bytes(key_)},
                           .limits = limits_,
                           .complain = [this](const std::string& where, std::string_view what) { complain(where, what); },
                           .note = [this](const std::string& where, std::string_view text,
                                          const std::vector<deid::Span>& spans) { note_spans(where, text, spans); },
                           .accept_inferred = args_.accept_inferred});
    LICET_TRY_VOID(read_columns());
    if (args_.pixels != "clean" && args_.pixels != "refuse" && args_.pixels != "accept-unread")
      return Error{Code::invalid_argument, "--pixels is clean, refuse or accept-unread"};
    run_->dicom.accept_unread = args_.pixels == "accept-unread";
    run_->dicom.refuse_words = args_.pixels == "refuse";
    context_.emplace(fhir_context());
    return {};
  }

  // What stands behind --columns: a file, or the columns themselves.
  Result<void> read_columns() {
    if (args_.columns.empty()) return {};
    std::string text = args_.columns;
    if (text.find('=') == std::string::npos) {
      LICET_TRY(bytes, store::real_files().read_all(args_.columns, 1 << 20));
      text = std::move(bytes);
      if (text.find('\n') == std::string::npos) text += '\n';
    }
    auto columns = deid::parse_columns(text);
    if (!columns) return Error{Code::invalid_argument, "--columns: " + columns.error().message};
    run_->columns = *std::move(columns);
    run_->declared = true;
    return {};
  }

  Result<void> save_codes() {
    if (args_.codes.empty()) return {};
    std::string all;
    codes_.each([&](std::string_view original, std::string_view code) {
      if (original.find_first_of("\r\n") == std::string_view::npos)  // those that fit on a line
        all.append(original).append("\t").append(code).append("\n");
    });
    const std::string temporary = args_.codes + ".part";
    {
      std::ofstream out(temporary, std::ios::binary);
      fs::permissions(temporary, fs::perms::owner_read | fs::perms::owner_write);
      out << all;
      if (!out.flush()) return Error{Code::unavailable, args_.codes + ": can't be written"};
    }
    fs::rename(temporary, args_.codes);
    return {};
  }

  // ---- what to read and where it goes
  // -----------------------------------------------------------------------------------------------------

  Result<std::vector<std::pair<fs::path, fs::path>>> plan() {
    std::vector<std::pair<fs::path, fs::path>> jobs;
    for (const std::string& input : args_.inputs) {
      if (fs::is_directory(input)) {
        if (args_.out.empty() && !args_.spans)
          return Error{Code::invalid_argument, input + " is a folder: say where its files go with --out FOLDER"};
        for (const auto& entry : fs::recursive_directory_iterator(input)) {
          if (!entry.is_regular_file()) continue;
          jobs.emplace_back(entry.path(), args_.out.empty() ? fs::path() : fs::path(args_.out) / fs::relative(entry.path(), input));
        }
      } else if (fs::exists(input)) {
        fs::path to = args_.out;
        if (!args_.out.empty() && (args_.inputs.size() > 1 || fs::is_directory(args_.out))) to /= fs::path(input).filename();
        jobs.emplace_back(input, to);
      } else {
        return Error{Code::not_found, input + ": no such file or folder"};
      }
    }
    std::sort(jobs.begin(), jobs.end());
    return jobs;
  }

  // What is made of a document is text, and is called so.
  static fs::path as_text(const fs::path& to) { return to.empty() || to.extension() == ".txt" ? to : fs::path(to.string() + ".txt"); }

  Result<void> file(const fs::path& from, fs::path to, std::size_t of) {
    if (!to.empty() && !args_.again && fs::exists(to)) {
      ++skipped_;
      return {};
    }
    std::ifstream in(from, std::ios::binary);
    if (!in) {
      complain(from.string(), "can't be read");
      return {};
    }
    std::string head(kHead, '\0');
    in.read(head.data(), static_cast<std::streamsize>(head.size()));
    head.resize(static_cast<std::size_t>(in.gcount()));
    in.clear();
    in.seekg(0);
    const auto format = args_.format == "auto" ? detect_format(head, from) : deid_format(args_.format);
    if (!format) {
      complain(from.string(), "left out, its kind of file is not read (--format says what it is)");
      return {};
    }
    if (*format == DeidFormat::document) {
      to = as_text(to);
      if (!to.empty() && !args_.again && fs::exists(to)) {
        ++skipped_;
        return {};
      }
    }
    known_.clear();
    if ((*format == DeidFormat::fhir || *format == DeidFormat::ndjson) && profile_->rule(deid::Kind::text).act == deid::Act::scrub) {
      learn(in, *format);
      in.clear();
      in.seekg(0);
    }
    if (to.empty()) {
      LICET_TRY_VOID(stream(in, std::cout, from.string(), *format));
    } else {
      if (to.has_parent_path()) fs::create_directories(to.parent_path());
      const fs::path part = to.string() + ".part";
      run_->out_name = to.lexically_relative(args_.out) == "." ? to.filename().string() : to.lexically_relative(args_.out).string();
      {
        std::ofstream out(part, std::ios::binary | std::ios::trunc);
        if (!out) return Error{Code::unavailable, to.string() + ": can't be written"};
        if (auto done = stream(in, out, from.string(), *format); !done) {
          fs::remove(part);
          return done;
        }
        if (!out.flush()) return Error{Code::exhausted, to.string() + ": can't be written to its end"};
      }
      keep(part, to);
    }
    if (!run_->withheld) ++files_;
    if (isatty(2) != 0 && !args_.quiet) std::fprintf(stderr, "\r%zu of %zu files, %.1f MB/s ", files_ + skipped_, of, speed());
    return {};
  }

  Result<void> standard_input() {
    // Its first bytes say what it is; they are read again with the rest.
    std::string head(kHead, '\0');
    std::cin.read(head.data(), static_cast<std::streamsize>(head.size()));
    head.resize(static_cast<std::size_t>(std::cin.gcount()));
    std::cin.clear();
    const auto format = args_.format == "auto" ? detect_format(head, {}) : deid_format(args_.format);
    if (!format) {
      complain("-", "left out, nothing that is read (--format says what it is)");
      return {};
    }
    Chained chained(std::move(head), *std::cin.rdbuf());
    std::istream in(&chained);
    if (args_.out.empty()) return stream(in, std::cout, "-", *format);
    const std::string to = *format == DeidFormat::document ? as_text(args_.out).string() : args_.out, part = to + ".part";
    {
      std::ofstream out(part, std::ios::binary);
      if (!out) return Error{Code::unavailable, to + ": can't be written"};
      if (auto done = stream(in, out, "-", *format); !done) {
        fs::remove(part);
        return done;
      }
      if (!out.flush()) return Error{Code::exhausted, to + ": can't be written to its end"};
    }
    keep(part, to);
    return {};
  }

  // A file gets its name; or nothing of it is left, where it may not be written.
  void keep(const fs::path& part, const fs::path& to) {
    if (run_->withheld)
      fs::remove(part);
    else
      fs::rename(part, to);
  }

  // Bytes read before, then the rest of a stream.
  class Chained : public std::streambuf {
   public:
    Chained(std::string head, std::streambuf& rest) : head_(std::move(head)), rest_(rest) {
      setg(head_.data(), head_.data(), head_.data() + head_.size());
    }

   private:
    std::streamsize xsgetn(char* to, std::streamsize size) override {
      const std::streamsize before = std::min<std::streamsize>(size, egptr() - gptr());
      std::copy_n(gptr(), before, to);
      setg(eback(), gptr() + before, egptr());
      return before < size ? before + rest_.sgetn(to + before, size - before) : before;
    }
    int_type underflow() override {
      const auto got = rest_.sgetn(chunk_.data(), static_cast<std::streamsize>(chunk_.size()));
      if (got <= 0) return traits_type::eof();
      setg(chunk_.data(), chunk_.data(), chunk_.data() + got);
      return traits_type::to_int_type(chunk_[0]);
    }
    std::string head_, chunk_ = std::string(1 << 16, '\0');
    std::streambuf& rest_;
  };

  Result<void> stream(std::istream& in, std::ostream& out, const std::string& name, DeidFormat format) {
    if (args_.spans && format != DeidFormat::text)
      return Error{Code::invalid_argument, name + ": --spans is for text; this is " + std::string(cli::name(format))};
    run_->withheld = false;
    switch (format) {
      case DeidFormat::text:
        return plain(in, out, name);
      case DeidFormat::fhir:
        return document(in, out, name);
      case DeidFormat::ndjson:
        return lines(in, out, name);
      case DeidFormat::csv:
        return deid_csv(*run_, in, out, name);
      case DeidFormat::hl7:
      case DeidFormat::x12:
        return deid_segments(*run_, in, out, name, format);
      case DeidFormat::ccda:
        return deid_ccda(*run_, in, out, name);
      case DeidFormat::dicom:
        if (&out == &std::cout)
          return Error{Code::invalid_argument, name + ": DICOM is written to a file, for half of one must not remain: name it with --out"};
        return deid_dicom(*run_, in, out, name);
      case DeidFormat::document:
        return document_as_text(in, out, name);
    }
    return {};
  }

  void complain(const std::string& where, std::string_view what) {
    ++failed_;
    if (isatty(2) != 0) std::fprintf(stderr, "\r");
    std::fprintf(stderr, "licet deid: %s: %.*s\n", where.c_str(), static_cast<int>(what.size()), what.data());
  }

  // ---- text
  // -------------------------------------------------------------------------------------------------------------------------------

  // Of a text nothing would be left under a profile that drops what people wrote: said, and not written. --spans makes nothing of it.
  bool reads_text(const std::string& name) {
    const auto reads = [](const deid::Profile& p) { return p.rule(deid::Kind::text).act == deid::Act::scrub; };
    if (args_.spans || reads(*profile_)) return true;
    std::string others;
    for (const deid::Profile& p : library_->profiles)
      if (reads(p)) others += (others.empty() ? "" : ", ") + p.id;
    complain(name, "left out: profile " + profile_->id +
                       " takes out all text, so that nothing would be left of it. Profiles that read text: " +
                       (others.empty() ? "none" : others));
    run_->withheld = true;
    return false;
  }

  Result<void> plain(std::istream& in, std::ostream& out, const std::string& name) {
    if (!reads_text(name)) return {};
    std::string text;
    for (std::size_t size = 64 * 1024; in; size *= 2) {  // more at a time, the more there was
      const std::size_t before = text.size();
      text.resize(before + size);
      in.read(text.data() + before, static_cast<std::streamsize>(size));
      text.resize(before + static_cast<std::size_t>(in.gcount()));
    }
    bytes_ += text.size();
    ++records_;
    if (text.size() > (std::size_t{1} << 31)) {
      complain(name, "longer than 2 GiB: split it, one note a file");
      return {};
    }
    engine_->find(text, no_one_, found_);
    note_spans(name, text, found_.spans);
    if (args_.spans) {
      print_spans(out, name, text);
      return {};
    }
    std::string made;
    text_->apply(text, found_.spans, text_context({}), made);
    out << made;
    return {};
  }

  // PDF, DOCX, ODT and HTML: their text, then as any text. Nothing of how they looked remains.
  Result<void> document_as_text(std::istream& in, std::ostream& out, const std::string& name) {
    if (!reads_text(name)) return {};
    ++records_;
    ++documents_;
    const auto leave = [&](const std::string& why) {
      complain(name, "left out: " + why);
      run_->withheld = true;
      return Result<void>();
    };
    const std::size_t most = reader::ReadLimits{}.file_bytes;
    std::string bytes(most + 1, '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    bytes_ += bytes.size();
    if (bytes.size() > most) return leave("it is larger than " + std::to_string(most >> 20) + " MiB");
    std::vector<std::string> notes;
    const auto text = document_text(name, bytes, true, notes);
    if (!text) return leave(text.error().message);
    if (!holds_letters(*text, 1)) return leave("there is no text in it");
    for (const std::string& note : notes) std::fprintf(stderr, "licet deid: %s: %s\n", name.c_str(), note.c_str());
    engine_->find(*text, no_one_, found_);
    note_spans(name, *text, found_.spans);
    std::string made;
    text_->apply(*text, found_.spans, text_context({}), made);
    out << made;
    return {};
  }

  void print_spans(std::ostream& out, const std::string& name, const std::string& text) const {
    const CodePoints points(text);
    for (const deid::Span& s : found_.spans)
      out << nlohmann::json{{"file", name},
                            {"start", points.point(s.start)},
                            {"end", points.point(s.end)},
                            {"type", deid::name(s.kind)},
                            {"score", std::round(s.score * 1000) / 1000}}
                 .dump()
          << '\n';
  }

  // What was removed, by which rule; of the words themselves only their look: "Xxxxx", "99/99/9999".
  void note_spans(const std::string& name, std::string_view text, const std::vector<deid::Span>& spans) {
    removed_ += spans.size();
    if (!review_.is_open()) return;
    for (const deid::Span& s : spans) {
      const deid::Rule& rule = profile_->rule(s.kind);
      const auto look = [&](std::size_t from, std::size_t to) {
        std::string shown;
        for (std::size_t i = from; i < to; ++i) {
          const char c = text[i];
          shown += c >= '0' && c <= '9'                    ? '9'
                   : c >= 'a' && c <= 'z'                  ? 'x'
                   : c >= 'A' && c <= 'Z'                  ? 'X'
                   : static_cast<unsigned char>(c) >= 0x80 ? 'x'
                                                           : c;
        }
        return shown;
      };
      const std::size_t before = s.start > 20 ? s.start - 20 : 0, after = std::min<std::size_t>(text.size(), s.end + 20);
      review_ << nlohmann::json{{"file", name},
                                {"type", deid::name(s.kind)},
                                {"did", deid::name(rule.act)},
                                {"cites", rule.cites},
                                {"score", std::round(s.score * 1000) / 1000},
                                {"look", look(s.start, s.end)},
                                {"context", look(before, after)}}
                     .dump()
              << '\n';
    }
  }

  deid::TextContext text_context(std::string_view patient) {
    return {.as_of = as_of_, .codes = &codes_, .key = as_bytes(key_), .patient = patient};
  }

  // ---- FHIR
  // -------------------------------------------------------------------------------------------------------------------------------

  deid::FhirContext fhir_context() {
    return {.as_of = as_of_,
            .codes = codes_,
            .shift_key = as_bytes(key_),
            .scrub = [this](const codec::ResourceScan& scan, std::string_view text, std::string& out) {
              const std::string_view patient = scan.patients.size() == 1 ? scan.patients[0] : std::string_view{};
              const auto known = known_.find(std::string(patient));
              engine_->find(text, known == known_.end() ? everyone_ : known->second, found_);
              note_spans(name_, text, found_.spans);
              text_->apply(text, found_.spans, text_context(patient), out);
            }};
  }

  // The names, numbers and addresses of every Patient in the file: found again wherever its texts say them.
  void learn(std::istream& in, DeidFormat format) {
    const auto patient = [&](const codec::ResourceScan& scan) {
      if (scan.type != "Patient") return;
      deid::Known& known = known_[std::string(scan.id)];
      for (const codec::ResourceScan::Member& member : scan.members) {
        const deid::Kind kind = member.key == "name" || member.key == "contact" || member.key == "extension" ? deid::Kind::name
                                : member.key == "address"                                                    ? deid::Kind::street
                                : member.key == "telecom"                                                    ? deid::Kind::phone
                                                                                                             : deid::Kind::mrn;
        if (member.key != "name" && member.key != "contact" && member.key != "address" && member.key != "telecom" &&
            member.key != "identifier" && member.key != "extension")
          continue;
        strings(codec::JsonValue(*scan.tape, member.first), member.key == "extension", kind, known);
      }
    };
    if (format == DeidFormat::ndjson) {
      codec::ResourceScanner scanner{Limits{}};
      for (std::string line; next_line(in, line);)
        if (line.find("\"Patient\"") != std::string::npos)
          if (auto scan = scanner.scan(line)) patient(**scan);
      return;
    }
    each_resource(in, [&](const codec::ResourceScan& scan) { patient(scan); });
  }

  // The values that a person's record holds; codes, uses and systems aside. extension: only a mother's maiden name and a place of birth.
  static void strings(codec::JsonValue value, bool extension, deid::Kind kind, deid::Known& known) {
    if (value.is_array())
      value.each_element([&](codec::JsonValue item) {
        strings(item, extension, kind, known);
        return true;
      });
    if (!value.is_object()) return;
    bool tells = !extension;
    value.each_member([&](std::string_view key, codec::JsonValue v) {
      if (extension && key == "url" && v.is_string())
        tells = v.text().find("Maiden") != std::string_view::npos || v.text().find("birthPlace") != std::string_view::npos;
      return true;
    });
    if (!tells) return;
    value.each_member([&](std::string_view key, codec::JsonValue v) {
      constexpr std::array<std::string_view, 8> kSaysNothing = {"use",     "system", "type",   "url",
                                                                "country", "state",  "prefix", "relationship"};
      if (std::find(kSaysNothing.begin(), kSaysNothing.end(), key) != kSaysNothing.end() || key == "extension") return true;
      const auto words = [&](codec::JsonValue one) {
        if (one.is_string()) known.add(one.meaning(), kind);
        return true;
      };
      if (v.is_array()) v.each_element(words);
      words(v);
      strings(v, false, kind, known);
      return true;
    });
  }

  template <class F>
  std::optional<Error> each_resource(std::istream& in, F&& f) {
    codec::BundleReader reader{limits_};
    std::string chunk(1 << 20, '\0');
    for (;;) {
      auto event = reader.next();
      if (!event) return event.error();
      switch (event->kind) {
        case codec::BundleEvent::Kind::more: {
          in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
          const auto got = static_cast<std::size_t>(in.gcount());
          if (got == 0)
            reader.finish();
          else if (auto fed = reader.feed(std::string_view(chunk).substr(0, got)); !fed)
            return fed.error();
          counted_ += got;
          break;
        }
        case codec::BundleEvent::Kind::member:
          break;
        case codec::BundleEvent::Kind::entry:
          if (event->scan != nullptr) f(*event->scan);
          break;
        case codec::BundleEvent::Kind::resource:
          f(*event->scan);
          single_ = true;
          break;
        case codec::BundleEvent::Kind::end:
          return std::nullopt;
      }
    }
  }

  // Appends the transformed resource; false, and a complaint, where it may not be written.
  bool resource(const codec::ResourceScan& scan, const std::string& where, std::string& out) {
    ++records_;
    const deid::Applied applied = fhir_->apply(scan, *context_, out);
    if (applied == deid::Applied::kept) return true;
    complain(where, "a resource was left out: " + std::string(name(applied)));
    return false;
  }

  Result<void> document(std::istream& in, std::ostream& out, const std::string& name) {
    name_ = name;
    single_ = false;
    counted_ = 0;
    std::string body;
    std::size_t entries = 0;
    bool bundle = false;
    const auto failed = each_resource(in, [&](const codec::ResourceScan& scan) {
      std::string made;
      if (!resource(scan, name, made)) return;
      // Which it was, a Bundle or one resource, is known only after the first: both are written the same way until the end.
      if (entries++ > 0) body += ',';
      if (!scan.id.empty() && profile_->rule(deid::Kind::id).act == deid::Act::code)
        body.append(R"({"fullUrl":"urn:uuid:)").append(codes_.of(scan.id)).append(R"(","resource":)").append(made) += '}';
      else
        body += R"({"resource":)" + made + '}';
      last_ = std::move(made);
      bundle = true;
    });
    bytes_ += counted_;
    if (failed) {
      complain(name, failed->message);
      return {};
    }
    if (single_)
      out << (entries == 0 ? "" : last_);
    else
      out << R"({"resourceType":"Bundle","type":"collection")" << (bundle ? ",\"entry\":[" + body + "]" : "") << '}';
    out << '\n';
    return {};
  }

  // The next line; of one longer than a resource may be, only so much that the scanner says so.
  bool next_line(std::istream& in, std::string& line) const {
    std::array<char, 1 << 16> piece;
    line.clear();
    for (;;) {
      in.getline(piece.data(), piece.size());
      const bool cut = in.fail() && !in.eof() && in.gcount() > 0;  // the piece is full
      const bool ended = !in.fail() && !in.eof();                  // what was counted includes the line's end
      const auto got = static_cast<std::size_t>(in.gcount()) - (ended ? 1 : 0);
      if (line.size() <= limits_.resource_bytes) line.append(piece.data(), got);
      if (!cut) return ended || got > 0 || !line.empty();
      in.clear();
    }
  }

  Result<void> lines(std::istream& in, std::ostream& out, const std::string& name) {
    name_ = name;
    codec::ResourceScanner scanner{limits_};
    std::size_t number = 0;
    std::string made;
    for (std::string line; next_line(in, line);) {
      ++number;
      bytes_ += line.size() + 1;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      const std::string where = name + ":" + std::to_string(number);
      auto scan = scanner.scan(line);
      if (!scan) {
        complain(where, scan.error().message);
        continue;
      }
      made.clear();
      if (resource(**scan, where, made)) out << made << '\n';
    }
    return {};
  }

  // ---- the end
  // ----------------------------------------------------------------------------------------------------------------------------

  Result<int> score() {
    LICET_TRY(gold, read_gold(args_.score));
    Score score(args_.ignore);
    for (const GoldText& one : gold) {
      engine_->find(one.text, no_one_, found_);
      score.add(one, found_);
    }
    score.print();
    return kClean;
  }

  double speed() const {
    const std::size_t bytes = bytes_ + (run_ ? run_->bytes : 0);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
    return static_cast<double>(bytes) / 1e6 / std::max(seconds, 1e-6);
  }

  // What was met in HL7 v2, X12, C-CDA, CSV and DICOM, rule by rule.
  void rules() const {
    const deid::Tally& t = run_->values.tally;
    const auto row = [](std::uint64_t count, std::string_view what, std::string_view did, std::string_view cites) {
      if (count > 0)
        std::fprintf(stderr, "%10llu  %-14.*s %-10.*s %.*s\n", static_cast<unsigned long long>(count), static_cast<int>(what.size()),
                     what.data(), static_cast<int>(did.size()), did.data(), static_cast<int>(cites.size()), cites.data());
    };
    for (std::size_t k = 0; k < deid::kKinds; ++k) {
      const deid::Rule& rule = profile_->rule(static_cast<deid::Kind>(k));
      row(t.kinds[k], deid::name(static_cast<deid::Kind>(k)), deid::name(rule.act), rule.cites);
    }
    row(t.dropped, "other values", "drop", "by the format's rules, whatever the profile");
    row(t.unlisted, "other values", "drop", "no rule lists them");
    row(t.misfit, "other values", "drop", "not of the form that theirs must have");
    for (const auto& [part, count] : t.unlisted_parts) row(count, part, "drop", "no rule lists it");
  }

  void summary() const {
    if (args_.quiet) return;
    if (isatty(2) != 0) std::fprintf(stderr, "\r");
    if (!args_.spans) rules();
    std::fprintf(stderr, "%zu files, %zu there already, %zu records, %zu identifiers in text, %zu problems; %.1f MB/s\n", files_, skipped_,
                 records_ + run_->records, removed_, failed_, speed());
    if (args_.spans) return;
    if (documents_ > 0)
      std::fprintf(stderr, "%zu documents: plain text is what was made of them; pictures beside text were not read, and are not in it.\n",
                   documents_);
    if (const auto& d = run_->dicom; d.files > 0)
      std::fprintf(
          stderr,
          "%zu DICOM files. Pixels: %zu not looked at, since their kind holds no words; %zu read by tesseract, %zu places made black, "
          "and it may miss some;\n"
          "%zu written unread, as --pixels accept-unread says. Faces in volumes of a head were not looked for.\n",
          d.files, d.clear, d.read, d.words, d.accepted);
    if (run_->dicom.telling_names > 0)
      std::fprintf(stderr,
                   "%zu files have a name that holds a name, number or UID of their people, and kept it: rename them before they go.\n",
                   run_->dicom.telling_names);
    switch (profile_->form) {
      case deid::Form::deidentified:
        std::fprintf(stderr,
                     profile_->rule(deid::Kind::text).act == deid::Act::scrub
                         ? "Profile %s: the eighteen identifiers of 164.514(b)(2)(i) as far as they were found. Text was read by a program "
                           "whose recall is below one:\n"
                           "whether the result is de-identified is for an expert to determine (164.514(b)(1)).\n"
                         : "Profile %s: the eighteen identifiers of 164.514(b)(2)(i) are removed. De-identified in law only if, too, "
                           "nobody here knows that what is left\n"
                           "could identify somebody (164.514(b)(2)(ii)): a person attests that.\n",
                     profile_->named().c_str());
        break;
      case deid::Form::limited:
        std::fprintf(stderr,
                     "Profile %s: a limited data set is still PHI; it goes to a recipient under a data use agreement (164.514(e)).\n",
                     profile_->named().c_str());
        break;
      case deid::Form::pseudonymized:
        std::fprintf(stderr, "Profile %s: pseudonymized data is PHI like any other; it needs a ground.\n", profile_->named().c_str());
        break;
    }
  }

  const DeidArgs& args_;
  crypto::SystemRandom random_;
  Limits limits_{.resource_bytes = 64 * 1024 * 1024};
  deid::Lexicon lexicon_;
  std::optional<deid::Model> model_;
  std::optional<deid::TextEngine> engine_;
  std::shared_ptr<const deid::Library> library_;
  const deid::Profile* profile_ = nullptr;
  std::optional<deid::FhirTransform> fhir_;
  std::optional<deid::TextTransform> text_;
  deid::Codes codes_;
  deid::Found found_;
  deid::Known no_one_, everyone_;
  std::map<std::string, deid::Known> known_;  // by Patient id, of the file being read
  std::optional<deid::FhirContext> context_;
  std::optional<FormatRun> run_;
  std::ofstream review_;
  std::string key_, name_, last_;
  Date as_of_{};
  bool single_ = false;
  std::size_t files_ = 0, skipped_ = 0, records_ = 0, removed_ = 0, failed_ = 0, bytes_ = 0, counted_ = 0, documents_ = 0;
  std::chrono::steady_clock::time_point begun_{};
};

int deid_verb(const DeidArgs& args) {
  auto code = std::make_unique<Deidentifier>(args)->go();
  return code ? *code : fail(code.error());
}

}  // namespace

void add_deid(CLI::App& app, Run& run) {
  auto args = std::make_shared<DeidArgs>();
  CLI::App* c = app.add_subcommand(
      "deid", "De-identify files, folders or a pipe: text, FHIR, HL7 v2, X12, C-CDA, CSV, DICOM; the text of PDF, DOCX, ODT, HTML");
  c->add_option("input", args->inputs, "files and folders; none, or -: standard input");
  c->add_option("-o,--out", args->out, "file or folder to write; files that are there already are not made again");
  c->add_option("--profile", args->profile, "what is done, and what the result is in law (packs/deid)")->capture_default_str();
  c->add_option("--format", args->format,
                "auto (by its first bytes, then its name), text, fhir, ndjson, hl7, x12, ccda, csv, dicom, pdf, docx, odt, html")
      ->capture_default_str();
  c->add_option("--columns", args->columns,
                "of CSV: a file of lines NAME = KIND, or NAME=KIND,… (name, date, zip, text …; patient, number, token, keep, drop); others "
                "are emptied");
  c->add_flag("--accept-inferred", args->accept_inferred, "of CSV: use what the columns are taken for, without asking");
  c->add_option(
       "--pixels", args->pixels,
       "of DICOM whose pixels may show who it is: clean (words that tesseract sees are made black; what can't be read is left out), "
       "refuse (so is what holds words), accept-unread (you have looked at those that can't be read)")
      ->capture_default_str();
  c->add_option("--language", args->language, "of text: en, es")->capture_default_str();
  c->add_option("--key", args->key, "file of 32 secret bytes for surrogates and date shifts; without it they hold for this run only");
  c->add_option("--codes", args->codes, "file that keeps ids and their random codes from run to run: it re-identifies, so guard it");
  c->add_option("--review", args->review,
                "write what was found in texts and which rule applied, as JSON lines that show only the look of words");
  c->add_option("--packs", args->packs, "the folder of packs")->capture_default_str();
  c->add_flag("--spans", args->spans, "print what would be found in text, as JSON lines; offsets in code points");
  c->add_option("--score", args->score, "measure on labeled texts: BRAT, i2b2 XML, or JSON lines");
  c->add_option("--ignore", args->ignore, "with --score: types that count neither way")->delimiter(',');
  c->add_flag("--again", args->again, "make files that are there already once more");
  c->add_flag("--quiet", args->quiet, "no progress and no summary");
  c->footer(
      "Nothing unprocessed is written: a record that can't be read is reported with its place and left out. Docs: docs/deid.md.\n"
      "Exit: 0 all done, 1 some records were left out, 2 could not begin.\n\n"
      "  licet deid notes/ --out clean/\n"
      "  licet deid export.ndjson --profile limited-data-set --out lds.ndjson\n"
      "  licet deid visits.csv > columns.txt; licet deid visits.csv --columns columns.txt --out clean.csv      (read columns.txt "
      "between)\n"
      "  licet deid feed.hl7 --profile pseudonymized --key secret.key --out clean.hl7\n"
      "  licet deid study/ --out clean/        licet deid letter.pdf --out letter.txt\n"
      "  licet deid --spans note.txt\n"
      "  licet deid --score corpus/ --language es --ignore PROFESION");
  c->callback([args, &run] { run = [args] { return deid_verb(*args); }; });
}

}  // namespace licet::cli
