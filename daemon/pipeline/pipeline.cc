#include "daemon/pipeline/pipeline.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace stuffwatch::daemon::pipeline {

using ingest::InputChange;
using ingest::Source;

Pipeline::Pipeline(const PipelineConfig& config,
                   const std::vector<std::unique_ptr<detectors::DetectorKind>>& kinds,
                   detectors::AlertOrigin origin, const corpus::AccountHasher& hasher, Hooks hooks)
    : config_(config),
      hasher_(hasher),
      hooks_(std::move(hooks)),
      pool_(config.workers),
      decoders_(pool_, hasher_),
      engine_(config.engine, kinds, std::move(origin), hasher.table_seed(), pool_),
      merge_(config.merge),
      dedup_(config.dedup_window, config.dedup_max_ids) {}

void Pipeline::add_source(std::unique_ptr<Source> source,
                          const std::vector<InputSettings>& settings) {
  settings_ = &settings;
  sources_.push_back(std::move(source));
  service();
}

void Pipeline::service() {
  for (auto& source : sources_)
    for (const InputChange& change : source->service()) apply(*source, change);
}

void Pipeline::apply(Source& source, const InputChange& change) {
  ++counts_.rebalances;
  if (change.kind == InputChange::Kind::kAssigned) {
    std::string name;
    for (const auto& status : source.status())
      if (status.id == change.id) name = status.name;
    if (const Merge::Resume* resume = merge_.resume_of(change.id, name)) {
      if (auto sought = source.seek(change.id, resume->next_offset); !sought)
        hooks_.on_error(sought.error());
    }
    merge_.add(std::make_unique<InputQueue>(change.id, name, source,
                                            (*settings_)[change.id.declared], decoders_));
    return;
  }
  flush();
  if (change.kind == InputChange::Kind::kRevoked) hooks_.on_revoke();
  merge_.remove(change.id);
  source.release(change.id);
}

Pipeline::Progress Pipeline::run_once(Monotonic now, std::size_t budget) {
  merge_.fill(now, hooks_.on_bad, hooks_.on_left_out);
  Merge::Next next;
  std::size_t done = 0;
  Merge::State state = Merge::State::kWaiting;
  while (done < budget && (state = merge_.peek(next)) == Merge::State::kEvent) {
    take(next);
    ++done;
  }
  if (done != 0) {
    flush();
    return Progress::kWorked;
  }
  if (pool_.help()) return Progress::kWorked;
  return state == Merge::State::kFinished ? Progress::kFinished : Progress::kWaiting;
}

void Pipeline::take(const Merge::Next& next) {
  const InputQueue::Head head = next.head;
  const EventTime order = next.order_time;
  if (const EventTime second = std::chrono::floor<std::chrono::seconds>(order); second > tick_) {
    flush();
    if (hooks_.on_tick) hooks_.on_tick();
    tick_ = second;
    if (merge_.left_out() != 0)
      partial_until_ = second + std::chrono::hours{24};  // the longest window any detector looks at
    engine_.set_partial(second < partial_until_);
    engine_.tick(second, seq_ + 1);
  }
  merge_.pop();
  const EventTime watermark = tick_ - config_.engine.allowed_lateness;
  if (head.shifted < watermark) {
    ++counts_.late;
  } else if (head.origin->event_id != 0 && !dedup_.insert(head.origin->event_id, order)) {
    ++counts_.duplicates;
  } else if (head.origin->trusted) {
    ++counts_.trusted;
  } else {
    head.event->seq = ++seq_;
    ++counts_.events;
    step_.push_back(head.event);
    if (step_.size() >= config_.batch_events) flush();
  }
}

void Pipeline::flush() {
  if (!step_.empty()) {
    ++counts_.steps;
    engine_.step(step_);
    if (hooks_.on_step) hooks_.on_step(step_);
    step_.clear();
  }
  merge_.release_taken();
  if (auto said = engine_.take_revisions(); !said.empty()) hooks_.on_revisions(std::move(said));
}

void Pipeline::finish() {
  flush();
  if (tick_ == EventTime::min()) return;
  tick_ += kTick;
  engine_.tick(tick_, seq_ + 1);
  flush();
}

void Pipeline::wait(std::chrono::milliseconds patience) {
  merge_.decoding() ? pool_.wait_for_progress(patience) : std::this_thread::sleep_for(patience);
}

void Pipeline::save_section(std::size_t section, std::string& out) const {
  if (section != 0) return engine_.save_section(section - 1, out);
  detectors::StateWriter writer(out);
  writer.put(tick_), writer.put(seq_), writer.put(counts_), writer.put(partial_until_);
  merge_.save(writer);
  dedup_.save(writer);
}

config::Result<void> Pipeline::load_section(std::size_t section, std::string_view in) {
  if (section != 0) return engine_.load_section(section - 1, in);
  detectors::StateReader reader(in);
  tick_ = reader.get<EventTime>(), seq_ = reader.get<std::uint64_t>(),
  counts_ = reader.get<PipelineCounts>();
  partial_until_ = reader.get<EventTime>();
  merge_.load(reader);
  dedup_.load(reader);
  return reader.finish("merge");
}

void Pipeline::commit(std::span<const Merge::Resume> positions) {
  for (const Merge::Resume& position : positions)
    for (auto& source : sources_)
      for (const auto& status : source->status())
        if (status.id == position.id) source->commit(position.id, position.next_offset);
}

}  // namespace stuffwatch::daemon::pipeline
