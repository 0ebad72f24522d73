#include "ingest/network_set.h"

#include <algorithm>

namespace stuffwatch::ingest {
namespace {

detectors::IpAddress last_of(const detectors::Network& network) {
  detectors::IpAddress last = network.address;
  const unsigned kept = network.v4 ? network.bits + 96U : network.bits;
  for (unsigned bit = kept; bit < 128; ++bit) {
    std::uint8_t& byte = last.bytes[bit / 8];
    byte = static_cast<std::uint8_t>(byte | 0x80U >> bit % 8);
  }
  return last;
}

}  // namespace

NetworkSet::NetworkSet(std::span<const detectors::Network> networks) {
  for (const detectors::Network& network : networks)
    (network.v4 ? v4_ : v6_).push_back({network.address, last_of(network)});
  merge(v4_);
  merge(v6_);
}

// Networks nest or are disjoint, so that a range either lies within the one before it or behind it.
void NetworkSet::merge(std::vector<Range>& ranges) {
  std::ranges::sort(ranges, [](const Range& a, const Range& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
  const auto inside = [](const Range& outer, const Range& inner) {
    return inner.last <= outer.last;
  };
  ranges.erase(std::unique(ranges.begin(), ranges.end(), inside), ranges.end());
}

bool NetworkSet::contains(const detectors::IpAddress& ip) const {
  const std::vector<Range>& ranges = ip.is_v4() ? v4_ : v6_;
  const auto after = std::ranges::upper_bound(ranges, ip, {}, &Range::first);
  return after != ranges.begin() && ip <= std::prev(after)->last;
}

}  // namespace stuffwatch::ingest
