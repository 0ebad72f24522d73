#include "corpus/list_input.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "tests/corpus/archives.h"

namespace stuffwatch::corpus {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Member;
using ::testing::Not;
using testing::packed;
using namespace std::string_view_literals;

struct Outcome {
  std::vector<std::string> lines;  // without their ends
  std::vector<std::string> texts;  // "file" or "file (member)", one for each text with lines
  std::string problem;
  std::string sha256;
  std::uint64_t bytes_read = 0;
  std::optional<std::uint64_t> bytes_total;
};

std::string hex(const Sha256::Digest& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::string sha256_of(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hex(hash.finish());
}

class Lists : public ::testing::Test {
 protected:
  std::string write(const std::string& name, std::string_view bytes) const {
    testing::write_file(folder_.path() / name, bytes);
    return path(name);
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_.path() / name).native();
  }

  static void take(const ListInput& input, const LineChunk& chunk, Outcome& out) {
    EXPECT_EQ(chunk.first_line, out.lines.size());
    EXPECT_TRUE(chunk.bytes.ends_with('\n'));
    EXPECT_LE(chunk.bytes.size(), ListInput::kChunkBytes + 1);
    EXPECT_LE(input.bytes_read(), input.bytes_total().value_or(input.bytes_read()));
    for (std::string_view rest = chunk.bytes; !rest.empty();) {
      const std::size_t end = rest.find('\n');
      out.lines.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    EXPECT_EQ(chunk.first_line + chunk.lines, out.lines.size());
    std::string text = std::filesystem::path(input.name()).filename();
    if (!input.member().empty()) text += " (" + input.member() + ")";
    if (out.texts.empty() || out.texts.back() != text) out.texts.push_back(text);
  }

  static Outcome read(std::vector<std::string> inputs) {
    Outcome out;
    const auto input = ListInput::open(std::move(inputs));
    if (!input) {
      EXPECT_EQ(input.error().kind, config::Error::Kind::kConfiguration);
      out.problem = input.error().message;
      return out;
    }
    LineChunk chunk;
    while (true) {
      const auto more = (*input)->next(chunk);
      if (!more) out.problem = more.error().message;
      if (!more || !*more) break;
      take(**input, chunk, out);
    }
    if (out.problem.empty()) {
      EXPECT_EQ((*input)->next(chunk), false);  // the end stays the end
      out.sha256 = hex((*input)->sha256().value());
    }
    EXPECT_EQ((*input)->lines() < out.lines.size(), false);
    out.bytes_read = (*input)->bytes_read();
    out.bytes_total = (*input)->bytes_total();
    return out;
  }
  Outcome read_bytes(std::string_view bytes) const { return read({write("bytes", bytes)}); }

  const test::TemporaryFolder folder_;
};

// --- lines ---

TEST_F(Lists, CountsEveryLineOfEveryInput) {
  const std::string one = write("one", "a\r\n\n \nb"), two = write("two", "\nc\n");
  const Outcome out = read({two, one, two});
  EXPECT_THAT(out.lines, ElementsAre("", "c", "a\r", "", " ", "b", "", "c"));
  EXPECT_THAT(out.texts, ElementsAre("two", "one", "two"));
  EXPECT_EQ(out.bytes_total, 7U + 3 + 3);
  EXPECT_EQ(out.bytes_read, 13U);
  EXPECT_EQ(out.sha256, sha256_of("\nc\na\r\n\n \nb\nc\n"));
}

TEST_F(Lists, HashesAsSha256sumDoes) {
  EXPECT_EQ(read_bytes("abc").sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(Lists, CutsChunksAtLineEnds) {
  std::string text;
  std::vector<std::string> lines;
  std::mt19937_64 random(3);
  while (text.size() < 5 * ListInput::kChunkBytes) {
    lines.push_back(
        fmt::format("{}@example.com:{}", lines.size(), std::string(random() % 60, 'p')));
    text += lines.back() + "\n";
  }
  EXPECT_EQ(read_bytes(text).lines, lines);
  text.pop_back();
  EXPECT_EQ(read_bytes(text).lines, lines);
}

TEST_F(Lists, HandsOutLongLinesCutAndCountsThemOnce) {
  constexpr std::size_t kChunk = ListInput::kChunkBytes;
  const std::size_t lengths[] = {0, 30, kChunk / 2, kChunk - 1, kChunk, kChunk + 1, 3 * kChunk + 7};
  std::mt19937_64 random(4);
  for (int round = 0; round < 30; ++round) {
    std::string text;
    std::vector<std::string> expected;
    for (std::uint64_t i = 0, count = 1 + random() % 6; i < count; ++i) {
      const std::string line(lengths[random() % std::size(lengths)], static_cast<char>('a' + i));
      text += line + "\n";
      expected.push_back(line.size() < kChunk ? line : line.substr(0, ListInput::kCutLine));
    }
    if (round % 2 == 0 && !expected.back().empty()) text.pop_back();
    ASSERT_TRUE(read_bytes(text).lines == expected) << "round " << round;
  }
  const std::string endless = write("endless", std::string(3 * kChunk, 'a'));
  EXPECT_EQ(read({endless, endless, write("b", "b\n")}).lines,
            (std::vector<std::string>{std::string(ListInput::kCutLine, 'a'),
                                      std::string(ListInput::kCutLine, 'a'), "b"}));
  std::string scratch;
  const std::string cut(ListInput::kCutLine, 'a');
  EXPECT_EQ(ListFormat().account_of(cut, scratch).reject, LineReject::kTooLong);
}

// --- inputs ---

TEST_F(Lists, ReadsAFolderInByteOrderOfItsPaths) {
  write("lists/b.txt", "4");
  write("lists/a/z.gz", packed({{"z", "3\n"}}, "raw", "gzip"));
  write("lists/a-b", "1\n");
  write("lists/a.txt", "2\n");
  write("lists/empty", "");
  std::filesystem::create_directory_symlink("..", path("lists/a/circle"));
  std::filesystem::create_symlink("../b.txt", path("lists/a/zz"));
  std::filesystem::create_symlink("nowhere", path("lists/dangling"));
  const Outcome out = read({path("lists")});
  EXPECT_EQ(out.problem, "");
  EXPECT_THAT(out.lines, ElementsAre("1", "2", "3", "4", "4"));
  EXPECT_THAT(out.texts, ElementsAre("a-b", "a.txt", "z.gz", "zz", "b.txt"));
}

TEST_F(Lists, ReadsPipesAndStandardInput) {
  for (const bool standard_input : {false, true}) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const std::string bytes = packed({{"a", "a@example.com\nb@example.com"}}, "raw", "xz");
    ASSERT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ::close(ends[1]);
    const int saved = ::dup(STDIN_FILENO);
    if (standard_input) ::dup2(ends[0], STDIN_FILENO);
    const Outcome out = read({standard_input ? "-" : fmt::format("/dev/fd/{}", ends[0])});
    ::dup2(saved, STDIN_FILENO);
    ::close(saved);
    ::close(ends[0]);
    EXPECT_THAT(out.lines, ElementsAre("a@example.com", "b@example.com")) << out.problem;
    EXPECT_EQ(out.sha256, sha256_of(bytes));
    EXPECT_EQ(out.bytes_total, std::nullopt);
    EXPECT_EQ(out.bytes_read, bytes.size());
  }
}

TEST_F(Lists, SaysWhichInputIsNone) {
  std::filesystem::create_directories(path("folder/below"));
  EXPECT_THAT(read({}).problem, HasSubstr("- for standard input"));
  EXPECT_THAT(read({"-", "-"}).problem, HasSubstr("give - once"));
  EXPECT_THAT(read({path("absent")}).problem,
              AllOf(HasSubstr(path("absent")), HasSubstr("name a file")));
  EXPECT_THAT(read({path("folder")}).problem,
              AllOf(HasSubstr(path("folder")), HasSubstr("no file")));
  const std::string good = write("good", "a\n"), empty = write("empty", ""),
                    blank = write("blank", "\n");
  EXPECT_THAT(read({good, empty, good}).problem,
              AllOf(HasSubstr(empty), HasSubstr("holds no line")));
  EXPECT_EQ(read({blank}).problem, "");  // a line with nothing in it is one
  for (const char* const filter : {"gzip", "zstd", "xz", "bzip2"})
    EXPECT_THAT(read_bytes(packed({{"a", ""}}, "raw", filter)).problem, HasSubstr("holds no line"));
  EXPECT_THAT(read_bytes(packed({{"a", "", AE_IFDIR}}, "ustar")).problem,
              HasSubstr("holds no line"));
}

// --- packings ---

struct Wrapping {
  const char* format;
  const char* filter;
  bool checked;  // a changed byte of the text is noticed
};
constexpr Wrapping kWrappings[] = {
    {"raw", "gzip", true},    {"raw", "zstd", false},    {"raw", "xz", true},
    {"raw", "bzip2", true},   {"ustar", nullptr, false}, {"ustar", "gzip", true},
    {"ustar", "zstd", false}, {"ustar", "xz", true},     {"ustar", "bzip2", true},
    {"zip", nullptr, true},   {"7zip", nullptr, true},
};

std::vector<Member> members_for(const Wrapping& wrapping) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += fmt::format("user{}@example.com:{:x}\n", i, i * 7919);
  if (wrapping.format == "raw"sv) return {{"a", text}};
  return {{"folder", "", AE_IFDIR}, {"folder/a.txt", text},     {"empty.txt", ""},
          {"link", "", AE_IFLNK},   {"b.txt", "b@example.com"}, {"c.txt", text}};
}

std::vector<std::string> lines_of(const std::vector<Member>& members) {
  std::vector<std::string> lines;
  for (const Member& member : members)
    for (std::string_view rest = member.text; !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      lines.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  return lines;
}

TEST_F(Lists, UnpacksEveryFormat) {
  for (const Wrapping& wrapping : kWrappings) {
    SCOPED_TRACE(std::string(wrapping.format) + " " +
                 (wrapping.filter == nullptr ? "" : wrapping.filter));
    const auto members = members_for(wrapping);
    const std::string bytes = packed(members, wrapping.format, wrapping.filter);
    const Outcome out = read_bytes(bytes);
    EXPECT_EQ(out.problem, "");
    EXPECT_TRUE(out.lines == lines_of(members));
    const std::vector<std::string> archive = {"bytes (folder/a.txt)", "bytes (b.txt)",
                                              "bytes (c.txt)"};
    EXPECT_EQ(out.texts, members.size() > 1 ? archive : std::vector<std::string>{"bytes"});
    EXPECT_EQ(out.sha256, sha256_of(bytes));  // zip and 7z are read back and forth
    EXPECT_EQ(out.bytes_read, bytes.size());
  }
}

TEST_F(Lists, ReadsConcatenatedStreams) {
  for (const char* const filter : {"gzip", "zstd", "xz", "bzip2"}) {
    const std::string bytes =
        packed({{"a", "a\nb"}}, "raw", filter) + packed({{"a", "c\n"}}, "raw", filter);
    EXPECT_THAT(read_bytes(bytes).lines, ElementsAre("a", "bc")) << filter;
  }
  const std::string padded = packed({{"a", "a\n"}}, "raw", "gzip") + std::string(512, '\0');
  EXPECT_THAT(read_bytes(padded).lines, ElementsAre("a"));
}

TEST_F(Lists, ReadsConcatenatedTars) {
  const std::string tar = packed({{"a", "a\n"}}, "ustar"), gap(std::size_t{1} << 20, '\0');
  EXPECT_THAT(read_bytes(tar + gap + tar).lines, ElementsAre("a", "a"));
}

// The table of contents is read first, and is longer than a block.
TEST_F(Lists, HashesATableOfContentsBehindTheMembers) {
  std::vector<Member> members;
  for (int i = 0; i < 6000; ++i)
    members.push_back({fmt::format("folder/{}.txt", i), "a@example.com"});
  for (const char* const format : {"zip", "7zip"}) {
    const std::string bytes = packed(members, format);
    const Outcome out = read_bytes(bytes);
    EXPECT_EQ(out.lines.size(), members.size()) << out.problem;
    EXPECT_EQ(out.sha256, sha256_of(bytes)) << format;
  }
}

TEST_F(Lists, TakesTextForTextWhateverItBeginsWith) {
  for (const std::string_view text :
       {"#mtree"sv, "070707"sv, "!<arch>"sv, "WARC/1.0"sv, "xar!"sv, "BZh91"sv, "begin 644 x"sv,
        "7z"sv, "PK"sv, "\x1f"sv, "MSCF"sv, "@example.com"sv}) {
    const std::string line = std::string(text) + " of a list that goes on like any other";
    EXPECT_THAT(read_bytes(line + "\n\nb@example.com").lines,
                ElementsAre(line, "", "b@example.com"));
  }
}

TEST_F(Lists, RefusesWhatItDoesNotRead) {
  const auto problem = [this](std::string_view bytes) { return read_bytes(bytes).problem; };
  EXPECT_THAT(problem("Rar!\x1a\x07\x01 and so on"), HasSubstr("a rar archive, which is not read"));
  EXPECT_THAT(problem("\xff\xfe"
                      "a\0@\0"sv),
              HasSubstr("UTF-16"));
  const std::string zip = packed({{"a", "a\n"}}, "zip"),
                    gzip = packed({{"a", "a\n"}}, "raw", "gzip");
  EXPECT_THAT(
      problem(packed({{"a.txt", "a\n"}, {"in.zip", zip}}, "zip")),
      AllOf(HasSubstr("bytes (in.zip): is zip, inside a zip file"), HasSubstr("unpack it")));
  EXPECT_THAT(problem(packed({{"in.gz", gzip}}, "ustar", "xz")),
              HasSubstr("is gzip, inside a xz file"));
  EXPECT_THAT(problem(packed({{"a", gzip}}, "raw", "gzip")),
              HasSubstr("is gzip, inside a gzip file"));
  EXPECT_THAT(problem(packed({{"a", "a\n"}}, "zip", nullptr, "zip:encryption=traditional")),
              AllOf(HasSubstr("(a): is encrypted"), HasSubstr("unpack it")));
  for (const char* const name : {"encrypted.7z", "encrypted-names.7z"})
    EXPECT_THAT(problem(testing::read_file(SW_SOURCE_DIR "/tests/fuzz/corpus/list_input/" +
                                           std::string(name))),
                HasSubstr("is encrypted"));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ASSERT_GT(::write(ends[1], zip.data(), zip.size()), 0);
  ::close(ends[1]);
  EXPECT_THAT(read({fmt::format("/dev/fd/{}", ends[0])}).problem, HasSubstr("save it as a file"));
  ::close(ends[0]);
}

// --- damage ---

TEST_F(Lists, NamesThePlaceOfTheDamage) {
  const auto members = members_for({"ustar", "gzip", true});
  const std::string bytes = packed(members, "ustar", "gzip");
  const Outcome out = read_bytes(std::string_view(bytes).substr(0, bytes.size() - 1000));
  EXPECT_THAT(
      out.problem,
      AllOf(HasSubstr(path("bytes") + " (c.txt): damaged or cut short near byte "),
            HasSubstr(std::to_string(bytes.size() - 1000)), HasSubstr("get the file again")));
  EXPECT_THAT(out.problem, ::testing::ContainsRegex("after 7[0-9]{4} lines"));
}

// Whatever is cut off, it is noticed, or nothing that was cut off mattered.
TEST_F(Lists, NoticesEveryCut) {
  for (const Wrapping& wrapping : kWrappings) {
    const std::vector<Member> members = {{"a", "a@example.com\nb@example.com\n"},
                                         {"b", "c@example.com\n"}};
    const std::size_t count = wrapping.format == "raw"sv ? 1 : 2;
    const std::string bytes =
        packed({members.begin(), members.begin() + static_cast<std::ptrdiff_t>(count)},
               wrapping.format, wrapping.filter);
    const auto whole = read_bytes(bytes).lines;
    ASSERT_EQ(whole.size(), count + 1);
    const std::size_t magic = wrapping.filter == nullptr && wrapping.format == "ustar"sv ? 512 : 10;
    const std::size_t step = bytes.size() > 2000 ? 37 : 1;
    for (std::size_t size = magic; size < bytes.size(); size += step) {
      const Outcome cut = read_bytes(std::string_view(bytes).substr(0, size));
      ASSERT_TRUE(!cut.problem.empty() || cut.lines == whole)
          << wrapping.format << " " << (wrapping.filter == nullptr ? "" : wrapping.filter)
          << " cut to " << size << " of " << bytes.size();
    }
  }
}

TEST_F(Lists, NoticesACutAtABlockOfZstdAndAtAMemberOfTar) {
  std::mt19937_64 random(5);
  std::string text;
  while (text.size() < 600'000) text += fmt::format("{:x}@example.com\n", random());
  const std::string zstd = packed({{"a", text}}, "raw", "zstd");
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(zstd[i]));
  };
  std::size_t at = 6, blocks = 0;  // magic, descriptor, window: RFC 8878
  ASSERT_EQ(byte(4) & 0xe3U, 0U);
  for (bool last = false; !last; ++blocks) {
    const std::size_t header = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16;
    last = (header & 1) != 0;
    at += 3 + (header >> 3);
    const std::string problem = read_bytes(std::string_view(zstd).substr(0, at)).problem;
    EXPECT_EQ(problem.empty(), last) << at;
  }
  EXPECT_GE(blocks, 3U);

  const std::string tar = packed({{"a", "a\n"}, {"b", "b\n"}}, "ustar");
  EXPECT_THAT(read_bytes(std::string_view(tar).substr(0, 1024)).problem, HasSubstr("end mark"));
  EXPECT_THAT(read_bytes(std::string_view(tar).substr(0, 2048)).problem, HasSubstr("end mark"));
}

TEST_F(Lists, NoticesASecondStreamThatIsNone) {
  for (const char* const filter : {"gzip", "zstd", "xz", "bzip2"}) {
    const std::string one = packed({{"a", "a\n"}}, "raw", filter);
    for (std::size_t size = 1; size < one.size(); ++size)
      ASSERT_NE(read_bytes(one + one.substr(0, size)).problem, "") << filter << " " << size;
    EXPECT_NE(read_bytes(one + "garbage behind it").problem, "") << filter;
  }
}

TEST_F(Lists, NoticesEveryFlippedBitThatMatters) {
  for (const Wrapping& wrapping : kWrappings) {
    if (!wrapping.checked) continue;
    const std::string bytes =
        packed({{"a", "a@example.com\nb@example.com\n"}}, wrapping.format, wrapping.filter);
    const auto whole = read_bytes(bytes).lines;
    for (std::size_t i = 10; i < bytes.size(); ++i) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ 1 << i % 8);
      const Outcome out = read_bytes(flipped);
      ASSERT_TRUE(!out.problem.empty() || out.lines == whole) << wrapping.format << " byte " << i;
    }
  }
}

}  // namespace
}  // namespace stuffwatch::corpus
