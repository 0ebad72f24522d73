#include "corpus/domain_counts.h"

#include <libpsl.h>
#include <xxhash.h>

#include <algorithm>

namespace stuffwatch::corpus {

std::size_t NameHash::operator()(std::string_view name) const {
  return ::XXH3_64bits(name.data(), name.size());
}

PublicSuffixes::PublicSuffixes()
    : list_(::psl_latest(nullptr),
            [](const psl_ctx_t* list) { ::psl_free(const_cast<psl_ctx_t*>(list)); }) {}

std::string_view PublicSuffixes::registrable(const std::string& host) const {
  const char* const found = ::psl_registrable_domain(list_.get(), host.c_str());
  return found == nullptr ? std::string_view(host) : std::string_view(found);
}

std::uint64_t DomainCounts::enter(std::string_view name, std::uint64_t lines) {
  auto found = domains_.find(name);
  if (found == domains_.end()) {
    found = domains_.emplace(name, Domain{.number = next_++}).first;
    by_number_.emplace(found->second.number, &found->second);
  }
  found->second.lines += lines;
  return found->second.number;
}

void DomainCounts::add(std::uint64_t number, std::uint64_t accounts) {
  if (const auto found = by_number_.find(number); found != by_number_.end())
    found->second->accounts += accounts;
}

void DomainCounts::make_room() {
  if (domains_.size() <= most_) return;
  exact_ = false;
  std::vector<std::pair<std::uint64_t, std::uint64_t>>
      order;  // of two with as few lines the older goes
  for (const auto& [name, domain] : domains_) order.emplace_back(domain.lines, domain.number);
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
  std::ranges::nth_element(order, middle);
  const auto least = *middle;
  std::erase_if(domains_, [&](const auto& entry) {
    const Domain& domain = entry.second;
    if (std::pair(domain.lines, domain.number) >= least) return false;
    by_number_.erase(domain.number);
    return true;
  });
}

std::vector<std::pair<std::string, std::uint64_t>> DomainCounts::top(std::size_t count) const {
  std::vector<std::pair<std::string, std::uint64_t>> all;
  for (const auto& [name, domain] : domains_)
    if (domain.accounts != 0) all.emplace_back(name, domain.accounts);
  const auto more = [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  };
  const std::size_t kept = std::min(count, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(kept), more);
  all.resize(kept);
  return all;
}

}  // namespace stuffwatch::corpus
