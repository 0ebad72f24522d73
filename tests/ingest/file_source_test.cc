#include "ingest/file_source.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/line_reader.h"
#include "ingest/record_limits.h"
#include "tests/ingest/files.h"

namespace stuffwatch::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::packed;
using testing::TempFolder;

struct Line {
  std::string bytes;
  std::int64_t offset = 0;
  bool operator==(const Line&) const = default;
};

struct Everything {
  std::vector<Line> lines;
  ReadStatus end = ReadStatus::kNothingYet;
  std::string problem, notice;
  std::size_t chunks = 0;
  std::int64_t next_offset = 0;

  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const Line& line : lines) out.push_back(line.bytes);
    return out;
  }
};

// Checks what a chunk promises, then keeps its lines.
void take(const RawChunk& chunk, Everything& all) {
  EXPECT_FALSE(chunk.records.empty());
  EXPECT_LE(chunk.records.size(), LineReader::kMaxRecords);
  std::size_t bytes = 0;
  std::uint64_t padding = 0;
  for (const RawRecord& record : chunk.records) {
    EXPECT_EQ(record.timestamp_ms, -1);
    bytes += record.bytes.size();
    for (std::size_t i = 0; i < RawChunk::kPadding; ++i)
      padding +=
          static_cast<unsigned char>(record.bytes.data()[record.bytes.size() + i]);  // readable
    all.lines.push_back({std::string(record.bytes), record.offset});
  }
  EXPECT_LE(bytes, kMaxRecordBytes + 1);
  EXPECT_LT(padding, RawChunk::kPadding * 256 * chunk.records.size());
  EXPECT_GT(chunk.next_offset, all.next_offset);
  all.next_offset = chunk.next_offset;
  ++all.chunks;
}

Everything read_on(Source& source, InputId id) {
  Everything all;
  for (int idle = 0; idle < 1'000;) {
    RawChunk chunk;
    all.end = source.read(id, chunk);
    if (all.end == ReadStatus::kChunk) {
      EXPECT_EQ(chunk.input, id);
      take(chunk, all);
    } else if (all.end == ReadStatus::kNothingYet) {
      ++idle;
    } else {
      break;
    }
  }
  for (const InputStatus& status : source.status()) {
    if (status.id == id) all.problem = status.problem, all.notice = status.notice;
  }
  return all;
}

Everything read_file(const std::string& path, std::int64_t from = 0) {
  const auto source = open_files(3, {path});
  EXPECT_TRUE(source.has_value()) << (source ? "" : source.error().message);
  if (!source) return {};
  EXPECT_TRUE((*source)->seek({3, 0}, from).has_value());
  return read_on(**source, {3, 0});
}

Everything read_text(std::string_view text) {
  const TempFolder folder;
  return read_file(folder.write("a.log", text));
}

// What the lines of a text are, told another way.
std::vector<Line> naive_lines(const std::string& text) {
  std::vector<Line> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (line.size() > kMaxRecordBytes + 1) line.resize(kMaxRecordBytes + 1);
    if (line.ends_with('\r')) line.pop_back();
    out.push_back({line, static_cast<std::int64_t>(at)});
    at = end + 1;
  }
  return out;
}

TEST(FileSource, LinesAndOffsets) {
  const Everything all = read_text("one\ntwo\r\n\n\r\nfive");
  EXPECT_EQ(all.lines,
            (std::vector<Line>{{"one", 0}, {"two", 4}, {"", 9}, {"", 10}, {"five", 12}}));
  EXPECT_EQ(all.end, ReadStatus::kFinished);
  EXPECT_EQ(all.problem, "");
  EXPECT_EQ(all.next_offset, 16);
}

TEST(FileSource, EmptyFileHasNoRecord) {
  const Everything all = read_text("");
  EXPECT_TRUE(all.lines.empty());
  EXPECT_EQ(all.end, ReadStatus::kFinished);
}

TEST(FileSource, ByteOrderMarkIsDroppedNulIsKept) {
  EXPECT_THAT(read_text("\xEF\xBB\xBF"
                        "a\n\xEF\xBB\xBF"
                        "b")
                  .texts(),
              ElementsAre("a",
                          "\xEF\xBB\xBF"
                          "b"));
  EXPECT_THAT(read_text(std::string_view("a\0b\n\0", 5)).texts(),
              ElementsAre(std::string("a\0b", 3), std::string("\0", 1)));
  EXPECT_THAT(read_text("\xEF\xBB\xBF").texts(), ElementsAre(""));
}

TEST(FileSource, ManyShortLines) {
  std::string text;
  for (int i = 0; i < 150'000; ++i) text += std::to_string(i) + "\n";
  const Everything all = read_text(text);
  EXPECT_EQ(all.lines, naive_lines(text));
  EXPECT_GE(all.chunks, 150'000U / LineReader::kMaxRecords);
  EXPECT_LE(all.chunks, 45U);
}

TEST(FileSource, ALongLineBehindShortOnes) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "x\n";
  text += std::string(300'000, 'y') + "\nz\n" + std::string(200'000, 'w');
  EXPECT_EQ(read_text(text).lines, naive_lines(text));
}

TEST(FileSource, LinesAroundTheLimit) {
  for (const std::size_t size :
       {kMaxRecordBytes - 1, kMaxRecordBytes, kMaxRecordBytes + 1, kMaxRecordBytes + 2,
        kMaxRecordBytes * 2, kMaxRecordBytes * 5 + 7}) {
    for (const char* tail : {"", "\n", "\nnext\n", "\r\nnext"}) {
      const std::string text = "before\n" + std::string(size, 'l') + tail;
      const Everything all = read_text(text);
      EXPECT_EQ(all.lines == naive_lines(text), true) << size << " " << tail;
      EXPECT_EQ(all.end, ReadStatus::kFinished);
    }
  }
}

TEST(FileSource, AnEndlessLineIsSkippedInSteps) {
  const TempFolder folder;
  const auto source = open_files(0, {folder.write("a", std::string(40 << 20, 'l') + "\nnext\n")});
  ASSERT_TRUE(source.has_value());
  RawChunk chunk;
  EXPECT_EQ((*source)->read({0, 0}, chunk), ReadStatus::kNothingYet) << "16 MiB at a time";
  const Everything rest = read_on(**source, {0, 0});
  ASSERT_EQ(rest.lines.size(), 2U);
  EXPECT_EQ(rest.lines[0].bytes.size(), kMaxRecordBytes + 1);
  EXPECT_EQ(rest.lines[1], (Line{"next", (40 << 20) + 1}));
}

TEST(FileSource, RandomTextsInSmallChunks) {
  const TempFolder folder;
  std::mt19937 random(5);
  for (int round = 0; round < 60; ++round) {
    std::string text;
    while (text.size() < 200'000) {
      text += std::string(random() % (random() % 20 == 0 ? 60'000 : 100),
                          static_cast<char>('a' + random() % 26));
      text += random() % 9 == 0 ? "\r\n" : "\n";
    }
    if (round % 2 == 0) text += "no end";
    auto stream = ByteStream::open(folder.write("r", text));
    ASSERT_TRUE(stream.has_value());
    LineReader reader(std::move(*stream), 16 << 10);
    Everything all;
    RawChunk chunk;
    while (reader.read(chunk) == ReadStatus::kChunk) {
      take(chunk, all);
      chunk = {};
    }
    ASSERT_EQ(all.lines == naive_lines(text), true) << round;
  }
}

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
  EXPECT_EQ(beyond.end, ReadStatus::kFinished);
  EXPECT_THAT(beyond.problem, HasSubstr("replaced or cut"));
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

TEST(FileSource, AFileIsKnownByItsTextHoweverItIsPacked) {
  const TempFolder folder;
  std::string text;
  while (text.size() < 20'000) text += "line " + std::to_string(text.size()) + "\n";
  for (const char* filter : {"", "gzip", "zstd", "xz", "bzip2"}) {
    const std::string file = folder.write("a", *filter == '\0' ? text : packed(text, filter));
    const auto source = open_files(0, {file});
    ASSERT_TRUE(source.has_value());
    const InputStart start = (*source)->start({0, 0});
    EXPECT_EQ(start.kind, InputStart::Kind::kFile);
    EXPECT_EQ(start.head, text.substr(0, InputStart::kHead)) << filter;
    EXPECT_EQ(start.size,
              *filter == '\0' ? std::optional<std::int64_t>(text.size()) : std::nullopt);
    EXPECT_EQ(read_on(**source, {0, 0}).lines == naive_lines(text), true)
        << "and read from its start";
  }
}

TEST(FileSource, InputsAreCalledAsTheConfigurationSays) {
  const TempFolder folder;
  folder.write("a/auth.log", "x\n");
  folder.write("b.log", "x\n");
  const auto names = [&](const std::string& path, const std::string& name) {
    std::vector<std::string> out;
    const auto source = open_files(0, {path}, name);
    for (const InputStatus& status : (*source)->status()) out.push_back(status.name);
    return out;
  };
  EXPECT_THAT(names(folder.path(), "ssh"), ElementsAre("ssh/a/auth.log", "ssh/b.log"));
  EXPECT_THAT(names(folder.path() + "/", "ssh"), ElementsAre("ssh/a/auth.log", "ssh/b.log"));
  EXPECT_THAT(names(folder.path("b.log"), "ssh"), ElementsAre("ssh"));
  EXPECT_THAT(names(folder.path("b.log"), folder.path("b.log")), ElementsAre(folder.path("b.log")));
  EXPECT_THAT(names("-", "-"), ElementsAre("standard input"));
  EXPECT_THAT(names("-", "ssh"), ElementsAre("ssh"));
}

TEST(FileSource, SeekInAPlainFile) {
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + "\n";
  const std::vector<Line> whole = naive_lines(text);
  const std::string file = folder.write("a", text);
  for (const std::size_t i :
       {std::size_t{1}, std::size_t{2}, std::size_t{50'000}, whole.size() - 1}) {
    EXPECT_EQ(read_file(file, whole[i].offset).lines ==
                  std::vector<Line>(whole.begin() + static_cast<std::ptrdiff_t>(i), whole.end()),
              true);
  }
  EXPECT_THAT(read_file(file, static_cast<std::int64_t>(text.size()) + 1).problem,
              HasSubstr("replaced or cut"));
}

TEST(FileSource, SeekComesBeforeTheFirstRead) {
  const TempFolder folder;
  const auto source = open_files(0, {folder.write("a", "one\ntwo\n")});
  ASSERT_TRUE(source.has_value());
  EXPECT_FALSE((*source)->seek({0, 0}, -1).has_value());
  EXPECT_FALSE((*source)->seek({0, 1}, 0).has_value());
  RawChunk chunk;
  EXPECT_EQ((*source)->read({0, 0}, chunk), ReadStatus::kChunk);
  EXPECT_FALSE((*source)->seek({0, 0}, 4).has_value());
}

TEST(FileSource, ArchivesAndUtf16SayWhatToDo) {
  const TempFolder folder;
  const auto problem = [&](const std::string& bytes) {
    const Everything got = read_file(folder.write("a", bytes));
    EXPECT_EQ(got.end, ReadStatus::kFinished);
    EXPECT_TRUE(got.lines.empty());
    return got.problem;
  };
  EXPECT_THAT(problem(packed("text\n", nullptr, "zip")), HasSubstr("zip archive"));
  EXPECT_THAT(problem(packed("text\n", nullptr, "ustar")), HasSubstr("tar archive"));
  EXPECT_THAT(problem(packed("text\n", "gzip", "ustar")), HasSubstr("tar archive"));
  EXPECT_THAT(problem(packed("text\n", "lz4")), HasSubstr("lz4"));
  EXPECT_THAT(problem(std::string("\xff\xfe"
                                  "a\0\n\0",
                                  6)),
              HasSubstr("iconv"));
}

TEST(FileSource, FoldersAreSortedAndHiddenFilesLeftOut) {
  const TempFolder folder;
  for (const char* name : {"b.log", "a/2.log", "a/10.log", ".hidden", ".git/x", "a/.swp", "c/d/e"})
    folder.write(name, std::string(name) + "\n");
  std::filesystem::create_symlink("b.log", folder.path("link"));
  std::filesystem::create_directory_symlink("a", folder.path("again"));
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  const auto paths = expand_paths({folder.path()});
  ASSERT_TRUE(paths.has_value());
  EXPECT_THAT(*paths, ElementsAre(folder.path("a/10.log"), folder.path("a/2.log"),
                                  folder.path("b.log"), folder.path("c/d/e")));

  const auto source = open_files(7, {folder.path()});
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ((*source)->service().size(), 4U);
  EXPECT_TRUE((*source)->service().empty()) << "announced once";
  ASSERT_EQ((*source)->status().size(), 4U);
  EXPECT_EQ((*source)->status()[2].name, folder.path("b.log"));
  EXPECT_EQ((*source)->status()[2].id, (InputId{7, 2}));
  EXPECT_THAT(read_on(**source, {7, 2}).texts(), ElementsAre("b.log"));
  EXPECT_EQ(read_on(**source, {7, 9}).end, ReadStatus::kFinished);
}

TEST(FileSource, PathsThatCannotBeRead) {
  const TempFolder folder;
  const std::string file = folder.write("a", "x\n");
  std::filesystem::create_directory(folder.path("empty"));
  const auto message = [](const std::vector<std::string>& paths) {
    const auto source = open_files(0, paths);
    EXPECT_FALSE(source.has_value());
    return source ? std::string() : source.error().message;
  };
  EXPECT_THAT(message({}), HasSubstr("no input"));
  EXPECT_THAT(message({folder.path("absent")}), HasSubstr(folder.path("absent")));
  EXPECT_THAT(message({folder.path("empty")}), HasSubstr("holds no files"));
  EXPECT_THAT(message({file, folder.path()}), HasSubstr("given twice"));
  EXPECT_THAT(message({"-", "-"}), HasSubstr("given twice"));
  EXPECT_THAT(message({file + "/below"}), HasSubstr("below"));
}

// A pipe by its name under /dev/fd, as a shell's <(...) gives it.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
  ~Pipe() {
    finish();
    ::close(ends_[0]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] std::string path() const { return "/dev/fd/" + std::to_string(ends_[0]); }
  void say(std::string_view bytes) const {
    EXPECT_EQ(::write(ends_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void finish() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

TEST(FileSource, APipeIsNeverWaitedFor) {
  Pipe pipe;
  const auto source = open_files(0, {pipe.path()});
  ASSERT_TRUE(source.has_value());
  const auto read = [&] {
    RawChunk chunk;
    const ReadStatus status = (*source)->read({0, 0}, chunk);
    std::vector<std::string> texts;
    for (const RawRecord& record : chunk.records) texts.emplace_back(record.bytes);
    return std::pair(status, texts);
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(read().first, ReadStatus::kNothingYet);
  pipe.say("B");  // might become BZh
  EXPECT_EQ(read().first, ReadStatus::kNothingYet);
  pipe.say("ob\nhal");
  EXPECT_EQ(read(), std::pair(ReadStatus::kChunk, Texts{"Bob"}));
  EXPECT_EQ(read().first, ReadStatus::kNothingYet);
  EXPECT_EQ(read().first, ReadStatus::kNothingYet);
  pipe.say("f\nend");
  EXPECT_EQ(read(), std::pair(ReadStatus::kChunk, Texts{"half"}));
  pipe.finish();
  EXPECT_EQ(read(), std::pair(ReadStatus::kChunk, Texts{"end"}));
  EXPECT_EQ(read().first, ReadStatus::kFinished);
}

TEST(FileSource, ACompressedPipe) {
  Pipe pipe;
  const std::string bytes = packed("one\ntwo\n", "gzip");
  const auto source = open_files(0, {pipe.path()});
  ASSERT_TRUE(source.has_value());
  RawChunk chunk;
  for (const char c : bytes.substr(0, 12)) {
    pipe.say(std::string_view(&c, 1));
    EXPECT_EQ((*source)->read({0, 0}, chunk), ReadStatus::kNothingYet);
  }
  pipe.say(bytes.substr(12));
  pipe.finish();
  EXPECT_THAT(read_on(**source, {0, 0}).texts(), ElementsAre("one", "two"));
}

}  // namespace
}  // namespace stuffwatch::ingest
