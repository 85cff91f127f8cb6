// The text of a document: PDF, DOCX, ODT, HTML, Markdown or plain text, each read in a sandboxed child (base/child.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace licet::cli {

// As UTF-8, pages ended by a form feed. ocr: pages that are pictures are recognized where tesseract is installed; pictures beside text
// never are. notes: what a reader of the text must know, for people. Errors: what is wrong with it, and the remedy.
[[nodiscard]] Result<std::string> document_text(const std::string& path, const std::string& bytes, bool ocr,
                                                std::vector<std::string>& notes);

// At least so many letters of any script.
[[nodiscard]] bool holds_letters(std::string_view text, std::size_t at_least);

}  // namespace licet::cli
