#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/kafka_producer.h"

namespace stuffwatch::ingest {
namespace {

using namespace std::chrono_literals;

TEST(KafkaReceipts, CursorMovesOnlyPastWhatIsSettledInOrder) {
  KafkaReceipts receipts;
  EXPECT_EQ(receipts.settled_through(), 0U);
  for (int i = 0; i < 4; ++i) receipts.take();
  receipts.settle(2);
  receipts.settle(3);
  EXPECT_EQ(receipts.settled_through(), 0U);
  receipts.settle(1);
  EXPECT_EQ(receipts.settled_through(), 3U);
  EXPECT_EQ(receipts.pending(), 1U);
  receipts.settle(4);
  EXPECT_EQ(receipts.settled_through(), 4U);
  EXPECT_EQ(receipts.take(), 5U);
  EXPECT_EQ(receipts.settled_through(), 4U);
}

std::unique_ptr<KafkaProducer> nowhere(KafkaProducerOptions options) {
  KafkaSettings settings;
  settings.brokers = "127.0.0.1:1";
  auto producer = KafkaProducer::open(settings, std::move(options));
  EXPECT_TRUE(producer);
  return std::move(*producer);
}

TEST(KafkaProducer, FullIsSaidAndNothingIsTaken) {
  KafkaProducerOptions options;
  options.max_messages = 3;
  const auto producer = nowhere(std::move(options));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(producer->send({"t", "key", "value", {}}));
  const auto refused = producer->send({"t", "key", "value", {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().why, KafkaRefusal::Why::kFull);
  EXPECT_EQ(producer->under_way(), 3U);
  EXPECT_EQ(producer->delivered_through(), 0U);
}

TEST(KafkaProducer, TooLargeForTheClientIsSaidAtOnce) {
  KafkaProducerOptions options;
  options.properties = {{"message.max.bytes", "2000"}};
  const auto producer = nowhere(std::move(options));
  const auto refused = producer->send({"t", std::nullopt, std::string(3000, 'x'), {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().why, KafkaRefusal::Why::kTooLarge);
  EXPECT_EQ(producer->under_way(), 0U);
}

TEST(KafkaProducer, WhatDoesNotArriveInTimeFailsAndHoldsTheCursorUntilItsSenderGivesItUp) {
  KafkaProducerOptions options;
  options.message_timeout = 100ms;
  const auto producer = nowhere(std::move(options));
  const auto token = producer->send({"t", std::nullopt, "secret-value", {}});
  ASSERT_TRUE(token);
  std::vector<KafkaDelivery> deliveries;
  ASSERT_TRUE(producer->flush(20s, deliveries));
  ASSERT_EQ(deliveries.size(), 1U);
  EXPECT_EQ(deliveries[0].token, *token);
  EXPECT_FALSE(deliveries[0].delivered);
  EXPECT_FALSE(deliveries[0].too_large);
  EXPECT_THAT(deliveries[0].problem, ::testing::HasSubstr("check kafka.brokers"));
  EXPECT_THAT(deliveries[0].problem, ::testing::Not(::testing::HasSubstr("secret-value")));
  EXPECT_EQ(producer->delivered_through(), 0U);
  producer->settle(*token);
  EXPECT_EQ(producer->delivered_through(), *token);
}

}  // namespace
}  // namespace stuffwatch::ingest
