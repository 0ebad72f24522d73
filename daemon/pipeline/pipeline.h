// Sources, merge and engine as one machine that somebody turns: run_once() does what can be done now.
//
// With more than one worker the engine works on one block of merged events while the next is decoded and merged. Between calls nothing is under way.
// Time: event time; `now` decides only about waiting. Threads: the caller's, which becomes the merge thread; the pool helps.
// Errors: bad records go to on_bad; nothing else fails.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/result.h"
#include "corpus/account_key.h"
#include "daemon/pipeline/dedup_set.h"
#include "daemon/pipeline/engine.h"
#include "daemon/pipeline/known_inputs.h"
#include "daemon/pipeline/merge.h"
#include "daemon/pipeline/worker_pool.h"
#include "ingest/source.h"

namespace stuffwatch::daemon::pipeline {

struct PipelineConfig {
  EngineConfig engine;
  MergeConfig merge;
  std::uint32_t workers = 1;
  std::uint32_t batch_events = 4096;
  std::chrono::milliseconds dedup_window = std::chrono::minutes{10};
  std::uint32_t dedup_max_ids = 1'000'000;
};

struct PipelineCounts {
  std::uint64_t events = 0;  // that reached the engine
  std::uint64_t duplicates = 0, late = 0, trusted = 0, steps = 0, rebalances = 0;
  std::uint64_t passed_over =
      0;  // records that another member dealt with while this one did not hold the input
};

class Pipeline {
 public:
  struct Hooks {
    OnBadRecord on_bad = [](const InputQueue&, const ingest::RawRecord&, ingest::Reject) {};
    std::function<void(const Merge::Notice&)> on_left_out = [](const Merge::Notice&) {};
    std::function<void(std::vector<Revision>&&)> on_revisions = [](std::vector<Revision>&&) {};
    // After the engine has seen them, in the thread that ran it. May be empty.
    std::function<void(std::span<LoginEvent* const>)> on_step = {};
    // Asked at every tick: should the state be cut? on_cut() is then called with everything before the tick done and nothing after it begun. May be empty.
    std::function<bool()> cut_due = [] { return true; };
    std::function<void()> on_cut = {};
    // How long a chunk took to decode, a block to go through the engine; in whichever thread.
    enum class Stage : std::uint8_t { kDecode, kDetect };
    std::function<void(Stage, std::chrono::nanoseconds)> on_stage = [](Stage,
                                                                       std::chrono::nanoseconds) {};
    std::function<void(const config::Error&)> on_error = [](const config::Error&) {};
    // An input is not the file that it was; nothing is wrong with this process.
    KnownInputs::Replaced on_replaced = [](bool, const std::string&) {};
    // Before inputs are given back after a rebalance, once for all of them: everything merged so far must be made durable.
    std::function<void()> on_revoke = [] {};
  };

  Pipeline(const PipelineConfig& config,
           const std::vector<std::unique_ptr<detectors::DetectorKind>>& kinds,
           detectors::AlertOrigin origin, const corpus::AccountHasher& hasher, Hooks hooks);

  // `settings` is indexed by InputId::declared and outlives the pipeline.
  void add_source(std::unique_ptr<ingest::Source> source,
                  const std::vector<InputSettings>& settings);

  enum class Progress : std::uint8_t { kWorked, kWaiting, kFinished };
  // At most about `budget` events.
  [[nodiscard]] Progress run_once(Monotonic now, std::size_t budget = 65'536);
  void
  settle();  // waits for the engine; what it said is handed over. Needed before looking at engine() out of a hook
  void
  service();  // lets the sources serve their clients; at least once a second. From a hook it does only that: inputs come and go between calls of run_once()
  void wait(std::chrono::milliseconds patience);  // for decoding to finish, or just that long
  // End of input: speaks for what changed in the last second. Closes nothing.
  void finish();

  // Campaigns that an earlier life told; after the state is loaded, before the first event.
  void know(std::vector<detectors::ToldCampaign> told) { engine_.know(std::move(told)); }
  [[nodiscard]] bool partial() const {
    return tick_ < partial_until_;
  }  // some of the events are not seen, or were not
  [[nodiscard]] bool silent() const { return silent_; }  // warming up: nothing is said
  [[nodiscard]] const PipelineCounts& counts() const { return counts_; }
  // Events that reached the engine in this life, by Outcome.
  [[nodiscard]] const std::array<std::uint64_t, 3>& outcomes() const { return outcomes_; }
  [[nodiscard]] const Engine& engine() const { return engine_; }
  [[nodiscard]] const Merge& merge() const { return merge_; }
  [[nodiscard]] const std::vector<std::unique_ptr<ingest::Source>>& sources() const {
    return sources_;
  }
  [[nodiscard]] std::uint64_t dedup_forced_evictions() const { return dedup_.forced_evictions(); }
  [[nodiscard]] EventTime tick() const { return tick_; }
  [[nodiscard]] WorkerPool& pool() { return pool_; }
  // Where the corpus is given in. Threads: see there.
  [[nodiscard]] ListProbe& lists() { return lists_; }

  // The cut: section 0 is the merge and what the pipeline knows, the rest is the engine's.
  [[nodiscard]] std::size_t sections() const { return 1 + engine_.sections(); }
  // All of them, side by side, each into a buffer of its own: what these hold already of memory is used again.
  void save(std::vector<std::string>& buffers);
  [[nodiscard]] std::uint64_t section_bytes(std::size_t section) const;  // about
  void save_section(std::size_t section, std::string& out) const;
  [[nodiscard]] config::Result<void> load_section(std::size_t section, std::string_view in);
  void commit(std::span<const Merge::Resume> positions);

 private:
  // What the engine does in one go: ticks, and the events up to the next.
  struct Part {
    EventTime tick = EventTime::min();  // min() = none
    std::uint64_t seq = 0;              // of the first event at or past it
    bool partial = false, silent = false;
    std::size_t events = 0;  // that follow
  };
  struct Block {
    std::vector<Part> parts;
    std::vector<LoginEvent*> events;
    std::vector<std::shared_ptr<DecoderPool::Job>> memory;  // what the events live in
    std::vector<Revision> said;
    std::uint64_t steps = 0;
  };
  void take(const Merge::Next& next);
  void work(Block& block);
  void launch();
  void flush();
  void apply(ingest::Source& source, const ingest::InputChange& change);
  void assigned(ingest::Source& source, ingest::InputId id);

  PipelineConfig config_;
  const corpus::AccountHasher& hasher_;
  Hooks hooks_;
  WorkerPool pool_;
  DecoderPool decoders_;
  std::vector<std::unique_ptr<ingest::Source>> sources_;
  const std::vector<InputSettings>* settings_ = nullptr;
  ListProbe lists_;
  Engine engine_;
  Merge merge_;
  KnownInputs known_;
  DedupSet dedup_;
  PipelineCounts counts_;
  std::array<std::uint64_t, 3> outcomes_{};
  EventTime tick_ = EventTime::min();
  std::uint64_t seq_ = 0;
  Block next_, under_way_;
  std::atomic<bool> worked_ = true;  // nothing is under way
  EventTime partial_until_ = EventTime::min();
  std::vector<std::pair<ingest::Source*, ingest::InputChange>> changes_;  // not applied yet
  bool begun_ = false, silent_ = false, running_ = false;
};

}  // namespace stuffwatch::daemon::pipeline
