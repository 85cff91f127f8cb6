#include "console/card.h"

namespace licet::console {

Result<std::string> card_note(std::string_view page) {
  constexpr std::string_view kBegin = "<pre id=\"licet-note\">", kEnd = "</pre>";
  const auto at = page.find(kBegin);
  const auto end = at == std::string_view::npos ? at : page.find(kEnd, at);
  if (end == std::string_view::npos) return Error{Code::invalid_argument, "this page holds no signed card"};
  std::string_view text = page.substr(at + kBegin.size(), end - at - kBegin.size());
  std::string out;
  while (!text.empty()) {
    bool found = false;
    for (const auto& [from, to] :
         {std::pair{std::string_view("&amp;"), '&'}, std::pair{std::string_view("&lt;"), '<'}, std::pair{std::string_view("&gt;"), '>'},
          std::pair{std::string_view("&quot;"), '"'}, std::pair{std::string_view("&#39;"), '\''}}) {
      if (!text.starts_with(from)) continue;
      out += to;
      text.remove_prefix(from.size());
      found = true;
      break;
    }
    if (found) continue;
    out += text[0];
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace licet::console
