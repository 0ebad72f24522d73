#include "ingest/year_resolver.h"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

namespace stuffwatch::ingest {
namespace {

namespace chrono = std::chrono;
using namespace std::chrono_literals;

EventTime at(int year, int month, int day, chrono::milliseconds since_midnight = 12h) {
  return chrono::sys_days{chrono::year{year} / month / day} + since_midnight;
}

// A stamp without a year, as the decoder hands it over.
EventTime stamp(int month, int day, chrono::milliseconds since_midnight = 12h) {
  return at(2000, month, day, since_midnight);
}

// Resolves and accepts, as the merge does with an event that the skew guard lets pass.
EventTime take(YearResolver& resolver, EventTime local, std::int64_t record_timestamp_ms = -1) {
  const auto time = resolver.resolve(local, true, false, record_timestamp_ms);
  EXPECT_TRUE(time.has_value());
  if (time) resolver.accepted(*time);
  return time.value_or(EventTime{});
}

TEST(YearResolver, CompleteStampsPass) {
  YearResolver resolver({.year = 2010, .zone = 120min});
  EXPECT_EQ(resolver.resolve(at(2026, 1, 2), false, false, -1), at(2026, 1, 2));
  EXPECT_FALSE(resolver.first_year().has_value());
}

TEST(YearResolver, ZoneIsSubtracted) {
  YearResolver east({.year = 2026, .zone = 120min});
  EXPECT_EQ(east.resolve(at(2026, 1, 2), false, true, -1), at(2026, 1, 2, 10h));
  EXPECT_EQ(take(east, stamp(1, 2)), at(2026, 1, 2, 10h));
  YearResolver none({});
  EXPECT_EQ(none.resolve(at(2026, 1, 2), false, true, -1), at(2026, 1, 2))
      << "UTC when nothing says otherwise";
}

TEST(YearResolver, OptionIsTheYearOfTheFirstLine) {
  YearResolver resolver({.year = 2017});
  EXPECT_EQ(take(resolver, stamp(3, 27)), at(2017, 3, 27));
  EXPECT_EQ(take(resolver, stamp(12, 31)), at(2017, 12, 31));
  EXPECT_EQ(take(resolver, stamp(1, 1)), at(2018, 1, 1)) << "a step back of more than 300 days";
  EXPECT_EQ(take(resolver, stamp(12, 31)), at(2017, 12, 31)) << "a late line of the old year";
  EXPECT_EQ(take(resolver, stamp(1, 2)), at(2018, 1, 2));
  EXPECT_EQ(resolver.first_year(), 2017);
  EXPECT_EQ(resolver.last_year(), 2018);
  EXPECT_FALSE(resolver.assumed());
}

TEST(YearResolver, LateLinesBeforeAnythingOfTheNewYear) {
  YearResolver resolver({.year = 2018});
  EXPECT_EQ(take(resolver, stamp(1, 1, 0s)), at(2018, 1, 1, 0s));
  EXPECT_EQ(take(resolver, stamp(12, 31, 23h + 59min + 59s)), at(2017, 12, 31, 23h + 59min + 59s));
}

TEST(YearResolver, StepsOfUpTo300DaysStayInTheYear) {
  YearResolver resolver({.year = 2017});
  take(resolver, stamp(3, 10));
  EXPECT_EQ(take(resolver, stamp(11, 20)), at(2017, 11, 20)) << "a quiet host: 255 days forward";
  EXPECT_EQ(take(resolver, stamp(2, 20)), at(2017, 2, 20)) << "273 days back";
  YearResolver edge({.year = 2017});
  take(edge, stamp(10, 29));  // day 302
  EXPECT_EQ(take(edge, stamp(1, 2)), at(2017, 1, 2)) << "exactly 300 days";
  EXPECT_EQ(take(edge, stamp(1, 1)), at(2018, 1, 1)) << "301 days";
}

TEST(YearResolver, ManyYearsInOneFile) {
  YearResolver resolver({.year = 2019});
  for (int year = 2019; year < 2030; ++year) {
    for (int month = 1; month <= 12; ++month)
      EXPECT_EQ(take(resolver, stamp(month, 28)), at(year, month, 28));
  }
}

TEST(YearResolver, NewYearIsWhereTheWriterSawIt) {
  YearResolver resolver({.year = 2025, .zone = 120min});
  EXPECT_EQ(take(resolver, stamp(12, 31, 23h)), at(2025, 12, 31, 21h));
  EXPECT_EQ(take(resolver, stamp(1, 1, 1h)), at(2025, 12, 31, 23h))
      << "UTC is still in the old year";
  EXPECT_EQ(take(resolver, stamp(1, 1, 3h)), at(2026, 1, 1, 1h));
  YearResolver west({.year = 2025, .zone = -300min});
  EXPECT_EQ(take(west, stamp(12, 31, 23h)), at(2026, 1, 1, 4h)) << "UTC is already in the new one";
  EXPECT_EQ(take(west, stamp(12, 31, 23h + 30min)), at(2026, 1, 1, 4h + 30min));
  EXPECT_EQ(take(west, stamp(1, 1, 0s)), at(2026, 1, 1, 5h));
}

TEST(YearResolver, RecordTimestampBringsTheNearestYear) {
  const auto ms = [](EventTime time) { return time.time_since_epoch().count(); };
  YearResolver resolver({.year_2000 = false});
  EXPECT_EQ(take(resolver, stamp(12, 31, 23h + 59min), ms(at(2026, 1, 1, 1s))),
            at(2025, 12, 31, 23h + 59min));
  EXPECT_EQ(take(resolver, stamp(1, 1, 5s), ms(at(2025, 12, 31, 23h + 59min + 58s))),
            at(2026, 1, 1, 5s))
      << "the producer's clock is ahead of the broker's";
  EXPECT_EQ(take(resolver, stamp(6, 1), ms(at(2031, 6, 2))), at(2031, 6, 1))
      << "it says more than the input's newest";
  YearResolver option({.year = 2020, .year_2000 = false});
  EXPECT_EQ(take(option, stamp(6, 1), ms(at(2031, 6, 2))), at(2020, 6, 1))
      << "the option comes first";
}

TEST(YearResolver, NewestFullTimestampOfTheInput) {
  YearResolver resolver({.year_2000 = false});
  EXPECT_FALSE(resolver.resolve(stamp(6, 1), true, false, -1).has_value());
  EXPECT_FALSE(resolver.assumed());
  resolver.accepted(at(2026, 5, 1));
  EXPECT_EQ(resolver.resolve(stamp(6, 1), true, false, -1), at(2026, 6, 1));
}

TEST(YearResolver, TheYear2000WithAWarning) {
  YearResolver resolver({});
  EXPECT_EQ(take(resolver, stamp(2, 29)), at(2000, 2, 29));
  EXPECT_TRUE(resolver.assumed());
  take(resolver, stamp(12, 20));
  EXPECT_EQ(take(resolver, stamp(1, 3)), at(2001, 1, 3));
}

TEST(YearResolver, LeapDayInAYearWithoutOne) {
  YearResolver leap({.year = 2024});
  EXPECT_EQ(take(leap, stamp(2, 29)), at(2024, 2, 29));
  YearResolver plain({.year = 2023});
  const EventTime before = take(plain, stamp(2, 28, 23h));
  EXPECT_EQ(take(plain, stamp(2, 29, 1h)), at(2023, 3, 1, 1h)) << "after Feb 28, whatever it means";
  EXPECT_GT(at(2023, 3, 1, 1h), before);
}

// A line with a bad clock that the guard refuses is not accepted() and changes nothing; one that it
// lets pass heals with the next lines.
TEST(YearResolver, OneBadClockDoesNotShiftTheYear) {
  YearResolver resolver({.year = 2025});
  take(resolver, stamp(11, 15));
  EXPECT_EQ(take(resolver, stamp(1, 1)), at(2026, 1, 1));
  EXPECT_EQ(take(resolver, stamp(11, 15, 13h)), at(2025, 11, 15, 13h));
  EXPECT_EQ(take(resolver, stamp(12, 24)), at(2025, 12, 24));
}

TEST(ParseZone, Accepts) {
  EXPECT_EQ(parse_zone("UTC"), 0min);
  EXPECT_EQ(parse_zone("Z"), 0min);
  EXPECT_EQ(parse_zone("+02:00"), 120min);
  EXPECT_EQ(parse_zone("-0530"), -330min);
  EXPECT_EQ(parse_zone("+14:00"), 840min);
}

TEST(ParseZone, RefusesWithTheRemedy) {
  for (const char* text : {"", "+", "CET", "Europe/Riga", "02:00", "+2", "+2:00", "+02:60",
                           "+15:00", "+02:0", "+0a:00", "+02:00 ", "++200", "+02::0", "+-1:00"}) {
    const auto zone = parse_zone(text);
    ASSERT_FALSE(zone.has_value()) << text;
    EXPECT_EQ(zone.error().kind, config::Error::Kind::kConfiguration);
    EXPECT_NE(zone.error().message.find("+02:00"), std::string::npos);
  }
}

}  // namespace
}  // namespace stuffwatch::ingest
