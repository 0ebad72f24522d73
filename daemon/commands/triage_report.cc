#include "daemon/commands/triage_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "corpus/raw_file.h"
#include "daemon/commands/corpus_options.h"
#include "daemon/commands/triage_words.h"

namespace stuffwatch::daemon {
namespace {

using corpus::OrderKind;
using corpus::Triage;
using corpus::TriagedList;

constexpr std::size_t kListsShown = 40;

std::string lists_held(const Triage& result) {
  std::string text =
      fmt::format("{} list{}", grouped(result.lists.size()), result.lists.size() == 1 ? "" : "s");
  for (std::size_t i = 0; i < std::min(kListsShown, result.lists.size()); ++i) {
    const std::string date = list_date_text(result.lists[i].date);
    text += fmt::format("{}{}{}", i == 0 ? ": " : ", ", one_line(result.lists[i].name),
                        date.empty() ? "" : fmt::format(" ({})", date));
  }
  return text + (result.lists.size() > kListsShown ? ", ..." : "");
}

std::string order_text(const TriagedList& list) {
  if (!list.order) return "-";
  const bool backward = list.order->matches.backward > list.order->matches.forward;
  const std::string share = percent(backward ? reverse_order_share(list.order->matches)
                                             : in_order_share(list.order->matches));
  const std::string as =
      list.order->ordering == list.name ? "" : ", as " + one_line(list.order->ordering);
  switch (order_of(list)) {
    case OrderKind::kNone: return fmt::format("no ({})", share);
    case OrderKind::kForward: return fmt::format("yes ({}{})", share, as);
    case OrderKind::kPartlyForward: return fmt::format("partly ({}{})", share, as);
    case OrderKind::kBackward: return fmt::format("from its end ({}{})", share, as);
    case OrderKind::kPartlyBackward: return fmt::format("partly, from its end ({}{})", share, as);
  }
  return "-";
}

std::string accounts_word(const Triage& result) {
  return result.of_addresses ? "E-mail addresses" : "User names and phone numbers";
}

void drop_column(Table& table, std::ptrdiff_t column) {
  table.head.erase(table.head.begin() + column);
  table.right.erase(table.right.begin() + column);
  for (auto& row : table.rows) row.erase(row.begin() + column);
}

TriageSection lines_section(const Triage& result) {
  TriageSection section{"What is in it", {{"", ""}, {false, true}, {}}, {}, {}};
  const auto row = [&](std::string what, std::uint64_t count) {
    section.table.rows.push_back({std::move(what), grouped(count)});
  };
  row("lines", result.lines);
  row("lines with an account", result.tally.valid);
  corpus::for_each_reject(result.tally.rejected, [&](std::string_view reason, std::uint64_t lines) {
    row(fmt::format("without: {}", reason), lines);
  });
  row(accounts_word(result) + ", each once", result.accounts);
  row("of these in a list", result.known);
  row("in no list", result.accounts - result.known);
  row("lines that repeat one", result.duplicates);
  if (result.names_apart.lines != 0) {
    row("apart: user names and phone numbers, each once", result.names_apart.accounts);
    row("of these in a list, which says little", result.names_apart.known);
  }
  return section;
}

TriageSection lists_section(const TriageReport& report) {
  const Triage& result = report.result;
  TriageSection section{"Lists that hold its accounts",
                        {{"LIST", "DATE", "ACCOUNTS", "SHARE", "95 %", "BY CHANCE", "IN ITS ORDER"},
                         {false, false, true, true, true, true, false},
                         {}},
                        {},
                        {}};
  const auto row = [&](std::string name, std::string date, std::uint64_t accounts,
                       std::string chance, std::string order) {
    const double share = share_of(accounts, result.accounts);
    section.bars.push_back(share);
    section.table.rows.push_back({std::move(name), std::move(date), grouped(accounts),
                                  percent(share),
                                  percent(corpus::wilson_interval(accounts, result.accounts)),
                                  std::move(chance), std::move(order)});
  };
  for (const TriagedList& list : result.lists) {
    if (list.accounts == 0 || section.bars.size() == kListsShown) break;
    row(one_line(list.name), list_date_text(list.date), list.accounts,
        percent(expected_share(list, report.population)), order_text(list));
  }
  row("any of them", "", result.known, "", "");
  if (result.lines >= kManyLines) drop_column(section.table, 4);
  return section;
}

TriageSection explained_section(const Triage& result) {
  TriageSection section{
      "The fewest lists that have all of it that is known",
      {{"LIST", "SHARE SO FAR"}, {false, true}, {}},
      {},
      result.explained_exactly ? "" : "Too many combinations of lists: the shares are the least."};
  for (const auto& [place, so_far] : result.explained_by) {
    if (section.bars.size() == kListsShown) break;
    section.bars.push_back(share_of(so_far, result.accounts));
    section.table.rows.push_back(
        {one_line(result.lists[place].name), percent(section.bars.back())});
  }
  return section;
}

TriageSection domains_section(const Triage& result) {
  TriageSection section{"Domains of its addresses",
                        {{"DOMAIN", "ACCOUNTS", "SHARE"}, {false, true, true}, {}},
                        {},
                        result.domains_exact ? "" : "Too many domains: the counts are the least."};
  std::uint64_t others = result.accounts;
  const auto row = [&](std::string name, std::uint64_t accounts) {
    section.bars.push_back(share_of(accounts, result.accounts));
    section.table.rows.push_back(
        {std::move(name), grouped(accounts), percent(section.bars.back())});
  };
  for (const Triage::Domain& domain : result.domains)
    row(one_line(domain.name), domain.accounts), others -= domain.accounts;
  if (others != 0) row("all others", others);
  return section;
}

TriageSection site_section(const SiteCounts& site) {
  TriageSection section{"Your own accounts in it", {{"", ""}, {false, true}, {}}, {}, {}};
  const auto row = [&](std::string what, std::uint64_t count) {
    section.table.rows.push_back({std::move(what), grouped(count)});
  };
  row("of the register", site.in_dump);
  row("open", site.active);
  row("closed", site.closed);
  if (!site.has_alerts) return section;
  row("attacked in the last 30 days", site.attacked);
  row("of these to be checked: a stranger got in", site.compromised);
  if (site.at_least)
    section.note = "An alert names 500 of its accounts at most: more may have been attacked.";
  return section;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> triage_header(const TriageReport& report) {
  const Triage& result = report.result;
  return {{"Dump", one_line(report.dump)},
          {"Its SHA-256", corpus::hex(result.sha256)},
          {"Read", fmt::format("{}, as {}", short_time(report.time), one_line(result.format))},
          {"Lists held", lists_held(result)},
          {"Corpus digest", report.corpus_digest}};
}

std::vector<TriageSection> triage_sections(const TriageReport& report) {
  const Triage& result = report.result;
  std::vector<TriageSection> sections{lines_section(result)};
  if (result.accounts == 0) return sections;
  if (!result.lists.empty()) sections.push_back(lists_section(report));
  if (report.site) sections.push_back(site_section(*report.site));
  if (result.explained_by.size() > 1) sections.push_back(explained_section(result));
  if (!result.domains.empty()) sections.push_back(domains_section(result));
  return sections;
}

std::string triage_text(const TriageReport& report, const TextStyle& style) {
  std::string out;
  for (const std::string& line : wrapped(triage_paragraph(report), style.width)) out += line + '\n';
  out += '\n';
  for (const auto& [label, value] : triage_header(report))
    for (const std::string& line : wrapped(fmt::format("{:<15}{}", label, value), style.width))
      out += line + '\n';
  for (const TriageSection& section : triage_sections(report)) {
    out += '\n' + heading(section.title, style);
    const std::string table = section.table.text(style);
    const bool no_head = std::ranges::all_of(section.table.head, &std::string::empty);
    out += no_head ? table.substr(table.find('\n') + 1) : table;
    if (!section.note.empty()) out += section.note + '\n';
  }
  return out;
}

}  // namespace stuffwatch::daemon
