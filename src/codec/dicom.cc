#include "codec/dicom.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>

namespace licet::codec {
namespace {

constexpr std::array<std::string_view, 34> kVrNames = {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT",
                                                       "OB", "OD", "OF", "OL", "OV", "OW", "PN", "SH", "SL", "SQ", "SS", "ST",
                                                       "SV", "TM", "UC", "UI", "UL", "UN", "UR", "US", "UT", "UV"};
static_assert(static_cast<std::size_t>(Vr::UV) + 1 == kVrNames.size());

constexpr DicomAttribute kAttributes[] = {
#include "codec/internal/dicom_tables.inc"
};

constexpr std::uint32_t kItem = 0xfffee000, kItemEnd = 0xfffee00d, kSequenceEnd = 0xfffee0dd;
constexpr std::size_t kMetaBytes = 64 * 1024;
constexpr std::size_t kPreamble = 128;

std::optional<Vr> vr_of(char a, char b) {
  const char both[2] = {a, b};
  const auto at = std::lower_bound(kVrNames.begin(), kVrNames.end(), std::string_view(both, 2));
  if (at != kVrNames.end() && *at == std::string_view(both, 2)) return static_cast<Vr>(at - kVrNames.begin());
  // A newer one than ours: PS3.5 7.1.2 gives all of them the long form.
  if (a >= 'A' && a <= 'Z' && b >= 'A' && b <= 'Z') return Vr::UN;
  return std::nullopt;
}

bool pixels(std::uint32_t tag) {
  return tag == 0x7fe00008 || tag == 0x7fe00009 || tag == 0x7fe00010;
}

// Of a data set without meta information, by its first element.
std::optional<DicomSyntax> guess(std::string_view head) {
  if (head.size() < 8) return std::nullopt;
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(head[k]); };
  DicomSyntax s;
  if (byte(0) == 8 && byte(1) == 0)
    s.big_endian = false;
  else if (byte(0) == 0 && byte(1) == 8)
    s.big_endian = true;
  else
    return std::nullopt;
  const unsigned element = s.big_endian ? byte(2) * 256u + byte(3) : byte(3) * 256u + byte(2);
  if (element > 0x80) return std::nullopt;
  s.explicit_vr = std::binary_search(kVrNames.begin(), kVrNames.end(), head.substr(4, 2));
  if (!s.explicit_vr && (s.big_endian || byte(6) != 0 || byte(7) != 0)) return std::nullopt;
  return s;
}

}  // namespace

std::string_view name(Vr vr) {
  return kVrNames[static_cast<std::size_t>(vr)];
}

bool long_form(Vr vr) {
  switch (vr) {
    case Vr::OB:
    case Vr::OD:
    case Vr::OF:
    case Vr::OL:
    case Vr::OV:
    case Vr::OW:
    case Vr::SQ:
    case Vr::SV:
    case Vr::UC:
    case Vr::UN:
    case Vr::UR:
    case Vr::UT:
    case Vr::UV:
      return true;
    case Vr::AE:
    case Vr::AS:
    case Vr::AT:
    case Vr::CS:
    case Vr::DA:
    case Vr::DS:
    case Vr::DT:
    case Vr::FD:
    case Vr::FL:
    case Vr::IS:
    case Vr::LO:
    case Vr::LT:
    case Vr::PN:
    case Vr::SH:
    case Vr::SL:
    case Vr::SS:
    case Vr::ST:
    case Vr::TM:
    case Vr::UI:
    case Vr::UL:
    case Vr::US:
      return false;
  }
  return true;
}

const DicomAttribute* dicom_attribute(std::uint32_t tag) {
  const auto at = std::lower_bound(std::begin(kAttributes), std::end(kAttributes), tag,
                                   [](const DicomAttribute& a, std::uint32_t t) { return a.tag < t; });
  return at != std::end(kAttributes) && at->tag == tag ? at : nullptr;
}

std::string dicom_tag(std::uint32_t tag) {
  return fmt::format("({:04X},{:04X})", tag >> 16, tag & 0xffff);
}

std::optional<DicomSyntax> dicom_syntax(std::string_view uid) {
  while (!uid.empty() && (uid.back() == '\0' || uid.back() == ' ')) uid.remove_suffix(1);
  if (uid == "1.2.840.10008.1.2") return DicomSyntax{.explicit_vr = false};
  if (uid == "1.2.840.10008.1.2.1") return DicomSyntax{};
  if (uid == "1.2.840.10008.1.2.1.99") return DicomSyntax{.deflated = true};
  if (uid == "1.2.840.10008.1.2.2") return DicomSyntax{.big_endian = true};
  if (uid == "1.2.840.10008.1.2.1.98" || uid == "1.2.840.10008.1.2.5") return DicomSyntax{.encapsulated = true};
  // JPIP (94, 95) keeps its pixels elsewhere.
  if (uid.starts_with("1.2.840.10008.1.2.4.") && uid != "1.2.840.10008.1.2.4.94" && uid != "1.2.840.10008.1.2.4.95")
    return DicomSyntax{.encapsulated = true};
  return std::nullopt;
}

// ---- DicomCursor

std::uint16_t DicomCursor::two(std::size_t at) const {
  const auto a = static_cast<unsigned char>(bytes_[at]), b = static_cast<unsigned char>(bytes_[at + 1]);
  return static_cast<std::uint16_t>(syntax_.big_endian ? a << 8 | b : b << 8 | a);
}
std::uint32_t DicomCursor::four(std::size_t at) const {
  const std::uint32_t a = two(at), b = two(at + 2);
  return syntax_.big_endian ? a << 16 | b : b << 16 | a;
}

Error DicomCursor::ends(std::uint32_t tag, std::size_t at) {
  truncated_ = true;
  return Error{Code::invalid_argument, fmt::format("it ends inside {} at byte {} of the data set", dicom_tag(tag), at)};
}

Result<bool> DicomCursor::element(DicomElement& e, std::size_t end) {
  truncated_ = false;
  const bool open = end == kUntilDelimiter;
  const std::size_t size = bytes_.size();
  if (!open && at_ >= end) {
    if (at_ > end)
      return Error{Code::invalid_argument, fmt::format("what ends at byte {} of the data set is longer than what holds it", at_)};
    return false;
  }
  // What lies behind the end of a level of defined length isn't its own.
  const std::size_t most = open ? size : std::min(end, size);
  const auto missing = [&](std::uint32_t tag) {
    if (most < size || (!open && end < size))
      return Error{Code::invalid_argument, fmt::format("{} at byte {} of the data set is longer than what holds it", dicom_tag(tag), e.at)};
    return ends(tag, e.at);
  };
  e = DicomElement{.at = at_};
  if (most - at_ < 8) return missing(0);
  e.tag = tag_at(at_);
  if (e.tag == kItemEnd && open) {
    at_ += 8;
    return false;
  }
  if (e.tag >> 16 == 0xfffe)
    return Error{Code::invalid_argument, fmt::format("{} at byte {} of the data set stands where no item does", dicom_tag(e.tag), at_)};
  if (++count_ > limits_.elements) return Error{Code::exhausted, fmt::format("it has more than {} elements", limits_.elements)};
  std::size_t header = 8;
  std::uint32_t length = 0;
  if (!syntax_.explicit_vr) {
    length = four(at_ + 4);
    const DicomAttribute* known = dicom_attribute(e.tag);
    e.vr = known != nullptr ? known->vr : Vr::UN;
    if (length == kUndefinedLength) e.vr = Vr::SQ;
  } else {
    const auto vr = vr_of(bytes_[at_ + 4], bytes_[at_ + 5]);
    if (!vr)
      return Error{Code::invalid_argument, fmt::format("{} at byte {} of the data set has no value representation", dicom_tag(e.tag), at_)};
    e.vr = *vr;
    if (long_form(e.vr)) {
      header = 12;
      if (most - at_ < header) return missing(e.tag);
      length = four(at_ + 8);
    } else {
      length = two(at_ + 6);
    }
  }
  e.header = bytes_.substr(at_, header);
  e.undefined = length == kUndefinedLength;
  if (e.undefined) {
    if (e.vr != Vr::SQ && e.vr != Vr::UN && e.vr != Vr::OB && e.vr != Vr::OW)
      return Error{Code::invalid_argument,
                   fmt::format("{} at byte {} of the data set can't have an undefined length", dicom_tag(e.tag), at_)};
    at_ += header;
    return true;
  }
  if (most - at_ - header < length) return missing(e.tag);
  at_ += header;
  e.value = bytes_.substr(at_, length);
  if (e.vr != Vr::SQ) at_ += length;
  return true;
}

Result<bool> DicomCursor::item(const DicomElement& sequence, DicomItem& item) {
  truncated_ = false;
  std::size_t most = bytes_.size();
  if (!sequence.undefined) {
    most = static_cast<std::size_t>(sequence.value.data() - bytes_.data()) + sequence.value.size();
    if (at_ == most) return false;
    if (at_ > most)
      return Error{Code::invalid_argument,
                   fmt::format("{} at byte {} of the data set is shorter than its items", dicom_tag(sequence.tag), sequence.at)};
  }
  if (most - at_ < 8) return ends(sequence.tag, sequence.at);
  const std::uint32_t tag = tag_at(at_), length = four(at_ + 4);
  if (tag == kSequenceEnd && sequence.undefined) {
    at_ += 8;
    return false;
  }
  if (tag != kItem)
    return Error{Code::invalid_argument,
                 fmt::format("{} at byte {} of the data set holds something that is no item", dicom_tag(sequence.tag), sequence.at)};
  if (++count_ > limits_.elements) return Error{Code::exhausted, fmt::format("it has more than {} elements", limits_.elements)};
  item.undefined = length == kUndefinedLength;
  if (!item.undefined && most - at_ - 8 < length) {
    if (!sequence.undefined)
      return Error{Code::invalid_argument,
                   fmt::format("{} at byte {} of the data set holds an item longer than itself", dicom_tag(sequence.tag), sequence.at)};
    return ends(sequence.tag, sequence.at);
  }
  at_ += 8;
  item.end = item.undefined ? kUntilDelimiter : at_ + length;
  return true;
}

Result<void> DicomCursor::skip(const DicomElement& e) {
  if (!e.sequence()) return {};
  if (!e.undefined) {
    at_ = static_cast<std::size_t>(e.value.data() - bytes_.data()) + e.value.size();
    return {};
  }
  if (++depth_ > limits_.depth) return Error{Code::exhausted, fmt::format("sequences are nested deeper than {}", limits_.depth)};
  const DicomSyntax outside = syntax_;
  if (e.vr == Vr::UN) syntax_ = DicomSyntax{.explicit_vr = false};
  const bool fragments = e.vr != Vr::SQ && e.vr != Vr::UN;
  DicomItem one;
  for (;;) {
    LICET_TRY(some, item(e, one));
    if (!some) break;
    if (!one.undefined) {
      at_ = one.end;
      continue;
    }
    if (fragments) return Error{Code::invalid_argument, fmt::format("a fragment of {} has no length", dicom_tag(e.tag))};
    DicomElement inner;
    for (;;) {
      LICET_TRY(more, element(inner, one.end));
      if (!more) break;
      LICET_TRY_VOID(skip(inner));
    }
  }
  syntax_ = outside;
  --depth_;
  return {};
}

// ---- DicomReader

struct DicomReader::Inflater {
  z_stream stream{};
  bool ended = false;
  std::uint64_t made = 0;
  Inflater() { inflateInit2(&stream, -MAX_WBITS); }
  ~Inflater() { inflateEnd(&stream); }
};

DicomReader::DicomReader(DicomLimits limits) : limits_(limits) {}
DicomReader::~DicomReader() = default;

void DicomReader::feed(std::string_view bytes) {
  if (at_ != At::done) raw_ += bytes;
}

// From the bytes that came to those of the data set: all of them, or as many as a step of the inflater makes.
Result<void> DicomReader::take() {
  if (inflater_ == nullptr) {
    if (data_.empty())
      data_.swap(raw_);
    else
      data_ += raw_;
    raw_.clear();
    return {};
  }
  constexpr std::size_t kStep = 1 << 20;
  Inflater& z = *inflater_;
  const std::size_t before = data_.size();
  pending_ = false;
  if (z.ended) {
    raw_.clear();
    return {};
  }
  data_.resize(before + kStep);
  z.stream.next_in = reinterpret_cast<Bytef*>(raw_.data());
  z.stream.avail_in = static_cast<uInt>(std::min<std::size_t>(raw_.size(), 1u << 30));
  z.stream.next_out = reinterpret_cast<Bytef*>(data_.data() + before);
  z.stream.avail_out = kStep;
  const uInt given = z.stream.avail_in;
  const int code = inflate(&z.stream, Z_NO_FLUSH);
  const std::size_t made = kStep - z.stream.avail_out;
  data_.resize(before + made);
  raw_.erase(0, given - z.stream.avail_in);
  pending_ = z.stream.avail_out == 0;
  z.made += made;
  if (code == Z_STREAM_END) {
    z.ended = true;
    pending_ = false;
    raw_.clear();  // padding
  } else if (code != Z_OK && code != Z_BUF_ERROR) {
    return Error{Code::invalid_argument, fmt::format("its deflated data set is damaged behind byte {}", z.made)};
  }
  if (z.made > limits_.inflated_bytes)
    return Error{Code::exhausted, fmt::format("its deflated data set is larger than {} MiB", limits_.inflated_bytes >> 20)};
  return {};
}

// False: more bytes are needed.
Result<bool> DicomReader::start() {
  if (raw_.size() < kPreamble + 4 + 8 && !finished_) return false;
  std::size_t begin = 0;
  if (raw_.size() >= kPreamble + 4 && raw_.compare(kPreamble, 4, "DICM") == 0) {
    head_.part10 = true;
    begin = kPreamble + 4;
  }
  DicomCursor cursor(raw_, {}, limits_);
  cursor.at(begin);
  std::string uid;
  const auto group_two = [&] { return raw_.size() - cursor.at() >= 4 && raw_[cursor.at()] == '\x02' && raw_[cursor.at() + 1] == '\0'; };
  while (group_two()) {
    DicomElement e;
    const auto some = cursor.element(e, cursor.size());
    if (!some) {
      if (cursor.truncated() && !finished_ && raw_.size() < begin + kMetaBytes) return false;
      return some.error();
    }
    if (e.sequence()) return Error{Code::invalid_argument, "its meta information holds a sequence"};
    if (e.tag == 0x00020010) uid = e.value;
    if (cursor.at() - begin > kMetaBytes)
      return Error{Code::exhausted, fmt::format("its meta information is longer than {} KiB", kMetaBytes >> 10)};
  }
  if (raw_.size() - cursor.at() < 8 && !finished_) return false;  // more of it may follow
  while (!uid.empty() && (uid.back() == '\0' || uid.back() == ' ')) uid.pop_back();
  const std::string_view rest = std::string_view(raw_).substr(cursor.at());
  if (!uid.empty()) {
    const auto syntax = dicom_syntax(uid);
    if (!syntax) return Error{Code::invalid_argument, "its transfer syntax isn't one that is read: " + uid.substr(0, 64)};
    head_.syntax = *syntax;
    head_.transfer_syntax = uid;
  } else {
    const auto syntax = guess(rest);
    if (!syntax) return Error{Code::invalid_argument, head_.part10 ? "it doesn't say its transfer syntax" : "it is no DICOM file"};
    head_.syntax = *syntax;
    head_.transfer_syntax = syntax->big_endian ? "1.2.840.10008.1.2.2" : syntax->explicit_vr ? "1.2.840.10008.1.2.1" : "1.2.840.10008.1.2";
  }
  meta_ = raw_.substr(begin, cursor.at() - begin);
  head_.meta = meta_;
  raw_.erase(0, cursor.at());
  if (head_.syntax.deflated) inflater_ = std::make_unique<Inflater>();
  return true;
}

// Whether the head is all there; false: more bytes are needed.
Result<bool> DicomReader::find_pixels() {
  const bool all = finished_ && raw_.empty() && !pending_;
  if (data_.size() < wait_for_ && !all) return false;
  DicomCursor cursor(data_, head_.syntax, limits_);
  cursor.at(parsed_);
  for (;;) {
    if (++counted_ > limits_.elements) return Error{Code::exhausted, fmt::format("it has more than {} elements", limits_.elements)};
    const std::size_t have = data_.size() - parsed_;
    if (have >= 8) {
      const auto* b = reinterpret_cast<const unsigned char*>(data_.data() + parsed_);
      const bool big = head_.syntax.big_endian;
      const auto two = [&](std::size_t k) { return static_cast<std::uint32_t>(big ? b[k] << 8 | b[k + 1] : b[k + 1] << 8 | b[k]); };
      const auto four = [&](std::size_t k) { return big ? two(k) << 16 | two(k + 2) : two(k + 2) << 16 | two(k); };
      const std::uint32_t tag = two(0) << 16 | two(2);
      if (pixels(tag)) {
        DicomPixels& p = head_.pixels;
        std::size_t header = 8;
        if (head_.syntax.explicit_vr) {
          const auto vr = vr_of(data_[parsed_ + 4], data_[parsed_ + 5]);
          if (!vr || !long_form(*vr)) return Error{Code::invalid_argument, "its pixels have no value representation of pixels"};
          p.vr = *vr;
          header = 12;
        } else {
          p.vr = dicom_attribute(tag)->vr;
        }
        if (have < header) {
          if (!all) return false;
          return Error{Code::invalid_argument, "it ends where its pixels begin"};
        }
        p.tag = tag;
        p.length = four(header - 4);
        if (p.length == kUndefinedLength && !head_.syntax.encapsulated)
          return Error{Code::invalid_argument, "its pixels have no length, and aren't encapsulated"};
        head_.data = std::string_view(data_).substr(0, parsed_);
        passed_ = parsed_ + header;
        left_ = p.length;
        return true;
      }
    }
    DicomElement e;
    const auto some = [&]() -> Result<bool> {  // an element, and passed whole
      LICET_TRY(more, cursor.element(e, cursor.size()));
      if (more) LICET_TRY_VOID(cursor.skip(e));
      return more;
    }();
    if (!some) {
      if (cursor.truncated() && !all) {
        if (data_.size() > limits_.head_bytes) break;
        wait_for_ = parsed_ + 2 * (data_.size() - parsed_);  // looked at again only once that much more is there
        return false;
      }
      return some.error();
    }
    if (!*some) {
      if (!all) return false;
      if (data_.empty()) return Error{Code::invalid_argument, "its data set is empty"};
      if (inflater_ != nullptr && !inflater_->ended) return Error{Code::invalid_argument, "it ends inside its deflated data set"};
      head_.data = data_;
      passed_ = data_.size();
      return true;
    }
    parsed_ = cursor.at();
    if (parsed_ > limits_.head_bytes) break;
  }
  return Error{Code::exhausted, fmt::format("what precedes its pixels is longer than {} MiB", limits_.head_bytes >> 20)};
}

Result<DicomReader::Event> DicomReader::next() {
  piece_ = {};
  for (;;) {
    switch (at_) {
      case At::start: {
        LICET_TRY(begun, start());
        if (!begun) return Event::more;
        at_ = At::head;
        break;
      }
      case At::head: {
        const std::size_t had = data_.size();
        LICET_TRY_VOID(take());
        // Bytes that came may be held by the inflater still: it is asked until it gives nothing more.
        LICET_TRY(found, find_pixels());
        if (found) {
          at_ = At::after_head;
          return Event::head;
        }
        if (data_.size() > had && inflater_ != nullptr) break;
        if (finished_) {
          if (wait_for_ > data_.size()) {
            wait_for_ = 0;
            break;
          }
          return Error{Code::invalid_argument, "it ends before its pixels"};
        }
        return Event::more;
      }
      case At::after_head:
        data_.erase(0, passed_);
        passed_ = 0;
        head_.data = {};
        at_ = head_.pixels.tag == 0 ? At::done : left_ == kUndefinedLength ? At::item_header : At::native;
        if (at_ == At::item_header) left_ = 0;
        break;
      case At::native:
      case At::item_header:
      case At::fragment: {
        data_.erase(0, passed_);
        passed_ = 0;
        if (at_ == At::native && left_ == 0) {
          at_ = At::done;
          break;
        }
        // As much as is there, over the borders of fragments.
        std::size_t k = 0;
        bool last = false;
        while (!last && k < data_.size()) {
          if (at_ != At::item_header) {
            const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, data_.size() - k));
            k += n;
            left_ -= n;
            if (left_ > 0) break;
            if (at_ == At::native) last = true;
            if (at_ == At::fragment) at_ = At::item_header;
            continue;
          }
          if (data_.size() - k < 8) break;
          const auto* b = reinterpret_cast<const unsigned char*>(data_.data() + k);  // encapsulated is little endian
          const std::uint32_t tag = (static_cast<std::uint32_t>(b[1]) << 8 | b[0]) << 16 | (static_cast<std::uint32_t>(b[3]) << 8 | b[2]);
          const std::uint32_t length = b[4] | b[5] << 8 | b[6] << 16 | static_cast<std::uint32_t>(b[7]) << 24;
          if (tag != kItem && tag != kSequenceEnd) return Error{Code::invalid_argument, "its pixels hold something that is no fragment"};
          if (tag == kItem && length == kUndefinedLength) return Error{Code::invalid_argument, "a fragment of its pixels has no length"};
          k += 8;
          if (tag == kSequenceEnd) {
            last = true;
          } else {
            left_ = length;
            at_ = At::fragment;
          }
        }
        if (last) at_ = At::done;
        if (k > 0) {
          passed_ = k;
          piece_ = std::string_view(data_).substr(0, k);
          return Event::pixels;
        }
        const std::size_t had = data_.size();
        LICET_TRY_VOID(take());
        if (data_.size() > had) break;
        if (finished_) return Error{Code::invalid_argument, "it ends inside its pixels"};
        return Event::more;
      }
      case At::done:
        raw_.clear();
        data_.clear();
        passed_ = 0;
        return Event::end;
    }
  }
}

bool looks_like_dicom(std::string_view head) {
  if (head.size() >= kPreamble + 4 && head.substr(kPreamble, 4) == "DICM") return true;
  if (head.starts_with(std::string_view("\x02\0\0\0UL\x04\0", 8))) return true;
  return guess(head).has_value();
}

struct DicomDeflater::Inside {
  z_stream stream{};
};

DicomDeflater::DicomDeflater() : in_(std::make_unique<Inside>()) {
  deflateInit2(&in_->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
}
DicomDeflater::~DicomDeflater() {
  deflateEnd(&in_->stream);
}

void DicomDeflater::put(std::string_view bytes, std::string& out) {
  std::array<char, 1 << 16> step;
  z_stream& z = in_->stream;
  while (!bytes.empty()) {
    const std::string_view now = bytes.substr(0, std::size_t{1} << 30);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(now.data()));
    z.avail_in = static_cast<uInt>(now.size());
    while (z.avail_in > 0) {
      z.next_out = reinterpret_cast<Bytef*>(step.data());
      z.avail_out = static_cast<uInt>(step.size());
      deflate(&z, Z_NO_FLUSH);
      out.append(step.data(), step.size() - z.avail_out);
    }
    bytes.remove_prefix(now.size());
  }
}

void DicomDeflater::finish(std::string& out) {
  std::array<char, 1 << 16> step;
  z_stream& z = in_->stream;
  z.next_in = nullptr;
  z.avail_in = 0;
  for (int code = Z_OK; code != Z_STREAM_END;) {
    z.next_out = reinterpret_cast<Bytef*>(step.data());
    z.avail_out = static_cast<uInt>(step.size());
    code = deflate(&z, Z_FINISH);
    out.append(step.data(), step.size() - z.avail_out);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) break;
  }
  if (z.total_out % 2 == 1) out += '\0';  // PS3.5 A.5: padded to an even length
}

}  // namespace licet::codec
