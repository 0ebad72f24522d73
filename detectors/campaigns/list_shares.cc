#include "detectors/campaigns/list_shares.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace stuffwatch::detectors {
namespace {

constexpr std::uint64_t kMostLogins = std::uint64_t{1} << 20;
constexpr double kPriorAccounts = 400, kPriorListed = 4;

// Each list once, however many of its orderings have the account. There are a handful of hits.
template <class Visit>
void for_each_list(std::span<const ListHit> hits, const ListDirectory& directory, Visit&& visit) {
  for (std::size_t i = 0; i < hits.size(); ++i) {
    const corpus::ListName& list = directory.lists[hits[i].list];
    const bool again = std::ranges::any_of(hits.first(i), [&](const ListHit& before) {
      return directory.lists[before.list].key == list.key;
    });
    if (!again) visit(list);
  }
}

}  // namespace

void ListShares::add(std::span<const ListHit> hits, const ListDirectory& directory) {
  if (directory.lists.empty()) return;
  ++looked_up;
  for_each_list(hits, directory, [&](const corpus::ListName& list) {
    std::string& name = lists.add(list.key);
    if (name.empty()) name = list.name;
  });
}

void ListShares::merge(const ListShares& other) {
  looked_up += other.looked_up;
  for (const auto& list : other.lists.sorted()) lists.add(list.key, list.count) = list.value;
}

void ListShares::save(StateWriter& out) const {
  out.put(looked_up), out.put(std::uint64_t{lists.entries().size()});
  for (const auto& list : lists.entries())
    out.put(list.key), out.put(list.count), out.text(list.value);
}
void ListShares::load(StateReader& in) {
  looked_up = in.get<std::uint64_t>();
  std::vector<TopCounts<std::string>::Entry> entries;
  for (auto n = in.get<std::uint64_t>(); n != 0 && !in.failed(); --n) {
    auto& entry = entries.emplace_back();
    entry.key = in.get<std::uint64_t>(), entry.count = in.get<std::uint64_t>();
    entry.value = in.text();
  }
  lists.restore(std::move(entries));
}

void ListRates::use(const ListDirectory& directory) {
  for (const corpus::ListName& list : directory.lists)
    lists_.try_emplace(list.key, Seen{0, logins_});
}

void ListRates::learn(std::span<const ListHit> hits, const ListDirectory& directory) {
  if (directory.lists.empty()) return;
  ++logins_;
  for_each_list(hits, directory, [&](const corpus::ListName& list) { ++lists_[list.key].hits; });
  if (logins_ >= kMostLogins) halve();
}

void ListRates::halve() {
  logins_ /= 2;
  for (auto& [key, seen] : lists_) seen.hits /= 2, seen.since /= 2;
}

double ListRates::expected(std::uint64_t key, const ListDirectory& directory) const {
  const auto known = std::ranges::find(directory.lists, key, &corpus::ListName::key);
  if (known != directory.lists.end() && known->base_rate) return *known->base_rate;
  const auto found = lists_.find(key);
  const Seen seen = found == lists_.end() ? Seen{0, logins_} : found->second;
  return (static_cast<double>(seen.hits) + kPriorListed) /
         (static_cast<double>(logins_ - seen.since) + kPriorAccounts);
}

void ListRates::save(StateWriter& out) const {
  std::vector<std::pair<std::uint64_t, Seen>> sorted(lists_.begin(), lists_.end());
  std::ranges::sort(sorted, {}, &std::pair<std::uint64_t, Seen>::first);
  out.put(logins_), out.put(std::uint64_t{sorted.size()});
  for (const auto& [key, seen] : sorted) out.put(key), out.put(seen.hits), out.put(seen.since);
}
void ListRates::load(StateReader& in) {
  lists_.clear(), logins_ = in.get<std::uint64_t>();
  for (auto n = in.get<std::uint64_t>(); n != 0 && !in.failed(); --n) {
    const auto key = in.get<std::uint64_t>(), hits = in.get<std::uint64_t>();
    lists_[key] = {hits, std::min(in.get<std::uint64_t>(), logins_)};
  }
}

bool stands_out(std::uint64_t k, std::uint64_t n, double expected) {
  const auto in = static_cast<double>(k), mean = static_cast<double>(n) * expected;
  return k >= 10 && in >= 2 * mean && in - mean >= 8 * std::sqrt(mean * (1 - expected));
}

}  // namespace stuffwatch::detectors
