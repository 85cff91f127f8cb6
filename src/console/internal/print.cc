#include "console/internal/print.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/html.h"
#include "crypto/crypto.h"

namespace licet::console {
namespace {

constexpr std::string_view kStyle = R"CSS(
:root{color-scheme:light;--ink:#16191d;--soft:#565f68;--paper:#fff;--line:#d5dae0;--head:#f3f5f7;--fail:#b3261e;--warn:#8a5a00;--ok:#176b3a;--none:#6b7480}
@page{size:A4;margin:18mm 16mm 20mm;@bottom-right{content:counter(page) " / " counter(pages);font:9pt system-ui,sans-serif;color:#565f68}}
body{font:14px/1.5 system-ui,"Liberation Sans",sans-serif;color:var(--ink);background:var(--paper);max-width:70rem;margin:2rem auto;padding:0 1.25rem}
h1{font-size:1.5rem;font-weight:650;margin:0}h2{font-size:1.1rem;font-weight:650;margin:1.8rem 0 .4rem}
p{margin:.3rem 0}.soft,caption,figcaption,footer{color:var(--soft)}.lead{margin-bottom:1.2rem;color:var(--soft)}
.answer{font-size:1.15rem;border-left:4px solid var(--line);padding:.3rem 1rem;margin:1rem 0}.answer.yes{border-color:var(--ok)}.answer.no{border-color:var(--fail)}.answer.held,.answer.not-declared{border-color:var(--warn)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.2rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:break-word}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.5rem 0 1rem}caption{text-align:left;padding:.2rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line);overflow-wrap:break-word}
thead th{background:var(--head);font-weight:600;padding-left:.4rem}tbody td:first-child,tbody th:first-child{padding-left:.4rem}tbody th{font-weight:600}
pre{white-space:pre-wrap;overflow-wrap:break-word;font:11px/1.45 ui-monospace,"Liberation Mono",monospace;background:var(--head);padding:.6rem .8rem;border:1px solid var(--line)}
figure{margin:1rem 0}svg{max-width:100%;height:auto}svg text{font:12px system-ui,"Liberation Sans",sans-serif;fill:var(--ink)}svg .soft{fill:var(--soft)}
.fail,.stale{fill:var(--fail)}.unknown,.hold{fill:var(--warn)}.pass,.accepted{fill:var(--ok)}.other{fill:var(--none)}
footer{margin-top:2rem;border-top:1px solid var(--line);padding-top:.6rem;font-size:.85rem}
@media print{body{margin:0;max-width:none;padding:0;font-size:10.5pt}thead{display:table-header-group}tr,figure,.answer{break-inside:avoid}h2{break-after:avoid}}
)CSS";

std::string_view color_of(std::string_view state) {
  for (const std::string_view known : {"fail", "stale", "unknown", "hold", "pass", "accepted"})
    if (state == known) return known;
  return state == "refuse" ? "fail" : state == "reduce" ? "pass" : "other";
}

// A meta element can't say frame-ancestors; the header does.
const std::string& own_style() {
  static const std::string policy =
      "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" + base64(crypto::sha256(kStyle)) + "'";
  return policy;
}

}  // namespace

const std::string& print_policy() {
  static const std::string policy = own_style() + "; frame-ancestors 'none'";
  return policy;
}

std::string page(std::string_view title, std::string_view lead, std::string_view body) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{4}\">\n<meta name=\"robots\" "
      "content=\"noindex\">\n<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<main>\n<h1>{0}</h1>\n"
      "<p class=\"lead\">{2}</p>\n{3}</main>\n<footer><p>Licet states facts, sources and what is missing. It is not legal advice, and HHS "
      "recognizes no HIPAA certificate.</p></footer>\n</body>\n</html>\n",
      html_escaped(title), kStyle, html_escaped(lead), body, own_style());
}

std::string table(std::string_view caption, const Row& head, const std::vector<Row>& rows) {
  std::string out = fmt::format("<table>\n<caption>{}</caption>\n<thead><tr>", html_escaped(caption));
  for (const std::string& cell : head) out += fmt::format("<th scope=\"col\">{}</th>", html_escaped(cell));
  out += "</tr></thead>\n<tbody>\n";
  for (const Row& row : rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      out += i == 0 ? fmt::format("<th scope=\"row\">{}</th>", html_escaped(row[i])) : fmt::format("<td>{}</td>", html_escaped(row[i]));
    out += "</tr>\n";
  }
  if (rows.empty()) out += fmt::format("<tr><td colspan=\"{}\">None.</td></tr>\n", head.size());
  return out + "</tbody>\n</table>\n";
}

std::string paragraph(std::string_view text, std::string_view of_class) {
  return of_class.empty() ? fmt::format("<p>{}</p>\n", html_escaped(text))
                          : fmt::format("<p class=\"{}\">{}</p>\n", html_escaped(of_class), html_escaped(text));
}

std::string heading(std::string_view text) {
  return fmt::format("<h2>{}</h2>\n", html_escaped(text));
}

std::string bars(std::string_view caption, const std::vector<std::pair<std::string, std::uint64_t>>& values) {
  std::uint64_t most = 1;
  for (const auto& [name, n] : values) most = std::max(most, n);
  constexpr int kRow = 22, kLeft = 130, kWide = 440;
  std::string out = fmt::format("<figure>\n<svg viewBox=\"0 0 640 {}\" role=\"img\" aria-label=\"{}\" width=\"640\">\n",
                                values.size() * kRow + 4, html_escaped(caption));
  int y = 2;
  for (const auto& [name, n] : values) {
    const int wide = n == 0 ? 0 : std::max(2, static_cast<int>(static_cast<double>(n) / static_cast<double>(most) * kWide));
    out += fmt::format(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"14\"/>"
        "<text x=\"{}\" y=\"{}\">{}</text>\n",
        kLeft - 8, y + 14, html_escaped(name), color_of(name), kLeft, y + 3, wide, kLeft + wide + 6, y + 14, n);
    y += kRow;
  }
  return out + fmt::format("</svg>\n<figcaption>{}</figcaption>\n</figure>\n", html_escaped(caption));
}

std::string timeline(std::string_view caption, Date from, Date to, const std::vector<Mark>& marks) {
  constexpr int kRow = 22, kLeft = 10, kWide = 420;
  const double days = std::max<double>(1, static_cast<double>((to - from).count()));
  const auto x = [&](Date day) {
    const double at = std::clamp(static_cast<double>((day - from).count()) / days, 0.0, 1.0);
    return kLeft + static_cast<int>(at * kWide);
  };
  const std::size_t high = marks.size() * kRow + 26;
  std::string out =
      fmt::format("<figure>\n<svg viewBox=\"0 0 720 {}\" role=\"img\" aria-label=\"{}\" width=\"720\">\n", high, html_escaped(caption));
  for (int i = 0; i <= 4; ++i) {
    const Date day = from + std::chrono::days(static_cast<int>(days * i / 4));
    out += fmt::format(
        "<line x1=\"{0}\" y1=\"18\" x2=\"{0}\" y2=\"{1}\" stroke=\"#d5dae0\"/><text class=\"soft\" x=\"{0}\" y=\"12\" "
        "text-anchor=\"{2}\">{3}</text>\n",
        x(day), high - 4,
        i == 0   ? "start"
        : i == 4 ? "end"
                 : "middle",
        format(day));
  }
  int y = 24;
  for (const Mark& m : marks) {
    out += fmt::format(
        "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"#9aa5b1\"/><circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"5\"/>"
        "<text x=\"{}\" y=\"{}\">{} · {}</text>\n",
        kLeft, y + 8, x(m.day), y + 8, m.past ? "fail" : "pass", x(m.day), y + 8, kLeft + kWide + 14, y + 12, html_escaped(m.name),
        format(m.day));
    y += kRow;
  }
  return out + fmt::format("</svg>\n<figcaption>{}</figcaption>\n</figure>\n", html_escaped(caption));
}

}  // namespace licet::console
