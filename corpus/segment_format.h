// The bytes of a breach corpus segment, version 1 (docs/corpus-format.md). Little endian, no padding, offsets from the start of the file.
//
// An entry says that the account of one 64-bit keyed hash stands in a list at a line. The top `bucket_bits` of the hash choose a bucket, the next
// `fragment_bits` stand in the entry before `position_bits` of global position: the base of the list plus the line (from 0). Which list it is follows from
// the position. Inside a bucket entries are sorted.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace stuffwatch::corpus {

static_assert(std::endian::native == std::endian::little, "segments are little endian");

inline constexpr std::array<char, 8> kSegmentMagic{'B', 'C', 'O', 'R', 'P', 'S', 'G', '1'};
inline constexpr std::uint32_t kSegmentVersion = 1, kSipHash24 = 1;
inline constexpr std::uint64_t kSectionAlignment = 64;
inline constexpr std::size_t kBlockLog2 = 16;     // of checksums: 64 KiB
inline constexpr std::size_t kGroupBytes = 16;    // of the directory
inline constexpr std::size_t kEntryPadding = 64;  // zeros behind the last entry
inline constexpr unsigned kMaxPositionBits =
    34;  // beyond, identity would suffer: another segment is begun

struct SegmentSection {
  enum Id : std::uint32_t { kLists = 1, kDirectory = 2, kEntries = 3, kBlockSums = 4, kNames = 5 };
  std::uint32_t id = 0, reserved = 0;
  std::uint64_t offset = 0, bytes = 0;
  std::uint64_t xxh3 =
      0;  // of the section; of the directory and the entries 0: they have block sums
};

// How many buckets one group of the directory describes, as cumulative ends beside the number of entries before it.
enum class DirectoryKind : std::uint8_t { kEightBuckets = 1, kFourBuckets = 2 };

struct SegmentHeader {
  std::array<char, 8> magic = kSegmentMagic;
  std::uint32_t version = kSegmentVersion, header_bytes = sizeof(SegmentHeader);
  std::uint64_t flags = 0, file_bytes = 0;
  std::uint64_t entries = 0, positions = 0;  // positions: the sum of all lists' spans
  std::uint8_t bucket_bits = 0, position_bits = 0, fragment_bits = 0, hash = kSipHash24;
  DirectoryKind directory = DirectoryKind::kEightBuckets;
  std::array<std::uint8_t, 3> reserved{};
  std::uint32_t lists = 0, canonical_version = 0;
  std::uint64_t key_check = 0;  // AccountHasher::check_value(): another key finds nothing, silently
  std::uint32_t block_log2 = kBlockLog2, sections = 5;
  std::array<SegmentSection, 5> section{};
  std::uint64_t xxh3 = 0;  // of the header before it
};
static_assert(sizeof(SegmentHeader) == 80 + 5 * 32 + 8);

struct SegmentList {
  enum Flag : std::uint32_t { kNoPositions = 1 };
  std::uint32_t id = 0, flags = 0;
  std::uint64_t base = 0, span = 0;  // global positions; a list without positions has one
  std::uint64_t lines = 0, valid = 0, duplicates = 0;  // lines = valid + rejected
  std::uint64_t accounts = 0;  // entries: valid - duplicates, without what was forgotten since
  std::array<std::uint64_t, 16> rejected{};       // by LineReject
  std::array<std::uint8_t, 32> sha256{};          // of the input as it was given
  std::uint32_t name_offset = 0, name_bytes = 0;  // in the section of names
  std::uint32_t date = 0;                         // yyyymmdd; 0 = unknown
  std::uint32_t ordering_of = 0;  // the id of the list that this is another order of; 0 = none

  [[nodiscard]] bool has_positions() const { return (flags & kNoPositions) == 0; }
};
static_assert(sizeof(SegmentList) == 232);

// The three widths. Shared by whoever writes and whoever asks.
struct SegmentShape {
  unsigned bucket_bits = 3, position_bits = 1, fragment_bits = 60;

  // 4 to 8 entries a bucket. `hash_bits`: how many of the hash are known.
  static SegmentShape of(std::uint64_t entries, std::uint64_t positions, unsigned hash_bits = 64) {
    SegmentShape s;
    const auto bits_of = [](std::uint64_t count) {
      return static_cast<unsigned>(std::bit_width(std::max<std::uint64_t>(count, 1) - 1));
    };
    s.position_bits = std::max(1U, bits_of(positions));
    s.bucket_bits = std::max(6U, bits_of(entries)) - 3;
    s.fragment_bits = std::min(64 - s.position_bits, hash_bits - s.bucket_bits);
    return s;
  }
  [[nodiscard]] std::uint64_t buckets() const { return std::uint64_t{1} << bucket_bits; }
  [[nodiscard]] std::uint64_t bucket_of(std::uint64_t hash) const {
    return hash >> (64 - bucket_bits);
  }
  [[nodiscard]] std::uint64_t fragment_of(std::uint64_t hash) const {
    return (hash << bucket_bits) >> (64 - fragment_bits);
  }
  [[nodiscard]] std::uint64_t entry_of(std::uint64_t hash, std::uint64_t position) const {
    return fragment_of(hash) << position_bits | position;
  }
  [[nodiscard]] std::uint64_t position_in(std::uint64_t entry) const {
    return entry & ((std::uint64_t{1} << position_bits) - 1);
  }
  // As much of the hash as is known, at its place.
  [[nodiscard]] std::uint64_t hash_of(std::uint64_t bucket, std::uint64_t entry) const {
    return bucket << (64 - bucket_bits) | (entry >> position_bits)
                                              << (64 - bucket_bits - fragment_bits);
  }
};

}  // namespace stuffwatch::corpus
