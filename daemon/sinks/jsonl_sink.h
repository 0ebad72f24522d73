// Revisions as lines of a file: the body, one JSON object a line. Rotates by size, or lets logrotate do it: a file that was
// moved away is made anew. A line that was cut short by a crash is cut off when the file is opened.
// Threads: as Sink. Cost: one write a batch and file; synced when the cursor is saved, about once a second.
// Errors:  a full disk or a lost right fails the delivery; the half-written batch is taken back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "config/durable_file.h"
#include "daemon/sinks/notice.h"
#include "daemon/sinks/sink.h"

namespace stuffwatch::daemon::sinks {

struct JsonlSinkOptions {
  std::filesystem::path path;  // or a pipe or device: then there is no rotation and nothing is cut
  std::uint64_t rotate_bytes = 0;  // 0: never
  std::uint32_t keep = 10;         // rotated files, `<path>.1` the newest
  NoticeSink notice = [](NoticeLevel, const std::string&) {};
};

class JsonlSink final : public Sink {
 public:
  explicit JsonlSink(JsonlSinkOptions options) : options_(std::move(options)) {}

  [[nodiscard]] config::Result<Delivered> deliver(
      std::span<const detectors::Revision> revisions) override;
  [[nodiscard]] config::Result<void> settle() override;
  [[nodiscard]] config::Result<void> check(const std::stop_token& /*stop*/) override {
    return ready();
  }

 private:
  [[nodiscard]] config::Result<void> open();
  [[nodiscard]] config::Result<void> ready();
  [[nodiscard]] config::Result<void> write_lines();
  [[nodiscard]] config::Result<void> cut_torn_line(std::uint64_t size);
  [[nodiscard]] config::Result<void> rotate();
  [[nodiscard]] bool moved_away() const;

  JsonlSinkOptions options_;
  config::FileDescriptor file_;
  bool regular_ = false;
  bool unsettled_ = false;
  std::uint64_t size_ = 0;
  std::string lines_;
};

}  // namespace stuffwatch::daemon::sinks
