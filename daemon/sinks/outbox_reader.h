// One sink's way through the outbox: it reads ahead of its cursor and moves the cursor when the sink has taken the records.
// Threads: next() and advance() from one thread; cursor() and waiting_since() from any.
// Memory: at most what is left of one segment.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "config/durable_file.h"
#include "config/result.h"
#include "daemon/sinks/revision_record.h"

namespace stuffwatch::daemon::sinks {

class Outbox;

class OutboxReader {
 public:
  OutboxReader(Outbox& outbox, std::string name, std::uint64_t cursor);
  ~OutboxReader();
  OutboxReader(const OutboxReader&) = delete;
  OutboxReader& operator=(const OutboxReader&) = delete;

  // The next durable records, oldest first: at most `count`, and no more after `bytes` of bodies. Empty: none as yet.
  // Errors: the disk does not read; the same records come again with the next call.
  [[nodiscard]] config::Result<std::vector<Entry>> next(std::size_t count, std::size_t bytes);
  // Everything up to `sequence` is delivered; the record after it has waited since `waiting` (none: WallTime{}).
  void advance(std::uint64_t sequence, WallTime waiting = {});
  void waits_since(WallTime since) { waiting_ms_ = since.time_since_epoch().count(); }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t cursor() const { return cursor_.load(std::memory_order_relaxed); }
  [[nodiscard]] WallTime waiting_since() const {
    return WallTime(WallTime::duration(waiting_ms_.load()));
  }
  // Where next() goes on: everything up to here was shown, or is gone.
  [[nodiscard]] std::uint64_t position() const { return position_; }

 private:
  [[nodiscard]] config::Result<bool> refill();

  Outbox& outbox_;
  const std::string name_;
  std::atomic<std::uint64_t> cursor_;
  std::atomic<std::int64_t> waiting_ms_{0};
  std::uint64_t position_;
  std::uint64_t segment_first_ = 0;  // of the segment that is open
  std::uint64_t offset_ = 0;         // how far that file was read into the buffer
  config::FileDescriptor file_;
  std::string buffer_;
  RecordScanner scanner_{{}};
};

}  // namespace stuffwatch::daemon::sinks
