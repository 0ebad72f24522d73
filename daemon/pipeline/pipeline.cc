#include "daemon/pipeline/pipeline.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace stuffwatch::daemon::pipeline {

namespace {

constexpr std::chrono::hours kLongestWindow{24};  // that any detector looks back
// Enough to be worth handing over to another thread; alone, few enough to be in the cache still.
constexpr std::size_t kSharedBlock = 4096, kOwnBlock = 512;

}  // namespace

using ingest::InputChange;
using ingest::Source;

Pipeline::Pipeline(const PipelineConfig& config,
                   const std::vector<std::unique_ptr<detectors::DetectorKind>>& kinds,
                   detectors::AlertOrigin origin, const corpus::AccountHasher& hasher, Hooks hooks)
    : config_(config),
      hasher_(hasher),
      hooks_(std::move(hooks)),
      pool_(config.workers),
      decoders_(
          pool_, hasher_,
          [this](std::chrono::nanoseconds took) { hooks_.on_stage(Hooks::Stage::kDecode, took); }),
      engine_(config.engine, kinds, std::move(origin), hasher.table_seed(), pool_, lists_),
      merge_(config.merge),
      dedup_(config.dedup_window, config.dedup_max_ids) {}

void Pipeline::add_source(std::unique_ptr<Source> source,
                          const std::vector<InputSettings>& settings) {
  settings_ = &settings;
  known_.recognise(*source, hooks_.on_replaced);
  sources_.push_back(std::move(source));
  service();
}

void Pipeline::service() {
  for (auto& source : sources_)
    for (const InputChange& change : source->service()) changes_.emplace_back(source.get(), change);
  if (running_) return;
  const auto changes = std::exchange(changes_, {});
  const auto revoked = [](const auto& c) { return c.second.kind == InputChange::Kind::kRevoked; };
  if (std::ranges::any_of(changes, revoked)) {
    running_ = true;  // what comes meanwhile waits for the next call
    hooks_.on_revoke();
    running_ = false;
  }
  for (const auto& [source, change] : changes) apply(*source, change);
}

void Pipeline::apply(Source& source, const InputChange& change) {
  ++counts_.rebalances;
  if (change.kind == InputChange::Kind::kAssigned) return assigned(source, change.id);
  if (const InputQueue* queue = merge_.find(change.id)) known_.keep_format(*queue);
  merge_.remove(change.id);
  source.release(change.id);
}

// At first an input goes on where the checkpoint stands, or behind what was committed: that is warm-up, and nothing is said. Later on, what another member has
// dealt with in the meantime is gone by, and the view is partial for as long as any detector looks back.
// The merge knows partitions by number and name; what a file was is told by what it begins with.
void Pipeline::assigned(Source& source, ingest::InputId id) {
  std::string name;
  for (const auto& status : source.status())
    if (status.id == id) name = status.name;
  const auto committed = source.committed(id);
  const auto [kind, head, size, begins] = source.start(id);
  const bool stays = kind == ingest::InputStart::Kind::kPartition;
  const Merge::Resume* resume = stays ? merge_.resume_of(id, name)
                                : kind == ingest::InputStart::Kind::kFile ? known_.file(id)
                                                                          : nullptr;
  if (resume == nullptr && kind != ingest::InputStart::Kind::kFile) known_.forget(id);
  std::optional<std::int64_t> start;
  if (resume != nullptr) start = resume->next_offset;
  if (begun_ && committed.value_or(-1) > start.value_or(-1)) {
    if (start) counts_.passed_over += static_cast<std::uint64_t>(*committed - *start);
    start = committed, partial_until_ = tick_ + kLongestWindow;
  }
  if (start)
    if (auto sought = source.seek(id, *start); !sought) hooks_.on_error(sought.error());
  auto queue = std::make_unique<InputQueue>(id, name, source, (*settings_)[id.declared], decoders_,
                                            hooks_.on_error);
  queue->set_committed(committed);
  queue->know_format(known_.format(id)), queue->begins(begins);
  if (resume != nullptr) {
    queue->resume(*start, resume->has_newest ? std::optional(resume->newest) : std::nullopt,
                  resume->last_order, resume->counts);
  } else if (!stays) {
    if (const auto newest = known_.newest(id.declared)) queue->follows(*newest);
  }
  merge_.add(std::move(queue));
  if (merge_.warming()) engine_.set_silent(silent_ = true);  // nothing is under way: see apply()
}

Pipeline::Progress Pipeline::run_once(Monotonic now, std::size_t budget) {
  Merge::Next next;
  std::size_t done = 0;
  Merge::State state = Merge::State::kWaiting;
  bool helped = false;
  running_ = true;
  for (std::size_t before = budget; before != done || helped;) {
    before = done, helped = false;
    merge_.fill(now, hooks_.on_bad, hooks_.on_left_out);
    while (done < budget && (state = merge_.peek(next)) == Merge::State::kEvent) take(next), ++done;
    if (done == before && done < budget) helped = pool_.help();
  }
  flush();
  running_ = false;
  if (done != 0) return Progress::kWorked;
  return state == Merge::State::kFinished ? Progress::kFinished : Progress::kWaiting;
}

void Pipeline::take(const Merge::Next& next) {
  const InputQueue::Head head = next.head;
  const EventTime order = next.order_time;
  begun_ = true;
  if (silent_ && !merge_.warming()) {
    silent_ = false;
    next_.parts.push_back({.silent = false});
  }
  if (const EventTime second = std::chrono::floor<std::chrono::seconds>(order); second > tick_) {
    if (hooks_.on_cut && hooks_.cut_due()) flush(), hooks_.on_cut();
    tick_ = second;
    const bool whole = std::ranges::all_of(sources_, [](const auto& s) { return s->complete(); });
    if (merge_.left_out() != 0 || !whole) partial_until_ = second + kLongestWindow;
    next_.parts.push_back({second, seq_ + 1, partial(), silent_});
  }
  merge_.pop();
  const EventTime watermark = tick_ - config_.engine.allowed_lateness;
  if (head.shifted < watermark) {
    ++counts_.late;
  } else if (head.origin->event_id != 0 && !dedup_.insert(head.origin->event_id, order)) {
    ++counts_.duplicates;
  } else if (head.event->time < head.origin->trusted_until) {
    ++counts_.trusted;
  } else {
    head.event->seq = ++seq_, head.event->lag = order - head.event->time;
    ++counts_.events, ++outcomes_[static_cast<std::size_t>(head.event->outcome)];
    if (next_.parts.empty()) next_.parts.push_back({.silent = silent_});
    ++next_.parts.back().events;
    next_.events.push_back(head.event);
    if (next_.events.size() >= (pool_.workers() > 1 ? kSharedBlock : kOwnBlock)) launch();
  }
}

// In whichever thread; touches the engine, the lists and the block, nothing else.
void Pipeline::work(Block& block) {
  const auto begin = std::chrono::steady_clock::now();
  if (lists_.begin(block.events)) engine_.set_directory(lists_.directory());
  std::size_t at = 0;
  for (const Part& part : block.parts) {
    engine_.set_silent(part.silent);
    if (part.tick != EventTime::min()) {
      engine_.set_partial(part.partial);
      engine_.tick(part.tick, part.seq);
    }
    for (std::size_t left = part.events; left != 0;) {
      const std::size_t size = std::min<std::size_t>(left, config_.batch_events);
      const std::span<LoginEvent* const> step(block.events.data() + at, size);
      engine_.step(step);
      if (hooks_.on_step) hooks_.on_step(step);
      at += size, left -= size, ++block.steps;
    }
  }
  block.said = engine_.take_revisions();
  if (!block.events.empty())
    hooks_.on_stage(Hooks::Stage::kDetect, std::chrono::steady_clock::now() - begin);
}

// Gives the next block to the engine, once it is free.
void Pipeline::launch() {
  settle();
  std::swap(next_, under_way_);
  merge_.take_spent(under_way_.memory);
  worked_ = false;
  if (pool_.workers() == 1 || under_way_.events.size() < kSharedBlock) {
    work(under_way_);
    worked_ = true;
    return settle();
  }
  pool_.submit_first([this](unsigned) {
    work(under_way_);
    worked_ = true;
    worked_.notify_one();
  });
}

void Pipeline::settle() {
  while (!worked_ && pool_.help()) {}
  worked_.wait(false);
  counts_.steps += std::exchange(under_way_.steps, 0);
  under_way_.parts.clear(), under_way_.events.clear(), under_way_.memory.clear();
  if (auto said = std::exchange(under_way_.said, {}); !said.empty())
    hooks_.on_revisions(std::move(said));
}

void Pipeline::flush() { launch(), settle(); }

void Pipeline::finish() {
  if (tick_ == EventTime::min()) return;
  tick_ += kTick;
  next_.parts.push_back({tick_, seq_ + 1, partial(), silent_});
  flush();
}

void Pipeline::wait(std::chrono::milliseconds patience) {
  merge_.decoding() ? pool_.wait_for_progress(patience) : std::this_thread::sleep_for(patience);
}

void Pipeline::save(std::vector<std::string>& buffers) {
  buffers.resize(sections());
  pool_.parallel_for(buffers.size(), [&](std::size_t section, unsigned) {
    buffers[section].clear();
    save_section(section, buffers[section]);
  });
}

std::uint64_t Pipeline::section_bytes(std::size_t section) const {
  return section == 0 ? dedup_.state_bytes() : engine_.section_bytes(section - 1);
}

void Pipeline::save_section(std::size_t section, std::string& out) const {
  if (section != 0) return engine_.save_section(section - 1, out);
  detectors::StateWriter writer(out);
  PipelineCounts counts = counts_;
  counts.steps = 0;  // how the work was divided is no part of the state
  writer.put(tick_), writer.put(seq_), writer.put(counts), writer.put(partial_until_);
  merge_.save(writer);
  known_.save(merge_, writer);
  dedup_.save(writer);
}

config::Result<void> Pipeline::load_section(std::size_t section, std::string_view in) {
  if (section != 0) return engine_.load_section(section - 1, in);
  detectors::StateReader reader(in);
  tick_ = reader.get<EventTime>(), seq_ = reader.get<std::uint64_t>(),
  counts_ = reader.get<PipelineCounts>();
  partial_until_ = reader.get<EventTime>();
  merge_.load(reader);
  known_.load(merge_, reader);
  dedup_.load(reader);
  return reader.finish("merge");
}

// Never back: a checkpoint made in warm-up stands before what was committed.
void Pipeline::commit(std::span<const Merge::Resume> positions) {
  for (const Merge::Resume& position : positions)
    for (auto& source : sources_)
      if (source->committed(position.id).value_or(0) <= position.next_offset)
        source->commit(position.id, position.next_offset);
}

}  // namespace stuffwatch::daemon::pipeline
