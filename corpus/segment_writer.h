// Writes a segment from its entries in order. The same entries give the same bytes, whoever sorted them and with however little memory.
//
// Nothing is under the name of the segment before finish() has succeeded; a writer that goes away removes what it wrote.
// Threads: one. Memory: two buffers of 1 MiB and 8 bytes per 64 KiB written. Cost: about 10 ns an entry. Errors: kFailed, naming the file.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/durable_file.h"
#include "config/result.h"
#include "corpus/segment_format.h"

namespace stuffwatch::corpus {

// A list of a segment as the outside knows it.
struct ListInfo {
  std::string name;
  SegmentList facts;  // name_offset and name_bytes are the writer's
};

class SegmentWriter {
 public:
  // `lists` in the order of their bases, which follow each other.
  [[nodiscard]] static config::Result<SegmentWriter> open(std::filesystem::path file,
                                                          const SegmentShape& shape,
                                                          DirectoryKind directory,
                                                          std::uint64_t key_check);
  SegmentWriter(SegmentWriter&&) noexcept;
  SegmentWriter& operator=(SegmentWriter&&) = delete;
  ~SegmentWriter();

  // By (bucket, fragment, position).
  void add(std::uint64_t hash, std::uint64_t position);
  [[nodiscard]] std::uint64_t entries() const { return entries_; }
  // Syncs it and puts it in its place; the folder is the caller's to sync. False: a group of the directory is full; begin again with kFourBuckets.
  [[nodiscard]] config::Result<bool> finish(const std::vector<ListInfo>& lists);

 private:
  // One section while it is written: buffered, with its block sums.
  struct Stream;
  SegmentWriter(std::filesystem::path file, const SegmentShape& shape, DirectoryKind directory,
                std::uint64_t key_check, config::FileDescriptor fd);
  void close_bucket();
  void close_group();
  [[nodiscard]] config::Result<void> write_at(std::uint64_t offset, std::string_view bytes);

  std::filesystem::path file_, draft_;
  SegmentShape shape_;
  DirectoryKind directory_;
  std::uint64_t key_check_;
  config::FileDescriptor fd_;  // none: published, or moved from
  std::string problem_;        // of a write; told by finish()
  std::unique_ptr<Stream> groups_, data_;
  std::uint64_t entries_ = 0, bucket_ = 0, group_base_ = 0;
  std::array<std::uint16_t, 8> ends_{};
  bool full_ = false;
};

}  // namespace stuffwatch::corpus
