// The character sets of DICOM (PS3.3 C.12.1.1.2), by ICU's converters, which hold their tables in memory.
#include <unicode/ucnv.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>
#include <memory>

#include "codec/dicom.h"

namespace licet::codec {
namespace {

struct Set {
  const char* icu = nullptr;
  std::string_view escape;  // said in the bytes, nothing to ICU; then there is no way back
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

std::optional<Set> set_of(std::string_view charset) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 16> kSets = {{{"IR 6", "US-ASCII"},
                                                                                      {"IR 100", "ISO-8859-1"},
                                                                                      {"IR 101", "ISO-8859-2"},
                                                                                      {"IR 109", "ISO-8859-3"},
                                                                                      {"IR 110", "ISO-8859-4"},
                                                                                      {"IR 144", "ISO-8859-5"},
                                                                                      {"IR 127", "ISO-8859-6"},
                                                                                      {"IR 126", "ISO-8859-7"},
                                                                                      {"IR 138", "ISO-8859-8"},
                                                                                      {"IR 148", "ISO-8859-9"},
                                                                                      {"IR 203", "ISO-8859-15"},
                                                                                      {"IR 13", "Shift_JIS"},
                                                                                      {"IR 166", "TIS-620"},
                                                                                      {"IR 192", "UTF-8"},
                                                                                      {"GB18030", "GB18030"},
                                                                                      {"GBK", "GBK"}}};
  std::string_view first = trimmed(charset.substr(0, charset.find('\\')));
  std::string_view rest = charset.find('\\') == std::string_view::npos ? std::string_view() : charset.substr(charset.find('\\') + 1);
  bool japanese = false, korean = false, chinese = false;
  while (!rest.empty()) {
    const std::string_view one = trimmed(rest.substr(0, rest.find('\\')));
    rest = rest.find('\\') == std::string_view::npos ? std::string_view() : rest.substr(rest.find('\\') + 1);
    if (one == "ISO 2022 IR 87" || one == "ISO 2022 IR 159")
      japanese = true;
    else if (one == "ISO 2022 IR 149")
      korean = true;
    else if (one == "ISO 2022 IR 58")
      chinese = true;
    else if (one != "ISO 2022 IR 6" && !one.empty())
      return std::nullopt;
  }
  if (first == "ISO 2022 IR 87" || first == "ISO 2022 IR 159") japanese = true;
  const bool plain = first.empty() || first == "ISO 2022 IR 6" || first == "ISO_IR 6";
  if (japanese + korean + chinese > 1) return std::nullopt;
  if (japanese) return Set{"ISO-2022-JP-2", "\x1b"};
  if ((korean || chinese) && !plain) return std::nullopt;
  if (korean) return Set{"EUC-KR", "\x1b$)C"};
  if (chinese) return Set{"GB2312", "\x1b$)A"};
  if (first.empty()) return Set{"US-ASCII", {}};
  if (first.starts_with("ISO_")) first.remove_prefix(4);
  if (first.starts_with("ISO 2022 ")) first.remove_prefix(9);
  for (const auto& [term, icu] : kSets)
    if (term == first) return Set{icu, {}};
  return std::nullopt;
}

struct Close {
  void operator()(UConverter* c) const { ucnv_close(c); }
};
using Converter = std::unique_ptr<UConverter, Close>;

Converter open(const char* icu) {
  UErrorCode error = U_ZERO_ERROR;
  Converter c(ucnv_open(icu, &error));
  if (U_FAILURE(error)) return nullptr;
  ucnv_setToUCallBack(c.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
  ucnv_setFromUCallBack(c.get(), UCNV_FROM_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
  return U_FAILURE(error) ? nullptr : std::move(c);
}

bool ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\x1b'; });
}

std::optional<std::string> convert(const char* from, const char* to, std::string_view bytes) {
  const Converter in = open(from), out = open(to);
  if (in == nullptr || out == nullptr || bytes.size() > (1u << 28)) return std::nullopt;
  std::u16string wide(bytes.size() * 2 + 8, u'\0');
  UErrorCode error = U_ZERO_ERROR;
  const auto length = ucnv_toUChars(in.get(), wide.data(), static_cast<std::int32_t>(wide.size()), bytes.data(),
                                    static_cast<std::int32_t>(bytes.size()), &error);
  if (U_FAILURE(error)) return std::nullopt;
  std::string made(static_cast<std::size_t>(length) * 8 + 16, '\0');
  const auto size = ucnv_fromUChars(out.get(), made.data(), static_cast<std::int32_t>(made.size()), wide.data(), length, &error);
  if (U_FAILURE(error)) return std::nullopt;
  made.resize(static_cast<std::size_t>(size));
  return made;
}

}  // namespace

std::optional<std::string> dicom_to_utf8(std::string_view charset, std::string_view bytes) {
  if (ascii(bytes)) return std::string(bytes);
  const auto set = set_of(charset);
  if (!set) return std::nullopt;
  if (set->escape.size() <= 1) return convert(set->icu, "UTF-8", bytes);
  std::string plain(bytes);
  for (std::size_t at = 0; (at = plain.find(set->escape, at)) != std::string::npos;) plain.erase(at, set->escape.size());
  if (plain.find('\x1b') != std::string::npos) return std::nullopt;
  return convert(set->icu, "UTF-8", plain);
}

std::optional<std::string> dicom_from_utf8(std::string_view charset, std::string_view utf8) {
  if (ascii(utf8)) return std::string(utf8);
  const auto set = set_of(charset);
  if (!set || !set->escape.empty()) return std::nullopt;
  return convert("UTF-8", set->icu, utf8);
}

}  // namespace licet::codec
