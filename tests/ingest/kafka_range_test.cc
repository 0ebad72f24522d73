#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/kafka_range_source.h"

namespace stuffwatch::ingest {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = KafkaPosition::Kind;

TEST(KafkaRange, TopicAloneIsTheWholeOfIt) {
  const auto range = KafkaRange::parse("kafka:auth.logins");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->topic, "auth.logins");
  EXPECT_EQ(range->from.kind, Kind::kEarliest);
  EXPECT_FALSE(range->to);
  EXPECT_EQ(range->brokers, "");
}

TEST(KafkaRange, ReadsEveryParameter) {
  const auto range = KafkaRange::parse(
      "kafka:logins?from=36h&to=2026-01-02T00:00:00%2B01:00&brokers=k1:9093,k2:9093");
  ASSERT_TRUE(range) << range.error().message;
  EXPECT_EQ(range->from.kind, Kind::kAgo);
  EXPECT_EQ(range->from.ago, 36h);
  EXPECT_EQ(range->to->time, *config::parse_rfc3339("2026-01-01T23:00:00Z"));
  EXPECT_EQ(range->brokers, "k1:9093,k2:9093");
}

TEST(KafkaRange, PlusIsNoBlank) {
  EXPECT_EQ(KafkaRange::parse("kafka:logins?to=2026-01-02T00:00:00+01:00"),
            KafkaRange::parse("kafka:logins?to=2026-01-02T00:00:00%2b01:00"));
}

TEST(KafkaRange, SaysWhatIsWrongAndWhatToWrite) {
  for (const char* url :
       {"logins", "kafka:", "kafka:?from=1h", "kafka://k1/logins", "kafka:logins?from",
        "kafka:logins?from=", "kafka:logins?from=%zz", "kafka:log%2"}) {
    const auto range = KafkaRange::parse(url);
    ASSERT_FALSE(range) << url;
    EXPECT_EQ(range.error().kind, config::Error::Kind::kConfiguration);
    EXPECT_THAT(range.error().message, AllOf(HasSubstr(url), HasSubstr("kafka:TOPIC?from=")))
        << url;
  }
  EXPECT_THAT(KafkaRange::parse("kafka:logins?form=1h").error().message,
              HasSubstr("known are from, to and brokers"));
  EXPECT_THAT(KafkaRange::parse("kafka:logins?to=noon").error().message, HasSubstr("to='noon'"));
}

TEST(KafkaRangeSource, NeedsBrokersFromSomewhere) {
  const auto source = KafkaRangeSource::open({}, *KafkaRange::parse("kafka:logins"), 0, {});
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error().message, HasSubstr("?brokers=HOST:PORT"));
}

TEST(KafkaRangeSource, NobodyAnswersIsSaidWithTheRemedy) {
  KafkaRangeOptions options;
  options.patience = 300ms;
  const auto source = KafkaRangeSource::open(
      {}, *KafkaRange::parse("kafka:logins?brokers=127.0.0.1:1"), 0, options);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().kind, config::Error::Kind::kFailed);
  EXPECT_THAT(source.error().message, AllOf(HasSubstr("kafka:logins"), HasSubstr("127.0.0.1:1"),
                                            HasSubstr("check kafka.brokers")));
}

}  // namespace
}  // namespace stuffwatch::ingest
