// Segments as bytes: their form, its limits, and damage of every kind.
#include "corpus/segment.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "config/durable_file.h"
#include "corpus/segment_merge.h"
#include "corpus/segment_writer.h"
#include "tests/support/temporary_folder.h"

namespace stuffwatch::corpus {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Place = std::pair<std::uint32_t, std::uint64_t>;  // list, line

constexpr std::uint64_t kKeyCheck = 0x0123456789abcdef,
                        kTop = std::numeric_limits<std::uint64_t>::max();

struct Entry {
  std::uint64_t hash, position;
};

std::vector<ListInfo> lists_of(const std::vector<std::uint64_t>& spans) {
  std::vector<ListInfo> lists;
  std::uint64_t base = 0;
  for (const std::uint64_t span : spans) {
    const auto id = static_cast<std::uint32_t>(lists.size() + 1);
    ListInfo& list = lists.emplace_back(ListInfo{fmt::format("list {}", id), {}});
    list.facts.id = id, list.facts.lines = list.facts.span = span;
    list.facts.base = std::exchange(base, base + span);
  }
  return lists;
}

class Segments : public ::testing::Test {
 protected:
  [[nodiscard]] fs::path path(const std::string& name = "1.bcs") const {
    return folder_.path() / name;
  }
  [[nodiscard]] bool write(std::vector<Entry> entries, const std::vector<ListInfo>& lists,
                           const SegmentShape& shape,
                           DirectoryKind kind = DirectoryKind::kEightBuckets,
                           const std::string& name = "1.bcs") const {
    std::ranges::sort(entries, {}, [&](const Entry& e) {
      return std::tuple(shape.bucket_of(e.hash), shape.fragment_of(e.hash), e.position);
    });
    auto writer = SegmentWriter::open(path(name), shape, kind, kKeyCheck);
    EXPECT_TRUE(writer) << writer.error().message;
    for (const Entry& entry : entries) writer->add(entry.hash, entry.position);
    const auto finished = writer->finish(lists);
    EXPECT_TRUE(finished) << finished.error().message;
    return finished.value();
  }
  [[nodiscard]] Segment open(Residence residence = Residence::kLoaded,
                             const std::string& name = "1.bcs") const {
    auto segment = Segment::open(path(name), kKeyCheck, residence);
    EXPECT_TRUE(segment) << segment.error().message;
    EXPECT_TRUE(segment->verify()) << segment->verify().error().message;
    return std::move(segment.value());
  }
  static std::vector<Place> places(const Segment& segment, std::uint64_t hash) {
    segment.prefetch(hash);
    const Segment::Range found = segment.find(hash, segment.bucket_of(hash));
    std::vector<Place> all;
    for (std::uint64_t e = found.begin; e < found.end; ++e) all.push_back(segment.place_of(e));
    return all;
  }
  test::TemporaryFolder folder_;
};

TEST(SegmentShape, FillsAnEntry) {
  const auto widths = [](const SegmentShape& s) {
    return std::tuple(s.bucket_bits, s.position_bits, s.fragment_bits);
  };
  EXPECT_EQ(widths(SegmentShape::of(1, 1)), std::tuple(3U, 1U, 61U));
  EXPECT_EQ(widths(SegmentShape::of(64, 64)), std::tuple(3U, 6U, 58U));
  EXPECT_EQ(widths(SegmentShape::of(65, 65)), std::tuple(4U, 7U, 57U));
  EXPECT_EQ(widths(SegmentShape::of(1'000'000'000, 1'000'000'000)), std::tuple(27U, 30U, 34U));
  EXPECT_EQ(widths(SegmentShape::of(std::uint64_t{1} << 34, std::uint64_t{1} << 34)),
            std::tuple(31U, 34U, 30U));
  // Merged, no more of the hash is claimed than was known.
  EXPECT_EQ(widths(SegmentShape::of(1000, 1000, 40)), std::tuple(7U, 10U, 33U));
}

TEST_F(Segments, HoldTheFirstAndTheLastOfAll) {
  const SegmentShape shape = SegmentShape::of(1000, 300);
  constexpr std::uint64_t kNext = 4;  // the last two bits of a hash are not known
  ASSERT_TRUE(write({{0, 0}, {0, 299}, {kNext, 1}, {kTop, 0}, {kTop, 299}, {kTop - kNext, 100}},
                    lists_of({100, 1, 199}), shape));
  for (const Residence residence : {Residence::kLoaded, Residence::kMapped}) {
    const Segment segment = open(residence);
    EXPECT_THAT(places(segment, 0), ElementsAre(Place{0, 0}, Place{2, 198}));
    EXPECT_THAT(places(segment, kNext), ElementsAre(Place{0, 1}));
    EXPECT_THAT(places(segment, 2 * kNext), IsEmpty());
    EXPECT_THAT(places(segment, kTop / 2), IsEmpty());
    EXPECT_THAT(places(segment, kTop - 2 * kNext), IsEmpty());
    EXPECT_THAT(places(segment, kTop - kNext), ElementsAre(Place{1, 0}));
    EXPECT_THAT(places(segment, kTop), ElementsAre(Place{0, 0}, Place{2, 198}));
  }
}

TEST_F(Segments, HaveEmptyBucketsAtBothEnds) {
  const SegmentShape shape = SegmentShape::of(1000, 10);
  const std::uint64_t middle = std::uint64_t{1} << 63;
  for (const auto kind : {DirectoryKind::kEightBuckets, DirectoryKind::kFourBuckets}) {
    ASSERT_TRUE(write({{middle, 3}, {middle, 9}}, lists_of({10}), shape, kind));
    const Segment segment = open();
    EXPECT_THAT(places(segment, middle), ElementsAre(Place{0, 3}, Place{0, 9}));
    for (const std::uint64_t absent : {std::uint64_t{0}, kTop, middle - 1, middle + (1U << 31)})
      EXPECT_THAT(places(segment, absent), IsEmpty());
  }
}

TEST_F(Segments, HoldNothing) {
  ASSERT_TRUE(write({}, lists_of({1}), SegmentShape::of(0, 1)));
  const Segment segment = open();
  for (const std::uint64_t hash : {std::uint64_t{0}, kTop})
    EXPECT_THAT(places(segment, hash), IsEmpty());
}

TEST_F(Segments, SayWhenAGroupOfTheDirectoryIsFull) {
  const auto written = [&](std::uint64_t positions, DirectoryKind kind) {
    fs::remove(path());
    std::vector<Entry> entries{{kTop, 0}};
    for (std::uint64_t i = 0; i < positions; ++i) entries.push_back({42, i});
    const SegmentShape shape = SegmentShape::of(positions, positions);
    if (!write(entries, lists_of({positions}), shape, kind)) return false;
    const Segment segment = open();
    EXPECT_EQ(places(segment, kTop).size(), 1U);
    const std::vector<Place> found = places(segment, 42);
    EXPECT_EQ(found.size(), positions);
    for (std::uint64_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], Place(0, i));
    return true;
  };
  EXPECT_TRUE(written(255, DirectoryKind::kEightBuckets));
  EXPECT_FALSE(written(256, DirectoryKind::kEightBuckets));
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  EXPECT_TRUE(written(256, DirectoryKind::kFourBuckets));
  EXPECT_TRUE(written(65'535, DirectoryKind::kFourBuckets));
  EXPECT_FALSE(written(65'536, DirectoryKind::kFourBuckets));
}

// What a version means: an older program wrote this, and a later one reads it. Never mend the constants; make a new version.
TEST_F(Segments, KeepTheirForm) {
  std::vector<ListInfo> lists = lists_of({4, 1, 3});
  lists[0].facts.valid = 3, lists[0].facts.duplicates = 1, lists[0].facts.accounts = 2;
  lists[0].facts.rejected[5] = 1, lists[0].facts.date = 20190117;
  lists[0].facts.sha256.fill(0xab);
  lists[1].facts.flags = SegmentList::kNoPositions, lists[2].facts.ordering_of = 1;
  const std::uint64_t hash = 0xfedcba9876543210;
  ASSERT_TRUE(
      write({{hash, 0}, {1, 3}, {hash, 4}, {hash, 5}, {kTop, 7}}, lists, SegmentShape::of(5, 8)));
  const std::string bytes = config::read_file(path()).value();
  std::string header;
  for (const char byte : bytes.substr(0, sizeof(SegmentHeader)))
    header += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  EXPECT_EQ(header,
            "42434f5250534731"
            "01000000f8000000"
            "0000000000000000"
            "d204000000000000"
            "05000000000000000800000000000000"
            "03033d0101000000"
            "0300000001000000"
            "efcdab8967452301"
            "1000000005000000"
            "0200000000000000000100000000000010000000000000000000000000000000"
            "0300000000000000400100000000000068000000000000000000000000000000"
            "0400000000000000c00100000000000010000000000000007957bee15e0ef7f0"
            "01000000000000000002000000000000b802000000000000583d20cb962452a8"
            "0500000000000000c0040000000000001200000000000000dac626b3b9da00db"
            "d7ed2551c92b827f");
  EXPECT_EQ(fmt::format("{:016x}", ::XXH3_64bits(bytes.data(), bytes.size())), "45ee6015ea132c83");
  const Segment segment = open();
  EXPECT_EQ(segment.name(segment.lists()[2]), "list 3");
  EXPECT_EQ(segment.lists()[0].date, 20190117U);
  EXPECT_THAT(places(segment, hash), ElementsAre(Place{0, 0}, Place{1, 0}, Place{2, 0}));
}

// Every answer that a reader of the damaged file can get; and it gets to its end.
class DamagedSegments : public Segments {
 protected:
  static constexpr std::uint64_t kHash = 0x8000000000001234;
  DamagedSegments() {
    std::vector<Entry> entries;
    entries.reserve(22);
    for (std::uint64_t i = 0; i < 20; ++i) entries.push_back({i * 0x0cccccccccccccc5, i});
    entries.push_back({kHash, 20}), entries.push_back({kHash, 21});
    EXPECT_TRUE(write(entries, lists_of({7, 15}), SegmentShape::of(22, 22)));
    whole_ = config::read_file(path()).value();
    const Segment whole = open();
    answers_ = answers(whole);
    for (const SegmentSection& s : whole.header().section)
      covered_.emplace_back(s.offset, s.offset + s.bytes);
    covered_.emplace_back(0, sizeof(SegmentHeader));
  }
  static std::vector<Place> answers(const Segment& segment) {
    std::vector<Place> all = places(segment, kHash);
    for (std::uint64_t i = 0; i < 64; ++i)
      for (const Place& place : places(segment, i << 58)) all.push_back(place);
    for (std::uint64_t bucket = 0; bucket < segment.shape().buckets(); ++bucket) {
      const Segment::Range range = segment.range_of(bucket);
      for (std::uint64_t e = range.begin; e < range.end; ++e) all.push_back(segment.place_of(e));
    }
    for (const SegmentList& list : segment.lists()) all.emplace_back(segment.name(list).size(), 0);
    return all;
  }
  [[nodiscard]] bool is_covered(std::size_t at) const {
    return std::ranges::any_of(
        covered_, [&](const auto& section) { return section.first <= at && at < section.second; });
  }
  // Whether it is told by then: loaded at once, mapped at the latest when it is verified.
  [[nodiscard]] bool is_told(std::string_view bytes, Residence residence) const {
    EXPECT_EQ(::ftruncate(file_.get(), 0), 0);
    EXPECT_EQ(::pwrite(file_.get(), bytes.data(), bytes.size(), 0), std::ssize(bytes));
    const std::string name = fmt::format("/proc/self/fd/{}", file_.get());
    const auto segment = Segment::open(name, kKeyCheck, residence);
    if (!segment) {
      EXPECT_THAT(segment.error().message, HasSubstr(name));
      return true;
    }
    const std::vector<Place> all = answers(*segment);  // whatever they are
    if (!segment->verify()) return residence == Residence::kMapped;
    EXPECT_EQ(all, answers_);
    return false;
  }
  std::string whole_;

 private:
  const config::FileDescriptor file_{
      ::memfd_create("segment", MFD_CLOEXEC)};  // no disk is that fast
  std::vector<Place> answers_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> covered_;
};

TEST_F(DamagedSegments, AreFoundOutByEachOfTheirBytes) {
  for (const Residence residence : {Residence::kLoaded, Residence::kMapped}) {
    for (std::size_t at = 0; at < whole_.size(); ++at) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::string bytes = whole_;
        bytes[at] = static_cast<char>(bytes[at] ^ flip);
        EXPECT_EQ(is_told(bytes, residence), is_covered(at)) << at;
      }
    }
  }
}

TEST_F(DamagedSegments, AreFoundOutByTheirLength) {
  for (const Residence residence : {Residence::kLoaded, Residence::kMapped}) {
    for (std::size_t length = 0; length < whole_.size(); ++length)
      EXPECT_TRUE(is_told(std::string_view(whole_).substr(0, length), residence)) << length;
    EXPECT_TRUE(is_told(whole_ + '\0', residence));
    EXPECT_FALSE(is_told(whole_, residence));
  }
}

TEST_F(Segments, OfAnotherKeyFindNobodyAndAreRefused) {
  ASSERT_TRUE(write({{1, 0}}, lists_of({1}), SegmentShape::of(1, 1)));
  const auto other = Segment::open(path(), kKeyCheck + 1, Residence::kMapped);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, config::Error::Kind::kConfiguration);
  EXPECT_THAT(other.error().message, HasSubstr("another key"));
}

// An account that is in no list is taken for one that is as often as the bits that are known of a hash say.
TEST_F(Segments, MistakeAsManyAsTheirBitsSay) {
  constexpr std::uint64_t kEntries = 200'000, kAbsent = 2'000'000, kKnown = 30;
  std::mt19937_64 random(1);
  std::vector<Entry> entries;
  entries.reserve(kEntries);
  for (std::uint64_t i = 0; i < kEntries; ++i) entries.push_back({random(), i});
  ASSERT_TRUE(write(entries, lists_of({kEntries}), SegmentShape::of(kEntries, kEntries, kKnown)));
  const Segment segment = open();
  std::uint64_t found = 0;
  for (std::uint64_t i = 0; i < kAbsent; ++i)
    if (!places(segment, random()).empty()) ++found;
  const double share = static_cast<double>(kEntries) / std::exp2(kKnown),
               expected = share * static_cast<double>(kAbsent);
  EXPECT_NEAR(static_cast<double>(found), expected, 3 * std::sqrt(expected));
}

// Of two accounts that differ only in what another segment does not know of a hash, a list without positions has one entry.
TEST_F(Segments, AreWholeWhenMergedHashesFallTogether) {
  std::vector<ListInfo> alone = lists_of({1});
  alone[0].facts.flags = SegmentList::kNoPositions, alone[0].facts.accounts = 2;
  ASSERT_TRUE(write({{kTop, 0}, {kTop - 1, 0}}, alone, SegmentShape::of(2, 1)));
  std::vector<ListInfo> other = lists_of({5});
  other[0].name = "other", other[0].facts.id = 7, other[0].facts.accounts = 1;
  ASSERT_TRUE(
      write({{0, 2}}, other, SegmentShape::of(1, 5, 30), DirectoryKind::kEightBuckets, "2.bcs"));
  std::vector<Segment> segments;
  segments.push_back(open()), segments.push_back(open(Residence::kMapped, "2.bcs"));
  EXPECT_EQ(merge_segments(segments, {}, {}, path("3.bcs"), kKeyCheck, [](double) { return true; })
                .value(),
            Merged::kWritten);
  const Segment merged = open(Residence::kLoaded, "3.bcs");
  EXPECT_THAT(places(merged, kTop), ElementsAre(Place{0, 0}));
  EXPECT_THAT(places(merged, 0), ElementsAre(Place{1, 2}));
  EXPECT_EQ(merged.header().entries, 2U);
  EXPECT_EQ(merged.lists()[0].accounts, 1U);
}

}  // namespace
}  // namespace stuffwatch::corpus
