// Event ids seen lately: the first in merged order wins. Oldest out first; forced evictions (the window held more than max_ids) are counted.
// What the window has left behind goes once a second, many at a time, so that accesses to memory overlap.
// Time: event time. Threads: none. Memory: 16 bytes an id in order, and a map of as many.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
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
    if (front >= purge_at_) purge(front), purge_at_ = front + kPurgeEvery;
    const auto [known, fresh] = last_.try_emplace(id, front);
    if (!fresh && front - known->second <= window_) return false;
    known->second = front;
    order_.push_back({id, front});
    if (last_.size() > max_ids_) purge(front);
    if (last_.size() > max_ids_) forget_oldest(), ++forced_;
    return true;
  }
  [[nodiscard]] std::uint64_t forced_evictions() const { return forced_; }

  [[nodiscard]] std::uint64_t state_bytes() const { return order_.size() * sizeof(Seen) + 64; }
  void save(detectors::StateWriter& out) const {
    out.expect(state_bytes());
    out.put(forced_), out.put(purge_at_), out.put(std::uint64_t{order_.size()});
    for (const Seen& seen : order_) out.put(seen);
  }
  void load(detectors::StateReader& in) {
    forced_ = in.get<std::uint64_t>(), purge_at_ = in.get<detectors::EventTime>();
    for (auto count = in.get<std::uint64_t>(); count != 0 && !in.failed(); --count) {
      order_.push_back(in.get<Seen>());
      last_[order_.back().id] = order_.back().time;
    }
  }

 private:
  static constexpr std::chrono::seconds kPurgeEvery{1};
  struct Seen {
    std::uint64_t id;
    detectors::EventTime time;
  };

  void purge(detectors::EventTime front) {
    while (!order_.empty() && front - order_.front().time > window_) forget_oldest();
  }
  // Unless it was seen again since: then it stands in the order once more.
  void forget_oldest() {
    const Seen oldest = order_.front();
    order_.pop_front();
    if (const auto found = last_.find(oldest.id); found->second == oldest.time) last_.erase(found);
  }

  std::chrono::milliseconds window_;
  std::size_t max_ids_;
  std::deque<Seen> order_;
  boost::unordered_flat_map<std::uint64_t, detectors::EventTime> last_;
  detectors::EventTime purge_at_ = detectors::EventTime::min();
  std::uint64_t forced_ = 0;
};

}  // namespace stuffwatch::daemon::pipeline
