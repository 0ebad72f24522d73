// Any bytes as a segment, as they are and with checksums that fit: refused with a reason, or every answer lies inside. What is loaded and taken
// was as its checksums say.
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "corpus/segment.h"

namespace {

using namespace stuffwatch::corpus;

constexpr std::uint64_t kKeyCheck = 0x0123456789abcdef, kHash = 0xfedcba9876543210;

void must(bool holds) {
  if (!holds) std::abort();
}

void resolve(const Segment& segment, std::uint64_t hash) {
  segment.prefetch(hash);
  const Segment::Range bucket = segment.bucket_of(hash), found = segment.find(hash, bucket);
  must(bucket.begin <= found.begin && found.begin <= found.end && found.end <= bucket.end);
  must(bucket.end <= segment.header().entries);
  for (std::uint64_t e = found.begin; e < found.end; ++e) {
    const auto [list, line] = segment.place_of(e);
    must(list < segment.lists().size() && line < segment.lists()[list].span);
  }
}

void check(std::string_view bytes) {
  const int file = ::memfd_create("segment", MFD_CLOEXEC);
  must(file >= 0 && ::write(file, bytes.data(), bytes.size()) == std::ssize(bytes));
  for (const Residence residence : {Residence::kLoaded, Residence::kMapped}) {
    const auto segment = Segment::open(fmt::format("/proc/self/fd/{}", file), kKeyCheck, residence);
    must(segment || !segment.error().message.empty());
    if (!segment) continue;
    for (const SegmentList& list : segment->lists())
      must(segment->name(list).size() == list.name_bytes);
    for (const std::uint64_t hash : {std::uint64_t{0}, std::uint64_t{1}, kHash, ~std::uint64_t{0}})
      resolve(*segment, hash);
    for (std::uint64_t hash = 0; hash >> 58 < 63; hash += std::uint64_t{1} << 58)
      resolve(*segment, hash);
    const auto sound = segment->verify();
    must(sound || !sound.error().message.empty());
  }
  ::close(file);
}

// The sections that lie inside, with sums that fit.
void mend(std::string& bytes) {
  SegmentHeader header;
  if (bytes.size() < sizeof header) return;
  std::memcpy(&header, bytes.data(), sizeof header);
  header.magic = kSegmentMagic, header.file_bytes = bytes.size(), header.key_check = kKeyCheck;
  const auto inside = [&](SegmentSection::Id id) -> SegmentSection* {
    const auto at = std::ranges::find_if(header.section, [&](const SegmentSection& s) {
      return s.id == id && s.offset <= bytes.size() && s.bytes <= bytes.size() - s.offset;
    });
    return at == header.section.end() ? nullptr : &*at;
  };
  if (const SegmentSection* sums = inside(SegmentSection::kBlockSums)) {
    std::uint64_t at = 0;
    for (const auto id : {SegmentSection::kDirectory, SegmentSection::kEntries}) {
      const SegmentSection* const s = inside(id);
      for (std::uint64_t begin = 0; s != nullptr && begin < s->bytes; begin += 1U << kBlockLog2) {
        const std::uint64_t sum =
            ::XXH3_64bits(bytes.data() + s->offset + begin,
                          std::min<std::uint64_t>(1U << kBlockLog2, s->bytes - begin));
        if (at + sizeof sum > sums->bytes) break;
        std::memcpy(bytes.data() + sums->offset + at, &sum, sizeof sum), at += sizeof sum;
      }
    }
  }
  for (const auto id : {SegmentSection::kBlockSums, SegmentSection::kLists, SegmentSection::kNames})
    if (SegmentSection* const s = inside(id))
      s->xxh3 = ::XXH3_64bits(bytes.data() + s->offset, s->bytes);
  header.xxh3 = ::XXH3_64bits(&header, sizeof header - sizeof header.xxh3);
  std::memcpy(bytes.data(), &header, sizeof header);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string input(reinterpret_cast<const char*>(bytes), size);
  check(input);
  mend(input);
  check(input);
  return 0;
}
