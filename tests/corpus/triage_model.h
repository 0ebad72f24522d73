// Lists and dumps whose accounts are known, and a triage of them counted as one would on paper.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/triage.h"

namespace stuffwatch::corpus::testing {

struct Line {
  std::string text, account;  // account: canonical; empty when the line has none
};
using Lines = std::vector<Line>;

struct List {
  std::string name;
  Lines lines;
  bool positions = true;
  std::string ordering_of = {};
};

inline std::string text_of(const Lines& lines) {
  std::string text;
  for (const Line& line : lines) text += line.text + '\n';
  return text;
}

inline Line address(std::uint64_t number, std::string_view domain = "example.com") {
  const std::string account = fmt::format("user{}@{}", number, domain);
  return {account + ":secret", account};
}
inline Lines addresses(std::uint64_t first, std::uint64_t end) {
  Lines lines;
  for (std::uint64_t i = first; i < end; ++i) lines.push_back(address(i));
  return lines;
}
inline void append(Lines& to, const Lines& lines) {
  to.insert(to.end(), lines.begin(), lines.end());
}

// All that is compared, as text: a difference is read at once.
inline std::string told(const Triage& t) {
  std::string out = fmt::format(
      "lines {} valid {} rejected {} addresses {}\nduplicates {} accounts {} known {}\napart {} {} "
      "{}\n",
      t.lines, t.tally.valid,
      std::accumulate(t.tally.rejected.begin(), t.tally.rejected.end(), std::uint64_t{0}),
      t.of_addresses, t.duplicates, t.accounts, t.known, t.names_apart.lines,
      t.names_apart.accounts, t.names_apart.known);
  for (const TriagedList& list : t.lists) {
    out += fmt::format("list {} held {} accounts {}", list.name, list.held, list.accounts);
    if (list.order)
      out += fmt::format(" order {} {} {} {}", list.order->ordering, list.order->matches.pairs,
                         list.order->matches.forward, list.order->matches.backward);
    out += '\n';
  }
  for (const auto& [list, so_far] : t.explained_by)
    out += fmt::format("explained {} {}\n", t.lists[list].name, so_far);
  for (const auto& [name, accounts] : t.domains)
    out += fmt::format("domain {} {}\n", name, accounts);
  return out + fmt::format("exact {} {}\n", t.explained_exactly, t.domains_exact);
}

// The same, counted as one would on paper.
struct Model {
  std::vector<List> lists;
  std::set<std::string> forgotten;

  // The line of an account in a list, from 0.
  static std::map<std::string, std::uint64_t> places(const List& list) {
    std::map<std::string, std::uint64_t> at;
    for (std::size_t i = 0; i < list.lines.size(); ++i)
      if (!list.lines[i].account.empty()) at.emplace(list.lines[i].account, i);
    return at;
  }
  static std::optional<MatchOrder> order_of(const Lines& dump, const List& list,
                                            const std::set<std::string>& accounts) {
    const auto at = places(list);
    std::vector<std::int64_t> matches;
    for (const Line& line : dump)
      if (accounts.contains(line.account))
        if (const auto found = at.find(line.account); found != at.end())
          matches.push_back(static_cast<std::int64_t>(found->second));
    MatchOrder order;
    for (std::size_t i = 1; i < matches.size(); ++i) {
      const std::int64_t gap = matches[i] - matches[i - 1];
      order.pairs += gap != 0;
      order.forward += gap > 0 && gap <= 8, order.backward += gap < 0 && gap >= -8;
    }
    if (order.pairs == 0 || !list.positions) return std::nullopt;
    return order;
  }

  [[nodiscard]] Triage triage(const Lines& dump) const {
    Triage t;
    std::map<std::string, std::uint64_t> seen, domains;
    std::set<std::string> all, names;
    for (const Line& line : dump) {
      ++t.lines;
      if (line.account.empty()) {
        ++t.tally.rejected[1];
        continue;
      }
      ++t.tally.valid, ++seen[line.account];
      (line.account.find('@') == std::string::npos ? names : all).insert(line.account);
    }
    std::set<std::string> held;
    for (const List& list : lists)
      for (const auto& [account, at] : places(list))
        if (!forgotten.contains(account)) held.insert(account);
    t.of_addresses = !all.empty();
    if (t.of_addresses)
      for (const std::string& name : names)
        t.names_apart.lines += seen[name], ++t.names_apart.accounts,
            t.names_apart.known += held.contains(name);
    else
      all = names;
    t.accounts = all.size();
    std::set<std::string> known;
    for (const std::string& account : all) {
      t.duplicates += seen[account] - 1;
      if (held.contains(account)) known.insert(account);
      if (const std::size_t at = account.find('@'); at != std::string::npos)
        ++domains[account.substr(at + 1)];
    }
    t.known = known.size();
    std::vector<std::set<std::string>> sets;
    for (const List& list : lists) add_list(t, sets, list, dump, known);
    sort_and_explain(t, sets);
    for (const auto& [name, accounts] : domains) t.domains.push_back({name, accounts});
    std::ranges::stable_sort(t.domains, std::greater{}, &Triage::Domain::accounts);
    if (t.domains.size() > Triage::kTopDomains) t.domains.resize(Triage::kTopDomains);
    return t;
  }

  static void add_list(Triage& t, std::vector<std::set<std::string>>& sets, const List& list,
                       const Lines& dump, const std::set<std::string>& known) {
    const std::string original = list.ordering_of.empty() ? list.name : list.ordering_of;
    const auto found = std::ranges::find(t.lists, original, &TriagedList::name);
    const auto index = static_cast<std::size_t>(found - t.lists.begin());
    if (found == t.lists.end()) t.lists.push_back({.name = original}), sets.emplace_back();
    const auto at = places(list);
    for (const std::string& account : known)
      if (at.contains(account)) sets[index].insert(account);
    TriagedList& counted = t.lists[index];
    counted.accounts = sets[index].size();
    counted.held = std::max<std::uint64_t>(counted.held, at.size());
    const auto near = [](const MatchOrder& o) {
      return static_cast<double>(std::max(o.forward, o.backward)) / static_cast<double>(o.pairs);
    };
    const auto order = order_of(dump, list, known);
    if (order && (!counted.order || near(*order) > near(counted.order->matches)))
      counted.order = {list.name, *order};
  }

  static void sort_and_explain(Triage& t, std::vector<std::set<std::string>>& sets) {
    std::vector<std::size_t> order(t.lists.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::stable_sort(order, std::greater{},
                             [&](std::size_t i) { return t.lists[i].accounts; });
    std::vector<TriagedList> lists;
    std::vector<std::set<std::string>> sorted_sets;
    for (const std::size_t i : order) lists.push_back(t.lists[i]), sorted_sets.push_back(sets[i]);
    t.lists = lists;
    std::set<std::string> covered;
    for (;;) {
      std::size_t best = 0, best_gain = 0;
      for (std::size_t i = 0; i < sorted_sets.size(); ++i) {
        std::size_t gain = 0;
        for (const std::string& account : sorted_sets[i]) gain += !covered.contains(account);
        if (gain > best_gain ||
            (gain != 0 && gain == best_gain && lists[i].held < lists[best].held))
          best = i, best_gain = gain;
      }
      if (best_gain == 0) break;
      covered.insert(sorted_sets[best].begin(), sorted_sets[best].end());
      t.explained_by.push_back({best, covered.size()});
    }
  }
};

}  // namespace stuffwatch::corpus::testing
