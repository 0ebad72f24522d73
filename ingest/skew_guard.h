// Judges from data alone whether an event that is far ahead of its input is a real gap or a bad
// clock (pipeline.md 1). One instance an input.
//
// An event more than `max_skew` ahead of the newest accepted time is held, and all behind it wait
// too, so that an input keeps its offset order. It is accepted when the next 16 records also lie
// beyond; rejected (kClockAhead) at the first that does not. The first event of an input sets the
// reference. finish() says that nothing follows to judge by; then an event with a record timestamp
// is accepted if it is not ahead of that by more than `max_skew`; one without (a file) is accepted,
// because what follows it, if anything, also lies beyond.
//
// Time:    event time only. Pure: the same calls give the same answers.
// Threads: one at a time.
// Memory:  the events of at most 17 records.
// Cost:    O(1) amortised an event, whatever the times are.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "ingest/raw_login.h"

namespace stuffwatch::ingest {

class SkewGuard {
 public:
  static constexpr std::size_t kWitnesses = 16;  // records

  // What the guard must know of an event. `item` is the caller's and comes back. Events of one
  // record share `offset`.
  struct Event {
    std::uint64_t item = 0;
    EventTime time{};
    std::int64_t offset = 0;
    std::int64_t record_timestamp_ms = -1;  // -1 = none
  };
  struct Judged {
    std::uint64_t item = 0;
    bool accepted = false;
  };

  // `newest`: from the checkpoint, on restart.
  explicit SkewGuard(std::chrono::milliseconds max_skew,
                     std::optional<EventTime> newest = std::nullopt)
      : max_skew_(max_skew), newest_(newest) {}

  // In input order. Appends the events that are now judged to `out`, in input order: none while one
  // is held.
  void push(const Event& event, std::vector<Judged>& out);
  // The input ended, or stood at its end for `idle_after`. Afterwards nothing is held; more may be
  // pushed.
  void finish(std::vector<Judged>& out);

  [[nodiscard]] std::size_t held() const { return held_.size(); }
  [[nodiscard]] std::optional<EventTime> newest() const { return newest_; }  // of the accepted

 private:
  struct Low {
    std::uint64_t number = 0;
    EventTime time{};
  };

  [[nodiscard]] bool beyond(EventTime time) const { return newest_ && time > *newest_ + max_skew_; }
  void hold(const Event& event);
  void judge(bool finishing, std::vector<Judged>& out);
  [[nodiscard]] bool within_record_timestamp(const Event& event) const;
  void pop(bool accepted, std::vector<Judged>& out);

  std::chrono::milliseconds max_skew_;
  std::optional<EventTime> newest_;
  std::deque<Event> held_;
  std::deque<Low> lows_;     // rising times, rising numbers: the front is the earliest of held_
  std::uint64_t first_ = 0;  // number of held_.front()
  std::size_t records_ = 0;  // that held_ comes from
};

}  // namespace stuffwatch::ingest
