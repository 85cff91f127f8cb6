// Frames that lie uncompressed in a file: as pictures for who reads words, and with what was read made black.
#include <fmt/format.h>

#include <algorithm>

#include "deid/dicom.h"

namespace licet::deid {
namespace {

// The brightness of one pixel, before it is brought to eight bits.
int gray_of(const DicomImage& image, std::string_view frame, std::size_t pixel) {
  const auto byte = [&](std::size_t k) { return static_cast<int>(static_cast<unsigned char>(frame[k])); };
  const std::size_t plane = image.rows * image.columns;
  if (image.samples == 3) {
    if (image.ybr) return byte(image.planar ? pixel : pixel * 3);
    const std::size_t r = image.planar ? pixel : pixel * 3, step = image.planar ? plane : 1;
    return std::max({byte(r), byte(r + step), byte(r + 2 * step)});  // colored words on black are as bright as white ones
  }
  if (image.allocated == 8) return byte(pixel);
  const int a = byte(pixel * 2), b = byte(pixel * 2 + 1);
  int v = image.big_endian ? a << 8 | b : b << 8 | a;
  if (image.stored > 0 && image.stored < 16) v &= (1 << image.stored) - 1;
  if (image.is_signed && image.stored > 0 && (v >> (image.stored - 1) & 1) != 0) v -= 1 << image.stored;
  return v;
}

}  // namespace

DicomPicture dicom_picture(const DicomImage& image, std::string_view frame, bool stark) {
  const std::size_t pixels = image.rows * image.columns;
  DicomPicture picture;
  if (frame.size() < image.frame_bytes() || pixels == 0) return picture;
  int low = gray_of(image, frame, 0), high = low;
  for (std::size_t k = 1; k < pixels; ++k) {
    const int v = gray_of(image, frame, k);
    low = std::min(low, v);
    high = std::max(high, v);
  }
  const int span = std::max(1, high - low);
  std::string small(pixels, '\0');
  std::uint64_t sum = 0;
  for (std::size_t k = 0; k < pixels; ++k) {
    const int v = (gray_of(image, frame, k) - low) * 255 / span;
    small[k] = static_cast<char>(v);
    sum += static_cast<std::uint64_t>(v);
  }
  // Readers of words expect dark ones on light ground, of some thirty pixels.
  if (sum / pixels < 128)
    for (char& c : small) c = static_cast<char>(255 - static_cast<unsigned char>(c));
  constexpr unsigned char kInk = 115;  // of 255: words are drawn nearly as dark as anything is
  if (stark)
    for (char& c : small) c = static_cast<unsigned char>(c) <= kInk ? '\0' : '\xff';
  const std::size_t longer = std::max(image.rows, image.columns);
  picture.scale = longer <= 700 ? 3 : longer <= 1400 ? 2 : 1;
  const std::size_t s = picture.scale, width = image.columns * s, height = image.rows * s;
  picture.pgm = fmt::format("P5\n{} {}\n255\n", width, height);
  picture.pgm.reserve(picture.pgm.size() + width * height);
  std::string line(width, '\0');
  for (std::size_t y = 0; y < height; ++y) {
    // Between the four pixels around, so that letters have no stairs.
    const std::size_t y8 = y * 256 / s, y0 = y8 / 256, y1 = std::min(y0 + 1, image.rows - 1), fy = y8 % 256;
    for (std::size_t x = 0; x < width; ++x) {
      const std::size_t x8 = x * 256 / s, x0 = x8 / 256, x1 = std::min(x0 + 1, image.columns - 1), fx = x8 % 256;
      const auto at = [&](std::size_t r, std::size_t c) {
        return static_cast<std::size_t>(static_cast<unsigned char>(small[r * image.columns + c]));
      };
      const std::size_t top = at(y0, x0) * (256 - fx) + at(y0, x1) * fx, bottom = at(y1, x0) * (256 - fx) + at(y1, x1) * fx;
      line[x] = static_cast<char>((top * (256 - fy) + bottom * fy) >> 16);
    }
    picture.pgm += line;
  }
  return picture;
}

void dicom_clear_unused(const DicomImage& image, std::string& bytes) {
  if (image.allocated != 16 || image.stored == 0 || image.stored >= 16 || image.high >= 16 || image.high + 1 < image.stored) return;
  const unsigned low = static_cast<unsigned>(image.high + 1 - image.stored);
  const unsigned own = ((1u << image.stored) - 1) << low;
  const std::size_t first = image.big_endian ? 0 : 1, second = 1 - first;
  for (std::size_t k = 0; k + 1 < bytes.size(); k += 2) {
    const unsigned v = static_cast<unsigned char>(bytes[k + first]) << 8 | static_cast<unsigned char>(bytes[k + second]);
    unsigned made = v & own;
    if (image.is_signed && (v >> image.high & 1) != 0) made |= 0xffffu & ~((1u << (image.high + 1)) - 1);
    bytes[k + first] = static_cast<char>(made >> 8);
    bytes[k + second] = static_cast<char>(made & 255);
  }
}

void dicom_black_out(const DicomImage& image, std::size_t scale, const DicomBox& box, std::string& frame) {
  constexpr std::size_t kMargin = 2;
  const auto from = [&](std::size_t v) { return v / scale > kMargin ? v / scale - kMargin : 0; };
  const std::size_t left = std::min(from(box.left), image.columns), top = std::min(from(box.top), image.rows);
  const std::size_t right = std::min((box.left + box.width) / scale + kMargin + 1, image.columns);
  const std::size_t bottom = std::min((box.top + box.height) / scale + kMargin + 1, image.rows);
  const std::size_t plane = image.rows * image.columns, bytes = image.allocated / 8;
  // The darkest value of a signed image is its least.
  const auto put = [&](std::size_t at, unsigned value) {
    if (bytes == 1) {
      frame[at] = static_cast<char>(value);
      return;
    }
    frame[at + (image.big_endian ? 0 : 1)] = static_cast<char>(value >> 8);
    frame[at + (image.big_endian ? 1 : 0)] = static_cast<char>(value & 255);
  };
  unsigned dark = 0;
  if (image.inverted) dark = image.stored == 0 || image.stored >= 16 ? 0xffff : (1u << image.stored) - 1;
  if (image.is_signed) dark = 0;
  if (bytes == 1) dark &= 255;
  for (std::size_t y = top; y < bottom; ++y)
    for (std::size_t x = left; x < right; ++x) {
      const std::size_t pixel = y * image.columns + x;
      if (image.samples == 1) {
        put(pixel * bytes, dark);
        continue;
      }
      for (std::size_t s = 0; s < 3; ++s)
        frame[image.planar ? s * plane + pixel : pixel * 3 + s] = image.ybr && s > 0 ? static_cast<char>(128) : '\0';
    }
}

}  // namespace licet::deid
