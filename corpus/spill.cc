#include "corpus/spill.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace stuffwatch::corpus {
namespace {

// Insertion sort is the fastest for so few.
constexpr std::size_t kFew = 24;

void drop_repeated(std::vector<KeyedLine>& sorted) {
  const auto gone = std::ranges::unique(sorted, {}, &KeyedLine::hash);
  sorted.erase(gone.begin(), gone.end());
}

void sort_few(std::span<KeyedLine> lines) {
  if (lines.size() > kFew) {
    std::ranges::sort(lines);
    return;
  }
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const KeyedLine line = lines[i];
    std::size_t at = i;
    for (; at != 0 && line < lines[at - 1]; --at) lines[at] = lines[at - 1];
    lines[at] = line;
  }
}

}  // namespace

void sort_keyed(std::vector<KeyedLine>& lines, std::vector<KeyedLine>& scratch,
                unsigned bits_before) {
  if (lines.size() <= kFew) return sort_few(lines);
  // Into buckets of about four by the bits that follow, then each by itself.
  const auto bits =
      static_cast<unsigned>(std::clamp<std::size_t>(std::bit_width(lines.size()) - 2, 1, 20));
  const auto bucket_of = [&](const KeyedLine& line) {
    return line.hash << bits_before >> (64 - bits);
  };
  std::vector<std::uint32_t> end((std::size_t{1} << bits) + 1);
  for (const KeyedLine& line : lines) ++end[bucket_of(line) + 1];
  for (std::size_t i = 1; i < end.size(); ++i) end[i] += end[i - 1];
  scratch.resize(lines.size());
  for (const KeyedLine& line : lines) scratch[end[bucket_of(line)]++] = line;
  std::size_t begin = 0;  // end[i] is now where bucket i ends
  for (std::size_t i = 0; i + 1 < end.size(); begin = end[i++])
    sort_few(std::span(scratch).subspan(begin, end[i] - begin));
  lines.swap(scratch);
}

config::Result<Spill> Spill::open(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0)
    return config::failed("cannot write a temporary file in {}: {}", folder.string(),
                          config::system_reason(errno));
  return Spill(config::FileDescriptor(fd), folder);
}

Spill::Spill(Spill&& other) noexcept
    : file_(std::move(other.file_)),
      folder_(std::move(other.folder_)),
      end_(other.end_),
      extents_(std::move(other.extents_)) {}

config::Result<void> Spill::append(std::size_t partition, std::span<const KeyedLine> lines) {
  std::string bytes(lines.size() * kBytesAnAccount, 0);
  char* to = bytes.data();
  for (const KeyedLine& line : lines) {
    std::memcpy(to, &line.hash, 8), std::memcpy(to + 8, &line.position, 5);
    to += kBytesAnAccount;
  }
  std::uint64_t at = 0;
  {
    const std::scoped_lock lock(mutex_);
    at = std::exchange(end_, end_ + bytes.size());
    extents_[partition].push_back({at, static_cast<std::uint32_t>(lines.size())});
  }
  for (std::string_view left = bytes; !left.empty();) {
    const ssize_t n = ::pwrite(file_.get(), left.data(), left.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return config::failed("cannot write to a temporary file in {}: {}", folder_.string(),
                            config::system_reason(errno));
    at += static_cast<std::uint64_t>(n), left.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

config::Result<std::vector<KeyedLine>> Spill::sorted(std::size_t partition,
                                                     std::size_t most) const {
  std::vector<KeyedLine> lines, scratch;
  std::size_t kept = 0;  // without repetition
  for (const Extent& extent : extents_[partition]) {
    auto bytes = config::read_range(file_, extent.offset, extent.lines * kBytesAnAccount, folder_);
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->size() != extent.lines * kBytesAnAccount)
      return config::failed("a temporary file in {} is cut short", folder_.string());
    for (const char* at = bytes->data(); at != bytes->data() + bytes->size();
         at += kBytesAnAccount) {
      KeyedLine& line = lines.emplace_back();
      std::memcpy(&line.hash, at, 8), std::memcpy(&line.position, at + 8, 5);
    }
    if (lines.size() < kept + most) continue;
    sort_keyed(lines, scratch, kPartitionBits), drop_repeated(lines);
    kept = lines.size();
  }
  sort_keyed(lines, scratch, kPartitionBits), drop_repeated(lines);
  return lines;
}

void Spill::read_ahead(std::size_t partition) const {
  for (const Extent& extent : extents_[partition])
    ::posix_fadvise(file_.get(), static_cast<off_t>(extent.offset),
                    static_cast<off_t>(extent.lines * kBytesAnAccount), POSIX_FADV_WILLNEED);
}

SpillBuffer::SpillBuffer(Spill& spill, std::uint64_t memory)
    : spill_(spill),
      most_(std::clamp<std::uint64_t>(memory / Spill::kPartitions / sizeof(KeyedLine), 32, 4096)),
      lines_(Spill::kPartitions) {}

void SpillBuffer::append(std::size_t partition) {
  auto& lines = lines_[partition];
  if (problem_ && !lines.empty()) problem_ = spill_.append(partition, lines);
  lines.clear();
}

config::Result<void> SpillBuffer::flush() {
  for (std::size_t p = 0; p < lines_.size(); ++p) append(p);
  return problem_;
}

}  // namespace stuffwatch::corpus
