#include "daemon/pipeline/input_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace stuffwatch::daemon::pipeline {

using ingest::EventBatch;
using ingest::ReadStatus;
using ingest::Reject;

namespace {

constexpr std::size_t kFetchAhead = 4;  // events that the merge will ask for next

}  // namespace

void DecoderPool::decode(std::shared_ptr<Job> job, const InputSettings& settings,
                         const ingest::DecoderInfo& info) {
  auto work = [this, job = std::move(job), &settings, &info](unsigned worker) {
    auto& mine = by_worker_[worker];
    auto known = std::ranges::find_if(
        mine, [&](const Entry& e) { return e.settings == &settings && e.info == &info; });
    if (known == mine.end()) {
      mine.push_back(
          {&settings, &info,
           std::make_unique<ingest::BatchDecoder>(info.make(), settings.decode, hasher_)});
      known = mine.end() - 1;
    }
    const auto begin = std::chrono::steady_clock::now();
    known->decoder->decode(std::move(job->chunk), job->batch);
    decoded_(std::chrono::steady_clock::now() - begin);
    job->done.store(true, std::memory_order_release);
  };
  pool_.workers() == 1 ? work(0) : pool_.submit(std::move(work));
}

InputQueue::InputQueue(ingest::InputId id, std::string name, ingest::Source& source,
                       const InputSettings& settings, DecoderPool& decoders, OnProblem on_problem)
    : id_(id),
      name_(std::move(name)),
      source_(source),
      settings_(settings),
      decoders_(decoders),
      on_problem_(std::move(on_problem)),
      decoder_(settings.decoder),
      years_(settings.year),
      guard_(settings.max_skew) {}

void InputQueue::resume(std::int64_t next_offset, std::optional<EventTime> newest,
                        EventTime last_order, const ingest::DecodeCounts& counts) {
  read_to_ = next_offset, last_order_ = last_order, counts_ = counts;
  guard_ = ingest::SkewGuard(settings_.max_skew, newest);
  if (newest) years_.accepted(*newest);
}

void InputQueue::fill(const OnBadRecord& on_bad) {
  absorb_done(on_bad);
  const bool alone = decoders_.pool().workers() == 1;
  // What is held for its clock is released by what follows: without a head, reading goes on.
  const auto wanted = [&] { return ahead_ < most_ahead() || (jobs_.empty() && !has_head()); };
  while (status_ != ReadStatus::kFinished && wanted()) {
    ingest::RawChunk chunk;
    status_ = source_.read(id_, chunk);
    if (status_ != ReadStatus::kChunk) break;
    take_in(std::move(chunk));
    if (alone) absorb_done(on_bad);
  }
  if (status_ != ReadStatus::kFinished) return;
  if (undecided_.records() != 0) give_up_guessing();
  if (jobs_.empty() && !waiting_.empty()) finish_held(on_bad);
}

void InputQueue::take_in(ingest::RawChunk&& chunk) {
  if (decoder_ != nullptr) return submit(std::move(chunk), *decoder_);
  // The first records of all: what stands before them is not ours to commit.
  if (read_to_ == 0) read_to_ = chunk.records.front().offset;
  using Found = ingest::FormatGuesser::Found;
  while (!chunk.records.empty()) {
    const Found found = undecided_.add(chunk);
    if (found == Found::kFull) give_up_guessing();
    if (found != Found::kFormat) continue;
    decoder_ = &undecided_.shape();
    problem_.clear();
    submit_undecided(*decoder_);
  }
}

// What is held has the shape of a format but no login in it, or no format fits; neither says anything about what follows.
void InputQueue::give_up_guessing() {
  if (!undecided_.has_shape() && problem_.empty()) {
    problem_ =
        fmt::format("{}: no known format fits; name it with --format or inputs[].format", name_);
    on_problem_({.message = problem_});
  }
  submit_undecided(undecided_.shape());
}

void InputQueue::submit_undecided(const ingest::DecoderInfo& decoder) {
  for (ingest::RawChunk& chunk : undecided_.take()) submit(std::move(chunk), decoder);
}

void InputQueue::submit(ingest::RawChunk&& chunk, const ingest::DecoderInfo& decoder) {
  auto job = std::make_shared<DecoderPool::Job>();
  for (const ingest::RawRecord& record : chunk.records)
    job->cost += record.bytes.size() + kRecordCost;
  ahead_ += job->cost;
  job->records = chunk.records.size();
  job->chunk = std::move(chunk);
  jobs_.push_back(job);
  decoders_.decode(std::move(job), settings_, decoder);
}

void InputQueue::absorb_done(const OnBadRecord& on_bad) {
  while (!jobs_.empty() && jobs_.front()->done.load(std::memory_order_acquire)) {
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    absorb(std::move(job), on_bad);
  }
}

void InputQueue::absorb(std::shared_ptr<DecoderPool::Job> job, const OnBadRecord& on_bad) {
  EventBatch& batch = job->batch;
  counts_ += batch.counts;
  for (const ingest::BadRecord& bad : batch.bad)
    on_bad(*this, batch.chunk.records[bad.record], bad.why);
  read_to_ = batch.chunk.next_offset;
  if (batch.events.empty()) {
    ahead_ -= job->cost;
    return;
  }
  const std::uint64_t ordinal = next_batch_++;
  batches_.push_back({std::move(job), batch.events.size()});
  for (std::uint32_t i = 0; i < batch.events.size(); ++i) {
    LoginEvent& event = batch.events[i];
    const ingest::EventOrigin& origin = batch.origins[i];
    const ingest::RawRecord& record = batch.chunk.records[origin.record];
    if (origin.yearless || origin.zoneless) {
      const auto time =
          years_.resolve(event.time, origin.yearless, origin.zoneless, record.timestamp_ms);
      if (!time) {
        ++counts_.rejected[static_cast<std::size_t>(Reject::kBadTime)];
        on_bad(*this, record, Reject::kBadTime);
        drop_event({ordinal, i});
        continue;
      }
      event.time = *time;
    }
    waiting_.push_back({ordinal, i});
    guard_.push({ordinal << 32 | i, event.time, record.offset, record.timestamp_ms}, judged_);
    if (!judged_.empty()) judged(on_bad);
  }
  skip_spent();
}

void InputQueue::judged(const OnBadRecord& on_bad) {
  for (const auto& verdict : judged_) {
    const Place place = waiting_.front();
    waiting_.pop_front();
    EventBatch& batch = batch_of(place);
    if (verdict.accepted) {
      years_.accepted(batch.events[place.event].time);
      ready_.push_back(place);
      continue;
    }
    ++clock_ahead_, ++counts_.rejected[static_cast<std::size_t>(Reject::kClockAhead)];
    on_bad(*this, batch.chunk.records[batch.origins[place.event].record], Reject::kClockAhead);
    drop_event(place);
  }
  judged_.clear();
}

void InputQueue::finish_held(const OnBadRecord& on_bad) {
  guard_.finish(judged_);
  judged(on_bad);
  skip_spent();
}

InputQueue::Head InputQueue::head() const {
  const Place& place = ready_.front();
  auto& batch = const_cast<EventBatch&>(batch_of(place));
  LoginEvent& event = batch.events[place.event];
  const EventTime shifted = event.time + settings_.delay;
  return {&event, &batch.origins[place.event], std::max(last_order_, shifted), shifted};
}

void InputQueue::pop() {
  const Place place = ready_.front();
  last_order_ = std::max(last_order_, batch_of(place).events[place.event].time + settings_.delay);
  ready_.pop_front();
  drop_event(place);
  skip_spent();
  if (ready_.size() > kFetchAhead) {
    const Place& soon = ready_[kFetchAhead];
    __builtin_prefetch(&batch_of(soon).events[soon.event].time);
    __builtin_prefetch(&batch_of(soon).origins[soon.event]);
  }
}

void InputQueue::drop_event(const Place& place) { --batches_[place.batch - first_batch_].left; }

void InputQueue::skip_spent() {
  for (; !batches_.empty() && batches_.front().left == 0; ++first_batch_) {
    ahead_ -= batches_.front().job->cost;
    taken_.push_back(std::move(batches_.front().job));
    batches_.pop_front();
  }
}

std::size_t InputQueue::held() const {
  std::size_t count = undecided_.records() + waiting_.size() + ready_.size();
  for (const auto& job : jobs_) count += job->records;
  return count;
}

std::int64_t InputQueue::next_offset() const {
  const Place* next = !ready_.empty()     ? &ready_.front()
                      : !waiting_.empty() ? &waiting_.front()
                                          : nullptr;
  if (next == nullptr) return read_to_;
  const EventBatch& batch = batch_of(*next);
  return batch.chunk.records[batch.origins[next->event].record].offset;
}

}  // namespace stuffwatch::daemon::pipeline
