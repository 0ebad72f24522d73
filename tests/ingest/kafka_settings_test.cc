#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"
#include "ingest/kafka_client.h"

namespace stuffwatch::ingest {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = KafkaPosition::Kind;

KafkaSettings valid() {
  KafkaSettings settings;
  settings.brokers = "192.0.2.1:9092";
  return settings;
}

std::string refusal(const KafkaSettings& settings) {
  const auto checked = check_kafka_settings(settings);
  if (checked) return "accepted";
  EXPECT_EQ(checked.error().kind, config::Error::Kind::kConfiguration);
  return checked.error().message;
}

TEST(KafkaPosition, ReadsEveryForm) {
  EXPECT_EQ(KafkaPosition::parse("earliest")->kind, Kind::kEarliest);
  EXPECT_EQ(KafkaPosition::parse("latest")->kind, Kind::kLatest);
  EXPECT_EQ(KafkaPosition::parse("24h")->ago, 24h);
  EXPECT_EQ(KafkaPosition::parse("2026-01-02T03:04:05+01:00")->time,
            *config::parse_rfc3339("2026-01-02T02:04:05Z"));
}

TEST(KafkaPosition, SaysWhatItTakes) {
  for (const char* text : {"", "yesterday", "24", "-1h", "2026-01-02", "Earliest"}) {
    const auto position = KafkaPosition::parse(text);
    ASSERT_FALSE(position) << text;
    EXPECT_THAT(position.error().message, AllOf(HasSubstr("earliest"), HasSubstr("24h"))) << text;
  }
}

TEST(KafkaPosition, AsksForTimesInMillisecondsAndForEndsByTheirCodes) {
  const config::TimeMs now = *config::parse_rfc3339("2026-01-02T00:00:00Z");
  EXPECT_EQ(KafkaPosition::parse("earliest")->query(now), -2);
  EXPECT_EQ(KafkaPosition::parse("latest")->query(now), -1);
  EXPECT_EQ(KafkaPosition::parse("24h")->query(now), 1767225600000);
  EXPECT_EQ(KafkaPosition::parse("2026-01-01T00:00:00Z")->query(now), 1767225600000);
  EXPECT_EQ(KafkaPosition::parse("40000d")->query(now), 0);  // before 1970 would be a code
}

TEST(KafkaLibrary, TooOldIsRefusedWithTheRemedy) {
  EXPECT_TRUE(check_kafka_library(0x020601ff));
  EXPECT_TRUE(check_kafka_library(0x020800ff));
  const auto old = check_kafka_library(0x020002ff);
  ASSERT_FALSE(old);
  EXPECT_THAT(old.error().message,
              AllOf(HasSubstr("2.0.2"), HasSubstr("2.6.1"), HasSubstr("./dev build")));
  EXPECT_TRUE(check_kafka_library()) << kafka_library_version();
}

TEST(KafkaSettings, DefaultsAreAccepted) { EXPECT_EQ(refusal(valid()), "accepted"); }

TEST(KafkaSettings, BrokersAndGroupAreNeeded) {
  EXPECT_THAT(refusal({}), HasSubstr("kafka.brokers"));
  KafkaSettings settings = valid();
  settings.group.clear();
  EXPECT_THAT(refusal(settings), HasSubstr("kafka.group"));
}

TEST(KafkaSettings, UnknownPropertyIsNamedInTheLibrarysWords) {
  KafkaSettings settings = valid();
  settings.properties["security.protcol"] = "SSL";
  EXPECT_EQ(
      refusal(settings),
      "kafka.properties.security.protcol: No such configuration property: \"security.protcol\"");
}

TEST(KafkaSettings, BadValueIsNamed) {
  KafkaSettings settings = valid();
  settings.properties["session.timeout.ms"] = "soon";
  EXPECT_THAT(refusal(settings), HasSubstr("kafka.properties.session.timeout.ms: Invalid value"));
}

TEST(KafkaSettings, WhatTheGuaranteesRestOnCannotBeSet) {
  for (const char* name :
       {"enable.auto.commit", "auto.offset.reset", "group.id", "group.protocol",
        "bootstrap.servers", "enable.partition.eof", "enable.idempotence", "log.queue"}) {
    KafkaSettings settings = valid();
    settings.properties[name] = "true";
    EXPECT_THAT(refusal(settings),
                HasSubstr(std::string("kafka.properties.") + name + ": cannot be set here"))
        << name;
  }
}

TEST(KafkaSettings, PasswordsBelongInFiles) {
  KafkaSettings settings = valid();
  settings.properties["sasl.password"] = "hunter2";
  EXPECT_THAT(refusal(settings),
              AllOf(HasSubstr("kafka.password_file"), Not(HasSubstr("hunter2"))));
}

TEST(KafkaSettings, SecretsComeFromFilesAndAreNeverQuoted) {
  const testing::TempFolder folder;
  KafkaSettings settings = valid();
  settings.password_file = folder.write("password", "hunter2\n");
  EXPECT_EQ(refusal(settings), "accepted");
  settings.property_files["ssl.key.pasword"] = folder.write("key", "hunter3\n");
  EXPECT_THAT(refusal(settings), AllOf(HasSubstr("kafka.property_files.ssl.key.pasword: No such"),
                                       Not(HasSubstr("hunter"))));
  settings.property_files = {{"session.timeout.ms", folder.path("key")}};
  EXPECT_THAT(refusal(settings), AllOf(HasSubstr(folder.path("key")), Not(HasSubstr("hunter"))));
  settings.property_files = {{"ssl.key.password", folder.path("absent")}};
  EXPECT_THAT(refusal(settings),
              AllOf(HasSubstr("kafka.property_files.ssl.key.password"), HasSubstr("absent")));
}

TEST(KafkaSettings, AssignmentStrategyFitsTheOwnership) {
  KafkaSettings settings = valid();
  settings.properties["partition.assignment.strategy"] = "roundrobin";
  EXPECT_THAT(refusal(settings), HasSubstr("exclusive ownership needs range"));
  settings.ownership = KafkaOwnership::kShared;
  EXPECT_EQ(refusal(settings), "accepted");
  settings.properties["partition.assignment.strategy"] = "cooperative-sticky";
  EXPECT_THAT(refusal(settings), HasSubstr("cooperative"));
}

TEST(KafkaSettings, StartIsChecked) {
  KafkaSettings settings = valid();
  settings.start = "noon";
  EXPECT_THAT(refusal(settings), HasSubstr("kafka.start: 'noon'"));
}

}  // namespace
}  // namespace stuffwatch::ingest
