// The daemon itself: configuration in, pipeline, outbox, sinks, HTTP and checkpoints around it, until it is told to stop.
//
// Threads: run() is the merge thread. Sinks, outbox and HTTP have threads of their own and meet it only in the outbox, the ledger and the status board.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/result.h"
#include "daemon/config.h"
#include "daemon/corpus_watch.h"
#include "daemon/deadline.h"
#include "daemon/http/routes.h"
#include "daemon/http/server.h"
#include "daemon/metrics.h"
#include "daemon/pipeline/checkpoint.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/sinks/delivery.h"
#include "daemon/status.h"
#include "ingest/dead_letter.h"
#include "ingest/kafka_source.h"

namespace stuffwatch::daemon {

class Service {
 public:
  // `file` and `overrides`: what the configuration was read from, and is read from again on reload.
  Service(std::unique_ptr<Config> config, std::string file, std::vector<std::string> overrides)
      : config_(std::move(config)), file_(std::move(file)), overrides_(std::move(overrides)) {}
  ~Service();

  // Everything that can be wrong at start, as one error.
  [[nodiscard]] config::Result<void> start();
  // Returns when `stop` is set, or when all inputs are files and have been read to the end; an error when one of them could not be read.
  [[nodiscard]] config::Result<void> run(const std::atomic<bool>& stop,
                                         std::atomic<bool>& reload_wanted);
  // Drains: checkpoint, offsets, sinks, within one patience for all. An error when something could not be kept and is to be read again at the next start.
  [[nodiscard]] config::Result<void> shut_down();
  // What HTTP answers from; from start() on. Threads: any.
  [[nodiscard]] http::RouteSources sources() const;

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] config::Result<void> open_state();
  [[nodiscard]] config::Result<void> open_sinks();
  [[nodiscard]] config::Result<void> open_dead_letter();
  [[nodiscard]] config::Result<void> open_pipeline();
  [[nodiscard]] config::Result<void> open_corpus();
  [[nodiscard]] config::Result<void> open_sources();
  [[nodiscard]] config::Result<void> open_http();
  [[nodiscard]] config::Result<void> all_read() const;
  void say_start() const;
  void deliver(std::vector<detectors::Revision>&& said);
  [[nodiscard]] bool hold_on(std::string_view why);
  void refuse(const pipeline::InputQueue& input, const ingest::RawRecord& record,
              ingest::Reject why);
  void reload();
  void config_in_force(bool fresh);
  [[nodiscard]] bool cut_due() const;
  void cut();
  void checkpoint(std::chrono::milliseconds patience);
  [[nodiscard]] config::Result<void> last_checkpoint(const Deadline& deadline);
  void checkpoint_done(const pipeline::CheckpointStore::Done& done);
  void publish();
  void publish_metrics(const DaemonStatus& status);
  void publish_pipeline_metrics(const DaemonStatus& status);
  void publish_input_metrics(const DaemonStatus& status);
  void forget_inputs(const DaemonStatus& status);
  void publish_detector_metrics(const DaemonStatus& status);
  void publish_campaign_metrics(const DaemonStatus& status);
  void publish_output_metrics(const DaemonStatus& status);
  void publish_corpus_metrics(const CorpusHealth& corpus);
  [[nodiscard]] DaemonStatus status();
  void add_inputs(DaemonStatus& status);
  void listen(const pipeline::InputQueue& queue, InputHealth& health);
  [[nodiscard]] std::vector<std::string> silent_inputs() const;

  std::unique_ptr<Config> config_;
  std::string file_;
  std::vector<std::string> overrides_;
  std::string config_sha256_;
  std::filesystem::path state_;
  bool own_state_ = false;  // a temporary folder, removed at the end
  StatusTime started_{};
  std::unique_ptr<corpus::AccountHasher> hasher_;
  Metrics metrics_;
  StatusBoard board_;
  std::unique_ptr<sinks::Delivery> delivery_;
  std::vector<pipeline::InputSettings> settings_;
  std::unique_ptr<ingest::DeadLetter> dead_letter_;
  std::uint64_t dead_letters_ = 0;
  std::unique_ptr<pipeline::Pipeline> pipeline_;
  std::unique_ptr<CorpusWatch> corpus_;  // nullptr: no corpus.path
  std::unique_ptr<pipeline::CheckpointStore> checkpoints_;
  ingest::KafkaSource* kafka_ = nullptr;  // one of the pipeline's sources
  std::unique_ptr<http::Server> server_;
  Clock::time_point next_checkpoint_{}, last_publish_{}, next_trust_check_{};
  bool unsaved_ = false;  // something was merged since the last cut
  const std::atomic<bool>* stop_ = nullptr;
  bool gave_up_ = false;  // something could not be kept: nothing may be committed any more
  std::string held_;      // why everything waits, while it does
  Clock::time_point next_complaint_{};
  std::set<std::string> assumed_years_, noticed_;  // inputs that were warned about
  CheckpointHealth checkpoint_health_;
  struct Heard {  // of an input, when it was last looked at
    std::uint64_t records = 0, events = 0;
    Clock::time_point looked{}, last_record{};
  };
  std::map<std::string, Heard> heard_;
};

}  // namespace stuffwatch::daemon
