// The outbox: what was said, durably and in order, before any sink says it. Revisions go in at one end; every sink reads
// them at its own pace.
//
// Time:    wall time only for the age of records. The order is the order of append().
// Threads: append(), last_revision() and seed() belong to the pipeline's thread (they only take a short lock); a writer
//          thread owns the disk; each OutboxReader belongs to one thread. Everything else may be called from any.
// Memory:  what is not yet synced (max_pending), one segment a reader that lags, and some 60 bytes a campaign or account
//          known (max_known).
// Cost:    append is a copy of the bodies; all that came in while a sync ran shares the next one.
// Errors:  a disk that fails is retried for ever (usage().problem says why); append fails only when max_pending is full or
//          after stop().
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "config/result.h"
#include "daemon/sinks/outbox_log.h"
#include "daemon/sinks/outbox_reader.h"
#include "detectors/campaigns/revision.h"

namespace stuffwatch::daemon::sinks {

struct OutboxOptions {
  std::filesystem::path folder;  // state.path/outbox
  std::uint64_t segment_bytes = std::uint64_t{8} << 20U;
  std::uint64_t max_bytes = std::uint64_t{1}
                            << 30U;  // above it even undelivered segments go, counted
  std::chrono::milliseconds max_age =
      std::chrono::hours(7 * 24);                        // delivered segments older than this go
  std::uint64_t max_pending = std::uint64_t{64} << 20U;  // encoded bytes that may wait for the disk
  std::size_t max_known = 500'000;  // campaigns and accounts whose last revision is remembered
  WallClock clock{};                // default: the system's
  NoticeSink notice = [](NoticeLevel, const std::string&) {};
  // In the writer's thread, after a group is durable and before durable() says so.
  std::function<void(std::span<const Entry>)> on_durable = [](std::span<const Entry>) {};
  // In the writer's thread, before segments are removed; an error keeps them (unless max_bytes is passed).
  std::function<config::Result<void>()> before_trim = [] { return config::Result<void>{}; };
};

// Numbers for metrics and /readyz.
struct OutboxUsage {
  std::uint64_t bytes = 0, records = 0, segments = 0, max_bytes = 0;
  std::uint64_t undelivered_bytes =
      0;  // what the slowest sink has yet to take; exact to a segment's mean record
  double share_of_cap = 0;  // undelivered_bytes / max_bytes: alert well before 1
  std::chrono::milliseconds oldest_undelivered_age{0};
  std::uint64_t appended = 0, durable = 0;  // sequence numbers
  std::uint64_t recomputed = 0;             // revisions dropped because they had been said already
  std::uint64_t dropped_records = 0;        // undelivered ones lost to max_bytes
  std::uint64_t oversized_records = 0;      // revisions beyond kMaxRecordBytes, refused
  std::uint64_t damaged_bytes = 0;
  std::uint64_t failed_writes = 0;
  std::string problem;  // empty while the disk is well
};

class Outbox {
 public:
  // Cuts a torn end, steps over damage, and knows the last revision of everything it still holds.
  [[nodiscard]] static config::Result<std::unique_ptr<Outbox>> open(OutboxOptions options);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // Takes all of them or none. A revision at or below the last one known of its (feed, id) was said before and is dropped.
  // Returns the sequence number up to which everything given so far stands; durable once durable() reaches it.
  [[nodiscard]] config::Result<std::uint64_t> append(
      std::span<const detectors::Revision> revisions);
  [[nodiscard]] std::uint64_t appended() const;
  [[nodiscard]] std::uint64_t durable() const;
  // An error when it is not after `patience`, or when `stop` is asked for.
  [[nodiscard]] config::Result<void> wait_durable(std::uint64_t sequence,
                                                  std::chrono::milliseconds patience,
                                                  const std::stop_token& stop = {});
  // Waits until something beyond `sequence` is durable (true), `patience` is over or `stop` is asked for (false).
  [[nodiscard]] bool wait_beyond(std::uint64_t sequence, std::chrono::milliseconds patience,
                                 const std::stop_token& stop);

  [[nodiscard]] std::optional<std::uint32_t> last_revision(detectors::Feed feed,
                                                           std::string_view id) const;
  // What the ledger remembers beyond what was trimmed here; keeps the higher of both. Before the first append.
  void seed(detectors::Feed feed, std::string_view id, std::uint32_t revision);

  // A sink that has taken everything up to `cursor`. A cursor beyond the end (the end was lost) moves the end, so that no
  // sequence number is used twice. When the reader goes, its place is kept until a reader of that name comes again or
  // release() gives it up. The outbox must outlive the reader.
  [[nodiscard]] std::unique_ptr<OutboxReader> attach(std::string name, std::uint64_t cursor);
  void release(std::string_view name);
  // Every sink of the configuration is attached: only from now on may anything be removed.
  void all_attached();

  // Removes what every sink has and what is over the caps; the writer does it every few seconds and with each new segment.
  void maintain();
  [[nodiscard]] OutboxUsage usage() const;

  // Writes what is pending (one last try) and ends the writer; append fails from then on. Idempotent.
  void stop();

 private:
  friend class OutboxReader;
  struct Known {
    std::uint64_t sequence = 0;
    std::uint32_t revision = 0;
    bool droppable = false;  // an account, or a closed campaign: may be forgotten with its segment
  };
  struct Seat {
    std::string name;
    const OutboxReader* reader;  // null while nobody sits there
    std::uint64_t cursor;        // of the one who left
  };
  struct Pending {
    std::string bytes;
    std::vector<Entry> entries;
  };

  explicit Outbox(OutboxOptions options) : options_(std::move(options)) {}
  void remember(const Entry& entry);
  void forget_some();
  void forget_below(std::uint64_t sequence);
  void run(const std::stop_token& stop);
  [[nodiscard]] bool write_pending();
  void written(const Pending& group);
  void write_failed(Pending group, const config::Error& error);
  [[nodiscard]] std::size_t over_caps(std::uint64_t delivered) const;
  void count_dropped(std::size_t segments, std::uint64_t delivered);
  [[nodiscard]] std::uint64_t slowest() const;
  // The first segment with a durable record beyond `after`.
  [[nodiscard]] std::optional<Segment> locate(std::uint64_t after) const;
  void detach(const OutboxReader* reader);
  void report_damage(const std::string& name, std::uint64_t bytes);

  OutboxOptions options_;

  std::mutex disk_mutex_;  // around log_; taken before mutex_
  std::optional<OutboxLog> log_;

  mutable std::mutex mutex_;  // around everything below
  std::condition_variable_any changed_;
  std::vector<Segment> segments_;  // as of the last durable group
  Pending pending_;
  std::uint64_t next_ = 1;
  std::uint64_t durable_ = 0;
  bool skipped_ahead_ = false;  // next_ was moved by attach(): start a new segment
  bool stopped_ = false;
  std::unordered_map<std::uint64_t, Known> known_;
  std::vector<Seat> seats_;
  bool all_attached_ = false;
  OutboxUsage counts_;  // the counters and `problem` only

  std::jthread writer_;  // last: ends before what it uses
};

}  // namespace stuffwatch::daemon::sinks
