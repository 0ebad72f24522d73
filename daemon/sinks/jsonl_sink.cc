#include "daemon/sinks/jsonl_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace stuffwatch::daemon::sinks {
namespace {

using config::failed;
using config::Result;

constexpr std::uint64_t kTailBytes = 64 << 10U;

}  // namespace

Result<void> JsonlSink::open() {
  struct stat status{};
  const bool special = ::stat(options_.path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
  const int flags = special ? O_WRONLY | O_APPEND | O_NONBLOCK : O_RDWR | O_CREAT | O_APPEND;
  auto file = config::open_file(options_.path, flags, 0640);
  if (!file) return std::unexpected(file.error());
  if (::fstat(file->get(), &status) != 0)
    return failed("cannot look at {}: {}", options_.path.native(), config::system_reason(errno));
  file_ = std::move(*file);
  regular_ = S_ISREG(status.st_mode);
  size_ = regular_ ? static_cast<std::uint64_t>(status.st_size) : 0;
  auto done = !regular_    ? Result<void>{}
              : size_ == 0 ? config::sync_folder(options_.path.parent_path())
                           : cut_torn_line(size_);
  if (!done) file_.reset();
  return done;
}

// From the end backwards to the last line feed.
Result<void> JsonlSink::cut_torn_line(std::uint64_t size) {
  std::uint64_t keep = 0;
  for (std::uint64_t end = size; end > 0;) {
    const std::uint64_t begin = end - std::min(end, kTailBytes);
    const auto tail = config::read_range(file_, begin, end - begin, options_.path);
    if (!tail) return std::unexpected(tail.error());
    if (const std::size_t feed = tail->rfind('\n'); feed != std::string::npos) {
      keep = begin + feed + 1;
      break;
    }
    end = begin;
  }
  if (keep == size) return {};
  if (::ftruncate(file_.get(), static_cast<off_t>(keep)) != 0)
    return failed("cannot cut the torn line of {}: {}", options_.path.native(),
                  config::system_reason(errno));
  size_ = keep;
  options_.notice(NoticeLevel::kWarning,
                  fmt::format("{}: cut a last line of {} bytes that was never finished",
                              options_.path.native(), size - keep));
  return {};
}

// logrotate, or a person, put the file elsewhere.
bool JsonlSink::moved_away() const {
  struct stat there{};
  struct stat ours{};
  if (::stat(options_.path.c_str(), &there) != 0) return errno == ENOENT;
  return ::fstat(file_.get(), &ours) == 0 &&
         (there.st_ino != ours.st_ino || there.st_dev != ours.st_dev);
}

Result<void> JsonlSink::rotate() {
  if (auto settled = settle(); !settled) return settled;
  const auto numbered = [&](std::uint32_t number) {
    return number == 0
               ? options_.path
               : std::filesystem::path(fmt::format("{}.{}", options_.path.native(), number));
  };
  if (options_.keep == 0 && ::unlink(options_.path.c_str()) != 0)
    return failed("cannot remove {}: {}", options_.path.native(), config::system_reason(errno));
  for (std::uint32_t number = options_.keep; number > 0; --number)
    if (::rename(numbered(number - 1).c_str(), numbered(number).c_str()) != 0 && errno != ENOENT)
      return failed("cannot rotate {}: {}", numbered(number - 1).native(),
                    config::system_reason(errno));
  file_.reset();
  return open();
}

Result<void> JsonlSink::ready() {
  if (file_ && regular_ && moved_away()) {
    if (auto settled = settle(); !settled) return settled;
    file_.reset();
  }
  return file_ ? Result<void>{} : open();
}

// Whole lines or none, as far as the file lets itself be cut.
Result<void> JsonlSink::write_lines() {
  auto written = config::write_all(file_, lines_, options_.path);
  if (!written) {
    if (regular_ && ::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0)
      file_.reset();  // cut when reopened
    return written;
  }
  size_ += lines_.size();
  unsettled_ = regular_;
  lines_.clear();
  return {};
}

Result<Delivered> JsonlSink::deliver(std::span<const detectors::Revision> revisions) {
  if (auto opened = ready(); !opened) return std::unexpected(opened.error());
  lines_.clear();
  Delivered delivered;
  const auto stopped = [&](const config::Error& error) {
    delivered.problem = error.message;
    return delivered;
  };
  for (std::size_t i = 0; i < revisions.size(); ++i) {
    const std::string& body = revisions[i].body;
    const std::uint64_t size = size_ + lines_.size();
    if (regular_ && options_.rotate_bytes != 0 && size != 0 &&
        size + body.size() + 1 > options_.rotate_bytes) {
      if (auto written = write_lines(); !written) return stopped(written.error());
      delivered.count = i;
      if (auto rotated = rotate(); !rotated) return stopped(rotated.error());
    }
    lines_ += body;
    lines_ += '\n';
  }
  if (auto written = write_lines(); !written) return stopped(written.error());
  delivered.count = revisions.size();
  return delivered;
}

Result<void> JsonlSink::settle() {
  if (!file_ || !unsettled_) return {};
  if (::fdatasync(file_.get()) != 0)
    return failed("cannot sync {}: {}", options_.path.native(), config::system_reason(errno));
  unsettled_ = false;
  return {};
}

}  // namespace stuffwatch::daemon::sinks
