#include "config/rfc3339.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

namespace stuffwatch::config {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

TimeMs at(int year, unsigned month, unsigned day, milliseconds in_day = {}) {
  return sys_days{year_month_day{std::chrono::year{year}, std::chrono::month{month},
                                 std::chrono::day{day}}} +
         in_day;
}

// A calendar that is obviously right: it walks from day to day.
struct WalkingDay {
  int year = 1;
  unsigned month = 1, day = 1;
  void next() {
    static constexpr unsigned kLength[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const unsigned length = kLength[month - 1] + (month == 2 && leap ? 1U : 0U);
    if (day < length) {
      ++day;
    } else if (day = 1; month < 12) {
      ++month;
    } else {
      month = 1;
      ++year;
    }
  }
};

TEST(Rfc3339, FormatsUtcWithMilliseconds) {
  EXPECT_EQ(format_rfc3339(TimeMs{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(at(2026, 1, 2, hours{3} + minutes{4} + seconds{5} + milliseconds{678})),
            "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(format_rfc3339(TimeMs{milliseconds{-1}}), "1969-12-31T23:59:59.999Z");
}

TEST(Rfc3339, MovesWhatItCannotWriteToTheNearestTime) {
  EXPECT_EQ(format_rfc3339(TimeMs::min()), "0001-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(TimeMs::max()), "9999-12-31T23:59:59.999Z");
}

TEST(Rfc3339, AgreesWithAWalkingCalendarOnEveryDayOfTenMillennia) {
  WalkingDay model;
  TimeMs time = at(1, 1, 1);
  std::string text;
  std::mt19937 random(7);
  while (model.year <= 9999) {
    const milliseconds in_day{random() % 86'400'000U};
    const auto ms = in_day.count();
    const std::string expected =
        fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", model.year, model.month,
                    model.day, ms / 3'600'000, ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
    text.clear();
    append_rfc3339(text, time + in_day);
    ASSERT_EQ(text, expected);
    ASSERT_EQ(parse_rfc3339(expected), time + in_day) << expected;
    model.next();
    time += days{1};
  }
}

TEST(Rfc3339, ReadsZones) {
  const TimeMs noon = at(2026, 7, 4, hours{12});
  EXPECT_EQ(parse_rfc3339("2026-07-04T12:00:00Z"), noon);
  EXPECT_EQ(parse_rfc3339("2026-07-04t12:00:00z"), noon);
  EXPECT_EQ(parse_rfc3339("2026-07-04 12:00:00Z"), noon);
  EXPECT_EQ(parse_rfc3339("2026-07-04T12:00:00-00:00"), noon);
  EXPECT_EQ(parse_rfc3339("2026-07-04T17:30:00+05:30"), noon);
  EXPECT_EQ(parse_rfc3339("2026-07-03T21:00:00-15:00"), noon);
  EXPECT_EQ(parse_rfc3339("2026-07-05T11:59:00+23:59"), noon);
}

TEST(Rfc3339, CutsFractionsToMilliseconds) {
  const TimeMs second = at(2026, 1, 1, seconds{1});
  EXPECT_EQ(parse_rfc3339("2026-01-01T00:00:01.5Z"), second + milliseconds{500});
  EXPECT_EQ(parse_rfc3339("2026-01-01T00:00:01.07Z"), second + milliseconds{70});
  EXPECT_EQ(parse_rfc3339("2026-01-01T00:00:01.123999999999999999999999Z"),
            second + milliseconds{123});
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:59:59.9999+00:00"), TimeMs{milliseconds{-1}});
}

TEST(Rfc3339, TakesALeapSecondOnlyWhereOneCanBe) {
  const TimeMs last = at(2016, 12, 31, hours{24} - milliseconds{1});
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), last);
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60.25Z"), last);
  EXPECT_EQ(parse_rfc3339("2017-01-01T00:59:60+01:00"), last);
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:59:60Z"), TimeMs{milliseconds{-1}});
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:61Z"), std::nullopt);
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:58:60Z"), std::nullopt);
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60+01:00"), std::nullopt);
}

TEST(Rfc3339, KnowsTheLengthOfMonths) {
  EXPECT_TRUE(parse_rfc3339("2024-02-29T00:00:00Z"));
  EXPECT_TRUE(parse_rfc3339("2000-02-29T00:00:00Z"));
  for (const char* text : {"2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-02-30T00:00:00Z",
                           "2024-04-31T00:00:00Z", "2024-06-31T00:00:00Z", "2024-09-31T00:00:00Z",
                           "2024-11-31T00:00:00Z", "2024-01-32T00:00:00Z", "2024-00-10T00:00:00Z",
                           "2024-13-10T00:00:00Z", "2024-01-00T00:00:00Z"})
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
}

TEST(Rfc3339, RefusesEverythingElse) {
  for (const char* text : {"",
                           "Z",
                           "2026-01-02",
                           "2026-01-02T03:04:05",
                           "2026-01-02T03:04Z",
                           "2026-01-02T03:04:05.Z",
                           "2026-01-02T03:04:05.",
                           "2026-01-02T03:04:05,5Z",
                           "2026-01-02T24:00:00Z",
                           "2026-01-02T03:60:00Z",
                           "2026-01-02T03:04:05+0100",
                           "2026-01-02T03:04:05+01",
                           "2026-01-02T03:04:05+24:00",
                           "2026-01-02T03:04:05+01:60",
                           "2026-01-02T03:04:05 Z",
                           " 2026-01-02T03:04:05Z",
                           "2026-01-02T03:04:05Z ",
                           "2026-01-02T03:04:05ZZ",
                           "26-01-02T03:04:05Z",
                           "+2026-01-02T03:04:05Z",
                           "2026/01/02T03:04:05Z",
                           "2026-1-2T03:04:05Z00",
                           "2026-01-02X03:04:05Z",
                           "2026-01-02T-3:04:05Z",
                           "2026-01-02T03.04.05Z"})
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
}

TEST(Rfc3339, KeepsToTheYearsItCanWrite) {
  EXPECT_EQ(parse_rfc3339("0001-01-01T00:00:00Z"), at(1, 1, 1));
  EXPECT_EQ(parse_rfc3339("0000-12-31T23:00:00Z"), std::nullopt);
  EXPECT_EQ(parse_rfc3339("0000-12-31T23:00:00-02:00"),
            std::nullopt);  // the year as written counts too
  EXPECT_EQ(parse_rfc3339("0001-01-01T00:00:00+00:01"), std::nullopt);
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:59.999Z"),
            at(9999, 12, 31, hours{24} - milliseconds{1}));
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:59-00:01"), std::nullopt);
}

// Change one character of a good text to anything: the answer is nothing, or a time whose own text
// says the same.
TEST(Rfc3339, OneWrongCharacterIsNeverMisread) {
  const std::string good = "2024-02-28T23:59:58.250+01:30";
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = good;
      text[i] = static_cast<char>(byte);
      const auto time = parse_rfc3339(text);
      if (!time || text == good) continue;
      const bool separator = i == 10 && (byte == 't' || byte == ' ' || byte == 'T');
      const bool digit_for_digit = good[i] >= '0' && good[i] <= '9' && byte >= '0' && byte <= '9';
      const bool sign = i == 23 && (byte == '-' || byte == '+');
      EXPECT_TRUE(separator || digit_for_digit || sign) << text;
    }
  }
}

}  // namespace
}  // namespace stuffwatch::config
