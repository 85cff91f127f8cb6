// Compressed pixels as they pass: what a JPEG says beside its picture is made zeros, and nothing changes its place.
#include <algorithm>
#include <cstring>
#include <utility>

#include "deid/dicom.h"

namespace licet::deid {
namespace {

constexpr unsigned kStart = 0xd8, kEnd = 0xd9, kScan = 0xda, kComment = 0xfe, kApplication0 = 0xe0, kApplication14 = 0xee;  // ISO 10918-1
constexpr unsigned kStart2000 = 0x4f, kTilePart = 0x93, kComment2000 = 0x64;                                                // ISO 15444-1

}  // namespace

std::optional<DicomFragments> DicomFragments::of(std::string_view transfer_syntax) {
  constexpr std::string_view kJpeg = "1.2.840.10008.1.2.4.";
  if (!transfer_syntax.starts_with(kJpeg)) return std::nullopt;
  const std::string_view kind = transfer_syntax.substr(kJpeg.size());
  if (kind.size() == 2 && kind >= "50" && kind <= "81") return DicomFragments(false);
  if ((kind.size() == 2 && kind >= "90" && kind <= "93") || (kind.size() == 3 && kind >= "201" && kind <= "203"))
    return DicomFragments(true);
  return std::nullopt;
}

Result<void> DicomFragments::pass(std::string& bytes) {
  for (std::size_t k = 0; k < bytes.size();) {
    if (left_ == 0) {  // the tag and length of an item
      length_ = length_ >> 8 | static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[k])) << 24;
      ++k;
      if (++header_ < 8) continue;
      header_ = 0;
      // The first item is the table of offsets.
      left_ = length_;
      table_ = !begun_;
      begun_ = true;
      fresh_ = true;
      continue;
    }
    const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - k));
    if (!table_) LICET_TRY_VOID(stream({bytes.data() + k, n}));
    left_ -= n;
    k += n;
  }
  return {};
}

// The bytes of one fragment: of a frame's code stream, or behind it.
Result<void> DicomFragments::stream(std::span<char> bytes) {
  for (std::size_t k = 0; k < bytes.size(); ++k) {
    const auto b = static_cast<unsigned char>(bytes[k]);
    const bool first = std::exchange(fresh_, false);
    switch (at_) {
      case At::outside:
        if (first && b != 0xff) return Error{Code::invalid_argument, "its compressed pixels don't begin as their transfer syntax says"};
        // Padding, behind the end of a frame. Whatever else stands there is no picture.
        if (b == 0xff)
          at_ = At::start;
        else
          bytes[k] = '\0';
        break;
      case At::start:
        if (b == 0xff) break;
        if (b != (j2000_ ? kStart2000 : kStart)) {
          if (seen_) {  // padding that looked like one
            bytes[k] = '\0';
            at_ = At::outside;
            break;
          }
          return Error{Code::invalid_argument, "its compressed pixels don't begin as their transfer syntax says"};
        }
        seen_ = true;
        at_ = At::before_marker;
        break;
      case At::before_marker:
        if (b != 0xff) return Error{Code::invalid_argument, "its compressed pixels hold something between two parts of a JPEG"};
        at_ = At::marker;
        break;
      case At::marker:
        if (b == 0xff) break;
        marker_ = b;
        if (b == kEnd)
          at_ = At::outside;
        else if (j2000_ && b == kTilePart)
          at_ = At::data;
        else if (j2000_ ? b >= 0x30 && b <= 0x3f : b == kStart || b == 0x01 || (b >= 0xd0 && b <= 0xd7))
          at_ = At::before_marker;  // a marker that stands alone
        else
          at_ = At::length;
        break;
      case At::length:
        rest_ = static_cast<std::uint32_t>(b) << 8;
        at_ = At::length_low;
        break;
      case At::length_low:
        rest_ |= b;
        if (rest_ < 2) return Error{Code::invalid_argument, "a part of its compressed pixels has no length"};
        rest_ -= 2;
        keep_ = j2000_                      ? (marker_ == kComment2000 ? 2 : rest_)  // which kind of comment
                : marker_ == kComment       ? 0
                : marker_ == kApplication0  ? 14  // JFIF, without its thumbnail
                : marker_ == kApplication14 ? 12  // Adobe: which color space
                : (marker_ >> 4) == 0xe     ? 0
                                            : rest_;
        at_ = rest_ > 0 ? At::part : behind_part();
        break;
      case At::part: {
        const std::size_t n = std::min<std::size_t>(rest_, bytes.size() - k), kept = std::min<std::size_t>(keep_, n);
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(k + kept), bytes.begin() + static_cast<std::ptrdiff_t>(k + n), '\0');
        keep_ -= static_cast<std::uint32_t>(kept);
        rest_ -= static_cast<std::uint32_t>(n);
        k += n - 1;
        if (rest_ == 0) at_ = behind_part();
        break;
      }
      case At::data: {
        const void* found = std::memchr(bytes.data() + k, 0xff, bytes.size() - k);
        if (found == nullptr) return {};
        k = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
        at_ = At::data_mark;
        break;
      }
      case At::data_mark:
        if (b == 0xff) break;
        // Within data what follows FF is small (JPEG 2000: up to 8F; JPEG-LS: up to 7F; JPEG: 0), or a restart.
        if (j2000_ ? b < 0x90 : b < 0x80 || (b >= 0xd0 && b <= 0xd7)) {
          at_ = At::data;
          break;
        }
        at_ = At::marker;
        --k;
        break;
    }
  }
  return {};
}

DicomFragments::At DicomFragments::behind_part() const {
  return !j2000_ && marker_ == kScan ? At::data : At::before_marker;
}

}  // namespace licet::deid
