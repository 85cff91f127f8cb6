// licet deid on DICOM: the head in memory, the pixels as they pass. Words in pixels are looked for by tesseract, in a sandboxed child.

#include <fmt/format.h>
#include <unistd.h>

#include <istream>
#include <ostream>

#include "base/child.h"
#include "cli/deid_formats.h"
#include "deid/dicom.h"

namespace licet::cli {
namespace {

using codec::DicomReader;
using deid::DicomLook;

constexpr std::size_t kChunk = 1 << 20;
constexpr std::size_t kMostFrames = 256;                    // looked at, of one file
constexpr std::size_t kMostFrameBytes = 256 * 1024 * 1024;  // of one frame, which is held
constexpr const char* kTesseract = "/usr/bin/tesseract";

// Words that tesseract sees in a picture: its TSV has one line a word, level 5, with left, top, width, height, confidence and text.
// Of a quarter of the picture and more only where it is sure: else it is something round that looked like an O.
Result<std::vector<deid::DicomBox>> words_in(const deid::DicomPicture& picture) {
  Child see;
  see.argv = {kTesseract, "stdin", "stdout", "-l", "eng", "--psm", "11", "tsv"};
  see.wall = std::chrono::seconds(120);
  see.cpu_seconds = 120;
  LICET_TRY(seen, run_child(see, picture.pgm));
  if (seen.code != 0) return Error{Code::unavailable, "tesseract failed on its pixels"};
  std::vector<deid::DicomBox> boxes;
  std::string_view rest = seen.out;
  while (!rest.empty()) {
    const std::string line(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    unsigned long level = 0, left = 0, top = 0, width = 0, height = 0;
    float sure = 0;
    int at = 0;
    if (std::sscanf(line.c_str(), "%lu\t%*d\t%*d\t%*d\t%*d\t%*d\t%lu\t%lu\t%lu\t%lu\t%f\t%n", &level, &left, &top, &width, &height, &sure,
                    &at) < 6 ||
        level != 5 || at == 0)
      continue;
    const std::string_view word = std::string_view(line).substr(static_cast<std::size_t>(at));
    if (width * height * 4 > picture.pgm.size() && sure < 60) continue;
    if (std::any_of(word.begin(), word.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c >= 0x80; }))
      boxes.push_back({left, top, width, height});
  }
  return boxes;
}

// One file.
class Dicom {
 public:
  Dicom(FormatRun& run, std::istream& in, std::ostream& out, const std::string& name)
      : run_(run), in_(in), out_(out), name_(name), pieces_(run.engine, run.text) {}

  Result<void> go() {
    ++run_.records;
    ++run_.dicom.files;
    auto done = whole();
    if (!done) {
      if (done.error().code == Code::not_found) return done;
      run_.complain(name_, "left out: " + done.error().message);
      run_.withheld = true;
    } else if (!out_) {
      return Error{Code::exhausted, name_ + ": what was made of it can't be written to its end"};
    }
    return {};
  }

 private:
  Result<void> whole() {
    if (run_.library.dicom.rows.empty()) return Error{Code::not_found, "packs/deid has no dicom-rules"};
    LICET_TRY(event, next());
    if (event != DicomReader::Event::head) return Error{Code::invalid_argument, "it has no data set"};
    const deid::DicomTransform transform(run_.library, run_.profile);
    LICET_TRY(look, transform.look(reader_.head()));
    if (!look.refused.empty()) return Error{Code::failed_precondition, look.refused};
    LICET_TRY(reads, reads_pixels(look));
    deid::DicomRun dicom{.values = run_.values,
                         .pieces = &pieces_,
                         .note = [&](std::string_view text, const std::vector<deid::Span>& spans) { run_.note(name_, text, spans); }};
    dicom.name = run_.out_name;
    deid::DicomMade made;
    LICET_TRY_VOID(transform.apply(reader_.head(), reads ? deid::DicomPixelsAre::cleaned : deid::DicomPixelsAre::untouched, dicom, made));
    if (reader_.head().syntax.deflated) deflater_.emplace();
    run_.dicom.telling_names += made.name_tells;
    const bool any = reader_.head().pixels.tag != 0;
    out_ << made.meta;
    put(made.data);
    if (any && reads)
      LICET_TRY_VOID(read_frames(look));
    else
      LICET_TRY_VOID(pass(look));
    if (deflater_) {
      std::string end;
      deflater_->finish(end);
      out_ << end;
    }
    return {};
  }

  // Whether words are looked for; an error where the file may not be written as it is.
  Result<bool> reads_pixels(const DicomLook& look) {
    using Pixels = DicomLook::Pixels;
    if (look.pixels == Pixels::none) return false;
    const bool drawn = look.overlaid && !look.readable;  // in bits that can't be cleared
    if (look.pixels == Pixels::clear && !drawn) {
      ++run_.dicom.clear;
      return false;
    }
    std::string cannot = look.pixels == Pixels::photo                 ? "reading words doesn't clear it"
                         : !look.readable                             ? look.unreadable
                         : look.image.frames > kMostFrames            ? fmt::format("it has more than {} frames", kMostFrames)
                         : look.image.frame_bytes() > kMostFrameBytes ? "one frame is too large"
                         : ::access(kTesseract, X_OK) != 0            ? "tesseract-ocr is not installed"
                                                                      : "";
    if (cannot.empty()) return true;
    if (run_.dicom.accept_unread) {
      ++run_.dicom.accepted;
      return false;
    }
    return Error{Code::failed_precondition,
                 fmt::format("its pixels may show who it is ({}), and can't be read ({}). Look at them; where they show nobody, "
                             "--pixels accept-unread writes the file",
                             drawn ? "an overlay lies in them" : look.why, cannot)};
  }

  Result<DicomReader::Event> next() {
    for (;;) {
      LICET_TRY(event, reader_.next());
      if (event != DicomReader::Event::more) return event;
      chunk_.resize(kChunk);
      in_.read(chunk_.data(), static_cast<std::streamsize>(chunk_.size()));
      const auto got = static_cast<std::size_t>(in_.gcount());
      run_.bytes += got;
      if (got == 0)
        reader_.finish();
      else
        reader_.feed(std::string_view(chunk_).substr(0, got));
    }
  }

  void put(std::string_view bytes) {
    if (!deflater_) {
      out_ << bytes;
      return;
    }
    std::string deflated;
    deflater_->put(bytes, deflated);
    out_ << deflated;
  }

  Result<void> pass(const DicomLook& look) {
    const bool clears = look.overlaid && look.readable;
    std::optional<deid::DicomFragments> fragments;
    if (reader_.head().syntax.encapsulated) fragments = deid::DicomFragments::of(reader_.head().transfer_syntax);
    std::string held;  // up to a whole pixel
    for (;;) {
      LICET_TRY(event, next());
      if (event == DicomReader::Event::end) {
        put(held);
        return {};
      }
      if (fragments) {
        std::string piece(reader_.piece());
        LICET_TRY_VOID(fragments->pass(piece));
        put(piece);
        continue;
      }
      if (!clears) {
        put(reader_.piece());
        continue;
      }
      held += reader_.piece();
      std::string rest = held.substr(held.size() / 2 * 2);
      held.resize(held.size() / 2 * 2);
      deid::dicom_clear_unused(look.image, held);
      put(held);
      held = std::move(rest);
    }
  }

  Result<void> read_frames(const DicomLook& look) {
    const std::size_t size = look.image.frame_bytes();
    std::string frame;
    std::size_t frames = 0;
    for (;;) {
      LICET_TRY(event, next());
      if (event == DicomReader::Event::end) break;
      std::string_view piece = reader_.piece();
      while (!piece.empty()) {
        if (frames == look.image.frames) {  // the byte that makes their number even
          put(std::string(piece.size(), '\0'));
          break;
        }
        const std::size_t n = std::min(size - frame.size(), piece.size());
        frame.append(piece.substr(0, n));
        piece.remove_prefix(n);
        if (frame.size() < size) continue;
        if (look.overlaid) deid::dicom_clear_unused(look.image, frame);
        LICET_TRY_VOID(one_frame(look, frame));
        put(frame);
        frame.clear();
        ++frames;
      }
    }
    ++run_.dicom.read;
    return {};
  }

  Result<void> one_frame(const DicomLook& look, std::string& frame) {
    // In shades and in black and white; then what is left once more, since a word beside a large one is sometimes seen only then.
    for (int round = 0; round < 2; ++round) {
      const deid::DicomPicture stark = deid::dicom_picture(look.image, frame, true);
      LICET_TRY(boxes, words_in(stark));
      if (round == 0) {
        LICET_TRY(more, words_in(deid::dicom_picture(look.image, frame, false)));
        boxes.insert(boxes.end(), more.begin(), more.end());
      }
      if (boxes.empty()) return {};
      if (run_.dicom.refuse_words)
        return Error{Code::failed_precondition,
                     fmt::format("its pixels hold words ({} of them in one frame), and --pixels refuse lets none pass", boxes.size())};
      for (const deid::DicomBox& box : boxes) deid::dicom_black_out(look.image, stark.scale, box, frame);
      run_.dicom.words += boxes.size();
    }
    return {};
  }

  FormatRun& run_;
  std::istream& in_;
  std::ostream& out_;
  const std::string& name_;
  deid::Pieces pieces_;
  DicomReader reader_;
  std::optional<codec::DicomDeflater> deflater_;
  std::string chunk_;
};

}  // namespace

Result<void> deid_dicom(FormatRun& run, std::istream& in, std::ostream& out, const std::string& name) {
  return Dicom(run, in, out, name).go();
}

}  // namespace licet::cli
