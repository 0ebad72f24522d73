// The text of one file, pipe or standard input, decompressed when its first bytes say so.
//
// Threads: one at a time.
// Memory:  one buffer of 64 KiB and the decompressor, only when compressed.
// Cost:    one read(2) a call on a plain file.
// Errors:  State::kFailed with problem(), after every byte before the damage was handed out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "ingest/decompressor.h"

namespace stuffwatch::ingest {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd, bool owned = true) : fd_(fd), owned_(owned) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool owned() const { return owned_; }

 private:
  int fd_ = -1;
  bool owned_ = false;
};

class ByteStream {
 public:
  enum class State : std::uint8_t {
    kBytes,       // at least one
    kWouldBlock,  // a pipe or a terminal with nothing to say now; a compressed one may block until
                  // its writer goes on
    kEnd,
    kFailed,  // see problem(); stays
  };
  struct Got {
    State state = State::kEnd;
    std::size_t bytes = 0;
  };

  // "-" is standard input. Errors: cannot be opened, is a folder.
  [[nodiscard]] static config::Result<ByteStream> open(const std::string& path);

  [[nodiscard]] Got read(char* out, std::size_t room);
  // Moves on by up to `bytes` without handing them out; a plain file seeks, or is at its end where
  // it has fewer. Reads at most 16 MiB a call.
  [[nodiscard]] Got skip(std::int64_t bytes);
  // The next read begins at the start again; only what is rereadable().
  void rewind();
  // False only for a pipe or terminal without a byte to read.
  [[nodiscard]] bool ready() const;
  [[nodiscard]] const std::string& problem() const { return problem_; }
  // What to know of a file that is well: bytes behind its end that were ignored.
  [[nodiscard]] std::string notice() const;
  // The text from its start, up to `bytes`, before anything is read; the next read begins at the start all the same. Empty for what is no file by itself.
  [[nodiscard]] std::string peek(std::size_t bytes);
  // A file that is opened here; false for a pipe and standard input.
  [[nodiscard]] bool rereadable() const { return regular_ && fd_.owned(); }
  // Plain, and rereadable(): a writer may go on with it. After peek().
  [[nodiscard]] bool may_grow() const { return rereadable() && compression_ == Compression::kNone; }
  // Of the text; nothing where it is compressed, or no file. After peek().
  [[nodiscard]] std::optional<std::int64_t> size() const;
  [[nodiscard]] const std::string& name() const { return name_; }
  void close() { fd_ = {}; }

 private:
  ByteStream(FileDescriptor fd, std::string name, bool regular)
      : fd_(std::move(fd)), name_(std::move(name)), regular_(regular) {}
  enum class Phase : std::uint8_t { kSniffing, kPlain, kCompressed, kOver, kBroken };

  Got raw_read(char* out, std::size_t room);
  bool sniff(Got& why_not);
  void decide(Compression compression);
  Got read_plain(char* out, std::size_t room);
  Got read_compressed(char* out, std::size_t room);
  Got after_run(Decompressor::Status status, std::size_t produced, bool idle);
  Got broken(std::string problem);
  [[nodiscard]] std::string too_big() const;
  bool looks_like_text(std::string_view start);

  FileDescriptor fd_;
  std::string name_, problem_;
  bool regular_ = false, input_over_ = false, member_ended_ = false;
  Phase phase_ = Phase::kSniffing;
  Compression compression_ = Compression::kNone;
  std::unique_ptr<Decompressor> decompressor_;
  // [begin_, end_) is read from the file but not yet handed out or decompressed.
  std::vector<char> input_;
  std::size_t begin_ = 0, end_ = 0;
  std::int64_t handed_out_ = 0;  // offset in the text
};

}  // namespace stuffwatch::ingest
