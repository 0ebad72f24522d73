#include "config/duration.h"

#include <gtest/gtest.h>

#include <random>

namespace stuffwatch::config {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST(Duration, ReadsEveryUnitAndSums) {
  EXPECT_EQ(parse_duration("1500ms"), milliseconds{1500});
  EXPECT_EQ(parse_duration("600s"), milliseconds{10min});
  EXPECT_EQ(parse_duration("10m"), milliseconds{10min});
  EXPECT_EQ(parse_duration("24h"), milliseconds{24h});
  EXPECT_EQ(parse_duration("7d"), milliseconds{168h});
  EXPECT_EQ(parse_duration("1h30m"), milliseconds{90min});
  EXPECT_EQ(parse_duration("1d2h3m4s5ms"), milliseconds{26h + 3min + 4s + 5ms});
  EXPECT_EQ(parse_duration("0"), 0ms);
  EXPECT_EQ(parse_duration("0s"), 0ms);
}

TEST(Duration, RefusesWhatHasNoUnitOrIsNoDuration) {
  for (const char* text : {"", "600", "-1s", "+1s", "1.5s", "10 m", "m", "10min", "10M", "1m1h",
                           "1m1m", "10m5", "s10", "1h ", "1\xff"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_EQ(duration.error().kind, Error::Kind::kConfiguration);
    EXPECT_NE(duration.error().message.find("with its unit"), std::string::npos)
        << duration.error().message;
  }
}

TEST(Duration, RefusesWhatDoesNotFit) {
  EXPECT_EQ(parse_duration("9223372036854775807ms"), milliseconds::max());
  for (const char* text : {"9223372036854775808ms", "106751991168d", "99999999999999999999s",
                           "9223372036854775s999ms"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_EQ(duration.error().message, "the duration is too long");
  }
}

TEST(Duration, IsWrittenInTheLargestUnitThatFits) {
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(90min), "90m");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(48h), "2d");
}

TEST(Duration, ReadsWhatItWrites) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 100'000; ++i) {
    const milliseconds duration{static_cast<std::int64_t>(random() >> (1 + random() % 62))};
    ASSERT_EQ(parse_duration(format_duration(duration)), duration);
  }
}

}  // namespace
}  // namespace stuffwatch::config
