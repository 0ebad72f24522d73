// The clear names behind failed attempts, so that victims known only by their key can be named; oldest out first.
// Used when privacy.account_names is `clear`, never otherwise. Memory: a million names at most. Threads: none.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "detectors/event.h"
#include "detectors/state/state_io.h"

namespace stuffwatch::detectors {

class AccountNames {
 public:
  void remember(AccountKey account, std::string&& name) {
    const auto [entry, fresh] = by_account_.try_emplace(value_of(account), std::move(name));
    if (!fresh) return;
    order_.push_back(entry->first);
    if (order_.size() > kMax) by_account_.erase(order_.front()), order_.pop_front();
  }
  [[nodiscard]] const std::string* find(AccountKey account) const {
    const auto known = by_account_.find(value_of(account));
    return known == by_account_.end() ? nullptr : &known->second;
  }
  void save(StateWriter& out) const {
    out.put(std::uint64_t{order_.size()});
    for (const std::uint64_t account : order_) out.put(account), out.text(by_account_.at(account));
  }
  void load(StateReader& in) {
    for (auto count = in.get<std::uint64_t>(); count != 0 && !in.failed(); --count) {
      const AccountKey account{in.get<std::uint64_t>()};
      remember(account, in.text());
    }
  }

 private:
  static constexpr std::size_t kMax = 1u << 20;
  boost::unordered_flat_map<std::uint64_t, std::string> by_account_;
  std::deque<std::uint64_t> order_;
};

}  // namespace stuffwatch::detectors
