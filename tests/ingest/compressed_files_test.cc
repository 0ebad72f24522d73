// Compressed files: read like plain ones, cut, damaged, packed by strangers.
#include <lzma.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/record_limits.h"
#include "tests/ingest/files.h"
#include "tests/ingest/reading.h"

namespace stuffwatch::ingest::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Compressed : public ::testing::TestWithParam<const char*> {
 public:
  // A few blocks of every format, and text that does not shrink to nothing.
  static std::string big_text() {
    std::mt19937 random(3);
    std::string text;
    while (text.size() < 1'500'000) text += "line " + std::to_string(random()) + "\n";
    return text;
  }
};

TEST_P(Compressed, ReadsLikePlain) {
  const TempFolder folder;
  const std::string text = big_text();
  const Everything all = read_file(folder.write("no-suffix", packed(text, GetParam())));
  EXPECT_EQ(all.lines == naive_lines(text), true);
  EXPECT_EQ(all.end, ReadStatus::kFinished);
  EXPECT_EQ(all.problem, "");
}

TEST_P(Compressed, ConcatenatedMembersAreOneText) {
  const TempFolder folder;
  const std::string all = packed("one\ntw", GetParam()) + packed("o\n", GetParam()) +
                          packed("", GetParam()) + packed("three", GetParam());
  EXPECT_THAT(read_file(folder.write("a", all)).texts(), ElementsAre("one", "two", "three"));
  const std::string empty = packed("", GetParam());
  EXPECT_EQ(read_file(folder.write("b", empty)).end, ReadStatus::kFinished);
}

// However much is missing: whole lines only, the first ones, then a clear problem.
TEST_P(Compressed, CutAnywhereGivesWhatIsWhole) {
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 60; ++i)
    text += "Mar 27 13:06:56 host sshd[" + std::to_string(i * 7919) + "]: something\n";
  const std::vector<Line> whole = naive_lines(text);
  const std::string bytes = packed(text, GetParam());
  std::size_t most = 0;
  for (std::size_t n = 6; n < bytes.size(); ++n) {  // below 6 bytes nothing tells the format
    const Everything got = read_file(folder.write("cut", bytes.substr(0, n)));
    ASSERT_EQ(got.end, ReadStatus::kFinished) << n;
    EXPECT_THAT(got.problem, HasSubstr("cut short")) << n;
    EXPECT_THAT(got.problem, HasSubstr(folder.path("cut"))) << n;
    ASSERT_LE(got.lines.size(), whole.size());
    ASSERT_EQ(std::equal(got.lines.begin(), got.lines.end(), whole.begin()), true) << n;
    most = std::max(most, got.lines.size());
  }
  // zstd packs such a small text into one block, which is there or not; the others have a checksum
  // behind the text.
  EXPECT_EQ(most, std::string_view(GetParam()) == "zstd" ? 0 : whole.size())
      << "all that stood before the damage";
}

TEST_P(Compressed, CutLateInABigFileLosesOneBlockAtMost) {
  const TempFolder folder;
  const std::string text = big_text();
  const std::string bytes = packed(text, GetParam());
  const Everything got = read_file(folder.write("cut", bytes.substr(0, bytes.size() - 30)));
  EXPECT_EQ(got.end, ReadStatus::kFinished);
  EXPECT_THAT(got.problem, HasSubstr("cut short"));
  const std::vector<Line> whole = naive_lines(text);
  ASSERT_LE(got.lines.size(), whole.size());
  EXPECT_EQ(std::equal(got.lines.begin(), got.lines.end(), whole.begin()), true);
  const std::size_t block = std::string_view(GetParam()) == "bzip2"  ? 900'000
                            : std::string_view(GetParam()) == "zstd" ? 128 << 10
                                                                     : 100;
  EXPECT_GE(got.lines.back().offset, static_cast<std::int64_t>(text.size() - block - 100));
}

TEST_P(Compressed, CutInALongLineGivesTheLinesBeforeIt) {
  const TempFolder folder;
  std::mt19937 random(7);
  std::string text = "one\ntwo\n";
  while (text.size() < 2 * kMaxRecordBytes) text += std::to_string(random());
  const std::string bytes = packed(text, GetParam());
  const Everything got = read_file(folder.write("cut", bytes.substr(0, bytes.size() - 30)));
  EXPECT_EQ(got.texts(), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(got.end, ReadStatus::kFinished);
  EXPECT_THAT(got.problem, HasSubstr("cut short"));
}

TEST_P(Compressed, AnyFlippedByteIsSurvived) {
  const TempFolder folder;
  const std::string text = big_text().substr(0, 1'200);
  const std::string bytes = packed(text, GetParam());
  std::size_t found = 0;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::string damaged = bytes;
    damaged[n] = static_cast<char>(damaged[n] ^ 0x55);
    const Everything got = read_file(folder.write("damaged", damaged));
    EXPECT_EQ(got.end, ReadStatus::kFinished);
    found += got.problem.empty() ? 0U : 1U;
  }
  if (std::string_view(GetParam()) == "zstd") {
    EXPECT_GT(found, 0U)
        << "libarchive writes zstd without a checksum, so most damage cannot be seen";
  } else {
    EXPECT_GT(found, bytes.size() * 9 / 10) << "checksums are verified";
  }
}

TEST_P(Compressed, SeekToEveryLine) {
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 50; ++i) text += "line " + std::to_string(i) + (i % 3 == 0 ? "\r\n" : "\n");
  const std::vector<Line> whole = naive_lines(text);
  const std::string file = folder.write("a", packed(text, GetParam()));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const Everything got = read_file(file, whole[i].offset);
    EXPECT_EQ(got.lines,
              std::vector<Line>(whole.begin() + static_cast<std::ptrdiff_t>(i), whole.end()));
  }
  const Everything end = read_file(file, static_cast<std::int64_t>(text.size()));
  EXPECT_EQ(end.end, ReadStatus::kFinished);
  EXPECT_TRUE(end.lines.empty());
  const Everything beyond = read_file(file, static_cast<std::int64_t>(text.size()) + 1);
  EXPECT_EQ(beyond.lines, whole) << "shorter than before: read from its start";
  EXPECT_EQ(beyond.end, ReadStatus::kFinished);
  EXPECT_EQ(beyond.problem, "");
  EXPECT_THAT(beyond.notice, HasSubstr("replaced or cut"));
}

INSTANTIATE_TEST_SUITE_P(Formats, Compressed, ::testing::Values("gzip", "zstd", "xz", "bzip2"),
                         [](const auto& format) { return std::string(format.param); });

// As gzip(1) does it.
TEST(FileSource, BytesBehindGzipDataAreIgnoredAndCounted) {
  const TempFolder folder;
  const std::string one = packed("one\n", "gzip"), two = packed("two\n", "gzip"),
                    padding(200'000, '\0');
  const auto notice = [&](const std::string& behind) {
    const Everything got = read_file(folder.write("a", one + two + behind));
    EXPECT_THAT(got.texts(), ElementsAre("one", "two"));
    EXPECT_EQ(got.end, ReadStatus::kFinished);
    EXPECT_EQ(got.problem, "");
    return got.notice;
  };
  EXPECT_EQ(notice(""), "");
  EXPECT_EQ(notice(padding), "") << "of a tape";
  EXPECT_THAT(notice("garbage"), HasSubstr("a: 7 bytes behind the gzip data"));
  EXPECT_THAT(notice(std::string(150'000, 'g')), HasSubstr("150000 bytes"));
  EXPECT_THAT(notice(padding + "garbage"), HasSubstr(" 7 bytes"));
  for (const char* half : {"\x1f", "\x1fx", "x"})
    EXPECT_THAT(notice(half), HasSubstr(std::to_string(std::strlen(half)) + " bytes"));
  const Everything cut = read_file(folder.write("b", one + two.substr(0, 12)));
  EXPECT_THAT(cut.problem, HasSubstr("cut short")) << "this began like a member";
}

TEST(FileSource, BytesBehindOtherCompressedDataAreDamage) {
  const TempFolder folder;
  const Everything got =
      read_file(folder.write("a", packed("one\n", "xz") + "garbage and more of it"));
  EXPECT_THAT(got.texts(), ElementsAre("one"));
  EXPECT_THAT(got.problem, HasSubstr("damaged after 4 bytes"));
}

// A frame with a window of 2 GiB, and a block header that asks for a dictionary of 1 GiB.
TEST(FileSource, WhatNeedsTooMuchMemorySaysHowMuchAndWhatToDo) {
  const TempFolder folder;
  const std::string zstd("\x28\xb5\x2f\xfd\x00\xa8\x21\x00\x00one\n", 13);
  const Everything first = read_file(folder.write("a.zst", zstd));
  EXPECT_THAT(first.problem, HasSubstr("a.zst: it takes 2048 MiB of memory to unpack this zstd"));
  EXPECT_THAT(first.problem, HasSubstr("the limit is 128 MiB"));
  EXPECT_THAT(first.problem, HasSubstr("zstd -dc --long=31 FILE"));
  const Everything later = read_file(folder.write("b.zst", packed("one\ntwo\n", "zstd") + zstd));
  EXPECT_THAT(later.texts(), ElementsAre("one", "two"));
  EXPECT_THAT(later.problem, HasSubstr("2048 MiB"));

  std::string xz = packed("one\n", "xz");
  xz[12 + 4] = 36;  // behind the stream header: size, flags, filter id, size of properties
  const std::uint32_t check = ::lzma_crc32(reinterpret_cast<const std::uint8_t*>(&xz[12]), 8, 0);
  std::memcpy(&xz[20], &check, sizeof check);
  const Everything big = read_file(folder.write("c.xz", xz));
  EXPECT_THAT(big.problem, HasSubstr("of memory to unpack this xz data, and the limit is 256 MiB"));
  EXPECT_THAT(big.problem, HasSubstr("it takes 1025 MiB"));
  EXPECT_THAT(big.problem, HasSubstr("xz -dc FILE"));
}

}  // namespace
}  // namespace stuffwatch::ingest::testing
