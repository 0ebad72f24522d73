#include "daemon/commands/triage_page.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace stuffwatch::daemon {
namespace {

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>Triage of an alleged dump</title>
<style>
:root { color-scheme: light dark; --text: #1b1f24; --dim: #5c6670; --line: #d8dde2; --bar: #2f6f9f; --page: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ec; --dim: #9aa4ae; --line: #343b43; --bar: #6fb1e0; --page: #14181c; }
}
body { margin: 2rem auto; padding: 0 1rem; max-width: 60rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.summary { font-size: 1.15rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; font-size: .9rem; }
dt, .note { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: middle; }
th { font-size: .75rem; color: var(--dim); } .number { text-align: right; }
td.bar { width: 30%; min-width: 6rem; } td.bar svg { display: block; width: 100%; height: .8rem; } rect { fill: var(--bar); }
@media print {
  :root { color-scheme: light; --text: #000; --dim: #444; --line: #bbb; --bar: #555; --page: #fff; }
  body { margin: 0; max-width: none; font-size: 10pt; } h2 { break-after: avoid; } tr { break-inside: avoid; }
}
</style>
</head>
<body>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string cell(std::string_view tag, std::string_view text, bool number) {
  return fmt::format("<{}{}>{}</{}>", tag, number ? " class=\"number\"" : "", escaped(text), tag);
}

std::string bar(double share) {
  return fmt::format(
      R"(<td class="bar"><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="{:.2f}" height="8"/></svg></td>)",
      std::clamp(share, 0.0, 1.0) * 100);
}

std::string section_html(const TriageSection& section) {
  const Table& table = section.table;
  std::string out =
      fmt::format("<h2>{}</h2>\n<div class=\"wide\"><table>\n", escaped(section.title));
  if (!std::ranges::all_of(table.head, &std::string::empty)) {
    out += "<thead><tr>";
    for (std::size_t i = 0; i < table.head.size(); ++i)
      out += cell("th", table.head[i], table.right[i]);
    out += section.bars.empty() ? "</tr></thead>\n" : "<th></th></tr></thead>\n";
  }
  out += "<tbody>\n";
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    out += "<tr>";
    for (std::size_t i = 0; i < table.rows[row].size(); ++i)
      out += cell("td", table.rows[row][i], table.right[i]);
    out += (section.bars.empty() ? "" : bar(section.bars[row])) + "</tr>\n";
  }
  out += "</tbody></table></div>\n";
  if (!section.note.empty())
    out += fmt::format("<p class=\"note\">{}</p>\n", escaped(section.note));
  return out;
}

}  // namespace

std::string triage_page(const TriageReport& report) {
  std::string out(kHead);
  out += fmt::format("<h1>Triage of an alleged dump</h1>\n<p class=\"summary\">{}</p>\n<dl>\n",
                     escaped(triage_paragraph(report)));
  for (const auto& [label, value] : triage_header(report))
    out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(label), escaped(value));
  out += "</dl>\n";
  for (const TriageSection& section : triage_sections(report)) out += section_html(section);
  return out + "</body>\n</html>\n";
}

}  // namespace stuffwatch::daemon
