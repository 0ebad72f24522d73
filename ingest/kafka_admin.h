// Asks the brokers without waiting: topics, a group's members, offsets. Answers come out of poll().
// Threads: called from one; a second one inside asks what the coordinator knows. Why not the
// library's asynchronous calls for that too: a DescribeConsumerGroups or ListConsumerGroupOffsets
// that timed out aborts the process when the coordinator comes back (librdkafka issue 4605, seen
// with 2.8.0). The blocking calls it has had from the beginning do not.
// Cost: one round trip a question; looking at a group asks every broker. Errors: in the answer,
// with the remedy.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ingest/kafka_answers.h"
#include "ingest/kafka_handle.h"

namespace stuffwatch::ingest {

class KafkaAdmin {
 public:
  // The client must outlive it, and be a consumer of that group for committed(). Destroying it
  // waits for a question that is under way, at most three seconds.
  explicit KafkaAdmin(rd_kafka_t& client);

  void describe_topics(const std::vector<std::string>& topics);
  void describe_group(const std::string& group);
  void committed(const std::vector<KafkaPlace>& places, int tag);
  // `query` as of KafkaPosition::query().
  void list_offsets(const std::map<KafkaPlace, std::int64_t>& query, int tag);

  // The next answer, or nothing within `timeout`.
  [[nodiscard]] std::optional<KafkaAnswer> poll(
      std::chrono::milliseconds timeout = std::chrono::milliseconds{0});

 private:
  void ask_coordinator(std::function<KafkaAnswer()> question);
  void work(const std::stop_token& stop);
  [[nodiscard]] std::optional<KafkaAnswer> coordinator_answer();

  rd_kafka_t& client_;
  KafkaQueue queue_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::function<KafkaAnswer()>> questions_;  // guarded by mutex_
  std::deque<KafkaAnswer> answers_;                     // guarded by mutex_
  std::jthread worker_;                                 // last: ends before what it uses
};

}  // namespace stuffwatch::ingest
