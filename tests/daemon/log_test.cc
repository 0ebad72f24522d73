#include "daemon/log.h"

#include <gmock/gmock.h>

namespace stuffwatch::daemon {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;

constexpr std::string_view kTime = "2026-01-02T03:04:05.678Z";

TEST(LogLine, OfTextIsForPeople) {
  EXPECT_EQ(
      format_log_line(LogFormat::kText, kTime, LogLevel::kInfo, "alert delivered",
                      {{"id", "00aa"},
                       {"revision", 3U},
                       {"lag", 0.25},
                       {"first", true},
                       {"change", -1},
                       {"summary", "two words"},
                       {"empty", ""}}),
      R"(2026-01-02T03:04:05.678Z INFO    alert delivered id=00aa revision=3 lag=0.25 first=true change=-1 summary="two words" empty="")");
}

TEST(LogLine, OfJsonIsOneObject) {
  EXPECT_EQ(
      format_log_line(LogFormat::kJson, kTime, LogLevel::kWarning, "a \"b\"",
                      {{"n", 3U}, {"x", 0.5}, {"t", false}, {"s", std::string("c\nd")}}),
      R"({"time":"2026-01-02T03:04:05.678Z","level":"warning","message":"a \"b\"","n":3,"x":0.5,"t":false,"s":"c\nd"})");
}

TEST(LogLine, CannotBeForged) {
  const std::string forged = "x\n2026-01-02T03:04:05.678Z ERROR   \x1b[31mfake";
  const std::string line =
      format_log_line(LogFormat::kText, kTime, LogLevel::kInfo, forged, {{"user", forged}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_THAT(line, HasSubstr(R"(user="x\n2026)"));
}

// In messages it is replaced, in values escaped, so that nothing of them is lost.
TEST(LogLine, ShowsWhatAReaderWouldNotSee) {
  const std::string hidden = std::string("\u202Ea\u2066\u009B31m\x1b") + '\0' + '\xFF';
  EXPECT_EQ(format_log_line(LogFormat::kText, kTime, LogLevel::kInfo, hidden, {{"user", hidden}}),
            "2026-01-02T03:04:05.678Z INFO    ?a??31m??? "
            "user=\"\\u202ea\\u2066\\u009b31m\\u001b\\u0000\uFFFD\"");
  EXPECT_EQ(format_log_line(LogFormat::kJson, kTime, LogLevel::kInfo, "\U000E0041", {}),
            R"({"time":"2026-01-02T03:04:05.678Z","level":"info","message":"\udb40\udc41"})");
}

TEST(Log, WritesFromItsLevelOnToStandardError) {
  testing::internal::CaptureStderr();
  log_debug("not yet");
  log_info("started", {{"version", "0.1.0"}});
  EXPECT_THAT(
      testing::internal::GetCapturedStderr(),
      MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z INFO    started version=0.1.0\n"));
  set_up_log({LogFormat::kJson, LogLevel::kError});
  testing::internal::CaptureStderr();
  log_warning("below");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
  testing::internal::CaptureStderr();
  log_error("above {} %s");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("\"level\":\"error\",\"message\":\"above {} %s\"}\n"));
  set_up_log({});
}

TEST(Log, TailKeepsTheNewestLinesBesideThose) {
  testing::internal::CaptureStderr();  // a file, no terminal: it gets every line
  {
    const LogTail tail(2);
    for (const std::string_view message : {"one", "two", "three"}) log_info(message);
    EXPECT_THAT(tail.newest(5), ElementsAre(EndsWith("two"), EndsWith("three")));
    EXPECT_THAT(tail.newest(1), ElementsAre(EndsWith("three")));
  }
  log_info("four");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              MatchesRegex(".*one\n.*two\n.*three\n.*four\n"));
}

}  // namespace
}  // namespace stuffwatch::daemon
