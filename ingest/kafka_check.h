// What `config check --live` asks of Kafka: brokers, log-in, rights, topics, group, and some
// records of each topic to decode. Changes nothing, commits nothing, joins no group that anybody
// knows. Blocks, for `patience` at most in each step.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "ingest/kafka_client.h"
#include "ingest/raw_chunk.h"

namespace stuffwatch::ingest {

struct KafkaCheckLine {
  bool ok = false;
  std::string subject;  // "brokers", "topic logins", "group stuffwatch"
  std::string text;     // what was found, or what is wrong and what to do about it
};

struct KafkaSample {
  std::string topic;
  std::vector<RawChunk> chunks;  // the newest records, some of each partition
};

struct KafkaCheckReport {
  std::vector<KafkaCheckLine> lines;
  std::vector<KafkaSample> samples;

  [[nodiscard]] bool ok() const;
};

struct KafkaCheckOptions {
  std::chrono::milliseconds patience = std::chrono::seconds(10);
  std::size_t sample_records = 100;  // a topic
  KafkaLog log;
};

[[nodiscard]] KafkaCheckReport check_kafka(const KafkaSettings& settings,
                                           const std::vector<std::string>& topics,
                                           const KafkaCheckOptions& options);

}  // namespace stuffwatch::ingest
