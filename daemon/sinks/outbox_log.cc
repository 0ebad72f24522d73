#include "daemon/sinks/outbox_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>

namespace stuffwatch::daemon::sinks {
namespace {

using config::failed;
using config::Result;

constexpr std::string_view kMagic = "SWOUTBX1";
constexpr std::string_view kSuffix = ".seg";
constexpr int kDigits = 20;

std::string segment_header(std::uint64_t first) {
  std::string header(kMagic);
  header.append(reinterpret_cast<const char*>(&first), sizeof first);
  return header;
}

std::optional<std::uint64_t> first_of(const std::filesystem::path& path) {
  const std::string name = path.filename().native();
  std::uint64_t first = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), first);
  const bool whole = error == std::errc{} && end - name.data() == kDigits && kSuffix == end;
  return whole ? std::optional(first) : std::nullopt;
}

Result<std::vector<std::filesystem::path>> list_segments(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error))
    if (first_of(at->path())) paths.push_back(at->path());
  if (error) return failed("cannot list {}: {}", folder.native(), error.message());
  std::ranges::sort(paths);
  return paths;
}

Result<config::FileDescriptor> take_folder(const std::filesystem::path& folder) {
  if (auto made = config::make_folder(folder); !made) return std::unexpected(made.error());
  auto lock = config::open_file(folder / "lock", O_RDWR | O_CREAT);
  if (lock && ::flock(lock->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return failed(
          "{} is in use by another stuffwatch: stop it, or give this one its own state.path",
          folder.native());
    return failed("cannot lock {}: {}", folder.native(), config::system_reason(errno));
  }
  return lock;
}

}  // namespace

Result<OutboxLog> OutboxLog::open(OutboxLogOptions options,
                                  const std::function<void(Entry&&)>& visit) {
  OutboxLog log(std::move(options));
  auto lock = take_folder(log.options_.folder);
  if (!lock) return std::unexpected(lock.error());
  log.lock_ = std::move(*lock);
  if (auto scanned = log.scan(visit); !scanned) return std::unexpected(scanned.error());
  return log;
}

Result<void> OutboxLog::scan(const std::function<void(Entry&&)>& visit) {
  const auto paths = list_segments(options_.folder);
  if (!paths) return std::unexpected(paths.error());
  for (const auto& path : *paths)
    if (auto scanned = scan_segment(path, path == paths->back(), visit); !scanned) return scanned;
  return {};
}

Result<void> OutboxLog::scan_segment(const std::filesystem::path& path, bool newest,
                                     const std::function<void(Entry&&)>& visit) {
  const auto bytes = config::read_file(path);
  if (!bytes) return std::unexpected(bytes.error());
  Segment segment{.path = path, .first = *first_of(path)};
  const std::uint64_t known = last();
  segment.last = std::max(known, segment.first - 1);
  // A header that is damaged says nothing the name does not say: the records speak for themselves.
  RecordScanner records(*bytes, std::min(kSegmentHeaderBytes, bytes->size()));
  while (auto entry = records.next()) {
    if (entry->sequence <= segment.last) continue;
    segment.last = entry->sequence;
    segment.newest = entry->appended;
    ++segment.records;
    visit(std::move(*entry));
  }
  const std::size_t rest = bytes->size() - records.valid_end();
  const std::size_t damaged = records.damaged() + (newest ? 0 : rest);
  if (damaged != 0) {
    damaged_bytes_ += damaged;
    options_.notice(
        NoticeLevel::kError,
        fmt::format(
            "{}: {} damaged bytes were stepped over; what they held is lost to sinks that had not "
            "read it. Check the disk.",
            path.native(), damaged));
  }
  segment.bytes = newest ? records.valid_end() : bytes->size();
  segments_.push_back(std::move(segment));
  return newest ? cut(path, records.valid_end(), rest) : Result<void>{};
}

// The end of the newest segment goes on growing unless it is damaged; then a new one is started.
Result<void> OutboxLog::cut(const std::filesystem::path& path, std::size_t size, std::size_t torn) {
  auto file = config::open_file(path, O_WRONLY | O_APPEND);
  if (!file) return std::unexpected(file.error());
  if (torn != 0) {
    if (::ftruncate(file->get(), static_cast<off_t>(size)) != 0 || ::fsync(file->get()) != 0)
      return failed("cannot cut the torn end of {}: {}", path.native(),
                    config::system_reason(errno));
    options_.notice(
        NoticeLevel::kWarning,
        fmt::format(
            "{}: cut {} bytes of a record that was being written when the process or the machine "
            "stopped",
            path.native(), torn));
  }
  if (size >= kSegmentHeaderBytes && damaged_bytes_ == 0) active_ = std::move(*file);
  return {};
}

Result<void> OutboxLog::start_segment(std::uint64_t first) {
  active_ = {};
  const auto path = options_.folder / fmt::format("{:0{}}{}", first, kDigits, kSuffix);
  auto file = config::open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
  if (!file) return std::unexpected(file.error());
  if (auto written = config::write_all(*file, segment_header(first), path); !written) {
    ::unlink(path.c_str());
    return written;
  }
  if (auto synced = config::sync_folder(options_.folder); !synced) return synced;
  // The same name comes again only when nothing was synced to it: a segment without records.
  if (!segments_.empty() && segments_.back().path == path) segments_.pop_back();
  segments_.push_back({.path = path,
                       .first = first,
                       .last = std::max(last(), first - 1),
                       .bytes = kSegmentHeaderBytes});
  active_ = std::move(*file);
  return {};
}

Result<void> OutboxLog::write_group(const RecordGroup& group) {
  const Segment& segment = segments_.back();
  if (auto written = config::write_all(active_, group.bytes, segment.path); !written)
    return written;
  if (::fdatasync(active_.get()) != 0)
    return failed("cannot sync {}: {}", segment.path.native(), config::system_reason(errno));
  return {};
}

Result<void> OutboxLog::append(const RecordGroup& group) {
  const bool full = active_ && segments_.back().records != 0 &&
                    segments_.back().bytes + group.bytes.size() > options_.segment_bytes;
  if (!active_ || full)
    if (auto started = start_segment(group.first); !started) return started;
  if (auto written = write_group(group); !written) {
    // After a failed sync nobody knows what is on the disk: cut it off as far as possible and never write to it again.
    [[maybe_unused]] const int cut_off =
        ::ftruncate(active_.get(), static_cast<off_t>(segments_.back().bytes));
    active_ = {};
    return written;
  }
  Segment& segment = segments_.back();
  segment.bytes += group.bytes.size();
  segment.last = group.last;
  segment.records += group.records;
  segment.newest = group.newest;
  return {};
}

Result<void> OutboxLog::drop_oldest(std::size_t count) {
  count = std::min(count, segments_.empty() ? 0 : segments_.size() - 1);
  for (std::size_t i = 0; i < count; ++i)
    if (::unlink(segments_[i].path.c_str()) != 0 && errno != ENOENT) {
      const int reason = errno;
      segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(i));
      return failed("cannot remove {}: {}", segments_.front().path.native(),
                    config::system_reason(reason));
    }
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count));
  return {};
}

}  // namespace stuffwatch::daemon::sinks
