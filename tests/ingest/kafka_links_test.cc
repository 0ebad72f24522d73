#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/kafka_links.h"

namespace stuffwatch::ingest {
namespace {

using ::testing::HasSubstr;

// As librdkafka writes it, shortened: two brokers, the coordinator's second connection, one topic.
std::string statistics(const std::string& state, int idle_ms, int waiting, int leader = 2) {
  return fmt::format(
      R"({{"name":"x","ts":1,"brokers":{{)"
      R"("k1:9092/1":{{"name":"k1:9092/1","nodeid":1,"nodename":"k1:9092","source":"learned","state":"UP","waitresp_cnt":1,"rxidle":20000}},)"
      R"("k2:9092/2":{{"name":"k2:9092/2","nodeid":2,"nodename":"k2:9092","source":"learned","state":"{}","waitresp_cnt":{},"rxidle":{}}},)"
      R"("GroupCoordinator":{{"name":"GroupCoordinator","nodeid":2,"nodename":"k2:9092","source":"logical","state":"UP","waitresp_cnt":0,"rxidle":1}},)"
      R"("k9:9092/bootstrap":{{"name":"k9","nodeid":-1,"nodename":"k9:9092","source":"configured","state":"INIT","waitresp_cnt":0,"rxidle":-1}}}},)"
      R"("topics":{{"logins":{{"topic":"logins","age":1,"partitions":{{"0":{{"partition":0,"broker":1,"leader":1}},)"
      R"("1":{{"partition":1,"broker":{},"leader":2}},"-1":{{"partition":-1,"broker":-1,"leader":-1}}}}}}}},"tx":1}})",
      state, waiting, idle_ms * 1000, leader);
}

KafkaLinks links(const std::string& json) {
  KafkaLinks result(1050);
  const auto updated = result.update(json);
  EXPECT_TRUE(updated);
  return result;
}

TEST(KafkaLinks, NothingHeardIsUnknown) {
  EXPECT_EQ(KafkaLinks(1050).link("logins", 0), KafkaLink::kUnknown);
  EXPECT_FALSE(KafkaLinks(1050).all_up());
}

TEST(KafkaLinks, UpWhileItAnswers) {
  const KafkaLinks now = links(statistics("UP", 900, 1));
  EXPECT_EQ(now.link("logins", 0), KafkaLink::kUp);
  EXPECT_EQ(now.link("logins", 1), KafkaLink::kUp);
  EXPECT_TRUE(now.all_up());
  EXPECT_EQ(now.words("logins", 1), "");
  EXPECT_EQ(now.link("other", 0), KafkaLink::kUnknown);
}

TEST(KafkaLinks, DownTakesOnlyItsOwnPartitionsAndIsNotHiddenByTheCoordinatorsConnection) {
  const KafkaLinks now = links(statistics("TRY_CONNECT", 0, 0));
  EXPECT_EQ(now.link("logins", 0), KafkaLink::kUp);
  EXPECT_EQ(now.link("logins", 1), KafkaLink::kDown);
  EXPECT_FALSE(now.all_up());
  EXPECT_THAT(now.words("logins", 1), HasSubstr("k2:9092 cannot be reached (state TRY_CONNECT)"));
}

TEST(KafkaLinks, SilentOnlyWhileAnAnswerIsDue) {
  EXPECT_EQ(links(statistics("UP", 3000, 1)).link("logins", 1), KafkaLink::kSilent);
  EXPECT_THAT(links(statistics("UP", 3000, 1)).words("logins", 1),
              HasSubstr("has not answered for 3 s"));
  // Every partition's queue is full: nothing is asked, so nothing is answered.
  EXPECT_EQ(links(statistics("UP", 3000, 0)).link("logins", 1), KafkaLink::kUp);
}

TEST(KafkaLinks, NoLeaderIsDown) {
  const KafkaLinks now = links(statistics("UP", 10, 1, -1));
  EXPECT_EQ(now.link("logins", 1), KafkaLink::kDown);
  EXPECT_THAT(now.words("logins", 1), HasSubstr("no leader"));
}

TEST(KafkaLinks, WhatCannotBeReadChangesNothing) {
  KafkaLinks now = links(statistics("UP", 10, 1));
  for (const char* json : {"", "[]", "{}", R"({"brokers":{}})", R"({"brokers":[],"topics":{}})",
                           R"({"brokers":{"a":1},"topics":{}})"})
    EXPECT_FALSE(now.update(json)) << json;
  EXPECT_EQ(now.link("logins", 1), KafkaLink::kUp);
}

}  // namespace
}  // namespace stuffwatch::ingest
