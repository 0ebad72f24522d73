#include "corpus/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "config/durable_file.h"
#include "corpus/account_key.h"

namespace stuffwatch::corpus {
namespace {

constexpr std::uint64_t kBlock = std::uint64_t{1} << kBlockLog2,
                        kReadAtOnce = std::uint64_t{8} << 20;

bool is_whole(const SegmentHeader& h) {
  return h.xxh3 == ::XXH3_64bits(&h, sizeof h - sizeof h.xxh3);
}

// The widths that the rest relies on; a header whose checksum fits has them unless somebody made it to harm.
bool is_sound(const SegmentHeader& h) {
  const unsigned b = h.bucket_bits, p = h.position_bits, r = h.fragment_bits;
  const bool kind =
      h.directory == DirectoryKind::kEightBuckets || h.directory == DirectoryKind::kFourBuckets;
  return kind && b >= 3 && b <= 40 && p >= 1 && p <= 40 && r >= 1 && p + r <= 64 && b + r <= 64 &&
         h.block_log2 == kBlockLog2 && h.sections == h.section.size() &&
         h.entries < std::uint64_t{1} << 40 && h.positions <= std::uint64_t{1} << p;
}

}  // namespace

// All of the file, in huge pages that nobody else can cut short.
config::Result<Segment::Loaded> Segment::load(const config::FileDescriptor& file,
                                              std::uint64_t size,
                                              const std::filesystem::path& path) {
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return config::failed("no memory for the {} bytes of {}", size, path.string());
  ::madvise(memory, size, MADV_HUGEPAGE);
  auto* const data = static_cast<char*>(memory);
  Loaded loaded(data, [size](const char* all) { ::munmap(const_cast<char*>(all), size); });
  for (std::uint64_t at = 0; at < size;) {
    const ssize_t n =
        ::pread(file.get(), data + at, std::min(size - at, kReadAtOnce), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const std::string why = n < 0 ? config::system_reason(errno) : "it is cut short";
      return config::failed("cannot read {}: {}", path.string(), why);
    }
    // What was read stands here: in the page cache it would stand twice.
    ::posix_fadvise(file.get(), static_cast<off_t>(at), n, POSIX_FADV_DONTNEED);
    at += static_cast<std::uint64_t>(n);
  }
  ::mprotect(memory, size, PROT_READ);
  return loaded;
}

config::Result<Segment> Segment::open(const std::filesystem::path& path, std::uint64_t key_check,
                                      Residence residence) {
  auto file = config::open_file(path, O_RDONLY);
  if (!file) return std::unexpected(file.error());
  std::error_code unreadable;
  const std::uint64_t size = std::filesystem::file_size(path, unreadable);
  if (unreadable || size < sizeof(SegmentHeader))
    return config::failed("{} is no corpus segment, or it is cut short", path.string());
  Segment segment(path, size);
  if (residence == Residence::kLoaded) {
    auto loaded = load(*file, size, path);
    if (!loaded) return std::unexpected(loaded.error());
    segment.loaded_ = std::move(*loaded), segment.data_ = segment.loaded_.get();
  } else {
    auto mapped = MappedFile::open(*file, size, path);
    if (!mapped) return std::unexpected(mapped.error());
    segment.mapped_ = std::make_shared<const MappedFile>(std::move(*mapped));
    segment.data_ = segment.mapped_->data();
    ::madvise(const_cast<char*>(segment.data_), size, MADV_RANDOM);
  }
  if (auto read = segment.read_header(key_check); !read) return std::unexpected(read.error());
  if (residence == Residence::kLoaded)
    if (auto sound = segment.verify_blocks(); !sound) return std::unexpected(sound.error());
  if (!segment.intact())
    return config::failed("{} was cut short while it was opened", path.string());
  return segment;
}

std::string_view Segment::bytes_of(SegmentSection::Id id) const {
  for (const SegmentSection& s : header_.section)
    if (s.id == id) return {data_ + s.offset, s.bytes};
  return {};
}

config::Result<void> Segment::read_header(std::uint64_t key_check) {
  const auto damaged = [&](std::string_view what) {
    return config::failed(
        "{} is damaged: {}; bring back a copy, or take it out with stuffwatch corpus remove {} {} "
        "and add its lists again",
        file_.string(), what, file_.parent_path().string(), file_.filename().string());
  };
  std::memcpy(&header_, data_, sizeof header_);
  if (header_.magic != kSegmentMagic)
    return config::failed("{} is no corpus segment", file_.string());
  if (header_.version != kSegmentVersion || header_.header_bytes != sizeof header_)
    return config::failed("{} is of version {}, and this program reads version {}", file_.string(),
                          header_.version, kSegmentVersion);
  if (!is_whole(header_) || !is_sound(header_)) return damaged("the header");
  if (header_.file_bytes != size_) return damaged("it has another length than it says");
  if (header_.hash != kSipHash24 || header_.canonical_version != kCanonicalVersion)
    return config::failed("{} was made with another canonical form of names: add its lists again",
                          file_.string());
  if (header_.key_check != key_check)
    return config::misconfigured(
        "{} was made with another key: it would find nobody; privacy.key_file must be the key of "
        "the corpus",
        file_.string());
  for (const SegmentSection& s : header_.section)
    if (s.offset % kSectionAlignment != 0 || s.offset > size_ || s.bytes > size_ - s.offset)
      return damaged("a section lies outside");
  shape_ = {header_.bucket_bits, header_.position_bits, header_.fragment_bits};
  group_bits_ = header_.directory == DirectoryKind::kEightBuckets ? 3 : 2;
  const auto directory = bytes_of(SegmentSection::kDirectory),
             entries = bytes_of(SegmentSection::kEntries), lists = bytes_of(SegmentSection::kLists);
  if (directory.size() != (shape_.buckets() >> group_bits_) * kGroupBytes ||
      entries.size() != header_.entries * sizeof(std::uint64_t) + kEntryPadding ||
      lists.size() != header_.lists * sizeof(SegmentList))
    return damaged("a section has another length than it should");
  groups_ = reinterpret_cast<const Group*>(directory.data());
  entries_ = reinterpret_cast<const std::uint64_t*>(entries.data());
  lists_ = {reinterpret_cast<const SegmentList*>(lists.data()), header_.lists};
  names_ = bytes_of(SegmentSection::kNames);
  for (const SegmentSection& s : header_.section) {
    const bool has_block_sums =
        s.id == SegmentSection::kDirectory || s.id == SegmentSection::kEntries;
    if (!has_block_sums && s.xxh3 != ::XXH3_64bits(data_ + s.offset, s.bytes))
      return damaged("the table of lists or of checksums");
  }
  std::uint64_t next = 0;
  for (const SegmentList& list : lists_) {
    if (list.base != next || list.span == 0 || list.span > header_.positions - next ||
        list.name_offset > names_.size() || list.name_bytes > names_.size() - list.name_offset)
      return damaged("the table of lists");
    next += list.span;
  }
  if (next != header_.positions || lists_.empty()) return damaged("the table of lists");
  return {};
}

config::Result<void> Segment::verify_blocks() const {
  const std::string_view sums = bytes_of(SegmentSection::kBlockSums);
  std::size_t number = 0;
  for (const auto id : {SegmentSection::kDirectory, SegmentSection::kEntries}) {
    const std::string_view section = bytes_of(id);
    for (std::size_t at = 0; at < section.size(); at += kBlock, ++number) {
      std::uint64_t sum = 0;
      if ((number + 1) * sizeof sum > sums.size())
        return config::failed("{} is damaged: checksums are missing", file_.string());
      std::memcpy(&sum, sums.data() + number * sizeof sum, sizeof sum);
      const std::string_view block = section.substr(at, kBlock);
      if (sum != ::XXH3_64bits(block.data(), block.size()))
        return config::failed(
            "{} is damaged in its {}, bytes {} to {}: add its lists again or bring back a copy",
            file_.string(), id == SegmentSection::kDirectory ? "directory" : "entries",
            section.data() - data_ + static_cast<std::ptrdiff_t>(at),
            section.data() - data_ + static_cast<std::ptrdiff_t>(at + block.size() - 1));
    }
  }
  if (number * sizeof(std::uint64_t) != sums.size())
    return config::failed("{} is damaged: more checksums than blocks", file_.string());
  return {};
}

config::Result<void> Segment::verify() const {
  if (mapped_)  // from front to back, as whoever merges it will go on
    ::madvise(const_cast<char*>(data_), size_, MADV_SEQUENTIAL);
  if (auto sound = verify_blocks(); !sound) return sound;
  const auto wrong = [&](std::uint64_t bucket) {
    return config::failed("{}: bucket {} is not as its writer should have made it", file_.string(),
                          bucket);
  };
  std::uint64_t next = 0;
  for (std::uint64_t bucket = 0; bucket < shape_.buckets(); ++bucket) {
    const Range range = range_of(bucket);
    if (range.begin == range.end) continue;
    if (range.begin != next) return wrong(bucket);
    for (next = range.begin; next < range.end; ++next) {
      if (next != range.begin && entries_[next - 1] >= entries_[next]) return wrong(bucket);
      if (shape_.position_in(entries_[next]) >= header_.positions) return wrong(bucket);
    }
  }
  if (!intact())
    return config::failed("{} was cut short while it was read, or its disk fails", file_.string());
  if (next != header_.entries) return wrong(shape_.buckets() - 1);
  return {};
}

std::pair<std::uint32_t, std::uint64_t> Segment::place_of(std::uint64_t entry_index) const {
  const std::uint64_t position =
      std::min(shape_.position_in(entries_[entry_index]), header_.positions - 1);
  const auto after = std::ranges::upper_bound(lists_, position, {}, &SegmentList::base);
  const auto list = static_cast<std::uint32_t>(after - lists_.begin() - 1);
  return {list, position - lists_[list].base};
}

}  // namespace stuffwatch::corpus
