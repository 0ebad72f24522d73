// How many different things: exact up to k, then estimated from the k smallest hashes (Bar-Yossef et al. 2002; Beyer et al. 2007), error about 1/sqrt(k).
// Only divides, so that every machine prints the same number. Memory: 8 k bytes at most, grows as needed. Threads: none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "detectors/state/mix.h"
#include "detectors/state/state_io.h"

namespace stuffwatch::detectors {

class DistinctCounter {
 public:
  static constexpr std::size_t kExact = 1024;

  void add(std::uint64_t value) {
    const std::uint64_t hash = mix(value, 0x2545f4914f6cdd1dull);
    if (hashes_.size() == kExact && hash >= hashes_.back()) {
      over_ = over_ || hash > hashes_.back();
      return;
    }
    const auto at = std::ranges::lower_bound(hashes_, hash);
    if (at != hashes_.end() && *at == hash) return;
    if (hashes_.size() == kExact) hashes_.pop_back(), over_ = true;
    hashes_.insert(std::ranges::lower_bound(hashes_, hash), hash);
  }
  void merge(const DistinctCounter& other) {
    std::vector<std::uint64_t> both;
    std::ranges::set_union(hashes_, other.hashes_, std::back_inserter(both));
    over_ = over_ || other.over_ || both.size() > kExact;
    if (both.size() > kExact) both.resize(kExact);
    hashes_ = std::move(both);
  }
  [[nodiscard]] bool exact() const { return !over_; }
  [[nodiscard]] std::uint64_t count() const {
    if (!over_) return hashes_.size();
    const double share = (static_cast<double>(hashes_.back()) + 1) / 18446744073709551616.0;
    return static_cast<std::uint64_t>(static_cast<double>(kExact - 1) / share);
  }
  void save(StateWriter& out) const {
    out.put(over_), out.put_all(std::span<const std::uint64_t>(hashes_));
  }
  void load(StateReader& in) { over_ = in.get<bool>(), in.get_all(hashes_); }

 private:
  std::vector<std::uint64_t> hashes_;  // the smallest, sorted
  bool over_ = false;
};

}  // namespace stuffwatch::detectors
