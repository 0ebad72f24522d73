// A stretch of a Kafka topic for replay:
// kafka:TOPIC?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z. Belongs to no group anybody knows,
// commits nothing, and ends: at `to`, or at the end the topic had when it was opened.
// Time: by record timestamp. Threads: one; open() waits for the brokers, nothing else blocks.
// Memory: kafka.fetch_memory. Errors: open() says what is wrong and what to do; a broker that goes
// away later is kUnreachable and comes back by itself; where records are deleted while they are
// replayed the input ends, with the reason.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/kafka_client.h"
#include "ingest/source.h"

namespace stuffwatch::ingest {

struct KafkaRange {
  std::string topic;
  KafkaPosition from{};             // earliest
  std::optional<KafkaPosition> to;  // excluded; without it the end at the start
  std::string brokers;              // "" = those of the configuration

  // `kafka:TOPIC?from=...&to=...&brokers=...`; values may be percent-encoded.
  [[nodiscard]] static config::Result<KafkaRange> parse(std::string_view url);

  friend bool operator==(const KafkaRange&, const KafkaRange&) = default;
};

struct KafkaRangeOptions {
  KafkaLog log;
  std::function<config::TimeMs()> now;  // needed when from= or to= is a duration
  std::chrono::milliseconds patience = std::chrono::seconds(15);  // for open()
};

// Offsets of one partition, `to` excluded.
struct KafkaStretch {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

class KafkaRangeSource final : public Source {
 public:
  // `declared`: index in the list of inputs. `settings.brokers` gives way to range.brokers.
  [[nodiscard]] static config::Result<std::unique_ptr<KafkaRangeSource>> open(
      KafkaSettings settings, const KafkaRange& range, std::uint32_t declared,
      const KafkaRangeOptions& options);
  // Exactly these offsets, by partition.
  [[nodiscard]] static config::Result<std::unique_ptr<KafkaRangeSource>> open_at(
      const KafkaSettings& settings, const std::string& topic, std::uint32_t declared,
      const std::map<std::int32_t, KafkaStretch>& stretches, KafkaLog log);
  ~KafkaRangeSource() override;

  [[nodiscard]] std::vector<InputChange> service() override;
  [[nodiscard]] ReadStatus read(InputId id, RawChunk& out) override;
  [[nodiscard]] config::Result<void> seek(InputId id, std::int64_t offset) override;
  [[nodiscard]] std::vector<InputStatus> status() const override;
  void commit(InputId, std::int64_t) override {}
  void release(InputId) override {}

 private:
  class Impl;
  explicit KafkaRangeSource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stuffwatch::ingest
