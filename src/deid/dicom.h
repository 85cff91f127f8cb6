// DICOM files, by the Basic Application Level Confidentiality Profile of PS3.15 Annex E with the options that a profile of ours takes, and
// default-deny beyond its table: packs/deid/dicom.yaml and dicom-table.yaml.
//
//   DicomTransform transform(library, profile);
//   DicomLook look = transform.look(reader.head());                     // what it is; may its pixels hold words?
//   if (!look.refused.empty()) …                                        // it may not leave
//   DicomRun run{values, &pieces};
//   DicomMade made;
//   if (auto done = transform.apply(reader.head(), DicomPixelsAre::untouched, run, made); !done) …    // nothing may leave
//   write(made.meta), write(made.data), then the pixels
//
// UIDs become 2.25.N, where N is the random code (or, with surrogates for ids, a keyed one) of the UID as a number: the same for the same
// UID wherever it stands. Dates move with the patient of (0010,0020). Texts of a file are read together, with the names, numbers and
// addresses that its attributes hold known; where the profile drops text, they are dummies. File meta information is made new.
//
// Pure; the transform is immutable, any thread; a run belongs to one. Errors: invalid_argument and exhausted with tag and offset, never a
// value. Input: untrusted; bounded by codec::DicomLimits; fuzzed by fuzz/fuzz_dicom.cc. Source: PS3.15 Annex E; PS3.3 C.12.1; 45 CFR
// 164.514(b)(2), (e)(2).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/phi.h"
#include "codec/dicom.h"
#include "deid/profile.h"
#include "deid/values.h"

namespace licet::deid {

// How pixels that are no encapsulated ones lie (PS3.3 C.7.6.3).
struct DicomImage {
  std::size_t rows = 0, columns = 0, samples = 0, allocated = 0, stored = 0, frames = 1;
  std::size_t high = 0;                                      // bit of a pixel's highest
  bool is_signed = false, planar = false, inverted = false;  // planar: color by plane; inverted: MONOCHROME1
  bool ybr = false, big_endian = false;
  [[nodiscard]] std::size_t frame_bytes() const { return rows * columns * samples * (allocated / 8); }
};

struct DicomLook {
  std::string refused;  // why this file can't be made less telling at all; empty: it can
  enum class Pixels : std::uint8_t {
    none,      // the file has no pixels
    clear,     // of a kind that holds no words
    possible,  // nothing says that they hold none
    expected,  // they may well
    photo,     // a picture of a person, which no reading of words clears
  };
  Pixels pixels = Pixels::none;
  std::string why;         // of `pixels`, for people: "modality US"
  bool readable = false;   // they lie in `image`, so that they can be looked at
  std::string unreadable;  // why not: "compressed"
  bool overlaid = false;   // bits of the pixels that aren't theirs hold a drawing: see dicom_clear_unused
  DicomImage image;
};

// What became of the pixels, as the file will say.
enum class DicomPixelsAre : std::uint8_t { untouched, cleaned };

struct DicomRun {
  ValueContext& values;
  Pieces* pieces = nullptr;  // null: text is replaced
  Pieces::Note note = {};
  codec::DicomLimits limits = {};
  std::string_view name = {};  // that the output will have
};

struct DicomMade {
  std::string meta;                                 // preamble and meta information
  std::string data;                                 // the data set up to the value of the pixels; deflate it where the syntax says so
  std::size_t removed = 0, replaced = 0, kept = 0;  // elements
  bool name_tells = false;                          // the output's name holds one of the names, numbers or UIDs of the file
};

class DicomTransform {
 public:
  // Both outlive it.
  DicomTransform(const Library& library, const Profile& profile);
  // Errors: as apply.
  [[nodiscard]] Result<DicomLook> look(const codec::DicomHead& head, codec::DicomLimits limits = {}) const;
  // `made` is empty after an error.
  [[nodiscard]] Result<void> apply(const codec::DicomHead& head, DicomPixelsAre pixels, DicomRun& run, DicomMade& made) const;
  // "113100 Basic Application Confidentiality Profile", then the options that the profile takes.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& methods() const { return methods_; }

  // What is done with an attribute that the table lists, options considered.
  struct Plan {
    std::uint32_t tag = 0;
    DicomRules::Do act = DicomRules::Do::remove, basic = DicomRules::Do::remove;
    bool dated = false;
  };

 private:
  friend class DicomWalk;
  const Library& library_;
  const Profile& profile_;
  std::vector<Plan> plans_;  // sorted by tag
  std::array<bool, DicomRules::kOptions> taken_{};
  std::vector<std::pair<std::string, std::string>> methods_;
};

// Of one frame as it lies in the file: the picture as a PGM (light on dark turned over, small ones enlarged) for who reads words, and the
// rectangles of what was found made black, in the picture's pixels. stark: black and white alone, which shows words over what the detector
// saw; shades show those on dark ground. Together they show most (docs/deid.md).
struct DicomBox {
  std::size_t left = 0, top = 0, width = 0, height = 0;
};
struct DicomPicture {
  std::string pgm;
  std::size_t scale = 1;  // pixels of the picture per pixel of the frame
};
[[nodiscard]] DicomPicture dicom_picture(const DicomImage& image, std::string_view frame, bool stark);
// Bits of 16-bit pixels that aren't the pixel's own, where older files keep overlays (PS3.3 C.9.2, retired): made those of its sign.
// `bytes`: whole pixels.
void dicom_clear_unused(const DicomImage& image, std::string& bytes);
void dicom_black_out(const DicomImage& image, std::size_t scale, const DicomBox& box, std::string& frame);

// Compressed pixels as they pass, in pieces cut anywhere: what a JPEG, JPEG-LS or JPEG 2000 says in comments and application parts (EXIF,
// XMP, thumbnails), and what stands behind its end, is made zeros. No length changes, and so no table of offsets.
//
//   if (auto fragments = DicomFragments::of(head.transfer_syntax)) LICET_TRY_VOID(fragments->pass(piece));
//
// Errors: invalid_argument where it isn't what its transfer syntax says. Other syntaxes (RLE, MPEG, JPEG XL) pass as they are. Source:
// PS3.5 A.4.
class DicomFragments {
 public:
  [[nodiscard]] static std::optional<DicomFragments> of(std::string_view transfer_syntax);
  [[nodiscard]] Result<void> pass(std::string& bytes);

 private:
  enum class At : std::uint8_t { outside, start, before_marker, marker, length, length_low, part, data, data_mark };
  explicit DicomFragments(bool j2000) : j2000_(j2000) {}
  [[nodiscard]] Result<void> stream(std::span<char> bytes);
  [[nodiscard]] At behind_part() const;

  bool j2000_, begun_ = false, table_ = false, fresh_ = false, seen_ = false;
  At at_ = At::outside;
  unsigned header_ = 0, marker_ = 0;
  std::uint32_t length_ = 0, rest_ = 0, keep_ = 0;  // of an item; of a part: its bytes to come, and those of them that stay
  std::uint64_t left_ = 0;                          // of the item
};

}  // namespace licet::deid
