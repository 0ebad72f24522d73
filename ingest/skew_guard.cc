#include "ingest/skew_guard.h"

namespace stuffwatch::ingest {

void SkewGuard::push(const Event& event, std::vector<Judged>& out) {
  if (held_.empty() && !beyond(event.time)) {
    if (!newest_ || event.time > *newest_) newest_ = event.time;
    out.push_back({event.item, true});
    return;
  }
  hold(event);
  judge(false, out);
}

void SkewGuard::finish(std::vector<Judged>& out) { judge(true, out); }

void SkewGuard::hold(const Event& event) {
  if (held_.empty() || held_.back().offset != event.offset) ++records_;
  const std::uint64_t number = first_ + held_.size();
  held_.push_back(event);
  while (!lows_.empty() && lows_.back().time >= event.time) lows_.pop_back();
  lows_.push_back({number, event.time});
}

// From the oldest on, as far as can be told. What is held never reaches further than 16 records
// behind the oldest.
void SkewGuard::judge(bool finishing, std::vector<Judged>& out) {
  while (!held_.empty()) {
    const Event& oldest = held_.front();
    if (!beyond(oldest.time)) {
      pop(true, out);
    } else if (!beyond(lows_.front().time)) {
      pop(false, out);  // one of those behind it is not beyond
    } else if (records_ > kWitnesses) {
      pop(true, out);
    } else if (finishing) {
      pop(within_record_timestamp(oldest), out);
    } else {
      return;
    }
  }
}

bool SkewGuard::within_record_timestamp(const Event& event) const {
  return event.record_timestamp_ms < 0 ||
         event.time <= EventTime{std::chrono::milliseconds{event.record_timestamp_ms}} + max_skew_;
}

void SkewGuard::pop(bool accepted, std::vector<Judged>& out) {
  const Event event = held_.front();
  held_.pop_front();
  if (held_.empty() || held_.front().offset != event.offset) --records_;
  if (lows_.front().number == first_) lows_.pop_front();
  ++first_;
  if (accepted && (!newest_ || event.time > *newest_)) newest_ = event.time;
  out.push_back({event.item, accepted});
}

}  // namespace stuffwatch::ingest
