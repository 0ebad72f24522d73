#include "corpus/segment_writer.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "corpus/account_key.h"

namespace stuffwatch::corpus {
namespace {

constexpr std::size_t kBuffer = std::size_t{1} << 20, kBlock = std::size_t{1} << kBlockLog2;

std::uint64_t aligned(std::uint64_t offset) {
  return (offset + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}
template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
std::filesystem::path draft_of(std::filesystem::path file) {
  return file += config::DraftFile::kSuffix;
}

}  // namespace

struct SegmentWriter::Stream {
  std::uint64_t begin = 0, bytes = 0;
  std::string buffer;
  std::vector<std::uint64_t> sums;

  explicit Stream(std::uint64_t offset) : begin(offset) { buffer.reserve(kBuffer + kGroupBytes); }
  template <class T>
  void put(SegmentWriter& to, const T& value) {
    buffer.append(bytes_of(value));
    if (buffer.size() >= kBuffer) flush(to);
  }
  // The buffer is a whole number of blocks, but for the last one.
  void flush(SegmentWriter& to) {
    for (std::size_t at = 0; at < buffer.size(); at += kBlock)
      sums.push_back(::XXH3_64bits(buffer.data() + at, std::min(kBlock, buffer.size() - at)));
    if (to.problem_.empty())
      if (auto written = to.write_at(begin + bytes, buffer); !written)
        to.problem_ = written.error().message;
    bytes += buffer.size();
    buffer.clear();
  }
};

config::Result<SegmentWriter> SegmentWriter::open(std::filesystem::path file,
                                                  const SegmentShape& shape,
                                                  DirectoryKind directory,
                                                  std::uint64_t key_check) {
  auto fd = config::open_file(draft_of(file), O_RDWR | O_CREAT | O_TRUNC, 0440);
  if (!fd) return std::unexpected(fd.error());
  return SegmentWriter(std::move(file), shape, directory, key_check, std::move(*fd));
}

SegmentWriter::SegmentWriter(std::filesystem::path file, const SegmentShape& shape,
                             DirectoryKind directory, std::uint64_t key_check,
                             config::FileDescriptor fd)
    : file_(std::move(file)),
      draft_(draft_of(file_)),
      shape_(shape),
      directory_(directory),
      key_check_(key_check),
      fd_(std::move(fd)) {
  const std::uint64_t per_group = directory == DirectoryKind::kEightBuckets ? 8 : 4,
                      first = aligned(sizeof(SegmentHeader));
  groups_ = std::make_unique<Stream>(first);
  data_ = std::make_unique<Stream>(aligned(first + shape.buckets() / per_group * kGroupBytes));
}
SegmentWriter::SegmentWriter(SegmentWriter&&) noexcept = default;
SegmentWriter::~SegmentWriter() {
  if (fd_) ::unlink(draft_.c_str());
}

void SegmentWriter::add(std::uint64_t hash, std::uint64_t position) {
  for (const std::uint64_t bucket = shape_.bucket_of(hash); bucket_ < bucket;) close_bucket();
  data_->put(*this, shape_.entry_of(hash, position));
  ++entries_;
}

void SegmentWriter::close_bucket() {
  const std::size_t per_group = directory_ == DirectoryKind::kEightBuckets ? 8 : 4;
  const std::uint64_t most = directory_ == DirectoryKind::kEightBuckets
                                 ? std::numeric_limits<std::uint8_t>::max()
                                 : std::numeric_limits<std::uint16_t>::max();
  const std::uint64_t end = entries_ - group_base_;
  full_ = full_ || end > most;
  ends_[bucket_ % per_group] = static_cast<std::uint16_t>(std::min(end, most));
  if (++bucket_ % per_group == 0) close_group();
}

void SegmentWriter::close_group() {
  groups_->put(*this, group_base_);
  if (directory_ == DirectoryKind::kEightBuckets) {
    std::array<std::uint8_t, 8> ends{};
    for (std::size_t i = 0; i < ends.size(); ++i) ends[i] = static_cast<std::uint8_t>(ends_[i]);
    groups_->put(*this, ends);
  } else {
    groups_->put(*this, std::array{ends_[0], ends_[1], ends_[2], ends_[3]});
  }
  group_base_ = entries_;
}

config::Result<bool> SegmentWriter::finish(const std::vector<ListInfo>& lists) {
  while (bucket_ < shape_.buckets()) close_bucket();
  if (full_) return false;
  data_->put(*this, std::array<char, kEntryPadding>{});
  groups_->flush(*this), data_->flush(*this);

  SegmentHeader header;
  header.entries = entries_, header.key_check = key_check_;
  header.bucket_bits = static_cast<std::uint8_t>(shape_.bucket_bits);
  header.position_bits = static_cast<std::uint8_t>(shape_.position_bits);
  header.fragment_bits = static_cast<std::uint8_t>(shape_.fragment_bits);
  header.directory = directory_, header.canonical_version = kCanonicalVersion;
  header.lists = static_cast<std::uint32_t>(lists.size());
  std::string table, names, sums;
  for (const ListInfo& list : lists) {
    SegmentList facts = list.facts;
    facts.name_offset = static_cast<std::uint32_t>(names.size());
    facts.name_bytes = static_cast<std::uint32_t>(list.name.size());
    names += list.name, table += bytes_of(facts), header.positions += facts.span;
  }
  for (const Stream* stream : {groups_.get(), data_.get()})
    for (const std::uint64_t sum : stream->sums) sums += bytes_of(sum);

  std::uint64_t end = data_->begin + data_->bytes;
  const auto section = [&](SegmentSection::Id id, std::string_view bytes) {
    const SegmentSection s{id, 0, aligned(end), bytes.size(),
                           ::XXH3_64bits(bytes.data(), bytes.size())};
    end = s.offset + s.bytes;
    if (auto written = write_at(s.offset, bytes); !written && problem_.empty())
      problem_ = written.error().message;
    return s;
  };
  header.section = {
      SegmentSection{SegmentSection::kDirectory, 0, groups_->begin, groups_->bytes, 0},
      SegmentSection{SegmentSection::kEntries, 0, data_->begin, data_->bytes, 0},
      section(SegmentSection::kBlockSums, sums), section(SegmentSection::kLists, table),
      section(SegmentSection::kNames, names)};
  header.file_bytes = end;
  header.xxh3 = ::XXH3_64bits(&header, sizeof header - sizeof header.xxh3);
  if (auto written = write_at(0, bytes_of(header)); !written)
    return std::unexpected(written.error());
  if (!problem_.empty()) return config::failed("{}", problem_);
  if (::fsync(fd_.get()) != 0)
    return config::failed("cannot write {}: {}", draft_.string(), config::system_reason(errno));
  if (::rename(draft_.c_str(), file_.c_str()) != 0)
    return config::failed("cannot rename {}: {}", draft_.string(), config::system_reason(errno));
  fd_.reset();  // no draft any more
  return true;
}

config::Result<void> SegmentWriter::write_at(std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return config::failed("cannot write {}: {}", draft_.string(), config::system_reason(errno));
    offset += static_cast<std::uint64_t>(n), bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace stuffwatch::corpus
