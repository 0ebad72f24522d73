#include "ingest/byte_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace stuffwatch::ingest {
namespace {

using std::string_view;

constexpr std::size_t kInput = std::size_t{64} << 10;
constexpr std::int64_t kSkipAtOnce = std::int64_t{16} << 20;

std::string system_error() { return std::error_code(errno, std::system_category()).message(); }

struct Magic {
  string_view bytes;
  Compression compression;
};
constexpr std::array<Magic, 4> kCompressed = {{
    {string_view("\x1f\x8b", 2), Compression::kGzip},
    {string_view("\x28\xb5\x2f\xfd", 4), Compression::kZstd},
    {string_view("\xfd"
                 "7zXZ\0",
                 6),
     Compression::kXz},
    {string_view("BZh", 3), Compression::kBzip2},
}};
constexpr std::size_t kLongestMagic = 6;

// What is certainly no text, and what to do about it.
struct Foreign {
  string_view bytes;
  std::size_t at;
  string_view what;
};
constexpr std::array<Foreign, 8> kForeign = {{
    {string_view("PK\x03\x04", 4), 0,
     "a zip archive: unpack it first (unzip) and give the files or their folder"},
    {string_view("ustar", 5), 257,
     "a tar archive: unpack it first (tar -xf) and give the files or their folder"},
    {string_view("7z\xbc\xaf\x27\x1c", 6), 0,
     "a 7-Zip archive: unpack it first (7z x) and give the files or their folder"},
    {string_view("\x04\x22\x4d\x18", 4), 0,
     "compressed with lz4: use 'lz4 -dc FILE | stuffwatch replay -', or gzip, zstd, xz, bzip2"},
    {string_view("\x1f\x9d", 2), 0,
     "compressed with compress (.Z): use 'zcat FILE | stuffwatch replay -', or gzip, zstd, xz, "
     "bzip2"},
    {string_view("LZIP", 4), 0,
     "compressed with lzip: use 'lzip -dc FILE | stuffwatch replay -', or gzip, zstd, xz, bzip2"},
    {string_view("\xff\xfe", 2), 0,
     "UTF-16 text: use 'iconv -f UTF-16 -t UTF-8 FILE | stuffwatch replay -'"},
    {string_view("\xfe\xff", 2), 0,
     "UTF-16 text: use 'iconv -f UTF-16 -t UTF-8 FILE | stuffwatch replay -'"},
}};

config::Result<FileDescriptor> open_descriptor(const std::string& path) {
  if (path == "-") return FileDescriptor(STDIN_FILENO, false);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0) return FileDescriptor(fd);
  const int error = errno;
  const std::string reason = system_error();
  if (error == EMFILE || error == ENFILE) {
    return config::failed(
        "cannot open {}: {}. All inputs are open at once, to be merged by time: raise the limit "
        "(ulimit -n) or give fewer files",
        path, reason);
  }
  return config::failed("cannot open {}: {}", path, reason);
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (owned_ && fd_ >= 0) ::close(fd_);
}
FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), owned_(std::exchange(other.owned_, false)) {}
FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(owned_, other.owned_);
  return *this;
}

config::Result<ByteStream> ByteStream::open(const std::string& path) {
  auto fd = open_descriptor(path);
  if (!fd) return std::unexpected(fd.error());
  const std::string name = path == "-" ? "standard input" : path;
  struct stat info{};
  if (::fstat(fd->get(), &info) != 0)
    return config::failed("cannot read {}: {}", name, system_error());
  if (S_ISDIR(info.st_mode)) return config::failed("cannot read {}: it is a folder", name);
  const bool regular = S_ISREG(info.st_mode);
  if (regular) (void)::posix_fadvise(fd->get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return ByteStream(std::move(*fd), name, regular);
}

bool ByteStream::ready() const {
  if (regular_ || begin_ < end_ || (phase_ != Phase::kPlain && phase_ != Phase::kSniffing))
    return true;
  pollfd poll{fd_.get(), POLLIN, 0};
  return ::poll(&poll, 1, 0) != 0;
}

std::string ByteStream::peek(std::size_t bytes) {
  if (!rereadable()) return {};
  std::string text(bytes, '\0');
  std::size_t filled = 0;
  for (Got got; filled < bytes; filled += got.bytes) {
    got = read(text.data() + filled, bytes - filled);
    if (got.state != State::kBytes) break;
  }
  text.resize(filled);
  rewind();
  return text;
}

void ByteStream::rewind() {
  const Compression compression = compression_;
  (void)::lseek(fd_.get(), 0, SEEK_SET);
  *this = ByteStream(std::move(fd_), name_, regular_);
  compression_ = compression;
}

std::optional<std::int64_t> ByteStream::size() const {
  struct stat info{};
  if (!regular_ || compression_ != Compression::kNone || ::fstat(fd_.get(), &info) != 0) return {};
  return info.st_size;
}

std::string ByteStream::notice() const {
  if (decompressor_ == nullptr || decompressor_->ignored() == 0) return {};
  return fmt::format("{}: {} bytes behind the {} data belong to nothing and were ignored", name_,
                     decompressor_->ignored(), name_of(compression_));
}

// One read(2); never waits on a pipe.
ByteStream::Got ByteStream::raw_read(char* out, std::size_t room) {
  if (!regular_) {
    pollfd poll{fd_.get(), POLLIN, 0};
    if (::poll(&poll, 1, 0) == 0) return {State::kWouldBlock, 0};
  }
  for (;;) {
    const ssize_t got = ::read(fd_.get(), out, room);
    if (got > 0) return {State::kBytes, static_cast<std::size_t>(got)};
    if (got == 0) {
      input_over_ = true;
      return {State::kEnd, 0};
    }
    if (errno == EAGAIN) return {State::kWouldBlock, 0};
    if (errno != EINTR)
      return broken(
          fmt::format("{}: reading failed after {} bytes: {}. What stands before was read", name_,
                      handed_out_, system_error()));
  }
}

ByteStream::Got ByteStream::broken(std::string problem) {
  phase_ = Phase::kBroken;
  problem_ = std::move(problem);
  return {State::kFailed, 0};
}

// Gathers the first bytes until they say how the file is compressed. False: not yet, or never;
// `why_not` says which.
bool ByteStream::sniff(Got& why_not) {
  if (input_.empty()) input_.resize(kInput);
  for (;;) {
    const string_view start(input_.data(), end_);
    bool may_grow = start.empty();
    for (const auto& [bytes, compression] : kCompressed) {
      if (start.starts_with(bytes)) {
        decide(compression);
        return true;
      }
      may_grow = may_grow || bytes.starts_with(start);
    }
    if (!may_grow || input_over_ || end_ >= kLongestMagic) break;
    const Got got = raw_read(input_.data() + end_, input_.size() - end_);
    end_ += got.bytes;
    if (got.state == State::kWouldBlock || got.state == State::kFailed) {
      why_not = got;
      return false;
    }
  }
  decide(Compression::kNone);
  return true;
}

void ByteStream::decide(Compression compression) {
  compression_ = compression;
  phase_ = compression == Compression::kNone ? Phase::kPlain : Phase::kCompressed;
  if (phase_ == Phase::kPlain) return;
  decompressor_ = make_decompressor(compression);
  if (!decompressor_)
    (void)broken(fmt::format("{}: no memory to undo {}", name_, name_of(compression)));
}

bool ByteStream::looks_like_text(string_view start) {
  for (const auto& [bytes, at, what] : kForeign) {
    if (start.size() < at || !start.substr(at).starts_with(bytes)) continue;
    (void)broken(fmt::format("{} is {}", name_, what));
    return false;
  }
  return true;
}

ByteStream::Got ByteStream::read(char* out, std::size_t room) {
  Got got;
  if (phase_ == Phase::kSniffing && !sniff(got)) return got;
  switch (phase_) {
    case Phase::kOver: return {State::kEnd, 0};
    case Phase::kSniffing:
    case Phase::kBroken: return {State::kFailed, 0};
    case Phase::kPlain: got = read_plain(out, room); break;
    case Phase::kCompressed: got = read_compressed(out, room); break;
  }
  if (handed_out_ == 0 && got.bytes > 0 && !looks_like_text(string_view(out, got.bytes)))
    return {State::kFailed, 0};
  handed_out_ += static_cast<std::int64_t>(got.bytes);
  return got;
}

ByteStream::Got ByteStream::read_plain(char* out, std::size_t room) {
  if (begin_ < end_) {
    const std::size_t take = std::min(room, end_ - begin_);
    std::memcpy(out, input_.data() + begin_, take);
    begin_ += take;
    if (begin_ == end_) input_ = {};
    return {State::kBytes, take};
  }
  const Got got = raw_read(out, room);
  if (got.state == State::kEnd) phase_ = Phase::kOver;
  return got;
}

ByteStream::Got ByteStream::read_compressed(char* out, std::size_t room) {
  Flow flow{nullptr, 0, out, room};
  for (;;) {
    bool blocked = false;
    if (begin_ == end_ && !input_over_) {
      begin_ = end_ = 0;
      const Got got = raw_read(input_.data(), input_.size());
      end_ = got.bytes;
      if (got.state == State::kFailed) return got;
      blocked = got.state == State::kWouldBlock;  // the decompressor may hold text back
    }
    if (begin_ == end_ && input_over_ && member_ended_)
      return after_run(Decompressor::Status::kEnd, 0, true);
    flow.in = input_.data() + begin_;
    flow.in_size = end_ - begin_;
    const auto status = decompressor_->run(flow, input_over_);
    const bool moved = flow.in != input_.data() + begin_;
    begin_ = end_ - flow.in_size;
    member_ended_ = status == Decompressor::Status::kEnd || (blocked && member_ended_);
    const std::size_t produced = room - flow.out_size;
    const bool idle = begin_ == end_ && input_over_ && produced == 0 && !moved;
    if (produced > 0 || status == Decompressor::Status::kDamaged ||
        status == Decompressor::Status::kTooBig || idle)
      return after_run(status, produced, idle);
    if (blocked) return {State::kWouldBlock, 0};
  }
}

// Bytes first; what ended or broke is found again by the next call.
ByteStream::Got ByteStream::after_run(Decompressor::Status status, std::size_t produced,
                                      bool idle) {
  if (status == Decompressor::Status::kDamaged) {
    const std::int64_t text = handed_out_ + static_cast<std::int64_t>(produced);
    (void)broken(
        fmt::format("{}: the {} data is damaged after {} bytes of text. The whole lines before "
                    "that were read; get the file again, or what was lost stays lost",
                    name_, name_of(compression_), text));
    return produced > 0 ? Got{State::kBytes, produced} : Got{State::kFailed, 0};
  }
  if (produced > 0) return {State::kBytes, produced};
  if (status == Decompressor::Status::kTooBig) return broken(too_big());
  if (status == Decompressor::Status::kEnd) {
    phase_ = Phase::kOver;
    return {State::kEnd, 0};
  }
  if (idle) {
    return broken(
        fmt::format("{}: the {} data is cut short after {} bytes of text. The whole lines before "
                    "that were read; get the file again once it is complete",
                    name_, name_of(compression_), handed_out_));
  }
  return {State::kWouldBlock, 0};
}

std::string ByteStream::too_big() const {
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  const bool xz = compression_ == Compression::kXz;
  return fmt::format(
      "{}: it takes {} MiB of memory to unpack this {} data, and the limit is {} MiB: compress it "
      "again with less, or use '{} FILE | stuffwatch replay -'. The whole lines before that were "
      "read",
      name_, (decompressor_->needs() + kMiB - 1) / kMiB, name_of(compression_),
      memory_limit(compression_) / kMiB, xz ? "xz -dc" : "zstd -dc --long=31");
}

ByteStream::Got ByteStream::skip(std::int64_t bytes) {
  Got got;
  if (phase_ == Phase::kSniffing && !sniff(got)) return got;
  if (phase_ == Phase::kPlain && regular_) {
    struct stat info{};
    if (::fstat(fd_.get(), &info) == 0 && info.st_size < handed_out_ + bytes)
      return {State::kEnd, 0};
    if (::lseek(fd_.get(), handed_out_ + bytes, SEEK_SET) < 0)
      return broken(fmt::format("{}: cannot seek: {}", name_, system_error()));
    input_ = {};
    begin_ = end_ = 0;
    handed_out_ += bytes;
    return {State::kBytes, static_cast<std::size_t>(bytes)};
  }
  std::vector<char> scratch(kInput);
  std::int64_t skipped = 0;
  while (skipped < std::min(bytes, kSkipAtOnce)) {
    got = read(scratch.data(), std::min(scratch.size(), static_cast<std::size_t>(bytes - skipped)));
    if (got.state != State::kBytes) break;
    skipped += static_cast<std::int64_t>(got.bytes);
  }
  if (skipped > 0) return {State::kBytes, static_cast<std::size_t>(skipped)};
  return got;
}

}  // namespace stuffwatch::ingest
