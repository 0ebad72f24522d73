// One order for all inputs: by (order time, input, offset), where order time = event time + the input's declared delay (pipeline.md 1).
//
// Nothing is emitted until every live input has a head. An input is idle after it stood at the broker's end for idle_after; one that is merely slow is waited
// for up to max_delay, then left out, which makes the view partial; so is one that stands at its end and yet lags by more than max_delay in event time.
// Records that come back behind the front are taken at the front and counted.
// Time: event time; `now` (a monotonic clock of the caller) decides only about waiting. Threads: the merge thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/pipeline/input_queue.h"
#include "detectors/state/state_io.h"

namespace stuffwatch::daemon::pipeline {

using Monotonic = std::chrono::steady_clock::time_point;

struct MergeConfig {
  std::chrono::milliseconds idle_after = std::chrono::seconds{2};
  std::chrono::milliseconds max_delay = std::chrono::seconds{60};
};

class Merge {
 public:
  enum class State : std::uint8_t { kEvent, kWaiting, kFinished };
  struct Next {
    InputQueue::Head head;
    EventTime order_time{};  // never before the front
  };
  // An input left out of the waiting, or back in it; for the log. `behind`: by how much, when it lags in event time.
  struct Notice {
    const InputQueue* input;
    bool left_out;
    std::chrono::milliseconds behind;
  };

  explicit Merge(const MergeConfig& config) : config_(config) {}

  // It stands where it goes on already: see resume_of() and InputQueue::resume().
  void add(std::unique_ptr<InputQueue> input);
  void remove(ingest::InputId id);
  [[nodiscard]] InputQueue* find(ingest::InputId id);
  [[nodiscard]] std::size_t size() const { return lanes_.size(); }

  // Reads and decodes ahead. Cheap when there is nothing to do.
  void fill(Monotonic now, const OnBadRecord& on_bad,
            const std::function<void(const Notice&)>& notice);
  // The next event in order, if it is certain. pop() takes it.
  [[nodiscard]] State peek(Next& next);
  void pop();
  // The memory of events that were taken, once none of its batch is left here.
  void take_spent(std::vector<std::shared_ptr<DecoderPool::Job>>& out);

  [[nodiscard]] EventTime front() const { return front_; }
  [[nodiscard]] std::uint64_t behind_front() const {
    return behind_front_;
  }  // records taken at the front
  [[nodiscard]] std::size_t left_out() const;
  [[nodiscard]] bool decoding() const;
  // An input that is being waited for stands before what was committed for it.
  [[nodiscard]] bool warming() const;

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& lane : lanes_) visit(*lane->queue, lane->left_out, lane->idle);
  }
  void save(detectors::StateWriter& out) const;
  // Inputs are matched by id as they are added later.
  void load(detectors::StateReader& in);
  struct Resume {
    ingest::InputId id;
    std::string name;
    std::int64_t next_offset = 0;
    EventTime newest{}, last_order{};
    bool has_newest = false;
    ingest::DecodeCounts
        counts{};  // of this process: an input that comes back goes on counting; not saved
  };
  [[nodiscard]] const Resume* resume_of(ingest::InputId id, std::string_view name) const;
  [[nodiscard]] std::vector<Resume> positions() const;

 private:
  struct Lane {
    std::unique_ptr<InputQueue> queue;
    Monotonic at_end_since{}, waiting_since{};
    bool at_end = false, waiting = false, idle = false, left_out = false, queued = false;
  };
  struct HeapEntry {
    EventTime order_time;
    ingest::InputId id;
    Lane* lane;
    bool operator>(const HeapEntry& other) const {
      return order_time != other.order_time ? order_time > other.order_time : id > other.id;
    }
  };
  void refill(Lane& lane, Monotonic now, const OnBadRecord& on_bad,
              const std::function<void(const Notice&)>& notice);
  void queue_head(Lane& lane);
  void set_left_out(Lane& lane, bool value, std::chrono::milliseconds behind,
                    const std::function<void(const Notice&)>& notice);
  [[nodiscard]] static bool holds_back(const Lane& lane) {
    return !lane.queued && !lane.idle && !lane.left_out && !lane.queue->finished();
  }

  MergeConfig config_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // in id order
  std::vector<HeapEntry> heap_;
  std::size_t held_back_ = 0;  // lanes that everyone waits for
  EventTime front_ = EventTime::min();
  std::uint64_t behind_front_ = 0;
  std::vector<Resume> resume_;
};

}  // namespace stuffwatch::daemon::pipeline
