// One immutable file of the breach corpus (corpus/segment_format.h), opened for questions.
//
// A question has three steps, so that the accesses to memory of many accounts overlap: prefetch(), bucket_of(), find() (corpus/corpus.h does that in batches).
// Threads: const members from any. Memory: loaded: the file, in huge pages, its checksums verified on the way; mapped: what is touched.
// Cost: two dependent misses an account, overlapped in batches (docs/performance.md).
// Errors: open() kFailed for what is no whole segment of this version, kConfiguration for one of another key; each names the file. A damaged file that is
// mapped gives wrong answers at worst, never an access outside; verify() finds it. One that is cut short while it is mapped is not intact() any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "config/result.h"
#include "corpus/mapped_file.h"
#include "corpus/segment_format.h"

namespace stuffwatch::corpus {

enum class Residence : std::uint8_t { kLoaded, kMapped };

// Copies share what they read.
class Segment {
 public:
  [[nodiscard]] static config::Result<Segment> open(const std::filesystem::path& file,
                                                    std::uint64_t key_check, Residence residence);

  [[nodiscard]] const SegmentHeader& header() const { return header_; }
  [[nodiscard]] const SegmentShape& shape() const { return shape_; }
  [[nodiscard]] std::span<const SegmentList> lists() const { return lists_; }
  [[nodiscard]] std::string_view name(const SegmentList& list) const {
    return names_.substr(list.name_offset, list.name_bytes);
  }
  [[nodiscard]] std::uint64_t bytes() const { return size_; }
  // All that it said so far stands in its file.
  [[nodiscard]] bool intact() const { return mapped_ == nullptr || mapped_->intact(); }
  [[nodiscard]] bool is_mapped() const { return mapped_ != nullptr; }
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  struct Range {
    std::uint64_t begin = 0, end = 0;  // of entries
  };
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(groups_ + group_of(hash)); }
  // Once prefetch() has arrived; fetches the entries.
  [[nodiscard]] Range bucket_of(std::uint64_t hash) const {
    const Range range = range_of(shape_.bucket_of(hash));
    __builtin_prefetch(entries_ + range.begin);
    __builtin_prefetch(entries_ + range.end - (range.begin != range.end));
    return range;
  }
  // The entries of that account among those of its bucket, by position.
  [[nodiscard]] Range find(std::uint64_t hash, Range bucket) const {
    const std::uint64_t wanted = shape_.fragment_of(hash);
    std::uint64_t below = 0, equal = 0;  // without a branch: what is found is not known before
    for (std::uint64_t i = bucket.begin; i < bucket.end; ++i) {
      const std::uint64_t fragment = entries_[i] >> shape_.position_bits;
      below += fragment < wanted, equal += fragment == wanted;
    }
    return {bucket.begin + below, bucket.begin + below + equal};
  }
  // Which of lists(), and the line in it (from 0; 0 when the list has no positions).
  [[nodiscard]] std::pair<std::uint32_t, std::uint64_t> place_of(std::uint64_t entry_index) const;

  // For whoever goes through all of it: the entries of a bucket, and what is known of the hash of one of them.
  [[nodiscard]] Range range_of(std::uint64_t bucket) const {
    const Group& group = groups_[bucket >> group_bits_];
    const unsigned in_group = static_cast<unsigned>(bucket & ((1U << group_bits_) - 1)),
                   width = 64U >> group_bits_;
    const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
    const auto end_of = [&](unsigned i) { return group.ends >> i * width & mask; };
    const Range range{group.base + (in_group == 0 ? 0 : end_of(in_group - 1)),
                      group.base + end_of(in_group)};
    return range.begin <= range.end && range.end <= header_.entries ? range : Range{};
  }
  [[nodiscard]] std::uint64_t hash_of(std::uint64_t bucket, std::uint64_t entry_index) const {
    return shape_.hash_of(bucket, entries_[entry_index]);
  }

  // Reads all of it again: checksums, order, numbers of entries. Errors: kFailed, with the first section and block that is wrong.
  [[nodiscard]] config::Result<void> verify() const;

 private:
  struct Group {
    std::uint64_t base;
    std::uint64_t ends;  // 8 x u8 or 4 x u16
  };
  using Loaded = std::shared_ptr<const char>;
  [[nodiscard]] static config::Result<Loaded> load(const config::FileDescriptor& file,
                                                   std::uint64_t size,
                                                   const std::filesystem::path& path);
  Segment(std::filesystem::path file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  [[nodiscard]] config::Result<void> read_header(std::uint64_t key_check);
  [[nodiscard]] config::Result<void> verify_blocks() const;
  [[nodiscard]] std::string_view bytes_of(SegmentSection::Id id) const;
  [[nodiscard]] std::uint64_t group_of(std::uint64_t hash) const {
    return shape_.bucket_of(hash) >> group_bits_;
  }

  std::filesystem::path file_;
  Loaded loaded_;  // one of the two is there
  std::shared_ptr<const MappedFile> mapped_;
  const char* data_ = nullptr;
  std::uint64_t size_;
  SegmentHeader header_;
  SegmentShape shape_;
  unsigned group_bits_ = 3;
  const Group* groups_ = nullptr;
  const std::uint64_t* entries_ = nullptr;
  std::span<const SegmentList> lists_;
  std::string_view names_;
};

}  // namespace stuffwatch::corpus
