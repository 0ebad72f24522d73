// The sentences of a triage, and when each is said: docs/triage.md has the rules.
#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "daemon/commands/triage_report.h"
#include "daemon/commands/triage_words.h"

namespace stuffwatch::daemon {
namespace {

using corpus::OrderKind;
using corpus::Triage;
using corpus::TriagedList;

constexpr double kWorthASentence = 0.05;  // of the accounts: a further list
constexpr std::size_t kListsSaid = 3;
constexpr double kRecycled = 0.1;   // of the accounts, in the order of one list
constexpr double kCollected = 0.8;  // known at all
constexpr double kUnexplained = 0.2;

std::string_view order_words(OrderKind kind) {
  switch (kind) {
    case OrderKind::kNone: return "";
    case OrderKind::kForward: return ", in that list's order";
    case OrderKind::kPartlyForward: return ", partly in that list's order";
    case OrderKind::kBackward: return ", in that list's order from its end";
    case OrderKind::kPartlyBackward: return ", partly in that list's order from its end";
  }
  return "";
}

bool is_chance(const Triage& result, const TriagedList& list, double population) {
  return corpus::wilson_interval(list.accounts, result.accounts).low <=
         expected_share(list, population);
}

// "61 % (60.6 to 61.4 %)": the interval when the dump is small enough to have one worth reading.
std::string share_text(const Triage& result, std::uint64_t accounts) {
  std::string text = percent(share_of(accounts, result.accounts));
  if (result.lines < kManyLines)
    text += fmt::format(" ({})", percent(corpus::wilson_interval(accounts, result.accounts)));
  return text;
}

std::string lists_text(const TriageReport& report) {
  const Triage& result = report.result;
  std::string text;
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < std::min(kListsSaid, result.explained_by.size()); ++i) {
    const auto& [place, so_far] = result.explained_by[i];
    const std::uint64_t gained = so_far - before;
    if (i != 0 && share_of(gained, result.accounts) < kWorthASentence) break;
    const TriagedList& list = result.lists[place];
    text += fmt::format("{}{}{} in {}{}", i == 0 ? "" : ", a further ", share_text(result, gained),
                        i == 0 ? " are" : "", one_line(list.name), order_words(order_of(list)));
    if (i == 0 && is_chance(result, list, report.population))
      text += ", which is no more than chance gives a list of that size";
    before = so_far;
  }
  return text;
}

std::string shares_text(const TriageReport& report) {
  const Triage& result = report.result;
  if (result.lists.empty()) return "the corpus holds no list to compare them with";
  if (result.known == 0) return "none of them is in a list you hold";
  const std::uint64_t unknown = result.accounts - result.known;
  if (unknown == 0) return lists_text(report) + "; none is new";
  return fmt::format("{}; {} are in no list you hold", lists_text(report),
                     share_text(result, unknown));
}

std::string_view verdict(const TriageReport& report) {
  const Triage& result = report.result;
  if (result.lists.empty()) return "";
  for (const TriagedList& list : result.lists)
    if (order_of(list) != OrderKind::kNone && share_of(list.accounts, result.accounts) >= kRecycled)
      return "consistent with a recycled third-party breach";
  if (!result.of_addresses) return "";  // common names are known in any case
  const double known = share_of(result.known, result.accounts);
  if (known >= kCollected) return "consistent with accounts collected from earlier breaches";
  if (known < kUnexplained) return "the lists you hold do not explain it";
  return "the lists you hold explain a part of it, as they do of the accounts of many a site";
}

std::string names_text(const Triage& result) {
  if (result.accounts != 0 && !result.of_addresses)
    return "; these are user names or phone numbers, not e-mail addresses: the same name in two "
           "lists need not be the same person";
  if (result.names_apart.accounts == 0) return "";
  return fmt::format("; {} user names or phone numbers beside them are counted apart",
                     about(result.names_apart.accounts));
}

std::string site_text(const TriageReport& report) {
  if (!report.site) return "";
  const SiteCounts& site = *report.site;
  if (site.in_dump == 0) return "; none of them is an account of yours";
  std::string text = fmt::format("; {} of them {} yours, {} open", about(site.in_dump),
                                 site.in_dump == 1 ? "is an account of" : "are accounts of",
                                 site.active == site.in_dump ? "all" : about(site.active));
  if (site.has_alerts)
    text += fmt::format(", {}{} attacked in the last 30 days", site.at_least ? "at least " : "",
                        about(site.attacked));
  return text;
}

}  // namespace

std::string triage_paragraph(const TriageReport& report) {
  const Triage& result = report.result;
  const bool few = result.lines < kFewLines,
             few_accounts = result.accounts != 0 && result.accounts < kFewLines;
  std::string text;
  if (few || few_accounts)
    text = fmt::format("too few {} to say where they come from: ", few ? "lines" : "accounts");
  text += fmt::format("{} line{}, ", grouped(result.lines), result.lines == 1 ? "" : "s");
  if (result.accounts == 0) {
    text += fmt::format("and no account in any of them as {}. Name their format with --format.",
                        one_line(result.format));
    return text;
  }
  text += fmt::format("{} account{}: {}", about(result.accounts), result.accounts == 1 ? "" : "s",
                      shares_text(report));
  if (const std::string_view said = verdict(report); !said.empty() && !few && !few_accounts)
    text += fmt::format("; {}", said);
  return text + site_text(report) + names_text(result) +
         ". Says nothing about whether passwords work.";
}

}  // namespace stuffwatch::daemon
