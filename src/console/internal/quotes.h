// The words behind a clause: an agreement keeps the SHA-256 of what it was read from, and a text document may still hold them.
//
//   quotes(document_text, {"931d…", "f5d4…"})        // {"931d…": "The vendor may use and disclose …"}
//
// Looks at what begins and ends as a sentence or a numbered item does, as written and on one line. The text of PDF and
// DOCX comes from a sandboxed child (Console::Options::document_text). Pure; bounded (1 MiB of text, 4 KiB a quote). Input: untrusted.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace licet::console {

[[nodiscard]] std::map<std::string, std::string> quotes(std::string_view text, const std::set<std::string>& wanted);

}  // namespace licet::console
