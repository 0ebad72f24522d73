#include "ingest/yearless_logs.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/year_resolver.h"

namespace stuffwatch::ingest {
namespace {

using ::testing::ElementsAre;

struct Log {
  std::string path, stamp;  // "Dec 30"; empty: no stamp
};

// The year of each first stamp; 0: none.
std::vector<int> years(const std::vector<Log>& files) {
  std::vector<YearlessLog> logs;
  for (const auto& [path, stamp] : files)
    logs.push_back({path, stamp.empty()
                              ? std::nullopt
                              : first_yearless_stamp(stamp + " 12:00:00 host cron[1]: x")});
  count_years(logs);
  std::vector<int> out;
  for (const YearlessLog& log : logs) out.push_back(log.first ? year_of(*log.first) : 0);
  return out;
}

TEST(YearlessLogs, ARotationOverNewYear) {
  EXPECT_THAT(
      years(
          {{"/l/auth.log", "Jan  5"}, {"/l/auth.log.1", "Dec 30"}, {"/l/auth.log.2.gz", "Dec  2"}}),
      ElementsAre(2001, 2000, 2000));
  EXPECT_THAT(
      years({{"auth.log.10.gz", "Oct  1"}, {"auth.log.9.gz", "Jan  7"}, {"auth.log", "Mar  7"}}),
      ElementsAre(2000, 2001, 2001));
  EXPECT_THAT(
      years({{"secure", "Jan  9"}, {"secure-20261227", "Dec 20"}, {"secure-20270103", "Dec 27"}}),
      ElementsAre(2001, 2000, 2000));
  EXPECT_THAT(years({{"auth-2026-12-27.log.xz", "Dec 20"}, {"auth-2027-01-03.log", "Jan  1"}}),
              ElementsAre(2000, 2001));
  EXPECT_THAT(years({{"auth.log", "Jan  5"}}), ElementsAre(2000));
  EXPECT_THAT(years({{"auth.log", ""}, {"auth.log.1", "Dec 30"}}), ElementsAre(0, 2000));
  EXPECT_THAT(years({}), ElementsAre());
}

TEST(YearlessLogs, ALongRotationMayCoverSeveralYears) {
  EXPECT_THAT(years({{"a.4", "Sep  1"},
                     {"a.3", "Feb  1"},
                     {"a.2", "Oct  1"},
                     {"a.1", "Jan  1"},
                     {"a", "Feb  1"}}),
              ElementsAre(2000, 2001, 2001, 2002, 2002));
}

TEST(YearlessLogs, AFirstLineThatCameLateTurnsNoYear) {
  EXPECT_THAT(years({{"a.1", "Jan  1"}, {"a", "Dec 31"}}), ElementsAre(2001, 2000));
  EXPECT_THAT(years({{"a.1", "Mar  2"}, {"a", "Mar  1"}}), ElementsAre(2000, 2000));
}

// Numbers in front of the end, and addresses, are hosts: each begins where its own time says.
TEST(YearlessLogs, HostsAreLaidBesideOneAnother) {
  EXPECT_THAT(years({{"web-1.log", "Dec 28"}, {"web-2.log", "Jan  3"}, {"web-3.log", "Dec  3"}}),
              ElementsAre(2000, 2001, 2000));
  EXPECT_THAT(years({{"192.0.2.1", "Dec 28"}, {"192.0.2.7", "Jan  3"}, {"192.0.2.8", "Dec 29"}}),
              ElementsAre(2000, 2001, 2000));
  EXPECT_THAT(
      years({{"a/auth.log.1", "Dec 30"}, {"a/auth.log", "Jan  6"}, {"b/auth.log", "Dec  1"}}),
      ElementsAre(2000, 2001, 2000));
}

TEST(YearlessLogs, TheFirstStampDecides) {
  EXPECT_TRUE(first_yearless_stamp("garbage\n\nJan  5 12:00:00 host cron[1]: x\n"));
  EXPECT_FALSE(
      first_yearless_stamp("2026-01-05T12:00:00Z host cron[1]: x\nJan  5 12:00:00 host x: y"));
  EXPECT_FALSE(first_yearless_stamp("{\"time\":1}\n"));
  EXPECT_FALSE(first_yearless_stamp(""));
}

}  // namespace
}  // namespace stuffwatch::ingest
