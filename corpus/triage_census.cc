#include "corpus/triage_census.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

namespace stuffwatch::corpus {
namespace {

constexpr std::uint64_t kBits = 64;

// How near the lines of the list are to each other: the share of pairs, in the better direction.
double nearness(const MatchOrder& order) {
  return static_cast<double>(std::max(order.forward, order.backward)) /
         static_cast<double>(order.pairs);
}

// Accounts that are in exactly these lists.
struct Together {
  std::vector<std::uint32_t> lists;  // indexes of Triage::lists
  std::uint64_t accounts;
};

// Of two lists that explain as many, the smaller one: that is less of a chance.
std::size_t best_of(const std::vector<std::uint64_t>& gains,
                    const std::vector<TriagedList>& lists) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < gains.size(); ++i)
    if (gains[i] > gains[best] || (gains[i] == gains[best] && lists[i].held < lists[best].held))
      best = i;
  return best;
}

}  // namespace

Census::Census(const Corpus& corpus, const ListGroups& groups,
               std::function<void(AccountKey)> on_account)
    : corpus_(corpus),
      groups_(groups),
      on_account_(std::move(on_account)),
      seen_(corpus.entries() / kBits + 1) {
  for (Kind& kind : kinds_) {
    kind.in_group.resize(groups.named_after.size());
    kind.runs.resize(corpus.lists().size());
  }
}

void Census::add(std::uint64_t chunk, ChunkMatches& matches) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return next_chunk_ == chunk; });
  for (ChunkNames::Counted& domain : matches.domains.counted())
    domain.number = domains_.enter(domain.name, domain.lines);
  count_known(matches);
  for (const ChunkNames::Counted& domain : matches.domains.counted())
    domains_.add(domain.number, domain.accounts);
  count_combinations(matches);
  for (std::size_t kind = 0; kind < kAccountKinds; ++kind)
    for (std::size_t list = 0; list < matches.runs[kind].size(); ++list)
      kinds_[kind].runs[list].append(matches.runs[kind][list]);
  domains_.make_room();
  ++next_chunk_;
  changed_.notify_all();
}

void Census::count_known(ChunkMatches& matches) {
  constexpr std::size_t kAhead = 16;  // the bits of a large corpus are in memory that is far
  const std::vector<MatchedLine>& lines = matches.lines;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i + kAhead < lines.size() && lines[i + kAhead].known())
      __builtin_prefetch(&seen_[lines[i + kAhead].entry / kBits], 1);
    const MatchedLine& line = lines[i];
    ++kinds_[line.kind()].lines;
    if (!line.known()) continue;
    std::uint64_t& bits = seen_[line.entry / kBits];
    const std::uint64_t bit = std::uint64_t{1} << line.entry % kBits;
    if ((bits & bit) != 0) continue;
    bits |= bit;
    ++matches.combinations.counted()[line.combination].accounts;
    if (line.kind() == kAddress) ++matches.domains.counted()[line.domain].accounts;
    if (on_account_) on_account_(AccountKey{line.hash});
  }
}

void Census::count_combinations(const ChunkMatches& matches) {
  for (const ChunkNames::Counted& combination : matches.combinations.counted()) {
    if (combination.accounts == 0) continue;
    Kind& kind = kinds_[Combination::kind_of(combination.name)];
    kind.accounts += combination.accounts, kind.known += combination.accounts;
    for (std::size_t i = 0; i < Combination::size(combination.name); ++i)
      kind.in_group[Combination::group(combination.name, i)] += combination.accounts;
    auto found = combinations_.find(combination.name);
    if (found == combinations_.end()) {
      if (combinations_.size() == kCombinations) {
        all_combinations_ = false;
        continue;
      }
      found = combinations_.emplace(combination.name, 0).first;
    }
    found->second += combination.accounts;
  }
}

void Census::add_unknown(const KeyedLine& account) {
  const AccountKind kind = account.position == DomainCounts::kNone ? kOtherName : kAddress;
  ++kinds_[kind].accounts;
  if (kind == kAddress) domains_.add(account.position, 1);
  if (on_account_) on_account_(AccountKey{account.hash});
}

void Census::tell(Triage& out) const {
  const AccountKind kind = kinds_[kAddress].lines != 0 ? kAddress : kOtherName;
  const Kind& counted = kinds_[kind];
  out.of_addresses = kind == kAddress;
  out.accounts = counted.accounts, out.known = counted.known;
  out.duplicates = counted.lines - counted.accounts;
  if (const Kind& names = kinds_[kOtherName]; out.of_addresses)
    out.names_apart = {names.lines, names.accounts, names.known};
  const std::vector<std::uint32_t> place_of = tell_lists(counted, out);
  explain(kind, place_of, out);
  for (auto& [name, accounts] : domains_.top(Triage::kTopDomains))
    out.domains.push_back({name, accounts});
  out.domains_exact = domains_.exact();
}

// All lists, sorted; gives the place of every group.
std::vector<std::uint32_t> Census::tell_lists(const Kind& kind, Triage& out) const {
  std::vector<TriagedList> lists(groups_.named_after.size());
  for (std::size_t group = 0; group < lists.size(); ++group) {
    const ListInfo& list = corpus_.lists()[groups_.named_after[group]];
    lists[group].name = list.name, lists[group].accounts = kind.in_group[group];
    lists[group].id = list.facts.id, lists[group].date = list.facts.date;
  }
  for (std::size_t l = 0; l < corpus_.lists().size(); ++l) {
    const ListInfo& ordering = corpus_.lists()[l];
    TriagedList& list = lists[groups_.group_of[l]];
    list.held = std::max(list.held, ordering.facts.accounts);
    const MatchOrder& order = kind.runs[l].order;
    if (order.pairs != 0 && (!list.order || nearness(order) > nearness(list.order->matches)))
      list.order = {ordering.name, order};
  }
  std::vector<std::uint32_t> sorted(lists.size()), place_of(lists.size());
  std::iota(sorted.begin(), sorted.end(), 0U);
  std::ranges::stable_sort(sorted, std::greater{},
                           [&](std::uint32_t g) { return lists[g].accounts; });
  for (std::uint32_t place = 0; place < sorted.size(); ++place) {
    place_of[sorted[place]] = place;
    out.lists.push_back(std::move(lists[sorted[place]]));
  }
  return place_of;
}

void Census::explain(AccountKind kind, const std::vector<std::uint32_t>& place_of,
                     Triage& out) const {
  std::vector<Together> left;
  for (const auto& [name, accounts] : combinations_) {
    if (Combination::kind_of(name) != kind) continue;
    Together& together = left.emplace_back(Together{{}, accounts});
    for (std::size_t i = 0; i < Combination::size(name); ++i)
      together.lists.push_back(place_of[Combination::group(name, i)]);
  }
  std::uint64_t so_far = 0;
  while (!left.empty()) {
    std::vector<std::uint64_t> gains(out.lists.size());
    for (const Together& together : left)
      for (const std::uint32_t list : together.lists) gains[list] += together.accounts;
    const std::size_t best = best_of(gains, out.lists);
    so_far += gains[best];
    out.explained_by.push_back({best, so_far});
    std::erase_if(left, [&](const Together& together) {
      return std::ranges::find(together.lists, best) != together.lists.end();
    });
  }
  out.explained_exactly = all_combinations_;
}

}  // namespace stuffwatch::corpus
