// The XML inside a DOCX (word/document.xml) or ODT (content.xml) → its visible text. Apart from extract() so that a fuzzer reaches it
// without a zip.
#pragma once

#include <string>

#include "reader/reader.h"

namespace licet::reader {

[[nodiscard]] Result<std::string> text_of_xml(std::string& xml, bool docx, const ReadLimits& limits);  // spoils `xml`

}  // namespace licet::reader
