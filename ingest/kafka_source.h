// Kafka topics as a Source: one consumer in one group for all topics of `inputs`, one input a
// partition.
//
// Offsets: a seek() after kAssigned and before the next service() decides where an input starts;
// without one kafka.start does, by record timestamp, or committed() where that is earlier (a
// kafka.start that is a time skips what is older, and counts it). Records before committed() were
// dealt with in an earlier life (warm-up).
// Ownership: exclusive, this process has all partitions or none and standby() says which; shared,
// the group divides them.
// Time: no clock is read but a monotonic one, for retries; `now` matters to a kafka.start that is a
// duration.
// Threads: one. Nothing blocks but release() (commits, at most 3 s) and close().
// Memory: kafka.fetch_memory, and one fetch a partition.
// Errors: at open() the configuration's; later in status() and problem(), with the remedy; it
// recovers by itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/kafka_client.h"
#include "ingest/source.h"

namespace stuffwatch::ingest {

struct KafkaTopic {
  std::uint32_t declared = 0;  // index in `inputs`
  std::string topic;
};

struct KafkaSourceOptions {
  KafkaLog log;
  std::function<config::TimeMs()> now;      // needed when kafka.start is a duration
  std::chrono::milliseconds max_rewind{0};  // caps a kafka.start that is a duration; 0 = no cap
};

class KafkaSource final : public Source {
 public:
  [[nodiscard]] static config::Result<std::unique_ptr<KafkaSource>> open(
      const KafkaSettings& settings, std::vector<KafkaTopic> topics, KafkaSourceOptions options);
  ~KafkaSource() override;

  [[nodiscard]] std::vector<InputChange> service() override;
  [[nodiscard]] ReadStatus read(InputId id, RawChunk& out) override;
  [[nodiscard]] config::Result<void> seek(InputId id, std::int64_t offset) override;
  [[nodiscard]] std::vector<InputStatus> status() const override;
  void commit(InputId id, std::int64_t next_offset) override;
  void release(InputId id) override;
  [[nodiscard]] bool standby() const override;
  [[nodiscard]] bool complete() const override;

  // The group's committed offset when the input was assigned.
  [[nodiscard]] std::optional<std::int64_t> committed(InputId id) const override;
  // Where the input will start unless seek() says otherwise.
  [[nodiscard]] std::optional<std::int64_t> planned_start(InputId id) const;
  // Records that were passed over since start-up: gone from the topic before they were read, or
  // older than the time in kafka.start.
  [[nodiscard]] std::uint64_t gap_messages() const;
  // Why there are no inputs, or why they stand still; "" when all is well.
  [[nodiscard]] std::string problem() const;
  // Commits what commit() was told and leaves the group. Nothing may be read afterwards.
  void close();

 private:
  class Impl;
  explicit KafkaSource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stuffwatch::ingest
