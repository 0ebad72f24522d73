// Days as programs write them.
#include "corpus/account_day.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string_view>

namespace stuffwatch::corpus {
namespace {

TEST(ParseDay, TakesWhatProgramsWrite) {
  using namespace std::chrono_literals;
  const Day expected = std::chrono::sys_days(2024y / 5 / 17).time_since_epoch().count();
  for (const std::string_view text :
       {"2024-05-17", "2024-05-17T12:34:56Z", "2024-05-17 12:34:56", "2024-05-17T23:59:59.999999",
        "2024-05-18T00:30:00+01:00", "2024-05-17 12:34:56.789+00", "1715949296", "1715949296000"})
    EXPECT_EQ(parse_day(text), expected) << text;
}

TEST(ParseDay, KnowsWhatMeansNone) {
  for (const std::string_view text : {"", "NULL", "null", "\\N", "0", "0000-00-00", "1970-01-01",
                                      "0000-00-00 00:00:00", "0001-01-01T00:00:00Z", "1900-01-01"})
    EXPECT_EQ(parse_day(text), Day{0}) << text;
  EXPECT_EQ(parse_day("1970-01-02"), Day{1});
}

TEST(ParseDay, KeepsTheFarFutureInTheFuture) {
  for (const std::string_view text : {"9999-12-31", "2149-06-06", "253402300799000"})
    EXPECT_EQ(parse_day(text), Day{65'535}) << text;
}

TEST(ParseDay, RefusesTheRest) {
  for (const std::string_view text :
       {"1", "true", "17/05/2024", "2024-5-17", "2024-02-30", "yesterday", "2024-05-17x", "-1",
        "99999999", "99999999999999999999",
        "2024-05-17 12:34:56 and something behind it, at length"})
    EXPECT_EQ(parse_day(text), std::nullopt) << text;
}

}  // namespace
}  // namespace stuffwatch::corpus
