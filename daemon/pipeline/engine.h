// The deterministic core: merged events in, revisions out. A pure function of (events in order, ticks, configuration, key, corpus): no clock, no I/O; threads only
// divide the work.
//
// A step is a run of events between two ticks. Within it: strangers are told apart by account partition; detectors observe by their own partitions; then
// campaigns consume findings and activity in the order of seq. What campaigns feed back (successes on their keys are not learned) takes effect with the
// next step, and steps never cross a tick, so nothing depends on batch size or thread count.
// Threads: the owner's; the pool helps inside a call. Memory: bounded by the detectors' and campaigns' limits.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/result.h"
#include "daemon/pipeline/list_probe.h"
#include "daemon/pipeline/worker_pool.h"
#include "detectors/campaigns/campaigns.h"
#include "detectors/detector.h"
#include "detectors/state/stranger_filter.h"

namespace stuffwatch::daemon::pipeline {

using detectors::EventTime;
using detectors::LoginEvent;
using detectors::Revision;

inline constexpr std::chrono::milliseconds kTick = std::chrono::seconds{1};

struct EngineConfig {
  std::uint32_t partitions = 8;
  std::chrono::milliseconds allowed_lateness = std::chrono::seconds{30};
  std::uint64_t stranger_pairs = 50'000'000;
  detectors::CampaignConfig campaign;
  bool show_names = false;
};

class Engine {
 public:
  Engine(const EngineConfig& config,
         const std::vector<std::unique_ptr<detectors::DetectorKind>>& kinds,
         detectors::AlertOrigin origin, std::uint64_t table_seed, WorkerPool& pool,
         ListProbe& lists);
  ~Engine();

  // Event time has reached `front` (a multiple of kTick), and `seq` is that of the first event at or past it.
  void tick(EventTime front, std::uint64_t seq);
  // Events between this tick and the next, in order of seq; `stranger` is set here. Events of trusted sources never get here.
  void step(std::span<LoginEvent* const> events);

  // What was said since the last call, in order.
  [[nodiscard]] std::vector<Revision> take_revisions() { return std::exchange(revisions_, {}); }

  // What an earlier life told, and whether this one repeats it (warm-up); see Campaigns.
  void know(std::vector<detectors::ToldCampaign> told) { campaigns_.know(std::move(told)); }
  void set_silent(bool silent) { campaigns_.set_silent(silent); }
  void set_partial(bool partial) { partial_ = partial; }
  // Of the probe, when it has another one.
  void set_directory(ListProbe::Directory directory) {
    campaigns_.set_directory(std::move(directory));
  }
  [[nodiscard]] const detectors::Campaigns& campaigns() const { return campaigns_; }
  [[nodiscard]] std::vector<std::string> warming(
      EventTime now) const;  // detectors younger than their warm-up
  [[nodiscard]] std::vector<detectors::StateUsage> usage() const;  // one a kind
  [[nodiscard]] std::uint64_t findings(std::size_t kind) const { return findings_[kind]; }

  // The state in sections, each independent of the others, so that they can be written side by side.
  [[nodiscard]] std::size_t sections() const;
  [[nodiscard]] std::uint64_t section_bytes(std::size_t section) const;  // about
  void save_section(std::size_t section, std::string& out) const;
  [[nodiscard]] config::Result<void> load_section(std::size_t section, std::string_view in);

 private:
  struct Collector;
  struct Partitioned;
  void mark_strangers(std::size_t from, std::size_t to);  // partitions
  void collect(std::span<LoginEvent* const> events);
  [[nodiscard]] std::pair<std::size_t, std::size_t> room_of(
      std::size_t section) const;  // 0 = stranger filters, else a kind; the partition

  EngineConfig config_;
  std::vector<const detectors::DetectorKind*> kinds_;
  std::vector<bool> by_account_key_;  // [kind]: partitioned by account
  std::uint64_t seed_;
  WorkerPool& pool_;
  ListProbe& lists_;
  std::vector<detectors::StrangerFilter> strangers_;                          // [partition]
  std::vector<std::vector<std::unique_ptr<detectors::Detector>>> detectors_;  // [kind][partition]
  std::vector<std::unique_ptr<Collector>> collectors_;  // [kind * partitions + partition]
  std::unique_ptr<Partitioned> by_account_, by_network_;
  std::vector<detectors::StrangerFilter::Pairs> pairs_;  // of the step, in order of by_account_
  detectors::Campaigns campaigns_;
  std::vector<Revision> revisions_;
  std::vector<std::uint64_t> findings_;
  EventTime first_{};  // first tick ever: what warm-up counts from
  bool started_ = false, partial_ = false;
};

}  // namespace stuffwatch::daemon::pipeline
