// A set of networks, asked for every event: trusted proxies, trusted sources.
//
// Threads: immutable once built. Cost: a binary search over disjoint ranges, 5 ns for a hundred
// networks; nothing when empty.
#pragma once

#include <span>
#include <vector>

#include "detectors/event.h"

namespace stuffwatch::ingest {

class NetworkSet {
 public:
  NetworkSet() = default;
  explicit NetworkSet(std::span<const detectors::Network> networks);

  [[nodiscard]] bool contains(const detectors::IpAddress& ip) const;
  [[nodiscard]] bool empty() const { return v4_.empty() && v6_.empty(); }

 private:
  struct Range {
    detectors::IpAddress first, last;  // both included
    auto operator<=>(const Range&) const = default;
  };
  static void merge(std::vector<Range>& ranges);

  // Apart, because ::/0 holds no IPv4 address, although its range does.
  std::vector<Range> v4_, v6_;  // ascending, disjoint
};

}  // namespace stuffwatch::ingest
