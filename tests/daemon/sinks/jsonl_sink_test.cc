#include "daemon/sinks/jsonl_sink.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/sinks/sinks_fixture.h"

namespace stuffwatch::daemon::sinks {
namespace {

using testing::HasSubstr;

class JsonlSinkTest : public SinksTest {
 protected:
  std::filesystem::path path() { return folder / "alerts.jsonl"; }
  JsonlSinkOptions options() { return {.path = path(), .notice = notices()}; }
  static std::string line(std::uint32_t number, std::size_t padding = 0) {
    return make_revision("c", number, padding).body + "\n";
  }
  static std::vector<Revision> revisions(std::uint32_t from, std::uint32_t to,
                                         std::size_t padding = 0) {
    std::vector<Revision> list;
    for (std::uint32_t i = from; i <= to; ++i) list.push_back(make_revision("c", i, padding));
    return list;
  }
};

TEST_F(JsonlSinkTest, WritesABodyALine) {
  JsonlSink sink(options());
  const auto delivered = sink.deliver(revisions(1, 2));
  ASSERT_TRUE(delivered);
  EXPECT_EQ(delivered->count, 2U);
  ASSERT_TRUE(sink.deliver(revisions(3, 3)));
  EXPECT_TRUE(sink.settle());
  EXPECT_EQ(slurp(path()), line(1) + line(2) + line(3));
  struct stat status{};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07137U, 0U);  // at most 0640
}

TEST_F(JsonlSinkTest, CutsALastLineThatWasNeverFinished) {
  const std::string whole = line(1) + line(2);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    spill(path(), whole.substr(0, size));
    JsonlSink sink(options());
    ASSERT_TRUE(sink.deliver(revisions(3, 3)));
    const std::string kept = size == whole.size() ? whole : size >= line(1).size() ? line(1) : "";
    ASSERT_EQ(slurp(path()), kept + line(3)) << size;
  }
  EXPECT_THAT(said(), HasSubstr("never finished"));
}

TEST_F(JsonlSinkTest, CutsATornLineLongerThanAReadAhead) {
  spill(path(), line(1) + std::string(200'000, 'x'));
  JsonlSink sink(options());
  ASSERT_TRUE(sink.deliver(revisions(2, 2)));
  EXPECT_EQ(slurp(path()), line(1) + line(2));
}

TEST_F(JsonlSinkTest, RotatesBySizeBetweenLines) {
  auto rotating = options();
  rotating.rotate_bytes = 3 * line(1, 100).size() + 10;
  rotating.keep = 2;
  JsonlSink sink(rotating);
  ASSERT_TRUE(sink.deliver(revisions(1, 9, 100)));
  ASSERT_TRUE(sink.deliver(revisions(10, 10, 100)));
  ASSERT_TRUE(sink.deliver(revisions(11, 11, 100)));
  EXPECT_EQ(slurp(path()), line(10, 100) + line(11, 100));
  EXPECT_EQ(slurp(path() += ".1"), line(7, 100) + line(8, 100) + line(9, 100));
  EXPECT_EQ(slurp(path() += ".2"), line(4, 100) + line(5, 100) + line(6, 100));
  EXPECT_FALSE(std::filesystem::exists(path() += ".3"));
}

TEST_F(JsonlSinkTest, ALineLargerThanTheLimitHasItsOwnFile) {
  auto rotating = options();
  rotating.rotate_bytes = 50;
  JsonlSink sink(rotating);
  ASSERT_TRUE(sink.deliver(revisions(1, 3, 100)));
  EXPECT_EQ(slurp(path()), line(3, 100));
  EXPECT_EQ(slurp(path() += ".1"), line(2, 100));
  EXPECT_EQ(slurp(path() += ".2"), line(1, 100));
}

TEST_F(JsonlSinkTest, KeepingNoneStartsAnew) {
  auto rotating = options();
  rotating.rotate_bytes = 50;
  rotating.keep = 0;
  JsonlSink sink(rotating);
  ASSERT_TRUE(sink.deliver(revisions(1, 2, 100)));
  EXPECT_EQ(slurp(path()), line(2, 100));
  EXPECT_FALSE(std::filesystem::exists(path() += ".1"));
}

TEST_F(JsonlSinkTest, AFileThatWasMovedAwayIsMadeAnew) {
  JsonlSink sink(options());
  ASSERT_TRUE(sink.deliver(revisions(1, 1)));
  std::filesystem::rename(path(), folder / "moved");
  ASSERT_TRUE(sink.deliver(revisions(2, 2)));
  std::filesystem::rename(path(), folder / "moved2");
  spill(path(), "");  // logrotate's create
  ASSERT_TRUE(sink.deliver(revisions(3, 3)));
  EXPECT_EQ(slurp(folder / "moved"), line(1));
  EXPECT_EQ(slurp(folder / "moved2"), line(2));
  EXPECT_EQ(slurp(path()), line(3));
}

TEST_F(JsonlSinkTest, AFullDeviceFailsTheDelivery) {
  auto full = options();
  full.path = "/dev/full";
  JsonlSink sink(full);
  const auto delivered = sink.deliver(revisions(1, 1));
  ASSERT_TRUE(delivered);
  EXPECT_EQ(delivered->count, 0U);
  EXPECT_THAT(delivered->problem, HasSubstr("No space left on device"));
}

TEST_F(JsonlSinkTest, AMissingFolderIsNamedAndComesBack) {
  auto absent = options();
  absent.path = folder / "absent" / "alerts.jsonl";
  JsonlSink sink(absent);
  const auto delivered = sink.deliver(revisions(1, 1));
  ASSERT_FALSE(delivered);
  EXPECT_THAT(delivered.error().message, HasSubstr("absent/alerts.jsonl"));
  std::filesystem::create_directory(folder / "absent");
  EXPECT_EQ(sink.deliver(revisions(1, 1))->count, 1U);
}

}  // namespace
}  // namespace stuffwatch::daemon::sinks
