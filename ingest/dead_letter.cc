#include "ingest/dead_letter.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "config/utf8.h"

namespace stuffwatch::ingest {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookEvery = 1h;

void append_base64(std::string& out, std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4 + 64);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = (group << 8U) | (k < left ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= left ? kDigits[(group >> (18U - 6U * static_cast<std::uint32_t>(k))) & 63U] : '=';
  }
}

// File names may hold any bytes; what is no UTF-8 becomes U+FFFD, so that the line stays JSON.
void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t length = config::utf8_length(text);
    if (length == 0) {
      out += "\\ufffd";
    } else if (text.front() == '"' || text.front() == '\\') {
      out += '\\';
      out += text.front();
    } else if (static_cast<unsigned char>(text.front()) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(text.front()));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  out += '"';
}

std::string reason_of(int error) { return std::generic_category().message(error); }

config::Result<void> write_all(int file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return config::failed("cannot write {}: {}", path, reason_of(errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// The size up to and including the last line end.
std::uint64_t whole_lines(int file, std::uint64_t size) {
  std::array<char, 65536> block{};
  while (size > 0) {
    const std::uint64_t begin = size - std::min<std::uint64_t>(size, block.size());
    const ssize_t got = ::pread(file, block.data(), size - begin, static_cast<off_t>(begin));
    if (got <= 0) return size;
    const std::size_t feed =
        std::string_view(block.data(), static_cast<std::size_t>(got)).rfind('\n');
    if (feed != std::string_view::npos) return begin + feed + 1;
    size = begin;
  }
  return 0;
}

config::TimeMs modified(const struct stat& status) {
  return config::TimeMs(std::chrono::milliseconds(std::int64_t{status.st_mtim.tv_sec} * 1000 +
                                                  status.st_mtim.tv_nsec / 1'000'000));
}

}  // namespace

void DeadLetterSettings::visit(config::FieldVisitor& v) {
  v.field("mode", mode, "How much of a record that could not be decoded is kept.");
  v.field("topic", topic,
          "Kafka topic for such records, bytes as they came, on the brokers of `kafka`. Give it "
          "the access rules of the topics "
          "that are read.",
          config::kOperational);
  v.field("file", file,
          "File for such records, and for those too large for the topic; default: "
          "dead_letters.jsonl in state.path.",
          config::kOperational);
  v.field("max_bytes", max_bytes, {config::mebibytes(1), config::Bytes{std::uint64_t{1} << 50U}},
          "The file and its rotated predecessors together; the oldest go first.",
          config::kOperational);
  v.field("max_age", max_age, {std::chrono::hours(24), std::chrono::days(3650)},
          "Older records are removed, a file at a time: a quarter of this time more or less.",
          config::kOperational);
}

void append_dead_letter_line(std::string& out, const DeadLetterRecord& record,
                             DeadLetterMode mode) {
  out += '{';
  if (record.timestamp_ms >= 0) {
    out += "\"time\":\"";
    config::append_rfc3339(out, config::TimeMs(std::chrono::milliseconds(record.timestamp_ms)));
    out += "\",";
  }
  out += "\"input\":";
  append_json_string(out, record.input);
  fmt::format_to(std::back_inserter(out), ",\"offset\":{},\"reason\":", record.offset);
  append_json_string(out, record.reason);
  fmt::format_to(std::back_inserter(out), ",\"bytes\":{}", record.bytes.size());
  if (mode == DeadLetterMode::kRaw) {
    out += ",\"raw\":\"";
    append_base64(out, record.bytes);
    out += '"';
  }
  out += '}';
}

config::Result<std::unique_ptr<DeadLetterFile>> DeadLetterFile::open(Options options,
                                                                     config::TimeMs now) {
  std::unique_ptr<DeadLetterFile> file(new DeadLetterFile(std::move(options)));
  if (auto ok = file->reopen(now); !ok) return std::unexpected(ok.error());
  file->remove_old(now);
  return file;
}

DeadLetterFile::~DeadLetterFile() {
  if (file_ < 0) return;
  static_cast<void>(write_queue());
  ::close(file_);
}

config::Result<void> DeadLetterFile::reopen(config::TimeMs now) {
  if (file_ >= 0) ::close(file_);
  file_ = ::open(options_.path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  struct stat status{};
  if (file_ < 0 || ::fstat(file_, &status) != 0)
    return config::failed("cannot open {}: {}; name another with dead_letter.file", options_.path,
                          reason_of(errno));
  size_ = static_cast<std::uint64_t>(status.st_size);
  born_ = size_ == 0 ? now : modified(status);
  const std::uint64_t whole = whole_lines(file_, size_);
  if (whole == size_) return {};
  if (::ftruncate(file_, static_cast<off_t>(whole)) != 0)
    return config::failed("cannot cut the unfinished last line of {}: {}", options_.path,
                          reason_of(errno));
  size_ = whole;
  return {};
}

bool DeadLetterFile::offer(const DeadLetterRecord& record, config::TimeMs now) {
  return offer_as(record, options_.mode, now);
}

bool DeadLetterFile::offer_as(const DeadLetterRecord& record, DeadLetterMode mode,
                              config::TimeMs now) {
  if (mode == DeadLetterMode::kOff) return true;
  if (queue_.size() >= kQueueBytes) {
    serve(now);
    if (queue_.size() >= kQueueBytes) return false;  // the disk is full, or the file is gone
  }
  append_dead_letter_line(queue_, record, mode);
  queue_ += '\n';
  return true;
}

// Whole lines or none, as far as the file lets itself be cut.
config::Result<void> DeadLetterFile::write_queue() {
  if (queue_.empty()) return {};
  if (auto written = write_all(file_, queue_, options_.path); !written) {
    // A piece that cannot be cut off again must not run into the next line.
    if (::ftruncate(file_, static_cast<off_t>(size_)) != 0 && !queue_.starts_with('\n'))
      queue_.insert(0, "\n");
    return written;
  }
  size_ += queue_.size();
  queue_.clear();
  unsynced_ = true;
  return {};
}

void DeadLetterFile::serve(config::TimeMs now) {
  const bool old = size_ > 0 && now - born_ >= options_.max_age / kOldFiles;
  const bool full = size_ > 0 && size_ + queue_.size() > rotate_at();
  config::Result<void> done;
  if (old || full) done = rotate(now, full ? "max_bytes" : "max_age");
  if (done) done = write_queue();
  problem_ = done ? std::string() : done.error().message;
  if (now - looked_ >= kLookEvery) remove_old(now);
}

config::Result<void> DeadLetterFile::flush(std::chrono::milliseconds) {
  if (auto written = write_queue(); !written) {
    problem_ = written.error().message;
    return written;
  }
  if (unsynced_ && ::fdatasync(file_) != 0)
    return config::failed("cannot sync {}: {}", options_.path, reason_of(errno));
  unsynced_ = false;
  return {};
}

std::string DeadLetterFile::numbered(int number) const {
  return number == 0 ? options_.path : fmt::format("{}.{}", options_.path, number);
}

config::Result<void> DeadLetterFile::rotate(config::TimeMs now, std::string_view why) {
  remove(numbered(kOldFiles), why);
  for (int number = kOldFiles; number > 0; --number) {
    if (std::rename(numbered(number - 1).c_str(), numbered(number).c_str()) != 0 && errno != ENOENT)
      return config::failed("cannot rotate {}: {}", numbered(number - 1), reason_of(errno));
  }
  return reopen(now);
}

void DeadLetterFile::remove_old(config::TimeMs now) {
  looked_ = now;
  for (int number = 1; number <= kOldFiles; ++number) {
    struct stat status{};
    const std::string path = numbered(number);
    if (::stat(path.c_str(), &status) == 0 && now - modified(status) > options_.max_age)
      remove(path, "max_age");
  }
}

void DeadLetterFile::remove(const std::string& path, std::string_view why) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || ::unlink(path.c_str()) != 0) return;
  removed_bytes_ += static_cast<std::uint64_t>(status.st_size);
  if (options_.notice)
    options_.notice(fmt::format("dead letters: removed {} ({} bytes): dead_letter.{}", path,
                                status.st_size, why));
}

}  // namespace stuffwatch::ingest
