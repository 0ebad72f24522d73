// Keyed accounts on their way into a segment: too many to be sorted in memory, so they are kept by the top bits of their hash in one file without a name,
// which nobody sees and which is gone when this process is.
//
// Threads: append() from any. Memory: 24 bytes per extent written. Disk: 13 bytes an account. Errors: kFailed, naming the folder; a full disk among them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>
#include <vector>

#include "config/durable_file.h"
#include "config/result.h"

namespace stuffwatch::corpus {

struct KeyedLine {
  std::uint64_t hash = 0, position = 0;
  auto operator<=>(const KeyedLine&) const = default;
};

class Spill {
 public:
  static constexpr unsigned kPartitionBits = 10;
  static constexpr std::size_t kPartitions = std::size_t{1} << kPartitionBits;
  static constexpr std::size_t kBytesAnAccount = 13;
  static constexpr std::uint64_t kMaxPosition = (std::uint64_t{1} << 40) - 1;
  [[nodiscard]] static std::size_t partition_of(std::uint64_t hash) {
    return hash >> (64 - kPartitionBits);
  }

  [[nodiscard]] static config::Result<Spill> open(const std::filesystem::path& folder);
  Spill(Spill&& other) noexcept;
  Spill& operator=(Spill&&) = delete;

  [[nodiscard]] config::Result<void> append(std::size_t partition,
                                            std::span<const KeyedLine> lines);
  // Sorted by hash; of each the first position. `most`: lines held at once before what is there twice is dropped.
  [[nodiscard]] config::Result<std::vector<KeyedLine>> sorted(std::size_t partition,
                                                              std::size_t most) const;
  void read_ahead(std::size_t partition) const;

 private:
  struct Extent {
    std::uint64_t offset;
    std::uint32_t lines;
  };
  Spill(config::FileDescriptor file, std::filesystem::path folder)
      : file_(std::move(file)), folder_(std::move(folder)), extents_(kPartitions) {}

  config::FileDescriptor file_;
  std::filesystem::path folder_;
  std::mutex mutex_;  // of what follows
  std::uint64_t end_ = 0;
  std::vector<std::vector<Extent>> extents_;
};

// What one thread gives to a spill, gathered so that it is written in larger pieces. `memory`: what it may hold, about.
class SpillBuffer {
 public:
  SpillBuffer(Spill& spill, std::uint64_t memory);

  void add(const KeyedLine& line) {
    const std::size_t partition = Spill::partition_of(line.hash);
    auto& lines = lines_[partition];
    lines.push_back(line);
    if (lines.size() >= most_) append(partition);
  }
  // After the first failed write nothing more is written.
  [[nodiscard]] const config::Result<void>& problem() const { return problem_; }
  [[nodiscard]] config::Result<void> flush();

 private:
  void append(std::size_t partition);

  Spill& spill_;
  const std::size_t most_;
  std::vector<std::vector<KeyedLine>> lines_;
  config::Result<void> problem_;
};

// By hash, then position. About 15 ns a line when hashes are uniform in what follows `bits_before`; never worse than std::sort by much.
void sort_keyed(std::vector<KeyedLine>& lines, std::vector<KeyedLine>& scratch,
                unsigned bits_before);

}  // namespace stuffwatch::corpus
