#include "ingest/syslog_line.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace stuffwatch::ingest {
namespace {

namespace chrono = std::chrono;
using namespace std::chrono_literals;

EventTime at(int year, unsigned month, unsigned day, chrono::milliseconds since_midnight) {
  return chrono::sys_days{chrono::year{year} / static_cast<int>(month) / static_cast<int>(day)} +
         since_midnight;
}

SyslogLine parsed(std::string_view line) {
  SyslogLine out;
  EXPECT_EQ(parse_syslog(line, out), Reject::kNone) << line;
  return out;
}

Reject verdict(std::string_view line) {
  SyslogLine out;
  return parse_syslog(line, out);
}

TEST(SyslogLine, ClassicStampHasNeitherYearNorZone) {
  const SyslogLine line = parsed("Mar 27 13:06:56 gate sshd[123]: hello there");
  EXPECT_EQ(line.time, at(2000, 3, 27, 13h + 6min + 56s));
  EXPECT_TRUE(line.yearless);
  EXPECT_FALSE(line.zoneless);
  EXPECT_EQ(line.program, "sshd");
  EXPECT_EQ(line.pid, "123");
  EXPECT_EQ(line.message, "hello there");
}

TEST(SyslogLine, ClassicVariants) {
  EXPECT_EQ(parsed("Feb 29 23:59:60.7 h p: m").time, at(2000, 2, 29, 24h - 1ms)) << "a leap second";
  EXPECT_EQ(parsed("Mar  7 01:02:03 h p: m").time, at(2000, 3, 7, 1h + 2min + 3s));
  EXPECT_EQ(parsed("Mar 7 01:02:03 h p: m").time, at(2000, 3, 7, 1h + 2min + 3s));
  EXPECT_EQ(parsed("Mar 07 01:02:03.045999 h p: m").time, at(2000, 3, 7, 1h + 2min + 3s + 45ms));
  const SyslogLine dated = parsed("Mar  7 2025 01:02:03 h p[4]: m");
  EXPECT_EQ(dated.time, at(2025, 3, 7, 1h + 2min + 3s));
  EXPECT_FALSE(dated.yearless);
  EXPECT_TRUE(dated.zoneless);
  EXPECT_EQ(parsed("<38>Mar  7 01:02:03 h p: m").program, "p");
}

TEST(SyslogLine, IsoStamps) {
  EXPECT_EQ(parsed("2026-01-02T03:04:05.123456+01:00 h p: m").time,
            at(2026, 1, 2, 2h + 4min + 5s + 123ms));
  EXPECT_EQ(parsed("2026-01-02T03:04:05-0530 h p: m").time, at(2026, 1, 2, 8h + 34min + 5s));
  EXPECT_EQ(parsed("<86>2026-01-02T23:30:00Z h p: m").time, at(2026, 1, 2, 23h + 30min));
  EXPECT_FALSE(parsed("2026-01-02T23:30:00Z h p: m").zoneless);
  const SyslogLine local = parsed("2026-01-02 03:04:05,5 h p: m");
  EXPECT_EQ(local.time, at(2026, 1, 2, 3h + 4min + 5s + 500ms));
  EXPECT_TRUE(local.zoneless);
  EXPECT_FALSE(local.yearless);
}

TEST(SyslogLine, Rfc5424) {
  const SyslogLine line =
      parsed(R"(<38>1 2026-01-02T03:04:05.5Z h sshd 77 - [a@1 k="x ] \" \] y"][b c="d"] Failed)");
  EXPECT_EQ(line.program, "sshd");
  EXPECT_EQ(line.pid, "77");
  EXPECT_EQ(line.message, "Failed");
  EXPECT_EQ(parsed("<38>1 2026-01-02T03:04:05Z h sshd - ID47 - \xEF\xBB\xBFhey").message, "hey");
  EXPECT_EQ(parsed("<38>1 2026-01-02T03:04:05Z h sshd - - -").message, "");
  EXPECT_EQ(parsed("<38>1 2026-01-02T03:04:05Z h sshd - - - x").pid, "");
  EXPECT_EQ(verdict("<38>1 - h sshd 77 - - x"), Reject::kMissingTime);
  EXPECT_EQ(verdict("<38>1 2026-01-02T03:04:05Z h sshd 77 - [open x"), Reject::kNotThisFormat);
  EXPECT_EQ(verdict("<38>1 2026-01-02T03:04:05Z h"), Reject::kNotThisFormat);
}

TEST(SyslogLine, TheTagIsFoundWithOrWithoutHost) {
  EXPECT_EQ(parsed("Mar 27 13:06:56 sshd[9]: m").program, "sshd");
  EXPECT_EQ(parsed("Mar 27 13:06:56 h auth.info sshd[9]: m").program, "sshd");
  EXPECT_EQ(parsed("Mar 27 13:06:56 h sudo:   root : TTY=x").message, "  root : TTY=x");
  EXPECT_EQ(parsed("Mar 27 13:06:56 h last message repeated 3 times").program, "");
}

TEST(SyslogLine, FreeTextCannotPoseAsATag) {
  EXPECT_EQ(parsed("Mar 27 13:06:56 h evil sshd[1]: Accepted password for root").program, "");
  EXPECT_EQ(parsed("Mar 27 13:06:56 h evil: sshd[1]: Accepted password for root").program, "evil");
}

TEST(SyslogLine, WhatIsNoSyslogAndWhatIsNoDate) {
  for (const char* line :
       {"", " ", "hello", "{\"a\":1}", "Mar", "Mar 27", "Mar 27 13:06", "Mar 27 13:06:56x h p: m",
        "mar 27 13:06:56 h p: m", "<x>Mar 27 13:06:56 h p: m",
        "192.0.2.1 - - [27/Mar/2026:13:06:56 +0000] \"GET / HTTP/1.1\" 200 1", "2026-01-02",
        "2026-01-02T03:04", "1767323045 h p: m"}) {
    EXPECT_EQ(verdict(line), Reject::kNotThisFormat) << line;
  }
  for (const char* line :
       {"Feb 30 13:06:56 h p: m", "Mar 0 13:06:56 h p: m", "Mar 27 24:06:56 h p: m",
        "Feb 29 2025 01:02:03 h p: m", "2026-13-02T03:04:05Z h p: m", "2026-01-02T03:60:05Z h p: m",
        "2026-01-02T03:04:05+99:00 h p: m", "0000-01-02T03:04:05Z h p: m"}) {
    EXPECT_EQ(verdict(line), Reject::kBadTime) << line;
  }
}

TEST(SyslogLine, EveryPrefixOfALineIsHandled) {
  for (const std::string whole : {"<38>1 2026-01-02T03:04:05.5+01:00 h sshd 77 - [a k=\"v\\\"\"] m",
                                  "Mar 27 13:06:56.123 h auth.info sshd[1]: m"}) {
    for (std::size_t n = 0; n <= whole.size(); ++n) {
      SyslogLine out;
      const std::string part = whole.substr(0, n);
      (void)parse_syslog(part, out);
      EXPECT_LE(out.message.size(), n);
    }
  }
}

}  // namespace
}  // namespace stuffwatch::ingest
