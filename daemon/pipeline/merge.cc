#include "daemon/pipeline/merge.h"

#include <algorithm>
#include <utility>

namespace stuffwatch::daemon::pipeline {

using ingest::ReadStatus;

void Merge::add(std::unique_ptr<InputQueue> input) {
  auto lane = std::make_unique<Lane>();
  lane->queue = std::move(input);
  const auto at = std::ranges::lower_bound(lanes_, lane->queue->id(), {},
                                           [](const auto& l) { return l->queue->id(); });
  lanes_.insert(at, std::move(lane));
  ++held_back_;
}

// What was merged stays merged: when the input comes back it goes on behind that.
void Merge::remove(ingest::InputId id) {
  for (const Resume& position : positions()) {
    if (position.id != id) continue;
    std::erase_if(resume_, [&](const Resume& earlier) { return earlier.id == id; });
    resume_.push_back(position);
    break;
  }
  std::erase_if(heap_, [&](const HeapEntry& e) { return e.id == id; });
  std::ranges::make_heap(heap_, std::greater<>{});
  std::erase_if(lanes_, [&](const auto& lane) { return lane->queue->id() == id; });
}

InputQueue* Merge::find(ingest::InputId id) {
  const auto lane =
      std::ranges::find_if(lanes_, [&](const auto& l) { return l->queue->id() == id; });
  return lane == lanes_.end() ? nullptr : (*lane)->queue.get();
}

void Merge::queue_head(Lane& lane) {
  if (lane.queued || !lane.queue->has_head()) return;
  heap_.push_back({lane.queue->head().order_time, lane.queue->id(), &lane});
  std::ranges::push_heap(heap_, std::greater<>{});
  lane.queued = true;
}

void Merge::fill(Monotonic now, const OnBadRecord& on_bad,
                 const std::function<void(const Notice&)>& notice) {
  for (auto& lane : lanes_) refill(*lane, now, on_bad, notice);
  held_back_ = static_cast<std::size_t>(
      std::ranges::count_if(lanes_, [](const auto& lane) { return holds_back(*lane); }));
}

void Merge::refill(Lane& lane, Monotonic now, const OnBadRecord& on_bad,
                   const std::function<void(const Notice&)>& notice) {
  lane.queue->fill(on_bad);
  queue_head(lane);
  const bool at_end = lane.queue->status() == ReadStatus::kAtEnd && !lane.queue->decoding();
  if (at_end && !lane.at_end) lane.at_end_since = now;
  lane.at_end = at_end;
  if (lane.queued) {
    lane.idle = lane.waiting = false;
    if (lane.left_out && lane.queue->head().shifted + config_.max_delay >= front_)
      set_left_out(lane, false, {}, notice);
    return;
  }
  if (at_end && !lane.idle && now - lane.at_end_since >= config_.idle_after) {
    lane.queue->finish_held(on_bad);
    queue_head(lane);
    lane.idle = !lane.queued;
    if (lane.queued) return;
  }
  if (!lane.waiting) lane.waiting = true, lane.waiting_since = now;
  if (lane.idle || lane.left_out || lane.queue->finished()) return;
  if (!at_end && !lane.queue->decoding() && now - lane.waiting_since >= config_.max_delay) {
    set_left_out(lane, true, {}, notice);
  } else if (at_end && !heap_.empty() && lane.queue->last_order() != EventTime::min()) {
    const auto behind = std::chrono::duration_cast<std::chrono::milliseconds>(
        heap_.front().order_time - lane.queue->last_order());
    if (behind > config_.max_delay) set_left_out(lane, true, behind, notice);
  }
}

void Merge::set_left_out(Lane& lane, bool value, std::chrono::milliseconds behind,
                         const std::function<void(const Notice&)>& notice) {
  if (lane.left_out == value) return;
  lane.left_out = value;
  notice({lane.queue.get(), value, behind});
}

Merge::State Merge::peek(Next& next) {
  if (held_back_ != 0) return State::kWaiting;
  if (heap_.empty()) {
    const bool all =
        std::ranges::all_of(lanes_, [](const auto& lane) { return lane->queue->finished(); });
    return all ? State::kFinished : State::kWaiting;
  }
  next.head = heap_.front().lane->queue->head();
  next.order_time = std::max(front_, next.head.order_time);
  return State::kEvent;
}

void Merge::pop() {
  Lane& lane = *heap_.front().lane;
  if (heap_.front().order_time < front_) ++behind_front_;
  front_ = std::max(front_, heap_.front().order_time);
  std::ranges::pop_heap(heap_, std::greater<>{});
  heap_.pop_back();
  lane.queue->pop();
  lane.queued = false;
  queue_head(lane);
  if (holds_back(lane)) ++held_back_;
}

void Merge::take_spent(std::vector<std::shared_ptr<DecoderPool::Job>>& out) {
  for (auto& lane : lanes_) lane->queue->take_spent(out);
}
std::size_t Merge::left_out() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(lanes_, [](const auto& lane) { return lane->left_out; }));
}
bool Merge::decoding() const {
  return std::ranges::any_of(lanes_, [](const auto& lane) { return lane->queue->decoding(); });
}

bool Merge::warming() const {
  return std::ranges::any_of(lanes_, [](const auto& lane) {
    return !lane->idle && !lane->left_out && lane->queue->next_offset() < lane->queue->committed();
  });
}

std::vector<Merge::Resume> Merge::positions() const {
  std::vector<Resume> all;
  for (const auto& lane : lanes_) {
    const InputQueue& q = *lane->queue;
    all.push_back({q.id(), q.name(), q.next_offset(), q.newest().value_or(EventTime{}),
                   q.last_order(), q.newest().has_value(), q.counts()});
  }
  for (const Resume& earlier :
       resume_)  // inputs that this process does not hold now keep their place
    if (std::ranges::none_of(all, [&](const Resume& r) { return r.id == earlier.id; }))
      all.push_back(earlier);
  return all;
}

void Merge::save(detectors::StateWriter& out) const {
  out.put(front_), out.put(behind_front_);
  const auto all = positions();
  out.put(std::uint64_t{all.size()});
  for (const Resume& r : all) {
    out.put(r.id), out.text(r.name), out.put(r.next_offset), out.put(r.newest),
        out.put(r.last_order), out.put(r.has_newest);
  }
}

void Merge::load(detectors::StateReader& in) {
  front_ = in.get<EventTime>(), behind_front_ = in.get<std::uint64_t>();
  for (auto count = in.get<std::uint64_t>(); count != 0 && !in.failed(); --count) {
    Resume r;
    r.id = in.get<ingest::InputId>(), r.name = in.text(), r.next_offset = in.get<std::int64_t>();
    r.newest = in.get<EventTime>(), r.last_order = in.get<EventTime>(),
    r.has_newest = in.get<bool>();
    resume_.push_back(std::move(r));
  }
}

const Merge::Resume* Merge::resume_of(ingest::InputId id, std::string_view name) const {
  const auto found =
      std::ranges::find_if(resume_, [&](const Resume& r) { return r.id == id && r.name == name; });
  return found == resume_.end() ? nullptr : &*found;
}

}  // namespace stuffwatch::daemon::pipeline
