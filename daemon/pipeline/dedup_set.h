// Event ids seen lately: the first in merged order wins. Oldest out first; forced evictions (the window held more than max_ids) are counted.
// Time: event time. Threads: none. Memory: 16 bytes an id in order, and a set of as many.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <chrono>
#include <cstdint>
#include <deque>

#include "detectors/event.h"
#include "detectors/state/state_io.h"

namespace stuffwatch::daemon::pipeline {

class DedupSet {
 public:
  DedupSet(std::chrono::milliseconds window, std::size_t max_ids)
      : window_(window), max_ids_(max_ids) {}

  // False: seen within the window. `front` never falls.
  bool insert(std::uint64_t id, detectors::EventTime front) {
    while (!order_.empty() && front - order_.front().time > window_)
      ids_.erase(order_.front().id), order_.pop_front();
    if (!ids_.insert(id).second) return false;
    if (order_.size() >= max_ids_) ids_.erase(order_.front().id), order_.pop_front(), ++forced_;
    order_.push_back({id, front});
    return true;
  }
  [[nodiscard]] std::uint64_t forced_evictions() const { return forced_; }

  void save(detectors::StateWriter& out) const {
    out.put(forced_), out.put(std::uint64_t{order_.size()});
    for (const Seen& seen : order_) out.put(seen);
  }
  void load(detectors::StateReader& in) {
    forced_ = in.get<std::uint64_t>();
    for (auto count = in.get<std::uint64_t>(); count != 0 && !in.failed(); --count) {
      order_.push_back(in.get<Seen>());
      ids_.insert(order_.back().id);
    }
  }

 private:
  struct Seen {
    std::uint64_t id;
    detectors::EventTime time;
  };
  std::chrono::milliseconds window_;
  std::size_t max_ids_;
  std::deque<Seen> order_;
  boost::unordered_flat_set<std::uint64_t> ids_;
  std::uint64_t forced_ = 0;
};

}  // namespace stuffwatch::daemon::pipeline
