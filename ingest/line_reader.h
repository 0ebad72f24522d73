// Cuts the text of one file into chunks of whole lines.
//
// A line ends with LF; one CR in front of it is dropped, and so is a UTF-8 byte order mark at the
// start. A last line without LF is a record, or waits with a notice(). A line longer than kMaxRecordBytes is handed out cut
// to kMaxRecordBytes + 1 bytes (to be rejected as too large), the rest is skipped. NUL is a byte
// like any other. A damaged file ends where the damage begins, with problem(): the whole lines
// before it are handed out, the piece of a line in front of it is not.
//
// Threads: one at a time.
// Memory:  a chunk is at most chunk_bytes, or one long line; as much again is kept when lines are
//          short.
// Cost:    memchr over the bytes, one read(2) a chunk: 14 ns a line of 420 bytes, beside the 30 ns
//          that the kernel needs to copy it out of the page cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ingest/byte_stream.h"
#include "ingest/raw_chunk.h"
#include "ingest/source.h"

namespace stuffwatch::ingest {

class LineReader {
 public:
  static constexpr std::size_t kMaxRecords = 4096;

  // `last_waits`: a last line without its end is not handed out, nor is next_offset behind it.
  LineReader(ByteStream stream, std::size_t chunk_bytes, bool last_waits = false);
  // kChunk, kNothingYet or kFinished; fills records, memory and next_offset of `out`.
  [[nodiscard]] ReadStatus read(RawChunk& out);
  // Before the first read: go to the line that begins at `offset`, or to the start of a file that
  // is shorter. The work is done by the reads that follow.
  void seek(std::int64_t offset) { to_skip_ = offset; }
  [[nodiscard]] const std::string& problem() const { return stream_.problem(); }
  // What to know of a file that is well.
  [[nodiscard]] std::string notice() const { return notice_.empty() ? stream_.notice() : notice_; }

 private:
  using State = ByteStream::State;
  using Buffer = std::unique_ptr<char[]>;

  [[nodiscard]] ReadStatus skip_to_start();
  [[nodiscard]] ReadStatus skip_long_line(RawChunk& out);
  void hold_long_line(Buffer buffer, std::size_t filled);
  [[nodiscard]] std::size_t fill(char* buffer, std::size_t room);
  [[nodiscard]] std::size_t split(const char* buffer, std::size_t filled,
                                  std::vector<RawRecord>& records);
  void keep(const char* from, std::size_t bytes);
  void adapt(std::size_t used, std::size_t left, std::size_t records);
  [[nodiscard]] std::size_t kept() const { return kept_.size() - kept_begin_; }
  [[nodiscard]] bool line_ends_here() const {  // with what is read, once no LF is left in it
    return state_ == State::kEnd && kept() == 0 && !last_waits_;
  }
  [[nodiscard]] ReadStatus finish(std::int64_t unfinished);
  [[nodiscard]] ReadStatus deliver(RawChunk& out, Buffer buffer);

  ByteStream stream_;
  const std::size_t chunk_bytes_;
  const bool last_waits_;
  std::size_t target_;           // bytes a chunk aims at: fewer when lines are short
  State state_ = State::kBytes;  // of the stream, when last asked
  std::vector<char> kept_;       // read, not handed out: from kept_begin_ on
  std::size_t kept_begin_ = 0;
  bool kept_is_partial_ = false;  // what is kept holds no line end
  std::int64_t offset_ = 0;       // of the next byte to hand out
  std::int64_t to_skip_ = 0;
  std::string notice_;
  Buffer long_line_;  // its first bytes, while the rest is skipped
  std::int64_t long_line_offset_ = 0;
};

}  // namespace stuffwatch::ingest
