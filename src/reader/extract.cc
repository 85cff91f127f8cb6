// Documents → visible text. Runs in the sandboxed child; every loop is bounded by ReadLimits.
#include <gumbo.h>
#include <zip.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <pugixml.hpp>

#include "reader/internal/xml.h"

namespace licet::reader {
namespace {

// Valid UTF-8 whatever comes in: what isn't becomes U+FFFD, control characters go, UTF-16 with a mark is converted.
std::string clean(std::string_view in, std::size_t most) {
  std::string wide;
  if (in.size() >= 2 && ((in[0] == '\xFF' && in[1] == '\xFE') || (in[0] == '\xFE' && in[1] == '\xFF'))) {
    const bool big = in[0] == '\xFE';
    for (std::size_t i = 2; i + 1 < in.size() && wide.size() < most; i += 2) {
      const auto a = static_cast<unsigned char>(in[i]), b = static_cast<unsigned char>(in[i + 1]);
      const unsigned u = big ? a * 256u + b : b * 256u + a;
      if (u < 0x80)
        wide += static_cast<char>(u);
      else if (u < 0x800)
        wide += {static_cast<char>(0xC0 | (u >> 6)), static_cast<char>(0x80 | (u & 0x3F))};
      else if (u >= 0xD800 && u < 0xE000)
        wide += "\xEF\xBF\xBD";
      else
        wide += {static_cast<char>(0xE0 | (u >> 12)), static_cast<char>(0x80 | ((u >> 6) & 0x3F)), static_cast<char>(0x80 | (u & 0x3F))};
    }
    in = wide;
  }
  std::string out;
  out.reserve(std::min(in.size(), most));
  for (std::size_t i = 0; i < in.size() && out.size() < most;) {
    const auto c = static_cast<unsigned char>(in[i]);
    std::size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
    bool good = n != 0 && i + n <= in.size();
    for (std::size_t k = 1; k < n && good; ++k) good = (static_cast<unsigned char>(in[i + k]) & 0xC0) == 0x80;
    if (good && n == 3) {
      const auto d = static_cast<unsigned char>(in[i + 1]);
      good = !(c == 0xE0 && d < 0xA0) && !(c == 0xED && d >= 0xA0);
    }
    if (good && n == 4) {
      const auto d = static_cast<unsigned char>(in[i + 1]);
      good = !(c == 0xF0 && d < 0x90) && !(c == 0xF4 && d >= 0x90);
    }
    if (!good) {
      out += "\xEF\xBF\xBD";
      ++i;
      continue;
    }
    if (n == 1 && c == '\r') {
      if (i + 1 >= in.size() || in[i + 1] != '\n') out += '\n';
    } else if (n > 1 || c >= 0x20 || c == '\n' || c == '\t' || c == '\f') {
      out.append(in, i, n);
    }
    i += n;
  }
  return out;
}

// Comments of HTML and of programs: what they say is not said to the other party. Replaced by nothing; lines stay lines.
std::string without_comments(std::string_view in) {
  std::string out;
  out.reserve(in.size());
  bool line_start = true;
  for (std::size_t i = 0; i < in.size();) {
    std::string_view close;
    if (in.substr(i, 4) == "<!--")
      close = "-->";
    else if (in.substr(i, 2) == "/*" && (line_start || (i > 0 && in[i - 1] == ' ')))
      close = "*/";
    else if (line_start && in.substr(i, 2) == "//")
      close = "\n";
    if (!close.empty()) {
      const std::size_t end = in.find(close, i + 2);
      if (end == std::string_view::npos) break;  // never closed: all that follows is comment
      i = close == "\n" ? end : end + close.size();
      continue;
    }
    out += in[i];
    if (in[i] == '\n')
      line_start = true;
    else if (in[i] != ' ' && in[i] != '\t')
      line_start = false;
    ++i;
  }
  return out;
}

// Markdown: links keep their words, fenced code and reference definitions go. Emphasis and headings stay: the splitter knows them.
std::string markdown(std::string_view in) {
  std::string out;
  out.reserve(in.size());
  bool fenced = false;
  for (std::size_t at = 0; at < in.size();) {
    std::size_t stop = std::min(in.find('\n', at), in.size());
    std::string_view line = in.substr(at, stop - at);
    const std::size_t first = std::min(line.find_first_not_of(" \t"), line.size());
    if (line.substr(first).starts_with("```") || line.substr(first).starts_with("~~~")) {
      fenced = !fenced;
    } else if (!fenced) {
      for (std::size_t i = 0; i < line.size();) {
        // ](address) of a link
        if (line[i] == ']' && i + 1 < line.size() && line[i + 1] == '(') {
          const std::size_t open = out.rfind('[');
          const std::size_t close = line.find(')', i);
          if (close != std::string_view::npos && open != std::string::npos && out.size() - open < 400) {
            out.erase(open, 1);
            i = close + 1;
            continue;
          }
        }
        if (line[i] == '`') {
          ++i;
          continue;
        }
        if (line[i] == '\\' && i + 1 < line.size() && std::ispunct(static_cast<unsigned char>(line[i + 1])) != 0) ++i;
        out += line[i++];
      }
    }
    if (stop < in.size()) out += '\n';
    at = stop + 1;
  }
  return out;
}

// --- HTML ---

class Html {
 public:
  explicit Html(const ReadLimits& limits) : limits_(limits) {}
  Result<std::string> text(std::string_view in) {
    GumboOptions options = kGumboDefaultOptions;
    options.max_errors = 0;
    struct Free {
      const GumboOptions* o;
      void operator()(GumboOutput* out) const { gumbo_destroy_output(o, out); }
    };
    std::unique_ptr<GumboOutput, Free> out(gumbo_parse_with_options(&options, in.data(), in.size()), Free{&options});
    if (!out) return Error{Code::invalid_argument, "HTML that cannot be read"};
    walk(out->root, 0);
    if (full_) return Error{Code::exhausted, fmt::format("more than {} MiB of text", limits_.text_bytes >> 20)};
    return std::move(text_);
  }

 private:
  static bool hidden(const GumboElement& e) {
    for (unsigned i = 0; i < e.attributes.length; ++i) {
      const auto* a = static_cast<const GumboAttribute*>(e.attributes.data[i]);
      const std::string_view name = a->name;
      std::string value;
      for (const char c : std::string_view(a->value))
        if (c != ' ') value += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      if (name == "hidden" || (name == "aria-hidden" && value == "true")) return true;
      if (name == "style" && (value.find("display:none") != std::string::npos || value.find("visibility:hidden") != std::string::npos))
        return true;
    }
    return false;
  }
  void put(std::string_view s) {
    if (text_.size() + s.size() > limits_.text_bytes) full_ = true;
    if (!full_) text_ += s;
  }
  void walk(const GumboNode* node, std::size_t depth) {
    if (full_ || depth > limits_.depth) return;
    if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_CDATA) {
      for (const char* p = node->v.text.text; *p != 0; ++p) put(*p == '\n' || *p == '\t' ? std::string_view(" ") : std::string_view(p, 1));
      return;
    }
    if (node->type == GUMBO_NODE_WHITESPACE) return put(" ");
    if (node->type != GUMBO_NODE_ELEMENT) return;  // comments are not text
    const GumboTag tag = node->v.element.tag;
    for (const GumboTag t : {GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE, GUMBO_TAG_TEMPLATE, GUMBO_TAG_NOSCRIPT, GUMBO_TAG_HEAD, GUMBO_TAG_TEXTAREA,
                             GUMBO_TAG_SELECT, GUMBO_TAG_NAV, GUMBO_TAG_DEL, GUMBO_TAG_S})
      if (tag == t) return;
    if (hidden(node->v.element)) return;
    bool block = false, title = false;
    for (const GumboTag t : {GUMBO_TAG_P, GUMBO_TAG_DIV, GUMBO_TAG_LI, GUMBO_TAG_TR, GUMBO_TAG_SECTION, GUMBO_TAG_ARTICLE, GUMBO_TAG_BR,
                             GUMBO_TAG_UL, GUMBO_TAG_OL, GUMBO_TAG_TABLE, GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_DD, GUMBO_TAG_DT,
                             GUMBO_TAG_HEADER, GUMBO_TAG_FOOTER, GUMBO_TAG_PRE})
      block = block || tag == t;
    for (const GumboTag t : {GUMBO_TAG_H1, GUMBO_TAG_H2, GUMBO_TAG_H3, GUMBO_TAG_H4, GUMBO_TAG_H5, GUMBO_TAG_H6}) title = title || tag == t;
    if (block || title) put("\n\n");
    if (title) put("# ");
    if (tag == GUMBO_TAG_LI) {
      // The number that a browser shows, so that quotes can be found on the page.
      const GumboNode* list = node->parent;
      std::size_t number = 0;
      if (list != nullptr && list->type == GUMBO_NODE_ELEMENT && list->v.element.tag == GUMBO_TAG_OL)
        for (unsigned i = 0; i <= node->index_within_parent && i < list->v.element.children.length; ++i) {
          const auto* item = static_cast<const GumboNode*>(list->v.element.children.data[i]);
          number += item->type == GUMBO_NODE_ELEMENT && item->v.element.tag == GUMBO_TAG_LI ? 1 : 0;
        }
      put(number == 0 ? "- " : fmt::format("{}. ", number));
    }
    const GumboVector& children = node->v.element.children;
    for (unsigned i = 0; i < children.length; ++i) walk(static_cast<const GumboNode*>(children.data[i]), depth + 1);
    if (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) put(" ");
    if (block || title) put("\n\n");
  }
  const ReadLimits& limits_;
  std::string text_;
  bool full_ = false;
};

// --- DOCX and ODT ---

Result<std::string> zip_entry(std::string_view bytes, const char* entry, const ReadLimits& limits) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source == nullptr) return Error{Code::internal, "no memory for a zip"};
  zip_t* opened = zip_open_from_source(source, ZIP_RDONLY, &error);
  if (opened == nullptr) {
    zip_source_free(source);
    return Error{Code::invalid_argument, fmt::format("a damaged zip: {}", zip_error_strerror(&error))};
  }
  const std::unique_ptr<zip_t, void (*)(zip_t*)> zip(opened, [](zip_t* z) { zip_discard(z); });
  if (zip_get_num_entries(zip.get(), 0) > static_cast<zip_int64_t>(limits.parts))
    return Error{Code::exhausted, fmt::format("more than {} parts in the zip", limits.parts)};
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat(zip.get(), entry, 0, &stat) != 0) return Error{Code::not_found, fmt::format("no {} in it", entry)};
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE)
    return Error{Code::invalid_argument, "it is encrypted: save a copy without a password"};
  const std::unique_ptr<zip_file_t, void (*)(zip_file_t*)> file(zip_fopen(zip.get(), entry, 0), [](zip_file_t* f) {
    if (f != nullptr) zip_fclose(f);
  });
  if (!file) return Error{Code::invalid_argument, fmt::format("{} in it cannot be opened", entry)};
  // The size that the zip states is not believed: what is unpacked is counted.
  std::string out;
  std::array<char, 65536> piece;
  const std::size_t most = limits.text_bytes * 2;
  while (true) {
    const zip_int64_t n = zip_fread(file.get(), piece.data(), piece.size());
    if (n < 0) return Error{Code::invalid_argument, fmt::format("{} in it is damaged", entry)};
    if (n == 0) break;
    out.append(piece.data(), static_cast<std::size_t>(n));
    if (out.size() > most) return Error{Code::exhausted, fmt::format("{} unpacks to more than {} MiB", entry, most >> 20)};
  }
  return out;
}

class Xml {
 public:
  Xml(const ReadLimits& limits, bool docx) : limits_(limits), docx_(docx) {}

  Result<std::string> text(std::string& xml) {
    pugi::xml_document doc;
    const pugi::xml_parse_result ok = doc.load_buffer_inplace(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata);
    if (!ok) return Error{Code::invalid_argument, fmt::format("its XML is damaged: {}", ok.description())};
    walk(doc, 0);
    if (full_) return Error{Code::exhausted, fmt::format("more than {} MiB of text", limits_.text_bytes >> 20)};
    return std::move(out_);
  }

 private:
  void put(std::string_view s) {
    if (out_.size() + s.size() > limits_.text_bytes) full_ = true;
    if (!full_) out_ += s;
  }
  static bool on(const pugi::xml_node& property) {
    const std::string_view value = property.attribute("w:val").value();
    return property && value != "0" && value != "false" && value != "off";
  }
  void walk(const pugi::xml_node& node, std::size_t depth) {
    if (depth > limits_.depth || full_) return;
    for (const pugi::xml_node& n : node.children()) {
      const std::string_view name = n.name();
      if (n.type() == pugi::node_pcdata || n.type() == pugi::node_cdata) {
        // Word keeps words in w:t alone; OpenDocument in the paragraphs themselves.
        if (!docx_ ? in_paragraph_ : std::string_view(node.name()) == "w:t") put(n.value());
      } else if (docx_) {
        word(n, name, depth);
      } else {
        open_document(n, name, depth);
      }
    }
  }
  void word(const pugi::xml_node& n, std::string_view name, std::size_t depth) {
    // Deleted and moved-away text, field codes and the old half of alternatives are not on the page.
    if (name == "w:del" || name == "w:moveFrom" || name == "w:instrText" || name == "mc:Fallback" || name == "w:sectPr" ||
        name == "w:delText")
      return;
    if (name == "w:r" &&
        (on(n.child("w:rPr").child("w:vanish")) || on(n.child("w:rPr").child("w:strike")) || on(n.child("w:rPr").child("w:dstrike"))))
      return;
    if (name == "w:p") {
      put("\n\n");
      const pugi::xml_node properties = n.child("w:pPr");
      std::string style = properties.child("w:pStyle").attribute("w:val").value();
      std::transform(style.begin(), style.end(), style.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      if (style.starts_with("heading") || style == "title")
        put("# ");
      else if (properties.child("w:numPr"))
        put("- ");  // its number is made by Word and stands nowhere in the file
    } else if (name == "w:tab") {
      put(" ");
    } else if (name == "w:br" || name == "w:cr") {
      put(std::string_view(n.attribute("w:type").value()) == "page" ? "\f" : "\n");
    } else if (name == "w:lastRenderedPageBreak") {
      put("\f");
    } else if (name == "w:noBreakHyphen") {
      put("-");
    }
    walk(n, depth + 1);
    if (name == "w:tc") put(" ");
  }
  void open_document(const pugi::xml_node& n, std::string_view name, std::size_t depth) {
    if (name == "office:annotation" || name == "text:tracked-changes" || name == "text:note" || name == "office:automatic-styles" ||
        name == "office:styles" || name == "script" || name == "text:hidden-text")
      return;
    const bool heading = name == "text:h", paragraph = name == "text:p" || heading;
    const bool before = in_paragraph_;
    if (paragraph) {
      put(item_ ? "\n\n- " : "\n\n");
      item_ = false;
      if (heading) put("# ");
      in_paragraph_ = true;
    } else if (name == "text:list-item") {
      item_ = true;
    } else if (name == "text:s" || name == "text:tab") {
      put(" ");
    } else if (name == "text:line-break") {
      put("\n");
    } else if (name == "text:soft-page-break") {
      put("\f");
    }
    walk(n, depth + 1);
    in_paragraph_ = before;
  }

  const ReadLimits& limits_;
  const bool docx_;
  bool in_paragraph_ = false, item_ = false, full_ = false;
  std::string out_;
};

Result<std::string> office(std::string_view bytes, const char* entry, bool docx, const ReadLimits& limits) {
  if (bytes.starts_with("\xD0\xCF\x11\xE0"))
    return Error{Code::invalid_argument, "it is encrypted (or an old .doc): save a copy as .docx without a password"};
  LICET_TRY(xml, zip_entry(bytes, entry, limits));
  if (!docx) {
    auto manifest = zip_entry(bytes, "META-INF/manifest.xml", limits);
    if (manifest && manifest->find("encryption-data") != std::string::npos)
      return Error{Code::invalid_argument, "it is encrypted: save a copy without a password"};
  }
  return text_of_xml(xml, docx, limits);
}

bool seems_html(std::string_view s) {
  std::string head;
  for (const char c : s.substr(0, 2048)) head += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const std::size_t first = std::min(head.find_first_not_of(" \t\r\n\xEF\xBB\xBF"), head.size());
  return head.compare(first, 9, "<!doctype") == 0 || head.find("<html") != std::string::npos;
}

}  // namespace

Result<std::string> text_of_xml(std::string& xml, bool docx, const ReadLimits& limits) {
  return Xml(limits, docx).text(xml);
}

const char* name(Format format) {
  switch (format) {
    case Format::text:
      return "text";
    case Format::markdown:
      return "markdown";
    case Format::html:
      return "html";
    case Format::docx:
      return "docx";
    case Format::odt:
      return "odt";
    case Format::pdf:
      return "pdf";
  }
  return "?";
}

Result<Format> format_of(std::string_view bytes, std::string_view file_name) {
  std::string ending(file_name.substr(std::min(file_name.rfind('.'), file_name.size())));
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (bytes.substr(0, 1024).find("%PDF-") != std::string_view::npos) return Format::pdf;
  if (ending == ".pdf") return Error{Code::invalid_argument, "it is called .pdf and does not begin as one"};
  if (bytes.starts_with("PK")) {
    // An OpenDocument file names its kind first, unpacked.
    if (bytes.substr(0, 200).find("application/vnd.oasis.opendocument.text") != std::string_view::npos || ending == ".odt")
      return Format::odt;
    if (ending == ".docx" || bytes.find("word/document.xml") != std::string_view::npos) return Format::docx;
    return Error{Code::invalid_argument, "a zip that is neither .docx nor .odt: unpack it first"};
  }
  if (bytes.starts_with("\xD0\xCF\x11\xE0"))
    return Error{Code::invalid_argument, "an encrypted or old Office file (.doc): save a copy as .docx without a password"};
  if (ending == ".docx" || ending == ".odt")
    return Error{Code::invalid_argument, fmt::format("it is called {} and is no zip: damaged", ending)};
  constexpr std::array<std::pair<std::string_view, const char*>, 6> kPictures{
      {{"\x89PNG", "PNG"}, {"\xFF\xD8\xFF", "JPEG"}, {"GIF8", "GIF"}, {"II*\0", "TIFF"}, {"MM\0*", "TIFF"}, {"{\\rtf", "RTF"}}};
  for (const auto& [magic, kind] : kPictures)
    if (bytes.starts_with(magic)) return Error{Code::invalid_argument, fmt::format("{}: save it as PDF", kind)};
  if (seems_html(bytes) || ending == ".html" || ending == ".htm" || ending == ".xhtml") return Format::html;
  const bool utf16 = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
  const std::string_view head = bytes.substr(0, 8192);
  if (!utf16 && head.find('\0') != std::string_view::npos)
    return Error{Code::invalid_argument, "it is no text, and none of PDF, DOCX, ODT and HTML"};
  return ending == ".md" || ending == ".markdown" ? Format::markdown : Format::text;
}

Result<std::string> extract(Format format, std::string_view bytes, const ReadLimits& limits) {
  if (bytes.size() > limits.file_bytes) return Error{Code::exhausted, fmt::format("larger than {} MiB", limits.file_bytes >> 20)};
  switch (format) {
    case Format::text: {
      if (bytes.size() > limits.text_bytes) return Error{Code::exhausted, fmt::format("more than {} MiB of text", limits.text_bytes >> 20)};
      return without_comments(clean(bytes, limits.text_bytes));
    }
    case Format::markdown: {
      if (bytes.size() > limits.text_bytes) return Error{Code::exhausted, fmt::format("more than {} MiB of text", limits.text_bytes >> 20)};
      return markdown(without_comments(clean(bytes, limits.text_bytes)));
    }
    case Format::html: {
      const std::string utf8 = clean(bytes, limits.file_bytes);
      return Html(limits).text(utf8);
    }
    case Format::docx: {
      LICET_TRY(text, office(bytes, "word/document.xml", true, limits));
      return clean(text, limits.text_bytes);
    }
    case Format::odt: {
      LICET_TRY(text, office(bytes, "content.xml", false, limits));
      return clean(text, limits.text_bytes);
    }
    case Format::pdf:
      return Error{Code::invalid_argument, "PDF is read by pdftotext"};
  }
  return Error{Code::internal, "no such format"};
}

}  // namespace licet::reader
