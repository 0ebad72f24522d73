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

#include "ingest/record_limits.h"
#include "tests/ingest/files.h"
#include "tests/ingest/reading.h"

namespace stuffwatch::ingest::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

// Its writer is in the middle of it.
TEST(FileSource, ALastLineWithoutAnEndWaitsForIt) {
  const TempFolder folder;
  for (const std::string& rest :
       {std::string("tw"), std::string("two\r"), std::string(100'000, 'l'),
        std::string(kMaxRecordBytes + 1, 'l'), std::string(kMaxRecordBytes * 3, 'l')}) {
    for (const std::string& before : {std::string(), std::string("one\n")}) {
      const std::string file = folder.write("a", before + rest);
      const Everything now = read_file(file, 0, Rest::kWaits);
      EXPECT_EQ(now.lines, naive_lines(before)) << rest.size();
      EXPECT_EQ(now.end, ReadStatus::kFinished);
      EXPECT_EQ(now.next_offset, static_cast<std::int64_t>(before.size()));
      EXPECT_EQ(now.problem, "");
      EXPECT_THAT(now.notice, HasSubstr("its " + std::to_string(rest.size()) + " bytes"));
      folder.write("a", before + rest + "more\n");
      const Everything later = read_file(file, now.next_offset, Rest::kWaits);
      EXPECT_EQ(later.lines.size(), 1U);
      EXPECT_EQ(later.lines.back() == naive_lines(before + rest + "more\n").back(), true);
      EXPECT_EQ(later.notice, "");
    }
  }
  EXPECT_THAT(read_file(folder.write("b", packed("one\ntwo", "gzip")), 0, Rest::kWaits).texts(),
              ElementsAre("one", "two"))
      << "nobody goes on with it";
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
  const Everything beyond = read_file(file, static_cast<std::int64_t>(text.size()) + 1);
  EXPECT_EQ(beyond.lines == whole, true) << "cut since: read from its start";
  EXPECT_THAT(beyond.notice, HasSubstr("replaced or cut"));
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
    texts.reserve(chunk.records.size());
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
}  // namespace stuffwatch::ingest::testing
