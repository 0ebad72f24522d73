// Against librdkafka's own mock cluster: a broker inside this process. The real broker is the end-to-end suite's.
#include "daemon/sinks/kafka_sink.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <future>
#include <map>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/sinks/sink_config.h"
#include "tests/daemon/sinks/sinks_fixture.h"

namespace stuffwatch::daemon::sinks {
namespace {

using testing::HasSubstr;

constexpr std::int16_t kProduceApi = 0, kMetadataApi = 3;

struct Message {
  std::string key, value;
  std::map<std::string, std::string> headers;
};

class KafkaSinkTest : public SinksTest {
 protected:
  KafkaSinkTest() {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, nullptr);
    char why[256];
    owner_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    cluster = rd_kafka_mock_cluster_new(owner_, 1);
    rd_kafka_mock_topic_create(cluster, "alerts", 1, 1);
    context.kafka.brokers = rd_kafka_mock_cluster_bootstraps(cluster);
    context.site = "shop-eu";
    context.clock = clock();
    now = make_revision("c", 1).end_time + 1min;
  }
  ~KafkaSinkTest() override {
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner_);
  }

  std::unique_ptr<Sink> make(std::chrono::milliseconds patience = 60s) {
    auto sink = make_kafka_sink("alerts", context, patience);
    EXPECT_TRUE(sink);
    return std::move(*sink);
  }

  std::vector<Message> consume(std::size_t count) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    char why[256];
    rd_kafka_conf_set(conf, "bootstrap.servers", context.kafka.brokers.c_str(), why, sizeof why);
    rd_kafka_conf_set(conf, "group.id", "test", why, sizeof why);
    rd_kafka_conf_set_log_cb(conf, nullptr);
    rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t* places = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(places, "alerts", 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(consumer, places);
    rd_kafka_topic_partition_list_destroy(places);
    std::vector<Message> messages;
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (messages.size() < count && std::chrono::steady_clock::now() < deadline) {
      rd_kafka_message_t* got = rd_kafka_consumer_poll(consumer, 1000);
      if (got == nullptr) continue;
      if (got->err == RD_KAFKA_RESP_ERR_NO_ERROR) messages.push_back(copy(*got));
      rd_kafka_message_destroy(got);
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return messages;
  }

  // Since request tracking was started.
  std::size_t requests(std::int16_t api) {
    std::size_t all = 0, wanted = 0;
    rd_kafka_mock_request_t** const list = rd_kafka_mock_get_requests(cluster, &all);
    for (std::size_t i = 0; i < all; ++i)
      wanted += rd_kafka_mock_request_api_key(list[i]) == api ? 1U : 0U;
    rd_kafka_mock_request_destroy_array(list, all);
    return wanted;
  }

  rd_kafka_mock_cluster_t* cluster = nullptr;
  SinkContext context;

 private:
  static Message copy(const rd_kafka_message_t& got) {
    Message message{{static_cast<const char*>(got.key), got.key_len},
                    {static_cast<const char*>(got.payload), got.len},
                    {}};
    rd_kafka_headers_t* headers = nullptr;
    rd_kafka_message_headers(&got, &headers);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         headers && rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; ++i)
      message.headers[name] = std::string(static_cast<const char*>(value), size);
    return message;
  }

  rd_kafka_t* owner_ = nullptr;
};

TEST_F(KafkaSinkTest, KeyIsTheCampaignValueTheBodyHeadersTheAttributes) {
  const auto sink = make();
  const auto checked = sink->check({});
  EXPECT_TRUE(checked) << checked.error().message;
  Revision account = make_revision("c1/acct:00", 1);
  account.feed = Feed::kAccounts;
  const std::vector<Revision> revisions{make_revision("c1", 1), make_revision("c1", 2, 1000),
                                        account};
  const auto delivered = sink->deliver(revisions);
  ASSERT_TRUE(delivered) << delivered.error().message;
  EXPECT_EQ(delivered->count, 3U);
  EXPECT_EQ(delivered->refused, 0U);
  const auto messages = consume(3);
  ASSERT_EQ(messages.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(messages[i].key, "c1");
    EXPECT_EQ(messages[i].value, revisions[i].body);
  }
  EXPECT_EQ(messages[1].headers.at("ce_id"), "c1/2");
  EXPECT_EQ(messages[1].headers.at("ce_source"), "/stuffwatch/shop-eu");
  EXPECT_EQ(messages[1].headers.count("stuffwatch-backfill"), 0U);
  EXPECT_EQ(messages[2].headers.at("ce_type"), "stuffwatch.account");
}

TEST_F(KafkaSinkTest, OldNewsIsMarked) {
  const auto sink = make();
  now = now.load() + 2h;
  const Revision revision = make_revision("c", 1);
  ASSERT_TRUE(sink->deliver({&revision, 1}));
  EXPECT_EQ(consume(1).at(0).headers.at("stuffwatch-backfill"), "true");
}

TEST_F(KafkaSinkTest, ATooLargeMessageIsRefusedAndDoesNotBlockTheRest) {
  const auto sink = make();
  const std::vector<Revision> revisions{make_revision("a", 1), make_revision("b", 1, 2'000'000),
                                        make_revision("c", 1)};
  const auto delivered = sink->deliver(revisions);
  ASSERT_TRUE(delivered);
  EXPECT_EQ(delivered->count, 3U);
  EXPECT_EQ(delivered->refused, 1U);
  EXPECT_THAT(delivered->problem, HasSubstr("too large"));
  const auto messages = consume(2);
  EXPECT_EQ(messages.at(0).key, "a");
  EXPECT_EQ(messages.at(1).key, "c");
}

TEST_F(KafkaSinkTest, ALostRightIsNamedAndHoldsTheCursor) {
  const auto sink = make();
  rd_kafka_mock_push_request_errors(cluster, kProduceApi, 1,
                                    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  const Revision revision = make_revision("c", 1);
  const auto delivered = sink->deliver({&revision, 1});
  ASSERT_TRUE(delivered);
  EXPECT_EQ(delivered->count, 0U);
  EXPECT_THAT(delivered->problem, HasSubstr("topic alerts: "));
  EXPECT_THAT(delivered->problem, HasSubstr("WRITE"));
  const auto again = sink->deliver({&revision, 1});
  EXPECT_EQ(again->count, 1U);
  EXPECT_EQ(consume(1).at(0).value, revision.body);
}

TEST_F(KafkaSinkTest, ADeadBrokerFailsInTimeAndRecovers) {
  const auto sink = make(1500ms);
  rd_kafka_mock_broker_set_down(cluster, 1);
  const Revision revision = make_revision("c", 1);
  const auto delivered = sink->deliver({&revision, 1});
  ASSERT_TRUE(delivered);
  EXPECT_EQ(delivered->count, 0U);
  EXPECT_THAT(delivered->problem, HasSubstr("check kafka.brokers"));
  EXPECT_FALSE(sink->check({}));
  rd_kafka_mock_broker_set_up(cluster, 1);
  std::size_t count = 0;
  for (int i = 0; i < 20 && count == 0; ++i) count = sink->deliver({&revision, 1})->count;
  EXPECT_EQ(count, 1U);
}

// A broker that makes topics when they are asked for says for a moment that there is none.
TEST_F(KafkaSinkTest, ATopicInTheMakingIsNoFailure) {
  const auto sink = make();
  rd_kafka_mock_topic_set_error(cluster, "alerts", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  rd_kafka_mock_start_request_tracking(cluster);
  auto checked = std::async(std::launch::async, [&] { return sink->check({}); });
  while (requests(kMetadataApi) < 5 && checked.wait_for(1ms) != std::future_status::ready) {}
  rd_kafka_mock_topic_set_error(cluster, "alerts", RD_KAFKA_RESP_ERR_NO_ERROR);
  const auto made = checked.get();
  EXPECT_TRUE(made) << made.error().message;
}

TEST_F(KafkaSinkTest, CancelEndsAWait) {
  const auto sink = make();
  rd_kafka_mock_broker_set_down(cluster, 1);
  const Revision revision = make_revision("c", 1);
  auto delivery = std::async(std::launch::async, [&] { return sink->deliver({&revision, 1}); });
  sink->cancel();
  const auto delivered = delivery.get();
  ASSERT_FALSE(delivered);
  EXPECT_THAT(delivered.error().message, HasSubstr("when the process was stopped"));
}

TEST_F(KafkaSinkTest, AWrongPropertyIsAMistakeOfTheConfiguration) {
  context.kafka.properties["acks.of.all"] = "yes";
  const auto sink = make_kafka_sink("alerts", context);
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().kind, config::Error::Kind::kConfiguration);
  EXPECT_THAT(sink.error().message, HasSubstr("acks.of.all"));
}

}  // namespace
}  // namespace stuffwatch::daemon::sinks
