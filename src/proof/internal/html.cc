#include "proof/internal/html.h"

#include "base/html.h"

namespace licet::proof {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--line:#d5dae0;--soft:#57606a;--head:#f4f6f8}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ec;--paper:#15181c;--line:#343a42;--soft:#9aa4af;--head:#1e2329}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:74rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;font-weight:600;margin:0 0 .2rem}h2{font-size:1.15rem;font-weight:600;margin:2rem 0 .5rem}
p.soft,caption,footer{color:var(--soft)}dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.2rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:.92rem}caption{text-align:left;padding:.2rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}thead th{background:var(--head);font-weight:600}
tbody th{font-weight:400}code{font-family:ui-monospace,monospace;font-size:.92em}.notice{border-left:3px solid var(--soft);padding:.2rem 1rem}
@media print{body{margin:0;max-width:none;font-size:11px}thead{display:table-header-group}tr{break-inside:avoid}h2{break-after:avoid}}
)";

}  // namespace

std::string html_page(std::string_view title, std::string_view body) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n";
  out += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>";
  out += html_escaped(title);
  out += "</title>\n<style>";
  out += kStyle;
  out += "</style>\n</head>\n<body>\n";
  out += body;
  out += "</body>\n</html>\n";
  return out;
}

std::string html_table(std::string_view caption, const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  std::string out = "<table>\n<caption>" + html_escaped(caption) + "</caption>\n<thead><tr>";
  for (const std::string& h : head) out += "<th scope=\"col\">" + html_escaped(h) + "</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& cells : rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i)
      out += (i == 0 ? "<th scope=\"row\">" : "<td>") + html_escaped(cells[i]) + (i == 0 ? "</th>" : "</td>");
    out += "</tr>\n";
  }
  out += "</tbody>\n</table>\n";
  return out;
}

}  // namespace licet::proof
