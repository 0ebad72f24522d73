#include "ingest/dead_letter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "files.h"
#include "ingest/kafka_dead_letter.h"

namespace stuffwatch::ingest {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

const config::TimeMs kNow = *config::parse_rfc3339("2026-03-01T00:00:00Z");

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string line(const DeadLetterRecord& record, DeadLetterMode mode) {
  std::string out;
  append_dead_letter_line(out, record, mode);
  return out;
}

std::unique_ptr<DeadLetterFile> open(DeadLetterFile::Options options, config::TimeMs now = kNow) {
  auto file = DeadLetterFile::open(std::move(options), now);
  EXPECT_TRUE(file) << file.error().message;
  return std::move(*file);
}

TEST(DeadLetterLine, RawAndReference) {
  const DeadLetterRecord record{"a\xff\0b"sv, "logins[3]", 42, 1767225600123, "not_json"};
  EXPECT_EQ(
      line(record, DeadLetterMode::kRaw),
      R"({"time":"2026-01-01T00:00:00.123Z","input":"logins[3]","offset":42,"reason":"not_json","bytes":4,"raw":"Yf8AYg=="})");
  EXPECT_EQ(
      line(record, DeadLetterMode::kReference),
      R"({"time":"2026-01-01T00:00:00.123Z","input":"logins[3]","offset":42,"reason":"not_json","bytes":4})");
}

TEST(DeadLetterLine, NoTimeNoField) {
  EXPECT_EQ(line({"", "f", 0, -1, "empty"}, DeadLetterMode::kRaw),
            R"({"input":"f","offset":0,"reason":"empty","bytes":0,"raw":""})");
}

TEST(DeadLetterLine, FileNamesStayJson) {
  EXPECT_THAT(line({"", "a\"b\\c\n\x01\xff\xc3\xa4", 0, -1, "r"}, DeadLetterMode::kReference),
              HasSubstr("\"input\":\"a\\\"b\\\\c\\u000a\\u0001\\ufffd\xc3\xa4\""));
}

TEST(DeadLetterLine, Base64OfEveryLength) {
  for (const auto& [bytes, digits] :
       std::initializer_list<std::pair<const char*, const char*>>{{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}})
    EXPECT_THAT(line({bytes, "i", 0, -1, "r"}, DeadLetterMode::kRaw),
                HasSubstr(std::string("\"raw\":\"") + digits + "\"}"));
}

TEST(DeadLetterFile, OnlyItsOwnerReadsIt) {
  const testing::TempFolder folder;
  const auto file = open({folder.path("d.jsonl")});
  EXPECT_EQ(file->destination(), folder.path("d.jsonl"));
  EXPECT_TRUE(file->offer({"x", "i", 1, -1, "r"}, kNow));
  ASSERT_TRUE(file->flush(0ms));
  struct stat status{};
  ASSERT_EQ(::stat(folder.path("d.jsonl").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(contents(folder.path("d.jsonl")),
            "{\"input\":\"i\",\"offset\":1,\"reason\":\"r\",\"bytes\":1}\n");
}

TEST(DeadLetterFile, OffKeepsNothing) {
  const testing::TempFolder folder;
  const auto file = open({folder.path("d.jsonl"), DeadLetterMode::kOff});
  EXPECT_TRUE(file->offer({"x", "i", 1, -1, "r"}, kNow));
  ASSERT_TRUE(file->flush(0ms));
  EXPECT_EQ(contents(folder.path("d.jsonl")), "");
}

TEST(DeadLetterFile, GoesOnAfterARestartAndCutsAnUnfinishedLine) {
  const testing::TempFolder folder;
  const std::string path = folder.write("d.jsonl", "{\"a\":1}\n{\"b\":");
  const auto file = open({path});
  EXPECT_TRUE(file->offer({"x", "i", 1, -1, "r"}, kNow));
  ASSERT_TRUE(file->flush(0ms));
  EXPECT_THAT(contents(path), ::testing::StartsWith("{\"a\":1}\n{\"input\""));
}

TEST(DeadLetterFile, SizesTogetherStayBelowTheCapAndWhatGoesIsTold) {
  const testing::TempFolder folder;
  const std::string path = folder.path("d.jsonl");
  std::vector<std::string> notices;
  const auto file = open({path, DeadLetterMode::kRaw, config::kibibytes(10), 30 * 24h,
                          [&](const std::string& text) { notices.push_back(text); }});
  const std::string record(300, 'x');
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(file->offer({record, "i", i, -1, "r"}, kNow));
    file->serve(kNow);
  }
  std::uint64_t total = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    total += entry.file_size();
  EXPECT_LE(total, 10U << 10U);
  EXPECT_GE(total, 8U << 10U);
  EXPECT_GT(file->removed_bytes(), 70'000U);
  ASSERT_FALSE(notices.empty());
  EXPECT_THAT(notices[0], AllOf(HasSubstr(path + ".4"), HasSubstr("max_bytes")));
  EXPECT_THAT(contents(path), HasSubstr("\"offset\":199"));
}

TEST(DeadLetterFile, OldRecordsGo) {
  const testing::TempFolder folder;
  const std::string path = folder.path("d.jsonl");
  const auto file = open({path, DeadLetterMode::kRaw, config::mebibytes(1), 48h});
  // Files carry the machine's time, so the test starts from that of a fresh one.
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  const config::TimeMs born{std::chrono::seconds(status.st_mtim.tv_sec)};
  ASSERT_TRUE(file->offer({"old", "i", 1, -1, "r"}, born));
  file->serve(born);
  file->serve(born + 13h);
  ASSERT_TRUE(std::filesystem::exists(path + ".1")) << "rotated by age";
  file->serve(born + 47h);
  EXPECT_TRUE(std::filesystem::exists(path + ".1"));
  file->serve(born + 50h);
  EXPECT_FALSE(std::filesystem::exists(path + ".1"));
  EXPECT_GT(file->removed_bytes(), 0U);
}

TEST(DeadLetterFile, AFullDiskMakesRecordsWait) {
  const auto file = open({"/dev/full", DeadLetterMode::kRaw});
  const std::string record(100'000, 'x');
  int taken = 0;
  while (taken < 1000 && file->offer({record, "i", taken, -1, "r"}, kNow)) ++taken;
  EXPECT_GT(taken, 20);
  EXPECT_LT(taken, 100) << "bounded";
  EXPECT_THAT(file->problem(), HasSubstr("/dev/full"));
  const auto flushed = file->flush(0ms);
  ASSERT_FALSE(flushed);
  EXPECT_THAT(flushed.error().message, HasSubstr("No space left"));
}

TEST(DeadLetterFile, AFolderThatIsNotThereIsNamed) {
  const auto file = DeadLetterFile::open({"/nonexistent/d.jsonl"}, kNow);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message,
              AllOf(HasSubstr("/nonexistent/d.jsonl"), HasSubstr("dead_letter.file")));
}

TEST(DeadLetterSettings, AutoDependsOnTheTopic) {
  DeadLetterSettings settings;
  EXPECT_EQ(effective_mode(settings), DeadLetterMode::kReference);
  settings.topic = "dead";
  EXPECT_EQ(effective_mode(settings), DeadLetterMode::kRaw);
  settings.mode = DeadLetterMode::kOff;
  EXPECT_EQ(effective_mode(settings), DeadLetterMode::kOff);
}

std::unique_ptr<KafkaDeadLetter> nowhere(const std::string& path) {
  KafkaDeadLetter::Options options;
  options.kafka.brokers = "127.0.0.1:1";
  options.topic = "dead";
  options.file = open({path});
  auto dead_letter = KafkaDeadLetter::open(std::move(options));
  EXPECT_TRUE(dead_letter) << dead_letter.error().message;
  return std::move(*dead_letter);
}

TEST(KafkaDeadLetter, BrokersThatAreGoneMakeRecordsWait) {
  const testing::TempFolder folder;
  const auto dead_letter = nowhere(folder.path("d.jsonl"));
  const std::string record(1'000'000, 'x');
  int taken = 0;
  while (taken < 1000 && dead_letter->offer({record, "i", taken, -1, "r"}, kNow)) ++taken;
  EXPECT_EQ(taken, 17) << "16 MiB";
  const auto flushed = dead_letter->flush(1ms);
  ASSERT_FALSE(flushed);
  EXPECT_THAT(flushed.error().message,
              HasSubstr("17 records have not reached the dead-letter topic dead"));
}

TEST(KafkaDeadLetter, TooLargeForTheTopicGoesToTheFileWhole) {
  const testing::TempFolder folder;
  const auto dead_letter = nowhere(folder.path("d.jsonl"));
  const std::string record((17U << 20U) + 1, '\0');
  ASSERT_TRUE(dead_letter->offer({record, "logins[0]", 7, -1, "too_large"}, kNow));
  ASSERT_TRUE(dead_letter->flush(10s));
  EXPECT_EQ(dead_letter->diverted(), 1U);
  const std::string written = contents(folder.path("d.jsonl"));
  EXPECT_THAT(
      written,
      ::testing::StartsWith(
          R"({"input":"logins[0]","offset":7,"reason":"too_large","bytes":17825793,"raw":"AAAA)"));
  EXPECT_EQ(
      written.size(),
      (record.size() + 2) / 3 * 4 +
          std::string_view(
              R"({"input":"logins[0]","offset":7,"reason":"too_large","bytes":17825793,"raw":""})")
              .size() +
          1);
}

}  // namespace
}  // namespace stuffwatch::ingest
