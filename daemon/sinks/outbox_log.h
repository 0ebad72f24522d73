// The outbox on disk: segments of records in one folder, appended to by groups, each group synced before it counts.
// A segment `<first sequence>.seg` is a 16-byte header and records (revision_record.h); the newest one grows.
// Threads: none; the Outbox serialises. Memory: while opening, one segment.
// Errors: a failed append leaves the log as it was; the same group may be appended again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "config/durable_file.h"
#include "config/result.h"
#include "daemon/sinks/notice.h"
#include "daemon/sinks/revision_record.h"

namespace stuffwatch::daemon::sinks {

inline constexpr std::size_t kSegmentHeaderBytes = 16;

struct Segment {
  std::filesystem::path path;
  std::uint64_t first = 0;  // no record in it is below
  std::uint64_t last = 0;   // its newest record; first - 1 when it has none
  std::uint64_t bytes = 0;  // what is synced; the file may be longer by a group that failed
  std::uint64_t records = 0;
  WallTime newest{};  // when its newest record was appended
};

// Records about to be appended together, already encoded.
struct RecordGroup {
  std::string_view bytes;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t records = 0;
  WallTime newest{};
};

struct OutboxLogOptions {
  std::filesystem::path folder;
  std::uint64_t segment_bytes = std::uint64_t{8} << 20U;
  NoticeSink notice = [](NoticeLevel, const std::string&) {};
};

class OutboxLog {
 public:
  // Takes the folder (made if absent) for this process alone, cuts a torn end, steps over damage, and shows every record.
  [[nodiscard]] static config::Result<OutboxLog> open(OutboxLogOptions options,
                                                      const std::function<void(Entry&&)>& visit);

  [[nodiscard]] config::Result<void> append(const RecordGroup& group);
  // Removes the `count` oldest segments; never the one that grows.
  [[nodiscard]] config::Result<void> drop_oldest(std::size_t count);
  // The next append starts a new segment, although nothing may have been written to this one.
  void close_segment() { active_ = {}; }

  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }  // oldest first
  [[nodiscard]] std::uint64_t last() const { return segments_.empty() ? 0 : segments_.back().last; }
  [[nodiscard]] std::uint64_t damaged_bytes() const { return damaged_bytes_; }

 private:
  explicit OutboxLog(OutboxLogOptions options) : options_(std::move(options)) {}

  [[nodiscard]] config::Result<void> scan(const std::function<void(Entry&&)>& visit);
  [[nodiscard]] config::Result<void> scan_segment(const std::filesystem::path& path, bool newest,
                                                  const std::function<void(Entry&&)>& visit);
  [[nodiscard]] config::Result<void> cut(const std::filesystem::path& path, std::size_t size,
                                         std::size_t torn);
  [[nodiscard]] config::Result<void> start_segment(std::uint64_t first);
  [[nodiscard]] config::Result<void> write_group(const RecordGroup& group);

  OutboxLogOptions options_;
  config::FileDescriptor lock_;
  config::FileDescriptor active_;  // the newest segment, when it may grow
  std::vector<Segment> segments_;
  std::uint64_t damaged_bytes_ = 0;
};

}  // namespace stuffwatch::daemon::sinks
