#include "ingest/line_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/core.h>

#include "ingest/record_limits.h"

namespace stuffwatch::ingest {
namespace {

constexpr std::size_t kLeastTarget = std::size_t{16} << 10;
constexpr std::size_t kLongLine = kMaxRecordBytes + 1;  // what is kept of one that is too long
constexpr std::size_t kSkipAtOnce = std::size_t{16}
                                    << 20;  // bytes of a long line a read() skips at most
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::unique_ptr<char[]> make_buffer(std::size_t bytes) {
  auto buffer = std::make_unique_for_overwrite<char[]>(bytes + RawChunk::kPadding);
  std::memset(buffer.get() + bytes, 0, RawChunk::kPadding);
  return buffer;
}

RawRecord line(const char* begin, const char* end, std::int64_t offset) {
  if (end != begin && end[-1] == '\r') --end;
  std::string_view bytes(begin, static_cast<std::size_t>(end - begin));
  if (offset == 0 && bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  return {bytes, offset, -1};
}

}  // namespace

LineReader::LineReader(ByteStream stream, std::size_t chunk_bytes, bool last_waits)
    : stream_(std::move(stream)),
      chunk_bytes_(std::max(chunk_bytes, kLeastTarget)),
      last_waits_(last_waits),
      target_(chunk_bytes_) {}

ReadStatus LineReader::read(RawChunk& out) {
  if (to_skip_ > 0) {
    if (const ReadStatus status = skip_to_start(); status != ReadStatus::kChunk) return status;
  }
  if (long_line_) return skip_long_line(out);
  if (kept_is_partial_ && state_ == State::kWouldBlock && !stream_.ready())
    return ReadStatus::kNothingYet;
  std::size_t target = std::max(target_, kept_is_partial_ ? std::min(kept() * 2, kLongLine) : 0);
  for (;;) {
    Buffer buffer = make_buffer(target);
    const std::size_t filled = fill(buffer.get(), target);
    const std::size_t used = split(buffer.get(), filled, out.records);
    const std::size_t left = filled - used;
    if (out.records.empty() && left >= kLongLine) {
      hold_long_line(std::move(buffer), filled);
      return skip_long_line(out);
    }
    keep(buffer.get() + used, left);
    if (!out.records.empty()) {
      adapt(used, left, out.records.size());
      offset_ += static_cast<std::int64_t>(used);
      return deliver(out, std::move(buffer));
    }
    kept_is_partial_ = left > 0;
    if (state_ == State::kEnd || state_ == State::kFailed)
      return finish(static_cast<std::int64_t>(left));
    if (state_ == State::kWouldBlock) return ReadStatus::kNothingYet;
    target = std::min(target * 2, kLongLine);
  }
}

// What was kept first, then the stream; all of `room`, unless the stream has no more for now.
std::size_t LineReader::fill(char* buffer, std::size_t room) {
  state_ = State::kBytes;
  std::size_t filled = std::min(room, kept());
  if (filled > 0) std::memcpy(buffer, kept_.data() + kept_begin_, filled);
  kept_begin_ += filled;
  if (kept() > 0) return filled;
  while (filled < room) {
    const auto got = stream_.read(buffer + filled, room - filled);
    state_ = got.state;
    if (got.state != State::kBytes) break;
    filled += got.bytes;
  }
  return filled;
}

// Bytes used by the lines found. At the end of the file what is left is a line too, unless it waits.
std::size_t LineReader::split(const char* buffer, std::size_t filled,
                              std::vector<RawRecord>& records) {
  const char* at = buffer;
  const char* const end = buffer + filled;
  while (at != end && records.size() < kMaxRecords) {
    const void* found = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
    const auto offset = offset_ + (at - buffer);
    if (found != nullptr) {
      const char* const stop = static_cast<const char*>(found);
      const bool too_long = static_cast<std::size_t>(stop - at) >
                            kLongLine;  // whole in the buffer, yet cut like any other
      records.push_back(line(at, too_long ? at + kLongLine : stop, offset));
      at = stop + 1;
    } else {
      if (!line_ends_here() || static_cast<std::size_t>(end - at) > kLongLine) break;
      records.push_back(line(at, end, offset));
      at = end;
    }
  }
  return static_cast<std::size_t>(at - buffer);
}

// Puts back the end of what fill() returned. While older bytes are kept, fill() took it from them.
void LineReader::keep(const char* from, std::size_t bytes) {
  kept_is_partial_ = false;
  if (kept() > 0) {
    kept_begin_ -= bytes;
    return;
  }
  kept_.assign(from, from + bytes);
  kept_begin_ = 0;
}

// Short lines: aim at 4,096 of them, so that little is read that must be kept.
void LineReader::adapt(std::size_t used, std::size_t left, std::size_t records) {
  if (records == kMaxRecords && left > 0) {
    target_ = std::clamp(used + used / 8, kLeastTarget, chunk_bytes_);
  } else if (records < kMaxRecords && target_ < chunk_bytes_) {
    target_ = std::min(target_ * 2, chunk_bytes_);
  }
}

// What stands behind the last line end is said, if it was not handed out and waits.
ReadStatus LineReader::finish(std::int64_t unfinished) {
  if (state_ == State::kEnd && unfinished > 0 && notice_.empty())
    notice_ = fmt::format(
        "{}: its last line has no end yet, and its {} bytes are read when it has one, from the "
        "next "
        "start on",
        stream_.name(), unfinished);
  stream_.close();
  return ReadStatus::kFinished;
}

ReadStatus LineReader::deliver(RawChunk& out, Buffer buffer) {
  out.memory.push_back(std::move(buffer));
  out.next_offset = offset_;
  return ReadStatus::kChunk;
}

void LineReader::hold_long_line(Buffer buffer, std::size_t filled) {
  long_line_ = std::move(buffer);
  long_line_offset_ = offset_;
  offset_ += static_cast<std::int64_t>(filled);
  std::memset(long_line_.get() + kLongLine, 0, RawChunk::kPadding);
}

ReadStatus LineReader::skip_long_line(RawChunk& out) {
  std::vector<char> scratch(std::size_t{64} << 10);
  for (std::size_t skipped = 0; skipped < kSkipAtOnce;) {
    const std::size_t filled = fill(scratch.data(), scratch.size());
    const char* const begin = scratch.data();
    const void* found = std::memchr(begin, '\n', filled);
    const std::size_t used =
        found == nullptr ? filled
                         : static_cast<std::size_t>(static_cast<const char*>(found) - begin) + 1;
    keep(begin + used, filled - used);
    offset_ += static_cast<std::int64_t>(used);
    skipped += used;
    if (found != nullptr || line_ends_here()) {
      out.records.push_back(
          line(long_line_.get(), long_line_.get() + kLongLine, long_line_offset_));
      return deliver(out, std::move(long_line_));
    }
    if ((state_ == State::kFailed || state_ == State::kEnd) && kept() == 0) {
      long_line_.reset();
      return finish(offset_ - long_line_offset_);
    }
    if (state_ == State::kWouldBlock && kept() == 0) break;
  }
  return ReadStatus::kNothingYet;
}

ReadStatus LineReader::skip_to_start() {
  const auto got = stream_.skip(to_skip_);
  if (got.state == State::kFailed) return ReadStatus::kFinished;
  if (got.state == State::kEnd) {
    notice_ = fmt::format(
        "{}: has fewer bytes of text than the {} that were read of it before, so it was replaced "
        "or "
        "cut: it is read from its start",
        stream_.name(), offset_ + to_skip_);
    stream_.rewind();
    offset_ = to_skip_ = 0;
    return ReadStatus::kChunk;
  }
  to_skip_ -= static_cast<std::int64_t>(got.bytes);
  offset_ += static_cast<std::int64_t>(got.bytes);
  return to_skip_ == 0 ? ReadStatus::kChunk : ReadStatus::kNothingYet;
}

}  // namespace stuffwatch::ingest
