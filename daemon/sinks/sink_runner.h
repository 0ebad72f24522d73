// One sink, one thread: reads the outbox from the sink's own cursor, filters, delivers, retries, and saves the cursor.
// A sink that is dead or slow delays nobody else.
//
// Threads: start() and stop() from the owner; metrics() from any; step() only while no thread runs (tests, single-threaded
//          use).
// Memory:  one batch and what an OutboxReader holds.
// Errors:  a failed delivery is retried for ever with exponential back-off and jitter; stop() leaves the rest in the outbox.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "daemon/sinks/notice.h"
#include "daemon/sinks/outbox.h"
#include "daemon/sinks/sink.h"
#include "detectors/campaigns/revision.h"

namespace stuffwatch::daemon::sinks {

// What a sink gets. Operational alerts and everything else are told apart by severity and urgency only.
struct SinkFilter {
  detectors::Feed feed = detectors::Feed::kAlerts;
  detectors::Severity min_severity = detectors::Severity::kInfo;
  detectors::Urgency min_urgency = detectors::Urgency::kLog;

  [[nodiscard]] bool passes(const detectors::Revision& revision) const {
    return revision.feed == feed && revision.severity >= min_severity &&
           revision.urgency >= min_urgency;
  }
};

struct SinkRunnerOptions {
  std::string name;                   // unique; also the cursor's file name
  std::filesystem::path cursor_file;  // state.path/cursors/<name>
  SinkFilter filter{};
  std::chrono::milliseconds first_retry = std::chrono::milliseconds(200);
  std::chrono::milliseconds slowest_retry = std::chrono::seconds(30);
  std::chrono::milliseconds save_every = std::chrono::seconds(1);
  std::size_t batch_records = 256;
  std::size_t batch_bytes = std::size_t{4} << 20U;
  WallClock clock{};  // default: the system's
  NoticeSink notice = [](NoticeLevel, const std::string&) {};
  // Once for every delivered revision, in the runner's thread: the INFO line.
  std::function<void(std::string_view sink, const detectors::Revision&)> delivered =
      [](std::string_view, const detectors::Revision&) {};
};

// Read by the metrics' thread at any time.
struct SinkMetrics {
  std::atomic<std::uint64_t> delivered{0};       // revisions
  std::atomic<std::uint64_t> filtered{0};        // revisions of another feed, or below the minima
  std::atomic<std::uint64_t> refused{0};         // revisions that the receiver will never take
  std::atomic<std::uint64_t> failed{0};          // attempts
  std::atomic<std::uint64_t> lag_records{0};     // durable but not delivered, as of the last step
  std::atomic<std::int64_t> last_success_ms{0};  // wall time; 0: none yet
  std::atomic<std::int64_t> waiting_since_ms{
      0};  // when the oldest undelivered record was appended; 0: none waits
  std::atomic<std::uint32_t> failures_in_row{0};  // 0: well
};

class SinkRunner {
 public:
  struct Step {
    enum class Kind : std::uint8_t { kIdle, kProgress, kRetry } kind;
    std::chrono::milliseconds wait{0};  // kRetry: how long to leave the receiver alone
  };

  // Reads the cursor and takes its place in the outbox, which must outlive the runner.
  [[nodiscard]] static config::Result<std::unique_ptr<SinkRunner>> attach(
      SinkRunnerOptions options, Outbox& outbox, std::unique_ptr<Sink> sink);
  ~SinkRunner();
  SinkRunner(const SinkRunner&) = delete;
  SinkRunner& operator=(const SinkRunner&) = delete;

  void start();
  // Delivers what is durable now, for at most `patience`; a sink that fails once more is left alone. Then saves the cursor.
  void stop(std::chrono::milliseconds patience);
  // Asks the thread to drain without waiting for it: so that several can be stopped side by side.
  void begin_stop() { thread_.request_stop(); }

  // One round: fetch, deliver, save when it is time.
  [[nodiscard]] Step step();
  [[nodiscard]] const SinkMetrics& metrics() const { return metrics_; }
  [[nodiscard]] const std::string& name() const { return options_.name; }
  [[nodiscard]] std::uint64_t cursor() const { return reader_->cursor(); }
  [[nodiscard]] std::string problem() const;  // why the last attempt failed; empty when it did not

 private:
  SinkRunner(SinkRunnerOptions options, Outbox& outbox, std::unique_ptr<Sink> sink,
             std::uint64_t cursor);

  [[nodiscard]] config::Result<void> fetch();
  [[nodiscard]] config::Result<void> deliver_batch();
  [[nodiscard]] config::Result<void> save(bool now);
  void accept(std::size_t count);
  void measure();
  [[nodiscard]] Step failed_step(const std::string& why);
  void succeeded();
  [[nodiscard]] Step probe(const std::stop_token& stop);
  void run(const std::stop_token& stop);
  void drain();

  SinkRunnerOptions options_;
  Outbox& outbox_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<OutboxReader> reader_;
  SinkMetrics metrics_;

  // The thread's own (or step()'s caller's).
  struct Place {
    std::uint64_t sequence;
    WallTime appended;
  };
  std::vector<detectors::Revision> batch_;  // what passed the filter and is not delivered yet
  std::vector<Place> places_;               // of batch_
  std::uint64_t through_ = 0;               // everything up to here was fetched
  std::uint64_t saved_ = 0;
  WallTime saved_at_{};
  std::minstd_rand jitter_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string problem_;
  std::atomic<bool> hurry_{false};  // stop()'s patience is over
  bool finished_ = false;
  std::jthread thread_;
};

}  // namespace stuffwatch::daemon::sinks
