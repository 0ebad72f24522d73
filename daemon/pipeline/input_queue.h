// One input between its source and the merge: chunks are decoded ahead by the pool, events judged in offset order (year, zone, clock), and wait here until
// the merge takes them. Records whose format is not known yet are held back: they bring no event, so the input is idle whenever its source is, and
// next_offset() stands before them.
//
// Threads: the merge thread; decoding runs in the pool and touches only its own job. Memory: kAheadShared, what FormatGuesser holds and one chunk; the limit
// is in bytes, because a live input brings chunks of one record, and must be read to its end to know that it is idle.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/result.h"
#include "daemon/pipeline/worker_pool.h"
#include "ingest/batch_decoder.h"
#include "ingest/decoder.h"
#include "ingest/event_batch.h"
#include "ingest/format_guesser.h"
#include "ingest/skew_guard.h"
#include "ingest/source.h"
#include "ingest/year_resolver.h"

namespace stuffwatch::daemon::pipeline {

using detectors::EventTime;
using detectors::LoginEvent;

// What the configuration says about one entry of `inputs`.
struct InputSettings {
  std::string name;
  const ingest::DecoderInfo* decoder = nullptr;  // nullptr: guessed from the first records
  ingest::DecodeSettings decode;
  ingest::YearOptions year;
  std::chrono::milliseconds delay{0};
  std::chrono::milliseconds max_skew = std::chrono::seconds{10};
};

// The decoders of every thread, made when first needed.
class DecoderPool {
 public:
  using Decoded = std::function<void(std::chrono::nanoseconds)>;  // in the thread that decoded
  DecoderPool(WorkerPool& pool, const corpus::AccountHasher& hasher, Decoded decoded)
      : pool_(pool), hasher_(hasher), decoded_(std::move(decoded)), by_worker_(pool.workers()) {}
  struct Job {
    ingest::RawChunk chunk;
    std::size_t records = 0;  // of the chunk
    ingest::EventBatch batch;
    std::size_t cost = 0;  // bytes of its records and of what they become
    std::atomic<bool> done = false;
  };
  void decode(std::shared_ptr<Job> job, const InputSettings& settings,
              const ingest::DecoderInfo& decoder);
  [[nodiscard]] WorkerPool& pool() { return pool_; }

 private:
  struct Entry {
    const InputSettings* settings;
    const ingest::DecoderInfo* info;
    std::unique_ptr<ingest::BatchDecoder> decoder;
  };
  WorkerPool& pool_;
  const corpus::AccountHasher& hasher_;
  Decoded decoded_;
  std::vector<std::vector<Entry>> by_worker_;
};

// A record that must not be lost, with why.
using OnBadRecord = std::function<void(const class InputQueue& input,
                                       const ingest::RawRecord& record, ingest::Reject why)>;
// What somebody should mend; the input goes on if it can.
using OnProblem = std::function<void(const config::Error&)>;

class InputQueue {
 public:
  // Bytes decoded or being decoded; alone, what is decoded should still be in the cache when it is used.
  static constexpr std::size_t kAheadShared = std::size_t{8} << 20,
                               kAheadAlone = std::size_t{256} << 10, kRecordCost = 256;

  struct Head {
    LoginEvent* event = nullptr;
    const ingest::EventOrigin* origin = nullptr;
    EventTime
        order_time{};     // event time + delay, never before that of an earlier record of the input
    EventTime shifted{};  // event time + delay: what lateness is judged by
  };

  InputQueue(ingest::InputId id, std::string name, ingest::Source& source,
             const InputSettings& settings, DecoderPool& decoders, OnProblem on_problem);

  // Reads, decodes ahead and takes in what is ready; never waits for the source or for another thread.
  void fill(const OnBadRecord& on_bad);
  [[nodiscard]] bool has_head() const { return !ready_.empty(); }
  [[nodiscard]] Head head() const;
  void pop();
  // The memory of popped events, once none of its batch is left here.
  void take_spent(std::vector<std::shared_ptr<DecoderPool::Job>>& out) {
    std::ranges::move(taken_, std::back_inserter(out));
    taken_.clear();
  }
  // Nothing follows for now: judge what is held by itself.
  void finish_held(const OnBadRecord& on_bad);

  [[nodiscard]] ingest::ReadStatus status() const { return status_; }
  [[nodiscard]] bool decoding() const {
    return !jobs_.empty();
  }  // a head may appear without the source
  [[nodiscard]] bool finished() const {
    return status_ == ingest::ReadStatus::kFinished && jobs_.empty() && ready_.empty() &&
           waiting_.empty();
  }
  // No format fits so far: the records are rejected until one does.
  [[nodiscard]] bool failed() const { return !problem_.empty(); }
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] ingest::InputId id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const ingest::DecodeCounts& counts() const { return counts_; }
  [[nodiscard]] const ingest::DecoderInfo* decoder() const { return decoder_; }
  [[nodiscard]] const ingest::YearResolver& years() const { return years_; }
  [[nodiscard]] std::optional<EventTime> newest() const { return guard_.newest(); }
  [[nodiscard]] std::uint64_t clock_ahead() const { return clock_ahead_; }

  [[nodiscard]] std::size_t ahead() const { return ahead_; }  // bytes
  [[nodiscard]] std::size_t most_ahead() const {
    return decoders_.pool().workers() == 1 ? kAheadAlone : kAheadShared;
  }
  // Read, but not taken by the merge: records that wait for a format or for decoding, and events.
  [[nodiscard]] std::size_t held() const;

  // Where reading goes on after everything popped so far.
  [[nodiscard]] std::int64_t next_offset() const;
  // From a checkpoint, or from when this process held the input before; before the first fill().
  void resume(std::int64_t next_offset, std::optional<EventTime> newest, EventTime last_order,
              const ingest::DecodeCounts& counts);
  // The rest of what it may know before the first fill(): the format that was found for it, the newest event of what was read in its place or beside
  // it, its first stamp.
  void know_format(const ingest::DecoderInfo* format) {
    if (decoder_ == nullptr) decoder_ = format;
  }
  void follows(EventTime newest) { years_.follows(newest); }
  void begins(std::optional<EventTime> first) { years_.begins(first); }
  // Records before this offset were dealt with in an earlier life: while next_offset() is below it, the input is warming up.
  void set_committed(std::optional<std::int64_t> offset) { committed_ = offset.value_or(0); }
  [[nodiscard]] std::int64_t committed() const { return committed_; }
  [[nodiscard]] EventTime last_order() const { return last_order_; }

 private:
  struct Held {
    std::shared_ptr<DecoderPool::Job> job;
    std::size_t left;  // events not popped yet
  };
  struct Place {
    std::uint64_t batch;  // ordinal of the batch
    std::uint32_t event;
  };
  void take_in(ingest::RawChunk&& chunk);
  void give_up_guessing();
  void submit_undecided(const ingest::DecoderInfo& decoder);
  void submit(ingest::RawChunk&& chunk, const ingest::DecoderInfo& decoder);
  void absorb_done(const OnBadRecord& on_bad);
  void absorb(std::shared_ptr<DecoderPool::Job> job, const OnBadRecord& on_bad);
  void judged(const OnBadRecord& on_bad);
  void drop_event(const Place& place);
  void skip_spent();
  [[nodiscard]] ingest::EventBatch& batch_of(const Place& place) {
    return batches_[place.batch - first_batch_].job->batch;
  }
  [[nodiscard]] const ingest::EventBatch& batch_of(const Place& place) const {
    return batches_[place.batch - first_batch_].job->batch;
  }

  ingest::InputId id_;
  std::string name_, problem_;
  ingest::Source& source_;
  const InputSettings& settings_;
  DecoderPool& decoders_;
  OnProblem on_problem_;
  const ingest::DecoderInfo* decoder_;  // nullptr: not known yet
  ingest::FormatGuesser undecided_;
  ingest::YearResolver years_;
  ingest::SkewGuard guard_;
  ingest::ReadStatus status_ = ingest::ReadStatus::kNothingYet;
  std::deque<std::shared_ptr<DecoderPool::Job>> jobs_;  // in offset order
  std::deque<Held> batches_;                            // taken in, with events waiting
  std::uint64_t first_batch_ = 0, next_batch_ = 0;
  std::deque<Place> waiting_;  // with the skew guard
  std::deque<Place> ready_;
  std::vector<std::shared_ptr<DecoderPool::Job>> taken_;
  std::vector<ingest::SkewGuard::Judged> judged_;
  ingest::DecodeCounts counts_;
  std::uint64_t clock_ahead_ = 0;
  std::int64_t read_to_ = 0, committed_ = 0;
  std::size_t ahead_ = 0;
  EventTime last_order_ = EventTime::min();
};

}  // namespace stuffwatch::daemon::pipeline
